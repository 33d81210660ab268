"""Layers and what they need, under PyTorch's names: `from tinyllm import nn`.

`module.py` is the base of all; `functional.py` holds the layers as plain functions.
"""

from tinyllm.nn import functional, init, utils
from tinyllm.nn.activation import GELU, ReLU, Sigmoid, SiLU, Softmax, Tanh
from tinyllm.nn.attention import MultiheadAttention
from tinyllm.nn.cache import KeyValueCache
from tinyllm.nn.container import ModuleDict, ModuleList, Sequential
from tinyllm.nn.dropout import Dropout
from tinyllm.nn.embedding import Embedding
from tinyllm.nn.linear import Linear
from tinyllm.nn.loss import CrossEntropyLoss, MSELoss
from tinyllm.nn.module import Module
from tinyllm.nn.normalization import LayerNorm, RMSNorm
from tinyllm.nn.parameter import Parameter
from tinyllm.nn.rotary import RotaryEmbedding
from tinyllm.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from tinyllm.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = [
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "GELU",
    "KeyValueCache",
    "LayerNorm",
    "Linear",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "RotaryEmbedding",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "functional",
    "init",
    "utils",
]
