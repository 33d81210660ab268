"""The Transformer of "Attention Is All You Need" as PyTorch's modules: two stacks, and both in one.

Letters: B batch, S source length, T target length, C = d_model. Inputs are (length, B, C), with
batch_first=True (B, length, C), or (length, C) without a batch.
"""

from __future__ import annotations

import copy
from typing import Any

from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.nn.container import ModuleList
from tinyllm.nn.masks import additive, is_causal_mask, square_subsequent_mask
from tinyllm.nn.module import Module
from tinyllm.nn.normalization import LayerNorm
from tinyllm.nn.transformer_layers import (
    Activation,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)
from tinyllm.tensor import Tensor


class TransformerEncoder(Module):
    """A stack of encoder layers, and a norm after them if one is given.

    Args:    encoder_layer: copied num_layers times, so that all layers start with equal weights, as
             in PyTorch: draw them anew where that matters.
             enable_nested_tensor, mask_check: of PyTorch's path for evaluation, without effect.
    PyTorch: torch.nn.TransformerEncoder; in evaluation PyTorch may set the outputs at padded places
             to 0, which are here as in training.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Run the layers one after the other.

        Args:    is_causal: whether `mask` is the causal mask; None: look.
        """
        is_causal = is_causal_mask(mask, is_causal, _length_of(src, self.layers))
        output, dtype = src, getattr(src, "dtype", None)
        mask, padding = additive(mask, dtype), additive(src_key_padding_mask, dtype)  # once for all
        for layer in self.layers:
            output = layer(output, src_mask=mask, src_key_padding_mask=padding, is_causal=is_causal)
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(Module):
    """A stack of decoder layers, and a norm after them if one is given.

    Args:    decoder_layer: copied num_layers times, as in TransformerEncoder.
    PyTorch: torch.nn.TransformerDecoder
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Run the layers one after the other, each of which looks at the same memory.

        Args:    tgt_is_causal: whether `tgt_mask` is the causal mask; None: look.
        """
        tgt_is_causal = is_causal_mask(tgt_mask, tgt_is_causal, _length_of(tgt, self.layers))
        output, dtype = tgt, getattr(tgt, "dtype", None)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        masks = [additive(mask, dtype) for mask in masks]  # once for all layers
        for layer in self.layers:
            output = layer(
                output,
                memory,
                *masks,
                tgt_is_causal=tgt_is_causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """An encoder that reads the source, and a decoder that reads it and the target so far.

    There are no embeddings and no output layer: give it vectors, with positions added.

    Args:    custom_encoder, custom_decoder: take the place of the stacks made here.
    Raises:  ValueError where src and tgt disagree with d_model or on the batch.
    PyTorch: torch.nn.Transformer
    Source:  Vaswani et al. 2017, arXiv:1706.03762
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        settings = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        settings = (*settings, batch_first, norm_first, bias, device, dtype)
        norm = {"eps": layer_norm_eps, "bias": bias, "device": device, "dtype": dtype}
        if custom_encoder is None:
            custom_encoder = TransformerEncoder(
                TransformerEncoderLayer(*settings), num_encoder_layers, LayerNorm(d_model, **norm)
            )
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(
                TransformerDecoderLayer(*settings), num_decoder_layers, LayerNorm(d_model, **norm)
            )
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self.reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def reset_parameters(self) -> None:
        """Draw all matrices anew, evenly as Glorot and Bengio did."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode the source and decode the target, (T, B, C).

        Shapes:  src (S, B, C), tgt (T, B, C), src_mask (S, S), tgt_mask (T, T), memory_mask (T, S),
                 padding masks (B, S), (B, T), (B, S)
        """
        self._check(src, tgt)
        memory = self.encoder(
            src,
            mask=src_mask,
            src_key_padding_mask=src_key_padding_mask,
            is_causal=src_is_causal,
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Make the causal mask (sz, sz): 0 on and below the diagonal, -inf above it."""
        return square_subsequent_mask(sz, device, dtype)

    def _check(self, src: Tensor, tgt: Tensor) -> None:
        for name, x in (("src", src), ("tgt", tgt)):
            if not isinstance(x, Tensor):
                raise TypeError(f"Transformer: {name} must be a Tensor, not {type(x).__name__}")
            if x.ndim not in (2, 3) or x.shape[-1] != self.d_model:
                raise ValueError(
                    f"Transformer: {name} must have d_model = {self.d_model} features in its last "
                    f"of 2 or 3 dimensions, not the shape {x.shape}; token ids need an Embedding"
                )
        batch = 0 if self.batch_first else 1
        if src.ndim != tgt.ndim or (src.ndim == 3 and src.shape[batch] != tgt.shape[batch]):
            raise ValueError(
                f"Transformer: src {src.shape} and tgt {tgt.shape} disagree on the batch, dim "
                f"{batch} with batch_first={self.batch_first}"
            )


def _copies(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _length_of(x: Tensor, layers: ModuleList) -> int:
    """The length of the sequences; layers of another make say themselves what does not fit."""
    attention = getattr(layers[0], "self_attn", None) if len(layers) else None
    shape = getattr(x, "shape", ())
    if len(shape) < 2:
        return 0
    return shape[1 if len(shape) == 3 and getattr(attention, "batch_first", False) else 0]
