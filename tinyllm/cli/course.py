"""`tinyllm course`: lessons, checks, hints, and the notebooks' build."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

course = typer.Typer(
    help="Lessons and exercises: where you are, checks, hints, solutions.",
    invoke_without_command=True,
)
Name = Annotated[str, typer.Argument(help="The exercise, such as my_softmax.")]
NOTEBOOKS = Path("notebooks")


@course.callback()
def overview(
    context: typer.Context,
    lessons_in: Annotated[
        Path | None,
        typer.Option(
            "--lessons",
            help="A folder with a teacher's own lessons too; or TINYLLM_LESSONS.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the lessons: what is done, minutes left, the next step."""
    if lessons_in is not None:
        os.environ["TINYLLM_LESSONS"] = str(lessons_in.resolve())
    if context.invoked_subcommand is not None:
        return
    from tinyllm.course import Progress, lessons

    progress, next_step = Progress.load(), None
    for lesson in lessons().values():
        earned, left, lines = 0, 0, []
        for each in lesson.exercises.values():
            known = progress.of(lesson.number, each.name)
            done = known["points"] == each.points
            earned += known["points"]
            left += 0 if done else each.minutes
            tick = "✓" if done else "·" if known["tries"] else " "
            lines.append(f"   {tick} {each.name}  {known['points']}/{each.points}")
            if not done and next_step is None:
                next_step = f"{each.name} of lesson {lesson.number}: {each.task}"
        minutes = f", about {left} minutes left" if left else ""
        typer.echo(f"{lesson.number} {lesson.title}: {earned} of {lesson.points} points{minutes}")
        typer.echo("\n".join(lines))
    typer.echo(f"\nNext: {next_step}" if next_step else "\nAll done.")


@course.command()
def check(
    file: Annotated[Path, typer.Argument(help="Your notebook, or a Python file.")],
    student: Annotated[
        str | None, typer.Option(help="Your name, if your numbers are your own.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the cases, if your teacher gave you one.")
    ] = None,
) -> None:
    """Grade all exercises in a notebook or a Python file."""
    from tinyllm.course import check_file, seed_of

    if student is not None and seed is not None:
        raise ValueError("give --student or --seed, not both: a student has a seed")
    reports = check_file(file, seed if student is None else seed_of(student))
    for report in reports:
        typer.echo(f"{report}\n")
    earned, of = sum(r.points for r in reports), sum(r.exercise.points for r in reports)
    typer.echo(f"{earned} of {of} points")


@course.command()
def hint(name: Name) -> None:
    """Give the next hint: a nudge, then the method, then nearly there."""
    from tinyllm.course import hint as show

    show(name)


@course.command()
def solution(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Show the solution and its reason, after asking whether you want it."""
    from tinyllm.course import Progress, exercise

    found, progress = exercise(name), Progress.load()
    left = len(found.hints) - progress.of(found.lesson, name)["hints"]
    more = f" There are {left} hints you have not seen." if left else ""
    if not yes and not typer.confirm(f"Show the solution of {name}?{more}"):
        return
    typer.echo(f"\n{found.solution}\n{found.why}")
    progress.record(found.lesson, name, solution=True)


@course.command()
def reset(
    lesson: Annotated[str | None, typer.Argument(help="Only this lesson.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget what you have done, in one lesson or in all."""
    from tinyllm.course import Progress
    from tinyllm.course import lesson as find

    number = None if lesson is None else find(lesson).number
    what = "everything" if number is None else f"lesson {number}"
    if yes or typer.confirm(f"Forget your progress in {what}?"):
        count = Progress.load().reset(number)
        typer.echo(f"forgot {count} exercises")


@course.command()
def prepare(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="stories (lesson 13), translation (14), summarization (15), dialogue (16). "
            "(default: all)",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train the full models for lessons 13 to 16, once; the lessons then use them.

    Ctrl-C saves and stops; the same command goes on. About half an hour on two cores for all.
    """
    from tinyllm.course import preparing

    for name in models or preparing.PREPARATIONS:
        there = preparing.folder_of(name)
        if preparing.is_prepared(name):
            typer.echo(f"{name}: is there, {there}")
            continue
        wanted = preparing.PREPARATIONS[name]
        typer.echo(f"{name}, for lesson {wanted.lesson}: about {wanted.minutes} minutes, {there}")
        if code := preparing.prepare(name):
            typer.echo("\nto go on: tinyllm course prepare", err=True)
            raise typer.Exit(code)


@course.command()
def report(
    files: Annotated[list[Path], typer.Argument(help="Notebooks or Python files.")],
    student_from: Annotated[
        str | None,
        typer.Option(
            help="Where in a path the student's name stands, such as "
            "'submitted/{student}/*/*.ipynb' or '{student}.py': a row, and a seed, for each."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the cases, the same for all.")] = 0,
) -> None:
    """For a teacher: grade many learners' files; a table (CSV) of points."""
    from tinyllm.course import check_file, seed_of
    from tinyllm.course.students import student_in

    if student_from is not None and seed:
        raise ValueError("give --student-from or --seed, not both: a student has a seed")
    rows: dict[str, dict[str, int]] = {}
    problems: dict[str, list[str]] = {}
    for path in files:
        who = str(path)
        try:
            if student_from is not None:
                who = student_in(path, student_from)
            points = rows.setdefault(who, {})
            for each in check_file(path, seed_of(who) if student_from else seed, note=False):
                name = each.exercise.name
                points[name] = max(each.points, points.get(name, 0))
        except (ValueError, OSError) as error:
            rows.setdefault(who, {})
            problems.setdefault(who, []).append(str(error))
    names = sorted({name for row in rows.values() for name in row})
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["student" if student_from else "file", *names, "total", "problem"])
    for who, row in rows.items():
        points_in_order = [row.get(name, 0) for name in names]
        found = "; ".join(problems.get(who, []))
        table.writerow([who, *points_in_order, sum(points_in_order), found])


@course.command()
def verify(
    lesson: Annotated[str, typer.Argument(help="The number of a lesson, such as 90.")],
) -> None:
    """For whoever writes exercises: does each keep what it promises?"""
    from tinyllm.course import complaints
    from tinyllm.course import lesson as find

    found = 0
    for each in find(lesson).exercises.values():
        wrong = complaints(each)
        found += len(wrong)
        tick = "✗" if wrong else "✓"
        typer.echo(f"{tick} {each.name}: {each.points} points, {len(each.mistakes)} wrong variants")
        for sentence in wrong:
            typer.echo(f"    {sentence}")
    if found:
        raise ValueError(f"lesson {lesson}: {found} things to mend")


@course.command()
def template(
    file: Annotated[Path, typer.Argument(help="Where to write it: test_….py.")],
    module: Annotated[
        str, typer.Option(help="The file with the learners' work, without .py.")
    ] = "my_work",
) -> None:
    """For a class that writes ops and layers: a file of tests to fill in."""
    from tinyllm.testing.template import write_template

    write_template(file, module)
    typer.echo(f"{file}: tests of {module}.py beside it; run them: pytest {file}")


@course.command()
def build(
    lesson: Annotated[str | None, typer.Argument(help="Only this lesson.")] = None,
    folder: Annotated[Path, typer.Option(help="Where source/ lies.")] = NOTEBOOKS,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether notebooks differ from their sources.")
    ] = False,
    student: Annotated[
        Path | None, typer.Option(help="Write notebooks to hand out here.", show_default=False)
    ] = None,
    nbgrader: Annotated[
        Path | None, typer.Option(help="Write nbgrader's assignments here.", show_default=False)
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Notebooks at a time; times they measure suffer from it.")
    ] = 1,
) -> None:
    """Make notebooks of the lessons' sources, execute them, and say what each takes."""
    try:
        import jupytext  # noqa: F401
        import nbclient  # noqa: F401  (brings nbformat)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'course build: {error.name} is not here: pip install "tinyllm[notebooks]"'
        ) from None
    from tinyllm.course import build as making

    if check:
        if found := making.drift(folder):
            raise ValueError("; ".join(found))
        typer.echo("all notebooks are as their sources say")
    elif student or nbgrader:
        make, out = (making.student, student) if student else (making.assignment, nbgrader)
        for path in make(folder, out, lesson):
            typer.echo(path)
    else:
        for built in making.build(folder, lesson, jobs=jobs):
            use = built.use
            typer.echo(
                f"{built.path}  {use.seconds:.1f} s ({use.processor_seconds:.1f} s of processor)  "
                f"{use.memory / 1e6:,.0f} MB of memory  {built.bytes / 1000:,.0f} kB"
            )
