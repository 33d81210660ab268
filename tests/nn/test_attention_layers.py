"""MultiheadAttention and the Transformer by themselves: who sees whom, dropout, errors.

Every size is another prime, but for the width, which the heads must divide.
"""

import copy
import itertools

import numpy as np
import pytest

import tinyllm
from tinyllm import nn
from tinyllm.kernels import jit
from tinyllm.nn import functional as F
from tinyllm.nn.masks import is_causal_mask

B, T, S, H, C, HIDDEN = 2, 5, 7, 3, 33, 11
rng = np.random.default_rng(0)
causal_mask = nn.Transformer.generate_square_subsequent_mask


def draw(*shape):
    return tinyllm.tensor(rng.standard_normal(shape))


def double(module):
    """In float64, evaluating, with biases that are not 0."""
    for parameter in module.parameters():
        with tinyllm.no_grad():
            nn.init.normal_(parameter, 0.0, 0.3)
    return module.double().eval()


def influence(outputs_of, x, place):
    """Where the outputs change when x changes at `place`, as bools of the outputs' shape."""
    changed = x.clone()
    with tinyllm.no_grad():
        changed[place] += 1.0
        return outputs_of(x).numpy() != outputs_of(changed).numpy()


# Who sees whom


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("kind", ["bool", "float", "hint"])
def test_causal(kind, need_weights, batch_first):
    attention = double(nn.MultiheadAttention(C, H, batch_first=batch_first))
    mask = causal_mask(T, dtype=tinyllm.float64)
    mask = mask < 0 if kind == "bool" else mask

    def outputs_of(x):
        x = x if batch_first else x.transpose(0, 1)
        y, _ = attention(
            x, x, x, attn_mask=mask, need_weights=need_weights, is_causal=kind == "hint"
        )
        return y if batch_first else y.transpose(0, 1)  # (B, T, C)

    x = draw(B, T, C)
    for b, t in itertools.product(range(B), range(T)):
        changed = influence(outputs_of, x, (b, t)).any(axis=-1)
        expected = np.zeros((B, T), bool)
        expected[b, t:] = True
        np.testing.assert_array_equal(changed, expected)


@pytest.mark.parametrize("kind", ["bool", "float32", "float64"])
def test_only_the_causal_mask_is_taken_for_it(kind):
    above = np.triu(np.ones((T, T), bool), 1)

    def found(hidden, length=T, hint=None):
        mask = hidden if kind == "bool" else np.where(hidden, -np.inf, 0).astype(kind)
        return is_causal_mask(tinyllm.tensor(mask), hint, length)

    assert found(above) is True
    for other in (~above, above.T, above & False, np.triu(above, 2), np.triu(~above)):
        assert found(other) is False
    assert found(above[None]) is False
    assert found(above, length=T + 1) is False
    assert found(above, hint=False) is False
    assert found(~above, hint=True) is True
    assert is_causal_mask(None, None, T) is False


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("floating", [False, True])
def test_padding_is_not_looked_at(floating, need_weights):
    attention = double(nn.MultiheadAttention(C, H, batch_first=True))
    query, memory = draw(B, T, C), draw(B, S, C)
    hidden = np.zeros((B, S), bool)
    hidden[1, 3:] = True
    mask = tinyllm.tensor(np.where(hidden, -np.inf, 0.0) if floating else hidden)

    def outputs_of(x):
        return attention(query, x, x, mask, need_weights)[0]

    for b, s in itertools.product(range(B), range(S)):
        changed = influence(outputs_of, memory, (b, s)).any(axis=(1, 2))
        assert not changed[1 - b]
        assert changed[b] == (not hidden[b, s])
    cut = attention(query[1:], memory[1:, :3], memory[1:, :3])[0]
    np.testing.assert_allclose(outputs_of(memory)[1:].detach(), cut.detach(), rtol=1e-12)


def test_a_mask_by_head_hides_for_its_head_and_sequence_alone():
    attention = double(nn.MultiheadAttention(C, H))
    query, memory = draw(T, B, C), draw(S, B, C)
    hidden = np.zeros((B * H, T, S), bool)
    hidden[1 * H + 2, 3, 4] = True  # sequence 1, head 2, query 3, key 4
    _, weights = attention(
        query, memory, memory, attn_mask=tinyllm.tensor(hidden), average_attn_weights=False
    )
    zero = weights.detach().numpy() == 0
    np.testing.assert_array_equal(zero, hidden.reshape(B, H, T, S))
    np.testing.assert_allclose(weights.detach().numpy().sum(-1), 1)


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_is_causal_in_the_target_and_blind_to_padding(norm_first):
    model = double(nn.Transformer(C, H, 2, 2, HIDDEN, batch_first=True, norm_first=norm_first))
    src, tgt = draw(B, S, C), draw(B, T, C)
    padding = np.zeros((B, S), bool)
    padding[0, 4:] = True
    masks = {
        "tgt_mask": causal_mask(T),
        "src_key_padding_mask": tinyllm.tensor(padding),
        "memory_key_padding_mask": tinyllm.tensor(padding),
    }
    for t in range(T):
        changed = influence(lambda x: model(src, x, **masks), tgt, (1, t)).any(axis=-1)
        assert changed.tolist() == [[False] * T, [False] * t + [True] * (T - t)]
    for s in range(S):
        changed = influence(lambda x: model(x, tgt, **masks), src, (0, s)).any(axis=-1)
        assert changed.tolist() == [[s < 4] * T, [False] * T]


@pytest.mark.parametrize("mask", ["src_mask", "memory_mask"])
def test_masks_of_source_and_memory(mask):
    """What both hide from all is as good as absent."""
    model = double(nn.Transformer(C, H, 1, 1, HIDDEN))
    src, tgt = draw(S, B, C), draw(T, B, C)
    queries = S if mask == "src_mask" else T
    hidden = tinyllm.zeros(queries, S, dtype=bool)
    hidden[:, 2] = True
    with tinyllm.no_grad():
        free, masked = model(src, tgt), model(src, tgt, **{mask: hidden})
    assert np.abs((free - masked).numpy()).max() > 1e-3
    attention = model.decoder.layers[0].multihead_attn
    kept = tinyllm.tensor([0, 1, 3, 4, 5, 6])
    if mask == "memory_mask":
        memory = draw(S, B, C)
        y = attention(tgt, memory, memory, attn_mask=hidden)[0].detach()
        z = attention(tgt, memory[kept], memory[kept])[0].detach()
        np.testing.assert_allclose(y, z, rtol=1e-12)


# Shapes, weights, layouts


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("average", [False, True])
def test_shapes_and_weights(average, batch_first):
    attention = double(nn.MultiheadAttention(C, H, kdim=13, vdim=17, batch_first=batch_first))
    q, k, v = draw(T, B, C), draw(S, B, 13), draw(S, B, 17)
    given = [x.transpose(0, 1) for x in (q, k, v)] if batch_first else [q, k, v]
    y, weights = attention(*given, average_attn_weights=average)
    assert y.shape == ((B, T, C) if batch_first else (T, B, C))
    assert weights.shape == ((B, T, S) if average else (B, H, T, S))
    z, none = attention(*given, need_weights=False)
    assert none is None
    np.testing.assert_allclose(y.detach(), z.detach(), rtol=1e-10, atol=1e-12)
    one, its_weights = attention(q[:, 1], k[:, 1], v[:, 1], average_attn_weights=average)
    y = y.transpose(0, 1) if batch_first else y
    np.testing.assert_allclose(one.detach(), y[:, 1].detach(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(its_weights.detach(), weights[1].detach(), rtol=1e-10, atol=1e-12)


def test_batch_first_and_not_are_the_same():
    first = double(nn.Transformer(C, H, 1, 2, HIDDEN, batch_first=True))
    second = nn.Transformer(C, H, 1, 2, HIDDEN).double().eval()
    second.load_state_dict(first.state_dict())
    src, tgt = draw(B, S, C), draw(B, T, C)
    y = first(src, tgt).detach().transpose(0, 1)
    np.testing.assert_allclose(y, second(src.transpose(0, 1), tgt.transpose(0, 1)).detach())


def test_inputs_without_length_or_batch():
    attention = nn.MultiheadAttention(C, H)
    for t, s, b in [(0, S, B), (T, S, 0)]:
        q, k = tinyllm.ones(t, b, C, requires_grad=True), tinyllm.ones(s, b, C)
        y, weights = attention(q, k, k)
        assert (y.shape, weights.shape) == ((t, b, C), (b, t, s))
        y.sum().backward()
        assert q.grad.shape == q.shape
        padding, by_head = z(b, s, dtype=bool), z(b * H, t, s)
        assert attention(q, k, k, padding, False, by_head)[0].shape == q.shape


@pytest.mark.parametrize("batch_first", [False, True])
def test_no_copy_between_the_projections_and_attention(batch_first, monkeypatch, pytestconfig):
    """q, k, v are views of their projection, and the output is joined without moving a number."""
    seen = []
    attend = F.scaled_dot_product_attention

    def watched(q, k, v, *args):
        seen.extend((q, k, v, attend(q, k, v, *args)))
        return seen[-1]

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    attention = nn.MultiheadAttention(C, H, batch_first=batch_first)
    x, memory = tinyllm.randn(T, B, C), tinyllm.randn(S, B, C)
    for places in ((x, x, x), (x, memory, memory)):
        seen.clear()
        if batch_first:
            x_first, memory_first = x.transpose(0, 1), memory.transpose(0, 1)
            places = [x_first if p is x else memory_first for p in places]
        attention(*places, need_weights=False)
        q, k, v, y = seen
        assert np.shares_memory(k.array.base, v.array.base)
        for each in (q, k, v):
            assert not each.array.flags.owndata
            assert each.array.strides[-1] == each.array.itemsize
        if jit.BLAS_AVAILABLE and not pytestconfig.getoption("--reference-kernels"):
            joined = y.permute(*((0, 2, 1, 3) if batch_first else (2, 0, 1, 3)))
            assert joined.is_contiguous()


# Dropout, copies, settings


def test_dropout_acts_in_training_only():
    attention = nn.MultiheadAttention(C, H, dropout=0.5)
    x = tinyllm.randn(T, B, C)
    y, weights = attention(x, x, x, average_attn_weights=False)
    share = (weights.detach().numpy() == 0).mean()
    assert 0.3 < share < 0.7
    for need_weights in (False, True):
        a, b = (attention(x, x, x, need_weights=need_weights)[0].detach().numpy() for _ in "ab")
        assert (a != b).any()
    attention.eval()
    y, weights = attention(x, x, x)
    assert (weights.detach().numpy() > 0).all()
    np.testing.assert_array_equal(y.detach(), attention(x, x, x)[0].detach())


@pytest.mark.parametrize("where", ["dropout", "dropout1", "dropout2", "dropout3", "self_attn"])
def test_each_dropout_of_a_layer_acts(where):
    layer = nn.TransformerDecoderLayer(C, H, HIDDEN).eval()
    tgt, memory = tinyllm.randn(T, B, C), tinyllm.randn(S, B, C)
    still = layer(tgt, memory).detach().numpy()
    np.testing.assert_array_equal(still, layer(tgt, memory).detach())
    getattr(layer, where).train()
    assert (layer(tgt, memory).detach().numpy() != still).any()


def test_a_seed_gives_the_same_dropout_again():
    layer = nn.TransformerEncoderLayer(C, H, HIDDEN, 0.5)
    x = tinyllm.randn(T, B, C)
    runs = []
    for _ in range(2):
        tinyllm.manual_seed(9)
        runs.append(layer(x).detach().numpy())
    np.testing.assert_array_equal(*runs)


def test_layers_of_a_stack_are_equal_copies_that_share_nothing():
    layer = nn.TransformerEncoderLayer(C, H, HIDDEN)
    stack = nn.TransformerEncoder(layer, 2)
    names = [name for name, _ in stack.named_parameters()]
    assert names[0] == "layers.0.self_attn.in_proj_weight"
    assert len(names) == 24
    for name, parameter in layer.named_parameters():
        copies = [dict(stack.named_parameters())[f"layers.{i}.{name}"] for i in range(2)]
        for one in copies:
            assert isinstance(one, nn.Parameter)
            np.testing.assert_array_equal(one.detach(), parameter.detach())
            assert not np.shares_memory(one.array, parameter.array)
        assert not np.shares_memory(copies[0].array, copies[1].array)
    with tinyllm.no_grad():
        stack.layers[0].linear1.bias.fill_(3.0)
    assert (stack.layers[1].linear1.bias.detach().numpy() != 3).all()
    assert copy.deepcopy(stack).layers[0].self_attn.in_proj_weight.requires_grad


def test_custom_parts_and_blocks():
    class Doubled(nn.TransformerEncoderLayer):
        def _ff_block(self, x):
            return 2 * super()._ff_block(x)

    plain = double(nn.TransformerEncoderLayer(C, H, HIDDEN, norm_first=True))
    doubled = Doubled(C, H, HIDDEN, norm_first=True).double().eval()
    doubled.load_state_dict(plain.state_dict())
    x = draw(T, B, C)
    after = x + plain._sa_block(plain.norm1(x), None, None)
    np.testing.assert_allclose((doubled(x) - after).detach(), 2 * (plain(x) - after).detach())
    encoder = nn.TransformerEncoder(plain, 1)
    assert nn.Transformer(C, H, custom_encoder=encoder, num_decoder_layers=1).encoder is encoder


def test_hooks_are_called_inside_the_layers():
    layer, seen = nn.TransformerDecoderLayer(C, H, HIDDEN), []
    for name, module in layer.named_modules():
        module.register_forward_hook(lambda m, args, output, name=name: seen.append(name))
    layer(tinyllm.randn(T, B, C), tinyllm.randn(S, B, C))
    assert set(seen) == {name for name, _ in layer.named_modules()} - {
        "self_attn.dropout", "multihead_attn.dropout"
    }  # fmt: skip


# Errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((C, 5), ["divisible by num_heads", "33 = 5 * 6 + 3"]),
        ((0, 1), ["greater than 0"]),
        ((C, 0), ["greater than 0"]),
        ((C, H, 1.5), ["dropout", "1.5"]),
    ],
)
def test_settings_that_cannot_be(arguments, words):
    with pytest.raises(ValueError) as caught:
        nn.MultiheadAttention(*arguments)
    for word in words:
        assert word in str(caught.value)


def test_unknown_activation():
    with pytest.raises(ValueError, match="'relu', 'gelu' or a function of a tensor, not 'silu'"):
        nn.TransformerEncoderLayer(C, H, activation="silu")


o, z = tinyllm.ones, tinyllm.zeros
ATTENTION_ERRORS = {
    "no tensor": (lambda a: a([1.0], o(T, B, C), o(S, B, C)), TypeError, "query must be a Tensor"),
    "4 dims": (lambda a: a(o(1, T, B, C), o(S, B, C), o(S, B, C)), ValueError, "all be (T, B, C)"),
    "mixed batches": (lambda a: a(o(T, B, C), o(S, C), o(S, C)), ValueError, "key (7, 33)"),
    "width": (lambda a: a(o(T, B, C), o(S, B, 5), o(S, B, C)), ValueError, "33 features, not 5"),
    "lengths": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S + 1, B, C)),
        ValueError,
        "key (7, 2, 33) and value (8, 2, 33) disagree",
    ),
    "batch": (
        lambda a: a(o(T, B, C), o(S, 3, C), o(S, 3, C)),
        ValueError,
        "disagree on B: 2 != 3",
    ),
    "mask shape": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S, B, C), attn_mask=z(T, T)),
        ValueError,
        "attn_mask has shape (5, 5), but with 5 queries (T) and 7 keys (S) it must be (T, S) = "
        "(5, 7) or (B * H, T, S) = (6, 5, 7)",
    ),
    "mask transposed": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S, B, C), attn_mask=z(S, T)),
        ValueError,
        "Did you mean mask.mT?",
    ),
    "padding as attn_mask": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S, B, C), attn_mask=z(B, S)),
        ValueError,
        "is passed as key_padding_mask",
    ),
    "mask of ints": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S, B, C), attn_mask=z(T, S).long()),
        TypeError,
        "attn_mask must be bool (True = may not attend) or floating-point",
    ),
    "mask of another dtype": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S, B, C), attn_mask=z(T, S).double()),
        TypeError,
        "attn_mask is float64 but the inputs are float32; convert it by mask.to('float32')",
    ),
    "padding transposed": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S, B, C), z(S, B).bool()),
        ValueError,
        "key_padding_mask has shape (7, 2), but the keys are (B, S) = (2, 7). It is batch first "
        "whatever batch_first says",
    ),
    "padding of another length": (
        lambda a: a(o(T, B, C), o(S, B, C), o(S, B, C), z(B, T).bool()),
        ValueError,
        "(B, S) = (2, 7). With batch_first=False the inputs are (length, B, C)",
    ),
    "padding without a batch": (
        lambda a: a(o(T, C), o(S, C), o(S, C), z(1, S).bool()),
        ValueError,
        "the keys are (S,) = (7,)",
    ),
    "causal without a mask": (
        lambda a: a(o(T, B, C), o(T, B, C), o(T, B, C), is_causal=True),
        RuntimeError,
        "attn_mask=nn.Transformer.generate_square_subsequent_mask(5)",
    ),
    "integers": (
        lambda a: a(o(T, B, C).long(), o(T, B, C).long(), o(T, B, C).long()),
        TypeError,
        "floating-point, not int64",
    ),
}
MODEL_ERRORS = {
    "batch": (lambda m: m(o(S, B, C), o(T, 3, C)), ValueError, "disagree on the batch"),
    "width": (lambda m: m(o(S, B, C), o(T, B, 5)), ValueError, "tgt must have d_model = 33"),
    "ids": (lambda m: m(o(S, B).long(), o(T, B).long()), ValueError, "need an Embedding"),
    "no tensor": (lambda m: m(None, o(T, B, C)), TypeError, "src must be a Tensor"),
    "src_mask": (
        lambda m: m(o(S, B, C), o(T, B, C), src_mask=z(T, T)),
        ValueError,
        "TransformerEncoderLayer: src_mask has shape (5, 5)",
    ),
    "tgt_mask": (
        lambda m: m(o(S, B, C), o(T, B, C), tgt_mask=z(S, S)),
        ValueError,
        "TransformerDecoderLayer: tgt_mask has shape (7, 7)",
    ),
    "memory_mask": (
        lambda m: m(o(S, B, C), o(T, B, C), memory_mask=z(S, S)),
        ValueError,
        "Passing src_mask as memory_mask only fits where both sides are equally long",
    ),
    "src padding": (
        lambda m: m(o(S, B, C), o(T, B, C), src_key_padding_mask=z(B, T).bool()),
        ValueError,
        "src_key_padding_mask has shape (2, 5)",
    ),
    "memory padding": (
        lambda m: m(o(S, B, C), o(T, B, C), memory_key_padding_mask=z(S, B).bool()),
        ValueError,
        "memory_key_padding_mask has shape (7, 2)",
    ),
    "causal memory": (
        lambda m: m(o(S, B, C), o(T, B, C), memory_is_causal=True),
        RuntimeError,
        "is_causal=True says that memory_mask is causal",
    ),
    "mask of ints": (
        lambda m: m(o(S, B, C), o(T, B, C), tgt_mask=z(T, T).long()),
        TypeError,
        "tgt_mask must be bool",
    ),
    "mask as list": (
        lambda m: m(o(S, B, C), o(T, B, C), tgt_mask=[[0]]),
        TypeError,
        "tgt_mask must be a Tensor, not list",
    ),
    "encoder alone": (lambda m: m.encoder(o(S, B, 5)), ValueError, "src must be (length, B, C)"),
    "decoder alone": (
        lambda m: m.decoder(o(T, B, C), o(S, 3, C)),
        ValueError,
        "tgt (5, 2, 33) and memory (7, 3, 33) disagree on the batch",
    ),
}


@pytest.mark.parametrize("name", ATTENTION_ERRORS)
def test_attention_errors(name):
    call, kind, words = ATTENTION_ERRORS[name]
    with pytest.raises(kind) as caught:
        call(nn.MultiheadAttention(C, H))
    assert words in str(caught.value)


@pytest.mark.parametrize("name", MODEL_ERRORS)
def test_model_errors(name):
    call, kind, words = MODEL_ERRORS[name]
    with pytest.raises(kind) as caught:
        call(nn.Transformer(C, H, 1, 1, HIDDEN))
    assert words in str(caught.value)
