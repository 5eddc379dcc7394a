"""Requests whose answers are held against /openapi.json: status, media type, every field. What was seen is remembered.

    api = Documented(server.url)
    answer = api.ask("POST", "/v1/embeddings", {"model": ..., "input": ...})   # JSON, a list of them for a stream, or bytes
    api.unseen()                                                                 # what the document promises and nobody got
"""
import json
import re
import urllib.error
import urllib.request

import jsonschema

from e2e.support.cases import check, equal

from .server import PATIENCE


class Documented:
    def __init__(self, url, headers=None):
        self.url, self.headers = url, headers or {}
        with urllib.request.urlopen(url + "/openapi.json", timeout=PATIENCE) as answer:
            self.document = json.load(answer)
        self.seen = set()

    # --- the document ---

    def operation(self, method, path):
        """The template and its entry: of those that fit, the one with most fixed text. ({model} may hold slashes.)"""
        fits = []
        for template, methods in self.document["paths"].items():
            fixed = re.split(r"\{\w+\}", template)
            if method.lower() in methods and re.fullmatch(".+".join(map(re.escape, fixed)), path):
                fits.append((len("".join(fixed)), template))
        check(fits, method, path, "is not in the document")
        template = max(fits)[1]
        return template, self.document["paths"][template][method.lower()]

    def problems(self, schema, value):
        rooted = {**schema, "components": self.document["components"]}
        return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in jsonschema.Draft202012Validator(rooted).iter_errors(value)]

    def validate(self, where, schema, value):
        found = self.problems(schema, value)
        check(not found, *where, found, value)
        for one in schema.get("anyOf", [schema]):
            if not self.problems(one, value):
                self.seen.add((*where, one.get("$ref", "")))

    def unseen(self):
        """(method, template, status, media, type) of answers that are no errors."""
        return sorted(set(self.promised()) - self.seen)

    def promised(self):
        for template, methods in self.document["paths"].items():
            for method, operation in methods.items():
                for status, response in operation["responses"].items():
                    if status == "default":
                        continue
                    for media, content in response.get("content", {"": {}}).items():
                        schema = content.get("x-itemSchema", content.get("schema", {}))
                        for one in schema.get("anyOf", [schema]):
                            yield method.upper(), template, status, media, one.get("$ref", "")

    # --- asking ---

    def send(self, method, path, body, headers):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method,
                                         headers={"Content-Type": "application/json", **self.headers, **headers})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def ask(self, method, path, body=None, status=200, headers=None):
        found, answer_headers, raw = self.send(method, path, body, headers or {})
        if status:  # None: whichever it is
            equal(found, status, method, path, body, raw[:2000])
        template, operation = self.operation(method, path.split("?")[0])
        code = str(found) if str(found) in operation["responses"] else "default"
        content = operation["responses"][code].get("content", {})
        media = (answer_headers.get("Content-Type") or "").split(";")[0].strip() if raw else ""
        where = (method, template, code, media)
        if not raw:
            check(not content or found == 304, *where, "has no body")
            self.seen.add((*where, ""))
            return None
        check(media in content, *where, "is not documented", sorted(content))
        return self.read(where, content[media], raw)

    def read(self, where, content, raw):
        if items := content.get("x-itemSchema"):
            values = sse_items(raw.decode()) if where[3] == "text/event-stream" else [json.loads(line) for line in raw.decode().splitlines()]
            check(values, *where, "has no items")
            for value in values:
                self.validate(where, items, value)
            return values
        if where[3] != "application/json":
            self.validate(where, content["schema"], raw.decode(errors="replace"))
            return raw
        value = json.loads(raw)
        self.validate(where, content["schema"], value)
        return value


def sse_items(text):
    data = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(one) for one in data if one != "[DONE]"]
