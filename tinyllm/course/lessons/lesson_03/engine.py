"""The project of lessons 00 to 03: Traced, an array with a tape, and the product of two of them."""

from __future__ import annotations

import inspect
import itertools

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_03.reductions import BATCHED, HELPER, summed_back
from tinyllm.course.lessons.lesson_03.reductions import _batched_backward as batched_matmul_backward
from tinyllm.course.lessons.writing import REFUSED, changed

births = itertools.count()


class Traced:
    """An array that remembers what it was made from."""

    def __init__(self, data, edges=()):
        self.data, self.number = np.asarray(data, dtype=float), next(births)
        self.grad, self.edges = np.zeros(self.data.shape), edges  # edges: (source, its part)

    def __add__(self, other):
        edges = [(x, lambda g, x=x: summed_back(g, x.data.shape)) for x in (self, other)]
        return Traced(self.data + other.data, edges)

    def __mul__(self, other):
        def part(source, factor):
            return lambda grad: summed_back(grad * factor.data, source.data.shape)

        edges = [(self, part(self, other)), (other, part(other, self))]
        return Traced(self.data * other.data, edges)

    def relu(self):
        """What is above 0; 0 for the rest."""
        return Traced(np.maximum(self.data, 0), [(self, lambda grad: grad * (self.data > 0))])

    def mean(self):
        """The mean of all numbers, an array of shape ()."""
        shape, size = self.data.shape, self.data.size
        return Traced(self.data.mean(), [(self, lambda grad: np.full(shape, grad / size))])

    def backward(self, covector):
        """Give everything that led here its gradient of (covector * data).sum()."""
        self.grad, waiting = self.grad + covector, {self.number: self}
        while waiting:
            node = waiting.pop(max(waiting))  # the youngest
            for source, part in node.edges:
                source.grad = source.grad + part(node.grad)
                waiting[source.number] = source


# What the grader calls in the learner's process: a formula over Traced arrays.
_CALL = """\
lambda formula, at, covector: (
    lambda leaves: (
        lambda out: (
            out.backward(covector), [out.data, {name: x.grad for name, x in leaves.items()}]
        )[1]
    )(eval(formula, {**globals(), **leaves}))
)({name: Traced(array) for name, array in at.items()})"""


def _reference(formula, at, covector):
    return eval(_CALL, {"Traced": Traced, "traced_product": _traced_product})(formula, at, covector)


def _case(rng: np.random.Generator, part: str, formula: str, out: tuple, **shapes: tuple) -> Case:
    """Numbers away from 0, where a relu has no slope and mistakes do not show."""

    def draw(shape: tuple) -> np.ndarray:
        return rng.choice([-1, 1], shape) * rng.uniform(0.3, 1.5, shape)

    arrays = {name: np.asarray(draw(shape)) for name, shape in shapes.items()}
    return Case((formula, arrays, np.asarray(draw(out))), part)


def _traced_cases(rng: np.random.Generator) -> list[Case]:
    plain, relu, mean = "sums and products", "relu", "mean"
    stretched, twice = "what was broadcast", "arrays used twice"
    n, m = (int(k) for k in rng.integers(2, 5, 2))
    return [
        _case(rng, plain, "x + y", (1,), x=(1,), y=(1,)),
        _case(rng, plain, "x * y", (2,), x=(2,), y=(2,)),
        _case(rng, plain, "x * y + b", (n, m), x=(n, m), y=(n, m), b=(n, m)),
        _case(rng, relu, "x.relu()", (6,), x=(6,)),
        _case(rng, relu, "(x * y).relu()", (2, 6), x=(2, 6), y=(2, 6)),
        _case(rng, mean, "x.mean()", (), x=(4,)),
        _case(rng, mean, "(x * y).mean()", (), x=(n, 3), y=(n, 3)),
        _case(rng, stretched, "x + b", (2, 3), x=(2, 3), b=(3,)),
        _case(rng, stretched, "x * b", (3, 3), x=(3, 3), b=(3, 1)),
        _case(rng, stretched, "a * b + c", (n, m), a=(n, 1), b=(m,), c=()),
        _case(rng, twice, "x * x", (2,), x=(2,)),
        _case(rng, twice, "(x + y) + y", (3,), x=(3,), y=(3,)),
        _case(rng, twice, "(lambda a: a * a.relu() + a)(x * x + y * b)", (2, 3), x=(2, 3),
              y=(2, 3), b=(3,)),
    ]  # fmt: skip


_CLASS = inspect.getsource(Traced)
_START = f"import itertools\n\nimport numpy as np\n\nbirths = itertools.count()\n\n\n{HELPER}\n\n"
TRACED_CODE = f"{_START}{_CLASS}"

TRACED = Exercise(
    name="Traced",
    lesson="03",
    task="Write the class Traced: an array with data, grad, +, *, relu(), mean(), backward().",
    points=8,
    minutes=30,
    difficulty="hard",
    solution=TRACED_CODE,
    why="As for single numbers, each operation keeps its sources; but what leads from its gradient "
    "to a source's is a function now: it multiplies, and sums back what was broadcast. The walk "
    "is the same, from the youngest on. source.grad + part makes a new array: += would change one "
    "that the two inputs of a sum may share.",
    hints=(
        "Take Value of lesson 02 and ask of each line: is it still true when data is an array? "
        "A local gradient that was a number becomes a function from grad to grad.",
        "Edges are pairs (source, function). Of a sum the function sums grad back to the source's "
        "shape; of a product it multiplies by the other's data first. relu lets grad through where "
        "data > 0; mean spreads grad / size. backward(covector) begins with the covector.",
        "edges of a * b: (self, lambda grad: summed_back(grad * other.data, self.data.shape)), and "
        "the same for other. In the walk: source.grad = source.grad + part(node.grad)",
    ),
    reference=_reference,
    cases=_traced_cases,
    parts={
        "sums and products": 2, "relu": 1, "mean": 1, "what was broadcast": 2,
        "arrays used twice": 2,
    },
    refused=REFUSED,
    call=_CALL,
    needs=("unbroadcast",),
    mistakes=(
        Mistake(
            "overwritten",
            "a gradient that arrives replaces what came before: an array that is used twice keeps "
            "one part alone.",
            changed(
                TRACED_CODE,
                ("source.grad = source.grad + part(node.grad)", "source.grad = part(node.grad)"),
            ),
        ),
        Mistake(
            "a shared array",
            "a sum hands one array to both of its inputs, and += then changes it for both: make "
            "a new array when something arrives.",
            changed(
                TRACED_CODE,
                ("self.edges = np.zeros(self.data.shape)", "self.edges = None"),
                ("waiting = self.grad + covector", "waiting = np.array(covector)"),
                (
                    "source.grad = source.grad + part(node.grad)",
                    "if source.grad is None:\n"
                    "                    source.grad = part(node.grad)\n"
                    "                else:\n"
                    "                    source.grad += part(node.grad)",
                ),
                (HELPER, HELPER.replace("    strides =", "    if grad.shape == shape:\n"
                                        "        return grad\n    strides =")),
            ),
        ),
        Mistake(
            "not summed back",
            "what was broadcast gets a gradient of the output's shape: sum it back to its own.",
            changed(
                TRACED_CODE,
                ("summed_back(g, x", "(lambda g, s: g)(g, x"),
                ("summed_back(grad * factor", "(lambda g, s: g)(grad * factor"),
            ),
        ),
        Mistake(
            "each factor by itself",
            "in a product each factor's local gradient is the other factor: yours is itself.",
            changed(
                TRACED_CODE,
                (
                    "(self, part(self, other)), (other, part(other, self))",
                    "(self, part(self, self)), (other, part(other, other))",
                ),
            ),
        ),
        Mistake(
            "the mean like a sum",
            "in a mean of N numbers each counts for 1/N: yours gets the whole gradient.",
            changed(TRACED_CODE, ("grad / size", "grad")),
        ),
        Mistake(
            "ones in the place of the covector",
            "backward begins with ones, whatever it is given: then it belongs to the sum of the "
            "outputs.",
            changed(TRACED_CODE, ("self.grad + covector", "self.grad + np.ones(self.data.shape)")),
        ),
        Mistake(
            "oldest first",
            "the oldest that waits is walked first: it then passes on a gradient of which a part "
            "is still to come.",
            changed(TRACED_CODE, ("max(waiting)", "min(waiting)")),
        ),
    ),
)  # fmt: skip

# traced_product ---------------------------------------------------------------------------------


def _traced_product(x, w):
    def part(which):
        return lambda grad: batched_matmul_backward(x.data, w.data, grad)[which]

    return Traced(x.data @ w.data, [(x, part(0)), (w, part(1))])


def _product_cases(rng: np.random.Generator) -> list[Case]:
    one, square, batch = "two matrices", "square matrices", "a batch"
    chain = "(traced_product(x, w) + b).relu()"
    product = "traced_product(x, w)"
    return [
        _case(rng, one, product, (1, 1), x=(1, 1), w=(1, 1)),
        _case(rng, one, product, (3, 4), x=(3, 2), w=(2, 4)),
        _case(rng, one, chain, (3, 4), x=(3, 2), w=(2, 4), b=(4,)),
        _case(rng, square, product, (3, 3), x=(3, 3), w=(3, 3)),
        _case(rng, square, "traced_product(x, x)", (2, 2), x=(2, 2)),
        _case(rng, batch, product, (2, 3, 4), x=(2, 3, 2), w=(2, 4)),
    ]


_PRODUCT = BATCHED.replace(f"import numpy as np\n\n{HELPER}\n\n", "")
PRODUCT_CODE = "\n\n".join((TRACED_CODE, _PRODUCT, code_of(_traced_product, "traced_product")))

TRACED_PRODUCT = Exercise(
    name="traced_product",
    lesson="03",
    task="Give the Traced matrix product of two Traced arrays, with its way back.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=PRODUCT_CODE,
    why="A new operation is a new kind of edge, and the walk stays as it is: the forward, and for "
    "each source what turns the gradient of the product into its own. That second part you have "
    "written already.",
    hints=(
        "Look at your +: what would have to change? Not the walk.",
        "Return a Traced with x.data @ w.data and two edges. The functions on them take grad and "
        "call batched_matmul_backward.",
        "edges: (x, lambda grad: batched_matmul_backward(x.data, w.data, grad)[0]), and [1] for w",
    ),
    reference=_reference,
    cases=_product_cases,
    parts={"two matrices": 2, "square matrices": 1, "a batch": 1},
    refused=REFUSED,
    call=_CALL,
    needs=("unbroadcast", "batched_matmul_backward", "Traced"),
    mistakes=(
        Mistake(
            "the way back is cut",
            "the product has no edges: nothing arrives at its sources, and they stay at 0.",
            changed(PRODUCT_CODE, ("[(x, part(0)), (w, part(1))]", "[]")),
        ),
        Mistake(
            "only the weights",
            "w has an edge and x has none: whatever was computed before x gets no gradient.",
            changed(PRODUCT_CODE, ("[(x, part(0)), (w, part(1))]", "[(w, part(1))]")),
        ),
        Mistake(
            "each gets the other's",
            "the two gradients have changed places: that of x belongs to x.",
            changed(PRODUCT_CODE, ("[(x, part(0)), (w, part(1))]", "[(x, part(1)), (w, part(0))]")),
        ),
        Mistake(
            "element by element",
            "* multiplies number by number; a matrix product is @.",
            changed(PRODUCT_CODE, ("Traced(x.data @ w.data", "Traced(x.data * w.data")),
        ),
        Mistake(
            "ones in the place of what arrives",
            "the backward gets ones, and not the gradient that arrives: what was computed after "
            "the product is forgotten.",
            changed(PRODUCT_CODE, ("w.data, grad)", "w.data, np.ones_like(grad))")),
        ),
        Mistake(
            "the last number of the loop",
            "both edges use the same gradient. (A lambda made in a loop looks its variable up when "
            "it is called, and finds the last value.)",
            changed(PRODUCT_CODE, ("grad)[which]", "grad)[1]")),
        ),
    ),
)
