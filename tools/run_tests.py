#!/usr/bin/env python3
"""Runs every test of a built tree and counts them; the last line is "N passed, N failed".

Steps, in order:
  layers      tools/check_layers.py, docs/limits.md against its header, docs/reliability.md against the tests, pages in two
              languages against each other
  unit        build/release/*_test, every GoogleTest case counted
  sanitizers  build/asan/*_test, the same cases under AddressSanitizer and UBSan
  fuzz        every libFuzzer target for a few seconds
  parity      tests/parity/*.py: against libraries that are not ours
  e2e         tests/e2e/*.py: the program itself, with the real default model
  api         tests/api/*.py: clients that others wrote, against a real server with the default model
  faults      tests/faults/*.py: a real server whose clients, disk, memory and files fail or lie
  ui          tests/ui/page.mjs: the page in Chromium, with its mock server and with the program

A script of parity, e2e, api, faults or ui gets SHENBI (the program) in its environment; if its last line is "N passed, N failed" these
are added, otherwise its exit status counts as one. Steps can be named to run only these.

usage: tools/run_tests.py [STEP ...]
"""
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUZZ_SECONDS = 5
TOGETHER = ("unit", "sanitizers")  # steps whose programs run side by side
COUNT = re.compile(r"^(\d+) passed, (\d+) failed\s*$")


def gtest(binary, environment=None):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = subprocess.run([str(binary), "--gtest_brief=1", f"--gtest_output=json:{report.name}"],
                              capture_output=True, text=True, errors="replace", env={**os.environ, **(environment or {})})
        try:
            result = json.load(open(report.name))
            passed, failed = result["tests"] - result["failures"] - result.get("errors", 0), result["failures"]
        except (ValueError, KeyError):  # it crashed before it could write the report
            passed, failed = 0, 1
    if done.returncode != 0:
        failed = max(failed, 1)
        print(done.stdout[-6000:], done.stderr[-6000:], sep="\n")
    return passed, failed


def script(command, shenbi=str(ROOT / "build" / "release" / "shenbi")):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=ROOT,
                          env={**os.environ, "SHENBI": shenbi})
    lines = done.stdout.strip().splitlines()
    found = COUNT.match(lines[-1]) if lines else None
    passed, failed = (int(found[1]), int(found[2])) if found else (1, 0)
    if done.returncode != 0:
        passed, failed = (passed, max(failed, 1)) if found else (0, 1)
    if failed:
        print(done.stdout[-6000:], done.stderr[-6000:], sep="\n")
    return passed, failed


def steps():
    yield "layers", "check_layers", lambda: script([sys.executable, "tools/check_layers.py"])
    yield "layers", "limits page", lambda: script([sys.executable, "tools/make_limits_page.py", "--check"])
    yield "layers", "translations", lambda: script([sys.executable, "tools/check_translations.py"])
    yield "layers", "reliability page", lambda: script([sys.executable, "tools/check_reliability.py"])
    for step, preset in (("unit", "release"), ("sanitizers", "asan")):
        binaries = sorted((ROOT / "build" / preset).glob("*_test"))
        if not binaries:
            yield step, f"build/{preset} holds no tests", lambda: (0, 1)
        for binary in binaries:
            yield step, binary.name, lambda binary=binary: gtest(binary)
    yield "fuzz", f"each target {FUZZ_SECONDS} s", lambda: script(
        [sys.executable, "tools/run_fuzz.py", "--seconds", str(FUZZ_SECONDS), "--build", str(ROOT / "build" / "asan")])
    for step in ("parity", "e2e", "api", "faults"):
        for file in sorted((ROOT / "tests" / step).glob("*.py")):
            yield step, file.name, lambda file=file: script([sys.executable, str(file)])
    page = ["node", "tests/ui/page.mjs"]
    yield "ui", "page and mock server", lambda: script(page, shenbi="")
    yield "ui", "page and program", lambda: script(page)


def timed(run):
    start = time.monotonic()
    return *run(), time.monotonic() - start


def main():
    wanted = sys.argv[1:]
    chosen = [step for step in steps() if not wanted or step[0] in wanted]
    total_passed = total_failed = 0
    for step, group in itertools.groupby(chosen, key=lambda chosen_step: chosen_step[0]):
        group = list(group)
        # The unit tests share nothing (own folders, free ports), so one runs on each core; scripts have the machine alone.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() if step in TOGETHER else 1) as pool:
            for (_, name, _), (passed, failed, seconds) in zip(group, pool.map(lambda one: timed(one[2]), group)):
                total_passed, total_failed = total_passed + passed, total_failed + failed
                print(f"{step:<11}{name:<32}{passed:>6} passed {failed:>4} failed   {seconds:6.1f} s", flush=True)
    print(f"{total_passed} passed, {total_failed} failed")
    sys.exit(1 if total_failed or not total_passed else 0)


main()
