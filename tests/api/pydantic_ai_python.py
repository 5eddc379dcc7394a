#!/usr/bin/env python3
"""Pydantic AI's agents against a real server with the real default model: text, schemas, tools, streams."""
import asyncio
import pathlib
import sys
from typing import Literal

from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises  # noqa: E402

server = Server("--alias", f"tooled={tooled_model()}")
openai = OpenAIProvider(base_url=server.url + "/v1", api_key="none")
anthropic = AnthropicProvider(base_url=server.url, api_key="none")
SETTINGS = {"temperature": 0, "max_tokens": 100}
FRANCE = "What is the capital of France?"


class City(BaseModel):
    name: str = Field(max_length=16)
    size: Literal["small", "large"]
    people: int = Field(ge=0, le=1000)


def models(name):
    return OpenAIChatModel(name, provider=openai), OpenAIResponsesModel(name, provider=openai), AnthropicModel(name, provider=anthropic)


@case
def agents_answer_in_text_and_count_tokens():
    for model in models(MODEL):
        done = Agent(model).run_sync(FRANCE, model_settings={**SETTINGS, "max_tokens": 16})
        check(done.output, done)
        usage = done.usage
        check(usage.input_tokens > 4 and 0 < usage.output_tokens <= 16, usage)


@case
def a_streamed_text_is_the_whole_one():
    async def streamed(model):
        async with Agent(model).run_stream(FRANCE, model_settings={**SETTINGS, "max_tokens": 16}) as run:
            return "".join([piece async for piece in run.stream_text(delta=True)])
    for model in models(MODEL):
        whole = Agent(model).run_sync(FRANCE, model_settings={**SETTINGS, "max_tokens": 16}).output
        equal(asyncio.run(streamed(model)), whole)


@case
def native_output_is_of_its_type():
    for model in models(MODEL)[:2]:
        check(isinstance(Agent(model, output_type=NativeOutput(City)).run_sync(FRANCE, model_settings=SETTINGS).output, City))


@case
def output_by_a_demanded_tool_is_of_its_type():
    for model in models("tooled")[:2]:
        agent = Agent(model, output_type=ToolOutput(City, name="city"))
        check(isinstance(agent.run_sync(FRANCE, model_settings=SETTINGS).output, City))


@case
def errors_arrive_with_their_status_and_words():
    with raises(ModelHTTPError, "404", "no:model"):
        Agent(models("no:model")[0]).run_sync(FRANCE)
    with raises(ModelHTTPError, "400", "temperature"):
        Agent(models(MODEL)[0]).run_sync(FRANCE, model_settings={"temperature": 9})


try:
    main(workers=1)  # its clients belong to one event loop
finally:
    server.stop()
