#!/usr/bin/env python3
"""kill -9 while everything is being written at once: conversations, questions and answers of the page, stored responses, files and
batches. What was acknowledged is there afterwards, nothing is there twice, the database is sound, every batch ends with each of its
lines once.

KILLS=300 tests/faults/kill.py kills more often; SEED=... repeats a run's choices.
"""
import collections
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faults.support.pages import create, titles  # noqa: E402
from faults.support.process import MODEL, Server, Wire, ask, case, chat_body, check, data_home, equal, main, serving, wait_for  # noqa: E402

KILLS = int(os.environ.get("KILLS", 40))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
LINES = 3  # of each batch
GONE = (OSError, http.client.HTTPException)  # what a client sees of a server that was killed


class Writer(threading.Thread):
    """Writes, `most` + 1 times or until the server is gone. `states`: key -> what may be found there afterwards: what was last
    acknowledged, and what was asked for since."""
    most = 3  # a trial waits for so many at the most

    def __init__(self, server, name):
        super().__init__()
        self.server, self.label, self.random = server, name, random.Random(f"{SEED} {name}")
        self.states, self.count, self.problem = {}, 0, None

    def run(self):
        try:
            while self.count <= self.most:
                self.write(f"{self.label}-{self.count}")
                self.count += 1
        except GONE:
            pass
        except BaseException as problem:
            self.problem = problem

    def ask(self, method, path, body=None, status=200, headers=None):
        answer = ask(self.server, method, path, body, headers)
        equal(answer.status, status, method, path, answer)
        return answer.json() if answer.body else None

    def change(self, key, after, method, path, body=None, status=200):
        """From the acknowledged state to `after`: until the answer is here, either may be found."""
        self.states[key] = (*self.states[key], after)
        self.ask(method, path, body, status)
        self.states[key] = (after,)


class Conversations(Writer):
    """Makes, renames and deletes."""
    most = 60

    def write(self, title):
        alive = [key for key, states in self.states.items() if states != (None,)]
        choice = self.random.random() if alive else 0
        if choice < 0.6:
            self.states["conversation", self.ask("POST", "/page/conversations", {"title": title}, 201)["id"]] = (title,)
            return
        key = self.random.choice(alive)
        path = f"/page/conversations/{key[1]}"
        if choice < 0.9:
            self.change(key, title, "PATCH", path, {"title": title})
        else:
            self.change(key, None, "DELETE", path, status=204)


class Questions(Writer):
    """Asks in the page; an answer that was seen whole stays as it was seen."""

    def write(self, text):
        conversation = self.ask("POST", "/page/conversations", {"title": text}, 201)["id"]
        self.states["conversation", conversation] = (text,)
        body = {"content": text, "model": MODEL, "params": {"max_tokens": 3, "temperature": 0}}
        asked = self.ask("POST", f"/page/conversations/{conversation}/ask", body, 201)
        self.states["message", conversation, asked["user"]["id"]] = (text,)

        def whole():
            last = self.ask("GET", f"/page/conversations/{conversation}")["messages"][-1]
            return last["status"] == "done" and last
        self.states["message", conversation, asked["answer"]["id"]] = (wait_for(whole, "the answer")["content"],)


class Responses(Writer):
    """Stores responses and deletes some."""

    def write(self, text):
        made = self.ask("POST", "/v1/responses", {"model": MODEL, "input": text, "max_output_tokens": 16})
        key = "response", made["id"]
        self.states[key] = (text_of(made),)
        if self.random.random() < 0.3:
            self.change(key, None, "DELETE", f"/v1/responses/{made['id']}")


class Batches(Writer):
    """Uploads files and has them worked on; the end of one that was seen stays as it was seen."""

    def write(self, name):
        lines = [{"custom_id": f"{name}-{i}", "method": "POST", "url": "/v1/chat/completions", "body": chat_body(name, max_tokens=1)}
                 for i in range(LINES)]
        form = (b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="f.jsonl"\r\n\r\n'
                + "\n".join(map(json.dumps, lines)).encode() + b"\r\n--x--\r\n")
        file = self.ask("POST", "/v1/files", form, headers={"Content-Type": "multipart/form-data; boundary=x"})["id"]
        batch = self.ask("POST", "/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"})
        self.states["batch", batch["id"]] = (None,)  # no end yet: any will do

        def end():
            now = self.ask("GET", f"/v1/batches/{batch['id']}")
            return now["status"] == "completed" and now["output_file_id"]
        self.states["batch", batch["id"]] = (wait_for(end, "the batch to end"),)


def text_of(response):
    return "".join(part["text"] for item in response["output"] for part in item["content"])


def found(server, key, conversations):
    """What is there under a key; None: nothing."""
    kind, one = key[:2]
    if kind == "conversation":
        return conversations.get(one)
    path = {"message": "/page/conversations/{}", "response": "/v1/responses/{}", "batch": "/v1/batches/{}"}[kind].format(one)
    answer = ask(server, "GET", path)
    if answer.status == 404:
        return None
    equal(answer.status, 200, key, answer)
    if kind == "message":
        return next((m["content"] for m in answer.json()["messages"] if m["id"] == key[2]), None)
    return text_of(answer.json()) if kind == "response" else answer.json()["output_file_id"]


def check_all(server, states):
    """Each key is in one of its states, and from now on in that one."""
    conversations = titles(server)
    for key, allowed in states.items():
        now = found(server, key, conversations)
        if key[0] == "batch" and allowed == (None,):
            equal(ask(server, "GET", f"/v1/batches/{key[1]}").status, 200, key)
            continue
        check(now in allowed, f"{key} is {now!r}, may be {allowed}", f"SEED={SEED}")
        states[key] = (now,)
    doubled = [title for title, count in collections.Counter(conversations.values()).items() if count > 1]
    equal(doubled, [], f"SEED={SEED}")


def check_database(home):
    """The file as the kill left it, seen by SQLite alone: on a copy, so that the server meets the original."""
    with tempfile.TemporaryDirectory(prefix="shenbi-kill-") as copy:
        for part in ("", "-wal"):
            if (home / f"shenbi.db{part}").exists():
                shutil.copy(home / f"shenbi.db{part}", copy)
        database = sqlite3.connect(pathlib.Path(copy, "shenbi.db"))
        equal(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        equal(database.execute("PRAGMA foreign_key_check").fetchall(), [])
        database.close()


def check_batches(server, states):
    """Every batch that was acknowledged comes to its end, each line once."""
    for _, batch in [key for key in states if key[0] == "batch"]:
        now = wait_for(lambda: (b := ask(server, "GET", f"/v1/batches/{batch}").json())["status"] == "completed" and b, f"the end of {batch}")
        equal(now["request_counts"], {"total": LINES, "completed": LINES, "failed": 0}, batch)
        lines = [json.loads(line) for line in ask(server, "GET", f"/v1/files/{now['output_file_id']}/content").text.splitlines()]
        equal(len({line["custom_id"] for line in lines}), LINES, batch, lines)
        equal(len(lines), LINES, batch, lines)


@case
def what_was_acknowledged_survives_kill_9_at_any_moment():
    chance = random.Random(SEED)
    states, recent = {}, {}
    with data_home() as home:
        for trial in range(KILLS):
            server = Server(home=home)
            try:
                check_all(server, recent)
                states.update(recent)
                kinds = (Conversations, Conversations, Questions, Responses, Batches)
                writers = [kind(server, f"{trial}-{i}") for i, kind in enumerate(kinds)]
                for writer in writers:
                    writer.start()
                one = chance.choice(writers)
                goal = chance.randrange(one.most + 1)
                wait_for(lambda: one.count >= goal or any(w.problem for w in writers), "some writes")
            finally:
                server.stop(signal.SIGKILL)
            recent = {}
            for writer in writers:
                writer.join()
                if writer.problem:
                    raise writer.problem
                recent.update(writer.states)
            check_database(home)
        states.update(recent)
        with serving(home=home) as server:
            check_all(server, states)
            check_batches(server, states)
            kinds = collections.Counter(key[0] for key in states)
    check(all(kinds[kind] > 0 for kind in ("conversation", "message", "response", "batch")), kinds)
    print(f"{KILLS} kills, seed {SEED}: {dict(kinds)} acknowledged, all there", flush=True)


@case
def an_answer_cut_off_by_kill_9_is_a_stopped_one_with_what_had_come():
    with data_home() as home:
        server = Server(home=home)
        conversation = create(server, "story").json()["id"]
        asked = ask(server, "POST", f"/page/conversations/{conversation}/ask",
                    {"content": "Tell me a story.", "model": MODEL, "params": {"max_tokens": 4000, "temperature": 0}}).json()
        line = Wire(server).send(f"GET /page/messages/{asked['answer']['id']}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        line.read_until(b"event: text")
        server.stop(signal.SIGKILL)
        with serving(home=home, models=()) as again:
            question, answer = ask(again, "GET", f"/page/conversations/{conversation}").json()["messages"]
            equal((question["content"], question["status"]), ("Tell me a story.", "done"))
            equal(answer["status"], "stopped", answer)


main(workers=1)
