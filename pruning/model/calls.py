"""What a model does with tensors while it runs: additions, activations, and which module made each input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_ADDITIONS = {torch.add, torch.Tensor.add, torch.Tensor.add_}  # + and += arrive as the last two

_ACTIVATIONS: dict[Callable, Callable[[Tensor], Tensor]] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_), torch.relu),
    **{function: function for function in (F.relu6, F.hardswish, F.silu)},
}

Maker = nn.Module | Tensor  # of an output; a weight stands for itself
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


def activation_of(function: Callable, arguments: Arguments) -> Callable[[Tensor], Tensor] | None:
    """The elementwise activation, a function of one tensor, that this call applies; None for other calls."""
    args, named = arguments
    if function is F.hardtanh:  # nn.ReLU6 is one
        low, high = (*args[1:3], *(named[k] for k in ("min_val", "max_val") if k in named), -1.0, 1.0)[:2]
        return partial(torch.clamp, min=low, max=high)
    if function is F.gelu:
        return partial(F.gelu, **named)
    return _ACTIVATIONS.get(function)


class Additions(TorchFunctionMode):
    """Calls `rewrite(a, b)` before each plain addition of tensors of equal shape; it may replace both."""

    def __init__(self, rewrite: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self._rewrite = rewrite

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in _ADDITIONS and not kwargs and len(args) == 2:
            a, b = args
            if isinstance(a, Tensor) and isinstance(b, Tensor) and a is not b and a.shape == b.shape:
                new, b = self._rewrite(a, b)
                # After y.add_(x) the model reads y, so what replaces y must be copied into it.
                args = (a.copy_(new) if func is torch.Tensor.add_ and new is not a else new), b
        return func(*args, **(kwargs or {}))


class Calls(TorchFunctionMode):
    """Calls `see` for each function that makes or fills tensors, with its arguments and the `marks` it reads.

    TorchScript calls no such functions; there `see` is called for each operator.
    """

    def __init__(
        self, marks: Mapping[Maker, Mark], see: Callable[[Callable, Arguments, list[Maker]], None]
    ) -> None:
        super().__init__()
        self._marks, self._see = marks, see
        self._operators: _Operators | None = None
        self._inside = False

    def __enter__(self) -> Calls:
        super().__enter__()
        self._operators = _Operators(self)  # a reference cycle, broken on exit to free the marked tensors
        self._operators.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        assert self._operators is not None
        self._operators.__exit__(*error)
        self._operators = None
        super().__exit__(*error)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if self._inside:  # an operator of a function that has been seen
            return func(*args, **(kwargs or {}))
        given = [Mark(tensor) for tensor in _tensors_in((args, kwargs or {}))]
        taken = [m for m, mark in self._marks.items() if any(mark.is_same(one) for one in given)]
        self._inside = True
        try:
            result = func(*args, **(kwargs or {}))
        finally:
            self._inside = False
        # Some functions make no tensor: they return a shape, or their input, as dropout does.
        made = [t for t in _tensors_in(result) if not any(mark.is_now(t) for mark in given)]
        if taken and (made or func is torch.Tensor.__setitem__):  # y[:] = x gives None
            self._see(func, (args, kwargs or {}), taken)
        return result


class _Operators(TorchDispatchMode):
    """Passes every operator to `calls`."""

    supports_higher_order_operators = True

    @classmethod
    def is_infra_mode(
        cls,
    ) -> bool:  # else what compiles itself within, as flex_attention does, refuses to run
        return True

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return self._calls.__torch_function__(func, types, args, kwargs)


def _tensors_in(values: object) -> list[Tensor]:
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    return [t for value in values for t in _tensors_in(value)] if isinstance(values, list | tuple) else []


class Mark:
    """A tensor at one moment: after an in-place change, such as a ReLU, it counts as another one."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor, self._version = tensor, tensor._version

    def is_now(self, tensor: Tensor) -> bool:
        return tensor is self._tensor and tensor._version == self._version

    def is_unchanged(self) -> bool:
        return self.is_now(self._tensor)

    def is_same(self, other: Mark) -> bool:
        return other._tensor is self._tensor and other._version == self._version
