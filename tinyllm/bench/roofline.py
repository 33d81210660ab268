"""The roofline: how fast a case could be if nothing but its products and its memory took time."""

from __future__ import annotations

from typing import Any

from tinyllm.bench.cases import EncoderDecoder, Model

FLOAT = 4  # bytes
# AdamW reads parameter, gradient, m and v, and writes parameter, m and v; clipping reads gradients
ADAMW_ARRAYS, CLIP_ARRAYS = 7, 1


def parameters(model: Model | EncoderDecoder) -> int:
    """Count the trained numbers, the tied head once.

    V C + T C + L (12 C^2 + 2 C) + C, and with biases L (9 C + 2 C) + C more: a block's matrices
    are (C, 3C), (C, C), (C, 4C), (4C, C), its norms 2 C.
    """
    C, L = model.width, model.layers
    if isinstance(model, EncoderDecoder):
        return _encoder_decoder_parameters(model)
    count = (model.vocab + model.context) * C + L * (12 * C * C + 2 * C) + C
    return count + (L * 11 * C + C if model.bias else 0)


def _encoder_decoder_parameters(model: EncoderDecoder) -> int:
    """Count them for F = hidden, all layers with biases, nothing tied.

    An encoder layer has matrices 4 C^2 + 2 C F, biases 5 C + F and two norms, 4 C; a decoder
    layer has 4 C^2 + 4 C for a second attention and 2 C for a third norm more.
    """
    C, F = model.width, model.hidden
    layer = 4 * C * C + 2 * C * F + 9 * C + F
    ends = (2 * model.vocab + model.context) * C + (C + 1) * model.vocab
    return ends + model.layers * (2 * layer + 4 * C * C + 6 * C)


def forward_flops(model: Model | EncoderDecoder) -> int:
    """Count the operations of a forward's matrix products, an addition and a multiplication each.

    Per token: 2 (12 C^2) for a block's matrices, 2 V C for the tied head; looking up embeddings
    costs none. Attention: the query at position t meets t + 1 keys, 2 C operations each for the
    scores and 2 C for the weighted sum, over a sequence 4 C T (T + 1) / 2 a layer.

    flops = B T (24 L C^2 + 2 V C) + B L 2 C T (T + 1)
    """
    B, T, C, L = model.batch, model.context, model.width, model.layers
    if isinstance(model, EncoderDecoder):
        # matrices: 4 C^2 of each of three attentions, 2 C F twice; scores: causal only one of three
        matrices = L * (12 * C * C + 4 * C * model.hidden) + model.vocab * C
        return B * T * 2 * matrices + B * L * (2 * 4 * C * T * T + 2 * C * T * (T + 1))
    return B * T * (24 * L * C * C + 2 * model.vocab * C) + B * L * 2 * C * T * (T + 1)


def training_flops(model: Model | EncoderDecoder) -> int:
    """Count forward and backward: each product has two in its backward, one for each factor."""
    return 3 * forward_flops(model)


def optimizer_bytes(model: Model | EncoderDecoder) -> int:
    """Count the bytes that clipping and AdamW move: 4 (7 + 1) for each parameter."""
    return FLOAT * (ADAMW_ARRAYS + CLIP_ARRAYS) * parameters(model)


def decoding_bytes(model: Model) -> int:
    """Count the bytes of weights that one new token needs: all but the table of positions."""
    return FLOAT * (parameters(model) - model.context * model.width)


def training_roofline(model: Model | EncoderDecoder, peak: dict[str, Any]) -> dict[str, Any]:
    """Seconds of a training step: products at the best speed, then the optimizer's bytes."""
    flops, moved = training_flops(model), optimizer_bytes(model)
    return {
        "seconds": flops / (peak["gflops"] * 1e9) + moved / peak["bandwidth"],
        "gflops": peak["gflops"],
        "bandwidth": peak["bandwidth"],
        "flops": flops,
        "bytes": moved,
    }


def decoding_roofline(model: Model, seconds: float) -> dict[str, Any]:
    """Seconds of a token: all weights read once, as fast as an array of that size was."""
    read = decoding_bytes(model)
    return {"seconds": seconds, "bandwidth": read / seconds, "bytes": read}
