# %% [markdown]
# # 06 Embeddings and positions
#
# **You will be able to** say why looking a vector up is a product with a matrix, and write its
# gradient; find the bug when a gradient is lost on the way to the table; compare words by the angle
# between their vectors; show why a model without positions cannot tell «dog bites man» from «man
# bites dog», and mend it in three ways; and, as a project, make word vectors from raw pages of
# text, down to a map that you can show.
#
# **You need** lesson 00 (NumPy broadcasting) and lesson 02 (what a backward is).
# **Time:** about 45 minutes of reading, 80 of exercises, and 100 for the project.
#
# ## Why
#
# A tokenizer turns a text into ids: «rabbit» may be 61, «soup» 62 and «cat» 150. As numbers they
# are nonsense. 62 is not a little more than 61 in any way that matters; rabbit and cat belong
# together, and nothing in 61 and 150 says so. An id is a name, like the number on a coat in a
# cloakroom.
#
# A network needs something that it can compute with, and compare. So each word gets a row of $C$
# numbers, its **embedding**, and the rows are learnt like all other weights. What a word is like
# then shows in where its row lies. This lesson follows such a vector from its birth to a map of a
# whole vocabulary. And since a sentence is more than a bag of words, it then asks how a vector can
# also say **where** its word stands.
#
# Letters: $V$ words in the vocabulary, $C$ the width of a vector, $B$ texts, $T$ positions, $D$ the
# width of a query or a key.

# %%
import inspect
import re
import textwrap
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm import nn
from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import SIZES, Grammar, Size, World, stories
from tinyllm.kernels.embedding import embedding_backward as embedding_backward_kernel
from tinyllm.kernels.rotary import rotate as rotate_kernel
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.optim import AdamW
from tinyllm.text import WordTokenizer
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, PURPLE, QUIET, dress

rng = np.random.default_rng(6)

# %% [markdown]
# ## The idea in a picture
#
# The table $W$ has a row for each word, $(V, C)$. To embed the ids $(T)$ of a sentence, take their
# rows, and you have $(T, C)$. Mathematicians have an older way to say «take row 2»: multiply with a
# row that is 1 at place 2 and 0 elsewhere, a **one-hot** row. All the other rows of the table are
# multiplied by 0, and vanish from the sum.


# %%
def heat(axes, matrix, title, rows="", columns="", digits=1):
    """Draw a matrix as coloured boxes with their numbers."""
    axes.imshow(matrix, cmap="viridis", aspect="auto")
    middle = (matrix.max() + matrix.min()) / 2
    for (row, column), number in np.ndenumerate(matrix):
        colour = INK if number > middle else PAPER
        axes.text(column, row, f"{number:.{digits}f}", ha="center", va="center", color=colour)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set_xticks(range(matrix.shape[1]))
    axes.set_yticks(range(matrix.shape[0]))
    axes.set_ylabel(rows)
    axes.set_xlabel(columns)


table = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.4], [0.3, 0.7]])  # (V, C) = (4, 2)
ids = np.array([2, 0, 2])  # (T,)
one_hot = np.zeros((3, 4))  # (T, V)
one_hot[[0, 1, 2], ids] = 1.0
looked_up = one_hot @ table  # (T, V) (V, C) -> (T, C)
figure, panels = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained", facecolor=PAPER)
heat(panels[0], one_hot, "one-hot rows (T, V)", "position", "word")
heat(panels[1], table, "times the table (V, C)", "word", "column of the vector")
heat(panels[2], looked_up, "vectors (T, C)", "position", "column of the vector")
plt.show()
assert (looked_up == table[ids]).all()

# %% [markdown]
# *Picture: three grids. Left, three one-hot rows with their 1 at places 2, 0 and 2. Middle, the
# table of four words with two numbers each. Right, the product: rows 2, 0 and 2 of the table, 0.5
# 0.4, then 0.1 0.9, then 0.5 0.4 again.*
#
# ## The smallest numeric example
#
# Take a pencil, and the ids 2, 0, 2.
#
# 1. **Forward.** Position 0 has the one-hot row $(0, 0, 1, 0)$. Times the table: $0 \cdot (0.1,
#    0.9) + 0 \cdot (0.8, 0.2) + 1 \cdot (0.5, 0.4) + 0 \cdot (0.3, 0.7) = (0.5, 0.4)$.
# 2. **Backward.** Say that the loss sends the gradients $(1, 0)$, $(2, 2)$ and $(3, -1)$ to the
#    three vectors. Row 0 was used once: its gradient is $(2, 2)$. Row 2 was used **twice**, so its
#    gradient is a sum, $(1, 0) + (3, -1) = (4, -1)$. Rows 1 and 3 were not used, and get 0.
#
# Lesson 02 has a formula for the gradient of the right side of a product: the left side transposed,
# times what arrives. Here the left side is one-hot, so its transpose sends each gradient to the row
# it belongs to. It **scatters** them over the table, and adds where two meet.

# %%
grad_y = np.array([[1.0, 0.0], [2.0, 2.0], [3.0, -1.0]])  # (T, C)
grad_table = one_hot.T @ grad_y  # (V, T) (T, C) -> (V, C)
print(grad_table)
assert (looked_up[0] == [0.5, 0.4]).all()
assert (grad_table == [[2.0, 2.0], [0.0, 0.0], [4.0, -1.0], [0.0, 0.0]]).all()

# %% [markdown]
# ### Exercise 1: `one_hot_rows` (easy, 5 minutes, 2 points)
#
# Turn ids of any shape $(...)$ into one-hot rows of numbers, $(..., V)$.


# %%
def one_hot_rows(ids, V):
    ### BEGIN SOLUTION
    return np.eye(V)[ids]
    ### END SOLUTION


# %%
check(one_hot_rows)

# %% [markdown]
# Nobody multiplies by one-hot rows in earnest. With a vocabulary of 50,000, each row would hold
# 49,999 zeros, and the product would spend nearly all of its time on them. The lookup gives the
# same numbers and touches only the rows that are named. So a one-hot row is a thought, and the
# lookup its execution. The thought is useful all the same: it shows that an embedding is a linear
# layer without a bias, and it gave us the gradient for free.
#
# ### Exercise 2: find the bug (medium, 12 minutes, 4 points)
#
# A colleague writes the scatter in one line of NumPy, and tries it on the ids 3, 0, 2: all right.
# Then models trained with it learn rare words well, and frequent ones, «the» and «a», hardly at
# all. The cell shows what happens to our example.


# %%
def losing_scatter(grad_y, ids, V):
    grad_weight = np.zeros((V, grad_y.shape[-1]))
    grad_weight[ids] += grad_y
    return grad_weight


lost = losing_scatter(grad_y, ids, 4)
figure, panels = plt.subplots(1, 2, figsize=(7, 2.5), layout="constrained", facecolor=PAPER)
heat(panels[0], grad_table, "the product with one-hot rows", "word", "column")
heat(panels[1], lost, "losing_scatter", "word", "column")
plt.show()
assert (lost[2] == [3.0, -1.0]).all()
assert (lost[[0, 1, 3]] == grad_table[[0, 1, 3]]).all()

# %% [markdown]
# *Picture: two gradients of the table. They agree in the rows 0, 1 and 3. In row 2 the product has
# 4 and -1, losing_scatter has 3 and -1.*
#
# Find out what became of the missing part, and write `scatter_to_rows` without the bug. `ids` may
# have any shape $(...)$, and `grad_y` is $(..., C)$.


# %%
def scatter_to_rows(grad_y, ids, V):
    ### BEGIN SOLUTION
    grad_weight = np.zeros((V, grad_y.shape[-1]))
    np.add.at(grad_weight, ids, grad_y)
    return grad_weight
    ### END SOLUTION


# %%
check(scatter_to_rows)

# %% [markdown]
# This is how tinyllm defines the scatter. Here it is held against the product with one-hot rows,
# for a batch.

# %%
print(inspect.getsource(embedding_backward_kernel.definition))
ids_of_batch = rng.integers(0, 4, size=(2, 5))  # (B, T)
layer = nn.Embedding.from_pretrained(tinyllm.tensor(table), freeze=False)
y = layer(tinyllm.tensor(ids_of_batch))  # (B, T, C)
arriving = rng.normal(size=y.shape)
y.backward(tinyllm.tensor(arriving))
as_product = np.eye(4)[ids_of_batch].reshape(-1, 4).T @ arriving.reshape(-1, 2)  # (V, C)
print("scatter and product differ by", np.abs(layer.weight.grad.numpy() - as_product).max())
assert np.allclose(layer.weight.grad.numpy(), as_product, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Which vectors are alike?
#
# Two vectors that point the same way are alike; how long they are is another matter (frequent words
# often have longer vectors). The **cosine** of the angle between them looks at direction alone:
#
# $$\cos(a, b) = \frac{a \cdot b}{\|a\| \, \|b\|} = \frac{\sum_i a_i b_i}{\sqrt{\sum_i a_i^2}
# \sqrt{\sum_i b_i^2}}$$
#
# It is 1 for the same direction, 0 at a right angle, -1 for opposite ones. For $(3, 4)$ and
# $(1, 0)$ the product is 3, the lengths are 5 and 1, and the cosine is 0.6. The picture shows why
# neither the inner product nor the distance will do in its place.

# %%
arrows = {"a": np.array([1.0, 1.0]), "b": np.array([2.6, 2.2]), "c": np.array([1.6, -0.2])}
figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
for (name, arrow), colour in zip(arrows.items(), (INK, BLUE, ORANGE), strict=True):
    axes.annotate("", arrow, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2})
    axes.text(*(arrow * 1.05), name, color=colour, fontsize=12)
axes.set_xlim(-0.1, 3)
axes.set_ylim(-0.6, 2.6)
axes.set_aspect("equal")
plt.show()
a, b, c = arrows.values()


def cosine(one, other):
    """The cosine of the angle between two vectors."""
    return one @ other / np.sqrt((one @ one) * (other @ other))


print(f"distances from a: to b {np.linalg.norm(a - b):.2f}, to c {np.linalg.norm(a - c):.2f}")
print(f"cosines with a: of b {cosine(a, b):.3f}, of c {cosine(a, c):.3f}")
print(f"inner products: c·a {c @ a:.2f}, c·b {c @ b:.2f}, although a and b point the same way")
assert np.isclose(cosine(np.array([3.0, 4.0]), np.array([1.0, 0.0])), 0.6)
assert np.linalg.norm(a - b) > np.linalg.norm(a - c)
assert cosine(a, b) > 0.99
assert cosine(a, c) < 0.65
assert c @ b > 2 * (c @ a)

# %% [markdown]
# *Picture: three arrows from one point. a and b point up to the right in nearly the same direction,
# b more than twice as long. c lies almost flat, a little below the horizontal, its tip nearer to
# that of a than b's tip is.*
#
# By distance a is nearer to c than to b, only because b is long. By inner product b looks more than
# twice as close to c as a does, for the same reason. The cosine says what the eye says: a and b
# belong together.
#
# ### Exercise 3: `cosine_table` (easy, 10 minutes, 4 points)
#
# Give the cosines of all rows of `a` $(N, C)$ with all rows of `b` $(M, C)$, $(N, M)$. A row of
# nothing but 0 has no direction; let its cosines be 0.


# %%
def cosine_table(a, b):
    ### BEGIN SOLUTION
    lengths_a = np.sqrt((a * a).sum(axis=-1, keepdims=True))  # (N, 1)
    lengths_b = np.sqrt((b * b).sum(axis=-1, keepdims=True))  # (M, 1)
    lengths = lengths_a * lengths_b.T  # (N, M)
    return a @ b.T / np.where(lengths == 0.0, 1.0, lengths)
    ### END SOLUTION


# %%
check(cosine_table)

# %% [markdown]
# ### Exercise 4: `nearest_rows` (medium, 12 minutes, 4 points)
#
# For each row of `vectors` $(V, C)$ give the ids of the $k$ **other** rows that have the largest
# cosine with it, the nearest first: $(V, k)$. `np.argsort(x)` gives the places of the smallest
# number, the next, and so on. Use your `cosine_table`. You will need this one again in the project.


# %%
def nearest_rows(vectors, k):
    ### BEGIN SOLUTION
    likeness = cosine_table(vectors, vectors)  # (V, V)
    np.fill_diagonal(likeness, -np.inf)
    return np.argsort(-likeness, axis=-1)[:, :k]
    ### END SOLUTION


# %%
check(nearest_rows)

# %% [markdown]
# ## An experiment: vectors that nobody told what words mean
#
# Where do good vectors come from? The linguist J. R. Firth wrote in 1957: «You shall know a word by
# the company it keeps.» So let a model guess each word from its company, the two words before it
# and the two after. It averages the four vectors and applies one linear layer, which gives a score
# for each word of the vocabulary. To guess well, it must give similar vectors to words that keep
# similar company. Nobody tells it what a word means.
#
# The text comes from tinyworld, a generator of small stories that is part of tinyllm. It will also
# judge: its lexicon says which words are animals, foods, towns and so on. The model never sees it.


# %%
def kinds_in(world):
    """For each word that the lexicon lists once: what kind of word it is."""
    both = [*world.adjectives, *world.animal_adjectives]
    listed = {
        "animal": world.animals, "food": world.foods, "thing": world.things,
        "place": world.places, "town": world.cities, "job": world.occupations,
        "quality": both, "mood": [*world.moods["good"], *world.moods["bad"]],
        "person": [person.name for person in world.people],
    }  # fmt: skip
    words = [(word.english.lower(), kind) for kind, some in listed.items() for word in set(some)]
    times = Counter(word for word, _ in words)
    return {word: kind for word, kind in words if times[word] == 1}


world = World(seed=0, size="mini")
texts = [story.text.lower() for story in stories(Grammar(world), 1500)]
kinds = kinds_in(world)
tokenizer = WordTokenizer.train(texts)
V, words = tokenizer.vocab_size, tokenizer.words
print(textwrap.fill(texts[0], 88))
print(V, "words, of which the lexicon knows", sum(word in kinds for word in words))
assert 190 < V < 210
assert 95 < sum(word in kinds for word in words) < 110

# %%
NOTHING = tokenizer.unknown_id  # stands before and after each story
row = [NOTHING, NOTHING]
for text in texts:
    row += [*tokenizer.encode(text), NOTHING, NOTHING]
fives = np.lib.stride_tricks.sliding_window_view(np.array(row), 5)
fives = fives[fives[:, 2] != NOTHING]  # (N, 5): two words, the one to guess, two words
company, target = np.ascontiguousarray(fives[:, [0, 1, 3, 4]]), fives[:, 2].copy()  # (N, 4), (N,)

tinyllm.manual_seed(0)
embedding, head = nn.Embedding(V, 16), nn.Linear(16, V)
optimizer = AdamW([*embedding.parameters(), *head.parameters()], lr=0.02, weight_decay=0.0)
at_first, losses = embedding.weight.detach().numpy().copy(), []
for _ in range(400):
    some = rng.integers(0, len(target), size=512)  # (B,)
    mean = embedding(tinyllm.tensor(company[some])).mean(1)  # (B, 4, C) -> (B, C)
    loss = F.cross_entropy(head(mean), tinyllm.tensor(target[some]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
learnt = embedding.weight.detach().numpy()  # (V, C)
print(f"loss {losses[0]:.2f} at first, {losses[-1]:.2f} at last, {np.log(V):.2f} by guessing")
assert 5 < losses[0] < 6
assert np.mean(losses[-20:]) < 1.4

# %% [markdown]
# ### Predict, then run (5 minutes)
#
# Take the words whose kind the lexicon knows, some hundred of them, and for each the nearest other
# word by cosine. How often is it of the **same kind**, an animal beside an animal, a town beside a
# town? By chance it would be about 7 in 100: there are nine kinds, and half of the vocabulary has
# none. It might come out otherwise than one hopes: «rabbit» may end up beside «had», because they
# meet all the time. Put a share between 0 and 1.

# %%
my_share = None
### BEGIN SOLUTION
my_share = 0.6
### END SOLUTION


# %%
def unit_rows(vectors):
    """The same directions, all of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def share_of_same_kind(vectors, words, kinds):
    """How often a known word's nearest neighbour is of its own kind."""
    likeness = unit_rows(vectors) @ unit_rows(vectors).T  # (V, V)
    np.fill_diagonal(likeness, -2)
    nearest = likeness.argmax(axis=-1)
    known = [i for i, word in enumerate(words) if word in kinds]
    return float(np.mean([kinds.get(words[nearest[i]]) == kinds[words[i]] for i in known]))


of_kind = Counter(kinds[word] for word in words if word in kinds)
by_chance = sum(n * (n - 1) for n in of_kind.values()) / of_kind.total() / (V - 1)
before = share_of_same_kind(at_first, words, kinds)
after = share_of_same_kind(learnt, words, kinds)
reveal("06", "share of neighbours of the same kind", my_share, after)
print(f"before training {before:.2f}, by chance {by_chance:.3f}")
assert 0.06 < by_chance < 0.08
assert len(of_kind) == 9
assert before < 0.25

# %%
assert after > 0.8

# %%
groups = {"animal": BLUE, "food": ORANGE, "town": GREEN, "mood": PURPLE, "job": INK}


def flat(vectors):
    """The two directions in which rows differ most: (V, C) -> (V, 2)."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T


def draw_map(axes, spots, names, kinds, groups, title):
    """Words at their spots (N, 2), coloured by kind; labels make room for one another."""
    spots = (spots - spots.min(axis=0)) / np.ptp(spots, axis=0)  # from 0 to 1
    shifts, labels = sorted(0.004 * np.arange(-150, 151), key=abs), []
    for i in np.argsort(spots[:, 1]):  # from below
        colour, x, y = groups[kinds[names[i]]], spots[i, 0] + 0.015, spots[i, 1]
        near = [low for left, low in labels if abs(x - left) < 0.17]
        y += next(shift for shift in shifts if all(abs(y + shift - low) > 0.032 for low in near))
        labels.append((x, y))
        axes.plot([spots[i, 0], x], [spots[i, 1], y], color=colour, linewidth=0.4)
        axes.plot(*spots[i], ".", color=colour)
        axes.text(x, y, names[i], color=colour, fontsize=8, va="center")
    for kind, colour in groups.items():
        axes.plot([], [], ".", color=colour, label=kind)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlim(-0.05, 1.2)
    axes.set_facecolor(PAPER)


# %%
chosen = [i for i, word in enumerate(words) if kinds.get(word) in groups]
names = [words[i] for i in chosen]
figure, panels = plt.subplots(1, 2, figsize=(11, 5.4), layout="constrained", facecolor=PAPER)
for axes, vectors, title in zip(panels, (at_first, learnt), ("at first", "trained"), strict=True):
    draw_map(axes, flat(unit_rows(vectors[chosen])), names, kinds, groups, title)
panels[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.01), ncols=5)
plt.show()

# %% [markdown]
# *Picture: two maps of the same words, coloured by kind: animals blue, foods orange, towns green,
# moods purple, jobs black. At first all are mixed. Trained, each colour has a region of its own.*
#
# A table of random numbers became a map, by guessing words alone. The map is flat, and the vectors
# have 16 numbers: we look along the two directions in which these rows differ most (the first two
# principal components), and what differs along the other 14 falls together. So believe the cosines,
# and use the map to see what to ask.
#
# ## A bag of words knows no order
#
# Our model averages. An average does not ask who came first: $(a + b + c) / 3$ is the same in any
# order. «Dog bites man» and «man bites dog» are one bag of words, and one mean.
#
# You may hope that attention is cleverer. Lesson 07 builds it; all that matters here is its shape.
# Each word's output is a weighted mean of all the words' vectors, and each weight depends on two
# vectors: that of the word that looks and that of the word looked at. Nowhere does the formula ask
# where the two stand. So let tinyllm's attention read both sentences, and see by how much each
# word's output differs, first with the bare vectors, then with something added that depends on the
# place.


# %%
def attend(x):
    """Self-attention without weights of its own: x (T, C) is query, key and value."""
    x = tinyllm.tensor(x)
    return F.scaled_dot_product_attention(x, x, x).numpy()


names = ["dog", "bites", "man"]
vectors = dict(zip(names, rng.normal(size=(3, 8)), strict=True))
waves = nn.sinusoidal_positions(3, 8).numpy()  # (T, C)
moved = {}
for title, positions in (("bare vectors", np.zeros((3, 8))), ("with positions", waves)):
    one = attend(np.stack([vectors[name] for name in names]) + positions)  # dog bites man
    other = attend(np.stack([vectors[name] for name in names[::-1]]) + positions)[::-1]
    moved[title] = np.abs(one - other).max(axis=-1)  # (T,): for dog, bites and man
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
for title, offset, colour in zip(moved, (-0.2, 0.2), (ORANGE, BLUE), strict=True):
    axes.bar(np.arange(3) + offset, moved[title], 0.4, color=colour, label=title)
axes.set_xticks(range(3), names)
axes.set_ylabel("output differs by")
axes.legend(frameon=False)
plt.show()
print({title: numbers.round(3) for title, numbers in moved.items()})
assert moved["bare vectors"].max() < 1e-6
assert moved["with positions"].min() > 0.02

# %% [markdown]
# *Picture: for dog, bites and man, how much the output changes when the sentence is turned round.
# The orange bars of the bare vectors have no height at all. The blue ones, with positions, are high
# for dog and man, which change places, and low for bites, which stays in the middle.*
#
# Bare attention gives each word the very same output in both sentences (but for rounding). Whoever
# bites whom, it cannot know. A vector has to say not only **what** but **where**.
#
# ## Three ways to say where
#
# **Learned.** The simplest: a second table, with a row for each position, added to the words' rows.
# It is learnt like any other. GPT-2 does so. A position beyond the table has no row, and a row that
# training never used is whatever it was at first.
#
# **Sinusoidal.** A table that needs no learning. Think of a clock with many hands. The first turns
# fast, one radian per position, and tells neighbours apart; each further hand is slower, and the
# last, at a width of 512, needs some 60,000 words, a small book, to come
# round. The place of a hand is a pair, sine and
# cosine:
#
# $$PE_{t, 2i} = \sin\left(t / 10000^{2i/C}\right) \qquad PE_{t, 2i+1} = \cos\left(t /
# 10000^{2i/C}\right)$$

# %%
long = nn.sinusoidal_positions(64, 32).numpy()  # (T, C)
figure, panels = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", facecolor=PAPER)
panels[0].imshow(long, cmap="viridis", aspect="auto")
panels[0].set_xlabel("column")
panels[0].set_ylabel("position t")
panels[0].set_title("the table (T, C)", loc="left", color=INK, fontsize=11)
dress(panels[1])
products = long @ long.T  # (T, T)
for place, colour in ((8, BLUE), (32, ORANGE), (56, GREEN)):
    panels[1].plot(np.arange(64) - place, products[place], color=colour, label=f"t = {place}")
panels[1].set_xlabel("distance s - t")
panels[1].set_title("inner product of rows t and s", loc="left", color=INK, fontsize=11)
panels[1].legend(frameon=False)
plt.show()
assert np.allclose(np.diag(products), 16, atol=1e-4)
assert 60_000 < 2 * np.pi * 10000 ** (510 / 512) < 61_000  # the last hand, for a width of 512
assert np.allclose(products[8, 11], products[56, 59], atol=1e-4)
assert np.allclose(np.diff(np.diag(products, 5)), 0, atol=1e-3)

# %% [markdown]
# *Picture: left, the table of 64 positions and 32 columns: the first columns flicker from row to
# row, the later ones change ever more slowly. Right, inner products of rows: three curves for three
# places that lie on one another, highest, 16, at distance 0.*
#
# The right side holds a small miracle. The inner product of rows $t$ and $s$ is a sum of
# $\sin \sin + \cos \cos$, one for each hand, and that is the cosine of the **difference** of the
# two angles:
#
# $$PE_t \cdot PE_s = \sum_i \cos\left((t - s) \, / \, 10000^{2i/C}\right)$$
#
# It knows the distance and nothing else. «Three words back» looks the same everywhere in the text.
#
# ### Exercise 5: `wave_positions` (medium, 12 minutes, 4 points)
#
# Make the table $(T, C)$; $C$ is even.


# %%
def wave_positions(T, C):
    ### BEGIN SOLUTION
    frequencies = 10000.0 ** (-np.arange(0, C, 2) / C)  # (C/2,)
    angles = np.arange(T)[:, None] * frequencies  # (T, C/2)
    table = np.zeros((T, C))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)
    return table
    ### END SOLUTION


# %%
check(wave_positions)

# %% [markdown]
# **Rotary.** But attention does not compare bare positions. It compares words **with** positions
# added, $(x + PE_t) \cdot (y + PE_s)$, and in the product stand two mixed terms, $x \cdot PE_s$
# and $PE_t \cdot y$, which know the places one by one. Su et al. (2021) found a way without them:
# do not add the clock, **turn the vector by it**. Take the $D$ numbers of a query in pairs, and see
# each pair as an arrow in the plane. At position $t$ turn pair $i$ by the angle $t \cdot
# 10000^{-2i/D}$; do the same to the keys. A turn changes no length, and the inner product of two
# arrows depends on the angle between them. Turn one by $t$ steps and the other by $s$, and the
# angle between them has changed by $t - s$ steps. So the score depends on the two words, and on
# their distance alone.

# %%
figure, panels = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained", facecolor=PAPER)
q, k, scores = np.array([0.7, 0.9]), np.array([1.0, 0.2]), []
for axes, (t, s) in zip(panels, ((0, 0), (3, 2), (5, 4)), strict=True):
    ends = []
    for vector, place, colour, name in ((q, t, BLUE, f"q at {t}"), (k, s, ORANGE, f"k at {s}")):
        angle = 0.5 * place  # half a radian for each position
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        ends.append(turn @ vector)
        style = {"arrowstyle": "-|>", "color": colour, "lw": 2}
        axes.annotate("", ends[-1], (0, 0), arrowprops=style)
        axes.text(*(ends[-1] * 1.25), name, color=colour, ha="center", va="center")
    scores.append(ends[0] @ ends[1])
    axes.set_xlim(-1.5, 1.5)
    axes.set_ylim(-1.5, 1.5)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(f"score {scores[-1]:.2f}", loc="left", color=INK, fontsize=11)
plt.show()
assert np.isclose(scores[1], scores[2])
assert abs(scores[0] - scores[1]) > 0.1
assert np.isclose(scores[0], 0.88)

# %% [markdown]
# *Picture: a query and a key as arrows, three times. Both at position 0 they have the score 0.88.
# With the query at 3 and the key at 2 both are turned, the query by one step more, and the score is
# smaller. At 5 and 4 the pair as a whole is turned further, and the score is the same as before.*
#
# ### Exercise 6: `turn_pairs` (hard, 18 minutes, 6 points)
#
# Write it for `x` $(..., T, D)$ and `positions` $(T)$, the place of each row; $D$ is even. Pair $i$
# is $(x_i, x_{i + D/2})$: the first half of the vector with the second, as Llama's code has it.
# Turning $(u, v)$ by the angle $a$ gives $(u \cos a - v \sin a, \; v \cos a + u \sin a)$.


# %%
def turn_pairs(x, positions):
    ### BEGIN SOLUTION
    D = x.shape[-1]
    frequencies = 10000.0 ** (-np.arange(0, D, 2) / D)  # (D/2,)
    angles = positions[:, None] * frequencies  # (T, D/2)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = x[..., : D // 2], x[..., D // 2 :]  # (..., T, D/2) each
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
    ### END SOLUTION


# %%
check(turn_pairs)

# %% [markdown]
# tinyllm's own is `nn.RotaryEmbedding`, around this kernel. We put it to the test: a query and a
# key, three positions apart, walk together through a text. Their score should stay as it is. For
# comparison, the same two vectors with sinusoidal positions added.

# %%
print(inspect.getsource(rotate_kernel.definition))
q, k = rng.normal(size=(2, 64))  # (D,) each
rotary, waves = nn.RotaryEmbedding(64, 1024), nn.sinusoidal_positions(1024, 64).numpy()


def turned(x, place):
    """x (D,) as it is at a position."""
    return rotary(tinyllm.tensor(x.reshape(1, 1, 1, -1)), start=place).numpy().reshape(-1)


walk = np.arange(3, 1000, 7)  # where the query stands; the key is three places before it
by_turning = np.array([turned(q, t) @ turned(k, t - 3) for t in walk])
by_adding = np.array([(q + waves[t]) @ (k + waves[t - 3]) for t in walk])
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(walk, by_adding - by_adding.mean(), color=ORANGE, label="sinusoidal, added")
axes.plot(walk, by_turning - by_turning.mean(), color=BLUE, lw=2, label="rotary")
axes.set_xlabel("position of the query; the key stands three before it")
axes.set_ylabel("score, less its mean")
axes.legend(frameon=False, loc="upper left")
plt.show()
print(f"spread of the scores: rotary {by_turning.std():.1e}, added {by_adding.std():.2f}")
assert by_turning.std() < 1e-9
assert by_adding.std() > 1

# %% [markdown]
# *Picture: the score of one pair of vectors along a text of 1,000 positions. The rotary line is
# perfectly level. With sinusoidal positions added, the score swings up and down by ten and more.*
#
# ## An experiment: three words back
#
# Does it matter to a model that learns? A task that needs nothing but positions: given a row of
# random tokens, say at each place which token stood **three places back**. A decoder with one layer
# of attention learns it on rows of 24 tokens, with no positions, with learned ones, and with rotary
# ones. Then it is tested on rows of 48. The positions 24 to 47 are new to it, although the task is
# the same.


# %%
TOKENS, SHORT, LONG, BACK = 16, 24, 48, 3


def right_by_position(positions, steps=100):
    """Train a small decoder on short rows; its share of right answers by place in long ones."""
    tinyllm.manual_seed(0)
    sizes = {"layers": 1, "heads": 1, "width": 32, "hidden_width": 32}
    style = "rotary" if positions == "rotary" else "learned"
    model = Decoder(DecoderConfig(TOKENS, LONG, positions=style, **sizes))
    if positions == "none":  # a table of zeros that is not trained
        nn.init.zeros_(model.position_embedding.weight)
        model.position_embedding.weight.requires_grad_(False)
    optimizer = AdamW([p for p in model.parameters() if p.requires_grad], 0.02, weight_decay=0.0)
    draw = np.random.default_rng(1)
    for _ in range(steps):
        ids = draw.integers(0, TOKENS, size=(16, SHORT))  # (B, T)
        answers = np.full((16, SHORT), -100)  # nothing is asked of the first three
        answers[:, BACK:] = ids[:, :-BACK]
        optimizer.zero_grad()
        model.loss(tinyllm.tensor(ids), tinyllm.tensor(answers)).backward()
        optimizer.step()
    ids = draw.integers(0, TOKENS, size=(200, LONG))
    with tinyllm.no_grad():
        said = model(tinyllm.tensor(ids)).numpy().argmax(axis=-1)  # (B, LONG)
    return (said[:, BACK:] == ids[:, :-BACK]).mean(axis=0)  # (LONG - 3,)


# %% [markdown]
# ### Predict, then run (5 minutes)
#
# On the positions that it was trained on, the **rotary** model will answer nearly everything. What
# share of its answers will be right at the positions 24 to 47, where it never was? (By chance it is
# 1/16, about 0.06.) Turning by angles it has never met may confuse it altogether, or not at all.

# %%
my_share_beyond = None
### BEGIN SOLUTION
my_share_beyond = 0.9
### END SOLUTION

# %%
right = {positions: right_by_position(positions) for positions in ("none", "learned", "rotary")}
within = {name: float(share[: SHORT - BACK].mean()) for name, share in right.items()}
beyond = {name: float(share[SHORT - BACK :].mean()) for name, share in right.items()}
reveal("06", "right answers at new positions, rotary", my_share_beyond, beyond["rotary"])

# %%
figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
for (name, share), colour in zip(right.items(), (QUIET, ORANGE, BLUE), strict=True):
    axes.plot(range(BACK, LONG), share, color=colour, label=name, lw=2)
axes.axvline(SHORT - 0.5, color=INK, linestyle=":")
axes.axhline(1 / TOKENS, color=INK, linewidth=0.8, linestyle="--")
axes.text(SHORT, 0.55, " positions never trained on", color=INK, fontsize=9)
axes.set_ylim(0, 1.05)
axes.set_xlabel("position")
axes.set_ylabel("share of right answers")
axes.legend(frameon=False, loc="center left", title="positions")
plt.show()
print("within", within, "\nbeyond", beyond)
assert within["none"] < 0.35
assert within["learned"] > 0.95
assert within["rotary"] > 0.95
assert beyond["learned"] < 0.2
assert beyond["rotary"] > 0.8

# %% [markdown]
# *Picture: share of right answers by position. Rotary stays at 1 or close to it over all 48
# positions. Learned is near 1 up to position 23, and falls to chance from 24 on. Without positions
# the line begins below 0.4 and sinks towards chance.*
#
# Without positions the model knows which tokens have come, but not where. So it guesses among them,
# and the more there are, the closer it is to chance. Learned positions solve the task, for the
# places they have learnt: rows 24 to 47 of their table never got a gradient, just as unused words
# in our first example. Rotary positions learnt «three back» once, and it holds everywhere. Do not
# conclude that a rotary model reads texts of any length: this task has one distance in it, and that
# one was trained. Distances that training never showed are new to it too, and in large models they
# need help.
#
# ### An open question (10 minutes, for a teacher to read)
#
# In tinyworld at its full size there is a woman called Lily, and a flower, a lily. Our text is in
# small letters. How many rows of the table do the two have? Where will the row lie after
# training, and what are its neighbours? What would keeping capitals change, and what would it cost?
# And what can the layers above the table do about it that the table cannot?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for one row that serves both, with the sum of both gradients; 1 for its place between the groups
# or in the more frequent one, with mixed neighbours; 1 for capitals: two rows, but then every word
# that begins a sentence has two as well, each with less text to learn from; 1 for context:
# attention mixes in the neighbours' vectors, so that above the table the two differ.
#
# </details>
#
# ## Project: a map of words, from raw pages
#
# So far a tokenizer cleaned up, and a network learnt. Now do it all by yourself, without any
# training: **count** who stands near whom, and let linear algebra make vectors of it. You go from
# raw pages to a map that you can hang on the wall. There are four pieces, and each is an exercise.
# When all four are done (and exercise 4), the cells between them come to life. Take 100 minutes.
#
# Here are the pages: stories from a larger world of tinyworld, dressed up as what one finds on the
# web.


# %%
def as_page(story, draw):
    """A story with the debris of a page around it and in it."""
    sentences = story.text.split(". ")
    text = ". ".join(
        sentences[:1] + [s.upper() if draw.random() < 0.1 else s for s in sentences[1:]]
    )
    pieces = []
    for word in text.split(" "):
        dice = draw.random()
        word = f"<b>{word}</b>" if dice < 0.03 else word
        pieces.append(word + ("&nbsp;" if dice > 0.97 else "<br/>" if dice > 0.95 else " "))
    title = f'<h1 class="story">Story {draw.integers(1, 1000)} &amp; more</h1>'
    return f"<html>{title}\n<p>{''.join(pieces)}</p>\n</html>"


mini = SIZES["mini"]
larger = Size(24, 8, 12, 3, 4, relations=mini.relations, kinds=mini.kinds, synonyms=False)
big_world = World(seed=0, size=larger)
draw = np.random.default_rng(66)
pages = [as_page(story, draw) for story in stories(Grammar(big_world), 2000)]
print(len(pages), "pages; the first:\n\n" + textwrap.fill(pages[0], 110, replace_whitespace=False))
assert len(pages) == 2000
assert "&nbsp;" in "".join(pages[:20])

# %% [markdown]
# ### Project 1: `words_of_page` (medium, 14 minutes, 4 points)
#
# Give the words of a page, a list in their order. Tags, such as `<b>` and `<p class="x">`, and
# signs with names, such as `&nbsp;`, each count as a blank. Then all is turned into small letters;
# and a word is a run of the letters a to z, so numbers go. `re.sub(pattern, new, text)` replaces,
# `re.findall(pattern, text)` finds.


# %%
def words_of_page(page):
    ### BEGIN SOLUTION
    text = re.sub(r"<[^>]*>", " ", page)
    text = re.sub(r"&\w+;", " ", text)
    return re.findall(r"[a-z]+", text.lower())
    ### END SOLUTION


# %%
check(words_of_page)

# %% [markdown]
# ### Project 2: `window_counts` (medium, 16 minutes, 5 points)
#
# `ids` is one long list for all texts, in which -1 marks the end of each. Give the table $(V, V)$:
# how often do words $i$ and $j$ stand at most `window` places apart in one text? Each pair of
# places counts once for $(i, j)$ and once for $(j, i)$. So two places with the
# same word add 2 at $(i, i)$. With a window of 1, `[0, 1, -1]` gives a 1
# at $(0, 1)$ and a 1 at $(1, 0)$.


# %%
def window_counts(ids, V, window):
    ### BEGIN SOLUTION
    counts = np.zeros((V, V))
    for place, one in enumerate(ids):
        for other in reversed(ids[max(0, place - window) : place]):
            if one < 0 or other < 0:
                break
            counts[one, other] += 1
            counts[other, one] += 1
    return counts
    ### END SOLUTION


# %%
check(window_counts)

# %% [markdown]
# ### Project 3: `positive_pmi` (medium, 14 minutes, 5 points)
#
# Counts alone say mostly how frequent words are: everybody stands beside «the». What is telling is
# how much more often two words meet than chance would have it. With $p_{ij}$ the share of the
# pair in all counts, $p_i$ the sum of row $i$, and $p_j$ that of column $j$, that is the
# **pointwise mutual information**, cut off below 0:
#
# $$\text{PPMI}_{ij} = \max\left(\log \frac{p_{ij}}{p_i \, p_j}, \; 0\right)$$
#
# For the counts $\begin{pmatrix} 2 & 1 \\ 1 & 4 \end{pmatrix}$ the sum is 8 and $p_0 = 3/8$, so the
# first entry is $\log \frac{2/8}{9/64} = \log 1.78 = 0.575$, and the two beside the diagonal are 0.
# What was never counted gets 0, also where a word has no neighbours at all.


# %%
def positive_pmi(counts):
    ### BEGIN SOLUTION
    p = counts / counts.sum()  # (V, V)
    by_chance = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)  # (V, V)
    ratio = np.where(p > 0, p, 1.0) / np.where(p > 0, by_chance, 1.0)
    return np.maximum(np.log(ratio), 0.0)
    ### END SOLUTION


# %%
check(positive_pmi)

# %% [markdown]
# ### Project 4: `vectors_by_svd` (medium, 10 minutes, 4 points)
#
# Each row of that table is already a vector for a word, with $V$ numbers, most of them 0. Two words
# with similar company have similar rows. To make it short and smooth, keep only the $k$ directions
# that matter most. The **singular value decomposition** writes any table as $u \, \text{diag}(s) \,
# v$, with the largest $s$ first. Return the first $k$ columns of $u$, each times the root of its
# $s$: $(V, S) \to (V, k)$. (Levy and Goldberg showed in 2014 that skip-gram, the network behind
# word2vec, in effect factorises such a table too.)


# %%
def vectors_by_svd(table, k):
    ### BEGIN SOLUTION
    u, s, _ = np.linalg.svd(table)
    return u[:, :k] * np.sqrt(s[:k])
    ### END SOLUTION


# %%
check(vectors_by_svd)

# %% [markdown]
# ### All together
#
# From pages to neighbours, with your functions alone. A word must come ten times to be on the map:
# with fewer, its counts are chance.


# %%
def from_pages(pages, window, k=32, least=10):
    """Words and their vectors (V, k), by your four functions."""
    texts = [words_of_page(page) for page in pages]
    times = Counter(word for text in texts for word in text)
    words = [word for word, n in times.most_common() if n >= least]
    number = {word: i for i, word in enumerate(words)}
    ids = [i for text in texts for i in [*(number[w] for w in text if w in number), -1]]
    counts = window_counts(ids, len(words), window)  # (V, V)
    return words, vectors_by_svd(positive_pmi(counts), k)


pieces = (words_of_page, window_counts, positive_pmi, vectors_by_svd, nearest_rows)
ready = all(check(piece).passed for piece in pieces)
if ready:
    map_words, map_vectors = from_pages(pages, window=2)  # (V, k)
    near = nearest_rows(map_vectors, 4)  # (V, 4)
    for word in ("rabbit", "soup", "garden", "oakham", "bought", "monday", "blue"):
        row = near[map_words.index(word)]
        print(f"{word:>8}: {', '.join(map_words[i] for i in row)}")
    big_kinds = kinds_in(big_world)
    same = share_of_same_kind(map_vectors, map_words, big_kinds)
    print(f"{len(map_words)} words; nearest of the same kind: {same:.2f}")
    assert 280 < len(map_words) < 330
    assert same > 0.9
else:
    print("to do: exercise 4 and the four pieces of the project")

# %% [markdown]
# And the map. `vectors_by_svd` makes it too: of the vectors less their mean, with $k = 2$, it gives
# the two directions in which they differ most.

# %%
if ready:
    on_map = {"animal": BLUE, "food": ORANGE, "mood": GREEN, "place": PURPLE, "job": INK}
    shown = [i for i, word in enumerate(map_words) if big_kinds.get(word) in on_map]
    rows = unit_rows(map_vectors[shown])
    spots = vectors_by_svd(rows - rows.mean(axis=0), 2)  # (shown, 2)
    figure, axes = plt.subplots(figsize=(9, 7), layout="constrained", facecolor=PAPER)
    title = f"{len(shown)} words by the company they keep"
    draw_map(axes, spots, [map_words[i] for i in shown], big_kinds, on_map, title)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.01), ncols=5)
    plt.show()

# %% [markdown]
# *Picture, once the project is done: a map of some seventy words in five colours. Each kind forms a
# cloud of its own.*
#
# How far should a word look? The last figure asks it of your functions: the share of nearest
# neighbours of the same kind, for windows of 1 to 16 words.

# %%
if ready:
    windows = [1, 2, 4, 8, 16]
    shares = [
        share_of_same_kind(v, w, big_kinds) for w, v in (from_pages(pages, n) for n in windows)
    ]
    figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained", facecolor=PAPER)
    dress(axes)
    axes.plot(windows, shares, "o-", color=BLUE)
    axes.set_xscale("log", base=2)
    axes.set_xticks(windows, [str(n) for n in windows])
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("window")
    axes.set_ylabel("same kind")
    plt.show()
    print("window and share", dict(zip(windows, np.round(shares, 2).tolist(), strict=True)))
    assert max(shares) == shares[1]
    assert shares[-1] < 0.7

# %% [markdown]
# *Picture, once the project is done: the share against the window. It is highest at a window of 2,
# and falls as the window grows.*
#
# ### What to show (20 minutes, for a teacher to read)
#
# Hand in the map, and a page about it: which groups you see; one neighbour that surprised you,
# followed back to the counts that made it; what changes with the window, and why (a narrow window
# asks which words could stand in the same place, a wide one which words are about the same thing);
# and one thing that the map seems to show and the cosines deny. Better still, feed it another text:
# `pages` is any list of strings, for example the chapters of a book that is out of copyright.
#
# <details>
# <summary><em>For a teacher: the rubric, 8 points.</em></summary>
#
# 2 for a map that can be read (labels, colours or groups named); 2 for a surprise traced to the
# rows of counts, not merely guessed at; 2 for the window, with at least two maps or lists of
# neighbours compared and a reason given; 1 for a difference between the flat map and the cosines;
# 1 for a text of their own, or for saying what their cleaning lost (numbers, capitals, hyphens).
#
# </details>
#
# ## What to remember
#
# - A lookup is a product with one-hot rows. Its gradient scatters what arrives over the rows used,
#   and **adds** where a row was used twice.
# - The cosine compares directions. Leave out the row itself when you look for its neighbours.
# - Words that keep the same company get similar vectors, whether learnt by guessing or counted.
# - Attention and averages are blind to order: positions have to be put in.
# - Learned positions know the places they were trained on. Sinusoidal ones are a clock with many
#   hands, added. Rotary ones turn queries and keys: the score depends on the distance alone.
#
# ## Where next
#
# Lesson 07 builds the attention that these vectors go into, and asks you for a proof that it is
# blind to order. Lesson 08 stacks it into blocks. To look further now, read `tinyllm/nn/rotary.py`
# and `tinyllm/nn/positions.py`; Mikolov et al. 2013, [arXiv:1301.3781](https://arxiv.org/abs/1301.3781),
# on word vectors; Levy and Goldberg 2014, «Neural word embedding as implicit matrix factorization»;
# and Su et al. 2021, [arXiv:2104.09864](https://arxiv.org/abs/2104.09864), on rotary positions.
