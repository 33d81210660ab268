# %% [markdown]
# # 04 Preparing text: cleaning and tokenizing
#
# **You will be able to** clean a heap of texts and say what each step did; write characters in one
# way only; find sentences; train byte-pair encoding by hand; encode by its merges, and by
# WordPiece's longest pieces; say what becomes of a word that nobody has seen; and choose a
# vocabulary by numbers.
#
# **You need** lesson 01 (counting words, and why what was never seen is trouble).
# **Time:** about 45 minutes of reading, and 85 of exercises.
#
# ## Why
#
# A model never sees text. It sees numbers, each the place of a **token** in a list, the
# **vocabulary**. Somebody has decided what the tokens are, long before the first training step, and
# the model has to live with it: it cannot know that *run* and *running* have anything in common if
# they are tokens 4,211 and 17,093, nor spell a word that it gets whole.
#
# And before there are tokens there is dirt: menus of web pages, the same article forty times, one
# letter in two spellings. What goes in comes out. Preparing text has a bad name for being dull, but
# few hours of work change a model more.
#
# Two heaps of text serve us, and both are on your machine already: the stories of tinyworld, and
# the source of Python's own standard library, real English and real code, with all their mess.
#
# Letters: $V$ tokens in the vocabulary, $N$ tokens in a text.

# %%
import inspect
import unicodedata
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from tinyllm.course import check, hint, reveal
from tinyllm.data.standard_library import standard_library
from tinyllm.data.tinyworld import Grammar, World, stories
from tinyllm.text import (
    BPETokenizer,
    ByteTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
    clean,
)
from tinyllm.text.bpe_training import learn_merges
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, QUIET, dress

# %% [markdown]
# ## The idea in a picture
#
# Where do you cut? Here is one sentence, cut in four ways. The finer the pieces, the more of them
# there are, and the fewer different ones a vocabulary needs. (What byte-pair encoding is, and how
# it finds its cuts, is the heart of this lesson.)


# %%
def draw_pieces(axes, pieces, name):
    """Draw the pieces of a text as boxes, as wide as they have characters."""
    place = 0
    for number, piece in enumerate(pieces):
        face = ("#CFE3F1", "#F6DFCF")[number % 2]
        axes.add_patch(plt.Rectangle((place, 0), len(piece), 1, facecolor=face, edgecolor=PAPER))
        shown = piece.replace(" ", "·")
        axes.text(place + len(piece) / 2, 0.5, shown, ha="center", va="center", color=INK,
                  fontsize=8)  # fmt: skip
        place += len(piece)
    axes.set(xlim=(0, 40), ylim=(0, 1))
    axes.set_title(f"{name}: {len(pieces)} pieces", loc="left", color=INK, fontsize=10)
    axes.axis("off")


modules = standard_library(800_000)  # the text of some 80 Python modules
cut = len(modules) * 3 // 4
code, held_out = modules[:cut], modules[cut:]
tokenizer = BPETokenizer.train(code, vocab_size=1024)
sentence = "The tokenizer splits unbelievable words."
characters = list(sentence)
bpe = tokenizer.show(sentence).labels
ways = {
    "characters": characters,
    "byte-pair encoding, V = 1,024": bpe,
    "words": ["The", " tokenizer", " splits", " unbelievable", " words", "."],
    "sentences": [sentence],
}
figure, panels = plt.subplots(4, 1, figsize=(9, 3.4), layout="constrained", facecolor=PAPER)
for axes, (name, pieces) in zip(panels, ways.items(), strict=True):
    draw_pieces(axes, pieces, name)
plt.show()
assert "".join(bpe) == sentence
assert 15 < len(bpe) < 25 < len(characters) == 40

# %% [markdown]
# *Picture: one sentence in four rows of boxes. 40 characters, each a box; pieces of byte-pair
# encoding, about twenty, such as «he», «·to» and «able»; 6 words; 1 sentence. A dot stands for a
# blank.*
#
# Sentences would be the shortest, but nearly every sentence is new. Words are better, and still the
# new ones never end. Characters are never new, but there are many of them and each says little; a
# model would spend its strength on spelling. Byte-pair encoding lies between, and decides by
# counting: what comes often becomes one piece.
#
# ## Cleaning
#
# First the dirt. tinyllm's `Cleaner` is a row of steps, each a function from text to text, or to
# `None` for «throw it away». The report says what each step did, and shows examples, for a cleaning
# that nobody looks at is worse than none.

# %%
found = [
    "<p>Fay saw a cat.</p><script>track('visit')</script>",
    "Fay   saw\u00a0a cat.",
    "The cafe\u0301 was open\u200b all night &amp; day.",
    "Write to fay@example.org or see https://example.org/cats?id=7.",
    "Buy now! Buy now! Buy now! Buy now! Buy now! Buy now! Buy now! Buy now! Buy now! Buy now!",
    "",
]
cleaner = clean.Cleaner()
kept = list(cleaner(found))
print(cleaner.report)
assert kept == [
    "Fay saw a cat.",
    "The café was open all night & day.",
    "Write to <email> or see <url>.",
]

# %% [markdown]
# Follow the second document. Once the first has lost its HTML, they differ by two more blanks and a
# **no-break space**,
# which looks like a blank and is another character. Only when both are written in the same way does
# the last step see that they are one, and drop the second. Order matters: normalise first, compare
# later.
#
# ### One letter, two spellings
#
# Unicode knows «é» as one character, and also as an «e» followed by an accent that moves onto it.
# You cannot see the difference. A program sees two texts, of different length, and a vocabulary
# gets two words where there is one. **Normal forms** end this: NFC joins what can be joined, NFD
# takes apart. NFKC goes further and replaces what is merely similar, ² by 2 and «ﬁ» by «fi»; handy
# for searching, but a model trained on it will never again write x².

# %%
one, two = "caf\u00e9", "cafe\u0301"
print(one, two, one == two, len(one), len(two))
for form in ("NFC", "NFD", "NFKC"):
    print(form, [len(unicodedata.normalize(form, text)) for text in (one, two, "x² ﬁ")])
assert one != two
assert unicodedata.normalize("NFC", two) == one
assert unicodedata.normalize("NFKC", "x² ﬁ") == "x2 fi"

# %% [markdown]
# ### Exercise 1: `normalized_line` (easy, 6 minutes, 3 points)
#
# Write a line in form NFC, make each run of white space one blank, and leave none at its two ends.
# White space is more than the blank: tabs, line ends, no-break spaces.


# %%
def normalized_line(line):
    ### BEGIN SOLUTION
    return " ".join(unicodedata.normalize("NFC", line).split())
    ### END SOLUTION


# %%
check(normalized_line)

# %% [markdown]
# ### Has the model read the test?
#
# Lesson 01 measured models on held-out text. That is honest only if the held-out text really is
# new. On the web it often is not: an exercise, a song, a news item stands on a thousand pages. The
# usual test looks for **runs of words** that both texts have; for GPT-3 it was 13 words in a row.
#
# Does it matter how long the run is? Take the mini tinyworld: 1,000 stories to train on and 200
# held out, drawn independently, so nobody has cheated.
#
# ### Predict, then run (4 minutes)
#
# Which share of the 200 held-out stories has a run of **eight** words in common with the 1,000? Say
# a number from 0 to 1.

# %%
my_overlap = None
### BEGIN SOLUTION
my_overlap = 0.3
### END SOLUTION

# %%
lengths = [3, 5, 8, 10, 13, 16, 20]
shared = {}
for size in ("mini", "full"):
    grammar = Grammar(World(seed=0, size=size))
    told = [story.text for story in stories(grammar, 1000)]
    test = [story.text for story in stories(grammar, 200, split="validation")]
    shared[size] = [clean.overlap(told, test, n).share for n in lengths]
answer = shared["mini"][lengths.index(8)]
reveal("04", "held-out stories that share eight words", my_overlap, answer)

figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(lengths, shared["mini"], "o-", color=BLUE, label="mini: 200 different words")
axes.plot(lengths, shared["full"], "s-", color=ORANGE, label="full: 2,000 different words")
axes.set_ylim(0, 1.05)
axes.set_xlabel("words in a row")
axes.set_ylabel("held-out stories that share them")
axes.legend(frameon=False)
plt.show()
print(dict(zip(lengths, shared["mini"], strict=True)))
assert shared["mini"][1] == 1
assert 0.03 < shared["mini"][4] < 0.16
assert 0.25 < shared["full"][2] < 0.45
assert shared["full"][4] < 0.03

# %%
assert 0.7 < answer < 0.88

# %% [markdown]
# *Picture: share of held-out stories against the length of the run, two falling lines. In the mini
# world all stories share five words with the training text, 0.79 share eight, 0.09 share thirteen.
# In the full world 0.35 share eight and hardly any shares thirteen.*
#
# Eight words in common are no sign of cheating in a world with few words, where people say the same
# things in the same way; at 13 words the test begins to mean something. So there is no length that
# is right everywhere: look at what chance alone gives, then choose.
#
# ## Sentences
#
# Some tasks need sentences: translation, summaries, a model that should begin at a beginning. In
# English a sentence ends in a full stop, a question mark or an exclamation mark, but «Dr. Fay paid
# 3.50.» has three full stops and one end.
#
# ### Exercise 2: `split_sentences` (medium, 14 minutes, 5 points)
#
# Cut `text` into a list of sentences. A sentence ends at a word (what stands between white space)
# if its last character is one of `.!?`, it is not among the `abbreviations`, and the next word
# begins with a capital, or there is no next word. What is left at the end is a sentence too. Join
# the words of a sentence by one blank.


# %%
def split_sentences(text, abbreviations):
    ### BEGIN SOLUTION
    sentences, begun = [], []
    words = text.split()
    for word, following in zip(words, [*words[1:], "A"], strict=True):
        begun.append(word)
        if word[-1] in ".!?" and word not in abbreviations and following[0].isupper():
            sentences.append(" ".join(begun))
            begun = []
    if begun:
        sentences.append(" ".join(begun))
    return sentences
    ### END SOLUTION


# %%
check(split_sentences)

# %% [markdown]
# The rule errs, of course: «I met Dr. Fay Jr. Tom was there.» Counting helps here too, and real
# splitters learn from text which words come before a full stop that ends nothing.
#
# ## Words, and the words that nobody has seen
#
# Now tokens. The plainest vocabulary: all words of the training text. Let us take the words of
# three quarters of our Python modules, and read the last quarter with them.
#
# ### Predict, then run (4 minutes)
#
# The training modules have some 700,000 characters and 8,000 different words. What share of the
# words of the held-out modules is **not** among them? Count each word as often as it comes. Say a
# number from 0 to 1.

# %%
my_unknown = None
### BEGIN SOLUTION
my_unknown = 0.03
### END SOLUTION

# %%
counts = Counter(word for text in code for word in WordTokenizer.split(text))
asked = Counter(word for text in held_out for word in WordTokenizer.split(text))


def unknown(V):
    """The share of held-out words that are not among the V most frequent ones."""
    known = {word for word, _ in counts.most_common(V)}
    return sum(count for word, count in asked.items() if word not in known) / asked.total()


everything = unknown(len(counts))
reveal("04", "share of unknown words", my_unknown, everything)
once = np.mean([count == 1 for count in counts.values()])
print(f"{len(counts):,} different words, {once:.0%} of them come once")
print("the most frequent:", " ".join(word for word, _ in counts.most_common(20)))
assert 5_000 < len(counts) < 14_000
assert 0.25 < once < 0.55

# %%
assert 0.04 < everything < 0.2

# %%
figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained", facecolor=PAPER)
heights = sorted(counts.values(), reverse=True)
panels[0].plot(range(1, len(heights) + 1), heights, color=BLUE)
panels[0].set_xscale("log")
panels[0].set_yscale("log")
panels[0].set_xlabel("rank of the word")
panels[0].set_ylabel("how often it comes")
sizes = [100, 300, 1000, 3000, len(counts)]
shares = [unknown(V) for V in sizes]
panels[1].plot(sizes, shares, "o-", color=ORANGE)
panels[1].set_xscale("log")
panels[1].set_ylim(0, 0.45)
panels[1].set_xlabel("V, words in the vocabulary")
panels[1].set_ylabel("unknown, held out")
for axes in panels:
    dress(axes)
plt.show()
assert shares == sorted(shares, reverse=True)
assert 0.12 < shares[2] < 0.3
assert shares[3] - shares[4] < shares[0] - shares[1]

# %% [markdown]
# *Picture: left, how often a word comes against its rank, both on logarithmic scales: nearly a
# straight line from thousands down to 1. Right, the share of unknown words against the size of the
# vocabulary on a logarithmic scale: it falls from a third at 100 words to a tenth at all 8,000.*
#
# The line at the left is **Zipf's law**: the word of rank $r$ comes about $1/r$ as often as the
# first. So a few words make up most of a text, and more than a third of the different words come
# just once. A second text then has its own words that come once. That is why the curve at the right
# does not reach 0: with every word of the training text in it, the vocabulary still misses about
# one word in ten.
#
# What is to be done with those? `WordTokenizer` gives them all one token, `<unk>`, and what they
# were is lost. A model that reads `<unk>` cannot answer, and one that writes it says nothing.

# %%
words = WordTokenizer.train(code, vocab_size=1000)
line = "def tokenize(self, sentence):"
print(words.encode(line), "\n", words.decode(words.encode(line)))
assert words.unknown_id in words.encode(line)
assert not words.lossless

# %% [markdown]
# ## Byte-pair encoding, by hand
#
# The way out: let frequent words be one token, and build rare ones of parts. **Byte-pair encoding**
# finds the parts by the simplest rule that one could think of. Begin with single characters. Look
# for the pair of neighbours that comes most often, and make it one symbol. Again. And again.
#
# ### The smallest example
#
# A text has four different words: *low* 5 times, *lower* 2 times, *newest* 6 times, *widest* 3
# times. Take a pencil.
#
# 1. The pair (e, s) comes $6 + 3 = 9$ times, and so does (s, t). We take the first by the
#    alphabet: *es* becomes a symbol.
# 2. Now (es, t) comes 9 times. *est*.
# 3. (l, o) comes $5 + 2 = 7$ times, as does (o, w). *lo*.
# 4. (lo, w), 7 times. *low* is one symbol.
#
# After four merges *low* is one token, and *lowest*, which is not in the text, is two: low + est.
# Nobody told the machine of superlatives.

# %%
text = "low\n" * 5 + "lower\n" * 2 + "newest\n" * 6 + "widest\n" * 3
tiny = BPETokenizer.train([text], vocab_size=256 + 4)
merges = [tuple(pair) for pair in tiny.to_dict()["model"]["merges"]]
print(merges, tiny.show("lowest").labels)
assert merges == [("e", "s"), ("es", "t"), ("l", "o"), ("lo", "w")]
assert tiny.show("lowest").labels == ["low", "est"]

# %% [markdown]
# Three exercises make the whole of it. The words stand in a dict from a tuple of symbols to a
# count, such as `{("l", "o", "w"): 5, ...}`, so that each different word is looked at only once.
#
# ### Exercise 3: `most_frequent_pair` (medium, 10 minutes, 4 points)
#
# Give the pair of neighbours that comes most often in all words, counted with the words' counts.
# Among equals, the first in the order of tuples, which is Python's own `<`. If every word is a
# single symbol, give `None`.


# %%
def most_frequent_pair(words):
    ### BEGIN SOLUTION
    counts = {}
    for symbols, count in words.items():
        for pair in zip(symbols, symbols[1:], strict=False):
            counts[pair] = counts.get(pair, 0) + count
    return min(counts, key=lambda pair: (-counts[pair], pair)) if counts else None
    ### END SOLUTION


# %%
check(most_frequent_pair)

# %% [markdown]
# ### Exercise 4: `merge_pair` (medium, 10 minutes, 4 points)
#
# In the tuple `symbols`, put one symbol, the two joined, at each place where `pair` stands, from
# left to right, and give the new tuple. A symbol that has been merged is used up: (a, a, a) with
# (a, a) becomes (aa, a).


# %%
def merge_pair(symbols, pair):
    ### BEGIN SOLUTION
    merged, i = [], 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return tuple(merged)
    ### END SOLUTION


# %%
check(merge_pair)

# %% [markdown]
# ### Exercise 5: `learn_merges_by_hand` (hard, 12 minutes, 4 points)
#
# Learn `count` merges, with your two functions: find the pair, note it, merge it in every word,
# begin again. Give the list of pairs, in their order. Stop early where no pair is left. Leave the
# caller's dict as it is.


# %%
def learn_merges_by_hand(words, count):
    ### BEGIN SOLUTION
    merges = []
    for _ in range(count):
        pair = most_frequent_pair(words)
        if pair is None:
            break
        merges.append(pair)
        merged = {}
        for symbols, times in words.items():
            new = merge_pair(symbols, pair)
            merged[new] = merged.get(new, 0) + times
        words = merged
    return merges
    ### END SOLUTION


# %%
check(learn_merges_by_hand)

# %% [markdown]
# Your version counts everything anew after each merge. tinyllm's counts once, and then changes only
# what a merge touches; with 50,000 merges to learn it matters. Read the loop: it is yours, with a
# heap that keeps the most frequent pair on top.
#
# There are two more differences. It cuts the text into words by a pattern first, so that no token
# reaches across a blank, and the blank belongs to the word after it. And it begins with **bytes**:
# every text is bytes, there are 256 of them, and all are in the vocabulary. So nothing is ever
# unknown, neither «猫» nor a word from next year.

# %%
print(inspect.getsource(learn_merges).split("heapq.heapify(heap)")[1].split("found: dict")[0])
strange = "def fütter(猫): pass"
labels = tokenizer.show(strange).labels
print(labels)
assert tokenizer.decode(tokenizer.encode(strange)) == strange
assert tokenizer.lossless
assert {"<E7>", "<8C>", "<AB>"} <= set(labels)

# %% [markdown]
# «猫» takes three bytes in UTF-8 and so becomes three tokens: never seen, never lost, but dear.
#
# ### Exercise 6: find the bug (medium, 12 minutes, 4 points)
#
# A colleague encodes with the tokenizer of this lesson. The vocabulary is the right one, and what
# she decodes is right as well; no test has failed. But her model, trained on the ids of tinyllm,
# is unsure and clumsy when it reads hers. She takes the longest known piece from the left, because
# that must be the shortest way. The cell counts how many words she cuts otherwise.


# %%
def greedy_pieces(word, merges):
    known = {*word, *(left + right for left, right in merges)}
    pieces = []
    while word:
        length = len(word)
        while word[:length] not in known:
            length -= 1
        pieces.append(word[:length])
        word = word[length:]
    return tuple(pieces)


learnt = [tuple(pair) for pair in tokenizer.to_dict()["model"]["merges"]]
new = sorted(word for word in asked if word.isascii() and word.isalpha() and len(word) > 2)
compared = {}
for word in new[:: max(len(new) // 400, 1)]:
    compared[word] = tuple(tokenizer.show(word).labels), greedy_pieces(word, learnt)
other = {word: pair for word, pair in compared.items() if pair[0] != pair[1]}
for word, (right, hers) in list(other.items())[:6]:
    print(f"{word:16} {' '.join(right):24} {' '.join(hers)}")
print(f"{len(other)} of {len(compared)} words are cut otherwise")
more = sum(len(hers) > len(right) for right, hers in other.values())
fewer = sum(len(hers) < len(right) for right, hers in other.values())
assert 0.05 < len(other) / len(compared) < 0.6

# %%
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained", facecolor=PAPER)
dress(axes)
heights = [len(compared) - len(other), len(other) - more - fewer, more, fewer]
names = ["the same cuts", "others, as many", "others, more", "others, fewer"]
bars = axes.bar(names, heights, color=[BLUE, ORANGE, ORANGE, ORANGE])
axes.bar_label(bars, color=INK)
axes.set_ylabel("words")
plt.show()

# %% [markdown]
# *Picture: four bars. Most words are cut in the same way. The others, in orange, are cut in other
# places: most of them into as many pieces, some into more, a few into fewer.*
#
# Both ways are legal, and neither is always shorter. But a model has seen only the one. *Hers* are
# pieces in company in which they never stood. Write `encode_by_merges`, which cuts `word` as
# training did: begin with characters, and give the tuple of symbols. `merges` is the list of pairs
# in the order in which they were learnt.


# %%
def encode_by_merges(word, merges):
    ### BEGIN SOLUTION
    symbols = tuple(word)
    for pair in merges:
        symbols = merge_pair(symbols, pair)
    return symbols
    ### END SOLUTION


# %%
check(encode_by_merges)

# %% [markdown]
# ## WordPiece
#
# Longest-first is wrong for byte-pair encoding, but it is the rule of another tokenizer.
# **WordPiece**, which BERT made famous, keeps a set of pieces and forgets the merges. From the left
# it takes the longest piece that fits, and goes on behind it. A piece that goes on inside a word
# carries the mark `##`, so that *able* and *##able* are two tokens. Where no piece fits, the whole
# word becomes `[UNK]`.
#
# ### Exercise 7: `longest_pieces` (medium, 12 minutes, 5 points)
#
# Cut `word` by the set `vocabulary` and give the list of its pieces, marks included; `["[UNK]"]`
# where at some place no piece fits.


# %%
def longest_pieces(word, vocabulary):
    ### BEGIN SOLUTION
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = len(word)
        while end > start and mark + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return ["[UNK]"]
        pieces.append(mark + word[start:end])
        start = end
    return pieces
    ### END SOLUTION


# %%
check(longest_pieces)

# %%
piecewise = WordPieceTokenizer.train(told, vocab_size=1024)
ids = piecewise.encode("Yvonne photographed an unbelievable sparrow 猫.")
print(*[piecewise.tokens[i] for i in ids])
print(piecewise.decode(ids))
assert piecewise.unknown_id in ids
assert "yvonne" in piecewise.decode(ids)
print(inspect.getsource(WordPieceTokenizer.encode_word))

# %% [markdown]
# See what is gone: the capital, and the cat. BERT's tokenizer makes all letters small unless told
# otherwise. For finding things that is a help; for writing it is a loss, and *Rose* and *rose* are
# one.
#
# ## What compression says
#
# How large should $V$ be? A tokenizer is a compressor: it turns characters into fewer tokens. We
# measure characters per token, on held-out text: more is shorter. Two tokenizers, one trained on
# Python code and one on tinyworld's stories, each on both kinds of text.

# %%
held_out_stories = test  # of the full world
vocabularies = [256, 300, 512, 1024, 2048, 4096]
lines = {}
for source, texts in (("code", code), ("stories", told)):
    trained = [BPETokenizer.train(texts, V) for V in vocabularies]
    for target, read in (("code", held_out), ("stories", held_out_stories)):
        length = sum(map(len, read))
        tokens = [sum(len(t.encode(text)) for text in read) for t in trained]
        lines[source, target] = [length / n for n in tokens]

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
for (source, target), numbers in lines.items():
    colour, style = (BLUE if target == "code" else ORANGE), ("o-" if source == target else "^:")
    label = f"{target}, read by a tokenizer of {source}"
    axes.plot(vocabularies, numbers, style, color=colour, label=label)
axes.set_xscale("log", base=2)
axes.set_xticks(vocabularies, [f"{V:,}" for V in vocabularies])
axes.set_xlabel("V, tokens in the vocabulary")
axes.set_ylabel("characters per token")
axes.legend(frameon=False)
plt.show()
for pair, numbers in lines.items():
    print(pair, np.round(numbers, 2))
assert all(abs(numbers[0] - 1) < 1e-3 for numbers in lines.values())
assert 2.2 < lines["code", "code"][3] < 2.9
assert lines["stories", "stories"][3] > 1.4 * lines["code", "stories"][3]
assert lines["code", "code"][3] > 1.4 * lines["stories", "code"][3]

# %% [markdown]
# *Picture: characters per token against the size of the vocabulary. All lines start at 1 with the
# 256 bytes. Those of a tokenizer that reads what it was trained on rise steeply, to about 2.5 for
# code and 3 for stories at 1,024; those of a tokenizer that reads the other kind stay below, near
# 1.4 and 1.9.*
#
# Read three things from it.
#
# 1. **It levels off.** The first few hundred merges shorten a text by half; each further doubling
#    of $V$ gains less, for what is left to merge is rare.
# 2. **It belongs to its text.** The stories' tokenizer cuts code almost into characters. A language
#    that is rare in the training text is cut small, too: its speakers pay more tokens for the same
#    sentence, and less of it fits into a context.
# 3. **$V$ has a price of its own.** A model keeps a vector for each token, and works out $V$ shares
#    at each step. With a width of 64, a vocabulary of 4,096 takes 262,144 numbers for its vectors,
#    more than five layers of a Transformer of that width, which have some 50,000 each.
#
# A short text is not a better text. Perplexities per token do not compare between tokenizers, since
# the better compressor has the harder guesses; lesson 10 shows the unit in which they do, bits per
# byte.

# %%
print("vectors of 4,096 tokens at a width of 64:", f"{4096 * 64:,}")
assert 4096 * 64 == 262_144 > 5 * 50_000
samples = {
    "English": "The cat sleeps in the garden.",
    "German": "Die Katze schläft im Garten.",
    "Greek": "Η γάτα κοιμάται στον κήπο.",
    "Chinese": "猫在花园里睡觉。",
}
paid = [len(tokenizer.encode(text)) for text in samples.values()]
as_bytes = [len(ByteTokenizer().encode(text)) for text in samples.values()]
figure, axes = plt.subplots(figsize=(6.5, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
places = np.arange(4)
axes.bar(places - 0.2, as_bytes, width=0.38, color=QUIET, label="bytes")
bars = axes.bar(places + 0.2, paid, width=0.38, color=GREEN, label="tokens")
axes.bar_label(bars, color=INK)
axes.set_xticks(places, list(samples))
axes.legend(frameon=False, loc="upper left")
plt.show()
print(dict(zip(samples, paid, strict=True)))
assert paid[0] < paid[1] < paid[3] < paid[2]
assert paid[2] > 2.5 * paid[0]

# %% [markdown]
# *Picture: the same sentence in four languages, in bytes and in tokens of the tokenizer that was
# trained on English code. English has the fewest tokens, German more; Greek and Chinese have about
# as many tokens as bytes.*
#
# ## Special tokens
#
# Some tokens are no text: where a document ends, who is speaking, what is padding. They get ids of
# their own, and a tokenizer finds them before it cuts anything.

# %%
marked = BPETokenizer.train(code, 512, special_tokens=["<|end|>", "<|user|>", "<|assistant|>"])
ids = marked.encode("<|user|>Is it Monday?<|end|>")
print(ids, marked.special_tokens)
print(repr(marked.decode(ids)), repr(marked.decode(ids, skip_special_tokens=True)))
assert ids[0] == 1
assert ids[-1] == 0
assert marked.decode(ids, skip_special_tokens=True) == "Is it Monday?"

typed = "I like the word <|end|> very much."  # by a user, who may write anything
print("ids of the special tokens in it:", [i for i in marked.encode(typed) if i < 3])
assert 0 in marked.encode(typed)

# %% [markdown]
# Here is a trap. A user types the characters of a special token, and the encoder makes the token of
# them: the user has ended the conversation, or speaks in the assistant's name. A program that
# builds a conversation must encode what comes from outside **without** special tokens, and put the
# real ids in between by itself. It is the same mistake as pasting a user's words into a database
# query.
#
# ### An open question (10 minutes, for a teacher to read)
#
# You are to choose a tokenizer for a model that reads and writes the news of a small country, in
# its own language and in English. You have 10 GB of English text and 100 MB in the language of the
# country. What would you train the tokenizer on, how would you choose $V$, and which numbers would
# you show to a colleague who doubts your choice?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for seeing that training on all the text as it is gives nearly all merges to English; 1 for a
# mend, such as weighting or sampling the small language up, or two vocabularies joined; 1 for
# measuring characters (or bytes, or words) per token for **each** language on held-out text; 1 for
# the cost of $V$ against the length of the text, or for bytes as a ground below, so that nothing is
# unknown.
#
# </details>
#
# ## What to remember
#
# - Look at the text. Normalise first, compare later, and read the cleaner's report.
# - Whether held-out text is new is a question with a number: runs of words in common.
# - Words never end: a vocabulary of words misses one in ten. Parts of words miss none.
# - Byte-pair encoding: the most frequent pair becomes one, again and again. Encode in the order of
#   learning.
# - WordPiece: the longest piece from the left, `##` inside a word, `[UNK]` if nothing fits.
# - A tokenizer is a compressor of what it was trained on, and only of that.
#
# ## Where next
#
# Lesson 05 puts labels on words, and lesson 06 gives each token its vector. In the package, read
# `tinyllm/text/bpe_training.py` and `tinyllm/text/clean/`. And read Sennrich, Haddow and Birch
# 2016, [arXiv:1508.07909](https://arxiv.org/abs/1508.07909), the paper that brought byte-pair
# encoding from file compression to language models.
