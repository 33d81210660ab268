"""A download that tries again, and goes on where it stopped."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

ATTEMPTS = 4
PAUSE = 1.0  # seconds after the first failure; twice as long after each other one
TIMEOUT = 30.0  # seconds without a byte
_PIECE = 2**16


class Resuming:
    """Download for pooch: tries again after a failure, and goes on where it stopped.

    What has come so far stays in `part`, also when the program ends.
    """

    def __init__(self, part: Path, progress: bool = False) -> None:
        self.part, self.progress = part, progress

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Fetch `url` into `output_file`."""
        for attempt in range(ATTEMPTS):
            try:
                self._go_on(url)
                break
            except HTTPException as error:
                self._wait(attempt, OSError(f"the answer was cut off or garbled: {error!r}"))
            except OSError as error:
                if isinstance(error, urllib.error.HTTPError):
                    if error.code == 416:  # nothing after what we have: begin again
                        self.part.unlink(missing_ok=True)
                    elif error.code < 500 and error.code != 429:
                        raise
                self._wait(attempt, error)
        os.replace(self.part, output_file)

    def _wait(self, attempt: int, error: OSError) -> None:
        if attempt + 1 == ATTEMPTS:
            raise error from None
        time.sleep(PAUSE * 2**attempt)

    def _go_on(self, url: str) -> None:
        from tqdm import tqdm

        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {"User-Agent": "tinyllm", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            goes_on = answer.status == 206
            have = have if goes_on else 0
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else None
            bar = tqdm(
                desc=self.part.stem, total=total, initial=have, unit="B", unit_scale=True,
                leave=False, disable=None if self.progress else True,
            )  # fmt: skip
            with bar, open(self.part, "ab" if goes_on else "wb") as out:
                while piece := answer.read(_PIECE):
                    out.write(piece)
                    have += len(piece)
                    bar.update(len(piece))
        if total is not None and have < total:
            raise OSError(f"the connection ended after {have:,} of {total:,} bytes")
