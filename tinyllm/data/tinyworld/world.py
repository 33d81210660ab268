"""The world: people, towns and what is true of them, drawn once from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinyllm.data.tinyworld.kinds import HOLDABLE, ROOTS, Kind
from tinyllm.data.tinyworld.lexicon import AGES, KIN, MARRIED, MONTHS, Word, inverse_kin, table
from tinyllm.random import Generator

RELATIONS = ("occupation", "age", "month", "home", "food", "pet", "kin")
REGIONS = tuple(
    Word(name, (zh + "部", zh + "方", zh + "边"), "region")
    for name, zh in (("north", "北"), ("south", "南"), ("east", "东"), ("west", "西"))
)
_FRIENDS = 5


@dataclass(frozen=True)
class Size:
    """How much of everything a world has.

    cast:      people whose facts belong to the world, half of them women
    strangers: names of people whose facts each story draws anew, half of them women
    words:     at most so many words of each table (things get four times as many)
    facts, events: at most so many sentences of each in a story
    relations: what may be told of a person
    kinds:     names of the kinds of event that may begin a sentence; all if empty
    synonyms:  whether one thing may be said in several ways
    """

    cast: int
    strangers: int
    words: int
    facts: int
    events: int
    relations: tuple[str, ...] = RELATIONS
    kinds: tuple[str, ...] = ()
    synonyms: bool = True


SIZES = {
    "full": Size(cast=120, strangers=136, words=1000, facts=5, events=6),
    "mini": Size(
        cast=12, strangers=8, words=6, facts=3, events=4,
        relations=("occupation", "home", "food", "pet", "kin"),
        kinds=("buy", "find", "lose", "break", "eat", "see", "meet", "help", "go to", "scold"),
        synonyms=False,
    ),
    "micro": Size(
        cast=2, strangers=2, words=1, facts=1, events=1,
        relations=("occupation", "kin"), kinds=("lose", "win a prize", "help"), synonyms=False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Dial:
    """Associations to plant, each from 0 (none) to 1 (without exception).

    occupation_gender: of two equally large groups of occupations, one goes to women and the other
        to men with probability (1 + s) / 2
    place_sentiment: of two equally large groups of places, what is good happens in one and what is
        bad in the other with probability (1 + s) / 2
    """

    occupation_gender: float = 0.0
    place_sentiment: float = 0.0

    def __post_init__(self) -> None:
        for name in ("occupation_gender", "place_sentiment"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Dial: {name} must be from 0 to 1, got {getattr(self, name)}")


@dataclass(eq=False)
class Person:
    """Somebody with a name.

    facts:    relation -> what; empty for a stranger, whose facts each story draws
    friends:  whom they may meet
    held_out: kinds of event that training text never tells of them
    """

    name: Word
    gender: str
    facts: dict = field(default_factory=dict)
    friends: tuple[Person, ...] = ()
    held_out: tuple[Kind, ...] = ()

    def __repr__(self) -> str:
        return self.name.english


class World:
    """Everything that is the case before a story begins.

    Args:    seed: the same seed makes the same world
             size: "full" (over 2,000 words), "mini" (about 200), "micro" (all stories can be
                 counted), or a Size
             dial: the associations to plant
    """

    def __init__(self, seed: int = 0, size: str | Size = "full", dial: Dial | None = None) -> None:
        if isinstance(size, str) and size not in SIZES:
            raise ValueError(f"World: size must be one of {', '.join(SIZES)}, got {size!r}")
        self.seed = seed
        self.size = SIZES[size] if isinstance(size, str) else size
        self.dial = dial or Dial()
        self._numpy = Generator(seed).numpy
        self._choose_words()
        self._draw_cities()
        self._draw_people()
        self._draw_kin()
        del self._numpy

    def _choose_words(self) -> None:
        most = self.size.words
        self.things = table("things")[: 4 * most]
        self.animals = table("animals")[:most]
        self.pets = tuple(w for w in table("animals") if w.extra == "pet")[:most]
        self.foods = table("foods")[:most]
        self.dishes = tuple(w for w in self.foods if w.kind == "dish")
        of_both = table("adjectives", "any")[:most]
        self.animal_adjectives = of_both + table("adjectives", "animal")[: most // 2]
        self.adjectives = of_both + table("adjectives", "thing")[:most]
        self.places = table("places")[: 2 * (most // 2 + most % 2)]
        self.occupations = table("occupations")[: 2 * (most // 2 + most % 2)]
        self.cities = table("cities")[:most]
        self.topics, self.plants, self.readings, self.instruments = (
            table("subjects", kind)[:most] for kind in ("topic", "plant", "reading", "instrument")
        )
        self.moods = {mood: table("moods", mood)[: max(1, most)] for mood in ("good", "bad")}
        self.ages, self.months = AGES[:most], MONTHS[:most]
        wanted = self.size.kinds
        self.roots = tuple(k for k in ROOTS if not wanted or k.name in wanted)

    def _pick(self, words, weights=None):
        """Draw one of the words."""
        if weights is not None:
            total = sum(weights)
            weights = [w / total for w in weights]
        return words[int(self._numpy.choice(len(words), p=weights))]

    def _draw_cities(self) -> None:
        self.city_facts = {
            city: {"region": self._pick(REGIONS), "famous": self._pick(self.foods)}
            for city in self.cities
        }

    def _draw_people(self) -> None:
        self.cast, self.strangers = [], []
        for gender in "fm":
            names = table("names", gender)
            order = self._numpy.permutation(len(names))
            cast, strangers = self.size.cast // 2, self.size.strangers // 2
            if cast + strangers > len(names):
                raise ValueError(f"World: {cast + strangers} names wanted, {len(names)} known")
            self.cast += [Person(names[i], gender) for i in order[:cast]]
            self.strangers += [Person(names[i], gender) for i in order[cast : cast + strangers]]
        holdable = [kind for kind in self.roots if kind in HOLDABLE]
        for group in (self.cast, self.strangers):
            for person in group:
                others = [p for p in group if p is not person]
                order = self._numpy.permutation(len(others))[:_FRIENDS]
                person.friends = tuple(others[i] for i in order)
                few = max(1, len(holdable) // 10) if len(holdable) > 1 else 0
                held = self._numpy.permutation(len(holdable))[:few]
                person.held_out = tuple(holdable[i] for i in held)
        for person in self.cast:
            person.facts = {r: self._fact(person, r) for r in self.size.relations if r != "kin"}

    def _fact(self, person: Person, relation: str):
        if relation == "pet":
            return (self._pick(self.animal_adjectives), self._pick(self.pets))
        if relation == "occupation":
            return self._pick(self.occupations, self.occupation_weights(person.gender))
        words = {
            "age": self.ages, "month": self.months, "home": self.cities, "food": self.foods
        }  # fmt: skip
        return self._pick(words[relation])

    def occupation_weights(self, gender: str) -> list[float]:
        """Return the weight of each occupation for a gender, by the dial."""
        strength, own = self.dial.occupation_gender, {"f": "a", "m": "b"}[gender]
        return [1 + strength if w.kind == own else 1 - strength for w in self.occupations]

    def place_weights(self, mood: str) -> list[float]:
        """Return the weight of each place for what is good, bad or neither, by the dial."""
        strength = self.dial.place_sentiment
        sign = {"good": 1, "bad": -1, "": 0}[mood]
        return [1 + sign * strength * (1 - 2 * (i % 2)) for i in range(len(self.places))]

    def _draw_kin(self) -> None:
        """Pair the cast: each belongs to one other."""
        if "kin" not in self.size.relations:
            return
        order = [self.cast[i] for i in self._numpy.permutation(len(self.cast))]
        for first, second in zip(order[::2], order[1::2], strict=False):
            same = first.gender == second.gender
            relation = self._pick([k for k in KIN[first.gender] if not (same and k in MARRIED)])
            first.facts["kin"] = (relation, second)
            second.facts["kin"] = (inverse_kin(relation, second.gender), first)

    @property
    def people(self) -> list[Person]:
        """Everybody who has a name."""
        return self.cast + self.strangers

    def __repr__(self) -> str:
        return f"World(seed={self.seed}, {len(self.cast)} people, {len(self.cities)} towns)"
