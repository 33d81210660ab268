"""SciPy's BLAS, one thread at a time, callable from inside a compiled loop.

NumPy's and PyTorch's products bring a thread pool of their own, which fights Numba's for the cores.
So kernels cut a product into row blocks inside a `prange` and call the single-threaded `gemm` on
each. SciPy carries its own copy of OpenBLAS, so holding that one to a single thread leaves the
user's NumPy alone.

Three things let Numba cache code that calls BLAS: its address is registered as a symbol, array
addresses come from an intrinsic, and nothing is a ctypes pointer.
"""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import numpy as np

from tinyllm.kernels import jit
from tinyllm.kernels.jit import address, array_at, inlined, overload

if jit.BLAS_AVAILABLE:
    import llvmlite.binding
    import scipy
    from numba import types
    from numba.extending import get_cython_function_address

    @contextmanager
    def _c_functions():
        """Import SciPy's table of C functions alone: all of scipy.linalg would take 0.15 s."""
        name = "scipy.linalg.cython_blas"
        found = PathFinder.find_spec(name, [str(Path(scipy.__file__).parent / "linalg")])
        if name in sys.modules or found is None:
            yield name  # is imported when asked for an address
            return
        sys.modules[name] = module_from_spec(found)
        try:
            found.loader.exec_module(sys.modules[name])
            yield name
        finally:  # whoever imports it later shall find it in scipy.linalg
            del sys.modules[name]

    _SIGNATURE = types.void(*([types.intp] * 13))
    with _c_functions() as _module:
        for _name in ("sgemm", "dgemm"):
            _address = get_cython_function_address(_module, _name)
            llvmlite.binding.add_symbol(f"tinyllm_{_name}", _address)
        # The first kernel will want it: it looks whether SciPy has a BLAS, by importing the same
        import numba.np.arraymath  # noqa: F401
    _sgemm = types.ExternalFunction("tinyllm_sgemm", _SIGNATURE)
    _dgemm = types.ExternalFunction("tinyllm_dgemm", _SIGNATURE)

NORMAL, TRANSPOSED = ord("N"), ord("T")

# OpenBLAS's kernels that take a small product as it lies, where a large one is copied first into
# the order that suits them: it has them for these processors, up to 10^6 multiplications
TAKES_PIECES = ("SkylakeX", "Cooperlake", "SapphireRapids")
PIECE = 64, 64, 240  # rows, columns, and how many numbers each of them sums up
PIECE_TRANSPOSED = 128, 64, 120  # if the left matrix is transposed
WIDE = 1536  # columns, beyond which a piece lies in too many pages of memory
GAP = 16  # behind a turned block's rows, lest they all fall on the same places of the cache
WORTH_TURNING = 192  # rows that a turned block must serve to be worth it


@functools.cache
def hold_to_one_thread() -> None:
    """Set SciPy's own OpenBLAS, and no other library, to one thread."""
    for library in _scipys_own():
        library.set_num_threads(1)


def blas_architecture() -> str:
    """For which processor the products in use were written, by OpenBLAS's name; "" without."""
    if not jit.BLAS_AVAILABLE:
        return ""
    return ", ".join(getattr(library, "architecture", "") for library in _scipys_own())


@functools.cache
def takes_pieces() -> bool:
    """Whether a large product is quicker as many small ones."""
    return blas_architecture() in TAKES_PIECES


def _scipys_own() -> list:
    import scipy
    from threadpoolctl import ThreadpoolController

    own = Path(scipy.__file__).resolve().parent
    folders = {own, own.parent / "scipy.libs", own / ".dylibs"}
    libraries = ThreadpoolController().lib_controllers
    return [each for each in libraries if Path(each.filepath).resolve().parent in folders]


def gemm(like, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """C = alpha op(A) op(B) + beta C, column-major, on raw addresses, in the dtype of `like`."""


@overload(gemm)
def _gemm(like, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    call, real = (_sgemm, np.float32) if like.dtype == types.float32 else (_dgemm, np.float64)

    def body(like, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
        flags = np.empty(2, np.uint8)
        flags[0], flags[1] = trans_a, trans_b
        sizes = np.empty(6, np.int32)
        sizes[0], sizes[1], sizes[2] = m, n, k
        sizes[3], sizes[4], sizes[5] = lda, ldb, ldc
        scales = np.empty(2, real)
        scales[0], scales[1] = alpha, beta
        f, s, x = address(flags), address(sizes), address(scales)
        y = x + scales.itemsize
        call(f, f + 1, s, s + 4, s + 8, x, a, s + 12, b, s + 16, y, c, s + 20)

    return body


@inlined
def product_part(a, a_transposed, b, b_transposed, out, beta, row0, row1, col0, col1, pieces):
    """out[row0:row1, col0:col1] = op(a) op(b) + beta * the same part of out, all row-major.

    pieces: of a size that OpenBLAS takes as they lie.
    """
    inner = a.shape[0] if a_transposed else a.shape[1]
    whole = b_transposed and (a_transposed or row1 - row0 < WORTH_TURNING)
    if whole or not pieces or out.shape[1] > WIDE:
        _product(a, a_transposed, b, b_transposed, out, beta, row0, row1, col0, col1, 0, inner)
    elif b_transposed:
        _product_turned(a, b, out, beta, row0, row1, col0, col1)
    else:
        rows, columns, depth = PIECE_TRANSPOSED if a_transposed else PIECE
        for i in range(row0, row1, rows):
            for k in range(0, inner, depth):
                for j in range(col0, col1, columns):
                    _product(
                        a, a_transposed, b, False, out, 1.0 if k else beta, i, min(i + rows, row1),
                        j, min(j + columns, col1), k, min(k + depth, inner),
                    )  # fmt: skip


@inlined
def turn(across, start, step, rows, columns):
    """Write the transpose of a matrix into `across`: its rows begin at the address `start`, `step`
    numbers apart."""
    for i in range(rows):
        row = array_at(across, start + i * step * across.itemsize, columns)
        for j in range(columns):
            across[j, i] = row[j]


@inlined
def _product_turned(a, b, out, beta, row0, row1, col0, col1):
    """The same for a transposed b, whose small products are the slow ones, as they are sums along
    rows of both: each block of b is turned, and serves all rows of a."""
    (rows, columns, depth), inner = PIECE, a.shape[1]
    block = np.empty((min(depth, inner), columns + GAP), a.dtype)
    for j in range(col0, col1, columns):
        width = min(columns, col1 - j)
        for k in range(0, inner, depth):
            length = min(depth, inner - k)
            turn(block, address(b) + (j * inner + k) * b.itemsize, inner, width, length)
            for i in range(row0, row1, rows):
                gemm(
                    out, NORMAL, NORMAL, width, min(rows, row1 - i), length, 1.0,
                    address(block), columns + GAP,
                    address(a) + (i * inner + k) * a.itemsize, inner, 1.0 if k else beta,
                    address(out) + (i * out.shape[1] + j) * out.itemsize, out.shape[1],
                )  # fmt: skip


@inlined
def _product(
    a, a_transposed, b, b_transposed, out, beta, row0, row1, col0, col1, inner0, inner1
):  # fmt: skip
    """A row-major matrix is a column-major one transposed: out^T = op(b)^T op(a)^T is asked for."""
    width = out.shape[1]
    a_start = inner0 * a.shape[1] + row0 if a_transposed else row0 * a.shape[1] + inner0
    b_start = col0 * b.shape[1] + inner0 if b_transposed else inner0 * b.shape[1] + col0
    gemm(
        out,
        TRANSPOSED if b_transposed else NORMAL,
        TRANSPOSED if a_transposed else NORMAL,
        col1 - col0,
        row1 - row0,
        inner1 - inner0,
        1.0,
        address(b) + b_start * b.itemsize,
        b.shape[1],
        address(a) + a_start * a.itemsize,
        a.shape[1],
        beta,
        address(out) + (row0 * width + col0) * out.itemsize,
        width,
    )
