import numpy as np
import pytest

import tinyllm
from tinyllm.bench import translation
from tinyllm.bench.cases import initial_weight
from tinyllm.bench.interleave import WorkerDied
from tinyllm.bench.suite import Options
from tinyllm.bench.translation_batches import BATCH, batches, config, takes_muon
from tinyllm.models import Seq2Seq
from tinyllm.training.display import Display
from tinyllm.training.optimizers import block_matrices

torch = pytest.importorskip("torch")
from tinyllm.bench.torch_translation import TorchSeq2Seq  # noqa: E402 - needs torch


def test_both_sides_have_the_same_weights_and_compute_the_same():
    ours, theirs = Seq2Seq(config()), TorchSeq2Seq(config())
    own, other = dict(ours.named_parameters()), dict(theirs.named_parameters())
    assert {n: tuple(p.shape) for n, p in own.items()} == {
        n: tuple(p.shape) for n, p in other.items()
    }
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.array[...] = initial_weight(name, parameter.shape, 3)
            other[name].copy_(torch.from_numpy(parameter.array))
    for model in (ours, theirs):
        model.train()
        for module in model.modules():  # smoothing as in training, nothing dropped
            if hasattr(module, "p"):
                module.p = 0.0
            if type(module).__name__ == "MultiheadAttention":
                module.dropout = 0.0
    batch = batches()[0]
    parts = [x[:5] for x in (batch.source, batch.decoder_input, batch.labels, batch.source_padding)]
    loss, expected = (
        model.loss(*map(as_tensor, parts))
        for model, as_tensor in ((ours, tinyllm.tensor), (theirs, torch.from_numpy))
    )
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for name, parameter in own.items():
        np.testing.assert_allclose(
            parameter.grad.numpy(), other[name].grad.numpy(), rtol=2e-3, atol=1e-5, err_msg=name
        )


def test_muon_has_what_it_has_in_training():
    model = Seq2Seq(config())
    named = [p for name, p in model.named_parameters() if takes_muon(name, p.shape)]
    assert [id(p) for p in named] == [id(p) for p in block_matrices(model)]


def test_batches_are_whole_and_padded():
    made = batches()
    assert len(made) == translation.STEPS
    assert all(batch.source.shape[0] == BATCH for batch in made)
    assert any(batch.source_padding.any() for batch in made)


def test_the_report_and_a_side_that_dies(monkeypatch):
    results = {
        "threads": {"tinyllm": 2, "torch": 2}, "rounds": {"tinyllm": 3, "torch": 3}, "notes": [],
        "tokens": 1900.0, "seconds": {"tinyllm": 0.5, "torch": 0.75},
    }  # fmt: skip
    text = translation.translation_report(results)
    assert "500.0 ms" in text
    assert "PyTorch takes 1.50 times as long" in text

    def dies(name, spec):
        raise WorkerDied(f"{name} ended (code 7)")

    monkeypatch.setattr(translation, "Worker", dies)
    with pytest.raises(WorkerDied, match="tinyllm ended"):
        translation.run_translation(Options(), Display(False))
