"""The ladder of the speedrun: its rungs, a climb on a made-up text, the table and the picture."""

import dataclasses
import json
import random

import pytest
from typer.testing import CliRunner

from tinyllm.bench import speedrun
from tinyllm.bench.speedrun_report import report, summaries
from tinyllm.bench.speedrun_rungs import chosen, ladder
from tinyllm.cli import app
from tinyllm.training import Trainer
from tinyllm.training.config import preset
from tinyllm.training.display import Display
from tinyllm.viz import png
from tinyllm.viz.speedrun import ladder_picture


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("speedrun") / "text.txt"
    draw = random.Random(0)
    path.write_text("".join(draw.choice("the cat sat on a mat\n") for _ in range(6000)))
    return path


def test_the_last_rung_is_the_preset():
    top, wanted = ladder()["speedrun"], preset("speedrun")
    assert top.model == wanted.model
    assert top.training == wanted.training


def test_each_rung_changes_what_it_says_and_no_more():
    recipes = list(ladder().values())
    assert recipes[0].training == recipes[1].training == preset("char").training
    for before, here in zip(recipes[1:], recipes[2:], strict=False):
        changed = {name for name, value in here.model.items() if before.model.get(name) != value}
        assert changed == set(here.rung.model)
        old, new = dataclasses.asdict(before.training), dataclasses.asdict(here.training)
        changed = {name for name in new if new[name] != old[name]}
        assert changed | {"muon_learning_rate"} == {*here.rung.training} | {"muon_learning_rate"}
    assert chosen(["muon"])[0].rung.name == "muon"
    with pytest.raises(ValueError, match="no rung 'frob'; there are: pytorch, recipe"):
        chosen(["frob"])


def test_the_preset_trains(text, tmp_path):
    trainer = Trainer.from_preset("speedrun", text, tmp_path / "run", False, max_steps=3)
    assert trainer.train().steps == 3


def test_a_climb(text):
    options = speedrun.Options(str(text), ("recipe", "speedrun"), 2, every=2, most_steps=4)
    results = speedrun.run(options, Display(False))
    assert [(r["rung"], r["seed"]) for r in results["runs"]] == [
        ("recipe", 0), ("speedrun", 0), ("recipe", 1), ("speedrun", 1),
    ]  # fmt: skip
    for each in results["runs"]:
        assert [row["step"] for row in each["rows"]] == [2, 4]
        assert 0 < each["rows"][0]["seconds"] < each["rows"][1]["seconds"]
        assert each["rows"][1]["seconds"] < each["rows"][1]["with_measuring"]
    json.dumps(results)
    assert "speedrun" in report(results)
    curves = {entry["rung"]: list(entry["runs"].values()) for entry in summaries(results)}
    assert png(ladder_picture(curves, 1.88)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rung", "frob"], "no rung 'frob'"),
        (["--seeds", "0"], "must be at least 1"),
    ],
)
def test_what_is_not_there(arguments, message):
    result = CliRunner().invoke(app, ["bench", "speedrun", *arguments])
    assert result.exit_code == 1
    assert message in str(result.exception)
