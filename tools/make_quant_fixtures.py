#!/usr/bin/env python3
"""Writes tests/golden/quant/: what the reference implementation makes of random blocks of every storage type.

    python3 tools/make_quant_fixtures.py /path/to/libggml-base.so

Needs numpy, the `gguf` package and ggml's shared library (the llama-cpp-python wheel carries one). Where both
implementations know a type, they must agree, or the script stops.

  digests.txt   name, GGUF id, block bytes, block elements, digest of the floats of 2048 random blocks
  NAME.bin      the first blocks of the same stream, then their floats (for looking at a difference)
  encode.txt    name, digest of the blocks that the reference's plain quantiser makes of 16384 random floats (of their
                signs for the ternary types)
"""
import ctypes
import sys
from pathlib import Path

import gguf
import numpy as np
from gguf import quants

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "quant"
BLOCKS = 2048
SHOWN_FLOATS = 512
Q = gguf.GGMLQuantizationType
# Types newer than the Python package: GGUF id, elements, bytes.
NEWER = {"Q1_0": (41, 128, 18), "Q2_0": (42, 64, 18)}
FORMATS = ["F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K",
           "Q4_K", "Q5_K", "Q6_K", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_XS", "IQ4_NL",
           "TQ1_0", "TQ2_0", "MXFP4", "NVFP4", "Q1_0", "Q2_0"]
PLAIN = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8"}
# Encoders that are one formula without a search: bell-shaped input gives the same bytes. The ternary types do so on input
# that is ternary already.
EXACT = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]
EXACT_TERNARY = ["TQ1_0", "TQ2_0"]


def splitmix(count: int, seed: int) -> np.ndarray:
    """Counter-based, so that the C++ test makes the same stream."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def random_bytes(count: int, seed: int) -> np.ndarray:
    return splitmix((count + 7) // 8, seed).astype("<u8").view(np.uint8)[:count]


def random_floats(count: int, seed: int) -> np.ndarray:
    """Sum of four uniform 16-bit numbers: bell-shaped, exact in f32, the same everywhere."""
    parts = splitmix(count, seed).astype("<u8").view("<u2").reshape(count, 4).astype(np.int64)
    return ((parts.sum(axis=1) - 131070) / 65536.0).astype(np.float32)


def digest(words: np.ndarray) -> int:
    with np.errstate(over="ignore"):
        weights = np.arange(words.size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        return int((words.astype(np.uint64) * weights).sum(dtype=np.uint64))


def float_bits(values: np.ndarray) -> np.ndarray:
    bits = values.astype("<f4").view("<u4").copy()
    bits[np.isnan(values)] = 0x7FC00000
    return bits


def sizes(name: str) -> tuple[int, int, int]:
    if name in NEWER:
        return NEWER[name]
    elements, size = gguf.GGML_QUANT_SIZES[Q[name]]
    return Q[name].value, elements, size


def decode_c(library, name: str, data: np.ndarray, count: int):
    function = {"Q2_K": "q2_K", "Q3_K": "q3_K", "Q4_K": "q4_K", "Q5_K": "q5_K", "Q6_K": "q6_K"}.get(name, name.lower())
    call = getattr(library, "dequantize_row_" + function, None)
    if call is None:
        return None
    out = np.empty(count, np.float32)
    call(data.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(count))
    return out


def decode(library, name: str, data: np.ndarray, count: int) -> np.ndarray:
    if name in PLAIN:
        return data.view(PLAIN[name]).astype(np.float32)
    by_c = decode_c(library, name, data, count)
    by_python = None if name in NEWER else quants.dequantize(data.reshape(1, -1), Q[name]).reshape(-1)
    if by_c is not None and by_python is not None:
        same = float_bits(by_c) == float_bits(by_python)
        if not same.all():
            print(f"{name}: the two references differ in {np.count_nonzero(~same)} of {count} floats; ggml's is kept")
    return by_python if by_c is None else by_c


def encode_c(library, name: str, values: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros(values.size // sizes(name)[1] * size, np.uint8)
    call = getattr(library, f"quantize_row_{name.lower()}_ref")
    call(values.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(values.size))
    return out


def main() -> None:
    library = ctypes.CDLL(sys.argv[1])
    library.ggml_quantize_init(ctypes.c_int(0))
    OUT.mkdir(parents=True, exist_ok=True)
    np.seterr(all="ignore")
    lines, encoded = [], []
    for name in FORMATS:
        gguf_id, elements, size = sizes(name)
        data = random_bytes(BLOCKS * size, seed=gguf_id << 32)
        values = decode(library, name, data, BLOCKS * elements)
        lines.append(f"{name} {gguf_id} {size} {elements} {digest(float_bits(values)):016x}\n")
        shown = max(1, SHOWN_FLOATS // elements)
        (OUT / f"{name}.bin").write_bytes(data[:shown * size].tobytes() + values[:shown * elements].astype("<f4").tobytes())
        if name in EXACT + EXACT_TERNARY:
            values = random_floats(16384, seed=7)
            if name in EXACT_TERNARY:
                values = np.where(np.abs(values) < 0.25, 0, np.sign(values) * np.float32(0.0625))
            blocks = encode_c(library, name, values.astype(np.float32), size)
            encoded.append(f"{name} {digest(blocks):016x}\n")
    (OUT / "digests.txt").write_text("".join(lines))
    (OUT / "encode.txt").write_text("".join(encoded))


main()
