# %% [markdown]
# # 13 Generating text: sampling, beams, the key-value cache
#
# **You will be able to** turn a model's shares into text in five ways, and say what each is good
# for; find likely texts with beam search, and say when it fails; write the cache that makes writing
# fast, and count what it saves; and, in the project at the end, build a story writer of your own
# out of nothing but NumPy, and measure which settings make it write well.
#
# **You need** lesson 07 (softmax, attention), lesson 10 (log-probabilities), and the decoder of
# lesson 08. **Time:** about 45 minutes of reading, 115 of exercises, and 85 for the project.
#
# ## Why
#
# A language model writes nothing. It reads some words and gives a share to every word that may
# come next, and there it stops. Something else must look at the shares, pick one word, put it
# behind the others, and ask again. That something is a few lines of code, it has not one trained
# number, and yet it decides whether the same model bores you, moves you or babbles.
#
# Shapes have letters: $V$ words in the vocabulary, $T$ tokens of a text, $S$ tokens that were read
# before, $C$ the width of a model, $H$ heads of width $D = C / H$.

# %%
import inspect
import math
import textwrap
from itertools import product

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, prepared, reveal
from tinyllm.data.tinyworld import Grammar, World, readings, stories
from tinyllm.data.tinyworld.spelling import text_of
from tinyllm.generation import beam_search, generate, generate_batch, inference, stream_text
from tinyllm.generation import sampling as sampling_in_tinyllm
from tinyllm.metrics import rep_n
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.optim import AdamW
from tinyllm.viz.style import BLUE, INK, ORANGE, PAPER, QUIET, dress

rng = np.random.default_rng(13)

# %% [markdown]
# ## A model to write with
#
# We need a model first: the small decoder of lesson 10, with the same training loop, on the same
# little world. Its stories are two sentences long, and its grammar can tell of any text whether it
# is one of its stories. That is what makes writing measurable here: no taste is needed to say
# whether a story is sound.

# %%
grammar = Grammar(World(seed=0, size="micro"))
told = list(stories(grammar, 8000))
vocabulary = ["<s>", *sorted({word for story in told for word in story.words})]
number = {word: i for i, word in enumerate(vocabulary)}
START, END = number["<s>"], number["</s>"]


def batch(texts):
    """Inputs and targets (B, T) of texts of ids; padding is not asked."""
    T = max(map(len, texts))
    inputs, targets = np.zeros((len(texts), T), dtype=np.int64), np.full((len(texts), T), -100)
    for row, ids in enumerate(texts):
        targets[row, : len(ids)] = ids
        inputs[row, : len(ids)] = [START, *ids[:-1]]
    return tinyllm.tensor(inputs), tinyllm.tensor(targets)


def words_of(ids):
    """A text of ids as a reader sees it."""
    return text_of(vocabulary[i] for i in ids)


# %%
tinyllm.manual_seed(0)
style = {"norm": "rms", "activation": "relu2", "bias": False}  # few kinds of weights: see project
sizes = {"context_length": 48, "layers": 1, "heads": 4, "width": 64}
model = Decoder(DecoderConfig(vocab_size=len(vocabulary), **sizes, **style))
optimizer = AdamW(model.parameters(), lr=1.5e-2)
rows, STEPS = [[number[word] for word in story.words] for story in told], 250
for step in range(STEPS):
    loss = model.loss(*batch(rows[step * 32 : step * 32 + 32]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.param_groups[0]["lr"] = 1.5e-2 * min(1, (step + 1) / 10) * (1 - 0.95 * step / STEPS)
    optimizer.step()
print(told[0].text, "\n", len(vocabulary), "words; loss of the last batch", round(loss.item(), 3))
assert len(vocabulary) == 58
assert loss.item() < 0.6

# %% [markdown]
# ## The idea in a picture
#
# What does the model give us, three words into a story, or ten? Sometimes a hard fact of grammar,
# sometimes a real choice.


# %%
def logits_after(ids):
    """The logits of the word after some ids: (V,)."""
    with inference(model):
        return model(tinyllm.tensor([list(ids)])).numpy()[0, -1].astype(np.float64)


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


beginnings = ["Fay", "Fay was a baker. One", "Fay was a baker. One Monday in January, she"]
figure, panels = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained", facecolor=PAPER)
tops = []
for axes, text in zip(panels, beginnings, strict=True):
    dress(axes)
    ids = [START] + [number[word] for word in text.replace(".", " .").replace(",", " ,").split()]
    shares = softmax(logits_after(ids))  # (V,)
    best = np.argsort(-shares)[:6]
    tops.append(shares[best])
    axes.barh([vocabulary[i] for i in best], shares[best], color=BLUE)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share")
    axes.set_title(text if len(text) < 25 else "… January, she", loc="left", color=INK, fontsize=10)
plt.show()
assert tops[0][0] > 0.9
assert 0.25 < tops[1][0] < 0.5
assert 0.2 < tops[2][0] < 0.75

# %% [markdown]
# *Picture: the six largest shares after three beginnings. After «Fay» nearly the whole share is
# at «was». After «One» three days of the week share it about equally. After «she» two verbs, «lost»
# and «helped», have most of it, and two more nearly all of the rest.*
#
# Whoever always takes the largest share writes «Monday» for ever, though Tuesday is as good.
# Whoever draws by the shares gets all three days, and once in a while a word from the thin tail,
# where the model's mistakes live. All settings of this lesson lie between these two.
#
# ## The smallest numeric example
#
# Four words, with the shares 0.5, 0.3, 0.15 and 0.05. A pencil is enough for everything.
#
# 1. **Greedy.** The largest: word 0, every time.
# 2. **Draw.** Lay the shares along a line from 0 to 1. They end at 0.5, 0.8, 0.95 and 1. A random
#    number $u = 0.62$ falls into the second piece: word 1.
# 3. **Temperature.** Divide the logits by $\tau$ before the softmax. That raises each share to the
#    power $1/\tau$, and makes them sum to 1 again. With $\tau = 0.5$ they are squared, 0.25, 0.09,
#    0.0225, 0.0025, and become 0.685, 0.247, 0.062, 0.007. The likely gets likelier. With
#    $\tau = 2$ the roots are taken: all becomes more even.
# 4. **Top k** keeps the $k$ likeliest. For $k = 2$: 0.625 and 0.375.
# 5. **Top p** keeps the fewest that reach $p$ together. For $p = 0.9$ two are not enough (0.8),
#    three are (0.95): 0.526, 0.316, 0.158.
# 6. **Min p** keeps what has at least $p$ times the largest share. For $p = 0.2$ the bar is 0.1,
#    and three words are above it.

# %%
shares = np.array([0.5, 0.3, 0.15, 0.05])  # (V,)
logits = np.log(shares)
small = {
    "as it is": logits,
    "temperature 0.5": sampling_in_tinyllm.apply_temperature(logits, 0.5),
    "temperature 2": sampling_in_tinyllm.apply_temperature(logits, 2.0),
    "top k, 2": sampling_in_tinyllm.keep_top_k(logits, 2),
    "top p, 0.9": sampling_in_tinyllm.keep_top_p(logits, 0.9),
    "min p, 0.2": sampling_in_tinyllm.keep_min_p(logits, 0.2),
}
figure, panels = plt.subplots(2, 3, figsize=(8.5, 4), sharey=True, layout="constrained")
figure.set_facecolor(PAPER)
for axes, (name, changed) in zip(panels.flat, small.items(), strict=True):
    dress(axes)
    axes.bar_label(axes.bar(range(4), softmax(changed), color=BLUE), fmt="%.2f", color=INK)
    axes.set_xticks(range(4))
    axes.set_ylim(0, 0.85)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
plt.show()
assert np.allclose(softmax(small["temperature 0.5"]), [0.685, 0.247, 0.062, 0.007], atol=1e-3)
assert np.allclose(softmax(small["top k, 2"]), [0.625, 0.375, 0, 0])
assert np.allclose(softmax(small["top p, 0.9"]), [0.526, 0.316, 0.158, 0], atol=1e-3)
assert np.count_nonzero(softmax(small["min p, 0.2"])) == 3
assert np.searchsorted(np.cumsum(shares), 0.62) == 1

# %% [markdown]
# *Picture: six times four bars. As it is: 0.50, 0.30, 0.15, 0.05. At temperature 0.5 the first bar
# rises to 0.68 and the last nearly vanishes; at 2 they are 0.38, 0.29, 0.21, 0.12. Top k of 2
# leaves two bars, top p of 0.9 and min p of 0.2 leave three.*
#
# Here is how tinyllm does two of these. What may not be drawn gets the logit $-\infty$, as a
# mask does in attention.

# %%
print(inspect.getsource(sampling_in_tinyllm.keep_top_p))
print(inspect.getsource(sampling_in_tinyllm.sample))

# %% [markdown]
# Why three ways to cut? **Top k** keeps as many words where one is right as where a hundred are.
# **Top p** adapts: one word where the model is sure, many where it is not. But a very flat row
# lets it keep a long tail. **Min p** looks only at the distance from the best, so that a tail of
# thousands of tiny shares is cut however much it weighs in all. You will see which is best for our
# writer when you measure it.
#
# ### Exercise 1: `draw_token` (easy, 10 minutes, 4 points)
#
# From `shares` $(V)$ and a number `u`, even in $[0, 1)$, give the token as an int: the first at
# which the running sum passes `u`. Two traps: a token with share 0 is never drawn, not even for
# `u = 0`; and ten times 0.1 come to a hair less than 1, so that a `u` may lie beyond the last edge.


# %%
def draw_token(shares, u):
    ### BEGIN SOLUTION
    running = np.cumsum(shares)
    token = np.searchsorted(running, u * running[-1], side="right")
    return int(min(token, np.flatnonzero(shares)[-1]))
    ### END SOLUTION


# %%
check(draw_token)

# %% [markdown]
# ### Exercise 2: `tempered_shares` (easy, 8 minutes, 4 points)
#
# From `logits` $(V)$ give the shares $(V)$ at a `temperature`. At temperature 0 the whole share
# goes to the largest logit, of equals to the first.


# %%
def tempered_shares(logits, temperature):
    ### BEGIN SOLUTION
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()
    ### END SOLUTION


# %%
check(tempered_shares)

# %% [markdown]
# ### Exercise 3: `nucleus_shares` (medium, 14 minutes, 5 points)
#
# Top p, with shares in and shares out, $(V) \to (V)$: the fewest likeliest tokens that reach `p`
# together stay, of equals the first, the others get 0, and the rest sums to 1 again. The result
# stands in the order of the vocabulary.


# %%
def nucleus_shares(shares, p):
    ### BEGIN SOLUTION
    order = np.argsort(-shares, kind="stable")
    reached = np.cumsum(shares[order])
    kept = order[: np.searchsorted(reached, p) + 1]
    result = np.zeros_like(shares)
    result[kept] = shares[kept]
    return result / result.sum()
    ### END SOLUTION


# %%
check(nucleus_shares)

# %% [markdown]
# ### Exercise 4: `min_p_shares` (easy, 5 minutes, 2 points)
#
# Min p, $(V) \to (V)$: what has at least `p` times the largest share stays, the others get 0, and
# the rest sums to 1 again.


# %%
def min_p_shares(shares, p):
    ### BEGIN SOLUTION
    kept = shares * (shares >= p * shares.max())
    return kept / kept.sum()
    ### END SOLUTION


# %%
check(min_p_shares)

# %% [markdown]
# ## The record that sticks
#
# Greedy decoding has a famous illness: it repeats itself. Our stories end before that can happen.
# So let us forbid the end and ask for 120 words. (A bias of $-\infty$ on a logit forbids a word.)
# The measure is `rep_n`: the share of runs of four words that stood in the text before. The mend
# on trial is the **repetition penalty**: a word that the text already has gets a lower logit.

# %%
endless = {"logit_bias": {END: -math.inf}}
penalties = [1.0, 1.1, 1.2, 1.5, 2.0]
greedy = [
    list(generate(model, [START], 120, temperature=0, repetition_penalty=penalty, **endless))
    for penalty in penalties
]
repeated = [rep_n([ids], 4) for ids in greedy]
tinyllm.manual_seed(1)
drawn = [list(generate(model, [START], 120, **endless)) for _ in range(5)]
for name, ids in (("greedy", greedy[0]), ("drawn", drawn[0])):
    print(textwrap.fill(f"{name}: … {words_of(ids[40:75])} …", 88))
figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(penalties, repeated, "o-", color=BLUE, label="greedy, with a penalty")
axes.axhline(rep_n(drawn, 4), color=ORANGE, label="drawn at temperature 1, without")
axes.set_xlabel("repetition penalty")
axes.set_ylabel("share of repeats")
axes.set_ylim(0, 1)
axes.legend(frameon=False)
plt.show()
print("repeats:", np.round(repeated, 2), "  drawn:", round(rep_n(drawn, 4), 2))
assert repeated[0] > 0.25
assert repeated[-1] < 0.8 * repeated[0]
assert rep_n(drawn, 4) < 0.8 * repeated[0]

# %% [markdown]
# *Picture: share of repeated runs against the penalty. Greedy begins high, goes up and down a
# little, and is lowest at a penalty of 2. The level line of drawn text lies far below its
# beginning.*
#
# Neither text is sound: after its second sentence a story should have ended, and the model has
# never seen what comes then. But look at how they fail. The greedy one comes back to the same runs
# again and again, since a beginning that was there before gets the same largest share as before.
# Chance breaks the circle. A penalty has to be strong to break it, and is blunt: it punishes «the»
# for having been said, and grammar needs «the» again.
#
# ### Exercise 5: find the bugs (medium, 12 minutes, 4 points)
#
# A colleague writes the penalty herself: the logit of each word of the text is divided by it. Yet
# some words get likelier. Find out why (there are two bugs; the second one shows when a word came
# twice), and write `penalized_logits` $(V) \to (V)$ without them: `text` holds ids, and each word
# is punished once.


# %%
def divided_logits(logits, text, penalty):
    result = logits.copy()
    for token in text:
        result[token] = result[token] / penalty
    return result


before = np.array([3.0, 1.0, -1.0, -3.0])  # (V,)
after = divided_logits(before, np.array([0, 2, 3]), 2.0)
figure, axes = plt.subplots(figsize=(5.5, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar(np.arange(4) - 0.18, before, 0.34, color=BLUE, label="before")
axes.bar(np.arange(4) + 0.18, after, 0.34, color=ORANGE, label="divided by 2")
axes.axhline(0, color=QUIET, linewidth=0.8)
axes.set_xticks(range(4), ["word 0", "word 1 (not said)", "word 2", "word 3"])
axes.set_ylabel("logit")
axes.legend(frameon=False)
plt.show()
assert after[0] < before[0]
assert after[3] > before[3]

# %% [markdown]
# *Picture: logits before and after. Word 0 falls from 3 to 1.5, as it should. Words 2 and 3, which
# were said too, rise from -1 to -0.5 and from -3 to -1.5.*


# %%
def penalized_logits(logits, text, penalty):
    ### BEGIN SOLUTION
    result = logits.copy()
    seen = np.unique(text)
    values = logits[seen]
    result[seen] = np.where(values > 0, values / penalty, values * penalty)
    return result
    ### END SOLUTION


# %%
check(penalized_logits)

# %% [markdown]
# ## Beam search: looking further than one word
#
# Greedy takes the best next word, and that is not the way to the best text. Two words, with a
# pencil: A has 0.6 and B 0.4. After A come three words with 0.4, 0.3 and 0.3; after B one has 0.9.
# Greedy begins with A and ends at $0.6 \cdot 0.4 = 0.24$. The text that begins with B has $0.4
# \cdot 0.9 = 0.36$.
#
# **Beam search** keeps the $K$ likeliest beginnings and goes on with all of them. At each step each
# beginning is tried with all $V$ words, and of these $K V$ the best $K$ live on. One beam is
# greedy. With enough beams nothing is ever dropped, and the search is **brute force**: all $V^T$
# texts.
#
# How many beams are enough? Let us try on tables where brute force is possible: 5 words, 4 steps,
# 625 texts. Each table is a bigram model, as in lesson 10, with random shares. The code below
# is short because a table needs no network; it is what you will write as exercise 6, in another
# form: here whole arrays at once.


# %%
def all_texts(table, T):
    """The log-probabilities of all texts of T tokens from start 0, (V ** T,): brute force."""
    V = len(table)
    texts = np.array(list(product(range(V), repeat=T)))  # (V ** T, T)
    befores = np.column_stack([np.zeros(len(texts), int), texts[:, :-1]])
    return table[befores, texts].sum(axis=1)


def found_by(table, T, K):
    """The log-probability that K beams find from start 0."""
    last, totals = np.array([0]), np.array([0.0])
    for _ in range(T):
        grown = (totals[:, None] + table[last]).ravel()  # (K V,)
        best = np.argsort(-grown)[:K]
        last, totals = best % len(table), grown[best]
    return totals[0]


tables = np.log(rng.dirichlet(np.full(5, 0.7), size=(300, 5)))  # (300, V, V)
best = np.array([all_texts(table, 4).max() for table in tables])
rare = 1e-9  # the pencil's table: the start, A, B, and a third word
pencil = [[rare, 0.6, 0.4, rare], [rare, 0.4, 0.3, 0.3], [rare, 0.9, 0.05, 0.05], [0.25] * 4]
one, two = (np.exp(found_by(np.log(pencil), 2, K)) for K in (1, 2))
print("with a pencil: one beam finds", one.round(2), "and two beams", two.round(2))
assert np.allclose([one, two], [0.24, 0.36])

# %% [markdown]
# ### Predict, then run (4 minutes)
#
# On how many of the 300 tables does greedy, one beam, find the very best of the 625 texts? Put a
# share between 0 and 1 below.

# %%
my_share = None
### BEGIN SOLUTION
my_share = 0.3
### END SOLUTION

# %%
beams = [1, 2, 3, 5, 10, 25]
hits = [
    np.mean([found_by(t, 4, K) > b - 1e-9 for t, b in zip(tables, best, strict=True)])
    for K in beams
]
reveal("13", "greedy finds the best text", my_share, float(hits[0]))
if my_share is not None:
    figure, axes = plt.subplots(figsize=(6.5, 2.7), layout="constrained", facecolor=PAPER)
    dress(axes)
    axes.bar_label(axes.bar([str(K) for K in beams], hits, color=BLUE), fmt="%.2f", color=INK)
    axes.set_ylim(0, 1.15)
    axes.set_xlabel("beams")
    axes.set_ylabel("share of tables")
    plt.show()

# %%
assert 0.5 < hits[0] < 0.75
assert hits[2] > 0.9
assert hits[-1] == 1

# %% [markdown]
# *Picture: the share of 300 tables on which so many beams find the best text. One beam finds it on
# more than half; two on most; from five on hardly a table is missed, and 25 beams miss none.*
#
# Greedy is better than its reputation, and a handful of beams does nearly what 625 texts do. That
# is why translators use four or five. No number of beams short of all is a promise, though: a
# beginning that was dropped is gone, however well it would have gone on.
#
# ### Exercise 6: `beam_over_table` (hard, 22 minutes, 6 points)
#
# `log_probs` $(V, V)$ holds in row $a$ the log-probabilities of what follows $a$. From `start`
# write `steps` tokens with so many `beams`. Return the pair of the best text, a list of tokens
# without the start, and its log-probability.


# %%
def beam_over_table(log_probs, start, steps, beams):
    ### BEGIN SOLUTION
    kept = [([start], 0.0)]
    for _ in range(steps):
        grown = []
        for text, total in kept:
            for token, log_prob in enumerate(log_probs[text[-1]]):
                grown.append(([*text, token], total + log_prob))
        grown.sort(key=lambda pair: -pair[1])
        kept = grown[:beams]
    text, total = kept[0]
    return text[1:], total
    ### END SOLUTION


# %%
check(beam_over_table)

# %% [markdown]
# ## Likely is not lively
#
# Now beams on our writer. It has $58^T$ texts, so brute force is out. We let 32 beams look for the
# likeliest story, and hold it against 200 stories that were drawn.


# %%
def log_probs_of(texts):
    """log p of whole texts of ids, the end included: (B,)."""
    inputs, targets = batch([[*ids, END] for ids in texts])
    with inference(model):
        logits = model(inputs)  # (B, T, V)
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return -losses.numpy().reshape(targets.shape).sum(axis=1)


tinyllm.manual_seed(2)
drawn = generate_batch(model, [[START]] * 200, 40, stop=[END])
of_drawn = log_probs_of(drawn)
options = {"stop": [END], "length_penalty": 0, "early_stopping": "never"}
searched = {K: beam_search(model, [[START]], 40, K, **options)[0][0] for K in (1, 4, 32)}
for K, text in searched.items():
    print(f"{K:3} beams, log p {text.log_prob:6.2f}: {words_of(text.tokens)}")
print(f"{len({tuple(ids) for ids in drawn})} different stories among 200 drawn, "
      f"log p {of_drawn.mean():.1f} in the mean")  # fmt: skip
assert searched[32].log_prob > searched[1].log_prob
assert searched[32].log_prob >= of_drawn.max() - 1e-3
assert searched[32].log_prob > of_drawn.mean() + 2
assert len({tuple(ids) for ids in drawn}) > 150
assert np.isclose(log_probs_of([searched[32].tokens])[0], searched[32].log_prob, atol=1e-3)

# %%
figure, axes = plt.subplots(figsize=(6.8, 2.7), layout="constrained", facecolor=PAPER)
dress(axes)
axes.hist(of_drawn, bins=40, range=(-30, -4), color=BLUE, label="200 drawn stories")
axes.axvline(searched[32].log_prob, color=ORANGE, label="found by 32 beams")
axes.set_xlabel("log p of the whole story, nats")
axes.set_ylabel("stories")
axes.legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# *Picture: a histogram of the log-probabilities of drawn stories, a broad hill. The
# orange line of what 32 beams found stands at its right edge; a few stories reach it, none passes.*
#
# The likeliest story is one of the shortest: every further word multiplies by a share below 1.
# (`length_penalty` is there for that: it divides the sum by a power of the length.) And it is
# one story, the same each time. The drawn ones are less likely each, and are what the world is
# like: a typical text is *not* the likeliest text, just as the likeliest single toss is not what a
# hundred tosses look like. So beams are for tasks with one right answer, such as translation, and
# drawing is for stories.
#
# ## The key-value cache
#
# To write word 20, the model reads words 0 to 19. To write word 21, it reads words 0 to 20. Nearly
# all of that was done a moment ago. What of it can be kept?
#
# In a causal model a position sees only itself and what is before it. So whatever was computed at
# position 7 will not change when position 8 comes. And what does position 8 want from position 7?
# Its key and its value, in each layer, and nothing else: its query was its own affair. Keep the
# keys and values, and each new word costs the work of one position.

# %%
T = 8
work = np.zeros((2, T, T))  # (without, with) x step x position
for step in range(T):
    work[0, step, : step + 1] = 1
    work[1, step, step] = 1
    work[1, step, :step] = 0.35
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained", facecolor=PAPER)
for axes, grid, name in zip(panels, work, ("without a cache", "with a cache"), strict=True):
    axes.imshow(grid, cmap="Blues", vmin=0, vmax=1.2)
    axes.set_xlabel("position")
    axes.set_ylabel("step")
    count = int((grid == 1).sum())
    axes.set_title(f"{name}: {count} positions read", loc="left", color=INK, fontsize=11)
plt.show()
assert [(grid == 1).sum() for grid in work] == [36, 8]

# %% [markdown]
# *Picture: two grids of 8 steps by 8 positions. Without a cache the whole lower triangle is dark:
# 36 positions are read. With one, only the diagonal is dark, 8 positions; what is left of it is
# pale: kept, and only looked at.*
#
# Does it give the same? On paper to the letter. In floating point to within rounding, since sums
# are taken in another order. We write twenty words with both, and then hold the logits against
# each other.

# %%
ids, cache = [START], model.new_cache(capacity=48)
written, largest = [], 0.0
with inference(model):
    for _ in range(20):
        anew = model(tinyllm.tensor([ids])).numpy()[0, -1]  # reads all of it
        kept = model(tinyllm.tensor([ids[-1:]]), cache=cache).numpy()[0, -1]  # reads one token
        largest = max(largest, float(np.abs(anew - kept).max()))
        written.append((int(anew.argmax()), int(kept.argmax())))
        ids.append(written[-1][0])
print("largest difference of a logit:", largest, "\n", cache)
assert all(one == other for one, other in written)
assert largest < 1e-3
assert cache.length == 20

# %% [markdown]
# ### Exercise 7: `attend_with_cache` (medium, 14 minutes, 5 points)
#
# One head, one new token: `q`, `k`, `v` are its $(D)$. `keys` and `values` $(S, D)$ are those of
# the $S$ tokens before; $S$ may be 0. Put the new key and value behind them, attend, and return the
# output $(D)$, the keys $(S + 1, D)$ and the values $(S + 1, D)$.


# %%
def attend_with_cache(q, k, v, keys, values):
    ### BEGIN SOLUTION
    keys = np.concatenate([keys, k[None]])
    values = np.concatenate([values, v[None]])
    scores = keys @ q / np.sqrt(len(q))
    weights = np.exp(scores - scores.max())
    return weights @ values / weights.sum(), keys, values
    ### END SOLUTION


# %%
check(attend_with_cache)

# %% [markdown]
# ### Exercise 8: `multiplications_to_write` (medium, 12 minutes, 4 points)
#
# How much does it save? A block has matrices with $12\,C^2$ numbers in all: $3C^2$ for queries,
# keys and values, $C^2$ for what comes after attention, $8C^2$ for the MLP. So each position that
# is read costs $12\,C^2$ multiplications, and at position $t$ (from 0) $2\,C\,(t + 1)$ more, for
# the scores and for mixing the values. In step $s$ of $T$ the model reads position $s$ with a
# cache, and positions $0 \ldots s$ without. Count all of it, exactly, as an int.


# %%
def multiplications_to_write(T, C, cached):
    ### BEGIN SOLUTION
    count = 0
    for step in range(T):
        first = step if cached else 0
        for position in range(first, step + 1):
            count += 12 * C * C + 2 * C * (position + 1)
    return count
    ### END SOLUTION


# %%
check(multiplications_to_write)

# %%
lengths = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048])
C, at = 768, np.arange(1, 2049)  # the width of the small GPT-2
per_step = 12 * C * C + 2 * C * at  # (2048,): of each position
with_cache = np.cumsum(per_step)
without = np.cumsum(with_cache)  # step s does all the work of the first s + 1 positions
saved = without / with_cache
figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.loglog(lengths, without[lengths - 1] / 1e9, "o-", color=ORANGE, label="without a cache")
axes.loglog(lengths, with_cache[lengths - 1] / 1e9, "s-", color=BLUE, label="with one")
axes.set_xlabel("tokens written")
axes.set_ylabel("10⁹ multiplications, a block")
axes.legend(frameon=False)
plt.show()
print(f"1,024 tokens: {saved[1023]:.0f} times fewer; 20 tokens: {saved[19]:.1f} times")
memory = 2 * 12 * 1024 * C * 4  # keys and values of 12 blocks, 32 bits
print(f"what it takes: {memory / 2**20:.0f} MB for 1,024 tokens and 12 blocks")
assert 440 < saved[1023] < 512
assert 10 < saved[19] < 11
assert memory == 72 * 2**20

# %% [markdown]
# *Picture: multiplications against tokens written, both axes logarithmic. The two lines begin
# together and part: at 1,024 tokens the line without a cache is nearly 500 times higher.*
#
# About half as many times fewer as there are tokens: the mean text that was read anew is half the
# whole. The price is memory, 72 MB for 1,024 tokens of the small GPT-2, and that for each text
# that is being written. Large models share keys among heads (`kv_heads` in `DecoderConfig`) to make
# it smaller. How much of the saving becomes saved *time* is another question: a product of one row
# uses a machine badly.
#
# ## Project: a story writer of your own
#
# Time to put it all together. In four exercises you write a program that tells stories, with
# nothing but NumPy: the decoder's forward for one token with its cache, the choice of a word, the
# loop, and a score. In the end you run it with several settings and see which writes best. (Until
# all four are done, the cells at the end use tinyllm's functions in their place.)
#
# The weights come from the model that you trained above. Here they are, by names of our own.

# %%
names = {
    "tokens": "token_embedding.weight", "positions": "position_embedding.weight",
    "norm_1": "blocks.0.norm_1.weight", "qkv": "blocks.0.attention.qkv.weight",
    "out": "blocks.0.attention.out.weight", "norm_2": "blocks.0.norm_2.weight",
    "up": "blocks.0.mlp.up.weight", "down": "blocks.0.mlp.down.weight", "norm": "norm.weight",
}  # fmt: skip
trained = dict(model.named_parameters())
weights = {name: trained[path].detach().numpy() for name, path in names.items()}
for name, array in weights.items():
    print(f"{name:10} {array.shape}")
assert sum(array.size for array in weights.values()) == model.num_parameters()

# %% [markdown]
# ### Exercise 9, project 1: `decoder_step` (hard, 35 minutes, 8 points)
#
# Read `token`, an id, with a decoder of one block. `weights` is a dictionary as above; `keys` and
# `values` $(S, H, D)$ are the caches. Return the logits $(V)$ and both caches with one more row.
#
# | step | shape |
# |---|---|
# | $x$ = row `token` of `tokens` + row $S$ of `positions` | $(C)$ |
# | q, k, v = `qkv` @ norm(x, `norm_1`), cut into three, each into heads | $(3, H, D)$ |
# | append k, v; scores of q and all keys over $\sqrt{D}$; softmax along positions | $(S + 1, H)$ |
# | mixture of the values, heads side by side; `out` @ it, added to $x$ | $(C)$ |
# | `down` @ relu(`up` @ norm(x, `norm_2`))², added to $x$ | $(C)$ |
# | `tokens` @ norm(x, `norm`) | $(V)$ |
#
# The norm is $\text{norm}(x, w) = w \, x / \sqrt{\text{mean}(x^2) + 10^{-5}}$; relu is the larger
# of its argument and 0. `(keys * q).sum(axis=-1)` gives the scores of all heads at once.


# %%
def decoder_step(token, weights, keys, values):
    ### BEGIN SOLUTION
    S, H, D = keys.shape

    def norm(x, weight):
        return x / np.sqrt(np.mean(x * x) + 1e-5) * weight

    x = weights["tokens"][token] + weights["positions"][S]  # (C,)
    q, k, v = (weights["qkv"] @ norm(x, weights["norm_1"])).reshape(3, H, D)
    keys, values = np.concatenate([keys, k[None]]), np.concatenate([values, v[None]])
    scores = (keys * q).sum(axis=-1) / np.sqrt(D)  # (S + 1, H)
    shares = np.exp(scores - scores.max(axis=0))
    shares = shares / shares.sum(axis=0)
    x = x + weights["out"] @ (shares[..., None] * values).sum(axis=0).reshape(-1)
    hidden = np.maximum(weights["up"] @ norm(x, weights["norm_2"]), 0) ** 2
    x = x + weights["down"] @ hidden
    return weights["tokens"] @ norm(x, weights["norm"]), keys, values
    ### END SOLUTION


# %%
check(decoder_step)

# %% [markdown]
# ### Exercise 10, project 2: `choose_word` (easy, 8 minutes, 3 points)
#
# All settings at once, with your five functions from above, in tinyllm's order: penalty,
# temperature, top p, min p; then the draw. Give the token, an int.


# %%
def choose_word(logits, text, u, temperature, top_p, min_p, penalty):
    ### BEGIN SOLUTION
    logits = penalized_logits(logits, text, penalty)
    shares = tempered_shares(logits, temperature)
    shares = nucleus_shares(shares, top_p)
    shares = min_p_shares(shares, min_p)
    return draw_token(shares, u)
    ### END SOLUTION


# %%
check(choose_word)

# %% [markdown]
# ### Exercise 11, project 3: `write_tokens` (medium, 14 minutes, 4 points)
#
# The loop. `step(token, cache)` reads one token and returns its logits and the new cache; the cache
# is `None` before the first. `choose(logits, text)` gives the next token; `text` is the list of all
# tokens so far, the start included. Begin with `start`; stop at `end`, or when `most` tokens are
# written. Return the list of what was written, without start and end.


# %%
def write_tokens(step, choose, start, end, most):
    ### BEGIN SOLUTION
    text, cache = [start], None
    while len(text) <= most:
        logits, cache = step(text[-1], cache)
        token = choose(logits, text)
        if token == end:
            break
        text.append(token)
    return text[1:]
    ### END SOLUTION


# %%
check(write_tokens)

# %% [markdown]
# ### Exercise 12, project 4: `story_scores` (easy, 8 minutes, 3 points)
#
# What is a good writer? A story is **tellable** if the grammar can tell it. But greedy decoding
# tells one sound story a hundred times over, and a dice thrower tells a hundred different ones that
# make no sense. So take three shares of all `texts`: tellable; different; and **different and
# tellable**, which counts each sound story once. `tellable` is a list of bools.


# %%
def story_scores(texts, tellable):
    ### BEGIN SOLUTION
    good = {text for text, can in zip(texts, tellable, strict=True) if can}
    n = len(texts)
    return sum(tellable) / n, len(set(texts)) / n, len(good) / n
    ### END SOLUTION


# %%
check(story_scores)

# %% [markdown]
# ### The writer at work
#
# Below the parts come together. Before it writes, your step is held against tinyllm's own model.


# %%
def my_step(token, cache):
    """Your decoder_step in the form that your write_tokens wants; 4 heads of width 16."""
    keys, values = cache or (np.empty((0, 4, 16)), np.empty((0, 4, 16)))
    logits, keys, values = decoder_step(token, weights, keys, values)
    return logits, (keys, values)


def all_mine():
    """Whether the whole project is done: each function gives something."""

    def no_step(token, cache):
        return np.array([1.0, 0.0]), cache

    if decoder_step(START, weights, *[np.empty((0, 4, 16))] * 2) is None:
        return False
    text = write_tokens(no_step, lambda logits, text: 1, 0, 1, 2)
    given = np.array([1.0, 0.0]), np.array([], int), 0.5, 1.0, 1.0, 0.0, 1.0
    return not (text is None or choose_word(*given) is None or story_scores(["a"], [True]) is None)


if all_mine():
    logits, _ = my_step(START, None)
    print("yours and tinyllm's differ by", np.abs(logits - logits_after([START])).max())
    assert np.abs(logits - logits_after([START])).max() < 1e-3
else:
    print("to do: the four exercises of the project; until then tinyllm writes")

# %%
SETTINGS = {
    "temperature 0": {"temperature": 0},
    "temperature 0.3": {"temperature": 0.3},
    "temperature 0.7": {"temperature": 0.7},
    "as it is": {},
    "temperature 1.5": {"temperature": 1.5},
    "top p 0.8": {"top_p": 0.8},
    "min p 0.1": {"min_p": 0.1},
    "1.5, min p 0.1": {"temperature": 1.5, "min_p": 0.1},
    "penalty 1.3": {"penalty": 1.3},
}


# %%
def hundred_stories(setting, draw):
    """A hundred texts with a setting, by your writer or, until it is done, by tinyllm's."""
    setting = {"temperature": 1.0, "top_p": 1.0, "min_p": 0.0, "penalty": 1.0, **setting}
    if all_mine():

        def choose(logits, text):
            return choose_word(logits, np.array(text), draw.random(), **setting)

        return [words_of(write_tokens(my_step, choose, START, END, 40)) for _ in range(100)]
    setting["repetition_penalty"] = setting.pop("penalty")
    return [words_of(i) for i in generate_batch(model, [[START]] * 100, 40, stop=[END], **setting)]


def scored(texts):
    """Your three shares, or, until they are done, ours."""
    tellable = [bool(readings(text, grammar)) for text in texts]
    good = {text for text, can in zip(texts, tellable, strict=True) if can}
    ours = sum(tellable) / len(texts), len(set(texts)) / len(texts), len(good) / len(texts)
    return story_scores(texts, tellable) if all_mine() else ours


# %% [markdown]
# ### Predict, then run (3 minutes)
#
# Temperature 0 gives one story a hundred times, so its third share is 0.01. At which setting of
# the list is the third share largest? Write its name.

# %%
my_favourite = None
### BEGIN SOLUTION
my_favourite = "min p 0.1"
### END SOLUTION

# %%
tinyllm.manual_seed(3)
draw = np.random.default_rng(3)
written = {name: hundred_stories(setting, draw) for name, setting in SETTINGS.items()}
scores = {name: scored(texts) for name, texts in written.items()}
favourite = max(scores, key=lambda name: scores[name][2])
reveal("13", "the best setting of the writer", my_favourite, favourite)
if my_favourite is not None:
    for name, (tellable, different, both) in scores.items():
        print(f"{name:16} tellable {tellable:.2f}  different {different:.2f}  both {both:.2f}")
assert scores["temperature 0"][2] <= 0.01
assert scores["temperature 1.5"][0] < scores["as it is"][0] - 0.1
assert scores["temperature 0.3"][1] < scores["as it is"][1]
assert scores["min p 0.1"][2] > scores["as it is"][2]
assert scores["1.5, min p 0.1"][2] > scores["temperature 1.5"][2] + 0.1

# %%
assert scores[favourite][2] > 0.6

# %%
figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained", facecolor=PAPER)
dress(axes)
for row, (tellable, different, both) in enumerate(scores.values()):
    axes.plot([tellable, different], [row, row], color=QUIET, linewidth=0.8, zorder=1)
    axes.plot(tellable, row, "o", color=BLUE, label="tellable" if row == 0 else None)
    axes.plot(different, row, "s", color=ORANGE, label="different" if row == 0 else None)
    axes.plot(both, row, "D", color=INK, label="both" if row == 0 else None)
axes.set_yticks(range(len(scores)), list(scores))
axes.invert_yaxis()
axes.set_xlim(-0.03, 1.03)
axes.set_xlabel("share of 100 stories")
axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)
plt.show()

# %% [markdown]
# *Picture: nine settings, each with three marks. At temperature 0 «different» and «both» are at
# 0.01. As the temperature rises, «different» climbs to nearly 1 and «tellable» falls; «both» is
# smallest at temperature 0, small again at 1.5, and largest where the tail is cut by top p or
# min p.*
#
# The extremes lose. Cold, it repeats itself; hot, it babbles. Heat with a cut is far better than
# heat alone: the tail was where the mistakes lived. Is to cut the tail better than to cool? And
# does the repetition penalty help? This picture cannot say. With a hundred stories each, a
# difference of five hundredths is luck, and one of ten may be; of twenty it is not.
#
# At last, a page to show. Change the setting, and pin up your own.

# %%
page = list(dict.fromkeys(written["min p 0.1"]))[:9]
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained", facecolor=PAPER)
axes.axis("off")
axes.set_xlim(0, 1)
axes.set_ylim(len(page) + 0.4, -1.2)
axes.text(0, -0.7, "Nine short stories, by a writer of mine", fontsize=14, color=INK, va="center")
for row, text in enumerate(page):
    sound = bool(readings(text, grammar))
    axes.text(0, row + 0.3, "●" if sound else "○", color=BLUE if sound else ORANGE, va="center")
    shown = text if len(text) < 135 else text[:134] + "…"
    axes.text(0.025, row + 0.3, shown, color=INK, fontsize=8.5, va="center", family="serif")
plt.show()
assert len(page) == 9
assert sum(bool(readings(text, grammar)) for text in page) >= 4

# %% [markdown]
# *Picture: a page with nine stories of two sentences each. A full blue circle stands before those
# that the grammar can tell, an empty orange one before the others.*
#
# ### The project's open part (20 minutes, for a teacher to read)
#
# Make your writer better without training it longer, and show it by numbers. Some ideas: draw two
# stories and keep the likelier; give up a story when a word's share falls below a bar; find the
# best pair of temperature and min p. Use 300 stories, and say how sure you are.
#
# <details>
# <summary><em>For a teacher: the rubric, 6 points. It gives the answer.</em></summary>
#
# 1 for an idea that is stated before it is measured; 1 for code that uses the learner's own parts;
# 2 for a fair comparison (same number of stories, the third share and not the first alone,
# settings not chosen on the very stories that are then reported); 1 for an honest interval (about
# $\pm 0.05$ for a share near 0.7 of 300, two standard errors); 1 for saying what the score does not
# see: a tellable story may be dull, and «different» counts a changed colour as a new story.
#
# </details>
#
# ### An open question (10 minutes, for a teacher to read)
#
# A friend says: «Beam search finds likelier texts than drawing does. Likelier means better. So a
# chat program should use beam search with a hundred beams.» What is right in it, and what is not?
# Use what you have measured here.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for what is right: beams do find likelier texts, and where one answer is right (translation)
# that helps; 1 for seeing that the likeliest text is short, or generic, and not typical; 1 for no
# variety: the same answer each time, and loops; 1 for the cost: a hundred beams are a hundred texts
# at once, each with a cache of its own, or for noting that a model's log p is its own opinion, so
# that past some point searching better only finds its mistakes.
#
# </details>
#
# ## The full model
#
# What you saw was trained in seconds. In a terminal, `tinyllm course prepare stories` trains a
# full one, once, in about 6 minutes on two cores; the next cell then uses it.

# %%
full = prepared("stories")
if full is None:
    print("no full model here yet: tinyllm course prepare stories")
else:
    words = stream_text(full.model(), full.tokenizer(), "One Monday", 120, temperature=0.8)
    print("One Monday" + "".join(words))

# %% [markdown]
# ## What to remember
#
# - A model gives shares; a few lines of code make text of them.
# - Temperature stretches logits. Top k, top p and min p cut the tail: by count, by sum, by distance
#   from the best.
# - Greedy text loops. A penalty lowers what was said: divide above 0, multiply below.
# - Beam search looks for likely texts, and they are short and always the same.
# - Keys and values of what was read never change: keep them, and $T$ tokens cost $T$ positions
#   instead of $T (T + 1) / 2$.
# - Measure soundness and variety together; either alone is cheap.
#
# ## Where next
#
# Lesson 14 uses beams for what they are good at, translation. Lesson 16 writes answers, one after
# the other, and asks what a model makes up. In the package, read `tinyllm/generation/` and
# `tinyllm/nn/cache.py`. And read Holtzman et al. 2020, «The Curious Case of Neural Text
# Degeneration», [arXiv:1904.09751](https://arxiv.org/abs/1904.09751), where top p comes from.
