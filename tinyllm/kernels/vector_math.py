"""exp, erf, the largest of a row, and a random hash: all vectorise inside compiled loops.

Inside Numba `np.exp` is a scalar call, 2.3 ns an element here; written out as a polynomial the
compiler runs sixteen at a time, 0.2 ns. float64 exists for gradient checks and takes libm's.
Everything in this file is called from compiled code only.
"""

from __future__ import annotations

import math

import numpy as np

from tinyllm.kernels.jit import inlined, overload, types

f = np.float32


@inlined
def _exp32(x):
    """exp(x) = 2^n exp(r), n = round(x / ln 2): Cephes' polynomial for exp(r), |r| <= ln(2) / 2.

    Relative error 1.4e-7 for |x| <= 10, 3e-7 at the ends. NaN for NaN. Held within n = -127 and
    128, whose powers of two have the bits of 0 and inf: so exactly 0 (as a masked weight must be)
    below -87.7, inf above 88.4.
    """
    clamped = f(-88) if x < f(-88) else x
    clamped = f(88.5) if clamped > f(88.5) else clamped
    n = np.floor(clamped * f(1.44269504) + f(0.5))
    r = clamped - n * f(0.693359375)
    r = r - n * f(-2.12194440e-4)
    p = f(1.9875691500e-4)
    p = p * r + f(1.3981999507e-3)
    p = p * r + f(8.3334519073e-3)
    p = p * r + f(4.1665795894e-2)
    p = p * r + f(1.6666665459e-1)
    p = p * r + f(5.0000001201e-1)
    y = p * r * r + r + f(1)
    return y * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@inlined
def _erf32(x):
    """erf(x) = x P(x^2) / Q(x^2), clamped to |x| <= 4, where erf is 1 to 2e-8.

    Within 4e-7 of the truth everywhere. The coefficients are those of Eigen's float erf.
    """
    x = f(-4) if x < f(-4) else x
    x = f(4) if x > f(4) else x
    z = x * x
    p = f(-2.72614225801306e-10)
    p = p * z + f(2.77068142495902e-08)
    p = p * z + f(-2.10102402082508e-06)
    p = p * z + f(-5.69250639462346e-05)
    p = p * z + f(-7.34990630326855e-04)
    p = p * z + f(-2.95459980854025e-03)
    p = p * z + f(-1.60960333262415e-02)
    q = f(-1.45660718464996e-05)
    q = q * z + f(-2.13374055278905e-04)
    q = q * z + f(-1.68282697438203e-03)
    q = q * z + f(-7.37332916720468e-03)
    q = q * z + f(-1.42647390514189e-02)
    return x * p / q


@inlined
def _largest32(row):
    low, m = np.int32(0x7FFFFFFF), np.int32(-0x80000000)
    for j in range(row.size):
        b = np.float32(row[j]).view(np.int32)  # row.view() would cost 30 ns: more than the loop
        m = max(m, np.int32(b ^ ((b >> np.int32(31)) & low)))
    return np.int32(m ^ ((m >> np.int32(31)) & low)).view(np.float32)


@inlined
def _largest64(row):
    low, m = np.int64(0x7FFFFFFFFFFFFFFF), np.int64(-0x8000000000000000)
    for j in range(row.size):
        b = np.float64(row[j]).view(np.int64)
        m = max(m, b ^ ((b >> np.int64(63)) & low))
    return np.int64(m ^ ((m >> np.int64(63)) & low)).view(np.float64)


def exp(x):
    """exp(x), by x's type."""
    return math.exp(x)


def erf(x):
    """The error function, by x's type."""
    return math.erf(x)


def largest(row):
    """The maximum of a row that is not empty; a NaN of negative sign is passed over.

    A comparison of floats, which must mind NaN, does not vectorise. So the bits are compared as
    integers, whose order is that of the floats once the negative ones are turned around.
    """
    return row.max()


@overload(exp)
def _exp(x):
    return (lambda x: _exp32(x)) if x == types.float32 else (lambda x: math.exp(x))


@overload(erf)
def _erf(x):
    return (lambda x: _erf32(x)) if x == types.float32 else (lambda x: math.erf(x))


@overload(largest)
def _largest(row):
    if row.dtype == types.float32:
        return lambda row: _largest32(row)
    return lambda row: _largest64(row)


@inlined
def hash32(index, seed):
    """A well-mixed 32-bit number for each (index, seed): `lowbias32` of Wellons' hash search."""
    x = np.uint32(index) ^ np.uint32(seed)
    x = np.uint32(x ^ np.uint32(x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(x ^ np.uint32(x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ np.uint32(x >> np.uint32(16)))


@inlined
def odd_hash(index, seed):
    """`hash32` made odd: a product with an odd number loses nothing modulo 2^32."""
    return np.uint32(hash32(index, seed) | np.uint32(1))


@inlined
def column_hashes(width, seed):
    """What the columns of every row are hashed to."""
    columns = np.empty(width, np.uint32)
    for j in range(width):
        columns[j] = odd_hash(np.uint32(j), seed)
    return columns
