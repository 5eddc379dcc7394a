"""A house that refuses everything, in the words of the houses' own pages of error codes. The model's name says which refusal it is.

    house = RefusingHouse()
    house.url            # the base URL of an upstream, of any dialect
    REFUSALS[model]      # (status, body)
"""
import http.server
import json
import re
import threading


def openai_like(**fields):
    return {"error": {"message": "the house's words", **fields}}


def anthropic_like(kind, message):
    return {"type": "error", "error": {"type": kind, "message": message}}


REFUSALS = {
    "azure": (400, openai_like(type=None, param="prompt", code="content_filter", status=400, innererror={"code": "ResponsibleAIPolicyViolation"})),
    "dashscope": (400, openai_like(type="data_inspection_failed", param=None, code="data_inspection_failed")),
    "zhipu": (400, openai_like(code="1301")),
    "too-long": (400, {"object": "error", "message": "This model's maximum context length is 8 tokens.", "type": "BadRequestError", "code": 400}),
    "missing": (404, openai_like(type="invalid_request_error", param=None, code="model_not_found")),
    "field": (400, openai_like(type="invalid_request_error", param="messages[0].content", code="invalid_value")),
    "quota": (429, openai_like(type="insufficient_quota", param=None, code="insufficient_quota")),
    "claude-long": (400, anthropic_like("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")),
    "claude-missing": (404, anthropic_like("not_found_error", "model: claude-missing")),
    "claude-filter": (400, anthropic_like("invalid_request_error", "Output blocked by content filtering policy")),
    "gemini-long": (400, {"error": {"code": 400, "status": "INVALID_ARGUMENT",
                                    "message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}}),
}


class RefusingHouse:
    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        in_path = re.search(r"/models/([\w-]+):", self.path)
        status, body = REFUSALS[in_path.group(1) if in_path else asked["model"]]
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass
