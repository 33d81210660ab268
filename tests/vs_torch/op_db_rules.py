"""What the run over PyTorch's samples leaves out or judges otherwise, each with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

REASONS = {  # why a sample may be skipped
    "complex": "there are no complex numbers",
    "half or bfloat16": "float16 is for storing, not for computing; there is no bfloat16",
    "sparse": "tensors are dense",
    "out=": "results are returned, never written into a given tensor",
    "memory_format": "the channels of images have no layout of their own",
    "singular values": "matrix norms of order 2, -2 and nuc: there are no factorisations",
    "max_norm": "rows of an embedding are not rescaled when they are looked up",
    "sparse gradients": "an embedding's gradient is dense, and not scaled by how often an id came",
}


def _by_singular_values(sample: Any) -> bool:
    """A matrix norm of order 2, -2 or "nuc"."""
    order = sample.args[0] if sample.args else sample.kwargs.get("ord", sample.kwargs.get("p"))
    dim = sample.args[1] if len(sample.args) > 1 else sample.kwargs.get("dim")
    matrix = sample.input.ndim == 2 if dim is None else isinstance(dim, tuple | list)
    return order == "nuc" or (order in (2, -2) and matrix and (dim is None or len(dim) == 2))


def _given(*arguments: str) -> Callable[[Any], bool]:
    """Whether one of the arguments says something."""
    return lambda sample: any(sample.kwargs.get(name) for name in arguments)


# What the op's docstring says is left out: which samples ask for it, and its name.
LEFT_OUT = {
    "nn.functional.embedding": [
        (_given("max_norm"), "max_norm"),
        (_given("scale_grad_by_freq", "sparse"), "sparse gradients"),
    ],
    "linalg.matrix_norm": [(_by_singular_values, "singular values")],
    "linalg.norm": [(_by_singular_values, "singular values")],
    "norm": [(lambda sample: "nuc" in (*sample.args, sample.kwargs.get("p")), "singular values")],
}
WHOLLY_LEFT_OUT = {"norm.nuc"}  # variants of which nothing is left
RANDOM = {  # samples of which only shape and dtype can agree
    "nn.functional.dropout": lambda sample: sample.kwargs.get("training", True),
    "nn.functional.scaled_dot_product_attention": lambda s: s.kwargs.get("dropout_p", 0) > 0,
}
# Indices of equal elements: any of them may come first. The place of `dim` behind the input.
TIES = {"topk": 1, "sort": 0, "argsort": 0}
SHAPE_ONLY = {
    "randn": "drawn from another generator",
    "randn_like": "drawn from another generator",
    "rand_like": "drawn from another generator",
    "randint": "drawn from another generator",
    "multinomial": "drawn from another generator",
    "empty": "whatever stands in memory",
    "empty_like": "whatever stands in memory",
}
# Gradients where the input is nan: PyTorch's vector loop and the tail behind it give two answers.
UNSETTLED_AT_NAN = {"nn.functional.elu"}
# float32: (rtol, atol) of values and of gradients, where PyTorch's defaults ask too much.
USUAL = (1.3e-6, 1e-5)
# sums of products up to 350 that nearly cancel, whose last bit is 3e-5: how much is left of it
# hangs on the order in which either library's product sums, which is another on each processor
PRODUCTS = ((1.3e-6, 5e-5), (1.3e-6, 5e-5))
TOLERANCES = {
    "matmul": PRODUCTS,
    "__rmatmul__": PRODUCTS,
    # a row of one element: variance 0, so 1 / sqrt(eps) = 316 multiplies the rounding
    "nn.functional.layer_norm": (USUAL, (1.3e-6, 1e-4)),
    # scores up to +-250 and gradients up to 100; weights are exp(score - logsumexp), whose last
    # bit is 1.5e-5 of a weight there
    "nn.functional.scaled_dot_product_attention": ((1e-5, 1e-4), (1e-5, 1e-3)),
    # exp(x - y) where x and y are 10000, whose last bit is 1e-3
    "logcumsumexp": (USUAL, (1e-2, 1e-2)),
}
