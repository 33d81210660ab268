"""Initial values for weights, written in place and returned.

Weights start random so that neurons differ, and at a scale at which the variance of signals (He,
Glorot) neither grows nor shrinks from layer to layer.

PyTorch: torch.nn.init; the same distributions, other random numbers.
"""

from __future__ import annotations

import math

import numpy as np

from tinyllm import random
from tinyllm.grad_mode import no_grad
from tinyllm.random import Generator
from tinyllm.tensor import Tensor


@no_grad()
def _fill(who: str, tensor: Tensor, values: np.ndarray | float) -> Tensor:
    tensor.changing(who)[...] = values
    return tensor


def _source(generator: Generator | None) -> np.random.Generator:
    return (random.default_generator if generator is None else generator).numpy


def _drawing_dtype(tensor: Tensor) -> np.dtype:
    """NumPy draws float32 and float64."""
    return tensor.dtype if tensor.dtype.char in "fd" else np.dtype(np.float64)


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn evenly from [a, b)."""
    drawn = _source(generator).random(tensor.shape, _drawing_dtype(tensor))
    return _fill("uniform_", tensor, drawn * (b - a) + a)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers from the normal distribution N(mean, std^2)."""
    drawn = _source(generator).standard_normal(tensor.shape, _drawing_dtype(tensor))
    return _fill("normal_", tensor, drawn * std + mean)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers from N(mean, std^2), drawing again what falls outside [a, b].

    Raises:  ValueError if less than a ten-thousandth of the distribution lies in [a, b].
    """

    def share_below(x: float) -> float:
        return 0.5 * math.erfc((mean - x) / (std * math.sqrt(2)))

    if share_below(b) - share_below(a) < 1e-4:
        raise ValueError(
            f"trunc_normal_: N({mean}, {std}^2) has next to nothing in [{a}, {b}]: "
            "a and b are absolute values, not multiples of std"
        )
    source = _source(generator)
    values = source.normal(mean, std, tensor.shape)
    outside = (values < a) | (values > b)
    while count := int(outside.sum()):
        values[outside] = source.normal(mean, std, count)
        outside = (values < a) | (values > b)
    return _fill("trunc_normal_", tensor, values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    return _fill("constant_", tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return _fill("ones_", tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return _fill("zeros_", tensor, 0)


_CONVOLUTIONS = [f"conv{way}{n}d" for way in ("", "_transpose") for n in (1, 2, 3)]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Give the factor by which a weight's std makes up for what the nonlinearity takes away.

    Args:    param: the negative slope of "leaky_relu", 0.01 by default.
    """
    gains = {
        **dict.fromkeys(("linear", "sigmoid", *_CONVOLUTIONS), 1.0),
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "selu": 3 / 4,
    }
    if nonlinearity in gains:
        return gains[nonlinearity]
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"calculate_gain: negative_slope {slope!r} is not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    raise ValueError(
        f"Unsupported nonlinearity {nonlinearity!r}: choose among linear, sigmoid, tanh, relu, "
        "leaky_relu, selu"
    )


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs feed one output, and how many outputs one input feeds."""
    if tensor.ndim < 2:
        raise ValueError(
            f"Fan in and fan out can not be computed for a tensor of shape {tensor.shape}: it "
            "needs two dimensions or more, (out, in, ...); a bias is set by zeros_ or uniform_"
        )
    per_connection = math.prod(tensor.shape[2:])
    return tensor.shape[1] * per_connection, tensor.shape[0] * per_connection


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode!r} not supported, please use one of 'fan_in', 'fan_out'")
    return _fans(tensor)[mode == "fan_out"]


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill evenly from +-gain sqrt(6 / (in + out)), which has std gain sqrt(2 / (in + out)).

    Source:  Glorot and Bengio 2010, eq. 16
    """
    bound = gain * math.sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from the normal distribution with std gain sqrt(2 / (in + out)).

    Source:  Glorot and Bengio 2010
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill evenly from +-gain sqrt(3 / fan), which has std gain / sqrt(fan).

    Args:    a: the negative slope of the leaky_relu that follows.
             mode: "fan_in" keeps the variance in the forward, "fan_out" in the backward.
    Source:  He et al. 2015, arXiv:1502.01852
    """
    if tensor.array.size == 0:
        return tensor
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from the normal distribution with std gain / sqrt(fan).

    Source:  He et al. 2015, arXiv:1502.01852, eq. 10 and 14
    """
    if tensor.array.size == 0:
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity, as much of it as fits."""
    _check_matrix("eye_", tensor, exactly=True)
    return _fill("eye_", tensor, np.eye(*tensor.shape))


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with rows, or columns if there are fewer, that stand upright on each other.

    Dims after the first count as one. The matrix is the Q of a QR decomposition of random numbers.

    Source:  Saxe et al. 2013, arXiv:1312.6120
    """
    _check_matrix("orthogonal_", tensor)
    if tensor.array.size == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.array.size // rows
    drawn = _source(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.sign(np.diag(r))  # else the signs would not be drawn evenly
    return _fill(
        "orthogonal_", tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape)
    )


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill from N(0, std^2), then set the share `sparsity` of each column to 0.

    Source:  Martens 2010, Deep learning via Hessian-free optimization
    """
    _check_matrix("sparse_", tensor, exactly=True)
    rows, columns = tensor.shape
    normal_(tensor, 0, std, generator)
    values = tensor.array.copy()
    for column in range(columns):
        zeros = _source(generator).permutation(rows)[: math.ceil(sparsity * rows)]
        values[zeros, column] = 0
    return _fill("sparse_", tensor, values)


def _check_matrix(who: str, tensor: Tensor, exactly: bool = False) -> None:
    if tensor.ndim < 2 or (exactly and tensor.ndim > 2):
        raise ValueError(f"{who}: needs a matrix, and the tensor's shape is {tensor.shape}")
