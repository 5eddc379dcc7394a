#!/usr/bin/env python3
"""Compares token ids with llama.cpp's golden files for its vocabulary-only GGUF files.

    tests/parity/tokenizers_llama_cpp.py [--models FOLDER] [--tool build/release/tokenizers_tool]
    tests/parity/tokenizers_llama_cpp.py --sentencepiece gemma-3-270m.gguf    a "llama" vocabulary against sentencepiece

FOLDER holds ggml-vocab-*.gguf with .inp/.out beside them (llama.cpp's models/). Without it the source package of
llama-cpp-python is downloaded from PyPI, which carries them. Files without .inp are only loaded and fed the texts of
the others. Needs the Python package `gguf`.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import gguf

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import reference_package  # noqa: E402

FIELDS = [
    "model", "pre", "tokens", "scores", "token_type", "merges", "bos_token_id", "eos_token_id", "unknown_token_id",
    "seperator_token_id", "add_bos_token", "add_eos_token", "add_space_prefix", "remove_extra_whitespaces",
    "precompiled_charsmap",
]

# Texts in which llama.cpp departs from the model's own tokenizer. Qwen 3.5 normalises to NFC (transformers' Qwen3_5
# tokenizer says so); llama.cpp does not, and these three texts hold decomposed accents.
DEVIATIONS = {"qwen35": {46, 47, 48}}


def dump_vocabulary(path, out):
    reader = gguf.GGUFReader(path)
    vocabulary = {}
    for name in FIELDS:
        field = reader.fields.get("tokenizer.ggml." + name)
        if field is not None:
            value = field.contents()
            vocabulary[name] = value.tolist() if hasattr(value, "tolist") else value
    with open(out, "w", encoding="utf-8") as file:
        json.dump(vocabulary, file)


def encode(tool, kind, path, texts, option="--plain"):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([tool, kind, path, option], input=lines, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{path}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def golden_texts(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read().split("\n__ggml_vocab_test__\n")


def against_sentencepiece(path, tool, scratch):
    """Writes the vocabulary of a GGUF file as a SentencePiece model and compares ids on this repository's sources."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as proto
    dumped = os.path.join(scratch, "vocabulary.json")
    dump_vocabulary(path, dumped)
    with open(dumped, encoding="utf-8") as file:
        vocabulary = json.load(file)
    model = proto.ModelProto()
    for text, score, kind in zip(vocabulary["tokens"], vocabulary["scores"], vocabulary["token_type"]):
        model.pieces.add(piece=text.replace(" ", "▁") if kind == 4 else text, score=score, type=kind)
    model.trainer_spec.model_type = 2
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.unk_id = vocabulary["unknown_token_id"]
    model.trainer_spec.vocab_size = len(vocabulary["tokens"])
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = vocabulary.get("add_space_prefix", True)
    model.normalizer_spec.remove_extra_whitespaces = False
    reference = sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    texts = []
    for name in sorted(glob.glob(root + "/src/tokenizers/*") + glob.glob(root + "/docs/*.md") + [
            root + "/tests/golden/tokenizers/texts.json"]):
        with open(name, encoding="utf-8") as file:
            text = file.read()
        texts += [text[i:i + 2000] for i in range(0, len(text), 2000)]
    with open(root + "/tests/golden/tokenizers/texts.json", encoding="utf-8") as file:
        texts += [t for t in json.load(file) if isinstance(t, str)]
    got = encode(tool, "gguf", dumped, texts)
    wrong = [i for i in range(len(texts)) if got[i] != reference.encode(texts[i])]
    print(f"{os.path.basename(path)}: {len(texts) - len(wrong)} of {len(texts)} texts agree with sentencepiece")
    for i in wrong[:3]:
        print(f"  {texts[i][:200]!r}")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models")
    parser.add_argument("--tool", default=reference_package.built("tokenizers_tool"))
    parser.add_argument("--sentencepiece", metavar="GGUF")
    arguments = parser.parse_args()
    if arguments.sentencepiece:
        with tempfile.TemporaryDirectory() as scratch:
            return against_sentencepiece(arguments.sentencepiece, arguments.tool, scratch)
    failures = passed = 0
    with tempfile.TemporaryDirectory() as scratch:
        models = arguments.models or reference_package.models_folder()
        paths = sorted(glob.glob(os.path.join(models, "ggml-vocab-*.gguf")))
        if not paths:
            raise SystemExit(f"{models}: no ggml-vocab-*.gguf")
        some_texts = next(golden_texts(p + ".inp") for p in paths if os.path.exists(p + ".inp"))
        for path in paths:
            name = os.path.basename(path)[len("ggml-vocab-"):-len(".gguf")]
            dumped = os.path.join(scratch, name + ".json")
            dump_vocabulary(path, dumped)
            if not os.path.exists(path + ".inp"):
                ids = encode(arguments.tool, "gguf", dumped, some_texts)
                print(f"{name}: loads; {sum(map(len, ids))} ids for {len(some_texts)} texts (no golden file)")
                continue
            texts = golden_texts(path + ".inp")
            with open(path + ".out", encoding="utf-8") as file:
                expected = [[int(i) for i in line.split()] for line in file.read().split("\n")[:len(texts)]]
            got = encode(arguments.tool, "gguf", dumped, texts)
            wrong = [i for i in range(len(texts)) if got[i] != expected[i] and i not in DEVIATIONS.get(name, {})]
            known = len(DEVIATIONS.get(name, ()))
            failures += len(wrong)
            passed += len(texts) - known - len(wrong)
            print(f"{name}: {len(texts) - known - len(wrong)} of {len(texts) - known} texts agree"
                  + (f" ({known} where llama.cpp departs from the original left out)" if known else ""))
            for i in wrong[:3]:
                print(f"  text {i}: {texts[i]!r}\n    expected {expected[i]}\n    got      {got[i]}")
    print(f"{passed} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
