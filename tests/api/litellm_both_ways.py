#!/usr/bin/env python3
"""LiteLLM both ways: its library as a client of a real server, and its proxy in front of us, behind us and in our place. The same requests go
through each chain to one house whose answers are written down; what the official client gets, and what the house was asked, is compared field
by field with what it is when nobody stands between. TABLE explains whatever differs: what stands there must be so, and nothing else."""
import asyncio
import base64
import fnmatch
import gc
import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.own_packages import run_with_own_packages  # noqa: E402

run_with_own_packages("litellm")  # it wants another version of openai than the tests of openai

from api.support.litellm_proxy import KEY as PROXY_KEY, QUIET, LiteLlmProxy  # noqa: E402

os.environ.update(QUIET)
import litellm  # noqa: E402
import openai  # noqa: E402

from api.support.scripted_house import KEY as HOUSE_KEY, ScriptedHouse  # noqa: E402
from api.support.server import MODEL, PATIENCE, SHENBI, Server  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises  # noqa: E402

# LiteLLM leaves streams behind that only the collector closes, which it may do in a thread that holds the lock of httpcore's pool: closing
# takes that lock again, and the thread waits for itself for ever.
gc.disable()

HI = [{"role": "user", "content": "What is 2+2?"}]
SCHEMA = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Of a town", "parameters": SCHEMA}}
CALLED = [*HI, {"role": "assistant", "content": None, "tool_calls": [
    {"id": f"call_{i}", "type": "function", "function": {"name": "get_weather", "arguments": json.dumps({"town": town})}} for i, town in enumerate(("Paris", "Rome"))]},
    *({"role": "tool", "tool_call_id": f"call_{i}", "content": sky} for i, sky in enumerate(("rainy", "sunny")))]
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"pixels").decode()
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
STREAM = {"stream": True}
COUNTED = {"stream": True, "stream_options": {"include_usage": True}}

# --- the requests, by name: the house's model, and what is said ---

REQUESTS = {
    "plain": ("m", {}),
    "system and turns": ("m", {"messages": [{"role": "system", "content": "Be brief."}, *HI, {"role": "assistant", "content": "4."}, {"role": "user", "content": "And 3+3?"}]}),
    "sampling": ("m", {"temperature": 0.25, "top_p": 0.75, "max_tokens": 77, "stop": ["END"], "seed": 42, "presence_penalty": 0.5, "frequency_penalty": -0.5,
                       "logit_bias": {"7": -5}, "user": "u-1"}),
    "longest answer": ("m", {"max_completion_tokens": 77, "reasoning_effort": "low"}),
    "two answers": ("m", {"n": 2}),
    "logprobs": ("m", {"logprobs": True, "top_logprobs": 0}),
    "schema": ("m", {"response_format": FORMAT}),
    "tools": ("m", {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False}),
    "tool results": ("m", {"messages": CALLED, "tools": [TOOL]}),
    "picture": ("m", {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"},
                                                                {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}]}]}),
    "stream": ("m", STREAM),
    "stream with usage": ("m", COUNTED),
    "stream of tools": ("m", {**COUNTED, "tools": [TOOL]}),
    "stream of logprobs": ("m", {**STREAM, "logprobs": True}),
    "stream that fails": ("failing", STREAM),
    "stream that is cut": ("cut", STREAM),
    "field of nobody's": ("m", {"extra_body": {"of_next_year": 1}}),
    "stream with a field of nobody's": ("m", {**STREAM, "extra_body": {"of_next_year": 1}}),
    "field out of range": ("m", {"temperature": 9}),
    "unknown model": ("unknown", {}),
    "model gone": ("gone", {}),
    "wrong key": ("m", {}),
    "our key refused": ("barred", {}),
    "too long": ("small", {}),
    "unsafe": ("careful", {}),
    "forbidden": ("forbidden", {}),
    "not processable": ("strict", {}),
    "rate limit": ("limited", {}),
    "rate limit of a stream": ("limited", STREAM),
    "quota": ("spent", {}),
    "house broken": ("broken", {}),
    "house busy": ("busy", {}),
    "embeddings": ("m", {"input": ["one", "two"], "encoding_format": "float"}),
    "embeddings in base64": ("m", {"input": "one"}),
}
# A key that a house refused or told to wait rests: who is asked after that has an account of its own.
RESTS = {name for name, (model, _) in REQUESTS.items() if model not in ("m", "unknown", "gone", "small", "careful", "strict")}


def account(way, request):
    return f"{way}-{request.replace(' ', '-')}" if request in RESTS else way


# --- the chains ---

FRONT_KEY = "sk-of-the-front-door-0123456789"
house = ScriptedHouse()
homes = [tempfile.TemporaryDirectory(prefix="shenbi-litellm-") for _ in range(2)]


def add(home, name, url, key):
    subprocess.run([SHENBI, "upstreams", "add", name, "--house", "compatible", "--base-url", url, "--model", "m", "--key-from-input"], input=key + "\n",
                   text=True, check=True, capture_output=True, env={**os.environ, "SHENBI_HOME": home.name})


for account_ in ("openai-waits", "anthropic-waits", "openai-breaks", "anthropic-breaks"):
    add(homes[0], account_, house.url, HOUSE_KEY)
for way_ in ("up", "back"):
    for account_ in sorted({account(way_, name) for name in REQUESTS}):
        add(homes[0], account_, house.url, HOUSE_KEY)
server = Server("--api-key", FRONT_KEY, "--alias", f"tooled={tooled_model()}", home=homes[0].name)
litellm_models = {model: {"model": f"openai/{model}", "api_base": house.url, "api_key": HOUSE_KEY} for model, _ in REQUESTS.values() if model != "unknown"}
for name_, (model_, _) in REQUESTS.items():
    asked_ = model_ if model_ == "unknown" else f"{account('back', name_)}/{model_}"
    litellm_models[f"{account('back', name_)}/{model_}"] = {"model": f"openai/{asked_}", "api_base": server.url + "/v1", "api_key": FRONT_KEY}
for model_ in (MODEL, "tooled"):
    litellm_models[model_] = {"model": f"openai/{model_}", "api_base": server.url + "/v1", "api_key": FRONT_KEY}
proxy = LiteLlmProxy(litellm_models)
try:
    proxy.wait_until_ready()
except BaseException:
    proxy.stop()
    server.stop()
    raise
for account_ in sorted({account("far", name) for name in REQUESTS}):
    add(homes[1], account_, proxy.url + "/v1", PROXY_KEY)
front = Server("--api-key", FRONT_KEY, models=(), home=homes[1].name)


class Way(NamedTuple):
    url: str
    key: str
    named: object  # what the model is called there, by request and the house's name for it


DIRECT = Way(house.url, HOUSE_KEY, lambda request, model: model)
WAYS = {
    "shenbi": Way(server.url + "/v1", FRONT_KEY, lambda request, model: model if model == "unknown" else f"{account('up', request)}/{model}"),
    "litellm": Way(proxy.url + "/v1", PROXY_KEY, lambda request, model: model),
    "shenbi, litellm": Way(front.url + "/v1", FRONT_KEY, lambda request, model: f"{account('far', request)}/{model}"),
    "litellm, shenbi": Way(proxy.url + "/v1", PROXY_KEY, lambda request, model: f"{account('back', request)}/{model}"),
}

# --- what is recorded of an exchange ---

ABSENT = "(absent)"


def flat(value, path):
    """Every leaf by its path; an empty list or object is a leaf."""
    if isinstance(value, (dict, list)) and value:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(inner, f"{path}.{key}")
    else:
        yield path, value


def told(error):
    said = {"class": type(error).__name__, "body": error.body}
    if isinstance(error, openai.APIStatusError):
        said |= {"status": error.status_code, "retry_after": error.response.headers.get("Retry-After", ABSENT)}
    return said


def exchange(way, request):
    model, said = REQUESTS[request]
    key = "sk-of-nobody-0123456789" if request == "wrong key" else way.key
    client = openai.OpenAI(base_url=way.url, api_key=key, max_retries=0, timeout=PATIENCE)
    record = {}
    try:
        if "input" in said:
            record["answer"] = client.embeddings.create(model=way.named(request, model), **said).model_dump(exclude_unset=True)
        elif said.get("stream"):
            record["pieces"] = []
            for piece in client.chat.completions.create(model=way.named(request, model), **{"messages": HI, **said}):
                record["pieces"].append(piece.model_dump(exclude_unset=True))
        else:
            record["answer"] = client.chat.completions.create(model=way.named(request, model), **{"messages": HI, **said}).model_dump(exclude_unset=True)
    except openai.APIError as error:
        record["error"] = told(error)
    asked = house.taken()
    record["asked"] = {"times": len(asked), **dict(enumerate(asked))}
    return dict(line for part, value in record.items() for line in flat(value, part))


def differences(request):
    direct = exchange(DIRECT, request)
    check(direct, request)
    for name, way in WAYS.items():
        found = exchange(way, request)
        for field in sorted({*direct, *found}):
            a, b = direct.get(field, ABSENT), found.get(field, ABSENT)
            if a != b or type(a) is not type(b):
                yield name, field, a, b

# --- what differs, and why ---

ANY = object()  # of any value that is there
ALL = tuple(WAYS)
AT_SHENBI = ("shenbi", "shenbi, litellm")    # whose door the client stands at
AT_LITELLM = ("litellm", "litellm, shenbi")
WITH_LITELLM = ("litellm", "shenbi, litellm", "litellm, shenbi")
WITH_SHENBI = ("shenbi", "shenbi, litellm", "litellm, shenbi")
UNCOUNTED = ("stream", "stream of logprobs", "stream that fails", "stream that is cut")  # streams whose usage nobody asked for
COUNTED_STREAMS = ("stream with usage", "stream of tools")
REFUSED_STREAMS = ("stream with a field of nobody's", "rate limit of a stream")
FIELDS = ("field of nobody's", "stream with a field of nobody's", "field out of range")
WAITS = ("rate limit", "rate limit of a stream", "quota")
EMBEDDINGS = ("embeddings", "embeddings in base64")
AT_THE_DOOR = ("wrong key", "unknown model")  # refused before the house is asked
BY_HOUSE = (*FIELDS, *WAITS, "model gone", "our key refused", "too long", "unsafe", "forbidden", "not processable", "house broken", "house busy")


class Difference(NamedTuple):
    """Through each of `ways` each of `requests` (None: some) has in `field`, a pattern, `found` instead of `direct`."""
    ways: tuple
    requests: tuple | None
    field: str
    direct: object
    found: object  # a function: of the direct value and the one found
    why: str

    def explains(self, way, request, field, direct, found):
        if way not in self.ways or (self.requests and request not in self.requests) or not fnmatch.fnmatchcase(field, self.field):
            return False
        return fits(self.direct, direct) and (self.found(direct, found) if callable(self.found) else fits(self.found, found))


def fits(wanted, value):
    return value != ABSENT if wanted is ANY else type(value) is type(wanted) and value == wanted


def retold(direct, found):
    """The house's words are there, its key is not."""
    return isinstance(found, str) and HOUSE_KEY not in found and all(part in found for part in direct.split(HOUSE_KEY))


def words(*wanted):
    return lambda _, found: isinstance(found, str) and all(word in found for word in wanted)


def a_second(_, found):
    return found in ("0", "1", ABSENT)  # what is left of it


TABLE = [
    # The request.
    Difference(ALL, (*UNCOUNTED, *REFUSED_STREAMS), "asked.0.stream_options.include_usage", ABSENT, True, "both count what streams use, whoever asks for it"),
    Difference(("shenbi",), UNCOUNTED, "pieces.*.usage", ABSENT, None, "the house writes null where usage was asked for, and its pieces go on as they are"),
    Difference(WITH_LITELLM, ("tool results",), "asked.0.messages.1.content", None, ABSENT, "LiteLLM leaves out what is null"),
    Difference(WITH_LITELLM, ("sampling",), "asked.0.user", "u-1", ABSENT, "LiteLLM hands `user` on for models whose names it knows as OpenAI's"),
    Difference(WITH_SHENBI, ("embeddings in base64",), "asked.0.encoding_format", "base64", "float", "Shenbi asks every house for numbers and writes them as wanted"),
    Difference(WITH_SHENBI, ("embeddings in base64",), "asked.0.input", "one", ABSENT, "and asks for a list"),
    Difference(WITH_SHENBI, ("embeddings in base64",), "asked.0.input.0", ABSENT, "one", "of one text"),
    Difference(ALL, AT_THE_DOOR, "asked.times", 1, 0, "who has no key, and who asks for what is not there, is refused at the door"),
    Difference(ALL, AT_THE_DOOR, "asked.0.*", ANY, ABSENT, "so the house hears nothing"),
    # The answer.
    Difference(WITH_LITELLM, None, "answer.*", None, ABSENT, "LiteLLM leaves out what is null"),
    Difference(WITH_LITELLM, (*UNCOUNTED, *COUNTED_STREAMS), "pieces.*", None, ABSENT, "in streams too"),
    Difference(WITH_LITELLM, None, "answer.choices.*.message.provider_specific_fields.refusal", ABSENT, None, "but keeps some of it in a field of its own"),
    Difference(WITH_LITELLM, None, "answer.choices.*.provider_specific_fields", ABSENT, {}, "and another, for what a house adds"),
    Difference(("litellm, shenbi",), None, "answer.model", "m", "back/m", "LiteLLM answers under the name that it was asked for; Shenbi leaves the house's"),
    Difference(("litellm, shenbi",), (*UNCOUNTED, *COUNTED_STREAMS), "pieces.*.model", ANY, lambda direct, found: found.startswith("back") and found.endswith(f"/{direct}"),
               "in streams too"),
    Difference(AT_SHENBI, EMBEDDINGS, "answer.model", "m", lambda _, found: found in ("up/m", "far/m"), "of embeddings Shenbi writes the answer itself, under the name it was asked for"),
    Difference(AT_LITELLM, EMBEDDINGS, "answer.usage.completion_tokens", ABSENT, 0, "LiteLLM counts tokens of answers for embeddings too"),
    Difference(AT_LITELLM, EMBEDDINGS, "answer.usage.*_tokens_details", ABSENT, None, "with all their kinds"),
    Difference(WITH_LITELLM, (*UNCOUNTED, *COUNTED_STREAMS), "pieces.*.created", 1_700_000_000, ANY, "LiteLLM writes its own time into streams"),
    Difference(WITH_LITELLM, COUNTED_STREAMS, "pieces.*.choices", [], ABSENT, "LiteLLM's piece with the usage"),
    Difference(WITH_LITELLM, COUNTED_STREAMS, "pieces.*.choices.0.index", ABSENT, 0, "has a choice"),
    Difference(WITH_LITELLM, COUNTED_STREAMS, "pieces.*.choices.0.delta", ABSENT, {}, "that says nothing"),
    Difference(WITH_LITELLM, ("stream of tools",), "pieces.*.choices.0.delta.tool_calls.0.type", ABSENT, "function", "LiteLLM names the kind of a call in every piece of it"),
    # A stream that ends without its end.
    Difference(("litellm", "shenbi, litellm"), ("stream that is cut",), "pieces.3.*", ABSENT, ANY, "LiteLLM does not see that an answer was cut: it writes an end of its own"),
    Difference(("shenbi", "litellm, shenbi"), ("stream that is cut",), "error.class", ABSENT, "APIError", "Shenbi says that it was cut"),
    Difference(("shenbi", "litellm, shenbi"), ("stream that is cut",), "error.body.message", ABSENT, words("the answer ended before it was complete"), "in words"),
    Difference(("shenbi", "litellm, shenbi"), ("stream that is cut",), "error.body.*", ABSENT, lambda _, found: found in (None, "server_error", "500"), "and in the form of an error"),
    # Errors.
    Difference(ALL, BY_HOUSE, "error.body.message", ANY, retold, "who stands between says so around the house's words"),
    Difference(ALL, ("stream that fails",), "error.body.message", "The server had an error", retold, "both do so inside streams too"),
    Difference(AT_LITELLM, ("stream that fails",), "error.body.code", None, "500", "LiteLLM's code is a status"),
    Difference(AT_LITELLM, ("stream that fails",), "error.body.type", "server_error", None, "and it has no type in streams"),
    Difference(("shenbi",), ("our key refused", "quota"), "error.body.code", ANY, None, "what is about the operator's account is not the caller's business"),
    Difference(("shenbi, litellm",), ("our key refused", "unsafe", "field out of range", "forbidden", *WAITS), "error.body.code", ANY, None,
               "a status is no code to hand on"),
    Difference(AT_LITELLM, (*BY_HOUSE, *AT_THE_DOOR), "error.body.code", ANY, lambda _, found: found in ("400", "401", "403", "404", "422", "429", "500", "502", "503"),
               "LiteLLM's code is the status"),
    Difference(AT_SHENBI, ("our key refused", "forbidden", "house busy"), "error.body.type", ANY, "server_error", "Shenbi's type says what the error is to its caller"),
    Difference(("shenbi",), ("quota",), "error.body.type", ANY, "rate_limit_error", "so here"),
    Difference(AT_SHENBI, ("wrong key",), "error.body.type", "invalid_request_error", "authentication_error", "and here"),
    Difference(WITH_LITELLM, WAITS, "error.body.type", ANY, "throttling_error", "LiteLLM has words of its own, which Shenbi hands on"),
    Difference(AT_LITELLM, ("house broken", "house busy"), "error.body.type", ANY, "internal_server_error", "so here"),
    Difference(AT_LITELLM, ("our key refused",), "error.body.type", ANY, lambda _, found: found in ("authentication_error", "internal_server_error"), "and here, by the status"),
    Difference(AT_LITELLM, ("forbidden",), "error.body.type", ANY, lambda _, found: found in ("permission_error", "internal_server_error"), "and here"),
    Difference(WITH_LITELLM, ("too long",), "error.body.param", "messages", None, "LiteLLM drops it with a context that is too short"),
    Difference(WITH_SHENBI, ("our key refused",), "error.status", 401, 502, "the caller's own key is in order"),
    Difference(WITH_SHENBI, ("forbidden",), "error.status", 403, 502, "nor is it he who may not"),
    Difference(WITH_SHENBI, ("house broken",), "error.status", 500, 502, "it is not the one who was asked that is broken"),
    Difference(WITH_SHENBI, ("our key refused", "forbidden"), "error.class", ANY, "InternalServerError", "the client's name for a 502"),
    Difference(AT_LITELLM, WAITS, "error.retry_after", "7", ABSENT, "LiteLLM keeps Retry-After to itself"),
    Difference(("shenbi, litellm",), WAITS, "error.retry_after", "7", a_second, "so Shenbi lets the key rest for as long as it does without a word"),
    Difference(AT_SHENBI, ("house busy",), "error.retry_after", ABSENT, a_second, "the account rests, and the caller is told for how long"),
    # A door's own errors.
    Difference(AT_LITELLM, ("wrong key",), "error.status", 401, 400, "without a database LiteLLM knows of no key but its master's"),
    Difference(AT_LITELLM, ("wrong key",), "error.class", "AuthenticationError", "BadRequestError", "and looks for another there"),
    Difference(AT_LITELLM, ("wrong key",), "error.body.type", ANY, "no_db_connection", "which it says"),
    Difference(AT_LITELLM, ("wrong key",), "error.body.message", ANY, "No connected db.", "in these words"),
    Difference(AT_SHENBI, ("wrong key",), "error.body.message", ANY, "this key is unknown or revoked", "the door's own words"),
    Difference(("litellm", "shenbi, litellm"), ("unknown model",), "error.status", 404, 400, "to LiteLLM a model that it has not is a bad request"),
    Difference(("litellm", "shenbi, litellm"), ("unknown model",), "error.class", "NotFoundError", "BadRequestError", "so to its client"),
    Difference(("litellm", "shenbi, litellm"), ("unknown model",), "error.body.message", ANY, words("Invalid model name", "unknown"), "in its words"),
    Difference(("litellm",), ("unknown model",), "error.body.provider_specific_fields.error", ABSENT, words("Invalid model name"), "said twice"),
    Difference(("shenbi, litellm",), ("unknown model",), "error.body.code", "model_not_found", None, "a 400 to Shenbi: no model"),
    Difference(("shenbi", "litellm, shenbi"), ("unknown model",), "error.body.message", ANY, words("model 'unknown' is not here"), "Shenbi's words"),
]
seen = set()  # (place in the table, way, request)

for request_ in REQUESTS:
    def compared(request=request_):
        unexplained = []
        for way, *difference in differences(request):
            places = [place for place, known in enumerate(TABLE) if known.explains(way, request, *difference)]
            seen.update((place, way, request) for place in places)
            if not places:
                unexplained.append(f"{way}: {difference[0]}: {difference[2]!r} instead of {difference[1]!r}")
        check(not unexplained, "not in the table", *unexplained)
    compared.__name__ = request_.replace(" ", "_").replace("'", "")
    case(compared)


def every_difference_of_the_table_is_still_there():
    gone = []
    for place, known in enumerate(TABLE):
        for way in known.ways:
            met = {request for at, through, request in seen if (at, through) == (place, way)}
            if not met or (known.requests and set(known.requests) - met):
                gone.append(f"{way}: {known.field} of {sorted(set(known.requests or ()) - met)}: {known.why}")
    check(not gone, *gone)

# --- LiteLLM's library as a client: of the engine, and through the gateway ---

litellm.suppress_debug_info = True
litellm.request_timeout = PATIENCE  # its own is 100 minutes
logging.getLogger("LiteLLM").setLevel(logging.ERROR)
FACES = {"openai": server.url + "/v1", "anthropic": server.url, "ollama_chat": server.url, "gemini": server.url + "/v1beta"}
TOWN = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": {
    "type": "object", "properties": {"town": {"type": "string", "maxLength": 8}}, "required": ["town"], "additionalProperties": False}}}
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
official = openai.OpenAI(base_url=server.url + "/v1", api_key=FRONT_KEY, max_retries=0, timeout=PATIENCE)
REFERENCE = official.chat.completions.create(model=MODEL, messages=FRANCE, temperature=0, max_tokens=8)
SAID = "One two, 三."


def asking(face, model, **more):
    return {"model": f"{face}/{model}", "api_base": FACES[face], "api_key": FRONT_KEY, "messages": FRANCE, "temperature": 0, "max_tokens": 8,
            "num_retries": 0, "max_retries": 0, **more}


def ask(face, model, **more):
    return litellm.completion(**asking(face, model, **more))


def counted(usage, prompt, answer):
    equal((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (prompt, answer, prompt + answer))


@case
def the_library_gets_the_engines_answer_at_every_face():
    for face in FACES:
        answer = ask(face, MODEL)
        equal(answer.choices[0].message.content, REFERENCE.choices[0].message.content, face)
        equal(answer.choices[0].finish_reason, "length", face)
        counted(answer.usage, REFERENCE.usage.prompt_tokens, REFERENCE.usage.completion_tokens)


@case
def the_library_streams_from_every_face():
    for face in FACES:
        for model, text, usage in ((MODEL, REFERENCE.choices[0].message.content, (REFERENCE.usage.prompt_tokens, 8)), ("up/m", SAID, (11, 4))):
            pieces = list(ask(face, model, stream=True, stream_options={"include_usage": True}))
            said = [piece.choices[0].delta.content for piece in pieces if piece.choices and piece.choices[0].delta.content]
            equal("".join(said), text, face)
            check(len(said) > 2, "it came in pieces", face, said)
            counted(pieces[-1].usage, *usage)
    house.taken()


@case
def the_library_streams_without_waiting_for_its_thread():
    async def all_at_once():
        async def one(face):
            return "".join([piece.choices[0].delta.content or "" async for piece in await litellm.acompletion(**asking(face, MODEL, stream=True)) if piece.choices])
        return await asyncio.gather(*map(one, FACES))
    for text in asyncio.run(all_at_once()):
        equal(text, REFERENCE.choices[0].message.content)


@case
def the_library_gets_a_houses_answer_through_every_face():
    for face in FACES:
        answer = ask(face, "up/m", stop=["END"])
        equal(answer.choices[0].message.content, SAID, face)
        equal(answer.choices[0].finish_reason, "stop", face)
        counted(answer.usage, 11, 4)
        (asked,) = house.taken()
        stop = asked["stop"] if isinstance(asked["stop"], list) else [asked["stop"]]
        equal((asked["model"], asked["temperature"], stop, asked["messages"]), ("m", 0, ["END"], FRANCE), face)


@case
def stops_end_the_engines_answer():
    for face in FACES:
        answer = ask(face, MODEL, stop=["France"])
        equal((answer.choices[0].message.content, answer.choices[0].finish_reason), ("The capital of ", "stop"), face)


@case
def a_schema_is_kept_to():
    # Not Gemini's: LiteLLM puts the schema into the prompt of a model of Google's whose name it does not know. At Anthropic's it demands a tool.
    for face, model in (("openai", MODEL), ("ollama_chat", MODEL), ("anthropic", "tooled")):
        town = json.loads(ask(face, model, response_format=TOWN, max_tokens=60).choices[0].message.content)
        check(set(town) == {"town"} and len(town["town"]) <= 8, face, town)


@case
def tools_are_called():
    # Not Ollama's: its dialect cannot demand a call, and the model makes none by itself.
    for face, model in (("openai", "tooled"), ("anthropic", "tooled"), ("gemini", "tooled"), *((face, "up/m") for face in FACES)):
        for stream in (False, True):
            said = ask(face, model, tools=[TOOL], tool_choice="auto" if model == "up/m" else "required", max_tokens=60, stream=stream)
            answer = litellm.stream_chunk_builder(list(said)) if stream else said
            call = answer.choices[0].message.tool_calls[0]
            equal((call.function.name, set(json.loads(call.function.arguments))), ("get_weather", {"town"}), face, model, stream)
            check(call.id, face, model)
            if model == "up/m":
                equal((json.loads(call.function.arguments), answer.choices[0].finish_reason), ({"town": "Paris"}, "tool_calls"), face, stream)
    house.taken()


@case
def results_of_tools_are_heard():
    for face in FACES:
        equal(ask(face, "up/m", messages=CALLED, tools=[TOOL]).choices[0].message.content, SAID, face)
        (asked,) = house.taken()
        turns = asked["messages"]
        equal([turn["role"] for turn in turns], ["user", "assistant", "tool", "tool"], face)
        equal([json.loads(call["function"]["arguments"])["town"] for call in turns[1]["tool_calls"]], ["Paris", "Rome"], face)
        for turn, sky, call in zip(turns[2:], ("rainy", "sunny"), turns[1]["tool_calls"], strict=True):
            check(sky in json.dumps(turn["content"]), face, turn)
            equal(turn["tool_call_id"], call["id"], face)


@case
def pictures_are_seen():
    # Without "detail": at Gemini's face LiteLLM makes a mediaResolution of it, which is refused by name.
    seen_by = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]}]
    for face in FACES:
        ask(face, "up/m", messages=seen_by)
        (asked,) = house.taken()
        parts = asked["messages"][0]["content"]
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        equal((urls, [part["text"] for part in parts if part["type"] == "text"]), ([PICTURE], ["What is this?"]), face)


@case
def logprobs_come_where_the_dialect_has_them():
    for model in (MODEL, "up/m"):
        told = ask("openai", model, logprobs=True, max_tokens=2).choices[0].logprobs.content
        check(told and all(token.logprob <= 0 for token in told), model, told)
    house.taken()


@case
def embeddings_are_the_same():
    expected = official.embeddings.create(model=MODEL, input=["one", "two"]).data
    mine = litellm.embedding(model=f"openai/{MODEL}", input=["one", "two"], api_base=FACES["openai"], api_key=FRONT_KEY).data
    for a, b in zip(mine, expected, strict=True):
        check(max(abs(x - y) for x, y in zip(a["embedding"], b.embedding, strict=True)) < 1e-6)
    theirs = litellm.embedding(model="openai/up/m", input=["one", "two"], api_base=FACES["openai"], api_key=FRONT_KEY).data
    equal([one["embedding"] for one in theirs], [[0.5, -0.25, 0], [0.5, -0.25, 0.25]])
    house.taken()


@case
def responses_and_plain_completions_are_answered():
    said = litellm.responses(model=f"openai/{MODEL}", input=FRANCE[0]["content"], api_base=FACES["openai"], api_key=FRONT_KEY, temperature=0, max_output_tokens=16)
    check(REFERENCE.choices[0].message.content.strip() in said.output[0].content[0].text, said)
    asked = {"prompt": "The capital of France is", "temperature": 0, "max_tokens": 4}
    plain = litellm.text_completion(model=f"text-completion-openai/{MODEL}", api_base=FACES["openai"], api_key=FRONT_KEY, **asked)
    equal(plain.choices[0].text, official.completions.create(model=MODEL, **asked).choices[0].text)


@case
def a_wrong_key_is_an_authentication_error():
    for face in FACES:
        with raises(litellm.AuthenticationError, "this key is unknown or revoked"):
            ask(face, MODEL, api_key="sk-of-nobody-0123456789")


@case
def a_model_that_is_not_here_is_not_found():
    for face in FACES:
        with raises(litellm.NotFoundError, "is not here"):
            ask(face, "nobody")


@case
def a_value_out_of_range_is_a_bad_request_that_names_it():
    for face in FACES:
        with raises(litellm.BadRequestError, "temperature: -3"):
            ask(face, MODEL, temperature=-3)


@case
def a_prompt_beyond_the_context_is_known_for_what_it_is():
    # Not at Ollama's face: of its dialect LiteLLM reads no words.
    for face in FACES:
        kind = litellm.BadRequestError if face == "ollama_chat" else litellm.ContextWindowExceededError
        with raises(kind, "maximum context length"):
            ask(face, MODEL, messages=[{"role": "user", "content": "word " * 20000}])
        with raises(kind, "maximum context length"):
            ask(face, "up/small")
    house.taken()


@case
def a_house_that_tells_to_wait_is_a_rate_limit():
    for face in ("openai", "anthropic"):
        with raises(litellm.RateLimitError, "Rate limit reached"):
            ask(face, f"{face}-waits/limited")
    house.taken()


@case
def a_house_that_is_broken_is_no_fault_of_the_callers():
    for face in ("openai", "anthropic"):
        with raises((litellm.BadGatewayError, litellm.InternalServerError), "The server had an error"):
            ask(face, f"{face}-breaks/broken")
    house.taken()


# --- the engine behind LiteLLM's proxy ---


def through(way, model, **more):
    url, key = {"server": (server.url + "/v1", FRONT_KEY), "proxy": (proxy.url + "/v1", PROXY_KEY)}[way]
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=PATIENCE).chat.completions.create(
        model=model, **{"messages": FRANCE, "temperature": 0, "max_tokens": 40, "seed": 1, **more})


@case
def the_engine_answers_the_same_through_litellms_proxy():
    for model, more in ((MODEL, {}), (MODEL, {"stop": ["France"]}), (MODEL, {"response_format": TOWN}), (MODEL, {"logprobs": True, "top_logprobs": 2}),
                        ("tooled", {"tools": [TOOL], "tool_choice": "required"})):
        mine, theirs = (through(way, model, **more) for way in ("server", "proxy"))
        facts = [[(choice.finish_reason, choice.message.content, [call.function for call in choice.message.tool_calls or []],
                   [(one.token, one.bytes) for one in choice.logprobs.content] if choice.logprobs else None) for choice in answer.choices]
                 + [answer.model, answer.usage.prompt_tokens, answer.usage.completion_tokens] for answer in (mine, theirs)]
        equal(facts[1], facts[0], more)


@case
def the_engine_streams_the_same_through_litellms_proxy():
    told = []
    for way in ("server", "proxy"):
        pieces = list(through(way, MODEL, **COUNTED))
        told.append(([piece.choices[0].delta.content for piece in pieces if piece.choices and piece.choices[0].delta.content],
                     [piece.choices[0].finish_reason for piece in pieces if piece.choices and piece.choices[0].finish_reason],
                     pieces[-1].usage.completion_tokens))
    equal(told[1], told[0])


@case
def what_the_engine_refuses_is_refused_by_name_through_litellms_proxy():
    with raises(openai.BadRequestError, "of_next_year"):
        through("proxy", MODEL, extra_body={"of_next_year": 1})
    with raises(openai.BadRequestError, "maximum context length"):
        through("proxy", MODEL, messages=[{"role": "user", "content": "word " * 20000}])


try:
    main(workers=1, last=every_difference_of_the_table_is_still_there)
finally:
    front.stop()
    proxy.stop()
    server.stop()
    house.stop()
    for home_ in homes:
        home_.cleanup()
