"""Houses that put documents in order, played: one server that knows the forms of Jina (and those alike), Cohere and DashScope, and refuses
any other. A document's score is the share of the query's words that stand in it, or in its first words where that is asked for.

    house = RerankHouse()
    house.url            # the base URL of an upstream
    house.last(model)    # (path, headers, body) of the latest request for that model

A model's name says what else becomes of the answer: backwards, twice, beyond, few, scoreless, no-json, refused (400), limited (429),
broken (500), no-usage, searches (Cohere's way to tell what is charged).
"""
import http.server
import json
import re
import threading

NATIVE = "/api/v1/services/rerank/text-rerank/text-rerank"
FLAT = {"model", "query", "documents", "top_n"}
KNOWN = {"/v1/rerank": FLAT | {"return_documents", "instruction", "max_tokens_per_doc", "max_chunks_per_doc", "overlap_tokens", "truncate_prompt_tokens"},
         "/v2/rerank": FLAT | {"max_tokens_per_doc"}}


def words(text):
    return re.findall(r"\w+", text.lower())


def ranked(query, documents, most=None):
    asked = words(query)
    scores = [sum(word in words(text)[:most] for word in asked) / len(asked) for text in documents]
    return sorted(({"index": i, "relevance_score": score} for i, score in enumerate(scores)), key=lambda one: -one["relevance_score"])


class RerankHouse:
    def __init__(self):
        self.requests, self.lock = [], threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def last(self, model):
        """Of the requests that named this model."""
        with self.lock:
            return [one for one in self.requests if one[2]["model"] == model][-1]

    def asked(self, model):
        with self.lock:
            return sum(one[2]["model"] == model for one in self.requests)

    @staticmethod
    def read(path, body):
        """(query, documents, top_n, most words of a document); raises for what is in no house's form."""
        if path == NATIVE:
            if set(body) != {"model", "input", "parameters"} or set(body["input"]) != {"query", "documents"}:
                raise ValueError("not in DashScope's form")
            return body["input"]["query"], body["input"]["documents"], body["parameters"]["top_n"], None
        if unknown := set(body) - KNOWN[path]:
            raise ValueError(f"unknown fields: {sorted(unknown)}")
        most = [body[name] for name in ("max_tokens_per_doc", "max_chunks_per_doc") if name in body]
        return body["query"], body["documents"], body["top_n"], min(most) if most else None

    def answer(self, path, body):
        query, documents, top_n, most = self.read(path, body)
        results, model = ranked(query, documents, most)[:top_n], body["model"]
        if model == "backwards":
            results.reverse()
        elif model == "twice":
            results[-1] = results[0]
        elif model == "beyond":
            results[0]["index"] = len(documents)
        elif model == "few":
            results.pop()
        elif model == "scoreless":
            del results[0]["relevance_score"]
        tokens = sum(len(words(text)) + len(words(query)) for text in documents)
        usage = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
        if model == "no-usage":
            usage = {}
        elif model == "searches":
            usage = {"meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}
        if path == NATIVE:
            return {"output": {"results": results}, "request_id": "x", **usage}
        return {"id": "x", "model": model, "results": results, **usage}

    def handler(house):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def say(self, status, body):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.say(404, {"error": {"message": "no list of models"}})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with house.lock:
                    house.requests.append((self.path, dict(self.headers), body))
                status = {"refused": 400, "limited": 429, "broken": 500}.get(body["model"])
                if status:
                    return self.say(status, {"error": {"message": "not today"}})
                if body["model"] == "no-json":
                    return self.say(200, b'{"results": [{"ind')
                try:
                    self.say(200, house.answer(self.path, body))
                except (KeyError, TypeError, ValueError) as error:
                    self.say(400, {"error": {"message": f"{self.path}: {error!r}"}})
        return Handler
