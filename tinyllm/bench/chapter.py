"""The chapter's encoder-decoder, written once: it runs on tinyllm and on PyTorch alike.

`chapter_model(tinyllm, sizes)` and `chapter_model(torch, sizes)` are the two contenders.
"""

from __future__ import annotations

from typing import Any

from tinyllm.bench.cases import EncoderDecoder


def chapter_model(torch: Any, sizes: EncoderDecoder) -> Any:
    """Make the model on one of the two libraries, called `torch` here as in the chapter."""
    nn, functional = torch.nn, torch.nn.functional

    class Transformer(nn.Module):
        def __init__(self, vocab_size, d_model, nhead, num_encoder_layers, num_decoder_layers):
            super().__init__()
            self.encoder = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(d_model, nhead, sizes.hidden), num_encoder_layers
            )
            self.decoder = nn.TransformerDecoder(
                nn.TransformerDecoderLayer(d_model, nhead, sizes.hidden), num_decoder_layers
            )

        def forward(self, src, tgt, src_mask, tgt_mask):
            src = self.encoder(src, src_mask)
            return self.decoder(tgt, src, tgt_mask, src_mask)

    class Translator(nn.Module):
        """Embeddings and positions before the Transformer, a head and the loss behind it."""

        def __init__(self):
            super().__init__()
            self.source_embedding = nn.Embedding(sizes.vocab, sizes.width)
            self.target_embedding = nn.Embedding(sizes.vocab, sizes.width)
            self.positions = nn.Embedding(sizes.context, sizes.width)
            self.transformer = Transformer(
                sizes.vocab, sizes.width, sizes.heads, sizes.layers, sizes.layers
            )
            self.head = nn.Linear(sizes.width, sizes.vocab)
            mask = nn.Transformer.generate_square_subsequent_mask(sizes.context)
            self.register_buffer("mask", mask, persistent=False)

        def forward(self, source, target):
            """Source ids (B, S) and target ids (B, T) -> the mean loss of the target's tokens."""
            begin = torch.zeros_like(target[:, :1])
            given = torch.cat([begin, target[:, :-1]], dim=1)  # (B, T): the token before each
            positions = self.positions.weight.unsqueeze(1)  # (T, 1, C)
            src = self.source_embedding(source.t()) + positions  # (S, B, C)
            tgt = self.target_embedding(given.t()) + positions  # (T, B, C)
            y = self.transformer(src, tgt, None, self.mask)  # (T, B, C)
            logits = self.head(y)  # (T, B, V)
            return functional.cross_entropy(logits.flatten(0, 1), target.t().flatten())

    return Translator()
