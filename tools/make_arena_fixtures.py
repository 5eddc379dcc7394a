#!/usr/bin/env python3
"""Writes tests/golden/arena/ratings.json: ratings of invented votes by others' programs, which src/arena must reach.

usage: tools/make_arena_fixtures.py        (needs choix 0.4.1, numpy, scipy)

choix (Maystre) fits Bradley and Terry's model to pairs (winner, loser) with a penalty alpha * |s|^2. It knows no ties and no
weights, so every vote counts twice: a win as two pairs, a tie as one each way. Twice our loss with ridge r is then twice its
log-likelihood's half with alpha = r. The terms for the side and the style are fitted by scipy's minimiser on the loss as
docs/arena.md writes it, which shares no line with ours.
"""
import json
import pathlib

import choix
import numpy as np
from scipy.optimize import minimize

ROOT = pathlib.Path(__file__).resolve().parent.parent
RIDGE = 0.01
OUTCOMES = ("first", "second", "tie", "bad")


def invent(rng, models, count, side=0.0, style=None):
    """Votes as [first, second, outcome, style...]."""
    strengths = rng.normal(0, 1, models)
    votes = []
    for _ in range(count):
        a, b = rng.choice(models, 2, replace=False)
        x = np.round(rng.uniform(-1, 1, 4), 3) if style is not None else np.zeros(4)
        z = strengths[a] - strengths[b] + side + (0 if style is None else float(np.dot(style, x)))
        draw = rng.random()
        outcome = 3 if draw < 0.08 else 2 if draw < 0.25 else 0 if rng.random() < 1 / (1 + np.exp(-z)) else 1
        votes.append([int(a), int(b), outcome] + ([float(v) for v in x] if style is not None else []))
    return votes


def points(strengths):
    return [1000 + 400 / np.log(10) * (s - np.mean(strengths)) for s in strengths]


def by_choix(models, votes):
    pairs = []
    for a, b, outcome in votes:
        if outcome == 3:
            continue
        pairs += [(a, b), (b, a)] if outcome == 2 else [(a, b)] * 2 if outcome == 0 else [(b, a)] * 2
    return points(choix.opt_pairwise(models, pairs, alpha=RIDGE, tol=1e-12))


def by_scipy(models, votes, side, style):
    votes = [v for v in votes if v[2] != 3]
    first, second = np.array([v[0] for v in votes]), np.array([v[1] for v in votes])
    share = np.array([{0: 1.0, 1: 0.0, 2: 0.5}[v[2]] for v in votes])
    x = np.array([v[3:] for v in votes]) if style else np.zeros((len(votes), 0))
    if style:
        x = x / np.sqrt(np.mean(x**2, axis=0))

    def loss(theta):
        z = theta[first] - theta[second]
        if side:
            z = z + theta[models]
        if style:
            z = z + x @ theta[-4:]
        value = np.sum(np.logaddexp(0, z) - share * z) + RIDGE / 2 * theta @ theta
        p = 1 / (1 + np.exp(-z)) - share
        gradient = RIDGE * theta
        np.add.at(gradient, first, p)
        np.add.at(gradient, second, -p)
        if side:
            gradient[models] += p.sum()
        if style:
            gradient[-4:] += x.T @ p
        return value, gradient

    size = models + (1 if side else 0) + (4 if style else 0)
    found = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B", options={"maxiter": 10000, "ftol": 1e-16, "gtol": 1e-10})
    theta = found.x
    scale = 400 / np.log(10)
    return {"ratings": points(theta[:models]), "side": theta[models] * scale if side else None,
            "style": [float(t * scale) for t in theta[-4:]] if style else None}


def main():
    rng = np.random.default_rng(20261122)
    cases = []
    for models, count in ((2, 30), (5, 200), (12, 900)):
        votes = invent(rng, models, count)
        cases.append({"name": f"choix: {models} models, {count} votes", "models": models, "votes": votes, "ratings": by_choix(models, votes)})
    never_lost = [[0, 1, 0]] * 6 + [[1, 2, 0]] * 3 + [[2, 1, 0]] * 2 + [[2, 0, 1]] * 2
    cases.append({"name": "choix: a model that never lost", "models": 3, "votes": never_lost, "ratings": by_choix(3, never_lost)})
    votes = invent(rng, 6, 400, side=0.4)
    cases.append({"name": "scipy: the first side is preferred", "models": 6, "votes": votes, **by_scipy(6, votes, True, False)})
    votes = invent(rng, 6, 400, side=-0.2, style=np.array([1.2, 0.1, -0.3, 0.5]))
    cases.append({"name": "scipy: side and style", "models": 6, "votes": votes, **by_scipy(6, votes, True, True)})
    folder = ROOT / "tests/golden/arena"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"ridge": RIDGE, "cases": cases}, separators=(",", ":"))
    (folder / "ratings.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
