"""Cases of the ops that repeat, turn round, pad, take diagonals, and write by index."""

import numpy as np
from case import Case, Fixed

from tinyllm.ops.diagonals import DiagEmbed, Diagonal
from tinyllm.ops.repetition import Flip, Pad, Repeat, RepeatInterleave, Roll
from tinyllm.ops.scattering import IndexAdd, MaskedScatter, Scatter, ScatterAdd

REPETITION = [
    Case(Repeat, [(3, 5)], {"repeats": (2, 3)}, {"column": [(3, 1)], "empty": [(0, 5)]}),
    Case(Repeat, [(3, 5)], {"repeats": (2, 1, 3)}, {"row": [(5,)], "0-d": [()]}),
    Case(Repeat, [(3, 5)], {"repeats": (1, 1)}),
    Case(Repeat, [(3, 5)], {"repeats": (2, 0)}),
    Case(RepeatInterleave, [(3, 5)], {"repeats": 2, "dim": 0}, {"empty": [(0, 5)]}),
    Case(RepeatInterleave, [(2, 3, 5)], {"repeats": 3, "dim": 1}, {"one": [(2, 1, 5)]}),
    Case(RepeatInterleave, [(3, 5)], {"repeats": 0, "dim": 1}),
    Case(RepeatInterleave, [(3, 5)], {"repeats": np.array([2, 0, 3]), "dim": 0}),
    Case(RepeatInterleave, [(2, 3, 5)], {"repeats": np.array([1, 0, 4]), "dim": 1}, name="inner"),
    Case(Flip, [(2, 3, 5)], {"dims": (0, 2)}, {"empty": [(0, 3, 5)]}),
    Case(Flip, [(3, 5)], {"dims": ()}, {"0-d": [()]}),
    Case(Roll, [(3, 5)], {"shifts": (2,), "dims": (1,)}, {"empty": [(3, 0)]}),
    Case(Roll, [(3, 5)], {"shifts": (-1, 7), "dims": (0, 1)}),
    Case(Pad, [(3, 5)], {"widths": [(1, 0), (2, 3)], "value": 1.5}, {"empty": [(0, 5)]}),
    Case(Pad, [(3, 5)], {"widths": [(-1, 2), (3, -2)], "value": 0}),
    Case(Pad, [(3, 5)], {"widths": [(-1, -2), (0, 0)], "value": 0}, name="nothing left"),
    Case(Pad, [()], {"widths": [], "value": 0}),
]

DIAGONALS = [
    Case(Diagonal, [(3, 5)], {"offset": 1, "dim1": 0, "dim2": 1}, {"empty": [(0, 5)]}),
    Case(Diagonal, [(3, 5, 2)], {"offset": -1, "dim1": 1, "dim2": 0}),
    Case(Diagonal, [(2, 3, 5)], {"offset": 0, "dim1": 2, "dim2": 0}),
    Case(Diagonal, [(3, 5)], {"offset": 7, "dim1": 0, "dim2": 1}, name="outside"),
    Case(DiagEmbed, [(3,)], {"offset": 0, "dim1": 0, "dim2": 1}, {"empty": [(0,)]}),
    Case(DiagEmbed, [(2, 3)], {"offset": 2, "dim1": 2, "dim2": 0}),
    Case(DiagEmbed, [(2, 3)], {"offset": -1, "dim1": 0, "dim2": 2}),
]

ONCE = np.array([[2, 0, 1], [4, 1, 3]])  # no position twice along dim 1
TWICE = np.array([[2, 2, 2], [4, 0, 4]])
ROWS = np.array([2, 0, 2, 1])
MASK = np.random.default_rng(11).random((3, 5)) < 0.5
COUNT = int(MASK.sum())
SCATTERING = [
    Case(Scatter, [(3, 5), Fixed(ONCE), (2, 3)], {"dim": 1}),
    Case(Scatter, [(3, 5), Fixed(ONCE), (3, 7)], {"dim": 1}, name="src beyond index"),
    Case(Scatter, [(5, 3), Fixed(ONCE.T), (3, 2)], {"dim": 0}),
    Case(Scatter, [(3, 5), Fixed(ONCE[:0]), (2, 3)], {"dim": 1}, name="nothing"),
    Case(ScatterAdd, [(3, 5), Fixed(TWICE), (2, 3)], {"dim": 1}),
    Case(ScatterAdd, [(5, 3), Fixed(TWICE.T), (4, 2)], {"dim": 0}, name="src beyond index"),
    Case(ScatterAdd, [(3, 5), Fixed(TWICE[:0]), (2, 3)], {"dim": 1}, name="nothing"),
    Case(IndexAdd, [(3, 5), Fixed(ROWS), (4, 5)], {"dim": 0}),
    Case(IndexAdd, [(2, 3, 5), Fixed(ROWS), (2, 4, 5)], {"dim": 1}),
    Case(IndexAdd, [(3, 5), Fixed(ROWS[:0]), (0, 5)], {"dim": 0}, name="nothing"),
    Case(MaskedScatter, [(3, 5), Fixed(MASK), (COUNT,)], name="exactly"),
    Case(
        MaskedScatter,
        [(3, 5), Fixed(MASK), (4, 5)],
        more={"empty": [(0, 5), Fixed(MASK[:0]), (0,)], "0-d": [(), Fixed(np.array(True)), (2,)]},
    ),
]

REARRANGEMENT_CASES = [*REPETITION, *DIAGONALS, *SCATTERING]
