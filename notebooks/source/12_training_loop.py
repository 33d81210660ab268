# %% [markdown]
# # 12 The training loop in five steps, overfitting, and how to debug a run
#
# **You will be able to** write a training loop from nothing, and say what goes wrong when one of
# its five steps is; check a model before you train it; split data so that the validation loss tells
# the truth; see overfitting in a curve and treat it; and find out, from a curve and one small test,
# why a run is ill.
#
# **You need** lesson 10 (cross-entropy, log V, the floor), lesson 11 (the learning rate), and
# lesson 07 (the causal mask) for one of the patients. **Time:** about 45 minutes of reading, and
# 110 of exercises.
#
# ## Why
#
# A program with a bug stops, or gives an answer that is plainly wrong. A training with a bug goes
# on. The loss falls, a little more slowly than it might; or it falls wonderfully, because the model
# has found a way to cheat. Nothing tells you. A mistake of one character can cost a week, and the
# only trace that it leaves is the shape of a curve.
#
# So the craft has two halves. One is the loop itself, which has five steps and fits on half a
# screen. The other is suspicion: what should the loss be before the first step? How low can it go,
# and how low can it **not** go? Which small experiment would show that it is broken? At the end of
# this lesson five broken runs wait for your diagnosis.
#
# Letters: $N$ examples, $V$ words in the vocabulary, $B$ texts in a batch, $T$ positions.

# %%
import inspect
import math
import types

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import Grammar, World, stories
from tinyllm.generation import inference
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.nn.utils import clip_grad_norm_
from tinyllm.optim import SGD, AdamW
from tinyllm.training.learner import Learner
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, PURPLE, QUIET, dress

# %% [markdown]
# ## The idea in a picture
#
# Training goes round and round. **1.** Take a **batch**, a few examples. **2. Forward**: let the
# model predict. **3. Loss**: say with one number how bad that was. **4. Backward**: ask for every
# weight which way is worse. **5. Step**: move all weights the other way.

# %%
names = ["1 batch", "2 forward", "3 loss", "4 backward", "5 step"]
angles = math.pi / 2 - 2 * math.pi * np.arange(5) / 5
places = np.stack([1.6 * np.cos(angles), np.sin(angles)], axis=1)  # (5, 2)
figure, axes = plt.subplots(figsize=(5.6, 3.2), layout="constrained", facecolor=PAPER)
boxes = []
for name, place in zip(names, places, strict=True):
    frame = {"boxstyle": "round,pad=0.5", "fc": PAPER, "ec": BLUE}
    text = axes.text(*place, name, ha="center", va="center", color=INK, bbox=frame)
    boxes.append(text.get_bbox_patch())
for i in range(5):
    ends = {"patchA": boxes[i], "patchB": boxes[(i + 1) % 5], "shrinkA": 3, "shrinkB": 3}
    arrow = {"arrowstyle": "-|>", "color": ORANGE, "connectionstyle": "arc3,rad=-0.15", **ends}
    axes.annotate("", places[(i + 1) % 5], places[i], arrowprops=arrow)
axes.text(0, 0, "again, a few\nthousand times", ha="center", va="center", color=QUIET)
axes.set(xlim=(-2.3, 2.3), ylim=(-1.2, 1.3))
axes.axis("off")
plt.show()

# %% [markdown]
# *Picture: five boxes in a ring, batch, forward, loss, backward, step, with an arrow from each to
# the next, and from the last to the first.*
#
# ## The smallest numeric example
#
# The model is $\hat y = w x$, with one weight. The batch: $x = (1, 2)$, $y = (3, 6)$. Begin with
# $w = 0$, and go once round with a pencil:
#
# 1. **Batch.** All two examples.
# 2. **Forward.** $\hat y = (0, 0)$.
# 3. **Loss.** The errors $\hat y - y$ are $(-3, -6)$; the mean of their squares is
#    $(9 + 36) / 2 = 22.5$.
# 4. **Backward.** The slope is the mean of $2 \cdot \text{error} \cdot x$:
#    $(-6 - 24) / 2 = -15$.
# 5. **Step** with a rate of 0.1: $w = 0 + 1.5 = 1.5$.
#
# Once more: the errors are $(-1.5, -3)$, the loss is 5.625, the slope -7.5, and $w = 2.25$. The
# distance to the right answer, 3, halves in each round. Lesson 11 says why: the curvature is
# $2 \cdot (1 + 4) / 2 = 5$, and $1 - 0.1 \cdot 5 = 0.5$.
#
# In tinyllm, as in PyTorch, the same is five lines, and one more:

# %%
x, y = tinyllm.tensor([1.0, 2.0]), tinyllm.tensor([3.0, 6.0])  # 1: the batch, (2,) each
w = tinyllm.tensor(0.0, requires_grad=True)
optimizer = SGD([w], lr=0.1)
seen = []
for _ in range(3):
    predicted = w * x  # 2: forward, (2,)
    loss = ((predicted - y) ** 2).mean()  # 3: loss, ()
    optimizer.zero_grad()  # forget the gradient of the step before
    loss.backward()  # 4: backward
    optimizer.step()  # 5: step
    seen.append((round(loss.item(), 4), round(w.grad.item(), 4), round(w.item(), 4)))
print("loss, slope, new w:", seen)
assert np.allclose(seen[:2], [(22.5, -15, 1.5), (5.625, -7.5, 2.25)])

# %% [markdown]
# ### Exercise 1: `cut_into_batches` (easy, 5 minutes, 2 points)
#
# When every example has been used once, an **epoch** is over. For each, the order is shuffled
# anew, so that batches are a fair sample, and cut into pieces. In one line: cut the shuffled
# `order` $(N)$ into a list of batches of `batch_size`. The last may be shorter.


# %%
def cut_into_batches(order, batch_size):
    ### BEGIN SOLUTION
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    ### END SOLUTION


# %%
check(cut_into_batches)

# %% [markdown]
# ### Exercise 2: find the bug (medium, 10 minutes, 4 points)
#
# A colleague writes the loop without a package, for the example above. It goes wrong:


# %%
def swinging_fit(x, y, lr, steps):
    w, grad, losses = 0.0, 0.0, []
    for _ in range(steps):
        error = w * x - y  # (N,)
        losses.append((error**2).mean())
        grad += (2 * error * x).mean()
        w = w - lr * grad
    return w, losses


x, y = np.array([1.0, 2.0]), np.array([3.0, 6.0])  # (N,)
swings = {lr: swinging_fit(x, y, lr, 60)[1] for lr in (0.1, 0.01)}
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(swings[0.1], color=ORANGE, label="lr 0.1")
axes.plot(swings[0.01], color=BLUE, label="lr 0.01")
axes.set_ylim(0, 32)
axes.set_xlabel("step")
axes.set_ylabel("loss")
axes.legend(frameon=False, loc="upper right", ncol=2)
plt.show()
assert max(swings[0.1][-10:]) > 15
assert max(swings[0.01][-20:]) > 15

# %% [markdown]
# *Picture: two losses against steps. Both swing between 0 and more than 20 and never come to rest,
# the one with the smaller rate only more slowly.*
#
# A smaller rate does not help; the swings become slower, and stay as high. The weight goes to and
# fro like a pendulum. Find out why, and write `fit_line` without the bug.


# %%
def fit_line(x, y, lr, steps):
    ### BEGIN SOLUTION
    w, losses = 0.0, []
    for _ in range(steps):
        error = w * x - y  # (N,)
        losses.append((error**2).mean())
        grad = (2 * error * x).mean()
        w = w - lr * grad
    return w, losses
    ### END SOLUTION


# %%
check(fit_line)

# %% [markdown]
# ### Exercise 3: `train_table` (hard, 24 minutes, 6 points)
#
# Now all five steps for a language model, the smallest there is: a table of logits $(V, V)$, one
# row for each word, which says what comes next (lesson 10 counted such a table; here it is
# trained). `inputs` and `targets` are $(\text{steps}, N)$: row $t$ is the batch of step $t$. Begin
# with zeros. In each step: forward, the row of each input, $(N, V)$; loss, the mean cross-entropy
# of the targets; backward, $(p - y) / N$ for the logits, and from there to the rows of the table;
# step. Return the table and the list of losses. Mind a word that comes twice in a batch.


# %%
def train_table(inputs, targets, V, lr):
    ### BEGIN SOLUTION
    table, losses = np.zeros((V, V)), []
    for x, y in zip(inputs, targets, strict=True):  # 1: a batch, (N,) and (N,)
        logits = table[x]  # 2: forward, (N, V)
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares = shares / shares.sum(axis=-1, keepdims=True)
        right = np.arange(len(x)), y
        losses.append(-np.log(shares[right]).mean())  # 3: loss
        shares[right] -= 1  # 4: backward, p - y
        grad = np.zeros((V, V))
        np.add.at(grad, x, shares / len(x))
        table = table - lr * grad  # 5: step
    return table, losses
    ### END SOLUTION


# %%
check(train_table)

# %% [markdown]
# And here is the loop of `tinyllm train`. `_gradients` has steps 1 to 4, with three things more:
# it may add up the gradients of several small batches in the place of one large one, it clips
# (lesson 11), and it stops when the norm is not finite. `update` has step 5.

# %%
print(inspect.getsource(Learner._gradients))
update = inspect.getsource(Learner.update)
print(update[update.index("        for optimizer") : update.index("        self.step += 1")])

# %% [markdown]
# ## Before you train
#
# Two checks take seconds, and find most bugs before they have cost anything. We make them on the
# model that this lesson trains, a small decoder for the stories of the micro world (lesson 10).

# %%
grammar = Grammar(World(seed=0, size="micro"))
fresh = list(stories(grammar, 900))
held_out = list(stories(grammar, 30, split="validation"))
vocabulary = ["<s>", *sorted({word for story in fresh for word in story.words})]
number = {word: i for i, word in enumerate(vocabulary)}
log_v = math.log(len(vocabulary))
floor = -sum(s.log_prob for s in held_out) / sum(len(s.words) for s in held_out)


def batch(some, shift=True):
    """Inputs and targets (B, T); the inputs begin with <s>, and padding is not asked."""
    T = max(len(story.words) for story in some)
    inputs = np.zeros((len(some), T), dtype=np.int64)
    targets = np.full((len(some), T), -100)
    for row, story in enumerate(some):
        ids = [number[word] for word in story.words]
        targets[row, : len(ids)] = ids
        if shift:
            inputs[row, 1 : len(ids)] = ids[:-1]
        else:
            inputs[row, : len(ids)] = ids
    return tinyllm.tensor(inputs), tinyllm.tensor(targets)


def new_model(dropout=0.0):
    """The same small decoder each time."""
    tinyllm.manual_seed(0)
    sizes = {"context_length": 32, "layers": 1, "heads": 4, "width": 48, "positions": "rotary"}
    return Decoder(DecoderConfig(vocab_size=len(vocabulary), dropout=dropout, **sizes))


# %%
print(f"{len(vocabulary)} words: log V is {log_v:.2f}; the floor is {floor:.3f} nats per word")
print(f"first loss {new_model().loss(*batch(fresh[:12])).item():.2f}")
assert abs(new_model().loss(*batch(fresh[:12])).item() - log_v) < 0.15
assert 0.38 < floor < 0.5

# %% [markdown]
# **The first loss should be $\log V$** (lesson 10): a model that knows nothing should claim
# nothing. Far above, and the first logits are too large; far below, and the model can see what it
# should not.
#
# **It should be able to learn one batch by heart.** Take a few examples, and train on them alone.
# Every mistake in the loss, the targets or the backward stands in the way of this; a mistake in
# the data does not. If it fails on 8 stories, it will not succeed on 8 million.
#
# ### Predict, then run (4 minutes)
#
# Nobody can bring the loss on new stories below the floor printed above. We train on 8 stories,
# always the same, for 60 steps. What is the training loss after that, in nats per word?

# %%
my_loss = None
### BEGIN SOLUTION
my_loss = 0.0
### END SOLUTION


# %%
eight, model = batch(fresh[:8]), new_model()
optimizer, by_heart = AdamW(model.parameters(), lr=0.01), []
for _ in range(60):
    loss = model.loss(*eight)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    by_heart.append(loss.item())
reveal("12", "loss of eight stories learnt by heart", my_loss, by_heart[-1])

words = sum(len(story.words) for story in fresh[:8])
least = 8 * math.log(8) / words  # which of the eight it is, one must guess
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.semilogy(by_heart, color=BLUE, label="eight stories, again and again")
axes.axhline(floor, color=ORANGE, label="the floor for new stories")
axes.axhline(least, color=QUIET, linestyle=":", label="log 8 for each story")
axes.set_yticks([0.1, 0.5, 1, 4], ["0.1", "0.5", "1", "4"])
axes.set_yticks([], minor=True)
axes.set_xlabel("step")
axes.set_ylabel("loss, nats per word")
axes.legend(frameon=False)
plt.show()
print(f"last {by_heart[-1]:.3f}, log 8 for each story {least:.3f}")
assert len({story.text for story in fresh[:8]}) == 8

# %%
assert least < by_heart[-1] < 0.25

# %% [markdown]
# *Picture: loss against steps, on a logarithmic scale. It falls from 4 through the orange line of
# the floor and levels off just above a dotted line at about 0.11.*
#
# Far below the floor, which is a floor for **new** stories only. And still not 0: the model must
# guess which of the eight it has before it, and $\log 8$ nats for each story is the price of that.
# A curve like this says that model, loss, backward and optimizer work together.
#
# ## Training, validation
#
# So a training loss says how well a text has been learnt by heart. What we want to know is how the
# model does on texts that it has not seen. Put some aside, never train on them, and measure on them
# now and then: the **validation** set. If you choose by it (when to stop, which learning rate), its
# loss becomes a little too good in its turn, so there is a third part, the **test** set, that is
# looked at once.
#
# The split has a trap. Texts come in copies: reprints, quotations, the same page twice. If one copy
# is held out and the other is trained on, the validation loss praises the memory.
#
# ### Exercise 4: `held_out_positions` (medium, 12 minutes, 4 points)
#
# `texts` is a list of strings, shuffled already. Hold out the first `count` **different** texts,
# with all their copies. Return the positions for training and those for validation, two lists in
# rising order: `held_out_positions(["b", "a", "b"], 1)` is `([1], [0, 2])`.


# %%
def held_out_positions(texts, count):
    ### BEGIN SOLUTION
    held_out = set(list(dict.fromkeys(texts))[:count])
    training = [i for i, text in enumerate(texts) if text not in held_out]
    return training, [i for i, text in enumerate(texts) if text in held_out]
    ### END SOLUTION


# %%
check(held_out_positions)

# %% [markdown]
# ## Overfitting
#
# Here is the loop once more, as a function with switches. Some of them are for what follows now,
# and some are there to break it later.


# %%
def train(
    data, steps=72, lr=0.01, dropout=0.0, weight_decay=0.0, forget=True, shift=True, see=None
):
    """Train on stories; the losses, the validation losses, the gradients' norms, and the model."""
    model, order, shuffle = new_model(dropout), [], np.random.default_rng(0)
    if see is not None:
        see(model)  # let it see what it should not
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    losses, validation, norms, to_ask = [], [], [], batch(held_out, shift)
    for step in range(steps):
        if len(order) < 12:
            order = list(shuffle.permutation(len(data)))  # a new epoch
        some, order = [data[i] for i in order[:12]], order[12:]
        loss = model.loss(*batch(some, shift))
        if forget:
            optimizer.zero_grad()
        loss.backward()
        norms.append(clip_grad_norm_(model.parameters(), math.inf).item())
        optimizer.step()
        losses.append(loss.item())
        if step % 8 == 7:
            with inference(model):  # no tape, no dropout
                validation.append(model.loss(*to_ask).item())
    return np.array(losses), np.array(validation), np.array(norms), model


# %%
def draw(axes, run, title, high=4.5):
    """Training and validation losses, with log V and the floor."""
    losses, validation = run[:2]
    dress(axes)
    axes.plot(losses, color=BLUE, alpha=0.6, linewidth=1, label="training")
    axes.plot(np.arange(8, len(losses) + 1, 8), validation, "o-", color=ORANGE, markersize=4,
              label="validation")  # fmt: skip
    axes.axhline(log_v, color=QUIET, linestyle=":", linewidth=1)
    axes.axhline(floor, color=GREEN, linewidth=1)
    axes.set_ylim(0, high)
    axes.set_title(title, loc="left", color=INK, fontsize=10)
    axes.set_xlabel("step")


# %% [markdown]
# The same model, the same learning rate, the same size of batch: once on 30 stories, seen over and
# over, for 96 steps; and once on 900, for 72 steps, in which each is seen once at most.

# %%
few, many = train(fresh[:30], steps=96), train(fresh)
figure, panels = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
figure.set_facecolor(PAPER)
draw(panels[0], few, "30 stories, 38 times each")
draw(panels[1], many, "900 stories, once each")
panels[0].set_ylabel("nats per word")
panels[1].legend(frameon=False)
plt.show()
best = int(few[1].argmin())
print(f"30 stories: training {few[0][-8:].mean():.2f}; validation {few[1][best]:.2f} at best,")
print(f"after {8 * best + 8} steps, and {few[1][-1]:.2f} at the end")
print(f"900 stories: training {many[0][-8:].mean():.2f}, validation {many[1][-1]:.2f}")
assert few[0][-8:].mean() < floor
assert few[1][-1] > few[1][best] + 0.2
assert abs(many[1][-1] - many[0][-8:].mean()) < 0.15
assert many[1][-1] < 0.8

# %% [markdown]
# *Picture: two panels. Left, the training loss falls below the green line of the floor, while the
# validation loss turns after some 40 steps and rises. Right, both fall together towards the line.*
#
# This is **overfitting**: the model learns what is true of these 30 stories, and no longer what is
# true of stories. The sign is not that the training loss is lower; it always is, a little. The sign
# is that the validation loss **rises again**. The damage is worse than it looks. A model that is
# sure of what it has by heart bets high, and cross-entropy punishes high bets (lesson 10).
#
# The cures, the best first:
#
# - **More data.** The one cure that teaches the model something.
# - **Stop early.** Keep the weights of the best validation loss.
# - **Dropout.** In each step put a random share of the numbers inside the model to 0, so that it
#   cannot rely on any single one.
# - **Weight decay** (lesson 11). Large weights are needed for learning by heart; make them dear.
# - A smaller model: less to remember with.

# %%
cures = {
    "none": few,
    "dropout 0.3": train(fresh[:30], steps=96, dropout=0.3),
    "weight decay 1": train(fresh[:30], steps=96, weight_decay=1.0),
    "100 stories": train(fresh[:100], steps=96),
}
figure, axes = plt.subplots(figsize=(7.5, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
for (name, run), colour, mark in zip(
    cures.items(), (ORANGE, PURPLE, BLUE, GREEN), "o^sd", strict=True
):
    axes.plot(np.arange(8, 97, 8), run[1], f"{mark}-", color=colour, markersize=4, label=name)
axes.axhline(floor, color=QUIET, linestyle=":", label="the floor")
axes.set_ylim(0.3, 1.6)
axes.set_xlabel("step")
axes.set_ylabel("validation loss")
axes.legend(frameon=False, ncol=2)
plt.show()
lowest = {name: round(float(run[1].min()), 2) for name, run in cures.items()}
print("at best", lowest, "\nat last", {n: round(float(r[1][-1]), 2) for n, r in cures.items()})
assert lowest["100 stories"] < min(lowest["dropout 0.3"], lowest["weight decay 1"]) - 0.1
for name in ("dropout 0.3", "weight decay 1"):
    assert cures[name][1][-1] < few[1][-1] - 0.1

# %% [markdown]
# *Picture: four validation losses against steps. Without a cure the curve turns and rises. Dropout
# and weight decay keep it nearly level after its turn. With 100 stories it goes on falling, far
# below all others.*
#
# Compare the lowest points, which are what early stopping would keep. Dropout and weight decay make
# the disease milder, and the best loss a little better at most. Three times the data do far more.
# Models that see every text just once, as most large ones do, hardly overfit, and are trained
# without dropout.
#
# ### Exercise 5: `early_stop` (medium, 12 minutes, 4 points)
#
# `losses` are validation losses in their order, counted from 0. The training stops as soon as the
# best so far lies `patience` measurements back; an equal loss is no improvement. Return the pair:
# which measurement is kept, and which was the last to be made.


# %%
def early_stop(losses, patience):
    ### BEGIN SOLUTION
    best = 0
    for now, loss in enumerate(losses):
        if loss < losses[best]:
            best = now
        elif now - best >= patience:
            return best, now
    return best, len(losses) - 1
    ### END SOLUTION


# %%
check(early_stop)

# %% [markdown]
# ### Exercise 6: `inverted_dropout` (easy, 5 minutes, 2 points)
#
# In training each number is dropped with probability `p`. What stays is made larger, so that the
# mean over many masks is the number itself, and nothing is to be done when the model is used. In
# one line, for `x` and a mask `keep` of one shape, in which True stays.


# %%
def inverted_dropout(x, keep, p):
    ### BEGIN SOLUTION
    return np.where(keep, x, 0.0) / (1 - p)
    ### END SOLUTION


# %%
check(inverted_dropout)

# %% [markdown]
# Dropout has a bug of its own: to measure with it on. `model.eval()` switches it off, and
# `model.train()` on again; `inference(model)` does both, and tapes nothing. How much would it cost
# to forget?

# %%
model, to_ask = cures["dropout 0.3"][3], batch(held_out)
tinyllm.manual_seed(1)
model.train()
noisy = [model.loss(*to_ask).item() for _ in range(5)]
model.eval()
quiet = [model.loss(*to_ask).item() for _ in range(5)]
print("with dropout", np.round(noisy, 3), " without", np.round(quiet, 3))
assert len(set(quiet)) == 1
assert np.mean(noisy) > quiet[0]
assert len(set(noisy)) == 5

# %% [markdown]
# The same model on the same texts: with dropout another answer each time, too high on average.
#
# ## The clinic
#
# Five patients, each the healthy run of 72 steps with **one** mistake. In no order:
#
# - **learning rate**: it is 30 times too high.
# - **zero_grad**: the gradients are never emptied.
# - **shift**: the targets are the inputs themselves, and not the words after them.
# - **future**: the attention has no causal mask.
# - **validation**: the 30 validation stories are in the training set, with 10 others.
#
# First the chart. The upper row has the losses, with $\log V$ dotted and the floor in green; note
# that patients A and C have another scale. The lower row has the norm of the gradient.


# %%
def see_the_future(model):
    """Give the attention a forward without its causal mask."""

    def forward(self, x, stream=None, cache=None, prefix=None):
        qkv = self._turned(self.qkv(x), 0)  # (B, T, 3 C), queries and keys turned by position
        mixed = F.self_attention(qkv, self.heads, self.kv_heads, 0.0, is_causal=False)
        return self.out(mixed, onto=stream)

    attention = model.blocks[0].attention
    attention.forward = types.MethodType(forward, attention)


# %%
patients = {
    "A": train(fresh, forget=False),
    "B": train(fresh, see=see_the_future),
    "C": train(fresh, lr=0.3),
    "D": train(held_out + fresh[:10]),
    "E": train(fresh, shift=False),
}
figure, panels = plt.subplots(
    2, 5, figsize=(11.5, 4), sharex=True, layout="constrained", height_ratios=[2, 1]
)
figure.set_facecolor(PAPER)
for (letter, run), (upper, lower) in zip(patients.items(), panels.T, strict=True):
    draw(upper, run, f"patient {letter}", high=13 if letter in "AC" else 4.5)
    upper.set_xlabel("")
    dress(lower)
    lower.plot(run[2], color=QUIET)
    lower.set_ylim(0, max(4, run[2].max() * 1.1))
    lower.set_xlabel("step")
panels[0, 0].set_ylabel("nats per word")
panels[1, 0].set_ylabel("norm")
panels[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
plt.show()

# %% [markdown]
# *Picture: five pairs of curves. A: the losses fall to about 2.5 and rise again above log V; the
# norm climbs all the time. B: as if healthy, but both losses go through the green line at the end.
# C: the training loss shoots up to 12 in the first steps; from step 16 on both losses stay between
# about 3 and 5. D: both losses fall together, and to the green line or below. E: begins below
# log V, and is close to 0 after 25 steps.*
#
# ### Predict, then run (8 minutes)
#
# Write your diagnosis for each: «learning rate», «zero_grad», «shift», «future», «validation».
# Two questions help. Who cheats, and who fails? And of the cheats: who found it easy?

# %%
my_diagnoses = None
### BEGIN SOLUTION
my_diagnoses = {"A": "zero_grad", "B": "future", "C": "learning rate"}
my_diagnoses |= {"D": "validation", "E": "shift"}
### END SOLUTION

# %%
truth = {"A": "zero_grad", "B": "future", "C": "learning rate", "D": "validation", "E": "shift"}
for letter, name in truth.items():
    reveal("12", f"patient {letter}", (my_diagnoses or {}).get(letter), name)
loss_of, validation_of = ({k: run[i] for k, run in patients.items()} for i in (0, 1))
assert loss_of["A"][1] == many[0][1]  # as in the healthy run: before, there was nothing to forget
assert patients["A"][2][-1] > 10 * patients["A"][2][0]
assert loss_of["A"][-8:].mean() > log_v > loss_of["C"][-8:].mean()
assert loss_of["C"][:10].max() > 8
assert validation_of["B"][-1] < floor - 0.05
assert validation_of["B"][3] > floor
assert validation_of["D"][-1] < many[1][-1] - 0.1
assert loss_of["E"][0] < log_v - 0.5
assert validation_of["E"][3] < 0.1

# %% [markdown]
# **A and C fail.** C is at its worst in the first steps: a rate that is too high does its damage at
# once. A is exactly as the healthy run for two steps, because there was nothing to forget yet; then
# the old gradients pile up, and its norm climbs without end. A's loss swings, as in exercise 2, and
# a lower rate would only slow it down.
#
# **B, D and E cheat.** No honest validation loss lies below the floor. E found it easy: to copy is
# the first thing that a model learns, and since this one reads and writes with the same vectors, it
# copies a little even before the first step, so it **begins** below $\log V$. B must first find out
# that the answer stands one place ahead, so it learns the honest things at first, and the cheat
# later. D has no better way than to learn its stories by heart, which takes long; what gives it
# away is that 40 stories, 20 times each, should overfit, and its validation loss does not rise.
#
# A curve raises a suspicion. It is confirmed by a test that only this fault can fail. Here is one
# for each cheat, and one for A.

# %%
ids, targets = batch(held_out[:1])  # (1, T)
last = ids.numpy().copy()
last[0, -1] = (last[0, -1] + 1) % len(vocabulary)
with inference(patients["B"][3]), inference(many[3]):
    moved = [
        np.abs((m(ids) - m(tinyllm.tensor(last))).numpy()[0]).max(axis=-1)  # (T,)
        for m in (patients["B"][3], many[3])
    ]
print("another last word moves earlier answers: B", (moved[0][:-1] > 0).sum(),
      " healthy", (moved[1][:-1] > 0).sum(), " of", ids.shape[1] - 1)  # fmt: skip
assert (moved[0][:-1] > 0).all()
assert (moved[1][:-1] == 0).all()

with inference(patients["E"][3]):
    unshifted = batch(held_out[:1], shift=False)[0]
    answers = patients["E"][3](unshifted).numpy().argmax(axis=-1)  # (1, T)
print(f"E answers with its own input at {(answers == unshifted.numpy()).mean():.0%} of all places")
assert (answers == unshifted.numpy()).mean() > 0.95

told = {story.text for story in held_out + fresh[:10]}
print(
    f"of the validation stories {np.mean([s.text in told for s in held_out]):.0%} are in D's data"
)
assert all(story.text in told for story in held_out)

# %%
first, norms = batch(fresh[:12]), []
model = new_model()
for _ in range(3):  # the same batch, no step: the gradient should be the same
    model.loss(*first).backward()
    norms.append(round(clip_grad_norm_(model.parameters(), math.inf).item(), 3))
print("A: norms for the same batch and the same weights, without zero_grad", norms)
assert np.allclose(np.array(norms) / norms[0], [1, 2, 3], rtol=0.01)

# %% [markdown]
# And C? Divide its rate by 30, and it is the healthy run. That is the test: try a third and a tenth
# of the rate. If the trouble goes, it was the rate.
#
# ### Exercise 7: `suspect` (hard, 18 minutes, 5 points)
#
# Write a first look at a run, as a program that watches a hundred runs at night would take it.
# `train` and `validation` are arrays of losses, in their order. Ask these questions in this order,
# and return the word of the first that is answered with yes:
#
# | question | word |
# |---|---|
# | Is any training loss not finite, or the last above the first? | `"diverges"` |
# | Is the first training loss more than 0.5 away from `log_v`? | `"bad start"` |
# | Is the lowest validation loss below `floor` by more than 0.05? | `"leak"` |
# | Is the last training loss above `log_v` - 0.5? | `"learns nothing"` |
# | Is the last validation loss above the lowest by more than 0.1? | `"overfits"` |
# | none of these | `"healthy"` |


# %%
def suspect(train, validation, log_v, floor):
    ### BEGIN SOLUTION
    if not np.isfinite(train).all() or train[-1] > train[0]:
        return "diverges"
    if abs(train[0] - log_v) > 0.5:
        return "bad start"
    if validation.min() < floor - 0.05:
        return "leak"
    if train[-1] > log_v - 0.5:
        return "learns nothing"
    if validation[-1] > validation.min() + 0.1:
        return "overfits"
    return "healthy"
    ### END SOLUTION


# %%
check(suspect)

# %% [markdown]
# ### An open question (10 minutes, for a teacher to read)
#
# Somebody trains a model of program code on 10,000 files from public repositories, split at random
# into training and validation files. The training loss falls to 0.35, the validation loss to 0.41,
# and both are still falling. In the hands of users the model does far worse than 0.41. Name two
# explanations that the curves cannot exclude, and for each a test that could prove you wrong. How
# would you have split the files?
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for copies across the split (forks, vendored libraries, licences at the head of files), with a
# test such as counting shared lines or files, or measuring the loss on validation files without
# near copies; 1 for another explanation with its test (users' code is of another kind: measure on a
# sample of it; a leak of the future that is gone when code is generated: change the last token and
# look; another way of cutting into tokens or contexts in use); 1 for seeing that a validation loss
# close to the training loss speaks against overfitting only if the split is clean; 1 for a split by
# repository or by family of forks, or by date, not by file.
#
# </details>
#
# ## What to remember
#
# - Five steps: batch, forward, loss, backward, step; and forget the gradient before each backward.
# - Before training: the first loss is $\log V$, and one batch can be learnt by heart.
# - The training loss says what is known by heart. Validation texts must have no copy in training.
# - Overfitting is a validation loss that rises again. More data, stop early, dropout, weight decay.
# - Measure with dropout off.
# - A loss that is too good is a bug until it is explained: no shift, a leak, copies in training.
# - A curve raises a suspicion; a small test that only this fault can fail confirms it.
#
# ## Where next
#
# Lesson 13 lets a trained model write. To look further now, read `tinyllm/training/loop.py` and
# `tinyllm/training/divergence.py`, which names the layer where a NaN began; and Karpathy 2019, «A
# Recipe for Training Neural Networks»,
# [karpathy.github.io](https://karpathy.github.io/2019/04/25/recipe/). Dropout is from Srivastava et
# al. 2014, «Dropout: A Simple Way to Prevent Neural Networks from Overfitting».
