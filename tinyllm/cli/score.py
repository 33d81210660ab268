"""`tinyllm score`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinyllm.metrics import Score


class Metric(StrEnum):
    """What `--metric` takes."""

    BLEU = "bleu"
    CHRF = "chrf"
    CHRF_PLUS_PLUS = "chrf++"
    ROUGE = "rouge"
    EXACT = "exact"


class Test(StrEnum):
    """What `--test` takes."""

    BOOTSTRAP = "bs"
    RANDOMIZATION = "ar"


def score(
    hypotheses: Annotated[
        Path, typer.Argument(metavar="HYP", help="What a system wrote, a text per line.")
    ],
    references: Annotated[
        list[Path],
        typer.Argument(metavar="REF...", help="What it should have written; several are allowed."),
    ],
    metric: Annotated[Metric, typer.Option(help="How to measure.")] = Metric.BLEU,
    tokenize: Annotated[
        str | None,
        typer.Option(
            help="13a | intl | zh | char | none; for ROUGE also rouge | unicode. "
            "(default: 13a, for ROUGE rouge)",
            show_default=False,
        ),
    ] = None,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Ignore upper and lower case; ROUGE always does.")
    ] = False,
    stem: Annotated[
        bool, typer.Option("--stem", help="For ROUGE: cut the endings off English words.")
    ] = False,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Add 95 % bootstrap intervals.")
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Another system's texts: is the difference luck?", show_default=False),
    ] = None,
    test: Annotated[
        Test, typer.Option(help="Paired bootstrap (bs) or approximate randomization (ar).")
    ] = Test.RANDOMIZATION,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, every number.")] = False,
) -> None:
    """Measure texts against references, line by line: BLEU, chrF, chrF++, ROUGE or exact match."""
    from tinyllm.metrics import paired_bootstrap, paired_randomization
    from tinyllm.metrics.lines import read_parallel

    if tokenize is not None and metric not in (Metric.BLEU, Metric.ROUGE):
        raise ValueError(f"--tokenize: {metric} has no tokenizer, only bleu and rouge have one")
    if stem and metric is not Metric.ROUGE:
        raise ValueError(f"--stem: {metric} knows no stems, only rouge does")
    others = references if baseline is None else [*references, baseline]
    written, *columns = read_parallel(hypotheses, others)
    sets = columns[: len(references)]
    scores = _measure(metric, written, sets, tokenize, lowercase, stem)
    tests = []
    if baseline is not None:
        paired = paired_bootstrap if test is Test.BOOTSTRAP else paired_randomization
        before = _measure(metric, columns[-1], sets, tokenize, lowercase, stem)
        tests = [paired(old, new) for old, new in zip(before, scores, strict=True)]
    if intervals:
        scores = [found.with_interval() for found in scores]
    if as_json:
        rows = [found.to_dict() for found in scores]
        for row, found in zip(rows, tests, strict=False):
            row["test"] = found.to_dict()
        shown = rows if metric is Metric.ROUGE else rows[0]
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for found in scores:
        typer.echo(str(found))
    if metric is Metric.BLEU:
        typer.echo(scores[0].verbose())
    for found in tests:
        typer.echo(f"beside {baseline}: {found}")
    typer.echo(scores[0].signature)


def _measure(
    metric: Metric,
    written: list[str],
    sets: list[list[str]],
    tokenize: str | None,
    lowercase: bool,
    stem: bool,
) -> list[Score]:
    """The scores, one but for ROUGE."""
    from tinyllm import metrics

    if metric is Metric.BLEU:
        return [metrics.bleu(written, sets, tokenize or "13a", lowercase=lowercase)]
    if metric is Metric.ROUGE:
        found = metrics.rouge(written, sets, use_stemmer=stem, tokenize=tokenize or "rouge")
        return list(found.values())
    if metric is Metric.EXACT:
        return [metrics.exact_match(written, sets, lowercase)]
    word_order = 2 if metric is Metric.CHRF_PLUS_PLUS else 0
    return [metrics.chrf(written, sets, word_order=word_order, lowercase=lowercase)]
