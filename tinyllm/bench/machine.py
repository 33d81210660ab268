"""What machine this is: enough to judge a measurement by, and nothing that names its owner."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from tinyllm.kernels import blas_architecture, get_num_threads

FORCES_KERNELS = "OPENBLAS_CORETYPE"  # a variable that overrides OpenBLAS's own choice
LIBRARIES = ("tinyllm", "numpy", "numba", "scipy", "torch")


def machine(threads: int | None = None) -> dict[str, Any]:
    """Describe processor, memory, system and libraries."""
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "threads": threads or get_num_threads(),
        "ram_bytes": ram_bytes(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": blas_architecture(),
        "blas_forced": os.environ.get(FORCES_KERNELS, ""),
        **{name: version for name in LIBRARIES if (version := _version(name))},
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    with suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("utf-8"))
        if found:
            return found[1].strip()
    if sys.platform == "darwin":
        with suppress(OSError):
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            asked = subprocess.run(command, capture_output=True, text=True, check=False)
            if asked.stdout.strip():
                return asked.stdout.strip()
    return platform.processor() or platform.machine()


def ram_bytes() -> int | None:
    """Bytes of memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def available_bytes() -> int | None:
    """Bytes that could be had now without swapping; None where the system does not say."""
    with suppress(OSError):
        text = Path("/proc/meminfo").read_text("utf-8")
        found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return None


def describe(about: dict[str, Any]) -> str:
    """The machine in one line."""
    memory = f", {about['ram_bytes'] / 2**30:.0f} GiB" if about.get("ram_bytes") else ""
    versions = ", ".join(f"{name} {about[name]}" for name in LIBRARIES if name in about)
    threads = "1 thread" if about["threads"] == 1 else f"{about['threads']} threads"
    blas = f", OpenBLAS for {about['blas']}" if about.get("blas") else ""
    forced = ""
    if about.get("blas_forced"):
        forced = (
            f"\n{FORCES_KERNELS}={about['blas_forced']} is set: products, and so tinyllm, may be "
            "slower than this processor allows. Unset it to measure what OpenBLAS chooses itself."
        )
    return (
        f"{about['processor']}, {about['cores']} cores, {threads} used{memory}; "
        f"{about['system']}; Python {about['python']}, {versions}{blas}{forced}"
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
