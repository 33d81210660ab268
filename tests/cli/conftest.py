import os
import signal
import subprocess
import sys

import pytest
from cli_runs import DEFAULTS


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("def f(x):\n    return x + 1  # naïve\n\n" * 120, encoding="utf-8")
    return path


@pytest.fixture
def tinyllm(tmp_path):
    """Run `python -m tinyllm` in a folder of its own, with Ctrl-C as in a terminal."""

    def run(*arguments, wait=True, **variables):
        code = (
            "import signal, sys\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from tinyllm.cli import main\n"
            "main()\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **variables},
        )
        if not wait:
            return process
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return run


@pytest.fixture
def train(tinyllm, text):
    """`tinyllm train` on the small text, with next to no work."""

    def run(*arguments, wait=True):
        return tinyllm("train", "--data", text, *DEFAULTS, *arguments, wait=wait)

    return run


@pytest.fixture
def stop():
    """Send a signal to a process, and give its exit code and what it printed."""

    def send(process, number=signal.SIGINT):
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    return send
