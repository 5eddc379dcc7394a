#!/usr/bin/env python3
"""Makes tests/golden/models/<fixture>/: one tiny random-weight model a directory, with the logits its reference gives.

    model/config.json, model/model.safetensors   as a hub folder has them (bf16)
    model.gguf                                   the same weights as GGUF (bf16), where llama.cpp knows the family
    reference.safetensors                        ids_K [T] i32 and logits_K [T, vocab] f32, K = 0, 1, 2
    README                                       where the reference comes from

References: transformers (fp32, CPU, from exactly the stored bf16 values). Every GGUF is checked here against libllama
(llama-cpp-python) before it is kept: token ids in, logits out, no tokenizer needed. ChatGLM2/3, GLM-4 and Baichuan use the
outputs of the original remote code instead, as recorded in the MIT-licensed test data of li-plus/chatglm.cpp.

Weights are N(0, 0.15): the default initialisation is too small to expose mistakes. Norms differ from one, biases from zero.

    pip install torch transformers safetensors gguf llama-cpp-python
    HF_HUB_OFFLINE=1 python tools/make_model_fixtures.py [--chatglm-data DIR] [FIXTURE ...]
"""

import argparse
import json
import re
import shutil
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "models"
LENGTHS = (5, 17, 40)  # one inside, one about a page, one beyond the window and the first page of 32 positions
MAX_BYTES = 200_000

# One row a fixture: config class, its arguments, and the GGUF architecture (None: no GGUF). `hub` turns what transformers 5
# writes back into the keys that files on the hub have (rope_theta, rope_scaling), so both spellings are read by the tests.
SMALL = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
             vocab_size=80, max_position_embeddings=128)
LLAMA3_ROPE = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=32)
FIXTURES = {
    "llama": dict(config=hf.LlamaConfig, args=dict(SMALL, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
                  rms_norm_eps=1e-5), gguf="llama", hub=True),
    "llama3": dict(config=hf.LlamaConfig, args=dict(SMALL, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
                   rope_parameters=LLAMA3_ROPE, tie_word_embeddings=True), gguf="llama", hub=True),
    "mistral": dict(config=hf.MistralConfig, args=dict(SMALL, head_dim=32, sliding_window=16), gguf=None),
    "mixtral": dict(config=hf.MixtralConfig, args=dict(SMALL, intermediate_size=32, num_local_experts=4,
                    num_experts_per_tok=2), gguf="llama", hub=True),
    "gemma": dict(config=hf.GemmaConfig, args=dict(SMALL, head_dim=32), gguf="gemma"),
    "gemma2": dict(config=hf.Gemma2Config, args=dict(SMALL, head_dim=16, sliding_window=16, query_pre_attn_scalar=16,
                   attn_logit_softcapping=5.0, final_logit_softcapping=8.0), gguf="gemma2"),
    "gemma3": dict(config=hf.Gemma3TextConfig, args=dict(SMALL, num_hidden_layers=6, intermediate_size=24, head_dim=16,
                   sliding_window=16, query_pre_attn_scalar=16,
                   rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                                    "full_attention": {"rope_type": "default", "rope_theta": 1000000.0}}), gguf="gemma3",
                   hub=True),
    "gemma3_scaled": dict(config=hf.Gemma3TextConfig, args=dict(SMALL, num_hidden_layers=6, intermediate_size=40, head_dim=16,
                          sliding_window=16, query_pre_attn_scalar=24,
                          rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                                           "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}}),
                          gguf=None),
    "qwen2": dict(config=hf.Qwen2Config, args=dict(SMALL, rope_parameters=dict(rope_type="default", rope_theta=1e6)),
                  gguf="qwen2", hub=True),
    "qwen2_yarn": dict(config=hf.Qwen2Config, args=dict(SMALL, tie_word_embeddings=True, rope_parameters=dict(
                       rope_type="yarn", factor=4.0, original_max_position_embeddings=32, rope_theta=1e6)), gguf=None, hub=True),
    "qwen2_moe": dict(config=hf.Qwen2MoeConfig, args=dict(SMALL, num_experts=3, num_experts_per_tok=2,
                      moe_intermediate_size=32, shared_expert_intermediate_size=32, norm_topk_prob=False), gguf="qwen2moe",
                      hub=True),
    "qwen3": dict(config=hf.Qwen3Config, args=dict(SMALL, head_dim=32), gguf="qwen3"),
    "qwen3_moe": dict(config=hf.Qwen3MoeConfig, args=dict(SMALL, head_dim=16, num_experts=5, num_experts_per_tok=3,
                      moe_intermediate_size=24, norm_topk_prob=True), gguf="qwen3moe", hub=True),
    "gpt2": dict(config=hf.GPT2Config, args=dict(vocab_size=97, n_positions=64, n_embd=32, n_layer=2, n_head=2), gguf="gpt2"),
    "gpt_neox": dict(config=hf.GPTNeoXConfig, args=dict(vocab_size=80, hidden_size=32, intermediate_size=64,
                     num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=128), gguf="gptneox", hub=True),
    "gpt_neox_sequential": dict(config=hf.GPTNeoXConfig, args=dict(vocab_size=80, hidden_size=32, intermediate_size=64,
                     num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=128, use_parallel_residual=False,
                     rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)), gguf=None),
    "bloom": dict(config=hf.BloomConfig, args=dict(vocab_size=80, hidden_size=48, n_layer=1, n_head=3), gguf="bloom"),
    "phi3": dict(config=hf.Phi3Config, args=dict(SMALL, pad_token_id=0, bos_token_id=1, eos_token_id=2), gguf="phi3", hub=True),
    "phi3_longrope": dict(config=hf.Phi3Config, args=dict(SMALL, pad_token_id=0, bos_token_id=1, eos_token_id=2,
                          original_max_position_embeddings=64, rope_parameters=dict(rope_type="longrope", rope_theta=10000.0,
                          original_max_position_embeddings=64, partial_rotary_factor=1.0,
                          short_factor=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7],
                          long_factor=[1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5])), gguf=None),
    "stablelm": dict(config=hf.StableLmConfig, args=dict(SMALL, use_qkv_bias=True), gguf="stablelm"),
    "stablelm_parallel": dict(config=hf.StableLmConfig, args=dict(SMALL, use_parallel_residual=True), gguf=None, hub=True),
    "olmo2": dict(config=hf.Olmo2Config, args=dict(SMALL), gguf="olmo2"),
    "glm": dict(config=hf.GlmConfig, args=dict(SMALL, head_dim=16, pad_token_id=0, eos_token_id=2), gguf="chatglm"),
    "glm4": dict(config=hf.Glm4Config, args=dict(SMALL, head_dim=16, pad_token_id=0, eos_token_id=2), gguf="glm4"),
    "smollm3": dict(config=hf.SmolLM3Config, args=dict(SMALL, num_hidden_layers=4, intermediate_size=32, pad_token_id=0,
                    bos_token_id=1, eos_token_id=2), gguf="smollm3"),
}


def build(row):
    """A model with random bf16-representable weights; only parameters are rounded, buffers (frequencies) stay exact."""
    torch.manual_seed(7)
    config = row["config"](**row["args"])
    config._attn_implementation = "eager"
    model = hf.AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.normal_(0, 0.15)
            if p.dim() == 1 and name.endswith("weight"):  # norms around one (Gemma stores w - 1: around zero)
                p.add_(0 if "gemma" in config.model_type else 1)
            p.copy_(p.bfloat16().float())
    return config, model


def hub_spelling(config):
    """The keys that transformers 4 wrote, which is what files on the hub have."""
    rope = config.pop("rope_parameters")
    if "full_attention" in rope:  # Gemma 3
        config["rope_theta"] = rope["full_attention"]["rope_theta"]
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        config["rope_scaling"] = None
        config["sliding_window_pattern"] = 6
        config.pop("layer_types", None)
        config.pop("_sliding_window_pattern", None)
        return
    config["rope_theta" if "rotary_pct" not in config else "rotary_emb_base"] = rope.pop("rope_theta")
    partial = rope.pop("partial_rotary_factor", None)
    if config["model_type"] == "gpt_neox":
        config["rotary_emb_base"] = config.pop("rope_theta")
        config["rotary_pct"] = partial
    elif partial is not None:
        config["partial_rotary_factor"] = partial
    config["rope_scaling"] = rope if rope.get("rope_type", "default") != "default" else None
    if config["rope_scaling"] and rope["rope_type"] == "yarn":
        rope["type"] = rope.pop("rope_type")  # the older spelling of the older spelling
    if config["model_type"] in ("qwen2_moe", "qwen3_moe"):
        config["num_experts"] = config.pop("num_local_experts", config.get("num_experts"))
        config.pop("layer_types", None)


def write_hub_folder(row, config, model, folder):
    with tempfile.TemporaryDirectory() as tmp:
        model.save_pretrained(tmp)
        weights = load_file(Path(tmp) / "model.safetensors")
        description = json.loads((Path(tmp) / "config.json").read_text())
    description["dtype"] = "bfloat16"
    description.pop("_attn_implementation", None)
    if row.get("hub"):
        hub_spelling(description)
    folder.mkdir(parents=True)
    save_file({k: v.bfloat16().contiguous() for k, v in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(description, indent=1) + "\n")
    return weights


def reference(model, vocab):
    generator = torch.Generator().manual_seed(11)
    out = {}
    for k, length in enumerate(LENGTHS):
        ids = torch.randint(0, vocab, (1, length), generator=generator)
        with torch.no_grad():
            logits = model(ids, use_cache=False).logits[0].float()
            if k == 0 and model._supports_sdpa:  # both attention implementations of the reference must agree
                model.set_attn_implementation("sdpa")
                other = model(ids, use_cache=False).logits[0].float()
                model.set_attn_implementation("eager")
                assert (other - logits).abs().max() < 1e-4 * logits.abs().max(), "eager and sdpa differ"
        out[f"ids_{k}"] = ids[0].int().contiguous()
        out[f"logits_{k}"] = logits.contiguous()
    return out


# --- GGUF, as llama.cpp's converters write it ---------------------------------------------------------------------------

PERMUTED = ("llama", "smollm3")


def permute(w, heads):
    """Half-split to adjacent pairs: what the converters do to Q and K of the llama family."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def split_per_head(w, heads):
    """[heads, (q, k, v), head_dim] rows -> [Q; K; V]."""
    return w.reshape(heads, 3, -1, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape)


def gguf_tensors(arch, config, weights):
    blocks = config.num_hidden_layers
    names = gguf.get_tensor_name_map({v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch], blocks)
    experts = {}
    for name, w in sorted(weights.items()):
        w = w.float().numpy()
        heads = config.num_attention_heads
        if arch in PERMUTED and re.search(r"\.q_proj\.", name):
            w = permute(w, heads)
        if arch in PERMUTED and re.search(r"\.k_proj\.", name):
            w = permute(w, config.num_key_value_heads)
        if arch.startswith("gemma") and name.endswith("norm.weight"):
            w = w + 1
        if arch in ("gptneox", "bloom") and "query_key_value" in name:
            w = split_per_head(w, heads)
        if arch == "gpt2" and re.search(r"(c_attn|c_proj|c_fc)\.weight$", name):
            w = w.T
        if arch == "bloom":
            name = name.removeprefix("transformer.")
        if (m := re.match(r"(.*)\.experts\.(\d+)\.(.*)\.weight", name)):
            experts.setdefault(f"{m[1]}.experts.{m[3]}", {})[int(m[2])] = w
            continue
        mapped = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert mapped, name
        yield mapped, w
    for name, parts in experts.items():
        mapped = names.get_name(name + ".weight", try_suffixes=(".weight",))
        assert mapped, name
        yield mapped, np.stack([parts[e] for e in range(len(parts))])


def rope_of(config):
    rope = getattr(config, "rope_parameters", None) or {}
    return rope.get("full_attention", rope)


def gguf_metadata(w, arch, config):
    c = config
    head_dim = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    kv = getattr(c, "num_key_value_heads", None) or c.num_attention_heads
    width = getattr(c, "intermediate_size", None) or 4 * c.hidden_size
    w.add_context_length(getattr(c, "max_position_embeddings", None) or 128)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length(width)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(kv)
    w.add_vocab_size(c.vocab_size)
    w.add_key_length(head_dim)
    w.add_value_length(head_dim)
    rope = rope_of(c)
    if rope:
        w.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1.0)))
        w.add_rope_freq_base(rope["rope_theta"])
    if hasattr(c, "rms_norm_eps"):
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
    for key in ("layer_norm_epsilon", "layer_norm_eps"):
        if hasattr(c, key):
            w.add_layer_norm_eps(getattr(c, key))
    if hasattr(c, "use_parallel_residual"):
        w.add_parallel_residual(c.use_parallel_residual)
    experts = getattr(c, "num_local_experts", None) or getattr(c, "num_experts", None)
    if experts:
        w.add_expert_count(experts)
        w.add_expert_used_count(c.num_experts_per_tok)
        if hasattr(c, "moe_intermediate_size"):
            w.add_expert_feed_forward_length(c.moe_intermediate_size)
        if hasattr(c, "shared_expert_intermediate_size"):
            w.add_expert_shared_feed_forward_length(c.shared_expert_intermediate_size)
    if arch in ("gemma2", "gemma3"):
        w.add_sliding_window(c.sliding_window)
    if getattr(c, "attn_logit_softcapping", None):
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
    if getattr(c, "final_logit_softcapping", None):
        w.add_final_logit_softcapping(c.final_logit_softcapping)
    if arch == "phi3":
        w.add_rope_scaling_orig_ctx_len(c.original_max_position_embeddings)
    w.add_string("tokenizer.ggml.model", "no_vocab")


def rope_factors(config):
    """The tensor rope_freqs.weight: by what the llama3 rule divides each frequency."""
    rope = rope_of(config)
    if rope.get("rope_type") != "llama3":
        return None
    dims = config.head_dim
    inverse = 1.0 / rope["rope_theta"] ** (np.arange(0, dims, 2, dtype=np.float32) / dims)
    scaled, _ = hf.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    return (inverse / scaled.numpy()).astype(np.float32)


def write_gguf(path, arch, config, weights, dtype):
    w = gguf.GGUFWriter(path, arch)
    gguf_metadata(w, arch, config)
    factors = rope_factors(config)
    if factors is not None:
        w.add_tensor("rope_freqs.weight", factors)
    for name, data in gguf_tensors(arch, config, weights):
        data = np.ascontiguousarray(data, dtype=np.float32)
        if data.ndim == 1 or dtype == "f32":
            w.add_tensor(name, data)
        else:
            raw = gguf.quants.quantize(data, gguf.GGMLQuantizationType.BF16)
            w.add_tensor(name, raw, raw_dtype=gguf.GGMLQuantizationType.BF16)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def libllama_logits(path, ids, vocab):
    import llama_cpp as ll
    ll.llama_log_set(QUIET, None)
    params = ll.llama_model_default_params()
    params.use_mmap = False
    model = ll.llama_model_load_from_file(str(path).encode(), params)
    assert model, f"libllama cannot load {path}"
    cparams = ll.llama_context_default_params()
    cparams.n_ctx, cparams.n_batch, cparams.n_ubatch = 128, 64, 64
    cparams.flash_attn_type = 0
    cparams.type_k = cparams.type_v = 0  # f32
    context = ll.llama_init_from_model(model, cparams)
    batch = ll.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = int(token), i, 1, 1
        batch.seq_id[i][0] = 0
    assert ll.llama_decode(context, batch) == 0
    rows = [np.ctypeslib.as_array(ll.llama_get_logits_ith(context, i), shape=(vocab,)).copy() for i in range(len(ids))]
    ll.llama_batch_free(batch)
    ll.llama_free(context)
    ll.llama_model_free(model)
    return np.stack(rows)


def quiet_callback():
    import llama_cpp as ll
    return ll.llama_log_callback(lambda level, text, data: None)


QUIET = None


def add_gguf(folder, arch, config, weights, expected):
    """Keeps a bf16 GGUF whose f32 twin gives the same logits in libllama; returns the largest relative difference."""
    global QUIET
    QUIET = QUIET or quiet_callback()
    worst = 0.0
    with tempfile.TemporaryDirectory() as tmp:
        twin = Path(tmp) / "f32.gguf"
        write_gguf(twin, arch, config, weights, "f32")
        for k in range(len(LENGTHS)):
            want = expected[f"logits_{k}"].numpy()
            got = libllama_logits(twin, expected[f"ids_{k}"].numpy(), config.vocab_size)
            worst = max(worst, float(np.abs(got - want).max() / np.abs(want).max()))
    # ggml reads GELU from a table of f16 values (2e-4 a layer); everything else agrees to f32 rounding.
    assert worst < (2e-5 if getattr(config, "hidden_act", None) == "silu" else 3e-3), f"libllama differs from transformers by {worst}"
    write_gguf(folder / "model.gguf", arch, config, weights, "bf16")
    return worst


def make(name, row):
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    config, model = build(row)
    weights = write_hub_folder(row, config, model, folder / "model")
    expected = reference(model, config.vocab_size)
    save_file(expected, folder / "reference.safetensors")
    notes = [f"transformers {hf.__version__}, {type(model).__name__}, fp32 on CPU, eager attention"]
    if row["gguf"]:
        worst = add_gguf(folder, row["gguf"], config, weights, expected)
        import llama_cpp
        notes.append(f"model.gguf: same weights; libllama of llama-cpp-python {llama_cpp.__version__} agrees to {worst:.1e}")
    (folder / "README").write_text("Made by tools/make_model_fixtures.py. Reference: " + "; ".join(notes) + ".\n")
    total = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    assert total <= MAX_BYTES, f"{name}: {total} bytes"
    print(f"{name}: {total} bytes; {'; '.join(notes)}")


def make_baichuan2():
    """Baichuan 2 is Llama with W_pack and a head whose rows are divided by their length, so Llama is its reference."""
    row = dict(config=hf.LlamaConfig, args=dict(SMALL, num_key_value_heads=2), gguf=None)
    folder = GOLDEN / "baichuan2"
    shutil.rmtree(folder, ignore_errors=True)
    config, model = build(row)
    write_hub_folder(row, config, model, folder / "model")
    weights = load_file(folder / "model" / "model.safetensors")
    for i in range(config.num_hidden_layers):
        prefix = f"model.layers.{i}.self_attn."
        parts = [weights.pop(f"{prefix}{part}_proj.weight") for part in "qkv"]
        weights[prefix + "W_pack.weight"] = torch.cat(parts).contiguous()
    save_file(weights, folder / "model" / "model.safetensors", {"format": "pt"})
    (folder / "model" / "config.json").write_text(json.dumps(dict(
        architectures=["BaichuanForCausalLM"], model_type="baichuan", hidden_act="silu", hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size, max_position_embeddings=config.max_position_embeddings,
        model_max_length=config.max_position_embeddings, num_attention_heads=config.num_attention_heads,
        num_hidden_layers=config.num_hidden_layers, rms_norm_eps=config.rms_norm_eps, tie_word_embeddings=False,
        vocab_size=config.vocab_size, z_loss_weight=0), indent=1) + "\n")
    with torch.no_grad():
        model.lm_head.weight.copy_(torch.nn.functional.normalize(model.lm_head.weight))
    save_file(reference(model, config.vocab_size), folder / "reference.safetensors")
    (folder / "README").write_text(f"Made by tools/make_model_fixtures.py. Reference: transformers {hf.__version__}, "
                                   "LlamaForCausalLM with normalised rows of the head, fp32 on CPU, eager attention.\n")


# --- goldens of the original ChatGLM and Baichuan code ---------------------------------------------------------------------

CHATGLM_CPP = "https://github.com/li-plus/chatglm.cpp (MIT), commit f86777c85f4e14641b89c121277c11ae9cd5a9a7"
VOCAB, HIDDEN = 32, 32  # five words are in the files; the rest are zero rows, so that the head can be the identity


class Stream:
    def __init__(self, path):
        self.data = path.read_bytes()
        self.at = 0

    def take(self, *shape, dtype=np.float32):
        count = int(np.prod(shape))
        out = np.frombuffer(self.data, dtype, count, self.at).reshape(shape)
        self.at += 4 * count
        return torch.from_numpy(out.copy())


def original(name, file, layers, config):
    """One-layer model: `layers` lists (tensor name, shape) in file order; then three inputs and hidden states (3, 1, 1 tokens).

    The files hold hidden states, not logits. With the identity as head they are the same thing.
    """
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    s = Stream(file)
    weights = {}
    for tensor, shape in layers:
        w = s.take(*shape)
        if shape == (5, HIDDEN):
            w = torch.cat([w, torch.zeros(VOCAB - 5, HIDDEN)])
        weights[tensor] = w
    head = "transformer.output_layer.weight" if "chatglm" in config["model_type"] else "lm_head.weight"
    weights[head] = torch.eye(HIDDEN)
    ids, hidden = [], []
    for length in (3, 1, 1):
        ids.append(s.take(length, dtype=np.int32))
        hidden.append(s.take(length, HIDDEN))
    assert s.at == len(s.data), f"{file}: {len(s.data) - s.at} bytes left"
    save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model" / "model.safetensors", {"format": "pt"})
    (folder / "model" / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file({"ids_0": torch.cat(ids), "logits_0": torch.cat(hidden)}, folder / "reference.safetensors")
    (folder / "README").write_text(
        f"Made by tools/make_model_fixtures.py from tests/data/{file.name} of {CHATGLM_CPP}: a one-layer random model and its\n"
        "hidden states (a prompt of three tokens, then two decode steps), recorded there from the original model code. The\n"
        "vocabulary is padded with zero rows and the head is the identity, so that the logits are those hidden states.\n")
    print(f"{name}: from {file.name}")


def chatglm(name, file, config):
    layer = "transformer.encoder.layers.0"
    original(name, file, [
        ("transformer.embedding.word_embeddings.weight", (5, 32)),
        (f"{layer}.input_layernorm.weight", (32,)),
        (f"{layer}.self_attention.query_key_value.weight", (48, 32)),
        (f"{layer}.self_attention.query_key_value.bias", (48,)),
        (f"{layer}.self_attention.dense.weight", (32, 32)),
        (f"{layer}.post_attention_layernorm.weight", (32,)),
        (f"{layer}.mlp.dense_h_to_4h.weight", (96, 32)),
        (f"{layer}.mlp.dense_4h_to_h.weight", (32, 48)),
        ("transformer.encoder.final_layernorm.weight", (32,)),
    ], dict(architectures=["ChatGLMModel"], model_type="chatglm", add_bias_linear=False, add_qkv_bias=True,
            apply_residual_connection_post_layernorm=False, ffn_hidden_size=48, hidden_size=32, kv_channels=4,
            layernorm_epsilon=1e-5, multi_query_attention=True, multi_query_group_num=2, num_attention_heads=8, num_layers=1,
            original_rope=True, padded_vocab_size=VOCAB, post_layer_norm=True, rmsnorm=True, seq_length=32768,
            tie_word_embeddings=False) | config)


def baichuan(name, file, config):
    layer = "model.layers.0"
    original(name, file, [
        ("model.embed_tokens.weight", (5, 32)),
        (f"{layer}.input_layernorm.weight", (32,)),
        (f"{layer}.self_attn.W_pack.weight", (96, 32)),
        (f"{layer}.self_attn.o_proj.weight", (32, 32)),
        (f"{layer}.post_attention_layernorm.weight", (32,)),
        (f"{layer}.mlp.gate_proj.weight", (96, 32)),
        (f"{layer}.mlp.down_proj.weight", (32, 96)),
        (f"{layer}.mlp.up_proj.weight", (96, 32)),
        ("model.norm.weight", (32,)),
    ], dict(model_type="baichuan", hidden_act="silu", hidden_size=32, intermediate_size=96, num_attention_heads=8,
            num_hidden_layers=1, rms_norm_eps=1e-6, tie_word_embeddings=False, vocab_size=VOCAB) | config)


def make_originals(data):
    chatglm("chatglm2", data / "glm2_model.data", {})
    chatglm("chatglm4", data / "glm4_model.data", dict(layernorm_epsilon=1.5625e-7, rope_ratio=500, seq_length=131072))
    baichuan("baichuan_7b", data / "baichuan7b_model.data",
             dict(architectures=["BaichuanForCausalLM"], max_position_embeddings=4096))
    baichuan("baichuan_13b", data / "baichuan13b_model.data",
             dict(architectures=["BaichuanForCausalLM"], model_max_length=4096))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chatglm-data", type=Path, help="tests/data of a clone of li-plus/chatglm.cpp")
    parser.add_argument("fixtures", nargs="*", help="only these (default: all)")
    args = parser.parse_args()
    for name in args.fixtures or [*FIXTURES, "baichuan2"]:
        make_baichuan2() if name == "baichuan2" else make(name, FIXTURES[name])
    if args.chatglm_data:
        make_originals(args.chatglm_data)


if __name__ == "__main__":
    main()
