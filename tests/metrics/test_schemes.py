"""BIO, IOB1, BIOES: told apart, turned into each other, mixed ones refused with the place."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.metrics import convert_tags, find_scheme, span_f1, spans
from tinyllm.metrics.schemes import TAG_SCHEMES, MixedSchemes, is_entity_tag, marks_entities

WRITTEN = {
    "BIO": ["B-per", "I-per", "B-loc", "O", "B-loc", "B-loc", "I-loc", "I-loc"],
    "IOB1": ["I-per", "I-per", "I-loc", "O", "I-loc", "B-loc", "I-loc", "I-loc"],
    "BIOES": ["B-per", "E-per", "S-loc", "O", "S-loc", "B-loc", "I-loc", "E-loc"],
}
ENTITIES = [("per", 0, 1), ("loc", 2, 2), ("loc", 4, 4), ("loc", 5, 7)]
KINDS = ["x", "y", "creative-work"]


@st.composite
def sentences(draw):
    """Tags of a sentence in BIO: pieces of one length each, an entity or not."""
    tags = []
    for kind, length in draw(st.lists(st.tuples(st.sampled_from([*KINDS, ""]), st.integers(1, 4)))):
        tags += [f"B-{kind}", *[f"I-{kind}"] * (length - 1)] if kind else ["O"] * length
    return tags


ANYTHING = st.lists(st.sampled_from(["O", *(f"{p}-{k}" for p in "BIES" for k in KINDS)]))


@pytest.mark.parametrize("scheme", TAG_SCHEMES)
@pytest.mark.parametrize("other", TAG_SCHEMES)
def test_by_hand(scheme, other):
    assert spans(WRITTEN[scheme]) == ENTITIES
    assert convert_tags(WRITTEN[scheme], other) == WRITTEN[other]
    assert find_scheme([["O"], WRITTEN[scheme], []]) == scheme


@given(sentences(), st.sampled_from(TAG_SCHEMES), st.sampled_from(TAG_SCHEMES))
def test_turning_loses_nothing(tags, one, other):
    written = convert_tags(tags, one)
    assert convert_tags(tags, "BIO") == tags
    assert spans(written) == spans(tags)
    assert convert_tags(convert_tags(written, other), one) == written
    assert convert_tags(convert_tags(written, other), "BIO") == tags


@given(ANYTHING, st.sampled_from(TAG_SCHEMES))
def test_whatever_was_written_becomes_well_written(tags, scheme):
    written = convert_tags(tags, scheme)
    assert spans(written) == spans(tags)
    assert convert_tags(written, scheme) == written


@given(st.lists(sentences(), min_size=1), st.sampled_from(TAG_SCHEMES))
def test_a_scheme_is_found(rows, scheme):
    found = find_scheme([convert_tags(tags, scheme) for tags in rows])
    if any(spans(tags) for tags in rows):
        assert found == scheme
    else:
        assert found == "BIO"


def test_converted_tags_are_those_that_seqeval_reads_strictly():
    """Any tags at all: the same entities by seqeval's forgiving reading and by its strict one."""
    pytest.importorskip("seqeval", reason="seqeval is the oracle: install it")
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import IOB1, IOB2, IOBES, Entities

    rng = random.Random(3)
    choices = ["O", *(f"{p}-{k}" for p in "BIES" for k in KINDS)]
    for _ in range(3000):
        tags = rng.choices(choices, k=rng.randrange(9))
        for scheme, theirs in (("BIO", IOB2), ("BIOES", IOBES), ("IOB1", IOB1)):
            written = convert_tags(tags, scheme)
            found = Entities([written], theirs).entities[0]
            strictly = [(entity.tag, entity.start, entity.end - 1) for entity in found]
            assert strictly == get_entities(tags), (tags, written)


@given(st.lists(st.tuples(sentences(), st.randoms()), min_size=1))
def test_f1_is_the_same_in_every_scheme(rows):
    """Of well-written tags, forgiving or strict."""
    true = [tags for tags, _ in rows]
    guess = [[tag if rng.random() < 0.8 else "O" for tag in tags] for tags, rng in rows]
    scores = set()
    for scheme in TAG_SCHEMES:
        pair = [[convert_tags(tags, scheme) for tags in side] for side in (true, guess)]
        scores.add(span_f1(*pair).score)
        if scheme != "IOB1":
            scores.add(span_f1(*pair, "strict", scheme).score)
    assert len(scores) == 1


def test_tags_without_types():
    assert convert_tags(["B", "I", "O", "B"], "BIOES") == ["B", "E", "O", "S"]
    assert find_scheme([["B", "E", "O", "S"]]) == "BIOES"
    with pytest.raises(MixedSchemes, match="sentence 0, word 1: expected I-_, .* got I$"):
        find_scheme([["B-_", "I"]])


MIXED = [
    ([["B-a", "I-a"], ["O", "I-a"]], (1, 1, "BIO"), "expected B-a, as in the scheme BIO"),
    ([["I-a"], ["B-a"], ["I-a", "B-a"]], (1, 0, "IOB1"), "expected I-a, .* which 2 of 3"),
    (
        [["S-a"], [], ["O"], ["B-a", "E-a", "B-a", "I-a"]],
        (3, 3, "BIOES"),
        "expected E-a, .* 1 of",
    ),
    ([["S-a"], ["S-a"], ["B-a", "I-b", "E-a"]], (2, 0, "BIOES"), "expected S-a, .* got B-a"),
    ([["B-a"]] * 4 + [["O", "I-a"], ["I-a"]], (4, 1, "BIO"), "expected B-a, .* 4 of 6"),
    ([["B-a", "E-b"]], (0, 1, "BIO"), "expected B-b"),
    ([["B-a"], ["O", "NN"]], (1, 1, ""), "expected O, or one of B, I, E, S and a type, got 'NN'"),
    ([["B-"]], (0, 0, ""), "got 'B-'"),
    ([["O", "O-x"]], (0, 1, ""), "got 'O-x'"),
]


@pytest.mark.parametrize(("rows", "place", "message"), MIXED)
def test_mixed_schemes_are_told_with_their_place(rows, place, message):
    with pytest.raises(MixedSchemes, match=message) as caught:
        find_scheme(rows)
    assert (caught.value.sentence, caught.value.word, caught.value.scheme) == place
    assert str(caught.value).startswith(f"sentence {place[0]}, word {place[1]}: expected")


@given(ANYTHING)
def test_a_lone_sentence_is_found_or_refused(tags):
    fits = [scheme for scheme in TAG_SCHEMES if convert_tags(tags, scheme) == tags]
    if fits:
        assert find_scheme([tags]) in fits
        return
    with pytest.raises(MixedSchemes) as caught:
        find_scheme([tags])
    word = caught.value.word
    expected = convert_tags(tags, caught.value.scheme)
    assert expected[:word] == tags[:word]
    assert expected[word] != tags[word]


def test_parts_of_speech_mark_no_entities():
    assert marks_entities(["O", "B-x", "NN"])
    assert marks_entities(iter(["O", "B", "I"]))
    for tags in (["NN", "VB", "O"], ["O"], [], ["B-x"], ["O", "S", "V"]):
        assert not marks_entities(tags)
    assert not is_entity_tag("S-")
    with pytest.raises(ValueError, match="scheme 'IOB2' is not known"):
        convert_tags(["O"], "IOB2")
