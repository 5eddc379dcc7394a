#!/usr/bin/env python3
"""The official clients of OpenAI, Anthropic, Google and Ollama against our dialects, without a network: each client's own
HTTP transport is replaced by the driver, which parses the request and writes an answer from given events.

Usage: tests/parity/dialect_clients.py [DRIVER]      (needs openai, anthropic, google-genai, ollama, httpx, httpx2)

DRIVER is build/release/dialect_tool. Prints the counts; exits 1 on a difference.
"""
import json
import pathlib
import subprocess
import sys
import traceback

import anthropic
import httpx
import httpx2
import ollama
import openai
from google import genai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
import reference_package  # noqa: E402

USAGE = [20, 5, 9, 3]  # prompt, cached, completion, reasoning
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
START = {"kind": "start", "usage": [20, 5, 0, 0]}


def finish(reason, **more):
    return {"kind": "finish", "finish": reason, "usage": USAGE, **more}


TEXT = [START, {"kind": "text", "text": "Héllo", "logprobs": [["Hé", -0.5], ["llo", -0.25]]},
        {"kind": "text", "text": " 🙂", "logprobs": [[" 🙂", -1.0]]}, finish("stop")]
THINKING = [START, {"kind": "thinking", "text": "Let me "}, {"kind": "thinking", "text": "see."},
            {"kind": "signature", "text": "c2ln"}, {"kind": "text", "text": "Four."}, finish("stop")]
CALLS = [START, {"kind": "text", "text": "Looking."}, {"kind": "call", "index": 0, "id": "call_a", "name": "weather"},
         {"kind": "arguments", "index": 0, "text": "{\"city\": "}, {"kind": "arguments", "index": 0, "text": "\"Paris\"}"},
         {"kind": "call", "index": 1, "id": "call_b", "name": "weather"},
         {"kind": "arguments", "index": 1, "text": "{\"city\": \"Rome\"}"}, finish("tool_calls")]
CUT = [START, {"kind": "text", "text": "Once"}, finish("length")]
BROKEN = [START, {"kind": "text", "text": "Once"}, {"kind": "error", "text": "the model fell over", "status": 500}]


class Driver:
    """Answers whatever a client sends to any path with the events of `script`."""

    def __init__(self, tool):
        self.process = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.script = []

    def __call__(self, request):
        return self.answer(request, httpx)

    def second(self, request):
        """For clients that have moved to the next httpx."""
        return self.answer(request, httpx2)

    def answer(self, request, http):
        path, question = request.url.path, {"body": request.content.decode(), "events": self.script}
        if path.endswith("/chat/completions"):
            question["dialect"] = "openai"
        elif path.endswith("/completions"):
            question["dialect"] = "completion"
        elif path.endswith("/responses"):
            question["dialect"] = "responses"
        elif path.endswith("/messages"):
            question["dialect"] = "anthropic"
        elif path.endswith("/api/chat"):
            question["dialect"] = "ollama"
        elif path.endswith("/api/generate"):
            question["dialect"] = "generate"
        else:
            model, method = path.rsplit("/", 1)[1].split(":")
            question.update(dialect="gemini", model=model, stream=method == "streamGenerateContent",
                            sse=request.url.params.get("alt") == "sse")
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return http.Response(answer["status"], headers={"content-type": answer["type"]}, content=answer["body"].encode())


CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def openai_client(driver):
    return openai.OpenAI(api_key="k", base_url="http://local/v1", max_retries=0, _strict_response_validation=True,
                         http_client=httpx.Client(transport=httpx.MockTransport(driver)))


OPENAI_TOOLS = [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": TOOL}}]
HI = [{"role": "user", "content": "Hi"}]


@check
def openai_chat_whole(driver):
    client = openai_client(driver)
    driver.script = TEXT
    answer = client.chat.completions.create(model="m", messages=HI, logprobs=True, top_logprobs=2, n=2, seed=1)
    assert [c.message.content for c in answer.choices] == ["Héllo 🙂"] * 2
    token = answer.choices[1].logprobs.content[0]
    assert bytes(token.bytes).decode() == token.token == "Hé" and token.top_logprobs[1].token == "?"
    assert answer.usage.prompt_tokens == 20 and answer.usage.completion_tokens == 18
    assert answer.usage.prompt_tokens_details.cached_tokens == 5
    driver.script = CALLS
    answer = client.chat.completions.create(model="m", messages=HI, tools=OPENAI_TOOLS, tool_choice="auto")
    assert answer.choices[0].finish_reason == "tool_calls"
    assert [json.loads(c.function.arguments)["city"] for c in answer.choices[0].message.tool_calls] == ["Paris", "Rome"]
    driver.script = THINKING
    assert client.chat.completions.create(model="m", messages=HI).choices[0].message.reasoning_content == "Let me see."


@check
def openai_chat_stream(driver):
    client = openai_client(driver)
    driver.script = TEXT
    chunks = list(client.chat.completions.create(model="m", messages=HI, stream=True, n=2, logprobs=True,
                                                 stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant" and chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 18
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices and c.choices[0].index == 1) == "Héllo 🙂"
    driver.script = CALLS
    with client.chat.completions.stream(model="m", messages=HI, tools=OPENAI_TOOLS) as stream:
        final = stream.get_final_completion()
    assert [c.function.arguments for c in final.choices[0].message.tool_calls] == ["{\"city\": \"Paris\"}", "{\"city\": \"Rome\"}"]
    driver.script = BROKEN
    try:
        list(client.chat.completions.create(model="m", messages=HI, stream=True))
        raise AssertionError("no error")
    except openai.APIError as error:
        assert "fell over" in str(error)


@check
def openai_completions(driver):
    client = openai_client(driver)
    driver.script = TEXT
    answer = client.completions.create(model="m", prompt=["A", "B"], n=2, logprobs=2, echo=False, max_tokens=4)
    assert [c.index for c in answer.choices] == [0, 1, 2, 3] and answer.choices[3].text == "Héllo 🙂"
    assert answer.choices[0].logprobs.text_offset == [0, 2, 5]
    assert answer.usage.prompt_tokens == 40
    # The client's type has no null for the finish_reason of a chunk; OpenAI's server sends it all the same.
    client._strict_response_validation = False
    chunks = list(client.completions.create(model="m", prompt="A", echo=True, stream=True))
    assert "".join(c.choices[0].text for c in chunks) == "AHéllo 🙂"
    assert chunks[-1].choices[0].finish_reason == "stop"


@check
def openai_responses(driver):
    client = openai_client(driver)
    tools = [{"type": "function", "name": "weather", "parameters": TOOL, "strict": False}]
    driver.script = THINKING
    answer = client.responses.create(model="m", input="Hi", instructions="Be brief.", reasoning={"effort": "low"}, store=False)
    assert answer.output_text == "Four." and answer.status == "completed"
    assert answer.output[0].type == "reasoning" and answer.output[0].content[0].text == "Let me see."
    assert answer.usage.output_tokens_details.reasoning_tokens == 3
    driver.script = CALLS
    with client.responses.stream(model="m", input=[{"role": "user", "content": "Hi"}], tools=tools) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [e.sequence_number for e in events if hasattr(e, "sequence_number")] == list(range(len(events)))
    assert [i.type for i in final.output] == ["message", "function_call", "function_call"]
    assert final.output[2].arguments == "{\"city\": \"Rome\"}" and final.output[2].call_id == "call_b"
    followup = [{"role": "user", "content": "Hi"}] + [i.model_dump() for i in final.output] + [
        {"type": "function_call_output", "call_id": "call_a", "output": "rain"},
        {"type": "function_call_output", "call_id": "call_b", "output": "sun"}]
    driver.script = CUT
    answer = client.responses.create(model="m", input=followup, tools=tools)
    assert answer.status == "incomplete" and answer.incomplete_details.reason == "max_output_tokens"
    driver.script = TEXT
    answer = client.responses.create(model="m", input="Hi", include=["message.output_text.logprobs"], top_logprobs=2)
    assert answer.output[0].content[0].logprobs[1].token == "llo"
    driver.script = BROKEN
    events = list(client.responses.create(model="m", input="Hi", stream=True))
    assert events[-1].type == "response.failed" and events[-1].response.error.message == "the model fell over"


@check
def openai_errors(driver):
    client = openai_client(driver)
    driver.script = TEXT
    try:
        client.chat.completions.create(model="m", messages=HI, audio={"voice": "alloy", "format": "wav"}, modalities=["text"])
        raise AssertionError("no error")
    except openai.BadRequestError as error:
        assert error.param == "audio" and error.type == "invalid_request_error"


def anthropic_client(driver):
    return anthropic.Anthropic(api_key="k", base_url="http://local", max_retries=0, _strict_response_validation=True,
                               http_client=httpx2.Client(transport=httpx2.MockTransport(driver.second)))


@check
def anthropic_messages(driver):
    client = anthropic_client(driver)
    tools = [{"name": "weather", "description": "d", "input_schema": TOOL}]
    common = dict(model="m", max_tokens=99, messages=HI)
    driver.script = THINKING
    answer = client.messages.create(**common, system="Be brief.", thinking={"type": "enabled", "budget_tokens": 1024})
    assert [b.type for b in answer.content] == ["thinking", "text"] and answer.content[0].signature == "c2ln"
    assert answer.usage.input_tokens == 15 and answer.usage.cache_read_input_tokens == 5
    for script, reason in ((CUT, "max_tokens"), (TEXT, "end_turn"), (CALLS, "tool_use")):
        driver.script = script
        whole = client.messages.create(**common, tools=tools)
        with client.messages.stream(**common, tools=tools) as stream:
            final = stream.get_final_message()
        assert whole.stop_reason == final.stop_reason == reason
        assert whole.model_dump()["content"] == [
            {k: v for k, v in block.items() if k in whole.content[i].model_dump()}
            for i, block in enumerate(final.model_dump()["content"])], (whole.content, final.content)
    assert whole.content[2].input == {"city": "Rome"}
    driver.script = [START, {"kind": "text", "text": "a"}, finish("stop", stop_string="END")]
    answer = client.messages.create(**common, stop_sequences=["END"])
    assert answer.stop_reason == "stop_sequence" and answer.stop_sequence == "END"
    driver.script = THINKING
    with client.messages.stream(**common) as stream:
        final = stream.get_final_message()
    assert final.content[0].thinking == "Let me see." and final.content[0].signature == "c2ln"
    again = common | {"messages": HI + [{"role": "assistant", "content": [b.model_dump() for b in final.content]}] + HI}
    driver.script = TEXT
    client.messages.create(**again)
    driver.script = BROKEN
    try:
        with client.messages.stream(**common) as stream:
            stream.get_final_message()
        raise AssertionError("no error")
    except anthropic.APIStatusError as error:
        assert "fell over" in str(error)


@check
def gemini(driver):
    options = genai.types.HttpOptions(base_url="http://local", httpx_client=httpx.Client(transport=httpx.MockTransport(driver)))
    client = genai.Client(api_key="k", http_options=options)
    types = genai.types
    driver.script = THINKING
    config = types.GenerateContentConfig(system_instruction="Be brief.", temperature=0.5, max_output_tokens=9, top_k=3,
                                         thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=100))
    answer = client.models.generate_content(model="m", contents="Hi", config=config)
    assert answer.text == "Four." and answer.candidates[0].content.parts[0].thought
    assert answer.usage_metadata.thoughts_token_count == 3 and answer.candidates[0].finish_reason.name == "STOP"
    driver.script = TEXT
    pieces = list(client.models.generate_content_stream(model="m", contents="Hi"))
    assert "".join(p.text or "" for p in pieces) == "Héllo 🙂" and pieces[-1].candidates[0].finish_reason.name == "STOP"
    driver.script = CALLS
    function = types.FunctionDeclaration(name="weather", description="d", parameters_json_schema=TOOL)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])],
                                         automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    answer = client.models.generate_content(model="m", contents="Hi", config=config)
    assert [c.args["city"] for c in answer.function_calls] == ["Paris", "Rome"]
    streamed = [c for p in client.models.generate_content_stream(model="m", contents="Hi", config=config) for c in p.function_calls or []]
    assert [c.args["city"] for c in streamed] == ["Paris", "Rome"]
    again = [types.Content(role="user", parts=[types.Part(text="Hi")]), answer.candidates[0].content,
             types.Content(role="user", parts=[types.Part.from_function_response(name="weather", response={"result": "rain"})])]
    driver.script = CUT
    assert client.models.generate_content(model="m", contents=again, config=config).candidates[0].finish_reason.name == "MAX_TOKENS"


@check
def ollama_routes(driver):
    client = ollama.Client(host="http://local")
    client._client = httpx.Client(transport=httpx.MockTransport(driver), base_url="http://local")
    driver.script = THINKING
    answer = client.chat("m", messages=HI, think=True, options={"temperature": 0.5, "num_ctx": 4096})
    assert answer.message.content == "Four." and answer.message.thinking == "Let me see." and answer.done_reason == "stop"
    assert answer.prompt_eval_count == 20 and answer.eval_count == 9
    driver.script = CALLS
    tools = [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": TOOL}}]
    answer = client.chat("m", messages=HI, tools=tools)
    assert [c.function.arguments["city"] for c in answer.message.tool_calls] == ["Paris", "Rome"]
    pieces = list(client.chat("m", messages=HI + [answer.message, {"role": "tool", "tool_name": "weather", "content": "rain"}],
                              tools=tools, stream=True))
    assert [c.function.arguments["city"] for p in pieces for c in p.message.tool_calls or []] == ["Paris", "Rome"]
    assert pieces[-1].done and not pieces[0].done
    driver.script = CUT
    assert client.generate("m", prompt="Hi", system="s").done_reason == "length"
    assert "".join(p.response for p in client.generate("m", prompt="Hi", raw=True, stream=True)) == "Once"
    driver.script = TEXT
    answer = client.chat("m", messages=HI, logprobs=True, top_logprobs=2, format=TOOL)
    assert answer.logprobs[0].token == "Hé"


def main():
    driver = Driver(sys.argv[1] if len(sys.argv) > 1 else reference_package.built("dialect_tool"))
    failed = 0
    for one in CHECKS:
        try:
            one(driver)
        except Exception:  # whatever a client raises
            failed += 1
            print(f"--- {one.__name__}")
            traceback.print_exc(limit=-4, file=sys.stdout)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
