"""Every op with the inputs at which its gradient is checked. `test_gradients.py` runs the table.

Each size is another prime where it can be, so that a gradient summed over the wrong axis shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinyllm.nn.functional as F
from tinyllm import functions
from tinyllm.ops.activation import GELU, SiLU
from tinyllm.ops.attention import ScaledDotProductAttention
from tinyllm.ops.cast import Cast
from tinyllm.ops.choice import Clamp, MaskedFill, Maximum, Minimum, Where
from tinyllm.ops.cross_entropy import CrossEntropy, SoftCrossEntropy
from tinyllm.ops.dropout import Dropout
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
from tinyllm.ops.embedding import Embedding
from tinyllm.ops.identity import Identity
from tinyllm.ops.indexing import Gather, GetItem, IndexSelect
from tinyllm.ops.matmul import Linear, MatMul
from tinyllm.ops.normalization import LayerNorm, RMSNorm
from tinyllm.ops.reduction import Amax, Amin, LogSumExp, Max, Mean, Min, Sum, Var
from tinyllm.ops.rotary import Rotate
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
    Unsqueeze,
)
from tinyllm.ops.softmax import LogSoftmax, Softmax
from tinyllm.tensor import Tensor


def normal(rng, shape):
    return rng.normal(size=shape)


def positive(rng, shape):
    return rng.uniform(0.5, 2, shape)


def apart(rng, shape):
    """Numbers at least 0.2 from each other and from 0, so that no two change places: no kink."""
    size = int(np.prod(shape))
    steps = np.arange(1, size + 1) * rng.choice([-1, 1], size)
    return (0.3 * rng.permutation(steps)).reshape(shape)


@dataclass
class Case:
    """One way to call an op.

    op:      a Function, or a callable of tensors
    inputs:  for each tensor its shape, or a Fixed array that takes no gradient, or None
    params:  what is not a tensor
    more:    further inputs for the same call: broadcast shapes, sizes, empty or 0-d arrays, by name
    draw:    how differentiable inputs are drawn
    covers:  the Functions that a callable is there for
    same:    whether one tensor may stand for all inputs at once
    """

    op: Any
    inputs: Sequence[Any]
    params: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Sequence[Any]] = field(default_factory=dict)
    draw: Callable = normal
    covers: tuple[type, ...] = ()
    same: bool = False
    name: str = ""

    def __post_init__(self):
        base = self.op.__name__
        settings = ", ".join(f"{k}={_short(v)}" for k, v in self.params.items())
        self.title = f"{base}({self.name or settings})"


@dataclass
class Fixed:
    """An input that takes no gradient, such as a mask or an index."""

    array: np.ndarray


def _short(value):
    if isinstance(value, np.ndarray):
        return "array"
    if isinstance(value, Tensor):
        return "tensor"
    return str(value)


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

PRODUCTS = [
    Case(
        MatMul,
        [(3, 5), (5, 7)],
        more={
            "batch": [(2, 3, 5), (2, 5, 7)],
            "one b": [(2, 3, 5), (5, 7)],
            "one a": [(3, 5), (2, 5, 7)],
            "batches repeat": [(2, 1, 3, 5), (3, 5, 7)],
            "batch of one": [(1, 3, 5), (2, 5, 7)],
            "no rows": [(0, 5), (5, 7)],
            "nothing to sum": [(3, 0), (0, 7)],
            "empty batch": [(0, 3, 5), (5, 7)],
        },
    ),
    Case(MatMul, [(5, 5), (5, 5)], same=True, name="square"),
    Case(
        functions.matmul,
        [(5,), (5,)],
        more={"matrix": [(3, 5), (5,)], "row": [(5,), (5, 7)], "batch": [(2, 3, 5), (5,)]},
        name="vectors",
    ),
    Case(
        Linear,
        [(3, 5), (7, 5), (7,)],
        more={
            "batch": [(2, 3, 5), (7, 5), (7,)],
            "no bias": [(2, 3, 5), (7, 5), None],
            "vector": [(5,), (7, 5), (7,)],
            "no rows": [(0, 5), (7, 5), (7,)],
        },
    ),
]

ANGLES = np.random.default_rng(5).uniform(0, 6, (5, 2))
LAST_AXIS = {"vector": [(7,)], "one wide": [(3, 1)], "empty": [(0, 5)]}
LAYERS = [
    Case(Softmax, [(2, 3, 5)], more=LAST_AXIS),
    Case(LogSoftmax, [(2, 3, 5)], more=LAST_AXIS),
    *[
        Case(op, [(2, 3, 5)], {"dim": dim})
        for op in (functions.softmax, functions.log_softmax)
        for dim in (0, 1)
    ],
    Case(
        LayerNorm,
        [(2, 3, 7), (7,), (7,)],
        {"eps": 1e-5},
        more={
            "no bias": [(3, 7), (7,), None],
            "no weight": [(3, 7), None, (7,)],
            "plain": [(3, 7), None, None],
            "vector": [(7,), (7,), (7,)],
            "empty": [(0, 7), (7,), (7,)],
        },
    ),
    Case(
        RMSNorm,
        [(2, 3, 7), (7,)],
        {"eps": 1e-5},
        more={"plain": [(3, 7), None], "vector": [(7,), (7,)], "empty": [(0, 7), (7,)]},
    ),
    unary(GELU, approximate="none"),
    unary(GELU, approximate="tanh"),
    unary(SiLU),
    Case(Dropout, [(3, 5)], {"p": 0.4, "seed": 5}, {"empty": [(0, 5)], "batch": [(2, 3, 5)]}),
    Case(Dropout, [(3, 5)], {"p": 0.1, "seed": 2**63 + 11}),
    Case(Identity, [(3, 5), (2,)]),
    Case(
        Rotate,
        [(2, 3, 5, 4)],
        {"cos": np.cos(ANGLES), "sin": np.sin(ANGLES)},
        more={"one head": [(5, 4)], "empty": [(0, 5, 4)]},
    ),
]

IDS = np.array([[3, 0, 3], [3, 1, 0]])
LOOKUP = [
    Case(Embedding, [(5, 7)], {"ids": IDS, "padding_idx": None}, {"one wide": [(5, 1)]}),
    Case(Embedding, [(5, 7)], {"ids": np.array(2), "padding_idx": None}, name="0-d ids"),
    Case(Embedding, [(5, 7)], {"ids": IDS[:0], "padding_idx": None}, name="no ids"),
]

TARGETS = np.array([4, 0, 6, 4, 2])
PARTLY = np.array([4, -100, 6, -100, 2])
WEIGHT = Tensor(np.random.default_rng(3).uniform(0.5, 2, 7))


def hard_targets(logits, **params):
    weight = params.pop("weight", None)
    if weight is not None:
        weight = Tensor(weight.array.astype(logits.dtype))
    return F.cross_entropy(logits, weight=weight, **params)


def soft_targets(logits, target, **params):
    """Probabilities with a gradient of their own; any numbers do."""
    weight = params.pop("weight", None)
    if weight is not None:
        weight = Tensor(weight.array.astype(logits.dtype))
    return F.cross_entropy(logits, target, weight=weight, **params)


def _cross_entropy(**params):
    target = Tensor(params.pop("target", PARTLY))
    return Case(hard_targets, [(5, 7)], {"target": target, **params}, covers=(CrossEntropy,))


SETTINGS = {"ignore_index": -100, "label_smoothing": 0.0}
LOSSES = [
    Case(CrossEntropy, [(5, 7)], {"targets": TARGETS, **SETTINGS}),
    Case(CrossEntropy, [(5, 7)], {"targets": PARTLY, **SETTINGS}, name="some ignored"),
    Case(CrossEntropy, [(5, 7)], {"targets": TARGETS, "ignore_index": 4, "label_smoothing": 0.1}),
    Case(CrossEntropy, [(0, 7)], {"targets": TARGETS[:0], **SETTINGS}, name="no rows"),
    *[_cross_entropy(reduction=reduction) for reduction in ("none", "sum", "mean")],
    *[_cross_entropy(reduction=reduction, weight=WEIGHT) for reduction in ("none", "sum", "mean")],
    _cross_entropy(label_smoothing=0.2),
    _cross_entropy(label_smoothing=0.2, weight=WEIGHT),
    Case(
        hard_targets, [(2, 7, 3)], {"target": Tensor(IDS), "label_smoothing": 0.1}, name="(N, V, T)"
    ),
    Case(hard_targets, [(7,)], {"target": Tensor(np.array(3))}, name="one row"),
    Case(SoftCrossEntropy, [(5, 7), (5, 7)], more={"empty": [(0, 7), (0, 7)]}, same=True),
    Case(soft_targets, [(5, 7), (5, 7)], {"label_smoothing": 0.2}, draw=positive),
    Case(soft_targets, [(5, 7), (5, 7)], {"weight": WEIGHT, "reduction": "sum"}, draw=positive),
    Case(soft_targets, [(2, 7, 3), (2, 7, 3)], {"reduction": "none"}, draw=positive),
    Case(F.mse_loss, [(3, 5), (3, 5)], {"reduction": "mean"}),
    Case(F.mse_loss, [(3, 5), (3, 5)], {"reduction": "none"}),
]

QKV = [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 2)]  # B=2, H=3, T=5, S=7, D=4, Dv=2
GROUPED = [(2, 6, 5, 4), (2, 2, 7, 4), (2, 2, 7, 3)]
MAY_ATTEND = np.random.default_rng(11).random((2, 3, 5, 7)) < 0.6
MAY_ATTEND[0, 1, 2] = False  # a query that may look at nothing


def attention(qkv=QKV, mask=None, name="", **params):
    params = {"is_causal": False, "scale": 0.5, "dropout_p": 0.0, "seed": 0, **params}
    return Case(ScaledDotProductAttention, [*qkv, mask], params, name=name)


def _with_minus_infinity(q, k, v, mask):
    """A learned additive mask with entries at -inf, a whole row of them among these."""
    return F.scaled_dot_product_attention(q, k, v, mask + Tensor(_NEVER.astype(q.dtype)))


_NEVER = np.where(MAY_ATTEND[0, 1], 0, -np.inf)

ATTENTION = [
    attention(name="T != S"),
    attention(name="causal", is_causal=True),
    attention(
        [(2, 3, 7, 4), (2, 3, 5, 4), (2, 3, 5, 2)], name="causal, more queries", is_causal=True
    ),
    attention([(2, 3, 5, 4)] * 3, name="causal, T = S", is_causal=True),
    attention(mask=Fixed(MAY_ATTEND), name="bool mask"),
    attention(mask=Fixed(MAY_ATTEND[:, :1, :1]), name="padding mask"),
    attention(mask=Fixed(MAY_ATTEND[0, 1]), name="one bool mask for all"),
    attention(mask=(2, 3, 5, 7), name="float mask"),
    attention(mask=(5, 7), name="one float mask for all"),
    attention(mask=(3, 1, 7), name="float mask by head"),
    attention(mask=(2, 1, 5, 1), name="float mask by query"),
    attention(GROUPED, name="grouped heads"),
    attention(GROUPED, name="grouped heads, causal", is_causal=True),
    attention(GROUPED, Fixed(MAY_ATTEND[:, :1]), name="grouped heads, mask"),
    attention(name="dropout", dropout_p=0.3, seed=9),
    attention(GROUPED, name="all at once", mask=(5, 7), is_causal=True, dropout_p=0.3, seed=2**40),
    attention([(1, 2, 1, 3), (1, 2, 4, 3), (1, 2, 4, 3)], name="one query"),
    attention([(1, 1, 3, 4), (1, 1, 0, 4), (1, 1, 0, 2)], name="no keys"),
    attention([(0, 2, 3, 4), (0, 2, 5, 4), (0, 2, 5, 4)], name="empty batch"),
    Case(_with_minus_infinity, [*QKV, (5, 7)], covers=(ScaledDotProductAttention,)),
    Case(F.scaled_dot_product_attention, [(5, 4), (7, 4), (7, 2)], name="no heads"),
    Case(F.scaled_dot_product_attention, [(2, 5, 4), (2, 7, 4), (2, 7, 2)], {"is_causal": True}),
    Case(F.scaled_dot_product_attention, [(2, 3, 5, 4)] * 3, same=True, name="self"),
]

CASES = [
    *ELEMENTWISE,
    *CHOICE,
    *REDUCTION,
    *SHAPE,
    *INDEXING,
    *PRODUCTS,
    *LAYERS,
    *LOOKUP,
    *LOSSES,
    *ATTENTION,
]
