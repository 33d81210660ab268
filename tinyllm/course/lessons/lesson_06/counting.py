"""Exercises of lesson 06's project: words out of a page, and who stands near whom."""

from __future__ import annotations

import re

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# words_of_page ----------------------------------------------------------------------------------


def _words_of_page(page):
    text = re.sub(r"<[^>]*>", " ", page)
    text = re.sub(r"&\w+;", " ", text)
    return re.findall(r"[a-z]+", text.lower())


_NOUNS = ("rabbit", "garden", "soup", "piano", "baker", "violin", "castle", "lemon")
_NAMES = ("Anna", "Tom", "Clara", "Leo", "Emma", "Oscar")


def _page_cases(rng: np.random.Generator) -> list[Case]:
    def one(words: tuple[str, ...]) -> str:
        return str(rng.choice(words))

    words, tags, signs = "words and capitals", "tags", "signs with names, and numbers"
    return [
        Case((f"{one(_NAMES)} ran.",), words),
        Case((f"{one(_NAMES)} had a {one(_NOUNS)}, so she\nate {one(_NOUNS)}!",), words),
        Case((f"<p>{one(_NAMES)} sang.</p>",), tags),
        Case((f"<B>{one(_NOUNS)}<br/>{one(_NOUNS)}</B> by <i>{one(_NAMES)}</i>",), tags),
        Case((f'<p class="{one(_NOUNS)}">{one(_NAMES)}: {one(_NOUNS)}</p>',), tags),
        Case((f"{one(_NAMES)}&nbsp;ate {one(_NOUNS)} &amp; slept.",), signs),
        Case((f"In {rng.integers(1900, 2000)} {one(_NAMES)} lost 2 keys (her own).",), signs),
    ]


_PAGE = f"import re\n\n{code_of(_words_of_page, 'words_of_page')}"
_TAGS = '    text = re.sub(r"<[^>]*>", " ", page)\n'
_SIGNS = r'    text = re.sub(r"&\w+;", " ", text)' + "\n"
_FIND = r're.findall(r"[a-z]+", text.lower())'

WORDS_OF_PAGE = Exercise(
    name="words_of_page",
    lesson="06",
    task="The words of a raw page, in order: no tags, no &signs;, no numbers, small letters.",
    points=4,
    minutes=14,
    difficulty="medium",
    solution=_PAGE,
    why="Each kind of debris becomes a blank, never nothing: «one<br>two» are two words. A tag "
    "ends at the first >, so the pattern may contain anything but that sign. What is left is cut "
    "by saying what a word is, not by listing what may stand between words.",
    hints=(
        "Three steps: blanks for tags, blanks for things such as &nbsp;, then find the words.",
        "re.sub(pattern, ' ', text) puts a blank for each match. A tag is <, then anything but >, "
        "then >. re.findall gives all runs of letters.",
        'text = re.sub(r"<[^>]*>", " ", page); text = re.sub(r"&...;", " ", text); '
        'return re.findall(r"[a-z]+", ...)',
    ),
    reference=_words_of_page,
    cases=_page_cases,
    parts={"words and capitals": 1, "tags": 2, "signs with names, and numbers": 1},
    refused=(*REFUSED, "html", "bs4"),
    mistakes=(
        Mistake(
            "capitals",
            "capitals are left: «The» and «the» would be two words.",
            changed(_PAGE, (_FIND, r're.findall(r"[A-Za-z]+", text)')),
        ),
        Mistake(
            "capitals are lost",
            "a capital letter is no word sign here, so that «Anna» becomes «nna»: turn the text "
            "into small letters before you look for words.",
            changed(_PAGE, ("text.lower()", "text")),
        ),
        Mistake(
            "cut at blanks",
            "commas and full stops stick to the words: cut by what a word is, not at blanks.",
            changed(_PAGE, (_FIND, "text.lower().split()")),
        ),
        Mistake(
            "tags are words",
            "the names of tags are taken for words: put a blank in the place of each tag first.",
            changed(_PAGE, (_TAGS, "    text = page\n")),
        ),
        Mistake(
            "glued together",
            "tags are taken out without a trace, so that «one<br>two» becomes one word: put a "
            "blank in their place.",
            changed(_PAGE, (_TAGS, _TAGS.replace('" "', '""'))),
        ),
        Mistake(
            "from the first < to the last >",
            "the pattern swallows everything from the first < to the last >, the text between "
            "tags too: a tag ends at the first >.",
            changed(_PAGE, (r"<[^>]*>", r"<.*>")),
        ),
        Mistake(
            "signs are words",
            "the names of signs, such as nbsp and amp, are taken for words.",
            changed(_PAGE, (_SIGNS, "")),
        ),
        Mistake(
            "numbers",
            "numbers are taken for words: a word is a run of letters.",
            changed(_PAGE, ("[a-z]+", "[a-z0-9]+")),
        ),
        Mistake(
            "a set",
            "these are the different words, sorted: all of them were asked, in their order.",
            changed(_PAGE, (_FIND, f"sorted(set({_FIND}))")),
        ),
    ),
)

# window_counts ----------------------------------------------------------------------------------


def _window_counts(ids, V, window):
    counts = np.zeros((V, V))
    for place, one in enumerate(ids):
        for other in reversed(ids[max(0, place - window) : place]):
            if one < 0 or other < 0:
                break
            counts[one, other] += 1
            counts[other, one] += 1
    return counts


def _window_cases(rng: np.random.Generator) -> list[Case]:
    def text(V: int, length: int) -> list[int]:
        return [int(i) for i in rng.permutation(V)[:length]]

    one, wide, several = "neighbours", "a wider window", "texts by themselves"
    return [
        Case(([0, 1], 2, 1), one),
        Case((text(5, 4), 5, 1), one),
        Case(([0, 1, 0, 1, 1, 2], 3, 1), one),
        Case((text(7, 6), 7, 2), wide),
        Case(([2, 0, 0, 1, 2, 1], 3, 3), wide),
        Case(([*text(4, 4), -1, 7, *(4 + i for i in text(3, 3)), -1], 9, 2), several),
        Case(([-1, 1, -1, *text(6, 5), -1], 6, 3), several),
    ]


_WINDOW = solution_of(_window_counts, "window_counts")
_BACK = "            counts[other, one] += 1\n"
_STOP = "            if one < 0 or other < 0:\n                break\n"

WINDOW_COUNTS = Exercise(
    name="window_counts",
    lesson="06",
    task="How often do two words stand at most `window` apart in a text? Counts (V, V), both ways.",
    points=5,
    minutes=16,
    difficulty="medium",
    solution=_WINDOW,
    why="Each pair of places at most `window` apart is met once, from the later of the two looking "
    "back, and counted for both words. A word beside itself meets itself twice, once from each "
    "side; the rule needs no exception. Beyond a -1 lies another text, so the look back stops.",
    hints=(
        "Take [0, 1, 2] and a window of 1 on paper. Which pairs are there, and what do they add?",
        "For each place look back over the `window` places before it, the nearest first, and not "
        "past the beginning or a -1. Add 1 for the pair, and 1 for the pair turned round.",
        "for other in reversed(ids[max(0, place - window) : place]): stop at a -1; "
        "counts[one, other] += 1; ...",
    ),
    reference=_window_counts,
    cases=_window_cases,
    parts={"neighbours": 2, "a wider window": 2, "texts by themselves": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "one way",
            "a pair is counted for the later word alone: each is the other's neighbour.",
            changed(_WINDOW, (_BACK, "")),
        ),
        Mistake(
            "below the beginning",
            "near the beginning place - window is negative, and a negative index counts from the "
            "end: nothing is found there.",
            changed(_WINDOW, ("max(0, place - window)", "place - window")),
        ),
        Mistake(
            "the window is too narrow",
            "the window is one place too narrow: words exactly `window` apart count too.",
            changed(_WINDOW, ("place - window)", "place - window + 1)")),
        ),
        Mistake(
            "the window is too wide",
            "the window is one place too wide: words at most `window` apart count.",
            changed(_WINDOW, ("place - window)", "place - window - 1)")),
        ),
        Mistake(
            "with itself",
            "each place is counted with itself: nobody is a neighbour to themselves.",
            changed(_WINDOW, (": place]", ": place + 1]")),
        ),
        Mistake(
            "the end as a word",
            "the -1 that ends a text is counted like a word; and NumPy takes the index -1 for the "
            "last word.",
            changed(_WINDOW, (_STOP, "")),
        ),
        Mistake(
            "past the end",
            "the -1 is passed over, and the window reaches on into the text before: it should "
            "stop there.",
            changed(_WINDOW, ("                break\n", "                continue\n")),
        ),
        Mistake(
            "yes or no",
            "a pair counts once here, however often it comes.",
            changed(_WINDOW, ("] += 1", "] = 1")),
        ),
        Mistake(
            "no word beside itself",
            "a word that stands beside itself is passed over: that is a pair like any other.",
            changed(
                _WINDOW,
                (_STOP, f"{_STOP}            if one == other:\n                continue\n"),
            ),
        ),
    ),
)

EXERCISES = (WORDS_OF_PAGE, WINDOW_COUNTS)
