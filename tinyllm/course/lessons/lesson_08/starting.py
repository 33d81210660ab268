"""Exercise of lesson 08: with what values GPT-2's weights begin."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _starting_values(name, layers):
    if name.endswith("bias"):
        return 0.0, 0.0
    if "norm" in name:
        return 1.0, 0.0
    if name.endswith(("attention.out.weight", "mlp.down.weight")):
        return 0.0, 0.02 / np.sqrt(2 * layers)
    return 0.0, 0.02


def _cases(rng: np.random.Generator) -> list[Case]:
    def block() -> str:
        return f"blocks.{rng.integers(12)}"

    plain, ends, norms, biases = "ordinary weights", "ends of branches", "norms", "biases"
    return [
        Case(("token_embedding.weight", 12), plain),
        Case((f"{block()}.attention.qkv.weight", int(rng.integers(3, 40))), plain),
        Case((f"{block()}.mlp.up.weight", int(rng.integers(3, 40))), plain),
        Case((f"{block()}.attention.out.weight", 32), ends),
        Case((f"{block()}.mlp.down.weight", int(rng.integers(3, 40))), ends),
        Case(("norm.weight", 12), norms),
        Case((f"{block()}.norm_{rng.integers(1, 3)}.weight", int(rng.integers(3, 40))), norms),
        Case((f"{block()}.norm_1.bias", 12), biases),
        Case((f"{block()}.mlp.down.bias", 12), biases),
        Case((f"{block()}.attention.qkv.bias", int(rng.integers(3, 40))), biases),
    ]


_START = solution_of(_starting_values, "starting_values")
_ENDS = '("attention.out.weight", "mlp.down.weight")'

STARTING_VALUES = Exercise(
    name="starting_values",
    lesson="08",
    task="For a parameter's name and the number of layers: mean and std of its starting values.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_START,
    why="2 L branches add to the stream, and their variances add up. A std smaller by 1 / √(2 L) "
    "at the end of each branch makes each variance smaller by 1 / (2 L), and the sum stays the "
    "same at every depth. Norms begin as they are, with 1 and 0; biases at 0.",
    hints=(
        "Sort the names first: biases, the norms' weights, the ends of branches, all others.",
        "The ends of branches are attention.out and mlp.down: those whose product is added to the "
        "stream. name.endswith(...) takes a tuple of endings.",
        "return 0.0, 0.02 / np.sqrt(...)  # for the ends; how many branches do so many layers add?",
    ),
    reference=_starting_values,
    cases=_cases,
    parts={"ordinary weights": 1, "ends of branches": 1, "norms": 1, "biases": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "nothing is scaled",
            "the ends of branches begin with 0.02 like the rest: then the stream grows with depth.",
            changed(_START, ("0.02 / np.sqrt(2 * layers)", "0.02")),
        ),
        Mistake(
            "one branch for each layer",
            "the scale counts one branch for each layer: a block adds two to the stream.",
            changed(_START, ("2 * layers", "layers")),
        ),
        Mistake(
            "no root",
            "the std is divided by the number of branches: it is the variance that should be; the "
            "std is divided by the root.",
            changed(_START, ("np.sqrt(2 * layers)", "(2 * layers)")),
        ),
        Mistake(
            "multiplied",
            "the ends of branches begin larger here, not smaller.",
            changed(_START, ("0.02 / np", "0.02 * np")),
        ),
        Mistake(
            "everything is scaled",
            "all matrices are scaled down: only those at the ends of branches add to the stream.",
            changed(_START, ("0.0, 0.02\n", "0.0, 0.02 / np.sqrt(2 * layers)\n")),
        ),
        Mistake(
            "the beginnings",
            "the layers at the beginning of a branch are scaled, qkv and up: it is the last of a "
            "branch that adds to the stream.",
            changed(_START, (_ENDS, '("attention.qkv.weight", "mlp.up.weight")')),
        ),
        Mistake(
            "attention alone",
            "mlp.down ends a branch too: two branches of a block add to the stream.",
            changed(_START, (_ENDS, '"attention.out.weight"')),
        ),
        Mistake(
            "norms at random",
            "the norms' weights are drawn at random, near 0: they begin as 1, and change nothing.",
            changed(_START, ('    if "norm" in name:\n        return 1.0, 0.0\n', "")),
        ),
        Mistake(
            "the variance",
            "these are variances: the std was asked, its root.",
            changed(_START, ("0.02 / np.sqrt(2 * layers)", "0.02**2 / (2 * layers)"),
                    ("0.0, 0.02\n", "0.0, 0.02**2\n")),
        ),
    ),
)  # fmt: skip

EXERCISES = (STARTING_VALUES,)
