# %% [markdown]
# # 10 Maximum likelihood, cross-entropy, perplexity
#
# **You will be able to** say what a model's prediction of a text is worth, in one number; write
# cross-entropy from logits and its gradient; say how low a loss can fall, and why not to 0; turn a
# loss into perplexity and bits per byte; find the mistakes by which such numbers come out too
# good; and build a GPT of your own parts, with every gradient by hand, that learns a small world
# and shows what surprises it.
#
# **You need** lesson 07 (softmax and your `log_sum_exp`), lesson 02 (what a backward is), and what
# a logarithm does to a product; for the project lesson 08 too. **Time:** about 50 minutes of
# reading, and 125 of exercises. The project at the end takes 110 more.
#
# ## Why
#
# A language model reads some words and gives every word of its vocabulary a share: how likely is
# it to come next? Two models give different shares. Which is the better one? Asking for the word
# with the largest share will not do: after «She lived in» there are a hundred good words, and only
# one of them stands in your text.
#
# So let each model bet. Show both a text that they have not seen, word by word, and look at the
# share that each had given to the word that did come. The text itself decides: the better model is
# the one that found it more **likely**.
#
# This one idea has three names. To train by it, make the real text as likely as possible: that is
# **maximum likelihood**. Written as a loss, it is the **cross-entropy**:
#
# $$L = -\sum_i y_i \log \hat y_i$$
#
# And as a measure of a model it is the **perplexity**. At the end of this lesson you will see a
# model learn until it meets a floor that nobody can pass, and you will know where that floor lies
# before it gets there.
#
# Letters: $N$ tokens, $V$ words in the vocabulary, $B$ texts in a batch, $T$ positions in each.

# %%
import inspect
import math
import re
from collections import Counter
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import Grammar, World, log_prob, next_character, next_word, stories
from tinyllm.generation import inference
from tinyllm.kernels.cross_entropy import cross_entropy as cross_entropy_kernel
from tinyllm.metrics import perplexity
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.optim import AdamW
from tinyllm.viz import LiveLoss
from tinyllm.viz.style import BLUE, INK, ORANGE, PAPER, QUIET, dress

rng = np.random.default_rng(10)

# %% [markdown]
# ## The idea in a picture
#
# You toss a bent coin ten times and see seven heads, in some order. How bent is it? Say that heads
# has the share $p$. The tosses do not know of each other, so their shares multiply, and what you
# saw had the probability $p^7 (1 - p)^3$.
#
# The tosses are done and will not change; what you do not know is $p$. Read as a function of $p$,
# the same formula is called the **likelihood**. It says how well each coin explains what you saw.


# %%
def coin(p):
    """The likelihood of seven heads and three tails."""
    return p**7 * (1 - p) ** 3


p = np.linspace(0.001, 0.999, 999)
figure, panels = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained", facecolor=PAPER)
for axes, curve, name in zip(
    panels, (coin(p), np.log(coin(p))), ("likelihood", "log-likelihood, nats"), strict=True
):
    dress(axes)
    axes.plot(p, curve, color=BLUE)
    axes.axvline(0.7, color=ORANGE, linestyle="--")
    axes.set_xlabel("p, the share of heads")
    axes.set_title(name, loc="left", color=INK, fontsize=11)
panels[1].set_ylim(-20, 0)
plt.show()
assert abs(p[coin(p).argmax()] - 0.7) < 1e-9
assert p[np.log(coin(p)).argmax()] == p[coin(p).argmax()]
print("coin(0.7) / coin(0.5) =", coin(0.7) / coin(0.5), "  area", coin(p).sum() * 0.001)
assert 2.2 < coin(0.7) / coin(0.5) < 2.3
assert abs(coin(p).sum() * 0.001 - 1 / 1320) < 1e-7

# %% [markdown]
# *Picture: two curves over p from 0 to 1. Left, the likelihood: a hill with its top at 0.7, where a
# dashed line stands. Right, its logarithm: a flatter hill, falling steeply at both ends, with its
# top at the same place.*
#
# The coin that explains it best has $p = 0.7$, just the share of heads that you saw. A fair coin
# explains it too, but 2.3 times worse. A likelihood is no distribution over $p$. The area under the
# hill is 1/1320, not 1.
#
# The logarithm has its top at the same place, because a logarithm keeps the order of numbers.
#
# ## The smallest numeric example
#
# Two models read a text of four words. The shares that they gave to the words that came:
#
# | | word 1 | word 2 | word 3 | word 4 |
# |---|---|---|---|---|
# | model A | 1/2 | 1/4 | 1/2 | 1/8 |
# | model B | 0.3 | 0.3 | 0.3 | 0.3 |
#
# 1. **Multiply.** Each share is that of a word *given the words before it*, so the product is the
#    probability of the whole text. A: $1/128 = 0.0078$. B: $0.3^4 = 0.0081$.
# 2. **Take logarithms.** $-\log(1/128) = 7 \log 2 = 4.85$, and $-4 \log 0.3 = 4.82$. These are
#    **nats**, the unit of the natural logarithm. By the logarithm to base 2 they are **bits**: 7
#    for A. One bit is $\log 2 = 0.693$ nats, the price of a fair coin's toss.
# 3. **Divide by the four words.** 1.213 and 1.204 nats per word. That is the **loss**.
#
# B wins by a hair, though A had more faith in two of the words: the share of 1/8 at the fourth
# took it all back.
#
# Why logarithms? Because a product of many shares is smaller than any number that a computer
# holds. At 0.3 for each word, a text of 700 words is as good as impossible, 0.0. The sum of its
# logarithms is an everyday number. And a sum has a second grace: its derivative is the sum of the
# terms' derivatives, so each word of a text can teach a model by itself.

# %%
a, b = np.array([1 / 2, 1 / 4, 1 / 2, 1 / 8]), np.full(4, 0.3)
for name, given in (("A", a), ("B", b)):
    nats = -np.log(given).sum()
    print(f"model {name}: product {given.prod():.4f}, {nats:.2f} nats, {nats / 4:.3f} per word")
assert a.prod() == 1 / 128
assert np.isclose(-np.log2(a).sum(), 7)
assert np.allclose([-np.log(a).mean(), -np.log(b).mean()], [1.213, 1.204], atol=5e-4)
print("700 words:", np.full(700, 0.3).prod(), "or", -np.log(np.full(700, 0.3)).sum(), "nats")
assert np.full(700, 0.3).prod() == 0.0

# %% [markdown]
# ## The price of a word
#
# So the price of one word is $-\log$ of the share that it was given. In the formula above,
# $\hat y$ are the model's $V$ shares, and $y$ is **one-hot**: 1 for the word that came, 0 for the
# other $V - 1$. All terms of the sum but one are 0, and what remains is $-\log \hat y_{target}$.
# (Some books call the sum's upper end the number of samples. Read it as the $V$ words, at one
# position; the mean over positions comes on top.) To make the sum of the prices small is to make
# the text likely: training by cross-entropy **is** maximum likelihood.

# %%
shares = np.array([0.7, 0.2, 0.1])  # (V,)
one_hot = np.array([0.0, 0.0, 1.0])  # (V,): word 2 came
print("by the sum", -(one_hot * np.log(shares)).sum(), "  by its one term", -np.log(shares[2]))
assert np.isclose(-(one_hot * np.log(shares)).sum(), 2.3026, atol=1e-4)

share = np.linspace(0.004, 1, 400)
figure, axes = plt.subplots(figsize=(6.5, 2.7), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(share, -np.log(share), color=BLUE)
for s in (1.0, 0.5, 0.1, 0.01):
    cost = np.log(1 / s)
    axes.plot(s, cost, "o", color=ORANGE)
    axes.annotate(f"{s:g}: {cost:.2f}", (s, cost), (7, 3), textcoords="offset points", color=INK)
axes.set_xlim(-0.02, 1.12)
axes.set_xlabel("share that was given to the word that came")
axes.set_ylabel("price in nats")
plt.show()

# %% [markdown]
# *Picture: the price against the share. It is 0 at a share of 1, 0.69 at 0.5, 2.30 at 0.1, 4.61 at
# 0.01, and rises without end as the share goes to 0.*
#
# A share of 1 for the word that came costs nothing. Each time the share shrinks to a tenth, the
# price grows by 2.30 nats. And to say «never» of what then comes costs infinitely much.
#
# ### Exercise 1: `token_losses` (easy, 6 minutes, 3 points)
#
# `shares` is $(N, V)$, and `targets` $(N)$ holds the ids of the words that came. Give the price of
# each in nats, $(N)$.


# %%
def token_losses(shares, targets):
    ### BEGIN SOLUTION
    return -np.log(shares[np.arange(len(targets)), targets])
    ### END SOLUTION


# %%
check(token_losses)

# %% [markdown]
# ## The likeliest table is that of the counts
#
# The coin's best $p$ was the share of heads. Is that always so? Take a die with $V$ faces,
# thrown $N$ times, face $v$ coming with frequency $f_v$. The mean log-likelihood of shares $q$ is
# $\sum_v f_v \log q_v$. Compare any $q$ with $q = f$. One fact about logarithms is enough, $\log x
# \le x - 1$, with equality only at $x = 1$:
#
# $$\sum_v f_v \log q_v - \sum_v f_v \log f_v = \sum_v f_v \log \frac{q_v}{f_v} \le \sum_v f_v
# \left(\frac{q_v}{f_v} - 1\right) \le 1 - 1 = 0$$
#
# (The sums run over the faces that came; their $q_v$ sum to 1 at most.) No $q$ does better than the
# frequencies, and only $f$ itself does as well. Below are 5,000 dice that look much like what was
# thrown.

# %%
counts = np.array([14, 6, 9, 12, 3, 16])  # of 60 throws
f = counts / counts.sum()  # (V,)
dice = rng.dirichlet(counts + 1, size=5000)  # (5000, V), each near the counts
likelihoods = np.log(dice) @ f  # (5000,): mean log-likelihood, nats per throw
best = np.log(f) @ f
figure, axes = plt.subplots(figsize=(6.5, 2.5), layout="constrained", facecolor=PAPER)
dress(axes)
axes.hist(likelihoods, bins=60, color=BLUE)
axes.axvline(best, color=ORANGE, label="the counts themselves")
axes.set_xlabel("mean log-likelihood of the 60 throws, nats per throw")
axes.set_ylabel("dice")
axes.legend(frameon=False, loc="upper left")
plt.show()
print("the best of 5,000:", likelihoods.max(), "  the counts:", best)
assert likelihoods.max() < best < likelihoods.max() + 0.01

# %% [markdown]
# *Picture: a histogram of 5,000 log-likelihoods that climbs towards an orange line at its right
# edge, and ends there. No die lies beyond the line.*
#
# A **bigram table** is a language model made of dice, one for each word: row $a$ holds the shares
# of the words that come after $a$. By the same proof the likeliest table is found by counting
# pairs. No gradient, no learning rate, one pass over the text. A network that sees only the last
# word can at best learn this table.

# %%
line = "the cat saw the dog . the dog saw the mouse . a cat saw a mouse ."
text = line.split(" ")
words = sorted(set(text))
pairs, firsts = Counter(pairwise(text)), Counter(text[:-1])
table = np.array([[pairs[one, other] / firsts[one] for other in words] for one in words])  # (V, V)
figure, axes = plt.subplots(figsize=(5, 3.1), layout="constrained", facecolor=PAPER)
axes.imshow(table, cmap="viridis", aspect="auto")
for (row, column), number in np.ndenumerate(table):
    colour = INK if number > 0.5 else PAPER
    axes.text(column, row, f"{number:.2f}", ha="center", va="center", color=colour, fontsize=9)
axes.set_xticks(range(len(words)), words)
axes.set_yticks(range(len(words)), words)
axes.set_xlabel("next word")
axes.set_ylabel("word before")
plt.show()
assert np.allclose(table.sum(axis=1), 1)
assert table[words.index("saw"), words.index("the")] == 2 / 3
assert table[words.index("mouse"), words.index(".")] == 1

# %% [markdown]
# *Picture: a 7 by 7 table of shares. The row of «saw» holds 0.67 under «the» and 0.33 under «a»;
# the row of «mouse» holds 1.00 under the full stop, and 0.00 everywhere else.*
#
# Look at the zeros. «The mouse saw the cat» would be impossible for this table, and one zero makes
# the whole text impossible. What is likeliest for the text that was counted may be far too sure
# for the next one. Keep that in mind.
#
# ### Exercise 2: `bigram_table` (medium, 12 minutes, 4 points)
#
# From `ids`, the word numbers of one text $(N)$, make the table $(V, V)$. A word that nothing ever
# follows has no counts; give each word $1/V$ there. Beware of `counts[rows, columns] += 1`: where a
# pair of indices comes twice, NumPy adds only once.


# %%
def bigram_table(ids, V):
    ### BEGIN SOLUTION
    counts = np.zeros((V, V))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, 1), 1 / V)
    ### END SOLUTION


# %%
check(bigram_table)

# %% [markdown]
# ## The floor: entropy
#
# Suppose that the text truly comes from shares $p$, and a model predicts shares $q$. In the long
# run the price per word is the **cross-entropy**, the mean price under the truth:
#
# $$H(p, q) = -\sum_v p_v \log q_v$$
#
# The proof above needs no change but of letters, $p$ for $f$. It says that $H(p, q)$ is smallest
# when $q = p$, and then it is the **entropy** $H(p) = -\sum_v p_v \log p_v$: how unsure the text
# itself is. What a model pays beyond it has a name of its own, the **Kullback-Leibler divergence**,
# and is never negative:
#
# $$H(p, q) = H(p) + \text{KL}(p \,\|\, q), \qquad \text{KL}(p \,\|\, q) = \sum_v p_v
# \log\frac{p_v}{q_v} \ge 0$$
#
# Two parts of a loss, then: one that no model can remove, and one that training works on.

# %%
truth = np.array([0.7, 0.3])
q = np.linspace(0.02, 0.98, 481)
cross = -(truth[0] * np.log(q) + truth[1] * np.log(1 - q))
entropy = -(truth * np.log(truth)).sum()
figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(q, cross, color=BLUE, label="cross-entropy H(p, q)")
axes.axhline(entropy, color=ORANGE, label="entropy H(p)")
axes.fill_between(
    q, entropy, cross, color=BLUE, alpha=0.15, linewidth=0, label="the gap: KL(p ‖ q)"
)
axes.set_ylim(0, 2.2)
axes.set_xlabel("q, the share that the model gives to heads (the truth is 0.7)")
axes.set_ylabel("nats per toss")
axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(0.85, 1))
plt.show()
print("entropy", entropy, "  lowest cross-entropy", cross.min(), "at q =", q[cross.argmin()])
assert abs(entropy - 0.611) < 1e-3
assert abs(cross.min() - entropy) < 1e-9
assert abs(q[cross.argmin()] - 0.7) < 1e-9
assert 0.08 < cross[np.isclose(q, 0.5)][0] - entropy < 0.083

# %% [markdown]
# *Picture: the cross-entropy as a bowl over q. It touches the level line of the entropy, 0.61, at q
# = 0.7 and nowhere else. The gap between is shaded: small near 0.7, large at both ends.*
#
# A model of this coin that says 0.5 pays 0.08 nats too much per toss. One that says 0.7 pays 0.611
# nats, and cannot do better, though it is as right as can be. A loss of 0 is for texts without
# surprise.
#
# ### Exercise 3: `entropy_and_divergence` (medium, 12 minutes, 4 points)
#
# For `p` and `q` $(..., V)$ give the pair $H(p)$ and $\text{KL}(p \,\|\, q)$ in nats, each $(...)$.
# Where $p_v$ is 0, the term is 0. Where $q_v$ is 0 and $p_v$ is not, the divergence is infinite,
# and rightly so.


# %%
def entropy_and_divergence(p, q):
    ### BEGIN SOLUTION
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(p > 0, p * np.log(p), 0.0)
        cross = np.where(p > 0, p * np.log(q), 0.0)
    return -own.sum(axis=-1), (own - cross).sum(axis=-1)
    ### END SOLUTION


# %%
check(entropy_and_divergence)

# %% [markdown]
# ## From logits, safely
#
# A network gives no shares but logits $x$, and softmax makes shares of them. Put one into the
# other, and do it on paper:
#
# $$-\log \frac{e^{x_{target}}}{\sum_j e^{x_j}} = \log \sum_j e^{x_j} - x_{target}$$
#
# The loss is log-sum-exp less one logit. This is more than a neat form. A safe softmax still
# rounds a small share to 0, in 32 bits below about $e^{-104}$; its logarithm is then $-\infty$, the
# loss infinite, the gradient NaN. The right-hand side never forms the share, so nothing is lost.
# Below, the right word's logit is 120 less than the other's, so the loss should be 120.

# %%
logits = np.array([[0.0, 120.0]], dtype=np.float32)  # (N, V): the right word is far below
shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
shares /= shares.sum(axis=-1, keepdims=True)
with np.errstate(divide="ignore"):
    print("log of softmax", -np.log(shares[0, 0]))
    assert -np.log(shares[0, 0]) == np.inf
    by_tape = tinyllm.tensor(logits, requires_grad=True)
    (-tinyllm.softmax(by_tape, -1)[0, 0].log()).backward()
    assert np.isnan(by_tape.grad.numpy()).any()
safe = F.cross_entropy(tinyllm.tensor(logits), tinyllm.tensor([0])).item()
print("tinyllm       ", safe)
assert safe == 120.0

# %% [markdown]
# ### Exercise 4: `my_cross_entropy` (medium, 14 minutes, 5 points)
#
# From `logits` $(N, V)$ and `targets` $(N)$ give the mean loss $()$, for logits of any size. You
# may copy your `log_sum_exp` of lesson 07 into the cell and use it.


# %%
def my_cross_entropy(logits, targets):
    ### BEGIN SOLUTION
    largest = logits.max(axis=-1, keepdims=True)  # (N, 1)
    lse = largest[:, 0] + np.log(np.exp(logits - largest).sum(axis=-1))  # (N,)
    return np.mean(lse - logits[np.arange(len(targets)), targets])
    ### END SOLUTION


# %%
check(my_cross_entropy)

# %% [markdown]
# ## The gradient is p - y
#
# How should the logits move? In $\log \sum_j e^{x_j} - x_{target}$ the first term has the
# derivative $e^{x_i} / \sum_j e^{x_j}$ for $x_i$, which is the share $p_i$. The second has 1 at the
# target and 0 elsewhere, which is the one-hot $y_i$. So:
#
# $$\frac{\partial L}{\partial x_i} = p_i - y_i$$
#
# Read it as a sentence: each wrong word is pushed down by just the share that it took, and the
# right one is pulled up by what it lacks.

# %%
words = ["the", "a", "park", "map", "driver"]
logits = tinyllm.tensor([[2.0, 1.0, 0.5, 0.0, -1.0]], requires_grad=True)  # (N, V) = (1, 5)
F.cross_entropy(logits, tinyllm.tensor([2])).backward()
p = tinyllm.softmax(logits, -1).detach().numpy()[0]  # (V,)
by_tape = logits.grad.numpy()[0]  # (V,)
by_hand = p - np.array([0, 0, 1, 0, 0])
figure, panels = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained", facecolor=PAPER)
colours = [BLUE, BLUE, ORANGE, BLUE, BLUE]
for axes, heights, name in zip(panels, (p, by_tape), ("shares", "gradient"), strict=True):
    dress(axes)
    axes.bar(words, heights, color=colours)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
plt.show()
print("by tape", by_tape.round(4), "\nby hand", by_hand.round(4))
assert np.allclose(by_tape, by_hand, atol=1e-6)
assert abs(by_tape.sum()) < 1e-6
assert -0.9 < by_tape[2] < -0.85

# %% [markdown]
# *Picture: left, five shares, the largest for «the», 0.13 for «park», in orange. Right, the
# gradient: the same bars as on the left, but for «park», whose bar hangs down to -0.87.*
#
# The gradient sums to 0, and none of its numbers is ever beyond 1 or -1: however wrong a model is,
# a token never kicks it harder than that. Where the right word has the whole share, the gradient is
# 0, and nothing moves any more.
#
# ### Exercise 5: `cross_entropy_backward` (hard, 18 minutes, 5 points)
#
# Write the backward: for `logits` $(N, V)$ and `targets` $(N)$ the gradient $(N, V)$ of the
# **mean** loss. Leave `logits` as they are.


# %%
def cross_entropy_backward(logits, targets):
    ### BEGIN SOLUTION
    N = len(targets)
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    shares[np.arange(N), targets] -= 1
    return shares / N
    ### END SOLUTION


# %%
check(cross_entropy_backward)

# %% [markdown]
# ## An experiment: right, but too sure
#
# Two experts answer the same 1,000 questions, each with yes or no. The **bold** one is right 900
# times, and says 0.999 for her answer every time. The **modest** one is right 800 times, and says
# 0.8. Who has the lower cross-entropy? It could go either way: she is right far more often, but
# her claim is off by a tenth, and his is exactly true.
#
# ### Predict, then run (4 minutes)
#
# The modest expert pays 0.500 nats per question. Somebody who knows nothing and says 0.5 each time
# pays $\log 2 = 0.693$. What does the bold one pay? Put your guess in nats below.

# %%
my_prediction = None
### BEGIN SOLUTION
my_prediction = 0.4
### END SOLUTION


# %%
def price(right, claimed):
    """Cross-entropy of answers of which a share `right` is right, each given with `claimed`."""
    return -(right * np.log(claimed) + (1 - right) * np.log(1 - claimed))


assert abs(price(0.8, 0.8) - 0.500) < 1e-3
answer = float(price(0.9, 0.999))
reveal("10", "price of the bold expert", my_prediction, answer)

# %%
odds = np.linspace(0, np.log(19999), 300)  # log of claimed / (1 - claimed)
claimed = 1 / (1 + np.exp(-odds))
figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained", facecolor=PAPER)
dress(axes)
for right, claim, colour, name in ((0.9, 0.999, ORANGE, "bold"), (0.8, 0.8, BLUE, "modest")):
    axes.plot(odds, price(right, claimed), color=colour, label=f"right {right:.0%}: {name}")
    axes.plot(np.log(claim / (1 - claim)), price(right, claim), "o", color=colour, markersize=9)
axes.axhline(np.log(2), color=QUIET, linestyle=":", label="knows nothing, says 0.5")
ticks = np.array([0.5, 0.8, 0.9, 0.99, 0.999, 0.9999])
axes.set_xticks(np.log(ticks / (1 - ticks)), [str(t) for t in ticks])
axes.set_ylim(0, 1.6)
axes.set_xlabel("claimed share for each answer")
axes.set_ylabel("cross-entropy, nats")
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.05, 1))
plt.show()
assert 0.69 < answer < np.log(2)
assert abs(price(0.9, 0.9) - 0.325) < 1e-3
assert abs(-np.log(1 - 0.999) - 6.9) < 0.01
assert abs(claimed[price(0.9, claimed).argmin()] - 0.9) < 0.005

# %% [markdown]
# *Picture: two curves against the claimed share. The bold expert's is lowest at 0.9, the modest
# one's at 0.8, and both rise to the right. The modest expert stands at the lowest point of his
# curve, at 0.50. The bold one stands far to the right of hers, at 0.69, on the dotted line of one
# who knows nothing.*
#
# All her knowledge has bought her nothing: 0.692 nats, beside 0.693 for knowing nothing. The
# hundred questions that she missed cost 6.9 nats each. Had she said 0.9, she would have paid 0.325
# and won. Each curve is lowest where the claim is the share of right answers: maximum likelihood
# again. Cross-entropy pays for knowing, and for knowing how much one knows.
#
# ## Label smoothing
#
# A network trained on one-hot targets is drawn towards a share of 1, and so to ever larger logits.
# **Label smoothing** asks for less: the target is $1 - \varepsilon$ on the right word, plus
# $\varepsilon / V$ on every word. Its cross-entropy is lowest at a finite distance between the
# right logit and the others. But does it change how low a training loss can go?

# %%
V, e = 58, 0.1
margin = np.linspace(0, 14, 281)  # the right logit; the other V - 1 are 0
lse = np.log(np.exp(margin) + V - 1)
plain = lse - margin
smoothed = (1 - e) * plain + e * (lse - margin / V)
target = np.full(V, e / V)
target[0] += 1 - e  # (V,)
floor = -(target * np.log(target)).sum()
figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(margin, plain, color=BLUE, label="one-hot target")
axes.plot(margin, smoothed, color=ORANGE, label="smoothed, ε = 0.1")
axes.axhline(floor, color=QUIET, linestyle=":", label="entropy of the smoothed target")
axes.set_xlabel("the right word's logit, the others' being 0")
axes.set_ylabel("loss, nats")
axes.legend(frameon=False)
plt.show()
print("floor", floor, "  lowest", smoothed.min(), "at", margin[smoothed.argmin()])
assert 0.71 < floor < 0.73
assert abs(smoothed.min() - floor) < 1e-3
assert plain[-1] < 1e-4
assert 6 < margin[smoothed.argmin()] < 6.5

# %% [markdown]
# *Picture: loss against the logit of the right word. With a one-hot target it falls towards 0 for
# ever. With smoothing it falls to 0.72 at a logit of 6.3, touches the dotted line of the target's
# entropy, and rises again.*
#
# It does. With 58 words and $\varepsilon = 0.1$ the best answer there is costs 0.72 nats. Such a
# training loss must not be turned into a perplexity, nor be compared with a plain one. So train
# with smoothing, if you like, and measure without.
#
# ### Exercise 6: `smoothed_cross_entropy` (medium, 12 minutes, 4 points)
#
# From `logits` $(N, V)$, `targets` $(N)$ and `smoothing` $\varepsilon$ give the mean loss $()$. A
# smoothing of 0 gives the plain cross-entropy.


# %%
def smoothed_cross_entropy(logits, targets, smoothing):
    ### BEGIN SOLUTION
    largest = logits.max(axis=-1, keepdims=True)
    lse = largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))
    logs = logits - lse  # (N, V)
    right = logs[np.arange(len(targets)), targets]  # (N,)
    return -np.mean((1 - smoothing) * right + smoothing * logs.mean(axis=-1))
    ### END SOLUTION


# %%
check(smoothed_cross_entropy)

# %% [markdown]
# ## By kernel
#
# You have now written almost every line of tinyllm's own cross-entropy. Here is its definition. `m`
# is the maximum of each row, `lse` its log-sum-exp. The $N \times V$ shares are never stored: at
# GPT-2's $V = 50{,}257$ and 1,024 tokens they would take 206 MB in 32 bits. What is kept for the
# backward is `lse`, one number for each token: 4 kB.

# %%
print(inspect.getsource(cross_entropy_kernel.definition))
assert round(50_257 * 1_024 * 4 / 1e6) == 206
assert 1_024 * 4 == 4 * 2**10

# %% [markdown]
# Two things are new. A row whose target is `ignore_index`, -100 unless you say otherwise, has the
# loss 0: it was not asked. (What for, you will see at batches.) And the kernel gives one loss for
# each row; what becomes of them is said by `reduction`. The mean is over the rows that were asked.

# %%
logits = tinyllm.tensor(rng.normal(size=(4, 5)))  # (N, V)
targets = tinyllm.tensor([3, 0, 2, -100])  # (N,)
each = F.cross_entropy(logits, targets, reduction="none").numpy()  # (N,)
total = F.cross_entropy(logits, targets, reduction="sum").item()
mean = F.cross_entropy(logits, targets).item()  # reduction="mean"
print("none", each.round(3), "  sum", round(total, 3), "  mean", round(mean, 3))
assert each[3] == 0
assert np.isclose(total, each.sum())
assert np.isclose(mean, each.sum() / 3)  # 3 rows were asked, not 4

# %% [markdown]
# ## Perplexity: how many equal choices?
#
# Undo the logarithm, and the mean loss becomes the **perplexity**:
#
# $$\text{perplexity} = \exp\left(-\frac{1}{N} \sum_{n=1}^{N} \log p(w_n \mid w_1 \ldots
# w_{n-1})\right)$$
#
# A model that gives every one of $V$ words the share $1/V$ pays $\log V$ for each, and has
# perplexity $V$. So any perplexity can be read as a number of choices: as unsure as a die with that
# many equal faces.

# %%
three = {
    "eight equal": np.full(8, 1 / 8),
    "four equal": np.array([1 / 4] * 4 + [0.0] * 4),
    "0.63, and the rest": np.array([0.63] + [0.37 / 7] * 7),
}
figure, panels = plt.subplots(1, 3, figsize=(8.5, 2.4), layout="constrained", facecolor=PAPER)
found = []
for axes, (name, p) in zip(panels, three.items(), strict=True):
    dress(axes)
    found.append(np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()))
    axes.bar(range(8), p, color=BLUE)
    axes.set_ylim(0, 0.7)
    axes.set_title(f"{name}: {found[-1]:.2f}", loc="left", color=INK, fontsize=11)
    axes.set_xlabel("word")
plt.show()
assert np.allclose(found[:2], [8, 4])
assert 3.95 < found[2] < 4

# %% [markdown]
# *Picture: shares over eight words, three times, with the perplexity of each. Eight equal bars: 8.
# Four equal bars and four of 0: 4. One bar of 0.63 and seven of 0.05: 3.97.*
#
# The last two are about equally hard to guess in the mean, though they look nothing alike.
#
# ### Every token counts once
#
# A text is measured in batches. Say that the first has 10 tokens at 1 nat each, and the second
# 1,000 at 3. The mean of the two means is 2, as if the ten weighed as much as the thousand. The
# mean over tokens is 2.98. Take `exp` and the difference is no longer small: 7.4 or 19.7. So keep
# two sums, nats and tokens, and divide once, at the end. `tinyllm.metrics.perplexity` does.

# %%
nats, tokens = np.array([10.0, 3000.0]), np.array([10, 1000])
print("of the mean of means", np.exp(np.mean(nats / tokens)), "  of all:", perplexity(nats, tokens))
assert 7.3 < np.exp(np.mean(nats / tokens)) < 7.5
assert 19.6 < perplexity(nats, tokens).per_token < 19.8

# %% [markdown]
# ### Exercise 7: `corpus_perplexity` (medium, 8 minutes, 3 points)
#
# `nats` $(B)$ holds the sum of the losses of each batch, `tokens` $(B)$ the number of its tokens.
# Give the perplexity of all of it.


# %%
def corpus_perplexity(nats, tokens):
    ### BEGIN SOLUTION
    return np.exp(nats.sum() / tokens.sum())
    ### END SOLUTION


# %%
check(corpus_perplexity)

# %% [markdown]
# ## Whose tokens? Bits per byte
#
# Now a trap. **tinyworld** is a small world in this package, with a grammar that tells stories of
# it and knows the exact probability of each. It can play two perfect models: one that predicts
# words, `next_word`, and one that predicts characters, `next_character`. Both multiply to the same
# probability of the story, because it is the same grammar. Are their perplexities the same?

# %%
grammar = Grammar(World(seed=0, size="micro"))
held_out = list(stories(grammar, 300, split="validation"))
story = held_out[0]
by_words = sum(math.log(next_word(story.words[:i], grammar)[w]) for i, w in enumerate(story.words))
by_characters = sum(  # the last character is "", the end
    math.log(next_character(story.text[:i], grammar)[story.text[i : i + 1]])
    for i in range(len(story.text) + 1)
)
print(story.text, "\n", by_words, by_characters, log_prob(story.text, grammar))
assert np.allclose([by_words, by_characters], story.log_prob)

text = "".join(story.text + "\n" for story in held_out)  # the end of a story is a new line
nats = -sum(story.log_prob for story in held_out)
of_words = perplexity(nats, sum(len(story.words) for story in held_out), text)
of_characters = perplexity(nats, len(text), text)
print("by words:     ", of_words, "\nby characters:", of_characters)
assert 1.5 < of_words.per_token < 1.56
assert 1.09 < of_characters.per_token < 1.13
assert 3.9 < of_characters.tokens / of_words.tokens < 4.3
assert of_words.bits_per_byte == of_characters.bits_per_byte
assert 1.70 < of_words.per_word == of_characters.per_word < 1.72
assert next_character("Fay was a driver. One Tuesday in Januar", grammar) == {"y": 1.0}

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.5, 2.4), layout="constrained", facecolor=PAPER)
two = (of_words, of_characters)
for axes, heights, name in (
    (panels[0], [m.per_token for m in two], "perplexity per token"),
    (panels[1], [m.bits_per_byte for m in two], "bits per byte"),
):
    dress(axes)
    axes.bar_label(axes.bar(["words", "characters"], heights, color=[BLUE, ORANGE]), fmt="%.3f")
    axes.set_ylim(0, max(heights) * 1.2)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
plt.show()

# %% [markdown]
# *Picture: left, perplexity per token: 1.534 for words, 1.109 for characters. Right, bits per byte:
# two bars of the same height, 0.150.*
#
# The character model looks far better, and knows not one thing more. It makes four times as many
# predictions, and most are easy: after «Januar» comes a «y». A perplexity per token says nothing
# unless the tokens are the same. (The 1.71 per word is fair too: it counts what stands between
# spaces, for both.)
#
# The sum of nats is fair, for it belongs to the text. Divide it by something that belongs to the
# text too: its bytes. In bits, that is the length to which a perfect compressor could bring each
# byte, with this model as its guide.
#
# ### Exercise 8: `bits_per_byte` (easy, 5 minutes, 2 points)
#
# From the sum of a text's losses in nats, a number, and the text, a string, give bits per byte of
# UTF-8.


# %%
def bits_per_byte(nats, text):
    ### BEGIN SOLUTION
    return nats / np.log(2) / len(text.encode("utf-8"))
    ### END SOLUTION


# %%
check(bits_per_byte)

# %% [markdown]
# ## A batch: shift, pad, ignore
#
# A decoder predicts at all positions at once. At position $t$ it has read words $0 \ldots t$, and
# the target is word $t + 1$: inputs and targets are one text, shifted by one.
#
# | position | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | input | `<s>` | Fay | was | a |
# | target | Fay | was | a | driver |
#
# Forget the shift, and the model learns to copy its input; its loss falls to 0 and it has learnt
# nothing.
#
# The texts of a batch differ in length, so short ones are filled up with padding. What stands
# there is no text, and must not be asked: its target is -100, and cross-entropy leaves it out.
#
# ### Exercise 9: `inputs_and_targets` (medium, 10 minutes, 4 points)
#
# `ids` $(B, T + 1)$ holds one text in each row, filled up with the id `pad`. Return the pair of
# inputs and targets, both $(B, T)$. Where the target would be padding, put -100. Leave `ids` as it
# is.


# %%
def inputs_and_targets(ids, pad):
    ### BEGIN SOLUTION
    inputs = ids[:, :-1]
    targets = np.where(ids[:, 1:] == pad, -100, ids[:, 1:])
    return inputs, targets
    ### END SOLUTION


# %%
check(inputs_and_targets)

# %% [markdown]
# ### Exercise 10: find the bug (medium, 10 minutes, 4 points)
#
# A colleague writes the mean herself. Her loss is lower than everybody's, and it falls further
# whenever a long text gets into a batch. The cell below pads the same 30 texts to more and more
# positions, and the loss changes. Find out why, and write `batch_loss` without the bug: `losses`
# and `targets` $(B, T) \to ()$.


# %%
def diluted_loss(losses, targets):
    asked = targets != -100  # (B, T)
    return (losses * asked).mean()


lengths = np.array([len(story.words) for story in held_out[:30]])  # (B,)
widths = [29, 40, 60, 80, 100]
seen = []
for T in widths:
    losses = np.full((30, T), 2.0)  # a model that pays 2 nats for every word
    targets = np.where(np.arange(T) < lengths[:, None], 1, -100)
    seen.append(diluted_loss(losses, targets))
print("padded to", widths, "the loss is", np.round(seen, 2))
assert lengths.max() <= 29
assert 1.4 < seen[0] < 1.55
assert 0.35 < seen[-1] < 0.45

# %%
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(widths, seen, "o-", color=ORANGE, label="diluted_loss")
axes.axhline(2, color=BLUE, label="what each word costs")
axes.set_ylim(0, 2.3)
axes.set_xlabel("T, the width to which the batch is padded")
axes.set_ylabel("loss, nats")
axes.legend(frameon=False, loc="center right")
plt.show()

# %% [markdown]
# *Picture: loss against the width of the batch. What each word costs is a level line at 2. The
# orange line of the diluted loss begins below it, at 1.5, and falls to 0.4 at a width of 100.*


# %%
def batch_loss(losses, targets):
    ### BEGIN SOLUTION
    asked = targets != -100
    return (losses * asked).sum() / asked.sum()
    ### END SOLUTION


# %%
check(batch_loss)

# %% [markdown]
# ## Down to the floor
#
# A small decoder learns the stories of the micro world. Its vocabulary is small, and its truth is
# known: we can say before the training what the loss will be at its beginning and at its end.

# %%
train = list(stories(grammar, 8000))
vocabulary = ["<s>", *sorted({word for story in train for word in story.words})]
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


tinyllm.manual_seed(0)
sizes = {"context_length": 32, "layers": 1, "heads": 4, "width": 64, "positions": "rotary"}
model = Decoder(DecoderConfig(vocab_size=len(vocabulary), **sizes))
print(held_out[1].text, "\n", len(vocabulary), "words,", model.num_parameters(), "parameters\n")
print(inspect.getsource(Decoder.loss))
assert len(vocabulary) == 58
told_before = {story.text for story in train}
again = np.mean([story.text in told_before for story in held_out])
print(f"{again:.0%} of the held-out stories stand among the 8,000 too")
assert 0.45 < again < 0.7

# %% [markdown]
# So small a world repeats itself. With a novel this would be cheating. Here it cannot bring the
# loss below the floor, since the held-out stories are drawn afresh: nothing that a model has by
# heart serves it better, in the mean, than the grammar's own shares.
#
# `Decoder.loss` lays the $B \times T$ positions out in one row, since cross-entropy does not care
# which text a position is in, and takes the mean over the targets that are not -100.
#
# ### Predict, then run (3 minutes)
#
# The model's weights are small random numbers: it has learnt nothing yet, and it must choose among
# 58 words. What is its loss, in nats per word?

# %%
my_first_loss = None
### BEGIN SOLUTION
my_first_loss = float(np.log(58))
### END SOLUTION

# %%
held_out_batch = batch(held_out)


def measured():
    """The mean loss on the held-out stories, in nats per word."""
    with inference(model):
        return model.loss(*held_out_batch).item()


untrained = measured()
reveal("10", "loss of an untrained model", my_first_loss, untrained)
with inference(model):
    logits = model(held_out_batch[0]).reshape(-1, len(vocabulary))  # (B T, V)
    louder = F.cross_entropy(10 * logits, held_out_batch[1].reshape(-1)).item()
assert 9.9 < louder < 10.1

# %% [markdown]
# An untrained model pays about $\log V = 4.06$: nearly even shares, perplexity near 60. If a
# training begins far above $\log V$, the first logits are too large, and the model claims to know
# what it cannot: the same logits times ten cost 10.0 nats. If it begins below, look for a leak.
#
# The grammar knows its own $-\log p$ of the held-out stories: that is the floor.
# Between the two lies the table of pair counts, the best that a model of the last word can do.

# %%
asked = sum(len(story.words) for story in held_out)
floor = -sum(story.log_prob for story in held_out) / asked
told = [pair for story in train for pair in pairwise(["<s>", *story.words])]
pairs, firsts = Counter(told), Counter(one for one, _ in told)
to_ask = [pair for story in held_out for pair in pairwise(["<s>", *story.words])]
by_pairs = -sum(math.log(pairs[pair] / firsts[pair[0]]) for pair in to_ask) / asked
print(f"untrained {untrained:.3f} nats per word, with its logits times ten {louder:.2f}")
print(f"counts of pairs {by_pairs:.3f}, floor {floor:.3f}")
assert np.log(58) < untrained < np.log(58) + 0.15
assert len(to_ask) == asked
assert 0.41 < floor < 0.45
assert 0.95 < by_pairs < 1.1

# %%
STEPS = 250
optimizer = AdamW(model.parameters(), lr=1.5e-2)
in_training, at, on_held_out = [], [], []
with LiveLoss("While it learns", "loss, nats per word") as live:  # a picture that grows
    for step in range(STEPS):
        loss = model.loss(*batch(train[step * 32 : step * 32 + 32]))  # every batch is new
        optimizer.zero_grad()
        loss.backward()
        share = min(1.0, (step + 1) / 10) * (1 - 0.95 * step / STEPS)
        optimizer.param_groups[0]["lr"] = 1.5e-2 * share
        optimizer.step()
        in_training.append(loss.item())
        if step + 1 in (5, 10, 15, 20, 30, 40, 60, 80, 100, 125, 150, 175, 200, 225, STEPS):
            at.append(step + 1)
            on_held_out.append(measured())
        live.add(step + 1, in_training[-1], on_held_out[-1] if step + 1 in at[-1:] else None)

# %% [markdown]
# *Picture: loss against steps, drawn while it fell: steeply at first, then level. The points of the
# held-out stories («validation») lie on the line of the batches.*

# %%
excess = on_held_out[-1] - floor
print(f"after {STEPS} steps {on_held_out[-1]:.3f} nats per word, {excess:.3f} above the floor")
print(f"perplexity {math.exp(on_held_out[-1]):.3f}; the best there is: {math.exp(floor):.3f}")
assert 0 < excess < 0.06
assert min(in_training) < floor  # a batch of easy stories
assert min(on_held_out) > floor
assert on_held_out[at.index(20)] < by_pairs

# %%
figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(range(1, STEPS + 1), in_training, color=BLUE, alpha=0.35, label="each batch in training")
axes.plot(at, on_held_out, "o-", color=BLUE, markersize=4, label="held-out stories")
for height, name in ((np.log(58), "log V"), (by_pairs, "counts of pairs")):
    axes.axhline(height, color=QUIET, linestyle=":")
    axes.annotate(f"{name} {height:.2f}", (STEPS, height), (0, 4), ha="right", color=INK,
                  textcoords="offset points")  # fmt: skip
axes.axhline(floor, color=ORANGE)
axes.annotate(f"true entropy {floor:.3f}", (60, floor), (0, -13), color=ORANGE,
              textcoords="offset points")  # fmt: skip
axes.set_yscale("log")
axes.set_yticks([0.4, 0.5, 0.7, 1, 2, 4], ["0.4", "0.5", "0.7", "1", "2", "4"], minor=False)
axes.set_yticks([], minor=True)
axes.set_ylim(0.33, 5)
axes.set_xlabel("step")
axes.set_ylabel("nats per word")
axes.legend(frameon=False, bbox_to_anchor=(0.98, 0.8), loc="upper right")
plt.show()

# %% [markdown]
# *Picture: the loss against steps, on a logarithmic scale. It starts on the line of log V, 4.06,
# drops through the line of the pair counts, 1.03, within 20 steps, and then creeps down to the
# orange line of the true entropy, 0.428, which the held-out curve nears but does not cross.*
#
# The model has found nearly all that there is to know. The gap that is left is the divergence of
# the model from the truth: what it has yet to learn. Single batches in training do dip below the
# line, since some hold easy stories. The mean over many stories can do so only by chance, and only
# by a hair. If it lies well below, something is wrong: a leak, padding in the mean, or a sum of the
# wrong things.
#
# For English as people write it, nobody knows where the floor is. Of the loss of the best models
# we can only say that the floor lies no higher.
#
# ### An open question (10 minutes, for a teacher to read)
#
# Two models are trained on the same English novel. A predicts characters, with a perplexity of 3.0
# per character. B predicts words, with a perplexity of 40 per word, where a rare word counts as
# `<unk>`. Words have five letters and a space. Which model is better? Say what you would compute,
# what the result is as far as the numbers go, and what else you would ask before you believe it.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for saying that the two perplexities cannot be compared as they stand; 1 for a common unit, such
# as bits per character: $\log_2 3 = 1.58$ against $\log_2 40 / 6 = 0.89$ (or per word: $3^6 = 729$
# against 40), so B by these numbers; 1 for seeing that `<unk>` flatters B, which need not spell
# rare words out; 1 for another condition of fairness: the same held-out text, the ends of texts
# counted alike, a context of the same reach, or no label smoothing in the loss.
#
# </details>
#
# ## Project: a GPT of your own, and its way back
#
# Attention came in lesson 07, the block in 08, masks and batches in 09, the loss here, each graded
# alone. Now they become one thing: a GPT in nothing but NumPy, and it learns. There is no tape this
# time: every gradient is yours. Five exercises, 87 minutes, some sixty lines. In the end your model
# reads two stories, one of them spoilt, and paints each word in the colour of its surprise. (Until
# all five are done, tinyllm's decoder from above reads them in its place.)
#
# The model is small and complete: a table of tokens and one of positions, blocks with attention
# and an MLP (its nonlinearity is $\text{relu}(h)^2$), a norm that has no weight, and no biases. The
# table of tokens serves twice, at the bottom to look up and at the top to make logits.

# %%
steps = [
    ("logits: tokensᵀ", "(B, T, V)", "p - y, linear_backward"),
    ("norm", "(B, T, C)", "unit_rms_backward"),
    ("+ down · relu² · up · norm", "(B, T, C)", "block_gradients:"),
    ("+ out · heads · qkv · norm", "(B, T, C)", "with attention_heads_backward"),
    ("tokens[ids] + positions", "(B, T, C)", "np.add.at, and a sum"),
    ("ids", "(B, T)", ""),
]
figure, axes = plt.subplots(figsize=(7.5, 3.2), layout="constrained", facecolor=PAPER)
axes.axis("off")
axes.set(xlim=(0, 10), ylim=(-0.6, 5.6))
axes.axhspan(1.5, 3.5, color=BLUE, alpha=0.08, linewidth=0)
axes.text(9.9, 3.2, "one block;\nas many as\nyou like", ha="right", va="top", color=QUIET)
for row, (name, shape, back) in enumerate(steps):
    axes.text(3.1, 5 - row, name, ha="center", va="center", color=INK, fontsize=11)
    axes.text(0.1, 5 - row, shape, va="center", color=QUIET, fontsize=10)
    axes.text(5.4, 5 - row, back, va="center", color=ORANGE, fontsize=10)
for x, start, end, colour in ((1.35, -0.3, 5.3, BLUE), (5.1, 5.3, 0.6, ORANGE)):
    arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2}
    axes.annotate("", (x, end), (x, start), arrowprops=arrow)
plt.show()

# %% [markdown]
# *Picture: the model as six lines, to be read from below, each from right to left: ids; lookup plus
# positions; in a shaded band that is one block, the attention branch and the MLP branch, each with
# a plus; norm; logits. A blue arrow goes up along them. At the right an orange arrow goes down,
# beside the functions that do each step of the way back.*
#
# Three helpers are given. `unit_rms` and its backward are lesson 08's without the weight.
# `linear_backward` is lesson 02's product: weights are stored as (out, in), so a layer is
# `x @ weight.T`, and the gradient of a weight is summed over all texts and positions.


# %%
def unit_rms(x):
    """RMS norm without a weight: (..., C) -> (..., C)."""
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def unit_rms_backward(x, grad):
    """The gradient of x, from that of unit_rms(x)."""
    scale = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
    n = x * scale
    return scale * (grad - n * (grad * n).mean(axis=-1, keepdims=True))


def linear_backward(x, weight, grad):
    """The gradients of x and of weight, from that of x @ weight.T."""
    rows, columns = weight.shape
    return grad @ weight, grad.reshape(-1, rows).T @ x.reshape(-1, columns)


# %% [markdown]
# ### Exercise 11, project 1: `attention_heads` (medium, 12 minutes, 4 points)
#
# All heads of a batch at once. `qkv` $(B, T, 3C)$ holds in each row the queries of all heads side
# by side, then the keys, then the values; each head has $D = C / H$ of each. Return the pair: what
# the heads gather, side by side again, $(B, T, C)$, and the shares $(B, H, T, T)$, which the way
# back will need. The attention is causal, and its scores are divided by $\sqrt D$, as in lesson 07.
# One reshape to $(B, T, 3, H, D)$ and one transpose cut the pack.


# %%
def attention_heads(qkv, heads):
    ### BEGIN SOLUTION
    B, T, _ = qkv.shape
    q, k, v = qkv.reshape(B, T, 3, heads, -1).transpose(2, 0, 3, 1, 4)  # (B, H, T, D) each
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5  # (B, H, T, T)
    scores = np.where(np.tri(T, dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return (shares @ v).swapaxes(1, 2).reshape(B, T, -1), shares
    ### END SOLUTION


# %%
check(attention_heads)

# %% [markdown]
# ### Exercise 12, project 2: `attention_heads_backward` (hard, 20 minutes, 6 points)
#
# The way back: from `qkv`, `shares` and `grad_y` $(B, T, C)$, the gradient of what the heads
# gathered, give the gradient of `qkv`, packed as `qkv` is. Each step of the forward has one of two
# rules. For a product $C = A B$ it is $\text{grad}_A = \text{grad}_C \, B^\top$ and $\text{grad}_B
# = A^\top \text{grad}_C$; for softmax it is lesson 07's $y \, (g - \sum g \, y)$. What about the
# mask? Think what the second rule gives where a share is 0.


# %%
def attention_heads_backward(qkv, shares, grad_y):
    ### BEGIN SOLUTION
    B, H, T, _ = shares.shape
    q, k, v = qkv.reshape(B, T, 3, H, -1).transpose(2, 0, 3, 1, 4)  # (B, H, T, D) each
    grad_y = grad_y.reshape(B, T, H, -1).swapaxes(1, 2)  # (B, H, T, D)
    grad_v = shares.swapaxes(-1, -2) @ grad_y
    grad_shares = grad_y @ v.swapaxes(-1, -2)  # (B, H, T, T)
    along = (grad_shares * shares).sum(axis=-1, keepdims=True)
    grad_scores = shares * (grad_shares - along) / q.shape[-1] ** 0.5
    grad_q = grad_scores @ k
    grad_k = grad_scores.swapaxes(-1, -2) @ q
    parts = np.stack([grad_q, grad_k, grad_v])  # (3, B, H, T, D)
    return parts.transpose(1, 3, 0, 2, 4).reshape(qkv.shape)
    ### END SOLUTION


# %%
check(attention_heads_backward)

# %% [markdown]
# ### Exercise 13, project 3: `gpt_forward` (medium, 15 minutes, 5 points)
#
# The whole model, upwards. `weights` is a dict: `"tokens"` $(V, C)$, `"positions"` (a row for each
# place), and `"blocks"`, a list of dicts with `"qkv"` $(3C, C)$, `"out"` $(C, C)$, `"up"` $(4C, C)$
# and `"down"` $(C, 4C)$. For `inputs` $(B, T)$ return the pair: the logits $(B, T, V)$, and the
# stream, a list of $(B, T, C)$ as it was before the first block and after each of them.


# %%
def gpt_forward(weights, inputs, heads):
    ### BEGIN SOLUTION
    stream = [weights["tokens"][inputs] + weights["positions"][: inputs.shape[1]]]
    for block in weights["blocks"]:
        x = stream[-1]  # (B, T, C)
        y, _ = attention_heads(unit_rms(x) @ block["qkv"].T, heads)
        x = x + y @ block["out"].T
        up = np.maximum(unit_rms(x) @ block["up"].T, 0)  # (B, T, 4C)
        stream.append(x + up**2 @ block["down"].T)
    return unit_rms(stream[-1]) @ weights["tokens"].T, stream
    ### END SOLUTION


# %%
check(gpt_forward)

# %% [markdown]
# ### Exercise 14, project 4: `block_gradients` (hard, 22 minutes, 6 points)
#
# Back through one block. You get its weights, the `x` that went in, `grad`, the gradient of what
# came out, both $(B, T, C)$, and `heads`. Return the gradient of `x`, and a dict with the gradients
# of the four weights. The steps in between were not kept, so take them once more (large models do
# that too, to save memory). Then walk them from the last to the first. A plus hands its gradient to
# both sides.


# %%
def block_gradients(block, x, grad, heads):
    ### BEGIN SOLUTION
    n = unit_rms(x)  # the way up once more, for what the way back needs
    qkv = n @ block["qkv"].T
    y, shares = attention_heads(qkv, heads)
    middle = x + y @ block["out"].T
    m = unit_rms(middle)
    up = np.maximum(m @ block["up"].T, 0)  # (B, T, 4C)
    found = {}
    grad_square, found["down"] = linear_backward(up**2, block["down"], grad)
    grad_m, found["up"] = linear_backward(m, block["up"], grad_square * 2 * up)
    grad = grad + unit_rms_backward(middle, grad_m)
    grad_y, found["out"] = linear_backward(y, block["out"], grad)
    grad_qkv = attention_heads_backward(qkv, shares, grad_y)
    grad_n, found["qkv"] = linear_backward(n, block["qkv"], grad_qkv)
    return grad + unit_rms_backward(x, grad_n), found
    ### END SOLUTION


# %%
check(block_gradients)

# %% [markdown]
# ### Exercise 15, project 5: `gpt_gradients` (hard, 18 minutes, 6 points)
#
# All together. Return the pair: the mean loss of the targets that are not -100, and the gradients
# of all weights, in a dict like `weights`. Your `my_cross_entropy` and `cross_entropy_backward`
# take $(N, V)$ and $(N)$; `logits[targets != -100]` is of that form. The table of tokens was used
# at both ends, so its gradient has two parts, and an id may come twice.


# %%
def gpt_gradients(weights, inputs, targets, heads):
    ### BEGIN SOLUTION
    logits, stream = gpt_forward(weights, inputs, heads)
    asked = targets != -100  # (B, T)
    loss = my_cross_entropy(logits[asked], targets[asked])
    grad_logits = np.zeros_like(logits)
    grad_logits[asked] = cross_entropy_backward(logits[asked], targets[asked])
    grad_n, tokens = linear_backward(unit_rms(stream[-1]), weights["tokens"], grad_logits)
    grad = unit_rms_backward(stream[-1], grad_n)  # (B, T, C)
    blocks = []
    for block, x in zip(weights["blocks"][::-1], stream[-2::-1], strict=True):
        grad, found = block_gradients(block, x, grad, heads)
        blocks.insert(0, found)
    np.add.at(tokens, inputs, grad)
    positions = np.zeros_like(weights["positions"])
    positions[: inputs.shape[1]] = grad.sum(axis=0)
    return loss, {"tokens": tokens, "positions": positions, "blocks": blocks}
    ### END SOLUTION


# %%
check(gpt_gradients)

# %% [markdown]
# ### Is it right?
#
# tinyllm's `Decoder` can be told to be the same model. Its starting values (0.02, smaller at the
# ends of branches, as in lesson 08) become yours, and its tape says what your gradients should be.


# %%
def weights_of(model):
    """A copy of a decoder's weights, by the names of our own."""
    p = {name: value.detach().numpy().copy() for name, value in model.named_parameters()}
    paths = {"qkv": "attention.qkv", "out": "attention.out", "up": "mlp.up", "down": "mlp.down"}
    blocks = [
        {name: p[f"blocks.{i}.{path}.weight"] for name, path in paths.items()}
        for i in range(len(model.blocks))
    ]
    tables = p["token_embedding.weight"], p["position_embedding.weight"]
    return {"tokens": tables[0], "positions": tables[1], "blocks": blocks}


def in_a_row(weights):
    """The arrays of a dict of weights, or of their gradients, always in the same order."""
    names = ("qkv", "out", "up", "down")
    in_blocks = [block[name] for block in weights["blocks"] for name in names]
    return [weights["tokens"], weights["positions"], *in_blocks]


HEADS = 4
parts = (attention_heads, attention_heads_backward, gpt_forward, block_gradients, gpt_gradients)
ready = all(check(part).passed for part in (my_cross_entropy, cross_entropy_backward, *parts))
print("your own GPT" if ready else "to do: the project; until then tinyllm's decoder from above")

# %%
tinyllm.manual_seed(1)
like_yours = {"positions": "learned", "norm": "rms", "activation": "relu2", "bias": False}
sizes = {"context_length": 32, "layers": 2, "heads": HEADS, "width": 48, **like_yours}
twin = Decoder(DecoderConfig(vocab_size=len(vocabulary), **sizes))
weights = weights_of(twin)
assert sum(array.size for array in in_a_row(weights)) == 59_616
if ready:
    inputs, targets = batch(train[:8])
    theirs = twin.loss(inputs, targets)
    theirs.backward()
    loss, gradients = gpt_gradients(weights, inputs.numpy(), targets.numpy(), HEADS)
    on_tape = dict(twin.named_parameters())
    assert abs(loss - theirs.item()) < 1e-5
    for path, found in (
        ("token_embedding", gradients["tokens"]),
        ("position_embedding", gradients["positions"]),
        ("blocks.0.attention.qkv", gradients["blocks"][0]["qkv"]),
        ("blocks.1.mlp.down", gradients["blocks"][1]["down"]),
    ):
        gap = np.abs(found - on_tape[f"{path}.weight"].grad.numpy()).max()
        print(f"{path:24} largest {np.abs(found).max():.4f}, differs from the tape by {gap:.1e}")
        assert gap < 1e-5

# %% [markdown]
# ### Let it learn
#
# Beside the table of pairs we hold a table of **triples**, the shares after the last *two* words:
# the stronger of the two models that count. Your gradients go to AdamW (it is lesson 11's), which
# changes your arrays in place.

# %%
after_two, twos = Counter(), Counter()
for story in train:
    words = ["<s>", "<s>", *story.words]
    after_two.update(zip(words, words[1:], words[2:], strict=False))
    twos.update(pairwise(words[:-1]))
by_triples = 0.0
for story in held_out:
    words = ["<s>", "<s>", *story.words]
    for three in zip(words, words[1:], words[2:], strict=False):
        by_triples -= math.log(after_two[three] / twos[three[:2]]) / asked
print(f"pairs {by_pairs:.3f}, triples {by_triples:.3f}, floor {floor:.3f} nats per word")
assert 0.52 < by_triples < 0.61

# %%
STEPS = 200
inputs, targets = (one.numpy() for one in held_out_batch)


def my_loss():
    """Your model's mean loss on the held-out stories, in nats per word."""
    logits, _ = gpt_forward(weights, inputs, HEADS)
    return float(my_cross_entropy(logits[targets != -100], targets[targets != -100]))


if ready:
    arrays = in_a_row(weights)
    leaves = [tinyllm.from_numpy(array).requires_grad_() for array in arrays]  # share their memory
    optimizer = AdamW(leaves, lr=2e-2)
    at, mine = [0], [my_loss()]
    for step in range(STEPS):
        some = (one.numpy() for one in batch(train[step * 32 : step * 32 + 32]))
        _, gradients = gpt_gradients(weights, *some, HEADS)
        for leaf, gradient in zip(leaves, in_a_row(gradients), strict=True):
            leaf.grad = tinyllm.tensor(gradient.astype(np.float32))
        optimizer.param_groups[0]["lr"] = 2e-2 * min(1, (step + 1) / 10) * (1 - 0.95 * step / STEPS)
        optimizer.step()
        if (step + 1) % 20 == 0:
            at.append(step + 1)
            mine.append(my_loss())
    print(f"your GPT: {mine[0]:.3f} before, {mine[-1]:.3f} after {STEPS} steps")
    assert np.log(58) < mine[0] < np.log(58) + 0.15
    assert mine[at.index(20)] < by_pairs
    assert mine[at.index(60)] > by_triples
    assert floor < mine[-1] < by_triples - 0.02

# %%
if ready:
    by_mine = perplexity(mine[-1] * asked, asked, text)  # held-out stories, as before
    print(f"your GPT: {by_mine}\nthe grammar: {of_words}")
    assert of_words.bits_per_byte < by_mine.bits_per_byte < 0.19
    figure, axes = plt.subplots(figsize=(7.5, 3.3), layout="constrained", facecolor=PAPER)
    dress(axes)
    axes.plot(at, mine, "o-", color=BLUE, markersize=4, label="your GPT, held-out stories")
    for name, height, x, below in (("counts of pairs", by_pairs, STEPS, 4),
                                   ("counts of triples", by_triples, STEPS, 4),
                                   ("true entropy", floor, 50, -13)):  # fmt: skip
        axes.axhline(height, color=ORANGE if below < 0 else QUIET, linestyle=":")
        axes.annotate(f"{name} {height:.2f}", (x, height), (0, below), ha="right", color=INK,
                      textcoords="offset points")  # fmt: skip
    axes.set_yscale("log")
    axes.set_yticks([0.4, 0.5, 0.7, 1, 2, 4], ["0.4", "0.5", "0.7", "1", "2", "4"], minor=False)
    axes.set_yticks([], minor=True)
    axes.set_ylim(0.33, 5)
    axes.set_xlabel("step")
    axes.set_ylabel("nats per word")
    axes.legend(frameon=False)
    plt.show()

# %% [markdown]
# *Picture, once the project is done: the held-out loss against steps, on a logarithmic scale. It
# starts at log V, falls through the dotted line of the pairs within 20 steps, stays on a plateau
# for a while, then passes the line of the triples and nears the true entropy.*
#
# Below the triples it can come only by looking further back than two words, and only your attention
# does that. The plateau is where it still has to find out where to look.
#
# ### What surprises it?
#
# Now let it read. The first story is true to the grammar. In the second we put another name in the
# place of the first word. Elliot is a man, he is a baker and nothing else, and the one he helps is
# Megan.

# %%
told_well = "Fay was a driver . One Tuesday in January , she helped Gordon at the market , so he"
told_well = [*told_well.split(), "was", "happy", ".", "</s>"]
spoilt = ["Elliot", *told_well[1:]]


def prices(story):
    """The price of each word in nats, by your model, or by tinyllm's until yours is done."""
    ids = [number[word] for word in story]
    inputs = np.array([[0, *ids[:-1]]])  # (1, T)
    if ready:
        logits = tinyllm.tensor(gpt_forward(weights, inputs, HEADS)[0][0])  # (T, V)
    else:
        with inference(model):
            logits = model(tinyllm.tensor(inputs))[0]
    return F.cross_entropy(logits, tinyllm.tensor(ids), reduction="none").numpy()  # (T,)


def prices_by_pairs(story):
    """The same by the table of pairs."""
    return np.array([-math.log(pairs[two] / firsts[two[0]]) for two in pairwise(["<s>", *story])])


# %% [markdown]
# ### Predict, then run (3 minutes)
#
# One word was swapped, the first. Which word of the spoilt story will cost your model the most?
# Write the word.

# %%
my_word = None
### BEGIN SOLUTION
my_word = "driver"
### END SOLUTION

# %%
spoilt_prices = prices(spoilt)
reveal("10", "dearest word of the spoilt story", my_word, spoilt[spoilt_prices.argmax()])
texts = [re.sub(r" ([.,])", r"\1", " ".join(words[:-1])) for words in (told_well, spoilt)]
if my_word is not None:
    for name, by in (("counts of pairs", prices_by_pairs), ("the GPT", prices)):
        print(f"{name}: true {by(told_well).sum():.1f} nats, spoilt {by(spoilt).sum():.1f}")
    print(f"the grammar: true {-log_prob(texts[0], grammar):.1f} nats, spoilt infinitely many")

# %%
more = spoilt_prices - prices(told_well)  # (T,): what each word costs more
assert spoilt[spoilt_prices.argmax()] in ("driver", "she", "Gordon")
assert more.sum() > 4
assert min(more[told_well.index(word)] for word in ("driver", "Gordon")) > 1
assert told_well.index("Gordon") == 12
assert abs(more[0]) < 2
assert prices_by_pairs(spoilt).sum() < prices_by_pairs(told_well).sum()
assert log_prob(texts[1], grammar) == -np.inf


# %%
def paint(axes, y, words, costs, most=6.0):
    """A line of words, each on the colour of its price; one unit of the axis is one letter."""
    x = 0
    for word, cost in zip(words, costs, strict=True):
        shade = plt.colormaps["YlOrRd"](min(cost / most, 1.0) * 0.85)  # (4,): its colour
        axes.add_patch(plt.Rectangle((x, y - 0.3), len(word) + 0.6, 0.6, color=shade, lw=0))
        dark = cost > 0.7 * most
        middle = x + len(word) / 2 + 0.3
        axes.text(middle, y, word, ha="center", va="center", color=PAPER if dark else INK,
                  family="monospace", fontsize=8.5)  # fmt: skip
        if cost >= 0.5:
            axes.text(middle, y + 0.47, f"{cost:.1f}", ha="center", va="center", color=INK,
                      fontsize=7)  # fmt: skip
        x += len(word) + 1
    return x


# %%
rows = [
    ("true, by the counts of pairs", told_well, prices_by_pairs(told_well)),
    ("true, by the GPT", told_well, prices(told_well)),
    ("spoilt, by the counts of pairs", spoilt, prices_by_pairs(spoilt)),
    ("spoilt, by the GPT", spoilt, prices(spoilt)),
]
figure, axes = plt.subplots(figsize=(10, 4), layout="constrained", facecolor=PAPER)
axes.axis("off")
for row, (name, words, costs) in enumerate(rows):
    axes.text(0, 1.6 * row - 0.5, f"{name}: {costs.sum():.1f} nats", color=INK, fontsize=10)
    width = paint(axes, 1.6 * row, words[:-1], costs[:-1])
axes.set(xlim=(-0.5, width + 2), ylim=(5.6, -1))
plt.show()

# %% [markdown]
# *Picture: two stories, each as two lines of words on coloured ground, pale where a word was cheap,
# dark red where it was dear, with the price below. By the counts of pairs both stories look alike,
# orange here and there. By the GPT the true story is pale nearly throughout; in the spoilt one
# «driver» and «Gordon» stand out in red, and «she» is darker than before.*
#
# The word that was swapped is cheap: Elliot is a fine way to begin. Dear is what no longer fits, up
# to twelve places later. To the counts of pairs nothing has happened; they even like the spoilt
# story better, because more stories begin with Elliot. In your model, attention carries the first
# name to all the places where it matters. The grammar knows more still: by it the spoilt story is
# impossible, and its price infinite. No softmax ever says «never».
#
# People have found much in pages like this one. We read a word the longer, the more nats it costs
# (Smith and Levy 2013, «The effect of word predictability on reading time is logarithmic»), and
# text that a machine wrote is often too pale ([GLTR](https://arxiv.org/abs/1906.04043), Gehrmann et
# al. 2019). Put in a story of your own, from the 58 words of `vocabulary`, and show it around.
#
# ### The project's open part (20 minutes, for a teacher to read)
#
# One spoilt story is an anecdote. Make it a measurement: what has your model learnt of this world?
# Choose one kind of fault (a wrong job, a wrong pronoun, a wrong relation, a second name that does
# not belong), build at least 100 pairs of a held-out story and its spoilt twin, and count how often
# the true one is cheaper. Do it for the counts of triples too. Hand in your painted page, the
# count, and half a page on what you make of it.
#
# <details>
# <summary><em>For a teacher: the rubric, 7 points. It gives the answer.</em></summary>
#
# 1 for a painted page of the learner's own; 2 for pairs that differ in one word and whose twin is
# truly impossible (`log_prob` says so), not just unusual; 1 for comparing sums over the story, and
# not the swapped word alone, whose price may say nothing; 1 for the triples as a baseline, and for
# seeing that they notice only what stands within two words; 1 for an honest interval (two standard
# errors, $\pm 0.06$ for a share of 0.9 of 100); 1 for a judgement that follows: which faults the
# model sees, which it does not, and what a longer training changes.
#
# </details>
#
# ## What to remember
#
# - Likelihood: the data stay, the model varies. Its logarithm is a sum, one term for each word.
# - Maximum likelihood of a table is its counts. Cross-entropy is never below the entropy; the gap
#   is the divergence.
# - The loss of a token is log-sum-exp less the target's logit; its gradient is $p - y$, over $N$.
# - It pays to know how much one knows: too sure is dear.
# - Perplexity is exp of the mean over **all** tokens: as many equal choices. Between tokenizers
#   compare bits per byte.
# - Shift by one; padding is -100 and is in no mean; a new model starts at $\log V$.
# - A GPT's way back is its way up, reversed. A plus hands its gradient to both sides, and a table
#   that is used twice gets two gradients, added.
# - A model is surprised not where a text was changed, but where the change has consequences.
#
# ## Where next
#
# Lesson 11 makes the loss fall faster, by better optimizers; lesson 12 builds the whole training
# loop around it; lesson 13 draws from a model's shares to generate text. In the package, read
# `tinyllm/ops/cross_entropy.py`, `tinyllm/metrics/perplexity.py` and `docs/tinyworld.md`. And read
# Shannon's «Prediction and Entropy of Printed English» of 1951: he let people guess letters to find
# the floor of English.
