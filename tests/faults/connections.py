#!/usr/bin/env python3
"""Clients that leave, stall, lie about lengths or come by the thousands: the slot of the model is free again, the files return
to what they were, and the others are served."""
import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faults.support.framings import FRAMINGS, TAIL  # noqa: E402
from faults.support.process import (ENDLESS, MODEL, Server, Wire, answers, ask, await_idle, case, chat_body, check, cpu_seconds, equal,  # noqa: E402
                                    figure, main, open_files, resident_bytes, running, wait_for)

server = Server("--sequences", "2")
LONG = {"max_tokens": 2000}
# Several seconds of prefill: far more than one pass of the model, so that the client is gone in the middle of it. The first
# words differ each time, or the prefix cache would know the rest.
prompts = iter(range(1000))


def long_prompt(words=6000):
    return f"{next(prompts)} " + "word " * words


def ended(reason):
    return figure(server, "shenbi:request_success_total", finished_reason=reason)


@case
def a_client_gone_in_the_middle_of_its_prompt_frees_the_model():
    for leave in (Wire.close, Wire.reset):
        before = ended("abort")
        line = Wire(server).post("/v1/chat/completions", chat_body(long_prompt(), stream=True))
        wait_for(lambda: running(server) >= 1, "the prompt to be read")
        leave(line)
        await_idle(server)
        wait_for(lambda: ended("abort") == before + 1, "the request to be counted as aborted")
    answers(server)


@case
def a_client_gone_in_the_middle_of_its_answer_frees_the_model():
    for leave in (Wire.close, Wire.reset):
        for stream in (True, False):
            before = ended("abort")
            line = Wire(server).post("/v1/chat/completions", chat_body(ENDLESS, **LONG, stream=stream))
            if stream:
                check(b"data:" in line.read_until(b"data:"), "no first event")
            else:
                wait_for(lambda: running(server) >= 1, "the answer to begin")
            leave(line)
            await_idle(server)
            wait_for(lambda: ended("abort") == before + 1, "the request to be counted as aborted")
    answers(server)


@case
def clients_gone_from_every_choice_and_from_the_queue_free_it_all():
    lines = [Wire(server).post("/v1/chat/completions", chat_body(f"{i} {ENDLESS}", **LONG, n=3, stream=True)) for i in range(4)]
    wait_for(lambda: running(server) == 12, "twelve answers to run or wait")
    for line in lines:
        line.close()
    await_idle(server)
    equal(figure(server, "shenbi:kv_cache_usage_perc") < 0.01, True)
    answers(server)


@case
def a_client_gone_from_its_texts_leaves_the_rest_of_them_unread():
    texts = [long_prompt(1500) for _ in range(40)]
    before = cpu_seconds(server)
    with Wire(server) as line:
        equal(line.post("/v1/embeddings", {"model": MODEL, "input": texts[:2]}).status(), 200)
    for_one = (cpu_seconds(server) - before) / 2
    for leave in (Wire.close, Wire.reset):
        before = cpu_seconds(server)
        line = Wire(server).post("/v1/embeddings", {"model": MODEL, "input": texts})
        wait_for(lambda: running(server) >= 1, "the texts to be read")
        answers(server)  # which does not wait for all of them
        leave(line)
        await_idle(server)
        read = (cpu_seconds(server) - before) / for_one
        check(read < len(texts) / 2, f"the work of {read:.1f} of {len(texts)} texts was done for nobody")


@case
def half_sent_requests_hold_nothing_up():
    whole = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{\"model\": "
    before = open_files(server)
    lines = [Wire(server).send(whole[:cut]) for cut in range(1, len(whole))]
    answers(server)  # while they all wait
    for line in lines:
        line.close()
    wait_for(lambda: open_files(server) <= before, "the files of half-sent requests to be closed")


@case
def a_sender_of_one_byte_at_a_time_is_served_like_any_other():
    body = b'{"model": "%s", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}' % MODEL.encode()
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with Wire(server) as line:
        for i in range(len(request)):
            line.send(request[i:i + 1])
        equal(line.status(), 200)


@case
def readers_that_take_nothing_do_not_slow_the_others():
    lazy = [Wire(server, receive_buffer=4096).post("/v1/chat/completions", chat_body(ENDLESS, max_tokens=300, stream=True)) for _ in range(2)]
    wait_for(lambda: running(server) >= 2, "both slots to be taken")
    wait_for(lambda: running(server) == 0, "answers that nobody reads to be made all the same")
    answers(server)
    for line in lazy:
        line.close()


@case
def ten_thousand_connections_opened_and_dropped_leave_nothing_behind():
    answers(server)
    files, memory = open_files(server), resident_bytes(server)
    waves, at_once = 10, min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    opened = 0
    while opened < waves * 1000:
        lines = [Wire(server) for _ in range(at_once)]
        for i, line in enumerate(lines):
            if i % 4 == 1:
                line.send(b"GET /hea")
            elif i % 4 == 2:
                line.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for i, line in enumerate(lines):
            line.reset() if i % 2 else line.close()
        opened += len(lines)
    answers(server)
    wait_for(lambda: open_files(server) <= files, "the files of dropped connections to be closed")
    check(resident_bytes(server) < memory + (64 << 20), memory, resident_bytes(server))


@case
def without_a_free_file_it_waits_without_spinning_and_goes_on_afterwards():
    small = Server()
    try:
        resource.prlimit(small.process.pid, resource.RLIMIT_NOFILE, (64, 64))
        with Wire(small).post("/v1/chat/completions", chat_body(ENDLESS, max_tokens=40, stream=True)) as stream:
            stream.read_until(b"data:")
            crowd = [Wire(small) for _ in range(200)]  # most of it waits in the backlog
            wait_for(lambda: open_files(small) == 64, "all files to be in use")
            check(b"[DONE]" in stream.read_until(b"[DONE]"), "the stream that was there goes on")
        for line in crowd:
            line.close()
        crowd = [Wire(small) for _ in range(200)]
        wait_for(lambda: open_files(small) == 64, "all files to be in use again")
        cpu, start = cpu_seconds(small), time.monotonic()
        wait_for(lambda: time.monotonic() - start > 2, "two seconds of wall time to compare with")
        used = cpu_seconds(small) - cpu
        check(used < (time.monotonic() - start) / 4, "it spins", used)
        for line in crowd:
            line.close()
        answers(small)
    finally:
        small.stop()


@case
def bytes_that_are_no_request_get_a_status_and_end():
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 100, b"GET\r\n\r\n", b"GET /\r\n\r\n", b"\r\n" * 5000,
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", os.urandom(4096) + b"\r\n\r\n"):
        with Wire(server) as line:
            line.send(data)
            answer = line.read_all() if data.strip() else b""
            check(answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 505")), data[:20], answer[:80])
    answers(server)


@case
def framing_that_two_readers_could_understand_differently_is_one_refusal_and_the_end():
    for name, (data, statuses) in FRAMINGS.items():
        with Wire(server) as line:
            try:
                # Were the framing read in another way, the tail would be a request with an answer of its own.
                line.send(data + TAIL)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it was refused before all of it was sent
            answer = line.read_all()
            check(answer.startswith(tuple(b"HTTP/1.1 %d" % status for status in statuses)), name, answer[:200])
            equal(answer.count(b"HTTP/1.1 "), 1, name, answer[:400])
            check(b'"version"' not in answer, name, answer)
    equal(ask(server, "GET", "/health").status, 200)


try:
    main(workers=1)  # each looks at figures of the whole server
finally:
    server.stop()
