"""Is it so? Statements held against a story and the world."""

from __future__ import annotations

from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.lexicon import Word
from tinyllm.data.tinyworld.statements import NotAStatement, read_statement
from tinyllm.data.tinyworld.story import Event, Fact, Story
from tinyllm.data.tinyworld.world import World


def is_true(statement: str, grammar: Grammar, story: Story | None = None) -> bool | None:
    """Say whether a statement is true (True), false (False), or not to be known (None).

    A story tells all that happened to its people, so an event of theirs that it does not tell did
    not happen. It does not tell all that they are: of a stranger's home, say, nothing may be known.
    Without a story only the world is asked, which knows its own people and towns, but no events.

    Raises:  NotAStatement (a ValueError) for a text that the statement grammar cannot read.
    """
    claim = read_statement(statement, grammar)
    return holds(claim, grammar.world, story)


def judge(statement: str, grammar: Grammar, story: Story | None = None) -> str:
    """Return "true", "false", "unknown", or "unparseable": what a score counts."""
    try:
        return {True: "true", False: "false", None: "unknown"}[is_true(statement, grammar, story)]
    except NotAStatement:
        return "unparseable"


def holds(claim: Fact | Event, world: World, story: Story | None = None) -> bool | None:
    """Say whether a claim is true, as `is_true` does.

    Raises:  ValueError for a story of another World, even of one alike: its people are others.
    """
    if story is not None and story.world is not world:
        raise ValueError(
            f"the story was told in another world than the one it is held against: {story.world} "
            f"and {world}. Tell and judge with one Grammar; pickle stories together with it"
        )
    if isinstance(claim, Event):
        return None if story is None else _happened(claim, story)
    return _is_fact(claim, world, story)


def known_values(subject, relation: str, world: World, story: Story | None) -> list:
    """Return what the world and the story say of a subject."""
    facts = world.city_facts[subject] if isinstance(subject, Word) else subject.facts
    values = [facts[relation]] if relation in facts else []
    if story is not None:
        values += [f.object for f in story.facts if f[:2] == (subject, relation)]
    return values


def _is_fact(claim: Fact, world: World, story: Story | None) -> bool | None:
    subject, relation, value = claim
    values = known_values(subject, relation, world, story)
    if relation == "pet" and value[0] is None:  # "had a cat" is so if the cat was black
        values = [(None, animal) for _, animal in values]
    if value in values:
        return True
    if relation == "kin" and isinstance(value, tuple):
        # The world's own people belong to one other; a stranger may have more kin than is told.
        complete = bool(getattr(subject, "facts", None)) or any(v[1] is value[1] for v in values)
        return False if complete else None
    return False if values else None


def _happened(claim: Event, story: Story) -> bool | None:
    if claim.who is not None and claim.who not in story.people:
        return None
    answers = {_agrees(claim, event) for event in story.events}
    return True if True in answers else None if None in answers else False


def _agrees(claim: Event, event: Event) -> bool | None:
    """Say whether an event is the claimed one; None if the story leaves a detail open."""
    if any(getattr(claim, p) != getattr(event, p) for p in ("kind", "who", "what", "whom")):
        return False
    open_details = False
    for detail in ("adjective", "place", "day"):
        claimed, told = getattr(claim, detail), getattr(event, detail)
        if claimed is not None and claimed != told:
            if told is not None:
                return False
            open_details = True
    return None if open_details else True
