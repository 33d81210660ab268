"""Three ways to write entities as tags, told apart and turned into each other.

words   Anna    Lee     Lima    and   Rome
BIO     B-per   I-per   B-loc   O     B-loc     B begins each (seqeval's IOB2)
IOB1    I-per   I-per   I-loc   O     I-loc     B only where the one before has the same type
BIOES   B-per   E-per   S-loc   O     S-loc     E ends each, S is a whole one
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tinyllm.metrics.inputs import check_choice
from tinyllm.metrics.spans import Span, spans

TAG_SCHEMES = ("BIO", "IOB1", "BIOES")
_TAG = re.compile(r"[BIES]-\S+")
_BARE = frozenset("BIES")  # the prefix alone, where there is one type


class MixedSchemes(ValueError):
    """Tags that follow no one scheme throughout.

    sentence, word:  where the first stands that breaks the scheme which most sentences follow
    scheme:          that one
    reason:          what was expected there, and what was found
    """

    def __init__(self, sentence: int, word: int, scheme: str, reason: str) -> None:
        super().__init__(f"sentence {sentence}, word {word}: {reason}")
        self.sentence, self.word, self.scheme, self.reason = sentence, word, scheme, reason


def convert_tags(tags: Sequence[str], scheme: str) -> list[str]:
    """Write a sentence's tags in another scheme: read their entities and mark them anew.

    They are read as `spans` reads: the three schemes exactly, anything else as conlleval does.

    Args:    scheme: "BIO", "IOB1" or "BIOES".
    Raises:  ValueError for another scheme, and for what is no tag.
    """
    check_choice("convert_tags", "scheme", scheme, TAG_SCHEMES)
    return _write(tags, spans(tags), scheme)


def marks_entities(tags: Iterable[str]) -> bool:
    """Say whether tags mark entities: O is among them, and such as B-per, or nothing but B I E S.

    Parts of speech do not. A few other tags between them, wrong ones, change nothing.
    """
    distinct = set(tags)
    others = distinct - {"O"}
    bare = bool(others) and others <= _BARE
    return "O" in distinct and (bare or any(map(_TAG.fullmatch, others)))


def find_scheme(sentences: Iterable[Sequence[str]]) -> str:
    """Find the scheme in which the tags of all sentences are written; "BIO" if no entity is there.

    A sentence is written in a scheme if its entities, written in it anew, give the same tags.

    Raises:  MixedSchemes, a ValueError, if there is none: says what the first tag should be that
             does not fit the scheme of most sentences.
    """
    first: dict[str, tuple[int, int, str, str]] = {}  # sentence, word, expected, found
    misfits = dict.fromkeys(TAG_SCHEMES, 0)
    marked = 0
    for number, tags in enumerate(sentences):
        if wrong := [i for i, tag in enumerate(tags) if not is_entity_tag(tag)]:
            reason = f"expected O, or one of B, I, E, S and a type, got {tags[wrong[0]]!r}"
            raise MixedSchemes(number, wrong[0], "", reason)
        found = spans(tags)
        marked += bool(found)
        for scheme in TAG_SCHEMES:
            pairs = enumerate(zip(_write(tags, found, scheme), tags, strict=True))
            if misfit := next(((i, new, old) for i, (new, old) in pairs if new != old), None):
                misfits[scheme] += 1
                first.setdefault(scheme, (number, *misfit))
    likely = min(TAG_SCHEMES, key=misfits.__getitem__)
    if not misfits[likely]:
        return likely
    sentence, word, expected, tag = first[likely]
    reason = (
        f"expected {expected}, as in the scheme {likely}, which {marked - misfits[likely]:,} of "
        f"{marked:,} sentences with entities follow, got {tag}"
    )
    raise MixedSchemes(sentence, word, likely, reason)


def is_entity_tag(tag: str) -> bool:
    """Say whether a tag is O, or one of B, I, E, S, mostly with a type, as in B-per."""
    return tag == "O" or tag in _BARE or _TAG.fullmatch(tag) is not None


def _write(tags: Sequence[str], found: list[Span], scheme: str) -> list[str]:
    """Tags of a sentence with these entities; without types if those of `tags` have none."""
    bare = all(len(tag) == 1 for tag in tags)
    written = ["O"] * len(tags)
    before: Span = ("", -2, -2)
    for kind, first, last in found:
        prefixes = ["I"] * (last - first + 1)
        follows = before[0] == kind and before[2] == first - 1
        if scheme != "IOB1" or follows:
            prefixes[0] = "B"
        if scheme == "BIOES":
            prefixes[-1] = "S" if first == last else "E"
        written[first : last + 1] = [p if bare else f"{p}-{kind}" for p in prefixes]
        before = (kind, first, last)
    return written
