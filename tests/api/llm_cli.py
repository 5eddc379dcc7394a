#!/usr/bin/env python3
"""Simon Willison's llm, the command, with this server as one of its extra OpenAI models."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from e2e.support.cases import PATIENCE, case, check, equal, main  # noqa: E402

server = Server()
folder = tempfile.TemporaryDirectory(prefix="shenbi-llm-")
home = pathlib.Path(folder.name)
(home / "extra-openai-models.yaml").write_text(f"""
- model_id: local
  model_name: {MODEL}
  api_base: {server.url}/v1
  supports_schema: true
- model_id: local-raw
  model_name: {MODEL}
  api_base: {server.url}/v1
  completion: true
""")


def llm(*arguments, status=0):
    done = subprocess.run([sys.executable, "-m", "llm", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, env={**os.environ, "LLM_USER_PATH": str(home), "OPENAI_API_KEY": "none"})
    equal(done.returncode, status, done.stdout, done.stderr)
    return done.stdout.strip() if status == 0 else done.stderr.strip()


@case
def its_models_are_listed():
    check("local" in llm("models", "list"))


@case
def a_stream_is_the_whole_answer_and_is_logged_with_its_usage():
    asking = ("-m", "local", "-o", "temperature", "0", "-o", "max_tokens", "16", "What is the capital of France?")
    whole = llm(*asking, "--no-stream")
    check(whole)
    equal(llm(*asking), whole)
    logged = json.loads(llm("logs", "-n", "1", "--json"))[0]
    equal(logged["response"].strip(), whole)
    check(0 < logged["output_tokens"] <= 16, logged)


@case
def raw_completions_go_on_with_the_text():
    check(llm("-m", "local-raw", "-o", "temperature", "0", "-o", "max_tokens", "4", "--no-stream", "The capital of France is"))


@case
def a_schema_is_kept_to():
    schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 99}},
              "required": ["name", "age"], "additionalProperties": False}
    value = json.loads(llm("-m", "local", "--no-stream", "-o", "max_tokens", "80", "-o", "temperature", "0", "--schema", json.dumps(schema), "A dog"))
    equal(sorted(value), ["age", "name"])


@case
def a_refused_field_is_named():
    check("seed" in llm("-m", "local", "--no-stream", "-o", "seed", "99999999999999999999", "x", status=1))


try:
    main(workers=1)  # it keeps one database
finally:
    server.stop()
    folder.cleanup()
