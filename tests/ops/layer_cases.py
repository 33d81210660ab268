"""Cases of the ops that a language model is made of: products, layers, losses, attention."""

import numpy as np
from case import Case, Fixed, positive
from tensor_cases import unary

import tinyllm.nn.functional as F
from tinyllm import functions
from tinyllm.ops.activation import GELU, ReLUSquared, SiLU
from tinyllm.ops.attention import ScaledDotProductAttention, SelfAttention
from tinyllm.ops.cross_entropy import CrossEntropy, SoftCrossEntropy
from tinyllm.ops.dropout import Dropout
from tinyllm.ops.embedding import Embedding
from tinyllm.ops.identity import Identity
from tinyllm.ops.matmul import Linear, MatMul
from tinyllm.ops.normalization import LayerNorm, RMSNorm, RMSNormHeads
from tinyllm.ops.rotary import Rotate
from tinyllm.ops.softmax import LogSoftmax, Softmax
from tinyllm.tensor import Tensor

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
        [(3, 5), (7, 5), (7,), None],
        more={
            "batch": [(2, 3, 5), (7, 5), (7,), None],
            "no bias": [(2, 3, 5), (7, 5), None, None],
            "onto": [(2, 3, 5), (7, 5), (7,), (2, 3, 7)],
            "onto, no bias": [(3, 5), (7, 5), None, (3, 7)],
            "vector": [(5,), (7, 5), (7,), (7,)],
            "no rows": [(0, 5), (7, 5), (7,), (0, 7)],
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
    unary(ReLUSquared),
    Case(
        RMSNormHeads,
        [(2, 5, 3, 4)],
        {"heads": 2, "eps": 1e-5, "gain": 1.7},
        more={"no batch": [(0, 5, 3, 4)]},
    ),
    Case(RMSNormHeads, [(2, 3, 3, 5)], {"heads": 3, "eps": 0.1, "gain": 1.0}),
    Case(Dropout, [(3, 5)], {"p": 0.4, "seed": 5}, {"empty": [(0, 5)], "batch": [(2, 3, 5)]}),
    Case(Dropout, [(3, 5)], {"p": 0.1, "seed": 2**63 + 11}),
    Case(Identity, [(3, 5), (2,)]),
    Case(
        Rotate,
        [(2, 5, 3, 4)],
        {"cos": np.cos(ANGLES), "sin": np.sin(ANGLES), "heads": 2},
        more={"no batch": [(0, 5, 3, 4)]},
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

PACKED = {"heads": 6, "kv_heads": 2, "seed": 5}
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
    *(
        Case(
            SelfAttention,
            [(2, 5, (6 + 2 * 2) * 3)],
            {**PACKED, "is_causal": causal, "prefix": None, "dropout_p": p},
            more={"no batch": [(0, 5, 30)], "one token": [(2, 1, 30)], "long": [(1, 35, 10)]},
        )
        for causal in (True, False)
        for p in (0.0, 0.3)
    ),
    Case(
        SelfAttention,
        [(2, 5, (6 + 2 * 2) * 3)],
        {**PACKED, "is_causal": True, "prefix": np.array([3, 5]), "dropout_p": 0.3},
        name="prefixes",
    ),
]

LAYER_CASES = [*PRODUCTS, *LAYERS, *LOOKUP, *LOSSES, *ATTENTION]
