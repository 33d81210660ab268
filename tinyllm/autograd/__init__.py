"""Gradients on request, ops of one's own, anomaly detection: PyTorch's torch.autograd."""

from tinyllm.anomaly import detect_anomaly, set_detect_anomaly
from tinyllm.autograd.function import Function
from tinyllm.autograd.gradients import backward, grad
from tinyllm.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from tinyllm.gradcheck import GradcheckError, gradcheck

__all__ = [
    "Function",
    "GradcheckError",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
