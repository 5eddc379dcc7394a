#!/usr/bin/env python3
"""Instructor (typed answers with retries) against a real server with the real default model: by schema and by tool call."""
import pathlib
import sys
from typing import Literal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.own_packages import run_with_own_packages  # noqa: E402

run_with_own_packages("instructor")  # it wants another version of openai than the tests of openai

import instructor  # noqa: E402
import openai  # noqa: E402
from pydantic import BaseModel, Field  # noqa: E402

from api.support.server import MODEL, Server  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402
from e2e.support.cases import case, check, main  # noqa: E402

server = Server("--alias", f"tooled={tooled_model()}")
client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


class City(BaseModel):
    name: str = Field(max_length=16)
    size: Literal["small", "large"]
    people: int = Field(ge=0, le=1000)


def ask(mode, model=MODEL, **more):
    return instructor.from_openai(client, mode=mode).chat.completions.create(
        model=model, messages=FRANCE, response_model=City, max_retries=0, temperature=0, max_tokens=100, **more)


@case
def a_schema_is_kept_to():
    check(isinstance(ask(instructor.Mode.JSON_SCHEMA), City))


@case
def a_tool_is_called_with_what_the_type_wants():
    check(isinstance(ask(instructor.Mode.TOOLS, "tooled"), City))


@case
def partial_objects_stream_to_a_whole_one():
    stream = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA).chat.completions.create_partial(
        model=MODEL, messages=FRANCE, response_model=City, max_retries=0, temperature=0, max_tokens=100)
    last = None
    for last in stream:
        pass
    City.model_validate(last.model_dump())


try:
    main()
finally:
    server.stop()
