"""Exercises of lesson 10's project: a GPT's forward, and the way back through one block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_10 import heads as all_heads
from tinyllm.course.lessons.writing import REFUSED, changed

attention_heads = all_heads._attention_heads
attention_heads_backward = all_heads._attention_heads_backward


def unit_rms(x):
    """RMS norm without a weight; this and the next two are given in the notebook."""
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def unit_rms_backward(x, grad):
    """The gradient of x, from that of unit_rms(x)."""
    scale = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
    n = x * scale
    return scale * (grad - n * (grad * n).mean(axis=-1, keepdims=True))


def linear_backward(x, weight, grad):
    """The gradients of x and of weight, from that of x @ weight.T."""
    rows, columns = weight.shape
    return grad @ weight, grad.reshape(-1, rows).T @ x.reshape(-1, columns)


def written_together(*pairs: tuple[Callable, str]) -> str:
    """One source of several functions, each under the name that learners call it by."""
    return "import numpy as np\n\n\n" + "\n\n".join(code_of(*pair) for pair in pairs)


FORWARD_PARTS = ((unit_rms, "unit_rms"), (attention_heads, "attention_heads"))
BACKWARD_PARTS = (
    *FORWARD_PARTS,
    (unit_rms_backward, "unit_rms_backward"),
    (linear_backward, "linear_backward"),
    (attention_heads_backward, "attention_heads_backward"),
)


def some_block(rng: np.random.Generator, C: int) -> dict[str, np.ndarray]:
    """The weights of one block, drawn at random."""
    shapes = {"qkv": (3 * C, C), "out": (C, C), "up": (4 * C, C), "down": (C, 4 * C)}
    return {name: 0.6 * rng.normal(size=shape) for name, shape in shapes.items()}


def some_weights(rng: np.random.Generator, V: int, N: int, C: int, layers: int) -> dict:
    """The weights of a whole model, drawn at random."""
    return {
        "tokens": rng.normal(size=(V, C)),
        "positions": rng.normal(size=(N, C)),
        "blocks": [some_block(rng, C) for _ in range(layers)],
    }


# gpt_forward ------------------------------------------------------------------------------------


def _gpt_forward(weights, inputs, heads):
    stream = [weights["tokens"][inputs] + weights["positions"][: inputs.shape[1]]]
    for block in weights["blocks"]:
        x = stream[-1]  # (B, T, C)
        y, _ = attention_heads(unit_rms(x) @ block["qkv"].T, heads)
        x = x + y @ block["out"].T
        up = np.maximum(unit_rms(x) @ block["up"].T, 0)  # (B, T, 4C)
        stream.append(x + up**2 @ block["down"].T)
    return unit_rms(stream[-1]) @ weights["tokens"].T, stream


def _forward_cases(rng: np.random.Generator) -> list[Case]:
    def case(B: int, T: int, C: int, heads: int, layers: int) -> tuple:
        return some_weights(rng, 6, 7, C, layers), rng.integers(6, size=(B, T)), heads

    one, longer, deeper = "one position", "a text", "several texts, heads and blocks"
    return [
        Case(case(1, 1, 2, 1, 1), one),
        Case(case(1, 4, 4, 1, 1), longer),
        Case(case(1, 3, 4, 2, 2), deeper),
        Case(case(3, 4, 6, 3, 3), deeper),
    ]


_FORWARD = written_together(*FORWARD_PARTS, (_gpt_forward, "gpt_forward"))
_STREAM = "        x = stream[-1]  # (B, T, C)\n"

GPT_FORWARD = Exercise(
    name="gpt_forward",
    lesson="10",
    task="The whole forward of a GPT: from weights, inputs (B, T) and heads the logits (B, T, V), "
    "and the stream, a list of (B, T, C) before the first block and after each.",
    points=5,
    minutes=15,
    difficulty="medium",
    solution=_FORWARD,
    why="A lookup, a sum, and for each block two branches that are added to the stream; at the "
    "top a norm, and a product with the same table that was looked up. Attention alone mixes "
    "positions. All the rest works on each vector by itself, so the leading axes B and T just run "
    "along.",
    hints=(
        "Write the shapes down the margin: (B, T), (B, T, C), (B, T, 3C), (B, T, 4C), (B, T, V).",
        "Branch one: unit_rms, qkv, attention_heads, out, add. Branch two, of the new stream: "
        "unit_rms, up, relu, square, down, add. A weight is stored as (out, in): multiply by its "
        "transpose.",
        'stream = [tokens[inputs] + positions[:T]]; y, _ = attention_heads(unit_rms(x) @ '
        'block["qkv"].T, heads); at the end unit_rms(stream[-1]) @ tokens.T',
    ),
    reference=_gpt_forward,
    cases=_forward_cases,
    parts={"one position": 1, "a text": 2, "several texts, heads and blocks": 2},
    refused=REFUSED,
    needs=("attention_heads",),
    mistakes=(
        Mistake(
            "no positions",
            "the vectors of the positions are not added: the model would hardly know the order.",
            changed(_FORWARD, (' + weights["positions"][: inputs.shape[1]]', "")),
        ),
        Mistake(
            "the last positions",
            "a text begins at position 0: these are the last rows of the table of positions.",
            changed(_FORWARD, ("[: inputs.shape[1]]", "[-inputs.shape[1] :]")),
        ),
        Mistake(
            "attention is not added",
            "what attention gives replaces the stream: it should be added to it.",
            changed(_FORWARD, ('x = x + y @ block["out"].T', 'x = y @ block["out"].T')),
        ),
        Mistake(
            "the MLP is not added",
            "what the two last matrices give replaces the stream: it should be added to it.",
            changed(_FORWARD, ("append(x + up**2", "append(up**2")),
        ),
        Mistake(
            "one array all the way",
            "x += ... changes the array that stands in the stream already, so that every entry is "
            "the last one: x = x + ... makes a new array.",
            changed(
                _FORWARD,
                ('x = x + y @ block["out"].T', 'x += y @ block["out"].T'),
                ('append(x + up**2 @ block["down"].T)',
                 'append(np.add(x, up**2 @ block["down"].T, out=x))'),
            ),
        ),
        Mistake(
            "attention is added in place",
            "x += ... adds attention to the entry of the stream itself, where x came from: that "
            "should stay as it was before the block.",
            changed(_FORWARD, ('x = x + y @ block["out"].T', 'x += y @ block["out"].T')),
        ),
        Mistake(
            "attention reads past its norm",
            "attention reads the stream itself: it should read unit_rms of it.",
            changed(_FORWARD, ("attention_heads(unit_rms(x) @", "attention_heads(x @")),
        ),
        Mistake(
            "the MLP reads past its norm",
            "the MLP reads the stream itself: it should read unit_rms of it.",
            changed(_FORWARD, ("np.maximum(unit_rms(x) @", "np.maximum(x @")),
        ),
        Mistake(
            "the stream is normalised",
            "the stream itself is replaced by its norm at each block: the norm is only for what a "
            "branch reads.",
            changed(_FORWARD, (_STREAM, "        x = unit_rms(stream[-1])\n")),
        ),
        Mistake(
            "side by side",
            "the MLP reads the stream as it came into the block: it should read it after attention "
            "has added to it.",
            changed(
                _FORWARD,
                ('np.maximum(unit_rms(x) @ block["up"]',
                 'np.maximum(unit_rms(stream[-1]) @ block["up"]'),
            ),
        ),
        Mistake(
            "relu is not squared",
            "relu is there, but not its square.",
            changed(_FORWARD, ("up**2", "up")),
        ),
        Mistake(
            "no norm at the top",
            "the norm before the logits is missing.",
            changed(_FORWARD, ("return unit_rms(stream[-1]) @", "return stream[-1] @")),
        ),
    ),
)  # fmt: skip

# block_gradients --------------------------------------------------------------------------------


def _block_gradients(block, x, grad, heads):
    n = unit_rms(x)  # the way up once more, for what the way back needs
    qkv = n @ block["qkv"].T
    y, shares = attention_heads(qkv, heads)
    middle = x + y @ block["out"].T
    m = unit_rms(middle)
    up = np.maximum(m @ block["up"].T, 0)  # (B, T, 4C)
    found = {}
    grad_square, found["down"] = linear_backward(up**2, block["down"], grad)
    grad_m, found["up"] = linear_backward(m, block["up"], grad_square * 2 * up)
    grad = grad + unit_rms_backward(middle, grad_m)
    grad_y, found["out"] = linear_backward(y, block["out"], grad)
    grad_qkv = attention_heads_backward(qkv, shares, grad_y)
    grad_n, found["qkv"] = linear_backward(n, block["qkv"], grad_qkv)
    return grad + unit_rms_backward(x, grad_n), found


def _block_cases(rng: np.random.Generator) -> list[Case]:
    def case(B: int, T: int, C: int, heads: int) -> tuple:
        x, grad = rng.normal(size=(2, B, T, C))
        return some_block(rng, C), 1.5 * x, grad, heads

    one, longer, several = "one position", "a text", "several texts and heads"
    return [
        Case(case(1, 1, 4, 1), one),
        Case(case(1, 4, 4, 1), longer),
        Case(case(1, 3, 4, 2), several),
        Case(case(2, 4, 6, 3), several),
    ]


_BLOCK = written_together(*BACKWARD_PARTS, (_block_gradients, "block_gradients"))

BLOCK_GRADIENTS = Exercise(
    name="block_gradients",
    lesson="10",
    task="The way back through one block: from its weights, its input x (B, T, C), the gradient of "
    "its output and heads, the gradient of x and a dict of the weights' gradients.",
    points=6,
    minutes=22,
    difficulty="hard",
    solution=_BLOCK,
    why="What came last goes back first. A sum hands its gradient to both sides unchanged, so at "
    "each plus the gradient of the stream stays and the branch's is added to it, through the norm. "
    "The attention branch gets the gradient that already holds the MLP's part, because the MLP "
    "read what attention had added.",
    hints=(
        "Write the block's forward into your function first, one line for each step, each result "
        "with a name. Then walk those lines from the last to the first.",
        "Back through down, the square (its slope is 2 times the relu, which also covers relu), "
        "up, the norm; add to grad. Then through out, the heads, qkv, the norm; add to grad.",
        "grad_square, found['down'] = linear_backward(up**2, block['down'], grad); grad_m, "
        "found['up'] = linear_backward(m, block['up'], grad_square * 2 * up); grad = grad + "
        "unit_rms_backward(middle, grad_m); and likewise for attention",
    ),
    reference=_block_gradients,
    cases=_block_cases,
    parts={"one position": 1, "a text": 3, "several texts and heads": 2},
    refused=REFUSED,
    needs=("attention_heads", "attention_heads_backward"),
    mistakes=(
        Mistake(
            "the stream's gradient is lost at the MLP",
            "at the MLP's plus only the branch's gradient goes on: the stream's own must stay, and "
            "the branch's be added.",
            changed(
                _BLOCK,
                ("grad = grad + unit_rms_backward(middle", "grad = unit_rms_backward(middle"),
            ),
        ),
        Mistake(
            "the stream's gradient is lost at attention",
            "at attention's plus only the branch's gradient comes out: the stream's own must stay, "
            "and the branch's be added.",
            changed(_BLOCK, ("return grad + unit_rms_backward(x", "return unit_rms_backward(x")),
        ),
        Mistake(
            "both branches from the top",
            "attention gets the gradient that came from above the block: it should have the MLP's "
            "part in it by then.",
            changed(
                _BLOCK,
                ("    grad = grad + unit_rms_backward(middle, grad_m)\n", ""),
                ("return grad + unit_rms_backward(x, grad_n)",
                 "return grad + unit_rms_backward(middle, grad_m) + unit_rms_backward(x, grad_n)"),
            ),
        ),
        Mistake(
            "past the norm",
            "the MLP's gradient goes past its norm: what the branch read was unit_rms of the "
            "stream.",
            changed(_BLOCK, ("grad + unit_rms_backward(middle, grad_m)", "grad + grad_m")),
        ),
        Mistake(
            "past the norm of attention",
            "the attention's gradient goes past its norm: what the branch read was unit_rms of "
            "the stream.",
            changed(_BLOCK, ("grad + unit_rms_backward(x, grad_n)", "grad + grad_n")),
        ),
        Mistake(
            "the norm's result in place of its input",
            "unit_rms_backward gets what the norm gave: it takes the x that went into the norm.",
            changed(
                _BLOCK,
                ("unit_rms_backward(middle, grad_m)", "unit_rms_backward(m, grad_m)"),
                ("unit_rms_backward(x, grad_n)", "unit_rms_backward(n, grad_n)"),
            ),
        ),
        Mistake(
            "the norm of the wrong stream",
            "the MLP's norm goes back with the block's input: it had read the stream after "
            "attention.",
            changed(_BLOCK, ("unit_rms_backward(middle, grad_m)", "unit_rms_backward(x, grad_m)")),
        ),
        Mistake(
            "the slope of relu alone",
            "the slope of the square is missing: of relu(h)² it is 2 relu(h), not 1.",
            changed(_BLOCK, ("grad_square * 2 * up", "grad_square * (up > 0)")),
        ),
        Mistake(
            "without the 2",
            "the slope of a square is 2 times the number: the 2 is missing.",
            changed(_BLOCK, ("grad_square * 2 * up", "grad_square * up")),
        ),
        Mistake(
            "the stream in place of its norm",
            "the gradient of `up` is made with the stream: what went into that product was its "
            "norm.",
            changed(_BLOCK, ("linear_backward(m,", "linear_backward(middle,")),
        ),
    ),
)  # fmt: skip

EXERCISES = (GPT_FORWARD, BLOCK_GRADIENTS)
