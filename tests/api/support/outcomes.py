"""A plugin for pytest: one JSON line a test into $OUTCOMES, with what it raised. usage: pytest -p outcomes ..."""
import json
import os

import anthropic
import openai
import pytest

_raised = {}

# What a server answers first is what counts: nothing is asked for again.
for client in (openai.OpenAI, openai.AsyncOpenAI, anthropic.Anthropic, anthropic.AsyncAnthropic):
    client.__init__.__kwdefaults__["max_retries"] = 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo is not None:
        _raised[item.nodeid] = f"{call.excinfo.typename}: {call.excinfo.value}"
    return report


def pytest_runtest_logreport(report):
    # A failing fixture is told by its setup or teardown; a test that ran, by its call.
    if report.when != "call" and report.passed:
        return
    with open(os.environ["OUTCOMES"], "a", encoding="utf-8") as lines:
        print(json.dumps({"test": report.nodeid, "outcome": report.outcome, "raised": _raised.get(report.nodeid, "")}), file=lines)
