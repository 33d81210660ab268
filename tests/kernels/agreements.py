"""Every kernel with the inputs at which its compiled body must agree with its definition."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyllm.kernels import KERNELS, BlockSettings

INF = np.inf


@dataclass
class Drawn:
    """An array of random numbers that are not plainly normal."""

    shape: tuple[int, ...]
    draw: Callable


@dataclass
class Derived:
    """An array computed from the arguments before it, such as a saved log-sum-exp."""

    compute: Callable


@dataclass
class Agree:
    """One call of a kernel.

    name:     the kernel
    args:     for each argument a shape (drawn from the normal distribution), Drawn, Derived, or
              the value itself
    layouts:  whether to call it with strided, reversed and repeating arrays too
    nan:      whether a NaN in any array must come out in the same places
    slack:    a factor on the tolerance, for long sums and differences that nearly cancel
    lists:    into how many lists of equal length the arrays are put for the call, if it takes lists
    """

    name: str
    args: Sequence[Any]
    what: str = ""
    layouts: bool = True
    nan: bool = False
    slack: float = 1.0
    lists: int = 0

    def __post_init__(self):
        self.title = f"{self.name}-{self.what or self._shapes()}"

    def _shapes(self):
        shapes = [x for x in self.args if type(x) is tuple]
        return " ".join(map(str, shapes))

    def call(self, body, arguments):
        """Call a body with the arguments, in lists where it takes lists."""
        if not self.lists:
            return body(*arguments)
        arrays = [x for x in arguments if isinstance(x, np.ndarray)]
        n = len(arrays) // self.lists
        return body(
            *(arrays[i : i + n] for i in range(0, len(arrays), n)), *arguments[len(arrays) :]
        )

    def arguments(self, dtype, seed=0):
        """Fresh arguments, every array owned by the caller."""
        rng = np.random.default_rng(seed)
        made = []
        for arg in self.args:
            if type(arg) is tuple:
                made.append(np.asarray(rng.normal(size=arg), dtype))
            elif isinstance(arg, Drawn):
                made.append(np.asarray(arg.draw(rng, arg.shape), dtype))
            elif isinstance(arg, Derived):
                made.append(np.asarray(arg.compute(*made), dtype))
            elif isinstance(arg, np.ndarray):
                made.append(arg.astype(dtype) if arg.dtype.kind == "f" else arg.copy())
            else:
                made.append(arg)
        return made


def positive(rng, shape):
    return rng.uniform(0.5, 2, shape)


def of_unit_rows(rng, shape):
    """A matrix whose products keep the size of what it is given, or a vector."""
    return rng.normal(size=shape) / math.sqrt(shape[1] if len(shape) == 2 else 1)


def wide(rng, shape):
    """Far out on both sides too, where exp and erfc run out of range."""
    return rng.normal(size=shape) * 10


def with_minus_infinity(rng, shape):
    """Half of the entries -inf, and the first of each row never."""
    x = rng.normal(size=shape)
    x[rng.random(shape) < 0.5] = -INF
    x[..., 0] = 1
    return x


def with_dead_rows(rng, shape):
    """As `with_minus_infinity`, and every third row wholly -inf."""
    x = with_minus_infinity(rng, shape)
    x[::3] = -INF
    return x


EXTREMES = np.array([-INF, -1e4, -88, -20, -6, -1e-30, 0, 1e-30, 6, 20, 88, 1e4, INF])

# Softmax and its kin: odd sizes, one row or column, and enough for two threads (> 16,384)
ROWS = [(7, 5), (1, 37), (41, 1), (3, 1, 7, 11), (0, 5), (3, 0, 5), (5, 0), (131, 257), (67, 1023)]
SOFTMAX = [
    *[Agree(name, [shape], nan=True) for name in ("softmax", "log_softmax") for shape in ROWS],
    *[
        Agree(name, [shape, Drawn(shape, positive)], slack=slack)  # 4: a plain sum of 257 numbers
        for name, slack in (("softmax_backward", 1), ("log_softmax_backward", 4))
        for shape in ROWS
    ],
    Agree("softmax", [Drawn((67, 31), with_minus_infinity)], "-inf"),
    Agree("softmax", [Drawn((67, 31), with_dead_rows)], "rows of -inf"),
    Agree("log_softmax", [Drawn((67, 31), with_minus_infinity)], "-inf"),
    Agree("log_softmax", [Drawn((67, 31), with_dead_rows)], "rows of -inf"),
    Agree("softmax", [Drawn((67, 31), lambda r, s: wide(r, s) * 50)], "far apart"),
    Agree("log_softmax", [Drawn((67, 31), lambda r, s: wide(r, s) * 50)], "far apart"),
    Agree("softmax", [np.array([[1.0, INF, 2.0]])], "+inf"),
]

NORM_SHAPES = [(7, 5), (3, 2, 11), (5,), (41, 1), (0, 5), (131, 257), (1031, 33)]
NORMALIZATION = [
    *[Agree("layer_norm", [s, s[-1:], s[-1:], 1e-5], nan=True) for s in NORM_SHAPES],
    *[Agree("rms_norm", [s, s[-1:], 1e-6], nan=True) for s in NORM_SHAPES],
    *[
        Agree("layer_norm_backward", [s, s, s[-1:], s[:-1], Drawn(s[:-1], positive)], slack=4)
        for s in NORM_SHAPES
    ],
    *[
        Agree("rms_norm_backward", [s, s, s[-1:], Drawn(s[:-1], positive)], slack=4)
        for s in NORM_SHAPES
    ],
    Agree("layer_norm", [Drawn((7, 64), lambda r, s: r.normal(size=s) + 100), (64,), (64,), 1e-5],
          "far from 0", slack=300),
    Agree("layer_norm", [np.full((3, 5), 2.5), (5,), (5,), 1e-5], "constant rows"),
    Agree("rms_norm", [np.zeros((3, 5)), (5,), 1e-5], "zeros"),
]  # fmt: skip

ACTIVATIONS = [
    case
    for name in ("relu", "relu_squared", "gelu", "gelu_tanh", "silu")
    for case in (
        *[Agree(name, [shape], nan=True) for shape in ((7, 5), (), (0, 3), (131, 257))],
        *[Agree(f"{name}_backward", [s, s], nan=True) for s in ((7, 5), (), (0, 3), (131, 257))],
        Agree(name, [Drawn((331,), wide)], "wide"),
        Agree(f"{name}_backward", [(331,), Drawn((331,), wide)], "wide"),
        Agree(name, [EXTREMES], "extremes"),
        Agree(f"{name}_backward", [np.ones(13), EXTREMES], "extremes"),
    )
]

ACTIVATIONS += [
    *[Agree("erf", [shape], nan=True) for shape in ((7, 5), (), (0, 3), (131, 257))],
    Agree("erf", [Drawn((331,), wide)], "wide"),
    Agree("erf", [EXTREMES], "extremes"),
]

MATMUL = [
    *[
        Agree("matmul", [a, b], nan=True, slack=4)
        for a, b in [
            ((3, 5), (5, 7)),
            ((1, 1), (1, 1)),
            ((1, 37), (37, 1)),
            ((2, 3, 5), (5, 7)),
            ((3, 5), (2, 5, 7)),
            ((2, 3, 5), (2, 5, 7)),
            ((2, 1, 3, 5), (4, 5, 7)),
            ((0, 5), (5, 7)),
            ((3, 0), (0, 7)),
            ((2, 3, 0), (0, 7)),
            ((0, 3, 5), (5, 7)),
            ((67, 71), (71, 73)),  # the rest are large enough for two threads
            ((3, 401), (401, 403)),
            ((1031, 17), (17, 19)),
            ((5, 67, 31), (31, 41)),
            ((7, 61, 31), (7, 31, 41)),
            ((1, 1009), (1009, 307)),
        ]
    ],
    *[
        Agree("linear", [x, w, bias, onto and (*x[:-1], w[0])], nan=True, slack=4)
        for onto in (None, True)
        for x, w, bias in [
            ((3, 5), (7, 5), (7,)),
            ((2, 3, 5), (7, 5), (7,)),
            ((2, 3, 5), (7, 5), None),
            ((5,), (7, 5), (7,)),
            ((0, 5), (7, 5), (7,)),
            ((3, 0), (7, 0), (7,)),
            ((3, 0), (7, 0), None),
            ((3, 5), (0, 5), (0,)),
            ((131, 67), (71, 67), (71,)),
            ((3, 509), (257, 509), (257,)),
            ((67, 71), (61, 71), None),
            ((2, 71), (61, 71), None),
            ((1, 1, 1009), (307, 1009), None),
        ]
    ],
]

MAY_ATTEND = np.random.default_rng(11).random((2, 3, 5, 7)) < 0.6
MAY_ATTEND[0, 1, 2] = False  # a query that may look at nothing
ADDED = np.where(MAY_ATTEND, np.random.default_rng(12).normal(size=MAY_ATTEND.shape), -INF)
LONG_MASK = np.random.default_rng(13).random((131, 139)) < 0.5
LONG_MASK[70] = False


def attention(B, H, Hk, T, S, D, Dv, mask=None, causal=False, p=0.0, seed=0, what="", nan=False):
    q, k, v = (B, H, T, D), (B, Hk, S, D), (B, Hk, S, Dv)
    settings = [mask, causal, 1 / math.sqrt(D), p, seed]
    lse = Derived(lambda grad, *args: KERNELS["attention"].definition(*args)[1])
    title = what or f"{q} {v}"
    backward = [(B, H, T, Dv), q, k, v, *settings, lse]
    return [
        Agree("attention", [q, k, v, *settings], title, nan=nan, slack=4),
        Agree("attention_backward", backward, title, slack=8),
        Agree("attention_grad_scores", backward, title, layouts=False, slack=8),
    ]


ATTENTION = [
    *attention(2, 3, 3, 5, 7, 4, 2, nan=True),
    *attention(2, 3, 3, 5, 7, 4, 2, causal=True, what="causal, T < S"),
    *attention(2, 3, 3, 7, 5, 4, 2, causal=True, what="causal, T > S"),
    *attention(1, 1, 1, 1, 1, 1, 1, what="one of everything"),
    *attention(1, 2, 2, 1, 9, 3, 3, what="one query"),
    *attention(2, 6, 2, 5, 7, 4, 3, causal=True, what="grouped, causal"),
    *attention(2, 6, 2, 5, 7, 4, 3, mask=MAY_ATTEND[:, :1], what="grouped, mask"),
    *attention(2, 3, 3, 5, 7, 4, 2, mask=MAY_ATTEND, what="mask"),
    *attention(2, 3, 3, 5, 7, 4, 2, mask=MAY_ATTEND[:, :1, :1], what="padding mask"),
    *attention(2, 3, 3, 5, 7, 4, 2, mask=MAY_ATTEND[0, 1], what="one mask for all"),
    *attention(2, 3, 3, 5, 7, 4, 2, mask=MAY_ATTEND[0, :, :, :1], what="mask by query"),
    *attention(2, 3, 3, 5, 7, 4, 2, mask=ADDED, what="float mask with -inf"),
    *attention(2, 3, 3, 5, 7, 4, 2, mask=ADDED[1, 0, 0], what="float mask of one axis"),
    *attention(2, 3, 3, 5, 7, 4, 2, p=0.3, seed=2**63 + 5, what="dropout"),
    *attention(2, 6, 2, 5, 7, 4, 2, p=0.3, seed=7, causal=True, what="grouped, causal, dropout"),
    *attention(0, 2, 2, 3, 5, 4, 4, what="no batch"),
    *attention(1, 2, 2, 3, 0, 4, 2, what="no keys"),
    *attention(1, 2, 2, 0, 3, 4, 2, what="no queries"),
    # Longer than a block of 64 queries, and enough work for two threads
    *attention(2, 3, 3, 131, 131, 8, 8, causal=True, what="long, causal"),
    *attention(1, 4, 2, 131, 139, 8, 6, mask=LONG_MASK, what="long, grouped, mask"),
    *attention(1, 3, 3, 131, 70, 8, 8, causal=True, p=0.1, seed=3, what="long, causal, T > S"),
]


def self_attention(B, T, H, Hk, D, causal=True, p=0.0, seed=0, nan=False, prefix=None):
    prefix = None if prefix is None else np.array(prefix, np.int64)
    qkv, settings = (B, T, (H + 2 * Hk) * D), [H, Hk, causal, prefix, p, seed]
    title = f"{qkv} heads {H}, {Hk}{' causal' if causal else ''} p={p} prefix={prefix}"
    lse = Derived(lambda grad, *args: KERNELS["self_attention"].definition(*args)[1])
    return [
        Agree("self_attention", [qkv, *settings], title, nan=nan, slack=4),
        Agree("self_attention_backward", [(B, T, H * D), qkv, *settings, lse], title, slack=8),
    ]


def cached(B, T, H, Hk, D, kept, capacity, nan=False, prefix=None):
    qkv, cache = (B, T, (H + 2 * Hk) * D), (B, Hk, capacity, D)
    title = f"{qkv} heads {H}, {Hk} after {kept} prefix={prefix}"
    kept = np.array([kept] * B if isinstance(kept, int) else kept, np.int64)
    prefix = None if prefix is None else np.array(prefix, np.int64)
    return Agree("cached_attention", [qkv, cache, cache, kept, H, prefix], title, nan=nan, slack=4)


def decoder_block(
    B, T, H, Hk, D, hidden, kept, *, centred=True, bias=True, rotary=False, qk_gain=None,
    activation="gelu", capacity=11, nan=False,
):  # fmt: skip
    C, packed, cache = H * D, (H + 2 * Hk) * D, (B, Hk, capacity, D)
    settings = BlockSettings(H, centred, 1e-5, qk_gain, activation)
    title = f"{(B, T, C)} after {kept}, {hidden} within, {Hk} key heads, bias {bias}, {settings}"
    angles = np.random.default_rng(0).normal(
        size=(B, T, D // 2) if rotary == "rows" else (T, D // 2)
    )
    turned = [np.cos(angles), np.sin(angles)] if rotary else [None, None]
    weights = []
    for shape in ((C,), (packed, C), (C, C), (C,), (hidden, C), (hidden, C), (C, hidden)):
        gate = len(weights) == 10
        there = activation == "swiglu" or not gate
        has_bias = there and bias and (centred or len(shape) == 2)
        weight = Drawn(shape, of_unit_rows) if there else None
        weights += [weight, shape[:1] if has_bias else None]
    kept = np.array([kept] * B if isinstance(kept, int) else kept, np.int64)
    args = [(B, T, C), cache, cache, kept, *turned, settings, *weights]
    return Agree("decoder_block", args, title, nan=nan, slack=16)


DECODER_BLOCK = [
    decoder_block(1, 1, 3, 3, 4, 37, 5),
    decoder_block(2, 1, 6, 2, 4, 37, 5, activation="gelu_tanh", bias=False),
    decoder_block(3, 2, 6, 2, 4, 37, [5, 0, 3], rotary="rows", activation="swiglu"),
    decoder_block(1, 1, 6, 2, 4, 37, 10, rotary=True, activation="swiglu", nan=True),
    decoder_block(1, 7, 3, 3, 4, 41, 0, centred=False, rotary=True, activation="relu2"),
    decoder_block(2, 3, 4, 4, 6, 29, 4, centred=False, rotary=True, qk_gain=1.4, bias=False),
    decoder_block(1, 2, 4, 2, 4, 29, 1, centred=False, activation="swiglu", bias=False),
    decoder_block(0, 3, 3, 3, 4, 37, 5),
    decoder_block(4, 17, 4, 4, 64, 513, [30, 7, 0, 60], rotary="rows", capacity=79),  # 2 threads
]
SELF_ATTENTION = [
    *self_attention(2, 5, 3, 3, 4, nan=True),
    *self_attention(2, 5, 3, 3, 4, causal=False),
    *self_attention(1, 1, 1, 1, 1),
    *self_attention(2, 7, 6, 2, 5),
    *self_attention(2, 7, 6, 2, 5, p=0.3, seed=2**63 + 5),
    *self_attention(0, 5, 3, 3, 4),
    *self_attention(2, 131, 3, 3, 8, p=0.1, seed=3),
    *self_attention(1, 97, 4, 2, 11, causal=False),
    *self_attention(1, 33, 2, 1, 8),  # a last block of one query
    *self_attention(3, 7, 3, 3, 4, prefix=[3, 0, 7], nan=True),
    *self_attention(2, 7, 6, 2, 5, p=0.3, seed=5, prefix=[1, 6]),
    *self_attention(3, 131, 4, 2, 8, prefix=[70, 131, 33]),  # beyond a block of queries
    *self_attention(0, 7, 3, 3, 4, prefix=[]),
    cached(2, 1, 6, 2, 5, 0, 7),
    cached(2, 1, 3, 3, 4, 6, 7, nan=True),
    cached(2, 3, 6, 2, 5, 4, 11),
    cached(5, 1, 6, 2, 5, [0, 6, 2, 9, 1], 11, nan=True),
    cached(3, 3, 3, 3, 4, [7, 0, 5], 11),
    cached(3, 70, 4, 2, 8, [61, 0, 17], 139),
    cached(0, 3, 6, 2, 5, 4, 11),
    cached(3, 5, 6, 2, 5, 0, 11, prefix=[3, 0, 5]),
    cached(3, 70, 4, 2, 8, [61, 0, 17], 139, prefix=[80, 65, 0]),
    cached(3, 67, 4, 2, 8, 40, 131),
    cached(2, 1, 4, 2, 64, 700, 701),
]

ANGLES = np.random.default_rng(23).uniform(-3, 3, (61, 11))
ROTARY = [
    Agree("rotate", [(2, 5, 3, 22), np.cos(ANGLES[:5]), np.sin(ANGLES[:5]), 2], nan=True),
    Agree("rotate", [(2, 5, 3, 22), np.cos(ANGLES[:5]), np.sin(ANGLES[:5]), 3], "all heads"),
    Agree("rotate", [(2, 5, 3, 22), np.cos(ANGLES[:5]), np.sin(ANGLES[:5]), 0], "no head"),
    Agree("rotate", [(0, 5, 3, 22), np.cos(ANGLES[:5]), np.sin(ANGLES[:5]), 2], "no batch"),
    Agree("rotate", [(3, 61, 7, 22), np.cos(ANGLES), np.sin(ANGLES), 5], "large"),
]

HEAD_SHAPES = ((2, 5, 3, 22), 2), ((2, 5, 3, 22), 3), ((1, 5, 3, 1), 0), ((0, 5, 3, 7), 2)
HEAD_NORM = [
    case
    for shape, heads in (*HEAD_SHAPES, ((3, 61, 7, 22), 5))
    for case in (
        Agree("rms_norm_heads", [shape, heads, 1e-5, 1.7], f"{shape} {heads}", nan=True),
        Agree(
            "rms_norm_heads_backward",
            [shape, shape, (*shape[:2], heads), 1.7],
            f"{shape} {heads}",
            nan=True,
        ),
    )
]

TARGETS = np.array([4, 0, -100, 6, 2])
MANY = np.random.default_rng(17).integers(0, 257, 131)
MANY[::5] = -100


def cross_entropy(N, V, targets, ignore=-100, smoothing=0.0, what="", logits=None, nan=False):
    logits = (N, V) if logits is None else logits
    lse = Derived(lambda g, x, *_: KERNELS["cross_entropy"].definition(x, targets, ignore, 0.0)[1])
    title = what or f"({N}, {V}) smoothing {smoothing}"
    return [
        Agree("cross_entropy", [logits, targets, ignore, smoothing], title, nan=nan),
        Agree(
            "cross_entropy_backward",
            [(N,), logits, targets, lse, ignore, smoothing],
            title,
            slack=4,
        ),
    ]


CROSS_ENTROPY = [
    *cross_entropy(5, 7, TARGETS, nan=True),
    *cross_entropy(5, 7, TARGETS, smoothing=0.1),
    *cross_entropy(5, 7, np.array([4, 0, 1, 6, 2]), ignore=6, what="ignores class 6"),
    *cross_entropy(5, 7, np.full(5, -100), what="all ignored"),
    *cross_entropy(5, 7, np.array([0, 0, 0, -100, 0]), what="-inf",
                   logits=Drawn((5, 7), with_minus_infinity)),
    *cross_entropy(5, 7, np.array([0, 0, 1, -100, 2]), what="rows of -inf",
                   logits=Drawn((5, 7), with_dead_rows)),
    *cross_entropy(5, 7, np.array([0, 3, 1, -100, 2]), what="far apart",
                   logits=Drawn((5, 7), lambda r, s: 50 * wide(r, s))),
    *cross_entropy(0, 7, TARGETS[:0], what="no rows"),
    *cross_entropy(5, 1, np.zeros(5, np.int64), what="one class"),
    *cross_entropy(131, 257, MANY, smoothing=0.05),
]  # fmt: skip

IDS = np.array([[3, 0, 3], [3, 1, 0]])
MANY_IDS = np.random.default_rng(19).integers(0, 23, (37, 29))
EMBEDDING = [
    Agree("embedding", [(5, 7), IDS], nan=True),
    Agree("embedding", [(5, 7), np.array(3)], "0-d ids"),
    Agree("embedding", [(5, 7), IDS[:0]], "no ids"),
    Agree("embedding", [(5, 0), IDS], "no width"),
    Agree("embedding", [(23, 67), MANY_IDS]),
    Agree("embedding_backward", [(2, 3, 7), IDS, 5], nan=True),
    Agree("embedding_backward", [(7,), np.array(3), 5], "0-d ids"),
    Agree("embedding_backward", [(0, 3, 7), IDS[:0], 5], "no ids"),
    Agree("embedding_backward", [(37, 29, 67), MANY_IDS, 23], slack=4),
]

DROPOUT = [
    Agree("dropout", [shape, p, seed], f"{shape} {p} {seed}", nan=True)
    for shape in ((7, 5), (11,), (2, 3, 5), (0, 3), (3, 0), (131, 257))
    for p, seed in ((0.4, 5), (0.1, 2**64 - 3), (0.999, 2**33))
]


ARITHMETIC = [
    Agree("add", [x, y], nan=True)
    for x, y in (
        ((7, 5), (7, 5)), ((), ()), ((0, 3), (0, 3)), ((3, 1, 5), (7, 1)),
        ((131, 257), (131, 257)), ((131, 257), (257,)), ((2, 131, 257), (131, 257)),
    )
]  # fmt: skip
ARITHMETIC += [
    Agree("add", [x, y, x], f"{x} {y} into a third")
    for x, y in (((7, 5), (7, 5)), ((), ()), ((131, 257), (131, 257)), ((131, 257), (257,)))
]


def adam(shapes, step, weight_decay, decoupled):
    arrays = [*shapes * 3, *(Drawn(shape, positive) for shape in shapes)]
    settings = [step, 1e-2, 0.9, 0.99, 1e-8, weight_decay, decoupled]
    title = f"{shapes} {step} {weight_decay} {decoupled}"
    return Agree("adam_step", [*arrays, *settings], title, lists=4)


OPTIMIZER = [
    adam([(7, 5)], 1, 0.0, True),
    adam([(7, 5)], 10, 0.1, True),
    adam([(7, 5)], 10, 0.1, False),
    adam([()], 2, 0.1, True),
    adam([(0, 3)], 2, 0.1, True),
    adam([(131, 257)], 100, 0.1, True),
    adam([(7, 5), (), (131, 257), (3,), (40_009,), (1, 1)], 3, 0.1, True),
    *[
        case
        for shapes in (
            *([shape] for shape in ((7, 5), (), (0,), (3, 1), (131, 257), (40_009,))),
            [(7, 5), (0,), (131, 257)],
            [(7, 5), (), (131, 257), (3,), (40_009,), (1, 1)],
            [(16_384,), (1,), (16_385, 1)],
        )
        for case in (
            Agree("sum_of_squares", shapes, nan=True, lists=1),
            Agree("scale_", [*shapes, 0.3], nan=True, lists=1),
        )
    ],
]

AGREEMENTS = [
    *ARITHMETIC,
    *SOFTMAX,
    *NORMALIZATION,
    *ACTIVATIONS,
    *MATMUL,
    *ATTENTION,
    *SELF_ATTENTION,
    *DECODER_BLOCK,
    *ROTARY,
    *HEAD_NORM,
    *CROSS_ENTROPY,
    *EMBEDDING,
    *DROPOUT,
    *OPTIMIZER,
]
