"""The ladder from nanoGPT's recipe for a laptop to the preset "speedrun", one change a rung."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from tinyllm.training.config import TrainConfig, preset

TARGET = 1.88  # nats per character: about what the recipe comes to in its 2,000 steps
STEPS = 500  # of the rungs with the recipe's batch, so that their losses can be compared


@dataclass(frozen=True)
class Rung:
    """One rung: what it changes, on top of the rung before it.

    model, training:  settings of DecoderConfig and TrainConfig that change
    peer:             done in PyTorch
    begins:           begins from nanoGPT's recipe anew
    """

    name: str
    about: str
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    peer: bool = False
    begins: bool = False


RUNGS = (
    Rung("pytorch", "nanoGPT's recipe, in PyTorch", peer=True, begins=True),
    Rung("recipe", "nanoGPT's recipe, here", begins=True),
    Rung(
        "schedule",
        "four times the learning rate, which falls to 0 within 500 steps",
        training={
            "max_steps": STEPS,
            "learning_rate": 4e-3,
            "min_learning_rate": 0.0,
            "warmup_steps": 20,
        },
    ),
    Rung("linear", "a straight line down in place of a cosine", training={"decay": "linear"}),
    Rung("rotary", "rotary positions", model={"positions": "rotary"}),
    Rung("rms", "RMSNorm in place of LayerNorm", model={"norm": "rms"}),
    Rung("relu2", "squared ReLU in place of GELU", model={"activation": "relu2"}),
    Rung("qk-norm", "normalised queries and keys", model={"qk_norm": True}),
    Rung("zero-init", "branches that begin at 0", model={"zero_init_branches": True}),
    Rung(
        "muon",
        "Muon for the matrices inside blocks",
        training={
            "optimizer": "muon",
            "muon_learning_rate": 0.02,
            "weight_decay": 0.0,
            "warmup_steps": 0,
        },
    ),
    Rung("adam-rate", "a higher learning rate for AdamW's rest", training={"learning_rate": 1e-2}),
    Rung("untied", "an output layer of its own", model={"tie_embeddings": False}),
    Rung(
        "speedrun",
        "batches of 32 windows in place of 12, fewer steps",
        training={"batch_size": 32, "max_steps": 160, "eval_every": 40},
    ),
)


@dataclass(frozen=True)
class Recipe:
    """A rung with all settings that hold on it."""

    rung: Rung
    model: dict[str, Any]
    training: TrainConfig

    def evaluations(self, every: int) -> list[int]:
        """The steps after which the loss is measured: every so many, and at the end."""
        last = self.training.max_steps
        return sorted({*range(every, last + 1, every), last})


def ladder(most_steps: int | None = None) -> dict[str, Recipe]:
    """All rungs by name, from the lowest up.

    Args:    most_steps: none takes more than so many, for a quick look.
    """
    recipes: dict[str, Recipe] = {}
    start = preset("char")
    model, training = start.model, start.training
    for rung in RUNGS:
        if rung.begins:
            model, training = start.model, start.training
        model = {**model, **rung.model}
        training = dataclasses.replace(training, **rung.training)
        steps = min(training.max_steps, most_steps or training.max_steps)
        recipes[rung.name] = Recipe(rung, model, dataclasses.replace(training, max_steps=steps))
    return recipes


def chosen(names: list[str], most_steps: int | None = None) -> list[Recipe]:
    """The rungs of those names in the ladder's order; none named: all.

    Raises:  ValueError with the names there are.
    """
    recipes = ladder(most_steps)
    for name in names:
        if name not in recipes:
            raise ValueError(f"bench speedrun: no rung {name!r}; there are: {', '.join(recipes)}")
    return [recipe for name, recipe in recipes.items() if not names or name in names]
