"""Local HTTP servers that speak as model hubs do, and fail as networks do.

    with Server() as server:
        server.files["/m.gguf"] = File(content, etag='"1"')
        server.cut = lambda request, length: 1000      # every body ends after 1000 bytes, the connection closes
        server.hold_after = 5_000_000                   # bodies stop there until server.release()
"""
import hashlib
import http.server
import json
import socket
import threading


class File:
    def __init__(self, content, etag=None, ranges=True):
        self.content, self.etag, self.ranges = content, etag, ranges


class Redirect:
    def __init__(self, location, status=302):
        self.location, self.status = location, status


class Status:
    def __init__(self, status, headers=None, body=b"trouble"):
        self.status, self.headers, self.body = status, headers or {}, body


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Server:
    def __init__(self):
        self.files = {}           # path (or absolute address, for a proxy) -> File, Redirect, Status, bytes (JSON)
        self.answer = None        # request -> one of these, or None to look into files
        self.cut = None           # (request, body length) -> bytes after which the connection is cut, or None
        self.spoil = None         # bytes of a body -> other bytes
        self.hold_after = None    # bytes of all bodies after which bodies wait
        self.requests = []        # (path, headers)
        self.body_bytes = 0
        self._lock = threading.Lock()
        self._released = threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner._serve(self)

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # clients that go away are what is tested
                pass

        self._server = Listener(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def release(self):
        self.hold_after = None
        self._released.set()

    def paths(self, part=""):
        with self._lock:
            return [path for path, _ in self.requests if part in path]

    # --- one request ---

    def _serve(self, request):
        request.close_connection = True
        with self._lock:
            self.requests.append((request.path, {k.lower(): v for k, v in request.headers.items()}))
        found = self.answer(request) if self.answer else None
        if found is None:
            found = self.files.get(request.path, Status(404))
        if isinstance(found, bytes):
            found = Status(200, {"Content-Type": "application/json"}, found)
        if isinstance(found, Redirect):
            found = Status(found.status, {"Location": found.location}, b"")
        if isinstance(found, Status):
            self._send(request, found.status, found.headers, found.body)
        else:
            self._send_file(request, found)

    def _send_file(self, request, file):
        headers, status, body = {}, 200, file.content
        if file.etag:
            headers["ETag"] = file.etag
        wanted = request.headers.get("Range")
        if file.ranges and wanted:
            first, last = wanted.removeprefix("bytes=").split("-")
            first, last = int(first), min(int(last or len(body)), len(body) - 1)
            if first >= len(body):
                self._send(request, 416, {"Content-Range": f"bytes */{len(body)}"}, b"")
                return
            status, headers["Content-Range"] = 206, f"bytes {first}-{last}/{len(body)}"
            body = body[first:last + 1]
        self._send(request, status, headers, body)

    def _send(self, request, status, headers, body):
        if self.spoil:
            body = self.spoil(body)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if "Transfer-Encoding" not in headers:
            request.send_header("Content-Length", str(len(body)))
        request.send_header("Connection", "close")
        request.end_headers()
        end = self.cut(request, len(body)) if self.cut else None
        for at in range(0, len(body) if end is None else end, 65536):
            part = body[at:min(at + 65536, len(body) if end is None else end)]
            with self._lock:
                held = self.hold_after is not None and self.body_bytes >= self.hold_after
                if not held:
                    self.body_bytes += len(part)
            if held:
                self._released.wait()
                with self._lock:
                    self.body_bytes += len(part)
            request.wfile.write(part)
        if end is not None:
            request.wfile.flush()
            request.connection.shutdown(socket.SHUT_RDWR)


# --- what hubs answer ---

def hugging_face(server, repository, files, cdn=None, revision="main"):
    """Lists {path: content} as the tree API does; large files come from `cdn` by a redirect, as they do there."""
    listing = []
    for path, content in files.items():
        entry = {"type": "file", "path": path, "size": len(content), "oid": "0" * 40}
        here = f"/{repository}/resolve/{revision}/{path}"
        if path.endswith((".gguf", ".safetensors")):
            entry["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 135}
        if cdn and "lfs" in entry:
            cdn.files[f"/blob/{sha256(content)}"] = File(content, etag=f'"{sha256(content)}"')
            server.files[here] = Redirect(f"{cdn.url}/blob/{sha256(content)}")
        else:
            server.files[here] = File(content, etag=f'"{sha256(content)[:40]}"')
        listing.append(entry)
    server.files[f"/api/models/{repository}/tree/{revision}?recursive=true"] = json.dumps(listing).encode()


def model_scope(server, repository, files, revision="master"):
    listing = [{"Type": "tree", "Path": "sub", "Size": 0}]
    for path, content in files.items():
        listing.append({"Type": "blob", "Path": path, "Size": len(content), "Sha256": sha256(content)})
        server.files[f"/models/{repository}/resolve/{revision}/{path}"] = File(content)
    server.files[f"/api/v1/models/{repository}/repo/files?Revision={revision}&Recursive=true"] = json.dumps(
        {"Code": 200, "Success": True, "Data": {"Files": listing}}).encode()


def ollama(server, name, tag, layers, cdn=None):
    """layers: [(kind, content)]; the blobs come from `cdn` by a redirect, as they do there."""
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": "sha256:" + "0" * 64},
                "layers": []}
    for kind, content in layers:
        digest = f"sha256:{sha256(content)}"
        manifest["layers"].append({"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest,
                                   "size": len(content)})
        path = f"/v2/{name}/blobs/{digest}"
        server.files[path] = File(content)
        if cdn:
            cdn.files[f"/store/{digest}"] = File(content)
            server.files[path] = Redirect(f"{cdn.url}/store/{digest}", 307)
    server.files[f"/v2/{name}/manifests/{tag}"] = json.dumps(manifest).encode()
