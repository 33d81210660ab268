r"""Cut a text into the words that BLEU and ROUGE count, exactly as sacrebleu and rouge-score do.

A score means nothing without its tokenizer: "It's 3.5%." is 1 to 7 words, as you cut. So these are
frozen, oddities and all, and their names stand in each score's signature.

    13a     mteval-v13a, the default of machine translation: Western punctuation apart
    intl    mteval-v14: all Unicode punctuation and symbols apart
    zh      every Chinese character apart, the rest as 13a
    char    every character apart
    none    at whitespace only, for text that is tokenized already
"""

from __future__ import annotations

import re
from collections.abc import Callable

import regex

Tokenize = Callable[[str], list[str]]

_PUNCTUATION = re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])")  # ASCII's, but . , - '
_AFTER_NO_DIGIT = re.compile(r"([^0-9])([\.,])")
_BEFORE_NO_DIGIT = re.compile(r"([\.,])([^0-9])")
_DASH_AFTER_DIGIT = re.compile(r"([0-9])(-)")


def _western(text: str) -> list[str]:
    """Set punctuation apart; a point or comma stays inside a number, a dash inside a word."""
    text = _PUNCTUATION.sub(r" \1 ", text)
    if "." in text or "," in text:
        text = _AFTER_NO_DIGIT.sub(r"\1 \2 ", text)
        text = _BEFORE_NO_DIGIT.sub(r" \1 \2", text)
    if "-" in text:
        text = _DASH_AFTER_DIGIT.sub(r"\1 \2 ", text)
    return text.split()


def tokenize_13a(text: str) -> list[str]:
    """Cut as mteval-v13a.pl of the WMT competitions does."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in text:
        text = text.replace("&quot;", '"').replace("&amp;", "&")
        text = text.replace("&lt;", "<").replace("&gt;", ">")
    return _western(f" {text} ")


_PUNCTUATION_AFTER_NO_DIGIT = regex.compile(r"(\P{N})(\p{P})")
_PUNCTUATION_BEFORE_NO_DIGIT = regex.compile(r"(\p{P})(\P{N})")
_SYMBOL = regex.compile(r"(\p{S})")


def tokenize_intl(text: str) -> list[str]:
    """Cut as mteval-v14.pl does. A point after a number that ends the text stays, as there."""
    text = _PUNCTUATION_AFTER_NO_DIGIT.sub(r"\1 \2 ", text)
    text = _PUNCTUATION_BEFORE_NO_DIGIT.sub(r" \1 \2", text)
    return _SYMBOL.sub(r" \1 ", text).split()


# sacrebleu's table writes U+20000 as "\u20000", which Python reads as U+2000 and "0". So U+2001 to
# U+2A6D (quotes, dashes, arrows) are taken for Chinese, and Extension B is not. Published scores
# are counted so, and ours must compare with them.
_CHINESE = re.compile(
    "(["
    "\u2001-\u2a6d"  # meant: Unified Ideographs Extension B
    "\u2e80-\u2eff\u2f00-\u2fdf\u2ff0-\u2fff"  # radicals, structure
    "\u3000-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef"  # punctuation, phonetic, strokes
    "\u3200-\u33ff"  # enclosed letters, units
    "\u3400-\u4db5\u4e00-\u9fbb"  # Unified Ideographs
    "\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9"  # Compatibility Ideographs
    "\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef"  # vertical and full-width forms
    "])"
)


def tokenize_zh(text: str) -> list[str]:
    """Set every Chinese character apart, and cut the rest as 13a does."""
    return _western(_CHINESE.sub(r" \1 ", text.strip()))


def tokenize_char(text: str) -> list[str]:
    """Give every character that is not whitespace."""
    return list("".join(text.split()))


def tokenize_none(text: str) -> list[str]:
    """Cut at whitespace only."""
    return text.split()


BLEU_TOKENIZERS: dict[str, Tokenize] = {
    "13a": tokenize_13a,
    "intl": tokenize_intl,
    "zh": tokenize_zh,
    "char": tokenize_char,
    "none": tokenize_none,
}

_ROUGE_WORD = re.compile(r"[a-z0-9]+")
_ONE_BY_ONE = r"\p{Han}\p{Hiragana}\p{Katakana}"  # scripts that put no space between words
_UNICODE_WORD = regex.compile(rf"(?V1)[{_ONE_BY_ONE}]|[[\p{{L}}\p{{M}}\p{{N}}]--[{_ONE_BY_ONE}]]+")


def tokenize_rouge(text: str) -> list[str]:
    """Give the runs of a-z and 0-9 in lower case, as rouge-score does: no word of Chinese is left.

    Differs: nothing from rouge-score; use `tokenize_unicode` for what is not English.
    """
    return _ROUGE_WORD.findall(text.lower())


def tokenize_unicode(text: str) -> list[str]:
    """Give the runs of letters and digits in lower case, each Chinese or Japanese character apart.

    On ASCII the same as `tokenize_rouge`.
    """
    return _UNICODE_WORD.findall(text.lower())


ROUGE_TOKENIZERS: dict[str, Tokenize] = {
    "rouge": tokenize_rouge,
    "unicode": tokenize_unicode,
    **BLEU_TOKENIZERS,
}
