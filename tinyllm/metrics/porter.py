"""Porter's stemmer: cut the endings off English words, so that "connections" meets "connected".

Five steps of rules by suffix, each with a condition on what is left. Conditions count the measure
m of a stem [C](VC)^m[V], C a run of consonants and V of vowels: m(tree) = 0, m(trouble) = 1,
m(private) = 2. This is NLTK's variant, the one rouge-score uses; it mends a few words of Porter's.

Source:  Porter 1980, An algorithm for suffix stripping
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

Condition = Callable[[str], bool] | None
Rule = tuple[str, str, Condition]

IRREGULAR = {
    **dict.fromkeys(["sky", "skies"], "sky"),
    **{"dying": "die", "lying": "lie", "tying": "tie", "news": "news", "howe": "howe"},
    **dict.fromkeys(["innings", "inning"], "inning"),
    **dict.fromkeys(["outings", "outing"], "outing"),
    **dict.fromkeys(["cannings", "canning"], "canning"),
    **{"proceed": "proceed", "exceed": "exceed", "succeed": "succeed"},
}


def _pattern(word: str) -> str:
    """Write c for each consonant and v for each vowel; y after a consonant is a vowel."""
    pattern = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and pattern.endswith("c"))
        pattern += "v" if vowel else "c"
    return pattern


def measure(word: str) -> int:
    """Count how often a vowel is followed by a consonant."""
    return _pattern(word).count("vc")


def _positive(stem: str) -> bool:
    return measure(stem) > 0


def _above_one(stem: str) -> bool:
    return measure(stem) > 1


def _has_vowel(stem: str) -> bool:
    return "v" in _pattern(stem)


def _ends_cvc(word: str) -> bool:
    """Whether a word is like hop or fil, which wants its e back: hoping, filing. Or like us."""
    pattern = _pattern(word)
    return pattern == "vc" or (pattern.endswith("cvc") and word[-1] not in "wxy")


def _apply(word: str, rules: list[Rule]) -> str:
    """Apply the first rule whose suffix fits; if its condition does not hold, none."""
    for suffix, replacement, condition in rules:
        if word.endswith(suffix):
            left = word.removesuffix(suffix)
            return left + replacement if condition is None or condition(left) else word
    return word


_PLURALS: list[Rule] = [
    ("sses", "ss", None),
    ("ies", "i", None),
    ("ss", "ss", None),
    ("s", "", None),
]


def _plurals(word: str) -> str:
    if word.endswith("ies") and len(word) == 4:
        return word[:-1]  # dies, die; but flies, fli
    return _apply(word, _PLURALS)


def _past_and_progressive(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _positive(word[:-3]) else word
    for suffix in ("ed", "ing"):
        left = word.removesuffix(suffix)
        if left != word and _has_vowel(left):
            return _mend(left)
    return word


def _mend(stem: str) -> str:
    """Put right what -ed or -ing left: conflat(e), hop(p), fil(e)."""
    if stem.endswith(("at", "bl", "iz")):
        return stem + "e"
    if len(stem) > 1 and stem[-1] == stem[-2] and _pattern(stem)[-1] == "c":
        return stem if stem[-1] in "lsz" else stem[:-1]
    return stem + "e" if measure(stem) == 1 and _ends_cvc(stem) else stem


def _y_to_i(word: str) -> str:
    left = word.removesuffix("y")
    after_consonant = left != word and len(left) > 1 and _pattern(left)[-1] == "c"
    return left + "i" if after_consonant else word


_DOUBLE_SUFFIXES = """
    ational ate, tional tion, enci ence, anci ance, izer ize, bli ble, alli al, entli ent, eli e,
    ousli ous, ization ize, ation ate, ator ate, alism al, iveness ive, fulness ful, ousness ous,
    aliti al, iviti ive, biliti ble, fulli ful
"""
_STEP_2: list[Rule] = [(*pair.split(), _positive) for pair in _DOUBLE_SUFFIXES.split(",")]
_STEP_2.append(("logi", "log", lambda left: _positive(left + "l")))
_STEP_3: list[Rule] = [
    *[(suffix, "ic", _positive) for suffix in ("icate", "iciti", "ical")],
    *[(suffix, "", _positive) for suffix in ("ative", "ful", "ness")],
    ("alize", "al", _positive),
]
_ENDINGS = "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize"
_STEP_4: list[Rule] = [(suffix, "", _above_one) for suffix in _ENDINGS.split()]
_STEP_4 = [
    (suffix, "", (lambda left: _above_one(left) and left[-1] in "st") if suffix == "ion" else test)
    for suffix, _, test in _STEP_4
]


def _double_suffixes(word: str) -> str:
    if word.endswith("alli") and _positive(word[:-4]):
        word = word[:-2]  # and once more: radicalli, radical
    return _apply(word, _STEP_2)


def _final_e_and_double_l(word: str) -> str:
    if word.endswith("e"):
        left = word[:-1]
        if _above_one(left) or (measure(left) == 1 and not _ends_cvc(left)):
            word = left
    return word[:-1] if word.endswith("ll") and _above_one(word[:-1]) else word


@lru_cache(maxsize=2**16)
def stem(word: str) -> str:
    """Give the stem of a word in lower case: `stem("connections") == "connect"`."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= 2:
        return word
    word = _y_to_i(_past_and_progressive(_plurals(word)))
    word = _apply(_double_suffixes(word), _STEP_3)
    return _final_e_and_double_l(_apply(word, _STEP_4))
