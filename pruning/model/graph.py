"""Which convolutions a model runs, in what order, and what reads their outputs; found by running it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from .batch_norms import BatchNorm, remembered
from .recording import Recording
from .state import tensors_in

_MOST_TOLD = 8  # in a line of text


@dataclass(frozen=True)
class Site:
    """A convolution to prune, in its surroundings.

    norm: the BatchNorm with running statistics that alone reads its output, if there is one.
    residual: whether it ends a residual branch: its output (after `norm`) goes into an addition and nowhere
        else, and it is solved there. Of two that meet it is the later one, if its input still exists.
    activation: the elementwise function that is applied to its output (after `norm`), if there is one.
    in_size, out_size: (height, width) of its maps; of the largest, if it runs at several sizes.
    runs: on how many such maps it runs for one image; smaller ones count as a fraction, by their pixels. It
        is 1 for a pruned convolution, unless the model turns windows or crops of an image into a batch.
    """

    name: str
    conv: nn.Conv2d
    norm: BatchNorm | None
    in_size: tuple[int, int]
    out_size: tuple[int, int]
    residual: bool
    activation: Callable[[Tensor], Tensor] | None = None
    runs: float = 1.0

    @property
    def branch_end(self) -> nn.Module:
        return self.norm or self.conv

    @property
    def padding(self) -> tuple[int, int]:
        """(top, left), in rows and columns."""
        conv = self.conv
        if conv.padding == "same":
            (kh, kw), (dy, dx) = conv.kernel_size, conv.dilation
            return dy * (kh - 1) // 2, dx * (kw - 1) // 2
        return (0, 0) if isinstance(conv.padding, str) else (conv.padding[0], conv.padding[1])

    @property
    def gain(self) -> Tensor:
        """(O,) the factor by which the norm scales the convolution's outputs; ones if unknown."""
        if self.norm is not None and not _is_plain(self.norm):
            return torch.ones_like(self.fold)
        return self.fold

    @property
    def fold(self) -> Tensor:
        """(O,) by what exported files multiply the filters: the norm's scale; ones without a norm.

        A norm with its own forward whose weights are all 0 must scale differently, for example by 1 + weight.
        """
        if self.norm is None:
            return torch.ones_like(self.conv.weight[:, 0, 0, 0])
        deviation = remembered(self.norm)[1]
        scale = self.norm.weight
        if scale is None or not (_is_plain(self.norm) or scale.any()):
            return 1.0 / deviation
        return scale.detach() / deviation

    @property
    def macs(self) -> int:
        """Multiply-accumulates per image, dense."""
        return round(self.runs * self.conv.weight.numel() * self.out_size[0] * self.out_size[1])

    def state(self) -> dict[str, Tensor]:
        """Copies of everything that pruning may change here."""
        parts = {"conv": self.conv, **({"norm": self.norm} if self.norm else {})}
        return {
            f"{part}.{key}": value.detach().cpu().clone()
            for part, module in parts.items()
            for key, value in tensors_in(module).items()
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Puts back what `state` returned; other keys are ignored."""
        own = {"conv": self.conv, "norm": self.norm}
        for key, value in state.items():
            part, _, name = key.partition(".")
            if module := own.get(part):
                module.state_dict()[name].copy_(value)

    def apply(self, x: Tensor) -> Tensor:
        """conv and norm on (N, C, H, W), without running any hooks."""
        y = self.conv.forward(x)
        return self.norm.forward(y) if self.norm else y


@dataclass(frozen=True)
class Trace:
    """The convolutions of a model.

    sites: those to prune, in forward order.  dense: name of each other convolution -> why it stays dense.
    left: the dense ones that run, in forward order.
    norms: every BatchNorm with running statistics that runs once, in forward order.
    macs: multiply-accumulates of all convolutions, per image.  largest: values in the largest map, per image.
    """

    sites: list[Site]
    left: list[Site]
    dense: dict[str, str]
    norms: list[BatchNorm]
    macs: int
    largest: int


def told(dense: Mapping[str, str]) -> str:
    """The first of these convolutions and why they stay dense, in a line of text."""
    each = [f"{name} ({why})" for name, why in dense.items()]
    rest = len(each) - _MOST_TOLD
    return ", ".join([*each[:_MOST_TOLD], f"and {rest} more"] if rest > 1 else each)


def trace(
    model: nn.Module,
    input_shape: tuple[int, ...],
    keep_dense: tuple[str, ...] = (),
    kinds: tuple[str, ...] = ("3x3",),
) -> Trace:
    """Runs the model (in eval mode) on zeros of shape (2, *input_shape).

    Sites are the Conv2d of these kinds (see `kind_of`), of any stride and dilation, except the first
    convolution, those in `keep_dense`, and those that run more than once. Raises ValueError when the model
    cannot run.
    """
    convs = {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    every_name = dict(model.named_modules(remove_duplicate=False))
    if unknown := sorted(name for name in keep_dense if not isinstance(every_name.get(name), nn.Conv2d)):
        raise ValueError(f"no convolution is named {', '.join(unknown)}; there are: {', '.join(convs)}")
    names = {module: name for name, module in convs.items()}
    run = Recording(model, input_shape)
    norms = run.norms()
    first = next((m for m in run.runs if isinstance(m, nn.Conv2d)), None)
    sites: list[Site] = []
    left: list[Site] = []
    dense = {
        name: run.unclear.get(conv, "does not run") for name, conv in convs.items() if conv not in run.sizes
    }
    for conv, sizes in run.sizes.items():
        # A weight or bias tied to other modules, of whatever type, is used as often as all of them run.
        times = max([run.runs[conv], *(run.uses[parameter] for parameter in conv.parameters(recurse=False))])
        norm = next((n for n in norms if n is run.consumer.get(conv) and run.uses[conv] == 1), None)
        hooked = conv in run.altered or norm in run.altered
        asked = any(every_name[kept] is conv for kept in keep_dense)
        reason = "asked to stay" if asked else _why_dense(conv, kinds, conv is first, times, hooked)
        if reason:
            dense[names[conv]] = reason
        before, after, _ = max(sizes, key=lambda run: run[1].numel())
        in_size, out_size = (before[0], before[1]), (after[0], after[1])
        # At least one, since a detector may find no region in an image of zeros.
        runs = max(1.0, sum(maps * out.numel() for _, out, maps in sizes) / after.numel())
        site = Site(names[conv], conv, norm, in_size, out_size, residual=False, runs=runs)
        (left if reason else sites).append(site)
    sites = _with_surroundings(sites, run)
    macs = sum(site.macs for site in (*sites, *left))
    return Trace(sites, left, dense, norms, macs, run.largest)


def _with_surroundings(sites: list[Site], run: Recording) -> list[Site]:
    """The sites with their activations, and with `residual` set where they end residual branches."""
    # Of two branches that meet, the later one is solved at the addition, since the other is known by then.
    ends = {site.branch_end for site in sites}
    closing = Counter(last[-1] for operands in run.additions if (last := [m for m in operands if m in ends]))
    return [
        replace(site, residual=closing[end] == 1, activation=run.activations.get(end))
        if run.uses[end := site.branch_end] == 1 and _is_plain(end)
        else site
        for site in sites
    ]


def kind_of(conv: nn.Conv2d) -> str:
    """ "3x3", "1x1" and so on, "depthwise", or "4 groups"."""
    if conv.groups == 1:
        return f"{conv.kernel_size[0]}x{conv.kernel_size[1]}"
    if conv.groups == conv.in_channels == conv.out_channels:
        return "depthwise"
    return f"{conv.groups} groups"


def _is_plain(module: nn.Module) -> bool:
    """Whether it computes what its base class does: a subclass may, for example, also activate."""
    if isinstance(module, nn.Conv2d):
        own = type(module)
        return own.forward is nn.Conv2d.forward and own._conv_forward is nn.Conv2d._conv_forward
    return type(module).forward in (nn.BatchNorm2d.forward, nn.SyncBatchNorm.forward)


def _why_dense(conv: nn.Conv2d, kinds: tuple[str, ...], first: bool, times: int, hooked: bool) -> str | None:
    if (kind := kind_of(conv)) not in kinds:
        return kind
    if not _is_plain(conv):
        return f"not a plain Conv2d ({type(conv).__name__})"
    if is_parametrized(conv) or "weight" not in conv._parameters:
        return "its weight is computed (remove_parametrizations first)"
    if hooked:
        return "a hook changes its output"
    if first:
        return "first convolution"
    if times > 1:
        return f"used {times} times"
    return None
