"""Exercises of lesson 10: the loss of a token, a bigram table, entropy and divergence."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _shares(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random shares (..., V) that sum to 1."""
    weights = np.exp(rng.normal(size=shape))
    return weights / weights.sum(axis=-1, keepdims=True)


# token_losses -----------------------------------------------------------------------------------


def _token_losses(shares, targets):
    with np.errstate(divide="ignore"):
        return -np.log(shares[np.arange(len(targets)), targets])


def _token_losses_cases(rng: np.random.Generator) -> list[Case]:
    one, many = "one token", "several tokens"
    nothing = np.array([[0.25, 0.75, 0.0], [0.5, 0.0, 0.5]])
    alone = _shares(rng, 1, 3)
    return [
        Case((np.array([[0.25, 0.75]]), np.array([1])), one),
        Case((alone, alone.argmin(axis=-1)), one),
        Case((_shares(rng, 2, 2), np.array([0, 1])), many),
        Case((_shares(rng, 4, 4), np.array([1, 2, 0, 3])), many),
        Case((_shares(rng, 5, 3), rng.integers(3, size=5)), many),
        Case((nothing, np.array([1, 1])), "a share of 0 costs infinitely much"),
    ]


_LOSSES = """\
import numpy as np

def token_losses(shares, targets):
    return -np.log(shares[np.arange(len(targets)), targets])
"""
_PICK = "shares[np.arange(len(targets)), targets]"

TOKEN_LOSSES = Exercise(
    name="token_losses",
    lesson="10",
    task="From shares (N, V) and the ids of the right words (N), give each one's loss in nats (N).",
    points=3,
    minutes=6,
    difficulty="easy",
    solution=_LOSSES,
    why="Against a one-hot target the sum -Σ y log ŷ has one term that is not 0, that of the right "
    "word. Two arrays of indices, one of rows and one of columns, pick one number from each row.",
    hints=(
        "Of the V terms of the sum, how many are not 0?",
        "Pick from row n the share in column targets[n]. Two index arrays of the same length pick "
        "pairs: the first says the row, the second the column.",
        "-np.log(shares[np.arange(...), ...])",
    ),
    reference=_token_losses,
    cases=_token_losses_cases,
    parts={"one token": 1, "several tokens": 1, "a share of 0 costs infinitely much": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "every row with every target",
            "shares[:, targets] takes all the targets from every row, (N, N): each row has its "
            "own target, so the rows need an index array too.",
            changed(_LOSSES, (_PICK, "shares[:, targets]")),
        ),
        Mistake(
            "rows of the targets",
            "shares[targets] takes whole rows, those with the targets' numbers: a target is a "
            "column, and row n has its own.",
            changed(_LOSSES, (_PICK, "shares[targets]")),
        ),
        Mistake(
            "the entropy of the row",
            "this is how unsure the model is, its entropy: what is asked is the price of the word "
            "that came.",
            changed(
                _LOSSES,
                (f"-np.log({_PICK})", "-np.sum(shares * np.log(shares), axis=1)"),
            ),
        ),
        Mistake(
            "the sign",
            "the logarithm of a share is negative; a loss is its opposite.",
            changed(_LOSSES, ("-np.log", "np.log")),
        ),
        Mistake(
            "bits",
            "these are bits: nats were asked, so the logarithm is the natural one.",
            changed(_LOSSES, ("np.log(", "np.log2(")),
        ),
        Mistake(
            "no logarithm",
            "1 - share is no logarithm of a probability: it never exceeds 1, however wrong.",
            changed(_LOSSES, (f"-np.log({_PICK})", f"1 - {_PICK}")),
        ),
        Mistake(
            "the mean",
            "one loss for each token was asked; this is their mean.",
            changed(_LOSSES, (f"-np.log({_PICK})", f"-np.log({_PICK}).mean()")),
        ),
        Mistake(
            "a small number added",
            "a small number is added before the logarithm: it hides that a share of 0 for what "
            "did come costs infinitely much.",
            changed(_LOSSES, (f"({_PICK})", f"({_PICK} + 1e-9)")),
        ),
        Mistake(
            "the likeliest word",
            "this is the loss of the word with the largest share; the right word was asked.",
            changed(_LOSSES, (_PICK, "shares.max(axis=1)")),
        ),
    ),
)

# bigram_table -----------------------------------------------------------------------------------


def _bigram_table(ids, V):
    counts = np.zeros((V, V))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, 1), 1 / V)


def _bigram_cases(rng: np.random.Generator) -> list[Case]:
    values, repeated = "the right values", "pairs that come again"

    def around(V: int) -> np.ndarray:
        """Each word once, and the first again: every word has one after it."""
        order = rng.permutation(V)
        return np.append(order, order[0])

    longer = np.append(rng.integers(4, size=30), [0, 1, 2, 3, 0])
    return [
        Case((np.array([0, 1, 0]), 2), values),
        Case((around(3), 3), values),
        Case((np.array([0, 1, 0, 0, 1, 0, 1, 1, 0]), 2), repeated),
        Case((longer, 4), repeated),
        Case((np.array([0, 1, 1, 2]), 3), "a word with nothing after it"),
        Case(
            (np.append(rng.integers(3, size=12), [0, 1, 2, 0, 3]), 5),
            "a word with nothing after it",
        ),
    ]


_BIGRAM = solution_of(_bigram_table, "bigram_table")
_ADD = "np.add.at(counts, (ids[:-1], ids[1:]), 1)"
_SAFE = "np.where(totals > 0, counts / np.maximum(totals, 1), 1 / V)"

BIGRAM_TABLE = Exercise(
    name="bigram_table",
    lesson="10",
    task="From ids (N) make the table (V, V) of maximum likelihood: row a holds p(next | a). A "
    "word that nothing ever follows gets 1 / V for each.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_BIGRAM,
    why="Each row is a die of its own, and the likeliest die is that of the counts. np.add.at adds "
    "for each pair; counts[a, b] += 1 with arrays adds once for pairs that come again. A row "
    "without counts may hold anything, since the text never asks it; even shares are modest.",
    hints=(
        "How many times does b come after a? And of how many times in all that something came "
        "after a?",
        "Count the pairs (ids[:-1], ids[1:]) into a table, then divide each row by its sum. Test "
        "with a text in which a pair comes twice, and one whose last word comes nowhere else.",
        "np.add.at(counts, (ids[:-1], ids[1:]), 1); np.where(totals > 0, ..., 1 / V)",
    ),
    reference=_bigram_table,
    cases=_bigram_cases,
    parts={"the right values": 1, "pairs that come again": 2, "a word with nothing after it": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "pairs counted once",
            "a pair that comes again is counted once: += with index arrays adds only one time "
            "for equal places.",
            changed(_BIGRAM, (_ADD, "counts[ids[:-1], ids[1:]] += 1")),
        ),
        Mistake(
            "the axis is lost",
            "the sums of the rows have lost their axis, (V), and divide the columns instead: "
            "keepdims=True makes them a column, (V, 1).",
            changed(_BIGRAM, ("axis=1, keepdims=True", "axis=1")),
        ),
        Mistake(
            "the last word has a place too many",
            "the pairs are divided by how often the word comes; but after the last word of the "
            "text comes nothing, so it starts one pair less.",
            changed(
                _BIGRAM,
                (
                    "counts.sum(axis=1, keepdims=True)",
                    "np.bincount(ids, minlength=V)[:, None]",
                ),
            ),
        ),
        Mistake(
            "0 where nothing follows",
            "the row of a word that nothing follows is 0, which is no distribution: 1 / V was "
            "asked.",
            changed(_BIGRAM, ("1 / V)", "0.0)")),
        ),
        Mistake(
            "divided by everything",
            "the counts are divided by the number of all pairs: this is p(a and b). Each row "
            "should sum to 1.",
            changed(_BIGRAM, ("counts / np.maximum(totals, 1)", "counts / counts.sum()")),
        ),
        Mistake(
            "the columns sum to 1",
            "each column sums to 1, which is p(word before | word): the rows should.",
            changed(_BIGRAM, ("axis=1", "axis=0")),
        ),
        Mistake(
            "transposed",
            "row and column have changed places: rows are the word before, columns what follows.",
            changed(_BIGRAM, ("(ids[:-1], ids[1:])", "(ids[1:], ids[:-1])")),
        ),
        Mistake(
            "round the corner",
            "the last word is followed by the first: the text is no ring. (np.roll does this.)",
            changed(_BIGRAM, ("(ids[:-1], ids[1:])", "(ids, np.roll(ids, -1))")),
        ),
        Mistake(
            "0 / 0",
            "the row of a word that nothing follows is 0 / 0, NaN; 1 / V was asked.",
            changed(_BIGRAM, (_SAFE, "counts / totals")),
        ),
        Mistake(
            "one added everywhere",
            "1 is added to every count. That is a way to be careful, but not the likeliest table.",
            changed(_BIGRAM, ("np.zeros", "np.ones")),
        ),
        Mistake(
            "words, not pairs",
            "all rows are the same: these are the shares of the words, whatever came before.",
            changed(_BIGRAM, (_ADD, "counts += np.bincount(ids[1:], minlength=V)")),
        ),
    ),
)

# entropy_and_divergence -------------------------------------------------------------------------


def _entropy_and_divergence(p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(p > 0, p * np.log(p), 0.0)
        cross = np.where(p > 0, p * np.log(q), 0.0)
    return -own.sum(axis=-1), (own - cross).sum(axis=-1)


def _divergence_cases(rng: np.random.Generator) -> list[Case]:
    values, zero = "the right values", "p holds a 0"
    half, sure = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    some = _shares(rng, 3, 3)
    some[1, 2] = 0.0
    some[1] /= some[1].sum()
    return [
        Case((half, np.array([0.25, 0.75])), values),
        Case((_shares(rng, 3), _shares(rng, 3)), values),
        Case((_shares(rng, 2, 4), _shares(rng, 2, 4)), values),
        Case((sure, np.array([0.25, 0.75])), zero),
        Case((some, _shares(rng, 3, 3)), zero),
        Case((half, sure), "q holds a 0 where p does not"),
    ]


_DIVERGENCE = solution_of(_entropy_and_divergence, "entropy_and_divergence")

ENTROPY_AND_DIVERGENCE = Exercise(
    name="entropy_and_divergence",
    lesson="10",
    task="For p and q, both (..., V), give the pair (entropy of p, the divergence KL(p ‖ q)), "
    "each (...) in nats.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_DIVERGENCE,
    why="What never comes adds nothing to a mean, so where p is 0 the term is 0, although log 0 is "
    "-inf and 0 times that is NaN. Where q is 0 and p is not, the divergence is truly infinite: "
    "q has said «never» of something that comes.",
    hints=(
        "Both are means under p. What does an event of share 0 add to a mean?",
        "Work out p log p and p log q, put 0 where p is 0 (np.where), and sum over the last axis. "
        "The divergence is the cross-entropy less the entropy.",
        "own = np.where(p > 0, p * np.log(p), 0); cross = ...; return -own.sum(-1), (... - "
        "...).sum(-1)",
    ),
    reference=_entropy_and_divergence,
    cases=_divergence_cases,
    parts={"the right values": 2, "p holds a 0": 1, "q holds a 0 where p does not": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the other divergence",
            "p and q have changed places in the divergence: the mean is taken under p.",
            changed(
                _DIVERGENCE,
                (
                    "    return -own",
                    "    other = np.where(q > 0, q * np.log(q / p), 0.0)\n    return -own",
                ),
                ("(own - cross)", "other"),
            ),
        ),
        Mistake(
            "the sign of the divergence",
            "a divergence is never negative: it is the cross-entropy less the entropy, with p "
            "above the line of the logarithm.",
            changed(_DIVERGENCE, ("(own - cross)", "(cross - own)")),
        ),
        Mistake(
            "the cross-entropy",
            "the second value is the cross-entropy: take the entropy of p off it.",
            changed(_DIVERGENCE, ("(own - cross).sum", "-cross.sum")),
        ),
        Mistake(
            "bits",
            "these are bits, by the logarithm to base 2: nats were asked.",
            changed(_DIVERGENCE, ("np.log(", "np.log2(")),
        ),
        Mistake(
            "NaN at 0",
            "0 · log 0 comes out as NaN: a term whose p is 0 adds 0.",
            changed(
                _DIVERGENCE,
                ("np.where(p > 0, p * np.log(p), 0.0)", "p * np.log(p)"),
                ("np.where(p > 0, p * np.log(q), 0.0)", "p * np.log(q)"),
            ),
        ),
        Mistake(
            "a small number added",
            "a small number inside the logarithm makes an infinite divergence finite, and all "
            "others a little wrong.",
            changed(
                _DIVERGENCE, ("np.log(p)", "np.log(p + 1e-9)"), ("np.log(q)", "np.log(q + 1e-9)")
            ),
        ),
        Mistake(
            "the sign of the entropy",
            "an entropy is never negative: log p is, so the sum needs a minus.",
            changed(_DIVERGENCE, ("return -own", "return own")),
        ),
        Mistake(
            "a plain mean",
            "the terms are averaged as if all V were equally likely: p has weighted them already, "
            "so they are summed.",
            changed(_DIVERGENCE, (".sum(", ".mean(")),
        ),
        Mistake(
            "summed over everything",
            "the sum runs over the whole array: each row is a distribution of its own.",
            changed(_DIVERGENCE, (".sum(axis=-1)", ".sum()")),
        ),
    ),
)

EXERCISES = (TOKEN_LOSSES, BIGRAM_TABLE, ENTROPY_AND_DIVERGENCE)
