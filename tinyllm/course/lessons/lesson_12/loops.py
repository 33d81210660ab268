"""Exercises of lesson 12: batches of an epoch, a loop that forgets to forget, all five steps."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# cut_into_batches -------------------------------------------------------------------------------


def _cut_into_batches(order, batch_size):
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def _cut_cases(rng: np.random.Generator) -> list[Case]:
    even, rest = "it comes out even", "a shorter batch at the end"
    return [
        Case((np.array([1, 0]), 1), even),
        Case((rng.permutation(6), 3), even),
        Case((rng.permutation(12), 4), even),
        Case((rng.permutation(7), 3), rest),
        Case((rng.permutation(11), 4), rest),
        Case((rng.permutation(3), 5), rest),
    ]


_CUT = solution_of(_cut_into_batches, "cut_into_batches")
_LIST = "[order[i : i + batch_size] for i in range(0, len(order), batch_size)]"

CUT_INTO_BATCHES = Exercise(
    name="cut_into_batches",
    lesson="12",
    task="In one line: cut a shuffled order into a list of batches; the last may be shorter.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_CUT,
    why="range(0, N, batch_size) gives the places where batches begin. A slice that reaches beyond "
    "the end stops there, so the rest comes out as a shorter batch by itself.",
    hints=(
        "At which places in the order do batches begin, for N = 7 and batches of 3?",
        "range takes a step as its third argument. A slice may reach beyond the end.",
        "[order[i : i + ...] for i in range(0, len(order), ...)]",
    ),
    reference=_cut_into_batches,
    cases=_cut_cases,
    parts={"it comes out even": 1, "a shorter batch at the end": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the rest is dropped",
            "what is left at the end is dropped: those examples were to be a shorter batch.",
            changed(_CUT, ("len(order), batch", "len(order) - batch_size + 1, batch")),
        ),
        Mistake(
            "so many batches",
            "there are batch_size batches; there should be batch_size examples in each.",
            changed(_CUT, (_LIST, "np.array_split(order, batch_size)")),
        ),
        Mistake(
            "overlapping",
            "batches begin at every place and overlap: go on by batch_size.",
            changed(_CUT, ("len(order), batch_size)", "len(order))")),
        ),
        Mistake(
            "every so manieth",
            "a batch takes examples that lie apart; cut pieces that lie side by side.",
            changed(_CUT, (_LIST, "[order[i::batch_size] for i in range(batch_size)]")),
        ),
        Mistake(
            "places in the place of examples",
            "these are the places 0, 1, 2, ...: the order was shuffled, and is not used.",
            changed(
                _CUT,
                ("order[i : i + batch_size] for", "np.arange(len(order))[i : i + batch_size] for"),
            ),
        ),
        Mistake(
            "from the beginning each time",
            "every batch but the first begins at the first example again: slice from i.",
            changed(_CUT, ("order[i : i", "order[: i")),
        ),
    ),
)

# fit_line: find the bug -------------------------------------------------------------------------


def _fit_line(x, y, lr, steps):
    w, losses = 0.0, []
    for _ in range(steps):
        grad = 0.0
        error = w * x - y  # (N,)
        losses.append((error**2).mean())
        grad += (2 * error * x).mean()
        w = w - lr * grad
    return w, losses


def _fit_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one step", "several steps"

    def line(N: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.uniform(0.5, 1.5, size=N)
        return x, 2 * x + rng.normal(size=N) * 0.1

    return [
        Case((np.array([1.0]), np.array([3.0]), 0.25, 1), one),
        Case((*line(4), 0.1, 1), one),
        Case((np.array([1.0]), np.array([3.0]), 0.25, 3), several),
        Case((np.array([1.0, 2.0]), np.array([3.0, 6.0]), 0.1, 4), several),
        Case((*line(6), 0.2, 9), several),
    ]


_FIT = solution_of(_fit_line, "fit_line")
_FORGET = "        grad = 0.0\n"
_FORGETFUL = changed(_FIT, (_FORGET, ""), ("w, losses = 0.0, []", "w, grad, losses = 0.0, 0.0, []"))

FIT_LINE = Exercise(
    name="fit_line",
    lesson="12",
    task="Find the bug in swinging_fit and write it without: its loss swings for ever.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_FIT,
    why="The gradient is added to what is there, as a tape does, and nobody empties it. The sum of "
    "all past gradients is momentum without friction: the weight swings like a pendulum. Begin "
    "each step with a gradient of 0.",
    hints=(
        "Print grad in each step. What should it be where the loss is lowest?",
        "What does += add to? In tinyllm the line that is missing is optimizer.zero_grad().",
        "grad has to be 0.0 at the beginning of each step, not of the whole.",
    ),
    reference=_fit_line,
    cases=_fit_cases,
    parts={"one step": 1, "several steps": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "the gradients of all steps are still added up, as in swinging_fit.",
            _FORGETFUL,
        ),
        Mistake(
            "forgotten too early",
            "the gradient is emptied before the step uses it: the weight never moves.",
            changed(_FIT, ("        w = w", "        grad = 0.0\n        w = w")),
        ),
        Mistake(
            "friction",
            "half of the old gradients is kept: that is momentum, and hides the bug rather than "
            "mends it.",
            changed(
                _FORGETFUL,
                ("grad += (2 * error * x).mean()", "grad = grad / 2 + (2 * error * x).mean()"),
            ),
        ),
        Mistake(
            "the mean of all gradients",
            "the sum of the gradients is divided by their number: old ones still count.",
            changed(_FORGETFUL, ("lr * grad", "lr * grad / len(losses)")),
        ),
        Mistake(
            "the sum over the examples",
            "the bug is gone, but the gradient is now a sum over the examples: the loss is a mean.",
            changed(_FIT, ("(2 * error * x).mean()", "(2 * error * x).sum()")),
        ),
        Mistake(
            "without the 2",
            "the bug is gone, and so is the 2 of the square's derivative.",
            changed(_FIT, ("2 * error", "error")),
        ),
        Mistake(
            "the loss after the step",
            "the weight is right; but the loss is noted after the step, so the first one is "
            "missing.",
            changed(
                _FIT,
                ("        losses.append((error**2).mean())\n", ""),
                (
                    "w - lr * grad\n",
                    "w - lr * grad\n        losses.append(((w * x - y) ** 2).mean())\n",
                ),
            ),
        ),
        Mistake(
            "one step alone",
            "the return stands inside the loop: only one step is made.",
            changed(_FIT, ("    return w, losses", "        return w, losses")),
        ),
    ),
)

# train_table ------------------------------------------------------------------------------------


def _train_table(inputs, targets, V, lr):
    table, losses = np.zeros((V, V)), []
    for x, y in zip(inputs, targets, strict=True):  # 1: a batch, (N,) and (N,)
        logits = table[x]  # 2: forward, (N, V)
        largest = logits.max(axis=-1, keepdims=True)
        shares = np.exp(logits - largest)
        shares = shares / shares.sum(axis=-1, keepdims=True)
        right = np.arange(len(x)), y
        losses.append(-np.log(shares[right]).mean())  # 3: loss
        shares[right] -= 1  # 4: backward, p - y
        grad = np.zeros((V, V))
        np.add.at(grad, x, shares / len(x))
        table = table - lr * grad  # 5: step
    return table, losses


def _table_cases(rng: np.random.Generator) -> list[Case]:
    first, later, repeated = "the first step", "more steps", "a token that comes twice"

    def tokens(steps: int, N: int, V: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs in which no token comes twice in a batch, and targets."""
        inputs = np.stack([rng.permutation(V)[:N] for _ in range(steps)])
        return inputs, (inputs + rng.integers(1, V, size=inputs.shape)) % V

    twice = rng.integers(0, 2, size=(3, 5))
    twice[:, :2] = 0
    return [
        Case((np.array([[0]]), np.array([[1]]), 2, 1.0), first),
        Case((*tokens(1, 3, 4), 4, 0.5), first),
        Case((np.array([[0], [0], [1]]), np.array([[1], [1], [0]]), 2, 1.0), later),
        Case((*tokens(4, 3, 3), 3, 2.0), later),
        Case((np.array([[0, 0]]), np.array([[1, 1]]), 2, 1.0), repeated),
        Case((twice, rng.integers(0, 3, size=(3, 5)), 3, 1.0), repeated),
    ]


_TABLE = solution_of(_train_table, "train_table")
_ADD = "        np.add.at(grad, x, shares / len(x))\n"

TRAIN_TABLE = Exercise(
    name="train_table",
    lesson="12",
    task="All five steps: train a table of logits (V, V) on the batches inputs and targets "
    "(steps, N); return the table and the losses.",
    points=6,
    minutes=24,
    difficulty="hard",
    solution=_TABLE,
    why="The forward picks rows of the table; the gradient for the logits is (p - y) / N; and "
    "since a row that was picked twice is used twice, its gradients add up: np.add.at. A table of "
    "zeros gives even shares, so the first loss is log V.",
    hints=(
        "Which row of the table holds the logits of the word after x? What is the loss while all "
        "rows are 0?",
        "Softmax of table[x], loss by the targets' shares, then shares minus 1 at the target, over "
        "N. Collect these rows in a gradient of zeros by np.add.at, and only then step.",
        "shares[np.arange(N), y] -= 1; grad = np.zeros((V, V)); np.add.at(grad, x, shares / N); "
        "table = table - ...",
    ),
    reference=_train_table,
    cases=_table_cases,
    parts={"the first step": 2, "more steps": 2, "a token that comes twice": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "gradients never emptied",
            "the gradients of all steps add up: begin each step with a gradient of zeros.",
            changed(
                _TABLE,
                ("        grad = np.zeros((V, V))\n", ""),
                (
                    "losses = np.zeros((V, V)), []",
                    "losses = np.zeros((V, V)), []\n    grad = np.zeros((V, V))",
                ),
            ),
        ),
        Mistake(
            "a token that comes twice counts once",
            "a token that comes twice in a batch gets the gradient of one place alone: with "
            "repeated indices += adds once. np.add.at adds each.",
            changed(_TABLE, (_ADD, "        grad[x] += shares / len(x)\n")),
        ),
        Mistake(
            "not divided by N",
            "the gradient is that of the sum: the loss is the mean over N.",
            changed(_TABLE, ("shares / len(x))", "shares)")),
        ),
        Mistake(
            "uphill",
            "the loss rises: the gradient is subtracted.",
            changed(_TABLE, ("table - lr", "table + lr")),
        ),
        Mistake(
            "p alone",
            "the gradient lacks the 1 that is taken off at the target: every word is pushed down.",
            changed(_TABLE, ("        shares[right] -= 1  # 4: backward, p - y\n", "")),
        ),
        Mistake(
            "columns",
            "the word before picks a row of the table; here it picks a column.",
            changed(
                _TABLE,
                ("logits = table[x]", "logits = table[:, x].T"),
                (_ADD, "        np.add.at(grad.T, x, shares / len(x))\n"),
            ),
        ),
        Mistake(
            "inputs and targets swapped",
            "the table predicts the word before from the word after: inputs and targets are "
            "swapped.",
            changed(_TABLE, ("for x, y in", "for y, x in")),
        ),
        Mistake(
            "the sum of the losses",
            "the losses noted are sums over the batch: the mean was asked.",
            changed(_TABLE, ("np.log(shares[right]).mean()", "np.log(shares[right]).sum()")),
        ),
        Mistake(
            "no learning rate",
            "the step lacks the learning rate.",
            changed(_TABLE, ("lr * grad", "grad")),
        ),
        Mistake(
            "not zeros at first",
            "the table should begin with zeros: even shares, and a first loss of log V.",
            changed(_TABLE, ("np.zeros((V, V)), []", "np.eye(V), []")),
        ),
    ),
)

EXERCISES = (CUT_INTO_BATCHES, FIT_LINE, TRAIN_TABLE)
