"""F1 over whole entities: a name counts only if its type, its first and its last word are right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyllm.metrics.inputs import check_choice
from tinyllm.metrics.labels import check_labels
from tinyllm.metrics.score import Score

SCHEMES = {"BIO": "BIO", "BIOES": "BIOES"}
Span = tuple[str, int, int]  # type, first word, last word


@dataclass(frozen=True)
class TypeScore:
    """Precision, recall and F1 of one type or of an average; support: true entities."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, kw_only=True)
class SpanF1(Score):
    """F1 of entities, 0 to 1.

    per_type:  of each type that occurs, in alphabetical order
    micro:     over all entities; `score`, `precision`, `recall` and `f1` are its
    macro:     the mean over types
    weighted:  the mean over types, weighted by their support
    """

    per_type: dict[str, TypeScore]
    micro: TypeScore
    macro: TypeScore
    weighted: TypeScore

    @property
    def precision(self) -> float:
        """The share of the predicted entities that are true."""
        return self.micro.precision

    @property
    def recall(self) -> float:
        """The share of the true entities that were found."""
        return self.micro.recall

    @property
    def f1(self) -> float:
        """2 P R / (P + R) over all entities."""
        return self.micro.f1

    def details(self) -> dict[str, Any]:
        """Give all of the report."""
        averages = {name: vars(getattr(self, name)) for name in ("micro", "macro", "weighted")}
        return averages | {"per_type": {name: vars(row) for name, row in self.per_type.items()}}

    def report(self) -> str:
        """Write a table: one line per type, then the averages."""
        rows = {**self.per_type, "micro": self.micro, "macro": self.macro}
        rows["weighted"] = self.weighted
        width = max(map(len, rows))
        lines = [f"{'':{width}}  precision  recall      f1  support"]
        for name, row in rows.items():
            numbers = f"{row.precision:9.4f}  {row.recall:6.4f}  {row.f1:6.4f}  {row.support:7d}"
            lines.append(f"{name:{width}}  {numbers}")
        return "\n".join(lines)


def span_f1(
    y_true: Sequence[Sequence[str]],
    y_pred: Sequence[Sequence[str]],
    mode: str | None = None,
    scheme: str | None = None,
) -> SpanF1:
    """Measure tags such as B-PER, I-PER, O by the entities they mark.

    P = right / predicted, R = right / true, F1 = 2 P R / (P + R); 0 where nothing is to divide by.

    Args:    y_true, y_pred: a list of tags for each sentence.
             mode: None forgives, as conlleval: an I- without a beginning begins an entity.
                 "strict": only what the scheme allows marks one.
             scheme: with "strict", BIO (seqeval's IOB2) or BIOES; None sees which by E- and S-.
    Raises:  TypeError, ValueError for lists that do not match and for what is no tag.
    Differs: from seqeval, where mode="strict" without a scheme is not strict.
    Source:  Tjong Kim Sang and De Meulder 2003 (conlleval); seqeval
    """
    check_choice("span_f1", "mode", mode, [None, "strict"])
    check_choice("span_f1", "scheme", scheme, [None, *SCHEMES])
    if scheme is not None and mode is None:
        raise ValueError(f"span_f1: scheme {scheme!r} matters only with mode='strict'")
    check_labels("span_f1", y_true, y_pred)
    if mode == "strict" and scheme is None:
        scheme = seen_scheme(y_true, y_pred)
    sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3, np.int64))
    statistics = np.zeros((len(y_true), 3), np.int64)
    for row, tags_true, tags_pred in zip(statistics, y_true, y_pred, strict=True):
        true, predicted = set(spans(tags_true, scheme)), set(spans(tags_pred, scheme))
        row[:] = len(true & predicted), len(predicted), len(true)
        for place, found in enumerate((true & predicted, predicted, true)):
            for kind, _, _ in found:
                sums[kind][place] += 1
    per_type = {kind: _prf(*sums[kind]) for kind in sorted(sums)}
    micro = _prf(*statistics.sum(axis=0))
    return SpanF1(
        name="span F1",
        score=micro.f1,
        settings={"mode": mode or "conlleval"} | ({"scheme": scheme} if scheme else {}),
        statistics=statistics,
        from_sums=_f1_from_sums,
        digits=4,
        per_type=per_type,
        micro=micro,
        macro=_average(per_type, [1] * len(per_type)),
        weighted=_average(per_type, [row.support for row in per_type.values()]),
    )


def spans(tags: Sequence[str], scheme: str | None = None) -> list[Span]:
    """Read the entities off a sentence's tags: (type, first word, last word).

    Args:    scheme: None for the forgiving reading, or "BIO" or "BIOES" for the strict one.
    """
    parts = [_split(tag, scheme) for tag in tags]
    return _forgiving(parts) if scheme is None else _strict(parts, scheme)


def _split(tag: str, scheme: str | None) -> tuple[str, str]:
    prefix, dash, kind = tag[:1], tag[1:2], tag[2:]
    allowed = "BIOES" if scheme is None else SCHEMES[scheme]
    well_formed = not dash if prefix == "O" else dash in ("", "-")
    if not prefix or prefix not in allowed or not well_formed:
        raise ValueError(
            f"span_f1: {tag!r} is no tag: tags are O, or one of "
            f"{', '.join(allowed.replace('O', ''))} and a type, such as B-PER"
        )
    return prefix, kind or "_"


def _forgiving(parts: list[tuple[str, str]]) -> list[Span]:
    """An entity ends where another begins, where its type changes, after E and S, before O."""
    found, first = [], 0
    before, kind_before = "O", "_"
    for i, (prefix, kind) in enumerate([*parts, ("O", "_")]):
        changes = kind != kind_before
        ends = before in "ES" or (before in "BI" and prefix in "BSO") or changes
        begins = prefix in "BS" or (before in "OES" and prefix in "EI") or changes
        if before != "O" and ends:
            found.append((kind_before, first, i - 1))
        if prefix != "O" and begins:
            first = i
        before, kind_before = prefix, kind
    return found


def _strict(parts: list[tuple[str, str]], scheme: str) -> list[Span]:
    """BIO: B I*, of one type. BIOES: S, or B I* E, of one type. All else marks nothing."""
    found, i = [], 0
    while i < len(parts):
        prefix, kind = parts[i]
        last = i
        if prefix == "B":
            while parts[last + 1 : last + 2] == [("I", kind)]:
                last += 1
            closed = parts[last + 1 : last + 2] == [("E", kind)]
            last += closed
            if closed or scheme == "BIO":
                found.append((kind, i, last))
        elif prefix == "S":
            found.append((kind, i, i))
        i = last + 1
    return found


def seen_scheme(*sides: Sequence[Sequence[str]]) -> str:
    """Give BIOES if an E or S is among the tags, else BIO."""
    prefixes = {tag[:1] for side in sides for tags in side for tag in tags}
    return "BIOES" if prefixes & {"E", "S"} else "BIO"


def _prf(right: int, predicted: int, true: int) -> TypeScore:
    precision = right / predicted if predicted else 0.0
    recall = right / true if true else 0.0
    both = precision + recall
    f1 = 2 * precision * recall / both if both else 0.0
    return TypeScore(float(precision), float(recall), float(f1), int(true))


def _f1_from_sums(sums: np.ndarray) -> float:
    return _prf(*sums).f1


def _average(per_type: dict[str, TypeScore], weights: list[int]) -> TypeScore:
    support = sum(row.support for row in per_type.values())
    if not sum(weights):
        return TypeScore(0.0, 0.0, 0.0, support)
    rows = [(row.precision, row.recall, row.f1) for row in per_type.values()]
    return TypeScore(*np.average(rows, axis=0, weights=weights).tolist(), support)
