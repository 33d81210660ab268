"""Exercises of lesson 07: softmax, its backward, and the logarithm of its sum."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# my_softmax -------------------------------------------------------------------------------------


def _softmax(x: np.ndarray) -> np.ndarray:
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _softmax_cases(rng: np.random.Generator) -> list[Case]:
    rows, large, masked = "rows that sum to 1", "large numbers", "what is -inf gets 0"
    return [
        Case((np.array([0.0, np.log(3.0)]),), rows),
        Case((rng.normal(size=(2, 3)),), rows),
        Case((rng.normal(size=(2, 5, 3)) * 2,), rows),
        Case((np.array([1000.0, 1001.0]),), large),
        Case((np.array([-2000.0, -2000.0, -2001.0]),), large),
        Case((rng.normal(size=(3, 4)) + np.array([[0.0], [900.0], [-900.0]]),), large),
        Case((np.array([0.0, -np.inf]),), masked),
        Case((np.array([[1.0, -np.inf, 0.5, -np.inf], [-np.inf, -np.inf, 3.0, 2.0]]),), masked),
    ]


SOFTMAX = Exercise(
    name="my_softmax",
    lesson="07",
    task="Write softmax over the last axis, so that numbers of any size are safe.",
    points=4,
    minutes=10,
    difficulty="easy",
    solution="""\
import numpy as np

def my_softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
""",
    why="Softmax stays the same when a number is added to all of a row. With the maximum taken "
    "off, the largest exponent is 0: nothing can overflow, and the sum is at least 1.",
    hints=(
        "What happens to exp(1000)? And does softmax change if you add 5 to every number?",
        "Take each row's maximum off before you exponentiate. keepdims=True keeps the axis.",
        "weights = np.exp(x - ...); return weights / weights.sum(axis=-1, ...)",
    ),
    reference=_softmax,
    cases=_softmax_cases,
    parts={"rows that sum to 1": 2, "large numbers": 1, "what is -inf gets 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no maximum taken off",
            "no maximum is taken off before the exponential, so that large numbers overflow.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    w = np.exp(x)\n    return w / w.sum(axis=-1, keepdims=True)\n",
        ),
        Mistake(
            "normalised over everything",
            "the sum is taken over the whole array, not over each row.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    w = np.exp(x - x.max(axis=-1, keepdims=True))\n    return w / w.sum()\n",
        ),
        Mistake(
            "the first axis",
            "the sum runs along the first axis; rows lie along the last.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    w = np.exp(x - x.max(axis=0, keepdims=True))\n"
            "    return w / w.sum(axis=0, keepdims=True)\n",
        ),
        Mistake(
            "the maximum of everything",
            "one maximum is taken off for the whole array: a row far below it becomes 0 / 0.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    w = np.exp(x - x.max())\n    return w / w.sum(axis=-1, keepdims=True)\n",
        ),
        Mistake(
            "the formula as it stands, over everything",
            "exp of large numbers overflows, and the sum is taken over the whole array: each row "
            "has its own maximum to take off, and its own sum.",
            "import numpy as np\ndef my_softmax(x):\n    return np.exp(x) / np.exp(x).sum()\n",
        ),
        Mistake(
            "one maximum and one sum",
            "maximum and sum are taken over the whole array: rows lie along the last axis.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    w = np.exp(x - x.max())\n    return w / w.sum()\n",
        ),
        Mistake(
            "the axis is lost",
            "max and sum drop the axis that they run over, so that (2, 3) meets (2,): "
            "keepdims=True keeps it, with length 1.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    w = np.exp(x - x.max(axis=-1))\n    return w / w.sum(axis=-1)\n",
        ),
        Mistake(
            "above the line alone",
            "the maximum is taken off above the line but not below it: use the same numbers twice.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    w = np.exp(x - x.max(axis=-1, keepdims=True))\n"
            "    return w / np.exp(x).sum(axis=-1, keepdims=True)\n",
        ),
        Mistake(
            "a logarithm too many",
            "this is log-softmax: the exponential of it is what was asked.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    s = x - x.max(axis=-1, keepdims=True)\n"
            "    return s - np.log(np.exp(s).sum(axis=-1, keepdims=True))\n",
        ),
        Mistake(
            "changed in place",
            "the values are right, but x itself is changed: -= works on the caller's array.",
            "import numpy as np\ndef my_softmax(x):\n"
            "    x -= x.max(axis=-1, keepdims=True)\n    w = np.exp(x)\n"
            "    return w / w.sum(axis=-1, keepdims=True)\n",
        ),
    ),
)

# log_sum_exp ------------------------------------------------------------------------------------


def _log_sum_exp(x):
    largest = x.max(axis=-1, keepdims=True)
    largest = np.where(largest == -np.inf, 0.0, largest)
    with np.errstate(divide="ignore"):
        return largest[..., 0] + np.log(np.exp(x - largest).sum(axis=-1))


def _log_sum_exp_cases(rng: np.random.Generator) -> list[Case]:
    values, large, nothing = "the right values", "large numbers", "a row of -inf"
    return [
        Case((np.array([0.5]),), values),
        Case((np.log(np.array([1.0, 3.0])),), values),
        Case((rng.normal(size=(2, 3)),), values),
        Case((rng.normal(size=(2, 3, 4)),), values),
        Case((np.array([1000.0, 1001.0]),), large),
        Case((rng.normal(size=(3, 4)) + np.array([[0.0], [900.0], [-900.0]]),), large),
        Case((np.array([[0.0, -np.inf], [-np.inf, -np.inf]]),), nothing),
    ]


_LSE = solution_of(_log_sum_exp, "log_sum_exp")
_FINITE = "    largest = np.where(largest == -np.inf, 0.0, largest)\n"

LOG_SUM_EXP = Exercise(
    name="log_sum_exp",
    lesson="07",
    task="Write log Σ exp(x) over the last axis, x (..., S) -> (...), for numbers of any size.",
    points=3,
    minutes=10,
    difficulty="medium",
    solution=_LSE,
    why="log Σ exp(x) = m + log Σ exp(x - m) for every m. With the maximum as m nothing can "
    "overflow. A row of nothing but -inf has the sum 0, whose logarithm is -inf; there 0 stands "
    "in for the maximum, because -inf - (-inf) has no value.",
    hints=(
        "What may be taken off x before exp, if it is added again after the logarithm?",
        "Take the maximum m off and add it after. Mind a row whose maximum is -inf: use m = 0.",
        "largest = np.where(largest == -np.inf, 0, largest); largest[..., 0] + np.log(...)",
    ),
    reference=_log_sum_exp,
    cases=_log_sum_exp_cases,
    parts={"the right values": 1, "large numbers": 1, "a row of -inf": 1},
    refused=(*REFUSED, "numpy.logaddexp"),
    mistakes=(
        Mistake(
            "no maximum taken off",
            "no maximum is taken off: exp overflows from about 710 on.",
            changed(_LSE, ("np.exp(x - largest)", "np.exp(x)"), ("largest[..., 0] + ", "")),
        ),
        Mistake(
            "the maximum is lost",
            "the maximum is taken off but not added again after the logarithm.",
            changed(_LSE, ("largest[..., 0] + ", "")),
        ),
        Mistake(
            "the maximum of everything",
            "one maximum is taken off for the whole array: rows far below it come out as -inf.",
            changed(_LSE, ("x.max(axis=-1, keepdims=True)", "np.full(x[..., :1].shape, x.max())")),
        ),
        Mistake(
            "the axis is kept",
            "the last axis is still there with length 1; it should go: (..., S) -> (...).",
            changed(
                _LSE, ("largest[..., 0]", "largest"), ("sum(axis=-1)", "sum(-1, keepdims=True)")
            ),
        ),
        Mistake(
            "over everything",
            "the sum runs over the whole array and gives one number: each row has its own.",
            "import numpy as np\ndef log_sum_exp(x):\n    return np.log(np.exp(x).sum())\n",
        ),
        Mistake(
            "the axis is lost before its time",
            "the maximum has lost its axis and cannot be taken off the rows: keep it for the "
            "subtraction (keepdims=True), and drop it for the addition.",
            changed(
                _LSE,
                ("x.max(axis=-1, keepdims=True)", "x.max(axis=-1)"),
                ("largest[..., 0]", "largest"),
            ),
        ),
        Mistake(
            "a column and a row",
            "the maximum has kept its axis and the sum has not: added, (S, 1) and (S) make a "
            "table. Drop the axis of the maximum first.",
            changed(_LSE, ("largest[..., 0]", "largest")),
        ),
        Mistake(
            "NaN for a row of -inf",
            "a row of nothing but -inf gives NaN: its maximum is -inf, and -inf - (-inf) is NaN.",
            changed(_LSE, (_FINITE, "")),
        ),
        Mistake(
            "the mean",
            "this is the logarithm of the mean: the sum was asked.",
            changed(_LSE, (".sum(", ".mean(")),
        ),
    ),
)

# softmax_backward -------------------------------------------------------------------------------


def _softmax_backward(y, grad_y):
    return y * (grad_y - (grad_y * y).sum(axis=-1, keepdims=True))


def _backward_cases(rng: np.random.Generator) -> list[Case]:
    def pair(*shape: int, hidden: int = 0) -> tuple:
        scores = rng.normal(size=shape)
        scores[..., shape[-1] - hidden :] = -np.inf
        return _softmax(scores), rng.normal(size=shape)

    return [
        Case(pair(1), "one row"),
        Case(pair(2), "one row"),
        Case(pair(4), "one row"),
        Case(pair(4, hidden=2), "weights of 0"),
        Case(pair(2, 3), "each row by itself"),
        Case(pair(3, 3), "each row by itself"),
        Case(pair(2, 3, 4), "each row by itself"),
    ]


_BACKWARD = solution_of(_softmax_backward, "softmax_backward")
_ONE_TERM = "y * grad_y - (grad_y * y).sum(axis=-1, keepdims=True)"

SOFTMAX_BACKWARD = Exercise(
    name="softmax_backward",
    lesson="07",
    task="From y = softmax(x) and the loss's gradient for y, give the gradient for x.",
    points=5,
    minutes=18,
    difficulty="hard",
    solution=_BACKWARD,
    why="∂y_j/∂x_i is y_i (1 - y_i) for i = j and -y_i y_j otherwise. Summed against grad_y both "
    "cases become y_i (grad_y_i - Σ_j grad_y_j y_j): one dot product for each row, and no matrix.",
    hints=(
        "Every y depends on every x of its row, through the sum: what does x_0 do to y_1?",
        "Write ∂y_j/∂x_i for i = j and for i ≠ j, sum over j against grad_y, and look for y_i in "
        "front of everything.",
        "y * (grad_y - ...), where ... is one number for each row: a dot product",
    ),
    reference=_softmax_backward,
    cases=_backward_cases,
    parts={"one row": 2, "weights of 0": 1, "each row by itself": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no dot product",
            "the dot product of grad_y and y is missing: a larger x takes from its neighbours.",
            changed(_BACKWARD, ("(grad_y - (grad_y * y).sum(axis=-1, keepdims=True))", "grad_y")),
        ),
        Mistake(
            "the diagonal alone",
            "y (1 - y) is the diagonal of the Jacobian, as for a sigmoid; the rest is missing.",
            changed(
                _BACKWARD,
                ("(grad_y - (grad_y * y).sum(axis=-1, keepdims=True))", "(1 - y) * grad_y"),
            ),
        ),
        Mistake(
            "the sum without y",
            "the sum in the bracket is of grad_y alone; it should be of grad_y times y. (That is "
            "nearly the backward of log-softmax.)",
            changed(_BACKWARD, ("(grad_y * y).sum", "grad_y.sum")),
        ),
        Mistake(
            "summed over everything",
            "the dot product is taken over the whole array: each row has its own.",
            changed(_BACKWARD, (".sum(axis=-1, keepdims=True)", ".sum()")),
        ),
        Mistake(
            "the first axis",
            "the dot product runs along the first axis; a row lies along the last.",
            changed(_BACKWARD, ("axis=-1", "axis=0")),
        ),
        Mistake(
            "the sign",
            "the sign is the wrong way round: this gradient would climb.",
            changed(_BACKWARD, ("return y *", "return -y *")),
        ),
        Mistake(
            "the axis is lost",
            "one row is right, but with several the dot products have lost their axis: "
            "keepdims=True lets each meet its own row.",
            changed(_BACKWARD, (", keepdims=True", "")),
        ),
        Mistake(
            "y stands in front of one term alone",
            "the dot product is taken off as it is: y_i stands in front of it too.",
            changed(
                _BACKWARD,
                (_BACKWARD.split("return ")[1].strip(), _ONE_TERM),
            ),
        ),
    ),
)

EXERCISES = (SOFTMAX, LOG_SUM_EXP, SOFTMAX_BACKWARD)
