"""tinyllm: a language model in NumPy, every step of it readable, with PyTorch's names.

`import tinyllm` gives tensors, functions, gradients and random numbers at once; the subpackages
(`tinyllm.nn`, `tinyllm.optim` …) are loaded when they are first named.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as _np

import tinyllm.tensor  # noqa: F401 - first the module: its name is then given to the function
from tinyllm import functions, linalg, random
from tinyllm.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
from tinyllm.defaults import get_default_dtype, set_default_dtype
from tinyllm.functions import *  # noqa: F403 - the names are listed in functions/__init__.py
from tinyllm.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from tinyllm.kernels.kernel import reference_kernels
from tinyllm.kernels.threads import get_num_threads, set_num_threads
from tinyllm.random import Generator, default_generator, initial_seed, manual_seed, seed
from tinyllm.tensor import Tensor

__version__ = "0.1.0"

float16 = half = _np.dtype("float16")
float32 = float = _np.dtype("float32")
float64 = double = _np.dtype("float64")
int8 = _np.dtype("int8")
int16 = short = _np.dtype("int16")
int32 = int = _np.dtype("int32")
int64 = long = _np.dtype("int64")
uint8 = _np.dtype("uint8")
bool = _np.dtype("bool")
inf, nan, pi, e = _np.inf, _np.nan, _np.pi, _np.e

_LAZY = (
    "autograd",
    "nn",
    "optim",
    "data",
    "utils",
    "text",
    "metrics",
    "viz",
    "gradcheck",
    "testing",
    "models",
    "generation",
    "hub",
    "training",
    "tasks",
    "bench",
    "course",
)


def __getattr__(name: str) -> Any:
    """Load a subpackage on first use."""
    if name in _LAZY:
        return importlib.import_module(f"tinyllm.{name}")
    raise AttributeError(f"module 'tinyllm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


__all__ = [
    *functions.__all__,
    "Generator",
    "Tensor",
    "default_generator",
    "enable_grad",
    "get_default_dtype",
    "get_num_threads",
    "inference_mode",
    "initial_seed",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "linalg",
    "is_inference_mode_enabled",
    "manual_seed",
    "no_grad",
    "random",
    "reference_kernels",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
]
