"""Exercises of lesson 19: bfloat16, and a safetensors file read by hand."""

from __future__ import annotations

import json

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# from_bfloat16 ----------------------------------------------------------------------------------


def _from_bfloat16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _rounded(values: np.ndarray) -> np.ndarray:
    """The upper 16 bits of float32 numbers."""
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def _bfloat_cases(rng: np.random.Generator) -> list[Case]:
    one, many = "one number", "arrays"
    return [
        Case((_rounded(np.array([1.0])),), one),
        Case((_rounded(np.array([-2.5])),), one),
        Case((_rounded(rng.normal(size=4)),), many),
        Case((_rounded(rng.normal(size=(2, 3)) * 1e6),), many),
        Case((_rounded(np.array([0.0, np.inf, -np.inf, 3e38, 65536.0])),), many),
    ]


_BFLOAT = solution_of(_from_bfloat16, "from_bfloat16")
_RETURNED = "(bits.astype(np.uint32) << 16).view(np.float32)"

FROM_BFLOAT16 = Exercise(
    name="from_bfloat16",
    lesson="19",
    task="Give the float32 numbers of an array of bfloat16 patterns, which come as uint16.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_BFLOAT,
    why="A bfloat16 is the upper half of a float32: same sign, same 8 bits of exponent, 7 bits of "
    "fraction. With 16 zero bits below, it is that float32. The bits have to be widened before "
    "they are shifted, and then looked at as a float, not converted.",
    hints=(
        "Where do the 16 bits of a bfloat16 stand in the 32 of a float32?",
        "Make the integers 32 bits wide, shift them 16 places to the left, and look at the same "
        "bits as float32: view, not astype.",
        "(bits.astype(np.uint32) << ...).view(...)",
    ),
    reference=_from_bfloat16,
    cases=_bfloat_cases,
    parts={"one number": 1, "arrays": 1},
    refused=(*REFUSED, "ml_dtypes"),
    absolute=0.0,
    mistakes=(
        Mistake(
            "read as float16",
            "the 16 bits are read as float16, which has 5 bits of exponent and 10 of fraction.",
            changed(_BFLOAT, (_RETURNED, "bits.view(np.float16).astype(np.float32)")),
        ),
        Mistake(
            "the pattern as a number",
            "the pattern is converted as if it were a number: 1.0 became 16256.",
            changed(_BFLOAT, (_RETURNED, "bits.astype(np.float32)")),
        ),
        Mistake(
            "shifted out",
            "16 bits shifted by 16 places are gone: widen to 32 bits first.",
            changed(_BFLOAT, (_RETURNED, "(bits << 16).astype(np.uint32).view(np.float32)")),
        ),
        Mistake(
            "64 bits wide",
            "each number has become two: astype(int) gives 64 bits, and a float32 has 32. Widen to "
            "uint32.",
            changed(_BFLOAT, ("astype(np.uint32)", "astype(np.int64)")),
        ),
        Mistake(
            "converted at the end",
            "the shifted integer is converted: its bits should be looked at as they are.",
            changed(_BFLOAT, (".view(np.float32)", ".astype(np.float32)")),
        ),
        Mistake(
            "in the lower half",
            "the bits are in the lower half, where the fraction ends: such numbers are nearly 0.",
            changed(_BFLOAT, (" << 16", "")),
        ),
        Mistake(
            "the wrong number of places",
            "the bits are not where they belong: a bfloat16 is the upper 16 of 32 bits.",
            changed(_BFLOAT, ("<< 16", "<< 13")),
        ),
    ),
)

# read_safetensors -------------------------------------------------------------------------------


def _read_safetensors(file):
    raw = file.tobytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    data = raw[8 + length :]
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            bits = np.frombuffer(data[begin:end], "<u2")
            flat = (bits.astype(np.uint32) << 16).view(np.float32)
        else:
            kind = {"F32": "<f4", "I64": "<i8"}[entry["dtype"]]
            flat = np.frombuffer(data[begin:end], kind)
        arrays[name] = flat.reshape(entry["shape"])
    return arrays


_NAMES = {"f": "F32", "i": "I64", "u": "BF16"}


def _file(arrays: dict[str, np.ndarray], note: str = "", turned: bool = False) -> np.ndarray:
    """A safetensors file of arrays; `turned`: the header names them from the last to the first."""
    header: dict = {"__metadata__": {"format": note}} if note else {}
    data = b""
    for name, array in arrays.items():
        part = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype.kind],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(part)],
        }
        data += part
    if turned:
        header = dict(reversed(header.items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    whole = len(text).to_bytes(8, "little") + text + data
    return np.frombuffer(whole, np.uint8)


def _safetensors_cases(rng: np.random.Generator) -> list[Case]:
    def reals(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    one, several = "one tensor", "several tensors"
    other = "bfloat16 and metadata"
    wide = {"a.weight": reals(3, 2), "a.bias": reals(3), "step": np.array(rng.integers(9, 99))}
    half = {"w": _rounded(rng.normal(size=(2, 4))), "b": reals(4)}
    return [
        Case((_file({"w": reals(2)}),), one),
        Case((_file({"w": reals(2, 3)}),), one),
        Case((_file({"ids": rng.integers(0, 99, size=(2, 2))}),), one),
        Case((_file(wide),), several),
        Case((_file(wide, turned=True),), several),
        Case((_file({"w": reals(2)}, note="pt"),), other),
        Case((_file(half),), other),
        Case((_file({**half, **wide}, note="pt", turned=True),), other),
    ]


_READ = f"import json\n\n{solution_of(_read_safetensors, 'read_safetensors')}"
_BF16 = _READ[_READ.index("            bits = ") : _READ.index("        else:")]

READ_SAFETENSORS = Exercise(
    name="read_safetensors",
    lesson="19",
    task="Read the bytes of a safetensors file with F32, I64 and BF16 in it; give a dict of "
    "arrays.",
    points=6,
    minutes=20,
    difficulty="hard",
    solution=_READ,
    why="The first 8 bytes, the lowest first, say how long the header is. The header is JSON, and "
    "its offsets count from its own end, so 8 + length is added to each. A tensor is found by its "
    "offsets and not by the order of names. __metadata__ is a note, no tensor.",
    hints=(
        "Print file[:8] and what int.from_bytes makes of them; then the bytes after.",
        "length from the 8 bytes; json.loads of the next `length` bytes; data is what comes after. "
        "For each name: cut data[begin:end], np.frombuffer with the dtype, reshape.",
        "kinds = {'F32': '<f4', 'I64': '<i8'}; BF16 is read as '<u2' and goes through "
        "from_bfloat16; skip '__metadata__'.",
    ),
    reference=_read_safetensors,
    cases=_safetensors_cases,
    parts={"one tensor": 2, "several tensors": 2, "bfloat16 and metadata": 2},
    refused=(*REFUSED, "safetensors", "ml_dtypes"),
    needs=("from_bfloat16",),
    mistakes=(
        Mistake(
            "the highest byte first",
            "the length is read with the highest byte first, and becomes enormous: the lowest "
            "stands first, «little-endian».",
            changed(_READ, ('"little"', '"big"')),
        ),
        Mistake(
            "offsets from the start of the file",
            "the offsets are counted from the start of the file: they count from the header's end.",
            changed(_READ, ("data = raw[8 + length :]", "data = raw")),
        ),
        Mistake(
            "eight bytes short",
            "the data begins 8 bytes too early: the length's own 8 bytes come before the header.",
            changed(_READ, ("data = raw[8 + length :]", "data = raw[length:]")),
        ),
        Mistake(
            "metadata is no tensor",
            "__metadata__ has neither dtype nor shape: it is a note, to be passed over.",
            changed(_READ, ('        if name == "__metadata__":\n            continue\n', "")),
        ),
        Mistake(
            "bfloat16 read as float16",
            "BF16 is read as float16: the bits have other meanings, and nothing complains.",
            changed(_READ, (_BF16, '            flat = np.frombuffer(data[begin:end], "<f2")\n')),
        ),
        Mistake(
            "bfloat16 is not known",
            "BF16 is not among the dtypes: NumPy has none, so its bits need a way of their own.",
            changed(_READ, ('entry["dtype"] == "BF16"', "False")),
        ),
        Mistake(
            "no shape",
            "the arrays are flat: the header says their shape.",
            changed(_READ, ('flat.reshape(entry["shape"])', "flat")),
        ),
        Mistake(
            "columns first",
            "the numbers are laid out column by column: the file has them row by row.",
            changed(_READ, ('(entry["shape"])', '(entry["shape"], order="F")')),
        ),
        Mistake(
            "in the order of the names",
            "the tensors are cut off one after the other, in the header's order: go by offsets.",
            changed(
                _READ,
                ("    arrays = {}\n", "    arrays, place = {}, 0\n"),
                (
                    '        begin, end = entry["data_offsets"]\n',
                    '        begin, end = entry["data_offsets"]\n'
                    "        begin, end = place, place + end - begin\n"
                    "        place = end\n",
                ),
            ),
        ),
    ),
)

EXERCISES = (FROM_BFLOAT16, READ_SAFETENSORS)
