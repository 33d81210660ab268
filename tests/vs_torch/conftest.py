"""Everything in this folder compares with PyTorch, and is skipped where PyTorch is absent."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


class Absent(pytest.Module):
    """A test file that is not even imported."""

    def collect(self) -> list:
        pytest.skip(
            "PyTorch is not here to compare with: pip install -e '.[torch]'",
            allow_module_level=True,
        )


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Absent | None:
    if importlib.util.find_spec("torch") is None:
        return Absent.from_parent(parent, path=module_path)
    return None
