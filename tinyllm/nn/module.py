"""Module: a layer or a model, which knows its parameters, its buffers and the modules inside it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinyllm.nn.conversion import convert
from tinyllm.nn.hooks import call_with_hooks
from tinyllm.nn.parameter import Parameter
from tinyllm.nn.state_dict import IncompatibleKeys, load_arrays, put_into
from tinyllm.tensor import HookHandle, Tensor


class Module:
    """The base of all layers and models: set Parameters and Modules as attributes, write `forward`.

    Each Parameter, buffer and Module stands in a registry (`_parameters`, `_buffers`, `_modules`),
    which gives names and order, and among the ordinary attributes, where Python finds it at once.

    PyTorch: torch.nn.Module
    """

    training: bool

    def __init__(self) -> None:
        set_plainly = super().__setattr__
        set_plainly("training", True)
        set_plainly("_parameters", {})
        set_plainly("_buffers", {})
        set_plainly("_modules", {})
        set_plainly("_not_saved", set())  # names of buffers that state_dict leaves out
        set_plainly("_forward_hooks", [])
        set_plainly("_forward_pre_hooks", [])
        set_plainly("_backward_hooks", [])
        set_plainly("_ever_hooked", False)  # looked at in every call: quicker than three lists

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every module says how."""
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward`, with the hooks around it if there are any."""
        if self._ever_hooked:
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        registry = _registry_of(value)
        if "_modules" not in self.__dict__:
            if registry is not None:
                raise AttributeError(
                    f"{type(self).__name__}: call super().__init__() before setting {name!r}"
                )
        elif registry is None:
            for registry in _REGISTRIES:  # a name that stands in one keeps its kind
                if name in self.__dict__[registry]:
                    _check_kind(registry, name, value)
                    self.__dict__[registry][name] = value
        else:
            self._enter(registry, name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        for registry in _REGISTRIES:
            self.__dict__[registry].pop(name, None)
        self._not_saved.discard(name)
        super().__delattr__(name)

    def __getattr__(self, name: str) -> Any:
        # Python comes here only when the attribute is nowhere to be found
        who = type(self).__name__
        if "_modules" not in self.__dict__:
            raise AttributeError(
                f"{who!r} has no attribute {name!r}: call super().__init__() first"
            )
        close = [] if name.startswith("__") else difflib.get_close_matches(name, dir(self))
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise AttributeError(f"{who!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    def _enter(self, registry: str, name: str, value: Any) -> None:
        """Put a value into one registry, and take the name out of the others."""
        for other in _REGISTRIES:
            if other != registry:
                self.__dict__[other].pop(name, None)
        self.__dict__[registry][name] = value

    def _enter_new(self, registry: str, name: str, value: Any) -> None:
        """Check the name and the value of an explicit registration, and carry it out."""
        kind = _REGISTRIES[registry]
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string, not {type(name).__name__}")
        if "." in name or not name:
            raise KeyError(f'{kind} name can\'t be empty or contain ".": {name!r}')
        if not any(name in self.__dict__[each] for each in _REGISTRIES) and hasattr(self, name):
            raise KeyError(f"attribute {name!r} already exists")
        _check_kind(registry, name, value)
        self._enter(registry, name, value)
        super().__setattr__(name, value)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set a parameter by name; None keeps the name without a parameter, such as no bias."""
        self._enter_new("_parameters", name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set a tensor that is part of the module but not trained.

        Args:    persistent: whether `state_dict` holds it.
        """
        self._enter_new("_buffers", name, tensor)
        self._not_saved.discard(name)
        if not persistent:
            self._not_saved.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Set a child module by name."""
        self._enter_new("_modules", name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Set a child module by name."""
        self._enter_new("_modules", name, module)

    # Walking through it

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Give this module and all below it with their names, each once."""
        memo = set() if memo is None else memo
        ahead = [(prefix, self)]
        while ahead:
            path, module = ahead.pop()
            if remove_duplicate and id(module) in memo:
                continue
            memo.add(id(module))
            yield path, module
            if module._modules:
                children = reversed(module._modules.items())
                ahead += [
                    (_joined(path, name), child) for name, child in children if child is not None
                ]

    def modules(self) -> Iterator[Module]:
        """Give this module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Give the modules directly inside this one, each once."""
        seen: set[int] = set()
        for name, child in self._modules.items():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """Give the modules directly inside this one, each once."""
        return (child for _, child in self.named_children())

    def _named_members(
        self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in module.__dict__[kind].items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield _joined(path, name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Give the parameters with their names; one that is used twice (tied) counts once."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Give the parameters; one that is used twice (tied) counts once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Give the buffers with their names, each once."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Give the buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """Find a module by its dotted name, such as "blocks.0.mlp"."""
        module = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"get_submodule: {name!r} in {target!r} is not a Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Find a parameter by its dotted name, such as "blocks.0.mlp.weight"."""
        return self._member("_parameters", target)

    def get_buffer(self, target: str) -> Tensor:
        """Find a buffer by its dotted name."""
        return self._member("_buffers", target)

    def _member(self, registry: str, target: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        getattr(module, name)  # which says what there is instead
        if name not in module.__dict__[registry]:
            raise AttributeError(f"{name!r} in {target!r} is not a {_REGISTRIES[registry]}")
        return module.__dict__[registry][name]

    # Hooks

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, args)` before forward; what it returns replaces the args.

        With `with_kwargs`: `hook(module, args, kwargs)`, returning None or (args, kwargs).
        """
        return _added(self, self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, args, output)` after forward; what it returns replaces the output.

        With `with_kwargs`: `hook(module, args, kwargs, output)`.
        """
        return _added(self, self._forward_hooks, (hook, with_kwargs), prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_input, grad_output)` when backward has passed the module.

        Both are tuples, None in place of what is no tensor or wants no gradient. A tuple that the
        hook returns replaces `grad_input`.

        PyTorch: torch.nn.Module.register_full_backward_hook; tensors inside dicts are not followed.
        """
        return _added(self, self._backward_hooks, hook, prepend)

    # State

    def state_dict(self, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Give the parameters and persistent buffers by name, sharing memory with the module."""
        state: dict[str, Tensor] = {}
        for path, module in self.named_modules(remove_duplicate=False):
            for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is not None and name not in module._not_saved:
                    key = prefix + _joined(path, name)
                    state[key] = tensor if keep_vars else tensor.detach()
        return state

    def load_state_dict(
        self,
        state_dict: Mapping[str, Tensor | np.ndarray],
        strict: bool = True,
        assign: bool = False,
    ) -> IncompatibleKeys:
        """Copy values into the parameters and buffers: Tensors, arrays, or PyTorch's tensors.

        The other way: `torch_model.load_state_dict({k: v.to_torch() for k, v in state.items()})`.

        Args:    strict: whether the keys must be exactly those of `state_dict()`.
                 assign: take the given tensors themselves, their dtype and memory, for one's own;
                 an optimizer that was made before knows the old ones.
        Returns: the missing and the unexpected keys, both empty if `strict`.
        Raises:  RuntimeError that lists all missing and unexpected keys and all shapes that differ.
        PyTorch: torch.nn.Module.load_state_dict; after an error nothing has been changed here.
        """
        own = self.state_dict(keep_vars=True)
        put = partial(put_into, self) if assign else None
        return load_arrays(type(self).__name__, own, state_dict, strict, put)

    # Changing all of it

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call `fn` on every module inside, then on this one, and return it."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Module:
        """Switch to training (dropout acts), or with False to evaluation, and return the module."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch to evaluation: dropout does nothing. The gradient stays as it was (`no_grad`)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Let all parameters want gradients, or freeze them, and return the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with False set them to zero in place."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.changing("zero_grad")[...] = 0

    def to(self, *args: Any, dtype: Any = None, device: Any = None) -> Module:
        """Convert the floating-point parameters and buffers to a dtype in place; return the module.

        `to(dtype)`, `to("cpu")`, `to(tensor)` and `to("cpu", dtype)`, as in PyTorch.
        """
        convert((*self.parameters(), *self.buffers()), args, dtype, device)
        return self

    def float(self) -> Module:
        """Convert to float32."""
        return self.to(np.float32)

    def double(self) -> Module:
        """Convert to float64."""
        return self.to(np.float64)

    def half(self) -> Module:
        """Convert to float16."""
        return self.to(np.float16)

    def cpu(self) -> Module:
        """Return the module: there is one device."""
        return self

    # As text

    def extra_repr(self) -> str:
        """Say the module's settings between the brackets of its repr."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {_indented(repr(m))}" for name, m in self._modules.items()]
        return bracketed(type(self).__name__, lines, children)


def bracketed(name: str, settings: list[str], children: list[str]) -> str:
    """A module's repr from its parts, laid out as PyTorch does."""
    if not children and len(settings) <= 1:
        return f"{name}({''.join(settings)})"
    return "\n  ".join([f"{name}(", *settings, *children]) + "\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


_REGISTRIES = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "child module"}


def _registry_of(value: Any) -> str | None:
    """The registry that a value enters by itself when it is set as an attribute."""
    if isinstance(value, Parameter):
        return "_parameters"
    return "_modules" if isinstance(value, Module) else None


def _check_kind(registry: str, name: str, value: Any) -> None:
    kinds = {"_parameters": Parameter, "_buffers": Tensor, "_modules": Module}
    if value is not None and not isinstance(value, kinds[registry]):
        mend = " Wrap it in nn.Parameter." if isinstance(value, Tensor) else ""
        raise TypeError(
            f"cannot assign a {type(value).__name__} as {_REGISTRIES[registry]} {name!r} "
            f"({kinds[registry].__name__} or None expected).{mend}"
        )


def _added(module: Module, hooks: list, entry: Any, prepend: bool) -> HookHandle:
    module._ever_hooked = True
    hooks.insert(0 if prepend else len(hooks), entry)
    return HookHandle(hooks, entry)
