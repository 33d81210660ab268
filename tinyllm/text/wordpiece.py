"""WordPiece, what BERT uses: a word is cut into the longest known pieces, from its left.

unaffable   ->   un ##aff ##able        ("##" says: goes on from the piece before)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tinyllm.text.added import special_token
from tinyllm.text.bpe_training import count_words, first_special, learn_merges
from tinyllm.text.components import PreTokenizer, normalizer
from tinyllm.text.pipeline import PipelineTokenizer
from tinyllm.text.utf8 import to_utf8

PREFIX = "##"
_SURROGATE = re.compile("[\ud800-\udfff]")
# What the WordPiece decoder mends in English, piece by piece
_CLEANUP = {
    " .": ".", " ?": "?", " !": "!", " ,": ",", " ' ": "'", " n't": "n't", " 'm": "'m",
    " do not": " don't", " 's": "'s", " 've": "'ve", " 're": "'re",
}  # fmt: skip


class WordPieceTokenizer(PipelineTokenizer):
    """WordPiece, trained here or read from a Hugging Face tokenizer.json.

    >>> tokenizer = WordPieceTokenizer.train(["low lower lowest slow"], vocab_size=20)
    >>> [tokenizer.tokens[i] for i in tokenizer.encode("slower")]
    ['sl', '##ow', '##e', '##r']

    A word with a part that no piece fits is one unknown token. The text does not come back whole:
    case, accents and white space may be gone.

    `tokenizers`: equal ids; training gives equal vocabularies but for the ids of the first "##"
    characters, which are in random order there, and so for what equally frequent pairs become.
    Source: Wu et al. 2016, arXiv:1609.08144, section 4.1
    """

    model_type = "WordPiece"
    kind = "wordpiece"
    decoders = ("WordPiece",)
    blanks = True

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        special_tokens: Iterable[str] = (),
        min_frequency: int = 0,
        unk_token: str = "[UNK]",
        lowercase: bool = True,
        limit_alphabet: int | None = None,
    ) -> WordPieceTokenizer:
        """Learn pieces from `texts` (or one str) by merging the most frequent pair, as BPE does.

        Words are cut and cleaned as BERT's: at white space, and around each punctuation mark and
        each Chinese character. A word begins as its characters, all but the first with "##".

        Args:    vocab_size: ids in all: special tokens, characters, merges. There are fewer if the
                 texts have no more pairs to merge.
                 special_tokens: get the first ids; found in a text before anything is cut.
                 min_frequency: a pair that stands less often is not merged.
                 unk_token: for words that no pieces make up; first unless in `special_tokens`.
                 lowercase: make letters small and take their accents off.
                 limit_alphabet: keep so many characters, the most frequent, by code point among
                 equals; others are passed over here, and make a word unknown. (default: all)
        Raises:  ValueError: vocab_size does not even hold characters and special tokens.
        """
        who = "WordPieceTokenizer.train"
        special = first_special(who, special_tokens)
        special = special if unk_token in special else first_special(who, [unk_token, *special])
        normalize = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True}
        normalize |= {"strip_accents": None, "lowercase": lowercase}
        cut = {"type": "BertPreTokenizer"}
        clean, words_of = normalizer(normalize), PreTokenizer(cut)
        counted = count_words(who, texts, lambda text: words_of(clean(text)))
        first, words = _first_pieces(special, counted, limit_alphabet)
        if vocab_size < len(first):
            raise ValueError(
                f"{who}: vocab_size {vocab_size} is below {len(first) - len(special)} characters, "
                f'first and with "##", and {len(special)} special tokens: ask for more, or set '
                "limit_alphabet"
            )
        counts, least = list(counted.values()), max(min_frequency, 1)
        vocabulary, _ = learn_merges(words, counts, vocab_size, first, least, PREFIX)
        return cls.from_dict(
            {
                "version": "1.0",
                "truncation": None,
                "padding": None,
                "added_tokens": [special_token(vocabulary[token], token) for token in special],
                "normalizer": normalize,
                "pre_tokenizer": cut,
                "post_processor": None,
                "decoder": {"type": "WordPiece", "prefix": PREFIX, "cleanup": True},
                "model": {
                    "type": "WordPiece",
                    "unk_token": unk_token,
                    "continuing_subword_prefix": PREFIX,
                    "max_input_chars_per_word": 100,
                    "vocab": vocabulary,
                },
            }
        )

    def set_up_model(self, model: dict[str, Any]) -> None:
        """Read the settings of the model; see PipelineTokenizer."""
        self.prefix = model.get("continuing_subword_prefix", "##")
        self.longest = model.get("max_input_chars_per_word", 100)
        if not isinstance(self.prefix, str) or type(self.longest) is not int:
            raise ValueError(
                "WordPiece: continuing_subword_prefix is a str, max_input_chars_per_word an integer"
            )
        if self.pre_tokenizer.byte_level:
            raise ValueError("WordPiece with a ByteLevel pre-tokenizer is not supported")
        self.unknown_id = self.id_of_unknown(model.get("unk_token", "[UNK]"))
        if self.unknown_id is None:
            raise ValueError("WordPiece: unk_token is missing")
        self.lossless = False
        self._decoder_prefix = self.decoder.get("prefix", "##")
        self._cleanup = _CLEANUP if self.decoder.get("cleanup", True) else {}

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Take the longest piece that fits, again and again."""
        if len(word) > self.longest:
            return (self.unknown_id,)
        ids = []
        start = 0
        while start < len(word):
            before = self.prefix if start else ""
            for end in range(len(word), start, -1):
                token_id = self.vocabulary.get(before + word[start:end])
                if token_id is not None:
                    break
            else:
                return (self.unknown_id,)
            ids.append(token_id)
            start = end
        return tuple(ids)

    def token_bytes(self, token_id: int) -> bytes:
        """Give the bytes of a token: a blank before it, unless it goes on from another."""
        return self.model_token_bytes(self.tokens[int(self.check_ids([token_id])[0])])

    def model_token_bytes(self, token: str) -> bytes:
        """Give the blank and the piece, or the piece alone."""
        if token.startswith(self._decoder_prefix):
            text = token[len(self._decoder_prefix) :]
        else:
            text = " " + token
        for wrong, right in self._cleanup.items():
            text = text.replace(wrong, right)
        return to_utf8(text)


def _first_pieces(
    special: list[str], counted: Counter[str], limit: int | None
) -> tuple[list[str], list[list[int]]]:
    """Give the tokens before any merge, and the words as their ids.

    The special tokens come first, then the characters, then those that go on from another.
    """
    frequency: Counter[str] = Counter()
    for word, count in counted.items():
        for character in word:
            frequency[character] += 0 if _SURROGATE.match(character) else count
    frequency = +frequency  # JSON would make one character of two lone surrogates
    kept = set(sorted(frequency, key=lambda c: (-frequency[c], c))[:limit])
    inner = {PREFIX + c for word in counted for c in word[1:] if c in kept}
    first = list(dict.fromkeys([*special, *sorted(kept), *sorted(inner)]))
    place = {token: i for i, token in enumerate(first)}
    return first, [
        [place[PREFIX + c if i else c] for i, c in enumerate(word) if c in kept] for word in counted
    ]
