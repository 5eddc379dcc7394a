"""Houses with dialects and proofs of their own, played in the shapes of their real answers. The model's name says how an answer goes:
ordinary, called, refused, skewed, cut, silent, malformed. Each checks the proof with the house's own library where that is small, else by
the words of the house's documentation."""
import base64
import email.utils
import hashlib
import hmac
import http.server
import json
import logging
import threading
import time
import urllib.parse

import websockets.http11
import websockets.sync.server
from tencentcloud.common.sign import Sign

ID, SECRET = "the-open-half-0123456789", "the-secret-half-0123456789"
LONG_AGO = email.utils.formatdate(1_600_000_000, usegmt=True)


class Http:
    """One HTTP house: `answer(handler, path, query, body)` for each POST."""

    def __init__(self):
        house = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, date = "HTTP/1.1", None

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                url = urllib.parse.urlsplit(self.path)
                house.asked.append((url.path, body.decode()))
                house.answer(self, url.path, dict(urllib.parse.parse_qsl(url.query)), body)

            def date_time_string(self, timestamp=None):
                return self.date or super().date_time_string(timestamp)

            def whole(self, status, value, date=None):
                self.date, text = date, json.dumps(value, ensure_ascii=False).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def events(self, *values):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for value in values:
                    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                    self.wfile.write(f"data: {text}\n\n".encode())
                self.close_connection = True

            def wait_gone(self):
                self.close_connection = True
                self.rfile.read(1)

            def log_message(self, *_):
                pass

        self.asked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Tencent(Http):
    def proved(self, handler, body):
        now, day = handler.headers["X-TC-Timestamp"], time.strftime("%Y-%m-%d", time.gmtime(int(handler.headers["X-TC-Timestamp"])))
        digest = hashlib.sha256(body).hexdigest()
        head = f"content-type:{handler.headers['Content-Type']}\nhost:{handler.headers['Host']}\n"
        canonical = f"POST\n/\n\n{head}\ncontent-type;host\n{digest}"
        scope = f"{day}/hunyuan/tc3_request"
        text = f"TC3-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = Sign.sign_tc3(SECRET, day, "hunyuan", text)
        wanted = f"TC3-HMAC-SHA256 Credential={ID}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
        return handler.headers["Authorization"] == wanted and handler.headers["X-TC-Version"] == "2023-09-01"

    def answer(self, handler, _path, _query, body):
        asked = json.loads(body)
        how = asked["Model"]

        def refuse(code, message, date=None):
            handler.whole(200, {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "r-1"}}, date)

        def piece(delta, reason="", usage=(7, 2)):
            return {"Note": "以上内容为AI生成", "Id": "i-1", "Created": 1, "RequestId": "r-1",
                    "Choices": [{"Index": 0, "Delta": {"Role": "assistant", **delta}, "FinishReason": reason}],
                    "Usage": {"PromptTokens": usage[0], "CompletionTokens": usage[1], "TotalTokens": sum(usage)}}
        if not self.proved(handler, body):
            return refuse("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")
        if how == "skewed":
            return refuse("AuthFailure.SignatureExpire", f"Signature expired: {handler.headers['Authorization']}", LONG_AGO)
        if how == "refused":
            return refuse("LimitExceeded", "Concurrency limit of " + handler.headers["Authorization"])
        if how == "silent":
            return handler.wait_gone()
        begun = piece({"Content": "你"}, usage=(7, 1))
        if not asked.get("Stream"):
            return handler.whole(200, {"Response": {**piece({}), "Choices": [{"Index": 0, "FinishReason": "stop", "Message":
                                                                              {"Role": "assistant", "Content": "你好"}}]}})
        handler.events(*{
            "ordinary": (begun, piece({"Content": "好"}), piece({"Content": ""}, "stop"), "[DONE]"),
            "called": (piece({"Content": "", "ToolCalls": [{"Id": "c-1", "Type": "function", "Index": 0, "Function":
                                                            {"Name": "weather", "Arguments": '{"city":'}}]}),
                       piece({"ToolCalls": [{"Id": "c-1", "Type": "function", "Index": 0, "Function":
                                             {"Name": "weather", "Arguments": '"京"}'}}]}, "tool_calls"), "[DONE]"),
            "cut": (begun,),
            "malformed": (begun, '{"Choices": [{"Index": 0, "Delta": {"Content": 7')}[how])


class Baidu(Http):
    tokens = 0  # all that were given stay good

    def answer(self, handler, path, query, _body):
        if path == "/oauth/2.0/token":
            if (query["client_id"], query["client_secret"]) != (ID, SECRET):
                return handler.whole(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
            self.tokens += 1
            return handler.whole(200, {"access_token": f"24.token-of-baidu-{self.tokens}", "expires_in": 2592000, "scope": "public",
                                       "refresh_token": "25.x", "session_key": "s", "session_secret": ""})
        how = path.rpartition("/")[2]
        if not query.get("access_token", "").startswith("24.token-of-baidu-"):
            return handler.whole(200, {"error_code": 110, "error_msg": "Access token invalid or no longer valid"})
        if how == "refused":
            return handler.whole(200, {"error_code": 18, "error_msg": "Open api qps request limit reached " + query["access_token"]})
        if how == "silent":
            return handler.wait_gone()

        def piece(text, end=False, usage=(4, 2), **more):
            return {"id": "as-1", "object": "chat.completion", "created": 1, "sentence_id": 0, "is_end": end, "is_truncated": False,
                    "result": text, "need_clear_history": False,
                    "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}, **more}
        call = {"name": "weather", "thoughts": "用户想知道天气", "arguments": '{"city":"京"}'}
        handler.events(*{
            "ordinary": (piece("你", usage=(4, 1)), piece("好", True, finish_reason="normal")),
            "called": (piece("", True, finish_reason="function_call", function_call=call),),
            "cut": (piece("你"),),
            "malformed": (piece("你"), '{"result": 7, "is_end": true}')}[how])


class Spark:
    """A WebSocket at every path; the application's domain says how it answers."""

    def __init__(self):
        self.asked = []
        quiet = logging.getLogger("played by a test")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False  # who is cut off has nothing to say
        self.server = websockets.sync.server.serve(self.talk, "127.0.0.1", 0, process_request=self.door, ping_interval=None, logger=quiet)
        self.host = f"127.0.0.1:{self.server.socket.getsockname()[1]}"
        self.url = f"ws://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def door(self, connection, request):
        url = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        text = f"host: {self.host}\ndate: {query.get('date')}\nGET {url.path} HTTP/1.1"
        signature = base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()
        proof = base64.b64decode(query.get("authorization", "")).decode().replace("        ", "")
        if f'api_key="{ID}"' in proof and f'signature="{signature}"' in proof and not url.path.endswith("/skewed"):
            return None
        answer = connection.respond(403, json.dumps({"message": "HMAC signature cannot be verified, a valid date or x-date header is required "
                                                                "for HMAC Authentication " + query.get("authorization", "")}))
        del answer.headers["Date"]
        answer.headers["Date"] = LONG_AGO
        return answer

    def talk(self, line):
        asked = json.loads(line.recv())
        self.asked.append(asked)

        def say(text, status, code=0, message="Success", usage=None, **more):
            payload = {"choices": {"status": status, "seq": status, "text": [{"content": text, "role": "assistant", "index": 0, **more}]}}
            if usage:
                payload["usage"] = {"text": {"question_tokens": 4, "prompt_tokens": usage[0], "completion_tokens": usage[1],
                                             "total_tokens": sum(usage)}}
            line.send(json.dumps({"header": {"code": code, "message": message, "sid": "cht-1", "status": status},
                                  **({"payload": payload} if code == 0 else {})}, ensure_ascii=False))
        how = asked["parameter"]["chat"]["domain"]
        if how in ("ordinary", "4.0Ultra"):
            say("你", 0), say("好", 1), say("", 2, usage=(5, 2))
        elif how == "called":
            say("", 2, usage=(5, 9), function_call={"name": "weather", "arguments": '{"city":"京"}'}, content_type="text")
        elif how == "refused":
            say("", 2, 11202, f"licc limit for {ID}:{SECRET}")
        elif how == "cut":
            say("你", 0)
            line.socket.close()
        elif how == "closed":
            say("你", 0)
            line.close(1008, "quota")
        elif how == "malformed":
            say("你", 0)
            line.send('{"header": {"code": 0')
        elif how == "silent":
            for _ in line:
                pass
