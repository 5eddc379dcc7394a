#!/usr/bin/env python3
"""Guessed tokens change no answer: greedy and sampled texts with and without --speculate, of the real default model.

usage: SHENBI=build/release/shenbi tests/e2e/speculation.py [WORD ...]   (needs gemma3:270m in the store)
"""
import os
import re

from support.cases import Home, case, check, equal, main

MODEL = "gemma3:270m"
# Answers that repeat what was said, and one that does not.
PROMPTS = [
    "1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7",
    "Repeat word for word: The lighthouse at the end of the pier was built in 1874. It is thirty-one metres high.",
    "def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return a - b\n\ndef mul(a, b):\n",
    '[{"name": "Anna", "city": "Uppsala"}, {"name": "Mei", "city": "Osaka"}, {"name": "',
    "写一篇关于秋天的短文。",
]
TOKENS = 48


class Shared(Home):
    """The program with the data folder of this machine, where the model is."""

    def __init__(self):
        self.environment = dict(os.environ)

    def __exit__(self, *_):
        pass


def answers(*options):
    return [Shared().run("run", MODEL, "--raw", prompt, "-n", TOKENS, "-q", *options).out for prompt in PROMPTS]


def same(*options):
    plain = answers("--speculate", "off", *options)
    check(all(plain), plain)
    for use in ("always", "ngram"):
        equal(answers("--speculate", use, *options), plain, use)


@case
def greedy_answers_are_the_same():
    same("--temp", 0)


@case
def one_thread_gives_what_two_give():
    equal(answers("--speculate", "always", "--temp", 0, "-t", 1), answers("--speculate", "off", "--temp", 0, "-t", 2))


@case
def drawn_answers_are_the_same():
    same("--temp", 0.7, "--seed", 4, "--top-k", 0)
    same("--temp", 1, "--seed", 5, "--top-k", 40, "--top-p", 0.9)


@case
def penalised_answers_are_the_same():
    same("--temp", 0.3, "--seed", 6, "--repeat-penalty", 1.1, "--dry", 0.4)


@case
def an_answer_that_repeats_itself_is_guessed():
    ran = Shared().run("run", MODEL, "--raw", PROMPTS[0], "-n", TOKENS, "--temp", 0, "--speculate", "always")
    found = re.search(r"(\d+) of (\d+) guesses right", ran.err)
    check(found and int(found[1]) > 20, ran.err)


main(workers=1)  # the program takes every core itself
