#!/usr/bin/env python3
"""Accounts that keep personal data from their house: what a house on this machine receives, and what callers of every dialect get back,
whole and in pieces; that no value stands in the log, the ledger, the metrics or the cache; and accounts that block."""
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import SHENBI  # noqa: E402
from faults.support.process import Server, ask, case, check, data_home, equal, log_of, main  # noqa: E402

# Each is one of its kind by its check digits; none is anybody's.
VALUES = ["zhang.san@example.com", "138 1234 5678", "11010519491231002X", "4111 1111 1111 1111", "GB29NWBK60161331926819", "203.0.113.7",
          "京A12345", "91350100M000100Y43", "Nightjar", "ZX-004711"]
TEXT = "请联系" + "，".join(VALUES) + "。Thanks [1]!"
HIDDEN = "请联系" + "，".join(["[EMAIL_1]", "[PHONE_1]", "[ID_1]", "[CARD_1]", "[IBAN_1]", "[IP_1]", "[PLATE_1]", "[COMPANY_1]",
                            "[PRIVATE_1]", "[PRIVATE_2]"]) + "。Thanks [1]!"


def pieces(text):
    """Cut so that every placeholder is in several."""
    return [text[at:at + 3] for at in range(0, len(text), 3)]


class House:
    """Answers in three dialects with the last text that it was sent, and with a call whose argument is that text if it was given tools."""

    def __init__(self):
        self.bodies = []
        house = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.say("application/json", b"{}", 404)

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                house.bodies.append(raw.decode())
                body = json.loads(raw)
                if self.path.endswith("/embeddings"):
                    return self.say("application/json", json.dumps({"data": [{"index": i, "embedding": [1.0, 0.0]} for i in range(len(body["input"]))], "usage": {"prompt_tokens": 1}}).encode())
                dialect = gemini if "enerateContent" in self.path else anthropic if self.path.endswith("/messages") else openai
                streams = body.get("stream") or ":stream" in self.path
                answer = dialect(body, streams)
                self.say("text/event-stream" if streams else "application/json", answer.encode())

            def say(self, kind, body, status=200):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def events(*all_of_them, end=""):
    return "".join((f"event: {e['type']}\n" if "type" in e else "") + f"data: {json.dumps(e)}\n\n" for e in all_of_them) + end


def openai(body, streams):
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    arguments = json.dumps({"to": text}, ensure_ascii=False)
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    called = bool(body.get("tools"))
    function = {"name": "send", "arguments": arguments}
    if not streams:
        message = {"role": "assistant", "content": None if called else text, **({"tool_calls": [{"id": "c1", "type": "function", "function": function}]} if called else {})}
        return json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
                           "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if called else "stop"}]})

    def chunk(delta, finish=None):
        return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if called:
        said = [chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "send", "arguments": ""}}]}),
                *(chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in pieces(arguments))]
    else:
        said = [chunk({"content": piece}) for piece in pieces(text)]
    return events(*said, chunk({}, "tool_calls" if called else "stop"), {"id": "x", "choices": [], "usage": usage}, end="data: [DONE]\n\n")


def anthropic(body, streams):
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    called = bool(body.get("tools"))
    block = {"type": "tool_use", "id": "t1", "name": "send", "input": {"to": text}} if called else {"type": "text", "text": text}
    message = {"id": "x", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 5, "output_tokens": 1}}
    stop = "tool_use" if called else "end_turn"
    if not streams:
        return json.dumps({**message, "content": [block], "stop_reason": stop})
    empty = {**block, "input": {}} if called else {"type": "text", "text": ""}
    said = pieces(json.dumps({"to": text}, ensure_ascii=False)) if called else pieces(text)
    return events({"type": "message_start", "message": message}, {"type": "content_block_start", "index": 0, "content_block": empty},
                  *({"type": "content_block_delta", "index": 0,
                     "delta": {"type": "input_json_delta", "partial_json": piece} if called else {"type": "text_delta", "text": piece}} for piece in said),
                  {"type": "content_block_stop", "index": 0},
                  {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 3}}, {"type": "message_stop"})


def gemini(body, streams):
    text = body["contents"][-1]["parts"][-1]["text"]
    parts = [{"functionCall": {"name": "send", "args": {"to": text}}}] if body.get("tools") else [{"text": piece} for piece in (pieces(text) if streams else [text])]

    def answer(part, last):
        return {"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}, **({"finishReason": "STOP"} if last else {})}],
                "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}}
    if not streams:
        return json.dumps(answer(parts[0], True))
    return events(*(answer(part, part is parts[-1]) for part in parts))


HOUSES = {"compatible": "/v1", "anthropic": "/v1", "gemini": "/v1beta"}


def setting():
    home = data_home()
    folder = home.__enter__()
    played = {}
    for house, path in HOUSES.items():
        played[house] = House()
        for treatment in ("mask", "block", "send"):
            own = ["--private-word", "nightjar", "--private-pattern", "ZX-[0-9]{6}"]
            subprocess.run([SHENBI, "upstreams", "add", f"{house}-{treatment}", "--house", house, "--base-url", played[house].url + path, "--model", "m",
                            "--key-from-input", "--personal-data", treatment, *own], input="secret-of-the-house\n", text=True, check=True,
                           capture_output=True, env={**os.environ, "SHENBI_HOME": str(folder)})
    return Server("--answer-cache", 16, models=(), home=folder, environment={"SHENBI_LOG": "debug"}), played, home


server, played, home = setting()
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}}


def data(answer):
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


def by_openai(model, text, stream, called):
    tools = {"tools": [{"type": "function", "function": {"name": "send", "parameters": SCHEMA}}]} if called else {}
    answer = ask(server, "POST", "/v1/chat/completions", {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}], **tools})
    if answer.status != 200:
        return answer, ""
    if not stream:
        message = answer.json()["choices"][0]["message"]
        return answer, json.loads(message["tool_calls"][0]["function"]["arguments"])["to"] if called else message["content"]
    deltas = [e["choices"][0]["delta"] for e in data(answer) if e.get("choices")]
    if called:
        return answer, json.loads("".join(c["function"].get("arguments") or "" for d in deltas for c in d.get("tool_calls") or []))["to"]
    return answer, "".join(d.get("content") or "" for d in deltas)


def by_anthropic(model, text, stream, called):
    tools = {"tools": [{"name": "send", "input_schema": SCHEMA}]} if called else {}
    answer = ask(server, "POST", "/v1/messages", {"model": model, "max_tokens": 99, "stream": stream, "messages": [{"role": "user", "content": text}], **tools})
    if answer.status != 200:
        return answer, ""
    if not stream:
        block = answer.json()["content"][0]
        return answer, block["input"]["to"] if called else block["text"]
    deltas = [e["delta"] for e in data(answer) if e["type"] == "content_block_delta"]
    if called:
        return answer, json.loads("".join(d["partial_json"] for d in deltas))["to"]
    return answer, "".join(d["text"] for d in deltas)


def by_ollama(model, text, stream, called):
    tools = {"tools": [{"type": "function", "function": {"name": "send", "description": "", "parameters": SCHEMA}}]} if called else {}
    answer = ask(server, "POST", "/api/chat", {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}], **tools})
    if answer.status != 200:
        return answer, ""
    messages = [json.loads(line)["message"] for line in answer.text.splitlines() if line.strip()]
    if called:
        return answer, next(m["tool_calls"][0]["function"]["arguments"]["to"] for m in messages if m.get("tool_calls"))
    return answer, "".join(m["content"] for m in messages)


def by_gemini(model, text, stream, called):
    tools = {"tools": [{"functionDeclarations": [{"name": "send", "parameters": SCHEMA}]}]} if called else {}
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    answer = ask(server, "POST", f"/v1beta/models/{model}:{verb}", {"contents": [{"role": "user", "parts": [{"text": text}]}], **tools})
    if answer.status != 200:
        return answer, ""
    parts = [part for e in (data(answer) if stream else [answer.json()]) for part in e["candidates"][0].get("content", {}).get("parts", [])]
    if called:
        return answer, next(p["functionCall"]["args"]["to"] for p in parts if "functionCall" in p)
    return answer, "".join(p.get("text", "") for p in parts)


FACES = (by_openai, by_anthropic, by_ollama, by_gemini)


@case
def every_dialect_gets_its_own_words_back_and_no_house_sees_them():
    for house in HOUSES:
        for face in FACES:
            for stream in (False, True):
                for called in (False, True):
                    answer, said = face(f"{house}-mask/m", TEXT, stream, called)
                    what = (house, face.__name__, stream, called)
                    equal(answer.status, 200, *what, answer)
                    equal(said, TEXT, *what, answer)
                    masked = answer.headers.get("x-shenbi-masked", "")
                    check("email 1" in masked and "private 2" in masked and "id 1" in masked, *what, masked)
    for house, one in played.items():
        hidden = [body for body in one.bodies if "请联系" in json.dumps(json.loads(body), ensure_ascii=False)]
        check(len(hidden) >= 16, house, len(hidden))
        for body in hidden:
            check(HIDDEN in json.dumps(json.loads(body), ensure_ascii=False), house, body)


@case
def a_conversation_looks_the_same_at_every_turn():
    turns = [{"role": "user", "content": "My address is first@example.com."}, {"role": "assistant", "content": "Thanks, first@example.com."},
             {"role": "user", "content": "And second@example.com, turn-mark."}]
    answer = ask(server, "POST", "/v1/chat/completions", {"model": "compatible-mask/m", "messages": turns})
    equal(answer.json()["choices"][0]["message"]["content"], turns[-1]["content"], answer)
    sent = next(json.loads(body) for body in played["compatible"].bodies if "turn-mark" in body)
    equal([m["content"] for m in sent["messages"]],
          ["My address is [EMAIL_1].", "Thanks, [EMAIL_1].", "And [EMAIL_2], turn-mark."], sent)


@case
def an_account_that_blocks_names_kind_and_place_in_every_dialect():
    for house in HOUSES:
        before = len(played[house].bodies)
        for face in FACES:
            for stream in (False, True):
                answer, _ = face(f"{house}-block/m", "Card 4111 1111 1111 1111, block-mark", stream, False)
                equal(answer.status, 400, house, face.__name__, answer)
                check("card" in answer.text and "4111" not in answer.text and f"{house}-block" in answer.text, house, face.__name__, answer)
        check(not any("block-mark" in body for body in played[house].bodies[before:]), house)


@case
def an_account_that_sends_is_asked_as_always():
    answer, said = by_openai("compatible-send/m", "plain-mark zhang.san@example.org [EMAIL_1]", True, False)
    equal(said, "plain-mark zhang.san@example.org [EMAIL_1]", answer)
    check("x-shenbi-masked" not in answer.headers, answer.headers)
    check(any("plain-mark zhang.san@example.org" in body for body in played["compatible"].bodies), "it was not sent")


@case
def texts_to_embed_are_masked():
    answer = ask(server, "POST", "/v1/embeddings", {"model": "compatible-mask/m", "input": ["embed-mark who@example.com"]})
    equal(answer.status, 200, answer)
    check(any("embed-mark [EMAIL_1]" in body for body in played["compatible"].bodies), "not masked")


@case
def the_setting_is_an_account_field_and_bad_ones_are_named():
    old = next(u for u in ask(server, "GET", "/page/upstreams").json()["upstreams"] if u["name"] == "compatible-mask")
    equal((old["personal_data"], old["private_words"], old["private_patterns"]), ("mask", ["nightjar"], ["ZX-[0-9]{6}"]))
    for field, value in (("personal_data", "hide"), ("private_patterns", ["("]), ("private_patterns", ["a*"]), ("private_words", [""])):
        answer = ask(server, "PUT", "/page/upstreams/odd", {"house": "openai", "keys": ["sk-odd-0123456789"], field: value})
        check(answer.status == 400 and field in answer.text, field, value, answer)


def nothing_is_left_behind():
    """No value in the log, the metrics or any file of the data folder; and no masked answer in the cache."""
    for _ in range(2):
        answer, said = by_openai("compatible-mask/m", TEXT, False, False)
        equal(said, TEXT, answer)
        check(answer.headers.get("x-shenbi-cache") != "hit", answer.headers)
    metrics = server.metrics()
    check('shenbi:masked_values_total{upstream="compatible-mask",kind="email"}' in metrics, metrics[-2000:])
    server.stop()
    secrets = [value.encode() for value in VALUES if value.isascii() and value not in ("Nightjar",)]
    files = [path for path in server.home.iterdir() if path.is_file()]
    check(any(path.name == "shenbi.db" for path in files), files)
    for path in files:
        content = path.read_bytes()
        for value in secrets:
            check(value not in content, path.name, value)
    check(not any(value.decode() in metrics for value in secrets), "a value in the metrics")
    check("4111" not in log_of_stopped(), "a value in the log")


def log_of_stopped():
    return (server.home / "server.log").read_text(errors="replace")


main(last=nothing_is_left_behind)
