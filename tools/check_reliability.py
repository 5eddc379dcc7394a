#!/usr/bin/env python3
"""Every row of docs/reliability.md names tests that exist.

In the last column of its tables, `Suite.name` is a GoogleTest case of src/, `.name` one of the suite before it, `script.py` a script of
tests/, and `name` or `script.py: name` a test function of that script. "…" stands for the rest of a name, "*" for all of a suite.

usage: tools/check_reliability.py
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"


def gtest_cases():
    for path in (ROOT / "src").rglob("*_test.cpp"):
        for suite, name in re.findall(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", path.read_text()):
            yield f"{suite}.{name}"


def matches(wanted, names):
    pattern = re.escape(wanted).replace("…", r"\w+").replace(r"\*", r"\w+")
    return any(re.fullmatch(pattern, name) for name in names)


def scripts():
    """name -> the functions in it; also by the path below tests/."""
    found = {}
    for path in (ROOT / "tests").rglob("*.py"):
        functions = re.findall(r"^def (\w+)\(", path.read_text(), re.MULTILINE)
        if path.parent.name == "faults":
            found[path.name] = functions
        found[str(path.relative_to(ROOT))] = functions
    return found


def problems():
    cases, functions = set(gtest_cases()), scripts()
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("| ") or len(cells) < 4 or cells[-1] == "tests":
            continue
        words = re.findall(r"`([^`]+)`", cells[-1])
        if not words:
            yield f"{PAGE.name}:{number}: names no test"
        script = suite = None
        for word in words:
            head, colon, name = word.partition(": ")
            if head.endswith((".py", ".mjs", ".json")):
                script = head
                known = head in functions or (ROOT / head).exists()
                if not known:
                    yield f"{PAGE.name}:{number}: there is no {head}"
                if not colon:
                    continue
                word = name
            if "." in word:
                suite = word.split(".")[0] or suite
                word = suite.rpartition("/")[2] + "." + word.split(".", 1)[1]
                script = None
                found = matches(word, cases)
            else:
                found = script in functions and matches(word, functions[script])
            if not found:
                yield f"{PAGE.name}:{number}: no test '{word}'" + (f" in {script}" if script else "")


found = list(problems())
print("\n".join(found) or "every row names tests that exist")
sys.exit(1 if found else 0)
