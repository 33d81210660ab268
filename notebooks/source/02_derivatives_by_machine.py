# %% [markdown]
# # 02 Derivatives by machine
#
# **You will be able to** walk back over any computation and collect its gradients, with a pencil
# and in code; write the backward of sums, products, tanh, broadcasting, a matrix product and layer
# norm; find the bug when a gradient is lost; check any gradient by small steps, and choose the
# step; and read the tape that trains every model in this course.
#
# **You need** lesson 00 (NumPy broadcasting, the chain rule, small steps).
# **Time:** about 40 minutes of reading, and 130 of exercises.
#
# ## Why
#
# A model has weights, and a loss says with one number how badly it does. To improve it, you must
# know for every weight: if I turn it up a little, does the loss rise or fall, and how fast? That is
# one derivative for each weight, and a language model has millions of weights.
#
# You could derive a formula on paper. It would fill pages, and every change of the model would make
# it wrong. You could move each weight by a small step, and compute the loss again. That is easy to
# write, but a million weights need a million computations of the loss.
#
# There is a third way. Write down each step of the computation while it runs, on a **tape**; then
# walk back over the tape once. One walk gives all the derivatives, exact but for rounding, and
# takes about as long as two more computations of the loss, however many weights there are. Nothing
# in this course would train without it. This lesson builds it from nothing: first for single
# numbers, in a class of twenty lines that you write, then for arrays.

# %%
import inspect
import itertools
import math
import textwrap
import time

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm import tape as tinyllm_tape
from tinyllm.autograd import Function, GradcheckError, gradcheck
from tinyllm.backward import nodes_below
from tinyllm.course import check, hint, reveal
from tinyllm.ops.elementwise import Mul
from tinyllm.viz.style import BLUE, GREEN, GRID, INK, ORANGE, PAPER, QUIET, dress

# %% [markdown]
# ## The idea in a picture
#
# Take $z = x y + x$. A computer does it in two steps: $a = x y$, then $z = a + x$. Draw each number
# as a box, and an arrow from each number to what was computed from it.
#
# Now ask each step one small question: if **one** input of yours moves by a little, how many times
# that little does your output move? The answer is the step's **local gradient**. A step needs to
# know nothing of the whole to answer. The product $a = x y$ says: $y$ times as much if $x$ moves,
# $x$ times as much if $y$ does. The sum says: once as much, for each. Write these answers on the
# arrows, and the drawing holds all that we need.
#
# As data, such a drawing is a dict in the order of the computation: each node with its list of
# pairs, a source and the local gradient for it. That is our first tape.

# %%
tape = {"x": [], "y": [], "a": [("x", 3.0), ("y", 2.0)], "z": [("a", 1.0), ("x", 1.0)]}
values = {"x": 2.0, "y": 3.0, "a": 6.0, "z": 8.0}
places = {"x": (0, 1), "y": (0, 0), "a": (1, 0.3), "z": (2, 0.7)}


def draw(axes, tape, places, notes, grads=(), title=""):
    """Draw a tape: boxes with their notes, arrows with local gradients, gradients below."""
    middle, boxes = {"ha": "center", "va": "center", "color": INK}, {}
    for node, place in places.items():
        frame = {"boxstyle": "round,pad=0.4", "fc": PAPER, "ec": BLUE}
        text = axes.text(*place, f"{node}\n{notes[node]}", bbox=frame, **middle)
        boxes[node] = text.get_bbox_patch()
        if node in grads:
            style = {"ha": "center", "va": "top", "color": ORANGE, "weight": "bold"}
            axes.annotate(f"{grads[node]:g}", place, (0, -24), textcoords="offset points", **style)
    for node, edges in tape.items():
        for source, local in edges:
            ends = {"patchA": boxes[source], "patchB": boxes[node], "shrinkA": 2, "shrinkB": 2}
            arrow = {"arrowstyle": "-|>", "color": QUIET, **ends}
            axes.annotate("", places[node], places[source], arrowprops=arrow)
            if local is not None:
                x, y = np.mean([places[source], places[node]], axis=0)
                label = {"boxstyle": "round,pad=0.1", "fc": PAPER, "ec": "none"}
                axes.text(x, y, f"×{local:g}", bbox=label, **middle)
    across, up = zip(*places.values(), strict=True)
    axes.set_xlim(min(across) - 0.35, max(across) + 0.35)
    axes.set_ylim(min(up) - 0.5, max(up) + 0.35)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.axis("off")


# %%
figure, axes = plt.subplots(figsize=(5.5, 2.8), layout="constrained", facecolor=PAPER)
draw(axes, tape, places, {node: f"{value:g}" for node, value in values.items()})
plt.show()

# %% [markdown]
# *Picture: four boxes with their values, x 2, y 3, a 6 and z 8. Arrows lead from x and y to a, with
# the local gradients 3 and 2, and from a and x to z, with 1 each. From x there are two ways to z.*
#
# ## The smallest numeric example
#
# We want $\partial z / \partial x$ and $\partial z / \partial y$ at $x = 2$, $y = 3$. Take a
# pencil, and begin at the end.
#
# 1. $z$ moves as much as $z$: its gradient is 1.
# 2. $z = a + x$ sends 1 times its local gradient to each source: $a$ gets 1, and $x$ gets 1.
# 3. $a = x y$ has 1. It sends $1 \cdot 3 = 3$ to $x$, and $1 \cdot 2 = 2$ to $y$.
# 4. $x$ has received twice, 1 and 3. Both count: its gradient is 4. That of $y$ is 2.
#
# Is it true? Move $x$ by 0.001, and $z$ should move by 0.004. Move $y$ instead, and $z$ should move
# by 0.002.


# %%
def z_of(x, y):
    """The formula of the example."""
    return x * y + x


frames = [{"z": 1}, {"z": 1, "a": 1, "x": 1}, {"z": 1, "a": 1, "x": 4, "y": 2}]
print(f"x moves: z by {z_of(2.001, 3) - z_of(2, 3):.6f}", end="; ")
print(f"y moves: z by {z_of(2, 3.001) - z_of(2, 3):.6f}")
assert z_of(2, 3) == values["z"] == 8
assert np.isclose(z_of(2.001, 3) - z_of(2, 3), 0.001 * frames[-1]["x"])
assert np.isclose(z_of(2, 3.001) - z_of(2, 3), 0.001 * frames[-1]["y"])

# %%
titles = ["z begins with 1", "z sends to a and x", "a sends to x and y"]
figure, panels = plt.subplots(1, 3, figsize=(11, 2.6), layout="constrained", facecolor=PAPER)
for axes, grads, title in zip(panels, frames, titles, strict=True):
    draw(axes, tape, places, {node: f"{value:g}" for node, value in values.items()}, grads, title)
plt.show()

# %% [markdown]
# *Picture: the same graph three times, with gradients in orange below the boxes. First only z has
# one, 1. Then a and x have 1 each. At last x has 4 and y has 2.*
#
# What you did is the chain rule, once for each arrow. For a node $v$ with the users $u$:
#
# $$\frac{\partial L}{\partial v} = \sum_{u \text{ uses } v}
#   \frac{\partial L}{\partial u} \cdot \frac{\partial u}{\partial v}$$
#
# Along a way the factors are **multiplied**; where several ways meet they are **added**. From here
# on, `grad_v` is short for $\partial L / \partial v$: the derivative of the loss, or of whatever
# number stands at the end, with respect to $v$. We call it the **gradient** of $v$.
#
# ### Exercise 1: `local_gradients` (easy, 8 minutes, 4 points)
#
# For $z = x \mathbin{\text{op}} y$, give the pair
# $(\partial z / \partial x, \partial z / \partial y)$ at the numbers `x` and `y`. `op` is one of
# the strings `"add"`, `"sub"`, `"mul"` and `"div"`.


# %%
def local_gradients(op, x, y):
    ### BEGIN SOLUTION
    if op == "add":
        return 1.0, 1.0
    if op == "sub":
        return 1.0, -1.0
    if op == "mul":
        return y, x
    return 1.0 / y, -x / y**2
    ### END SOLUTION


# %%
check(local_gradients)

# %% [markdown]
# ### Exercise 2: `tanh_backward` (easy, 5 minutes, 2 points)
#
# A **backward** goes one step further: it also multiplies by what arrives. Given the output
# $y = \tanh x$ and `grad_y`, return `grad_x`, in one line. The input $x$ is not given, and you do
# not need it. That happens often: the derivatives of exp, tanh and the square root are simplest in
# terms of their own output, and then the tape need not keep the input. `y` and `grad_y` may be
# arrays, and then the same happens to each of their numbers; do not change them.


# %%
def tanh_backward(y, grad_y):
    ### BEGIN SOLUTION
    return grad_y * (1 - y * y)
    ### END SOLUTION


# %%
check(tanh_backward)

# %% [markdown]
# ### Exercise 3: find the bug (medium, 10 minutes, 4 points)
#
# Here is the walk in code. It takes a tape, starts at the last node and returns the gradient of
# every node. A colleague tried it on $x y + b$ and on $\tanh(w x)$, found nothing wrong, and used
# it. Some models then trained badly. On our tape it is wrong too: $x$ should get 4.


# %%
def forgetful_walk(tape):
    grads = dict.fromkeys(tape, 0.0)
    grads[list(tape)[-1]] = 1.0
    for node in reversed(tape):  # the last one first
        for source, local in tape[node]:
            grads[source] = local * grads[node]
    return grads


tree = {"x": [], "y": [], "b": [], "a": [("x", 3.0), ("y", 2.0)], "z": [("a", 1.0), ("b", 1.0)]}
print("x y + b:", forgetful_walk(tree))
print("x y + x:", forgetful_walk(tape))
assert forgetful_walk(tree) == {"x": 3.0, "y": 2.0, "b": 1.0, "a": 1.0, "z": 1.0}
assert forgetful_walk(tape) == {"x": 3.0, "y": 2.0, "a": 1.0, "z": 1.0}

# %% [markdown]
# The first answer, for $x y + b$, is right in all five places. In the second, $x$ has 3. Write
# `walk_back` without the bug. It must leave the tape as it is, and a node that does not lead to the
# end gets 0.


# %%
def walk_back(tape):
    ### BEGIN SOLUTION
    grads = dict.fromkeys(tape, 0.0)
    grads[list(tape)[-1]] = 1.0
    for node in reversed(tape):
        for source, local in tape[node]:
            grads[source] += local * grads[node]
    return grads
    ### END SOLUTION


# %%
check(walk_back)

# %% [markdown]
# ## In which order?
#
# The walk above goes strictly from the last node to the first, and for a reason. A node may send
# only when **all** its users have sent to it. Suppose that we dived instead: from each node at once
# on to its first source, and to the other sources later. Take $a = x^2$, $b = 3 a$, $z = a + b$ at
# $x = 1$. From $z$ we would dive to $a$, and from there to $x$. Only then would $b$ have its turn,
# and send its 3 to an $a$ that has sent already.

# %%
diamond = {"x": [], "a": [("x", 2.0)], "b": [("a", 3.0)], "z": [("a", 1.0), ("b", 1.0)]}
spots = {"x": (0, 0.5), "a": (1, 0.5), "b": (2, 0.05), "z": (3, 0.5)}
numbers = {"x": "1", "a": "1", "b": "3", "z": "4"}
by_age = {"z": 1.0, "b": 1.0, "a": 1.0 + 1.0 * 3.0}
by_age["x"] = by_age["a"] * 2.0
by_diving = {"z": 1.0, "b": 1.0, "a": 1.0 + 1.0 * 3.0, "x": 1.0 * 2.0}
figure, panels = plt.subplots(1, 2, figsize=(10, 2.6), layout="constrained", facecolor=PAPER)
draw(panels[0], diamond, spots, numbers, by_age, "youngest first: z, b, a, x")
draw(panels[1], diamond, spots, numbers, by_diving, "diving (wrong): z, a, x, b")
plt.show()
assert by_age["x"] == 8.0  # z is 4 x², and its derivative 8 x
assert by_diving["x"] == 2.0

# %% [markdown]
# *Picture: the graph of a = x², b = 3a, z = a + b twice. Youngest first, a has 4 and x has 8.
# Diving, a has 4 as well, but x has only 2: a had sent to it before the part from b came.*
#
# Since $z = 4 x^2$, the right answer is 8. Diving gave 2, and no error message. The order need not
# be strictly backwards, though; any will do in which every node comes after all its users. Such an
# order is called **topological**. A tape has one for free: a user is always younger than what it
# uses, because it could not have been computed before. So give each node a number when it is made,
# and take the youngest first.
#
# ### Exercise 4: `walking_order` (medium, 12 minutes, 5 points)
#
# Often there is no list of everything, only nodes that point to their sources. `sources` is a dict
# from the number of each node to the list of the numbers it was computed from; a smaller number is
# older. Give the list of all nodes on which `loss` (a number too) depends, itself among them, the
# youngest first: for our example, with 0, 1, 2, 3 in the place of $x$, $a$, $b$, $z$,
# `walking_order({0: [], 1: [0], 2: [1], 3: [1, 2]}, 3)` is `[3, 2, 1, 0]`. Other nodes may be
# there, of which the loss knows nothing. And a recurrent network may be thousands of nodes deep,
# while Python stops a function that calls itself at a depth of about 1,000.


# %%
def walking_order(sources, loss):
    ### BEGIN SOLUTION
    below, waiting = set(), [loss]
    while waiting:
        node = waiting.pop()
        if node not in below:
            below.add(node)
            waiting.extend(sources[node])
    return sorted(below, reverse=True)
    ### END SOLUTION


# %%
check(walking_order)

# %% [markdown]
# ### Exercise 5: `Value` (hard, 25 minutes, 7 points)
#
# So far the tape was typed by hand. Now let numbers write it themselves. Make a class whose objects
# behave like this:
#
# ```python
# x, y = Value(2.0), Value(3.0)
# z = x * y + x     # z.data is 8.0
# z.backward()      # x.grad is 4.0, y.grad is 2.0
# ```
#
# `Value(data)` holds a number `.data`, and `.grad`, which begins at 0. `+`, `*` and `.tanh()` give
# new Values; in Python `a + b` calls `a.__add__(b)`, and `a * b` calls `a.__mul__(b)`. Both sides
# will be Values. `backward` gives every Value that led here its gradient; it is called once. All
# that you have written so far comes together: local gradients, adding up, and the order; and again
# the graph may be deep. `next(births)` gives a new number each time. When it works, you have
# written the heart of PyTorch.

# %%
births = itertools.count()


class Value:
    ### BEGIN SOLUTION
    def __init__(self, data, edges=()):
        self.data, self.edges = data, edges  # edges: (source, local gradient) for each input
        self.grad, self.number = 0.0, next(births)

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        y = math.tanh(self.data)
        return Value(y, [(self, 1.0 - y * y)])

    def backward(self):
        self.grad = 1.0
        waiting = {self.number: self}
        while waiting:
            node = waiting.pop(max(waiting))  # the youngest
            for source, local in node.edges:
                source.grad += local * node.grad
                waiting[source.number] = source

    ### END SOLUTION


# %%
check(Value)

# %% [markdown]
# tinyllm's tensors are used in the same way. A tensor with `requires_grad=True` is what we called a
# node without sources; PyTorch calls it a leaf.

# %%
x = tinyllm.tensor(2.0, requires_grad=True)
y = tinyllm.tensor(3.0, requires_grad=True)
z = x * y + x
z.backward()
print("z", z.item(), "x.grad", x.grad.item(), "y.grad", y.grad.item())
assert (z.item(), x.grad.item(), y.grad.item()) == (8.0, 4.0, 2.0)
(x * y + x).backward()
print("after another walk x.grad", x.grad.item())
assert x.grad.item() == 8.0

# %% [markdown]
# A second walk added its 4 to the first. What arrives at a leaf is added, within a walk and from
# one walk to the next, and this is why a training loop empties the gradients before each step.
#
# ## Arrays: one node for a thousand numbers
#
# A Value for each number of a large model would be slow, and the tape would be long. So the nodes
# of a real tape are whole arrays, and each operation needs a backward for arrays. Nothing new
# happens; it is the same sum over all ways, for many numbers at once. And there is a friendly rule
# that settles half of every question: **a gradient has the shape of what it belongs to.** It holds
# one derivative for each element.
#
# ### Broadcasting
#
# Add a bias $b$ of shape (3,) to a matrix $x$ of shape (2, 3), and NumPy repeats $b$ for each row.
# So each element of $b$ is used twice, once in each row. You know what that means: its gradient is
# the sum of two.

# %%
b = np.array([0.1, 0.2, 0.3])  # (3,)
grad_y = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, -1.0]])  # (2, 3)
grids = {
    "b, repeated (2, 3)": np.broadcast_to(b, (2, 3)),
    "grad_y (2, 3)": grad_y,
    "grad_b: sum over rows": grad_y.sum(axis=0)[None],
}
figure, panels = plt.subplots(1, 3, figsize=(9, 2), layout="constrained", facecolor=PAPER)
for axes, (title, grid) in zip(panels, grids.items(), strict=True):
    axes.imshow(np.zeros((2, 3)), cmap="Blues", vmin=0, vmax=1, alpha=0)
    for (row, column), number in np.ndenumerate(grid):
        colour = [BLUE, ORANGE, GREEN][column]
        axes.add_patch(plt.Rectangle((column - 0.46, row - 0.42), 0.92, 0.84, fc="none", ec=colour))
        axes.text(column, row, f"{number:g}", ha="center", va="center", color=colour)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.axis("off")
plt.show()
assert (grad_y.sum(axis=0) == [4.0, 2.0, -0.5]).all()

# %% [markdown]
# *Picture: three grids, coloured by column. On the left b stands twice, 0.1, 0.2, 0.3 in both rows.
# In the middle is the gradient of the output, 1, -2, 0.5 above 3, 4, -1. On the right is the sum of
# its rows, 4, 2, -0.5: one number for each element of b.*
#
# ### Exercise 6: `unbroadcast` (medium, 12 minutes, 4 points)
#
# Every operation that broadcasts needs this, so write it once for all. `grad` has the shape of the
# output; `shape`, a tuple, is what the input had before it was broadcast. Sum `grad` back to
# `shape`. NumPy's rule: shapes are lined up at the right; axes that are missing in front are added;
# an axis of size 1 is repeated. So what is (2, 3) now may have come from (3,), from (2, 1), or from
# a single number, ().


# %%
def unbroadcast(grad, shape):
    ### BEGIN SOLUTION
    front = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(front)))
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=ones, keepdims=True)
    ### END SOLUTION


# %%
check(unbroadcast)

# %% [markdown]
# ### A matrix product
#
# In $y = x w$ with $x$ of shape (N, in) and $w$ of shape (in, out), each number of $y$ is a sum,
# $y_{ro} = \sum_i x_{ri} w_{io}$. Which outputs does one $x_{ri}$ touch? Those of its own row, one
# for each $o$, and its local gradient there is $w_{io}$. Which does one $w_{io}$ touch? Those of
# its own column, one for each row $r$, and its local gradient there is $x_{ri}$. Multiply with what
# arrives, add up over what was touched, and both sums turn out to be matrix products again. Which
# ones, the shapes will tell you.
#
# ### Exercise 7: `matmul_backward` (medium, 12 minutes, 5 points)
#
# Give the pair `(grad_x, grad_w)`. $x$ may have more axes in front, as a batch of sentences has:
# $(..., \text{in})$, with `grad_y` $(..., \text{out})$. The one matrix $w$ serves all of them.


# %%
def matmul_backward(x, w, grad_y):
    ### BEGIN SOLUTION
    grad_x = grad_y @ w.T  # (..., out) (out, in) -> (..., in)
    rows = x.reshape(-1, x.shape[-1])
    grad_rows = grad_y.reshape(-1, grad_y.shape[-1])
    return grad_x, rows.T @ grad_rows  # (in, rows) (rows, out) -> (in, out)
    ### END SOLUTION


# %%
check(matmul_backward)

# %% [markdown]
# ## How tinyllm's tape does it
#
# An operation in tinyllm is a class with two functions over arrays: `forward`, which saves what the
# backward will need, and `backward`. Here is the product, with both of your findings in it: each
# factor's local gradient is the other, and what was broadcast is summed back. `ctx`, the context,
# carries what was saved from the one to the other, and `needs_input_grad` says whose gradient
# anybody wants.

# %%
print(inspect.getsource(Mul))

# %% [markdown]
# A small network shows the tape at work. It has to tell two kinds of points apart, drawn along two
# moons that reach into each other: with target 1 on the upper moon, -1 on the lower. It has two
# layers, and the loss is the mean squared distance to the targets.

# %%
moon_rng = np.random.default_rng(2)
angle = moon_rng.uniform(0, np.pi, size=(2, 100))
upper = np.stack([np.cos(angle[0]), np.sin(angle[0])], axis=1)  # (100, 2)
lower = np.stack([1 - np.cos(angle[1]), 0.5 - np.sin(angle[1])], axis=1)
points = np.concatenate([upper, lower]) + moon_rng.normal(size=(200, 2)) * 0.1  # (N, 2)
target = np.repeat([1.0, -1.0], 100)[:, None]  # (N, 1)


def new_parameters(width):
    """w1 (2, width), b1 (width,), w2 (width, 1), b2 (1,)."""
    w1, w2 = moon_rng.normal(size=(2, width)), moon_rng.normal(size=(width, 1))
    return [w1, np.zeros(width), 0.5 * w2 / np.sqrt(width), np.zeros(1)]


def network_loss(w1, b1, w2, b2):
    """The loss of the network for parameters that are tensors."""
    x, t = (tinyllm.tensor(array, dtype=w1.dtype) for array in (points, target))
    y = tinyllm.tanh(x @ w1 + b1) @ w2 + b2  # (N, 2) -> (N, width) -> (N, 1)
    return ((y - t) ** 2).mean()


parameters = new_parameters(16)
leaves = [tinyllm.tensor(p, requires_grad=True) for p in parameters]
loss = network_loss(*leaves)

# %% [markdown]
# `loss.grad_fn` is the last node; `next_functions` lead from a node to its sources. Nobody keeps a
# list: the loss holds its nodes, they hold theirs, and when the loss is forgotten all is free
# again. We collect the nodes and draw them as we drew our own tape.

# %%
nodes = sorted(nodes_below([loss]), key=lambda node: node.number)  # the oldest first
called = dict(zip(leaves, ("w1", "b1", "w2", "b2"), strict=True))
shapes = {name: leaf.shape for leaf, name in called.items()}
recorded, spots = {name: [] for name in shapes}, {}
for place, node in enumerate(nodes):
    name = called[node] = f"{place} {node.function.__name__}"
    sources = [called[edge[0]] for edge in node.next_functions if edge]
    recorded[name] = [(source, None) for source in sources]
    spots |= {source: (place, 1) for source in sources if source not in spots}  # parameters
    spots[name], shapes[name] = (place, 0), node.outputs[0][0]
figure, axes = plt.subplots(figsize=(11.5, 2.6), layout="constrained", facecolor=PAPER)
draw(axes, recorded, spots, shapes)
plt.show()
assert [node.function.__name__ for node in nodes] == (
    ["MatMul", "Add", "Tanh", "MatMul", "Add", "Sub", "Pow", "Mean"]
)

# %% [markdown]
# *Picture: a chain of eight boxes, numbered 0 to 7: MatMul, Add, Tanh, MatMul, Add, Sub, Pow, Mean,
# each with the shape of its output. The parameters w1, b1, w2 and b2 stand above, each with an
# arrow into the node that uses it. The data has no box: nothing asks for its gradient.*
#
# The walk is `tinyllm.tape.walk`. It keeps the nodes for which something has arrived in a heap, and
# always takes the youngest, as you did. This is its helper that adds what arrives:

# %%
print(inspect.getsource(tinyllm_tape._add_at))

# %% [markdown]
# Here is the cure of exercise 3 once more, with a finer point. `kernels.add` makes a new array. The
# helper does not write `before += grad`, which would change the array that arrived first. That
# array may belong to someone else too: the backward of a sum hands the very same array to both its
# inputs, and `+=` on the one would change the other. What may be shared is not changed in place.
#
# The same danger has a second face. The backward of a product needs its inputs as they **were**. If
# somebody overwrites one between forward and backward, the gradient would be wrong, and nothing
# would show it. So tinyllm counts the changes of every tensor and refuses:

# %%
x = tinyllm.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
square = (y * y).sum()
with tinyllm.no_grad():
    y.mul_(0)  # in place
message = ""
try:
    square.backward()
except RuntimeError as error:
    message = str(error)
print(textwrap.fill(message, 88))
assert "changed in place" in message

# %% [markdown]
# ## Is it right? Small steps
#
# With a mistake in a backward the loss will often fall all the same, only more slowly. So every
# backward is tested against the one method that cannot share its mistakes: move an input, and look.
# For one number, with a step $h$,
#
# $$f'(x) \approx \frac{f(x + h) - f(x)}{h} \quad\text{(forward)} \qquad
#   f'(x) \approx \frac{f(x + h) - f(x - h)}{2h} \quad\text{(central)}$$
#
# ### Exercise 8: `gradient_by_steps` (medium, 10 minutes, 3 points)
#
# `function` turns an array into one number. Give its gradient at `x`, an array of any shape, by
# **central** differences with the given `step`. Leave `x` as it is; and mind that it may hold whole
# numbers.


# %%
def gradient_by_steps(function, x, step):
    ### BEGIN SOLUTION
    grad = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(float)  # a copy
        moved[place] = x[place] + step
        above = function(moved)
        moved[place] = x[place] - step
        grad[place] = (above - function(moved)) / (2 * step)
    return grad
    ### END SOLUTION


# %%
check(gradient_by_steps)

# %% [markdown]
# ## An experiment: how small a step?
#
# In lesson 00 central differences of a sine were best at a step of $10^{-5}$. Is that so for a
# whole network, with all its sums and products? And what happens to somebody who checks gradients
# with 32-bit numbers? We move all the 65 parameters of our network at once along a random
# direction. The tape says exactly how steep the loss is that way: gradient times direction, summed.
# We compare the slope by steps with it, for steps from $10^{-1}$ to $10^{-14}$, on average over ten
# directions.
#
# ### Predict, then run (5 minutes)
#
# Somebody takes central differences with a step of $10^{-6}$, a good one for 64-bit numbers, but
# computes the loss with **32-bit** numbers, which have some 7 digits. The loss is about 2, and the
# slopes are about 0.3. How large is the error, in percent of the slope? Put a number below.

# %%
my_percent = None
### BEGIN SOLUTION
my_percent = 100 * 1e-7 / (2 * 1e-6) / 0.3
### END SOLUTION


# %%
loss.backward()
directions = []
for _ in range(10):
    drawn = [moon_rng.normal(size=p.shape) for p in parameters]
    length = np.sqrt(sum((d * d).sum() for d in drawn))
    directions.append([d / length for d in drawn])
slopes = np.array(
    [
        sum((x.grad.numpy() * d).sum() for x, d in zip(leaves, way, strict=True))
        for way in directions
    ]
)
assert 1 < loss.item() < 3  # "about 2"
assert 0.1 < np.abs(slopes).mean() < 0.6  # "about 0.3"


def moved_loss(way, by, dtype):
    """The loss with all parameters moved along a direction, as a Python number."""
    moved = [p + by * d for p, d in zip(parameters, way, strict=True)]
    return network_loss(*(tinyllm.tensor(p, dtype=dtype) for p in moved)).item()


def error(step, central, dtype=tinyllm.float64):
    """How far slopes by steps are from the tape's, as a share of them."""
    low = -step if central else 0.0
    rises = [moved_loss(w, step, dtype) - moved_loss(w, low, dtype) for w in directions]
    return np.abs(np.array(rises) / (step - low) - slopes).mean() / np.abs(slopes).mean()


# %%
steps = [10.0**-k for k in range(1, 15)]
central = [error(step, central=True) for step in steps]
forward = [error(step, central=False) for step in steps]
short = [error(step, central=True, dtype=tinyllm.float32) for step in steps[:8]]
best = 1 + int(np.argmin(central))
reveal("02", "percent of error in 32 bits, step 1e-6", my_percent, 100 * short[5])

# %%
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.loglog(steps, forward, "s-", color=BLUE, label="forward, 64 bits")
axes.loglog(steps, central, "o-", color=ORANGE, label="central, 64 bits")
axes.loglog(steps[:8], short, "^-", color=GREEN, label="central, 32 bits")
axes.set_xlabel("step h")
axes.set_ylabel("error, as a share of the slope")
axes.invert_xaxis()
axes.legend(frameon=False, loc="lower right")
plt.show()
least = {"central": min(central), "forward": min(forward), "32 bits": min(short)}
print("least errors", {name: f"{value:.1e}" for name, value in least.items()})
print(f"best step 1e-{best}; 32 bits at 1e-6: {short[5]:.1%}")
assert 4 <= best <= 6
assert 0.02 < short[5] < 0.5
assert min(central) < 1e-9 < min(forward) < 1e-6
assert int(np.argmin(forward)) + 1 in (7, 8)
assert min(short) > 1000 * min(central)
assert short[5] > 0.02
assert 50 < central[1] / central[2] < 200
assert 5 < forward[1] / forward[2] < 20
assert central[11] > 1e4 * min(central)

# %% [markdown]
# *Picture: error against step, both on logarithmic scales, large steps at the left. All three
# curves fall, reach a lowest point and rise again. Central differences fall twice as steeply as
# forward ones and get much lower. With 32 bits the curve turns far earlier and higher.*
#
# The network behaves as the sine did: two errors work against each other. A long step takes some of
# the curve's bend for slope. With each step a tenth as long, this error is a tenth as large for
# forward differences, like $h$, and a hundredth for central ones, like $h^2$, because the bend
# lifts both points alike, and falls out of their difference. But the loss itself is rounded to some
# 16 digits, and subtracting two nearly equal numbers leaves few of them; dividing by a small $h$
# makes that noise large, like $10^{-16} / h$. Where the two meet is the best step: about $10^{-5}$
# for central differences, $10^{-7}$ for forward ones. With 32-bit numbers the noise is like
# $10^{-7} / h$, so it takes over much earlier. Their best is more than a thousand times as bad, and
# at a step of $10^{-6}$ about a tenth of the slope is noise. (A loss of about 2 is rounded by about
# $10^{-7}$. Divide by $2 h$ and by the slope, and you are close to it.) A check that is off by a
# tenth would let many a mistake pass: this is why gradients are checked in 64 bits.
#
# The tape has no step, and no such error. Small steps are for testing it. `tinyllm.gradcheck` does
# it for every input, with a step of $10^{-6}$, and does not stop at «wrong». Somebody wrote a cube:


# %%
class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad_y):
        (x,) = ctx.saved_tensors
        return grad_y * x * x


x = tinyllm.tensor(np.array([1.0, 2.0, -1.0, 0.5]), requires_grad=True)
message = ""
try:
    gradcheck(Cube.apply, x)
except GradcheckError as failure:
    message = str(failure)
print(message)
assert "analytic = 0.333333 * numeric" in message
assert "numeric 6.198" in message

# %% [markdown]
# The gradient is a third of what it should be: the 3 of $3 x^2$ is missing. Note what the check
# does **not** do: it does not look at the sum of the outputs alone. The outputs of a softmax
# (lesson 07) always sum to 1, so the gradient of their sum is 0, and a softmax whose backward
# returns zeros would pass. `gradcheck` multiplies each output by a random number before it sums.
# That is why the message says 6.2 at $x = 2$, and not $3 \cdot 2^2 = 12$.
#
# ## What does it cost?
#
# Now to the promise made at the start. To get all derivatives of $P$ numbers, central differences
# compute the loss $2 P$ times. The tape computes it once and walks back once, where each node does
# about twice the work of its forward. That makes some three computations of the loss, whatever $P$
# is. On paper, steps take $2 P / 3$ times as long. A measurement may say something else: noting the
# tape takes time, the walk back is Python, and the check by steps has some work of its own.
#
# ### Predict, then run (3 minutes)
#
# We let `gradcheck` compare every element, and take the time; then the tape's. A network of width
# 128 has $2 \cdot 128 + 128 + 128 + 1 = 513$ parameters. How many times as long do central
# differences take as the tape? Put a number.

# %%
my_factor = None
### BEGIN SOLUTION
my_factor = 342
### END SOLUTION


# %%
def seconds(work, repeats=1):
    """Processor time of one run, on average."""
    started = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - started) / repeats


counts, by_tape, by_steps = [], [], []
for width in (4, 8, 16, 32, 64, 128):
    wide = [tinyllm.tensor(p, requires_grad=True) for p in new_parameters(width)]
    counts.append(sum(leaf.numel() for leaf in wide))

    def walk(wide=wide):
        network_loss(*wide).backward()

    def check_all(wide=wide, samples=counts[-1]):
        gradcheck(network_loss, wide, samples=samples)

    by_tape.append(seconds(walk, repeats=200))
    by_steps.append(seconds(check_all))
reveal("02", "steps take so many times as long", my_factor, by_steps[-1] / by_tape[-1])

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
axes.loglog(counts, np.array(by_steps) * 1000, "o-", color=ORANGE, label="by small steps")
axes.loglog(counts, np.array(by_tape) * 1000, "s-", color=BLUE, label="by the tape")
axes.set_xticks(counts, [str(count) for count in counts])
axes.minorticks_off()
axes.set_xlabel("parameters")
axes.set_ylabel("milliseconds for one gradient")
axes.legend(frameon=False)
plt.show()
ratios = np.array(by_steps) / by_tape
assert counts[-1] == 513
assert 2 * 513 / 3 == 342
assert ratios[-1] > 4 * ratios[0]
assert ratios[-1] > 30

# %% [markdown]
# *Picture: time against the number of parameters, from 17 to 513. The line of the small steps
# climbs steadily, with every parameter. That of the tape stays far below and nearly level.*
#
# The exact factor depends on your machine; that it grows with the number of parameters does not. It
# tends to be more than 342. Nobody asks for the gradient of the data, so the first product walks
# back with one product in the place of two; and the check does more than compute losses. A model
# with a hundred million weights would need two hundred million computations of the loss for one
# gradient. The tape needs the worth of about three.
#
# Why is backwards the cheap direction? Take a chain $x \to a \to b \to z$, where $x$, $a$ and $b$
# are vectors and $z$ is one number. Its derivative is a product of three matrices of local
# gradients, which you may multiply from either end. The last of them, for $z$, has a single row. So
# from that end each step is a **row** times a matrix, and stays a row. From the end of $x$ each
# step is a matrix times a matrix, as much as one pass for every input. With many inputs and one
# output, begin at the output. The price is memory: the walk back needs what the forward saved, for
# the whole length of the tape. For our network of width 16 that is more than a hundred times what
# its parameters take.

# %%
loss = network_loss(*leaves)
kept = sum(array.nbytes for node in nodes_below([loss]) for array in node.saved or ())
own = sum(p.nbytes for p in parameters)
print(f"saved on the tape {kept:,} bytes, parameters {own} bytes")
assert own == 520
assert 100 < kept / own < 200

# %% [markdown]
# ## Trained by your own gradients
#
# Three of your functions are enough to train the network without any tape. Read `yours` beside the
# picture of the graph: the forward from left to right, then each node's backward, from right to
# left. If `tanh_backward`, `unbroadcast` or `matmul_backward` is still to do, tinyllm's tape stands
# in.


# %%
def yours(w1, b1, w2, b2):
    """The loss and its gradients, by your functions."""
    hidden = np.tanh(points @ w1 + b1)  # (N, 16)
    y = hidden @ w2 + b2  # (N, 1)
    grad_y = 2 * (y - target) / y.size  # (N, 1)
    grad_hidden, grad_w2 = matmul_backward(hidden, w2, grad_y)  # (N, 16), (16, 1)
    grad_sum = tanh_backward(hidden, grad_hidden)  # (N, 16)
    _, grad_w1 = matmul_backward(points, w1, grad_sum)  # (2, 16)
    grad_b1, grad_b2 = unbroadcast(grad_sum, b1.shape), unbroadcast(grad_y, b2.shape)
    return ((y - target) ** 2).mean(), [grad_w1, grad_b1, grad_w2, grad_b2]


def the_tapes(*arrays):
    """The same by tinyllm's tape."""
    tensors = [tinyllm.tensor(array, requires_grad=True) for array in arrays]
    loss = network_loss(*tensors)
    loss.backward()
    return loss.item(), [x.grad.numpy() for x in tensors]


written = all(check(each).passed for each in (tanh_backward, unbroadcast, matmul_backward))
gradients = yours if written else the_tapes
print("by your functions" if written else "by the tape: exercises 2, 6 and 7 are not all done")
for mine, other in zip(gradients(*parameters)[1], the_tapes(*parameters)[1], strict=True):
    assert np.allclose(mine, other, rtol=1e-9, atol=1e-12)

# %%
trained, losses = [p.copy() for p in parameters], []
for _ in range(1000):
    value, grads = gradients(*trained)
    losses.append(value)
    for p, grad in zip(trained, grads, strict=True):
        p -= 0.1 * grad  # downhill


def answers(x):
    """What the trained network says about points (..., 2)."""
    w1, b1, w2, b2 = trained
    return (np.tanh(x @ w1 + b1) @ w2 + b2)[..., 0]


right = np.mean((answers(points) > 0) == (target[:, 0] > 0))
print(f"loss {losses[0]:.2f} at first, {losses[-1]:.3f} at last; {right:.1%} on the right side")
assert 0.8 < losses[0] < 4
assert losses[-1] < 0.12
assert right > 0.97

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", facecolor=PAPER)
for axes in panels:
    dress(axes)
panels[0].semilogy(losses, color=BLUE)
panels[0].set_xlabel("step")
panels[0].set_ylabel("loss")
across, up = np.meshgrid(np.linspace(-1.5, 2.5, 120), np.linspace(-1.1, 1.6, 80))
grid = np.stack([across, up], axis=-1)  # (80, 120, 2)
panels[1].contour(across, up, answers(grid), levels=[0], colors=[INK])
for sign, colour, marker in ((1, BLUE, "o"), (-1, ORANGE, "^")):
    some = points[target[:, 0] == sign]
    panels[1].plot(*some.T, marker, color=colour, markersize=4, label=f"target {sign}")
panels[1].legend(frameon=False, loc="lower right")
panels[1].grid(color=GRID)
plt.show()

# %% [markdown]
# *Picture: on the left the loss falls over 1,000 steps, fast at first, on a logarithmic scale. On
# the right are the points, circles on the upper moon and triangles on the lower, and the curve
# where the network's answer is 0, which winds between the two.*
#
# ### Exercise 9: `layer_norm_backward` (hard, 20 minutes, 6 points)
#
# Every layer of a Transformer brings its vectors to one scale by layer norm. With the mean and the
# variance of each row, over $D$ numbers,
#
# $$n = \frac{x - \text{mean}}{\sqrt{\text{variance} + \varepsilon}}, \qquad
#   y = n \cdot \text{weight} + \text{bias}$$
#
# Given $x$ $(..., D)$, weight $(D,)$ and `grad_y` $(..., D)$, return
# `(grad_x, grad_weight, grad_bias)`. $\varepsilon$ is 0.00001. The variance is the mean of the
# squared distances: divided by $D$, not by $D - 1$. Each $x$ now acts in three ways: by itself, by
# its row's mean, and by its row's variance. You may look for a short formula, or simply play the
# tape: write the forward in single steps, and then the backward of each, the last one first.
# Remember what happens when a value is used twice.


# %%
def layer_norm_backward(x, weight, grad_y, eps=1e-5):
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    n = centred * rstd
    g = grad_y * weight
    mean_g = g.mean(axis=-1, keepdims=True)
    mean_gn = (g * n).mean(axis=-1, keepdims=True)
    grad_x = rstd * (g - mean_g - n * mean_gn)
    rows = tuple(range(x.ndim - 1))
    return grad_x, (grad_y * n).sum(axis=rows), grad_y.sum(axis=rows)
    ### END SOLUTION


# %%
check(layer_norm_backward)

# %% [markdown]
# ### An open question (10 minutes, for a teacher to read)
#
# A program draws a picture of 10,000 pixels from 3 knobs: the height of the sun, its colour and the
# haze. You want to know how every pixel answers to every knob, 30,000 derivatives. How many walks
# back would that take, and how many computations by small steps? From which end would you multiply
# the local gradients here, and what would have to be kept in memory? When would you still want the
# tape?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for the counts (one walk back for each output, 10,000; central differences 6 computations); 1
# for the other direction (carry, with each value, its derivatives by the 3 knobs forward through
# the computation: one pass for each knob, exact); 1 for memory (nothing needs to be kept, because
# the derivatives are made together with the values); 1 for the case of the tape: as soon as the
# 10,000 pixels are reduced to one number, such as the distance to a photograph, one walk back is
# enough.
#
# </details>
#
# ## What to remember
#
# - A tape notes each step with its sources; a backward turns `grad_output` into gradients of the
#   inputs by the local gradients.
# - Along a way multiply, where ways meet add. `=` in the place of `+=` is right until a value is
#   used twice.
# - A node sends when all its users have sent: the youngest first.
# - A gradient has the shape of what it belongs to. What was broadcast is summed back.
# - $y = x w$: grad_x is grad_y times $w^\top$, grad_w is $x^\top$ times grad_y.
# - Check by central differences, in 64 bits, with a step of about $10^{-5}$ or $10^{-6}$.
# - One walk back costs about two forwards, for any number of weights; its price is memory.
#
# ## Where next
#
# From here on, the lessons build models and let the tape do this work. In lesson 07 you write the
# backward of softmax, a smaller sister of exercise 9. To look further now, read `tinyllm/tape.py`
# from top to bottom, then one file of `tinyllm/ops`; and Baydin et al. 2018, «Automatic
# differentiation in machine learning: a survey»,
# [arXiv:1502.05767](https://arxiv.org/abs/1502.05767).
