"""Exercise of lesson 10's project: a GPT's loss, and the gradient of every weight."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.lesson_10.cross_entropy import _backward as cross_entropy_backward
from tinyllm.course.lessons.lesson_10.cross_entropy import _cross_entropy as my_cross_entropy
from tinyllm.course.lessons.lesson_10.gpt import (
    BACKWARD_PARTS,
    _block_gradients,
    _gpt_forward,
    linear_backward,
    some_weights,
    unit_rms,
    unit_rms_backward,
    written_together,
)
from tinyllm.course.lessons.writing import REFUSED, changed

block_gradients, gpt_forward = _block_gradients, _gpt_forward


def _gpt_gradients(weights, inputs, targets, heads):
    logits, stream = gpt_forward(weights, inputs, heads)
    asked = targets != -100  # (B, T)
    loss = my_cross_entropy(logits[asked], targets[asked])
    grad_logits = np.zeros_like(logits)
    grad_logits[asked] = cross_entropy_backward(logits[asked], targets[asked])
    grad_n, tokens = linear_backward(unit_rms(stream[-1]), weights["tokens"], grad_logits)
    grad = unit_rms_backward(stream[-1], grad_n)  # (B, T, C)
    blocks = []
    for block, x in zip(weights["blocks"][::-1], stream[-2::-1], strict=True):
        grad, found = block_gradients(block, x, grad, heads)
        blocks.insert(0, found)
    np.add.at(tokens, inputs, grad)
    positions = np.zeros_like(weights["positions"])
    positions[: inputs.shape[1]] = grad.sum(axis=0)
    return loss, {"tokens": tokens, "positions": positions, "blocks": blocks}


def _gradients_cases(rng: np.random.Generator) -> list[Case]:
    def case(lengths: tuple[int, ...], C: int, heads: int, layers: int) -> tuple:
        B, T = len(lengths), max(lengths)
        targets = rng.integers(6, size=(B, T))
        targets[np.arange(T) >= np.array(lengths)[:, None]] = -100
        inputs = rng.integers(1, 6, size=(B, T))
        inputs[:, -1] = inputs[:, 0]  # an id that comes twice
        return some_weights(rng, 6, 7, C, layers), inputs, targets, heads

    one, padded, deeper = "one text", "a batch with padding", "several blocks"
    return [
        Case(case((1,), 2, 1, 1), one),
        Case(case((4,), 4, 1, 1), one),
        Case(case((2, 4), 4, 2, 1), padded),
        Case(case((3, 3), 4, 2, 2), deeper),
        Case(case((4, 2, 3), 6, 3, 3), deeper),
    ]


_CODE = written_together(
    *BACKWARD_PARTS,
    (my_cross_entropy, "my_cross_entropy"),
    (cross_entropy_backward, "cross_entropy_backward"),
    (gpt_forward, "gpt_forward"),
    (block_gradients, "block_gradients"),
    (_gpt_gradients, "gpt_gradients"),
)
_ASKED = "(logits[asked], targets[asked])"

GPT_GRADIENTS = Exercise(
    name="gpt_gradients",
    lesson="10",
    task="From weights, inputs and targets (B, T) and heads, the mean loss of the targets that are "
    "not -100, and the gradient of every weight, in the weights' own form.",
    points=6,
    minutes=18,
    difficulty="hard",
    solution=_CODE,
    why="The loss sends p - y into the logits that were asked, and 0 into the rest. From there all "
    "goes back the way it came: table, norm, blocks from the last to the first, and at the bottom "
    "the lookup. The table of tokens was used twice, as the last matrix and as the first lookup; "
    "its gradient is the sum of both.",
    hints=(
        "Walk gpt_forward from its last line to its first. Where was each weight used, and how "
        "often?",
        "Gradient of the logits: 0, and at asked positions cross_entropy_backward. Then "
        "linear_backward for the table, unit_rms_backward, block_gradients for the blocks from the "
        "last, each with the stream before it. What is left belongs to the lookups: add it at "
        "`inputs`, and sum it over the texts for the positions.",
        "grad_n, tokens = linear_backward(unit_rms(stream[-1]), weights['tokens'], grad_logits); "
        "... zip(weights['blocks'][::-1], stream[-2::-1]); ... np.add.at(tokens, inputs, grad); "
        "positions[:T] = grad.sum(axis=0)",
    ),
    reference=_gpt_gradients,
    cases=_gradients_cases,
    parts={"one text": 2, "a batch with padding": 2, "several blocks": 2},
    refused=REFUSED,
    needs=("my_cross_entropy", "cross_entropy_backward", "gpt_forward", "block_gradients"),
    mistakes=(
        Mistake(
            "the table as a last matrix alone",
            "the gradient of the tokens' table lacks the part of the lookup at the bottom.",
            changed(_CODE, ("    np.add.at(tokens, inputs, grad)\n", "")),
        ),
        Mistake(
            "the table as a lookup alone",
            "the gradient of the tokens' table lacks the part of the logits: the table is also the "
            "last matrix.",
            changed(
                _CODE,
                ("    np.add.at(tokens, inputs, grad)\n",
                 "    tokens = np.zeros_like(tokens)\n    np.add.at(tokens, inputs, grad)\n"),
            ),
        ),
        Mistake(
            "an id that comes twice",
            "tokens[inputs] += ... adds only once where an id comes twice: np.add.at adds each.",
            changed(_CODE, ("np.add.at(tokens, inputs, grad)", "tokens[inputs] += grad")),
        ),
        Mistake(
            "padding in the mean",
            "padding dilutes the mean: divide by the number of targets that were asked.",
            changed(_CODE, (_ASKED, f"{_ASKED} * asked.mean()")),
        ),
        Mistake(
            "padding in the gradient's mean",
            "the loss is the mean over what was asked, but its gradient is divided by all "
            "positions.",
            changed(_CODE, (f"cross_entropy_backward{_ASKED}",
                            f"cross_entropy_backward{_ASKED} * asked.mean()")),
        ),
        Mistake(
            "padding is asked",
            "padding is asked too: -100 is the id of no word.",
            changed(_CODE, ("targets != -100", "np.full(targets.shape, True)")),
        ),
        Mistake(
            "past the norm at the top",
            "the gradient of the logits goes past the last norm.",
            changed(_CODE, ("grad = unit_rms_backward(stream[-1], grad_n)", "grad = grad_n")),
        ),
        Mistake(
            "each block with its output",
            "each block goes back with its output: block_gradients wants what went in.",
            changed(_CODE, ("stream[-2::-1]", "stream[:0:-1]")),
        ),
        Mistake(
            "the blocks from the last to the first",
            "the gradients are right, but the blocks' list is in the order of the way back.",
            changed(_CODE, ("blocks.insert(0, found)", "blocks.append(found)")),
        ),
        Mistake(
            "the mean over the texts",
            "the gradient of a position is the sum over the texts, not their mean: every text has "
            "used it.",
            changed(_CODE, ("grad.sum(axis=0)", "grad.mean(axis=0)")),
        ),
    ),
)  # fmt: skip

EXERCISES = (GPT_GRADIENTS,)
