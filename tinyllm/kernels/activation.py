"""ReLU, its square, GELU (exact and tanh) and SiLU, forward and backward, element by element.

GELU and SiLU are x times a smooth step: gelu(x) = x Phi(x), its tanh form x sigmoid(2u), silu(x) =
x sigmoid(x). So each derivative is step + x * step'.
"""

from __future__ import annotations

import math

import numpy as np

from tinyllm.kernels.jit import parallel, widest_registers
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.rows import as_flat
from tinyllm.kernels.threads import threads_for
from tinyllm.kernels.vector_math import erf, exp

INV_SQRT_2 = math.sqrt(1 / 2)
INV_SQRT_2PI = 1 / math.sqrt(2 * math.pi)
TWO_SQRT_2_OVER_PI = 2 * math.sqrt(2 / math.pi)
CUBIC = 0.044715

_erf = np.vectorize(math.erf, otypes=[np.float64])  # NumPy has none; scipy may be absent


def _normal_cdf(x):
    """Phi(x), the standard normal distribution function."""
    return (0.5 + 0.5 * _erf(INV_SQRT_2 * x)).astype(x.dtype) if x.size else empty_like(x)


def _sigmoid(x):
    """1 / (1 + exp(-x)), without overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


@kernel
def relu(x):
    """y = max(x, 0); NaN stays NaN."""
    return np.maximum(x, x.dtype.type(0))


@relu.fast
def relu(x):
    return _map(_relu, x)


@kernel
def relu_backward(grad_y, y):
    """grad_x = 0 where y <= 0, else grad_y."""
    return np.where(y <= 0, grad_y.dtype.type(0), grad_y)


@relu_backward.fast
def relu_backward(grad_y, y):
    return _map_backward(_relu_backward, grad_y, y)


@kernel
def relu_squared(x):
    """y = max(x, 0)^2."""
    positive = np.maximum(x, x.dtype.type(0))
    return positive * positive


@relu_squared.fast
def relu_squared(x):
    return _map(relu_squared_elements, x)


@kernel
def relu_squared_backward(grad_y, x):
    """grad_x = grad_y 2 max(x, 0)."""
    return grad_y * (2 * np.maximum(x, x.dtype.type(0)))


@relu_squared_backward.fast
def relu_squared_backward(grad_y, x):
    return _map_backward(_relu_squared_backward, grad_y, x)


@kernel
def gelu(x):
    """y = x Phi(x), Phi the standard normal distribution function."""
    return x * _normal_cdf(x)


@gelu.fast
def gelu(x):
    return _map(gelu_elements, x)


@kernel
def gelu_backward(grad_y, x):
    """grad_x = grad_y (Phi(x) + x phi(x)), phi(x) = exp(-x^2 / 2) / sqrt(2 pi)."""
    return grad_y * (_normal_cdf(x) + x * (INV_SQRT_2PI * np.exp(-0.5 * x * x)))


@gelu_backward.fast
def gelu_backward(grad_y, x):
    return _map_backward(_gelu_backward, grad_y, x)


@kernel
def gelu_tanh(x):
    """y = x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)."""
    return x * _sigmoid(TWO_SQRT_2_OVER_PI * (x + CUBIC * x * x * x))


@gelu_tanh.fast
def gelu_tanh(x):
    return _map(gelu_tanh_elements, x)


@kernel
def gelu_tanh_backward(grad_y, x):
    """grad_x = grad_y (s + x s (1 - s) 2u'), s = sigmoid(2u), u' = sqrt(2/pi) (1 + 3c x^2)."""
    s = _sigmoid(TWO_SQRT_2_OVER_PI * (x + CUBIC * x * x * x))
    return grad_y * (s + x * s * (1 - s) * (TWO_SQRT_2_OVER_PI * (1 + 3 * CUBIC * x * x)))


@gelu_tanh_backward.fast
def gelu_tanh_backward(grad_y, x):
    return _map_backward(_gelu_tanh_backward, grad_y, x)


@kernel
def silu(x):
    """y = x sigmoid(x)."""
    return x * _sigmoid(x)


@silu.fast
def silu(x):
    return _map(silu_elements, x)


@kernel
def silu_backward(grad_y, x):
    """grad_x = grad_y s (1 + x (1 - s)), s = sigmoid(x)."""
    s = _sigmoid(x)
    return grad_y * (s * (1 + x * (1 - s)))


@silu_backward.fast
def silu_backward(grad_y, x):
    return _map_backward(_silu_backward, grad_y, x)


def _map(loop, x):
    y = empty_like(x)
    loop(x.size, threads_for(x.size), as_flat(x), y.reshape(-1))
    return y


def _map_backward(loop, grad_y, x):
    grad_x = empty_like(x)
    loop(x.size, threads_for(x.size), as_flat(grad_y), as_flat(x), grad_x.reshape(-1))
    return grad_x


# The compiled bodies do the elements from `start` to `stop`. They slice first: Numba cannot know
# that an index counted from `start` is not negative, and its check would keep the loop from
# vectorising.


@parallel
def _relu(x, y, start, stop):
    x, y = x[start:stop], y[start:stop]
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]


@parallel
def _relu_backward(grad_y, y, grad_x, start, stop):
    grad_y, y, grad_x = grad_y[start:stop], y[start:stop], grad_x[start:stop]
    zero = y.dtype.type(0)
    for i in range(y.size):
        grad_x[i] = zero if y[i] <= zero else grad_y[i]


@parallel
def relu_squared_elements(x, y, start, stop):
    x, y = x[start:stop], y[start:stop]
    zero = x.dtype.type(0)
    for i in range(x.size):
        positive = zero if x[i] < zero else x[i]
        y[i] = positive * positive


@parallel
def _relu_squared_backward(grad_y, x, grad_x, start, stop):
    grad_y, x, grad_x = grad_y[start:stop], x[start:stop], grad_x[start:stop]
    zero, two = x.dtype.type(0), x.dtype.type(2)
    for i in range(x.size):
        positive = zero if x[i] < zero else x[i]
        grad_x[i] = grad_y[i] * (two * positive)


@parallel
def gelu_elements(x, y, start, stop):
    x, y = x[start:stop], y[start:stop]
    real = x.dtype.type
    for i in range(x.size):
        y[i] = real(0.5) * x[i] * (real(1) + erf(real(INV_SQRT_2) * x[i]))


@parallel
def _gelu_backward(grad_y, x, grad_x, start, stop):
    widest_registers()
    grad_y, x, grad_x = grad_y[start:stop], x[start:stop], grad_x[start:stop]
    real = x.dtype.type
    for i in range(x.size):
        cdf = real(0.5) * (real(1) + erf(real(INV_SQRT_2) * x[i]))
        density = real(INV_SQRT_2PI) * exp(real(-0.5) * x[i] * x[i])
        grad_x[i] = grad_y[i] * (cdf + x[i] * density)


@parallel
def gelu_tanh_elements(x, y, start, stop):
    x, y = x[start:stop], y[start:stop]
    real = x.dtype.type
    a, b, one = real(TWO_SQRT_2_OVER_PI), real(TWO_SQRT_2_OVER_PI * CUBIC), real(1)
    for i in range(x.size):
        v = x[i]
        y[i] = v / (one + exp(-v * (a + b * v * v)))


@parallel
def _gelu_tanh_backward(grad_y, x, grad_x, start, stop):
    widest_registers()
    grad_y, x, grad_x = grad_y[start:stop], x[start:stop], grad_x[start:stop]
    real = x.dtype.type
    a, b, one = real(TWO_SQRT_2_OVER_PI), real(TWO_SQRT_2_OVER_PI * CUBIC), real(1)
    for i in range(x.size):
        v = x[i]
        s = one / (one + exp(-v * (a + b * v * v)))
        grad_x[i] = grad_y[i] * (s + v * s * (one - s) * (a + real(3) * b * v * v))


@parallel
def silu_elements(x, y, start, stop):
    x, y = x[start:stop], y[start:stop]
    one = x.dtype.type(1)
    for i in range(x.size):
        y[i] = x[i] / (one + exp(-x[i]))


@parallel
def _silu_backward(grad_y, x, grad_x, start, stop):
    widest_registers()
    grad_y, x, grad_x = grad_y[start:stop], x[start:stop], grad_x[start:stop]
    one = x.dtype.type(1)
    for i in range(x.size):
        s = one / (one + exp(-x[i]))
        grad_x[i] = grad_y[i] * (s * (one + x[i] * (one - s)))
