"""Graders: every wrong variant is rejected with its own diagnosis, every solution is full."""

import dataclasses
from functools import partial

import numpy as np
import pytest

from tinyllm.course.grading import grade, grade_ours
from tinyllm.course.lessons import lessons
from tinyllm.course.sandbox import Limits

EXERCISES = [e for lesson in lessons().values() for e in lesson.exercises.values()]
MISTAKES = [(e, m) for e in EXERCISES for m in e.mistakes]
# a check takes a tenth of a second, but the machine may be busy
grade_patiently = partial(grade, limits=Limits(seconds=60))


@pytest.mark.parametrize("exercise", EXERCISES, ids=str)
def test_the_solution_is_full_for_every_seed(exercise):
    for seed in (0, 1, 7):
        report = grade_patiently(exercise, exercise.solution, seed)
        assert report.passed, report
        assert str(report).startswith("✓")


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=lambda x: getattr(x, "name", ""))
def test_a_wrong_variant_is_rejected_and_named(exercise, mistake):
    first = mistake is exercise.mistakes[0]  # a process each for all would take minutes
    sandboxed = (0, grade_patiently if first else grade_ours)
    for seed, grading in (sandboxed, (1, grade_ours), (7, grade_ours)):
        report = grading(exercise, mistake.code, seed)
        assert not report.passed
        assert report.diagnosis == mistake.diagnosis
        assert report.failure is not None


@pytest.mark.parametrize("exercise", EXERCISES, ids=str)
def test_nothing_earns_nothing(exercise):
    for code in ("", f"def {exercise.name}(*args):\n    ...  # to do\n"):
        assert grade(exercise, code).points == 0


@pytest.mark.parametrize("exercise", EXERCISES, ids=str)
def test_what_an_exercise_must_have(exercise):
    one_liner = len(exercise.solution.strip().splitlines()) < 3
    assert len(exercise.mistakes) >= (2 if one_liner else 5)
    assert len({m.diagnosis for m in exercise.mistakes}) == len(exercise.mistakes)
    assert len(set(exercise.hints)) == 3
    assert exercise.why
    assert exercise.minutes > 0
    sizes = [sum(np.size(x) for x in case.arguments) for case in exercise.drawn()]
    assert sizes[0] == min(sizes), "the first case is the smallest"


def softmax():
    return lessons()["07"].exercises["my_softmax"]


def test_an_endless_loop_ends_in_a_sentence():
    code = "def my_softmax(x):\n    while True:\n        pass\n"
    report = grade(softmax(), code, limits=Limits(seconds=0.8))
    assert "it had not finished after 0.8 s: is there a loop that never ends?" in str(report)
    assert report.points == 0


def test_a_syntax_error_is_the_learners():
    report = grade(softmax(), "def my_softmax(x):\n    return x +\n")
    assert "Your code could not be run. SyntaxError" in report.problem
    assert "line 2 of your code: return x +" in report.problem


def test_refused_names_are_named():
    for code in (
        "import tinyllm\ndef my_softmax(x):\n    return tinyllm.softmax(tinyllm.tensor(x), -1)",
        "from scipy.special import softmax as s\ndef my_softmax(x):\n    return s(x, -1)",
        "import torch.nn.functional as F\nf = F.softmax\ndef my_softmax(x):\n    return f(x)",
    ):
        report = grade(softmax(), code)
        assert report.points == 0
        assert "which does the exercise for you" in report.problem


def test_the_courses_own_answers_are_refused():
    free = dataclasses.replace(softmax(), refused=())  # tinyllm itself may be used
    look = "from tinyllm.course import exercise\n\nmy_softmax = exercise('my_softmax').reference\n"
    report = grade(free, look)
    assert report.points == 0
    assert "which does the exercise for you" in report.problem


def test_numbers_are_no_truth_values():
    """As a mask an array of 0 and 1 would be added to the scores."""
    found = lessons()["07"].exercises["causal_mask"]
    report = grade(found, "import numpy as np\ndef causal_mask(T):\n    return np.tri(T)\n")
    assert report.points == 0
    assert "numbers where True and False were expected" in str(report)


def test_partial_credit_by_part():
    report = grade(softmax(), softmax().mistakes[0].code)
    assert report.parts == {
        "rows that sum to 1": True, "large numbers": False, "what is -inf gets 0": True,
    }  # fmt: skip
    assert report.points == 3


def test_the_learner_cannot_answer_for_the_grader():
    """Lines on the answers' pipe, a false exit, and a value that is no data earn nothing."""
    forged = '{"event": "result", "case": 0, "value": 1, "after": 1, "seconds": 0}'
    for body in (
        f"import os\n    for fd in range(3, 40):\n        try: os.write(fd, b'{forged}\\n' * 9)\n"
        "        except OSError: pass",
        "import os; os._exit(0)",
        "return type('Same', (), {'__eq__': lambda s, o: True, 'shape': (2,)})()",
        "raise SystemExit(0)",
        "import sys; sys.exit()",
    ):
        report = grade(softmax(), f"def my_softmax(x):\n    {body}\n")
        assert report.points == 0, body


def test_what_the_code_prints_is_shown():
    report = grade(softmax(), "def my_softmax(x):\n    print('shape', x.shape)\n    return x\n")
    assert "shape (2,)" in str(report)
    assert "<pre" in report._repr_html_()


def test_lines_are_counted_from_the_functions_own_first():
    """The code comes out of several cells: its line numbers would lead astray."""
    before = "import numpy as np\n\n\ndef shift(x):\n    return x - x.nothing\n\n\n"
    report = grade(softmax(), f"{before}def my_softmax(x):\n    y = shift(x)\n    return y\n")
    assert "line 2 of shift: return x - x.nothing" in str(report)
    report = grade(softmax(), f"{before}def my_softmax(x):\n    y = x\n    return np.exp(y)\n")
    assert "<my_softmax>:3: RuntimeWarning: overflow" in report.printed
    assert "return np.exp(y)" in report.printed
    report = grade(softmax(), f"{before}def my_softmax(x):\n    return 1\nfor i in 5:\n    pass\n")
    assert "line 10 of your code: for i in 5:" in report.problem


def test_rows_of_arrays_stand_below_one_another():
    plain = grade(softmax(), "import numpy as np\ndef my_softmax(x):\n    return np.exp(x)\n")
    assert "fails: my_softmax(array([0." in str(plain)
    attention = lessons()["07"].exercises["masked_attention"]
    text = str(grade(attention, attention.mistakes[0].code))
    lines = text.splitlines()
    opened = [line.index("array([[") for line in lines if "array([[" in line]
    begins = [line.index("[") for line in lines if line.lstrip().startswith("[")]
    assert len(opened) == 6  # q, k, v, mask; expected and got
    assert begins
    assert set(begins) <= {column + len("array([") for column in opened}


def test_arrays_within_a_dict_or_a_tuple_begin_a_line_each():
    masks = lessons()["09"].exercises["three_masks"]
    lines = str(grade(masks, masks.mistakes[0].code)).splitlines()
    assert [line.index("'decoder': arr") for line in lines if "'decoder'" in line] == [13, 13]
    more = "return {'more': ((np.ones((2, 2)),), [1, 2]), "
    text = str(grade(masks, masks.solution.replace("return {", more)))
    assert "'more': ((array([[1., 1.],\n" in text
    assert "[1., 1.]]),),\n" + " " * 22 + "[1, 2])" in text, "a tuple of one has its comma"


def test_what_is_long_is_cut_between_lines():
    step = lessons()["13"].exercises["decoder_step"]
    lines = str(grade(step, step.mistakes[0].code)).splitlines()
    assert lines[lines.index("  …,") - 1].endswith("],")


def test_a_report_in_a_notebook_breaks_its_lines_between_words():
    html = grade(softmax(), "def my_softmax(x):\n    return x\n")._repr_html_()
    assert "white-space: pre-wrap; word-break: normal" in html
