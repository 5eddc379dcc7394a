#!/usr/bin/env python3
"""Two programs over one PostgreSQL, behind nginx: keys, budgets, upstreams, batches and conversations are the same on both, also when one of
them is killed. `./dev test` unpacks Debian's postgresql and nginx into .cache; installed ones will do."""
import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.postgres import Postgres  # noqa: E402
from api.support.server import SHENBI, Server  # noqa: E402
from faults.support.house import CATALOG, OUT, WHOLE, House, prompt_cost  # noqa: E402
from faults.support.process import ask, case, check, equal, main, wait_for  # noqa: E402

ADMIN = "the-key-of-the-admin"
UNPACKED = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "nginx" / "usr" / "sbin"
NGINX = shutil.which("nginx", path=f"{UNPACKED}:{os.environ.get('PATH', '')}:/usr/sbin")
NGINX_FILE = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream shenbi {{ {servers} keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 64m;
    location / {{
      proxy_pass http://shenbi;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
      proxy_buffering off; proxy_read_timeout 1h;
    }}
  }}
}}
"""


class Nginx:
    def __init__(self, servers):
        self.folder = tempfile.TemporaryDirectory(prefix="shenbi-nginx-")
        path = pathlib.Path(self.folder.name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        lines = " ".join(f"server {urllib.parse.urlsplit(server.url).netloc};" for server in servers)
        (path / "conf").write_text(NGINX_FILE.format(folder=path, servers=lines, port=port))
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([NGINX, "-e", path / "errors", "-p", path, "-c", path / "conf"], stderr=subprocess.DEVNULL)
        wait_for(lambda: (path / "pid").exists() or self.process.poll() is not None, "nginx")
        check(self.process.poll() is None, "nginx did not start", (path / "errors").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class Pair:
    """Two programs, each with a folder of its own, and what is in front of and behind them."""

    def __init__(self, *words):
        self.house, self.postgres = House(), Postgres()
        self.words, self.homes, self.servers = words, [], []
        self.start(), self.start()
        self.command("upstreams", "add", "mock", "--house", "compatible", "--base-url", self.house.url, "--model", "m", "--setting", "prices=mock")
        for server in self.servers:
            wait_for(lambda: any(one["id"] == "mock/m" for one in ask(server, "GET", "/v1/models", headers=key(ADMIN)).json().get("data", [])),
                     "the upstream on both")

    def start(self):
        home = tempfile.TemporaryDirectory(prefix="shenbi-two-")
        (pathlib.Path(home.name) / "catalog.json").write_text(json.dumps(CATALOG))
        self.homes.append(home)
        self.servers.append(Server("--api-key", ADMIN, *self.words, models=(), home=home.name,
                                   environment={"SHENBI_DATABASE": self.postgres.address}))
        return self.servers[-1]

    def command(self, *words):
        done = subprocess.run([SHENBI, *words, "--database", self.postgres.address], capture_output=True, text=True)
        equal(done.returncode, 0, done.stderr)
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop(signal.SIGKILL)
        self.postgres.close()
        for home in self.homes:
            home.cleanup()


def key(text):
    return {"Authorization": f"Bearer {text}"}


def chat(server, name, text=ADMIN):
    return ask(server, "POST", "/v1/chat/completions",
               {"model": "mock/m", "messages": [{"role": "user", "content": name}], "max_tokens": 100}, {"X-Request-Id": name, **key(text)})


def rows(server):
    return ask(server, "GET", "/page/usage/rows?limit=20000", headers=key(ADMIN)).json()["rows"]


def budget(server, name="b"):
    return next(one for one in ask(server, "GET", "/page/budgets", headers=key(ADMIN)).json()["budgets"] if one["name"] == name)


def new_key(server, **fields):
    made = ask(server, "POST", "/page/keys", {"name": "k", **fields}, key(ADMIN))
    equal(made.status, 201, made)
    return made.json()


def in_background(work, *arguments):
    def quietly():
        try:
            work(*arguments)
        except OSError:  # the program was killed
            pass
    thread = threading.Thread(target=quietly)
    thread.start()
    return thread


@case
def a_key_of_one_works_on_the_other_and_is_revoked_on_both_at_once():
    with Pair() as pair:
        a, b = pair.servers
        proxy = Nginx(pair.servers)
        try:
            for maker, other in ((a, b), (b, a)) * 5:
                made = new_key(maker)
                for server in (other, maker, proxy, proxy):
                    equal(ask(server, "GET", "/v1/models", headers=key(made["key"])).status, 200)
                equal(ask(maker, "DELETE", f"/page/keys/{made['id']}", headers=key(ADMIN)).status, 204)
                for server in (other, maker, proxy, proxy):
                    equal(ask(server, "GET", "/v1/models", headers=key(made["key"])).status, 401)
            made = pair.command("keys", "add", "from-the-command-line").strip()
            for server in (a, b, proxy):
                equal(ask(server, "GET", "/v1/models", headers=key(made)).status, 200)
        finally:
            proxy.stop()


@case
def a_rate_and_a_quota_count_on_both_together():
    with Pair() as pair:
        limited = new_key(pair.servers[0], requests_per_minute=6)["key"]
        begin = time.monotonic()
        statuses = [ask(pair.servers[i % 2], "GET", "/v1/models", headers=key(limited)).status for i in range(40)]
        passed = statuses.count(200)
        check(6 <= passed <= 6 + (time.monotonic() - begin) * 6 / 60 + 1, statuses)
        equal(set(statuses), {200, 429})
        # An answer takes 15 tokens: after two of them 30 are used, and 20 were allowed.
        spent = new_key(pair.servers[0], tokens_per_day=20)["key"]
        used = [chat(pair.servers[i % 2], f"quota-{i}", spent).status for i in (0, 1)]
        equal(used, [200, 200])
        for server in pair.servers:  # tokens are counted behind the last word of an answer
            wait_for(lambda: chat(server, "more", spent).status == 429, "the quota to be used up")


@case
def a_budget_is_never_overspent_by_calls_at_once_on_both():
    with Pair() as pair:
        a, b = pair.servers
        limit = 60 * WHOLE
        equal(ask(a, "PUT", "/page/budgets/b", {"limit_usd": limit / 1e9, "period": "total"}, key(ADMIN)).status, 200)
        statuses, highest = collections.Counter(), []

        def work(worker):
            for i in range(12):
                statuses[chat(pair.servers[(worker + i) % 2], f"call-{worker}-{i}").status] += 1
                now = budget(pair.servers[worker % 2])
                highest.append(now["spent"] + now["reserved"])

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while True:  # a call is settled behind the last word of its answer; what it had reserved would refuse the next
            wait_for(lambda: budget(a)["reserved"] == 0, "the calls to be settled")
            status = chat(pair.servers[statuses[200] % 2], f"rest-{statuses[200]}").status
            statuses[status] += 1
            if status != 200:
                break
        check(max(highest) <= limit, max(highest), limit)
        equal(set(statuses), {200, 429})
        for server in (a, b):
            now = budget(server)
            equal((now["spent"], now["reserved"]), (statuses[200] * WHOLE, 0))
        check(limit - now["spent"] < prompt_cost("call-0-00") + 100 * OUT, "room was left", now)
        found = collections.Counter(row["request_id"] for row in rows(a) if row["outcome"] == "settled")
        equal(set(found.values()), {1})
        equal(sorted(found), sorted(pair.house.asked))


@case
def what_a_killed_one_had_reserved_is_released_and_the_other_goes_on():
    with Pair() as pair:
        a, b = pair.servers
        proxy = Nginx(pair.servers)
        try:
            equal(ask(b, "PUT", "/page/budgets/b", {"limit_usd": 1, "period": "total"}, key(ADMIN)).status, 200)
            equal(chat(a, "whole").status, 200)
            wait_for(lambda: budget(b)["spent"] == WHOLE, "the call to be settled")
            pair.house.hold.set()
            cut = in_background(chat, a, "cut-in-the-middle")
            wait_for(lambda: "cut-in-the-middle" in pair.house.asked, "the house to be asked")
            most = prompt_cost("cut-in-the-middle") + 100 * OUT
            equal((budget(b)["reserved"], budget(b)["spent"]), (most, WHOLE))
            a.process.kill()
            a.process.wait()
            cut.join()
            pair.house.hold.clear()
            pair.house.release.set()
            for i in range(6):  # also of those that nginx would have sent to the dead one
                equal(chat(proxy, f"after-{i}").status, 200)
            wait_for(lambda: budget(b)["reserved"] == 0, "the reservation to be released")
            equal(budget(b)["spent"], 7 * WHOLE + prompt_cost("cut-in-the-middle"))
            found = collections.Counter(row["request_id"] for row in rows(b))
            equal(found, collections.Counter(pair.house.asked))
            again = pair.start()  # finds nothing more
            equal(budget(again)["spent"], budget(b)["spent"])
        finally:
            proxy.stop()


def upload(server, text):
    mark = "x-the-end-of-a-part-x"
    body = "".join(f'--{mark}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n'
                   for head, value in (('name="purpose"', "batch"), ('name="file"; filename="in.jsonl"', text))) + f"--{mark}--\r\n"
    made = ask(server, "POST", "/v1/files", body.encode(), {"Content-Type": f"multipart/form-data; boundary={mark}", **key(ADMIN)})
    equal(made.status, 200, made)
    return made.json()["id"]


def show(server, batch):
    return ask(server, "GET", f"/v1/batches/{batch}", headers=key(ADMIN)).json()


@case
def a_batch_outlives_the_program_that_worked_on_it():
    with Pair("--sequences", "4") as pair:
        a, b = pair.servers
        lines = [{"custom_id": f"line-{i}", "method": "POST", "url": "/v1/chat/completions",
                  "body": {"model": "mock/m", "messages": [{"role": "user", "content": f"line-{i}"}], "max_tokens": 100}} for i in range(30)]
        file = upload(a, "\n".join(map(json.dumps, lines)))
        equal(ask(b, "GET", f"/v1/files/{file}/content", headers=key(ADMIN)).text, "\n".join(map(json.dumps, lines)))
        pair.house.hold.set()
        made = ask(a, "POST", "/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}, key(ADMIN))
        equal(made.status, 200, made)
        batch = made.json()["id"]
        wait_for(lambda: len(pair.house.asked) == 2, "two lines, one a lane")
        equal(show(b, batch)["status"], "in_progress")
        a.process.kill()
        a.process.wait()
        pair.house.hold.clear()
        pair.house.release.set()
        wait_for(lambda: show(b, batch)["status"] == "completed", "the batch to end")
        ended = show(b, batch)
        equal((ended["request_counts"]["completed"], ended["request_counts"]["failed"]), (30, 0), ended)
        output = ask(b, "GET", f"/v1/files/{ended['output_file_id']}/content", headers=key(ADMIN)).text
        equal(sorted(json.loads(line)["custom_id"] for line in output.splitlines()), sorted(one["custom_id"] for one in lines))
        asked = collections.Counter(pair.house.asked)
        check(sum(asked.values()) <= 32 and set(asked) == {one["custom_id"] for one in lines}, asked)  # two were asked again


@case
def a_batch_is_cancelled_from_the_other_program():
    with Pair("--sequences", "4") as pair:
        a, b = pair.servers
        lines = [{"custom_id": f"line-{i}", "method": "POST", "url": "/v1/chat/completions",
                  "body": {"model": "mock/m", "messages": [{"role": "user", "content": f"line-{i}"}]}} for i in range(10)]
        pair.house.hold.set()
        made = ask(a, "POST", "/v1/batches", {"input_file_id": upload(a, "\n".join(map(json.dumps, lines))), "endpoint": "/v1/chat/completions",
                                              "completion_window": "24h"}, key(ADMIN)).json()["id"]
        wait_for(lambda: len(pair.house.asked) > 0, "the house to be asked")
        equal(ask(b, "POST", f"/v1/batches/{made}/cancel", headers=key(ADMIN)).status, 200)
        wait_for(lambda: show(b, made)["status"] == "cancelled", "the batch to be cancelled")
        pair.house.release.set()


@case
def conversations_of_one_are_found_on_the_other_in_any_language():
    with Pair() as pair:
        a, b = pair.servers
        made = ask(a, "POST", "/page/compare/keep", {"question": "神笔马良画了一只凤凰 and 50% more", "answers": [{"model": "m", "content": "Quite so"}],
                                                     "chosen": 0}, key(ADMIN))
        equal(made.status, 201, made)
        for text in ("马良画", "凤", "0% MORE", "quite"):
            found = ask(b, "GET", "/page/conversations?q=" + urllib.parse.quote(text), headers=key(ADMIN)).json()["conversations"]
            equal([one["id"] for one in found], [made.json()["id"]], text)
            check("\x02" in found[0]["snippet"], found)
        equal(ask(b, "GET", "/page/conversations?q=" + urllib.parse.quote("凤马"), headers=key(ADMIN)).json()["conversations"], [])


main(workers=2)
