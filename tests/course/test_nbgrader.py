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
from tinyllm.course import exercise  # noqa: E402

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


def nbgrader(folder, *arguments):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    tools = Path(sys.executable).parent  # nbgrader calls alembic by its name
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_hand_out_hand_in_grade(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYLLM_COURSE", str(tmp_path / "course.json"))
    (tmp_path / "lessons" / "source").mkdir(parents=True)
    (tmp_path / "lessons" / "source" / "07_softmax.py").write_text(SOURCE)
    making.assignment(tmp_path / "lessons", tmp_path)
    (tmp_path / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "tinyllm"\n'
    )
    nbgrader(tmp_path, "generate_assignment", "07_softmax", "--create")
    released = json.loads((tmp_path / "release/07_softmax/07_softmax.ipynb").read_text())
    assert "weights" not in json.dumps(released)
    for learner, code in HANDED_IN.items():
        handed_in = json.loads(json.dumps(released))
        if code is not None:
            handed_in["cells"][1]["source"] = code
        place = tmp_path / "submitted" / learner / "07_softmax" / "07_softmax.ipynb"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(handed_in))
    nbgrader(tmp_path, "autograde", "07_softmax", "--create")
    nbgrader(tmp_path, "export")
    with open(tmp_path / "grades.csv") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {"good": 4.0, "naive": 3.0, "blank": 0.0}
    graded = tmp_path / "autograded" / "naive" / "07_softmax" / "07_softmax.ipynb"
    text = json.dumps(json.loads(graded.read_text()), ensure_ascii=False)
    assert exercise("my_softmax").mistakes[0].diagnosis in text, "what a learner reads afterwards"
