#!/usr/bin/env python3
"""Speed of llama.cpp (through the C interface of llama-cpp-python) on one model: prints one JSON line.

Timed are llama_decode and the reading of the last logits, nothing of Python's own: prompts of random tokens in one batch, then single
tokens, or one token of each of B sequences. Greedy choice by numpy's argmax is left out of the time.

usage: llama_cpp_speed.py MODEL.gguf [--threads 2] [--prompt 512] [--tokens 64] [--batch 1,4,16]
"""
import argparse
import ctypes
import json
import random
import statistics
import time

import llama_cpp


def make_context(model, threads, tokens, sequences):
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = max(tokens, 256)
    params.n_batch = params.n_ubatch = 512
    params.n_seq_max = sequences
    params.n_threads = params.n_threads_batch = threads
    if hasattr(params, "kv_unified"):
        params.kv_unified = True
    return llama_cpp.llama_init_from_model(model, params)


def decode(context, batch, positions, ids, sequences, wants):
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, positions[i], 1
        batch.seq_id[i][0], batch.logits[i] = sequences[i], wants[i]
    if llama_cpp.llama_decode(context, batch) != 0:
        raise SystemExit("llama_decode failed")
    llama_cpp.llama_get_logits_ith(context, batch.n_tokens - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--batch", default="1")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    silent = llama_cpp.llama_log_callback(lambda *_: None)  # kept alive: the library calls it until the end
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    start = time.perf_counter()
    model = llama_cpp.llama_model_load_from_file(args.model.encode(), llama_cpp.llama_model_default_params())
    load_s = time.perf_counter() - start
    vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    rng = random.Random(1)
    batches = [int(b) for b in args.batch.split(",")]
    most = max(batches)
    context = make_context(model, args.threads, max(args.prompt, most * (args.tokens + 16)) + 64, most)
    batch = llama_cpp.llama_batch_init(max(args.prompt, 512), 0, most)
    memory = llama_cpp.llama_get_memory(context)

    def clear():
        llama_cpp.llama_memory_clear(memory, True)

    prefill, rates = [], {b: [] for b in batches}
    for repeat in range(args.repeats + 1):  # the first run only warms
        clear()
        ids = [rng.randrange(vocab) for _ in range(args.prompt)]
        start = time.perf_counter()
        decode(context, batch, range(args.prompt), ids, [0] * args.prompt, [i + 1 == args.prompt for i in range(args.prompt)])
        if repeat:
            prefill.append(args.prompt / (time.perf_counter() - start))
        for b in batches:
            clear()
            for s in range(b):
                decode(context, batch, range(8), [rng.randrange(vocab) for _ in range(8)], [s] * 8, [0] * 7 + [1])
            start = time.perf_counter()
            for step in range(args.tokens):
                decode(context, batch, [8 + step] * b, [rng.randrange(vocab) for _ in range(b)], range(b), [1] * b)
            if repeat:
                rates[b].append(b * args.tokens / (time.perf_counter() - start))
    print(json.dumps({"prefill_tps": statistics.median(prefill), "load_s": load_s,
                      "decode_tps": {str(b): statistics.median(v) for b, v in rates.items()}}))


main()
