"""Byte-level BPE: any text comes back; equal to `tokenizers` in training and in ids."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.text import BPETokenizer, load_tokenizer, printable
from tinyllm.text.bpe import merge

ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("aé世😀\ud800\udc00\0"))
UNICODE = st.text(
    st.characters(codec="utf-8") | st.sampled_from("aabe  '\n\r\té世😀s't\u0300\u0558\U000323b0")
)
TEXT = (
    "It isn't the low, lower, lowest; we'll see 12 or 345 of them.\n\n  The café's naïve世界 😀😀\n"
    "def lower(x):\n    return x.lower()  # aaaa aaaaaaa abababab\n"
)
SPECIAL = ("<|end|>", "<pad>")
TRAINED = BPETokenizer.train([TEXT, TEXT[::-1]], 330, SPECIAL)


def peer(texts, vocab_size, special=()):
    hf = pytest.importorskip("tokenizers", reason="the oracle, `tokenizers`, is not installed")
    tokenizer = hf.Tokenizer(hf.models.BPE())
    tokenizer.pre_tokenizer = hf.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = hf.decoders.ByteLevel()
    trainer = hf.trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(special),
        initial_alphabet=hf.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def as_peer(tokenizer):
    hf = pytest.importorskip("tokenizers", reason="the oracle, `tokenizers`, is not installed")
    return hf.Tokenizer.from_str(json.dumps(tokenizer.to_dict()))


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_any_text_comes_back_whole_and_streamed(text):
    ids = TRAINED.encode(text)
    assert TRAINED.decode(ids) == text
    decoder = TRAINED.stream_decoder()
    pieces = [decoder.feed(token_id) for token_id in ids]
    assert "".join(pieces) + decoder.finish() == printable(text)


@settings(deadline=None, max_examples=1000)
@given(text=UNICODE)
def test_ids_are_those_of_tokenizers(text):
    hf = as_peer(TRAINED)
    assert TRAINED.encode(text) == hf.encode(text).ids
    marked = f"{SPECIAL[0]}{text}{SPECIAL[1]} x{SPECIAL[0]}"
    ids = TRAINED.encode(marked)
    assert ids == hf.encode(marked).ids
    assert TRAINED.decode(ids, skip_special_tokens=True) == hf.decode(ids)
    ids = TRAINED.encode(text)
    assert TRAINED.decode(ids) == hf.decode(ids, skip_special_tokens=False)


@settings(deadline=None, max_examples=150)
@given(texts=st.lists(st.text("ab cé\n") | UNICODE), more=st.integers(0, 60))
def test_training_gives_the_vocabulary_and_merges_of_tokenizers(texts, more):
    ours, theirs = BPETokenizer.train(texts, 258 + more, SPECIAL), peer(texts, 258 + more, SPECIAL)
    model = json.loads(theirs.to_str())["model"]
    assert ours.to_dict()["model"]["vocab"] == model["vocab"]
    assert ours.to_dict()["model"]["merges"] == model["merges"]


def test_training_on_a_longer_text():
    rng = random.Random(5)
    words = ["".join(rng.choices("abcde", k=rng.randint(1, 9))) for _ in range(600)]
    text = " ".join(rng.choices(words, k=8000))
    model = json.loads(peer([text], 1100).to_str())["model"]
    ours = BPETokenizer.train(text, 1100)
    assert ours.to_dict()["model"]["merges"] == model["merges"]
    assert ours.vocab_size == 256 + len(model["merges"])


def test_a_file_that_tokenizers_wrote(tmp_path):
    theirs = peer([TEXT], 300, SPECIAL)
    theirs.save(str(tmp_path / "tokenizer.json"))
    loaded = load_tokenizer(tmp_path)
    assert loaded.encode(TEXT) == theirs.encode(TEXT).ids
    loaded.save(tmp_path / "again")
    assert load_tokenizer(tmp_path / "again").fingerprint() == loaded.fingerprint()
    assert as_peer(loaded).encode(TEXT).ids == loaded.encode(TEXT)


def test_what_is_saved_loads(tmp_path):
    TRAINED.save(tmp_path)
    loaded = BPETokenizer.load(tmp_path)
    assert loaded.encode(TEXT) == TRAINED.encode(TEXT)
    assert loaded.fingerprint() == TRAINED.fingerprint()


def test_a_long_word_takes_no_square_of_its_length():
    text = "ab" * 50_000
    tokenizer = BPETokenizer.train("abab abab", 258)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert len(ids) == 25_000


def test_merge_takes_the_lowest_rank_first_and_the_leftmost():
    ab, bc = {(0, 1): (1, 3)}, {(1, 2): (0, 4)}
    assert merge([0, 1, 2], ab | bc) == [0, 4]
    assert merge([0, 0, 0], {(0, 0): (0, 5)}) == [5, 0]
    assert merge([], ab) == []
    # 0 1 waits in the heap while 1 2 is merged: it must not be taken for what stands there now
    assert merge([0, 1, 2], {(1, 2): (0, 4), (0, 1): (5, 3), (0, 4): (9, 6)}) == [6]


LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


VARIANTS = {
    "llama": [split(LLAMA)],
    "gpt4": [split(LLAMA, "Removed", True)],
    "removed": [split(r"\s+", "Removed")],
    "with next": [split(" ", "MergedWithNext", kind="String")],
    "with previous": [split(r"[ae]", "MergedWithPrevious")],
    "contiguous": [split(r"\p{L}", "Contiguous")],
    "digits": [{"type": "Digits", "individual_digits": True}],
    "digits joined": [{"type": "Digits", "individual_digits": False}],
    "white space": [{"type": "Whitespace"}],
    "punctuation": [{"type": "Punctuation", "behavior": "Contiguous"}],
    "split": [{"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"}],
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("form", [None, "NFC", "NFD", "Lowercase"])
def test_other_files_give_the_ids_of_tokenizers(name, form):
    file = json.loads(json.dumps(TRAINED.to_dict()))
    last = BYTE_LEVEL | {"add_prefix_space": name in ("llama", "split")}
    last |= {"trim_offsets": True}
    file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [*VARIANTS[name], last]}
    file["normalizer"] = form and {"type": form}
    file["model"]["ignore_merges"] = name == "llama"
    file["added_tokens"] += [
        token(330, "lower", normalized=True, special=False, single_word=True),
        token(331, "[MASK]", lstrip=True),
        token(332, "[R]", rstrip=True),
    ]
    ours = BPETokenizer.from_dict(file)
    theirs = as_peer(ours)

    @settings(deadline=None, max_examples=60)
    @given(parts=st.lists(st.sampled_from(["lower", " [MASK] ", "[R]  ", "<pad>", TEXT]) | UNICODE))
    def check(parts):
        text = "".join(parts)
        assert ours.encode(text) == theirs.encode(text).ids

    check()


def token(token_id, content, **flags):
    off = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": token_id, "content": content} | off | {"special": True} | flags


def change(path, value):
    """A file with one thing changed: model.merges, say."""
    file = json.loads(json.dumps(TRAINED.to_dict()))
    *parents, last = path.split(".")
    inner = file
    for parent in parents:
        inner = inner[parent]
    if value is KeyError:
        del inner[last]
    else:
        inner[last] = value
    return file


MERGES = TRAINED.to_dict()["model"]["merges"]
VOCAB = TRAINED.to_dict()["model"]["vocab"]
BROKEN = [
    (change("model.vocab", KeyError), '"vocab" is no object'),
    (change("model.merges", KeyError), "merges is a list of pairs, got NoneType"),
    (change("model.merges", [["a", "b", "c"]]), r"merges\[0\] is .*, not two tokens"),
    (change("model.merges", [["z", "q"]]), r"needs 'zq', which is not in the vocabulary"),
    (change("model.vocab", VOCAB | {"zzz": 900}), "the ids have a hole: 331 tokens"),
    (change("model.vocab", VOCAB | {"zzz": 7}), "stands for both"),
    (change("model.vocab", VOCAB | {"zzz": "7"}), "the id of 'zzz' is '7', not an integer"),
    (change("model.vocab", VOCAB | {"zzz": 10**30}), "the ids have a hole"),
    (change("model.dropout", 0.1), "BPE with dropout = 0.1 is not supported"),
    (change("model.end_of_word_suffix", "</w>"), "end_of_word_suffix = '</w>' is not supported"),
    (change("model.unk_token", "<no>"), "unk_token '<no>' is not in the vocabulary"),
    (change("model.type", "Unigram"), "unknown tokenizer type 'Unigram' .known: BPE, WordPiece"),
    (change("truncation", {"max_length": 3}), "truncation is not supported: it must be null"),
    (change("normalizer", {"type": "Nmt"}), "normalizer Nmt is not supported .known: Bert"),
    (change("normalizer", {"type": "Sequence"}), "normalizer Sequence has no 'normalizers'"),
    (change("normalizer", 3), 'normalizer is 3, not an object with a "type"'),
    (change("pre_tokenizer", None), "BPE without a ByteLevel pre-tokenizer"),
    (change("pre_tokenizer", {"type": "Metaspace"}), "pre_tokenizer Metaspace is not supported"),
    (change("pre_tokenizer", split("(")), "pattern '\\('  ?is wrong|is wrong"),
    (change("pre_tokenizer", split("^a")), "Split with .* in its pattern is not supported"),
    (change("pre_tokenizer", split("a*")), "matches nothing at all"),
    (change("pre_tokenizer", split("a", "Odd")), "behavior 'Odd' is not supported"),
    (change("decoder", {"type": "Metaspace"}), "decoder Metaspace is not supported"),
    (change("post_processor", {"type": "Odd"}), "post_processor Odd is not supported"),
    (change("added_tokens", [3]), r"added_tokens\[0\] is 3"),
    (change("added_tokens", [token(5, "<pad>")]), "has id 5, but the vocabulary says 1"),
]


@pytest.mark.parametrize(("file", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_broken_and_foreign_files_are_refused_in_one_sentence(tmp_path, file, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file))
    with pytest.raises(ValueError, match=message) as caught:
        load_tokenizer(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_any_part_of_a_file_may_be_anything(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "odd.json"
    places = ["model", "normalizer", "pre_tokenizer", "decoder", "added_tokens", "post_processor"]
    places += ["model.vocab", "model.merges", "model.unk_token", "pre_tokenizer.type"]
    odd = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "pattern", "id", "single"]), inner)
        ),
        max_leaves=5,
    )
    path.write_text(json.dumps(change(data.draw(st.sampled_from(places)), data.draw(odd))))
    try:
        tokenizer = load_tokenizer(path)
    except ValueError as error:
        message = str(error)
    else:
        tokenizer.encode(TEXT)
        return
    assert "odd.json" in message


def test_bad_training_arguments():
    with pytest.raises(ValueError, match="vocab_size 256 is below 256 bytes and 1 special tokens"):
        BPETokenizer.train([], 256, ["<s>"])
    with pytest.raises(TypeError, match="a text is a bytes, no str"):
        BPETokenizer.train([b"a"], 300)
    with pytest.raises(ValueError, match="special tokens are words"):
        BPETokenizer.train([], 300, [""])


def test_show_colours_tokens_and_shows_bytes_of_cut_characters():
    shown = BPETokenizer.train([], 256).show("<é\n")
    assert shown.labels == ["<", "<C3>", "<A9>", "\n"]
    assert "&lt;C3&gt;" in shown._repr_html_()
    assert "<é" not in shown._repr_html_()
    assert repr(shown).count("\x1b[0m") >= 4
    assert repr(shown).endswith("4 tokens")
