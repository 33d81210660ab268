"""WordPiece, what BERT uses: a word is cut into the longest known pieces, from its left.

unaffable   ->   un ##aff ##able        ("##" says: goes on from the piece before)
"""

from __future__ import annotations

from typing import Any

from tinyllm.text.pipeline import PipelineTokenizer
from tinyllm.text.utf8 import to_utf8

# What the WordPiece decoder mends in English, piece by piece
_CLEANUP = {
    " .": ".", " ?": "?", " !": "!", " ,": ",", " ' ": "'", " n't": "n't", " 'm": "'m",
    " do not": " don't", " 's": "'s", " 've": "'ve", " 're": "'re",
}  # fmt: skip


class WordPieceTokenizer(PipelineTokenizer):
    """WordPiece, read from a Hugging Face tokenizer.json. Training one is not offered here.

    A word with a part that no piece fits is one unknown token. The text does not come back whole:
    case, accents and white space may be gone.

    `tokenizers`: equal ids.  Source: Wu et al. 2016, arXiv:1609.08144, section 4.1
    """

    model_type = "WordPiece"
    kind = "wordpiece"
    decoders = ("WordPiece",)
    blanks = True

    def set_up_model(self, model: dict[str, Any]) -> None:
        """Read the settings of the model; see PipelineTokenizer."""
        self.prefix = model.get("continuing_subword_prefix", "##")
        self.longest = model.get("max_input_chars_per_word", 100)
        if not isinstance(self.prefix, str) or type(self.longest) is not int:
            raise ValueError(
                "WordPiece: continuing_subword_prefix is a str, max_input_chars_per_word an integer"
            )
        if self.pre_tokenizer.byte_level:
            raise ValueError("WordPiece with a ByteLevel pre-tokenizer is not supported")
        unknown = self.id_of_unknown(model.get("unk_token", "[UNK]"))
        if unknown is None:
            raise ValueError("WordPiece: unk_token is missing")
        self._unknown = (unknown,)
        self._decoder_prefix = self.decoder.get("prefix", "##")
        self._cleanup = _CLEANUP if self.decoder.get("cleanup", True) else {}

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Take the longest piece that fits, again and again."""
        if len(word) > self.longest:
            return self._unknown
        ids = []
        start = 0
        while start < len(word):
            before = self.prefix if start else ""
            for end in range(len(word), start, -1):
                token_id = self.vocabulary.get(before + word[start:end])
                if token_id is not None:
                    break
            else:
                return self._unknown
            ids.append(token_id)
            start = end
        return tuple(ids)

    def token_bytes(self, token_id: int) -> bytes:
        """Give the bytes of a token: a blank before it, unless it goes on from another."""
        return self.model_token_bytes(self.tokens[int(self.check_ids([token_id])[0])])

    def model_token_bytes(self, token: str) -> bytes:
        """Give the blank and the piece, or the piece alone."""
        if token.startswith(self._decoder_prefix):
            text = token[len(self._decoder_prefix) :]
        else:
            text = " " + token
        for wrong, right in self._cleanup.items():
            text = text.replace(wrong, right)
        return to_utf8(text)
