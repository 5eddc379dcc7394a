#!/usr/bin/env python3
"""Schemathesis, which makes requests from /openapi.json that fit it and requests that do not, against the server that serves it: nothing
may be an error of the server, and what does not fit must be refused. A tiny model of random weights answers, so that there are many."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import Server  # noqa: E402
from e2e.support.cases import PATIENCE  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "the-key-of-this-test"
NOT = "^/api/(pull|delete|copy)$"  # they would reach for the network, or for models of others
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,ignored_auth"
EXAMPLES = 10
BYTES = [chr(b) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255 else None for b in range(256)]


def byte_letters():
    """The letters that byte-level vocabularies write the 256 bytes with: visible Latin-1 as itself, the others from U+0100 on."""
    more = iter(range(256, 512))
    return [letter or chr(next(more)) for letter in BYTES]


def tiny_model(folder):
    """The fixture of the engine's tests, with a tokenizer of single bytes as far as its vocabulary goes."""
    shutil.copytree(ROOT / "tests" / "golden" / "models" / "llama" / "model", folder / "tiny")
    size = json.loads((folder / "tiny" / "config.json").read_text())["vocab_size"]
    (folder / "tiny" / "tokenizer.json").write_text(json.dumps({
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}, "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": {letter: i for i, letter in enumerate(byte_letters()[-size:])}, "merges": []}}))
    return folder / "tiny"


def document(url):
    """The server's own, with the one model's name where any string would fit: else every request would end at an unknown model."""
    found = json.load(urllib.request.urlopen(url + "/openapi.json", timeout=PATIENCE))
    for methods in found["paths"].values():
        for operation in methods.values():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "model":
                    parameter["schema"] = {"enum": ["tiny"]}
            if "type" in schema.get("properties", {}).get("model", {}):
                may_be_null = "null" in schema["properties"]["model"]["type"]
                schema["properties"]["model"] = {"enum": ["tiny", None] if may_be_null else ["tiny"]}
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="shenbi-schemathesis-") as name:
        folder = pathlib.Path(name)
        model = tiny_model(folder)
        server = Server("--api-key", KEY, f"--alias=tiny={model}", models=[str(model)])
        try:
            (folder / "openapi.json").write_text(json.dumps(document(server.url)))
            done = subprocess.run(
                [pathlib.Path(sys.executable).with_name("st"), "run", folder / "openapi.json", "--url", server.url, "-H", f"Authorization: Bearer {KEY}", "--exclude-path-regex", NOT,
                 "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "4", "--continue-on-failure",
                 "--request-timeout", str(PATIENCE), "--warnings", "off", "--suppress-health-check", "all", "--no-color", "--report", "junit",
                 "--report-junit-path", folder / "report.xml"],
                cwd=folder, capture_output=True, text=True)
        finally:
            server.stop()
        print(done.stdout[-12000:], done.stderr[-3000:])
        cases = re.findall(r"(\d+) generated, (\d+) (?:passed|found)", done.stdout)
        tried = max((int(a) for a, _ in cases), default=0)
        print(f"{tried if done.returncode == 0 else 0} passed, {0 if done.returncode == 0 and tried else 1} failed")
        sys.exit(done.returncode or (0 if tried else 1))


main()
