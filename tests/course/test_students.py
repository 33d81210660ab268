"""A student's seed: from the name alone, the same everywhere, other numbers for others."""

import csv
import io

import pytest
from typer.testing import CliRunner

from tinyllm.cli import app
from tinyllm.course import check, check_file, checking, exercise, grade, lessons, seed_of
from tinyllm.course.exchange import pack
from tinyllm.course.grading import grade_ours
from tinyllm.course.students import student_in

EXERCISES = [e for lesson in lessons().values() for e in lesson.exercises.values()]
STUDENTS = ["Ada", "Grace", "2026-0117", "李雷"]


def drawn(found, seed):
    return str([pack(case.arguments) for case in found.drawn(seed)])


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYLLM_COURSE", str(tmp_path / "course.json"))
    monkeypatch.delenv("TINYLLM_STUDENT", raising=False)


def run(*arguments):
    result = CliRunner().invoke(app, ["course", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_seed_never_changes():
    """These numbers are handed-in work's: another hash would grade it on other cases."""
    assert seed_of("Ada") == 4260250381
    assert seed_of("2026-0117") == 2714315803
    assert [seed_of(name) for name in (" ada\n", "ADA")] == [seed_of("Ada")] * 2
    assert seed_of("Jose\u0301") == seed_of("jos\u00e9")
    assert len({seed_of(f"student {i}") for i in range(1000)}) == 1000
    for empty in ("", "  "):
        with pytest.raises(ValueError, match="the student's name is empty"):
            seed_of(empty)


def test_students_have_numbers_of_their_own():
    """All exercises whose cases are drawn at all: a few, such as masks, have sizes alone."""
    few = []
    for found in EXERCISES:
        draws = {drawn(found, seed_of(f"student {i}")) for i in range(20)}
        if len(draws) < 20:
            few.append(found.name)
        assert drawn(found, seed_of("Ada")) == drawn(found, seed_of("ada "))
    assert "my_softmax" not in few
    assert len(few) <= len(EXERCISES) / 3, few


@pytest.mark.parametrize("found", EXERCISES, ids=str)
def test_the_solution_is_full_for_every_student(found):
    """And each mistake has its own name and the same points: without a process for each."""
    for seed in map(seed_of, STUDENTS):
        assert grade_ours(found, found.solution, seed).passed
    for mistake in found.mistakes:
        reports = [grade_ours(found, mistake.code, seed_of(who)) for who in STUDENTS]
        assert not any(report.passed for report in reports)
        assert {report.diagnosis for report in reports} == {mistake.diagnosis}
        assert all(report.parts == reports[0].parts for report in reports), mistake.name


def test_our_own_code_is_graded_alike_in_this_process_and_in_another():
    found = exercise("masked_attention")
    for code in (found.solution, *(mistake.code for mistake in found.mistakes)):
        here, there = grade_ours(found, code, 5), grade(found, code, 5)
        assert (here.points, here.parts, here.diagnosis) == (
            there.points, there.parts, there.diagnosis,
        )  # fmt: skip


def test_in_a_notebook_the_environment_says_who(monkeypatch):
    seeds = []
    monkeypatch.setattr(checking, "grade", lambda e, code, seed: seeds.append(seed) or grade(e, ""))
    monkeypatch.setattr(checking, "_cells_so_far", lambda: [exercise("my_softmax").solution])
    check("my_softmax")
    monkeypatch.setenv("TINYLLM_STUDENT", "Ada")
    check("my_softmax")
    check("my_softmax", seed=3)
    assert seeds == [0, seed_of("Ada"), 3]


def test_a_name_that_begins_another_is_not_looked_for(tmp_path):
    path = tmp_path / "ada.py"
    path.write_text("def attention_heads(qkv, heads):\n    return qkv +\n")  # cannot be read
    (report,) = check_file(path, note=False)  # and none for the exercise `attention`
    assert report.exercise.name == "attention_heads"
    assert "SyntaxError" in report.problem


def test_the_first_failing_input_is_the_student_s_own(tmp_path, monkeypatch):
    found = exercise("attention")
    path = tmp_path / "ada.py"
    path.write_text(found.mistakes[0].code)

    def shown(**settings):
        (report,) = check_file(path, **settings)
        return drawn_of(report)

    def drawn_of(report):
        return str(pack(report.failure.arguments))

    plain, own = shown(), shown(seed=seed_of("Ada"))
    assert plain != own
    monkeypatch.setenv("TINYLLM_STUDENT", "ada")
    assert shown() == own
    assert own == shown(seed=seed_of("Ada"))


def test_the_command_takes_a_name(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(exercise("attention").mistakes[0].code)
    by_name = run("check", str(path), "--student", "Ada")
    assert by_name == run("check", str(path), "--seed", str(seed_of("ada")))
    assert by_name != run("check", str(path))
    result = CliRunner().invoke(
        app, ["course", "check", str(path), "--student", "a", "--seed", "1"]
    )
    assert "not both" in str(result.exception)


@pytest.mark.parametrize(
    ("path", "pattern", "student"),
    [
        ("submitted/ada/07_softmax/07_softmax.ipynb", "submitted/{student}/*/*.ipynb", "ada"),
        ("work/ada.py", "{student}.py", "ada"),
        ("work/hw1_ada.lovelace.py", "hw1_{student}.py", "ada.lovelace"),
        ("work/ada/mine.py", "{student}/*", "ada"),
    ],
)
def test_the_student_in_a_path(tmp_path, path, pattern, student):
    assert student_in(tmp_path / path, pattern) == student


@pytest.mark.parametrize(
    ("path", "pattern", "words"),
    [
        ("ada.py", "*.py", "needs {student} once"),
        ("ada.py", "{student}/{student}.py", "needs {student} once"),
        ("ada.ipynb", "{student}.py", "not of the form {student}.py"),
        ("a/b/c.py", "a/{student}.py", "not of the form a/{student}.py"),
    ],
)
def test_no_student_in_a_path(tmp_path, path, pattern, words):
    with pytest.raises(ValueError) as caught:
        student_in(tmp_path / path, pattern)
    assert words in str(caught.value)


def test_a_row_for_each_student(tmp_path, monkeypatch):
    """Over all files of each, with the student's own seed, and the best of two tries."""
    seeds = {}
    real = checking.grade

    def noting(found, code, seed):
        seeds.setdefault(seed, set()).add(found.name)
        return real(found, code, seed)

    monkeypatch.setattr(checking, "grade", noting)
    softmax, split = exercise("my_softmax"), exercise("split_heads")
    files = {
        "ada/a.py": softmax.solution,
        "ada/b.py": split.solution + "\n\n" + softmax.mistakes[0].code,
        "grace/a.py": softmax.mistakes[0].code,
        "grace/b.py": "x = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path / name) for name in files]
    table = run("report", *paths, str(tmp_path / "none.py"), "--student-from", "{student}/?.py")
    assert "not of the form" in table  # ? stands for itself
    table = run("report", *paths, "--student-from", "{student}/*.py")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["student"] for row in rows] == ["ada", "grace"]
    assert [row["my_softmax"] for row in rows] == ["4", "3"]
    assert [row["split_heads"] for row in rows] == ["3", "0"]
    assert [row["total"] for row in rows] == ["7", "3"]
    assert rows[0]["problem"] == ""
    assert "b.py: defines nothing that is an exercise" in rows[1]["problem"]
    assert seeds == {
        seed_of("ada"): {"my_softmax", "split_heads"},
        seed_of("grace"): {"my_softmax"},
    }
