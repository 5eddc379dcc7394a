"""OpenAI's and Anthropic's own tests of their Python packages, out of their source packages: run against any address, and held against a
table of what must become of each.

A table: a package and a file of its tests, then a line a group of tests:   NAME[:VARIANT]   OUTCOME   WORDS   # why
    passes          the test passes
    STATUS WORDS    the server refuses with this status, and the error holds the words
    raises NAME     the client itself raises NAME
    skips           the test leaves itself out
The first line whose name fits counts. Every test must fit one, every line must be met."""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SUPPORT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(SUPPORT.parents[1] / "parity" / "support"))
from reference_package import part_of  # noqa: E402

# What the address of a server is to their clients, and plugins of theirs that pytest must know of.
PACKAGES = {"openai": ("/v1", []), "anthropic": ("", ["-p", "tests._alias_httpx"])}
LINE = re.compile(r"^  (?P<name>\S+)\s+(?P<outcome>passes|skips|raises|\d{3})(?:\s+(?P<words>[^#]*?))?\s*(?:#.*)?$")


def read_table(file):
    table, lines = {}, None
    for number, text in enumerate(file.read_text().splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        if not text.startswith(" "):
            lines = table.setdefault(tuple(text.split()), [])
        elif found := LINE.match(text):
            name = found["name"] if ":" in found["name"] else found["name"] + ":*"
            lines.append({"name": name, "outcome": found["outcome"], "words": found["words"] or "", "number": number, "met": False})
        else:
            raise ValueError(f"{file.name}:{number}: not understood: {text}")
    return table


def run(package, files, url, selection):
    """What became of each test: a list of {"test", "outcome", "raised"}. `url`: with the path that their client wants."""
    folder = part_of(package, "tests").parent
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as outcomes:
        # pytest's own settings in these packages ask for tools that only their authors need.
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "-p", "outcomes",
             *PACKAGES[package][1], "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session", "-k", selection,
             *(f"tests/api_resources/{file}" for file in files)],
            cwd=folder, capture_output=True, text=True,
            env={**os.environ, "TEST_API_BASE_URL": url, "PYTHONPATH": str(SUPPORT), "OUTCOMES": outcomes.name,
                 "PYTHONDONTWRITEBYTECODE": "1"})
        if done.returncode not in (0, 1):  # 1: some tests failed, as the table says
            raise RuntimeError(f"{package}: pytest ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return [json.loads(line) for line in outcomes]


def _as_said(line, result):
    if line["outcome"] == "passes":
        return result["outcome"] == "passed"
    if line["outcome"] == "skips":
        return result["outcome"] == "skipped"
    if result["outcome"] != "failed":
        return False
    if line["outcome"] == "raises":
        return result["raised"].startswith(line["words"] + ":")
    return f"Error code: {line['outcome']} " in result["raised"] and line["words"] in result["raised"]


def problems(table, key, results):
    """Of the tests of one file: one text for each result that is not as the table says or that it does not speak of, and for each line
    that no test met."""
    for result in results:
        function, variant = re.match(r".*::(\w+)(?:\[(.*)\])?$", result["test"]).groups()
        line = next((l for l in table[key] if fnmatch.fnmatchcase(f"{function}:{variant}", l["name"])), None)
        if line is None:
            yield f"{result['test']}: no line of the table is about it; it {result['outcome']}: {result['raised']}"
            continue
        line["met"] = True
        if not _as_said(line, result):
            yield f"{result['test']}: line {line['number']} says {line['outcome']} {line['words']}; it {result['outcome']}: {result['raised']}"
    yield from (f"{' '.join(key)}: line {l['number']} was met by no test" for l in table[key] if not l["met"])


def of_file(results, file):
    return [r for r in results if r["test"].startswith(f"tests/api_resources/{file}::")]
