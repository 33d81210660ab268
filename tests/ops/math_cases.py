"""Cases of the further elementwise ops: logarithms, sine, erf, steps, remainders, lerp."""

from case import Case, apart, normal, positive
from tensor_cases import BROADCAST, EMPTY

from tinyllm.ops.interpolation import Lerp, Reciprocal
from tinyllm.ops.rounding import Quotient, Remainder, Step
from tinyllm.ops.transcendental import (
    Cos,
    Erf,
    Expm1,
    Log1p,
    LogAddExp,
    LogToBase,
    Sin,
    Tan,
)
from tinyllm.tensor import apply


def off_the_steps(rng, shape):
    """Numbers that are not near a whole number, nor a half, nor these divided by 10."""
    return apart(rng, shape) + 0.07


def not_at_a_pole(rng, shape):
    return rng.uniform(-1.2, 1.2, shape)


def either_sign(rng, shape):
    return rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape)


def near_0(rng, shape):
    return rng.uniform(-0.1, 0.1, shape)


def quotient(x, y, rounding, around):
    """Between 2.1 and 2.9, or these with a minus: not near a step."""
    return apply(Quotient, x + around, y + 1, rounding=rounding)


def rest(x, y, rounding, around):
    return apply(Remainder, x + around, y + 1, rounding=rounding)


def unary(op, draw=normal, **params):
    return Case(op, [(3, 5)], params, EMPTY, draw)


LERP = {
    "row": [(2, 3, 5), (5,), (3, 1)],
    "0-d weight": [(3, 5), (3, 5), ()],
    "first": [(5,), (3, 5), (2, 1, 1)],
    "empty": [(0, 3), (0, 3), (3,)],
    "0-d": [(), (), ()],
}

MATH_CASES = [
    unary(Log1p, positive),
    unary(Expm1),
    unary(LogToBase, positive, base=2),
    unary(LogToBase, positive, base=10),
    Case(LogAddExp, [(3, 5), (3, 5)], more=BROADCAST, same=True),
    unary(Sin),
    unary(Cos),
    unary(Tan, not_at_a_pole),
    unary(Erf),
    unary(Reciprocal, either_sign),
    *(unary(Step, off_the_steps, how=how) for how in ("floor", "ceil", "trunc", "round", "sign")),
    unary(Step, off_the_steps, how="round", decimals=1),
    unary(Step, off_the_steps, how="round", decimals=-1),
    *(
        Case(op, [(3, 5), (3, 5)], {"rounding": rounding, "around": around}, BROADCAST, near_0, ops)
        for op, *ops in ((quotient, Quotient), (rest, Remainder))
        for rounding in ("floor", "trunc")
        for around in (2.5, -2.5)
    ),
    Case(Lerp, [(3, 5), (3, 5), (3, 5)], more=LERP),
]
