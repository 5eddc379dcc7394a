#!/usr/bin/env python3
"""LangChain's OpenAI, Anthropic and Ollama packages against a real server with the real default model."""
import pathlib
import sys
from typing import Literal

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, Server  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402
from e2e.support.cases import case, check, equal, main, raises  # noqa: E402

server = Server("--alias", f"tooled={tooled_model()}")
FRANCE = "What is the capital of France?"


class City(BaseModel):
    """A city."""
    name: str = Field(max_length=16)
    size: Literal["small", "large"]
    people: int = Field(ge=0, le=1000)


@tool
def weather(city: Literal["Paris", "Rome"], days: Literal[1, 2]) -> str:
    """The weather of the next days."""
    return f"{city}: sunny for {days} days"


def openai_chat(model=MODEL, **more):
    return ChatOpenAI(model=model, base_url=server.url + "/v1", api_key="none", temperature=0, max_retries=0, **{"max_tokens": 24, **more})


def anthropic_chat(model=MODEL, **more):
    return ChatAnthropic(model=model, base_url=server.url, api_key="none", temperature=0, max_retries=0, **{"max_tokens": 24, **more})


def ollama_chat(model=MODEL, **more):
    return ChatOllama(model=model, base_url=server.url, temperature=0, **{"num_predict": 24, **more})


def stream_equals_whole(chat):
    whole = chat.invoke(FRANCE)
    check(whole.text, whole)
    usage = whole.usage_metadata
    equal(usage["total_tokens"], usage["input_tokens"] + usage["output_tokens"])
    total = None
    for chunk in chat.stream(FRANCE):
        total = chunk if total is None else total + chunk
    equal(total.text, whole.text)
    equal(total.usage_metadata["output_tokens"], usage["output_tokens"])


@case
def openai_streams_what_it_answers():
    stream_equals_whole(openai_chat(stream_usage=True))


@case
def openai_responses_stream_what_they_answer():
    stream_equals_whole(openai_chat(use_responses_api=True))


@case
def anthropic_streams_what_it_answers():
    stream_equals_whole(anthropic_chat())


@case
def ollama_streams_what_it_answers():
    stream_equals_whole(ollama_chat())


@case
def finish_reasons_and_log_probabilities_arrive():
    answer = openai_chat(max_tokens=2, logprobs=True, top_logprobs=2).invoke(FRANCE)
    equal(answer.response_metadata["finish_reason"], "length")
    equal(len(answer.response_metadata["logprobs"]["content"]), 2)


@case
def batches_answer_in_their_order():
    chat = openai_chat(max_tokens=4)
    questions = [FRANCE, "Count: one, two,", "你好"]
    equal([a.text for a in chat.batch(questions)], [chat.invoke(q).text for q in questions])


@case
def structured_output_is_of_its_type():
    for chat in (openai_chat(max_tokens=80), openai_chat(max_tokens=80, use_responses_api=True)):
        check(isinstance(chat.with_structured_output(City, method="json_schema").invoke(FRANCE), City))
    check(isinstance(ollama_chat(num_predict=80).with_structured_output(City, method="json_schema").invoke(FRANCE), City))


@case
def demanded_tools_are_called_with_valid_arguments():
    for chat in (openai_chat("tooled", max_tokens=80), anthropic_chat("tooled", max_tokens=80)):
        answer = chat.bind_tools([weather], tool_choice="any").invoke("How will the weather in Rome be tomorrow?")
        check(len(answer.tool_calls) >= 1, answer)
        for call in answer.tool_calls:
            equal(call["name"], "weather")
            check("sunny" in weather.invoke(call["args"]), call)


@case
def streamed_tool_calls_are_those_of_the_whole_answer():
    for chat in (openai_chat("tooled", max_tokens=80), anthropic_chat("tooled", max_tokens=80)):
        demanding = chat.bind_tools([weather], tool_choice="any")
        total = None
        for chunk in demanding.stream("Rome?"):
            total = chunk if total is None else total + chunk
        equal([(c["name"], c["args"]) for c in total.tool_calls], [(c["name"], c["args"]) for c in demanding.invoke("Rome?").tool_calls])


@case
def a_tool_result_can_be_answered():
    history = [HumanMessage("The weather of Rome?"),
               AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Rome", "days": 1}, "id": "call_1"}]),
               ToolMessage("Rome: sunny", tool_call_id="call_1")]
    for chat in (openai_chat("tooled", max_tokens=8), anthropic_chat("tooled", max_tokens=8), ollama_chat("tooled", num_predict=8)):
        answer = chat.bind_tools([weather]).invoke(history)
        check(answer.usage_metadata["output_tokens"] <= 8, answer)


@case
def completions_and_embeddings():
    text = OpenAI(model=MODEL, base_url=server.url + "/v1", api_key="none", temperature=0, max_tokens=4, max_retries=0).invoke("The capital of France is")
    check(text, text)
    one = OpenAIEmbeddings(model=MODEL, base_url=server.url + "/v1", api_key="none", check_embedding_ctx_length=False)
    two = OllamaEmbeddings(model=MODEL, base_url=server.url)
    for a, b in zip(one.embed_documents(["hello", "你好"]), two.embed_documents(["hello", "你好"])):
        check(abs(sum(v * v for v in a) - 1) < 1e-3)
        check(max(abs(x - y) for x, y in zip(a, b)) < 1e-6)  # the same vector through both faces


@case
def what_cannot_be_done_is_refused_by_name():
    with raises(Exception, "temperature"):
        ChatOpenAI(model=MODEL, base_url=server.url + "/v1", api_key="none", temperature=9, max_retries=0).invoke(FRANCE)
    with raises(Exception, "no:model"):
        openai_chat("no:model").invoke(FRANCE)


try:
    main()
finally:
    server.stop()
