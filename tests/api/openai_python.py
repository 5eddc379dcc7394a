#!/usr/bin/env python3
"""The OpenAI client for Python against a real server with the real default model."""
import json
import math
import pathlib
import sys

import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises, wait_for  # noqa: E402

server = Server("--alias", f"gpt-4o={MODEL}")
client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


@case
def models_are_listed_and_described():
    ids = [model.id for model in client.models.list()]
    check(MODEL in ids, ids)
    model = client.models.retrieve(MODEL)
    equal(model.shenbi["kind"], "base")
    with raises(openai.NotFoundError, "nothing:here"):
        client.models.retrieve("nothing:here")


@case
def an_alias_is_the_model_under_another_name():
    alias = client.models.retrieve("gpt-4o")
    equal(alias.shenbi["alias_of"], MODEL)
    one = client.chat.completions.create(model="gpt-4o", messages=FRANCE, temperature=0, max_tokens=8)
    equal(one.model, "gpt-4o")
    equal(one.choices[0].message.content, client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=8).choices[0].message.content)
    check('model_name="gpt-4o"' not in server.metrics())


@case
def a_chat_is_answered():
    answer = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=16)
    check("Paris" in answer.choices[0].message.content, answer)
    equal(answer.choices[0].finish_reason, "stop")
    equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
    equal(answer.object, "chat.completion")


@case
def a_stream_holds_the_same_answer():
    whole = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=24)
    chunks = list(client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=24, stream=True,
                                                 stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    equal(text, whole.choices[0].message.content)
    equal(chunks[0].choices[0].delta.role, "assistant")
    equal([c.choices[0].finish_reason for c in chunks if c.choices][-1], whole.choices[0].finish_reason)
    equal(chunks[-1].choices, [])
    equal(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)


@case
def the_same_seed_gives_the_same_answers_and_n_gives_several():
    def ask():
        got = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=1.2, seed=11, max_tokens=12, n=3)
        return [choice.message.content for choice in got.choices]
    first = ask()
    equal(len(first), 3)
    check(len(set(first)) > 1, first)
    equal(ask(), first)


@case
def stop_strings_end_an_answer_and_are_not_part_of_it():
    answer = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=40, stop=["Paris"])
    check("Paris" not in answer.choices[0].message.content)
    equal(answer.choices[0].finish_reason, "stop")


@case
def a_length_limit_says_so():
    answer = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=2)
    equal((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 2))


@case
def log_probabilities_come_with_their_bytes():
    answer = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=6, logprobs=True, top_logprobs=3)
    tokens = answer.choices[0].logprobs.content
    text = b"".join(bytes(t.bytes) for t in tokens).decode()
    equal(text.strip(), answer.choices[0].message.content)
    for token in tokens:
        equal(len(token.top_logprobs), 3)
        check(token.logprob <= 0 and token.top_logprobs[0].logprob >= token.logprob - 1e-6, token)


@case
def a_bias_forbids_a_token():
    free = client.completions.create(model=MODEL, prompt="The capital of France is", temperature=0, max_tokens=1, logprobs=1)
    token = free.choices[0].text
    ids = json.loads(client.post("/../tokenize", cast_to=str, body={"model": MODEL, "prompt": token, "add_special_tokens": False}))["tokens"]
    other = client.completions.create(model=MODEL, prompt="The capital of France is", temperature=0, max_tokens=1,
                                      logit_bias={str(ids[0]): -100})
    check(other.choices[0].text != token, token)


@case
def a_schema_is_kept_to():
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}, "people": {"type": "integer"},
                                               "kind": {"enum": ["capital", "village"]}},
              "required": ["city", "people", "kind"], "additionalProperties": False}
    for seed in range(3):
        answer = client.chat.completions.create(
            model=MODEL, messages=FRANCE, temperature=1, seed=seed, max_tokens=200,
            response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}})
        value = json.loads(answer.choices[0].message.content)
        equal(sorted(value), ["city", "kind", "people"])
        check(isinstance(value["people"], int) and value["kind"] in ("capital", "village"), value)


@case
def json_mode_gives_an_object():
    answer = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=300,
                                            response_format={"type": "json_object"})
    if answer.choices[0].finish_reason == "stop":
        check(isinstance(json.loads(answer.choices[0].message.content), dict))


@case
def completions_echo_and_score_their_prompt():
    answer = client.completions.create(model=MODEL, prompt="The capital of France is Paris", max_tokens=1, temperature=0, echo=True, logprobs=2)
    choice = answer.choices[0]
    check(choice.text.startswith("The capital of France is Paris"), choice.text)
    equal(choice.logprobs.token_logprobs[0], None)
    check(all(value <= 0 and math.isfinite(value) for value in choice.logprobs.token_logprobs[1:]), choice.logprobs)
    equal(len(choice.logprobs.tokens), len(choice.logprobs.token_logprobs))


@case
def completions_take_lists_and_ids():
    answer = client.completions.create(model=MODEL, prompt=["One, two,", "Paris is"], max_tokens=3, temperature=0)
    equal([choice.index for choice in answer.choices], [0, 1])
    ids = json.loads(client.post("/../tokenize", cast_to=str, body={"model": MODEL, "prompt": "One, two,"}))["tokens"]
    equal(client.completions.create(model=MODEL, prompt=ids, max_tokens=3, temperature=0).choices[0].text, answer.choices[0].text)


@case
def embeddings_have_length_one_in_both_forms():
    floats = client.embeddings.create(model=MODEL, input=["hello", "你好"], encoding_format="float").data
    packed = client.embeddings.create(model=MODEL, input=["hello", "你好"]).data  # this client asks for base64
    for a, b in zip(floats, packed):
        check(abs(sum(v * v for v in a.embedding) - 1) < 1e-3)
        check(max(abs(x - y) for x, y in zip(a.embedding, b.embedding)) < 1e-6)
    equal(len(client.embeddings.create(model=MODEL, input="x", dimensions=64).data[0].embedding), 64)


@case
def what_cannot_be_done_is_refused_by_name():
    def refused(name, **more):
        with raises(openai.BadRequestError, name):
            client.chat.completions.create(**{"model": MODEL, "messages": FRANCE, **more})
    refused("temperature", temperature=3)
    refused("top_logprobs", logprobs=True, top_logprobs=50)
    refused("n", n=0)
    refused("tools", tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])
    refused("no_such_field", extra_body={"no_such_field": 1})
    refused("messages", messages=[])
    with raises(openai.NotFoundError, "no:model"):
        client.chat.completions.create(model="no:model", messages=FRANCE)


@case
def responses_are_stored_and_gone_on_with():
    first = client.responses.create(model=MODEL, input="My name is Ada. What is the capital of France?", temperature=0, max_output_tokens=16)
    check("Paris" in first.output_text, first.output_text)
    equal(client.responses.retrieve(first.id).output_text, first.output_text)
    second = client.responses.create(model=MODEL, input="And of Italy?", previous_response_id=first.id, temperature=0, max_output_tokens=16)
    check(second.usage.input_tokens > first.usage.input_tokens)
    client.responses.delete(first.id)
    with raises(openai.NotFoundError, first.id):
        client.responses.retrieve(first.id)


@case
def the_length_of_a_response_s_prompt_is_counted_before():
    counted = client.responses.input_tokens.count(model=MODEL, input="What is the capital of France?").input_tokens
    equal(client.responses.create(model=MODEL, input="What is the capital of France?", max_output_tokens=1).usage.input_tokens, counted)


@case
def responses_stream_typed_events():
    events = list(client.responses.create(model=MODEL, input="What is the capital of France?", temperature=0, max_output_tokens=16, stream=True))
    equal([e.sequence_number for e in events], list(range(len(events))))
    equal((events[0].type, events[-1].type), ("response.created", "response.completed"))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    equal(events[-1].response.output_text, text)


@case
def a_client_that_leaves_frees_the_model():
    stream = client.chat.completions.create(model=MODEL, messages=FRANCE, temperature=1, seed=1, max_tokens=4000, stream=True,
                                            extra_body={"ignore_eos": True})
    next(iter(stream))
    stream.close()
    wait_for(lambda: f'shenbi:num_requests_running{{model_name="{MODEL}"}} 0' in server.metrics(), "the model to be free")


try:
    main()
finally:
    server.stop()
