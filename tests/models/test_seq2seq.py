import numpy as np
import pytest

import tinyllm
from tinyllm import tensor
from tinyllm.models import Seq2Seq, Seq2SeqConfig

V, SOURCE_V, C, H, B, S, T = 31, 29, 20, 5, 3, 7, 11


def config(**changes):
    sizes = {"vocab_size": V, "source_vocab_size": SOURCE_V, "width": C, "heads": H}
    layers = {"encoder_layers": 2, "decoder_layers": 3, "context_length": 13, "dropout": 0.0}
    return Seq2SeqConfig(**{**sizes, **layers, **changes})


def ids(vocab, *shape, seed=0):
    return np.random.default_rng(seed).integers(3, vocab, shape)


def padding(lengths=(S, 4, 1)):
    return np.arange(S) >= np.array(lengths)[:, None]


def logits(model, source, target, mask=None):
    with tinyllm.no_grad():
        return model(tensor(source), tensor(target), None if mask is None else tensor(mask)).numpy()


STYLES = [
    {},
    {"positions": "learned"},
    {"norm_first": False},
    {"source_vocab_size": None},
    {"tie_embeddings": False, "activation": "gelu"},
]


@pytest.fixture(params=STYLES, ids=str)
def model(request):
    return Seq2Seq(config(**request.param))


def test_shapes_and_no_look_ahead(model):
    source, target = ids(SOURCE_V, B, S), ids(V, B, T)
    whole = logits(model, source, target)
    assert whole.shape == (B, T, V)
    changed = target.copy()
    changed[:, 6] = (changed[:, 6] + 1) % V
    after = logits(model, source, changed)
    np.testing.assert_array_equal(after[:, :6], whole[:, :6])
    assert (np.abs(after[:, 6:] - whole[:, 6:]).max(axis=(0, 2)) > 1e-6).all()
    other = source.copy()
    other[:, -1] = (other[:, -1] + 1) % SOURCE_V
    assert (np.abs(logits(model, other, target) - whole).max(axis=(0, 2)) > 1e-7).all()


def test_padding_is_not_seen(model):
    source, target, mask = ids(SOURCE_V, B, S), ids(V, B, T), padding()
    whole = logits(model, source, target, mask)
    np.testing.assert_array_equal(logits(model, np.where(mask, 5, source), target, mask), whole)
    for row, length in enumerate((S, 4, 1)):
        alone = logits(model, source[row : row + 1, :length], target[row : row + 1])
        np.testing.assert_allclose(whole[row], alone[0], rtol=1e-4, atol=1e-5)
    assert np.abs(logits(model, source, target)[1:] - whole[1:]).max() > 1e-4


def test_steps_with_a_cache_are_the_whole_without(model):
    source, target, mask = ids(SOURCE_V, B, S), ids(V, B, T), padding()
    with tinyllm.no_grad():
        cache, parts = model.new_cache(tensor(source), tensor(mask)), []
        for start, stop in ((0, 4), (4, 5), (5, 6), (6, T)):
            parts.append(model.step(tensor(target[:, start:stop]), cache).numpy())
            assert cache.length == stop
    whole = logits(model, source, target, mask)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-4, atol=1e-5)


def test_a_cache_selects_rows(model):
    source, target, mask = ids(SOURCE_V, B, S), ids(V, B, T), padding()
    rows = [2, 0, 2, 1]
    with tinyllm.no_grad():
        cache = model.new_cache(tensor(source), tensor(mask))
        model.step(tensor(target[:, :4]), cache)
        cache.select(rows)
        got = model.step(tensor(target[rows, 4:]), cache).numpy()
    np.testing.assert_allclose(
        got, logits(model, source, target, mask)[rows, 4:], rtol=1e-4, atol=1e-5
    )


def test_cross_attention_is_what_is_looked_at(model):
    source, target, mask = ids(SOURCE_V, B, S), ids(V, B, T), padding()
    model.eval()
    weights = model.cross_attention(tensor(source), tensor(target), tensor(mask))
    assert weights.shape == (3, B, H, T, S)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    assert (weights[np.broadcast_to(mask[None, :, None, None], weights.shape)] == 0).all()
    without = model.cross_attention(tensor(source), tensor(target))
    assert (without > 0).all()


def test_loss_leaves_out_what_is_ignored_and_smooths_in_training_only():
    model = Seq2Seq(config(label_smoothing=0.3))
    source, target = ids(SOURCE_V, B, S), ids(V, B, T + 1)
    labels = target[:, 1:].copy()
    labels[0, 3:] = -100
    given = tensor(source), tensor(target[:, :-1])
    log_probs = logits(model, source, target[:, :-1]).astype(np.float64)
    log_probs -= np.log(np.exp(log_probs).sum(-1, keepdims=True))
    kept = labels >= 0
    chosen = np.take_along_axis(log_probs, np.maximum(labels, 0)[..., None], -1)[..., 0]
    smooth = 0.7 * chosen + 0.3 * log_probs.mean(-1)
    assert model.train().loss(*given, tensor(labels)).item() == pytest.approx(
        -smooth[kept].mean(), abs=1e-5
    )
    assert model.eval().loss(*given, tensor(labels)).item() == pytest.approx(
        -chosen[kept].mean(), abs=1e-5
    )


def test_learns_one_batch_by_heart():
    model = Seq2Seq(config(label_smoothing=0.0))
    optimizer = tinyllm.optim.AdamW(model.parameters(), lr=1e-2)
    source, target = ids(SOURCE_V, B, S), ids(V, B, T + 1)
    batch = [tensor(x) for x in (source, target[:, :-1], target[:, 1:], padding())]
    for _ in range(150):
        loss = model.loss(*batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01


def test_config_to_a_dict_and_back():
    settings = config(positions="learned").to_dict()
    assert Seq2SeqConfig.from_dict(settings).to_dict() == settings
    with pytest.raises(ValueError, match=r"unknown keys \['depth'\]"):
        Seq2SeqConfig.from_dict({**settings, "depth": 3})


def test_a_tied_output_is_one_parameter():
    tied, own = Seq2Seq(config()), Seq2Seq(config(tie_embeddings=False))
    assert own.num_parameters() - tied.num_parameters() == V * C
    shared = Seq2Seq(config(source_vocab_size=None))
    assert tied.num_parameters() - shared.num_parameters() == SOURCE_V * C


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 21}, "width 21 must be even and a multiple of heads 5"),
        ({"heads": 3}, "width 20 must be even and a multiple of heads 3"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, not 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing must be at least 0"),
        ({"positions": "rotary"}, r"positions must be one of \('sinusoidal', 'learned'\)"),
        ({"activation": "swish"}, "activation should be 'relu', 'gelu'"),
        ({"end_id": V}, "end_id = 31 is no token of the 31 that there are"),
        ({"pad_id": SOURCE_V}, "pad_id = 29 is no token of the 29"),
        ({"encoder_layers": 0}, "encoder_layers must be at least 1, not 0"),
    ],
)
def test_errors_of_the_config(changes, message):
    with pytest.raises(ValueError, match=message):
        Seq2Seq(config(**changes))


def test_errors_of_the_inputs():
    model = Seq2Seq(config())
    source, target = tensor(ids(SOURCE_V, B, S)), tensor(ids(V, B, T))
    with pytest.raises(ValueError, match="14 tokens of source exceed context_length 13"):
        model(tensor(ids(SOURCE_V, B, 14)), target)
    with pytest.raises(ValueError, match=r"source \(B, S\) = \(3, 7\) and .* \(2, 11\) disagree"):
        model(source, target[:2])
    with pytest.raises(ValueError, match=r"source_padding \(3, 6\) and source"):
        model(source, target, tensor(padding()[:, 1:]))
    with pytest.raises(ValueError, match=r"decoder_input must be \(B, length\)"):
        model(source, target[0])
    with pytest.raises(TypeError, match="source must be a Tensor of ids, not list"):
        model([[1]], target)
    with pytest.raises(IndexError):
        model(tensor(np.full((B, S), SOURCE_V)), target)
    with tinyllm.no_grad():
        cache = model.new_cache(source)
        model.step(target, cache)
        with pytest.raises(ValueError, match="14 tokens of decoder_input exceed context_length 13"):
            model.step(target[:, :3], cache)
