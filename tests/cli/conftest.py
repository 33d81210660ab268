import os
import subprocess
import sys
from collections import namedtuple

import pytest
from cli_runs import OPTIONS

from tinyllm.cli import main

Done = namedtuple("Done", "code out err")

# a background job may have started Python with SIGINT ignored
CODE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tinyllm.cli import main
main()
"""


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("def f(x):\n    return x + 1  # naïve\n\n" * 120, encoding="utf-8")
    return path


@pytest.fixture
def tinyllm(text, monkeypatch, capsys):
    """Run a command line in this process, in the folder of the text."""
    monkeypatch.chdir(text.parent)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tinyllm", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        return Done(stop.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def train(tinyllm):
    """`tinyllm train` on the small text, with next to no work."""
    return lambda *arguments: tinyllm("train", "--data", "book.txt", *OPTIONS.split(), *arguments)


@pytest.fixture
def start(text):
    """Start a command line as a process of its own."""

    def run(*arguments, **variables):
        return subprocess.Popen(
            [sys.executable, "-c", CODE, *map(str, arguments)],
            cwd=text.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, **variables},
        )

    return run
