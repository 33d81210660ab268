"""Activations and losses of nn.functional against PyTorch: values, gradients, and the edges.

The tables and how they run are those of test_functions_vs_torch.py.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from test_functions_vs_torch import SHAPES, TOLERANCE, Case, arrays, positive, run, ties

import tinyllm
from tinyllm import nn

REDUCTIONS = ("none", "mean", "sum")
INF, NAN = float("inf"), float("nan")

# Of one tensor, element by element: also run on the EDGES below
ACTIVATIONS = {
    "relu": lambda F, x: F.relu(x),
    "relu asked in place": lambda F, x: F.relu(x * 1, True),
    "softplus": lambda F, x: F.softplus(x),
    "softplus threshold": lambda F, x: F.softplus(x, 2, 1.5),
    "softplus of less": lambda F, x: F.softplus(x, beta=0.3, threshold=5),
    "logsigmoid": lambda F, x: F.logsigmoid(x),
    "leaky_relu": lambda F, x: F.leaky_relu(x),
    "leaky_relu slope": lambda F, x: F.leaky_relu(x, -0.5),
    "elu": lambda F, x: F.elu(x),
    "elu alpha": lambda F, x: F.elu(x, alpha=0.3),
}
# Of input and target, element by element
DISTANCES = {
    "mse": lambda F, x, t, **r: F.mse_loss(x, t, **r),
    "l1": lambda F, x, t, **r: F.l1_loss(x, t, **r),
    "smooth_l1": lambda F, x, t, **r: F.smooth_l1_loss(x, t, **r),
    "smooth_l1 beta": lambda F, x, t, **r: F.smooth_l1_loss(x, t, beta=2.0, **r),
    "smooth_l1 beta 0": lambda F, x, t, **r: F.smooth_l1_loss(x, t, beta=0.0, **r),
    "huber": lambda F, x, t, **r: F.huber_loss(x, t, **r),
    "huber delta": lambda F, x, t, **r: F.huber_loss(x, t, delta=2.0, **r),
    "kl_div log_target": lambda F, x, t, **r: F.kl_div(x, t, log_target=True, **r),
    "bce": lambda F, x, t, **r: F.binary_cross_entropy_with_logits(x, t, **r),
}


def classes(ns, *numbers):
    return ns.tensor(list(numbers))


def targets(ns, like):
    """Classes 0 to V - 1 for (N, V, d1, ...), some of them ignored."""
    shape = (like.shape[0], *like.shape[2:])
    ids = np.random.default_rng(5).integers(0, like.shape[1], shape)
    ids[np.random.default_rng(6).random(shape) < 0.2] = -100
    return ns.from_numpy(ids)


def F_of(ns):  # noqa: N802
    return ns.nn.functional


CASES = [
    *(
        ties(f"{name} {s}", lambda ns, x, f=f: f(F_of(ns), x), [s])
        for name, f in ACTIVATIONS.items()
        for s in SHAPES
    ),
    *(
        ties(f"{name} {r} {s}", lambda ns, x, t, f=f, r=r: f(F_of(ns), x, t, reduction=r), [s, s])
        for name, f in DISTANCES.items()
        for r in REDUCTIONS
        for s in ((), (5,), (2, 3, 5), (0, 3))
    ),
    # vectors
    *(
        Case(f"normalize {p}", lambda ns, x, p=p: F_of(ns).normalize(x, p), [(3, 5, 7)])
        for p in (0.5, 1, 1.5, 2.0, 3.0, INF)
    ),
    ties("normalize by a tie", lambda ns, x: F_of(ns).normalize(x + 3, INF, 0), [(13, 7)]),
    Case("normalize dim", lambda ns, x: F_of(ns).normalize(x, dim=-3), [(3, 5, 7)]),
    Case("normalize eps", lambda ns, x: F_of(ns).normalize(x, dim=0, eps=2.5), [(5, 7)]),
    Case("normalize 0", lambda ns, x: F_of(ns).normalize(x * 0, 3.0, dim=0), [(5, 7)]),
    Case("normalize nothing", lambda ns, x: F_of(ns).normalize(x), [(0, 3)]),
    *(
        Case(f"cosine {s}", lambda ns, x, y: F_of(ns).cosine_similarity(x, y, -1), s)
        for s in ([(3, 5), (3, 5)], [(3, 1, 5), (7, 5)], [(5,), (3, 5)], [(0, 5), (5,)], [(3,), ()])
    ),
    Case("cosine dim", lambda ns, x, y: F_of(ns).cosine_similarity(x, y), [(3, 5, 2), (3, 5, 1)]),
    Case("cosine eps", lambda ns, x, y: F_of(ns).cosine_similarity(x, y, 1, 2.2), [(7, 5), (7, 5)]),
    Case("cosine 0", lambda ns, x, y: F_of(ns).cosine_similarity(x * 0, y), [(3, 5), (3, 5)]),
    # weights of elements
    *(
        positive(
            f"{name} weight {r}",
            lambda ns, x, t, w, n=name, r=r: getattr(F_of(ns), n)(x, t, reduction=r, weight=w),
            [(3, 5), (3, 5), (3, 5)],
        )
        for name in ("mse_loss", "l1_loss", "huber_loss")
        for r in REDUCTIONS
    ),
    # likelihoods
    *(
        positive(
            f"kl_div {r} {s}",
            lambda ns, x, t, r=r: F_of(ns).kl_div(x.log_softmax(-1), t.softmax(-1), reduction=r),
            [s, s],
        )
        for r in (*REDUCTIONS, "batchmean")
        for s in ((), (5,), (2, 3, 5))
    ),
    ties(
        "kl_div of 0",
        lambda ns, x, t: F_of(ns).kl_div(x, ns.abs(t).detach(), reduction="none"),
        [(4, 5), (4, 5)],
    ),
    *(
        positive(
            f"bce weights {r}",
            lambda ns, x, t, w, p, r=r: F_of(ns).binary_cross_entropy_with_logits(
                x - 1, t, w.detach(), pos_weight=p.detach(), reduction=r
            ),
            [(3, 5), (3, 5), (5,), (5,)],
        )
        for r in REDUCTIONS
    ),
    *(
        Case(
            f"{name} {s} {r} weight {weighted} ignore {ignored}",
            lambda ns, x, w, n=name, r=r, k=weighted, i=ignored: getattr(F_of(ns), n)(
                x if n == "cross_entropy" else x.log_softmax(1),
                targets(ns, x),
                ns.abs(w).detach() if k else None,
                ignore_index=i,
                reduction=r,
            ),
            [s, (5,)],
        )
        for name in ("nll_loss", "cross_entropy")
        for s in ((7, 5), (2, 5, 3), (2, 5, 3, 1, 2))
        for r in REDUCTIONS
        for weighted in (False, True)
        for ignored in (-100,)
    ),
    *(
        Case(
            f"{name} of one {r}",
            lambda ns, x, n=name, r=r: getattr(F_of(ns), n)(x, ns.tensor(2), reduction=r),
            [(5,)],
        )
        for name in ("nll_loss", "cross_entropy")
        for r in REDUCTIONS
    ),
    *(
        Case(
            f"{name} all ignored {r}",
            lambda ns, x, n=name, r=r: getattr(F_of(ns), n)(
                x, classes(ns, 1, 1, 1), ignore_index=1, reduction=r
            ),
            [(3, 5)],
        )
        for name in ("nll_loss", "cross_entropy")
        for r in REDUCTIONS
    ),
    *(
        Case(
            f"cross_entropy smoothed {s} {r} weight {weighted}",
            lambda ns, x, w, r=r, k=weighted: F_of(ns).cross_entropy(
                x, targets(ns, x), ns.abs(w).detach() if k else None, reduction=r,
                label_smoothing=0.3,
            ),
            [s, (5,)],
        )
        for s in ((7, 5), (2, 5, 3))
        for r in REDUCTIONS
        for weighted in (False, True)
    ),
    *(
        Case(
            f"cross_entropy probabilities {s} {r} {e} weight {weighted}",
            lambda ns, x, t, w, r=r, e=e, k=weighted: F_of(ns).cross_entropy(
                x, t.softmax(0 if x.ndim == 1 else 1), ns.abs(w).detach() if k else None,
                reduction=r, label_smoothing=e,
            ),
            [s, s, (5,)],
        )
        for s in ((5,), (7, 5), (2, 5, 3))
        for r in REDUCTIONS
        for e in (0.0, 0.3)
        for weighted in (False, True)
    ),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. .mean. divides")
@pytest.mark.parametrize("transposed", [False, True], ids=["contiguous", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_values_and_gradients(case: Case, dtype: str, transposed: bool) -> None:
    shapes = {len(shape) for shape in case.shapes}
    transposed = transposed and max(shapes) > 1 and "nll" not in case.name
    inputs = arrays(case, dtype, False)
    if transposed:  # the same shapes, other strides
        inputs = [np.asfortranarray(x) for x in inputs]
    ours, our_grads = run(tinyllm, case, inputs)
    theirs, their_grads = run(torch, case, inputs)
    for y, expected in zip(ours, theirs, strict=True):
        assert y.shape == expected.shape
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, **TOLERANCE[dtype])
    for grad, expected in zip(our_grads, their_grads, strict=True):
        if grad is None or expected is None:
            assert grad is None or not grad.any()
            assert expected is None or not expected.any()
        else:
            np.testing.assert_allclose(grad, expected, **TOLERANCE[dtype])


EDGES = np.array(
    [NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30, 1e-30, -1e-30, 88, -88, 104, -104, 20, -20, 20.001]
    + [0.75, 1, -1, 2, -2, 1.5, 5 / 0.3, 745, -745, 1e38, -1e38]
)


def gradients(ns, f, *given):
    leaves = [ns.from_numpy(x.copy()).requires_grad_() for x in given]
    y = f(F_of(ns), *leaves)
    y.sum().backward()
    return [y.detach().numpy(), *(x.grad.numpy() for x in leaves)]


def agree(ours, theirs, dtype, atol=1e-37):
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype]["rtol"] * 3, atol=atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_edges(name: str, dtype: str) -> None:
    # PyTorch's gradient of elu at NaN is NaN in some builds and lengths of vectors, 1 in others
    x = (EDGES[1:] if "elu" in name and "relu" not in name else EDGES).astype(dtype)
    f = ACTIVATIONS[name]
    agree(gradients(tinyllm, f, x), gradients(torch, f, x), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DISTANCES)
def test_losses_at_edges(name: str, dtype: str) -> None:
    # An infinite logit: PyTorch takes inf - inf, which is no loss
    edges = EDGES[~np.isinf(EDGES)] if name == "bce" else EDGES
    x, t = (grid.reshape(-1).astype(dtype) for grid in np.meshgrid(edges, [0.0, 1.0, 0.25]))
    f = DISTANCES[name]
    # PyTorch takes the difference of sigmoid(x) and 1, and of x and log sigmoid(x)
    atol = 100 * np.finfo(dtype).eps if name == "bce" else 1e-37

    def every(F, x, t):  # noqa: N803
        return f(F, x, t, reduction="none")

    agree(gradients(tinyllm, every, x, t), gradients(torch, every, x, t), dtype, atol)


def test_a_sure_answer_keeps_its_small_loss_and_gradient() -> None:
    for x, t in ((-40.0, 0.0), (40.0, 1.0)):
        logit = tinyllm.tensor([x], dtype="float64", requires_grad=True)
        target = tinyllm.tensor([t], dtype="float64")
        loss = nn.functional.binary_cross_entropy_with_logits(logit, target)
        loss.backward()
        np.testing.assert_allclose(loss.item(), np.exp(-40), rtol=1e-12)
        np.testing.assert_allclose(np.abs(logit.grad.numpy()), np.exp(-40), rtol=1e-12)


def test_an_infinite_logit() -> None:
    def loss(x, t):
        F = nn.functional  # noqa: N806
        return F.binary_cross_entropy_with_logits(tinyllm.tensor(x), tinyllm.tensor(t)).item()

    assert loss(-INF, 0.25) == loss(INF, 0.0) == loss(INF, 0.25) == INF
    assert np.isnan(loss(NAN, 0.25))


def test_a_probability_of_0_costs_nothing_in_kl_div() -> None:
    def both(ns):
        x, t = ns.tensor([-1.0, -INF, -2.0]), ns.tensor([0.5, 0.25, 0.0])
        return F_of(ns).kl_div(x, t, reduction="none").numpy()

    np.testing.assert_allclose(both(tinyllm), both(torch), rtol=1e-6)


NAMES = [
    "relu", "leaky_relu", "elu", "kl_div", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss",
    "huber_loss", "binary_cross_entropy_with_logits", "cross_entropy",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_pytorchs(name: str) -> None:
    ours = inspect.signature(getattr(nn.functional, name)).parameters
    theirs = inspect.signature(getattr(torch.nn.functional, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values()
    ]


MISTAKES = {  # (error here, error there, call)
    "shapes": (ValueError, None, lambda F, t: F.l1_loss(t(2, 3), t(3))),
    "bce shapes": (
        ValueError, ValueError, lambda F, t: F.binary_cross_entropy_with_logits(t(2, 3), t(3)),
    ),
    "reduction": (ValueError, ValueError, lambda F, t: F.mse_loss(t(3), t(3), reduction="avg")),
    "batchmean": (
        ValueError, ValueError, lambda F, t: F.l1_loss(t(3), t(3), reduction="batchmean"),
    ),
    "weight": (ValueError, ValueError, lambda F, t: F.mse_loss(t(3), t(3), weight=t(1))),
    "beta": (ValueError, RuntimeError, lambda F, t: F.smooth_l1_loss(t(3), t(3), beta=-1.0)),
    "delta": (ValueError, RuntimeError, lambda F, t: F.huber_loss(t(3), t(3), delta=0.0)),
    "class": (IndexError, IndexError, lambda F, t: F.nll_loss(t(2, 3), t(2).long() + 3)),
    "class below": (IndexError, IndexError, lambda F, t: F.nll_loss(t(2, 3), t(2).long() - 1)),
    "nll shapes": (ValueError, ValueError, lambda F, t: F.nll_loss(t(2, 3), t(3).long())),
    "nll target": (TypeError, RuntimeError, lambda F, t: F.nll_loss(t(2, 3), t(2))),
    "nll weight": (ValueError, RuntimeError, lambda F, t: F.nll_loss(t(2, 3), t(2).long(), t(2))),
    "integers": (TypeError, NotImplementedError, lambda F, t: F.softplus(t(2).long())),
    "dim": (IndexError, IndexError, lambda F, t: F.normalize(t(3), dim=1)),
    "broadcast": (ValueError, RuntimeError, lambda F, t: F.cosine_similarity(t(3), t(2))),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_refused_as_there(name: str) -> None:
    here, there, call = MISTAKES[name]
    with pytest.raises(here):
        call(nn.functional, tinyllm.zeros)
    if there is not None:
        with pytest.raises(there):
            call(torch.nn.functional, torch.zeros)
