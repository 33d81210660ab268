"""The words of the world, English and Chinese, read from the tables beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "lexicon"


@dataclass(frozen=True)
class Word:
    """A thing that has a name in both languages.

    english:  one word
    chinese:  every name that a translation may use for it, the usual one first
    kind:     the row's header: a measure word, a gender, a preposition …
    extra:    what else the row says of it
    """

    english: str
    chinese: tuple[str, ...]
    kind: str = ""
    extra: str = ""

    def __hash__(self) -> int:
        return hash(self.english)


def rows(name: str) -> list[tuple[str, list[str]]]:
    """Return (header, entries) of each line of a table."""
    found = []
    for line in (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            header, *entries = (part.strip() for part in line.split("|"))
            found.append((header, entries))
    return found


@cache
def table(name: str, only: str = "") -> tuple[Word, ...]:
    """Return the words of a table, of the rows with that header if one is given.

    The rows are dealt round, so that the first words, which a small world keeps, are of many kinds.
    """
    by_header: dict[str, list[Word]] = {}
    for header, entries in rows(name):
        if not only or header == only:
            by_header.setdefault(header, []).extend(_word(header, entry) for entry in entries)
    columns = list(by_header.values())
    longest = max(map(len, columns))
    return tuple(c[i] for i in range(longest) for c in columns if i < len(c))


def _word(header: str, entry: str) -> Word:
    english, *rest = entry.split()
    if header == "instrument":  # piano 弹 钢琴: the verb stands before the name
        return Word(english, tuple(rest[1].split("/")), header, rest[0])
    extra = rest[1] if len(rest) > 1 else ""
    if english.endswith("*"):
        english, extra = english[:-1], "pet"
    return Word(english, tuple(rest[0].split("/")), header, extra)


DAYS = tuple(
    Word(day, tuple(name + number for name in ("星期", "周", "礼拜")), "day", number)
    for day, number in zip(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
        "一二三四五六",
        strict=True,
    )
)
_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(
    Word(month, (number + "月",), "month")
    for month, number in zip(
        _MONTHS.split(),
        ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"],
        strict=True,
    )
)  # fmt: skip

_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty"]
_ONES = ["", *["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]]


def _age(years: int) -> Word:
    tens, ones = divmod(years, 10)
    english = _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
    digits = "零一二三四五六七八九"
    return Word(english, (f"{digits[tens]}十{digits[ones] if ones else ''}",), "age")


AGES = tuple(_age(years) for years in range(20, 90))

# Kin: what the first person is to the second. Chinese tells older from younger, English does not.
KIN = {
    "f": {
        "sister": ("姐姐", "妹妹"), "aunt": ("姑姑", "阿姨", "姨妈", "婶婶"),
        "niece": ("侄女", "外甥女"), "wife": ("妻子",),
    },
    "m": {
        "brother": ("哥哥", "弟弟"), "uncle": ("叔叔", "舅舅", "伯伯"), "nephew": ("侄子", "外甥"),
        "husband": ("丈夫",),
    },
}  # fmt: skip
KIN_CHINESE = {word: chinese for words in KIN.values() for word, chinese in words.items()}
MARRIED = ("wife", "husband")  # of the other gender, in this small world
_BACK = {
    "sister": ("sister", "brother"), "brother": ("sister", "brother"),
    "aunt": ("niece", "nephew"), "uncle": ("niece", "nephew"),
    "niece": ("aunt", "uncle"), "nephew": ("aunt", "uncle"),
    "wife": (None, "husband"), "husband": ("wife", None),
}  # fmt: skip


def inverse_kin(relation: str, gender: str) -> str:
    """Return what the other, of that gender, is to somebody who is the other's `relation`."""
    return _BACK[relation]["fm".index(gender)]
