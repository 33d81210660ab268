"""The settings of a training run, and presets: settings that go well together."""

from __future__ import annotations

import math
import types
import typing
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

OPTIMIZERS = ("adamw", "muon")
DECAYS = ("cosine", "linear")


def setting(default: Any, about: str, at_least: float | None = None) -> Any:
    """A dataclass field with its comment, which `--help` shows too, and its least legal value."""
    return field(default=default, metadata={"about": about, "at_least": at_least})


@dataclass(frozen=True)
class LoopConfig:
    """What every training has; each line says what its setting means."""

    max_steps: int = setting(2000, "updates of the weights", 1)
    accumulation_steps: int = setting(1, "batches whose gradients are averaged into one update", 1)
    optimizer: str = setting("adamw", "adamw | muon, which takes the matrices inside blocks")
    learning_rate: float = setting(1e-3, "the highest, reached after the warm-up", 0)
    min_learning_rate: float = setting(1e-4, "the lowest, reached at the end of the decay", 0)
    muon_learning_rate: float = setting(0.02, "Muon's highest; it falls in the same proportion", 0)
    warmup_steps: int = setting(100, "steps over which the learning rate rises from near 0", 0)
    decay: str = setting("cosine", "how the learning rate falls: cosine | linear")
    decay_steps: int | None = setting(None, "step at which the decay ends (max-steps)", 1)
    decay_share: float = setting(1.0, "share of the steps, the last, over which it falls", 0)
    beta1: float = setting(0.9, "AdamW's decay of the mean gradient", 0)
    beta2: float = setting(0.99, "AdamW's decay of the mean squared gradient", 0)
    weight_decay: float = setting(0.1, "pull of AdamW towards 0, on matrices only", 0)
    clip_norm: float = setting(1.0, "longest gradient, longer ones are scaled down; 0: never", 0)
    average_decay: float | None = setting(
        None, "of a running average of the weights, which is measured and kept, as 0.999 (none)", 0
    )
    seed: int = setting(1337, "of the first weights, the order of the data, and dropout", 0)
    eval_every: int = setting(250, "steps between two measurements on what is kept aside", 1)
    checkpoint_every: int = setting(250, "steps between two checkpoints", 1)
    threads: int | None = setting(None, "processors to use (all that the system allows)", 1)

    def __post_init__(self) -> None:
        who = type(self).__name__
        for name, kind in typing.get_type_hints(type(self)).items():
            object.__setattr__(self, name, _typed(who, name, getattr(self, name), kind))
        for name in ("learning_rate", "muon_learning_rate"):
            self._check(name, lambda value: 0 < value < math.inf, "above 0")
        for part in fields(self):
            least = part.metadata.get("at_least")
            if least is not None and getattr(self, part.name) is not None:
                self._check(part.name, _between(least, math.inf), f"{least} or more")
        for name in ("beta1", "beta2"):
            self._check(name, _between(0, 1), "in [0, 1)")
        self._check("decay_share", lambda value: 0 < value <= 1, "in (0, 1]")
        self._check("average_decay", lambda value: value is None or value < 1, "in [0, 1)")
        self._check("decay", lambda value: value in DECAYS, " or ".join(DECAYS))
        self._check("optimizer", lambda value: value in OPTIMIZERS, " or ".join(OPTIMIZERS))
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(
                f"{who}: min_learning_rate = {self.min_learning_rate:g} is above "
                f"learning_rate = {self.learning_rate:g}: a tenth of it is usual"
            )

    def _check(self, name: str, is_legal: Any, legal: str) -> None:
        value = getattr(self, name)
        if not is_legal(value):
            raise ValueError(f"{type(self).__name__}: {name} = {value!r} is not {legal}")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of the update after `step` updates: a rise, a plateau, the decay.

        The plateau lasts until `decay_share` of the steps is left; by default there is none.

        Source:  Loshchilov & Hutter 2017, eq. 5, arXiv:1608.03983; with a plateau Hu et al. 2024,
                 section 4, arXiv:2404.06395
        """
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        end = self.decay_steps or self.max_steps
        start = end - self.decay_share * (end - self.warmup_steps)
        done = min(1.0, max(0.0, (step - start) / max(1, end - start)))
        height = self.learning_rate - self.min_learning_rate
        left = 1 - done if self.decay == "linear" else 0.5 * (1 + math.cos(math.pi * done))
        return self.min_learning_rate + left * height

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Self:
        """The inverse of `to_dict`; a setting that is not known is an error, one missing is not."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise ValueError(f"{cls.__name__}: unknown settings {unknown}; known: {sorted(known)}")
        return cls(**settings)


@dataclass(frozen=True)
class TrainConfig(LoopConfig):
    """How a decoder is trained on windows of a text."""

    batch_size: int = setting(12, "windows of text per batch", 1)
    eval_windows: int = setting(64, "windows of validation text in a measurement", 1)
    final_eval_tokens: int | None = setting(None, "the most validation tokens at the end (all)", 1)
    sample_every: int = setting(500, "steps between two samples of what the model writes", 1)
    sample_tokens: int = setting(400, "tokens in such a sample", 1)
    sample_prompt: str = setting("\n", "text that a sample continues")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("sample_prompt", bool, "a text of at least one character")


@dataclass(frozen=True)
class TaskConfig(LoopConfig):
    """How a model is trained for a task, on examples; a task may add settings of its own."""

    batch_size: int = setting(32, "examples per batch", 1)


def _between(least: float, limit: float) -> Any:
    return lambda value: least <= value < limit  # so, NaN is refused too


def _typed(who: str, name: str, value: Any, kind: Any) -> Any:
    """The value, if it is of the annotated kind; a whole number will do for a real one."""
    kinds = kind.__args__ if isinstance(kind, types.UnionType) else (kind,)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join("None" if k is types.NoneType else k.__name__ for k in kinds)
        raise TypeError(f"{who}: {name} = {value!r} is a {type(value).__name__}, not {wanted}")
    return value


@dataclass(frozen=True)
class Preset:
    """Settings of model and training that go well together."""

    about: str
    tokenizer: str  # "char" or "byte"
    model: dict[str, Any]  # of DecoderConfig, without vocab_size
    training: TrainConfig


# nanoGPT's recipe for a laptop has no biases anywhere and no dropout.
_NANOGPT = {"bias": False, "dropout": 0.0}

PRESETS = {
    "quick": Preset(
        "Python code in two minutes: what `tinyllm train` does by itself",
        "byte",
        {
            "layers": 4,
            "heads": 4,
            "width": 128,
            "context_length": 128,
            "positions": "rotary",
            **_NANOGPT,
        },
        TrainConfig(
            max_steps=1000,
            batch_size=8,
            learning_rate=4e-3,
            min_learning_rate=4e-4,
            eval_every=250,
            final_eval_tokens=200_000,
            sample_prompt="def ",
        ),
    ),
    "char": Preset(
        "nanoGPT's recipe for a laptop, by characters: for a play of Shakespeare or a small book",
        "char",
        {"layers": 4, "heads": 4, "width": 128, "context_length": 64, **_NANOGPT},
        TrainConfig(),
    ),
    "speedrun": Preset(
        'the recipe of "char" in a sixth of its time: docs/speedrun.md tells how',
        "char",
        {
            "layers": 4,
            "heads": 4,
            "width": 128,
            "context_length": 64,
            "positions": "rotary",
            "norm": "rms",
            "activation": "relu2",
            "qk_norm": True,
            "zero_init_branches": True,
            "tie_embeddings": False,
            **_NANOGPT,
        },
        TrainConfig(
            max_steps=160,
            batch_size=32,
            optimizer="muon",
            learning_rate=1e-2,
            min_learning_rate=0.0,
            muon_learning_rate=0.02,
            warmup_steps=0,
            weight_decay=0.0,
            decay="linear",
            eval_every=40,
        ),
    ),
    "small": Preset(
        "a larger model for some minutes more",
        "char",
        {"layers": 6, "heads": 6, "width": 192, "context_length": 128, **_NANOGPT},
        TrainConfig(max_steps=3000, batch_size=16),
    ),
}
DEFAULT_PRESET = "quick"


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:  ValueError with the names there are.
    """
    if name not in PRESETS:
        raise ValueError(f"preset {name!r} is not known; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
