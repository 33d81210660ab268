# %% [markdown]
# # 20 Frequently asked: how long, which one, how good
#
# **You will be able to** say before a training how many parameters it has, how much memory and how
# many operations it takes, and how long that is on your machine; choose among models by size,
# quality and cost; say how large a test must be; and build a planner that answers all of it, held
# against a real run.
#
# **You need** lesson 10 (loss, and its floor), lesson 07 (shapes in attention), what a
# Transformer's block is made of (lesson 08), and the training loop (lesson 12). **Time:** about 45
# minutes of reading, and 140 of exercises; about half of those are the project.
#
# ## Why
#
# Three questions are asked after every talk on language models. **How long does training take?**
# «Weeks or months», say the books. **Which model should I use?** «It depends.» **How good is it?**
# «It has a perplexity of 12.» All three answers are true, and none of them helps.
#
# Each question has a better answer, and it is arithmetic. What a training costs can be counted from
# five numbers before it begins. What a machine can do is measured in a second. What a model of
# twice the size would gain is read off a straight line, if you draw it between the right axes, and
# may be wrong; so you will hold it against a real run.
#
# Letters: $V$ words, $T$ positions, $C$ width, $L$ blocks, $B$ texts in a batch, $N$ parameters.

# %%
import textwrap
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import Grammar, World, stories
from tinyllm.generation import inference
from tinyllm.metrics.proportion import proportion
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.optim import AdamW
from tinyllm.training.accounting import account, overview, table
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, QUIET, dress

rng = np.random.default_rng(20)

# %% [markdown]
# ## The idea in a picture
#
# Everything hangs on one chain. The **sizes** give the parameters; parameters give memory, and,
# with the **number of tokens**, the operations; operations and a **machine's speed** give time;
# time and a **price** give money. Only what is in bold has to be known.

# %%
figure, axes = plt.subplots(figsize=(8.5, 1.9), layout="constrained", facecolor=PAPER)
axes.axis("off")
boxes = {
    "V T C L": (0.4, 1, BLUE), "parameters": (2.2, 1, INK), "bytes": (4.2, 1.6, INK),
    "operations": (4.2, 0.6, INK), "tokens": (2.2, 0, BLUE), "machine": (4.2, -0.3, BLUE),
    "time": (6.2, 0.6, INK), "price": (6.2, -0.3, BLUE), "money": (8, 0.6, INK),
}  # fmt: skip
arrows = ("V T C L>parameters", "parameters>bytes", "parameters>operations", "tokens>operations",
          "operations>time", "machine>time", "time>money", "price>money")  # fmt: skip
for arrow in arrows:
    one, other = arrow.split(">")
    (x, y, _), (to_x, to_y, _) = boxes[one], boxes[other]
    begins, ends = x + 0.1 + 0.05 * len(one), to_x - 0.1 - 0.05 * len(other)
    axes.annotate("", (ends, to_y), (begins, y), arrowprops={"arrowstyle": "->", "color": QUIET})
for name, (x, y, colour) in boxes.items():
    axes.text(x, y, name, ha="center", va="center", color=PAPER,
              bbox={"boxstyle": "round", "facecolor": colour, "edgecolor": colour})  # fmt: skip
axes.set_xlim(-0.3, 8.6)
axes.set_ylim(-0.7, 2)
plt.show()

# %% [markdown]
# *Picture: boxes with arrows. From the sizes V T C L to parameters, from there to bytes and to
# operations, where the number of tokens comes in; on to time, where the machine comes in; on to
# money, where the price comes in. The four that must be known are blue.*
#
# ## The smallest numeric example
#
# A matrix with 2 rows and 3 columns is multiplied with a vector of 2 numbers. How much work is it?
# There are 3 results. Each is a sum of 2 products: 2 multiplications and 2 additions (the first one
# adds to 0). Together 12 operations, for 6 numbers in the matrix: **2 operations for each
# parameter**, whatever the shape. (They are called FLOPs, floating-point operations.)
#
# So a model of $N$ parameters takes about $2N$ operations for a token. In training there is a
# backward too: each product $y = xW$ needs two products there, one for the gradient of $x$ and one
# for that of $W$. That is twice the forward: $2N + 4N = 6N$ **operations for each token**.
#
# Take GPT-2, with 124 million parameters, and 10 billion tokens: $6 \cdot 1.24 \cdot 10^8 \cdot
# 10^{10} = 7.4 \cdot 10^{18}$. A large graphics card does $3 \cdot 10^{14}$ in a second at its
# best, and reaches perhaps 40 % of that: 62,000 seconds, 17 hours. A laptop that reaches $10^{11}$
# needs 2.4 years.

# %%
operations = 2 * np.ones((2, 3)).size
training = 6 * 124e6 * 10e9
card, laptop = training / (3e14 * 0.4), training / 1e11
print(operations, f"{training:.2e}", f"{card / 3600:.1f} hours, {laptop / 3.156e7:.2f} years")
assert operations == 12
assert abs(training - 7.44e18) < 1e16
assert 17 <= card / 3600 < 17.5
assert 2.3 < laptop / 3.156e7 < 2.4

# %% [markdown]
# ## How long? First count exactly
#
# $6N$ is a rule of thumb. It takes tables that are only looked up for work, and forgets attention,
# which has no parameters of its own: scores and mixtures. tinyllm counts line by line.

# %%
V, T, C, L, B = 58, 32, 32, 2, 16


def decoder(C, L, vocab_size=V):
    """A GPT-2 without biases, its first weights always the same."""
    tinyllm.manual_seed(0)
    sizes = {"context_length": T, "layers": L, "heads": 2, "width": C, "bias": False}
    return Decoder(DecoderConfig.gpt2(vocab_size=vocab_size, **sizes))


cost = account(decoder(C, L))
print(table(cost))
print(textwrap.fill(overview(cost), 110))
assert cost.training_flops == 3 * cost.forward_flops

# %% [markdown]
# Read it line by line. A block has four matrices: `qkv` makes queries, keys and values, $C \times
# 3C$; `out` is $C \times C$; `up` and `down` of the MLP are $C \times 4C$ and $4C \times C$.
# Together $12 C^2$. Its two norms have $C$ each. The head is the table of tokens once more, so it
# has no parameters, but it does multiply.
#
# ### Exercise 1: `decoder_parameter_count` (easy, 10 minutes, 3 points)
#
# Count the parameters from $V, T, C, L$: two tables, the blocks, and a last norm of $C$.


# %%
def decoder_parameter_count(V, T, C, L):
    ### BEGIN SOLUTION
    return V * C + T * C + L * (12 * C * C + 2 * C) + C
    ### END SOLUTION


# %%
check(decoder_parameter_count)

# %% [markdown]
# ### Exercise 2: `training_step_flops` (medium, 14 minutes, 4 points)
#
# Now the operations of one training step with $B$ texts of $T$ tokens each. Matrices cost 2
# operations for each of their numbers and token, and so does the head. In each layer, attention
# adds $2 C (T + 1)$ for a token: 2 C for the score with each key, 2 C for its value, and $(T + 1) /
# 2$ keys in the mean under the causal mask. Norms and sums are left out, as usual. The backward
# costs twice the forward.


# %%
def training_step_flops(V, T, C, L, B):
    ### BEGIN SOLUTION
    matrices = L * 12 * C * C + V * C
    attention = L * 2 * C * (T + 1)
    return 3 * (2 * matrices + attention) * B * T
    ### END SOLUTION


# %%
check(training_step_flops)

# %% [markdown]
# How far is $6N$ off? For a narrow model that reads long texts, far: there attention weighs much.
# The ratio below is the exact count over $6N$.


# %%
def exact_over_rule(C, V, T, L):
    """The exact count of a token's operations in training over 6 N."""
    N = (V + T) * C + L * (12 * C * C + 2 * C) + C
    return 3 * (2 * (L * 12 * C * C + V * C) + L * 2 * C * (T + 1)) / (6 * N)


widths = 2 ** np.arange(4, 13)
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
for context, colour in ((32, BLUE), (256, GREEN), (2048, ORANGE)):
    axes.plot(widths, exact_over_rule(widths, 1000, context, 12), "o-", color=colour,
              label=f"T = {context}")  # fmt: skip
axes.axhline(1, color=QUIET, linestyle=":")
axes.set_xscale("log", base=2)
axes.set_ylim(0, 6)
axes.set_xlabel("width C, with 12 blocks and 1,000 words")
axes.set_ylabel("exact count / 6 N")
axes.legend(frameon=False)
plt.show()
assert 0.99 < exact_over_rule(4096, 1000, 32, 12) < 1.01
assert exact_over_rule(128, 1000, 2048, 12) > 1.8
assert exact_over_rule(32, V, T, L) == cost.training_flops / (6 * cost.parameters)

# %% [markdown]
# *Picture: the ratio against the width for three context lengths. All lines end near 1 at a width
# of 4,096. For short contexts they lie near 1 almost everywhere; with 2,048 positions the line
# starts far above 1, and only comes down when the model is wide.*
#
# Rules of thumb belong to the sizes that they were made for. $6N$ was made for wide models.
#
# ## Then measure the machine
#
# A maker tells you a **peak**: so many operations a second. No training reaches it. Some time goes
# to memory, some to Python, and small products do not fill the machine. What is reached over what
# could be is the **utilisation**. So do not look the speed up; measure it, with a model like yours.

# %%
a = np.ones((512, 512), np.float32)
peak_seconds = []
for _ in range(12):
    begun = perf_counter()
    a @ a
    peak_seconds.append(perf_counter() - begun)
peak = 2 * 512**3 / min(peak_seconds)


def step_seconds(model, count=6):
    """The shortest of some training steps on random tokens: other programs disturb the rest."""
    ids = tinyllm.tensor(rng.integers(0, V, size=(B, T)))
    optimizer = AdamW(model.parameters(), lr=1e-3)
    times = []
    for _ in range(count):
        begun = perf_counter()
        optimizer.zero_grad()
        model.loss(ids, ids).backward()
        optimizer.step()
        times.append(perf_counter() - begun)
    return min(times)


shapes = [(8, 1), (32, 1), (64, 1), (64, 2), (96, 2)]
flops = np.array([account(decoder(*shape)).training_flops * B * T for shape in shapes])
seconds = np.array([step_seconds(decoder(*shape)) for shape in shapes])
print(f"large products {peak / 1e9:.0f} GFLOP/s")
for shape, f, s in zip(shapes, flops, seconds, strict=True):
    print(f"C, L = {shape}: {f / 1e6:7.1f} MFLOP, {1e3 * s:5.1f} ms, {f / s / peak:4.0%} of that")
assert flops[-1] > 50 * flops[0]

# %%
figure, axes = plt.subplots(figsize=(6.5, 2.7), layout="constrained", facecolor=PAPER)
dress(axes)
line = np.polyfit(flops, seconds, 1)
axes.plot(flops / 1e6, 1e3 * seconds, "o", color=BLUE, label="measured")
axes.plot([0, flops[-1] / 1e6], 1e3 * np.polyval(line, [0, flops[-1]]), "--", color=QUIET,
          label="a line through them")  # fmt: skip
axes.plot([0, flops[-1] / 1e6], [0, 1e3 * flops[-1] / peak], color=ORANGE, label="at the peak")
axes.set_xlim(0, 1.05 * flops[-1] / 1e6)
axes.set_ylim(0)
axes.set_xlabel("operations of a step, in millions")
axes.set_ylabel("milliseconds")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# *Picture: milliseconds of a step against its operations, five points and a line near them, which
# begins above 0. A second line, at the speed of large products, begins at 0 and rises more slowly.*
#
# These times are your machine's, so this text does not know them. On most, the smallest model
# reaches a few per cent of the peak at best, and the largest several times as much. A step is a
# fixed **overhead** (Python, and many small arrays: lesson 18) and then the work:
# $\text{seconds} = \text{overhead} + \text{operations} / \text{rate}$. The project fits this line.
#
# ### Exercise 3: find the bugs (medium, 10 minutes, 4 points)
#
# A colleague plans a training with `hopeful_hours`. It promises that a model of a billion
# parameters reads 20 billion tokens in four and a half hours on one large card. The run has been
# going for three days. And when he puts in a worse utilisation, it promises to be done even
# earlier. There are two bugs. Write `training_hours` without them.


# %%
def hopeful_hours(parameters, tokens, peak, utilisation):
    flops = 2 * parameters * tokens
    return flops / peak * utilisation / 3600


for utilisation in (0.4, 0.2):
    print(utilisation, round(hopeful_hours(1e9, 20e9, 1e15, utilisation), 2), "hours")
assert 4.4 < hopeful_hours(1e9, 20e9, 1e15, 0.4) < 4.5
assert hopeful_hours(1e9, 20e9, 1e15, 0.2) < hopeful_hours(1e9, 20e9, 1e15, 0.4)


# %%
def training_hours(parameters, tokens, peak, utilisation):
    ### BEGIN SOLUTION
    return 6 * parameters * tokens / (peak * utilisation) / 3600
    ### END SOLUTION


# %%
check(training_hours)

# %% [markdown]
# ## And memory
#
# While it is trained, each parameter is there four times: the weight, its gradient, and the two
# running means of AdamW. In 32-bit numbers that is 16 bytes. On top come the **activations**, what
# the forward keeps for the backward; they grow with the batch, and halving the batch halves them.
#
# ### Predict, then run (3 minutes)
#
# You have a card with 24 GB. How many **billions** of parameters can a model have at most to be
# trained on it with AdamW in 32 bits, activations not counted?

# %%
my_largest_model = None
### BEGIN SOLUTION
my_largest_model = 6
### END SOLUTION

# %%
reveal("20", "billions of parameters for 24 GB", my_largest_model, 24 / 16)
model = decoder(32, 2)
optimizer = AdamW(model.parameters(), lr=1e-3)
ids = tinyllm.tensor(rng.integers(0, V, size=(B, T)))
model.loss(ids, ids).backward()
optimizer.step()
held = [model.parameters(), (p.grad for p in model.parameters())]
held_bytes = sum(array.numel() * array.element_size() for part in held for array in part)
state = [value for kept in optimizer.state_dict()["state"].values() for value in kept.values()]
state_bytes = sum(value.numel() * value.element_size() for value in state if value.ndim)
print("weights and gradients", held_bytes, " AdamW", state_bytes, " 16 N", 16 * cost.parameters)
assert held_bytes + state_bytes == 16 * cost.parameters == cost.training_bytes

# %% [markdown]
# A billion and a half. To *use* a model, only the weights are needed, 4 bytes each, or 2 in 16-bit
# numbers: the same card can run one of 12 billion. That is why so many more people run large models
# than train them.
#
# ## Which one?
#
# Size, quality and cost pull in different directions, so there is no best model. But there are
# models that nobody should take: if another is as good and cheaper, or better and no dearer, it
# **dominates**. What is left over is the **front**, and the choice lies on it. Here are eight
# made-up offers; each could be a model that you train or one that you rent.

# %%
offers = ["atom", "bean", "cedar", "dune", "ember", "fjord", "gale", "heron"]
costs = np.array([0.1, 0.3, 0.35, 1.0, 1.2, 3.0, 4.0, 9.0])  # for a million tokens
losses = np.array([3.3, 2.9, 3.1, 2.6, 2.6, 2.7, 2.3, 2.2])
on_front = np.array([1, 1, 0, 1, 0, 0, 1, 1], dtype=bool)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(costs[on_front], losses[on_front], "o-", color=BLUE, label="the front")
axes.plot(costs[~on_front], losses[~on_front], "s", color=ORANGE, label="dominated")
for name, x, y in zip(offers, costs, losses, strict=True):
    place = (-12, -15) if name == "dune" else (6, 5)
    axes.annotate(name, (x, y), place, textcoords="offset points", color=INK)
axes.set_xscale("log")
axes.set_ylim(2, 3.5)
axes.set_xlabel("cost of a million tokens")
axes.set_ylabel("loss on your texts")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# *Picture: eight points, cost against loss. Atom, bean, dune, gale and heron form a line that falls
# to the right, the front. Cedar, ember and fjord lie above it.*
#
# Cedar costs more than bean and is worse. Ember is as good as dune and dearer. Fjord is worse than
# dune at three times the price.
#
# ### Exercise 4: `undominated_models` (hard, 14 minutes, 4 points)
#
# For `costs` and `losses` $(N,)$, small is good in both, give True for each model that no other
# dominates, $(N,)$. One model dominates another if it is **no worse in both and better in one**. Of
# two that are equal in both, neither dominates.


# %%
def undominated_models(costs, losses):
    ### BEGIN SOLUTION
    no_worse = (costs[:, None] <= costs) & (losses[:, None] <= losses)  # (N, N)
    better = (costs[:, None] < costs) | (losses[:, None] < losses)
    return ~(no_worse & better).any(axis=0)
    ### END SOLUTION


# %%
check(undominated_models)

# %% [markdown]
# Where on the front you should stand, no formula says. This table asks the questions in a useful
# order.
#
# | ask | because | so |
# |---|---|---|
# | What if it is wrong? | it decides all the rest | harm: a person checks, or no model |
# | Can a rule or a table do it? | free, quick, explained | yes: take it |
# | May the text leave your house? | a rented model reads it | no: run one yourself |
# | How many tokens a day? | cost is tokens times price | few: rent; many: a small one of yours |
# | How fast must it answer? | a token reads all weights | at once: small, or fewer bits each |
# | How many examples have you? | training needs them, and tests | few: prompt; thousands: tune |
# | Must you say why? | small, plain models can be looked into | yes: counts and tables, lesson 05 |
#
# Take the cheapest model on the front that is good enough, measured on **your** task. Which brings
# us to the last question.
#
# ## How good is it?
#
# Perplexity (lesson 10) says how well a model predicts text, BLEU and ROUGE (lessons 14 and 15) how
# many words it shares with a reference. None of them says whether it does your task. For that,
# write down what a right answer is, put questions to it that it has never seen, and count. A count
# of 45 right answers in 50 is 90 %. Is that better than 84 %?

# %%
shown = {N: proportion([True] * (9 * N // 10) + [False] * (N // 10)) for N in (50, 200, 1000, 5000)}
figure, axes = plt.subplots(figsize=(7, 2.5), layout="constrained", facecolor=PAPER)
dress(axes)
for row, share in enumerate(shown.values()):
    axes.plot([100 * share.low, 100 * share.high], [row, row], color=BLUE, linewidth=5)
    axes.plot(100 * share.value, row, "o", color=ORANGE)
axes.axvline(84, color=QUIET, linestyle=":")
axes.set_yticks(range(len(shown)), [f"{N:,} questions" for N in shown])
axes.set_xlabel("share of right answers, in per cent, with its 95 % interval")
plt.show()
print(*shown.values(), sep="\n")
assert 0.77 < shown[50].low < 0.84 < shown[200].low < 0.86
assert shown[5000].high - shown[5000].low < 0.02

# %% [markdown]
# *Picture: four bars around 90 per cent. With 50 questions the bar reaches from 79 to 96 and holds
# the dotted line at 84; with 200 its lower end lies just above that line; with 5,000 it is under 2
# wide.*
#
# With 50 questions nobody can tell. A test's size decides what it is able to see. For a share $p$
# of $N$ answers the standard deviation is $\sqrt{p (1 - p) / N}$, and 1.96 of them to each side
# hold 95 %.
#
# ### Exercise 5: `questions_needed` (easy, 6 minutes, 2 points)
#
# You expect a `share` of right answers, and want to know it to within `margin` on either side. How
# many questions must you ask? Give a whole number, rounded up.


# %%
def questions_needed(share, margin):
    ### BEGIN SOLUTION
    return int(np.ceil(1.96**2 * share * (1 - share) / margin**2))
    ### END SOLUTION


# %%
check(questions_needed)

# %% [markdown]
# ### An open question (10 minutes, for a teacher to read)
#
# Somebody wants to train a model of 7 billion parameters on 140 billion tokens «on our eight cards
# over the summer». Each card has 80 GB, and $3 \cdot 10^{14}$ operations a second at its peak. Do
# the sum, and say what you would advise.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for the operations: $6 \cdot 7 \cdot 10^9 \cdot 1.4 \cdot 10^{11} = 5.9 \cdot 10^{21}$; 1 for
# the time with a utilisation that is named: at 40 %, $9.6 \cdot 10^{14}$ a second, 71 days; 1 for
# memory: 16 bytes for each parameter are 112 GB, more than one card, so weights and state must be
# shared out, and activations come on top; 1 for advice that follows: a small run first to measure
# the rate, a smaller model, or beginning from one that others have trained.
#
# </details>
#
# ## Project: a planner
#
# **(about 55 minutes of exercises, 16 points)** Put it together. Given a machine whose speed you
# have measured, some sizes of a model and a budget, your planner says what each would take and how
# good it would be; it picks one; and then you train that one and see.
#
# The task is that of lesson 10: the stories of the micro world, where the floor of the loss is
# known. Each model reads the same 2,400 stories once.

# %%
grammar = Grammar(World(0, "micro"))
STEPS = 150
told, held_out = list(stories(grammar, STEPS * B)), list(stories(grammar, 100, split="validation"))
vocabulary = ["<s>", *sorted({word for story in told for word in story.words})]
number = {word: i for i, word in enumerate(vocabulary)}


def batch(some):
    """Inputs and targets (B, T) of stories; padding is not asked."""
    inputs, targets = np.zeros((len(some), T), np.int64), np.full((len(some), T), -100)
    for row, story in enumerate(some):
        ids = [number[word] for word in story.words]
        targets[row, : len(ids)], inputs[row, 1 : len(ids)] = ids, ids[:-1]
    return tinyllm.tensor(inputs), tinyllm.tensor(targets)


asked = sum(len(story.words) for story in held_out)
floor = -sum(story.log_prob for story in held_out) / asked
print(f"{len(vocabulary)} words, floor {floor:.3f} nats per word")
assert len(vocabulary) == V
assert max(len(story.words) for story in told + held_out) <= T
assert 0.41 < floor < 0.45


# %%
def trained(C, L=1):
    """Train a model of width C; give its loss on held-out stories, and the seconds it took."""
    model = decoder(C, L)
    optimizer = AdamW(model.parameters(), lr=1.5e-2)
    begun = perf_counter()
    for step in range(STEPS):
        loss = model.loss(*batch(told[step * B : step * B + B]))
        optimizer.zero_grad()
        loss.backward()
        rise, fall = min(1.0, (step + 1) / 10), 1 - 0.95 * step / STEPS
        optimizer.param_groups[0]["lr"] = 1.5e-2 * rise * fall
        optimizer.step()
    taken = perf_counter() - begun
    with inference(model):
        return model.loss(*batch(held_out)).item(), taken


tried = np.array([8, 12, 16, 24])
runs = [trained(int(C)) for C in tried]
tried_losses, tried_seconds = np.array(runs).T
for C, loss in zip(tried, tried_losses, strict=True):
    print(f"C = {C:2}: {loss:.3f} nats per word, {loss - floor:.3f} above the floor")
assert tried_losses[-1] < tried_losses[0]
assert tried_losses.min() > floor

# %% [markdown]
# ### Project, part 1: `fit_step_time` (medium, 14 minutes, 4 points)
#
# From measured steps, `flops` $(M,)$ and `seconds` $(M,)$, fit the line $\text{seconds} =
# \text{overhead} + \text{flops} / \text{rate}$ by least squares, and return the pair `overhead,
# rate`.


# %%
def fit_step_time(flops, seconds):
    ### BEGIN SOLUTION
    x, y = flops - flops.mean(), seconds - seconds.mean()
    slope = (x * y).sum() / (x * x).sum()
    return seconds.mean() - slope * flops.mean(), 1 / slope
    ### END SOLUTION


# %%
check(fit_step_time)

# %% [markdown]
# ### Project, part 2: `fit_power_law` (hard, 14 minutes, 4 points)
#
# In many experiments, what a model loses beyond the floor falls as a power of its size:
# $\text{loss} = \text{floor} + a N^{-b}$. Take the floor off and the logarithm of both sides, and a
# straight line is left. Fit it with `np.polyfit` or by hand, and return `a, b`, both positive
# where losses fall.


# %%
def fit_power_law(sizes, losses, floor):
    ### BEGIN SOLUTION
    slope, height = np.polyfit(np.log(sizes), np.log(losses - floor), 1)
    return np.exp(height), -slope
    ### END SOLUTION


# %%
check(fit_power_law)

# %% [markdown]
# ### Project, part 3: `training_plan` (medium, 18 minutes, 5 points)
#
# The chain of the first picture, as a dict with the keys `"parameters"`, `"bytes"` (weights,
# gradients and AdamW's two arrays, in 32 bits), `"flops"` (of the whole training), `"seconds"` (the
# overhead is paid at each step) and `"cost"` (the price is that of an hour).


# %%
def training_plan(V, T, C, L, B, steps, overhead, rate, price):
    ### BEGIN SOLUTION
    parameters = decoder_parameter_count(V, T, C, L)
    flops = training_step_flops(V, T, C, L, B) * steps
    seconds = steps * overhead + flops / rate
    return {
        "parameters": parameters,
        "bytes": 16 * parameters,
        "flops": flops,
        "seconds": seconds,
        "cost": seconds / 3600 * price,
    }
    ### END SOLUTION


# %%
check(training_plan)

# %% [markdown]
# ### Project, part 4: `best_affordable_plan` (easy, 8 minutes, 3 points)
#
# Of plans with expected `losses`, `seconds` and `bytes_needed` $(M,)$, which has the lowest loss
# within both budgets? Give its number, or None if nothing fits. What uses a budget up to the last
# bit fits.


# %%
def best_affordable_plan(losses, seconds, bytes_needed, most_seconds, most_bytes):
    ### BEGIN SOLUTION
    fits = (seconds <= most_seconds) & (bytes_needed <= most_bytes)
    if not fits.any():
        return None
    return int(np.argmin(np.where(fits, losses, np.inf)))
    ### END SOLUTION


# %%
check(best_affordable_plan)

# %% [markdown]
# ### The planner at work
#
# The cell below does the same as your four functions, from the package's own counts, so that the
# picture is drawn whether or not you have done them. Change `MOST_BYTES`, `MOST_SECONDS` or the
# price, and run it again; put your own functions in, and nothing should move.
#
# The machine is measured with models of a few widths, the losses are those of the four trained
# above, and no model wider than 24 has been trained yet.


# %%
MOST_BYTES, MOST_SECONDS, PRICE = 600_000, 300.0, 2.0  # a price for an hour of your machine
candidates = np.array([8, 12, 16, 24, 32, 48, 64, 96])
counted = [account(decoder(int(C), 1)) for C in candidates]
sizes = np.array([cost.parameters for cost in counted])
needed = np.array([cost.training_bytes for cost in counted])
work = np.array([cost.training_flops * B * T for cost in counted])  # of one step

slope, overhead = np.polyfit(flops, seconds, 1)
slope, overhead = max(slope, 1e-15), max(overhead, 0.0)
planned = STEPS * (overhead + slope * work)
known = np.isin(candidates, tried)
b, log_a = np.polyfit(np.log(sizes[known]), np.log(tried_losses - floor), 1)
expected = floor + np.exp(log_a) * sizes**b

print(" C  parameters    bytes  GFLOP  seconds    cost   loss")
rows = zip(candidates, sizes, needed, work * STEPS / 1e9, planned, expected, strict=True)
for C, N, held, gflop, took, lost in rows:
    price = took / 3600 * PRICE
    print(f"{C:2} {N:11,} {held:8,} {gflop:6.2f} {took:8.2f} {price:7.4f} {lost:6.3f}")
fits = (needed <= MOST_BYTES) & (planned <= MOST_SECONDS)
chosen = int(np.argmin(np.where(fits, expected, np.inf))) if fits.any() else 0
print("chosen: C =", candidates[chosen])
assert (sizes == 93 * candidates + 12 * candidates**2).all()
assert (np.diff(expected) < 0).all()
assert needed[list(candidates).index(48)] <= MOST_BYTES < needed[list(candidates).index(64)]

# %% [markdown]
# Before you run the next cell, look at the last column, and ask yourself whether you believe it: a
# line through four small models, prolonged to one of several times their size.

# %%
width = int(candidates[chosen])
real_loss, real_seconds = trained(width)
print(f"C = {width}")
print(f"parameters  planned {sizes[chosen]:,}   real {decoder(width, 1).num_parameters():,}")
print(f"seconds     planned {planned[chosen]:.2f}   real {real_seconds:.2f}")
print(f"loss        planned {expected[chosen]:.3f}   real {real_loss:.3f}   floor {floor:.3f}")
assert decoder(width, 1).num_parameters() == sizes[chosen]
assert floor < real_loss < floor + 0.6

# %%
figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", facecolor=PAPER)
dress(panels[0])
dress(panels[1])
panels[0].plot(sizes, expected - floor, "--", color=QUIET, label="expected")
panels[0].plot(sizes[known], tried_losses - floor, "o", color=BLUE, label="trained before")
panels[0].plot(sizes[chosen], real_loss - floor, "*", color=ORANGE, markersize=15,
               label="the planned run")  # fmt: skip
panels[0].set_ylabel("nats per word above the floor")
panels[0].set_yscale("log")
panels[1].plot(sizes, planned, "--", color=QUIET, label="expected")
panels[1].plot(sizes[known], tried_seconds, "o", color=BLUE, label="trained before")
panels[1].plot(sizes[chosen], real_seconds, "*", color=ORANGE, markersize=15,
               label="the planned run")  # fmt: skip
panels[1].set_ylabel("seconds of training")
panels[1].set_ylim(0, 1.3 * max(planned.max(), real_seconds, tried_seconds.max()))
for axes in panels:
    axes.axvspan(MOST_BYTES / 16, 2 * sizes[-1], color=ORANGE, alpha=0.12, linewidth=0)
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] / 1.3, 1.5 * sizes[-1])
    axes.set_xlabel("parameters (shaded: more memory than the budget)")
    axes.legend(frameon=False)
plt.show()

# %% [markdown]
# *Picture: the planner's answer. Left, what is lost above the floor against the number of
# parameters, both in logarithms: four trained models near a dashed line that falls, and a star for
# the planned run. Right, seconds against parameters: a dashed line that rises, and the same runs.
# What the memory does not allow is shaded.*
#
# Parameters, bytes and operations are exact, since they are counted. Seconds are as good as the
# machine is quiet: the plan measures the step alone, and the run makes its batches too. The loss is
# the boldest guess. Compare the star with the line, in logarithms: if it lies above, the larger
# model was held back by something other than its size. All models had the same 150 steps and the
# same learning rate, which suits one width better than another, and a law drawn through four small
# models knows nothing of that. People who plan large models fit such laws over many more sizes,
# with as many tokens for each as it can use, and still call the result an expectation.
#
# ### Project, handed in (20 minutes, for a teacher to read)
#
# Hand in your picture with a budget of your own, and half a page: which plan you chose and why,
# where the real run left the plan, and what you would measure next to make the plan better.
#
# <details>
# <summary><em>For a teacher: the rubric, 6 points.</em></summary>
#
# 1 for a budget that bites (another model would have been chosen without it); 1 for a picture whose
# axes and units can be read; 1 for telling apart what is counted, what is measured and what is
# guessed; 2 for an explanation of a gap between plan and run that fits the data (other programs on
# the machine, making of batches, too few steps for a larger model, one learning rate for all
# widths, the noise of 100 held-out stories); 1 for a next measurement that would decide it, such as
# another width, twice the steps, or another seed.
#
# </details>
#
# ## What to remember
#
# - $2N$ operations for a token to predict, $6N$ to train; for small models and long texts count
#   exactly.
# - 16 bytes for each parameter to train with AdamW, and the activations; 2 to 4 to use it.
# - Measure the machine with a model like yours. A step is overhead plus work over rate.
# - No model is best. Strike out what is dominated, then take the cheapest that is good enough.
# - A test's size decides what it can see: half the margin, four times the questions.
# - What is counted is exact, what is measured is nearly so, what is extrapolated is a guess. Say
#   which is which.
#
# ## Where next
#
# This is the last lesson. `tinyllm info RUN` prints the costs of a model that you trained,
# `tinyllm bench` measures your machine in earnest, and `docs/performance.md` tells where a step's
# time goes. Read
# Kaplan et al. 2020, [arXiv:2001.08361](https://arxiv.org/abs/2001.08361), and Hoffmann et al.
# 2022, [arXiv:2203.15556](https://arxiv.org/abs/2203.15556), who drew the picture of your project
# for models a million times as large, and did not draw the same line.
