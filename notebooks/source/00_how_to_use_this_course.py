# %% [markdown]
# # 00 How to use this course
#
# **You will be able to** run a lesson, solve an exercise and have it graded; get a hint, and get
# out when you are stuck; read shapes as the rest of the course writes them; and say whether you
# know the three things that every lesson leans on: the chain rule, logarithms, and NumPy arrays.
#
# **You need** Python: functions, loops, lists. If you have seen a derivative and a logarithm once,
# that is enough; this lesson reminds you of both.
# **Time:** about 35 minutes of reading, and 85 of exercises.
#
# ## Why
#
# You learn what a language model is by building one, and you find out whether you have understood
# a formula when your code gives the right numbers. So each lesson asks you to write the pieces
# yourself, and a grader tells you at once what is wrong. A machine can only do that well if you
# know how it works; that is one half of this lesson.
#
# The other half is a check of what you know already. When you are stuck, it is tempting to blame
# whatever is new that day. Often the cause is older and smaller: an array of shape $(N,)$ went
# where $(N, 1)$ was meant.
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
import textwrap

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import Progress, check, exercise, grade, hint, lesson, lessons, reveal
from tinyllm.course.sandbox import Limits
from tinyllm.gradcheck import gradcheck
from tinyllm.gradcheck.probe import Probe
from tinyllm.metrics import Perplexity, perplexity
from tinyllm.ops.elementwise import Tanh
from tinyllm.viz.style import BLUE, GREEN, GRID, INK, ORANGE, PAPER, PURPLE, QUIET, dress

rng = np.random.default_rng(0)

# %% [markdown]
# ## The map of the course
#
# There are 21 lessons. You can take them from 00 to 20, but you need not: an arrow in the picture
# leads from what is needed to what needs it. If you only want to know how attention works, go on
# to 02 and then 07. The minutes in the boxes come from the package; a box without them is a lesson
# that your version does not have yet.
#
# All lessons are built alike: why, the idea in a picture, an example small enough for pencil and
# paper, the code, an experiment, exercises. The code is tinyllm's own: `inspect.getsource` prints
# the very text that runs.

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
figure, axes = plt.subplots(figsize=(8.2, 7), layout="constrained", facecolor=PAPER)
axes.axis("off")
axes.set(xlim=(-0.5, 4.6), ylim=(7.4, -0.4))
boxes = {}
for number, (title, _) in course_map.items():
    colour = next(colour for end, colour in part_ends.items() if int(number) < end)
    minutes = f"\n{lessons()[number].minutes} min" if number in lessons() else ""
    style = {"boxstyle": "round,pad=0.4", "fc": PAPER, "ec": colour, "lw": 2}
    label = f"{number}  {title}{minutes}"
    boxes[number] = axes.text(*places[number], label, ha="center", va="center", bbox=style)
    boxes[number].set(color=INK, fontsize=8)
for number, (_, needed) in course_map.items():
    for earlier in needed.split():
        ends = {"patchA": boxes[earlier].get_bbox_patch(), "patchB": boxes[number].get_bbox_patch()}
        arrow = {"arrowstyle": "-|>", "color": QUIET, "shrinkA": 0, "shrinkB": 0, **ends}
        axes.annotate("", places[number], places[earlier], arrowprops=arrow, zorder=9)
plt.show()

# %% [markdown]
# *Picture: 21 boxes in eight rows, joined by arrows from what is needed to what needs it. 00 stands
# at the top and leads to 01 and 02. Text (04 to 06) and attention (07) meet in the Transformer
# block (08); with the loss (10) and optimizers (11) it leads to the training loop (12), and from
# there to writing and its uses (13 to 17), PyTorch (19) and questions (20). Frames are blue for
# gradients and text, green for the model, orange for training and writing, purple for uses, grey
# for what goes further.*
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
    (float(np.log2(32)), float(np.log2(1 / 8))),
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
# All six right? Then do the exercises as a warm-up. Some wrong? Note which. The next sections are
# about shapes, questions 4 to 6; then comes the chain rule, question 1, and at the end logarithms,
# 2 and 3.
#
# ## Reading shapes
#
# An array is a block of numbers with a **shape**: a tuple that says how long it is along each
# **axis**. $(2, 3)$ is two rows of three. In this course shapes stand in comments, like `# (T, D)`,
# and the letters keep their meaning throughout: $B$ sequences in a batch, $T$ positions in a
# sequence, $D$ numbers in a vector, $V$ words in a vocabulary. $N$ and $M$ are any other counts. An
# ellipsis, as in $(..., D)$, means «any number of axes in front, or none».
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
# numbers are copies that exist in our minds only: nothing is copied in memory.


# %%
def grid(axes, matrix, title, solid=None, room=None):
    """Draw a matrix as boxes with their numbers, in room for so many; not solid ones are pale."""
    solid = np.ones(matrix.shape, bool) if solid is None else solid
    rows, columns = room or matrix.shape
    for (row, column), number in np.ndenumerate(matrix):
        face, ink = ("#CFE3F1", INK) if solid[row, column] else (PAPER, QUIET)
        corner = (column - 0.5, row - 0.5)
        axes.add_patch(plt.Rectangle(corner, 1, 1, facecolor=face, edgecolor=GRID))
        axes.text(column, row, f"{number:g}", ha="center", va="center", color=ink)
    axes.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    axes.set_title(title, color=INK, fontsize=10, loc="left")
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
patience = [Limits(), Limits(), Limits(seconds=1)]
reports = [
    grade(exercise("outer_sum"), code, limits=limits)
    for code, limits in zip(attempts, patience, strict=True)
]
for code, report in zip(attempts, reports, strict=True):
    print(f"{code}\n{report}\n{'-' * 60}")
assert [report.points for report in reports] == [0, 0, 0]
assert "shape (1,) where (1, 1) was expected" in str(reports[0])
assert reports[0].diagnosis == exercise("outer_sum").mistakes[0].diagnosis
assert "Your code uses numpy.add.outer" in str(reports[1])
assert "it had not finished after 1 s" in str(reports[2])

# %% [markdown]
# Read the first report from top to bottom. There are **parts**, each with points of its own, so
# half of an answer earns its half. There is **the smallest input that fails**, with what was
# expected and what came; do that one by hand. There is a **diagnosis**, if your answer is that of a
# known mistake: the grader has a collection of wrong solutions for each exercise, and compares. And
# what your code **printed** comes back, so `print(x.shape)` is a fine way of looking inside.
#
# The second attempt is **refused**. `np.add.outer` is a good function, but it *is* the exercise.
# For the same reason exercises refuse `tinyllm`, `scipy` and `torch`, and what else would do the
# work for you. You may use the rest of NumPy, and functions of your own from earlier cells: they
# travel along.
#
# The third never ends. Your code runs in a process of its own, with a clock and a limit of memory,
# so it cannot hang your notebook. Some more rules of the house:
#
# - The inputs are random, drawn from a seed. Answers that fit one example do not fit the next. A
#   teacher can give each learner a seed of their own.
# - Numbers may be off by a millionth of their size, so the order of your sums does not matter.
# - Your function must leave its arguments as they were. `x -= 1` changes the caller's array; the
#   grader looks.

# %%
print(Limits())
assert Limits().seconds == 10
assert Limits().bytes == 2**30

# %% [markdown]
# Outside of this demonstration the limits are 10 seconds and one gigabyte, more than any exercise
# needs.
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
# | `tinyllm course reset 0` | forget your progress in lesson 00; without a number, all of it |
#
# If the terminal does not know `tinyllm`, say `.venv/bin/tinyllm`. Hints come in a cell too:
# `hint(outer_sum)`; every lesson imports `hint` beside `check`. The next cell types two of these
# commands for you, with a progress file that is not yours, so that it uses up none of your hints.

# %%
scratch = tempfile.TemporaryDirectory()


def terminal(*words):
    """What `tinyllm course ...` answers, for somebody who has only just begun."""
    settings = {**os.environ, "TINYLLM_COURSE": f"{scratch.name}/course.json"}
    command = [sys.executable, "-m", "tinyllm", "course", *words]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    return done.stdout


overview, nudge = terminal(), terminal("hint", "outer_sum")
print("\n".join(overview.splitlines()[:4]), "\n...\n")
print(nudge)
assert "outer_sum  0/2" in overview
assert nudge.startswith("Hint 1 of 3: ")

# %% [markdown]
# Hints cost no points. Solutions cost none either; but if you have read one, close it and write
# your own.
#
# Your progress is a file on your machine; there is no account. `reset` forgets points, hints and
# predictions in it, and does not touch your notebook. For a fresh notebook, go to the folder that
# holds `notebooks` and say `tinyllm course build 0 --student fresh`: it writes one into the folder
# `fresh`. Solved ones lie in `notebooks/solutions/`.
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
# About the first point: some error messages help more than others. Here are NumPy's and tinyllm's
# for the same mistake.

# %%
for make in (np.asarray, tinyllm.tensor):
    try:
        make(np.ones((3, 4))) + make(np.ones(3))
    except ValueError as error:
        said = f"{make.__module__.split('.')[0]:8} {error}"
        print(textwrap.fill(said, 88, subsequent_indent=" " * 9))
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
figure, panels = plt.subplots(1, 3, figsize=(7.5, 1.9), layout="constrained", facecolor=PAPER)
grid(panels[0], x, "x, (2, 3)")
grid(panels[1], down, "x.sum(axis=0, ...), (1, 3)", room=(2, 3))
grid(panels[2], across, "x.sum(axis=1, ...), (2, 1)", room=(2, 3))
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
# Subtract from each row of `x` $(N, D)$ its own mean, so that each row of the result has mean 0.
# Leave `x` as it is.


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
# of the table says how often each kind came after kind $i$. From the counts she makes shares:
# after a vowel, how likely is a consonant? The shares of a row must sum to 1. Hers do not. No
# error, no warning, and `sum(axis=1)` is the sum of a row, isn't it?


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

# %% [markdown]
# ## Reshape and transpose
#
# Read an array row by row, and it is one long line of numbers; its shape says where to cut it.
# **Reshape** cuts the same line elsewhere: the numbers keep their order. **Transpose** lets axes
# change places: the order becomes another. Both turn $(2, 3)$ into $(3, 2)$, and usually only one
# of them is what you want.

# %%
x = np.arange(6).reshape(2, 3)
figure, panels = plt.subplots(1, 3, figsize=(7.5, 2.6), layout="constrained", facecolor=PAPER)
for axes, matrix, name in zip(
    panels,
    (x, x.reshape(3, 2), x.T),
    ("x, (2, 3)", "x.reshape(3, 2)", "x.T, (3, 2)"),
    strict=True,
):
    grid(axes, matrix, name, solid=matrix < 3, room=(3, 3))
plt.show()
assert x.reshape(3, 2).tolist() == [[0, 1], [2, 3], [4, 5]]
assert x.T.tolist() == [[0, 3], [1, 4], [2, 5]]

# %% [markdown]
# *Picture: three grids; what was the first row of x, the numbers 0, 1 and 2, is dark everywhere.
# After the reshape these three fill the first row and half of the second, in reading order. After
# the transpose they are the first column.*
#
# With more than two axes you say the new order: `x.transpose(1, 0, 2)` turns $(N, T, D)$ into $(T,
# N, D)$. And a reshape may join neighbours: $(T, N, D)$ becomes $(T, N D)$. Lesson 07 needs exactly
# this pair of steps for the heads of attention.
#
# ### Exercise 4: `side_by_side` (medium, 8 minutes, 3 points)
#
# `x` $(N, T, D)$ holds $N$ matrices of $T$ rows and $D$ columns. Put them side by side, the first
# at the left: $(T, N D)$.


# %%
def side_by_side(x):
    ### BEGIN SOLUTION
    N, T, D = x.shape
    return x.transpose(1, 0, 2).reshape(T, N * D)
    ### END SOLUTION


# %%
check(side_by_side)

# %% [markdown]
# ### Exercise 5: `squared_distances` (hard, 12 minutes, 4 points)
#
# Now all of it together. `a` holds $N$ points, `b` holds $M$ points, each of $D$ coordinates. Give
# the table $(N, M)$ of squared distances, $\sum_d (a_{id} - b_{jd})^2$, without a loop. First write
# down which shape all the differences have *together*. One of the tests has points very far from 0;
# there a well-known shortcut loses all of its digits.


# %%
def squared_distances(a, b):
    ### BEGIN SOLUTION
    steps = a[:, None, :] - b[None, :, :]  # (N, M, D)
    return (steps**2).sum(axis=-1)  # (N, M)
    ### END SOLUTION


# %%
check(squared_distances)

# %% [markdown]
# ## The chain rule
#
# A neural network is functions inside functions, and learning is asking how the outermost one
# changes when a number deep inside moves a little. The **chain rule** answers: *multiply the slopes
# along the way*.
#
# $$\frac{dL}{dw} = \frac{dL}{dt} \cdot \frac{dt}{du} \cdot \frac{du}{dw}$$
#
# If $u$ moves twice as fast as $w$, and $t$ moves 0.42 times as fast as $u$, then $t$ moves 0.84
# times as fast as $w$. The smallest network has one weight $w$. It gets an $x$, works out $t =
# \tanh(w x)$, and should have said $y$. (The hyperbolic tangent, $\tanh$, squeezes any number into
# the range from -1 to 1. Its slope is $1 - \tanh^2$, which we take as given.) The loss is
# $L = (t - y)^2$. Take $w = 0.5$, $x = 2$, $y = 0$, and go from top to bottom with a pencil:
#
# | | value | slope of this step |
# |---|---|---|
# | $u = w x$ | 1 | $du/dw = x = 2$ |
# | $t = \tanh u$ | 0.762 | $dt/du = 1 - t^2 = 0.420$ |
# | $L = (t - y)^2$ | 0.580 | $dL/dt = 2 (t - y) = 1.523$ |
#
# The product is $2 \cdot 0.420 \cdot 1.523 = 1.279$. Push $w$ up by 0.001, and the loss grows by
# about 0.00128.

# %%
w, x, y = 0.5, 2.0, 0.0
u = w * x
t = np.tanh(u)
L = (t - y) ** 2
slopes = [x, 1 - t**2, 2 * (t - y)]
print("values", u, t.round(3), L.round(3), "slopes", np.round(slopes, 3))
assert np.allclose([u, t, L], [1, 0.762, 0.580], atol=1e-3)
assert np.allclose([*slopes, np.prod(slopes)], [2, 0.420, 1.523, 1.279], atol=1e-3)
assert abs((np.tanh(0.501 * x) - y) ** 2 - L - 0.00128) < 1e-5

# %%
figure, axes = plt.subplots(figsize=(8, 1.6), layout="constrained", facecolor=PAPER)
axes.axis("off")
axes.set(xlim=(-0.5, 3.5), ylim=(-0.8, 0.8))
names = [f"w = {w:g}", f"u = w x\n{u:g}", f"t = tanh u\n{t:.3f}", f"L = (t - y)²\n{L:.3f}"]
for place, name in enumerate(names):
    box = {"boxstyle": "round,pad=0.5", "facecolor": PAPER, "edgecolor": BLUE}
    axes.text(place, 0, name, ha="center", va="center", color=INK, fontsize=10, bbox=box)
for place, slope in enumerate(slopes):
    arrow = {"arrowstyle": "-|>", "color": ORANGE, "shrinkA": 34, "shrinkB": 38}
    axes.annotate("", (place + 1, 0), (place, 0), arrowprops=arrow)
    axes.text(place + 0.48, 0.2, f"× {slope:.3g}", ha="center", color=ORANGE, fontsize=11)
product = np.prod(slopes)
axes.text(1.5, -0.62, f"from w to L:  × {product:.3f}", ha="center", color=ORANGE, fontsize=11)
plt.show()

# %% [markdown]
# *Picture: four boxes in a row, w, u, t and L with their values, joined by three arrows. Above the
# arrows stand the slopes, 2, 0.42 and 1.52; below, their product, 1.279.*
#
# tinyllm does the same by machine, and lesson 02 shows how. Each function brings its own slope
# along, and nothing else. Here is that of tanh; look at the last line. What we called $t$, the
# output of tanh, is called `y` there. `grad_y` is the product of all the slopes that come *after*
# tanh, and leaves multiplied by one more.

# %%
print(inspect.getsource(Tanh.backward))
leaf = tinyllm.tensor(w, requires_grad=True)
((leaf * x).tanh() - y).pow(2).backward()
print("by machine", leaf.grad.item())
assert abs(leaf.grad.item() - np.prod(slopes)) < 1e-6

# %% [markdown]
# ### Exercise 6: `slope_of_loss` (medium, 12 minutes, 4 points)
#
# Now for many pairs at once. `x` and `y` are arrays of $N$ numbers, `w` is one number, and the loss
# sums over the pairs: $L = \sum_n (\tanh(w x_n) - y_n)^2$. Give $dL/dw$, one number.


# %%
def slope_of_loss(w, x, y):
    ### BEGIN SOLUTION
    t = np.tanh(w * x)  # (N,)
    return (2 * (t - y) * (1 - t**2) * x).sum()
    ### END SOLUTION


# %%
check(slope_of_loss)

# %% [markdown]
# ## A second opinion: small steps
#
# How do you know that a derivative is right, if you do not trust yourself? Go back to what a slope
# is. Take a small step to the right and a small step to the left, and divide the rise by the run:
#
# $$f'(x) \approx \frac{f(x + h) - f(x - h)}{2h}$$
#
# This is a **central difference**. It needs no calculus at all, and every gradient in tinyllm is
# tested by it. Why two steps, and not one? If the curve bends upwards, a step to the right gives
# too steep a slope, and a step to the left one too flat by about as much. Their mean is nearly
# right.
#
# ### Exercise 7: `slope_by_steps` (easy, 6 minutes, 3 points)
#
# Write it, in one line. `f` is a function, such as `np.sin`. (In the grader's reports
# you will see a formula in its place, like `'x**2'`.)


# %%
def slope_by_steps(f, x, step):
    ### BEGIN SOLUTION
    return (f(x + step) - f(x - step)) / (2 * step)
    ### END SOLUTION


# %%
check(slope_by_steps)

# %% [markdown]
# ## An experiment: how small a step?
#
# On paper the rule gets better and better as $h$ goes to 0. Is a smaller step always better in a
# computer too? We try it on the sine at 500 places, where the true slope is the cosine, with
# $h = 10^{-1}, 10^{-2}, \ldots, 10^{-14}$.
#
# ### Predict, then run (5 minutes)
#
# Experiments in this course begin with a guess: a surprise is remembered, and an answer that you
# have merely read is not. So the answer shows only once you have written your guess down, and your
# **first** guess is kept with your progress.
#
# For which $h = 10^{-k}$ is the mean error smallest? Put your $k$, a whole number from 1 to 14, in
# the place of `None`.

# %%
my_step = None
### BEGIN SOLUTION
my_step = 8
### END SOLUTION


# %%
def mean_errors(steps, central=True, dtype=np.float64):
    """How far the slope of the sine by steps is from the cosine, on average over 500 places."""
    places = np.random.default_rng(0).uniform(0, 3, 500).astype(dtype)
    errors = []
    for step in steps.astype(dtype):
        left = places - step if central else places
        run = 2 * step if central else step
        slopes = (np.sin(places + step) - np.sin(left)) / run
        errors.append(float(np.abs(slopes - np.cos(places.astype(np.float64))).mean()))
    return np.array(errors)


ks = np.arange(1, 15)
central = mean_errors(10.0**-ks)
best = int(ks[central.argmin()])
reveal("00", "the best step", my_step, best)

# %%
one_sided = mean_errors(10.0**-ks, central=False)
short = mean_errors(10.0 ** -ks[:7], dtype=np.float32)
figure, axes = plt.subplots(figsize=(6.6, 3.4), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(ks, central, "o-", color=BLUE, label="two steps")
axes.plot(ks, one_sided, "s-", color=ORANGE, label="one step to the right")
axes.plot(ks[:7], short, "^-", color=GREEN, label="two steps, 32-bit numbers")
axes.set_yscale("log")
axes.set_xticks(ks, [f"$10^{{-{k}}}$" for k in ks])
axes.set_xlabel("h, from wide to narrow")
axes.set_ylabel("mean error")
axes.legend(frameon=False)
plt.show()
for name, errors in (("two steps", central), ("one step", one_sided), ("32 bits", short)):
    print(f"{name:9} lowest at 1e-{ks[errors.argmin()]}: {errors.min():.1e}")
assert np.allclose(central[0] / central[1], 100, rtol=0.05)
assert best == 5
assert central[4] < 2e-11
assert one_sided.argmin() == 7
assert one_sided.min() > 100 * central.min()
assert short.argmin() == 1
assert 8 < (central[13] / central[4]) ** (1 / 9) < 12
assert 1e-3 < central[13] < 1e-1

# %% [markdown]
# *Picture: three lines, mean error against h, each like a V. That for two steps falls from 0.001
# at the left, a hundredfold for each tenth of h, to below 2e-11 at h = 1e-5; then it climbs, about
# tenfold each time. One step alone falls more slowly, to its lowest point at 1e-8, more than a
# hundred times higher. In 32-bit numbers the climb begins early: the bottom is at 1e-2.*
#
# So smaller is not always better. Two errors pull against each other. That of the rule itself is
# at most $h^2 / 6$ for the sine, which is why a tenth of the step means a hundredth of the error.
# But a 64-bit number has some 16 digits. $f(x + h)$ and $f(x - h)$ are nearly equal, their
# difference keeps only the last few digits, and what was rounded away, about $10^{-16}$, is
# divided by $h$. For $h = 10^{-14}$ two digits are left. With 32-bit numbers, of 7 digits, the
# trouble begins much earlier.
#
# tinyllm's `gradcheck`, which compares the slopes by machine with slopes by steps, uses $h =
# 10^{-6}$, near the bottom of the blue line. It insists on 64-bit numbers, and this is why. Its
# heart is two moves, up and down, and then your one line, in `_slope`. The run is `up - down`, as
# it really was after rounding. (A column of the **Jacobian** holds the slopes of all outputs when
# one input moves.)

# %%
print(inspect.getsource(Probe.column))
step = inspect.signature(gradcheck).parameters["eps"].default
print("gradcheck's step:", step)
assert step == 1e-6
assert central[5] < 1e-10

# %% [markdown]
# ## Logarithms, and long products
#
# A language model gives each next word a probability, and the probability of a sentence is their
# product. Products of many small numbers are awkward, for people and for computers. The logarithm
# turns them into sums:
#
# $$\log(p\,q) = \log p + \log q \qquad \log\frac{p}{q} = \log p - \log q \qquad
# \log p^n = n \log p$$
#
# That was the trick of the slide rule. On a logarithmic scale you multiply 4 by 8 by laying two
# lengths end to end.

# %%
figure, axes = plt.subplots(figsize=(6.6, 2), layout="constrained", facecolor=PAPER)
dress(axes)
axes.grid(False)
axes.barh([1, 1], [2, 3], left=[0, 2], height=0.6, color=[BLUE, ORANGE], edgecolor=PAPER)
axes.barh([0], [5], height=0.6, color=GREEN)
for place, height, label in [(1, 1, "log₂ 4 = 2"), (3.5, 1, "log₂ 8 = 3"), (2.5, 0, "log₂ 32 = 5")]:
    axes.text(place, height, label, ha="center", va="center", color="white", fontsize=11)
axes.set_yticks([])
axes.set_xticks(range(6), [str(2**n) for n in range(6)])
axes.set_xlabel("numbers on a logarithmic scale: each mark is twice the last")
plt.show()
assert np.log2(4) + np.log2(8) == np.log2(4 * 8) == 5

# %% [markdown]
# *Picture: a scale with the marks 1, 2, 4, 8, 16 and 32 at equal distances. Above it two bars end
# to end, log₂ 4 of length 2 and log₂ 8 of length 3; below them one bar as long as both, log₂ 32 =
# 5.*
#
# The logarithm of a probability is 0 for what is certain, and more negative the less likely
# something is. Turned round, $-\log p$ is called **surprise**. With the logarithm to base 2 it is
# counted in **bits**: how a fair coin falls is 1 bit, one of 32 equally likely cards is 5. With the
# natural logarithm the unit is the **nat**, and 1 nat is $1 / \log 2 = 1.443$ bits. Losses in this
# course are in nats, since the derivative of the natural logarithm is simply $1/x$.
#
# ### Exercise 8: `log_to_base` (easy, 4 minutes, 2 points)
#
# Write the logarithm of `x` to any `base` with `np.log` alone. `x` may be a number or an array.


# %%
def log_to_base(x, base):
    ### BEGIN SOLUTION
    return np.log(x) / np.log(base)
    ### END SOLUTION


# %%
check(log_to_base)

# %% [markdown]
# Here is the same step in the package, on the way from nats to bits per token. (A **token** is what
# a model reads and writes one at a time: a word, or a piece of one.) The example is a text of 100
# words, each a guess among 50 equally likely ones: $\log_2 50 = 5.64$ bits for each word. The
# perplexity, of which lesson 10 has more to say, is then 50.

# %%
print(inspect.getsource(Perplexity.bits_per_token.fget))
print(inspect.getsource(inspect.getmodule(Perplexity)._bits))
measured = perplexity(nats=100 * np.log(50), tokens=100)
print("bits per token", measured.bits_per_token, "perplexity", measured.score)
assert abs(measured.bits_per_token - 5.64) < 0.01
assert abs(measured.score - 50) < 1e-9
assert abs(1 / np.log(2) - 1.443) < 1e-3

# %% [markdown]
# ### Predict, then run (5 minutes)
#
# Why not simply multiply? A 64-bit number reaches down to about $5 \cdot 10^{-324}$, which sounds
# like nothing at all. Say a model gives each word of a text the probability 0.02. After how many
# words is the product *exactly* 0? Put your guess in the place of `None`. (A
# page of a book has some 300 words. For those with a pencil: $\log_{10} 0.02 = -1.70$.)

# %%
my_words = None
### BEGIN SOLUTION
my_words = 324 / 1.70
### END SOLUTION

# %%
words = np.arange(1, 301)
products = np.cumprod(np.full(300, 0.02))  # (300,): the product after each word
short = np.cumprod(np.full(300, 0.02, np.float32))
sums = np.cumsum(np.full(300, np.log10(0.02)))
vanished = int(words[products == 0][0])
vanished_short = int(words[short == 0][0])
reveal("00", "words until the product is 0", my_words, vanished)

# %%
figure, axes = plt.subplots(figsize=(6.6, 3.3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(words, sums, color=BLUE, linewidth=1.5, label="sum of the logarithms")
for product, colour, label in ((products, ORANGE, "64"), (short, GREEN, "32")):
    left = product[product > 0]
    axes.plot(words[: len(left)], np.log10(left), color=colour, linewidth=5, alpha=0.6,
              label=f"product, in {label}-bit numbers")  # fmt: skip
    axes.plot(len(left) + 1, np.log10(left[-1]), "x", color=colour, markersize=10, mew=2.5)
axes.set_xlabel("words")
axes.set_ylabel("$\\log_{10}$ of the probability")
axes.legend(frameon=False)
plt.show()
print("0 in 64 bits after", vanished, "words, in 32 bits after", vanished_short)
print("sum of the logarithms after 300 words:", sums[-1])
assert 185 < vanished < 195
assert 25 <= vanished_short <= 29
assert abs(sums[-1] + 509.7) < 0.1

# %% [markdown]
# *Picture: log probability against the number of words. A straight blue line falls to -510 at 300
# words. On it lie two thick ones, which end in crosses where the product becomes 0: the 32-bit one
# at 27 words, the 64-bit one at 191.*
#
# 191 words, less than a page; in 32-bit numbers, which models use, 27, a longish sentence. This is
# called **underflow**. From there on all texts have the same probability, 0. It is the quiet sort
# of error again: no exception is raised, and a comparison of two models is a comparison of 0 with
# 0. The sum of the logarithms goes straight on, to -509.7 after 300 words: the probability is
# $10^{-509.7}$. So nobody who works with language models multiplies probabilities. Their logarithms
# are added.
#
# ### Exercise 9: `log_of_product` (medium, 8 minutes, 4 points)
#
# `p` $(..., T)$ holds the probabilities of the $T$ words of a sequence, perhaps of many sequences.
# Give the natural logarithm of each product, $(...)$. A thousand words must be no trouble. And if
# one factor is 0, the product is 0: its logarithm is $-\infty$, and should be. (NumPy warns of a
# division by zero there. That is no error.)


# %%
def log_of_product(p):
    ### BEGIN SOLUTION
    return np.log(p).sum(axis=-1)
    ### END SOLUTION


# %%
check(log_of_product)

# %% [markdown]
# ### An open question (10 minutes, for a teacher to read)
#
# Some exercises have no grader. Write your answer in a cell of your own (*Esc, B* makes one, *M*
# makes it text), and show it to somebody.
#
# Ann and Ben compare their language models. Each multiplies the probabilities that the model gives
# to the words of a test text. Both programs print 0.0. «A draw», says Ann. «Let us take shorter
# texts», says Ben. «Mine gives $10^{-40}$ to a text of 20 words, and yours gives $10^{-60}$ to its
# text of 40 words, so mine is better.» What do you tell them?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for seeing that 0.0 is underflow and says nothing about either model; 1 for the remedy, sums of
# logarithms; 1 for dividing by the number of words, since longer texts are less likely: in powers
# of ten Ben's has -2 per word and Ann's -1.5, so hers does better; 1 for the doubt that remains:
# two short texts, and not even the same, are no fair test.
#
# </details>
#
# ## Where you are
#
# Your points so far, as `tinyllm course` would show them:

# %%
progress = Progress.load()
for each in lesson("00").exercises.values():
    points = progress.of("00", each.name)["points"]
    print(f"{'✓' if points == each.points else ' '} {each.name:20} {points} of {each.points}")

# %% [markdown]
# ## What to remember
#
# - Shift+Enter; restart and run all when in doubt; `check(name)`; `hint(name)`.
# - A report shows the smallest input that fails. Do it by hand, and print shapes.
# - Shapes are aligned at the right; a length of 1 stretches; `keepdims=True` keeps a column a
#   column. In a square table a forgotten `keepdims` makes no sound.
# - A reshape keeps the order of the numbers; a transpose changes it.
# - The chain rule multiplies slopes along the way.
# - Central differences check any derivative. Neither too wide a step nor too narrow a one: near
#   $10^{-5}$ or $10^{-6}$.
# - Add logarithms; never multiply probabilities.
#
# ## Where next
#
# Lesson 01 makes a language model by counting, and your `row_shares` and `log_of_product` are at
# home there. Lesson 02 makes a machine of the chain rule. Take either first. NumPy's page on
# [broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html) has more pictures.
