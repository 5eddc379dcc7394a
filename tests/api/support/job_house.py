"""Houses that work in tasks, played behind one port, each in its own wire: Alibaba Cloud's Wan, fal.ai's queue, MiniMax, Runway, HeyGen and
D-ID; ElevenLabs' listening and Stability's sounds, which answer at once.

    house = JobHouse()
    house.url("fal")          # the base URL of an upstream of that house
    house.requests            # (method, path, headers, body) in their order

A task is queued, then running, then done. The prompt says otherwise: `refused` (the task fails), `unwell` (the house fails the first look with
a 503), `malformed` (the first look has half an answer), `cut` (it breaks off), `expiry` (the first link to the result has expired), `busy` (429),
`wrong` (400), `endless` (it runs on).
"""
import json
import re
import threading

from .media_house import FILM, SOUND, fields_of
import http.server

WHY = "not this one, says the house"
HEARD = {"language_code": "eng", "language_probability": 0.99, "text": "hi there", "audio_duration_secs": 2.5,
         "words": [{"text": "hi", "start": 0.1, "end": 0.4, "type": "word", "logprob": 0.0}, {"text": " ", "type": "spacing", "logprob": 0.0},
                   {"text": "there", "start": 0.5, "end": 0.9, "type": "word", "logprob": 0.0}]}
BASES = {"dashscope": "/compatible-mode/v1", "fal": "/fal", "minimax": "/minimax/v1", "runway": "/runway/v1", "heygen": "/heygen", "did": "/did",
         "elevenlabs": "/elevenlabs/v1", "stability": "/stability"}


class Task:
    def __init__(self, name, house, prompt, picture):
        self.name, self.house, self.prompt, self.picture, self.looks, self.links, self.stopped = name, house, prompt, picture, 0, 0, False


class JobHouse:
    def __init__(self):
        self.requests, self.tasks, self.lock = [], {}, threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, house):
        return self.root + BASES[house]

    def stop(self):
        self.server.shutdown()

    def sent(self, method, pattern):
        """The requests whose path that is."""
        with self.lock:
            return [one for one in self.requests if one[0] == method and re.search(pattern, one[1])]

    def submit(self, house, prompt, picture=False):
        with self.lock:
            task = Task(f"t{len(self.tasks)}", house, prompt, picture)
            self.tasks[task.name] = task
        return task

    def link(self, task):
        """A fresh address of what was made."""
        task.links += 1
        return f"{self.root}/made/{task.name}/{task.links}"

    # --- what a look at a task says, in each house's words; `state`: queued, running, done, failed, stopped ---

    def dashscope(self, task, state):
        words = {"queued": "PENDING", "running": "RUNNING", "done": "SUCCEEDED", "failed": "FAILED", "stopped": "CANCELED"}
        output = {"task_id": task.name, "task_status": words[state], "submit_time": "2026-11-23 10:00:00.000"}
        usage = {}
        if state == "failed":
            output |= {"code": "DataInspectionFailed", "message": WHY}
        if state == "done" and task.picture:
            output |= {"results": [{"orig_prompt": task.prompt, "url": self.link(task)}], "task_metrics": {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}}
            usage = {"usage": {"image_count": 1}}
        elif state == "done":
            output |= {"video_url": self.link(task), "orig_prompt": task.prompt}
            usage = {"usage": {"video_duration": 5, "video_count": 1, "SR": 720}}
        return {"request_id": "r", "output": output, **usage}

    def fal(self, task, state):
        words = {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}
        more = {"queue_position": 1} if state == "queued" else {"logs": None, "metrics": {}}
        if state == "failed":
            more |= {"error": WHY, "error_type": "content_policy_violation"}
        return {"status": words.get(state, "COMPLETED"), "request_id": task.name, **more}

    def minimax(self, task, state):
        words = {"queued": "Queueing", "running": "Processing", "done": "Success", "failed": "Fail"}
        more = {"file_id": f"f{task.name}", "video_width": 1366, "video_height": 768} if state == "done" else {}
        failed = state == "failed"
        return {"task_id": task.name, "status": words[state], **more,
                "base_resp": {"status_code": 1027 if failed else 0, "status_msg": WHY if failed else "success"}}

    def runway(self, task, state):
        words = {"queued": "PENDING", "running": "RUNNING", "done": "SUCCEEDED", "failed": "FAILED", "stopped": "CANCELLED"}
        more = {"queued": {"estimatedCost": {"credits": 25}}, "running": {"progress": 0.5}, "done": {"output": [self.link(task)]},
                "failed": {"failure": WHY, "failureCode": "SAFETY.INPUT.TEXT"}}.get(state, {})
        return {"id": task.name, "createdAt": "2026-11-23T10:00:00.000Z", "status": words[state], **more}

    def heygen(self, task, state):
        words = {"queued": "pending", "running": "processing", "done": "completed", "failed": "failed"}
        more = {"done": {"video_url": self.link(task), "duration": 3.5}, "failed": {"failure_message": WHY, "failure_code": "MODERATION"}}.get(state, {})
        return {"data": {"id": task.name, "title": "x", "status": words[state], **more}}

    def did(self, task, state):
        words = {"queued": "created", "running": "started", "done": "done", "failed": "error"}
        more = {"done": {"result_url": self.link(task), "duration": 3.5}, "failed": {"error": {"kind": "ModerationError", "description": WHY}}}.get(state, {})
        return {"id": task.name, "object": "talk", "created_at": "2026-11-23T10:00:00.000Z", "status": words[state], **more}

    def state(self, task):
        with self.lock:
            task.looks += 1
            if task.stopped:
                return "stopped"
            if task.prompt == "endless":
                return "running"
            if task.prompt == "refused":
                return "failed"
            return ("queued", "running", "done")[min(task.looks, 3) - 1]


SUBMITTED = {"dashscope": lambda task: {"request_id": "r", "output": {"task_id": task.name, "task_status": "PENDING"}},
             "fal": lambda task: {"status": "IN_QUEUE", "request_id": task.name, "queue_position": 0},
             "minimax": lambda task: {"task_id": task.name, "base_resp": {"status_code": 0, "status_msg": "success"}},
             "runway": lambda task: {"id": task.name, "estimatedCost": {"credits": 25}},
             "heygen": lambda task: {"data": {"video_id": task.name, "status": "waiting"}},
             "did": lambda task: {"id": task.name, "object": "talk", "created_at": "2026-11-23T10:00:00.000Z", "status": "created"}}
WRONG = {"dashscope": (400, {"request_id": "r", "code": "InvalidParameter", "message": WHY}), "fal": (422, {"detail": WHY}),
         "minimax": (400, {"base_resp": {"status_code": 2013, "status_msg": WHY}}), "runway": (400, {"error": WHY}),
         "heygen": (400, {"error": {"code": "invalid_parameter", "message": WHY}}), "did": (400, {"kind": "ValidationError", "message": WHY, "code": 1})}
# What each house's own documents give as the address of a submission, and which house it is.
SUBMIT = [("dashscope", r"^/api/v1/services/aigc/(text2image/image-synthesis|video-generation/video-synthesis)$"), ("fal", r"^/fal/[^/]+/[^/]+"),
          ("minimax", r"^/minimax/v1/video_generation$"), ("runway", r"^/runway/v1/(text|image)_to_video$"), ("heygen", r"^/heygen/v3/videos$"),
          ("did", r"^/did/talks$")]
LOOK = [("dashscope", r"^/api/v1/tasks/([^/]+)$"), ("fal", r"^/fal/[^/]+/[^/]+/requests/([^/]+)/status$"),
        ("minimax", r"^/minimax/v1/query/video_generation\?task_id=([^&]+)$"), ("runway", r"^/runway/v1/tasks/([^/]+)$"),
        ("heygen", r"^/heygen/v3/videos/([^/]+)$"), ("did", r"^/did/talks/([^/]+)$")]
STOP = [("POST", r"^/api/v1/tasks/([^/]+)/cancel$"), ("PUT", r"^/fal/[^/]+/[^/]+/requests/([^/]+)/cancel$"), ("DELETE", r"^/runway/v1/tasks/([^/]+)$")]
PROOF = {"dashscope": ("Authorization", "Bearer {}"), "fal": ("Authorization", "Key {}"), "minimax": ("Authorization", "Bearer {}"),
         "runway": ("Authorization", "Bearer {}"), "heygen": ("X-Api-Key", "{}"), "did": ("Authorization", "Basic {}"),
         "elevenlabs": ("xi-api-key", "{}"), "stability": ("Authorization", "Bearer {}")}


def first(table, path):
    return next(((house, found) for house, pattern in table if (found := re.search(pattern, path))), (None, None))


def handler(house):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def say(self, status, body, kind="application/json", more=(), length=None):
            body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
            self.send_response(status)
            for name, value in [("Content-Type", kind), ("Content-Length", str(len(body) if length is None else length)), *more]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = length is not None

        def take(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with house.lock:
                house.requests.append((self.command, self.path, dict(self.headers), body))
            return body

        def stops(self):
            for method, pattern in STOP:
                if self.command == method and (found := re.search(pattern, self.path)):
                    house.tasks[found[1]].stopped = True
                    self.say(204 if method == "DELETE" else 200, b"" if method == "DELETE" else {"status": "CANCELLATION_REQUESTED"})
                    return True
            return False

        def do_PUT(self):
            self.take()
            if not self.stops():
                self.say(404, {"detail": "Not Found"})

        do_DELETE = do_PUT

        def do_POST(self):
            body = self.take()
            if self.stops():
                return None
            if self.path == "/elevenlabs/v1/speech-to-text":
                return self.say(200, HEARD)
            if self.path == "/stability/v2beta/audio/stable-audio-2/text-to-audio":
                return self.say(200, SOUND, "audio/mpeg")
            name, _ = first(SUBMIT, self.path)
            if name is None:
                return self.say(404, {"detail": "Not Found"})
            fields = fields_of(self.headers, body)
            prompt = (fields.get("prompt") or fields.get("promptText") or (fields.get("input") or {}).get("prompt") or fields.get("script"))
            prompt = prompt["input"] if isinstance(prompt, dict) else prompt
            if prompt == "busy":
                return self.say(429, {"code": "Throttling.RateQuota", "message": "slowly"}, more=[("Retry-After", "7")])
            if prompt == "wrong":
                return self.say(*WRONG[name])
            task = house.submit(name, prompt, "image" in self.path or "flux" in self.path)
            return self.say(200, SUBMITTED[name](task))

        def do_GET(self):
            self.take()
            if found := re.search(r"^/made/([^/]+)/([0-9]+)$", self.path):
                task = house.tasks[found[1]]
                if task.prompt == "expiry" and found[2] == "1":
                    return self.say(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>", "application/xml")
                return self.say(200, FILM, "video/mp4")
            if found := re.search(r"^/fal/[^/]+/[^/]+/requests/([^/]+)$", self.path):
                task = house.tasks[found[1]]
                made = {"url": house.link(task)}
                return self.say(200, {"images": [made]} if task.picture else {"video": made})
            if found := re.search(r"^/minimax/v1/files/retrieve\?file_id=f([^&]+)$", self.path):
                return self.say(200, {"file": {"file_id": 7, "bytes": 0, "purpose": "video_generation", "download_url": house.link(house.tasks[found[1]])},
                                      "base_resp": {"status_code": 0, "status_msg": "success"}})
            name, found = first(LOOK, self.path)
            if name is None or found[1] not in house.tasks:
                return self.say(404, {"detail": "Not Found"})
            task = house.tasks[found[1]]
            first_look = task.looks == 0
            told = getattr(house, name)(task, house.state(task))
            if first_look and task.prompt == "unwell":
                return self.say(503, {"message": "away for a moment"})
            if first_look and task.prompt == "malformed":
                return self.say(200, json.dumps(told).encode()[:-3])
            if first_look and task.prompt == "cut":
                return self.say(200, json.dumps(told).encode()[:10], length=1000)
            return self.say(200, told)
    return Handler
