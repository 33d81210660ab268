# %% [markdown]
# # 15 Summarisation, and ROUGE
#
# **You will be able to** work out ROUGE-1, -2 and -L with a pencil and in code; say what a score is
# worth beside a baseline; put an interval around it, and test whether one system is better than
# another; and show why a summary can score high and be false.
#
# **You need** Python's lists and dictionaries, and NumPy's `mean(axis=1)` (lesson 00). That a model
# can be trained to turn one text into another is shown here as it is used; lessons 09 and 12 say
# how. **Time:** about 50 minutes of reading, and 100 of exercises.
#
# ## Why
#
# A summary says in one sentence what a page says in twenty. To write one, a machine must find what
# matters, and say it in words that are true. To find out whether a machine can do it, somebody must
# compare a thousand summaries with what they ought to say. Nobody wants to read them all, so a
# number was invented that a program can count: **ROUGE**, of 2004, how many words a summary shares
# with one that a person wrote.
#
# It is in nearly every paper on summaries since. It is cheap, it is the same for everybody, and it
# never asks whether a word of the summary is true. In this lesson you build it, and then you catch
# it out: in a small made-up world every sentence can be checked against the facts, so we can know
# what ROUGE does not.
#
# Letters: $N$ texts in a test, $R$ resamples of it, $n$ words in an n-gram.

# %%
import dataclasses
import inspect
import math
import textwrap

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, prepared, reveal
from tinyllm.data.tinyworld import SIZES, Grammar, World, judge, stories, summary
from tinyllm.data.tinyworld.lexicon import DAYS
from tinyllm.data.tinyworld.spelling import text_of
from tinyllm.data.tinyworld.statements import say_event
from tinyllm.data.tinyworld.summaries import main_event
from tinyllm.data.translation import PairBatches
from tinyllm.metrics import paired_randomization, rouge
from tinyllm.tasks.pairs import make_model, model_settings
from tinyllm.tasks.summarization import SummarizationConfig
from tinyllm.tasks.summarizer import Summarizer
from tinyllm.text import WordTokenizer
from tinyllm.training.optimizers import make_optimizers, make_schedules
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, QUIET, dress

rng = np.random.default_rng(15)

# %% [markdown]
# ## The idea in a picture
#
# Our stories come from tinyworld, which lesson 10 used too. Each has one summary: the event that
# leads to most others, said in full, with who, what, where and when. Below is a story, sentence by
# sentence, and how many of the summary's words each sentence has.

# %%
grammar = Grammar(World(0, dataclasses.replace(SIZES["mini"], facts=1, events=3)))
test = list(stories(grammar, 200, split="validation"))
wanted = [summary(story) for story in test]


def sentences_of(story):
    """The story's sentences as texts."""
    return [text_of(story.sentence_words(sentence)) for sentence in story.sentences]


def coverage(story, reference):
    """ROUGE-1's recall of each sentence of a story."""
    said = sentences_of(story)
    return rouge(said, [[reference] * len(said)], ["rouge1"])["rouge1"].per_summary[:, 1]


# %%
for number, story in enumerate(test):  # find one whose best sentence says «she»
    said, covered = sentences_of(story), coverage(story, wanted[number])
    if len(said) == 4 and " she " in said[1] and 0.6 < covered[1] < 0.9:
        break
figure, axes = plt.subplots(figsize=(8, 2.4), layout="constrained", facecolor=PAPER)
dress(axes)
bars = axes.barh(range(len(said)), covered, color=[ORANGE if c < max(covered) else BLUE
                                                   for c in covered])  # fmt: skip
axes.bar_label(bars, fmt="%.2f", color=INK, padding=3)
axes.set_yticks(range(len(said)), said)
axes.invert_yaxis()
axes.set_xlim(0, 1.1)
axes.set_xlabel("share of the summary's words")
plt.show()
print("the summary:", wanted[number])
assert covered[0] < 0.3
assert 0.6 < covered[1] == max(covered) < 0.9

# %% [markdown]
# *Picture: the four sentences of a story with a bar each. The second, in blue, has two thirds of
# the summary's words; the first and the last have a sixth, the third has none.*
#
# One sentence has most of the summary, but not all of it. It says «she» where the summary has a
# name, «one Tuesday in February» where the summary has «on Tuesday». To copy a sentence is called
# **extractive** summarisation; to write a new one, **abstractive**.
#
# ## The smallest numeric example
#
# A person's summary is the **reference**; the machine's is the **candidate**. Count with a pencil:
#
# | | | words |
# |---|---|---|
# | reference | tom lost a map in the park | 7 |
# | candidate | a map tom lost | 4 |
#
# 1. **ROUGE-1: single words.** All 4 of the candidate's words stand in the reference.
#    **Precision**, the share of what is said that was wanted: $4/4 = 1$. **Recall**, the share of
#    what was wanted that is said: $4/7 = 0.571$.
# 2. **F1** makes one number of the two, their harmonic mean $2PR / (P + R)$: $0.727$. It lies near
#    the smaller one. A single safe word has precision 1, a whole novel recall 1, and neither gets a
#    high F1.
# 3. **ROUGE-2: pairs of neighbours.** The candidate has 3 (*a map*, *map tom*, *tom lost*), the
#    reference 6; they share 2. $P = 2/3$, $R = 2/6$, $F_1 = 0.444$.
# 4. **ROUGE-L: order, with gaps.** The longest row of words that both have in the same order is
#    *tom lost*, or *a map*: 2 words. $P = 2/4$, $R = 2/7$, $F_1 = 0.364$.
#
# ROUGE-1 does not mind that the order is upside down. The other two do.

# %%
candidate, reference = "a map tom lost", "tom lost a map in the park"
scores = rouge([candidate], [[reference]], ["rouge1", "rouge2", "rougeL"])
for kind, score in scores.items():
    print(f"{kind}  P {score.precision:.3f}  R {score.recall:.3f}  F1 {score.fmeasure:.3f}")
assert np.allclose([s.fmeasure for s in scores.values()], [0.727, 0.444, 0.364], atol=5e-4)
assert (scores["rouge1"].precision, scores["rouge1"].recall) == (1, 4 / 7)
assert (scores["rouge2"].precision, scores["rouge2"].recall) == (2 / 3, 2 / 6)

# %% [markdown]
# Why the harmonic mean? Below, the precision is 1, as it is for a summary of one safe word, and the
# recall runs from 0 to 1. The plain mean would give half marks for saying nothing.

# %%
recall = np.linspace(0, 1, 101)
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(recall, (1 + recall) / 2, "--", color=ORANGE, label="plain mean")
axes.plot(recall, 2 * recall / (1 + recall), color=BLUE, label="harmonic mean, F1")
axes.plot(4 / 7, 8 / 11, "o", color=BLUE)
axes.annotate("the example", (4 / 7, 8 / 11), (8, -12), textcoords="offset points", color=INK)
axes.set_xlabel("recall, where the precision is 1")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# *Picture: two lines over the recall. The plain mean rises from 0.5 to 1. F1 rises from 0 to 1 and
# lies below it all the way; the example stands on it, at 0.57 and 0.73.*
#
# These are tinyllm's numbers, and these are its lines. The texts come in as lists of words, in
# lower case and without full stops. `_prf` is the formula of step 2.

# %%
module = inspect.getmodule(rouge)
print(inspect.getsource(module._rouge_n))
print(inspect.getsource(module._prf))

# %% [markdown]
# ### Exercise 1: `shared_ngrams` (easy, 10 minutes, 3 points)
#
# `candidate` and `reference` are lists of words. How many n-grams do they share? One that stands
# three times in one text and twice in the other is shared twice. Without that rule, «the the the
# the» would have a precision of 1 for every text with a «the» in it.


# %%
def shared_ngrams(candidate, reference, n):
    ### BEGIN SOLUTION
    from collections import Counter

    def ngrams(words):
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    ours, theirs = ngrams(candidate), ngrams(reference)
    return sum(min(count, theirs[gram]) for gram, count in ours.items())
    ### END SOLUTION


# %%
check(shared_ngrams)

# %% [markdown]
# ### Exercise 2: `rouge_n_triple` (medium, 12 minutes, 4 points)
#
# Now precision, recall and F1, in this order, as three numbers. A text that is shorter than $n$ has
# no n-grams. Where nothing is shared, all three are 0.


# %%
def rouge_n_triple(candidate, reference, n):
    ### BEGIN SOLUTION
    shared = shared_ngrams(candidate, reference, n)
    precision = shared / max(len(candidate) - n + 1, 1)
    recall = shared / max(len(reference) - n + 1, 1)
    f = 2 * precision * recall / (precision + recall) if shared else 0.0
    return precision, recall, f
    ### END SOLUTION


# %%
check(rouge_n_triple)

# %% [markdown]
# ## The longest common subsequence
#
# ROUGE-L asks for the longest row of words that stand in both texts in the same order, where others
# may stand between. It is found without trying all rows. Let $t_{ij}$ be the length for the first
# $i$ words of one text and the first $j$ of the other. Look at the last word of each:
#
# - They are equal. Then they may as well be the last pair, and before them comes the best of what
#   is left: $t_{ij} = t_{i-1,j-1} + 1$.
# - They differ. Then they are no pair, so one of them is not needed: $t_{ij} = \max(t_{i-1,j},\,
#   t_{i,j-1})$.
#
# With no words, $t$ is 0. So the table can be filled from its upper left corner, and the answer
# stands in the lower right one. Working this way, from small questions to large ones that rest on
# them, is called **dynamic programming**.

# %%
texts = "tom lost a map in the park", "in the park tom lost the map"
one, other = (text.split() for text in texts)
table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
for i, word in enumerate(one, 1):
    for j, met in enumerate(other, 1):
        beside = max(table[i - 1, j], table[i, j - 1])
        table[i, j] = table[i - 1, j - 1] + 1 if word == met else beside
figure, axes = plt.subplots(figsize=(5.6, 3.4), layout="constrained", facecolor=PAPER)
axes.imshow(table, cmap="viridis", aspect="auto")
for (i, j), length in np.ndenumerate(table):
    pair = i and j and one[i - 1] == other[j - 1]
    axes.text(j, i, f"[{length}]" if pair else length, ha="center", va="center",
              color=INK if length > 1 else PAPER, weight="bold" if pair else None)  # fmt: skip
axes.set_xticks(range(len(other) + 1), ["", *other])
axes.set_yticks(range(len(one) + 1), ["", *one])
axes.xaxis.tick_top()
plt.show()
assert table[-1, -1] == 3
assert math.comb(80, 40) > 1e23  # ways through a table of 40 by 40

# %% [markdown]
# *Picture: a table with a row for each word of «tom lost a map in the park» and a column for each
# of «in the park tom lost the map». Where row and column have the same word, the number stands in
# brackets, one more than the number up and left of it. The last number is 3.*
#
# Three words: «in the park», or «tom lost map», or «tom lost the». «tom lost» and «in the park»
# cannot both be had, since they lie in the other order in the other text.
#
# ### Exercise 3: `longest_common_length` (hard, 18 minutes, 5 points)
#
# Write it for any two lists of words. The cell above gives the plan away, but leaves the last steps
# to you: do it with lists, and try it on texts of forty words. (Without the table, a function that
# calls itself twice makes up to $10^{23}$ calls for two texts of forty words.)


# %%
def longest_common_length(one, other):
    ### BEGIN SOLUTION
    row = [0] * (len(other) + 1)
    for word in one:
        above, row = row, [0]
        for j, met in enumerate(other):
            row.append(above[j] + 1 if word == met else max(above[j + 1], row[j]))
    return row[-1]
    ### END SOLUTION


# %%
check(longest_common_length)

# %% [markdown]
# ### Exercise 4: find the bug (medium, 12 minutes, 4 points)
#
# A colleague finds the table too much ado. His loop walks through the candidate and takes, for each
# word, the next place in the reference where it stands. On most texts his ROUGE-L is right. But F1
# must be the same when the two texts change places, and his is not. Find out why, and write
# `rouge_l_f1` without the bug.


# %%
def greedy_rouge_l(candidate, reference):
    common, start = 0, 0
    for word in candidate:
        if word in reference[start:]:
            start = reference.index(word, start) + 1
            common += 1
    return 2 * common / (len(candidate) + len(reference))


early, late = (text.split() for text in ("today tom lost a map", "tom lost a map today"))
print("one, other:", round(greedy_rouge_l(one, other), 3), round(greedy_rouge_l(other, one), 3))
print("«today» first:", greedy_rouge_l(early, late), " «today» last:", greedy_rouge_l(late, early))
assert greedy_rouge_l(early, late) == 0.2
assert greedy_rouge_l(late, early) == 0.8


# %%
def rouge_l_f1(candidate, reference):
    ### BEGIN SOLUTION
    common = longest_common_length(candidate, reference)
    return 2 * common / (len(candidate) + len(reference))
    ### END SOLUTION


# %%
check(rouge_l_f1)

# %% [markdown]
# ## What is a score worth? The lead
#
# «ROUGE-1 of 0.45» says nothing by itself. Beside what? Newspapers put what matters into the first
# sentence, so the **lead**, the first sentence and nothing else, is the baseline that many clever
# systems failed to beat. Our stories begin otherwise: first they say who somebody is. So the lead
# should be poor here, and the second sentence a better copy. A baseline is a claim about the texts,
# and must be chosen for them.
#
# And how good could a copy be at all? Ask an **oracle**, which knows the reference and picks the
# best sentence. It is no system, since no system knows the reference; it is a ceiling.
#
# ### Exercise 5: `oracle_extract` (medium, 10 minutes, 3 points)
#
# `sentences` is a list of texts, `reference` a text; all are in lower case, without full stops, so
# `split()` gives their words. Return the number of the sentence with the highest ROUGE-1 F1, of
# equals the first.


# %%
def oracle_extract(sentences, reference):
    ### BEGIN SOLUTION
    def f1(sentence):
        return rouge_n_triple(sentence.split(), reference.split(), 1)[2]

    return max(range(len(sentences)), key=lambda number: f1(sentences[number]))
    ### END SOLUTION


# %%
check(oracle_extract)


# %%
def measured(texts, kind="rougeL"):
    """ROUGE of one text for each test story."""
    return rouge(texts, [wanted], [kind])[kind]


def best_copy(story, reference):
    """The oracle's sentence."""
    said = sentences_of(story)
    return max(said, key=lambda text: rouge([text], [[reference]], ["rouge1"]).score)


copies = {
    "first": [sentences_of(story)[0] for story in test],
    "second": [sentences_of(story)[1] for story in test],
    "oracle": [best_copy(*pair) for pair in zip(test, wanted, strict=True)],
}
for name, texts in copies.items():
    print(
        f"{name:8}", *(measured(texts, kind) for kind in ("rouge1", "rouge2", "rougeL")), sep="  "
    )
lead, second, oracle = (measured(texts).score for texts in copies.values())
assert 0.15 < lead < 0.25
assert 0.38 < second < 0.46
assert 0.46 < oracle < 0.56

# %% [markdown]
# In ROUGE-L the lead has a fifth, the second sentence twice as much, and the ceiling lies at about
# a half. Whoever copies one sentence can hardly do better than that. Whoever writes can.
#
# ## A model that writes
#
# It is a small encoder-decoder (lesson 09), trained as in lesson 12: one layer reads the story,
# another writes the summary while looking at what was read. A word is a token. There is nothing
# about names, days or verbs in it; all it ever sees is 2,560 stories with their summaries. We keep
# what it writes early, after 100 steps of 160, too.

# %%
STEPS, B = 160, 16
pairs = [(story.text, summary(story)) for story in stories(grammar, STEPS * B)]
tokenizer = {"tokenizer": WordTokenizer.train(text for pair in pairs for text in pair)}
sizes = {"layers": 1, "heads": 4, "width": 48, "dropout": 0.0, "label_smoothing": 0.0}
tinyllm.manual_seed(0)
writer = Summarizer(make_model(model_settings("seq2seq", tokenizer, 90, **sizes)), tokenizer)
config = SummarizationConfig(
    max_steps=STEPS, learning_rate=1e-2, min_learning_rate=5e-4, muon_learning_rate=0.03,
    warmup_steps=20, decay="linear",
)  # fmt: skip
optimizers = make_optimizers(writer.model, config)
schedules = make_schedules(optimizers, config, 0)


def summaries(num_beams=1):
    """What the model writes for the test stories."""
    writer.model.eval()
    found = writer.write_all([story.text for story in test], num_beams)
    writer.model.train()
    return [text_of(text.split()) for text in found]


print(tokenizer["tokenizer"].vocab_size, "words,", writer.model.num_parameters(), "parameters")
assert 60_000 < writer.model.num_parameters() < 90_000

# %%
losses, written = [], {}
for step, batch in enumerate(PairBatches(writer.encode_pairs(pairs), B, pad_id=0, seed=0), 1):
    loss = writer.model.loss(*writer.to_tensors(batch))
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    for part in [*optimizers, *schedules]:
        part.step()
    losses.append(loss.item())
    if step == 100:
        written["early"] = summaries()
written["at the end"] = summaries()
written["four beams"] = summaries(num_beams=4)

# %%
for story, found, right in list(zip(test, written["at the end"], wanted, strict=True))[:4]:
    print(textwrap.fill(story.text, 88), f"\n  → {found}\n  = {right}\n")
results = {name: measured(texts) for name, texts in (copies | written).items()}
for name, score in results.items():
    print(f"{name:11}", score)
assert 0.5 < results["early"].score < 0.78
assert 0.68 < results["at the end"].score < 0.97
assert results["at the end"].score > oracle

# %% [markdown]
# In a few seconds it has learnt to leave out who somebody is, to find the event, and to put the
# name where the story has «he». Its ROUGE-L lies above what the best copy can reach. (`tinyllm
# summarize --train` trains a larger model on the whole world for some minutes, to 0.97.)
#
# ## How sure is that? An interval
#
# There were 200 stories. With 200 others the score would have been another one, but how far off?
# The **bootstrap** answers without new stories: draw 200 of the 200 *with replacement*, so that
# some come twice and some not at all, and count the score anew. A thousand such draws show how the
# score scatters.
#
# ### Exercise 6: `bootstrap_bounds` (medium, 10 minutes, 3 points)
#
# `scores` $(N,)$ holds the F1 of each text, `picks` $(R, N)$ the numbers of the texts in each draw.
# Give the two bounds between which 95 % of the draws' means lie.


# %%
def bootstrap_bounds(scores, picks):
    ### BEGIN SOLUTION
    means = scores[picks].mean(axis=1)  # (R,)
    low, high = np.percentile(means, [2.5, 97.5])
    return low, high
    ### END SOLUTION


# %%
check(bootstrap_bounds)

# %%
picks = rng.integers(0, len(test), size=(1000, len(test)))  # (R, N)
figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained", facecolor=PAPER)
dress(axes)
colours = [QUIET, ORANGE, GREEN, BLUE]
for name, colour in zip(("first", "second", "early", "at the end"), colours, strict=True):
    means = results[name].per_summary[:, 2][picks].mean(axis=1)  # (R,)
    low, high = np.percentile(means, [2.5, 97.5])
    axes.hist(means, bins=30, color=colour)
    axes.annotate(f"{name}\n{low:.2f} to {high:.2f}", (means.mean(), 112), ha="center", color=INK)
    by_package = results[name].with_interval().interval
    assert np.allclose([low, high], [by_package.low, by_package.high], atol=0.01)
    assert 0.02 < high - low < 0.12
axes.set_xlabel("mean ROUGE-L of a draw of 200 stories")
axes.set_ylabel("draws")
axes.set_xlim(0.12, 0.9)
axes.set_ylim(0, 145)
plt.show()

# %% [markdown]
# *Picture: four narrow heaps of a thousand means that do not touch: the first sentence at 0.19, the
# second at 0.42, the early model at 0.65, the model at the end at 0.78.*
#
# An interval a few hundredths wide, from 200 stories. A paper that reports a gain of 0.003 on as
# many has found nothing. (The interval narrows with the root of $N$: four times as many stories,
# half the width.)
#
# ## Is one better than the other? Compare in pairs
#
# Beam search with four beams follows four beginnings of a summary at once, where the plain model
# takes the likeliest word each time. Does it write better summaries? The intervals of the two
# overlap almost wholly, but that is the wrong question. Both were measured **on the same stories**:
# a hard story is hard for both, and drops out when we look at the *difference* on each.
#
# If the two were equally good, it would not matter whose summary is whose. Each difference could as
# well have the other sign. So toss a coin for each story, flip the signs, take the mean: a world in
# which nothing but chance is at work. In what share of such worlds is the mean at least as far from
# 0 as in ours? That is the **p-value**.
#
# ### Exercise 7: `sign_flip_p_value` (hard, 14 minutes, 4 points)
#
# `ours` and `theirs` $(N,)$ are scores on the same texts, `signs` $(R, N)$ holds tossed signs, 1
# and -1. Far from 0 may be above or below. Count our own world among them, above the line and below
# it, so that a p-value is never 0: $(1 + \text{reached}) / (1 + R)$. And as sums in another order
# differ in their last digit, let a mean count as «at least as far» if it is short by
# $10^{-9}$ or less.


# %%
def sign_flip_p_value(ours, theirs, signs):
    ### BEGIN SOLUTION
    differences = ours - theirs  # (N,)
    observed = abs(differences.mean())
    by_chance = np.abs((signs * differences).mean(axis=1))  # (R,)
    return (1 + (by_chance >= observed - 1e-9).sum()) / (1 + len(signs))
    ### END SOLUTION


# %%
check(sign_flip_p_value)

# %%
signs = rng.choice([-1, 1], size=(4000, len(test)))  # (R, N)
figure, panels = plt.subplots(1, 2, figsize=(8.5, 2.8), layout="constrained", facecolor=PAPER)
f1 = {name: score.per_summary[:, 2] for name, score in results.items()}
tests = {}
for axes, name in zip(panels, ("four beams", "early"), strict=True):
    differences = f1["at the end"] - f1[name]  # (N,)
    dress(axes)
    axes.hist((signs * differences).mean(axis=1), bins=40, color=BLUE)
    axes.axvline(differences.mean(), color=ORANGE, linewidth=2)
    axes.set_title(f"at the end, less {name}", loc="left", color=INK, fontsize=11)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("mean difference, signs tossed")
    tests[name] = paired_randomization(results[name], results["at the end"], 4000)
    print(name, tests[name])
plt.show()
assert tests["early"].p_value < 0.002
assert abs(tests["four beams"].difference) < 0.06

# %% [markdown]
# *Picture: two heaps of mean differences around 0, as chance makes them, and an orange line at the
# difference that was seen. Left, for the four beams, it stands within the heap or at its edge.
# Right, for the early model, it stands far outside of it.*
#
# The last 60 steps did help: none of 4,000 worlds of chance shows so large a difference. Of the
# beams we cannot say it, whatever p-value you see. On another machine, or with another number of
# threads, the sums of the training round differently, and another model comes out: here p-values of
# 0.43 and of 0.02 were seen. A p-value speaks of these stories and of the models that were
# measured, not of the next training. And mind the words: a large p-value does not show that two
# systems are equal, only that these stories do not tell them apart.
#
# ## High, and false
#
# Now for what ROUGE cannot see. The early model has several times the ROUGE-L of the lead. In
# tinyworld we can ask more: each summary is parsed, and held against what happened in its story.
# `judge` says «true», «false», «unknown» (the story leaves it open) or «unparseable» (it is no
# sentence of the world).
#
# ### Predict, then run (3 minutes)
#
# Of the 200 summaries by the early model, what share is **true** of its story? Put a number
# between 0 and 1 below.

# %%
my_true_share = None
### BEGIN SOLUTION
my_true_share = 0.5
### END SOLUTION

# %%
verdicts = {
    name: np.array([judge(text, grammar, story) for text, story in zip(texts, test, strict=True)])
    for name, texts in written.items()
}
true_share = {name: float((found == "true").mean()) for name, found in verdicts.items()}
reveal("15", "share of true summaries, early", my_true_share, true_share["early"])

# %%
for name, found in verdicts.items():
    kinds = {kind: int((found == kind).sum()) for kind in sorted(set(found.tolist()))}
    print(f"{name:11} ROUGE-L {results[name].score:.2f}   {kinds}")
assert true_share["early"] < 0.4
ratio = results["at the end"].score / results["early"].score
assert true_share["at the end"] > 1.3 * ratio * true_share["early"]
assert 0.4 < true_share["at the end"] < 0.97

# %%
figure, panels = plt.subplots(1, 2, figsize=(8.5, 2.8), sharey=True, layout="constrained",
                              facecolor=PAPER)  # fmt: skip
edges = np.linspace(0, 1, 11)
for axes, name in zip(panels, ("early", "at the end"), strict=True):
    is_true = verdicts[name] == "true"
    dress(axes)
    axes.hist([f1[name][is_true], f1[name][~is_true]], bins=edges, stacked=True,
              color=[BLUE, ORANGE], label=["true", "not true"])  # fmt: skip
    axes.set_title(name, loc="left", color=INK, fontsize=11)
    axes.set_xlabel("ROUGE-L of a summary")
panels[0].set_ylabel("summaries")
panels[0].legend(frameon=False, loc="upper left")
plt.show()
close = (f1["at the end"] >= 0.8) & (f1["at the end"] < 1)
close_and_false = float((verdicts["at the end"][close] == "false").mean())
print(f"of {close.sum()} that are close but not equal, {close_and_false:.0%} are false")
assert close_and_false > 0.3

# %% [markdown]
# *Picture: two histograms of ROUGE-L, true summaries in blue, the others in orange on top. Early,
# most summaries lie between 0.4 and 0.9, and five in six of those are orange. At the end the bar
# from 0.9 on towers above the rest and is nearly all blue; the bar beside it is nearly all orange.*
#
# Early on the model has learnt to *sound* right, three times in four: a name, a verb, a thing, a
# place, a day, each in its place, and one or two of them picked from the wrong shelf. Words such as
# «a», «in», «the», «on» are shared anyway. From there to the end ROUGE-L grows by a part of itself,
# and the share of true summaries by far more: the number that moved least is the one that papers
# print. And even at the end, being close to the reference is no proof: of those that come close
# without being equal, a large part is false.
#
# A system that writes what nobody said is said to **hallucinate**. One that copies cannot, which is
# why extraction is still used where a wrong word is dear. It pays with «he» and «she» that nobody
# can resolve any more, and with a low ceiling.
#
# ### Exercise 8: `false_share_above` (easy, 4 minutes, 2 points)
#
# `scores` $(N,)$ and `is_false` $(N,)$ belong to the same summaries. Of those whose score is at
# least `threshold`, what share is false? One line is enough.


# %%
def false_share_above(scores, is_false, threshold):
    ### BEGIN SOLUTION
    return is_false[scores >= threshold].mean()
    ### END SOLUTION


# %%
check(false_share_above)

# %% [markdown]
# ## One word wrong, or five words fewer
#
# No model is needed to see it. Take each reference that names a place and a day, and spoil it in
# the smallest way: another day, one word changed, and the sentence is false. Or shorten it: leave
# out place and day, and the sentence stays true. Which of the two gets the higher score?

# %%
events = [main_event(story) for story in test]
kept = [i for i, event in enumerate(events) if event.day and event.place and event.who]
other_day = [next(day for day in DAYS if day is not events[i].day) for i in kept]
spoiled = [
    say_event(dataclasses.replace(events[i], day=day))
    for i, day in zip(kept, other_day, strict=True)
]
short = [say_event(dataclasses.replace(events[i], place=None, day=None)) for i in kept]
references = [wanted[i] for i in kept]
print(references[0], "\n ", spoiled[0], "\n ", short[0])
verdict = {
    name: {judge(text, grammar, test[i]) for i, text in zip(kept, texts, strict=True)}
    for name, texts in (("spoiled", spoiled), ("short", short))
}
print(verdict)
of_spoiled, of_short = (rouge(texts, [references], ["rougeL"])["rougeL"].per_summary[:, 2]
                        for texts in (spoiled, short))  # fmt: skip
higher = float((of_spoiled > of_short).mean())
print(f"ROUGE-L {of_spoiled.mean():.2f} and {of_short.mean():.2f}; the false one wins {higher:.0%}")
assert verdict == {"spoiled": {"false"}, "short": {"true"}}
assert higher == 1
assert 0.85 < of_spoiled.mean() < 0.93
assert 0.5 < of_short.mean() < 0.75

# %%
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
edges = np.linspace(0.4, 1, 31)
axes.hist(of_short, bins=edges, color=BLUE, label="shorter, and true")
axes.hist(of_spoiled, bins=edges, color=ORANGE, label="another day, and false")
axes.set_xlabel("ROUGE-L")
axes.set_ylabel("summaries")
axes.legend(frameon=False, loc="upper center")
plt.show()

# %% [markdown]
# *Picture: two heaps that do not touch. The true, shorter sentences lie between 0.5 and 0.7, the
# false ones between 0.85 and 0.95.*
#
# Every time, the false sentence beats the true one. ROUGE is no worse than it says it is: it counts
# shared words. It is a mistake to read it as «good». So report it together with what it does not
# see: a baseline, an interval, and a check of the facts. Outside of a made-up world that check has
# to be made by people, or by another model that reads story and summary and says whether one
# follows from the other, whose own mistakes you then have to measure.
#
# ### An open question (10 minutes, for a teacher to read)
#
# A company shows you two systems for summaries of doctors' letters. A copies two sentences, with
# ROUGE-L 0.31 on 100 letters. B writes, with 0.34. B's seller says that B is better. Name what you
# would ask for before you agree, and say how you would decide which one to use.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for asking whether the difference is more than chance (an interval, or better a paired test on
# the same 100 letters); 1 for a baseline or ceiling to hold both against (the lead, an oracle, or
# one doctor's summary against another's); 1 for truth: B may invent a dose or a name, and ROUGE
# would hardly notice, so a sample must be read by somebody who knows; 1 for weighing the costs: a
# false sentence is worse here than a missing one, which speaks for copying or for showing the
# source beside the summary, even at a lower score.
#
# </details>
#
# ## The full model
#
# What you saw was trained in seconds. In a terminal, `tinyllm course prepare summarization` trains
# a full one, once, in about 7 minutes on two cores; the next cell then uses it.

# %%
full = prepared("summarization")
if full is None:
    print("no full model here yet: tinyllm course prepare summarization")
else:
    story = next(stories(Grammar(World(0, "full")), 1, 5, "test")).text
    print(story, "\n\n" + full.write(story))

# %% [markdown]
# ## What to remember
#
# - Precision is over what is said, recall over what was wanted, F1 lies near the smaller.
# - ROUGE-1 and -2 count n-grams, none more often than both have it. ROUGE-L takes the longest
#   common subsequence: the order counts, gaps do not. Find it by a table, not by greed.
# - A score needs a baseline. For newspapers it is the lead; for other texts, something else.
# - The bootstrap draws texts with replacement. To compare two systems, look at differences on the
#   same texts.
# - ROUGE sees words, not truth. One wrong word of ten costs a tenth, and makes it false.
#
# ## Where next
#
# Lesson 16 lets a model talk with you, where there is no one right answer to compare with. Lesson
# 20 asks again how good a model is, and how large a test must be to tell. In the package, read
# `tinyllm/metrics/rouge.py`, whose table of subsequences takes one addition for a whole row, and
# `docs/summarization.md`. Lin 2004, «ROUGE: A Package for Automatic Evaluation of Summaries», is
# short; Maynez et al. 2020, [arXiv:2005.00661](https://arxiv.org/abs/2005.00661), had people count
# how many summaries of news are not true to their source.
