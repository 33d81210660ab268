"""How much memory this process held at most, above what it held at some moment."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Watches resident memory from now on: make one after the imports and before the work.

    Linux keeps the most that was resident as VmHWM, and takes it back to the present when "5" is
    written to clear_refs. Elsewhere the base is the highest mark so far.
    """

    def __init__(self) -> None:
        self.reset_peak()
        self.base = _linux("VmRSS") or _highest()

    def reset_peak(self) -> None:
        """Forget the highest mark, where the system allows it; the base stays."""
        with suppress(OSError):
            _CLEAR.write_text("5")

    def peak(self) -> int:
        """Bytes held at most since then, above the base."""
        return max(0, (_linux("VmHWM") or _highest()) - self.base)


def most_held() -> int:
    """Bytes that this process held at most, or one that it started and that has ended.

    0 where the system does not say (Windows).
    """
    # On Linux getrusage counts in what the process that started this one held.
    return max(_linux("VmHWM") or _highest(), _highest(of_children=True))


def _linux(field: str) -> int | None:
    """A field of /proc/self/status in bytes; None where there is no such file."""
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _highest(of_children: bool = False) -> int:
    """The high-water mark by getrusage; 0 where that does not exist (Windows)."""
    try:
        import resource
    except ImportError:
        return 0
    who = resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF
    mark = resource.getrusage(who).ru_maxrss
    return mark if sys.platform == "darwin" else mark * 1024
