"""The exercises of lesson 07: softmax and attention."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Lesson, Mistake

LESSON = Lesson("07", "Softmax and attention", minutes=90)

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


SOFTMAX = LESSON.add(
    Exercise(
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
        refused=("scipy", "tinyllm", "torch"),
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
)
