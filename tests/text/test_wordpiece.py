"""WordPiece from a file: the ids of `tokenizers`. And plain words."""

import json
import random

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


# Training

SENTENCES = st.lists(st.text(st.sampled_from("aabbccé  ,.世A\u0301")) | TEXT, max_size=6)


def peer(texts, vocab_size, special, **params):
    hf = pytest.importorskip("tokenizers", reason="the oracle, `tokenizers`, is not installed")
    tokenizer = hf.Tokenizer(hf.models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = hf.normalizers.BertNormalizer(lowercase=params.pop("lowercase", True))
    tokenizer.pre_tokenizer = hf.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = hf.decoders.WordPiece()
    trainer = hf.trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=list(special), show_progress=False, **params
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_both(texts, vocab_size, **params):
    """Both vocabularies. The peer numbers its "##" characters in a random order, which settles
    ties: given as special tokens, they have the order that ours have."""
    ours = WordPieceTokenizer.train(texts, vocab_size, ("[PAD]", "[UNK]"), **params)
    first = [t for t in ours.tokens if t in ("[PAD]", "[UNK]") or len(t.removeprefix("##")) == 1]
    theirs = peer(texts, vocab_size, first, **params)
    return ours, theirs


@settings(deadline=None, max_examples=300)
@given(
    texts=SENTENCES,
    more=st.integers(0, 40),
    least=st.integers(0, 3),
    lower=st.booleans(),
)
def test_training_gives_the_vocabulary_of_tokenizers(texts, more, least, lower):
    size = len(WordPieceTokenizer.train(texts, 10_000, min_frequency=10_000).tokens) + 1 + more
    size += 0 if lower else len("".join(texts))  # more characters
    ours, theirs = train_both(texts, size, min_frequency=least, lowercase=lower)
    assert ours.vocabulary == theirs.get_vocab()
    assert ours.vocab_size <= size


def words_by_chance(kinds, size):
    rng = random.Random(5)
    words = ["".join(rng.choices("abcde", k=rng.randint(1, 9))) for _ in range(kinds)]
    return " ".join(rng.choices(words, k=size))


def test_training_on_a_longer_text():
    text = words_by_chance(600, 8000)
    ours, theirs = train_both([text], 900)
    assert ours.vocabulary == theirs.get_vocab()
    assert ours.vocab_size > 800  # then every word is one piece
    # and with no order given: the same pieces, if no two pairs are equally frequent at the end
    plain = peer([text], 60, ["[UNK]"])
    assert set(WordPieceTokenizer.train(text, 60).tokens) == set(plain.get_vocab())


def test_ids_of_a_trained_tokenizer_are_those_of_tokenizers(tmp_path):
    hf = pytest.importorskip("tokenizers", reason="the oracle, `tokenizers`, is not installed")
    text = words_by_chance(300, 3000) + " Ça, c'est l'été! 世界"
    ours = WordPieceTokenizer.train([text, "x"], 200, ["[PAD]", "[UNK]"])
    theirs = hf.Tokenizer.from_file(str(ours.save(tmp_path)))
    loaded = load_tokenizer(tmp_path)
    assert loaded.fingerprint() == ours.fingerprint()

    @settings(deadline=None, max_examples=300)
    @given(st.text("abcdeabcde ,.'éÇ世!") | TEXT | st.just(text + "[PAD]"))
    def check(some):
        ids = ours.encode(some)
        assert ids == theirs.encode(some).ids == loaded.encode(some)
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)

    check()


@settings(deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=())), max_size=4))
def test_any_text_trains_and_what_is_saved_loads(texts, tmp_path_factory):
    tokenizer = WordPieceTokenizer.train(texts, 5000)
    folder = tmp_path_factory.getbasetemp() / "trained"
    tokenizer.save(folder)
    loaded = load_tokenizer(folder)
    assert loaded.vocabulary == tokenizer.vocabulary
    for text in texts:
        assert loaded.encode(text) == tokenizer.encode(text)
        known = 0 not in tokenizer.encode(text)
        assert known or any(0xD800 <= ord(c) <= 0xDFFF for c in text) or max(map(len, texts)) > 100


def test_training_by_hand():
    tokenizer = WordPieceTokenizer.train(["low lower lowest slow"], vocab_size=20)
    assert tokenizer.tokens[:8] == ["[UNK]", *"elorstw"]
    assert tokenizer.tokens[8:15] == [f"##{c}" for c in "elorstw"]
    # 4 of o w; then l ow, 3; then low e, 2; then equals by their ids
    assert tokenizer.tokens[15:] == ["##ow", "low", "lowe", "sl", "##st"]
    assert WordPieceTokenizer.train("ab ab ba", 99, min_frequency=2).tokens[-1] == "ab"
    cased = WordPieceTokenizer.train(["É e"], 9, lowercase=False)
    assert cased.tokens == ["[UNK]", "e", "É"]
    assert WordPieceTokenizer.train(["É e"], 9, unk_token="<?>").tokens == ["<?>", "e"]
    assert WordPieceTokenizer.train([], 9, ["[PAD]", "[UNK]"]).tokens == ["[PAD]", "[UNK]"]


def test_a_limited_alphabet():
    text = "abxab abab ayb zab"
    tokenizer = WordPieceTokenizer.train(text, 50, limit_alphabet=2)
    assert {t.removeprefix("##") for t in tokenizer.tokens if len(t) in (1, 3)} == {"a", "b"}
    assert tokenizer.encode("abab x") == [tokenizer.vocabulary["abab"], 0]
    three = WordPieceTokenizer.train(text, 50, limit_alphabet=3)
    assert {t for t in three.tokens if len(t) == 1} == {"a"} | {"b", "x"}
    for other in (text, "cab xab xab"):  # the letters after one that is left out go on as before
        tokenizer = WordPieceTokenizer.train(other, 50, limit_alphabet=2)
        first = [t for t in tokenizer.tokens if t == "[UNK]" or len(t) in (1, 3)]
        theirs = peer([other], 50, first, limit_alphabet=2)
        assert tokenizer.vocabulary == theirs.get_vocab()
    assert tokenizer.tokens == ["[UNK]", "a", "b", "##a", "##b", "##ab"]


def test_lone_surrogates_are_left_out_as_a_file_would_join_them(tmp_path):
    tokenizer = WordPieceTokenizer.train(["a\ud83d\ude00 a\ud83d\ude00 x"], 50)
    assert tokenizer.tokens == ["[UNK]", "a", "x"]
    assert tokenizer.encode("a\ud83d\ude00 x") == [0, 2]
    tokenizer.save(tmp_path)
    assert load_tokenizer(tmp_path).tokens == tokenizer.tokens


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: WordPieceTokenizer.train("ab ba", 4), ValueError, "size 4 is below 4 characters"),
        (lambda: WordPieceTokenizer.train([b"a"], 9), TypeError, "a text is a bytes, no str"),
        (lambda: WordPieceTokenizer.train("a", 9, [""]), ValueError, "special tokens are words"),
    ],
)
def test_training_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


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
