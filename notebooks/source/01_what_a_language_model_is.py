# %% [markdown]
# # 01 What a language model is
#
# **You will be able to** say what a language model is, and build one by counting; give a share to
# words that were never seen, in four ways from crude to clever; let a model write; measure it on
# text that it has not counted; and say what entropy is, because you have felt it.
#
# **You need** lesson 00: Python's dicts, a little NumPy, logarithms to base 2.
# **Time:** about 50 minutes of reading, and 80 of exercises.
#
# ## Why
#
# «She opened the door and saw her ...» You have a word in mind. Perhaps *mother*, perhaps *friend*;
# hardly *Wednesday*. Nobody taught you those shares, and yet you have them: out of all that you
# have heard, you know what tends to follow what.
#
# A **language model** is a machine with such shares. It gets the words so far and answers with a
# number for every word of its vocabulary: how likely is it to come next? The numbers are not
# negative and sum to 1. That is the whole of it. A model of a hundred billion parameters answers
# the same question, in the same form, as the model that you build in this lesson by counting. From
# the answer all else follows: draw a word by its share, append it, ask again, and the model writes.
#
# We begin with counting because nothing is hidden in it. And it is no toy: for half a century
# counted models were the best there were, and the trouble that they have, zero counts, is the very
# reason why people turned to networks.
#
# Letters: $V$ words in the vocabulary, $N$ words in a text, $n$ words in an n-gram, $c$ a count.

# %%
import inspect
import math
import textwrap
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import (
    Grammar,
    World,
    entropies,
    next_character,
    next_word,
    stories,
)
from tinyllm.models import NGram
from tinyllm.random import Generator
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, QUIET, dress

# %% [markdown]
# ## The idea in a picture
#
# Our texts are stories of **tinyworld**, a small world inside this package. Its people have homes,
# trades and mishaps, and a grammar tells stories of them, some 200 different words in all. The
# grammar knows the exact share of every next word: it is a perfect language model of its own
# stories. Most of the lesson leaves it aside and learns from stories alone, as one must with
# English. But let it answer first, so that you see what an answer looks like. We tell it the
# beginning of a story, word by word, and look at its shares at three places.

# %%
grammar = Grammar(World(seed=0, size="mini"))
train = [story.words[:-1] for story in stories(grammar, 1000)]  # the last word is the end
held_out = list(stories(grammar, 200, split="validation"))
print(held_out[0].text)
beginning = held_out[0].words

figure, panels = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", facecolor=PAPER)
for axes, place in zip(panels, (0, 1, 21), strict=True):
    shares = next_word(beginning[:place], grammar)
    best = sorted(shares, key=shares.get)[-6:]
    dress(axes)
    axes.grid(False)
    colours = [ORANGE if word == beginning[place] else BLUE for word in best]
    axes.barh(best, [shares[word] for word in best], color=colours)
    axes.set_xlim(0, 1)
    said = " ".join(beginning[max(place - 3, 0) : place])
    axes.set_title(f"{said or 'the start'} ...", loc="left", color=INK, fontsize=11)
    axes.set_xlabel(f"share ({len(shares)} words are possible)")
    assert abs(sum(shares.values()) - 1) < 1e-9
plt.show()
assert " ".join(beginning[18:21]) == "One Monday in"

# %% [markdown]
# *Picture: three bar charts of the likeliest next words. At the start of a story twenty names have
# small shares of 0.06 and less; six are shown. After «Hector» comes was, with 0.4, or liked, had or
# lived, with 0.2 each. After «One Monday in» come six months, equally likely. The word that did
# come is orange.*
#
# ## One question after another
#
# How likely is a whole story? Its words come one after another, and each has a share *given the
# words before it*. The shares multiply:
#
# $$p(w_1 w_2 \ldots w_N) = p(w_1)\; p(w_2 \mid w_1)\; p(w_3 \mid w_1 w_2) \cdots
# p(\text{end} \mid w_1 \ldots w_N)$$
#
# This **chain rule of probability** is no approximation; it holds for any text and any order in the
# world. Note its last factor. That a story ends here is an event like any other, and the model must
# predict it. Without it, «Fay» would be as likely as all stories that begin with «Fay» together.
#
# The approximation comes now. To know $p(w_5 \mid w_1 w_2 w_3 w_4)$ by counting, we would have to
# have seen those four words, and often. So look back a few words only: a **bigram** model looks at
# one, a **trigram** model at two, an **n-gram** model at $n - 1$. An n-gram is $n$ words in a row,
# and the shares are counts divided by counts:
#
# $$p(w \mid h) = \frac{c(h\, w)}{c(h)}$$
#
# where $h$, the **history**, is the $n - 1$ words before. Lesson 10 proves that no other shares
# make the counted text as likely. That is **maximum likelihood**, and for now it is common sense.
#
# ## The smallest numeric example
#
# Three stories, and a bigram model. With `<s>` for the start and `</s>` for the end:
#
# - `<s>` Fay saw a cat `</s>`
# - `<s>` Fay lost a map `</s>`
# - `<s>` Tom saw a map `</s>`
#
# How likely is «Fay saw a map»? Take a pencil. A story begins with «Fay» in 2 of 3 cases. After
# «Fay» comes «saw» in 1 of 2. After «saw» comes «a» in 2 of 2, after «a» comes «map» in 2 of 3, and
# after «map» the end in 2 of 2. The product is
#
# $$\frac23 \cdot \frac12 \cdot 1 \cdot \frac23 \cdot 1 = \frac29$$
#
# Nobody told that story. The model has made it up, of parts: this is the good side of looking back
# so little. Now do «Tom lost a map». After «Tom» came «lost» in 0 of 1 cases, and the product is 0.
# The model is certain that such a thing never happens. This is the bad side, and most of the lesson
# is about it.

# %%
told = ["Fay saw a cat", "Fay lost a map", "Tom saw a map"]
tiny = NGram(2, "none").fit(story.split() for story in told)
for text in ("Fay saw a map", "Tom lost a map"):
    words, before = [*text.split(), "</s>"], ["<s>", *text.split()]
    shares = [tiny.share(word, [last]) for last, word in zip(before, words, strict=True)]
    print(f"{text:15}", [f"{share:.3f}" for share in shares], "product", math.prod(shares))
    assert math.isclose(math.prod(shares), 2 / 9 if text == "Fay saw a map" else 0)

# %% [markdown]
# ### Exercise 1: `ngrams_of_story` (easy, 7 minutes, 3 points)
#
# `words` is the list of a story's words, without start and end, and `n` says how long an n-gram is.
# Give the list of its n-grams, each a tuple. Put `<s>` in front so many times that the first word
# has its $n - 1$ places before it, and `</s>` once behind. A story of $N$ words then has $N + 1$
# n-grams, whatever $n$ is.


# %%
def ngrams_of_story(words, n):
    ### BEGIN SOLUTION
    padded = ["<s>"] * (n - 1) + words + ["</s>"]
    return [tuple(padded[i : i + n]) for i in range(len(words) + 1)]
    ### END SOLUTION


# %%
check(ngrams_of_story)

# %% [markdown]
# ### Exercise 2: `shares_after` (medium, 10 minutes, 4 points)
#
# `counts` is a dict from n-grams, all of the same length, to how often each came. `history` is a
# tuple of $n - 1$ words; for unigrams, n-grams of one word, it is `()`. Give the dict of shares of
# the words that follow the history. If it was never seen, give `{}`.


# %%
def shares_after(counts, history):
    ### BEGIN SOLUTION
    after = {ngram[-1]: count for ngram, count in counts.items() if ngram[:-1] == history}
    total = sum(after.values())
    return {word: count / total for word, count in after.items()}
    ### END SOLUTION


# %%
check(shares_after)

# %% [markdown]
# tinyllm's `NGram` does the same, only sorted beforehand, so that it need not go through all counts
# for each question. One table for each order: from a history to a counter of what followed it. Here
# is the pass over the text. (What Kneser and Ney count instead is explained further down.)

# %%
print(inspect.getsource(NGram.fit))
trigrams = NGram(3, "none").fit(train)
followers = trigrams.tables[0]["She", "met"]
print(f"«She met» {followers.total()} times:", followers.most_common(5), "...")
assert followers.total() == sum(followers.values())
assert math.isclose(sum(trigrams.shares(["She", "met"]).values()), 1)

# %% [markdown]
# ## It writes
#
# A model that gives shares can write. Draw a word by its share, append it, ask again, until the end
# is drawn. Here are models that look back 0, 1, 2 and 4 words, all counted from the same 1,000
# stories. What gets better, and what does not?

# %%
for order in (1, 2, 3, 5):
    model, generator = NGram(order, "none").fit(train), Generator(seed=1)
    print(textwrap.fill(f"order {order}: {' '.join(model.draw(generator, most=40))}", 88), "\n")

# %% [markdown]
# Order 1 is a bag of words: not even a full stop stays at the end. With order 2 neighbours fit, and
# nothing else does. Order 3 makes sentences that you could mistake for real ones. Yet the story
# falls apart: *she* loses a dictionary and *he* looks for a coin, because
# whatever was said more than a few words ago has never been said.
#
# Since the grammar knows what can be told, it can say where a story goes wrong: at the first word
# to which it gives the share 0.


# %%
def words_until_impossible(words):
    """How many words of a text are told before one comes that no story has at that place."""
    for place, word in enumerate(words):
        if word not in next_word(words[:place], grammar):
            return place
    return len(words)


orders = [1, 2, 3, 4, 5, 6]
right = []
for order in orders:
    model, generator = NGram(order, "none").fit(train), Generator(seed=3)
    drawn = [words_until_impossible(model.draw(generator, most=40)) for _ in range(30)]
    right.append(np.mean(drawn))
mean_length = np.mean([len(words) for words in train])
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
bars = axes.bar(orders, right, color=BLUE)
axes.bar_label(bars, fmt="%.1f", color=INK)
axes.set_xlabel("order: words of an n-gram")
axes.set_ylabel("words until impossible")
plt.show()
print("a story of the grammar has", mean_length, "words in the mean")
assert right[0] < 1 < right[1] < 3 < 5 < right[2] < 8
assert 10 < right[5] < 16
assert 38 < mean_length < 43

# %% [markdown]
# *Picture: six bars that grow with the order: 0.1 words for order 1, 1.6 for order 2, 6.3 for order
# 3, and 12.8 for order 6.*
#
# Even the longest n-grams lose their way after a third of a story.
#
# ### Exercise 3: `draw_word` (medium, 8 minutes, 4 points)
#
# How does one draw by shares, if the machine only offers a number $u$ that is equally likely
# anywhere from 0 up to 1? Lay the shares end to end on a line from 0 to 1, in the order of the
# dict, and see on whose stretch $u$ lies. A stretch holds its left end and not its right one.
# Rounding may leave a hair between the last stretch and 1; it belongs to the last word.


# %%
def draw_word(shares, u):
    ### BEGIN SOLUTION
    reached = 0.0
    for word, share in shares.items():
        reached += share
        if u < reached:
            return word
    return word
    ### END SOLUTION


# %%
check(draw_word)

# %% [markdown]
# ## Never seen
#
# Longer n-grams write better. So why not take $n = 20$? Ask the question that matters: what does a
# model make of stories that it has **not** counted? The 200 held-out stories come from the same
# grammar. We count which part of their n-grams stood nowhere among the 1,000.

# %%
never, impossible = [], []
for order in orders:
    model = NGram(order, "none").fit(train)
    known = {ngram for words in train for ngram in model.ngrams(words)}
    asked = [ngram for story in held_out for ngram in model.ngrams(story.words[:-1])]
    never.append(np.mean([ngram not in known for ngram in asked]))
    infinite = [np.isinf(model.nats(story.words[:-1])).any() for story in held_out]
    impossible.append(np.mean(infinite))

figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(orders, never, "o-", color=BLUE, label="n-grams never seen")
axes.plot(orders, impossible, "s-", color=ORANGE, label="stories called impossible")
axes.set_ylim(0, 1.05)
axes.set_xticks(orders)
axes.set_xlabel("order")
axes.set_ylabel("share, held out")
axes.legend(frameon=False)
plt.show()
print("never seen", np.round(never, 3), "impossible", np.round(impossible, 2))
assert never[0] == 0
assert 0.04 < never[2] < 0.06
assert 0.4 < never[5] < 0.5
assert 0.2 < impossible[1] < 0.3
assert 0.7 < impossible[2] < 0.78

# %% [markdown]
# *Picture: two rising lines against the order. Of the n-grams none is unseen at order 1, 0.05 at
# order 3, 0.45 at order 6. The share of stories that are called impossible jumps up: 0.26 at order
# 2, 0.74 at order 3, all of them at order 6.*
#
# One trigram in twenty is new, and that is enough to make three stories in four impossible: a
# single factor of 0 makes the whole product 0. And tinyworld is an easy case, with 200 words. There
# are $200^3$ = 8 million trigrams of them. With the 50,000 words of a person's English there are
# 125 million million, and no library holds so many. Most sentences that you read today have never
# been written before.
#
# To measure models we give each word a price. It is its **surprise**, $-\log_2 p$, counted
# in **bits**: 0 for what was certain, 1 for a coin's toss, 3 for one of eight equal choices,
# infinite for what was called impossible. The surprise of a text is the sum over its words, since
# the logarithm turns the product of the chain rule into a sum; divided by the number of words it is
# the mean surprise. Undo the logarithm, and $2^{\text{mean surprise}}$ is the **perplexity**: as
# hard as so many equal choices. Lesson 10 lives on these two numbers.
#
# ## Add a little
#
# The oldest mend, from Laplace: pretend that you have seen everything a little more often than you
# have. Add $k$ to the count of every word after every history.
#
# ### Exercise 4: `add_k_share` (easy, 4 minutes, 2 points)
#
# In one line: the share of a word that followed a history `count` times, when the history was seen
# `total` times and there are `V` words. The shares of all `V` words must sum to 1.


# %%
def add_k_share(count, total, k, V):
    ### BEGIN SOLUTION
    return (count + k) / (total + k * V)
    ### END SOLUTION


# %%
check(add_k_share)

# %% [markdown]
# ### Predict, then run (4 minutes)
#
# Add 1 to every count, and no story is impossible any more. The bigram model then has a perplexity
# of 11.4 on the held-out stories; the unigram model, which looks at no word before, 79. What will
# the **trigram** model with 1 added have? Its stories were the better ones, after all.

# %%
my_perplexity = None
### BEGIN SOLUTION
my_perplexity = 8
### END SOLUTION

# %%
asked = sum(len(story.words) for story in held_out)  # the ends are asked too
floor = -sum(story.log_prob for story in held_out) / asked / math.log(2)  # bits per word


def bits(model):
    """Mean surprise of the held-out words, in bits."""
    nats = sum(model.nats(story.words[:-1]).sum() for story in held_out)
    return float(nats / asked / math.log(2))


added = [2 ** bits(NGram(order, "add-k", k=1.0).fit(train)) for order in (1, 2, 3)]
reveal("01", "perplexity of an add-one trigram model", my_perplexity, added[2])

# %%
assert 78 < added[0] < 79.5
assert 11.3 < added[1] < 11.5
assert 15.5 < added[2] < 16.2

# %%
ks = [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]
figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained", facecolor=PAPER)
dress(axes)
curves = {}
for order, colour, mark in ((2, ORANGE, "s"), (3, BLUE, "o"), (4, GREEN, "^")):
    curves[order] = [2 ** bits(NGram(order, "add-k", k=k).fit(train)) for k in ks]
    axes.plot(ks, curves[order], f"{mark}-", color=colour, label=f"order {order}")
axes.axhline(2**floor, color=QUIET, linestyle=":", label="the grammar itself")
axes.set_xscale("log")
axes.set_yscale("log")
axes.set_yticks([2, 4, 8, 16, 32, 64], ["2", "4", "8", "16", "32", "64"])
axes.set_yticks([], minor=True)
axes.set_xlabel("k, added to every count")
axes.set_ylabel("perplexity, held out")
axes.legend(frameon=False, loc="upper left")
plt.show()
print(
    "with 1 added:",
    np.round(added, 2),
    "\nbest of order 3:",
    min(curves[3]),
    " the grammar:",
    2**floor,
)
assert np.argmin(curves[3]) == 2
assert 5.1 < min(curves[3]) < 5.4
assert min(curves[4]) > min(curves[3])
assert 2.45 < 2**floor < 2.6

# %% [markdown]
# *Picture: perplexity against k, both on logarithmic scales. The curve of order 2 is flat at the
# left, between 7 and 8, and rises at the right. That of order 3 is lowest, 5.4, at k = 0.01. That
# of order 4 has the same shape and lies above it everywhere. The dotted line of the grammar lies
# far below, at 2.5.*
#
# The trigram model is *worse* than the bigram model, 16 against 11.4. The typical history of two
# words was seen a few times, and 200 words are given 1 each: the made-up counts drown the real
# ones. A smaller $k$ helps. But even the best order 4 loses to the best order 3, so something is
# wrong with the method itself. It gives the same share to everything that it has not seen. After
# «She bought», an unseen «umbrella» is as likely as an unseen «Wednesday». You know better, and the
# shorter n-grams know better too.
#
# ## Ask the shorter one
#
# A long history knows precisely, but seldom; a short one knows vaguely, but nearly always.
# **Interpolation** asks both, and mixes the shares by weights that sum to 1:
#
# $$p(w \mid u\,v) = \lambda_3 \frac{c(u\,v\,w)}{c(u\,v)} + \lambda_2 \frac{c(v\,w)}{c(v)} +
# \lambda_1 \frac{c(w)}{N}$$
#
# ### Exercise 5: `interpolated_bits` (medium, 8 minutes, 3 points)
#
# `shares` has shape (orders, $N$): row $i$ holds what model $i$ gave to each of the $N$ words that
# came. `weights` has shape (orders,). Give the mean surprise of the mixture in bits, a number. One
# line of NumPy will do. Mix first, then take the logarithm: try it the other way round with a share
# of 0.


# %%
def interpolated_bits(shares, weights):
    ### BEGIN SOLUTION
    return -np.log2(weights @ shares).mean()
    ### END SOLUTION


# %%
check(interpolated_bits)

# %% [markdown]
# ## An experiment: what is a count worth?
#
# Interpolation needs weights, and the best weight should depend on the history: one that was seen a
# thousand times deserves more trust than one that was seen twice. There is a way to *measure* the
# trust. Take two samples of the same size from the same source. Look for the trigrams that stand
# exactly **once** in the first. How often do they stand in the second, in the mean?
#
# This could come out either way. Both samples have the same source, so what stands once in the one
# should stand once in the other, more or less: sometimes twice, sometimes not at all. Or shouldn't
# it? We use the larger tinyworld, of some 2,000 words, to have enough of them.
#
# ### Predict, then run (4 minutes)
#
# Trigrams that stood once in 1,000 stories: how often do they stand in another 1,000, in the mean?

# %%
my_count = None
### BEGIN SOLUTION
my_count = 0.8
### END SOLUTION

# %%
large = Grammar(World(seed=0, size="full"))
first, second = Counter(), Counter()
for counter, seed in ((first, 0), (second, 1)):
    for story in stories(large, 1000, seed=seed):
        counter.update(NGram(3).ngrams(story.words[:-1]))
seen = np.arange(1, 7)
again = [np.mean([second[t] for t, count in first.items() if count == c]) for c in seen]
reveal("01", "how often trigrams of count 1 come again", my_count, again[0])

figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(seen, seen, color=QUIET, linestyle=":", label="as often as in the first")
axes.plot(seen, seen - 0.75, color=ORANGE, label="less 0.75")
axes.plot(seen, again, "o", color=BLUE, label="measured")
axes.set_xlabel("count in the first sample")
axes.set_ylabel("mean count in the second")
axes.legend(frameon=False)
plt.show()
print("counts", seen, "\nagain ", np.round(again, 2))
new = sum(count for trigram, count in second.items() if trigram not in first) / second.total()
print(f"{new:.1%} of the second sample are trigrams that are not in the first")
assert 0.26 < new < 0.31

# %%
assert 0.3 < again[0] < 0.45
assert all(0.5 < c - a < 1.1 for c, a in zip(seen[:5], again, strict=False))
assert abs((seen - again).mean() - 0.75) < 0.15

# %% [markdown]
# *Picture: mean count in the second sample against count in the first. The points lie below the
# dotted diagonal, and near an orange line that is 0.75 lower; only the last, at 6, stands well
# above that line. Trigrams with count 1 come again about 0.38 times.*
#
# Not once, but little more than a third of once. Of all the trigrams that are possible, those that
# we caught are the ones that had luck; in a second sample luck is dealt anew. And see how regular
# it is: a count of $c$ is worth about $c - 0.75$, whether $c$ is small or large. Church and Gale
# found this in 1991 with pairs of words, 22 million words of English to count in, and the same
# number. What is missing has gone to the trigrams that were not in the first sample at all, more
# than a quarter of the second.
#
# So here is a rule without guesswork, **absolute discounting**. Take $d = 0.75$ off every count
# that is not 0, and give the share that this frees to the next lower order:
#
# $$p(w \mid h) = \frac{\max(c(h\,w) - d,\; 0)}{c(h)} + \frac{d\; t(h)}{c(h)}\; p(w \mid h')$$
#
# Here $t(h)$ is the number of *different* words that followed $h$, and $h'$ is $h$ without its
# first word. Each of the $t(h)$ words gave up $d$, so $d\,t(h)$ of the $c(h)$ counts are free. A
# history with many different followers trusts the lower order more, and that is just right: what
# follows it is hard to foresee.
#
# ### Exercise 6: find the bug (medium, 12 minutes, 4 points)
#
# A colleague has written absolute discounting, and is delighted. On ten held-out stories her
# 4-grams need 0.93 bits per word, where mixing by fixed weights needs 2.05. But the grammar itself,
# which knows all that can be known, needs 1.37 for the same ten. Nobody is better informed than the
# truth; so something is wrong with her number. The cell below also adds up her shares.


# %%
def overflowing_shares(followers, below, discount):
    if not followers:
        return dict(below)
    total = sum(followers.values())
    return {
        word: max(followers.get(word, 0) - discount, 0) / total + discount * share
        for word, share in below.items()
    }


plain = NGram(4, "none").fit(train)  # it has the counts of all orders, the highest first
unigrams = NGram(1, "none").fit(train).shares()
nats, sums = [], []
for story in held_out[:10]:
    for *history, word in plain.ngrams(story.words[:-1]):
        below, sums_here = unigrams, [1.0]
        for table, known in zip(plain.tables[2::-1], (1, 2, 3), strict=True):
            below = overflowing_shares(table.get(tuple(history[3 - known :]), {}), below, 0.75)
            sums_here.append(sum(below.values()))
        nats.append(-math.log(below[word]))
        sums.append(sums_here)
sums = np.mean(sums, axis=0)  # (4,): by order
hers, mixed = np.mean(nats) / math.log(2), NGram(4, "interpolated").fit(train)
others = np.concatenate([mixed.nats(story.words[:-1]) for story in held_out[:10]])
best = -sum(story.log_prob for story in held_out[:10]) / len(nats) / math.log(2)
print(f"bits per word: hers {hers:.2f}, mixed by weights {others.mean() / math.log(2):.2f}")
print(f"the grammar's {best:.2f}; her shares sum to", np.round(sums, 2))
assert math.isclose(sums[0], 1)
assert min(sums[1:]) > 1.5
assert 0.9 < hers < 0.96 < 1.3 < best < 1.4 < 2 < others.mean() / math.log(2) < 2.1

# %%
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar(range(1, 5), sums, color=[BLUE, *[ORANGE] * 3])
axes.set_xticks(range(1, 5))
axes.axhline(1, color=INK, linewidth=1)
axes.set_xlabel("order")
axes.set_ylabel("sum of all shares, mean")
plt.show()

# %% [markdown]
# *Picture: four bars, the mean sum of all shares by order. The first is 1, as it should be; from
# order 2 on all rise far above the line at 1.*
#
# A model whose shares sum to 2 has bet the same money twice. Its surprise is too low by about one
# bit, and means nothing. Find out where the money comes from, and write `discounted_shares` without
# the bug: `followers` is a dict from words to their counts after some history, `below` a dict from
# **every** word to its share by the lower order, `discount` a number. Give the share of every word
# of `below`.


# %%
def discounted_shares(followers, below, discount):
    ### BEGIN SOLUTION
    if not followers:
        return dict(below)
    total = sum(followers.values())
    freed = discount * len(followers) / total
    return {
        word: max(followers.get(word, 0) - discount, 0) / total + freed * share
        for word, share in below.items()
    }
    ### END SOLUTION


# %%
check(discounted_shares)

# %% [markdown]
# ## At home in many places
#
# One more idea, by Kneser and Ney, and counting is as good as it gets. The lower order is asked
# when the higher one has little to say: when the words are *new together*. Then it should not
# matter how often a word comes, but in how many **different places** it is at home.

# %%
pairs = Counter(pair for words in train for pair in NGram(2).ngrams(words))
often, homes = Counter(), Counter()
for (_, word), count in pairs.items():
    often[word] += count
    homes[word] += 1
chosen = ["a", "at", "One", "to", "She", "helped"]
figure, panels = plt.subplots(1, 2, figsize=(8, 2.5), layout="constrained", facecolor=PAPER)
for axes, counter, name in (
    (panels[0], often, "how often it comes"),
    (panels[1], homes, "after how many different words"),
):
    dress(axes)
    bars = axes.bar(chosen, [counter[word] for word in chosen], color=BLUE)
    axes.bar_label(bars, color=INK)
    axes.set_ylim(0, 1.15 * counter[chosen[0 if counter is often else 1]])
    axes.set_title(name, loc="left", color=INK, fontsize=11)
plt.show()
print("«One» comes after:", [pair[0] for pair in pairs if pair[1] == "One"])
assert (often["a"], homes["a"]) == (1755, 8)
assert (often["at"], homes["at"]) == (697, 59)
assert (often["One"], homes["One"]) == (1000, 1)

# %% [markdown]
# *Picture: two bar charts for the words a, at, One, to, She, helped. Left, how often they come: «a»
# 1,755 times, «at» 697, «One» 1,000. Right, after how many different words: «a» after 8, «at» after
# 59, «One» after 1, «to» after 26.*
#
# «One» is among the most frequent words, and always comes after a full stop. Where a full stop
# stands, the bigram knows about it; anywhere else «One» is a poor guess, however often it came.
# «at» is less than half as frequent as «a», and at home in seven times as many places.
#
# ### Exercise 7: `continuation_shares` (medium, 8 minutes, 3 points)
#
# `pairs` is a dict from (word before, word) to a count. Give each word its share of the different
# pairs: how many different words came before it, divided by the number of different pairs.


# %%
def continuation_shares(pairs):
    ### BEGIN SOLUTION
    before = {}
    for _, word in pairs:
        before[word] = before.get(word, 0) + 1
    return {word: count / len(pairs) for word, count in before.items()}
    ### END SOLUTION


# %%
check(continuation_shares)

# %% [markdown]
# Absolute discounting with such counts in all lower orders is **interpolated Kneser-Ney**. Here are
# all of tinyllm's smoothings in one method, and below a race between them.

# %%
print(inspect.getsource(NGram._share))

# %%
race = {
    "add-k, k = 0.01": ("add-k", {"k": 0.01}, GREEN, "^"),
    "interpolated, 0.3 below": ("interpolated", {"below": 0.3}, ORANGE, "s"),
    "Kneser-Ney": ("kneser-ney", {}, BLUE, "o"),
}
figure, axes = plt.subplots(figsize=(6.8, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
results = {}
for name, (smoothing, settings, colour, mark) in race.items():
    results[name] = [bits(NGram(order, smoothing, **settings).fit(train)) for order in orders]
    axes.plot(orders, results[name], f"{mark}-", color=colour, label=name)
axes.axhline(floor, color=QUIET, linestyle=":", label="the grammar itself")
axes.set_ylim(1, 6.8)
axes.set_xlabel("order")
axes.set_ylabel("bits per word, held out")
axes.legend(frameon=False)
plt.show()
for name, numbers in results.items():
    print(f"{name:24}", np.round(numbers, 2))
print(f"{'the grammar itself':24} {floor:.2f}")
added, mixed, kneser_ney = results.values()
assert min(kneser_ney) < min(mixed) < min(added)
assert 2.05 < min(kneser_ney) < 2.15
assert np.argmin(kneser_ney) == 3
assert 1.3 < floor < 1.36
assert added[5] > added[2] + 1

# %% [markdown]
# *Picture: bits per word against the order, three lines that fall from 6.3 or 6.4 to between 2.2
# and 2.4 at order 3. Then that of add-k climbs steeply, that of interpolation slightly after 4, and
# that of Kneser-Ney stays level near 2.1. The dotted line of the grammar lies at 1.34.*
#
# With Kneser-Ney a longer n-gram does hardly any harm: where it knows nothing, it steps aside. But
# nothing is gained beyond order 4 either, and 0.8 bits per word remain between it and the truth.
# They are the far-away words. «Hector ... **he**»: whether *he* or *she* comes now was said fifteen
# words ago, and there are thousands of ways to get from there to here. A table would need a row for
# each of these ways, and has seen hardly any. A model that can look back and pick out *Hector*,
# whatever stands between, needs another idea. That is attention, lesson 07.
#
# ## Entropy, felt
#
# How low can the surprise fall? Not to 0: you cannot know everything that comes. What remains when
# you know all that can be known is the **entropy** of the text, the mean surprise of a perfect
# model. In 1950 Claude Shannon measured it for English without a computer. He let people guess the
# next letter.
#
# ### Predict, then run (6 minutes)
#
# Here are the beginnings of ten held-out stories. What is the next letter of each? Write ten
# letters in a string, small or capital as they would stand there, and notice how sure you feel of
# each.

# %%
pick = np.random.default_rng(4)
quiz = []
while len(quiz) < 10:
    text = held_out[100 + len(quiz)].text
    place = int(pick.integers(20, len(text)))
    if text[place].isalpha():
        quiz.append((text[:place], text[place]))
for number, (before, _) in enumerate(quiz):
    print(f"{number}  ...{before[-60:]}_")

# %%
my_letters = None
### BEGIN SOLUTION
my_letters = "easaaOfahs"
### END SOLUTION

# %%
came = "".join(letter for _, letter in quiz)
reveal("01", "ten letters", my_letters, came)
perfect = [next_character(before, grammar) for before, _ in quiz]
best = "".join(max(shares, key=shares.get) for shares in perfect)
cost = [-math.log2(shares[letter]) for shares, letter in zip(perfect, came, strict=True)]
if my_letters is not None:
    mine = sum(one == other for one, other in zip(my_letters, came, strict=True))
    hits = sum(one == other for one, other in zip(best, came, strict=True))
    print(f"you have {mine} of 10, a perfect guesser {hits}: {best}")
    assert hits >= 7
    print("bits that each letter costs it:", [round(abs(x), 1) for x in cost])

# %% [markdown]
# Some letters you knew for certain: inside a word, or inside a phrase that is always the same.
# Others were a toss. That unevenness is typical. Below, a whole story: for each word the bar says
# how unsure a perfect model is *before* the word comes, the entropy at that place; the dot says how
# surprised it is *after*. The mean height of dots and of bars is the same in the long run: entropy
# is the surprise that you expect.

# %%
story = held_out[4]
unsure = np.array(entropies(story, grammar)) / math.log(2)  # (words,), bits
given = [next_word(story.words[:i], grammar)[word] for i, word in enumerate(story.words)]
surprise = -np.log2(given)  # (words,)
figure, axes = plt.subplots(figsize=(9.5, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar(range(len(unsure)), unsure, color=BLUE, alpha=0.5, label="entropy before it")
axes.plot(surprise, "o", color=ORANGE, label="surprise after it")
axes.set_xticks(range(len(unsure)), story.words, rotation=60, ha="right")
axes.set_ylabel("bits")
axes.legend(frameon=False)
plt.show()
print("mean entropy", unsure.mean(), " mean surprise", surprise.mean())
assert math.isclose(surprise.sum(), -story.log_prob / math.log(2), rel_tol=1e-9)
assert 4 < unsure[0] < 4.5
assert story.words[3] == "Stonebridge"
assert unsure[3] < 1e-9
assert (unsure < 0.01).mean() > 0.25

# %% [markdown]
# *Picture: a story along the horizontal axis, a bar and a dot for each word. The first name has a
# bar of four bits, the month, the verb and the food have two or three; «Stonebridge» and the full
# stops have none at all. The dots lie near the tops of the bars, above or below.*
#
# Look at «Stonebridge»: a town, one of several, and no surprise at all. Jasper has always lived
# there, in every story of this world, and who knows the world knows it. Knowing things and
# predicting words are not two different arts.
#
# ## Shannon's game
#
# Shannon could not read shares in his subjects' heads. He only noted, for each letter, **how many
# guesses** they needed until it was right. From these numbers alone he found bounds. Let $q_r$ be
# the share of letters that took $r$ guesses. Then the entropy $H$ per letter lies between
#
# $$\sum_r r\,(q_r - q_{r+1}) \log_2 r \;\le\; H \;\le\; -\sum_r q_r \log_2 q_r$$
#
# The right-hand side is easy to believe. If you and your twin guess in the same order, I can send
# you the numbers of guesses in place of the letters, and you will find the text. So the text holds
# no more surprise than the numbers. (For the left-hand side see his paper.)
#
# ### Exercise 8: `shannon_bounds` (hard, 15 minutes, 5 points)
#
# `guesses` $(N)$ holds whole numbers from 1 on: how many guesses each letter took. Give the pair
# (lower, upper) in bits. Beyond the largest number, $q$ is 0; where $q_r$ is 0, so is $q_r \log_2
# q_r$.


# %%
def shannon_bounds(guesses):
    ### BEGIN SOLUTION
    q = np.bincount(guesses)[1:] / len(guesses)  # (R,): q[0] is the share of first guesses
    r = np.arange(1, len(q) + 1)
    came = q[q > 0]
    lower = (r * (q - np.append(q[1:], 0.0)) * np.log2(r)).sum()
    upper = -(came * np.log2(came)).sum()
    return lower, upper
    ### END SOLUTION


# %%
check(shannon_bounds)

# %% [markdown]
# Now two players sit down to 15 held-out stories. One is the grammar, who guesses as well as one
# can. The other is an `NGram` of order 6 over *characters*: the class does not care what its words
# are. Here we know what Shannon could not: the true entropy.


# %%
def guesses_needed(shares, came):
    """How many guesses it takes to name what came, from the likeliest on."""
    return sorted(shares, key=shares.get, reverse=True).index(came) + 1


letters = NGram(6).fit(list(" ".join(words)) for words in train)
game = [story.text for story in held_out[:15]]
truth = -sum(story.log_prob for story in held_out[:15]) / math.log(2)
truth /= sum(len(text) + 1 for text in game)  # bits per character; the end is one
by_grammar = []
for text in game:
    for i in range(len(text) + 1):  # at the end comes ""
        by_grammar.append(guesses_needed(next_character(text[:i], grammar), text[i : i + 1]))
by_counts = []
for story in held_out[:15]:
    for *before, last in letters.ngrams(" ".join(story.words[:-1])):
        by_counts.append(guesses_needed(letters.shares(before), last))
q_grammar, q_counts = (np.bincount(g)[1:7] / len(g) for g in (by_grammar, by_counts))

# %%
figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
r = np.arange(1, 7)
both = ((-0.2, q_grammar, ORANGE, "grammar"), (0.2, q_counts, BLUE, "6-grams"))
for shift, q, colour, name in both:
    bars = axes.bar(r + shift, q, width=0.38, color=colour, label=name)
    axes.bar_label(bars, fmt="%.2f", color=INK, fontsize=8)
axes.set_xlabel("guesses needed")
axes.set_ylabel("share of the characters")
axes.legend(frameon=False)
plt.show()
print("right at once: grammar", q_grammar[0], " 6-grams", q_counts[0])
print("true entropy", truth, "bits per character; if all were alike", math.log2(45))
for name, guesses in (("grammar", by_grammar), ("6-grams", by_counts)):
    bounds = shannon_bounds(np.array(guesses))
    print(name, "bounds:", "to do, exercise 8" if bounds is None else np.round(bounds, 2))
    assert bounds is None or truth < bounds[1]
    assert bounds is None or (bounds[0] < truth) == (name == "grammar")
assert 0.87 < q_grammar[0] < 0.91
assert 0.83 < q_counts[0] < 0.87
assert q_counts[0] < q_grammar[0]
assert 0.32 < truth < 0.35
assert len(letters.vocabulary) == 45

# %% [markdown]
# *Picture: share of the characters against guesses needed, for two players. Both find more than
# eight in ten at the first guess, the grammar more; then the bars are small.*
#
# Most characters are right at once: 89 and 85 of a hundred. The grammar's bounds, 0.28 and 0.71
# bits, hold the truth between them, 0.33 bits per character. But the counting player's *lower*
# bound is 0.40, above the truth! There is no mistake. Anybody's numbers give an upper bound, since
# a text can be sent by them. The lower one holds only for the player who guesses best, and a worse
# player makes the text look more surprising than it is. Shannon's people were good, but not
# perfect; so of his two numbers the upper one is the safer.
#
# If all 45 characters were alike, each would cost 5.5 bits. More than nine parts in ten of what is
# written here could have been foreseen. English is less predictable than tinyworld: Shannon found
# between 0.6 and 1.3 bits per letter.
#
# ### An open question (10 minutes, for a teacher to read)
#
# A friend counts n-grams of order 20 over the characters of all of Shakespeare, without smoothing,
# lets the model write, and is thrilled: page after page of flawless verse. On Shakespeare's own
# text it has a perplexity of almost 1. Is it a good language model? Say what has happened, how you
# would show it to your friend in numbers, and what you would change.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for seeing that most histories of 19 characters occur once, so that the model copies; 1 for a
# perplexity on text that was not counted, which is infinite; 1 for a second piece of evidence, such
# as the longest run of generated text that stands in the source, or the share of held-out 20-grams
# that were never seen; 1 for a mend with its reason: a lower order or smoothing, the choice being
# made on held-out text that is neither counted nor the last test.
#
# </details>
#
# ## What to remember
#
# - A language model gives every possible next word a share. The shares of a text multiply; the end
#   is a word too.
# - Maximum likelihood is counting. What was never seen gets 0, and one 0 makes a text impossible.
# - A count of $c$ is worth about $c - 0.75$ in the next sample. The rest belongs to what is new.
# - Smooth by asking the shorter history. Kneser-Ney: discount, and count different places.
# - Surprise is $-\log_2 p$ in bits; entropy is the surprise that remains for one who knows all.
# - Measure on text that was not counted. If a number is too good, add up the shares.
#
# ## Where next
#
# Lesson 04 asks what a word is, and what to do with one that is in no vocabulary. Lesson 10 makes
# of surprise the loss by which networks learn, and lesson 13 draws from their shares with more art.
# In the package, read `tinyllm/models/ngram.py`. And read Shannon's «Prediction and Entropy of
# Printed English» of 1951, and Chen and Goodman's study of smoothing of 1998, where all of this
# lesson's methods race on English.
