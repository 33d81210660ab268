"""Without Numba, or without SciPy, everything works on the kernels' definitions, said once."""

import os
import subprocess
import sys

import pytest

HIDE = """
import sys, warnings

real = [finder for finder in sys.meta_path]

class Filtered:
    '''`importlib.util.find_spec` must answer None, not raise.'''
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            return None
        return self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Filtered(finder) for finder in real]

import importlib.util
for name in {hidden!r}:
    assert importlib.util.find_spec(name) is None
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        pass
    else:
        raise AssertionError(f"{{name}} is not hidden")

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import tinyllm
    import tinyllm.nn, tinyllm.optim, tinyllm.models
said = [str(w.message) for w in said if "tinyllm:" in str(w.message)]
"""

TRAIN = """
from tinyllm.models.decoder import Decoder, DecoderConfig

tinyllm.manual_seed(0)
config = DecoderConfig(vocab_size=17, context_length=8, layers=2, heads=2, width=16, dropout=0.1)
model = Decoder(config)
optimizer = tinyllm.optim.AdamW(model.parameters(), lr=1e-2)
ids = tinyllm.randint(0, 17, (3, 9))
losses = []
for _ in range(8):
    loss = model.loss(ids[:, :-1], ids[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    tinyllm.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0] - 0.1, losses
"""


def run(hidden, code):
    code = HIDE.format(hidden=hidden) + code
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran


def test_without_numba_and_scipy_it_works_and_says_so_once():
    ran = run(
        {"numba", "llvmlite", "scipy"},
        "assert len(said) == 1 and 'Numba is not installed' in said[0], said\n"
        + TRAIN
        + "assert not any(k.compiled for k in tinyllm.kernels.KERNELS.values())\n"
        "tinyllm.set_num_threads(4); assert tinyllm.get_num_threads() == 1\n"
        "assert not {'numba', 'scipy', 'llvmlite'} & set(sys.modules)\n",
    )
    assert "building kernels" not in ran.stderr


def test_without_scipy_only_the_products_are_numpys():
    pytest.importorskip("numba", reason="Numba is absent: covered by the test above")
    run(
        {"scipy"},
        TRAIN + "kernels = tinyllm.kernels.KERNELS\n"
        "without = {name for name, k in kernels.items() if k.compiled is None}\n"
        "assert {'matmul', 'linear', 'attention'} <= without, without\n"
        "assert kernels['softmax'].compiled is not None\n"
        "assert 'scipy' not in sys.modules\n",
    )


def test_threadpoolctl_and_plots_are_not_loaded_by_import():
    """`import tinyllm` stays quick: nothing heavy but Numba comes with it."""
    run(
        set(),
        "heavy = {'matplotlib', 'IPython', 'torch', 'safetensors', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n",
    )
