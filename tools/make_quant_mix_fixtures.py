#!/usr/bin/env python3
"""Writes tests/golden/quant/mixes.txt: which type llama.cpp's quantiser gives to each tensor, for models of several shapes.

    python3 tools/make_quant_mix_fixtures.py /path/to/folder/with/libllama.so

    model NAME ARCHITECTURE LAYERS HEADS KV_HEADS EXPERTS TIED
    tensor NAME ROWS COLUMNS          (EXPERTS ROWS COLUMNS for experts); {} stands for the layer
    mix NAME
    NAME TYPE*COUNT ...               the types of layer 0, 1, ... as runs
"""
import ctypes
import itertools
import sys
from pathlib import Path

import gguf
from llama_cpp import llama_model_quantize_default_params

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "quant" / "mixes.txt"
MIXES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12,
         "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "Q2_K_S": 21, "IQ4_NL": 25,
         "IQ4_XS": 30, "BF16": 32, "TQ1_0": 36, "TQ2_0": 37, "MXFP4_MOE": 38, "Q2_0": 41}
# (Q1_0 has no fallback there for columns that are not a multiple of 128: the quantiser stops.)
TYPE_NAMES = {t.value: t.name for t in gguf.GGMLQuantizationType} | {41: "Q1_0", 42: "Q2_0"}


class Desc(ctypes.Structure):
    _fields_ = [("architecture", ctypes.c_char_p)] + [
        (n, ctypes.c_uint32) for n in ("embd", "ff", "layers", "heads", "kv_heads", "experts", "head_k", "head_v")]


class InitParams(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


def tensors(embd, ff, heads, kv_heads, head, vocab, experts, tied, fused):
    rows = {"token_embd.weight": (vocab, embd), "output_norm.weight": (embd,)}
    if not tied:
        rows["output.weight"] = (vocab, embd)
    block = {"attn_norm.weight": (embd,), "attn_output.weight": (embd, heads * head), "ffn_norm.weight": (embd,)}
    if fused:
        block |= {"attn_qkv.weight": ((heads + 2 * kv_heads) * head, embd), "attn_qkv.bias": ((heads + 2 * kv_heads) * head,)}
    else:
        block |= {"attn_q.weight": (heads * head, embd), "attn_k.weight": (kv_heads * head, embd),
                  "attn_v.weight": (kv_heads * head, embd), "attn_q_norm.weight": (head,)}
    if experts:
        block |= {"ffn_gate_inp.weight": (experts, embd), "ffn_gate_exps.weight": (experts, ff, embd),
                  "ffn_up_exps.weight": (experts, ff, embd), "ffn_down_exps.weight": (experts, embd, ff)}
    else:
        block |= {"ffn_up.weight": (ff, embd), "ffn_down.weight": (embd, ff)}
        if not fused:
            block |= {"ffn_gate.weight": (ff, embd)}
    return rows | {"blk.{}." + name: shape for name, shape in block.items()}


#         name          architecture layers  embd    ff heads kv head  vocab experts tied fused
MODELS = [("gemma-270m", "gemma3", 18, 640, 2048, 4, 1, 256, 262144, 0, True, False),
          ("llama-8b", "llama", 32, 4096, 14336, 32, 8, 128, 128256, 0, False, False),
          ("llama-70b", "llama", 80, 8192, 28672, 64, 8, 128, 128256, 0, False, False),
          ("mixtral", "llama", 32, 4096, 14336, 32, 8, 128, 32000, 8, False, False),
          ("moe-128", "qwen3moe", 48, 2048, 768, 32, 4, 128, 151936, 128, False, False),
          ("gpt2", "gpt2", 12, 768, 3072, 12, 12, 64, 50257, 0, True, True),
          ("falcon", "falcon", 32, 4544, 18176, 71, 1, 64, 65024, 0, False, True),
          ("odd", "llama", 5, 72, 100, 3, 3, 24, 1000, 0, False, False)]


def main() -> None:
    folder = Path(sys.argv[1])
    base = ctypes.CDLL(str(folder / "libggml-base.so"))
    llama = ctypes.CDLL(str(folder / "libllama.so"))
    silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    llama.llama_log_set(silent, None)
    base.ggml_init.restype = base.ggml_new_tensor.restype = ctypes.c_void_p
    base.ggml_init.argtypes = [InitParams]
    model_from = llama._Z31llama_quant_model_from_metadataPK22llama_quant_model_desc
    state_for = llama._Z16llama_quant_initPK11llama_modelPK27llama_model_quantize_params
    allows = llama._Z38llama_quant_tensor_allows_quantizationPK19quantize_state_implPK11ggml_tensor
    compute = llama._Z25llama_quant_compute_typesP19quantize_state_impl11llama_ftypePP11ggml_tensorP9ggml_typem
    model_from.restype = state_for.restype = ctypes.c_void_p
    allows.restype = ctypes.c_bool
    defaults = ctypes.pointer(llama_model_quantize_default_params())

    lines = []
    for name, arch, layers, embd, ff, heads, kv_heads, head, vocab, experts, tied, fused in MODELS:
        shapes = tensors(embd, ff, heads, kv_heads, head, vocab, experts, tied, fused)
        lines.append(f"model {name} {arch} {layers} {heads} {kv_heads} {experts} {int(tied)}")
        lines += [f"tensor {t} {' '.join(map(str, s))}" for t, s in shapes.items()]
        context = base.ggml_init(InitParams(1 << 24, None, True))
        state = state_for(ctypes.c_void_p(model_from(ctypes.byref(
            Desc(arch.encode(), embd, ff, layers, heads, kv_heads, experts, head, head)))), defaults)
        names, pointers = [], []
        for pattern, shape in shapes.items():
            for layer in range(layers if "{}" in pattern else 1):
                dims = (ctypes.c_int64 * len(shape))(*reversed(shape))
                tensor = base.ggml_new_tensor(ctypes.c_void_p(context), 0, len(shape), dims)
                base.ggml_set_name(ctypes.c_void_p(tensor), pattern.replace("{}", str(layer)).encode())
                names.append(pattern)
                pointers.append(tensor)
        wanted = [i for i, p in enumerate(pointers) if allows(ctypes.c_void_p(state), ctypes.c_void_p(p))]
        for mix, file_type in MIXES.items():
            array = (ctypes.c_void_p * len(wanted))(*[pointers[i] for i in wanted])
            result = (ctypes.c_int * len(wanted))()
            compute(ctypes.c_void_p(state), ctypes.c_int(file_type), array, result, ctypes.c_size_t(len(wanted)))
            types = ["F32"] * len(names)  # what is not quantised stays as it is: these tensors are F32
            for i, kind in zip(wanted, result):
                types[i] = TYPE_NAMES[kind]
            lines.append(f"mix {mix}")
            for pattern in shapes:
                of_layers = [t for n, t in zip(names, types) if n == pattern]
                runs = " ".join(f"{kind}*{len(list(run))}" for kind, run in itertools.groupby(of_layers))
                if runs != f"F32*{len(of_layers)}" or mix == "F32":
                    lines.append(f"{pattern} {runs}")
    OUT.write_text("\n".join(lines) + "\n")


main()
