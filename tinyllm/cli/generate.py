"""`tinyllm generate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tinyllm.training.display import harmless


def generate(
    run: Annotated[
        Path | None,
        typer.Option(help="Folder of the run. (default: the newest in runs/)", show_default=False),
    ] = None,
    prompt: Annotated[str, typer.Option(help="The text to continue.", show_default=False)] = "\n",
    max_new_tokens: Annotated[int, typer.Option(help="How many tokens to write.")] = 500,
    temperature: Annotated[
        float, typer.Option(help="Below 1 safer, above 1 wilder, 0 always the likeliest token.")
    ] = 0.8,
    top_k: Annotated[
        int | None,
        typer.Option(help="Choose among so many likeliest tokens only.", show_default=False),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            help="Choose among the likeliest tokens that have this probability together.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed writes the same text.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Processors to use. (default: all)", show_default=False)
    ] = None,
) -> None:
    """Continue a text with a trained model, token by token as it is written."""
    from tinyllm import Generator, generation, set_num_threads
    from tinyllm.training.run import Run

    if threads is not None:
        set_num_threads(threads)
    if not prompt:
        raise ValueError(
            "--prompt is empty, and a model continues something: give at least one character"
        )
    folder = Run.newest() if run is None else Run.open(run)
    model, tokenizer = folder.model(), folder.tokenizer()
    generator = Generator(seed)
    if seed is None:
        generator.seed()
    ids = tokenizer.encode(prompt)
    tokens = generation.generate(
        model, ids, max_new_tokens, temperature, top_k, top_p, generator=generator
    )
    decoder = tokenizer.stream_decoder()
    _write(prompt)
    for token in tokens:
        _write(decoder.feed(token))
    _write(decoder.finish() + "\n")


def _write(text: str) -> None:
    """Show text at once."""
    sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
