#!/usr/bin/env python3
"""The end of a server under load: it says that it stops, what runs may end, what lasts too long hears why, the exit is clean."""
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import PATIENCE, SHENBI  # noqa: E402
from faults.support.process import (ENDLESS, MODEL, Server, Wire, ask, case, chat, chat_body, check, data_home, equal, main,  # noqa: E402
                                    running, serving, shim, stored_model, wait_for)


def streaming(server, tokens, path="/v1/chat/completions", **more):
    line = Wire(server).post(path, {**chat_body(ENDLESS, max_tokens=tokens, stream=True), **more})
    check(b"data:" in line.read_until(b"data:"), "no first event")
    return line


@case
def streams_end_as_they_would_have_and_new_work_is_sent_elsewhere():
    server = Server(patience=PATIENCE)
    lines = [streaming(server, 60) for _ in range(4)]
    idle = Wire(server)  # a connection without a request does not hold the end up
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: ask(server, "GET", "/ready").status == 503, "/ready to say that it stops")
    equal(ask(server, "GET", "/ready").json()["status"], "stopping")
    equal(ask(server, "GET", "/health").status, 200)
    check("shenbi:num_requests_running" in server.metrics(), "metrics go on")
    for path in ("/v1/chat/completions", "/v1/messages", "/api/chat", "/page/conversations"):
        refused = ask(server, "POST", path, chat_body())
        equal(refused.status, 503, path, refused)
        check("stopping" in refused.text, path, refused)
        check(int(refused.headers["retry-after"]) > 0, refused.headers)
    check(server.process.poll() is None, "it waits for its streams")
    for line in lines:
        text = line.read_all()
        check(b'"finish_reason":"length"' in text and b"[DONE]" in text, text[-300:])
        line.close()
    equal(server.process.wait(PATIENCE), 0)
    idle.close()
    server.stop()


@case
def what_outlasts_the_limit_hears_so_in_the_words_of_its_face():
    server = Server(patience=0.3)
    lines = {path: streaming(server, 6000, path) for path in ("/v1/chat/completions", "/v1/messages")}
    lines["/api/chat"] = Wire(server).post("/api/chat", {"model": MODEL, "messages": [{"role": "user", "content": ENDLESS}],
                                                         "options": {"num_predict": 6000, "temperature": 0}})
    whole = {}
    asking = threading.Thread(target=lambda: whole.update(answer=chat(server, ENDLESS, max_tokens=6000)))
    asking.start()
    wait_for(lambda: running(server) == 4, "four answers to run")
    server.process.send_signal(signal.SIGTERM)
    for path, line in lines.items():
        text = line.read_all()
        check(b"the server is stopping" in text, path, text[-400:])
        line.close()
    asking.join()
    equal(whole["answer"].status, 503, whole["answer"])
    equal(server.process.wait(PATIENCE), 0)
    server.stop()


@case
def a_load_under_way_is_given_up_between_two_tensors():
    with data_home() as home:
        held, count = home / "held", home / "count"
        held.touch()
        server = Server(home=home, patience=PATIENCE, ready=False, environment={
            "LD_PRELOAD": shim("held_load"), "HELD_FILE": str(stored_model().resolve()), "HELD_WHILE": str(held), "HELD_COUNT": str(count)})
        wait_for(lambda: count.exists() and count.stat().st_size == 10, "the load to be under way")
        waiting = Wire(server).post("/v1/chat/completions", chat_body())  # for the load
        server.process.send_signal(signal.SIGTERM)

        def stops():
            try:
                return ask(server, "GET", "/ready").json()["status"] == "stopping"
            except OSError:
                return True  # it does not listen any more
        wait_for(stops, "the signal to be seen")
        held.unlink()
        check(waiting.status() in (503, None), "who waits for a load is not waited for")
        waiting.close()
        equal(server.process.wait(PATIENCE), 0)
        # The whole load asks more than a hundred times.
        check(count.stat().st_size < 20, count.stat().st_size)
        server.stop()


class SlowHouse(http.server.BaseHTTPRequestHandler):
    """An upstream whose answers begin and never end."""
    protocol_version = "HTTP/1.1"
    over, asked = threading.Event(), []

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if not self.path.startswith("/silent"):
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Once"}, "finish_reason": None}]}
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.wfile.flush()
        self.over.wait(PATIENCE)
        self.close_connection = True

    def log_message(self, *_):
        pass


@case
def answers_of_other_houses_hear_it_too():
    house = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowHouse)
    house.daemon_threads = True
    threading.Thread(target=house.serve_forever, daemon=True).start()
    try:
        with data_home() as home:
            for name, path in (("talks", "/v1"), ("quiet", "/silent")):
                subprocess.run([SHENBI, "upstreams", "add", name, "--house", "compatible", "--base-url",
                                f"http://127.0.0.1:{house.server_port}{path}", "--model", "m", "--key-from-input"], input="sk-x\n",
                               text=True, check=True, capture_output=True, env={**os.environ, "SHENBI_HOME": str(home)})
            server = Server(home=home, models=(), patience=0.3)
            lines = [Wire(server).post("/v1/chat/completions", {**chat_body(stream=stream), "model": f"{name}/m"})
                     for name in ("talks", "quiet") for stream in (True, False)]
            lines[0].read_until(b"Once")
            wait_for(lambda: len(SlowHouse.asked) == 4, "four answers to run")
            server.process.send_signal(signal.SIGTERM)
            for line in lines:
                text = line.read_all()
                check(b"the server is stopping" in text, text[-400:])
                line.close()
            equal(server.process.wait(PATIENCE), 0)
            server.stop()
    finally:
        SlowHouse.over.set()
        house.shutdown()
        house.server_close()


@case
def a_second_signal_ends_it_at_once():
    server = Server(patience=PATIENCE)
    line = streaming(server, 6000)
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: ask(server, "GET", "/ready").status == 503, "the first signal to be seen")
    server.process.send_signal(signal.SIGTERM)
    equal(server.process.wait(PATIENCE), -signal.SIGTERM)
    line.close()
    server.stop()


@case
def an_answer_of_the_page_that_nobody_watches_is_waited_for_and_kept():
    with data_home() as home:
        server = Server(home=home, patience=PATIENCE)
        conversation = ask(server, "POST", "/page/conversations", {}).json()["id"]
        asked = ask(server, "POST", f"/page/conversations/{conversation}/ask",
                    {"content": "Tell me a story.", "model": MODEL, "params": {"max_tokens": 60, "temperature": 0}})
        equal(asked.status, 201, asked)
        answer = asked.json()["answer"]["id"]
        equal(server.stop(), 0)
        with serving(home=home, models=()) as again:
            messages = {m["id"]: m for m in ask(again, "GET", f"/page/conversations/{conversation}").json()["messages"]}
            equal(messages[answer]["status"], "done", messages[answer])
            check(messages[answer]["content"], messages[answer])


main(workers=1)
