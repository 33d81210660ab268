"""Named corpora as what a task wants: sentence pairs, tagged sentences."""

from __future__ import annotations

from tinyllm.data.downloads import CORPORA, path_of
from tinyllm.data.pairs import read_pairs
from tinyllm.data.tagged import TaggedSentence, read_conll, read_conllu


def load_pairs(
    name: str = "multi30k", source: str = "en", target: str = "de", part: str = "train"
) -> list[tuple[str, str]]:
    """Load the sentence pairs of a named corpus; it is downloaded the first time.

    Args:
        name: "multi30k".
        source, target: "en", "de" or "fr".
        part: "train" or "val".
    """
    _check("load_pairs", name, ("multi30k",))
    files = [path_of(name, f"{part}.{language}.gz") for language in (source, target)]
    return read_pairs(*files)


def load_tagged(name: str, part: str = "dev") -> list[TaggedSentence]:
    """Load the tagged sentences of a named corpus; it is downloaded the first time.

    Args:
        name: "ud_en_ewt" (parts of speech) or "wnut17" (entities, BIO).
        part: "dev"; of "wnut17" also "train".
    """
    _check("load_tagged", name, ("ud_en_ewt", "wnut17"))
    if name == "ud_en_ewt":
        return read_conllu(path_of(name, f"{part}.conllu"))
    return read_conll(path_of(name, f"{part}.conll"))


def _check(who: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        other = "; other corpora: " + ", ".join(CORPORA)
        raise ValueError(f"{who}: {name!r} is not {' or '.join(names)}{other}")
