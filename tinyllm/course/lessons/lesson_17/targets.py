"""Exercises of lesson 17: targets with -100, and a loss that passes over them."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# piece_targets ----------------------------------------------------------------------------------


def _piece_targets(tags, word_of):
    targets = np.full(len(word_of), -100)
    for p, word in enumerate(word_of):
        if word >= 0 and (p == 0 or word != word_of[p - 1]):
            targets[p] = tags[word]
    return targets


def _target_cases(rng: np.random.Generator) -> list[Case]:
    one, several, special = "words of one piece", "words of several pieces", "pieces of no word"

    def drawn(*word_of: int) -> tuple:
        W = max(word_of) + 1
        return rng.permutation(np.arange(1, W + 3))[:W], np.array(word_of)

    return [
        Case(drawn(0), one),
        Case(drawn(0, 1, 2), one),
        Case(drawn(0, 0, 1), several),
        Case(drawn(0, 1, 1, 1, 2), several),
        Case(drawn(0, 0, 1, 1, 2, 2, 2, 3, 4), several),
        Case(drawn(-1, 0, 1, -1), special),
        Case(drawn(-1, 0, 0, 1, 2, 2, -1, -1), special),
    ]


_TARGETS = solution_of(_piece_targets, "piece_targets")
_IF = "if word >= 0 and (p == 0 or word != word_of[p - 1]):"

PIECE_TARGETS = Exercise(
    name="piece_targets",
    lesson="17",
    task="From a tag's number for each word (W) and each piece's word (P), -1 for none, make the "
    "targets (P): the tag at the first piece of a word, -100 everywhere else.",
    points=4,
    minutes=12,
    difficulty="easy",
    solution=_TARGETS,
    why="One word, one vote: with a target on each piece a word of five pieces would weigh five "
    "times as much as one of one. What has no target gets -100, the number that cross_entropy "
    "passes over. -1 needs a question of its own, since tags[-1] is a tag too: the last one.",
    hints=(
        "Write the targets of word_of = [-1, 0, 0, 1, -1] by hand.",
        "Fill everything with -100, then set the tag where a piece is the first of its word. What "
        "would tags[-1] give?",
        "np.full(len(word_of), -100); if word >= 0 and (p == 0 or word != word_of[p - 1])",
    ),
    reference=_piece_targets,
    cases=_target_cases,
    parts={"words of one piece": 1, "words of several pieces": 2, "pieces of no word": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "every piece",
            "every piece of a word has its tag: only the first should, or long words weigh more.",
            changed(_TARGETS, (_IF, "if word >= 0:")),
        ),
        Mistake(
            "the last piece",
            "the tag stands at the last piece of a word: the first was asked.",
            changed(
                _TARGETS,
                (
                    "(p == 0 or word != word_of[p - 1])",
                    "(p + 1 == len(word_of) or word != word_of[p + 1])",
                ),
            ),
        ),
        Mistake(
            "a tag for padding",
            "a piece of no word has the last word's tag: tags[-1] is no error in Python.",
            changed(_TARGETS, (_IF, "if p == 0 or word != word_of[p - 1]:")),
        ),
        Mistake(
            "0 for nothing",
            "0 is the number of a tag: what has no target gets -100.",
            changed(_TARGETS, ("np.full(len(word_of), -100)", "np.zeros(len(word_of), int)")),
        ),
        Mistake(
            "-1 for nothing",
            "what has no target gets -100 here, which is what cross_entropy passes over.",
            changed(_TARGETS, ("-100", "-1")),
        ),
        Mistake(
            "the first piece of all",
            "the first piece of the sentence has no target, though it begins a word: no piece "
            "stands before it.",
            changed(
                _TARGETS, ("(p == 0 or word != word_of[p - 1])", "p > 0 and word != word_of[p - 1]")
            ),
        ),
        Mistake(
            "words of one piece alone",
            "words of several pieces have no target at all: their first piece should have one.",
            changed(_TARGETS, (_IF, "if word >= 0 and list(word_of).count(word) == 1:")),
        ),
    ),
)

# counted_loss -----------------------------------------------------------------------------------


def _counted_loss(logits, targets):
    counts = targets != -100
    right = np.where(counts, targets, 0)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    rows = np.arange(len(targets))
    loss = -(logs[rows, right] * counts).sum() / counts.sum()
    grad = np.exp(logs)
    grad[rows, right] -= 1
    return loss, grad * counts[:, None] / counts.sum()


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    all_count, some, large = "all pieces count", "some do not", "large logits"

    def drawn(K: int, *targets: int, size: float = 1.0) -> tuple:
        return size * rng.normal(size=(len(targets), K)), np.array(targets)

    return [
        Case(drawn(2, 1), all_count),
        Case(drawn(3, 0, 2), all_count),
        Case(drawn(2, 1, -100), some),
        Case(drawn(3, -100, 2, 0, -100, -100, 1), some),
        Case(drawn(4, -100, 3, -100, 2, 1, size=900.0), large),
    ]


_LOSS = solution_of(_counted_loss, "counted_loss")

COUNTED_LOSS = Exercise(
    name="counted_loss",
    lesson="17",
    task="From logits (P, K) and targets (P) give the pair (mean cross-entropy in nats, its "
    "gradient for the logits), both over the pieces whose target is not -100.",
    points=6,
    minutes=22,
    difficulty="hard",
    solution=_LOSS,
    why="The mean is over the pieces that count, so its gradient is (p - y) divided by their "
    "number, and a row of 0 for the others: what has no target teaches nothing. A harmless number "
    "in the place of -100 lets all rows be computed at once, and the mask takes them out again.",
    hints=(
        "How many pieces count? That is what both the sum of losses and p - y are divided by.",
        "Make a mask of what counts, and put 0 in the place of -100 so that it can be an index. "
        "Log-softmax safely, as in lesson 07; multiply losses and gradient by the mask.",
        "right = np.where(counts, targets, 0); grad = np.exp(logs); grad[rows, right] -= 1; "
        "grad * counts[:, None] / counts.sum()",
    ),
    reference=_counted_loss,
    cases=_loss_cases,
    parts={"all pieces count": 2, "some do not": 3, "large logits": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the mean over all pieces",
            "the sum is divided by the number of all pieces: divide by how many count.",
            changed(_LOSS, ("counts.sum()", "len(targets)")),
        ),
        Mistake(
            "-100 is taken for 0",
            "pieces without a target count as if theirs were 0, in the loss and in the gradient.",
            changed(
                _LOSS,
                ("(logs[rows, right] * counts).sum() / counts.sum()", "logs[rows, right].mean()"),
                ("grad * counts[:, None] / counts.sum()", "grad / len(targets)"),
            ),
        ),
        Mistake(
            "-100 as an index",
            "-100 is used as an index: replace it before, and take those rows out after.",
            changed(_LOSS, ("np.where(counts, targets, 0)", "targets")),
        ),
        Mistake(
            "the gradient of the sum",
            "this is the gradient of the sum: the loss is a mean, so divide.",
            changed(_LOSS, ("counts[:, None] / counts.sum()", "counts[:, None]")),
        ),
        Mistake(
            "a sum",
            "both are those of the sum: the mean over the pieces that count was asked.",
            changed(_LOSS, (" / counts.sum()", "")),
        ),
        Mistake(
            "shares alone",
            "the gradient is p - y: the 1 at the right tag is missing.",
            changed(_LOSS, ("    grad[rows, right] -= 1\n", "")),
        ),
        Mistake(
            "the sign of the gradient",
            "the gradient is y - p: this one would climb.",
            changed(_LOSS, ("return loss, grad", "return loss, -grad")),
        ),
        Mistake(
            "no maximum taken off",
            "large logits overflow: take each row's maximum off before the exponential.",
            changed(_LOSS, (" - logits.max(axis=-1, keepdims=True)", "")),
        ),
    ),
)

EXERCISES = (PIECE_TARGETS, COUNTED_LOSS)
