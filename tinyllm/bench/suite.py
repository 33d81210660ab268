"""The cases, one after the other: start the workers, ask them in turn, sum up."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tinyllm.bench import cases, start
from tinyllm.bench.interleave import Contender, Worker, WorkerDied, interleave, steps_per_block
from tinyllm.bench.machine import available_bytes, machine
from tinyllm.bench.results import add_ratios, disagreement, summary
from tinyllm.bench.roofline import decoding_roofline, parameters, training_roofline
from tinyllm.kernels import get_num_threads
from tinyllm.training.display import Display

NO_TORCH = (
    "PyTorch is not installed, so there is nothing to compare with: "
    "pip install torch --index-url https://download.pytorch.org/whl/cpu"
)
INTERRUPTED = "Interrupted: this is what was measured until then."
Results = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How to measure.

    Args:    repeats: blocks of each contender; seconds: for each case, after which fewer do;
             threads: None for each library's own choice; torch: whether to compare with it.
    """

    repeats: int = 15
    seconds: float = 30.0
    threads: int | None = None
    torch: bool = True

    def __post_init__(self) -> None:
        threads = 1 if self.threads is None else self.threads
        if self.repeats < 1 or not self.seconds > 0 or threads < 1:
            raise ValueError(
                f"bench: repeats {self.repeats}, seconds {self.seconds} and threads "
                f"{self.threads} must be above 0"
            )


def torch_is_here() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def run(names: Iterable[str], options: Options, display: Display) -> Results:
    """Measure the named cases. Ctrl-C ends it, and what was measured until then is given."""
    names = list(names)
    cases.check_names(names)
    results: Results = {
        "machine": machine(options.threads),
        "settings": {"repeats": options.repeats, "seconds": options.seconds},
        "cases": {},
        "notes": [] if options.torch else [NO_TORCH],
    }
    bounded = any(name in cases.TRAINING for name in names)
    try:
        if bounded:
            measure_peak(options, display, results)
        for name in names:
            measure_case(name, options, display, results)
        if bounded:  # a second time: other programs may have been busy at the first
            measure_peak(options, display, results)
    except KeyboardInterrupt:
        results["interrupted"] = True
        results["notes"].append(INTERRUPTED)
    for name, entry in results["cases"].items():
        add_bound(name, entry, results.get("peak", {}))
        add_ratios(entry)
    return results


def measure_peak(options: Options, display: Display, results: Results) -> None:
    """Measure what this machine can do at best, by each library that is here; keep the best."""
    peak = results.setdefault("peak", {})
    libraries = ("tinyllm", "numpy", *(["torch"] if options.torch else []))
    with display.bar("processor and memory", len(libraries), unit="library") as bar:
        for who in libraries:
            worker = Worker(who, {"measure": "peak", "who": who, "threads": options.threads})
            try:
                worker.ready()
                keep_best(peak, who, worker.ask(do="run", n=1))
            except WorkerDied as died:
                results["notes"].append(f"{died}; its products are left out of the bound.")
            finally:
                worker.close()
            bar.update(1)


def keep_best(peak: dict[str, Any], who: str, answer: dict[str, Any]) -> None:
    """Take over what is better than what is known."""
    by = peak.setdefault("gflops_by", {})
    by[who] = max(by.get(who, 0.0), answer["gflops"])
    peak["gflops"] = max(by.values())
    for key in ("bandwidth", "read_bandwidth"):
        if key in answer:
            peak[key] = max(peak.get(key, 0.0), answer[key])


def measure_case(name: str, options: Options, display: Display, results: Results) -> None:
    """Measure one case into `results`, also what there is of it when something stops it."""
    entry: dict[str, Any] = {}
    notes: list[str] = results["notes"]
    blocks: dict[str, list] = {}
    workers: dict[str, Worker] = {}

    def failed(who: str, sentence: str) -> None:
        entry[who] = {**entry.get(who, {}), "error": sentence}
        notes.append(f"{name}: {sentence}")

    with display.bar(name, options.repeats, unit="round") as bar:
        try:
            bar.set_postfix_str("warming up")
            if name in (*cases.STARTING, cases.COLD):
                contenders = programs_of(name, options, failed)
                steps, repeats = 1, 1 if name == cases.COLD else options.repeats
            else:
                steps = start_workers(name, options, workers, entry, failed)
                contenders, repeats = workers, options.repeats
            bar.set_postfix_str("")
            living: dict[str, Contender] = {
                who: c for who, c in contenders.items() if "error" not in entry.get(who, {})
            }
            interleave(living, steps, repeats, options.seconds, blocks, failed, bar_step(bar))
        finally:
            for worker in workers.values():
                worker.close()
            finish(name, entry, blocks, results)


def bar_step(bar: Any) -> Callable[[], None]:
    """Count a round."""
    return lambda: bar.update(1)


def programs_of(
    name: str, options: Options, failed: Callable[[str, str], None]
) -> dict[str, Contender]:
    """Programs that are started anew each time, once before the measuring to be warm."""
    programs = start.programs(name, options.torch)
    for who, program in programs.items():
        if name != cases.COLD:
            try:
                program.run(1)
            except WorkerDied as died:
                failed(who, str(died))
    return programs


def specs_of(name: str, options: Options) -> dict[str, dict[str, Any]]:
    """The contenders of a case and what their workers are told."""
    measure = "decoding" if name in cases.DECODING else "training"
    base = {"measure": measure, "case": name, "threads": options.threads}
    if name == cases.SCALING:
        most = options.threads or get_num_threads()
        counts = (1, most) if most > 1 else ()
        return {f"threads_{n}": {**base, "who": "tinyllm", "threads": n} for n in counts}
    ours, theirs = ["tinyllm"], ["torch_eager"]
    if measure == "decoding":
        ours += ["tinyllm_forward", cases.READING]
    else:
        theirs.append("torch_compile")
    return {who: {**base, "who": who} for who in (*ours, *(theirs if options.torch else []))}


def start_workers(
    name: str,
    options: Options,
    workers: dict[str, Worker],
    entry: dict[str, Any],
    failed: Callable[[str, str], None],
) -> int:
    """Start a case's workers, one after the other; give the number of steps of a block."""
    specs = specs_of(name, options)
    if name == cases.SCALING and not specs:
        failed("tinyllm", "there is one thread only, and nothing to scale")
    if lacks_memory(name, len(specs)):
        failed("tinyllm", "left out: this machine has not enough free memory for it")
        return 1
    seconds, checks = [], {}
    for who, spec in specs.items():
        try:
            about = start_worker(who, spec, workers)
        except WorkerDied as died:
            failed(who, str(died))
            continue
        seconds.append(about.pop("seconds"))
        if "check" in about:
            checks[who] = about.pop("check")
        entry[who] = {key: about[key] for key in ("threads", "optimizer") if key in about}
    different = disagreement(checks)
    entry["agree"] = different is None
    if different:
        failed("check", different)
    return steps_per_block(seconds)


def start_worker(who: str, spec: dict[str, Any], workers: dict[str, Worker]) -> dict[str, Any]:
    """Start one; a second time if it had to compile kernels, which takes memory of its own."""
    for _ in range(2):
        workers[who] = Worker(who, spec)
        about = workers[who].ready()
        if not about["kernels_built"]:
            break
        workers[who].close()
    return about


def lacks_memory(name: str, contenders: int) -> bool:
    """Whether the contenders' weights, gradients, m and v, and logits would not fit together."""
    model, free = cases.model_of(name), available_bytes()
    logits = 3 * 4 * model.batch * model.context * model.vocab
    needed = contenders * (4 * 4 * parameters(model) + logits)
    return free is not None and needed > free


def finish(name: str, entry: dict[str, Any], blocks: dict[str, list], results: Results) -> None:
    """Sum up what was measured of a case."""
    for who, done in blocks.items():
        entry[who] = {**entry.get(who, {}), **summary(done)}
    results["cases"][name] = entry


def add_bound(name: str, entry: dict[str, Any], peak: dict[str, Any]) -> None:
    """Add a training or decoding case's "roofline", if the machine's best is known."""
    if name in cases.TRAINING and peak.get("gflops") and peak.get("bandwidth"):
        entry["roofline"] = training_roofline(cases.model_of(name), peak)
    elif name in cases.DECODING and "min" in entry.get(cases.READING, {}):
        entry["roofline"] = decoding_roofline(cases.model_of(name), entry[cases.READING]["min"])
