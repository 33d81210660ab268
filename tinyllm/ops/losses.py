"""What losses are made of where the other ops would give a wrong gradient at an edge."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function, unbroadcast


class Huber(Function):
    """y = d^2 / 2 where |d| < delta, else delta (|d| - delta / 2); `unit` divides it by delta.

    Adjoint:  grad_d = grad_y clip(d, -delta, delta) (over delta): a far point pulls no harder than
              one at delta, and an infinite one not either
    Saved:    d
    Source:   Huber 1964, The Annals of Mathematical Statistics 35, 73-101
    """

    @staticmethod
    def forward(ctx: Context, d: Array, *, delta: float, unit: bool = False) -> Array:
        ctx.save_for_backward(d)
        ctx.delta, ctx.unit = delta, unit
        size, delta = np.abs(d), d.dtype.type(delta)
        near, far = size * size * d.dtype.type(0.5), size - delta * d.dtype.type(0.5)
        return (
            np.where(size < delta, near / delta, far)
            if unit
            else np.where(size <= delta, near, far * delta)
        )

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (d,) = ctx.saved_tensors
        delta = d.dtype.type(ctx.delta)
        slope = np.clip(d, -delta, delta)
        return grad_y * (slope / delta if ctx.unit else slope)


class XLogX(Function):
    """y = x log x, and 0 at 0.

    Adjoint:  grad_x = grad_y (log x + 1); at 0, where the slope is -inf, NaN as in PyTorch
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return np.where(x == 0, x.dtype.type(0), x * np.log(x))

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y * np.where(x == 0, x.dtype.type(np.nan), np.log(x) + 1)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


class BinaryCrossEntropy(Function):
    """y = (1 - t) log(1 + exp(x)) + w t log(1 + exp(-x)): -log sigmoid of x for t = 1, of -x for 0.

    Shapes:   x and t alike, w broadcasts to them or is left out -> y as x
    Adjoint:  grad_x = grad_y ((1 - t) s - w t (1 - s)), s = sigmoid(x), 1 - s = sigmoid(-x): the
              difference of s and 1 is never taken, so that a sure answer keeps its small gradient
              grad_t = grad_y (w log(1 + exp(-x)) - log(1 + exp(x))), which is -grad_y x without w
              grad_w = grad_y t log(1 + exp(-x))
    Saved:    x, t, w
    """

    @staticmethod
    def forward(ctx: Context, x: Array, t: Array, w: Array | None = None) -> Array:
        ctx.save_for_backward(x, t, w)
        positive = t if w is None else w * t
        return (1 - t) * _softplus(x) + positive * _softplus(-x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array | None, ...]:
        x, t, w = ctx.saved_tensors
        small = np.exp(-np.abs(x))
        s, rest = np.where(x < 0, small, 1) / (1 + small), np.where(x < 0, 1, small) / (1 + small)
        positive = t if w is None else w * t
        grad_x = grad_y * ((1 - t) * s - positive * rest)
        if w is None:
            return grad_x, -grad_y * x
        grad_t = grad_y * (w * _softplus(-x) - _softplus(x))
        return grad_x, grad_t, unbroadcast(grad_y * t * _softplus(-x), w.shape)
