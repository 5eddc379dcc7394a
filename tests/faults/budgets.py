#!/usr/bin/env python3
"""kill -9 between reserve and settle: every call that a house was asked for is in the ledger once, and the budgets count it once.

KILLS=100 tests/faults/budgets.py kills more often; SEED=... repeats a run's choices.
"""
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import SHENBI  # noqa: E402
from faults.support.house import CATALOG, OUT, WHOLE, House, prompt_cost  # noqa: E402
from faults.support.process import Server, ask, case, check, data_home, equal, main, serving, wait_for  # noqa: E402

KILLS = int(os.environ.get("KILLS", 12))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))


def prepared(home, house, *budget):
    (home / "catalog.json").write_text(json.dumps(CATALOG))
    for words in (("upstreams", "add", "mock", "--house", "compatible", "--base-url", house.url, "--model", "m", "--setting", "prices=mock"),
                  ("budgets", "set", "b", *budget)):
        subprocess.run([SHENBI, *words], env={**os.environ, "SHENBI_HOME": str(home)}, check=True, capture_output=True)


def chat(server, name, **more):
    return ask(server, "POST", "/v1/chat/completions", {"model": "mock/m", "messages": [{"role": "user", "content": name}], "max_tokens": 100, **more},
               {"X-Request-Id": name})


def rows(server):
    return ask(server, "GET", "/page/usage/rows?limit=20000").json()["rows"]


def state(server):
    return ask(server, "GET", "/page/budgets").json()["budgets"][0]


def in_background(work, *arguments):
    def quietly():
        try:
            work(*arguments)
        except Exception:  # the server was killed
            pass
    thread = threading.Thread(target=quietly)
    thread.start()
    return thread


@case
def a_call_that_a_kill_cut_is_settled_by_its_prompt_at_the_next_start_once():
    house = House()
    with data_home() as home:
        prepared(home, house, "--usd", "1", "--per", "total")
        server = Server(models=(), home=home)
        equal(chat(server, "whole").status, 200)
        wait_for(lambda: state(server)["spent"] == WHOLE, "the call to be settled")  # behind the last word of its answer
        house.hold.set()
        cut = in_background(chat, server, "cut-in-the-middle")
        wait_for(lambda: "cut-in-the-middle" in house.asked, "the house to be asked")
        most = prompt_cost("cut-in-the-middle") + 100 * OUT
        equal((state(server)["reserved"], state(server)["spent"]), (most, WHOLE))
        server.stop(signal.SIGKILL)
        cut.join()
        house.release.set()
        for _ in range(2):  # a second start settles nothing again
            with serving(home=home, models=()) as again:
                found = {row["request_id"]: row for row in rows(again)}
                equal(found["cut-in-the-middle"]["outcome"], "aborted")
                equal(found["cut-in-the-middle"]["cost_nano_usd"], prompt_cost("cut-in-the-middle"))
                now = state(again)
                equal((now["spent"], now["reserved"]), (WHOLE + prompt_cost("cut-in-the-middle"), 0))


@case
def nothing_is_lost_or_doubled_by_kill_9_at_any_moment():
    chance = random.Random(SEED)
    house = House()
    sent = []
    with data_home() as home:
        prepared(home, house, "--usd", "1000", "--per", "total")
        for trial in range(KILLS):
            server = Server(models=(), home=home)
            goal = len(house.asked) + chance.randrange(1, 60)

            def work(worker):
                for i in range(10_000):
                    name = f"call-{trial}-{worker}-{i}"
                    sent.append(name)
                    chat(server, name)
            workers = [in_background(work, worker) for worker in range(4)]
            wait_for(lambda: len(house.asked) >= goal, "some calls")
            server.stop(signal.SIGKILL)
            for worker in workers:
                worker.join()
        with serving(home=home, models=()) as server:
            found = rows(server)
            counted = collections.Counter(row["request_id"] for row in found)
            equal([name for name, count in counted.items() if count > 1], [], f"SEED={SEED}")
            equal(sorted(set(house.asked) - set(counted)), [], f"SEED={SEED}")
            check(set(counted) <= set(sent))
            for row in found:
                due = WHOLE if row["outcome"] == "settled" else prompt_cost(row["request_id"]) if row["error"].startswith("the program ended") else None
                check(due is None or row["cost_nano_usd"] == due, row)
            now = state(server)
            equal((now["spent"], now["reserved"]), (sum(row["cost_nano_usd"] for row in found), 0))
            kinds = collections.Counter(row["outcome"] for row in found)
    print(f"{KILLS} kills, seed {SEED}: {len(set(house.asked))} calls asked, {dict(kinds)}", flush=True)


@case
def calls_at_once_cannot_overrun_and_a_refused_one_never_reaches_the_house():
    house = House()
    house.hold.set()
    with data_home() as home:
        # A call named "x" needs 5 * 2,000 + 100 * 8,000 = 810,000 nano-dollars: four fit into 0.0035 dollars, 3,240,000 of 3,500,000.
        prepared(home, house, "--usd", "0.0035", "--per", "day")
        with serving(home=home, models=()) as server:
            answers = []
            threads = [in_background(lambda: answers.append(chat(server, "x"))) for _ in range(12)]
            wait_for(lambda: len(answers) == 8, "eight refusals")
            wait_for(lambda: len(house.asked) == 4, "four calls")
            equal(state(server)["reserved"], 4 * 810_000)
            house.release.set()
            for thread in threads:
                thread.join()
            equal(sorted(answer.status for answer in answers), [200] * 4 + [429] * 8)
            refused = next(answer for answer in answers if answer.status == 429)
            check("budget 'b': 0.0035 USD a day" in refused.text and int(refused.headers["retry-after"]) > 0, refused)
            equal(state(server)["spent"], 4 * WHOLE)
            equal(len(house.asked), 4)


main(workers=1)
