# %% [markdown]
# # 14 Translation, and BLEU
#
# **You will be able to** train a small translator and let it write, greedily and with beams; work
# out BLEU with a pencil, and program it; say why a corpus's BLEU is not the mean of its sentences;
# put an interval around a score; and name what BLEU cannot see, with numbers.
#
# **You need** lesson 09 (encoder and decoder, cross-attention) and lesson 10 (log-probabilities).
# Chinese is not needed: what matters is said in English too. **Time:** about 50 minutes of reading,
# and 100 of exercises.
#
# ## Why
#
# A translator writes «he has a white cat in the garden». Somebody else wrote «in the garden he
# keeps a cat, a white one». Both are right. If you have ten thousand such sentences and two
# translators, you cannot ask a person each time which of the two is better today. You want a
# number, at once, for nothing.
#
# In 2002 four people at IBM proposed one: count how many words and short phrases of the
# translation stand in a translation made by a person. They called it **BLEU**, and for twenty years
# nearly every paper on translation ended in a table of it. It is simple, it is cheap, and it is
# wrong in ways that one must know. Here we can measure how wrong: **tinyworld**, the made-up world
# of this package, knows for each of its English sentences *all* the Chinese ones that are right.
#
# Letters: $n$ the length of a phrase, $p_n$ a precision, $c$ words written, $r$ words of the
# reference, $N$ sentences, $R$ resamples; $B$, $S$, $T$, $H$, $V$ as in lesson 09.

# %%
import inspect
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import SVG, display

import tinyllm
from tinyllm.course import check, hint, prepared, reveal
from tinyllm.data.tinyworld import Grammar, World, accepts_sentence, sentence_pairs, stories
from tinyllm.data.translation import PairBatches
from tinyllm.metrics import bleu, chrf, paired_bootstrap, sentence_bleu
from tinyllm.metrics.bleu import sentence_statistics
from tinyllm.models import Seq2Seq, Seq2SeqConfig
from tinyllm.optim import AdamW
from tinyllm.tasks.translator import Translator
from tinyllm.text import CharTokenizer, WordTokenizer
from tinyllm.viz import attention_picture
from tinyllm.viz.style import BLUE, INK, ORANGE, PAPER, QUIET, dress

# %% [markdown]
# ## The smallest numeric example
#
# A person wrote the **reference**, a program the **hypothesis**:
#
# | | |
# |---|---|
# | reference | he has a white cat in the garden |
# | hypothesis | he has a white dog in garden |
#
# An **n-gram** is a run of $n$ words. Of those that the hypothesis has, how many stand in the
# reference too?
#
# 1. **Words.** Seven were written; all but «dog» are in the reference: $p_1 = 6/7$.
# 2. **Pairs.** Six: «he has», «has a», «a white» are there; «white dog», «dog in», «in garden» are
#    not: $p_2 = 3/6$.
# 3. **Threes.** Five, and two are there: $p_3 = 2/5$. **Fours.** $p_4 = 1/4$.
# 4. **Their geometric mean**: the fourth root of the product, $0.0429^{1/4} = 0.455$.
# 5. **Too short?** Seven words where the reference has eight. The **brevity penalty** is
#    $e^{1 - 8/7} = 0.867$.
# 6. $0.867 \cdot 0.455 = 0.394$; on a scale from 0 to 100 the BLEU is **39.4**.

# %%
reference, hypothesis = "he has a white cat in the garden", "he has a white dog in garden"
score = sentence_bleu(hypothesis, [reference])
shares = np.array(score.precisions) / 100
mean = np.exp(np.log(shares).mean())
figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
bars = axes.bar(["words", "pairs", "threes", "fours"], shares, color=BLUE)
axes.bar_label(bars, [f"{m}/{t}" for m, t in zip(score.counts, score.totals, strict=True)])
axes.axhline(mean, color=ORANGE, linestyle="--", label="geometric mean")
axes.axhline(mean * score.bp, color=ORANGE, label="with the brevity penalty")
axes.set_ylabel("precision")
axes.set_ylim(0, 1)
axes.legend(frameon=False)
plt.show()
print(score, score.verbose())
assert score.counts == [6, 3, 2, 1]
assert score.totals == [7, 6, 5, 4]
assert abs(mean - 0.455) < 5e-4
assert abs(score.bp - 0.867) < 5e-4
assert abs(score.score - 39.4) < 0.05

# %% [markdown]
# *Picture: four bars, the precisions of words, pairs, threes and fours, 6/7, 3/6, 2/5, 1/4, each
# lower than the one before. A dashed line at 0.455, and a full one a little below it, at 0.394.*
#
# One wrong word and one missing word, and 60 of 100 points are gone. The wrong word spoils one
# word, but two pairs, three threes, and so on. That is on purpose: long phrases that agree are a
# sign of fluent text. So a BLEU has no meaning like «39 % are right». It is a number to compare
# with other numbers, of the same test set, counted in the same way.
#
# $$\text{BLEU} = 100 \cdot \min\left(1, e^{1 - r/c}\right) \cdot \exp\left(\frac14 \sum_{n=1}^4
# \log p_n\right)$$
#
# ## Clip, or be cheated
#
# Precision alone is easily cheated. «the the the the» has four words, and all of them stand in the
# reference: $p_1 = 1$. Hence the **clip**: an n-gram counts at most as often as the reference has
# it. Our reference has one «the», so one of four counts.
#
# The other cheat is to say little: «he has a white», and nothing more. Every precision is 1. For
# this there is the brevity penalty, $e^{1 - 8/4} = 0.37$.

# %%
for cheat in ("the the the the", "he has a white"):
    print(f"{cheat!r}:", sentence_bleu(cheat, [reference]).verbose())
assert sentence_bleu("the the the the", [reference]).counts[0] == 1
assert abs(sentence_bleu("he has a white", [reference]).score - 36.8) < 0.05

# %% [markdown]
# Why 16.7 % for the pairs of the first cheat, where not one is right? A single 0 would make the
# whole score 0. So tinyllm, like others, **smooths**: the first length without a match counts as
# half a match, the next as a quarter, then an eighth. Your own BLEU below does without.
#
# ### Exercise 1: `clipped_matches` (medium, 12 minutes, 5 points)
#
# Two lists of words and $n$: give the pair of the clipped matches and the number of all n-grams of
# the hypothesis. Where the hypothesis has fewer than $n$ words, both are 0.


# %%
def clipped_matches(hypothesis, reference, n):
    ### BEGIN SOLUTION
    mine = Counter(tuple(hypothesis[i : i + n]) for i in range(len(hypothesis) - n + 1))
    theirs = Counter(tuple(reference[i : i + n]) for i in range(len(reference) - n + 1))
    matches = sum(min(count, theirs[ngram]) for ngram, count in mine.items())
    return matches, sum(mine.values())
    ### END SOLUTION


# %%
check(clipped_matches)

# %% [markdown]
# ### Exercise 2: `brevity_penalty` (easy, 6 minutes, 3 points)
#
# From the words written, $c$, and the words expected, $r$, give $\min(1, e^{1 - r/c})$; and 0 where
# nothing was written.


# %%
def brevity_penalty(written, expected):
    ### BEGIN SOLUTION
    if written == 0:
        return 0.0
    return float(min(1.0, np.exp(1 - expected / written)))
    ### END SOLUTION


# %%
check(brevity_penalty)

# %% [markdown]
# ### Exercise 3: `bleu_by_hand` (hard, 20 minutes, 7 points)
#
# Now a whole corpus: two lists of strings, whose words stand between blanks. Sum matches, totals
# and both lengths over **all** sentences; only then divide. If for some $n$ there is no match at
# all, the BLEU is 0. Use your `clipped_matches`.


# %%
def bleu_by_hand(hypotheses, references):
    ### BEGIN SOLUTION
    matches, totals = np.zeros(4), np.zeros(4)
    written = expected = 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        mine, theirs = hypothesis.split(), reference.split()
        written, expected = written + len(mine), expected + len(theirs)
        for n in range(1, 5):
            found, total = clipped_matches(mine, theirs, n)
            matches[n - 1] += found
            totals[n - 1] += total
    if matches.min() == 0:
        return 0.0
    brevity = min(1.0, np.exp(1 - expected / written))
    return float(100 * brevity * np.exp(np.mean(np.log(matches / totals))))
    ### END SOLUTION


# %%
check(bleu_by_hand)

# %% [markdown]
# Why not score each sentence and take the mean? Because a short sentence with no four words in a
# row right has a BLEU of 0, whatever else is right in it; a mean would be ruled by such accidents.
# Sums let each sentence give what it has. So never average sentence scores, and never compare a
# mean with somebody's corpus score.
#
# ## Whose words? Chinese has no spaces
#
# English is cut into words at its spaces, more or less. Chinese is written without any. So who says
# what a word is? For BLEU the answer is plain: each Chinese character is a token. That needs no
# dictionary, so that everybody's numbers agree.
#
# Here is tinyworld, the smaller one of about 200 words: sentences to learn from, and others to be
# measured on, with the Chinese that says it in the usual words.

# %%
grammar = Grammar(World(seed=0, size="mini"))
train = list(sentence_pairs(stories(grammar, 1500, seed=0)))
test = list(sentence_pairs(stories(grammar, 40, seed=0, split="test")))
usual = [pair.chinese for pair in test]  # the references
for pair in test[:4]:
    print(pair.english, pair.chinese)
learned = {pair.english for pair in train}
again = np.mean([pair.english in learned for pair in test])
print(f"{len(train):,} pairs to learn from, {len(test)} to measure on, {again:.0%} of them known")
assert 7_000 < len(train) < 7_600
assert 150 < len(test) < 250
assert 0.35 < again < 0.65

# %% [markdown]
# So small a world repeats itself: about half of the test's sentences stand among those to learn
# from. That flatters the translator, and we keep it in mind. The questions of this lesson are about
# the ruler, not about what is measured.
#
# ### Exercise 4: find the bug (medium, 12 minutes, 4 points)
#
# A colleague compares a Chinese sentence with its reference, word for word, with the function
# below. Whatever the translator does, his BLEU is 0, or 100 for a sentence that is perfect.
# (`effective_order=True` leaves out the lengths that a sentence is too short to have.) Write
# `chinese_tokens`: each character from U+2E80 on (where the Chinese blocks begin) is a token of its
# own, punctuation too; the rest is cut at white space.


# %%
def words_at_spaces(text):
    return text.split()


hypothesis, reference = "他有一只白狗。", "他有一只白猫。"  # a white dog, a white cat
symptom = bleu([hypothesis], [[reference]], tokenize="none", effective_order=True, force=True)
apart = bleu([hypothesis], [[reference]], tokenize="zh", force=True)
print(words_at_spaces(reference), "at spaces:", symptom, "  apart:", apart)
assert symptom.score == 0
assert 60 < apart.score < 65


# %%
def chinese_tokens(text):
    ### BEGIN SOLUTION
    tokens, word = [], ""
    for character in text + " ":
        if character.isspace() or character >= "\u2e80":
            if word:
                tokens.append(word)
            word = ""
            if not character.isspace():
                tokens.append(character)
        else:
            word += character
    return tokens
    ### END SOLUTION


# %%
check(chinese_tokens)

# %% [markdown]
# A BLEU without its way of cutting is no number: the same translation has 0 or 64. That is why
# every score of tinyllm carries a **signature**, in the words of sacrebleu, the program that ended
# twenty years of numbers that did not compare.

# %%
print(apart.signature)
assert "tok:zh" in apart.signature

# %% [markdown]
# ## An experiment: what BLEU cannot see
#
# tinyworld knows every accepted translation of a sentence: other words for the same thing, a
# comma more or less, a subject that may be dropped. So we can let two translators take the test
# whose quality is known beforehand.
#
# - **Right in other words.** For each sentence draw one of the accepted translations by chance.
#   Every single one is right.
# - **Wrong by a hair.** Take the reference itself and turn every *he* (他) into a *she* (她) and
#   the other way round; a sentence with neither becomes a question (吗？ for the full stop). Every
#   single one is wrong.
#
# BLEU might well tell them apart: a right translation shares most of its characters with any
# other right one, and there are four lengths of phrases to notice an error.
#
# ### Predict, then run (5 minutes)
#
# What is the BLEU of the first translator, all of whose translations are right? A number between 0
# and 100.

# %%
my_prediction = None
### BEGIN SOLUTION
my_prediction = 85.0
### END SOLUTION

# %%
drawn = sentence_pairs(stories(grammar, 40, seed=0, split="test"), generator=1)
others = [pair.chinese for pair in drawn]  # right, in other words
swap = str.maketrans("他她", "她他")
wrong = [
    text.translate(swap) if {"他", "她"} & {*text} else text.replace("。", "吗？") for text in usual
]


def measured(texts):
    """BLEU against the usual words, and the share of sentences that are accepted."""
    accepted = [
        accepts_sentence(pair.sentence, text) for pair, text in zip(test, texts, strict=True)
    ]
    return bleu(texts, [usual], tokenize="zh", force=True), float(np.mean(accepted))


right_bleu, right_share = measured(others)
wrong_bleu, wrong_share = measured(wrong)
for texts in (usual, others, wrong):
    print(texts[1], texts[2])
reveal("14", "BLEU of right translations", my_prediction, right_bleu.score)

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.5, 2.6), layout="constrained", facecolor=PAPER)
names = ["right, other words", "wrong by a hair"]
for axes, heights, label, form in (
    (panels[0], [right_bleu.score, wrong_bleu.score], "BLEU", "%.0f"),
    (panels[1], [100 * right_share, 100 * wrong_share], "accepted, %", "%.0f"),
):
    dress(axes)
    axes.bar_label(axes.bar(names, heights, color=[BLUE, ORANGE]), fmt=form, color=INK)
    axes.set_ylim(0, 115)
    axes.set_title(label, loc="left", color=INK, fontsize=11)
plt.show()
assert right_share == 1
assert wrong_share == 0
assert 66 < right_bleu.score < 69
assert 82 < wrong_bleu.score < 86

# %% [markdown]
# *Picture: two panels of two bars. BLEU: the translator that is right in other words has 67, the
# one that is wrong by a hair 84. Accepted: 100 % and 0 %.*
#
# 67 to 84: the one that is always wrong wins, by a wide margin. BLEU sees characters in common, not
# what they mean. It cannot see that another word says the same, and it cannot see that one
# character turns a sentence round. What can be done about the first: **more references**. An n-gram
# counts if any of them has it, so other words are forgiven. About the second BLEU can do nothing; a
# person can, or a checker such as `accepts_sentence`, if the world is small enough to have one.

# %%
sets = [usual]
for seed in range(2, 9):
    drawn = sentence_pairs(stories(grammar, 40, seed=0, split="test"), generator=seed)
    sets.append([pair.chinese for pair in drawn])
counts = range(1, 9)
curves = {
    name: [bleu(texts, sets[:k], tokenize="zh", force=True).score for k in counts]
    for name, texts in (("right, other words", others), ("wrong by a hair", wrong))
}
figure, axes = plt.subplots(figsize=(6, 2.7), layout="constrained", facecolor=PAPER)
dress(axes)
for (name, scores), colour, mark in zip(curves.items(), (BLUE, ORANGE), "os", strict=True):
    axes.plot(counts, scores, f"{mark}-", color=colour, label=name)
axes.set_xlabel("references for each sentence")
axes.set_ylabel("BLEU")
axes.legend(frameon=False)
plt.show()
for name, scores in curves.items():
    print(f"{name:<18}", np.round(scores, 1))
assert curves["right, other words"][0] < curves["wrong by a hair"][0]
assert curves["right, other words"][-1] > 90
assert np.ptp(curves["wrong by a hair"]) < 3
assert curves["right, other words"][-1] > curves["wrong by a hair"][-1] + 5

# %% [markdown]
# *Picture: BLEU against the number of references, from one to eight. The right translator's line
# climbs steeply at first, from 67 to above 90, and crosses that of the wrong one, which stays level
# at 84.*
#
# With enough references the right one is ahead, as it should be. The wrong one still has its 84:
# no number of references tells BLEU that the one wrong character was the one that mattered.
#
# ## A translator, in seconds
#
# Now a model of lesson 09's kind: words go in, characters come out, one layer each, 115,000
# parameters. The training is the loop that you know.

# %%
tokenizers = {
    "source": WordTokenizer.train([pair.english for pair in train]),
    "target": CharTokenizer.train([pair.chinese for pair in train]),
}
V = tokenizers["target"].vocab_size + 2  # and a start and an end token
sizes = {"encoder_layers": 1, "decoder_layers": 1, "heads": 2, "width": 64, "hidden_width": 128}
sizes |= {"context_length": 64, "dropout": 0.0, "label_smoothing": 0.0}
tinyllm.manual_seed(0)
config = Seq2SeqConfig(
    vocab_size=V, source_vocab_size=tokenizers["source"].vocab_size, start_id=V - 2,
    end_id=V - 1, **sizes,
)  # fmt: skip
translator = Translator(Seq2Seq(config), tokenizers)
print(V, "tokens of Chinese;", translator.model.num_parameters(), "parameters")
assert 110_000 < translator.model.num_parameters() < 120_000

# %%
model, STEPS = translator.model, 180
pairs = translator.encode_pairs([(pair.english, pair.chinese) for pair in train])
optimizer = AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
losses = []
for step, batch in enumerate(PairBatches(pairs[: STEPS * 32], 32, pad_id=0, pool=10)):
    optimizer.param_groups[0]["lr"] = 5e-3 * min(1, (step + 1) / 30, 3 * (1 - step / STEPS))
    loss = model.loss(*translator.to_tensors(batch))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

# %%
figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(losses, color=BLUE)
axes.axhline(np.log(V), color=QUIET, linestyle=":", label="every token equally likely")
axes.set_xlabel("step")
axes.set_ylabel("loss, nats per character")
axes.legend(frameon=False)
plt.show()
english = [pair.english for pair in test]
greedy = translator.write_all(english, num_beams=1)
greedy_bleu, greedy_share = measured(greedy)
print(f"loss {np.mean(losses[-20:]):.2f};", greedy_bleu, f"accepted {greedy_share:.0%}")
for place in range(0, len(test), len(test) // 6):
    print("=" if greedy[place] == usual[place] else "≠", english[place], greedy[place])
assert np.mean(losses[-20:]) < 0.4
assert 70 < greedy_bleu.score < 99
assert 0.4 < greedy_share < 0.98

# %% [markdown]
# *Picture: the loss against the step. It begins above 6, higher than the dotted line of guessing at
# 5.7, falls steeply during the first hundred steps, and wavers between 0 and 1 from then on.*
#
# The signs say whether a line is the reference to the character. Where it is not, look closely:
# some sentences repeat themselves or break off, others lose a word.
#
# ## Greedy, or with beams
#
# The translator writes from left to right. **Greedy** decoding takes the likeliest character each
# time, and never takes one back. But the likeliest beginning need not belong to the likeliest
# sentence. **Beam search** keeps the $k$ best beginnings and goes on with all of them.
#
# Then whole sentences of different lengths have to be compared, and $\log p$ is a sum of negative
# numbers: with each character it sinks. The bare sum favours what ends early. The usual cure is to
# divide by a power of the length, $\log p / \text{length}^\alpha$; tinyllm calls $\alpha$ the
# `length_penalty`, as others do, though it rewards length.
#
# ### Exercise 5: `rank_hypotheses` (easy, 7 minutes, 3 points)
#
# From `log_probs` $(k)$, `lengths` $(k)$ and a number `penalty` give the places of the hypotheses,
# the best one first.


# %%
def rank_hypotheses(log_probs, lengths, penalty):
    ### BEGIN SOLUTION
    return np.argsort(-(log_probs / lengths**penalty))
    ### END SOLUTION


# %%
check(rank_hypotheses)

# %%
penalties = [0.0, 1.0, 2.0]
by_penalty = [measured(translator.write_all(english, 4, alpha))[0] for alpha in penalties]
lengths = [score.ratio for score in by_penalty]
figure, panels = plt.subplots(1, 2, figsize=(8, 2.7), layout="constrained", facecolor=PAPER)
for axes, heights, level, label in (
    (panels[0], lengths, greedy_bleu.ratio, "written / expected"),
    (panels[1], [score.score for score in by_penalty], greedy_bleu.score, "BLEU"),
):
    dress(axes)
    axes.plot(penalties, heights, "o-", color=BLUE, label="4 beams")
    axes.axhline(level, color=ORANGE, linestyle="--", label="greedy")
    axes.set_xlabel("length penalty α")
    axes.set_title(label, loc="left", color=INK, fontsize=11)
    axes.legend(frameon=False)
plt.show()
for alpha, score in zip(penalties, by_penalty, strict=True):
    print(alpha, score, score.verbose())
assert lengths[0] < lengths[1] <= lengths[2]
assert all(70 < score.score < 99 for score in by_penalty)

# %% [markdown]
# *Picture: left, the length written over the length expected: with four beams it rises with the
# penalty, from 0.90 to 0.98; the dashed line of greedy lies above, at 1.03. Right, BLEU: with four
# beams it rises from 78.6 to 82.5, and crosses greedy's dashed line, at 80.7, near a penalty of 1.*
#
# The left panel is the bias that was promised: at $\alpha = 0$ the beams write too little, and the
# brevity penalty makes them pay. The right panel is a lesson in modesty. Beam search finds
# sentences that the *model* holds for likelier. Whether they are better is another question, and a
# model that was trained for seconds may well be worse served by them than by greedy decoding. With
# the full translator of this package, trained for minutes, five beams gain 0.4 points over greedy
# decoding; with one for captions of pictures, English to German, 1.6 (`docs/translation.md`).
#
# ## How sure is a score?
#
# Two hundred sentences are a sample. With two hundred others the score would be another. How far
# off? The **bootstrap** asks the sample itself: draw $N$ of the $N$ sentences *with replacement*,
# so that some come twice and others not at all; score; do that a thousand times; and see between
# which two numbers 95 % of the scores lie.
#
# This is quick, since a corpus BLEU is a function of ten sums. What each sentence adds to them is
# counted once, by the function of tinyllm that your `clipped_matches` now lets you read.

# %%
tokens = [[list(text) for text in texts] for texts in (greedy, usual)]
print(inspect.getsource(sentence_statistics))
statistics = np.array([sentence_statistics(h, [r], 4) for h, r in zip(*tokens, strict=True)])
draws = np.random.default_rng(14).integers(0, len(test), (1000, len(test)))  # (R, N)
print("written, expected, four matches, four totals:", statistics[0])
assert statistics.shape == (len(test), 10)


def bleu_of_sums(sums):
    """Words written and expected, four matches, four totals (10,) -> BLEU, 0 to 100."""
    written, expected, matches, totals = sums[0], sums[1], sums[2:6], sums[6:]
    if matches.min() == 0:
        return 0.0
    brevity = min(1.0, np.exp(1 - expected / written))
    return float(100 * brevity * np.exp(np.mean(np.log(matches / totals))))


assert abs(bleu_of_sums(statistics.sum(axis=0)) - greedy_bleu.score) < 1e-6

# %% [markdown]
# ### Exercise 6: `bootstrap_interval` (medium, 12 minutes, 5 points)
#
# `statistics` $(N, 10)$ is as above; row $i$ of `draws` $(R, N)$ holds the places of the sentences
# of resample $i$. Give the 2.5 and the 97.5 percentile of the resamples' BLEU, as a pair. Use
# `bleu_of_sums`.


# %%
def bootstrap_interval(statistics, draws):
    ### BEGIN SOLUTION
    scores = [bleu_of_sums(statistics[rows].sum(axis=0)) for rows in draws]
    low, high = np.percentile(scores, [2.5, 97.5])
    return low, high
    ### END SOLUTION


# %%
check(bootstrap_interval)

# %%
resampled = [bleu_of_sums(statistics[rows].sum(axis=0)) for rows in draws]
interval = greedy_bleu.with_interval().interval
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.hist(resampled, bins=30, color=BLUE)
axes.axvline(greedy_bleu.score, color=INK, label="the score")
for end in (interval.low, interval.high):
    axes.axvline(end, color=ORANGE, linestyle="--")
axes.set_xlabel("BLEU of a resample; dashed: 95 % lie between")
axes.set_ylabel("resamples")
axes.legend(frameon=False, loc="upper left")
plt.show()
test_of_both = paired_bootstrap(by_penalty[1], greedy_bleu)
print(greedy_bleu.with_interval(), "\nbeams, then greedy:", test_of_both)
assert interval.low < greedy_bleu.score < interval.high
assert 1 < interval.high - interval.low < 15
assert 0 < test_of_both.p_value <= 1

# %% [markdown]
# *Picture: a hill of a thousand resampled scores around the score itself, an upright line. Two
# dashed lines, near 76 and 85, mark the interval.*
#
# An interval nine points wide: differences of half a point between two systems, which fill the
# tables of many papers, mean nothing on so small a test. Where two systems translated the *same*
# sentences, compare them resample by resample. What is hard is then hard for both, and cancels.
# That is the **paired bootstrap** of the last line: its $p$ says how often chance alone would make
# so large a difference. Here it is 0.38: beams (with $\alpha = 1$) and greedy cannot be told
# apart.
#
# ## chrF, shortly
#
# **chrF** counts n-grams of characters instead of words, up to six, and balances precision with
# **recall**: how much of the reference was found. With recall in it, no brevity penalty is needed.
# It forgives a wrong ending of a word where BLEU sees a wrong word, and it needs no tokenizer.
#
# $$F_\beta = 100\,\frac{(1 + \beta^2)\,P\,R}{\beta^2 P + R}$$
#
# $P$ is the precision and $R$, here, the recall; $\beta$ says how many times as much recall weighs.
# The usual choice is 2, hence the name chrF2.
#
# ### Exercise 7: `character_f_score` (medium, 10 minutes, 4 points)
#
# For two strings and one $n$ count the n-grams of characters, clipped as before. $P$ is the common
# ones over those of the hypothesis, $R$ over those of the reference. Give $F_\beta$, and 0 if there
# is nothing in common.


# %%
def character_f_score(hypothesis, reference, n, beta):
    ### BEGIN SOLUTION
    mine = Counter(hypothesis[i : i + n] for i in range(len(hypothesis) - n + 1))
    theirs = Counter(reference[i : i + n] for i in range(len(reference) - n + 1))
    common = (mine & theirs).total()
    if common == 0:
        return 0.0
    precision, recall = common / mine.total(), common / theirs.total()
    return 100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    ### END SOLUTION


# %%
check(character_f_score)

# %%
english_pair = ["he walks in the gardens"], [["he walked in the garden"]]
print(bleu(*english_pair), chrf(*english_pair))
print("right, other words:", chrf(others, [usual]), "  wrong by a hair:", chrf(wrong, [usual]))
assert bleu(*english_pair).score < 40 < chrf(*english_pair).score
assert chrf(wrong, [usual]).score > chrf(others, [usual]).score

# %% [markdown]
# Kinder to «walks» and «gardens», and as blind as BLEU to what is meant.
#
# ## What it looks at
#
# While a translator writes, its cross-attention says where it looks. We let it write the reference,
# as in training. Each row below is a character that is being written, each column a word of the
# source. In Chinese the month stands before the day.

# %%
place = next(i for i, text in enumerate(english) if text.startswith("One "))
read, written, weights = translator.cross_attention(english[place], usual[place])
seen = weights.mean(axis=(0, 1))  # (T, S), the mean of the layers and heads
below = "cross-attention, the mean of two heads"
display(SVG(attention_picture(seen, read, written, "Where it looks while writing", below)))
print(english[place], usual[place])
assert seen.shape == (len(written), len(read))
assert np.allclose(seen.sum(axis=-1), 1, atol=1e-5)

# %% [markdown]
# *Picture: a grid with the English words across the top and the Chinese characters down the side,
# the end token last. Dark squares show where each character looks: 三, which names the day, at
# Wednesday, 他 at he, 公 at park, 衣 at coat; but 月, the month, hardly at January, and several
# more at words that have nothing to do with them.*
#
# A pretty picture, and weak evidence. In the list above, the sentence of a Monday in January has
# its month right all the same. A weight says where the model looked, not what it took from there;
# and with one layer the encoder has already mixed each word with the others.
#
# ### An open question (12 minutes, for a teacher to read)
#
# A company reports: «Our new translator has a BLEU of 41.3, the old one 40.6; it is better.» Write
# the five questions that you would ask before you believe it, and say for each what answer would
# change your mind. Then propose one check that needs no BLEU at all.
#
# <details>
# <summary><em>For a teacher: the rubric, 6 points. It gives the answer.</em></summary>
#
# 1 for asking about the same test set, the same references and the same tokenizer (the signature);
# 1 for the interval or a paired test, and the size of the test set; 1 for whether test sentences
# stood in the training data, or whether systems were chosen by the test set; 1 for the number of
# references and their style (a system that imitates the style of one translator wins); 1 for what
# BLEU cannot see (negation, names, numbers, gender), with an example; 1 for a check without BLEU:
# people who compare blindly, or a list of sentences with one trap each, or questions about the text
# that are answered from the translation.
#
# </details>
#
# ## The full model
#
# What you saw was trained in seconds. In a terminal, `tinyllm course prepare translation` trains a
# full one, once, in about 8 minutes on two cores; the next cell then uses it.

# %%
full = prepared("translation")
if full is None:
    print("no full model here yet: tinyllm course prepare translation")
else:
    for text in english[:3]:
        print(text, full.write(text))

# %% [markdown]
# ## What to remember
#
# - BLEU: clipped precisions of 1 to 4 words, their geometric mean, and a penalty for brevity.
# - Sum over the corpus first, divide at the end. Never average sentences.
# - No BLEU without its tokenizer, its references and an interval.
# - Greedy takes the likeliest next token; beams look for the likeliest sentence, and need a rule
#   for lengths. Likelier is not always better.
# - All right can score 67, all wrong 84. BLEU counts what is shared, not what is meant.
#
# ## Where next
#
# Lesson 15 goes on from text to text, with other tasks. To see the full translator, run
# `tinyllm translate --train` in a terminal, and read `docs/translation.md` for its scores. The
# paper is Papineni et al. 2002, «BLEU: a method for automatic evaluation of machine translation»;
# Post 2018, [arXiv:1804.08771](https://arxiv.org/abs/1804.08771), tells how its numbers stopped
# comparing, and what ended it.
