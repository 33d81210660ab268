"""Exercise of lesson 02: the backward of layer_norm."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _layer_norm_backward(x, weight, grad_y, eps=1e-5):
    centred = x - x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    n = centred * rstd
    g = grad_y * weight
    mean_g = g.mean(axis=-1, keepdims=True)
    mean_gn = (g * n).mean(axis=-1, keepdims=True)
    grad_x = rstd * (g - mean_g - n * mean_gn)
    rows = tuple(range(x.ndim - 1))
    return grad_x, (grad_y * n).sum(axis=rows), grad_y.sum(axis=rows)


def _cases(rng: np.random.Generator) -> list[Case]:
    def three(*shape: int, spread: float = 1.0) -> tuple:
        x, grad_y = rng.normal(size=shape) * spread + 2.0, rng.normal(size=shape)
        return x, rng.uniform(0.5, 2.0, size=shape[-1:]), grad_y

    one, several, flat = "one row", "several rows", "rows that hardly vary"
    return [
        Case(three(3), one),
        Case(three(5), one),
        Case(three(2, 3), several),
        Case(three(4, 4), several),
        Case(three(2, 3, 4), several),
        Case(three(4, spread=0.003), flat),
        Case(three(2, 3, spread=0.003), flat),
    ]


_NORM = solution_of(_layer_norm_backward, "layer_norm_backward")

LAYER_NORM_BACKWARD = Exercise(
    name="layer_norm_backward",
    lesson="02",
    task="From x (..., D), weight (D,) and grad_y (..., D): (grad_x, grad_weight, grad_bias).",
    points=6,
    minutes=20,
    difficulty="hard",
    solution=_NORM,
    why="x acts on y in three ways: by itself, by the row's mean and by its variance. The first "
    "gives g, the mean takes g's own mean off, the variance takes off n times the mean of g n. "
    "What is left has no part along a shift of the row, nor (but for eps) along its stretching: "
    "those change nothing in y. Weight and bias serve every row, so their gradients are sums.",
    hints=(
        "Begin with the easy two: y = n * weight + bias, where weight and bias are broadcast over "
        "the rows.",
        "Then walk back step by step, as a tape would: n = c * r, r = (v + eps)^(-1/2), "
        "v = mean(c²), c = x - mean(x). c is used twice, in n and in v: add the two parts. A mean "
        "gives each element 1 / D of what arrives, so the last step takes the mean off.",
        "With g = grad_y * weight: grad_x = r * (g - mean(g) - n * mean(...)), each mean over the "
        "row with keepdims=True",
    ),
    reference=_layer_norm_backward,
    cases=_cases,
    parts={"one row": 3, "several rows": 2, "rows that hardly vary": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "mean and variance held fixed",
            "grad_x has only the direct way: each x also moves its row's mean and variance.",
            changed(_NORM, ("(g - mean_g - n * mean_gn)", "g")),
        ),
        Mistake(
            "the mean's way is missing",
            "the way through the row's mean is missing from grad_x.",
            changed(_NORM, ("g - mean_g - n", "g - n")),
        ),
        Mistake(
            "the variance's way is missing",
            "the way through the row's variance is missing from grad_x.",
            changed(_NORM, (" - n * mean_gn", "")),
        ),
        Mistake(
            "the weight is forgotten",
            "grad_y goes into grad_x without the weight, by which n was multiplied.",
            changed(_NORM, ("g = grad_y * weight", "g = grad_y")),
        ),
        Mistake(
            "not divided by the deviation",
            "the way through the division is missing from grad_x: n is x less its mean, divided by "
            "a root, and so is what goes back.",
            changed(_NORM, ("rstd * (g - mean_g", "(g - mean_g")),
        ),
        Mistake(
            "sums where means belong",
            "mean and variance divide by D, so their ways do too: these are sums.",
            changed(_NORM, ("g.mean(", "g.sum("), ("(g * n).mean(", "(g * n).sum(")),
        ),
        Mistake(
            "divided by D - 1",
            "this variance divides by D - 1; layer_norm's divides by D.",
            changed(
                _NORM,
                (".mean(axis=-1, keepdims=True) + eps", ".sum(axis=-1, keepdims=True) "
                 "/ (x.shape[-1] - 1) + eps"),
            ),
        ),
        Mistake(
            "no eps",
            "eps is left out: rows that hardly vary are stretched further than in the forward.",
            changed(_NORM, (" + eps)", ")")),
        ),
        Mistake(
            "the rows are not summed",
            "weight and bias serve every row: their gradients are summed over the rows, (D,).",
            changed(
                _NORM, ("(grad_y * n).sum(axis=rows), grad_y.sum(axis=rows)", "grad_y * n, grad_y")
            ),
        ),
        Mistake(
            "weight and bias in the wrong order",
            "the last two have changed places: first the gradient of the weight, then of the bias.",
            changed(
                _NORM,
                ("(grad_y * n).sum(axis=rows), grad_y.sum(axis=rows)",
                 "grad_y.sum(axis=rows), (grad_y * n).sum(axis=rows)"),
            ),
        ),
        Mistake(
            "the weight twice",
            "the weight is in its own gradient: when it grows by 1, n weight + bias grows by n.",
            changed(_NORM, ("(grad_y * n).sum", "(g * n).sum")),
        ),
        Mistake(
            "summed along the row",
            "the gradients of weight and bias are summed along each row; the sum runs over rows.",
            changed(_NORM, ("rows = tuple(range(x.ndim - 1))", "rows = -1")),
        ),
        Mistake(
            "the weight's gradient from x",
            "weight multiplies the normalized row n, not x: so does its gradient.",
            changed(_NORM, ("(grad_y * n).sum", "(grad_y * x).sum")),
        ),
    ),
)  # fmt: skip
