"""Cleaning: steps from text to text that can be put together, with a report of what each did.

from tinyllm.text import clean

cleaner = clean.Cleaner([clean.StripHTML(), clean.NearDuplicates()])
texts = list(cleaner(documents))
print(cleaner.report)
"""

from tinyllm.text.clean.characters import (
    FixEncoding,
    NarrowLetters,
    NormalizeUnicode,
    NormalizeWhitespace,
    RemoveControl,
)
from tinyllm.text.clean.cleaner import Cleaner, default_steps
from tinyllm.text.clean.duplicates import ExactDuplicates, MinHash, NearDuplicates
from tinyllm.text.clean.files import clean_file, read_documents
from tinyllm.text.clean.filters import LengthFilter, RepetitionFilter
from tinyllm.text.clean.markup import Mask, StripHTML
from tinyllm.text.clean.overlap import DropOverlap, OverlapReport, overlap
from tinyllm.text.clean.report import CleaningReport, StepReport

__all__ = [
    "Cleaner",
    "CleaningReport",
    "DropOverlap",
    "ExactDuplicates",
    "FixEncoding",
    "LengthFilter",
    "Mask",
    "MinHash",
    "NarrowLetters",
    "NearDuplicates",
    "NormalizeUnicode",
    "NormalizeWhitespace",
    "OverlapReport",
    "RemoveControl",
    "RepetitionFilter",
    "StepReport",
    "StripHTML",
    "clean_file",
    "default_steps",
    "overlap",
    "read_documents",
]
