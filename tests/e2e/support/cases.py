"""The frame of the end-to-end tests: a case is a function, cases run side by side, the last line counts them.

    @case
    def a_missing_model_is_exit_3(): ...
    main()

Words on the command line choose the cases whose names hold one of them.
"""
import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

PROGRAM = os.environ.get("SHENBI", str(pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "shenbi"))
PATIENCE = 120  # seconds; for machines under load, nothing waits for it to pass

_cases = []


def case(function):
    _cases.append(function)
    return function


def main(workers=4, last=None):
    """`last`: one more case, which sums up what the others saw; only where all of them ran."""
    wanted = sys.argv[1:]
    chosen = [f for f in _cases if not wanted or any(word in f.__name__ for word in wanted)]
    failed = 0

    def run(function):
        start = time.monotonic()
        try:
            function()
            return function.__name__, None, time.monotonic() - start
        except BaseException:
            return function.__name__, traceback.format_exc(), time.monotonic() - start

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        outcomes = pool.map(run, chosen)
        if last and not wanted:
            chosen = [*chosen, last]
            outcomes = itertools.chain(outcomes, map(run, [last]))
        for name, problem, seconds in outcomes:
            if problem:
                failed += 1
                print(f"FAILED {name}\n{problem}", flush=True)
            elif wanted or seconds > 10:
                print(f"ok     {name} {seconds:.1f} s", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def check(condition, *facts):
    if not condition:
        raise AssertionError(" | ".join(str(fact) for fact in facts))


def equal(found, expected, *facts):
    check(found == expected, f"found {found!r}, expected {expected!r}", *facts)


@contextlib.contextmanager
def raises(kind, *words):
    """The block must raise `kind` with each of the words in its text."""
    try:
        yield
    except kind as error:
        for word in words:
            check(word in str(error), f"'{word}' is not in: {error}")
    else:
        raise AssertionError(f"no {kind.__name__}")


def wait_for(condition, what):
    """Until condition() is true; the answer is its value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {PATIENCE} s for: {what}")


class Home:
    """A data folder of its own and the program in it."""

    def __init__(self, **environment):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="shenbi-e2e-"))
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "HF_TOKEN"}
        self.environment = {**clean, "SHENBI_HOME": str(self.path), **environment}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def start(self, *arguments, **options):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([PROGRAM, *map(str, arguments)], env=self.environment, **pipes)

    def run(self, *arguments, exit=0, **options):
        """Runs to the end and compares the exit status. Returns a Result."""
        process = self.start(*arguments, **options)
        return finish(process, exit)

    # --- looking at the store ---

    def model_file(self, name, file):
        model, tag = name.split(":")
        return (self.path / "models" / model / tag / file).read_bytes()

    def blobs(self):
        return sorted(p.name for p in (self.path / "blobs").glob("*"))

    def unfinished(self):
        return sorted(p.name for p in (self.path / "unfinished").glob("*"))

    def models(self):
        import json
        return [m["name"] for m in json.loads(self.run("models", "--json").out)]

    def check_empty(self):
        equal(self.models(), [])
        equal(self.blobs(), [])


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out.decode(errors="replace"), err.decode(errors="replace")
        self.raw = out

    def error(self, *words):
        """The one error line; it holds each of the words."""
        lines = [line for line in self.err.splitlines() if line.startswith("shenbi: ")]
        equal(len(lines), 1, self.err)
        equal(self.err.splitlines()[-1], lines[0])
        for word in words:
            check(word in lines[0], f"'{word}' is not in: {lines[0]}")
        return lines[0]


def finish(process, exit=0):
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    result = Result(process.returncode, out or b"", err or b"")
    equal(result.status, exit, result.err[-2000:], result.out[-500:])
    return result


def interrupt(process):
    process.send_signal(signal.SIGINT)
