"""Exercises of lesson 18: the bytes that a chain of steps moves, and those that it holds."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

GELU = {
    "square": ["x"], "cube": ["square", "x"], "small": ["cube"], "sum": ["x", "small"],
    "inner": ["sum"], "tanh": ["inner"], "upper": ["tanh"], "half": ["x"], "y": ["half", "upper"],
}  # fmt: skip


def _drawn(rng: np.random.Generator, steps: int) -> dict:
    """A program of steps, each of which reads one or two of what is there by then."""
    program, known = {}, ["x", "w"]
    for number in range(steps):
        count = int(rng.integers(1, 3))
        inputs = [known[-1], *(known[int(k)] for k in rng.integers(len(known) - 1, size=count - 1))]
        program[f"t{number}"] = inputs
        known.append(f"t{number}")
    return program


def _sizes(rng: np.random.Generator, program: dict) -> dict:
    """Bytes of each array."""
    names = ["x", "w", *program]
    return {name: int(rng.integers(1, 9)) * 100 for name in names}


# traffic_of_program -----------------------------------------------------------------------------


def _traffic_of_program(program, sizes):
    one_by_one = sum(
        sizes[output] + sum(sizes[name] for name in inputs) for output, inputs in program.items()
    )
    made = list(program)
    given = {name for inputs in program.values() for name in inputs} - set(made)
    fused = sum(sizes[name] for name in given) + sizes[made[-1]]
    return one_by_one, fused


def _traffic_cases(rng: np.random.Generator) -> list[Case]:
    def case(program: dict, part: str) -> Case:
        return Case((program, _sizes(rng, program)), part)

    return [
        case({"y": ["x"]}, "a single step"),
        case({"y": ["x", "w"]}, "a single step"),
        case({"a": ["x"], "y": ["a"]}, "several steps"),
        case({"a": ["x", "w"], "y": ["a", "x"]}, "several steps"),
        case({"a": ["x"], "y": ["a", "w"]}, "several steps"),
        case({"a": ["x"], "b": ["a"], "y": ["b", "a"]}, "several steps"),
        case(GELU, "several steps"),
        case(_drawn(rng, 6), "several steps"),
    ]


_TRAFFIC = solution_of(_traffic_of_program, "traffic_of_program")

TRAFFIC_OF_PROGRAM = Exercise(
    name="traffic_of_program",
    lesson="18",
    task="Count the bytes that a chain of steps moves: step by step, and fused into one pass.",
    points=4,
    minutes=15,
    difficulty="medium",
    solution=_TRAFFIC,
    why="By itself a step reads its inputs from memory and writes its output there. Fused, what is "
    "made on the way stays in registers: only what was there before is read, each array once, "
    "and only the last output is written.",
    hints=(
        "Which arrays need not go to memory at all, if everything is done in one pass?",
        "Step by step: for each step the sizes of all its inputs, plus that of its output. Fused: "
        "those inputs that no step makes, each once, plus the last output.",
        "made = list(program); given = {all inputs} - set(made)",
    ),
    reference=_traffic_of_program,
    cases=_traffic_cases,
    parts={"a single step": 1, "several steps": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "reads alone",
            "step by step only what is read is counted: each step writes its output too.",
            changed(_TRAFFIC, ("sizes[output] + sum(", "sum(")),
        ),
        Mistake(
            "writes alone",
            "step by step only what is written is counted: each step reads its inputs too.",
            "import numpy as np\n\n"
            + changed(
                _TRAFFIC.replace("import numpy as np\n\n", ""),
                ("sizes[output] + sum(sizes[name] for name in inputs)", "sizes[output]"),
            ),
        ),
        Mistake(
            "each input once for each use",
            "fused, an array that several steps read is counted several times: in one pass it is "
            "read once.",
            changed(
                _TRAFFIC,
                (
                    "{name for inputs in program.values() for name in inputs} - set(made)",
                    "[name for inputs in program.values() for name in inputs if name not in made]",
                ),
            ),
        ),
        Mistake(
            "temporaries are read",
            "fused, what the steps make on the way is counted, as read or as written: in one pass "
            "it never goes to memory.",
            changed(_TRAFFIC, (" - set(made)", "")),
        ),
        Mistake(
            "the first step alone",
            "fused, only the inputs of the first step are counted: later steps may read other "
            "arrays that were given.",
            changed(
                _TRAFFIC,
                (
                    "for inputs in program.values() for name",
                    "for inputs in [program[made[0]]] for name",
                ),
            ),
        ),
        Mistake(
            "the result is not written",
            "fused, the result is not counted: it has to be written.",
            changed(_TRAFFIC, (" + sizes[made[-1]]", "")),
        ),
    ),
)

# peak_of_program --------------------------------------------------------------------------------


def _peak_of_program(program, sizes):
    last_use = {name: step for step, inputs in enumerate(program.values()) for name in inputs}
    alive, peak = set(), 0
    for step, output in enumerate(program):
        alive.add(output)
        peak = max(peak, sum(sizes[name] for name in alive))
        alive = {name for name in alive if last_use.get(name, len(program)) > step}
    return peak


def _peak_cases(rng: np.random.Generator) -> list[Case]:
    def case(program: dict, part: str, same: bool = False) -> Case:
        sizes = _sizes(rng, program)
        return Case((program, dict.fromkeys(sizes, 100) if same else sizes), part)

    chain, used, drawn = "a chain", "temporaries used later", "many steps"
    return [
        case({"y": ["x"]}, chain),
        case({"a": ["x"], "y": ["a"]}, chain),
        case({"a": ["x"], "b": ["a"], "c": ["b"], "y": ["c", "w"]}, chain),
        case({"a": ["x"], "b": ["a"], "c": ["b"], "y": ["c", "a"]}, used),
        case({"a": ["x"], "b": ["x"], "c": ["b"], "d": ["c"], "y": ["d", "a"]}, used, True),
        case(GELU, drawn, True),
        case(GELU, drawn),
        case(_drawn(rng, 7), drawn),
    ]


_PEAK = solution_of(_peak_of_program, "peak_of_program")

PEAK_OF_PROGRAM = Exercise(
    name="peak_of_program",
    lesson="18",
    task="Say how many bytes a chain of steps needs at most at one time, beside what it is given.",
    points=5,
    minutes=18,
    difficulty="hard",
    solution=_PEAK,
    why="An array lives from the step that makes it to the last step that reads it. While a step "
    "runs, its inputs are still there and its output already is. So after each output is added "
    "the living are summed; only then may those go that nobody reads any more.",
    hints=(
        "At which moment of a step is most memory in use: before its output is there, or after?",
        "Find for every array the last step that reads it. Then walk through the steps: add the "
        "output, sum the sizes of what is alive, and drop what was read for the last time.",
        "last_use = {name: step for step, inputs in enumerate(program.values()) for name in "
        "inputs}; what is in no step's inputs is never dropped",
    ),
    reference=_peak_of_program,
    cases=_peak_cases,
    parts={"a chain": 2, "temporaries used later": 1, "many steps": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "nothing is given back",
            "all outputs are added up: a temporary is given back once it was read for the last "
            "time.",
            changed(
                _PEAK,
                ("        alive = {name for name in alive if last_use.get(name, len(program)) > "
                 "step}\n", ""),
            ),
        ),
        Mistake(
            "given back too early",
            "the inputs of a step are given back before its output is there: while it runs, both "
            "are.",
            changed(
                _PEAK,
                (
                    "        peak = max(peak, sum(sizes[name] for name in alive))\n"
                    "        alive = {name for name in alive if last_use.get(name, len(program)) > "
                    "step}\n",
                    "        alive = {name for name in alive if last_use.get(name, len(program)) > "
                    "step}\n"
                    "        peak = max(peak, sum(sizes[name] for name in alive))\n",
                ),
            ),
        ),
        Mistake(
            "what was given",
            "the arrays that the program was given are counted too: only what it makes itself was "
            "asked.",
            changed(_PEAK, ("alive, peak = set(), 0", "alive, peak = set(last_use), 0"),
                    ("        alive.add", "        alive |= {output}\n        alive.add")),
        ),
        Mistake(
            "how many, not how large",
            "this counts arrays: add up their sizes.",
            changed(_PEAK, ("sum(sizes[name] for name in alive)", "len(alive)")),
        ),
        Mistake(
            "the largest alone",
            "this is the largest single array: several are alive at once.",
            changed(_PEAK, ("sum(sizes[name] for name in alive)",
                            "max(sizes[name] for name in alive)")),
        ),
    ),
)  # fmt: skip

EXERCISES = (TRAFFIC_OF_PROGRAM, PEAK_OF_PROGRAM)
