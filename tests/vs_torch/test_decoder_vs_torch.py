"""The decoder against twins written with PyTorch's own layers: loss and every gradient."""

import numpy as np
import pytest
import torch
from torch.nn import functional as TF

import tinyllm
from tinyllm import nn, optim
from tinyllm.models import Decoder, DecoderConfig

V, T, B = 37, 13, 5
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


class TorchGPT(torch.nn.Module):
    """GPT-2 from torch.nn.TransformerEncoderLayer, whose in_proj is our packed qkv."""

    names = {
        "attention.qkv.weight": "self_attn.in_proj_weight",
        "attention.qkv.bias": "self_attn.in_proj_bias",
        "attention.out": "self_attn.out_proj",
        "norm_1": "norm1",
        "norm_2": "norm2",
        "mlp.up": "linear1",
        "mlp.down": "linear2",
    }

    def __init__(self, config):
        super().__init__()
        exact = "tanh" if config.activation == "gelu_tanh" else "none"
        self.token_embedding = torch.nn.Embedding(config.vocab_size, config.width)
        self.position_embedding = torch.nn.Embedding(config.context_length, config.width)
        self.blocks = torch.nn.ModuleList(
            torch.nn.TransformerEncoderLayer(
                config.width,
                config.heads,
                config.hidden_width,
                dropout=0.0,
                activation=lambda x: TF.gelu(x, approximate=exact),
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.layers)
        )
        self.norm = torch.nn.LayerNorm(config.width)

    def forward(self, ids):
        x = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        mask = torch.nn.Transformer.generate_square_subsequent_mask(ids.shape[1], dtype=x.dtype)
        for block in self.blocks:
            x = block(x, src_mask=mask, is_causal=True)
        return self.norm(x) @ self.token_embedding.weight.T

    def named(self, our_name):
        for ours, theirs in self.names.items():
            our_name = our_name.replace(ours, theirs)
        return self.get_parameter(our_name)


class TorchLlama(torch.nn.Module):
    """Llama, rotation as in Hugging Face's transformers, attention written out."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.weights = torch.nn.ParameterDict()

    def named(self, our_name):
        return self.weights[our_name.replace(".", "/")]

    def rotated(self, x):
        D, positions = x.shape[-1], torch.arange(x.shape[-2], dtype=torch.float64)
        inverse = self.config.rope_base ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
        angles = torch.outer(positions, inverse)
        angles = torch.cat([angles, angles], dim=-1).to(x.dtype)
        half = torch.cat([-x[..., D // 2 :], x[..., : D // 2]], dim=-1)
        return x * torch.cos(angles) + half * torch.sin(angles)

    def normed(self, x, name):
        eps = self.config.norm_eps
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * self.named(f"{name}.weight")

    def forward(self, ids):
        config = self.config
        x = self.named("token_embedding.weight")[ids]
        later = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
        for i in range(config.layers):
            block = f"blocks.{i}"
            h = self.normed(x, f"{block}.norm_1")
            qkv = h @ self.named(f"{block}.attention.qkv.weight").T
            sizes = [size * config.head_size for size in (config.heads, *[config.kv_heads] * 2)]
            q, k, v = (
                part.unflatten(-1, (-1, config.head_size)).transpose(1, 2)
                for part in qkv.split(sizes, dim=-1)
            )
            q, k = self.rotated(q), self.rotated(k)
            k, v = (part.repeat_interleave(config.heads // config.kv_heads, 1) for part in (k, v))
            scores = q @ k.transpose(-1, -2) / config.head_size**0.5
            weights = scores.masked_fill(later, -torch.inf).softmax(-1)
            y = (weights @ v).transpose(1, 2).flatten(2)
            x = x + y @ self.named(f"{block}.attention.out.weight").T
            h = self.normed(x, f"{block}.norm_2")
            gate, up, down = (
                self.named(f"{block}.mlp.{part}.weight") for part in ("gate", "up", "down")
            )
            x = x + (TF.silu(h @ gate.T) * (h @ up.T)) @ down.T
        return self.normed(x, "norm") @ self.named("head.weight").T


def gpt(dtype, activation="gelu_tanh"):
    config = DecoderConfig.gpt2(
        vocab_size=V, context_length=17, layers=3, heads=5, width=35, hidden_width=41,
        activation=activation,
    )  # fmt: skip
    ours, theirs = Decoder(config), TorchGPT(config)
    return with_same_weights(ours, theirs, dtype)


def llama(dtype):
    config = DecoderConfig.llama(
        vocab_size=V, context_length=17, layers=3, heads=6, kv_heads=2, width=60, rope_base=50.0
    )
    ours, theirs = Decoder(config), TorchLlama(config)
    for name, parameter in ours.named_parameters():
        theirs.weights[name.replace(".", "/")] = torch.zeros(parameter.shape)
    return with_same_weights(ours, theirs, dtype)


def with_same_weights(ours, theirs, dtype):
    rng = np.random.default_rng(5)
    ours.to(getattr(tinyllm, dtype))
    theirs.to(getattr(torch, dtype))
    state = {
        name: rng.standard_normal(parameter.shape) * (0.15 if parameter.ndim == 2 else 0.5) + (
            1.0 if "norm" in name and name.endswith("weight") else 0.0)
        for name, parameter in ours.named_parameters()
    }  # fmt: skip
    ours.load_state_dict(state)
    with torch.no_grad():
        for name, value in state.items():
            theirs.named(name).copy_(torch.from_numpy(value))
    assert sum(p.numel() for p in theirs.parameters()) == ours.num_parameters()
    return ours, theirs


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, V, (B, T)), rng.integers(0, V, (B, T))


def torch_loss(model, ids, targets):
    return TF.cross_entropy(model(torch.tensor(ids)).flatten(0, 1), torch.tensor(targets).flatten())


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [gpt, lambda dtype: gpt(dtype, "gelu"), llama])
def test_loss_and_all_gradients(make, dtype):
    ours, theirs = make(dtype)
    ids, targets = batch()
    loss = ours.loss(tinyllm.tensor(ids), tinyllm.tensor(targets))
    their_loss = torch_loss(theirs, ids, targets)
    assert loss.item() == pytest.approx(their_loss.item(), rel=TOLERANCE[dtype])
    loss.backward()
    their_loss.backward()
    distances = {
        name: distance(parameter.grad.numpy(), theirs.named(name).grad.numpy())
        for name, parameter in ours.named_parameters()
    }
    worst = max(distances, key=distances.get)
    assert distances[worst] < TOLERANCE[dtype], worst


@pytest.mark.parametrize("make", [gpt, llama])
def test_training_goes_the_same_way(make):
    ours, theirs = make("float64")
    a = optim.AdamW(ours.parameters(), lr=3e-3, weight_decay=0.1)
    b = torch.optim.AdamW(theirs.parameters(), lr=3e-3, weight_decay=0.1)
    for step in range(20):
        ids, targets = batch(step)
        losses = (
            ours.loss(tinyllm.tensor(ids), tinyllm.tensor(targets)),
            torch_loss(theirs, ids, targets),
        )
        assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-9)
        for loss, module, utils, optimizer in (
            (losses[0], ours, nn.utils, a),
            (losses[1], theirs, torch.nn.utils, b),
        ):
            optimizer.zero_grad()
            loss.backward()
            utils.clip_grad_norm_(module.parameters(), 0.7)
            optimizer.step()
