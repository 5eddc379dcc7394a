#!/usr/bin/env python3
"""Traces as a collector gets them, read by OpenTelemetry's own protobuf package: whole trees, right parents, nothing said is in them,
and no collector, however slow or absent, is felt by a request."""
import base64
import contextlib
import http.server
import json
import os
import pathlib
import sys
import threading
import time
import urllib.error
import urllib.request

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, PATIENCE, serving  # noqa: E402
from e2e.support.cases import case, check, equal, main, wait_for  # noqa: E402

CALLER_TRACE, CALLER_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FAST = {"OTEL_BSP_SCHEDULE_DELAY": "20"}
SECRET = "xylophone-of-the-north"  # stands in prompts and keys, must stand in no span


class Collector:
    """Takes exports on loopback. `hang`: reads nothing and answers nothing until the end."""

    def __init__(self, hang=False):
        self.requests, self.raw, self.lock, self.over = [], [], threading.Lock(), threading.Event()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                if hang:
                    collector.over.wait(PATIENCE)
                    return
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector.lock:
                    collector.raw.append((self.path, dict(self.headers), body))
                    collector.requests.append(decoded(body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def spans(self):
        with self.lock:
            return [span for request in self.requests for resource in request.resource_spans for scope in resource.scope_spans
                    for span in scope.spans]

    def named(self, name):
        return [span for span in self.spans() if span.name == name]

    def one(self, name):
        found = wait_for(lambda: self.named(name), f"a span '{name}'")
        equal(len(found), 1, name)
        return found[0]


def decoded(body):
    """OTLP's JSON is protobuf's, but ids are hexadecimal where protobuf's has base64. Unknown fields are errors."""
    data = json.loads(body)
    for resource in data["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for field in ("traceId", "spanId", "parentSpanId"):
                    if field in span:
                        span[field] = base64.b64encode(bytes.fromhex(span[field])).decode()
    return json_format.ParseDict(data, ExportTraceServiceRequest())


def attributes(span):
    def value(any_value):
        kind = any_value.WhichOneof("value")
        return [value(v) for v in any_value.array_value.values] if kind == "array_value" else getattr(any_value, kind)
    return {a.key: value(a.value) for a in span.attributes}


def ask(server, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data=data, headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def chat(server, text="What is the capital of France?", headers=None, **more):
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 8, "temperature": 0, **more}
    return ask(server, "/v1/chat/completions", body, **(headers or {}))


@contextlib.contextmanager
def traced(*arguments, environment=None, **options):
    with Collector() as collector, serving("--otlp-endpoint", collector.url, *arguments, environment={**FAST, **(environment or {})},
                                           **options) as server:
        yield collector, server


def inside(part, whole):
    check(whole.start_time_unix_nano <= part.start_time_unix_nano <= part.end_time_unix_nano <= whole.end_time_unix_nano,
          part.name, part.start_time_unix_nano - whole.start_time_unix_nano, whole.end_time_unix_nano - part.end_time_unix_nano)


@case
def a_chat_is_a_tree_below_the_callers_span():
    with traced(environment={"OTEL_SERVICE_NAME": "kitchen", "OTEL_RESOURCE_ATTRIBUTES": "region=eu%2C1"}) as (collector, server):
        status, text = chat(server, headers={"traceparent": f"00-{CALLER_TRACE}-{CALLER_SPAN}-01", "tracestate": "congo=t61rcWkgMzE",
                                             "X-Request-Id": "mine-7"})
        equal(status, 200, text)
        usage = json.loads(text)["usage"]
        root, answer = collector.one("POST /v1/chat/completions"), collector.one(f"chat {MODEL}")
        queue, prefill, decode = (collector.one(name) for name in ("queue", "prefill", "decode"))
        render = [s for s in collector.named("render prompt") if s.parent_span_id == root.span_id]
        equal(len(render), 1)
        for span in (root, answer, queue, prefill, decode, *render):
            equal(span.trace_id.hex(), CALLER_TRACE)
            equal(span.trace_state, "congo=t61rcWkgMzE")
            equal(span.status.code, Status.STATUS_CODE_UNSET)
        equal(root.parent_span_id.hex(), CALLER_SPAN)
        equal(root.kind, Span.SPAN_KIND_SERVER)
        equal(answer.parent_span_id, root.span_id)
        for part in (queue, prefill, decode):
            equal(part.parent_span_id, answer.span_id)
            inside(part, answer)
        equal(queue.end_time_unix_nano, prefill.start_time_unix_nano)
        equal(prefill.end_time_unix_nano, decode.start_time_unix_nano)
        inside(render[0], root)
        seen = attributes(root)
        equal({k: seen[k] for k in ("http.request.method", "http.route", "http.response.status_code", "server.address", "shenbi.request.id")},
              {"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200,
               "server.address": "127.0.0.1", "shenbi.request.id": "mine-7"})
        equal(seen["server.port"], int(server.url.rsplit(":", 1)[1]))
        seen = attributes(answer)
        equal({k: v for k, v in seen.items() if k != "gen_ai.latency.time_to_first_token"},
              {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "shenbi", "gen_ai.request.model": MODEL, "gen_ai.response.model": MODEL,
               "gen_ai.usage.input_tokens": usage["prompt_tokens"], "gen_ai.usage.output_tokens": usage["completion_tokens"],
               "gen_ai.usage.cache_read.input_tokens": usage["prompt_tokens_details"]["cached_tokens"],
               "gen_ai.response.finish_reasons": [json.loads(text)["choices"][0]["finish_reason"]]})
        resource = attributes(collector.requests[0].resource_spans[0].resource)
        equal((resource["service.name"], resource["region"]), ("kitchen", "eu,1"))
        path, headers, _ = collector.raw[0]
        equal((path, headers["Content-Type"]), ("/v1/traces", "application/json"))


@case
def a_stream_and_several_choices_are_traced_alike():
    with traced() as (collector, server):
        equal(chat(server, stream=True)[0], 200)
        equal(chat(server, n=3, temperature=1)[0], 200)
        wait_for(lambda: len(collector.named("POST /v1/chat/completions")) == 2, "two roots")
        wait_for(lambda: len(collector.named(f"chat {MODEL}")) == 4, "one span an answer")
        roots = collector.named("POST /v1/chat/completions")
        check(roots[0].trace_id != roots[1].trace_id)
        equal(sorted(sum(a.parent_span_id == r.span_id for a in collector.named(f"chat {MODEL}")) for r in roots), [1, 3])
        for root in roots:
            equal(root.parent_span_id, b"")


@case
def every_face_says_what_it_does():
    with traced() as (collector, server):
        message = {"role": "user", "content": "Hi"}
        equal(ask(server, "/v1/completions", {"model": MODEL, "prompt": "Once", "max_tokens": 2})[0], 200)
        equal(ask(server, "/v1/messages", {"model": MODEL, "messages": [message], "max_tokens": 2})[0], 200)
        equal(ask(server, "/api/generate", {"model": MODEL, "prompt": "Once", "stream": False, "options": {"num_predict": 2}})[0], 200)
        equal(ask(server, f"/v1beta/models/{MODEL}:generateContent",
                  {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 2}})[0], 200)
        equal(ask(server, "/v1/embeddings", {"model": MODEL, "input": ["a", "b"]})[0], 200)
        names = {"text_completion": 2, "chat": 1, "generate_content": 1, "embeddings": 1}
        for name, count in names.items():
            wait_for(lambda: len(collector.named(f"{name} {MODEL}")) == count, f"{count} spans {name}")
        check(attributes(collector.one(f"embeddings {MODEL}"))["gen_ai.usage.input_tokens"] > 0)


@case
def failures_have_the_status_error():
    with traced("--memory", "0.05", models=()) as (collector, server):
        status, text = chat(server)
        equal(status, 503, text)
        root = collector.one("POST /v1/chat/completions")
        equal(root.status.code, Status.STATUS_CODE_ERROR)
        equal(attributes(root)["error.type"], "out_of_memory")
        equal(attributes(root)["http.response.status_code"], 503)
        equal(collector.one(f"chat {MODEL}").status.code, Status.STATUS_CODE_ERROR)


@case
def what_a_client_did_wrong_is_no_failure_of_the_server():
    with traced() as (collector, server):
        equal(chat(server, temperature=9)[0], 400)
        equal(ask(server, "/v1/nothing")[0], 404)
        equal(ask(server, "/api/chat", {"model": MODEL, "messages": [{"role": "user", "content": "x " * 20000}]})[0], 400)
        for name, status in (("POST /v1/chat/completions", 400), ("GET", 404), ("POST /api/chat", 400)):
            root = collector.one(name)
            equal(attributes(root)["http.response.status_code"], status)
            equal(root.status.code, Status.STATUS_CODE_UNSET)
        # The answer itself did fail: its prompt was too long.
        equal(collector.one(f"chat {MODEL}").status.code, Status.STATUS_CODE_ERROR)


@case
def a_load_and_a_grammar_are_parts_of_the_request_that_needed_them():
    with traced(models=()) as (collector, server):
        schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
        equal(chat(server, response_format=schema)[0], 200)
        root = collector.one("POST /v1/chat/completions")
        for name in (f"load {MODEL}", "compile grammar"):
            part = collector.one(name)
            equal(part.parent_span_id, root.span_id, name)
            inside(part, root)
        check(attributes(collector.one(f"load {MODEL}"))["shenbi.model.bytes"] > 100_000_000)
    with traced() as (collector, server):
        equal(collector.one(f"load {MODEL}").parent_span_id, b"")


@case
def a_hundred_requests_are_a_hundred_traces():
    with traced() as (collector, server):
        def several():
            for _ in range(10):
                equal(ask(server, "/v1/models")[0], 200)
        threads = [threading.Thread(target=several) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for path in ("/health", "/ready", "/version", "/metrics", "/"):
            ask(server, path)  # probes and the page's files are not traced
        server.stop()
        roots = [span for span in collector.spans() if span.kind == Span.SPAN_KIND_SERVER]
        equal([span.name for span in roots], ["GET /v1/models"] * 100)
        equal(len({span.trace_id for span in roots}), 100)


@case
def what_has_ended_is_sent_before_the_server_goes():
    with traced(environment={"OTEL_BSP_SCHEDULE_DELAY": "600000"}) as (collector, server):
        equal(chat(server)[0], 200)
        equal(collector.spans(), [])
        equal(server.stop(), 0)
        equal(len(collector.named("POST /v1/chat/completions")), 1)


@case
def nothing_said_and_no_key_is_in_a_trace():
    with traced("--api-key", f"sk-{SECRET}", environment={"OTEL_EXPORTER_OTLP_HEADERS": "api-key=collector%20key"}) as (collector, server):
        bearer = {"Authorization": f"Bearer sk-{SECRET}"}
        equal(chat(server, f"Say {SECRET}", headers=bearer, stop=[SECRET], user=SECRET)[0], 200)
        equal(chat(server, f"Say {SECRET}", headers={"Authorization": "Bearer wrong"})[0], 401)
        chat(server, headers=bearer, **{SECRET: 1})
        ask(server, f"/v1/models?key=sk-{SECRET}")
        wait_for(lambda: len([s for s in collector.spans() if s.kind == Span.SPAN_KIND_SERVER]) == 4, "four roots")
        for _, headers, body in collector.raw:
            check(SECRET.encode() not in body, body)
            equal(headers["api-key"], "collector key")


@case
def the_caller_and_the_sampler_decide_what_is_recorded():
    with traced() as (collector, server):
        equal(chat(server, headers={"traceparent": f"00-{CALLER_TRACE}-{CALLER_SPAN}-00"})[0], 200)
        equal(ask(server, "/v1/models", traceparent="00-not-a-context-01")[0], 200)
        collector.one("GET /v1/models")
        equal(collector.named("POST /v1/chat/completions"), [])
    with traced(environment={"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}) as (collector, server):
        equal(ask(server, "/v1/models")[0], 200)
        equal(ask(server, "/v1/models", traceparent=f"00-{CALLER_TRACE}-{CALLER_SPAN}-01")[0], 200)
        server.stop()
        equal([s.trace_id.hex() for s in collector.spans()], [CALLER_TRACE])


def metric(server, name):
    return sum(float(line.split()[-1]) for line in server.metrics().splitlines() if line.split(" ")[0].split("{")[0] == name)


@case
def a_collector_that_is_away_is_not_felt():
    with serving("--otlp-endpoint", "http://127.0.0.1:1", environment=FAST) as server:
        for _ in range(3):
            equal(chat(server)[0], 200)
        wait_for(lambda: metric(server, "shenbi:trace_failed_exports_total") > 0, "a failed export")
        equal(chat(server)[0], 200)
        equal(server.stop(), 0)


@case
def a_collector_that_hangs_is_not_felt_and_what_does_not_fit_is_counted():
    with Collector(hang=True) as collector:
        environment = {**FAST, "OTEL_BSP_MAX_QUEUE_SIZE": "4", "OTEL_EXPORTER_OTLP_TIMEOUT": "60000"}
        with serving("--otlp-endpoint", collector.url, environment=environment) as server:
            for _ in range(30):
                equal(ask(server, "/v1/models")[0], 200)
            check(metric(server, "shenbi:trace_spans_dropped_total") >= 20, server.metrics())
            equal(chat(server)[0], 200)
            start = time.monotonic()
            equal(server.stop(), 0)
            check(time.monotonic() - start < 60, "the end waited for the collector")


@case
def without_an_endpoint_nothing_is_traced():
    with serving(models=()) as server:
        equal(metric(server, "shenbi:trace_spans_sent_total"), 0)
        check("trace_spans" not in server.metrics())


for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]
main(workers=2)
