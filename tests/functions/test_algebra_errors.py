"""Errors of products, reductions and norms: who, what it got, what disagrees, the likely mend."""

from __future__ import annotations

import pytest

import tinyllm
from tinyllm import linalg


def x(*shape: int) -> tinyllm.Tensor:
    return tinyllm.ones(*shape)


whole = tinyllm.arange(3)
mask = whole > 0
byte = whole.byte()

VALUE_ERRORS = [
    (
        lambda: x(2, 3).mm(x(3)),
        r"mm: needs two matrices, input \(M, K\) and mat2 \(K, N\), got \(2, 3\)",
    ),
    (lambda: x(2, 3).mm(x(2, 3)), r"mm: input .* mat2 .* on K: 3 != 2: did you mean mat2\.mT"),
    (
        lambda: x(2, 3).mv(x(2)),
        r"mv: input \(..., M, K\) = \(2, 3\) and vec \(K\) = \(2,\).*input\.mT",
    ),
    (lambda: x(3).mv(x(3)), "mv: needs a matrix and a vector"),
    (lambda: x(3).dot(x(2)), r"dot: input \(K\) = \(3,\) and tensor \(K\) = \(2,\) disagree on K"),
    (lambda: x(2, 3).dot(x(3)), "dot: needs two vectors"),
    (lambda: x(5, 2, 3).bmm(x(1, 3, 2)), r"bmm: .* disagree on B: 5 != 1; matmul would repeat"),
    (lambda: x(2, 3).bmm(x(3, 2)), "bmm: needs two batches of matrices"),
    (
        lambda: x(2, 3).outer(x(3)),
        r"outer: needs input \(M\) and vec2 \(N\), got \(2, 3\) and \(3,\)",
    ),
    (lambda: x(2, 3).inner(x(2, 2)), "inner: .* disagree on K: 3 != 2"),
    (
        lambda: x(3).addmm(x(2, 3), x(3, 4)),
        r"addmm: input \(3,\) .*product of mat1 .*which is \(2, 4\)",
    ),
    (lambda: x(4).addmm(x(2, 3), x(4, 4)), "addmm: mat1 .* and mat2 .* disagree on K: 3 != 4"),
    (lambda: x(2).addmv(x(2, 3), x(4)), "addmv: mat .* and vec .* disagree on K"),
    (lambda: x(2).baddbmm(x(2, 3, 4), x(3, 4, 5)), "baddbmm: .* disagree on B: 2 != 3"),
    (lambda: x(2, 3, 4).trace(), r"trace: needs a matrix \(N, M\), got \(2, 3, 4\)"),
    (lambda: x(2).dist(x(3)), r"dist: input \(2,\) and other \(3,\) do not broadcast"),
    (lambda: x(0, 3).norm(float("inf")), r"norm: \(0, 3\) has no element along dim None"),
    (lambda: x(2, 3).norm("nuc"), "norm: p must be a number or 'fro', got 'nuc'"),
    (lambda: linalg.norm(x(2, 3), 2), r"linalg\.norm: ord 2 of a matrix is not here.*vector_norm"),
    (lambda: linalg.norm(x(2, 3, 4), 1), r"without dim, needs 1 or 2 dims, got \(2, 3, 4\)"),
    (lambda: linalg.norm(x(2, 3), dim=()), "must name one or two dims"),
    (lambda: linalg.matrix_norm(x(3)), "matrix_norm: needs two dims of a matrix"),
    (lambda: x(0, 3).aminmax(), "aminmax: .* has no element to choose"),
    (lambda: x(0, 3).median(0), "median: .* has no element to choose"),
    (lambda: byte.fill_(256), "fill_: 256 is out of the range of uint8"),
    (lambda: byte.masked_fill(mask, 300), "masked_fill: 300 is out of the range of uint8"),
    (
        lambda: x(2).half().masked_fill(x(2) > 0, -1e9),
        "masked_fill: .* is out of the range of float16",
    ),
    (lambda: byte.clamp(max=300), "clamp: 300 is out of the range of uint8"),
    (lambda: tinyllm.where(mask, byte, -256), "where: -256 is out of the range of uint8"),
    (lambda: byte**256, "pow: 256 is out of the range of uint8"),
    (lambda: tinyllm.einsum("ij,jk->ik", x(2, 3)), "has 2 terms, and there are 1 operands"),
    (lambda: tinyllm.einsum("ij->k", x(2, 3)), "result has 'k', which no operand has"),
    (lambda: tinyllm.einsum("ij->ii", x(2, 3)), "names a dim twice"),
    (
        lambda: tinyllm.einsum("i->i", x(2, 3)),
        r"operand 0 of shape \(2, 3\) has 2 dims, and its term 'i'",
    ),
    (
        lambda: tinyllm.einsum("ij,jk", x(2, 3), x(4, 5)),
        r"'j' is 4 in operand 1 of shape \(4, 5\), and 3",
    ),
    (lambda: tinyllm.einsum("i1->i", x(2, 3)), "'1' in 'i1->i' is no letter"),
    (lambda: tinyllm.einsum(x(2), x(2)), r"needs an equation .*, got Tensor"),
]
TYPE_ERRORS = [
    (
        lambda: x(2, 3).mm(x(3, 4).double()),
        r"mm: input is float32 and mat2 is float64.*mat2\.to\(input",
    ),
    (lambda: mask @ mask, "matmul: bools are no numbers"),
    (lambda: x(2).addmm(x(2, 2), x(2, 2).double()), "addmm: input is float32 and mat2 is float64"),
    (lambda: tinyllm.einsum("i,i", x(3), whole), "einsum: left is float32 and right is int64"),
    (lambda: x(3).std(False, True), "std: dim must be an int, got False"),
    (lambda: x(3).var(unbiased=True, correction=0), "var: give correction=0 or unbiased=True"),
    (lambda: whole.std(), "std: needs a floating-point tensor, got int64"),
    (lambda: mask.argmax(), "argmax: bools are no numbers"),
    (lambda: mask.median(), "median: bools"),
    (lambda: mask.cumsum(0, dtype=tinyllm.bool), "cumsum: bools"),
    (lambda: mask.clamp(mask, mask), "clamp: bools"),
    (lambda: mask.trace(), "trace: bools"),
    (lambda: whole.round(decimals=0), "round: decimals=0 is for floating-point tensors"),
    (lambda: whole.norm(), "norm: needs a floating-point tensor"),
    (lambda: whole.nanmean(), "nanmean: needs a floating-point tensor"),
    (lambda: x(2).double().norm(dtype=tinyllm.float32), "norm: dtype float32 is narrower"),
    (lambda: linalg.vector_norm(x(3), "fro"), "vector_norm: ord must be a number, got 'fro'"),
    (lambda: x(2, 3).prod(keepdim=True), "prod: keepdim=True needs a dim"),
    (lambda: x(2, 3).sum(True), "sum: dim must be an int, got bool True"),
    (lambda: x(2, 3).softmax(False), "softmax: dim must be an int, got bool"),
    (lambda: tinyllm.maximum(x(2), 3), "maximum: needs a Tensor, got int"),
    (lambda: tinyllm.lt(3, x(2)), "lt: needs a Tensor, got int"),
    (lambda: tinyllm.pow(2, 3), "pow: needs a Tensor, got int"),
]


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        *((ValueError, *case) for case in VALUE_ERRORS),
        *((TypeError, *case) for case in TYPE_ERRORS),
    ],
)
def test_message(kind: type[Exception], call, message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        call()
    assert type(caught.value) is kind
