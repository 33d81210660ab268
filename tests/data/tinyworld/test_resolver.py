"""Pronouns mean whom a reader of the words alone takes them for."""

from tests.data.tinyworld.worlds import drawn, grammar_of

GENDER = {"he": "m", "him": "m", "she": "f", "her": "f"}


def people_meant(story):
    """Resolve pronouns from the words: the one of the gender named in this sentence or the last."""
    genders = {p.name.english: p.gender for p in grammar_of("full").world.people}
    before, now, meant = set(), set(), []
    for word in story.words:
        if word == ".":
            before, now = now, set()
        if word in genders:
            meant.append(word)
            now.add(word)
        elif word.lower() in GENDER:
            fitting = [n for n in before | now if genders[n] == GENDER[word.lower()]]
            assert len(fitting) == 1, (word, story.text)
            meant.append(fitting[0])
            now.add(fitting[0])
    return meant


def test_an_independent_resolver_finds_the_person_that_was_meant():
    pronouns = 0
    for story in drawn("full", 3000):
        mentions = []
        for sentence in story.sentences:
            for clause in sentence.clauses:
                mentions += [m for m in (clause.subject, clause.whom) if m is not None]
        pronouns += sum(m.pronoun for m in mentions)
        assert [m.person.name.english for m in mentions] == people_meant(story), story.text
    assert pronouns > 5000


def test_nobody_is_called_by_name_after_a_pronoun_in_one_sentence():
    """But where somebody else of the gender came in between: "he met Evan, so Tom greeted him"."""
    for story in drawn("full", 2000):
        for sentence in story.sentences:
            mentions = [m for c in sentence.clauses for m in (c.subject, c.whom) if m is not None]
            genders = [m.person.gender for m in mentions]
            for i, mention in enumerate(mentions):
                alone = {m.person for m in mentions if m.person.gender == genders[i]}
                before = [m for m in mentions[:i] if m.person is mention.person and m.pronoun]
                assert mention.pronoun or not before or len(alone) > 1, story.text
