"""Exercise of lesson 17's project: names marked in a text."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed


def _paint_names(text, bounds, names):
    written, at = "", 0
    for kind, first, last in names:
        begin, end = bounds[first][0], bounds[last][1]
        marked = f'<mark class="{kind}">{_safe(text[begin:end])}</mark>'
        written += _safe(text[at:begin]) + marked
        at = end
    return written + _safe(text[at:])


def _safe(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _paint_cases(rng: np.random.Generator) -> list[Case]:
    plain, spaces, signs = "names in a text", "all of the text is kept", "signs of HTML"
    a, b = (str(kind) for kind in rng.permutation(["PER", "LOC", "DATE"])[:2])

    def found(text: str, words: str, *names: tuple) -> tuple:
        bounds, at = [], 0
        for word in words.split():
            begin = text.index(word, at)
            at = begin + len(word)
            bounds.append((begin, at))
        return text, bounds, list(names)

    met = "May Oakham met June."
    gap = " " * int(rng.integers(2, 5))
    return [
        Case(found("met", "met"), plain),
        Case(found("May", "May", (a, 0, 0)), plain),
        Case(found("in May", "in May", (b, 1, 1)), plain),
        Case(found(met, "May Oakham met June .", (a, 0, 1), (a, 3, 3)), spaces),
        Case(found(f"In{gap}May, said\nJune{gap}Green.", "In May , said June Green .", (a, 1, 1),
                   (b, 4, 5)), spaces),
        Case(found("1 < 2 & May > 0", "1 < 2 & May > 0", (a, 4, 4)), signs),
        Case(found("May&June met Tom", "May&June met Tom", (a, 0, 0), (b, 2, 2)), signs),
    ]  # fmt: skip


_SAFE = """\
def safe(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


"""
_PAINT = (
    _SAFE
    + """\
def paint_names(text, bounds, names):
    written, at = "", 0
    for kind, first, last in names:
        begin, end = bounds[first][0], bounds[last][1]
        marked = f'<mark class="{kind}">{safe(text[begin:end])}</mark>'
        written += safe(text[at:begin]) + marked
        at = end
    return written + safe(text[at:])
"""
)

PAINT_NAMES = Exercise(
    name="paint_names",
    lesson="17",
    task='Write a text as HTML with each name inside <mark class="KIND">…</mark>, from the begin '
    "and end of each word in the text and names (kind, first word, last word).",
    points=5,
    minutes=20,
    difficulty="medium",
    solution=_PAINT,
    why="The text is copied, never put together from words, so that every space and line break "
    "stays. `at` says how far it has been copied: up to each name plainly, the name in its mark, "
    "and the rest at the end. Each copied part is made safe, & first, since the other two bring "
    "new &.",
    hints=(
        "What stands before the first name, between two names, and after the last?",
        "Keep a number that says up to where the text has been copied. For each name copy what is "
        "before it, then the mark with the name in it. Replace & < > in every part, & first.",
        "begin, end = bounds[first][0], bounds[last][1]; written += safe(text[at:begin]) + ...; "
        "at = end; and after the loop safe(text[at:])",
    ),
    reference=_paint_names,
    cases=_paint_cases,
    parts={"names in a text": 2, "all of the text is kept": 2, "signs of HTML": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "put together from words",
            "the text is put together from its words with one space between: copy it instead, or "
            "its own spaces and line breaks are lost.",
            _SAFE
            + """\
def paint_names(text, bounds, names):
    words = [safe(text[begin:end]) for begin, end in bounds]
    for kind, first, last in names:
        words[first] = f'<mark class="{kind}">' + words[first]
        words[last] += "</mark>"
    return " ".join(words)
""",
        ),
        Mistake(
            "nothing made safe",
            "& < > stand in the HTML as they are: a text with <script> in it would be a program. "
            "Write &amp; &lt; &gt; for them.",
            changed(
                _PAINT, ('.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")', "")
            ),
        ),
        Mistake(
            "& comes last",
            "& is replaced after < and >, and so are the & that these brought: it comes first.",
            changed(
                _PAINT,
                (
                    '.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")',
                    '.replace("<", "&lt;").replace(">", "&gt;").replace("&", "&amp;")',
                ),
            ),
        ),
        Mistake(
            "the marks made safe",
            "the marks themselves are made safe, and show as text: make the parts safe, not the "
            "whole.",
            changed(
                _PAINT,
                ("{safe(text[begin:end])}", "{text[begin:end]}"),
                ("safe(text[at:begin])", "text[at:begin]"),
                ("return written + safe(text[at:])", "return safe(written + text[at:])"),
            ),
        ),
        Mistake(
            "the end of the text",
            "what comes after the last name is missing.",
            changed(_PAINT, (" + safe(text[at:])", "")),
        ),
        Mistake(
            "the first word alone",
            "only the first word of a name is marked: it ends where its last word ends.",
            changed(_PAINT, ("bounds[last][1]", "bounds[first][1]")),
        ),
        Mistake(
            "the text comes again",
            "each name copies the text from its beginning: go on from where the last name ended.",
            changed(_PAINT, ("        at = end\n", "")),
        ),
        Mistake(
            "no kind",
            "the kind of the name is missing: it is the class of its mark.",
            changed(_PAINT, (' class="{kind}"', "")),
        ),
        Mistake(
            "names made not safe",
            "the text between the names is made safe, but the names are not: they may hold & too.",
            changed(_PAINT, ("{safe(text[begin:end])}", "{text[begin:end]}")),
        ),
    ),
)

EXERCISES = (PAINT_NAMES,)
