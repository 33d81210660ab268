"""Models that read one text and write another: what translation and summarisation share.

Two kinds of model do it. A `Seq2Seq` reads the source with one stack and writes with another. A
`Decoder` has one stack, which reads the source as a prompt and goes on with the target:

    source tokens <s> target tokens </s>
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from tinyllm.data.translation import IGNORE, PairBatch, PairBatches, pad
from tinyllm.generation import beam_search, generate, in_pieces
from tinyllm.models import Decoder, DecoderConfig, Seq2Seq, Seq2SeqConfig
from tinyllm.nn import Module
from tinyllm.tensor import Tensor
from tinyllm.text import Tokenizer, printable
from tinyllm.training import FitResult, LoaderSource, fit, mean_loss
from tinyllm.training.config import LoopConfig
from tinyllm.training.task_run import TaskRun

KINDS = {"seq2seq": (Seq2Seq, Seq2SeqConfig), "decoder": (Decoder, DecoderConfig)}
NUM_BEAMS = 5
LENGTH_PENALTY = 1.0
Pair = tuple[str, str]
EncodedPair = tuple[np.ndarray, np.ndarray]


class TextToText:
    """A model with its tokenizers, which writes a target for each source.

    The target's tokens have their tokenizer's ids. After them, in a decoder with two tokenizers,
    come the source's, and last the start and the end token.

    Args:    tokenizers: {"source": …, "target": …}, or {"tokenizer": …}, one for both.
    """

    task: ClassVar[str]
    """As in config.json: "translation"."""
    command: ClassVar[str]
    """What errors begin with: "translate"."""
    advice: ClassVar[str] = "cut it into parts"
    """What to do with a source that is too long."""
    prefix: ClassVar[str] = ""
    """What every text is given before it is made into tokens."""

    def __init__(self, model: Seq2Seq | Decoder, tokenizers: Mapping[str, Tokenizer]) -> None:
        self.model, self.tokenizers = model, dict(tokenizers)
        self.source = tokenizers.get("source") or tokenizers["tokenizer"]
        self.target = tokenizers.get("target") or tokenizers["tokenizer"]
        self.reads_apart = isinstance(model, Seq2Seq)
        self.start_id = model.config.vocab_size - 2
        self.end_id = model.config.vocab_size - 1
        shared = self.reads_apart or self.source is self.target
        self._offset = 0 if shared else self.target.vocab_size

    @classmethod
    def open(cls, path: str | os.PathLike | None = None) -> Self:
        """The model of a run of this task, by default of the newest one.

        Raises:  FileNotFoundError if there is none; ValueError if its files are damaged.
        """
        run = TaskRun.newest(cls.task) if path is None else TaskRun.open(path, cls.task)
        settings = run.settings()
        names = settings.get("tokenizers", {})
        if not {"tokenizer"} <= {*names} and not {"source", "target"} <= {*names}:
            raise ValueError(f"{run.config}: it names no tokenizers: was it edited?")
        tokenizers = {name: run.tokenizer(name) for name in names}
        model = run.load_weights(make_model(settings["model"]))
        return cls.of_run(model, tokenizers, settings["data"])

    @classmethod
    def of_run(
        cls, model: Module, tokenizers: Mapping[str, Tokenizer], data: Mapping[str, Any]
    ) -> Self:
        """Make it of a run's parts; `data` are those settings of config.json."""
        return cls(model, tokenizers)

    @property
    def longest(self) -> int:
        """The most tokens that a source may have, and a target too."""
        context = self.model.config.context_length
        return context - 1 if self.reads_apart else context // 2 - 1

    # Examples to train on

    def encode_pair(self, source: str, target: str) -> EncodedPair:
        """Give the ids of a source, and of its target with start and end around it."""
        ids = [self.start_id, *self.target.encode(self.prefix + target), self.end_id]
        return self._source_ids(source), np.array(ids, np.int32)

    def encode_pairs(self, pairs: Sequence[Pair]) -> list[EncodedPair]:
        """Give the ids of the pairs that are not too long."""
        encoded = (self.encode_pair(*pair) for pair in pairs)
        most = self.longest
        return [p for p in encoded if 0 < len(p[0]) <= most and len(p[1]) <= most + 1]

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
            targets.append(np.concatenate([np.full_like(prompt, IGNORE), labels[~filled]]))
        return Tensor(pad(ids, 0)[0]), Tensor(pad(targets, IGNORE)[0])

    # Writing

    def write(
        self, text: str, num_beams: int = NUM_BEAMS, length_penalty: float = LENGTH_PENALTY
    ) -> str:
        """Write the target of one source; see `write_all`."""
        return self.write_all([text], num_beams, length_penalty)[0]

    def write_all(
        self,
        texts: Sequence[str],
        num_beams: int = NUM_BEAMS,
        length_penalty: float = LENGTH_PENALTY,
        batch_size: int = 32,
        done: Callable[[int], object] = lambda count: None,
    ) -> list[str]:
        """Write the targets of sources by beam search; one beam is greedy decoding.

        Args:    done: is told, after each batch, how many sources were in it.
        Raises:  ValueError for a source that is empty or too long; says which.
        """
        numbers = range(1, len(texts) + 1) if len(texts) > 1 else [None] * len(texts)
        prompts = [self.encode(*text) for text in zip(texts, numbers, strict=True)]
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
            done(len(rows))
        return [self.decode(tokens) for tokens in found]

    def stream(self, text: str) -> Iterator[str]:
        """Write one target by greedy decoding, giving out each piece as it is written."""
        prompt = self.encode(text)
        room = self._room(len(prompt))
        tokens = generate(self.model, prompt, room, temperature=0, stop=[self.end_id])
        own = (token for token in tokens if token < self.target.vocab_size)
        return in_pieces(own, self.target, strip=True)

    def encode(self, text: str, number: int | None = None) -> list[int]:
        """Give the tokens that the model reads for a source.

        Args:    number: of the text, for errors.
        Raises:  ValueError for a text that is empty or too long.
        """
        who = f"{self.command}: " + ("" if number is None else f"text {number}: ")
        text = plain(text)
        if not text:
            raise ValueError(f"{who}the text is empty, there is nothing to {self.command}")
        ids = self._source_ids(text).tolist()
        if len(ids) > self.longest:
            raise ValueError(
                f"{who}{printable(text[:30])!r}… has {len(ids)} tokens, and the model reads "
                f"{self.longest} at most: {self.advice}"
            )
        return ids if self.reads_apart else [*ids, self.start_id]

    def decode(self, tokens: Sequence[int]) -> str:
        """Give the text of what the model wrote; what is no token of the target is left out."""
        own = [token for token in tokens if token < self.target.vocab_size]
        return printable(self.target.decode(own)).strip()

    def _source_ids(self, text: str) -> np.ndarray:
        return self.source.encode_to_array(self.prefix + text).astype(np.int32) + self._offset

    def _room(self, source_length: int) -> int:
        """How long a target may get: many times its source, so that loops do end."""
        return min(self.longest, 3 * source_length + 20)


def plain(text: str) -> str:
    """The text with one blank for each run of white space, and none around it."""
    return re.sub(r"\s+", " ", text).strip()


# Models


def make_model(settings: Mapping[str, Any]) -> Module:
    """Make an untrained model of what config.json says, {"kind": "seq2seq", …}."""
    settings = dict(settings)
    kind = settings.pop("kind", None)
    check_kind(kind)
    model, config = KINDS[kind]
    return model(config.from_dict(settings))


def check_kind(kind: Any) -> None:
    """Refuse a name of no kind of model."""
    if kind not in KINDS:
        raise ValueError(f"model: the kind {kind!r} is not {' or '.join(KINDS)}")


def model_settings(
    kind: str,
    tokenizers: Mapping[str, Tokenizer],
    longest: int,
    *,
    layers: int,
    heads: int,
    width: int,
    dropout: float = 0.1,
    label_smoothing: float = 0.1,
) -> dict[str, Any]:
    """Give the settings of a model of that kind, for `make_model`.

    An encoder's layer has 12 C^2 weights, as a decoder-only model's has, and a decoder's that
    looks at an encoder 16 C^2: so many layers more make the two kinds equally large.

    Args:    tokenizers: as for `TextToText`.
             longest: the most tokens of a source, and of a target.
             layers: of the encoder, and as many of the decoder.
    """
    check_kind(kind)
    sizes = [tokenizers[name].vocab_size for name in ("source", "target") if name in tokenizers]
    sizes = sizes or [tokenizers["tokenizer"].vocab_size]
    shared = {"heads": heads, "width": width, "dropout": dropout}
    if kind == "decoder":
        config = DecoderConfig(
            vocab_size=sum(sizes) + 2,
            context_length=2 * (longest + 1),
            layers=round((12 + 16) * layers / 12),
            positions="rotary",
            prefix_end=sum(sizes),  # the start of the target: the source is read as by an encoder
            **shared,
        )
        return {"kind": kind, **config.to_dict()}
    vocab_size = sizes[-1] + 2
    config = Seq2SeqConfig(
        vocab_size=vocab_size,
        source_vocab_size=sizes[0] if len(sizes) == 2 else None,
        context_length=longest + 1,
        encoder_layers=layers,
        decoder_layers=layers,
        label_smoothing=label_smoothing,
        start_id=vocab_size - 2,
        end_id=vocab_size - 1,
        **shared,
    )
    return {"kind": kind, **config.to_dict()}


# Training


def fit_pairs(
    model: TextToText,
    train: Sequence[Pair],
    aside: Sequence[Pair],
    config: LoopConfig,
    folder: str | os.PathLike | None,
    sizes: Mapping[str, Any],
    data: Mapping[str, Any],
    go_on: str | None = None,
    progress: bool | None = None,
) -> FitResult:
    """Train on pairs; the weights of the lowest loss on the pairs kept aside are kept.

    Args:    config: with a batch_size, as `TaskConfig`.
             sizes: what `make_model` made the model of.
             data: where the pairs are from; how many were too long is added.
             folder, go_on, progress: as for `training.fit`.
    Raises:  ValueError if no pair is short enough; as `training.fit`.
    """
    learned = model.encode_pairs(train)
    if not learned:
        raise ValueError(
            f"{model.command}: each of the {len(train)} pairs is longer than the {model.longest} "
            "tokens that the model reads: cut the texts, or give it a longer context"
        )
    loader = PairBatches(learned, config.batch_size, pad_id=0, seed=config.seed)
    return fit(
        model.model,
        LoaderSource(loader, model.to_tensors),
        config,
        folder,
        {
            "task": model.task,
            "model": sizes,
            "data": {**data, "left_out": len(train) - len(learned)},
        },
        evaluate=loss_on(model, aside),
        choose_by="-val_loss",
        tokenizers=model.tokenizers,
        go_on=go_on,
        progress=progress,
    )


def loss_on(
    model: TextToText, pairs: Sequence[Pair], batch_size: int = 64
) -> Callable[[Any], dict[str, float]]:
    """Make a function that measures the loss on pairs, in nats per token of the targets."""
    encoded = sorted(model.encode_pairs(pairs), key=lambda pair: len(pair[1]))
    if not encoded:
        raise ValueError(
            f"{model.command}: each of the {len(pairs)} pairs kept aside is longer than the "
            f"{model.longest} tokens that the model reads"
        )
    loader = PairBatches(encoded, batch_size, pad_id=0, shuffle=False)
    return mean_loss(LoaderSource(loader, model.to_tensors))
