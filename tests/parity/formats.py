#!/usr/bin/env python3
"""GGUF and safetensors against the libraries of the field, both ways. The last line is "N passed, N failed".

  ours -> theirs   files that our writers made, read with the packages gguf and safetensors
  theirs -> ours   files that those packages made, read with our reader (plus any GGUF files named as arguments)

Needs build/release/formats_test beside the program in $SHENBI (the tests drive it through two of its cases), numpy, gguf and
safetensors.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import safetensors
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ.get("SHENBI", ROOT / "build" / "release" / "shenbi")).parent / "formats_test"
DTYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}
results = []


def check(what, passed):
    results.append(bool(passed))
    if not passed:
        print(f"FAILED {what}")


def drive(case, **environment):
    done = subprocess.run([BINARY, f"--gtest_filter=Parity.{case}", "--gtest_brief=1"], capture_output=True, text=True,
                          env={**os.environ, **environment})
    check(case, done.returncode == 0)
    if done.returncode:
        print(done.stdout, done.stderr)


def pattern(count):
    return (np.arange(count) % 251).astype(np.uint8).tobytes()


def digest(data):
    value = 0xCBF29CE484222325
    for byte in data[:1 << 16]:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


# --- ours -> theirs ---

WRITTEN = {
    "u8": 255, "i8": -128, "u16": 65535, "i16": -32768, "u32": 2**32 - 1, "i32": -2**31, "u64": 2**64 - 1, "i64": -2**63,
    "f32": 0.5, "f64": 0.1, "bool": True, "string": "神笔 \"quoted\"\n", "strings": ["", "a", "▁Hello"],
    "i32s": [-2**31, 2**31 - 1], "u32s": [0, 2**32 - 1], "f32s": [0.5, -1.25], "u8s": [0, 255], "bools": [True, False],
}


def they_read_our_gguf(path):
    reader = gguf.GGUFReader(path)
    for key, value in WRITTEN.items():
        check(f"gguf metadata {key}", reader.fields[key].contents() == value)
    check("gguf: number of types", len(reader.tensors) >= 32)
    for tensor in reader.tensors:
        elements, size = gguf.GGML_QUANT_SIZES[tensor.tensor_type]
        check(f"gguf {tensor.name}: type", tensor.tensor_type.name == tensor.name)
        check(f"gguf {tensor.name}: shape", list(tensor.shape) == [2 * elements, 3])
        check(f"gguf {tensor.name}: bytes", tensor.data.tobytes() == pattern(6 * size))


def they_read_our_safetensors(path):
    tensors = dict(safetensors.deserialize(path.read_bytes()))
    check("safetensors names", set(tensors) == set(DTYPES))
    for name, tensor in tensors.items():
        check(f"safetensors {name}: dtype", tensor["dtype"] == name)
        check(f"safetensors {name}: shape", tensor["shape"] == [3, 2])
        check(f"safetensors {name}: bytes", bytes(tensor["data"]) == pattern(6 * DTYPES[name]))
    with safetensors.safe_open(path, framework="numpy") as opened:
        check("safetensors notes", opened.metadata() == {"format": "pt"})


# --- theirs -> ours ---

def they_write(folder):
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(folder / "theirs.gguf", "llama")
    writer.add_block_count(3)
    writer.add_token_list([f"token {i}" for i in range(5000)])
    writer.add_token_scores([float(np.float32(-i / 7)) for i in range(5000)])
    for name, kind in [("f32", None), ("f16", None), ("q8", gguf.GGMLQuantizationType.Q8_0), ("q4", gguf.GGMLQuantizationType.Q4_0)]:
        values = rng.standard_normal((64, 256), np.float32)
        if kind is not None:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values.astype(np.float16) if name == "f16" else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({f"t{i}": rng.standard_normal((i, 3)).astype(dtype) for i, dtype in enumerate(["f4", "f2", "f8", "i4"])},
              folder / "theirs.safetensors")


def same_metadata(theirs, ours):
    if isinstance(theirs, float):
        return theirs == ours or (theirs != theirs and ours is None)
    if isinstance(theirs, list) and theirs and isinstance(theirs[0], bool):
        return [int(v) for v in theirs] == ours
    return theirs == ours


def we_read_their_gguf(path):
    ours = json.loads(Path(f"{path}.json").read_text())
    reader = gguf.GGUFReader(path)
    fields = {key: field for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    check(f"{path.name}: keys", set(fields) == set(ours["metadata"]))
    for key, field in fields.items():
        if field.data is not None and len(field.data) > 300_000:
            continue  # the library needs a minute for each such list
        check(f"{path.name}: {key}", same_metadata(field.contents(), ours["metadata"].get(key)))
    check(f"{path.name}: number of tensors", len(reader.tensors) == len(ours["tensors"]))
    for theirs, our in zip(reader.tensors, ours["tensors"]):
        data = theirs.data.reshape(-1).view(np.uint8)
        same = (theirs.name, theirs.tensor_type.name, [int(n) for n in theirs.shape][::-1], int(theirs.n_bytes), digest(data.tolist())) == (
            our["name"], our["type"], our["shape"], our["bytes"], our["digest"])
        check(f"{path.name}: {theirs.name}", same)


def we_read_their_safetensors(path):
    ours = {t["name"]: t for t in json.loads(Path(f"{path}.json").read_text())["tensors"]}
    for name, theirs in safetensors.deserialize(path.read_bytes()):
        our = ours.pop(name)
        check(f"{path.name}: {name}", (theirs["dtype"], theirs["shape"], digest(theirs["data"])) == (our["type"], our["shape"], our["digest"]))
    check(f"{path.name}: no others", not ours)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = " ".join(kind.name for kind in gguf.GGMLQuantizationType)
        drive("writes_files_for_other_readers", SHENBI_PARITY_WRITE=name, SHENBI_PARITY_TYPES=known)
        they_read_our_gguf(folder / "ours.gguf")
        they_read_our_safetensors(folder / "ours.safetensors")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        they_write(folder)
        for given in sys.argv[1:]:
            (folder / Path(given).name).symlink_to(Path(given).resolve())
        drive("tells_what_it_sees_in_files_of_other_writers", SHENBI_PARITY_READ=name)
        for path in sorted(folder.glob("*.gguf")):
            we_read_their_gguf(path)
        we_read_their_safetensors(folder / "theirs.safetensors")
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
