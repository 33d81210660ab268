"""The masks of MultiheadAttention and the Transformer: checked by name, merged, made.

Here True in a bool mask means "may not attend", as in PyTorch's `nn.MultiheadAttention`, the
opposite of `scaled_dot_product_attention`. Within, a mask is numbers added to the scores: 0 for
what may be seen, -inf for what may not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyllm.defaults import check_device, get_default_dtype
from tinyllm.functions import full, triu
from tinyllm.tensor import Tensor

Lengths = tuple[int | None, int]  # (B, length), B = None without a batch


def square_subsequent_mask(size: int, device: Any = None, dtype: Any = None) -> Tensor:
    """Make the causal mask (size, size): 0 on and below the diagonal, -inf above it."""
    check_device(device)
    dtype = get_default_dtype() if dtype is None else np.dtype(dtype)
    return triu(full((size, size), -math.inf, dtype=dtype), diagonal=1)


def additive(mask: Tensor | None, dtype: np.dtype) -> Tensor | None:
    """Turn a bool mask into numbers to add, -inf where it is True; leave anything else as it is."""
    if not isinstance(mask, Tensor) or mask.array.dtype.kind != "b":
        return mask
    return Tensor(np.where(mask.array, dtype.type(-np.inf), dtype.type(0)))


def is_causal_mask(mask: Tensor | None, is_causal: bool | None, length: int) -> bool:
    """Say whether `mask` is the causal one, if the caller did not say it: then nothing needs to be
    read from it, and what it hides is not even computed."""
    if is_causal is not None or not isinstance(mask, Tensor):
        return is_causal is True
    dtype = mask.array.dtype
    if mask.shape != (length, length) or dtype.kind not in "bf":
        return False
    causal = np.tri(length, dtype=bool)
    if dtype.kind == "b":
        return bool((mask.array != causal).all())
    return bool((mask.array == np.where(causal, dtype.type(0), dtype.type(-np.inf))).all())


def merged(
    attn_mask: Tensor | None, padding: Tensor | None, heads: int, dtype: np.dtype
) -> Tensor | None:
    """Add both masks into one that broadcasts to the scores (B, H, T, S), itself no larger than it
    must be: (T, S), (B, 1, 1, S), (B, 1, T, S) or (B, H, T, S).

    Shapes:  attn_mask (T, S) or (B * H, T, S), padding (B, S)
    """
    mask = additive(attn_mask, dtype)
    if mask is not None:
        mask = mask.to(dtype)
    if mask is not None and mask.ndim == 3:
        mask = mask.reshape(mask.shape[0] // heads, heads, *mask.shape[1:])  # (B, H, T, S)
    if padding is None:
        return mask
    padding = additive(padding, dtype)
    padding = padding.reshape(padding.shape[0], 1, 1, padding.shape[1])  # (B, 1, 1, S)
    return padding if mask is None else mask + padding


def check_attn_mask(
    who: str,
    name: str,
    mask: Tensor | None,
    query: Lengths,
    key: Lengths,
    heads: int,
    dtype: np.dtype,
    is_causal: bool = False,
) -> None:
    """Hold an attention mask against the lengths it is for.

    Args:    query, key: (B, T) and (B, S); B = None stands for unbatched inputs.
             is_causal: the mask is said to be causal: there must be one, of whatever numbers.
    Raises:  TypeError for its dtype, ValueError for its shape, RuntimeError where is_causal speaks
             of a mask that is not given.
    """
    (B, T), S = query, key[1]
    if mask is None:
        if is_causal:
            raise RuntimeError(
                f"{who}: is_causal=True says that {name} is causal, and there is none: pass "
                f"{name}=nn.Transformer.generate_square_subsequent_mask({T}) too"
            )
        return
    _check_kind(who, name, mask, None if is_causal else dtype)
    by_head = ((1 if B is None else B) * heads, T, S)
    if mask.shape in ((T, S), by_head):
        return
    wanted = f"(T, S) = {(T, S)} or ({'H' if B is None else 'B * H'}, T, S) = {by_head}"
    hint = ""
    if name == "memory_mask" and mask.shape[-2:] == (S, S):
        hint = (
            f". It looks like a mask of the source, whose {S} positions see each other; here {T} "
            f"target positions see {S} source positions. Passing src_mask as memory_mask only fits "
            "where both sides are equally long: pass None, and what must stay hidden (padding) as "
            "memory_key_padding_mask"
        )
    elif mask.shape == (S, T) or mask.shape == (by_head[0], S, T):
        hint = ". Did you mean mask.mT? Queries come first"
    elif mask.ndim == 2 and T != B and mask.shape == (B, S):
        padding = {"attn_mask": "", "mask": "src_"}.get(name, name.removesuffix("mask"))
        hint = f". A mask of padding, (B, S), is passed as {padding}key_padding_mask"
    raise ValueError(
        f"{who}: {name} has shape {mask.shape}, but with {T} queries (T) and {S} keys (S) it must "
        f"be {wanted}{hint}"
    )


def check_padding_mask(
    who: str, name: str, mask: Tensor | None, key: Lengths, dtype: np.dtype, batch_first: bool
) -> None:
    """Hold a mask of padding against the keys, (B, S); B = None stands for unbatched inputs."""
    if mask is None:
        return
    _check_kind(who, name, mask, dtype)
    batched = key[0] is not None
    wanted = key if batched else key[1:]
    if mask.shape == wanted:
        return
    hint = ""
    if batched and mask.shape == key[::-1]:
        hint = ". It is batch first whatever batch_first says: did you mean mask.T?"
    elif batched and not batch_first and mask.ndim == 2:
        hint = (
            ". With batch_first=False the inputs are (length, B, C): were they given as (B, ...)?"
        )
    raise ValueError(
        f"{who}: {name} has shape {mask.shape}, but the keys are "
        f"{'(B, S)' if batched else '(S,)'} = {wanted}{hint}"
    )


def _check_kind(who: str, name: str, mask: Tensor, dtype: np.dtype | None) -> None:
    if not isinstance(mask, Tensor):
        raise TypeError(f"{who}: {name} must be a Tensor, not {type(mask).__name__}")
    if mask.dtype.kind not in "bf":
        raise TypeError(
            f"{who}: {name} must be bool (True = may not attend) or floating-point (added to the "
            f"scores), not {mask.dtype}; mask.bool() makes True of what is not 0"
        )
    if mask.dtype.kind == "f" and dtype is not None and mask.dtype != dtype:
        raise TypeError(
            f"{who}: {name} is {mask.dtype} but the inputs are {dtype}; convert it by "
            f"mask.to({dtype.name!r})"
        )
