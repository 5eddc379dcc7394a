#!/usr/bin/env python3
"""The same bytes out: what a server answers does not depend on guessed tokens, on who asks beside, on threads, on the coarse form of the
head or on what the cache holds. Requests of every kind go to servers that differ in all of that, one at a time and all at once."""
import concurrent.futures
import contextlib
import json
import pathlib
import re
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, Server  # noqa: E402
from e2e.support.cases import case, check, equal, main  # noqa: E402

TEXT = "The lighthouse at the end of the pier was built in 1874. It is thirty-one metres high. "
CODE = "def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return a - b\n\ndef mul(a, b):\n"
PERSON = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "maximum": 120}},
          "required": ["name", "age"], "additionalProperties": False}
REQUESTS = [
    {"prompt": TEXT + TEXT[:40], "temperature": 0, "max_tokens": 60},
    {"prompt": CODE, "temperature": 0.8, "seed": 3, "max_tokens": 60},
    {"prompt": CODE, "temperature": 1, "seed": 4, "top_k": 20, "top_p": 0.95, "max_tokens": 60},
    {"prompt": "1 2 3 4 5 6 7 8 1 2 3 4 5", "temperature": 0, "logprobs": 2, "max_tokens": 40},
    {"prompt": "1 2 3 4 5 6 7 8 1 2 3 4 5", "temperature": 0.3, "seed": 5, "frequency_penalty": 0.4, "presence_penalty": 0.2,
     "max_tokens": 60},
    {"prompt": TEXT * 3, "temperature": 0, "stop": ["thirty"], "max_tokens": 80},
    {"prompt": "Two people as JSON: " + '{"name": "Anna", "age": 31} ' * 3, "temperature": 0.5, "seed": 6, "max_tokens": 60,
     "response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}},
    {"prompt": "写一篇关于秋天的短文。秋天来了，秋天来了，", "temperature": 0, "repetition_penalty": 1.05, "max_tokens": 60},
]
SERVERS = {
    "plain": ("off", "--sequences", 1, "--whole-head"),
    "every guess": ("always", "--sequences", 8),
    "one thread": ("always", "--sequences", 3, "--threads", 1),
    "as it is": (None,),
}


def answer(server, body):
    request = urllib.request.Request(server.url + "/v1/completions", json.dumps({"model": MODEL, **body}).encode(),
                                     {"Content-Type": "application/json"})
    answer = json.load(urllib.request.urlopen(request, timeout=PATIENCE))
    usage = {name: answer["usage"][name] for name in ("prompt_tokens", "completion_tokens")}
    return answer["choices"], usage


def counter(server, name):
    return float(re.search(rf"^shenbi:{name}\{{.*\}} (\S+)$", server.metrics(), re.MULTILINE)[1])


def answers(server):
    """One at a time; then all at once, the prompts in the cache by now."""
    alone = [answer(server, body) for body in REQUESTS]
    with concurrent.futures.ThreadPoolExecutor(len(REQUESTS)) as pool:
        together = list(pool.map(lambda body: answer(server, body), REQUESTS))
    return alone, together


@case
def every_server_gives_the_same_answers():
    expected = None
    for name, (speculate, *arguments) in SERVERS.items():
        with contextlib.closing(Stopping(*arguments, speculate=speculate)) as server:
            alone, together = answers(server)
            expected = expected or alone
            for found, wanted, body in zip(alone + together, expected * 2, REQUESTS * 2):
                equal(found, wanted, name, body)
            drafted, accepted = counter(server, "spec_decode_num_draft_tokens_total"), counter(server, "spec_decode_num_accepted_tokens_total")
            if speculate == "off":
                equal((drafted, accepted), (0, 0), name)
            if speculate == "always":
                check(drafted > accepted > 100, name, drafted, accepted)


class Stopping(Server):
    def close(self):
        self.stop()


main(workers=1)  # the server takes every core itself
