import numpy as np
import pytest

import tinyllm
from tinyllm.training import Trainer, TrainingDiverged, latest_checkpoint, load_checkpoint
from tinyllm.training.divergence import first_nonfinite_layer


def plant(trainer, step, damage):
    """Do harm to the model just before the update that leads to `step`."""
    update = trainer.learner.update

    def harmed():
        if trainer.step == step - 1:
            damage(trainer.model)
        return update()

    trainer.learner.update = harmed


@pytest.mark.parametrize(
    "layer",
    ["token_embedding", "blocks.0.norm_1", "blocks.1.attention.qkv", "blocks.1.mlp.down", "norm"],
)
def test_names_the_first_layer(make_trainer, layer):
    trainer = make_trainer(model={"dropout": 0.1})

    def damage(model):
        weight = model.get_submodule(layer).weight.array
        weight[..., 0] = np.nan

    plant(trainer, 7, damage)
    with pytest.raises(TrainingDiverged) as stop:
        trainer.train()
    message = str(stop.value)
    assert stop.value.step == 7
    assert stop.value.layer == layer
    assert "stopped at step 7: the loss became nan. The first layer whose output is not " in message
    assert f"finite is {layer} (" in message
    assert "numbers in its weight (" in message
    assert "--learning-rate 0.003" in message
    # weights that are not finite are not saved; the last checkpoint is there and goes on
    assert latest_checkpoint(trainer.run.checkpoints).name == "step-000004"
    Trainer.resume(trainer.run.path, progress=False).train()


def test_what_was_before_is_saved(make_trainer):
    whole = make_trainer("whole")
    whole.train()
    trainer = make_trainer()
    loss = trainer.model.loss
    calls = []

    def loss_with_one_nan(ids, targets):
        calls.append(1)
        return loss(ids, targets) * (float("nan") if len(calls) == 7 else 1.0)

    trainer.model.loss = loss_with_one_nan
    # the rehearsal calls it once, so step 6 is the one that goes wrong
    with pytest.raises(TrainingDiverged, match=r"stopped at step 6: .*not finite is the loss"):
        trainer.train()
    assert load_checkpoint(latest_checkpoint(trainer.run.checkpoints)).step == 5
    resumed = Trainer.resume(trainer.run.path, progress=False)
    resumed.train()
    for name, tensor in whole.model.state_dict().items():
        np.testing.assert_array_equal(tensor.array, resumed.model.state_dict()[name].array)


def test_a_gradient_that_is_not_finite(make_trainer):
    trainer = make_trainer()
    weights = {name: t.array.copy() for name, t in trainer.model.state_dict().items()}
    state = trainer.learner.random_state()
    trainer.model.blocks[0].mlp.up.weight.register_hook(
        lambda grad: tinyllm.full(grad.shape, float("inf"))
    )
    with pytest.raises(TrainingDiverged, match=r"the gradient's norm became inf") as stop:
        trainer.learner.update()
    assert stop.value.layer == "blocks.0.mlp.up.weight"
    for name, tensor in trainer.model.state_dict().items():
        np.testing.assert_array_equal(tensor.array, weights[name])
    assert trainer.learner.random_state() == state


def test_a_rate_far_too_high_is_caught(make_trainer):
    trainer = make_trainer(learning_rate=1e30, clip_norm=0.0, max_steps=50, checkpoint_every=1)
    with np.errstate(all="ignore"), pytest.raises(TrainingDiverged, match=r"--clip-norm 1"):
        trainer.train()


def test_hooks_are_removed(make_trainer):
    model = make_trainer().model
    ids = tinyllm.zeros(1, 4, dtype=tinyllm.int64)
    assert first_nonfinite_layer(model, ids, ids) is None
    assert not any(module._forward_hooks for module in model.modules())
