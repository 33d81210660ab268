"""First starts: several at once, on a read-only installation, and without a place for the cache.

Two starts at once by default; TINYLLM_STARTS=30 for more.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinyllm
from tinyllm.kernels import jit

pytestmark = pytest.mark.skipif(not jit.BLAS_AVAILABLE, reason="no kernels are compiled")

STARTS = int(os.environ.get("TINYLLM_STARTS", "2"))
WORK = """
import numpy as np
from tinyllm import kernels
x = np.linspace(-1, 1, 7 * 5, dtype=np.float32).reshape(7, 5)
y = kernels.linear(kernels.softmax(x), np.eye(5, dtype=np.float32), np.ones(5, np.float32), None)
np.testing.assert_allclose(y.sum(axis=1), 6, rtol=1e-6)
print(y.tobytes().hex())
"""


READ_ONLY = """
import builtins, os, tempfile
cache, open_anything, temporary = os.environ["TINYLLM_CACHE"], open, tempfile.TemporaryFile

def guarded(path, mode="r", *rest, **named):  # root may write everywhere, so it is forbidden here
    if str(path).startswith(cache) and set(mode) & set("wxa+"):
        raise PermissionError(path)
    return open_anything(path, mode, *rest, **named)

def nothing(*arguments, dir=None, **named):
    if str(dir).startswith(cache):
        raise PermissionError(dir)
    return temporary(*arguments, dir=dir, **named)

builtins.open, tempfile.TemporaryFile = guarded, nothing
"""
MORE = """
y = kernels.softmax(x.astype(np.float64))  # in no cache yet
np.testing.assert_allclose(y.sum(axis=1), 1)
"""


def start(
    cache: Path, package: Path | None = None, work: str = WORK, **settings: str
) -> subprocess.Popen:
    """Begin a process that computes a little with kernels that it finds in `cache`, or builds."""
    environment = {**os.environ, "TINYLLM_CACHE": str(cache), **settings}
    if package is not None:
        environment["PYTHONPATH"] = str(package)
    return subprocess.Popen(
        [sys.executable, "-c", work],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen) -> tuple[str, str]:
    """What the process printed, and what it said on the way."""
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return printed, said


def test_first_starts_at_once(tmp_path):
    results = [result(process) for process in [start(tmp_path) for _ in range(STARTS)]]
    assert len({printed for printed, _ in results}) == 1
    assert any("building kernels" in said for _, said in results)
    printed, said = result(start(tmp_path))
    assert (printed, said) == (results[0][0], ""), "a later start must find every kernel"
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left
    assert not [name for name in left if "tmp" in name], "a half-written file was left"


def test_a_damaged_entry_is_built_again(tmp_path):
    printed, _ = result(start(tmp_path))
    machine_code = list(tmp_path.rglob("*.nbc"))
    assert machine_code
    for path in machine_code:
        path.write_bytes(path.read_bytes()[:100])
    assert result(start(tmp_path))[0] == printed


def test_read_only_installation(tmp_path):
    package = tmp_path / "installed"
    source = Path(tinyllm.__file__).parent
    shutil.copytree(source, package / "tinyllm", ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(package.rglob("*"))
    for path in (package, *before):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        cache = tmp_path / "cache"
        result(start(cache, package, PYTHONDONTWRITEBYTECODE="1"))
        assert sorted(package.rglob("*")) == before  # root may write everywhere: nothing was
        assert list(cache.rglob("*.nbi"))
    finally:
        for path in (package, *before):
            path.chmod(0o755)


def test_no_place_for_the_cache(tmp_path):
    occupied = tmp_path / "a file"
    occupied.write_text("")
    _, said = result(start(occupied / "cache"))
    assert "building kernels" in said


def test_a_cache_that_is_only_to_be_read(tmp_path):
    """A class shares the kernels that its teacher has built, and nobody can change them."""
    printed, _ = result(start(tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.nb*")}
    assert before
    assert result(start(tmp_path, work=READ_ONLY + WORK)) == (printed, ""), "all of it was there"
    again, said = result(start(tmp_path, work=READ_ONLY + WORK + MORE))
    assert again == printed
    assert "building kernels" in said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.nb*")} == before


SCIPY_AFTERWARDS = """
import sys
import tinyllm
assert (tinyllm.ones(2, 3) @ tinyllm.ones(3, 5)).sum().item() == 30
assert "scipy.linalg" not in sys.modules, "importing all of scipy.linalg takes 0.15 s"
import numpy as np
import scipy.linalg.cython_blas
assert scipy.linalg.cython_blas.__pyx_capi__
assert scipy.linalg.blas.sgemm(1, np.eye(2), np.eye(2)).tolist() == [[1, 0], [0, 1]]
"""
SCIPY_FIRST = """
import scipy.linalg.cython_blas as before
import tinyllm, sys
assert sys.modules["scipy.linalg.cython_blas"] is before
"""


@pytest.mark.parametrize("script", [SCIPY_AFTERWARDS, SCIPY_FIRST])
def test_a_part_of_scipy_is_imported_and_all_of_it_still_can_be(script):
    subprocess.run([sys.executable, "-c", script], check=True)
