# %% [markdown]
# # 07 Softmax and attention
#
# **You will be able to** turn any scores into shares that sum to 1, without overflow; write
# attention by hand and say the shape at every step; hide the future with a mask; find the bug when
# a mask leaks; and write the backward of softmax.
#
# **You need** lesson 00 (NumPy broadcasting, the chain rule) and lesson 02 (what a backward is).
# **Time:** about 35 minutes of reading, and 115 of exercises.
#
# ## Why
#
# «The animal did not cross the street because **it** was too tired.» To read *it*, you look back,
# and what you look for decides where your eye stops. A network that turns each word into a vector
# has the same need: the vector of *it* should take something over from the vector of *animal*.
# Which word that is differs from sentence to sentence, so no fixed weight can do it. The weights
# have to be worked out from the words themselves, at the moment of reading.
#
# That is attention, and the paper that made it famous gives it in one line:
#
# $$\text{Attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# This lesson takes the line apart until nothing in it is a mystery: first the softmax, then the
# product, then the odd root, and at last the mask that the line does not show.
#
# Shapes have letters throughout: $T$ queries, $S$ keys, $D$ (the formula's $d_k$) the width of a
# query or a key, $D_v$ the width of a value, $B$ sequences in a batch, $H$ heads.

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, reveal
from tinyllm.kernels import attention as attention_kernel
from tinyllm.kernels.softmax import softmax as softmax_kernel
from tinyllm.nn.functional import scaled_dot_product_attention
from tinyllm.viz.style import BLUE, INK, ORANGE, PAPER, dress

rng = np.random.default_rng(7)


# %% [markdown]
# ## The idea in a picture
#
# Think of a library with a card for each book. You come with a question, the **query**. Each card
# carries a description, its **key**; behind it stands the book, its **value**. You compare your
# question with every description, which gives one number each, a **score**. A library would now
# hand you the one best book. Attention is softer: it gives you a mixture of all the books, mostly
# of those that fit.
#
# The softness is no ornament. «Take the best» has no useful derivative: move the query a little,
# and the choice stays the same or jumps. A mixture changes smoothly, so the network can learn
# which questions to ask.
#
# The picture below shows it with two queries and two keys. From left to right: scores; the shares
# that softmax makes of them (how, the next section works out by hand); and the mixture of values.


# %%
def heat(axes, matrix, title, digits=2):
    """Draw a matrix as coloured boxes with their numbers."""
    axes.imshow(matrix, cmap="viridis", aspect="auto")
    middle = (matrix.max() + matrix.min()) / 2
    for (row, column), number in np.ndenumerate(matrix):
        colour = INK if number > middle else PAPER
        axes.text(column, row, f"{number:.{digits}f}", ha="center", va="center", color=colour)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set_xticks(range(matrix.shape[1]))
    axes.set_yticks(range(matrix.shape[0]))


def softmax(x):
    """tinyllm's softmax over the last axis, for a NumPy array."""
    return tinyllm.softmax(tinyllm.tensor(x), -1).numpy()


q = np.array([[1.0, 0.0], [0.0, 3.0]])  # (T, D) = (2, 2)
k = np.array([[1.0, 0.0], [0.0, 1.0]])  # (S, D) = (2, 2)
v = np.array([[10.0], [20.0]])  # (S, Dv) = (2, 1)
scores = q @ k.T / np.sqrt(2)  # (T, S)
weights = softmax(scores)  # (T, S)
mixed = weights @ v  # (T, Dv)

# %%
figure, panels = plt.subplots(1, 3, figsize=(8, 2.4), layout="constrained", facecolor=PAPER)
for axes, matrix, name in zip(
    panels,
    (scores, weights, mixed),
    ("scores (T, S)", "shares (T, S)", "mixtures (T, Dv)"),
    strict=True,
):
    heat(axes, matrix, name)
    axes.set_ylabel("query")
panels[0].set_xlabel("key")
panels[1].set_xlabel("key")
panels[2].set_xlabel("column of the value")
plt.show()

# %% [markdown]
# *Picture: three small grids. Scores: 0.71 and 0 for query 0, 0 and 2.12 for query 1. Shares: 0.67
# and 0.33, then 0.11 and 0.89. Mixtures: 13.30 and 18.93, each between the values 10 and 20.*
#
# ## The smallest numeric example
#
# Follow query 0 with a pencil. It is $(1, 0)$; the keys are $(1, 0)$ and $(0, 1)$.
#
# 1. **Scores.** The dot products are 1 and 0. Divided by $\sqrt{2}$: 0.707 and 0.
# 2. **Exponentials.** $e^{0.707} = 2.028$ and $e^0 = 1$. Both are positive, whatever the scores
#    were.
# 3. **Shares.** Their sum is 3.028; divided by it: 0.670 and 0.330. Now they sum to 1.
# 4. **Mixture.** $0.670 \cdot 10 + 0.330 \cdot 20 = 13.30$.
#
# Query 1 is longer, and looks the other way: its scores are 0 and 2.12, and key 1 takes 0.893 of
# the whole. A longer query asks more sharply. On paper it never asks so sharply that a share
# becomes exactly 0.

# %%
print("exponentials", np.exp(scores[0]), "shares", weights[0], "mixture", mixed[0])
assert np.allclose(np.exp(scores[0]), [2.028, 1.0], atol=1e-3)
assert np.allclose(weights, [[0.670, 0.330], [0.107, 0.893]], atol=1e-3)
assert np.allclose(mixed[:, 0], [13.30, 18.93], atol=0.01)

# %% [markdown]
# ## Softmax, safely
#
# $$\text{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$
#
# Two facts about this formula carry the rest of the lesson. **Adding a number to every $x$ changes
# nothing**: $e^{x+c} = e^c e^x$, and $e^c$ stands above and below the line. **Only differences
# count**: a score that is larger by $\log 3 = 1.099$ gets three times the share, whether the two
# are 0 and 1.099 or 1000 and 1001.099.
#
# But a computer cannot work out $e^{1000}$: beyond about 709 a 64-bit number overflows to infinity
# (beyond 88 a 32-bit one), and infinity divided by infinity is NaN, «not a number». One NaN in a
# weight ruins a training run. The first fact is the way out: subtract the largest $x$ of each row
# before the exponential. The largest exponent is then 0, nothing overflows, and the sum is at
# least 1, so nothing is divided by 0.
#
# Here is tinyllm's own definition. It is the very text that runs when the compiled kernel (the same
# formula in machine code) is switched off. The lines on `x.size` serve arrays with nothing in them.

# %%
print(inspect.getsource(softmax_kernel.definition))

# %%
x = np.array([1000.0, 1000.0 + np.log(3)])
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp(x) / np.exp(x).sum()
print("naive", naive, "safe", softmax(x))
assert np.isnan(naive).all()
assert np.allclose(softmax(x), [0.25, 0.75])

# %% [markdown]
# The naive formula answers NaN twice; the safe one answers 0.25 and 0.75, three times the share as
# promised. Now three scores, and what becomes of their shares when we add to the scores or multiply
# them.

# %%
x = np.array([2.0, 1.0, 0.0])
changed = {"x": x, "x + 1000": x + 1000, "3 x": 3 * x, "x / 3": x / 3}
figure, panels = plt.subplots(
    1, 4, figsize=(9, 2.3), sharey=True, layout="constrained", facecolor=PAPER
)
for axes, (name, numbers) in zip(panels, changed.items(), strict=True):
    dress(axes)
    bars = axes.bar(range(3), softmax(numbers), color=BLUE)
    axes.bar_label(bars, fmt="%.2f", color=INK)
    axes.set_xticks(range(3), [f"{round(number, 2):g}" for number in numbers])
    axes.set_title(f"softmax({name})", loc="left", color=INK, fontsize=11)
panels[0].set_ylim(0, 1.1)
panels[0].set_ylabel("share")
plt.show()
assert np.allclose(softmax(x), [0.665, 0.245, 0.090], atol=1e-3)
assert np.allclose(softmax(x + 1000), softmax(x))
assert softmax(3 * x)[0] > 0.95
assert 0.4 < softmax(x / 3)[0] < 0.5

# %% [markdown]
# *Picture: four times three bars. The scores 2, 1, 0 have the shares 0.67, 0.24, 0.09, and so have
# 1002, 1001, 1000. The scores 6, 3, 0 have 0.95, 0.05, 0.00; the scores 0.67, 0.33, 0 have 0.45,
# 0.32, 0.23.*
#
# Adding changes nothing, multiplying does: it stretches the differences. Large scores are sharp,
# small ones make the shares even. Remember this; it is what the odd root will be about.
#
# ### Exercise 1: `my_softmax` (easy, 10 minutes, 4 points)
#
# Write softmax over the last axis of an array of any number of dimensions, $(..., S) \to (...,
# S)$. Large numbers must be safe, and what is $-\infty$ gets exactly 0 (you will need that to hide
# things). Leave `x` itself as it is.


# %%
def my_softmax(x):
    ### BEGIN SOLUTION
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
    ### END SOLUTION


# %%
check(my_softmax)

# %% [markdown]
# ### Exercise 2: `log_sum_exp` (medium, 10 minutes, 3 points)
#
# The logarithm of softmax's denominator, $\log \sum_j e^{x_j}$, has a life of its own: it is what
# the cross-entropy of lesson 10 needs, and the one number per row that tinyllm's attention keeps
# for the backward. Write it over the last axis, $(..., S) \to (...)$, for numbers of any size. A
# row of nothing but $-\infty$ gives $-\infty$, since the sum is 0.


# %%
def log_sum_exp(x):
    ### BEGIN SOLUTION
    largest = x.max(axis=-1, keepdims=True)
    largest = np.where(largest == -np.inf, 0.0, largest)
    with np.errstate(divide="ignore"):
        return largest[..., 0] + np.log(np.exp(x - largest).sum(axis=-1))
    ### END SOLUTION


# %%
check(log_sum_exp)

# %% [markdown]
# ### Exercise 3: `softmax_backward` (hard, 18 minutes, 5 points)
#
# Every $y$ of a row depends on every $x$ of it: raise $x_0$, and $y_0$ grows at the others'
# expense. By how much, small steps can measure.

# %%
x, step = np.array([2.0, 1.0, 0.0]), 1e-6
moves = step * np.eye(3)  # row i moves x_i alone
slopes = (softmax(x + moves) - softmax(x - moves)) / (2 * step)  # (S, S): row i, column j
figure, axes = plt.subplots(figsize=(4.6, 2.6), layout="constrained", facecolor=PAPER)
heat(axes, slopes, "slope of y_j for x_i", digits=3)
axes.set_xlabel("j: the share that changes")
axes.set_ylabel("i: the score that grows")
plt.show()
assert np.allclose(slopes[0], [0.223, -0.163, -0.060], atol=1e-3)
assert np.allclose(slopes.sum(axis=1), 0, atol=1e-8)

# %% [markdown]
# *Picture: a 3 by 3 table. On the diagonal 0.223, 0.185, 0.082; off it all is negative: -0.163
# between 0 and 1, -0.060 between 0 and 2, -0.022 between 1 and 2.*
#
# In row 0 the first share wins 0.223, and the other two lose just that: each row sums to 0, for the
# shares must go on summing to 1.
#
# You have $y = \text{softmax}(x)$ and `grad_y`, the gradient of the loss $L$ for $y$. Give the
# gradient for $x$, all of shape $(..., S)$. The chain rule goes along every way from $x_i$ to $L$,
# so it sums over $j$; and the table above is, on paper, the formula on the right:
#
# $$\frac{\partial L}{\partial x_i} = \sum_j \frac{\partial L}{\partial y_j}\,\frac{\partial y_j}
# {\partial x_i} \qquad\qquad \frac{\partial y_j}{\partial x_i} = y_j\,([i = j] - y_i)$$
#
# where $[i = j]$ is 1 if $i$ is $j$, and 0 if not. Put one into the other and simplify: the result
# needs no matrix. The cell below the check compares tinyllm's own answer with small steps, which is
# how you would test yours without a grader.


# %%
def softmax_backward(y, grad_y):
    ### BEGIN SOLUTION
    return y * (grad_y - (grad_y * y).sum(axis=-1, keepdims=True))
    ### END SOLUTION


# %%
check(softmax_backward)

# %%
x, grad_y, step = rng.normal(size=4), rng.normal(size=4), 1e-6
leaf = tinyllm.tensor(x, requires_grad=True)
tinyllm.softmax(leaf, -1).backward(tinyllm.tensor(grad_y))
moves = step * np.eye(4)  # row i moves x_i alone
by_steps = (softmax(x + moves) - softmax(x - moves)) @ grad_y / (2 * step)
print("by the tape ", leaf.grad.numpy(), "\nby steps    ", by_steps)
assert np.allclose(leaf.grad.numpy(), by_steps, rtol=0, atol=1e-8)
assert abs(by_steps.sum()) < 1e-8

# %% [markdown]
# The two agree to seven digits after the point and more. Notice too that the gradient sums to 0. It
# must: adding the same number to all $x$ changes nothing, so there is nothing to gain in that
# direction.
#
# ## Attention is four lines
#
# With softmax in hand, the formula reads like a recipe. Scores: $(T, D) \cdot (D, S) \to (T, S)$.
# Divide by the root. Softmax along the keys: still $(T, S)$. Times the values, $(S, D_v)$: that
# gives $(T, D_v)$. There are as many outputs as queries, each as wide as a value. $S$ disappears: a
# query may look at ten keys or ten thousand, and what it gets has the same size.
#
# These are the helpers by which tinyllm defines its kernel. Read the line `scores = (q @ ...)`,
# where `scale` is $1/\sqrt{D}$, and then how `_weights` subtracts the maximum. What they do about
# masks comes below. `groups` is for models in which several queries share a key: pass over it.

# %%
print(inspect.getsource(inspect.getmodule(attention_kernel.definition)._scores))
print(inspect.getsource(inspect.getmodule(attention_kernel.definition)._weights))

# %% [markdown]
# ### Exercise 4: `attention` (medium, 15 minutes, 5 points)
#
# Write the formula for `q` $(..., T, D)$, `k` $(..., S, D)$ and `v` $(..., S, D_v)$. $T$ and $S$
# may differ, and there may be more axes in front (a batch, and heads, which come at the end of this
# lesson), so `k.T` will not do. You may use your `my_softmax`.


# %%
def attention(q, k, v):
    ### BEGIN SOLUTION
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (..., T, S)
    return my_softmax(scores) @ v  # (..., T, Dv)
    ### END SOLUTION


# %%
check(attention)

# %% [markdown]
# ## An experiment: what is the root for?
#
# Let all $D$ numbers of a query and of a key be independent, with mean 0 and variance 1. Their dot
# product is a sum of $D$ products with variance 1 each, so its own variance is $D$, and its spread,
# the standard deviation, is $\sqrt{D}$. The wider the vectors, the farther apart the scores; and
# softmax, which counts differences, grows sharp. But does that matter? It might come out otherwise:
# perhaps 16 keys are so many that no single one ever takes all, or the division makes the shares so
# even that attention hardly chooses. We measure.
#
# ### Predict, then run (5 minutes)
#
# Draw a query and 16 keys at random with $D = 256$. **Without** the root, how large is the largest
# of the 16 shares on average? (Even shares would be 0.0625 each.) Put your guess, a number between
# 0 and 1, below. The next cell shows the answer only when there is a guess.

# %%
my_prediction = None
### BEGIN SOLUTION
my_prediction = 0.8
### END SOLUTION


# %%
def largest_share(D, scale, repeats=300, keys=16):
    """The largest of the shares that random queries give to random keys, on average."""
    q, k = rng.normal(size=(repeats, 1, D)), rng.normal(size=(repeats, keys, D))
    shares = softmax(q @ k.swapaxes(-1, -2) * scale)  # (repeats, 1, keys)
    return float(shares.max(axis=-1).mean())


answer = largest_share(256, scale=1.0)
reveal("07", "largest share without the root", my_prediction, answer)

# %%
widths = [1, 4, 16, 64, 256, 1024]
bare = [largest_share(D, 1.0) for D in widths]
rooted = [largest_share(D, D**-0.5) for D in widths]
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(widths, bare, "o-", color=ORANGE, label="without the root")
axes.plot(widths, rooted, "s-", color=BLUE, label="divided by √D")
axes.set_xscale("log", base=4)
axes.set_xticks(widths, [str(D) for D in widths])
axes.set_ylim(0, 1)
axes.set_xlabel("D, the width of queries and keys")
axes.set_ylabel("largest share of 16")
axes.legend(frameon=False)
plt.show()
assert 0.15 < bare[0] < 0.25
assert 0.85 < answer < 0.97
assert bare[-1] > 0.9
assert all(0.15 < share < 0.4 for share in rooted)

# %% [markdown]
# *Picture: largest share against D. Without the root the line climbs from about 0.2 to above 0.9;
# with the root it stays level, between 0.15 and 0.4, at every width.*
#
# Without the root, attention at the start of training has made up its mind before it has learnt
# anything: above 0.9 for one key, chosen by chance. Worse, it can hardly change its mind. The
# slopes of exercise 3 are $y_i (1 - y_i)$ and $-y_i y_j$: with one share near 1 and the rest near
# 0, all of them are near 0. How near, we can measure too: the gradient that arrives at the scores,
# when a random gradient of spread 1 comes down to the shares.

# %%
draw = np.random.default_rng(77)


def gradient_at_scores(D, scale, repeats=2000, keys=16):
    """The median length of the gradient for a row of scores, by tinyllm's tape."""
    q, k = draw.normal(size=(repeats, 1, D)), draw.normal(size=(repeats, keys, D))
    scores = tinyllm.tensor(q @ k.swapaxes(-1, -2) * scale, requires_grad=True)
    tinyllm.softmax(scores, -1).backward(tinyllm.tensor(draw.normal(size=scores.shape)))
    return float(np.median(np.linalg.norm(scores.grad.numpy(), axis=-1)))


few = [1, 4, 16, 64, 256]
bare = [gradient_at_scores(D, 1.0) for D in few]
rooted = [gradient_at_scores(D, D**-0.5) for D in few]
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(few, bare, "o-", color=ORANGE, label="without the root")
axes.plot(few, rooted, "s-", color=BLUE, label="divided by √D")
axes.set_xscale("log", base=4)
axes.set_xticks(few, [str(D) for D in few])
axes.set_ylim(0, 0.45)
axes.set_xlabel("D, the width of queries and keys")
axes.set_ylabel("length of the gradient")
axes.legend(frameon=False)
plt.show()
print("at a width of 256: without the root", round(bare[-1], 3), " with it", round(rooted[-1], 3))
assert bare[-1] < 0.01
assert all(0.2 < length < 0.4 for length in rooted)

# %% [markdown]
# *Picture: length of the gradient against D. With the root the line stays level, near 0.27. Without
# it the line begins there too, and falls from a width of 16 on, to almost 0 at 256.*
#
# At a width of 256 half of all queries get a gradient shorter than 0.01. The root keeps the choice
# open at every width, and the gradient alive. It is a matter of the start: a trained model may
# still become as sharp as it likes, by making its queries longer.
#
# ## Masks: what may not be seen
#
# A model that predicts the next word is trained on all positions of a sentence at once. Position
# $t$ must then not see what comes after it, or it could simply copy its answer. So query $t$ may
# look at keys $0 \ldots t$: a **causal mask**, a triangle of $T \times T$ in which True means «may
# look».
#
# Where does it act? Before the softmax: a forbidden score becomes $-\infty$, and $e^{-\infty}$ is
# exactly 0. The allowed keys then share the whole 1 among themselves. Two tempting mistakes are
# drawn beside it.

# %%
T = 4
scores = rng.normal(size=(T, T))
rows = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
may_look = np.array(rows, dtype=bool)  # (T, T), row t: True for 0 .. t
right = softmax(np.where(may_look, scores, -np.inf))
zeros = softmax(np.where(may_look, scores, 0.0))
late = np.where(may_look, softmax(scores), 0.0)
figure, panels = plt.subplots(1, 3, figsize=(9.5, 3), layout="constrained", facecolor=PAPER)
for axes, matrix, name in zip(
    panels,
    (right, zeros, late),
    ("-inf before", "0 before (wrong)", "0 after (wrong)"),
    strict=True,
):
    heat(axes, matrix, name)
    axes.set_xlabel("key")
    axes.set_ylabel("query")
plt.show()
print("sums of rows:", right.sum(-1), zeros.sum(-1), late.sum(-1))
assert np.allclose([right.sum(-1), zeros.sum(-1)], 1)
assert (zeros[~may_look] > 0.1).all()
assert late[0].sum() < 0.6

# %% [markdown]
# *Picture: three 4 by 4 grids of shares. With -inf the upper triangle is 0.00, and the sum of each
# row is 1. With 0 in its place the upper triangle has shares between 0.1 and 0.3. With the mask
# after the softmax the triangle is 0, but the first row holds just 0.52 in all.*
#
# A score of 0 is a score like any other: the future keeps a share of more than 0.1 everywhere.
# Masking after the softmax hides the future's values, but its scores have already taken their part
# of the sum: query 0 is left with about half of its 1.
#
# ### Exercise 5: `causal_mask` (easy, 4 minutes, 2 points)
#
# Give the mask $(T, T)$ of True and False.


# %%
def causal_mask(T):
    ### BEGIN SOLUTION
    return np.tri(T, dtype=bool)
    ### END SOLUTION


# %%
check(causal_mask)

# %% [markdown]
# ### Exercise 6: `masked_attention` (hard, 18 minutes, 6 points)
#
# Masks have a second use. The sentences of a batch differ in length, so the shorter ones are filled
# up with **padding**, words that are none and that nobody may look at. One row for each sentence
# says which keys are real, for every query alike. It broadcasts, and `&` joins it with the causal
# mask.

# %%
real = np.array([True, True, True, False])  # (S,): the last place is padding
masks = (np.broadcast_to(real, (4, 4)), may_look, may_look & real)  # (T, S) each
figure, panels = plt.subplots(1, 3, figsize=(8, 2.6), layout="constrained", facecolor=PAPER)
for axes, mask, name in zip(panels, masks, ("padding", "causal", "both"), strict=True):
    heat(axes, mask.astype(float), name, digits=0)
    axes.set_xlabel("key")
    axes.set_ylabel("query")
plt.show()
assert [int(mask.sum()) for mask in masks] == [12, 10, 9]

# %% [markdown]
# *Picture: three 4 by 4 masks, 1 for «may look». Padding: the column of key 3 is 0, the rest 1.
# Causal: the lower triangle with its diagonal is 1. Both: as causal, and key 3 is hidden from query
# 3 too.*
#
# Write attention with any mask that broadcasts to the scores $(..., T, S)$; True means «may look».
# The padding of a whole batch comes as $(B, 1, 1, S)$, to serve all heads and queries. And there is
# a trap: a query that may look at nothing. Its row is all $-\infty$; give it 0, and no NaN.


# %%
def masked_attention(q, k, v, mask):
    ### BEGIN SOLUTION
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (..., T, S)
    scores = np.where(mask, scores, -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(largest == -np.inf, 0.0, largest))
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0.0, 1.0, total) @ v
    ### END SOLUTION


# %%
check(masked_attention)

# %% [markdown]
# ### Exercise 7: find the bug (medium, 12 minutes, 4 points)
#
# A colleague's model predicts the next word, and learns wonderfully: its loss (small is good) falls
# almost to 0. Yet what it writes is nonsense. The cell below changes the last position of a
# sequence and looks at which outputs move. Only the last should. Find out why, and write
# `causal_attention` without the bug.


# %%
def leaking_attention(q, k, v):
    T, D = q.shape[-2:]
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(D)  # (..., T, T)
    may_look = np.tri(T, T, 1, dtype=bool)
    scores = np.where(may_look, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return weights @ v


x = rng.normal(size=(5, 4))  # (T, D): queries, keys and values at once
other = x.copy()
other[-1] += 1.0
moved = np.abs(leaking_attention(other, other, other) - leaking_attention(x, x, x)).max(axis=-1)
print("moved by", moved.round(3))
assert (moved[:3] == 0).all()
assert moved[4] > moved[3] > 0.01

# %%
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar(range(5), moved, color=[BLUE, BLUE, BLUE, ORANGE, BLUE])
axes.set_xlabel("position of the output")
axes.set_ylabel("moved by")
plt.show()

# %% [markdown]
# *Picture: five bars, one for each output. Outputs 0, 1 and 2 do not move. Output 4, which may see
# the change, moves most. Output 3, in orange, moves too, though what changed comes after it.*


# %%
def causal_attention(q, k, v):
    ### BEGIN SOLUTION
    T, D = q.shape[-2:]
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(D)
    scores = np.where(np.tri(T, dtype=bool), scores, -np.inf)
    return my_softmax(scores) @ v
    ### END SOLUTION


# %%
check(causal_attention)

# %% [markdown]
# ## Several heads
#
# One softmax gives one set of shares, so a position can look for one thing at a time. To look for
# several, cut each vector of width $C$ into $H$ **heads** of width $D = C / H$, let each attend by
# itself, and put the results side by side: $(B, T, C) \to (B, H, T, D)$, attention, and back.
#
# A reshape never moves a number in memory, so $(B, T, C)$ is first cut into $(B, T, H, D)$; then
# the axes $T$ and $H$ change places. A reshape straight to $(B, H, T, D)$ has the right shape and
# the wrong numbers, and nothing will complain. The colours below show which position each number
# came from.

# %%
positions = np.repeat(np.arange(4.0), 4).reshape(1, 4, 4)  # (B, T, C), filled with t
cut = positions.reshape(1, 4, 2, 2).transpose(0, 2, 1, 3)  # (B, H, T, D)
wrong = positions.reshape(1, 2, 4, 2)
figure, panels = plt.subplots(1, 2, figsize=(6.5, 3), layout="constrained", facecolor=PAPER)
heat(panels[0], cut[0, 0], "head 0: cut, then transposed", digits=0)
heat(panels[1], wrong[0, 0], "head 0: reshape alone", digits=0)
for axes in panels:
    axes.set_xlabel("column of the head")
    axes.set_ylabel("position")
plt.show()
assert (cut[0, 0] == np.arange(4.0)[:, None]).all()
assert wrong.max() == 3
assert wrong[0, 0].max() == 1

# %% [markdown]
# *Picture: two grids of 4 positions by 2 columns. On the left row t holds the number t, as it
# should. On the right the rows hold 0, 0, 1, 1: head 0 has only the first two positions, twice.*
#
# ### Exercise 8: `split_heads` (medium, 10 minutes, 3 points)
#
# Cut `x` $(B, T, C)$ into `heads` heads: $(B, H, T, D)$ with $D = C / H$. Head 0 takes the first
# $D$ numbers of each vector, head 1 the next $D$, and so on.


# %%
def split_heads(x, heads):
    ### BEGIN SOLUTION
    B, T, C = x.shape
    return x.reshape(B, T, heads, C // heads).transpose(0, 2, 1, 3)
    ### END SOLUTION


# %%
check(split_heads)

# %% [markdown]
# ### Exercise 9: `join_heads` (easy, 4 minutes, 2 points)
#
# The way back, $(B, H, T, D) \to (B, T, C)$, in one line.


# %%
def join_heads(x):
    ### BEGIN SOLUTION
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)
    ### END SOLUTION


# %%
check(join_heads)

# %% [markdown]
# ## By kernel
#
# `scaled_dot_product_attention` is the same formula, compiled. Its speed has one more source: it
# never holds all $T \times S$ scores. It works through a block of queries at a time and keeps one
# number for each row, the `log_sum_exp` of exercise 2, from which the backward makes the shares
# anew. For 4,096 positions the scores of one head would take 64 MB in 32-bit numbers; the numbers
# that are kept take 16 kB.

# %%
q, k, v = (rng.normal(size=(2, 4, 32, 8)) for _ in range(3))  # (B, H, T, D)
fast = scaled_dot_product_attention(*map(tinyllm.tensor, (q, k, v)), is_causal=True).numpy()
scores = np.where(np.tri(32, dtype=bool), q @ k.swapaxes(-1, -2) / np.sqrt(8), -np.inf)
by_hand = softmax(scores) @ v
print("largest difference", np.abs(fast - by_hand).max())
assert np.abs(fast - by_hand).max() < 1e-12
assert 4096**2 * 4 == 64 * 2**20
assert 4096 * 4 == 16 * 2**10

# %% [markdown]
# ### An open question (10 minutes, for a teacher to read)
#
# Attention without a mask does not know the order of its keys: shuffle keys and values together,
# and every output stays the same. Say why, from the formula; say what this means for «dog bites
# man»; and propose a mend. Is a causal mask alone a mend?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for the reason (a sum over keys does not depend on their order); 1 for the consequence (each
# word's output is the same in «man bites dog»); 1 for a mend (vectors of position added to or
# turned into queries and keys); 1 for seeing that a causal mask does tell something of the order,
# because position t sees t + 1 keys, though not for the keys within one row.
#
# </details>
#
# ## What to remember
#
# - Softmax makes shares of scores. Only differences count, so take the maximum off.
# - Its backward is $y\,(g - \sum g\,y)$: one dot product per row.
# - Attention: $(T, D), (S, D), (S, D_v) \to (T, D_v)$; softmax runs along the keys.
# - $\sqrt{D}$ keeps the choice open at the start, whatever the width.
# - A mask acts before the softmax, as $-\infty$. Off by one, it leaks the answer.
# - Heads: cut first, then transpose.
#
# ## Where next
#
# Lesson 08 builds a Transformer block around attention. Lesson 10 asks what a model's shares are
# worth when the right word is known: likelihood, cross-entropy and perplexity, with your
# `log_sum_exp` at the heart of it. To look further now, read `tinyllm/kernels/attention.py`, and
# Vaswani et al. 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), section 3.2.
