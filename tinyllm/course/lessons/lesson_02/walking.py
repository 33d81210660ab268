"""Exercises of lesson 02: the walk back over a tape, and the order in which to walk."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

# walk_back: find the bug ------------------------------------------------------------------------


def _walk_back(tape):
    grads = dict.fromkeys(tape, 0.0)
    grads[list(tape)[-1]] = 1.0
    for node in reversed(tape):
        for source, local in tape[node]:
            grads[source] += local * grads[node]
    return grads


def _walk_cases(rng: np.random.Generator) -> list[Case]:
    def number() -> float:
        return round(float(rng.uniform(1.5, 4) * rng.choice([-1, 1])), 2)

    def uses(*sources: str) -> list[tuple[str, float]]:
        return [(source, number()) for source in sources]

    once, twice, unused = "each value used once", "a value used twice", "a value that is not used"
    square = number()
    return [
        Case(({"x": [], "z": uses("x")},), once),
        Case(({"x": [], "a": uses("x"), "b": uses("a"), "z": uses("b")},), once),
        Case(({"x": [], "y": [], "w": [], "a": uses("x", "y"), "z": uses("w", "a")},), once),
        Case(({"x": [], "z": [("x", square), ("x", square)]},), twice),
        Case(({"x": [], "y": [], "a": uses("x", "y"), "z": uses("a", "x")},), twice),
        Case(({"x": [], "a": uses("x"), "b": uses("a"), "z": uses("a", "b")},), twice),
        Case(
            ({"x": [], "a": uses("x"), "b": uses("x", "a"), "c": uses("a", "b"),
              "z": uses("c", "x", "b")},),
            twice,
        ),
        Case(({"x": [], "y": [], "z": uses("x")},), unused),
        Case(({"x": [], "a": uses("x"), "z": uses("x")},), unused),
    ]  # fmt: skip


_WALK = code_of(_walk_back, "walk_back")

WALK_BACK = Exercise(
    name="walk_back",
    lesson="02",
    task="Find the bug in forgetful_walk and write it without: some of its gradients are wrong.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_WALK,
    why="A value that is used twice moves the loss by two ways, and the total derivative is their "
    "sum. `=` keeps only what arrived last; `+=` adds it to what came before. While every value "
    "is used once the two are the same, which is why the bug is easily overlooked.",
    hints=(
        "The walk is right on a tape where every value is used once. What happens to x when it is "
        "used twice?",
        "Print grads after each round of the inner loop, for x·y + x. Which number disappears?",
        "What arrives has to be added to what is there: grads[source] ... local * grads[node]",
    ),
    reference=_walk_back,
    cases=_walk_cases,
    parts={
        "each value used once": 1, "a value used twice": 2, "a value that is not used": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "a gradient that arrives overwrites what came before, as in forgetful_walk.",
            changed(_WALK, ("+= local", "= local")),
        ),
        Mistake(
            "no chain",
            "the local gradients are summed, but not multiplied by the gradient of the user: that "
            "is the chain in the chain rule.",
            changed(_WALK, ("local * grads[node]", "local")),
        ),
        Mistake(
            "added along the way",
            "along a way, local gradients multiply; only different ways are added.",
            changed(_WALK, ("local * grads[node]", "local + grads[node]")),
        ),
        Mistake(
            "oldest first",
            "the walk starts at the oldest node, whose own gradient has not arrived yet.",
            changed(_WALK, ("in reversed(tape)", "in tape")),
        ),
        Mistake(
            "all begin at 1",
            "only the last node has a gradient of 1 by itself; the others begin at 0.",
            changed(_WALK, ("dict.fromkeys(tape, 0.0)", "dict.fromkeys(tape, 1.0)")),
        ),
        Mistake(
            "nothing to begin with",
            "nothing starts the walk: the gradient of the last node, by itself, is 1.",
            changed(_WALK, ("    grads[list(tape)[-1]] = 1.0\n", "")),
        ),
        Mistake(
            "the tape is emptied",
            "the gradients are right, but the tape is empty afterwards: read it, take nothing out.",
            changed(
                _WALK,
                ("for node in reversed(tape)", "while tape"),
                ("in tape[node]", "in edges"),
                ("        for source", "        node, edges = tape.popitem()\n        for source"),
            ),
        ),
    ),
)  # fmt: skip

# walking_order ----------------------------------------------------------------------------------


def _walking_order(sources, loss):
    below, waiting = set(), [loss]
    while waiting:
        node = waiting.pop()
        if node not in below:
            below.add(node)
            waiting.extend(sources[node])
    return sorted(below, reverse=True)


def _depth_first(sources, loss):
    order, waiting = [], [loss]
    while waiting:
        node = waiting.pop(0)
        if node not in order:
            order.append(node)
            waiting = [*sources[node], *waiting]
    return order


def _recursive(sources, loss):
    below = set()

    def visit(node):
        if node not in below:
            below.add(node)
            for source in sources[node]:
                visit(source)

    visit(loss)
    return sorted(below, reverse=True)


def _order_cases(rng: np.random.Generator) -> list[Case]:
    chain, twice, unused = "a chain", "values used twice", "what the loss does not use"
    drawn = {0: [], 1: [0], 2: [0, 1]}
    for node in range(3, 9):  # each uses the one before, so that all lead to the last
        drawn[node] = [int(rng.integers(0, node - 1)), node - 1]
    loss = int(rng.integers(5, 8))
    return [
        Case(({0: [], 1: [0]}, 1), chain),
        Case(({0: [], 1: [0], 2: [1]}, 2), chain),
        Case(({0: [], 1: [0, 0]}, 1), twice),
        Case(({0: [], 1: [0], 2: [1], 3: [1, 2]}, 3), twice),
        Case((drawn, 8), twice),
        Case(({0: [], 1: [], 2: [0], 3: [2, 1]}, 2), unused),
        Case((drawn, loss), unused),
        Case(({0: [], 1: [], 2: [0], 3: [1], 4: [2, 0], 5: [4, 3]}, 4), unused),
        Case(({0: [], **{n: [n - 1] for n in range(1, 3500)}}, 3499), "a chain of 3,500 nodes"),
    ]


_ORDER = code_of(_walking_order, "walking_order")

WALKING_ORDER = Exercise(
    name="walking_order",
    lesson="02",
    task="List the nodes on which the loss depends, itself among them, the youngest first.",
    points=5,
    minutes=12,
    difficulty="medium",
    solution=_ORDER,
    why="A user is always younger than what it uses, so in the order from the youngest to the "
    "oldest each node comes after all its users: what they send has arrived. A list of what is "
    "still to be read replaces recursion, and a graph may be as deep as it likes.",
    hints=(
        "Two tasks: which nodes does the loss depend on? And in which order do they go?",
        "Keep a set of what you have seen and a list of what is still to be read. Take one out of "
        "the list; if it is new, note it, and put its sources into the list. The numbers then "
        "give the order.",
        "while waiting: node = waiting.pop(); if node not in below: below.add(node); "
        "waiting.extend(...). At the end sorted(below, reverse=...)",
    ),
    reference=_walking_order,
    cases=_order_cases,
    parts={
        "a chain": 1,
        "values used twice": 2,
        "what the loss does not use": 1,
        "a chain of 3,500 nodes": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "depth first",
            "the walk dives along the first source at once: a node is walked before its other "
            "users have sent their part.",
            code_of(_depth_first, "walking_order"),
        ),
        Mistake(
            "depth first, from the other end",
            "the walk dives along the last source at once: a node is walked before its other users "
            "have sent their part.",
            changed(code_of(_depth_first, "walking_order"), ("waiting.pop(0)", "waiting.pop()"),
                    ("[*sources[node], *waiting]", "[*waiting, *sources[node]]")),
        ),
        Mistake(
            "breadth first",
            "the nodes come by their distance from the loss: one that is used both near the loss "
            "and further away is walked too early.",
            changed(
                code_of(_depth_first, "walking_order"),
                ("[*sources[node], *waiting]", "[*waiting, *sources[node]]"),
            ),
        ),
        Mistake(
            "oldest first",
            "this is the order of the forward; the walk goes back, from the youngest.",
            changed(_ORDER, (", reverse=True", "")),
        ),
        Mistake(
            "every node there is",
            "every node is listed, those too that were made after the loss.",
            changed(_ORDER, ("sorted(below,", "sorted(sources,")),
        ),
        Mistake(
            "all that are older",
            "that a node is older than the loss does not mean that the loss depends on it: follow "
            "the sources.",
            changed(_ORDER, ("sorted(below,", "sorted(range(loss + 1),")),
        ),
        Mistake(
            "once for each use",
            "a node that is used twice is there twice: it is walked once, when all has arrived.",
            changed(_ORDER, ("sorted(below,", "sorted(order,"), ("below, waiting = set(), [loss]",
                "order, waiting = [], [loss]"), ("if node not in below:", "if True:"),
                ("below.add", "order.append"))
        ),
        Mistake(
            "without the loss",
            "the loss itself is missing: the walk begins there.",
            changed(_ORDER, ("sorted(below,", "sorted(below - {loss},")),
        ),
        Mistake(
            "recursion",
            "a function that calls itself for each source goes as deep as the graph, and Python "
            "stops at about 1,000 calls: keep a list of what is still to be read.",
            code_of(_recursive, "walking_order"),
        ),
        Mistake(
            "the graph is emptied",
            "the order is right, but the list `sources[loss]` itself is used up: take a copy.",
            changed(_ORDER, ("set(), [loss]", "{loss}, sources[loss]")),
        ),
    ),
)  # fmt: skip

EXERCISES = (WALK_BACK, WALKING_ORDER)
