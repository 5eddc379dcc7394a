#!/usr/bin/env python3
"""Houses that sign, that trade keys for tokens and that speak over WebSockets, behind a server: what a caller gets of each in ordinary,
refused, cut, silent and malformed answers, that no secret comes out, and that the houses' own clients read the same transcripts."""
import json
import os
import pathlib
import queue
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import SHENBI  # noqa: E402
from api.support import houses  # noqa: E402
from faults.support.process import Server, ask, case, check, data_home, equal, log_of, main  # noqa: E402

HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": {"type": "object", "properties": {}}}}]
KINDS = {"tencent": ("hunyuan_tc3", houses.Tencent, (), (7, 2)), "baidu": ("qianfan_v1", houses.Baidu, (), (4, 2)),
         "spark": ("spark_ws", houses.Spark, ("--setting", "app_id=a1b2c3"), (5, 2))}
HALVES = (houses.ID, houses.SECRET, "token-of-baidu", "Signature=", "authorization=")


# Keys that nobody told us of.
STRANGERS = ("sk-proj-0123456789abcdef", "AKIA0123456789ABCDEF", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3")

# How answers fail. A key that failed rests, so each has accounts of its own.
BROKEN = ("refused", "skewed", "cut", "malformed", "silent", "closed")


def setting():
    """A server in front of all three."""
    home = data_home()
    folder = home.__enter__()
    played = {}
    for name, (house, kind, words, _) in KINDS.items():
        played[name] = kind()
        for account in (name, *(f"{name}-{how}" for how in BROKEN), *(f"{name}-{how}-stream" for how in BROKEN[2:])):
            subprocess.run([SHENBI, "upstreams", "add", account, "--house", house, "--base-url", played[name].url, "--key-from-input",
                            "--first-timeout", "1", *words], input=f"{houses.ID}\n{houses.SECRET}\n", text=True, check=True,
                           capture_output=True, env={**os.environ, "SHENBI_HOME": str(folder)})
    return Server(models=(), home=folder, environment={"SHENBI_LOG": "debug"}), played, home


server, played, home = setting()


def chat(name, how, **more):
    account = f"{name}-{how}{'-stream' if more.get('stream') else ''}" if how in BROKEN else name
    return ask(server, "POST", "/v1/chat/completions", {"model": f"{account}/{how}", "messages": HELLO, **more})


@case
def an_ordinary_answer_comes_with_its_usage_whole_and_as_a_stream():
    for name, (_, _, _, usage) in KINDS.items():
        answer = chat(name, "ordinary")
        equal(answer.status, 200, name, answer)
        said = answer.json()
        equal((said["choices"][0]["message"]["content"], said["choices"][0]["finish_reason"]), ("你好", "stop"), name)
        equal((said["usage"]["prompt_tokens"], said["usage"]["completion_tokens"]), usage, name)
        answer = chat(name, "ordinary", stream=True, stream_options={"include_usage": True})
        pieces = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line.startswith("data: {")]
        equal("".join(p["choices"][0]["delta"].get("content") or "" for p in pieces if p["choices"]), "你好", name)
        equal(pieces[-1]["usage"]["completion_tokens"], usage[1], name)


@case
def a_call_of_a_tool_is_one_in_every_dialect():
    for name in KINDS:
        answer = chat(name, "called", tools=TOOLS)
        choice = answer.json()["choices"][0]
        equal(choice["finish_reason"], "tool_calls", name, answer)
        equal(choice["message"]["tool_calls"][0]["function"], {"name": "weather", "arguments": '{"city":"京"}'}, name)
        claude = ask(server, "POST", "/v1/messages", {
            "model": f"{name}/called", "max_tokens": 99, "messages": HELLO, "tools": [{"name": "weather", "input_schema": {"type": "object"}}]})
        equal(claude.json()["content"][-1]["input"], {"city": "京"}, name, claude)


@case
def a_setting_that_a_house_has_not_is_named_or_warned_of():
    for name, field in (("tencent", "presence_penalty"), ("baidu", "seed"), ("spark", "top_p")):
        answer = chat(name, "ordinary", **{field: 1})
        check(answer.status == 400 and field in answer.text, name, answer)
    check("max_tokens" in json.dumps(chat("tencent", "ordinary", max_tokens=5).json().get("warnings")), "the warning")


@case
def what_a_house_refuses_is_told_with_its_words_and_without_our_secrets():
    for name, words in (("tencent", "Concurrency limit of"), ("baidu", "Open api qps request limit reached"), ("spark", "licc limit for")):
        answer = chat(name, "refused")
        equal(answer.status, 429, name, answer)
        check(words in answer.text and "****" in answer.text, name, answer)
        check(not any(half in answer.text for half in HALVES), name, answer)


@case
def an_answer_that_is_cut_silent_or_damaged_is_an_error():
    for name in KINDS:
        for how in BROKEN[2:] if name == "spark" else BROKEN[2:5]:
            whole = chat(name, how)
            equal(whole.status, 502, name, how, whole)
            check(name in whole.text, name, how, whole)
            stream = chat(name, how, stream=True)
            check('"error"' in stream.text and not stream.text.rstrip().endswith('"finish_reason":"stop"'), name, how, stream)


@case
def a_wrong_clock_is_told_as_that():
    for name in ("tencent", "spark"):
        answer = chat(name, "skewed")
        check(answer.status == 502 and "s ahead of the house's" in answer.text, name, answer)
        check(not any(half in answer.text for half in HALVES), name, answer)


@case
def one_token_serves_all_calls():
    before = played["baidu"].tokens
    for _ in range(3):
        equal(chat("baidu", "ordinary").status, 200)
    check(played["baidu"].tokens - before <= 1, played["baidu"].tokens)


@case
def the_application_is_named_at_the_address_of_the_model():
    equal(chat("spark", "4.0Ultra").status, 200)
    check({"app_id": "a1b2c3"} in [asked["header"] for asked in played["spark"].asked])


@case
def tencents_own_client_reads_the_same_transcripts():
    from tencentcloud.common import credential
    from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile
    from tencentcloud.hunyuan.v20230901 import hunyuan_client, models
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=played["tencent"].host, protocol="http"))
    client = hunyuan_client.HunyuanClient(credential.Credential(houses.ID, houses.SECRET), "", profile)

    def asked(how, stream):
        request = models.ChatCompletionsRequest()
        request.from_json_string(json.dumps({"Model": how, "Stream": stream, "Messages": [{"Role": "user", "Content": "Hello"}]}))
        return client.ChatCompletions(request)
    equal(asked("ordinary", False).Choices[0].Message.Content, "你好")
    events = [json.loads(event["data"]) for event in asked("ordinary", True) if event["data"].startswith("{")]
    equal("".join(event["Choices"][0]["Delta"].get("Content", "") for event in events), "你好")
    try:
        asked("refused", False)
        check(False, "it was not refused")
    except TencentCloudSDKException as error:
        equal(error.code, "LimitExceeded")


@case
def iflyteks_own_client_reads_the_same_transcripts():
    from sparkai.llm.llm import _SparkLLMClient
    for how, text in (("ordinary", "你好"), ("called", "")):
        client = _SparkLLMClient(app_id="a1b2c3", api_key=houses.ID, api_secret=houses.SECRET, api_url=played["spark"].url + "/v1.1/chat",
                                 spark_domain=how)
        client.run([{"role": "user", "content": "Hello"}], "u1", {}, False, [])
        said = {}
        try:
            while piece := client.queue.get(timeout=60):
                said.update(piece)
                if "usage" in piece or "error" in piece:
                    break
        except queue.Empty:
            check(False, how, "no end", said)
        check("error" not in said, said)
        equal((said["data"]["content"], said["usage"]["prompt_tokens"]), (text, 5), how)


@case
def what_looks_like_a_key_is_repeated_nowhere():
    for strange in STRANGERS:
        answer = ask(server, "POST", "/v1/chat/completions", {"model": strange, "messages": HELLO})
        check(answer.status >= 400 and strange not in answer.text and "****" in answer.text, answer)


def nothing_secret_is_in_the_log_the_metrics_and_the_ledger():
    said = [log_of(server), *(ask(server, "GET", path).text for path in ("/metrics", "/page/usage/rows?limit=1000", "/page/upstreams"))]
    for text in said:
        check(not any(half in text for half in (*HALVES, *STRANGERS)), [half for half in (*HALVES, *STRANGERS) if half in text])


try:
    main(workers=1, last=nothing_secret_is_in_the_log_the_metrics_and_the_ledger)
finally:
    server.stop()
    home.__exit__(None, None, None)
