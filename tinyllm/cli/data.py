"""`tinyllm data`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated

import typer

data = typer.Typer(
    help="Corpora: list and fetch them, show samples, statistics and a picture.",
    invoke_without_command=True,
    subcommand_metavar="[list | fetch | show | stats]",
)

Source = Annotated[
    str, typer.Argument(metavar="CORPUS", help="A name of the list, a file or a folder.")
]
Progress = Annotated[bool, typer.Option(help="Show progress bars.")]


@data.callback()
def everything(context: typer.Context) -> None:
    """Corpora: list and fetch them, show samples, statistics and a picture."""
    if context.invoked_subcommand is None:
        list_corpora()


@data.command("list")
def list_corpora() -> None:
    """List the corpora, and where their files are."""
    from tinyllm.data.downloads import CORPORA, data_folders, find

    typer.echo(f"{'stdlib':16} {'here':9} the source of Python's own library (PSF licence)")
    typer.echo(
        f"{'tinyworld':16} {'here':9} stories of a small world whose truth is known (made here)"
    )
    for corpus in CORPORA.values():
        here = sum(find(file) is not None for file in corpus.files)
        state = {0: "not here", len(corpus.files): "here"}.get(
            here, f"{here} of {len(corpus.files)}"
        )
        typer.echo(f"{corpus.name:16} {state:9} {corpus.about} ({corpus.licence})")
    typer.echo("\nlooked for in: " + ", ".join(str(folder) for folder in data_folders()))


@data.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A name of the list, or all.")],
    progress: Progress = True,
) -> None:
    """Fetch a corpus into the cache, unless it is there; a download cut off goes on."""
    from tinyllm.data.downloads import CORPORA
    from tinyllm.data.downloads import fetch as get

    if name not in CORPORA and name != "all":
        raise ValueError(f"{name!r} is none of {', '.join(CORPORA)}, all")
    for corpus in CORPORA if name == "all" else [name]:
        for path in get(corpus, progress):
            typer.echo(str(path))


@data.command()
def show(
    source: Source = "stdlib",
    samples: Annotated[int, typer.Option(help="How many documents.")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed shows others.")] = 0,
    progress: Progress = True,
) -> None:
    """Show a few documents, chosen at random."""
    from tinyllm.data.listing import documents_of
    from tinyllm.training.display import harmless

    documents = documents_of(source, progress)
    for text in random.Random(seed).sample(documents, min(max(samples, 0), len(documents))):
        typer.echo(harmless(text if len(text) <= 1000 else text[:1000] + "…") + "\n")


@data.command()
def stats(
    source: Source = "stdlib",
    out: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path(),
    progress: Progress = True,
) -> None:
    """Count documents and words, and draw lengths and frequencies (Zipf's law): corpus.png."""
    from tinyllm.data.listing import documents_of
    from tinyllm.data.statistics import text_statistics
    from tinyllm.training.display import harmless
    from tinyllm.viz.bench import save
    from tinyllm.viz.corpus import corpus_picture

    numbers = text_statistics(documents_of(source, progress))
    typer.echo(harmless(str(numbers)))
    counts = list(numbers.frequencies.values())
    name = Path(source).name
    out.mkdir(parents=True, exist_ok=True)
    save(corpus_picture(numbers.lengths, counts, numbers.zipf_exponent, name), out / "corpus.png")
    typer.echo(f"\nThe picture: {out / 'corpus.png'}")
