#!/usr/bin/env python3
"""Writes tests/golden/nn/rope.json: rotary frequencies as transformers computes them (ROPE_INIT_FUNCTIONS).

Each case holds the numbers of the config and the expected inverse frequencies and attention factor.
Usage: tools/make_rope_fixtures.py   (needs torch and transformers)
"""
import json
import pathlib

import transformers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/nn/rope.json"

SHORT = [1.0 + 0.05 * i for i in range(24)]
LONG = [1.0 + 1.9 * i for i in range(24)]
# name, head_dim, theta, context, scaling parameters, positions in use (None: as at load)
CASES = [
    ("plain", 64, 10000.0, 2048, None, None),
    ("plain_partial", 80, 10000.0, 2048, {"partial_rotary_factor": 0.4}, None),
    ("linear", 64, 1000000.0, 131072, {"rope_type": "linear", "factor": 8.0}, None),
    ("dynamic_short", 64, 10000.0, 2048, {"rope_type": "dynamic", "factor": 2.0}, 1000),
    ("dynamic_long", 64, 10000.0, 2048, {"rope_type": "dynamic", "factor": 4.0}, 10000),
    ("llama3", 128, 500000.0, 131072, {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}, None),
    ("llama32", 64, 500000.0, 131072, {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                                       "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}, None),
    ("yarn", 128, 1000000.0, 131072, {"rope_type": "yarn", "factor": 4.0,
                                      "original_max_position_embeddings": 32768}, None),
    ("yarn_without_factor", 64, 10000.0, 65536, {"rope_type": "yarn", "factor": None,
                                                 "original_max_position_embeddings": 4096}, None),
    ("yarn_mscale", 64, 10000.0, 163840, {"rope_type": "yarn", "factor": 40.0, "beta_fast": 32, "beta_slow": 1,
                                          "mscale": 1.0, "mscale_all_dim": 0.707,
                                          "original_max_position_embeddings": 4096}, None),
    ("yarn_untruncated", 64, 150000.0, 131072, {"rope_type": "yarn", "factor": 32.0, "beta_fast": 32, "beta_slow": 1,
                                                "truncate": False, "original_max_position_embeddings": 4096}, None),
    ("yarn_attention_factor", 64, 10000.0, 65536, {"rope_type": "yarn", "factor": 16.0, "attention_factor": 1.25,
                                                   "original_max_position_embeddings": 4096}, None),
    ("longrope_short", 48, 10000.0, 131072, {"rope_type": "longrope", "short_factor": SHORT, "long_factor": LONG,
                                             "original_max_position_embeddings": 4096}, 4096),
    ("longrope_long", 48, 10000.0, 131072, {"rope_type": "longrope", "short_factor": SHORT, "long_factor": LONG,
                                            "original_max_position_embeddings": 4096}, 4097),
]


def plain(config):
    import torch
    params = config.rope_parameters
    dim = int(config.head_dim * params.get("partial_rotary_factor", 1.0))
    return 1.0 / (params["rope_theta"] ** (torch.arange(0, dim, 2, dtype=torch.int64).float() / dim)), 1.0


def main():
    rows = []
    for name, head_dim, theta, context, scaling, used in CASES:
        parameters = {"rope_type": "default", "rope_theta": theta, **(scaling or {})}
        config = LlamaConfig(hidden_size=head_dim * 2, num_attention_heads=2, head_dim=head_dim,
                             max_position_embeddings=context, rope_parameters=parameters)
        kind = parameters["rope_type"]
        function = ROPE_INIT_FUNCTIONS.get(kind)
        frequencies, magnitude = function(config, "cpu", seq_len=used) if function else plain(config)
        rows.append({"name": name, "dims": 2 * len(frequencies), "context": context, "used": used,
                     "parameters": parameters, "frequencies": frequencies.tolist(), "magnitude": float(magnitude)})
    OUT.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    OUT.write_text(f'{{"transformers": "{transformers.__version__}", "cases": [\n{lines}\n]}}\n')
    print(f"{OUT}: {len(rows)} cases")


if __name__ == "__main__":
    main()
