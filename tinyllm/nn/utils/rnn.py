"""Sequences of different lengths in one tensor."""

from __future__ import annotations

from collections.abc import Sequence

from tinyllm.functions import full, stack
from tinyllm.functions.arguments import check_tensor
from tinyllm.functions.joining import cat
from tinyllm.tensor import Tensor


def pad_sequence(
    sequences: Tensor | Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Join sequences, filled up to the longest, into one tensor.

    Shapes:  B times (T_i, ...) -> (T, B, ...), or (B, T, ...) with batch_first, T = max T_i
    Raises:  ValueError for no sequence, or dims after the first that disagree.
    PyTorch: torch.nn.utils.rnn.pad_sequence
    """
    if padding_side not in ("right", "left"):
        raise ValueError(
            f"pad_sequence: padding_side must be 'right' or 'left', not {padding_side!r}"
        )
    if not isinstance(sequences, Tensor | list | tuple):
        kind = type(sequences).__name__
        raise TypeError(f"pad_sequence: sequences must be a list of tensors, not {kind}")
    sequences = [check_tensor("pad_sequence", x) for x in sequences]
    if not sequences:
        raise ValueError("pad_sequence: needs a list of at least one tensor")
    rest, dtype = sequences[0].shape[1:], sequences[0].dtype
    for position, x in enumerate(sequences):
        if not x.ndim or x.shape[1:] != rest:
            raise ValueError(
                f"pad_sequence: sequence {position} is {x.shape}, and the first is "
                f"{sequences[0].shape}: all dims but the first must be equal"
            )
    longest = max(x.shape[0] for x in sequences)
    padded = []
    for x in sequences:
        x = x.to(dtype)
        filling = full((longest - x.shape[0], *rest), padding_value, dtype=dtype)
        padded.append(cat([x, filling] if padding_side == "right" else [filling, x]))  # (T, ...)
    return stack(padded, dim=0 if batch_first else 1)
