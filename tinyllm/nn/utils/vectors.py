"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from tinyllm.functions import cat
from tinyllm.grad_mode import no_grad
from tinyllm.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Join all parameters into one vector. PyTorch: torch.nn.utils.parameters_to_vector."""
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the parts of one vector into the parameters, in order.

    Raises:  ValueError if the vector is not exactly as long as all parameters together; nothing
             has been written then.
    PyTorch: torch.nn.utils.vector_to_parameters; a vector that is too long is an error here.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: vec must be a Tensor, not {type(vec).__name__}")
    parameters = list(parameters)
    wanted = sum(parameter.numel() for parameter in parameters)
    if vec.shape != (wanted,):
        raise ValueError(
            f"vector_to_parameters: the parameters have {wanted} elements, and vec is {vec.shape}"
        )
    start = 0
    with no_grad():
        for parameter in parameters:
            stop = start + parameter.numel()
            parameter.copy_(vec[start:stop].reshape(parameter.shape))
            start = stop
