"""Three taggers that count and add, without a neural network, behind one interface.

Read them in this order: `MostFrequentTagger` looks at the word alone, `HMMTagger` at the tag before
it too, `PerceptronTagger` at whatever can be said of the word and its neighbours.
"""

from tinyllm.text.taggers.hmm import HMMTagger
from tinyllm.text.taggers.loading import load_tagger
from tinyllm.text.taggers.most_frequent import MostFrequentTagger
from tinyllm.text.taggers.perceptron import PerceptronTagger
from tinyllm.text.taggers.suffixes import SuffixModel
from tinyllm.text.taggers.tagger import Tagger
from tinyllm.text.taggers.viterbi import viterbi

__all__ = [
    "HMMTagger",
    "MostFrequentTagger",
    "PerceptronTagger",
    "SuffixModel",
    "Tagger",
    "load_tagger",
    "viterbi",
]
