"""Exercises of lesson 19: gradients that add up, memory in order, masks of two minds."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

# after_calls ------------------------------------------------------------------------------------


def _after_calls(w, goal, rate, calls):
    grad = None
    for call in calls:
        if call == "zero_grad":
            grad = None
        elif call == "backward":
            slope = w - goal
            grad = slope if grad is None else grad + slope
        elif call == "step" and grad is not None:
            w = w - rate * grad
    return w, grad


def _calls_cases(rng: np.random.Generator) -> list[Case]:
    habit = ["zero_grad", "backward", "step"]
    one, adds, without = "one step", "backward adds", "a step without a gradient"

    def case(calls: list[str], part: str) -> Case:
        w, goal, rate = rng.uniform(4, 9), rng.uniform(-3, 3), rng.uniform(0.05, 0.4)
        return Case((float(w), float(goal), float(rate), calls), part)

    return [
        case(["backward"], one),
        case(habit, one),
        case(["backward", "backward"], adds),
        case(["backward", "step", "backward", "step"], adds),
        case([*habit, "backward", "backward", "step"], adds),
        case([*habit, *habit, *habit], adds),
        case(["step"], without),
        case(["backward", "step", "zero_grad", "step", "backward", "zero_grad"], without),
    ]


_CALLS = code_of(_after_calls, "after_calls")
_SLOPE = "            slope = w - goal\n"

AFTER_CALLS = Exercise(
    name="after_calls",
    lesson="19",
    task="Follow a list of zero_grad, backward and step as PyTorch does; give the weight and its "
    "grad at the end.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_CALLS,
    why="backward adds to what is in .grad, so that several batches can make one step; only "
    "zero_grad takes it away, and leaves None. A step reads .grad and leaves it as it is. A weight "
    "whose grad is None is passed over.",
    hints=(
        "Three calls, and two things that they can change: w and grad. Which changes which?",
        "backward alone writes a gradient, the slope at today's w, added to what is there. step "
        "changes w and nothing else. zero_grad leaves None.",
        "grad = slope if grad is None else ...; in step: if grad is not None: w = w - ...",
    ),
    reference=_after_calls,
    cases=_calls_cases,
    parts={"one step": 1, "backward adds": 2, "a step without a gradient": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "backward replaces",
            "each backward forgets the last one: PyTorch adds to what is in .grad.",
            changed(_CALLS, ("slope if grad is None else grad + slope", "slope")),
        ),
        Mistake(
            "step clears the gradient",
            "the gradient is gone after a step: only zero_grad takes it away.",
            changed(_CALLS, ("w = w - rate * grad", "w, grad = w - rate * grad, None")),
        ),
        Mistake(
            "zero_grad leaves a zero",
            "after zero_grad the gradient is 0 here: it is None (set_to_none is True), and an "
            "optimizer passes such a weight over.",
            changed(
                _CALLS,
                ('"zero_grad":\n            grad = None', '"zero_grad":\n            grad = 0.0'),
            ),
        ),
        Mistake(
            "a step without a gradient fails",
            "a step where grad is None fails: PyTorch leaves such a weight as it is.",
            changed(_CALLS, (" and grad is not None", "")),
        ),
        Mistake(
            "the slope at the first weight",
            "every slope is that at the first w: backward takes it where the weight is now.",
            changed(
                _CALLS,
                ("    grad = None\n    for", "    grad, first = None, w\n    for"),
                (_SLOPE, _SLOPE.replace("w - goal", "first - goal")),
            ),
        ),
        Mistake(
            "uphill",
            "the step goes up the slope: the gradient is taken off the weight.",
            changed(_CALLS, ("w - rate * grad", "w + rate * grad")),
        ),
        Mistake(
            "the slope of the square",
            "the slope is twice too large: that of ½ (w - goal)² is w - goal.",
            changed(_CALLS, (_SLOPE, _SLOPE.replace("w - goal", "2 * (w - goal)"))),
        ),
    ),
)

# is_contiguous ----------------------------------------------------------------------------------


def _is_contiguous(shape, strides):
    if 0 in shape:
        return True
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def _contiguous_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = (int(size) for size in rng.choice([2, 3, 4, 5, 6, 7], 3, replace=False))
    order, odd = "in order or not", "sizes of 1 and of 0"
    return [
        Case(((a,), (1,)), order),
        Case(((a,), (b,)), order),
        Case(((a, b), (b, 1)), order),
        Case(((b, a), (1, b)), order),
        Case(((a, b), (b + c, 1)), order),  # a slice of wider rows
        Case(((a, b, c), (b * c, c, 1)), order),
        Case(((a, c, b), (b * c, 1, c)), order),
        Case(((b, a, c), (c, b * c, 1)), order),
        Case(((a, b, c), (b, c, 1)), order),
        Case(((1, a), (a * b, 1)), odd),
        Case(((a, 1, b), (b, c * b, 1)), odd),
        Case(((a, 1), (b, 1)), odd),
        Case(((a, 0), (c + 8, b + 8)), odd),
    ]


_CONTIGUOUS = code_of(_is_contiguous, "is_contiguous")

IS_CONTIGUOUS = Exercise(
    name="is_contiguous",
    lesson="19",
    task="Say whether an array of this shape, with these strides in numbers, lies in memory in the "
    "order in which it is read.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_CONTIGUOUS,
    why="Read row by row, the last index moves fastest: its stride is 1, and each stride before it "
    "is the product of the sizes after. An axis of size 1 is never stepped along, so its stride "
    "says nothing; and nothing cannot be out of order.",
    hints=(
        "What are the strides of np.zeros((2, 3, 4)), in numbers? Why?",
        "Go from the last axis to the first with the stride that it should have: 1, then times "
        "each size. Which axes do not count?",
        "if size != 1 and stride != expected: return False; expected *= size",
    ),
    reference=_is_contiguous,
    cases=_contiguous_cases,
    parts={"in order or not": 2, "sizes of 1 and of 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "an axis of size 1 counts",
            "the stride of an axis of size 1 is held against the array: nobody ever steps along "
            "it.",
            changed(_CONTIGUOUS, ("size != 1 and ", "")),
        ),
        Mistake(
            "an empty array is out of order",
            "an array with nothing in it is said to be out of order: there is nothing to order.",
            changed(_CONTIGUOUS, ("    if 0 in shape:\n        return True\n", "")),
        ),
        Mistake(
            "the last stride alone",
            "only the last stride is looked at: rows may lie apart, or change places.",
            "def is_contiguous(shape, strides):\n    return strides[-1] == 1 or 0 in shape\n",
        ),
        Mistake(
            "falling strides",
            "strides that fall are not enough: rows cut out of wider rows fall too, with gaps.",
            "def is_contiguous(shape, strides):\n"
            "    return list(strides) == sorted(strides, reverse=True)\n",
        ),
        Mistake(
            "the size of the neighbour",
            "a stride is compared with the size of the next axis alone: it is the product of all "
            "sizes after it.",
            changed(_CONTIGUOUS, ("expected *= size", "expected = size")),
        ),
        Mistake(
            "from the front",
            "the first axis is taken for the fastest, as Fortran has it: in NumPy and PyTorch it "
            "is the last.",
            changed(_CONTIGUOUS, ("zip(reversed(shape), reversed(strides)", "zip(shape, strides")),
        ),
        Mistake(
            "everything is",
            "every array is said to be in order: a transposed one is not.",
            "def is_contiguous(shape, strides):\n    return True\n",
        ),
    ),
)

# keep_mask --------------------------------------------------------------------------------------


def _keep_mask(key_padding_mask, attn_mask):
    if key_padding_mask is None:
        return None if attn_mask is None else ~attn_mask
    keep = ~key_padding_mask[:, None, None, :]  # (B, 1, 1, S)
    return keep if attn_mask is None else keep & ~attn_mask


def _keep_cases(rng: np.random.Generator) -> list[Case]:
    single, both = "one mask or none", "both masks"

    def padding(B: int, S: int) -> np.ndarray:
        return np.arange(S) >= rng.integers(1, S, (B, 1))

    def future(T: int, S: int) -> np.ndarray:
        return ~np.tri(T, S, dtype=bool)

    return [
        Case((None, None), single),
        Case((padding(1, 2), None), single),
        Case((None, future(2, 2)), single),
        Case((padding(3, 4), None), single),
        Case((None, future(3, 5)), single),
        Case((padding(1, 3), future(3, 3)), both),
        Case((padding(2, 4), future(4, 4)), both),
        Case((padding(4, 5), future(3, 5)), both),
    ]


_KEEP = code_of(_keep_mask, "keep_mask")

KEEP_MASK = Exercise(
    name="keep_mask",
    lesson="19",
    task="Make of nn.MultiheadAttention's two masks, True = hide, the one that "
    "scaled_dot_product_attention takes, True = keep.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_KEEP,
    why="Each mask is turned round first, and only then joined: a key is kept if neither hides it, "
    "so the two are joined by &. The padding belongs to a sequence of the batch, and gets axes "
    "for the heads and the queries; (T, S) broadcasts against it.",
    hints=(
        "Write the four cases of one key down: padded or not, in the future or not. Which of them "
        "may be seen?",
        "Turn each mask round with ~, give the padding the shape (B, 1, 1, S), join by &. Then the "
        "cases in which one or both are None.",
        "keep = ~key_padding_mask[:, None, None, :]; return keep if attn_mask is None else ...",
    ),
    reference=_keep_mask,
    cases=_keep_cases,
    parts={"one mask or none": 2, "both masks": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "True still hides",
            "the masks are joined but not turned round: True still means «hide».",
            changed(
                _KEEP,
                ("else ~attn_mask", "else attn_mask"),
                ("keep = ~", "keep = "),
                ("keep & ~attn_mask", "keep | attn_mask"),
            ),
        ),
        Mistake(
            "kept by either",
            "a key is kept if one of the masks lets it through: both must. (Joined by & first, and "
            "turned round after, the masks do the same.)",
            changed(_KEEP, ("keep & ~attn_mask", "keep | ~attn_mask")),
        ),
        Mistake(
            "one of two",
            "the padding is turned round, and the other mask is not.",
            changed(_KEEP, ("else ~attn_mask", "else attn_mask"), ("& ~attn_mask", "& attn_mask")),
        ),
        Mistake(
            "no axis for the heads",
            "the padding has no axis for the heads: (B, 1, S) would line up B with the heads.",
            changed(_KEEP, ("[:, None, None, :]", "[:, None, :]")),
        ),
        Mistake(
            "the padding as it is",
            "(B, S) meets (T, S): the sequences of the batch are taken for queries.",
            changed(_KEEP, ("[:, None, None, :]", "")),
        ),
        Mistake(
            "None is no mask",
            "None cannot be turned round: it stands for «nothing is hidden».",
            "def keep_mask(key_padding_mask, attn_mask):\n"
            "    return ~key_padding_mask[:, None, None, :] & ~attn_mask\n",
        ),
        Mistake(
            "the queries before the heads",
            "the padding has its keys in the wrong place: (B, 1, 1, S) is what broadcasts.",
            changed(_KEEP, ("[:, None, None, :]", "[:, None, :, None]")),
        ),
    ),
)

EXERCISES = (AFTER_CALLS, IS_CONTIGUOUS, KEEP_MASK)
