"""A process that does one contender's work when asked: `python -m tinyllm.bench.worker SPEC`.

SPEC is a JSON object: "measure" (what), "who" (which side), "case", "threads". It reads one JSON
object a line, {"do": "run", "n": 5}, and answers each with one; the first line it writes says that
it is ready. Between two requests it waits for input and uses no processor.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from tinyllm.bench.cases import READING, model_of
from tinyllm.bench.memory import PeakMemory
from tinyllm.kernels import jit

REQUESTS = ("run", "select")


def main() -> None:
    """Make the contender, say so, and serve until the input ends."""
    spec = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer

    def answer(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        make = contender(spec)  # imports the side's library
        one = make(memory=PeakMemory())
        answer(ready=True, kernels_built=kernels_built(), **one.about())
        for line in sys.stdin:
            request = json.loads(line)
            name = request.pop("do")
            if name not in REQUESTS:
                raise ValueError(f"worker: {name!r} is not one of {REQUESTS}")
            answer(**getattr(one, name)(**request))
    except Exception as error:
        traceback.print_exc()
        answer(error=f"{type(error).__name__}: {error}")
        sys.exit(1)


def contender(spec: dict[str, Any]) -> Callable[..., Any]:
    """What makes the contender; calling it takes `memory`."""
    measure, who, threads = spec["measure"], spec["who"], spec.get("threads")
    if measure == "training" and who == "tinyllm":
        from tinyllm.bench.training import Training

        return partial(Training, model_of(spec["case"]), threads)
    if measure == "training":
        from tinyllm.bench.torch_contenders import TorchTraining

        compiled = who == "torch_compile"
        return partial(TorchTraining, model_of(spec["case"]), threads, compiled=compiled)
    if measure == "decoding" and who.startswith("tinyllm"):
        from tinyllm.bench.decoding import Decoding

        return partial(Decoding, model_of(spec["case"]), threads, product=who == "tinyllm")
    if measure == "decoding" and who == READING:
        from tinyllm.bench.decoding import Reading

        return partial(Reading, model_of(spec["case"]), threads)
    if measure == "decoding":
        from tinyllm.bench.torch_contenders import TorchDecoding

        return partial(TorchDecoding, model_of(spec["case"]), threads)
    if measure == "peak":
        from tinyllm.bench.peak import Peak

        return partial(Peak, who, threads)
    if measure == "profile":
        from tinyllm.bench.profile import Profile

        return partial(Profile, model_of(spec["case"]), threads)
    if measure == "ops" and who == "tinyllm":
        from tinyllm.bench.our_ops import OurOps

        return partial(OurOps, threads)
    if measure == "ops":
        from tinyllm.bench.torch_ops import TorchOps

        return partial(TorchOps, threads)
    if measure == "translation" and who == "tinyllm":
        from tinyllm.bench.our_translation import OurTranslation

        return partial(OurTranslation, threads)
    if measure == "translation":
        from tinyllm.bench.torch_translation import TorchTranslation

        return partial(TorchTranslation, threads)
    raise ValueError(f"worker: nothing measures {measure!r} for {who!r}")


def kernels_built() -> int:
    """How many kernels this process had to compile: its memory and time are not to be used."""
    if not jit.AVAILABLE:
        return 0
    from tinyllm.kernels.cache import progress

    return progress.built


if __name__ == "__main__":
    main()
