# %% [markdown]
# # 18 How NumPy gets fast: kernels, fusion, memory, one thread pool
#
# **You will be able to** count the operations and the bytes of a computation, and say from the two
# which of them holds it up; find out what temporaries cost, in traffic and in memory; take a
# softmax in one pass; write a kernel and have it compiled; share rows out among threads; and
# explain why two thread pools on one machine are worse than none.
#
# **You need** lesson 00 (arrays), lesson 07 (softmax with its maximum taken off), and what a
# process and a thread are. **Time:** about 45 minutes of reading, and 100 of exercises.
#
# ## Why
#
# tinyllm is Python, and Python is slow: a loop over numbers takes some fifty nanoseconds for each.
# NumPy makes it some fifty times as fast, because a single call does a whole array in machine code.
# And yet a training step written with NumPy alone takes several times as long as it has to. Not
# because NumPy computes badly: because of what lies *between* two of its calls. Each call reads its
# arrays from memory and writes a new one there, and memory is far away.
#
# This lesson is about the way from there to tinyllm's kernels. There is a difficulty: times are a
# bad teacher. The same code takes 40 milliseconds now and 60 a minute later, on another machine 15,
# and whoever tries ten variants will find one that was lucky. So we **count** first: operations,
# bytes, arrays that are alive, ticks of a simulated clock. Counts come out the same everywhere, and
# they explain. Times are shown too, at the end of a section, and nothing hangs on them.

# %%
import importlib
import inspect
import time
import tracemalloc
from collections import deque

import matplotlib.pyplot as plt
import numba
import numpy as np
from threadpoolctl import threadpool_info

from tinyllm.course import check, hint, reveal
from tinyllm.kernels import gelu_tanh, reference_kernels
from tinyllm.kernels import softmax as softmax_kernel
from tinyllm.viz.style import BLUE, GREEN, INK, ORANGE, PAPER, QUIET, dress

rng = np.random.default_rng(18)

# %% [markdown]
# ## The idea in a picture
#
# A processor has two limits. Its arithmetic does so many operations a second, the **peak**. Its
# memory delivers so many bytes a second, the **bandwidth**. A computation needs both. Divide the
# operations that it does by the bytes that it moves, and you have its **arithmetic intensity**: how
# much it makes of each byte. Then
#
# $$\text{rate} \le \min(\text{peak},\; \text{intensity} \cdot \text{bandwidth})$$
#
# Drawn with logarithmic scales this is a slope that ends under a flat top, the **roofline**. What
# lies under the slope waits for memory: a faster processor would not help it. What lies under the
# flat part waits for arithmetic. The picture assumes a machine with a peak of 100 billion
# operations a second (100 GFLOP/s) and a bandwidth of 20 billion bytes (20 GB/s); these are round
# numbers, and yours will be others. The two lines meet at $100 / 20 = 5$ operations for each byte.
# (An exponential is counted as one operation here.)

# %%
PEAK, BANDWIDTH = 100e9, 20e9  # operations and bytes a second, of the assumed machine
numbers = 768 * 128  # an array of the small model: 768 positions, vectors of 128
work = {  # name: (operations, bytes), for numbers of 4 bytes
    "x + y": (numbers, 3 * 4 * numbers),
    "softmax, step by step": (5 * numbers, 8 * 4 * numbers),
    "softmax, in one pass": (5 * numbers, 2 * 4 * numbers),
    "(1, 768) @ (768, 768)": (2 * 768**2, 4 * (768 + 768**2 + 768)),
    "(768, 128) @ (128, 512)": (
        2 * 768 * 128 * 512, 4 * (768 * 128 + 128 * 512 + 768 * 512),
    ),
    "(1000, 1000) @ (1000, 1000)": (2 * 1000**3, 4 * 3 * 1000**2),
}  # fmt: skip
intensity = {name: operations / moved for name, (operations, moved) in work.items()}
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained", facecolor=PAPER)
dress(axes)
across = np.geomspace(0.03, 1000, 200)
axes.loglog(across, np.minimum(PEAK, across * BANDWIDTH) / 1e9, color=QUIET, linewidth=2)
for name, x in intensity.items():
    y = min(PEAK, x * BANDWIDTH) / 1e9
    held = x * BANDWIDTH < PEAK
    axes.plot(x, y, "o" if held else "s", color=ORANGE if held else BLUE)
    place = ((8, -4), "left", "center") if held else ((0, -8), "center", "top")
    if name in ("softmax, in one pass", "(768, 128) @ (128, 512)"):  # two that would overlap
        place = ((-8, 6), "right", "bottom") if held else ((0, 8), "center", "bottom")
    axes.annotate(name, (x, y), place[0], textcoords="offset points", ha=place[1], va=place[2],
                  color=INK, fontsize=9)  # fmt: skip
axes.set(xlabel="operations for each byte", ylabel="GFLOP/s at most", ylim=(0.5, 250))
plt.show()
assert PEAK / BANDWIDTH == 5
assert [name for name, x in intensity.items() if x > 5] == list(work)[4:]

# %% [markdown]
# *Picture: the roofline rises to 100 GFLOP/s at 5 operations for each byte and is flat from there.
# On the slope, in orange circles, lie x + y far down, softmax step by step a little higher, the
# product of one row and a matrix, and softmax in one pass. On the flat part, in blue squares, lie
# two products of large matrices.*
#
# ## The smallest numeric example
#
# Take a product $(2, 3)\,@\,(3, 4)$ of 32-bit numbers. The result has $2 \cdot 4 = 8$ numbers, each
# a sum of 3 products: 3 multiplications and 3 additions, so $8 \cdot 6 = 48$ operations. The
# matrices have 6, 12 and 8 numbers, 26 in all, of 4 bytes each: 104 bytes, if each of them passes
# once. The intensity is $48 / 104 = 0.46$. For 1000 times 1000 it is $2 \cdot 10^9$ operations and
# 12 million bytes: 167. **Large products make much of each byte**, because every number is used a
# thousand times. A sum $x + y$ makes one operation of 12 bytes, $1/12$, however large the arrays
# are.

# %%
for name, operations in intensity.items():
    print(f"{name:<28} {operations:7.3f}")
assert np.isclose(48 / 104, 0.46, atol=0.002)
assert np.isclose(intensity["(1000, 1000) @ (1000, 1000)"], 167, atol=0.5)
assert np.isclose(intensity["x + y"], 1 / 12)
assert np.isclose(intensity["(1, 768) @ (768, 768)"], 0.5, atol=0.01)

# %% [markdown]
# Look at the product with a single row: 0.5. That is a model writing a text, one token at a time.
# Every weight is fetched, used for one multiplication and one addition, and forgotten. So a model
# writes as fast as memory delivers its weights, and one with half the bytes writes twice as fast.
#
# ### Exercise 1: `product_cost` (easy, 8 minutes, 3 points)
#
# Give the pair (operations, bytes) for a product $(M, K)\,@\,(K, N)$ of numbers of `itemsize`
# bytes, counted as above.


# %%
def product_cost(M, K, N, itemsize):
    ### BEGIN SOLUTION
    return 2 * M * K * N, (M * K + K * N + M * N) * itemsize
    ### END SOLUTION


# %%
check(product_cost)

# %% [markdown]
# ### Exercise 2: `roofline_rate` (easy, 5 minutes, 2 points)
#
# Give the highest rate, in operations a second, of a computation with so many `operations` that
# moves so many bytes, on a machine with `peak` operations and `bandwidth` bytes a second. One line.


# %%
def roofline_rate(operations, bytes_moved, peak, bandwidth):
    ### BEGIN SOLUTION
    return min(peak, operations / bytes_moved * bandwidth)
    ### END SOLUTION


# %%
check(roofline_rate)

# %% [markdown]
# ## What moves: counting bytes
#
# How many bytes does a line of NumPy move? We need not guess. NumPy lets a class stand in the place
# of an array and be told of every operation. Ours does the operation, and writes down what was read
# and what was written.


# %%
class Counted(np.ndarray):
    """An array that writes down the bytes that each operation on it reads and writes."""

    ledger = []

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        plain = [np.asarray(x) for x in inputs]
        result = np.asarray(getattr(ufunc, method)(*plain, **options))
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__} of rows"
        Counted.ledger.append((name, sum(x.nbytes for x in plain), result.nbytes))
        return result.view(Counted)


def softmax(x):
    """Over rows, step by step."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


x = rng.normal(size=(256, 1024)).astype(np.float32)  # a megabyte
Counted.ledger.clear()
softmax(x.view(Counted))
steps = list(Counted.ledger)

# %%
figure, axes = plt.subplots(figsize=(7.5, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
names = [*(name for name, _, _ in steps), "in one pass"]
read = np.array([*(r for _, r, _ in steps), x.nbytes]) / 2**20
written = np.array([*(w for _, _, w in steps), x.nbytes]) / 2**20
axes.barh(names, read, color=BLUE, label="read")
axes.barh(names, written, left=read, color=ORANGE, label="written")
axes.set_xlabel("megabytes")
axes.set_xlim(0, 2.6)
axes.invert_yaxis()
axes.legend(frameon=False, loc="lower right")
plt.show()
moved = sum(r + w for _, r, w in steps)
print(f"step by step {moved / 2**20:.2f} MB, in one pass {2 * x.nbytes / 2**20:.2f} MB")
assert [name for name, _, _ in steps][::3] == ["maximum of rows", "add of rows"]
assert np.isclose(moved / (2 * x.nbytes), 4, atol=0.02)

# %% [markdown]
# *Picture: for each of the five steps of a softmax a bar of the megabytes that it reads and writes.
# The maximum reads 1. Subtract, exp and divide read 1 and write 1 each; the sum reads 1. That is 8
# in all. The last bar, in one pass, reads 1 and writes 1.*
#
# Eight megabytes, where two would do: the array goes to and fro four times. That is the price of a
# chain of NumPy calls. **Fusion** is the cure: do all the steps for one row while it is near, and
# then go on to the next. A row of 1,024 numbers has 4 KB; the nearest cache of a processor core
# holds some 32 KB. So the row comes from memory once, all five steps happen in the cache, and the
# result leaves once.
#
# ### Exercise 3: `traffic_of_program` (medium, 15 minutes, 4 points)
#
# A program is a dict, in order: each step's output, with the list of its inputs. `sizes` gives the
# bytes of every array. Return the pair of bytes moved (step by step, fused). Step by step, each
# step reads its inputs and writes its output. Fused, only what no step makes is read, each array
# once; and only the last output is written.
#
# For example, `{"a": ["x"], "y": ["a", "x"]}` with 100 bytes each gives $(200 + 300, 200)$.


# %%
def traffic_of_program(program, sizes):
    ### BEGIN SOLUTION
    one_by_one = sum(
        sizes[output] + sum(sizes[name] for name in inputs) for output, inputs in program.items()
    )
    made = list(program)
    given = {name for inputs in program.values() for name in inputs} - set(made)
    fused = sum(sizes[name] for name in given) + sizes[made[-1]]
    return one_by_one, fused
    ### END SOLUTION


# %%
check(traffic_of_program)

# %% [markdown]
# ## What stays: the memory of temporaries
#
# Temporaries take room as well. GELU, an activation of many language models, is
#
# $$y = \tfrac12\, x\, \bigl(1 + \tanh(0.798\,(x + 0.0447\, x^3))\bigr)$$
#
# Below it stands in NumPy, as one would write it. How much memory does it take at its worst, beside
# $x$? Python can tell: `tracemalloc` watches every array come and go.


# %%
def gelu(x):
    cube = x * x * x
    inner = 0.7978846 * (x + 0.044715 * cube)
    return 0.5 * x * (1 + np.tanh(inner))


def arrays_at_most(function, x):
    """The most memory that a call holds at one time, in sizes of x."""
    function(x)  # once before: imports and caches
    tracemalloc.start()
    function(x)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / x.nbytes


x = rng.normal(size=8000).astype(np.float32)

# %% [markdown]
# ### Predict, then run (4 minutes)
#
# How many arrays of the size of $x$ are alive at the worst moment, the result among them and $x$
# not? Nine operations make arrays. But what has no name is given back as soon as it was used. Put
# a number.

# %%
my_arrays_alive = None
### BEGIN SOLUTION
my_arrays_alive = 3
### END SOLUTION

# %%
worst = arrays_at_most(gelu, x)
reveal("18", "arrays alive in gelu", my_arrays_alive, round(worst, 1))
kernel_worst = arrays_at_most(gelu_tanh, x)
print(f"by tinyllm's kernel {kernel_worst:.1f}")
assert 0.9 < kernel_worst < 1.2
assert np.abs(gelu(x) - gelu_tanh(x)).max() < 1e-6

# %%
assert 4.9 < worst < 5.2

# %% [markdown]
# Five. `cube` and `inner` have names, so they live to the end of the function, although nobody
# needs them any more when the last line works on three others. The kernel needs one array, the
# result.
#
# In a training step there is more to it than room. Fresh memory is not there when you get it. The
# system hands out pages of 4 KB, and finds each when it is first written; for large arrays that
# costs more than the arithmetic. So tinyllm keeps the memory of an array that nobody holds any more
# for the next one of its size (`kernels/memory.py`), and step after step the same few megabytes are
# used again.
#
# ### Exercise 4: `peak_of_program` (hard, 18 minutes, 5 points)
#
# For a program and sizes as in exercise 3, say how many bytes the program needs at most at one
# time. What it was given is not counted. Each output comes alive in its step; while the step runs,
# its inputs are alive too; and after the last step that reads an array, it is given back. What no
# step reads stays, the result above all.


# %%
def peak_of_program(program, sizes):
    ### BEGIN SOLUTION
    last_use = {name: step for step, inputs in enumerate(program.values()) for name in inputs}
    alive, peak = set(), 0
    for step, output in enumerate(program):
        alive.add(output)
        peak = max(peak, sum(sizes[name] for name in alive))
        alive = {name for name in alive if last_use.get(name, len(program)) > step}
    return peak
    ### END SOLUTION


# %%
check(peak_of_program)

# %% [markdown]
# By this rule GELU needs three arrays, if only every temporary is given back as early as can be. We
# write it so that it is, and look whether `tracemalloc` agrees.


# %%
def thrifty_gelu(x):
    y = x * x
    y = y * x
    y = 0.044715 * y
    y = x + y
    y = 0.7978846 * y
    y = np.tanh(y)
    y = 1 + y
    half = 0.5 * x
    return half * y


def in_place_gelu(x):
    y = x * x
    for factor in (x, np.float32(0.044715)):
        np.multiply(y, factor, out=y)
    np.add(y, x, out=y)
    np.multiply(y, np.float32(0.7978846), out=y)
    np.tanh(y, out=y)
    np.add(y, np.float32(1), out=y)
    np.multiply(y, x, out=y)
    return np.multiply(y, np.float32(0.5), out=y)


# %%
alive = {f.__name__: arrays_at_most(f, x) for f in (gelu, thrifty_gelu, in_place_gelu, gelu_tanh)}
figure, axes = plt.subplots(figsize=(7, 2.2), layout="constrained", facecolor=PAPER)
dress(axes)
bars = axes.barh(list(alive), list(alive.values()), color=[ORANGE, ORANGE, ORANGE, BLUE])
axes.bar_label(bars, fmt=" %.1f", color=INK)
axes.invert_yaxis()
axes.set_xlabel("arrays alive at the worst moment")
plt.show()
assert 2.9 < alive["thrifty_gelu"] < 3.2
assert alive["in_place_gelu"] < 1.2
for function in (thrifty_gelu, in_place_gelu):
    assert np.allclose(function(x), gelu(x), atol=1e-6)

# %% [markdown]
# *Picture: four bars. gelu holds 5.0 arrays at its worst moment, thrifty_gelu 3.0, in_place_gelu
# and the kernel gelu_tanh 1.0.*
#
# Three, as counted. With `out=` one array is enough even in NumPy, at the price of a function that
# nobody likes to read. And it still makes nine passes over memory. Only a kernel saves both.
#
# ## Softmax in one pass
#
# To fuse a softmax seems impossible: the maximum must be known before the first exponential is
# taken, and the sum before the first division. For a row that fits into the cache that does not
# matter. But attention has rows as long as the text, in blocks that come one after the other, and
# it would be good to take each block into account and forget it.
#
# It can be done with two numbers: the largest so far, $m$, and the sum so far with that maximum
# taken off, $t = \sum e^{x - m}$. Say the row is $1, 2 \mid 3$, in two blocks. After the first, $m
# = 2$ and $t = e^{-1} + e^0 = 1.368$. Then comes 3, and now 3 should have been taken off from the
# beginning: each old term is too large, by the factor $e^{3 - 2}$. So $t = 1.368 \cdot e^{-1} + e^0
# = 1.503$, which is $e^{-2} + e^{-1} + e^0$.

# %%
total = np.exp(-1) + np.exp(0)
print(round(total, 3), round(total * np.exp(-1) + 1, 3))
assert np.isclose(total, 1.368, atol=1e-3)
assert np.isclose(total * np.exp(-1) + 1, 1.503, atol=1e-3)
assert np.isclose(total * np.exp(-1) + 1, np.exp([-2, -1, 0]).sum())

# %% [markdown]
# ### Exercise 5: `merge_block` (hard, 15 minutes, 5 points)
#
# `largest` and `total` are those of what was seen so far, `block` is an array of further numbers.
# Return the new pair. At the start `largest` is $-\infty$ and `total` is 0.


# %%
def merge_block(largest, total, block):
    ### BEGIN SOLUTION
    new = max(largest, float(block.max()))
    return new, total * np.exp(largest - new) + np.exp(block - new).sum()
    ### END SOLUTION


# %%
check(merge_block)

# %% [markdown]
# This small correction is the heart of FlashAttention (Dao et al. 2022): scores are made block by
# block, used and forgotten, and memory never holds all $T \times T$ of them.
#
# ## A kernel, and its readable definition
#
# A kernel in tinyllm has two bodies under one name. The **definition** is NumPy: it says what is
# meant, and tests believe it. The compiled body says how it is done quickly, and must agree. Here
# are both for softmax; `start` and `stop` say which rows are this thread's.

# %%
print(inspect.getsource(softmax_kernel.definition))
module = importlib.import_module("tinyllm.kernels.softmax")
text = inspect.getsource(module)
body = text[text.index("@parallel\ndef _softmax(") :]
print(body[: body.index("@parallel", 1)])

# %%
x = rng.normal(size=(256, 1024)).astype(np.float32)


def best_of(call, times=15):
    """The shortest of several times, in milliseconds: what disturbs only ever adds."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return 1000 * min(seconds)


fast = softmax_kernel(x)
with reference_kernels():
    slow = softmax_kernel(x)
    by_numpy = best_of(lambda: softmax_kernel(x))
compiled = best_of(lambda: softmax_kernel(x))
print(f"largest difference {np.abs(fast - slow).max():.1e}")
print(f"NumPy {by_numpy:.2f} ms, compiled {compiled:.2f} ms (yours will differ)")
assert np.abs(fast - slow).max() < 1e-6

# %% [markdown]
# Such a body is plain Python: loops over numbers. It would run as it is, a thousand times too
# slowly. **Numba** reads it, infers the types, and makes machine code of it. What you must give up
# is little: no lists of mixed things, no classes; and what you gain is that `total` in a loop is a
# register, and never an array.
#
# ### Exercise 6: find the bug, `parts_of_work` (medium, 10 minutes, 4 points)
#
# The rows are shared out: thread 0 takes the first part, thread 1 the next. A colleague's sharing
# worked on every test, with 64, 128 and 256 rows and 2 and 4 threads. On Monday somebody ran it
# with a batch of 11 rows and got a different answer each time.


# %%
def dropped_parts(count, threads):
    size = count // threads
    return [(part * size, (part + 1) * size) for part in range(threads)]


def owners(parts, count):
    """Which thread writes each row; -1 for none."""
    owner = np.full(count, -1)
    for thread, (start, stop) in enumerate(parts):
        owner[start:stop] = thread
    return owner


owner = owners(dropped_parts(11, 4), 11)
figure, axes = plt.subplots(figsize=(7.5, 1.6), layout="constrained", facecolor=PAPER)
shades = [BLUE, GREEN, "#E69F00", "#CC79A7"]
for row, thread in enumerate(owner):
    face = shades[thread] if thread >= 0 else PAPER
    axes.add_patch(plt.Rectangle((row, 0), 0.92, 1, fc=face, ec=ORANGE if thread < 0 else face))
    text = f"thread\n{thread}" if thread >= 0 else "nobody"
    ink = PAPER if thread in (0, 1) else INK
    axes.text(row + 0.46, 0.5, text, ha="center", va="center", fontsize=8, color=ink)
axes.set(xlim=(-0.2, 11.2), ylim=(-0.1, 1.1))
axes.axis("off")
plt.show()
print("rows by thread", owner)
assert (owner == -1).sum() == 3

# %% [markdown]
# *Picture: eleven boxes, the rows. Threads 0 to 3 have two rows each; the last three boxes are
# empty, with an orange frame: nobody.*
#
# Nobody writes the last three rows, and so they hold whatever stood in that memory before. Write
# `parts_of_work` without the bug: a list of (start, stop), one for each thread in order; `stop` is
# the first row that no longer belongs to it. Part $k$ begins at the fraction $k / \text{threads}$
# of the rows, **rounded down**, so that parts differ by one row at most. With fewer rows than
# threads some parts are empty.


# %%
def parts_of_work(count, threads):
    ### BEGIN SOLUTION
    return [(count * part // threads, count * (part + 1) // threads) for part in range(threads)]
    ### END SOLUTION


# %%
check(parts_of_work)

# %% [markdown]
# Parts that are cut the same way every time have a second merit. Floating-point sums depend on
# their order. If each thread took the next row that is free, a sum over rows would come out a
# little different from run to run; so it is cut by number, and a run can be repeated to the last
# bit.
#
# ### Exercise 7: `bias_relu_rows` (medium, 12 minutes, 4 points)
#
# Now write a kernel: $y = \text{relu}(x + \text{bias})$, for $x$ $(N, M)$ and bias $(M,)$, in one
# pass and without a temporary array. Write the rows from `start` to `stop` (without it) into `y`,
# which is there already, and leave its other rows alone. Plain loops; nothing is returned.


# %%
def bias_relu_rows(x, bias, y, start, stop):
    ### BEGIN SOLUTION
    for i in range(start, stop):
        for j in range(x.shape[1]):
            total = x[i, j] + bias[j]
            y[i, j] = total if total > 0 else 0.0
    ### END SOLUTION


# %%
check(bias_relu_rows)

# %% [markdown]
# If yours is right, the next cell has it compiled. It cuts the rows into parts and lets the
# compiled kernel do one after the other; in earnest each would have a thread of its own.

# %%
x = rng.normal(size=(301, 512)).astype(np.float32)
bias = rng.normal(size=512).astype(np.float32)
expected = np.maximum(x + bias, 0)
if check(bias_relu_rows).passed:
    compiled_rows = numba.njit(error_model="numpy")(bias_relu_rows)
    y = np.empty_like(x)
    for start, stop in ((0, 100), (100, 200), (200, 301)):
        compiled_rows(x, bias, y, start, stop)
    assert np.array_equal(y, expected)
    by_numpy = best_of(lambda: np.maximum(x + bias, 0))
    by_kernel = best_of(lambda: compiled_rows(x, bias, y, 0, 301))
    plain = best_of(lambda: bias_relu_rows(x, bias, y, 0, 3), times=3) * 301 / 3
    print(f"NumPy {by_numpy:.3f} ms, your kernel {by_kernel:.3f} ms, not compiled {plain:.0f} ms")
else:
    print("to do: bias_relu_rows")

# %% [markdown]
# ## Two thread pools
#
# A **thread pool** is a group of threads that live as long as the program, so that nobody has to
# start threads for each small piece of work. Between two pieces they wait, in one of two ways. A
# thread can **sleep**; to wake it costs the system some tens of microseconds. Or it can **spin**:
# look again and again whether there is work, which keeps a core busy with nothing, but starts at
# once. All good pools do both: spin for a while, then sleep.
#
# Libraries bring their own pools. NumPy's matrix products come from OpenBLAS, which has one; SciPy
# carries a second OpenBLAS; Numba has a third. Here are those of this very process:

# %%
for pool in threadpool_info():
    print(f"{pool['user_api']:8} {pool['internal_api']:10} threads {pool['num_threads']}")

# %% [markdown]
# (On our machine `openmp` is Numba's pool; one `blas` is NumPy's, the other SciPy's, which tinyllm
# holds to a single thread from its first product on.)
#
# In a training step products and kernels take turns, many thousand times a second. Let the products
# have one pool and the kernels another. While a kernel works, what do the threads of the products
# do? They spin; on the same cores.
#
# We simulate it, tick by tick: two cores, and phases of 5 ticks of work for each of two threads,
# with 2 ticks of Python between them. A sleeping thread takes 4 ticks to wake. A thread that wants
# a core and finds none waits for its turn, and the system takes a core from a busy thread after 60
# ticks. With one pool all phases are its own; with two pools they take turns.


# %%
def start_phase(team, work, wake):
    """Give each thread of a pool its work; one that sleeps must wake first."""
    for thread in team:
        thread["work"], thread["waking"] = work, 0 if thread["spin"] else wake


def run_tick(running, spin):
    """One tick on each core: work, or spin; who has nothing more to do leaves. Ticks spun."""
    spun = 0
    for place in list(running):
        thread, place["left"] = place["thread"], max(0, place["left"] - 1)
        if thread["work"]:
            thread["work"] -= 1
            thread["spin"] = 0 if thread["work"] else spin
        else:
            thread["spin"] -= 1
            spun += 1
        if not thread["work"] and not thread["spin"]:
            running.remove(place)
    return spun


# %%
def ticks(pools, spin, phases=60, cores=2, work=5, pause=2, turn=60, wake=4):
    """Ticks until all phases are done, and how many of the cores' ticks were spent spinning."""
    threads = [{"pool": k % pools, "work": 0, "spin": 0, "waking": 0} for k in range(pools * cores)]
    waiting, running, clock, spun, phase, resting = deque(), [], 0, 0, 0, pause
    while phase < phases:
        clock += 1
        team = [thread for thread in threads if thread["pool"] == phase % pools]
        if resting:
            resting -= 1
            if not resting:
                start_phase(team, work, wake)
        for thread in threads:
            if thread["waking"]:
                thread["waking"] -= 1
                waiting += [thread] if not thread["waking"] else []
        for place in [place for place in running if place["left"] == 0 and waiting]:
            running.remove(place)
            waiting.append(place["thread"])
        while len(running) < cores and waiting:
            running.append({"thread": waiting.popleft(), "left": turn})
        spun += run_tick(running, spin)
        if not resting and not any(thread["work"] for thread in team):
            phase, resting = phase + 1, pause
    return clock, spun


# %% [markdown]
# ### Predict, then run (4 minutes)
#
# Both pools spin for as long as 60 ticks before they sleep. How many times as long do 60 phases
# take with two pools as with one? The work is the same, and so are the cores. Put a number.

# %%
my_times_as_long = None
### BEGIN SOLUTION
my_times_as_long = 2
### END SOLUTION

# %%
spins = [0, 1, 2, 4, 7, 15, 30, 45, 60, 90]
one, two = ([ticks(pools, spin)[0] for spin in spins] for pools in (1, 2))
ratio = ticks(2, 60)[0] / ticks(1, 60)[0]
reveal("18", "two pools take so many times as long", my_times_as_long, ratio)
figure, axes = plt.subplots(figsize=(7.5, 3.2), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(spins, two, "o-", color=ORANGE, label="two pools")
axes.plot(spins, one, "s-", color=BLUE, label="one pool")
axes.set(xlabel="ticks that an idle thread spins before it sleeps", ylabel="ticks for 60 phases")
axes.set_ylim(0)
axes.legend(frameon=False)
plt.show()
print("one pool", one, "\ntwo pools", two)
assert one[0] == two[0] == 540
assert one[2:] == [363] * len(one[2:])
assert two[spins.index(60)] == two[-1]
assert ticks(2, 60)[1] > 0.85 * 2 * ticks(2, 60)[0]

# %%
assert 9 < ratio < 11

# %% [markdown]
# *Picture: ticks for 60 phases against the ticks that an idle thread spins. Both lines begin at
# 540. With one pool it falls to 363 at a spin of 2 and stays there. With two pools it climbs
# steadily from a spin of 4 on, to more than 3,500 at 60, and stays there.*
#
# Ten times as long, and over 85 % of what the cores did was spinning. With a single pool spinning
# is *good*: the threads are awake when the next piece comes, 2 ticks later, and a third of the time
# is saved. With two pools the very same setting is a disaster, because a thread that spins does not
# look idle to the system; it keeps its core until its turn is over. No program is wrong here, and
# no profile shows it: every kernel has simply become slow.
#
# The cure in tinyllm is not a better setting. It is **one pool**. Numba's threads call SciPy's
# product, each on its own rows, with that library held to a single thread (`kernels/blas.py`,
# `kernels/threads.py`). The same trouble comes from outside, when two programs share the cores; and
# so tinyllm's threads spin only for a short while. `docs/performance.md` has the measurements.
#
# ### An open question (10 minutes, for a teacher to read)
#
# A colleague wants to make a model's **writing** faster, one token at a time, on two cores.
# Proposals: (a) a processor with twice the peak; (b) weights of 8 bits in the place of 32; (c)
# fusing the softmax; (d) writing eight texts side by side. Which would help, by about how much, and
# how do you know without trying? What would you measure, and how, to be sure afterwards?
#
# <details>
# <summary><em>For a teacher: the rubric, 5 points. It gives the answer.</em></summary>
#
# 1 for the reason: a product with a single row has an intensity of about 0.5, far below the ridge,
# so bytes of weights decide and (a) does nothing; 1 for (b), up to four times, as the bytes are a
# quarter; 1 for (c), hardly anything, because the softmax is a small part of the bytes here; 1 for
# (d), up to eight times the tokens in the same time, for each weight that is fetched serves eight
# rows; 1 for a fair measurement: in turns, A B A B, minima or medians of many, on an otherwise idle
# machine, and bytes counted besides.
#
# </details>
#
# ## What to remember
#
# - Count operations and bytes. Their quotient says what holds a computation up.
# - Large products wait for arithmetic; all else, and products with one row, wait for memory.
# - A chain of NumPy calls moves each array to and fro at every step. Fusion moves it once.
# - A name keeps an array alive. While a step runs, its inputs and its output are both there.
# - Softmax: when the maximum grows, one factor corrects the old sum, and one pass finds both.
# - A kernel has a definition that is believed, and a body that must agree.
# - Two thread pools spin against each other. Have one.
#
# ## Where next
#
# Lesson 19 builds the same models in PyTorch, whose kernels do all this too. To look further now,
# read `tinyllm/kernels/softmax.py` and `docs/performance.md`; Williams, Waterman and Patterson
# 2009, «Roofline», [doi:10.1145/1498765.1498785](https://doi.org/10.1145/1498765.1498785); and Dao
# et al. 2022, [arXiv:2205.14135](https://arxiv.org/abs/2205.14135).
