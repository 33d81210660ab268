"""Text work beside the libraries people use: both sides in turn, one thread each, minima first."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any

from tinyllm.bench.metrics import metric_rows
from tinyllm.bench.text_row import TextRow
from tinyllm.data import load_text
from tinyllm.data.standard_library import standard_library
from tinyllm.text import BPETokenizer, WordPieceTokenizer


def text_of(source: str, megabytes: float) -> str:
    """Give so much of a text at most: of "stdlib" tests and tables too, of another its first part.

    Raises:  as `load_text`; ValueError if megabytes is not above 0.
    """
    size = int(megabytes * 1e6)
    if size <= 0:
        raise ValueError(f"--megabytes: {megabytes} MB are no text to measure on")
    if source == "stdlib":
        return "".join(standard_library(size, everything=True))
    return load_text(source).train[:size]


def rows(text: str) -> list[TextRow]:
    """Give every row: add a function here that gives the rows of another subject."""
    return [*tokenizer_rows(text), *metric_rows()]


def tokenizer_rows(text: str) -> list[TextRow]:
    """Train byte-level BPE and WordPiece, encode with BPE, beside Hugging Face's `tokenizers`."""
    made = []
    for start, vocab_size in ((text[:130_000], 756), (text, 8256)):
        size = len(start.encode("utf-8", "surrogatepass"))
        lines = start.splitlines(keepends=True)
        made.append(
            TextRow(
                f"train BPE, {vocab_size - 256:,} merges on {size / 1e6:.2f} MB",
                lambda lines=lines, vocab_size=vocab_size: BPETokenizer.train(lines, vocab_size),
                _peer_trains(lines, vocab_size),
                "tokenizers",
                size,
            )
        )
    made.append(
        TextRow(
            f"train WordPiece, 8,000 pieces on {size / 1e6:.2f} MB",
            lambda: WordPieceTokenizer.train(lines, 8000),
            _peer_trains_wordpiece(lines, 8000),
            "tokenizers",
            size,
        )
    )
    ours = BPETokenizer.train(text[:1_000_000], 8256)
    theirs = _peer_of(ours)
    piece = text[:1_000_000]
    size = len(piece.encode("utf-8", "surrogatepass"))
    for what, afresh in (("all words new", True), ("words seen before", False)):
        made.append(
            TextRow(
                f"encode {size / 1e6:.2f} MB with BPE, {what}",
                lambda afresh=afresh: _encode(ours, ours.forget if afresh else None, piece),
                theirs
                and (
                    lambda afresh=afresh: _encode(
                        theirs, theirs.model._clear_cache if afresh else None, piece
                    )
                ),
                "tokenizers",
                size,
            )
        )
    return made


def _encode(tokenizer: Any, before: Callable[[], None] | None, text: str) -> Any:
    """Encode a text, after forgetting what was seen; the peer finds offsets too, always."""
    if before is not None:
        before()
    return tokenizer.encode(text)


def run(
    table: Iterable[TextRow], repeats: int = 5, say: Callable[[str], None] | None = None
) -> list[dict[str, Any]]:
    """Time every row, ours and the peer's in turn; give seconds by row."""
    results = []
    for row in table:
        if say is not None:
            say(row.name)
        seconds: dict[str, list[float]] = {"tinyllm": [], row.peer_name: []}
        with _one_thread():
            for _ in range(max(repeats, 1)):
                seconds["tinyllm"].append(_timed(row.ours))
                if row.peer is not None:
                    seconds[row.peer_name].append(_timed(row.peer))
        results.append(
            {"name": row.name, "peer": row.peer_name, "size": row.size, "seconds": seconds}
        )
    return results


def report(results: list[dict[str, Any]], markdown: bool = False) -> str:
    """Give the table: minimum and median of each side, and how many times the peer's ours takes."""
    head = ["", "tinyllm min", "median", "peer min", "median", "ratio", "peer"]
    lines = [head]
    for result in results:
        ours, theirs = result["seconds"]["tinyllm"], result["seconds"][result["peer"]]
        cells = [result["name"], _ms(min(ours)), _ms(statistics.median(ours))]
        if theirs:
            ratio = f"{min(ours) / min(theirs):.2f}"
            cells += [_ms(min(theirs)), _ms(statistics.median(theirs)), ratio, result["peer"]]
        else:
            cells += ["-", "-", "-", f"{result['peer']} is not installed"]
        lines.append(cells)
    if markdown:
        lines.insert(1, ["---"] * len(head))
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in (0, 6) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f} ms"


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def _one_thread():
    """Keep `tokenizers` to one thread, as we are."""
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before


def _peer_trains(lines: list[str], vocab_size: int) -> Callable[[], Any] | None:
    try:
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    except ImportError:
        return None

    def train() -> Any:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(lines, trainer)
        return tokenizer

    return train


def _peer_trains_wordpiece(lines: list[str], vocab_size: int) -> Callable[[], Any] | None:
    try:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    except ImportError:
        return None

    def train() -> Any:
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=vocab_size, special_tokens=["[UNK]"], show_progress=False
        )
        tokenizer.train_from_iterator(lines, trainer)
        return tokenizer

    return train


def _peer_of(tokenizer: BPETokenizer) -> Any:
    """The same tokenizer as an object of `tokenizers`; None if that is not installed."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    return Tokenizer.from_str(json.dumps(tokenizer.to_dict()))
