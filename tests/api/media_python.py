#!/usr/bin/env python3
"""Pictures, sounds and films through the gateway with OpenAI's own client: a played house behind it, in ordinary and in every bad form, and a
server that is killed between a film's beginning and its end."""
import concurrent.futures
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.request

import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.media_house import FILM, PICTURE, SOUND, MediaHouse  # noqa: E402
from api.support.server import SHENBI, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises, wait_for  # noqa: E402

SECRET = "sk-of-the-house-behind-the-door"
house = MediaHouse()


def upstream(home, base=house.url, name="house", *more):
    subprocess.run([SHENBI, "upstreams", "add", name, "--house", "compatible", "--base-url", base, "--key-from-input", *more],
                   env={**os.environ, "SHENBI_HOME": home}, input=SECRET + "\n", text=True, check=True, capture_output=True)


home = tempfile.TemporaryDirectory(prefix="shenbi-media-")
upstream(home.name)
# What fails puts the key it was asked with to rest: each try that goes wrong has an upstream of its own.
ODD = [f"odd{i}" for i in range(26)]
for name in ODD:
    upstream(home.name, house.url, name)
fresh = iter(ODD)
server = Server(models=(), home=home.name)
client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def asked_for(path, words=""):
    """The house's last request at `path` that holds the words: other cases ask beside this one."""
    with house.lock:
        return [request for request in house.requests if request[1] == path and words.encode() in request[3]][-1]


# --- pictures ---

@case
def a_picture_comes_as_base64_and_as_an_address():
    made = client.images.generate(model="house/good", prompt="a cat", n=2, size="1024x1024", quality="low", extra_body={"of_next_year": {"a": 1}})
    equal([one.b64_json for one in made.data], [PICTURE] * 2)
    equal(json.loads(made.data[0].revised_prompt), {"model": "good", "prompt": "a cat", "n": 2, "size": "1024x1024", "quality": "low", "of_next_year": {"a": 1}})
    equal(made.usage.output_tokens, 100)
    equal(client.images.generate(model="house/good", prompt="x", response_format="url").data[0].url, "https://pictures.example/1.png")


@case
def a_picture_is_streamed():
    events = list(client.images.generate(model="house/good", prompt="a cat", stream=True, partial_images=1))
    equal([event.type for event in events], ["image_generation.partial_image", "image_generation.completed"])
    equal(events[-1].usage.output_tokens, 100)


@case
def a_picture_is_edited():
    made = client.images.edit(model="house/good", prompt="a hat", image=[("a.png", b"one"), ("b.png", b"three")], mask=("m.png", b"m"), size="auto")
    said = json.loads(made.data[0].revised_prompt)
    equal((said["prompt"], said["size"], said["model"], said["mask"]), ("a hat", "auto", "good", ["m.png", 1]))
    check(said.get("image[]") == ["b.png", 5], said)


@case
def the_answer_says_who_gave_it_and_nobody_sees_the_key():
    raw = client.images.with_raw_response.generate(model="house/good", prompt="x")
    equal((raw.headers["x-shenbi-model"], raw.headers["x-shenbi-route"]), ("house/good", "named"))
    check(asked_for("/v1/images/generations")[2]["Authorization"] == f"Bearer {SECRET}")


# --- sounds ---

@case
def a_text_is_read_aloud_byte_by_byte():
    with client.audio.speech.with_streaming_response.create(model="house/good", voice="alloy", input="Hello, 世界", speed=1.5) as answer:
        equal(answer.headers["content-type"], "audio/mpeg")
        equal(b"".join(answer.iter_bytes()), SOUND)
    sent = json.loads(asked_for("/v1/audio/speech", "Hello, ")[3])
    equal(sent, {"input": "Hello, 世界", "model": "good", "voice": "alloy", "speed": 1.5})


@case
def a_sound_becomes_text_in_every_form():
    def heard(**more):
        return client.audio.transcriptions.create(model="house/good", file=("a.wav", io.BytesIO(b"RIFF")), language="de", **more)
    said = json.loads(heard().text)
    equal((said["file"], said["language"], said["model"]), (["a.wav", 4], "de", "good"))
    for form in ("text", "srt", "vtt"):
        check(str(heard(response_format=form)).startswith(form + ": "), form)
    equal(heard(response_format="verbose_json", timestamp_granularities=["word", "segment"]).duration, 2.5)
    check("good" in client.audio.translations.create(model="house/good", file=("a.wav", b"RIFF")).text)


# --- what goes wrong ---

def each_kind():
    yield lambda model: client.images.generate(model=model, prompt="x")
    yield lambda model: client.images.edit(model=model, prompt="x", image=("a.png", b"x"))
    yield lambda model: client.audio.speech.create(model=model, voice="alloy", input="x").read()
    yield lambda model: client.audio.transcriptions.create(model=model, file=("a.wav", b"x"))
    yield lambda model: client.audio.translations.create(model=model, file=("a.wav", b"x"))


@case
def what_the_caller_got_wrong_is_told_in_the_houses_words():
    for ask in [*each_kind(), lambda model: client.videos.create(model=model, prompt="x")]:
        with raises(openai.BadRequestError, "house: size: not one of ours"):
            ask("house/refused")


@case
def what_is_no_answer_is_a_502_that_names_the_house():
    for ask in each_kind():
        for model in ("malformed", "error-in-200"):
            name = next(fresh)
            try:
                ask(f"{name}/{model}")
            except openai.InternalServerError as error:
                check(error.status_code == 502 and f"{name}: " in str(error), model, error)
            else:
                raise AssertionError(f"{model} is an answer")
    with raises(openai.InternalServerError, "longer than 268435456 bytes"):
        client.images.generate(model=f"{next(fresh)}/too-large", prompt="x")
    with raises(openai.InternalServerError, "an empty answer"):
        client.audio.speech.create(model=f"{next(fresh)}/empty", voice="alloy", input="x").read()


@case
def what_breaks_off_is_never_whole():
    for ask in each_kind():
        with raises(Exception):
            ask(f"{next(fresh)}/cut")


@case
def a_house_that_says_wait_is_waited_for():
    name = next(fresh)
    for _ in range(2):  # the second time by the gateway itself
        try:
            client.images.generate(model=f"{name}/limited", prompt="x")
        except openai.RateLimitError as error:
            check(1 <= int(error.response.headers["retry-after"]) <= 7, error.response.headers)
        else:
            raise AssertionError("it was not limited")
    equal(sum(b'"limited"' in body for *_, body in house.requests), 1)


@case
def a_slow_house_is_waited_for_and_others_are_served_meanwhile():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.images.generate, model=f"{next(fresh)}/slow", prompt="x")
        wait_for(lambda: any(b'"slow"' in body for *_, body in list(house.requests)), "the house is asked")
        client.images.generate(model="house/good", prompt="x")
        check(not late.done(), "it was not slow")
        house.release()
        equal(late.result().data[0].b64_json, PICTURE)


@case
def the_engine_and_unknown_names_say_so_by_name():
    for ask in [*each_kind(), lambda model: client.videos.create(model=model, prompt="x")]:
        with raises(openai.NotFoundError, "nobody"):
            ask("nobody")


@case
def a_field_that_is_counted_is_judged_here_by_its_name():
    with raises(openai.BadRequestError, "n: must be a whole number"):
        client.images.generate(model="house/good", prompt="x", n=0)
    with raises(openai.BadRequestError, "seconds: must be a whole number"):
        client.videos.create(model="house/good", prompt="x", seconds="many")


# --- films; each with a house of its own, so that one may finish them all ---

def filmed(*arguments):
    own = MediaHouse()
    folder = tempfile.TemporaryDirectory(prefix="shenbi-films-")
    upstream(folder.name, own.url)
    return own, folder, Server(*arguments, models=(), home=folder.name)


def asker(server, key="none"):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0)


@case
def a_film_is_made_polled_fetched_listed_and_deleted():
    own, folder, films = filmed()
    try:
        ask = asker(films)
        film = ask.videos.create(model="house/good", prompt="a cat", seconds="8", size="1280x720", input_reference=("a.png", b"png"))
        equal((film.status, film.model, film.prompt, film.object), ("queued", "house/good", "a cat", "video"))
        with raises(openai.BadRequestError, "has no content"):
            ask.videos.download_content(film.id)
        own.finish()
        done = wait_for(lambda: (lambda one: one if one.status == "completed" else None)(ask.videos.retrieve(film.id)), "the film")
        equal((done.progress, done.seconds, done.size), (100, "8", "1280x720"))
        answer = ask.videos.download_content(film.id)
        equal(answer.read(), FILM)
        equal([one.id for one in ask.videos.list()], [film.id])
        equal(ask.videos.delete(film.id).deleted, True)
        with raises(openai.NotFoundError, film.id):
            ask.videos.retrieve(film.id)
        equal(list(ask.videos.list()), [])
        equal(own.count("POST", "/videos"), 1)
    finally:
        films.stop()
        own.stop()


@case
def a_film_outlives_a_server_that_is_killed_between_its_beginning_and_its_end():
    own, folder, films = filmed()
    try:
        film = asker(films).videos.create(model="house/good", prompt="a cat", seconds="4")
        films.stop(signal.SIGKILL)
        own.finish()
        films = Server(models=(), home=folder.name)
        ask = asker(films)
        wait_for(lambda: ask.videos.retrieve(film.id).status == "completed", "the film")
        equal(ask.videos.download_content(film.id).read(), FILM)
        equal(own.count("POST", "/videos"), 1)
        equal(own.count("GET", "/content"), 1)
    finally:
        films.stop()
        own.stop()


@case
def a_film_that_failed_says_why_and_one_that_is_cancelled_is_cancelled_at_its_house():
    own, folder, films = filmed()
    try:
        ask = asker(films)
        film = ask.videos.create(model="house/good", prompt="a cat")
        ask.videos.delete(film.id)
        equal(own.count("DELETE", "/video_0"), 1)
        film = ask.videos.create(model="house/good", prompt="a cat")
        own.finish("failed", error={"code": "moderation", "message": "not this one"})
        failed = wait_for(lambda: (lambda one: one if one.status == "failed" else None)(ask.videos.retrieve(film.id)), "the failure")
        equal((failed.error.code, failed.error.message), ("moderation", "not this one"))
    finally:
        films.stop()
        own.stop()


@case
def every_try_is_a_row_of_the_ledger():
    client.images.generate(model="house/good", prompt="x", user="row")

    def rows():
        with urllib.request.urlopen(server.url + "/page/usage/rows?limit=500", timeout=60) as answer:
            return [row for row in json.load(answer)["rows"] if row["model"] == "good" and row["completion_tokens"] == 100]
    found = wait_for(rows, "the row")[0]
    equal((found["upstream"], found["prompt_tokens"], found["outcome"]), ("house", 5, "settled"))


try:
    main()
finally:
    server.stop()
    house.stop()
