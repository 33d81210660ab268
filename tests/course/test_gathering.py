"""What travels to the grader: a definition with all that it uses, and nothing else."""

import json

import pytest

from tinyllm.course.gathering import cells_of, gather
from tinyllm.course.refusing import refused_names

CELLS = [
    "import numpy as np\nimport matplotlib.pyplot as plt",
    "SCALE = 2\n%matplotlib inline\nplt.plot([1, 2])",
    "def helper(x):\n    return np.exp(x) * SCALE",
    "def answer(x):\n    return 0  # a first try",
    "def unrelated():\n    return plt.gcf()",
    "broken = (",
    "!ls",
    "def answer(x):\n    return helper(x)",
]


def test_the_last_definition_with_what_it_needs():
    code = gather(CELLS, "answer")
    assert code == (
        "import numpy as np\n\n\nSCALE = 2\n\n\n"
        "def helper(x):\n    return np.exp(x) * SCALE\n\n\n"
        "def answer(x):\n    return helper(x)\n"
    )
    assert gather(CELLS, "nothing") is None


def test_decorators_classes_and_recursion():
    cells = ["import functools\n@functools.cache\ndef f(n):\n    return n and f(n - 1)"]
    cells += ["class Value:\n    def __add__(self, other):\n        return Value() or f(other)"]
    code = gather(cells, "Value")
    assert "@functools.cache\ndef f(n)" in code
    assert code.index("def f") < code.index("class Value")


def test_a_cell_with_the_exercise_that_cannot_be_read():
    with pytest.raises(SyntaxError):
        gather(["def answer(x)\n    return 1"], "answer")


def test_files(tmp_path):
    notebook = tmp_path / "a.ipynb"
    cells = [
        {"cell_type": "markdown", "source": ["def f(): no code"]},
        {"cell_type": "code", "source": ["def f():\n", "    return 1"]},
        {"cell_type": "code", "source": "x = 1"},
    ]
    notebook.write_text(json.dumps({"cells": cells}))
    assert cells_of(notebook) == ["def f():\n    return 1", "x = 1"]
    for name, text, kind, message in (
        ("b.ipynb", "{", ValueError, "not a notebook that can be read"),
        ("c.ipynb", "[1]", ValueError, "not a notebook that can be read"),
        ("d.txt", "x", ValueError, "neither a notebook"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(kind, match=message):
            cells_of(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="no such file"):
        cells_of(tmp_path / "none.py")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import tinyllm\ntinyllm.softmax(x)", [(2, "tinyllm.softmax")]),
        ("import tinyllm as t\nt.functions.softmax(x)", [(2, "tinyllm.functions.softmax")]),
        (
            "from tinyllm import softmax as s\ns(x)",
            [(1, "tinyllm.softmax"), (2, "tinyllm.softmax")],
        ),
        ("from tinyllm import *\nsoftmax(x)", [(2, "tinyllm.softmax")]),
        ("import tinyllm\nf = tinyllm\nf.softmax(x)", [(3, "tinyllm.softmax")]),
        ("x.softmax(0)", [(1, ".softmax")]),
        ("import numpy as np\nnp.exp(x)", []),
        ("softmax = 1", []),
        ("def (", []),
    ],
)
def test_shortcuts_are_found_under_any_name(code, found):
    assert refused_names(code, ("tinyllm.softmax", ".softmax")) == found


def test_a_local_name_does_not_bring_a_cell_s_variable_of_that_name():
    cells = [
        "import tinyllm\nx = tinyllm.randn(3)\nweights = x",
        "rows = 3",
        "def f(x, n=rows):\n    weights = [x for x in x]\n    return weights",
    ]
    code = gather(cells, "f")
    assert "tinyllm" not in code
    assert "rows = 3" in code
