"""The project of lessons 00 to 03: a two-layer network on the learner's own tape, trained."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_03.engine import PRODUCT_CODE, Traced
from tinyllm.course.lessons.lesson_03.engine import _traced_product as traced_product
from tinyllm.course.lessons.writing import REFUSED, changed

# loss_and_gradients -----------------------------------------------------------------------------


def _loss_and_gradients(parameters, points, targets):
    p = {name: Traced(array) for name, array in parameters.items()}
    hidden = (traced_product(Traced(points), p["w1"]) + p["b1"]).relu()  # (N, width)
    error = traced_product(hidden, p["w2"]) + p["b2"] + Traced(-targets)  # (N, kinds)
    loss = (error * error).mean()  # ()
    loss.backward(1.0)
    return float(loss.data), {name: leaf.grad for name, leaf in p.items()}


def _network(rng: np.random.Generator, N: int, width: int, kinds: int) -> tuple:
    """Parameters, points and targets; the biases keep the first layer away from the kinks."""
    w1, w2 = rng.normal(size=(2, width)), rng.normal(size=(width, kinds))
    b1, b2 = rng.normal(size=width), rng.normal(size=kinds)
    targets = np.eye(kinds)[rng.integers(kinds, size=N)]
    return {"w1": w1, "b1": b1, "w2": w2, "b2": b2}, rng.normal(size=(N, 2)), targets


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    loss, many = "one point", "many points"
    return [
        Case(_network(rng, 1, 1, 1), loss),
        Case(_network(rng, 1, 4, 2), loss),
        Case(_network(rng, 5, 4, 3), many),
        Case(_network(rng, 8, 6, 3), many),
    ]


LOSS_CODE = "\n\n".join((PRODUCT_CODE, code_of(_loss_and_gradients, "loss_and_gradients")))
_ERROR = 'traced_product(hidden, p["w2"]) + p["b2"] + Traced(-targets)'

LOSS_AND_GRADIENTS = Exercise(
    name="loss_and_gradients",
    lesson="03",
    task="Give the mean squared error of the two-layer network, and the gradient of each "
    "parameter.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=LOSS_CODE,
    why="Write the forward with Traced arrays, and the backward is there. The leaves are made "
    "anew at each call, so no gradient of an earlier call is left in them. The loss is one number, "
    "so its covector is 1.",
    hints=(
        "Which of these arrays must be Traced? Which of them do you want gradients of?",
        "hidden = relu(points w1 + b1); error = hidden w2 + b2 - targets. Subtract by adding "
        "Traced(-targets). The loss is the mean of error * error; backward(1.0).",
        "p = {name: Traced(array) for name, array in parameters.items()}; ...; return "
        "float(loss.data), {name: leaf.grad for name, leaf in p.items()}",
    ),
    reference=_loss_and_gradients,
    cases=_loss_cases,
    parts={"one point": 2, "many points": 2},
    refused=REFUSED,
    needs=("unbroadcast", "batched_matmul_backward", "Traced", "traced_product"),
    mistakes=(
        Mistake(
            "no relu",
            "the relu is missing: two layers with nothing between them are one linear layer.",
            changed(LOSS_CODE, ('p["b1"]).relu()', 'p["b1"])')),
        ),
        Mistake(
            "relu at the end too",
            "there is a second relu, on the answers: they may be below 0.",
            changed(
                LOSS_CODE,
                (_ERROR, _ERROR.replace('p["b2"]', 'p["b2"]).relu()').replace("traced", "(traced")),
            ),
        ),
        Mistake(
            "not squared",
            "the mean of the errors themselves is taken, where too much makes up for too little: "
            "square them.",
            changed(LOSS_CODE, ("(error * error).mean()", "error.mean()")),
        ),
        Mistake(
            "the targets added",
            "the targets are added: the error is the answer minus the target.",
            changed(LOSS_CODE, ("Traced(-targets)", "Traced(targets)")),
        ),
        Mistake(
            "the bias of the second layer",
            "b2 is not used, and so its gradient stays 0.",
            changed(LOSS_CODE, ('p["w2"]) + p["b2"] +', 'p["w2"]) +')),
        ),
        Mistake(
            "backward is never called",
            "the loss is right and all gradients are 0: nobody has walked back.",
            changed(LOSS_CODE, ("    loss.backward(1.0)\n", "")),
        ),
        Mistake(
            "summed over the kinds",
            "the squares of a row are added up before the mean is taken: the loss is the mean over "
            "all numbers of the error.",
            changed(
                LOSS_CODE,
                ("(error * error).mean()", "(error * error * Traced(targets.shape[1])).mean()"),
            ),
        ),
    ),
)

# descend ----------------------------------------------------------------------------------------


def _descend(parameters, points, targets, steps, rate):
    parameters = {name: array.copy() for name, array in parameters.items()}
    losses = []
    for _ in range(steps):
        loss, gradients = _loss_and_gradients(parameters, points, targets)
        losses.append(loss)
        for name, gradient in gradients.items():
            parameters[name] -= rate * gradient
    return parameters, losses


def _descend_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case((*_network(rng, 1, 1, 1), 1, 0.1), "one step"),
        Case((*_network(rng, 4, 3, 2), 1, 0.05), "one step"),
        Case((*_network(rng, 4, 3, 2), 3, 0.05), "several steps"),
        Case((*_network(rng, 6, 5, 3), 8, 0.1), "several steps"),
    ]


DESCEND_CODE = "\n\n".join(
    (LOSS_CODE, code_of(_descend, "descend").replace("_loss_and_", "loss_and_"))
)
_STEP = "parameters[name] -= rate * gradient"
_COPIES = "{name: array.copy() for name, array in parameters.items()}"
_ASK = "        loss, gradients = loss_and_gradients(parameters, points, targets)\n"

DESCEND = Exercise(
    name="descend",
    lesson="03",
    task="Go downhill: return the trained parameters, and the loss before each step.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=DESCEND_CODE,
    why="The gradient points uphill, so each parameter moves against it. After a step it is "
    "another place with another gradient: ask anew. The copies at the beginning leave the "
    "caller's arrays alone, and then -= may work in place.",
    hints=(
        "Where does the gradient point, and where do you want to go?",
        "Copy the parameters. Then, `steps` times: ask for loss and gradients, note the loss, "
        "subtract rate times gradient from each parameter.",
        "parameters = {name: array.copy() for ...}; for _ in range(steps): loss, gradients = ...; "
        "losses.append(loss); for each name: parameters[name] -= ...",
    ),
    reference=_descend,
    cases=_descend_cases,
    parts={"one step": 2, "several steps": 2},
    refused=REFUSED,
    needs=("unbroadcast", "batched_matmul_backward", "Traced", "traced_product",
           "loss_and_gradients"),
    mistakes=(
        Mistake(
            "uphill",
            "the gradient is added: it points to where the loss grows.",
            changed(DESCEND_CODE, (_STEP, "parameters[name] += rate * gradient")),
        ),
        Mistake(
            "without the rate",
            "the whole gradient is subtracted: a step is rate times gradient.",
            changed(DESCEND_CODE, (_STEP, "parameters[name] -= gradient")),
        ),
        Mistake(
            "the caller's arrays",
            "the result is right, but the caller's parameters are trained along: copy them first.",
            changed(DESCEND_CODE, (_COPIES, "parameters")),
        ),
        Mistake(
            "nothing moves",
            "what was computed is kept under a name of the loop alone: parameters still holds the "
            "old arrays, and nothing is trained.",
            changed(DESCEND_CODE, (_STEP, "parameter = parameters[name] - rate * gradient")),
        ),
        Mistake(
            "always the first gradient",
            "the gradients are computed once, before the loop: after a step it is another place, "
            "with other gradients.",
            changed(
                DESCEND_CODE,
                (_ASK, ""),
                ("    for _ in range(steps)", _ASK[4:] + "    for _ in range(steps)"),
            ),
        ),
        Mistake(
            "the last loss alone",
            "one loss is returned: the loss before each step was asked, as a list.",
            changed(DESCEND_CODE, ("return parameters, losses", "return parameters, losses[-1]")),
        ),
    ),
)  # fmt: skip
