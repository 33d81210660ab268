# %% [markdown]
# # 03 Tensors, broadcasting, gradient checking
#
# **You will be able to** say where in memory each number of an array lies, and what a transposition
# or a broadcast does there; derive the backward of any view, of sums, means and maxima, and of a
# product of two batches; write a gradient check that wrong gradients do not pass; and say which
# steps are too small for 32-bit numbers. At the end stands a project: your own engine for arrays,
# checked, trained, and drawn.
#
# **You need** lesson 00 (shapes, the rule of broadcasting) and lesson 02 (a tape, `unbroadcast`,
# small steps).
# **Time:** about 45 minutes of reading, and 165 of exercises, of which the project takes 65.
#
# ## Why
#
# In lesson 02 the nodes of a tape became arrays, and two backwards were enough for a small network.
# A Transformer needs more. It cuts vectors into heads, turns axes round, stretches a mask over a
# batch, sums over some axes and takes the maximum over others; and each of these needs a way back.
# You could learn them by heart, one by one. But most of them are one and the same thing: a
# **view**, the same numbers looked at differently. Whoever knows where the numbers lie can write
# all these backwards with one rule.
#
# The other half of the lesson is distrust. A wrong gradient raises no error. The loss falls, only
# more slowly, and you blame the learning rate. So every backward is checked against small steps;
# and a check can itself be wrong, in ways that let almost anything through. You will see wrong
# backwards pass a check that looks thorough, and then a check that costs a sixteenth of it, and
# lets none of them through.

# %%
import inspect
import itertools
import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

import tinyllm
from tinyllm.course import check, hint, reveal
from tinyllm.gradcheck.probe import Probe
from tinyllm.ops import reduction
from tinyllm.viz.style import BLUE, GREEN, GRID, INK, ORANGE, PAPER, PURPLE, QUIET, dress

rng = np.random.default_rng(3)

# %% [markdown]
# ## The idea in a picture
#
# Memory has no rows and columns. It is one long line of numbers, each with an **address**. What
# makes an array of it is a small note: where to begin (the **offset**), how many steps there are
# along each axis (the **shape**), and how far one step along each axis goes in memory (the
# **strides**). Write another note for the same line, and you have another array. No number moves.
#
# Below are six numbers and four such notes. The colour of a box is that of the number it looks at.

# %%
memory = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
colours = [BLUE, "#56B4E9", GREEN, "#E69F00", ORANGE, PURPLE]
notes = {  # name: (shape, strides, offset), counted in numbers
    "x": ((2, 3), (3, 1), 0),
    "x.T": ((3, 2), (1, 3), 0),
    "x[:, ::2]": ((2, 2), (3, 2), 0),
    "x[0], stretched": ((3, 3), (0, 1), 0),
}


def boxes(axes, addresses, texts, title):
    """A matrix of boxes, each in the colour of the address that it looks at."""
    for (row, column), address in np.ndenumerate(addresses):
        corner = (column - 0.45, row - 0.45)
        axes.add_patch(plt.Rectangle(corner, 0.9, 0.9, fc=PAPER, ec=colours[address], lw=2.5))
        text = f"{texts[row, column]:g}"
        axes.text(column, row, text, ha="center", va="center", color=INK, fontsize=10)
    rows, columns = addresses.shape
    axes.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    axes.set_title(title, loc="left", color=INK, fontsize=9)
    axes.axis("off")


def addresses_of(shape, strides, offset):
    """The address of every element, by NumPy itself: a view of 0, 1, 2, ..."""
    line = np.arange(len(memory))[offset:]
    sizes = [stride * line.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(line, shape, sizes)


# %%
figure, panels = plt.subplot_mosaic(
    [["memory"] * 4, [*notes]], figsize=(9, 4), layout="constrained", facecolor=PAPER,
    height_ratios=(1, 3),
)  # fmt: skip
boxes(panels["memory"], np.arange(6)[None], memory[None], "memory, addresses 0 to 5")
for name, (shape, strides, offset) in notes.items():
    seen = addresses_of(shape, strides, offset)
    boxes(panels[name], seen, memory[seen], f"{name}\nshape {shape}\nstrides {strides}")
plt.show()
x = memory.reshape(2, 3)
assert (memory[addresses_of(*notes["x.T"])] == x.T).all()
assert (memory[addresses_of(*notes["x[:, ::2]"])] == x[:, ::2]).all()
assert (memory[addresses_of(*notes["x[0], stretched"])] == np.broadcast_to(x[0], (3, 3))).all()

# %% [markdown]
# *Picture: a line of six boxes with 10 to 60, each of another colour, and four grids below. x is 10
# 20 30 above 40 50 60, with strides (3, 1). Its transpose has three rows of two and strides (1, 3).
# Every second column gives 10 30 above 40 60, with strides (3, 2). The row 10 20 30 stands three
# times in the last grid, whose strides are (0, 1).*
#
# A transposition exchanges two strides. A slice with a step multiplies one. And a **broadcast** is
# a stride of 0: a step down finds the same numbers again. That is all there is to «copies that
# exist in our minds only».
#
# ## The smallest numeric example
#
# The address of an element is the offset plus, for each axis, index times stride:
#
# $$\text{address}(i_0, i_1, \ldots) = \text{offset} + \sum_k i_k \cdot \text{stride}_k$$
#
# With a pencil, for the grids above. Element $(1, 2)$ of $x$: $1 \cdot 3 + 2 \cdot 1 = 5$, the
# number 60. Element $(2, 1)$ of its transpose: $2 \cdot 1 + 1 \cdot 3 = 5$, the same number.
# Element $(1, 2)$ of the stretched row: $1 \cdot 0 + 2 \cdot 1 = 2$, the number 30, as in every
# row. NumPy counts strides in bytes; a 64-bit number has 8, so there they are eight times as large.

# %%
stretched = np.broadcast_to(x[0], (3, 3))
print("strides in bytes", x.strides, x.T.strides, x[:, ::2].strides, stretched.strides)
assert (x[1, 2], x.T[2, 1], stretched[1, 2]) == (60, 60, 30)
assert x.strides == (24, 8)
assert x.T.strides == (8, 24)
assert x[:, ::2].strides == (24, 16)
assert stretched.strides == (0, 8)

# %% [markdown]
# ### Exercise 1: `address_of` (easy, 5 minutes, 2 points)
#
# Give the address of the element at `index`, for the tuples `index` and `strides` and the number
# `offset`. Strides are counted in numbers, not in bytes. They may be negative: `x[::-1]` begins at
# the end and walks back.


# %%
def address_of(index, strides, offset):
    ### BEGIN SOLUTION
    return offset + sum(i * stride for i, stride in zip(index, strides, strict=True))
    ### END SOLUTION


# %%
check(address_of)

# %% [markdown]
# ## View or copy?
#
# What can be said by another note costs next to nothing, whatever the size of the array: that is a
# **view**. What cannot needs a **copy**. A reshape cuts the line of numbers elsewhere; after a
# transposition the numbers, read in the new order, no longer lie evenly in memory, and one stride
# for each axis cannot say where they are. So NumPy copies. An index with a list picks numbers from
# anywhere, and copies too.

# %%
made = {
    "x.T": x.T,
    "x[:, ::2]": x[:, ::2],
    "x[::-1]": x[::-1],
    "x.reshape(3, 2)": x.reshape(3, 2),
    "broadcast_to(x[0], (3, 3))": stretched,
    "x.T.reshape(6)": x.T.reshape(6),
    "x[:, [0, 2]]": x[:, [0, 2]],
    "x + 0": x + 0,
}
views = [name for name, array in made.items() if np.shares_memory(array, x)]
print("views: ", ",  ".join(views))
print("copies:", ",  ".join(name for name in made if name not in views))
assert views == list(made)[:5]

# %% [markdown]
# Two warnings. Who writes into a view writes into the array below it: `x.T[0, 0] = 7` changes `x`.
# And `reshape` does not say whether it made a view or a copy. `view`, in PyTorch and in tinyllm, is
# a reshape that never copies, and says so when it would have to:

# %%
turned = tinyllm.tensor(x).T
message = ""
try:
    turned.view(6)
except (RuntimeError, ValueError) as error:
    message = str(error)
print(message)
assert "view" in message
assert turned.reshape(6).numpy().tolist() == [10, 40, 20, 50, 30, 60]

# %% [markdown]
# ### Exercise 2: `broadcast_strides` (medium, 12 minutes, 4 points)
#
# An array has `shape` and `strides`, and is to look like `new_shape` without a copy. Give the new
# strides, a tuple. The shapes are lined up at the right; axes may be new in front, and an axis of
# length 1 may have grown. You can rely on the shapes being right.


# %%
def broadcast_strides(shape, strides, new_shape):
    ### BEGIN SOLUTION
    front = len(new_shape) - len(shape)
    new_strides = [0] * front
    for size, stride, new in zip(shape, strides, new_shape[front:], strict=True):
        new_strides.append(stride if size == new else 0)
    return tuple(new_strides)
    ### END SOLUTION


# %%
check(broadcast_strides)

# %% [markdown]
# ## The way back through a view
#
# A view computes nothing. Element $(i, j)$ of the view **is** the number at its address. So what is
# its backward? The gradient that arrives at the element belongs to that number. If several elements
# look at the same number, it was used several times, and you know from lesson 02 what happens to
# several uses: their gradients are **added**. A number that nobody looks at gets 0.
#
# That is one rule for transpositions, slices, reshapes and broadcasts, and there is nothing else to
# learn: *go to the address, and add.* Let the same gradients arrive at two of the grids above, 1,
# 2, 3, ... from left to right and from top to bottom.

# %%
figure, panels = plt.subplots(2, 2, figsize=(8, 3.6), layout="constrained", facecolor=PAPER)
for name, (above, below) in zip(("x.T", "x[0], stretched"), panels.T, strict=True):
    shape, strides, offset = notes[name]
    seen = addresses_of(shape, strides, offset)
    arriving = np.arange(1.0, seen.size + 1).reshape(shape)
    arrived = np.zeros(6)
    np.add.at(arrived, seen, arriving)
    boxes(above, seen, arriving, f"what arrives at {name}")
    boxes(below, np.arange(6)[None], arrived[None], "what each number in memory gets")
    print(name, arrived)
plt.show()
assert arrived.tolist() == [1 + 4 + 7, 2 + 5 + 8, 3 + 6 + 9, 0, 0, 0]

# %% [markdown]
# *Picture: at the left 1 to 6 arrive at the transpose, row by row, and in memory they lie as 1 3 5
# 2 4 6. At the right 1 to 9 arrive at the stretched row; its three numbers get 12, 15 and 18, the
# sums of the columns, and the other three get 0.*
#
# At the left you see a transposition undone; at the right, `unbroadcast` of lesson 02. Note the
# function that adds: `np.add.at`. The innocent `arrived[seen] += arriving` is wrong, for where an
# address comes up twice NumPy adds once, without a word.
#
# ### Exercise 3: `view_backward` (medium, 15 minutes, 5 points)
#
# A line of `size` numbers lies in memory, and a view of it has `strides` and `offset`, counted in
# numbers. `grad`, an array of any number of axes, is the gradient of the view. Give the gradient of
# the line, of shape $(\text{size},)$.


# %%
def view_backward(size, strides, offset, grad):
    ### BEGIN SOLUTION
    grad_base = np.zeros(size)
    for index in np.ndindex(grad.shape):
        address = offset + sum(i * stride for i, stride in zip(index, strides, strict=True))
        grad_base[address] += grad[index]
    return grad_base
    ### END SOLUTION


# %%
check(view_backward)

# %% [markdown]
# Nobody walks through addresses one by one in earnest. Since the axes along which numbers repeat
# are those of stride 0, a sum over these axes does the same at once. The next function is
# `unbroadcast` in that light; you may use it, or your own, from here on.


# %%
births = itertools.count()  # a number for each array of the project


def summed_back(grad, shape):
    """Lesson 02's unbroadcast: sum over the axes along which a view of `shape` stands still."""
    strides = np.broadcast_to(np.empty(shape), grad.shape).strides
    still = tuple(axis for axis, stride in enumerate(strides) if stride == 0)
    return grad.sum(axis=still, keepdims=True).reshape(shape)


leaf = tinyllm.tensor(memory, requires_grad=True)
arriving = rng.normal(size=(4, 2, 3))
leaf.view(2, 3).expand(4, 2, 3).backward(tinyllm.tensor(arriving))
print("tinyllm's tape", leaf.grad.numpy().round(3))
assert np.allclose(leaf.grad.numpy(), summed_back(arriving, (2, 3)).ravel())

# %% [markdown]
# ## Reductions: broadcasting, backwards
#
# A sum over an axis makes one number of $N$. Each of the $N$ has slope 1, so each gets the whole
# gradient: the backward of a sum **is** a broadcast. And the backward of a broadcast is a sum. The
# two are each other's way back.
#
# Before you can broadcast, though, the axis that the sum removed must come back, with length 1, or
# the gradient lines up with the wrong axis. For $x$ of shape $(2, 3)$ summed over axis 1, what
# arrives has shape $(2,)$, and against $(2, 3)$ you get an error. Against $(3, 3)$ you would get no
# error at all. This is the most common bug of its kind.
#
# A **mean** is a sum divided by $N$, so each gets $1/N$. A **maximum** follows one number: move it,
# and the maximum moves along; move another a little, and nothing happens. If two share the first
# place, the slope is not defined, for upwards the maximum follows either, and downwards neither.
# tinyllm's `amax` then gives each of them the same part, as PyTorch's does.

# %%
print(inspect.getsource(reduction.kept))
x = tinyllm.tensor([[1.0, 5.0, 5.0], [4.0, 2.0, 0.0]], requires_grad=True)  # (2, 3)
x.amax(1).backward(tinyllm.tensor([10.0, 20.0]))
print(x.grad.numpy())
assert x.grad.numpy().tolist() == [[0, 5, 5], [20, 0, 0]]

# %% [markdown]
# ### Exercise 4: `reduction_backward` (medium, 12 minutes, 5 points)
#
# `kind` is `"sum"`, `"mean"` or `"max"`. For `y = x.sum(axis)`, or the mean, or the maximum,
# without `keepdims`, and its gradient `grad_y`, give the gradient of `x`. Where several numbers
# reach the maximum, they share evenly.


# %%
def reduction_backward(kind, x, axis, grad_y):
    ### BEGIN SOLUTION
    grad = np.expand_dims(grad_y, axis)
    if kind == "sum":
        return np.broadcast_to(grad, x.shape).copy()
    if kind == "mean":
        return np.broadcast_to(grad / x.shape[axis], x.shape).copy()
    reached = x == x.max(axis=axis, keepdims=True)
    return reached * grad / reached.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %%
check(reduction_backward)

# %% [markdown]
# ## A product of two batches
#
# In lesson 02 one matrix $w$ served a whole batch. Attention multiplies two batches with each
# other: for each sentence and head its own queries with its own keys. `@` does this too. The last
# two axes are matrices, and all axes before them broadcast:
#
# $$(..., T, \text{in}) \;@\; (..., \text{in}, \text{out}) \to (..., T, \text{out})$$
#
# Take $x$ of shape $(2, 1, T, \text{in})$ and $w$ of shape $(3, \text{in}, \text{out})$. The axes
# in front are $(2, 1)$ and $(3,)$, so together $(2, 3)$: six products. Every matrix of $x$ is used
# in three of them, and every matrix of $w$ in two.

# %%
figure, axes = plt.subplots(figsize=(6.4, 2.9), layout="constrained", facecolor=PAPER)
shades = {0: BLUE, 1: ORANGE}
arrow, middle = {"arrowstyle": "-|>", "color": QUIET}, {"ha": "center", "va": "center"}
for row, column in np.ndindex(2, 3):
    place = (column - 0.42, row - 0.36)
    axes.add_patch(plt.Rectangle(place, 0.84, 0.72, fc=PAPER, ec=shades[row], lw=2))
    axes.text(column, row, f"x[{row}, 0] @ w[{column}]", color=INK, **middle)
for row in range(2):
    axes.annotate("", (3.05, row), (2.5, row), arrowprops=arrow)
    axes.text(3.1, row, f"three parts add up\nto grad of x[{row}, 0]", va="center", color=INK)
for column in range(3):
    axes.annotate("", (column, 1.85), (column, 1.42), arrowprops=arrow)
    axes.text(column, 2.1, f"w[{column}]: two parts", color=INK, **middle)
axes.set(xlim=(-0.5, 4.5), ylim=(2.3, -0.5))
axes.axis("off")
plt.show()
x, w = rng.normal(size=(2, 1, 4, 5)), rng.normal(size=(3, 5, 6))
assert (x @ w).shape == (2, 3, 4, 6)

# %% [markdown]
# *Picture: six boxes in two rows and three columns, each one product. Arrows lead out of each row
# to the right, where three parts add up to the gradient of one matrix of x, and out of each column
# downwards, where two parts add up to that of one matrix of w.*
#
# ### Exercise 5: `batched_matmul_backward` (hard, 15 minutes, 5 points)
#
# For $y = x\,w$, with any axes in front that broadcast, give the pair `(grad_x, grad_w)`, each with
# the shape of what it belongs to. `.T` turns *all* axes round; `swapaxes(-1, -2)` exchanges the
# last two. You may use `summed_back`.


# %%
def batched_matmul_backward(x, w, grad_y):
    ### BEGIN SOLUTION
    grad_x = grad_y @ w.swapaxes(-1, -2)  # (..., T, out) (..., out, in) -> (..., T, in)
    grad_w = x.swapaxes(-1, -2) @ grad_y  # (..., in, T) (..., T, out) -> (..., in, out)
    return summed_back(grad_x, x.shape), summed_back(grad_w, w.shape)
    ### END SOLUTION


# %%
check(batched_matmul_backward)

# %% [markdown]
# ## What does it mean to agree?
#
# Now to the distrust. A check compares two arrays: the gradient of the backward, **analytic**, and
# that of small steps, **numeric**. They never agree to the last digit, so some room is allowed,
# absolute for gradients near 0 and relative for large ones:
#
# $$|a - n| \le \text{atol} + \text{rtol} \cdot |n|$$
#
# ### Exercise 6: find the bug, `gradients_agree` (medium, 12 minutes, 5 points)
#
# A colleague wrote that down and tried it. Right gradients passed, and one that was twice too large
# did not. For a year now the tests have been green. The next cell shows it five gradients of which
# only the first is right.


# %%
def lenient_agree(analytic, numeric, atol, rtol):
    return bool(not (analytic - numeric > atol + rtol * numeric).any())


numeric = np.array([1.0, 2.0, 3.0])
tried = {
    "right": numeric + 1e-9,
    "all zeros": np.zeros(3),
    "the wrong sign": -numeric,
    "NaN": np.array([1.0, np.nan, 3.0]),
    "another shape": np.array([[1.0, 2.0, 3.0]] * 2),
}
verdicts = {name: lenient_agree(a, numeric, 1e-5, 1e-3) for name, a in tried.items()}
print(verdicts)
assert not lenient_agree(2 * numeric, numeric, 1e-5, 1e-3)
assert all(verdicts.values())

# %% [markdown]
# All five pass. Find the holes (there are four, one of which the cell does not show), and write
# `gradients_agree` without them: it returns `True` only if the shapes are equal and the inequality
# holds for **all** elements. NaN agrees with nothing, not even with NaN. NumPy's `allclose` is
# refused here; but know that it broadcasts too.


# %%
def gradients_agree(analytic, numeric, atol, rtol):
    ### BEGIN SOLUTION
    if analytic.shape != numeric.shape:
        return False
    return bool((np.abs(analytic - numeric) <= atol + rtol * np.abs(numeric)).all())
    ### END SOLUTION


# %%
check(gradients_agree)

# %% [markdown]
# ## One number to compare: the covector
#
# A gradient belongs to one number, but most operations give arrays. So the check has to make one
# number of them, and the obvious one is their sum. It is a bad choice: the outputs of a softmax sum
# to 1 whatever goes in, so the gradient of the sum is 0, and a backward that returns zeros passes.
# Better is a **random covector** $c$, an array with the shape of the output:
#
# $$L(x) = \sum_k c_k\, y_k(x), \qquad \nabla L = \text{backward}(x, c)$$
#
# Now each output has a weight of its own, so no output can hide behind another. The same trick
# works on the side of the input. Moving every $x_i$ by itself takes $2N$ computations. Move them
# all at once along a **random direction** $d$ instead, and two will do:
#
# $$\frac{L(x + h d) - L(x - h d)}{2 h} \approx \sum_i d_i\,\text{backward}(x, c)_i$$
#
# On the left is a measurement, on the right is what the backward claims. Both are single numbers.
#
# ### Exercise 7: `both_slopes` (medium, 12 minutes, 4 points)
#
# `forward(x)` gives an array, `backward(x, grad_y)` the gradient of `x`. Return the pair (numeric,
# analytic), the left and the right side above, with `step` for $h$. `covector` has the shape of the
# output, `direction` that of `x`. In the tests some backwards are wrong; then the two numbers
# should differ, and yours must differ by just as much.


# %%
def both_slopes(forward, backward, x, covector, direction, step):
    ### BEGIN SOLUTION
    rise = forward(x + step * direction) - forward(x - step * direction)
    numeric = (covector * rise).sum() / (2 * step)
    analytic = (backward(x, covector) * direction).sum()
    return numeric, analytic
    ### END SOLUTION


# %%
check(both_slopes)

# %% [markdown]
# ## An experiment: which check lets which mistake pass?
#
# Here are twelve operations on a matrix $(4, 4)$, each with a backward that is **wrong**. Such
# mistakes were all made before: a transposition forgotten, a roll in the wrong direction, a factor
# left out. For each we measure by steps how every output answers to every input, once, and then ask
# what a check would have seen of it.


# %%
def softmax(x):
    """Over rows."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cut(x):
    """(4, 4) -> (2, 8)."""
    return x.reshape(2, 8)


square = rng.normal(size=(4, 4))
wrong = {  # what is wrong: (forward, a wrong backward)
    "softmax: zeros": (softmax, lambda x, g: 0 * x),
    "softmax: y (1 - y) g": (softmax, lambda x, g: softmax(x) * (1 - softmax(x)) * g),
    "centred rows: zeros": (lambda x: x - x.mean(axis=1, keepdims=True), lambda x, g: 0 * x),
    "transposed: g as it is": (lambda x: x.T, lambda x, g: g),
    "rolled down: rolled down": (lambda x: np.roll(x, 1, 0), lambda x, g: np.roll(g, 1, 0)),
    "sorted: g as it is": (lambda x: np.sort(x, axis=0), lambda x, g: g),
    "reshaped: columns for rows": (cut, lambda x, g: g.reshape(4, 4).T),
    "x w: g w": (lambda x: x @ square, lambda x, g: g @ square),
    "running sum: the same again": (lambda x: x.cumsum(0), lambda x, g: g.cumsum(0)),
    "x²: x g": (lambda x: x**2, lambda x, g: x * g),
    "tanh: (1 - y) g": (np.tanh, lambda x, g: (1 - np.tanh(x)) * g),
    "largest of a row: a quarter each": (
        lambda x: x.max(axis=1), lambda x, g: np.repeat(g[:, None] / 4, 4, axis=1),
    ),
}  # fmt: skip

# %% [markdown]
# ### Predict, then run (5 minutes)
#
# A careful colleague sums the outputs, and then compares **every** one of the 16 input elements by
# central differences: 32 computations of the forward. Go through the twelve. Of how many will this
# check say that all is well? Put a number.

# %%
my_number_that_pass = None
### BEGIN SOLUTION
my_number_that_pass = 3
### END SOLUTION


# %%
def jacobian(forward, x, step=1e-6):
    """Every output's slope for every input, by steps: (outputs, inputs)."""
    columns = []
    for place in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[place] = step
        columns.append((forward(x + move) - forward(x - move)).ravel() / (2 * step))
    return np.array(columns).T


def what_checks_say(forward, backward, x):
    """For four checks, whether this backward passes."""
    slopes, shape = jacobian(forward, x), forward(x).shape
    covector, direction = rng.normal(size=slopes.shape[0]), rng.normal(size=x.size)
    off = {}
    for name, c in (("sum", np.ones(slopes.shape[0])), ("covector", covector)):
        claimed = backward(x, c.reshape(shape)).ravel()  # (inputs,)
        off[name] = claimed - c @ slopes
    gaps = [off["sum"], off["covector"][:1], off["covector"], off["covector"] @ direction]
    return [bool(np.abs(gap).max() < 1e-4) for gap in gaps]


x = rng.normal(size=(4, 4))
passed = {name: what_checks_say(*pair, x) for name, pair in wrong.items()}
by_check = np.array(list(passed.values()))  # (12, 4)
reveal("03", "wrong backwards that pass a sum", my_number_that_pass, int(by_check[:, 0].sum()))

# %%
checks = ["sum of outputs,\nall elements\n(32 runs)", "covector,\none element\n(2 runs)",
          "covector,\nall elements\n(32 runs)", "covector and\ndirection\n(2 runs)"]  # fmt: skip
figure, axes = plt.subplots(figsize=(8.5, 4.8), layout="constrained", facecolor=PAPER)
axes.set_facecolor(PAPER)
for (row, column), through in np.ndenumerate(by_check):
    text, colour = ("passes", ORANGE) if through else ("caught", BLUE)
    weight = "bold" if through else "normal"
    axes.text(column, row, text, ha="center", va="center", color=colour, weight=weight)
axes.set_xticks(range(4), checks, color=INK)
axes.set_yticks(range(12), list(wrong), color=INK)
axes.set(xlim=(-0.5, 3.5), ylim=(11.6, -0.6))
axes.hlines(np.arange(11) + 0.5, -0.5, 3.5, color=GRID)
axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
for spine in axes.spines.values():
    spine.set_visible(False)
plt.show()
assert by_check.sum(axis=0).tolist() == [6, 2, 0, 0]
assert passed["transposed: g as it is"][1]
assert passed["reshaped: columns for rows"][1]

# %% [markdown]
# *Picture: a table of the twelve mistakes and four checks. The sum over all elements lets six pass:
# softmax and centred rows with zeros, and the transposition, roll, sort and reshape whose gradients
# go to the wrong places. A covector at one element lets the transposition and the reshape pass. A
# covector with all elements, and a covector with a direction, catch all twelve.*
#
# Six of twelve. Two of them because the sum is constant. The other four only move numbers about,
# and a gradient of all ones looks the same wherever its ones have gone. These are no rarities: a
# good part of what a Transformer does between two products is to move numbers about. (We chose the
# twelve; another dozen would give another number.)
#
# The second column shows the other way to be careless, one element out of many. The first element
# of a matrix stays where it is when you transpose, so that mistake passes, and so does the reshape.
# The last column needs two computations and catches everything. Its weakness is another: it says
# *that* something is wrong, and not *where*. So `tinyllm.gradcheck` compares element by element,
# with a random covector, and `directional=True` does it by directions where there are too many
# elements.
#
# ## 32 or 64 bits: which step?
#
# In lesson 02 you saw that 32-bit numbers spoil small steps. Now let us say why the best step lies
# where it does. The error of a central difference has two parts, the bend of the function, and the
# rounding of $f$, which is about $\varepsilon\,|f|$, where $\varepsilon$ is the largest relative
# error when one number is rounded:
#
# $$\text{error}(h) \approx \frac{h^2}{6}\,|f'''| + \frac{\varepsilon\,|f|}{h}$$
#
# Its derivative is 0 where $h^3 = 3\,\varepsilon\,|f| / |f'''|$. For a function whose value and
# bend are about 1, that is the **cube root of $3\,\varepsilon$**. With 32 bits $\varepsilon$ is $6
# \cdot 10^{-8}$, and the step is 0.0056; with 64 bits it is $1.1 \cdot 10^{-16}$, and the step is
# $7 \cdot 10^{-6}$.

# %%
for dtype in (np.float32, np.float64):
    epsilon = float(np.finfo(dtype).eps) / 2
    step = (3 * epsilon) ** (1 / 3)
    error = step**2 / 6 + epsilon / step
    print(f"{dtype.__name__}: epsilon {epsilon:.1e}, best step {step:.1e}, error {error:.1e}")
    assert np.isclose(step, {np.float32: 0.0056, np.float64: 6.9e-6}[dtype], rtol=0.02)
    assert np.isclose(error, {np.float32: 1.6e-5, np.float64: 2.4e-11}[dtype], rtol=0.05)

# %% [markdown]
# At their best, 32-bit numbers give a slope with five digits, 64-bit numbers one with eleven. But
# there is a second trap, and it depends on $x$. Between two neighbouring 32-bit numbers there is a
# gap, and it grows with the numbers: near 1 it is a ten-millionth, near 3,000 it is 0.00024. A step
# of 0.0001 at $x = 3{,}000$ is not small, it is **no step at all**: $x + h$ is rounded back to $x$.
# We measure the slope of the simplest function there is, $f(x) = x$, with a step of 0.001. It
# should be 1 everywhere.

# %%
xs = np.geomspace(1, 1e5, 600).astype(np.float32)
h = np.float32(0.001)
asked = ((xs + h) - (xs - h)) / (2 * h)  # f(x) = x, in 32 bits throughout
figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.semilogx(xs, asked, ".", color=ORANGE, markersize=4)
axes.axhline(1, color=BLUE, linewidth=1)
axes.set_xlabel("x")
axes.set_ylabel("measured slope of f(x) = x")
plt.show()
three = np.float32(3000.0)
assert three + np.float32(0.0001) == three
assert np.isclose(np.spacing(three), 0.00024, atol=1e-5)
assert np.abs(asked[xs < 500] - 1).max() < 0.01
assert np.allclose(asked[(xs > 520) & (xs < 16000)], 0.977, atol=1e-3)
assert np.allclose(asked[(xs > 16400) & (xs < 32000)], 1.953, atol=1e-3)
assert (asked[xs > 33000] == 0).all()

# %% [markdown]
# *Picture: the measured slope against x on a logarithmic scale, in stairs. Up to about 500 the
# points lie on the line at 1. From there to 16,000 they lie a little below it, at 0.98; then at
# 1.95, twice what is right; and beyond 33,000 at 0.*
#
# The stairs are the gaps. Beyond 512 the nearest thing to a step of 0.001 that can be taken is
# $1/1024 = 0.000977$; beyond 16,384 it is the double of that; and beyond 32,768 none is taken at
# all.
#
# The mend is cheap: divide by the way that was really taken, `(x + h) - (x - h)`, and not by the
# one that was asked. tinyllm's check does; and if there was no way at all, it says so by a slope of
# 0.

# %%
print(inspect.getsource(Probe.moved))
message = ""
try:
    tinyllm.gradcheck.gradcheck(lambda x: x * x, tinyllm.ones(2, requires_grad=True))
except TypeError as error:
    message = str(error)
print(textwrap.fill(message, 88))
assert "need float64" in message

# %% [markdown]
# A last word on false alarms. Steps need a smooth function. At a **kink**, such as a relu at 0 or a
# maximum that two numbers share, central differences see the mean of two slopes, and the backward
# has to choose one. A check there fails though nothing is wrong. So draw inputs at random, where
# kinks are hardly ever hit, and keep them further from a kink than the step is long.
#
# ## Project: an engine of your own
#
# Now everything comes together: `Value` of lesson 02 grows up. You write an engine for whole
# arrays, prove by a gradient check that it is right, build a network of two layers with it, and
# train it to tell three arms of a spiral apart. 65 minutes, four exercises, and a picture at the
# end.

# %%
kinds, each = 3, 120
radius = np.linspace(0.08, 1, each)
turns = [2 * np.pi * k / kinds + 5.5 * radius + rng.normal(size=each) * 0.12 for k in range(kinds)]
arms = [np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1) for turn in turns]
points = np.concatenate(arms)  # (N, 2)
labels = np.repeat(np.arange(kinds), each)  # (N,)
targets = np.eye(kinds)[labels]  # (N, kinds): 1 in the column of its kind, else 0
LOOKS = ((BLUE, "o"), (ORANGE, "^"), (GREEN, "s"))


def scatter(axes):
    """The points, a colour and a shape for each kind."""
    for kind, (colour, marker) in enumerate(LOOKS):
        some = points[labels == kind]
        axes.plot(*some.T, marker, color=colour, markersize=3, markeredgecolor=PAPER, mew=0.3)
    axes.set(aspect="equal", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
    axes.axis("off")


figure, axes = plt.subplots(figsize=(3.2, 3.2), layout="constrained", facecolor=PAPER)
scatter(axes)
plt.show()
assert points.shape == (360, 2)
assert targets.shape == (360, 3)

# %% [markdown]
# *Picture: 360 points in three arms, circles, triangles and squares, which wind out from the
# middle, nearly a whole turn each. No straight line separates them.*
#
# ### Exercise 8: `Traced` (hard, 30 minutes, 8 points)
#
# Write the class. `Traced(data)` holds an array of floats `.data` of any shape, also $()$, and
# `.grad`, an array of zeros of the same shape at first. `a + b` and `a * b` broadcast; both sides
# will be Traced. `a.relu()` gives what is above 0 and 0 for the rest (do not mind the slope at 0),
# and `a.mean()` the mean of all numbers, of shape $()$. `a.backward(covector)` gives every array
# that led to `a` its gradient of $\sum \text{covector} \cdot a$; it is called once.
#
# In `Value` an edge carried a number, the local gradient. Here it carries a *function*, from the
# gradient of the result to the part of the source. The walk stays as it was. `next(births)` gives a
# new number each time, and `summed_back` stands above.


# %%
class Traced:
    ### BEGIN SOLUTION
    def __init__(self, data, edges=()):
        self.data, self.number = np.asarray(data, dtype=float), next(births)
        self.grad, self.edges = np.zeros(self.data.shape), edges  # edges: (source, its part)

    def __add__(self, other):
        edges = [(x, lambda g, x=x: summed_back(g, x.data.shape)) for x in (self, other)]
        return Traced(self.data + other.data, edges)

    def __mul__(self, other):
        def part(source, factor):
            return lambda grad: summed_back(grad * factor.data, source.data.shape)

        edges = [(self, part(self, other)), (other, part(other, self))]
        return Traced(self.data * other.data, edges)

    def relu(self):
        return Traced(np.maximum(self.data, 0), [(self, lambda grad: grad * (self.data > 0))])

    def mean(self):
        shape, size = self.data.shape, self.data.size
        return Traced(self.data.mean(), [(self, lambda grad: np.full(shape, grad / size))])

    def backward(self, covector):
        self.grad, waiting = self.grad + covector, {self.number: self}
        while waiting:
            node = waiting.pop(max(waiting))  # the youngest
            for source, part in node.edges:
                source.grad = source.grad + part(node.grad)
                waiting[source.number] = source

    ### END SOLUTION


# %%
check(Traced)

# %% [markdown]
# ### Exercise 9: `traced_product` (medium, 12 minutes, 4 points)
#
# An engine is worth something if it can be extended from outside, without a change to its walk.
# Give the matrix product of two Traced arrays, a Traced array. Your `batched_matmul_backward` does
# the hard part.


# %%
def traced_product(x, w):
    ### BEGIN SOLUTION
    def part(which):
        return lambda grad: batched_matmul_backward(x.data, w.data, grad)[which]

    return Traced(x.data @ w.data, [(x, part(0)), (w, part(1))])
    ### END SOLUTION


# %%
check(traced_product)

# %% [markdown]
# ### Exercise 10: `loss_and_gradients` (medium, 12 minutes, 4 points)
#
# The network: $\text{hidden} = \text{relu}(\text{points}\; w_1 + b_1)$, and $\text{answer} =
# \text{hidden}\; w_2 + b_2$, one number for each kind. The loss is the mean of the squares of
# answer minus target, over all $N \cdot \text{kinds}$ of them. `parameters` is a dict with the
# arrays `"w1"` $(2, \text{width})$, `"b1"` $(\text{width},)$, `"w2"` $(\text{width}, \text{kinds})$
# and `"b2"` $(\text{kinds},)$. Return the loss as a number, and a dict with the gradient of each
# parameter.


# %%
def loss_and_gradients(parameters, points, targets):
    ### BEGIN SOLUTION
    p = {name: Traced(array) for name, array in parameters.items()}
    hidden = (traced_product(Traced(points), p["w1"]) + p["b1"]).relu()  # (N, width)
    error = traced_product(hidden, p["w2"]) + p["b2"] + Traced(-targets)  # (N, kinds)
    loss = (error * error).mean()  # ()
    loss.backward(1.0)
    return float(loss.data), {name: leaf.grad for name, leaf in p.items()}
    ### END SOLUTION


# %%
check(loss_and_gradients)

# %% [markdown]
# ### Exercise 11: `descend` (medium, 10 minutes, 4 points)
#
# Go downhill. `steps` times: ask for the loss and the gradients, note the loss, and move each
# parameter by `rate` times its gradient, against it. Return the trained parameters, a dict, and the
# list of the losses before each step. The caller's arrays must stay as they are.


# %%
def descend(parameters, points, targets, steps, rate):
    ### BEGIN SOLUTION
    parameters = {name: array.copy() for name, array in parameters.items()}
    losses = []
    for _ in range(steps):
        loss, gradients = loss_and_gradients(parameters, points, targets)
        losses.append(loss)
        for name, gradient in gradients.items():
            parameters[name] -= rate * gradient
    return parameters, losses
    ### END SOLUTION


# %%
check(descend)

# %% [markdown]
# ### Is it right? Then let it learn
#
# If all four are done, the cells below use your engine; if not yet, tinyllm's tape stands in. First
# the gradient check: all 195 parameters move at once along a random direction, and the measured
# slope of the loss is held against the one that your engine claims.


# %%
def by_tinyllm(parameters, points, targets):
    """Loss and gradients by tinyllm's tape, for comparison."""
    p = {name: tinyllm.tensor(array, requires_grad=True) for name, array in parameters.items()}
    hidden = tinyllm.relu(tinyllm.tensor(points) @ p["w1"] + p["b1"])
    loss = ((hidden @ p["w2"] + p["b2"] - tinyllm.tensor(targets)) ** 2).mean()
    loss.backward()
    return loss.item(), {name: leaf.grad.numpy() for name, leaf in p.items()}


def downhill_by_tinyllm(parameters, points, targets, steps, rate):
    """The same as `descend`, on tinyllm's tape."""
    losses = []
    for _ in range(steps):
        loss, gradients = by_tinyllm(parameters, points, targets)
        losses.append(loss)
        parameters = {name: p - rate * gradients[name] for name, p in parameters.items()}
    return parameters, losses


done = all(check(each).passed for each in (Traced, traced_product, loss_and_gradients, descend))
ask, train = (loss_and_gradients, descend) if done else (by_tinyllm, downhill_by_tinyllm)
print("your engine" if done else "tinyllm's tape: the project is not done yet")

# %%
width = 32
start = {
    "w1": 2 * rng.normal(size=(2, width)), "b1": 0.5 * rng.normal(size=width),
    "w2": 0.5 * rng.normal(size=(width, kinds)) / np.sqrt(width), "b2": np.zeros(kinds),
}  # fmt: skip
way = {name: rng.normal(size=p.shape) for name, p in start.items()}
up, down = ({n: p + h * way[n] for n, p in start.items()} for h in (1e-6, -1e-6))
measured = (ask(up, points, targets)[0] - ask(down, points, targets)[0]) / 2e-6
first_loss, gradients = ask(start, points, targets)
claimed = sum((gradients[name] * way[name]).sum() for name in start)
print(f"slope measured {measured:.7f}, claimed {claimed:.7f}")
assert sum(p.size for p in start.values()) == 195
assert abs(measured - claimed) < 1e-5 * max(1, abs(claimed))
for name, gradient in by_tinyllm(start, points, targets)[1].items():
    assert np.allclose(gradient, gradients[name], rtol=1e-9, atol=1e-12)

# %%
stops, now, losses, stages = (0, 50, 400, 3000), start, [], {}
for before, stop in zip((0, *stops), stops, strict=False):
    now, some = train(now, points, targets, stop - before, 0.12)
    losses += some
    stages[stop] = now
across, upward = np.meshgrid(*[np.linspace(-1.2, 1.2, 160)] * 2)
plane = np.stack([across, upward], axis=-1)  # (160, 160, 2)


def answers(p, x):
    """The kind that the network with the parameters `p` chooses for points (..., 2)."""
    return (np.maximum(x @ p["w1"] + p["b1"], 0) @ p["w2"] + p["b2"]).argmax(axis=-1)


right = {stop: float((answers(p, points) == labels).mean()) for stop, p in stages.items()}
print({stop: f"{share:.1%}" for stop, share in right.items()}, f"loss {losses[-1]:.4f}")
assert right[0] < 0.6
assert right[3000] > 0.97
assert losses[-1] < 0.05 < losses[0]

# %%
figure, panels = plt.subplots(1, 5, figsize=(12, 2.7), layout="constrained", facecolor=PAPER,
                              width_ratios=(1, 1, 1, 1, 1.1))  # fmt: skip
pale = ListedColormap(["#C6DDEE", "#F6D8C4", "#C2E6DA"])
for axes, (stop, p) in zip(panels, stages.items(), strict=False):
    axes.pcolormesh(across, upward, answers(p, plane), cmap=pale, vmin=0, vmax=2, rasterized=True)
    scatter(axes)
    axes.set_title(f"after {stop:,} steps", loc="left", color=INK, fontsize=10)
dress(panels[4])
panels[4].semilogy(losses, color=BLUE)
panels[4].set_xlabel("step")
panels[4].set_yticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
panels[4].minorticks_off()
panels[4].set_title("loss", loc="left", color=INK, fontsize=10)
plt.show()

# %% [markdown]
# *Picture: four maps of the plane with the points on them, tinted by the kind that the network
# chooses. Before training the tints have nothing to do with the arms. After 50 steps they are three
# broad patches; after 400 their borders bend; after 3,000 they are three interlocking arms that
# follow the points. At the right the loss falls on a logarithmic scale.*
#
# Each hidden unit is a straight fold in the plane, where its relu switches on; the curved borders
# are made of 32 such folds. Everything in the picture came out of some sixty lines that you wrote:
# no library knows how to differentiate here but yours.
#
# ### An open question (10 minutes, for a teacher to read)
#
# Add one operation of your own to `Traced`: a maximum over an axis, an index `x[i]`, an
# exponential, or whatever you like. Say what its edge does; describe a test that would find the
# mistake that you are most likely to make in it; and say at which inputs the test must not be made.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for a forward with an edge that turns the gradient rightly (for an index: zeros, with the
# gradient added at the index; for exp: times the output); 1 for a test with a random covector, and
# not with a sum; 1 for naming a mistake and showing that this test sees it, such as an index that
# occurs twice, `[0, 0]`, where `=` and `+=` differ, or an axis that was not put back, on a square
# array; 1 for kinks and ties (maximum), or for ranges where steps overflow or round away (exp at
# large x).
#
# </details>
#
# ## What to remember
#
# - An array is a line of numbers and a note: offset, shape, strides. Views change the note alone.
# - A broadcast is a stride of 0.
# - The backward of a view: go to the address, and add. Sum and broadcast are each other's way back.
# - Put a reduced axis back before you broadcast; square arrays hide it if you forget.
# - Ask of gradients that all elements are close; «is any too far?» lets NaN through.
# - Check with a random covector, never with a sum. A random direction makes it two computations.
# - 64 bits and a step near $10^{-6}$; divide by the step that was really taken.
#
# ## Where next
#
# Lesson 06 looks up rows of a table, by a list of indices. That is a copy and no view, and yet its
# backward follows the rule of this lesson: it adds where an index comes twice. Lesson 11 asks for
# better ways downhill than yours. To look further now, read `tinyllm/gradcheck/check.py`, and
# Harris et al. 2020, «Array programming with NumPy»,
# [doi:10.1038/s41586-020-2649-2](https://doi.org/10.1038/s41586-020-2649-2).
