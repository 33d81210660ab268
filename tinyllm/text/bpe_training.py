"""Learning merges: count pairs once, then change only the counts that a merge touches.

Byte-pair encoding begins with the bytes of words, WordPiece with their characters: the rest is one.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

Pair = tuple[int, int]


def learn_merges(
    words: list[list[int]],
    counts: list[int],
    vocab_size: int,
    first_tokens: list[str],
    min_frequency: int = 1,
    prefix: str = "",
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Give {token: id} and the merges, the most frequent pair first.

    Among equally frequent pairs the one with the lower ids goes first, as in `tokenizers`.

    Args:    words: each different word once, as places in `first_tokens`; they are changed.
             counts: how often each stands there.
             vocab_size: tokens in all, where learning ends.
             min_frequency: a pair that stands less often is not merged.
             prefix: what marks a token that goes on from another; it falls away in the middle.
    """
    vocabulary = {token: i for i, token in enumerate(first_tokens)}
    tokens = list(first_tokens)

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
        token = tokens[left] + tokens[right].removeprefix(prefix)
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


def count_words(
    who: str, texts: Iterable[str], cut: Callable[[str], Iterable[str]]
) -> Counter[str]:
    """Count the words of all texts (or of one str), as `cut` finds them."""
    counted: Counter[str] = Counter()
    for text in [texts] if isinstance(texts, str) else texts:
        if not isinstance(text, str):
            raise TypeError(f"{who}: a text is a {type(text).__name__}, no str")
        counted.update(cut(text))
    return counted


def first_special(who: str, tokens: Iterable[str]) -> list[str]:
    """Give the special tokens that come before all others, each once."""
    special = [tokens] if isinstance(tokens, str) else list(tokens)
    if not all(isinstance(token, str) and token for token in special):
        raise ValueError(f"{who}: special tokens are words, got {special!r}")
    return list(dict.fromkeys(special))


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
