"""Exercise of lesson 02: Value, a number with a tape, all of it."""

from __future__ import annotations

import inspect
import itertools
import math

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed

births = itertools.count()


class Value:
    """A number that remembers what it was made from."""

    def __init__(self, data, edges=()):
        self.data, self.edges = data, edges  # edges: (source, local gradient) for each input
        self.grad, self.number = 0.0, next(births)

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        """The hyperbolic tangent."""
        y = math.tanh(self.data)
        return Value(y, [(self, 1.0 - y * y)])

    def backward(self):
        """Give everything that led here its gradient."""
        self.grad = 1.0
        waiting = {self.number: self}
        while waiting:
            node = waiting.pop(max(waiting))  # the youngest
            for source, local in node.edges:
                source.grad += local * node.grad
                waiting[source.number] = source


# What the grader calls in the learner's process: a formula over Values made from numbers.
_CALL = """\
lambda formula, at: (
    lambda leaves: (
        lambda out: (out.backward(), [out.data, {name: x.grad for name, x in leaves.items()}])[1]
    )(eval(formula, dict(leaves)))
)({name: Value(number) for name, number in at.items()})"""


def _reference(formula: str, at: dict[str, float]) -> list:
    return eval(_CALL, {"Value": Value})(formula, at)


def _value_cases(rng: np.random.Generator) -> list[Case]:
    def at(names: str) -> dict[str, float]:
        signs = rng.choice([-1, 1], len(names))  # away from 0, where mistakes do not show
        return {
            n: round(float(s * rng.uniform(0.2, 1.5)), 2) for n, s in zip(names, signs, strict=True)
        }

    plain, twice = "each value used once", "values used twice"
    return [
        Case(("x + y", at("xy")), plain),
        Case(("x * y", at("xy")), plain),
        Case(("x * y + b", at("xyb")), plain),
        Case(("x.tanh()", at("x")), "tanh"),
        Case(("(w * x + b).tanh() * u", at("wxbu")), "tanh"),
        Case(("x * x", at("x")), twice),
        Case(("x * y + x", at("xy")), twice),
        Case(("(lambda a: a + a * y)(x * x)", at("xy")), twice),
        Case(("(lambda a: a * a.tanh() + a)(x * x + y * y)", at("xy")), twice),
        Case(("sum([x] * 3500, y)", at("xy")), "a chain of 3,500 sums"),
    ]


_VALUE = "\n\n\n".join(
    ("import itertools\nimport math\n\nbirths = itertools.count()", inspect.getsource(Value))
)
_WAITING = _VALUE[_VALUE.index("        waiting = {") :]
_NAIVE = """\
        def visit(node):
            for source, local in node.edges:
                source.grad += local * node.grad
                visit(source)

        visit(self)
"""
_ONCE = """\
        seen, waiting = set(), [self]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                for source, local in node.edges:
                    source.grad += local * node.grad
                    waiting.append(source)
"""

VALUE = Exercise(
    name="Value",
    lesson="02",
    task="Write the class Value: a number with data, grad, +, *, tanh() and backward().",
    points=7,
    minutes=25,
    difficulty="hard",
    solution=_VALUE,
    why="Each operation makes a new Value that keeps its inputs with their local gradients: the "
    "graph grows as the formula is computed. backward gives the last one a gradient of 1, and "
    "walks the youngest that is waiting, so that every user has sent its part before a node "
    "passes its own on.",
    hints=(
        "What must a Value remember so that backward can find its inputs, and how strongly it "
        "depends on each?",
        "Keep `edges`, a list of (source, local gradient), and a number from `births`. backward: "
        "take the youngest of those that wait; add local * its grad to each source's grad; the "
        "source then waits too.",
        "def __mul__(self, other): return Value(self.data * other.data, [(self, ...), "
        "(other, ...)]). In backward: waiting = {self.number: self}; "
        "node = waiting.pop(max(waiting))",
    ),
    reference=_reference,
    cases=_value_cases,
    parts={
        "each value used once": 2,
        "tanh": 1,
        "values used twice": 3,
        "a chain of 3,500 sums": 1,
    },
    refused=REFUSED,
    call=_CALL,
    mistakes=(
        Mistake(
            "overwritten",
            "a gradient that arrives replaces what came before: a value that is used twice keeps "
            "one part alone.",
            changed(_VALUE, ("source.grad += local", "source.grad = local")),
        ),
        Mistake(
            "no chain",
            "the local gradient is passed on without the gradient of the node above.",
            changed(_VALUE, ("local * node.grad", "local")),
        ),
        Mistake(
            "each factor by itself",
            "in a product each factor's local gradient is the other factor: yours is itself.",
            changed(
                _VALUE,
                (
                    "(self, other.data), (other, self.data)",
                    "(self, self.data), (other, other.data)",
                ),
            ),
        ),
        Mistake(
            "the input of tanh squared",
            "the derivative of tanh is 1 minus the square of its output: yours squares its input.",
            changed(_VALUE, ("1.0 - y * y", "1.0 - self.data**2")),
        ),
        Mistake(
            "once for each use",
            "a node is walked as often as it is used, and passes on each time all that has "
            "arrived so far: some of it is counted twice.",
            changed(
                _VALUE,
                ("{self.number: self}", "[self]"),
                ("waiting.pop(max(waiting))  # the youngest", "waiting.pop()"),
                ("waiting[source.number] = source", "waiting.append(source)"),
            ),
        ),
        Mistake(
            "recursion, once for each use",
            "a node is walked as often as it is used, and passes on each time all that has "
            "arrived so far; and recursion goes as deep as the graph, where Python stops it.",
            changed(_VALUE, (_WAITING, _NAIVE)),
        ),
        Mistake(
            "diving, each node once",
            "each node is walked once, but too early: the walk dives from node to source, and a "
            "node passes on what it has before its other users have sent their part.",
            changed(_VALUE, (_WAITING, _ONCE)),
        ),
        Mistake(
            "by distance, each node once",
            "each node is walked once, but in the order of its distance from the end: one that is "
            "used both near and far passes on its gradient before the far part has come.",
            changed(_VALUE, (_WAITING, _ONCE), ("waiting.pop()", "waiting.pop(0)")),
        ),
        Mistake(
            "oldest first",
            "the oldest that waits is walked first: it then passes on a gradient of which a part "
            "is still to come.",
            changed(_VALUE, ("max(waiting)", "min(waiting)")),
        ),
        Mistake(
            "nothing to begin with",
            "nothing starts the walk: the derivative of the last value by itself is 1.",
            changed(_VALUE, ("        self.grad = 1.0\n", "")),
        ),
        Mistake(
            "recursion",
            "a function that calls itself for each source goes as deep as the graph, and Python "
            "stops at about 1,000 calls: keep those that wait in a list or a dict.",
            changed(
                _VALUE,
                (
                    _WAITING,
                    "        order, seen = [], set()\n\n"
                    "        def visit(node):\n"
                    "            if node not in seen:\n"
                    "                seen.add(node)\n"
                    "                for source, _ in node.edges:\n"
                    "                    visit(source)\n"
                    "                order.append(node)\n\n"
                    "        visit(self)\n"
                    "        for node in reversed(order):\n"
                    "            for source, local in node.edges:\n"
                    "                source.grad += local * node.grad\n",
                ),
            ),
        ),
    ),
)
