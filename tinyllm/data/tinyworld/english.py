"""The English of the world: the program that tells a story, one drawn choice after another.

Nothing is drawn before it is spoken, and each choice is spoken at once. A pronoun is a choice too,
offered only where it can mean nobody else. So the words tell every choice, and the probability of a
text is the product of the probabilities of its choices.
"""

from __future__ import annotations

from typing import Any

from tinyllm.data.tinyworld.grammar import (
    HE,
    HIM,
    STOP,
    Choice,
    Grammar,
    each,
    name_piece,
)
from tinyllm.data.tinyworld.kinds import KINDS, NEEDS_CAUSE
from tinyllm.data.tinyworld.lexicon import DAYS, Word, inverse_kin
from tinyllm.data.tinyworld.mentions import Speaking
from tinyllm.data.tinyworld.pieces import Menu, Piece, piece
from tinyllm.data.tinyworld.story import END, Clause, Event, Fact, Mention, Story
from tinyllm.data.tinyworld.world import Person

SO, BECAUSE = piece(", so/CCONJ"), piece("because/SCONJ")
THEN, LATER, SO_FIRST = piece("then/ADV"), piece("later/ADV ,"), piece("so/ADV")
IT, END_PIECE = piece("it/PRON"), Piece((END,), ("X",), ("",))
ON = {day: piece(f"on/ADP {day.english}/PROPN/DATE ,") for day in DAYS}
AFTERWARDS: tuple[Choice, ...] = ((STOP, "stop", 0.45),)


class Telling(Speaking):
    """One story as it is being told.

    Args:    grammar: the menus of a world
             chooser: who chooses (see choices.py)
             novel: whether the first event is one that training text never tells of its person
    """

    def __init__(self, grammar: Grammar, chooser: Any, novel: bool = False) -> None:
        super().__init__(grammar, chooser)
        self.novel = novel
        self.told: dict[Person | Word, set[str]] = {}  # which relations of whom
        self.facts: list[Fact] = []
        self.events: list[Event] = []
        self.day: Word | None = None

    def story(self) -> Story:
        """Tell a story from its first word to its end."""
        hero = self.choose(self.grammar.heroes())
        self.meet(hero)
        self.fact(Mention(hero, False))
        self.stop()
        while self.another_fact():
            pass
        while self.another_event():
            pass
        chooser = self.chooser
        return Story(
            self.world, chooser.pieces, chooser.log_prob, self.sentences, self.people,
            self.facts, self.events,
        )  # fmt: skip

    # Facts

    def untold(self, subject: Person) -> tuple[str, ...]:
        """Return what has not been said of somebody."""
        told = self.told.get(subject, ())
        return tuple(
            r
            for r in self.size.relations
            if r not in told and not (r == "kin" and subject.facts and "kin" not in subject.facts)
        )

    def fact(self, subject: Mention) -> None:
        """Say something that is so of a person."""
        person, untold = subject.person, self.untold(subject.person)
        verb = self.choose(self.grammar.fact_verbs(untold))
        relation, value = self.choose(self.grammar.fact_objects(person, verb, untold))
        whom = None
        if relation == "kin":
            whom = Mention(self.kin(person, value), False)
            value = (value, whom.person)
        elif relation == "pet":
            value = (value, self.pet(person))
        self.told.setdefault(person, set()).add(relation)
        fact = Fact(person, relation, value)
        self.facts.append(fact)
        self.sentence.clauses.append(Clause(fact, subject, whom))

    def pet(self, person: Person) -> Word:
        """Say which animal it is."""
        if person.facts:
            animal = person.facts["pet"][1]
            self.say(piece(f"{animal.english}/NOUN"))
            return animal
        return self.choose(self.grammar.nouns("a_pet"))

    def kin(self, person: Person, relation: str) -> Person:
        """Say whose kin somebody is; the other enters the story."""
        if person.facts:
            other = person.facts["kin"][1]
            self.say(name_piece(other))
        else:
            menu = self.grammar.kin_names(relation, person.gender)
            other = self.choose(menu, without=tuple(self.people))
        if other not in self.people:
            self.meet(other)
        self.now.add(other)
        self.told.setdefault(other, set()).add("kin")
        self.facts.append(Fact(other, "kin", (inverse_kin(relation, other.gender), person)))
        return other

    def another_fact(self) -> bool:
        """Say one more fact, or begin the events."""
        grammar, going_on = self.grammar, []
        talkative = [p for p in self.people if self.untold(p)]
        homes = {f.object: None for f in self.facts if f.relation == "home"}  # a set in order
        towns = [town for town in homes if town not in self.told]
        choices = [(said, day, w * 0.3) for said, day, w in grammar.first_days()]
        if len(self.sentences) < self.size.facts:
            if talkative:
                going_on += self.ways_to_name(talkative, HE, 0.5)
            if towns:
                going_on += each(((grammar.city(t), ("town", t)) for t in towns), 0.2)
        chosen = self.choose(Menu("another fact, or the first event", choices + going_on))
        if isinstance(chosen, Mention):
            self.now.add(chosen.person)
            self.fact(chosen)
            self.stop()
        elif chosen[0] == "town":
            self.town(chosen[1])
            self.stop()
        else:
            self.day = self.sentence.day = chosen[1]
            self.sentence.month = self.choose(grammar.months_of_story())
            self.event()
            return False
        return True

    def town(self, town: Word) -> None:
        """Say what a town is known for."""
        relation, value = self.choose(self.grammar.city_facts(town))
        self.told[town] = {relation}
        fact = Fact(town, relation, value)
        self.facts.append(fact)
        self.sentence.clauses.append(Clause(fact))

    # Events

    def another_event(self) -> bool:
        """Tell of one more event, or end the story."""
        told = sum(isinstance(s.clauses[0].says, Event) for s in self.sentences)
        if told == self.size.events:
            self.say(END_PIECE)
            return False
        last = self.events[-1]
        later = DAYS[DAYS.index(self.day) + 1 :][:2]
        choices: list[Choice] = [
            (END_PIECE, "end", 0.25),
            (THEN, "then", 0.1),
            (LATER, "later", 0.1),
        ]
        choices += each(((ON[d], ("day", d)) for d in later), 0.15) if later else []
        if self.can_lead_on(last):
            choices.append((SO_FIRST, "so", 0.5))
        chosen = self.subject(
            self.people, choices + self.weather_choice(), 0.2, "another sentence, or the end"
        )
        if chosen == "end":
            return False
        if chosen == "so":
            self.sentence.opener = "so"
            self.effect(last)
            self.stop()
        elif chosen in {"then", "later"}:
            self.sentence.opener = chosen
            self.event()
        elif chosen == "it" or isinstance(chosen, Mention):
            self.event(chosen)
        else:
            self.day = self.sentence.day = chosen[1]
            self.event()
        return True

    def weather_choice(self) -> list[Choice]:
        """Return `it`, which rains or snows."""
        return [(IT, "it", 0.05)] if self.grammar.weather() else []

    def event(self, subject: Any = None) -> None:
        """Tell of an event that nothing led to, or only what is said after `because`."""
        if subject is None:
            subject = self.subject(self.people, self.weather_choice(), 0.95)
        if subject == "it":
            kind = self.choose(self.grammar.weather_verbs(perfect=False))
            event = self.happens(Event(kind), None)
            self.after(event)
            return
        kind = self.root_kind(subject.person)
        event = Event(kind, subject.person)
        if kind in NEEDS_CAUSE:
            self.with_cause(event, subject)
            return
        self.with_object(event, subject)
        self.after(event)

    def root_kind(self, person: Person) -> Any:
        """Choose what somebody does, by what may be told of the person."""
        menu = self.grammar.root_verbs()
        if self.novel and not self.events and person.held_out:
            kinds = [(k, 1.0) for k in person.held_out]
            menu = self.grammar.kept(
                ("novel", person), lambda: ("does for once", self.grammar.past(kinds))
            )
            return self.choose(menu)
        return self.choose(menu, without=self.grammar.kinds_kept_from(person))

    def happens(self, event: Event, subject: Mention | None, whom: Mention | None = None) -> Event:
        """Note that an event was told."""
        if self.sentence.link != "because":  # "because he had lost …" does not say when
            event.day = self.day
        self.events.append(event)
        self.sentence.clauses.append(Clause(event, subject, whom))
        return event

    def with_object(self, event: Event, subject: Mention) -> None:
        """Say what the verb takes."""
        takes, whom = event.kind.takes, None
        grammar = self.grammar
        if takes in {"a_thing", "an_animal", "a_plant", "a_reading"}:
            described, word = self.choose(grammar.first_of_a(takes))
            if described:
                event.adjective, event.what = word, self.choose(grammar.nouns(takes))
            else:
                event.what = word
        elif takes == "person":
            whom = self.other_person(event.who)
            event.whom = whom.person
        elif takes:
            event.what = self.choose(grammar.words(takes))
        self.happens(event, subject, whom)

    def after(self, event: Event, may_lead_on: bool = True) -> None:
        """Say where it was, and what it led to, or end the sentence."""
        others = AFTERWARDS
        if may_lead_on and self.can_lead_on(event):
            others += ((SO, "so", 0.3),)
        somewhere = event.who is not None and event.kind.takes not in {"the_place", "city"}
        if somewhere:
            chosen = self.choose(self.grammar.places(event.kind.mood, others))
            if isinstance(chosen, tuple):
                event.place = chosen[1]
                chosen = self.choose(self.grammar.kept(others, lambda: ("and then", list(others))))
        else:
            chosen = self.choose(self.grammar.kept(others, lambda: ("and then", list(others))))
        if chosen == "so":
            self.sentence.link = "so"
            self.effect(event)
            self.say(STOP)
        self.finish()

    # Causes and effects

    def can_lead_on(self, event: Event) -> bool:
        """Say whether the event may lead to something that has not been told yet."""
        return bool(event.kind.leads_to) and not any(e.cause is event for e in self.events)

    def effect(self, cause: Event) -> None:
        """Tell what an event led to."""
        doers = self.people if cause.who is None else []
        for person, role in ((cause.who, "self"), (cause.whom, "other")):
            if person is not None and self.grammar.effects(cause.kind, role):
                doers = [*doers, person]
        subject = self.subject(doers, point="who, as a consequence")
        role = "other" if subject.person is cause.whom else "self"
        kind = self.choose(self.grammar.effect_verbs(cause.kind, role))
        event = Event(kind, subject.person, cause=cause)
        whom = self.effect_object(event, cause)
        self.happens(event, subject, whom)

    def effect_object(self, event: Event, cause: Event) -> Mention | None:
        """Say the effect's object, most often the cause's own."""
        takes, grammar = event.kind.takes, self.grammar
        if takes == "mood":
            event.what = self.choose(grammar.words(cause.kind.mood))
        elif takes == "topic":
            event.what = self.choose(grammar.words(takes))
        elif takes in {"the_thing", "the_thing_person", "the_food_person"}:
            event.what = cause.what
            self.say(piece(f"{'the/DET ' * (cause.what is not None)}{cause.what.english}/NOUN"))
        if takes in {"the_thing_person", "the_food_person"}:
            self.say(grammar.before_person(event.kind))
            whom = self.other_person(event.who)
        elif takes in {"person", "person_topic"}:
            other = cause.whom if cause.who is event.who else cause.who
            whom = self.choose(Menu("whom", self.ways_to_name([other], HIM, 1.0)))
        else:
            return None
        event.whom = whom.person
        self.now.add(whom.person)
        if takes == "person_topic":
            event.what = self.choose(grammar.words(takes))
        return whom

    def with_cause(self, effect: Event, subject: Mention) -> None:
        """Tell of a feeling or of staying at home, and why: the cause had come before."""
        grammar, feeling = self.grammar, effect.kind is KINDS["feel"]
        if feeling:
            effect.what = self.choose(grammar.words("mood"))
        clause = Clause(effect, subject)
        effect.day = self.day
        self.sentence.clauses.append(clause)
        self.sentence.link = "because"
        self.say(BECAUSE)
        mood = effect.what.kind if feeling else "bad"
        others = [p for p in self.people if p is not effect.who] if feeling else []
        if not grammar.causes(mood, "other"):
            others = []
        doers = ([effect.who] if feeling else []) + others
        weather = self.weather_choice() if mood == "bad" else []
        cause_subject = (
            self.subject(doers, weather, 0.9, "who had done it")
            if doers
            else self.choose(Menu("it", weather))
        )
        cause = Event(None, getattr(cause_subject, "person", None))
        effect.cause = cause
        if cause_subject == "it":
            cause.kind = self.choose(grammar.weather_verbs(perfect=True))
            self.happens(cause, None)
        elif cause.who is effect.who:
            cause.kind = self.choose(grammar.cause_verbs(mood, "self"))
            self.with_object(cause, cause_subject)
        else:
            cause.kind = self.choose(grammar.cause_verbs(mood, "other"))
            whom = self.choose(Menu("whom", self.ways_to_name([effect.who], HIM, 1.0)))
            cause.whom = whom.person
            self.happens(cause, cause_subject, whom)
        self.events.append(effect)
        self.after(cause, may_lead_on=False)
