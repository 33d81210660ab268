"""`tinyllm tag`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyllm.training.display import harmless

if TYPE_CHECKING:
    from tinyllm.data.tagged import TaggedSentence
    from tinyllm.tasks.tagging import TaggingScores

HELD_OUT = 0.2


def tag(
    sentence: Annotated[
        str | None, typer.Argument(help="The sentence to tag.", show_default=False)
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            help="Learn from this file: CoNLL-U (.conllu), or a word and its tag per line.",
            show_default=False,
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(
            help="Measure on this file. (default: the last 20 % of --train)", show_default=False
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="most-frequent, hmm, perceptron, transformer, or all: compare.")
    ] = "perceptron",
    model: Annotated[Path, typer.Option(help="The folder of the tagger.")] = Path("runs/tagger"),
    scheme: Annotated[
        str | None,
        typer.Option(
            help="Mark names by bio or bioes: the tags of the files are turned into it. "
            "(default: bioes if --train has it, else bio)",
            show_default=False,
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the confusion matrix as a PNG.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed trains the same tagger.")] = 0,
) -> None:
    """Train a tagger on a tagged file, or tag a sentence with it."""
    if (sentence is None) == (train is None):
        raise ValueError('tag: give either --train FILE, or a sentence: tinyllm tag "She sleeps."')
    if sentence is not None:
        _tag_sentence(sentence, model)
        return
    from tinyllm.metrics.schemes import marks_entities
    from tinyllm.tasks import tagging

    if scheme not in (None, "bio", "bioes"):
        raise ValueError(f"--scheme {scheme!r} is not bio or bioes")
    if method != "all" and method not in tagging.METHODS:
        raise ValueError(f"--method {method!r} is not one of {', '.join(tagging.METHODS)}, all")
    learned, chosen = _read(train, scheme, given=scheme is not None)
    if scheme is not None and not marks_entities(tag for _, tags in learned for tag in tags):
        raise ValueError(f"--scheme {scheme}: the tags of {train} mark no names: leave it out")
    if test is None:
        kept = len(learned) - max(1, round(HELD_OUT * len(learned)))
        learned, held_out = learned[:kept], learned[kept:]
        if not learned:
            raise ValueError(f"{train}: one sentence cannot be learned from and measured on too")
    else:
        held_out, _ = _read(test, chosen, given=scheme is not None)
    methods = list(tagging.METHODS) if method == "all" else [method]
    rows = tagging.compare(learned, held_out, seed, None, methods)
    best = max(rows, key=lambda row: (row["scores"].entity_f1 or row["scores"].accuracy).value)
    tagging.save_tagger(best["tagger"], model)
    scores = best["scores"]
    if picture is not None:
        _draw(scores, best["method"], picture)
    typer.echo(f"Learned from {len(learned):,} sentences, measured on {len(held_out):,} others:")
    typer.echo(f"{scores.words:,} words, of which {scores.unseen_words:,} were never seen.")
    typer.echo("Percent, with 95 % intervals.\n\n" + tagging.table(rows) + "\n")
    typer.echo(f"The {best['method']} tagger is in {model}")


def _read(path: Path, scheme: str | None, given: bool) -> tuple[list[TaggedSentence], str | None]:
    """Read a file; give its sentences with entities in `scheme`, and which that is.

    A file of mixed schemes is refused, unless a scheme was asked for (`given`).
    """
    from tinyllm.data.tagged import read_tagged

    file = read_tagged(path)
    if file.scheme is None:
        return file.sentences, scheme
    if file.mixed and not file.scheme:
        raise ValueError(file.mixed)
    if file.mixed and not given:
        raise ValueError(
            f"{file.mixed}: mend the file, or give --scheme bio or bioes: then its tags are read "
            "as conlleval reads them, and written anew"
        )
    if file.mixed:
        typer.echo(f"{file.mixed}: read as conlleval reads it", err=True)
    wanted = scheme or ("bioes" if file.scheme == "BIOES" else "bio")
    if file.scheme != wanted.upper():
        typer.echo(f"{path}: its scheme is {file.scheme}, its tags are written in {wanted.upper()}")
    return file.written_in(wanted.upper()), wanted


def _tag_sentence(sentence: str, model: Path) -> None:
    from tinyllm.tasks import tagging

    words = tagging.split_words(sentence)
    if not words:
        raise ValueError("tag: there is no word in the sentence")
    if not (model / tagging.SETTINGS).is_file():
        raise FileNotFoundError(
            f"{model}: there is no tagger: train one with tinyllm tag --train FILE, or name its "
            "folder with --model"
        )
    tags = tagging.open_tagger(model).tag(words)
    width = max(len(word) for word in words)
    for word, given in zip(words, tags, strict=True):
        typer.echo(harmless(f"{word:<{width}}  {given}"))


def _draw(scores: TaggingScores, method: str, path: Path) -> None:
    from tinyllm import viz
    from tinyllm.files import atomic_write

    below = f"{scores.words:,} words, accuracy {100 * scores.accuracy.value:.1f} %"
    figure = viz.confusion_matrix(scores.confusion, scores.tags, f"Tags by {method}", below)
    with atomic_write(path) as file:
        file.write(viz.png(figure))
