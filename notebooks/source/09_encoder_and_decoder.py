# %% [markdown]
# # 09 Encoder and decoder
#
# **You will be able to** say which of three attentions looks at what, and give the shape of each;
# hide padding, and the future, and nothing else; make the inputs and labels of a batch; find out
# why a widely printed encoder-decoder works only where source and target are equally long, and
# not always there; and count what such a model weighs.
#
# **You need** lesson 07 (attention and its masks) and lesson 08 (the Transformer block).
# **Time:** about 45 minutes of reading, and 105 of exercises.
#
# ## Why
#
# «He has a white cat» has five words; its Chinese 他有一只白猫 has six characters, and the
# third and fourth of them, 一只, say together what «a» says alone. A translator cannot go word by
# word. It has to read the whole sentence first, and then write another one, of another length and
# in another order, looking back at what it has read.
#
# So the first Transformer had two halves. The **encoder** reads the source. Nothing is hidden from
# it: every position sees every other, before and after. The **decoder** writes the target, one
# token after the other. It may look at what it has written so far, never at what is still to come;
# and it may look at all that the encoder made of the source. This last look, from one sentence
# into another, is **cross-attention**.
#
# Most of what goes wrong with such models goes wrong in their masks. There are three attentions,
# two kinds of things to hide and two lengths, and the code often runs with the wrong mask as well
# as with the right one. This lesson is about telling them apart.
#
# Letters: $B$ pairs in a batch, $S$ source positions, $T$ target positions, $C$ the width of the
# model, $D$ that of a head, $H$ heads, $V$ tokens in the vocabulary.

# %%
import inspect
import textwrap

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm import nn
from tinyllm.course import check, hint, reveal
from tinyllm.data.translation import PairBatches
from tinyllm.generation import beam_search, inference
from tinyllm.models import Seq2Seq, Seq2SeqConfig
from tinyllm.nn import functional as F
from tinyllm.optim import AdamW
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, QUIET, dress

rng = np.random.default_rng(9)

# %% [markdown]
# ## The idea in a picture
#
# Think of a translator with two sheets of paper. On the left lies the source. She has read it, and
# her eye may rest on any word of it. On the right grows the target; she sees what she has written,
# and below it white paper. The filling at the end of a short sentence, which is there only because
# a batch is a rectangle, is not to be read at all.
#
# Here are the three attentions for a source of four words, filled up to five places, and a target
# of three. Who looks is a row, what is looked at is a column.

# %%
S, T = 5, 3
real = np.array([True, True, True, True, False])  # (S,): the last place is padding
looks = {
    "encoder (S, S)": np.ones((S, 1), dtype=bool) & real,
    "decoder (T, T)": np.tri(T, dtype=bool),
    "cross (T, S)": np.ones((T, 1), dtype=bool) & real,
}
axes_names = (("source", "source"), ("target", "target"), ("source", "target"))
figure, panels = plt.subplots(1, 3, figsize=(8.5, 2.9), layout="constrained", facecolor=PAPER)
for axes, (name, mask), (columns, rows) in zip(panels, looks.items(), axes_names, strict=True):
    axes.imshow(np.where(mask, 1.0, 0.12), cmap="Blues", vmin=0, vmax=1.4)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
    axes.set_xlabel(f"{columns}: looked at")
    axes.set_ylabel(f"{rows}: looks")
    axes.set_xticks(np.arange(mask.shape[1]))
    axes.set_yticks(np.arange(mask.shape[0]))
    axes.set_xticks(np.arange(mask.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(mask.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=PAPER, linewidth=2)
    axes.tick_params(which="minor", length=0)
plt.show()
assert [int(mask.sum()) for mask in looks.values()] == [20, 6, 12]

# %% [markdown]
# *Picture: three grids, dark where looking is allowed. Encoder, 5 by 5: all dark but the last
# column, the padding. Decoder, 3 by 3: dark on the diagonal and below it. Cross, 3 by 5: all dark
# but the last column.*
#
# Two of the grids are square because one sentence looks at itself. The third is not. If you keep
# one thing of this lesson, let it be that third shape, $(T, S)$.
#
# ## The smallest numeric example
#
# Two target positions look at three source positions. All vectors are one number wide, so
# $\sqrt{D} = 1$ and nothing is to be divided. The queries are 1 and -1, the keys $0, \log 2, 0$,
# the values $8, 20, 40$.
#
# 1. **Scores**, query times key: $(0, \log 2, 0)$ and $(0, -\log 2, 0)$. Two rows, three columns.
# 2. **Shares.** The exponentials are $(1, 2, 1)$ and $(1, \tfrac12, 1)$; divided by their sums:
#    $(\tfrac14, \tfrac12, \tfrac14)$ and $(0.4, 0.2, 0.4)$.
# 3. **Mixtures.** $2 + 10 + 10 = 22$ and $3.2 + 4 + 16 = 23.2$.
#
# Now let source position 2 be padding. Its scores become $-\infty$ **for both queries**: a column
# goes. The shares are $(\tfrac13, \tfrac23)$ and $(\tfrac23, \tfrac13)$, the mixtures 16 and 12.
# The value 40 has left no trace, as it should.

# %%
q = tinyllm.tensor([[1.0], [-1.0]])  # (T, D) = (2, 1)
k = tinyllm.tensor([[0.0], [np.log(2.0)], [0.0]])  # (S, D) = (3, 1)
v = tinyllm.tensor([[8.0], [20.0], [40.0]])  # (S, D)
may_look = tinyllm.tensor([[True, True, False]])  # (1, S): the same columns for every query
whole = F.scaled_dot_product_attention(q, k, v)  # (T, D)
without_last = F.scaled_dot_product_attention(q, k, v, may_look)
print("all three:", whole.numpy().ravel(), "  the last hidden:", without_last.numpy().ravel())
assert np.allclose(whole.numpy().ravel(), [22.0, 23.2], atol=1e-4)
assert np.allclose(without_last.numpy().ravel(), [16.0, 12.0], atol=1e-4)

# %% [markdown]
# ### Exercise 1: `cross_attention` (medium, 15 minutes, 6 points)
#
# Write cross-attention with one head. `x` $(B, T, C)$ is what the decoder has so far, `memory`
# $(B, S, C)$ what the encoder made of the source, `padding` $(B, S)$ is True where the source is
# padding. The three weights are $(C, D)$; the result is $(B, T, D)$. You may copy your `my_softmax`
# of lesson 07 into the cell.


# %%
def cross_attention(x, memory, padding, w_q, w_k, w_v):
    ### BEGIN SOLUTION
    q = x @ w_q  # (B, T, D)
    k = memory @ w_k  # (B, S, D)
    v = memory @ w_v  # (B, S, D)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (B, T, S)
    scores = np.where(padding[:, None, :], -np.inf, scores)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return weights @ v  # (B, T, D)
    ### END SOLUTION


# %%
check(cross_attention)

# %% [markdown]
# ## Who influences whom
#
# A mask says what may be looked at. What it achieves can be measured without opening the model:
# change one token that goes in, and see which outputs move. tinyllm's `Seq2Seq` is such a model,
# with embeddings, positions, both stacks and an output layer. This one has learnt nothing yet, and
# need not have: masks hold from the first step.

# %%
tinyllm.manual_seed(0)
sizes = {"encoder_layers": 1, "decoder_layers": 1, "heads": 1, "width": 32, "hidden_width": 64}
sizes |= {"context_length": 20, "dropout": 0.0, "label_smoothing": 0.0, "positions": "learned"}
untrained = Seq2Seq(Seq2SeqConfig(vocab_size=11, **sizes))
source = np.array([[3, 4, 5, 6, 0, 0]])  # (B, S): four words, two places of padding
given = np.array([[1, 6, 5, 4, 3]])  # (B, T): the start token, 1, and four words
padding = np.array([[False, False, False, False, True, True]])  # (B, S)


def logits_of(source, given):
    with inference(untrained):
        return untrained(*map(tinyllm.tensor, (source, given, padding))).numpy()[0]  # (T, V)


def influence(place, ids):
    """How far each output moves when one token of `ids` is replaced: (places, T)."""
    moved = []
    for position in range(ids.shape[1]):
        other = ids.copy()
        other[0, position] = 9
        changed = {"source": source, "given": given} | {place: other}
        moved.append(np.abs(logits_of(**changed) - logits_of(source, given)).max(axis=-1))
    return np.array(moved)


by_source, by_given = influence("source", source).T, influence("given", given).T  # (T, S), (T, T)

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 3.1), layout="constrained", facecolor=PAPER)
for axes, moved, name in zip(panels, (by_source, by_given), ("source", "target"), strict=True):
    axes.imshow(moved, cmap="viridis", vmin=0)
    for (row, column), number in np.ndenumerate(moved):
        colour = INK if number > moved.max() / 2 else PAPER
        text = f"{number:.2f}" if number else "0"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xlabel(f"{name} token that is changed")
    axes.set_ylabel("output that moves")
plt.show()
assert (by_source[:, :4] > 0).all()
assert (by_source[:, 4:] == 0).all()
assert (by_given[np.triu_indices(5, 1)] == 0).all()
assert (by_given[np.tri(5, dtype=bool)] > 0).all()

# %% [markdown]
# *Picture: two grids of numbers, how far each output moves. Left, source tokens: the four columns
# of words have numbers in every row, the two columns of padding are 0. Right, target tokens: a
# triangle of numbers on the diagonal and below it, and 0 above.*
#
# The zeros are exact. Change a word of the source, and all outputs move, the first one too: the
# source has been read before the first word is written. Change the padding, and nothing moves.
# Change a word of the target, and only its own output and the later ones move. A test like this
# takes ten lines, works for any model, and finds nearly every bug of this lesson.
#
# ### Exercise 2: `padding_from_lengths` (easy, 6 minutes, 2 points)
#
# Masks of padding come from lengths. From `lengths` $(B)$ and the width `S` give
# $(B, S)$, True where there is padding.


# %%
def padding_from_lengths(lengths, S):
    ### BEGIN SOLUTION
    return np.arange(S) >= lengths[:, None]
    ### END SOLUTION


# %%
check(padding_from_lengths)

# %% [markdown]
# ### Exercise 3: `three_masks` (medium, 16 minutes, 6 points)
#
# From the padding of both sides, True where there is padding, make all three masks for a batch.
# True means «may look» in them.
# Padding is hidden wherever it is looked at, the target's in the decoder too.
# Return a dict with the keys `"encoder"` $(B, S, S)$, `"decoder"`
# $(B, T, T)$ and `"cross"` $(B, T, S)$.


# %%
def three_masks(source_padding, target_padding):
    ### BEGIN SOLUTION
    S, T = source_padding.shape[1], target_padding.shape[1]
    real_source = ~source_padding[:, None, :]  # (B, 1, S)
    real_target = ~target_padding[:, None, :]  # (B, 1, T)
    return {
        "encoder": np.ones((S, 1), dtype=bool) & real_source,
        "decoder": np.tri(T, dtype=bool) & real_target,
        "cross": np.ones((T, 1), dtype=bool) & real_source,
    }
    ### END SOLUTION


# %%
check(three_masks)

# %% [markdown]
# ## What padding does when nobody hides it
#
# A batch is a rectangle, so a short sentence is translated differently from company to company,
# unless its padding is hidden. Differently by how much? We take one source of four words, fill it
# up further and further, and compare the outputs with those of the sentence alone.

# %%
alone = tinyllm.tensor(source[:, :4])  # (1, 4)
target = tinyllm.tensor(given)  # (1, T)
widths = range(4, 13)
moved = {"hidden": [], "not hidden": []}
with inference(untrained):
    expected = untrained(alone, target).numpy()  # (1, T, V)
    for S in widths:
        filled = np.zeros((1, S), dtype=np.int64)
        filled[:, :4] = source[:, :4]
        padding_mask = tinyllm.tensor(np.arange(S)[None] >= 4)  # (1, S)
        for name, mask in (("hidden", padding_mask), ("not hidden", None)):
            found = untrained(tinyllm.tensor(filled), target, mask).numpy()
            moved[name].append(float(np.abs(found - expected).max()))
figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(widths, moved["not hidden"], "o-", color=ORANGE, label="padding not hidden")
axes.plot(widths, moved["hidden"], "s-", color=BLUE, label="padding hidden")
axes.set_xlabel("S, the width to which a source of four words is filled up")
axes.set_ylabel("outputs moved by")
axes.legend(frameon=False)
plt.show()
assert max(moved["hidden"]) < 1e-5
assert min(moved["not hidden"][1:]) > 0.05

# %% [markdown]
# *Picture: how far the outputs move against the width of the batch. With the padding hidden the
# line stays at 0. Without it, it jumps up at the first place of padding and stays up.*
#
# One place of padding is enough. And it is no help that a trained model «will learn to ignore it»:
# it will learn to live with the padding of its training batches, and meet other padding when it is
# used.
#
# ### Three polarities
#
# A mask is a yes or a no, and libraries do not agree on which is which. All three of these are in
# PyTorch, and in tinyllm, which follows it:
#
# | where | what | means |
# |---|---|---|
# | `scaled_dot_product_attention` | bool | True: may look |
# | `nn.MultiheadAttention`, `nn.Transformer` | bool | True: may **not** look |
# | both | numbers | added to the scores: 0 may look, $-\infty$ may not |
#
# The safest habit is a name that says it. A variable called `mask` says nothing; `may_look`,
# `hidden` and `padding` do.
#
# ### Exercise 4: `additive_mask` (medium, 10 minutes, 4 points)
#
# Join two masks into one of numbers. `hidden` $(T, S)$ holds for every pair of the batch, `padding`
# $(B, S)$ for every query; in both True means «may not be looked at». Return $(B, 1, T, S)$, ready
# to be added to the scores of any number of heads.


# %%
def additive_mask(hidden, padding):
    ### BEGIN SOLUTION
    blocked = hidden | padding[:, None, None, :]  # (B, 1, T, S)
    return np.where(blocked, -np.inf, 0.0)
    ### END SOLUTION


# %%
check(additive_mask)

# %% [markdown]
# ## What goes in, and what is asked
#
# When the decoder is trained, the whole target is known, and all its positions are taught at once.
# Position $t$ is **given** token $t - 1$ and **asked** for token $t$. Before the first token stands
# a start token, `<s>`; after the last an end token, `</s>`, which the model must learn to say, or
# it would never stop.
#
# | position | 0 | 1 | 2 |
# |---|---|---|---|
# | given | `<s>` | 白 | 猫 |
# | asked | 白 | 猫 | `</s>` |
#
# What is given is always the *right* token, even where the model would have said another. This is
# **teacher forcing**, as a music teacher sings the right note after each wrong one. Its gain is
# speed: no position has to wait for the one before, and $T$ lessons are learnt in one pass. Its
# price: the model never practises going on after a mistake of its own. When it translates for
# real there is no teacher, and its own tokens go in.
#
# The padding of a target is on the safe side here. It stands at the end, no position looks ahead,
# so no word ever sees it; and as a label it becomes -100, which the loss leaves out. That is why
# `Seq2Seq.loss` takes no mask for it: the causal mask hides it already.
#
# ### Exercise 5: `teacher_forced_batch` (medium, 14 minutes, 5 points)
#
# `ids` $(B, T)$ holds a target in each row, without start and end, filled up with `pad`. Return the
# pair `decoder_input` and `labels`, both $(B, T + 1)$. The padding stays padding in the first, and
# becomes -100 in the second.


# %%
def teacher_forced_batch(ids, pad, start, end):
    ### BEGIN SOLUTION
    B, T = ids.shape
    decoder_input = np.full((B, T + 1), pad)
    decoder_input[:, 0] = start
    decoder_input[:, 1:] = ids
    labels = np.full((B, T + 1), -100)
    labels[:, :T] = np.where(ids == pad, -100, ids)
    labels[np.arange(B), (ids != pad).sum(axis=1)] = end
    return decoder_input, labels
    ### END SOLUTION


# %%
check(teacher_forced_batch)

# %% [markdown]
# ## The model that textbooks print
#
# Chapters on the Transformer like to end with an encoder-decoder of ten lines or so, made of
# PyTorch's two stacks. It has a `forward` with four arguments, source, target and a mask for each,
# and its heart is the two lines below. Here they are with tinyllm's stacks, which have PyTorch's
# names; with `import torch.nn as nn` the class is the same.


# %%
class TwoStacks(nn.Module):
    """Reads vectors (B, S, C), writes vectors (B, T, C)."""

    def __init__(self, width, heads, layers, hidden):
        super().__init__()
        sizes = (width, heads, hidden, 0.0)  # no dropout
        one = nn.TransformerEncoderLayer(*sizes, batch_first=True)
        other = nn.TransformerDecoderLayer(*sizes, batch_first=True)
        self.encoder = nn.TransformerEncoder(one, layers)
        self.decoder = nn.TransformerDecoder(other, layers)

    def forward(self, source, target, source_mask, target_mask):
        memory = self.encoder(source, source_mask)
        return self.decoder(target, memory, target_mask, source_mask)


# %% [markdown]
# Read it with this lesson's eyes. Some things are only **missing**: there are no embeddings, no
# positions and no output layer, so it maps vectors to vectors and is no translator yet. There is no
# argument for padding. And by default PyTorch's stacks want $(S, B, C)$, the length first, which
# the usual data do not have; hence `batch_first=True` here.
#
# One thing is **wrong**. Which argument of the decoder is the last one? Its `forward` says it.

# %%
print(list(inspect.signature(nn.TransformerDecoder.forward).parameters)[1:5])
assert list(inspect.signature(nn.TransformerDecoder.forward).parameters)[4] == "memory_mask"

# %% [markdown]
# `memory_mask` is the mask of the cross-attention, $(T, S)$. What it is given is the source's mask,
# $(S, S)$. Where the two lengths differ, this cannot work, and tinyllm says why.

# %%
stacks = TwoStacks(width=8, heads=2, layers=1, hidden=16)
vectors = {length: tinyllm.randn(1, length, 8) for length in (5, 7)}
causal = {n: nn.Transformer.generate_square_subsequent_mask(n) for n in (5, 7)}
same = stacks(vectors[7], vectors[7], causal[7], causal[7])
print("7 and 7:", tuple(same.shape))
try:
    stacks(vectors[7], vectors[5], causal[7], causal[5])
except ValueError as error:
    print(textwrap.fill(f"7 and 5: {error}", 88))
    refused = str(error)
assert same.shape == (1, 7, 8)
assert "equally long" in refused

# %% [markdown]
# So far it is a nuisance: a crash is a kind bug. But look at the other line. With 7 and 7 it
# *runs*. Is it right then?
#
# ## An experiment: equally long
#
# Take a task in which both sides are always equally long: seven symbols out of eleven go in, and
# the same seven come out, either in the same order (**copy**) or the other way round
# (**reverse**). The model gets what it lacks, embeddings, positions and an output layer, and a
# causal mask for each side, «to be safe». So the cross-attention gets the causal mask of the
# source: target position $t$ sees source positions $0 \ldots t$.
#
# It could come out well. A layer of the encoder may carry what comes late to where it is needed;
# the decoder sees the right tokens so far; and a model with 22,000 numbers has learnt harder
# things than this. We train it twice, on each task once, with the very same code.

# %%
SYMBOLS, LENGTH, WIDTH, BEGIN = 11, 7, 32, 11


class Printed(nn.Module):
    """TwoStacks with embeddings, positions and an output layer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS + 1, WIDTH)  # the last one begins a target
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.stacks = TwoStacks(WIDTH, heads=4, layers=1, hidden=64)
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, source, given, source_mask):
        """Source (B, 7) and what is given (B, 7) -> logits (B, 7, V)."""
        x, y = (self.embedding(ids) + self.places.weight for ids in (source, given))
        return self.head(self.stacks(x, y, source_mask, causal[LENGTH]))


def examples(count, target_of, draw):
    source = draw.integers(0, SYMBOLS, (count, LENGTH))  # (B, 7)
    target = target_of(source)  # (B, 7)
    given = np.concatenate([np.full((count, 1), BEGIN), target[:, :-1]], axis=1)
    return [tinyllm.tensor(np.ascontiguousarray(ids)) for ids in (source, given, target)]


# %%
def learn(target_of, source_mask, steps=130):
    """Train, and return the losses and the share of right symbols at each position (7,)."""
    tinyllm.manual_seed(0)
    draw = np.random.default_rng(0)
    model = Printed()
    optimizer = AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(steps):
        source, given, target = examples(32, target_of, draw)
        logits = model(source, given, source_mask)  # (B, 7, V)
        loss = F.cross_entropy(logits.view(-1, SYMBOLS), target.view(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    source, given, target = examples(1000, target_of, draw)
    with inference(model):
        said = model(source, given, source_mask).numpy().argmax(axis=-1)  # (B, 7)
    return losses, (said == target.numpy()).mean(axis=0)


def backwards(ids):
    return ids[:, ::-1]


copied, copied_right = learn(lambda ids: ids, causal[LENGTH])
count = sum(parameter.numel() for parameter in Printed().parameters())
print(count, "numbers; copy: right at each position", copied_right.round(2))
assert 22_000 < count < 23_000
assert copied_right.min() > 0.98

# %% [markdown]
# Copying works: the borrowed mask does no harm. Now reverse.
#
# ### Predict, then run (6 minutes)
#
# Target position $t$ is source position $6 - t$, and sees source positions $0 \ldots t$ alone,
# beside the right target tokens so far. What share of all symbols will be right after the training,
# in the mean over the seven positions? (Guessing alone gives $1/11 = 0.09$.) A pencil and the three
# grids at the top are all that you need.

# %%
my_prediction = None
### BEGIN SOLUTION
my_prediction = (4 + 3 / 11) / 7
### END SOLUTION

# %%
turned, turned_right = learn(backwards, causal[LENGTH])
mended, mended_right = learn(backwards, None)
answer = float(turned_right.mean())
reveal("09", "share of right symbols, reversed", my_prediction, answer)

# %%
floor = 3 / 7 * np.log(SYMBOLS)
figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained", facecolor=PAPER)
for axes in panels:
    dress(axes)
panels[0].axhline(floor, color=QUIET, linestyle=":", label="3/7 of log 11")
for losses, colour, name in (
    (copied, GREEN, "copy, borrowed mask"),
    (turned, ORANGE, "reverse, borrowed mask"),
    (mended, BLUE, "reverse, no mask"),
):
    panels[0].plot(losses, color=colour, label=name, linewidth=1.2)
panels[0].set_xlabel("step")
panels[0].set_ylabel("loss, nats")
panels[0].legend(frameon=False, fontsize=9)
panels[1].bar(np.arange(7) - 0.2, turned_right, 0.4, color=ORANGE)
panels[1].bar(np.arange(7) + 0.2, mended_right, 0.4, color=BLUE)
panels[1].set_xlabel("target position")
panels[1].set_ylabel("share right, reverse")
plt.show()
print("loss", np.mean(turned[-20:]).round(3), "floor", floor.round(3), "right", turned_right)
assert abs(floor - 1.028) < 1e-3
assert floor - 0.03 < np.mean(turned[-20:]) < floor + 0.08
assert 0.58 < answer < 0.64
assert turned_right[:3].max() < 0.16
assert turned_right[3:].min() > 0.98
assert mended_right.min() > 0.98

# %% [markdown]
# *Picture: left, three loss curves. Copy and reverse without a mask fall almost to 0; reverse with
# the borrowed mask falls to the dotted line at 1.03 and stays there. Right, the share of right
# symbols at each target position: with the borrowed mask about 0.09 at positions 0, 1 and 2, and 1
# from position 3 on; without a mask 1 everywhere.*
#
# The numbers are those of the pencil. At positions 0, 1 and 2 the symbol that is asked stands at
# source positions 6, 5 and 4, which are out of sight, and nothing before them tells of it: symbols
# are drawn independently. There the model guesses, and pays $\log 11$ nats each time. From
# position 3 on it sees what it needs. In the mean $(4 + 3/11)/7 = 0.61$ are right, and no training
# will bring the loss below $\tfrac37 \log 11 = 1.03$.
#
# Nothing crashed, nothing warned, and the copy task, which everyone tries first, was perfect. So
# «equally long» is only where the bug is silent. It is harmless where both masks happen to be
# `None`, or where the task reads its source in its own order. In a translation the word that you
# need may stand anywhere.
#
# ### Exercise 6: find the bug (hard, 15 minutes, 5 points)
#
# Here is the printed model without its weights, in NumPy. The bug is in it, and padding is not
# thought of. Write `read_and_write` without the bug. It has one argument more, `source_padding`
# $(B, S)$, True where the source is padding, which nobody may look at. The two masks are $(S, S)$
# and $(T, T)$, True = may look. The rest is as it was, and source and target may have any lengths.


# %%
def attend(x, y, may_look):
    """x (B, T, C) looks at y (B, S, C); may_look broadcasts to (B, T, S)."""
    scores = x @ y.swapaxes(-1, -2) / np.sqrt(x.shape[-1])
    scores = np.where(may_look, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ y


def borrowed_masks(source, target, source_mask, target_mask):
    memory = attend(source, source, source_mask)
    x = attend(target, target, target_mask)
    return attend(x, memory, source_mask)


one, two = rng.normal(size=(1, 4, 3)), rng.normal(size=(1, 4, 3))  # (B, S, C), (B, T, C)
other = one.copy()
other[0, 3] += 1.0  # the last source vector
seen = borrowed_masks(one, two, np.tri(4, dtype=bool), np.tri(4, dtype=bool))
changed = borrowed_masks(other, two, np.tri(4, dtype=bool), np.tri(4, dtype=bool))
moved = np.abs(changed - seen).max(axis=-1)[0]  # (T,)
figure, axes = plt.subplots(figsize=(5.5, 2.2), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar(range(4), moved, color=ORANGE)
axes.set_xticks(range(4))
axes.set_xlabel("target position")
axes.set_ylabel("output moved by")
plt.show()
assert (moved[:3] == 0).all()
assert moved[3] > 0.1

# %% [markdown]
# *Picture: four places for bars, one for each target position. Only the last has a bar: positions
# 0, 1 and 2 do not move.*
#
# The picture shows the symptom as a test would: the last source vector is changed, and only the
# last output moves. After the mend all of them should.


# %%
def read_and_write(source, target, source_mask, target_mask, source_padding):
    ### BEGIN SOLUTION
    real = ~source_padding[:, None, :]  # (B, 1, S)
    memory = attend(source, source, source_mask & real)
    x = attend(target, target, target_mask)
    return attend(x, memory, real)
    ### END SOLUTION


# %%
check(read_and_write)

# %% [markdown]
# ## Done properly: reverse, at any length
#
# Now `Seq2Seq` learns to reverse words of two to six symbols. Lengths differ within a batch, the
# target is one longer than the source because it ends with an end token, and padding is everywhere.
# `PairBatches` makes the batches: it is your exercises 2 and 5.

# %%
PAD, START, END, V = 0, 1, 2, 11
draw = np.random.default_rng(9)


def pairs(count):
    """Words of 2 to 6 symbols, 3 to 10, and the same words backwards."""
    words = [draw.integers(3, V, length) for length in draw.integers(2, 7, count)]
    return [(word, np.array([START, *word[::-1], END])) for word in words]


loader = PairBatches(pairs(250 * 32), 32, pad_id=PAD, pool=1)
batch = next(iter(PairBatches([([3, 4, 5], [1, 5, 4, 3, 2]), ([6], [1, 6, 2])], 2, pad_id=PAD)))
for name in ("source", "source_padding", "decoder_input", "labels"):
    print(f"{name}:\n{getattr(batch, name)}")
assert sorted(batch.labels.ravel().tolist()) == [-100, -100, 2, 2, 3, 4, 5, 6]

# %%
tinyllm.manual_seed(0)
model = Seq2Seq(Seq2SeqConfig(vocab_size=V, **sizes))
optimizer = AdamW(model.parameters(), lr=6e-3, weight_decay=0.0)
losses = []
for step, batch in enumerate(loader):
    optimizer.param_groups[0]["lr"] = 6e-3 * min(1, (step + 1) / 30, 3 * (1 - step / 250))
    parts = batch.source, batch.decoder_input, batch.labels, batch.source_padding
    loss = model.loss(*map(tinyllm.tensor, parts))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
held_out = pairs(300)
found = beam_search(model, [list(word) for word, _ in held_out], 10, num_beams=1, batch_size=300)
exact = [
    best[0].tokens == list(target[1:-1]) for best, (_, target) in zip(found, held_out, strict=True)
]
print(f"loss {np.mean(losses[-20:]):.3f}; whole words right: {np.mean(exact):.3f}")
assert np.mean(losses[-20:]) < 0.2
assert np.mean(exact) > 0.9

# %% [markdown]
# No teacher here: the 300 words were written with the model's own tokens going in, and here all
# of them are right to the last symbol, the end included. What has it learnt to look at? `Seq2Seq`
# can say, and so we look over its shoulder.

# %%
word = np.array([[3, 4, 5, 6, 7, 8]])  # (1, S)
given = np.array([[START, 8, 7, 6, 5, 4, 3]])  # (1, T)
with inference(model):
    seen = model.cross_attention(tinyllm.tensor(word), tinyllm.tensor(given))[0, 0, 0]  # (T, S)
figure, axes = plt.subplots(figsize=(4.6, 3.9), layout="constrained", facecolor=PAPER)
axes.imshow(seen, cmap="viridis", vmin=0, vmax=1)
axes.set_xticks(range(6), [f"{i}: {symbol}" for i, symbol in enumerate(word[0])])
axes.set_yticks(range(7), [*map(str, given[0, 1:]), "</s>"])
axes.set_xlabel("source position and symbol: looked at")
axes.set_ylabel("target token that is asked for")
for (row, column), share in np.ndenumerate(seen):
    colour = INK if share > 0.5 else PAPER
    axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=colour, fontsize=8)
plt.show()
on_the_way_back = [seen[t, 5 - t] for t in range(6)]
print("shares along the other diagonal", np.round(on_the_way_back, 2))
assert seen.shape == (7, 6)
assert np.allclose(seen.sum(axis=-1), 1, atol=1e-5)
assert np.mean(on_the_way_back) > 0.5

# %% [markdown]
# *Picture: a grid of 7 target tokens by 6 source positions. The bright squares run from the upper
# right to the lower left: each target token looks mostly at the source position that holds it.*
#
# Nobody told it where to look. The loss asked for the right symbols, and this diagonal, from upper
# right to lower left, is where they stand. In a translation the picture is less tidy, and says
# more; lesson 14 draws it.
#
# ## What it weighs
#
# A decoder's layer is an encoder's with one attention more. The number of its parameters depends
# on widths alone: not on $S$, not on $T$, not on the number of heads.
#
# ### Exercise 7: `two_stacks_size` (easy, 10 minutes, 3 points)
#
# Count all parameters of the two stacks as PyTorch's `nn.Transformer` has them. An attention has
# four linear maps $C \to C$: queries, keys, values and output. A feed-forward part has two, $C \to$
# `hidden` $\to C$. A norm has a scale and a shift for each of the $C$ numbers; every attention and
# every feed-forward part has a norm of its own, and each stack one more at its end,
# even one without layers. Every map has a
# bias.


# %%
def two_stacks_size(C, hidden, encoder_layers, decoder_layers):
    ### BEGIN SOLUTION
    attention = 4 * (C * C + C)
    feed_forward = (C * hidden + hidden) + (hidden * C + C)
    norm = 2 * C
    encoder_layer = attention + feed_forward + 2 * norm
    decoder_layer = 2 * attention + feed_forward + 3 * norm
    return encoder_layers * encoder_layer + decoder_layers * decoder_layer + 2 * norm
    ### END SOLUTION


# %%
check(two_stacks_size)

# %%
stacks = model.transformer
parts = {
    "encoder": sum(p.numel() for p in stacks.encoder.parameters()),
    "decoder": sum(p.numel() for p in stacks.decoder.parameters()),
    "embeddings": model.num_parameters() - sum(p.numel() for p in stacks.parameters()),
}
print(parts, "together", model.num_parameters())
assert parts == {"encoder": 8608, "decoder": 12896, "embeddings": 992}

# %% [markdown]
# Your count for $C = 32$, `hidden` 64 and one layer each should be $8{,}608 + 12{,}896 = 21{,}504$.
#
# ### An open question (12 minutes, for a teacher to read)
#
# A colleague has three ideas for a translator. First, to leave out the mask of the source's padding
# and put every sentence into a batch of its own. Second, to use a causal mask in the encoder, so
# that translating can begin before the source has ended. Third, to leave out the encoder and give a
# decoder-only model the source as a prompt, followed by the target. Say for each whether the result
# is a correct translator, what it costs, and what it gains.
#
# <details>
# <summary><em>For a teacher: the rubric, 6 points. It gives the answer.</em></summary>
#
# First idea: correct, since without padding there is nothing to hide (1); but products of one row
# waste the machine, so it is many times slower (1). Second: correct too, for the encoder's outputs
# are still functions of the source alone (1); each source word is read without what follows it, so
# it is the worse read («bank» before «of the river»), and the gain is real only if the
# cross-attention is limited as well, so that writing does not wait for the end (1). Third: correct,
# and what large language models do (1); the source is then read causally, and with every new token
# of the target the one stack looks at source and target alike, so more layers of it do both jobs;
# gained is one kind of stack, and training on plain text (1).
#
# </details>
#
# ## What to remember
#
# - Three attentions: encoder $(S, S)$, decoder $(T, T)$, cross $(T, S)$. Rows look, columns are
#   looked at.
# - Queries come from the target, keys and values from the source.
# - Padding hides columns, those of the side that is looked at. The future is hidden in the decoder
#   alone.
# - A mask of the source is no mask of the cross-attention. With equal lengths the mistake runs, and
#   learns less.
# - Given: start, then the target. Asked: the target, then the end. Padding is never asked.
# - Change one input and see which outputs move: the quickest test of any mask.
#
# ## Where next
#
# Lesson 10 asks what the shares that come out are worth when the right token is known. Lesson 14
# trains a translator of this kind and measures it. To look further now, read
# `tinyllm/models/seq2seq.py`, whose `forward` passes on exactly two masks, and Vaswani et al. 2017,
# [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), section 3.2.3, «Applications of attention in
# our model»: half a page that names the three.
