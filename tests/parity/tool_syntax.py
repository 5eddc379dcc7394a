#!/usr/bin/env python3
"""Lets the chat templates of real models write an answer with tool calls, and reads it back: the family must be the right
one, and thinking, text and calls what went in. Also: nothing of a conversation with tools is lost in the prompt.

Usage: tests/parity/tool_syntax.py [DRIVER [FOLDER_OF_TEMPLATES]]

DRIVER is build/release/tool_syntax_tool. Templates as in chat_templates.py. Prints the counts; exits 1 on a difference.
"""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
import reference_package  # noqa: E402

# By the beginning of a template's file name; "plain": a family that we do not know, or a template without calls.
FAMILIES = {
    "Apertus": "apertus", "Apriel": "apriel", "Bielik": "hermes", "ByteDance-Seed": "seed_oss", "Cohere": "command_r",
    "GLM": "glm45", "GigaChat3": "gigachat", "HuggingFaceTB": "plain", "Kimi-K2": "kimi_k2", "Kimi-K3": "plain",
    "LFM2": "lfm2", "MiMo": "hermes", "MiniMax-M1": "apriel", "MiniMax-M2": "minimax", "MiniMax-M3": "plain",
    "Mistral": "mistral", "NVIDIA-Nemotron-3": "qwen3_coder", "NVIDIA-Nemotron-Nano": "nemotron_v2", "NousResearch": "hermes",
    "Qwen-": "hermes", "Qwen3-Coder": "qwen3_coder", "Qwen3.5": "qwen3_coder", "Reka": "hermes", "Spark": "glm45",
    "StepFun": "qwen3_coder", "deepseek-ai-DeepSeek-R1": "deepseek", "deepseek-ai-DeepSeek-V3.1": "deepseek_v31",
    "deepseek-ai-DeepSeek-V3.2": "deepseek_v32", "deepseek-ai-DeepSeek-V4": "deepseek_v4", "fireworks": "firefunction",
    "google-gemma-2": "gemma", "google-gemma-4": "gemma4", "ibm-granite-granite-3": "granite",
    "ibm-granite-granite-4": "hermes", "inclusionai-ling": "glm45", "llama-cpp-deepseek": "deepseek",
    "llama-cpp-rwkv": "plain", "meetkai-functionary-medium-v3.1": "functionary_v31",
    "meetkai-functionary-medium-v3.2": "functionary_v32", "meta-llama": "llama3", "microsoft-Phi-3.5": "plain",
    "mistralai": "mistral", "mistralai-Mistral-Nemo": "mistral_array", "moonshotai": "kimi_k2", "muse": "plain", "openai-gpt-oss": "gpt_oss",
    "openbmb": "minicpm5", "poolside": "glm45", "tencent": "hy3", "unsloth-Apriel": "apriel",
    "unsloth-mistral": "mistral", "upstage": "solar_open",
}
WEATHER = {"city": "Paris \"x\" 城", "days": 3, "where": {"a": [1, True]}}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": {
        "type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "c"}, "days": {"type": "integer", "description": "d"},
            "where": {"type": "object", "description": "w", "additionalProperties": {"type": "string"}}}}}},
    {"type": "function", "function": {"name": "noop", "description": "Nothing", "parameters": {
        "type": "object", "properties": {"why": {"type": "string", "description": "y"}}}}},
]
# jinja2 cannot render it with tools either: it asks for a generator as JSON.
WITHOUT_TOOLS = {"llama-cpp-deepseek-r1.jinja"}
VARIABLES = {"bos_token": "", "eos_token": "", "add_generation_prompt": False, "enable_thinking": True,
             "functions": "[]", "datetime": "now"}


class Driver:
    def __init__(self, tool):
        self.process = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def family_of(path):
    return next(family for start, family in sorted(FAMILIES.items(), key=lambda item: -len(item[0]))
                if path.name.startswith(start))


def calls(*which):
    return [{"id": f"call0000{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for n, (name, arguments) in enumerate(which, 1)]


def prompt(driver, template, messages):
    answer = driver.ask(template=template, messages=messages, tools=TOOLS, variables=VARIABLES)
    return answer.get("prompt"), answer


def answer_text(driver, template, assistant):
    """What the template writes for the assistant's turn, from the point where a model would go on."""
    user = [{"role": "user", "content": "Hi"}]
    before, _ = prompt(driver, template, user)
    answer = driver.ask(template=template, messages=user, tools=TOOLS, variables={**VARIABLES, "add_generation_prompt": True})
    after, _ = prompt(driver, template, user + [assistant])
    if before is None or after is None:
        return None
    opened = answer.get("prompt") or before
    same = next((i for i, (a, b) in enumerate(zip(opened, after)) if a != b), min(len(opened), len(after)))
    marker = after.rfind("<", 0, same)  # the two may part inside a marker
    return after[marker if marker >= 0 and ">" not in after[marker:same] else same:]


def read_calls(events):
    found = {}
    for event in events:
        if event["kind"] == "call":
            found[event["index"]] = [event["name"], ""]
        elif event["kind"] == "arguments":
            found[event["index"]][1] += event["text"]
        elif event["kind"] == "warning":
            return event["text"]
    return [(name, json.loads(arguments)) for name, arguments in found.values()]


def check(driver, path, problems):
    template = path.read_text(encoding="utf-8")
    answer = driver.ask(template=template)
    if "error" in answer:
        return problems.append(f"{path.name}: {answer['error']}")
    family, form = answer["family"], answer["form"]
    if family != family_of(path):
        problems.append(f"{path.name}: family {family}, expected {family_of(path)}")
    if path.name in WITHOUT_TOOLS:
        return
    for wanted in ([("get_weather", WEATHER)], [("get_weather", WEATHER), ("noop", {})]):
        if form["calls_in_text"] or family == "plain":
            break
        assistant = {"role": "assistant", "tool_calls": calls(*wanted)}
        text = answer_text(driver, template, assistant)
        if text is None:
            if len(wanted) == 1:
                problems.append(f"{path.name}: cannot be rendered with a call")
            continue
        thinking = "<think>" not in text and "</think>" in text
        events = driver.ask(family=family, tools=TOOLS, text=text, thinking_open=thinking)["events"]
        got = read_calls(events)
        if wanted[-1][0] not in text:
            continue  # a template that writes the first call alone
        if got != wanted:
            problems.append(f"{path.name}: wrote {text!r}, read {got}")
    conversation = [{"role": "system", "content": "SYSTEM-TEXT"}, {"role": "user", "content": "USER-TEXT"},
                    {"role": "assistant", "tool_calls": calls(("get_weather", {"city": "CITY-TEXT"}))},
                    {"role": "tool", "tool_call_id": "call00001", "content": "RESULT-TEXT"},
                    {"role": "assistant", "content": "ANSWER-TEXT"}, {"role": "user", "content": "AGAIN-TEXT"}]
    text, answer = prompt(driver, template, conversation)
    if text is None:
        return problems.append(f"{path.name}: a conversation with tools: {answer.get('error')}")
    missing = [part for part in ("SYSTEM-TEXT", "USER-TEXT", "get_weather", "CITY-TEXT", "RESULT-TEXT", "ANSWER-TEXT",
                                 "AGAIN-TEXT", "Weather") if part not in text]
    if missing:
        problems.append(f"{path.name}: the prompt lost {missing}")


def main():
    driver = Driver(sys.argv[1] if len(sys.argv) > 1 else reference_package.built("tool_syntax_tool"))
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else reference_package.models_folder() / "templates"
    templates = sorted(folder.glob("*.jinja"))
    problems = []
    for path in templates:
        check(driver, path, problems)
    print("\n".join(problems))
    failed = len({problem.split(":")[0] for problem in problems})
    print(f"{len(templates)} templates, {len(problems)} problems")
    print(f"{len(templates) - failed} passed, {failed} failed")
    sys.exit(1 if problems or not templates else 0)


if __name__ == "__main__":
    main()
