# %% [markdown]
# # 19 The same in PyTorch, and moving between
#
# **You will be able to** run one and the same code in tinyllm and in PyTorch; say where the two
# part, and why; carry a model from one to the other by names, layouts and files; read a file of
# weights byte by byte; say how close is equal; and find the mistake in a port that loads without a
# word and answers wrongly.
#
# **You need** lesson 03 (strides), lesson 07 (attention and its masks), lesson 08 (the block), and
# for one exercise rotary positions (lesson 06). PyTorch itself you do **not** need: where it is
# installed, this notebook runs it beside tinyllm; where it is not, you see what it gave for us.
# **Time:** about 40 minutes of reading, and 130 of exercises.
#
# ## Why
#
# You have built a Transformer, and the rest of the world has built it in PyTorch. Its models lie on
# public servers, its names stand in every paper's code, and your next project will most likely
# begin with `import torch`. How much of what you know comes along? Nearly all of it: tinyllm took
# its names, arguments, shapes and defaults from there on purpose.
#
# The rest is where people lose days. A model is more than its numbers. It is numbers, **and** an
# agreement on what each of them means: which axis is the input, whether True hides or keeps, which
# two numbers of a vector make a pair. The numbers stand in the file. The agreement does not.

# %%
import importlib
import json
import tempfile
import textwrap
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm import nn
from tinyllm.course import check, hint, reveal
from tinyllm.data.tinyworld import Grammar, World, stories
from tinyllm.generation import inference
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.optim import SGD, AdamW
from tinyllm.training.checkpoint import save_tensors
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, PURPLE, QUIET, dress

rng = np.random.default_rng(19)

# %%
torch = importlib.import_module("torch") if find_spec("torch") else None
if torch is None:
    print("PyTorch is not installed: you will see what it gave for us.")
    print("To run it beside tinyllm: pip install torch, then restart this notebook.")
else:
    torch.set_num_threads(1)  # lesson 18: one pool of threads
    print("PyTorch is here: it will run beside tinyllm.")


def beside(run, recorded):
    """What PyTorch gives for run(torch); where it is not installed, what it gave for us."""
    given = recorded if torch is None else run(torch)
    print("PyTorch gave (recorded)" if torch is None else "PyTorch gives", given)
    return given


# %% [markdown]
# ## The idea in a picture
#
# Two models «are the same» if they answer the same. On the way from one library to the other five
# things can go wrong, and they differ in what you get to hear of it.

# %%
steps = [
    ("names", "h.0.attn.c_attn.weight, where blocks.0.attention.qkv.weight is wanted", BLUE),
    ("shapes", "(16, 48), where (48, 16) is wanted", BLUE),
    ("layouts", "a square weight, transposed; q, k, v in another order", ORANGE),
    ("conventions", "True for «hide», or for «keep»; pairs; two kinds of GELU", ORANGE),
    ("rounding", "the same sum in another order", GREEN),
]
heard = {BLUE: "an error", ORANGE: "nothing", GREEN: "nothing, and rightly"}
figure, axes = plt.subplots(figsize=(9, 3.3), layout="constrained", facecolor=PAPER)
axes.set_axis_off()
axes.set(xlim=(0, 100), ylim=(5, -0.75))
for column, text in ((1, "what differs"), (20, "for example"), (82, "what you hear")):
    axes.text(column, -0.4, text, color=QUIET, fontsize=10)
for row, (name, example, colour) in enumerate(steps):
    axes.add_patch(plt.Rectangle((0, row), 17, 0.84, color=colour))
    axes.add_patch(plt.Rectangle((17, row), 83, 0.84, color=colour, alpha=0.12, lw=0))
    axes.text(1.5, row + 0.42, name, color=PAPER, va="center", weight="bold", fontsize=11)
    axes.text(20, row + 0.42, example, color=INK, va="center", fontsize=9.5)
    axes.text(82, row + 0.42, heard[colour], color=INK, va="center", fontsize=10)
plt.show()

# %% [markdown]
# *Picture: five rows. Wrong names and wrong shapes, in blue, end in an error. Wrong layouts and
# wrong conventions, in orange, say nothing. Rounding, in green, says nothing either, and need not.*
#
# The blue rows are a nuisance and no danger: you cannot overlook them. The green row is always
# there. The orange ones are what this lesson is about: the model loads, it runs, its loss is
# finite, it may even write sentences. It is only wrong.
#
# ## The smallest numeric example
#
# A linear layer keeps its weight as (out, in) and computes $y = x W^\top$. So does PyTorch's. Take
#
# $$W = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}, \qquad x = (1, 10)$$
#
# With a pencil: the first output is row 0 of $W$ times $x$, so $1 + 20 = 21$; the second is $3 + 40
# = 43$. GPT-2's files have their weights as (in, out): in such a file this one stands as $W^\top$.
# Load that as it is, and the first output becomes column 0 of $W$ times $x$, $1 + 30 = 31$, and the
# second 42. The shape is $(2, 2)$ both ways: there is nothing that a program could notice.

# %%
W, x = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0])
layer = nn.Linear(2, 2, bias=False, dtype=tinyllm.float64)
given = {}
for name, weight in (("(out, in)", W), ("(in, out)", W.T)):
    layer.load_state_dict({"weight": weight})
    given[name] = layer(tinyllm.tensor(x)).tolist()
print(given)
assert given == {"(out, in)": [21.0, 43.0], "(in, out)": [31.0, 42.0]}
tall = np.ones((3, 2))  # where the shape differs, it is noticed
try:
    layer.load_state_dict({"weight": tall})
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## One code, two libraries
#
# Here is a network with an embedding, a whole Transformer layer, and a training loop. It takes the
# library as an argument. Read it as tinyllm, then read it again as PyTorch.
#
# The task: each row has six digits, and every position shall say the largest of them. To know it, a
# position must look at all others.

# %%
digits = rng.integers(0, 10, (64, 6))  # (B, T)
largest = np.repeat(digits.max(axis=1, keepdims=True), 6, axis=1)  # (B, T)


def network(library):
    layer = library.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    return library.nn.Sequential(library.nn.Embedding(10, 16), layer, library.nn.Linear(16, 10))


def losses_of(library, weights, steps=61, **settings):
    """Train from the given weights; the loss at each step."""
    model = network(library)
    model.load_state_dict({name: library.tensor(array) for name, array in weights.items()})
    optimizer = library.optim.AdamW(model.parameters(), lr=3e-3, **settings)
    x, y = library.tensor(digits), library.tensor(largest)  # (B, T) both
    losses = []
    for _ in range(steps):
        logits = model(x)  # (B, T, V)
        loss = library.nn.functional.cross_entropy(logits.transpose(1, 2), y)  # takes (B, V, T)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% [markdown]
# The starting weights are drawn once, by tinyllm, and carried over as NumPy arrays under their
# names. To give both the same seed would not do: `manual_seed(0)` makes other numbers in each
# library. That is no defect. A seed promises the same numbers from the same generator, and nobody
# promises that two generators agree. So whoever compares two libraries carries **numbers**, never
# seeds.

# %%
tinyllm.manual_seed(19)
weights = {name: value.numpy().copy() for name, value in network(tinyllm).state_dict().items()}
ours = losses_of(tinyllm, weights)
RECORDED = [2.593462, 1.849031, 1.379146, 1.146076, 0.876583, 0.587024, 0.308936]  # PyTorch 2.13
theirs = beside(lambda torch: [round(x, 6) for x in losses_of(torch, weights)[::10]], RECORDED)
gaps = np.abs(np.array(ours[::10]) - theirs)
print("tinyllm gives", [round(x, 6) for x in ours[::10]], f"\nlargest gap {gaps.max():.0e}")
undecayed = np.abs(np.subtract(losses_of(tinyllm, weights, weight_decay=0.0), ours)).max()
print(f"gap if AdamW's weight decay were 0: {undecayed:.4f}")
print(list(weights)[:4])
assert 5e-4 < undecayed < 1e-2
assert gaps.max() < 2e-3
assert 2.5 < ours[0] < 2.9
assert ours[-1] < 0.6

# %%
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(ours, color=BLUE, label="tinyllm")
axes.plot(range(0, 61, 10), theirs, "o", color=ORANGE, label="PyTorch, every tenth step")
axes.set_ylim(0, 3)
axes.set_xlabel("step")
axes.set_ylabel("loss, nats per position")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# *Picture: the loss falls from 2.6 to 0.3 in 60 steps. The orange points of PyTorch lie on the blue
# line of tinyllm, all seven of them.*
#
# Sixty steps through attention, normalisation, cross-entropy and AdamW, and the losses agree to the
# sixth digit, near the last that 32 bits hold. It could not be so if one default differed: without
# AdamW's weight decay, 0.01 unless you say otherwise, the gap is thousands of times as large. The
# names in the `state_dict` are the same too, down to `self_attn.in_proj_weight`. `docs/pytorch.md`
# lists all names, in tables that are made from both libraries and held to the code by a test.
#
# ### Exercise 1: `after_calls` (medium, 10 minutes, 4 points)
#
# `zero_grad`, `backward`, `step`: the habit is the same in both libraries, and so is the trap.
# `backward` **adds** to what stands in `.grad`. Follow one weight `w` with the loss $\frac12 (w -
# \text{goal})^2$ through a list of calls, each one of `"zero_grad"`, `"backward"` and `"step"`, by
# plain SGD with the given `rate`. Return the weight and its `.grad` at the end. At first `.grad` is
# None; `zero_grad` makes it None again; and a step leaves alone what has no gradient.


# %%
def after_calls(w, goal, rate, calls):
    ### BEGIN SOLUTION
    grad = None
    for call in calls:
        if call == "zero_grad":
            grad = None
        elif call == "backward":
            slope = w - goal
            grad = slope if grad is None else grad + slope
        elif call == "step" and grad is not None:
            w = w - rate * grad
    return w, grad
    ### END SOLUTION


# %%
check(after_calls)

# %% [markdown]
# What becomes of a training without `zero_grad`? One weight that starts at 5, in a bowl around 0,
# by tinyllm's own SGD:


# %%
def walk(with_zero_grad, steps=60):
    """Where a weight is after each step."""
    w = nn.Parameter(tinyllm.tensor(5.0))
    optimizer, path = SGD([w], lr=0.1), [5.0]
    for _ in range(steps):
        if with_zero_grad:
            optimizer.zero_grad()
        (0.5 * w * w).backward()
        optimizer.step()
        path.append(w.item())
    return path


kept, zeroed = walk(False), walk(True)
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(zeroed, color=BLUE, label="zero_grad, backward, step")
axes.plot(kept, color=ORANGE, label="backward, step")
axes.set_xlabel("step")
axes.set_ylabel("the weight")
axes.legend(frameon=False, ncols=2, loc="upper right", bbox_to_anchor=(1, 1.2))
plt.show()
assert zeroed[-1] < 0.02
assert (np.diff(np.abs(kept[:5])) < 0).all()
assert max(kept[-20:]) > 4.5
assert min(kept[-20:]) < -4.5

# %% [markdown]
# *Picture: with zero_grad the weight falls from 5 to 0 and stays. Without it the weight swings
# between 5 and -5 with a period of twenty steps, as wide at the end as at the beginning.*
#
# The gradients of all the past push on, as if the weight had mass and nothing braked it. Nobody
# raises an error. The loss even falls at first: for four steps it looks like very good training.
#
# ## What differs, and why
#
# | | PyTorch | tinyllm | because |
# | --- | --- | --- | --- |
# | devices | many | one | a processor is what every reader has |
# | dtypes | its own, with bfloat16 | NumPy's | one kind of array, readable everywhere |
# | in place, in a graph | checked by `backward` | refused at once | the error stands at the fault |
# | second derivatives | yes | no | the tape is walked once, and stays readable |
# | `mse_loss`, unequal shapes | a warning | an error | they nearly always hide a mistake |
# | errors | mostly `RuntimeError` | `ValueError`, … | the kind says what kind of mistake |
# | files | pickle, safetensors | safetensors | numbers should not be able to run code |
#
# We let both say it themselves. One dictionary of five mistakes, tried in either library:


# %%
def refusal(run):
    """The kind of error that run() ends in, and how its message begins."""
    try:
        run()
    except Exception as error:
        return f"{type(error).__name__}: {textwrap.shorten(str(error), 68, placeholder=' …')}"
    return "accepted"


def trials(library):
    F, w = library.nn.functional, library.ones(3, requires_grad=True)
    x = library.arange(6).reshape(2, 3)
    long = library.zeros(2, 5).long()  # (B, T)
    return {
        "view": refusal(lambda: x.T.view(6)),
        "in place": refusal(lambda: w.mul_(2)),
        "numpy": refusal(lambda: w.numpy()),
        "(B, T, V)": refusal(lambda: F.cross_entropy(library.zeros(2, 5, 7), long)),
        "(4, 1) - (4)": refusal(lambda: F.mse_loss(library.ones(4, 1), library.ones(4))),
    }


# %%
RECORDED = {
    "view": "RuntimeError: view size is not compatible with input tensor's size and stride …",
    "in place": "RuntimeError: a leaf Variable that requires grad is being used in an in-place …",
    "numpy": "RuntimeError: Can't call numpy() on Tensor that requires grad. Use …",
    "(B, T, V)": "RuntimeError: Expected target size [2, 7], got [2, 5]",
    "(4, 1) - (4)": "accepted",
}
said = trials(torch) if torch else RECORDED
for name, here in trials(tinyllm).items():
    print(f"{name:13s} tinyllm  {here}\n{'':13s} PyTorch  {said[name]}")
    assert here != "accepted"
    assert (said[name] == "accepted") == (name == "(4, 1) - (4)")

# %% [markdown]
# From the top:
#
# - **`view` and `reshape`.** A `view` is the same memory under another shape, and is refused where
#   that cannot be. `reshape` gives a view where it can and a **copy** where it cannot, as NumPy's
#   does, and does not say which. Write into the one or the other, and only the view changes the
#   original.
# - **In place, on a leaf.** The change would not be on the tape. Inside `no_grad()` it is allowed:
#   that is how optimizers work.
# - **`numpy()`.** What NumPy does is not recorded either. `w.detach()` says «I know»; it shares its
#   memory with `w`, so to write into it is to write into `w`. `no_grad()` switches the tape off for
#   a whole block. The one cuts a tensor off, the other stops recording.
# - **`cross_entropy`** wants the classes on the **second** axis: $(N, V)$, or $(B, V, T)$. Logits
#   $(B, T, V)$ are refused, unless $T = V$, which we come to.
# - **`mse_loss`** of $(4, 1)$ and $(4)$: the one case that PyTorch lets through, with a warning
#   that is easily lost in a log.
#
# Two of these sentences, tried. A 1 is written into a reshape that is a view, another into one that
# is a copy; and `w`, three ones, gets a 5 through its `detach()`.


# %%
def written(library):
    """What arrives in x (2, 3) of two ones, and in w (3) of a 5, as sums."""
    x, w = library.zeros(2, 3), library.ones(3, requires_grad=True)
    x.reshape(6)[0] = 1.0  # a view
    x.T.reshape(6)[1] = 1.0  # a copy
    w.detach()[0] = 5.0
    return [x.sum().item(), w.sum().item()]


print("tinyllm gives", written(tinyllm))
assert written(tinyllm) == beside(written, [1.0, 7.0]) == [1.0, 7.0]

# %% [markdown]
# Of the two ones a single one has arrived; the 5 is in `w`, and no tape knows of it.
#
# ### Exercise 2: `is_contiguous` (easy, 8 minutes, 3 points)
#
# When can a `view` be had for any shape? When the numbers lie in memory in the order in which they
# are read: the array is **contiguous**. Decide it from `shape` and `strides`, two tuples; strides
# are counted in numbers, as in lesson 03. The stride of an axis of size 1 does not matter, and an
# array with nothing in it is contiguous. Return True or False.


# %%
def is_contiguous(shape, strides):
    ### BEGIN SOLUTION
    if 0 in shape:
        return True
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
    ### END SOLUTION


# %%
check(is_contiguous)

# %% [markdown]
# ### Broadcasting, and a loss that nobody meant
#
# A network's last layer gives $(B, 1)$, the targets come as $(B)$. Subtract, and NumPy's rules,
# which are PyTorch's, make $(B, B)$: every prediction against every target. Below the predictions
# are **perfect**.

# %%
targets = np.array([1.0, 2.0, 3.0, 4.0])  # (B,)
predictions = targets[:, None]  # (B, 1), all of them right
squares = (predictions - targets) ** 2  # (B, B)
guesses = np.linspace(0, 5, 101)
by_guess = [((np.full((4, 1), guess) - targets) ** 2).mean() for guess in guesses]
best = guesses[np.argmin(by_guess)]
figure, panels = plt.subplots(1, 2, figsize=(8, 2.9), layout="constrained", facecolor=PAPER)
panels[0].imshow(squares, cmap="viridis")
for (row, column), number in np.ndenumerate(squares):
    panels[0].text(column, row, f"{number:.0f}", ha="center", va="center",
                   color=INK if number > 4 else PAPER)  # fmt: skip
panels[0].set(xlabel="target", ylabel="prediction")
panels[0].set_xticks(range(4), [f"{target:.0f}" for target in targets])
panels[0].set_yticks(range(4), [f"{target:.0f}" for target in targets])
dress(panels[1])
panels[1].plot(guesses, by_guess, color=BLUE)
panels[1].plot([best], [min(by_guess)], "o", color=ORANGE)
panels[1].set(xlabel="one answer for all", ylabel="loss as broadcast")
plt.show()
print("the loss of perfect answers", squares.mean(), " the best single answer", best.round(2),
      "with", min(by_guess))  # fmt: skip
assert squares.mean() == 2.5
assert np.isclose(best, 2.5)
assert min(by_guess) == 1.25

# %% [markdown]
# *Picture: a 4 by 4 table of squares, 0 on the diagonal, and 9 in the two corners farthest from it.
# Beside it the loss of one answer for all: a bowl with its lowest point, 1.25, at 2.5.*
#
# Perfect answers cost 2.5, and the lowest loss is had by saying 2.5, the mean, to everything. So
# the model learns the mean; the loss falls nicely as it does; and people conclude that the data
# hold nothing to learn. tinyllm refuses such shapes. In PyTorch, look for the warning.
#
# The other trap needs a coincidence. Logits $(B, T, V)$ with $T = V$ are taken for $(B, V, T)$, and
# no library can know better:

# %%
logits = np.random.default_rng(0).normal(size=(2, 5, 5))  # (B, T, V), and T = V
classes = np.array([[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]])  # (B, T)


def both_ways(library):
    F, x, y = library.nn.functional, library.tensor(logits), library.tensor(classes)
    meant = F.cross_entropy(x.reshape(-1, 5), y.reshape(-1))  # (B T, V) and (B T)
    return [round(loss.item(), 4) for loss in (meant, F.cross_entropy(x, y))]


print("tinyllm gives", both_ways(tinyllm))
assert np.allclose(both_ways(tinyllm), [1.7449, 1.8188], atol=1e-4)
assert np.allclose(beside(both_ways, [1.7449, 1.8188]), [1.7449, 1.8188], atol=1e-4)

# %% [markdown]
# 1.7449 was meant, 1.8188 is what one gets. The habit `logits.reshape(-1, V)` with
# `targets.reshape(-1)` is safe at every size. And in tests every letter should have a number of its
# own: with $B, T, V = 2, 5, 7$ this could not have happened.
#
# ### Exercise 3: `keep_mask` (medium, 10 minutes, 4 points)
#
# PyTorch disagrees with itself on masks, and tinyllm follows it name by name:
#
# | | True means | shape |
# | --- | --- | --- |
# | `nn.MultiheadAttention(key_padding_mask=…)` | hide | $(B, S)$ |
# | `nn.MultiheadAttention(attn_mask=…)` | hide | $(T, S)$ |
# | `F.scaled_dot_product_attention(attn_mask=…)` | **keep** | broadcasts to $(B, H, T, S)$ |
#
# (Hugging Face's `attention_mask` has 1 for «keep».) Hand the second to the third, and there is no
# error. With the identity as values, attention's output is its shares, so we can look at them:

# %%
q, k = (tinyllm.tensor(rng.normal(size=(1, 1, 5, 4))) for _ in range(2))  # (B, H, T, D)
eye = tinyllm.tensor(np.eye(5)[None, None])  # (B, H, S, S): the values
future = ~np.tri(5, dtype=bool)  # (T, S), True hides: for MultiheadAttention
shares = [
    nn.functional.scaled_dot_product_attention(q, k, eye, tinyllm.tensor(mask)).numpy()[0, 0]
    for mask in (~future, future)
]
figure, panels = plt.subplots(1, 2, figsize=(7, 3), layout="constrained", facecolor=PAPER)
for axes, matrix, title in zip(panels, shares, ("turned round", "as it was"), strict=True):
    axes.imshow(matrix, cmap="viridis", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(matrix):
        axes.text(column, row, f"{share:.2f}", ha="center", va="center",
                  color=INK if share > 0.5 else PAPER, fontsize=8)  # fmt: skip
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set(xlabel="key", ylabel="query", xticks=range(5), yticks=range(5))
plt.show()
assert np.allclose(shares[0].sum(axis=1), 1)
assert (np.tril(shares[1]) == 0).all()
assert np.allclose(shares[1].sum(axis=1), [1, 1, 1, 1, 0])

# %% [markdown]
# *Picture: two 5 by 5 tables of shares. Turned round, the lower triangle with its diagonal is
# filled. As it was, only the upper triangle is, and the last row is 0.*
#
# On the right each position sees the future and nothing else. A model trained so reads off its
# answers, and its loss is excellent.
#
# Make one mask for the third out of the first two. Either may be None. If only the padding is
# there, the result is $(B, 1, 1, S)$; if only `attn_mask` is, $(T, S)$; with both, $(B, 1, T, S)$;
# with none, None.


# %%
def keep_mask(key_padding_mask, attn_mask):
    ### BEGIN SOLUTION
    if key_padding_mask is None:
        return None if attn_mask is None else ~attn_mask
    keep = ~key_padding_mask[:, None, None, :]  # (B, 1, 1, S)
    return keep if attn_mask is None else keep & ~attn_mask
    ### END SOLUTION


# %%
check(keep_mask)

# %% [markdown]
# ## A file of weights, byte by byte
#
# PyTorch's own `torch.save` writes a pickle, and a pickle is a program: to load one from a stranger
# is to run the stranger's code, unless `weights_only=True`, the default since PyTorch 2.6, holds it
# back. **safetensors** was made instead, and most public models come in it. The format fits on a
# card:
#
# 1. 8 bytes: a whole number $n$, the lowest byte first.
# 2. $n$ bytes of JSON: for each name `dtype`, `shape` and `data_offsets`, where its bytes begin and
#    end, **counted from the end of the header**. `__metadata__` may stand among the names, with
#    notes. Blanks may follow.
# 3. The numbers, row by row, and nothing else.
#
# We write a small one as tinyllm writes its checkpoints, and look at every byte.

# %%
small = {"bias": np.array([1.0, -2.0], np.float32), "weight": np.eye(2, 3, dtype=np.float32)}
with tempfile.TemporaryDirectory() as folder:
    save_tensors(Path(folder) / "model.safetensors", small)
    raw = (Path(folder) / "model.safetensors").read_bytes()
length = int.from_bytes(raw[:8], "little")
header = json.loads(raw[8 : 8 + length])
print(len(raw), "bytes:", list(raw[:8]), "is", length)
for name, entry in header.items():
    print(name, entry)
assert len(raw) == 8 + length + 4 * (2 + 6)
assert {name: entry["shape"] for name, entry in header.items()} == {"bias": [2], "weight": [2, 3]}

# %%
WIDE = 32
parts = np.full(len(raw), 1)
parts[:8] = 0
for kind, name in ((2, "bias"), (3, "weight")):
    begin, end = header[name]["data_offsets"]
    parts[8 + length + begin : 8 + length + end] = kind
colours = [PURPLE, QUIET, ORANGE, BLUE]
figure, axes = plt.subplots(figsize=(9, 2.6), layout="constrained", facecolor=PAPER)
axes.set_axis_off()
axes.set(xlim=(0, WIDE), ylim=(-(-len(raw) // WIDE) + 1.1, 0))
for place, byte in enumerate(raw):
    row, column = divmod(place, WIDE)
    colour, letter = colours[parts[place]], parts[place] == 1
    axes.add_patch(plt.Rectangle((column, row), 0.92, 0.9, color=colour, alpha=0.25, lw=0))
    text, size = (chr(byte), 9) if letter else (str(byte), 7)
    axes.text(column + 0.46, row + 0.47, text.replace("$", r"\$"), ha="center", va="center",
              color=INK, fontsize=size)  # fmt: skip
for i, name in enumerate(("length", "header, JSON", "bias", "weight")):
    axes.text(8 * i, -(-len(raw) // WIDE) + 0.7, name, color=colours[i], weight="bold")
plt.show()

# %% [markdown]
# *Picture: the file as a grid of its bytes. Eight purple numbers, the length; then the header,
# which reads as JSON; then in orange 8 bytes of the bias, in blue 24 of the weight. 1.0 is 0 0 128
# 63.*
#
# The names are there, the shapes, the dtypes. What is **not** there is the agreement: nothing says
# whether the weight is (out, in), or what a row of it is for.
#
# ### bfloat16
#
# Large models often come in **bfloat16**, and NumPy has no such dtype. It is quickly made: it is a
# float32 that was cut in half.


# %%
def bits_of(value):
    """The bits of a number as float32, bfloat16 and float16, and how many are exponent."""
    long = format(int(np.float32(value).view(np.uint32)), "032b")
    short = format(int(np.float16(value).view(np.uint16)), "016b")
    return {"float32": (long, 8), "bfloat16": (long[:16], 8), "float16": (short, 5)}


figure, axes = plt.subplots(figsize=(9, 1.9), layout="constrained", facecolor=PAPER)
axes.set_axis_off()
axes.set(xlim=(-5, 32), ylim=(3.9, 0))
for row, (name, (bits, exponent)) in enumerate(bits_of(np.pi).items()):
    axes.text(-0.4, row + 0.45, name, ha="right", va="center", color=INK)
    for i, bit in enumerate(bits):
        colour = PURPLE if i == 0 else ORANGE if i <= exponent else BLUE
        axes.add_patch(plt.Rectangle((i, row), 0.92, 0.9, color=colour, alpha=0.3, lw=0))
        axes.text(i + 0.46, row + 0.47, bit, ha="center", va="center", color=INK, fontsize=8)
for column, name, colour in ((0, "sign", PURPLE), (4, "exponent", ORANGE), (12, "fraction", BLUE)):
    axes.text(column, 3.6, name, color=colour, weight="bold")
plt.show()
half = np.array([0x4049], np.uint16)  # the first 16 of those bits
print("π in bfloat16 is", np.uint32(int(half[0]) << 16).view(np.float32), " as float16 the same",
      "bits are", half.view(np.float16)[0])  # fmt: skip
assert bits_of(np.pi)["bfloat16"][0] == format(0x4049, "016b")
assert np.uint32(0x4049 << 16).view(np.float32) == 3.140625

# %% [markdown]
# *Picture: three rows of bits of π. float32 has 1 bit of sign, 8 of exponent and 23 of fraction.
# bfloat16 is the same row, cut off after 16 bits. float16 has 5 bits of exponent, 10 of fraction.*
#
# Eight bits of exponent, so it reaches as far as a float32, up to $3 \cdot 10^{38}$ (float16 ends
# at 65,504); seven bits of fraction, so π is 3.140625. Read as float16, the very same bits are
# 2.143.
#
# ### Exercise 4: `from_bfloat16` (easy, 5 minutes, 2 points)
#
# `bits` is an array of uint16, any shape, each a bfloat16. Give the float32 numbers.


# %%
def from_bfloat16(bits):
    ### BEGIN SOLUTION
    return (bits.astype(np.uint32) << 16).view(np.float32)
    ### END SOLUTION


# %%
check(from_bfloat16)

# %% [markdown]
# ### Exercise 5: `read_safetensors` (hard, 20 minutes, 6 points)
#
# `file` is an array of uint8, all bytes of a file. Give a dict of names and arrays. The dtypes are
# `F32` (NumPy's `"<f4"`), `I64` (`"<i8"`) and `BF16`, for which you have a function. Names and data
# need not stand in the same order.


# %%
def read_safetensors(file):
    ### BEGIN SOLUTION
    raw = file.tobytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    data = raw[8 + length :]
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            flat = from_bfloat16(np.frombuffer(data[begin:end], "<u2"))
        else:
            kind = {"F32": "<f4", "I64": "<i8"}[entry["dtype"]]
            flat = np.frombuffer(data[begin:end], kind)
        arrays[name] = flat.reshape(entry["shape"])
    return arrays
    ### END SOLUTION


# %%
check(read_safetensors)

# %% [markdown]
# ## Names and layouts
#
# A GPT-2, as Hugging Face's `transformers` names it, beside tinyllm's `Decoder`. The shapes are for
# a width of $C$, as they stand in the two `state_dict`s:
#
# | GPT-2 | shape | `Decoder` | shape |
# | --- | --- | --- | --- |
# | `wte.weight` | $(V, C)$ | `token_embedding.weight` | $(V, C)$ |
# | `wpe.weight` | $(T, C)$ | `position_embedding.weight` | $(T, C)$ |
# | `h.0.ln_1.weight` | $(C)$ | `blocks.0.norm_1.weight` | $(C)$ |
# | `h.0.attn.c_attn.weight` | $(C, 3C)$ | `blocks.0.attention.qkv.weight` | $(3C, C)$ |
# | `h.0.attn.c_proj.weight` | $(C, C)$ | `blocks.0.attention.out.weight` | $(C, C)$ |
# | `h.0.attn.bias` | $(1, 1, T, T)$ | not there | |
# | `h.0.ln_2.weight` | $(C)$ | `blocks.0.norm_2.weight` | $(C)$ |
# | `h.0.mlp.c_fc.weight` | $(C, 4C)$ | `blocks.0.mlp.up.weight` | $(4C, C)$ |
# | `h.0.mlp.c_proj.weight` | $(4C, C)$ | `blocks.0.mlp.down.weight` | $(C, 4C)$ |
# | `ln_f.weight` | $(C)$ | `norm.weight` | $(C)$ |
# | `lm_head.weight` | $(V, C)$ | not there: it is `token_embedding.weight` | |
#
# Each layer and norm has a `bias` besides, under the same path. Three things want care. GPT-2 uses
# a layer called `Conv1D`, which is a linear layer with its weight as (in, out). `h.0.attn.bias` is
# no bias: it is the causal mask, which older versions saved with the weights (and beside it
# `h.0.attn.masked_bias`). And some files have `transformer.` before every name but that of the
# head.
#
# ### Exercise 6: `decoder_from_gpt2` (hard, 22 minutes, 6 points)
#
# `state` is a dict of names and arrays, as at the left, with or without the prefix, with or without
# `lm_head.weight` and the masks. Give the dict that the `Decoder` loads. It need not be a whole
# model: translate what is there, any number of blocks.


# %%
def decoder_from_gpt2(state):
    ### BEGIN SOLUTION
    renamed = {
        "wte": "token_embedding", "wpe": "position_embedding", "ln_f": "norm", "h": "blocks",
        "ln_1": "norm_1", "ln_2": "norm_2", "attn": "attention", "c_attn": "qkv", "c_fc": "up",
    }  # fmt: skip
    ours = {}
    for name, array in state.items():
        words = name.removeprefix("transformer.").split(".")
        if words[0] == "lm_head" or words[-1] == "masked_bias" or words[-2:] == ["attn", "bias"]:
            continue
        if words[-1] == "weight" and words[-2] in ("c_attn", "c_proj", "c_fc"):
            array = array.T
        renamed["c_proj"] = "out" if "attn" in words else "down"
        ours[".".join(renamed.get(word, word) for word in words)] = array
    return ours
    ### END SOLUTION


# %%
check(decoder_from_gpt2)

# %% [markdown]
# That is all there is to it. With `transformers` installed, and the files of GPT-2 on your disk,
# your function turns the real model's `state_dict` into one that
# `Decoder(DecoderConfig.gpt2(vocab_size=50257, context_length=1024, layers=12, heads=12,
# width=768))` loads. We tried it with small models of random weights: the logits agreed to 6
# digits.
#
# ### Three weights in one
#
# Queries, keys and values come from one product, so their weights are stored as one. In which
# order? `nn.MultiheadAttention`, GPT-2 and tinyllm put all of $q$ first, then all of $k$, then all
# of $v$. GPT-NeoX and its relatives (Pythia is one) go head by head: $q$, $k$ and $v$ of head 0,
# then those of head 1. Both are $(3C, C)$.

# %%
H, D = 2, 2
by_head = [f"{kind}{head}" for head in range(H) for kind in "qkv" for _ in range(D)]
by_kind = [f"{kind}{head}" for kind in "qkv" for head in range(H) for _ in range(D)]
colour_of = {"q": BLUE, "k": ORANGE, "v": GREEN}
figure, axes = plt.subplots(figsize=(9, 1.5), layout="constrained", facecolor=PAPER)
axes.set_axis_off()
axes.set(xlim=(-3.6, 12), ylim=(2.1, -0.1))
for row, (title, order) in enumerate((("head by head", by_head), ("q, then k, then v", by_kind))):
    axes.text(-0.2, row + 0.45, title, ha="right", va="center", color=INK)
    for place, name in enumerate(order):
        shade = 0.85 if name[1] == "0" else 0.4
        box = plt.Rectangle((place, row), 0.94, 0.88, color=colour_of[name[0]], alpha=shade, lw=0)
        axes.add_patch(box)
        axes.text(place + 0.47, row + 0.45, name, ha="center", va="center", color=INK)
plt.show()
same = sum(one == other for one, other in zip(by_head, by_kind, strict=True))
print(same, "of", len(by_head), "rows are in the same place")
assert same == 4

# %% [markdown]
# *Picture: the twelve rows of a packed weight with two heads of width 2. Head by head they are q0
# q0 k0 k0 v0 v0 q1 q1 k1 k1 v1 v1; by kind q0 q0 q1 q1 k0 k0 k1 k1 v0 v0 v1 v1.*
#
# ### Exercise 7: `stack_qkv` (medium, 12 minutes, 4 points)
#
# `packed` is a weight $(3HD, C)$ or a bias $(3HD)$, head by head. Give the same with all rows of
# $q$ first, head after head, then those of $k$, then those of $v$.


# %%
def stack_qkv(packed, heads):
    ### BEGIN SOLUTION
    by_head = packed.reshape(heads, 3, -1, *packed.shape[1:])  # (H, 3, D, C)
    return by_head.swapaxes(0, 1).reshape(packed.shape)  # (3 H D, C)
    ### END SOLUTION


# %%
check(stack_qkv)

# %% [markdown]
# ## How close is equal?
#
# Two correct programs do not give the same bits. A float32 keeps 24 binary digits (the 23 of its
# fraction, and a 1 before them that need not be stored), so each result is rounded by up to
# $2^{-24}$ of itself, $6 \cdot 10^{-8}$; and rounding depends on the order: $(a + b) + c$ is not
# $a + (b + c)$. Libraries add in different orders, to be quick. How much does it come to? We add
# the same random numbers forwards and backwards, and let the number of terms grow.


# %%
def two_orders(terms, dtype, repeats=100):
    """How far two sums of the same numbers differ, in units of a sum's usual size, √terms."""
    numbers = rng.normal(size=(repeats, terms)).astype(dtype)
    forwards = np.cumsum(numbers, axis=1)[:, -1]  # one after the other
    backwards = np.cumsum(numbers[:, ::-1], axis=1)[:, -1]
    return float(np.abs(forwards - backwards).mean() / np.sqrt(terms))


many = [2**power for power in range(4, 15, 2)]
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained", facecolor=PAPER)
dress(axes)
gap = {}
for dtype, colour in (("float32", BLUE), ("float64", ORANGE)):
    gap[dtype] = [two_orders(terms, dtype) for terms in many]
    axes.plot(many, gap[dtype], "o-", color=colour, label=dtype)
axes.set(xscale="log", yscale="log", ylim=(1e-17, 1e-4), xlabel="numbers that are added")
axes.set_xticks(many, [f"{terms:,}" for terms in many])
axes.set_xticks([], minor=True)
axes.set_ylabel("gap of two orders")
axes.legend(frameon=False, loc="center right")
plt.show()
print("float32:", *(f"{number:.1e}" for number in gap["float32"]))
assert 1e-8 < gap["float32"][0] < 3e-7
assert 1e-6 < gap["float32"][-1] < 2e-5
assert gap["float64"][-1] < 1e-13

# %% [markdown]
# *Picture: the gap between two orders of summing, both axes logarithmic. In float32 it climbs from
# below 1e-7 for 16 numbers to about 2e-6 for 16,384. In float64 the line runs almost nine powers of
# ten lower.*
#
# So `==` is the wrong question, and «looks the same» is too. The usual one, of `allclose` and
# `assert_close`, is whether at each place
#
# $$|\text{ours} - \text{theirs}| \le \text{absolute} + \text{relative} \cdot |\text{theirs}|$$
#
# Both parts are needed: without the relative one, a sum near 1,000 fails for its rounding; without
# the absolute one, a number that should be 0 and is $10^{-9}$ does. For float32 and whole models
# $10^{-5}$ of the largest logit is a good bound, and there is a better way than to argue about it:
# **compute both in float64**. Rounding then shrinks by almost nine powers of ten. A mistake does
# not shrink at all.
#
# ### Exercise 8: `first_difference` (medium, 12 minutes, 4 points)
#
# If the logits differ, compare layer by layer: everything after the first layer that differs
# differs too, and says nothing. `ours` and `theirs` are dicts of arrays with the same names; the
# order of `theirs` is that of the computation. Name the first whose shapes differ, or that is out
# of the bound above at any place; None if there is none. A NaN is never close.


# %%
def first_difference(ours, theirs, relative, absolute):
    ### BEGIN SOLUTION
    for name, there in theirs.items():
        here = ours[name]
        if here.shape != there.shape:
            return name
        gap = np.abs(here - there)
        if not (gap <= absolute + relative * np.abs(there)).all():
            return name
    return None
    ### END SOLUTION


# %%
check(first_difference)

# %% [markdown]
# ## An experiment: what does a silent mistake cost?
#
# We train a small model to tell the micro world's stories, call it the original, and port it, each
# time with one mistake that nothing complains of. Perhaps they are all fatal. Perhaps a trained
# model shrugs most of them off. The original turns **neighbours** in its rotary positions, the
# numbers 0 and 1, 2 and 3, as the paper and Llama's own code do; lesson 06, tinyllm and Hugging
# Face pair the first half of a head with the second. So much for an agreement that is in no file.


# %%
class Neighbours(nn.RotaryEmbedding):
    """Rotary positions that turn neighbours: numbers 0 and 1 of a head, then 2 and 3, and so on."""

    def forward(self, x, start=0, heads=None):
        B, T, N, D = x.shape
        x = x.reshape(B, T, N, D // 2, 2).transpose(-1, -2).reshape(B, T, N, D)  # as halves
        y = super().forward(x, start, heads)
        return y.reshape(B, T, N, 2, D // 2).transpose(-1, -2).reshape(B, T, N, D)


SIZES = {"context_length": 32, "layers": 2, "heads": 4, "width": 32, "positions": "rotary"}


def decoder(turn=Neighbours, **changed):
    """A decoder whose blocks turn queries and keys by `turn`."""
    model = Decoder(DecoderConfig(**{**SIZES, **changed}))
    for block in model.blocks:
        block.attention.rotary = turn(model.config.head_size, SIZES["context_length"])
    return model


# %%
grammar = Grammar(World(seed=0, size="micro"))
told = list(stories(grammar, 150 * 32))
vocabulary = ["<s>", *sorted({word for story in told for word in story.words})]
number = {word: i for i, word in enumerate(vocabulary)}
SIZES["vocab_size"] = len(vocabulary)


def batch(some):
    """Inputs and targets (B, T); the inputs begin with <s>, and padding is not asked."""
    T = max(len(story.words) for story in some)
    inputs, targets = np.zeros((len(some), T), dtype=np.int64), np.full((len(some), T), -100)
    for row, story in enumerate(some):
        ids = [number[word] for word in story.words]
        targets[row, : len(ids)] = ids
        inputs[row, 1 : len(ids)] = ids[:-1]
    return tinyllm.tensor(inputs), tinyllm.tensor(targets)


tinyllm.manual_seed(19)
original = decoder()
optimizer = AdamW(original.parameters(), lr=1.5e-2)
for step in range(150):
    loss = original.loss(*batch(told[step * 32 : step * 32 + 32]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.param_groups[0]["lr"] = 1.5e-2 * min(1, (step + 1) / 10) * (1 - 0.95 * step / 150)
    optimizer.step()

# %%
held_out = batch(list(stories(grammar, 150, split="validation")))
file = {name: value.numpy().copy() for name, value in original.state_dict().items()}


def answers(model):
    """Logits (B, T, V) on the held-out stories, and the loss."""
    with inference(model):
        return model(held_out[0]).numpy(), model.loss(*held_out).item()


def ported(change=lambda name, array: array, turn=Neighbours, **changed):
    """A model of the file's weights, each put through `change`."""
    model = decoder(turn, **changed)
    model.load_state_dict({name: change(name, array) for name, array in file.items()})
    return model


logits, right = answers(original)
print(f"{len(vocabulary)} words; the original's loss is {right:.3f} nats per word")
assert len(vocabulary) == 58
assert 0.45 < right < 0.7
assert answers(ported())[1] == right

# %% [markdown]
# ### Predict, then run (5 minutes)
#
# The original pays about 0.55 nats per word. One that has no idea, and gives all 58 words the same
# share, pays $\log 58 = 4.06$. Now the square weight `attention.out.weight` comes in transposed, in
# both blocks. All else is right. What does the port pay?

# %%
my_ported_loss = None
### BEGIN SOLUTION
my_ported_loss = 3.0
### END SOLUTION

# %%
C = SIZES["width"]


def only(ending, change):
    """`change` for the arrays whose names end so; the others as they are."""
    return lambda name, array: change(array) if ending in name else array


def cut(array):
    """float32 numbers as bfloat16 keeps them."""
    return (array.view(np.uint32) >> 16 << 16).view(np.float32)


def as_if_by_head(array):
    """The rows of a packed weight where they would be in a file that goes head by head."""
    return array.reshape(3, 4, -1, *array.shape[1:]).swapaxes(0, 1).reshape(array.shape)


# %%
ports = {
    "ε of the norms 1e-6": ported(norm_eps=1e-6),
    "exact GELU for its approximation": ported(activation="gelu"),
    "weights in bfloat16": ported(lambda name, array: cut(array)),
    "halves turned, not neighbours": ported(turn=nn.RotaryEmbedding),
    "q and k exchanged": ported(
        only("qkv", lambda w: np.concatenate([w[C : 2 * C], w[:C], w[2 * C :]]))
    ),
    "q, k, v head by head": ported(only("qkv", as_if_by_head)),
    "square weight transposed": ported(only("attention.out.weight", lambda w: w.T.copy())),
    "reshaped, not transposed": ported(only("mlp.up.weight", lambda w: w.T.reshape(w.shape))),
}
found = {name: answers(model) for name, model in ports.items()}
found = {"float64 for float32": answers(ported().to(np.float64)), **found}
gap = {name: np.abs(x - logits).max() / np.abs(logits).max() for name, (x, _) in found.items()}
reveal("19", "loss of a transposed port", my_ported_loss, found["square weight transposed"][1])

# %%
figure, axes = plt.subplots(figsize=(8.5, 3.8), layout="constrained", facecolor=PAPER)
dress(axes)
axes.grid(visible=False)
for row, (name, distance) in enumerate(gap.items()):
    paid = found[name][1]
    colour = GREEN if distance < 1e-5 else BLUE if paid < right + 0.02 else ORANGE
    axes.barh(row, distance, left=1e-8, color=colour, height=0.7)
    axes.text(distance * 1.4, row, f"loss {paid:.3f}", va="center", color=INK, fontsize=9)
axes.set(xscale="log", xlim=(1e-8, 60), xlabel="largest gap of a logit, relative to the largest")
axes.set_yticks(range(len(gap)), gap, color=INK)
axes.invert_yaxis()
plt.show()
assert gap["float64 for float32"] < 1e-5
settings, broken = list(gap)[1:4], list(gap)[4:]
assert all(1e-5 < gap[name] < 0.1 and found[name][1] < right + 0.02 for name in settings)
assert all(gap[name] > 0.3 and found[name][1] > right + 0.1 for name in broken)
assert 0.9 < found["square weight transposed"][1] < 4

# %% [markdown]
# *Picture: nine bars on a logarithmic scale. Rounding, in green, is below 1e-6. ε, GELU and
# bfloat16, in blue, lie between 1e-4 and 2e-2, and the loss stays at 0.555. The five wrong layouts
# and pairings, in orange, are near 1, and their losses go from 0.79 to 5.95.*
#
# Three classes, and wide gaps between them. **Rounding** is a matter of $10^{-7}$. **Settings**
# that are a little wrong come out hundreds of times larger and more; no loss and no reader would
# ever tell, and a tolerance of $10^{-5}$ does. **Layouts** change everything.
#
# Now the trick with float64, for the transposed weight:

# %%
transposed = only("attention.out.weight", lambda w: w.T.copy())
exact, off = (
    answers(ported(change).to(np.float64))[0] for change in (only("", np.copy), transposed)
)
in_float64 = np.abs(off - exact).max() / np.abs(exact).max()
print(f"off in float64 by {in_float64:.4f}, in float32 by {gap['square weight transposed']:.4f}")
assert np.isclose(in_float64, gap["square weight transposed"], rtol=1e-3)

# %% [markdown]
# The mistake has not shrunk, so it is one.
#
# But look at what «everything» means: the models below are broken, and this is what they write.


# %%
def tells(model, words=16):
    """What a model writes if it always takes the likeliest word."""
    ids = [0]
    with inference(model):
        for _ in range(words):
            logits = model(tinyllm.tensor(np.array([ids]))).numpy()  # (1, T, V)
            ids.append(int(logits[0, -1].argmax()))
    return " ".join(vocabulary[i] for i in ids[1:])


print(f"{'the original':32s} {tells(original)}")
for name in broken:
    print(f"{name:32s} {tells(ports[name])}")

# %% [markdown]
# Some of it is stammering. Some of it is whole sentences, by a model that has lost track of where
# each word stands. «It writes English» is no test. Compare numbers.
#
# ### Where does it begin?
#
# A forward hook is called with what a module gives; the method has the same name in PyTorch. Four
# of them show how far a port is off after each part. Here block 1 alone has its square weight
# transposed.


# %%
def traced(model):
    """What the parts of a model give on the held-out stories, in their order."""
    seen = {}
    parts = {"embedding": model.token_embedding, "block 0": model.blocks[0]}
    parts |= {"block 1": model.blocks[1], "norm": model.norm}
    for name, part in parts.items():
        part.register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: output.numpy()})
        )
    answers(model)
    return seen


there = traced(ported())
here = traced(ported(only("1.attention.out.weight", lambda w: w.T.copy())))
apart = {name: np.abs(here[name] - there[name]).max() for name in there}
figure, axes = plt.subplots(figsize=(7, 2.2), layout="constrained", facecolor=PAPER)
dress(axes)
bars = axes.bar(apart.keys(), apart.values(), color=ORANGE, width=0.5)
axes.bar_label(bars, fmt="%.2g", color=INK)
axes.set_ylabel("largest gap")
axes.margins(y=0.2)
plt.show()
assert apart["embedding"] == apart["block 0"] == 0
assert apart["block 1"] > 0.1

# %% [markdown]
# *Picture: four bars. The embedding and block 0 have a gap of 0; block 1 and the norm after it have
# large ones.*

# %%
if first_difference({"x": np.zeros(1)}, {"x": np.ones(1)}, 0, 0) is None:
    print("to do: first_difference")
else:
    print("first_difference says:", first_difference(here, there, 1e-5, 1e-5))

# %% [markdown]
# ### Exercise 9: find the bug (hard, 15 minutes, 5 points)
#
# A colleague ports models that turn neighbours to a library that turns halves. Instead of the code,
# she changes the **weights**: a query is the weight times $x$, so to reorder the numbers of a query
# is to reorder the rows of the weight. Numbers 0 and 1 of a head were a pair; now 0 and $D/2$ are.
# So the even rows come first, then the odd ones, for the weights of $q$ and $k$ (values are not
# turned, and stay). Her test has a model with one head, and passes to 6 digits. Then she ports a
# model with four.


# %%
def whole_rows(weight, heads):
    return np.concatenate([weight[0::2], weight[1::2]])


def gaps_by_position(rows, heads):
    """How far off a port's logits are at each position, for random weights and so many heads."""
    tinyllm.manual_seed(7)
    theirs, ours = decoder(heads=heads), decoder(nn.RotaryEmbedding, heads=heads)
    state = {}
    for name, value in theirs.state_dict().items():
        array = value.numpy() * (10 if "qkv" in name else 1)  # so that attention chooses
        value.array[...] = array
        if "qkv" in name:
            q, k, v = np.split(array, 3)
            array = np.concatenate([rows(q, heads), rows(k, heads), v])
        state[name] = array
    ours.load_state_dict(state)
    one, other = answers(theirs)[0], answers(ours)[0]  # (B, T, V) each
    return np.abs(one - other).max(axis=(0, 2)) / np.abs(one).max()


# %%
symptom = {heads: gaps_by_position(whole_rows, heads) for heads in (1, 4)}
for heads, numbers in symptom.items():
    print("heads:", heads, " gaps", *(f"{number:.0e}" for number in numbers[:8]), "…")
assert symptom[1].max() < 1e-5
assert symptom[4][0] < 1e-6
assert symptom[4][2:].min() > 1e-3

# %%
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained", facecolor=PAPER)
dress(axes)
for (heads, numbers), colour in zip(symptom.items(), (BLUE, ORANGE), strict=True):
    label = f"{heads} head" + "s" * (heads > 1)
    axes.plot(np.maximum(numbers, 1e-9), "o-", color=colour, markersize=4, label=label)
axes.set(yscale="log", ylim=(5e-10, 3), xlabel="position", ylabel="gap, relative")
axes.legend(frameon=False, loc="center right")
plt.show()

# %% [markdown]
# *Picture: the gap at each position, on a logarithmic scale. With one head all are at the level of
# rounding, below 1e-6. With four heads there is no gap at position 0 (drawn at 1e-9), and from
# position 1 on it is near 1.*
#
# At position 0 all is well even with four heads: its only key is itself, so it gets the whole share
# whatever the score. **A test with one token would have passed.** Find what `whole_rows` does
# wrong, and write `rows_for_halves` for `weight` $(HD, C)$ or a bias $(HD)$.


# %%
def rows_for_halves(weight, heads):
    ### BEGIN SOLUTION
    pairs = weight.reshape(heads, -1, 2, *weight.shape[1:])  # (H, D/2, 2, C)
    return pairs.swapaxes(1, 2).reshape(weight.shape)  # within a head: evens, then odds
    ### END SOLUTION


# %%
check(rows_for_halves)

# %% [markdown]
# Yours, put to her test with four heads:

# %%
if rows_for_halves(np.zeros((8, 2)), 2) is None:
    print("to do: rows_for_halves")
else:
    print("largest gap", gaps_by_position(rows_for_halves, 4).max())

# %% [markdown]
# ### A block, moved whole
#
# The last step moves a whole block to PyTorch. tinyllm's `Block` has GPT-2's build, and
# `nn.TransformerEncoderLayer` with `norm_first` has the same under other names. The code below is,
# once more, one for both libraries: it moves the block into tinyllm's own layer of that name, and
# into PyTorch's where that is installed.

# %%
THEIRS = {
    "norm_1": "norm1", "norm_2": "norm2", "mlp.up": "linear1", "mlp.down": "linear2",
    "attention.out": "self_attn.out_proj", "attention.qkv.weight": "self_attn.in_proj_weight",
    "attention.qkv.bias": "self_attn.in_proj_bias",
}  # fmt: skip
tinyllm.manual_seed(3)
block = Decoder(DecoderConfig.gpt2(vocab_size=7, layers=1, heads=3, width=12)).blocks[0]
for parameter in block.parameters():
    nn.init.normal_(parameter, 0.0, 0.4)  # large enough to show mistakes, biases too
x = rng.normal(size=(2, 5, 12)).astype(np.float32)  # (B, T, C)


def moved(library):
    """What the block gives in a library's own Transformer layer."""
    F = library.nn.functional
    layer = library.nn.TransformerEncoderLayer(
        12, 3, 48, dropout=0.0, activation=lambda x: F.gelu(x, approximate="tanh"),
        batch_first=True, norm_first=True,
    )  # fmt: skip
    state = {}
    for name, value in block.state_dict().items():
        for ours, theirs in THEIRS.items():
            name = name.replace(ours, theirs)
        state[name] = library.tensor(value.numpy())
    layer.load_state_dict(state)
    mask = library.nn.Transformer.generate_square_subsequent_mask(5)  # (T, T)
    return layer(library.tensor(x), mask, is_causal=True).detach().numpy()  # (B, T, C)


# %%
here = block(tinyllm.tensor(x)).detach().numpy()  # (B, T, C)
for name, library in {"tinyllm": tinyllm, "PyTorch": torch}.items():
    if library is None:
        print("PyTorch: not installed; for us the largest gap was 1e-06")
        continue
    distance = np.abs(moved(library) - here).max()
    print(f"{name}: largest gap {distance:.0e}")
    assert distance < 1e-5

# %% [markdown]
# Twelve names, five lines, and the answers agree to the last digits. Tensors move even more simply:
# `tinyllm.from_torch(t)` and `tensor.to_torch()` give the **same memory** to the other library, and
# `from_numpy` shares likewise, in both; `tensor(…)` copies, in both.
#
# ### An open question (10 minutes, for a teacher to read)
#
# You are handed a file of weights, a paper that describes the model, and from its authors one
# sentence with the logits that their code gives for it. Write down the tests by which you would
# check a port, in order, and say for each which of the five rows of the first picture it can find.
# Which mistakes does a sentence of one token hide? Which tolerance do you take, and how do you
# justify it? When would you be satisfied?
#
# <details>
# <summary><em>For a teacher: the rubric, 6 points. It gives the answer.</em></summary>
#
# 1 for an order that goes from loud to silent (all keys used, none missing; shapes; then numbers);
# 1 for a comparison layer by layer, the first that differs being where to look; 1 for what one
# token hides (rotary pairs, masks, the order of positions, all that acts between positions, since a
# lone position attends to itself alone), so several tokens, and a batch with padding; 1 for a
# tolerance taken from rounding (1e-5 or so relative for float32), better both sides in float64,
# where a mistake stays and rounding goes; 1 for settings that are in no file (ε, kind of GELU, base
# of the rotation, scale of the scores), visible at 1e-4 but not in the loss; 1 for a sensible end
# (logits within the tolerance on several texts and sizes that differ in every letter, and the loss
# besides; not «it writes English»).
#
# </details>
#
# ## What to remember
#
# - Names and shapes complain. Layouts and conventions do not: check them by numbers.
# - Linear is (out, in). A square weight hides a transposition; give every letter a size of its own.
# - `backward` adds. `view` shares or refuses; `reshape` shares or copies, and does not say.
# - `MultiheadAttention`: True hides. `scaled_dot_product_attention`: True keeps.
# - safetensors: 8 bytes, a JSON header, offsets from its end. The agreement is not in the file.
# - Equal means: within absolute + relative · |theirs|. In doubt, go to float64: rounding shrinks,
#   mistakes stay.
# - One token tests nothing that happens between positions.
#
# ## Where next
#
# Lesson 20 answers what is asked most: how long a training takes, which model to take, how good it
# is; its project is the last of the course. To look further now, read `docs/pytorch.md`, and
# `tinyllm/bench/torch_twin.py`, a GPT written in PyTorch against which tinyllm is measured. The
# format of the files is described at
# [github.com/huggingface/safetensors](https://github.com/huggingface/safetensors), rotary positions
# in Su et al. 2021, [arXiv:2104.09864](https://arxiv.org/abs/2104.09864).
