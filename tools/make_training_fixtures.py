#!/usr/bin/env python3
"""Writes tests/golden/training/<family>.safetensors: ten AdamW steps of a tiny model, as transformers and PyTorch do them.

    tokens [B, T] i32, labels [B * T] i32 (already moved by one; -100 takes no part)
    logits [B * T, vocab], losses [10], norms [10] (of the gradients, before clipping)
    weight.NAME, gradient.NAME (of the first step, before clipping), after_1.NAME, after_10.NAME   NAME is canonical

Weight decay 0.1 on matrices, none on norms; clipping at 1; warm-up of 3 steps, then a cosine. The sizes of the models stand
here and, the same, in src/models/training_parity_test.cpp. Usage: tools/make_training_fixtures.py
"""
import math
import pathlib
import re

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/training"
STEPS, WARMUP, PEAK, MINIMUM, DECAY, CLIP = 10, 3, 1e-3, 1e-4, 0.1, 1.0
# Larger than the usual 1e-8: the first step of Adam is the sign of the gradient, and the sign of a gradient of 1e-9 is noise.
BETAS, EPSILON = (0.9, 0.95), 1e-5
BATCH, LENGTH = 3, 12

MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=6,
        vocab_size=48, max_position_embeddings=64, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})),
    "gemma3": (Gemma3ForCausalLM, Gemma3TextConfig(
        pad_token_id=None,  # PyTorch gives a padding row no gradient
        hidden_size=16, intermediate_size=12, num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1, head_dim=8,
        vocab_size=40, max_position_embeddings=64, rms_norm_eps=1e-6, sliding_window=4, query_pre_attn_scalar=8,
        rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                         "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}})),
}
NAMES = [
    (r"model\.embed_tokens\.", "embedding."), (r"lm_head\.", "output."), (r"model\.norm\.", "output_norm."), (r"model\.layers\.", "layers."),
    (r"self_attn\.([qk])_norm", lambda m: {"q": "query", "k": "key"}[m[1]] + "_norm"),
    (r"self_attn\.([qkvo])_proj", lambda m: {"q": "query", "k": "key", "v": "value", "o": "attention_output"}[m[1]]),
    (r"mlp\.(gate|up|down)_proj", r"\1"), (r"input_layernorm", "attention_norm"),
]
LLAMA_NAMES = NAMES + [(r"post_attention_layernorm", "mlp_norm")]
GEMMA_NAMES = NAMES + [(r"post_attention_layernorm", "attention_post_norm"), (r"pre_feedforward_layernorm", "mlp_norm"),
                       (r"post_feedforward_layernorm", "mlp_post_norm")]


TO = torch.Tensor.to


def rounded(x):
    return TO(x.detach(), torch.float32).clone().contiguous()


def stay_in_double():
    """transformers casts norms, angles and softmax to f32, whatever the type of the model. Here those casts do nothing."""
    softmax = F.softmax
    wide = lambda dtype: torch.float64 if dtype is torch.float32 else dtype
    torch.Tensor.float = torch.Tensor.double
    torch.Tensor.to = lambda self, *args, **kwargs: TO(self, *map(wide, args), **{k: wide(v) for k, v in kwargs.items()})
    F.softmax = torch.nn.functional.softmax = lambda x, dim, dtype=None: softmax(x, dim=dim, dtype=wide(dtype))


def canonical(name, family):
    for pattern, replacement in GEMMA_NAMES if family == "gemma3" else LLAMA_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def learning_rate(step):
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    return MINIMUM + (PEAK - MINIMUM) * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def write(family):
    kind, config = MODELS[family]
    config._attn_implementation = "eager"
    torch.manual_seed(7)
    model = kind(config).double().train()
    named = [(canonical(name, family), p) for name, p in model.named_parameters()]
    with torch.no_grad():
        # f32 numbers, so that both sides start from the same. Gemma's norms undo the size of what they follow, so that larger
        # weights only make its steps smaller: at 0.2 PyTorch's own f32 leaves its f64 by 2e-4 after ten steps.
        spread = 0.4 if family == "gemma3" else 0.2
        for _, p in named:
            p.copy_((torch.randn(p.shape) * (0.1 if p.dim() == 1 else spread)).double())
            if p.dim() == 1:  # what multiplies is an f32 number: w, or Gemma's 1 + w
                p.copy_(TO(1 + p, torch.float32).double() - (1 if family == "gemma3" else 0))
        for name, buffer in model.named_buffers():  # frequencies are f32 numbers, in every program
            if name.endswith("inv_freq"):
                buffer.copy_(TO(TO(buffer, torch.float32), torch.float64))
    tokens = torch.randint(0, config.vocab_size, (BATCH, LENGTH))
    labels = torch.full((BATCH, LENGTH), -100)
    labels[:, :-1] = tokens[:, 1:]
    labels[0, :4] = -100  # a prompt
    labels[2, 8:] = -100  # a shorter answer

    out = {"tokens": tokens.int(), "labels": labels.flatten().int()}

    def store(key, value, name):
        # Gemma's norms multiply by 1 + w; canonical norms multiply by w.
        plus = 1.0 if family == "gemma3" and key != "gradient" and value.dim() == 1 else 0.0
        out[f"{key}.{name}"] = rounded(value + plus)

    matrices = [p for _, p in named if p.dim() > 1]
    vectors = [p for _, p in named if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}],
                                  betas=BETAS, eps=EPSILON)
    losses, norms = [], []
    for step in range(STEPS):
        logits = model(input_ids=tokens, use_cache=False).logits.flatten(0, 1)
        loss = F.cross_entropy(logits, labels.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out["logits"] = rounded(logits)
            for name, p in named:
                store("weight", p, name)
                store("gradient", p.grad, name)
        norms.append(torch.linalg.vector_norm(torch.stack([p.grad.norm() for _, p in named])).item())
        factor = min(1.0, CLIP / norms[-1])
        for _, p in named:
            p.grad *= factor
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.step()
        losses.append(loss.item())
        if step + 1 in (1, STEPS):
            for name, p in named:
                store(f"after_{step + 1}", p, name)
    out["losses"], out["norms"] = torch.tensor(losses, dtype=torch.float64), torch.tensor(norms, dtype=torch.float64)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{family}.safetensors"
    save_file(out, path)
    print(f"{path}: {path.stat().st_size} bytes, losses {losses[0]:.4f} to {losses[-1]:.4f}, norms {norms[0]:.3f} to {norms[-1]:.3f}")


if __name__ == "__main__":
    stay_in_double()
    for family in MODELS:
        write(family)
