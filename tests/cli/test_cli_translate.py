import io
import json
import signal
import sys

import pytest
from cli_runs import wait_for

OPTIONS = "--train --size micro --stories 100 --batch-size 16 --threads 1 --eval-every 20"


@pytest.fixture
def micro(tinyllm):
    """`tinyllm translate --train` on a micro world, for a second."""
    return lambda *more: tinyllm("translate", *OPTIONS.split(), "--max-steps", 20, *more)


@pytest.fixture
def stdin(monkeypatch):
    def give(text):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return give


def test_train_then_translate(tinyllm, micro, stdin, text):
    done = micro()
    assert done.code == 0, done.err
    run = text.parent / "runs" / "translation-001"
    for name in ("scores.json", "attention.svg", "model.safetensors", "loss.png"):
        assert (run / name).is_file(), name
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert scores["num_beams"] == 5
    assert scores["length_penalty"] == 1.0
    for expected in ("BLEU", "chrF2", "greedy", "accepted", "5 beams, length penalty 1"):
        assert expected in done.out
    assert (run / "attention.svg").read_text(encoding="utf-8").startswith("<svg")

    one = tinyllm("translate", "Megan was a baker.")
    assert one.code == 0
    assert one.out.count("\n") == 1
    assert one.err == ""
    stdin("Megan was a baker.\n\nΩ was a baker.\n" + "long " * 300 + "\nMegan was a baker.")
    lines = tinyllm("translate", "--run", run)
    assert lines.out.split("\n") == [
        one.out.strip(), "", lines.out.split("\n")[2], "", one.out.strip(), ""
    ]  # fmt: skip
    assert "line 3: never seen in training, so a guess: Ω" in lines.err
    assert "line 4: translate: 'long" in lines.err
    assert "256 at most" in lines.err
    assert lines.code == 1

    refused = micro("--out", run, "--learning-rate", 0.5)
    assert refused.code == 1
    assert "learning_rate is" in refused.err
    assert micro("--out", run, "--progress").code == 0  # finished already: measured again


def test_files_and_a_decoder(tinyllm, text):
    for name, words in {"a": ("red", "blue"), "b": ("rot", "blau")}.items():
        lines = [f"{words[i % 2]} {i}\n" for i in range(60)]
        (text.parent / name).write_text("".join(lines), encoding="utf-8")
    options = "--train --data a --target b --model decoder --max-steps 2 --eval-every 1"
    done = tinyllm("translate", *options.split(), "--threads", 1)
    assert done.code == 0, done.err
    assert "48 pairs" in done.out
    assert not (text.parent / "runs" / "translation-001" / "attention.svg").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "no model trained for translation in runs/: train one"),
        ("--beams 0 x", "beams"),
        ("--preset pairs x", "--preset is for training: give --train too"),
        ("--learning-rate 1 x", "--learning-rate is for training"),
        ("--train text", "--train takes no text"),
        ("--train --data book.txt", "name the file with its translations too, by --target"),
        ("--train --data tinyworld --target book.txt", "has its own translations"),
        ("--train --data book.txt --target none.txt", "none.txt: there is no such file"),
        ("--train --size micro --preset fast", "preset 'fast' is not known"),
        ("--train --size giant", "'giant' is not full or mini or micro"),
        ("--train --size micro --model rnn", "'rnn' is not seq2seq or decoder"),
        ("--train --size micro --batch-size 0", "batch_size = 0"),
    ],
)
def test_bad_input_is_one_sentence(tinyllm, options, message, stdin, text):
    stdin("")
    done = tinyllm("translate", *options.split())
    assert done.code != 0
    assert message in done.err
    assert "Traceback" not in done.err
    assert not list((text.parent / "runs").glob("*"))


def test_an_empty_source(tinyllm):
    done = tinyllm("translate", "  ")
    assert done.code == 1
    assert "the text is empty, there is nothing to translate" in done.err


def test_ctrl_c_saves_and_the_same_command_goes_on(start, text, tinyllm):
    options = [*OPTIONS.split(), "--max-steps", 4000, "--out", "run"]
    process = start("translate", *options, "--checkpoint-every", 5)
    wait_for(lambda: list((text.parent / "run" / "checkpoints").glob("*")), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "all is saved; to go on: the same command with --out run" in err
    assert "Traceback" not in err
    assert tinyllm("translate", "Megan was a baker.", "--run", "run").code == 0
