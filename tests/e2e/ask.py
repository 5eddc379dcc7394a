#!/usr/bin/env python3
"""`shenbi ask`: one question to several models, with the real default model in a data folder of the test's own.

usage: SHENBI=build/release/shenbi tests/e2e/ask.py [WORD ...]   (needs gemma3:270m in the store)
"""
import contextlib
import json
import sqlite3
import subprocess

from support.cases import PROGRAM, Home, case, check, equal, main

QUESTION = "What is the capital of France?"
stored = json.loads(subprocess.run([PROGRAM, "models", "--json"], stdout=subprocess.PIPE, check=True).stdout)
MODEL = next(m["path"] for m in stored if m["name"] == "gemma3:270m")
PAIR = ("ask", "-m", f"{MODEL},{MODEL}", QUESTION, "-n", 12, "--temp", 0)


def rows(home):
    """The settled rows of the ledger: (model, tokens of the answer)."""
    with contextlib.closing(sqlite3.connect(home.path / "shenbi.db")) as database:
        return database.execute("SELECT model, completion_tokens FROM ledger").fetchall()


@case
def each_model_has_its_column_its_figures_and_its_row_of_the_ledger():
    with Home() as home:
        asked = home.run(*PAIR, "--json")
        columns = json.loads(asked.out)["columns"]
        equal([column["model"] for column in columns], [MODEL, MODEL])
        equal(columns[0]["content"], columns[1]["content"])
        check(0 < columns[0]["usage"]["completion_tokens"] <= 12, columns[0])
        equal([column["cost_nano_usd"] for column in columns], [0, 0])
        equal(rows(home), [(MODEL, column["usage"]["completion_tokens"]) for column in columns])
        equal(asked.err, "")


@case
def answers_stand_below_each_other_or_side_by_side():
    with Home() as home:
        below = home.run(*PAIR)
        equal(below.out.count(f"== {MODEL} =="), 2)
        equal(len(below.err.splitlines()), 2)
        beside = home.run(*PAIR, "--width", 120, "-q")
        check(" | " in beside.out.splitlines()[0], beside.out)
        equal(beside.err, "")


@case
def the_judge_sums_up_and_is_told_to_be_one_of_those_it_judges():
    with Home() as home:
        summed = home.run(*PAIR, "--judge", MODEL)
        check(f"== {MODEL} sums up (it judges an answer of its own, too) ==" in summed.out, summed.out)
        equal(len(summed.err.splitlines()), 3)
        judge = rows(home)[-1]
        check(judge[1] <= 2048, judge)
        alone = home.run("ask", "-m", MODEL, QUESTION, "-n", 4, "--judge", MODEL)
        check("fewer than two models answered" in alone.err, alone.err)


@case
def a_database_that_another_process_holds_is_said():
    with Home() as home:
        home.run(*PAIR, "-q")
        before = rows(home)
        with holding(home):
            asked = home.run(*PAIR, "-q")
            check("without the ledger and its budgets" in asked.err and "shenbi.db" in asked.err, asked.err)
            check(asked.out, asked.out)
            home.run("ask", "-m", f"{MODEL},nobody/none", QUESTION, exit=2).error("shenbi.db")
        equal(rows(home), before)


@contextlib.contextmanager
def holding(home):
    """A server of its own holds the database."""
    server = home.start("serve", "--port", 0)
    try:
        check(any(b"http://" in line for line in server.stdout), "no address")
        yield
    finally:
        server.terminate()
        server.communicate()


@case
def wrong_lists_of_models_are_named():
    with Home() as home:
        home.run("ask", "-m", ",", QUESTION, exit=2).error("-m")
        home.run("ask", "-m", ",".join(["a"] * 17), QUESTION, exit=2).error("17 models")


main(workers=1)
