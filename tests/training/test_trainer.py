import json
import math

import numpy as np
import pytest
from run_comparison import without_times

import tinyllm
from tinyllm.data import Windows
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.text import ByteTokenizer
from tinyllm.training import Run, TrainConfig, Trainer, read_metrics
from tinyllm.training.display import Display
from tinyllm.training.learner import Learner
from tinyllm.training.optimizers import make_optimizers
from tinyllm.training.sources import RandomWindows
from tinyllm.viz import LiveLoss


def weights_of(trainer):
    return {name: tensor.array.copy() for name, tensor in trainer.model.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_overfits_one_batch():
    tinyllm.manual_seed(0)
    tokens = np.random.default_rng(0).integers(0, 50, 17)  # one window of 16
    model = Decoder(DecoderConfig(vocab_size=50, context_length=16, layers=2, width=32))
    config = TrainConfig(max_steps=80, batch_size=1, learning_rate=1e-2, warmup_steps=5)
    learner = Learner(model, RandomWindows(Windows(tokens, 16), 1, tinyllm.Generator(0)), config)
    losses = [learner.update()["train_loss"] for _ in range(80)]
    assert losses[0] == pytest.approx(math.log(50), abs=0.3)  # it begins knowing nothing
    assert losses[-1] < 0.02


def test_a_live_curve_gets_every_row_of_the_log(make_trainer, capsys):
    trainer = make_trainer()
    trainer.display = Display(LiveLoss())
    trainer.train()
    assert trainer.display.live.rows == trainer.log.rows
    assert trainer.display.live.rows[0]["step"] == 0
    assert trainer.display.live.rows[-1]["final"]
    assert "Loss, 14 steps: training" in capsys.readouterr().out


def test_a_run_leaves_what_it_should(make_trainer):
    trainer = make_trainer()
    result = trainer.train()
    folder = trainer.run.path
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.json",
        "tokenizer.json",
        "train.tokens",
        "validation.tokens",
        "metrics.jsonl",
        "samples.txt",
        "checkpoints",
        "model.safetensors",
        "loss.png",
    }
    assert [path.name for path in sorted((folder / "checkpoints").iterdir())] == [
        "step-000008",
        "step-000012",
    ]
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "samples.txt").read_text(encoding="utf-8").count("=====") >= 2
    assert equal(
        weights_of(trainer), {k: v.array for k, v in Run(folder).model().state_dict().items()}
    )
    assert "next: tinyllm generate --run" in str(result)
    assert f"{result.evaluation.loss:.4f} nats per token" in str(result)


def test_metrics_have_every_step_and_end_with_the_final_measurement(make_trainer):
    trainer = make_trainer()
    result = trainer.train()
    rows = read_metrics(trainer.run.metrics)
    assert [row["step"] for row in rows] == [*range(13), 12]
    assert [row["step"] for row in rows if "val_loss" in row] == [0, 4, 8, 12]
    assert all("train_loss" in row and "grad_norm" in row for row in rows[1:-1])
    last = rows[-1]
    assert last["val_loss"] == result.evaluation.loss
    assert last["perplexity"] == pytest.approx(math.exp(last["val_loss"]))
    # one token is one byte here
    assert last["bits_per_byte"] == pytest.approx(last["val_loss"] / math.log(2))
    assert last["val_tokens"] == len(trainer.validation) - 1


def test_same_seed_same_bits(make_trainer):
    dropout = {"dropout": 0.2}
    one, two = make_trainer("one", model=dropout), make_trainer("two", model=dropout)
    other = make_trainer("other", model=dropout, seed=5)
    tinyllm.rand(3)  # whatever a user does in between changes nothing
    for trainer in (one, two, other):
        trainer.train()
    assert equal(weights_of(one), weights_of(two))
    assert not equal(weights_of(one), weights_of(other))
    rows = [without_times(read_metrics(trainer.run.metrics)) for trainer in (one, two, other)]
    assert rows[0] == rows[1] != rows[2]
    assert one.run.samples.read_text() == two.run.samples.read_text()


def test_measuring_and_sampling_change_nothing(make_trainer):
    often = make_trainer("often", eval_every=1, sample_every=1, checkpoint_every=1)
    never = make_trainer("never", eval_every=99, sample_every=99, checkpoint_every=99)
    often.train(), never.train()
    assert equal(weights_of(often), weights_of(never))


def test_accumulation_is_one_larger_batch(make_trainer):
    small = make_trainer("small", batch_size=2, accumulation_steps=3)
    large = make_trainer("large", batch_size=6)
    for _ in range(3):
        a, b = small.learner.update(), large.learner.update()
        assert a["train_loss"] == pytest.approx(b["train_loss"], rel=1e-5)
        assert a["grad_norm"] == pytest.approx(b["grad_norm"], rel=1e-4)


def test_weight_decay_is_on_matrices_only(make_trainer):
    model = make_trainer(model={"bias": True}).model
    (optimizer,) = make_optimizers(model, TrainConfig(weight_decay=0.3))
    groups = optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0]
    assert all(p.ndim >= 2 for p in groups[0]["params"])
    assert all(p.ndim < 2 for p in groups[1]["params"])
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_learning_rate_is_nanogpts():
    config = TrainConfig(
        max_steps=2000, learning_rate=1e-3, min_learning_rate=1e-4, warmup_steps=100
    )

    def nanogpt(it):
        if it < 100:
            return 1e-3 * (it + 1) / (100 + 1)
        if it > 2000:
            return 1e-4
        ratio = (it - 100) / (2000 - 100)
        return 1e-4 + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (1e-3 - 1e-4)

    for step in (0, 1, 50, 99, 100, 101, 1000, 1999, 2000, 5000):
        assert config.learning_rate_at(step) == pytest.approx(nanogpt(step), rel=1e-12)


@pytest.mark.parametrize("decay", ["cosine", "linear"])
def test_a_learning_rate_with_a_plateau(decay):
    config = TrainConfig(
        max_steps=110, learning_rate=1.0, min_learning_rate=0.1, warmup_steps=10, decay=decay,
        decay_share=0.4,
    )  # fmt: skip
    rates = [config.learning_rate_at(step) for step in range(130)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[9] < 1
    assert rates[10:71] == [1.0] * 61
    assert rates[71:111] == sorted(rates[71:111], reverse=True)
    assert rates[71] < 1
    assert rates[90] == pytest.approx(0.55)
    assert rates[110:] == [pytest.approx(0.1)] * 20


@pytest.mark.parametrize("share", [0, 1.1, -1, math.nan])
def test_a_share_of_the_steps_that_cannot_be(share):
    with pytest.raises(ValueError, match=r"decay_share = .* is not in \(0, 1\]|is not 0 or more"):
        TrainConfig(decay_share=share)


def test_the_rate_in_the_metrics_is_the_schedules(make_trainer):
    trainer = make_trainer()
    trainer.train()
    for row in read_metrics(trainer.run.metrics)[1:-1]:
        expected = trainer.config.learning_rate_at(row["step"] - 1)
        assert row["learning_rate"] == pytest.approx(expected, rel=1e-12)


def test_clipping_bounds_the_update(make_trainer):
    trainer = make_trainer(clip_norm=1e-3)
    trainer.learner._gradients()
    norm = math.sqrt(sum((p.grad.array**2).sum() for p in trainer.model.parameters()))
    assert norm == pytest.approx(1e-3, rel=1e-3)
    free = make_trainer("free", clip_norm=0.0)
    _, before, _ = free.learner._gradients()
    norm = math.sqrt(sum((p.grad.array**2).sum() for p in free.model.parameters()))
    assert norm == pytest.approx(before, rel=1e-4)
    assert norm > 0.1


def test_presets_and_char_tokenizer(tmp_path):
    text = tmp_path / "book.txt"
    text.write_text("to be or not to be, that is the question\n" * 60, encoding="utf-8")
    sizes = {"layers": 1, "width": 16, "context_length": 8}
    trainer = Trainer.from_preset(
        "char", text, tmp_path / "run", False, sizes, max_steps=2, sample_tokens=5, threads=1
    )
    assert trainer.tokenizer.vocab_size == len(set(text.read_text(encoding="utf-8")))
    assert trainer.config.beta2 == 0.99
    assert not trainer.model.config.bias
    trainer.train()
    with pytest.raises(ValueError, match=r"preset 'huge' is not known; there are: quick, char"):
        Trainer.from_preset("huge")


def test_default_folder_counts_up(make_trainer, corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = DecoderConfig(vocab_size=256, context_length=8, layers=1, heads=1, width=8)
    for number in (1, 2):
        config = TrainConfig(max_steps=1, sample_tokens=2)
        trainer = Trainer(model, corpus, ByteTokenizer(), config, progress=False)
        assert trainer.run.path.as_posix() == f"runs/fox-00{number}"


def test_a_folder_with_a_run_is_refused(make_trainer):
    trainer = make_trainer()
    trainer.train()
    before = trainer.run.metrics.read_bytes()
    with pytest.raises(ValueError, match=r"holds a finished run: go on with it by --resume .*run,"):
        make_trainer()
    (trainer.run.path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"holds a run that was stopped: .*--resume"):
        make_trainer()
    assert trainer.run.metrics.read_bytes() == before


def test_a_folder_killed_early_is_used_again(make_trainer, tmp_path):
    make_trainer()  # as if killed before its first step
    (tmp_path / "run" / ".partial-1-train.tokens").write_bytes(b"half")
    trainer = make_trainer()
    trainer.train()
    assert read_metrics(trainer.run.metrics)[-1]["final"]
    assert not list(trainer.run.path.glob(".partial*"))


def test_a_folder_with_other_things_is_refused(make_trainer, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds other things, such as 'thesis.txt'"):
        make_trainer()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"is a file"):
        make_trainer("file")


def test_sizes_that_do_not_fit(make_trainer, corpus, tmp_path):
    with pytest.raises(ValueError, match=r"vocab_size 300 is not the tokenizer's 256"):
        Trainer(DecoderConfig(vocab_size=300), corpus, ByteTokenizer(), out=tmp_path / "x")
    with pytest.raises(ValueError, match=r"the training text has 2000 tokens, too few"):
        make_trainer(model={"context_length": 5000})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_steps": 0}, r"max_steps = 0 is not 1 or more"),
        ({"learning_rate": -1.0}, r"learning_rate = -1.0 is not above 0"),
        ({"learning_rate": float("nan")}, r"learning_rate = nan"),
        ({"beta1": 1.0}, r"beta1 = 1.0 is not in \[0, 1\)"),
        ({"learning_rate": 1e-5}, r"min_learning_rate = 0.0001 is above learning_rate = 1e-05"),
        ({"sample_prompt": ""}, r"sample_prompt = '' is not a text of at least one character"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)


def test_settings_of_a_wrong_kind():
    with pytest.raises(TypeError, match=r"batch_size = 2.5 is a float, not int"):
        TrainConfig(batch_size=2.5)
    with pytest.raises(TypeError, match=r"decay_steps = 'x' is a str, not int or None"):
        TrainConfig(decay_steps="x")
    with pytest.raises(ValueError, match=r"unknown settings \['lr'\]"):
        TrainConfig.from_dict({"lr": 1})
    assert TrainConfig.from_dict(json.loads(json.dumps(TrainConfig().to_dict()))) == TrainConfig()


def test_the_newest_run_is_found(make_trainer, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no trained model in"):
        Run.newest(tmp_path)
    make_trainer("one", max_steps=1).train()
    make_trainer("two", max_steps=1)  # never trained
    assert Run.newest(tmp_path).path.name == "one"
    make_trainer("three", max_steps=1).train()
    assert Run.newest(tmp_path).path.name == "three"


def test_damaged_run_files_are_errors(make_trainer):
    trainer = make_trainer(max_steps=1)
    trainer.train()
    run, config = trainer.run, trainer.run.config.read_text(encoding="utf-8")
    run.config.write_text(config.replace('"width": 16', '"width": 12'), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"does not fit .*config.json: size mismatch .*; and 25 more"
    ):
        run.model()
    run.config.write_text(config.replace('"layers"', '"layer"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"config.json: DecoderConfig: unknown keys \['layer'\]"):
        run.model()
    run.config.write_text(config[: len(config) // 2], encoding="utf-8")
    with pytest.raises(ValueError, match=r"not valid JSON"):
        run.model()
    run.config.write_text(config, encoding="utf-8")
    run.weights.write_bytes(run.weights.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"not a safetensors file that can be read"):
        run.model()
    with pytest.raises(FileNotFoundError, match=r"is no run's folder"):
        Run.open(run.path.parent)
