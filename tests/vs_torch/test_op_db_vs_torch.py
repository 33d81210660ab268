"""PyTorch's own sample inputs (`op_db`), for every op that both libraries have."""

from __future__ import annotations

import pytest

pytest.importorskip("expecttest", reason="PyTorch's samples need it: pip install expecttest")

from op_db_check import OPS, outcome  # noqa: E402 - only after the check above
from op_db_rules import REASONS, WHOLLY_LEFT_OUT  # noqa: E402

SHARE = 0.97


@pytest.mark.parametrize("name", OPS)
def test_samples_are_right(name: str) -> None:
    result = outcome(name)
    assert set(result.skipped) <= set(REASONS)
    wrong = "\n".join(result.wrong[:8])
    assert result.run or name in WHOLLY_LEFT_OUT, f"{name}: all skipped: {dict(result.skipped)}"
    assert not result.wrong, f"{name}: {len(result.wrong)} of {result.run} are wrong:\n{wrong}"


def test_nearly_all_samples_run() -> None:
    results = [outcome(name) for name in OPS]
    run, total = sum(one.run for one in results), sum(one.total for one in results)
    assert total > 30_000
    assert run >= SHARE * total, f"{run} of {total}"
