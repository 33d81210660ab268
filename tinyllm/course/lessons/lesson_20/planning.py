"""Exercises of lesson 20, its project: a planner, from two fitted lines and one plan."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# fit_step_time ----------------------------------------------------------------------------------


def _step_time(flops, seconds):
    x, y = flops - flops.mean(), seconds - seconds.mean()
    slope = (x * y).sum() / (x * x).sum()  # seconds for an operation
    overhead = seconds.mean() - slope * flops.mean()
    return overhead, 1 / slope


def _step_time_cases(rng: np.random.Generator) -> list[Case]:
    exact, scattered = "two steps", "steps that scatter"
    cases = [Case((np.array([1e9, 3e9]), np.array([0.02, 0.04])), exact)]
    for count, noise, part in ((2, 0, exact), (5, 0.001, scattered), (8, 0.002, scattered)):
        flops = np.cumsum(rng.uniform(1e8, 1e9, count))
        seconds = 0.003 + flops / rng.uniform(2e10, 6e10) + noise * rng.uniform(0.2, 1, count)
        cases.append(Case((flops, seconds), part))
    return cases


_STEP_TIME = solution_of(_step_time, "fit_step_time")
_OVERHEAD = "    overhead = seconds.mean() - slope * flops.mean()\n"

FIT_STEP_TIME = Exercise(
    name="fit_step_time",
    lesson="20",
    task="Fit seconds = overhead + flops / rate to measured steps, by least squares; give overhead "
    "and rate.",
    points=4,
    minutes=14,
    difficulty="medium",
    solution=_STEP_TIME,
    why="The line of least squares goes through the mean of both, and its slope is the sum of "
    "products of deviations over the sum of squares. The slope is seconds for an operation, so its "
    "inverse is the rate. What is left at no operations at all is the overhead.",
    hints=(
        "It is a straight line in flops. What are its slope and its height at 0?",
        "Slope: sum of (flops - mean)(seconds - mean) over the sum of (flops - mean)². The line "
        "goes through the two means. np.polyfit(flops, seconds, 1) would do too.",
        "overhead = seconds.mean() - slope * flops.mean(); return overhead, 1 / slope",
    ),
    reference=_step_time,
    cases=_step_time_cases,
    parts={"two steps": 2, "steps that scatter": 2},
    refused=REFUSED,
    relative=1e-5,
    absolute=1e-9,
    mistakes=(
        Mistake(
            "no overhead",
            "the line is forced through 0: a step without operations still takes Python's time.",
            "import numpy as np\n\ndef fit_step_time(flops, seconds):\n"
            "    slope = (flops * seconds).sum() / (flops * flops).sum()\n"
            "    return 0.0, 1 / slope\n",
        ),
        Mistake(
            "the slope for the rate",
            "this is seconds for an operation: the rate is operations in a second.",
            changed(_STEP_TIME, ("1 / slope", "slope")),
        ),
        Mistake(
            "rate first",
            "the rate comes first: overhead first was asked.",
            changed(_STEP_TIME, ("return overhead, 1 / slope", "return 1 / slope, overhead")),
        ),
        Mistake(
            "the mean of the ratios",
            "the rate is the mean of flops / seconds, which counts the overhead as slowness.",
            "import numpy as np\n\ndef fit_step_time(flops, seconds):\n"
            "    rate = (flops / seconds).mean()\n"
            "    return seconds.mean() - flops.mean() / rate, rate\n",
        ),
        Mistake(
            "the first and the last",
            "the line goes through two of the points alone: those between count too.",
            "import numpy as np\n\ndef fit_step_time(flops, seconds):\n"
            "    rate = (flops[-1] - flops[0]) / (seconds[-1] - seconds[0])\n"
            "    return seconds[0] - flops[0] / rate, rate\n",
        ),
        Mistake(
            "the smallest step as overhead",
            "the overhead is what the shortest step took: that step had operations too.",
            changed(_STEP_TIME, (_OVERHEAD, "    overhead = seconds.min()\n")),
        ),
        Mistake(
            "flops on the line's other side",
            "flops are fitted to seconds: the errors are in the seconds, so fit seconds to flops.",
            "import numpy as np\n\ndef fit_step_time(flops, seconds):\n"
            "    rate, start = np.polyfit(seconds, flops, 1)\n"
            "    return -start / rate, rate\n",
        ),
    ),
)

# fit_power_law ----------------------------------------------------------------------------------


def _power_law(sizes, losses, floor):
    x, y = np.log(sizes), np.log(losses - floor)
    slope, height = np.polyfit(x, y, 1)
    return np.exp(height), -slope


def _power_law_cases(rng: np.random.Generator) -> list[Case]:
    bare, above = "a floor of 0", "a floor above 0"

    def drawn(count: int, floor: float, noise: float) -> tuple:
        sizes = 1000.0 * 3 ** np.arange(count) * rng.uniform(1, 2)
        a, b = rng.uniform(20, 60), rng.uniform(0.3, 0.6)
        scatter = np.exp(noise * rng.uniform(-1, 1, count))
        return sizes, floor + a * sizes**-b * scatter, floor

    return [
        Case((np.array([100.0, 10000.0]), np.array([1.0, 0.1]), 0.0), bare),
        Case(drawn(4, 0.0, 0.1), bare),
        Case(drawn(4, 0.5, 0.0), above),
        Case(drawn(5, 0.4, 0.1), above),
    ]


_POWER_LAW = solution_of(_power_law, "fit_power_law")

FIT_POWER_LAW = Exercise(
    name="fit_power_law",
    lesson="20",
    task="Fit losses = floor + a sizes^-b by a straight line between logarithms; give a and b.",
    points=4,
    minutes=14,
    difficulty="hard",
    solution=_POWER_LAW,
    why="log(loss - floor) = log a - b log size: a straight line, whose slope is -b and whose "
    "height at size 1 is log a. The floor must go first, since the logarithm of a sum is no sum.",
    hints=(
        "Take the floor off, and the logarithm of both sides. What kind of curve is left?",
        "Fit a line to log(losses - floor) over log(sizes): its slope is -b, its height log a.",
        "slope, height = np.polyfit(np.log(sizes), np.log(...), 1); return np.exp(height), ...",
    ),
    reference=_power_law,
    cases=_power_law_cases,
    parts={"a floor of 0": 2, "a floor above 0": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the floor is left in",
            "the floor is not taken off before the logarithm: the line is then no line.",
            changed(_POWER_LAW, ("losses - floor", "losses")),
        ),
        Mistake(
            "the sign of b",
            "b has the wrong sign: the slope is -b, since losses fall.",
            changed(_POWER_LAW, (", -slope", ", slope")),
        ),
        Mistake(
            "the logarithm of a",
            "this is log a: a itself was asked.",
            changed(_POWER_LAW, ("np.exp(height)", "height")),
        ),
        Mistake(
            "b first",
            "b stands first: a, then b was asked.",
            changed(_POWER_LAW, ("np.exp(height), -slope", "-slope, np.exp(height)")),
        ),
        Mistake(
            "sizes without a logarithm",
            "only the losses have had their logarithm taken: that fits an exponential.",
            changed(_POWER_LAW, ("np.log(sizes), np", "sizes, np")),
        ),
        Mistake(
            "another base on one side",
            "the logarithms are to base 10, and e undoes them: the base must be the same.",
            changed(
                _POWER_LAW,
                ("np.log(sizes)", "np.log10(sizes)"),
                ("np.log(losses", "np.log10(losses"),
            ),
        ),
        Mistake(
            "the floor is added",
            "the floor is added: what lies above it is the loss less the floor.",
            changed(_POWER_LAW, ("losses - floor", "losses + floor + 1e-12")),
        ),
    ),
)

# training_plan ----------------------------------------------------------------------------------


def _plan(V, T, C, L, B, steps, overhead, rate, price):
    parameters = V * C + T * C + L * (12 * C * C + 2 * C) + C
    forward = 2 * (L * 12 * C * C + V * C) + L * 2 * C * (T + 1)
    flops = 3 * forward * B * T * steps
    seconds = steps * overhead + flops / rate
    return {
        "parameters": parameters,
        "bytes": 16 * parameters,
        "flops": flops,
        "seconds": seconds,
        "cost": seconds / 3600 * price,
    }


def _plan_cases(rng: np.random.Generator) -> list[Case]:
    one, many = "one step", "many steps"
    cases = [Case((1, 1, 2, 1, 1, 1, 0.5, 1e6, 3600.0), one)]
    for steps, part in ((1, one), (100, many), (3000, many)):
        V, T, C = int(rng.integers(50, 300)), int(rng.integers(10, 80)), 8 * int(rng.integers(2, 9))
        L, B = int(rng.integers(2, 7)), int(rng.integers(4, 30))
        overhead, rate = float(rng.uniform(0.001, 0.01)), float(rng.uniform(1e10, 1e11))
        cases.append(Case((V, T, C, L, B, steps, overhead, rate, float(rng.uniform(1, 9))), part))
    return cases


_PLAN = code_of(_plan, "training_plan")

TRAINING_PLAN = Exercise(
    name="training_plan",
    lesson="20",
    task="Give a training's parameters, bytes, flops, seconds and cost, in a dict of these names.",
    points=5,
    minutes=18,
    difficulty="medium",
    solution=_PLAN,
    why="Each line rests on the one before: sizes give parameters and operations, operations and "
    "the machine give seconds, seconds and a price give money. Four numbers of 4 bytes for each "
    "parameter: weight, gradient, and AdamW's two running means.",
    hints=(
        "Use decoder_parameter_count and training_step_flops; only three lines are new.",
        "bytes: 4 numbers of 4 bytes for each parameter. seconds: the overhead is paid at every "
        "step. cost: the price is for an hour.",
        "seconds = steps * overhead + flops / rate; cost = seconds / 3600 * price",
    ),
    reference=_plan,
    cases=_plan_cases,
    parts={"one step": 2, "many steps": 3},
    refused=REFUSED,
    needs=("decoder_parameter_count", "training_step_flops"),
    absolute=1e-12,
    mistakes=(
        Mistake(
            "the overhead once",
            "the overhead is paid once: it comes with every step.",
            changed(_PLAN, ("steps * overhead", "overhead")),
        ),
        Mistake(
            "no overhead",
            "the overhead is left out: small models spend most of their time on it.",
            changed(_PLAN, ("steps * overhead + ", "")),
        ),
        Mistake(
            "weights alone",
            "bytes are those of the weights: in training come gradients and AdamW's two arrays.",
            changed(_PLAN, ("16 * parameters", "4 * parameters")),
        ),
        Mistake(
            "no gradients",
            "bytes are short of one array: weights, gradients, and two of AdamW's make four.",
            changed(_PLAN, ("16 * parameters", "12 * parameters")),
        ),
        Mistake(
            "flops of one step",
            "flops and what rests on them are those of one step.",
            changed(_PLAN, (" * B * T * steps", " * B * T")),
        ),
        Mistake(
            "a price for seconds",
            "the price is for an hour, and the cost takes it for a second.",
            changed(_PLAN, ("seconds / 3600 * price", "seconds * price")),
        ),
        Mistake(
            "six N",
            "flops are 6 N for each token: that leaves out attention and counts tables that are "
            "only looked up.",
            changed(_PLAN, ("3 * forward * B", "6 * parameters * B")),
        ),
    ),
)

# best_affordable_plan ---------------------------------------------------------------------------


def _affordable(losses, seconds, bytes_needed, most_seconds, most_bytes):
    fits = (seconds <= most_seconds) & (bytes_needed <= most_bytes)  # (N,)
    if not fits.any():
        return None
    return int(np.argmin(np.where(fits, losses, np.inf)))


def _affordable_cases(rng: np.random.Generator) -> list[Case]:
    fits, none, edge = "some plans fit", "none fits", "just within the budget"
    losses = np.array([3.0, 2.5, 2.2, 1.8, 2.0]) * rng.uniform(1, 2)
    seconds = np.array([10.0, 20.0, 40.0, 100.0, 60.0])
    size = np.array([1.0, 2.0, 9.0, 4.0, 5.0])
    one = np.array([2.0])
    return [
        Case((one, np.array([5.0]), one, 9.0, 9.0), fits),
        Case((losses, seconds, size, 70.0, 4.0), fits),
        Case((losses, seconds, size, 70.0, 20.0), fits),
        Case((losses, seconds, size, 50.0, 20.0), fits),
        Case((losses, seconds, size, 200.0, 2.5), fits),
        Case((losses[::-1].copy(), seconds[::-1].copy(), size[::-1].copy(), 45.0, 6.0), fits),
        Case((losses[[3, 1, 2, 0, 4]], seconds, size, 70.0, 20.0), fits),
        Case((losses, seconds, size, 60.0, 20.0), edge),
        Case((losses, seconds, size, 70.0, 5.0), edge),
        Case((losses, seconds, size, 5.0, 20.0), none),
        Case((losses, seconds, size, 15.0, 0.5), none),
    ]


_AFFORDABLE = solution_of(_affordable, "best_affordable_plan")
_FITS = "(seconds <= most_seconds) & (bytes_needed <= most_bytes)"

BEST_AFFORDABLE_PLAN = Exercise(
    name="best_affordable_plan",
    lesson="20",
    task="Give the number of the plan with the lowest expected loss among those within both "
    "budgets; None if there is none.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_AFFORDABLE,
    why="A mask says what fits, and infinity in the place of the others' losses keeps their "
    "numbers: the place of the smallest is then the plan's own number. Two budgets, both of which "
    "must hold.",
    hints=(
        "First ask which plans fit, then which of those is best. Mind that numbers stay.",
        "np.where(fits, losses, np.inf) keeps the places; np.argmin finds the smallest.",
        "if not fits.any(): return None; return int(np.argmin(np.where(...)))",
    ),
    reference=_affordable,
    cases=_affordable_cases,
    parts={"some plans fit": 1, "none fits": 1, "just within the budget": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "numbers among those that fit",
            "this is the place among the plans that fit: the number among all was asked.",
            changed(
                _AFFORDABLE,
                ("np.argmin(np.where(fits, losses, np.inf))", "np.argmin(losses[fits])"),
            ),
        ),
        Mistake(
            "time alone",
            "only the time is held against its budget, not the memory.",
            changed(_AFFORDABLE, (_FITS, "seconds <= most_seconds")),
        ),
        Mistake(
            "memory alone",
            "only the memory is held against its budget, not the time.",
            changed(_AFFORDABLE, (_FITS, "bytes_needed <= most_bytes")),
        ),
        Mistake(
            "one of the two",
            "a plan is taken that keeps one of the two budgets: it must keep both.",
            changed(_AFFORDABLE, (") & (", ") | (")),
        ),
        Mistake(
            "below, not within",
            "a plan that uses the budget up to the last bit fits too.",
            changed(
                _AFFORDABLE,
                ("<= most_seconds", "< most_seconds"),
                ("<= most_bytes", "< most_bytes"),
            ),
        ),
        Mistake(
            "the first, where none fits",
            "where nothing fits, plan 0 comes out, as if it did: argmin of nothing but infinities "
            "is 0.",
            changed(_AFFORDABLE, ("    if not fits.any():\n        return None\n", "")),
        ),
        Mistake(
            "the dearest",
            "this is the plan that takes longest: the one with the lowest expected loss was asked.",
            changed(
                _AFFORDABLE,
                (
                    "np.argmin(np.where(fits, losses, np.inf))",
                    "np.argmax(np.where(fits, seconds, -np.inf))",
                ),
            ),
        ),
    ),
)

EXERCISES = (FIT_STEP_TIME, FIT_POWER_LAW, TRAINING_PLAN, BEST_AFFORDABLE_PLAN)
