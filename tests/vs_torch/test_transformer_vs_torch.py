"""MultiheadAttention and the Transformer against PyTorch: outputs and every gradient.

Sizes differ from each other wherever they may, so that no exchange of dimensions goes unseen.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import tinyllm
from tinyllm import nn

B, T, S, H, C, HIDDEN = 3, 5, 7, 2, 14, 11
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}  # relative to the largest number of an array
DTYPES = ["float32", "float64"]
pytestmark = pytest.mark.filterwarnings(
    "ignore:Support for mismatched", "ignore:enable_nested_tensor", "ignore:The PyTorch API"
)
rng = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _draws_of_each_test_alone(seed):
    """The same weights and inputs, whatever ran before: some draws are badly conditioned."""
    torch.manual_seed(seed)
    rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state


def same(ours, theirs, dtype, what=""):
    if theirs is None:
        assert ours is None or not ours.numpy().any(), what
        return
    assert ours is not None, what
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    assert a.shape == b.shape, what
    assert a.dtype == b.dtype, what
    tolerance = TOLERANCES[dtype]
    largest = max(1.0, float(np.nan_to_num(np.abs(b)).max(initial=0)))
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * largest, err_msg=what)


def twins(make, dtype):
    """Both libraries' module, with PyTorch's weights, none of them 0, and in training."""
    theirs = make(torch.nn).to(getattr(torch, dtype))
    with torch.no_grad():
        for parameter in theirs.parameters():
            noise = torch.from_numpy(rng.standard_normal(tuple(parameter.shape)))
            parameter.add_(noise * 0.2)
    ours = make(nn).to(getattr(tinyllm, dtype))
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    return ours, theirs


def compare(make, dtype, shapes, masks, call, train=True):
    """Run both on equal inputs; compare outputs, gradients of inputs, masks and parameters.

    masks: name -> array; call(module, inputs, masks) -> tensor, or tuple of tensors and None
    """
    ours, theirs = twins(make, dtype)
    ours.train(train)
    theirs.train(train)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    results = []
    for library, module in ((tinyllm, ours), (torch, theirs)):
        inputs = [library.tensor(x.copy(), requires_grad=True) for x in arrays]
        given = {}
        for name, mask in masks.items():
            learned = mask.dtype != bool and bool(np.isfinite(mask).all())
            given[name] = library.tensor(mask.copy(), requires_grad=learned)
        outputs = call(module, inputs, given)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        total = 0
        covectors = np.random.default_rng(3)
        for y in outputs:
            if y is not None:
                covector = covectors.standard_normal(tuple(y.shape)).astype(dtype)
                total = total + (y * library.tensor(covector)).sum()
        total.backward()
        grads = {f"input {i}": x.grad for i, x in enumerate(inputs)}
        grads |= {name: mask.grad for name, mask in given.items()}
        grads |= {name: p.grad for name, p in module.named_parameters()}
        results.append((outputs, grads))
    (y, grads), (z, expected) = results
    assert len(y) == len(z)
    for a, b in zip(y, z, strict=True):
        same(a, b, dtype, "output")
    assert list(grads) == list(expected)
    for name, grad in grads.items():
        same(grad, expected[name], dtype, f"gradient of {name}")


def masks_of(kind, dtype, batch=B, queries=T, keys=S, heads=H):
    """Masks by kind, each with something to hide, and no query that may look at nothing."""
    hidden = rng.random((queries, keys)) < 0.4
    hidden[:, 0] = False
    by_head = rng.random((batch * heads, queries, keys)) < 0.4
    by_head[:, :, 0] = False
    padding = np.zeros((batch, keys), bool)
    padding[0, -2:] = padding[-1, 2:] = True
    numbers = rng.standard_normal((queries, keys)).astype(dtype)
    infinite = np.where(hidden, -np.inf, numbers).astype(dtype)
    added = np.where(padding, -np.inf, 0).astype(dtype)
    causal = np.triu(np.full((queries, keys), -np.inf, dtype), 1)
    attn, pad = "attn_mask", "key_padding_mask"
    return {
        "none": {},
        "bool": {attn: hidden},
        "float": {attn: numbers},
        "float with -inf": {attn: infinite},
        "bool by head": {attn: by_head},
        "float by head": {attn: rng.standard_normal(by_head.shape).astype(dtype)},
        "padding": {pad: padding},
        "float padding": {pad: added},
        "bool and padding": {attn: hidden, pad: padding},
        "float and padding": {attn: numbers, pad: added},
        "by head and padding": {attn: by_head, pad: padding},
        "causal": {attn: causal},
    }[kind]


MASKS = """none,bool,float,float with -inf,bool by head,float by head,padding,float padding,
bool and padding,float and padding,by head and padding""".replace("\n", "").split(",")


def inputs_of(batch_first, kdim=C, vdim=C, batch=B):
    shapes = [(T, batch, C), (S, batch, kdim), (S, batch, vdim)]
    return [(b, n, c) if batch_first else (n, b, c) for n, b, c in shapes]


ATTENTIONS = {
    "plain": {},
    "no bias": {"bias": False},
    "bias_kv": {"add_bias_kv": True},
    "zero_attn": {"add_zero_attn": True},
    "both": {"add_bias_kv": True, "add_zero_attn": True, "bias": False},
    "kdim": {"kdim": 3},
    "kdim and vdim": {"kdim": 3, "vdim": 11, "add_bias_kv": True},
    "vdim, no bias": {"vdim": 13, "bias": False, "add_zero_attn": True},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_first", [False, True], ids=["length first", "batch first"])
@pytest.mark.parametrize("weights", ["none", "average", "by head"])
@pytest.mark.parametrize("kind", MASKS)
def test_attention_masks(kind, weights, batch_first, dtype):
    compare(
        lambda nn: nn.MultiheadAttention(C, H, batch_first=batch_first),
        dtype,
        inputs_of(batch_first),
        masks_of(kind, dtype),
        lambda m, x, masks: m(
            *x, **masks, need_weights=weights != "none", average_attn_weights=weights == "average"
        ),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["none", "float and padding", "by head and padding"])
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention_settings(name, need_weights, kind, dtype):
    settings = ATTENTIONS[name]
    kdim, vdim = settings.get("kdim", C), settings.get("vdim", C)
    compare(
        lambda nn: nn.MultiheadAttention(C, H, **settings),
        dtype,
        inputs_of(False, kdim, vdim),
        masks_of(kind, dtype),
        lambda m, x, masks: m(*x, **masks, need_weights=need_weights),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_first", [False, True], ids=["length first", "batch first"])
@pytest.mark.parametrize("kind", ["none", "causal", "padding"])
@pytest.mark.parametrize("which", ["self", "memory", "key is query", "value is query"])
def test_one_tensor_in_several_places(which, kind, batch_first, dtype):
    """The shortcuts taken when query, key, value are the same tensor change no number."""

    def call(m, x, masks):
        q, other = x
        places = {
            "self": (q, q, q),
            "memory": (q, other, other),
            "key is query": (q, q, other),
            "value is query": (q, other, q),
        }[which]
        return m(*places, **masks, need_weights=False, is_causal=kind == "causal")

    keys = T
    shape = (B, T, C) if batch_first else (T, B, C)
    compare(
        lambda nn: nn.MultiheadAttention(C, H, batch_first=batch_first),
        dtype,
        [shape, shape],
        masks_of(kind, dtype, keys=keys),
        call,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("settings", [{}, {"add_bias_kv": True, "add_zero_attn": True}])
@pytest.mark.parametrize("padded", [False, True])
def test_causal_hint(padded, settings, need_weights, dtype):
    masks = masks_of("causal", dtype)
    if padded:
        masks |= masks_of("float padding", dtype)
    compare(
        lambda nn: nn.MultiheadAttention(C, H, **settings),
        dtype,
        inputs_of(False),
        masks,
        lambda m, x, masks: m(*x, **masks, is_causal=True, need_weights=need_weights),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", ["none", "bool and padding", "by head and padding"])
def test_attention_without_a_batch(kind, batch_first, need_weights, dtype):
    masks = masks_of(kind, dtype, batch=1)
    if "key_padding_mask" in masks:
        masks["key_padding_mask"] = masks["key_padding_mask"][0]
    compare(
        lambda nn: nn.MultiheadAttention(C, H, batch_first=batch_first),
        dtype,
        [(T, C), (S, C), (S, C)],
        masks,
        lambda m, x, masks: m(*x, **masks, need_weights=need_weights),
    )


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("kind", ["bool", "float", "padding"])
def test_a_query_that_may_look_at_nothing(kind, need_weights):
    """0 from the fused path and nan where weights are asked for, there and here."""
    hidden = np.zeros((T, S), bool)
    hidden[2] = True
    masks = {
        "bool": {"attn_mask": hidden},
        "float": {"attn_mask": np.where(hidden, -np.inf, 0.0)},
        "padding": {"key_padding_mask": np.array([[False] * S, [True] * S, [False] * S])},
    }[kind]
    ours, theirs = twins(lambda nn: nn.MultiheadAttention(C, H), "float64")
    arrays = [rng.standard_normal(shape) for shape in inputs_of(False)]
    results = []
    for library, module in ((tinyllm, ours), (torch, theirs)):
        given = {name: library.tensor(mask) for name, mask in masks.items()}
        inputs = [library.tensor(x) for x in arrays]
        results.append(module(*inputs, **given, need_weights=need_weights))
    (y, w), (z, v) = results
    assert bool(np.isnan(y.detach().numpy()).any()) is need_weights
    same(y, z, "float64")
    same(w, v, "float64")


# The Transformer's layers

ACTIVATIONS = {
    "relu": lambda nn: "relu",
    "gelu": lambda nn: "gelu",
    "function": lambda nn: nn.functional.silu,
    "module": lambda nn: nn.Tanh(),
}


def layer_masks(kind, dtype):
    """The masks of a decoder layer, or those of an encoder layer that have its names."""
    own = masks_of(kind, dtype, queries=T, keys=T)
    other = masks_of(kind, dtype)
    decoder = {f"tgt_{k.removeprefix('attn_')}": v for k, v in own.items()}
    decoder |= {f"memory_{k.removeprefix('attn_')}": v for k, v in other.items()}
    return {f"src_{k.removeprefix('attn_')}": v for k, v in own.items()}, decoder


TABLE = [
    *itertools.product(["relu", "gelu"], [False, True], [False, True], [True], ["none"]),
    *itertools.product(["function", "module"], [False], [True], [False], ["bool and padding"]),
    *itertools.product(["relu"], [False, True], [False, True], [True, False], MASKS[1:]),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(("activation", "norm_first", "batch_first", "bias", "kind"), TABLE)
def test_layers(activation, norm_first, batch_first, bias, kind, training, dtype):
    def make(cls):
        return lambda nn: getattr(nn, cls)(
            C, H, HIDDEN, 0.0, ACTIVATIONS[activation](nn), 1e-3, batch_first, norm_first, bias
        )

    encoder, decoder = layer_masks(kind, dtype)
    tgt, memory, _ = inputs_of(batch_first)
    compare(
        make("TransformerEncoderLayer"),
        dtype,
        [tgt],
        encoder,
        lambda m, x, masks: m(*x, **masks),
        training,
    )
    compare(
        make("TransformerDecoderLayer"),
        dtype,
        [tgt, memory],
        decoder,
        lambda m, x, masks: m(*x, **masks),
        training,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["none", "causal", "bool by head", "padding", "float and padding"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["length first", "batch first"])
@pytest.mark.parametrize("norm_first", [False, True], ids=["post", "pre"])
def test_whole(norm_first, batch_first, kind, dtype):
    """All of it: three layers and two, the norms at the end, causal masks found by looking."""
    own, other = masks_of(kind, dtype, keys=T), masks_of(kind, dtype)
    source = masks_of(kind, dtype, queries=S, keys=S)
    masks = {f"tgt_{k.removeprefix('attn_')}": v for k, v in own.items()}
    masks |= {f"memory_{k.removeprefix('attn_')}": v for k, v in other.items()}
    masks |= {f"src_{k.removeprefix('attn_')}": v for k, v in source.items()}
    tgt, src, _ = inputs_of(batch_first)
    compare(
        lambda nn: nn.Transformer(
            C, H, 3, 2, HIDDEN, 0.0, "gelu", batch_first=batch_first, norm_first=norm_first
        ),
        dtype,
        [src, tgt],
        masks,
        lambda m, x, masks: m(*x, **masks),
    )


@pytest.mark.parametrize(
    ("mask_kind", "hint", "dtype"),
    [
        (kind, hint, dtype)
        for kind, hint, dtype in itertools.product(
            ["bool", "float", "float32"], [None, False, True], DTYPES
        )
        if not (kind == "float32" and hint is False and dtype == "float64")  # refused by both
    ],
)
def test_stacks_find_the_causal_mask_or_are_told(mask_kind, hint, dtype):
    """A float32 mask fits a float64 stack where its numbers need not be read."""
    mask = np.triu(np.full((T, T), -np.inf, "float32" if mask_kind == "float32" else dtype), 1)
    mask = mask == -np.inf if mask_kind == "bool" else mask
    compare(
        lambda nn: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(C, H, HIDDEN, 0.0), 2, nn.LayerNorm(C)
        ),
        dtype,
        [(T, B, C)],
        {"mask": mask},
        lambda m, x, masks: m(*x, **masks, is_causal=hint),
    )
    compare(
        lambda nn: nn.TransformerDecoder(nn.TransformerDecoderLayer(C, H, HIDDEN, 0.0), 2),
        dtype,
        [(T, B, C), (S, B, C)],
        {"tgt_mask": mask},
        lambda m, x, masks: m(*x, **masks, tgt_is_causal=hint),
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_without_a_batch(dtype):
    """One sequence (length, C), its padding mask (S,)."""
    compare(
        lambda nn: nn.Transformer(C, H, 1, 1, HIDDEN, 0.0, bias=False),
        dtype,
        [(S, C), (T, C)],
        {"tgt_mask": np.triu(np.ones((T, T)), 1) > 0, "memory_key_padding_mask": np.arange(S) > 4},
        lambda m, x, masks: m(*x, **masks),
    )


def test_causal_mask():
    for dtype in ("float32", "float64"):
        mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=getattr(tinyllm, dtype))
        expected = torch.nn.Transformer.generate_square_subsequent_mask(
            5, dtype=getattr(torch, dtype)
        )
        same(mask, expected, dtype)
    assert nn.Transformer(C, H, 1, 1).generate_square_subsequent_mask(0).shape == (0, 0)


@pytest.mark.parametrize("bias", [True, False])
def test_names_and_repr(bias):
    def make(nn):
        return nn.Transformer(C, H, 2, 1, HIDDEN, 0.3, nn.GELU(), bias=bias)

    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs).replace("NonDynamicallyQuantizableLinear", "Linear")
    assert [name for name, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    for (name, p), (other, q) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert name == other
        assert p.shape == tuple(q.shape)


def spread(module):
    """Of each parameter the root mean square and the largest number, by name."""
    for name, p in module.named_parameters():
        x = p.detach().numpy()
        yield name, float(np.sqrt((x**2).mean())), float(np.abs(x).max())


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.MultiheadAttention(960, 4, kdim=200, add_bias_kv=True),
        lambda nn: nn.MultiheadAttention(96, 4, bias=False),
        lambda nn: nn.TransformerDecoderLayer(96, 4, 512),
        lambda nn: nn.Transformer(96, 4, 1, 1, 512),
    ],
)
def test_initial_weights_have_the_same_spread(make):
    torch.manual_seed(5)
    for (name, rms, most), (other, their_rms, their_most) in zip(
        spread(make(nn)), spread(make(torch.nn)), strict=True
    ):
        assert name == other
        few = 0.3 if "bias" in name else 0.03  # vectors are small samples
        assert rms == pytest.approx(their_rms, rel=few), name
        assert most == pytest.approx(their_most, rel=few), name
