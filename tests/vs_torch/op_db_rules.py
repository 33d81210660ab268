"""What the run over PyTorch's samples leaves out or judges otherwise, each with a reason."""

from __future__ import annotations

NOT_THE_SAME: dict[str, str] = {}
ACCEPTED: dict[str, str] = {}
LEFT_OUT = {  # arguments that the op's docstring says are left out
    ("nn.functional.embedding", "max_norm"),
    ("nn.functional.embedding", "scale_grad_by_freq"),
    ("nn.functional.embedding", "sparse"),
}
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
# float32: (rtol, atol), where PyTorch's own defaults (1.3e-6, 1e-5) ask more than float32 has.
TOLERANCES = {
    # a row of one element: variance 0, so 1 / sqrt(eps) = 316 multiplies the rounding
    "nn.functional.layer_norm": (1.3e-6, 1e-4),
    # scores up to +-250 and gradients up to 100; weights are exp(score - logsumexp), whose last
    # bit is 1.5e-5 of a weight there
    "nn.functional.scaled_dot_product_attention": (1e-5, 1e-3),
}
KNOWN: dict[str, str] = {
    "argmax": "to be mended",
    "argmin": "to be mended",
    "bitwise_and": "to be mended",
    "bitwise_or": "to be mended",
    "bitwise_xor": "to be mended",
    "bmm": "to be mended",
    "clamp": "to be mended",
    "clamp_max": "to be mended",
    "clamp_min": "to be mended",
    "cumsum": "to be mended",
    "dot": "to be mended",
    "eq": "to be mended",
    "ge": "to be mended",
    "gt": "to be mended",
    "le": "to be mended",
    "lt": "to be mended",
    "ne": "to be mended",
    "logsumexp": "to be mended",
    "matmul": "to be mended",
    "__rmatmul__": "to be mended",
    "max.binary": "to be mended",
    "maximum": "to be mended",
    "min.binary": "to be mended",
    "minimum": "to be mended",
    "mm": "to be mended",
    "pow": "to be mended",
    "remainder": "to be mended",
    "round.decimals_0": "to be mended",
    "std": "to be mended",
    "std.unbiased": "to be mended",
    "var": "to be mended",
    "var.unbiased": "to be mended",
    "gather": "to be mended",
    "index_select": "to be mended",
}
