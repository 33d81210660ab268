"""Cross-entropy between logits and targets: class indices, or probabilities of every class."""

from __future__ import annotations

import numpy as np

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function


class CrossEntropy(Function):
    """The negative log-likelihood of each row's target class, with its softmax inside.

    loss_i = lse_i - (1 - e) x_i[target_i] - e mean_j x_i[j],  lse_i = log sum_j exp(x_i[j])
    where e is the label smoothing: the target is (1 - e) on its class plus e / V on every class.
    Reduced to their "sum", or to its "mean" over the n targets that are not ignore_index.

    Shapes:   logits (N, V), targets (N) integers -> losses (N), 0 where target is ignore_index; or
              their sum or mean ()
    Adjoint:  grad_logits = grad_loss * (softmax(x) - (1 - e) 1[j = target] - e / V), and for the
              mean grad_loss / n in place of grad_loss
    Saved:    logits, lse; a copy of the targets stays in the context
    """

    @staticmethod
    def forward(
        ctx: Context,
        logits: Array,
        *,
        targets: Array,
        ignore_index: int,
        label_smoothing: float,
        reduction: str = "none",
    ) -> Array:
        losses, lse = kernels.cross_entropy(logits, targets, ignore_index, label_smoothing)
        ctx.save_for_backward(logits, lse)
        ctx.settings = (ignore_index, label_smoothing)
        ctx.reduction = reduction
        if ctx.needs_input_grad[0]:
            ctx.targets = targets.copy()  # a caller may fill the same array with the next batch
        if reduction == "none":
            return losses
        counted = np.count_nonzero(targets != ignore_index) if reduction == "mean" else 1
        ctx.count = losses.dtype.type(counted)
        return losses.sum() / ctx.count

    @staticmethod
    def backward(ctx: Context, grad_losses: Array) -> Array:
        logits, lse = ctx.saved_tensors
        if ctx.reduction != "none":
            grad_losses = np.full(lse.shape, grad_losses / ctx.count, lse.dtype)
        return kernels.cross_entropy_backward(grad_losses, logits, ctx.targets, lse, *ctx.settings)


class SoftCrossEntropy(Function):
    """Cross-entropy against a distribution: loss_i = - sum_j p_i[j] log softmax(x_i)[j].

    Shapes:   logits (N, V), probabilities (N, V) -> losses (N)
    Adjoint:  grad_logits = grad_loss * (softmax(x) sum_j p[j] - p);
              grad_probabilities = - grad_loss * log softmax(x)
    Saved:    log softmax(x), probabilities
    """

    @staticmethod
    def forward(ctx: Context, logits: Array, probabilities: Array) -> Array:
        log_probs = kernels.log_softmax(logits)
        ctx.save_for_backward(log_probs, probabilities)
        return -_plogp(probabilities, log_probs).sum(axis=1)

    @staticmethod
    def backward(ctx: Context, grad_losses: Array) -> tuple[Array, Array]:
        log_probs, probabilities = ctx.saved_tensors
        total = probabilities.sum(axis=1, keepdims=True)
        grad_losses = grad_losses[:, None]
        grad_logits = grad_losses * (np.exp(log_probs) * total - probabilities)
        return grad_logits, -grad_losses * log_probs


def _plogp(p: Array, log_q: Array) -> Array:
    """p log q, 0 where p is 0 whatever q is."""
    return np.multiply(p, log_q, out=np.zeros_like(p), where=p != 0)
