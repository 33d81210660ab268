"""Errors of the functions: who, what it got, what disagrees, and the likely mend."""

from __future__ import annotations

import pytest

import tinyllm
from tinyllm.nn import functional as F  # noqa: N812 - as one imports it


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
    (
        lambda: x(2, 6).unflatten(1, (4, 2)),
        r"unflatten: sizes \(4, 2\) do not multiply up to 6, the size of dim 1 of \(2, 6\)",
    ),
    (lambda: x(2, 6).unflatten(1, (4, -1)), r"unflatten: sizes \(4, -1\) do not multiply"),
    (lambda: x(2, 3).movedim((0, 1), 0), "movedim: .*equally many dims, none of them twice"),
    (lambda: x(2, 3).movedim((0, 0), (0, 1)), "movedim: .*none of them twice"),
    (lambda: x(2, 5).narrow(1, 3, 4), r"narrow: length 4 from 3 on .*dim 1 of \(2, 5\).*is 5"),
    (lambda: x(2, 5).narrow(1, 3, -1), "narrow: length -1"),
    (lambda: x(2, 5).diagonal(0, 1, -1), "diagonal: dim1 1 and dim2 -1 are the same dim"),
    (lambda: x(2, 5, 3).diag(), r"diag: .*\(2, 5, 3\); for batches there are diagonal"),
    (lambda: x(2, 5).repeat(3), r"repeat: \(3,\) names 1 numbers for the 2 dims of \(2, 5\)"),
    (lambda: x(2, 5).tile(-3), "tile: .*fewer than 0 times"),
    (
        lambda: x(2, 5).repeat_interleave(tinyllm.tensor([1, 2, 3]), 0),
        r"repeat_interleave: repeats \(3,\) must have one number for each of the 2 slices along",
    ),
    (lambda: x(5).repeat_interleave(ids - 2), r"repeats must not be negative.*-2"),
    (lambda: x(5).repeat_interleave(2, output_size=9), "output_size is 9, .* repeats give 10"),
    (lambda: x(2, 3).flip(0, -2), r"flip: dim \(0, -2\) names one dimension twice"),
    (lambda: x(2, 3).roll((1, 2), 0), r"roll: .*one shift for each dim.*\(1, 2\) and dims 0"),
    (lambda: x(2, 3).roll((1, 2)), r"roll: .*one shift for each dim"),
    (lambda: tinyllm.meshgrid(x(2, 3)), r"meshgrid: needs tensors of at most 1 dim.*\(2, 3\)"),
    (lambda: tinyllm.meshgrid(x(2), indexing="xz"), "indexing must be 'ij' or 'xy', not 'xz'"),
    (lambda: tinyllm.hstack([]), "hstack: needs a list"),
    (lambda: F.pad(x(2, 3), (1,)), r"pad: pad \(1,\) must hold two numbers for each dim"),
    (lambda: F.pad(x(2), (1, 1, 1, 1)), r"input \(2,\) has 1 dims"),
    (lambda: F.pad(x(2), (-1, -2)), r"pad: \(-1, -2\) cuts more off dim 0 than its size, 2"),
    (lambda: F.pad(x(2, 3), (3, 0), "reflect"), r"'reflect' cannot pad dim 1 .*at most 2 here"),
    (lambda: F.pad(x(3), (1, 1), "circular"), r"pad: .*behind one or two others.*\(3,\)"),
    (lambda: F.pad(x(2, 3), (1, 1), "mirror"), "constant, reflect, replicate, circular, not 'mir"),
    (lambda: F.pad(x(2, 3), (1, 1), "reflect", 1.0), "value 1.0 is for mode 'constant'"),
    (lambda: F.one_hot(ids[:0]), "one_hot: an empty tensor does not say num_classes"),
    (
        lambda: x(2, 3).scatter(1, ids[:, None], x(1, 1)),
        r"scatter: index \(2, 1\), input \(2, 3\) and src \(1, 1\) .*no larger than src",
    ),
    (lambda: x(2, 3).scatter(1, ids, 0), r"scatter: index \(2,\).*equally many dims"),
    (lambda: x(2, 3).scatter(1, ids, 0, reduce="max"), "reduce must be 'add', 'multiply' or None"),
    (
        lambda: x(2, 3).index_add(0, ids, x(1, 3)),
        r"index_add: input \(2, 3\), index \(2,\) and source \(1, 3\) do not fit",
    ),
    (lambda: x(2, 3).index_fill(0, ids[None], 0), r"index_fill: index must be 1-d, got \(1, 2\)"),
    (lambda: x(2, 3).index_fill(0, ids, x(3)), r"index_fill: value must be .*got shape \(3,\)"),
    (lambda: x(2, 3).index_select(0, ids[None]), r"index_select: needs a 1-d index.*\(1, 2\)"),
    (lambda: x(2, 3).take_along_dim(ids, 0), r"take_along_dim: .*keepdim=True"),
    (lambda: x(2, 3).masked_select(x(2) > 0), r"masked_select: .*dim -1: 3 != 2"),
    (lambda: x(3).masked_scatter(x(3) > 0, x(2)), r"source \(2,\) has 2 elements.*True 3 times"),
    (lambda: x(3)[::-1], "getitem: a slice must step forwards, and -1 is below 0: use flip"),
    (lambda: x(3).__setitem__(slice(None, None, -1), 0), "setitem: a slice must step forwards"),
    (lambda: tinyllm.arange(3) ** -1, "float"),
    (lambda: tinyllm.arange(0, float("inf")), "arange: from 0 to inf .*not finitely many"),
    (
        lambda: x(2).masked_fill_(x(2) > 0, x(2)),
        r"masked_fill_: value must be a number or a 0-d tensor, got shape \(2,\).*where\(mask",
    ),
    (lambda: F.linear(ids, ids), r"linear: weight must be .*\(2,\)"),
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
        lambda: F.linear(ids, tinyllm.eye(2).long(), x(2)),
        "linear: input is int64 but bias is float32",
    ),
    (
        lambda: F.linear(x(2), tinyllm.eye(2).long()),
        r"matmul: input is float32 and other is int64.*other\.to",
    ),
    (lambda: F.mse_loss(ids, ids), r"mse_loss: .*int64; try \.float\(\)"),
    (
        lambda: F.binary_cross_entropy_with_logits(ids, x(2)),
        "binary_cross_entropy_with_logits: input must be logits, floating-point, not int64",
    ),
    (lambda: x(2, 3).movedim("a", 0), "movedim: dim must be an int, got str"),
    (lambda: x(2, 3).repeat(1.5, 2), "repeat: sizes must be ints"),
    (lambda: x(2, 3).flip(0, dims=(1,)), "flip: got sizes twice"),
    (lambda: x(3).repeat_interleave(x(3)), "repeats must be an int or a 1-d integer.*float32"),
    (lambda: x(3).repeat_interleave([1, 2, 1]), "repeat_interleave: .*integer tensor, not list"),
    (lambda: tinyllm.meshgrid(x(2), ids), "meshgrid: needs tensors of one dtype.*float32, int64"),
    (lambda: F.pad(ids, (1, 1), value=float("inf")), "pad: inf does not fit a tensor of int64"),
    (lambda: F.one_hot(x(3)), "one_hot: classes must be an integer tensor, got float32"),
    (lambda: x(3).scatter(0, ids), "scatter: give a tensor or number to write"),
    (lambda: x(3).scatter(0, ids, x(2), value=1), "scatter: give .*only one"),
    (lambda: x(3).scatter(0, x(2), 1), "scatter: the index must be an integer tensor, got float32"),
    (lambda: ids.scatter(0, ids, float("nan")), "scatter: nan does not fit"),
    (
        lambda: x(3).scatter_add(0, ids, ids),
        r"scatter_add: src is int64 and input is float32.*src\.to\('float32'\)",
    ),
    (lambda: x(3).index_add(0, ids, ids), r"index_add: source is int64 .*source\.to\('float32'\)"),
    (
        lambda: ids.index_add(0, ids[:1], ids[:1], alpha=0.5),
        "index_add: alpha = 0.5 times integers",
    ),
    (lambda: x(3).masked_select(x(3)), "masked_select: the mask must be a bool tensor.*mask != 0"),
    (lambda: x(3).masked_scatter(ids, x(3)), "masked_scatter: the mask must be a bool tensor"),
    (lambda: x(3).masked_scatter(x(3) > 0, ids), "source is int64 and input is float32"),
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
    (lambda: x(3).take_along_dim(ids, 0), r"take_along_dim: index 3 at \[1\] is outside \[-3, 3\)"),
    (lambda: x(3).scatter(0, ids, 1), r"scatter: index 3 at \[1\] is outside \[0, 3\), the size"),
    (lambda: x(3).scatter_(0, -ids, 1), r"scatter: index -3 at \[1\] is outside \[0, 3\)"),
    (lambda: x(3).scatter_add(0, ids, x(2)), r"scatter_add: index 3 at \[1\] is outside \[0, 3\)"),
    (lambda: x(3).index_add(0, ids, x(2)), r"index_add: index 3 at \[1\] is outside \[0, 3\)"),
    (lambda: x(3).index_fill(0, ids, 0), r"index_fill: index 3 at \[1\] is outside \[-3, 3\)"),
    (lambda: F.one_hot(ids, 3), r"one_hot: class 3 at \[1\] is outside \[0, 3\)"),
    (lambda: F.one_hot(-ids), r"one_hot: class -3 at \[1\] is outside"),
    (lambda: x(2, 3).select(1, -4), r"select: index -4 is outside dim 1 of \(2, 3\)"),
    (lambda: x(2, 5).narrow(1, 6, 0), r"narrow: start 6 is outside \[-5, 5\].*dim 1 of \(2, 5\)"),
    (lambda: x(5).diagonal(), "diagonal: a diagonal needs two dims, and the tensor has 1"),
    (lambda: x(3)[ids.byte()], r"getitem: a uint8 tensor is a mask.*\.bool\(\).*\.long\(\)"),
    (lambda: x(3)[0].flatten(0, 1), "flatten: dim 1"),
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
    with pytest.raises(RuntimeError, match="reduce='multiply' has no gradient.*detach"):
        w.scatter(0, ids[:1], 2, reduce="multiply")
