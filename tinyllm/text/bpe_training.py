"""Learning merges: count pairs once, then change only the counts that a merge touches."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable

from tinyllm.text.components import BYTE_CHARACTERS, GPT2
from tinyllm.text.utf8 import to_utf8

Pair = tuple[int, int]


def learn_merges(
    texts: Iterable[str], vocab_size: int, first_tokens: list[str], min_frequency: int = 1
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Give {token: id} and the merges, the most frequent pair first.

    Among equally frequent pairs the one with the lower ids goes first, as in `tokenizers`.
    """
    vocabulary = {token: i for i, token in enumerate(first_tokens)}
    tokens = list(first_tokens)
    byte_ids = [vocabulary[character] for character in BYTE_CHARACTERS]
    counted = count_words(texts)
    words = [[byte_ids[byte] for byte in to_utf8(word)] for word in counted]
    counts = list(counted.values())

    pair_counts: dict[Pair, int] = defaultdict(int)
    where: dict[Pair, set[int]] = defaultdict(set)  # pair -> the words that hold it
    for index, (word, count) in enumerate(zip(words, counts, strict=True)):
        for pair in zip(word, word[1:], strict=False):
            pair_counts[pair] += count
            where[pair].add(index)

    # The heap is lazy: a count in it may be too high, never too low; it is set right when on top.
    # An entry has its own set of words: a pair that comes anew later is another entry.
    heap = [(-pair_counts[pair], pair, i) for i, pair in enumerate(where)]
    places = list(where.values())
    heapq.heapify(heap)
    merges = []
    while heap and len(vocabulary) < vocab_size:
        count, pair, entry = heapq.heappop(heap)
        if -count != pair_counts[pair]:
            if pair_counts[pair] > 0:
                heapq.heappush(heap, (-pair_counts[pair], pair, entry))
            continue
        if -count < min_frequency:
            break
        left, right = pair
        token = tokens[left] + tokens[right]
        new = vocabulary.setdefault(token, len(tokens))
        if new == len(tokens):
            tokens.append(token)
        merges.append((tokens[left], tokens[right]))

        found: dict[Pair, set[int]] = defaultdict(set)
        for index in places[entry]:
            _merge_word(words[index], left, right, new, counts[index], index, pair_counts, found)
        places[entry] = set()  # done with: frees the memory
        for grown, indices in found.items():
            if pair_counts[grown] > 0:
                heapq.heappush(heap, (-pair_counts[grown], grown, len(places)))
                places.append(indices)
    return vocabulary, merges


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Count the words of all texts, cut by GPT-2's pattern."""
    counted: Counter[str] = Counter()
    for text in [texts] if isinstance(texts, str) else texts:
        if not isinstance(text, str):
            raise TypeError(f"BPETokenizer.train: a text is a {type(text).__name__}, no str")
        counted.update(GPT2(text))
    return counted


def _merge_word(
    word: list[int],
    left: int,
    right: int,
    new: int,
    count: int,
    index: int,
    pair_counts: dict[Pair, int],
    found: dict[Pair, set[int]],
) -> None:
    """Put `new` for every `left`, `right` in a word; count the pairs that go and that come."""
    i = 0
    while True:
        try:
            i = word.index(left, i)
        except ValueError:
            return
        if i + 1 == len(word):
            return
        if word[i + 1] == right:
            if i:
                before = word[i - 1]
                pair_counts[before, left] -= count
                pair_counts[before, new] += count
                found[before, new].add(index)
            word[i : i + 2] = [new]
            if i + 1 < len(word):
                after = word[i + 1]
                pair_counts[right, after] -= count
                pair_counts[new, after] += count
                found[new, after].add(index)
        i += 1
