"""Exercises of lesson 08: the MLP, and the whole block."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# gelu_mlp ---------------------------------------------------------------------------------------


def _gelu_mlp(x, w_up, b_up, w_down, b_down):
    h = x @ w_up.T + b_up  # (..., 4C)
    h = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
    return h @ w_down.T + b_down  # (..., C)


def _mlp_cases(rng: np.random.Generator) -> list[Case]:
    def five(*shape: int, hidden: int) -> tuple:
        C = shape[-1]
        up, down = rng.normal(size=(hidden, C)), rng.normal(size=(C, hidden))
        return rng.normal(size=shape) + 0.5, up, rng.normal(size=hidden), down, rng.normal(size=C)

    one, several = "one position", "several positions"
    simple = (np.array([[1.0]]), np.ones((1, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1))
    return [
        Case(simple, one),
        Case(five(1, 2, hidden=8), one),
        Case(five(3, 2, hidden=8), several),
        Case(five(2, 3, 4, hidden=16), several),
    ]


_MLP = solution_of(_gelu_mlp, "gelu_mlp")
_GELU = "0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))"

GELU_MLP = Exercise(
    name="gelu_mlp",
    lesson="08",
    task="down(gelu(up(x))) for x (..., C), with weights stored as (out, in).",
    points=3,
    minutes=10,
    difficulty="medium",
    solution=_MLP,
    why="PyTorch stores a linear layer's weight as (out, in), so the product is x @ weight.T. GELU "
    "is smooth where ReLU has a corner; GPT-2 takes it in this form with tanh. Each position is "
    "transformed by itself: the axes in front only stand in line.",
    hints=(
        "Write the shapes: (..., C) times what gives (..., 4C)? w_up is (4C, C).",
        "Three lines: up with its bias, the formula of GELU on each number, down with its bias.",
        "h = x @ w_up.T + b_up; h = 0.5 * h * (1 + np.tanh(...)); return h @ ...",
    ),
    reference=_gelu_mlp,
    cases=_mlp_cases,
    parts={"one position": 2, "several positions": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "ReLU",
            "this is ReLU, which cuts off at 0: GELU was asked.",
            changed(_MLP, (_GELU, "np.maximum(h, 0.0)")),
        ),
        Mistake(
            "no activation",
            "there is no activation between the two layers: together they are then one linear "
            "layer.",
            changed(_MLP, (f"    h = {_GELU}\n", "")),
        ),
        Mistake(
            "no root",
            "the factor in tanh is 2 / π: its root was asked.",
            changed(_MLP, ("np.sqrt(2 / np.pi)", "(2 / np.pi)")),
        ),
        Mistake(
            "squared",
            "the small term is 0.044715 h²: the formula has h³.",
            changed(_MLP, ("h**3", "h**2")),
        ),
        Mistake(
            "the quick GELU",
            "this is h · sigmoid(1.702 h), a rougher approximation than GPT-2's.",
            changed(_MLP, (_GELU, "h / (1 + np.exp(-1.702 * h))")),
        ),
        Mistake(
            "the weight is not transposed",
            "the weights are used as they lie: they are stored as (out, in), so x @ weight.T.",
            changed(_MLP, ("w_up.T", "w_up"), ("w_down.T", "w_down")),
        ),
        Mistake(
            "no biases",
            "the biases are left out.",
            changed(_MLP, (" + b_up", ""), (" + b_down", "")),
        ),
        Mistake(
            "at the end too",
            "GELU is applied after the second layer too: what a branch adds may have any sign.",
            changed(
                _MLP,
                ("    return h @ w_down.T + b_down",
                 f"    h = h @ w_down.T + b_down\n    return {_GELU}"),
            ),
        ),
    ),
)  # fmt: skip

# my_block ---------------------------------------------------------------------------------------


def _my_block(x, p, heads):
    def norm(x, name):
        c = x - x.mean(axis=-1, keepdims=True)
        n = c / np.sqrt((c * c).mean(axis=-1, keepdims=True) + 1e-5)
        return n * p[f"{name}.weight"] + p[f"{name}.bias"]

    def linear(x, name):
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)  # (B, H, T, D)

    def attention(x):
        q, k, v = (split(part) for part in np.split(linear(x, "attention.qkv"), 3, axis=-1))
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (B, H, T, T)
        scores = np.where(np.tri(x.shape[1], dtype=bool), scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights = weights / weights.sum(axis=-1, keepdims=True)
        y = (weights @ v).swapaxes(1, 2).reshape(x.shape)  # (B, T, C)
        return linear(y, "attention.out")

    def mlp(x):
        h = linear(x, "mlp.up")  # (B, T, 4C)
        h = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
        return linear(h, "mlp.down")

    x = x + attention(norm(x, "norm_1"))  # (B, T, C)
    return x + mlp(norm(x, "norm_2"))


def _block_cases(rng: np.random.Generator) -> list[Case]:
    def three(B: int, T: int, C: int, heads: int) -> tuple:
        shapes = {
            "norm_1.weight": (C,), "norm_1.bias": (C,), "norm_2.weight": (C,), "norm_2.bias": (C,),
            "attention.qkv.weight": (3 * C, C), "attention.qkv.bias": (3 * C,),
            "attention.out.weight": (C, C), "attention.out.bias": (C,),
            "mlp.up.weight": (4 * C, C), "mlp.up.bias": (4 * C,),
            "mlp.down.weight": (C, 4 * C), "mlp.down.bias": (C,),
        }  # fmt: skip
        p = {name: rng.normal(size=shape) * 0.7 for name, shape in shapes.items()}
        for name in ("norm_1.weight", "norm_2.weight"):
            p[name] = 1.0 + 0.3 * p[name]
        return rng.normal(size=(B, T, C)) * 1.5 + 0.5, p, heads

    one, several, many = "one position", "several positions", "several heads and texts"
    return [
        Case(three(1, 1, 3, 1), one),
        Case(three(1, 3, 4, 1), several),
        Case(three(1, 5, 4, 1), several),
        Case(three(1, 4, 4, 2), many),
        Case(three(2, 4, 6, 3), many),
    ]


_BLOCK = solution_of(_my_block, "my_block")
_ADDS = (
    '    x = x + attention(norm(x, "norm_1"))  # (B, T, C)\n    return x + mlp(norm(x, "norm_2"))'
)

MY_BLOCK = Exercise(
    name="my_block",
    lesson="08",
    task="A whole GPT-2 block for x (B, T, C), parameters p by their names, and heads.",
    points=8,
    minutes=35,
    difficulty="hard",
    solution=_BLOCK,
    why="Two branches, each x + f(norm(x)). The second reads the stream after the first has added "
    "to it. Everything but attention works on each position by itself; attention mixes positions, "
    "by head, and only backwards in time.",
    hints=(
        "Write it in four small functions inside: norm, linear, attention, mlp. Then the block "
        "itself has two lines.",
        "qkv gives (B, T, 3C): queries, keys, values, C each. Split each into heads (B, H, T, D), "
        "attend with the causal mask, join again (B, T, C), and only then attention.out.",
        'x = x + attention(norm(x, "norm_1")); return x + ...',
    ),
    reference=_my_block,
    cases=_block_cases,
    parts={"one position": 2, "several positions": 3, "several heads and texts": 3},
    refused=REFUSED,
    needs=("my_layer_norm", "gelu_mlp", "causal_attention", "split_heads", "join_heads"),
    mistakes=(
        Mistake(
            "post-norm",
            "the sums are normalised, as in the paper of 2017: in GPT-2 the norm stands before "
            "each branch.",
            changed(
                _BLOCK,
                (_ADDS,
                 '    x = norm(x + attention(x), "norm_1")\n'
                 '    return norm(x + mlp(x), "norm_2")'),
            ),
        ),
        Mistake(
            "side by side",
            "both branches read the stream as it came in: the MLP should read it after attention "
            "has added to it.",
            changed(
                _BLOCK,
                (_ADDS,
                 '    return x + attention(norm(x, "norm_1")) + mlp(norm(x, "norm_2"))'),
            ),
        ),
        Mistake(
            "the stream is normalised",
            "x itself is replaced by its norm: the norm is for what the branch reads, and the "
            "stream stays as it is.",
            changed(
                _BLOCK,
                (_ADDS,
                 '    x = norm(x, "norm_1")\n    x = x + attention(x)\n'
                 '    x = norm(x, "norm_2")\n    return x + mlp(x)'),
            ),
        ),
        Mistake(
            "no residual around the MLP",
            "the MLP's output replaces the stream: it should be added.",
            changed(_BLOCK, ("return x + mlp", "return mlp")),
        ),
        Mistake(
            "no residual around attention",
            "attention's output replaces the stream: it should be added.",
            changed(_BLOCK, ("x = x + attention", "x = attention")),
        ),
        Mistake(
            "one norm twice",
            "norm_1 is used for both branches: each has its own.",
            changed(_BLOCK, ('mlp(norm(x, "norm_2"))', 'mlp(norm(x, "norm_1"))')),
        ),
        Mistake(
            "no mask",
            "positions see what comes after them: the causal mask is missing.",
            changed(
                _BLOCK,
                ("np.where(np.tri(x.shape[1], dtype=bool), scores, -np.inf)", "scores"),
            ),
        ),
        Mistake(
            "no scale",
            "the scores are not divided by √D, the root of a head's width.",
            changed(_BLOCK, (" / np.sqrt(q.shape[-1])", "")),
        ),
        Mistake(
            "the scale of the whole width",
            "the scores are divided by the root of C: it should be that of a head's width, C / H.",
            changed(_BLOCK, ("np.sqrt(q.shape[-1])", "np.sqrt(x.shape[-1])")),
        ),
        Mistake(
            "one head",
            "all of the width attends as one head: split q, k and v into heads.",
            changed(_BLOCK, ("heads, -1)", "1, -1)")),
        ),
        Mistake(
            "heads by reshape alone",
            "heads are cut by a reshape alone, which mixes positions: cut (B, T, H, D) first, then "
            "let H and T change places.",
            changed(
                _BLOCK,
                ("x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)",
                 "x.reshape(x.shape[0], heads, x.shape[1], -1)"),
            ),
        ),
        Mistake(
            "heads not joined",
            "the heads are joined by a reshape alone: first H and T change places.",
            changed(_BLOCK, ("(weights @ v).swapaxes(1, 2)", "(weights @ v)")),
        ),
        Mistake(
            "no last layer",
            "attention.out is missing: it mixes the heads before they are added to the stream.",
            changed(_BLOCK, ('return linear(y, "attention.out")', "return y")),
        ),
        Mistake(
            "ReLU",
            "the MLP has ReLU: GPT-2's has GELU.",
            changed(
                _BLOCK,
                ("0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))",
                 "np.maximum(h, 0.0)"),
            ),
        ),
        Mistake(
            "queries, keys, values in another order",
            "queries and keys have changed places: in the packed product queries come first, then "
            "keys, then values.",
            changed(_BLOCK, ("q, k, v = (", "k, q, v = (")),
        ),
    ),
)  # fmt: skip

EXERCISES = (GELU_MLP, MY_BLOCK)
