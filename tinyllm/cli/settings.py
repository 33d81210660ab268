"""Command-line options made of the fields of a settings dataclass."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable
from typing import Any

import typer

MODEL_SETTINGS = {
    "layers": (int, "blocks of attention and MLP, one upon the other"),
    "heads": (int, "attention heads in each; must divide the width"),
    "width": (int, "numbers that stand for a token inside the model"),
    "context_length": (int, "tokens that the model sees at once"),
    "kv_heads": (int, "heads of keys and values, if fewer (heads)"),
    "hidden_width": (int, "width inside the MLP (4 x width)"),
    "positions": (str, "learned | rotary"),
    "norm": (str, "layer | rms"),
    "activation": (str, "gelu_tanh | gelu | relu2 | swiglu"),
    "bias": (bool, "biases in linear layers and norms"),
    "dropout": (float, "probability at which activations are dropped"),
    "tie_embeddings": (bool, "one matrix reads tokens and predicts them"),
    "qk_norm": (bool, "each query and key given the root mean square qk-gain"),
    "qk_gain": (float, "how sharp normalised queries and keys can be"),
    "zero_init_branches": (bool, "branches that add 0 at first"),
    "embedding_std": (float, "standard deviation of the first embeddings"),
}


def with_settings(training: type) -> Callable[[Callable], Callable]:
    """Give a command an option for each setting of the model and of `training`, a dataclass.

    The command takes them as keyword arguments, None for each that was not given.
    """
    return _with_options(
        [
            _option(name, kind, about, "The model (by default the preset's)")
            for name, (kind, about) in MODEL_SETTINGS.items()
        ],
        training,
    )


def with_training(training: type) -> Callable[[Callable], Callable]:
    """Do as `with_settings`, with those of `training` alone."""
    return _with_options([], training)


def _with_options(
    options: list[inspect.Parameter], training: type
) -> Callable[[Callable], Callable]:
    kinds = typing.get_type_hints(training)
    for field in dataclasses.fields(training):
        kind = next(k for k in (int, float, str) if k in (kinds[field.name], *_parts(kinds, field)))
        panel = "The training (by default the preset's)"
        options.append(_option(field.name, kind, field.metadata["about"], panel))

    def decorate(command: Callable) -> Callable:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        command.__signature__ = signature.replace(parameters=[*own, *options])
        return command

    return decorate


def _parts(kinds: dict[str, Any], field: dataclasses.Field) -> tuple[Any, ...]:
    """The members of `int | None`."""
    return typing.get_args(kinds[field.name])


def _option(name: str, kind: type, about: str, panel: str) -> inspect.Parameter:
    option = typer.Option(help=about, rich_help_panel=panel, show_default=False)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=typing.Annotated[kind | None, option],
    )
