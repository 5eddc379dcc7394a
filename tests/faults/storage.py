#!/usr/bin/env python3
"""The database under faults: a full disk, a file that others hold, a file that is damaged. What was
acknowledged is there, answering goes on, nothing is begun anew in silence."""
import contextlib
import os
import pathlib
import resource
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import SHENBI  # noqa: E402
from faults.support.pages import create, titles  # noqa: E402
from faults.support.process import (MODEL, PATIENCE, Server, answers, ask, case, check, data_home, equal, main,  # noqa: E402
                                    serving, shim, wait_for)

# --- a full disk ---


def with_a_disk_that_can_be_full(home):
    return {"LD_PRELOAD": shim("full_disk"), "FULL_DISK_WHILE": str(home / "disk-is-full")}


@contextlib.contextmanager
def full_by_shim(server):
    flag = server.home / "disk-is-full"
    flag.touch()
    yield
    flag.unlink()


@contextlib.contextmanager
def full_by_limit(server, most=0):
    """No file may grow beyond `most` bytes: EFBIG, which a quota gives too."""
    hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, hard))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def while_the_disk_is_full(server, full):
    kept = create(server, "before").json()["id"]
    with full(server):
        for method, path, body in (("POST", "/page/conversations", {"title": "x"}), ("POST", "/page/folders", {"name": "x"}),
                                   ("POST", "/page/keys", {"name": "x"}), ("PATCH", f"/page/conversations/{kept}", {"title": "x"}),
                                   ("POST", f"/page/conversations/{kept}/ask", {"content": "x", "model": MODEL})):
            refused = ask(server, method, path, body)
            equal(refused.status, 507, path, refused)
            check("no space left on the disk" in refused.text, path, refused)
        answers(server)
        equal(titles(server), {kept: "before"})
    equal(create(server, "after").status, 201)  # without a restart
    equal(sorted(titles(server).values()), ["after", "before"])
    answers(server)


@case
def a_full_disk_refuses_writes_by_name_and_heals_without_a_restart():
    with data_home() as home, serving(home=home, environment=with_a_disk_that_can_be_full(home)) as server:
        while_the_disk_is_full(server, full_by_shim)


@case
def a_bound_on_the_size_of_files_is_a_full_disk_and_not_the_end():
    with serving() as server:
        while_the_disk_is_full(server, full_by_limit)


@case
def an_answer_that_ends_while_the_disk_is_full_is_kept_and_stored_later():
    with data_home() as home:
        server = Server(home=home, environment=with_a_disk_that_can_be_full(home))
        conversation = create(server, "story").json()["id"]
        asked = ask(server, "POST", f"/page/conversations/{conversation}/ask",
                    {"content": "Tell me a story.", "model": MODEL, "params": {"max_tokens": 120, "temperature": 0}}).json()

        def show(at):
            messages = ask(at, "GET", f"/page/conversations/{conversation}").json()["messages"]
            return next(m for m in messages if m["id"] == asked["answer"]["id"])

        with full_by_shim(server):
            wait_for(lambda: show(server)["status"] != "running", "the answer to end")
            whole = show(server)
            equal(whole["status"], "done", whole)
        equal(show(server), whole)  # and stored by this look
        server.stop(signal.SIGKILL)
        with serving(home=home, models=()) as again:
            equal(show(again), whole)


@case
def the_disk_may_be_full_after_any_byte():
    with serving(models=()) as server:
        acknowledged, refused = set(), 0
        log = server.home / "shenbi.db-wal"
        for step in range(40):
            room = log.stat().st_size + step * 211  # odd against pages and frames
            with full_by_limit(server, room):
                for i in range(4):
                    title = f"{step}-{i}-" + "x" * 100
                    answer = create(server, title)
                    check(answer.status in (201, 507), answer)
                    if answer.status == 201:
                        acknowledged.add(title)
                    else:
                        refused += 1
        check(acknowledged and refused, len(acknowledged), refused)
        equal(set(titles(server).values()), acknowledged)


# --- held by others ---


@case
def a_database_that_another_program_holds_refuses_writes_for_now():
    with serving() as server:
        kept = create(server, "before").json()["id"]
        other = sqlite3.connect(server.home / "shenbi.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        refused = create(server, "x")
        equal(refused.status, 503, refused)
        check("shenbi.db" in refused.text and "locked" in refused.text, refused)
        check(int(refused.headers["retry-after"]) > 0, refused.headers)
        answers(server)
        equal(titles(server), {kept: "before"})
        other.execute("ROLLBACK")
        other.close()
        equal(create(server, "after").status, 201)


def refused_start(home, *words):
    done = subprocess.run([SHENBI, "serve", "--port", "0"], env={**os.environ, "SHENBI_HOME": str(home)}, capture_output=True,
                          text=True, timeout=PATIENCE)
    check(done.returncode > 1 and done.returncode != 70, done.returncode, done.stderr)
    for word in words:
        check(word in done.stderr, word, done.stderr)


@case
def a_second_server_on_the_same_folder_is_refused_by_name():
    with serving(models=()) as server:
        refused_start(server.home, "shenbi.db", "another shenbi process uses this database")
        equal(create(server, "x").status, 201)


# --- damaged ---


@contextlib.contextmanager
def filled_home():
    with data_home() as home:
        with serving(home=home, models=()) as server:
            for i in range(40):
                equal(create(server, f"conversation {i} " + "x" * 80).status, 201)
        yield home


def damaged_files(good):
    page = 4096
    yield "text", b"not a database at all, " * 1000
    yield "zeros", bytes(len(good))
    yield "header flipped", bytes([good[0] ^ 0xFF]) + good[1:]
    yield "page size of nonsense", good[:16] + b"\x03\x07" + good[18:]
    yield "half", good[:len(good) // 2 // page * page]
    yield "one page", good[:page]
    yield "half a page", good[:page // 2]
    yield "of another program", good[:18] + b"\x09\x09" + good[20:]  # a format of the future
    for number in range(1, len(good) // page):
        yield f"page {number} of zeros", good[:number * page] + bytes(page) + good[(number + 1) * page:]
        yield f"page {number} of ones", good[:number * page] + b"\xff" * page + good[(number + 1) * page:]


@case
def a_damaged_database_is_named_and_never_begun_anew():
    with filled_home() as home:
        path = home / "shenbi.db"
        good = path.read_bytes()
        with serving(home=home, models=()) as server:
            whole = titles(server)
        equal(len(whole), 40)
        for name, bytes_ in damaged_files(good):
            for rest in ("-wal", "-shm"):
                path.with_name(path.name + rest).unlink(missing_ok=True)
            path.write_bytes(bytes_)
            process = subprocess.Popen([SHENBI, "serve", "--port", "0"], env={**os.environ, "SHENBI_HOME": str(home)},
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            url = process.stdout.readline().strip()
            if not url:
                _, said = process.communicate(timeout=PATIENCE)
                check(0 < process.returncode != 70, name, process.returncode, said)
                check("shenbi.db" in said, name, said)
                equal(path.read_bytes(), bytes_, name)
                continue
            # Damage that the start does not meet: each answer is right, or an error that names the file.
            running = type("Running", (), {"url": url})
            listed = ask(running, "GET", "/page/conversations?limit=1000")
            if listed.status == 200:
                equal({row["id"]: row["title"] for row in listed.json()["conversations"]}, whole, name)
            else:
                check(listed.status >= 500 and "shenbi.db" in listed.text, name, listed)
            made = create(running, "x")
            check(made.status == 201 or (made.status >= 500 and "shenbi.db" in made.text), name, made)
            equal(ask(running, "GET", "/health").status, 200)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)
            equal(process.returncode, 0, name)


@case
def an_empty_database_and_a_log_without_one_are_refused():
    with filled_home() as home:
        path = home / "shenbi.db"
        good = path.read_bytes()
        path.write_bytes(b"")
        refused_start(home, "shenbi.db", "the database is empty")
        path.unlink()
        log = path.with_name("shenbi.db-wal")
        log.write_bytes(b"log of a database that is gone")
        refused_start(home, "shenbi.db", "the database is missing")
        check(not path.exists(), "nothing was begun")
        log.unlink()
        path.write_bytes(good)
        with serving(home=home, models=()) as server:
            equal(len(titles(server)), 40)


main(workers=2)
