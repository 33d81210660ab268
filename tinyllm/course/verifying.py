"""Whether an exercise keeps what it promises: for whoever writes one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tinyllm.course.exercise import Exercise
from tinyllm.course.grading import grade, grade_ours
from tinyllm.course.students import seed_of

LEAST_MISTAKES = 5
LEAST_FOR_ONE_LINE = 2
STUDENTS = tuple(seed_of(f"student {i}") for i in range(20))


def complaints(exercise: Exercise, seeds: Sequence[int] = (0, 1, 7)) -> list[str]:
    """Return what is wrong with an exercise, in sentences; an empty list if nothing is.

    The solution must be full, a stub must earn nothing, each wrong variant must be rejected with
    its own diagnosis, for every seed; there must be at least five of them (two for a one-liner),
    and each must be worth the same points to every student.
    """
    return [
        *_what_it_has(exercise),
        *_what_it_does(exercise, seeds),
        *_whether_luck_plays_a_part(exercise),
    ]


def _what_it_has(exercise: Exercise) -> Iterator[str]:
    body = exercise.solution.strip().splitlines()
    least = LEAST_FOR_ONE_LINE if len(body) < 3 else LEAST_MISTAKES
    if len(exercise.mistakes) < least:
        yield f"it has {len(exercise.mistakes)} wrong variants, and needs {least}"
    if len({mistake.diagnosis for mistake in exercise.mistakes}) < len(exercise.mistakes):
        yield "two wrong variants have the same diagnosis"
    if len(set(exercise.hints)) < 3:
        yield "two hints are the same"
    if not exercise.why:
        yield "it does not say why the solution is right"
    sizes = [sum(np.size(x) for x in case.arguments) for case in exercise.drawn()]
    if sizes[0] > min(sizes):
        yield "the first case is not the smallest: it is the one that learners are shown"


def _what_it_does(exercise: Exercise, seeds: Sequence[int]) -> Iterator[str]:
    stub = f"def {exercise.name}(*arguments):\n    ...\n"
    if grade(exercise, stub).points or grade(exercise, "").points:
        yield "an empty answer earns points"
    for seed in seeds:
        if not (report := grade(exercise, exercise.solution, seed)).passed:
            yield f"with seed {seed} its own solution fails: {report}"
        for mistake in exercise.mistakes:
            report = grade(exercise, mistake.code, seed)
            if report.passed:
                yield f"with seed {seed} the wrong variant {mistake.name!r} passes"
            elif report.diagnosis != mistake.diagnosis:
                said = report.diagnosis or "nothing known"
                yield (
                    f"with seed {seed} the wrong variant {mistake.name!r} is taken for something "
                    f"else: {said}: do the cases tell the two apart?"
                )


def _whether_luck_plays_a_part(exercise: Exercise) -> Iterator[str]:
    """With seeds of their own, students who make the same mistake should get the same points."""
    for mistake in exercise.mistakes:
        parts = {
            tuple(
                part
                for part, right in grade_ours(exercise, mistake.code, seed).parts.items()
                if right
            )
            for seed in STUDENTS
        }
        if len(parts) > 1:
            lucky = sorted(set().union(*parts) - set.intersection(*map(set, parts)))
            yield (
                f"the wrong variant {mistake.name!r} earns {', '.join(map(repr, lucky))} from some "
                "students and not from others: let no case depend on luck"
            )
