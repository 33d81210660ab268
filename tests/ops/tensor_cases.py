"""Cases of the ops that any tensor library has: elementwise, reductions, shapes, indexing."""

import numpy as np
from case import Case, Fixed, apart, normal, positive

from tinyllm.ops.cast import Cast
from tinyllm.ops.choice import Clamp, MaskedFill, Maximum, Minimum, Where
from tinyllm.ops.elementwise import (
    Abs,
    Add,
    Div,
    Exp,
    Log,
    Mul,
    Neg,
    Pow,
    ReLU,
    Rsqrt,
    Sigmoid,
    Sqrt,
    Sub,
    Tanh,
)
from tinyllm.ops.indexing import Gather, GetItem, IndexSelect
from tinyllm.ops.reduction import Amax, Amin, LogSumExp, Max, Mean, Min, Sum, Var
from tinyllm.ops.shape import (
    Cat,
    Clone,
    Expand,
    Permute,
    Reshape,
    Split,
    Squeeze,
    Stack,
    Transpose,
    Unbind,
    Unsqueeze,
)

EMPTY = {"empty": [(0, 3)], "0-d": [()]}
EMPTY_TWO = {"empty": [(0, 3), (0, 3)], "0-d": [(), ()]}
BROADCAST = {
    "row": [(2, 3, 5), (5,)],
    "column": [(3, 5), (3, 1)],
    "both": [(3, 1), (1, 5)],
    "first": [(5,), (2, 3, 5)],
    "0-d and array": [(), (3, 5)],
    "one": [(1, 1), (3, 5)],
    "empty row": [(0, 5), (5,)],
    **EMPTY_TWO,
}


def unary(op, draw=normal, **params):
    return Case(op, [(3, 5)], params, EMPTY, draw)


def binary(op, draw=normal):
    return Case(op, [(3, 5), (3, 5)], more=BROADCAST, draw=draw, same=True)


ELEMENTWISE = [
    binary(Add),
    binary(Sub),
    binary(Mul),
    binary(Div, positive),
    binary(Pow, positive),
    Case(Pow, [(3, 5), Fixed(np.array(2.0))], name="exponent 2"),
    Case(Pow, [(3, 5), Fixed(np.array(3.0))], name="exponent 3"),
    Case(Pow, [(3, 5), Fixed(np.array(0.5))], draw=positive, name="exponent 0.5"),
    Case(Pow, [(3, 5), Fixed(np.array(0.0))], name="exponent 0"),
    Case(Pow, [Fixed(np.array(2.0)), (3, 5)], name="base 2"),
    unary(Neg),
    unary(Exp),
    unary(Log, positive),
    unary(Sqrt, positive),
    unary(Rsqrt, positive),
    unary(Tanh),
    unary(Sigmoid),
    unary(ReLU, apart),
    unary(Abs, apart),
    unary(Clone),
    unary(Cast, dtype=np.dtype(np.float64)),
]

MASK = np.random.default_rng(7).random((3, 5)) < 0.5
CHOICE = [
    Case(Maximum, [(3, 5), (3, 5)], more=BROADCAST, draw=normal),
    Case(Minimum, [(3, 5), (3, 5)], more=BROADCAST, draw=normal),
    unary(Clamp, apart, min=-1.0, max=1.6),
    unary(Clamp, apart, min=-1.0),
    unary(Clamp, apart, max=1.6),
    Case(
        Where,
        [Fixed(MASK), (3, 5), (3, 5)],
        more={
            "rows": [Fixed(MASK), (5,), (3, 1)],
            "condition repeats": [Fixed(MASK[:, :1]), (3, 5), ()],
            "batch": [Fixed(MASK), (2, 1, 1), (2, 3, 5)],
            "empty": [Fixed(MASK[:0]), (0, 5), (1, 5)],
        },
    ),
    Case(
        MaskedFill,
        [(3, 5), Fixed(MASK)],
        {"value": 2.5},
        more={
            "input repeats": [(3, 1), Fixed(MASK)],
            "mask repeats": [(2, 3, 5), Fixed(MASK)],
            "0-d": [(), Fixed(np.array(False))],
            "empty": [(0, 5), Fixed(MASK[:0])],
        },
    ),
    Case(MaskedFill, [(3, 5), Fixed(MASK)], {"value": -np.inf}),
]


def reductions(op, draw=normal, **params):
    return [
        Case(op, [(2, 3, 5)], {"dim": (1,), "keepdim": False, **params}, draw=draw),
        Case(op, [(2, 3, 5)], {"dim": (0, 2), "keepdim": True, **params}, draw=draw),
        Case(op, [(2, 3, 5)], {"dim": None, "keepdim": False, **params}, {"0-d": [()]}, draw),
    ]


REDUCTION = [
    *reductions(Sum),
    *reductions(Mean),
    Case(Sum, [(0, 3)], {"dim": (0,)}, {"kept": [(3, 0)]}),
    Case(Mean, [(3, 0)], {"dim": (0,)}),
    Case(Var, [(2, 3, 5)], {"dim": (1,)}),
    Case(Var, [(2, 3, 5)], {"dim": (0, 2), "keepdim": True}),
    Case(Var, [(2, 3, 5)], {"dim": None, "correction": 0}, {"0-d": [()]}),
    *reductions(Amax, apart),
    *reductions(Amin, apart),
    *reductions(LogSumExp),
    *[
        Case(op, [(2, 3, 5)], {"dim": dim, "keepdim": keepdim}, draw=apart)
        for op in (Max, Min)
        for dim, keepdim in ((1, False), (2, True))
    ],
]

SHAPE = [
    Case(Reshape, [(2, 3, 5)], {"shape": (5, 6)}),
    Case(Reshape, [(1,)], {"shape": ()}),
    Case(Permute, [(2, 3, 5)], {"dims": (2, 0, 1)}, {"empty": [(2, 0, 5)]}),
    Case(Transpose, [(2, 3, 5)], {"dim0": 0, "dim1": 2}, {"empty": [(2, 0, 5)]}),
    Case(Squeeze, [(1, 3, 1)], {"dims": (0, 2)}),
    Case(Unsqueeze, [(3, 5)], {"dim": 1}, {"0-d": [(3,)]}),
    Case(Expand, [(3, 1)], {"shape": (2, 3, 5)}, {"0-d": [()], "row": [(5,)]}),
    Case(Expand, [(3, 5)], {"shape": (1, 3, 5)}),
    Case(Cat, [(2, 3), (2, 1), (2, 5)], {"dim": 1}, {"empty": [(2, 0), (2, 3)]}),
    Case(Cat, [(3, 5), (3, 5)], {"dim": 0}, same=True),
    Case(Stack, [(3, 5), (3, 5)], {"dim": 1}, same=True),
    Case(Stack, [(3, 5), (3, 5)], {"dim": 2}, {"empty": [(0, 5), (0, 5)]}),
    Case(Stack, [(), ()], {"dim": 0}),
    Case(Split, [(3, 7)], {"sizes": [2, 5], "dim": 1}),
    Case(Split, [(7, 3)], {"sizes": [2, 0, 5], "dim": 0}),
    Case(Unbind, [(3, 5, 2)], {"dim": 1}),
    Case(Unbind, [(1, 5)], {"dim": 0}),
    Case(Unbind, [(3, 0)], {"dim": 0}, name="empty slices"),
]

ROWS, COLUMNS = np.array([2, 0, 2, 1]), np.array([4, 4, 1, 0])
INDICES = {
    "slice": (slice(1, None), slice(None, None, 2)),
    "reversed": (slice(None, None, -1),),
    "int": (1,),
    "last": (..., -1),
    "new axis": (None, 2, ..., None),
    "int array": (ROWS,),
    "two arrays": (ROWS, COLUMNS),
    "matrix of ints": (np.array([[0, 2], [2, 2]]),),
    "arrays apart": (slice(None), COLUMNS, None),
    "mask": (MASK,),
    "row mask": (np.array([True, False, True]), slice(1, 4)),
    "nothing": (),
    "empty": (np.array([], np.int64),),
}
INDEXING = [
    *[Case(GetItem, [(3, 5)], {"index": i}, name=name) for name, i in INDICES.items()],
    Case(GetItem, [(2, 3, 5)], {"index": (ROWS % 2, slice(None), COLUMNS)}, name="split arrays"),
    Case(GetItem, [(7,)], {"index": (3,)}, name="one element"),
    Case(Gather, [(3, 5), Fixed(np.array([[0, 2, 0, 1, 2], [2, 2, 2, 0, 0]]))], {"dim": 0}),
    Case(Gather, [(3, 5), Fixed(np.array([[4, 4, 0], [1, 2, 1]]))], {"dim": 1}),
    Case(Gather, [(3, 5), Fixed(np.array([[4], [1], [1]]))], {"dim": 1}, name="one per row"),
    Case(Gather, [(1, 5), Fixed(np.array([[0, 0, 0, 0, 0], [0] * 5]))], {"dim": 0}, name="repeats"),
    Case(IndexSelect, [(3, 5), Fixed(ROWS)], {"dim": 0}),
    Case(IndexSelect, [(3, 5, 2), Fixed(COLUMNS)], {"dim": 1}),
    Case(IndexSelect, [(3, 5), Fixed(ROWS[:0])], {"dim": 0}, name="nothing"),
]

TENSOR_CASES = [*ELEMENTWISE, *CHOICE, *REDUCTION, *SHAPE, *INDEXING]
