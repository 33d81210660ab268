"""einsum: sums of products, written by naming the dims of each tensor by a letter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyllm.functions.arguments import check_tensor
from tinyllm.functions.indexing import getitem
from tinyllm.functions.linalg import product
from tinyllm.functions.pointwise import mul
from tinyllm.functions.reduction import sum as sum_over
from tinyllm.functions.shape import permute, reshape, squeeze
from tinyllm.tensor import Tensor

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass
class Named:
    """A tensor with a name for each dim: a letter, or "...1" for one that `...` stands for."""

    tensor: Tensor
    names: list[str]

    def size(self, name: str) -> int:
        """The size of a dim by name; 1 for one that is not there, and so repeats."""
        return self.tensor.shape[self.names.index(name)] if name in self.names else 1

    def sum(self, names: Sequence[str]) -> Named:
        """Sum over some of the dims."""
        if not names:
            return self
        dims = tuple(self.names.index(name) for name in names)
        return Named(sum_over(self.tensor, dims), [n for n in self.names if n not in names])

    def arranged(self, *groups: Sequence[str]) -> Tensor:
        """The tensor with its dims in the order of the groups, each group made one dim."""
        order = [self.names.index(name) for group in groups for name in group]
        sizes = [math.prod(self.size(name) for name in group) for group in groups]
        return reshape(permute(self.tensor, order), sizes)


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sum products of elements, as an equation over named dims says.

    "bik,bkj->bij" is a batched matrix product: a letter before the arrow that is missing behind it
    is summed over, one that several tensors share runs through them together. A letter twice in
    one tensor is its diagonal; `...` stands for any further dims, which broadcast. Without an
    arrow the result has the dims of `...` and the letters that occur once, in alphabetical order.

    Args:    equation: as above; or the operands and their dims as lists of ints below 52 in turn,
             einsum(x, [0, 1], y, [1, 2], [0, 2]), with Ellipsis for `...`.
             operands: as many tensors as the equation has terms; or a list of them.
    Raises:  ValueError where letters and dims or sizes disagree, TypeError for mixed dtypes where
             products are summed.
    PyTorch: torch.einsum; there, too, a dim of size 1 repeats. Taken from left to right here.
    """
    if not isinstance(equation, str):
        equation, operands = _as_equation(equation, *operands)
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    terms, result = _parse(equation, operands)
    _check_sizes(terms)
    if not set(result) <= {name for term in terms for name in term.names}:
        missing = [n for n in result if not any(n in term.names for term in terms)]
        raise ValueError(f"einsum: the result has {missing[0]!r}, which no operand has: {equation}")
    if len(set(result)) < len(result):
        raise ValueError(f"einsum: the result names a dim twice: {equation}")
    rest = [_with_diagonals(term) for term in terms]
    while len(rest) > 1:
        a, b, *rest = rest
        later = {*result, *(name for term in rest for name in term.names)}
        rest = [_contract(a, b, later), *rest]
    (y,) = rest
    y = y.sum([name for name in y.names if name not in result])
    return permute(y.tensor, [y.names.index(name) for name in result])


def _contract(a: Named, b: Named, later: set[str]) -> Named:
    """Multiply two tensors, and sum over the dims that nothing later needs."""
    a, b = _without_repeats(a, b), _without_repeats(b, a)
    a = a.sum([name for name in a.names if name not in later and name not in b.names])
    b = b.sum([name for name in b.names if name not in later and name not in a.names])
    both = [name for name in a.names if name in b.names]
    batch = [name for name in both if name in later]
    inner = [name for name in both if name not in later]
    rows = [name for name in a.names if name not in both]
    columns = [name for name in b.names if name not in both]
    names = [*batch, *rows, *columns]
    shape = [(a if name in a.names else b).size(name) for name in names]
    if not inner:  # nothing to sum: no matrix product
        y = mul(a.arranged(batch, rows, ()), b.arranged(batch, (), columns))
    else:
        stack = [batch] if batch else []
        left, right = a.arranged(*stack, rows, inner), b.arranged(*stack, inner, columns)
        y = product("einsum", left, right, "left right")
    return Named(reshape(y, shape), names)


def _without_repeats(a: Named, b: Named) -> Named:
    """Drop the dims of size 1 that repeat along a larger one of b."""
    repeats = [n for n in a.names if a.size(n) == 1 and n in b.names and b.size(n) != 1]
    if not repeats:
        return a
    dims = tuple(a.names.index(name) for name in repeats)
    return Named(squeeze(a.tensor, dims), [n for n in a.names if n not in repeats])


def _with_diagonals(term: Named) -> Named:
    """Make a letter that occurs twice one dim: the elements at which both indices are equal."""
    tensor, names = term.tensor, term.names
    for name in dict.fromkeys(names):
        dims = [dim for dim, other in enumerate(names) if other == name]
        if len(dims) > 1:
            rest = [dim for dim in range(len(names)) if dim not in dims]
            place = Tensor(np.arange(tensor.shape[dims[0]]))
            tensor = getitem(permute(tensor, [*dims, *rest]), (place,) * len(dims))
            names = [name, *(names[dim] for dim in rest)]
    return Named(tensor, names)


# Reading the equation


def _parse(equation: str, operands: Sequence[Any]) -> tuple[list[Named], list[str]]:
    """The operands with their dims named, and the names of the result's."""
    left, arrow, right = "".join(equation.split()).partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(
            f"einsum: {equation!r} has {len(terms)} terms, and there are {len(operands)} operands"
        )
    for term in [*terms, right]:
        wrong = set(term.replace("...", "", 1)) - set(LETTERS)
        if wrong:
            raise ValueError(
                f"einsum: {min(wrong)!r} in {equation!r} is no letter; dims are letters, or `...` "
                "once in a term"
            )
    dots = [
        check_tensor("einsum", x).ndim - len(term.replace("...", ""))
        for x, term in zip(operands, terms, strict=True)
    ]
    for place, (x, term) in enumerate(zip(operands, terms, strict=True)):
        if dots[place] < 0 or (dots[place] and "..." not in term):
            raise ValueError(
                f"einsum: operand {place} of shape {x.shape} has {x.ndim} dims, and its term "
                f"{term!r} names {x.ndim - dots[place]}"
            )
    named = [
        Named(x, _names(term, count)) for x, term, count in zip(operands, terms, dots, strict=True)
    ]
    most = max(dots, default=0)
    if arrow:
        return named, _names(right, most)
    once = sorted(letter for letter in set(left) & set(LETTERS) if left.count(letter) == 1)
    return named, [*_names("..." if "..." in left else "", most), *once]


def _names(term: str, dots: int) -> list[str]:
    """One name for each dim; those of `...` are counted from the last, as broadcasting does."""
    before, ellipsis, after = term.partition("...")
    between = [f"...{k}" for k in range(dots, 0, -1)] if ellipsis else []
    return [*before, *between, *after]


def _check_sizes(terms: Sequence[Named]) -> None:
    sizes: dict[str, int] = {}
    for place, term in enumerate(terms):
        own: dict[str, int] = {}
        for name, size in zip(term.names, term.tensor.shape, strict=True):
            other = own.setdefault(name, size)
            if other == size:
                other = sizes.setdefault(name, size)
                sizes[name] = size if other == 1 else other
                if size == 1 or other in (1, size):
                    continue
            raise ValueError(
                f"einsum: {name!r} is {size} in operand {place} of shape {term.tensor.shape}, and "
                f"{other} before"
            )


def _as_equation(*arguments: Any) -> tuple[str, list[Any]]:
    """The other form, operands and lists of dims in turn, as an equation and operands."""
    operands, lists = list(arguments[0::2]), list(arguments[1::2])
    result = operands.pop() if len(operands) > len(lists) else None
    terms = [_as_term(dims) for dims in lists]
    return ",".join(terms) + ("" if result is None else "->" + _as_term(result)), operands


def _as_term(dims: Any) -> str:
    valid = isinstance(dims, list | tuple) and all(
        dim is Ellipsis or (isinstance(dim, int) and 0 <= dim < len(LETTERS)) for dim in dims
    )
    if not valid:
        raise ValueError(
            'einsum: needs an equation such as "ij,jk->ik" and its operands; or operands and lists '
            f"of ints in [0, {len(LETTERS)}) in turn, got {type(dims).__name__} for such a list"
        )
    return "".join("..." if dim is Ellipsis else LETTERS[dim] for dim in dims)
