"""What a step holds in memory: attention over long contexts, and nothing new once it is running."""

import subprocess
import sys

import pytest

import tinyllm
from tinyllm import nn, optim
from tinyllm.kernels import jit, memory
from tinyllm.models import Decoder, DecoderConfig

LONG_ATTENTION = """
import numpy as np
import tinyllm
from tinyllm.bench.memory import PeakMemory
from tinyllm.nn.functional import scaled_dot_product_attention

def train(T):
    q, k, v = (tinyllm.randn(1, 8, T, 64, requires_grad=True) for _ in range(3))
    scaled_dot_product_attention(q, k, v, is_causal=True).sum().backward()
    assert all(np.isfinite(x.grad.array).all() for x in (q, k, v))

train(16)  # builds the kernels
watch = PeakMemory()
train(4096)
print(watch.peak())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
@pytest.mark.skipif(not jit.BLAS_AVAILABLE, reason="the NumPy definition keeps all scores")
def test_attention_over_4096_tokens():
    ran = subprocess.run(
        [sys.executable, "-c", LONG_ATTENTION], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    scores = 8 * 4096**2 * 4  # bytes of one matrix of all scores: 512 MB
    assert int(ran.stdout) < 400 * 1024**2 < scores


needs_kernels = pytest.mark.skipif(
    not jit.BLAS_AVAILABLE, reason="the NumPy definitions take fresh memory"
)


def _skip_definitions(pytestconfig):
    if pytestconfig.getoption("--reference-kernels"):
        pytest.skip("the NumPy definitions take fresh memory")


def _training_step():
    config = DecoderConfig.gpt2(
        vocab_size=101, context_length=64, layers=2, heads=2, width=64, bias=False
    )
    model = Decoder(config)
    optimizer = optim.AdamW(model.parameters(), lr=1e-3)
    ids = tinyllm.randint(0, 101, (8, 64))

    def step(length: int = 64) -> None:
        model.loss(ids[:, :length], ids[:, :length]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


@needs_kernels
def test_a_running_step_takes_no_new_blocks(pytestconfig):
    _skip_definitions(pytestconfig)
    step = _training_step()
    for _ in range(3):
        step()
    held = memory._total
    assert held > 0
    for _ in range(5):
        step()
    assert memory._total == held


@needs_kernels
def test_batches_of_many_lengths_use_the_same_memory(pytestconfig):
    _skip_definitions(pytestconfig)
    step = _training_step()
    for length in (64, 32, 64, 32):
        step(length)
    held = memory._total
    for length in range(33, 64):
        step(length)
    assert memory._total <= 1.25 * held
