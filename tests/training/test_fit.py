import dataclasses
import json
import math
import os
import signal

import numpy as np
import pytest
from run_comparison import without_times

import tinyllm
from tinyllm import Tensor, nn
from tinyllm.data import PackedStories, PairBatches
from tinyllm.nn import functional as F
from tinyllm.text import ByteTokenizer, CharTokenizer
from tinyllm.training import (
    LoaderSource,
    LoopConfig,
    Run,
    TaskConfig,
    TaskRun,
    TrainingDiverged,
    TrainingInterrupted,
    fit,
    latest_checkpoint,
    load_checkpoint,
    load_tensors,
    read_metrics,
)

VOCABULARY = 13
MUON = {"optimizer": "muon", "average_decay": 0.9}


class Translator(nn.Module):
    """The least that learns pairs: each token is told from the one before it and the source."""

    def __init__(self, width=16):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.blocks = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)])
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(width, VOCABULARY)

    def loss(self, source, target, labels):
        x = self.embedding(target) + self.embedding(source).mean(1, keepdim=True)
        for block in self.blocks:
            x = x + self.dropout(F.relu(block(x)))
        return F.cross_entropy(self.head(x).reshape(-1, VOCABULARY), labels.reshape(-1))


def to_tensors(batch):
    return Tensor(batch.source), Tensor(batch.decoder_input), Tensor(batch.labels)


def pairs(count=22, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, 6, (count, 2))
    return [(rng.integers(3, 13, s), [1, *rng.integers(3, 13, t), 2]) for s, t in lengths]


def settings(**changes):
    return {"task": "translation", "model": {"width": 16}, "data": {"name": "dice"}, **changes}


def config(**changes):
    few = {"max_steps": 14, "batch_size": 4, "eval_every": 3, "checkpoint_every": 4, "threads": 1}
    rates = {"learning_rate": 1e-2, "min_learning_rate": 1e-3, "warmup_steps": 3}
    return TaskConfig(**{**few, **rates, **changes})


def kept_aside(model):
    """The loss of pairs that are not learned from, and a random number, which must not matter."""
    assert not model.training
    tinyllm.rand(3)
    (batch,) = PairBatches(pairs(6, seed=1), 6, pad_id=0, shuffle=False)
    return {"val_loss": model.loss(*to_tensors(batch)).item()}


@pytest.fixture
def train(tmp_path):
    """fit() of next to nothing, with a model and a source of its own each time."""

    def train(out, *, data=None, at=None, told=None, before=None, **changes):
        how = {"evaluate": kept_aside, "choose_by": "-val_loss"}
        how |= {
            name: changes.pop(name) for name in [*how, "tokenizers", "go_on"] if name in changes
        }
        chosen = config(**changes)
        tinyllm.manual_seed(chosen.seed)
        model = Translator()
        loader = PairBatches(data or pairs(), chosen.batch_size, pad_id=0, seed=chosen.seed)
        source = LoaderSource(loader, to_tensors)
        if at is not None:
            interrupt_at(model, at)
        if before is not None:
            before(model)
        return fit(model, source, chosen, tmp_path / out, told or settings(), progress=False, **how)

    return train


def interrupt_at(model, batch, number=signal.SIGINT):
    """Send a signal amid a batch, counted from 1; the rehearsal comes before."""
    loss, calls = model.loss, []

    def interrupted(*given):
        calls.append(model.training)
        if model.training and sum(calls) == batch + 1:
            os.kill(os.getpid(), number)
        return loss(*given)

    model.loss = interrupted


def assert_same_run(one, two):
    assert without_times(read_metrics(one / "metrics.jsonl")) == without_times(
        read_metrics(two / "metrics.jsonl")
    )
    a, b = load_tensors(one / "model.safetensors"), load_tensors(two / "model.safetensors")
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("how", [{}, {"optimizer": "muon"}])
def test_overfits_one_batch_of_pairs(train, how):
    few = {"max_steps": 150, "evaluate": None, "choose_by": None, "weight_decay": 0.0}
    result = train("run", data=pairs(3), **few, **how)
    losses = [r["train_loss"] for r in read_metrics(result.run.metrics) if "train_loss" in r]
    assert losses[0] == pytest.approx(math.log(VOCABULARY), abs=0.6)
    assert np.mean(losses[-10:]) < 0.3
    assert result.metrics == {}
    assert result.kept_step == result.steps == 150


def test_leaves_what_it_should(train, tmp_path):
    told = {"source": ByteTokenizer(), "target": CharTokenizer.train(["abc"])}
    result = train("run", tokenizers=told, average_decay=0.9)
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "source",
        "target",
        "metrics.jsonl",
        "checkpoints",
        "model.safetensors",
        "loss.png",
    }
    run = TaskRun.open(folder, "translation")
    assert run.task == "translation"
    assert run.settings()["model"] == {"width": 16}
    assert run.settings()["data"]["name"] == "dice"
    assert run.training_config() == config(average_decay=0.9)
    assert run.tokenizer("target").decode([0, 1]) == "ab"
    model = run.load_weights(Translator())
    assert kept_aside(model.eval()) == result.metrics
    rows = read_metrics(run.metrics)
    assert [row["step"] for row in rows] == [*range(1, 15), 14]
    assert [row["step"] for row in rows if "val_loss" in row] == [3, 6, 9, 12, 14, 14]
    assert rows[-1]["final"]
    assert f"val loss {result.metrics['val_loss']:.4g}" in str(result)


@pytest.mark.parametrize("how", [{}, MUON, {"accumulation_steps": 3}, {**MUON, "choose_by": None}])
@pytest.mark.parametrize("step", [1, 5, 9, 13])
def test_goes_on_to_the_bit(train, tmp_path, how, step):
    whole = train("whole", **how)
    batches = step * how.get("accumulation_steps", 1)
    with pytest.raises(TrainingInterrupted, match=rf"stopped at step {step} of 14, all is saved"):
        train("broken", at=batches, **how)
    latest = latest_checkpoint(tmp_path / "broken" / "checkpoints")
    assert latest.name == f"step-{step:06d}"
    assert load_checkpoint(latest).state["random"]["order"]["batch"] == batches % 6
    result = train("broken", **how)
    assert_same_run(tmp_path / "whole", tmp_path / "broken")
    assert result.metrics == whole.metrics
    assert result.kept_step == whole.kept_step


def test_same_seed_same_bits(train, tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        train(name, seed=seed, **MUON)
    assert_same_run(tmp_path / "one", tmp_path / "two")
    with pytest.raises(AssertionError):
        assert_same_run(tmp_path / "one", tmp_path / "other")


def test_measuring_changes_nothing(train, tmp_path):
    often = train("often", eval_every=1, choose_by=None, **MUON)
    train("never", evaluate=None, choose_by=None, **MUON)
    a, b = (load_tensors(tmp_path / name / "model.safetensors") for name in ("often", "never"))
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert often.kept_step == 14


@pytest.mark.parametrize("choose_by", ["score", "-cost"])
def test_the_best_weights_are_kept(train, tmp_path, choose_by):
    seen = []

    def score(model):  # best at the third of five measurements
        seen.append({name: t.array.copy() for name, t in model.state_dict().items()})
        value = [1.0, 2.0, 7.0, math.nan, 7.0][(len(seen) - 1) % 5]
        return {"score": value, "cost": -value}

    how = {"evaluate": score, "choose_by": choose_by, "average_decay": 0.5}
    result = train("run", **how)
    assert result.kept_step == 9
    assert result.metrics == {"score": 7.0, "cost": -7.0}
    kept = load_tensors(tmp_path / "run" / "model.safetensors")
    assert all(np.array_equal(kept[name], seen[2][name]) for name in kept)
    assert not np.array_equal(kept["head.weight"], seen[4]["head.weight"])
    # also by a run that was stopped between the best and the end, and before it has ended
    seen.clear()
    with pytest.raises(TrainingInterrupted):
        train("broken", at=11, **how)
    assert np.array_equal(
        load_tensors(TaskRun(tmp_path / "broken").newest_weights())["head.weight"],
        kept["head.weight"],
    )
    assert train("broken", **how).kept_step == 9
    assert_same_run(tmp_path / "run", tmp_path / "broken")


def test_the_average_is_measured_and_kept(train):
    finals, averages = [], []

    def note(model):
        averages.append(model.head.weight.array.copy())
        return {}

    def watch(model):
        finals.append(model)

    how = {"eval_every": 1, "choose_by": None, "evaluate": note, "average_decay": 0.6}
    plain = []

    def note_plain(model):
        plain.append(model.head.weight.array.copy())
        return {}

    train("plain", **{**how, "evaluate": note_plain, "average_decay": None})
    train("run", before=watch, **how)
    tinyllm.manual_seed(1337)
    expected = Translator().head.weight.array.copy()
    for step, (weights, average) in enumerate(zip(plain, averages, strict=True), start=1):
        decay = min(0.6, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights
        np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(finals[0].head.weight.array, averages[-1])


def test_a_finished_run_gives_its_result_again(train, tmp_path):
    first = train("run", **MUON)
    before = without_times(read_metrics(first.run.metrics))

    def never(model):
        raise AssertionError("it is measured already")

    models = []
    again = train("run", before=models.append, evaluate=never, **MUON)
    assert again.metrics == first.metrics
    assert again.kept_step == first.kept_step
    assert without_times(read_metrics(first.run.metrics)) == before
    assert kept_aside(models[0].eval()) == first.metrics


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 2e-2}, r"training.learning_rate is 0.01 there and 0.02 here"),
        ({"max_steps": 20}, r"training.max_steps is 14 there and 20 here"),
        ({"data": pairs(22, seed=5)}, r"data.fingerprint is '\w+… there and '\w+… here"),
        ({"told": settings(model={"width": 8})}, r"model.width is 16 there and 8 here"),
        ({"told": settings(task="dialogue")}, r"task is 'translation' there and 'dialogue' here"),
        ({"choose_by": None}, r"choose_by is '-val_loss' there and None here"),
        ({"tokenizers": {"source": ByteTokenizer()}}, r"tokenizers.source is None there"),
    ],
)
def test_other_settings_are_refused(train, tmp_path, changes, message):
    with pytest.raises(TrainingInterrupted):
        train("run", at=5)
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    with pytest.raises(ValueError, match=message):
        train("run", **changes)
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before
    train("run")


def test_what_cannot_be_meant(train, tmp_path):
    with pytest.raises(ValueError, match=r"settings have task, model and data, got task"):
        train("run", told={"task": "x"})
    with pytest.raises(ValueError, match=r"choose_by='bleu' needs `evaluate`"):
        train("run", choose_by="bleu", evaluate=None)
    with pytest.raises(ValueError, match=r"choose_by='bleu' is not among .*: val_loss"):
        train("run", choose_by="bleu")
    with pytest.raises(ValueError, match=r"evaluate gave \['train_loss'\]"):
        train("two", choose_by=None, evaluate=lambda model: {"train_loss": 1.0})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds other things, such as 'thesis.txt'"):
        train("other")
    with pytest.raises(ValueError, match=r"optimizer = 'sgd' is not adamw or muon"):
        LoopConfig(optimizer="sgd")
    with pytest.raises(ValueError, match=r"average_decay = 1.0 is not in \[0, 1\)"):
        TaskConfig(average_decay=1.0)


def test_how_to_go_on_is_said(train, tmp_path):
    with pytest.raises(TrainingInterrupted, match=r"to go on: tinyllm translate --out .*run$"):
        train("run", at=2, go_on="tinyllm translate --out {folder}")


def test_divergence(train, tmp_path):
    def harmed(model):
        loss, calls = model.loss, []

        def planted(*batch):
            calls.append(1)
            return loss(*batch) * (float("nan") if len(calls) == 7 else 1.0)

        model.loss = planted

    how = {"evaluate": None, "choose_by": None}
    with pytest.raises(TrainingDiverged, match=r"step 6: .*\n.*lower learning_rate than 0.01"):
        train("run", before=harmed, **how)
    assert latest_checkpoint(tmp_path / "run" / "checkpoints").name == "step-000005"
    train("run", **how)
    train("whole", **how)
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_a_full_disk_loses_nothing(train, tmp_path, monkeypatch):
    save = tinyllm.training.loop.save_checkpoint

    def full(folder, step, *rest, **more):
        if step == 8:
            raise OSError(28, "No space left on device")
        return save(folder, step, *rest, **more)

    monkeypatch.setattr("tinyllm.training.loop.save_checkpoint", full)
    with pytest.raises(OSError, match="No space left"):
        train("run", **MUON)
    monkeypatch.undo()
    train("run", **MUON)
    train("whole", **MUON)
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_runs_of_tasks_and_of_texts_are_told_apart(train, make_trainer, tmp_path):
    train("task", max_steps=1)
    make_trainer("text", max_steps=1).train()
    train("later", max_steps=1, told=settings(task="dialogue"))
    assert Run.newest(tmp_path).path.name == "text"
    assert TaskRun.newest("translation", tmp_path).path.name == "task"
    assert TaskRun.newest("dialogue", tmp_path).path.name == "later"
    with pytest.raises(FileNotFoundError, match=r"no model trained for poems in"):
        TaskRun.newest("poems", tmp_path)
    with pytest.raises(ValueError, match=r"task holds a model for translation, not for dialogue"):
        TaskRun.open(tmp_path / "task", "dialogue")
    with pytest.raises(ValueError, match=r"text holds a model for continuing a text, not for"):
        TaskRun.open(tmp_path / "text", "dialogue")
    with pytest.raises(ValueError, match=r"task holds a model for translation, not one that cont"):
        Run.open(tmp_path / "task").model()


def test_a_task_may_have_settings_of_its_own(train, tmp_path):
    @dataclasses.dataclass(frozen=True)
    class TranslationConfig(TaskConfig):
        label_smoothing: float = 0.1

    train("run", max_steps=1)
    path = tmp_path / "run" / "config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["training"]["label_smoothing"] = 0.2
    path.write_text(json.dumps(told), encoding="utf-8")
    run = TaskRun.open(path.parent)
    assert run.training_config(TranslationConfig).label_smoothing == 0.2
    with pytest.raises(ValueError, match=r"unknown settings \['label_smoothing'\]"):
        run.training_config()


def test_muon_takes_the_matrices_inside_blocks():
    model = Translator()
    adamw, muon = tinyllm.training.optimizers.make_optimizers(
        model, LoopConfig(optimizer="muon", learning_rate=1e-2, weight_decay=0.1)
    )
    assert [id(p) for p in muon.param_groups[0]["params"]] == [id(b.weight) for b in model.blocks]
    assert sum(len(g["params"]) for g in adamw.param_groups) + 2 == len(list(model.parameters()))
    assert muon.param_groups[0]["lr"] == 0.02
    assert 0.02 * muon.param_groups[0]["weight_decay"] == pytest.approx(1e-2 * 0.1)
    with pytest.raises(ValueError, match=r"Linear has no matrices inside blocks"):
        tinyllm.training.optimizers.make_optimizers(nn.Linear(2, 2), LoopConfig(optimizer="muon"))


def test_all_rates_follow_one_schedule():
    learner = tinyllm.training.learner.Learner(
        Translator(), LoaderSource(PairBatches(pairs(), 4, pad_id=0), to_tensors), config(**MUON)
    )
    for step in range(6):
        share = config().learning_rate_at(step) / 1e-2
        rates = [group["lr"] for o in learner.optimizers for group in o.param_groups]
        np.testing.assert_allclose(rates, [1e-2 * share, 1e-2 * share, 0.02 * share])
        learner.update()


def test_sources_count_and_tell_data_apart():
    def source(data, **how):
        return LoaderSource(PairBatches(data, 4, pad_id=0, **how), to_tensors)

    one = source(pairs())
    tokens = 0
    for _ in range(6):  # an epoch
        one.next_batch()
        tokens += one.tokens
    assert tokens == sum(len(target) - 1 for _, target in pairs())
    marks = {
        source(data, **how).fingerprint()
        for data in (pairs(), pairs(21), [(t, s) for s, t in pairs()])
        for how in ({}, {"seed": 1}, {"pool": 2})
    }
    assert len(marks) == 9
    assert source(pairs()).fingerprint() == one.fingerprint()
    a, b = ([[3, 4], [5, 6]], [[3, 4, 5], [6]])
    assert len({PackedStories(x, 8, 2, pad_id=0).fingerprint() for x in (a, b)}) == 2
    with pytest.raises(ValueError, match=r"has neither labels nor targets: give `count`"):
        LoaderSource(PairBatches(pairs(), 4, pad_id=0), to_tensors).count(object())


def test_a_source_goes_back_to_an_earlier_epoch():
    source = LoaderSource(PairBatches(pairs(), 4, pad_id=0), to_tensors)
    place = source.state_dict()
    first = [source.next_batch() for _ in range(8)]  # two of them are of the second epoch
    source.load_state_dict(place)
    for before in first:
        for one, other in zip(before, source.next_batch(), strict=True):
            np.testing.assert_array_equal(one.array, other.array)
