"""Exercises of lesson 11: one step with momentum, and one step of Adam."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# momentum_step ----------------------------------------------------------------------------------


def _momentum_step(w, grad, buffer, lr, momentum):
    buffer = momentum * buffer + grad
    return w - lr * buffer, buffer


def _momentum_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2.0, size=shape)

    first, later = "the first step", "later steps"
    return [
        Case((np.array([1.0]), np.array([2.0]), np.array([0.0]), 0.1, 0.9), first),
        Case((draw(3), draw(3), np.zeros(3), 0.2, 0.5), first),
        Case((np.array([1.0]), np.array([2.0]), np.array([3.0]), 0.1, 0.9), later),
        Case((draw(4), draw(4), draw(4), 0.3, 0.8), later),
        Case((draw(2, 3), draw(2, 3), draw(2, 3), 0.05, 0.95), later),
    ]


_MOMENTUM = solution_of(_momentum_step, "momentum_step")
_BUFFER = "    buffer = momentum * buffer + grad\n"

MOMENTUM_STEP = Exercise(
    name="momentum_step",
    lesson="11",
    task="One step with momentum: return the new weights and the new buffer, all of one shape.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_MOMENTUM,
    why="The buffer keeps a share of what it was and takes the new gradient in; the weights then "
    "follow the new buffer. With a steady gradient g it grows to g / (1 - momentum).",
    hints=(
        "Two lines: one for the buffer, one for the weights. Which of them needs the other?",
        "First the new buffer: momentum times the old one, plus the gradient. Then the weights go "
        "lr times the new buffer down.",
        "buffer = momentum * buffer + ...; return w - lr * ..., buffer",
    ),
    reference=_momentum_step,
    cases=_momentum_cases,
    parts={"the first step": 1, "later steps": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the old buffer moves the weights",
            "the weights follow the old buffer: today's gradient counts from the next step on.",
            "import numpy as np\n\ndef momentum_step(w, grad, buffer, lr, momentum):\n"
            "    return w - lr * buffer, momentum * buffer + grad\n",
        ),
        Mistake(
            "the gradient moves the weights",
            "the buffer is right, but the weights follow the bare gradient.",
            changed(_MOMENTUM, ("w - lr * buffer", "w - lr * grad")),
        ),
        Mistake(
            "a mean",
            "the gradient is weighted by 1 - momentum, as in Adam: here it comes in whole.",
            changed(_MOMENTUM, ("+ grad", "+ (1 - momentum) * grad")),
        ),
        Mistake(
            "all of it shrunk",
            "today's gradient is multiplied by momentum too: only the old buffer is.",
            changed(_MOMENTUM, ("momentum * buffer + grad", "momentum * (buffer + grad)")),
        ),
        Mistake(
            "the learning rate inside",
            "the learning rate is in the buffer. The weights are right, but when the rate changes "
            "old steps keep the old one; PyTorch and tinyllm keep it outside.",
            changed(_MOMENTUM, ("+ grad", "+ lr * grad"), ("w - lr * buffer", "w - buffer")),
        ),
        Mistake(
            "Nesterov",
            "the buffer is right; the weights take Nesterov's step, grad + momentum * buffer.",
            changed(_MOMENTUM, ("w - lr * buffer", "w - lr * (grad + momentum * buffer)")),
        ),
        Mistake(
            "uphill",
            "the step climbs: lr times the buffer is subtracted.",
            changed(_MOMENTUM, ("w - lr", "w + lr")),
        ),
        Mistake(
            "the buffer is changed",
            "the values are right, but *= and += change the caller's buffer: make a new array.",
            changed(_MOMENTUM, (_BUFFER, "    buffer *= momentum\n    buffer += grad\n")),
        ),
        Mistake(
            "the other order",
            "the buffer stands first in what you return: the weights should.",
            changed(_MOMENTUM, ("w - lr * buffer, buffer", "buffer, w - lr * buffer")),
        ),
    ),
)

# my_adam_step -----------------------------------------------------------------------------------


def _my_adam_step(w, grad, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, m, v


def _adam_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2.0, size=shape)

    first, later, eps = "the first step", "later steps", "eps"
    usual = 0.01, 0.9, 0.999, 1e-8
    other = 0.1, 0.8, 0.95, 1e-8
    return [
        Case((np.array([1.0]), np.array([4.0]), np.zeros(1), np.zeros(1), 1, *usual), first),
        Case((draw(3), draw(3) * 100, np.zeros(3), np.zeros(3), 1, *usual), first),
        Case((np.array([1.0]), np.array([4.0]), np.ones(1), np.full(1, 9.0), 3, *other), later),
        Case((draw(2, 3), draw(2, 3), draw(2, 3), draw(2, 3) ** 2, 12, *usual), later),
        Case((np.array([1.0]), np.zeros(1), np.zeros(1), np.zeros(1), 1, *usual), eps),
        Case((draw(3), draw(3), draw(3), draw(3) ** 2, 2, 0.1, 0.9, 0.99, 0.25), eps),
    ]


_ADAM = solution_of(_my_adam_step, "my_adam_step")

MY_ADAM_STEP = Exercise(
    name="my_adam_step",
    lesson="11",
    task="One step of Adam, number t counted from 1: return the new w, m and v.",
    points=6,
    minutes=20,
    difficulty="hard",
    solution=_ADAM,
    why="m and v are running means that begin at 0. After t steps their weights sum to 1 - beta^t "
    "only, so dividing by that makes true means of them. eps is added to the root, to keep a "
    "weight without a gradient from 0 / 0. m and v are kept uncorrected for the next step.",
    hints=(
        "With m = 0 and t = 1 the first step should be lr long, whatever the gradient. Does "
        "yours do that?",
        "Update m with the gradient and v with its square. Divide each by one minus its own beta "
        "to the power t, into new names. Then step; eps stands outside the root.",
        "m_hat = m / (1 - beta1**t); v_hat = ...; w = w - lr * m_hat / (np.sqrt(v_hat) + eps); "
        "return w, m, v",
    ),
    reference=_my_adam_step,
    cases=_adam_cases,
    parts={"the first step": 2, "later steps": 3, "eps": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no bias correction",
            "m and v are used as they are: they began at 0 and are too small at first, m by "
            "another factor than the root of v.",
            changed(_ADAM, (" / (1 - beta1**t)", ""), (" / (1 - beta2**t)", "")),
        ),
        Mistake(
            "m alone is corrected",
            "m is corrected, and v is not: the first steps are far too long.",
            changed(_ADAM, (" / (1 - beta2**t)", "")),
        ),
        Mistake(
            "v alone is corrected",
            "v is corrected, and m is not: the first steps are too short.",
            changed(_ADAM, (" / (1 - beta1**t)", "")),
        ),
        Mistake(
            "one correction for both",
            "v is corrected with beta1: it has a beta of its own.",
            changed(_ADAM, ("1 - beta2**t", "1 - beta1**t")),
        ),
        Mistake(
            "no power",
            "the corrections lack the power t: they are right in step 1, and should fade away.",
            changed(_ADAM, ("beta1**t", "beta1"), ("beta2**t", "beta2")),
        ),
        Mistake(
            "counted from 0",
            "the corrections count one step too many: t is 1 in the first step already.",
            changed(_ADAM, ("beta1**t", "beta1 ** (t + 1)"), ("beta2**t", "beta2 ** (t + 1)")),
        ),
        Mistake(
            "the corrected ones are kept",
            "the corrected m and v are returned: the next step would correct them once more.",
            changed(_ADAM, ("return w, m, v", "return w, m_hat, v_hat")),
        ),
        Mistake(
            "eps in the root",
            "eps stands inside the root: it is added to the root.",
            changed(_ADAM, ("np.sqrt(v_hat) + eps", "np.sqrt(v_hat + eps)")),
        ),
        Mistake(
            "no eps",
            "eps is missing: a weight that has had no gradient yet gives 0 / 0.",
            changed(_ADAM, ("(np.sqrt(v_hat) + eps)", "np.sqrt(v_hat)")),
        ),
        Mistake(
            "no root",
            "v holds squares: without the root large gradients make tiny steps.",
            changed(_ADAM, ("np.sqrt(v_hat)", "v_hat")),
        ),
        Mistake(
            "no square",
            "v takes the gradient in as it is: its square is wanted.",
            changed(_ADAM, ("grad**2", "grad")),
        ),
        Mistake(
            "the betas are swapped",
            "beta1 and beta2 have changed places: m forgets faster than v.",
            "import numpy as np\n\ndef my_adam_step(w, grad, m, v, t, lr, beta2, beta1, eps):\n"
            + _ADAM.partition("eps):\n")[2],
        ),
        Mistake(
            "the gradient on top",
            "the step uses the bare gradient above the line: m should stand there.",
            changed(_ADAM, ("lr * m_hat", "lr * grad")),
        ),
        Mistake(
            "m and v are changed",
            "the values are right, but the caller's m and v are changed: make new arrays.",
            changed(
                _ADAM,
                ("m = beta1 * m + (1 - beta1) * grad", "m += (1 - beta1) * (grad - m)"),
                ("v = beta2 * v + (1 - beta2) * grad**2", "v += (1 - beta2) * (grad**2 - v)"),
            ),
        ),
    ),
)
