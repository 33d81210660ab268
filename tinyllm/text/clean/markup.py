"""Steps that take out what is not prose: HTML, addresses, numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_BLOCK_NAMES = (
    "address article aside blockquote body br center dd div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 head header hr html li main nav ol p pre section table tbody "
    "tfoot thead title tr ul"
)
_INLINE_NAMES = (
    "a abbr acronym audio b bdi bdo big button canvas caption cite code col colgroup data datalist "
    "del details dfn dialog em embed font i iframe img input ins kbd label legend link map mark "
    "meta meter noscript object option output param picture progress q rp rt ruby s samp "
    "select small source span strike strong sub summary sup svg td template textarea th time tt u "
    "var video wbr script style"
)
_BLOCK, _INLINE = frozenset(_BLOCK_NAMES.split()), frozenset(_INLINE_NAMES.split())
_SILENT = frozenset(("script", "style", "template"))  # what stands in them is nobody's prose
_TAG = rf"/?(?:{'|'.join(sorted(_BLOCK | _INLINE, key=len, reverse=True))})(?![\w-])[^<>]*>"
_NO_TAG = re.compile(rf"<(?!{_TAG})", re.IGNORECASE)
_NO_ENTITY = re.compile(r"&(?!#\d{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)")
_DOCTYPE = re.compile(r"<!doctype\b[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class StripHTML:
    """Remove HTML tags, comments, scripts and styles, and decode entities.

    Block tags become line ends. Only the names of HTML count as tags, so "x < y" and "List<int>"
    stay as they are, and so does "&copy=1" in an address.
    """

    name = "html"

    def __call__(self, text: str) -> str:
        if "<" not in text and "&" not in text:
            return text
        text = _DOCTYPE.sub("", _without_comments(text))
        parser = _Prose()
        parser.feed(_NO_ENTITY.sub("&amp;", _NO_TAG.sub("&lt;", text)))
        parser.close()
        return "".join(parser.parts)


class _Prose(HTMLParser):
    """Collects the text outside tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: str | None = None

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag in _SILENT and self._silent is None:
            self._silent = tag
        self._part(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = None
        self._part(tag)

    def handle_data(self, data: str) -> None:
        if self._silent is None:
            self.parts.append(data)

    def _part(self, tag: str) -> None:
        if self._silent is None and tag in _BLOCK and self.parts and self.parts[-1] != "\n":
            self.parts.append("\n")
        elif self._silent is None and tag in ("td", "th"):
            self.parts.append(" ")


def _without_comments(text: str) -> str:
    """Cut <!-- … -->; one that never ends stays, as text. Linear, where a pattern is quadratic."""
    parts, place = [], 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts.append(text[place:start])
        place = end + 3
    return "".join(parts) + text[place:]


_URL = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]++",
    re.IGNORECASE,
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}+@[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+)++"
)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_])[0-9０-９]++(?:[.,][0-9０-９]++)*+(?![A-Za-z_])")


@dataclass(frozen=True)
class Mask:
    """Put a word in the place of web addresses, e-mail addresses and numbers.

    None keeps them as they are, "" removes them. Marks that end a sentence are no part of an
    address; Chinese characters end one. The digits of a word, as in "GPT2", are no number.
    """

    urls: str | None = "<url>"
    emails: str | None = "<email>"
    numbers: str | None = None
    name = "mask"

    def __call__(self, text: str) -> str:
        if self.urls is not None:
            text = _URL.sub(self._url, text)
        if self.emails is not None:
            text = _EMAIL.sub(lambda _: self.emails, text)
        if self.numbers is not None:
            text = _NUMBER.sub(lambda _: self.numbers, text)
        return text

    def _url(self, match: re.Match) -> str:
        address = match[0].rstrip(".,;:!?'")
        if address.endswith(")") and "(" not in address:  # (see http://a.b/c)
            address = address.rstrip(").,;:!?'")
        return self.urls + match[0][len(address) :]
