"""What the configs of all models check and do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

Config = TypeVar("Config")


def check_sizes(config: Any, names: Iterable[str], least: int = 1) -> None:
    """Refuse what is no whole number of at least `least`. Raises TypeError, ValueError."""
    who = type(config).__name__
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{who}: {name} must be an int, not {value!r}")
        if value < least:
            raise ValueError(f"{who}: {name} must be at least {least}, not {value}")


def from_settings(kind: type[Config], settings: Mapping[str, Any]) -> Config:
    """Make a config of this kind from a dict. Raises ValueError for unknown and missing keys."""
    known = {field.name: field.default is MISSING for field in fields(kind)}
    unknown = [name for name in settings if name not in known]
    missing = [name for name, needed in known.items() if needed and name not in settings]
    if unknown or missing:
        parts = [f"unknown keys {unknown}"] if unknown else []
        parts += [f"missing keys {missing}"] if missing else []
        raise ValueError(f"{kind.__name__}: {' and '.join(parts)}; the keys are {', '.join(known)}")
    return kind(**settings)
