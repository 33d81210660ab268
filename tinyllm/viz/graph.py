"""The computation graph that a tensor's backward will walk, as an SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from tinyllm.tape import Node
from tinyllm.tensor import Tensor
from tinyllm.viz import style

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 124, 44, 56, 20, 20  # pixels
MOST = 300  # nodes: more are no picture


def graph_picture(root: Tensor, names: Mapping[str, Tensor] | None = None) -> str:
    """Draw from left to right how a tensor was made: leaves in orange, ops in blue, with shapes.

    An arrow goes from what is used to what uses it, twice where it is used twice. Inputs that want
    no gradient leave no trace on the tape and are not drawn. In a notebook:
    `IPython.display.SVG(graph_picture(loss, {"w": w}))`.

    Args:    root: what `backward` would be called on.
             names: of leaves, to stand in their boxes.
    Raises:  ValueError for a tensor without a graph, or one of more than 300 boxes.
    """
    if not root.requires_grad:
        raise ValueError(
            "graph_picture: the tensor has no graph: nothing it was made of requires a gradient, "
            "or it was made under no_grad"
        )
    titles = {id(leaf): name for name, leaf in (names or {}).items()}
    boxes = _boxes(root)
    places = _places(boxes)
    columns = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    width = 2 * MARGIN + columns * (WIDTH + ACROSS) - ACROSS
    height = 2 * MARGIN + rows * (HEIGHT + DOWN) - DOWN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="13">',
        f'<rect width="100%" height="100%" fill="{style.PAPER}"/>',
        f'<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{style.QUIET}"/>'
        "</marker></defs>",
    ]
    for box in boxes:
        uses = [source for source, _ in _used(box)]
        for turn, source in enumerate(uses):
            between = [places[source, box, c] for c in range(places[source][0] + 1, places[box][0])]
            aim = (turn + 1) / (len(uses) + 1)  # each input has a point of its own to arrive at
            parts.append(_arrow([places[source], *between, places[box]], aim))
    for box in boxes:
        parts.append(_drawn(box, _corner(places[box]), titles))
    return "\n".join([*parts, "</svg>\n"])


def _used(box: Node | Tensor) -> list[tuple[Any, int]]:
    """What an op used, as (Node or leaf, which output); nothing for a leaf."""
    return [edge for edge in box.next_functions if edge] if isinstance(box, Node) else []


def _boxes(root: Tensor) -> list[Node | Tensor]:
    """All leaves and ops below the root, whatever is used before what uses it."""
    first = root if root.grad_fn is None else root.grad_fn
    found: dict[Node | Tensor, None] = {first: None}
    waiting = [first]
    while waiting:
        for source, _ in _used(waiting.pop()):
            if source not in found:
                found[source] = None
                waiting.append(source)
        if len(found) > MOST:
            raise ValueError(
                f"graph_picture: the graph has more than {MOST} boxes: draw that of a smaller model"
            )
    leaves = [box for box in found if not isinstance(box, Node)]
    return leaves + sorted((b for b in found if isinstance(b, Node)), key=lambda node: node.number)


def _places(boxes: list[Node | Tensor]) -> dict[Any, tuple[int, float]]:
    """A column and a row for each box, right of all that it uses; a leaf just left of its first
    user. An arrow that passes columns has a place in each, at (source, user, column), so that it
    goes round the boxes there.
    """
    column: dict[Node | Tensor, int] = {}
    for box in boxes:
        column[box] = 1 + max((column[source] for source, _ in _used(box)), default=-1)
    edges = [(source, box) for box in boxes for source in {s: None for s, _ in _used(box)}]
    for leaf in [box for box in boxes if not isinstance(box, Node)]:
        column[leaf] = (
            min((column[user] for source, user in edges if source is leaf), default=1) - 1
        )
    here: list[list[Any]] = [[] for _ in range(1 + max(column.values()))]
    for box in boxes:
        here[column[box]].append(box)
    for source, user in edges:
        for c in range(column[source] + 1, column[user]):
            here[c].append((source, user, c))
    places: dict[Any, tuple[int, float]] = {}
    most = max(map(len, here))
    for c, items in enumerate(here):
        items.sort(key=lambda item: _mean_row(item, places))
        top = (most - len(items)) / 2  # short columns stand in the middle
        places |= {item: (c, top + row) for row, item in enumerate(items)}
    return places


def _mean_row(item: Any, places: dict[Any, tuple[int, float]]) -> float:
    """Where an item's sources are on average: near them its arrows cross few others."""
    if isinstance(item, tuple):
        source, user, c = item
        return places.get((source, user, c - 1), places[source])[1] + 0.25  # below, not through
    rows = [places[source][1] for source, _ in _used(item)]
    return sum(rows) / len(rows) if rows else len(places)


def _corner(place: tuple[int, float]) -> tuple[float, float]:
    return MARGIN + place[0] * (WIDTH + ACROSS), MARGIN + place[1] * (HEIGHT + DOWN)


def _arrow(places: list[tuple[int, float]], aim: float) -> str:
    """From the first box through the places between to the last, where it arrives at `aim`."""
    (x, y), *through, (to_x, to_y) = map(_corner, places)
    x, y = x + WIDTH, y + HEIGHT / 2
    path = f"M{x:.0f} {y:.0f}"
    for near, middle, far in (*((a, b + HEIGHT / 2, a + WIDTH) for a, b in through),
                              (to_x, to_y + aim * HEIGHT, None)):  # fmt: skip
        bend = (near - x) / 2
        path += f" C{x + bend:.0f} {y:.0f} {near - bend:.0f} {middle:.0f} {near:.0f} {middle:.0f}"
        if far is not None:
            path += f" L{far:.0f} {middle:.0f}"
            x, y = far, middle
    return f'<path d="{path}" fill="none" stroke="{style.QUIET}" marker-end="url(#end)"/>'


def _drawn(box: Node | Tensor, corner: tuple[float, float], titles: dict[int, str]) -> str:
    if isinstance(box, Node):
        title, colour = box.function.__name__, style.BLUE
        shape = ", ".join(str(shape) for shape, _ in box.outputs)
    else:
        title, colour, shape = titles.get(id(box), "leaf"), style.ORANGE, str(box.shape)
    x, y = corner
    middle = x + WIDTH / 2
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="6" '
        f'fill="{style.PAPER}" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{middle:.0f}" y="{y + 19:.0f}" text-anchor="middle" fill="{style.INK}">'
        f"{escape(title)}</text>"
        f'<text x="{middle:.0f}" y="{y + 36:.0f}" text-anchor="middle" font-size="11" '
        f'fill="{style.QUIET}">{escape(shape)}</text>'
    )
