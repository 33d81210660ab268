"""Arrays in, arrays out: the only room that imports Numba or SciPy. `kernel.py` tells the form."""

from tinyllm.kernels.activation import (
    gelu,
    gelu_backward,
    gelu_tanh,
    gelu_tanh_backward,
    relu,
    relu_backward,
    relu_squared,
    relu_squared_backward,
    silu,
    silu_backward,
)
from tinyllm.kernels.arithmetic import add
from tinyllm.kernels.attention import attention, attention_backward, attention_grad_scores
from tinyllm.kernels.blas import blas_architecture
from tinyllm.kernels.cross_entropy import cross_entropy, cross_entropy_backward
from tinyllm.kernels.decoder_block import (
    BLOCK_ACTIVATIONS,
    BlockSettings,
    BlockWeights,
    decoder_block,
)
from tinyllm.kernels.dropout import dropout
from tinyllm.kernels.embedding import embedding, embedding_backward
from tinyllm.kernels.error_function import erf
from tinyllm.kernels.head_norm import rms_norm_heads, rms_norm_heads_backward
from tinyllm.kernels.kernel import KERNELS, Kernel, kernel, reference_kernels
from tinyllm.kernels.matmul import linear, matmul
from tinyllm.kernels.memory import is_whole
from tinyllm.kernels.normalization import (
    layer_norm,
    layer_norm_backward,
    rms_norm,
    rms_norm_backward,
)
from tinyllm.kernels.optimizer import adam_step, scale_, sum_of_squares
from tinyllm.kernels.rotary import rotate
from tinyllm.kernels.self_attention import (
    cached_attention,
    self_attention,
    self_attention_backward,
)
from tinyllm.kernels.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward
from tinyllm.kernels.threads import get_num_threads, set_num_threads

__all__ = [
    "BLOCK_ACTIVATIONS",
    "BlockSettings",
    "BlockWeights",
    "KERNELS",
    "Kernel",
    "adam_step",
    "add",
    "attention",
    "attention_backward",
    "attention_grad_scores",
    "blas_architecture",
    "cached_attention",
    "cross_entropy",
    "cross_entropy_backward",
    "decoder_block",
    "dropout",
    "embedding",
    "embedding_backward",
    "erf",
    "gelu",
    "gelu_backward",
    "gelu_tanh",
    "gelu_tanh_backward",
    "get_num_threads",
    "kernel",
    "is_whole",
    "layer_norm",
    "layer_norm_backward",
    "linear",
    "log_softmax",
    "log_softmax_backward",
    "matmul",
    "reference_kernels",
    "relu",
    "relu_backward",
    "relu_squared",
    "relu_squared_backward",
    "rms_norm",
    "rms_norm_backward",
    "rms_norm_heads",
    "rms_norm_heads_backward",
    "rotate",
    "scale_",
    "self_attention",
    "self_attention_backward",
    "set_num_threads",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "sum_of_squares",
]
