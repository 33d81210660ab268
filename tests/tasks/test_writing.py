"""Writing: pieces to learn from, a model, what it writes, and the command."""

import pytest
from typer.testing import CliRunner

from tinyllm import random
from tinyllm.cli import app
from tinyllm.data.functions_of_code import short_functions
from tinyllm.tasks import writing

PIECES = [f"A little piece, the number {n}.\nIt has two lines." for n in range(40)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writing")
    (folder / "mine.txt").write_text("\n%\n".join(PIECES))
    settings = {"layers": 1, "heads": 2, "width": 16, "context_length": 32}
    trainer = writing.make_trainer(
        "poem", folder / "mine.txt", folder / "run", False, settings, 300,
        max_steps=3, batch_size=2, eval_every=3, warmup_steps=1,
    )  # fmt: skip
    trainer.train()
    return folder / "run"


def test_pieces_of_a_file(tmp_path):
    path = tmp_path / "poems.txt"
    path.write_text("\n\n".join(f"line {n}\nand another" for n in range(12)))
    assert writing.pieces("poem", path)[3] == "line 3\nand another"
    path.write_text("".join(f"To: a{n}\nSubject: b\n\nHi\n" for n in range(12)))
    assert writing.pieces("email", path)[0] == "To: a0\nSubject: b\n\nHi"
    path.write_text("a\n%\nb")
    with pytest.raises(ValueError, match=r"2 piece\(s\) of kind poem to learn from, at least 10"):
        writing.pieces("poem", path)
    path.write_text(writing.SEPARATOR * 20)
    with pytest.raises(ValueError, match="which stands between pieces: take it out"):
        writing.pieces("poem", path)
    with pytest.raises(ValueError, match="kind 'novel' is not known; there are: poem, email, code"):
        writing.pieces("novel")


def test_short_functions():
    source = "class A:\n    @property\n    def f(self):\n        return 1\n\n"
    source += "def g():\n    def h(): ...\n"
    assert list(short_functions(source)) == [
        "@property\ndef f(self):\n    return 1", "def g():\n    def h(): ...",
    ]  # fmt: skip
    assert list(short_functions(source, most_lines=2)) == ["def g():\n    def h(): ..."]
    with pytest.raises(ValueError, match="no Python source: line 1"):
        list(short_functions("def (:"))


def test_writes_and_reports(trained):
    writer = writing.Writer("poem", trained)
    assert [*writer.pieces_of("train"), *writer.pieces_of("validation")] == PIECES
    shown = []
    piece = writer.write("A little ", generator=random.Generator(1), show=shown.append)
    assert "".join(shown) == piece.text
    assert piece.text.startswith("A little")
    some = list(writing.written(writer, 3))
    assert [p.text for p in some] == [p.text for p in writing.written(writer, 3)]
    report = writing.report(writer, some)
    assert report.form.total == 3
    assert "right form" in str(report)
    assert writer.novelty(PIECES[0]).startswith("copied")
    assert writer.novelty("Something else.").startswith("new: 1 of 1 lines")
    with pytest.raises(ValueError, match="cannot stand in its first words"):
        writer.write(writing.SEPARATOR)
    with pytest.raises(ValueError, match="holds a finished run"):
        writing.make_trainer("poem", out=trained)


def run(*arguments):
    return CliRunner().invoke(app, ["write", *map(str, arguments)])


def test_the_command(trained, tmp_path):
    one = run("A little", "--run", trained, "--seed", 3)
    assert one.exit_code == 0, one.output
    assert one.stdout.startswith("A little")
    assert "form: " in one.stderr
    assert one.stdout == run("A little", "--run", trained, "--seed", 3).stdout
    many = run("--run", trained, "--count", 2, "--seed", 3)
    assert "2 pieces of kind poem" in many.stdout
    for arguments, message in (
        (("--max-steps", 3), "--max-steps is for training: add --train"),
        (("--kind", "novel"), "kind 'novel' is not known"),
        (("--run", tmp_path), "there is no trained model: train one with"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert message in str(result.exception)
