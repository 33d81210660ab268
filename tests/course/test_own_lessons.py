"""A teacher's own lessons, from a folder outside the package."""

import json
import os
import shutil

import pytest
from typer.testing import CliRunner

from tinyllm.cli import app
from tinyllm.course import (
    check,
    check_file,
    checking,
    complaints,
    exercise,
    grade,
    lesson,
    lessons,
)

OWN = """
import numpy as np
from tinyllm.course import Case, Exercise, Lesson, Mistake

SOLUTION = "def twice(x):\\n    return 2 * x\\n"


def twice(x):
    return 2 * x


def cases(rng):
    return [Case((0.0,), "zero"), Case((float(rng.normal()),), "others")]


LESSON = Lesson("90", "Our own", minutes=5)
LESSON.add(
    Exercise(
        name="twice", lesson="90", task="Double x.", points=2, minutes=2, difficulty="easy",
        solution=SOLUTION, why="2 x is x + x.", hints=("a", "b", "c"), reference=twice,
        cases=cases, parts={"zero": 1, "others": 1},
        mistakes=(
            Mistake("square", "this is the square.", SOLUTION.replace("2 * x", "x * x")),
            Mistake("half", "this is half of it.", SOLUTION.replace("2 * x", "x / 2")),
        ),
    )
)
"""
HALF = '            Mistake("half", "this is half of it.", SOLUTION.replace("2 * x", "x / 2")),\n'
NOISY = """
def twice(x):
    import sys
    print("building", file=sys.stderr)
    return 2 * x


def cases"""
SOURCE = """\
# %%
from tinyllm.course import check

# %%
def twice(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %%
check(twice)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "ours"
    (place / "source").mkdir(parents=True)
    (place / "lesson_90.py").write_text(OWN)
    (place / "source" / "90_our_own.py").write_text(SOURCE)
    monkeypatch.setenv("TINYLLM_COURSE", str(tmp_path / "course.json"))
    monkeypatch.setenv("TINYLLM_LESSONS", str(place))
    return place


def run(*arguments, fails=False):
    result = CliRunner().invoke(app, ["course", *arguments])
    assert bool(result.exit_code) == fails, result.output
    return result.output


def test_they_stand_beside_the_package_s(folder, monkeypatch):
    assert list(lessons())[-1] == "90"
    assert "07" in lessons()
    assert lesson("90").title == "Our own"
    assert exercise("twice").points == 2
    monkeypatch.setenv("TINYLLM_LESSONS", "")
    assert "90" not in lessons()
    with pytest.raises(ValueError, match="no exercise 'twice'"):
        exercise("twice")


def test_they_are_graded_like_any_other(folder, tmp_path):
    found = exercise("twice")
    assert complaints(found) == []
    assert grade(found, found.solution, 5).passed
    path = tmp_path / "mine.py"
    path.write_text("def twice(x):\n    return x * x\n")
    (report,) = check_file(path)
    assert (report.points, report.diagnosis) == (1, "this is the square.")
    assert "90 Our own: 1 of 2 points" in run()


def test_the_command_takes_a_folder(folder, monkeypatch):
    monkeypatch.setenv("TINYLLM_LESSONS", "")
    assert "Our own" not in run()
    assert "Our own" in run("--lessons", str(folder))
    assert os.environ["TINYLLM_LESSONS"] == str(folder), "for the kernels that it starts"
    output = run("--lessons", str(folder), "verify", "90")
    assert output == "✓ twice: 2 points, 2 wrong variants\n"
    assert "Hint 1 of 3: a" in run("--lessons", str(folder), "hint", "twice")


def test_a_changed_file_is_read_anew(folder):
    assert exercise("twice").task == "Double x."
    (folder / "lesson_90.py").write_text(OWN.replace("Double x.", "Double y."))
    assert exercise("twice").task == "Double y."
    assert not (folder / "__pycache__").exists(), "the folder may be read-only"


def test_notebooks_are_built_of_it(folder, tmp_path):
    pytest.importorskip("jupytext", reason="pip install -e '.[notebooks]' for notebooks")
    output = run("build", "--folder", str(folder))
    assert "90_our_own.ipynb" in output
    solved = json.loads((folder / "solutions" / "90_our_own.ipynb").read_text())
    assert "2 of 2 points" in json.dumps(solved["cells"][-1], ensure_ascii=False)
    run("build", "--folder", str(folder), "--nbgrader", str(tmp_path / "class"))
    path = tmp_path / "class" / "source" / "90_our_own" / "90_our_own.ipynb"
    assert json.loads(path.read_text())["cells"][-1]["metadata"]["nbgrader"]["points"] == 2


def test_the_learner_s_process_does_not_know_the_folder(folder):
    code = "import os\n\ndef twice(x):\n    return 2 * x * ('TINYLLM_LESSONS' not in os.environ)\n"
    assert grade(exercise("twice"), code).passed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"90"', '"07"'), "there is a lesson 07 already; take another number"),
        (('name="twice"', 'name="my_softmax"'), "there is an exercise my_softmax already"),
        (('lesson="90"', 'lesson="91"'), "twice of lesson 91 is in lesson 90: the two must be"),
        (("LESSON", "MINE"), "has no LESSON, such as"),
        (("import numpy", "import nump"), "cannot be loaded: ModuleNotFoundError"),
        (("points=2", "points=3"), "cannot be loaded: ValueError: .* the parts have 2 points"),
        (("LESSON.add(", "LESSON.add(("), "cannot be loaded: SyntaxError"),
    ],
)
def test_what_is_wrong_is_said(folder, change, words):
    (folder / "lesson_90.py").write_text(OWN.replace(*change))
    with pytest.raises(ValueError, match=words) as caught:
        lessons()
    assert "lesson_90.py" in str(caught.value)


def test_a_folder_that_is_not_there(folder, monkeypatch):
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match="TINYLLM_LESSONS=.*no such folder"):
        lessons()
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"there is no lesson_NN\.py in it"):
        lessons()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("return 2 * x\\n", "return 3 * x\\n"), "its own solution fails"),
        (('"x * x"', '"2 * x"'), "the wrong variant 'square' passes"),
        (('"x * x"', '"x / 2"'), "the wrong variant 'half' is taken for something else"),
        (('"this is half of it."', '"this is the square."'), "have the same diagnosis"),
        (('("a", "b", "c")', '("a", "b", "b")'), "two hints are the same"),
        (('why="2 x is x + x."', 'why=""'), "does not say why"),
        (("cases=cases", "cases=lambda rng: [*cases(rng)][::-1] + [Case(((),), 'zero')]"), "first"),
        ((HALF, ""), "it has 1 wrong variants, and needs 2"),
    ],
)
def test_verify_complains(folder, change, words):
    assert change[0] in OWN
    text = OWN.replace(*change)
    (folder / "lesson_90.py").write_text(text)
    assert words in run("verify", "90", fails=True)


def test_points_that_depend_on_luck(folder):
    lucky = OWN.replace('"x / 2"', '"2 * abs(x)"')  # right for half of the students
    (folder / "lesson_90.py").write_text(lucky)
    wrong = complaints(exercise("twice"), seeds=())
    assert len(wrong) == 1
    assert "'half' earns 'others' from some students" in wrong[0]


def test_a_check_is_silent_on_stderr(folder, monkeypatch, capsys):
    """Where nbgrader would take a warning of the reference for the learner's mistake."""
    noisy = OWN.replace("def twice(x):\n    return 2 * x\n\n\ndef cases", NOISY)
    (folder / "lesson_90.py").write_text(noisy)
    code = [exercise("twice").solution]
    monkeypatch.setattr(checking, "_cells_so_far", lambda: code)
    assert check("twice").passed
    assert capsys.readouterr().err == ""
