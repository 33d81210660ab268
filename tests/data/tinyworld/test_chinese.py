"""Chinese: what is drawn is accepted, what says something else is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.tinyworld.worlds import drawn
from tinyllm.data.tinyworld import accepts, accepts_sentence, chinese, references


@pytest.mark.parametrize("size", ["mini", "full"])
def test_every_reference_is_accepted(size):
    for number, story in enumerate(drawn(size, 400)):
        assert accepts(story, "".join(chinese(story)))
        for reference in references(story, 4, number):
            assert accepts(story, "".join(reference))
            for sentence, text in zip(story.sentences, reference, strict=True):
                assert accepts_sentence(sentence, text)
                assert re.fullmatch(r"[一-鿿，·]+。", text), text


def test_references_vary_and_repeat_with_their_seed():
    story = max(drawn("full", 50), key=lambda s: len(s.words))
    assert len({"".join(r) for r in references(story, 8)}) == 8
    assert references(story, 3, 5) == references(story, 3, 5)
    with pytest.raises(ValueError, match="count must be from 1 to 8, got 9"):
        references(story, 9)


def test_one_story_s_chinese_is_not_another_s():
    told = drawn("full", 300)
    for story, other in zip(told, told[1:], strict=False):
        if story.text != other.text:
            assert not accepts(story, "".join(chinese(other)))


def test_a_changed_sign_is_refused():
    """Take one sign out or swap he and she: never accepted, but where a word is free to go."""
    refused = tried = 0
    for story in drawn("full", 150):
        text = "".join(chinese(story))
        assert not accepts(story, text.replace("。", "", 1))
        assert not accepts(story, text + "。")
        swapped = text.translate(str.maketrans("他她", "她他"))
        if swapped != text:
            assert not accepts(story, swapped), text
        for i in range(len(text)):
            tried += 1
            refused += not accepts(story, text[:i] + text[i + 1 :])
    assert refused / tried > 0.85


@given(st.text())
def test_any_text_can_be_asked_about(text):
    accepts(drawn("mini", 1)[0], text)
    accepts_sentence(drawn("mini", 1)[0].sentences[0], text)
