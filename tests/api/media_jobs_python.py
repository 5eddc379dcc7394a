#!/usr/bin/env python3
"""Houses that work in tasks, with OpenAI's own client in front and the houses' own wires behind: pictures whose caller waits, films that are
looked after, in ordinary and in every bad form; and houses that answer at once, in words of their own."""
import os
import pathlib
import subprocess
import sys
import tempfile

import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.job_house import PROOF, WHY, JobHouse  # noqa: E402
from api.support.media_house import FILM, SOUND  # noqa: E402
from api.support.server import SHENBI, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises, wait_for  # noqa: E402

SECRET = "key-of-the-operator-at-each-house"
FILMS = {"dashscope": ("wan2.5-t2v-preview", {}), "fal": ("fal-ai/pika/v2.2/text-to-video", {}), "minimax": ("MiniMax-Hailuo-2.3", {}),
         "runway": ("gen4.5", {"size": "1280x720"}), "heygen": ("avatar", {"extra_body": {"avatar_id": "Ann", "voice_id": "v1"}}),
         "did": ("talks", {"extra_body": {"image_url": "https://x.example/face.jpg"}})}
PICTURES = {"dashscope": "wan2.2-t2i-flash", "fal": "fal-ai/flux/schnell"}
LENGTHLESS = ("heygen", "did")  # a film lasts as long as what is said

house = JobHouse()
home = tempfile.TemporaryDirectory(prefix="shenbi-jobs-")


def upstream(name, kind):
    subprocess.run([SHENBI, "upstreams", "add", name, "--house", kind, "--base-url", house.url(kind), "--key-from-input"],
                   env={**os.environ, "SHENBI_HOME": home.name}, input=SECRET + "\n", text=True, check=True, capture_output=True)


for kind in PROOF:
    upstream(kind, kind)
# What fails puts the key it was asked with to rest: each try that goes wrong has an upstream of its own.
for kind in FILMS:
    for how in ("wrong", "busy", "unwell", "malformed", "cut"):
        upstream(f"{kind}-{how}", kind)
for kind in PICTURES:
    for how in ("refused", "malformed", "unwell", "cut"):
        upstream(f"{kind}-picture-{how}", kind)
server = Server(models=(), home=home.name)
client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def begin(kind, prompt, name=None, **more):
    model, needed = FILMS[kind]
    if kind not in LENGTHLESS:
        more.setdefault("seconds", "5")
    if more.get("seconds", 0) is None:
        del more["seconds"]
    return client.videos.create(model=f"{name or kind}/{model}", prompt=prompt, **needed, **more)


def ended(film):
    return wait_for(lambda: (lambda one: one if one.status in ("completed", "failed") else None)(client.videos.retrieve(film.id)), "the film's end")


def each_film(work):
    for kind in FILMS:
        try:
            work(kind)
        except Exception as error:
            raise AssertionError(f"{kind}: {error}") from error


# --- films ---

@case
def a_film_of_every_house_is_made_looked_after_and_fetched():
    def work(kind):
        film = begin(kind, f"ordinary at {kind}")
        done = ended(film)
        equal(done.status, "completed", done)
        equal(client.videos.download_content(film.id).read(), FILM)
        header, form = PROOF[kind]
        for _, path, headers, _ in house.sent("POST", "") + house.sent("GET", ""):
            if "/made/" in path:
                check("Authorization" not in headers and "X-Api-Key" not in headers, "the key went to a link", path)
        with house.lock:
            task = next(name for name, one in house.tasks.items() if one.prompt == f"ordinary at {kind}")
        for _, path, headers, _ in house.sent("GET", f"{task}(/status)?$"):
            equal(headers.get(header), form.format(SECRET))
    each_film(work)


@case
def a_film_that_its_house_refuses_has_failed_in_the_houses_words():
    def work(kind):
        failed = ended(begin(kind, "refused"))
        equal((failed.status, failed.error.message), ("failed", WHY))
    each_film(work)


@case
def what_passes_ends_no_film():
    def work(kind):
        for how in ("unwell", "malformed", "cut"):
            equal(ended(begin(kind, how, f"{kind}-{how}")).status, "completed")
    each_film(work)


@case
def a_link_that_has_expired_is_asked_for_anew():
    def work(kind):
        film = begin(kind, "expiry")
        equal(ended(film).status, "completed")
        equal(client.videos.download_content(film.id).read(), FILM)
    each_film(work)


@case
def what_the_caller_got_wrong_and_a_house_that_says_wait_are_told_at_once():
    def work(kind):
        with raises(openai.BadRequestError, WHY):
            begin(kind, "wrong", f"{kind}-wrong")
        with raises(openai.RateLimitError, "slowly"):
            begin(kind, "busy", f"{kind}-busy")
    each_film(work)


@case
def a_film_is_stopped_at_its_house_where_it_can_be():
    for kind in ("dashscope", "fal", "runway"):
        film = begin(kind, "endless")
        client.videos.delete(film.id)
        with house.lock:
            check(any(task.house == kind and task.stopped for task in house.tasks.values()), f"{kind} was not told")


@case
def a_field_that_a_house_has_no_word_for_is_refused_by_its_name():
    for kind in set(FILMS) - {"fal"}:  # its fields are each model's own
        with raises(openai.BadRequestError, "of_next_year: unknown field"):
            model, needed = FILMS[kind]
            extra = {**needed.get("extra_body", {}), "of_next_year": "1"}
            client.videos.create(model=f"{kind}/{model}", prompt="x", extra_body=extra)
    for kind in LENGTHLESS:
        with raises(openai.BadRequestError, "seconds: a film of this house lasts as long as what is said"):
            begin(kind, "x", seconds="5")


# --- pictures whose caller waits ---

@case
def a_picture_that_is_a_task_is_waited_for():
    for kind, model in PICTURES.items():
        made = client.images.generate(model=f"{kind}/{model}", prompt="ordinary", n=1, size="1024x768")
        check(made.data[0].url.startswith(house.root + "/made/"), kind, made)
        for how in ("unwell", "cut"):
            equal(len(client.images.generate(model=f"{kind}-picture-{how}/{model}", prompt=how).data), 1)


@case
def a_picture_that_fails_says_why():
    for kind, model in PICTURES.items():
        with raises(openai.InternalServerError, WHY):
            client.images.generate(model=f"{kind}-picture-refused/{model}", prompt="refused")


@case
def half_an_answer_to_a_look_is_no_picture():
    for kind, model in PICTURES.items():
        with raises(openai.InternalServerError, "no JSON object"):
            client.images.generate(model=f"{kind}-picture-malformed/{model}", prompt="malformed")


# --- houses that answer at once ---

@case
def elevenlabs_listens():
    def heard(**more):
        return client.audio.transcriptions.create(model="elevenlabs/scribe_v2", file=("a.wav", b"RIFF"), **more)
    equal(heard(language="en").text, "hi there")
    said = heard(response_format="verbose_json", timestamp_granularities=["word"])
    equal((said.duration, [(word.word, word.start) for word in said.words]), (2.5, [("hi", 0.1), ("there", 0.5)]))
    equal(heard(response_format="text").strip(), "hi there")
    with raises(openai.BadRequestError, "srt"):
        heard(response_format="srt")
    check(b'name="model_id"\r\n\r\nscribe_v2' in house.sent("POST", "speech-to-text")[0][3], "its own words")


@case
def stability_makes_a_sound():
    sound = client.audio.speech.create(model="stability/stable-audio-2.5", voice="none", input="rain on a roof", extra_body={"duration": 30})
    equal(sound.read(), SOUND)
    with raises(openai.BadRequestError, "duration: is required"):
        client.audio.speech.create(model="stability/stable-audio-2.5", voice="none", input="rain")


try:
    main()
finally:
    server.stop()
    house.stop()
