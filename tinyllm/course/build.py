"""From a lesson's one source, NN_name.py, to its notebooks.

A source is Python in jupytext's percent format. Solutions stand between two marker lines:

    def my_softmax(x):
        ### BEGIN SOLUTION
        ...
        ### END SOLUTION

The learner's notebook has «to do» there, and all notebooks are executed, so that their pictures
are in them. The markers are nbgrader's, which makes assignments of the same source.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyllm.course.catalogue import exercise
from tinyllm.files import atomic_write

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "...  # to do: your code in place of the dots"
GUESS = "# to do: your answer in place of None"  # outside of a function dots would be shown
MOST_BYTES = 1_000_000
MOST_MEMORY = 1_500_000_000  # a laptop of 4 GB has about that much free
# Runs last and does not stay: seconds of all cores, and bytes, in the kernel and in its checks.
USE = """\
import os

from tinyllm.bench.memory import most_held

print(sum(os.times()[:4]), most_held())
"""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CHECK = re.compile(r"^check\((\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """What it took to run a notebook."""

    seconds: float
    processor_seconds: float
    """Of all cores together, Python's start included."""
    memory: int
    """Bytes that the kernel held at most, or one of the processes that it started."""


@dataclass(frozen=True)
class Built:
    """One notebook that was made: its place, its size, and what it took to run it."""

    path: Path
    bytes: int
    use: Use


def sources(folder: Path) -> list[Path]:
    """Return the lessons' sources, in their order. Raises FileNotFoundError if there are none."""
    found = sorted((folder / "source").glob("[0-9][0-9]_*.py"))
    if not found:
        raise FileNotFoundError(f"{folder / 'source'}: there are no lessons, such as 07_name.py")
    return found


def read_source(path: Path, solutions: bool) -> Any:
    """Read a source as a notebook without outputs, with its solutions or with stubs.

    Raises:  ValueError for markers that do not match, naming the cell.
    """
    import jupytext

    notebook = jupytext.reads(path.read_text("utf-8"), fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.stem[:2]}-{number:03d}"  # the same at every build
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in ("tags", "nbgrader")}
        if cell.cell_type == "code":
            cell.source = _solved(path, number, cell.source, solutions)
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _solved(path: Path, number: int, source: str, solutions: bool) -> str:
    """A cell's text without the markers, and if not `solutions`, with dots between them."""
    lines, kept, inside = source.splitlines(), [], False
    for line in lines:
        marker = line.strip()
        if marker in (BEGIN, END):
            if inside != (marker == END):
                raise ValueError(f"{path}: cell {number}: {marker} does not match the one before")
            inside = marker == BEGIN
            if inside and not solutions:
                indent = line[: len(line) - len(line.lstrip())]
                kept.append(indent + STUB if indent else GUESS)
        elif solutions or not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"{path}: cell {number}: {BEGIN} without {END}")
    return "\n".join(kept)


def execute(notebook: Any, folder: Path, timeout: float) -> Use:
    """Run all cells in a kernel of its own; return what that took.

    What goes to stderr is not kept: that kernels were built, or a font was not found, is news of
    this machine.

    Raises:  nbclient's CellExecutionError, which shows the cell and the error.
    """
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell

    notebook.cells.append(new_code_cell(USE))
    with tempfile.TemporaryDirectory() as scratch:
        progress = {"TINYLLM_COURSE": str(Path(scratch) / "course.json"), "TINYLLM_STUDENT": ""}
        client = NotebookClient(
            notebook, timeout=timeout, record_timing=False,
            resources={"metadata": {"path": str(folder)}},
        )  # fmt: skip
        started = time.perf_counter()
        client.execute(env={**os.environ, **progress})
        seconds = time.perf_counter() - started
    processor_seconds, memory = _printed(notebook.cells.pop()).split()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    return Use(seconds, float(processor_seconds), int(memory))


def _printed(cell: Any) -> str:
    """What a cell wrote to stdout: in one piece, or in several, with warnings between them."""
    return "".join(each.text for each in cell.outputs if each.get("name") == "stdout")


def build(
    folder: Path, only: str | None = None, timeout: float = 120.0, jobs: int = 1
) -> Iterator[Built]:
    """Make and execute each lesson's notebook and its solutions, below `folder`.

    Args:    only: the number of one lesson. jobs: so many notebooks at a time; what a notebook
             says of seconds is then not true of a machine with nothing else to do.
    Raises:  ValueError for a notebook of more than a megabyte, or one that takes more than 1.5 GB
             of memory to run, or an unknown lesson.
    """
    wanted = [(path, solutions) for path in chosen(folder, only) for solutions in (False, True)]
    with ThreadPoolExecutor(jobs) as pool:  # a thread only waits for its notebook's process
        in_order = pool.map if jobs > 1 else map
        yield from in_order(lambda each: _made(folder, *each, timeout), wanted)


def _made(folder: Path, path: Path, solutions: bool, timeout: float) -> Built:
    notebook = read_source(path, solutions)
    use = execute(notebook, folder, timeout)
    place = target(folder, path, solutions)
    data = _written(notebook)
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"{place}: {len(data):,} bytes, more than {MOST_BYTES:,}: make its pictures smaller"
        )
    if use.memory > MOST_MEMORY:
        raise ValueError(
            f"{place}: a process of it held {use.memory / 1e6:,.0f} MB, more than "
            f"{MOST_MEMORY / 1e6:,.0f}: make its arrays, models or batches smaller"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(place) as file:
        file.write(data)
    return Built(place, len(data), use)


def drift(folder: Path) -> list[str]:
    """Compare the notebooks that are there with what the sources would make; say what differs."""
    import nbformat

    found = []
    for path in sources(folder):
        for solutions in (False, True):
            place = target(folder, path, solutions)
            if not place.exists():
                found.append(f"{place}: not built yet")
                continue
            there, wanted = nbformat.read(place, as_version=4), read_source(path, solutions)
            if _plain(there) != _plain(wanted):
                found.append(f"{place}: differs from {path}: build it again")
    return found


def student(folder: Path, out: Path, only: str | None = None) -> list[Path]:
    """Write notebooks with stubs and without outputs, to hand out."""
    return [_put(out / f"{p.stem}.ipynb", read_source(p, False)) for p in chosen(folder, only)]


def assignment(folder: Path, out: Path, only: str | None = None) -> list[Path]:
    """Write what `nbgrader generate_assignment` takes: OUT/source/NN_name/NN_name.ipynb.

    A cell with a solution becomes one that learners fill in; a cell `check(name)` one that gives
    the exercise's points, parts of them too, and says what it found.
    """
    import jupytext

    made = []
    for path in chosen(folder, only):
        notebook = jupytext.reads(path.read_text("utf-8"), fmt="py:percent")
        notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"{path.stem[:2]}-{number:03d}"
            cell.metadata = {}
            if cell.cell_type != "code":
                continue
            if BEGIN in cell.source:
                cell.metadata["nbgrader"] = _nbgrader(cell["id"], solution=True)
            elif asked := CHECK.search(cell.source):
                points = exercise(asked[1]).points
                cell.source = f"report = check({asked[1]})\nprint(report)\nreport.points"
                cell.metadata["nbgrader"] = _nbgrader(cell["id"], grade=True, points=points)
        made.append(_put(out / "source" / path.stem / f"{path.stem}.ipynb", notebook))
    return made


def _nbgrader(cell_id: str, **settings: Any) -> dict[str, Any]:
    usual = {"grade": False, "solution": False, "task": False, "locked": False}
    settings = {**usual, **settings, "schema_version": 3, "grade_id": f"cell-{cell_id}"}
    return {**settings, "locked": settings["grade"]}


def target(folder: Path, source: Path, solutions: bool) -> Path:
    """Where a source's notebook goes."""
    return (folder / "solutions" if solutions else folder) / f"{source.stem}.ipynb"


def chosen(folder: Path, only: str | None) -> list[Path]:
    """Return the sources, or that of one lesson. Raises ValueError for one that is not there."""
    found = sources(folder)
    if only is None:
        return found
    wanted = [path for path in found if path.stem[:2] == only.zfill(2)]
    if not wanted:
        numbers = ", ".join(path.stem[:2] for path in found)
        raise ValueError(f"there is no source of lesson {only}; there are: {numbers}")
    return wanted


def _plain(notebook: Any) -> tuple[Any, ...]:
    cells = [(c.cell_type, c.source, c["id"], dict(c.metadata)) for c in notebook.cells]
    return cells, dict(notebook.metadata.get("kernelspec", {}))


def _written(notebook: Any) -> bytes:
    import nbformat

    notebook.metadata.get("language_info", {}).pop("version", None)
    return (nbformat.writes(notebook, version=4) + "\n").encode()


def _put(place: Path, notebook: Any) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(place) as file:
        file.write(_written(notebook))
    return place
