#!/usr/bin/env python3
"""The Ollama client for Python against a real server with the real default model."""
import pathlib
import sys

import ollama

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises  # noqa: E402

server = Server("--alias", f"llama3={MODEL}")
client = ollama.Client(host=server.url)
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


@case
def models_are_listed_shown_and_running():
    check(MODEL in [m.model for m in client.list().models])
    shown = client.show(MODEL)
    equal((shown.details.family, shown.details.format), ("gemma3", "gguf"))
    check("completion" in shown.capabilities, shown)
    check(MODEL in [m.model for m in client.ps().models])


@case
def an_alias_is_known_with_and_without_its_tag():
    for name in ("llama3", "llama3:latest"):
        equal(client.chat(name, FRANCE, options={"temperature": 0, "num_predict": 2}).model, "llama3")
        equal(client.show(name).details.family, "gemma3")
    check("llama3" in [m.model for m in client.list().models])


@case
def a_chat_is_answered_with_its_durations():
    answer = client.chat(MODEL, FRANCE, options={"temperature": 0, "num_predict": 16})
    check("Paris" in answer.message.content, answer)
    equal((answer.done, answer.done_reason), (True, "stop"))
    check(answer.eval_count > 1 and answer.prompt_eval_count > 5, answer)
    check(answer.total_duration >= answer.eval_duration > 0, answer)


@case
def a_stream_holds_the_same_answer():
    whole = client.chat(MODEL, FRANCE, options={"temperature": 0, "num_predict": 16})
    parts = list(client.chat(MODEL, FRANCE, options={"temperature": 0, "num_predict": 16}, stream=True))
    equal("".join(p.message.content for p in parts), whole.message.content)
    equal([p.done for p in parts], [False] * (len(parts) - 1) + [True])


@case
def generate_completes_raw_text():
    answer = client.generate(MODEL, "The capital of France is", raw=True, options={"temperature": 0, "num_predict": 4})
    check("Paris" in answer.response or len(answer.response) > 2, answer)
    equal((answer.eval_count, answer.done_reason), (4, "length"))


@case
def a_format_is_kept_to():
    import json
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"]}
    answer = client.chat(MODEL, FRANCE, format=schema, options={"temperature": 0, "num_predict": 60})
    equal(list(json.loads(answer.message.content)), ["city"])


@case
def embeddings_have_length_one():
    vectors = client.embed(MODEL, ["hello", "你好"]).embeddings
    equal(len(vectors), 2)
    check(abs(sum(v * v for v in vectors[0]) - 1) < 1e-3)


@case
def what_cannot_be_done_is_refused_by_name():
    with raises(ollama.ResponseError, "no-such"):
        client.chat("no-such", FRANCE)
    with raises(ollama.ResponseError, "num_ctx"):
        client.chat(MODEL, FRANCE, options={"num_ctx": 10_000_000})
    with raises(ollama.ResponseError, "no_such_option"):
        client.chat(MODEL, FRANCE, options={"no_such_option": 1})
    with raises(ollama.ResponseError, "host"):
        client.pull("evil.example/a/b")


try:
    main()
finally:
    server.stop()
