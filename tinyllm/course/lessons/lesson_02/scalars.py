"""Exercises of lesson 02: the local gradients of four operations, and the backward of tanh."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# local_gradients --------------------------------------------------------------------------------


def _local_gradients(op, x, y):
    if op == "add":
        return 1.0, 1.0
    if op == "sub":
        return 1.0, -1.0
    if op == "mul":
        return y, x
    if op == "div":
        return 1.0 / y, -x / y**2
    raise ValueError(f"no such operation: {op}")


def _local_cases(rng: np.random.Generator) -> list[Case]:
    def two() -> tuple[float, float]:
        x = round(float(rng.uniform(2, 5)), 2)
        return x, round(-float(rng.uniform(1.2, 1.8)), 2)

    parts = {"add": "add and sub", "sub": "add and sub", "mul": "mul", "div": "div"}
    return [Case((op, *two()), part) for op, part in parts.items() for _ in range(2)]


_LOCAL = code_of(_local_gradients, "local_gradients")

LOCAL_GRADIENTS = Exercise(
    name="local_gradients",
    lesson="02",
    task="For z = x op y with op of add, sub, mul and div, give the pair (dz/dx, dz/dy).",
    points=4,
    minutes=8,
    difficulty="easy",
    solution=_LOCAL,
    why="A local gradient says how much z moves when one input moves and the other stays. A sum "
    "passes a move on as it is; a product scales it by the other factor; x / y is x times 1 / y, "
    "whose derivative is -1 / y².",
    hints=(
        "Hold y still and raise x by a little: by how many times that little does z rise?",
        "Four rules from school: (x + y)' , (x - y)', (x y)', (x / y)'. In the last one, y stands "
        "in the denominator, squared.",
        "mul gives (y, x); div gives (1 / y, -x / ...)",
    ),
    reference=_local_gradients,
    cases=_local_cases,
    parts={"add and sub": 1, "mul": 1, "div": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "each factor by itself",
            "in a product, x's local gradient is the other factor, y: yours is x itself.",
            changed(_LOCAL, ("return y, x", "return x, y")),
        ),
        Mistake(
            "no minus for sub",
            "in x - y, z falls when y rises: its local gradient is -1.",
            changed(_LOCAL, ("return 1.0, -1.0", "return 1.0, 1.0")),
        ),
        Mistake(
            "no minus for div",
            "x / y falls when a positive y rises under a positive x: there is a minus missing.",
            changed(_LOCAL, ("-x / y**2", "x / y**2")),
        ),
        Mistake(
            "no square for div",
            "the derivative of 1 / y is -1 / y²: the square is missing.",
            changed(_LOCAL, ("-x / y**2", "-x / y")),
        ),
        Mistake(
            "no x for div",
            "that is the derivative of 1 / y: here x stands above the line, and stays as a factor.",
            changed(_LOCAL, ("-x / y**2", "-1 / y**2")),
        ),
        Mistake(
            "div as if it were mul",
            "for x / y, dz/dx is 1 / y: the y belongs below the line.",
            changed(_LOCAL, ("return 1.0 / y,", "return y,")),
        ),
        Mistake(
            "the value of the sum",
            "the local gradient of a sum is 1, whatever x and y are: yours depends on them.",
            changed(_LOCAL, ("return 1.0, 1.0", "return x, y")),
        ),
    ),
)

# tanh_backward ----------------------------------------------------------------------------------


def _tanh_backward(y, grad_y):
    return grad_y * (1 - y * y)


def _tanh_cases(rng: np.random.Generator) -> list[Case]:
    shapes = [(1,), (3,), (2, 3), (2, 2, 2)]
    return [
        Case(
            (np.tanh(rng.normal(size=shape)), rng.normal(size=shape)),
            "one number" if shape == (1,) else "arrays",
        )
        for shape in shapes
    ]


_TANH = solution_of(_tanh_backward, "tanh_backward")

TANH_BACKWARD = Exercise(
    name="tanh_backward",
    lesson="02",
    task="From y = tanh(x), and the gradient of the loss for y, give that for x.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_TANH,
    why="The derivative of tanh x is 1 - tanh² x, which is 1 - y²: the output alone is enough, and "
    "x need not be kept. The chain rule multiplies it by what arrives, grad_y.",
    hints=(
        "What is the derivative of tanh? Can you write it with y, and no x?",
        "1 - y² is the local gradient; the chain rule multiplies it by the gradient that arrives.",
        "return grad_y * (1 - ...)",
    ),
    reference=_tanh_backward,
    cases=_tanh_cases,
    parts={"one number": 1, "arrays": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no chain",
            "this is the local gradient alone: what arrives from above, grad_y, is left out.",
            changed(_TANH, ("grad_y * (1 - y * y)", "1 - y * y")),
        ),
        Mistake(
            "tanh once more",
            "y is tanh(x) already: yours takes the tanh of it again.",
            changed(_TANH, ("1 - y * y", "1 - np.tanh(y) ** 2")),
        ),
        Mistake(
            "the sigmoid's",
            "y (1 - y) is the derivative of the sigmoid; that of tanh is another.",
            changed(_TANH, ("(1 - y * y)", "y * (1 - y)")),
        ),
        Mistake(
            "no square",
            "the output belongs squared: 1 - y².",
            changed(_TANH, ("1 - y * y", "1 - y")),
        ),
        Mistake(
            "no brackets",
            "grad_y * 1 - y * y multiplies first and subtracts then: brackets are missing.",
            changed(_TANH, ("(1 - y * y)", "1 - y * y")),
        ),
        Mistake(
            "the gradient changed in place",
            "the values are right, but grad_y itself is changed: *= works on the caller's array, "
            "and another op may hold the same one.",
            changed(
                _TANH, ("return grad_y * (1 - y * y)", "grad_y *= 1 - y * y\n    return grad_y")
            ),
        ),
    ),
)

EXERCISES = (LOCAL_GRADIENTS, TANH_BACKWARD)
