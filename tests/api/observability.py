#!/usr/bin/env python3
"""What operators see: /metrics read by Prometheus' own parser, the log line by line as JSON, /health."""
import json
import pathlib
import sys
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, serving  # noqa: E402
from e2e.support.cases import case, check, equal, main, wait_for  # noqa: E402

JSON_LOG = {"SHENBI_LOG": "info", "SHENBI_LOG_FORMAT": "json"}
VLLM = ["time_to_first_token_seconds", "inter_token_latency_seconds", "e2e_request_latency_seconds", "request_queue_time_seconds",
        "request_prefill_time_seconds", "request_decode_time_seconds", "request_inference_time_seconds", "request_time_per_output_token_seconds",
        "request_prompt_tokens", "request_generation_tokens", "iteration_tokens_total", "prompt_tokens", "generation_tokens", "request_success",
        "num_preemptions", "spec_decode_num_draft_tokens", "spec_decode_num_accepted_tokens", "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "prefix_cache_queries", "prefix_cache_hits"]
PROCESS = ["process_resident_memory_bytes", "process_virtual_memory_bytes", "process_cpu_seconds", "process_open_fds", "process_max_fds",
           "process_start_time_seconds"]


def ask(server, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data=data, headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def chat(server, headers=None, **more):
    body = {"model": MODEL, "messages": [{"role": "user", "content": "What is the capital of France?"}], "max_tokens": 8, "temperature": 0, **more}
    return ask(server, "/v1/chat/completions", body, **(headers or {}))


def families(server):
    found = {}
    for family in text_string_to_metric_families(server.metrics()):
        check(family.name not in found, "told twice", family.name)
        check(family.type in ("counter", "gauge", "histogram"), family.name, family.type)
        check(family.documentation, family.name)
        found[family.name] = family
    return found


def sample(family, name, **labels):
    found = [s.value for s in family.samples if s.name == name and all(s.labels.get(k) == v for k, v in labels.items())]
    equal(len(found), 1, name, labels, family.samples)
    return found[0]


def log_lines(server):
    return [json.loads(line) for line in (server.home / "server.log").read_text().splitlines() if line.startswith("{")]


def line_of(server, request):
    return wait_for(lambda: [line for line in log_lines(server) if line.get("request") == request and line.get("event") == "request"],
                    f"the line of {request}")[0]


@case
def metrics_are_what_prometheus_reads_and_vllms_dashboards_ask_for():
    with serving() as server:
        usage = [json.loads(chat(server)[1])["usage"], json.loads(chat(server, n=2)[1])["usage"]]
        found = families(server)
        for name in VLLM:
            check("shenbi:" + name in found, name, sorted(found))
        for name in PROCESS:
            check(name in found and found[name].samples[0].value > 0, name)
        for family in found.values():
            if family.type != "histogram":
                continue
            series = {}
            for s in family.samples:
                if s.name.endswith("_bucket"):
                    key = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
                    series.setdefault(key, []).append((float(s.labels["le"]), s.value))
            for key, buckets in series.items():
                equal(buckets, sorted(buckets), family.name)
                equal([v for _, v in buckets], sorted(v for _, v in buckets), family.name)
                equal(buckets[-1][0], float("inf"))
                equal(buckets[-1][1], sample(family, family.name + "_count", **dict(key)))
        answers = 3
        for name in ("request_queue_time_seconds", "request_prefill_time_seconds", "request_decode_time_seconds", "request_prompt_tokens",
                     "request_generation_tokens", "time_to_first_token_seconds", "e2e_request_latency_seconds"):
            equal(sample(found["shenbi:" + name], f"shenbi:{name}_count", model_name=MODEL), answers, name)
        generated = sum(u["completion_tokens"] for u in usage)
        equal(sample(found["shenbi:generation_tokens"], "shenbi:generation_tokens_total", model_name=MODEL), generated)
        equal(sample(found["shenbi:request_generation_tokens"], "shenbi:request_generation_tokens_sum", model_name=MODEL), generated)
        equal(sample(found["shenbi:model_load_seconds"], "shenbi:model_load_seconds_count", model_name=MODEL), 1)
        check(sample(found["shenbi:iteration_tokens_total"], "shenbi:iteration_tokens_total_count", model_name=MODEL) > 0)
        labels = found["shenbi:build_info"].samples[0].labels
        equal(labels["version"], json.loads(ask(server, "/version")[1])["version"])


@case
def metrics_are_valid_before_anything_happened():
    with serving(models=()) as server:
        check("shenbi:time_to_first_token_seconds" in families(server))


@case
def each_request_is_one_line_of_the_log_with_its_figures():
    with serving("--api-key", "sk-very-secret-indeed", environment=JSON_LOG) as server:
        key = {"Authorization": "Bearer sk-very-secret-indeed"}
        status, text = chat(server, headers={**key, "X-Request-Id": "one"})
        equal(status, 200, text)
        usage, line = json.loads(text)["usage"], line_of(server, "one")
        expected = {"level": "info", "event": "request", "method": "POST", "route": "/v1/chat/completions", "status": 200, "peer": "127.0.0.1",
                    "key": "given at the start", "model": MODEL, "prompt_tokens": usage["prompt_tokens"],
                    "completion_tokens": usage["completion_tokens"], "cached_tokens": usage["prompt_tokens_details"]["cached_tokens"],
                    "bytes_out": len(text.encode()), "finish": json.loads(text)["choices"][0]["finish_reason"]}
        equal({k: line[k] for k in expected}, expected)
        check(0 < line["ttft_ms"] <= line["ms"] and line["bytes_in"] > 50 and line["queue_ms"] >= 0, line)

        text = chat(server, headers={**key, "X-Request-Id": "two"}, stream=True)[1]
        line = line_of(server, "two")
        equal((line["status"], line["bytes_out"], line["completion_tokens"]), (200, len(text.encode()), usage["completion_tokens"]))

        equal(chat(server, headers={"X-Request-Id": "three"})[0], 401)
        line = line_of(server, "three")
        equal((line["status"], line["error"], line["route"]), (401, "refused", "/v1/chat/completions"))
        equal(chat(server, headers={**key, "X-Request-Id": "four"}, temperature=9)[0], 400)
        equal(line_of(server, "four")["error"], "invalid_argument")
        equal(ask(server, "/v1/embeddings", {"model": MODEL, "input": "a b c"}, **key, **{"X-Request-Id": "five"})[0], 200)
        check(line_of(server, "five")["prompt_tokens"] > 0)
        for request in ("one", "two", "three", "four", "five"):
            equal(len([one for one in log_lines(server) if one.get("request") == request and one["event"] == "request"]), 1, request)
        check("very-secret" not in (server.home / "server.log").read_text())


@case
def no_request_can_write_a_line_of_its_own():
    with serving(models=(), environment=JSON_LOG) as server:
        ask(server, "/v1/models", **{"X-Request-Id": 'a","status":999'})
        ask(server, "/v1/%0d%0a%7b%22event%22:%22forged%22%7d")
        ask(server, "/v1/chat/completions", {"model": 'x\r\n{"event":"forged"}', "messages": [{"role": "user", "content": "x"}]})
        wait_for(lambda: len(log_lines(server)) >= 3, "three lines")
        server_lines = (server.home / "server.log").read_text().splitlines()
        for line in server_lines:
            if line.startswith("{"):
                check(json.loads(line).get("event") != "forged" and json.loads(line).get("status") != 999, line)


@case
def an_error_in_a_handler_is_logged_under_the_requests_number():
    with serving("--memory", "0.05", models=(), environment=JSON_LOG) as server:
        equal(chat(server, headers={"X-Request-Id": "big"})[0], 503)
        line_of(server, "big")
        messages = [line for line in log_lines(server) if line.get("request") == "big" and "message" in line]
        equal(len(messages), 1)
        equal(messages[0]["level"], "warning")
        check("needs" in messages[0]["message"], messages)


@case
def health_tells_more_when_asked():
    with serving() as server:
        equal(json.loads(ask(server, "/health")[1]), {"status": "ok"})
        status, text = ask(server, "/health?verbose")
        seen = json.loads(text)
        equal(status, 200)
        equal([model["name"] for model in seen["models"]], [MODEL])
        equal(seen["version"], json.loads(ask(server, "/version")[1])["version"])
        check(seen["sqlite"].startswith("3.") and seen["isa"] in ("scalar", "avx2", "avx512") and seen["uptime_s"] > 0, seen)
    with serving("--api-key", "a-secret-of-some-length", models=()) as server:
        equal(ask(server, "/health")[0], 200)
        equal(ask(server, "/health?verbose")[0], 401)
        equal(ask(server, "/health?verbose=1", Authorization="Bearer a-secret-of-some-length")[0], 200)


main(workers=2)
