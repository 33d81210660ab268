# %% [markdown]
# # 11 SGD, momentum, Adam, schedules
#
# **You will be able to** say how large a step a loss can bear, and why one flat direction makes
# training slow; write momentum, Adam and AdamW's weight decay, each in a few lines; warm a learning
# rate up and let it fall; clip gradients without bending them; say what Muon does to a matrix; and
# look at a race between optimizers without being fooled by it.
#
# **You need** lesson 00 (matrix products, slopes) and lesson 02 (where gradients come from); for
# the last section also lesson 10 (cross-entropy). **Time:** about 50 minutes of reading, and 95 of
# exercises.
#
# ## Why
#
# A gradient says, for each weight, which way is uphill. Go a little the other way, and the loss
# falls. That is all of training, you might think: compute the gradient, take a step, repeat.
#
# How far is «a little»? Too short, and a training that could take an hour takes a month. Too long,
# and the loss rises, faster and faster, until it is no number any more. And is the gradient's
# direction a good one? It is the steepest way down from where you stand. It need not point to where
# you want to go, and in a long valley it hardly ever does.
#
# Everything in this lesson is an answer to these two questions. You will test each answer on a
# surface that you can see, of two weights; at the end the answers race on a small language model.
#
# Letters: $w$ are the weights, $g$ their gradient, lr the learning rate, $t$ counts the steps.

# %%
import inspect
import math

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import Grammar, World, stories
from tinyllm.kernels import adam_step as adam_kernel
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.optim import SGD, Adam, AdamW, Muon
from tinyllm.optim.muon import orthogonalized
from tinyllm.training import LoopConfig
from tinyllm.training.optimizers import block_matrices
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, PURPLE, QUIET, dress

rng = np.random.default_rng(11)

# %% [markdown]
# ## The idea in a picture
#
# Near its lowest point nearly every smooth loss looks like a bowl: $\frac12 w^\top A w$, with a
# symmetric matrix $A$, and the bottom at $w = 0$. If $A$ is diagonal, the bowl lies along the axes,
# and the numbers on the diagonal are its **curvatures**: how quickly the slope grows as you walk
# away from the bottom. Ours has the curvatures 1 and 10. Its gradient is $A w$.


# %%
def bowl(curvature, degrees=0):
    """The matrix (2, 2) of a bowl with curvatures 1 and `curvature`, turned by an angle."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag([1.0, curvature]) @ turn.T


def contours(axes, height, across, up, levels=6):
    """Draw lines of equal height (x, y) -> height, in a box; closer where the loss is small."""
    x, y = np.meshgrid(np.linspace(*across, 150), np.linspace(*up, 150))
    z = height(x, y)
    axes.contour(x, y, z, np.linspace(0.06, 1, levels) ** 3 * z.max(), colors="#C6CAC5",
                 linewidths=1)  # fmt: skip
    axes.set_facecolor(PAPER)
    axes.set(xlim=across, ylim=up, xlabel="w₁", ylabel="w₂")


# %%
A = bowl(10)
spots = np.array([[-3.0, 0.6], [-2.2, -0.9], [2.6, 0.9], [1.5, -0.5]])  # (4, 2)
down = -spots @ A  # (4, 2): minus the gradient at each spot
figure, axes = plt.subplots(figsize=(7.5, 2.7), layout="constrained", facecolor=PAPER)
contours(axes, lambda x, y: 0.5 * (x**2 + 10 * y**2), (-4, 4), (-1.3, 1.3))
for spot, way in zip(spots, down, strict=True):
    axes.quiver(*spot, *way, color=ORANGE, angles="xy", scale=70, width=0.006)
    axes.plot(*spot, "o", color=ORANGE)
axes.plot(0, 0, "*", color=BLUE, markersize=13)
plt.show()
cosines = (down * -spots).sum(1) / np.linalg.norm(down, axis=1) / np.linalg.norm(spots, axis=1)
angles = np.degrees(np.arccos(cosines))
print("the steepest way down and the way to the bottom differ by", angles.round(), "degrees")
assert (angles > 45).all()

# %% [markdown]
# *Picture: a long valley of ellipses around a star, the bottom. At four spots an orange arrow shows
# the steepest way down. All four point across the valley; none points at the star.*
#
# From all four spots the steepest way down misses the bottom by more than 45 degrees. Across the
# valley the slope is steep, though there is hardly anything to gain; along the valley, where the
# bottom lies, it is gentle.
#
# ## The smallest numeric example
#
# Take one weight, and the loss $\frac12 w^2$. Its slope at $w$ is just $w$, so one step of
# **gradient descent** is
#
# $$w \leftarrow w - \text{lr} \cdot g = w - \text{lr} \cdot w = (1 - \text{lr})\, w$$
#
# Begin at $w = 8$, and take three steps by pencil:
#
# | lr | $1 - \text{lr}$ | $w$ | |
# |---|---|---|---|
# | 0.5 | 0.5 | 8, 4, 2, 1 | gets nearer |
# | 1 | 0 | 8, 0, 0, 0 | one step to the bottom |
# | 1.5 | -0.5 | 8, -4, 2, -1 | gets nearer, from side to side |
# | 2 | -1 | 8, -8, 8, -8 | goes to and fro for ever |
# | 2.5 | -1.5 | 8, -12, 18, -27 | is thrown out |
#
# With a curvature $a$ the loss is $\frac12 a w^2$, the slope $a w$, and the factor
# $1 - \text{lr}\, a$. What matters is the product of the rate and the curvature.

# %%
figure, axes = plt.subplots(figsize=(7, 2.9), layout="constrained", facecolor=PAPER)
dress(axes)
ways = {0.5: (BLUE, "o-"), 1.5: (GREEN, "s-"), 2.0: (QUIET, "x--"), 2.5: (ORANGE, "^-")}
for lr, (colour, mark) in ways.items():
    w = 8.0 * (1 - lr) ** np.arange(6)  # (6,)
    axes.plot(w, mark, color=colour, label=f"lr {lr}")
axes.set_ylim(-30, 45)
axes.set_xlabel("step")
axes.set_ylabel("w")
axes.legend(frameon=False, loc="upper left", ncol=4)
plt.show()
for lr, expected in ((0.5, [8, 4, 2, 1]), (1.5, [8, -4, 2, -1]), (2.5, [8, -12, 18, -27])):
    assert np.allclose(8.0 * (1 - lr) ** np.arange(4), expected)

# %% [markdown]
# *Picture: w against steps, from 8. With a rate of 0.5 it sinks to 0; with 1.5 it swings about 0
# and comes to rest; with 2 it goes to and fro between 8 and -8; with 2.5 it swings wider at each
# step, out of the picture.*
#
# ### Exercise 1: `descent_path` (easy, 8 minutes, 3 points)
#
# For a bowl `A` $(D, D)$, a start `w` $(D)$, a rate and a number of steps give all points of the
# path, the start among them: $(\text{steps} + 1, D)$. Leave `w` as it is.


# %%
def descent_path(A, w, lr, steps):
    ### BEGIN SOLUTION
    path = [w]
    for _ in range(steps):
        w = w - lr * (A @ w)  # (D,)
        path.append(w)
    return np.stack(path)  # (steps + 1, D)
    ### END SOLUTION


# %%
check(descent_path)

# %% [markdown]
# ## One rate for all directions
#
# A bowl of many weights is many such examples at once, one for each of its axes, with the curvature
# of that axis. They share one learning rate, and here the trouble begins. The steepest axis forbids
# any rate above $2 / a_{max}$. Along the flattest axis the distance is then multiplied by
# $1 - \text{lr}\, a_{min}$ in each step, which is hardly less than 1.
#
# So what makes training slow is the ratio $\kappa = a_{max} / a_{min}$, the **condition number**.
# The best rate, $2 / (a_{min} + a_{max})$, shrinks both ends alike:
#
# $$\text{by the factor } \frac{\kappa - 1}{\kappa + 1} \text{ in each step, so a hundredth takes
# about } \frac{\kappa}{2} \log 100 = 2.3\, \kappa \text{ steps}$$
#
# If the bowl is tilted, its axes are the eigenvectors of $A$, and its curvatures the eigenvalues.
#
# ### Exercise 2: `largest_stable_rate` (easy, 5 minutes, 2 points)
#
# In one line: the rate above which gradient descent on the bowl `A` diverges. `A` may be tilted;
# `np.linalg.eigvalsh` gives the eigenvalues of a symmetric matrix.


# %%
def largest_stable_rate(A):
    ### BEGIN SOLUTION
    return 2 / np.linalg.eigvalsh(A).max()
    ### END SOLUTION


# %%
check(largest_stable_rate)

# %% [markdown]
# ## Momentum
#
# Look at a path in the valley. From one step to the next the part across the valley changes its
# sign, and the part along it does not. So average: what wavers cancels, and what persists adds up.
# **Momentum** keeps a buffer $b$ of the gradients so far, which fades by a factor $\mu$ (0.9, say)
# in each step, and moves by the buffer:
#
# $$b_t = \mu\, b_{t-1} + g_t \qquad\qquad w_t = w_{t-1} - \text{lr} \cdot b_t$$
#
# In a steady slope $b$ grows to $g + \mu g + \mu^2 g + \ldots = g / (1 - \mu)$: ten times the
# gradient with $\mu = 0.9$. It is often told as a heavy ball that rolls down. Here is tinyllm's,
# under PyTorch's name; the S in SGD stands for «stochastic», and we come to it.

# %%
print(inspect.getsource(SGD.update))
print(inspect.getsource(SGD._with_momentum))


# %%
def walk(height, start, make, steps):
    """The path (steps + 1, 2) of an optimizer on a surface; the gradient comes from the tape."""
    w = tinyllm.tensor(np.array(start), requires_grad=True)  # (2,)
    optimizer, path = make([w]), [w.detach().numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        height(w).backward()
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def height_of(A):
    """The bowl of A as a function of a tensor (2,)."""
    A = tinyllm.tensor(A)
    return lambda w: 0.5 * (w * (A @ w)).sum()


# %%
start = [-3.5, 1.0]
plain = walk(height_of(bowl(10)), start, lambda w: SGD(w, lr=0.17), 25)
heavy = walk(height_of(bowl(10)), start, lambda w: SGD(w, lr=0.17, momentum=0.5), 25)
figure, axes = plt.subplots(figsize=(7.5, 2.9), layout="constrained", facecolor=PAPER)
contours(axes, lambda x, y: 0.5 * (x**2 + 10 * y**2), (-4, 1.5), (-1.3, 1.3))
axes.plot(*plain.T, ".-", color=BLUE, label="gradient descent", linewidth=1)
axes.plot(*heavy.T, ".-", color=ORANGE, label="with momentum 0.5", linewidth=1)
axes.plot(0, 0, "*", color=INK, markersize=12)
axes.legend(frameon=False, loc="lower right")
plt.show()
near = [int(np.argmax(np.linalg.norm(path, axis=1) < 0.1)) for path in (plain, heavy)]
print("within 0.1 of the bottom after", near, "steps")
assert 17 <= near[0] <= 22
assert 5 <= near[1] <= 12

# %% [markdown]
# *Picture: the valley with two paths from the left. Gradient descent zigzags across it in short
# steps. With momentum the steps along the valley grow, and the path is at the star in a third of
# the steps; it runs a little beyond it and turns back.*
#
# ### Exercise 3: `momentum_step` (medium, 10 minutes, 4 points)
#
# Write one step. `w`, `grad` and `buffer` have one shape, any; return the pair of the new weights
# and the new buffer. Leave what you are given as it is.


# %%
def momentum_step(w, grad, buffer, lr, momentum):
    ### BEGIN SOLUTION
    buffer = momentum * buffer + grad
    return w - lr * buffer, buffer
    ### END SOLUTION


# %%
check(momentum_step)

# %% [markdown]
# ### Predict, then run (4 minutes)
#
# In a valley with $\kappa = 1000$ gradient descent, at its best rate, needs 2,303 steps to come
# within a hundredth of its first distance. Momentum may choose both its rate and its $\mu$ as best
# it can; both are known on paper. How many steps does it need? Perhaps the ball saves a tenth,
# perhaps nine tenths. Put a number below.

# %%
my_steps = None
### BEGIN SOLUTION
my_steps = 230
### END SOLUTION


# %%
def steps_needed(A, start, make, most=6000):
    """Steps until w stays within a hundredth of its first distance from the bottom."""
    w = tinyllm.tensor(np.array(start), requires_grad=True)
    optimizer, outside = make([w]), 0
    for t in range(1, most):
        now = w.detach().numpy()
        w.grad = tinyllm.tensor(A @ now)  # by hand: on a bowl we need no tape
        optimizer.step()
        if np.linalg.norm(w.detach().numpy()) > 0.01 * np.linalg.norm(start):
            outside = t
        elif t - outside > 200:  # it does not come back
            break
    return outside + 1


# %%
def best_descent(k):
    """Gradient descent at its best rate for curvatures from 1 to k."""
    return lambda w: SGD(w, lr=2 / (1 + k))


def best_momentum(k):
    """Momentum at its best rate and momentum (Polyak 1964)."""
    root = math.sqrt(k)
    return lambda w: SGD(w, lr=4 / (root + 1) ** 2, momentum=((root - 1) / (root + 1)) ** 2)


slow = steps_needed(bowl(1000), [1.0, 1.0], best_descent(1000))
quick = steps_needed(bowl(1000), [1.0, 1.0], best_momentum(1000))
reveal("11", "steps of momentum at a condition number of 1000", my_steps, quick)
assert 2290 < slow < 2315

# %%
assert 140 < quick < 175

# %% [markdown]
# Momentum turns $\kappa$ into something like $\sqrt{\kappa}$, which is the difference between a
# month and two days. There is a catch. The best $\mu$ was 0.88 here, and to know it you must know
# the curvatures. Nobody knows those of a network, so one takes 0.9 and searches for the rate.
#
# ## Adam: a pace for each weight
#
# Now another idea. Give each weight its own learning rate: a long one where gradients are always
# small, a short one where they are large. **Adam** keeps two running means for each weight, of its
# gradient and of its gradient's square:
#
# $$m_t = \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \qquad\qquad
#   v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2$$
#
# and moves each weight by lr times $m / \sqrt{v}$: the mean gradient, measured in units of its own
# usual size. Multiply the loss by a thousand, and the steps stay as they were.
#
# The usual settings are $\beta_1 = 0.9$, $\beta_2 = 0.999$. Both means begin at 0, and that needs
# care. After the first step $m_1 = 0.1\, g$, and not $g$. Adam divides each mean by the share that
# it has got so far, $1 - \beta^t$; this is the **bias correction**.
#
# ### Predict, then run (4 minutes)
#
# Somebody leaves both corrections out. With them, the first step of every weight is as long as lr:
# $m / \sqrt{v} = g / \sqrt{g^2}$. How many times as long is it without? (Below 1 is shorter.)

# %%
my_first_step = None
### BEGIN SOLUTION
my_first_step = 0.1
### END SOLUTION

# %%
first = (1 - 0.9) / math.sqrt(1 - 0.999)
reveal("11", "Adam's first step without bias correction", my_first_step, first)

t = np.arange(1, 3001)
lengths = (1 - 0.9**t) / np.sqrt(1 - 0.999**t)  # of the steps, in a steady slope, over lr
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.semilogx(t, lengths, color=ORANGE, label="without bias correction")
axes.axhline(1, color=BLUE, label="with it")
axes.set_ylim(0, 7.5)
axes.set_xlabel("step t, in a steady slope")
axes.set_ylabel("length of the step / lr")
axes.legend(frameon=False)
plt.show()
print("longest", lengths.max(), "at step", t[lengths.argmax()], "; step 3000:", lengths[-1])
assert 6.4 < lengths.max() < 6.8
assert 10 < t[lengths.argmax()] < 15
assert 1.02 < lengths[-1] < 1.04

# %%
assert 3.1 < first < 3.2

# %% [markdown]
# *Picture: length of a step over lr, against t on a logarithmic scale. With correction it is 1 all
# along. Without, it begins at 3.2, climbs to 6.6 at step 12, and sinks back to 1 only after
# thousands of steps.*
#
# Longer, not shorter! $m$ is too small by a factor of 10, but $v$ by 1,000, and its root by 31.6.
# With pencil and paper for $g = 4$: $m = 0.4$ and $v = 0.016$, whose root is 0.126; the ratio is
# 3.16. Corrected, 4 over $\sqrt{16}$, it is 1. Without correction a training would take its longest
# steps at the very start, when its gradients are least to be trusted.
#
# This is the kernel, all of Adam and AdamW in one loop. It does the divisions in another order, to
# go over the numbers only once.

# %%
print(inspect.getsource(adam_kernel.definition))
m, v = 0.1 * 4.0, 0.001 * 4.0**2
assert np.isclose(m / math.sqrt(v), 3.16, atol=0.01)
assert np.isclose((m / (1 - 0.9)) / math.sqrt(v / (1 - 0.999)), 1)

# %% [markdown]
# ### Exercise 4: `my_adam_step` (hard, 20 minutes, 6 points)
#
# One step of Adam without weight decay. `w`, `grad`, `m` and `v` have one shape; `t` counts from 1.
# Return `(w, m, v)`, new arrays:
#
# $$\hat m = \frac{m_t}{1 - \beta_1^t} \qquad \hat v = \frac{v_t}{1 - \beta_2^t} \qquad
#   w_t = w_{t-1} - \text{lr} \cdot \frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# $\varepsilon$ is tiny, and keeps a weight that has never had a gradient from 0 / 0.


# %%
def my_adam_step(w, grad, m, v, t, lr, beta1, beta2, eps):
    ### BEGIN SOLUTION
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, m, v
    ### END SOLUTION


# %%
check(my_adam_step)

# %% [markdown]
# ## A race, and a race on a tilted track
#
# Three runners on one bowl, $\kappa = 30$: gradient descent and momentum at their best settings,
# and Adam. Then the same bowl, and the same start, turned by 45 degrees. Nothing about the problem
# has changed but the names of the directions. Does it matter?

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.6, 3.7), layout="constrained", facecolor=PAPER)
runners = {
    "gradient descent": (best_descent(30), BLUE),
    "momentum": (best_momentum(30), ORANGE),
    "Adam, lr 0.1": (lambda w: Adam(w, lr=0.1), GREEN),
}
left = {}
for axes, degrees in zip(panels, (0, 45), strict=True):
    (a, b), (_, d) = A = bowl(30, degrees)
    turn = math.radians(degrees)
    begin = [-3 * math.cos(turn) - math.sin(turn), -3 * math.sin(turn) + math.cos(turn)]
    contours(
        axes, lambda x, y, a=a, b=b, d=d: 0.5 * (a * x**2 + 2 * b * x * y + d * y**2),
        (-4.1, 1.1), (-3.4, 2.4),
    )  # fmt: skip
    for name, (make, colour) in runners.items():
        path = walk(height_of(A), begin, make, 45)
        axes.plot(*path.T, ".-", color=colour, label=name, linewidth=1, markersize=4)
        left[name, degrees] = float(np.linalg.norm(path[-1]))
    axes.plot(0, 0, "*", color=INK, markersize=13)
    axes.set_aspect("equal")
    axes.set_title(f"turned by {degrees} degrees", loc="left", color=INK, fontsize=11)
panels[1].legend(frameon=False, loc="upper left")
plt.show()
print("distance after 45 steps")
for (name, degrees), distance in left.items():
    print(f"{name:<17} turned by {degrees:>2} degrees  {distance:.2f}")
for name in ("gradient descent", "momentum"):
    assert np.isclose(left[name, 0], left[name, 45])
assert left["Adam, lr 0.1", 45] > 5 * left["Adam, lr 0.1", 0]

# %% [markdown]
# *Picture: two valleys with three paths each. Left, along the axes: gradient descent zigzags,
# momentum swings and comes in, Adam goes down to the valley floor and along it to the star. Right,
# turned by 45 degrees: the first two paths are the same, only turned; Adam goes down to the floor
# and is left there, far from the star.*
#
# Gradient descent and momentum do not notice. Adam does. On the left each curvature belongs to one
# weight, and Adam, which goes by weights, divides it away: along the flat axis it goes as fast as
# if there were no steep one. On the right both weights have the same mixture of steep and flat, and
# there is nothing to divide away. How far does this go? The same for valleys of every kind:

# %%
ks = [1, 3, 10, 30, 100, 300, 1000]
corner = [0.0, math.sqrt(2)]  # (1, 1), turned by 45 degrees
lines = {
    "gradient descent": ([steps_needed(bowl(k), [1.0, 1.0], best_descent(k)) for k in ks], BLUE),
    "momentum": ([steps_needed(bowl(k), [1.0, 1.0], best_momentum(k)) for k in ks], ORANGE),
    "Adam, along the axes": (
        [steps_needed(bowl(k), [1.0, 1.0], lambda w: Adam(w, lr=0.1)) for k in ks], GREEN,
    ),
    "Adam, turned by 45°": (
        [steps_needed(bowl(k, 45), corner, lambda w: Adam(w, lr=0.1)) for k in ks], PURPLE,
    ),
}  # fmt: skip
figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained", facecolor=PAPER)
dress(axes)
for (name, (counts, colour)), mark in zip(lines.items(), "osd^", strict=True):
    axes.loglog(ks, counts, f"{mark}-", color=colour, label=name)
axes.set_xlabel("condition number κ")
axes.set_ylabel("steps to a hundredth")
axes.legend(frameon=False)
plt.show()
for name, (counts, _) in lines.items():
    print(f"{name:<22}", counts)
assert len(set(lines["Adam, along the axes"][0])) == 1
assert 1400 < lines["Adam, turned by 45°"][0][-1] < 1900
assert np.isclose(lines["gradient descent"][0][-1], 2.3 * 1000, rtol=0.01)

# %% [markdown]
# *Picture: steps against the condition number, both logarithmic. Gradient descent climbs in a
# straight line to 2,303. Momentum climbs half as steeply, to 158. Adam along the axes is level at
# 79. Adam on the turned bowl begins there too, and from κ = 10 on climbs to 1,653.*
#
# So «Adam is faster» is true of the green line and false of the purple one. What decides is whether
# the differences in scale lie between single weights. In a language model many do: the weights of a
# rare word seldom get a gradient, those of a norm always do. Adam won because networks are like
# that, and not because valleys are.
#
# A loss need not be a bowl either. This one, a close relative of Rosenbrock's banana of 1960, is a
# bent valley, whose direction changes under way:


# %%
def banana(w):
    """(1 - x)² + 20 (y - x²)² of a tensor (2,); its bottom is at (1, 1)."""
    return (1 - w[0]) ** 2 + 20 * (w[1] - w[0] * w[0]) ** 2


figure, axes = plt.subplots(figsize=(6.6, 3.4), layout="constrained", facecolor=PAPER)
contours(axes, lambda x, y: (1 - x) ** 2 + 20 * (y - x**2) ** 2, (-2, 1.6), (-0.7, 2.4))
ends = {}
for name, make, colour in (
    ("gradient descent, lr 0.006", lambda w: SGD(w, lr=0.006), BLUE),
    ("momentum 0.9, lr 0.004", lambda w: SGD(w, lr=0.004, momentum=0.9), ORANGE),
    ("Adam, lr 0.3", lambda w: Adam(w, lr=0.3), GREEN),
):
    path = walk(banana, [-1.5, 1.8], make, 150)
    axes.plot(*path.T, ".-", color=colour, label=name, linewidth=1, markersize=4)
    ends[name] = float(np.linalg.norm(path[-1] - 1))
axes.plot(1, 1, "*", color=INK, markersize=13)
axes.legend(frameon=False, loc="lower left")
plt.show()
print("distance from the bottom after 150 steps")
for name, distance in ends.items():
    print(f"{name:<27} {distance:.3f}")
assert ends["gradient descent, lr 0.006"] > 1.5
assert max(d for name, d in ends.items() if "descent" not in name) < 0.15

# %% [markdown]
# *Picture: a valley in the shape of a U, the star in its right arm. From the upper left, gradient
# descent has crept only a part of the way to the bend. Momentum swings about the bend and arrives;
# Adam arrives too, after wide steps at the start.*
#
# ## Weight decay, decoupled
#
# Large weights fit noise (lesson 12), so it is common to pull all weights towards 0 a little. The
# old way adds $\lambda w$ to the gradient, as if the loss had a term $\frac{\lambda}{2} w^2$. For
# gradient descent that is the same as shrinking $w$ by a share of lr $\cdot\, \lambda$ in each
# step. For Adam it is not: the pull goes through $m$ and $v$ with the rest, and is divided by the
# usual size of the gradient. **AdamW** takes it out again, and shrinks the weights themselves:
#
# $$w \leftarrow w\, (1 - \text{lr} \cdot \lambda) - \text{lr} \cdot
#   \frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# Below, 200 weights get gradients of pure noise of size 10, and 200 others of size 0.1. Nothing
# pulls on them but the decay.


# %%
def mean_weights(make, steps=300):
    """How the mean of 200 weights with loud, and of 200 with faint gradients, shrinks: (2, T)."""
    noise = np.random.default_rng(5)
    w = tinyllm.tensor(np.ones((2, 200)), requires_grad=True)
    optimizer, means = make([w]), []
    for _ in range(steps):
        means.append(w.detach().numpy().mean(axis=1))
        w.grad = tinyllm.tensor(noise.normal(size=(2, 200)) * np.array([[10.0], [0.1]]))
        optimizer.step()
    return np.array(means).T


inside = mean_weights(lambda w: Adam(w, lr=0.01, weight_decay=0.3))
apart = mean_weights(lambda w: AdamW(w, lr=0.01, weight_decay=0.3))
figure, panels = plt.subplots(1, 2, figsize=(9, 2.9), sharey=True, layout="constrained")
figure.set_facecolor(PAPER)
for axes, lines, name in zip(panels, (inside, apart), ("Adam", "AdamW"), strict=True):
    dress(axes)
    axes.plot(lines[0], color=ORANGE, label="gradients of size 10")
    axes.plot(lines[1], color=BLUE, label="gradients of size 0.1")
    axes.set_title(f"{name}, weight decay 0.3", loc="left", color=INK, fontsize=11)
    axes.set_xlabel("step")
panels[0].set_ylabel("mean of 200 weights")
panels[1].legend(frameon=False)
plt.show()
print("at the end: Adam", inside[:, -1].round(2), " AdamW", apart[:, -1].round(2))
assert inside[0, -1] > 0.8
assert inside[1, -1] < 0.2
assert abs(apart[0, -1] - apart[1, -1]) < 0.1

# %% [markdown]
# *Picture: means of weights against steps, from 1. With Adam the weights with faint gradients fall
# to about 0, and those with loud ones hardly move. With AdamW the two lines fall together, to 0.4.*
#
# ### Exercise 5: `decayed_update` (easy, 5 minutes, 2 points)
#
# In one line: AdamW's update of `w`, where `move` stands for Adam's fraction
# $\hat m / (\sqrt{\hat v} + \varepsilon)$.


# %%
def decayed_update(w, move, lr, weight_decay):
    ### BEGIN SOLUTION
    return w * (1 - lr * weight_decay) - lr * move
    ### END SOLUTION


# %%
check(decayed_update)

# %% [markdown]
# ## Noise, and why the rate should fall
#
# The gradient of a language model's loss over all its text would take hours. So each step takes a
# **batch** of a few texts. Its gradient is right on average, and noisy: that is the «stochastic» in
# stochastic gradient descent. Near the bottom the noise is all there is, and every step is as long
# as it was.
#
# Here are bowls with the curvatures 1 and 0.1 and noise of size 1 in every gradient, 400 of them at
# once, so that the mean shows.


# %%
def noisy_losses(rate_at, steps=200):
    """The mean loss of 400 noisy descents, under a learning rate for each step."""
    noise, w, losses = np.random.default_rng(3), np.full((2, 400), 8.0), []
    a = np.array([[1.0], [0.1]])  # curvatures
    for step in range(steps):
        losses.append((0.5 * a * w**2).sum(axis=0).mean())
        w = w - rate_at(step) * (a * w + noise.normal(size=w.shape))
    return np.array(losses)


# %%
rates = {
    "0.5 all along": (lambda t: 0.5, ORANGE),
    "0.1 all along": (lambda t: 0.1, PURPLE),
    "0.03 all along": (lambda t: 0.03, GREEN),
    "from 0.5 to 0 along a cosine": (lambda t: 0.25 * (1 + math.cos(math.pi * t / 200)), BLUE),
}
figure, axes = plt.subplots(figsize=(7.5, 3.1), layout="constrained", facecolor=PAPER)
dress(axes)
ends = {}
for name, (rate_at, colour) in rates.items():
    losses = noisy_losses(rate_at)
    axes.semilogy(losses, color=colour, label=name)
    ends[name] = float(losses[-10:].mean())
axes.set_xlabel("step")
axes.set_ylabel("mean loss")
axes.legend(frameon=False)
plt.show()
print({name: round(end, 3) for name, end in ends.items()})
*_, cosine = ends.values()
assert 0.25 < ends["0.5 all along"] < 0.32
assert ends["0.03 all along"] > 0.8
assert cosine < 0.6 * min(end for name, end in ends.items() if "all along" in name)

# %% [markdown]
# *Picture: mean loss against steps, logarithmic. The rate of 0.5 falls for some 45 steps and then
# stays near 0.28. The rates of 0.1 and 0.03 fall more slowly, to 0.11 and 1.0. The cosine falls as
# fast as the first, and goes on falling to the end, to 0.05.*
#
# A constant rate has a floor, about lr / 4 for each direction here: at 0.5 the descent is quick,
# and soon stuck. A small rate has a lower floor, and does not get there in time. Let the rate fall,
# and you have both: less than half the loss of the best constant one. A curve of this kind drops
# just when the rate does, so never compare two trainings in the middle of their schedules.
#
# And the beginning? In Adam's first steps $v$ is the mean of very few squares, and all weights move
# by the whole rate at once, from random places where curvatures are large. So the rate begins low
# and rises over some tens or hundreds of steps: the **warm-up**.
#
# ### Exercise 6: `warmup_then_cosine` (medium, 12 minutes, 4 points)
#
# Give the rate to use after `step` updates (0 for the first update). For `step` below `warmup` the
# rate is on a straight line: `peak / (warmup + 1)` at step 0, and it would be `peak` at step
# `warmup`. From there it falls along half a cosine to `floor` at step `total`, and stays there.


# %%
def warmup_then_cosine(step, warmup, total, peak, floor):
    ### BEGIN SOLUTION
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    done = min(1.0, (step - warmup) / (total - warmup))
    return floor + (peak - floor) * 0.5 * (1 + np.cos(np.pi * done))
    ### END SOLUTION


# %%
check(warmup_then_cosine)

# %% [markdown]
# This is what `tinyllm train` goes by. Beside the cosine it knows a straight line; and the rate may
# stay up first, on a plateau, for what is learned late is often learned while the rate is high.

# %%
print(inspect.getsource(LoopConfig.learning_rate_at))
settings = {"max_steps": 100, "warmup_steps": 10, "min_learning_rate": 1e-4, "learning_rate": 1e-3}
figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained", facecolor=PAPER)
dress(axes)
for label, fall, colour in (
    ("cosine", {}, BLUE),
    ("linear", {"decay": "linear"}, ORANGE),
    ("plateau, linear", {"decay": "linear", "decay_share": 0.3}, GREEN),
):
    config = LoopConfig(**settings, **fall)
    axes.plot([config.learning_rate_at(t) for t in range(120)], color=colour, label=label)
axes.set_ylim(0, 1.1e-3)
axes.set_xlabel("step")
axes.set_ylabel("learning rate")
axes.legend(frameon=False)
plt.show()
assert np.isclose(config.learning_rate_at(10), 1e-3)
assert config.learning_rate_at(0) > 0

# %% [markdown]
# *Picture: the learning rate against steps. Three lines rise straight to 0.001 at step 10. One
# falls along a cosine, one along a straight line, one stays up until step 73 and then falls
# steeply; all reach 0.0001 at step 100 and stay there.*
#
# ## Clipping
#
# Once in a while a batch has a gradient a hundred times as long as usual, and one step of that
# length can undo an hour of training. **Clipping** takes the norm of **all** gradients as one long
# vector, and if it is above a limit, scales all of them down together. The direction stays.
#
# ### Exercise 7: find the bug (medium, 12 minutes, 4 points)
#
# A colleague's runs begin well and never come to rest. The smaller her limit, the smaller the
# trouble, and it never goes away. Here is her clipping, on a bowl with one weight and one bias;
# `grads` is a dict of arrays by name.


# %%
def clip_always(grads, most):
    norm = np.sqrt(sum((grad * grad).sum() for grad in grads.values()))
    scale = most / norm
    return {name: scale * grad for name, grad in grads.items()}


def distances(clip, steps=40):
    """Gradient descent with clipping on ½ (weight² + bias²): distances from the bottom."""
    w, found = {"weight": np.array([3.0]), "bias": np.array([4.0])}, []
    for _ in range(steps):
        found.append(float(np.hypot(w["weight"], w["bias"])[0]))
        grads = clip({name: value.copy() for name, value in w.items()}, 1.0)
        w = {name: value - 0.3 * grads[name] for name, value in w.items()}
    return found


with_bug = distances(clip_always)
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(with_bug, "o-", color=ORANGE, markersize=4, label="clip_always")
axes.plot(distances(lambda grads, most: grads), "s-", color=BLUE, markersize=4, label="no clipping")
axes.set_xlabel("step")
axes.set_ylabel("distance")
axes.legend(frameon=False)
plt.show()
print("the last distances with the bug", np.round(with_bug[-4:], 3))
assert np.allclose(with_bug[-4:], [0.1, 0.2, 0.1, 0.2]) or np.allclose(
    with_bug[-4:], [0.2, 0.1] * 2
)

# %% [markdown]
# *Picture: distance from the bottom against steps, from 5. Without clipping it falls along a curve
# to 0. With clip_always it falls in a straight line, and then jumps between 0.1 and 0.2 for ever.*
#
# Find out why, and write `clip_together` without the bug, for a dict with any number of arrays of
# any shapes. A gradient of 0 must stay 0. Leave the arrays as they are.


# %%
def clip_together(grads, most):
    ### BEGIN SOLUTION
    norm = np.sqrt(sum((grad * grad).sum() for grad in grads.values()))
    scale = most / max(norm, most)
    return {name: scale * grad for name, grad in grads.items()}
    ### END SOLUTION


# %%
check(clip_together)

# %% [markdown]
# ## Muon, shortly
#
# Adam treats a matrix as a bag of numbers. But a weight matrix of a network is a map from vectors
# to vectors, and its gradient $G$, like every matrix, has a **singular value decomposition**
# $G = U S V^\top$: some directions in, some directions out, and for each pair a length in $S$. Here
# are the lengths, for a gradient that is the sum over a few examples, as all of them are, and what
# each optimizer's step makes of them.

# %%
inputs, outputs = rng.normal(size=(32, 24)), rng.normal(size=(32, 16))
common = np.exp(-0.25 * np.arange(24))  # some directions are much more common than others
G = (outputs.T @ (inputs * common)).astype(np.float32)  # (16, 24)
made = {
    "gradient": G / np.linalg.norm(G, 2),
    "Adam's first step": np.sign(G) / np.linalg.norm(np.sign(G), 2),
    "Muon": orthogonalized(G, (3.4445, -4.7750, 2.0315), 5, 1e-7),
}
figure, axes = plt.subplots(figsize=(7, 2.9), layout="constrained", facecolor=PAPER)
dress(axes)
lengths = {}
for (name, matrix), colour, mark in zip(made.items(), (BLUE, GREEN, PURPLE), "osd", strict=True):
    lengths[name] = np.linalg.svd(matrix, compute_uv=False)  # (16,)
    axes.plot(lengths[name], f"{mark}-", color=colour, label=name)
axes.set_ylim(0, 1.3)
axes.set_xlabel("direction, the longest first")
axes.set_ylabel("singular value")
axes.legend(frameon=False, loc="lower left")
plt.show()
print({name: (round(float(s[0]), 2), round(float(s[-1]), 2)) for name, s in lengths.items()})
assert lengths["gradient"][-1] < 0.1
assert lengths["Muon"].min() > 0.6
assert lengths["Muon"].max() < 1.25

# %% [markdown]
# *Picture: 16 singular values in falling order. Those of the gradient fall from 1 to almost 0.
# Those of Adam's first step fall too, more slowly, to 0.16. Muon's all lie between 0.7 and 1.1: ten
# a little above 1, six near 0.7.*
#
# **Muon** keeps momentum for the matrix, and then makes all directions of the step about equally
# long: what is seldom asked for is learnt as fast as what is always asked for. It is the cure for
# Adam's weakness on the tilted bowl, since it does not depend on how the directions are named. A
# true decomposition in each step would be slow; five rounds of a polynomial in $G G^\top$ come
# close enough. It is for the matrices inside blocks; embeddings, norms and biases still go by
# AdamW.
#
# ### Exercise 8: `equal_directions` (medium, 8 minutes, 3 points)
#
# Do it exactly, with `np.linalg.svd`: for `G` $(A, B)$ give the matrix with the same singular
# vectors, and every singular value 1.


# %%
def equal_directions(G):
    ### BEGIN SOLUTION
    U, _, Vt = np.linalg.svd(G, full_matrices=False)
    return U @ Vt
    ### END SOLUTION


# %%
check(equal_directions)

# %% [markdown]
# ## The race on a language model
#
# Now a decoder of lesson 10's kind, 60 steps on the stories of the micro world, the same start and
# the same batches for all. First, are the gradients of its weights as different in size as we said?

# %%
told = list(stories(Grammar(World(seed=0, size="micro")), 60 * 16))
vocabulary = ["<s>", *sorted({word for story in told for word in story.words})]
number = {word: i for i, word in enumerate(vocabulary)}


def batch(some):
    """Inputs and targets (B, T); the inputs begin with <s>, and padding is not asked."""
    T = max(len(story.words) for story in some)
    inputs = np.zeros((len(some), T), dtype=np.int64)
    targets = np.full((len(some), T), -100)
    for row, story in enumerate(some):
        ids = [number[word] for word in story.words]
        targets[row, : len(ids)] = ids
        inputs[row, 1 : len(ids)] = ids[:-1]
    return tinyllm.tensor(inputs), tinyllm.tensor(targets)


def new_model():
    """The same small decoder each time."""
    tinyllm.manual_seed(0)
    sizes = {"context_length": 32, "layers": 1, "heads": 4, "width": 48, "positions": "rotary"}
    return Decoder(DecoderConfig(vocab_size=len(vocabulary), **sizes))


batches = [batch(told[16 * i : 16 * i + 16]) for i in range(60)]
model = new_model()
model.loss(*batches[0]).backward()
sizes = {n: float(np.sqrt((p.grad.numpy() ** 2).mean())) for n, p in model.named_parameters()}

# %%
figure, axes = plt.subplots(figsize=(7, 3.1), layout="constrained", facecolor=PAPER)
dress(axes)
axes.barh(list(sizes), list(sizes.values()), color=BLUE)
axes.set_xscale("log")
axes.invert_yaxis()
axes.grid(axis="y", visible=False)
axes.set_xlabel("size of the gradient at the start (root of the mean square)")
plt.show()
spread = max(sizes.values()) / min(sizes.values())
print(f"the largest is {spread:.0f} times the smallest")
assert spread > 20

# %% [markdown]
# *Picture: one bar for each array of weights, on a logarithmic scale. The two longest, above 0.1,
# are the biases with which attention and MLP end; the shortest, below 0.001, is the weight of the
# first norm.*
#
# They are. Now the race. Each runner has the best of some five learning rates that we tried for it;
# a runner whose rate nobody has tuned proves nothing. The rates are constant, except those of the
# last two runners, which warm up for 8 steps and fall along a cosine to 0.


# %%
def race(make, falls=False, steps=60):
    """The losses of all batches under some optimizers, with a constant or a falling rate."""
    model = new_model()
    optimizers, losses = make(model), []
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    peaks = [group["lr"] for group in groups]
    for step in range(steps):
        loss = model.loss(*batches[step])
        model.zero_grad()
        loss.backward()
        share = min(1, (step + 1) / 8) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group, peak in zip(groups, peaks, strict=True):
            group["lr"] = peak * (share if falls else 1)
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def muon(model):
    """Muon for the matrices inside blocks, AdamW for the rest."""
    matrices = block_matrices(model)
    taken = {id(matrix) for matrix in matrices}
    rest = [p for p in model.parameters() if id(p) not in taken]
    return [Muon(matrices, lr=0.1, weight_decay=0, precision="float32"), AdamW(rest, lr=0.02)]


# %%
runs = {
    "SGD, lr 0.3": (race(lambda m: [SGD(m.parameters(), lr=0.3)]), BLUE, "-"),
    "momentum 0.9, lr 0.1": (
        race(lambda m: [SGD(m.parameters(), lr=0.1, momentum=0.9)]), ORANGE, "-",
    ),
    "AdamW, lr 0.01": (race(lambda m: [AdamW(m.parameters(), lr=0.01)]), GREEN, "-"),
    "AdamW, falling from 0.02": (
        race(lambda m: [AdamW(m.parameters(), lr=0.02)], falls=True), GREEN, "--",
    ),
    "Muon and AdamW, falling": (race(muon, falls=True), PURPLE, "--"),
}  # fmt: skip
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained", facecolor=PAPER)
dress(axes)
for name, (losses, colour, line) in runs.items():
    means = np.convolve(losses, np.ones(5) / 5, mode="valid")
    axes.semilogy(np.arange(5, 61), means, line, color=colour, label=name)
axes.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"], minor=False)
axes.set_yticks([], minor=True)
axes.set_xlabel("step")
axes.set_ylabel("loss, nats per word (mean of 5 steps)")
axes.legend(frameon=False)
plt.show()
ends = {name: float(losses[-10:].mean()) for name, (losses, _, _) in runs.items()}
for name, end in ends.items():
    print(f"{name:<25} {end:.2f}")

# %% [markdown]
# *Picture: five losses against steps, on a logarithmic scale, from nearly 4. SGD falls slowest and
# ends at about 1.2. Momentum comes to 0.8, AdamW to about 0.65, and Muon lowest, near 0.53.*

# %%
sgd, momentum, adamw, falling, best = ends.values()
assert sgd > 1.1 * momentum > 1.1 * 1.1 * adamw
assert falling < adamw + 0.04
assert best < 0.95 * falling
assert all(0.43 < end < 1.5 for end in ends.values())

# %% [markdown]
# Momentum does much for SGD, and Adam's pace for each weight does more. Between AdamW with a
# constant rate and with a falling one there is next to nothing in 60 steps, when a training is far
# from its floor (lesson 10: 0.428 nats per word); the longer it runs, the more the fall is worth.
# Muon is ahead. But this is one model, one seed, 60 steps. Other models, more steps or a worse
# tuning may change the order, and have, in print. What you can trust is what you have understood on
# the bowls.
#
# ### An open question (10 minutes, for a teacher to read)
#
# You want to train a model of 100 million weights, in 32-bit numbers (4 bytes each), on a machine
# that has 1.4 GB left for weights, gradients and the optimizer's memory. Compute what SGD,
# momentum, AdamW and Muon (with AdamW for a fifth of the weights) need. Which would you take, and
# what would you try before you give AdamW up? Would a smaller batch help?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for the numbers (weights and gradients 0.8 GB; SGD no more; momentum one number for each weight,
# 1.2 GB; AdamW two, 1.6 GB; Muon one for 80 million and AdamW two for 20 million, 1.28 GB); 1 for a
# choice with a reason (Muon fits and is as good or better; momentum fits but needs a rate of its
# own); 1 for a way to keep AdamW (m and v in 16 bits or fewer, fewer weights, frozen or shared
# embeddings, a step for one layer at a time so that not all gradients are there at once); 1 for
# seeing that the batch changes the memory of activations alone, none of these.
#
# </details>
#
# ## What to remember
#
# - Along an axis of curvature $a$ a step multiplies the distance by $1 - \text{lr}\, a$: above
#   $2 / a_{max}$ it diverges. The ratio $\kappa$ of the curvatures makes training slow.
# - Momentum: $b = \mu b + g$. It turns $\kappa$ into something like $\sqrt\kappa$.
# - Adam gives each weight its own pace, $m / \sqrt v$; with bias correction the first step is lr,
#   without it 3 times as long. It cures differences between weights, not slanting valleys.
# - AdamW shrinks the weights themselves. Added to the gradient, the decay is divided away.
# - Noise sets a floor that goes with lr. Warm up, then let the rate fall.
# - Clip by the norm of all gradients together, and never upwards.
# - Compare optimizers only when each has its own best rate.
#
# ## Where next
#
# Lesson 12 puts an optimizer into a training loop, and asks what can go wrong there. To look
# further now, read `tinyllm/optim/adam.py` and `tinyllm/optim/muon.py`, and run `tinyllm train`
# with `--optimizer muon`. And read Kingma and Ba 2015,
# [arXiv:1412.6980](https://arxiv.org/abs/1412.6980), sections 2 and 3; Loshchilov and Hutter 2019,
# [arXiv:1711.05101](https://arxiv.org/abs/1711.05101); and Goh 2017, «Why Momentum Really Works»,
# [distill.pub](https://distill.pub/2017/momentum).
