"""Options for runs of next to no work, and waiting for one to get somewhere."""

import time

OPTIONS = """
    --layers 1 --heads 2 --width 16 --context-length 8 --batch-size 2 --sample-tokens 20
    --eval-windows 4 --final-eval-tokens 200 --threads 1
"""


def wait_for(condition, process, seconds=60):
    """Wait until `condition()` is true while the process runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)
