"""Margins around a tensor, and classes written out as vectors; `functional.py` gives them on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyllm.functions.arguments import check_sizes, check_tensor, no_bools, whole_if_integer
from tinyllm.functions.indexing import index_select
from tinyllm.ops.repetition import Pad
from tinyllm.tensor import Tensor, apply

MODES = ("constant", "reflect", "replicate", "circular")


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Widen the last dims by margins: pad is (left, right) of the last dim, then of the one before.

    constant:   margins of `value`, 0 by default; a negative margin cuts off
    reflect:    3 2 [1 2 3 4] 3 2, the edge itself not repeated
    replicate:  1 1 [1 2 3 4] 4 4
    circular:   3 4 [1 2 3 4] 1 2

    Shapes:  (..., N) -> (..., left + N + right)
    Raises:  ValueError for a pad that does not fit the dims, or a margin too wide for the mode.
    PyTorch: torch.nn.functional.pad. As there, the other modes pad the last 1, 2 or 3 dims, and one
             or two dims (batch, channels) must come before these.
    """
    check_tensor("pad", input)
    widths = _margins(input, check_sizes("pad", (pad,)))
    if mode not in MODES:
        raise ValueError(f"pad: mode must be one of {', '.join(MODES)}, not {mode!r}")
    if mode == "constant":
        number = 0 if value is None else value
        number = whole_if_integer("pad", number, input.dtype)
        return apply(Pad, input, widths=widths, value=number)
    if value not in (None, 0):
        raise ValueError(f"pad: value {value} is for mode 'constant', not for {mode!r}")
    if mode != "circular":
        no_bools("pad", input)
    padded = len(pad) // 2
    if padded not in (1, 2, 3) or input.ndim - padded not in (1, 2):
        raise ValueError(
            f"pad: mode {mode!r} pads the last 1, 2 or 3 dims behind one or two others, and pad "
            f"{tuple(pad)} speaks of {padded} of the {input.ndim} dims of {input.shape}"
        )
    output = input
    for axis in range(input.ndim - padded, input.ndim):
        taken = _positions(mode, input, axis, *widths[axis])
        output = index_select(output, axis, Tensor(taken))
    return output


def _margins(input: Tensor, pad: tuple[int, ...]) -> list[tuple[int, int]]:
    """(before, after) for every dim of input, checked."""
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ValueError(
            f"pad: pad {pad} must hold two numbers for each dim from the last on, and "
            f"input {input.shape} has {input.ndim} dims"
        )
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    for axis, (n, (before, after)) in enumerate(zip(input.shape, widths, strict=True)):
        if n + min(before, 0) + min(after, 0) < 0:
            raise ValueError(f"pad: {(before, after)} cuts more off dim {axis} than its size, {n}")
    return widths


def _positions(mode: str, input: Tensor, axis: int, before: int, after: int) -> np.ndarray:
    """Where each element of the padded dim is taken from."""
    n = input.shape[axis]
    left = n + min(before, 0) + min(after, 0)  # of the dim itself
    widest = {"reflect": n - 1, "replicate": np.inf if n else 0, "circular": left}[mode]
    if max(before, after) > widest or n + before + after < 1:
        raise ValueError(
            f"pad: mode {mode!r} cannot pad dim {axis} of {input.shape} by {(before, after)}: a "
            f"margin is at most {widest} here, and at least one element must come out"
        )
    places = np.arange(-before, n + after)
    if mode == "reflect":
        return n - 1 - np.abs(n - 1 - np.abs(places))
    if mode == "replicate":
        return np.clip(places, 0, n - 1)
    start = max(-before, 0)
    return start + (places - start) % left  # what was cut off does not come round again


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Write each class as a vector of num_classes with a 1 at its place.

    Args:    num_classes: -1 takes the largest class + 1.
    Shapes:  (...) integers -> (..., num_classes) int64
    Raises:  TypeError unless the classes are integers, IndexError for one outside [0, num_classes),
             ValueError if no tensor says how many there are.
    PyTorch: torch.nn.functional.one_hot, which takes int64 alone.
    """
    classes = check_tensor("one_hot", tensor).array
    if classes.dtype.kind not in "iu":
        raise TypeError(f"one_hot: classes must be an integer tensor, got {tensor.dtype}; .long()?")
    if num_classes == -1:
        if not classes.size:
            raise ValueError("one_hot: an empty tensor does not say num_classes; give it")
        num_classes = max(int(classes.max()) + 1, 1)
    if num_classes < 0 or (num_classes == 0 and not classes.size):
        raise ValueError(f"one_hot: num_classes must be positive, got {num_classes}")
    outside = (classes < 0) | (classes >= num_classes)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        raise IndexError(
            f"one_hot: class {classes[place]} at {list(place)} is outside [0, {num_classes})"
        )
    return Tensor((classes[..., None] == np.arange(num_classes)).astype(np.int64))
