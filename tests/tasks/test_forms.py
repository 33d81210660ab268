"""The form of poems, e-mails and code: right ones pass, each mistake is found by its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.data.tinyworld import World
from tinyllm.data.tinyworld.letters import letters
from tinyllm.data.tinyworld.verse import poems
from tinyllm.tasks.forms import CHECKS, check_code, check_email, scan

POEM = """\
While Harry slowly sighed once more,
The star was near, the air was slow.
He found his kite beside the moor,
For he was proud within the snow."""
EMAIL = """\
To: Simon
Subject: An invitation

Hi Simon,

Thank you for your last letter. Please come to see me on Wednesday.

Take care,
Agnes"""


@pytest.fixture(scope="module")
def world():
    return World(0)


def test_all_that_the_grammars_write_has_the_form(world):
    drawn = list(poems(world, 1500, 1))
    assert len(set(drawn)) > 1490
    for poem in drawn:
        assert scan(poem).ok, (poem, str(scan(poem)))
    drawn = list(letters(world, 1500, 1))
    assert len(set(drawn)) > 1490
    for letter in drawn:
        assert check_email(letter).ok, (letter, str(check_email(letter)))


def test_the_same_seed_writes_the_same(world):
    for draw in (poems, letters):
        assert list(draw(world, 9, 3)) == list(draw(world, 9, 3))
        assert list(draw(world, 9, 3)) != list(draw(world, 9, 4))


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("\nFor he was proud within the snow.", "", "lines"),
        ("kite", "xylograph", "word"),
        ("near, the air", "near, air", "syllables"),
        ("While Harry slowly", "Harry while slowly", "stress"),
        ("within the snow", "beside the wall", "rhyme"),
        ("beside the moor", "beside once more", "rhyme"),
    ],
)
def test_mistakes_of_a_poem(old, new, name):
    assert scan(POEM).ok
    assert "rhymed ABAB" in scan(POEM).notes
    assert old in POEM
    assert name in {mistake.name for mistake in scan(POEM.replace(old, new)).mistakes}


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("To: Simon\n", "", "header"),
        ("Subject: An invitation", "Subject:", "header"),
        ("Hi Simon,\n", "", "greeting"),
        ("Hi Simon", "Hi Peter", "greeting"),
        (" Please come to see me on Wednesday.", "", "body"),
        ("Please come", "please come", "body"),
        ("Wednesday.", "Wednesday", "body"),
        ("Take care,\n", "", "closing"),
        ("\nAgnes", "", "name"),
        ("Agnes", "Simon", "name"),
        ("Agnes", "Agnes\nPeter", "name"),
    ],
)
def test_mistakes_of_an_email(old, new, name):
    assert check_email(EMAIL).ok
    assert old in EMAIL
    found = {mistake.name for mistake in check_email(EMAIL.replace(old, new)).mistakes}
    assert name in found


@pytest.mark.parametrize(
    ("code", "name"),
    [("def f(:\n    pass", "syntax"), ("# nothing", "empty"), ("", "empty"), ("\0", "syntax")],
)
def test_mistakes_of_code(code, name):
    assert [mistake.name for mistake in check_code(code).mistakes] == [name]
    assert check_code("def f(x):\n    return x").notes == "it parses: f"


@given(st.text())
def test_any_text_is_judged(text):
    for check in CHECKS.values():
        assert isinstance(check(text).ok, bool)
