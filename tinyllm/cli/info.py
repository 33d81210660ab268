"""`tinyllm info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def info(
    run: Annotated[Path, typer.Argument(help="Folder of the run.", show_default=False)],
) -> None:
    """Show what a model is made of and what it costs, layer by layer."""
    from tinyllm.training.accounting import account, overview, table
    from tinyllm.training.run import Run

    folder = Run.open(run)
    model = folder.model()
    cost = account(model)
    typer.echo(table(cost))
    typer.echo(f"\n{overview(cost)}\n{folder.history()}")
