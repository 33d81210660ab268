# %% [markdown]
# # 05 Labels on words: parts of speech and names by counting
#
# **You will be able to** write names as BIO tags and read them off again; measure a tagger by the
# names that it finds and not by the words that it has right; tag by counting alone; find the best
# of a billion tag sequences by Viterbi; and train an averaged perceptron.
#
# **You need** lesson 00 (NumPy, logarithms) and some Python: lists and dictionaries. **Time:**
# about 50 minutes of reading, and 115 of exercises.
#
# ## Why
#
# «In May, May Oakham met June in Oakham.» You had no trouble with it. The first *May* is a month
# and the second a woman; the first *Oakham* is her surname and the second a town. A program that
# looks words up in a list is lost here, because the words are the same. What differs is what stands
# around them.
#
# To give each word of a sentence a label is called **tagging**. The label may be a **part of
# speech** (noun, verb, …) or say that the word belongs to a **name**, and of what kind: a person, a
# place, a date. A search engine tags names to tell a Washington from the other; a hospital, to
# black them out before a letter is shown to anyone.
#
# This lesson builds three taggers without a neural network. Each knows one thing more than the one
# before: first the word alone, then the tag before it, then anything you care to say about the word
# and its neighbours. They train within seconds, they are hard to beat, and lesson 17 will have a
# Transformer try. On the way you meet two ideas that outlive them: dynamic programming, and a
# measure that is honest about rare things.
#
# Letters: $N$ sentences, $T$ words in one, $K$ tags, $V$ words in the vocabulary.

# %%
import inspect
import textwrap
from collections import Counter, defaultdict
from itertools import product

import matplotlib.pyplot as plt
import numpy as np

from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import Grammar, World, stories
from tinyllm.data.tinyworld.surnames import with_surnames
from tinyllm.metrics import span_f1
from tinyllm.metrics.spans import spans
from tinyllm.tasks.tagging import evaluate
from tinyllm.text.taggers import HMMTagger, MostFrequentTagger, PerceptronTagger, viterbi
from tinyllm.text.taggers import perceptron as perceptron_file
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, QUIET, dress

rng = np.random.default_rng(5)

# %% [markdown]
# ## The idea in a picture
#
# A tagger reads words and writes as many labels. Here is our sentence with two rows of them: the
# parts of speech, in the names that all languages share in Universal Dependencies, and the names.

# %%
COLOURS = {"PER": ORANGE, "LOC": BLUE, "DATE": GREEN}


def paint(words, rows):
    """Draw a sentence once for each row of tags, the names in the colour of their kind."""
    figure = plt.figure(figsize=(9, 0.75 * len(rows)), facecolor=PAPER)
    axes = figure.add_axes([0, 0, 1, 1])
    axes.axis("off")
    axes.set(xlim=(-22, 92), ylim=(-len(rows) + 0.3, 0.6))
    for y, (name, tags) in enumerate(rows.items()):
        axes.text(-21, -y, name, color=INK, fontsize=9, va="baseline")
        x = 0.0
        for word, tag in zip(words, tags, strict=True):
            colour = COLOURS.get(tag[2:], QUIET)
            box = {"facecolor": colour if tag[2:] in COLOURS else PAPER, "edgecolor": "none"}
            ink = PAPER if tag[2:] in COLOURS else INK
            axes.text(x, -y, word, family="monospace", fontsize=9, va="baseline", color=ink,
                      bbox={**box, "pad": 1.5})  # fmt: skip
            if tag != "O":
                axes.text(x, -y - 0.34, tag, fontsize=6.5, va="center", color=colour)
            x += max(len(word), 5 if tag != "O" else 0) + 1.6
    plt.show()


opening = ["In", "May", ",", "May", "Oakham", "met", "June", "in", "Oakham", "."]
speech = ["ADP", "PROPN", "PUNCT", "PROPN", "PROPN", "VERB", "PROPN", "ADP", "PROPN", "PUNCT"]
names = ["O", "B-DATE", "O", "B-PER", "I-PER", "O", "B-PER", "O", "B-LOC", "O"]
paint(opening, {"part of speech": speech, "names": names})
assert len(opening) == len(speech) == len(names) == 10

# %% [markdown]
# *Picture: the sentence twice. Above, each word has its part of speech written below it: ADP for
# «In», PROPN (proper noun) for «May», and so on. Below, names stand in boxes: «May» green, B-DATE;
# «May Oakham» orange, B-PER and I-PER; «June» orange, B-PER; «Oakham» blue, B-LOC.*
#
# ## Names as tags: BIO
#
# A part of speech belongs to one word. A name may have several: *May Oakham* is **one** person. Yet
# a tagger gives labels to words. The trick, thirty years old, is to let the label say where in the
# name the word stands: **B-** begins a name, **I-** goes on inside it, **O** is outside of all
# names. The kind comes after the dash.
#
# Why is a B- needed, when I- against O would do? Because of neighbours. In «She showed May Oakham
# June's letter» two people stand side by side. With B-PER I-PER B-PER the border shows; with I-PER
# three times there would be one person of three words.
#
# Other schemes exist. **IOB1** uses B- only where it must, between neighbours of one kind.
# **BIOES** also marks the end of a name (E-) and names of a single word (S-). What is used here, a
# B- at the start of every name, is plain BIO, which some programs call IOB2.
#
# ### Exercise 1: `bio_of_names` (easy, 8 minutes, 3 points)
#
# A sentence has `length` words, and its names are a list of `(kind, first, last)`: the kind, and
# the numbers of the first and of the last word, counted from 0, both inside. Give its tags as a
# list. `bio_of_names(4, [("PER", 0, 1), ("LOC", 3, 3)])` is `["B-PER", "I-PER", "O", "B-LOC"]`.


# %%
def bio_of_names(length, names):
    ### BEGIN SOLUTION
    tags = ["O"] * length
    for kind, first, last in names:
        tags[first : last + 1] = [f"I-{kind}"] * (last - first + 1)
        tags[first] = f"B-{kind}"
    return tags
    ### END SOLUTION


# %%
check(bio_of_names)

# %% [markdown]
# ### Exercise 2: `names_in_bio` (medium, 15 minutes, 5 points)
#
# The way back: from the tags of a sentence to a list of `(kind, first, last)`, in their order.
#
# A tagger makes mistakes, so you will be given tags that no careful person would write: an I-LOC
# after O, or an I-LOC after B-PER. Be forgiving, as the program that the field has scored with
# since 2000 is (conlleval): an I- that does not go on with a name of its own kind begins a new one.


# %%
def names_in_bio(tags):
    ### BEGIN SOLUTION
    names, kind, first = [], "", 0
    for i, tag in enumerate([*tags, "O"]):
        if tag == f"I-{kind}":
            continue
        if kind:
            names.append((kind, first, i - 1))
        kind, first = tag[2:], i
    return names
    ### END SOLUTION


# %%
check(names_in_bio)

# %%
print(spans(names))  # tinyllm's own reader
assert spans(names) == [("DATE", 1, 1), ("PER", 3, 4), ("PER", 6, 6), ("LOC", 8, 8)]
assert spans(["O", "I-LOC", "I-PER"]) == [("LOC", 1, 1), ("PER", 2, 2)]

# %% [markdown]
# ## Sentences to learn from
#
# Real tagged text is made by people, word by word, which is dear: the best known sets have a few
# hundred thousand words. Ours is made by tinyworld, a grammar that tells small stories and knows
# what each of its words is. `with_surnames` makes it hard on purpose. Two of five people have a
# town for a surname, the others a surname put together from two parts, often one that comes in no
# other story; one person of six is called April, May, June or August; towns have two words now and
# then. What we learn from and what we measure on are different stories.

# %%
grammar = Grammar(World(seed=0, size="full"))
train = list(with_surnames(stories(grammar, 200, seed=0, split="train"), seed=1))
test = list(with_surnames(stories(grammar, 100, seed=0, split="test"), seed=2))
train_names = [(s.words, s.entities) for s in train]
test_names = [(s.words, s.entities) for s in test]
known = {word for s in train for word in s.words}
new = sum(word not in known for s in test for word in s.words)
print(len(train), "sentences to learn from,", len(test), "to measure on,", end=" ")
print(sum(len(s.words) for s in test), "words in these,", new, "of them never seen before")
for s in train[6:9]:
    print(" ".join(f"{word}/{tag}" for word, tag in zip(s.words, s.entities, strict=True)))

# %%
tags_of = defaultdict(Counter)
for words, tags in train_names:
    for word, tag in zip(words, tags, strict=True):
        tags_of[word][tag] += 1
often = sorted((w for w in tags_of if len(tags_of[w]) > 1), key=lambda w: -tags_of[w].total())[:10]
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained", facecolor=PAPER)
dress(axes)
below = np.zeros(len(often))
looks = {"B-PER": (ORANGE, ""), "I-PER": (ORANGE, "///"), "B-LOC": (BLUE, ""),
         "I-LOC": (BLUE, "///"), "B-DATE": (GREEN, "")}  # fmt: skip
for tag, (colour, hatch) in looks.items():
    height = np.array([tags_of[word][tag] for word in often])
    axes.bar(often, height, bottom=below, color=colour, hatch=hatch, edgecolor=PAPER, label=tag)
    below += height
axes.set_ylabel("times in the text")
axes.tick_params(axis="x", labelsize=8)
axes.legend(frameon=False, ncols=5)
plt.show()
shares = [max(tags_of[word].values()) / tags_of[word].total() for word in often]
print("share of the most frequent tag:", [round(share, 2) for share in shares])
assert len(shares) == 10
assert max(shares) <= 0.7

# %% [markdown]
# *Picture: ten bars, one for each word that has several tags. Four months are green (B-DATE)
# in part and orange (B-PER) in part; six towns are blue in part (B-LOC, hatched I-LOC) and orange
# in part (B-PER, hatched I-PER).*
#
# For these words, to know the word is to know little: the largest part of a bar is 70 % of it
# at most.
#
# ## The baseline: each word's most frequent tag
#
# Before anything clever, do the obvious and measure it. Count how often each word has each tag;
# give each word its most frequent one. A word never seen gets the tag that is most frequent of all.
#
# ### Exercise 3: `most_frequent_tags` (easy, 10 minutes, 3 points)
#
# From a list of pairs `(word, tag)` make a dictionary, word to most frequent tag. If two tags are
# equally frequent, take the first in the alphabet, so that the result does not hang on the order of
# the text.


# %%
def most_frequent_tags(pairs):
    ### BEGIN SOLUTION
    counts = {}
    for word, tag in pairs:
        own = counts.setdefault(word, {})
        own[tag] = own.get(tag, 0) + 1
    return {word: min(own, key=lambda tag: (-own[tag], tag)) for word, own in counts.items()}
    ### END SOLUTION


# %%
check(most_frequent_tags)

# %% [markdown]
# ## A measure for rare things
#
# How good is the baseline? The plain measure is **accuracy**, the share of words whose tag is
# right. But names are rare, and most words are O. A tagger that says O to everything finds no name
# at all; let us see what accuracy makes of it.

# %%
baseline = MostFrequentTagger().fit(train_names)
truth = [tags for _, tags in test_names]
given = [baseline.tag(words) for words, _ in test_names]
nothing = [["O"] * len(tags) for tags in truth]


def accuracy(true, given):
    """The share of words with the right tag."""
    right = [a == b for t, g in zip(true, given, strict=True) for a, b in zip(t, g, strict=True)]
    return sum(right) / len(right)


print(f"always O: accuracy {accuracy(truth, nothing):.3f}, name F1 {span_f1(truth, nothing).f1}")
print(f"baseline: accuracy {accuracy(truth, given):.3f}, and its name F1 comes below")
assert 0.79 < accuracy(truth, nothing) < 0.82
assert 0.92 < accuracy(truth, given) < 0.94

# %% [markdown]
# So we count names instead. A name is right if its kind, its first and its last word are all right:
# half a name is the name of somebody else. **Precision** is the share of the given names that are
# right, **recall** the share of the true names that were found. A tagger can have one of them for
# nothing: give only the surest name, and precision is 1; call everything a name, and recall is
# near 1. **F1** is their harmonic mean, which stays near the smaller one:
#
# $$P = \frac{\text{right}}{\text{given}} \qquad R = \frac{\text{right}}{\text{true}} \qquad
# F_1 = \frac{2 P R}{P + R}$$
#
# With a pencil: the true names are the four of our first sentence. A tagger gives three: *May*
# (date) and *June* (person), both right, and *May* as a person, without her surname. Two are right
# of three given and four true: $P = 2/3$, $R = 1/2$, $F_1 = 4/7 = 0.571$. By words it has
# 8 of 10 right.

# %%
half = ["O", "B-DATE", "O", "B-PER", "O", "O", "B-PER", "O", "O", "O"]
score = span_f1([names], [half])
print(
    f"P {score.precision:.3f}  R {score.recall:.3f}  F1 {score.f1:.3f}", accuracy([names], [half])
)
assert np.allclose([score.precision, score.recall, score.f1], [2 / 3, 1 / 2, 4 / 7])
assert accuracy([names], [half]) == 0.8

# %% [markdown]
# ### Exercise 4: `f1_of_counts` (easy, 5 minutes, 2 points)
#
# Give F1 from three numbers: how many names are right, how many were given, how many are true. If
# there is nothing to divide by, the answer is 0.0. One line is enough, once you have simplified.


# %%
def f1_of_counts(right, given, true):
    ### BEGIN SOLUTION
    return 2 * right / (given + true) if given + true else 0.0
    ### END SOLUTION


# %%
check(f1_of_counts)

# %% [markdown]
# ### Predict, then run (5 minutes)
#
# The baseline has about 93 of 100 words right. What is its F1 over names, between 0 and 1?

# %%
my_baseline_f1 = None
### BEGIN SOLUTION
my_baseline_f1 = 0.8
### END SOLUTION

# %%
baseline_score = span_f1(truth, given)
reveal("05", "F1 of the baseline", my_baseline_f1, baseline_score.f1)

# %%
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
places = np.arange(2)
by_words = [accuracy(truth, nothing), accuracy(truth, given)]
by_names = [0.0, baseline_score.f1]
for shift, numbers, colour, label in (
    (-0.2, by_words, BLUE, "accuracy, by words"),
    (0.2, by_names, ORANGE, "F1, by names"),
):
    bars = axes.bar(places + shift, numbers, 0.38, color=colour, label=label)
    axes.bar_label(bars, fmt="%.2f", color=INK)
axes.set_xticks(places, ["always O", "most frequent tag"])
axes.set_ylim(0, 1.3)
axes.legend(frameon=False, ncols=2, loc="upper left")
plt.show()
print(baseline_score.report())
assert 0.65 < baseline_score.f1 < 0.7
assert baseline_score.per_type["LOC"].f1 < 0.2 < 0.5 < baseline_score.per_type["PER"].f1

# %% [markdown]
# *Picture: two pairs of bars. «Always O» has an accuracy of 0.80 and an F1 of 0.00. The most
# frequent tag has 0.93 and 0.66.*
#
# Nine of ten words right, and a third of the names lost. The table says where: places are the
# worst, because a town in this text is more often somebody's surname than a town.
#
# ### Exercise 5: find the bug (medium, 15 minutes, 4 points)
#
# A colleague's F1 is too good. The cell below hands every sentence the tags of another: sentence 0
# gets the last one's, and so on. Most names are then in the wrong place. tinyllm's F1 is below 0.2;
# hers is perfect.


# %%
def forgetful_f1(true, given):
    true = {name for tags in true for name in spans(tags)}
    given = {name for tags in given for name in spans(tags)}
    right = len(true & given)
    return 2 * right / (len(true) + len(given))


mirrored = truth[::-1]
lengths = [min(len(a), len(b)) for a, b in zip(truth, mirrored, strict=True)]
ours = [tags[:n] for tags, n in zip(truth, lengths, strict=True)]
theirs = [tags[:n] for tags, n in zip(mirrored, lengths, strict=True)]
print(f"hers {forgetful_f1(ours, theirs):.3f}, tinyllm's {span_f1(ours, theirs).f1:.3f}")
assert forgetful_f1(ours, theirs) > 0.99
assert span_f1(ours, theirs).f1 < 0.2

# %% [markdown]
# Find out why, and write `name_f1` without the bug, for `true` and `given`, each a list with the
# tags of every sentence. A text without any names scores 0.0. Your `names_in_bio` may help.


# %%
def name_f1(true, given):
    ### BEGIN SOLUTION
    true = {(i, *name) for i, tags in enumerate(true) for name in names_in_bio(tags)}
    given = {(i, *name) for i, tags in enumerate(given) for name in names_in_bio(tags)}
    right, total = len(true & given), len(true) + len(given)
    return 2 * right / total if total else 0.0
    ### END SOLUTION


# %%
check(name_f1)

# %% [markdown]
# ## The hidden Markov model
#
# The baseline looks at one word. What would tell the month from the woman is the tag before: after
# «in» (O) a date is likely; I-PER can only come after B-PER or I-PER. The **hidden Markov model**
# tells a story of how the sentence came about. Somebody walked from tag to tag, and each tag
# uttered a word. We see the words; the walk is hidden.
#
# $$P(\text{tags}, \text{words}) = \underbrace{P(t_1)}_{\text{start}}\;
# \prod_{i=2}^{T} \underbrace{P(t_i \mid t_{i-1})}_{\text{steps}}\;
# \prod_{i=1}^{T} \underbrace{P(w_i \mid t_i)}_{\text{emits}}$$
#
# Three tables of shares, and all three are found by counting. Of all sentences, how many begin with
# tag $t$? Of all places where tag $s$ stands, how often does $t$ come next? Of all the times that
# tag $t$ stands, how often is the word $w$?
#
# ### The smallest numeric example
#
# *Will Green* begins a sentence. «Will» may be a man's first name or the verb; «Green» a surname or
# a colour. Say that counting gave this:
#
# | tag | start | then B | then I | then O | utters «Will» | utters «Green» |
# |---|---|---|---|---|---|---|
# | B | 0.3 | 0 | 0.5 | 0.5 | 0.03 | 0.001 |
# | I | 0 | 0 | 0.1 | 0.9 | 0.001 | 0.04 |
# | O | 0.7 | 0.1 | 0 | 0.9 | 0.02 | 0.001 |
#
# 1. **One word at a time.** «Will» as B: $0.3 \cdot 0.03 = 0.009$. As O: $0.7 \cdot 0.02 = 0.014$.
#    So O, says a hasty reader, and then cannot say I any more.
# 2. **The whole.** O O: $0.014 \cdot 0.9 \cdot 0.001 = 0.0000126$. B I: $0.009 \cdot 0.5 \cdot 0.04
#    = 0.00018$. The second reading is 14 times likelier.
#
# The second word changed our mind about the first. A good tagger must be able to do that.

# %%
start = np.array([0.3, 0.0, 0.7])  # (K,), in the order B I O
steps = np.array([[0.0, 0.5, 0.5], [0.0, 0.1, 0.9], [0.1, 0.0, 0.9]])  # (K, K): from row to column
emits = np.array([[0.03, 0.001, 0.02], [0.001, 0.04, 0.001]])  # (T, K): of these two words
whole = start[:, None] * emits[0][:, None] * steps * emits[1]  # (K, K): each pair of tags
for first, second in product(range(3), repeat=2):
    end = "\n" if second == 2 else "   "
    print("BIO"[first], "BIO"[second], f"{whole[first, second]:.7f}", end=end)
best = np.unravel_index(whole.argmax(), whole.shape)
assert np.allclose([whole[0, 1], whole[2, 2]], [0.00018, 0.0000126])
assert 14 < whole[0, 1] / whole[2, 2] < 14.5
assert (best, (start * emits[0]).argmax()) == ((0, 1), 2)

# %%
figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained", facecolor=PAPER)
axes.axis("off")
reached = np.stack([start * emits[0], whole.max(axis=0)])  # (T, K): the best path to each tag
for s, t in product(range(3), repeat=2):
    chosen = (s, t) == (0, 1)
    if whole[s, t] > 0:
        axes.plot([0, 1], [-s, -t], color=ORANGE if chosen else QUIET, zorder=1,
                  linewidth=4 if chosen else 1)  # fmt: skip
for i, t in product(range(2), range(3)):
    axes.scatter(i, -t, s=900, color=ORANGE if (i, t) in ((0, 0), (1, 1)) else BLUE, zorder=2)
    axes.text(i, -t, "BIO"[t], color=PAPER, ha="center", va="center", fontsize=12)
    side = ("right", -0.1) if i == 0 else ("left", 0.1)
    axes.text(
        i + side[1], -t, f"{reached[i, t]:.7f}".rstrip("0").rstrip("."), ha=side[0], color=INK
    )
for i, word in enumerate(("Will", "Green")):
    axes.text(i, 0.55, word, ha="center", color=INK, fontsize=12)
axes.set(xlim=(-0.6, 1.6), ylim=(-2.4, 0.8))
plt.show()

# %% [markdown]
# *Picture: two columns of three circles, B, I and O, under the words «Will» and «Green», with the
# probability of the best path to each beside it. Lines join tags that may follow each other. The
# thick orange line goes from B of «Will» to I of «Green», 0.00018.*
#
# ### What was never seen
#
# If a word never had a tag in training, its count is 0, the product is 0, and one new surname makes
# every reading of the sentence impossible. A share of exactly 0 says «never», which no finite text
# can teach. So we **smooth**: add a small number $\alpha$, the strength, to each count before the
# division, as if every event had been seen $\alpha$ times more often:
#
# $$P(t \mid s) = \frac{\text{count}(s, t) + \alpha}{\sum_{t'} (\text{count}(s, t') + \alpha)}$$
#
# ### Exercise 6: `hmm_tables` (medium, 18 minutes, 5 points)
#
# `words` and `tags` are arrays $(N, T)$ of numbers, $N$ sentences of $T$ words each. Count the
# three tables, add `strength` to every count, and divide: `start` $(K)$, `steps` $(K, K)$ and
# `emits` $(K, V)$. Each row sums to 1. (`np.add.at` adds once for each index, equal ones too.)


# %%
def hmm_tables(words, tags, V, K, strength):
    ### BEGIN SOLUTION
    start = np.full(K, strength, float)
    steps = np.full((K, K), strength, float)
    emits = np.full((K, V), strength, float)
    np.add.at(start, tags[:, 0], 1)
    np.add.at(steps, (tags[:, :-1], tags[:, 1:]), 1)
    np.add.at(emits, (tags, words), 1)
    start = start / start.sum()
    steps = steps / steps.sum(axis=1, keepdims=True)
    emits = emits / emits.sum(axis=1, keepdims=True)
    return start, steps, emits
    ### END SOLUTION


# %%
check(hmm_tables)

# %% [markdown]
# tinyllm's `HMMTagger` counts the same way. It differs where a word is rare: there it asks what
# words with the same ending and the same capital letters were (`SuffixModel`), so that a new word
# in *-worth* with a capital is a name, and one in *-ed* is not. Here are the steps that it found.

# %%
hmm = HMMTagger().fit(train_names)
table = np.exp(np.vstack([hmm.start, hmm.transitions]))  # (K + 1, K): row 0 is the start
figure, axes = plt.subplots(figsize=(5.8, 3.6), layout="constrained", facecolor=PAPER)
axes.imshow(np.sqrt(table), cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (row, column), share in np.ndenumerate(table):
    axes.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=9,
              color=PAPER if share > 0.4 else INK)  # fmt: skip
axes.set_xticks(range(len(hmm.tags)), hmm.tags)
axes.set_yticks(range(len(hmm.tags) + 1), ["start", *hmm.tags])
axes.set_xlabel("tag")
axes.set_ylabel("tag before")
plt.show()
place = {tag: k for k, tag in enumerate(hmm.tags)}
assert table[1 + place["B-PER"], place["I-PER"]] > 0.3
assert table[1 + place["O"], place["I-PER"]] < 0.01

# %% [markdown]
# *Picture: a table of shares, seven rows by six columns. After the start comes B-PER or O, seldom
# anything else; after B-PER comes I-PER with 0.40; after O, an I- has 0.00.*
#
# ## Viterbi: the best of $K^T$
#
# Which tags make the product largest? There are $K^T$ sequences: for the six tags here and a
# sentence of twelve words, more than two billion. Yet no tagger needs to look at them.
#
# Think of the third word. Whatever comes later, only two things about the past matter: which tag
# the second word has, and how good the path up to it was. Of all paths that end in B-PER at word 2,
# only the best can be the beginning of the best whole: any other could be replaced by it, and the
# whole would gain. So **keep one path for each tag**. At each word try the $K$ old paths before
# each of the $K$ tags, keep the best for each, and note where it came from. That is $T K^2$ sums in
# place of $K^T$. At the end take the best tag, and read the notes backward.
#
# To solve a large problem by keeping the best answers to its beginnings is called **dynamic
# programming**; Viterbi found this one in 1967, for radio signals. Products of many small numbers
# run out of digits, so one adds logarithms.

# %%
long = np.arange(1, 21)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(long, 6.0**long, "o-", color=ORANGE, markersize=4, label="all sequences, $K^T$")
axes.plot(long, long * 36.0, "s-", color=BLUE, markersize=4, label="Viterbi's sums, $T K^2$")
axes.set_yscale("log")
axes.set_xticks(range(2, 21, 2))
axes.set_xlabel("T, words in the sentence (K = 6 tags)")
axes.legend(frameon=False)
plt.show()
print(f"12 words: {6**12:,} sequences, {12 * 36} sums")
assert 6**12 > 2_000_000_000

# %% [markdown]
# *Picture: on a logarithmic scale, the number of sequences climbs as a straight line to nearly 4 ·
# 10^15 at 20 words; Viterbi's sums stay below a thousand.*
#
# ### Exercise 7: `best_tag_path` (hard, 25 minutes, 6 points)
#
# Given are logarithms, or any scores that are to be summed: `scores` $(T, K)$, one for each word
# and tag; `steps` $(K, K)$, from the row's tag to the column's; `start` $(K)$. Give the $T$ tags,
# as a list of numbers, for which
#
# $$\text{start}[t_1] + \sum_{i=1}^{T} \text{scores}[i, t_i] + \sum_{i=2}^{T}
# \text{steps}[t_{i-1}, t_i]$$
#
# is the largest. A score of $-\infty$ forbids. You may expect that there are no ties.


# %%
def best_tag_path(scores, steps, start):
    ### BEGIN SOLUTION
    T, K = scores.shape
    best = start + scores[0]  # (K,)
    came_from = np.zeros((T, K), int)
    for i in range(1, T):
        ways = best[:, None] + steps  # (K before, K now)
        came_from[i] = ways.argmax(axis=0)
        best = ways.max(axis=0) + scores[i]
    path = [int(best.argmax())]
    for i in range(T - 1, 0, -1):
        path.append(int(came_from[i, path[-1]]))
    return path[::-1]
    ### END SOLUTION


# %%
check(best_tag_path)

# %% [markdown]
# A clever algorithm is tested by a stupid one. Below, tinyllm's `viterbi` meets brute force: all
# 4,096 sequences of four tags over six words, 30 times, with random scores. Beside them, how often
# a greedy reader, who decides word by word, finds the best path.

# %%
paths = np.array(list(product(range(4), repeat=6)))  # (4096, T)
found, greedy_found = 0, 0
for _ in range(30):
    scores, moves, first = rng.normal(size=(6, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)
    sums = first[paths[:, 0]] + moves[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    sums = sums + scores[np.arange(6), paths].sum(axis=1)  # (4096,)
    truly = paths[sums.argmax()].tolist()
    found += viterbi(scores, moves, first) == truly
    hasty = [int((first + scores[0]).argmax())]
    for own in scores[1:]:
        hasty.append(int((moves[hasty[-1]] + own).argmax()))
    greedy_found += hasty == truly
print("Viterbi found the best", found, "times of 30, the greedy reader", greedy_found, "times")
assert found == 30
assert greedy_found < 25

# %% [markdown]
# ## The averaged perceptron
#
# The hidden Markov model has a narrow mind: of the word it knows which word it is, of the past the
# tag before. You would like to tell it more. Does the word begin with a capital? Does it end in
# *-ham*? Is the word *after* it a verb? Such things overlap, so they cannot be multiplied as if
# each came about by itself.
#
# The perceptron drops the story of how the sentence came about. It takes any **features** you like,
# gives each a weight for each tag, and lets them vote. These are all that tinyllm's tagger sees of
# one word:

# %%
voters = perceptron_file.features(["Then", "Oakham", "met", "June", "."], 1)
print(textwrap.fill(f"{len(voters)} features: {', '.join(voters)}", 110))
assert len(voters) == 19

# %% [markdown]
# How are weights learned? By mistakes alone. Tag a sentence with the weights that you have. Where
# the guess is right, do nothing. Where it is wrong, add 1 to the weights of the features for the
# true tag, and take 1 from those for the guessed tag. That is the whole rule; the steps from tag to
# tag are learned by it too, and `viterbi` finds the best path with these scores as it did with
# logarithms. (`follow` below is the table of steps, its last row the start.)

# %%
print(inspect.getsource(perceptron_file.change))

# %% [markdown]
# One thing spoils it. The weights after the last sentence have just been bent to please that
# sentence. So one keeps the **mean** of the weights after every example: weights that stayed right
# for long count for much, and a last-minute change for little.
#
# ### Exercise 8: `averaged_perceptron` (hard, 20 minutes, 5 points)
#
# Here without sentences: $N$ examples with $F$ features each, `X` $(N, F)$, and the right class of
# each, `y` $(N)$, a number below $K$. Begin with weights $W$ $(K, F)$ of 0. Go through the examples
# in their order, `epochs` times. The guess is the class with the largest of $W x$ (the first of
# equals, as `argmax` does). If it is wrong, $W_{truth}$ gains $x$ and $W_{guess}$ loses it. Give
# the mean of $W$ **after each example of each epoch**, $(K, F)$.


# %%
def averaged_perceptron(X, y, K, epochs):
    ### BEGIN SOLUTION
    W = np.zeros((K, X.shape[1]))
    total = np.zeros_like(W)
    for _ in range(epochs):
        for x, truth in zip(X, y, strict=True):
            guess = (W @ x).argmax()
            if guess != truth:
                W[truth] += x
                W[guess] -= x
            total += W
    return total / (epochs * len(X))
    ### END SOLUTION


# %%
check(averaged_perceptron)

# %% [markdown]
# ## An experiment: who learns from little?
#
# Three taggers, the same sentences, and more and more of them: 12, 50, 200 and then all 1,194.
# Which is ahead? It is not a matter of course. The perceptron sees most, but has most to learn:
# each feature needs a weight for each tag. The hidden Markov model comes with a belief about how
# sentences are made, and a belief, even a wrong one, is worth some data.
#
# The bands are 95 % intervals of the bootstrap: draw as many test sentences as there are, with
# replacement, a thousand times, and see how F1 varies.

# %%
MAKERS = {
    "most frequent tag": MostFrequentTagger,
    "hidden Markov model": HMMTagger,
    "perceptron": lambda: PerceptronTagger(epochs=4),
}
sizes = [12, 50, 200, len(train_names)]
results = {}
for name, make in MAKERS.items():
    for size in sizes:
        tagger = make().fit(train_names[:size])
        results[name, size] = (tagger, evaluate(tagger, test_names, known))

# %%
figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained", facecolor=PAPER)
dress(axes)
for (name, colour), marker in zip(
    zip(MAKERS, (QUIET, BLUE, ORANGE), strict=True), "so^", strict=True
):
    scores = [results[name, size][1].entity_f1 for size in sizes]
    axes.plot(sizes, [s.value for s in scores], marker=marker, color=colour, label=name)
    axes.fill_between(sizes, [s.low for s in scores], [s.high for s in scores], color=colour,
                      alpha=0.2)  # fmt: skip
axes.set_xscale("log")
axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
axes.set_xticks([], minor=True)
axes.set_ylim(0, 1)
axes.set_xlabel("sentences to learn from")
axes.set_ylabel("F1 of names")
axes.legend(frameon=False, loc="lower right")
plt.show()
for name in MAKERS:
    print(f"{name:20}", *(f"{size:>5,}: {results[name, size][1].entity_f1}" for size in sizes))
F1 = {key: scores.entity_f1 for key, (_, scores) in results.items()}
plain, markov, votes = ([F1[name, size] for size in sizes] for name in MAKERS)
assert plain[0].high < votes[0].value < votes[0].high < markov[0].low  # 12 sentences
assert all(
    v.low > m.high > m.low > p.high
    for p, m, v in zip(plain[1:], markov[1:], votes[1:], strict=True)
)
assert 0.6 < plain[-1].value < 0.7 < 0.9 < markov[-1].value < 0.95 < 0.98 < votes[-1].value

# %% [markdown]
# *Picture: F1 against the number of sentences, on a logarithmic scale. With 12 sentences the hidden
# Markov model is ahead of the perceptron, and the baseline far below both. From 50 on the
# perceptron leads; at the end it is near 1, the hidden Markov model above 0.9, the baseline near
# 0.65.*
#
# With a dozen sentences, belief wins. With more, what can be seen wins. This pattern will come
# again, with a Transformer in the perceptron's place. Now one of the sentences on which they
# differ.

# %%
final = {name: results[name, sizes[-1]][0] for name in MAKERS}
differ = [
    s
    for s in test
    if len(" ".join(s.words)) < 66
    and [t.tag(s.words) == s.entities for t in final.values()] == [False, False, True]
]
hard = max(differ, key=lambda s: len(spans(s.entities)))
paint(hard.words, {"truth": hard.entities} | {n: t.tag(hard.words) for n, t in final.items()})
print(len(differ), "such sentences that fit into the picture")

# %% [markdown]
# *Picture: «One Wednesday in May, Kelso read a memoir» four times. In truth and by the perceptron
# «Kelso» is a person. The most frequent tag makes «May» a person and «Kelso» the inside of one; the
# hidden Markov model makes «Kelso» a place.*
#
# ## Parts of speech, and words never seen
#
# The same three taggers take parts of speech, with not a line changed. What interests here is the
# words that the training text does not have.

# %%
train_speech = [(s.words, s.tags) for s in train]
test_speech = [(s.words, s.tags) for s in test]
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
on_speech = {name: evaluate(make().fit(train_speech), test_speech, known)
             for name, make in MAKERS.items()}  # fmt: skip
for shift, part, colour in ((-0.2, "accuracy", BLUE), (0.2, "unseen", ORANGE)):
    found = [getattr(scores, part) for scores in on_speech.values()]
    values = np.array([s.value for s in found])
    spread = [values - [s.low for s in found], [s.high for s in found] - values]
    label = "all words" if part == "accuracy" else "words never seen"
    axes.bar(np.arange(3) + shift, values, 0.38, yerr=spread, color=colour, ecolor=INK, label=label)
axes.set_xticks(range(3), list(MAKERS))
axes.set_ylim(0, 1.3)
axes.set_yticks([0, 0.5, 1])
axes.set_ylabel("accuracy")
axes.legend(frameon=False, ncols=2, loc="upper left")
plt.show()
for name, scores in on_speech.items():
    print(f"{name:20} all {scores.accuracy}   never seen {scores.unseen}")
seen_least, markov, votes = (scores.unseen.value for scores in on_speech.values())
assert 0.35 < seen_least < 0.55 < 0.93 < markov < votes
assert [s.accuracy.value > 0.94 for s in on_speech.values()] == [True] * 3
guesser = MostFrequentTagger().fit(train_speech)
assert guesser.tags[guesser.total.argmax()] == "PROPN"

# %% [markdown]
# *Picture: three pairs of bars with their intervals. On all words the three have 0.96, 0.995 and
# 1.00 of the parts of speech right. On words never seen the baseline has 0.44, the hidden Markov
# model 0.96 and the perceptron 1.00.*
#
# The baseline gives every new word the most frequent tag of all, PROPN here, which is right for the
# new surnames and wrong for the rest. The other two look at endings and neighbours.
#
# A warning before you are too pleased. tinyworld's grammar has few forms, and a window of two words
# to each side tells nearly everything. On English as people write it the same three have 84, 89 and
# 91 % of the parts of speech right when they learn from 1,600 sentences, and of names in tweets
# they find 10, 16 and 22 % (F1). The order stays; the heights do not. `docs/tagging.md` has the
# numbers.
#
# ### An open question (10 minutes, for a teacher to read)
#
# A hospital wants to publish doctors' letters with all names blacked out. A company offers a
# tagger: «98 % of words right, measured on 50 newspaper articles». Say why this number does not
# tell the hospital what it must know; which number it should ask for instead, measured on what;
# whether a name too many and a name too few cost the same; and whether the letters may be published
# if the better number is 99 %.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for accuracy by words being high because most words are no names (a tagger that finds none may
# have 90 %); 1 for recall over whole names, on letters of this hospital that the tagger has not
# seen, with an interval (50 articles are few, and newspapers are another kind of text); 1 for the
# costs: a missed name harms a patient, a word blacked out for nothing hardly harms anyone, so
# recall counts for more and F1 is not the right mixture; 1 for seeing that 99 % leaves one name in
# a hundred readable, many letters have several names, and names missed are likely the rare ones,
# which identify best, so that a person must still read them or the letters stay closed.
#
# </details>
#
# ## What to remember
#
# - BIO turns names into one tag for each word. B- keeps neighbours apart.
# - Where most words are O, count names: kind, first and last word all right. In whole texts, mind
#   which sentence a name stands in.
# - Measure the most frequent tag first. Whatever you build must beat it.
# - A hidden Markov model is three tables of counts, smoothed. Nothing that was not seen has share
#   0.
# - Viterbi keeps one best path for each tag: $T K^2$ instead of $K^T$.
# - A perceptron learns from mistakes, takes any features, and keeps the mean of its weights.
#
# ## Where next
#
# In lesson 10 you meet counting again, as maximum likelihood. Lesson 17 gives the same sentences to
# a Transformer, which must find its features by itself; it will use your Viterbi. In the package
# read `tinyllm/text/taggers/` in the order that its `__init__.py` gives; `tinyllm tag` trains any
# of these taggers on a file of yours. And read Collins 2002,
# [aclanthology.org/W02-1001](https://aclanthology.org/W02-1001), six pages on the perceptron, and
# Jurafsky and Martin, «Speech and Language Processing», chapter 17.
