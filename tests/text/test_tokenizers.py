"""Encoding and decoding: any text comes back, whole and streamed."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinyllm.text import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
    printable,
)
from tinyllm.text import character as character_module

# Every str Python can hold: Hypothesis leaves the lone surrogates out unless told.
ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("aé世😀\ud800\udc00\0"))
BYTE = ByteTokenizer()
FALLBACK = CharTokenizer.train(["aé世"], byte_fallback=True)
ONLY_BYTES = CharTokenizer.train([], byte_fallback=True)
LARGE = CharTokenizer.train(map(chr, range(0x400, 0x52C)), byte_fallback=True)  # 300 and 256
TOTAL = pytest.mark.parametrize("tokenizer", [BYTE, FALLBACK, ONLY_BYTES, LARGE], ids=repr)


@TOTAL
@example(text="\x7f\x80\u07ff\u0800\ud7ff\ud800\udc00\udfff\ue000\uffff\U00010000\U0010ffff")
@settings(deadline=None)
@given(text=ANY_TEXT)
def test_any_text_comes_back(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(type(token_id) is int for token_id in ids)
    np.testing.assert_array_equal(tokenizer.encode_to_array(text), ids)


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_a_trained_vocabulary_gives_its_text_back(text):
    tokenizer = CharTokenizer.train([text, "a"])
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) == len(text)
    assert tokenizer.vocab_size == len(set(text) | {"a"})


@TOTAL
@settings(deadline=None)
@given(text=ANY_TEXT)
def test_streaming_gives_the_same_and_never_half_a_character(tokenizer, text):
    decoder = tokenizer.stream_decoder()
    pieces = [decoder.feed(token_id) for token_id in tokenizer.encode(text)]
    assert decoder.finish() == ""
    assert "".join(pieces) == printable(text)
    if "\ufffd" not in text and printable(text) == text:
        assert "\ufffd" not in "".join(pieces)


@TOTAL
@settings(deadline=None)
@given(data=st.data())
def test_whatever_ids_a_model_invents_decode(tokenizer, data):
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1)))
    decoder = tokenizer.stream_decoder()
    streamed = "".join(map(decoder.feed, ids)) + decoder.finish()
    assert streamed == printable(tokenizer.decode(ids))
    streamed.encode("utf-8")  # can be printed and written


UNKNOWN = CharTokenizer.train(["aé世"], unk_token="<unk>")


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_an_unknown_token_stands_for_each_unknown_character(text):
    ids = UNKNOWN.encode(text)
    assert ids == ["aé世".find(c) if c in "aé世" else 3 for c in text]
    assert UNKNOWN.decode(ids) == "".join(c if c in "aé世" else "<unk>" for c in text)
    assert UNKNOWN.decode(ids, skip_special_tokens=True) == "".join(c for c in text if c in "aé世")


TEXT = "a b [x] ab [UNK] zé ab"
ALL = {  # a tokenizer, its special ids in the ids of TEXT, what is left of TEXT without them
    "byte": (BYTE, [], TEXT),
    "characters and bytes": (FALLBACK, [], TEXT),
    "characters": (UNKNOWN, [3], "aaéa"),
    "words": (WordTokenizer.train("a ab"), [0], "a ab ab"),
    "bpe": (BPETokenizer.train([TEXT], 300, ["[UNK]", "[x]"]), [0, 1], "a b  ab  zé ab"),
    "wordpiece": (WordPieceTokenizer.train("a b ab", 9, ["[x]"]), [0, 1], "a b ab ab"),
}


@pytest.mark.parametrize("name", ALL)
def test_special_tokens_are_left_out_if_asked(name):
    tokenizer, special, left = ALL[name]
    ids = tokenizer.encode(TEXT)
    assert sorted(tokenizer.special_tokens.values()) == special
    assert set(special) <= set(ids)
    assert tokenizer.decode(ids, skip_special_tokens=True).split() == left.split()
    kept = [token_id for token_id in ids if token_id not in special]
    assert tokenizer.decode(ids, True) == tokenizer.decode(kept)
    assert tokenizer.decode(iter(ids), True) == tokenizer.decode(np.array(kept, int))
    decoder = tokenizer.stream_decoder(skip_special_tokens=True)
    assert "".join(map(decoder.feed, ids)) + decoder.finish() == tokenizer.decode(ids, True)
    decoder = tokenizer.stream_decoder()
    assert "".join(map(decoder.feed, np.array(ids))) + decoder.finish() == tokenizer.decode(ids)
    if special:
        assert tokenizer.decode(ids) != tokenizer.decode(ids, True)
        assert tokenizer.decode(special, skip_special_tokens=True) == ""
    with pytest.raises(IndexError, match="outside"):
        tokenizer.decode([tokenizer.vocab_size], True)


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_known_has_its_id(name):
    tokenizer, special, _ = ALL[name]
    ids = tokenizer.encode("世\N{SNOWMAN}\N{SNOWMAN}"[name == "characters" :])
    unknown = {"characters": 3, "words": 0, "wordpiece": 0}.get(name)
    assert tokenizer.unknown_id == unknown
    assert (unknown in ids) == (unknown is not None)
    assert tokenizer.lossless == (unknown is None)
    if tokenizer.lossless:
        assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT


def test_half_a_surrogate_at_the_end_is_no_crash():
    for raw in (b"\xed", b"\xed\xa0", b"\xed\xa0\x80", b"a\xed\xa0b"):
        decoder = BYTE.stream_decoder()
        assert "\ufffd" in "".join(map(decoder.feed, raw)) + decoder.finish()


@settings(deadline=None)
@given(raw=st.binary() | st.lists(st.sampled_from([b"\xed", b"\xa0", b"\x80", b"\xf0"])))
def test_bad_bytes_become_replacement_characters(raw):
    raw = raw if isinstance(raw, bytes) else b"".join(raw)
    decoded = BYTE.decode(list(raw))
    try:
        assert decoded == raw.decode("utf-8")
    except UnicodeDecodeError:
        assert "\ufffd" in decoded or printable(decoded) != decoded


def test_known_ids():
    assert BYTE.encode("né😀") == [110, 195, 169, 240, 159, 152, 128]
    tokenizer = CharTokenizer.train(["hello", "we"])
    assert tokenizer.characters == "ehlow"
    assert tokenizer.encode("hole") == [1, 3, 2, 0]
    with_bytes = CharTokenizer.train("ehlow", byte_fallback=True)
    assert with_bytes.vocab_size == 5 + 256
    assert with_bytes.encode("hé") == [1, 5 + 0xC3, 5 + 0xA9]
    assert with_bytes.decode([1, 5 + 0xC3, 0, 5 + 0xA9]) == "h\ufffde\ufffd"


def test_streaming_holds_back_an_unfinished_character():
    decoder = BYTE.stream_decoder()
    assert [decoder.feed(byte) for byte in "é😀".encode()] == ["", "é", "", "", "", "😀"]
    assert decoder.feed(0xE4) == ""
    assert decoder.finish() == "\ufffd"
    assert decoder.feed(0x41) == "A"  # ready for another text
    assert decoder.feed(0xE4) + decoder.feed(0x41) == "\ufffdA"


def test_long_texts_are_encoded_in_pieces(monkeypatch):
    monkeypatch.setattr(character_module, "_PIECE", 3)
    for tokenizer in (FALLBACK, CharTokenizer.train(["abcé世x"])):
        assert tokenizer.decode(tokenizer.encode("abcé世xabca")) == "abcé世xabca"
    with pytest.raises(ValueError, match="at position 7 "):
        CharTokenizer.train(["ab"]).encode("abababa?b")


@pytest.mark.parametrize(
    ("tokenizer", "dtype"),
    [
        (CharTokenizer.train(map(chr, range(256))), "uint8"),
        (CharTokenizer.train(map(chr, range(257))), "uint16"),
        (CharTokenizer.train(["a"], byte_fallback=True), "uint16"),
        (CharTokenizer.train(map(chr, range(65537))), "uint32"),
        (BYTE, "uint8"),
    ],
)
def test_arrays_have_the_smallest_dtype_that_fits(tokenizer, dtype):
    for text in ("", "a"):
        array = tokenizer.encode_to_array(text)
        assert (array.dtype, array.shape) == (np.dtype(dtype), (len(text),))
        array[:] = 0  # the caller's own
    assert tokenizer.decode(tokenizer.encode("a")) == "a"


@pytest.mark.parametrize(
    "ids", [[0, 2], (0, 2), iter([0, 2]), np.array([0, 2], np.uint8), np.array([0, 2])]
)
def test_ids_come_in_any_sequence(ids):
    assert CharTokenizer.train(["abc"]).decode(ids) == "ac"


def test_no_ids_no_text():
    for tokenizer in (BYTE, FALLBACK):
        assert tokenizer.decode([]) == ""
        assert tokenizer.decode(np.empty(0, dtype=np.uint8)) == ""
        assert tokenizer.stream_decoder().finish() == ""


ABC = CharTokenizer.train(["abc"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ABC.encode("abcé"), ValueError, r"'é' \(U\+00E9\) at position 3 is not among"),
        (lambda: ABC.encode("\ud800"), ValueError, r"\\ud800' \(U\+D800\) at position 0"),
        (lambda: ABC.encode("😀"), ValueError, r"train with byte_fallback=True"),
        (lambda: ABC.encode(b"ab"), TypeError, r"a str is wanted, got bytes: .*decode"),
        (lambda: BYTE.encode(None), TypeError, "a str is wanted, got NoneType"),
        (lambda: ABC.decode([0, 3]), IndexError, r"id 3 at position 1 is outside \[0, 3\)"),
        (lambda: BYTE.decode([-1]), IndexError, r"id -1 at position 0 is outside \[0, 256\)"),
        (lambda: BYTE.decode([256]), IndexError, "another vocabulary"),
        (lambda: FALLBACK.token_bytes(259), IndexError, r"outside \[0, 259\)"),
        (lambda: BYTE.stream_decoder().feed(300), IndexError, "300"),
        (lambda: BYTE.decode([[1, 2]]), ValueError, r"one sequence of ids.*\(1, 2\)"),
        (lambda: BYTE.decode(5), ValueError, "put one id in a list"),
        (lambda: BYTE.decode([1.5]), TypeError, "ids are integers, got dtype float64"),
        (lambda: BYTE.decode("ab"), ValueError, "one sequence of ids"),
        (lambda: BYTE.decode([2**70]), TypeError, "integers"),
        (lambda: CharTokenizer.train([]), ValueError, "no characters"),
        (lambda: CharTokenizer.train([b"ab"]), TypeError, "a text is a bytes"),
        (lambda: CharTokenizer(["a", "bc"]), ValueError, r"characters\[1\] is 'bc', not one"),
        (
            lambda: CharTokenizer("ab", True, "?"),
            ValueError,
            "nothing is unknown",
        ),
        (lambda: CharTokenizer("ab", unk_token=7), ValueError, "unk_token is a str"),
        (lambda: CharTokenizer("aba"), ValueError, "'a' stands twice, at ids 0 and 2"),
    ],
)
def test_errors_teach(call, error, message):
    with pytest.raises(error, match=message):
        call()
