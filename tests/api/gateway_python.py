#!/usr/bin/env python3
"""One server in front of another: the real model behind the first, the second asks it as an upstream in every dialect, and clients that
others wrote ask the second. Whatever the two dialects are, the answer is the one that the first gives when asked directly."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import anthropic
import google.genai
import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.refusing_house import REFUSALS, RefusingHouse  # noqa: E402
from api.support.server import MODEL, SHENBI, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises  # noqa: E402

FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
SECRET = "sk-behind-the-second-door"

behind = Server("--api-key", SECRET)
home = tempfile.TemporaryDirectory(prefix="shenbi-gateway-")


def upstreams(*words, **options):
    return subprocess.run([SHENBI, "upstreams", *words], env={**os.environ, "SHENBI_HOME": home.name}, capture_output=True, text=True, **options)


# The same server through three of its faces. Its key comes in by the input, as a person's would.
FACES = {"by-openai": ("compatible", "/v1"), "by-anthropic": ("anthropic", "/v1"), "by-gemini": ("gemini", "/v1beta")}
for name, (house, path) in FACES.items():
    upstreams("add", name, "--house", house, "--base-url", behind.url + path, "--model", MODEL, "--key-from-input",
              input=SECRET + "\n", check=True)
refusing = RefusingHouse()
for name, house, path, first in (("no", "compatible", "/v1", ""), ("no-claude", "anthropic", "/v1", "claude-"), ("no-gemini", "gemini", "/v1beta", "gemini-"),
                                ("no-quota", "compatible", "/v1", "quota")):
    named = [word for model in REFUSALS if model.startswith(first) for word in ("--model", model)]
    upstreams("add", name, "--house", house, "--base-url", refusing.url + path, *named, "--key-from-input", input=SECRET + "\n", check=True)
front = Server(models=(), home=home.name)
NAMES = [f"{name}/{MODEL}" for name in FACES]

direct = openai.OpenAI(base_url=behind.url + "/v1", api_key=SECRET, max_retries=0)
client = openai.OpenAI(base_url=front.url + "/v1", api_key="none", max_retries=0)
claude = anthropic.Anthropic(base_url=front.url, api_key="none", max_retries=0)


def google_genai(url, key):
    return google.genai.Client(api_key=key, http_options={"base_url": url})


gemini = google_genai(front.url, "none")
REFERENCE = direct.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=16)
TEXT = REFERENCE.choices[0].message.content


@case
def the_openai_client_gets_the_same_answer_through_every_dialect():
    for model in NAMES:
        answer = client.chat.completions.create(model=model, messages=FRANCE, temperature=0, max_tokens=16)
        equal(answer.choices[0].message.content, TEXT, model)
        equal(answer.choices[0].finish_reason, REFERENCE.choices[0].finish_reason, model)
        equal(answer.usage.prompt_tokens, REFERENCE.usage.prompt_tokens, model)
        equal(answer.usage.completion_tokens, REFERENCE.usage.completion_tokens, model)


@case
def the_openai_client_streams_through_every_dialect():
    for model in NAMES:
        pieces = list(client.chat.completions.create(model=model, messages=FRANCE, temperature=0, max_tokens=16, stream=True,
                                                     stream_options={"include_usage": True}))
        equal("".join(p.choices[0].delta.content or "" for p in pieces if p.choices), TEXT, model)
        equal(pieces[-1].usage.completion_tokens, REFERENCE.usage.completion_tokens, model)
        check(sum(bool(p.choices and p.choices[0].delta.content) for p in pieces) > 2, "it came in pieces")


@case
def the_anthropic_client_gets_the_same_answer_through_every_dialect():
    for model in NAMES:
        answer = claude.messages.create(model=model, messages=FRANCE, max_tokens=16, extra_body={"temperature": 0})
        equal("".join(block.text for block in answer.content), TEXT, model)
        equal(answer.usage.output_tokens, REFERENCE.usage.completion_tokens, model)


@case
def the_gemini_client_gets_the_same_answer_through_every_dialect():
    for model in NAMES:
        answer = gemini.models.generate_content(model=model, contents="What is the capital of France?",
                                                config={"temperature": 0, "max_output_tokens": 16})
        equal(answer.text, TEXT, model)


@case
def the_length_of_a_prompt_is_told_by_the_house_that_speaks_the_callers_dialect():
    there = anthropic.Anthropic(base_url=behind.url, api_key=SECRET, max_retries=0)
    for more in ({}, {"system": "You are a pirate."}):
        counted = claude.messages.count_tokens(model=NAMES[1], messages=FRANCE, **more).input_tokens
        equal(counted, there.messages.count_tokens(model=MODEL, messages=FRANCE, **more).input_tokens)
    google = google_genai(behind.url, SECRET)
    equal(gemini.models.count_tokens(model=NAMES[2], contents=FRANCE[0]["content"]).total_tokens,
          google.models.count_tokens(model=MODEL, contents=FRANCE[0]["content"]).total_tokens)
    with raises(anthropic.BadRequestError, "by-anthropic: of_next_year"):
        claude.messages.count_tokens(model=NAMES[1], messages=FRANCE, extra_body={"of_next_year": 1})
    for model, why in ((NAMES[0], "does not tell how long a prompt is"), (NAMES[2], "only where it is asked in its own API")):
        with raises(anthropic.APIStatusError, why):
            claude.messages.count_tokens(model=model, messages=FRANCE)


@case
def models_of_upstreams_are_listed():
    listed = {model.id for model in client.models.list()}
    check(set(NAMES) <= listed, listed)


@case
def what_the_caller_got_wrong_is_told_in_the_houses_words():
    with raises(openai.BadRequestError, "by-openai"):
        client.chat.completions.create(model=NAMES[0], messages=[{"role": "user", "content": "word " * 60000}], max_tokens=5)


def refused(kind, ask):
    """The error of the client's own kind that ask() ends in."""
    try:
        ask()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def openai_refused(kind, model, **more):
    return refused(kind, lambda: client.chat.completions.create(model=model, messages=FRANCE, max_tokens=5, **more))


@case
def the_openai_client_tells_refusals_apart_by_their_codes():
    for model, code in {"no/azure": "content_filter", "no/dashscope": "content_filter", "no/zhipu": "content_filter", "no/too-long": "context_length_exceeded",
                        "no-claude/claude-long": "context_length_exceeded", "no-claude/claude-filter": "content_filter",
                        "no-gemini/gemini-long": "context_length_exceeded"}.items():
        for stream in (False, True):
            error = openai_refused(openai.BadRequestError, model, stream=stream)
            equal((error.code, error.param), (code, None), model)
    for model in ("no/missing", "no-claude/claude-missing", "nobody"):
        equal(openai_refused(openai.NotFoundError, model).code, "model_not_found", model)
    # Of the caller's own dialect the house's words come as they are; of the operator's account none.
    error = openai_refused(openai.BadRequestError, "no/field")
    equal((error.code, error.type, error.param), ("invalid_value", "invalid_request_error", "messages[0].content"))
    error = openai_refused(openai.RateLimitError, "no-quota/quota")
    equal((error.code, error.type), (None, "rate_limit_error"))
    error = refused(openai.BadRequestError, lambda: client.responses.create(model="no/azure", input="hello"))
    equal(error.code, "content_filter")


@case
def a_prompt_too_long_for_a_model_behind_is_told_by_its_code_through_every_dialect():
    long = [{"role": "user", "content": "word " * 60000}]
    for model in NAMES:
        error = refused(openai.BadRequestError, lambda model=model: client.chat.completions.create(model=model, messages=long, max_tokens=5))
        equal(error.code, "context_length_exceeded", model)


@case
def the_anthropic_and_the_gemini_client_are_told_in_their_own_words():
    for model, kind, word in (("no/azure", anthropic.BadRequestError, "invalid_request_error"), ("no/missing", anthropic.NotFoundError, "not_found_error"),
                              ("no-claude/claude-missing", anthropic.NotFoundError, "not_found_error"),
                              ("no-claude/claude-long", anthropic.BadRequestError, "invalid_request_error")):
        error = refused(kind, lambda model=model: claude.messages.create(model=model, messages=FRANCE, max_tokens=5))
        equal(error.body["error"]["type"], word, model)
    for model, reason in {"no/azure": "CONTENT_FILTER", "no-claude/claude-long": "CONTEXT_LENGTH_EXCEEDED", "no-gemini/gemini-long": "CONTEXT_LENGTH_EXCEEDED"}.items():
        error = refused(google.genai.errors.ClientError, lambda model=model: gemini.models.generate_content(model=model, contents="hello"))
        equal((error.code, error.status), (400, "INVALID_ARGUMENT"), model)
        equal(error.details["error"]["details"][0]["reason"], reason, model)


@case
def a_field_the_dialect_has_no_word_for_is_named():
    for model in NAMES[1:]:
        with raises(openai.BadRequestError, "min_p"):
            client.chat.completions.create(model=model, messages=FRANCE, max_tokens=5, extra_body={"min_p": 0.1})


@case
def embeddings_come_through():
    mine = client.embeddings.create(model=NAMES[0], input=["one", "two"]).data
    theirs = direct.embeddings.create(model=MODEL, input=["one", "two"]).data
    for a, b in zip(mine, theirs, strict=True):
        check(max(abs(x - y) for x, y in zip(a.embedding, b.embedding, strict=True)) < 1e-6)


def page(method, path, body=None):
    request = urllib.request.Request(front.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@case
def the_answer_says_who_gave_it_and_why():
    for model in NAMES:
        answer = client.chat.completions.with_raw_response.create(model=model, messages=FRANCE, max_tokens=2)
        equal(answer.headers["x-shenbi-model"], model)
        equal(answer.headers["x-shenbi-route"], "named")
    with client.chat.completions.with_streaming_response.create(model=NAMES[0], messages=FRANCE, max_tokens=2, stream=True) as answer:
        equal(answer.headers["x-shenbi-model"], NAMES[0])


@case
def in_its_own_dialect_a_request_goes_through_with_fields_that_nobody_here_knows():
    with raises(openai.BadRequestError, "by-openai: of_next_year"):
        client.chat.completions.create(model=NAMES[0], messages=FRANCE, max_tokens=2, extra_body={"of_next_year": 1})
    with raises(anthropic.BadRequestError, "by-anthropic: of_next_year"):
        claude.messages.create(model=NAMES[1], messages=FRANCE, max_tokens=2, extra_body={"of_next_year": 1})
    answer = client.chat.completions.create(model=NAMES[0], messages=FRANCE, max_tokens=2, n=2, logprobs=True)
    equal([choice.index for choice in answer.choices], [0, 1])
    equal(answer.model, MODEL)


@case
def a_stream_that_did_not_ask_for_its_usage_has_none():
    pieces = list(client.chat.completions.create(model=NAMES[0], messages=FRANCE, max_tokens=4, temperature=0, stream=True))
    check(all(piece.usage is None and piece.choices for piece in pieces), pieces)


@case
def names_of_the_operators_own_lead_to_models():
    status, _ = page("PUT", "/page/routes/smart", {"targets": ["nobody-there/m", NAMES[0]]})
    equal(status, 201)
    equal(page("PUT", "/page/routes/gpt-4o", {"targets": [NAMES[2]], "order": "cheapest"})[0], 201)
    answer = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=FRANCE, temperature=0, max_tokens=16)
    equal(answer.parse().choices[0].message.content, TEXT)
    equal((answer.headers["x-shenbi-model"], answer.headers["x-shenbi-route"]), (NAMES[2], "alias gpt-4o"))
    check("gpt-4o" in {model.id for model in client.models.list()})
    equal([target["model"] for target in page("GET", "/page/resolve?model=gpt-4o")[1]["targets"]], [MODEL])
    equal(page("DELETE", "/page/routes/gpt-4o")[0], 204)
    equal(page("PUT", "/page/routes/odd", {"targets": ["auto:ctx>=many"]})[0], 400)


@case
def a_rule_chooses_among_all_models():
    answer = client.chat.completions.with_raw_response.create(model=f"auto:{MODEL},fast", messages=FRANCE, temperature=0, max_tokens=16)
    equal(answer.parse().choices[0].message.content, TEXT)
    check(answer.headers["x-shenbi-model"] in NAMES, answer.headers)
    with raises(openai.NotFoundError, "'video'"):
        client.chat.completions.create(model="auto:video", messages=FRANCE, max_tokens=2)
    with raises(openai.BadRequestError, "ctx>=many"):
        client.chat.completions.create(model="auto:ctx>=many", messages=FRANCE, max_tokens=2)


@case
def keys_never_come_out():
    status, listed = page("GET", "/page/upstreams")
    equal(status, 200)
    check(SECRET not in json.dumps(listed) and "****" in json.dumps(listed), listed)
    check(SECRET not in (front.home / "server.log").read_text())
    check(SECRET not in front.metrics())


@case
def over_http_no_secret_can_be_led_elsewhere():
    for body, field in (({"house": "compatible", "base_url": "http://192.0.2.1/v1", "keys": ["env:PATH"]}, "keys"),
                        ({"house": "openai", "base_url": "https://evil.example/v1", "keys": ["env:OPENAI_API_KEY"]}, "keys")):
        status, answer = page("PUT", "/page/upstreams/sly", body)
        equal(status, 400)
        check(field in json.dumps(answer), answer)
    status, answer = page("PUT", "/page/upstreams/by-openai", {"house": "compatible", "base_url": "https://evil.example/v1"})
    equal(status, 400)
    check("keys" in json.dumps(answer), answer)


@case
def over_http_a_private_address_cannot_be_reached():
    status, _ = page("PUT", "/page/upstreams/inside", {"house": "compatible", "base_url": behind.url + "/v1", "keys": [SECRET]})
    equal(status, 201)
    with raises(openai.APIStatusError, "private"):
        client.chat.completions.create(model=f"inside/{MODEL}", messages=FRANCE, max_tokens=2)
    equal(page("DELETE", "/page/upstreams/inside")[0], 204)


try:
    main(workers=2)
finally:
    front.stop()
    behind.stop()
    refusing.stop()
