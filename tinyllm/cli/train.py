"""`tinyllm train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinyllm.cli.settings import MODEL_SETTINGS, with_settings
from tinyllm.training.config import DEFAULT_PRESET, PRESETS, TrainConfig

_PRESETS = "; ".join(f"{name}: {preset.about}" for name, preset in PRESETS.items())


@with_settings(TrainConfig)
def train(
    data: Annotated[
        str | None,
        typer.Option(
            help="A UTF-8 text file, a folder of them, tinyshakespeare, tinyworld, or stdlib: the "
            "source of Python's own library. (default: stdlib)",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help=f"{_PRESETS}. (default: {DEFAULT_PRESET})", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run. (default: runs/NAME-001 …)", show_default=False),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with the run in this folder.", show_default=False),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="byte | char | bpe (default: the preset's)", show_default=False),
    ] = None,
    progress: Annotated[
        bool | None,
        typer.Option(help="Show progress bars, or nothing at all.", show_default=False),
    ] = None,
    **settings: Any,
) -> None:
    """Train a model on a text, and write with it.

    Without options: a small GPT on the source of Python's own library, in two minutes.

    Ctrl-C saves and stops; --resume goes on.
    """
    from tinyllm.training import Trainer, TrainingInterrupted

    given = {name: value for name, value in settings.items() if value is not None}
    model = {name: given.pop(name) for name in MODEL_SETTINGS if name in given}
    if resume is None:
        if tokenizer is not None:
            given["tokenizer"] = tokenizer
        name = preset or DEFAULT_PRESET
        trainer = Trainer.from_preset(name, data or "stdlib", out, progress, model, **given)
    else:
        options = {"data": data, "preset": preset, "out": out, "tokenizer": tokenizer}
        fixed = [name for name, value in {**options, **model}.items() if value is not None]
        fixed += ["seed"] if "seed" in given else []
        if fixed:
            names = ", ".join("--" + name.replace("_", "-") for name in fixed)
            raise ValueError(
                f"{names} cannot change when a run goes on: leave it out, or start a new run"
            )
        trainer = Trainer.resume(resume, progress, **given)
    try:
        trainer.train()
    except TrainingInterrupted as stop:
        typer.echo(f"\n{stop}", err=True)
        raise typer.Exit(128 + stop.signal) from None
