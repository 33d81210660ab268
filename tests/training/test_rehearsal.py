import numpy as np

import tinyllm
from tinyllm.kernels.cache import progress
from tinyllm.training.display import Display
from tinyllm.training.rehearsal import build_kernels, rehearse


def test_leaves_no_trace(make_trainer):
    model = make_trainer(model={"dropout": 0.3}).model
    weights = {name: t.array.copy() for name, t in model.state_dict().items()}
    state = tinyllm.default_generator.get_state()
    rehearse(model)
    assert tinyllm.default_generator.get_state() == state
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.array, weights[name])


def test_what_is_built_is_shown(make_trainer, monkeypatch, capsys):
    model = make_trainer().model

    def builds_two(*_):
        for name in ("softmax", "linear"):
            progress.begins(name)
            progress.ended()

    build_kernels(model, Display(True))  # from here on all is in the cache
    capsys.readouterr()
    build_kernels(model, Display(True))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("tinyllm.training.rehearsal.rehearse", builds_two)
    build_kernels(model, Display(True))
    out, err = capsys.readouterr()
    assert out == ""
    assert "building kernels (once) 100%" in err
    assert "linear" in err
    build_kernels(model, Display(False))
    assert capsys.readouterr() == ("", "")
    assert progress.listener is None
