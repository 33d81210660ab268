"""Chinese: what is drawn is accepted, what says something else is not."""
# ruff: noqa: E501

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import accepts, accepts_sentence, chinese, readings, references


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


TOM = (
    "Tom lived in Lakeville. One Tuesday in March, he lost a basket in the garden, so he was "
    "unhappy. On Wednesday, Tom helped Winifred, so she thanked him."
)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("汤姆住在莱克维尔。三月的一个星期二，他在花园里弄丢了一个篮子，所以他很不开心。星期三，汤姆帮助了威妮弗雷德，所以她感谢了他。", True),
        ("汤姆居住在莱克维尔。三月的某个周二他在花园丢了一个篮子，于是感到很不开心。周三汤姆帮了威妮弗雷德，因此她向他道了谢。", True),
        ("汤姆住在莱克维尔。三月的一个星期二，因为他在花园里弄丢了一个篮子，所以很不开心。星期三，因为汤姆帮助了威妮弗雷德，她谢了他。", True),
        ("汤姆住在莱克维尔。三月的一个星期二，她在花园里弄丢了一个篮子，所以他很不开心。星期三，汤姆帮助了威妮弗雷德，所以她感谢了他。", False),
        ("汤姆住在莱克维尔。三月的一个星期二，他在花园里弄丢了一个篮子，所以他很不开心。星期三，汤姆帮助了威妮弗雷德，所以他感谢了他。", False),
        ("汤姆住在莱克维尔。三月的一个星期二，他在花园里弄丢了一个篮子，所以他很高兴。星期三，汤姆帮助了威妮弗雷德，所以她感谢了他。", False),
        ("汤姆住在莱克维尔。三月的一个星期二，他在花园里找到了一个篮子，所以他很不开心。星期三，汤姆帮助了威妮弗雷德，所以她感谢了他。", False),
        ("汤姆住在莱克维尔。三月的一个星期二，他在花园里弄丢了一个篮子，所以他很不开心。星期三，汤姆帮助了威妮弗雷德，所以感谢了他。", False),
    ],
)  # fmt: skip
def test_translations_written_by_hand(text, accepted):
    (story,) = readings(TOM, grammar_of("mini"))
    assert accepts(story, text) is accepted


def test_a_place_that_is_a_thing_has_its_place_word_and_things_their_measure():
    seen = {}
    for story in drawn("full", 6000):
        for sentence, text in zip(story.sentences, chinese(story), strict=True):
            for clause in sentence.clauses:
                for what in (
                    getattr(clause.says, "place", None),
                    getattr(clause.says, "what", None),
                ):
                    if what is not None:
                        seen.setdefault(what.english, []).append(text)
                        if what.english in {"tower", "cave"} and what is clause.says.place:
                            assert f"在{what.chinese[0]}里" in text
                            assert not accepts_sentence(sentence, text.replace("里", "", 1))
    assert any("一颗珍珠" in text or "那颗珍珠" in text for text in seen["pearl"])
    assert not any("枚珍珠" in text for text in seen["pearl"])
    assert not any("座书架" in text for text in seen["bookcase"])
    assert all("一只" in text or "那只" in text for text in seen["fox"])
