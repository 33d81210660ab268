"""Tensor: an array that remembers how it was made, so that gradients can flow back.

`apply` is the one place where arrays become tensors and where the graph is recorded. The methods
that name ops (`x.exp()`, `x @ y` …) are attached in `tinyllm/functions/`, which calls `apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinyllm import backward, display, grad_mode, kernels, tape
from tinyllm.defaults import CPU, Device, get_default_dtype
from tinyllm.ops.function import Context, Function
from tinyllm.tape import HookHandle

UNTRACKED = grad_mode.Untracked()


class Tensor:
    """An n-dimensional array with a place in the graph of its computation.

    array:         the NumPy array (shared, not copied: change it only through tensor methods)
    requires_grad: whether backward should give it a gradient
    grad:          the gradient that backward left, a Tensor of the same shape, or None
    grad_fn:       the Node that made it, or None for a leaf

    PyTorch: torch.Tensor. `array` is ours. Every tensor is on the processor.
    """

    __slots__ = (
        "__weakref__",
        "_version",
        "array",
        "grad",
        "grad_fn",
        "hooks",
        "output_index",
        "_requires_grad",
        "_retains_grad",
    )
    __array_ufunc__ = None  # NumPy steps back, so that `array * tensor` reaches Tensor.__rmul__

    def __init__(self, array: np.ndarray, requires_grad: bool = False) -> None:
        self.array = array
        self.grad: Tensor | None = None
        self.grad_fn: tape.Node | None = None
        self.output_index = 0
        self.hooks: list[Callable] | None = None
        # counts in-place changes; shared by all tensors that alias the memory
        self._version = [0] if grad_mode.usual or not grad_mode.state.inference else UNTRACKED
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = True

    # What it is

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self.array.dtype.kind != "f":
            raise RuntimeError(
                f"requires_grad: only floating-point tensors carry a gradient, and this one is "
                f"{self.array.dtype}. Make it with dtype=float32, or call .float()."
            )
        if not value and self.grad_fn is not None:
            raise RuntimeError(
                "requires_grad: only a leaf can stop requiring a gradient; use .detach() to cut "
                "a computed tensor off its graph."
            )
        if value and self.is_inference() and not grad_mode.state.inference:
            raise RuntimeError(
                "requires_grad: this tensor was made in inference_mode, and outside it cannot "
                "start to require a gradient; take a .clone() first"
            )
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was given by the user rather than computed in a graph."""
        return self.grad_fn is None

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode. PyTorch: torch.Tensor.is_inference."""
        return self._version is UNTRACKED

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of all dimensions."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """The type of the elements, a NumPy dtype such as tinyllm.float32."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def device(self) -> Device:
        """Always cpu."""
        return CPU

    @property
    def data(self) -> Tensor:
        """The same memory without a graph: a change made through it is seen here.

        PyTorch: torch.Tensor.data; unlike there, such a change is noticed by a later backward.
        """
        return self.detach()

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.array.shape if dim is None else self.array.shape[dim]

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    def is_floating_point(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.array.dtype.kind == "f"

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in row-major order without gaps."""
        return self.array.flags.c_contiguous

    # Out of the graph, and out of the Tensor

    def detach(self) -> Tensor:
        """The same memory as a leaf that wants no gradient."""
        alias = Tensor(self.array)
        alias._version = self._version
        return alias

    def numpy(self) -> np.ndarray:
        """The array itself, sharing memory.

        Raises:  RuntimeError if the tensor requires a gradient: `.detach().numpy()` says you know.
        """
        if self._requires_grad:
            raise RuntimeError(
                "numpy: this tensor requires a gradient, and NumPy would not record what you do "
                "with it. Use tensor.detach().numpy()."
            )
        return self.array

    def item(self) -> float | int | bool:
        """The one element as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(
                f"item: a tensor of shape {self.shape} has {self.array.size} elements, not one; "
                "use .tolist(), or reduce it first"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """The elements as nested Python lists, or a number for a 0-d tensor."""
        return self.array.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is None or array.dtype == dtype:
            return array.copy() if copy else array
        if copy is False:
            raise ValueError(f"__array__: {array.dtype} cannot become {dtype} without a copy")
        return array.astype(dtype)

    # Gradients

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Add to every leaf's `grad` the derivative of this tensor by that leaf.

        Args:    gradient: d(objective)/d(this tensor), of its shape; 1 for a single number.
                 retain_graph: keep what the ops saved, to go through the graph again.
                 inputs: the tensors, computed ones too, whose `grad` is wanted, and no others'.
        Raises:  RuntimeError if there is no graph, it was freed, or `gradient` is missing.
        PyTorch: torch.Tensor.backward; there is no double backward, so create_graph must be False.
        """
        if inputs is not None:
            inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
            for x in inputs:
                x.retain_grad()
        add_to_grad(
            backward.run("backward", (self,), (gradient,), retain_graph, create_graph, inputs)
        )

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> HookHandle:
        """Call `hook(grad)` when this tensor's gradient is known; a returned tensor replaces it.

        Returns a function that removes the hook. PyTorch: returns a handle with `.remove()`.
        """
        if not self._requires_grad:
            raise RuntimeError("register_hook: this tensor requires no gradient, so none will come")
        if self.grad_fn is None:
            self.hooks = hooks = self.hooks if self.hooks is not None else []
        else:
            if self.grad_fn.hooks is None:
                self.grad_fn.hooks = {}
            hooks = self.grad_fn.hooks.setdefault(self.output_index, [])

        def on_array(grad: np.ndarray) -> np.ndarray:
            changed = hook(Tensor(grad))
            if changed is not None and changed.shape != grad.shape:
                raise RuntimeError(f"hook: gradient {grad.shape} was changed to {changed.shape}")
            return grad if changed is None else np.array(changed.array, grad.dtype)

        hooks.insert(len(hooks) - self.retains_grad, on_array)  # what is retained is seen last
        return HookHandle(hooks, on_array)

    @property
    def retains_grad(self) -> bool:
        """Whether this is a computed tensor that keeps its gradient."""
        return getattr(self, "_retains_grad", False)

    def retain_grad(self) -> None:
        """Keep the gradient of a computed tensor in its `grad`, as for leaves."""
        if not self._requires_grad:
            raise RuntimeError("retain_grad: this tensor requires no gradient, so none will come")
        if self.grad_fn is not None and not self.retains_grad:

            def keep(grad: Tensor) -> None:
                before = 0 if self.grad is None else self.grad.array
                self.grad = Tensor(np.asarray(before + grad.array))  # not the tape's own array

            self.register_hook(keep)
            self._retains_grad = True

    # In-place change

    def changing(self, who: str) -> np.ndarray:
        """The array, for `who` to change in place; refused where a graph would go wrong.

        Raises:  RuntimeError while recording, if this tensor requires a gradient.
        """
        if self._requires_grad and grad_mode.state.recording:
            kind = "a leaf that requires a gradient" if self.is_leaf else "part of a graph"
            raise RuntimeError(
                f"{who}: this tensor is {kind}, and an in-place change would not be recorded. "
                "Use the out-of-place form, or wrap the change in tinyllm.no_grad()."
            )
        if not self.array.flags.writeable:
            raise RuntimeError(
                f"{who}: elements of this tensor share memory (expand), or it is read-only; "
                "take a .clone() first"
            )
        if self._version is UNTRACKED:
            if not grad_mode.state.inference:
                raise RuntimeError(
                    f"{who}: this tensor was made in inference_mode, and outside it cannot be "
                    "changed in place; take a .clone() first"
                )
            return self.array
        self._version[0] += 1
        return self.array

    # As a Python object

    __hash__ = object.__hash__  # as itself, though == compares the elements

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.array.shape[0]))

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"bool: a tensor of shape {self.shape} is not one truth value; use .any() or .all()"
            )
        return bool(self.array)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub":
            raise TypeError(f"only integer tensors can be an index, not {self.dtype}")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item() if self.array.ndim == 0 else str(self), spec)

    def __repr__(self) -> str:
        return display.as_text(self, get_default_dtype())

    def _repr_html_(self) -> str:
        return display.as_html(self)


def add_to_grad(gradients: dict[Tensor, np.ndarray]) -> None:
    """Add to each leaf's `grad`, in place if there is one; a computed tensor does it by a hook."""
    for x, grad in gradients.items():
        if x.grad_fn is not None:
            continue
        if x.grad is None:
            x.grad = Tensor(grad)
        else:
            x.grad.array += grad


def apply(function: type[Function], *inputs: Any, **params: Any) -> Any:
    """Run a Function on tensors: unwrap, run forward, and record a node if gradients are wanted.

    Args:    inputs: tensors, or None where the op allows it; each gets a place in the gradient.
             params: everything that is not differentiated, passed to `forward` by name.
    Returns: a Tensor, or a tuple of them where `forward` returns a tuple.
    """
    arrays = [None if x is None else x.array for x in inputs]
    wanted = False
    if grad_mode.usual or grad_mode.state.recording:
        for x in inputs:
            if x is not None and x._requires_grad:
                wanted = True
                break
    if wanted:
        edges = [
            (x.grad_fn or x, x.output_index) if x is not None and x._requires_grad else None
            for x in inputs
        ]
        context = tape.Node(function, edges)
    else:
        context = Context((False,) * len(inputs))
    if function.numpy_may_warn:
        with np.errstate(all="ignore"):  # as in PyTorch, log(0) is -inf without a word
            results = function.forward(context, *arrays, **params)
    else:
        results = function.forward(context, *arrays, **params)
    if isinstance(results, tuple):
        outputs = tuple([_wrapped(array, inputs) for array in results])
        if wanted:
            _record(context, inputs, outputs)
        return outputs
    output = _wrapped(results, inputs)
    if wanted:
        _record(context, inputs, (output,))
    return output


def _record(node: tape.Node, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> None:
    """Make the node the outputs' origin, and note what must not change until its backward."""
    for index, output in enumerate(outputs):
        if index not in node.integer_outputs:
            output._requires_grad, output.grad_fn, output.output_index = True, node, index
    node.outputs = [(output.array.shape, output.array.dtype) for output in outputs]
    if node.saved:
        kept = (*inputs, *outputs)
        node.versions = [(x._version, x._version[0]) for x in kept if x is not None]


def _wrapped(array: Any, inputs: Sequence[Tensor | None]) -> Tensor:
    """The array as a Tensor, sharing the version counter of the input whose memory it aliases."""
    if not isinstance(array, np.ndarray):
        array = np.asarray(array)  # NumPy reduces to scalars
    output = Tensor(array)
    base = None if kernels.is_whole(array) else array.base
    for x in inputs:
        if x is not None and (
            array is x.array or (base is not None and (base is x.array or base is x.array.base))
        ):
            output._version = x._version
    return output
