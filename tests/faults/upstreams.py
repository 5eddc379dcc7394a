#!/usr/bin/env python3
"""Houses that repeat our key, say nothing, or are tired: what the callers of a server in front of them see, in every dialect, and that no
secret is written where it could be read later."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import SHENBI  # noqa: E402
from faults.support.process import Server, ask, case, check, data_home, equal, log_of, main, wait_for  # noqa: E402

STORED, NAMED = "sk-stored-of-the-operator-0123456789", "sk-named-of-the-operator-0123456789"
ASKED = {"model": "{}/m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
DIALECTS = {"/v1/chat/completions": ASKED, "/v1/messages": ASKED, "/v1/responses": {"model": "{}/m", "input": "Hello"},
            "/v1beta/models/{}%2Fm:generateContent": {"contents": [{"parts": [{"text": "Hello"}]}]}, "/api/chat": {"model": "{}/m", "messages": ASKED["messages"], "stream": False}}


class House:
    """Answers every connection's request with the bytes that `answer` makes of its head, or with none: then it stays silent."""

    def __init__(self, answer):
        self.answer, self.asked, self.open = answer, 0, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/v1"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            line, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(line,), daemon=True).start()

    def serve(self, line):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = line.recv(65536)
            if not piece:
                return line.close()
            head += piece
        self.asked += not head.startswith(b"GET ")
        said = self.answer(head.decode(errors="replace"))
        if said is None:
            return self.open.append(line)
        line.sendall(said)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65536):
            pass
        line.close()


def whole(status, body, *headers):
    lines = [f"HTTP/1.1 {status} Odd", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def stream(*events):
    return ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + "".join(f"data: {e}\n\n" for e in events)).encode()


def proof(head):
    return next(line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("authorization"))


WORD = json.dumps({"choices": [{"index": 0, "delta": {"content": "one"}}]})
ECHOES = {
    "refuses": lambda head: whole(401, json.dumps({"error": {"message": "no such key: " + proof(head)}})),
    "breaks": lambda head: whole(500, json.dumps({"error": {"message": head}})),
    "page": lambda head: whole(502, "<html>" + head + "</html>"),
    "good": lambda head: whole(200, json.dumps({"error": {"message": proof(head), "code": 500}})),
    "odd": lambda head: whole(200, '{"odd": "' + proof(head)),
    "moved": lambda head: whole(302, "", "Location: http://127.0.0.1:1/" + proof(head).replace(" ", "-")),
    "begun": lambda head: stream(WORD, json.dumps({"error": {"message": "stolen: " + proof(head)}})),
    "header": lambda head: whole(429, "{}", "X-Key: " + proof(head), "Retry-After: 7"),
}


def add(home, name, house, *words, key=STORED, variable=None):
    how = ("--key", f"env:{variable}") if variable else ("--key-from-input",)
    subprocess.run([SHENBI, "upstreams", "add", name, "--house", "compatible", "--base-url", house.url, "--model", "m", *how, *words],
                   env={**os.environ, "SHENBI_HOME": str(home)}, input=key + "\n", text=True, check=True, capture_output=True)


def each_dialect(server, name, **more):
    for path, body in DIALECTS.items():
        yield path, ask(server, "POST", path.replace("{}", name), json.loads(json.dumps({**body, **more}).replace("{}", name)))


@case
def our_keys_are_in_no_answer_no_log_no_metric_and_no_row():
    with data_home() as home:
        houses = {name: House(answer) for name, answer in ECHOES.items()}
        for name, house in houses.items():
            add(home, name, house)
            add(home, name + "-named", house, variable="SHENBI_TEST_KEY")
        server = Server(models=(), home=home, environment={"SHENBI_LOG": "debug", "SHENBI_TEST_KEY": NAMED})
        said = []
        for name in [*houses, *(name + "-named" for name in houses)]:
            for path, answer in each_dialect(server, name):
                said.append((name, path, answer))
            for body in ({**ASKED, "stream": True}, {"model": "{}/m", "input": "Hello"}):
                path = "/v1/chat/completions" if "messages" in body else "/v1/embeddings"
                said.append((name, path, ask(server, "POST", path, json.loads(json.dumps(body).replace("{}", name)))))
        for path in ("/page/upstreams", "/page/usage/rows?limit=1000", "/v1/models", "/metrics", "/healthz"):
            said.append(("", path, ask(server, "GET", path)))
        for secret in (STORED, NAMED):
            for name, path, answer in said:
                check(secret not in answer.text + str(answer.headers), name, path, answer)
            check(secret not in log_of(server), "the log")
        check(all(house.asked for house in houses.values()), {name: house.asked for name, house in houses.items()})
        server.stop()


@case
def while_all_keys_rest_every_dialect_says_how_long():
    with data_home() as home:
        busy = House(lambda head: whole(429, '{"error": {"message": "slowly"}}', "Retry-After: 300"))
        broken = House(lambda head: whole(500, '{"error": {"message": "ouch"}}'))
        add(home, "busy", busy)
        add(home, "broken", broken)
        server = Server(models=(), home=home)
        first = ask(server, "POST", "/v1/chat/completions", {**ASKED, "model": "busy/m"})
        equal((first.status, first.headers["retry-after"]), (429, "300"), first)
        for stream_ in (False, True):
            for path, answer in each_dialect(server, "busy", **({"stream": True} if stream_ else {})):
                if path.startswith("/v1beta") and stream_:
                    continue  # its path says whether it is a stream
                equal(answer.status, 429, path, answer)
                check(0 < int(answer.headers["retry-after"]) <= 300, path, answer.headers)
        equal(busy.asked, 1, "who rests is not asked")
        equal(ask(server, "POST", "/v1/chat/completions", {**ASKED, "model": "broken/m"}).status, 502)
        answer = ask(server, "POST", "/v1/chat/completions", {**ASKED, "model": "broken/m"})
        check(answer.status == 503 and int(answer.headers["retry-after"]) >= 1 or broken.asked > 1, answer)
        server.stop()


@case
def one_that_says_nothing_is_left_for_the_next_after_the_time_that_the_operator_gave_it():
    with data_home() as home:
        silent = House(lambda head: None)
        good = House(lambda head: stream(WORD, json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}), "[DONE]"))
        add(home, "silent", silent, "--first-timeout", "1", "--whole-timeout", "1", "--priority", "0")
        add(home, "good", good, "--priority", "1")
        server = Server(models=(), home=home)
        answer = ask(server, "POST", "/v1/chat/completions", {**ASKED, "model": "m"})
        equal((answer.status, answer.headers["x-shenbi-model"]), (200, "good/m"), answer)
        equal(answer.json()["choices"][0]["message"]["content"], "one")
        rows = ask(server, "GET", "/page/usage/rows?limit=10").json()["rows"]
        equal([(row["upstream"], row["outcome"]) for row in sorted(rows, key=lambda row: row["attempt"])], [("silent", "failed"), ("good", "estimated")])
        equal(silent.asked, 1)
        server.stop()


@case
def a_route_that_hedges_asks_a_second_one_beside_the_first_and_both_are_in_the_ledger():
    with data_home() as home:
        silent = House(lambda head: None)
        good = House(lambda head: stream(WORD, json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}), "[DONE]"))
        add(home, "silent", silent)
        add(home, "good", good)
        subprocess.run([SHENBI, "routes", "add", "quick", "--to", "silent/m", "--to", "good/m", "--hedge", "50"],
                       env={**os.environ, "SHENBI_HOME": str(home)}, check=True, capture_output=True)
        server = Server(models=(), home=home)
        for stream_ in (False, True):
            answer = ask(server, "POST", "/v1/chat/completions", {**ASKED, "model": "quick", "stream": stream_})
            equal((answer.status, answer.headers["x-shenbi-model"], answer.headers["x-shenbi-route"]), (200, "good/m", "group quick"), answer)
            check("one" in answer.text, answer)

        def rows():
            return ask(server, "GET", "/page/usage/rows?limit=10").json()["rows"]
        wait_for(lambda: len(rows()) == 4, "the rows of both")
        equal(sorted((row["upstream"], row["outcome"], row["error"]) for row in rows()),
              [("good", "estimated", "")] * 2 + [("silent", "aborted", "another one was quicker")] * 2)
        server.stop()


main(workers=2)
