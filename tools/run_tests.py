#!/usr/bin/env python3
"""Runs every test of a built tree and counts them; the last line is "N passed, N failed".

Steps, in order:
  layers      tools/check_layers.py, tools/check_private_names.py, docs/limits.md against its header, docs/reliability.md against the tests, pages in two
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
are added, otherwise its exit status counts as one. What hangs is ended after a quarter of an hour and counts as failed. Steps can be named to run only these.

usage: tools/run_tests.py [STEP ...]
"""
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUZZ_SECONDS = 5
HANG_SECONDS = 900  # the longest program or script takes a sixth of this on two busy cores
TOGETHER = ("unit", "sanitizers")  # steps whose programs run side by side
COUNT = re.compile(r"^(\d+) passed, (\d+) failed\s*$")


def descendants(pid):
    """`pid` and every process that it started, and they, whatever their group."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            own, parent = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        children.setdefault(parent, []).append(own)
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def ended(command, **options):
    """Runs a command to its end: its exit status, what it said, its errors. One that hangs is ended, with all that it started, and says
    in its errors where its threads stood (if it is Python)."""
    # Into files and not pipes: what a command left running would hold a pipe open.
    with tempfile.TemporaryFile("w+", errors="replace") as said, tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=errors, cwd=ROOT, start_new_session=True, **options)
        hung = False
        try:
            process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            hung = True
            started = descendants(process.pid)
            process.send_signal(signal.SIGABRT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            for one in started:
                try:
                    os.kill(one, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.wait()
        said.seek(0), errors.seek(0)
        words = f"\nended after {HANG_SECONDS} s: it hung" if hung else ""
        return process.returncode, said.read(), errors.read() + words


def gtest(binary, environment=None):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        status, said, errors = ended([str(binary), "--gtest_brief=1", f"--gtest_output=json:{report.name}"],
                                     env={**os.environ, **(environment or {})})
        try:
            result = json.load(open(report.name))
            passed, failed = result["tests"] - result["failures"] - result.get("errors", 0), result["failures"]
        except (ValueError, KeyError):  # it crashed before it could write the report
            passed, failed = 0, 1
    if status != 0:
        failed = max(failed, 1)
        print(said[-6000:], errors[-6000:], sep="\n")
    return passed, failed


def script(command, shenbi=str(ROOT / "build" / "release" / "shenbi")):
    status, said, errors = ended(command, env={**os.environ, "SHENBI": shenbi, "PYTHONFAULTHANDLER": "1"})
    lines = said.strip().splitlines()
    found = COUNT.match(lines[-1]) if lines else None
    passed, failed = (int(found[1]), int(found[2])) if found else (1, 0)
    if status != 0:
        passed, failed = (passed, max(failed, 1)) if found else (0, 1)
    if failed:
        print(said[-6000:], errors[-6000:], sep="\n")
    return passed, failed


def steps():
    yield "layers", "check_layers", lambda: script([sys.executable, "tools/check_layers.py"])
    yield "layers", "private names", lambda: script([sys.executable, "tools/check_private_names.py"])
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
    begun = time.monotonic()
    for step, group in itertools.groupby(chosen, key=lambda chosen_step: chosen_step[0]):
        group = list(group)
        # The unit tests share nothing (own folders, free ports), so one runs on each core; scripts have the machine alone.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() if step in TOGETHER else 1) as pool:
            for (_, name, _), (passed, failed, seconds) in zip(group, pool.map(lambda one: timed(one[2]), group)):
                total_passed, total_failed = total_passed + passed, total_failed + failed
                print(f"{step:<11}{name:<32}{passed:>6} passed {failed:>4} failed   {seconds:6.1f} s   at {(time.monotonic() - begun) / 60:5.1f} min", flush=True)
    print(f"{total_passed} passed, {total_failed} failed")
    sys.exit(1 if total_failed or not total_passed else 0)


main()
