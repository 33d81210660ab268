"""Exercise of lesson 05: Viterbi's algorithm."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _best_tag_path(scores, steps, start):
    T, K = scores.shape
    best = start + scores[0]
    came_from = np.zeros((T, K), int)
    for i in range(1, T):
        ways = best[:, None] + steps
        came_from[i] = ways.argmax(axis=0)
        best = ways.max(axis=0) + scores[i]
    path = [int(best.argmax())]
    for i in range(T - 1, 0, -1):
        path.append(int(came_from[i, path[-1]]))
    return path[::-1]


def _path_cases(rng: np.random.Generator) -> list[Case]:
    one, two, long, forbidden = "one word", "two words", "longer sentences", "what is forbidden"

    def drawn(T: int, K: int) -> tuple:
        """A start that decides, and a last word whose favourite no tag may come before."""
        scores, steps, start = 2 * rng.normal(size=(T, K)), rng.normal(size=(K, K)), np.zeros(K)
        start[1], scores[0, 1] = 40.0, -20.0
        steps[:, K - 1] -= 30.0
        scores[-1, K - 1] += 9.0
        return scores, steps, start

    gap, more = rng.uniform(0.5, 2.0, size=2)
    scores, steps, start = drawn(40, 4)
    steps[:, 3], start[0], scores[0, 0] = -np.inf, -np.inf, 60.0
    turn = np.array([[0.0, 1.0], [2.0, 0.0]]) * gap
    back = np.array([[0.0, -3.0], [-5.0, -4.0]]) * gap
    return [
        Case((np.array([[0.0, gap]]), np.zeros((2, 2)), np.array([gap + more, 0.0])), one),
        Case((turn, back, np.array([0.0, 0.0])), two),
        Case((np.array([[0.0, gap], [0.0, 0.0]]), back.T, np.array([0.0, 0.0])), two),
        Case(drawn(30, 3), long),
        Case(drawn(50, 4), long),
        Case((scores, steps, start), forbidden),
    ]


_PATH = solution_of(_best_tag_path, "best_tag_path")
_WALK = """\
    path = [int(best.argmax())]
    for i in range(T - 1, 0, -1):
        path.append(int(came_from[i, path[-1]]))
    return path[::-1]
"""

BEST_TAG_PATH = Exercise(
    name="best_tag_path",
    lesson="05",
    task="Viterbi: from scores (T, K), steps (K, K) and start (K), all logarithms, find the tags "
    "(T numbers) with the largest sum.",
    points=6,
    minutes=25,
    difficulty="hard",
    solution=_PATH,
    why="The best path to tag t at place i goes through some tag s at place i - 1, and its "
    "beginning is the best path to s: any better one could be put in its place. So K numbers are "
    "enough for each place, with a note for each of where it came from; the notes are read "
    "backward from the best end.",
    hints=(
        "For two words write down all K² sums. Which of them can still matter when a third word "
        "comes?",
        "Keep for each tag the best sum of a path that ends there, and the tag before it on that "
        "path. best[:, None] + steps holds all ways from the row's tag to the column's.",
        "ways = best[:, None] + steps; came_from[i] = ways.argmax(axis=0); best = ways.max(axis=0) "
        "+ scores[i]; at the end walk back through came_from and turn the path round",
    ),
    reference=_best_tag_path,
    cases=_path_cases,
    parts={"one word": 1, "two words": 1, "longer sentences": 3, "what is forbidden": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "greedy",
            "each word takes the tag that is best after the one chosen before: a later word cannot "
            "change it any more. This is greedy search.",
            changed(
                _PATH,
                (
                    _WALK,
                    "    path = [int((start + scores[0]).argmax())]\n    for i in range(1, T):\n"
                    "        path.append(int((steps[path[-1]] + scores[i]).argmax()))\n"
                    "    return path\n",
                ),
            ),
        ),
        Mistake(
            "each word alone",
            "each word has the tag with its largest score: the steps between tags do not count.",
            changed(_PATH, (_WALK, "    return [int(row.argmax()) for row in scores]\n")),
        ),
        Mistake(
            "steps transposed",
            "steps are read the wrong way round: the row is the tag before, the column "
            "the tag now.",
            changed(_PATH, ("+ steps\n", "+ steps.T\n")),
        ),
        Mistake(
            "no start",
            "the scores of the first tag leave `start` out.",
            changed(_PATH, ("best = start + scores[0]", "best = scores[0]")),
        ),
        Mistake(
            "from end to beginning",
            "the path is the right one, read from its end: turn it round.",
            changed(_PATH, ("path[::-1]", "path")),
        ),
        Mistake(
            "where it goes to",
            "came_from takes the maximum along the wrong axis: for each tag now it should say "
            "which tag before was best.",
            changed(_PATH, ("ways.argmax(axis=0)", "ways.argmax(axis=1)")),
        ),
        Mistake(
            "the last word alone",
            "the last tag is chosen by the last word's scores alone: it is the best end of a whole "
            "path.",
            changed(_PATH, ("path = [int(best.argmax())]", "path = [int(scores[-1].argmax())]")),
        ),
        Mistake(
            "the word before",
            "each step adds the scores of the word before: that word has had its turn.",
            changed(_PATH, ("+ scores[i]\n", "+ scores[i - 1]\n")),
        ),
        Mistake(
            "shares for logarithms",
            "sums became products: these are logarithms, and a product of shares is a sum of them.",
            changed(_PATH, ("best[:, None] + steps", "best[:, None] * steps")),
        ),
    ),
)
