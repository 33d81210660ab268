"""The likely cause of a wrong gradient, read off the numbers.

`diagnose` asks one question after another, the surest first; each question is a function that
returns its answer in words, or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tinyllm.gradcheck.patterns import (
    Pattern,
    alike,
    factor_in_words,
    missing_term,
    sign_of_some,
    transposed,
    where_wrong,
    wrong_shape,
)
from tinyllm.gradcheck.probe import Probe
from tinyllm.tensor import Tensor

__all__ = ["Evidence", "diagnose", "factor_in_words", "wrong_shape"]

LOOKED_AT = 16  # failing elements whose Jacobian columns are taken again, for a closer look


class Evidence:
    """What is known of one input: its gradient by the tape, and by differences where measured."""

    def __init__(
        self,
        probe: Probe,
        x: Tensor,
        slots: list[int],
        grad: np.ndarray | None,
        eps: float,
        atol: float,
        rtol: float,
    ) -> None:
        self.probe, self.x, self.slots = probe, x, slots
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.missing = grad is None
        self.analytic = np.zeros(x.shape) if grad is None else grad
        self.numeric = np.zeros(x.shape)
        self.measured = np.zeros(x.shape, bool)

    def measure(self, elements: np.ndarray) -> None:
        """Take the differences at these flat positions, where not yet taken."""
        for flat in elements:
            index = np.unravel_index(flat, self.x.shape)
            if not self.measured[index]:
                column = self.probe.column(self.x, index, self.eps)
                self.numeric[index] = self.probe.covector @ column
                self.measured[index] = True

    def allowed(self) -> np.ndarray:
        """The difference that the tolerances allow at each element."""
        return self.atol + self.rtol * np.abs(self.numeric)

    def wrong(self) -> np.ndarray:
        """Where analytic and numeric disagree, NaN included."""
        error = np.abs(self.analytic - self.numeric)
        return self.measured & ~(error <= self.allowed())


def diagnose(evidence: Evidence) -> str:
    """Name the likely cause of a gradient that disagrees."""
    wrong = evidence.wrong()
    if evidence.missing:
        return (
            "no gradient at all (None): the backward returned None for this input, or the graph "
            "to it was cut (detach, no_grad, .array)"
        )
    if not np.isfinite(evidence.analytic[wrong]).all():
        return "the analytic gradient is not finite (a division by 0, or 0 * inf, in the backward)"
    kinks = _kinks(evidence, wrong)
    if kinks.any():
        if (kinks | ~wrong).all():
            return _kink_in_words(evidence, kinks)
        wrong = wrong & ~kinks
    return (
        _one_use(evidence)
        or _pattern_of_values(evidence, wrong)
        or _one_contribution(evidence, wrong)
        or _missing(evidence)
        or "no pattern known here" + where_wrong(evidence.x.array, wrong, evidence.measured)
    )


# A kink: the function has no derivative there, so nothing can be compared


def _kinks(evidence: Evidence, wrong: np.ndarray) -> np.ndarray:
    """Where, among the wrong elements, the slopes from above and from below differ."""
    x, kinks = evidence.x.array, np.zeros_like(wrong)
    looked_at = _some(wrong)
    for index in looked_at:
        up, down = evidence.probe.one_sided(evidence.x, index, evidence.eps)
        scale = max(abs(up), abs(down))
        kinks[index] = not abs(up - down) <= 10 * evidence.atol + 0.02 * scale
    if len(looked_at) < wrong.sum():  # the rest by value: a kink sits at one, such as 0
        kinks |= wrong & np.isin(x, x[kinks])
    return kinks


def _kink_in_words(evidence: Evidence, kinks: np.ndarray) -> str:
    index = _some(kinks)[0]
    up, down = evidence.probe.one_sided(evidence.x, index, evidence.eps)
    low, high = sorted((up, down))
    value, analytic = evidence.x.array[index], evidence.analytic[index]
    text = (
        f"a kink at the point: at input value {value:.6g} the slope is {up:.6g} from above and "
        f"{down:.6g} from below, so there is no derivative to compare with. "
    )
    if low - evidence.atol <= analytic <= high + evidence.atol:
        text += "The analytic value lies between, which is as good as any. "
    return text + "Check at inputs away from the kink"


def _some(mask: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(map(int, index)) for index in np.argwhere(mask)[:LOOKED_AT]]


# Contributions that were lost where they should have been added


def _one_use(evidence: Evidence) -> str | None:
    """Is the gradient that of one place only, of a tensor passed in several?"""
    if len(evidence.slots) < 2:
        return None
    for slot in evidence.slots:
        alone = _through_one_slot(evidence, slot)
        if alike(evidence.analytic, alone, evidence.allowed(), evidence.measured):
            return (
                f"overwritten where it should accumulate: the tensor is passed as "
                f"{len(evidence.slots)} inputs, and the gradient is that through input {slot} alone"
            )
    return None


def _through_one_slot(evidence: Evidence, slot: int) -> np.ndarray:
    """The numeric gradient by one place of the tensor, the other places held by a copy."""
    probe, x = evidence.probe, evidence.x
    fixed = Tensor(x.array.copy())
    inputs = tuple(fixed if y is x and i != slot else y for i, y in enumerate(probe.inputs))
    whole, probe.inputs = probe.inputs, inputs
    try:
        alone = np.zeros(x.shape)
        for index in map(tuple, np.argwhere(evidence.measured)):
            alone[index] = probe.covector @ probe.column(x, index, evidence.eps)
    finally:
        probe.inputs = whole
    return alone


def _one_contribution(evidence: Evidence, wrong: np.ndarray) -> str | None:
    """Does each wrong element hold one output's contribution, where several should be summed?"""
    probe = evidence.probe
    failing = _some(wrong)
    parts = [probe.covector * probe.column(evidence.x, i, evidence.eps) for i in failing]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in probe.shapes)])
    for shape, (start, stop) in zip(probe.shapes, pairwise(ends), strict=True):
        own = [part[start:stop].reshape(shape) for part in parts]
        axis = _only_one_position(evidence, failing, own)
        if axis is not None:
            return (
                f"not summed over a broadcast axis: the input reaches every position of axis "
                f"{axis[0]} of the output {shape}, and the gradient holds the contribution of "
                f"position {axis[1]} alone"
            )
    if all(_equals_one(evidence, i, part) for i, part in zip(failing, parts, strict=True)):
        return (
            "overwritten where it should accumulate: each wrong element feeds several outputs "
            "(a repeated index?), and the gradient holds the contribution of one; add with "
            "np.add.at, or +="
        ) + where_wrong(evidence.x.array, wrong, evidence.measured)
    return None


def _equals_one(evidence: Evidence, index: tuple[int, ...], part: np.ndarray) -> bool:
    allowed = evidence.atol + evidence.rtol * np.abs(part)
    feeds = np.abs(part) > allowed
    near = np.abs(part - evidence.analytic[index]) <= allowed
    return int(feeds.sum()) > 1 and bool((near & feeds).any())


def _only_one_position(
    evidence: Evidence, failing: Sequence[tuple[int, ...]], parts: Sequence[np.ndarray]
) -> tuple[int, int] | None:
    """The output axis, and the position on it, that alone the gradient accounts for."""
    shape = parts[0].shape
    for axis, length in enumerate(shape):
        if length < 2:
            continue
        others = tuple(i for i in range(len(shape)) if i != axis)
        sums = np.array([part.sum(axis=others) for part in parts])  # (failing, length)
        reached = np.array([np.abs(part).max(axis=others) for part in parts]) > evidence.atol
        if not reached.all():
            continue
        got = np.array([evidence.analytic[index] for index in failing])
        near = np.abs(sums - got[:, None]) <= evidence.atol + evidence.rtol * np.abs(sums)
        if near.all(axis=0).any():
            return axis, int(np.argmax(near.all(axis=0)))
    return None


# Patterns in the values themselves (patterns.py)


def _pattern_of_values(evidence: Evidence, wrong: np.ndarray) -> str | None:
    pattern = Pattern(evidence.analytic, evidence.numeric, evidence.allowed(), evidence.measured)
    if alike(evidence.analytic, 0, pattern.allowed, wrong):
        everywhere = alike(evidence.analytic, 0, pattern.allowed, evidence.measured)
        place = "" if everywhere else where_wrong(evidence.x.array, wrong, evidence.measured)
        return "zero gradient" + (": the backward returns zeros" if everywhere else place)
    shapes = [evidence.x.shape, *evidence.probe.shapes]
    whole = pattern.analytic[pattern.measured], pattern.numeric[pattern.measured]
    words = factor_in_words(*whole, pattern.allowed[pattern.measured], shapes)
    if words is None and evidence.measured.all():
        words = transposed(pattern)
    if words is None:
        words = sign_of_some(pattern)
    if words is None and 1 < wrong.sum() < evidence.measured.sum():
        part = pattern.analytic[wrong], pattern.numeric[wrong]
        words = factor_in_words(*part, pattern.allowed[wrong], shapes)
        if words is not None:
            words += where_wrong(evidence.x.array, wrong, evidence.measured)
    return words


def _missing(evidence: Evidence) -> str | None:
    if not evidence.measured.all():
        return None
    probe = evidence.probe
    like = {"the input": evidence.x.array}
    covectors = probe.covectors()
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in probe.shapes)])
    for shape, start, covector in zip(probe.shapes, ends[:-1], covectors, strict=True):
        if shape == evidence.x.shape:
            like["grad_y, the output's gradient"] = covector
            like["the output"] = probe.here[start : start + covector.size].reshape(shape)
    difference = evidence.numeric - evidence.analytic
    return missing_term(difference, evidence.allowed(), like)
