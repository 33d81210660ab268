"""Texts, token files, and batches of windows, all as str and NumPy arrays."""

from tinyllm.data.corpora import Corpus, load_text
from tinyllm.data.tokens import TokenFile
from tinyllm.data.windows import Windows

__all__ = ["Corpus", "TokenFile", "Windows", "load_text"]
