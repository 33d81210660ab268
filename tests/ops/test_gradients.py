"""Every Case of the table through gradcheck: all shapes and layouts, on both kernel bodies.

What varies beside a Case's own inputs:
    one input     only one of several inputs wants a gradient
    same          one tensor stands for all inputs
    strided       inputs that do not lie in memory in row-major order
    grad strided, grad repeats   the gradient that arrives at the op is strided, or a read-only
                  broadcast view, as behind a transpose or a sum
    float32       the compiled body in float32, along directions
"""

import importlib
import pkgutil
from contextlib import nullcontext

import numpy as np
import pytest
from cases import CASES, Case, Fixed

import tinyllm
from tinyllm import ops
from tinyllm.gradcheck import gradcheck_report
from tinyllm.kernels import KERNELS, jit
from tinyllm.ops.embedding import Embedding
from tinyllm.ops.function import Function
from tinyllm.ops.reduction import Sum
from tinyllm.ops.shape import Transpose
from tinyllm.tensor import Tensor, apply

BODIES = {"compiled": nullcontext, "definition": tinyllm.reference_kernels}
TITLES = [case.title for case in CASES]


def call(case: Case):
    """The case as a function of its tensors alone."""
    if isinstance(case.op, type) and issubclass(case.op, Function):
        return lambda *inputs: apply(case.op, *inputs, **case.params)
    return lambda *inputs: case.op(*inputs, **case.params)


def row_major(array):
    return np.array(array, order="C")


def strided(array):
    """The same numbers in column-major order, with gaps."""
    if array.ndim == 0:
        return array
    room = np.zeros((*array.shape[:0:-1], array.shape[0] * 2), array.dtype)
    view = room[..., ::2].transpose()
    view[...] = array
    return view


def build(case: Case, inputs, layout=row_major, dtype=np.float64, wanted=None):
    """Tensors for a case's inputs; `wanted` is the only place that takes a gradient, if given."""
    rng = np.random.default_rng(len(case.title))
    tensors = []
    for place, given in enumerate(inputs):
        if given is None:
            tensors.append(None)
        elif isinstance(given, Fixed):
            fixed = given.array.astype(dtype) if given.array.dtype.kind == "f" else given.array
            tensors.append(Tensor(fixed))
        else:
            array = layout(np.asarray(case.draw(rng, given), dtype))
            tensors.append(Tensor(array, requires_grad=wanted in (None, place)))
    return tuple(tensors)


def variants(case: Case):
    """(name, function, inputs) of every float64 check of a case."""
    function = call(case)
    yield "plain", function, build(case, case.inputs)
    for name, inputs in case.more.items():
        yield name, function, build(case, inputs)
    shapes = [x for x in case.inputs if isinstance(x, tuple)]
    if any(len(shape) > 0 for shape in shapes):
        yield "strided", function, build(case, case.inputs, strided)
    if len(shapes) > 1:
        for place, given in enumerate(case.inputs):
            if isinstance(given, tuple):
                yield "one input", function, build(case, case.inputs, wanted=place)
    if case.same:
        (x, *_) = build(case, case.inputs)
        yield "same", function, (x,) * len(case.inputs)
    inputs = build(case, case.inputs)
    output = function(*inputs)
    if isinstance(output, Tensor) and output.ndim > 1:
        yield "grad strided", _then(function, Transpose, dim0=0, dim1=output.ndim - 1), inputs
    if isinstance(output, Tensor) and output.ndim > 0:
        yield "grad repeats", _then(function, Sum, dim=(0,)), inputs


def _then(function, op, **params):
    return lambda *inputs: apply(op, function(*inputs), **params)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_gradient(case, body, checked):
    with BODIES[body]():
        for name, function, inputs in variants(case):
            report = gradcheck_report(function, inputs)
            checked(case.op.__name__, name, report)
            assert report.ok, f"{case.title}, {name}, {body}:\n{report}"


IN_FLOAT32 = [case for case in CASES if case.op.__name__ != "Cast"]  # which casts to float64


@pytest.mark.parametrize("case", IN_FLOAT32, ids=[case.title for case in IN_FLOAT32])
def test_gradient_in_float32(case, checked):
    inputs = build(case, case.inputs, dtype=np.float32)
    outputs = call(case)(*inputs)
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        assert output.dtype in (np.float32, np.int64), case.title
    report = gradcheck_report(call(case), inputs, directional=True)
    checked(case.op.__name__, "float32", report)
    assert report.ok, f"{case.title}, float32:\n{report}"


def test_both_directions_of_a_cast():
    for of, to in ((np.float32, np.float64), (np.float64, np.float32)):
        x = Tensor(np.array([1.5, -2.0], of), requires_grad=True)
        y = apply(ops.cast.Cast, x, dtype=np.dtype(to))
        assert y.dtype == to
        y.backward(Tensor(np.array([2.0, 3.0], to)))
        assert x.grad.dtype == of
        np.testing.assert_array_equal(x.grad.array, [2, 3])


def test_the_padding_row_of_an_embedding_gets_no_gradient():
    weight = Tensor(np.ones((4, 3)), requires_grad=True)
    y = apply(Embedding, weight, ids=np.array([1, 2, 1, 0]), padding_idx=1)
    y.backward(Tensor(np.full((4, 3), 2.0)))
    np.testing.assert_array_equal(weight.grad.array, np.array([2, 0, 2, 0])[:, None] * np.ones(3))


def test_every_op_has_a_case():
    modules = [
        importlib.import_module(f"tinyllm.ops.{module.name}")
        for module in pkgutil.iter_modules(ops.__path__)
    ]
    every = {
        item
        for module in modules
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Function) and item is not Function
    }
    assert len(every) >= 40
    covered = {case.op for case in CASES} | {op for case in CASES for op in case.covers}
    missing = sorted(op.__name__ for op in every - covered)
    assert not missing, f"no Case in tests/ops/cases.py for: {', '.join(missing)}"


def test_gradcheck_reaches_every_compiled_body(monkeypatch, pytestconfig):
    if pytestconfig.getoption("--reference-kernels") or not jit.BLAS_AVAILABLE:
        pytest.skip("no compiled bodies in this run")
    reached = set()

    def spy(kernel, body):
        def counted(*args):
            reached.add(kernel.name)
            return body(*args)

        return counted

    for kernel in KERNELS.values():
        if kernel.compiled is not None:
            monkeypatch.setattr(kernel, "compiled", spy(kernel, kernel.compiled))
    for case in CASES:
        gradcheck_report(call(case), build(case, case.inputs), samples=1)
    compiled = {name for name, kernel in KERNELS.items() if kernel.compiled is not None}
    no_op_calls = {"adam_step", "cached_attention", "decoder_block", "scale_", "sum_of_squares"}
    assert compiled - reached == no_op_calls
