"""Whole models."""

from tinyllm.models.decoder import Decoder
from tinyllm.models.decoder_config import DecoderConfig

__all__ = ["Decoder", "DecoderConfig"]
