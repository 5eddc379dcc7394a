"""Clients whose packages cannot live beside the others': .venv-NAME, made by ./dev from tests/api/requirements-NAME.txt."""
import os
import pathlib
import sys


def run_with_own_packages(name):
    """Goes on as the same script under the Python of .venv-NAME."""
    folder = pathlib.Path(__file__).resolve().parents[3] / f".venv-{name}"
    if pathlib.Path(sys.prefix).resolve() == folder.resolve():
        return
    if not (folder / "bin" / "python").exists():
        print(f"FAILED {folder} is missing: ./dev test makes it from tests/api/requirements-{name}.txt\n0 passed, 1 failed")
        sys.exit(1)
    os.execv(folder / "bin" / "python", [str(folder / "bin" / "python"), *sys.argv])
