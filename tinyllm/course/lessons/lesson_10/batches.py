"""Exercises of lesson 10: inputs and targets of a batch, and a mean that counts padding."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# inputs_and_targets -----------------------------------------------------------------------------


def _inputs_and_targets(ids, pad):
    inputs = ids[:, :-1]
    targets = np.where(ids[:, 1:] == pad, -100, ids[:, 1:])
    return inputs, targets


def _shift_cases(rng: np.random.Generator) -> list[Case]:
    shift, padding = "the shift by one", "padding is never asked"

    def rows(*lengths: int, pad: int = 0) -> np.ndarray:
        """Texts of these lengths, ids from 1 to 99, filled up with padding."""
        ids = np.full((len(lengths), max(lengths)), pad)
        for row, length in enumerate(lengths):
            ids[row, :length] = rng.permutation(np.arange(1, 90))[:length]
        return ids

    return [
        Case((np.array([[7, 8, 9]]), 0), shift),
        Case((rows(4, 4), 0), shift),
        Case((rows(6, 6, 6), 0), shift),
        Case((rows(4, 2), 0), padding),
        Case((rows(3, 6, 5, pad=99), 99), padding),
    ]


_SHIFT = solution_of(_inputs_and_targets, "inputs_and_targets")
_TARGETS = "    targets = np.where(ids[:, 1:] == pad, -100, ids[:, 1:])\n"

INPUTS_AND_TARGETS = Exercise(
    name="inputs_and_targets",
    lesson="10",
    task="From ids (B, T + 1) make inputs (B, T) and targets (B, T): the target is the next id, "
    "and -100 where that is padding.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_SHIFT,
    why="Position t sees ids 0 .. t and is asked for id t + 1: the inputs lack the last id, which "
    "nothing follows, and the targets the first, which nothing precedes. np.where makes a new "
    "array, so that the ids themselves stay as they are.",
    hints=(
        "Write it for ids = [7, 8, 9] by hand: what does the model see, and what is it asked?",
        "Inputs are all ids but the last, targets all but the first, along the last axis. Put "
        "-100 for padding into the targets alone, in a new array.",
        "inputs = ids[:, :-1]; targets = np.where(ids[:, 1:] == pad, ..., ...)",
    ),
    reference=_inputs_and_targets,
    cases=_shift_cases,
    parts={"the shift by one": 2, "padding is never asked": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "not shifted",
            "inputs and targets are the same ids: a model learns to copy, and its loss falls to "
            "0. The target is the id after.",
            changed(_SHIFT, ("ids[:, 1:]", "ids[:, :-1]")),
        ),
        Mistake(
            "the wrong way",
            "the shift goes the wrong way: the model is asked for the id before, which it has "
            "seen.",
            changed(
                _SHIFT,
                ("ids[:, :-1]", "HERE"),
                ("ids[:, 1:]", "ids[:, :-1]"),
                ("HERE", "ids[:, 1:]"),
            ),
        ),
        Mistake(
            "by two",
            "the targets are two steps ahead: one id is skipped.",
            changed(_SHIFT, ("ids[:, :-1]", "ids[:, :-2]"), ("ids[:, 1:]", "ids[:, 2:]")),
        ),
        Mistake(
            "round the corner",
            "the last position is asked for the first id, as np.roll would have it: leave the "
            "last id out of the inputs.",
            changed(_SHIFT, ("ids[:, :-1]", "ids"), ("ids[:, 1:]", "np.roll(ids, -1, axis=1)")),
        ),
        Mistake(
            "the other axis",
            "the shift runs along the batch: the target is taken from the next text.",
            changed(_SHIFT, ("ids[:, :-1]", "ids[:-1]"), ("ids[:, 1:]", "ids[1:]")),
        ),
        Mistake(
            "padding is asked",
            "padding stands among the targets: the model would be paid for predicting it.",
            changed(_SHIFT, (_TARGETS, "    targets = ids[:, 1:]\n")),
        ),
        Mistake(
            "where the input is padding",
            "-100 stands where the input is padding. That is one place too late: the last word of "
            "a short text is still asked for the padding after it.",
            changed(_SHIFT, ("ids[:, 1:] == pad", "inputs == pad")),
        ),
        Mistake(
            "-100 in the inputs",
            "-100 is put into the inputs too: it is no id, and the embedding would refuse it.",
            changed(
                _SHIFT,
                (
                    "inputs = ids[:, :-1]",
                    "ids = np.where(ids == pad, -100, ids)\n    inputs = ids[:, :-1]",
                ),
            ),
        ),
        Mistake(
            "the ids are changed",
            "ids[:, 1:] is a view: putting -100 into it changes ids, and the inputs with them.",
            changed(
                _SHIFT,
                (_TARGETS, "    targets = ids[:, 1:]\n    targets[targets == pad] = -100\n"),
            ),
        ),
    ),
)

# batch_loss: find the bug -----------------------------------------------------------------------


def _batch_loss(losses, targets):
    asked = targets != -100
    return (losses * asked).sum() / asked.sum()


def _batch_loss_cases(rng: np.random.Generator) -> list[Case]:
    whole, padded = "a batch without padding", "a batch with padding"

    def batch(*lengths: int) -> tuple[np.ndarray, np.ndarray]:
        """Losses and targets (B, T); word 0 is a word like any other."""
        T = max(lengths)
        targets = rng.integers(1, 9, size=(len(lengths), T))
        targets[:, 0] = 0
        targets[np.arange(T) >= np.array(lengths)[:, None]] = -100
        return rng.uniform(0.5, 4.0, size=targets.shape), targets

    return [
        Case((np.array([[2.0, 4.0]]), np.array([[0, 5]])), whole),
        Case(batch(3, 3), whole),
        Case((np.array([[2.0, 4.0, 1.0]]), np.array([[0, 5, -100]])), padded),
        Case(batch(3, 1), padded),
        Case(batch(2, 5, 4), padded),
    ]


_LOSS = solution_of(_batch_loss, "batch_loss")
_RETURN = "(losses * asked).sum() / asked.sum()"

BATCH_LOSS = Exercise(
    name="batch_loss",
    lesson="10",
    task="Find the bug in diluted_loss, and write it without: its loss falls as padding grows.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_LOSS,
    why="The losses of padding are set to 0, which is right for the sum; but .mean() still divides "
    "by all B · T positions. Divide by the number of tokens that were asked. The gradient is "
    "diluted with the loss: a batch with one long text would take smaller steps.",
    hints=(
        "By what number does .mean() divide? By what number should it?",
        "Sum the losses that count, and divide by how many there are: the mask can be summed too.",
        "(losses * asked).sum() / ...",
    ),
    reference=_batch_loss,
    cases=_batch_loss_cases,
    parts={"a batch without padding": 1, "a batch with padding": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "the mean still divides by all positions, padding among them, as in diluted_loss.",
            changed(_LOSS, (_RETURN, "(losses * asked).mean()")),
        ),
        Mistake(
            "padding counts as text",
            "the mask has gone with the bug: the losses of padding are counted now.",
            changed(_LOSS, (_RETURN, "losses.mean()")),
        ),
        Mistake(
            "padding in the sum",
            "the number of words is right now, but the losses of padding are still in the sum.",
            changed(_LOSS, ("(losses * asked).sum()", "losses.sum()")),
        ),
        Mistake(
            "the mean of the texts' means",
            "each text's mean is taken first, so a word of a short text counts for more: every "
            "token counts once.",
            changed(_LOSS, (_RETURN, "((losses * asked).sum(axis=1) / asked.sum(axis=1)).mean()")),
        ),
        Mistake(
            "the sum",
            "this is the sum: a batch with more tokens would take larger steps.",
            changed(_LOSS, (" / asked.sum()", "")),
        ),
        Mistake(
            "divided by the texts",
            "the sum is divided by the number of texts, B: the tokens were to be counted.",
            changed(_LOSS, ("/ asked.sum()", "/ len(losses)")),
        ),
        Mistake(
            "word 0 taken for padding",
            "targets > 0 leaves out word 0 too: padding is -100, and 0 is a word like any other.",
            changed(_LOSS, ("targets != -100", "targets > 0")),
        ),
        Mistake(
            "the other way round",
            "the mask is used the other way round: this is the loss of the padding.",
            changed(_LOSS, ("targets != -100", "targets == -100")),
        ),
    ),
)

EXERCISES = (INPUTS_AND_TARGETS, BATCH_LOSS)
