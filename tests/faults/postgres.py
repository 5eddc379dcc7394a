#!/usr/bin/env python3
"""PostgreSQL goes and comes while a program serves: callers are told which database is not there, nothing is lost and nothing doubled."""
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.postgres import Postgres  # noqa: E402
from api.support.server import SHENBI  # noqa: E402
from faults.support.house import CATALOG, House  # noqa: E402
from faults.support.process import Server, ask, case, check, data_home, equal, main, wait_for  # noqa: E402

SECRET = "s3cret-of-the-database"


def chat(server, name):
    return ask(server, "POST", "/v1/chat/completions", {"model": "mock/m", "messages": [{"role": "user", "content": name}], "max_tokens": 9},
               {"X-Request-Id": name})


def rows(server):
    return ask(server, "GET", "/page/usage/rows?limit=20000").json()["rows"]


def well_again(server):
    wait_for(lambda: ask(server, "GET", "/page/conversations").status == 200, "the database to be back")


@case
def a_server_that_stops_is_named_and_found_again():
    house, postgres = House(), Postgres()
    address = postgres.address.replace("shenbi@", f"shenbi:{SECRET}@")
    try:
        with data_home() as home:
            (home / "catalog.json").write_text(json.dumps(CATALOG))
            environment = {"SHENBI_DATABASE": address, "SHENBI_HOME": str(home)}
            done = subprocess.run([SHENBI, "upstreams", "add", "mock", "--house", "compatible", "--base-url", house.url, "--model", "m", "--setting",
                                   "prices=mock"], env={**os.environ, **environment}, capture_output=True, text=True)
            equal(done.returncode, 0, done.stderr)
            server = Server(models=(), home=home, environment=environment)
            sent = []
            try:
                for how in (signal.SIGINT, signal.SIGQUIT):
                    for i in range(5):
                        sent.append(f"before-{how}-{i}")
                        equal(chat(server, sent[-1]).status, 200)
                    postgres.stop(how)
                    for method, path, body in (("GET", "/page/conversations", None), ("POST", "/page/keys", {"name": "k"}),
                                               ("GET", "/v1/models", None), ("GET", "/page/usage?by=model", None)):
                        refused = ask(server, method, path, body)
                        equal(refused.status, 503, path, refused)
                        check("postgresql://shenbi@/shenbi" in refused.text and SECRET not in refused.text, refused)
                    equal(ask(server, "GET", "/health").status, 200)  # the program itself is well
                    postgres.start()
                    well_again(server)
                    equal(chat(server, f"after-{how}").status, 200)
                    sent.append(f"after-{how}")
                wait_for(lambda: len(rows(server)) >= len(sent), "the ledger")
                equal(collections.Counter(row["request_id"] for row in rows(server)), collections.Counter(sent))
                metrics = server.metrics()
            finally:
                server.stop()
            log = (home / "server.log").read_text()
            check(SECRET not in log + metrics and "it is back" in log, log[-3000:])
    finally:
        postgres.close()


@case
def a_database_that_is_not_there_ends_the_start_by_name():
    with data_home() as home:
        for words in (("serve", "--port", "0"), ("keys", "list"), ("budgets", "list"), ("upstreams", "list")):
            done = subprocess.run([SHENBI, *words, "--database", f"postgresql://me:{SECRET}@127.0.0.1:1/shenbi"], capture_output=True, text=True,
                                  env={**os.environ, "SHENBI_HOME": str(home)})
            check(done.returncode != 0 and "postgresql://me@127.0.0.1:1/shenbi" in done.stderr, done)
            check(SECRET not in done.stdout + done.stderr, done)
        done = subprocess.run([SHENBI, "keys", "list", "--database", f"postgresql://me:{SECRET}@[/shenbi"], capture_output=True, text=True)
        check(done.returncode != 0 and SECRET not in done.stderr and "postgresql://USER@HOST" in done.stderr, done)


main(workers=1)
