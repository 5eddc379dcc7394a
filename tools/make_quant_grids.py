#!/usr/bin/env python3
"""Prints the strings of src/kernels/quant_grids.cpp: the lattices of the IQ types, packed from the `gguf` package's tables.

A point of a lattice is a number: its coordinates' indices are the digits, lowest first. The numbers ascend, so each is
written as the step from the one before: A-Z a-z 0-9 are the steps 1..62, and + in front adds 62.
"""
import string
import textwrap

import numpy as np
from gguf import quants

SYMBOLS = string.ascii_uppercase + string.ascii_lowercase + string.digits


def pack(name: str) -> str:
    kind = getattr(quants, name)
    kind.init_grid()
    index = {value: i for i, value in enumerate(kind.grid_map)}
    points = np.vectorize(index.get)(kind.grid.reshape(kind.grid_shape))
    numbers = (points * len(index) ** np.arange(points.shape[1])).sum(axis=1)
    steps = np.diff(numbers, prepend=-1)
    assert (steps > 0).all()
    return "".join("+" * ((step - 1) // 62) + SYMBOLS[(step - 1) % 62] for step in steps)


for name in ["IQ1_S", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"]:
    print(name)
    for line in textwrap.wrap(pack(name), 112):
        print(f'    "{line}"')
