"""`tinyllm summarize`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tinyllm.cli.settings import with_training
from tinyllm.training.config import TaskConfig
from tinyllm.training.display import harmless

MOST_WORDS = 10  # unknown ones that are named
Longest = Annotated[
    int | None,
    typer.Option(
        help="Tokens of the longest text that is read, in training and after. (default: 192)",
        min=1,
        show_default=False,
    ),
]
Beams = Annotated[int, typer.Option(help="Beginnings kept while searching; 1: greedy.", min=1)]
Progress = Annotated[
    bool | None,
    typer.Option(help="Show progress bars, or nothing at all.", show_default=False),
]


@with_training(TaskConfig)
def summarize(
    text: Annotated[
        str | None,
        typer.Argument(help="What to summarise. (default: all of standard input)"),
    ] = None,
    train: Annotated[bool, typer.Option("--train", help="Train a summariser.")] = False,
    data: Annotated[
        str | None,
        typer.Option(
            help='To learn from: tinyworld, or a JSONL file of {"text", "summary"}, or a file of '
            "texts, one per line, whose summaries are in --target. (default: tinyworld)",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(help="The summaries: line n is that of line n of --data.", show_default=False),
    ] = None,
    model: Annotated[
        str, typer.Option(help="seq2seq, or decoder: one stack that reads the text as a prompt.")
    ] = "seq2seq",
    size: Annotated[str, typer.Option(help="Of tinyworld: full, mini or micro.")] = "full",
    stories: Annotated[int, typer.Option(help="Of tinyworld, to learn from.", min=1)] = 100_000,
    longest: Longest = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run; the same again goes on with it. "
            "(default: runs/summarization-001 …)",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="Summarise with the run in this folder. (default: the newest in runs/)",
            show_default=False,
        ),
    ] = None,
    beams: Beams = 5,
    progress: Progress = None,
    **settings: Any,
) -> None:
    """Summarise a text, or train a summariser and measure it.

    --train without more learns from stories of a made-up world. Ctrl-C saves and stops; the same
    command with --out FOLDER goes on.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if not train:
        unused = {"data": data, "target": target, "longest": longest, "out": out, **given}
        unused.pop("threads", None)
        if wrong := [name for name, value in unused.items() if value is not None]:
            flag = wrong[0].replace("_", "-")
            raise ValueError(f"summarize: --{flag} is for training: give --train too")
        _summarize(text, run, beams, given.get("threads"))
        return
    if text is not None or run is not None:
        raise ValueError("summarize: --train takes no text and no --run: train, then summarise")
    from tinyllm.tasks.summarization import load_corpus

    source = data or "tinyworld"
    if target is not None and source == "tinyworld":
        raise ValueError("summarize: tinyworld has its own summaries: leave out --target")
    corpus = load_corpus(source if target is None else (source, target), 0, size, stories)
    _train(corpus, model, longest, out, progress, given, beams)


def _train(
    corpus: Any,
    kind: str,
    longest: int | None,
    out: Path | None,
    progress: bool | None,
    given: dict,
    beams: int,
) -> None:
    from tinyllm.files import write_json
    from tinyllm.tasks import summarization
    from tinyllm.training import TrainingInterrupted
    from tinyllm.training.display import Display

    display = Display(progress)
    display.say(
        f"{len(corpus.train):,} texts with summaries to learn from, {len(corpus.aside):,} to "
        f"choose the weights by, {len(corpus.test):,} to measure on"
    )
    config = summarization.SummarizationConfig(**given)
    go_on = "the same command with --out {folder}"
    sizes = summarization.Model(**({} if longest is None else {"longest": longest}))
    try:
        summarizer, result = summarization.train(corpus, config, sizes, kind, out, go_on, progress)
    except TrainingInterrupted as stop:
        typer.echo(f"\n{stop}", err=True)
        raise typer.Exit(128 + stop.signal) from None
    if left_out := result.run.settings()["data"]["left_out"]:
        display.say(
            f"{left_out:,} pairs were left out of the training: more than {summarizer.longest} "
            "tokens; --longest takes longer ones"
        )
    scores = summarization.evaluate(summarizer, corpus, beams)
    write_json(result.run.path / "scores.json", scores.to_dict())
    display.say(f"\n{scores}\n\nThe scores: {result.run.path / 'scores.json'}")


def _summarize(text: str | None, run: Path | None, beams: int, threads: int | None) -> None:
    from tinyllm import set_num_threads
    from tinyllm.tasks.summarizer import Summarizer

    if threads is not None:
        set_num_threads(threads)
    if text is None:
        if sys.stdin.isatty():
            typer.echo("Your text; Ctrl-D ends it.", err=True)
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    if not text.strip():
        raise ValueError("summarize: there is nothing to summarise: the text is empty")
    summarizer = Summarizer.open(run)
    summary = summarizer.write(text, beams)
    if unknown := summarizer.never_seen(text):
        more = f" and {len(unknown) - MOST_WORDS:,} more" if len(unknown) > MOST_WORDS else ""
        words = harmless(", ".join(unknown[:MOST_WORDS]))
        typer.echo(f"summarize: not a word of the training: {words}{more}", err=True)
    typer.echo(harmless(summary) if sys.stdout.isatty() else summary)
