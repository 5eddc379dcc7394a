#!/usr/bin/env python3
"""Thinking, and its budgets, through every dialect's official client: the real default model behind a template that opens thinking as
Qwen3's does. It was never taught to end a thought, so where thinking ends the server has ended it, at the token the budget names."""
import json
import pathlib
import sys

import anthropic
import ollama
import openai
from google import genai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import Server  # noqa: E402
from api.support.tooled_model import thinking_model  # noqa: E402
from e2e.support.cases import case, check, equal, main  # noqa: E402

BUDGET = 12
MOST = 40  # tokens of an answer, thinking included
TEXT = "A story for children: there was once a poor boy who loved to draw"
QUESTION = [{"role": "user", "content": TEXT}]

MODEL = "thinking"
FILE = str(thinking_model())
server = Server(f"--alias=thinking={FILE}", models=(FILE,))
openai_client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
anthropic_client = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
ollama_client = ollama.Client(host=server.url)
gemini_client = genai.Client(api_key="none", http_options={"base_url": server.url})


def chat(**more):
    return openai_client.chat.completions.create(model=MODEL, messages=QUESTION, temperature=0, max_tokens=MOST, **more)


@case
def a_budget_ends_thinking_at_its_token_and_an_answer_follows():
    answer = chat(extra_body={"thinking_budget": BUDGET})
    message = answer.choices[0].message
    check(message.reasoning_content.strip(), message)
    check(message.content.strip(), message)
    check("</think>" not in message.content + message.reasoning_content, message)
    # Those that close it are the server's, and count as the model's own would.
    thought = openai_client.with_options(base_url=server.url).post(
        "/tokenize", body={"model": MODEL, "prompt": message.reasoning_content, "add_special_tokens": False}, cast_to=object)["count"]
    check(abs(thought - BUDGET) <= 1, f"{thought} tokens were thought")  # text cut at the edges may join otherwise
    check(BUDGET <= answer.usage.completion_tokens_details.reasoning_tokens < MOST, answer.usage)


@case
def without_a_budget_it_thinks_until_its_length():
    answer = chat()
    equal(answer.choices[0].finish_reason, "length")
    check(not answer.choices[0].message.content, answer)
    check(len(answer.choices[0].message.reasoning_content) > 0, answer)


@case
def what_is_streamed_is_what_is_told_at_once():
    whole = chat(extra_body={"thinking_budget": BUDGET}).choices[0].message
    thought, said, order = "", "", []
    for chunk in chat(stream=True, extra_body={"thinking_budget": BUDGET}):
        delta = chunk.choices[0].delta
        piece = getattr(delta, "reasoning_content", None)
        if piece:
            thought, order = thought + piece, order + ["thought"]
        if delta.content:
            said, order = said + delta.content, order + ["said"]
    equal((thought.strip(), said.strip()), (whole.reasoning_content.strip(), whole.content.strip()))
    equal(order, sorted(order, reverse=True))  # first all of the thought, then all that is said


@case
def a_larger_budget_goes_on_with_the_same_thought():
    short = chat(extra_body={"thinking_budget": BUDGET}).choices[0].message.reasoning_content.strip()
    long = chat(extra_body={"thinking_budget": 2 * BUDGET}).choices[0].message.reasoning_content.strip()
    check(long.startswith(short) and len(long) > len(short), (short, long))


@case
def a_model_told_not_to_think_answers_at_once():
    message = chat(extra_body={"chat_template_kwargs": {"enable_thinking": False}}).choices[0].message
    check(not getattr(message, "reasoning_content", None), message)
    check(message.content.strip(), message)


@case
def an_answer_in_json_begins_where_thinking_was_ended():
    schema = {"type": "object", "additionalProperties": False, "required": ["good"], "properties": {"good": {"type": "boolean"}}}
    message = chat(extra_body={"thinking_budget": BUDGET},
                   response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}).choices[0].message
    equal(list(json.loads(message.content)), ["good"])
    check(message.reasoning_content.strip(), message)


@case
def an_effort_is_no_budget_of_this_size_but_is_taken():
    answer = chat(reasoning_effort="low")
    check(answer.choices[0].message.reasoning_content, answer)


@case
def anthropic_gets_a_block_of_thinking_and_one_of_text():
    answer = anthropic_client.messages.create(model=MODEL, messages=QUESTION, max_tokens=MOST, thinking={"type": "enabled", "budget_tokens": BUDGET})
    equal([block.type for block in answer.content], ["thinking", "text"])
    check(answer.content[0].thinking.strip() and answer.content[1].text.strip(), answer)
    with anthropic_client.messages.stream(model=MODEL, messages=QUESTION, max_tokens=MOST,
                                          thinking={"type": "enabled", "budget_tokens": BUDGET}) as stream:
        kinds = [event.type for event in stream if event.type in ("thinking", "text")]
        final = stream.get_final_message()
    equal(kinds, sorted(kinds, reverse=True))
    equal([block.type for block in final.content], ["thinking", "text"])


@case
def gemini_marks_the_thought_among_its_parts():
    answer = gemini_client.models.generate_content(
        model=MODEL, contents=TEXT,
        config={"max_output_tokens": MOST, "temperature": 0, "thinking_config": {"thinking_budget": BUDGET, "include_thoughts": True}})
    parts = answer.candidates[0].content.parts
    equal([bool(part.thought) for part in parts], [True, False])
    check(answer.usage_metadata.thoughts_token_count >= BUDGET, answer.usage_metadata)


@case
def ollama_tells_thinking_beside_the_answer():
    answer = ollama_client.chat(model=MODEL, messages=QUESTION, think=True, options={"num_predict": MOST, "temperature": 0})
    check(answer.message.thinking, answer)
    quiet = ollama_client.chat(model=MODEL, messages=QUESTION, think=False, options={"num_predict": MOST, "temperature": 0})
    check(not quiet.message.thinking and quiet.message.content, quiet)


@case
def responses_hold_the_thought_as_an_item_of_its_own():
    answer = openai_client.responses.create(model=MODEL, input=TEXT, max_output_tokens=MOST, temperature=0, reasoning={"effort": "low"})
    equal((answer.status, answer.incomplete_details.reason), ("incomplete", "max_output_tokens"))  # an effort's budget is larger than that
    equal([item.type for item in answer.output][:1], ["reasoning"])
    check(answer.usage.output_tokens_details.reasoning_tokens > BUDGET, answer.usage)


try:
    main(workers=1)
finally:
    server.stop()
