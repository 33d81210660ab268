# %% [markdown]
# # 00 How to use this course
#
# **You will be able to** run a lesson, solve an exercise and have it graded; get a hint, and get
# out when you are stuck; read shapes as the rest of the course writes them; and say whether you
# know the three things that every lesson leans on: the chain rule, logarithms, and NumPy arrays.
#
# **You need** Python: functions, loops, lists. If you have seen a derivative and a logarithm once,
# that is enough; this lesson reminds you of both.
# **Time:** about 35 minutes of reading, and 80 of exercises.
#
# ## Why
#
# You learn what a language model is by building one, and you find out whether you have understood
# a formula when your code gives the right numbers. So each lesson asks you to write the pieces
# yourself, and a grader tells you at once what is wrong. A machine can only do that well if you
# know how it works; that is one half of this lesson.
#
# The other half is a check of what you know already. Most people who get stuck in a course on
# neural networks do not get stuck on attention. They get stuck because an array of shape $(N,)$
# went where $(N, 1)$ was meant. Half an hour on shapes now saves days later.
#
# ## Cells
#
# A notebook is a column of **cells**: text like this one, and code like the next. Click into a code
# cell and press **Shift+Enter**: it runs, its output appears below, and the next cell is selected.
# All cells share one Python process, so what one defines the next can use. The order in which you
# *run* them counts, not the order on the page. When nothing makes sense any more, choose *Restart
# kernel and run all cells*: it begins anew, from the top. Exercises that you have not done are
# passed over.
#
# Run the cell below. It brings in what this lesson uses.

# %%
import inspect
import os
import subprocess
import sys
import tempfile

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import Progress, check, exercise, grade, lesson, lessons, reveal
from tinyllm.course.sandbox import Limits
from tinyllm.gradcheck import gradcheck
from tinyllm.gradcheck.probe import Probe
from tinyllm.metrics import perplexity
from tinyllm.ops.elementwise import Tanh
from tinyllm.viz.style import BLUE, GREEN, GRID, INK, ORANGE, PAPER, PURPLE, QUIET, dress

rng = np.random.default_rng(0)

# %% [markdown]
# ## The map of the course
#
# There are 21 lessons. You can take them from 00 to 20, but you need not: an arrow in the picture
# means «builds on». If you only want to know how attention works, go 02, 07. Each lesson says on
# its first lines what it needs and how long it takes. The minutes in the boxes come from the
# package; a box without them is a lesson that your version does not have yet.

# %%
course_map = {  # number: (title, the lessons it builds on)
    "00": ("How to use\nthis course", ""),
    "01": ("What a language\nmodel is", "00"),
    "02": ("Derivatives\nby machine", "00"),
    "03": ("Tensors, broadcasting,\ngradient checking", "02"),
    "04": ("Preparing\ntext", "01"),
    "05": ("Labels\non words", "04"),
    "06": ("Embeddings\nand positions", "03 04"),
    "07": ("Softmax\nand attention", "02"),
    "08": ("The Transformer\nblock", "06 07"),
    "09": ("Encoder\nand decoder", "08"),
    "10": ("Likelihood, cross-\nentropy, perplexity", "01 07"),
    "11": ("Optimizers", "03"),
    "12": ("The training\nloop", "08 10 11"),
    "13": ("Generating\ntext", "12"),
    "14": ("Translation", "09 13"),
    "15": ("Summarisation", "09 13"),
    "16": ("Dialogue", "13"),
    "17": ("Taggers by\nTransformer", "05 12"),
    "18": ("Fast NumPy", "07"),
    "19": ("The same\nin PyTorch", "12"),
    "20": ("Frequently\nasked", "12"),
}
assert set(lessons()) <= set(course_map)

# %%
# Across and down on the picture, by hand, so that few lines cross.
places = {
    "00": (1.9, 0), "01": (0.9, 1), "02": (2.7, 1),
    "04": (0.2, 2), "03": (1.35, 2), "07": (3.15, 2), "18": (4.2, 2),
    "05": (-0.1, 3), "06": (0.95, 3), "11": (2.7, 3), "10": (3.8, 3),
    "08": (1.2, 4), "12": (2.9, 5), "09": (1.2, 5),
    "17": (0, 6), "13": (2.2, 6), "19": (3.2, 6), "20": (4.2, 6),
    "14": (1.0, 7), "15": (2.2, 7), "16": (3.2, 7),
}  # fmt: skip
part_ends = {1: INK, 7: BLUE, 10: GREEN, 14: ORANGE, 18: PURPLE, 21: QUIET}
figure, axes = plt.subplots(figsize=(9, 7.6), layout="constrained", facecolor=PAPER)
axes.axis("off")
axes.set(xlim=(-0.5, 4.6), ylim=(7.4, -0.4))
boxes = {}
for number, (title, _) in course_map.items():
    colour = next(colour for end, colour in part_ends.items() if int(number) < end)
    minutes = f"\n{lessons()[number].minutes} min" if number in lessons() else ""
    style = {"boxstyle": "round,pad=0.4", "fc": PAPER, "ec": colour, "lw": 2}
    label = f"{number}  {title}{minutes}"
    boxes[number] = axes.text(*places[number], label, ha="center", va="center", bbox=style)
    boxes[number].set(color=INK, fontsize=8.5)
figure.canvas.draw()  # from here on the boxes have a size, at which arrows can end
for number, (_, needed) in course_map.items():
    for earlier in needed.split():
        ends = {"patchA": boxes[earlier].get_bbox_patch(), "patchB": boxes[number].get_bbox_patch()}
        arrow = {"arrowstyle": "-|>", "color": QUIET, "shrinkA": 0, "shrinkB": 0, **ends}
        axes.annotate("", places[number], places[earlier], arrowprops=arrow, zorder=0)
plt.show()

# %% [markdown]
# *Picture: 21 boxes in eight rows, joined by arrows from what is needed to what needs it. 00 stands
# at the top and leads to 01 and 02. Text (04 to 06) and attention (07) meet in the Transformer block
# (08); with the loss (10) and optimizers (11) it leads to the training loop (12), and from there to
# generating text (13), to translation, summaries and dialogue (14 to 16), taggers (17), PyTorch (19)
# and the questions people ask (20). Fast NumPy (18) hangs on 07. Blue are gradients and text, green
# the model, orange training and writing, purple the uses, grey what goes further.*
#
# ## Six questions to begin with
#
# Take a pencil and five minutes. No code, no search. Then run the cell, which works them all out.
#
# 1. $f(x) = (3x + 1)^2$. What is its slope at $x = 1$?
# 2. What is $\log_2 32$, and what is $\log_2 \frac{1}{8}$?
# 3. What is $e^{\log 2 + \log 3}$? (Here and everywhere in the course, $\log$ is the natural one.)
# 4. An array of shape $(3, 1)$ plus one of shape $(4,)$: which shape comes out?
# 5. `x` has shape $(2, 3)$. Which shape has `x.sum(axis=0)`?
# 6. What is the first row of `np.arange(6).reshape(2, 3).T`?

# %%
inner, outer = 3.0, 2 * (3 * 1 + 1)  # slope of 3x + 1; slope of the square, at 4
answers = [
    inner * outer,
    (np.log2(32), np.log2(1 / 8)),
    np.exp(np.log(2) + np.log(3)),
    (np.zeros((3, 1)) + np.zeros(4)).shape,
    np.zeros((2, 3)).sum(axis=0).shape,
    np.arange(6).reshape(2, 3).T[0],
]
for number, answer in enumerate(answers, 1):
    print(number, answer)
assert answers[0] == 24
assert answers[1] == (5, -3)
assert np.isclose(answers[2], 6)
assert answers[3:5] == [(3, 4), (3,)]
assert answers[5].tolist() == [0, 3]

# %% [markdown]
# All six right? Then you need this lesson mostly for the machinery; read on quickly, and do the
# exercises as a warm-up. Some wrong? Note which. Questions 4 to 6 are the next two sections, 1 is
# the chain rule, 2 and 3 are the logarithms at the end.
#
# ## Reading shapes
#
# An array is a block of numbers with a **shape**: a tuple that says how long it is along each
# **axis**. $(2, 3)$ is two rows of three. In this course shapes stand in comments, like `# (T, D)`,
# and the letters keep their meaning throughout: $B$ sequences in a batch, $T$ positions in a
# sequence, $D$ numbers in a vector, $V$ words in a vocabulary. An ellipsis, as in $(..., D)$, means
# «any axes in front».
#
# What if two arrays of different shapes meet in a sum or a product? Then NumPy **broadcasts**: it
# writes the shapes below each other, *aligned at the right*, and goes through them axis by axis.
#
# - Equal lengths match.
# - A length of 1 stretches to the other length: its one entry is used again and again.
# - An axis that is missing at the left counts as 1.
# - Anything else is an error.
#
# The picture is question 4: a column $(3, 1)$ and a row $(4,)$ become a table $(3, 4)$. The pale
# numbers are copies, which exist in the rule alone; nothing is copied in memory.


# %%
def grid(axes, matrix, title, solid=None):
    """Draw a matrix as boxes with their numbers; those that are not solid are pale."""
    matrix = np.atleast_2d(matrix)
    solid = np.ones(matrix.shape, bool) if solid is None else solid
    rows, columns = matrix.shape
    for (row, column), number in np.ndenumerate(matrix):
        face, ink = ("#CFE3F1", INK) if solid[row, column] else (PAPER, QUIET)
        corner = (column - 0.5, row - 0.5)
        axes.add_patch(plt.Rectangle(corner, 1, 1, facecolor=face, edgecolor=GRID))
        axes.text(column, row, f"{number:g}", ha="center", va="center", color=ink)
    axes.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    axes.set_title(title, color=INK, fontsize=10)
    axes.axis("off")


column, row = np.array([[10], [20], [30]]), np.array([1, 2, 3, 4])  # (3, 1), (4,)
table = column + row  # (3, 4)
figure, panels = plt.subplots(1, 3, figsize=(8.5, 2.4), layout="constrained", facecolor=PAPER)
first_column, first_row = np.arange(4) < np.ones((3, 1)), np.arange(3)[:, None] < np.ones(4)
grid(panels[0], np.broadcast_to(column, (3, 4)), "(3, 1) stretches to the right", first_column)
grid(panels[1], np.broadcast_to(row, (3, 4)), "(4,) stretches down", first_row)
grid(panels[2], table, "their sum, (3, 4)")
plt.show()
assert table[2, 1] == 30 + 2

# %% [markdown]
# *Picture: three grids of 3 rows and 4 columns. In the first each row repeats one number, 10, 20 or
# 30, and the three copies are pale. In the second each column repeats one number, 1 to 4, and the
# lower two rows are pale. The third holds the sums, from 11 to 34.*
#
# How do you make a column of an array of shape $(N,)$? Index it with `None` where you want the new
# axis: `a[:, None]` has shape $(N, 1)$, and `a[None, :]` has $(1, N)$.
#
# ### Exercise 1: `outer_sum` (easy, 4 minutes, 2 points)
#
# This is what an exercise looks like: a name, how hard it is, how long it may take, what it is
# worth, and what is asked. Below stands a function with dots in it. Put your code in the place of
# the dots, run the cell, and then run the cell with `check`.
#
# Write, in one line, the sums of every number of `a` $(N,)$ with every number of `b` $(M,)$, as a
# table $(N, M)$ with `a[i] + b[j]` in row $i$ and column $j$.


# %%
def outer_sum(a, b):
    ### BEGIN SOLUTION
    return a[:, None] + b
    ### END SOLUTION


# %%
check(outer_sum)

# %% [markdown]
# ## What the grader says, and how it knows
#
# As long as there are dots, `check` says «to do» and what is waiting. Once there is code, it says
# how many points that is. Get it wrong once on purpose; it costs nothing, since only your best try
# counts. To see what answers are like, the next cell hands the grader three attempts of somebody
# else. (`check` takes your code out of the notebook's cells; `grade` takes it as text.)

# %%
attempts = [
    "def outer_sum(a, b):\n    print('shapes', a.shape, b.shape)\n    return a + b\n",
    "import numpy as np\ndef outer_sum(a, b):\n    return np.add.outer(a, b)\n",
    "def outer_sum(a, b):\n    while True:\n        pass\n",
]
reports = [grade(exercise("outer_sum"), code, limits=Limits(seconds=1)) for code in attempts]
for code, report in zip(attempts, reports, strict=True):
    print(f"{code}\n{report}\n{'-' * 60}")
assert [report.points for report in reports] == [0, 0, 0]
assert "shape (1,) where (1, 1) was expected" in str(reports[0])
assert "new axis" in exercise("outer_sum").mistakes[0].name
assert reports[0].diagnosis == exercise("outer_sum").mistakes[0].diagnosis
assert "line 3 uses numpy.add.outer".lower() in str(reports[1]).lower()
assert "it had not finished after 1 s" in str(reports[2])

# %% [markdown]
# Read the first report from top to bottom. There are **parts**, each with points of its own, so
# half of an answer earns its half. There is **the smallest input that fails**, with what was
# expected and what came; do that one by hand. There is a **diagnosis**, if your answer is that of a
# known mistake: the grader has a collection of wrong solutions for each exercise, and compares. And
# what your code **printed** comes back, so `print(x.shape)` is a fine way of looking inside.
#
# The second attempt is **refused**. `np.add.outer` is a good function, and outside of the exercise
# you should use it; but it *is* the exercise. For the same reason exercises refuse `tinyllm`,
# `scipy` and `torch`, and what else would do the work for you. You may use the rest of NumPy, and
# functions of your own from earlier cells: they travel along.
#
# The third never ends. Your code runs in a process of its own, with a clock and a limit of memory,
# so it cannot hang your notebook. Some more rules of the house:
#
# - The inputs are random, drawn from a seed. Answers that fit one example do not fit the next. A
#   teacher can give each learner a seed of their own.
# - Numbers may differ from the expected by a millionth, so the order of your sums does not matter.
# - Your function must leave its arguments as they were. `x -= 1` changes the caller's array; the
#   grader looks.

# %%
print(Limits())
assert Limits().seconds == 10
assert Limits().bytes == 2**30

# %% [markdown]
# Outside of this demonstration the limits are 10 seconds and one gigabyte. All exercises of the
# course are meant to take far less than a second.
#
# ## The terminal
#
# A few things are done in a terminal, not in the notebook. (In JupyterLab: *File, New, Terminal*.)
#
# | | |
# |---|---|
# | `tinyllm course` | where you are: points, minutes left, the next step |
# | `tinyllm course hint outer_sum` | the next of three hints: a nudge, the method, nearly there |
# | `tinyllm course solution outer_sum` | the solution and its reason, after asking if you mean it |
# | `tinyllm course check FILE` | grade a whole notebook, or a Python file |
# | `tinyllm course reset 0` | forget your progress in lesson 00; without a number, everywhere |
#
# If the terminal does not know `tinyllm`, say `.venv/bin/tinyllm`. The next cell types two of these
# for you, with a progress file that is not yours, so that it uses up none of your hints.

# %%
scratch = tempfile.TemporaryDirectory()


def terminal(*words):
    """What `tinyllm course ...` answers, for somebody who has only just begun."""
    settings = {**os.environ, "TINYLLM_COURSE": f"{scratch.name}/course.json"}
    command = [sys.executable, "-m", "tinyllm", "course", *words]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    return done.stdout


overview, hint = terminal(), terminal("hint", "outer_sum")
print("\n".join(overview.splitlines()[:4]), "\n...\n")
print(hint)
assert "outer_sum  0/2" in overview
assert hint.startswith("Hint 1 of 3: ")

# %% [markdown]
# Hints cost no points. Solutions cost none either, but they are best taken as the proverb takes
# medicine: late, and whole. Read the reason below the solution, close it, and write your own.
#
# `reset` forgets points, hints and predictions; it does not touch your notebook. For a fresh
# notebook, `tinyllm course build 0 --student fresh` writes one, without outputs, into the folder
# `fresh`. Solved notebooks lie in `notebooks/solutions/`.
#
# ### When you are stuck
#
# 1. **Read the last line of the error first**, then the smallest input that fails. Do it by hand.
# 2. **Print shapes**, at every step. Most errors in this course are shapes.
# 3. **Restart and run all.** Perhaps a cell was changed and not run.
# 4. **Ask for a hint.** Then for the next.
# 5. **Stop after twice the minutes that the exercise says**, and look at the solution. Nothing that
#    comes later needs your points.
#
# To the first: error messages differ in how much they help. Here are NumPy's and tinyllm's for the
# same mistake.

# %%
for make in (np.asarray, tinyllm.tensor):
    try:
        make(np.ones((3, 4))) + make(np.ones(3))
    except ValueError as error:
        print(f"{make.__module__.split('.')[0]:8}", error)
        message = str(error)
assert "disagree in dim -1: 4 != 3" in message
assert "did you mean other.unsqueeze(-1)?" in message

# %% [markdown]
# Aligned at the right, 4 meets 3, and there is no rule for that. `unsqueeze(-1)` is PyTorch's name,
# and tinyllm's, for putting a new axis at the end: what `[:, None]` does in NumPy.
#
# ## Sums along an axis
#
# `x.sum(axis=k)` goes along axis $k$ and adds up; that axis is then *gone*. It helps to read
# `axis=0` as «make axis 0 disappear». From $(2, 3)$, `axis=0` leaves $(3,)$, the sums of the
# columns, and `axis=1` leaves $(2,)$, the sums of the rows. `axis=-1` is the last axis, however
# many there are. With `keepdims=True` the axis stays, with length 1. Then the result still stands
# where it came from, and broadcasts against `x`.

# %%
x = np.array([[1, 2, 3], [4, 5, 6]])  # (2, 3)
down = x.sum(axis=0, keepdims=True)  # (1, 3)
across = x.sum(axis=1, keepdims=True)  # (2, 1)
figure, panels = plt.subplots(
    1, 3, figsize=(8, 2.1), layout="constrained", facecolor=PAPER, width_ratios=[3, 3, 1.4]
)
grid(panels[0], x, "x, (2, 3)")
grid(panels[1], down, "sum(axis=0, keepdims=True)\n(1, 3)")
grid(panels[2], across, "sum(axis=1,\nkeepdims=True)\n(2, 1)")
plt.show()
assert x.sum(axis=0).tolist() == [5, 7, 9]
assert x.sum(axis=1).tolist() == [6, 15]
assert (down.shape, across.shape) == ((1, 3), (2, 1))

# %% [markdown]
# *Picture: the matrix 1 2 3, 4 5 6; beside it one row, 5 7 9, the sums of its columns; beside that
# one column, 6 and 15, the sums of its rows.*
#
# ### Exercise 2: `centre_rows` (easy, 5 minutes, 2 points)
#
# Take its own mean off each row of `x` $(N, D)$, so that each row of the result has mean 0. Leave
# `x` as it is.


# %%
def centre_rows(x):
    ### BEGIN SOLUTION
    return x - x.mean(axis=1, keepdims=True)
    ### END SOLUTION


# %%
check(centre_rows)

# %% [markdown]
# ### Exercise 3: find the bug, `row_shares` (medium, 8 minutes, 3 points)
#
# A colleague counts which kind of character follows which: vowels, consonants, and spaces. Row $i$
# of the table says how often each kind came after kind $i$. From the counts she makes shares: given
# that the last character was a vowel, how likely is it that a consonant follows? The shares of a
# row must sum to 1. Hers do not. No error, no warning, and `sum(axis=1)` is the sum of a row, isn't
# it?


# %%
def crooked_shares(counts):
    return counts / counts.sum(axis=1)


text = "a language model says which word comes next and how sure it is about that"
kinds = [0 if letter in "aeiou" else 2 if letter == " " else 1 for letter in text]
counts = np.zeros((3, 3), int)
for before, after in zip(kinds, kinds[1:], strict=False):
    counts[before, after] += 1
shares = crooked_shares(counts)
print("counts", counts.tolist(), "\nshares", shares.round(2).tolist())
print("sums of the rows", shares.sum(axis=1).round(3))
assert shares.shape == (3, 3)
assert abs(shares.sum(axis=1) - 1).max() > 0.1

# %%
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar(["after a vowel", "after a consonant", "after a space"], shares.sum(axis=1), color=ORANGE)
axes.axhline(1, color=INK, linewidth=1)
axes.set_ylabel("sum of the row")
plt.show()

# %% [markdown]
# *Picture: three bars, the sums of the rows of the shares. A line marks 1, where all three should
# end. None does.*
#
# Find out why, and write `row_shares` without the bug. Then ask yourself what would have happened
# with a table of 2 rows and 3 columns. Which of the two do you prefer?


# %%
def row_shares(counts):
    ### BEGIN SOLUTION
    return counts / counts.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %%
check(row_shares)
