"""Whole models."""

from tinyllm.models.decoder import Decoder
from tinyllm.models.decoder_config import DecoderConfig
from tinyllm.models.encoder import Encoder, EncoderConfig, TokenClassifier

__all__ = ["Decoder", "DecoderConfig", "Encoder", "EncoderConfig", "TokenClassifier"]
