"""Exercises of lesson 20: the parameters of a decoder, and the operations of a training step."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

# decoder_parameter_count ------------------------------------------------------------------------


def _parameters(V, T, C, L):
    embeddings = V * C + T * C
    block = 12 * C * C + 2 * C
    return embeddings + L * block + C


def _parameter_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case((1, 1, 1, 1), "one block"), Case((1, 1, 2, 2), "several blocks")]
    for L, part in ((1, "one block"), (2, "several blocks"), (6, "several blocks")):
        V, T, C = int(rng.integers(50, 90)), int(rng.integers(10, 40)), 8 * int(rng.integers(2, 9))
        cases.append(Case((V, T, C, L), part))
    return cases


_PARAMETERS = code_of(_parameters, "decoder_parameter_count")

DECODER_PARAMETER_COUNT = Exercise(
    name="decoder_parameter_count",
    lesson="20",
    task="Count the parameters of a GPT-2 without biases, with a tied head, from V, T, C and L.",
    points=3,
    minutes=10,
    difficulty="easy",
    solution=_PARAMETERS,
    why="A block has four matrices, C by 3C, C by C, C by 4C and 4C by C: 12 C² numbers, and two "
    "norms of C. Around the blocks stand a table of tokens, a table of positions and a last norm. "
    "The head is the table of tokens once more, so it adds nothing.",
    hints=(
        "List the matrices of one block with their shapes, and multiply.",
        "12 C² for the matrices of a block and 2 C for its two norms; V C and T C for the tables; "
        "C for the last norm.",
        "V * C + T * C + L * (... + ...) + C",
    ),
    reference=_parameters,
    cases=_parameter_cases,
    parts={"one block": 2, "several blocks": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the head counted too",
            "the head is counted as V C numbers of its own: it is tied to the table of tokens.",
            changed(_PARAMETERS, ("V * C + T * C", "2 * V * C + T * C")),
        ),
        Mistake(
            "no positions",
            "the table of positions is missing, T C numbers.",
            changed(_PARAMETERS, ("V * C + T * C", "V * C")),
        ),
        Mistake(
            "no last norm",
            "the norm after the last block is missing.",
            changed(_PARAMETERS, ("L * block + C", "L * block")),
        ),
        Mistake(
            "no norms in the blocks",
            "the two norms of each block are missing.",
            changed(_PARAMETERS, (" + 2 * C\n", "\n")),
        ),
        Mistake(
            "attention without its output",
            "a block has 12 C²: queries, keys and values 3, the output of attention 1, the MLP 8.",
            changed(_PARAMETERS, ("12 * C * C", "11 * C * C")),
        ),
        Mistake(
            "a narrow MLP",
            "the MLP's two matrices are C by 4C and 4C by C, which is 8 C² together.",
            changed(_PARAMETERS, ("12 * C * C", "8 * C * C")),
        ),
        Mistake(
            "one block alone",
            "this is a model of one block, whatever L is.",
            changed(_PARAMETERS, ("L * block", "block")),
        ),
    ),
)

# training_step_flops ----------------------------------------------------------------------------


def _flops(V, T, C, L, B):
    matrices = L * 12 * C * C + V * C
    attention = L * 2 * C * (T + 1)
    forward = 2 * matrices + attention
    return 3 * forward * B * T


def _flop_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case((1, 1, 1, 1, 1), "one short text"), Case((2, 2, 2, 1, 1), "one short text")]
    for L, part in ((1, "one short text"), (3, "a batch"), (6, "a batch")):
        V, T, C = int(rng.integers(50, 90)), int(rng.integers(10, 40)), 8 * int(rng.integers(2, 9))
        cases.append(Case((V, T, C, L, 1 if L == 1 else int(rng.integers(4, 20))), part))
    return cases


_FLOPS = code_of(_flops, "training_step_flops")
_FORWARD = "forward = 2 * matrices + attention"

TRAINING_STEP_FLOPS = Exercise(
    name="training_step_flops",
    lesson="20",
    task="Count the operations of one training step of that model with B texts of T tokens.",
    points=4,
    minutes=14,
    difficulty="medium",
    solution=_FLOPS,
    why="Each number of a matrix is multiplied and added once for a token: 2 operations. A query "
    "meets (T + 1) / 2 keys in the mean, with 4 C operations each. The backward has two products "
    "for each of the forward's, so a step costs three forwards, for each of B T tokens.",
    hints=(
        "First the forward of one token, then three times that, then all tokens.",
        "The tied head does multiply, V C numbers of it. Tables that are looked up do not. "
        "Attention adds 2 C (T + 1) in each layer.",
        "forward = 2 * (L * 12 * C * C + V * C) + L * 2 * C * (T + 1); the step is 3 * ... * B * T",
    ),
    reference=_flops,
    cases=_flop_cases,
    parts={"one short text": 2, "a batch": 2},
    refused=REFUSED,
    needs=("decoder_parameter_count",),
    mistakes=(
        Mistake(
            "the forward alone",
            "this is the forward: the backward costs twice as much again.",
            changed(_FLOPS, ("3 * forward", "forward")),
        ),
        Mistake(
            "a backward like the forward",
            "the backward is counted like the forward: each product has two in its backward.",
            changed(_FLOPS, ("3 * forward", "2 * forward")),
        ),
        Mistake(
            "a multiplication alone",
            "each number of a matrix is multiplied and then added: 2 operations.",
            changed(_FLOPS, (_FORWARD, "forward = matrices + attention")),
        ),
        Mistake(
            "no head",
            "the head is missing. It has no parameters of its own, but it multiplies by V C.",
            changed(_FLOPS, (" + V * C", "")),
        ),
        Mistake(
            "no attention",
            "scores and mixtures are missing: 2 C (T + 1) for each token and layer.",
            changed(_FLOPS, (_FORWARD, "forward = 2 * matrices")),
        ),
        Mistake(
            "attention without its mask",
            "each query is counted with all T keys: the mask leaves (T + 1) / 2 in the mean.",
            changed(_FLOPS, ("L * 2 * C * (T + 1)", "L * 4 * C * T")),
        ),
        Mistake(
            "tables that multiply",
            "positions are looked up and added: their table multiplies nothing.",
            changed(_FLOPS, (" + V * C", " + V * C + T * C")),
        ),
        Mistake(
            "of one token",
            "this is for one token: a step has B T of them.",
            changed(_FLOPS, (" * B * T", "")),
        ),
    ),
)

EXERCISES = (DECODER_PARAMETER_COUNT, TRAINING_STEP_FLOPS)
