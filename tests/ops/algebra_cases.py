"""Cases of products and running sums, of the spread, and of what is composed of these."""

import numpy as np
from case import Case, apart, normal

from tinyllm import functions, linalg
from tinyllm.ops.products import CumProd, Prod
from tinyllm.ops.reduction import Std
from tinyllm.ops.running import CumSum, LogCumSumExp

EMPTY = {"empty": [(3, 0)], "no rows": [(0, 5)]}


def with_zeros(rng, shape):
    """None, one or several zeros in each row: a product of numbers has no kink there."""
    x = rng.normal(size=shape)
    return np.where(rng.random(shape) < 0.25, 0, x)


def steep(rng, shape):
    """Numbers whose sums over a row or a column are far from each other, too."""
    size = int(np.prod(shape))
    return (rng.permutation(1.4 ** np.arange(size)) * rng.choice([-1, 1], size)).reshape(shape)


def einsum(*operands, equation):
    return functions.einsum(equation, *operands)


def equation(text, *shapes):
    return Case(einsum, shapes, {"equation": text})


def middle(x, dim=None):
    """The median alone."""
    return functions.median(x) if dim is None else functions.median(x, dim)[0]


RUNNING = [
    Case(op, [(3, 5)], {"dim": dim}, EMPTY, draw)
    for op in (CumSum, CumProd, LogCumSumExp, Prod)
    for dim in (0, 1)
    for draw in ((normal, with_zeros) if op in (CumProd, Prod) else (normal,))
]

EINSUM = [
    equation("bik,bkj->bij", (2, 3, 5), (2, 5, 7)),
    equation("ij,kj->ki", (2, 3), (5, 3)),
    equation("i,j->ji", (2,), (3,)),
    equation("iij->ji", (3, 3, 2)),
    equation("...i,...i->...", (2, 1, 3), (5, 3)),
    equation("ij,ij->i", (2, 1), (1, 3)),
    equation("ij,jk,kl->il", (2, 3), (3, 5), (5, 2)),
    equation("ij,jk->ik", (2, 0), (0, 3)),
    equation("ij->", (2, 3)),
]

ALGEBRA_CASES = [
    *RUNNING,
    Case(Prod, [(2, 3, 2)], {"dim": 1, "keepdim": True}, draw=with_zeros),
    Case(Prod, [(2, 3)], {"dim": None}, {"0-d": [()], "empty": [(0, 3)]}),
    Case(Prod, [(7,)], {"dim": None}, draw=with_zeros, name="zeros"),
    Case(Std, [(2, 3, 5)], {"dim": (1,)}),
    Case(Std, [(2, 3, 5)], {"dim": (0, 2), "keepdim": True}),
    Case(Std, [(2, 3, 5)], {"dim": None, "correction": 0}),
    *EINSUM,
    Case(functions.outer, [(3,), (5,)], more={"empty": [(3,), (0,)]}),
    Case(functions.inner, [(2, 3), (5, 3)], more={"vectors": [(3,), (3,)], "0-d": [(), (3,)]}),
    Case(functions.mv, [(2, 3), (3,)], more={"empty": [(0, 3), (3,)]}),
    Case(
        functions.addmm,
        [(2, 5), (2, 3), (3, 5)],
        {"beta": 0.5, "alpha": 2},
        {
            "row": [(5,), (2, 3), (3, 5)],
            "0-d": [(), (2, 3), (3, 5)],
            "sum of none": [(5,), (2, 0), (0, 5)],
        },
    ),
    Case(functions.addmv, [(2,), (2, 3), (3,)], more={"one": [(1,), (2, 3), (3,)]}),
    Case(
        functions.baddbmm,
        [(7, 2, 5), (7, 2, 3), (7, 3, 5)],
        more={"row": [(5,), (7, 2, 3), (7, 3, 5)]},
    ),
    Case(functions.trace, [(3, 5)], more={"tall": [(5, 3)], "empty": [(0, 3)]}),
    Case(functions.dist, [(3, 5), (5,)], {"p": 3}),
    Case(linalg.matrix_norm, [(2, 3, 2)], {"ord": 1}, draw=steep),
    Case(linalg.matrix_norm, [(2, 3, 2)], {"ord": -np.inf, "dim": (2, 0)}, draw=steep),
    Case(middle, [(7,)], more={"even": [(3, 2)]}, draw=apart),
    Case(middle, [(3, 5)], {"dim": 0}, draw=apart),
]
