"""Text to token ids and back.

Every tokenizer has the one interface of `Tokenizer`; `load_tokenizer` reads whichever a
tokenizer.json describes. Before that, `tinyllm.text.clean`
mends and sifts the text.
"""

from tinyllm.text.bpe import BPETokenizer
from tinyllm.text.byte import ByteTokenizer
from tinyllm.text.character import CharTokenizer
from tinyllm.text.tokenizer import StreamDecoder, Tokenizer, load_tokenizer, printable
from tinyllm.text.word import WordTokenizer
from tinyllm.text.wordpiece import WordPieceTokenizer

__all__ = [
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "StreamDecoder",
    "Tokenizer",
    "WordPieceTokenizer",
    "WordTokenizer",
    "load_tokenizer",
    "printable",
]
