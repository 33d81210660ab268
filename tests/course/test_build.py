"""Notebooks from their one source: stubs, solutions, drift, hand-outs, assignments."""

import pytest

nbformat = pytest.importorskip("nbformat", reason="pip install -e '.[notebooks]' for notebooks")
pytest.importorskip("jupytext", reason="pip install -e '.[notebooks]' for notebooks")
pytest.importorskip("nbclient", reason="pip install -e '.[notebooks]' for notebooks")

from tinyllm.course import build as making  # noqa: E402

SOURCE = """\
# %% [markdown]
# # Softmax

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

# %% tags=["extra"]
import sys

print("building kernels", file=sys.stderr)  # is not kept: it is of this machine
print(6 * 7)
"""
COMPANY = """\
# %%
import os
import time
from pathlib import Path

Path("here", os.environ["TINYLLM_COURSE"].replace("/", "_")).touch()
deadline = time.monotonic() + 100
while len(list(Path("here").iterdir())) < 2 and time.monotonic() < deadline:
    time.sleep(0.02)
print(len(list(Path("here").iterdir())))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "07_softmax.py").write_text(SOURCE)
    return tmp_path


def outputs(notebook):
    return [
        output.get("text") or output.get("data", {}).get("text/plain")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def test_a_guess_is_asked_for_in_words_since_dots_would_be_shown(tmp_path):
    path = tmp_path / "07_guess.py"
    path.write_text("# %%\nguess = None\n### BEGIN SOLUTION\nguess = 3\n### END SOLUTION\n")
    assert making.read_source(path, False).cells[0].source == f"guess = None\n{making.GUESS}"
    assert making.read_source(path, True).cells[0].source == "guess = None\nguess = 3"


def test_build_executes_stubs_and_solutions(folder):
    built = list(making.build(folder))
    assert [b.path.relative_to(folder).as_posix() for b in built] == [
        "07_softmax.ipynb", "solutions/07_softmax.ipynb",
    ]  # fmt: skip
    learner, solved = (nbformat.read(b.path, as_version=4) for b in built)
    for notebook in (learner, solved):
        nbformat.validate(notebook)
        assert "BEGIN SOLUTION" not in str(notebook)
    assert outputs(learner) == ["to do: my_softmax (4 points, about 10 minutes)", "42\n"]
    assert outputs(solved) == ["✓ my_softmax: 4 of 4 points", "42\n"]
    assert "weights" not in str(learner.cells[2])
    assert "# to do" in learner.cells[2].source
    assert learner.cells[4].metadata["tags"] == ["extra"]
    assert making.drift(folder) == []
    path = folder / "source" / "07_softmax.py"
    path.write_text(SOURCE.replace("6 * 7", "6 * 8"))
    assert len(making.drift(folder)) == 2
    assert "differs from" in making.drift(folder)[0]


def test_what_it_takes_is_measured_in_the_kernel_and_bounded(folder, monkeypatch):
    path = folder / "source" / "07_softmax.py"
    path.write_text(
        "# %%\nimport time\nheld = b'.' * 600_000_000\ndel held\n"
        "while time.process_time() < 3:\n    pass\n"
    )
    (learner, _) = making.build(folder)
    assert 600e6 < learner.use.memory < 1000e6
    assert 3 <= learner.use.processor_seconds < 30
    assert learner.use.seconds > 0
    assert len(nbformat.read(learner.path, as_version=4).cells) == 1, "the measuring cell went"
    learner.path.unlink()
    monkeypatch.setattr(making, "MOST_MEMORY", 500_000_000)
    with pytest.raises(ValueError, match=r"held 6\d\d MB, more than 500: make its arrays"):
        list(making.build(folder))
    assert not learner.path.exists()


def test_what_a_cell_printed_comes_in_pieces():
    pieces = [("stdout", "2.5"), ("stderr", "a warning"), ("stdout", " 300\n")]
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    cell = nbformat.v4.new_code_cell(outputs=outputs)
    assert making._printed(cell).split() == ["2.5", "300"]


def test_two_at_a_time_each_with_its_own_progress(folder):
    (folder / "here").mkdir()
    (folder / "source" / "07_softmax.py").write_text(COMPANY)
    (folder / "source" / "08_later.py").write_text("# %%\n1 / 0\n")
    built, making_them = [], making.build(folder, jobs=2)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        built.extend(making_them)
    assert [b.path.name for b in built] == ["07_softmax.ipynb"] * 2
    for each in built:
        assert outputs(nbformat.read(each.path, as_version=4)) == ["2\n"]


def test_what_is_handed_out_has_no_solution_and_no_output(folder):
    (path,) = making.student(folder, folder / "out")
    notebook = nbformat.read(path, as_version=4)
    assert "weights" not in path.read_text()
    assert outputs(notebook) == []
    assert making.drift(folder) == [
        f"{folder}/07_softmax.ipynb: not built yet",
        f"{folder}/solutions/07_softmax.ipynb: not built yet",
    ]


def test_an_assignment_for_nbgrader(folder):
    (path,) = making.assignment(folder, folder / "class")
    assert path == folder / "class" / "source" / "07_softmax" / "07_softmax.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    assert cells[2].metadata["nbgrader"]["solution"]
    assert "### BEGIN SOLUTION" in cells[2].source
    graded = cells[3].metadata["nbgrader"]
    assert (graded["grade"], graded["points"], graded["locked"]) == (True, 4, True)
    assert cells[3].source == "report = check(my_softmax)\nprint(report)\nreport.points"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("    ### END SOLUTION\n", ""), "cell 2: ### BEGIN SOLUTION without ### END SOLUTION"),
        (("### BEGIN SOLUTION", "### END SOLUTION"), "cell 2: ### END SOLUTION does not match"),
    ],
)
def test_markers_that_do_not_match(folder, change, message):
    path = folder / "source" / "07_softmax.py"
    path.write_text(SOURCE.replace(*change))
    with pytest.raises(ValueError, match=message):
        making.read_source(path, True)


def test_lessons_that_are_not_there(folder, tmp_path):
    with pytest.raises(ValueError, match="no source of lesson 12; there are: 07"):
        making.chosen(folder, "12")
    with pytest.raises(FileNotFoundError, match="there are no lessons"):
        making.sources(tmp_path / "nowhere")


def test_a_cell_that_fails_stops_the_build(folder):
    path = folder / "source" / "07_softmax.py"
    path.write_text(SOURCE.replace("6 * 7", "1 / 0"))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        list(making.build(folder))
    assert not (folder / "07_softmax.ipynb").exists()
