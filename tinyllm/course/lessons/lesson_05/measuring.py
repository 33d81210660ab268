"""Exercises of lesson 05: F1 from three counts, and an F1 over names that is too good."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_05.names import KINDS, NAMES_CODE, _names_in_bio, tag_line
from tinyllm.course.lessons.writing import REFUSED, changed

# f1_of_counts -----------------------------------------------------------------------------------


def _f1_of_counts(right, given, true):
    return 2 * right / (given + true) if given + true else 0.0


def _f1_cases(rng: np.random.Generator) -> list[Case]:
    values, nothing = "the right values", "nothing to divide by"
    right = int(rng.integers(2, 9))
    return [
        Case((1, 1, 1), values),
        Case((1, 4, 2), values),
        Case((right, right + int(rng.integers(2, 5)), right + int(rng.integers(6, 9))), values),
        Case((0, 3, 5), values),
        Case((0, 0, 4), nothing),
        Case((0, 0, 0), nothing),
    ]


_F1 = code_of(_f1_of_counts, "f1_of_counts")
_RETURN = "2 * right / (given + true) if given + true else 0.0"

F1_OF_COUNTS = Exercise(
    name="f1_of_counts",
    lesson="05",
    task="Give F1 from how many names are right, how many were given, and how many are true; 0.0 "
    "where there is nothing to divide by.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_F1,
    why="Put P = right / given and R = right / true into 2 P R / (P + R): one `right` goes out, "
    "and 2 right / (given + true) is left, which is undefined only where both counts are 0.",
    hints=(
        "Write 2 P R / (P + R) with P = right / given and R = right / true, and simplify.",
        "F1 is twice what is right, over what was given and what is true together. When is that "
        "sum 0?",
        "return 2 * right / (...) if ... else 0.0",
    ),
    reference=_f1_of_counts,
    cases=_f1_cases,
    parts={"the right values": 1, "nothing to divide by": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "0 / 0",
            "with nothing given and nothing true it divides by 0: the answer is then 0.0.",
            changed(_F1, (" if given + true else 0.0", "")),
        ),
        Mistake(
            "P and R one by one",
            "precision divides by `given`, which may be 0: look before you divide.",
            changed(
                _F1,
                (_RETURN, "2 * right / given * right / true / (right / given + right / true)"),
            ),
        ),
        Mistake(
            "precision",
            "this is precision: what share of the given is right. F1 asks for recall too.",
            changed(_F1, (_RETURN, "right / given if given else 0.0")),
        ),
        Mistake(
            "recall",
            "this is recall: what share of the true was found. F1 asks for precision too.",
            changed(_F1, (_RETURN, "right / true if true else 0.0")),
        ),
        Mistake(
            "the plain mean",
            "this is the plain mean of precision and recall. F1 is their harmonic mean, which is "
            "near the smaller of the two.",
            changed(
                _F1,
                (
                    _RETURN,
                    "(right / given if given else 0) / 2 + (right / true if true else 0) / 2",
                ),
            ),
        ),
        Mistake(
            "the overlap",
            "what is right is counted once below the line: this is the share of the union "
            "(Jaccard), which is smaller than F1.",
            changed(
                _F1,
                (_RETURN, "right / (given + true - right) if given + true else 0.0"),
            ),
        ),
    ),
)

# name_f1: find the bug --------------------------------------------------------------------------


def _name_f1(true, given):
    true = {(i, *name) for i, tags in enumerate(true) for name in _names_in_bio(tags)}
    given = {(i, *name) for i, tags in enumerate(given) for name in _names_in_bio(tags)}
    right, total = len(true & given), len(true) + len(given)
    return 2 * right / total if total else 0.0


def _name_cases(rng: np.random.Generator) -> list[Case]:
    one, several, none = "one sentence", "several sentences", "no names at all"
    first, second = (str(kind) for kind in rng.permutation(KINDS)[:2])
    mine, yours = [f"B-{first}", "O", "O", "O"], ["O", "O", f"B-{second}", f"I-{second}"]

    def tagger(lines: list[list[str]]) -> list[list[str]]:
        """Tags of which some are others."""
        new = [tag_line(rng, len(line)) for line in lines]
        return [
            [b if rng.random() < 0.3 else a for a, b in zip(old, other, strict=True)]
            for old, other in zip(lines, new, strict=True)
        ]

    many = [tag_line(rng, 6) for _ in range(12)]
    other = [[f"B-{second}", f"I-{second}"], [f"B-{first}", "O"]]
    alone = [f"B-{first}", f"I-{first}", "O", f"B-{second}", f"B-{second}", "O"]
    return [
        Case(([[f"B-{first}"]], [[f"B-{first}"]]), one),
        Case(([[f"B-{first}", f"I-{first}"]], [[f"B-{first}", "O"]]), one),
        Case(([[f"B-{first}", "O"]], [[f"B-{second}", "O"]]), one),
        Case(([alone], [[*alone[:3], f"B-{first}", "O", "O"]]), one),
        Case(([mine, mine, yours], [mine, yours, yours]), several),
        Case(([mine, yours], [yours, mine]), several),
        Case(([[f"B-{first}", f"I-{first}"], [f"B-{first}", f"I-{first}"]], other), several),
        Case((many, tagger(many)), several),
        Case(([["O", "O"]], [["O", "O"]]), none),
    ]


_NAMES = NAMES_CODE + "\n\n" + code_of(_name_f1, "name_f1").replace("_names_in_bio", "names_in_bio")
_BY_SENTENCE = "(i, *name) for i, tags in enumerate({0}) for name in"
_RATIO = "2 * right / total if total else 0.0"

NAME_F1 = Exercise(
    name="name_f1",
    lesson="05",
    task="Find the bug in forgetful_f1 and write name_f1 without it: F1 over the names of a whole "
    "text, from the true and the given tags of each sentence.",
    points=4,
    minutes=15,
    difficulty="medium",
    solution=_NAMES,
    why="A name is a kind and two places *in a sentence*. Without the sentence's number, names of "
    "different sentences are equal: the set keeps one of them, and a name given in one sentence "
    "is right because another has it. The number goes into the tuple.",
    hints=(
        "Take two sentences, and let the tagger give each the tags of the other. What should F1 "
        "be, and what comes?",
        "Print the set of true names for three sentences that all begin with a person. How many "
        "names does it hold?",
        "{(i, *name) for i, tags in enumerate(true) for name in names_in_bio(tags)}",
    ),
    reference=_name_f1,
    cases=_name_cases,
    parts={"one sentence": 1, "several sentences": 2, "no names at all": 1},
    refused=REFUSED,
    needs=("names_in_bio",),
    mistakes=(
        Mistake(
            "as it was given",
            "the sets forget which sentence a name stands in, as in forgetful_f1: names of "
            "different sentences meet there.",
            changed(
                _NAMES,
                (_BY_SENTENCE.format("true"), "name for tags in true for name in"),
                (_BY_SENTENCE.format("given"), "name for tags in given for name in"),
            ),
        ),
        Mistake(
            "the mean of the sentences",
            "this is the mean of the sentences' own F1: a short sentence weighs as much as a long "
            "one, and one without names counts as 0. Count over all sentences, divide once.",
            changed(
                _NAMES,
                (
                    f"return {_RATIO}",
                    "scores = []\n    for k in sorted({name[0] for name in true | given}):\n"
                    "        a = {n for n in true if n[0] == k}\n"
                    "        b = {n for n in given if n[0] == k}\n"
                    "        scores.append(2 * len(a & b) / (len(a) + len(b)))\n"
                    "    return sum(scores) / len(scores) if scores else 0.0",
                ),
            ),
        ),
        Mistake(
            "words, not names",
            "this counts tagged words, not names: half of a name earns half, though it is the name "
            "of somebody else.",
            changed(
                _NAMES,
                (
                    _BY_SENTENCE.format("true"),
                    "(i, j, tag) for i, tags in enumerate(true) for j, "
                    "tag in enumerate(tags) if tag != 'O'}\n    _ = {0 for tags in () for name in",
                ),
                (
                    _BY_SENTENCE.format("given"),
                    "(i, j, tag) for i, tags in enumerate(given) for j, "
                    "tag in enumerate(tags) if tag != 'O'}\n    _ = {0 for tags in () for name in",
                ),
            ),
        ),  # fmt: skip
        Mistake(
            "the kind is forgotten",
            "the kind of the name does not count here: a person taken for a place is wrong.",
            changed(_NAMES, ("(i, *name)", "(i, *name[1:])")),
        ),
        Mistake(
            "where it begins is enough",
            "the last word of the name does not count here: both ends must be right.",
            changed(_NAMES, ("(i, *name)", "(i, *name[:2])")),
        ),
        Mistake(
            "recall",
            "this is the share of the true names that were found: names given too much cost "
            "nothing.",
            changed(_NAMES, (_RATIO, "right / len(true) if true else 0.0")),
        ),
        Mistake(
            "precision",
            "this is the share of the given names that are right: names not found cost nothing.",
            changed(_NAMES, (_RATIO, "right / len(given) if given else 0.0")),
        ),
        Mistake(
            "0 / 0",
            "a text without names divides 0 by 0: the answer is 0.0.",
            changed(_NAMES, (" if total else 0.0", "")),
        ),
    ),
)

EXERCISES = (F1_OF_COUNTS, NAME_F1)
