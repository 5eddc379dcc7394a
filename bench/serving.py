#!/usr/bin/env python3
"""The server beside llama-cpp-python's and beside node-llama-cpp, same model file, one after the other in each round: tokens a second of
concurrent streams, and time to the first token of a prompt, cold and with a beginning that was asked before. Also how soon the server is ready
without a model. What HTTP costs on top of the engine: bench/http_cost.cpp.

node-llama-cpp runs its completions in its own process, without a server. It is taken from a folder outside this tree:
    npm install --prefix FOLDER --no-save node-llama-cpp@3.22.1 && bench/serving.py --node FOLDER

usage: bench/serving.py [--model MODEL.gguf] [--streams 16] [--tokens 64] [--rounds 3] [--node FOLDER] [--skip-rival] [--json OUT.json]
"""
import argparse
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHENBI = os.environ.get("SHENBI", str(ROOT / "build" / "release" / "shenbi"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, command, url, ready, name, env=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **(env or {})})
        self.url = url or self.process.stdout.readline().strip()
        self.model = name
        while True:
            try:
                urllib.request.urlopen(self.url + ready, timeout=5).read()
                return
            except OSError:
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def ours(model, streams, folder):
    return Server([SHENBI, "serve", "--port", "0", "-m", model, "--sequences", str(streams), "--patience", "1", "--speculate", "off"], None, "/ready", model,
                  {"SHENBI_HOME": folder})


def theirs(model, _streams, _folder):
    port = free_port()
    return Server([sys.executable, "-m", "llama_cpp.server", "--model", model, "--port", str(port), "--n_ctx", "8192", "--n_threads", "2",
                   "--n_threads_batch", "2", "--interrupt_requests", "false"], f"http://127.0.0.1:{port}", "/v1/models", "default")


def stream(server, prompt, tokens):
    """Times at which chunks arrived, from the request on, and how many tokens came."""
    address = urllib.parse.urlparse(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=600)
    body = {"model": server.model, "prompt": prompt, "max_tokens": tokens, "temperature": 0, "stream": True}
    # Neither server joins tokens into one chunk here.
    start = time.perf_counter()
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    times = []
    for line in response:
        if line.startswith(b"data: {") and json.loads(line[6:])["choices"]:
            times.append(time.perf_counter() - start)
    connection.close()
    return times


def together(server, streams, tokens):
    """Tokens a second of all streams; every prompt begins differently, so that nothing is shared."""
    results = [None] * streams
    prompts = [f"{i * 7919 % 1000} is a number. Once upon a time there was a king who" for i in range(streams)]

    def one(i):
        results[i] = stream(server, prompts[i], tokens)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(streams)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(map(len, results)) / (time.perf_counter() - start)  # an answer may end early: only chunks that came count


def node_llama_cpp(folder, model, args):
    done = subprocess.run(["node", str(ROOT / "bench" / "node_llama_cpp.mjs"), folder, model, str(args.streams), str(args.tokens)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"node_llama_cpp.mjs\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def start_without_model():
    """Seconds from the start of the process, with an empty data folder, to the first 200 of /health."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        process = subprocess.Popen([SHENBI, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   env={**os.environ, "SHENBI_HOME": folder})
        try:
            address = urllib.parse.urlparse(process.stdout.readline().strip())
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
            return time.perf_counter() - begin
        finally:
            process.terminate()
            process.wait()


def shared_prefix(server):
    """Time to the first token of a 500-token prompt: cold, and with the same beginning once more."""
    nonce = os.urandom(4).hex()
    text = f"{nonce} " + "The quick brown fox jumps over the lazy dog near the river bank. " * 36
    cold = stream(server, text + "Then", 1)[0]
    warm = stream(server, text + "Later", 1)[0]
    return cold, warm


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--node", metavar="FOLDER", help="where node-llama-cpp is installed")
    parser.add_argument("--skip-rival", action="store_true")
    parser.add_argument("--json")
    args = parser.parse_args()
    model = args.model or next(m["path"] for m in json.loads(subprocess.run([SHENBI, "models", "--json"], capture_output=True, text=True,
                                                                          check=True).stdout) if m["name"] == "gemma3:270m")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            row = {"start_s": start_without_model()}
            for name, start in (("ours", ours),) + (() if args.skip_rival else (("llama-cpp-python", theirs),)):
                server = start(model, args.streams, folder)
                try:
                    stream(server, "Warm up", 4)
                    cold, warm = shared_prefix(server)
                    row[name] = {"tokens_per_s": together(server, args.streams, args.tokens), "cold_s": cold, "warm_s": warm}
                finally:
                    server.stop()
            if args.node:
                row["node-llama-cpp"] = node_llama_cpp(args.node, model, args)
            rows.append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)
    report(rows, args)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")


def report(rows, args):
    median = lambda values: statistics.median(list(values))
    names = [name for name in rows[0] if name != "start_s"]
    print(f"ready without a model after {median(row['start_s'] for row in rows) * 1000:.0f} ms")
    for name in names:
        speed, cold, warm = (median(row[name][what] for row in rows) for what in ("tokens_per_s", "cold_s", "warm_s"))
        print(f"{name:<18}{args.streams} streams: {speed:8.1f} tokens/s   first token of 500: cold {cold * 1000:7.1f} ms, "
              f"same beginning {warm * 1000:6.1f} ms ({median(row[name]['warm_s'] / row[name]['cold_s'] for row in rows):.3f} of cold)")
    for name in names[1:]:
        ratios = [row["ours"]["tokens_per_s"] / row[name]["tokens_per_s"] for row in rows]
        firsts = [row[name]["cold_s"] / row["ours"]["cold_s"] for row in rows]
        print(f"ours to {name}: tokens/s {median(ratios):.2f} times ({min(ratios):.2f} - {max(ratios):.2f}), "
              f"first token {median(firsts):.1f} times as soon ({min(firsts):.1f} - {max(firsts):.1f})")


main()
