import json

import numpy as np
import pytest

import tinyllm
from tinyllm import nn, optim
from tinyllm.functions import zeros
from tinyllm.models import Encoder, EncoderConfig, TokenClassifier
from tinyllm.nn import functional as F

# every size a different prime (width = heads * head size)
V, FEATURES, LONGEST, B, T, K, COUNT = 37, 23, 17, 3, 13, 11, 5
SIZES = {
    "vocab_size": V,
    "context_length": LONGEST,
    "layers": 2,
    "heads": 7,
    "width": 35,
    "hidden_width": 29,
}
CONFIGS = {
    "plain": EncoderConfig(**SIZES),
    "features": EncoderConfig(**SIZES, feature_vocab_size=FEATURES),
}


@pytest.fixture(params=CONFIGS)
def model(request):
    tinyllm.manual_seed(7)
    return loud(TokenClassifier(CONFIGS[request.param], K))


def loud(model):
    """BERT's small initial weights hide mistakes."""
    with tinyllm.no_grad():
        for parameter in model.parameters():
            nn.init.normal_(parameter, 0.0, 0.3)
    return model.eval()


def inputs(model, length=T, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, V, (B, length))
    takes = config_of(model).feature_vocab_size
    return ids, (rng.integers(0, FEATURES, (B, length, COUNT)) if takes else None)


def config_of(model):
    return (model.encoder if isinstance(model, TokenClassifier) else model).config


def output(model, ids, mask=None, features=None):
    given = [None if array is None else tinyllm.tensor(array) for array in (ids, mask, features)]
    with tinyllm.no_grad():
        return model(*given).numpy()


def padding(*lengths):
    return np.arange(T) >= np.array(lengths)[:, None]  # (B, T)


def test_shapes_and_gradients(model):
    ids, features = inputs(model)
    given = [tinyllm.tensor(ids), None, None if features is None else tinyllm.tensor(features)]
    assert model.encoder(*given).shape == (B, T, 35)
    logits = model(*given)
    assert logits.shape == (B, T, K)
    targets = tinyllm.tensor(np.random.default_rng(1).integers(0, K, B * T))
    F.cross_entropy(logits.view(-1, K), targets).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert np.abs(parameter.grad.numpy()).max() > 0, name


def test_every_token_sees_all_others(model):
    ids, features = inputs(model)
    before = output(model, ids, None, features)
    for t in range(T):
        changed = ids.copy()
        changed[:, t] = (changed[:, t] + 1) % V
        after = output(model, changed, None, features)
        assert (np.abs(after - before).max(axis=-1) > 1e-6).all()


def test_order_matters(model):
    ids, features = inputs(model)
    turned = None if features is None else features[:, ::-1].copy()
    after = output(model, ids[:, ::-1].copy(), None, turned)[:, ::-1]
    assert np.abs(after - output(model, ids, None, features)).max() > 1e-2


def test_no_token_looks_at_padding(model):
    lengths = (T, 7, 1)
    mask = padding(*lengths)
    ids, features = inputs(model)
    before = output(model, ids, mask, features)
    for t in range(T):
        changed, changed_features = ids.copy(), None if features is None else features.copy()
        changed[:, t] = (changed[:, t] + 1) % V
        if features is not None:
            changed_features[:, t] = (changed_features[:, t] + 1) % FEATURES
        after = output(model, changed, mask, changed_features)
        for b, length in enumerate(lengths):
            moved = np.abs(after[b, :length] - before[b, :length]).max(axis=-1)
            if t < length:
                assert (moved > 1e-6).all()
            else:
                np.testing.assert_array_equal(moved, 0)


def test_a_padded_text_is_the_text_alone(model):
    ids, features = inputs(model)
    padded = output(model, ids, padding(T, 7, 1), features)
    for b, length in enumerate((T, 7, 1)):
        own = None if features is None else features[b : b + 1, :length]
        alone = output(model, ids[b : b + 1, :length], None, own)
        np.testing.assert_allclose(padded[b, :length], alone[0], rtol=1e-4, atol=1e-4)


def test_a_mask_of_nothing_changes_nothing(model):
    ids, features = inputs(model)
    masked = output(model, ids, np.zeros((B, T), bool), features)
    np.testing.assert_allclose(masked, output(model, ids, None, features), rtol=1e-5, atol=1e-5)


def test_features_are_summed_in_any_order():
    model = loud(Encoder(CONFIGS["features"]))
    ids, features = inputs(model)
    before = output(model, ids, None, features)
    shuffled = output(model, ids, None, features[..., ::-1].copy())
    np.testing.assert_allclose(shuffled, before, rtol=1e-4, atol=1e-4)
    changed = features.copy()
    changed[1, 4, 2] = (changed[1, 4, 2] + 1) % FEATURES
    after = output(model, ids, None, changed)
    assert (np.abs(after[1] - before[1]).max(axis=-1) > 1e-6).all()
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
    with tinyllm.no_grad():
        model.feature_embedding.weight.copy_(zeros(FEATURES, 35))
    plain = loud(Encoder(CONFIGS["plain"]))
    rest = {n: v.numpy() for n, v in model.state_dict().items() if "feature" not in n}
    plain.load_state_dict(rest)
    np.testing.assert_array_equal(output(model, ids, None, features), output(plain, ids))


def test_state_dict_round_trip(model):
    config = EncoderConfig.from_dict(json.loads(json.dumps(config_of(model).to_dict())))
    assert config == config_of(model)
    twin = TokenClassifier(config, K).eval()
    twin.load_state_dict({name: t.numpy() for name, t in model.state_dict().items()})
    ids, features = inputs(model)
    mask = padding(T, 7, 1)
    np.testing.assert_array_equal(
        output(twin, ids, mask, features), output(model, ids, mask, features)
    )


def test_keys():
    names = list(TokenClassifier(CONFIGS["features"], K).state_dict())
    assert names[:5] == [
        "encoder.token_embedding.weight",
        "encoder.position_embedding.weight",
        "encoder.feature_embedding.weight",
        "encoder.norm.weight",
        "encoder.norm.bias",
    ]
    assert names[5] == "encoder.encoder.layers.0.self_attn.in_proj_weight"
    assert names[-4:] == [
        "encoder.encoder.norm.weight",
        "encoder.encoder.norm.bias",
        "head.weight",
        "head.bias",
    ]
    plain = TokenClassifier(CONFIGS["plain"], K).state_dict()
    assert set(names) - set(plain) == {"encoder.feature_embedding.weight"}


def test_initial_weights_are_berts():
    tinyllm.manual_seed(3)
    model = TokenClassifier(EncoderConfig(211, 101, width=128, feature_vocab_size=103), 53)
    assert model.encoder.config.hidden_width == 512
    for name, parameter in model.named_parameters():
        values = parameter.detach().numpy()
        if name.endswith("bias"):
            assert (values == 0).all(), name
        elif parameter.ndim == 1:
            assert (values == 1).all(), name
        else:
            assert values.std() == pytest.approx(0.02, rel=0.05), name
    layers = model.encoder.encoder.layers
    first, second = (layer.linear1.weight.detach().numpy() for layer in layers)
    assert (first != second).any(), "each layer has its own"


def test_dropout_is_random_in_training_and_absent_in_evaluation():
    model = Encoder(EncoderConfig(**SIZES, dropout=0.3))
    ids, _ = inputs(model)
    assert (output(model, ids) != output(model, ids)).any()
    tinyllm.manual_seed(9)
    first = output(model, ids)
    tinyllm.manual_seed(9)
    np.testing.assert_array_equal(output(model, ids), first)
    model.eval()
    np.testing.assert_array_equal(output(model, ids), output(model, ids))


def test_training_learns_labels_that_hang_on_the_next_token():
    tinyllm.manual_seed(2)
    model = TokenClassifier(EncoderConfig(**SIZES, dropout=0.0), K)
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    ids, _ = inputs(model)
    targets = tinyllm.tensor(np.roll(ids, -1, axis=1).reshape(-1) % K)
    for _ in range(80):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(tinyllm.tensor(ids)).view(-1, K), targets)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_errors_name_what_disagrees():
    plain, rich = Encoder(CONFIGS["plain"]), Encoder(CONFIGS["features"])
    ids = zeros(B, T, dtype=tinyllm.int64)
    features = zeros(B, T, COUNT, dtype=tinyllm.int64)
    with pytest.raises(TypeError, match="Encoder: ids must be a Tensor, not ndarray"):
        plain(np.zeros((1, 3), int))
    with pytest.raises(ValueError, match=r"ids must be \(B, T\).*not of shape \(5,\)"):
        plain(zeros(5, dtype=tinyllm.int64))
    with pytest.raises(ValueError, match=r"at least one token, not of shape \(1, 0\)"):
        plain(zeros(1, 0, dtype=tinyllm.int64))
    with pytest.raises(ValueError, match="18 tokens exceed context_length 17: cut the text"):
        plain(zeros(1, LONGEST + 1, dtype=tinyllm.int64))
    with pytest.raises(ValueError, match=r"padding_mask \(3, 12\) and ids \(B, T\) = \(3, 13\)"):
        plain(ids, zeros(B, T - 1, dtype=tinyllm.bool))
    with pytest.raises(ValueError, match="feature_vocab_size is 0, so that features cannot be"):
        plain(ids, None, features)
    with pytest.raises(ValueError, match="feature_vocab_size is 23, so that features are needed"):
        rich(ids)
    with pytest.raises(ValueError, match=r"features must be \(B, T, F\).*\(3, 13\), not of shape"):
        rich(ids, None, ids)
    with pytest.raises(ValueError, match=r"not of shape \(3, 12, 5\)"):
        rich(ids, None, features[:, :12])
    with pytest.raises(IndexError, match=r"token id 37 at \[0, 1\] is outside \[0, 37\)"):
        plain(tinyllm.tensor([[3, 37]]))
    with pytest.raises(IndexError, match=r"is outside \[0, 23\)"):
        rich(ids, None, features + FEATURES)
    with pytest.raises(TypeError, match="integer"):
        plain(zeros(1, 3))
    with pytest.raises(ValueError, match="num_labels must be at least 1, not 0"):
        TokenClassifier(CONFIGS["plain"], 0)


@pytest.mark.parametrize("name", ["padding_mask", "features"])
def test_what_is_no_tensor_is_refused(name):
    model = Encoder(CONFIGS["features" if name == "features" else "plain"])
    with pytest.raises(TypeError, match=f"Encoder: {name} must be a Tensor, not list"):
        model(zeros(1, 3, dtype=tinyllm.int64), **{name: [[False] * 3]})


def test_a_padding_mask_of_numbers_is_added_as_in_pytorch():
    model = loud(Encoder(CONFIGS["plain"]))
    ids, _ = inputs(model)
    mask = padding(T, 7, 1)
    added = np.where(mask, -np.inf, 0).astype(np.float32)
    by_numbers = output(model, ids, added)
    by_truths = output(model, ids, mask)
    np.testing.assert_array_equal(by_numbers[~mask], by_truths[~mask])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"width": 10, "heads": 4}, ValueError, "EncoderConfig: width 10 must be a multiple of"),
        ({"layers": 0}, ValueError, "layers must be at least 1, not 0"),
        ({"vocab_size": 0}, ValueError, "vocab_size must be at least 1, not 0"),
        ({"hidden_width": 0}, ValueError, "hidden_width must be at least 1"),
        ({"context_length": 0}, ValueError, "context_length must be at least 1"),
        ({"feature_vocab_size": -1}, ValueError, "feature_vocab_size must be at least 0, not -1"),
        ({"dropout": 1.0}, ValueError, "dropout must be at least 0 and below 1, not 1.0"),
        ({"dropout": float("nan")}, ValueError, "below 1, not nan"),
        ({"dropout": "0.1"}, TypeError, "dropout must be a number, not '0.1'"),
        ({"width": "128"}, TypeError, "EncoderConfig: width must be an int, not '128'"),
        ({"width": None}, TypeError, "width must be an int, not None"),
        ({"heads": True}, TypeError, "heads must be an int, not True"),
        ({"feature_vocab_size": 2.0}, TypeError, "feature_vocab_size must be an int, not 2.0"),
    ],
)
def test_impossible_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        EncoderConfig(**{"vocab_size": 5, **settings})


def test_from_dict_lists_what_is_wrong():
    settings = CONFIGS["plain"].to_dict()
    del settings["vocab_size"]
    settings["widht"] = 3
    with pytest.raises(
        ValueError, match=r"EncoderConfig: unknown keys \['widht'\] and missing keys \['vocab_size"
    ):
        EncoderConfig.from_dict(settings)
