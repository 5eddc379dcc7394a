#!/usr/bin/env python3
"""The recorded streams of Anthropic's own Python package (its tests' fixtures), played by a house behind a server. Anthropic's client must
hear the same through the server as from the house, byte by byte and as the message that it puts together. The clients of OpenAI, Google and
Ollama, for whom the stream is translated, must hear the same text, thinking, calls, end and usage as are in that message."""
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import anthropic
import google.genai
import httpx
import ollama
import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "parity" / "support"))
from reference_package import part_of  # noqa: E402

from api.support.server import SHENBI  # noqa: E402
from faults.support.process import Server, case, check, data_home, equal, main  # noqa: E402

# Some files lack the empty line that ends their last event.
STREAMS = {file.stem: file.read_bytes().rstrip(b"\n") + b"\n\n" for file in sorted((part_of("anthropic", "tests") / "lib/streaming/fixtures").glob("*.txt"))}
HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {"name": "get_weather", "description": "d", "input_schema": {"type": "object", "properties": {"location": {"type": "string"}}}}
# What its reasons to end are elsewhere.
ENDS = {"end_turn": ("stop", "STOP", "stop"), "stop_sequence": ("stop", "STOP", "stop"), "tool_use": ("tool_calls", "STOP", "stop"),
        "max_tokens": ("length", "MAX_TOKENS", "length"), "refusal": ("content_filter", "SAFETY", "stop")}


class Player(http.server.BaseHTTPRequestHandler):
    """Plays the stream that the model is named after."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        model = json.loads(self.rfile.read(int(self.headers["content-length"])))["model"]
        said = STREAMS[model]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


house = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Player)
house.daemon_threads = True
threading.Thread(target=house.serve_forever, daemon=True).start()
HOUSE = f"http://127.0.0.1:{house.server_port}"
home = data_home()
folder = home.__enter__()
subprocess.run([SHENBI, "upstreams", "add", "claude", "--house", "anthropic", "--base-url", HOUSE + "/v1", "--key-from-input",
                *(f"--model={name}" for name in STREAMS)], input="sk-of-the-operator-0123456789\n", text=True, check=True,
               capture_output=True, env={**os.environ, "SHENBI_HOME": str(folder)})
server = Server(models=(), home=folder)
there, here = (anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) for url in (HOUSE, server.url))
gpt = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
gemini = google.genai.Client(api_key="none", http_options={"base_url": server.url})
lama = ollama.Client(host=server.url)


def heard(client, name, beta):
    """The message that the client puts together, or what it raises over it; and what it was told on the way."""
    kinds = []
    try:
        with (client.beta if beta else client).messages.stream(model=name, max_tokens=99, messages=HELLO, tools=[TOOL]) as stream:
            kinds += [event.type for event in stream]
            kinds = kinds[:kinds.index("message_stop") + 1]
            return kinds, stream.get_final_message().to_dict()
    except Exception as error:  # whatever the client finds wrong
        return kinds, f"{type(error).__name__}: {error}"


def played(name):
    """What is in a stream: as Anthropic's client reads it, but for arguments, which are what was written."""
    message = {"text": "", "thinking": "", "calls": [], "usage": {}, "end": None}
    for line in STREAMS[name].decode().splitlines():
        if not line.startswith("data:"):
            continue
        event = json.loads(line[5:])
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            message["calls"].append([event["content_block"]["name"], "", event["index"]])
        delta = event.get("delta", {})
        message["text"] += delta.get("text", "") if delta.get("type") == "text_delta" else ""
        message["thinking"] += delta.get("thinking", "") if delta.get("type") == "thinking_delta" else ""
        for call in message["calls"]:
            if delta.get("type") == "input_json_delta" and call[2] == event["index"]:
                call[1] += delta["partial_json"]
        if event["type"] == "message_start":
            message["usage"].update(event["message"]["usage"])
        if event["type"] == "message_delta":
            message["usage"].update({k: v for k, v in (event.get("usage") or {}).items() if v is not None})
            message["end"] = delta.get("stop_reason")
    usage = message["usage"]
    message["prompt"] = sum(usage.get(k) or 0 for k in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"))
    message["said"] = usage.get("output_tokens", 0)
    return message


@case
def anthropics_client_hears_the_house_byte_by_byte():
    equal(len(STREAMS), 16)
    for name, said in STREAMS.items():
        answer = httpx.post(server.url + "/v1/messages", json={"model": name, "max_tokens": 99, "messages": HELLO, "stream": True})
        message = re.match(rb'.*"message_stop"\s*}\s*\n\n', said, re.DOTALL)[0]  # what comes after its end belongs to none
        equal((answer.status_code, answer.content), (200, message), name)


@case
def anthropics_client_puts_the_same_message_together():
    whole = 0
    for name in STREAMS:
        for beta in (False, True):
            mine, theirs = heard(here, name, beta), heard(there, name, beta)
            equal(mine, theirs, name, beta)
            whole += isinstance(theirs[1], dict)
    check(whole >= 28, f"{whole} messages could be put together")


@case
def openais_client_hears_the_same_in_its_words():
    for name in STREAMS:
        expected = played(name)
        chunks = list(gpt.chat.completions.create(model=name, messages=HELLO, stream=True, stream_options={"include_usage": True}))
        choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
        equal("".join(choice.delta.content or "" for choice in choices), expected["text"], name)
        equal("".join(getattr(choice.delta, "reasoning_content", None) or "" for choice in choices), expected["thinking"], name)
        calls = {}
        for call in (call for choice in choices for call in choice.delta.tool_calls or []):
            one = calls.setdefault(call.index, ["", ""])
            one[0] += call.function.name or ""
            one[1] += call.function.arguments or ""
        equal(list(calls.values()), [call[:2] for call in expected["calls"]], name)
        equal(choices[-1].finish_reason, ENDS[expected["end"]][0], name)
        usage = chunks[-1].usage
        equal((usage.prompt_tokens, usage.completion_tokens), (expected["prompt"], expected["said"]), name)


@case
def openais_client_of_responses_hears_the_same_in_its_words():
    for name in STREAMS:
        expected = played(name)
        final = [event for event in gpt.responses.create(model=name, input="Hello", stream=True)
                 if event.type in ("response.completed", "response.incomplete", "response.failed")][-1].response
        equal(final.output_text, expected["text"], name)
        equal([(item.name, item.arguments) for item in final.output if item.type == "function_call"],
              [tuple(call[:2]) for call in expected["calls"]], name)
        equal((final.usage.input_tokens, final.usage.output_tokens), (expected["prompt"], expected["said"]), name)


def whole_object(arguments):
    """Of arguments that are no object nothing can be told in these dialects."""
    try:
        given = json.loads(arguments)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


@case
def googles_client_hears_the_same_in_its_words():
    for name in STREAMS:
        expected = played(name)
        pieces = list(gemini.models.generate_content_stream(model=name, contents="Hello"))
        parts = [part for piece in pieces for part in (piece.candidates[0].content.parts if piece.candidates[0].content else None) or []]
        equal("".join(part.text or "" for part in parts if not part.thought), expected["text"], name)
        equal([(part.function_call.name, part.function_call.args or {}) for part in parts if part.function_call],
              [(call[0], whole_object(call[1])) for call in expected["calls"]], name)
        equal(pieces[-1].candidates[0].finish_reason.name, ENDS[expected["end"]][1], name)
        usage = pieces[-1].usage_metadata
        equal((usage.prompt_token_count, usage.candidates_token_count + (usage.thoughts_token_count or 0)),
              (expected["prompt"], expected["said"]), name)


@case
def ollamas_client_hears_the_same_in_its_words():
    for name in STREAMS:
        expected = played(name)
        pieces = list(lama.chat(name, messages=HELLO, stream=True))
        equal("".join(piece.message.content or "" for piece in pieces), expected["text"], name)
        equal([(call.function.name, dict(call.function.arguments)) for piece in pieces for call in piece.message.tool_calls or []],
              [(call[0], whole_object(call[1])) for call in expected["calls"]], name)
        equal((pieces[-1].done_reason, pieces[-1].prompt_eval_count, pieces[-1].eval_count),
              (ENDS[expected["end"]][2], expected["prompt"], expected["said"]), name)


@case
def what_is_asked_for_whole_is_the_same():
    for name in STREAMS:
        expected = played(name)
        answer = gpt.chat.completions.create(model=name, messages=HELLO)
        equal(answer.choices[0].message.content or "", expected["text"], name)
        equal([[call.function.name, call.function.arguments] for call in answer.choices[0].message.tool_calls or []],
              [call[:2] for call in expected["calls"]], name)
        equal((answer.usage.prompt_tokens, answer.usage.completion_tokens), (expected["prompt"], expected["said"]), name)


try:
    main(workers=1)
finally:
    server.stop()
    house.shutdown()
    home.__exit__(None, None, None)
