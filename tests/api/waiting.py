#!/usr/bin/env python3
"""A queue, seen from its end: a server that answers one at a time, three who ask. Each stream says in comments how many come before it,
and OpenAI's client, which knows nothing of that, reads over them."""
import http.client
import json
import pathlib
import sys
import threading
import urllib.parse

import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main  # noqa: E402

server = Server("--sequences", "1")
client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=PATIENCE)


class Asker:
    """One who streams an answer and reads its lines when asked to."""

    def __init__(self, tokens, endless=False):
        """`endless`: a plain continuation past every end; a chat of a base model stops where it would speak for the user."""
        self.connection = http.client.HTTPConnection(urllib.parse.urlparse(server.url).netloc, timeout=PATIENCE)
        body = {"model": MODEL, "stream": True, "temperature": 0, "max_tokens": tokens}
        if endless:
            body |= {"prompt": "Hello", "ignore_eos": True}
        else:
            body["messages"] = [{"role": "user", "content": "Hello"}]
        path = "/v1/completions" if endless else "/v1/chat/completions"
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})

    def answered(self):
        self.response = self.connection.getresponse()
        equal(self.response.status, 200)
        return self

    def line(self):
        while not (line := self.response.readline().decode().strip()):
            pass
        return line

    def leave(self):
        self.connection.sock.close()
        self.response.close()


@case
def each_stream_tells_how_many_come_before_it():
    first = Asker(8000, endless=True).answered()
    check(first.line().startswith("data: "), "the first does not wait")
    second = Asker(3).answered()
    equal(second.line(), ": waiting, 0 before this one")
    third = Asker(3).answered()
    equal(third.line(), ": waiting, 1 before this one")
    heard = []

    def official():
        for chunk in client.chat.completions.create(model=MODEL, stream=True, temperature=0, max_tokens=3, messages=[{"role": "user", "content": "Hello"}]):
            heard.append(chunk)

    fourth = threading.Thread(target=official)
    fourth.start()
    first.leave()
    check(second.line().startswith("data: "), "the second is next")
    line = third.line()
    while line.startswith(":"):
        equal(line, ": waiting, 0 before this one")
        line = third.line()
    check(line.startswith("data: "), line)
    fourth.join(PATIENCE)
    equal(heard[-1].choices[0].finish_reason, "length")


@case
def what_is_no_stream_waits_without_a_word():
    first = Asker(8000, endless=True).answered()
    first.line()
    done = []
    waits = threading.Thread(target=lambda: done.append(client.chat.completions.create(model=MODEL, max_tokens=2, messages=[{"role": "user", "content": "Hi"}])))
    waits.start()
    first.leave()
    waits.join(PATIENCE)
    equal(done[0].usage.completion_tokens, 2)


try:
    main(workers=1)
finally:
    server.stop()
