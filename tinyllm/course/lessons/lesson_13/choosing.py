"""Exercises of lesson 13: a token drawn, and the temperature."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# draw_token -------------------------------------------------------------------------------------


def _draw_token(shares, u):
    running = np.cumsum(shares)
    token = np.searchsorted(running, u * running[-1], side="right")
    return int(min(token, np.flatnonzero(shares)[-1]))


def _draw_cases(rng: np.random.Generator) -> list[Case]:
    inside, edge, last = "a number inside a share", "a number on an edge", "the very last number"
    three = np.array([0.25, 0.5, 0.25])
    some = rng.dirichlet(np.ones(6))
    end = 1 - 2.0**-53  # the largest number below 1
    return [
        Case((np.array([0.75, 0.25]), 0.5), inside),
        Case((three, 0.1), inside),
        Case((three, 0.9), inside),
        Case((np.array([0.1, 0.6, 0.3]), 0.2), inside),
        *(Case((some, float(u)), inside) for u in rng.random(4)),
        Case((three, 0.25), edge),
        Case((np.array([0.0, 0.5, 0.5]), 0.0), edge),
        Case((np.array([0.5, 0.0, 0.5]), 0.5), edge),
        Case((np.full(10, 0.1), end), last),
        Case((np.array([0.1] * 10 + [0.0]), end), last),
    ]


_DRAW = solution_of(_draw_token, "draw_token")

DRAW_TOKEN = Exercise(
    name="draw_token",
    lesson="13",
    task="Draw a token from shares (V,) by a number u, even in [0, 1): the first token at which "
    "the running sum of the shares passes u.",
    points=4,
    minutes=10,
    difficulty="easy",
    solution=_DRAW,
    why="The running sum cuts the line from 0 to 1 into one piece for each token, as long as its "
    "share. An even u falls into a piece with just that probability. A token with share 0 has a "
    "piece of no length, so an edge must belong to the piece that begins there. Ten times 0.1 "
    "come to a hair less than 1, so u is measured in units of the whole sum.",
    hints=(
        "Lay the shares one after the other along a line from 0 to 1. Where does u fall?",
        "np.cumsum gives where the pieces end; np.searchsorted with side='right' finds the first "
        "end that is larger than u. What if rounding lets no end be larger?",
        "running = np.cumsum(shares); np.searchsorted(running, u * running[-1], side=...), and no "
        "further than the last token whose share is not 0",
    ),
    reference=_draw_token,
    cases=_draw_cases,
    parts={"a number inside a share": 2, "a number on an edge": 1, "the very last number": 1},
    refused=(*REFUSED, "numpy.random", "random"),
    mistakes=(
        Mistake(
            "the likeliest",
            "this is always the likeliest token, whatever u is: nothing is drawn.",
            "import numpy as np\ndef draw_token(shares, u):\n    return int(np.argmax(shares))\n",
        ),
        Mistake(
            "an edge belongs to the piece before",
            "on an edge the token before is taken: with u = 0 that draws a first token of share 0.",
            changed(_DRAW, ('side="right"', 'side="left"')),
        ),
        Mistake(
            "one too far",
            "this is the token after the one that u falls on.",
            changed(_DRAW, ("return int(min(token,", "return int(min(token + 1,")),
        ),
        Mistake(
            "the nearest share",
            "this is the token whose share is nearest to u: u must be held against running sums.",
            "import numpy as np\ndef draw_token(shares, u):\n"
            "    return int(np.abs(shares - u).argmin())\n",
        ),
        Mistake(
            "the nearest edge",
            "this is the token whose edge is nearest to u, be it above or below: the first edge "
            "above u is asked.",
            "import numpy as np\ndef draw_token(shares, u):\n"
            "    return int(np.abs(np.cumsum(shares) - u).argmin())\n",
        ),
        Mistake(
            "sorted first",
            "the shares were sorted, and the place counts in the sorted row: that is no token.",
            changed(_DRAW, ("np.cumsum(shares)", "np.cumsum(np.sort(shares)[::-1])")),
        ),
        Mistake(
            "beyond the end",
            "ten times 0.1 come to less than 1, and a u in between falls off the end: keep to "
            "the last token whose share is not 0.",
            changed(
                _DRAW,
                ("u * running[-1]", "u"),
                ("min(token, np.flatnonzero(shares)[-1])", "token"),
            ),
        ),
    ),
)

# tempered_shares --------------------------------------------------------------------------------


def _tempered_shares(logits, temperature):
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


def _tempered_cases(rng: np.random.Generator) -> list[Case]:
    warm, safe, cold = "temperatures above 0", "numbers of any size", "temperature 0"
    hidden = rng.normal(size=5)
    hidden[2] = -np.inf
    return [
        Case((np.log(np.array([1.0, 3.0])), 0.5), warm),
        Case((np.log(np.array([1.0, 3.0])), 2.0), warm),
        Case((rng.normal(size=5) * 2, 0.7), warm),
        Case((rng.normal(size=5) * 2 + 3, 1.5), warm),
        Case((hidden, 0.5), warm),
        Case((np.array([900.0, 901.0, 899.0]), 0.5), safe),
        Case((np.array([2.0, 3.0, 2.9]), 1e-3), safe),
        Case((np.array([0.0, 2.0, 1.0]), 0), cold),
        Case((np.array([1.0, 2.0, 2.0]), 0.0), cold),
    ]


_TEMPERED = solution_of(_tempered_shares, "tempered_shares")
_COLD = """\
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
"""
_TWO = """\
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()
"""

TEMPERED_SHARES = Exercise(
    name="tempered_shares",
    lesson="13",
    task="Give softmax(logits / temperature); at temperature 0 the whole share goes to the largest "
    "logit, of equals to the first.",
    points=4,
    minutes=8,
    difficulty="easy",
    solution=_TEMPERED,
    why="Only differences of logits count, and dividing stretches or shrinks them. Towards 0 the "
    "largest logit wins by any distance; 0 itself cannot be divided by, so it is named apart.",
    hints=(
        "Which number of the recipe should a temperature change: the logits or the shares?",
        "A safe softmax of the logits divided by the temperature; and an if for temperature 0.",
        "np.exp((logits - logits.max()) / temperature), divided by its sum",
    ),
    reference=_tempered_shares,
    cases=_tempered_cases,
    parts={"temperatures above 0": 2, "numbers of any size": 1, "temperature 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "multiplied",
            "the logits are multiplied by the temperature: now heat makes them sharper.",
            changed(_TEMPERED, (" / temperature)", " * temperature)")),
        ),
        Mistake(
            "the temperature after the softmax",
            "the shares are divided by the temperature, not the logits: they no longer sum to 1.",
            changed(
                _TEMPERED,
                (" / temperature)", ")"),
                ("weights / weights.sum()", "weights / weights.sum() / temperature"),
            ),
        ),
        Mistake(
            "a softmax of shares",
            "the shares themselves went through a second softmax: divide the logits.",
            changed(
                _TEMPERED,
                (
                    _TWO,
                    "    shares = np.exp(logits - logits.max())\n"
                    "    shares = np.exp(shares / shares.sum() / temperature)\n"
                    "    return shares / shares.sum()\n",
                ),
            ),
        ),  # fmt: skip
        Mistake(
            "no maximum taken off",
            "large logits, or a small temperature, overflow in exp: take the maximum off first.",
            changed(_TEMPERED, ("(logits - logits.max())", "logits")),
        ),
        Mistake(
            "divided by 0",
            "temperature 0 divides by 0: it needs a line of its own.",
            changed(_TEMPERED, (_COLD, "")),
        ),
        Mistake(
            "equals share at 0",
            "at temperature 0 equal logits share the whole: the first of them should have it all.",
            changed(
                _TEMPERED,
                (
                    "return np.eye(len(logits))[logits.argmax()]",
                    "top = logits == logits.max()\n        return top / top.sum()",
                ),
            ),
        ),
        Mistake(
            "even at 0",
            "at temperature 0 all tokens get the same: that is what an infinite one would do.",
            changed(
                _TEMPERED,
                ("np.eye(len(logits))[logits.argmax()]", "np.full(len(logits), 1 / len(logits))"),
            ),
        ),
    ),
)

EXERCISES = (DRAW_TOKEN, TEMPERED_SHARES)
