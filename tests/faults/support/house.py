"""A house that others are asked through: prices of its own, answers that can be held."""
import http.server
import json
import math
import threading

IN, OUT = 2000, 8000  # nano-dollars a token: 2 and 8 $/M
USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
WHOLE = 10 * IN + 5 * OUT  # what a call costs that ends: 60,000 nano-dollars
PRICE = {"house": "mock", "models": ["m"], "tokens": {"input": 2, "output": 8}, "source": "this test", "date": "2026-11-22"}
CATALOG = {"version": 1, "models": [{"id": "test/m", "name": "M", "prices": [PRICE]}]}


class House:
    """Answers at once, or holds an answer behind its first word for as long as `hold` says so. Knows what it was asked."""

    def __init__(self):
        house, self.asked, self.hold = self, [], threading.Event()
        self.release = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                house.asked.append(body["messages"][0]["content"])
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                try:
                    self.say({"choices": [{"index": 0, "delta": {"content": "one"}}]})
                    if house.hold.is_set():
                        house.release.wait()
                    self.say({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                    self.say({"choices": [], "usage": USAGE})
                    self.wfile.write(b"data: [DONE]\n\n")
                except OSError:
                    pass
                self.close_connection = True

            def say(self, chunk):
                self.wfile.write(b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "model": "m", **chunk}).encode() + b"\n\n")
                self.wfile.flush()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


def prompt_cost(name):
    return (math.ceil(4 + len(name) / 4)) * IN
