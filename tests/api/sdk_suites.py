#!/usr/bin/env python3
"""OpenAI's and Anthropic's own tests of their Python packages, out of the source packages, against a real server. Which of them
pass, and by which named refusal the others fail, is the table sdk_suites.txt: anything else is a failure here.

Those tests read the address of the server from TEST_API_BASE_URL; their authors let a mock of the API's description stand there, here
the real server does. They come from the source package that fits the installed client, into build/reference, and run as they are; the
names, ids and numbers in them are made up, so a refusal by the name of what is made up is as good an outcome as an answer."""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "parity" / "support"))
from reference_package import part_of  # noqa: E402

from api.support.server import MODEL, serving  # noqa: E402

# The names that the tests have built in. The context is short, so that a base model that does not stop is short too.
NAMES = ["gpt-3.5-turbo-instruct", "gpt-6-astra", "text-embedding-3-small", "model", "claude-opus-5-5", "model_id"]
OPTIONS = ["--context", "48", *(f"--alias={name}={MODEL}" for name in NAMES)]
# Strict clients validate every answer against its type. Loose ones do not, which tells more only where the strict ones fail.
SELECTION = "not loose or embeddings"
PACKAGES = {"openai": ("/v1", []), "anthropic": ("", ["-p", "tests._alias_httpx"])}
LINE = re.compile(r"^  (?P<name>\S+)\s+(?P<outcome>passes|skips|raises|\d{3})(?:\s+(?P<words>[^#]*?))?\s*(?:#.*)?$")


def read_table():
    table, lines = {}, None
    for number, text in enumerate((HERE / "sdk_suites.txt").read_text().splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        if not text.startswith(" "):
            lines = table.setdefault(tuple(text.split()), [])
        elif found := LINE.match(text):
            name = found["name"] if ":" in found["name"] else found["name"] + ":*"
            lines.append({"name": name, "outcome": found["outcome"], "words": found["words"] or "", "number": number, "met": False})
        else:
            raise ValueError(f"sdk_suites.txt:{number}: not understood: {text}")
    return table


def run(package, files, url):
    """What became of each test: a list of {"test", "outcome", "raised"}."""
    suffix, more = PACKAGES[package]
    folder = part_of(package, "tests").parent
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as outcomes:
        # pytest's own settings in these packages ask for tools that only their authors need.
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "-p", "outcomes", *more,
             "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session", "-k", SELECTION,
             *(f"tests/api_resources/{file}" for file in files)],
            cwd=folder, capture_output=True, text=True,
            env={**os.environ, "TEST_API_BASE_URL": url + suffix, "PYTHONPATH": str(HERE / "support"), "OUTCOMES": outcomes.name,
                 "PYTHONDONTWRITEBYTECODE": "1"})
        if done.returncode not in (0, 1):  # 1: some tests failed, as the table says
            raise RuntimeError(f"{package}: pytest ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return [json.loads(line) for line in outcomes]


def as_said(line, result):
    if line["outcome"] == "passes":
        return result["outcome"] == "passed"
    if line["outcome"] == "skips":
        return result["outcome"] == "skipped"
    if result["outcome"] != "failed":
        return False
    if line["outcome"] == "raises":
        return result["raised"].startswith(line["words"] + ":")
    return f"Error code: {line['outcome']} " in result["raised"] and line["words"] in result["raised"]


def problems(lines, results):
    """One text a result that is not as the table says, or that it does not speak of."""
    for result in results:
        function, variant = re.match(r".*::(\w+)(?:\[(.*)\])?$", result["test"]).groups()
        line = next((l for l in lines if fnmatch.fnmatchcase(f"{function}:{variant}", l["name"])), None)
        if line is None:
            yield f"{result['test']}: no line of sdk_suites.txt is about it; it {result['outcome']}: {result['raised']}"
            continue
        line["met"] = True
        if not as_said(line, result):
            yield f"{result['test']}: line {line['number']} says {line['outcome']} {line['words']}; it {result['outcome']}: {result['raised']}"


def main():
    table = read_table()
    passed = failed = 0
    with serving(*OPTIONS) as server:
        for package in PACKAGES:
            files = [file for of, file in table if of == package]
            results = run(package, files, server.url)
            for file in files:
                of_file = [r for r in results if r["test"].startswith(f"tests/api_resources/{file}::")]
                found = list(problems(table[package, file], of_file))
                found += [f"{package} {file}: line {l['number']} was met by no test" for l in table[package, file] if not l["met"]]
                for problem in found:
                    print(f"FAILED {problem}")
                failed += len(found)
                passed += max(len(of_file) - len(found), 0)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
