"""Progress, and the command line over it."""

import pytest
from typer.testing import CliRunner

from tinyllm.cli import app
from tinyllm.course import Progress, exercise, hint, lesson, lessons, reveal


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "course.json"
    monkeypatch.setenv("TINYLLM_COURSE", str(path))
    return path


def run(*arguments, answer=None):
    result = CliRunner().invoke(app, ["course", *arguments], input=answer)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_best_points_count(path):
    progress = Progress.load()
    for points in (2, 4, 1):
        progress.tried("07", "my_softmax", points)
    known = Progress.load().of("07", "my_softmax")
    assert (known["points"], known["tries"]) == (4, 3)
    assert Progress.load().reset("07") == 1
    assert Progress.load().of("07", "my_softmax")["tries"] == 0


def test_a_damaged_file_is_left_as_it_is(path):
    path.parent.mkdir()
    path.write_text("{}")
    with pytest.raises(ValueError, match="not the progress of this course"):
        Progress.load()
    assert path.read_text() == "{}"


def test_the_way_of_a_learner(path, tmp_path):
    assert "my_softmax  0/4" in run()
    first = next(iter(lessons().values()))
    assert f"Next: {next(iter(first.exercises))} of lesson {first.number}" in run()
    file = tmp_path / "mine.py"
    found = exercise("my_softmax")
    file.write_text(found.mistakes[0].code)
    assert "3 of 4 points" in run("check", str(file))
    assert "· my_softmax  3/4" in run()
    hints = [run("hint", "my_softmax") for _ in range(4)]
    assert hints[0].split() == f"Hint 1 of 3: {found.hints[0]}".split()
    assert found.hints[2] in hints[2]
    assert hints[3].startswith("There are no more hints")
    assert found.solution not in run("solution", "my_softmax", answer="n\n")
    assert found.why in run("solution", "my_softmax", answer="y\n")
    file.write_text(found.solution)
    assert run("check", str(file)).endswith("4 of 4 points\n")
    assert "✓ my_softmax  4/4" in run()
    assert "forgot 1 exercises" in run("reset", "7", "--yes")


def test_hints_in_a_cell_go_on_where_the_terminal_stood(path, capsys):
    def my_softmax(x): ...

    first = run("hint", "my_softmax")
    hint(my_softmax)
    found = exercise("my_softmax")
    out = capsys.readouterr().out
    assert out.startswith(first)
    second = f"Hint 2 of 3: {found.hints[1]}"
    assert out.split() == f"{first}{second}".split()
    assert max(map(len, out.splitlines())) <= 88 < len(second), "broken between words"
    assert Progress.load().of("07", "my_softmax")["hints"] == 2
    with pytest.raises(ValueError, match="there is no exercise 'softmax'"):
        hint("softmax")


def test_a_teachers_table(path, tmp_path):
    found = exercise("my_softmax")
    (tmp_path / "a.py").write_text(found.solution)
    (tmp_path / "b.py").write_text(found.mistakes[1].code)
    (tmp_path / "c.py").write_text("x = 1\n")
    table = run("report", *(str(tmp_path / f"{name}.py") for name in "abc")).splitlines()
    assert table[0] == "file,my_softmax,total,problem"
    assert table[1].endswith("a.py,4,4,")
    assert table[2].endswith("b.py,0,0,")
    assert table[3].endswith("c.py,0,0," + f"{tmp_path}/c.py: defines nothing that is an exercise")
    assert not path.exists(), "a teacher's grading is nobody's progress"


def test_what_is_not_there():
    with pytest.raises(ValueError, match="there is no lesson 99; there are: .*07"):
        lesson("99")
    with pytest.raises(ValueError, match="there is no exercise 'frob'; there are: .*my_softmax"):
        exercise("frob")


def test_the_first_guess_counts_and_comes_before_the_answer(path, capsys):
    reveal("07", "a share", None, 0.93)
    assert "to do" in capsys.readouterr().out
    assert not path.exists()
    reveal("07", "a share", 0.5, 0.93)
    reveal("07", "a share", 0.93, 0.93)
    assert capsys.readouterr().out == "you said 0.5; it is 0.93\n" * 2
    assert Progress.load().of("07", "predict/a share")["guess"] == 0.5
