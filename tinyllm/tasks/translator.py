"""A trained translator: text in one language in, text in another out.

Two kinds of model do it. A `Seq2Seq` reads the source with one stack and writes with another. A
`Decoder` has one stack, which reads the source as a prompt and goes on with the translation:

    source tokens <s> target tokens </s>
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinyllm.data.translation import PairBatch, pad
from tinyllm.generation import beam_search, generate, inference
from tinyllm.models import Decoder, DecoderConfig, Seq2Seq, Seq2SeqConfig
from tinyllm.nn import Module
from tinyllm.tensor import Tensor
from tinyllm.text import Tokenizer, printable
from tinyllm.training.task_run import TaskRun

TASK = "translation"
KINDS = {"seq2seq": (Seq2Seq, Seq2SeqConfig), "decoder": (Decoder, DecoderConfig)}
NUM_BEAMS = 5
LENGTH_PENALTY = 1.0
_IGNORED = -100


class Translator:
    """A model with its tokenizers.

    The target's tokens have their tokenizer's ids. After them, in a decoder with two tokenizers,
    come the source's, and last the start and the end token.

    Args:    tokenizers: {"source": …, "target": …}, or {"tokenizer": …}, one for both.
             characters: those that stand in the sources it was trained on; None: not known.
    """

    def __init__(
        self,
        model: Seq2Seq | Decoder,
        tokenizers: dict[str, Tokenizer],
        characters: str | None = None,
    ) -> None:
        self.model, self.tokenizers = model, tokenizers
        self.source = tokenizers.get("source") or tokenizers["tokenizer"]
        self.target = tokenizers.get("target") or tokenizers["tokenizer"]
        self.characters = None if characters is None else frozenset(characters)
        self.reads_apart = isinstance(model, Seq2Seq)
        self.start_id = model.config.vocab_size - 2
        self.end_id = model.config.vocab_size - 1
        shared = self.reads_apart or self.source is self.target
        self._offset = 0 if shared else self.target.vocab_size

    @classmethod
    def open(cls, path: str | os.PathLike | None = None) -> Translator:
        """The translator of a run, by default of the newest one.

        Raises:  FileNotFoundError if there is none; ValueError if its files are damaged.
        """
        run = TaskRun.newest(TASK) if path is None else TaskRun.open(path, TASK)
        settings = run.settings()
        names = settings.get("tokenizers", {})
        if not names or not {*names} <= {"source", "target", "tokenizer"}:
            raise ValueError(f"{run.config}: not the settings of a translator: was it edited?")
        tokenizers = {name: run.tokenizer(name) for name in names}
        model = run.load_weights(make_model(settings["model"]))
        return cls(model, tokenizers, settings["data"].get("characters"))

    @property
    def longest(self) -> int:
        """The most tokens that a source may have, and a translation too."""
        context = self.model.config.context_length
        return context - 1 if self.reads_apart else context // 2 - 1

    # Examples to train on

    def encode_pair(self, source: str, target: str) -> tuple[np.ndarray, np.ndarray]:
        """Give the ids of a source, and of its translation with start and end around it."""
        ids = [self.start_id, *self.target.encode(target), self.end_id]
        return self._source_ids(source), np.array(ids, np.int32)

    def to_tensors(self, batch: PairBatch) -> tuple[Tensor, ...]:
        """Make what `model.loss` takes of a batch; a decoder's loss is on the target alone."""
        if self.reads_apart:
            parts = batch.source, batch.decoder_input, batch.labels, batch.source_padding
            return tuple(map(Tensor, parts))
        ids, targets = [], []
        for source, target, labels, hidden, filled in zip(
            batch.source, batch.decoder_input, batch.labels,
            batch.source_padding, batch.target_padding, strict=True,
        ):  # fmt: skip
            prompt = source[~hidden]
            ids.append(np.concatenate([prompt, target[~filled]]))
            targets.append(np.concatenate([np.full_like(prompt, _IGNORED), labels[~filled]]))
        return Tensor(pad(ids, 0)[0]), Tensor(pad(targets, _IGNORED)[0])

    # Translating

    def translate(
        self, text: str, num_beams: int = NUM_BEAMS, length_penalty: float = LENGTH_PENALTY
    ) -> str:
        """Translate one sentence; see `translate_all`."""
        return self.translate_all([text], num_beams, length_penalty)[0]

    def translate_all(
        self,
        texts: Sequence[str],
        num_beams: int = NUM_BEAMS,
        length_penalty: float = LENGTH_PENALTY,
        batch_size: int = 32,
    ) -> list[str]:
        """Translate sentences by beam search; one beam is greedy decoding.

        Raises:  ValueError for a sentence that is empty or too long; says which.
        """
        numbers = range(1, len(texts) + 1) if len(texts) > 1 else [None]
        prompts = [self.encode(text, n) for text, n in zip(texts, numbers, strict=False)]
        found: list[list[int]] = [[] for _ in prompts]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            chosen = [prompts[i] for i in rows]
            hypotheses = beam_search(
                self.model, chosen, self._room(max(map(len, chosen))), num_beams,
                length_penalty, stop=[self.end_id], batch_size=batch_size,
            )  # fmt: skip
            for i, best in zip(rows, hypotheses, strict=True):
                found[i] = best[0].tokens
        return [self.decode(tokens) for tokens in found]

    def stream(self, text: str) -> Iterator[str]:
        """Translate one sentence by greedy decoding, giving out each piece as it is written."""
        prompt = self.encode(text)
        room = self._room(len(prompt))
        tokens = generate(self.model, prompt, room, temperature=0, stop=[self.end_id])
        decoder = self.target.stream_decoder()

        def pieces() -> Iterator[str]:
            for token in tokens:
                if token < self.target.vocab_size:
                    yield decoder.feed(token)
            yield decoder.finish()

        return pieces()

    def encode(self, text: str, number: int | None = None) -> list[int]:
        """Give the tokens that the model reads for a source.

        Args:    number: of the sentence, for errors.
        Raises:  ValueError for a text that is empty or too long.
        """
        who = "translate:" if number is None else f"translate: sentence {number}:"
        text = plain(text)
        if not text:
            raise ValueError(f"{who} there is nothing to translate: the text is empty")
        ids = self._source_ids(text).tolist()
        if len(ids) > self.longest:
            raise ValueError(
                f"{who} {text[:30]!r}… has {len(ids)} tokens, and the model reads {self.longest} "
                "at most: cut it into sentences, one per line"
            )
        return ids if self.reads_apart else [*ids, self.start_id]

    def decode(self, tokens: Sequence[int]) -> str:
        """Give the text of what the model wrote; what is no token of the target is left out."""
        own = [token for token in tokens if token < self.target.vocab_size]
        return printable(self.target.decode(own)).strip()

    def never_seen(self, text: str) -> list[str]:
        """List the characters of a text that stood in no source of the training."""
        if self.characters is None:
            return []
        return sorted({c for c in text if not c.isspace()} - self.characters)

    def cross_attention(self, source: str, target: str) -> tuple[list[str], list[str], np.ndarray]:
        """Show what each token of a translation looks at while it is predicted.

        Tokens that are parts of one character count as one: looking at it is looking at any of
        them, and writing it the mean of writing them.

        Returns: the source's tokens (S), the target's with its end (T), and weights
                 (layers, H, T, S): row t is of the step that predicts token t.
        Raises:  ValueError for a decoder, which has no cross-attention.
        """
        if not self.reads_apart:
            raise ValueError("cross_attention: a decoder has none: use a seq2seq model")
        read, (_, written) = self.encode(source), self.encode_pair(source, target)
        batch = Tensor(np.array([read], np.int64)), Tensor(written[None, :-1].astype(np.int64))
        with inference(self.model):
            weights = self.model.cross_attention(*batch)[:, 0]  # (layers, H, T, S)
        sources, columns = _whole_characters(self.source, read)
        targets, rows = _whole_characters(self.target, written[1:-1])
        weights = np.add.reduceat(weights, columns, axis=-1)
        ends = [*rows, len(written) - 2]
        weights = np.stack(
            [weights[..., a:b, :].mean(axis=-2) for a, b in pairwise([*ends, len(written) - 1])],
            axis=-2,
        )
        return sources, [*targets, "</s>"], weights

    def _source_ids(self, text: str) -> np.ndarray:
        return self.source.encode_to_array(text).astype(np.int32) + self._offset

    def _room(self, source_length: int) -> int:
        """How long a translation may get: many times its source, so that loops do end."""
        return min(self.longest, 3 * source_length + 20)


def _whole_characters(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[list[str], list[int]]:
    """Names for tokens, joined where a character has several, and where each name begins."""
    names, starts = [], []
    decoder, whole = tokenizer.stream_decoder(), True
    for place, token in enumerate(ids):
        text = decoder.feed(int(token))
        if whole:
            starts.append(place)
            names.append("")
        names[-1] += text
        whole = bool(text)
    return [name.strip() or "␣" for name in names], starts


def plain(text: str) -> str:
    """The text as lines of training files are: white space is one blank, and none around it."""
    return re.sub(r"\s+", " ", text).strip()


def make_model(settings: dict[str, Any]) -> Module:
    """Make an untrained model of what config.json says, {"kind": "seq2seq", …}."""
    settings = dict(settings)
    kind = settings.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"model: the kind {kind!r} is not {' or '.join(KINDS)}")
    model, config = KINDS[kind]
    return model(config.from_dict(settings))
