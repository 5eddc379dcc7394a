#!/usr/bin/env python3
"""Behind nginx: whatever bytes come, nginx and the server see the same number of requests in them. One more on the server's side would
be a request that nginx never let through. `./dev test` unpacks Debian's nginx into .cache; an installed one will do."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faults.support.framings import FRAMINGS, HEAD, TAIL  # noqa: E402
from faults.support.process import PATIENCE, Server, Wire, case, check, equal, main, wait_for  # noqa: E402

UNPACKED = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "nginx" / "usr" / "sbin"
NGINX = shutil.which("nginx", path=f"{UNPACKED}:{os.environ.get('PATH', '')}:/usr/sbin")

CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  log_format counted "$request_uri $status up:$upstream_status:";
  access_log {folder}/access counted;
  ignore_invalid_headers off;  # hand on as much as nginx can bear
  large_client_header_buffers 4 256k;
  client_header_timeout 2; client_body_timeout 2; keepalive_timeout 2;  # so long it waits for the rest of what is not whole
  upstream shenbi {{ server 127.0.0.1:{upstream}; keepalive 4; }}
  server {{
    listen unix:{folder}/listen;
    location / {{
      proxy_pass http://shenbi; proxy_http_version 1.1; proxy_request_buffering {buffering};
      proxy_set_header Connection ""; proxy_set_header Host localhost;
    }}
  }}
}}
"""


class Relay:
    """Stands between nginx and the server, and counts what the server answers."""

    def __init__(self, port):
        self.target, self.answers, self.lock = port, 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.pass_on, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(far, near, True), daemon=True).start()

    def pass_on(self, source, sink, counting):
        try:
            while data := source.recv(1 << 16):
                if counting:  # an answer of these routes is small: its head comes in one piece
                    with self.lock:
                        self.answers += len(re.findall(rb"HTTP/1\.1 \d\d\d ", data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            sink.close()

    def close(self):
        self.listener.close()


class Proxy:
    def __init__(self, upstream, buffering):
        self.folder = tempfile.TemporaryDirectory(prefix="shenbi-nginx-")
        self.path = pathlib.Path(self.folder.name)
        (self.path / "conf").write_text(CONFIGURATION.format(folder=self.path, upstream=upstream, buffering=buffering))
        self.process = subprocess.Popen([NGINX, "-e", self.path / "errors", "-p", self.path, "-c", self.path / "conf"], stderr=subprocess.DEVNULL)
        wait_for(lambda: (self.path / "listen").exists() or self.process.poll() is not None, "nginx to listen")
        check(self.process.poll() is None, "nginx did not start", (self.path / "errors").read_text())

    def connect(self):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(PATIENCE)
        line.connect(str(self.path / "listen"))
        return line

    def send(self, data):
        """All that comes back until nginx closes."""
        with self.connect() as line:
            try:
                line.sendall(data)
            except OSError:
                pass  # refused before all of it was sent
            answer = b""
            try:
                while piece := line.recv(1 << 16):
                    answer += piece
            except OSError:
                pass
            return answer

    def passed_on(self):
        """How many requests nginx has had answered by the server, once a last one has gone through."""
        last = self.send(b"GET /health?last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        check(b"200 OK" in last, last, (self.path / "errors").read_text()[-2000:])
        wait_for(lambda: "/health?last 200" in (self.path / "access").read_text(), "nginx to log")
        log = (self.path / "access").read_text().splitlines()
        return sum(len(re.findall(r"\d{3}", line.rpartition("up:")[2])) for line in log)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.folder.cleanup()


def bodies():
    """Bodies that look like requests, in framings that are in order."""
    for hidden in (TAIL, b"0\r\n\r\n" + TAIL, b"{}\r\n" + TAIL * 3):
        yield HEAD + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden + TAIL
        yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(hidden) + hidden + b"\r\n0\r\n\r\n" + TAIL
    yield TAIL * 20
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;x=" + b"y" * 100 + b"\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n" + TAIL
    yield HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}" + TAIL


def nginx_and_the_server_count_the_same_requests():
    check(NGINX, "there is no nginx: ./dev test unpacks it")
    server = Server(models=())
    try:
        for buffering in ("on", "off"):
            relay = Relay(int(server.url.rpartition(":")[2]))
            proxy = Proxy(relay.port, buffering)
            try:
                with concurrent.futures.ThreadPoolExecutor(64) as pool:
                    list(pool.map(proxy.send, [*(data + TAIL for data, _ in FRAMINGS.values()), *bodies()]))
                passed_on = proxy.passed_on()
                check(passed_on > 20, passed_on)
                equal(relay.answers, passed_on, "answers of the server against requests that nginx passed on", buffering)
            finally:
                proxy.stop()
                relay.close()
        with Wire(server) as line:
            equal(line.send(TAIL).status(), 200)
    finally:
        server.stop()


case(nginx_and_the_server_count_the_same_requests)
main(workers=1)
