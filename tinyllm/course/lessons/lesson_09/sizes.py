"""Exercise of lesson 09: how many parameters two stacks have."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed


def _two_stacks_size(C, hidden, encoder_layers, decoder_layers):
    attention = 4 * (C * C + C)
    feed_forward = (C * hidden + hidden) + (hidden * C + C)
    norm = 2 * C
    encoder_layer = attention + feed_forward + 2 * norm
    decoder_layer = 2 * attention + feed_forward + 3 * norm
    return encoder_layers * encoder_layer + decoder_layers * decoder_layer + 2 * norm


def _cases(rng: np.random.Generator) -> list[Case]:
    encoder, decoder, both = "the encoder alone", "the decoder alone", "both stacks"
    C, hidden = int(rng.integers(3, 9)) * 8, int(rng.integers(3, 9)) * 20
    return [
        Case((2, 3, 1, 0), encoder),
        Case((C, hidden, 2, 0), encoder),
        Case((2, 3, 0, 1), decoder),
        Case((C, hidden, 0, 3), decoder),
        Case((C, hidden, 2, 3), both),
        Case((512, 2048, 6, 6), both),
    ]


_CODE = code_of(_two_stacks_size, "two_stacks_size")

TWO_STACKS_SIZE = Exercise(
    name="two_stacks_size",
    lesson="09",
    task="Count the parameters of an encoder and a decoder of width C, weights and biases, with a "
    "norm after each stack.",
    points=3,
    minutes=10,
    difficulty="easy",
    solution=_CODE,
    why="An attention has four matrices (queries, keys, values, output) with a bias each; a norm "
    "has a scale and a shift. A decoder's layer is an encoder's with one attention and one norm "
    "more: its look at the source. None of it depends on S or T.",
    hints=(
        "How many attentions has a layer of each stack, and how many norms?",
        "Count an attention, a feed-forward and a norm once each, with biases; then add up a "
        "layer of each kind, and one norm at the end of each stack.",
        "attention = 4 * (C * C + C); norm = 2 * C; encoder_layer = attention + feed_forward + ...",
    ),
    reference=_two_stacks_size,
    cases=_cases,
    parts={"the encoder alone": 1, "the decoder alone": 1, "both stacks": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no cross-attention",
            "the decoder's layer has one attention; it has two, its own and the one to the source.",
            changed(_CODE, ("2 * attention + feed_forward + 3", "attention + feed_forward + 3")),
        ),
        Mistake(
            "the same layer twice",
            "the decoder's layer is counted like the encoder's: an attention and a norm are "
            "missing.",
            changed(
                _CODE,
                ("2 * attention + feed_forward + 3 * norm", "attention + feed_forward + 2 * norm"),
            ),
        ),
        Mistake(
            "two norms in the decoder",
            "the decoder's layer has a norm for each of its three branches.",
            changed(_CODE, ("3 * norm", "2 * norm")),
        ),
        Mistake(
            "three matrices",
            "an attention has a fourth matrix, which mixes the heads' outputs.",
            changed(_CODE, ("4 * (C * C + C)", "3 * (C * C + C)")),
        ),
        Mistake(
            "no biases",
            "the biases are missing: each of the matrices has one.",
            changed(
                _CODE,
                ("(C * C + C)", "(C * C)"),
                ("(C * hidden + hidden) + (hidden * C + C)", "2 * C * hidden"),
            ),
        ),
        Mistake(
            "norms of one vector",
            "a norm has two vectors, a scale and a shift.",
            changed(_CODE, ("norm = 2 * C", "norm = C")),
        ),
        Mistake(
            "no norm at the end",
            "the norm after each stack is missing.",
            changed(_CODE, ("decoder_layer + 2 * norm", "decoder_layer")),
        ),
        Mistake(
            "one norm at the end",
            "one norm stands at the end; each of the two stacks has its own.",
            changed(
                _CODE,
                ("decoder_layer + 2 * norm", "decoder_layer + norm"),
            ),
        ),
    ),
)
