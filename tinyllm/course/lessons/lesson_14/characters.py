"""Exercises of lesson 14: words of Chinese, and an F score over characters."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_14.counting import SHORTCUTS
from tinyllm.course.lessons.writing import changed

# chinese_tokens: find the bug -------------------------------------------------------------------


def _chinese_tokens(text):
    tokens, word = [], ""
    for character in text + " ":
        if character.isspace() or character >= "\u2e80":
            if word:
                tokens.append(word)
            word = ""
            if not character.isspace():
                tokens.append(character)
        else:
            word += character
    return tokens


def _tokens_cases(rng: np.random.Generator) -> list[Case]:
    name, town = str(rng.choice(["Tom", "Ann", "Ivy"])), str(rng.choice(["York", "Ely", "Bath"]))
    animal = str(rng.choice(["猫", "狗", "马"]))
    alone, marks, mixed = "characters alone", "Chinese marks", "words of other scripts"
    return [
        Case((animal,), alone),
        Case((f"白{animal}",), alone),
        Case((f"他有一只 白{animal}",), alone),
        Case((f"他有{animal}。",), marks),
        Case((f"后来，「她」也有{animal}！",), marks),
        Case((f"{name} 有{animal}",), mixed),
        Case((f"{name}住在{town}。",), mixed),
        Case((f"她叫 {name} {town}",), mixed),
    ]


_TOKENS = code_of(_chinese_tokens, "chinese_tokens")
_BODY = _TOKENS.partition("\n")[2]
_FLUSH = "            if word:\n                tokens.append(word)\n"
_DEF = "def chinese_tokens(text):\n"

CHINESE_TOKENS = Exercise(
    name="chinese_tokens",
    lesson="14",
    task="Write words_at_spaces so that it serves Chinese: each character from U+2E80 on is a "
    "token, the rest is cut at white space.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_TOKENS,
    why="Chinese has no spaces, so split() makes one word of a sentence: it is right as a whole "
    "or wrong as a whole, and has no n-gram of two. Characters apart need no dictionary, so that "
    "everybody's numbers agree. Names and numbers in other scripts stay words.",
    hints=(
        "Print what split() makes of a Chinese sentence, and count.",
        "Go through the characters, and collect a word of other scripts as you go. A space or a "
        "Chinese character ends it; the Chinese character is a token itself. And at the very end?",
        'for character in text + " ": if character.isspace() or character >= "\\u2e80": ...',
    ),
    reference=_chinese_tokens,
    cases=_tokens_cases,
    parts={"characters alone": 2, "Chinese marks": 1, "words of other scripts": 1},
    refused=SHORTCUTS,
    mistakes=(
        Mistake(
            "as it was given",
            "this still cuts at white space alone: a Chinese sentence stays one word.",
            f"{_DEF}    return text.split()\n",
        ),
        Mistake(
            "every character",
            "every character is a token, of other scripts too, and so is the white space.",
            f"{_DEF}    return list(text)\n",
        ),
        Mistake(
            "every character but spaces",
            "words of other scripts fall apart into letters; they should stay whole.",
            f'{_DEF}    return list("".join(text.split()))\n',
        ),
        Mistake(
            "letters alone",
            "Chinese punctuation sticks to what stands beside it: it begins at U+3000, before the "
            "Chinese characters do.",
            changed(
                _TOKENS,
                ('or character >= "\\u2e80"', 'or "\\u4e00" <= character <= "\\u9fff"'),
            ),
        ),
        Mistake(
            "no marks",
            "Chinese punctuation is thrown away; it is written too, so it counts.",
            changed(
                _TOKENS,
                (
                    "if not character.isspace():",
                    'if "\\u4e00" <= character <= "\\u9fff":',
                ),
            ),
        ),
        Mistake(
            "other words lost",
            "words of other scripts are thrown away.",
            changed(_TOKENS, (_FLUSH, "")),
        ),
        Mistake(
            "the last word lost",
            "a word at the very end of the text is lost: no space follows that would end it.",
            changed(_TOKENS, ('text + " "', "text")),
        ),
        Mistake(
            "words grow together",
            "a word is not begun anew after it was taken: the next starts with the old letters.",
            changed(_TOKENS, ('            word = ""\n', "")),
        ),
    ),
)

# character_f_score ------------------------------------------------------------------------------


def _character_f_score(hypothesis, reference, n, beta):
    mine = Counter(hypothesis[i : i + n] for i in range(len(hypothesis) - n + 1))
    theirs = Counter(reference[i : i + n] for i in range(len(reference) - n + 1))
    common = (mine & theirs).total()
    if common == 0:
        return 0.0
    precision, recall = common / mine.total(), common / theirs.total()
    return 100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def _f_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d, e, f = (str(letter) for letter in rng.permutation(list("abcdef")))
    equal, weights, none = "beta 1", "recall weighs more", "nothing in common"
    return [
        Case((a, a + b, 1, 1), equal),
        Case((a + b + c, a + b + d + c + e, 1, 1), equal),
        Case((a + a + b, a + b + c + d, 1, 1), equal),
        Case((a + b + c + d, b + c + d + e + f + a, 2, 1), equal),
        Case((a + b + c, a + b + c + d + e + f, 2, 2), weights),
        Case((a + b + c + d + e, b + c, 1, 2), weights),
        Case((a + b + a + b + c, a + b + c + d + a + b + e, 3, 3), weights),
        Case((a + b + c, d + e + f, 1, 2), none),
        Case((a, b + c, 3, 2), none),
    ]


_F = f"from collections import Counter\n\n{code_of(_character_f_score, 'character_f_score')}"
_FORMULA = "100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall)"

CHARACTER_F_SCORE = Exercise(
    name="character_f_score",
    lesson="14",
    task="Give the F score (0 to 100) of the n-grams of characters of two strings: "
    "(1 + beta²) P R / (beta² P + R), and 0 if they have none in common.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_F,
    why="Precision is the common n-grams over those written, recall over those expected, both "
    "clipped as in BLEU. With recall in it no brevity penalty is needed. beta says how many times "
    "as much recall weighs; chrF takes 2.",
    hints=(
        "The same count serves twice: divided by what was written, and by what was expected.",
        "Counters of both; & takes the smaller count of each. If nothing is common, return 0 "
        "before dividing. beta stands in the formula squared.",
        "100 * (1 + beta**2) * precision * recall / (beta**2 * ... + ...)",
    ),
    reference=_character_f_score,
    cases=_f_cases,
    parts={"beta 1": 2, "recall weighs more": 1, "nothing in common": 1},
    refused=SHORTCUTS,
    mistakes=(
        Mistake(
            "beta bare",
            "beta is not squared: the formula has beta² in both places.",
            changed(_F, ("beta**2", "beta")),
        ),
        Mistake(
            "precision weighs more",
            "precision and recall have changed places below the line: beta makes precision weigh "
            "more here, where it should be recall.",
            changed(_F, ("(beta**2 * precision + recall)", "(precision + beta**2 * recall)")),
        ),
        Mistake(
            "precision alone",
            "this is precision alone: what is missing costs nothing.",
            changed(_F, (_FORMULA, "100 * precision")),
        ),
        Mistake(
            "recall alone",
            "this is recall alone: what is superfluous costs nothing.",
            changed(_F, (_FORMULA, "100 * recall")),
        ),
        Mistake(
            "without beta",
            "beta is not used: precision and recall weigh the same.",
            changed(_F, ("beta**2", "1")),
        ),
        Mistake(
            "a share",
            "this lies between 0 and 1; 0 to 100 was asked.",
            changed(_F, ("return 100 * ", "return ")),
        ),
        Mistake(
            "kinds",
            "each kind of n-gram counts once, however often it occurs.",
            changed(
                _F,
                ("(mine & theirs).total()", "len(mine & theirs)"),
                ("mine.total()", "len(mine)"),
                ("theirs.total()", "len(theirs)"),
            ),
        ),
        Mistake(
            "divided by nothing",
            "with nothing in common there is a division by 0; the score is 0 then.",
            changed(_F, ("    if common == 0:\n        return 0.0\n", "")),
        ),
    ),
)
