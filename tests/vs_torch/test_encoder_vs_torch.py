"""The encoder against a twin of torch.nn.TransformerEncoder and embeddings: values, gradients."""

import numpy as np
import pytest
import torch
from torch.nn import functional as TF

import tinyllm
from tinyllm.models import EncoderConfig, TokenClassifier
from tinyllm.nn import functional as F

V, FEATURES, LONGEST, B, T, K, COUNT = 37, 23, 17, 3, 13, 11, 5
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
LENGTHS = np.array([T, 7, 1])


class TorchEncoder(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token_embedding = torch.nn.Embedding(config.vocab_size, config.width)
        self.position_embedding = torch.nn.Embedding(config.context_length, config.width)
        if config.feature_vocab_size:
            self.feature_embedding = torch.nn.Embedding(config.feature_vocab_size, config.width)
        self.norm = torch.nn.LayerNorm(config.width)
        layer = torch.nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            config.hidden_width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        norm = torch.nn.LayerNorm(config.width)
        self.encoder = torch.nn.TransformerEncoder(
            layer, config.layers, norm, enable_nested_tensor=False
        )

    def forward(self, ids, padding_mask, features):
        x = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        if features is not None:
            x = x + self.feature_embedding(features).sum(2)
        return self.encoder(self.norm(x), src_key_padding_mask=padding_mask)


class TorchClassifier(torch.nn.Module):
    def __init__(self, config, num_labels):
        super().__init__()
        self.encoder = TorchEncoder(config)
        self.head = torch.nn.Linear(config.width, num_labels)

    def forward(self, *inputs):
        return self.head(self.encoder(*inputs))


def twins(dtype, feature_vocab_size):
    config = EncoderConfig(
        V, LONGEST, 3, 7, 35, 29, feature_vocab_size=feature_vocab_size, dropout=0.0
    )
    ours, theirs = TokenClassifier(config, K), TorchClassifier(config, K)
    ours.to(getattr(tinyllm, dtype))
    theirs.to(getattr(torch, dtype))
    rng = np.random.default_rng(5)
    state = {
        name: rng.standard_normal(parameter.shape) * (0.15 if parameter.ndim == 2 else 0.5)
        + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
        for name, parameter in ours.named_parameters()
    }
    ours.load_state_dict(state)
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return ours, theirs


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("feature_vocab_size", [0, FEATURES])
def test_logits_loss_and_all_gradients(dtype, masked, feature_vocab_size):
    ours, theirs = twins(dtype, feature_vocab_size)
    rng = np.random.default_rng(1)
    mask = np.arange(T) >= LENGTHS[:, None] if masked else None
    arrays = [rng.integers(0, V, (B, T)), mask, rng.integers(0, FEATURES, (B, T, COUNT))]
    if not feature_vocab_size:
        arrays[2] = None
    targets = rng.integers(0, K, (B, T))
    if masked:
        targets[mask] = -100

    logits = ours(*[None if a is None else tinyllm.tensor(a) for a in arrays])
    their_logits = theirs(*[None if a is None else torch.tensor(a) for a in arrays])
    kept = slice(None) if mask is None else ~mask
    a, b = logits.detach().numpy()[kept], their_logits.detach().numpy()[kept]
    np.testing.assert_allclose(a, b, rtol=TOLERANCES[dtype], atol=10 * TOLERANCES[dtype])

    loss = F.cross_entropy(logits.view(-1, K), tinyllm.tensor(targets.reshape(-1)))
    their_loss = TF.cross_entropy(their_logits.view(-1, K), torch.tensor(targets.reshape(-1)))
    assert loss.item() == pytest.approx(their_loss.item(), rel=TOLERANCES[dtype])
    loss.backward()
    their_loss.backward()
    gradients = {name: parameter.grad.numpy() for name, parameter in theirs.named_parameters()}
    for name, parameter in ours.named_parameters():
        distance = np.linalg.norm(parameter.grad.numpy() - gradients[name])
        assert distance < TOLERANCES[dtype] * np.linalg.norm(gradients[name]), name
