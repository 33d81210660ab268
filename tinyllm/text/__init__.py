"""Text to token ids and back.

Every tokenizer has the one interface of `Tokenizer`; `load_tokenizer` reads whichever a
tokenizer.json describes. Before that, `tinyllm.text.clean`
mends and sifts the text.
"""

from tinyllm.text.byte import ByteTokenizer
from tinyllm.text.character import CharTokenizer
from tinyllm.text.tokenizer import StreamDecoder, Tokenizer, load_tokenizer, printable

__all__ = [
    "ByteTokenizer",
    "CharTokenizer",
    "StreamDecoder",
    "Tokenizer",
    "load_tokenizer",
    "printable",
]
