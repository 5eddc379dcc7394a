#!/usr/bin/env python3
"""Documents put in order through the gateway by Cohere's and OpenAI's own clients: played houses of each form behind it, in ordinary and in every
bad form."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import cohere
import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.rerank_house import NATIVE, RerankHouse  # noqa: E402
from api.support.server import MODEL, PATIENCE, SHENBI, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises, wait_for  # noqa: E402

SECRET = "sk-of-the-house-behind-the-door"
QUERY = "Where do red pandas live?"
DOCUMENTS = ["Cats sleep in the sun.", "Red pandas live in the forests of the Himalaya.", "Giant pandas eat bamboo."]
# How each house is asked, and where.
HOUSES = {"compatible": "/v1/rerank", "vllm": "/v1/rerank", "shenbi": "/v1/rerank", "qianfan": "/v1/rerank", "zhipu": "/v1/rerank",
          "cohere": "/v2/rerank", "dashscope": NATIVE}
# What fails puts the key it was asked with to rest: each has an upstream of its own.
ODD = ("backwards", "twice", "beyond", "few", "scoreless", "no-json", "refused", "limited", "broken", "no-usage", "searches")

house = RerankHouse()
home = tempfile.TemporaryDirectory(prefix="shenbi-rerank-")


def shenbi(*words, **options):
    return subprocess.run([SHENBI, *words], env={**os.environ, "SHENBI_HOME": home.name}, text=True, check=True, capture_output=True, **options)


def upstream(name, kind, *more):
    shenbi("upstreams", "add", name, "--house", kind, "--base-url", house.url, "--key-from-input", *more, input=SECRET + "\n")


for kind in HOUSES:
    upstream("at-" + kind, kind)
for name in ODD:
    upstream("odd-" + name, "compatible", "--model", name)
upstream("talker", "deepseek")
upstream("first", "compatible", "--model", "broken", "--priority", "1")
upstream("second", "compatible", "--model", "second-choice", "--priority", "2")
server = Server(models=(), home=home.name)
client = cohere.ClientV2(api_key="none", base_url=server.url)
old = cohere.Client(api_key="none", base_url=server.url)
openai_client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def post(body, path="/v1/rerank", key=None, method="POST", url=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request((url or server.url) + path, data=json.dumps(body).encode(), headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def ask(**more):
    """A good request but for `more`; None takes a field away."""
    body = {"model": "at-compatible/m", "query": QUERY, "documents": DOCUMENTS, **more}
    return post({name: value for name, value in body.items() if value is not None})


# --- clients that others wrote ---

@case
def coheres_client_gets_the_order_from_every_house():
    for kind, path in HOUSES.items():
        answer = client.rerank(model=f"at-{kind}/{kind}-model", query=QUERY, documents=DOCUMENTS)
        equal([one.index for one in answer.results], [1, 2, 0], kind)
        equal([round(one.relevance_score, 2) for one in answer.results], [0.6, 0.2, 0.0], kind)
        equal(answer.meta.tokens.input_tokens, 18 + 3 * 5, kind)  # the words of all, the query's once for each
        where, headers, _ = house.last(f"{kind}-model")
        equal((where, headers["Authorization"]), (path, f"Bearer {SECRET}"), kind)


@case
def coheres_client_gets_the_best_alone():
    answer = client.rerank(model="at-cohere/top", query=QUERY, documents=DOCUMENTS, top_n=1, max_tokens_per_doc=100)
    equal([one.index for one in answer.results], [1])
    body = house.last("top")[2]
    equal((body["top_n"], body["max_tokens_per_doc"]), (1, 100))
    equal(len(client.rerank(model="at-cohere/top", query=QUERY, documents=DOCUMENTS, top_n=10).results), 3)


@case
def coheres_older_client_sends_objects_and_gets_the_documents():
    answer = old.rerank(model="at-compatible/old", query=QUERY, documents=[{"text": DOCUMENTS[0]}, DOCUMENTS[1]], return_documents=True,
                        rank_fields=["text"], max_chunks_per_doc=10)
    equal([one.document.text for one in answer.results], [DOCUMENTS[1], DOCUMENTS[0]])
    body = house.last("old")[2]
    equal((body["documents"], body["return_documents"], body["max_chunks_per_doc"]), (DOCUMENTS[:2], False, 10))


@case
def searches_are_told_as_cohere_tells_them():
    answer = client.rerank(model="odd-searches/searches", query=QUERY, documents=DOCUMENTS)
    equal(answer.meta.billed_units.search_units, 1)
    check(answer.meta.tokens.input_tokens > 0, answer)  # counted here


@case
def openais_client_asks_with_its_own_words_for_any_path():
    answer = openai_client.post("/rerank", cast_to=object, body={"model": "at-vllm/m", "query": QUERY, "documents": DOCUMENTS, "top_n": 2})
    equal([(one["index"], set(one)) for one in answer["results"]], [(1, {"index", "relevance_score"}), (2, {"index", "relevance_score"})])
    equal((answer["model"], answer["usage"]), ("at-vllm/m", {"prompt_tokens": 33, "total_tokens": 33}))


@case
def errors_are_the_clients_own():
    with raises(cohere.errors.BadRequestError, "local models do not rerank"):
        client.rerank(model=MODEL, query=QUERY, documents=DOCUMENTS)
    with raises(cohere.errors.NotFoundError, "nobody"):
        client.rerank(model="nobody", query=QUERY, documents=DOCUMENTS)
    with raises(cohere.errors.BadRequestError, "relevant_spans"):
        client.rerank(model="at-cohere/m", query=QUERY, documents=DOCUMENTS, request_options={"additional_body_parameters": {"relevant_spans": {}}})
    with raises(openai.BadRequestError, "DeepSeek has no rerank here"):
        openai_client.post("/rerank", cast_to=object, body={"model": "talker/m", "query": QUERY, "documents": DOCUMENTS})


# --- what is asked wrongly ---

@case
def every_bad_field_is_named():
    big = "x" * (9 << 20)
    for name, more in [("model", {"model": None}), ("query", {"query": None}), ("documents", {"documents": None}), ("query", {"query": ""}),
                       ("documents", {"documents": []}), ("documents", {"documents": "one"}), ("documents[1]", {"documents": ["a", ""]}),
                       ("documents[0]", {"documents": [7]}), ("documents[1].text", {"documents": ["a", {}]}),
                       ("documents[0].image", {"documents": [{"text": "a", "image": "b"}]}), ("documents[0].text", {"documents": [{"text": ["a"]}]}),
                       ("top_n", {"top_n": 0}), ("top_n", {"top_n": 1.5}), ("return_documents", {"return_documents": "yes"}),
                       ("rank_fields", {"rank_fields": ["title"]}), ("max_chunks_per_doc", {"max_chunks_per_doc": 0}),
                       ("priority", {"priority": 3}), ("embedding", {"embedding": True}),
                       ("documents", {"documents": ["a"] * 10_001}), ("documents", {"documents": [big, big]}),
                       ("max_tokens_per_doc", {"max_tokens_per_doc": 5}),  # by the house, which has no such setting
                       ("instruction", {"instruction": "x", "model": "at-zhipu/m"})]:
        status, answer = ask(**more)
        check(status == 400 and name in answer["error"]["message"], name, status, answer)
    equal(ask(documents=["a b"] * 10_000, top_n=10_000)[0], 200)


@case
def other_methods_are_refused():
    equal(post({}, method="PUT")[0], 405)


# --- what houses do wrongly ---

@case
def the_order_is_by_the_score_whatever_the_house_says():
    status, answer = ask(model="odd-backwards/backwards")
    equal((status, [one["index"] for one in answer["results"]]), (200, [1, 2, 0]))


@case
def an_answer_that_is_none_is_an_error_of_the_house():
    for name, why in {"twice": "a document twice", "beyond": "documents that it was not given", "few": "2 documents, 3 were asked for",
                      "scoreless": "without an index and a relevance_score", "no-json": "no JSON", "broken": "not today"}.items():
        status, answer = ask(model=f"odd-{name}/{name}")
        check(status == 502 and why in answer["error"]["message"], name, status, answer)
        check(SECRET not in json.dumps(answer), answer)
    status, answer = ask(model="odd-refused/refused")
    check(status == 400 and "not today" in answer["error"]["message"], status, answer)
    equal(ask(model="odd-limited/limited")[0], 429)


@case
def a_group_asks_the_next():
    status, answer = post({"targets": ["first/broken", "second/second-choice"]}, "/page/routes/ranker", method="PUT")
    check(status in (200, 201, 204), status, answer)
    status, answer = ask(model="ranker")
    equal((status, [one["index"] for one in answer["results"]]), (200, [1, 2, 0]), answer)
    equal((house.asked("broken") > 0, house.asked("second-choice")), (True, 1))


# --- who pays ---

def rows_of(model):
    with urllib.request.urlopen(server.url + "/page/usage/rows?limit=500", timeout=PATIENCE) as answer:
        return [row for row in json.load(answer)["rows"] if row["model"] == model]


@case
def every_ranking_is_a_row_of_the_ledger():
    equal(ask(model="at-compatible/paid")[0], 200)
    row = wait_for(lambda: rows_of("paid"), "the row")[0]
    equal((row["upstream"], row["wanted"], row["prompt_tokens"], row["completion_tokens"], row["outcome"]),
          ("at-compatible", "at-compatible/paid", 33, 0, "settled"))
    equal(ask(model="odd-no-usage/no-usage")[0], 200)
    row = wait_for(lambda: rows_of("no-usage"), "the row")[0]
    check(row["outcome"] == "estimated" and row["prompt_tokens"] > 0, row)


@case
def a_key_asks_what_it_may():
    with tempfile.TemporaryDirectory(prefix="shenbi-rerank-keys-") as own:
        def made(*words, text=None):
            return subprocess.run([SHENBI, *words], env={**os.environ, "SHENBI_HOME": own}, input=text, text=True, check=True, capture_output=True).stdout.strip()

        made("upstreams", "add", "up", "--house", "compatible", "--base-url", house.url, "--key-from-input", text=SECRET + "\n")
        narrow = made("keys", "add", "narrow", "--scope", "infer", "--model", "up/narrow")
        reader = made("keys", "add", "reader", "--scope", "read")
        poor = made("keys", "add", "poor", "--scope", "infer", "--tokens-per-day", "40")
        keyed = Server(models=(), home=own)
        try:
            def status(key, model):
                body = {"model": model, "query": QUERY, "documents": DOCUMENTS}
                return post(body, key=key, url=keyed.url)[0]
            equal([status(None, "up/narrow"), status(reader, "up/narrow"), status(narrow, "up/wide"), status(narrow, "up/narrow")], [401, 403, 404, 200])  # what it may not ask is not there
            equal([status(poor, "up/poor") for _ in range(3)], [200, 200, 429])  # 33 tokens each
        finally:
            keyed.stop()
    equal((house.asked("wide"), house.asked("narrow"), house.asked("poor")), (0, 1, 2))


try:
    main()
finally:
    server.stop()
    house.stop()
