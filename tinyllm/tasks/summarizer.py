"""A trained summariser: what `tinyllm summarize "…"` needs, and nothing of the training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tinyllm.models import Decoder, Seq2Seq
from tinyllm.tasks.pairs import TextToText
from tinyllm.text import Tokenizer, WordTokenizer


class Summarizer(TextToText):
    """A model that reads a text and writes its summary.

    Args:    tokenizers: {"tokenizer": …}, which the model reads and writes with; beside it perhaps
             {"words": …}, the words of the training (see `known_words`).
    """

    task = "summarization"
    command = "summarize"
    advice = "summarise a part of it, or train with --longest"
    prefix = " "  # a name is then the same token at the start of a text as within it

    def __init__(self, model: Seq2Seq | Decoder, tokenizers: Mapping[str, Tokenizer]) -> None:
        super().__init__(model, tokenizers)
        self.words = tokenizers.get("words")

    def never_seen(self, text: str) -> list[str]:
        """List the words of a text that stood nowhere in the training, in their order.

        The model reads them, piece by piece, but knows nothing of them. Capitals do not matter, and
        only what has letters is a word: most numbers are new, and no harm comes of it.
        """
        if self.words is None:
            return []
        found = [w for w in dict.fromkeys(WordTokenizer.split(text)) if any(map(str.isalpha, w))]
        return [word for word in found if not self.words.encode(word.lower())[0]]


def known_words(texts: Iterable[str]) -> WordTokenizer:
    """Make the list of words for `never_seen`: any tokenizer of words, with 0 for the unknown."""
    return WordTokenizer.train(text.lower() for text in texts)
