#!/usr/bin/env python3
"""What the clients of five dialects can say, asked of houses of three others: each house must find nothing wrong in what it is asked for, hear
all that was said, and its answer must come back as the client's own types. OpenAI and Anthropic are played by their own descriptions
(support/described.py); Google's part is what its package's types, which take no field that they do not know, make of the request. What cannot
be carried must be refused by the name of the field, as REFUSED says, before anybody is asked."""
import base64
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import zlib

import anthropic
import google.genai
import ollama
import openai
import pydantic
from google.genai import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.described import Asked, Described  # noqa: E402
from api.support.server import SHENBI  # noqa: E402
from faults.support.process import Server, case, check, data_home, main  # noqa: E402


def png():
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    head = b"\0\0\0\1\0\0\0\1\x08\2\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")


PICTURE = base64.b64encode(png()).decode()
PAPER = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
SCHEMA = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"], "additionalProperties": False}


class Google:
    """Answers one text, and looks at each request with Google's own types."""

    FIELDS = {"contents": list[types.Content], "systemInstruction": types.Content, "tools": list[types.Tool], "toolConfig": types.ToolConfig,
              "generationConfig": types.GenerationConfig}

    def __init__(self):
        self.asked, house = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                house.asked.append(Asked(self.path, body, tuple(house.problems(json.loads(body)))))
                said = json.dumps({"candidates": [{"content": {"role": "model", "parts": [{"text": "Four."}]}, "finishReason": "STOP"}],
                                   "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2, "totalTokenCount": 9}})
                stream = "alt=sse" in self.path
                said = (f"data: {said}\r\n\r\n" if stream else said).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def problems(self, body):
        for field, value in body.items():
            if field not in self.FIELDS:
                yield f"{field}: unknown"
                continue
            try:
                pydantic.TypeAdapter(self.FIELDS[field]).validate_json(json.dumps(value))
            except pydantic.ValidationError as error:
                yield str(error)

    def taken(self):
        asked, self.asked = self.asked, []
        return asked

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


# --- what is said: of each dialect, by the name of what it is about; and what of it must be heard by every house ---

HI = {"role": "user", "content": "What is 2+2?"}
HEARD = {"text": ["What is 2+2?"], "system": ["Be brief."], "turns": ["It is 4.", "And 3+3?"], "picture": [PICTURE, "image/png", "What is this?"],
         "paper": [PAPER], "tools": ["get_weather", "Of a town", "town"], "one tool": ["get_weather"], "results": ["get_weather", "Paris", "rainy", "sunny"],
         "thinking": ["What is 2+2?"], "schema": ["town"], "stop": ["END"], "sampling": ["0.25", "0.75"], "length": ["77"],
         "cache markers": ["A long text.", "What is 2+2?"], "seed": ["4242"]}

TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Of a town", "parameters": SCHEMA}}
CALLS = [{"id": f"call_{i}", "type": "function", "function": {"name": "get_weather", "arguments": json.dumps({"town": town})}}
         for i, town in enumerate(("Paris", "Rome"))]
OPENAI = {
    "text": {"messages": [HI]},
    "system": {"messages": [{"role": "system", "content": "Be brief."}, HI]},
    "turns": {"messages": [HI, {"role": "assistant", "content": "It is 4."}, {"role": "user", "content": "And 3+3?"}]},
    "picture": {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"},
                                                          {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]}]},
    "paper": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Read."}, {"type": "file", "file": {
        "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PAPER}"}}]}]},
    "tools": {"messages": [HI], "tools": [TOOL]},
    "one tool": {"messages": [HI], "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    "results": {"messages": [HI, {"role": "assistant", "content": None, "tool_calls": CALLS},
                             {"role": "tool", "tool_call_id": "call_0", "content": "rainy"},
                             {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}], "tools": [TOOL]},
    "thinking": {"messages": [HI], "reasoning_effort": "low"},
    "schema": {"messages": [HI], "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}},
    "stop": {"messages": [HI], "stop": ["END"]},
    "sampling": {"messages": [HI], "temperature": 0.25, "top_p": 0.75},
    "length": {"messages": [HI], "max_completion_tokens": 77},
    "seed": {"messages": [HI], "seed": 4242},
}
CLAUDE_TOOL = {"name": "get_weather", "description": "Of a town", "input_schema": SCHEMA}
ANTHROPIC = {
    "text": {"messages": [HI]},
    "system": {"messages": [HI], "system": "Be brief."},
    "turns": OPENAI["turns"],
    "picture": {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {
        "type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}]}]},
    "paper": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Read."}, {
        "type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PAPER}}]}]},
    "tools": {"messages": [HI], "tools": [CLAUDE_TOOL]},
    "one tool": {"messages": [HI], "tools": [CLAUDE_TOOL], "tool_choice": {"type": "tool", "name": "get_weather"}},
    "results": {"messages": [HI, {"role": "assistant", "content": [{"type": "tool_use", "id": f"call_{i}", "name": "get_weather", "input": {"town": town}}
                                                                   for i, town in enumerate(("Paris", "Rome"))]},
                             {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"call_{i}", "content": sky}
                                                          for i, sky in enumerate(("rainy", "sunny"))]}], "tools": [CLAUDE_TOOL]},
    "thinking": {"messages": [HI], "max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    "stop": {"messages": [HI], "stop_sequences": ["END"]},
    "length": {"messages": [HI], "max_tokens": 77},
    "cache markers": {"messages": [{"role": "user", "content": [{"type": "text", "text": "A long text.", "cache_control": {"type": "ephemeral"}},
                                                                {"type": "text", "text": "What is 2+2?"}]}]},
}
RESPONSES = {
    "text": {"input": "What is 2+2?"},
    "system": {"input": "What is 2+2?", "instructions": "Be brief."},
    "turns": {"input": OPENAI["turns"]["messages"]},
    "picture": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, {
        "type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PICTURE}"}]}]},
    "tools": {"input": "What is 2+2?", "tools": [{"type": "function", "name": "get_weather", "description": "Of a town", "parameters": SCHEMA, "strict": True}]},
    "results": {"input": [HI, *({"type": "function_call", "call_id": f"call_{i}", "name": "get_weather", "arguments": json.dumps({"town": town})}
                                for i, town in enumerate(("Paris", "Rome"))),
                          *({"type": "function_call_output", "call_id": f"call_{i}", "output": sky} for i, sky in enumerate(("rainy", "sunny")))],
                "tools": [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": True}]},
    "thinking": {"input": "What is 2+2?", "reasoning": {"effort": "low"}},
    "schema": {"input": "What is 2+2?", "text": {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": SCHEMA}}},
    "sampling": {"input": "What is 2+2?", "temperature": 0.25, "top_p": 0.75},
    "length": {"input": "What is 2+2?", "max_output_tokens": 77},
}
WEATHER = types.Tool(function_declarations=[types.FunctionDeclaration(name="get_weather", description="Of a town", parameters_json_schema=SCHEMA)])
GEMINI = {
    "text": ("What is 2+2?", {}),
    "system": ("What is 2+2?", {"system_instruction": "Be brief."}),
    "turns": ([types.Content(role=role, parts=[types.Part(text=text)]) for role, text in
               (("user", "What is 2+2?"), ("model", "It is 4."), ("user", "And 3+3?"))], {}),
    "picture": ([types.Part(text="What is this?"), types.Part.from_bytes(data=png(), mime_type="image/png")], {}),
    "paper": ([types.Part(text="Read."), types.Part.from_bytes(data=base64.b64decode(PAPER), mime_type="application/pdf")], {}),
    "tools": ("What is 2+2?", {"tools": [WEATHER]}),
    "one tool": ("What is 2+2?", {"tools": [WEATHER], "tool_config": types.ToolConfig(function_calling_config=types.FunctionCallingConfig(
        mode="ANY", allowed_function_names=["get_weather"]))}),
    "results": ([types.Content(role="user", parts=[types.Part(text="What is 2+2?")]),
                 types.Content(role="model", parts=[types.Part.from_function_call(name="get_weather", args={"town": town}) for town in ("Paris", "Rome")]),
                 types.Content(role="user", parts=[types.Part.from_function_response(name="get_weather", response={"result": sky})
                                                   for sky in ("rainy", "sunny")])], {"tools": [WEATHER]}),
    "thinking": ("What is 2+2?", {"thinking_config": types.ThinkingConfig(thinking_level="LOW", include_thoughts=True)}),
    "schema": ("What is 2+2?", {"response_mime_type": "application/json", "response_json_schema": SCHEMA}),
    "stop": ("What is 2+2?", {"stop_sequences": ["END"]}),
    "sampling": ("What is 2+2?", {"temperature": 0.25, "top_p": 0.75}),
    "length": ("What is 2+2?", {"max_output_tokens": 77}),
    "seed": ("What is 2+2?", {"seed": 4242}),
}
OLLAMA = {
    "text": {"messages": [HI]},
    "system": OPENAI["system"],
    "turns": OPENAI["turns"],
    "picture": {"messages": [{"role": "user", "content": "What is this?", "images": [PICTURE]}]},
    "tools": {"messages": [HI], "tools": [TOOL]},
    "results": {"messages": [HI, {"role": "assistant", "tool_calls": [{"function": {"name": "get_weather", "arguments": {"town": town}}} for town in ("Paris", "Rome")]},
                             {"role": "tool", "tool_name": "get_weather", "content": "rainy"},
                             {"role": "tool", "tool_name": "get_weather", "content": "sunny"}], "tools": [TOOL]},
    "thinking": {"messages": [HI], "think": True},
    "schema": {"messages": [HI], "format": SCHEMA},
    "stop": {"messages": [HI], "options": {"stop": ["END"]}},
    "sampling": {"messages": [HI], "options": {"temperature": 0.25, "top_p": 0.75}},
    "length": {"messages": [HI], "options": {"num_predict": 77}},
    "seed": {"messages": [HI], "options": {"seed": 4242}},
}

# What a house has no word for, by house and what it is about: the word that the refusal must hold.
REFUSED = {("anthropic", "seed"): "seed"}

houses = {"openai": Described("openai"), "anthropic": Described("anthropic"), "gemini": Google()}
home = data_home()
folder = home.__enter__()
for name, path in (("openai", ""), ("anthropic", "/v1"), ("gemini", "/v1beta")):
    subprocess.run([SHENBI, "upstreams", "add", name, "--house", name, "--base-url", houses[name].url + path, "--key-from-input"],
                   input="sk-of-the-operator-0123456789\n", text=True, check=True, capture_output=True, env={**os.environ, "SHENBI_HOME": str(folder)})
server = Server(models=(), home=folder)
gpt = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, _strict_response_validation=True)
claude = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True)
google_client = google.genai.Client(api_key="none", http_options={"base_url": server.url})
lama = ollama.Client(host=server.url)

CLIENTS = {
    "openai": (OPENAI, lambda model, said, stream: (list(gpt.chat.completions.create(model=model, stream=True, **said)) if stream
                                                    else gpt.chat.completions.create(model=model, **said))),
    "responses": (RESPONSES, lambda model, said, stream: (list(gpt.responses.create(model=model, stream=True, **said)) if stream
                                                          else gpt.responses.create(model=model, **said))),
    "anthropic": (ANTHROPIC, lambda model, said, stream: (list(claude.messages.create(model=model, stream=True, **{"max_tokens": 99, **said})) if stream
                                                          else claude.messages.create(model=model, **{"max_tokens": 99, **said}))),
    "gemini": (GEMINI, lambda model, said, stream: (
        list(google_client.models.generate_content_stream(model=model, contents=said[0], config=said[1])) if stream
        else google_client.models.generate_content(model=model, contents=said[0], config=said[1]))),
    "ollama": (OLLAMA, lambda model, said, stream: list(lama.chat(model, stream=True, **said)) if stream else lama.chat(model, **said)),
}


def one(client, house, about):
    said, send = CLIENTS[client][0][about], CLIENTS[client][1]
    word = REFUSED.get((house, about))
    for stream in (False, True):
        try:
            send(f"{house}/m", said, stream)
            refusal = None
        except Exception as error:  # whatever the client makes of it
            refusal = f"{type(error).__name__}: {error}"
        asked = houses[house].taken()
        facts = (client, house, about, f"stream {stream}", refusal, [a.body[:1500] for a in asked])
        if word:
            check(refusal and "400" in refusal and word in refusal and not asked, "it is to be refused", word, *facts)
            continue
        check(not refusal and len(asked) == 1, "the answer", *facts)
        check(not asked[0].problems, asked[0].problems, *facts)
        body = asked[0].body.decode()
        check(all(word in body for word in HEARD[about]), "not all was heard", HEARD[about], *facts)


for client_, (things, _) in CLIENTS.items():
    for house_ in houses:
        if client_ == house_:
            continue  # goes through as it is
        for about_ in things:
            def run(client=client_, house=house_, about=about_):
                one(client, house, about)
            run.__name__ = f"{client_}_{house_}_{about_.replace(' ', '_')}"
            case(run)

try:
    main(workers=1)
finally:
    server.stop()
    for house_ in houses.values():
        house_.stop()
    home.__exit__(None, None, None)
