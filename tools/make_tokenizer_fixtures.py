#!/usr/bin/env python3
"""Trains tiny tokenizers of every kind with the reference libraries and writes them with the ids they give.

    tools/make_tokenizer_fixtures.py [--out tests/golden/tokenizers] [--tool build/dev/tokenizers_tool]
    tools/make_tokenizer_fixtures.py --fuzz 5000 --tool build/dev/tokenizers_tool   live comparison, nothing is written

Needs tokenizers, sentencepiece and tiktoken from PyPI. Corpus: the sentences below and Debian's licence texts. The files:

    texts.json            what is encoded, one list for all; {"hex": ...} for bytes that are not UTF-8
    patterns.json         every pre-tokenizer pattern with the cuts that Oniguruma (tokenizers' Split) makes in each text
    NAME.json|.model|.tiktoken   a tokenizer;  NAME.cases.json   {"kind", "file", "plain", "special", "text"}:
        ids of each text without any special token; with control tokens parsed; with control tokens parsed and added
"""
import argparse
import base64
import glob
import io
import json
import os
import random
import subprocess
import tempfile

import sentencepiece
import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = """The quick brown fox jumps over the lazy dog. It's a dog's life, isn't it? WE'LL SEE, they've said; I'd go.
Large language models read text as tokens; a tokenizer turns text into numbers and back again without losing a byte.
人工智能正在改变世界。大语言模型可以写诗、写代码,也可以回答问题。神笔马良的故事流传至今。今天天气很好,我们去公园吧!
日本語のテキストも扱えます。ひらがなとカタカナ。한국어 문장도 있습니다. Привет, мир! Γειά σου Κόσμε. مرحبا بالعالم שלום
def main(argc: int, argv: list[str]) -> None:\n    for i in range(10):\n        print(f"{i:>5} {i**2}")\n    return 0
int main() {\n\tstd::vector<int> v{1, 2, 3};\n\tfor (auto& x : v) x += 0x1F;\n\treturn v.size() != 3;\n}
In 2024, 1234567 people paid $3.50 (about €3.20) at 12:34:56 on 2024-01-31; that is 12.5% more than in 1999.
Emoji: 😀 👍🏽 👨‍👩‍👧‍👦 🇨🇳 ❤️ and accents: café naïve Ångström coöperate résumé İstanbul ǅ ﬁ ½ ² ①
""".replace("\\n", "\n").replace("\\t", "\t")

FIXED_TEXTS = [
    "", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n ", "a", " a", "a ", "  a  b  ", "Hello world", " Hello, world! ",
    "hello\nworld\n\n\n  indented\n\ttabbed\r\nwindows\r\n", "I'm you're we'll they've he'd it's DON'T 'S 'Tis ''s 'ſ 'LL'",
    "1 12 123 1234 12345 123456 1234567 3.14159 1,000,000 ٣٤٥ ²³ Ⅷ ½", "!!! ??? ... --- ''' \"\"\" ((())) [[]] {{}} <<>> !a!b!c",
    "HTTPServer camelCase PascalCase snake_case SCREAMING_CASE xHTML ǅabc ʰabc ÀÉàé", "人工智能改变世界。", " 人工 智能 ",
    "中文English混排123和456。，！？", "日本語テキスト ひらがな カタカナ", "한국어 문장", "Привет, мир! ПРИВЕТ", "مرحبا بالعالم",
    "नमस्ते दुनिया", "สวัสดีชาวโลก", "😀 👍🏽 👨‍👩‍👧‍👦 🇨🇳🇩🇪 ❤️", "e\u0301 café cafe\u0301 \u0301\u0302 a\u0300\u0301b", "ﬁ ﬂ ½ ① ｆｕｌｌ ㎏ Å Ω İ ß ẞ",
    "\u00a0nbsp\u3000ideographic\u2003em\u200bzero\u2028line\u2029para\u0085next", "\x00\x01\x1f\x7f\x80\x9f", "\ufeffbom \ufffd \ufffe",
    "\u0378 unassigned \U000e0001 \U0010fffd", "def f(x):\n    return x**2  # square\n\n\nclass A:\n\tpass\n",
    "https://example.org/a/b?c=d&e=f#g user@example.org C:\\dir\\file", "a" * 70, "ab" * 50, "!a" * 40, " " * 50, "\n" * 20,
    "人" * 60, "\u0301" * 30, "0" * 50, "A" * 40 + "a" * 40, "<s> </s> <unk> <pad> <0x0A> <0xZZ>", "[CLS] text [SEP] [MASK]",
    "<|im_start|>user\nhi<|im_end|>\n<|endoftext|>", "x<sep>y <sep> z<sep><sep>", "wordADDEDword ADDED ADDEDs", "▁ ▁▁ a▁b Ġ Ċ",
    "The quick brown fox jumps over the lazy dog.", "WE'LL SEE, they've said", "tokenizer turns text into numbers",
    "std::vector<int> v{1, 2, 3};", "for (auto& x : v) x += 0x1F;", "  leading and trailing  \n", "a/b//c \n/ /\n\n/ x", "...\n\n...\r\n",
]

PIECES = (list("abcxyzABCXYZ0123456789 .,!?'\"-_/\\()<>|▁") + [" ", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "the", "The", " quick",
          "人", "工智能", "。", "，", "の", "カ", "한", "й", "Ж", "é", "e\u0301", "\u0301", "\u0e33", "नि", "😀", "👍🏽", "👨‍👩‍👧", "½", "²", "٣", "Ⅷ", "ﬁ",
          "ſ", "İ", "ß", "ǅ", "ʰ", "ª", "\u00a0", "\u3000", "\u200b", "\u200d", "\u2028", "\x00", "\x1c", "\x85", "\ufffd", "\u0378", "$", "€", "+=", "123", "4567",
          "<s>", "</s>", "<unk>", "[SEP]", "<|im_end|>", "<sep>", "ADDED", "Ġ", "<0x0A>"])


def random_text(rng):
    kind = rng.random()
    if kind < 0.2:
        words = SENTENCES.split(" ")
        return " ".join(rng.choice(words) for _ in range(rng.randrange(1, 12)))
    if kind < 0.3:
        return "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xA0, 0x250), rng.randrange(0x370, 0x600),
                                       rng.randrange(0x4E00, 0x9FFF), rng.randrange(0x1F300, 0x1F650)]))
                       for _ in range(rng.randrange(1, 20)))
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 25)))


def corpus():
    lines = SENTENCES.split("\n") * 20
    for path in sorted(glob.glob("/usr/share/common-licenses/GPL-3")):
        with open(path, encoding="utf-8") as file:
            lines += file.read().split("\n")
    return lines


# --- Hugging Face tokenizers ---

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s")
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK3 = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
             r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"""
             r"|\s*[\r\n]+|\s+(?!\S)|\s+"]


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(use_regex=False, prefix=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=use_regex)


def train_bpe(pre, normalizer=None, size=420, special=("<|endoftext|>", "<|im_start|>", "<|im_end|>"), alphabet=True, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), show_progress=False, max_token_length=24,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else [],
        **({"end_of_word_suffix": model["end_of_word_suffix"]} if "end_of_word_suffix" in model else {}))
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def with_bytes(tokenizer):
    """Adds <0x00>..<0xFF> in front of a BPE vocabulary and switches byte fallback on."""
    data = json.loads(tokenizer.to_str())
    old = sorted(data["model"]["vocab"], key=data["model"]["vocab"].get)
    special = [t["content"] for t in data["added_tokens"]]
    order = special + [f"<0x{b:02X}>" for b in range(256)] + [t for t in old if t not in special]
    data["model"]["vocab"] = {t: i for i, t in enumerate(order)}
    for token in data["added_tokens"]:
        token["id"] = data["model"]["vocab"][token["content"]]
    data["model"]["byte_fallback"] = True
    data["model"]["fuse_unk"] = True
    data["model"]["unk_token"] = "<unk>"
    return Tokenizer.from_str(json.dumps(data))


def small_charsmap():
    """A SentencePiece normaliser blob with a handful of NFKC-like rules (the full one is 240 KB)."""
    rules = {"ﬁ": "fi", "ﬂ": "fl", "½": "1⁄2", "①": "1", "²": "2", "\u3000": " ", "\u00a0": " ", "\t": " ", "\n": " ", "\r": " ",
             "é": "e\u0301", "e\u0301": "é", "\u200b": " ", "\u212b": "\u00c5", "…": "...", "\u0301\u0302": "\u0302", "Ⅷ": "VIII",
             "\x1c": "", "\u2028": " ", "\x85": " ", "ß": "ss", "\u1100\u1161": "\uac00", "👍🏽": "👍"}
    rules.update({chr(0xFF01 + i): chr(0x21 + i) for i in range(94)})
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
        for source, target in rules.items():
            file.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        file.flush()
        model = train_sentencepiece(model_type="unigram", vocab_size=260, normalization_rule_tsv=file.name)
    return model


def proto_field(message, number):
    """The first length-delimited field `number` of a protobuf message."""
    i = 0

    def varint():
        nonlocal i
        value = shift = 0
        while True:
            byte = message[i]
            i += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while i < len(message):
        key = varint()
        if key & 7 == 0:
            varint()
        elif key & 7 == 5:
            i += 4
        elif key & 7 == 1:
            i += 8
        else:
            size = varint()
            if key >> 3 == number:
                return message[i:i + size]
            i += size
    return b""


def hugging_face():
    result = {}
    gpt2 = train_bpe(byte_level(use_regex=True))
    gpt2.post_processor = processors.ByteLevel(trim_offsets=True)
    gpt2.decoder = decoders.ByteLevel()
    gpt2.add_tokens([AddedToken("ADDED", single_word=True, normalized=False), AddedToken("<sep>", lstrip=True, rstrip=True)])
    result["gpt2"] = gpt2

    roberta = train_bpe(byte_level(use_regex=True, prefix=True), special=("<s>", "<pad>", "</s>", "<unk>", "<mask>"), size=380)
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    roberta.decoder = decoders.ByteLevel()
    result["roberta"] = roberta

    llama3 = train_bpe(pre_tokenizers.Sequence([split(LLAMA3), byte_level()]), ignore_merges=True)
    llama3.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|im_start|> $A", pair="<|im_start|> $A <|im_start|> $B",
                                      special_tokens=[("<|im_start|>", 1)])])
    llama3.decoder = decoders.ByteLevel()
    result["llama3"] = llama3

    qwen2 = train_bpe(pre_tokenizers.Sequence([split(LLAMA3.replace("{1,3}", "")), byte_level()]), normalizers.NFC())
    qwen2.decoder = decoders.ByteLevel()
    result["qwen2"] = qwen2
    o200k = train_bpe(pre_tokenizers.Sequence([split(O200K), byte_level()]))
    o200k.decoder = decoders.ByteLevel()
    result["o200k"] = o200k
    deepseek = train_bpe(pre_tokenizers.Sequence([split(p) for p in DEEPSEEK3] + [byte_level()]))
    deepseek.decoder = decoders.ByteLevel()
    result["deepseek3"] = deepseek
    starcoder = train_bpe(pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level(use_regex=True)]), size=360)
    starcoder.decoder = decoders.ByteLevel()
    result["starcoder"] = starcoder
    falcon = train_bpe(pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), byte_level(use_regex=True), pre_tokenizers.Digits(False),
        split("[0-9][0-9][0-9]")]), size=360)
    falcon.decoder = decoders.ByteLevel()
    result["falcon"] = falcon

    llama = with_bytes(train_bpe(None, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
                                 size=500, special=("<unk>", "<s>", "</s>"), alphabet=False))
    llama.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    llama.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                       decoders.Strip(" ", 1, 0)])
    result["llama"] = llama
    gemma = with_bytes(train_bpe(pre_tokenizers.Split(" ", "merged_with_previous"), normalizers.Replace(" ", "▁"),
                                 size=500, special=("<pad>", "<eos>", "<bos>", "<unk>"), alphabet=False))
    gemma.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    result["gemma"] = gemma
    metaspace = train_bpe(pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=True), None, size=400,
                          special=("<unk>", "<s>", "</s>"), alphabet=False, unk_token="<unk>", fuse_unk=True)
    metaspace.decoder = decoders.Metaspace("▁", prepend_scheme="first")
    result["metaspace"] = metaspace
    clip = train_bpe(pre_tokenizers.Sequence([
        split(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "removed", True),
        byte_level()]), normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
        unk_token="<|endoftext|>", end_of_word_suffix="</w>", size=700)
    clip.decoder = decoders.ByteLevel()
    result["clip"] = clip

    def wordpiece(lowercase, size):
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=50))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(
            vocab_size=size, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
        tokenizer.decoder = decoders.WordPiece("##", cleanup=True)
        return tokenizer
    bert = wordpiece(True, 700)
    bert.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    result["bert"] = bert
    cased = wordpiece(False, 600)
    cased.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    result["bert-cased"] = cased

    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Strip()])
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(corpus(), trainers.WordLevelTrainer(vocab_size=300, special_tokens=["[UNK]"], show_progress=False))
    result["wordlevel"] = words

    charsmap = proto_field(proto_field(small_charsmap(), 3), 2)
    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always")
    unigram.train_from_iterator(corpus(), trainers.UnigramTrainer(
        vocab_size=320, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    unigram.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    unigram.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    result["xlm-roberta"] = unigram
    nmt = Tokenizer.from_str(unigram.to_str())
    nmt.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    nmt.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme="always")])
    result["unigram-nmt"] = nmt
    return {name: json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":")) for name, t in result.items()}


class HuggingFace:
    kind, extension = "json", ".json"

    def __init__(self, text):
        self.bytes = text.encode()
        self.tokenizer = Tokenizer.from_str(text)

    def ids(self, text, option):
        if isinstance(text, bytes):
            return None
        self.tokenizer.encode_special_tokens = option == "plain"
        return self.tokenizer.encode(text, add_special_tokens=option == "text").ids


# --- SentencePiece ---

def train_sentencepiece(**options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter([line for line in corpus() if line]), model_writer=out,
                                             minloglevel=2, num_threads=1, **options)
    return out.getvalue()


def sentence_piece():
    identity = {"normalization_rule_name": "identity"}
    keep = {"remove_extra_whitespaces": False}
    return {
        "spm-llama": train_sentencepiece(model_type="bpe", vocab_size=620, byte_fallback=True, split_digits=True, **identity, **keep),
        "spm-gemma": train_sentencepiece(model_type="bpe", vocab_size=640, byte_fallback=True, add_dummy_prefix=False,
                                         user_defined_symbols=["\n\n", "▁▁", "▁▁▁▁", "ADDED", "<sep>"], **identity, **keep),
        "spm-bpe": train_sentencepiece(model_type="bpe", vocab_size=400, user_defined_symbols=["<sep>"], **identity),
        "spm-unigram": small_charsmap(),
        "spm-unigram-bytes": train_sentencepiece(model_type="unigram", vocab_size=560, byte_fallback=True,
                                                 user_defined_symbols=["<sep>", "ADDED"], **identity, **keep),
        "spm-suffix": train_sentencepiece(model_type="unigram", vocab_size=300, treat_whitespace_as_suffix=True, **identity),
        "spm-character": train_sentencepiece(model_type="char", vocab_size=200, **identity),
        "spm-word": train_sentencepiece(model_type="word", vocab_size=200, **identity),
    }


class SentencePiece:
    kind, extension = "sentencepiece", ".model"

    def __init__(self, model):
        self.bytes = model
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    def ids(self, text, option):
        return self.processor.encode(text) if option == "plain" else None


# --- tiktoken ---

def tik_token():
    result = {}
    for name, pattern in (("tiktoken-cl100k", CL100K), ("tiktoken-o200k", O200K)):
        trained = json.loads(train_bpe(pre_tokenizers.Sequence([split(pattern), byte_level()]), special=()).to_str())
        to_byte = {c: b for b, c in bytes_to_characters().items()}
        words = [bytes(to_byte[c] for c in left + right) for left, right in
                 (m if isinstance(m, list) else m.split(" ") for m in trained["model"]["merges"])]
        tokens = [bytes([b]) for b in range(256)]
        tokens += [w for w in dict.fromkeys(words) if w not in set(tokens)]
        result[name] = (pattern, {token: rank for rank, token in enumerate(tokens)})
    return result


def bytes_to_characters():
    keep = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    table, extra = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


class TikToken:
    kind, extension = "tiktoken", ".tiktoken"

    def __init__(self, pattern, ranks):
        self.pattern = pattern
        self.special = {"<|endoftext|>": len(ranks), "<|im_start|>": len(ranks) + 1, "<|im_end|>": len(ranks) + 2}
        self.bytes = b"".join(base64.b64encode(t) + b" %d\n" % r for t, r in ranks.items())
        self.encoding = tiktoken.Encoding("fixture", pat_str=pattern, mergeable_ranks=ranks, special_tokens=self.special)

    def ids(self, text, option):
        if isinstance(text, bytes):
            return None
        if option == "plain":
            return self.encoding.encode_ordinary(text)
        return self.encoding.encode(text, allowed_special="all") if option == "special" else None


def references():
    result = {name: HuggingFace(text) for name, text in hugging_face().items()}
    result.update({name: SentencePiece(model) for name, model in sentence_piece().items()})
    result.update({name: TikToken(*parts) for name, parts in tik_token().items()})
    return result


# --- output ---

def texts(count, seed):
    rng = random.Random(seed)
    result = FIXED_TEXTS + [random_text(rng) for _ in range(count)]
    # Bytes that are not UTF-8; sentencepiece alone takes them.
    result += [b"\xff", b"abc\x80def", b"\xe4\xba", b"\xe4\xba\xbaX\xe4\xbaY", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\xaf \xfe"]
    return result


def cuts(pattern, text):
    try:
        pieces = pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text)
    except Exception:
        return None
    return [len(piece.encode()) for piece, _ in pieces]


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def write_fixtures(out, tool):
    os.makedirs(out, exist_ok=True)
    all_texts = texts(70, 1)
    write(os.path.join(out, "texts.json"), [{"hex": t.hex()} if isinstance(t, bytes) else t for t in all_texts])
    patterns = json.loads(subprocess.run([tool, "patterns", "-"], capture_output=True, text=True, check=True).stdout)
    patterns += [CL100K.replace("|\\s++$", "").replace("\\s", "\\s")]
    write(os.path.join(out, "patterns.json"),
          [{"pattern": p, "cuts": [cuts(p, t) for t in all_texts if isinstance(t, str)]} for p in dict.fromkeys(patterns)])
    for name, reference in references().items():
        with open(os.path.join(out, name + reference.extension), "wb") as file:
            file.write(reference.bytes)
        case = {"kind": reference.kind, "file": name + reference.extension}
        if reference.kind == "tiktoken":
            case.update(pattern=reference.pattern, special_tokens=reference.special)
        for option in ("plain", "special", "text"):
            ids = [reference.ids(t, option) for t in all_texts]
            if any(i is not None for i in ids) and ids != case.get("plain") and ids != case.get("special"):
                case[option] = ids
        write(os.path.join(out, name + ".cases.json"), case)


def fuzz(count, tool, seed):
    failures = 0
    all_texts = [t for t in texts(count, seed) if isinstance(t, str)]
    lines = "".join(json.dumps(t) + "\n" for t in all_texts)
    with tempfile.TemporaryDirectory() as scratch:
        for name, reference in references().items():
            path = os.path.join(scratch, name + reference.extension)
            with open(path, "wb") as file:
                file.write(reference.bytes)
            if reference.kind == "tiktoken":
                write(path + ".json", {"ranks": path, "pattern": reference.pattern, "special": reference.special})
                path += ".json"
            for option in ("plain", "special", "text"):
                expected = [reference.ids(t, option) for t in all_texts]
                if expected[0] is None:
                    continue
                flags = {"plain": "--plain", "special": "--special", "text": "--both"}[option]
                done = subprocess.run([tool, reference.kind, path, flags], input=lines, capture_output=True, text=True)
                if done.returncode:
                    print(f"{name}: {done.stderr}")
                    failures += 1
                    break
                got = [json.loads(line) for line in done.stdout.splitlines()]
                wrong = [i for i in range(len(all_texts)) if got[i] != expected[i]]
                failures += len(wrong)
                print(f"{name} {option}: {len(all_texts) - len(wrong)} of {len(all_texts)} agree", flush=True)
                for i in wrong[:2]:
                    print(f"  {all_texts[i]!r}\n    expected {expected[i]}\n    got      {got[i]}")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="tests/golden/tokenizers")
    parser.add_argument("--tool", default="build/dev/tokenizers_tool")
    parser.add_argument("--fuzz", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.fuzz:
        raise SystemExit(1 if fuzz(arguments.fuzz, arguments.tool, arguments.seed) else 0)
    write_fixtures(arguments.out, arguments.tool)


if __name__ == "__main__":
    main()
