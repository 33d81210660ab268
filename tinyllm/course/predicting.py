"""Predict, then run: an experiment's answer shows once there is a guess, and the guess is kept."""

from __future__ import annotations

from tinyllm.course.progress import Progress


def reveal(lesson: str, name: str, guess: float | str | None, answer: float | str) -> None:
    """Show an experiment's answer to somebody who has guessed it; without a guess, say «to do».

    The first guess is kept beside the learner's progress, so that a later one, made in the
    knowledge of the answer, does not replace it.

    Args:    lesson: its number, "07".
             name:   of the experiment, the same each time.
             guess:  the learner's; None as long as there is none.
             answer: what came out.
    """
    if guess is None:
        print("to do: write your prediction in the cell above first")
        return
    progress = Progress.load()
    key = f"predict/{name}"
    first = progress.of(lesson, key).get("guess")
    if first is None:
        progress.record(lesson, key, guess=guess)
        first = guess
    print(f"you said {_said(first)}; it is {_said(answer)}")


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
