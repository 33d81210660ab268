import os
import signal
import threading

import numpy as np
import pytest
from run_comparison import without_times

from tinyllm.training import Run, Trainer, TrainingInterrupted, latest_checkpoint, read_metrics
from tinyllm.training.interruption import Interruption


def interrupt_at(trainer, step, number=signal.SIGINT):
    """Send a signal in the midst of the update that leads to `step`."""
    update = trainer.learner.update

    def interrupted():
        if trainer.step == step - 1:
            os.kill(os.getpid(), number)
        return update()

    trainer.learner.update = interrupted


def weights_in(folder):
    return {k: v.array for k, v in Run(folder).model().state_dict().items()}


def assert_same_run(one, two):
    assert without_times(read_metrics(one / "metrics.jsonl")) == without_times(
        read_metrics(two / "metrics.jsonl")
    )
    assert (one / "samples.txt").read_bytes() == (two / "samples.txt").read_bytes()
    a, b = weights_in(one), weights_in(two)
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("step", [1, 4, 6, 11])
def test_resumes_bit_for_bit(make_trainer, step):
    model = {"dropout": 0.2}
    whole = make_trainer("whole", model=model, accumulation_steps=2)
    whole.train()
    broken = make_trainer("broken", model=model, accumulation_steps=2)
    interrupt_at(broken, step)
    with pytest.raises(TrainingInterrupted, match=f"stopped at step {step} of 12.*--resume") as e:
        broken.train()
    assert e.value.signal == signal.SIGINT
    assert latest_checkpoint(broken.run.checkpoints).name == f"step-{step:06d}"
    Trainer.resume(broken.run.path, progress=False).train()
    assert_same_run(whole.run.path, broken.run.path)


def test_resumes_a_llama_twice(make_trainer):
    model = {
        "positions": "rotary",
        "norm": "rms",
        "activation": "swiglu",
        "bias": False,
        "heads": 4,
        "kv_heads": 2,
        "tie_embeddings": False,
    }
    whole = make_trainer("whole", model=model)
    whole.train()
    broken = make_trainer("broken", model=model)
    for step in (5, 9):
        interrupt_at(broken, step, signal.SIGTERM)
        with pytest.raises(TrainingInterrupted) as stop:
            broken.train()
        assert stop.value.signal == signal.SIGTERM
        broken = Trainer.resume(broken.run.path, progress=False)
    broken.train()
    assert_same_run(whole.run.path, broken.run.path)


def test_goes_on_in_the_same_process(make_trainer):
    whole, broken = make_trainer("whole"), make_trainer("broken")
    whole.train()
    interrupt_at(broken, 7)
    with pytest.raises(TrainingInterrupted):
        broken.train()
    broken.train()
    assert_same_run(whole.run.path, broken.run.path)


def test_rows_after_the_checkpoint_are_cut_off(make_trainer):
    whole = make_trainer("whole")
    whole.train()
    broken = make_trainer("broken")
    interrupt_at(broken, 5)
    with pytest.raises(TrainingInterrupted):
        broken.train()
    with open(broken.run.metrics, "a", encoding="utf-8") as file:
        file.write('{"step": 6, "train_loss": 9.9}\n{"step": 7, "train_l')  # then killed
    with open(broken.run.samples, "a", encoding="utf-8") as file:
        file.write("===== step 6\nnonsense")
    Trainer.resume(broken.run.path, progress=False).train()
    assert_same_run(whole.run.path, broken.run.path)


def test_goes_on_from_an_older_checkpoint(make_trainer):
    trainer = make_trainer()
    trainer.train()
    before, samples = weights_in(trainer.run.path), trainer.run.samples.read_bytes()
    rows = without_times(read_metrics(trainer.run.metrics))
    Trainer.resume(trainer.run.checkpoints / "step-000008", progress=False).train()
    after = weights_in(trainer.run.path)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert without_times(read_metrics(trainer.run.metrics)) == rows
    assert trainer.run.samples.read_bytes() == samples


def test_runs_further_when_told(make_trainer):
    trainer = make_trainer(decay_steps=20)
    trainer.train()
    further = Trainer.resume(trainer.run.path, progress=False, max_steps=20)
    result = further.train()
    assert result.steps == 20
    whole = make_trainer("whole", max_steps=20, decay_steps=20)
    whole.train()
    a, b = weights_in(trainer.run.path), weights_in(whole.run.path)
    assert all(np.array_equal(a[name], b[name]) for name in a)
    with pytest.raises(ValueError, match=r"max_steps = 15 is below the 20 steps"):
        Trainer.resume(trainer.run.path, progress=False, max_steps=15)


def test_a_finished_run_is_measured_again(make_trainer):
    trainer = make_trainer()
    first = trainer.train()
    rows, samples = (
        without_times(read_metrics(trainer.run.metrics)),
        trainer.run.samples.read_bytes(),
    )
    again = Trainer.resume(trainer.run.path, progress=False).train()
    assert again.evaluation == first.evaluation
    assert without_times(read_metrics(trainer.run.metrics)) == rows
    assert trainer.run.samples.read_bytes() == samples


def test_without_a_checkpoint_it_starts_again(make_trainer):
    whole, early = make_trainer("whole"), make_trainer("early")
    whole.train()
    Trainer.resume(early.run.path, progress=False).train()
    assert_same_run(whole.run.path, early.run.path)


def test_given_weights_cannot_be_made_again(make_trainer, corpus, tmp_path):
    first = make_trainer()
    trainer = Trainer(first.model, corpus, first.tokenizer, first.config, tmp_path / "given", False)
    with pytest.raises(ValueError, match=r"began from weights that were given"):
        Trainer.resume(trainer.run.path)
    interrupt_at(trainer, 2)
    with pytest.raises(TrainingInterrupted):
        trainer.train()
    Trainer.resume(trainer.run.path, progress=False).train()


def test_interrupted_while_measuring_at_the_end(make_trainer, monkeypatch):
    trainer = make_trainer()
    monkeypatch.setattr(
        "tinyllm.training.report.final_row", lambda result: os.kill(os.getpid(), signal.SIGINT)
    )
    with pytest.raises(TrainingInterrupted, match=r"after the last step; for the final"):
        trainer.train()
    monkeypatch.undo()
    whole = make_trainer("whole")
    whole.train()
    Trainer.resume(trainer.run.path, progress=False).train()
    assert_same_run(whole.run.path, trainer.run.path)


def test_another_model_in_the_checkpoint(make_trainer):
    trainer = make_trainer(max_steps=1)
    trainer.train()
    config = trainer.run.config
    text = config.read_text(encoding="utf-8").replace('"layers": 2', '"layers": 1')
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"step-000001 does not fit .*config.json: Unexpected"):
        Trainer.resume(trainer.run.path, progress=False)
    with pytest.raises(FileNotFoundError, match=r"is no run's folder"):
        Trainer.resume(trainer.run.path / "nowhere", progress=False)


def test_a_second_signal_stops_at_once():
    said = []

    def two_signals_in_one_step():
        with Interruption(said.append) as interruption, interruption.postponed():
            os.kill(os.getpid(), signal.SIGINT)
            assert said  # and goes on
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as stop:
        two_signals_in_one_step()
    assert not isinstance(stop.value, TrainingInterrupted)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_trains_outside_the_main_thread(make_trainer):
    trainer, results = make_trainer(max_steps=2), []
    thread = threading.Thread(target=lambda: results.append(trainer.train()))
    thread.start()
    thread.join()
    assert results[0].steps == 2


def test_interrupted_before_the_first_step(make_trainer):
    whole, early = make_trainer("whole"), make_trainer("early")
    whole.train()
    early._say_progress = lambda row: os.kill(os.getpid(), signal.SIGINT)  # row 0 is written
    with pytest.raises(TrainingInterrupted, match=r"before the first step; to start again"):
        early.train()
    Trainer.resume(early.run.path, progress=False).train()
    assert_same_run(whole.run.path, early.run.path)


@pytest.mark.parametrize("step", [2, 7])
def test_resumes_muon_and_the_average(make_trainer, step):
    how = {"optimizer": "muon", "average_decay": 0.9, "model": {"dropout": 0.2}}
    whole = make_trainer("whole", **how)
    whole.train()
    broken = make_trainer("broken", **how)
    interrupt_at(broken, step)
    with pytest.raises(TrainingInterrupted):
        broken.train()
    with pytest.raises(ValueError, match=r"is trained by muon, which cannot change"):
        Trainer.resume(broken.run.path, progress=False, optimizer="adamw")
    Trainer.resume(broken.run.path, progress=False).train()
    assert_same_run(whole.run.path, broken.run.path)
