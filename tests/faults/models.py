#!/usr/bin/env python3
"""Models under faults: no memory for a second one, a file that is cut short under the map, files that are damaged. The request says
what is wrong; the server and its other models go on."""
import contextlib
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faults.support.process import (ENDLESS, MODEL, Server, Wire, answers, ask, await_idle, case, chat_body, check,  # noqa: E402
                                    data_home, equal, main, running, serving, stored_model, wait_for)

STORED = stored_model()


def asking(server, model, **more):
    return ask(server, "POST", "/v1/chat/completions", {**chat_body(max_tokens=2), "model": model, **more})


@contextlib.contextmanager
def store_with(*names):
    """A data folder whose store has the default model under each of these names (links: they cost no space)."""
    with data_home() as home:
        (home / "blobs").mkdir()
        for name in names:
            model, tag = name.split(":")
            folder = home / "models" / model / tag
            folder.mkdir(parents=True)
            (folder / STORED.name).symlink_to(STORED.resolve())
            manifest = json.loads((STORED.parent / "manifest.json").read_text())
            (folder / "manifest.json").write_text(json.dumps({**manifest, "name": name}))
        yield home


def loaded(server):
    return {model["name"] for model in ask(server, "GET", "/api/ps").json()["models"]}


# --- memory ---


@case
def a_second_model_that_does_not_fit_waits_outside_and_the_first_is_unharmed():
    with store_with("first:1", "second:1") as home:
        # Room for one: the file is 0.25 GB, in memory with its cache the model takes less than twice that.
        with serving("--memory", "0.55", home=home, models=("first:1",)) as server:
            with Wire(server).post("/v1/chat/completions", {**chat_body(ENDLESS, max_tokens=400, stream=True), "model": "first:1"}) as line:
                line.read_until(b"data:")
                for path in ("/v1/chat/completions", "/v1/messages"):
                    refused = ask(server, "POST", path, {**chat_body(max_tokens=2), "model": "second:1"})
                    equal(refused.status, 503, path, refused)
                    check("second:1 needs" in refused.text and "budget" in refused.text, path, refused)
                    check(int(refused.headers["retry-after"]) > 0, refused.headers)
                check(b'"finish_reason":"length"' in line.read_until(b"[DONE]"), "the first model's answer goes on to its end")
            equal(loaded(server), {"first:1"})
            await_idle(server)
            equal(asking(server, "second:1").status, 200)  # the idle one makes room
            equal(loaded(server), {"second:1"})


@case
def a_model_larger_than_the_budget_is_refused_with_both_numbers():
    with store_with("first:1") as home, serving("--memory", "0.1", home=home, models=()) as server:
        for _ in range(3):
            refused = asking(server, "first:1")
            equal(refused.status, 503, refused)
            check("needs 0.3 GB" in refused.text and "0.1 GB" in refused.text, refused)
        equal(ask(server, "GET", "/health").status, 200)


@case
def a_full_queue_is_429_and_those_in_it_are_answered():
    with serving("--sequences", "1", "--queue", "2") as server:
        lines = []
        for i in range(3):
            lines.append(Wire(server).post("/v1/chat/completions", chat_body(ENDLESS, max_tokens=100)))
            wait_for(lambda: running(server) == i + 1, "the request to be in")
        refused = asking(server, MODEL)
        equal(refused.status, 429, refused)
        check(int(refused.headers["retry-after"]) > 0, refused.headers)
        for line in lines:
            equal(line.status(), 200)
            line.close()


# --- files that change under the map ---


def copy_of_the_model(home, name="copy.gguf"):
    path = home / name
    shutil.copyfile(STORED, path)
    return path


@case
def a_file_cut_short_during_an_answer_ends_that_model_s_answers_and_nothing_else():
    with data_home() as home:
        path = copy_of_the_model(home)
        with serving(home=home, models=(path, MODEL)) as server:
            other = Wire(server).post("/v1/chat/completions", chat_body(ENDLESS, max_tokens=200, stream=True))
            other.read_until(b"data:")
            line = Wire(server).post("/v1/chat/completions", {**chat_body(ENDLESS, max_tokens=6000, stream=True), "model": str(path)})
            line.read_until(b"data:")
            os.truncate(path, 4096)
            text = line.read_all()
            check(b"copy.gguf: the file was cut short or changed while it was in use" in text, text[-500:])
            line.close()
            check(b'"finish_reason":"length"' in other.read_until(b"[DONE]"), "the other model's answer goes on to its end")
            other.close()
            refused = asking(server, str(path))
            check(refused.status >= 400 and "copy.gguf" in refused.text, refused)
            vectors = ask(server, "POST", "/v1/embeddings", {"model": str(path), "input": "x"})
            check(vectors.status >= 400 and "copy.gguf" in vectors.text, vectors)
            answers(server)
            shutil.copyfile(STORED, path)
            equal(asking(server, str(path)).status, 200)  # whole again: no restart


@case
def kept_weights_cut_short_under_a_model_end_its_answers_and_are_packed_again():
    with data_home() as home:
        with serving(home=home):
            pass  # packs the weights and keeps them
        kept = wait_for(lambda: list((home / "cache").glob("*.weights-*")), "the weights to be kept")
        with serving(home=home) as server:
            line = Wire(server).post("/v1/chat/completions", chat_body(ENDLESS, max_tokens=6000, stream=True))
            line.read_until(b"data:")
            os.truncate(kept[0], 4096)
            text = line.read_all()
            check(kept[0].name.encode() in text and b"cut short or changed while it was in use" in text, text[-500:])
            line.close()
            answers(server)  # without a restart


@case
def a_file_cut_short_during_embedding_gives_no_vector():
    with data_home() as home:
        path = copy_of_the_model(home)
        with serving(home=home, models=(path,)) as server:
            equal(ask(server, "POST", "/v1/embeddings", {"model": str(path), "input": "x"}).status, 200)
            os.truncate(path, 4096)
            refused = ask(server, "POST", "/v1/embeddings", {"model": str(path), "input": "never read before"})
            check(refused.status >= 400 and "embedding" not in refused.json(), refused)
            equal(ask(server, "GET", "/health").status, 200)


@case
def a_file_cut_short_during_its_load_fails_that_load_and_nothing_else():
    with data_home() as home:
        path = copy_of_the_model(home)
        server = Server(home=home, models=(path,), ready=False)
        try:
            maps = pathlib.Path(f"/proc/{server.process.pid}/maps")
            wait_for(lambda: "copy.gguf" in maps.read_text(), "the file to be mapped")
            os.truncate(path, 1 << 20)
            refused = asking(server, str(path))  # joins the load, or begins one of its own
            check(refused.status >= 400 and "copy.gguf" in refused.text, refused)
            wait_for(lambda: ask(server, "GET", "/ready").json()["status"] == "failed", "the load of the start to fail")
            ready = ask(server, "GET", "/ready")
            check(ready.status == 503 and "copy.gguf" in ready.json()["error"], ready)
            answers(server)
        finally:
            server.stop()


# --- files that are wrong from the beginning ---


@case
def damaged_files_in_the_store_are_refused_by_name_one_by_one():
    good = STORED.read_bytes()[:1 << 16]
    damage = {
        "empty": b"",
        "no model": b"hello, world" * 100,
        "a page": b"<!DOCTYPE html><html></html>",
        "the head alone": good,
        "counts of 2^60": good[:8] + (1 << 60).to_bytes(8, "little") * 2 + good[24:],
        "an old version": good[:4] + (1).to_bytes(4, "little") + good[8:],
        "a pickle": b"\x80\x02}q\x00.",
    }
    names = [f"damaged{i}:1" for i in range(len(damage))]
    with store_with(*names) as home:
        for name, data in zip(names, damage.values()):
            folder = home / "models" / name.split(":")[0] / "1"
            file = next(folder.glob("*.gguf"))
            file.unlink()
            file.write_bytes(data)
        with serving(home=home, models=()) as server:
            for name, what in zip(names, damage):
                refused = asking(server, name)
                check(refused.status in (400, 500), what, refused)
                check(STORED.name in refused.text, what, refused)  # the file is named
            equal(ask(server, "GET", "/v1/models").status, 200)
            equal(ask(server, "GET", "/health").status, 200)


main(workers=2)
