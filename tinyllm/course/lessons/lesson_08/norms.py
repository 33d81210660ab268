"""Exercises of lesson 08: layer norm, RMS norm, and the backward of the second."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# my_layer_norm ----------------------------------------------------------------------------------


def _my_layer_norm(x, weight, bias, eps):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + eps) * weight + bias


def _rows(rng: np.random.Generator, *shape: int, spread: float = 1.0) -> np.ndarray:
    return rng.normal(size=shape) * spread + 2.0


def _norm_cases(rng: np.random.Generator) -> list[Case]:
    def four(*shape: int, spread: float = 1.0) -> tuple:
        weight, bias = rng.uniform(0.5, 2.0, size=shape[-1]), rng.normal(size=shape[-1])
        return _rows(rng, *shape, spread=spread), weight, bias, 1e-5

    one, several, flat = "one row", "several rows", "rows that hardly vary"
    return [
        Case((np.array([1.0, 3.0]), np.ones(2), np.zeros(2), 1e-5), one),
        Case(four(4), one),
        Case(four(2, 3), several),
        Case(four(2, 3, 4), several),
        Case(four(3, 3), several),
        Case(four(4, spread=0.003), flat),
        Case((np.full(3, 5.0), np.ones(3), rng.normal(size=3), 1e-5), flat),
    ]


_LAYER = solution_of(_my_layer_norm, "my_layer_norm")

MY_LAYER_NORM = Exercise(
    name="my_layer_norm",
    lesson="08",
    task="Layer norm over the last axis: (x - mean) / sqrt(variance + eps) · weight + bias.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_LAYER,
    why="Each row is moved to the mean 0 and stretched to the variance 1; then weight and bias, "
    "which are learnt, give each column the scale and the place that it needs. eps stands under "
    "the root, so that a row without any variance gives 0 / sqrt(eps), which is 0.",
    hints=(
        "Each row by itself: which axis do mean and variance run over?",
        "The variance is the mean of the squared distances from the mean, divided by D. "
        "keepdims=True lets a row's mean meet that row.",
        "centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps) * ... + ...",
    ),
    reference=_my_layer_norm,
    cases=_norm_cases,
    parts={"one row": 1, "several rows": 1, "rows that hardly vary": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "divided by D - 1",
            "this variance divides by D - 1, as statisticians do; layer norm divides by D.",
            changed(
                _LAYER,
                (
                    "(centred * centred).mean(axis=-1, keepdims=True)",
                    "x.var(axis=-1, keepdims=True, ddof=1)",
                ),
            ),
        ),
        Mistake(
            "over everything",
            "mean and variance are those of the whole array: each row has its own.",
            changed(_LAYER, ("axis=-1, keepdims=True", "keepdims=True")),
        ),
        Mistake(
            "over the rows",
            "mean and variance run down the columns, as in batch norm: they belong to each row.",
            changed(_LAYER, ("axis=-1", "axis=0")),
        ),
        Mistake(
            "the mean is left in",
            "the mean is not taken off: this is a root mean square norm with a bias.",
            changed(_LAYER, ("centred = x - x.mean(axis=-1, keepdims=True)", "centred = x")),
        ),
        Mistake(
            "no root",
            "divided by the variance: its root, the standard deviation, was asked.",
            changed(_LAYER, ("np.sqrt(variance + eps)", "(variance + eps)")),
        ),
        Mistake(
            "no eps",
            "eps is left out: a row without any variance gives 0 / 0.",
            changed(_LAYER, (" + eps", "")),
        ),
        Mistake(
            "eps beside the root",
            "eps is added after the root: it stands under it, beside the variance.",
            changed(_LAYER, ("np.sqrt(variance + eps)", "(np.sqrt(variance) + eps)")),
        ),
        Mistake(
            "bias before weight",
            "the bias is added before the weight multiplies: first scale, then shift.",
            changed(
                _LAYER,
                ("centred / np.sqrt(variance + eps) * weight + bias",
                 "(centred / np.sqrt(variance + eps) + bias) * weight"),
            ),
        ),
    ),
)  # fmt: skip

# my_rms_norm ------------------------------------------------------------------------------------


def _my_rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


def _rms_cases(rng: np.random.Generator) -> list[Case]:
    def three(*shape: int, spread: float = 1.0) -> tuple:
        x = rng.normal(size=shape) * spread + spread
        return x, rng.uniform(0.5, 2.0, size=shape[-1]), 1e-5

    one, several, small = "one row", "several rows", "rows near 0"
    return [
        Case((np.array([3.0, 4.0]), np.ones(2), 1e-5), one),
        Case(three(4), one),
        Case(three(2, 3), several),
        Case(three(2, 3, 4), several),
        Case(three(4, spread=0.002), small),
        Case((np.zeros(3), np.ones(3), 1e-5), small),
    ]


_RMS = solution_of(_my_rms_norm, "my_rms_norm")

MY_RMS_NORM = Exercise(
    name="my_rms_norm",
    lesson="08",
    task="RMS norm over the last axis in one line: x / sqrt(mean(x²) + eps) · weight.",
    points=3,
    minutes=4,
    difficulty="easy",
    solution=_RMS,
    why="The root of the mean square is the length of the row over √D. Divided by it, every row "
    "has the same length, √D, whatever it was before. No mean is taken off, and nothing is added.",
    hints=(
        "Root, mean, square: read the name from right to left.",
        "Square the numbers, take the mean along the row, add eps, take the root, and divide.",
        "x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + ...) * ...",
    ),
    reference=_my_rms_norm,
    cases=_rms_cases,
    parts={"one row": 1, "several rows": 1, "rows near 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the mean is taken off",
            "the mean is taken off first, as in layer norm: RMS norm leaves it in.",
            changed(
                _RMS,
                ("return x /", "x = x - x.mean(axis=-1, keepdims=True)\n    return x /"),
            ),
        ),
        Mistake(
            "the length",
            "each row is divided by its length: by the root of the sum of squares, where the mean "
            "was asked.",
            changed(_RMS, (".mean(", ".sum(")),
        ),
        Mistake(
            "over everything",
            "the mean square is that of the whole array: each row has its own.",
            changed(_RMS, ("axis=-1, keepdims=True", "keepdims=True")),
        ),
        Mistake(
            "no root",
            "divided by the mean square: its root was asked.",
            changed(_RMS, ("np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)",
                           "((x * x).mean(axis=-1, keepdims=True) + eps)")),
        ),
        Mistake(
            "no eps",
            "eps is left out: a row of nothing but 0 gives 0 / 0.",
            changed(_RMS, (" + eps", "")),
        ),
        Mistake(
            "no weight",
            "the weight is left out: it gives each column its own scale.",
            changed(_RMS, (" * weight", "")),
        ),
    ),
)  # fmt: skip

# rms_norm_backward ------------------------------------------------------------------------------


def _rms_norm_backward(x, weight, grad_y, eps):
    rstd = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)
    n = x * rstd
    g = grad_y * weight
    grad_x = rstd * (g - n * (g * n).mean(axis=-1, keepdims=True))
    rows = tuple(range(x.ndim - 1))
    return grad_x, (grad_y * n).sum(axis=rows)


def _backward_cases(rng: np.random.Generator) -> list[Case]:
    def four(*shape: int, spread: float = 1.0) -> tuple:
        x = (rng.normal(size=shape) + 1.0) * spread
        weight = rng.uniform(0.5, 0.9, size=shape[-1])
        return x, weight, rng.normal(size=shape), 1e-5

    one, several, small = "one row", "several rows", "rows near 0"
    return [
        Case(four(2), one),
        Case(four(4), one),
        Case(four(2, 3), several),
        Case(four(3, 3), several),
        Case(four(2, 3, 4), several),
        Case(four(4, spread=0.003), small),
    ]


_BACK = solution_of(_rms_norm_backward, "rms_norm_backward")

RMS_NORM_BACKWARD = Exercise(
    name="rms_norm_backward",
    lesson="08",
    task="From x (..., D), weight (D,), grad_y (..., D) and eps: the pair (grad_x, grad_weight).",
    points=5,
    minutes=18,
    difficulty="hard",
    solution=_BACK,
    why="n = x r, and r depends on every x of the row: dr/dx_j = -r³ x_j / D. So x_i gets r g_i by "
    "the direct way, and by way of r what makes up the mean of g n, times -r n_i. But for eps the "
    "result is at right angles to x: making a row longer changes nothing in y, so there is nothing "
    "to gain along it.",
    hints=(
        "Two ways lead from x_i to the loss: straight on, and by way of the row's root mean "
        "square, which all outputs of the row share.",
        "With r = (mean(x²) + eps)^(-1/2): y_j = x_j r weight_j. Work out dr/dx_i, and sum over j.",
        "g = grad_y * weight; n = x * rstd; grad_x = rstd * (g - n * (...).mean(axis=-1, "
        "keepdims=True))",
    ),
    reference=_rms_norm_backward,
    cases=_backward_cases,
    parts={"one row": 2, "several rows": 2, "rows near 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the root held fixed",
            "grad_x has only the direct way: each x also changes the root mean square of its row.",
            changed(_BACK, ("(g - n * (g * n).mean(axis=-1, keepdims=True))", "g")),
        ),
        Mistake(
            "layer norm's",
            "the mean of g is taken off too: that belongs to layer norm, which takes a mean off x.",
            changed(_BACK, ("(g - n *", "(g - g.mean(axis=-1, keepdims=True) - n *")),
        ),
        Mistake(
            "a sum where a mean belongs",
            "the root mean square divides by D, and so does the way through it: this is a sum.",
            changed(_BACK, ("(g * n).mean(", "(g * n).sum(")),
        ),
        Mistake(
            "x in the place of n",
            "the second term is made with x itself: it should be x over the root mean square.",
            changed(_BACK, ("g - n * (g * n)", "g - x * (g * x)")),
        ),
        Mistake(
            "not divided by the root",
            "the division by the root mean square is missing from grad_x: what was divided going "
            "forward is divided going back.",
            changed(_BACK, ("rstd * (g - n", "(g - n")),
        ),
        Mistake(
            "the weight is forgotten",
            "grad_y goes into grad_x without the weight, by which n was multiplied.",
            changed(_BACK, ("g = grad_y * weight", "g = grad_y")),
        ),
        Mistake(
            "the weight twice",
            "the weight is in its own gradient: when it grows by 1, y grows by n.",
            changed(_BACK, ("(grad_y * n).sum", "(g * n).sum")),
        ),
        Mistake(
            "the rows are not summed",
            "one weight serves every row: its gradient is summed over the rows, (D,).",
            changed(_BACK, ("(grad_y * n).sum(axis=rows)", "grad_y * n")),
        ),
        Mistake(
            "no eps",
            "eps is left out: rows near 0 are stretched further than in the forward.",
            changed(_BACK, (" + eps)", ")")),
        ),
    ),
)

EXERCISES = (MY_LAYER_NORM, MY_RMS_NORM, RMS_NORM_BACKWARD)
