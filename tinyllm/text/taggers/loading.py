"""Read whichever counting tagger a file holds."""

from __future__ import annotations

import os

from tinyllm.files import read_json
from tinyllm.text.taggers.hmm import HMMTagger
from tinyllm.text.taggers.most_frequent import MostFrequentTagger
from tinyllm.text.taggers.perceptron import PerceptronTagger
from tinyllm.text.taggers.tagger import Tagger

KINDS = {cls.kind: cls for cls in (MostFrequentTagger, HMMTagger, PerceptronTagger)}


def load_tagger(path: str | os.PathLike) -> Tagger:
    """Read the tagger that `Tagger.save` wrote, of whatever kind.

    Raises:  FileNotFoundError; ValueError if the file is damaged or of an unknown kind.
    """
    state = read_json(path)
    kind = state.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{path}: kind is {kind!r}, not one of {', '.join(KINDS)}")
    return KINDS[kind].from_state(state, path)
