#!/usr/bin/env python3
"""The JavaScript clients (tests/api/javascript) against a real server with the real default model."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, serving  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent / "javascript"

with serving(f"--alias=tooled={tooled_model()}") as server:
    sys.exit(subprocess.run(["node", FOLDER / "clients.mjs", server.url, MODEL, "tooled"], cwd=FOLDER).returncode)
