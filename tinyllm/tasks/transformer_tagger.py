"""A Transformer that tags words, with the interface of the counting taggers."""

from __future__ import annotations

import math
import os
import random
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinyllm import optim
from tinyllm.files import read_json, write_json
from tinyllm.generation import inference
from tinyllm.models import EncoderConfig, TokenClassifier
from tinyllm.nn import functional as F
from tinyllm.nn.utils import clip_grad_norm_
from tinyllm.random import default_generator, manual_seed
from tinyllm.tasks.word_features import BUCKETS, HIDDEN, UNKNOWN, Batch, code, make_vocabulary
from tinyllm.tensor import Tensor
from tinyllm.text.taggers.tagger import Sentence, check_sentences, check_words
from tinyllm.training.checkpoint import load_tensors, save_tensors
from tinyllm.training.display import Display

FORMAT = 2
SETTINGS = "tagger.json"
WEIGHTS = re.compile(r"model-[0-9a-f]{8}\.safetensors")
LONGEST = 512  # words read at once; a longer sentence is read in parts
DEV_PART = 10  # of so many sentences one is kept for early stopping
Coded = tuple[np.ndarray, np.ndarray, np.ndarray]


class TransformerTagger:
    """Tag words by an encoder that sees the sentence and each word's letters.

    AdamW, a learning rate that warms up and falls to 0 as a cosine, dropout, and words taken for
    unknown ones now and then, so that letters and context must do. After each epoch the dev
    sentences are tagged; the weights of the best epoch are kept.

    Args:    layers, heads, width, dropout: of the encoder.
             epochs: at most; patience: epochs without a better dev accuracy before it stops.
             batch_size: sentences. lr: the highest learning rate.
             word_dropout: how often a training word's id is hidden, and each of its features: a
             probability. Without it rare words are learned by heart and their letters are not.
             seed: of weights, dropout and order. progress: as for `training.display.Display`.
    """

    kind = "transformer"

    def __init__(
        self,
        layers: int = 2,
        heads: int = 4,
        width: int = 128,
        dropout: float = 0.3,
        epochs: int = 15,
        patience: int = 5,
        batch_size: int = 16,
        lr: float = 1e-3,
        word_dropout: float = 0.3,
        seed: int = 0,
        progress: bool | None = False,
    ) -> None:
        for name, value in (("epochs", epochs), ("patience", patience), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"TransformerTagger: {name} must be at least 1, not {value}")
        if not 0 <= word_dropout < 1:
            raise ValueError(f"TransformerTagger: word_dropout must be in [0, 1): {word_dropout}")
        self.sizes = {"layers": layers, "heads": heads, "width": width, "dropout": dropout}
        EncoderConfig(1, **self.sizes)  # refuses sizes that do not go together
        self.epochs, self.patience, self.batch_size = epochs, patience, batch_size
        self.lr, self.word_dropout, self.seed = lr, word_dropout, seed
        self.display = Display(progress)
        self.tags: list[str] = []
        self.vocabulary: dict[str, int] = {}
        self.model: TokenClassifier | None = None
        self.history: list[dict[str, float]] = []  # epoch, train_loss, dev_accuracy

    def fit(
        self, sentences: Iterable[Sentence], dev: Iterable[Sentence] | None = None
    ) -> TransformerTagger:
        """Learn from tagged sentences, forgetting what was learned before; return the tagger.

        Args:    dev: sentences to stop by; by default every tenth of `sentences`, which is then
                 not learned from.
        """
        checked = check_sentences("TransformerTagger", sentences)
        self.tags = sorted({tag for _, tags in checked for tag in tags})
        if dev is not None:
            dev = check_sentences("TransformerTagger's dev part", dev)
        elif len(checked) >= DEV_PART:
            dev = checked[DEV_PART - 1 :: DEV_PART]
            checked = [s for i, s in enumerate(checked) if i % DEV_PART != DEV_PART - 1]
        else:
            dev = checked  # too few to keep any back
        self.vocabulary = make_vocabulary([words for words, _ in checked])
        state = default_generator.get_state()  # the caller's random numbers stay as they were
        try:
            manual_seed(self.seed)
            self.model = self._new_model()
            self._train(self._coded(checked), dev)
        finally:
            default_generator.set_state(state)
        return self

    def tag(self, words: Sequence[str]) -> list[str]:
        """Return a tag for each word."""
        return self.tag_all([words])[0]

    def tag_all(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Tag many sentences, those of like length together, which is quicker than one by one."""
        if self.model is None:
            raise RuntimeError("TransformerTagger: it has learned nothing yet: call fit first")
        found = [check_words("TransformerTagger", words) for words in sentences]
        parts = [
            (number, words[start : start + LONGEST])
            for number, words in enumerate(found)
            for start in range(0, len(words), LONGEST)
        ]
        order = sorted(range(len(parts)), key=lambda i: len(parts[i][1]))
        tagged: dict[int, list[str]] = {}
        with inference(self.model):
            for start in range(0, len(order), 64):
                chosen = order[start : start + 64]
                batch = Batch([(*code(parts[i][1], self.vocabulary), -100) for i in chosen])
                best = self._logits(batch).array.argmax(axis=-1)  # (B, T)
                for row, i in enumerate(chosen):
                    tagged[i] = [self.tags[k] for k in best[row, : len(parts[i][1])]]
        result: list[list[str]] = [[] for _ in found]
        for i, (number, _) in enumerate(parts):
            result[number] += tagged[i]
        return result

    def save(self, folder: str | os.PathLike) -> None:
        """Write weights (safetensors) and settings (JSON) into a folder.

        The weights get a new name each time, and the settings, replaced last and at once, say
        which: at any moment the folder holds the tagger that was there or this one, whole.
        """
        if self.model is None:
            raise RuntimeError("TransformerTagger: nothing learned, so nothing to save")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"model-{secrets.token_hex(4)}.safetensors"
        save_tensors(folder / name, {n: v.array for n, v in self.model.state_dict().items()})
        settings = {"format": FORMAT, "kind": self.kind, "weights": name, "buckets": BUCKETS}
        settings |= {"sizes": self.sizes, "tags": self.tags, "words": list(self.vocabulary)}
        write_json(folder / SETTINGS, settings)
        remove_weights(folder, but=name)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> TransformerTagger:
        """Read a tagger that `save` wrote.

        Raises:  FileNotFoundError; ValueError if a file is damaged, or weights do not fit.
        """
        path = Path(folder) / SETTINGS
        settings = read_json(path)
        expected = {"format": FORMAT, "kind": cls.kind, "buckets": BUCKETS}
        for key, value in expected.items():
            if settings.get(key) != value:
                raise ValueError(f"{path}: {key} is {settings.get(key)!r}, not {value!r}")
        weights = settings.get("weights")
        if not isinstance(weights, str) or not WEIGHTS.fullmatch(weights):
            raise ValueError(f"{path}: weights {weights!r} are no file that save writes")
        for key in ("tags", "words"):
            strings = settings.get(key)
            if not isinstance(strings, list) or not all(isinstance(s, str) for s in strings):
                raise ValueError(f"{path}: {key!r} is not a list of strings")
        try:
            tagger = cls(**settings["sizes"])
            tagger.tags = settings["tags"]
            tagger.vocabulary = {w: i for i, w in enumerate(settings["words"], UNKNOWN + 1)}
            tagger.model = tagger._new_model()
            tagger.model.load_state_dict(load_tensors(path.with_name(weights)))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{folder}: not a whole TransformerTagger: {error}") from None
        return tagger

    def _new_model(self) -> TokenClassifier:
        vocab_size = len(self.vocabulary) + UNKNOWN + 1
        config = EncoderConfig(vocab_size, LONGEST, feature_vocab_size=BUCKETS + 1, **self.sizes)
        return TokenClassifier(config, len(self.tags))

    def _coded(self, sentences: list[Sentence]) -> list[Coded]:
        place = {tag: k for k, tag in enumerate(self.tags)}
        return [
            (
                *code(words[start : start + LONGEST], self.vocabulary),
                np.array([place[tag] for tag in tags[start : start + LONGEST]]),
            )
            for words, tags in sentences
            for start in range(0, len(words), LONGEST)
        ]

    def _logits(self, batch: Batch) -> Tensor:
        return self.model(Tensor(batch.ids), Tensor(batch.mask), Tensor(batch.features))

    def _train(self, coded: list[Coded], dev: list[Sentence]) -> None:
        steps = math.ceil(len(coded) / self.batch_size)
        optimizer = optim.AdamW(self.model.parameters(), lr=self.lr, weight_decay=0.01)
        total, warm = self.epochs * steps, max(1, steps)
        schedule = optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * step / total)),
        )
        order, best, best_weights, best_epoch = random.Random(self.seed), -1.0, {}, 0
        self.history = []
        with self.display.bar("tagger", total) as bar:
            for epoch in range(1, self.epochs + 1):
                loss = 0.0
                for batch in self._batches(coded, order):
                    loss += self._step(batch, optimizer)
                    schedule.step()
                    bar.update(1)
                accuracy = self._accuracy(dev)
                row = {"epoch": epoch, "train_loss": loss / steps, "dev_accuracy": accuracy}
                self.history.append(row)
                bar.set_postfix_str(f"dev accuracy {accuracy:.4f}")
                if accuracy > best:
                    best, best_epoch = accuracy, epoch
                    best_weights = {n: v.array.copy() for n, v in self.model.state_dict().items()}
                elif epoch - best_epoch >= self.patience:
                    break
        self.model.load_state_dict(best_weights)
        self.display.say(f"Kept epoch {best_epoch}: dev accuracy {best:.4f}")

    def _batches(self, coded: list[Coded], order: random.Random) -> Iterable[Batch]:
        """Sentences in random order, those of like length together, ids hidden now and then."""
        shuffled = sorted(order.sample(coded, len(coded)), key=lambda s: len(s[0]) // 4)
        size = self.batch_size
        batches = [shuffled[i : i + size] for i in range(0, len(shuffled), size)]
        order.shuffle(batches)
        hide = np.random.default_rng(order.getrandbits(64))
        for chosen in batches:
            batch = Batch(chosen)
            hidden = (hide.random(batch.ids.shape) < self.word_dropout) & ~batch.mask
            batch.ids[hidden] = UNKNOWN
            batch.features[hide.random(batch.features.shape) < self.word_dropout] = HIDDEN
            yield batch

    def _step(self, batch: Batch, optimizer: optim.Optimizer) -> float:
        logits = self._logits(batch)  # (B, T, K)
        loss = F.cross_entropy(logits.view(-1, len(self.tags)), Tensor(batch.targets.reshape(-1)))
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    def _accuracy(self, sentences: list[Sentence]) -> float:
        guesses = self.tag_all([words for words, _ in sentences])
        pairs: list[Any] = [
            guess == tag
            for own, (_, tags) in zip(guesses, sentences, strict=True)
            for guess, tag in zip(own, tags, strict=True)
        ]
        return sum(pairs) / len(pairs)


def remove_weights(folder: Path, but: str | None = None) -> None:
    """Remove the weights of taggers that were in a folder before."""
    for path in folder.iterdir():
        if WEIGHTS.fullmatch(path.name) and path.name != but:
            path.unlink(missing_ok=True)
