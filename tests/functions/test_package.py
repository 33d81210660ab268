"""The package's surface: names, what is loaded when, what is compared with PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tinyllm
from tinyllm import functions


def test_names() -> None:
    assert callable(tinyllm.tensor)
    assert tinyllm.tensor([1.0]).shape == (1,)
    assert tinyllm.float32 is tinyllm.zeros(1).dtype or tinyllm.float32 == tinyllm.zeros(1).dtype
    assert tinyllm.long == tinyllm.int64
    assert tinyllm.concat is tinyllm.cat
    for name in functions.__all__:
        assert callable(getattr(tinyllm, name)), name
        assert getattr(tinyllm, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        tinyllm.nope  # noqa: B018


def test_methods_have_docstrings() -> None:
    for names in functions.METHODS.values():
        for name in names.split():
            assert getattr(tinyllm.Tensor, name).__doc__, name


def test_every_function_is_compared_with_pytorch() -> None:
    folder = Path(__file__).parents[1] / "vs_torch"
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("test_*.py")))
    # numbers that PyTorch draws otherwise, and plain questions, tested here
    elsewhere = "rand randn rand_like randn_like multinomial empty empty_like is_tensor numel"
    elsewhere += " is_floating_point equal allclose isclose from_numpy"
    functions_named = {name for names in functions.FUNCTIONS.values() for name in names.split()}
    missing = [
        name
        for name in sorted(functions_named - {*elsewhere.split()})
        if f".{name}(" not in text and f'"{name}"' not in text
    ]
    operators = {"floor_divide", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not"}
    operators |= {"ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"}
    assert set(missing) <= operators


def test_plain_questions() -> None:
    x = tinyllm.ones(2, 3)
    assert tinyllm.is_tensor(x)
    assert not tinyllm.is_tensor(x.array)
    assert tinyllm.is_floating_point(x)
    assert not x.long().is_floating_point()
    assert tinyllm.numel(x) == x.numel() == 6
    assert tinyllm.equal(x, x.clone())
    assert not tinyllm.equal(x, x[:1])
    assert tinyllm.allclose(x, x + 1e-7)
    assert not x.allclose(x + 1e-3)
    assert x.isclose(x + 1e-7).all()


def test_importing_is_light() -> None:
    """The subpackages, and the heavy libraries that some of them use, load on first use."""
    code = (
        "import sys, tinyllm; "
        "assert 'tinyllm.nn' not in sys.modules; "
        "bad = {'torch', 'matplotlib', 'IPython', 'typer', 'tqdm'} & set(sys.modules); "
        "assert not bad, bad; "
        "from tinyllm import nn; assert tinyllm.nn is nn"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
