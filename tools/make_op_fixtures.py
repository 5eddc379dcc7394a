#!/usr/bin/env python3
"""Writes tests/golden/ops/ops.safetensors: every differentiable op against PyTorch in float64.

A case NAME has NAME.input.0, .1, ... (f32), NAME.upstream (f32: the gradient that comes from above), NAME.output and
NAME.gradient.0, .1, ... (f64, one for each input). The options of a case stand here and, the same, in src/ops/ops_test.cpp.
Usage: tools/make_op_fixtures.py   (needs torch and safetensors)
"""
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/ops/ops.safetensors"
CASES = {}


def case(*shapes, spread=1.0):
    """Registers a function of tensors of these shapes, filled with normal numbers times `spread`."""
    def register(function):
        CASES[function.__name__] = (function, shapes, spread)
        return function
    return register


# --- element by element ---
@case((3, 7), (3, 7))
def add(a, b): return a + b

@case((3, 7), (3, 7))
def multiply(a, b): return a * b

@case((5, 3), (5, 1))
def multiply_rows(a, b): return a * b

@case((3, 7))
def scale(x): return -2.5 * x

@case((5, 9), spread=4.0)
def silu(x): return F.silu(x)

@case((5, 9), spread=3.0)
def gelu_erf(x): return F.gelu(x)

@case((5, 9), spread=3.0)
def gelu_tanh(x): return F.gelu(x, approximate="tanh")

@case((5, 9))
def relu(x): return F.relu(x)

@case((5, 9))
def relu_squared(x): return F.relu(x).square()

@case((5, 9), spread=4.0)
def sigmoid(x): return torch.sigmoid(x)

@case((5, 9), spread=4.0)
def softcap(x): return 3.0 * torch.tanh(x / 3.0)


# --- matrices ---
@case((5, 7), (3, 7))
def linear(x, w): return F.linear(x, w)

@case((2, 3, 7), (5, 7), (5,))
def linear_with_bias(x, w, b): return F.linear(x, w, b)

@case((1, 33), (17, 33))
def linear_of_one_row(x, w): return F.linear(x, w)

@case((5, 7), (7, 3))
def matmul(a, b): return a @ b

@case((6, 5), (4, 3, 5))
def grouped_linear(x, w):  # the second expert has no rows
    return torch.cat([x[0:2] @ w[0].T, x[2:3] @ w[2].T, x[3:6] @ w[3].T])


# --- norms ---
@case((4, 9), (9,))
def rms_norm(x, w): return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * w

@case((4, 3, 6))
def rms_norm_without_weight(x): return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)

@case((3, 2, 8), (8,))
def rms_norm_of_each_head(x, w): return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * w

@case((4, 9), (9,), (9,))
def layer_norm(x, w, b): return F.layer_norm(x, (9,), w, b, 1e-5)

@case((4, 9), (9,))
def layer_norm_without_bias(x, w): return F.layer_norm(x, (9,), w, None, 1e-5)

@case((4, 9))
def layer_norm_plain(x): return F.layer_norm(x, (9,), None, None, 1e-5)


# --- positions ---
def rotate(x, pairs, adjacent, magnitude=1.0):
    positions = torch.tensor([0, 1, 2, 7, 500], dtype=torch.float64)
    inverse = torch.tensor([1.0, 0.25, 0.0625, 0.015625][:pairs], dtype=torch.float64)
    angle = (positions[:, None] * inverse)[:, None, :]
    c, s = angle.cos() * magnitude, angle.sin() * magnitude
    turned, rest = x[..., : 2 * pairs], x[..., 2 * pairs:]
    a, b = (turned[..., 0::2], turned[..., 1::2]) if adjacent else (turned[..., :pairs], turned[..., pairs:])
    first, second = a * c - b * s, b * c + a * s
    out = torch.stack([first, second], -1).flatten(-2) if adjacent else torch.cat([first, second], -1)
    return torch.cat([out, rest], -1)

@case((5, 2, 8))
def rope_half(x): return rotate(x, 4, False)

@case((5, 2, 8))
def rope_adjacent(x): return rotate(x, 4, True)

@case((5, 2, 8))
def rope_half_partial(x): return rotate(x, 3, False, 1.25)

@case((5, 2, 8))
def rope_adjacent_partial(x): return rotate(x, 2, True, 1.25)


# --- attention ---
def attend(q, k, v, scale=0.5, cap=0.0, slopes=None, causal=True, window=0, lengths=None):
    outs, start = [], 0
    group = q.shape[1] // k.shape[1]
    for n in lengths or [q.shape[0]]:
        rows = slice(start, start + n)
        start += n
        scores = torch.einsum("ihd,jhd->hij", q[rows], k[rows].repeat_interleave(group, 1)) * scale
        if cap:
            scores = cap * torch.tanh(scores / cap)
        i, j = torch.arange(n)[:, None], torch.arange(n)[None, :]
        if slopes:
            scores = scores + torch.tensor(slopes, dtype=torch.float64)[:, None, None] * (j - i)
        hidden = (j > i) if causal else torch.zeros(n, n, dtype=torch.bool)
        if window:
            hidden = hidden | (j <= i - window)
        p = scores.masked_fill(hidden, -math.inf).softmax(-1)
        outs.append(torch.einsum("hij,jhd->ihd", p, v[rows].repeat_interleave(group, 1)))
    return torch.cat(outs)

@case((5, 2, 4), (5, 2, 4), (5, 2, 4))
def attention(q, k, v): return attend(q, k, v)

@case((6, 4, 4), (6, 2, 4), (6, 2, 3))
def attention_grouped(q, k, v): return attend(q, k, v)

@case((70, 2, 3), (70, 1, 3), (70, 1, 2))
def attention_over_two_tiles(q, k, v): return attend(q, k, v)

@case((70, 1, 3), (70, 1, 3), (70, 1, 2))
def attention_window(q, k, v): return attend(q, k, v, window=5)

@case((6, 1, 4), (6, 1, 4), (6, 1, 4))
def attention_window_of_one(q, k, v): return attend(q, k, v, window=1)

@case((6, 2, 4), (6, 2, 4), (6, 2, 4), spread=2.0)
def attention_softcap(q, k, v): return attend(q, k, v, cap=1.5)

@case((6, 2, 4), (6, 1, 4), (6, 1, 4))
def attention_alibi(q, k, v): return attend(q, k, v, slopes=[0.5, 0.25])

@case((6, 2, 4), (6, 1, 4), (6, 1, 4))
def attention_both_ways(q, k, v): return attend(q, k, v, causal=False)

@case((9, 2, 4), (9, 1, 4), (9, 1, 4))
def attention_of_many_sequences(q, k, v): return attend(q, k, v, window=3, lengths=[1, 5, 3])

@case((4, 2, 4), (4, 1, 4), (4, 1, 4), spread=2.0)
def attention_all_at_once(q, k, v): return attend(q, k, v, 0.3, 2.0, [0.5, 0.25], True, 3)

@case((1, 2, 4), (1, 1, 4), (1, 1, 4))
def attention_of_one_token(q, k, v): return attend(q, k, v)


# --- tables, layout, reductions ---
@case((6, 4))
def embedding(w): return w[torch.tensor([1, 5, 1, 0, 1])]

@case((3, 8))
def reshape(x): return x.reshape(2, 3, 4) * 1.0

@case((3, 5))
def transpose(x): return x.T * 1.0

@case((3, 6, 2))
def slice_middle(x): return x[:, 2:5] * 1.0

@case((2, 3), (2, 1), (2, 4))
def concat(a, b, c): return torch.cat([a, b, c], 1)

@case((4, 6), spread=3.0)
def softmax(x): return x.softmax(-1)

@case((4, 6))
def sum(x): return x.sum()

@case((4, 6))
def mean(x): return x.mean()


# --- losses ---
@case((5, 7), spread=3.0)
def cross_entropy(x): return F.cross_entropy(x, torch.tensor([0, 6, 3, 3, 1]))

@case((5, 7), spread=3.0)
def cross_entropy_ignoring(x): return F.cross_entropy(x, torch.tensor([0, -100, 3, -100, 1]), ignore_index=-100)

@case((5, 7), spread=3.0)
def cross_entropy_of_a_part(x): return F.cross_entropy(x, torch.tensor([0, -100, 3, 2, 1]), reduction="sum") / 12


# --- experts ---
def routed(logits, kind, renormalise, factor=1.0, k=2):
    if kind == "softmax_then_top_k":
        weights = logits.softmax(-1).topk(k).values
    elif kind == "top_k_then_softmax":
        weights = logits.topk(k).values.softmax(-1)
    else:
        weights = logits.sigmoid().topk(k).values
    if renormalise:
        weights = weights / weights.sum(-1, keepdim=True)
    return weights * factor

@case((5, 6), spread=2.0)
def route_softmax(x): return routed(x, "softmax_then_top_k", False)

@case((5, 6), spread=2.0)
def route_softmax_renormalised(x): return routed(x, "softmax_then_top_k", True, 2.5, 3)

@case((5, 6), spread=2.0)
def route_top_k_then_softmax(x): return routed(x, "top_k_then_softmax", False)

@case((5, 6), spread=2.0)
def route_sigmoid(x): return routed(x, "sigmoid", True, 2.5)

@case((5, 4), (5, 3), (3, 6, 4), spread=1.5)
def experts(x, logits, w):
    top = logits.softmax(-1).topk(2)
    return torch.stack([torch.stack([p * (w[e] @ x[t]) for p, e in zip(top.values[t], top.indices[t])]).sum(0)
                        for t in range(len(x))])


def main():
    tensors = {}
    for number, (name, (function, shapes, spread)) in enumerate(CASES.items()):
        random = torch.Generator().manual_seed(number + 1)
        inputs = [torch.randn(shape, generator=random) * spread for shape in shapes]
        doubles = [x.double().requires_grad_() for x in inputs]
        out = function(*doubles)
        upstream = torch.randn(out.shape, generator=random)
        gradients = torch.autograd.grad(out, doubles, upstream.double())
        tensors[f"{name}.upstream"] = upstream
        tensors[f"{name}.output"] = out.detach().clone().contiguous()
        for i, (x, g) in enumerate(zip(inputs, gradients)):
            tensors[f"{name}.input.{i}"] = x
            tensors[f"{name}.gradient.{i}"] = g.clone().contiguous()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, OUT, metadata={"torch": torch.__version__})
    print(f"{OUT}: {len(CASES)} cases, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
