"""Checkpoints: folders `step-000500` from which a run goes on as if it had never stopped.

    model.safetensors      the weights
    optimizer.safetensors  the optimizer's arrays, "0.exp_avg" for that of parameter 0
    average.safetensors    the running average of the weights, where there is one
    best.safetensors       the weights of the best measurement, where they are kept
    state.json             the step, the schedule, the random generators, the optimizer's settings

A checkpoint is written into a temporary folder, synced to the disk, and renamed: at any moment the
last good one is there whole. Nothing is ever unpickled.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinyllm.files import PARTIAL_PREFIX, atomic_path, read_json, sync_folder, write_json

FORMAT = 1
KEPT = 2  # checkpoints per run
EXTRAS = ("best", "average")  # further weights; to use, the first that there are
_NAME = re.compile(r"step-(\d{6,})")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint's files hold."""

    path: Path
    step: int
    model: dict[str, np.ndarray]
    optimizer: dict[str, np.ndarray]
    state: dict[str, Any]
    extras: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


def save_tensors(
    path: str | os.PathLike,
    arrays: dict[str, np.ndarray],
    metadata: dict[str, str] | None = None,
) -> None:
    """Write named arrays as a safetensors file, atomically.

    safetensors 0.8.0 writes the memory of an array that is transposed or sliced as if it lay in
    order: each is made contiguous first.
    """
    from safetensors.numpy import save_file

    contiguous = {name: np.array(array, order="C", copy=None) for name, array in arrays.items()}
    with atomic_path(path) as partial:
        save_file(contiguous, partial, metadata=metadata)


def load_tensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read the named arrays of a safetensors file.

    Raises:  FileNotFoundError; ValueError if the file is cut short, damaged or of a strange dtype.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        return load_file(path)
    except (SafetensorError, TypeError, AttributeError, ValueError, KeyError) as error:
        size = Path(path).stat().st_size
        raise ValueError(
            f"{path}: not a safetensors file that can be read here ({size:,} bytes): {error}: "
            "was it cut short, or written by something else?"
        ) from None


def save_checkpoint(
    folder: str | os.PathLike,
    step: int,
    model: dict[str, np.ndarray],
    optimizer: dict[str, np.ndarray],
    state: dict[str, Any],
    keep: int = KEPT,
    extras: dict[str, dict[str, np.ndarray]] | None = None,
) -> Path:
    """Write the checkpoint of a step into `folder`, and remove all but the newest `keep`.

    `extras` are further weights, by the names in EXTRAS.
    One of that step that is there already stays: the same step of the same run is the same.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:06d}"
    if path.exists():
        return path
    partial = folder / f"{PARTIAL_PREFIX}{secrets.token_hex(4)}-{path.name}"
    partial.mkdir()
    try:
        save_tensors(partial / "model.safetensors", model)
        save_tensors(partial / "optimizer.safetensors", optimizer)
        for name, arrays in (extras or {}).items():
            save_tensors(partial / f"{name}.safetensors", arrays)
        numbers = {"format": FORMAT, "step": step, "extras": sorted(extras or {}), **state}
        write_json(partial / "state.json", numbers)
        os.rename(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_folder(folder)
    for old in checkpoints(folder)[:-keep]:
        _remove(old)
    return path


def load_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """Read a checkpoint folder.

    Raises:  FileNotFoundError, ValueError if a file is missing, cut short or damaged; says which.
    """
    path = Path(path)
    try:
        state = read_json(path / "state.json")
        if state.pop("format", None) != FORMAT:
            raise ValueError(f"{path / 'state.json'}: not of format {FORMAT}, which is read here")
        step = state.pop("step", None)
        if type(step) is not int or step < 0:
            raise ValueError(f"{path / 'state.json'}: 'step' is {step!r}, not a number of steps")
        model = load_tensors(path / "model.safetensors")
        optimizer = load_tensors(path / "optimizer.safetensors")
        names = state.pop("extras", [])
        if not isinstance(names, list) or not all(name in EXTRAS for name in names):
            raise ValueError(f"{path / 'state.json'}: 'extras' is {names!r}, not of {EXTRAS}")
        extras = {name: load_tensors(path / f"{name}.safetensors") for name in names}
    except (OSError, ValueError) as error:
        kind = FileNotFoundError if isinstance(error, OSError) else ValueError
        raise kind(f"checkpoint {path.name}: {error}{_way_out(path)}") from None
    return Checkpoint(path, step, model, optimizer, state, extras)


def _way_out(path: Path) -> str:
    others = [other.name for other in checkpoints(path.parent) if other != path]
    return f". Remove {path} to go on from {others[-1]}" if others else ""


def checkpoints(folder: str | os.PathLike) -> list[Path]:
    """The checkpoint folders in `folder`, oldest first."""
    folder = Path(folder)
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=step_of)


def step_of(path: Path) -> int:
    """The step in a checkpoint folder's name."""
    return int(_NAME.fullmatch(path.name)[1])


def latest_checkpoint(folder: str | os.PathLike) -> Path | None:
    """The checkpoint folder of the highest step, or None."""
    return next(reversed(checkpoints(folder)), None)


def weights_to_use(path: Path) -> Path:
    """The file of a checkpoint whose weights serve best: the best ones', the average, the last."""
    files = [path / f"{name}.safetensors" for name in (*EXTRAS, "model")]
    return next((file for file in files if file.is_file()), files[-1])


def find_checkpoint(path: str | os.PathLike) -> tuple[Path, Checkpoint | None]:
    """The run's folder and its last checkpoint, or the one whose folder `path` is."""
    path = Path(path)
    if _NAME.fullmatch(path.name) and path.parent.name == "checkpoints":
        return path.parent.parent, load_checkpoint(path)
    latest = latest_checkpoint(path / "checkpoints")
    return path, load_checkpoint(latest) if latest else None


def remove_after(folder: str | os.PathLike, step: int) -> None:
    """Remove the checkpoints of later steps, and what a kill left half written."""
    folder = Path(folder)
    for path in checkpoints(folder):
        if step_of(path) > step:
            _remove(path)
    for path in folder.glob(f"{PARTIAL_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path) -> None:
    """Remove a checkpoint under another name, so that a half removed one is never found."""
    doomed = path.with_name(f"{PARTIAL_PREFIX}{secrets.token_hex(4)}-{path.name}")
    os.rename(path, doomed)
    shutil.rmtree(doomed, ignore_errors=True)
