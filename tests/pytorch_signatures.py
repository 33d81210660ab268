"""Parameters of PyTorch's functions, wherever they are told, and how ours compare with them."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

import torch

# Parameters that nothing has here, whatever the function; the page says so once.
_ABSENT = (
    "out layout pin_memory memory_format non_blocking names "  # one device, one layout
    "foreach fused capturable differentiable "  # of optimizers: other ways to the same numbers
    "size_average reduce grad_variables "  # given up in PyTorch too
    "sparse sparse_grad _stacklevel"
)
ABSENT_EVERYWHERE = frozenset(_ABSENT.split())
_SCHEMA_NAMES = {"logsigmoid": "log_sigmoid", "absolute": "abs", "softmax": "softmax"}
_ANY = "?"  # a parameter without a name that counts: it is given by its place alone
_BY_NAME = {"device", "dtype"}  # wherever they stand, they are given by name


@dataclass(frozen=True)
class Form:
    """One way to call a function: names by position, and names by keyword alone."""

    positional: tuple[str, ...]
    keyword: frozenset[str] = frozenset()
    rest: bool = False  # any number of values may follow: zeros(2, 3)

    @property
    def names(self) -> set[str]:
        return {*self.positional, *self.keyword}

    def without(self, names: frozenset[str]) -> Form:
        kept = tuple(name for name in self.positional if name not in names)
        return Form(kept, self.keyword - names, self.rest)


def form_of(function: Any, method: bool = False) -> Form | None:
    """The form that Python itself knows, if it does."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return None
    if method:
        parameters = parameters[1:]
    parameters = [p for p in parameters if p.kind is not p.VAR_KEYWORD and not _is_args(p)]
    keyword = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    positional = [p for p in parameters if p.name not in keyword]
    names = [_ANY if p.kind is p.POSITIONAL_ONLY else p.name for p in positional]
    rest = any(p.kind is p.VAR_POSITIONAL for p in positional)
    return Form(tuple(names), frozenset(keyword), rest)


def _is_args(parameter: inspect.Parameter) -> bool:
    return parameter.kind is parameter.VAR_POSITIONAL and parameter.name == "args"


def forms_of_pytorch(function: Any, name: str, method: bool = False) -> list[Form]:
    """Every form that PyTorch tells: in Python, in the documentation, in the operator's schemas."""
    known = form_of(function, method)
    forms = [known] if known else []
    forms += _documented(function, name)
    alike = getattr(torch, name, None) if method else None
    if alike is not None:  # x.sort(...) takes what sort(x, ...) takes
        forms += [form.without(frozenset({"input"})) for form in _documented(alike, name)]
    if not inspect.isclass(function) and not inspect.isfunction(function):
        forms += _schemas(name, method)
    return forms


def _documented(function: Any, name: str) -> list[Form]:
    """The forms at the top of a docstring: `sort(input, dim=-1, *, out=None) -> Tensor`."""
    text = (function.__doc__ or "").replace("\\", "")
    told = re.findall(rf"^[ .]*(?:function:: )?(?:\w+\.)*{name}\((.*?)\) *(?:->|$)", text, re.M)
    return [_parsed(parameters) for parameters in told]


def _parsed(parameters: str) -> Form:
    while True:  # defaults may hold commas: (0.9, 0.999)
        shorter = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", parameters)
        if shorter == parameters:
            break
        parameters = shorter
    positional, keyword, stars = [], set(), False
    for part in filter(None, (part.strip() for part in parameters.split(","))):
        name = re.split(r"[=:\s]", part)[0]
        if name == "*":
            stars = True
        elif name not in ("/", "*args", "**kwargs"):
            (keyword.add if stars else positional.append)(name.lstrip("*"))
    return Form(tuple(positional), frozenset(keyword))


def _schemas(name: str, method: bool) -> list[Form]:
    forms = []
    for operator in (name, f"special_{name}", f"linalg_{name}", _SCHEMA_NAMES.get(name, name)):
        for schema in torch._C._jit_get_schemas_for_operator(f"aten::{operator}"):
            positional, keyword = [], set()
            for argument in schema.arguments:
                if argument.name == "self":
                    if not method:
                        positional.append("input")
                elif argument.kwarg_only:
                    keyword.add(argument.name)
                else:
                    positional.append(argument.name)
            forms.append(Form(tuple(positional), frozenset(keyword)))
    return forms


@dataclass(frozen=True)
class Comparison:
    """How our parameters differ from the nearest of PyTorch's forms."""

    without: frozenset[str] = frozenset()
    adds: frozenset[str] = frozenset()
    reordered: bool = False

    def __bool__(self) -> bool:
        return bool(self.without or self.adds or self.reordered)


def compare(ours: Any, theirs: Any, name: str, method: bool = False) -> Comparison | None:
    """Compare with the nearest form; None where ours, or PyTorch's, cannot be known."""
    here = form_of(ours, method)
    forms = forms_of_pytorch(theirs, name, method)
    if here is None or not (forms or here == Form(())):
        return None
    if not forms:
        return Comparison()  # nothing to be named
    dropped = ABSENT_EVERYWHERE - here.names
    known = set().union(*(form.names for form in forms))
    return min(
        (_compared(here, form.without(dropped), known) for form in forms),
        key=lambda c: (len(c.without) + len(c.adds), c.reordered),
    )


def _compared(ours: Form, theirs: Form, known: set[str]) -> Comparison:
    """Compare two forms; a name that another of PyTorch's forms has (`known`) is not added."""
    theirs = _named_by_place(theirs, ours)
    if ours.rest and ours.positional[-1] not in theirs.names:
        ours, theirs = _without_the_rest(ours, theirs)
    common = (ours.names & theirs.names) - _BY_NAME
    kept = [tuple(n for n in form.positional if n in common) for form in (ours, theirs)]
    # a keyword of PyTorch's may have a place here; a place of PyTorch's must be a place here
    places = min(map(len, kept)) if ours.rest else len(kept[1])
    reordered = kept[0][:places] != kept[1][:places]
    without, adds = theirs.names - ours.names, ours.names - theirs.names - known
    return Comparison(frozenset(without), frozenset(adds), reordered)


def _without_the_rest(ours: Form, theirs: Form) -> tuple[Form, Form]:
    """Let our `*sizes` stand for the name that PyTorch has in its place."""
    place = len(ours.positional) - 1
    ours = Form(ours.positional[:-1], ours.keyword, rest=True)
    if theirs.positional[place:] and theirs.positional[place] not in ours.names:
        names = theirs.positional[:place] + theirs.positional[place + 1 :]
        theirs = Form(names, theirs.keyword, theirs.rest)
    return ours, theirs


def _named_by_place(theirs: Form, ours: Form) -> Form:
    names = [*ours.positional, *[_ANY] * len(theirs.positional)]
    places = zip(theirs.positional, names, strict=False)
    return Form(tuple(name if one == _ANY else one for one, name in places), theirs.keyword)
