#!/usr/bin/env python3
"""What a gateway adds to a call: `shenbi serve` in front of an upstream that answers at once, beside LiteLLM's proxy in front of the same, in
turns. Added time at 1 KB and at 1 MB, requests a second, memory with 1,000 answers open.

LiteLLM is taken from an environment of its own:
    python3 -m venv FOLDER && FOLDER/bin/pip install 'litellm[proxy]'

usage: bench/gateway.py [--litellm FOLDER/bin/litellm] [--rounds 3] [--requests 3000] [--rival-requests 300] [--json OUT.json]
"""
import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build" / "release"))
SHENBI = os.environ.get("SHENBI", str(BUILD / "shenbi"))
LOAD = str(BUILD / "gateway_load")
RIVAL_KEY = "sk-only-on-this-machine"  # it does not start without one


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Gateway:
    def __init__(self, name, model, process, port, key="none"):
        self.name, self.model, self.process, self.port, self.key = name, model, process, port, key

    def measure(self, upstream, **options):
        words = [f"--{name.replace('_', '-')}={value}".split("=") for name, value in options.items()]
        command = [LOAD, "measure", "--direct", str(upstream), "--via", str(self.port), "--model", self.model, "--key", self.key,
                   *(word for pair in words for word in pair)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.name}: {done.stderr}")
        return json.loads(done.stdout)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:  # LiteLLM can wait for ever for streams that its upstream holds open
            self.process.kill()
            self.process.wait()


def ours(upstream, folder):
    environment = {**os.environ, "SHENBI_HOME": folder}
    subprocess.run([SHENBI, "upstreams", "add", "stub", "--house", "compatible", "--base-url", f"http://127.0.0.1:{upstream}/v1", "--model", "m",
                    "--model", "hold"], env=environment, check=True, capture_output=True)
    process = subprocess.Popen([SHENBI, "serve", "--port", "0", "--patience", "1"], env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    return Gateway("Shenbi", "stub/m", process, int(process.stdout.readline().strip().rsplit(":", 1)[1]))


def theirs(program, upstream, folder):
    settings = pathlib.Path(folder) / "litellm.yaml"
    models = [{"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}}
              for name in ("m", "hold")]
    settings.write_text(json.dumps({"model_list": models, "litellm_settings": {"telemetry": False}}))
    port = free_port()
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "127.0.0.1",
                   "LITELLM_MASTER_KEY": RIVAL_KEY}
    process = subprocess.Popen([program, "--config", str(settings), "--port", str(port), "--host", "127.0.0.1"], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=5).read()
            return Gateway("LiteLLM", "m", process, port, RIVAL_KEY)
        except (OSError, urllib.error.URLError):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("LiteLLM did not start") from None
            time.sleep(0.2)


def round_of(gateway, upstream, requests):
    small = gateway.measure(upstream, bytes=1024, requests=requests)
    stream = gateway.measure(upstream, bytes=1024, requests=requests, stream=1)
    large = gateway.measure(upstream, bytes=1 << 20, requests=max(30, requests // 20), at_once=1)
    return {"added p50, 1 KB, us": small["added_p50_us"], "added p99, 1 KB, us": small["added_p99_us"],
            "added p50, 1 KB streamed, us": stream["added_p50_us"], "added p99, 1 KB streamed, us": stream["added_p99_us"],
            "added p50, 1 MB, us": large["added_p50_us"], "added p99, 1 MB, us": large["added_p99_us"],
            "requests a second": small["requests_per_s"], "streamed requests a second": stream["requests_per_s"],
            "direct p50, 1 KB, us": small["direct_p50_us"], "direct p50, 1 MB, us": large["direct_p50_us"]}


def memory_of(gateway, upstream, streams):
    gateway.model = gateway.model.replace("m", "hold") if gateway.model == "m" else "stub/hold"
    return gateway.measure(upstream, streams=streams, pid=gateway.process.pid)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", help="its program; without it ours alone is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--rival-requests", type=int, default=300)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    stub = subprocess.Popen([LOAD, "stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    upstream = int(stub.stdout.readline())
    gateways = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            gateways.append(ours(upstream, folder))
            if options.litellm:
                gateways.append(theirs(options.litellm, upstream, folder))
            print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run")
            rounds = [{gateway.name: round_of(gateway, upstream, options.requests if gateway.name == "Shenbi" else options.rival_requests)
                       for gateway in gateways} for _ in range(options.rounds)]
            memory = {gateway.name: memory_of(gateway, upstream, options.streams) for gateway in gateways}
        finally:
            for gateway in gateways:
                gateway.stop()
            stub.stdin.close()
            stub.wait()
    for figure in rounds[0]["Shenbi"]:
        words = []
        for gateway in gateways:
            values = [r[gateway.name][figure] for r in rounds]
            words.append(f"{gateway.name} {statistics.median(values):.0f} ({min(values):.0f} - {max(values):.0f})")
        if len(gateways) == 2:
            words.append(f"ratio {statistics.median(r['Shenbi'][figure] / r['LiteLLM'][figure] for r in rounds):.3f}")
        print(f"{figure:32}", "   ".join(words))
    for name, figures in memory.items():
        print(f"memory with {figures['streams']} streams: {name} {figures['memory_mb']:.1f} MB, before {figures['memory_before_mb']:.1f} MB")
    if options.json:
        options.json.write_text(json.dumps({"rounds": rounds, "memory": memory}, indent=1))


if __name__ == "__main__":
    main()
