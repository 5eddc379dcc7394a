#!/usr/bin/env python3
"""Runs every libFuzzer target of a build for a while, each with its seed corpus tests/fuzz/<target without fuzz_>/.

Prints one line a target; the input that broke one is kept in the build's finds/. Exit status 1 if any target failed.

usage: tools/run_fuzz.py --seconds N [--jobs 2] [--build build/fuzz] [TARGET ...]
"""
import argparse
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run_target(binary, seconds):
    seeds = ROOT / "tests" / "fuzz" / binary.name.removeprefix("fuzz_")
    finds = binary.parent / "finds"
    finds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        folders = [corpus] + ([str(seeds)] if seeds.is_dir() else [])
        command = [str(binary), *folders, f"-max_total_time={seconds}", f"-artifact_prefix={finds}/{binary.name}-",
                   "-rss_limit_mb=2048", "-malloc_limit_mb=1024", "-timeout=20", "-print_final_stats=1", "-verbosity=1"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    runs = next((line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line), "?")
    return done.returncode, runs, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("targets", nargs="*")
    args = parser.parse_args()
    binaries = sorted(p for p in args.build.glob("fuzz_*") if p.is_file())
    if args.targets:
        binaries = [b for b in binaries if b.name in args.targets]
    if not binaries:
        sys.exit(f"run_fuzz: no fuzz targets in {args.build} (./dev fuzz builds them in build/fuzz)")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for binary, (code, runs, log) in zip(binaries, pool.map(lambda b: run_target(b, args.seconds), binaries)):
            print(f"{'ok  ' if code == 0 else 'FAIL'} {binary.name}: {runs} inputs", flush=True)
            if code != 0:
                failed += 1
                print(log[-4000:])
    print(f"{len(binaries) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
