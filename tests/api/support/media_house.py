"""A house of OpenAI's dialect that makes pictures, sounds and films, played: what it answers hangs on the model's name.

    house = MediaHouse()
    house.url            # the base URL of an upstream
    house.requests       # (method, path, headers, body) in their order

`good` answers as OpenAI does; an answer of words echoes the fields of its request; so do sounds and films of every other name. Odd ones:
refused (400), limited (429), cut, slow (until house.release()), malformed, error-in-200, too-large, empty.
"""
import base64
import email.parser
import email.policy
import http.server
import json
import threading

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n not much of a picture").decode()
SOUND = bytes(range(256)) * 200
FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40


def fields_of(headers, body):
    """The fields of a request as texts, files by their sizes."""
    kind = headers.get("Content-Type", "")
    if kind.startswith("application/json"):
        return json.loads(body)
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    found = {}
    for part in parsed.iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        value = content.decode() if part.get_filename() is None else [part.get_filename(), len(content)]
        found[name] = [*found[name], value] if isinstance(found.get(name), list) and part.get_filename() is None else value
    return found


class MediaHouse:
    def __init__(self, films_end=False):
        """`films_end`: by themselves, when somebody looks."""
        self.films_end = films_end
        self.requests, self.films, self.lock, self.released = [], {}, threading.Lock(), threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.released.set()
        self.server.shutdown()

    def release(self):
        self.released.set()

    def finish(self, state="completed", **more):
        """What every film is from now on."""
        with self.lock:
            for film in self.films.values():
                film.update(status=state, progress=100, **more)

    def count(self, method, ending):
        with self.lock:
            return sum(m == method and path.split("?")[0].endswith(ending) for m, path, *_ in self.requests)

    # --- what is answered ---

    def made(self, path, fields):
        """(type, body) of a good answer."""
        said = json.dumps(fields, sort_keys=True)
        if path.startswith("/v1/images/"):
            one = {"url": "https://pictures.example/1.png"} if fields.get("response_format") == "url" else {"b64_json": PICTURE}
            usage = {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105, "input_tokens_details": {"text_tokens": 5, "image_tokens": 0}}
            if fields.get("stream") in (True, "true"):
                events = [{"type": "image_generation.partial_image", "b64_json": PICTURE, "partial_image_index": 0, "said": said},
                          {"type": "image_generation.completed", "b64_json": PICTURE, "usage": usage, "said": said}]
                return "text/event-stream", "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()
            return "application/json", json.dumps({"created": 1, "data": [{**one, "revised_prompt": said}] * int(fields.get("n") or 1), "usage": usage}).encode()
        if path == "/v1/audio/speech":
            return "audio/mpeg", SOUND if fields["model"] == "good" else json.dumps({**fields, "asked": fields["model"]}).encode()
        wanted = fields.get("response_format", "json")
        if wanted in ("text", "srt", "vtt"):
            return "text/plain", f"{wanted}: {said}\n".encode()
        if wanted == "verbose_json":
            return "application/json", json.dumps({"text": said, "language": "english", "duration": 2.5, "segments": []}).encode()
        return "application/json", json.dumps({"text": said, "usage": {"type": "duration", "seconds": 3}}).encode()

    def film(self, fields):
        with self.lock:
            name = f"video_{len(self.films)}"
            self.films[name] = {"id": name, "object": "video", "status": "queued", "progress": 0, "model": fields["model"], "created_at": 1,
                                "seconds": fields.get("seconds", "4"), "size": fields.get("size", "720x1280"), "prompt": fields["prompt"]}
            if fields["model"] != "good":
                self.films[name].update(size=json.dumps(fields, sort_keys=True), seconds=json.dumps(fields, sort_keys=True))
            return dict(self.films[name])

    def handler(house):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def say(self, status, body, kind="application/json", more=(), length=None):
                body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
                self.send_response(status)
                for name, value in [("Content-Type", kind), ("Content-Length", str(len(body) if length is None else length)), *more]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def fail(self, status, message, more=()):
                self.say(status, {"error": {"message": message, "type": "invalid_request_error", "code": None}}, more=more)

            def do_GET(self):
                self.take()
                name = self.path.split("/")[3].split("?")[0] if self.path.startswith("/v1/videos/") else ""
                with house.lock:
                    if house.films_end and name in house.films:
                        house.films[name].update(status="completed", progress=100)
                    film = dict(house.films.get(name) or {})
                if not film:
                    return self.fail(404, "there is no such thing")
                if self.path.endswith("/content"):
                    return self.say(200, FILM, "video/mp4")
                self.say(200, film)

            def do_DELETE(self):
                self.take()
                with house.lock:
                    film = house.films.pop(self.path.split("/")[3], None)
                self.say(200, {"id": film["id"], "object": "video.deleted", "deleted": True}) if film else self.fail(404, "no such film")

            def do_POST(self):
                fields = fields_of(self.headers, self.take())
                if how := self.odd.get(fields["model"]):
                    return how(self)
                if self.path == "/v1/videos":
                    return self.say(200, house.film(fields))
                kind, body = house.made(self.path, fields)
                self.say(200, body, kind)

            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with house.lock:
                    house.requests.append((self.command, self.path, dict(self.headers), body))
                return body

            def cut(self):
                self.say(200, b'{"created": 1, "da', "audio/mpeg" if self.path == "/v1/audio/speech" else "application/json", length=1000)
                self.close_connection = True

            def slow(self):
                house.released.wait(60)
                self.say(200, *reversed(house.made(self.path, {"model": "good", "input": "x"})))

            def too_large(self):
                """More than any answer may have, as far as somebody reads it."""
                self.close_connection = True
                block = b" " * (1 << 20)
                try:
                    self.say(200, b"{", length=1 << 40)
                    for _ in range(1024):
                        self.wfile.write(block)
                except OSError:
                    pass  # the gateway has hung up

            odd = {"refused": lambda self: self.fail(400, "size: not one of ours"),
                   "limited": lambda self: self.fail(429, "too many", [("Retry-After", "7")]),
                   "cut": cut, "slow": slow,
                   "malformed": lambda self: self.say(200, b'{"created": 1, "da'),
                   "error-in-200": lambda self: self.say(200, {"error": {"message": "not today", "type": "server_error"}}),
                   "too-large": too_large,
                   "empty": lambda self: self.say(200, b"", "audio/mpeg")}
        return Handler
