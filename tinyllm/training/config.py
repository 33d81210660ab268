"""The settings of a training run, and presets: settings that go well together."""

from __future__ import annotations

import math
import types
import typing
from dataclasses import asdict, dataclass, field, fields
from typing import Any


def setting(default: Any, about: str) -> Any:
    """A dataclass field with its comment, which `tinyllm train --help` shows too."""
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained; each line says what its setting means."""

    max_steps: int = setting(2000, "updates of the weights")
    batch_size: int = setting(12, "windows of text per batch")
    accumulation_steps: int = setting(1, "batches whose gradients are averaged into one update")
    learning_rate: float = setting(1e-3, "the highest, reached after the warm-up")
    min_learning_rate: float = setting(1e-4, "the lowest, reached at the end of the cosine")
    warmup_steps: int = setting(100, "steps over which the learning rate rises from near 0")
    decay_steps: int | None = setting(None, "step at which the cosine ends (max-steps)")
    beta1: float = setting(0.9, "AdamW's decay of the mean gradient")
    beta2: float = setting(0.99, "AdamW's decay of the mean squared gradient")
    weight_decay: float = setting(0.1, "pull of AdamW towards 0, on matrices only")
    clip_norm: float = setting(1.0, "longest gradient, longer ones are scaled down; 0: never")
    seed: int = setting(1337, "of the first weights, the order of the data, and dropout")
    eval_every: int = setting(250, "steps between two measurements on validation text")
    eval_windows: int = setting(64, "windows of validation text in such a measurement")
    final_eval_tokens: int | None = setting(None, "the most validation tokens at the end (all)")
    checkpoint_every: int = setting(250, "steps between two checkpoints")
    sample_every: int = setting(500, "steps between two samples of what the model writes")
    sample_tokens: int = setting(400, "tokens in such a sample")
    sample_prompt: str = setting("\n", "text that a sample continues")
    threads: int | None = setting(None, "processors to use (all that the system allows)")

    def __post_init__(self) -> None:
        for name, kind in typing.get_type_hints(type(self)).items():
            object.__setattr__(self, name, _typed(name, getattr(self, name), kind))
        for name in _AT_LEAST_ONE:
            self._check(name, lambda value: value is None or value >= 1, "1 or more")
        for name in ("warmup_steps", "weight_decay", "min_learning_rate", "clip_norm", "seed"):
            self._check(name, lambda value: 0 <= value < math.inf, "0 or more")
        for name in ("beta1", "beta2"):
            self._check(name, lambda value: 0 <= value < 1, "in [0, 1)")
        self._check("learning_rate", lambda value: 0 < value < math.inf, "above 0")
        self._check("sample_prompt", bool, "a text of at least one character")
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(
                f"TrainConfig: min_learning_rate = {self.min_learning_rate:g} is above "
                f"learning_rate = {self.learning_rate:g}: a tenth of it is usual"
            )

    def _check(self, name: str, is_legal: Any, legal: str) -> None:
        value = getattr(self, name)
        if not is_legal(value):
            raise ValueError(f"TrainConfig: {name} = {value!r} is not {legal}")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of the update after `step` updates: a rise, half a cosine, a floor.

        Source:  Loshchilov & Hutter 2017, eq. 5, arXiv:1608.03983
        """
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        end = self.decay_steps or self.max_steps
        done = min(1.0, (step - self.warmup_steps) / max(1, end - self.warmup_steps))
        height = self.learning_rate - self.min_learning_rate
        return self.min_learning_rate + 0.5 * (1 + math.cos(math.pi * done)) * height

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> TrainConfig:
        """The inverse of `to_dict`; a setting that is not known is an error, one missing is not."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise ValueError(f"TrainConfig: unknown settings {unknown}; known: {sorted(known)}")
        return cls(**settings)


_AT_LEAST_ONE = (
    "max_steps",
    "batch_size",
    "accumulation_steps",
    "decay_steps",
    "eval_every",
    "eval_windows",
    "final_eval_tokens",
    "checkpoint_every",
    "sample_every",
    "sample_tokens",
    "threads",
)


def _typed(name: str, value: Any, kind: Any) -> Any:
    """The value, if it is of the annotated kind; a whole number will do for a real one."""
    kinds = kind.__args__ if isinstance(kind, types.UnionType) else (kind,)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kinds) or isinstance(value, bool):
        wanted = " or ".join("None" if k is types.NoneType else k.__name__ for k in kinds)
        raise TypeError(
            f"TrainConfig: {name} = {value!r} is a {type(value).__name__}, not {wanted}"
        )
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
