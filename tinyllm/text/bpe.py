"""Byte-pair encoding over bytes, as GPT-2 does it: any text, no unknown tokens.

A text is cut into words by a pattern; each word begins as its UTF-8 bytes; then the pair of
neighbours that was merged first in training is merged first here, until no pair is known:

    l o w e r   ->   lo w e r   ->   low e r   ->   low er   ->   lower
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

from tinyllm.text.added import special_token
from tinyllm.text.bpe_training import count_words, first_special, learn_merges
from tinyllm.text.components import BYTE_CHARACTERS, GPT2, GPT2_PATTERN, bytes_of_characters
from tinyllm.text.pipeline import PipelineTokenizer
from tinyllm.text.utf8 import to_utf8

_NOTHING = (None, "")
# Settings of a "BPE" model -> the values that are understood
_UNDERSTOOD = {
    "dropout": (None, 0.0),
    "continuing_subword_prefix": _NOTHING,
    "end_of_word_suffix": _NOTHING,
    "byte_fallback": (None, False),
}


class BPETokenizer(PipelineTokenizer):
    """Byte-level byte-pair encoding, trained here or read from a Hugging Face tokenizer.json.

    >>> tokenizer = BPETokenizer.train(["low lower lowest"], vocab_size=260)
    >>> [tokenizer.token_bytes(i) for i in tokenizer.encode("slowest")]
    [b's', b'low', b'e', b's', b't']

    `tokenizers`: equal ids, vocabularies and merges; lone surrogates, which it refuses, are taken.
    Source: Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2019 (bytes, the pattern).
    """

    model_type = "BPE"
    kind = "bpe"

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        special_tokens: Iterable[str] = (),
        min_frequency: int = 0,
    ) -> BPETokenizer:
        """Learn the merges that shorten `texts` (or one str) most, one pair at a time.

        Args:    vocab_size: ids in all: special tokens, 256 bytes, merges. There are fewer if the
                 texts have no more pairs to merge.
                 special_tokens: get the first ids; found in a text before anything is cut.
                 min_frequency: a pair that stands less often is not merged.
        Raises:  ValueError: vocab_size does not even hold the bytes and the special tokens.
        """
        who = "BPETokenizer.train"
        special = first_special(who, special_tokens)
        first = [*special, *(c for c in sorted(BYTE_CHARACTERS) if c not in special)]
        if vocab_size < len(first):
            raise ValueError(
                f"{who}: vocab_size {vocab_size} is below 256 bytes and "
                f"{len(special)} special tokens: ask for more"
            )
        place = {token: i for i, token in enumerate(first)}
        ids = [place[character] for character in BYTE_CHARACTERS]
        counted = count_words(who, texts, GPT2)
        words = [[ids[byte] for byte in to_utf8(word)] for word in counted]
        counts = list(counted.values())
        vocabulary, merges = learn_merges(words, counts, vocab_size, first, max(min_frequency, 1))
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
        byte_level["use_regex"] = True
        return cls.from_dict(
            {
                "version": "1.0",
                "truncation": None,
                "padding": None,
                "added_tokens": [special_token(vocabulary[token], token) for token in special],
                "normalizer": None,
                "pre_tokenizer": byte_level,
                "post_processor": None,
                "decoder": byte_level,
                "model": {
                    "type": "BPE",
                    "dropout": None,
                    "unk_token": None,
                    "continuing_subword_prefix": None,
                    "end_of_word_suffix": None,
                    "fuse_unk": False,
                    "byte_fallback": False,
                    "ignore_merges": False,
                    "vocab": vocabulary,
                    "merges": [list(pair) for pair in merges],
                },
            }
        )

    def set_up_model(self, model: dict[str, Any]) -> None:
        """Read vocabulary and merges; see PipelineTokenizer."""
        for name, values in _UNDERSTOOD.items():
            if model.get(name) not in values:
                raise ValueError(f"BPE with {name} = {model[name]!r} is not supported")
        if not self.pre_tokenizer.byte_level:
            raise ValueError("BPE without a ByteLevel pre-tokenizer is not supported")
        vocab = self.vocabulary
        self.ignore_merges = bool(model.get("ignore_merges"))
        self.fuse_unk = bool(model.get("fuse_unk"))
        self.unknown_id = self.id_of_unknown(model.get("unk_token"))
        self._id_of_character = {c: vocab[c] for c in BYTE_CHARACTERS if c in vocab}
        # (left id, right id) -> (rank, id of both): a low rank was merged early in training
        self._merges: dict[tuple[int, int], tuple[int, int]] = {}
        merges = model.get("merges")
        if not isinstance(merges, list):
            raise ValueError(f"BPE: merges is a list of pairs, got {type(merges).__name__}")
        for rank, merge in enumerate(merges):
            pair = merge.split(" ") if isinstance(merge, str) else merge
            if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_str, pair))):
                raise ValueError(f"BPE: merges[{rank}] is {ascii(merge)[:60]}, not two tokens")
            left, right = pair
            for token in (left, right, left + right):
                if token not in vocab:
                    raise ValueError(
                        f"BPE: merges[{rank}] = {ascii(left)[:40]} + {ascii(right)[:40]} "
                        f"needs {ascii(token)[:40]}, which is not in the vocabulary"
                    )
            self._merges[vocab[left], vocab[right]] = (rank, vocab[left + right])

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Merge one word, given as one character per byte."""
        if self.ignore_merges and word in self.vocabulary:
            return (self.vocabulary[word],)
        ids: list[int] = []
        unknown_before = False
        for character in word:
            token_id = self._id_of_character.get(character, self.unknown_id)
            unknown = character not in self._id_of_character
            if token_id is not None and not (unknown and unknown_before and self.fuse_unk):
                ids.append(token_id)
            unknown_before = unknown and token_id is not None
        return tuple(merge(ids, self._merges))

    def model_token_bytes(self, token: str) -> bytes:
        """Give the bytes that stand behind the characters of a token."""
        return bytes_of_characters(token) or to_utf8(token)


def merge(ids: list[int], merges: dict[tuple[int, int], tuple[int, int]]) -> list[int]:
    """Merge neighbours in `ids`, lowest rank first, leftmost first among equals.

    A heap holds every pair that can be merged, so that n ids take n log n steps, however long the
    word. An entry goes stale when a neighbour is merged away; it is then passed over.
    """
    n = len(ids)
    if n < 2:
        return ids
    find = merges.get
    heap = [(*found, i) for i in range(n - 1) if (found := find((ids[i], ids[i + 1]))) is not None]
    if not heap:
        return ids
    ids = list(ids)
    heap = [(rank, i, both) for rank, both, i in heap]
    heapq.heapify(heap)
    before, after = list(range(-1, n - 1)), list(range(1, n + 1))  # a chain of those still there
    while heap:
        rank, i, both = heapq.heappop(heap)
        if ids[i] < 0 or (right := after[i]) == n:
            continue
        found = find((ids[i], ids[right]))
        if found is None or found[1] != both:
            continue
        ids[i], ids[right] = both, -1
        after[i] = following = after[right]
        if following < n:
            before[following] = i
            if (found := find((both, ids[following]))) is not None:
                heapq.heappush(heap, (found[0], i, found[1]))
        left = before[i]
        if left >= 0 and (found := find((ids[left], both))) is not None:
            heapq.heappush(heap, (found[0], left, found[1]))
    return [token_id for token_id in ids if token_id >= 0]


def _is_str(value: object) -> bool:
    return isinstance(value, str)


__all__ = ["GPT2_PATTERN", "BPETokenizer", "merge"]
