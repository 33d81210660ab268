"""A module's call with its hooks around it. Without hooks, `Module.__call__` never comes here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinyllm.ops.identity import Identity
from tinyllm.tensor import Tensor, apply

if TYPE_CHECKING:
    from tinyllm.nn.module import Module


def call_with_hooks(module: Module, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Run pre-hooks, forward, hooks; each may replace what it is shown."""
    for hook, with_kwargs in tuple(module._forward_pre_hooks):
        changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if changed is not None and with_kwargs:
            args, kwargs = changed
        elif changed is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
    watch = _BackwardWatch(module) if module._backward_hooks else None
    if watch:
        args = watch.inputs(args)
    output = module.forward(*args, **kwargs)
    for hook, with_kwargs in tuple(module._forward_hooks):
        shown = (module, args, kwargs, output) if with_kwargs else (module, args, output)
        changed = hook(*shown)
        if changed is not None:
            output = changed
    return watch.outputs(output) if watch else output


class _BackwardWatch:
    """Two gates, one where tensors enter the module and one where they leave it.

    Gradients pass the gate of the outputs first, which notes them, then the gate of the inputs,
    which has both and calls the hooks. A gate is one node over all its tensors, so it acts when
    every gradient has arrived.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.grad_output: tuple[Tensor | None, ...] = ()
        self.inputs_watched = False

    def inputs(self, args: tuple) -> tuple:
        """Lead the tensors among the arguments through the first gate."""
        args, self.inputs_watched = self._through_gate(args, self._at_inputs)
        self.input_count = len(args)
        return args

    def outputs(self, output: Any) -> Any:
        """Lead the output, or the tensors of a tuple or list of outputs, through the second."""
        if isinstance(output, (tuple, list)):
            passed, _ = self._through_gate(tuple(output), self._at_outputs)
            return type(output)(passed)
        return self._through_gate((output,), self._at_outputs)[0][0]

    @staticmethod
    def _through_gate(values: tuple, observe: Any) -> tuple[tuple, bool]:
        places = [
            place
            for place, value in enumerate(values)
            if isinstance(value, Tensor) and value.requires_grad
        ]
        if not places:
            return values, False

        def observe_all(grads: tuple) -> tuple:
            shown: list[Tensor | None] = [None] * len(values)
            for place, grad in zip(places, grads, strict=True):
                shown[place] = Tensor(grad)
            shown = observe(tuple(shown))
            return tuple(None if shown[place] is None else shown[place].array for place in places)

        passed = list(values)
        tensors = apply(Identity, *(values[place] for place in places), observe=observe_all)
        for place, tensor in zip(places, tensors, strict=True):
            passed[place] = tensor
        return tuple(passed), tensors[0].requires_grad

    def _at_outputs(self, grads: tuple) -> tuple:
        self.grad_output = grads
        if not self.inputs_watched:  # the first layer: its input, such as ids, has no gradient
            self._call_hooks((None,) * self.input_count)
        return grads

    def _at_inputs(self, grads: tuple) -> tuple:
        return self._call_hooks(grads)

    def _call_hooks(self, grad_input: tuple) -> tuple:
        for hook in tuple(self.module._backward_hooks):
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is None:
                continue
            changed = changed if isinstance(changed, tuple) else (changed,)
            if len(changed) != len(grad_input):
                raise RuntimeError(
                    f"backward hook of {type(self.module).__name__}: returned {len(changed)} "
                    f"gradients for {len(grad_input)} inputs"
                )
            grad_input = changed
        return grad_input
