#!/usr/bin/env python3
"""Requests whose content is hostile: depth, encodings, numbers, names, addresses, schemas. Each gets a 4xx that names the field, no
file outside the data folder is opened, no address is called, and the server serves on."""
import base64
import itertools
import json
import pathlib
import socket
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faults.support.process import (MODEL, Server, Wire, answers, ask, case, chat, chat_body, check, data_folder, data_home,  # noqa: E402
                                    equal, main, resident_bytes, shim)

home = data_home()
folder = home.__enter__()
server = Server(home=folder, environment={"LD_PRELOAD": shim("opened_files"), "OPENED_FILES": str(folder / "opened")})
document = ask(server, "GET", "/openapi.json").json()
GOOD = {"max_tokens": 1, "models": [MODEL], "question": "x", "answers": [{"name": "a", "content": "x"}, {"name": "b", "content": "y"}],
        "model": MODEL, "messages": [{"role": "user", "content": "x"}], "prompt": "x", "input": "x", "tokens": [1], "name": "x",
        "targets": [MODEL], "query": "x", "documents": ["x"]}
# Ends every answer after one token, whatever its other fields say.
SHORT = {"/v1/chat/completions": {"guided_choice": ["a"]}, "/v1/completions": {"guided_choice": ["a"]}}


def operations(*methods):
    for path, all_ in document["paths"].items():
        for method, operation in all_.items():
            if not methods or method.upper() in methods:
                yield method.upper(), path, operation


def filled(path, value="nothing"):
    while "{" in path:
        path = path[:path.index("{")] + value + path[path.index("}") + 1:]
    return path


# --- JSON ---


@case
def deep_json_is_refused_by_every_route_that_reads_a_body():
    deep = [b"[" * 1_000_000, b'{"a":' * 100_000, b'{"model":' * 100_000 + b"1" + b"}" * 100_000,
            b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}"]
    for (method, path, _), body in itertools.product(list(operations("POST", "PATCH")), deep):
        answer = ask(server, method, filled(path), body)
        check(answer.status in (400, 404), method, path, answer)
        check(len(answer.body) < 2000, method, path, len(answer.body))


@case
def deep_schemas_are_refused_by_name():
    schema = {"type": "string"}
    for _ in range(300):
        schema = {"type": "object", "properties": {"a": schema}}
    for field in ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}, {"guided_json": schema},
                  {"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}):
        answer = chat(server, **field)
        equal(answer.status, 400, list(field), answer)


@case
def text_that_is_no_utf8_is_refused_by_every_route_that_reads_a_body():
    bad_texts = [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\x80", b"\\ud800", b"\\udc00\\ud800", b"a\x00b",
                 b"\xe2\x82"]
    for (method, path, _), bad in itertools.product(list(operations("POST", "PATCH")), bad_texts):
        answer = ask(server, method, filled(path), b'{"model": "' + bad + b'", "name": "' + bad + b'", "title": "' + bad + b'"}')
        check(answer.status in (400, 404), method, path, bad, answer)


@case
def bodies_over_the_bound_are_refused_before_they_are_read():
    for path in ("/v1/chat/completions", "/page/import", "/tokenize"):
        with Wire(server) as line:
            line.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 40}\r\n\r\n".encode())
            equal(line.status(), 413, path)
    with Wire(server) as line:
        try:
            line.send(b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(100):
                line.send(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
        except OSError:
            pass
        check(line.read_all()[:12] in (b"HTTP/1.1 413", b""), "chunks beyond the bound")


@case
def a_text_of_megabytes_is_counted_not_answered():
    for text in ("a" * (2 << 20), "!a" * (1 << 19), "a\u0301" * (1 << 19), "人" * (1 << 18)):
        answer = chat(server, text)
        check(answer.status == 400 and "maximum context length is" in answer.text, text[:4], answer)


# --- numbers ---


def edges(field):
    """Raw JSON of values that the schema of a field does not allow."""
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    yield "NaN"
    yield "Infinity"
    yield '"1"' if "string" not in kinds else "NaN"
    if "integer" in kinds:
        yield from ("9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e308", "-1e308", "1.5", "1e999")
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in field:
            yield str(field[bound] + step)
            yield "1e308" if step > 0 else "-1e308"


@case
def numbers_beyond_their_bounds_are_refused_by_the_name_of_their_field():
    tried = 0
    for method, path, operation in operations():
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]
        if "application/json" not in content:  # a form: texts and files
            continue
        schema = content["application/json"]["schema"]
        good = {name: GOOD.get(name, "x") for name in schema.get("required", [])} | SHORT.get(path, {})
        for name, field in schema["properties"].items():
            if not {"integer", "number"} & set(field.get("type", []) if isinstance(field.get("type"), list) else [field.get("type")]):
                continue
            for value in edges(field):
                fields = [f'"{k}": {json.dumps(v)}' for k, v in good.items() if k != name] + [f'"{name}": {value}']
                body = "{" + ", ".join(fields) + "}"
                answer = ask(server, method, path, body.encode())
                no_json = value in ("NaN", "Infinity", "1e999")
                check(answer.status == 400 and (no_json or name in answer.text), method, path, name, value, answer)
                tried += 1
    check(tried > 150, tried)


# The fields of the other faces, which the document does not list one by one: {path: (body, where, names)}
OTHER_NUMBERS = {
    "/v1/messages": ({"model": MODEL, "max_tokens": 1, "messages": GOOD["messages"]}, None, ["max_tokens", "temperature", "top_p", "top_k"]),
    "/api/chat": ({"model": MODEL, "messages": GOOD["messages"], "stream": False, "options": {"num_predict": 1}}, "options",
                  ["num_predict", "temperature", "top_p", "top_k", "min_p", "seed", "repeat_penalty", "typical_p"]),
    "/api/generate": ({"model": MODEL, "prompt": "x", "stream": False, "options": {"num_predict": 1}}, "options",
                      ["num_predict", "temperature", "top_k", "repeat_last_n", "presence_penalty", "frequency_penalty"]),
    f"/v1beta/models/{MODEL}:generateContent": ({"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"maxOutputTokens": 1}},
                                                "generationConfig", ["maxOutputTokens", "temperature", "topP", "topK", "candidateCount", "seed",
                                                                     "presencePenalty", "frequencyPenalty", "logprobs"]),
    "/v1/responses": ({"model": MODEL, "input": "x", "max_output_tokens": 16}, None, ["max_output_tokens", "temperature", "top_p",
                                                                                      "top_logprobs"]),
}


@case
def numbers_of_the_other_faces_are_refused_or_honoured_but_never_wrapped():
    for path, (body, where, names) in OTHER_NUMBERS.items():
        for name in names:
            for value in ('"1"', "NaN", "1e999", "9223372036854775808", "-9223372036854775809", "1e308", "-1e308", "true", "[]", "{}"):
                whole = json.loads(json.dumps(body))
                (whole[where] if where else whole)[name] = "HERE"
                answer = ask(server, "POST", path, json.dumps(whole).replace('"HERE"', value).encode())
                no_json = value in ("NaN", "1e999")
                check(answer.status == 400 and (no_json or name in answer.text), path, name, value, answer)


@case
def numbers_in_queries_are_bounded():
    for value in ("nan", "inf", "-inf", "1e308", "-1e308", "1e999", "x", "0x10", "9" * 400, "1%00", "-1", "0"):
        for name in ("limit", "before"):
            answer = ask(server, "GET", f"/page/conversations?{name}={value}")
            check(answer.status in (200, 400), name, value, answer)
            check(answer.status == 200 or name in answer.text, name, value, answer)


@case
def huge_counts_are_refused_before_they_cost_anything():
    before = resident_bytes(server)
    for field in ({"n": 1_000_000}, {"stop": ["x"] * 100_000}, {"logit_bias": {str(i): 1 for i in range(1_000_000)}},
                  {"top_logprobs": 1_000_000},
                  {"tools": [{"type": "function", "function": {"name": f"f{i}"}} for i in range(10_000)]}):
        answer = chat(server, **field)
        equal(answer.status, 400, next(iter(field)), answer)
    for body in ({"model": MODEL, "input": ["x"] * 100_000}, {"model": MODEL, "input": "x", "dimensions": 1 << 40}):
        answer = ask(server, "POST", "/v1/embeddings", body)
        equal(answer.status, 400, answer)
    check(resident_bytes(server) < before + (256 << 20), before, resident_bytes(server))


# --- names ---

SECRET = folder.parent / (folder.name + "-outside")
NAMES = ["../{0}", "../../../../../../../..{1}/model.gguf", "{1}/model.gguf", "{1}", "file://{1}/model.gguf", "./../{0}/model.gguf",
         "gemma3/../../{0}:270m",
         "gemma3:../../{0}", "..%2f{0}", "%2e%2e/{0}", "%2e%2e%2f{0}", "%252e%252e%252f{0}", "..\\{0}", "....//{0}", "..;/{0}",
         "{0}\0.gguf", "\0{1}", "gemma3:270m\0{1}",
         "sha256:../../{0}", "sha256-../../{0}", "C:\\{0}", "\\\\host\\{0}", "CON", "NUL:1", "~/{0}", "$HOME/{0}", "`id`{0}", ";id {0}",
         "a\n{0}", "a\r\n{0}", " {0}", ".{0}",
         "-{0}", "x" * 5000, "", ".", "..", "/", "//", "\uff0e\uff0e/{0}", "\u202e{0}", "%"]


def hostile_names():
    SECRET.mkdir(exist_ok=True)
    model = SECRET / "model.gguf"
    if not model.exists():
        model.symlink_to(next((data_folder() / "models" / "gemma3" / "270m").glob("*.gguf")).resolve())
    return [name.replace("{0}", SECRET.name).replace("{1}", str(SECRET)) for name in NAMES]


def requests_with(name):
    """Every place where a request says a name."""
    quoted = urllib.parse.quote(name, safe="")
    yield "POST", "/v1/chat/completions", {**chat_body(max_tokens=1), "model": name}
    yield "POST", "/v1/completions", {"model": name, "prompt": "x", "max_tokens": 1}
    yield "POST", "/v1/embeddings", {"model": name, "input": "x"}
    yield "POST", "/v1/responses", {"model": name, "input": "x"}
    yield "POST", "/v1/responses", {"model": MODEL, "input": "x", "previous_response_id": name or "x"}
    yield "POST", "/v1/messages", {"model": name, "max_tokens": 1, "messages": GOOD["messages"]}
    yield "POST", "/v1/messages/count_tokens", {"model": name, "messages": GOOD["messages"]}
    yield "POST", "/tokenize", {"model": name or "x", "prompt": "x"}
    yield "POST", "/api/chat", {"model": name, "messages": GOOD["messages"], "stream": False}
    yield "POST", "/api/generate", {"model": name, "prompt": "x", "stream": False}
    yield "POST", "/api/embed", {"model": name, "input": "x"}
    yield "POST", "/api/show", {"model": name}
    yield "POST", "/api/copy", {"source": name, "destination": "copied:1"}
    yield "POST", "/api/copy", {"source": "no-such-model:1", "destination": name}
    yield "DELETE", "/api/delete", {"model": name}
    yield "POST", "/page/conversations", {"folder": name or "x"}
    for path in ("/v1/models/{}", "/v1beta/models/{}", "/v1beta/models/{}:generateContent", "/page/conversations/{}", "/v1/responses/{}",
                 "/page/messages/{}/stream",
                 "/assets/{}", "/{}"):
        yield ("POST" if path.endswith("generateContent") else "GET"), path.format(quoted), None


@case
def names_that_lead_out_of_the_data_folder_open_nothing():
    opened = folder / "opened"
    begin = opened.stat().st_size
    tried = 0
    for name in hostile_names():
        for method, path, body in requests_with(name):
            answer = ask(server, method, path, body)
            page = method == "GET" and answer.headers.get("content-type", "").startswith("text/html")  # the page answers for its own addresses
            check(400 <= answer.status < 500 or page or path in ("/", "/v1/models/", "/v1beta/models/"), method, path, name[:60], answer)
            tried += 1
    touched = opened.read_bytes()[begin:].decode(errors="replace").splitlines()
    inside = (str(folder), str(data_folder().resolve()))
    outside = [path for path in touched if SECRET.name in path or (path.startswith("/") and not path.startswith(inside))]
    allowed = ("/proc/", "/sys/", "/dev/", "/etc/localtime", "/usr/")  # what libraries read of the system
    equal([path for path in outside if not path.startswith(allowed)], [])
    check(tried > 900, tried)
    equal(sorted(p.name for p in SECRET.iterdir()), ["model.gguf"])
    answers(server)


# --- addresses ---


class Listener(threading.Thread):
    """Counts who connects."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.count = self.socket.getsockname()[1], 0
        self.start()

    def run(self):
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            line.close()


ADDRESSES = ["http://127.0.0.1:{p}/x.png", "http://localhost:{p}/x.png", "http://[::1]:{p}/x.png", "http://[::ffff:127.0.0.1]:{p}/x.png",
             "http://[::ffff:10.0.0.1]:{p}/", "http://0.0.0.0:{p}/",
             "http://[::]:{p}/", "http://2130706433:{p}/", "http://0177.0.0.1:{p}/", "http://0x7f.1:{p}/", "http://0x7f000001:{p}/",
             "http://127.1:{p}/", "http://a@127.0.0.1:{p}/",
             "http://127.0.0.1:{p}#@example.com/", "http://example.com@127.0.0.1:{p}/", "http://127.0.0.1:{p}\\@example.com/",
             "http://127.0.0.1.nip.io:{p}/", "https://127.0.0.1:{p}/",
             "HTTP://127.0.0.1:{p}/", " http://127.0.0.1:{p}/", "//127.0.0.1:{p}/", "http://169.254.169.254/latest/meta-data/",
             "http://10.0.0.1:{p}/", "http://192.168.0.1:{p}/",
             "http://172.16.0.1:{p}/", "http://100.64.0.1/", "http://[fd00::1]/", "http://[fe80::1]/", "http://metadata.google.internal/",
             "http://\u2460\u2461\u2466.0.0.1:{p}/", "file:///etc/passwd",
             "ftp://127.0.0.1:{p}/", "gopher://127.0.0.1:{p}/", "dict://127.0.0.1:{p}/", "unix:///var/run/docker.sock",
             "data:image/png,http://127.0.0.1:{p}/", "127.0.0.1:{p}"]


def requests_that_name(address):
    user = lambda *parts: [{"role": "user", "content": list(parts)}]  # noqa: E731
    yield "/v1/chat/completions", {"model": MODEL, "messages": user({"type": "image_url", "image_url": {"url": address}})}
    yield "/v1/chat/completions", {"model": MODEL, "messages": user({"type": "image_url", "image_url": address})}
    yield "/v1/chat/completions", {"model": MODEL, "messages": user({"type": "file", "file": {"file_data": address}})}
    yield "/v1/chat/completions", {"model": MODEL, "messages": user({"type": "file", "file": {"file_id": address}})}
    yield "/v1/responses", {"model": MODEL, "input": user({"type": "input_image", "image_url": address})}
    yield "/v1/responses", {"model": MODEL, "input": user({"type": "input_file", "file_url": address})}
    yield "/v1/messages", {"model": MODEL, "max_tokens": 1, "messages": user({"type": "image", "source": {"type": "url", "url": address}})}
    yield "/v1/messages", {"model": MODEL, "max_tokens": 1, "messages": user({"type": "document", "source": {"type": "url", "url": address}})}
    yield "/api/chat", {"model": MODEL, "messages": [{"role": "user", "content": "x", "images": [address]}]}
    yield f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"fileData": {"mimeType": "image/png", "fileUri": address}}]}]}
    yield "/api/pull", {"model": address, "stream": False}
    yield "/v1/chat/completions", {**chat_body(), "model": address}


@case
def addresses_in_requests_are_refused_and_never_called():
    listener = Listener()
    for address in ADDRESSES:
        address = address.replace("{p}", str(listener.port))
        for path, body in requests_that_name(address):
            if path == "/api/pull" and "//" not in address and not address.startswith("data:"):
                continue  # reads as a model's name and tag, and asks the registry for it
            answer = ask(server, "POST", path, body)
            check(answer.status == 400 or (answer.status == 404 and body["model"] == address), path, address, answer)
    listener.socket.close()
    equal(listener.count, 0)


def with_image(uri):
    part = {"type": "image_url", "image_url": {"url": uri}}
    return ask(server, "POST", "/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": [part]}]})


@case
def media_that_no_model_here_can_see_are_refused_by_name_before_they_are_decoded():
    before = resident_bytes(server)
    huge = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x06\0\0\0"
    for kind, data in (("image/png", huge), ("image/png", huge[:9]), ("image/jpeg", b"\xff\xd8\xff" * 1000),
                       ("image/webp", b"RIFF\xff\xff\xff\xffWEBP"), ("image/gif", b"GIF89a" + b"\xff" * 99),
                       ("image/svg+xml", b"<svg onload='x'/>"), ("audio/wav", b"RIFF\xff\xff\xff\xffWAVEfmt "),
                       ("video/mp4", b"\0\0\0\x18ftypmp42"), ("application/pdf", b"%PDF-1.7")):
        uri = f"data:{kind};base64,{base64.b64encode(data).decode()}"
        answer = with_image(uri)
        equal(answer.status, 400, kind, answer)
    for uri in ("data:image/png;base64,!!!!", "data:image/png;base64,AAA", "data:image/png;base64", "data:", "data:;base64,",
                "data:image/png;base64," + "A" * (8 << 20)):
        answer = with_image(uri)
        equal(answer.status, 400, uri[:40], answer)
    check(resident_bytes(server) < before + (128 << 20), before, resident_bytes(server))


# --- schemas and patterns ---


def format_of(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}


@case
def wrong_schemas_are_refused_with_their_place():
    for schema, place in (({"type": 7}, "type"), ({"properties": {"a": {"type": 7}}}, "a"),
                          ({"properties": {"a": {"pattern": "("}}}, "pattern"), ({"minLength": -1}, "minLength"),
                          ({"$ref": "http://127.0.0.1/x"}, "$ref"), ({"$ref": "#/nowhere"}, "$ref"), ({"enum": []}, "enum"),
                          ({"type": "string", "maxLength": 100_000}, "states"), ({"allOf": [{"type": "string"}, {"type": "object"}]}, "#")):
        answer = chat(server, **format_of(schema))
        check(answer.status == 400 and place in answer.text, schema, answer)


@case
def patterns_that_explode_elsewhere_are_read_or_refused():
    for pattern in ("(a+)+$", "(a|a)*b", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "a{99999}", "((a{9999}){9999}){9999}",
                    "(" * 5000, "[" * 5000, "a" * 100_000, "(?=a)b", "\\1", "(?<n>a)\\k<n>"):
        answer = chat(server, guided_regex=pattern, max_tokens=4)
        check(answer.status in (200, 400), pattern[:40], answer)
        check(answer.status == 200 or "guided_regex" in answer.text or "pattern" in answer.text or "regex" in answer.text, pattern[:40], answer)
    answers(server)


def one_field(name):
    return {"type": "object", "properties": {name: {"type": "integer"}}, "required": [name]}


@case
def many_different_schemas_do_not_add_up():
    for i in range(10):  # what is allocated once
        equal(chat(server, max_tokens=1, **format_of(one_field(f"warm{i}"))).status, 200)
    before = resident_bytes(server)
    for i in range(100):
        equal(chat(server, max_tokens=1, **format_of(one_field(f"name{i}"))).status, 200)
    # 100 more masks of 32 KiB are 3 MB; the bound of all masks together is 64 MB.
    check(resident_bytes(server) < before + (96 << 20), before, resident_bytes(server))


try:
    main(workers=1)
finally:
    server.stop()
    home.__exit__(None, None, None)
    for path in SECRET.glob("*") if SECRET.exists() else ():
        path.unlink()
    if SECRET.exists():
        SECRET.rmdir()
