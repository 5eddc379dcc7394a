#!/usr/bin/env python3
"""Speed of our tokenizers beside Hugging Face's `tokenizers`, one thread each, same texts, same tokenizer.json.

    bench/tokenizers_speed.py [--tool build/release/tokenizers_tool] [--megabytes 10] [--rounds 3] [--gguf FILE ...]

Text: a third each of English (this repository's docs and Debian's licence texts), code (this repository's sources) and
Chinese (sentences drawn with a fixed seed), in documents of 16 KB. Without --gguf a byte-level BPE (Qwen 2's pattern)
and a Gemma-like character BPE of 32,000 words are trained on the text; with it the vocabularies of real models are used
(models "gpt2" with pre "qwen2" or "gpt-2", and "llama", whose merges follow from the scores). Prints seconds of CPU time,
MB/s and the ratio of the best rounds, and fails if any id differs. Needs `tokenizers`, and `gguf` for --gguf.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CHINESE = ("的 一 是 在 不 了 有 和 人 这 中 大 为 上 个 国 我 以 要 他 时 来 用 们 生 到 作 地 于 出 就 分 对 成 会 可 主 发 年 动 同 工 也 能 下 过 子 说 产 种 "
           "模型 语言 训练 数据 学习 神经 网络 注意力 机制 参数 推理 部署 问题 方法 结果 研究 系统 世界 社会 经济 文化 历史 教育 科学 技术 人工智能 计算机 "
           "今天 天气 公园 朋友 时间 工作 生活 城市 北京 上海 大学 学生 老师 图书馆 我们 他们 可以 因为 所以 但是 如果 已经 没有 什么 知道 觉得 喜欢 开始").split(" ")


def read_all(paths):
    texts = []
    for path in sorted(paths):
        try:
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
        except (UnicodeDecodeError, IsADirectoryError):
            continue
    return "\n".join(texts)


def chinese(size):
    rng, out, length = random.Random(1), [], 0
    while length < size:
        words = [CHINESE[min(int(rng.expovariate(0.04)), len(CHINESE) - 1)] for _ in range(rng.randrange(4, 20))]
        sentence = "".join(words) + rng.choice("，，，。。？！；\n")
        if rng.random() < 0.1:
            sentence += str(rng.randrange(3000))
        out.append(sentence)
        length += len(sentence.encode())
    return "".join(out)


def documents(megabytes):
    share = megabytes * 1000000 // 3
    english = read_all(glob.glob("/usr/share/common-licenses/*") + glob.glob(f"{ROOT}/docs/**/*.md", recursive=True))
    code = read_all(glob.glob(f"{ROOT}/src/**/*.cpp", recursive=True) + glob.glob(f"{ROOT}/src/**/*.h", recursive=True)
                    + glob.glob(f"{ROOT}/tools/*.py"))
    result = []
    for text in (english, code, chinese(share)):
        text = text * (share // max(1, len(text.encode())) + 1)
        text = text.encode()[:share].decode(errors="ignore")
        result += [text[i:i + 16384] for i in range(0, len(text), 16384)]
    random.Random(2).shuffle(result)
    return result


def byte_tokenizer(pattern, vocabulary=None, merges=None, texts=None, nfc=True):
    tokenizer = Tokenizer(models.BPE(vocabulary, merges) if vocabulary else models.BPE())
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    if texts:
        tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
            vocab_size=32000, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def gemma_tokenizer(vocabulary=None, merges=None, texts=None):
    model = models.BPE(vocabulary, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>") if vocabulary else models.BPE()
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    if texts:
        short = [line for text in texts[::7] for line in text.replace(" ", " \n").split("\n")]  # word by word: fast to train
        tokenizer.train_from_iterator(short, trainers.BpeTrainer(vocab_size=32000, show_progress=False))
    return tokenizer


def from_gguf(path):
    import gguf
    fields = gguf.GGUFReader(path).fields
    get = lambda name: fields["tokenizer.ggml." + name].contents()
    tokens, kinds = get("tokens"), get("token_type")
    vocabulary = {t: i for i, t in enumerate(tokens)}
    if get("model") == "gpt2":
        merges = [tuple(m.split(" ")) for m in get("merges")]
        return byte_tokenizer(GPT2 if get("pre") == "gpt-2" else QWEN2, vocabulary, merges, nfc=get("pre") == "qwen2")
    # SentencePiece: every way to cut a word in two words is a merge, ordered by the word's score.
    scores, merges = get("scores"), []
    mergeable = {t for t, k in zip(tokens, kinds) if k in (1, 4)}
    for i, word in enumerate(tokens):
        if kinds[i] == 1:
            halves = [(word[:c], word[c:]) for c in range(1, len(word)) if word[:c] in mergeable and word[c:] in mergeable]
            merges += [(-scores[i], vocabulary[l], vocabulary[r], l, r) for l, r in halves]
    merges.sort(key=lambda m: m[:3])
    tokenizer = gemma_tokenizer(vocabulary, [m[3:] for m in merges])
    tokenizer.add_tokens([t for t, k in zip(tokens, kinds) if k == 4])
    return tokenizer


def time_reference(tokenizer, texts, rounds):
    best, ids = float("inf"), None
    for _ in range(rounds):
        begin = time.process_time()
        ids = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
        best = min(best, time.process_time() - begin)
    value, count = 0, 0
    for encoding in ids:
        for i in encoding.ids:
            value = (value * 31 + i) % 1000000007
        count += len(encoding.ids)
    return best, count, value


def compare(name, tokenizer, texts, tool, rounds):
    megabytes = sum(len(t.encode()) for t in texts) / 1e6
    theirs, count, value = time_reference(tokenizer, texts, rounds)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(tokenizer.to_str())
        file.flush()
        lines = "".join(json.dumps(t) + "\n" for t in texts)
        runs = [json.loads(subprocess.run([tool, "json", file.name, "--time"], input=lines, capture_output=True, text=True,
                                          check=True).stdout) for _ in range(rounds)]
    ours = min(run["seconds"] for run in runs)
    same = runs[0]["ids"] == count and runs[0]["hash"] == value
    print(f"{name}: {megabytes:.1f} MB, {count} ids {'equal' if same else 'DIFFER'}; tokenizers {theirs:.2f} s "
          f"({megabytes / theirs:.1f} MB/s), ours {ours:.2f} s ({megabytes / ours:.1f} MB/s), ratio {theirs / ours:.1f}", flush=True)
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="build/release/tokenizers_tool")
    parser.add_argument("--megabytes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gguf", nargs="*", default=[])
    arguments = parser.parse_args()
    texts = documents(arguments.megabytes)
    if arguments.gguf:
        candidates = [(os.path.basename(path), from_gguf(path)) for path in arguments.gguf]
    else:
        candidates = [("byte BPE, Qwen 2 pattern", byte_tokenizer(QWEN2, texts=texts[::5])),
                      ("character BPE, Gemma-like", gemma_tokenizer(texts=texts))]
    same = [compare(name, tokenizer, texts, arguments.tool, arguments.rounds) for name, tokenizer in candidates]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
