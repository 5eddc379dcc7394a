#!/usr/bin/env python3
"""Budgets: refused in each dialect's words with all figures, asked once by the official clients, counted by the ledger, set at the command
line and over HTTP, told to a webhook once."""
import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import anthropic
import google.genai
import google.genai.errors
import ollama
import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, SHENBI, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises, wait_for  # noqa: E402

FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
NEED = 12 + 8  # a prompt of 30 letters: 30 / 4 and 4 for the message, rounded up; and max_tokens


class Webhook:
    """Hears alerts; says `status`."""

    def __init__(self, status=200):
        hook, self.status, self.heard = self, status, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                hook.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def serving(*words, home=None):
    with tempfile.TemporaryDirectory(prefix="shenbi-budgets-") as own:
        server = Server(*words, home=home or own)
        try:
            yield server
        finally:
            server.stop()


def ask(server, method, path, body=None, status=200, key=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(server.url + path, method=method, data=None if body is None else json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            found, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        found, text = error.code, error.read()
    equal(found, status, path, text)
    return json.loads(text) if text else None


def chat(server, status=200, key=None, **more):
    return ask(server, "POST", "/v1/chat/completions", {"model": MODEL, "messages": FRANCE, "max_tokens": 8, "temperature": 0, **more}, status, key)


def budget(server, name="b", key=None):
    (one,) = [one for one in ask(server, "GET", "/page/budgets", key=key)["budgets"] if one["name"] == name]
    return one


@case
def a_refusal_is_told_in_each_dialects_words_and_the_official_clients_ask_once():
    with serving() as server:
        ask(server, "PUT", "/page/budgets/b", {"limit_tokens": NEED - 1, "period": "day"})
        said = f"budget 'b': {NEED - 1} tokens a day, 0 tokens spent, 0 tokens reserved by calls under way, this call may take up to {NEED} tokens; it begins anew on"
        with raises(openai.RateLimitError, said):  # with its usual two retries
            openai.OpenAI(base_url=server.url + "/v1", api_key="none").chat.completions.create(model=MODEL, messages=FRANCE, max_tokens=8)
        equal(budget(server)["refused"], 1)
        with raises(anthropic.RateLimitError, said):
            anthropic.Anthropic(base_url=server.url, api_key="none").messages.create(model=MODEL, messages=FRANCE, max_tokens=8)
        equal(budget(server)["refused"], 2)
        with raises(google.genai.errors.ClientError, said):
            gemini = google.genai.Client(api_key="none", http_options={"base_url": server.url})
            gemini.models.generate_content(
                model=MODEL, contents=FRANCE[0]["content"], config={"max_output_tokens": 8})
        with raises(ollama.ResponseError, said):
            ollama.Client(host=server.url).chat(model=MODEL, messages=FRANCE, options={"num_predict": 8})
        equal(budget(server)["refused"], 4)
        chat(server, stream=True, status=429)  # before the first byte of a stream, too
        equal(ask(server, "GET", "/page/usage")["total"]["calls"], 0)  # nothing was tried
        ask(server, "PUT", "/page/budgets/b", {"limit_tokens": NEED, "period": "day"})
        usage = chat(server)["usage"]
        wait_for(lambda: budget(server)["reserved"] == 0, "the call to be settled")
        equal(budget(server)["spent"], usage["prompt_tokens"] + usage["completion_tokens"])


@case
def a_team_shares_what_its_keys_have():
    with tempfile.TemporaryDirectory(prefix="shenbi-budgets-") as home:
        def shenbi(*words, input=None):
            done = subprocess.run([SHENBI, *words], env={**os.environ, "SHENBI_HOME": home}, capture_output=True, text=True, input=input)
            equal(done.returncode, 0, words, done.stderr)
            return done.stdout.strip()
        boss = shenbi("keys", "add", "boss")
        one, two = (shenbi("keys", "add", name, "--scope", "infer", "--team", "red") for name in ("one", "two"))
        other = shenbi("keys", "add", "other", "--scope", "infer")
        shenbi("budgets", "set", "red", "--team", "red", "--tokens", "30", "--per", "day")
        check("red              team red               0 tokens of 30 tokens this day  until" in shenbi("budgets", "list"))
        with serving(home=home) as server:
            usage = chat(server, key=one)["usage"]
            spent = usage["prompt_tokens"] + usage["completion_tokens"]
            check(30 - NEED < spent <= 30, "the figures of this test", spent)
            chat(server, key=two, status=429)
            chat(server, key=other)
            ask(server, "GET", "/page/budgets", status=403, key=one)
            found = ask(server, "GET", "/page/budgets", key=boss)
            equal((found["budgets"][0]["spent"], [team["name"] for team in found["teams"]], len(found["teams"][0]["keys"])), (spent, ["red"], 2))
            ask(server, "PATCH", f"/page/keys/{two.split('-')[2]}", {"team": ""}, key=boss)
            chat(server, key=two)
            equal(budget(server, "red", boss)["spent"], spent)
        with serving(home=home) as server:  # after a restart as before it
            equal(budget(server, "red", boss)["spent"], spent)
            chat(server, key=one, status=429)
        check(f"{spent} tokens of 30 tokens" in shenbi("budgets", "list"))


@case
def a_webhook_hears_of_a_mark_once_until_it_takes_it_and_after_a_restart():
    with tempfile.TemporaryDirectory(prefix="shenbi-budgets-") as home, contextlib.closing(Webhook(503)) as hook:
        with serving("--alert-webhook", hook.url, home=home) as server:
            ask(server, "PUT", "/page/budgets/b", {"limit_tokens": 10_000, "period": "month", "alerts": [1, 0 + 100]})
            for _ in range(5):
                chat(server)  # 100 tokens, 1 %, are passed within
            wait_for(lambda: len(hook.heard) >= 2, "a second try")
            equal({alert["delivery"] for alert in ask(server, "GET", "/page/budgets")["alerts"]}, {"waiting"})
        hook.status = 200
        hook.heard.clear()
        with serving("--alert-webhook", hook.url, home=home) as server:
            wait_for(lambda: ask(server, "GET", "/page/budgets")["alerts"][0]["delivery"] == "sent", "the alert to be taken")
            chat(server)
            text = server.metrics()
            check("shenbi:alerts_sent_total 1" in text and 'shenbi:budget_limit{budget="b",unit="tokens"} 10000' in text, text)
            log = (pathlib.Path(home) / "server.log").read_text()
        equal(len(hook.heard), 1)
        alert = hook.heard[0]
        equal((alert["event"], alert["budget"], alert["percent"], alert["unit"], alert["limit"]), ("budget", "b", 1, "tokens", 10_000))
        check(alert["spent"] >= 100 and alert["text"].startswith("Budget b: 1 % reached"), alert)
        check("secret-path" not in log + text, "the webhook's path may hold a secret")


@case
def wrong_budgets_are_refused_by_field():
    with serving() as server:
        for body, field in (({}, "limit_usd"), ({"limit_usd": 1, "limit_tokens": 1}, "limit_usd"), ({"limit_usd": 0}, "limit"),
                            ({"limit_usd": 1, "whose": "key"}, "subject"), ({"limit_usd": 1, "alerts": [101]}, "alerts"),
                            ({"limit_usd": 1, "period": "week"}, "period"), ({"limit_usd": 1, "colour": 1}, "colour")):
            error = ask(server, "PUT", "/page/budgets/b", body, 400)["error"]["message"]
            check(error.startswith(field), error, body)
        equal(ask(server, "GET", "/page/budgets")["budgets"], [])
        ask(server, "DELETE", "/page/budgets/b", status=404)


main(workers=1)
