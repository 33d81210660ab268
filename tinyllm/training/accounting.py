"""What a model costs: parameters, bytes, and floating-point operations per token.

A product of a row (in) and a matrix (in, out) takes in multiplications and in additions for each
of its outputs: 2 in out operations. So a weight matrix costs 2 operations per parameter and token.
Attention adds, per head, the scores q k^T and their use on v: 2 (2 D) operations for each key that
a query sees. Under the causal mask the query at position t sees t + 1 keys, (T + 1) / 2 in the
mean, so a layer of width C adds 4 C (T + 1) / 2 = 2 C (T + 1) operations per token.

    forward  = 2 (parameters of all matrices that multiply) + layers * 2 C (T + 1)
    backward = 2 forward                (one product for the input's gradient, one for the weight's)

Norms, activations and the optimizer, which grow with C and not C^2, are left out, as is usual.

Source:  Kaplan et al. 2020, table 1, arXiv:2001.08361; Hoffmann et al. 2022, appendix F,
         arXiv:2203.15556 (neither halves the attention for the causal mask)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyllm.nn import Embedding, Module

ADAM_ARRAYS = 2  # running means of gradient and squared gradient


@dataclass(frozen=True)
class Layer:
    """One line of the account: a parameter, or work that has none."""

    name: str
    shape: tuple[int, ...]
    parameters: int
    bytes: int
    flops: int  # per token, forward


@dataclass(frozen=True)
class Account:
    """The cost of a model by layer and in sum; bytes while training are without activations."""

    layers: tuple[Layer, ...]
    context_length: int
    cache_bytes_per_token: int

    @property
    def parameters(self) -> int:
        """How many numbers are trained; tied weights count once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def bytes(self) -> int:
        """The size of the weights."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def training_bytes(self) -> int:
        """Weights, gradients, and AdamW's two arrays."""
        return (2 + ADAM_ARRAYS) * self.bytes

    @property
    def forward_flops(self) -> int:
        """Floating-point operations per token of a full context, to predict."""
        return sum(layer.flops for layer in self.layers)

    @property
    def training_flops(self) -> int:
        """Floating-point operations per token of a full context, to train: forward and backward."""
        return 3 * self.forward_flops


def account(model: Module) -> Account:
    """Count what a decoder costs, parameter by parameter."""
    config = model.config
    tables = {id(m.weight) for m in model.modules() if isinstance(m, Embedding)}
    layers = []
    for name, parameter in model.named_parameters():
        multiplies = parameter.ndim >= 2 and id(parameter) not in tables  # tables are looked up
        size, itemsize = parameter.numel(), parameter.element_size()
        flops = 2 * size if multiplies else 0
        layers.append(Layer(name, parameter.shape, size, size * itemsize, flops))
        if name.endswith("attention.out.weight"):  # before it come the scores and their use
            layers.insert(-1, _attention_scores(name, config))
    if config.tie_embeddings:
        flops = 2 * config.vocab_size * config.width
        layers.append(
            Layer("head (token_embedding)", (config.vocab_size, config.width), 0, 0, flops)
        )
    head_size = config.width // config.heads
    kv_heads = config.kv_heads or config.heads
    cached = 2 * config.layers * kv_heads * head_size * itemsize
    return Account(tuple(layers), config.context_length, cached)


def _attention_scores(name: str, config: Any) -> Layer:
    name = name.removesuffix(".out.weight")
    T, C = config.context_length, config.width
    return Layer(f"{name} (q k^T, a v)", (T, T), 0, 0, 2 * C * (T + 1))


def table(cost: Account) -> str:
    """The account as lines of text with aligned columns."""
    rows = [("layer", "shape", "parameters", "bytes", "FLOPs/token")]
    for layer in cost.layers:
        shape = " x ".join(map(str, layer.shape))
        numbers = (layer.parameters, layer.bytes, layer.flops)
        rows.append((layer.name, shape, *(f"{n:,}" if n else "-" for n in numbers)))
    total = (cost.parameters, cost.bytes, cost.forward_flops)
    rows.append(("total", "", *(f"{n:,}" for n in total)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def overview(cost: Account) -> str:
    """The sums in words."""
    T = cost.context_length
    return (
        f"weights {readable_bytes(cost.bytes)}; with gradients and AdamW, for training, "
        f"{readable_bytes(cost.training_bytes)} and the activations; "
        f"key-value cache {readable_bytes(cost.cache_bytes_per_token)} per token, "
        f"{readable_bytes(T * cost.cache_bytes_per_token)} for the context of {T} tokens\n"
        f"{readable_count(cost.forward_flops)}FLOP per token to predict, "
        f"{readable_count(cost.training_flops)}FLOP to train (forward and backward), "
        f"at a full context"
    )


def readable_bytes(size: float) -> str:
    """A size in the largest unit of 1024 that keeps it above 1."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    raise AssertionError


def readable_count(count: float) -> str:
    """A large number with the letter of its thousands: 810,496 -> 810 k."""
    for factor, letter in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= factor:
            return f"{count / factor:.3g}{letter}"
    return f"{count:.3g}"
