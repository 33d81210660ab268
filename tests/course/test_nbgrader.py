"""The round trip through nbgrader: hand out, hand in, grade, with parts of the points."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="pip install -e '.[classroom]' for nbgrader")
pytest.importorskip("jupytext", reason="pip install -e '.[notebooks]' for notebooks")

from tinyllm.course import build as making  # noqa: E402
from tinyllm.course import exercise, lesson  # noqa: E402

PATIENCE = 300  # seconds
NOTEBOOKS = Path(making.__file__).parents[2] / "notebooks"

SOURCE = """\
# %%
import numpy as np

from tinyllm.course import check

# %%
def my_softmax(x):
    ### BEGIN SOLUTION
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
    ### END SOLUTION

# %%
check(my_softmax)
"""
HANDED_IN = {
    "good": exercise("my_softmax").solution,
    "naive": exercise("my_softmax").mistakes[0].code,
    "blank": None,
}


def lessons_at_the_ends():
    """The smallest source and the largest: all twenty-one would take ten minutes."""
    if not NOTEBOOKS.exists():  # an installation without them
        return []
    by_size = sorted(making.sources(NOTEBOOKS), key=lambda path: path.stat().st_size)
    return [by_size[0], by_size[-1]]


def nbgrader(folder, *arguments):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    tools = Path(sys.executable).parent  # nbgrader calls alembic by its name
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr[-2000:]


def hand_out(folder, lessons, name):
    """Write a course with one assignment, and return what learners get."""
    making.assignment(lessons, folder, name[:2])
    (folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "tinyllm"\nc.Execute.timeout = 180\n'
    )
    nbgrader(folder, "generate_assignment", name, "--create")
    return json.loads((folder / "release" / name / f"{name}.ipynb").read_text("utf-8"))


def hand_in(folder, name, learner, notebook):
    place = folder / "submitted" / learner / name / f"{name}.ipynb"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(notebook), "utf-8")


def grades(folder, name):
    """Grade what was handed in, and return each learner's points and the most there are."""
    nbgrader(folder, "autograde", name, "--create")
    nbgrader(folder, "export")
    with open(folder / "grades.csv") as file:
        rows = list(csv.DictReader(file))
    return {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in rows}


def test_hand_out_hand_in_grade(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYLLM_COURSE", str(tmp_path / "course.json"))
    (tmp_path / "lessons" / "source").mkdir(parents=True)
    (tmp_path / "lessons" / "source" / "07_softmax.py").write_text(SOURCE)
    released = hand_out(tmp_path, tmp_path / "lessons", "07_softmax")
    assert "weights" not in json.dumps(released)
    for learner, code in HANDED_IN.items():
        handed_in = json.loads(json.dumps(released))
        if code is not None:
            handed_in["cells"][1]["source"] = code
        hand_in(tmp_path, "07_softmax", learner, handed_in)
    scores = grades(tmp_path, "07_softmax")
    assert scores == {"good": (4, 4), "naive": (3, 4), "blank": (0, 4)}
    graded = tmp_path / "autograded" / "naive" / "07_softmax" / "07_softmax.ipynb"
    text = json.dumps(json.loads(graded.read_text()), ensure_ascii=False)
    assert exercise("my_softmax").mistakes[0].diagnosis in text, "what a learner reads afterwards"


@pytest.mark.parametrize("path", lessons_at_the_ends(), ids=lambda path: path.stem)
def test_a_lesson_goes_out_and_comes_back(path, tmp_path, monkeypatch):
    """Who solves all of it gets all points, who hands in what was handed out none."""
    monkeypatch.setenv("TINYLLM_COURSE", str(tmp_path / "course.json"))
    released = hand_out(tmp_path, NOTEBOOKS, path.stem)
    hand_in(tmp_path, path.stem, "nothing", released)
    solved = {cell["id"]: cell.source for cell in making.read_source(path, True).cells}
    for cell in released["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            assert cell["source"] != solved[cell["id"]]
            cell["source"] = solved[cell["id"]]
    hand_in(tmp_path, path.stem, "all", released)
    points = lesson(path.stem[:2]).points
    assert grades(tmp_path, path.stem) == {"nothing": (0, points), "all": (points, points)}
