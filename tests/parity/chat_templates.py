#!/usr/bin/env python3
"""Renders the chat templates of real models with jinja2 (as transformers sets it up) and with us; every pair must agree.

Usage: tests/parity/chat_templates.py [DRIVER [FOLDER_OF_TEMPLATES]]

DRIVER is build/release/chat_template_tool. Without a folder the templates come from the source package of
llama-cpp-python on PyPI, whose vendored llama.cpp carries some seventy of them. Texts must be equal; where jinja2 fails we must
fail, and raise_exception must give the same message. Prints the counts; exits 1 on a difference.
"""
import collections
import os
import pathlib
import sys

os.environ["TZ"] = "UTC"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
import jinja_oracle  # noqa: E402
import reference_package  # noqa: E402

NOW = 1753900000  # 30 July 2025
TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Current weather <for> a \"city\" & more",
        "parameters": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "城市名"},
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
            "days": {"type": ["integer", "null"], "minimum": 0, "maximum": 14},
            "tags": {"type": "array", "items": {"type": "string"}},
            "where": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
                      "required": ["lat"]}}},
        "return": {"type": "string"}}},
    {"type": "function", "function": {"name": "noop", "description": "Does nothing",
                                      "parameters": {"type": "object", "properties": {}}}},
]


def user(text):
    return {"role": "user", "content": text}


def call(number, name, arguments):
    return {"id": f"call{number:05d}", "type": "function", "function": {"name": name, "arguments": arguments}}


def conversations():
    """(name, variables) of each conversation."""
    system = {"role": "system", "content": "You are terse."}
    turns = [user("Hi"), {"role": "assistant", "content": "Hello!"}, user("And now?\n")]
    weather = {"city": "Paris", "days": 3, "ok": True, "none": None, "x": 1.5, "tags": ["a", "b"], "where": {"lat": 1.0}}
    called = {"role": "assistant", "content": "", "tool_calls": [call(1, "get_weather", weather)]}
    called_twice = {"role": "assistant", "content": "Looking.",
                    "tool_calls": [call(1, "get_weather", {"city": "Rome"}), call(2, "noop", {})]}
    as_text = {"role": "assistant", "content": None, "tool_calls": [call(3, "get_weather", '{"city": "北京"}')]}
    result = {"role": "tool", "tool_call_id": "call00001", "name": "get_weather", "content": "{\"t\": 21}"}
    second = {"role": "tool", "tool_call_id": "call00002", "name": "noop", "content": "done"}
    thought = {"role": "assistant", "content": "4", "reasoning_content": "2+2 is 4.", "thinking": "2+2 is 4."}
    inline = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nFour"}
    parts = [{"type": "text", "text": "Look: "}, {"type": "text", "text": "what is it?"}]
    image = [{"type": "image"}, {"type": "text", "text": "What is this?"}]
    chinese = [{"role": "system", "content": "你是一个有用的助手。"}, user("你好 🙂 «ça va» \u00a0?"),
               {"role": "assistant", "content": "你好！👩‍👩‍👧"}, user("再见")]
    cases = {
        "user": dict(messages=[user("Hi")]),
        "user_system": dict(messages=[system, user("Hi")]),
        "multi_turn": dict(messages=[system] + turns),
        "multi_turn_no_prompt": dict(messages=[system] + turns[:2], add_generation_prompt=False),
        "tools_offered": dict(messages=[system, user("Weather?")], tools=TOOLS),
        "tools_no_system": dict(messages=[user("Weather?")], tools=TOOLS),
        "tool_call": dict(messages=[user("Weather?"), called, result], tools=TOOLS),
        "tool_call_answered": dict(messages=[system, user("Weather?"), called, result,
                                             {"role": "assistant", "content": "21 degrees."}, user("Thanks")], tools=TOOLS),
        "two_tool_calls": dict(messages=[user("Both"), called_twice, result, second], tools=TOOLS),
        "tool_call_arguments_text": dict(messages=[user("天气?"), as_text, result], tools=TOOLS),
        "tool_call_last": dict(messages=[user("Weather?"), called], tools=TOOLS, add_generation_prompt=False),
        "reasoning": dict(messages=[user("2+2?"), thought, user("Sure?")]),
        "reasoning_last": dict(messages=[user("2+2?"), thought], add_generation_prompt=False),
        "reasoning_inline": dict(messages=[user("2+2?"), inline, user("Sure?")]),
        "reasoning_and_call": dict(messages=[user("Weather?"), dict(called, reasoning_content="I need it."), result],
                                   tools=TOOLS),
        "parts": dict(messages=[system, {"role": "user", "content": parts}]),
        "image": dict(messages=[{"role": "user", "content": image}]),
        "chinese_and_emoji": dict(messages=chinese),
        "no_messages": dict(messages=[]),
        "empty_content": dict(messages=[{"role": "system", "content": ""}, user("")]),
        "thinking_on": dict(messages=turns, enable_thinking=True, thinking=True),
        "thinking_off": dict(messages=turns, enable_thinking=False, thinking=False, reasoning_effort="low"),
        "wrong_order": dict(messages=[{"role": "assistant", "content": "first"}, user("a"), user("b")]),
        "developer": dict(messages=[{"role": "developer", "content": "Be kind."}, user("Hi")]),
        "documents": dict(messages=[user("Sum up")], documents=[{"title": "T", "text": "Body", "doc_id": 1}]),
    }
    for name, variables in cases.items():
        yield name, {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>",
                     "unk_token": "<unk>", "tools": None, "documents": None, **variables}


def compare(ours, template, variables):
    """(agrees, kind, reference, answer)"""
    kind, expected = jinja_oracle.render(template, variables, NOW)
    answer_kind, answer = ours.render(template, variables, NOW)
    if kind == "error" and "SecurityError" in expected and "is unsafe" in expected:
        kind, expected = jinja_oracle.render(template, variables, NOW, mutable=True)
        if kind == "output":
            kind = "output (changes a list)"
    if kind.startswith("output"):
        return answer_kind == "output" and answer == expected, kind, expected, answer
    if kind == "raised":
        return answer_kind == "error" and answer == f"invalid_argument: {expected}", kind, expected, answer
    return answer_kind == "error", kind, expected, answer


def first_difference(a, b):
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"at {at}: expected {a[max(0, at - 40):at + 60]!r}, got {b[max(0, at - 40):at + 60]!r}"


def main():
    ours = jinja_oracle.Ours(sys.argv[1] if len(sys.argv) > 1 else reference_package.built("chat_template_tool"))
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else reference_package.models_folder() / "templates"
    templates = sorted(folder.glob("*.jinja"))
    counts, failures = collections.Counter(), 0
    for path in templates:
        template = path.read_text(encoding="utf-8")
        for name, variables in conversations():
            agrees, kind, expected, answer = compare(ours, template, variables)
            counts[kind] += agrees
            if not agrees:
                failures += 1
                print(f"{path.name} / {name}: {kind}: {first_difference(expected, answer)}")
    total = sum(counts.values()) + failures
    detail = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(f"{len(templates)} templates, {total} renderings, {failures} differ; equal: {detail}")
    print(f"{total - failures} passed, {failures} failed")
    sys.exit(1 if failures or not templates else 0)


if __name__ == "__main__":
    main()
