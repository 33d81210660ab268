"""Exercises of lesson 10's project: attention with all its heads, and the way back through it."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# attention_heads --------------------------------------------------------------------------------


def _attention_heads(qkv, heads):
    B, T, _ = qkv.shape
    q, k, v = qkv.reshape(B, T, 3, heads, -1).transpose(2, 0, 3, 1, 4)  # (B, H, T, D) each
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5  # (B, H, T, T)
    scores = np.where(np.tri(T, dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return (shares @ v).swapaxes(1, 2).reshape(B, T, -1), shares


def _heads_cases(rng: np.random.Generator) -> list[Case]:
    def case(B: int, T: int, heads: int, D: int) -> tuple:
        return 1.5 * rng.normal(size=(B, T, 3 * heads * D)), heads

    one, several = "one head", "several heads and texts"
    return [
        Case(case(1, 1, 1, 1), one),
        Case(case(1, 3, 1, 2), one),
        Case(case(1, 5, 1, 4), one),
        Case(case(1, 3, 2, 2), several),
        Case(case(2, 4, 3, 2), several),
    ]


_HEADS = solution_of(_attention_heads, "attention_heads")
_CUT = "qkv.reshape(B, T, 3, heads, -1).transpose(2, 0, 3, 1, 4)"

ATTENTION_HEADS = Exercise(
    name="attention_heads",
    lesson="10",
    task="From queries, keys and values side by side, (B, T, 3C), give what all heads gather, "
    "(B, T, C), and their shares (B, H, T, T); causal.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_HEADS,
    why="One reshape cuts the last axis into (3, H, D), one transpose brings the 3 to the front, "
    "and from there it is attention as in lesson 07: matrix products work on the last two axes and "
    "let all the others run along. The shares go out too, since the way back needs them.",
    hints=(
        "Which shape has a (B, T, 3C) array once you can see the 3, the heads and D in it?",
        "reshape to (B, T, 3, H, D), transpose to (3, B, H, T, D), take the three apart. Then "
        "scores over the root of D, the triangle, softmax, the mixture of the values; last the "
        "heads side by side again.",
        "q, k, v = qkv.reshape(B, T, 3, heads, -1).transpose(2, 0, 3, 1, 4) ... "
        "(shares @ v).swapaxes(1, 2).reshape(B, T, -1), shares",
    ),
    reference=_attention_heads,
    cases=_heads_cases,
    parts={"one head": 2, "several heads and texts": 2},
    refused=REFUSED,
    needs=("my_softmax", "causal_mask", "split_heads", "join_heads"),
    mistakes=(
        Mistake(
            "no mask",
            "positions see what comes after them: the triangle of the causal mask is missing.",
            changed(_HEADS, ("np.where(np.tri(T, dtype=bool), scores, -np.inf)", "scores")),
        ),
        Mistake(
            "a mask that leaks",
            "each position sees the one after it too: the triangle is one diagonal too large.",
            changed(_HEADS, ("np.tri(T, dtype=bool)", "np.tri(T, T, 1, dtype=bool)")),
        ),
        Mistake(
            "the triangle the other way",
            "positions see what comes after them, and nothing before: the triangle is the wrong "
            "one of the two.",
            changed(_HEADS, ("np.tri(T, dtype=bool)", "np.tri(T, dtype=bool).T")),
        ),
        Mistake(
            "the mask after the softmax",
            "the future is set to 0 after the softmax, so the shares of a row no longer sum to 1: "
            "mask the scores, with -inf.",
            changed(
                _HEADS,
                ("np.where(np.tri(T, dtype=bool), scores, -np.inf)", "scores"),
                ("    return (shares", "    shares = shares * np.tri(T)\n    return (shares"),
            ),
        ),
        Mistake(
            "a score of 0 for the future",
            "the future has a score of 0, and so a share of its own: only -inf hides.",
            changed(_HEADS, ("scores, -np.inf)", "scores, 0.0)")),
        ),
        Mistake(
            "no scale",
            "the scores are not divided by the root of D.",
            changed(_HEADS, (" / q.shape[-1] ** 0.5", "")),
        ),
        Mistake(
            "scaled by the whole width",
            "the scores are divided by the root of C: the width of a head, D, is what counts.",
            changed(_HEADS, ("q.shape[-1] ** 0.5", "(qkv.shape[-1] / 3) ** 0.5")),
        ),
        Mistake(
            "cut in another order",
            "the packed row is cut the wrong way: the queries of all heads come first, then all "
            "keys, then all values.",
            changed(_HEADS, (_CUT, "qkv.reshape(B, T, heads, 3, -1).transpose(3, 0, 2, 1, 4)")),
        ),
        Mistake(
            "softmax along the queries",
            "the shares sum to 1 along the queries: they should along the keys, the last axis.",
            changed(
                _HEADS,
                ("scores.max(axis=-1", "scores.max(axis=-2"),
                ("shares.sum(axis=-1", "shares.sum(axis=-2"),
            ),
        ),
        Mistake(
            "joined by a reshape alone",
            "the heads are joined by a reshape alone, which mixes positions: first H and T change "
            "places.",
            changed(_HEADS, ("(shares @ v).swapaxes(1, 2)", "(shares @ v)")),
        ),
    ),
)

# attention_heads_backward -----------------------------------------------------------------------


def _attention_heads_backward(qkv, shares, grad_y):
    B, H, T, _ = shares.shape
    q, k, v = qkv.reshape(B, T, 3, H, -1).transpose(2, 0, 3, 1, 4)  # (B, H, T, D) each
    grad_y = grad_y.reshape(B, T, H, -1).swapaxes(1, 2)  # (B, H, T, D)
    grad_v = shares.swapaxes(-1, -2) @ grad_y
    grad_shares = grad_y @ v.swapaxes(-1, -2)  # (B, H, T, T)
    along = (grad_shares * shares).sum(axis=-1, keepdims=True)
    grad_scores = shares * (grad_shares - along) / q.shape[-1] ** 0.5
    grad_q = grad_scores @ k
    grad_k = grad_scores.swapaxes(-1, -2) @ q
    parts = np.stack([grad_q, grad_k, grad_v])  # (3, B, H, T, D)
    return parts.transpose(1, 3, 0, 2, 4).reshape(qkv.shape)


def _backward_cases(rng: np.random.Generator) -> list[Case]:
    def case(B: int, T: int, heads: int, D: int) -> tuple:
        qkv = 1.2 * rng.normal(size=(B, T, 3 * heads * D))
        y, shares = _attention_heads(qkv, heads)
        return qkv, shares, rng.normal(size=y.shape)

    one, several = "one head", "several heads and texts"
    return [
        Case(case(1, 1, 1, 1), one),
        Case(case(1, 3, 1, 2), one),
        Case(case(1, 5, 1, 4), one),
        Case(case(1, 3, 2, 2), several),
        Case(case(2, 4, 3, 2), several),
    ]


_BACK = solution_of(_attention_heads_backward, "attention_heads_backward")

ATTENTION_HEADS_BACKWARD = Exercise(
    name="attention_heads_backward",
    lesson="10",
    task="The way back through attention_heads: from qkv (B, T, 3C), shares (B, H, T, T) and the "
    "gradient of y (B, T, C) give the gradient of qkv.",
    points=6,
    minutes=20,
    difficulty="hard",
    solution=_BACK,
    why="Each step of the forward, in reverse: the mixture shares @ v is a product with two "
    "factors, the softmax has its dot product, the scores q @ kᵀ are a product again. Where the "
    "mask hid a key the share is 0, and the softmax's backward leaves a gradient of 0: the mask "
    "needs no line of its own.",
    hints=(
        "Of y = shares @ v: which gradient has the shape of the shares, which that of v?",
        "grad_v = sharesᵀ @ grad_y and grad_shares = grad_y @ vᵀ; then lesson 07's softmax "
        "backward and the scale; then grad_q = grad_scores @ k, and for k the transpose. Pack the "
        "three as they came: (3, B, H, T, D) back to (B, T, 3, H, D).",
        "grad_scores = shares * (grad_shares - (grad_shares * shares).sum(-1, keepdims=True)) / "
        "√D; np.stack([grad_q, grad_k, grad_v]).transpose(1, 3, 0, 2, 4).reshape(qkv.shape)",
    ),
    reference=_attention_heads_backward,
    cases=_backward_cases,
    parts={"one head": 3, "several heads and texts": 3},
    refused=REFUSED,
    needs=("softmax_backward",),
    mistakes=(
        Mistake(
            "softmax as if each share stood alone",
            "the dot product is missing in the softmax's backward: a share can only grow at the "
            "cost of the others.",
            changed(_BACK, ("(grad_shares - along)", "grad_shares")),
        ),
        Mistake(
            "the dot product along the queries",
            "the softmax's backward sums along the queries: its rows run along the keys.",
            changed(_BACK, ("sum(axis=-1", "sum(axis=-2")),
        ),
        Mistake(
            "no scale on the way back",
            "the scores were divided by the root of D: their gradient must be too.",
            changed(_BACK, (" / q.shape[-1] ** 0.5", "")),
        ),
        Mistake(
            "the keys' product is not transposed",
            "the gradient of k needs the transpose of that of the scores: column s has what all "
            "queries want of key s.",
            changed(_BACK, ("grad_scores.swapaxes(-1, -2) @ q", "grad_scores @ q")),
        ),
        Mistake(
            "the values' product is not transposed",
            "the gradient of v needs the transpose of the shares: value s goes to all the queries "
            "that look at it.",
            changed(_BACK, ("shares.swapaxes(-1, -2) @ grad_y", "shares @ grad_y")),
        ),
        Mistake(
            "cut by a reshape alone",
            "grad_y is cut into heads by a reshape alone, which mixes positions: first to "
            "(B, T, H, D), then H and T change places.",
            changed(
                _BACK,
                ("grad_y.reshape(B, T, H, -1).swapaxes(1, 2)", "grad_y.reshape(B, H, T, -1)"),
            ),
        ),
        Mistake(
            "packed by a reshape alone",
            "the three parts are packed by a reshape alone: their axes must first stand as in "
            "(B, T, 3, H, D).",
            changed(_BACK, ("parts.transpose(1, 3, 0, 2, 4).reshape", "parts.reshape")),
        ),
        Mistake(
            "queries and keys have changed places",
            "the gradients of queries and keys have changed places in the pack.",
            changed(_BACK, ("[grad_q, grad_k, grad_v]", "[grad_k, grad_q, grad_v]")),
        ),
        Mistake(
            "packed in another order",
            "the pack has the three parts of each head side by side: as they came, the queries of "
            "all heads stand first.",
            changed(_BACK, ("transpose(1, 3, 0, 2, 4)", "transpose(1, 3, 2, 0, 4)")),
        ),
    ),
)

EXERCISES = (ATTENTION_HEADS, ATTENTION_HEADS_BACKWARD)
