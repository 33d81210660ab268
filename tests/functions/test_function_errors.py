"""Errors of the functions: who, what it got, what disagrees, and the likely mend."""

from __future__ import annotations

import pytest

import tinyllm


def x(*shape: int) -> tinyllm.Tensor:
    return tinyllm.ones(*shape)


ids = tinyllm.tensor([0, 3])

VALUE_ERRORS = [
    (lambda: x(2, 3) + x(4, 3), r"add: input \(2, 3\) and other \(4, 3\).*in dim -2: 2 != 4"),
    (lambda: x(5, 3) * x(5), r"mul: .*in dim -1: 3 != 5.*did you mean other\.unsqueeze\(-1\)"),
    (lambda: x(2, 3) / x(3, 2), r"div: .*Did you mean input\.T"),
    (lambda: x(2) == x(3), r"eq: .*dim -1: 2 != 3"),
    (lambda: tinyllm.maximum(x(2), x(3)), "maximum: "),
    (lambda: tinyllm.where(x(2) > 0, x(3), 0.0), r"where: condition \(2,\) and input \(3,\)"),
    (lambda: x(2, 3).masked_fill(x(3, 2) > 0, 0), r"masked_fill: input \(2, 3\) and mask \(3, 2\)"),
    (
        lambda: x(2, 3) @ x(2, 3),
        r"matmul: .*\(2, 3\).*disagree on K: 3 != 2.*did you mean other\.mT",
    ),
    (lambda: x(2, 3) @ x(5), r"disagree on K: 3 != 5"),
    (lambda: x(2, 3) @ x(2), r"disagree on K: 3 != 2: did you mean input\.mT"),
    (lambda: x(2, 3, 4) @ x(5, 4, 3), r"matmul: .*leading dims: 2 != 5"),
    (lambda: x(2) @ tinyllm.tensor(1.0), "at least 1 dim"),
    (lambda: x(2, 3).mm(x(3)), "mm: needs two matrices"),
    (
        lambda: x(2, 3).reshape(4, 2),
        r"reshape: shape \(4, 2\) cannot hold the 6 elements of \(2, 3\)",
    ),
    (lambda: x(2, 3).reshape(4, -1), "6 is not a multiple of 4"),
    (lambda: x(2, 3).reshape(-1, -1), "more than one size"),
    (lambda: x(0).reshape(0, -1), "cannot hold"),
    (lambda: x(2, 3).T.view(6), r"view: \(3, 2\) is not contiguous.*\.reshape\(6,\)"),
    (lambda: x(2, 3).expand(4, 3), r"expand: \(2, 3\) does not expand to \(4, 3\)"),
    (lambda: x(2, 3).expand(3), "expand"),
    (lambda: x(2, 3).expand(-1, 2, 3), "expand"),
    (lambda: x(2, 3).permute(0, 0), "does not name each of the 2 dims once"),
    (lambda: x(2, 3).sum((0, -2)), r"sum: dim \(0, -2\) names one dimension twice"),
    (
        lambda: tinyllm.cat([x(2, 3), x(2, 4)]),
        r"cat: tensor 0 \(2, 3\) and tensor 1 \(2, 4\).*dim 0",
    ),
    (lambda: tinyllm.cat([]), "cat: needs a list"),
    (lambda: tinyllm.cat([tinyllm.tensor(1.0)]), "use stack"),
    (lambda: tinyllm.stack([x(2), x(3)]), r"stack: tensor 0 \(2,\) and tensor 1 \(3,\)"),
    (lambda: x(5).split([2, 2]), r"sections \[2, 2\] sum to 4, but dim 0 of \(5,\) is 5"),
    (lambda: x(5).split(0), "split_size must be positive"),
    (lambda: x(5).chunk(0), "chunks must be at least 1"),
    (lambda: x(0, 3).max(), r"max: .*\(0, 3\) has no element to choose"),
    (lambda: x(2, 0).argmax(1), "argmax: there is no element"),
    (lambda: x(2, 0).amin(), "amin: "),
    (lambda: x(5).topk(6), "topk: k = 6 of a dimension of size 5"),
    (lambda: x(2, 3).gather(0, ids), r"gather: index \(2,\) and input \(2, 3\)"),
    (lambda: x(5).clamp(), "clamp: give min"),
    (lambda: x(5).tril(), "tril: needs a matrix"),
    (lambda: tinyllm.arange(3) ** -1, "float"),
    (lambda: tinyllm.arange(0, float("inf")), "arange: from 0 to inf .*not finitely many"),
    (
        lambda: x(2).masked_fill_(x(2) > 0, x(2)),
        r"masked_fill_: value must be a number or a 0-d tensor, got shape \(2,\).*where\(mask",
    ),
    (lambda: tinyllm.nn.functional.linear(ids, ids), r"linear: weight must be .*\(2,\)"),
]
TYPE_ERRORS = [
    (lambda: x(2).double() @ x(2), r"matmul: input is float64 and other is float32.*other\.to"),
    (
        lambda: tinyllm.arange(3).mean(),
        r"mean: needs a floating-point tensor, got int64.*\.float\(\)",
    ),
    (lambda: tinyllm.arange(3).softmax(0), r"softmax: .*int64.*\.float\(\)"),
    (lambda: tinyllm.arange(3).var(), "var: "),
    (
        lambda: tinyllm.where(x(2), x(2), 0),
        "where: the condition must be a bool tensor, got float32",
    ),
    (lambda: x(2).masked_fill(x(2), 0), r"masked_fill: the mask must be a bool.*mask == 0"),
    (lambda: ids.masked_fill(ids > 0, 0.5), "0.5 does not fit a tensor of int64"),
    (lambda: ids.masked_fill(ids > 0, -float("inf")), "-inf does not fit"),
    (lambda: -(ids > 0), "neg: bools"),
    (lambda: (ids > 0) - (ids > 1), "sub: bools"),
    (lambda: ~x(2), "bitwise_not: needs a bool or integer"),
    (lambda: x(2) & x(2), "bitwise_and: needs bool or integer"),
    (lambda: x(2, 3).sum("rows"), "sum: dim must be an int, got str"),
    (lambda: x(2, 3).reshape(2.0, 3), "reshape: sizes must be ints"),
    (lambda: tinyllm.exp([1.0]), "exp: needs a Tensor, got list; wrap it in tinyllm.tensor"),
    (lambda: tinyllm.exp(1.0), "exp: needs a Tensor, got float"),
    (lambda: tinyllm.cat([x(2), 3]), "cat: needs a Tensor, got int"),
    (lambda: x(3).gather(0, x(3)), "gather: the index must be an integer tensor, got float32"),
    (lambda: x(3).view(tinyllm.int32), r"use \.to\(int32\)"),
    (lambda: (ids > 0).topk(1), "topk: bools"),
    (lambda: tinyllm.arange(3, dtype=tinyllm.bool), "arange: bools do not come in sequence"),
    (lambda: tinyllm.linspace(0, 1, 3, dtype=tinyllm.bool), "linspace: bools do not come"),
    (lambda: tinyllm.linspace(0, 1, 2.5), "linspace: sizes must be ints"),
    (lambda: tinyllm.remainder(2, 3), "remainder: needs a Tensor, got int"),
    (lambda: tinyllm.bitwise_and(2, 3), "bitwise_and: needs a Tensor, got int"),
    (lambda: x(3, 4).narrow(0, x(1)[0] > 0, 2), "narrow: bools"),
    (
        lambda: tinyllm.nn.functional.linear(ids, tinyllm.eye(2).long(), x(2)),
        "linear: input is int64 but bias is float32",
    ),
    (
        lambda: tinyllm.nn.functional.linear(x(2), tinyllm.eye(2).long()),
        r"matmul: input is float32 and other is int64.*other\.to",
    ),
    (lambda: tinyllm.nn.functional.mse_loss(ids, ids), r"mse_loss: .*int64; try \.float\(\)"),
    (
        lambda: tinyllm.nn.functional.binary_cross_entropy_with_logits(ids, x(2)),
        "binary_cross_entropy_with_logits: input must be logits, floating-point, not int64",
    ),
]
INDEX_ERRORS = [
    (lambda: x(2, 3).sum(2), r"sum: dim 2 is outside \[-2, 1\] of a 2-dimensional tensor"),
    (lambda: x(2, 3).softmax(-3), r"softmax: dim -3 is outside \[-2, 1\]"),
    (lambda: x(2, 3).transpose(0, 2), "transpose: dim 2"),
    (lambda: x(2, 3).unsqueeze(3), r"unsqueeze: dim 3 is outside \[-3, 2\]"),
    (lambda: tinyllm.tensor(1.0).roll(1, 0), "roll: a 0-d tensor has no dim 0"),
    (lambda: x(2, 3)[2], r"getitem: index 2 is out of bounds.*\(the tensor has shape \(2, 3\)\)"),
    (lambda: x(2, 3)[0, 0, 0], "too many indices"),
    (lambda: x(2, 3)[[0, 5]], "index 5 is out of bounds"),
    (lambda: x(2, 3)[0.5], "getitem: an index is an int, a slice.*not float"),
    (lambda: x(2, 3)["a"], "not str"),
    (lambda: x(2, 3)[x(2)], "not a float32 tensor"),
    (lambda: x(2, 3)[x(3) > 0], "boolean index"),
    (
        lambda: x(3).gather(0, ids),
        r"gather: index 3 at \[1\] is outside \[0, 3\), the size of dim 0",
    ),
    (lambda: x(3).gather(0, -ids), r"index -3 at \[1\] is outside"),
    (lambda: x(2, 3).index_select(1, ids), r"index_select: index 3 at \[1\] is outside \[0, 3\)"),
]


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        *((ValueError, *case) for case in VALUE_ERRORS),
        *((TypeError, *case) for case in TYPE_ERRORS),
        *((IndexError, *case) for case in INDEX_ERRORS),
    ],
)
def test_message(kind: type[Exception], call, message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        call()
    assert type(caught.value) is kind


def test_integer_division_by_zero() -> None:
    for operate in (lambda: ids // 0, lambda: ids % tinyllm.tensor([0, 1])):
        with pytest.raises(RuntimeError, match="integer division by zero"):
            operate()


def test_requires_grad_is_not_lost_to_numpy() -> None:
    w = tinyllm.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        w.numpy()
