"""A house of OpenAI's dialect whose answers are written down: the same request always gets the same answer, to the letter. What a request
wants and the model's name decide; every request that came is kept."""
import http.server
import json
import threading
import urllib.parse

KEY = "sk-of-the-scripted-house-0123456789"
HEAD = {"id": "chatcmpl-scripted", "created": 1_700_000_000, "system_fingerprint": "fp_scripted"}
USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
         "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}
WORDS = ["One", " two", ", 三", "."]
ARGUMENTS = ['{"town":', ' "Paris"', "}"]
CALL = {"id": "call_scripted", "type": "function", "function": {"name": "get_weather", "arguments": "".join(ARGUMENTS)}}
LOGPROBS = [{"token": word, "logprob": -0.25 * place, "bytes": list(word.encode()), "top_logprobs": []} for place, word in enumerate(WORDS, 1)]
RETRY_AFTER = 7

# By the model's name: status, and what stands in "error".
REFUSALS = {
    "limited": (429, {"message": "Rate limit reached for requests", "type": "requests", "param": None, "code": "rate_limit_exceeded"}),
    "spent": (429, {"message": "You exceeded your current quota", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}),
    "broken": (500, {"message": "The server had an error", "type": "server_error", "param": None, "code": None}),
    "busy": (503, {"message": "The engine is currently overloaded", "type": "service_unavailable", "param": None, "code": None}),
    "gone": (404, {"message": "The model `gone` does not exist", "type": "invalid_request_error", "param": None, "code": "model_not_found"}),
    "unknown": (404, {"message": "The model `unknown` does not exist", "type": "invalid_request_error", "param": None, "code": "model_not_found"}),
    "small": (400, {"message": "This model's maximum context length is 8 tokens. However, your messages resulted in 11 tokens.",
                    "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}),
    "careful": (400, {"message": "Your request was rejected by our safety system", "type": "invalid_request_error", "param": None,
                      "code": "content_policy_violation"}),
    "forbidden": (403, {"message": "Project does not have access to model", "type": "invalid_request_error", "param": None,
                        "code": "model_not_found"}),
    "strict": (422, {"message": "messages: not processable", "type": "invalid_request_error", "param": "messages", "code": None}),
}
KNOWN = {"model", "messages", "stream", "stream_options", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "n",
         "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "tools", "tool_choice",
         "parallel_tool_calls", "user", "reasoning_effort", "metadata", "store", "service_tier"}


class ScriptedHouse:
    def __init__(self):
        house, self.asked, self.lock = self, [], threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with house.lock:
                    house.asked.append(body)
                path = urllib.parse.urlsplit(self.path).path
                if self.headers.get("Authorization") != f"Bearer {KEY}" or body["model"] == "barred":
                    return self.refuse(401, {"message": f"Incorrect API key provided: {KEY}", "type": "invalid_request_error", "param": None,
                                             "code": "invalid_api_key"})
                if body["model"] in REFUSALS:
                    return self.refuse(*REFUSALS[body["model"]])
                if path == "/v1/embeddings":
                    return self.whole(200, embeddings(body))
                if path != "/v1/chat/completions":
                    return self.refuse(404, {"message": f"Invalid URL (POST {self.path})", "type": "invalid_request_error", "param": None, "code": None})
                if unknown := sorted(set(body) - KNOWN):
                    return self.refuse(400, {"message": f"Unrecognized request argument supplied: {unknown[0]}", "type": "invalid_request_error",
                                             "param": unknown[0], "code": None})
                if not 0 <= body.get("temperature", 1) <= 2:
                    return self.refuse(400, {"message": "Invalid 'temperature': must be at most 2", "type": "invalid_request_error",
                                             "param": "temperature", "code": "decimal_above_max_value"})
                if body.get("stream"):
                    return self.events(body["model"], pieces(body))
                self.whole(200, whole(body))

            def do_GET(self):
                if urllib.parse.urlsplit(self.path).path != "/v1/models":
                    return self.refuse(404, {"message": "Invalid URL", "type": "invalid_request_error", "param": None, "code": None})
                self.whole(200, {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "scripted"}]})

            def refuse(self, status, error):
                self.whole(status, {"error": error}, {"Retry-After": str(RETRY_AFTER)} if status == 429 else {})

            def whole(self, status, value, headers=None):
                said = json.dumps(value, ensure_ascii=False).encode()
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", "Content-Length": str(len(said)), **(headers or {})}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(said)

            def events(self, model, said):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                for place, piece in enumerate(said):
                    if model == "failing" and place == 3:
                        piece = {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}}
                    elif model == "cut" and place == 3:
                        return
                    self.wfile.write(b"data: " + json.dumps(piece, ensure_ascii=False).encode() + b"\n\n")
                    if "error" in piece:
                        return
                self.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def taken(self):
        """What was asked since the last time."""
        with self.lock:
            asked, self.asked = self.asked, []
        return asked

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def calls(body):
    """A tool is called once: who brings its result gets words."""
    return bool(body.get("tools")) and body.get("tool_choice") != "none" and body["messages"][-1]["role"] != "tool"


def text(body):
    return json.dumps({"town": "Paris"}) if "response_format" in body else "".join(WORDS)


def whole(body):
    answer = {"role": "assistant", "content": None if calls(body) else text(body), "refusal": None, "annotations": []}
    if calls(body):
        answer["tool_calls"] = [CALL]
    end = "tool_calls" if calls(body) else "stop"
    choices = [{"index": place, "message": answer, "logprobs": {"content": LOGPROBS, "refusal": None} if body.get("logprobs") else None,
                "finish_reason": end} for place in range(body.get("n", 1))]
    return {**HEAD, "object": "chat.completion", "model": body["model"], "choices": choices, "usage": USAGE, "service_tier": "default"}


def pieces(body):
    counted = bool((body.get("stream_options") or {}).get("include_usage"))

    def piece(delta, end=None, logprobs=None):
        return {**HEAD, "object": "chat.completion.chunk", "model": body["model"], "service_tier": "default",
                "choices": [{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": end}], **({"usage": None} if counted else {})}

    yield piece({"role": "assistant", "content": None if calls(body) else "", "refusal": None})
    if calls(body):
        yield piece({"tool_calls": [{"index": 0, **CALL, "function": {"name": "get_weather", "arguments": ""}}]})
        for part in ARGUMENTS:
            yield piece({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
    else:
        for place, word in enumerate([text(body)] if "response_format" in body else WORDS):
            yield piece({"content": word}, None, {"content": [LOGPROBS[place]], "refusal": None} if body.get("logprobs") else None)
    yield piece({}, "tool_calls" if calls(body) else "stop")
    if counted:
        yield {**piece({}), "choices": [], "usage": USAGE}


def embeddings(body):
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    return {"object": "list", "model": body["model"], "usage": {"prompt_tokens": 3, "total_tokens": 3},
            "data": [{"object": "embedding", "index": place, "embedding": [0.5, -0.25, place / 4]} for place in range(len(given))]}
