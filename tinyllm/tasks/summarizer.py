"""A trained summariser: what `tinyllm summarize "…"` needs, and nothing of the training."""

from __future__ import annotations

from tinyllm.tasks.pairs import TextToText


class Summarizer(TextToText):
    """A model that reads a text and writes its summary."""

    task = "summarization"
    command = "summarize"
    advice = "summarise a part of it, or train with longer texts"
