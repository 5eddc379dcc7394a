#!/usr/bin/env python3
"""/openapi.json against the server that serves it: every path is there, every field refuses every wrong type and range by name."""
import itertools
import json
import pathlib
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main  # noqa: E402

server = Server()
SAMPLES = {"string": "x", "integer": 3, "number": 0.5, "boolean": True, "array": [{}], "object": {"a": 1}, "null": None}
GOOD = {"model": MODEL, "models": [MODEL], "question": "x", "answers": [{"name": "a", "content": "x"}, {"name": "b", "content": "y"}],
        "messages": [{"role": "user", "content": "x"}], "prompt": "x", "input": "x", "tokens": [1], "name": "x",
        "contents": [{"parts": [{"text": "x"}]}], "team": "x", "targets": [MODEL], "source": "x", "destination": "y", "max_tokens": 1, "n": 1, "stream": False, "query": "x", "documents": ["x"], "input_file_id": "file-none", "endpoint": "/v1/embeddings", "completion_window": "24h"}


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


document = json.loads(ask("GET", "/openapi.json")[1])


def operations():
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def schemas():
    for method, path, operation in operations():
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            yield method, path, operation["requestBody"]["content"]["application/json"]["schema"]


def needed(schema):
    """A body with what is required, and no more; where nothing is, with what something else there asks for."""
    names = schema.get("required") or [name for name in ("contents",) if name in schema["properties"]]
    return {name: GOOD[name] for name in names}


@case
def every_path_answers_as_known():
    count = 0
    for method, path, operation in operations():
        filled = path
        for parameter in operation.get("parameters", []):
            filled = filled.replace("{" + parameter["name"] + "}", "nothing")
        status, text = ask(method, filled, None if method == "GET" else {})
        check(status < 500 and "no such path" not in text and status != 405, method, filled, status, text)
        count += 1
    check(count > 50, count)


@case
def every_field_refuses_every_wrong_type_by_name():
    tried = 0
    for method, path, schema in schemas():
        required = needed(schema)
        for name, field in schema["properties"].items():
            if "type" not in field:
                continue
            types = field["type"] if isinstance(field["type"], list) else [field["type"]]
            wrong = [kind for kind in SAMPLES if kind not in types and kind != "null" and not (kind == "integer" and "number" in types)]
            for kind in wrong:
                status, text = ask(method, path, {**required, name: SAMPLES[kind]})
                check(status == 400 and name in text, method, path, name, kind, status, text)
                tried += 1
    check(tried > 100, tried)


@case
def every_range_is_kept_to():
    for method, path, schema in schemas():
        required = needed(schema)
        for name, field in schema["properties"].items():
            beyond = [field[key] + step for key, step in (("minimum", -1), ("maximum", 1)) if key in field]
            if "integer" in field.get("type", []) or "number" in field.get("type", []):
                beyond += [1e308, -1e308] if "minimum" in field else []
            for value in beyond:
                if value == 1e308 and "maximum" not in field and "integer" not in field["type"]:
                    continue  # no bound above
                status, text = ask(method, path, {**required, name: value})
                check(status == 400 and name in text, method, path, name, value, status, text)


@case
def unknown_fields_missing_fields_and_broken_bodies_are_refused():
    for method, path, schema in schemas():
        required = needed(schema)
        if not schema.get("additionalProperties"):  # else it is for an upstream to know
            status, text = ask(method, path, {**required, "nosuchfield": 1})
            check(status == 400 and "nosuchfield" in text, method, path, status, text)
        for name in schema.get("required", []):
            status, text = ask(method, path, {k: v for k, v in required.items() if k != name})
            check(status == 400 and name in text, method, path, name, status, text)
        for body in ([], 1, "x", None):
            equal(ask(method, path, body)[0] if body is not None else 400, 400, method, path, body)


@case
def bytes_that_are_no_json_are_refused():
    for (method, path, _), body in itertools.product(list(schemas()), [b"{", b"\xff\xfe", b'{"a":1}{', b"[" * 5000, b'{"model": "\xc3\x28"}', b"nul"]):
        request = urllib.request.Request(server.url + path, data=body, method=method)
        try:
            status = urllib.request.urlopen(request, timeout=PATIENCE).status
        except urllib.error.HTTPError as error:
            status = error.code
        equal(status, 400, method, path, body[:20])


try:
    main()
finally:
    server.stop()
