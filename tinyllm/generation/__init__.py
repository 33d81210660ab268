"""Writing with a model: sampling, greedy decoding and beam search, for models of all kinds.

`generate` streams the tokens of one text, `generate_batch` writes many at once, `beam_search` looks
for the most probable ones, `stream_text` gives characters. A `Decoder` continues its prompt, a
`Seq2Seq` reads it as a source.
"""

from tinyllm.generation.beam_search import Hypothesis, beam_search
from tinyllm.generation.choosing import Choosing
from tinyllm.generation.mode import inference
from tinyllm.generation.penalties import add_bias, ban_repeated_ngrams, penalize_repetition
from tinyllm.generation.sampling import (
    apply_temperature,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    sample,
)
from tinyllm.generation.streaming import in_pieces, stream_text, until
from tinyllm.generation.writing import generate, generate_batch

__all__ = [
    "Choosing",
    "Hypothesis",
    "add_bias",
    "apply_temperature",
    "ban_repeated_ngrams",
    "beam_search",
    "generate",
    "generate_batch",
    "in_pieces",
    "inference",
    "keep_min_p",
    "keep_top_k",
    "keep_top_p",
    "penalize_repetition",
    "sample",
    "stream_text",
    "until",
]
