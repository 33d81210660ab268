"""Exercises of lesson 13's project: a decoder's step, and the choice of a word."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_13 import choosing, keeping
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# decoder_step -----------------------------------------------------------------------------------


def _decoder_step(token, weights, keys, values):
    S, H, D = keys.shape

    def norm(x, weight):
        return x / np.sqrt(np.mean(x * x) + 1e-5) * weight

    x = weights["tokens"][token] + weights["positions"][S]  # (C,)
    q, k, v = (weights["qkv"] @ norm(x, weights["norm_1"])).reshape(3, H, D)
    keys = np.concatenate([keys, k[None]])  # (S + 1, H, D)
    values = np.concatenate([values, v[None]])
    scores = (keys * q).sum(axis=-1) / np.sqrt(D)  # (S + 1, H)
    shares = np.exp(scores - scores.max(axis=0))
    shares = shares / shares.sum(axis=0)
    mixed = (shares[..., None] * values).sum(axis=0)  # (H, D)
    x = x + weights["out"] @ mixed.reshape(-1)
    hidden = np.maximum(weights["up"] @ norm(x, weights["norm_2"]), 0) ** 2
    x = x + weights["down"] @ hidden
    return weights["tokens"] @ norm(x, weights["norm"]), keys, values


def _weights(rng: np.random.Generator, V: int, N: int, H: int, D: int) -> dict[str, np.ndarray]:
    C = H * D
    shapes = {
        "tokens": (V, C), "positions": (N, C), "norm_1": (C,), "qkv": (3 * C, C), "out": (C, C),
        "norm_2": (C,), "up": (4 * C, C), "down": (C, 4 * C), "norm": (C,),
    }  # fmt: skip
    return {name: rng.normal(size=shape) * 0.7 for name, shape in shapes.items()}


def _step_cases(rng: np.random.Generator) -> list[Case]:
    def case(V: int, S: int, H: int, D: int) -> tuple:
        cache = rng.normal(size=(2, S, H, D))
        return int(rng.integers(V)), _weights(rng, V, 8, H, D), cache[0], cache[1]

    first, later, heads = "the first token", "later tokens", "several heads"
    return [
        Case(case(3, 0, 1, 2), first),
        Case(case(4, 0, 1, 4), first),
        Case(case(3, 1, 1, 4), later),
        Case(case(5, 4, 1, 4), later),
        Case(case(5, 0, 2, 3), heads),
        Case(case(6, 5, 2, 3), heads),
    ]


_STEP = solution_of(_decoder_step, "decoder_step")

DECODER_STEP = Exercise(
    name="decoder_step",
    lesson="13",
    task="Read one token with a decoder of one block: its logits, and the caches with its keys "
    "and values behind the others.",
    points=8,
    minutes=35,
    difficulty="hard",
    solution=_STEP,
    why="A decoder's forward for a single token is vectors and matrices, nothing more. Only "
    "attention looks at other tokens, and what it needs of them is in the cache; the cache's "
    "length also says where the token stands.",
    hints=(
        "Write the shapes down the margin first: (C,), (3 C,), (3, H, D), (S + 1, H, D) ...",
        "Two branches, each added to the stream x: x + out(attention(norm(x))), then "
        "x + down(relu(up(norm(x)))²). The last norm comes before the logits.",
        "q, k, v = (weights['qkv'] @ norm(x, weights['norm_1'])).reshape(3, H, D); scores = "
        "(keys * q).sum(axis=-1) / np.sqrt(D), with softmax along axis 0, the positions",
    ),
    reference=_decoder_step,
    cases=_step_cases,
    parts={"the first token": 3, "later tokens": 3, "several heads": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "always the first position",
            "the position is always 0: the cache's length says where the token stands.",
            changed(_STEP, ('["positions"][S]', '["positions"][0]')),
        ),
        Mistake(
            "one position too far",
            "the position is one too far: with S tokens in the cache this one stands at S.",
            changed(_STEP, ('["positions"][S]', '["positions"][S + 1]')),
        ),
        Mistake(
            "attention is not added",
            "the result of attention replaces the stream: it should be added to it.",
            changed(_STEP, ('x = x + weights["out"]', 'x = weights["out"]')),
        ),
        Mistake(
            "the MLP is not added",
            "the result of the two last matrices replaces the stream: it should be added to it.",
            changed(_STEP, ('x = x + weights["down"]', 'x = weights["down"]')),
        ),
        Mistake(
            "softmax over the heads",
            "softmax runs over the heads: the shares of each head sum to 1 over the positions.",
            changed(
                _STEP,
                ("scores.max(axis=0)", "scores.max(axis=-1, keepdims=True)"),
                ("shares.sum(axis=0)", "shares.sum(axis=-1, keepdims=True)"),
            ),
        ),
        Mistake(
            "scaled by the whole width",
            "the scores are divided by the root of C: a head's own width D is what counts.",
            changed(_STEP, ("np.sqrt(D)", "np.sqrt(H * D)")),
        ),
        Mistake(
            "no scale",
            "the scores are not divided by the root of D.",
            changed(_STEP, (" / np.sqrt(D)", "")),
        ),
        Mistake(
            "relu is not squared",
            "relu is there, but its square is not: this decoder was trained with the square.",
            changed(_STEP, (", 0) ** 2", ", 0)")),
        ),
        Mistake(
            "no last norm",
            "the last norm, before the logits, is missing.",
            changed(_STEP, ('norm(x, weights["norm"])', "x")),
        ),
        Mistake(
            "one norm for both",
            "the second branch uses the first one's norm.",
            changed(_STEP, ('weights["norm_2"]', 'weights["norm_1"]')),
        ),
        Mistake(
            "the cache does not grow",
            "the caches come back as they were: the next token would not find this one.",
            changed(
                _STEP,
                ('weights["norm"]), keys, values', 'weights["norm"]), keys[:-1], values[:-1]'),
            ),
        ),
        Mistake(
            "heads interleaved",
            "the packed row is cut the wrong way: queries of all heads come first, then the keys, "
            "then the values.",
            changed(_STEP, (".reshape(3, H, D)", ".reshape(H, 3, D).swapaxes(0, 1)")),
        ),
    ),
)

# choose_word ------------------------------------------------------------------------------------


def _choose_word(logits, text, u, temperature, top_p, min_p, penalty):
    logits = keeping._penalized_logits(logits, text, penalty)
    shares = choosing._tempered_shares(logits, temperature)
    shares = keeping._min_p_shares(keeping._nucleus_shares(shares, top_p), min_p)
    return choosing._draw_token(shares, u)


def _choose_cases(rng: np.random.Generator) -> list[Case]:
    logits = np.log(np.array([0.4, 0.25, 0.15, 0.12, 0.08])) + 2
    nothing = np.array([], int)
    one, both, all_ = "one setting at a time", "two settings", "all of them"
    said = np.array([0, 3])
    ends = [0.03, 0.3, 0.55, 0.8, 0.97]
    free = {"temperature": 1.0, "top_p": 0.999, "min_p": 0.0, "penalty": 1.0}

    def case(part: str, u: float, text: np.ndarray, **settings: float) -> Case:
        return Case((logits, text, float(u), *{**free, **settings}.values()), part)

    return [
        Case((np.log(np.array([0.75, 0.25])), nothing, 0.5, *free.values()), one),
        *(case(one, u, nothing, temperature=0.4) for u in ends),
        case(one, 0.99, nothing, temperature=0),
        *(case(one, u, nothing, top_p=0.7) for u in ends),
        *(case(one, u, nothing, min_p=0.35) for u in ends),
        *(case(one, u, said, penalty=2.5) for u in ends),
        *(case(one, u, said, temperature=0.6, penalty=1.3) for u in rng.random(3)),
        *(case(both, u, nothing, temperature=2.0, top_p=0.7) for u in ends),
        *(case(both, u, nothing, temperature=2.0, min_p=0.5) for u in ends),
        *(case(both, u, nothing, top_p=0.9, min_p=0.25) for u in ends),
        *(case(all_, u, said, temperature=0.8, top_p=0.9, min_p=0.3, penalty=1.5) for u in ends),
        case(all_, 0.5, said, temperature=0, top_p=0.9, min_p=0.3, penalty=2.5),
    ]


_USED = (
    (choosing._draw_token, "draw_token"),
    (choosing._tempered_shares, "tempered_shares"),
    (keeping._nucleus_shares, "nucleus_shares"),
    (keeping._min_p_shares, "min_p_shares"),
    (keeping._penalized_logits, "penalized_logits"),
)
_CHOOSE = (
    "import numpy as np\n\n\n"
    + "\n\n".join(code_of(function, name) for function, name in _USED)
    + """

def choose_word(logits, text, u, temperature, top_p, min_p, penalty):
    logits = penalized_logits(logits, text, penalty)
    shares = tempered_shares(logits, temperature)
    shares = nucleus_shares(shares, top_p)
    shares = min_p_shares(shares, min_p)
    return draw_token(shares, u)
"""
)

CHOOSE_WORD = Exercise(
    name="choose_word",
    lesson="13",
    task="Choose the next token with all settings at once, in the order of tinyllm: penalty, "
    "temperature, top p, min p; then draw by u.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_CHOOSE,
    why="The penalty works on logits, so it comes first; the temperature turns logits into shares; "
    "the two cuts take shares and give shares. The order matters: heat before a cut decides how "
    "much the cut leaves.",
    hints=(
        "Which of your functions take logits, and which take shares?",
        "Five lines, each a call of a function that you have: what one returns the next one takes.",
        "logits = penalized_logits(...); shares = tempered_shares(...); nucleus; min p; draw",
    ),
    reference=_choose_word,
    cases=_choose_cases,
    parts={"one setting at a time": 1, "two settings": 1, "all of them": 1},
    refused=REFUSED,
    needs=tuple(name for _, name in _USED),
    mistakes=(
        Mistake(
            "no penalty",
            "the penalty is never used: what the text has said counts for nothing.",
            changed(_CHOOSE, ("    logits = penalized_logits(logits, text, penalty)\n", "")),
        ),
        Mistake(
            "no top p",
            "top_p is never used.",
            changed(_CHOOSE, ("    shares = nucleus_shares(shares, top_p)\n", "")),
        ),
        Mistake(
            "no min p",
            "min_p is never used.",
            changed(_CHOOSE, ("    shares = min_p_shares(shares, min_p)\n", "")),
        ),
        Mistake(
            "the temperature is always 1",
            "the temperature is never used: it is always 1.",
            changed(
                _CHOOSE,
                (
                    "tempered_shares(logits, temperature)\n    shares = n",
                    "tempered_shares(logits, 1.0)\n    shares = n",
                ),
            ),
        ),
        Mistake(
            "heat last",
            "the cuts come before the temperature: it should have reshaped the shares by then.",
            changed(
                _CHOOSE,
                (
                    "tempered_shares(logits, temperature)\n    shares = n",
                    "tempered_shares(logits, 1.0)\n    shares = n",
                ),
                (
                    "    return draw_token(shares, u)\n",
                    "    with np.errstate(divide='ignore'):\n"
                    "        return draw_token(tempered_shares(np.log(shares), temperature), u)\n",
                ),
            ),
        ),
        Mistake(
            "the likeliest",
            "the settings are there, but nothing is drawn: it always takes the likeliest.",
            changed(_CHOOSE, ("return draw_token(shares, u)", "return int(shares.argmax())")),
        ),
    ),
)

EXERCISES = (DECODER_STEP, CHOOSE_WORD)
