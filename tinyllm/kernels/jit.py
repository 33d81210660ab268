"""Numba, set up once: compiler options, the kernel cache, and life without Numba.

Three decorators:

    @parallel   a body that does a part of the work: an entry point, cached on disk (parallel.py)
    @sequence   an entry point that calls others, one after the other
    @inlined    a helper that only compiled code calls

`fastmath` leaves out "nnan" and "ninf": masks are -inf, and under those flags -inf is undefined.
`error_model="numpy"` drops the test for division by zero, which would keep loops from vectorising.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable

AVAILABLE = importlib.util.find_spec("numba") is not None
BLAS_AVAILABLE = AVAILABLE and importlib.util.find_spec("scipy") is not None
THREADS_MAY_OVERLAP = True
POOL_SIZE = 1  # threads that Numba's pool has at most, fixed when Numba is imported

if AVAILABLE:
    import numba
    from numba import types
    from numba.extending import intrinsic, overload

    from tinyllm.kernels import parallel as threading
    from tinyllm.kernels.cache import keep_on_disk

    # GNU OpenMP's idle threads spin for milliseconds, which starves whatever else wants the cores:
    # two trainings at once took ten times as long. It reads this once, when it is loaded here.
    _spin_before = os.environ.get("GOMP_SPINCOUNT")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        from numba.np.ufunc import omppool  # noqa: F401  (its presence decides the threading layer)
    except ImportError:
        THREADS_MAY_OVERLAP = False
    if _spin_before is None:
        del os.environ["GOMP_SPINCOUNT"]

    POOL_SIZE = numba.config.NUMBA_NUM_THREADS
    OPTIONS = {
        "error_model": "numpy",
        "fastmath": {"nsz", "arcp", "contract", "afn", "reassoc"},
        "nogil": True,
    }

    def inlined(function: Callable) -> Callable:
        """Compile a helper that only compiled code calls; it is cached with its callers.

        Called with a 0 or a False that stands in the code, Numba would compile it once more, for
        that constant: a fifth of a first start's time.
        """
        dispatcher = numba.njit(**OPTIONS)(function)
        for_types = dispatcher.get_call_template

        def for_plain_types(args, kws):
            return for_types(tuple(map(types.unliteral, args)), kws)

        dispatcher.get_call_template = for_plain_types
        return dispatcher

    def parallel(function: Callable) -> Callable:
        """Make an entry point that shares its work out among threads: see parallel.py."""
        return threading.parallel(function, OPTIONS)

    def sequence(function: Callable) -> Callable:
        """Make an entry point that calls others, which share their work out among threads."""
        return keep_on_disk(numba.njit(**OPTIONS)(function))

    @intrinsic
    def address(typing_context, array):
        """The array's data pointer as an integer; `.ctypes.data` would forbid the cache."""

        def generate(context, builder, signature, args):
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            return builder.ptrtoint(data, context.get_value_type(types.intp))

        return types.intp(array), generate

    @intrinsic
    def _pointer(typing_context, like, place):
        """An address as a pointer to elements of the dtype of `like`."""

        def generate(context, builder, signature, args):
            return builder.inttoptr(args[1], context.get_value_type(signature.return_type))

        return types.CPointer(like.dtype)(like, place), generate

    @intrinsic
    def widest_registers(typing_context):
        """Let the function that calls this use 512-bit registers, where the processor has them.

        LLVM keeps to 256 bits on Intel's, whose first ones ran slower for the wide. Loops that
        calculate gain up to a quarter, loops that wait for memory lose: these do without, and so
        do the kernels that write a text, which seemed slower too.
        """

        def generate(context, builder, signature, args):
            # past llvmlite's list of attributes, which has none with a value
            set.add(builder.function.attributes, '"prefer-vector-width"="512"')
            return context.get_dummy_value()

        return types.void(), generate

    @numba.njit(**OPTIONS)
    def array_at(like, place, size):
        """The line of `size` numbers that stands at an address, in the dtype of `like`."""
        return numba.carray(_pointer(like, place), size)

else:
    warnings.warn(
        "tinyllm: Numba is not installed, so every kernel runs as its NumPy definition: correct, "
        "but several times slower. `pip install numba scipy` mends that.",
        stacklevel=2,
    )
    address = array_at = types = widest_registers = None

    def inlined(function: Callable) -> Callable:
        """Leave the function as it is: without Numba nothing calls it."""
        return function

    parallel = sequence = inlined

    def overload(_stub: Callable) -> Callable:
        """Leave the function as it is: without Numba nothing calls it."""
        return inlined


__all__ = [
    "AVAILABLE",
    "BLAS_AVAILABLE",
    "POOL_SIZE",
    "THREADS_MAY_OVERLAP",
    "address",
    "array_at",
    "inlined",
    "overload",
    "parallel",
    "sequence",
    "types",
    "widest_registers",
]
