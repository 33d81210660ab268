"""Steps one after the other over a stream of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from tinyllm.text.clean.characters import NormalizeUnicode, NormalizeWhitespace, RemoveControl
from tinyllm.text.clean.duplicates import ExactDuplicates
from tinyllm.text.clean.filters import LengthFilter, RepetitionFilter
from tinyllm.text.clean.markup import Mask, StripHTML
from tinyllm.text.clean.report import CleaningReport, StepReport

Step = Callable[[str], "str | None"]


class Cleaner:
    """Run steps over documents, and report what each of them changed.

    A step is any function from str to str, or to None to drop the document; an attribute `name`
    names it in the report, and one with a method `reset` is reset when a run begins. A document
    that becomes empty is dropped.

        cleaner = Cleaner([StripHTML(), NormalizeUnicode("NFC"), ExactDuplicates()])
        texts = list(cleaner(documents))
        print(cleaner.report)

    Args:    steps: by default `default_steps()`.
    """

    def __init__(self, steps: Sequence[Step] | None = None) -> None:
        self.steps = list(default_steps() if steps is None else steps)
        for step in self.steps:
            if not callable(step):
                raise TypeError(f"Cleaner: a step is a function from str to str, got {step!r}")
        self.report = self._new_report()

    def __call__(self, documents: Iterable[str]) -> Iterator[str]:
        """Clean documents one by one, as they are asked for; the report grows with them."""
        if isinstance(documents, str):
            raise TypeError("Cleaner: documents are a list of texts, got one str: put it in a list")
        self.report = self._new_report()
        for step in self.steps:
            if hasattr(step, "reset"):
                step.reset()
        return self._stream(documents)

    def _stream(self, documents: Iterable[str]) -> Iterator[str]:
        for document in documents:
            cleaned = self._clean(document)
            if cleaned is not None:
                yield cleaned

    def _clean(self, text: str) -> str | None:
        report = self.report
        report.documents_in += 1
        report.characters_in += len(text)
        for step, counts in zip(self.steps, report.steps, strict=True):
            after = step(text) or None  # what became empty is dropped
            counts.add(text, after)
            if after is None:
                return None
            text = after
        report.documents_out += 1
        report.characters_out += len(text)
        return text

    def _new_report(self) -> CleaningReport:
        names = [getattr(step, "name", getattr(step, "__name__", "step")) for step in self.steps]
        return CleaningReport([StepReport(name) for name in names])


def default_steps() -> list[Step]:
    """List the steps of `tinyllm clean`: safe for English and Chinese prose."""
    return [
        StripHTML(),
        NormalizeUnicode("NFC"),
        RemoveControl(),
        NormalizeWhitespace(),
        Mask(),
        LengthFilter(),
        RepetitionFilter(),
        ExactDuplicates(),
    ]
