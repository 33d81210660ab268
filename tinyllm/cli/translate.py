"""`tinyllm translate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyllm.cli.settings import with_training
from tinyllm.training.config import TaskConfig
from tinyllm.training.display import harmless

if TYPE_CHECKING:
    from tinyllm.tasks.translation import TranslationPreset
    from tinyllm.tasks.translation_data import Corpus
    from tinyllm.tasks.translator import Translator


Text = Annotated[
    str | None,
    typer.Argument(help="What to translate. (default: each line of standard input)"),
]
Data = Annotated[
    str | None,
    typer.Option(
        help="To learn from: tinyworld, multi30k, or a file of sentences, one per line, whose "
        "translations are in the file --target. (default: tinyworld)",
        show_default=False,
    ),
]
Target = Annotated[
    Path | None,
    typer.Option(help="The translations: line n is that of line n of --data.", show_default=False),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="tinyworld or pairs: sizes and training. (default: tinyworld for that, else pairs)",
        show_default=False,
    ),
]
Model = Annotated[
    str, typer.Option(help="seq2seq, or decoder: one stack that reads the source as a prompt.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the run; the same again goes on with it. (default: runs/translation-001 …)",
        show_default=False,
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option(
        help="Translate with the run in this folder. (default: the newest in runs/)",
        show_default=False,
    ),
]
LengthPenalty = Annotated[
    float, typer.Option(help="0 favours short translations, 1 compares them per token.")
]
Progress = Annotated[
    bool | None,
    typer.Option(help="Show progress bars, or nothing at all.", show_default=False),
]


@with_training(TaskConfig)
def translate(
    text: Text = None,
    train: Annotated[bool, typer.Option("--train", help="Train a translator.")] = False,
    data: Data = None,
    target: Target = None,
    preset: Preset = None,
    model: Model = "seq2seq",
    size: Annotated[str, typer.Option(help="Of tinyworld: full, mini or micro.")] = "full",
    stories: Annotated[int, typer.Option(help="Of tinyworld, to learn from.", min=1)] = 30_000,
    out: Out = None,
    run: RunFolder = None,
    beams: Annotated[
        int, typer.Option(help="Beginnings kept while searching; 1: greedy.", min=1)
    ] = 5,
    length_penalty: LengthPenalty = 1.0,
    progress: Progress = None,
    **settings: Any,
) -> None:
    """Translate a text, or train a translator and measure it.

    --train without more learns from English stories of a made-up world and their Chinese. Ctrl-C
    saves and stops; the same command with --out FOLDER goes on.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if train:
        if text is not None or run is not None:
            raise ValueError("translate: --train takes no text and no --run: train, then translate")
        from tinyllm.tasks.pairs import check_kind
        from tinyllm.tasks.translation import make_preset

        check_kind(model)
        data = data or "tinyworld"
        chosen = make_preset(preset or ("tinyworld" if data == "tinyworld" else "pairs"), **given)
        corpus = _corpus(data, target, size, stories)
        _train(corpus, chosen, model, out, progress, (beams, length_penalty))
        return
    unused = {"--data": data, "--target": target, "--preset": preset, "--out": out, **given}
    unused.pop("threads", None)
    if wrong := [name for name, value in unused.items() if value is not None]:
        raise ValueError(f"translate: {_flag(wrong[0])} is for training: give --train too")
    _translate(text, run, beams, length_penalty, given.get("threads"))


def _flag(name: str) -> str:
    return name if name.startswith("--") else "--" + name.replace("_", "-")


def _corpus(data: str, target: Path | None, size: str, stories: int) -> Corpus:
    from tinyllm.tasks.translation_data import NAMED, load_corpus

    if data not in NAMED and target is None:
        known = " or ".join(NAMED)
        raise ValueError(
            f"translate: --data {data} is not {known}: if it is a file, name the file with its "
            "translations too, by --target"
        )
    if data in NAMED and target is not None:
        raise ValueError(f"translate: {data} has its own translations: leave out --target")
    return load_corpus(data if target is None else (data, target), 0, size, stories)


def _train(
    corpus: Corpus,
    preset: TranslationPreset,
    kind: str,
    out: Path | None,
    progress: bool | None,
    search: tuple[int, float],
) -> None:
    from tinyllm.files import atomic_write, write_json
    from tinyllm.tasks import translation
    from tinyllm.training import TrainingInterrupted
    from tinyllm.training.display import Display

    display = Display(progress)
    go_on = "the same command with --out {folder}"
    display.say(
        f"{len(corpus.train):,} pairs {corpus.languages[0]}-{corpus.languages[1]} to learn from, "
        f"{len(corpus.aside):,} to choose the weights by, {len(corpus.test):,} to measure on"
    )
    try:
        translator, result = translation.train(corpus, preset, kind, out, go_on, progress)
    except TrainingInterrupted as stop:
        typer.echo(f"\n{stop}", err=True)
        raise typer.Exit(128 + stop.signal) from None
    scores = translation.evaluate(translator, corpus, *search, progress=progress)
    write_json(result.run.path / "scores.json", scores.to_dict())
    display.say(f"\n{scores}\n\nThe scores: {result.run.path / 'scores.json'}")
    if kind == "seq2seq":
        picture = result.run.path / "attention.svg"
        with atomic_write(picture) as file:
            file.write(translation.draw_attention(translator, scores.examples[0]).encode())
        display.say(f"What its translation looks at: {picture}")


def _translate(
    text: str | None, run: Path | None, beams: int, length_penalty: float, threads: int | None
) -> None:
    from tinyllm import set_num_threads
    from tinyllm.tasks.translator import Translator

    if threads is not None:
        set_num_threads(threads)
    if text is not None and not text.strip():
        raise ValueError("translate: the text is empty, there is nothing to translate")
    translator = Translator.open(run)
    if text is not None:
        _warn(translator, text, "")
        _write(translator.write(text, beams, length_penalty))
        return
    if sys.stdin.isatty():
        typer.echo("A sentence per line; Ctrl-D ends.", err=True)
    failed = 0
    for number, line in enumerate(_lines(), 1):
        _warn(translator, line, f"line {number}: ")
        try:
            found = translator.write(line, beams, length_penalty) if line.strip() else ""
        except ValueError as error:  # the lines after it are translated all the same
            typer.echo(f"tinyllm: line {number}: {harmless(str(error))}", err=True)
            found, failed = "", failed + 1
        _write(found)
    if failed:
        raise typer.Exit(1)


def _lines() -> Any:
    """The lines of standard input, each as soon as it is there."""
    stream = sys.stdin
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding="utf-8", errors="replace")
    return iter(stream.readline, "")


def _warn(translator: Translator, text: str, where: str) -> None:
    """Say which characters the model has never read: what it makes of them is a guess."""
    if new := translator.never_seen(text):
        shown = harmless(" ".join(new[:10]))
        typer.echo(f"tinyllm: {where}never seen in training, so a guess: {shown}", err=True)


def _write(text: str) -> None:
    """Show a translation at once."""
    typer.echo(harmless(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
