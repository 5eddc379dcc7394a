#!/usr/bin/env python3
"""Google's client for Python (google-genai) against a real server with the real default model."""
import pathlib
import sys

from google import genai
from google.genai import errors, types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises  # noqa: E402

server = Server()
client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=server.url))
FRANCE = "What is the capital of France?"


def config(**more):
    return types.GenerateContentConfig(**{"temperature": 0, "max_output_tokens": 16, **more})


@case
def a_question_is_answered():
    answer = client.models.generate_content(model=MODEL, contents=FRANCE, config=config())
    check("Paris" in answer.text, answer)
    equal(answer.candidates[0].finish_reason, types.FinishReason.STOP)
    usage = answer.usage_metadata
    equal(usage.total_token_count, usage.prompt_token_count + usage.candidates_token_count)


@case
def a_stream_holds_the_same_answer():
    whole = client.models.generate_content(model=MODEL, contents=FRANCE, config=config()).text
    equal("".join(chunk.text or "" for chunk in client.models.generate_content_stream(model=MODEL, contents=FRANCE, config=config())), whole)


@case
def tokens_are_counted():
    counted = client.models.count_tokens(model=MODEL, contents=FRANCE).total_tokens
    equal(client.models.generate_content(model=MODEL, contents=FRANCE, config=config()).usage_metadata.prompt_token_count, counted)


@case
def candidates_and_length_limits():
    answer = client.models.generate_content(model=MODEL, contents=FRANCE, config=config(temperature=1.5, candidate_count=2, seed=4, max_output_tokens=3))
    equal([c.finish_reason for c in answer.candidates], [types.FinishReason.MAX_TOKENS] * 2)


@case
def a_schema_is_kept_to():
    import json
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING", "maxLength": "12"}}, "required": ["city"]}
    answer = client.models.generate_content(model=MODEL, contents=FRANCE, config=config(
        response_mime_type="application/json", response_schema=schema, max_output_tokens=60))
    equal(list(json.loads(answer.text)), ["city"])


@case
def models_are_listed():
    check(f"models/{MODEL}" in [m.name for m in client.models.list()])


@case
def what_cannot_be_done_is_refused_by_name():
    with raises(errors.ClientError, "no-such"):
        client.models.generate_content(model="no-such", contents=FRANCE)
    with raises(errors.ClientError, "temperature"):
        client.models.generate_content(model=MODEL, contents=FRANCE, config=config(temperature=9))


try:
    main()
finally:
    server.stop()
