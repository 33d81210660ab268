"""Exercises of lesson 03: addresses, the strides of a broadcast view, the backward of a view."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# address_of -------------------------------------------------------------------------------------


def _address_of(index, strides, offset):
    return offset + sum(i * stride for i, stride in zip(index, strides, strict=True))


def _address_cases(rng: np.random.Generator) -> list[Case]:
    row, column = (int(n) for n in rng.integers(1, 4, 2))
    start = int(rng.integers(3, 9))
    usual, offset = "an array from its first number on", "views that begin elsewhere"
    return [
        Case(((2,), (1,), 0), usual),
        Case(((row, column), (5, 1), 0), usual),
        Case(((row, column), (1, 7), 0), usual),
        Case(((1, 3), (5, 1), 0), usual),
        Case(((1, row, 2), (20, 5, 1), 0), usual),
        Case(((row, column), (10, 2), start), offset),
        Case(((1, 3), (10, 2), start), offset),  # row and column may be the same
        Case(((row,), (-1,), 20 + start), offset),
        Case(((row, column), (0, 3), start), offset),
    ]


_ADDRESS = solution_of(_address_of, "address_of")

ADDRESS_OF = Exercise(
    name="address_of",
    lesson="03",
    task="Say where in memory the element at an index lies, counted in numbers.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_ADDRESS,
    why="Each stride says how far one step along its axis goes in memory. So an index of i steps "
    "goes i strides, the axes add up, and the offset says where index (0, 0, ...) lies.",
    hints=(
        "How far in memory is it from one row to the next? And from one column to the next?",
        "Multiply each index by the stride of its axis, add these up, and add the offset.",
        "offset + sum(i * stride for i, stride in zip(...))",
    ),
    reference=_address_of,
    cases=_address_cases,
    parts={"an array from its first number on": 1, "views that begin elsewhere": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no offset",
            "the offset is missing: index (0, 0) lies there, and not at 0.",
            changed(_ADDRESS, ("offset + ", "")),
        ),
        Mistake(
            "from the other end",
            "index and strides are paired from opposite ends: the first stride belongs to the "
            "first index.",
            changed(_ADDRESS, ("zip(index, strides", "zip(index, strides[::-1]")),
        ),
        Mistake(
            "steps and strides added",
            "a stride is added once for each axis: i steps along it go i strides.",
            changed(_ADDRESS, ("i * stride", "i + stride")),
        ),
        Mistake(
            "no strides",
            "the indices are added up as they are: a step along an axis goes a stride in memory.",
            changed(_ADDRESS, ("i * stride", "i")),
        ),
        Mistake(
            "the strides multiplied",
            "the parts of the axes are multiplied: they add up.",
            changed(_ADDRESS, ("sum(", "int(np.prod(["), ("strict=True))", "strict=True)]))")),
        ),
    ),
)

# broadcast_strides ------------------------------------------------------------------------------


def _broadcast_strides(shape, strides, new_shape):
    front = len(new_shape) - len(shape)
    new_strides = [0] * front
    for size, stride, new in zip(shape, strides, new_shape[front:], strict=True):
        new_strides.append(stride if size == new else 0)
    return tuple(new_strides)


def _broadcast_cases(rng: np.random.Generator) -> list[Case]:
    n, m = (int(k) for k in rng.integers(2, 6, 2))
    front, ones, both = "axes in front", "axes of length 1", "both, and odd strides"
    return [
        Case(((), (), (n,)), front),
        Case(((3,), (1,), (2, 3)), front),
        Case(((m,), (1,), (n, n, m)), front),
        Case(((3,), (1,), (3, 3)), front),
        Case(((2, 1), (1, 1), (2, 3)), ones),
        Case(((1, m), (m, 1), (n, m)), ones),
        Case(((1, n, 1), (n, 1, 1), (2, n, m)), ones),
        Case(((n, m), (m, 1), (n, m)), "nothing is stretched"),
        Case(((m, 1), (4, 1), (n, m, 3)), both),
        Case(((1, m), (7, -2), (2, n, m)), both),
    ]


_BROADCAST = solution_of(_broadcast_strides, "broadcast_strides")

BROADCAST_STRIDES = Exercise(
    name="broadcast_strides",
    lesson="03",
    task="Give the strides with which an array of `shape` and `strides` looks like `new_shape`.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_BROADCAST,
    why="Along a stretched axis every step should find the same number again, so a step there "
    "goes nowhere in memory: stride 0. That holds for axes that are new in front and for those "
    "of length 1; the others keep their strides. No number is copied.",
    hints=(
        "Take one step along an axis that was stretched. How far should you move in memory?",
        "Line up the shapes at the right. An axis that is missing in front, or that grows from 1, "
        "gets stride 0; the rest keep theirs.",
        "front = len(new_shape) - len(shape); begin with [0] * front; then for size, stride, new "
        "in zip(shape, strides, new_shape[front:]): append ...",
    ),
    reference=_broadcast_strides,
    cases=_broadcast_cases,
    parts={
        "axes in front": 1, "axes of length 1": 1, "nothing is stretched": 1,
        "both, and odd strides": 1,
    },
    refused=(*REFUSED, "numpy.broadcast_to", "numpy.lib"),
    mistakes=(
        Mistake(
            "only the axes in front",
            "axes of length 1 keep their stride when they grow: a step along them then walks on "
            "to the next number, which belongs to somebody else.",
            changed(_BROADCAST, ("stride if size == new else 0", "stride")),
        ),
        Mistake(
            "the axes in front are missing",
            "there is one stride for each axis of the old shape; the new shape has more axes.",
            changed(_BROADCAST, ("[0] * front", "[]")),
        ),
        Mistake(
            "from the left",
            "the shapes are lined up at the left; new axes come in front.",
            changed(
                _BROADCAST,
                ("new_shape[front:]", "new_shape[: len(shape)]"),
                ("    new_strides = [0] * front\n", "    new_strides = []\n"),
                ("return tuple(new_strides)", "return tuple(new_strides) + (0,) * front"),
            ),
        ),
        Mistake(
            "the strides of a copy",
            "these are the strides of an array that has been copied to the new shape: a "
            "view looks at the old numbers, and steps along a stretched axis go nowhere.",
            "import numpy as np\n\ndef broadcast_strides(shape, strides, new_shape):\n"
            "    return tuple(int(np.prod(new_shape[k + 1 :])) for k in range(len(new_shape)))\n",
        ),
        Mistake(
            "a stride of 1",
            "a stride of 1 goes on to the next number; to find the same one again, a step must "
            "go nowhere.",
            changed(_BROADCAST, ("[0] * front", "[1] * front"), ("else 0", "else 1")),
        ),
        Mistake(
            "the wrong way round",
            "the axes that were stretched keep their strides, and the others have lost them.",
            changed(_BROADCAST, ("stride if size == new else 0", "0 if size == new else stride")),
        ),
    ),
)  # fmt: skip

# view_backward ----------------------------------------------------------------------------------


def _view_backward(size, strides, offset, grad):
    grad_base = np.zeros(size)
    for index in np.ndindex(grad.shape):
        address = offset + sum(i * stride for i, stride in zip(index, strides, strict=True))
        grad_base[address] += grad[index]
    return grad_base


def _view_cases(rng: np.random.Generator) -> list[Case]:
    def case(part: str, size: int, strides: tuple, offset: int, *shape: int) -> Case:
        return Case((size, strides, offset, rng.normal(size=shape)), part)

    turned, parts, repeated = "reshaped and turned", "a part of the numbers", "numbers seen often"
    return [
        case(turned, 2, (1,), 0, 2),
        case(turned, 6, (3, 1), 0, 2, 3),
        case(turned, 6, (1, 3), 0, 3, 2),
        case(parts, 6, (2,), 1, 3),
        case(parts, 12, (4, -1), 3, 3, 2),
        case(repeated, 3, (0, 1), 0, 2, 3),
        case(repeated, 4, (0, 2), 1, 3, 2),
        case(repeated, 5, (1, 1), 0, 3, 3),  # a window that slides
        case(repeated, 2, (1, 0, 0), 0, 2, 2, 3),
    ]


_VIEW = solution_of(_view_backward, "view_backward")

VIEW_BACKWARD = Exercise(
    name="view_backward",
    lesson="03",
    task="Give the gradient of the memory under a view, from the gradient of the view.",
    points=5,
    minutes=15,
    difficulty="medium",
    solution=_VIEW,
    why="Element index of the view is the number at its address, no more. So its gradient belongs "
    "to that address; if several elements look at one number, it was used several times, and "
    "gradients of several uses are added. What no element looks at gets 0.",
    hints=(
        "Which number of the memory is element (1, 2) of the view? That one gets its gradient.",
        "Begin with zeros, one for each number of the memory. For every index of grad, work out "
        "its address and add. Beware: g[addresses] += grad adds once where an address comes twice.",
        "for index in np.ndindex(grad.shape): address = offset + ...; grad_base[address] += ...",
    ),
    reference=_view_backward,
    cases=_view_cases,
    parts={"reshaped and turned": 2, "a part of the numbers": 1, "numbers seen often": 2},
    refused=(*REFUSED, "numpy.lib"),
    mistakes=(
        Mistake(
            "the last one wins",
            "where several elements look at one number, one gradient replaces the other, or one "
            "alone is added: all of them add up. (g[addresses] += grad adds once at each address; "
            "np.add.at adds all.)",
            changed(_VIEW, ("+= grad[index]", "= grad[index]")),
        ),
        Mistake(
            "no offset",
            "the offset is missing: the view begins there, and not at the first number.",
            changed(_VIEW, ("offset + sum", "sum")),
        ),
        Mistake(
            "row by row",
            "the gradient is laid down row by row, as if the view were the memory: the strides "
            "say where each element lies.",
            changed(
                _VIEW,
                ("    for index in", "    for place, index in enumerate("),
                ("np.ndindex(grad.shape):", "np.ndindex(grad.shape)):"),
                (
                    "offset + sum(i * stride for i, stride in zip(index, strides, strict=True))",
                    "(offset + place) % size",
                ),
            ),
        ),
        Mistake(
            "the mean",
            "the gradients that meet at one number are averaged: they add up.",
            changed(
                _VIEW,
                ("    return grad_base", "    return grad_base / np.maximum(seen, 1)"),
                ("    for index", "    seen = np.zeros(size)\n    for index"),
                ("+= grad[index]", "+= grad[index]\n        seen[address] += 1"),
            ),
        ),
        Mistake(
            "strides turned round",
            "the strides are taken in the opposite order: the first belongs to the first axis.",
            changed(_VIEW, ("zip(index, strides,", "zip(index, strides[::-1],")),
        ),
        Mistake(
            "the shape of the view",
            "this is the gradient of the view still: one number for each number of the memory was "
            "asked.",
            "import numpy as np\n\ndef view_backward(size, strides, offset, grad):\n"
            "    return grad\n",
        ),
    ),
)

EXERCISES = (ADDRESS_OF, BROADCAST_STRIDES, VIEW_BACKWARD)
