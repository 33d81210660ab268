"""The encoder-decoder against a twin around torch.nn.Transformer: loss and every gradient."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as TF

import tinyllm
from tinyllm.models import Seq2Seq, Seq2SeqConfig

V, SOURCE_V, C, H, B, S, T = 31, 29, 20, 5, 3, 7, 11


class TorchSeq2Seq(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.target_embedding = torch.nn.Embedding(config.vocab_size, C)
        if config.source_vocab_size is not None:
            self.source_embedding = torch.nn.Embedding(config.source_vocab_size, C)
        if config.positions == "learned":
            self.position_embedding = torch.nn.Embedding(config.context_length, C)
        self.transformer = torch.nn.Transformer(
            C, H, config.encoder_layers, config.decoder_layers, config.hidden_width, 0.0,
            config.activation, batch_first=True, norm_first=config.norm_first,
        )  # fmt: skip
        if not config.tie_embeddings:
            self.head = torch.nn.Linear(C, config.vocab_size, bias=False)

    def embedded(self, embedding, ids):
        length = ids.shape[1]
        if self.config.positions == "learned":
            where = self.position_embedding.weight[:length] * math.sqrt(C)
        else:
            pairs = torch.arange(0, C, 2, dtype=torch.float64)
            angles = torch.arange(length)[:, None] * 10000.0 ** (-pairs / C)
            where = torch.stack([angles.sin(), angles.cos()], -1).reshape(length, C)
        return embedding(ids) * math.sqrt(C) + where

    def forward(self, source, target, padding):
        shared = self.config.source_vocab_size is None
        x = self.transformer(
            self.embedded(self.target_embedding if shared else self.source_embedding, source),
            self.embedded(self.target_embedding, target),
            tgt_mask=torch.nn.Transformer.generate_square_subsequent_mask(
                target.shape[1], dtype=self.target_embedding.weight.dtype
            ),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        return x @ self.target_embedding.weight.T if self.config.tie_embeddings else self.head(x)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize(
    "style",
    [
        {},
        {"positions": "learned", "source_vocab_size": None},
        {"norm_first": False, "tie_embeddings": False, "activation": "gelu"},
    ],
    ids=str,
)
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_loss_and_gradients(style, label_smoothing):
    settings = {"vocab_size": V, "source_vocab_size": SOURCE_V, "width": C, "heads": H}
    settings |= {"encoder_layers": 2, "decoder_layers": 3, "dropout": 0.0, "context_length": 13}
    config = Seq2SeqConfig(**{**settings, "label_smoothing": label_smoothing, **style})
    ours, theirs = Seq2Seq(config).double(), TorchSeq2Seq(config).double()
    state = {name: torch.tensor(x.numpy()) for name, x in ours.state_dict().items()}
    theirs.load_state_dict(state, strict=True)  # the names are the same on both sides
    rng = np.random.default_rng(0)
    source, target = rng.integers(3, SOURCE_V, (B, S)), rng.integers(3, V, (B, T + 1))
    padding = np.arange(S) >= np.array([S, 4, 1])[:, None]
    labels = target[:, 1:].copy()
    labels[1, 5:] = -100
    batch = source, target[:, :-1], labels, padding
    loss = ours.loss(*map(tinyllm.tensor, batch))
    loss.backward()
    logits = theirs(*(torch.tensor(x) for x in (source, target[:, :-1], padding)))
    expected = TF.cross_entropy(
        logits.reshape(-1, V), torch.tensor(labels).reshape(-1), label_smoothing=label_smoothing
    )
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-10)
    for name, parameter in ours.named_parameters():
        gradient = theirs.get_parameter(name).grad.numpy()
        np.testing.assert_allclose(parameter.grad.numpy(), gradient, 1e-7, 1e-10, err_msg=name)
