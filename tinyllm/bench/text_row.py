"""One line of the table of `tinyllm bench text`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TextRow:
    """One line of the table.

    name:  what is done
    ours:  does it once
    peer:  does the same with `peer_name`, a library; None if that is not installed
    size:  bytes or pieces that one run handles, for the rate
    """

    name: str
    ours: Callable[[], Any]
    peer: Callable[[], Any] | None
    peer_name: str
    size: int = 0
