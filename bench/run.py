#!/usr/bin/env python3
"""Ours and llama.cpp on the same model file, turn by turn in one run; the fidelity of our arithmetic; the tokenizers beside `tokenizers`.

Memory bandwidth of shared machines changes within seconds, so single figures mean little: each round runs both programs one after the
other, and what is reported is the median of the rounds' ratios.

usage: bench/run.py [--model MODEL.gguf] [--rounds 5] [--threads 2] [--json OUT.json] [--skip fidelity,tokenizers]
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHENBI = os.environ.get("SHENBI", str(ROOT / "build" / "release" / "shenbi"))


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done.stdout


def last_json(command):
    return json.loads(output(command).strip().splitlines()[-1])


def speed(model, args):
    batches = "1,4,16"
    ours_command = [SHENBI, "bench", model, "--json", "-q", "-t", args.threads, "-p", "512", "-n", "64", "--batch", batches]
    theirs_command = [sys.executable, ROOT / "bench" / "llama_cpp_speed.py", model, "--threads", args.threads, "--prompt", "512",
                      "--tokens", "64", "--batch", batches]
    rounds = []
    for i in range(args.rounds):
        ours, theirs = last_json(list(map(str, ours_command))), last_json(list(map(str, theirs_command)))
        rounds.append((ours, theirs))
        print(f"round {i + 1}: prefill {ours['prefill_tps']:.0f} / {theirs['prefill_tps']:.0f}, decode "
              f"{ours['decode_tps']['1']:.1f} / {theirs['decode_tps']['1']:.1f} tokens/s", file=sys.stderr, flush=True)
    rows = []
    for name, get in [("prefill 512", lambda r: r["prefill_tps"])] + [
            (f"decode, {b} at once", lambda r, b=b: r["decode_tps"][b]) for b in batches.split(",")]:
        ratios = [get(o) / get(t) for o, t in rounds]
        rows.append({"what": name, "ours": statistics.median(get(o) for o, _ in rounds),
                     "llama.cpp": statistics.median(get(t) for _, t in rounds), "ratio": statistics.median(ratios),
                     "ratio_range": [min(ratios), max(ratios)]})
    return {"rows": rows, "share_of_stream": statistics.median(o["decode_share_of_stream"]["1"] for o, _ in rounds),
            "bandwidth_gbps": statistics.median(o["bandwidth_gbps"] for o, _ in rounds),
            "int8_tops": rounds[-1][0]["int8_tops"], "cpu": rounds[-1][0]["cpu"], "isa": rounds[-1][0]["isa"]}


def fidelity(model):
    texts = {"english": 600, "chinese": 120}
    return {name: last_json([SHENBI, "fidelity", model, "-q", "--json", "--file", ROOT / "bench" / "texts" / f"{name}.txt",
                             "--tokens", str(tokens)]) for name, tokens in texts.items()}


def default_model():
    for entry in json.loads(output([SHENBI, "models", "--json"])):
        if entry["name"] == "gemma3:270m":
            return entry["path"]
    sys.exit("bench: no gemma3:270m here; run: shenbi pull gemma3:270m")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--json")
    parser.add_argument("--skip", default="")
    args = parser.parse_args()
    model = args.model or default_model()
    skip = args.skip.split(",")
    result = {"model": pathlib.Path(model).name, "machine": platform.platform()}
    if "speed" not in skip:
        result["speed"] = speed(model, args)
        s = result["speed"]
        print(f"{s['cpu']}, {args.threads} threads, {s['isa']}; read stream {s['bandwidth_gbps']:.0f} GB/s, decode at "
              f"{100 * s['share_of_stream']:.0f} % of it; int8 peak {s['int8_tops']:.2f} TOPS")
        print(f"{'':<20}{'ours':>10}{'llama.cpp':>12}{'ratio':>8}   (lowest - highest)")
        for row in s["rows"]:
            print(f"{row['what']:<20}{row['ours']:>10.1f}{row['llama.cpp']:>12.1f}{row['ratio']:>7.2f}x"
                  f"   ({row['ratio_range'][0]:.2f} - {row['ratio_range'][1]:.2f})")
    if "fidelity" not in skip:
        result["fidelity"] = fidelity(model)
        for name, f in result["fidelity"].items():
            print(f"fidelity, {name}: {f['positions']} tokens, mean KL {f['mean_kl']:.5f} +- {f['standard_error']:.5f}, "
                  f"top-1 {100 * f['top1_agreement']:.1f} %")
    if "tokenizers" not in skip:
        print(output([sys.executable, ROOT / "bench" / "tokenizers_speed.py", "--tool", str(ROOT / "build/release/tokenizers_tool")]),
              end="")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=1) + "\n")


main()
