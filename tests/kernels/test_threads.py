"""How many threads: what the user asks for, and what affinity and the container allow."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinyllm
from tinyllm.kernels import jit, threads


@pytest.mark.parametrize("wrong", [1.0, "2", None, True])
def test_only_ints_are_accepted(wrong):
    with pytest.raises(TypeError, match=f"n must be an int, not {type(wrong).__name__}"):
        tinyllm.set_num_threads(wrong)


@pytest.mark.parametrize("wrong", [0, -1])
def test_at_least_one(wrong):
    with pytest.raises(ValueError, match=f"at least 1, not {wrong}"):
        tinyllm.set_num_threads(wrong)


def test_more_than_the_pool_is_cut():
    tinyllm.set_num_threads(10_000)
    assert tinyllm.get_num_threads() == jit.POOL_SIZE
    tinyllm.set_num_threads(1)
    assert tinyllm.get_num_threads() == 1


def test_small_work_takes_one_thread(monkeypatch):
    monkeypatch.setattr(threads, "_threads", 3)
    assert threads.threads_for(threads.SMALL - 1) == 1
    assert threads.threads_for(threads.SMALL) == 3


@pytest.mark.parametrize(
    ("content", "allowed"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 1),
        ("50000 100000\n", 1),
        ("max 100000\n", None),
        ("nonsense\n", None),
        ("", None),
    ],
)
def test_cgroup_v2(tmp_path, content, allowed):
    (tmp_path / "cpu.max").write_text(content, encoding="utf-8")
    assert threads._allowed_by_cgroup(tmp_path) == allowed


@pytest.mark.parametrize(
    ("quota", "allowed"), [("400000", 4), ("-1", None), ("20000", 1), ("?", None)]
)
def test_cgroup_v1(tmp_path, quota, allowed):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(f"{quota}\n", encoding="utf-8")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n", encoding="utf-8")
    assert threads._allowed_by_cgroup(tmp_path) == allowed


def test_no_cgroup(tmp_path):
    assert threads._allowed_by_cgroup(tmp_path) is None


def test_the_default_is_the_smallest_of_all(monkeypatch):
    monkeypatch.setattr(jit, "POOL_SIZE", 8)
    monkeypatch.setattr(threads, "_allowed_by_affinity", lambda: 6)
    monkeypatch.setattr(threads, "_allowed_by_cgroup", lambda: 3)
    assert threads._default() == 3
    monkeypatch.setattr(threads, "_allowed_by_cgroup", lambda: None)
    assert threads._default() == 6
    monkeypatch.setattr(jit, "POOL_SIZE", 2)
    assert threads._default() == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_is_respected():
    one = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{one}}}); import tinyllm;"
        "print(tinyllm.get_num_threads())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "1"


@pytest.mark.skipif(not jit.BLAS_AVAILABLE, reason="Numba or SciPy is absent")
def test_numpy_keeps_its_own_blas_threads():
    """SciPy's OpenBLAS is held to one thread; NumPy's is the user's."""
    from threadpoolctl import threadpool_info

    def threads_of(package):
        return [
            x["num_threads"]
            for x in threadpool_info()
            if any(part.startswith(package) for part in Path(x["filepath"]).parts[:-1])
        ]

    a = np.ones((3, 3))
    np.matmul(a, a)
    before = threads_of("numpy")
    tinyllm.kernels.KERNELS["matmul"].compiled(a, a)
    assert threads_of("numpy") == before
    assert set(threads_of("scipy")) <= {1}
