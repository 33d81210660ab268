"""Texts, tagged sentences and pairs; token files; batches, all as str and NumPy arrays."""

from tinyllm.data.corpora import Corpus, load_text
from tinyllm.data.downloads import CORPORA, fetch
from tinyllm.data.named import load_pairs, load_tagged
from tinyllm.data.pairs import read_jsonl_pairs, read_pairs
from tinyllm.data.stories import PackedStories, StoryBatch
from tinyllm.data.tagged import TaggedSentence, read_conll, read_conllu
from tinyllm.data.tokens import TokenFile
from tinyllm.data.translation import PairBatch, PairBatches
from tinyllm.data.windows import Windows
from tinyllm.lines import read_lines

__all__ = [
    "CORPORA",
    "Corpus",
    "PackedStories",
    "PairBatch",
    "PairBatches",
    "StoryBatch",
    "TaggedSentence",
    "TokenFile",
    "Windows",
    "fetch",
    "load_pairs",
    "load_tagged",
    "load_text",
    "read_conll",
    "read_conllu",
    "read_lines",
    "read_jsonl_pairs",
    "read_pairs",
]
