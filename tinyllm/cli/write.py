"""`tinyllm write`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tinyllm.cli.settings import with_training
from tinyllm.training.config import TrainConfig
from tinyllm.training.display import harmless


@with_training(TrainConfig)
def write(
    first_words: Annotated[
        str, typer.Argument(help="What it begins with.", show_default=False)
    ] = "",
    kind: Annotated[str, typer.Option(help="poem, email or code.")] = "poem",
    train: Annotated[bool, typer.Option("--train", help="Train a model for the kind.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Learn from this file instead of what is at hand; a line of % between pieces.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="The run's folder. (default: runs/write-KIND)", show_default=False),
    ] = None,
    count: Annotated[
        int, typer.Option(help="Pieces to write; above 1, and after --train, with a report.", min=1)
    ] = 1,
    temperature: Annotated[
        float | None,
        typer.Option(help="Below 1 safer. (default: the kind's own)", min=0, show_default=False),
    ] = None,
    progress: Annotated[
        bool | None,
        typer.Option(help="Show progress bars, or nothing at all.", show_default=False),
    ] = None,
    **settings: Any,
) -> None:
    """Write a poem, an e-mail or a piece of code, and say whether its form holds and it is new.

    --train without more learns from poems and e-mails that tinyworld's grammar writes, or from the
    functions of Python's standard library. Ctrl-C saves and stops; the same command goes on.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if train:
        _train(kind, data, run, progress, given)
        count = max(count, 200)
    else:
        seed, threads = given.pop("seed", None), given.pop("threads", None)
        if wrong := [*given, *(["data"] if data else [])]:
            raise ValueError(f"write: --{wrong[0].replace('_', '-')} is for training: add --train")
        given = {"seed": seed, "threads": threads}
    _write(kind, run, first_words, count, temperature, given)


def _train(
    kind: str, data: Path | None, run: Path | None, progress: bool | None, given: dict
) -> None:
    from tinyllm.tasks.writing import make_trainer
    from tinyllm.training import TrainingInterrupted

    try:
        make_trainer(kind, data, run, progress, **given).train()
    except TrainingInterrupted as stop:
        typer.echo(f"\n{stop}", err=True)
        raise typer.Exit(128 + stop.signal) from None


def _write(
    kind: str, run: Path | None, first: str, count: int, temperature: float | None, given: dict
) -> None:
    from tinyllm import Generator, set_num_threads
    from tinyllm.tasks import writing

    if given.get("threads"):
        set_num_threads(given["threads"])
    writer, seed = writing.Writer(kind, run), given.get("seed")
    if count == 1:
        generator = Generator(seed)
        if seed is None:
            generator.seed()
        piece = writer.write(first, temperature, generator, _show)
        typer.echo(f"\n\n{'form: ' if piece.form.ok else 'not the form: '}{piece.form}", err=True)
        typer.echo(writer.novelty(piece.text), err=True)
        return
    pieces = list(writing.written(writer, count, seed or 0, temperature, first))
    for piece in pieces[:5]:
        typer.echo(f"{harmless(piece.text)}\n")
    typer.echo(writing.report(writer, pieces))


def _show(text: str) -> None:
    sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
