#!/usr/bin/env python3
"""The Anthropic client for Python against a real server with the real default model."""
import pathlib
import sys

import anthropic

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises  # noqa: E402

server = Server()
client = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
COLD = {"temperature": 0}  # this client no longer names it
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


@case
def a_message_is_answered():
    answer = client.messages.create(model=MODEL, messages=FRANCE, max_tokens=16, extra_body=COLD)
    equal(answer.content[0].type, "text")
    check("Paris" in answer.content[0].text, answer)
    equal((answer.role, answer.type, answer.stop_reason), ("assistant", "message", "end_turn"))
    check(answer.usage.input_tokens > 5 and answer.usage.output_tokens > 1, answer.usage)


@case
def models_are_listed_in_its_words():
    models = client.models.list()
    check(MODEL in [model.id for model in models], models)
    model = client.models.retrieve(MODEL)
    equal((model.type, model.display_name), ("model", MODEL))
    check(model.max_input_tokens > 1000, model)
    with raises(anthropic.NotFoundError, "nothing:here"):
        client.models.retrieve("nothing:here")


@case
def a_stream_holds_the_same_answer():
    whole = client.messages.create(model=MODEL, messages=FRANCE, max_tokens=16, extra_body=COLD)
    with client.messages.stream(model=MODEL, messages=FRANCE, max_tokens=16, extra_body=COLD) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    equal(text, whole.content[0].text)
    equal((final.stop_reason, final.usage.output_tokens), (whole.stop_reason, whole.usage.output_tokens))


@case
def a_length_limit_and_a_stop_sequence_say_so():
    short = client.messages.create(model=MODEL, messages=FRANCE, max_tokens=2, extra_body=COLD)
    equal((short.stop_reason, short.usage.output_tokens), ("max_tokens", 2))
    stopped = client.messages.create(model=MODEL, messages=FRANCE, max_tokens=30, extra_body=COLD, stop_sequences=["Paris"])
    equal((stopped.stop_reason, stopped.stop_sequence), ("stop_sequence", "Paris"))
    check("Paris" not in "".join(block.text for block in stopped.content))


@case
def systems_and_blocks_are_understood():
    blocks = [{"role": "user", "content": [{"type": "text", "text": "What is the capital"}, {"type": "text", "text": " of France?"}]}]
    plain = client.messages.create(model=MODEL, messages=FRANCE, max_tokens=12, extra_body=COLD)
    equal(client.messages.create(model=MODEL, messages=blocks, max_tokens=12, extra_body=COLD).content[0].text, plain.content[0].text)
    with_system = client.messages.count_tokens(model=MODEL, messages=FRANCE, system="You are a pirate.")
    check(with_system.input_tokens > client.messages.count_tokens(model=MODEL, messages=FRANCE).input_tokens)


@case
def counted_tokens_are_those_of_the_answer():
    counted = client.messages.count_tokens(model=MODEL, messages=FRANCE).input_tokens
    usage = client.messages.create(model=MODEL, messages=FRANCE, max_tokens=1).usage
    equal(usage.input_tokens + (usage.cache_read_input_tokens or 0), counted)


@case
def what_cannot_be_done_is_refused_by_name():
    def refused(kind, word, **more):
        with raises(kind, word):
            client.messages.create(**{"model": MODEL, "messages": FRANCE, "max_tokens": 4, **more})
    refused(anthropic.NotFoundError, "no:model", model="no:model")
    refused(anthropic.BadRequestError, "temperature", extra_body={"temperature": 7})
    refused(anthropic.BadRequestError, "tools", tools=[{"name": "f", "input_schema": {"type": "object"}}])
    refused(anthropic.BadRequestError, "no_such_field", extra_body={"no_such_field": 1})
    refused(anthropic.BadRequestError, "base64", messages=[{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/x.png"}}]}])


try:
    main()
finally:
    server.stop()
