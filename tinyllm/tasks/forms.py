"""Has a text the form that its kind asks for? Poems are scanned, e-mails and code taken apart.

Each check gives a Form: all that is wrong, by name, so that mistakes can be counted.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tinyllm.data.tinyworld.letters import CLOSINGS, SENTENCES
from tinyllm.data.tinyworld.metre import METRE, fits, sounds, words_of_line


class Mistake(NamedTuple):
    """Something wrong: its name, to count it by, and what was found."""

    name: str
    found: str

    def __str__(self) -> str:
        return f"{self.name}: {self.found}"


@dataclass(frozen=True)
class Form:
    """What a check found; `ok` if nothing is wrong.

    notes:  what it saw on the way, such as the rhyme scheme
    """

    mistakes: tuple[Mistake, ...]
    notes: str = ""

    @property
    def ok(self) -> bool:
        """Whether the form holds."""
        return not self.mistakes

    def __str__(self) -> str:
        return self.notes if self.ok else "; ".join(map(str, self.mistakes))


def scan(poem: str) -> Form:
    """Scan a poem: four lines of iambic tetrameter, rhymed ABAB or AABB.

    Mistakes:  lines      not four
               word       one whose stress is not known: nothing can be said of its line
               syllables  a line has not eight
               stress     a strong syllable where the metre wants a weak one, or the reverse
               rhyme      neither scheme, a word with itself, or an end of unknown sound
    """
    lines = [line for line in poem.strip().split("\n") if line.strip()]
    if len(lines) != 4:
        return Form((Mistake("lines", f"{len(lines)} lines, not 4"),))
    mistakes = [m for number, line in enumerate(lines, 1) if (m := _scan_line(number, line))]
    scheme, mistake = _rhyme_scheme(lines)
    if mistake and not any(m.name == "word" for m in mistakes):
        mistakes.append(mistake)
    return Form(tuple(mistakes), f"four lines of eight syllables, rhymed {scheme}")


def _scan_line(number: int, line: str) -> Mistake | None:
    words = words_of_line(line)
    unknown = [word for word in words if word.casefold() not in sounds()]
    if unknown:
        return Mistake("word", f"line {number}: the stress of {unknown[0]!r} is not known")
    stresses = [sounds()[word.casefold()].stress for word in words]
    count = sum(map(len, stresses))
    if count != len(METRE):
        return Mistake("syllables", f"line {number} has {count} syllables, not {len(METRE)}")
    at = 0
    for word, stress in zip(words, stresses, strict=True):
        if not fits(stress, at):
            what = "weak" if METRE[at] == "0" else "strong"
            return Mistake("stress", f"line {number}: {word!r} ({stress}) begins on a {what} place")
        at += len(stress)
    return None


def _rhyme_scheme(lines: list[str]) -> tuple[str, Mistake | None]:
    ends = [words[-1].casefold() if (words := words_of_line(line)) else "" for line in lines]
    known = [sounds().get(end) for end in ends]
    rhymes = [sound.rhyme if sound else "" for sound in known]
    if "" in rhymes:
        return "", Mistake("rhyme", f"the sound of {ends[rhymes.index('')]!r} is not known")
    for scheme in ("ABAB", "AABB"):
        pairs = [[i for i, letter in enumerate(scheme) if letter == which] for which in "AB"]
        if all(rhymes[i] == rhymes[j] for i, j in pairs):
            same = next((ends[i] for i, j in pairs if ends[i] == ends[j]), "")
            return scheme, Mistake("rhyme", f"{same!r} with itself") if same else None
    return "", Mistake("rhyme", f"{', '.join(ends)} rhyme neither ABAB nor AABB")


_GREETING = re.compile(r"(?:Dear|Hello|Hi|Good morning|Good evening),? ?([^,]*)[,!:]")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_CLOSINGS = {closing.rstrip(",").casefold() for closing in CLOSINGS} | {
    "sincerely", "yours sincerely", "yours faithfully", "best regards", "regards", "best", "love",
    "thanks", "thank you", "cheers", "warm regards", "with best wishes",
}  # fmt: skip


def check_email(email: str) -> Form:
    """Check an e-mail: To and Subject, a greeting to whom it goes to, body, closing, name.

    Mistakes:  header    To or Subject is missing, empty or said twice
               greeting  missing, or to somebody else
               body      missing, not 2 to 5 sentences, or one that does not begin with a capital
                         and end with . ? or !
               closing   missing or unknown
               name      missing, more than a name, or that of whom the letter goes to
    """
    blocks = [b.split("\n") for b in re.split(r"\n\s*\n", email.strip()) if b.strip()]
    header = [line for line in blocks[0] if line.strip()] if blocks else []
    fields = [line.partition(":") for line in header]
    names = [name.strip() for name, *_ in fields]
    values = {name.strip(): value.strip() for name, _, value in fields}
    mistakes = [
        Mistake("header", f"{name} is missing, empty or said twice")
        for name in ("To", "Subject")
        if names.count(name) != 1 or not values[name]
    ]
    rest = [line.strip() for block in blocks[1:] for line in block]
    greeting = _GREETING.fullmatch(rest[0]) if rest else None
    to = values.get("To", "")
    if not greeting:
        mistakes.append(Mistake("greeting", f"{rest[0]!r} is none" if rest else "missing"))
    elif to and greeting[1].casefold() not in to.casefold():
        mistakes.append(Mistake("greeting", f"to {greeting[1]!r}, but the letter goes to {to!r}"))
    after = rest[1:] if greeting else rest
    at = [i for i, line in enumerate(after) if line.rstrip(",").casefold() in _CLOSINGS]
    body = after[: at[0]] if at else after
    mistakes += _body(" ".join(body))
    if not at:
        return Form((*mistakes, Mistake("closing", "missing or unknown")))
    name = after[at[0] + 1 :]
    if len(name) != 1 or not re.fullmatch(r"[^\W\d_][\w .'’-]*", name[0]):
        mistakes.append(Mistake("name", f"{' '.join(name)!r} is no name"))
    elif name[0] == to:
        mistakes.append(Mistake("name", f"{to!r} writes to {to!r}"))
    return Form(tuple(mistakes), "header, greeting, body, closing and name")


def _body(body: str) -> list[Mistake]:
    sentences = [s for s in _SENTENCE_END.split(body) if s]
    least, most = SENTENCES
    if not least <= len(sentences) <= most:
        return [Mistake("body", f"{len(sentences)} sentences, not {least} to {most}")]
    for sentence in sentences:
        if not sentence[0].isupper() or sentence[-1] not in ".?!":
            return [Mistake("body", f"{sentence!r} is no whole sentence")]
    return []


def check_code(code: str) -> Form:
    """Check that Python code parses, by `ast`; it is not run.

    Mistakes:  empty   no statement but comments
               syntax  what Python says of it, and where
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # "is" with a literal: not of the form
            tree = ast.parse(code)
    except SyntaxError as error:
        return Form((Mistake("syntax", f"line {error.lineno}: {error.msg}"),))
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte; nested without end
        return Form((Mistake("syntax", str(error) or type(error).__name__),))
    if not tree.body:
        return Form((Mistake("empty", "there is no statement"),))
    return Form((), f"it parses: {', '.join(_names(tree)) or 'statements alone'}")


def _names(tree: ast.Module) -> list[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [node.name for node in tree.body if isinstance(node, kinds)]


CHECKS: dict[str, Callable[[str], Form]] = {
    "poem": scan,
    "code": check_code,
    "email": check_email,
}
