import subprocess
import sys

import numpy as np

from tinyllm.viz import loss_curve, png
from tinyllm.viz.curves import smooth

ROWS = [
    {"step": 0, "val_loss": 4.0},
    *({"step": step, "train_loss": 4 / step + 0.5} for step in range(1, 30)),
    {"step": 29, "val_loss": 0.7, "final": True},
]


def test_draws_both_curves():
    figure = loss_curve(ROWS, title="Loss of x", below="sizes")
    (axes,) = figure.axes
    raw, smoothed, validation = axes.lines
    assert raw.get_xdata().tolist() == list(range(1, 30))
    assert raw.get_ydata()[0] == 4.5
    assert smoothed.get_ydata().shape == (29,)
    assert validation.get_xdata().tolist() == [0, 29]
    assert validation.get_ydata().tolist() == [4.0, 0.7]
    assert axes.get_ylabel() == "loss, nats per token"
    assert axes.get_title("left") == "Loss of x"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "training (running mean)",
        "validation (last 0.700)",
    ]
    assert png(figure).startswith(b"\x89PNG")
    assert png(figure) == png(loss_curve(ROWS, title="Loss of x", below="sizes"))


def test_the_two_curves_differ_in_lightness_too():
    """So that they can be told apart without any colour."""
    from matplotlib.colors import to_rgb

    _, smoothed, validation = loss_curve(ROWS).axes[0].lines
    weights = np.array([0.2126, 0.7152, 0.0722])
    lightness = [weights @ to_rgb(line.get_color()) for line in (smoothed, validation)]
    assert abs(lightness[0] - lightness[1]) > 0.05 or validation.get_marker() == "o"


def test_odd_rows():
    nan = [{"step": 1, "train_loss": float("nan")}, {"step": 2, "train_loss": 2.0}]
    for rows in ([], [{"step": 1}], [{"step": 1, "train_loss": None}], nan, ROWS[:1], ROWS[1:3]):
        assert png(loss_curve(rows))


def test_smooth_against_a_loop():
    values = np.random.default_rng(0).normal(size=37)
    for width in (0, 1, 5, 100):
        expected = []
        for i in range(37):
            half = min(width, i)  # a slice stops at the end by itself
            expected.append(values[i - half : i + half + 1].mean())
        np.testing.assert_allclose(smooth(values, width), expected)
    np.testing.assert_array_equal(smooth(np.ones(200)), np.ones(200))
    assert smooth(np.empty(0)).size == 0


def test_matplotlibs_global_state_is_not_touched():
    code = (
        "import sys, tinyllm.viz as viz\n"
        "assert 'matplotlib' not in sys.modules, 'imported before it is needed'\n"
        "import matplotlib\n"
        "names = set(matplotlib.rcParams) - {'backend'}  # asking for that one imports pyplot\n"
        "before = [matplotlib.rcParams[name] for name in sorted(names)]\n"
        "viz.png(viz.loss_curve([{'step': 1, 'train_loss': 2.0}]))\n"
        "assert [matplotlib.rcParams[name] for name in sorted(names)] == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
