#!/usr/bin/env python3
"""Ours and its rivals on the same model files, turn by turn in one run; the fidelity of our arithmetic; the tokenizers beside `tokenizers`.

Memory bandwidth of shared machines changes within seconds, so single figures mean little: each round runs all programs one after the
other, and what is reported is the median of the rounds' ratios. Rivals are llama.cpp through llama-cpp-python, and any program with the
options and the JSON of llama-bench (--rival NAME=PATH). Models are files, or names of tools/make_bench_models.py, which then makes them.

usage: bench/run.py [--models all | NAME_OR_FILE ...] [--rival NAME=PATH] [--rounds 5] [--threads 2] [--batch 1,4,16]
                    [--json OUT.json] [--skip fidelity,tokenizers]
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
MAKER = ROOT / "tools" / "make_bench_models.py"
SHENBI = os.environ.get("SHENBI", str(ROOT / "build" / "release" / "shenbi"))


def output(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done.stdout


def last_json(command):
    return json.loads(output(command).strip().splitlines()[-1])


def ours(model, args):
    return last_json([SHENBI, "bench", model, "--json", "-q", "-t", args.threads, "-p", args.prompt, "-n", args.tokens, "--batch", args.batch])


def llama_cpp(model, args):
    return last_json([sys.executable, ROOT / "bench" / "llama_cpp_speed.py", model, "--threads", args.threads, "--prompt", args.prompt,
                      "--tokens", args.tokens, "--batch", args.batch])


def bench_binary(path):
    """A program that takes llama-bench's options and prints its JSON; it knows no batches of sequences."""
    def run(model, args):
        runs = json.loads(output([path, "-m", model, "-t", args.threads, "-p", args.prompt, "-n", args.tokens, "-o", "json"]))
        tps = {("prefill" if r["n_prompt"] else "decode"): r["avg_ts"] for r in runs}
        return {"prefill_tps": tps["prefill"], "decode_tps": {"1": tps["decode"]}}
    return run


def rivals_of(args):
    rivals = {}
    if "llama.cpp" not in args.skip:
        rivals["llama.cpp"] = llama_cpp
    for rival in args.rival:
        name, _, path = rival.partition("=")
        rivals[name] = bench_binary(path)
    return rivals


def compare(rounds, name, get):
    """One row: ours, and each rival that gives this figure with the ratio of the same round."""
    row = {"what": name, "ours": statistics.median(get(r["ours"]) for r in rounds), "rivals": {}}
    for rival in rounds[0]:
        values = [get(r[rival]) for r in rounds] if rival != "ours" else [None]
        if None in values:
            continue
        ratios = [get(r["ours"]) / value for r, value in zip(rounds, values)]
        row["rivals"][rival] = {"value": statistics.median(values), "ratio": statistics.median(ratios),
                                "ratio_range": [min(ratios), max(ratios)]}
    return row


def speed(model, args):
    programs = {"ours": ours, **rivals_of(args)}
    rounds = []
    for i in range(args.rounds):
        rounds.append({name: program(model, args) for name, program in programs.items()})
        print(f"{pathlib.Path(model).stem}, round {i + 1}: " + ", ".join(
            f"{name} {r['prefill_tps']:.0f} / {r['decode_tps']['1']:.1f}" for name, r in rounds[-1].items()) + " tokens/s",
            file=sys.stderr, flush=True)
    rows = [compare(rounds, f"prompt of {args.prompt}", lambda r: r["prefill_tps"])]
    rows += [compare(rounds, f"{b} at once", lambda r, b=b: r["decode_tps"].get(b)) for b in args.batch.split(",")]
    mine = [r["ours"] for r in rounds]
    return {"rows": rows, "share_of_stream": statistics.median(o["decode_share_of_stream"]["1"] for o in mine),
            "bandwidth_gbps": statistics.median(o["bandwidth_gbps"] for o in mine), "int8_tops": mine[-1]["int8_tops"],
            "cpu": mine[-1]["cpu"], "isa": mine[-1]["isa"], "load_s": statistics.median(o["load_s"] for o in mine),
            "phases": {phase: mine[-1][phase] for phase in ("prefill", "decode")}, "rounds": rounds}


def print_speed(s, args):
    print(f"{s['cpu']}, {args.threads} threads, {s['isa']}; read stream {s['bandwidth_gbps']:.0f} GB/s, one sequence at "
          f"{100 * s['share_of_stream']:.0f} % of it; int8 peak {s['int8_tops']:.2f} TOPS; loaded in {s['load_s']:.2f} s")
    for row in s["rows"]:
        print(f"  {row['what']:<16}{row['ours']:>9.1f} tokens/s" + "".join(
            f"   {name} {r['value']:.1f}: {r['ratio']:.2f}x ({r['ratio_range'][0]:.2f} - {r['ratio_range'][1]:.2f})"
            for name, r in row["rivals"].items()))
    for phase in ("prefill", "decode"):
        p = s["phases"][phase]
        print(f"  {phase} op by op, {100 * p['share_of_limit']:.0f} % of the limit: " + ", ".join(
            f"{o['op']} {100 * o['share_of_time']:.0f} % of the time" + (f" at {100 * o['share_of_limit']:.0f} %" if o["share_of_limit"] else "")
            for o in p["ops"]))


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip()


def fidelity(model):
    texts = {"english": 600, "chinese": 120}
    return {name: last_json([SHENBI, "fidelity", model, "-q", "--json", "--file", ROOT / "bench" / "texts" / f"{name}.txt",
                             "--tokens", str(tokens)]) for name, tokens in texts.items()}


def default_model():
    for entry in json.loads(output([SHENBI, "models", "--json"])):
        if entry["name"] == "gemma3:270m":
            return entry["path"]
    sys.exit("bench: no gemma3:270m here; run: shenbi pull gemma3:270m")


def model_files(names):
    """Files stay; names of made models become files; nothing: the default model."""
    if not names:
        return [default_model()]
    if names == ["all"]:
        return [default_model()] + output([sys.executable, MAKER]).splitlines()
    return [name if pathlib.Path(name).exists() else output([sys.executable, MAKER, name]).strip() for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", "--model", nargs="*", default=[])
    parser.add_argument("--rival", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--prompt", default="512")
    parser.add_argument("--tokens", default="64")
    parser.add_argument("--batch", default="1,4,16")
    parser.add_argument("--json")
    parser.add_argument("--skip", default="", help="of llama.cpp, speed, fidelity, tokenizers")
    args = parser.parse_args()
    args.skip = skip = args.skip.split(",")
    result = {"machine": platform.platform(), "commit": commit(), "command": " ".join(["bench/run.py", *sys.argv[1:]]), "models": {}}
    models = model_files(args.models)
    for model in [] if "speed" in skip else models:
        result["models"][pathlib.Path(model).name] = s = speed(model, args)
        print(pathlib.Path(model).name)
        print_speed(s, args)
    model = models[0]
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
