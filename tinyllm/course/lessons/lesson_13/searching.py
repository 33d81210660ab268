"""Exercises of lesson 13: beam search, and the key-value cache."""

from __future__ import annotations

from itertools import product

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# beam_over_table --------------------------------------------------------------------------------


def _beam_over_table(log_probs, start, steps, beams):
    kept = [([start], 0.0)]
    for _ in range(steps):
        grown = []
        for text, total in kept:
            for token, log_prob in enumerate(log_probs[text[-1]]):
                grown.append(([*text, token], total + log_prob))
        grown.sort(key=lambda pair: -pair[1])
        kept = grown[:beams]
    text, total = kept[0]
    return text[1:], total


def _best_of_all(log_probs, start, steps):
    texts = product(range(len(log_probs)), repeat=steps)
    return max(
        sum(log_probs[one, other] for one, other in zip((start, *text), text, strict=False))
        for text in texts
    )


def _each_its_own_way(log_probs, start, steps, beams):
    """What beams find that do not compete after the first token."""
    found = []
    for first in np.argsort(-log_probs[start])[:beams]:
        total, token = log_probs[start, first], first
        for _ in range(steps - 1):
            total, token = total + log_probs[token].max(), log_probs[token].argmax()
        found.append(total)
    return max(found)


def _misleading(rng: np.random.Generator, V: int, steps: int, beams: int) -> np.ndarray:
    """A table on which every way to search comes to a text of its own."""
    while True:
        table = np.log(rng.dirichlet(np.full(V, 0.8), size=V))
        greedy, wide = (_beam_over_table(table, 0, steps, width)[1] for width in (1, beams))
        best = _best_of_all(table, 0, steps)
        apart = [_each_its_own_way(table, 0, steps, width) for width in (beams, V)]
        if greedy + 0.01 < wide < best - 0.01 and max(apart) + 0.01 < wide:
            return table


def _beam_cases(rng: np.random.Generator) -> list[Case]:
    one, several, wide = "one beam is greedy", "several beams", "as wide as all texts"
    two = np.log(np.array([[0.6, 0.4], [0.9, 0.1]]))
    trap = np.log(np.array([[0.1, 0.5, 0.4], [0.4, 0.3, 0.3], [0.05, 0.05, 0.9]]))
    return [
        Case((two, 0, 1, 1), one),
        Case((trap, 0, 2, 1), one),
        Case((trap, 0, 2, 2), several),
        Case((trap, 2, 3, 2), several),
        Case((_misleading(rng, 5, 4, 2), 0, 4, 2), several),
        Case((_misleading(rng, 6, 4, 3), 0, 4, 3), several),
        Case((_misleading(rng, 4, 3, 2), 0, 3, 64), wide),
    ]  # fmt: skip


_BEAM = code_of(_beam_over_table, "beam_over_table")

BEAM_OVER_TABLE = Exercise(
    name="beam_over_table",
    lesson="13",
    task="Beam search over a table of pairs: the likeliest text of so many tokens that so many "
    "beams find, and its log-probability.",
    points=6,
    minutes=22,
    difficulty="hard",
    solution=_BEAM,
    why="Every kept beginning grows by every token; the grown ones compete with each other, "
    "whoever their parent was; the best go on. With one beam that is greedy. With as many beams "
    "as there are texts nothing is ever dropped, and the best of all is found.",
    hints=(
        "By hand: start 0, two steps, two beams. Write all beginnings of one token with their "
        "sums, keep two, and write all that can come of these two.",
        "Keep a list of (text, total). Each step makes a new list of every text with every token, "
        "sorts it by total, and cuts it. Where do the logarithms of the last token's row come in?",
        "grown.append(([*text, token], total + log_probs[text[-1]][token])); sort by -total; "
        "kept = grown[:beams]; in the end return text[1:], total of the first",
    ),
    reference=_beam_over_table,
    cases=_beam_cases,
    parts={"one beam is greedy": 1, "several beams": 3, "as wide as all texts": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "greedy",
            "only one beginning is kept, however many beams are asked: this is greedy.",
            changed(_BEAM, ("grown[:beams]", "grown[:1]")),
        ),
        Mistake(
            "each beam goes its own way",
            "each beam grows by its own best token alone: the beams must compete, so that two "
            "children of one parent may both live.",
            changed(
                _BEAM,
                (
                    "            for token, log_prob in enumerate(log_probs[text[-1]]):\n",
                    "            for token, log_prob in enumerate(log_probs[text[-1]]):\n"
                    "                if len(text) > 1 and log_prob < max(log_probs[text[-1]]):\n"
                    "                    continue\n",
                ),
            ),
        ),
        Mistake(
            "the least likely go on",
            "the list is sorted the wrong way: the least likely go on.",
            changed(_BEAM, ("-pair[1]", "pair[1]")),
        ),
        Mistake(
            "the past is forgotten",
            "the total is that of the last token alone: add what the beginning has cost.",
            changed(_BEAM, ("total + log_prob", "log_prob")),
        ),
        Mistake(
            "nothing is dropped",
            "no beginning is ever dropped: that finds the best, and takes V to the power of steps.",
            changed(_BEAM, ("grown[:beams]", "grown")),
        ),
        Mistake(
            "the last one kept",
            "this returns the last of the beams, the worst of those that were kept.",
            changed(_BEAM, ("kept[0]", "kept[-1]")),
        ),
        Mistake(
            "the start is returned too",
            "the start token stands in the answer: it was given, not written.",
            changed(_BEAM, ("return text[1:]", "return text")),
        ),
        Mistake(
            "the row of the start",
            "every token is judged by the row of the start: take the row of the text's last token.",
            changed(_BEAM, ("log_probs[text[-1]]", "log_probs[text[0]]")),
        ),
        Mistake(
            "multiplied",
            "logarithms of shares that multiply are added; here they are multiplied.",
            changed(_BEAM, ("total + log_prob", "(total or 1.0) * log_prob")),
        ),
    ),
)

# attend_with_cache ------------------------------------------------------------------------------


def _attend_with_cache(q, k, v, keys, values):
    keys = np.concatenate([keys, k[None]])  # (S + 1, D)
    values = np.concatenate([values, v[None]])
    scores = keys @ q / np.sqrt(len(q))  # (S + 1,)
    weights = np.exp(scores - scores.max())
    return weights @ values / weights.sum(), keys, values


def _attend_cases(rng: np.random.Generator) -> list[Case]:
    def five(S: int, D: int) -> tuple:
        q, k, v = (rng.normal(size=D) for _ in range(3))
        return q, k, v, rng.normal(size=(S, D)), rng.normal(size=(S, D))

    first, later = "an empty cache", "a cache with tokens"
    large = five(6, 4)
    q = large[0] * 60 / np.linalg.norm(large[0])
    return [
        Case(five(0, 2), first),
        Case(five(0, 4), first),
        Case(five(1, 2), later),
        Case(five(3, 4), later),
        Case((q, q, *large[2:]), later),
    ]


_ATTEND = solution_of(_attend_with_cache, "attend_with_cache")

ATTEND_WITH_CACHE = Exercise(
    name="attend_with_cache",
    lesson="13",
    task="Attention for one new token, one head: put its key and value behind those of the S "
    "tokens before, attend, and return the output and both caches as they are now.",
    points=5,
    minutes=14,
    difficulty="medium",
    solution=_ATTEND,
    why="A token attends to itself and to what came before. The keys and values of what came "
    "before do not depend on it, so they can be kept. No mask is needed: what is later is not "
    "there yet. The query is used once and never kept.",
    hints=(
        "Which of q, k and v will be needed again by tokens that come later?",
        "np.concatenate([keys, k[None]]) first, so that the token sees itself; then the attention "
        "of lesson 07 with a single query.",
        "scores = keys @ q / np.sqrt(...); softmax; output = weights @ values; return all three",
    ),
    reference=_attend_with_cache,
    cases=_attend_cases,
    parts={"an empty cache": 2, "a cache with tokens": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "not itself",
            "the token does not see itself: put its key and value into the caches first.",
            changed(
                _ATTEND,
                ("scores = keys @ q", "scores = keys[:-1] @ q"),
                ("weights @ values /", "weights @ values[:-1] /"),
            ),
        ),
        Mistake(
            "the cache does not grow",
            "the caches come back as they were: the next token would not find this one.",
            changed(
                _ATTEND, ("weights.sum(), keys, values", "weights.sum(), keys[:-1], values[:-1]")
            ),
        ),
        Mistake(
            "new in front",
            "the new token stands in front of the older ones: it comes last.",
            changed(
                _ATTEND,
                ("[keys, k[None]]", "[k[None], keys]"),
                ("[values, v[None]]", "[v[None], values]"),
            ),
        ),
        Mistake(
            "no scale",
            "the scores are not divided by the root of D.",
            changed(_ATTEND, (" / np.sqrt(len(q))", "")),
        ),
        Mistake(
            "the query is kept",
            "the query went into the cache in the place of the key.",
            changed(_ATTEND, ("k[None]", "q[None]")),
        ),
        Mistake(
            "keys are mixed",
            "the output mixes the keys: it should mix the values.",
            changed(_ATTEND, ("weights @ values /", "weights @ keys /")),
        ),
        Mistake(
            "only the new token",
            "the output is the new token's own value: the kept ones should be attended to.",
            changed(_ATTEND, ("weights @ values / weights.sum()", "v")),
        ),
        Mistake(
            "not divided by the sum",
            "the weights do not sum to 1.",
            changed(_ATTEND, ("weights @ values / weights.sum()", "weights @ values")),
        ),
        Mistake(
            "no maximum taken off",
            "large scores overflow in exp: take the maximum off.",
            changed(_ATTEND, ("scores - scores.max()", "scores * 1.0")),
        ),
    ),
)

# multiplications_to_write -----------------------------------------------------------------------


def _multiplications_to_write(T, C, cached):
    count = 0
    for step in range(T):
        first = step if cached else 0
        for position in range(first, step + 1):
            count += 12 * C * C + 2 * C * (position + 1)
    return count


def _multiplication_cases(rng: np.random.Generator) -> list[Case]:
    T, C = int(rng.integers(5, 9)), int(rng.integers(10, 20))
    return [
        Case((1, 1, True), "with a cache"),
        Case((2, 4, True), "with a cache"),
        Case((T, C, True), "with a cache"),
        Case((1, 3, False), "without one"),
        Case((3, 4, False), "without one"),
        Case((T, C, False), "without one"),
    ]


_COUNT = code_of(_multiplications_to_write, "multiplications_to_write")

MULTIPLICATIONS_TO_WRITE = Exercise(
    name="multiplications_to_write",
    lesson="13",
    task="Count the multiplications of one block for writing T tokens, with a cache or without.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_COUNT,
    why="With a cache each position is read once. Without, step s reads all s + 1 positions, so "
    "position 0 is read T times. What a position costs is the same in both: it is how often.",
    hints=(
        "T = 2, by hand: which positions are read in step 0, and which in step 1?",
        "Two loops: over the steps, and in each over the positions that it reads. A position t "
        "costs 12 C² + 2 C (t + 1).",
        "for step in range(T): the positions are range(step if cached else 0, step + 1)",
    ),
    reference=_multiplications_to_write,
    cases=_multiplication_cases,
    parts={"with a cache": 2, "without one": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the cache saves nothing",
            "with a cache, too, all positions are read in each step: only the newest should be.",
            changed(_COUNT, ("step if cached else 0", "0")),
        ),
        Mistake(
            "always cached",
            "without a cache, too, only the newest position is read.",
            changed(_COUNT, ("step if cached else 0", "step")),
        ),
        Mistake(
            "the wrong way round",
            "it reads all positions when there is a cache, and one when there is none.",
            changed(_COUNT, ("step if cached else 0", "0 if cached else step")),
        ),
        Mistake(
            "no attention",
            "the scores and the mixing of values are missing: 2 C for each position looked at.",
            changed(_COUNT, (" + 2 * C * (position + 1)", "")),
        ),
        Mistake(
            "not itself",
            "position t looks at t + 1 positions: itself too.",
            changed(_COUNT, ("(position + 1)", "position")),
        ),
        Mistake(
            "only itself",
            "a cache saves the making of keys and values, not the looking: position t still looks "
            "at t + 1 of them.",
            changed(_COUNT, ("(position + 1)", "(1 if cached else position + 1)")),
        ),
        Mistake(
            "scores alone",
            "scores are C for each position, and mixing the values is C more.",
            changed(_COUNT, ("2 * C * (", "C * (")),
        ),
    ),
)

EXERCISES = (BEAM_OVER_TABLE, ATTEND_WITH_CACHE, MULTIPLICATIONS_TO_WRITE)
