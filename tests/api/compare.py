#!/usr/bin/env python3
"""Several models beside each other, with the real model here and behind an upstream: one stream of columns, each stopped, asked again and
charged on its own; and the arena, which tells nobody who answers before the vote."""
import csv
import http.client
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, SHENBI, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, wait_for  # noqa: E402

FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
KEY = "the-key-of-this-test"
IN, OUT = 2000, 8000  # nano-dollars a token: 2 and 8 $/M
home = tempfile.TemporaryDirectory(prefix="shenbi-compare-")
PRICE = {"house": "behind", "models": [MODEL], "tokens": {"input": 2, "output": 8}, "source": "this test", "date": "2026-11-22"}
CATALOG = {"version": 1, "models": [{"id": "test/priced", "name": "Priced", "prices": [PRICE]}]}
pathlib.Path(home.name, "catalog.json").write_text(json.dumps(CATALOG))

behind = Server()
subprocess.run([SHENBI, "upstreams", "add", "priced", "--house", "compatible", "--base-url", behind.url + "/v1", "--model", MODEL,
                "--setting", "prices=behind"], env={**os.environ, "SHENBI_HOME": home.name}, check=True, capture_output=True)
front = Server("--api-key", KEY, f"--alias=twin={MODEL}", home=home.name)
HOST = urllib.parse.urlsplit(front.url).netloc
REMOTE = f"priced/{MODEL}"


def ask(method, path, body=None, key=KEY, status=200):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(front.url + path, data=data, method=method, headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text, found = answer.read().decode(), answer.status
    except urllib.error.HTTPError as error:
        text, found = error.read().decode(), error.code
    equal(found, status, method, path, text[:500])
    return json.loads(text) if text.startswith(("{", "[")) else text


class Stream:
    """Events of a POST as they come: (name, data)."""

    def __init__(self, path, body, key=KEY):
        self.connection = http.client.HTTPConnection(HOST, timeout=PATIENCE)
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
        self.response = self.connection.getresponse()
        self.raw = []
        equal(self.response.status, 200)

    def __iter__(self):
        name = ""
        for line in self.response:
            self.raw.append(line)
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text[7:]
            elif text.startswith("data: "):
                yield name, json.loads(text[6:])

    def leave(self):
        self.response.close()
        self.connection.close()


def body(*models, **more):
    return {"models": list(models), "messages": FRANCE, "temperature": 0, "max_tokens": 8, **more}


def endless(*models):
    """A model that is shown so much of one word begins with it and, rewarded for each repetition, says nothing else: the answer ends by its length alone."""
    return body(*models, messages=[{"role": "user", "content": "slow talk: " + ("la " * 24).strip()}], max_tokens=6000, stream=True, presence_penalty=-2,
                frequency_penalty=-2)


def running_on(server):
    with urllib.request.urlopen(server.url + "/health?verbose", timeout=PATIENCE) as answer:
        return sum(model["running"] + model["waiting"] for model in json.load(answer)["models"])


@case
def a_local_and_a_remote_model_answer_alike_and_each_has_its_price():
    both = ask("POST", "/v1/compare", body(MODEL, REMOTE))
    here, there = both["columns"]
    equal([here["status"], there["status"]], ["done", "done"])
    equal(here["content"], there["content"])
    equal([here["upstream"], there["upstream"]], ["local", "priced"])
    equal(here["cost_nano_usd"], 0)
    equal(there["cost_nano_usd"], there["usage"]["prompt_tokens"] * IN + there["usage"]["completion_tokens"] * OUT)
    for column in both["columns"]:
        check(column["seconds"] >= column["first_token_s"] > 0, column)


@case
def a_stream_names_the_column_of_every_event_and_has_a_ledger_row_each():
    stream = Stream("/v1/compare", body(MODEL, REMOTE, stream=True))
    number = stream.response.headers["X-Request-Id"]
    events = list(stream)
    equal([name for name, _ in events][0], "comparison")
    equal([name for name, _ in events][-1], "done")
    texts, ids = {0: "", 1: ""}, {}
    for name, data in events[1:-1]:
        if name == "text":
            texts[data["column"]] += data["text"]
        if name == "column":
            ids[data["column"]] = data["request_id"]
    equal(texts[0], texts[1])
    check(len(texts[0]) > 3, texts)
    equal(ids, {0: f"{number}.0", 1: f"{number}.1"})
    ended = {data["column"]: data for name, data in events if name == "end"}
    equal([ended[0]["status"], ended[1]["status"]], ["done", "done"])
    rows = ask("GET", "/page/usage/rows")["rows"]
    for column in (0, 1):
        (row,) = [one for one in rows if one["request_id"] == ids[column]]
        equal(row["completion_tokens"], ended[column]["usage"]["completion_tokens"])
        equal(row["cost_nano_usd"], ended[column]["cost_nano_usd"])


@case
def a_column_that_fails_harms_no_other():
    none, good = ask("POST", "/v1/compare", body("none-of-that-name", MODEL))["columns"]
    equal([none["status"], none["error"]["status"]], ["failed", 404])
    check("none-of-that-name" in none["error"]["message"], none)
    equal([good["status"], good["usage"]["completion_tokens"]], ["done", 8])


@case
def a_column_is_stopped_and_asked_again_while_the_other_runs():
    stream = Stream("/v1/compare", endless(MODEL, "twin"))
    events = iter(stream)
    name, head = next(events)
    equal(name, "comparison")
    path = f"/v1/compare/{head['id']}/columns"

    def until(wanted, column):
        for name, data in events:
            if name == wanted and data.get("column") == column:
                return data
        raise AssertionError(f"no {wanted} of {column}")

    until("text", 0)
    ask("POST", f"{path}/0/retry", status=400)  # it still runs
    ask("POST", f"{path}/0/stop")
    ended = until("end", 0)
    equal([ended["status"], ended["finish_reason"]], ["stopped", None])
    check(0 < ended["usage"]["completion_tokens"] < 6000, ended)
    ask("POST", f"{path}/0/retry")
    equal(until("column", 0)["attempt"], 1)
    until("text", 0)
    ask("POST", f"{path}/7/stop", status=404)
    ask("POST", f"{path}/1/stop")
    until("end", 1)
    ask("POST", f"{path}/0/stop")
    equal(list(events)[-1][0], "done")
    ask("POST", f"{path}/0/retry", status=404)


@case
def a_reader_that_leaves_ends_every_column():
    stream = Stream("/v1/compare", endless(REMOTE))
    for name, _ in stream:
        if name == "text":
            break
    stream.leave()
    wait_for(lambda: running_on(behind) == 0, "the end of what nobody reads")


@case
def a_key_has_its_models_and_its_rate_for_each_column():
    made = ask("POST", "/page/keys", {"name": "one", "scopes": ["infer"], "models": [MODEL, "twin"], "requests_per_minute": 2}, status=201)["key"]
    allowed, hidden, over = ask("POST", "/v1/compare", body(MODEL, REMOTE, "twin"), key=made)["columns"]
    equal(allowed["status"], "done")
    statuses = sorted([hidden["error"]["status"], *([over["error"]["status"]] if over["status"] == "failed" else [])])
    check(statuses in ([404, 429], [429]), statuses)  # two are let in, whichever of the others came first
    ask("POST", "/page/compare", body(MODEL), key=made, status=403)


@case
def what_is_wrong_is_refused_by_its_name():
    for wrong, word in (({"models": []}, "models"), ({"models": [MODEL] * 17}, "models"), ({"n": 2}, "n"), ({"model": MODEL}, "model"),
                        ({"temperature": "hot"}, "temperature"), ({"logprobs": True}, "logprobs")):
        check(word in json.dumps(ask("POST", "/v1/compare", {**body(MODEL), **wrong}, status=400)), wrong)
    check("models" in json.dumps(ask("POST", "/v1/compare", {"messages": FRANCE}, status=400)))


@case
def a_judge_sums_up_and_an_answer_is_gone_on_with():
    answers = [{"name": "a", "content": "Paris."}, {"name": "b", "content": "It is Paris."}]
    summed = ask("POST", "/v1/compare/summary", {"model": MODEL, "question": "Capital?", "answers": answers, "max_tokens": 8})
    check(summed["choices"][0]["message"]["content"], summed)
    ask("POST", "/v1/compare/summary", {"model": MODEL, "question": "Capital?", "answers": answers[:1]}, status=400)
    kept = ask("POST", "/page/compare/keep", {"question": "Capital?", "answers": [{"model": "a", "content": "Paris."}, {"model": "b", "content": "It is."}], "chosen": 0}, status=201)
    whole = ask("GET", f"/page/conversations/{kept['id']}")
    question, first, second = whole["messages"]
    equal([first["parent"], second["parent"], whole["leaf"]], [question["id"], question["id"], first["id"]])
    equal(whole["title"], "Capital?")


def battle(**more):
    stream = Stream("/page/arena/battles", {"content": "What is the capital of France?", "models": [MODEL, "twin"], "max_tokens": 8, **more})
    return stream, list(stream)


def votable_battle():
    """The sides draw their tokens by chance, and one that draws the end first has said nothing to vote on."""
    while True:
        stream, events = battle()
        if events[-1][1]["votable"]:
            return stream, events


@case
def nothing_tells_who_answers_before_the_vote():
    stream, events = votable_battle()
    equal([name for name, _ in events][0], "battle")
    equal(events[-1][1], {"id": events[0][1]["id"], "votable": True})
    allowed = {"battle": {"id"}, "text": {"side", "text"}, "done": {"id", "votable"}}
    for name, data in events:
        equal(set(data), allowed[name], name)
    sent = b"".join(stream.raw).decode() + str(stream.response.headers)
    for name in (MODEL, "twin", "gemma", "local"):
        check(name not in sent, name, sent)
    sides = [data["side"] for name, data in events if name == "text"]
    equal(set(sides[:2]), {"a", "b"})  # both have begun before either is heard
    path = f"/page/arena/battles/{events[0][1]['id']}"
    ask("POST", f"{path}/judge", {"model": MODEL, "max_tokens": 8}, status=400)
    ask("POST", f"{path}/vote", {"winner": "c"}, status=400)
    told = ask("POST", f"{path}/vote", {"winner": "a"})
    equal({told["a"]["model"], told["b"]["model"]}, {MODEL, "twin"})
    check(1 <= told["a"]["usage"]["completion_tokens"] <= 8, told)
    ask("POST", f"{path}/vote", {"winner": "b"}, status=400)
    judged = ask("POST", f"{path}/judge", {"model": MODEL, "max_tokens": 8})
    equal(judged["own"], True)
    check(judged["verdict"] in (None, "a", "b", "tie", "bad"), judged)


@case
def votes_become_a_leaderboard_and_can_be_taken_away():
    for winner in ("a", "b", "tie", "bad"):
        _, events = votable_battle()
        ask("POST", f"/page/arena/battles/{events[0][1]['id']}/vote", {"winner": winner})
    board = ask("GET", "/page/arena/leaderboard?category=en")
    equal({one["model"] for one in board["models"]}, {MODEL, "twin"})
    check(board["votes"] >= 4 and board["counted"] < board["votes"] and board["connected"], board)
    for one in board["models"]:
        check(one["rating"]["low"] <= one["rating"]["value"] <= one["rating"]["high"], one)
    equal(len(ask("GET", "/page/arena/leaderboard?style=1")["style"]), 4)
    equal(ask("GET", "/page/arena/leaderboard?category=zh")["models"], [])
    ask("GET", "/page/arena/leaderboard?category=none", status=400)
    rows = list(csv.DictReader(io.StringIO(ask("GET", "/page/arena/votes?format=csv"))))
    equal(len(rows), len(ask("GET", "/page/arena/votes")["votes"]))
    equal({row["winner"] for row in rows if not row["judge"]}, {"a", "b", "tie", "bad"})


@case
def a_battle_in_which_a_side_fails_names_nobody_and_cannot_be_voted_on():
    stream, events = battle(models=[MODEL, "none-of-that-name"])
    equal(events[-1][1]["votable"], False)
    check("none-of" not in b"".join(stream.raw).decode())
    ask("POST", f"/page/arena/battles/{events[0][1]['id']}/vote", {"winner": "a"}, status=400)
    ask("POST", "/page/arena/battles", {"content": "x", "models": [MODEL]}, status=400)


try:
    main()
finally:
    front.stop()
    behind.stop()
