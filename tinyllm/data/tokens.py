"""Token ids in a file that is memory-mapped, not loaded: a corpus may be larger than memory.

Layout, little-endian: a header of 64 bytes, then the ids.
    8 bytes   magic "TINYTOK1"
    8 bytes   bytes per id: 1, 2 or 4 (unsigned integers)
    8 bytes   number of ids
    32 bytes  SHA-256 of the tokenizer (`Tokenizer.fingerprint`), zeros if not told
    8 bytes   zeros
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tinyllm.files import atomic_write

_HEADER = struct.Struct("<8sQQ32s8x")
_MAGIC = b"TINYTOK1"


@dataclass(frozen=True)
class TokenFile:
    """An open token file: `tokens` is a read-only 1-d array whose pages are read when used."""

    path: Path
    tokens: np.ndarray = field(repr=False)
    tokenizer: str | None
    """SHA-256 of the tokenizer that made the ids, in hex; None if the writer did not tell."""

    def __len__(self) -> int:
        return len(self.tokens)

    @staticmethod
    def write(path: str | os.PathLike, tokens: np.ndarray, tokenizer: str | None = None) -> Path:
        """Write ids in the smallest unsigned integers that hold them, atomically.

        Args:
            path: the file; its folder must be there.
            tokens: ids (N,) of any integer dtype, none negative.
            tokenizer: `Tokenizer.fingerprint()` of what made them.
        """
        tokens = np.asarray(tokens)
        if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
            raise TypeError(
                f"TokenFile.write: tokens are a 1-d integer array, got shape {tokens.shape} of "
                f"{tokens.dtype}"
            )
        low, high = (int(tokens.min()), int(tokens.max())) if tokens.size else (0, 0)
        if low < 0 or high >= 2**32:
            raise ValueError(f"TokenFile.write: ids are in [0, 2**32), got {low} to {high}")
        dtype = np.min_scalar_type(high).newbyteorder("<")
        digest = bytes.fromhex(tokenizer or "")
        if len(digest) not in (0, 32):
            raise ValueError("TokenFile.write: tokenizer is a SHA-256 in hex, 64 digits")
        with atomic_write(path) as file:
            file.write(_HEADER.pack(_MAGIC, dtype.itemsize, len(tokens), digest))
            for start in range(0, len(tokens), 2**22):  # a piece at a time, for mapped tokens
                file.write(tokens[start : start + 2**22].astype(dtype).tobytes())
        return Path(path)

    @classmethod
    def open(cls, path: str | os.PathLike, tokenizer: str | None = None) -> TokenFile:
        """Map a token file; with `tokenizer`, a fingerprint, refuse ids of another tokenizer.

        Raises:
            FileNotFoundError: there is none.
            ValueError: not a token file, cut off, damaged, or of another tokenizer.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"TokenFile.open: {path}: there is no such file")
        with open(path, "rb") as file:
            header = file.read(_HEADER.size)
            size = os.fstat(file.fileno()).st_size
        itemsize, count, digest = _checked_header(path, header, size)
        made_by = digest.hex() if any(digest) else None
        if tokenizer is not None and made_by is not None and made_by != tokenizer:
            raise ValueError(
                f"TokenFile.open: {path} was written with another tokenizer: encode the text again"
            )
        dtype = np.dtype(f"<u{itemsize}")
        if count == 0:  # nothing to map
            return cls(path, np.empty(0, dtype), made_by)
        tokens = np.memmap(path, dtype, mode="r", offset=_HEADER.size, shape=(count,))
        return cls(path, tokens, made_by)


def _checked_header(path: Path, header: bytes, size: int) -> tuple[int, int, bytes]:
    """Give bytes per id, number of ids and digest, if they agree with the size of the file."""
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise ValueError(
            f"TokenFile.open: {path} is not a token file (or one cut off): it has {size:,} bytes "
            f"and does not start with a header"
        )
    _, itemsize, count, digest = _HEADER.unpack(header)
    if itemsize not in (1, 2, 4):
        raise ValueError(f"TokenFile.open: {path}: damaged: {itemsize} bytes per id, not 1, 2 or 4")
    promised = _HEADER.size + itemsize * count
    if promised != size:
        raise ValueError(
            f"TokenFile.open: {path}: its header promises {count:,} ids, {promised:,} bytes, the "
            f"file has {size:,}: was it cut off?"
        )
    return itemsize, count, digest
