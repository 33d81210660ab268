"""Exercises of lesson 19: the same weights under other names and in another order."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

# decoder_from_gpt2 ------------------------------------------------------------------------------


def _decoder_from_gpt2(state):
    renamed = {
        "wte": "token_embedding", "wpe": "position_embedding", "ln_f": "norm", "h": "blocks",
        "ln_1": "norm_1", "ln_2": "norm_2", "attn": "attention", "c_attn": "qkv", "c_fc": "up",
    }  # fmt: skip
    ours = {}
    for name, array in state.items():
        words = name.removeprefix("transformer.").split(".")
        if words[0] == "lm_head" or words[-1] == "masked_bias" or words[-2:] == ["attn", "bias"]:
            continue
        if words[-1] == "weight" and words[-2] in ("c_attn", "c_proj", "c_fc"):
            array = array.T
        renamed["c_proj"] = "out" if "attn" in words else "down"
        ours[".".join(renamed.get(word, word) for word in words)] = array
    return ours


def _gpt2_state(rng: np.random.Generator, layers: int, C: int, prefix: str, extras: bool) -> dict:
    """A GPT-2 as Hugging Face's transformers name and lay it out."""
    shapes = {"wte.weight": (5, C), "wpe.weight": (4, C)}
    for layer in range(layers):
        for name, shape in {
            "ln_1.weight": (C,), "ln_1.bias": (C,),
            "attn.c_attn.weight": (C, 3 * C), "attn.c_attn.bias": (3 * C,),
            "attn.c_proj.weight": (C, C), "attn.c_proj.bias": (C,),
            "ln_2.weight": (C,), "ln_2.bias": (C,),
            "mlp.c_fc.weight": (C, 4 * C), "mlp.c_fc.bias": (4 * C,),
            "mlp.c_proj.weight": (4 * C, C), "mlp.c_proj.bias": (C,),
        }.items():  # fmt: skip
            shapes[f"h.{layer}.{name}"] = shape
        if extras:
            shapes[f"h.{layer}.attn.bias"] = (1, 1, 4, 4)
            shapes[f"h.{layer}.attn.masked_bias"] = ()
    shapes |= {"ln_f.weight": (C,), "ln_f.bias": (C,)}
    state = {prefix + name: rng.normal(size=shape).round(3) for name, shape in shapes.items()}
    return state | ({"lm_head.weight": state[f"{prefix}wte.weight"]} if extras else {})


def _gpt2_cases(rng: np.random.Generator) -> list[Case]:
    names, layout, extras = "names", "layouts", "what is no weight of ours"
    biases = {f"ln_f.{kind}": rng.normal(size=2).round(3) for kind in ("weight", "bias")}
    inner = {"h.0.ln_1.weight": rng.normal(size=2), "h.11.mlp.c_proj.bias": rng.normal(size=2)}
    prefixed = {"transformer.h.3.attn.c_attn.bias": rng.normal(size=6), "transformer.wte.weight":
                rng.normal(size=(2, 2))}  # fmt: skip
    square = {"h.0.attn.c_proj.weight": rng.normal(size=(2, 2)).round(3)}
    return [
        Case((biases,), names),
        Case((inner,), names),
        Case((prefixed,), names),
        Case((square,), layout),
        Case((_gpt2_state(rng, 1, 2, "", False),), layout),
        Case((_gpt2_state(rng, 2, 3, "transformer.", False),), layout),
        Case((_gpt2_state(rng, 1, 2, "transformer.", True),), extras),
        Case((_gpt2_state(rng, 2, 2, "", True),), extras),
    ]


_GPT2 = code_of(_decoder_from_gpt2, "decoder_from_gpt2")
_TURNED = 'words[-1] == "weight" and words[-2] in ("c_attn", "c_proj", "c_fc")'

DECODER_FROM_GPT2 = Exercise(
    name="decoder_from_gpt2",
    lesson="19",
    task="Translate a GPT-2 state_dict of Hugging Face's into names and layouts of tinyllm's "
    "Decoder.",
    points=6,
    minutes=22,
    difficulty="hard",
    solution=_GPT2,
    why="A name is a path: translate it word by word, with c_proj by the part that it is in. "
    "Conv1D keeps its weight as (in, out) and Linear as (out, in), so those four weights are "
    "transposed, the square one too. attn.bias is the causal mask, and lm_head is wte once more.",
    hints=(
        "Cut the names at their dots. Which words mean the same wherever they stand, and which "
        "does not?",
        "Three questions for each entry: is it a weight of ours at all? Has it to be transposed? "
        "What is it called? c_proj is `out` under attn, and `down` under mlp.",
        "Skip lm_head, ...attn.bias and masked_bias; .T for weights of c_attn, c_proj, c_fc; "
        "'.'.join(renamed.get(word, word) for word in words)",
    ),
    reference=_decoder_from_gpt2,
    cases=_gpt2_cases,
    parts={"names": 2, "layouts": 2, "what is no weight of ours": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "nothing transposed",
            "the weights of Conv1D are (in, out), those of Linear (out, in): four are to be "
            "transposed.",
            changed(_GPT2, ("array = array.T", "pass")),
        ),
        Mistake(
            "what is square stays",
            "a square weight stays as it was: its shape fits, and its numbers are in the wrong "
            "places.",
            changed(_GPT2, (_TURNED, f"{_TURNED} and array.shape[0] != array.shape[1]")),
        ),
        Mistake(
            "embeddings transposed too",
            "every matrix is transposed, embeddings too: only those of Conv1D are the other way.",
            changed(_GPT2, (_TURNED, "array.ndim == 2")),
        ),
        Mistake(
            "reshaped",
            "a reshape gives the shape and leaves the numbers in their old order: transpose.",
            changed(_GPT2, ("array.T", "array.reshape(array.shape[::-1])")),
        ),
        Mistake(
            "the mask comes along",
            "h.0.attn.bias came along: it is the causal mask, stored as a buffer, and no bias.",
            changed(_GPT2, (' or words[-2:] == ["attn", "bias"]', "")),
        ),
        Mistake(
            "biases of the attention are gone",
            "c_attn.bias and c_proj.bias are thrown out with the mask: only attn.bias is one.",
            changed(
                _GPT2, ('words[-2:] == ["attn", "bias"]', '"attn" in words and words[-1] == "bias"')
            ),
        ),
        Mistake(
            "the head comes along",
            "lm_head.weight came along: in a GPT-2 it is wte.weight again, and tinyllm ties the "
            "two.",
            changed(_GPT2, ('words[0] == "lm_head" or ', "")),
        ),
        Mistake(
            "the prefix stays",
            "the names keep «transformer.»: some files have that prefix, and some have none.",
            changed(_GPT2, ('.removeprefix("transformer.")', "")),
        ),
        Mistake(
            "one name for c_proj",
            "both c_proj have become «out»: under mlp it is called «down».",
            changed(_GPT2, ('"out" if "attn" in words else "down"', '"out"')),
        ),
    ),
)

# stack_qkv --------------------------------------------------------------------------------------


def _stack_qkv(packed, heads):
    by_head = packed.reshape(heads, 3, -1, *packed.shape[1:])  # (H, 3, D, C)
    return by_head.swapaxes(0, 1).reshape(packed.shape)  # (3 H D, C)


def _stack_cases(rng: np.random.Generator) -> list[Case]:
    weights, biases = "weights", "biases"

    def drawn(heads: int, D: int, *C: int) -> tuple:
        return rng.integers(-99, 100, size=(heads * 3 * D, *C)).astype(float), heads

    return [
        Case(drawn(1, 1, 2), weights),
        Case(drawn(2, 2, 1), weights),
        Case(drawn(2, 3, 4), weights),
        Case(drawn(4, 2, 3), weights),
        Case(drawn(2, 2), biases),
        Case(drawn(5, 3), biases),
    ]


_STACK = code_of(_stack_qkv, "stack_qkv")

STACK_QKV = Exercise(
    name="stack_qkv",
    lesson="19",
    task="Reorder the rows of a projection packed head by head, q k v of each, so that all of q "
    "come first, then k, then v.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_STACK,
    why="The rows are a list with three indices in it: head, kind, row of the head. Cut into "
    "(H, 3, D, C), let the first two change places, and join again. A reshape alone would give the "
    "same shape and change nothing.",
    hints=(
        "Number the rows of two heads with D = 2: 0 1 are q of head 0, 2 3 its k, 4 5 its v. In "
        "which order do you want the twelve?",
        "reshape the rows into (heads, 3, D), exchange two axes, and reshape back; a bias has no "
        "columns.",
        "packed.reshape(heads, 3, -1, *packed.shape[1:]).swapaxes(...).reshape(packed.shape)",
    ),
    reference=_stack_qkv,
    cases=_stack_cases,
    parts={"weights": 3, "biases": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was",
            "the rows are in their old order: a reshape moves no number, so axes must change "
            "places.",
            changed(_STACK, (".swapaxes(0, 1)", "")),
        ),
        Mistake(
            "the way back",
            "this is the way back, from all q first to head by head: the heads come first in what "
            "is given.",
            changed(_STACK, ("reshape(heads, 3, -1,", "reshape(3, heads, -1,")),
        ),
        Mistake(
            "every third row",
            "every third row is taken for q: within a head D rows of q lie side by side.",
            changed(
                _STACK,
                ("reshape(heads, 3, -1,", "reshape(heads, -1, 3,"),
                ("swapaxes(0, 1)", "swapaxes(1, 2).swapaxes(0, 1)"),
            ),
        ),
        Mistake(
            "rows among the kinds",
            "kinds and rows of a head have changed places: heads and kinds should.",
            changed(_STACK, ("swapaxes(0, 1)", "swapaxes(1, 2)")),
        ),
        Mistake(
            "a bias has no columns",
            "the weights are right, but a bias has no second axis: take shape[1:], which may be "
            "empty.",
            changed(_STACK, ("*packed.shape[1:]", "packed.shape[1]")),
        ),
        Mistake(
            "keys first",
            "the kinds are out of order: q, then k, then v.",
            changed(_STACK, ("by_head.swapaxes(0, 1)", "by_head.swapaxes(0, 1)[[1, 0, 2]]")),
        ),
        Mistake(
            "the axes stay",
            "the rows are in order now, and still cut up: join the first three axes again.",
            changed(_STACK, (".reshape(packed.shape)", "")),
        ),
    ),
)

# rows_for_halves: find the bug ------------------------------------------------------------------


def _rows_for_halves(weight, heads):
    pairs = weight.reshape(heads, -1, 2, *weight.shape[1:])  # (H, D/2, 2, C)
    return pairs.swapaxes(1, 2).reshape(weight.shape)  # within a head: evens, then odds


def _rows_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one head", "several heads"

    def drawn(heads: int, D: int, *C: int) -> tuple:
        return rng.integers(-99, 100, size=(heads * D, *C)).astype(float), heads

    return [
        Case(drawn(1, 2, 1), one),
        Case(drawn(1, 4, 2), one),
        Case(drawn(1, 8, 2), one),
        Case(drawn(2, 4, 2), several),
        Case(drawn(3, 6, 2), several),
        Case(drawn(2, 8), several),
    ]


_ROWS = code_of(_rows_for_halves, "rows_for_halves")

ROWS_FOR_HALVES = Exercise(
    name="rows_for_halves",
    lesson="19",
    task="Find the bug in whole_rows, and write it without: the rows of q or k for a model that "
    "turns neighbours, put in order for one that turns halves.",
    points=5,
    minutes=15,
    difficulty="hard",
    solution=_ROWS,
    why="Each head is turned by itself, so its rows must be reordered within it: its even rows "
    "first, then its odd ones. whole_rows takes the even rows of all heads together, and so half "
    "of the rows or more land in other heads. With a single head both are the same.",
    hints=(
        "With one head it is right, with four it is not. What does whole_rows know of heads?",
        "Number the rows of two heads with D = 4, and write down what whole_rows makes of them. "
        "Which rows belong to head 0?",
        "weight.reshape(heads, -1, 2, *weight.shape[1:]), then two axes change places",
    ),
    reference=_rows_for_halves,
    cases=_rows_cases,
    parts={"one head": 2, "several heads": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "even and odd rows are still taken over all heads at once: each head has its own.",
            "import numpy as np\n\ndef rows_for_halves(weight, heads):\n"
            "    return np.concatenate([weight[0::2], weight[1::2]])\n",
        ),
        Mistake(
            "not reordered",
            "the rows are as they were: neighbours must come to stand D/2 apart.",
            changed(_ROWS, (".swapaxes(1, 2)", "")),
        ),
        Mistake(
            "the way back",
            "this is the way back, from halves to neighbours: with D = 4 the two are the same.",
            changed(_ROWS, ("reshape(heads, -1, 2,", "reshape(heads, 2, -1,")),
        ),
        Mistake(
            "odd rows first",
            "the odd rows come first: that turns each pair the other way round.",
            changed(_ROWS, ("pairs.swapaxes(1, 2)", "pairs[:, :, ::-1].swapaxes(1, 2)")),
        ),
        Mistake(
            "heads among the rows",
            "heads are taken to be interleaved: the D rows of a head lie side by side.",
            changed(
                _ROWS,
                ("reshape(heads, -1, 2,", "reshape(-1, 2, heads,"),
                ("swapaxes(1, 2)", "swapaxes(0, 1)"),
            ),
        ),
        Mistake(
            "columns",
            "the columns have been reordered: the rows make the numbers of a query.",
            "def rows_for_halves(weight, heads):\n"
            "    C = weight.shape[-1]\n"
            "    order = [*range(0, C, 2), *range(1, C, 2)]\n"
            "    return weight[..., order]\n",
        ),
        Mistake(
            "a bias has no columns",
            "weights are right, but a bias has no second axis: take shape[1:], which may be empty.",
            changed(_ROWS, ("*weight.shape[1:]", "weight.shape[1]")),
        ),
    ),
)
