"""Text as it is written: stop strings, and characters of several tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyllm
from tinyllm.generation import generate, stream_text, until
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.text import ByteTokenizer

few = st.text("ab\n", max_size=12)


@given(st.lists(few), st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3))
def test_until_ends_before_the_first_stop_string(pieces, stops):
    whole = "".join(pieces)
    places = [whole.find(stop) for stop in stops if stop in whole]
    given_out = list(until(iter(pieces), stops))
    got = "".join(given_out)
    assert all(given_out), "no empty pieces"
    if not places:
        assert got == whole
    else:  # it stops at the first piece in which one is whole
        assert whole.startswith(got)
        assert any(whole.startswith(got + stop) for stop in stops)
        assert not any(stop in got for stop in stops)


def test_until_asks_for_nothing_after_the_stop():
    def pieces():
        yield "one. t"
        yield "wo. three"
        raise AssertionError("nobody needs this")

    assert list(until(pieces(), ["two"])) == ["one. "]


def test_until_gives_out_what_is_sure_at_once():
    asked = until(iter(["abc", "ab", "d", "stay a"]), ["abd"])
    assert next(asked) == "abc"
    asked = until(iter(["xa", "b", "c", "a"]), ["abd"])
    assert list(asked) == ["x", "abc", "a"]


@pytest.fixture
def model():
    config = DecoderConfig(vocab_size=256, context_length=16, layers=1, heads=2, width=16)
    return Decoder(config)


def test_stream_is_the_tokens_in_characters(model):
    tokenizer, settings = ByteTokenizer(), {"temperature": 3.0}
    tokens = generate(model, tokenizer.encode("é"), 60, generator=tinyllm.Generator(2), **settings)
    pieces = list(
        stream_text(model, tokenizer, "é", 60, generator=tinyllm.Generator(2), **settings)
    )
    assert "".join(pieces) == tokenizer.decode(list(tokens))
    stop = "".join(pieces)[5:7]
    shorter = "".join(
        stream_text(model, tokenizer, "é", 60, [stop], generator=tinyllm.Generator(2), **settings)
    )
    assert shorter == "".join(pieces)[: "".join(pieces).find(stop)]


def test_stop_strings_are_a_list(model):
    for wrong in ("stop", [""]):
        with pytest.raises(ValueError, match="stop_strings must be a list of strings"):
            stream_text(model, ByteTokenizer(), "a", 5, wrong)
