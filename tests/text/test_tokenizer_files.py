"""tokenizer.json: written, read back, and refused when it is wrong."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.text import ByteTokenizer, CharTokenizer, WordTokenizer, load_tokenizer
from tinyllm.text.tokenizer import KINDS

AWKWARD = 'a\n"\\é世😀\0\ud800\udbff\udc00'


@pytest.mark.parametrize(
    "tokenizer",
    [
        ByteTokenizer(),
        CharTokenizer.train([AWKWARD]),
        CharTokenizer.train([AWKWARD], byte_fallback=True),
        CharTokenizer.train([AWKWARD[2:]], unk_token="<unk>"),
        WordTokenizer.train([AWKWARD]),
    ],
    ids=repr,
)
def test_what_is_saved_loads(tmp_path, tokenizer):
    path = tokenizer.save(tmp_path / "run" / "deep")
    assert path == tmp_path / "run" / "deep" / "tokenizer.json"
    assert os.listdir(path.parent) == ["tokenizer.json"]
    for source in (path, path.parent, str(path.parent)):
        loaded = load_tokenizer(source)
        assert type(loaded) is type(tokenizer)
        assert loaded.to_dict() == tokenizer.to_dict()
        assert loaded.fingerprint() == tokenizer.fingerprint()
        assert loaded.encode(AWKWARD) == tokenizer.encode(AWKWARD)
    assert type(tokenizer).load(path).vocab_size == tokenizer.vocab_size


def test_fingerprints_differ_where_ids_would():
    tokenizers = [
        ByteTokenizer(),
        CharTokenizer("ab"),
        CharTokenizer("ba"),
        CharTokenizer("ab", byte_fallback=True),
        CharTokenizer("ab", unk_token="<unk>"),
        CharTokenizer("ab", unk_token="?"),
    ]
    assert len({tokenizer.fingerprint() for tokenizer in tokenizers}) == len(tokenizers)


def test_load_of_a_class_refuses_another(tmp_path):
    ByteTokenizer().save(tmp_path)
    with pytest.raises(ValueError, match=r"holds a ByteTokenizer: use text\.load_tokenizer"):
        CharTokenizer.load(tmp_path)


def test_every_kind_is_known_by_its_name():
    assert {"byte": ByteTokenizer, "character": CharTokenizer}.items() <= KINDS.items()


CHARACTERS = {"type": "character", "characters": ["a", "b"], "byte_fallback": False}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, 'no "type" .known: byte, character'),
        ({"model": 3}, "is it a tokenizer of tinyllm"),
        ({"type": "bpe9"}, "unknown tokenizer type 'bpe9' .known: byte, character"),
        ({"type": ["byte"]}, "unknown tokenizer type"),
        ({"type": "x" * 1000}, r"xxx\.\.\. "),
        ({"type": "byte", "size": 3}, r"unknown: \['size'\]"),
        ({"type": "character"}, r"missing: \['byte_fallback', 'characters'\]"),
        (CHARACTERS | {"unk_token": 1}, "'unk_token' is 1, which is a int, not a str"),
        (CHARACTERS | {"byte_fallback": 1}, "'byte_fallback' is 1, which is a int, not a bool"),
        (CHARACTERS | {"characters": "ab"}, "'characters' is 'ab', which is a str, not a list"),
        (CHARACTERS | {"characters": {"a": 0}}, "which is a dict, not a list"),
        (CHARACTERS | {"characters": ["a", "b", "a"]}, "'a' stands twice, at ids 0 and 2"),
        (CHARACTERS | {"characters": ["a", ""]}, r"characters\[1\] is '', not one character"),
        (CHARACTERS | {"characters": ["a", 7]}, r"characters\[1\] is 7, not one character"),
        (CHARACTERS | {"characters": ["a", ["b"]]}, r"characters\[1\] is \['b'\]"),
        (CHARACTERS | {"characters": []}, "no characters"),
    ],
)
def test_wrong_settings_are_clear_errors(tmp_path, settings, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=message) as caught:
        load_tokenizer(tmp_path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(b'{\n"type": "caf\xe9"}')
    with pytest.raises(ValueError, match=r"tokenizer\.json, line 2: .* byte 0xE9 is not UTF-8"):
        load_tokenizer(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json: there is no such file"):
        load_tokenizer(tmp_path)


@settings(deadline=None)
@given(data=st.data())
def test_a_file_cut_off_or_changed_anywhere_never_crashes(tmp_path_factory, data):
    raw = bytearray(json.dumps(CHARACTERS).encode())
    if data.draw(st.booleans()):
        raw = raw[: data.draw(st.integers(0, len(raw) - 1))]
    else:
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_bytes(raw)
    try:
        tokenizer = load_tokenizer(path)
    except ValueError as error:
        message = str(error)
    else:
        assert tokenizer.decode(range(tokenizer.vocab_size)) == tokenizer.characters
        return
    assert "damaged.json" in message
