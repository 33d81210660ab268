# %% [markdown]
# # 08 The Transformer block
#
# **You will be able to** write layer norm, RMS norm and the backward of the second; say what a
# residual stream is, and why its variance grows by sums and not by factors; tell pre-norm from
# post-norm, in a picture and by what they do in 32 layers; choose starting values as GPT-2 does;
# find the bug when a norm sits on the stream; and write a whole block that agrees with tinyllm's to
# the last digits.
#
# **You need** lesson 02 (backwards, and layer norm's among them) and lesson 07 (attention, masks
# and heads). **Time:** about 40 minutes of reading, and 120 of exercises.
#
# ## Why
#
# One attention layer looks once. To understand «the man who the dog bit ran», somebody has to find
# out who bit whom, and then who ran; the second step needs the result of the first. So models stack
# layers: GPT-2 has 12 to 48, and larger models more than a hundred.
#
# But a stack of layers does not simply work. Multiply a number 32 times by a factor a little below
# 1, and nothing is left of it; a little above, and it explodes. What holds for numbers holds for
# vectors on their way up, and for gradients on their way down. For decades deep networks did not
# train for this reason. Three small inventions changed that: a **residual stream**, a **norm**, and
# careful **starting values**. This lesson puts them together, with attention and one more layer, to
# the block that all large language models are made of. Then you write it.
#
# Letters: $B$ texts, $T$ positions, $C$ the width of the stream, $D$ a row's length, $L$ layers.

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm import nn
from tinyllm.course import check, hint, reveal
from tinyllm.kernels.normalization import layer_norm_backward as layer_norm_backward_kernel
from tinyllm.models import Decoder, DecoderConfig, decoder_block
from tinyllm.nn import functional as F
from tinyllm.optim import AdamW
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, PURPLE, QUIET, dress

rng = np.random.default_rng(8)

# %% [markdown]
# ## The idea in a picture
#
# In a plain stack each layer replaces what came before: $x \leftarrow f(x)$. A **residual** layer
# adds to it: $x \leftarrow x + f(x)$. The vector of a position then runs through the whole model
# like a river, the **residual stream**. Each layer $f$ is a branch beside it: it reads the stream,
# works something out, and adds it. Nothing is lost unless somebody takes it out.
#
# A **norm** keeps the numbers at one scale. The Transformer of 2017 put it on the stream, after
# each sum: **post-norm**. GPT-2 and nearly all models since put it into the branch, before $f$:
# **pre-norm**. It looks like a detail. You will measure how much it is not.


# %%
def box(axes, x, y, text, colour):
    """A labelled box at a place."""
    frame = {"boxstyle": "round,pad=0.35", "fc": PAPER, "ec": colour}
    axes.text(x, y, text, ha="center", va="center", color=INK, bbox=frame)


def diagram(axes, kind):
    """One layer of a design, to be read from below."""
    arrow = {"arrowstyle": "-|>", "color": BLUE, "lw": 2.5}
    axes.annotate("", (0, 4.2), (0, 0), arrowprops=arrow)
    if kind == "plain":
        box(axes, 0, 2, "f", ORANGE)
    else:
        axes.plot([0, 1, 1], [0.5, 0.5, 3], color=QUIET)
        axes.annotate("", (0.1, 3), (1, 3), arrowprops={"arrowstyle": "-|>", "color": QUIET})
        axes.plot(0, 3, "o", color=PAPER, markeredgecolor=BLUE, markersize=15)
        axes.text(0, 3, "+", ha="center", va="center", color=INK, fontsize=13)
        box(axes, 1, 2.3, "f", ORANGE)
    if kind != "plain":
        box(axes, *((0, 3.65) if kind == "post-norm" else (1, 1.3)), "norm", GREEN)
    axes.set_xlim(-0.7, 1.6)
    axes.set_ylim(-0.1, 4.4)
    axes.set_title(kind, loc="left", color=INK, fontsize=11)
    axes.axis("off")


figure, panels = plt.subplots(1, 3, figsize=(8, 3), layout="constrained", facecolor=PAPER)
for axes, kind in zip(panels, ("plain", "post-norm", "pre-norm"), strict=True):
    diagram(axes, kind)
plt.show()

# %% [markdown]
# *Picture: three designs, read from below. Plain: a thick blue arrow goes through a box f.
# Post-norm: a branch leaves the blue arrow, goes through f and comes back to a plus; a norm stands
# on the blue arrow after the plus. Pre-norm: the norm stands in the branch, before f, and nothing
# but the plus stands on the blue arrow.*
#
# ## The smallest numeric example
#
# Take the row $x = (1, 2, 3, 6)$ and a pencil.
#
# **Layer norm.**
#
# 1. The mean is $12 / 4 = 3$. Take it off: $(-2, -1, 0, 3)$.
# 2. The variance is the mean of the squares: $(4 + 1 + 0 + 9) / 4 = 3.5$. Its root is 1.871.
# 3. Divide: $(-1.069, -0.535, 0, 1.604)$. Mean 0, variance 1.
#
# **RMS norm** leaves the mean in.
#
# 1. The mean of the squares is $(1 + 4 + 9 + 36) / 4 = 12.5$. Its root, the *root mean square*, is
#    3.536.
# 2. Divide: $(0.283, 0.566, 0.849, 1.697)$. The mean of their squares is 1.
#
# **A residual step.** Say that the branch makes $(0.1, 0, -0.2, 0)$ of what it reads. The stream
# becomes $(1.1, 2, 2.8, 6)$: all that was there is still there, and the branch has left its mark.

# %%
x = np.array([1.0, 2.0, 3.0, 6.0])  # (D,)
by_layer = F.layer_norm(tinyllm.tensor(x), (4,)).numpy()
by_rms = F.rms_norm(tinyllm.tensor(x), (4,)).numpy()
print("layer norm", by_layer.round(3), "  RMS norm", by_rms.round(3))
assert np.allclose(by_layer, [-1.069, -0.535, 0, 1.604], atol=1e-3)
assert np.allclose(by_rms, [0.283, 0.566, 0.849, 1.697], atol=1e-3)
assert np.allclose(x + [0.1, 0, -0.2, 0], [1.1, 2, 2.8, 6])

# %% [markdown]
# ## Two norms
#
# $$\text{LayerNorm}(x) = \frac{x - \text{mean}(x)}{\sqrt{\text{var}(x) + \varepsilon}} \cdot w + b
# \qquad\qquad \text{RMSNorm}(x) = \frac{x}{\sqrt{\text{mean}(x^2) + \varepsilon}} \cdot w$$
#
# Mean and variance are those of **one row**, the $C$ numbers of one position. They know nothing of
# other positions or of other texts, so a model gives the same answer in a batch of one and in a
# batch of a thousand. The weight $w$ and the bias $b$, $(C)$ each, are learnt, and begin as 1 and
# 0. The small $\varepsilon$ keeps a row without any variance from 0 / 0.
#
# What does a norm not see? We move and stretch a row, and look.

# %%
changed = {"x": x, "x + 10": x + 10, "10 x": 10 * x, "-x": -x}
figure, panels = plt.subplots(
    1, 4, figsize=(10, 2.5), sharey=True, layout="constrained", facecolor=PAPER
)
for axes, (name, row) in zip(panels, changed.items(), strict=True):
    dress(axes)
    pair = F.layer_norm(tinyllm.tensor(row), (4,)), F.rms_norm(tinyllm.tensor(row), (4,))
    for offset, numbers, colour in zip((-0.2, 0.2), pair, (BLUE, ORANGE), strict=True):
        axes.bar(np.arange(4) + offset, numbers.numpy(), 0.4, color=colour)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
    axes.set_xticks(range(4))
panels[0].bar(0, 0, color=BLUE, label="layer norm")
panels[0].bar(0, 0, color=ORANGE, label="RMS norm")
panels[0].legend(frameon=False, loc="lower right", fontsize=8)
plt.show()


def norms_of(row):
    """Both norms of a row."""
    row = tinyllm.tensor(row)
    return F.layer_norm(row, (4,)).numpy(), F.rms_norm(row, (4,)).numpy()


assert np.allclose(norms_of(10 * x), norms_of(x), atol=1e-5)  # but for eps
assert np.allclose(norms_of(x + 10)[0], by_layer, atol=1e-5)
assert np.abs(norms_of(x + 10)[1] - by_rms).max() > 0.5
assert np.allclose(norms_of(-x), [-by_layer, -by_rms])

# %% [markdown]
# *Picture: four groups of bars, blue for layer norm, orange for RMS norm. For x and 10 x they are
# the same. For x + 10 the blue bars are as before, and the orange ones nearly level, all around 1.
# For -x all bars point the other way.*
#
# Both forget how long a row is: multiply it by 10, and nothing changes. Layer norm also forgets a
# shift. RMS norm does not; it costs a little less, models trained with it are as good, and so most
# models since Llama have it (Zhang and Sennrich 2019).
#
# ### Exercise 1: `my_layer_norm` (easy, 8 minutes, 3 points)
#
# `x` $(..., D)$, `weight` and `bias` $(D)$. The variance divides by $D$, not by $D - 1$.


# %%
def my_layer_norm(x, weight, bias, eps):
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + eps) * weight + bias
    ### END SOLUTION


# %%
check(my_layer_norm)

# %% [markdown]
# ### Exercise 2: `my_rms_norm` (easy, 4 minutes, 3 points)
#
# In one line.


# %%
def my_rms_norm(x, weight, eps):
    ### BEGIN SOLUTION
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight
    ### END SOLUTION


# %%
check(my_rms_norm)

# %% [markdown]
# ### The way back through a norm
#
# You wrote the backward of layer norm in lesson 02. Here it is as tinyllm defines it:

# %%
print(inspect.getsource(layer_norm_backward_kernel.definition))

# %% [markdown]
# Read the middle line as three sentences. $g$ is what arrives, times the weight. Its mean is taken
# off, since a shift of the row changes nothing in the output. And $n$ times the mean of $g n$ is
# taken off, since stretching the row changes nothing either. What is left is divided by the row's
# deviation: a long row is hard to turn, so its gradient is small.
#
# ### Exercise 3: `rms_norm_backward` (hard, 18 minutes, 5 points)
#
# Do the same for RMS norm, whose forward does not take the mean off. From `x` $(..., D)$, `weight`
# $(D)$, `grad_y` $(..., D)$ and `eps`, return the pair `(grad_x, grad_weight)`.


# %%
def rms_norm_backward(x, weight, grad_y, eps):
    ### BEGIN SOLUTION
    rstd = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)
    n = x * rstd
    g = grad_y * weight
    grad_x = rstd * (g - n * (g * n).mean(axis=-1, keepdims=True))
    rows = tuple(range(x.ndim - 1))
    return grad_x, (grad_y * n).sum(axis=rows)
    ### END SOLUTION


# %%
check(rms_norm_backward)

# %% [markdown]
# If the output does not change along the row, the gradient must stand upright on the row: there is
# nothing to win by making it longer. The tape says so too. Beside it we see the second effect: a
# row ten times as long gets a tenth of the gradient.

# %%
row, arriving = rng.normal(size=(2, 64))  # (D,) each
lengths = [0.1, 1.0, 10.0, 100.0]
along, sizes = [], []
for times in lengths:
    leaf = tinyllm.tensor(row * times, requires_grad=True)
    F.rms_norm(leaf, (64,), eps=1e-12).backward(tinyllm.tensor(arriving))
    grad = leaf.grad.numpy()
    along.append(abs(grad @ row) / np.linalg.norm(grad) / np.linalg.norm(row))
    sizes.append(np.linalg.norm(grad))
figure, axes = plt.subplots(figsize=(5.5, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.loglog(lengths, sizes, "o-", color=BLUE)
axes.set_xlabel("the row, times")
axes.set_ylabel("length of its gradient")
plt.show()
print("cosine of gradient and row", np.round(along, 9), "  lengths", np.round(sizes, 3))
assert max(along) < 1e-6
assert np.allclose(np.array(sizes[:-1]) / sizes[1:], 10, rtol=1e-6)

# %% [markdown]
# *Picture: length of the gradient against the length of the row, both on logarithmic scales: a
# straight line that falls by a factor of 10 for each factor of 10.*
#
# ## How a stream grows
#
# Two independent numbers with the variances $a$ and $b$ have a sum with the variance $a + b$. So a
# stream that begins with the variance $s^2$ and gets $k$ independent branches added, each with the
# variance $b^2$, has the variance $s^2 + k b^2$ in the end. That is a sum: the spread grows like
# $\sqrt{k}$. In a plain stack each layer multiplies, and then even small factors become large.
#
# ### Exercise 4: `stream_std` (easy, 5 minutes, 2 points)
#
# A stream begins with the spread (standard deviation) `start`. Each of `layers` blocks adds **two**
# branches to it, attention and the MLP, all independent, each with the spread `branch`. What is the
# spread at the end?


# %%
def stream_std(start, branch, layers):
    ### BEGIN SOLUTION
    return np.sqrt(start**2 + 2 * layers * branch**2)
    ### END SOLUTION


# %%
check(stream_std)

# %% [markdown]
# ## An experiment: 32 layers, five designs
#
# Now measure. A branch $f$ is two linear layers with a nonlinearity (GELU) between, as it will be
# in a Transformer. Its weights begin so that, from a row of spread 1, it makes one of spread about
# 0.65. We send 64 random rows through 32 such layers, in five designs: plain; plain with a norm
# after each layer; residual without a norm; post-norm; pre-norm. Then we send a random gradient
# back from the top.

# %%
DESIGNS = {"plain": QUIET, "norm": PURPLE, "residual": ORANGE, "post-norm": GREEN, "pre-norm": BLUE}


def branches(layers, width, hidden, scale=1.0, seed=0):
    """For each layer a pair of linear layers, (hidden, width) and (width, hidden)."""
    tinyllm.manual_seed(seed)
    made = []
    for _ in range(layers):
        up, down = nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)
        nn.init.normal_(up.weight, 0.0, width**-0.5)
        nn.init.normal_(down.weight, 0.0, scale * hidden**-0.5)
        made.append((up, down))
    return made


# %%
def norm(x):
    """Layer norm without weight and bias."""
    return F.layer_norm(x, x.shape[-1:])


def step(design, x, up, down):
    """One layer of a design: (N, C) -> (N, C)."""

    def f(y):
        return down(F.gelu(up(y), "tanh"))  # (N, C) -> (N, hidden) -> (N, C)

    if design == "plain":
        return f(x)
    if design == "norm":
        return norm(f(x))
    if design == "residual":
        return x + f(x)
    if design == "post-norm":
        return norm(x + f(x))
    return x + f(norm(x))  # pre-norm


# %% [markdown]
# ### Predict, then run (5 minutes)
#
# The rows begin with a spread of 1. In the **pre-norm** design, what is the spread of the stream
# after 32 branches of spread 0.65? Your exercise 4 has a formula (32 branches are 16 blocks), if
# the branches are independent of what is in the stream. But they read that stream, so they might
# not be.

# %%
my_spread = None
### BEGIN SOLUTION
my_spread = float(stream_std(1.0, 0.65, 16))
### END SOLUTION


# %%
def climb(design, layers=32, width=64):
    """By layer: spread of the stream, of its gradient, cosine with the input, with other rows."""
    start = np.random.default_rng(0).normal(size=(64, width)).astype(np.float32)  # (N, C)
    x = tinyllm.tensor(start, requires_grad=True)
    stream = [x]
    for up, down in branches(layers, width, 4 * width):
        stream.append(step(design, stream[-1], up, down))
        stream[-1].retain_grad()
    arriving = np.random.default_rng(1).normal(size=start.shape).astype(np.float32)
    stream[-1].backward(tinyllm.tensor(arriving))
    values = [x.detach().numpy().astype(np.float64) for x in stream]  # (L + 1) of (N, C)
    units = [v / np.linalg.norm(v, axis=-1, keepdims=True) for v in values]
    with_input = [(u * units[0]).sum(axis=-1).mean() for u in units]
    rows = len(start)
    with_others = [((u @ u.T).sum() - rows) / (rows * (rows - 1)) for u in units]
    gradients = [x.grad.numpy().std() for x in stream]
    return [v.std() for v in values], gradients, with_input, with_others


climbs = {design: climb(design) for design in DESIGNS}
spread = {design: float(found[0][-1]) for design, found in climbs.items()}
gradient = {design: float(found[1][0]) for design, found in climbs.items()}
reveal("08", "spread of the pre-norm stream", my_spread, spread["pre-norm"])

# %%
figure, panels = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained", facecolor=PAPER)
for axes, which, name in zip(
    panels, (0, 1), ("spread of the stream", "of its gradient"), strict=True
):
    dress(axes)
    for design, colour in DESIGNS.items():
        axes.semilogy(climbs[design][which], color=colour, label=design, lw=2)
    axes.set_xlabel("layer")
    axes.set_title(name, loc="left", color=INK, fontsize=11)
panels[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
plt.show()
for design in DESIGNS:
    print(f"{design:>10}: spread at the top {spread[design]:9.2e}, gradient at the bottom "
          f"{gradient[design]:9.2e}")  # fmt: skip
assert spread["plain"] < 1e-8
assert gradient["plain"] < 1e-8
assert spread["residual"] > 100
assert gradient["residual"] > 100
assert 3.2 < spread["pre-norm"] < 4.3
assert all(0.9 < spread[design] < 1.1 for design in ("norm", "post-norm"))
assert all(0.5 < gradient[design] < 10 for design in ("norm", "post-norm", "pre-norm"))

# %% [markdown]
# *Picture: two charts by layer on logarithmic scales. Left, the spread: plain falls in a straight
# line to below a billionth, residual without a norm rises in a straight line to some hundreds,
# norm and post-norm stay at 1, pre-norm rises slowly to about 4. Right, the gradient, which comes
# from the right: towards layer 0 plain falls just as far, residual rises as far, and the three with
# a norm stay within a factor of ten.*
#
# A straight line on a logarithmic scale is a constant factor per layer. Plain layers multiply, and
# nothing arrives; the residual stream without a norm multiplies as well, because what a branch adds
# grows with the stream that it reads. Only with a norm before the branch is it a sum.
#
# By these two charts a norm alone seems enough. They do not ask **what** arrives. So ask two more
# questions of the stream, as cosines. How much does a row still look like the row that went in? And
# how much do **different** rows, which began at right angles or so, look like each other?

# %%
figure, panels = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", facecolor=PAPER)
names = ("cosine with the row that went in", "cosine of two different rows")
for axes, which, name in zip(panels, (2, 3), names, strict=True):
    dress(axes)
    for design, colour in DESIGNS.items():
        axes.plot(climbs[design][which], color=colour, label=design, lw=2)
    axes.set_ylim(-0.15, 1.05)
    axes.set_xlabel("layer")
    axes.set_title(name, loc="left", color=INK, fontsize=11)
panels[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
plt.show()
left = {design: float(found[2][-1]) for design, found in climbs.items()}
alike = {design: float(found[3][-1]) for design, found in climbs.items()}
print("with the input", {design: round(cosine, 2) for design, cosine in left.items()})
print("with others   ", {design: round(cosine, 2) for design, cosine in alike.items()})
assert 0.15 < left["pre-norm"] < 0.4
assert all(abs(left[design]) < 0.12 for design in ("plain", "norm", "post-norm", "residual"))
assert all(alike[design] > 0.5 for design in ("norm", "post-norm", "residual"))
assert 0.2 < alike["pre-norm"] < 0.45
assert abs((1 + 0.65**2) ** -0.5 - 0.84) < 0.005
assert 0.84**32 < 0.005

# %% [markdown]
# *Picture: two charts by layer. Left, the cosine with the input, which begins at 1: plain and norm
# drop to about 0 at once, post-norm and residual within some twenty layers; pre-norm falls more and
# more slowly, and ends at about a quarter. Right, the cosine of two different rows, which begins at
# 0: residual, norm and post-norm climb to between 0.6 and 0.9, pre-norm and plain stay below 0.5.*
#
# In pre-norm the input is still there at the top, as one of 33 voices. Post-norm divides the stream
# after each sum, by about $\sqrt{1 + 0.65^2}$. So each layer leaves 0.84 of what was there before,
# and $0.84^{32}$ is less than 0.005. Meanwhile different rows become alike: what a
# branch makes of any row has a part that is the same for all (GELU has a mean above 0), and where
# the input fades, the common part is what remains. (The plain stack is spared that only because its
# numbers get so small that GELU is a straight line there.)
#
# ### Exercise 5: find the bug (medium, 12 minutes, 4 points)
#
# A colleague writes a pre-norm stream with RMS norm. Nothing fails, and the model learns, only far
# worse than it should. The cell below puts it to the simplest of all tests: with branches that add
# 0, the stream should come out as it went in.


# %%
def unit_rms(x):
    """RMS norm without a weight."""
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def spoilt_stream(x, w_in, w_out):
    for layer in range(len(w_in)):
        x = unit_rms(x)
        x = x + np.maximum(x @ w_in[layer], 0.0) @ w_out[layer]
    return x


x = np.array([[3.0, 4.0, 0.0], [0.1, 0.0, 0.2]])  # (T, C)
out = spoilt_stream(x, np.ones((2, 3, 5)), np.zeros((2, 5, 3)))
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar(np.arange(6) - 0.2, x.ravel(), 0.4, color=BLUE, label="went in")
axes.bar(np.arange(6) + 0.2, out.ravel(), 0.4, color=ORANGE, label="came out")
axes.set_xticks(range(6), ["row 0", "", "", "row 1", "", ""])
axes.legend(frameon=False)
plt.show()
print("went in", x.tolist(), "  came out", out.round(2).tolist())
assert np.allclose((out * out).mean(axis=-1), 1, atol=1e-3)

# %% [markdown]
# *Picture: three bars for each of two rows. Row 0 went in as 3, 4, 0 and came out smaller, as about
# 1.04, 1.39, 0. Row 1 went in as 0.1, 0, 0.2 and came out larger, as about 0.77, 0, 1.55.*
#
# Write `pre_norm_stream` without the bug. `x` is $(T, C)$, `w_in` $(L, C, H)$ and `w_out` $(L, H,
# C)$, where $H$ is the width inside a branch; keep
# $\varepsilon$ and everything else. When you have found it, compare the colleague's loop
# with the picture of post-norm.


# %%
def pre_norm_stream(x, w_in, w_out):
    ### BEGIN SOLUTION
    for layer in range(len(w_in)):
        n = unit_rms(x)
        x = x + np.maximum(n @ w_in[layer], 0.0) @ w_out[layer]
    return x
    ### END SOLUTION


# %%
check(pre_norm_stream)

# %% [markdown]
# ## Does it train?
#
# What counts in the end is whether a model learns. The task is easy: 32 random numbers go in, and
# the model says which of 8 fixed directions fits them best. A single linear layer could do it. We
# ask it of 32 layers, each design with the same weights to begin with, the same data and 100 steps
# of AdamW. Guessing has a loss of $\log 8 = 2.08$.
#
# ### Predict, then run (5 minutes)
#
# Post-norm kept the spread at 1, and the gradient within a factor of ten. What loss will it have
# after 100 steps? (0 is perfect, 2.08 is guessing.)

# %%
my_loss = None
### BEGIN SOLUTION
my_loss = 1.5
### END SOLUTION


# %%
def train(design, steps=100, layers=32, width=32):
    """The losses of a deep model on the task of eight directions."""
    draw = np.random.default_rng(8)
    directions = draw.normal(size=(width, 8))
    pairs, head = branches(layers, width, 2 * width), nn.Linear(width, 8)
    parameters = [p for pair in pairs for layer in pair for p in layer.parameters()]
    optimizer = AdamW([*parameters, *head.parameters()], lr=3e-3, weight_decay=0.0)
    losses = []
    for _ in range(steps):
        rows = draw.normal(size=(64, width))  # (N, C)
        x = tinyllm.tensor(rows.astype(np.float32))
        for up, down in pairs:
            x = step(design, x, up, down)  # (N, C)
        best = tinyllm.tensor((rows @ directions).argmax(axis=-1))  # (N,)
        loss = F.cross_entropy(head(norm(x)), best)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


trained = {design: train(design) for design in DESIGNS}
last = {design: float(np.mean(losses[-10:])) for design, losses in trained.items()}
reveal("08", "loss of post-norm", my_loss, last["post-norm"])

# %%
figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained", facecolor=PAPER)
dress(axes)
for design, colour in DESIGNS.items():
    smooth = np.convolve(trained[design], np.ones(5) / 5, mode="valid")
    axes.plot(smooth, color=colour, label=design, lw=2)
axes.axhline(np.log(8), color=INK, linestyle=":", linewidth=1)
axes.set_ylim(0, 2.6)
axes.set_xlabel("step")
axes.set_ylabel("loss, mean of five")
axes.legend(frameon=False, loc="lower left")
plt.show()
print({design: round(loss, 2) for design, loss in last.items()})
assert last["pre-norm"] < 1.2
assert all(last[design] > 1.9 for design in ("plain", "norm", "residual"))
assert last["post-norm"] > 1.6

# %% [markdown]
# *Picture: loss by step. Pre-norm falls from the start, to 1 or below. The four others stay on the
# dotted line of guessing, or hardly leave it.*
#
# Good spreads and good gradients were not enough. The designs «norm» and post-norm had both, and
# in 100 steps they learn next to nothing. Pre-norm learns, and it is the one in which the input
# survives, and different rows stay different. Post-norm can be trained: the Transformer of 2017
# was, with 6 layers, and a learning rate that begins near 0 and warms up. Xiong et al. (2020)
# worked out why it needs that, and pre-norm less. The price of pre-norm is the growing stream: in a
# stream that is large already, each further branch counts for less.
#
# ## Starting values, as GPT-2 has them
#
# That price can be lowered at the start. The paper of GPT-2 has it in one sentence: the weights at
# the ends of branches begin smaller by $1 / \sqrt{N}$, where $N$ is the number of branches. With
# $L$ blocks, $N = 2L$. What they add has then the variance $b^2 / 2L$, and $2L$ of them add $b^2$
# in all, in a model of any depth. All other matrices begin with a std of 0.02.
#
# ### Exercise 6: `starting_values` (medium, 10 minutes, 4 points)
#
# Say it yourself: for the `name` of a parameter, such as `"blocks.3.mlp.down.weight"`, and the
# number of `layers`, give the pair (mean, std) of its starting values. The names are those that you
# see below. Biases begin at 0, norms' weights at 1, neither at random.

# %%
tinyllm.manual_seed(0)
deep = Decoder(DecoderConfig(vocab_size=64, context_length=32, layers=32, heads=4, width=64))
print(f"{'name':<34}{'shape':<12}{'mean':>8}{'std':>10}")
for name, parameter in deep.named_parameters():
    if "blocks" not in name or "blocks.3." in name:
        numbers = parameter.detach().numpy()
        print(f"{name:<34}{numbers.shape!s:<12}{numbers.mean():8.3f}{numbers.std():10.5f}")
stds = {name: float(p.detach().numpy().std()) for name, p in deep.named_parameters()}
assert 0.0023 < stds["blocks.3.mlp.down.weight"] < 0.0027
assert 0.019 < stds["blocks.3.mlp.up.weight"] < 0.021
assert 0.02 / np.sqrt(64) == 0.0025


# %%
def starting_values(name, layers):
    ### BEGIN SOLUTION
    if name.endswith("bias"):
        return 0.0, 0.0
    if "norm" in name:
        return 1.0, 0.0
    if name.endswith(("attention.out.weight", "mlp.down.weight")):
        return 0.0, 0.02 / np.sqrt(2 * layers)
    return 0.0, 0.02
    ### END SOLUTION


# %%
check(starting_values)

# %% [markdown]
# This is how tinyllm does it:

# %%
print(inspect.getsource(Decoder.reset_parameters))

# %% [markdown]
# Does it do what it promises, in the real model, with attention and all? We run a text of random
# tokens through the 32 blocks, once as they are, and once with the ends of branches at 0.02.


# %%
def spreads_of(model):
    """Spread of the stream before the first block and after each."""
    ids = tinyllm.tensor(np.random.default_rng(3).integers(0, 64, size=(4, 32)))  # (B, T)
    with tinyllm.no_grad():
        x = model.token_embedding(ids) + model.position_embedding(tinyllm.arange(32))  # (B, T, C)
        found = [float(x.numpy().std())]
        for block in model.blocks:
            x = block(x)  # (B, T, C)
            found.append(float(x.numpy().std()))
    return found


scaled = spreads_of(deep)
with tinyllm.no_grad():
    for name, parameter in deep.named_parameters():
        if name.endswith(("attention.out.weight", "mlp.down.weight")):
            parameter.mul_(np.sqrt(64))
unscaled = spreads_of(deep)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(unscaled, color=ORANGE, lw=2, label="all weights at 0.02")
axes.plot(scaled, color=BLUE, lw=2, label="ends of branches at 0.02 / √64")
axes.set_ylim(0, None)
axes.set_xlabel("blocks passed")
axes.set_ylabel("spread of the stream")
axes.legend(frameon=False)
plt.show()
print(f"at first {scaled[0]:.3f}; after 32 blocks {scaled[-1]:.3f}, unscaled {unscaled[-1]:.3f}")
assert scaled[-1] < 1.3 * scaled[0]
assert unscaled[-1] > 3 * unscaled[0]

# %% [markdown]
# *Picture: spread of the stream against the blocks passed. With all weights at 0.02 it grows
# like a square root, fast at first, to six times what it was. With scaled ends it is nearly level.*
#
# ## The second branch: an MLP
#
# Attention mixes positions. But once its weights are worked out, all that it does to a vector is
# linear: a weighted mean, times a matrix. The **MLP** (multi-layer perceptron) is the other half.
# It works on each position by itself: up to $4C$ numbers, a nonlinearity, down to $C$. Two thirds
# of a block's weights are here: $4C \cdot C$ up and as many down, $8C^2$, against $3C^2 + C^2$ for
# attention.
#
# The nonlinearity of GPT-2 is **GELU**, a ReLU with the corner rounded off:
#
# $$\text{gelu}(h) = \tfrac{1}{2} h \left(1 + \tanh\left(\sqrt{2 / \pi} \, (h + 0.044715
# \, h^3)\right)\right)$$

# %%
h = np.linspace(-4, 3, 300)
figure, axes = plt.subplots(figsize=(5.5, 2.7), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(h, np.maximum(h, 0), color=QUIET, label="ReLU")
axes.plot(h, F.gelu(tinyllm.tensor(h), "tanh").numpy(), color=BLUE, lw=2, label="GELU")
axes.set_xlabel("h")
axes.legend(frameon=False)
plt.show()
block = deep.blocks[0]
C = 64
in_mlp = block.mlp.up.weight.numel() + block.mlp.down.weight.numel()
in_attention = block.attention.qkv.weight.numel() + block.attention.out.weight.numel()
print("weights of the MLP", in_mlp, "  of attention", in_attention)
assert (in_mlp, in_attention) == (8 * C**2, 4 * C**2)

# %% [markdown]
# *Picture: ReLU is 0 up to h = 0 and then rises straight. GELU follows it closely, dips a little
# below 0 around -0.8, and has no corner.*
#
# ### Exercise 7: `gelu_mlp` (medium, 10 minutes, 3 points)
#
# `x` is $(..., C)$. As in PyTorch, a weight is stored as (out, in): `w_up` $(4C, C)$, `w_down` $(C,
# 4C)$; with biases `b_up` $(4C)$ and `b_down` $(C)$.


# %%
def gelu_mlp(x, w_up, b_up, w_down, b_down):
    ### BEGIN SOLUTION
    h = x @ w_up.T + b_up  # (..., 4C)
    h = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
    return h @ w_down.T + b_down  # (..., C)
    ### END SOLUTION


# %%
check(gelu_mlp)

# %% [markdown]
# ## The whole block
#
# Everything is there. In tinyllm a block is this:

# %%
print(inspect.getsource(decoder_block.Block.forward))

# %% [markdown]
# `attention(y, x)` and `mlp(y, x)` add what they make of `y` to the stream `x`, so the two lines
# are $x + \text{attention}(\text{norm}_1(x))$ and then $x + \text{mlp}(\text{norm}_2(x))$. The
# second reads the stream after the first has added to it.
#
# ### Exercise 8: `my_block` (hard, 35 minutes, 8 points)
#
# Write it in NumPy. `x` is $(B, T, C)$; `p` is a dict of arrays under the names that you saw above,
# without the `blocks.3.`: `p["norm_1.weight"]`, `p["attention.qkv.weight"]` and so on;
# $\varepsilon$ is 0.00001 in both norms. `qkv` makes $3C$ numbers: $C$ for the queries of all heads
# side by side, then $C$ for the keys, then $C$ for the values. Each head has $D = C / H$ of them.
# The attention is causal. Your functions of this lesson serve, and so do `split_heads`,
# `join_heads` and `causal_attention` of lesson 07, if you copy them (with what they use) into the
# cell.


# %%
def my_block(x, p, heads):
    ### BEGIN SOLUTION
    def linear(x, name):
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)  # (B, H, T, D)

    n = my_layer_norm(x, p["norm_1.weight"], p["norm_1.bias"], 1e-5)  # (B, T, C)
    q, k, v = (split(part) for part in np.split(linear(n, "attention.qkv"), 3, axis=-1))
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (B, H, T, T)
    scores = np.where(np.tri(x.shape[1], dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    y = (weights @ v).swapaxes(1, 2).reshape(x.shape)  # (B, T, C)
    x = x + linear(y, "attention.out")
    n = my_layer_norm(x, p["norm_2.weight"], p["norm_2.bias"], 1e-5)
    layers = (p[f"mlp.{name}"] for name in ("up.weight", "up.bias", "down.weight", "down.bias"))
    return x + gelu_mlp(n, *layers)
    ### END SOLUTION


# %%
check(my_block)

# %% [markdown]
# Now hold it against the package's own block, weights and all. That one works with 32-bit numbers,
# yours with 64, so they should agree to about six digits. Below, the largest difference at each
# position.

# %%
if check(my_block).passed:
    p = {name: value.numpy().astype(np.float64) for name, value in block.state_dict().items()}
    x = rng.normal(size=(2, 32, 64))  # (B, T, C)
    with tinyllm.no_grad():
        theirs = block(tinyllm.tensor(x.astype(np.float32))).numpy()
    gap = np.abs(my_block(x, p, heads=4) - theirs).max(axis=(0, 2))  # (T,)
    figure, axes = plt.subplots(figsize=(6.5, 2.5), layout="constrained", facecolor=PAPER)
    dress(axes)
    axes.semilogy(gap, "o", color=BLUE)
    axes.set_ylim(1e-8, 1e-3)
    axes.set_xlabel("position")
    axes.set_ylabel("largest difference")
    plt.show()
    print("your block and tinyllm's differ by at most", gap.max())
    assert gap.max() < 1e-4
else:
    print("to do: exercise 8")

# %% [markdown]
# *Picture, once exercise 8 is done: the largest difference at each of 32 positions, on a
# logarithmic scale: all of them below a millionth.*
#
# A GPT-2 is: embeddings, $L$ of these blocks, one more norm, and a product with the table of
# embeddings. You have now written every part of it.
#
# ### An open question (10 minutes, for a teacher to read)
#
# Somebody proposes to save time: compute attention and the MLP of a block **side by side**, both
# from the same $\text{norm}(x)$, and add both, $x + \text{attention}(n) + \text{mlp}(n)$. (Some
# large models do so.) What is lost, what is gained, and does anything change in the growth of the
# stream at the start? And how would you find out whether the loss matters?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for what is lost: the MLP no longer sees what attention of the same block has found, it has to
# wait for the next block; 1 for what is gained: one norm in the place of two, and products that can
# run at the same time, or as one; 1 for the stream: still 2 L branches, whose variances add, so the
# same scale of 1 / √(2L); 1 for the test: train both with the same number of weights, the same data
# and several seeds, and compare losses at equal steps and at equal time.
#
# </details>
#
# ## What to remember
#
# - A norm gives each row one scale. Layer norm takes the mean off, RMS norm does not. Its gradient
#   stands upright on the row, and shrinks as the row grows.
# - Layers that replace multiply; layers that add, add. Pre-norm keeps the stream free of everything
#   but sums: $x + f(\text{norm}(x))$.
# - Healthy spreads are not enough. Something of the input must survive to the top.
# - GPT-2's start: 0.02, and $0.02 / \sqrt{2L}$ at the ends of branches, so that depth does not
#   matter.
# - A block: attention mixes positions, the MLP works on each by itself, and both add to the stream.
#
# ## Where next
#
# Lesson 09 puts blocks together to an encoder and a decoder. Lesson 11 asks how best to walk
# downhill with all these weights. To look further now, read `tinyllm/models/decoder.py` from top to
# bottom, which by now you can; Xiong et al. 2020, «On layer normalization in the Transformer
# architecture», [arXiv:2002.04745](https://arxiv.org/abs/2002.04745); He et al. 2015 on residual
# networks, [arXiv:1512.03385](https://arxiv.org/abs/1512.03385); and Zhang and Sennrich 2019 on RMS
# norm, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467).
