#!/usr/bin/env python3
"""The ledger: what the real model answered, directly and as an upstream of a second server with prices, is what /page/usage counts; cut
streams, failed tries, embeddings; nothing of it is lost by a restart."""
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, SHENBI, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, wait_for  # noqa: E402

FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
IN, OUT = 2000, 8000  # nano-dollars a token: 2 and 8 $/M
home = tempfile.TemporaryDirectory(prefix="shenbi-usage-")
PRICE = {"house": "behind", "models": [MODEL], "tokens": {"input": 2, "output": 8}, "source": "this test", "date": "2026-11-22"}
CATALOG = {"version": 1, "models": [{"id": "test/priced", "name": "Priced", "prices": [PRICE]}]}
pathlib.Path(home.name, "catalog.json").write_text(json.dumps(CATALOG))

behind = Server()


def upstreams(*words):
    subprocess.run([SHENBI, "upstreams", *words], env={**os.environ, "SHENBI_HOME": home.name}, check=True, capture_output=True)


upstreams("add", "priced", "--house", "compatible", "--base-url", behind.url + "/v1", "--model", MODEL, "--setting", "prices=behind")
upstreams("add", "nameless", "--house", "compatible", "--base-url", behind.url + "/v1", "--model", MODEL)
upstreams("add", "page-priced", "--house", "compatible", "--base-url", behind.url + "/v1", "--model", MODEL, "--setting", "prices=behind")
upstreams("add", "page-nameless", "--house", "compatible", "--base-url", behind.url + "/v1", "--model", MODEL)
upstreams("add", "dead", "--house", "compatible", "--base-url", "http://127.0.0.1:9/v1", "--model", "spare", "--priority", "0")
front = Server(models=(), home=home.name)


def get(path, server=None):
    with urllib.request.urlopen((server or front).url + path, timeout=PATIENCE) as answer:
        body = answer.read().decode()
        return json.loads(body) if "json" in answer.headers["Content-Type"] else body


def ask(model, server=None, path="/v1/chat/completions", **more):
    body = {"model": model, "messages": FRANCE, "temperature": 0, "max_tokens": 8, **more}
    request = urllib.request.Request((server or front).url + path, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer), answer.headers["X-Request-Id"]


def sums(upstream, server=None):
    return get(f"/page/usage?by=day&upstream={upstream}", server)["total"]


def page_answer(model):
    """What the chat page has of an answer once it is complete."""
    def send(path, body):
        request = urllib.request.Request(front.url + path, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    made = send("/page/conversations", {})
    message = send(f"/page/conversations/{made['id']}/ask", {"content": "Hello", "model": model, "params": {"max_tokens": 4, "temperature": 0}})["answer"]
    with urllib.request.urlopen(f"{front.url}/page/messages/{message['id']}/stream", timeout=PATIENCE) as stream:
        return json.loads(stream.read().decode().split("event: done\ndata: ", 1)[1])


# Asked before the cases, which count what they ask themselves.
PAGE = {name: page_answer(f"{name}/{MODEL}")["usage"] for name in ("page-priced", "page-nameless")}


@case
def the_page_tells_what_an_answer_cost():
    usage = PAGE["page-priced"]
    equal(usage["cost_nano_usd"], usage["prompt_tokens"] * IN + usage["completion_tokens"] * OUT)
    equal(PAGE["page-nameless"]["cost_nano_usd"], None)  # not free: unknown


@case
def an_answer_of_the_engine_is_counted_and_costs_nothing():
    answer, number = ask(MODEL, behind)
    (row,) = [one for one in get("/page/usage/rows", behind)["rows"] if one["request_id"] == number]
    equal(row["prompt_tokens"], answer["usage"]["prompt_tokens"])
    equal(row["completion_tokens"], answer["usage"]["completion_tokens"])
    equal((row["upstream"], row["outcome"], row["cost_nano_usd"]), ("local", "settled", 0))
    check(row["first_token_s"] is not None and row["seconds"] >= row["first_token_s"], row)


@case
def an_answer_of_an_upstream_costs_its_tokens_at_the_catalogs_price():
    before = sums("priced")
    answer, number = ask(f"priced/{MODEL}")
    usage = answer["usage"]
    cost = usage["prompt_tokens"] * IN + usage["completion_tokens"] * OUT
    (row,) = [one for one in get("/page/usage/rows?upstream=priced")["rows"] if one["request_id"] == number]
    equal(row["cost_nano_usd"], cost)
    equal(json.loads(row["raw_usage"])["completion_tokens"], usage["completion_tokens"])
    equal(sums("priced")["cost_nano_usd"] - before["cost_nano_usd"], cost)


@case
def without_a_price_the_cost_is_unknown_and_not_zero():
    ask(f"nameless/{MODEL}")
    total = sums("nameless")
    equal((total["calls"], total["unpriced"], total["cost_nano_usd"]), (1, 1, 0))
    equal(get("/page/usage/rows?upstream=nameless")["rows"][0]["cost_nano_usd"], None)


@case
def a_stream_that_its_caller_leaves_is_counted_by_what_came():
    before = sums("priced")["calls"]
    host = front.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    prompt = [{"role": "user", "content": "slow on: " + " ".join(["la"] * 24)}]  # to which this model says nothing else any more
    body = {"model": f"priced/{MODEL}", "messages": prompt, "temperature": 0, "max_tokens": 20000, "stream": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    for _ in range(3):
        while not answer.readline().startswith(b"data: "):
            pass
    answer.close()
    connection.close()
    wait_for(lambda: sums("priced")["calls"] == before + 1, "the row of the stream")
    row = get("/page/usage/rows?upstream=priced&limit=1")["rows"][0]
    equal(row["outcome"], "aborted", row)
    check(row["completion_tokens"] > 0 and row["prompt_tokens"] > 0, row)
    equal(row["cost_nano_usd"], row["prompt_tokens"] * IN + row["completion_tokens"] * OUT)


@case
def a_try_that_found_nobody_is_a_row_without_tokens():
    try:
        ask("dead/spare")
    except urllib.error.HTTPError as error:
        equal(error.code, 502)
    total = sums("dead")
    equal((total["failed"], total["prompt_tokens"], total["cost_nano_usd"], total["unpriced"]), (total["calls"], 0, 0, 0))
    check(total["calls"] > 0, total)


@case
def embeddings_are_counted():
    body = json.dumps({"model": MODEL, "input": ["one", "two"]}).encode()
    request = urllib.request.Request(behind.url + "/v1/embeddings", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        tokens, number = json.load(answer)["usage"]["prompt_tokens"], answer.headers["X-Request-Id"]
    (row,) = [one for one in get("/page/usage/rows?upstream=local", behind)["rows"] if one["request_id"] == number]
    equal((row["prompt_tokens"], row["outcome"]), (tokens, "settled"))


@case
def an_embedding_that_failed_is_a_row_too():
    failed = sums("dead")["failed"]
    body = json.dumps({"model": "dead/spare", "input": "one"}).encode()
    request = urllib.request.Request(front.url + "/v1/embeddings", data=body, headers={"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=PATIENCE)
        check(False, "it must fail")
    except urllib.error.HTTPError as error:
        status = error.code
        check(status in (502, 503), status)  # refused, or known to be broken since an earlier test
        number = error.headers["X-Request-Id"]
    rows = [one for one in get("/page/usage/rows?upstream=dead")["rows"] if one["request_id"] == number]
    check(rows and all((one["outcome"], one["status"], one["prompt_tokens"], one["cost_nano_usd"]) == ("failed", status, 0, 0) for one in rows), rows)
    equal(sums("dead")["failed"] - failed, len(rows))


@case
def an_answer_that_the_cache_gives_again_is_a_row_of_its_own_kind():
    server = Server("--answer-cache", "16")
    try:
        for more in ({}, {"n": 2}):  # of the engine's two choices each is a call
            (first, one), (second, other) = (ask(MODEL, server, **more) for _ in range(2))
            equal([c["message"]["content"] for c in second["choices"]], [c["message"]["content"] for c in first["choices"]])
            rows = get("/page/usage/rows", server)["rows"]
            made, again = ([row for row in rows if row["request_id"] == number] for number in (one, other))
            equal((len(made), len(again)), (len(first["choices"]),) * 2)
            equal({row["cached_answer"] for row in made}, {False})
            words = ("upstream", "model", "wanted", "prompt_tokens", "completion_tokens", "outcome")
            equal(sorted([row[word] for word in words] for row in again), sorted([row[word] for word in words] for row in made))
            equal({(row["cached_answer"], row["cost_nano_usd"], row["first_token_s"]) for row in again}, {(True, 0, None)})
        total = get("/page/usage", server)["total"]
        equal((total["calls"], total["cached_answers"]), (3, 3))
        equal(total["completion_tokens"], sum(row["completion_tokens"] for row in get("/page/usage/rows", server)["rows"] if not row["cached_answer"]))
        check(get("/page/usage/rows?format=csv", server).split("\r\n")[1].endswith(",1"), "marked in the table")
    finally:
        server.stop()


@case
def tables_are_written_for_spreadsheets():
    lines = get("/page/usage?by=upstream&format=csv").strip().split("\r\n")
    equal(lines[0], "upstream,calls,failed,prompt_tokens,cached_tokens,cache_write_tokens,completion_tokens,reasoning_tokens,cost_usd,unpriced,cached_answers")
    check(any(line.startswith("priced,") for line in lines), lines)
    check(get("/page/usage/rows?format=csv").startswith("id,time_s,request_id,"), "csv")


def a_restart_loses_nothing_that_was_counted():
    global front
    before = get("/page/usage?by=upstream")["total"]
    front.stop()
    front = Server(models=(), home=home.name)
    equal(get("/page/usage?by=upstream")["total"], before)


@case
def the_metrics_tell_of_rows():
    check("shenbi:ledger_rows_lost_total 0" in front.metrics(), front.metrics())


try:
    main(workers=1, last=a_restart_loses_nothing_that_was_counted)  # one after the other: sums are compared
finally:
    front.stop()
    behind.stop()
