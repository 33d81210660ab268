"""The Unicode of `tokenizers`: every character there is goes the way that it goes there."""

import json

import pytest

from tinyllm.text.components import NORMALIZERS, PreTokenizer, normalizer

# Planes 4 to 13 are empty, as is most of 14
CHARACTERS = [chr(c) for c in (*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xE0200))]
BERT = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}
CUTS = ["Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Punctuation", "Digits", "GPT-2"]


def hugging_face(key, settings):
    hf = pytest.importorskip("tokenizers", reason="the oracle, `tokenizers`, is not installed")
    model = {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}
    file = {"version": "1.0", "added_tokens": [], "model": model, key: settings}
    rest = dict.fromkeys(
        ["truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"]
    )
    return getattr(hf.Tokenizer.from_str(json.dumps(rest | file)), key)


@pytest.mark.parametrize("name", sorted(set(NORMALIZERS) - {"Sequence"}))
def test_normalizers_change_every_character_alike(name):
    settings = BERT if name == "BertNormalizer" else {"type": name}
    ours, theirs = normalizer(settings), hugging_face("normalizer", settings)
    differ = [c for c in CHARACTERS if ours(c) != theirs.normalize_str(c)]
    assert not differ, ascii(differ[:20])
    assert ours("ΑΣ ΣΑΣ") == theirs.normalize_str("ΑΣ ΣΑΣ")  # no final sigma


@pytest.mark.parametrize("name", CUTS)
def test_pre_tokenizers_cut_at_every_character_alike(name):
    settings = {"type": name, "behavior": "Isolated", "individual_digits": True}
    if name == "GPT-2":  # without bytes, so that the pieces can be compared
        pattern = r"'s|'t| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
        settings = {"type": "Split", "pattern": {"Regex": pattern}}
        settings |= {"behavior": "Isolated", "invert": False}
    ours, theirs = PreTokenizer(settings), hugging_face("pre_tokenizer", settings)
    for start in range(0, len(CHARACTERS), 1024):
        text = "".join(f" a{c}1{c}." for c in CHARACTERS[start : start + 1024])
        assert ours(text) == [piece for piece, _ in theirs.pre_tokenize_str(text)]
