"""Exercises of lesson 10: cross-entropy from logits, and its backward."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

SHORTCUTS = (*REFUSED, "numpy.logaddexp")

# my_cross_entropy -------------------------------------------------------------------------------


def _cross_entropy(logits, targets):
    largest = logits.max(axis=-1, keepdims=True)
    lse = largest[:, 0] + np.log(np.exp(logits - largest).sum(axis=-1))
    at_target = logits[np.arange(len(targets)), targets]
    return np.mean(lse - at_target)


def _cross_entropy_cases(rng: np.random.Generator) -> list[Case]:
    values, large, far = "the right values", "large logits", "a right word far below the others"
    apart = rng.normal(size=(3, 4)) + np.array([[0.0], [900.0], [-900.0]])
    return [
        Case((np.array([[0.0, np.log(3.0)]]), np.array([1])), values),
        Case((rng.normal(size=(1, 3)), rng.integers(3, size=1)), values),
        Case((rng.normal(size=(2, 3)), np.array([2, 0])), values),
        Case((rng.normal(size=(5, 4)), rng.integers(4, size=5)), values),
        Case((np.array([[1000.0, 1001.0]]), np.array([1])), large),
        Case((apart, rng.permutation(4)[:3]), large),
        Case((np.array([[1000.0, 0.0]]), np.array([1])), far),
        Case((np.array([[0.0, 1.0, -2000.0], [0.0, 0.0, 0.0]]), np.array([2, 1])), far),
    ]


_CODE = solution_of(_cross_entropy, "my_cross_entropy")
_LSE = "    lse = largest[:, 0] + np.log(np.exp(logits - largest).sum(axis=-1))\n"
_SHARES = (
    "    shares = np.exp(logits - largest)\n"
    "    shares = shares / shares.sum(axis=-1, keepdims=True)\n"
)
_PICK = "logits[np.arange(len(targets)), targets]"

CROSS_ENTROPY = Exercise(
    name="my_cross_entropy",
    lesson="10",
    task="From logits (N, V) and targets (N), give the mean loss in nats, for logits of any size.",
    points=5,
    minutes=14,
    difficulty="medium",
    solution=_CODE,
    why="-log softmax(x)[target] = log Σ exp(x) - x[target]. Written so, no share is ever formed: "
    "nothing overflows when the maximum comes off, and no share is rounded to 0 before its "
    "logarithm is taken.",
    hints=(
        "Put the formula of softmax into -log and simplify on paper before you write code.",
        "The loss of a row is its log-sum-exp less the logit of its target. Your log_sum_exp of "
        "lesson 07 serves: copy it into the cell. Then the mean over the rows.",
        "np.mean(log_sum_exp(logits) - logits[np.arange(len(targets)), ...])",
    ),
    reference=_cross_entropy,
    cases=_cross_entropy_cases,
    parts={"the right values": 2, "large logits": 1, "a right word far below the others": 2},
    refused=SHORTCUTS,
    needs=("log_sum_exp",),
    mistakes=(
        Mistake(
            "no maximum taken off",
            "no maximum is taken off before exp: it overflows from about 710 on.",
            changed(_CODE, (_LSE, "    lse = np.log(np.exp(logits).sum(axis=-1))\n")),
        ),
        Mistake(
            "the logarithm of a softmax",
            "the softmax is safe, but a small share is rounded to 0, and log 0 is -inf. Take the "
            "logarithm on paper first: log-sum-exp less the target's logit.",
            changed(
                _CODE,
                (_LSE, _SHARES),
                (_PICK, "np.log(shares[np.arange(len(targets)), targets])"),
                ("lse - at_target", "-at_target"),
            ),
        ),
        Mistake(
            "a small number added",
            "a small number is added to the share so that the logarithm stays finite: a loss of "
            "1,000 nats then comes out as about 20, and every other a little wrong.",
            changed(
                _CODE,
                (_LSE, _SHARES),
                (_PICK, "np.log(shares[np.arange(len(targets)), targets] + 1e-9)"),
                ("lse - at_target", "-at_target"),
            ),
        ),
        Mistake(
            "the maximum is lost",
            "the maximum is taken off inside exp but not added again after the logarithm.",
            changed(_CODE, ("largest[:, 0] + ", "")),
        ),
        Mistake(
            "the maximum of everything",
            "one maximum is taken off for the whole array: rows far below it come out as -inf.",
            changed(
                _CODE,
                ("logits.max(axis=-1, keepdims=True)", "np.full((len(logits), 1), logits.max())"),
            ),
        ),
        Mistake(
            "one loss for each row",
            "these are the losses of the rows; their mean was asked, one number.",
            changed(_CODE, ("np.mean(lse - at_target)", "lse - at_target")),
        ),
        Mistake(
            "the sign",
            "the sign is the wrong way round: this is the log-likelihood, and a loss is never "
            "negative.",
            changed(_CODE, ("np.mean(lse - at_target)", "np.mean(at_target - lse)")),
        ),
        Mistake(
            "the sum",
            "this is the sum over the rows; the mean was asked.",
            changed(_CODE, ("np.mean(", "np.sum(")),
        ),
        Mistake(
            "bits",
            "the logarithm is to base 2, but exp goes with the natural one.",
            changed(_CODE, ("np.log(", "np.log2(")),
        ),
        Mistake(
            "every row with every target",
            "logits[:, targets] takes all targets from every row; each row has its own.",
            changed(_CODE, (_PICK, "logits[:, targets]"), ("lse - at", "lse[:, None] - at")),
        ),
    ),
)

# cross_entropy_backward -------------------------------------------------------------------------


def _backward(logits, targets):
    N = len(targets)
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    shares[np.arange(N), targets] -= 1
    return shares / N


def _backward_cases(rng: np.random.Generator) -> list[Case]:
    one, many = "one row", "the mean of several rows"
    return [
        Case((np.array([[0.0, np.log(3.0)]]), np.array([1])), one),
        Case((rng.normal(size=(1, 3)), rng.integers(3, size=1)), one),
        Case((rng.normal(size=(2, 3)), np.array([2, 0])), many),
        Case((rng.normal(size=(3, 3)), np.array([1, 1, 0])), many),
        Case((rng.normal(size=(4, 5)), rng.integers(5, size=4)), many),
        Case((np.array([[1000.0, 1001.0, 0.0]]), np.array([2])), "large logits"),
    ]


_BACK = solution_of(_backward, "cross_entropy_backward")
_MINUS_ONE = "    shares[np.arange(N), targets] -= 1\n"
_MAXIMUM = "logits - logits.max(axis=-1, keepdims=True)"

CROSS_ENTROPY_BACKWARD = Exercise(
    name="cross_entropy_backward",
    lesson="10",
    task="Give the gradient (N, V) of the mean cross-entropy for logits (N, V) and targets (N).",
    points=5,
    minutes=18,
    difficulty="hard",
    solution=_BACK,
    why="The loss of a row is lse - x[target]. The derivative of lse for x_i is the share p_i; "
    "that of x[target] is 1 at the target and 0 elsewhere: p - y. The mean divides it by N.",
    hints=(
        "The loss of a row is log Σ exp(x) - x[target]. Differentiate the two terms for x_i.",
        "The first term gives the share of i, the second 1 if i is the target: softmax less "
        "one-hot. Then remember that the loss is the mean over N rows.",
        "shares = your softmax of the rows; shares[np.arange(N), targets] -= ...; return shares "
        "/ ...",
    ),
    reference=_backward,
    cases=_backward_cases,
    parts={"one row": 2, "the mean of several rows": 2, "large logits": 1},
    refused=SHORTCUTS,
    mistakes=(
        Mistake(
            "not divided by N",
            "this is the gradient of the sum: the loss is the mean over N rows.",
            changed(_BACK, ("shares / N", "shares")),
        ),
        Mistake(
            "divided by N and V",
            "the gradient is divided by the number of all logits: the loss has one term for each "
            "row, so N is enough.",
            changed(_BACK, ("shares / N", "shares / shares.size")),
        ),
        Mistake(
            "the sign",
            "the sign is the wrong way round: a step against this gradient raises the loss.",
            changed(_BACK, ("return shares", "return -shares")),
        ),
        Mistake(
            "the target is not taken off",
            "these are the shares alone: the -1 at each target is missing, so that nothing ever "
            "pulls the right word up.",
            changed(_BACK, (_MINUS_ONE, "")),
        ),
        Mistake(
            "every row with every target",
            "[:, targets] takes 1 off all the targets in every row: each row has its own.",
            changed(_BACK, ("shares[np.arange(N), targets]", "shares[:, targets]")),
        ),
        Mistake(
            "a softmax of everything",
            "the shares of the whole array sum to 1: each row should.",
            changed(_BACK, ("shares.sum(axis=-1, keepdims=True)", "shares.sum()")),
        ),
        Mistake(
            "the right word alone",
            "only the right word gets a gradient; the others must be pushed down by their shares.",
            changed(
                _BACK,
                (_MINUS_ONE, _MINUS_ONE + "    shares = np.where(shares < 0, shares, 0.0)\n"),
            ),
        ),
        Mistake(
            "the derivative of the shares once more",
            "p - y is multiplied by p (1 - p), as if a sigmoid's derivative were still to come: "
            "p - y has gone through the softmax already.",
            changed(
                _BACK,
                (_MINUS_ONE, "    p = shares.copy()\n" + _MINUS_ONE),
                ("shares / N", "shares * p * (1 - p) / N"),
            ),
        ),
        Mistake(
            "no maximum taken off",
            "large logits overflow in exp: take each row's maximum off first.",
            changed(_BACK, (_MAXIMUM, "logits")),
        ),
    ),
)

EXERCISES = (CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD)
