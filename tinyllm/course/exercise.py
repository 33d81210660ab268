"""What an exercise is: a question, its cases, its solution, and the mistakes that it knows."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DIFFICULTIES = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Case:
    """One call of the learner's function.

    arguments: what it is called with
    part:      what this case is about, in a few words: cases of one part share its points
    """

    arguments: tuple
    part: str = "the right values"


@dataclass(frozen=True)
class Mistake:
    """A wrong variant of the solution, and what to say to somebody who has made it.

    name:      a few words, such as "the mask after the softmax"
    diagnosis: a sentence or two: what is wrong, and where to look; never the solution
    code:      the wrong variant, which the grader must reject with this diagnosis
    """

    name: str
    diagnosis: str
    code: str


@dataclass(frozen=True)
class Exercise:
    """An exercise that a machine grades.

    name:       of the function or class that the learner writes
    lesson:     "07"
    task:       what is asked, one sentence; the notebook has the rest
    solution:   code that scores full
    why:        the reason behind the solution, shown with it
    hints:      three: a nudge, the method, nearly there
    reference:  gives the expected value of a case; runs in the grader, never beside the learner
    cases:      draws the cases from a seeded generator, the smallest first
    parts:      points of each part of the cases; they sum to the exercise's points
    mistakes:   wrong variants with their diagnoses
    refused:    dotted names that would be a shortcut, such as "tinyllm.softmax"
    call:       an expression that gives the function to call; by default the name
    unchanged:  whether the arguments must be as before after a call
    needs:      names of earlier exercises whose code may be used
    """

    name: str
    lesson: str
    task: str
    points: int
    minutes: int
    difficulty: str
    solution: str
    why: str
    hints: tuple[str, str, str]
    reference: Callable[..., Any]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    parts: dict[str, int]
    mistakes: tuple[Mistake, ...]
    refused: tuple[str, ...] = ()
    call: str = ""
    relative: float = 1e-6
    absolute: float = 1e-8
    unchanged: bool = True
    tensors: bool = False
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTIES:
            raise ValueError(f"{self}: difficulty {self.difficulty!r} is not one of {DIFFICULTIES}")
        if sum(self.parts.values()) != self.points:
            raise ValueError(
                f"{self}: the parts have {sum(self.parts.values())} points, not {self.points}"
            )
        if len(self.hints) != 3:
            raise ValueError(f"{self}: has {len(self.hints)} hints, not three")

    def __str__(self) -> str:
        return f"exercise {self.name} of lesson {self.lesson}"

    def drawn(self, seed: int = 0) -> list[Case]:
        """Draw the cases: the same for the same seed."""
        cases = list(self.cases(np.random.default_rng([seed, *self.name.encode()])))
        if {case.part for case in cases} != set(self.parts):
            raise ValueError(f"{self}: the parts of cases and points differ")
        return cases


@dataclass
class Lesson:
    """The exercises of a lesson, in their order."""

    number: str
    title: str
    minutes: int
    exercises: dict[str, Exercise] = field(default_factory=dict)

    def add(self, exercise: Exercise) -> Exercise:
        """Take up an exercise. Raises ValueError for a name that is there."""
        if exercise.name in self.exercises:
            raise ValueError(f"{exercise} is there twice")
        self.exercises[exercise.name] = exercise
        return exercise

    @property
    def points(self) -> int:
        """All points."""
        return sum(exercise.points for exercise in self.exercises.values())


def code_of(function: Callable, name: str) -> str:
    """The source of a function, called `name`: how solutions and mistakes are written down."""
    source = textwrap.dedent(inspect.getsource(function))
    return source.replace(f"def {function.__name__}(", f"def {name}(", 1)
