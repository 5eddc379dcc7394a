#!/usr/bin/env python3
"""Writes tests/golden/formats/: small files made by the libraries of the field, and what is in them.

    python3 tools/make_format_fixtures.py

Needs numpy, torch, and the packages gguf and safetensors.

  types.gguf          every metadata value type, arrays of each, and a tensor of every storage type the library knows
  types.json          what the file holds: metadata values; per tensor type, shape, bytes in hex, floats of plain types
  split-0000?-of-00003.gguf   one model in three shards
  big_endian.gguf     the same format in the other byte order, which is refused
  types.safetensors, safetensors.json   every dtype
  folder/             a Hugging Face folder with two shards, an index and config.json

Also copies small seeds into tests/fuzz/formats_*/.
"""
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "golden" / "formats"
SEEDS = ROOT / "tests" / "fuzz"
V = gguf.GGUFValueType
Q = gguf.GGMLQuantizationType

SCALARS = {
    "u8": (255, V.UINT8), "i8": (-128, V.INT8), "u16": (65535, V.UINT16), "i16": (-32768, V.INT16),
    "u32": (2**32 - 1, V.UINT32), "i32": (-2**31, V.INT32), "f32": (float(np.float32(0.1)), V.FLOAT32),
    "bool": (True, V.BOOL), "string": ("神笔 \"quoted\"\n\U0001f58c", V.STRING), "u64": (2**64 - 1, V.UINT64),
    "i64": (-2**63, V.INT64), "f64": (0.1, V.FLOAT64), "empty": ("", V.STRING), "false": (False, V.BOOL),
}
ARRAYS = {
    "u8s": ([0, 255], V.UINT8), "i8s": ([-128, 127], V.INT8), "u16s": ([0, 65535], V.UINT16),
    "i16s": ([-32768, 32767], V.INT16), "u32s": ([0, 2**32 - 1], V.UINT32), "i32s": ([-2**31, 2**31 - 1], V.INT32),
    "f32s": ([0.5, -1.25, 3.0], V.FLOAT32), "bools": ([True, False, True], V.BOOL),
    "strings": (["", "a", "▁Hello", "<0x0A>"], V.STRING), "u64s": ([0, 2**64 - 1], V.UINT64),
    "i64s": ([-2**63, 2**63 - 1], V.INT64), "f64s": ([0.1, -0.0], V.FLOAT64),
}
PLAIN = {Q.F32: "<f4", Q.F16: "<f2", Q.F64: "<f8", Q.I8: "<i1", Q.I16: "<i2", Q.I32: "<i4", Q.I64: "<i8"}
NOT_STORED = {Q.Q8_1, Q.Q8_K}  # activations inside kernels; no file holds them


def random_bytes(count, seed):
    return np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8)


def plain_values(dtype, count, seed):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(count).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, count, dtype=dtype, endpoint=True)


def floats(values):
    return [float(x) for x in np.asarray(values).astype(np.float32).ravel()]


def write_types(path, endianess=gguf.GGUFEndian.LITTLE):
    writer = gguf.GGUFWriter(path, "fixture", endianess=endianess)
    writer.add_custom_alignment(64)
    for key, (value, kind) in SCALARS.items():
        writer.add_key_value(key, value, kind)
    for key, (values, kind) in ARRAYS.items():
        writer.add_key_value(key, values, V.ARRAY, sub_type=kind)
    tensors = []
    for number, kind in enumerate(q for q in Q if q not in NOT_STORED):
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        entry = {"name": f"t.{kind.name}", "type": kind.name}
        if kind in PLAIN:
            data = plain_values(PLAIN[kind], 2 * 3 * 4, number).reshape(2, 3, 4)
            writer.add_tensor(entry["name"], data)
            entry |= {"shape": [2, 3, 4], "floats": floats(data)}
        else:
            data = random_bytes(2 * size, number).reshape(2, size)
            writer.add_tensor(entry["name"], data, raw_dtype=kind)
            entry["shape"] = [2, elements]
        entry["hex"] = data.tobytes().hex()
        tensors.append(entry)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def write_split():
    writer = gguf.GGUFWriter(OUT / "split.gguf", "fixture", split_max_tensors=1)
    writer.add_block_count(7)
    for number in range(3):
        writer.add_tensor(f"t{number}", np.full((2, 2), number, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


TORCH = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
         "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
         "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2}


def torch_tensor(name, seed):
    """Random bits, so that subnormals, infinities and NaN are among them; every value of the 8-bit types."""
    dtype = TORCH[name]
    if name == "BOOL":
        return torch.tensor(random_bytes(256, seed) & 1).bool().reshape(2, 128)
    if dtype.itemsize == 1:
        return torch.arange(256, dtype=torch.int32).to(torch.uint8).view(dtype).reshape(2, 128)
    return torch.tensor(random_bytes(64 * dtype.itemsize, seed)).view(dtype).reshape(4, 16)


def safetensors_floats(tensor):
    # NaN is not JSON: null stands for it.
    values = tensor.to(torch.float32).flatten().tolist()
    return [None if x != x else ("inf" if x == float("inf") else "-inf" if x == float("-inf") else x) for x in values]


def write_safetensors():
    tensors = {f"t.{name}": torch_tensor(name, number) for number, name in enumerate(TORCH)}
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 3)
    save_file(tensors, OUT / "types.safetensors", {"format": "pt", "note": "神笔"})
    dtypes = {value: key for key, value in TORCH.items()}
    listed = [{"name": name, "type": dtypes[t.dtype], "shape": list(t.shape), "floats": safetensors_floats(t),
               "hex": bytes(t.flatten().view(torch.uint8).tolist()).hex() if t.dim() else t.numpy().tobytes().hex()}
              for name, t in tensors.items()]
    (OUT / "safetensors.json").write_text(json.dumps(listed, ensure_ascii=False) + "\n")


def write_folder():
    folder = OUT / "folder"
    folder.mkdir()
    shards = {"model-00001-of-00002.safetensors": ["a", "b"], "model-00002-of-00002.safetensors": ["c"]}
    for name, tensors in shards.items():
        save_file({t: torch.full((2, 2), float(ord(t))) for t in tensors}, folder / name, {"format": "pt"})
    weight_map = {t: name for name, tensors in shards.items() for t in tensors}
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 48}, "weight_map": weight_map}, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "eos_token_id": [1, 106],
        "text_config": {"model_type": "gemma3_text", "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 16,
                        "rope_theta": 1000000, "sliding_window": None, "layer_types": ["sliding", "full"]}}, indent=2) + "\n")


def write_seeds():
    for target in ("gguf", "safetensors", "index", "config"):
        shutil.rmtree(SEEDS / f"formats_{target}", ignore_errors=True)
        (SEEDS / f"formats_{target}").mkdir(parents=True)
    writer = gguf.GGUFWriter(SEEDS / "formats_gguf" / "small.gguf", "llama")
    for key, (value, kind) in SCALARS.items():
        writer.add_key_value(key, value, kind)
    for key, (values, kind) in ARRAYS.items():
        writer.add_key_value(key, values, V.ARRAY, sub_type=kind)
    writer.add_block_count(2)
    writer.add_head_count_kv([1, 2])
    writer.add_token_list(["a", "b"])
    writer.add_chat_template("{{ messages }}")
    writer.add_tensor("a", np.zeros((2, 2), np.float32))
    writer.add_tensor("q", np.zeros((1, 34), np.uint8), raw_dtype=Q.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({"a": torch.zeros(2, 2), "b": torch.zeros(3, dtype=torch.int8), "c": torch.zeros(0)},
              SEEDS / "formats_safetensors" / "small.safetensors", {"format": "pt"})
    shutil.copy(OUT / "folder" / "model.safetensors.index.json", SEEDS / "formats_index")
    shutil.copy(OUT / "folder" / "config.json", SEEDS / "formats_config")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    tensors = write_types(OUT / "types.gguf")
    write_types(OUT / "big_endian.gguf", gguf.GGUFEndian.BIG)
    metadata = {key: value for key, (value, _) in (SCALARS | ARRAYS).items()}
    (OUT / "types.json").write_text(json.dumps({"metadata": metadata, "tensors": tensors}, ensure_ascii=False) + "\n")
    write_split()
    write_safetensors()
    write_folder()
    write_seeds()


if __name__ == "__main__":
    main()
