"""Anomaly detection: which op's backward gave NaN, and which line of the forward had called it.

While it is on, each node keeps the calls that led to it, and each gradient is looked through for
NaN. While it is off, the tape asks once for each node recorded and once for each backward.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

enabled = False
_check_nan = True

_PACKAGE = str(Path(__file__).parent)
_MACHINERY = {
    str(Path(__file__).with_name(name)) for name in ("anomaly.py", "tape.py", "tensor.py")
}


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on. PyTorch: torch.is_anomaly_enabled."""
    return enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether NaN is looked for while it is on. PyTorch: torch.is_anomaly_check_nan_enabled."""
    return _check_nan


class set_detect_anomaly:  # noqa: N801 - PyTorch's name
    """Switch anomaly detection on or off: at once, and as a context.

    The forward must run while it is on for its lines to be known. It makes everything slower.

    Args:    check_nan: whether a NaN in a gradient is an error; if not, only the forward's lines
             are told of a backward that fails by itself.
    PyTorch: torch.autograd.set_detect_anomaly.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        global enabled, _check_nan
        self.before = enabled, _check_nan
        enabled, _check_nan = bool(mode), bool(check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        global enabled, _check_nan
        enabled, _check_nan = self.before


class detect_anomaly:  # noqa: N801 - PyTorch's name
    """Detect anomalies inside the block, in the forward and in the backward.

    Args:    check_nan: whether a NaN in a gradient is an error.
    PyTorch: torch.autograd.detect_anomaly.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self.switch = set_detect_anomaly(True, self.check_nan)

    def __exit__(self, *exception: object) -> None:
        self.switch.__exit__()


def calls() -> traceback.StackSummary:
    """The calls that led here, outermost first, without those of the machinery."""
    frames = traceback.walk_stack(sys._getframe(1))
    stack = traceback.StackSummary.extract(frames, lookup_lines=False)
    kept = [frame for frame in reversed(stack) if frame.filename not in _MACHINERY]
    return traceback.StackSummary.from_list(kept)


def watched(gradients_of: Callable[[Any, list], tuple]) -> Callable[[Any, list], tuple]:
    """Run a node's backward so that a failure, or a NaN, tells where its forward was called."""

    def watch(node: Any, grad_outputs: list) -> tuple:
        try:
            grads = gradients_of(node, grad_outputs)
        except Exception:
            _tell(node)
            raise
        for position, grad in enumerate(grads):
            if _check_nan and grad is not None and grad.dtype.kind == "f" and np.isnan(grad).any():
                _tell(node)
                raise RuntimeError(
                    f"Function '{node.name()}' returned nan values in its {position}th output, the "
                    f"gradient of its input {position}. {_in_one_line(node)}"
                )
        return grads

    return watch


def _tell(node: Any) -> None:
    if node.called_from is None:
        warnings.warn(
            f"Error detected in {node.name()}. No forward pass information available: switch "
            "anomaly detection on before the forward.",
            stacklevel=2,
        )
        return
    lines = "".join(node.called_from.format())
    warnings.warn(
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n"
        f"{lines}",
        stacklevel=2,
    )


def _in_one_line(node: Any) -> str:
    """The innermost line outside this package."""
    for frame in reversed(node.called_from or ()):
        if not frame.filename.startswith(_PACKAGE):
            return f"Called at {frame.filename}, line {frame.lineno}: {frame.line}"
    return "Switch anomaly detection on before the forward to see where it was called."
