"""Whether ops are recorded now: no_grad, enable_grad, set_grad_enabled, inference_mode.

The answer belongs to the thread, so that a thread which generates text under no_grad takes nothing
from one that trains. A look-up in a thread's own state costs some time at every op, so `usual`
says whether it can be left out: it holds while no thread at all has stopped recording.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any


class _State(threading.local):
    """What one thread does. Recording is `enabled and not inference`."""

    enabled = True
    inference = False
    recording = True


state = _State()
usual = True  # every thread records
_elsewhere: set[int] = set()  # the threads that do not
_lock = threading.Lock()


def _switch(enabled: bool, inference: bool) -> None:
    global usual
    recording = enabled and not inference
    if recording != state.recording:
        with _lock:
            change = _elsewhere.discard if recording else _elsewhere.add
            change(threading.get_ident())
            usual = not _elsewhere
    state.enabled, state.inference, state.recording = enabled, inference, recording


def is_grad_enabled() -> bool:
    """Whether ops are being recorded now, in this thread. PyTorch: torch.is_grad_enabled."""
    return state.enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode. PyTorch: torch.is_inference_mode_enabled."""
    return state.inference


class Untracked:
    """The version of a tensor made in inference mode: nobody counts its in-place changes.

    What is saved for a backward has its version noted, which is where such a tensor is refused.
    """

    def __getitem__(self, place: int) -> int:
        if state.inference:
            return 0
        raise RuntimeError(
            "Inference tensors cannot be saved for backward: this one was made in inference_mode, "
            "where in-place changes are not counted. Take a .clone() to get a normal tensor, or "
            "make it under tinyllm.no_grad() instead of tinyllm.inference_mode()."
        )

    def __setitem__(self, place: int, value: int) -> None:
        pass


class _Switch:
    """A context manager and decorator that sets how this thread records, and puts it back."""

    def __init__(self) -> None:
        self.before: list[tuple[bool, bool]] = []

    def _wanted(self) -> tuple[bool, bool]:
        """Whether grad mode is to be enabled, and whether inference mode."""
        raise NotImplementedError

    def clone(self) -> _Switch:
        """A new switch to the same mode. PyTorch has it too."""
        return type(self)()

    def __enter__(self) -> None:
        self.before.append((state.enabled, state.inference))
        _switch(*self._wanted())

    def __exit__(self, *exception: object) -> None:
        _switch(*self.before.pop())

    def __call__(self, function: Callable) -> Callable:
        if inspect.isgeneratorfunction(function):
            return _switched_generator(self, function)

        @functools.wraps(function)
        def wrapped(*args: Any, **params: Any) -> Any:
            with self.clone():
                return function(*args, **params)

        return wrapped


def _switched_generator(switch: _Switch, function: Callable) -> Callable:
    """Set the mode while the generator runs, and never while its caller does."""

    @functools.wraps(function)
    def wrapped(*args: Any, **params: Any) -> Generator:
        generator = function(*args, **params)
        resume = functools.partial(next, generator)
        try:
            while True:
                try:
                    with switch.clone():
                        value = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield value
                    resume = functools.partial(generator.send, sent)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)
        finally:
            with switch.clone():
                generator.close()

    return wrapped


class no_grad(_Switch):  # noqa: N801 - PyTorch's name
    """Record nothing inside the block, or inside the decorated function.

    PyTorch: torch.no_grad.
    """

    def __new__(cls, function: Callable | None = None) -> Any:
        """Allow `@no_grad` beside `@no_grad()`."""
        return super().__new__(cls) if function is None else cls()(function)

    def _wanted(self) -> tuple[bool, bool]:
        return False, state.inference


class enable_grad(_Switch):  # noqa: N801 - PyTorch's name
    """Record inside a block that stands within `no_grad`. PyTorch: torch.enable_grad."""

    def __new__(cls, function: Callable | None = None) -> Any:
        """Allow `@enable_grad` beside `@enable_grad()`."""
        return super().__new__(cls) if function is None else cls()(function)

    def _wanted(self) -> tuple[bool, bool]:
        return True, state.inference


class set_grad_enabled(_Switch):  # noqa: N801 - PyTorch's name
    """Switch recording on or off: at once, and as a context or a decorator.

    Raises:  TypeError if the mode is no bool.
    PyTorch: torch.set_grad_enabled.
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = _checked("set_grad_enabled", mode)
        self.first = state.enabled, state.inference
        _switch(mode, state.inference)

    def _wanted(self) -> tuple[bool, bool]:
        return self.mode, state.inference

    def clone(self) -> set_grad_enabled:
        """A new switch to the same mode."""
        return type(self)(self.mode)

    def __enter__(self) -> None:
        self.before.append(self.first)  # the block goes back to what was before the call
        _switch(*self._wanted())

    def __call__(self, function: Callable) -> Callable:
        """Decorate a function."""
        _switch(*self.first)  # a decorator changes nothing until the function is called
        return super().__call__(function)


class inference_mode(_Switch):  # noqa: N801 - PyTorch's name
    """Record nothing inside the block or function, and count no in-place changes either.

    What is made inside can be read anywhere, but never again be part of a graph that needs it for
    its backward: `clone()` it first. `inference_mode(False)` is a normal block inside such a one.

    Raises:  TypeError if the mode is neither a bool nor a function to decorate.
    PyTorch: torch.inference_mode. It costs and saves next to nothing over no_grad here.
    """

    def __new__(cls, mode: bool | Callable = True) -> Any:
        """Allow `@inference_mode` beside `@inference_mode()`."""
        if callable(mode):
            return cls()(mode)
        return super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = _checked("inference_mode", mode)

    def _wanted(self) -> tuple[bool, bool]:
        return not self.mode, self.mode

    def clone(self) -> inference_mode:
        """A new switch to the same mode."""
        return type(self)(self.mode)


def _checked(who: str, mode: Any) -> bool:
    if not isinstance(mode, bool):
        raise TypeError(f"{who}: the mode must be a bool, not {type(mode).__name__} {mode!r}")
    return mode
