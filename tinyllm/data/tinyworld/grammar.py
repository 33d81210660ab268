"""The menus of the grammar: noun phrases, verbs and people, built once for each world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinyllm.data.tinyworld.kinds import CAUSES, KINDS, NEEDS_CAUSE, WEATHER, Kind
from tinyllm.data.tinyworld.lexicon import DAYS, KIN, MARRIED, Word
from tinyllm.data.tinyworld.pieces import Menu, Piece, a_or_an, piece
from tinyllm.data.tinyworld.world import Person, World

Choice = tuple[Piece, Any, float]
HE = {"f": piece("she/PRON"), "m": piece("he/PRON")}
HIM = {"f": piece("her/PRON"), "m": piece("him/PRON")}
STOP, COMMA = piece("."), piece(",")
ADJECTIVE_WEIGHT = 0.5  # how often a thing is described
SHORT_OF = {"occupation": "was", "age": "was", "month": "was", "home": "lived in",
            "food": "liked", "pet": "had", "kin": "was"}  # fmt: skip


def name_piece(person: Person) -> Piece:
    """Return the person's name."""
    return piece(f"{person.name.english}/PROPN/PER")


def noun(word: Word) -> Piece:
    """Return a bare noun."""
    return piece(f"{word.english}/NOUN")


def place_piece(place: Word) -> Piece:
    """Return `at the market`."""
    return piece(f"{place.kind.split()[0]}/ADP the/DET {place.english}/NOUN")


def each(choices: Iterable[tuple[Piece, Any]], weight: float = 1.0) -> list[Choice]:
    """Give every choice the same share of a weight."""
    choices = list(choices)
    return [(said, value, weight / len(choices)) for said, value in choices]


class Grammar:
    """The menus of one world. A menu is built when first asked for, and kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._menus: dict[Any, Menu] = {}

    def kept(self, key: Any, build) -> Menu:
        """Return the menu of that key, built when first asked for."""
        menu = self._menus.get(key)
        if menu is None:
            menu = self._menus[key] = Menu(*build())
        return menu

    # Nouns

    def first_of_a(self, noun_kind: str) -> Menu:
        """`a red` (then the noun comes) or `an umbrella`: the value is (adjective?, word)."""
        return self.kept(("a", noun_kind), lambda: (noun_kind, self.a_choices(noun_kind)))

    def a_choices(self, noun_kind: str) -> list[Choice]:
        """Return the choices of that menu."""
        adjectives, nouns = self.described(noun_kind)
        chance = ADJECTIVE_WEIGHT if adjectives else 0.0
        choices = each(((self._a_piece(w, "NOUN"), (False, w)) for w in nouns), 1 - chance)
        if adjectives:
            choices += each(((self._a_piece(w, "ADJ"), (True, w)) for w in adjectives), chance)
        return choices

    def described(self, noun_kind: str) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
        """Return the adjectives and the nouns of a kind of noun phrase."""
        world = self.world
        return {
            "a_thing": (world.adjectives, world.things),
            "an_animal": (world.animal_adjectives, world.animals),
            "a_pet": (world.animal_adjectives, world.pets),
            "a_plant": ((), world.plants),
            "a_reading": ((), world.readings),
        }[noun_kind]

    @staticmethod
    def _a_piece(word: Word, tag: str) -> Piece:
        return piece(f"{a_or_an(word.english)}/DET {word.english}/{tag}")

    def nouns(self, noun_kind: str) -> Menu:
        """Return the nouns that may follow an adjective."""
        words = self.described(noun_kind)[1]
        return self.kept(
            ("noun", noun_kind), lambda: (f"{noun_kind}: noun", each((noun(w), w) for w in words))
        )

    def words(self, takes: str) -> Menu:
        """Return the objects that are one word: food, topic, mood …"""
        world = self.world
        build = {
            "food": lambda: each((noun(w), w) for w in world.foods),
            "dish": lambda: each((noun(w), w) for w in world.dishes),
            "topic": lambda: each((noun(w), w) for w in world.topics),
            "person_topic": lambda: each(
                (piece(f"about/ADP {w.english}/NOUN"), w) for w in world.topics
            ),
            "good": lambda: each((piece(f"{w.english}/ADJ"), w) for w in world.moods["good"]),
            "bad": lambda: each((piece(f"{w.english}/ADJ"), w) for w in world.moods["bad"]),
            "mood": lambda: each(
                (piece(f"{w.english}/ADJ"), w) for m in self.moods() for w in world.moods[m]
            ),
            "city": lambda: each((self.city(w), w) for w in world.cities),
            "the_place": lambda: each(
                (piece(f"the/DET {w.english}/NOUN"), w) for w in world.places
            ),
            "the_instrument": lambda: each(
                (piece(f"the/DET {w.english}/NOUN"), w) for w in world.instruments
            ),
        }[takes]
        return self.kept(takes, lambda: (takes, build()))

    @staticmethod
    def city(city: Word) -> Piece:
        """Return the town's name."""
        return piece(f"{city.english}/PROPN/LOC")

    # Verbs

    def past(self, kinds: Iterable[tuple[Kind, float]]) -> list[Choice]:
        """Return the past forms of kinds with their weights."""
        synonyms = self.world.size.synonyms
        return [
            (form, kind, weight / (len(kind.past) if synonyms else 1))
            for kind, weight in kinds
            for form in (kind.past if synonyms else kind.past[:1])
        ]

    def past_of(self, kinds: Iterable[Kind]) -> list[Choice]:
        """Return every past form of kinds, whether or not this world's stories use it."""
        return each((form, kind) for kind in kinds for form in kind.past)

    def root_verbs(self) -> Menu:
        """Return what somebody may do at the beginning of a sentence."""
        kinds = [(k, k.root) for k in self.world.roots]
        explained = {"feel": self.moods(), "stay at home": self.weather()}
        kinds += [(k, 1.0) for k in NEEDS_CAUSE if explained[k.name]]
        return self.kept("root verbs", lambda: ("does", self.past(kinds)))

    def kinds_kept_from(self, person: Person) -> tuple[Kind, ...]:
        """Return the past forms' values that stories do not tell of a person."""
        return person.held_out

    def weather(self) -> tuple[Kind, ...]:
        """Return the kinds of weather; a micro world has none."""
        return WEATHER if self.world.size.words > 1 else ()

    def weather_verbs(self, perfect: bool) -> Menu:
        """Return `rained` or `had rained`."""
        return self.kept(
            ("weather", perfect),
            lambda: (
                "weather",
                self.perfect(self.weather()) if perfect else self.past((k, 1.0) for k in WEATHER),
            ),
        )

    @staticmethod
    def perfect(kinds: Iterable[Kind]) -> list[Choice]:
        """Return `had lost` and the like."""
        return each(
            (
                Piece(
                    ("had", *k.participle.words),
                    ("AUX", *k.participle.tags),
                    ("", *k.participle.entities),
                ),
                k,
            )
            for k in kinds
        )

    def effects(self, event_kind: Kind, who: str) -> list[tuple[Kind, float]]:
        """Return what an event may lead somebody to do: who is self or other."""
        return [(KINDS[name], w) for name, role, w in event_kind.leads_to if role == who]

    def effect_verbs(self, event_kind: Kind, who: str) -> Menu:
        """Return the verbs of those effects."""
        return self.kept(
            ("effect", event_kind, who),
            lambda: ("does as a consequence", self.past(self.effects(event_kind, who))),
        )

    @staticmethod
    def before_person(kind: Kind) -> Piece:
        """Return the preposition before the person who gets something."""
        return piece("with/ADP" if kind.takes == "the_food_person" else "to/ADP")

    def causes(self, mood: str, who: str) -> list[Kind]:
        """Return the kinds that make self or other feel so, and may be told after `because`."""
        return [
            k for k in CAUSES
            if k in self.world.roots and k.mood == mood
            and any(name == "feel" and role == who for name, role, _ in k.leads_to)
        ]  # fmt: skip

    def moods(self) -> list[str]:
        """Return the moods that something in this world gives a reason for."""
        return [mood for mood in ("good", "bad") if self.causes(mood, "self")]

    def cause_verbs(self, mood: str, who: str) -> Menu:
        """Return the verbs of those causes, in the past perfect."""
        return self.kept(
            ("cause", mood, who), lambda: ("had done", self.perfect(self.causes(mood, who)))
        )

    # Facts

    def fact_verbs(self, untold: tuple[str, ...]) -> Menu:
        """Return was, lived in, liked, had: those by which something untold can be told."""
        return self.kept(("fact", untold), lambda: ("is", self._fact_verbs(untold)))

    def _fact_verbs(self, untold: tuple[str, ...]) -> list[Choice]:
        forms = {"was": ["was/AUX"], "lived in": ["lived/VERB in/ADP"], "had": ["had/VERB"],
                 "liked": ["liked/VERB", "loved/VERB"][: 1 + self.world.size.synonyms]}  # fmt: skip
        return [
            (piece(form), verb, share / len(forms[verb]))
            for verb in forms
            if (share := sum(SHORT_OF[r] == verb for r in untold))
            for form in forms[verb]
        ]

    def fact_choices(self, person: Person, relation: str) -> list[Choice]:
        """Return what can be said of a relation: one thing of the cast, anything of a stranger.

        The value is (relation, what); a pet's noun and a kin's name are said next.
        """
        if person.facts:
            value = person.facts[relation]
            if relation in {"pet", "kin"}:
                value = value[0]
            return [(self.fact_piece(relation, value), (relation, value), 1.0)]
        world = self.world
        if relation == "occupation":
            weights = world.occupation_weights(person.gender)
            total = sum(weights)
            return [
                (self.fact_piece(relation, w), (relation, w), weight / total)
                for w, weight in zip(world.occupations, weights, strict=True)
            ]
        words = {
            "age": world.ages, "month": world.months, "home": world.cities, "food": world.foods,
            "pet": world.animal_adjectives, "kin": tuple(KIN[person.gender]),
        }[relation]  # fmt: skip
        return each((self.fact_piece(relation, w), (relation, w)) for w in words)

    def fact_piece(self, relation: str, value: Any) -> Piece:
        """Return the words after was, lived in, liked or had."""
        if relation == "kin":
            return piece(f"the/DET {value}/NOUN of/ADP")
        word = value.english
        return piece(
            {
                "occupation": f"{a_or_an(word)}/DET {word}/NOUN",
                "age": f"{word}/NUM years/NOUN old/ADJ",
                "month": f"born/VERB in/ADP {word}/PROPN/DATE",
                "home": f"{word}/PROPN/LOC",
                "food": f"{word}/NOUN",
                "pet": f"{a_or_an(word)}/DET {word}/ADJ",
            }[relation]
        )

    def fact_objects(self, person: Person, verb: str, untold: tuple[str, ...]) -> Menu:
        """Return what may follow a fact's verb."""
        relations = tuple(r for r in untold if SHORT_OF[r] == verb)
        whose = person if person.facts else person.gender

        def build():
            return verb, [c for r in relations for c in self.fact_choices(person, r)]

        return self.kept(("object", whose, relations), build)

    def kin_names(self, relation: str, gender: str) -> Menu:
        """Return the strangers whose `relation` somebody of that gender may be."""
        people = [
            p for p in self.world.strangers if not (relation in MARRIED and p.gender == gender)
        ]
        return self.kept(
            ("kin", relation), lambda: ("whose kin", each((name_piece(p), p) for p in people))
        )

    def heroes(self) -> Menu:
        """Return the names that a story may begin with: three of four of them the world's own."""
        world = self.world
        return self.kept(
            "heroes",
            lambda: (
                "hero",
                each(((name_piece(p), p) for p in world.cast), 0.75)
                + each(((name_piece(p), p) for p in world.strangers), 0.25),
            ),
        )

    def city_facts(self, city: Word) -> Menu:
        """Return what there is to say of a town."""
        facts = self.world.city_facts[city]
        region, food = facts["region"], facts["famous"]
        choices = [
            (piece(f"lay/VERB in/ADP the/DET {region.english}/NOUN"), ("region", region), 1.0),
            (piece(f"was/AUX famous/ADJ for/ADP {food.english}/NOUN"), ("famous", food), 1.0),
        ]
        return self.kept(("town", city), lambda: ("town is", choices))

    # Time and place

    def first_days(self) -> list[Choice]:
        """Return `one Monday`."""
        return each((piece(f"one/NUM {d.english}/PROPN/DATE"), ("day", d)) for d in DAYS[:3])

    def months_of_story(self) -> Menu:
        """Return `in May,`."""
        return self.kept(
            "in month",
            lambda: (
                "month",
                each((piece(f"in/ADP {m.english}/PROPN/DATE ,"), m) for m in self.world.months),
            ),
        )

    def places(self, mood: str, others: tuple[Choice, ...]) -> Menu:
        """Return `at the market` for what leaves people in that mood, and what else may come."""
        weights = self.world.place_weights(mood)
        total = sum(weights)
        return self.kept(
            ("place", mood, others),
            lambda: (
                "after the event",
                [
                    (place_piece(p), ("place", p), weight / total)
                    for p, weight in zip(self.world.places, weights, strict=True)
                ]
                + list(others),
            ),
        )
