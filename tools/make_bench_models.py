#!/usr/bin/env python3
"""Models of real shapes with random weights, for bench/run.py: speed depends on shapes and types, not on what the weights say.

Each is written as F16 with numpy and `gguf`, then brought into its types by our own `shenbi quantize`. They are kept in the user's cache
(XDG_CACHE_HOME, else ~/.cache, below shenbi-bench), never in the tree; one that is there already is not made again. Vocabularies are made
up too, of the real size: byte-level BPE whose merges join random earlier words, so that loading them costs what a real one costs.

usage: tools/make_bench_models.py [NAME ...] [--folder FOLDER] [--shenbi PROGRAM] [--list]
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The shapes of Qwen2.5-0.5B, Llama-3.2-1B, and a mixture of experts of the Qwen 3 kind whose experts fit no cache.
SHAPES = {
    "qwen2-0.5b-q8_0": {"arch": "qwen2", "mix": "Q8_0", "width": 896, "layers": 24, "heads": 14, "kv_heads": 2, "head_dim": 64,
                        "feed_forward": 4864, "vocabulary": 151936, "rope": 1e6, "biases": True},
    "llama-1.2b-q4_k_m": {"arch": "llama", "mix": "Q4_K_M", "width": 2048, "layers": 16, "heads": 32, "kv_heads": 8, "head_dim": 64,
                          "feed_forward": 8192, "vocabulary": 128256, "rope": 5e5, "biases": False},
    "moe-0.6b-a0.1b-q4_k_m": {"arch": "qwen3moe", "mix": "Q4_K_M", "width": 1024, "layers": 12, "heads": 16, "kv_heads": 4, "head_dim": 64,
                              "feed_forward": 512, "experts": 32, "used": 4, "vocabulary": 32000, "rope": 1e6, "biases": False},
}
CONTEXT = 32768


def cache_folder():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "shenbi-bench"


def vocabulary(size):
    """GPT-2's 256 characters, then words that join two earlier ones; the last is the end of the text."""
    printable = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    hidden = [b for b in range(256) if b not in printable]
    words = [chr(b) for b in printable] + [chr(0x100 + i) for i in range(len(hidden))]
    known, merges, rng = set(words), [], random.Random(1)
    while len(words) < size - 1:
        # Early words are short, and words of real vocabularies too are mostly made of those.
        left, right = words[rng.randrange(len(words))], words[rng.randrange(min(len(words), 2000))]
        joint = left + right
        if len(joint) <= 16 and joint not in known:
            known.add(joint)
            words.append(joint)
            merges.append(f"{left} {right}")
    return words + ["<|endoftext|>"], merges


def tensors(shape):
    d, kv, q = shape["width"], shape["kv_heads"] * shape["head_dim"], shape["heads"] * shape["head_dim"]
    yield "token_embd.weight", (shape["vocabulary"], d)
    yield "output_norm.weight", (d,)
    for i in range(shape["layers"]):
        yield f"blk.{i}.attn_norm.weight", (d,)
        yield f"blk.{i}.ffn_norm.weight", (d,)
        for name, rows in (("q", q), ("k", kv), ("v", kv)):
            yield f"blk.{i}.attn_{name}.weight", (rows, d)
            if shape["biases"]:
                yield f"blk.{i}.attn_{name}.bias", (rows,)
        yield f"blk.{i}.attn_output.weight", (d, q)
        wide = shape["feed_forward"]
        if "experts" in shape:
            yield f"blk.{i}.attn_q_norm.weight", (shape["head_dim"],)
            yield f"blk.{i}.attn_k_norm.weight", (shape["head_dim"],)
            yield f"blk.{i}.ffn_gate_inp.weight", (shape["experts"], d)
            for name, rows, columns in (("gate", wide, d), ("up", wide, d), ("down", d, wide)):
                yield f"blk.{i}.ffn_{name}_exps.weight", (shape["experts"], rows, columns)
        else:
            for name, rows, columns in (("gate", wide, d), ("up", wide, d), ("down", d, wide)):
                yield f"blk.{i}.ffn_{name}.weight", (rows, columns)


def write_f16(path, name, shape):
    import gguf  # only to make a model; one that is there needs neither
    import numpy

    writer = gguf.GGUFWriter(path, shape["arch"])
    writer.add_name(name)
    writer.add_block_count(shape["layers"])
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape["width"])
    writer.add_feed_forward_length(shape["feed_forward"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["kv_heads"])
    writer.add_key_length(shape["head_dim"])
    writer.add_value_length(shape["head_dim"])
    writer.add_rope_dimension_count(shape["head_dim"])
    writer.add_rope_freq_base(shape["rope"])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(shape["vocabulary"])
    if "experts" in shape:
        writer.add_expert_count(shape["experts"])
        writer.add_expert_used_count(shape["used"])
        writer.add_expert_feed_forward_length(shape["feed_forward"])
    words, merges = vocabulary(shape["vocabulary"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(words)
    writer.add_token_merges(merges)
    writer.add_token_types([gguf.TokenType.NORMAL] * (len(words) - 1) + [gguf.TokenType.CONTROL])
    writer.add_eos_token_id(len(words) - 1)
    writer.add_add_bos_token(False)

    # One block of normal numbers, read from a different place for each tensor: drawing a billion would take minutes.
    rng = numpy.random.default_rng(1)
    numbers = (rng.standard_normal(1 << 22) * 0.02).astype(numpy.float16)

    def weights(dims):
        count, at = int(numpy.prod(dims)), int(rng.integers(numbers.size))
        return numpy.resize(numpy.roll(numbers, at), count).reshape(dims)

    plan = list(tensors(shape))
    for tensor, dims in plan:
        dtype = numpy.float32 if len(dims) == 1 else numpy.float16
        writer.add_tensor_info(tensor, dims, numpy.dtype(dtype), int(numpy.prod(dims)) * numpy.dtype(dtype).itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor, dims in plan:
        if len(dims) > 1:
            data = weights(dims)
        else:
            data = numpy.full(dims, 0.0 if tensor.endswith(".bias") else 1.0, dtype=numpy.float32)
        writer.write_tensor_data(data)
    writer.close()


def make(name, folder, shenbi):
    target = folder / f"{name}.gguf"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    source, unfinished = folder / f".{name}-f16.gguf", folder / f".{name}.gguf"
    try:
        print(f"making {target}", file=sys.stderr, flush=True)
        write_f16(source, name, SHAPES[name])
        subprocess.run([shenbi, "quantize", source, unfinished, "--type", SHAPES[name]["mix"], "-q"], check=True, stdout=sys.stderr)
        unfinished.rename(target)
    finally:
        source.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all; see --list")
    parser.add_argument("--folder", type=pathlib.Path, default=cache_folder())
    parser.add_argument("--shenbi", default=os.environ.get("SHENBI", str(ROOT / "build" / "release" / "shenbi")))
    parser.add_argument("--list", action="store_true", help="print the names and make nothing")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in SHAPES]
    if unknown:
        parser.error(f"no shape '{unknown[0]}'; there are: {', '.join(SHAPES)}")
    for name in SHAPES if args.list else args.names or SHAPES:
        print(name if args.list else make(name, args.folder, args.shenbi))


if __name__ == "__main__":
    main()
