"""Exercises of lesson 18: a sum block by block, rows shared among threads, and a kernel."""

from __future__ import annotations

import math

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# merge_block ------------------------------------------------------------------------------------


def _merge_block(largest, total, block):
    new = max(largest, float(block.max()))
    return new, total * np.exp(largest - new) + np.exp(block - new).sum()


def _merge_cases(rng: np.random.Generator) -> list[Case]:
    def so_far(row: np.ndarray) -> tuple:
        return float(row.max()), float(np.exp(row - row.max()).sum())

    low, high = np.sort(rng.normal(size=8)), np.sort(rng.normal(size=8)) + 4.0
    first, lower, higher = "the first block", "a lower block", "a block with a new maximum"
    return [
        Case((-math.inf, 0.0, np.array([0.5])), first),
        Case((-math.inf, 0.0, rng.normal(size=4)), first),
        Case((*so_far(high), low[:3]), lower),
        Case((*so_far(low), high[:3]), higher),
        Case((*so_far(low[:4]), high), higher),
        Case((*so_far(high + 1000), low + 900), "large numbers"),
        Case((*so_far(low - 900), high + 900), "large numbers"),
    ]


_MERGE = solution_of(_merge_block, "merge_block")

MERGE_BLOCK = Exercise(
    name="merge_block",
    lesson="18",
    task="Take one more block into (largest, total), the maximum and the sum of a softmax so far.",
    points=5,
    minutes=15,
    difficulty="hard",
    solution=_MERGE,
    why="total is Σ exp(x - largest) over what was seen. If the maximum grows to `new`, each old "
    "term must become exp(x - new), which is the old one times exp(largest - new): one factor for "
    "all of them. At the start exp(-inf - new) is 0, and times 0 that is right as well.",
    hints=(
        "total was taken with an old maximum. What must it be multiplied by, so that it is as if "
        "the new one had been taken off from the beginning?",
        "exp(x - new) = exp(x - largest) · exp(largest - new). Find the new maximum, correct the "
        "old total by that factor, and add the block's own sum.",
        "new = max(largest, block.max()); return new, total * np.exp(...) + np.exp(...).sum()",
    ),
    reference=_merge_block,
    cases=_merge_cases,
    parts={
        "the first block": 1, "a lower block": 1, "a block with a new maximum": 2,
        "large numbers": 1,
    },
    refused=(*REFUSED, "numpy.logaddexp"),
    mistakes=(
        Mistake(
            "the old total as it is",
            "the old total belongs to the old maximum: where the maximum grows it must shrink.",
            changed(_MERGE, ("total * np.exp(largest - new)", "total")),
        ),
        Mistake(
            "the factor upside down",
            "the factor for the old total is upside down: with a larger maximum its terms become "
            "smaller.",
            changed(_MERGE, ("np.exp(largest - new)", "np.exp(new - largest)")),
        ),
        Mistake(
            "the block's own maximum",
            "the block is taken with its own maximum, and not with the larger one of both: the two "
            "sums then have different units.",
            changed(_MERGE, ("np.exp(block - new)", "np.exp(block - block.max())")),
        ),
        Mistake(
            "the old maximum",
            "the block is taken with the old maximum: at the start that is -inf, and later it may "
            "be too small, so that exp overflows.",
            changed(_MERGE, ("np.exp(block - new)", "np.exp(block - largest)")),
        ),
        Mistake(
            "the maximum of the block alone",
            "the new maximum is that of the block, even where an earlier one was larger.",
            changed(_MERGE, ("max(largest, float(block.max()))", "float(block.max())")),
        ),
        Mistake(
            "no maximum",
            "no maximum is taken off: large numbers overflow.",
            changed(_MERGE, ("np.exp(block - new)", "np.exp(block)"),
                    ("total * np.exp(largest - new)", "total * np.exp(largest)")),
        ),
    ),
)  # fmt: skip

# parts_of_work: find the bug --------------------------------------------------------------------


def _parts_of_work(count, threads):
    return [(count * part // threads, count * (part + 1) // threads) for part in range(threads)]


def _parts_cases(rng: np.random.Generator) -> list[Case]:
    even, rest, few = "what divides evenly", "what does not", "fewer rows than threads"
    threads = int(rng.integers(3, 8))
    rows = threads * int(rng.integers(4, 9))
    return [
        Case((2, 1), even),
        Case((6, 3), even),
        Case((rows, threads), even),
        Case((7, 2), rest),
        Case((11, 4), rest),
        Case((rows + threads - 1, threads), rest),
        Case((3, 4), few),
        Case((0, 2), few),
    ]


_PARTS = solution_of(_parts_of_work, "parts_of_work")

PARTS_OF_WORK = Exercise(
    name="parts_of_work",
    lesson="18",
    task="Find the bug in dropped_parts: cut rows 0 to count into parts, one for each thread.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_PARTS,
    why="count // threads rounds down first and multiplies afterwards, so the rounding is lost "
    "once for each thread, and the last rows belong to nobody. count * part // threads rounds "
    "last: part 0 begins at 0, the last ends at count, and each begins where the one before ends.",
    hints=(
        "Where does the last part end, for 7 rows and 2 threads?",
        "Part k should begin at the fraction k / threads of count. Round after you have "
        "multiplied, not before.",
        "(count * part // threads, ...) for part in range(threads)",
    ),
    reference=_parts_of_work,
    cases=_parts_cases,
    parts={"what divides evenly": 1, "what does not": 2, "fewer rows than threads": 1},
    refused=(*REFUSED, "numpy.array_split", "numpy.linspace"),
    mistakes=(
        Mistake(
            "as it was given",
            "the last rows still belong to nobody, as in dropped_parts.",
            "def parts_of_work(count, threads):\n    size = count // threads\n"
            "    return [(part * size, (part + 1) * size) for part in range(threads)]\n",
        ),
        Mistake(
            "the rest to the last",
            "nothing is lost, but the last thread gets all of the rest: the others wait for it. "
            "Parts should differ by one row at most.",
            "def parts_of_work(count, threads):\n    size = count // threads\n"
            "    starts = [part * size for part in range(threads)]\n"
            "    return list(zip(starts, starts[1:] + [count]))\n",
        ),
        Mistake(
            "rounded up",
            "the size is rounded up: the last parts go beyond the end.",
            "def parts_of_work(count, threads):\n    size = -(-count // threads)\n"
            "    return [(part * size, (part + 1) * size) for part in range(threads)]\n",
        ),
        Mistake(
            "rounded up and cut off",
            "the size is rounded up and the end cut off: the last thread gets far less than the "
            "others, or nothing.",
            "def parts_of_work(count, threads):\n    size = -(-count // threads)\n"
            "    return [(min(part * size, count), min((part + 1) * size, count))"
            " for part in range(threads)]\n",
        ),
        Mistake(
            "the last row left out",
            "each part ends one row too early: `stop` is the first row that does not belong to it.",
            changed(_PARTS, ("// threads) for part", "// threads - 1) for part")),
        ),
        Mistake(
            "one part too many",
            "there is one part more than there are threads.",
            changed(_PARTS, ("range(threads)", "range(threads + 1)")),
        ),
        Mistake(
            "start and length",
            "these are starts and lengths: (start, stop) was asked.",
            changed(
                _PARTS,
                (
                    "count * (part + 1) // threads)",
                    "count * (part + 1) // threads - count * part // threads)",
                ),
            ),
        ),
    ),
)

# bias_relu_rows ---------------------------------------------------------------------------------


def _bias_relu_rows(x, bias, y, start, stop):
    for i in range(start, stop):
        for j in range(x.shape[1]):
            total = x[i, j] + bias[j]
            y[i, j] = total if total > 0 else 0.0


_CALL = "lambda x, bias, y, start, stop: [bias_relu_rows(x, bias, y, start, stop), y][1]"


def _bias_reference(*arguments):
    return eval(_CALL, {"bias_relu_rows": _bias_relu_rows})(*arguments)


def _bias_cases(rng: np.random.Generator) -> list[Case]:
    def case(part: str, rows: int, columns: int, start: int, stop: int) -> Case:
        x, bias = rng.normal(size=(rows, columns)), rng.normal(size=columns)
        return Case((x, bias, np.full((rows, columns), 9.0), start, stop), part)

    whole, part = "all rows", "its own rows alone"
    return [
        Case((np.array([[-1.0]]), np.array([3.0]), np.array([[9.0]]), 0, 1), whole),
        Case((np.array([[1.0]]), np.array([-3.0]), np.array([[9.0]]), 0, 1), whole),
        case(whole, 3, 3, 0, 3),
        case(whole, 2, 5, 0, 2),
        case(part, 6, 4, 2, 5),
        case(part, 5, 5, 3, 5),
        case(part, 4, 3, 2, 2),
    ]


_BIAS = solution_of(_bias_relu_rows, "bias_relu_rows")

BIAS_RELU_ROWS = Exercise(
    name="bias_relu_rows",
    lesson="18",
    task="Write relu(x + bias) into y, in one pass, for the rows from start to stop.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_BIAS,
    why="The sum of an element lives in one variable between the addition and the comparison, in a "
    "register once it is compiled: x is read once, y is written once, and no array is made. Every "
    "thread writes its own rows of the same y, so nothing has to be put together afterwards.",
    hints=(
        "What would NumPy write to memory between the addition and the relu? You need one number.",
        "Two loops, over your rows and over the columns. Write into y, which is there already; do "
        "not touch other rows.",
        "for i in range(start, stop): for j in range(x.shape[1]): total = ...; y[i, j] = ...",
    ),
    reference=_bias_reference,
    cases=_bias_cases,
    parts={"all rows": 2, "its own rows alone": 2},
    refused=(*REFUSED, "numba"),
    call=_CALL,
    unchanged=False,
    mistakes=(
        Mistake(
            "all rows",
            "every row is written, whatever start and stop say: the other rows belong to other "
            "threads.",
            changed(_BIAS, ("range(start, stop)", "range(x.shape[0])")),
        ),
        Mistake(
            "y stays as it was",
            "a new array is made under the name y, and the caller's y stays as it was: write into "
            "its elements.",
            "import numpy as np\n\ndef bias_relu_rows(x, bias, y, start, stop):\n"
            "    y = np.maximum(x + bias, 0)\n",
        ),
        Mistake(
            "no relu",
            "the bias is added, but what is below 0 stays below 0.",
            changed(_BIAS, ("total if total > 0 else 0.0", "total")),
        ),
        Mistake(
            "relu first",
            "the relu comes before the bias: add first, then compare.",
            changed(
                _BIAS,
                ("x[i, j] + bias[j]", "max(x[i, j], 0.0) + bias[j]"),
                ("total if total > 0 else 0.0", "total"),
            ),
        ),
        Mistake(
            "one row too many",
            "the row `stop` is written too: it is the first one of the next thread.",
            changed(_BIAS, ("range(start, stop)", "range(start, min(stop + 1, x.shape[0]))")),
        ),
        Mistake(
            "no bias",
            "the bias is not added.",
            changed(_BIAS, (" + bias[j]", "")),
        ),
    ),
)

EXERCISES = (MERGE_BLOCK, PARTS_OF_WORK, BIAS_RELU_ROWS)
