"""The command line: `tinyllm train`, `generate`, `translate`, `tag`, `score`, `bench` and more.

A command is thin: it turns options into one call of the library. What it needs is imported when it
runs, so that `tinyllm --help` is there at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tinyllm.cli.bench import bench
from tinyllm.cli.chat import chat
from tinyllm.cli.clean import clean
from tinyllm.cli.course import course
from tinyllm.cli.data import data
from tinyllm.cli.generate import generate
from tinyllm.cli.info import info
from tinyllm.cli.score import score
from tinyllm.cli.summarize import summarize
from tinyllm.cli.tag import tag
from tinyllm.cli.train import train
from tinyllm.cli.translate import translate
from tinyllm.cli.write import write

app = typer.Typer(
    name="tinyllm",
    help="Train a small language model in NumPy, and write with it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(generate)
app.command()(info)
app.command()(score)
app.command()(clean)
app.add_typer(data, name="data")
app.command()(tag)
app.command()(translate)
app.command()(summarize)
app.command()(chat)
app.command()(write)
app.add_typer(bench, name="bench")
app.add_typer(course, name="course")


def _show_version(wanted: bool) -> None:
    if wanted:
        from tinyllm import __version__

        typer.echo(f"tinyllm {__version__}")
        raise typer.Exit


def _show_tracebacks(wanted: bool) -> None:
    if wanted:
        os.environ["TINYLLM_DEBUG"] = "1"


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", callback=_show_tracebacks, help="Show errors in full.")
    ] = False,
) -> None:
    """Train a small language model in NumPy, and write with it."""


def main() -> None:
    """Run a command. An error that a user can mend is one sentence, and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a model may write what this terminal cannot show
            stream.reconfigure(errors="replace")
    try:
        app()
    except (
        ValueError, IndexError, ArithmeticError, OSError, MemoryError, ModuleNotFoundError
    ) as error:  # fmt: skip
        if os.environ.get("TINYLLM_DEBUG"):
            raise
        print(f"tinyllm: {error or type(error).__name__}", file=sys.stderr)
        sys.exit(1)
