"""The contenders themselves, on the smallest case. No speed is ever asserted."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinyllm
from tinyllm.bench import interleave, peak, start, suite
from tinyllm.bench.cases import DECODING, MODELS, Model, batches, initial_weight
from tinyllm.bench.clock import times_of, warm_up
from tinyllm.bench.decoding import Decoding, Reading
from tinyllm.bench.machine import describe, machine
from tinyllm.bench.memory import PeakMemory
from tinyllm.bench.our_ops import OurOps
from tinyllm.bench.profile import PHASES, Profile, flops_of, group_of
from tinyllm.bench.roofline import decoding_bytes
from tinyllm.bench.training import Training, make_model
from tinyllm.kernels import Kernel
from tinyllm.training.display import Display

MICRO = MODELS["micro"]
PEAK = {"gflops": 100.0, "bandwidth": 1e10, "gflops_by": {}, "read_bandwidth": 1e10}


@pytest.fixture
def short(monkeypatch):
    """Next to no warming up."""
    for module in ("training", "decoding"):
        monkeypatch.setattr(f"tinyllm.bench.{module}.WARM_UP_SECONDS", 0.0, raising=False)


@pytest.fixture
def torch_side():
    pytest.importorskip("torch", reason="PyTorch is not here to compare with: pip install torch")
    from tinyllm.bench import torch_contenders

    return torch_contenders


def test_micro_from_end_to_end(monkeypatch):
    """Real workers, two rounds, without PyTorch."""
    monkeypatch.setattr(suite, "measure_peak", lambda *given: given[-1].update(peak=PEAK))
    monkeypatch.setattr(interleave, "BLOCK_SECONDS", 0.02)
    options = suite.Options(repeats=2, seconds=1.0, torch=False)
    results = suite.run(["micro"], options, Display(False))
    measured = results["cases"]["micro"]["tinyllm"]
    assert 0 < measured["min"] <= measured["median"]
    assert len(measured["repeats"]) == 2
    assert measured["peak_bytes"] > 0
    assert measured["threads"] == tinyllm.get_num_threads()
    assert results["cases"]["micro"]["ratios"]["roofline"] > 0
    assert results["notes"] == [suite.NO_TORCH]
    assert json.dumps(results)


def test_a_worker_refuses_what_it_does_not_know():
    one = interleave.Worker("it", {"measure": "weather", "who": "tinyllm", "case": "micro"})
    with pytest.raises(interleave.WorkerDied, match="nothing measures 'weather'"):
        one.ready()
    one.close()


def test_training_learns(short):
    training = Training(MICRO, 1, PeakMemory())
    assert tinyllm.get_num_threads() == 1
    about = training.about()
    assert about["check"] == pytest.approx([np.log(65)] * 3, abs=0.1)
    before = [p.array.copy() for p in training.model.parameters()]
    assert len(training.run(2)["times"]) == 2
    moved = (p.array for p in training.model.parameters())
    assert not any(np.array_equal(a, b) for a, b in zip(before, moved, strict=True))
    assert all(p.grad is None for p in training.model.parameters())


def test_batches_differ_and_fit():
    pairs = batches(MICRO)
    assert pairs[0][0].shape == (MICRO.batch, MICRO.context)
    assert len({ids.tobytes() for pair in pairs for ids in pair}) == 2 * len(pairs)
    assert max(ids.max() for pair in pairs for ids in pair) == MICRO.vocab - 1


def test_decoding_both_ways(short):
    for product in (True, False):
        decoding = Decoding(MICRO, None, PeakMemory(), product)
        (seconds,) = decoding.run(1)["times"]
        assert seconds > 0
        logits = decoding.about()["check"]
    with tinyllm.no_grad():
        whole = make_model(MICRO)(tinyllm.tensor(decoding.prompt[None]))
    np.testing.assert_allclose(logits, whole.array[0, -1, :8], rtol=1e-5, atol=1e-6)


def test_as_many_bytes_are_read_as_weights_for_a_token():
    reading = Reading(MICRO, None, PeakMemory())
    assert reading.array.nbytes == decoding_bytes(MICRO)
    times = reading.run(3)["times"]
    assert len(times) == 3
    assert reading.about()["seconds"] > min(times) > 0  # a whole text's passes, and one


@pytest.mark.parametrize("name", DECODING.values())
def test_a_text_fits_its_context(name):
    model = MODELS[name]
    assert 0 < model.prompt + model.new_tokens <= model.context
    assert model.new_tokens > 1


# PyTorch's side


@pytest.mark.parametrize("bias", [False, True])
def test_the_twin_computes_the_same(torch_side, bias, short, monkeypatch):
    import torch

    monkeypatch.setattr(torch_side, "WARM_UP_SECONDS", 0.0)
    sizes = Model("tiny", "", layers=2, heads=2, width=16, context=12, batch=3, vocab=19, bias=bias)
    ours = Training(sizes, None, PeakMemory())
    theirs = torch_side.TorchTraining(sizes, None, PeakMemory(), compiled=False)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-5)
    names = {name: p.shape for name, p in make_model(sizes).named_parameters()}
    twin = torch_side.make_twin(sizes)
    assert names == {name: tuple(p.shape) for name, p in twin.named_parameters()}
    assert theirs.about()["optimizer"] in ("AdamW", "AdamW(fused=True)")
    assert len(theirs.run(2)["times"]) == 2
    ours, theirs = (
        side.about()["check"]
        for side in (
            Decoding(sizes, None, PeakMemory(), product=False),
            torch_side.TorchDecoding(sizes, torch.get_num_threads(), PeakMemory()),
        )
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_twin_has_the_same_activation(torch_side):
    """GELU's two forms are the same near 0, where the first weights keep it: so larger ones."""
    import torch

    ours, theirs = make_model(MICRO), torch_side.make_twin(MICRO)
    with torch.no_grad():
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            if one.ndim < 2:
                continue
            one.array[...] *= 8
            other.mul_(8)
        ids, _ = batches(MICRO)[0]
        expected = theirs.logits(torch.from_numpy(ids)).numpy()
    with tinyllm.no_grad():
        got = ours(tinyllm.tensor(ids)).array
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def test_every_op_agrees_with_pytorch(torch_side, monkeypatch):
    import torch

    from tinyllm.bench import ops, torch_ops
    from tinyllm.bench.results import disagreement

    monkeypatch.setattr("tinyllm.bench.our_ops.WARM_UP_SECONDS", 0.0)
    ours = OurOps(None, PeakMemory())
    tape = torch.is_grad_enabled()
    try:
        theirs = torch_ops.TorchOps(None, PeakMemory())
        seen = set()
        for op in ops.all_ops():
            if (op.name, op.backward) in seen:
                continue
            seen.add((op.name, op.backward))
            one, other = ours.select(op.key), theirs.select(op.key)
            assert "refused" not in one, (op.key, one)
            assert "refused" not in other, (op.key, other)
            checks = {"tinyllm": one["check"], "torch": other["check"]}
            assert disagreement(checks, ops.TOLERANCE) is None, op.key
            assert one["check"] or op.name == "dropout", op.key
            assert len(theirs.run(2)["times"]) == 2
    finally:
        torch.set_grad_enabled(tape)


def test_an_op_that_fails_is_a_sentence(monkeypatch):
    def broken(*_):
        raise TypeError("another signature")

    monkeypatch.setattr("tinyllm.bench.our_ops.forward", broken)
    ours = OurOps(None, PeakMemory())
    assert ours.select("softmax 768x128") == {"refused": "TypeError: another signature"}


# Profile


def test_profile_accounts_for_the_whole_step(short):
    plain = Kernel.__call__
    profile = Profile(MICRO, None, PeakMemory())
    watch = profile.step_in_parts()
    assert Kernel.__call__ is plain
    assert set(watch.seconds) == set(PHASES)
    rows = profile.run(3)["rows"]
    assert all(row["seconds"] > 0 for row in rows)
    by_phase = {phase: {r["name"] for r in rows if r["phase"] == phase} for phase in PHASES}
    assert "self_attention" in by_phase["forward"]
    assert "self_attention_backward" in by_phase["backward"]
    assert all("rest" in names for names in by_phase.values())
    attention = next(r for r in rows if r["name"] == "self_attention" and r["phase"] == "forward")
    assert attention["calls"] == MICRO.layers
    pairs = MICRO.context * (MICRO.context + 1) // 2
    assert attention["flops"] == MICRO.layers * MICRO.batch * 4 * MICRO.width * pairs
    total = sum(watch.seconds.values())
    assert sum(count[1] for count in watch.counts.values()) < total


def test_a_kernel_within_a_kernel_is_a_part_of_it(short):
    with tinyllm.reference_kernels():  # where the gradient of attention calls another kernel
        counts = Profile(MICRO, None, PeakMemory()).step_in_parts().counts
    assert ("backward", "self_attention_backward") in counts
    assert ("backward", "attention_grad_scores") not in counts


def test_flops_and_groups_of_kernels():
    a, b, x = np.ones((2, 3, 4)), np.ones((4, 5)), np.ones((7, 4))
    weight = np.ones((6, 4))
    assert flops_of("matmul", (a, b)) == 2 * 2 * 3 * 4 * 5
    assert flops_of("linear", (x, weight, None, None)) == 2 * 7 * 4 * 6
    q, k = np.ones((1, 2, 3, 8)), np.ones((1, 2, 5, 8))
    assert flops_of("attention", (q, k, k, None, False, 1.0, 0.0, 0)) == 2 * 2 * 2 * 15 * 8
    assert flops_of("attention", (q, q, q, None, True, 1.0, 0.0, 0)) == 2 * 2 * 2 * 6 * 8
    assert flops_of("attention_backward", (q, q, q, q, None, True)) == 2 * 2 * 2 * 2 * 6 * 8
    qkv = np.ones((1, 3, (4 + 2 * 2) * 8))
    assert flops_of("self_attention", (qkv, 4, 2, True, 0.0, 0)) == 2 * 2 * 4 * 6 * 8
    assert (
        flops_of("self_attention_backward", (qkv[:, :, :32], qkv, 4, 2, False)) == 4 * 2 * 4 * 9 * 8
    )
    assert flops_of("gelu", (a,)) == 0
    groups = {
        "matmul": "products",
        "linear": "products",
        "attention_backward": "attention",
        "layer_norm": "norms",
        "log_softmax": "loss",
        "adam_step": "optimizer",
        "embedding": "embeddings",
        "add": "additions",
        "frobnicate": "other kernels",
    }
    assert {name: group_of(name) for name in groups} == groups


# Small things


def test_the_clock():
    calls = []
    assert len(times_of(lambda: calls.append(1), 4)) == 4
    assert len(calls) == 5  # one that does not count
    assert len(times_of(lambda: calls.append(1), 1)) == 1
    assert len(calls) == 6
    assert warm_up(lambda: calls.append(1), 0.0, least=3) >= 0
    assert len(calls) == 9


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
def test_peak_memory():
    code = (
        "import numpy as np; from tinyllm.bench.memory import PeakMemory; memory = PeakMemory()\n"
        "array = np.ones(40_000_000 // 8); print(memory.peak()); del array; print(memory.peak())"
    )  # in a process of its own: here the memory of earlier tests may be given back meanwhile
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    held, after = map(int, told.stdout.split())
    assert 35_000_000 < held < 80_000_000
    assert after > 35_000_000  # the highest, not the present


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells it of one process")
def test_most_held_is_of_this_process_and_of_those_it_started():
    started = 'import subprocess, sys; subprocess.run([sys.executable, "-c", "{}"], check=True)'
    hold = "b'.' * 600_000_000"
    for work, least, most in (
        ("pass", 5e6, 500e6),
        (hold, 600e6, 1000e6),
        (started.format(hold), 600e6, 1000e6),
    ):
        code = f"{work}\nfrom tinyllm.bench.memory import most_held\nprint(most_held())"
        told = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert least < int(told.stdout) < most, work


def test_peaks_are_measured(monkeypatch):
    monkeypatch.setattr(peak, "SHAPES", ((64, 64, 64),))
    monkeypatch.setattr(peak, "SECONDS", 0.0)
    monkeypatch.setattr(peak, "FAR_BEYOND_CACHES", 2**16)
    answer = peak.Peak("tinyllm", None, PeakMemory()).run(1)
    assert set(answer) == {"gflops", "bandwidth", "read_bandwidth"}
    assert set(peak.Peak("numpy", None, PeakMemory()).run(1)) == {"gflops"}


def test_first_values_are_gpt2s():
    draw = initial_weight("blocks.0.mlp.up.weight", (400, 100), 8)
    ending = initial_weight("blocks.0.mlp.down.weight", (100, 400), 8)
    norm = initial_weight("blocks.0.norm_1.weight", (400,), 8)
    assert draw.dtype == np.float32
    assert draw.std() == pytest.approx(0.02, rel=0.05)
    assert ending.std() == pytest.approx(0.005, rel=0.05)
    assert norm.mean() == pytest.approx(1, abs=0.01)


def test_starting_a_program():
    late = start.Program(["-c", "print('hm'); print(0.25)"], from_birth=False)
    assert late.run(2) == {"times": [0.25, 0.25]}
    clock = "from time import perf_counter; print(perf_counter())"
    (seconds,) = start.Program(["-c", clock], from_birth=True).run(1)["times"]
    assert 0 < seconds < 30
    broken = start.Program(["-c", "import sys; sys.exit('no such thing')"], from_birth=True)
    with pytest.raises(interleave.WorkerDied, match=r"\(code 1\): no such thing"):
        broken.run(1)
    folder = "import os; print(len(os.listdir(os.environ['TINYLLM_CACHE'])))"
    assert start.Program(["-c", folder], from_birth=False, cold=True).run(1) == {"times": [0.0]}
    assert list(start.programs("cold", torch=True)) == ["tinyllm"]
    assert list(start.programs("start", torch=True)) == ["tinyllm", "torch_eager"]


def test_the_first_step_program():
    program = start.programs("start", torch=False)["tinyllm"]
    program.arguments = ["-m", "tinyllm.bench.first_step", "micro", "write"]
    (seconds,) = program.run(1)["times"]
    assert 0 < seconds < 60


def test_the_machine_names_nobody():
    about = machine(threads=3)
    text = json.dumps(about) + describe(about)
    assert about["threads"] == 3
    assert about["numpy"] == np.__version__
    host = platform.node()
    assert not host or len(host) < 4 or host not in text
    assert sys.prefix not in text
    assert os.path.expanduser("~") not in text


def test_the_machine_says_which_products_run(monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    about = machine()
    assert "is set" not in describe(about)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    about = machine()
    assert "OPENBLAS_CORETYPE=Nehalem is set" in describe(about)
    if about["blas"]:
        assert f"OpenBLAS for {about['blas']}" in describe(about)


def test_without_kernels_being_built_bytecode_is_kept(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in interleave.environment()
    assert interleave.environment(TINYLLM_CACHE="x")["TINYLLM_CACHE"] == "x"
