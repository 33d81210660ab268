"""Translation as a task: a model is trained on pairs of sentences, and measured on others."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tinyllm import random
from tinyllm.data.tinyworld import TranslationScores, score_translations
from tinyllm.metrics import Score, bleu, chrf
from tinyllm.tasks.pairs import (
    LENGTH_PENALTY,
    NUM_BEAMS,
    fit_pairs,
    make_model,
    model_settings,
)
from tinyllm.tasks.translation_data import Corpus, Pair
from tinyllm.tasks.translator import Translator
from tinyllm.text import BPETokenizer, Tokenizer
from tinyllm.training import FitResult
from tinyllm.training.config import TaskConfig
from tinyllm.training.display import Display
from tinyllm.viz import attention_picture

LONGEST = 256  # tokens: longer pairs are left out of the training


@dataclass(frozen=True)
class TranslationPreset:
    """Settings of model and training that go well together.

    joint:       one vocabulary for both languages, which share letters and names
    vocab_size:  tokens of that one, or of each of the two
    layers:      of the encoder, and as many of the decoder
    """

    about: str
    training: TaskConfig
    joint: bool = True
    vocab_size: int = 6000
    layers: int = 3
    heads: int = 4
    width: int = 256
    dropout: float = 0.1
    label_smoothing: float = 0.1


_TRAINING = TaskConfig(
    batch_size=128,
    optimizer="muon",
    learning_rate=1e-2,  # of the embeddings; the layers' is Muon's
    min_learning_rate=1e-4,
    muon_learning_rate=0.02,
    warmup_steps=100,
    weight_decay=0.01,
    average_decay=0.99,
    eval_every=200,
)


def _training(**settings: Any) -> TaskConfig:
    return dataclasses.replace(_TRAINING, **settings)


PRESETS = {
    "tinyworld": TranslationPreset(
        "a made-up world's stories, in seven minutes",
        _training(max_steps=880, batch_size=256, learning_rate=8e-3),
        joint=False,
        vocab_size=2500,
        width=128,
        dropout=0.0,  # so much is told that nothing is learned by heart
    ),
    "pairs": TranslationPreset(
        "two languages with the same letters, 30,000 pairs or so, in 12 minutes",
        _training(max_steps=1200),
    ),
}


@dataclass(frozen=True)
class Example:
    """A sentence that was not learned from, its translation by the model, and by a person."""

    source: str
    translation: str
    reference: str

    def __str__(self) -> str:
        return f"  {self.source}\n  → {self.translation}\n  = {self.reference}"


@dataclass(frozen=True)
class Scores:
    """How good a translator is on held-out pairs.

    greedy:   BLEU with one beam instead of `num_beams`
    accepted: for a corpus whose truth is known: which translations are right
    """

    bleu: Score
    chrf: Score
    greedy: Score
    num_beams: int
    length_penalty: float
    pairs: int
    accepted: TranslationScores | None = None
    examples: list[Example] = field(default_factory=list)

    def __str__(self) -> str:
        search = f"{self.num_beams} beams, length penalty {self.length_penalty:g}"
        lines = [
            f"On {self.pairs:,} pairs that were not learned from, by {search}, 95 % intervals:",
            str(self.bleu), str(self.chrf), f"{self.greedy} by greedy decoding",
        ]  # fmt: skip
        if self.accepted is not None:
            lines += ["", str(self.accepted)]
        return "\n".join([*lines, "", *map(str, self.examples)])

    def to_dict(self) -> dict[str, Any]:
        """Give what can be written as JSON."""
        shown = {name: getattr(self, name) for name in ("num_beams", "length_penalty", "pairs")}
        for name in ("bleu", "chrf", "greedy", "accepted"):
            score = getattr(self, name)
            shown[name] = score and score.to_dict()
        return shown | {"examples": [dataclasses.asdict(example) for example in self.examples]}


def train(
    corpus: Corpus,
    preset: str | TranslationPreset = "tinyworld",
    kind: str = "seq2seq",
    folder: str | os.PathLike | None = None,
    go_on: str | None = None,
    progress: bool | None = None,
    **settings: Any,
) -> tuple[Translator, FitResult]:
    """Train a translator in a folder of its own, or go on with the one that was begun there.

    The weights that are kept are those with the lowest loss on the pairs kept aside.

    Args:    kind: "seq2seq", or "decoder": of the same size, which reads the source as a prompt.
             folder, go_on, progress: as for `training.fit`.
             settings: of TaskConfig or TranslationPreset, which replace the preset's.
    Raises:  ValueError for names and settings that are not known; as `training.fit`.
    """
    preset = make_preset(preset, **settings)
    tokenizers = make_tokenizers(corpus.train, preset)
    sizes = sizes_of(kind, preset, tokenizers)
    random.manual_seed(preset.training.seed)
    characters = corpus.characters()
    translator = Translator(make_model(sizes), tokenizers, characters)
    data = {**corpus.about, "languages": corpus.languages, "characters": characters}
    result = fit_pairs(
        translator,
        corpus.train,
        corpus.aside,
        preset.training,
        folder,
        sizes,
        data,
        go_on,
        progress,
    )
    return translator, result


def make_preset(preset: str | TranslationPreset, **settings: Any) -> TranslationPreset:
    """The preset of that name, with other settings in place of its own."""
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ValueError(f"preset {preset!r} is not known; there are: {', '.join(PRESETS)}")
        preset = PRESETS[preset]
    own = {part.name for part in dataclasses.fields(TranslationPreset)} - {"about", "training"}
    model = {name: settings.pop(name) for name in own & {*settings}}
    training = {**preset.training.to_dict(), **settings}
    return dataclasses.replace(preset, training=TaskConfig.from_dict(training), **model)


def make_tokenizers(pairs: Sequence[Pair], preset: TranslationPreset) -> dict[str, Tokenizer]:
    """Learn byte-pair encoding from the pairs: any text can be read, and names stay in parts."""
    sources, targets = zip(*pairs, strict=True)
    if preset.joint:
        return {"tokenizer": BPETokenizer.train([*sources, *targets], preset.vocab_size)}
    return {
        "source": BPETokenizer.train(sources, preset.vocab_size),
        "target": BPETokenizer.train(targets, preset.vocab_size),
    }


def sizes_of(
    kind: str, preset: TranslationPreset, tokenizers: dict[str, Tokenizer]
) -> dict[str, Any]:
    """The settings of a model of that kind, for `make_model`."""
    names = ("layers", "heads", "width", "dropout", "label_smoothing")
    return model_settings(
        kind, tokenizers, LONGEST, **{name: getattr(preset, name) for name in names}
    )


def evaluate(
    translator: Translator,
    corpus: Corpus,
    num_beams: int = NUM_BEAMS,
    length_penalty: float = LENGTH_PENALTY,
    examples: int = 5,
    progress: bool | None = False,
) -> Scores:
    """Translate the test's sources, and hold them against what is right."""
    sources, references = map(list, zip(*corpus.test, strict=True))
    widths = dict.fromkeys((num_beams, 1))
    found_by = {}
    with Display(progress).bar("translating", len(widths) * len(sources), unit="pair") as bar:
        for width in widths:
            found_by[width] = translator.write_all(sources, width, length_penalty, done=bar.update)
    found, plainly = found_by[num_beams], found_by[1]

    def measured(texts: list[str]) -> Score:
        return bleu(texts, [references], tokenize=corpus.tokenize, force=True).with_interval()

    accepted = None
    if corpus.stories:
        texts = iter(found)
        by_story = [[next(texts) for _ in story.sentences] for story in corpus.stories]
        accepted = score_translations(corpus.stories, by_story)
    step = max(1, len(sources) // max(1, examples))
    chosen = list(zip(sources, found, references, strict=True))[::step][:examples]
    return Scores(
        measured(found),
        chrf(found, [references]).with_interval(),
        measured(plainly),
        num_beams,
        length_penalty,
        len(sources),
        accepted,
        [Example(*example) for example in chosen],
    )


def draw_attention(translator: Translator, example: Example) -> str:
    """Draw what the translation of an example looks at, in the mean of layers and heads: an SVG."""
    read, written, weights = translator.cross_attention(example.source, example.translation)
    return attention_picture(
        weights.mean(axis=(0, 1)), read, written, "What each token looks at while it is written",
        "cross-attention, the mean of all layers and heads",
    )  # fmt: skip
