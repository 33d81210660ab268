import os
import sys
import time

import pytest

from tinyllm.bench import suite
from tinyllm.bench.interleave import Worker, WorkerDied, interleave, steps_per_block
from tinyllm.bench.suite import NO_TORCH, Options
from tinyllm.training.display import Display

QUIET = Display(False)


class Fake:
    """Notes when it was asked, and dies or is interrupted when told to."""

    def __init__(self, name, log, dies_at=None, error=WorkerDied):
        self.name, self.log, self.dies_at, self.error = name, log, dies_at, error

    def run(self, n):
        self.log.append((self.name, n))
        if sum(name == self.name for name, _ in self.log) == self.dies_at:
            raise self.error(f"{self.name} is no more")
        return {"times": [1.0] * n, "peak_bytes": 7}


def measure(contenders, repeats=3, seconds=100.0):
    blocks, failures = {}, []
    interleave(
        contenders, 2, repeats, seconds, blocks, lambda *told: failures.append(told), pause=0.0
    )
    return blocks, failures


def test_takes_turns():
    log = []
    blocks, failures = measure({"a": Fake("a", log), "b": Fake("b", log)})
    assert log == [("a", 2), ("b", 2)] * 3
    assert {who: len(done) for who, done in blocks.items()} == {"a": 3, "b": 3}
    assert not failures


def test_one_that_dies_is_left_out_and_the_others_go_on():
    log = []
    blocks, failures = measure({"a": Fake("a", log, dies_at=2), "b": Fake("b", log)})
    assert [name for name, _ in log] == ["a", "b", "a", "b", "b"]
    assert {who: len(done) for who, done in blocks.items()} == {"a": 1, "b": 3}
    assert failures == [("a", "a is no more")]


def test_time_is_up_after_three_rounds_at_least():
    log = []
    measure({"a": Fake("a", log)}, repeats=50, seconds=0.0)
    assert len(log) == 3


def test_an_interruption_keeps_what_was_measured():
    log, blocks = [], {}
    fakes = {"a": Fake("a", log), "b": Fake("b", log, dies_at=2, error=KeyboardInterrupt)}
    with pytest.raises(KeyboardInterrupt):
        interleave(fakes, 2, 3, 100.0, blocks, print, pause=0.0)
    assert {who: len(done) for who, done in blocks.items()} == {"a": 2, "b": 1}


def test_steps_per_block():
    assert steps_per_block([0.01, 0.05]) == 5
    assert steps_per_block([2.0]) == 1
    assert steps_per_block([1e-9]) == 200
    assert steps_per_block([]) == 200


# Workers that are other programs


def worker(code):
    return Worker("it", {}, command=[sys.executable, "-c", code])


ECHO = """
import sys
print('{"ready": true}', flush=True)
for line in sys.stdin:
    print(line.strip(), flush=True)
"""


def test_a_worker_answers():
    one = worker(ECHO)
    try:
        assert one.ready() == {"ready": True}
        assert one.run(3) == {"do": "run", "n": 3}
    finally:
        one.close()


def test_a_worker_that_dies_leaves_its_last_words():
    code = "import sys; sys.stderr.write('one\\ntwo\\nthree\\nfour'); sys.exit(7)"
    one = worker(code)
    with pytest.raises(WorkerDied, match=r"^it ended \(code 7\): two \| three \| four$"):
        one.ready()
    with pytest.raises(WorkerDied, match="code 7"):
        one.run(1)
    one.close()


def test_a_worker_that_says_what_is_wrong():
    one = worker("""print('{"error": "RuntimeError: no\\\\n\\\\n compiler here"}')""")
    with pytest.raises(WorkerDied, match="it failed: RuntimeError: no compiler here"):
        one.ready()
    one.close()


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")
def test_close_ends_it_and_its_children(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('{\"child\": %d}' % child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    one = worker(code)
    child = one.ready()["child"]
    one.close()
    assert one.process.poll() is not None
    for _ in range(100):  # until the orphan is reaped, or at least a zombie
        try:
            with open(f"/proc/{child}/stat", encoding="utf-8") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the worker's child still runs")


# The suite around them


def stand_in(monkeypatch, make):
    """Let `make(who)` stand for the suite's workers, which are not started."""
    made = []

    class StandIn:
        def __init__(self, who, spec):
            self.fake, self.closed = make(who), False
            made.append(self)

        def ready(self):
            return {"seconds": 0.1, "check": [4.0], "kernels_built": 0, "threads": 2}

        def run(self, n):
            return self.fake.run(n)

        def close(self):
            self.closed = True

    monkeypatch.setattr(suite, "Worker", StandIn)
    peak = {"gflops": 100.0, "bandwidth": 1e10, "gflops_by": {}, "read_bandwidth": 1e10}
    monkeypatch.setattr(suite, "measure_peak", lambda *given: given[-1].update(peak=peak))
    return made


def test_control_c_keeps_and_says_what_was_measured(monkeypatch):
    log = []

    def make(who):
        late = 5 if who == "tinyllm" else None  # two cases of three rounds: in the second one
        return Fake(who, log, dies_at=late, error=KeyboardInterrupt)

    made = stand_in(monkeypatch, make)
    results = suite.run(["micro", "char", "small"], Options(3), QUIET)
    assert results["interrupted"]
    assert list(results["cases"]) == ["micro", "char"]
    assert results["cases"]["micro"]["torch_compile"]["steps"] == 6
    assert results["cases"]["char"]["torch_eager"]["steps"] == 2
    assert all(one.closed for one in made)
    assert len(made) == 6


def test_a_dead_contender_spoils_no_other_case(monkeypatch):
    log = []
    stand_in(monkeypatch, lambda who: Fake(who, log, dies_at=2 if who == "torch_eager" else None))
    results = suite.run(["micro", "char"], Options(3), QUIET)
    micro, char = results["cases"].values()
    assert micro["torch_eager"]["error"] == "torch_eager is no more"
    assert micro["tinyllm"]["steps"] == 6
    assert char["torch_eager"]["steps"] == 6
    assert results["notes"] == ["micro: torch_eager is no more"]


def test_sides_that_disagree_are_told(monkeypatch):
    stand_in(monkeypatch, lambda who: Fake(who, []))
    original = suite.start_worker
    values = iter([4.0, 4.1, 4.0])

    def start_worker(who, spec, workers):
        return {**original(who, spec, workers), "check": [next(values)]}

    monkeypatch.setattr(suite, "start_worker", start_worker)
    results = suite.run(["micro"], Options(1), QUIET)
    assert not results["cases"]["micro"]["agree"]
    assert "tinyllm and torch_eager computed different things" in results["notes"][0]


def test_a_worker_that_built_kernels_is_started_again(monkeypatch):
    made = stand_in(monkeypatch, lambda who: Fake(who, []))
    built = iter([5, 0])
    monkeypatch.setattr(
        suite.Worker,
        "ready",
        lambda _: {"seconds": 0.1, "check": [4.0], "kernels_built": next(built), "threads": 2},
    )
    results = suite.run(["micro"], Options(1, torch=False), QUIET)
    assert len(made) == 2
    assert all(one.closed for one in made)
    assert results["cases"]["micro"]["tinyllm"]["steps"] == 2


def test_writing_is_bound_by_a_reading_that_takes_its_turns(monkeypatch):
    log = []
    stand_in(monkeypatch, lambda who: Fake(who, log))
    results = suite.run(["decode-char"], Options(2, torch=False), QUIET)
    case = results["cases"]["decode-char"]
    assert [who for who, _ in log] == ["tinyllm", "tinyllm_forward", "reading"] * 2
    assert case["roofline"]["seconds"] == case["reading"]["min"] == 1.0
    assert case["ratios"]["roofline"] == 1.0


def test_without_torch_a_sentence(monkeypatch):
    stand_in(monkeypatch, lambda who: Fake(who, []))
    results = suite.run(["micro"], Options(1, torch=False), QUIET)
    assert results["notes"] == [NO_TORCH]
    assert set(results["cases"]["micro"]) == {"tinyllm", "agree", "roofline", "ratios"}


def test_too_little_memory_leaves_a_case_out(monkeypatch):
    made = stand_in(monkeypatch, lambda who: Fake(who, []))
    monkeypatch.setattr(suite, "available_bytes", lambda: 3_000_000_000)
    results = suite.run(["char", "gpt2"], Options(1), QUIET)
    assert results["cases"]["char"]["tinyllm"]["steps"]
    assert "not enough free memory" in results["cases"]["gpt2"]["tinyllm"]["error"]
    assert len(made) == 3


def test_the_best_of_both_measurements_of_the_machine_counts():
    peak = {}
    suite.keep_best(peak, "numpy", {"gflops": 90.0})
    first = {"gflops": 100.0, "bandwidth": 5.0, "read_bandwidth": 3.0}
    suite.keep_best(peak, "tinyllm", first)
    later = {"gflops": 80.0, "bandwidth": 6.0, "read_bandwidth": 2.0}
    suite.keep_best(peak, "tinyllm", later)
    assert peak == {
        "gflops": 100.0,
        "gflops_by": {"numpy": 90.0, "tinyllm": 100.0},
        "bandwidth": 6.0,
        "read_bandwidth": 3.0,
    }


def test_unknown_cases_and_options():
    with pytest.raises(ValueError, match="there is no case 'chr'; the cases are micro, char"):
        suite.run(["chr"], Options(), QUIET)
    for wrong in ({"repeats": 0}, {"seconds": 0.0}, {"threads": 0}):
        with pytest.raises(ValueError, match="must be above 0"):
            Options(**wrong)
