"""Who is meant: the people of a story, their names and pronouns, and where a sentence ends.

A pronoun is offered only where a reader who knows no more than the words finds exactly one person
for it: the only one of the gender who was named in this sentence or the one before.
"""

from __future__ import annotations

from typing import Any

from tinyllm.data.tinyworld.grammar import HE, HIM, STOP, Choice, Grammar, each, name_piece
from tinyllm.data.tinyworld.pieces import Menu
from tinyllm.data.tinyworld.story import Mention, Sentence
from tinyllm.data.tinyworld.world import Person

PRONOUN = 0.7  # how often a pronoun is taken where it may be


class Speaking:
    """Sentences being made, and who was mentioned in them.

    Args:    grammar: the menus of a world
             chooser: who chooses (see choices.py)
    """

    def __init__(self, grammar: Grammar, chooser: Any) -> None:
        self.grammar, self.world, self.size = grammar, grammar.world, grammar.world.size
        self.choose, self.say, self.chooser = chooser.choose, chooser.say, chooser
        self.people: list[Person] = []
        self.sentences: list[Sentence] = []
        self.sentence = Sentence()
        self.before: set[Person] = set()  # mentioned in the sentence before this one
        self.now: set[Person] = set()

    def meet(self, person: Person) -> None:
        """Let somebody into the story."""
        self.people.append(person)
        self.now.add(person)

    def clear(self, person: Person) -> bool:
        """Say whether a pronoun can mean this person alone: nobody else of the gender is near."""
        lately = [p for p in self.before | self.now if p.gender == person.gender]
        return lately == [person]

    def ways_to_name(self, people: list[Person], pronouns: dict, weight: float) -> list[Choice]:
        """Return names and, where clear, pronouns; the weight is shared by the people."""
        choices: list[Choice] = []
        for person in people:
            chance = PRONOUN if self.clear(person) else 0.0
            if chance and person in self.now:  # "she was sad because Nora …" would be another Nora
                chance = 1.0
            share = weight / len(people)
            choices.append((name_piece(person), Mention(person, False), share * (1 - chance)))
            choices.append((pronouns[person.gender], Mention(person, True), share * chance))
        return choices

    def subject(
        self, people: list[Person], others: list[Choice] = (), weight=1.0, point="who"
    ) -> Any:
        """Choose who does something, or one of the other choices."""
        chosen = self.choose(Menu(point, self.ways_to_name(people, HE, weight) + list(others)))
        if isinstance(chosen, Mention):
            self.now.add(chosen.person)
        return chosen

    def other_person(self, who: Person) -> Mention:
        """Choose the person to whom somebody does something: one of the story or a friend."""
        present = [p for p in self.people if p is not who]
        friends = [p for p in who.friends if p not in self.people]
        choices = self.ways_to_name(present, HIM, 0.6) if present else []
        choices += (
            each(((name_piece(p), Mention(p, False)) for p in friends), 0.4) if friends else []
        )
        chosen = self.choose(Menu("whom", choices))
        if chosen.person not in self.people:
            self.meet(chosen.person)
        self.now.add(chosen.person)
        return chosen

    # Sentences

    def stop(self) -> None:
        """End the sentence."""
        self.say(STOP)
        self.finish()

    def finish(self) -> None:
        """Keep the sentence whose full stop has been said."""
        self.sentence.ends = len(self.chooser.pieces)
        self.sentences.append(self.sentence)
        self.sentence = Sentence(begins=len(self.chooser.pieces))
        self.before, self.now = self.now, set()
