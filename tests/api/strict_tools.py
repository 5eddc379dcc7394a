#!/usr/bin/env python3
"""Strict tools where the model may choose: a real model that has seen calls in the conversation goes on to write some, at a temperature at
which it would write anything, and every call keeps to its schema. The same conversation without "strict" shows that it is the server's doing."""
import json
import pathlib
import sys

import jsonschema
import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import Server  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402
from e2e.support.cases import case, check, equal, main  # noqa: E402

SCHEMA = {"type": "object", "additionalProperties": False, "required": ["city", "days", "units"],
          "properties": {"city": {"enum": ["Oslo", "Lima", "北京"]}, "days": {"type": "integer", "minimum": 1, "maximum": 7},
                         "units": {"enum": ["metric", "imperial"]}}}
ASKED = 12  # answers; the model calls in most of them

path = str(tooled_model())
server = Server(models=(path,))
client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def tool(strict):
    return {"type": "function", "function": {"name": "weather", "description": "The weather of the next days", "parameters": SCHEMA, "strict": strict}}


def talk():
    """Turns of an assistant who always calls."""
    messages = []
    for i, city in enumerate(("Oslo", "Lima", "北京", "Oslo")):
        messages += [{"role": "user", "content": f"How is the weather in {city}?"},
                     {"role": "assistant", "content": None, "tool_calls": [
                         {"id": f"call{i}", "type": "function",
                          "function": {"name": "weather", "arguments": json.dumps({"city": city, "days": i + 1, "units": "metric"}, ensure_ascii=False)}}]},
                     {"role": "tool", "tool_call_id": f"call{i}", "content": "sunny"}]
    return messages + [{"role": "user", "content": "How is the weather in Lima?"}]


def calls(strict, **more):
    found = []
    for seed in range(ASKED):
        answer = client.chat.completions.create(model=path, messages=talk(), tools=[tool(strict)], temperature=1.3, seed=seed, max_tokens=60, **more)
        made = answer.choices[0].message.tool_calls or []
        found += made  # whole ones: a call that the end cut off comes as text
        if more.get("parallel_tool_calls") is False:
            check(len(made) <= 1, answer)
    return found


def keeps_to_it(call):
    equal(call.function.name, "weather")
    jsonschema.validate(json.loads(call.function.arguments), SCHEMA)


@case
def calls_that_the_model_chose_to_make_keep_to_their_schema():
    found = calls(True)
    check(len(found) >= ASKED / 2, f"{len(found)} calls: too few to show anything")
    for call in found:
        keeps_to_it(call)


@case
def at_most_one_call_where_one_is_allowed():
    for call in calls(True, parallel_tool_calls=False):
        keeps_to_it(call)


@case
def streamed_calls_keep_to_it_too():
    whole = client.chat.completions.create(model=path, messages=talk(), tools=[tool(True)], temperature=1.3, seed=0, max_tokens=60)
    arguments = {}
    for chunk in client.chat.completions.create(model=path, messages=talk(), tools=[tool(True)], temperature=1.3, seed=0, max_tokens=60, stream=True):
        for choice in chunk.choices:
            for call in choice.delta.tool_calls or []:
                arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    equal(list(arguments.values()), [call.function.arguments for call in whole.choices[0].message.tool_calls])


@case
def without_strict_fewer_calls_are_whole():
    """A call that does not have the form of one comes as text."""
    kept = 0
    for call in calls(False):
        try:
            jsonschema.validate(json.loads(call.function.arguments), SCHEMA)
            kept += 1
        except jsonschema.ValidationError:
            pass
    check(kept < len(calls(True)), kept)


try:
    main(workers=1)
finally:
    server.stop()
