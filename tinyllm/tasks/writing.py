"""Writing poems, e-mails and short functions of code: pieces to learn from, a model, a report.

A piece is one poem, e-mail or function. The training text is pieces with a separator token between
them, so that a model begins one after the separator and says where it ends:

    <|endoftext|>When Anna …<|endoftext|>As Dennis …<|endoftext|>
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tinyllm import random
from tinyllm.data import Corpus, load_text
from tinyllm.data.functions_of_code import short_functions
from tinyllm.data.standard_library import standard_library
from tinyllm.data.tinyworld import World
from tinyllm.data.tinyworld.letters import letters
from tinyllm.data.tinyworld.verse import poems
from tinyllm.generation import generate
from tinyllm.metrics.novelty import CopyIndex, Novelty, novelty
from tinyllm.metrics.proportion import Proportion, proportion
from tinyllm.models import DecoderConfig
from tinyllm.tasks.forms import CHECKS, Form, Mistake
from tinyllm.text import BPETokenizer
from tinyllm.training import Run, TrainConfig, Trainer
from tinyllm.training.checkpoint import latest_checkpoint

SEPARATOR = "<|endoftext|>"
HELD_OUT = 0.1
DRAWN = 30_000  # poems or e-mails that the world's grammar writes to learn from
STDLIB_BYTES = 30_000_000  # more than there is
SMALL = {"layers": 4, "heads": 4, "width": 128, "positions": "rotary", "bias": False}


class Kind(NamedTuple):
    """What a kind of text asks of its model.

    vocab_size:      of the byte-pair encoding, the separator included
    context_length:  tokens: a piece should fit in
    temperature:     at which it writes, lower where the form is strict
    max_steps, batch_size: of the training
    """

    vocab_size: int
    context_length: int
    temperature: float
    max_steps: int
    batch_size: int


KINDS = {
    "poem": Kind(1024, 128, 0.7, 1500, 12),
    "email": Kind(2048, 128, 0.7, 1500, 12),
    "code": Kind(2048, 192, 0.5, 2000, 8),
}


# Pieces to learn from


def pieces(kind: str, data: str | os.PathLike | None = None, seed: int = 0) -> list[str]:
    """Give the pieces of a kind: of the user's file if one is given, else of what is at hand.

    Poems and e-mails are then drawn from tinyworld's grammars, functions taken from the standard
    library. A file's pieces stand between lines of a single `%`; where there is none, poems between
    empty lines, e-mails from one line `To: …` to the next, and code is cut into short functions.

    Raises:  ValueError if the kind is not known or a file has too few pieces.
    """
    check_kind(kind)
    if data is not None:
        return _pieces_of_file(kind, data)
    if kind == "code":
        modules = standard_library(STDLIB_BYTES)
        return list(dict.fromkeys(code for source in modules for code in short_functions(source)))
    draw = {"poem": poems, "email": letters}[kind]
    return list(dict.fromkeys(draw(World(seed), DRAWN, seed)))


def _pieces_of_file(kind: str, data: str | os.PathLike) -> list[str]:
    corpus = load_text(data)
    text = corpus.train + corpus.validation
    if SEPARATOR in text:
        raise ValueError(f"{data}: has {SEPARATOR} in it, which stands between pieces: take it out")
    if re.search(r"^%$", text, re.MULTILINE):
        found = re.split(r"^%$", text, flags=re.MULTILINE)
    elif kind == "code":
        found = list(short_functions(text))
    else:
        found = re.split({"poem": r"\n\s*\n", "email": r"^(?=To:)"}[kind], text, flags=re.MULTILINE)
    found = [piece.strip("\n") for piece in found if piece.strip()]
    if len(found) < 10:
        raise ValueError(
            f"{data}: {len(found)} piece(s) of kind {kind} to learn from, at least 10 are needed: "
            "put a line of % between them, or give a larger file"
        )
    return found


def check_kind(kind: str) -> None:
    """Refuse a kind that there is not."""
    if kind not in KINDS:
        raise ValueError(f"write: kind {kind!r} is not known; there are: {', '.join(KINDS)}")


def joined(some: list[str]) -> str:
    """Put the separator before, between and after the pieces."""
    return SEPARATOR + "".join(piece + SEPARATOR for piece in some)


# Training


def folder_of(kind: str) -> Path:
    """Where the model of a kind is kept."""
    return Path("runs") / f"write-{kind}"


def make_trainer(
    kind: str,
    data: str | os.PathLike | None = None,
    out: str | os.PathLike | None = None,
    progress: bool | None = None,
    model: dict | None = None,
    vocab_size: int | None = None,
    **changes: object,
) -> Trainer:
    """Make a trainer for a kind of text, or one that goes on with a run that was stopped.

    Args:    data: a text to learn from instead of what is at hand.
             out: the run's folder. (default: runs/write-KIND)
             model, vocab_size, changes: settings of DecoderConfig, tokenizer and TrainConfig.
    Raises:  ValueError if `out` holds a finished run.
    """
    check_kind(kind)
    out = folder_of(kind) if out is None else Path(out)
    run = Run(out)
    if run.weights.exists():
        raise ValueError(
            f"{out} holds a finished run: write with it by leaving out --train, or name another "
            "folder with --run"
        )
    if latest_checkpoint(run.checkpoints):
        if data is not None:
            raise ValueError(
                f"{out} holds a run that was stopped: go on with it by leaving out --data, or name "
                "another folder with --run"
            )
        return Trainer.resume(out, progress, **changes)
    settings, found = KINDS[kind], pieces(kind, data)
    held_out = max(1, round(HELD_OUT * len(found)))
    train, validation = found[:-held_out], found[-held_out:]
    tokenizer = BPETokenizer.train(train, vocab_size or settings.vocab_size, [SEPARATOR])
    name = kind if data is None else Path(data).resolve().name
    config = {"max_steps": settings.max_steps, "batch_size": settings.batch_size, **TRAINING}
    return Trainer(
        DecoderConfig(
            vocab_size=tokenizer.vocab_size,
            **{**SMALL, "context_length": settings.context_length, **(model or {})},
        ),
        Corpus(name, joined(train), joined(validation)),
        tokenizer,
        TrainConfig(**{**config, **changes}),
        out,
        progress,
    )


TRAINING = {
    "learning_rate": 4e-3,
    "min_learning_rate": 4e-4,
    "final_eval_tokens": 100_000,
    "sample_prompt": SEPARATOR,
    "sample_tokens": 150,
}


# Writing


class Piece(NamedTuple):
    """A text that a model wrote, and whether it has its kind's form."""

    text: str
    form: Form


class Writer:
    """Writes pieces with a trained run, and knows what it was trained on."""

    def __init__(self, kind: str, run: str | os.PathLike | None = None) -> None:
        check_kind(kind)
        path = folder_of(kind) if run is None else Path(run)
        if not Run(path).config.is_file():
            raise FileNotFoundError(
                f"{path}: there is no trained model: train one with "
                f"`tinyllm write --kind {kind} --train`, or name a run's folder with --run"
            )
        self.kind, self.run = kind, Run.open(path)
        self.model, self.tokenizer = self.run.model(), self.run.tokenizer()
        separator = self.tokenizer.encode(SEPARATOR)
        if len(separator) != 1:
            raise ValueError(
                f"{path} was not trained by `tinyllm write`: its tokenizer has no {SEPARATOR}"
            )
        self.separator = separator[0]
        self._index: CopyIndex | None = None

    def write(
        self,
        first_words: str = "",
        temperature: float | None = None,
        generator: random.Generator | None = None,
        show: Callable[[str], object] = lambda text: None,
    ) -> Piece:
        """Write one piece.

        Args:    first_words: what it begins with.
                 temperature: below 1 safer. (default: the kind's own)
                 generator: what to draw with.
                 show: is called with each bit of text as soon as it is written.
        """
        if SEPARATOR in first_words:
            raise ValueError(f"write: {SEPARATOR} ends a piece and cannot stand in its first words")
        first_words = first_words.rstrip(" ")  # a blank belongs to the word that follows it
        ids = self.tokenizer.encode(SEPARATOR + first_words)
        most = max(1, 2 * self.model.config.context_length)
        how = KINDS[self.kind].temperature if temperature is None else temperature
        tokens = generate(self.model, ids, most, how, generator=generator, stop=[self.separator])
        decoder, parts, count = self.tokenizer.stream_decoder(), [first_words], 0
        show(first_words)
        for token in tokens:
            count += 1
            parts.append(decoder.feed(token))
            show(parts[-1])
        parts.append(decoder.finish())
        show(parts[-1])
        text = "".join(parts)
        form = CHECKS[self.kind](text)
        if count == most:
            endless = Mistake("end", f"it had not ended after {most} tokens")
            form = Form((*form.mistakes, endless))
        return Piece(text, form)

    def pieces_of(self, part: str) -> list[str]:
        """Give the pieces of "train" or "validation" that the run learned from or kept back."""
        text = self.tokenizer.decode(self.run.tokens(part, self.tokenizer).tokens)
        return [piece for piece in text.split(SEPARATOR) if piece]

    @property
    def index(self) -> CopyIndex:
        """The training pieces, in which copies are looked for."""
        if self._index is None:
            self._index = CopyIndex(self.pieces_of("train"))
        return self._index

    def novelty(self, text: str) -> str:
        """Say in words how much of one text is new."""
        found = novelty([text or "-"], self.index)
        if not found.texts.count:
            return "copied: the training text has it word for word"
        lines = [line for line in text.splitlines() if line.strip()]
        new = round((found.lines.value if found.lines else 1.0) * len(lines))
        return (
            f"new: {new} of {len(lines)} lines stand nowhere in the training text; "
            f"the longest run it shares with one piece has {found.longest_run} words"
        )


# Report


@dataclass(frozen=True)
class Report:
    """How good a number of pieces are.

    form:      the share with the right form
    mistakes:  name of a mistake -> in how many pieces it was made
    novelty:   against the training text
    held_out_form, held_out_novelty: the same of pieces that nobody generated
    """

    kind: str
    pieces: list[Piece] = field(repr=False)
    form: Proportion
    mistakes: dict[str, int]
    novelty: Novelty
    held_out_form: Proportion
    held_out_novelty: Novelty

    def __str__(self) -> str:
        rows = [("", "written", "held out"), ("right form", self.form, self.held_out_form)]
        ours, theirs = self.novelty, self.held_out_novelty
        rows.append(("new pieces", ours.texts, theirs.texts))
        rows.append(("new lines", ours.lines, theirs.lines))
        for n in ours.ngrams:
            rows.append((f"new runs of {n} words", ours.ngrams[n], theirs.ngrams.get(n)))
        copied = (f"{ours.longest_run} words", f"{theirs.longest_run} words")
        rows.append(("longest run copied", *copied))
        table = [[str("-" if cell is None else cell) for cell in row] for row in rows]
        widths = [max(len(row[i]) for row in table) for i in range(3)]
        drawn = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        )
        names = ", ".join(f"{name} {count}" for name, count in self.mistakes.items())
        return (
            f"{len(self.pieces)} pieces of kind {self.kind}, beside {self.held_out_form.total} "
            f"held-out ones, in percent with 95 % intervals\n\n{drawn}\n\n"
            f"mistakes, in how many pieces: {names or 'none'}"
        )


def written(
    writer: Writer, count: int, seed: int = 0, temperature: float | None = None, first: str = ""
) -> Iterator[Piece]:
    """Write so many pieces, each by a seed of its own: the same seed, the same pieces."""
    for number in range(count):
        yield writer.write(first, temperature, random.Generator(seed * 1_000_003 + number))


def report(writer: Writer, some: list[Piece]) -> Report:
    """Measure form and novelty of pieces, and of as many held-out ones beside them."""
    if not some:
        raise ValueError("write: there are no pieces to report on: write 1 or more")
    held_out = writer.pieces_of("validation")[: len(some)]
    check = CHECKS[writer.kind]
    mistakes = Counter(name for piece in some for name in {m.name for m in piece.form.mistakes})
    return Report(
        writer.kind,
        some,
        proportion(piece.form.ok for piece in some),
        dict(mistakes.most_common()),
        novelty([piece.text or "-" for piece in some], writer.index),
        proportion(check(text).ok for text in held_out),
        novelty(held_out, writer.index),
    )
