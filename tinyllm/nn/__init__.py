"""Layers and what they need, under PyTorch's names: `from tinyllm import nn`.

`module.py` is the base of all; `functional.py` holds the layers as plain functions.
"""

from tinyllm.nn import functional, init, utils
from tinyllm.nn.activation import (
    ELU,
    GELU,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from tinyllm.nn.attention import MultiheadAttention
from tinyllm.nn.cache import KeyValueCache
from tinyllm.nn.container import ModuleDict, ModuleList, ParameterList, Sequential
from tinyllm.nn.dropout import Dropout
from tinyllm.nn.embedding import Embedding
from tinyllm.nn.linear import Linear
from tinyllm.nn.loss import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from tinyllm.nn.module import Module
from tinyllm.nn.normalization import HeadNorm, LayerNorm, RMSNorm
from tinyllm.nn.parameter import Parameter
from tinyllm.nn.passing import CosineSimilarity, Flatten, Identity, Unflatten
from tinyllm.nn.positions import SinusoidalPositions, sinusoidal_positions
from tinyllm.nn.rotary import RotaryEmbedding
from tinyllm.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from tinyllm.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = [
    "BCEWithLogitsLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dropout",
    "ELU",
    "Embedding",
    "Flatten",
    "GELU",
    "HuberLoss",
    "HeadNorm",
    "Identity",
    "KLDivLoss",
    "KeyValueCache",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "Parameter",
    "ParameterList",
    "RMSNorm",
    "ReLU",
    "RotaryEmbedding",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Tanh",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "Unflatten",
    "functional",
    "init",
    "sinusoidal_positions",
    "utils",
]
