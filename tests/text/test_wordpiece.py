"""WordPiece from a file: the ids of `tokenizers`. And plain words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.text import WordPieceTokenizer, WordTokenizer, load_tokenizer

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "the", "world", "##s", "!"]
PIECES += [
    "'",
    "##ld",
    "cafe",
    ",",
    ".",
    "n",
    "t",
    "世",
    "##e",
    *"abcdeé",
    *(f"##{c}" for c in "abcé"),
]
VOCAB = {piece: i for i, piece in enumerate(PIECES)}
SPECIAL_FLAGS = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
FILE = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [
        {"id": VOCAB[t], "content": t} | SPECIAL_FLAGS | {"special": True} for t in PIECES[:4]
    ],
    "normalizer": {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": VOCAB,
    },
}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {t: {"id": t, "ids": [VOCAB[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")},
}
TEXT = st.text(
    st.characters(codec="utf-8") | st.sampled_from("aabcdethworlds  !',.é世\u0301Σİ\t\0\ufffd")
)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("post", [FILE["post_processor"], TEMPLATE, None])
def test_ids_and_text_are_those_of_tokenizers(lower, post):
    hf = pytest.importorskip("tokenizers", reason="the oracle, `tokenizers`, is not installed")
    file = FILE | {"normalizer": FILE["normalizer"] | {"lowercase": lower}, "post_processor": post}
    ours = WordPieceTokenizer.from_dict(file)
    theirs = hf.Tokenizer.from_str(json.dumps(file))

    @settings(deadline=None, max_examples=500)
    @given(text=TEXT | st.lists(st.sampled_from(["unaffable ", "[SEP]", "world!", "café"])))
    def check(text):
        text = "".join(text)
        ids = ours.encode(text)
        assert ids == theirs.encode(text).ids
        plain = ours.encode(text, add_special_tokens=False)
        assert plain == theirs.encode(text, add_special_tokens=False).ids
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)
        assert ours.decode(ids, skip_special_tokens=True) == theirs.decode(ids)
        decoder = ours.stream_decoder()
        assert "".join(map(decoder.feed, ids)) + decoder.finish() == ours.decode(ids)

    check()


def test_the_longest_piece_is_taken():
    tokenizer = WordPieceTokenizer.from_dict(FILE)
    ids = tokenizer.encode("Unaffable WORLDS, zzz", add_special_tokens=False)
    pieces = [PIECES[i] for i in ids]
    assert pieces == ["un", "##aff", "##able", "world", "##s", ",", "[UNK]"]


def test_what_is_saved_loads(tmp_path):
    WordPieceTokenizer.from_dict(FILE).save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert isinstance(loaded, WordPieceTokenizer)
    assert loaded.encode("the worlds") == [2, 7, 8, 9, 3]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"unk_token": "[NO]"}, "unk_token '\\[NO\\]' is not in the vocabulary"),
        ({"max_input_chars_per_word": "9"}, "max_input_chars_per_word an integer"),
    ],
)
def test_wrong_models_are_refused(tmp_path, model, message):
    (tmp_path / "tokenizer.json").write_text(json.dumps(FILE | {"model": FILE["model"] | model}))
    with pytest.raises(ValueError, match=message):
        load_tokenizer(tmp_path)


# Words


def test_words_are_kept_by_frequency_and_others_are_unknown(tmp_path):
    tokenizer = WordTokenizer.train(["the cat, the dog", "a cat"], vocab_size=3)
    assert tokenizer.words == ["<unk>", "cat", "the"]
    assert tokenizer.encode("the dog's cat") == [2, 0, 0, 0, 1]
    assert tokenizer.decode([2, 0, 1]) == "the <unk> cat"
    tokenizer.save(tmp_path)
    assert load_tokenizer(tmp_path).to_dict() == tokenizer.to_dict()
    assert WordTokenizer.train("a b b", min_frequency=2).words == ["<unk>", "b"]
    with pytest.raises(ValueError, match="vocab_size 0 holds no unknown token"):
        WordTokenizer.train("a", vocab_size=0)
    with pytest.raises(ValueError, match="'a' stands twice"):
        WordTokenizer(["<unk>", "a", "a"])


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=())))
def test_words_known_come_back(text):
    tokenizer = WordTokenizer.train([text])
    ids = tokenizer.encode(text)
    assert 0 not in ids
    assert tokenizer.encode(tokenizer.decode(ids)) == ids
