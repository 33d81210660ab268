"""The same GPT in PyTorch, as one writes it there. Imports nothing of tinyllm.

Parameters carry the names of `tinyllm.models.Decoder`, so that both can be given the same values.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

Cache = list[tuple[torch.Tensor, torch.Tensor]]


class Attention(nn.Module):
    """Causal self-attention with one packed projection and PyTorch's fused attention."""

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias)

    def forward(self, x, kept=None, start: int = 0):  # noqa: D102
        B, T, C = x.shape
        parts = self.qkv(x).split(C, dim=2)  # (B, T, C) three times
        q, k, v = (part.view(B, T, self.heads, C // self.heads).transpose(1, 2) for part in parts)
        if kept is not None:
            keys, values = kept
            stop = start + T
            keys[:, :, start:stop], values[:, :, start:stop] = k, v
            k, v = keys[:, :, :stop], values[:, :, :stop]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=T > 1)  # (B, H, T, D)
        return self.out(y.transpose(1, 2).reshape(B, T, C))  # (B, T, C)


class MLP(nn.Module):
    """Two linear layers with GELU between."""

    def __init__(self, width: int, bias: bool) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width, bias=bias)
        self.down = nn.Linear(4 * width, width, bias=bias)

    def forward(self, x):  # noqa: D102
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class Block(nn.Module):
    """A Transformer block, normalised before each branch."""

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, bias=bias)
        self.attention = Attention(width, heads, bias)
        self.norm_2 = nn.LayerNorm(width, bias=bias)
        self.mlp = MLP(width, bias)

    def forward(self, x, kept=None, start: int = 0):  # noqa: D102
        x = x + self.attention(self.norm_1(x), kept, start)
        return x + self.mlp(self.norm_2(x))


class Twin(nn.Module):
    """A GPT-2 with a tied head.

    Args:    sizes: has layers, heads, width, context, vocab and bias, as `bench.cases.Model`.
    """

    def __init__(self, sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.token_embedding = nn.Embedding(sizes.vocab, sizes.width)
        self.position_embedding = nn.Embedding(sizes.context, sizes.width)
        blocks = (Block(sizes.width, sizes.heads, sizes.bias) for _ in range(sizes.layers))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(sizes.width, bias=sizes.bias)

    def logits(self, ids, cache: Cache | None = None, start: int = 0):
        """ids (B, T) -> (B, T, V); `start` tokens stand in the cache, which is extended."""
        positions = torch.arange(start, start + ids.shape[1])
        x = self.token_embedding(ids) + self.position_embedding(positions)  # (B, T, C)
        for i, block in enumerate(self.blocks):
            x = block(x, cache[i] if cache is not None else None, start)
        return F.linear(self.norm(x), self.token_embedding.weight)

    def forward(self, ids, targets):
        """The mean cross-entropy of the next tokens."""
        return F.cross_entropy(self.logits(ids).view(-1, self.sizes.vocab), targets.reshape(-1))

    def new_cache(self) -> Cache:
        """Room for the keys and values of a whole context, for one text."""
        sizes = self.sizes
        shape = (1, sizes.heads, sizes.context, sizes.width // sizes.heads)
        return [(torch.empty(shape), torch.empty(shape)) for _ in range(sizes.layers)]


def step(model, parameters, optimizer, ids, targets):
    """Take one step of training as nanoGPT does; give the loss."""
    loss = model(ids, targets)
    loss.backward()
    nn.utils.clip_grad_norm_(parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


def first_step(sizes) -> None:
    """Make a model, take one step and print the clock: what `start` measures."""
    model = Twin(sizes)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    shape = (2, sizes.batch, sizes.context)
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, sizes.vocab, shape))
    step(model, model.parameters, optimizer, tokens[0], tokens[1])
    print(perf_counter())


# nanoGPT's recipe from the first step to the last: what `speedrun` measures


def train(spec) -> None:
    """Train by a recipe, and print a line of JSON for each measurement on the validation text."""
    sizes, recipe = SimpleNamespace(**spec["model"], vocab=spec["vocab"]), spec["training"]
    sizes.context = sizes.context_length
    if spec["threads"]:
        torch.set_num_threads(spec["threads"])
    folder = Path(spec["tokens"])
    text, validation = (
        torch.from_numpy(np.load(folder / f"{part}.npy")) for part in ("train", "validation")
    )
    torch.manual_seed(recipe["seed"])
    model = initialised(Twin(sizes))
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": recipe["weight_decay"]},
        {"params": others, "weight_decay": 0.0},
    ]
    betas = recipe["beta1"], recipe["beta2"]
    optimizer = torch.optim.AdamW(groups, lr=recipe["learning_rate"], betas=betas, fused=True)
    wanted, evaluating = set(spec["evaluate"]), 0.0
    for done in range(1, recipe["max_steps"] + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, done - 1)
        offsets = torch.randint(len(text) - sizes.context, (recipe["batch_size"],))
        ids = torch.stack([text[i : i + sizes.context] for i in offsets])
        targets = torch.stack([text[i + 1 : i + 1 + sizes.context] for i in offsets])
        step(model, model.parameters, optimizer, ids, targets)
        if done not in wanted:
            continue
        started = perf_counter()
        loss = validation_loss(model, validation, spec["windows"])
        now = perf_counter()
        evaluating += now - started
        row = {"step": done, "loss": loss, "clock": now, "evaluating": evaluating}
        print(json.dumps(row), flush=True)
        if spec["stop"] and loss <= spec["target"]:
            break


def initialised(model: Twin) -> Twin:
    """Draw the weights as GPT-2 does; the ends of branches are smaller."""
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            ends_branch = name.endswith(("attention.out.weight", "mlp.down.weight"))
            std = 0.02 / math.sqrt(2 * model.sizes.layers) if ends_branch else 0.02
            nn.init.normal_(parameter, 0.0, std)
    return model


def learning_rate(recipe, done: int) -> float:
    """A rise, then half a cosine, as nanoGPT's get_lr."""
    most, least, rise = (
        recipe[name] for name in ("learning_rate", "min_learning_rate", "warmup_steps")
    )
    if done < rise:
        return most * (done + 1) / (rise + 1)
    part = (done - rise) / max(1, recipe["max_steps"] - rise)
    return least + 0.5 * (1 + math.cos(math.pi * part)) * (most - least)


@torch.no_grad()
def validation_loss(model: Twin, tokens, length: int, batch: int = 64) -> float:
    """The mean loss over a text in windows that do not overlap; each token but the first once."""
    model.eval()
    whole = (len(tokens) - 1) // length
    ids = tokens[: whole * length].view(whole, length).split(batch)
    targets = tokens[1 : whole * length + 1].view(whole, length).split(batch)
    pairs = list(zip(ids, targets, strict=True))
    if whole * length + 1 < len(tokens):
        rest = tokens[whole * length :]
        pairs.append((rest[None, :-1], rest[None, 1:]))
    total = sum(model(x, y).item() * y.numel() for x, y in pairs)
    model.train()
    return total / (len(tokens) - 1)


def main(spec) -> None:
    """Do what the one argument, a JSON object, asks for: train by a recipe, or take one step."""
    if "training" in spec:
        train(spec)
    else:
        first_step(SimpleNamespace(**spec))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
