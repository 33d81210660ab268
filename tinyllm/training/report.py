"""What a run leaves for people to read: the loss curve, samples, and a summary in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyllm import random
from tinyllm.files import atomic_write
from tinyllm.generation import generate
from tinyllm.nn import Module
from tinyllm.text import Tokenizer
from tinyllm.training.accounting import account, readable_count
from tinyllm.training.display import readable_seconds
from tinyllm.training.evaluate import Evaluation
from tinyllm.training.folder import RunFolder
from tinyllm.training.run import Run

SAMPLE_TEMPERATURE = 0.8


@dataclass(frozen=True)
class Result:
    """How a training ended.

    tokens_per_second:  trained on, without the time for measuring and saving
    seconds:            of the whole training, without building kernels
    """

    run: Run
    steps: int
    parameters: int
    evaluation: Evaluation
    tokens_per_second: float
    seconds: float
    prompt: str = "\n"

    def __str__(self) -> str:
        return summary(self)


def summary(result: Result) -> str:
    """The end of a training in a few lines, and the next command to try."""
    e = result.evaluation
    part = "all" if e.tokens == e.of_tokens else f"{e.tokens:,} of"
    bits = f"   {e.bits_per_byte:.3f} bits per byte" if e.bits_per_byte is not None else ""
    prompt = f' --prompt "{result.prompt}"' if result.prompt.strip() else ""
    return (
        f"validation loss {e.loss:.4f} nats per token   perplexity {e.perplexity:.2f}{bits}\n"
        f"  measured on {part} {e.of_tokens:,} validation tokens"
        f"{'' if e.tokens == e.of_tokens else ', spread evenly'}\n"
        f"{result.steps:,} steps in {readable_seconds(result.seconds)}   "
        f"{result.tokens_per_second:,.0f} tokens/s   "
        f"{readable_count(result.parameters)} parameters\n"
        f"in {result.run.path}: model.safetensors, loss.png, samples.txt, metrics.jsonl\n"
        f"next: tinyllm generate --run {result.run.path}{prompt}"
    )


def final_row(result: Result) -> dict[str, Any]:
    """The last line of metrics.jsonl: the measurement over the validation text at the end."""
    evaluation = result.evaluation
    return {
        "step": result.steps,
        "val_loss": evaluation.loss,
        "perplexity": evaluation.perplexity,
        "bits_per_byte": evaluation.bits_per_byte,
        "val_tokens": evaluation.tokens,
        "seconds": round(result.seconds, 3),
        "final": True,
    }


def sizes(model: Module) -> str:
    """The model in one line."""
    config, cost = model.config, account(model)
    return (
        f"{readable_count(cost.parameters)} parameters: {config.layers} layers, "
        f"{config.heads} heads, width {config.width}, context {config.context_length}, "
        f"{config.vocab_size} tokens"
    )


def greeting(model: Module, tokens: tuple[int, int], steps: tuple[int, int, int], run: Run) -> str:
    """What is about to be trained; `steps`: those done, those in all, and the tokens of each."""
    done, total, tokens_per_step = steps
    return (
        f"{sizes(model)}\n"
        f"{tokens[0]:,} tokens to train on, {tokens[1]:,} to measure; {total:,} steps of "
        f"{tokens_per_step:,} tokens{f', from step {done:,}' if done else ''}\n"
        f"all of it goes into {run.path}"
    )


def progress_line(row: dict[str, Any], max_steps: int) -> str:
    """A measurement amid the training."""
    train = f"training loss {row['train_loss']:.3f}   " if "train_loss" in row else ""
    step = f"step {row['step']:>5,} of {max_steps:,}"
    return f"{step}   {train}validation loss {row['val_loss']:.3f}"


def how_to_go_on(run: Run, step: int, max_steps: int) -> str:
    """What to say when somebody has stopped the training."""
    command = f"tinyllm train --resume {run.path}"
    if step == max_steps:
        return f"stopped after the last step; for the final measurement: {command}"
    if step == 0:
        return f"stopped before the first step; to start again: {command}"
    return f"stopped at step {step} of {max_steps}, all is saved; to go on: {command}"


def write_sample(
    model: Module, tokenizer: Tokenizer, prompt: list[int], tokens: int, seed: int
) -> str:
    """Let the model continue a prompt; the same seed gives the same text."""
    decoder = tokenizer.stream_decoder()
    new = generate(
        model, prompt, tokens, temperature=SAMPLE_TEMPERATURE, generator=random.Generator(seed)
    )
    return "".join(decoder.feed(token) for token in [*prompt, *new]) + decoder.finish()


def append_sample(path: Path, step: int, text: str) -> None:
    """Add a sample to samples.txt."""
    heading = f"===== step {step} " + "=" * 40
    with open(path, "a", encoding="utf-8", newline="\n") as file:
        file.write(f"{heading}\n{text}\n\n")


def keep_samples(path: Path, size: int) -> None:
    """Cut samples.txt back to its first `size` bytes, where a checkpoint found it."""
    if path.exists() and path.stat().st_size > size:
        with open(path, "rb") as file:
            kept = file.read(size)
        with atomic_write(path) as file:
            file.write(kept)


def draw_loss(run: RunFolder, rows: list[dict[str, Any]], below: str) -> bytes:
    """Draw the loss curve into loss.png, and return the picture."""
    from tinyllm.viz import loss_curve, png

    picture = png(loss_curve(rows, title=f"Loss of {run.path.name}", below=below))
    with atomic_write(run.picture) as file:
        file.write(picture)
    return picture
