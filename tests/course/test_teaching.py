"""docs/teaching.md holds: its example works, its commands exist, its weeks have every lesson."""

import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

import tinyllm
from tinyllm.cli import app
from tinyllm.course import check_file, complaints, exercise

ROOT = Path(tinyllm.__file__).parents[1]
PAGE = ROOT / "docs" / "teaching.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="an installation without its docs")


def blocks(kind):
    """The page's blocks of code, without their indentation in a list."""
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```", PAGE.read_text("utf-8"), re.M | re.S)
    return [re.sub(f"^{indent}", "", text, flags=re.M) for indent, text in found]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The example, written where its first lines say."""
    for text in blocks("python"):
        if place := re.match(r"# (ours/\S+)\n", text):
            path = tmp_path / place[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text[place.end() :] if "source" in place[1] else text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINYLLM_COURSE", str(tmp_path / "course.json"))
    monkeypatch.setenv("TINYLLM_LESSONS", "")
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, ["course", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_example_keeps_what_it_promises(folder, monkeypatch):
    assert (folder / "ours" / "lesson_90.py").exists()
    output = run("--lessons", "ours", "verify", "90")
    assert output == "✓ type_token_ratio: 4 points, 5 wrong variants\n"
    found = exercise("type_token_ratio")
    assert complaints(found, seeds=range(3)) == []
    (folder / "mine.py").write_text(found.mistakes[0].code)
    monkeypatch.setenv("TINYLLM_LESSONS", "ours")
    (report,) = check_file(Path("mine.py"))
    assert report.points == 3
    assert "The and the count as two words" in str(report)


def test_the_example_s_notebook_is_built(folder):
    pytest.importorskip("jupytext", reason="pip install -e '.[notebooks]' for notebooks")
    run("--lessons", "ours", "build", "--folder", "ours")
    solved = json.loads((folder / "ours/solutions/90_counting_words.ipynb").read_text())
    assert "4 of 4 points" in json.dumps(solved, ensure_ascii=False)
    run("--lessons", "ours", "build", "--folder", "ours", "--nbgrader", ".")
    handed = json.loads((folder / "source/90_counting_words/90_counting_words.ipynb").read_text())
    assert [c["metadata"]["nbgrader"]["points"] for c in handed["cells"][3:]] == [4]


def test_every_command_exists():
    """Each `tinyllm course …` of the page names a command and options that there are."""
    text = PAGE.read_text("utf-8")
    lines = [line.partition("#")[0] for block in blocks("bash") for line in block.splitlines()]
    inline = re.findall(r"`(tinyllm course [^`]*)`", text)
    commands = [line[line.index("tinyllm course") :] for line in lines if "tinyllm course" in line]
    assert len(commands) >= 8
    group = typer.main.get_command(app).commands["course"]
    for command in commands + inline:
        words = shlex.split(command)[2:]
        known = group
        for word in words:
            if word.startswith("--"):
                options = [option for p in known.params for option in p.opts + p.secondary_opts]
                assert word in options, command
            elif known is group and word in group.commands:
                known = group.commands[word]
        assert known is not group or not words or words[0].startswith("--"), command


def test_variables_are_those_of_the_package():
    sources = "".join(
        path.read_text("utf-8") for path in Path(tinyllm.__file__).parent.rglob("*.py")
    )
    named = set(re.findall(r"\b(?:TINYLLM|NUMBA|OPENBLAS)_[A-Z_]+", PAGE.read_text("utf-8")))
    assert {"TINYLLM_CACHE", "TINYLLM_STUDENT", "TINYLLM_LESSONS", "TINYLLM_COURSE"} <= named
    for name in named:
        assert name in sources, name


def test_the_configurations_can_be_read():
    for text in blocks("python"):
        if "c.Spawner" in text or "get_config()" in text:
            c = SimpleNamespace(
                Spawner=SimpleNamespace(),
                CourseDirectory=SimpleNamespace(),
                Execute=SimpleNamespace(),
            )
            exec(text, {"c": c, "get_config": lambda c=c: c})
            if "c.Spawner" in text:
                of_one = c.Spawner.environment["TINYLLM_STUDENT"]
                assert of_one(SimpleNamespace(user=SimpleNamespace(name="ada"))) == "ada"


def test_the_weeks_have_every_lesson_once():
    rows = re.findall(r"^\| +(\d+) \| (.*?) \|", PAGE.read_text("utf-8"), re.M)
    assert [int(week) for week, _ in rows] == list(range(1, 13))
    numbers = [number for _, lessons in rows for number in re.findall(r"\b(\d\d) ", lessons)]
    assert numbers == [f"{number:02}" for number in range(21)]
    assert [n for _, text in rows for n in re.findall(r"project (\d)", text)] == list("123456")
