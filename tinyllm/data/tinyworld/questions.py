"""Questions with their answers, and what an answer is worth.

A question is a statement with a gap: "Where did Anna live?" is `Anna lived {}.` An answer fills the
gap, and is right if the statement that comes of it is true. So every right wording counts, and what
is false, what abstains and what says nothing can be told apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tinyllm.data.tinyworld.grammar import Grammar, place_piece
from tinyllm.data.tinyworld.kinds import KINDS
from tinyllm.data.tinyworld.lexicon import Word
from tinyllm.data.tinyworld.statements import (
    NotAStatement,
    read_statement,
    say_cause,
    say_event,
    say_fact,
    say_rest,
)
from tinyllm.data.tinyworld.story import Event, Fact, Story
from tinyllm.data.tinyworld.truth import holds
from tinyllm.data.tinyworld.world import Person

ABSTAIN = "I do not know."
ABSTENTIONS = (ABSTAIN, "The story does not say.", "Nobody knows.")
GOES_TO = ("the_place", "city")
KINDS_OF_QUESTION = ("who", "where", "when", "what", "why", "yes-no", "two-hop", "unanswerable")


@dataclass(frozen=True)
class Question:
    """A question and how to know its answer.

    answer:  the usual one; ABSTAIN if there is none. To yes or no it first says what is so, where
             the verb takes something: `A hat, so no.`
    kind:    one of KINDS_OF_QUESTION
    about:   "context" if the story tells it, "world" if one must have learned it
    frame:   the statement with a gap `{}` that an answer fills
    claim:   what the frame claims when filled rightly; None for what has no answer. Of yes or no it
             is what is asked, true or false
    cause:   for why: the event that is explained
    """

    text: str
    answer: str
    kind: str
    about: str
    frame: str
    claim: Fact | Event | None
    cause: Event | None = None


def score_answer(
    question: Question, answer: str, grammar: Grammar, story: Story | None = None
) -> str:
    """Return "true", "false", "abstained" or "unparseable".

    Right is "true" for a question that has an answer, "abstained" for one that has none; all else
    is wrong, also to abstain where an answer was to be had.
    """
    answer = answer.strip()
    if answer in ABSTENTIONS:
        return "abstained"
    if not answer.endswith("."):
        return "unparseable"
    if question.kind == "yes-no":
        return _score_yes_no(question, answer, grammar, story)
    if question.cause is not None:
        return _score_why(question, answer, grammar)
    claim = _claim_of(question, answer[:-1], grammar)
    if claim is None:
        return "unparseable"
    if isinstance(claim, Event):  # "on Tuesday" may be true, but is no answer to where
        where = claim.what if claim.kind.takes in GOES_TO else claim.place
        asked = {"where": where, "when": claim.day}
        if question.kind in asked and asked[question.kind] is None:
            return "false"
    return "true" if _is_so(claim, question, grammar, story) else "false"


def is_right(question: Question, score: str) -> bool:
    """Say whether a score is the one that the question wants."""
    return score == ("abstained" if question.kind == "unanswerable" else "true")


def _claim_of(question: Question, answer: str, grammar: Grammar) -> Fact | Event | None:
    """Read what an answer without its stop claims: what fills the gap, or the whole statement."""
    before, after = question.frame.split("{}")
    small = answer[:1].lower() + answer[1:]  # in the middle of a sentence, if it is no name
    filled = [question.frame.format(answer), question.frame.format(small)]
    if answer.startswith(before) and f"{answer}.".endswith(after):
        filled.append(f"{answer}.")
    for text in filled:
        try:
            return read_statement(text, grammar)
        except NotAStatement:
            continue
    return None


def _is_so(
    claim: Fact | Event, question: Question, grammar: Grammar, story: Story | None
) -> bool | None:
    """Say whether a claim is of the sort that is asked for, and true."""
    wanted = question.claim
    return (wanted is None or _of_one_sort(claim, wanted)) and holds(claim, grammar.world, story)


def _score_yes_no(question: Question, answer: str, grammar: Grammar, story: Story | None) -> str:
    """Score `No.`, or `A hat, so no.`: then what is said to be so must be so, too."""
    reason, so, verdict = answer.rpartition(", so ")
    if verdict not in (("yes.", "no.") if so else ("Yes.", "No.")):
        return "unparseable"
    if so:
        claim = _claim_of(question, reason, grammar)
        if claim is None:
            return "unparseable"
        if not _is_so(claim, question, grammar, story):
            return "false"
    return "true" if question.answer.lower().endswith(verdict.lower()) else "false"


def _score_why(question: Question, answer: str, grammar: Grammar) -> str:
    if not answer.startswith("Because "):
        return "unparseable"
    statement = answer.removeprefix("Because ")
    try:
        claim = read_statement(statement[:1].upper() + statement[1:], grammar)
    except NotAStatement:
        return "unparseable"
    if not isinstance(claim, Event):
        return "false"
    cause = question.cause.cause
    parts = ("kind", "who", "what", "whom")
    same = all(getattr(claim, p) == getattr(cause, p) for p in parts)
    details = ("adjective", "place", "day")
    fits = all(getattr(claim, d) in (None, getattr(cause, d)) for d in details)
    return "true" if same and fits else "false"


def _of_one_sort(claim: Fact | Event, wanted: Fact | Event) -> bool:
    """Say whether a claim answers the question, and not some other one."""
    if isinstance(claim, Fact) and isinstance(wanted, Fact):
        return claim.relation == wanted.relation
    return isinstance(claim, Event) and isinstance(wanted, Event) and claim.kind is wanted.kind


# Facts: relation -> (kind of question, how it is asked, which part of the statement is asked for)
_ABOUT = {
    "home": ("where", "Where did {} live?", "{} lived {{}}."),
    "occupation": ("what", "What was the job of {}?", "{} was {{}}."),
    "food": ("what", "What did {} like to eat?", "{} liked {{}}."),
    "pet": ("what", "What animal did {} have?", "{} had {{}}."),
    "month": ("when", "When was {} born?", "{} was born {{}}."),
    "age": ("what", "How old was {}?", "{} was {{}}."),
    "region": ("where", "Where did {} lie?", "{} lay {{}}."),
    "famous": ("what", "What was {} famous for?", "{} was famous for {{}}."),
}


def fact_question(fact: Fact, about: str, grammar: Grammar, whose: str = "") -> Question:
    """Ask for a fact's object, or, of kin, for its subject.

    Args:    whose: another way to say whom it is about, which makes it a question of two hops
    """
    statement = say_fact(fact, grammar)
    name = _name_of(fact.subject)
    if fact.relation == "kin":
        relation, other = fact.object
        text = f"Who was the {relation} of {other.name.english}?"
        frame = f"{{}} was the {relation} of {other.name.english}."
        return Question(text, f"{name}.", "who", about, frame, fact)
    kind, text, frame = _ABOUT[fact.relation]
    frame = frame.format(name)
    before = frame.split("{}")[0]
    answer = statement.removeprefix(before)
    kind = "two-hop" if whose else kind
    return Question(text.format(whose or name), _capital(answer), kind, about, frame, fact)


def _name_of(subject: Any) -> str:
    return subject.english if isinstance(subject, Word) else subject.name.english


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def fact_questions(facts: list[Fact], about: str, grammar: Grammar) -> list[Question]:
    """Ask for each of the facts whose answer is the only one."""
    asked = Counter((f.subject, f.relation) for f in facts if f.relation != "kin")
    kin = Counter(f.object for f in facts if f.relation == "kin")
    return [
        fact_question(f, about, grammar)
        for f in facts
        if (kin[f.object] == 1 if f.relation == "kin" else asked[f.subject, f.relation] == 1)
    ]


def two_hop_questions(facts: list[Fact], about: str, grammar: Grammar) -> list[Question]:
    """Ask for facts of somebody who is named by kin, or of a town named by who lived there."""
    kin = Counter(f.object for f in facts if f.relation == "kin")
    questions = []
    for first in facts:
        for second in facts:
            if first.relation == "kin" and kin[first.object] == 1 and second.relation != "kin":
                if second.subject is first.subject:
                    relation, other = first.object
                    whose = f"the {relation} of {other.name.english}"
                    questions.append(fact_question(second, about, grammar, whose))
            elif first.relation == "home" and second.subject == first.object:
                whose = f"the town of {first.subject.name.english}"
                questions.append(fact_question(second, about, grammar, whose))
    return questions


# Events


def event_questions(story: Story, grammar: Grammar) -> list[Question]:
    """Ask who, what, where, when and why of each event that the question singles out."""
    questions: list[Question] = []
    for event in story.events:
        questions += _of_event(event, story)
    return questions


def _alone(story: Story, event: Event, *parts: str) -> bool:
    """Say whether no other event of the story has the same parts."""
    return not any(
        other is not event and all(getattr(other, p) == getattr(event, p) for p in parts)
        for other in story.events
    )


def _of_event(event: Event, story: Story) -> list[Question]:
    found: list[Question] = []
    if event.who is None:
        return found
    name = event.who.name.english
    bare = say_event(event, where=False, when=False)
    rest = say_rest(event)
    did = " ".join(part for part in (name, event.kind.base_verb, rest) if part)

    def add(kind: str, text: str, answer: str, frame: str, cause: Event | None = None) -> None:
        found.append(Question(text, _capital(answer), kind, "context", frame, event, cause))

    feels = event.kind is KINDS["feel"]
    gap, taken = _gap_of(event)
    if _alone(story, event, "kind", "what", "whom") and event.who is not event.whom:
        who = bare.removeprefix(name)
        add("who", f"Who{who[:-1]}?", f"{name}.", f"{{}}{who}")
    if rest and not feels and _alone(story, event, "kind", "who"):
        base = f"{name} {event.kind.base_verb}"
        if event.kind.takes == "person":
            add("who", f"Whom did {base}?", f"{taken}.", gap)
        elif event.kind.takes in GOES_TO:
            add("where", f"Where did {base.removesuffix(' to')}?", f"{taken}.", gap)
        elif event.kind.takes not in {"person_topic", "the_thing_person", "the_food_person"}:
            add("what", f"What did {base}?", f"{taken}.", gap)
    if _alone(story, event, "kind", "who", "what", "whom"):
        asks = f"was {name} {event.what.english}" if feels else f"did {did}"
        if event.place is not None:
            where = " ".join(place_piece(event.place).words)
            add("where", f"Where {asks}?", f"{where}.", f"{bare[:-1]} {{}}.")
        if event.day is not None:
            add("when", f"When {asks}?", f"on {event.day.english}.", f"{bare[:-1]} {{}}.")
        if event.cause is not None:
            add("why", f"Why {asks}?", f"because {say_cause(event)}", "", event)
    return found


def _gap_of(event: Event) -> tuple[str, str]:
    """Return the statement with a gap for what its verb takes, and what that is, if anything.

    "Anna went to the park" has its gap after "went": it is asked where, and answered "to the park".
    """
    past, rest = " ".join(event.kind.past[0].words), say_rest(event)
    if event.kind.takes in GOES_TO:
        past, rest = past.removesuffix(" to"), f"to {rest}"
    return f"{event.who.name.english} {past} {{}}.", rest


# Yes or no, and what cannot be known


def yes_no_question(
    claim: Fact | Event, about: str, grammar: Grammar, told: Fact | Event | None = None
) -> Question:
    """Ask whether something is so.

    Args:    told: what is so instead; None where the claim is
    """
    verdict, so = ("yes", claim) if told is None else ("no", told)
    if isinstance(claim, Event):
        feels = claim.kind is KINDS["feel"]
        name = claim.who.name.english
        rest = say_rest(claim)
        verb = "" if feels else f"{claim.kind.base_verb} "
        text = f"{'Was' if feels else 'Did'} {name} {verb}{rest}".rstrip() + "?"
        frame, reason = _gap_of(so)
    else:
        asked = fact_question(so, about, grammar)
        frame, reason = asked.frame, asked.answer[:-1]
        name = _name_of(claim.subject)
        rest = say_fact(claim, grammar).removeprefix(f"{name} ")[:-1]
        first, _, after = rest.partition(" ")
        if first == "was":
            text = f"Was {name} {after}?"
        else:
            base = {"lived": "live", "liked": "like", "had": "have", "lay": "lie"}[first]
            text = f"Did {name} {base} {after}?"
    answer = f"{reason}, so {verdict}." if reason else f"{verdict}."
    return Question(text, _capital(answer), "yes-no", about, frame, claim)


def untold_questions(story: Story, grammar: Grammar) -> list[Question]:
    """Ask what neither the story nor the world tells."""
    questions = []
    for person in story.people:
        if person.facts:
            continue
        told = {f.relation for f in story.facts if f.subject is person}
        for relation in grammar.world.size.relations:
            if relation != "kin" and relation not in told:
                questions.append(without_answer(person, relation))
    for event in story.events:
        if event.who is not None and event.place is None and event.kind.takes not in GOES_TO:
            place_asked = _where_was(event, story)
            questions += [place_asked] if place_asked else []
    return questions


def without_answer(person: Person, relation: str) -> Question:
    """Ask for a relation of somebody of whom it is not told."""
    _, text, frame = _ABOUT[relation]
    name = person.name.english
    return Question(text.format(name), ABSTAIN, "unanswerable", "context", frame.format(name), None)


def _where_was(event: Event, story: Story) -> Question | None:
    if not _alone(story, event, "kind", "who", "what", "whom"):
        return None
    if event.kind is KINDS["feel"] or event.cause is not None:
        return None
    bare = say_event(event, where=False, when=False)
    rest = " ".join(part for part in (event.kind.base_verb, say_rest(event)) if part)
    text = f"Where did {event.who.name.english} {rest}?"
    return Question(text, ABSTAIN, "unanswerable", "context", f"{bare[:-1]} {{}}.", None)
