"""The textbook chapter's code, with only its imports changed: PyTorch's numbers, and two tasks.

Copying and reversing sequences of symbols is the least that an encoder-decoder must learn: which
source position to look at, and nothing else. Exact match is counted on sequences that were never
trained on, decoded greedily from the model's own output.
"""

import time

import numpy as np
import pytest

import tinyllm
from tinyllm import nn, optim
from tinyllm.nn import functional as F

IMPORTS = """
import torch
import torch.nn as nn
"""
CHAPTER = """
class Transformer(nn.Module):
    def __init__(self, vocab_size, d_model, nhead, num_encoder_layers, num_decoder_layers):
        super(Transformer, self).__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(d_model, nhead), num_encoder_layers)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(d_model, nhead), num_decoder_layers)

    def forward(self, src, tgt, src_mask, tgt_mask):
        src = self.encoder(src, src_mask)
        output = self.decoder(tgt, src, tgt_mask, src_mask)
        return output
"""  # noqa: E501


def chapter(imports):
    """The chapter's class after the given imports."""
    names = {"__name__": "chapter"}
    exec(imports + CHAPTER, names)
    return names["Transformer"]


Transformer = chapter(
    IMPORTS.replace("import torch\n", "import tinyllm as torch\n").replace(
        "import torch.nn", "import tinyllm.nn"
    )
)

# The same numbers as PyTorch


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("masks", ["none", "causal target", "both"])
def test_pytorchs_weights_give_pytorchs_outputs_and_gradients(masks, dtype):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is not here to compare with: pip install -e '.[torch]'"
    )
    torch.manual_seed(3)
    T, B, C = 7, 3, 10
    theirs = chapter(IMPORTS)(13, C, 5, 2, 3).to(getattr(torch, dtype)).eval()
    ours = Transformer(13, C, 5, 2, 3).to(getattr(tinyllm, dtype)).eval()  # no dropout
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    rng = np.random.default_rng(5)
    arrays = [rng.standard_normal((T, B, C)).astype(dtype) for _ in range(3)]
    src_mask = rng.standard_normal((T, T)).astype(dtype) if masks == "both" else None
    causal = np.triu(np.full((T, T), -np.inf, dtype), 1) if masks != "none" else None
    results = []
    for library, model in ((tinyllm, ours), (torch, theirs)):
        src, tgt, covector = (library.tensor(x, requires_grad=True) for x in arrays)
        given = [None if m is None else library.tensor(m) for m in (src_mask, causal)]
        y = model(src, tgt, *given)
        (y * covector).sum().backward()
        grads = [x.grad for x in (src, tgt, *model.parameters())]
        results.append([y, *grads])
    tolerance = 1e-5 if dtype == "float32" else 1e-10
    for a, b in zip(*results, strict=True):
        a, b = a.detach().numpy(), b.detach().numpy()
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max()))


def test_a_source_mask_fits_as_memory_mask_only_where_both_sides_are_equally_long():
    model = Transformer(13, 10, 5, 1, 1)
    src, tgt, src_mask = tinyllm.randn(7, 3, 10), tinyllm.randn(5, 3, 10), tinyllm.zeros(7, 7)
    assert model(src, src, src_mask, None).shape == (7, 3, 10)
    assert model(src, tgt, None, None).shape == (5, 3, 10)
    with pytest.raises(ValueError, match=r"memory_mask has shape \(7, 7\)") as caught:
        model(src, tgt, src_mask, None)
    for word in ("5 queries", "7 keys", "src_mask as memory_mask", "equally long", "pass None"):
        assert word in str(caught.value)


# The two tasks

SYMBOLS, LENGTH, WIDTH, BEGIN = 11, 7, 64, 11


class Translator(nn.Module):
    """The chapter's Transformer with what it lacks: embeddings, positions, and an output layer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS + 1, WIDTH)  # the last one begins a target
        self.transformer = Transformer(SYMBOLS, WIDTH, 4, 1, 1)
        self.head = nn.Linear(WIDTH, SYMBOLS)
        self.register_buffer("positions", tinyllm.tensor(sinusoids(LENGTH, WIDTH)))

    def vectors(self, ids):
        """ids (B, T) -> (T, B, C)"""
        return self.embedding(ids.t()) + self.positions[: ids.shape[1], None]

    def forward(self, source, given):
        """Source (B, S) and the target so far (B, T) -> the logits of what follows, (T, B, V)."""
        causal = nn.Transformer.generate_square_subsequent_mask(given.shape[1])
        return self.head(self.transformer(self.vectors(source), self.vectors(given), None, causal))

    @tinyllm.no_grad()
    def decode(self, source):
        """The likeliest symbol after the likeliest symbol, LENGTH times; (B, S) -> (B, T)."""
        given = tinyllm.full((len(source), 1), BEGIN, dtype=tinyllm.int64)
        for _ in range(LENGTH):
            following = self(source, given)[-1].argmax(-1)  # (B)
            given = tinyllm.cat((given, following[:, None]), dim=1)
        return given[:, 1:]


def sinusoids(length, width):
    """sin and cos of the position, at wavelengths from 2 pi to 10,000 * 2 pi: (length, width)."""
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    return np.stack((np.sin(angles), np.cos(angles)), axis=-1).reshape(length, width).astype("f4")


def sequences(seed):
    """Sequences to train on, and others to be held out, no two alike."""
    drawn = np.random.default_rng(seed).integers(0, SYMBOLS, (21_000, LENGTH))
    drawn = np.random.default_rng(seed).permutation(np.unique(drawn, axis=0))
    return drawn[500:], tinyllm.tensor(drawn[:500])


def train(model, sources, target_of, steps=300, batch=32):
    """Teach by giving the target so far (teacher forcing), with a warm-up and a decay to 0."""
    optimizer = optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
    schedule = optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 50, 1 - step / steps)
    )
    draw = np.random.default_rng(1)
    model.train()
    for _ in range(steps):
        source = sources[draw.integers(0, len(sources), batch)]
        target = target_of(source)
        given = np.concatenate((np.full((batch, 1), BEGIN), target[:, :-1]), axis=1)
        logits = model(tinyllm.tensor(source), tinyllm.tensor(given))  # (T, B, V)
        loss = F.cross_entropy(
            logits.reshape(-1, SYMBOLS), tinyllm.tensor(target.T.reshape(-1).copy())
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return loss.item()


@pytest.mark.parametrize(
    ("task", "target_of"),
    [("copy", lambda x: x), ("reverse", lambda x: x[:, ::-1])],
    ids=["copy", "reverse"],
)
def test_learns(task, target_of):
    begin = time.perf_counter()
    sources, held_out = sequences(seed=2)
    model = Translator()
    train(model, sources, target_of)
    decoded = model.eval().decode(held_out).numpy()
    exact = (decoded == target_of(held_out.numpy())).all(axis=1).mean()
    print(f"{task}: {exact:.1%} exact, {time.perf_counter() - begin:.1f} s")
    assert exact > 0.99, f"{task}: {exact:.1%} of the held-out sequences are right"
