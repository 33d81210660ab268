"""The kernel cache: machine code in the user's cache folder, under a name that hashes the sources.

Numba's own `cache=True` writes beside the source (which may be read-only), and does not notice when
a function imported from another file changes. Here the folder's name is a hash of every kernel's
source, Numba's version and the processor, so stale code is never found, and it is found from any
installation. Numba writes each entry to a temporary file and renames it, so first starts at once
do not disturb each other.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

import numba
from numba.core import caching
from numba.np.ufunc import parallel as numba_pool
from platformdirs import user_cache_path


@functools.cache
def start_pool() -> None:
    """Start Numba's threads, and make their entry point known to compiled code."""
    numba_pool._launch_threads()


@functools.cache
def cache_folder() -> Path:
    """Where compiled kernels are kept: `$TINYLLM_CACHE` or the user's cache folder.

    A folder that somebody else has filled, and that may only be read, serves too: a class shares
    one that its teacher fills. What is missing there is compiled for this process alone.
    """
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    root = os.environ.get("TINYLLM_CACHE")
    parent = Path(root) if root else user_cache_path("tinyllm")
    folder = parent / "kernels" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        if not (folder.is_dir() and os.access(folder, os.R_OK)):  # a read-only home
            folder = Path(tempfile.mkdtemp(prefix="tinyllm-kernels-"))
    return folder


class _Locator(caching._CacheLocator):
    """Tells Numba where one function's entries lie."""

    def __init__(self, function, source_file):
        self.line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function, source_file):
        return cls(function, source_file)

    def get_cache_path(self):
        return str(cache_folder())

    def get_source_stamp(self):
        return cache_folder().name

    def get_disambiguator(self):
        return str(self.line)


class _Entries(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]


class _Cache(caching.FunctionCache):
    """Numba's cache in our folder, telling `progress` about what must be compiled."""

    _impl_class = _Entries

    def load_overload(self, signature, target_context):
        start_pool()  # cached code is linked against the pool's entry point
        try:
            found = super().load_overload(signature, target_context)
        except Exception:  # whatever reading an entry brings that a full disk cut short
            found = None
        if found is None:
            progress.begins(self._py_func.__name__.strip("_"))
        return found

    def save_overload(self, signature, result):
        with contextlib.suppress(OSError):  # a full disk, or a folder that is only to be read
            super().save_overload(signature, result)
        progress.ended()


class BuildProgress:
    """Says on standard error that kernels are being compiled, once, with a running count."""

    def __init__(self) -> None:
        self.built = 0
        self.started: float | None = None
        self.quiet = False
        self.listener = None  # called as listener(name, built) in place of the line on stderr

    def begins(self, name: str) -> None:
        """Note that the kernel `name` is about to be compiled."""
        if self.started is None:
            self.started = time.perf_counter()
        self._say(name)

    def ended(self) -> None:
        """Note that the kernel begun last is compiled and kept."""
        self.built += 1

    def finish(self) -> None:
        """Close the line, if any kernel was built."""
        if self.started is not None and self.built and not self.quiet and self.listener is None:
            seconds = time.perf_counter() - self.started
            self._write(f"tinyllm: built {self.built} kernels in {seconds:.0f} s", end="\n")
        self.started = None
        self.built = 0

    def _say(self, name: str) -> None:
        if self.listener is not None:
            self.listener(name, self.built)
        elif not self.quiet and (self.built == 0 or sys.stderr.isatty()):
            end = "" if sys.stderr.isatty() else "\n"
            self._write(
                f"tinyllm: building kernels for this machine, once: {self.built + 1} {name}", end
            )

    @staticmethod
    def _write(text: str, end: str) -> None:
        if sys.stderr.isatty():
            text = f"\r\033[K{text}"
        print(text, end=end, file=sys.stderr, flush=True)


progress = BuildProgress()


def keep_on_disk(dispatcher):
    """Give a Numba function our cache in place of Numba's."""
    dispatcher._cache = _Cache(dispatcher.py_func)
    return dispatcher
