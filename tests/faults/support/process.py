"""A real server under faults: its process, its figures and the wire, below any HTTP library.

    with serving() as server:                                # a data folder of its own, the default model, a free port
        line = Wire(server); line.send(b"GET / HTTP/1.1\\r\\n")
        await_idle(server)                                   # nothing runs, nothing waits
"""
import contextlib
import functools
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from api.support.server import MODEL, PATIENCE, Server, data_folder, serving  # noqa: E402,F401
from e2e.support.cases import case, check, equal, main, wait_for  # noqa: E402,F401


@contextlib.contextmanager
def data_home():
    """A data folder that outlives its servers: Server(home=home)."""
    with tempfile.TemporaryDirectory(prefix="shenbi-faults-") as path:
        yield pathlib.Path(path)


@functools.cache
def shim(name):
    """A library to load in front of the C library, compiled from support/NAME.c."""
    library = pathlib.Path(_shims.name) / f"{name}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, pathlib.Path(__file__).parent / f"{name}.c", "-ldl"], check=True)
    return str(library)


_shims = tempfile.TemporaryDirectory(prefix="shenbi-shims-")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.text[:300]}"


def host_and_port(server):
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def ask(server, method, path, body=None, headers=None, timeout=PATIENCE):
    """One request on a connection of its own. `body`: bytes as they are, anything else as JSON."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    line = http.client.HTTPConnection(*host_and_port(server), timeout=timeout)
    try:
        line.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = line.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        line.close()


# The default model goes on with it and never comes to an end: an answer lasts as long as a test needs it.
ENDLESS = "Sing la for ever." + " la" * 100


def stored_model():
    """The file of the default model."""
    return next((data_folder() / "models" / "gemma3" / "270m").glob("*.gguf"))


def chat_body(text="Say a word.", **more):
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], "temperature": 0, **more}


def chat(server, text="Say a word.", headers=None, **more):
    return ask(server, "POST", "/v1/chat/completions", chat_body(text, **{"max_tokens": 4, **more}), headers)


def answers(server):
    """The server serves: a chat gets its answer."""
    answer = chat(server)
    equal(answer.status, 200, answer)


class Wire:
    """A bare connection."""

    def __init__(self, server, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(host_and_port(server))

    def send(self, data):
        self.socket.sendall(data)
        return self

    def post(self, path, body, headers=""):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n{headers}\r\n".encode() + data)

    def read_until(self, mark):
        """What has come once it holds `mark`, or until the server closes."""
        data = b""
        while mark not in data:
            piece = self.socket.recv(65536)
            if not piece:
                break
            data += piece
        return data

    def read_all(self):
        """Until the server closes."""
        data = b""
        while True:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return data
            if not piece:
                return data
            data += piece

    def status(self):
        found = re.match(rb"HTTP/1\.[01] (\d+)", self.read_until(b"\r\n\r\n"))
        return int(found[1]) if found else None

    def reset(self):
        """Gone at once, with an RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def figure(server, name, **labels):
    """The sum of the lines of a metric that carry these labels."""
    total = 0.0
    for line in server.metrics().splitlines():
        if line.startswith(name + "{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
            total += float(line.rpartition(" ")[2])
    return total


def running(server):
    return figure(server, "shenbi:num_requests_running") + figure(server, "shenbi:num_requests_waiting")


def await_idle(server):
    wait_for(lambda: running(server) == 0, "the model to be free")


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def resident_bytes(server):
    for line in open(f"/proc/{server.process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


def cpu_seconds(server):
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def log_of(server):
    return (server.home / "server.log").read_text(errors="replace")
