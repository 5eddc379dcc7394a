#!/usr/bin/env python3
"""Files and batches with the OpenAI client, a real server and the real default model; a batch survives kill -9 at any moment."""
import json
import pathlib
import random
import signal
import sys
import tempfile

import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises, wait_for  # noqa: E402

ENDED = ("completed", "failed", "expired", "cancelled")
server = Server()


def client_of(one):
    return openai.OpenAI(base_url=one.url + "/v1", api_key="none", max_retries=0)


client = client_of(server)


def chat_line(number, tokens=12):
    return {"custom_id": f"line-{number}", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": MODEL, "temperature": 0, "max_tokens": tokens,
                     "messages": [{"role": "user", "content": f"What is {number} plus {number + 1}?"}]}}


def uploaded(lines, to=client):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return to.files.create(file=("requests.jsonl", text.encode()), purpose="batch")


def started(lines, endpoint="/v1/chat/completions", to=client):
    return to.batches.create(input_file_id=uploaded(lines, to).id, endpoint=endpoint, completion_window="24h", metadata={"test": "yes"})


def ended(batch, to=client):
    return wait_for(lambda: (found := to.batches.retrieve(batch.id)).status in ENDED and found, f"the end of {batch.id}")


def answers(file_id, to=client):
    """custom_id -> line, each once."""
    lines = [json.loads(line) for line in to.files.content(file_id).text.splitlines()] if file_id else []
    ids = [line["custom_id"] for line in lines]
    equal(len(ids), len(set(ids)), ids)
    return {line["custom_id"]: line for line in lines}


def check_usage(batch, found):
    """The batch's tokens are those of its lines."""
    usages = [line["response"]["body"]["usage"] for line in found.values()]
    equal((batch.usage.input_tokens, batch.usage.output_tokens, batch.usage.total_tokens),
          tuple(sum(one[name] for one in usages) for name in ("prompt_tokens", "completion_tokens", "total_tokens")))
    equal(batch.usage.input_tokens_details.cached_tokens, sum(one["prompt_tokens_details"]["cached_tokens"] for one in usages))
    check(batch.usage.output_tokens > 0, batch.usage)
    equal(batch.model, MODEL)


def asked_directly(line, to=client):
    return to.chat.completions.create(**line["body"]).choices[0].message.content


@case
def files_are_kept_listed_fetched_and_deleted():
    content = bytes(range(256)) * 40
    made = client.files.create(file=("何か.bin", content), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600})
    equal((made.filename, made.bytes, made.purpose), ("何か.bin", len(content), "user_data"))
    equal(made.expires_at - made.created_at, 3600)
    equal(client.files.retrieve(made.id), made)
    equal(client.files.content(made.id).read(), content)
    check(made.id in [file.id for file in client.files.list(purpose="user_data")])
    check(client.files.delete(made.id).deleted)
    with raises(openai.NotFoundError, made.id):
        client.files.retrieve(made.id)
    with raises(openai.BadRequestError, "purpose", "fine-tune"):
        client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune")


@case
def pages_of_files_are_walked_to_the_end():
    made = [client.files.create(file=("p.txt", b"x"), purpose="user_data").id for _ in range(5)]
    found = [file.id for file in client.files.list(purpose="user_data", limit=2, order="asc")]
    equal([id for id in found if id in made], made)


@case
def a_batch_gives_what_the_direct_calls_give():
    lines = [chat_line(i) for i in range(8)]
    batch = started(lines)
    check(batch.status in ("validating", "in_progress"), batch.status)
    batch = ended(batch)
    equal(batch.status, "completed", batch)
    equal((batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed), (8, 8, 0))
    equal(batch.metadata, {"test": "yes"})
    found = answers(batch.output_file_id)
    equal(set(found), {line["custom_id"] for line in lines})
    for line in lines:
        got = found[line["custom_id"]]
        equal(got["response"]["status_code"], 200)
        equal(got["response"]["body"]["choices"][0]["message"]["content"], asked_directly(line))
    check_usage(batch, found)
    check(batch.id in [one.id for one in client.batches.list(limit=100)])
    check('shenbi:batch_lines_total{result="completed"}' in server.metrics())


@case
def embeddings_completions_and_responses_run_too():
    def run(endpoint, body):
        line = {"custom_id": "only", "method": "POST", "url": endpoint, "body": {"model": MODEL, **body}}
        return answers(ended(started([line], endpoint)).output_file_id)["only"]["response"]["body"]
    vector = run("/v1/embeddings", {"input": "hello"})["data"][0]["embedding"]
    equal(vector, client.embeddings.create(model=MODEL, input="hello", encoding_format="float").data[0].embedding)
    text = run("/v1/completions", {"prompt": "The capital of France is", "max_tokens": 4, "temperature": 0})["choices"][0]["text"]
    equal(text, client.completions.create(model=MODEL, prompt="The capital of France is", max_tokens=4, temperature=0).choices[0].text)
    response = run("/v1/responses", {"input": "Hello", "max_output_tokens": 4, "temperature": 0})
    equal(client.responses.retrieve(response["id"]).output_text, "".join(c["text"] for c in response["output"][0]["content"]))


@case
def wrong_lines_fail_a_batch_and_wrong_bodies_only_their_line():
    bad = {**chat_line(2), "url": "/v1/embeddings"}
    batch = ended(started([chat_line(1), bad]))
    equal(batch.status, "failed")
    equal([(error.code, error.line) for error in batch.errors.data], [("url_mismatch", 2)])
    unknown = chat_line(2)
    unknown["body"]["model"] = "nothing:here"
    batch = ended(started([chat_line(1), unknown]))
    equal((batch.status, batch.request_counts.completed, batch.request_counts.failed), ("completed", 1, 1))
    equal(answers(batch.error_file_id)["line-2"]["response"]["status_code"], 404)


@case
def a_cancelled_batch_names_every_line_once():
    lines = [chat_line(i, tokens=400) for i in range(60)]
    batch = started(lines)
    wait_for(lambda: client.batches.retrieve(batch.id).status != "validating", "the first line")
    check(client.batches.cancel(batch.id).status == "cancelling")
    batch = ended(batch)
    equal(batch.status, "cancelled")
    found = {**answers(batch.output_file_id), **answers(batch.error_file_id)}
    equal(set(found), {line["custom_id"] for line in lines})
    equal(batch.request_counts.completed + batch.request_counts.failed, 60)
    with raises(openai.BadRequestError, "cannot be cancelled"):
        client.batches.cancel(batch.id)


@case
def callers_go_first():
    lines = 500  # of up to 400 tokens: no machine has done that many before one short answer
    batch = started([chat_line(i, tokens=400) for i in range(lines)])
    wait_for(lambda: client.batches.retrieve(batch.id).status == "in_progress", "the first line")
    answer = client.chat.completions.create(model=MODEL, temperature=0, max_tokens=8, messages=[{"role": "user", "content": "Hello"}])
    check(answer.choices[0].message.content)
    counts = client.batches.retrieve(batch.id).request_counts
    check(counts.completed < lines, "the batch was over before the caller was answered", counts)
    client.batches.cancel(batch.id)
    ended(batch)


@case
def a_batch_survives_kill_9_at_any_moment():
    """Killed again and again, each time after some more lines; then every line is there once, as the direct call says."""
    lines = [chat_line(i, tokens=24) for i in range(100)]  # some are left at the third kill, however fast the machine
    dice = random.Random(20261122)
    with tempfile.TemporaryDirectory(prefix="shenbi-batch-") as home:
        kills, batch, seen = 0, None, 0
        while True:
            one = Server(home=home)
            to = client_of(one)
            batch = to.batches.retrieve(batch.id) if batch else started(lines, to=to)
            # What was acknowledged before the kill is there after it.
            check(batch.request_counts.completed >= seen, batch.request_counts, seen)
            goal = seen + dice.randint(3, 20)

            def reached():
                found = to.batches.retrieve(batch.id)
                return (found.status in ENDED or found.request_counts.completed >= goal) and found
            batch = wait_for(reached, f"line {goal}")
            seen = batch.request_counts.completed
            if batch.status in ENDED:
                break
            equal(one.stop(signal.SIGKILL), -signal.SIGKILL)
            kills += 1
        equal((batch.status, batch.request_counts.completed, batch.request_counts.failed), ("completed", len(lines), 0))
        check(kills >= 3, kills)
        found = answers(batch.output_file_id, to)
        equal(set(found), {line["custom_id"] for line in lines})
        for line in lines[::4]:
            equal(found[line["custom_id"]]["response"]["body"]["choices"][0]["message"]["content"], asked_directly(line, to))
        check_usage(batch, found)
        unfinished = [path.name for path in pathlib.Path(home, "files").iterdir() if "unfinished" in path.name]
        equal(unfinished, [])
        one.stop()


@case
def moderations_say_that_nothing_here_judges():
    with raises(openai.BadRequestError, "no model of this server"):
        client.moderations.create(input="x")


try:
    main()
finally:
    server.stop()
