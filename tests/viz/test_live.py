"""A live loss curve: one picture, drawn anew in its place, not too often; a line elsewhere."""

import json

import pytest

from tinyllm.training import display as display_of_training
from tinyllm.training.display import Display
from tinyllm.viz import LiveLoss, live

ipython = pytest.importorskip("IPython.display", reason="pip install -e '.[notebooks]'")


class Handle:
    def __init__(self, shown):
        self.shown = shown

    def update(self, image):
        self.shown.append(("update", image.data))


@pytest.fixture
def time(monkeypatch):
    """A clock that stands still until it is told to move."""
    now = [100.0]
    monkeypatch.setattr(live, "clock", lambda: now[0])
    return now


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would show: ("new" or "update", the picture's bytes)."""
    shown = []

    def display(image, display_id):
        assert display_id is True
        shown.append(("new", image.data))
        return Handle(shown)

    for module in (live, display_of_training):
        monkeypatch.setattr(module, "in_notebook", lambda: True)
    monkeypatch.setattr(ipython, "display", display)
    return shown


@pytest.fixture
def slow(monkeypatch, time):
    """Drawing takes so many seconds of that clock."""
    cost = [0.0]

    def png(figure):
        time[0] += cost[0]
        return b"\x89PNG" + str(len(figure.axes[0].lines)).encode()

    monkeypatch.setattr(live, "png", png)
    return cost


def test_one_picture_in_its_place_at_most_twice_a_second(shown, time, slow, capsys):
    with LiveLoss() as curve:
        for step in range(1, 101):  # 10 s, a step each tenth
            curve.add(step, 5 / step)
            time[0] += 0.1
    kinds = [kind for kind, _ in shown]
    assert kinds[0] == "new"
    assert set(kinds[1:]) == {"update"}
    assert 18 <= len(kinds) <= 21
    assert capsys.readouterr() == ("", "")


def test_drawing_takes_a_tenth_of_the_time(shown, time, slow):
    slow[0] = 0.5
    curve = LiveLoss()
    started, steps = time[0], 0
    while time[0] < started + 100:
        steps += 1
        curve.add(steps, 1.0)
        time[0] += 0.01
    assert 18 <= len(shown) <= 21
    assert len(shown) * slow[0] <= 0.11 * (time[0] - started)


def test_the_end_is_in_the_picture(shown, time, monkeypatch):
    drawn = []
    real = live.loss_curve
    monkeypatch.setattr(
        live, "loss_curve", lambda rows, *a, **k: (drawn.append(list(rows)), real(rows, *a, **k))[1]
    )
    curve = LiveLoss("Bigrams", label="bits")
    for step in (1, 2, 3):
        curve.add(step, 1.0 / step, val_loss=0.7 if step == 3 else None)
    assert len(drawn) == 1
    curve.close()
    curve.close()
    assert [len(rows) for rows in drawn] == [1, 3], "the last once, and once only"
    assert drawn[-1][-1] == {"step": 3, "train_loss": 1 / 3, "val_loss": 0.7}
    assert shown[-1][1].startswith(b"\x89PNG")


def test_an_interrupted_cell_shows_its_last_step(shown, time):
    def cell():
        with LiveLoss() as curve:
            curve.add(1, 2.0)
            curve.add(2, 1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cell()
    assert len(shown) == 2


def test_outside_a_notebook_a_line_at_the_end(capsys, monkeypatch):
    monkeypatch.setattr(live, "loss_curve", None)  # nothing is drawn
    with LiveLoss("Bigrams") as curve:
        curve.add(1, 4.0)
        curve.add(2, None, 3.5)
        curve.add(3, 1.25, 1.5)
        assert capsys.readouterr().out == ""
    curve.close()
    out = capsys.readouterr().out
    assert out == "Bigrams, 3 steps: training 4.000 -> 1.250, validation 3.500 -> 1.500\n"
    LiveLoss().close()
    assert capsys.readouterr().out == ""


def test_a_training_hands_its_rows_over(shown, time, slow, capsys):
    curve = LiveLoss()
    display = Display(curve)
    assert display.talks
    display.row({"step": 1, "train_loss": 2.0, "seconds": 0.1})
    display.row({"step": 2, "train_loss": 1.0, "val_loss": 1.5})
    display.show_picture(b"")  # the live one is there already
    display.close()
    assert [row["step"] for row in curve.rows] == [1, 2]
    assert [kind for kind, _ in shown] == ["new", "update"]
    Display(None).row({"step": 1})
    Display(None).close()


def test_in_a_real_notebook():
    """The cell has one picture in the end, the last, and its text before and after it."""
    nbclient = pytest.importorskip("nbclient", reason="pip install -e '.[notebooks]'")
    nbformat = pytest.importorskip("nbformat")
    code = (
        "from tinyllm.viz import LiveLoss\n"
        "print('before')\n"
        "with LiveLoss(every=0.0) as live:\n"
        "    for step in range(1, 4):\n"
        "        live.add(step, 4.0 / step)\n"
        "    first = live._shown\n"
        "print('after', first, live._shown)\n"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 1
    assert pictures[0]["metadata"]["image/png"]["width"] == live.WIDTH
    assert "after 1 3" in json.dumps(outputs)
