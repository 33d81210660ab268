"""PyTorch's functions over tensors, and the Tensor methods and operators that name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinyllm import bridges
from tinyllm.functions import (
    combination,
    comparison,
    creation,
    diagonals,
    dtypes,
    einsum,
    in_place_forms,
    indexing,
    inplace,
    joining,
    linalg,
    norms,
    pointwise,
    products,
    reduction,
    repetition,
    rounding,
    running,
    sampling,
    scattering,
    shape,
    statistics,
    transcendental,
)
from tinyllm.functions.arguments import is_operand
from tinyllm.tensor import Tensor

# Every function by name: `tinyllm.add`. A name in METHODS is `tensor.add` as well.

FUNCTIONS: dict[Any, str] = {
    creation: """tensor as_tensor from_numpy zeros ones full empty arange linspace eye
        zeros_like ones_like full_like empty_like""",
    bridges: "from_torch to_torch from_dlpack",
    sampling: "randn rand randint randperm multinomial randn_like rand_like",
    pointwise: """add sub mul div neg pow square exp log sqrt rsqrt tanh sigmoid relu abs maximum
        minimum clamp where masked_fill clone""",
    transcendental: "log1p expm1 log2 log10 logaddexp sin cos tan erf",
    rounding: "floor ceil trunc round sign floor_divide remainder fmod",
    combination: "reciprocal positive clamp_min clamp_max nan_to_num lerp addcmul addcdiv",
    dtypes: "result_type promote_types can_cast finfo iinfo",
    reduction: """sum nansum mean nanmean prod count_nonzero max min amax amin aminmax
        logsumexp""",
    statistics: "var std var_mean std_mean median",
    running: "cumsum cumprod logcumsumexp",
    shape: """reshape flatten unflatten permute movedim transpose t squeeze unsqueeze broadcast_to
        narrow select""",
    joining: "cat stack hstack vstack split chunk unbind meshgrid",
    diagonals: "tril triu diagonal diag diag_embed",
    repetition: "tile repeat_interleave flip roll",
    indexing: "gather take_along_dim index_select masked_select nonzero argwhere",
    scattering: "scatter scatter_add index_add index_fill masked_scatter",
    linalg: "matmul mm mv bmm dot softmax log_softmax",
    products: "outer inner addmm addmv baddbmm trace",
    einsum: "einsum",
    norms: "norm dist",
    comparison: """eq ne lt le gt ge isnan isinf isfinite bitwise_and bitwise_or bitwise_xor
        bitwise_not logical_not logical_and logical_or logical_xor all any equal isclose allclose
        argmax argmin sort argsort topk is_tensor is_floating_point numel""",
}

ALIASES = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "absolute": "abs",
    "clip": "clamp",
    "fix": "trunc",
    "concat": "cat",
    "concatenate": "cat",
    "swapaxes": "transpose",
    "ger": "outer",
    "swapdims": "transpose",
    "moveaxis": "movedim",
}

METHODS: dict[Any, str] = {
    bridges: "to_torch",
    pointwise: """add sub mul div neg pow square exp log sqrt rsqrt tanh sigmoid relu abs maximum
        minimum clamp masked_fill clone contiguous to type_as""",
    transcendental: FUNCTIONS[transcendental],
    rounding: FUNCTIONS[rounding],
    combination: FUNCTIONS[combination],
    reduction: FUNCTIONS[reduction],
    statistics: "var std median",
    running: FUNCTIONS[running],
    shape: """reshape view view_as reshape_as flatten unflatten permute movedim transpose t squeeze
        unsqueeze expand expand_as broadcast_to narrow select""",
    joining: "split chunk unbind",
    diagonals: FUNCTIONS[diagonals],
    repetition: "repeat tile repeat_interleave flip roll",
    indexing: FUNCTIONS[indexing],
    scattering: FUNCTIONS[scattering],
    linalg: FUNCTIONS[linalg],
    products: FUNCTIONS[products],
    norms: FUNCTIONS[norms],
    comparison: """eq ne lt le gt ge isnan isinf isfinite bitwise_and bitwise_or bitwise_xor
        bitwise_not logical_not logical_and logical_or logical_xor all any equal isclose allclose
        argmax argmin sort argsort topk""",
    sampling: "multinomial",
    inplace: """add_ sub_ mul_ div_ copy_ fill_ zero_ clamp_ masked_fill_ normal_ uniform_
        bernoulli_""",
    in_place_forms: " ".join(in_place_forms.NAMES),
}


def _where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """Return self where the condition holds, else other. PyTorch: torch.Tensor.where."""
    return pointwise.where(condition, self, other)


def _binary(function: Callable, reflected: bool = False) -> Callable:
    """An operator that steps back for operands it does not know, so that Python goes on asking."""

    def operator(self: Tensor, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    operator.__doc__ = function.__doc__
    return operator


def _cast(dtype: str) -> Callable:
    def cast(self: Tensor) -> Tensor:
        return pointwise.to(self, np.dtype(dtype))

    cast.__doc__ = f"Return the tensor as {dtype}. PyTorch: torch.Tensor.to."
    return cast


BINARY_OPERATORS = {  # x + y is __add__; 2 + y is __radd__; x += y is __iadd__
    "add": pointwise.add,
    "sub": pointwise.sub,
    "mul": pointwise.mul,
    "truediv": pointwise.div,
    "floordiv": rounding.floor_divide,
    "mod": rounding.remainder,
    "pow": pointwise.pow,
    "matmul": linalg.matmul,
    "and": comparison.bitwise_and,
    "or": comparison.bitwise_or,
    "xor": comparison.bitwise_xor,
}

OTHER_OPERATORS = {
    "__eq__": _binary(comparison.eq),
    "__ne__": _binary(comparison.ne),
    "__lt__": _binary(comparison.lt),
    "__le__": _binary(comparison.le),
    "__gt__": _binary(comparison.gt),
    "__ge__": _binary(comparison.ge),
    "__iadd__": _binary(inplace.add_),
    "__isub__": _binary(inplace.sub_),
    "__imul__": _binary(inplace.mul_),
    "__itruediv__": _binary(inplace.div_),
    "__ipow__": _binary(in_place_forms.pow_),
    "__ifloordiv__": _binary(in_place_forms.floor_divide_),
    "__imod__": _binary(in_place_forms.remainder_),
    "__iand__": _binary(in_place_forms.bitwise_and_),
    "__ior__": _binary(in_place_forms.bitwise_or_),
    "__ixor__": _binary(in_place_forms.bitwise_xor_),
    "__pos__": combination.positive,
    "__neg__": pointwise.neg,
    "__abs__": pointwise.abs,
    "__invert__": comparison.bitwise_not,
    "__getitem__": indexing.getitem,
    "__setitem__": indexing.setitem,
    "__dlpack__": bridges.dlpack,
    "__dlpack_device__": bridges.dlpack_device,
}

CASTS = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "int": "int32",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
    "long": "int64",
    "bool": "bool",
}

__all__ = [*" ".join(FUNCTIONS.values()).split(), *ALIASES]


def _attach() -> None:
    """Give this package its functions, and Tensor its methods and operators."""
    for module, names in FUNCTIONS.items():
        for name in names.split():
            globals()[name] = getattr(module, name)
    for module, names in METHODS.items():
        for name in names.split():
            setattr(Tensor, name, getattr(module, name))
    for alias, name in ALIASES.items():
        globals()[alias] = globals()[name]
        if hasattr(Tensor, name):
            setattr(Tensor, alias, getattr(Tensor, name))
        if hasattr(Tensor, f"{name}_"):
            setattr(Tensor, f"{alias}_", getattr(Tensor, f"{name}_"))
    for name, function in BINARY_OPERATORS.items():
        setattr(Tensor, f"__{name}__", _binary(function))
        setattr(Tensor, f"__r{name}__", _binary(function, reflected=True))
    for name, method in OTHER_OPERATORS.items():
        setattr(Tensor, name, method)
    for name, dtype in CASTS.items():
        setattr(Tensor, name, _cast(dtype))
    Tensor.where = _where
    Tensor.cpu = lambda self: self
    Tensor.T = property(shape.all_transposed)
    Tensor.mT = property(shape.matrix_transposed)


_attach()
