#!/usr/bin/env python3
"""OpenAI's and Anthropic's own tests of their Python packages, through a server to houses that are played by their own descriptions
(support/described.py): these find what is wrong in a request and make an answer of the right shape. Nothing here was written for this
program, neither the questions nor the answers nor the rules that they are held against.

In the house's own dialect the house must be asked for the same, byte by byte, and find the same wrong as when the tests ask it without a
server between. Whatever the dialect, what must become of each test is the table described_houses.txt, and where requests are translated
the house must find nothing wrong in any of them."""
import collections
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from api.support.described import Described  # noqa: E402
from api.support.sdk_tests import PACKAGES, problems, read_table, run  # noqa: E402
from api.support.server import SHENBI, Server  # noqa: E402
from faults.support.process import data_home  # noqa: E402

# The models that those tests name.
NAMES = {"openai": ("gpt-3.5-turbo-instruct", "gpt-6-astra", "gpt-4o-transcribe"), "anthropic": ("claude-opus-5-5",)}
BASE = {"openai": "", "anthropic": "/v1"}  # where a description's paths begin
# Which of these tests ask for an answer. Strict clients validate every answer against its type.
SELECTION = "create and not loose"
# Tests of a package and its house, whose requests go through untouched.
PASSED = {"openai": "chat/test_completions.py", "anthropic": "test_messages.py"}


def through(home, package, house, described):
    """A server whose models of the package's names are the house's."""
    subprocess.run([SHENBI, "upstreams", "add", house, "--house", house, "--base-url", described.url + BASE[house], "--key-from-input",
                    *(f"--model={name}" for name in NAMES[package])], input="sk-of-the-operator-0123456789\n", text=True, check=True,
                   capture_output=True, env={**os.environ, "SHENBI_HOME": str(home)})
    return Server(models=(), home=home)


def as_asked(one):
    """What a caller said of what a house was asked for: who streams without asking for the usage is asked for by the server."""
    path = one.path.replace("/v1/", "/")
    body = json.loads(one.body)
    if body.get("stream") and body.get("stream_options") == {"include_usage": True}:
        body.pop("stream_options")
        return path, json.dumps(body, ensure_ascii=False, separators=(",", ":")), one.problems
    return path, one.body.decode(), one.problems


def differences(package, direct, asked):
    mine, theirs = (collections.Counter(map(as_asked, some)) for some in (asked, direct))
    for words, more in (("only through the server", mine - theirs), ("only without the server", theirs - mine)):
        for (path, body, found), count in more.items():
            yield f"{package}: {count} times {words}: {path}: {found}: {body[:3000]}"


def tried(package, house, file, described, table):
    """How many tests and requests there were, and what is wrong with them."""
    with data_home() as home:
        server = through(home, package, house, described)
        results = run(package, [file], server.url + PACKAGES[package][0], SELECTION)
        server.stop()
    asked = described.taken()
    found = list(problems(table, (package, house, file), results))
    if file == PASSED.get(house) and package == house:
        run(package, [file], described.url, SELECTION)
        found += differences(package, described.taken(), asked)
    elif package != house:
        found += [f"{package} to {house}: {one.path}: {one.problems}: {one.body[:3000]}" for one in asked if one.problems]
    return len(results) + len(asked), found


def main():
    table = read_table(HERE / "described_houses.txt")
    passed = failed = 0
    for house in PACKAGES:
        described = Described(house)
        for package, behind, file in table:
            if behind != house:
                continue
            count, found = tried(package, house, file, described, table)
            for problem in found:
                print(f"FAILED {problem}", flush=True)
            failed += len(found)
            passed += max(count - len(found), 0)
        described.stop()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
