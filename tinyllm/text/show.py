"""A text with its tokens coloured, in a notebook and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass

_TERMINAL = (44, 42, 45, 46, 43, 41)  # backgrounds that neighbours differ by
_NOTEBOOK = ("#cfe8ff", "#d5f5d0", "#f5d6f2", "#d2f3f1", "#fff2b8", "#ffd9cf")


@dataclass(frozen=True)
class ShownTokens:
    """The tokens of a text: its repr colours them in a terminal, its HTML in a notebook.

    A token that is no whole character shows its bytes, as <E4>.
    """

    ids: tuple[int, ...]
    pieces: tuple[bytes, ...]

    @property
    def labels(self) -> list[str]:
        """What is shown for each token, safe to print."""
        return [_label(piece) for piece in self.pieces]

    def __repr__(self) -> str:
        shown = [
            f"\x1b[30;{_TERMINAL[i % len(_TERMINAL)]}m{_one_line(label)}\x1b[0m"
            for i, label in enumerate(self.labels)
        ]
        return "".join(shown) + f"\n{len(self.ids)} tokens"

    def _repr_html_(self) -> str:
        from html import escape

        style = "color:#111;padding:1px 0;border-radius:3px;white-space:pre-wrap;background:"
        shown = [
            f'<span title="{token_id}" style="{style}{_NOTEBOOK[i % len(_NOTEBOOK)]}">'
            f"{escape(label)}</span>"
            for i, (token_id, label) in enumerate(zip(self.ids, self.labels, strict=True))
        ]
        return (
            f'<div style="font-family:monospace;line-height:1.7">{"".join(shown)}</div>'
            f"<small>{len(self.ids)} tokens</small>"
        )


def _label(piece: bytes) -> str:
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"<{byte:02X}>" for byte in piece)
    return "".join([c if c.isprintable() or c == "\n" else f"<{ord(c):02X}>" for c in text])


def _one_line(label: str) -> str:
    """A background would run to the end of the line: a line end is shown before it is made."""
    return label.replace("\n", "⏎\x1b[0m\n")
