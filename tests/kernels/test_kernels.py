"""Each kernel's two bodies agree: values, NaN and -inf, layouts, threads; and repeat to the bit."""

import numpy as np
import pytest
from agreements import AGREEMENTS

import tinyllm
from tinyllm.kernels import KERNELS, jit

pytestmark = pytest.mark.skipif(
    not jit.BLAS_AVAILABLE, reason="Numba or SciPy is absent: kernels have only their definitions"
)

# No compiled body: the gradient of a learned mask is asked for rarely.
DEFINITION_ONLY = {"attention_grad_scores"}

TOLERANCES = {np.float32: (1e-5, 1e-6), np.float64: (1e-12, 1e-13)}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCES, ids=["float32", "float64"])
TITLES = [case.title for case in AGREEMENTS]
COMPILED = [case for case in AGREEMENTS if case.name not in DEFINITION_ONLY]


def run(case, body, arguments):
    """What a body returns, and then every array argument, which it may have changed."""
    result = case.call(body, arguments)
    outputs = result if isinstance(result, tuple) else () if result is None else (result,)
    return [*outputs, *(x for x in arguments if isinstance(x, np.ndarray))]


def expected(case, arguments):
    """The definition in float64, which is the truth for float32 as well."""
    double = [
        x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
        for x in arguments
    ]
    with np.errstate(all="ignore"):
        return run(case, KERNELS[case.name].definition, double)


def check(case, got, wanted, dtype, what):
    rtol, atol = TOLERANCES[dtype]
    assert len(got) == len(wanted), f"{case.title}, {what}"
    for i, (g, w) in enumerate(zip(got, wanted, strict=True)):
        g, w = np.asarray(g), np.asarray(w)
        if case.name != "sum_of_squares":  # always a Python float
            kept = w.dtype if w.dtype.kind != "f" else np.dtype(dtype)
            assert g.dtype == kept or i >= len(got) - 1, f"{case.title}, {what}: {g.dtype}"
        finite = np.abs(w[np.isfinite(w)])
        scale = max(1.0, float(finite.max())) if finite.size else 1.0
        np.testing.assert_allclose(
            g, w, rtol * case.slack, atol * case.slack * scale, err_msg=f"{case.title}, {what}, {i}"
        )


@DTYPES
@pytest.mark.parametrize("case", AGREEMENTS, ids=TITLES)
def test_bodies_agree(case, dtype):
    kernel = KERNELS[case.name]
    wanted = expected(case, case.arguments(dtype))
    with np.errstate(all="ignore"):
        check(
            case, run(case, kernel.definition, case.arguments(dtype)), wanted, dtype, "definition"
        )
    if kernel.compiled is None:
        assert case.name in DEFINITION_ONLY
        return
    for threads in (1, 2):
        tinyllm.set_num_threads(threads)
        got = run(case, kernel.compiled, case.arguments(dtype))
        check(case, got, wanted, dtype, f"{threads} threads")


# Layouts: the same numbers, lying in memory in other ways


def column_major(x):
    return np.array(x.T, order="C").T


def with_gaps(x):
    room = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = room[tuple(slice(None, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def backwards(x):
    flip = (slice(None, None, -1),) * x.ndim
    return np.array(x[flip], order="C")[flip]


def rows_backwards(x):
    """Each row lies forwards in one piece, the rows one before the other."""
    flip = (slice(None, None, -1),) * (x.ndim - 1)
    return np.array(x[flip], order="C")[flip]


def packed(x):
    """Axes 1 and 2 exchanged in memory, and room between: as heads in a projection."""
    if x.ndim < 3:
        return x
    room = np.zeros((x.shape[0], x.shape[2], x.shape[1] + 3, *x.shape[3:]), x.dtype)
    view = room[:, :, 1:-2].swapaxes(1, 2)
    view[...] = x
    return view


def axis_repeats(axis):
    """Each slice the first one: a read-only broadcast view with stride 0."""

    def repeats(x):
        if x.ndim < 2 or axis >= x.ndim or not x.size:
            return x
        return np.broadcast_to(x.take([0], axis=axis), x.shape)

    return repeats


LAYOUTS = {
    "column major": column_major,
    "gaps": with_gaps,
    "backwards": backwards,
    "rows backwards": rows_backwards,
    "packed": packed,
    "axis 0 repeats": axis_repeats(0),
    "axis 1 repeats": axis_repeats(1),
    "axis 2 repeats": axis_repeats(2),
    "axis 3 repeats": axis_repeats(3),
}
SAVED = {"attention_backward", "self_attention_backward", "cross_entropy_backward"}
CHANGES_ITS_ARGUMENTS = {"adam_step", "scale_", "cached_attention", "decoder_block"}


def laid_out(case, layout, dtype):
    """Arguments with every floating array of two or more axes laid out in another way."""
    repeats = layout.__name__ == "repeats"
    arguments = [
        layout(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim > 1 else x
        for x in case.arguments(dtype)
    ]
    if repeats and case.name in SAVED:
        for i, given in enumerate(case.args):  # what was saved goes with the other arguments
            if hasattr(given, "compute"):
                arguments[i] = np.asarray(given.compute(*arguments[:i]), dtype)
    return arguments


@DTYPES
@pytest.mark.parametrize(
    "case", [case for case in COMPILED if case.layouts], ids=lambda case: case.title
)
def test_layouts(case, dtype):
    kernel = KERNELS[case.name]
    for name, layout in LAYOUTS.items():
        if "repeat" in name and (case.name in CHANGES_ITS_ARGUMENTS or "into" in case.what):
            continue
        if (
            case.name == "layer_norm"
            and name == f"axis {case.arguments(dtype)[0].ndim - 1} repeats"
        ):
            continue  # rows of one number: 1 / sqrt(eps) magnifies the rounding of their mean
        wanted = expected(case, laid_out(case, layout, dtype))
        got = run(case, kernel.compiled, laid_out(case, layout, dtype))
        check(case, got, wanted, dtype, name)


# NaN comes out where the definition lets it come out


@pytest.mark.parametrize("nan", [np.nan, -np.nan], ids=["NaN", "-NaN"])  # 0 * inf gives -NaN
@pytest.mark.parametrize("case", [c for c in COMPILED if c.nan], ids=lambda case: case.title)
def test_nan_propagates(case, nan):
    kernel = KERNELS[case.name]
    for place, given in enumerate(case.arguments(np.float32)):
        if not (isinstance(given, np.ndarray) and given.dtype.kind == "f" and given.size):
            continue

        def arguments(place=place):
            made = case.arguments(np.float32)
            made[place].reshape(-1)[made[place].size // 2] = nan
            return made

        wanted, got = expected(case, arguments()), run(case, kernel.compiled, arguments())
        assert any(np.isnan(np.asarray(w)).any() for w in wanted)
        for w, g in zip(wanted, got, strict=True):
            np.testing.assert_array_equal(np.isnan(g), np.isnan(w), f"{case.title}, arg {place}")


# Reproducible


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", COMPILED, ids=lambda case: case.title)
def test_same_bits_on_repeated_calls(case, threads):
    tinyllm.set_num_threads(threads)
    kernel = KERNELS[case.name]
    first = run(case, kernel.compiled, case.arguments(np.float32))
    small = all(x.nbytes < 10_000 for x in first if isinstance(x, np.ndarray))
    held = []
    for i in range(40 if small else 3):
        held.append(np.empty(1 + 37 * i % 101))  # arrays come to lie at other distances
        again = run(case, kernel.compiled, case.arguments(np.float32))
        held.append(again)
        for a, b in zip(first, again, strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), case.title


def test_large_cases_do_use_two_threads(monkeypatch):
    """The table holds, for every compiled kernel, a case above the size for a second thread."""
    if jit.POOL_SIZE < 2:
        pytest.skip("one processor: no second thread to use")
    import importlib

    used = {}

    def spy(module, name, real):
        def wrapped(*args):
            threads = real(*args)
            used[current] = max(used.get(current, 1), threads)
            return threads

        monkeypatch.setattr(module, name, wrapped)

    for name in {kernel.definition.__module__ for kernel in KERNELS.values()}:
        module = importlib.import_module(name)
        for function in ("threads_for", "threads_for_product", "threads_for_heads"):
            if hasattr(module, function):
                spy(module, function, getattr(module, function))
    tinyllm.set_num_threads(2)
    for case in COMPILED:
        current = case.name
        run(case, KERNELS[current].compiled, case.arguments(np.float32))
    several = {name for name, threads in used.items() if threads > 1}
    several.add("decoder_block")  # decides within compiled code
    single = sorted({case.name for case in COMPILED} - several)
    assert not single, f"no case of these is large enough for two threads: {single}"


@DTYPES
@pytest.mark.parametrize("shape", [(), (7, 5), (131, 257)], ids=str)
def test_a_sum_may_be_written_into_its_first_array(shape, dtype):
    rng = np.random.default_rng(0)
    x, y = (np.asarray(rng.normal(size=shape), dtype) for _ in "xy")
    wanted = x + y
    assert KERNELS["add"](x, y, x) is x
    np.testing.assert_array_equal(x, wanted)


# The table is whole


def test_every_kernel_has_a_case():
    missing = sorted(set(KERNELS) - {case.name for case in AGREEMENTS})
    assert not missing, f"no Agree in tests/kernels/agreements.py for: {', '.join(missing)}"


def test_every_kernel_has_a_compiled_body():
    without = {name for name, kernel in KERNELS.items() if kernel.compiled is None}
    assert without == DEFINITION_ONLY


def test_reference_kernels_run_the_definition(pytestconfig):
    kernel = KERNELS["softmax"]
    calls = []
    real = kernel.compiled
    kernel.compiled = lambda *args: calls.append(args) or real(*args)
    try:
        x = np.ones((2, 3))
        with tinyllm.reference_kernels():
            kernel(x)
        assert not calls
        kernel(x.astype(np.float16))  # no body was compiled for it
        assert not calls
        if not pytestconfig.getoption("--reference-kernels"):
            kernel(x)
            assert len(calls) == 1
    finally:
        kernel.compiled = real
