"""Steps that drop what was there before: the same text, or nearly the same."""

from __future__ import annotations

import math

import numpy as np

from tinyllm.text.clean.words import digest, ngrams, words


class ExactDuplicates:
    """Drop a document that came before, character by character.

    Keeps a hash of 16 bytes for each document that passed, not its text.

    Args:    normalize: compare the words alone, in lower case: "Yes!" is then "yes".
    """

    name = "exact duplicates"

    def __init__(self, normalize: bool = False) -> None:
        self.normalize = normalize
        self.reset()

    def reset(self) -> None:
        """Forget all documents."""
        self._seen: set[int] = set()

    def __call__(self, text: str) -> str | None:
        key = (" ".join(words(text)) or text) if self.normalize else text
        number = digest(key, 16)
        if number in self._seen:
            return None
        self._seen.add(number)
        return text


class MinHash:
    """Signatures of sets of word n-grams: the part that two share estimates their Jaccard index.

    signature_k = min over shingles s of h_k(s),  h_k(x) = ((a_k x + b_k) mod 2^64) >> 32
    P(signature_k(A) = signature_k(B)) = |A and B| / |A or B|, for each k about independently.

    The a_k (odd) and b_k come from BLAKE2b of k: the same in every run, on every machine.

    Source:  Broder 1997; the h_k: Dietzfelbinger 1996
    """

    def __init__(self, num_perm: int = 128, ngram: int = 5) -> None:
        if num_perm < 1 or ngram < 1:
            raise ValueError(f"MinHash: num_perm {num_perm} and ngram {ngram} are at least 1")
        self.num_perm, self.ngram = num_perm, ngram
        numbers = range(num_perm)
        self._a = np.array([digest(f"a {k}") | 1 for k in numbers], np.uint64)
        self._b = np.array([digest(f"b {k}") for k in numbers], np.uint64)

    def shingles(self, text: str) -> set[str]:
        """Give the n-grams of words; all words as one where there are fewer than n."""
        tokens = words(text)
        return set(ngrams(tokens, self.ngram)) or {" ".join(tokens) or text}

    def signature(self, text: str) -> np.ndarray:
        """Compute the signature (num_perm,) of a text, uint32."""
        hashes = np.array([digest(s, 4) for s in self.shingles(text)], np.uint64)
        least = np.full(self.num_perm, 2**32 - 1, np.uint64)
        for start in range(0, len(hashes), 4096):  # bounds the table (shingles, num_perm)
            part = hashes[start : start + 4096, None]
            least = np.minimum(least, ((part * self._a + self._b) >> np.uint64(32)).min(axis=0))
        return least.astype(np.uint32)


class NearDuplicates:
    """Drop a document that shares most of its n-grams with one that passed before.

    Signatures are cut into bands of r values; only documents with one band alike, which has
    probability 1 - (1 - J^r)^bands at Jaccard index J, are compared at all.

    Keeps 4 num_perm bytes and a table entry per band for each document that passed.

    Args:
        threshold: the estimated Jaccard index from which on documents count as the same.
        num_perm: values per signature; the estimate's standard error is at most 0.5/sqrt(num_perm).
        ngram: words per shingle.

    Source:  Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3; for language models
             Lee et al. 2022, arXiv:2107.06499
    """

    name = "near duplicates"

    def __init__(self, threshold: float = 0.8, num_perm: int = 128, ngram: int = 5) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"NearDuplicates: threshold {threshold} is not in (0, 1]")
        self.threshold = threshold
        self.minhash = MinHash(num_perm, ngram)
        self.bands, self.rows = choose_bands(threshold, num_perm)
        self.reset()

    def reset(self) -> None:
        """Forget all documents."""
        self._signatures: list[bytes] = []
        self._tables: list[dict[bytes, list[int]]] = [{} for _ in range(self.bands)]

    def __call__(self, text: str) -> str | None:
        signature = self.minhash.signature(text)
        rows = self.rows
        keys = [signature[i * rows : (i + 1) * rows].tobytes() for i in range(self.bands)]
        tables = list(zip(self._tables, keys, strict=True))
        for number in sorted({n for table, key in tables for n in table.get(key, ())}):
            other = np.frombuffer(self._signatures[number], np.uint32)
            if np.mean(signature == other) >= self.threshold:
                return None
        for table, key in tables:
            table.setdefault(key, []).append(len(self._signatures))
        self._signatures.append(signature.tobytes())
        return text


def choose_bands(threshold: float, num_perm: int) -> tuple[int, int]:
    """Choose (bands, rows) with the most rows that still find 95 % of pairs at the threshold."""
    for rows in range(num_perm, 0, -1):
        bands = num_perm // rows
        if 1 - math.pow(1 - threshold**rows, bands) >= 0.95:
            return bands, rows
    return num_perm, 1
