"""The Chinese of a story: for each sentence, every translation that is accepted.

Chinese has no tense, may drop a subject that is clear, and may put the cause first; so a sentence
has many right translations. They form a lattice: a tuple is said in order, a list offers a choice,
a string stands for itself. `accepts` matches a text against the whole lattice; `references` draws
from it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tinyllm.data.tinyworld.lexicon import KIN_CHINESE, Word
from tinyllm.data.tinyworld.story import Clause, Event, Fact, Mention, Sentence, Story
from tinyllm.random import Generator

Lattice = str | tuple | list

_SO = ["所以", "于是", "因此"]
_OPENERS = {"then": ["然后", "接着", "随后"], "later": ["后来", "之后"], "so": _SO}
_COMMA = ["，", ""]


def sentence_lattice(sentence: Sentence) -> Lattice:
    """Return every accepted translation of a sentence."""
    before: list[Lattice] = []
    if sentence.month is not None:
        a_day = (["一个", "某个"], _names(sentence.day))
        before.append((_names(sentence.month), "的", a_day, _COMMA))
    elif sentence.day is not None:
        before.append((_names(sentence.day), _COMMA))
    if sentence.opener:
        before.append((_OPENERS[sentence.opener], _COMMA))
    return (*before, _body(sentence), "。")


def _body(sentence: Sentence) -> Lattice:
    first = sentence.clauses[0]
    if not sentence.link:
        return _clause(first)
    second = sentence.clauses[1]
    if sentence.link == "so":
        after = _clause(second, may_drop=_same_subject(first, second))
        return [
            (_clause(first), "，", _SO, after),
            ("因为", _clause(first), "，", [("所以", after), _clause(second)]),
        ]
    effect, cause = first, second
    turned = _turned(effect, cause)
    drop = _same_subject(effect, cause)
    return [
        (_clause(effect), "，因为", _clause(cause, may_drop=drop)),
        (
            ("因为", _clause(turned[0]), "，"),
            [("所以", _clause(turned[1], may_drop=drop)), _clause(turned[1])],
        ),
    ]


def _same_subject(first: Clause, second: Clause) -> bool:
    if first.subject is None or second.subject is None:
        return False
    return first.subject.person is second.subject.person


def _turned(effect: Clause, cause: Clause) -> tuple[Clause, Clause]:
    """Return the cause, then the effect, each with the name or pronoun of whoever comes first."""
    if _same_subject(effect, cause):
        return cause._replace(subject=effect.subject), effect._replace(subject=cause.subject)
    if cause.whom is not None and cause.whom.person is effect.subject.person:
        return cause._replace(whom=effect.subject), effect._replace(subject=cause.whom)
    return cause, effect


def _clause(clause: Clause, may_drop: bool = False) -> Lattice:
    who: Lattice = "" if clause.subject is None else _person(clause.subject)
    if may_drop:
        who = [who, ""]
    if isinstance(clause.says, Fact):
        return (who, _fact(clause)) if clause.subject else _town(clause.says)
    event = clause.says
    where: Lattice = _place(event.place) if event.place else ""
    return (who, where, _happening(event, clause.whom))


def _names(word: Word) -> list[str]:
    return list(word.chinese)


def _person(mention: Mention) -> str:
    if mention.pronoun:
        return {"f": "她", "m": "他"}[mention.person.gender]
    return mention.person.name.chinese[0]


def _place(place: Word) -> Lattice:
    if place.extra:  # 在塔里: a tower alone is a thing, and no place
        return ("在", _names(place), place.extra)
    inside = place.kind.split()[1]
    return ("在", _names(place), [inside, ""] if inside != "-" else "")


def _town(fact: Fact) -> Lattice:
    what = _names(fact.object)
    if fact.relation == "region":
        return (fact.subject.chinese[0], ["在", "位于", "坐落在"], what)
    says = [
        ("以", what, ["闻名", "而闻名", "出名", "著称"]),
        ("因", what, ["闻名", "而闻名", "出名"]),
    ]
    return (fact.subject.chinese[0], says)


def _fact(clause: Clause) -> Lattice:
    relation, value = clause.says.relation, clause.says.object
    if relation == "kin":
        return ("是", _person(clause.whom), "的", list(KIN_CHINESE[value[0]]))
    if relation == "pet":
        return (["有", "养了", "养着"], _counted(value[1], value[1].kind, value[0]))
    what = _names(value)
    if relation == "month":
        return [
            (["生于", "出生于", "出生在"], what),
            (["是", "是在"], what, "出生的"),
            ("在", what, "出生"),
        ]
    return {
        "occupation": ("是", ["一名", "一位", "一个", ""], what),
        "age": [(what, "岁"), (what, "岁了"), ("已经", what, "岁了")],
        "home": (["住在", "居住在"], what),
        "food": (["喜欢", "喜爱", "喜欢吃", "爱吃"], what),
    }[relation]


def _adjective(adjective: Word) -> Lattice:
    """A short adjective may stand bare before its noun; a long one has 的."""
    return [w if w.endswith("的") or len(w) == 1 else w + "的" for w in adjective.chinese]


def _counted(noun: Word, measure: str, adjective: Word | None, that: str = "一") -> Lattice:
    described = _adjective(adjective) if adjective else ""
    return (that, measure, described, _names(noun))


def _object(event: Event) -> Lattice:
    what = event.what
    if what is None:
        return ""
    takes = event.kind.takes
    measure = what.kind if what.extra in {"", "pet"} else what.extra
    if takes in {"a_thing", "an_animal", "a_plant", "a_reading"}:
        return _counted(what, measure, event.adjective)
    if takes in {"the_thing", "the_thing_person"}:
        return [(["那", "这"], measure, _names(what)), (_names(what),)]
    return _names(what)


def _happening(event: Event, whom: Mention | None) -> Lattice:
    parts = {
        "o": _object(event),
        "t": _object(event),
        "q": _person(whom) if whom else "",
        "v": event.what.extra if event.what else "",
    }
    return [_filled(pattern, parts) for pattern in event.kind.chinese]


def _filled(pattern: str, parts: dict[str, Lattice]) -> Lattice:
    split = re.split(r"\{(\w)\}", pattern)  # text, letter, text, letter, …
    return tuple(parts[s] if i % 2 else s for i, s in enumerate(split))


# What a lattice is for


def regex_of(lattice: Lattice) -> str:
    """Return a regular expression that matches what the lattice says, and nothing else."""
    if isinstance(lattice, str):
        return re.escape(lattice)
    if isinstance(lattice, tuple):
        return "".join(map(regex_of, lattice))
    return f"(?:{'|'.join(map(regex_of, lattice))})"


def draw_from(lattice: Lattice, numpy: np.random.Generator) -> str:
    """Draw one text of a lattice, each choice evenly."""
    if isinstance(lattice, str):
        return lattice
    if isinstance(lattice, tuple):
        return "".join(draw_from(part, numpy) for part in lattice)
    return draw_from(lattice[int(numpy.integers(len(lattice)))], numpy)


def usual(lattice: Lattice) -> str:
    """Return the first of all choices."""
    if isinstance(lattice, str):
        return lattice
    if isinstance(lattice, tuple):
        return "".join(map(usual, lattice))
    return usual(lattice[0])


def chinese(story: Story) -> list[str]:
    """Return the usual translation of each sentence."""
    return [usual(sentence_lattice(s)) for s in story.sentences]


def references(story: Story, count: int = 1, generator: Any = 0) -> list[list[str]]:
    """Draw `count` accepted translations of the story, each a list of sentences.

    Args:    count: from 1 to 8
             generator: a tinyllm Generator or a seed
    """
    if not 1 <= count <= 8:
        raise ValueError(f"references: count must be from 1 to 8, got {count}")
    numpy = (generator if isinstance(generator, Generator) else Generator(generator)).numpy
    lattices = [sentence_lattice(s) for s in story.sentences]
    return [[draw_from(lattice, numpy) for lattice in lattices] for _ in range(count)]


def accepts_sentence(sentence: Sentence, text: str) -> bool:
    """Say whether a text is an accepted translation of a sentence."""
    return re.fullmatch(regex_of(sentence_lattice(sentence)), text.strip()) is not None


def accepts(story: Story, text: str) -> bool:
    """Say whether a Chinese text is an accepted translation of the whole story."""
    whole = tuple(sentence_lattice(s) for s in story.sentences)
    return re.fullmatch(regex_of(whole), "".join(text.split())) is not None
