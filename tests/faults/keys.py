#!/usr/bin/env python3
"""Keys under attack, over the route table that the server itself publishes: who may not is told so before a byte of the body is read, what
belongs to somebody else is not there, and no secret is written where it could be read later."""
import itertools
import json
import pathlib
import secrets
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faults.support.process import (MODEL, Server, Wire, ask, case, chat_body, check, data_home, equal, log_of, main,  # noqa: E402
                                    wait_for)

OWNER = "sk-owner-of-the-test-" + secrets.token_hex(8)
home = data_home()
folder = home.__enter__()
server = Server("--api-key", OWNER, home=folder, environment={"SHENBI_LOG": "debug"})
server.metrics = lambda: ask(server, "GET", "/metrics", headers=bearer(OWNER)).text


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def new_key(**what):
    answer = ask(server, "POST", "/page/keys", {"name": "x", **what}, bearer(OWNER))
    equal(answer.status, 201, answer)
    return answer.json()


document = ask(server, "GET", "/openapi.json", headers=bearer(OWNER)).json()


def operations():
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path, value="nothing"):
    while "{" in path:
        path = path[:path.index("{")] + value + path[path.index("}") + 1:]
    return path


def id_and_text(key):
    made = new_key(**key)
    return made["key"]["id"] if "key" in made and isinstance(made["key"], dict) else made["id"], next(
        value for value in flattened(made) if isinstance(value, str) and value.startswith("sk-shenbi-"))


def flattened(json_):
    if isinstance(json_, dict):
        for value in json_.values():
            yield from flattened(value)
    elif isinstance(json_, list):
        for value in json_:
            yield from flattened(value)
    else:
        yield json_


@case
def every_route_refuses_before_it_reads_the_body():
    revoked_id, revoked = id_and_text({})
    equal(ask(server, "DELETE", f"/page/keys/{revoked_id}", headers=bearer(OWNER)).status, 204)
    _, expired = id_and_text({"expires": 1})
    refusals = {"none": "", "wrong": "sk-shenbi-wrong-wrong", "revoked": revoked, "expired": expired, "of the prefix alone": revoked[:-8],
                "SQL": "' OR 1=1--", "a megabyte less": "x" * 60_000,
                "bytes": "\udcff\udcfe".encode(errors="surrogateescape").decode("latin-1")}
    tried = 0
    for method, path, operation in operations():
        if not operation["security"]:
            continue
        for name, key in refusals.items():
            with Wire(server) as line:
                head = f"{method} {filled(path)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n"
                line.send((head + (f"Authorization: Bearer {key}\r\n" if key else "") + "\r\n").encode("latin-1"))
                equal(line.status(), 401, method, path, name)  # the announced body was never sent
            tried += 1
    check(tried > 200, tried)


@case
def a_key_of_another_scope_is_refused_before_the_body_is_read():
    keys = {scope: id_and_text({"scopes": [scope]})[1] for scope in ("infer", "read", "manage", "page")}
    for (method, path, operation), (scope, key) in itertools.product(list(operations()), keys.items()):
        if not operation["security"] or operation["security"][0]["key"] == [scope]:
            continue
        with Wire(server) as line:
            head = f"{method} {filled(path)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n"
            line.send((head + f"Authorization: Bearer {key}\r\n\r\n").encode())
            equal(line.status(), 403, method, path, scope)


@case
def wrong_keys_are_told_apart_by_nothing():
    _, good = id_and_text({})
    wrong = ["sk-shenbi-aaaaaaaaaaaa-" + "a" * 32, good[:-1] + ("a" if good[-1] != "a" else "b"), good[:len(good) - 20], good + "x",
             good.upper(), "x", good.replace("sk-shenbi-", "sk-other-")]
    answers = {ask(server, "GET", "/v1/models", headers=bearer(key)).body for key in wrong}
    equal(len(answers), 1, answers)
    equal(ask(server, "GET", "/v1/models", headers=bearer(good)).status, 200)


def multipart(text):
    return (b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="f.jsonl"\r\n\r\n' + text.encode() + b"\n\r\n--x--\r\n")


def belongings(as_owner, secret):
    """One of everything that belongs to a key, each holding the secret: kind -> id."""
    def made(path, body, headers=None):
        answer = ask(server, "POST", path, body, {**as_owner, **(headers or {})})
        check(answer.status in (200, 201), path, answer)
        return answer.json()

    conversation = made("/page/conversations", {"title": secret})["id"]
    asked = made(f"/page/conversations/{conversation}/ask", {"content": secret, "model": MODEL, "params": {"max_tokens": 4}})
    line = {"custom_id": secret, "method": "POST", "url": "/v1/chat/completions", "body": chat_body(secret, max_tokens=1)}
    file = made("/v1/files", multipart(json.dumps(line)), {"Content-Type": "multipart/form-data; boundary=x"})["id"]
    batch = made("/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"})["id"]
    wait_for(lambda: ask(server, "GET", f"/v1/batches/{batch}", headers=as_owner).json()["status"] == "completed", "the batch to end")
    wait_for(lambda: ask(server, "GET", f"/page/conversations/{conversation}", headers=as_owner).json()["messages"][-1]["status"] == "done",
             "the answer to end")
    deleted = made("/page/conversations", {"title": secret})["id"]
    equal(ask(server, "DELETE", f"/page/conversations/{deleted}", headers=as_owner).status, 204)
    return {"conversation": conversation, "question": asked["user"]["id"], "answer": asked["answer"]["id"], "file": file, "batch": batch,
            "output": ask(server, "GET", f"/v1/batches/{batch}", headers=as_owner).json()["output_file_id"],
            "deleted": deleted, "folder": made("/page/folders", {"name": secret})["id"],
            "prompt": made("/page/prompts", {"name": secret, "content": secret})["id"],
            "response": made("/v1/responses", {"model": MODEL, "input": secret, "max_output_tokens": 16})["id"]}


def bodies_of(method, operation):
    """What a route is asked with: nothing, what its schema needs, what changes or adds something."""
    if method in ("GET", "DELETE"):
        return [None]
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    good = {"model": MODEL, "content": "x", "name": "x", "title": "x", "input": "x", "completion_window": "24h", "max_tokens": 1,
            "endpoint": "/v1/chat/completions", "messages": chat_body()["messages"], "input_file_id": "file-of-nobody", "house": "compatible"}
    needed = {name: good[name] for name in schema.get("required", []) if name in good}
    return [None, {}, needed, {"title": "x"}, {"name": "x", "content": "x"}, {"content": "x", "model": MODEL}]


@case
def what_one_key_owns_no_other_key_can_reach_by_any_route():
    secret = "canary-" + secrets.token_hex(8)
    tenant = {"scopes": ["infer", "read", "page"]}  # managing is the operator's: it is over all keys
    (key_of_a, text_of_a), (_, text_of_b) = id_and_text({"name": "a", **tenant}), id_and_text({"name": "b", **tenant})
    as_a, as_b = bearer(text_of_a), bearer(text_of_b)
    ids = {**belongings(as_a, secret), "key": key_of_a}
    look = ("/page/export", "/page/folders", "/page/prompts", "/v1/files", "/v1/batches", f"/v1/responses/{ids['response']}",
            f"/v1/files/{ids['file']}/content", f"/v1/files/{ids['output']}/content")
    before = [ask(server, "GET", path, headers=as_a).body for path in look]
    check(all(secret.encode() in body for body in before[:3] + before[-2:]), before)
    cells = 0

    def compare(method, path, one, body):
        """It must be told apart by nothing from an id that never was."""
        nobody = one[:-6] + "000000"
        theirs, none = (ask(server, method, filled(path, i), {k: i if v is one else v for k, v in body.items()} if body else body, as_b)
                        for i in (one, nobody))
        check(400 <= theirs.status < 500 and theirs.status != 401, method, path, body, theirs)
        equal((theirs.status, theirs.text.replace(one, nobody)), (none.status, none.text), method, path, body)
        check(secret not in theirs.text, method, path, theirs)
        nonlocal cells
        cells += 1

    for method, path, operation in operations():
        if not operation["security"]:
            continue
        for one in ids.values():
            if "{" in path:
                for body in bodies_of(method, operation):
                    compare(method, path, one, body)
    # The same ids where a body names them.
    for path, body, kind in (("/page/conversations", {"folder": ...}, "folder"),
                             ("/v1/responses", {"model": MODEL, "input": "x", "previous_response_id": ...}, "response"),
                             ("/page/estimate", {"model": MODEL, "content": "x", "conversation": ids["conversation"], "parent": ...}, "answer"),
                             ("/v1/batches", {"input_file_id": ..., "endpoint": "/v1/chat/completions", "completion_window": "24h"}, "file")):
        compare("POST", path, ids[kind], {name: ids[kind] if value is ... else value for name, value in body.items()})
    # And every list.
    for method, path, operation in operations():
        if method == "GET" and "{" not in path:
            for query in ("", f"?q={secret[:12]}", f"?folder={ids['folder']}", f"?after={ids['file']}", "?limit=100"):
                answer = ask(server, method, path + query, headers=as_b)
                check(secret not in answer.text and ids["conversation"] not in answer.text, path + query, answer)
                cells += 1
    check(cells > 700, cells)
    equal([ask(server, "GET", path, headers=as_a).body for path in look], before, "all of it is still there for its owner")
    equal(ask(server, "POST", f"/page/conversations/{ids['deleted']}/restore", headers=as_a).status, 200)


@case
def no_secret_reaches_the_log_or_the_metrics():
    canaries = []

    def canary(kind):
        canaries.append(f"canary{kind}{secrets.token_hex(8)}")
        return canaries[-1]

    _, key = id_and_text({"name": "of the log"})
    secret_part = key.rpartition("-")[2]
    headers = [{"Authorization": "Bearer " + canary("bearer")}, {"Authorization": "Basic " + canary("basic")},
               {"x-api-key": canary("xapikey")}, {"api-key": canary("apikey")},
               {"x-goog-api-key": canary("goog")}, {"Cookie": "session=" + canary("cookie")}, {"X-Request-Id": canary("id") + " with spaces"},
               {"Referer": "http://localhost/?key=" + canary("referer")}, {"User-Agent": canary("agent")},
               {"Origin": "http://" + canary("origin")}]
    for extra in headers:
        for method, path in (("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/nowhere")):
            ask(server, method, path, {} if method == "POST" else None, extra)
            ask(server, method, path, {} if method == "POST" else None, {**bearer(key), **extra})
    for path in ("/v1/models?key={}", "/nowhere/{}", "/v1/models/{}", "/page/conversations/{}", "/page/conversations?q={}",
                 "/page/conversations?limit={}", "/v1/responses/{}", "/v1beta/models/{}"):
        ask(server, "GET", path.format(canary("url")), headers=bearer(key))
    for path, body in (("/v1/chat/completions", chat_body(canary("prompt"), max_tokens=1)),
                       ("/v1/chat/completions", {**chat_body(), "model": canary("model")}),
                       ("/v1/chat/completions", {**chat_body(), canary("field"): canary("value")}),
                       ("/v1/chat/completions", chat_body(guided_regex="(" + canary("regex"))),
                       ("/v1/messages", {"model": MODEL, "max_tokens": 1, "system": canary("system"),
                                         "messages": [{"role": "user", "content": canary("content")}]}),
                       ("/page/keys", {"name": canary("name"), "scopes": [canary("scope")]}), ("/page/folders", {"name": canary("folder")}),
                       ("/page/import", {"shenbi": 1, "conversations": [{"title": canary("title"), "messages": [7]}]}),
                       ("/api/show", {"model": canary("show")})):
        ask(server, "POST", path, body, bearer(key))
    ask(server, "POST", "/v1/chat/completions", b'{"broken": "' + canary("broken").encode(), bearer(key))
    with Wire(server) as line:
        line.send(f"GET /{canary('wire')} HTTP/9.9\r\nX: {canary('header')}\r\n\r\n".encode())
        line.read_all()
    metrics, log = server.metrics(), log_of(server)
    check(len(canaries) >= 20, len(canaries))
    check('"route":"/v1/models"' in log, "requests are logged", log[-2000:])
    for secret in [*canaries, secret_part, OWNER]:
        check(secret not in metrics, secret, "in the metrics")
        check(secret not in log, secret, "in the log:", next((line for line in log.splitlines() if secret in line), ""))


try:
    main(workers=1)
finally:
    server.stop()
    home.__exit__(None, None, None)
