#!/usr/bin/env python3
"""The coarse form of the output head changes no answer: greedy and top-k texts with it and with --whole-head, of the real default model.

usage: SHENBI=build/release/shenbi tests/e2e/coarse_head.py [WORD ...]   (needs gemma3:270m in the store)
"""
import os

from support.cases import Home, case, check, equal, main

MODEL = "gemma3:270m"
PROMPTS = [
    "The capital of France is",
    "写一篇关于秋天的短文。",
    "Write a bubble sort in C.",
    "Give me a JSON object that describes three books.",
    "1 2 3 4 5 6 7",
]
TOKENS = 48


class Shared(Home):
    """The program with the data folder of this machine, where the model is."""

    def __init__(self):
        self.environment = dict(os.environ)

    def __exit__(self, *_):
        pass


def answers(*options):
    return [Shared().run("run", MODEL, prompt, "-n", TOKENS, "-q", *options).out for prompt in PROMPTS]


@case
def greedy_answers_are_the_same():
    expected = answers("--temp", 0, "--whole-head")
    check(all(expected), expected)
    for threads in (1, 2):
        equal(answers("--temp", 0, "-t", threads), expected, f"{threads} threads")


@case
def raw_texts_are_continued_alike():
    equal(answers("--temp", 0, "--raw"), answers("--temp", 0, "--raw", "--whole-head"))


@case
def top_k_answers_are_the_same():
    for k, seed in ((5, 1), (40, 2)):
        sampled = ("--temp", 1, "--top-k", k, "--seed", seed)
        equal(answers(*sampled), answers(*sampled, "--whole-head"), f"top-k {k}")


@case
def drawing_from_all_words_is_the_same():
    sampled = ("--temp", 1, "--top-k", 0, "--seed", 6)
    equal(answers(*sampled), answers(*sampled, "--whole-head"))


main(workers=1)  # the program takes every core itself
