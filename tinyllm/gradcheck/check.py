"""gradcheck: the tape's gradient against central differences, element by element."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyllm.gradcheck.diagnosis import Evidence, diagnose, factor_in_words, wrong_shape
from tinyllm.gradcheck.probe import NotDifferentiable, Probe
from tinyllm.gradcheck.report import InputReport, Report
from tinyllm.tensor import Tensor

DIAGNOSED = 2048  # elements: a failing input up to this size is measured wholly, to see patterns
DIRECTIONS = 4


class GradcheckError(RuntimeError):
    """A gradient disagrees; the message says where, by how much, and the likely cause.

    report: the Report, or None where nothing could be compared
    """

    def __init__(self, message: str, report: Report | None = None) -> None:
        super().__init__(message)
        self.report = report


def gradcheck(
    function: Callable[..., Tensor | Sequence[Tensor]],
    inputs: Tensor | Sequence[Any],
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    samples: int = 64,
    raise_exception: bool = True,
    seed: int = 0,
    directional: bool = False,
) -> bool:
    """Check a function's gradients against central differences, and say what is wrong.

    For a random covector c: |analytic - numeric| <= atol + rtol |numeric|, where analytic is
    backward(c) and numeric_i = sum_k c_k (y_k(x + eps e_i) - y_k(x - eps e_i)) / (2 eps).

    Args:    inputs: a tensor or a tuple; those that require gradients are checked. float64.
             samples: an input with more elements than this is checked at so many, drawn by `seed`.
             directional: move all elements at once along a few directions instead, with looser
             tolerances. Weaker, but float32 inputs are allowed (there eps is at least 1e-2).
    Raises:  GradcheckError where gradients disagree, unless raise_exception=False;
             TypeError for inputs that are not float64, ValueError for none to check.
    PyTorch: torch.autograd.gradcheck; samples, seed, directional and the diagnosis are ours.
    """
    try:
        report = gradcheck_report(function, inputs, eps, atol, rtol, samples, seed, directional)
        if not report.ok:
            raise GradcheckError(str(report), report)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradcheck_report(
    function: Callable[..., Tensor | Sequence[Tensor]],
    inputs: Tensor | Sequence[Any],
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    samples: int = 64,
    seed: int = 0,
    directional: bool = False,
) -> Report:
    """Check as `gradcheck` does, and return the Report also where gradients disagree.

    Raises:  GradcheckError if nothing can be compared (randomness, a backward that fails),
             TypeError and ValueError as `gradcheck`.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    leaves = _leaves(inputs, directional)
    try:
        probe = Probe(function, inputs, seed)
        gradients = probe.analytic()
    except NotDifferentiable as error:
        raise GradcheckError(f"gradcheck: {error}") from None
    except RuntimeError as error:
        raise GradcheckError(_failed_backward(str(error))) from error
    report = Report([])
    left_out = int((~probe.finite).sum())
    if left_out:
        report.notes.append(f"{left_out} infinite outputs of {probe.finite.size} left out")
    for number, (leaf, slots) in enumerate(leaves.items()):
        rng = np.random.default_rng([seed, number])
        if directional:
            entry = _check_directions(probe, leaf, slots, gradients.get(leaf), eps, atol, rtol, rng)
        else:
            evidence = Evidence(probe, leaf, slots, gradients.get(leaf), eps, atol, rtol)
            entry = _check_elements(evidence, samples, rng)
        report.inputs.append(entry)
    return report


def _leaves(inputs: Sequence[Any], directional: bool) -> dict[Tensor, list[int]]:
    """Each tensor to check, with its places among the inputs (it may be passed twice)."""
    leaves: dict[Tensor, list[int]] = {}
    for slot, x in enumerate(inputs):
        if isinstance(x, Tensor) and x.requires_grad:
            leaves.setdefault(x, []).append(slot)
    if not leaves:
        raise ValueError("gradcheck: no input requires a gradient; set requires_grad=True on one")
    for x, slots in leaves.items():
        who = f"gradcheck: {_name(slots)} of shape {x.shape}"
        if not directional and x.dtype != np.float64:
            raise TypeError(
                f"{who} is {x.dtype}: differences at eps=1e-6 need float64, since rounding swamps "
                "them in anything shorter. Use .double(), or directional=True for a coarse check"
            )
        if not x.is_leaf:
            raise ValueError(f"{who} is computed; pass x.detach().requires_grad_()")
        overlaps = any(s == 0 and n > 1 for s, n in zip(x.array.strides, x.shape, strict=True))
        if x.array.size and (overlaps or not x.array.flags.writeable):
            raise ValueError(f"{who} shares memory among its elements or is read-only; .clone() it")
        if np.isnan(x.array).any():
            raise ValueError(f"{who} holds NaN")
    return leaves


def _name(slots: list[int]) -> str:
    if len(slots) == 1:
        return f"input {slots[0]}"
    return "inputs " + " and ".join(map(str, slots)) + " (one tensor)"


def _check_elements(evidence: Evidence, samples: int, rng: np.random.Generator) -> InputReport:
    x = evidence.x.array
    entry = InputReport(_name(evidence.slots), x.shape, x.size)
    chosen = np.arange(x.size)
    if x.size > samples:
        chosen = np.sort(rng.choice(x.size, samples, replace=False))
    evidence.measure(chosen)
    entry.checked = len(chosen)
    wrong = evidence.wrong()
    entry.failed = int(wrong.sum())
    _note_worst(entry, evidence)
    if entry.failed:
        if x.size <= DIAGNOSED:
            evidence.measure(np.arange(x.size))
        entry.cause = diagnose(evidence)
    return entry


def _note_worst(entry: InputReport, evidence: Evidence) -> None:
    """Write down the element that is furthest off, measured against what is allowed."""
    if not entry.checked:
        return
    error = np.abs(evidence.analytic - evidence.numeric)[evidence.measured]
    excess = np.where(np.isnan(error), np.inf, error / evidence.allowed()[evidence.measured])
    worst = int(np.argmax(excess))
    flat = int(np.flatnonzero(evidence.measured.ravel())[worst])
    entry.worst_error = float(np.nanmax(error)) if np.isfinite(error).any() else float("inf")
    entry.worst_index = tuple(int(i) for i in np.unravel_index(flat, entry.shape))
    entry.analytic = None if evidence.missing else float(evidence.analytic[entry.worst_index])
    entry.numeric = float(evidence.numeric[entry.worst_index])


def _check_directions(
    probe: Probe,
    x: Tensor,
    slots: list[int],
    grad: np.ndarray | None,
    eps: float,
    atol: float,
    rtol: float,
    rng: np.random.Generator,
) -> InputReport:
    """Compare <gradient, v> with the slope along v, for random v and for the gradient itself."""
    entry = InputReport(_name(slots), x.shape, x.array.size, directions=True)
    if x.array.size == 0:
        return entry
    if x.dtype != np.float64:
        eps, atol, rtol = max(eps, 1e-2), max(atol, 1e-3), max(rtol, 1e-2)
    gradient = np.zeros(x.shape) if grad is None else grad.astype(np.float64)
    length = np.sqrt((gradient**2).sum())
    directions = [rng.uniform(0.5, 1, x.shape) * rng.choice([-1, 1], x.shape) for _ in range(3)]
    if 0 < length < np.inf:
        directions.append(gradient * (np.sqrt(x.array.size) / length))
    analytic = np.array([(gradient * v).sum() for v in directions])
    numeric = np.array([probe.along(x, v, eps) for v in directions])
    # Along a random direction the terms nearly cancel, so the slope itself sets no scale.
    allowed = atol + rtol * np.maximum(np.abs(numeric), length)
    error = np.abs(analytic - numeric)
    worst = int(np.argmax(np.where(np.isnan(error), np.inf, error / allowed)))
    entry.checked = len(directions)
    entry.failed = int((~(error <= allowed)).sum())
    entry.worst_index, entry.worst_error = (worst,), float(error[worst])
    entry.analytic = None if grad is None else float(analytic[worst])
    entry.numeric = float(numeric[worst])
    if entry.failed:
        entry.cause = (
            "no gradient at all (None)"
            if grad is None
            else factor_in_words(analytic, numeric, allowed, [x.shape, *probe.shapes])
            or "not told by directions; check in float64, element by element"
        )
    return entry


def _failed_backward(message: str) -> str:
    """Explain an error that the tape raised, with the cause that wrong shapes betray."""
    text = f"gradcheck: the backward failed: {message}"
    shapes = re.search(r"gradient of shape (\(.*?\)).*input has shape (\(.*?\))", message)
    if shapes is None:
        return text
    got, wanted = (tuple(map(int, re.findall(r"\d+", shape))) for shape in shapes.groups())
    return f"{text}\n    likely cause: {wrong_shape(got, wanted)}" if got != wanted else text
