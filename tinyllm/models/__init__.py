"""Whole models."""

from tinyllm.models.decoder import Decoder
from tinyllm.models.decoder_config import DecoderConfig
from tinyllm.models.encoder import Encoder, EncoderConfig, TokenClassifier
from tinyllm.models.ngram import NGram
from tinyllm.models.seq2seq import Seq2Seq, Seq2SeqCache, Seq2SeqConfig

__all__ = [
    "Decoder",
    "DecoderConfig",
    "Encoder",
    "EncoderConfig",
    "NGram",
    "Seq2Seq",
    "Seq2SeqCache",
    "Seq2SeqConfig",
    "TokenClassifier",
]
