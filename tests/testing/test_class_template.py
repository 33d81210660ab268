"""The file of tests that a class fills in: written, run on right work, wrong work, and none."""

import os
import re
import runpy
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import tinyllm
from tinyllm.cli import app
from tinyllm.testing.template import SOURCE, write_template

WORK = """
import numpy as np
import tinyllm
from tinyllm import nn


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def layer_norm(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def layer_norm_backward(grad_y, x):
    y, spread = layer_norm(x), np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    along = (grad_y * y).mean(-1, keepdims=True)
    return (grad_y - grad_y.mean(-1, keepdims=True) - y * along) / spread


def split_heads(x, heads):
    B, T, C = x.shape
    return x.reshape(B, T, heads, C // heads).swapaxes(1, 2)


def gelu(x):
    return x * 0.5 * (1 + (x / 2**0.5).erf())


class Linear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(tinyllm.randn(out_features, in_features))
        self.bias = nn.Parameter(tinyllm.zeros(out_features))

    def forward(self, x):
        return x @ self.weight.t() + self.bias
"""


SPLIT = {"test_split_heads_shapes", "test_split_heads_keeps_each_vector_together"}


def run(folder, work):
    """Pytest's counts, {"passed": 8}, the tests that failed, and the text."""
    (folder / "my_work.py").write_text(work)
    path = folder / "test_my_work.py"
    path.unlink(missing_ok=True)
    write_template(path)
    environment = {**os.environ, "PYTHONPATH": str(Path(tinyllm.__file__).parents[1])}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}  # of one length and second: not told apart
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    counts = {what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|skipped)", done.stdout)}
    failed = set(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE))
    return counts, failed, done.stdout


def test_right_work_passes(tmp_path):
    counts, _, text = run(tmp_path, WORK)
    assert counts == {"passed": 9}, text


def test_begun_work_and_a_mistake(tmp_path):
    begun = WORK[: WORK.index("def layer_norm(")].replace(" - x.max(axis=-1, keepdims=True)", "")
    counts, failed, text = run(tmp_path, begun)
    assert counts == {"passed": 2, "failed": 1, "skipped": 6}, text
    assert failed == {"test_softmax_of_large_numbers"}
    assert "NaN: 0 / 0" in text


def outcomes(monkeypatch, work):
    """Each of the template's tests, run here, with the message of its failure, or ""."""
    module = types.ModuleType("my_work")
    exec(work, vars(module))
    monkeypatch.setitem(sys.modules, "my_work", module)
    tests = runpy.run_path(str(SOURCE))
    found = {}
    for name in [name for name in tests if name.startswith("test_")]:
        try:
            tests[name]()
            found[name] = ""
        except AssertionError as error:
            found[name] = str(error)
    return found


@pytest.mark.parametrize(
    ("change", "failing", "words"),
    [
        ((" - x.max(axis=-1, keepdims=True)", ""), {"test_softmax_of_large_numbers"}, "NaN"),
        (
            (" - grad_y.mean(-1, keepdims=True)", ""),
            {"test_layer_norm_backward"},
            "missing term: numeric - analytic is constant along axis 1",
        ),
        (
            ("x.reshape(B, T, heads, C // heads).swapaxes(1, 2)", "x.reshape(B, heads, T, -1)"),
            {"test_split_heads_keeps_each_vector_together"},
            "values of the result differ",
        ),
        ((".swapaxes(1, 2)", ""), SPLIT, "axes 1 and 2 have changed places"),
        (("x * 0.5 *", "x *"), {"test_gelu_as_tinyllm"}, "everything is 2 times"),
        ((" + self.bias", ""), {"test_linear_as_tinyllm"}, "values of the result differ"),
        (
            ("self.weight.t()", "self.weight.detach().t()"),
            {"test_linear_as_tinyllm", "test_linear_gradients"},
            "no gradient arrives at parameter weight",
        ),
        (
            ("self.bias = ", "self.b = self.bias = "),
            {"test_linear_as_tinyllm"},
            "other names or shapes",
        ),
    ],
)
def test_wrong_work_fails_where_it_is_wrong(monkeypatch, change, failing, words):
    assert change[0] in WORK
    with np.errstate(all="ignore"):
        found = outcomes(monkeypatch, WORK.replace(*change))
    assert {name for name, message in found.items() if message} == failing
    assert words in " ".join(found.values())


def test_the_command(tmp_path):
    path = tmp_path / "tests" / "test_ours.py"
    command = ["course", "template", str(path), "--module", "ours"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    text = path.read_text()
    assert "import ours\n" in text
    assert "my_work" not in text
    assert "pytest test_ours.py" in text
    with pytest.raises(FileExistsError):
        write_template(path)
    with pytest.raises(ValueError, match="pytest looks for files called test_"):
        write_template(tmp_path / "ours.py")
    with pytest.raises(ValueError, match="no name of a module"):
        write_template(tmp_path / "test_a.py", "a b")
