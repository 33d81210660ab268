"""Exercises of lesson 05: names written as BIO tags, and read off them."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

KINDS = ("DATE", "LOC", "PER")


def tag_line(rng: np.random.Generator, length: int) -> list[str]:
    """Random BIO tags of a sentence."""
    tags: list[str] = []
    for _ in range(length):
        before = tags[-1][2:] if tags else ""
        choices = ["O", f"B-{rng.choice(KINDS)}"]
        choices += [f"I-{before}"] * 2 if before else []
        tags.append(str(rng.choice(choices)))
    return tags


# bio_of_names -----------------------------------------------------------------------------------


def _bio_of_names(length, names):
    tags = ["O"] * length
    for kind, first, last in names:
        tags[first : last + 1] = [f"I-{kind}"] * (last - first + 1)
        tags[first] = f"B-{kind}"
    return tags


def _bio_cases(rng: np.random.Generator) -> list[Case]:
    one, several, beside = "names of one word", "names of several words", "names side by side"
    kinds = [str(kind) for kind in rng.permutation(KINDS)]
    more = [
        (kinds[0], 0, 0), (kinds[1], 1, 3), (kinds[1], 4, 4), (kinds[2], 6, 7), (kinds[2], 8, 10),
    ]  # fmt: skip
    return [
        Case((1, []), one),
        Case((2, [(kinds[0], 1, 1)]), one),
        Case((3, [(kinds[0], 0, 1)]), several),
        Case((6, [(kinds[1], 0, 2), (kinds[0], 4, 5)]), several),
        Case((3, [(kinds[2], 0, 1), (kinds[2], 2, 2)]), beside),
        Case((12, more), beside),
    ]


_BIO = code_of(_bio_of_names, "bio_of_names")
_INSIDE = 'tags[first : last + 1] = [f"I-{kind}"] * (last - first + 1)'
_BEGIN = '        tags[first] = f"B-{kind}"\n'

BIO_OF_NAMES = Exercise(
    name="bio_of_names",
    lesson="05",
    task="Write the BIO tags of a sentence of `length` words whose names are (kind, first word, "
    "last word).",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_BIO,
    why="All words of a name are I- of its kind, and then the first becomes B-. The B- is what "
    "keeps two names of one kind apart that stand side by side. The last word belongs to the "
    "name, so the slice ends one further.",
    hints=(
        "What are the tags of a sentence without names? Start with those.",
        "For each name put I- and its kind on all of its words, the last one too; then put B- on "
        "the first.",
        'tags = ["O"] * length; for kind, first, last in names: tags[first : last + 1] = ...; '
        "tags[first] = ...",
    ),
    reference=_bio_of_names,
    cases=_bio_cases,
    parts={"names of one word": 1, "names of several words": 1, "names side by side": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the last word is lost",
            "the last word of a name is left O: first and last are both inside, and range and "
            "slices stop before their end.",
            changed(_BIO, (_INSIDE, 'tags[first:last] = [f"I-{kind}"] * (last - first)')),
        ),
        Mistake(
            "no beginning",
            "no name begins with B-: side by side, two names of one kind become one.",
            changed(_BIO, (_BEGIN, "")),
        ),
        Mistake(
            "B- where it must be",
            "B- stands only where a name follows another of its kind. That is the older scheme "
            "IOB1; in BIO every name begins with B-.",
            changed(
                _BIO,
                (_BEGIN, f"        if first and tags[first - 1][2:] == kind:\n    {_BEGIN}"),
            ),
        ),
        Mistake(
            "all of it begins",
            "every word of a name is B-: each reads as a name of its own. From the second word on "
            "it is I-.",
            changed(_BIO, ("I-{kind}", "B-{kind}")),
        ),
        Mistake(
            "no kind",
            "the kind is missing: it stands after a dash, as in B-PER.",
            changed(_BIO, ("B-{kind}", "B"), ("I-{kind}", "I")),
        ),
        Mistake(
            "one name",
            "only the first name is marked: does the return stand inside the loop?",
            changed(_BIO, ("in names:", "in names[:1]:")),
        ),
        Mistake(
            "an end of its own",
            "the last word of a name is E-, which belongs to another scheme, BIOES.",
            changed(
                _BIO,
                (_BEGIN, f'        tags[last] = f"E-{{kind}}"\n{_BEGIN}'),
            ),
        ),
    ),
)

# names_in_bio -----------------------------------------------------------------------------------


def _names_in_bio(tags):
    names, kind, first = [], "", 0
    for i, tag in enumerate([*tags, "O"]):
        if tag == f"I-{kind}":
            continue
        if kind:
            names.append((kind, first, i - 1))
        kind, first = tag[2:], i
    return names


def _names_cases(rng: np.random.Generator) -> list[Case]:
    words, beside, end = "names of one and more words", "names side by side", "a name at the end"
    stray = "an I- that nothing began"
    one, other, third = (str(kind) for kind in rng.permutation(KINDS))

    def mixed(*parts: list[str]) -> list[str]:
        chosen = [parts[i] for i in rng.integers(len(parts), size=5)]
        return [tag for part in chosen for tag in part]

    whole, loose = [f"B-{one}", f"I-{one}", "O"], [f"I-{third}", f"I-{third}", "O"]
    return [
        Case((["O"],), words),
        Case(([f"B-{one}", "O"],), words),
        Case((["O", f"B-{one}", f"I-{one}", f"I-{one}", "O"],), words),
        Case(([f"B-{one}"],), end),
        Case(([*mixed(["O"], whole), f"B-{other}", f"I-{other}"],), end),
        Case(([f"B-{one}", f"B-{one}", "O"],), beside),
        Case(([f"B-{one}", f"I-{one}", f"B-{one}", f"I-{one}", f"B-{other}", "O"],), beside),
        Case((["O", f"I-{one}", "O"],), stray),
        Case(([f"B-{one}", f"I-{other}", f"I-{other}", f"I-{third}", "O"],), stray),
        Case((mixed(["O"], whole, loose),), stray),
    ]


NAMES_CODE = code_of(_names_in_bio, "names_in_bio")
_NEW = "kind, first = tag[2:], i"
_GOES_ON = 'if tag == f"I-{kind}":'

NAMES_IN_BIO = Exercise(
    name="names_in_bio",
    lesson="05",
    task="Read the names off the BIO tags of a sentence: a list of (kind, first word, last word). "
    "An I- that nothing of its kind came before begins a name.",
    points=5,
    minutes=15,
    difficulty="medium",
    solution=NAMES_CODE,
    why="A name goes on as long as the tag is I- of its own kind. Anything else ends it, and what "
    "is not O begins the next. An O put after the last word ends a name at the sentence's end "
    "without a second copy of the same lines.",
    hints=(
        "Walk through the tags with two things in mind: the kind of the name that is open, and "
        "where it began.",
        "If the tag is I- of the open kind, nothing happens. Otherwise close what is open, and "
        "open what begins here, if anything does. Mind the end of the sentence.",
        'for i, tag in enumerate([*tags, "O"]): if tag == f"I-{kind}": continue; if kind: '
        "names.append(...); kind, first = tag[2:], ...",
    ),
    reference=_names_in_bio,
    cases=_names_cases,
    parts={
        "names of one and more words": 2,
        "names side by side": 1,
        "a name at the end": 1,
        "an I- that nothing began": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the end of the sentence",
            "a name that reaches to the end of the sentence is lost: nothing comes after it to "
            "close it.",
            changed(NAMES_CODE, ('enumerate([*tags, "O"])', "enumerate(tags)")),
        ),
        Mistake(
            "the word after",
            "the third number is the word after the name: its last word was asked.",
            changed(NAMES_CODE, ("i - 1", "i")),
        ),
        Mistake(
            "its length",
            "the third number is how many words the name has: its last word was asked.",
            changed(NAMES_CODE, ("i - 1", "i - first")),
        ),
        Mistake(
            "a strict reading",
            "an I- without a beginning is passed over: a strict reading does so, but this one was "
            "to forgive, as the field's usual program does.",
            changed(NAMES_CODE, (_NEW, 'kind, first = (tag[2:] if tag[0] == "B" else ""), i')),
        ),
        Mistake(
            "neighbours of one kind",
            "two names of one kind side by side have become one: a B- begins a new name, whatever "
            "came before.",
            changed(NAMES_CODE, (_GOES_ON, "if kind and tag[2:] == kind:")),
        ),
        Mistake(
            "the kind may change",
            "an I- of another kind goes on with the name before it: only an I- of its own kind "
            "does.",
            changed(NAMES_CODE, (_GOES_ON, 'if kind and tag[0] == "I":')),
        ),
        Mistake(
            "every word a name",
            "each word of a name is a name of its own: an I- goes on with what is open.",
            changed(NAMES_CODE, (f"        {_GOES_ON}\n            continue\n", "")),
        ),
        Mistake(
            "the prefix in the kind",
            "the kind is PER, not B-PER: leave the prefix and its dash out.",
            changed(NAMES_CODE, ("((kind, first", '((f"B-{kind}", first')),
        ),
        Mistake(
            "the order of the three",
            "the order is (kind, first, last).",
            changed(NAMES_CODE, ("(kind, first, i - 1)", "(first, i - 1, kind)")),
        ),
    ),
)

EXERCISES = (BIO_OF_NAMES, NAMES_IN_BIO)
