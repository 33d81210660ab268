"""Grading: run the learner's code on seeded cases, compare, and say what is wrong.

The expected values are computed here, in the grader's process. A mistake is recognised by what it
does: if a known wrong variant gives what the learner's code gave, its diagnosis is theirs.
"""

from __future__ import annotations

import ast
import copy
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinyllm.course import sandbox
from tinyllm.course.comparing import difference
from tinyllm.course.exchange import pack, unpack
from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.refusing import refused_names
from tinyllm.course.sandbox import Limits, Outcome

# Long lines break between words; JupyterLab would break them anywhere, other pages not at all.
WRAPPED = "white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere"
ALWAYS_REFUSED = ("tinyllm.course",)  # where solutions and references stand


@dataclass(frozen=True)
class Failure:
    """The smallest case that fails: what went in, what was expected, what came."""

    arguments: tuple
    what: str
    expected: Any = None
    got: Any = None
    shows_values: bool = False


@dataclass(frozen=True, repr=False)
class Report:
    """What a check found.

    points:    earned, of `exercise.points`; by part in `parts`
    failure:   the smallest failing case, or None
    problem:   why nothing could be graded: code that does not run, a name that is refused
    diagnosis: the mistake that it looks like, if it is a known one
    """

    exercise: Exercise
    points: int
    parts: dict[str, bool]
    failure: Failure | None = None
    problem: str = ""
    diagnosis: str = ""
    printed: str = ""
    to_do: bool = False

    @property
    def passed(self) -> bool:
        """Whether all points were earned."""
        return self.points == self.exercise.points

    def __str__(self) -> str:
        name, of = self.exercise.name, self.exercise.points
        if self.to_do:
            minutes = self.exercise.minutes
            return f"to do: {name} ({of} points, about {minutes} minutes)"
        if self.passed:
            return f"✓ {name}: {of} of {of} points"
        lines = [f"✗ {name}: {self.points} of {of} points"]
        if self.problem:
            lines.append(self.problem)
        for part, right in self.parts.items():
            lines.append(f"  {'✓' if right else '✗'} {part}")
        if self.failure is not None:
            lines += _shown(self.exercise, self.failure)
        if self.diagnosis:
            lines.append(f"It looks like this: {self.diagnosis}")
        if self.printed:
            lines.append(f"Your code printed:\n{self.printed.rstrip()}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)  # what a notebook shows where there is no HTML

    def _repr_html_(self) -> str:
        colour = "#1b7837" if self.passed else "#888888" if self.to_do else "#b2182b"
        style = f"border-left: 4px solid {colour}; padding-left: 0.7em; margin: 0; {WRAPPED}"
        return f'<pre style="{style}">{html.escape(str(self))}</pre>'


def grade(exercise: Exercise, code: str, seed: int = 0, limits: Limits | None = None) -> Report:
    """Grade code that defines what the exercise asks for.

    Args:    seed: of the cases: a teacher can give each learner their own.
    """
    nothing = dict.fromkeys(exercise.parts, False)
    if is_stub(code, exercise.name):
        return Report(exercise, 0, nothing, to_do=True)
    if found := refused_names(code, (*exercise.refused, *ALWAYS_REFUSED)):
        line, name = found[0]
        text = code.splitlines()[line - 1].strip()  # its number is of what was gathered
        return Report(
            exercise, 0, nothing,
            problem=f"Your code uses {name}, which does the exercise for you: write it yourself."
            f"\n  {text}",
        )  # fmt: skip
    cases = exercise.drawn(seed)
    answers = sandbox.run(
        code, exercise.call or exercise.name, [case.arguments for case in cases], limits,
        exercise.tensors,
    )  # fmt: skip
    if answers.problem is not None:
        return Report(
            exercise, 0, nothing, problem=_why_not_run(exercise, answers.problem),
            printed=answers.printed,
        )  # fmt: skip
    missing = Outcome(problem=sandbox.Problem("NotRun", "it was not called any more"))
    outcomes = answers.outcomes + [missing] * (len(cases) - len(answers.outcomes))
    return _judged(exercise, cases, outcomes, answers.printed)


def grade_ours(exercise: Exercise, code: str, seed: int = 0) -> Report:
    """Grade code that a teacher has written, here and at once: many seeds in little time."""
    cases = exercise.drawn(seed)
    return _judged(exercise, cases, list(_outcomes_of(exercise, code, cases)), "")


def _judged(
    exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome], printed: str
) -> Report:
    """Hold each outcome against what was expected."""
    wrong = [_what_is_wrong(exercise, *pair) for pair in zip(cases, outcomes, strict=True)]
    parts = {
        part: not any(w for w, case in zip(wrong, cases, strict=True) if case.part == part)
        for part in exercise.parts
    }
    points = sum(exercise.parts[part] for part, right in parts.items() if right)
    first = next((i for i, what in enumerate(wrong) if what), None)
    if first is None:
        return Report(exercise, points, parts, printed="")
    failure = _failure(exercise, cases[first], outcomes[first], wrong[first])
    mistake = recognised(exercise, cases, outcomes)
    return Report(
        exercise, points, parts, failure, "", mistake.diagnosis if mistake else "", printed
    )


def is_stub(code: str, name: str) -> bool:
    """Whether the code has nothing in the place of `name` but dots and words."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError):
        return False
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef) and statement.name == name:
            return all(
                isinstance(line, ast.Pass)
                or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
                for line in statement.body
            )
    return False


def recognised(
    exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome]
) -> Mistake | None:
    """The known mistake that gives what the code gave in every case, if there is one."""
    for mistake in exercise.mistakes:
        if all(
            map(partial(_same, exercise), outcomes, _outcomes_of(exercise, mistake.code, cases))
        ):
            return mistake
    return None


def _outcomes_of(exercise: Exercise, code: str, cases: Sequence[Case]) -> Iterator[Outcome]:
    """What a solution or a wrong variant gives. It is ours, so it may run here."""
    namespace: dict[str, Any] = {}
    exec(compile(code, f"<{exercise}>", "exec"), namespace)
    function = eval(exercise.call or exercise.name, namespace)
    for case in cases:
        arguments = _copies(case.arguments)
        try:
            with np.errstate(all="ignore"):
                value = function(*arguments)
            yield Outcome(_plain(value), None, _plain(arguments))
        except Exception as error:
            yield Outcome(problem=sandbox.Problem(type(error).__name__, str(error)))


def _plain(value: Any) -> Any:
    """As a value that came from the child: tensors are arrays."""
    return unpack(pack(value))


def _same(exercise: Exercise, one: Outcome, other: Outcome) -> bool:
    if one.problem or other.problem:
        kinds = [outcome.problem.kind if outcome.problem else "" for outcome in (one, other)]
        return kinds[0] == kinds[1]
    tolerance = exercise.relative, exercise.absolute
    return not difference(one.value, other.value, *tolerance) and (
        not exercise.unchanged or not difference(one.after, other.after, *tolerance)
    )


def _what_is_wrong(exercise: Exercise, case: Case, outcome: Outcome) -> str:
    """In a few words; "" if nothing is."""
    if outcome.problem is not None:
        return str(outcome.problem)
    expected = _plain(exercise.reference(*_copies(case.arguments)))
    found = difference(outcome.value, expected, exercise.relative, exercise.absolute)
    if found:
        return found
    if exercise.unchanged and difference(outcome.after, _plain(case.arguments), 0.0, 0.0):
        return "the value is right, but the arguments were changed: work on a copy"
    return ""


def _failure(exercise: Exercise, case: Case, outcome: Outcome, what: str) -> Failure:
    if outcome.problem is not None:
        return Failure(case.arguments, what)
    expected = _plain(exercise.reference(*_copies(case.arguments)))
    return Failure(case.arguments, what, expected, outcome.value, shows_values=True)


def _copies(arguments: tuple) -> tuple:
    return tuple(copy.deepcopy(x) for x in arguments)


def _why_not_run(exercise: Exercise, problem: sandbox.Problem) -> str:
    if problem.kind == "NameError" and exercise.name in problem.message:
        return f"There is no {exercise.name} in your code yet."
    return f"Your code could not be run. {problem}"


def _shown(exercise: Exercise, failure: Failure) -> list[str]:
    given = [_short(x) for x in failure.arguments]
    if any("\n" in text for text in given):  # one a line, or their rows could not be told apart
        inside = "".join(f"\n  {_aligned(text, 2)}," for text in given) + "\n"
    else:
        inside = ", ".join(given)
    lines = [f"The smallest input that fails: {exercise.name}({inside})", f"  {failure.what}"]
    if failure.shows_values:
        lines.append(f"  expected: {_aligned(_short(failure.expected), 12)}")
        lines.append(f"  got:      {_aligned(_short(failure.got), 12)}")
    return lines


def _aligned(text: str, column: int) -> str:
    """Text that begins in a column, with its further lines below it."""
    return text.replace("\n", "\n" + " " * column)


def _short(value: Any, most: int = 600) -> str:
    with np.printoptions(precision=5, suppress=True, threshold=24, edgeitems=2, linewidth=80):
        text = _in_lines(value)
    if len(text) <= most:
        return text
    whole_lines = text[: most - 2].rpartition("\n")[0]
    return f"{whole_lines}\n…" if whole_lines else f"{text[: most - 2]} …"


def _in_lines(value: Any) -> str:
    """As repr; but items of which one has several lines begin a line each, or they lie askew."""
    if isinstance(value, dict):
        starts, items = [f"{key!r}: " for key in value], list(value.values())
    elif isinstance(value, (tuple, list)):
        starts, items = [""] * len(value), list(value)
    else:
        return repr(value)
    lines = [
        start + _aligned(_in_lines(item), len(start))
        for start, item in zip(starts, items, strict=True)
    ]
    if not any("\n" in line for line in lines):
        return repr(value)
    one = "," if isinstance(value, tuple) and len(value) == 1 else ""
    left, right = {dict: "{}", list: "[]"}.get(type(value), "()")
    return left + _aligned(",\n".join(lines), 1) + one + right
