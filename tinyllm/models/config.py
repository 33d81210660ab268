"""What the settings of all models share: checks, and the way to JSON and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Self


@dataclass
class ModelConfig:
    """A dataclass of sizes; its subclasses are made of JSON and checked in one manner."""

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as a dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make a config from `to_dict()`'s dict.

        Raises:  ValueError that lists unknown and missing keys.
        """
        known = {field.name: field.default is MISSING for field in fields(cls)}
        unknown = [name for name in settings if name not in known]
        missing = [name for name, needed in known.items() if needed and name not in settings]
        if unknown or missing:
            parts = [f"unknown keys {unknown}"] if unknown else []
            parts += [f"missing keys {missing}"] if missing else []
            raise ValueError(
                f"{cls.__name__}: {' and '.join(parts)}; the keys are {', '.join(known)}"
            )
        return cls(**settings)

    def check_sizes(self, names: Iterable[str], least: int = 1) -> None:
        """Refuse what is no integer, or below `least`."""
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{self._name}: {name} must be an int, not {value!r}")
            if value < least:
                raise ValueError(f"{self._name}: {name} must be at least {least}, not {value}")

    def check_multiple(self, name: str, of: str) -> None:
        """Refuse a size that another does not divide."""
        size, divisor = getattr(self, name), getattr(self, of)
        if size % divisor:
            raise ValueError(f"{self._name}: {name} {size} must be a multiple of {of} {divisor}")

    def check_dropout(self) -> None:
        """Refuse a dropout that is no probability below 1."""
        value = self.dropout
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{self._name}: dropout must be a number, not {value!r}")
        if not 0 <= value < 1:
            raise ValueError(f"{self._name}: dropout must be at least 0 and below 1, not {value}")

    @property
    def _name(self) -> str:
        return type(self).__name__
