"""`tinyllm generate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tinyllm.training.display import harmless

Threads = Annotated[
    int | None, typer.Option(help="Processors to use. (default: all)", show_default=False)
]
Temperature = Annotated[
    float, typer.Option(help="Below 1 safer, above 1 wilder, 0 always the likeliest token.")
]
TopK = Annotated[
    int | None, typer.Option(help="Choose among so many likeliest tokens only.", show_default=False)
]
TopP = Annotated[
    float | None,
    typer.Option(
        help="Choose among the likeliest tokens that have this probability together.",
        show_default=False,
    ),
]
MinP = Annotated[
    float | None,
    typer.Option(
        help="Choose among tokens with this share of the likeliest one's probability.",
        show_default=False,
    ),
]
Repetition = Annotated[
    float, typer.Option(help="Above 1, what is in the text already gets less likely.")
]
NoRepeat = Annotated[
    int, typer.Option(help="So many tokens in a row never come twice; 0: they may.")
]
Stop = Annotated[
    list[str] | None,
    typer.Option(help="End before this text; may be given several times.", show_default=False),
]
Seed = Annotated[
    int | None, typer.Option(help="The same seed writes the same text.", show_default=False)
]


def generate(
    run: Annotated[
        Path | None,
        typer.Option(help="Folder of the run. (default: the newest in runs/)", show_default=False),
    ] = None,
    prompt: Annotated[str, typer.Option(help="The text to continue.", show_default=False)] = "\n",
    max_new_tokens: Annotated[int, typer.Option(help="How many tokens to write.")] = 500,
    temperature: Temperature = 0.8,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    repetition_penalty: Repetition = 1.0,
    no_repeat_ngram_size: NoRepeat = 0,
    stop: Stop = None,
    seed: Seed = None,
    threads: Threads = None,
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
    pieces = generation.stream_text(
        model,
        tokenizer,
        prompt,
        max_new_tokens,
        stop_strings=stop or (),
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        no_repeat_ngram_size=no_repeat_ngram_size,
        generator=generator,
    )
    _write(prompt)
    for piece in pieces:
        _write(piece)
    _write("\n")


def _write(text: str) -> None:
    """Show text at once."""
    sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
