"""The order of the steps of data-free pruning."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from . import fidelity, patterns, synthetic
from .codesign import choose, structures_of
from .config import PruneConfig
from .distill import distill
from .graph import Trace, trace
from .latency import TimeTable
from .layers import prune_layer, study
from .masks import Masks
from .progress import Progress, Schedule
from .report import PruneReport
from .statistics import Gap, bn_gap
from .structures import DENSE
from .walk import walk

_BATCH = 128
_LEAST_IMAGES, _MOST_IMAGES, _PIXELS = 64, 512, 2**23  # unless the config says how many images


@dataclass(frozen=True)
class PruneResult:
    """model: a pruned copy, in eval mode.  masks: its zeros.  report: what was done (print it)."""

    model: nn.Module
    masks: Masks
    report: PruneReport


def prune(
    model: nn.Module, input_shape: tuple[int, int, int], config: PruneConfig, progress: Progress | None = None
) -> PruneResult:
    """Prunes a trained model's convolutions, without any data.

    model: float32, on any device; it is copied, not changed.  input_shape: (channels, height, width).
    progress: called with a stage's name and the fraction of the whole that is done, 0..1.

    The first convolution, those of other kinds than the config names and those used more than once stay
    dense.
    Raises ValueError when the model cannot run on that shape, holds NaN, or has nothing to prune.
    """
    _check(model, input_shape, config)
    dense, pruned = copy.deepcopy(model).eval(), copy.deepcopy(model).eval()
    dense.requires_grad_(False)
    teacher, student = _traced(dense, input_shape, config), _traced(pruned, input_shape, config)
    names = [site.name for site in student.sites]
    device = student.sites[0].conv.weight.device
    generator = torch.Generator().manual_seed(config.seed)
    refines = bool(config.refine_steps and teacher.norms)
    shares = {"draw": 2, "refine": 30, "time": 20, "measure": 15, "prune": 25, "distill": 30, "compare": 1}
    schedule = Schedule(progress, shares)

    with schedule.stage("draw"):
        images = synthetic.draw(config, _image_count(config, input_shape), input_shape, generator).to(device)
    if refines:
        with schedule.stage("refine"):
            images = synthetic.refine(dense, teacher.norms, images, config, generator, schedule.advance)
    batches = list(images.split(_BATCH))
    libraries = patterns.choose_libraries([site.conv.weight for site in teacher.sites], config.patterns)
    structures = structures_of(config)

    times = None
    if "latency" in config.budgets:
        with schedule.stage("time"):
            convs = [*teacher.sites, *teacher.left]
            times = TimeTable(config.threads).measure(
                convs, set(names), libraries, structures, schedule.advance
            )
    libraries = {size: library.to(device) for size, library in libraries.items()}

    with schedule.stage("measure"):
        gap = bn_gap(dense, teacher.norms, batches) if teacher.norms else None
        trusted = gap is None or gap.fits_least_squares
        targets, curves = {}, {}
        for i, visit in enumerate(walk(dense, teacher.sites, batches)):
            name, library = visit.site.name, libraries[visit.site.conv.kernel_size]
            targets[name], curves[name] = study(visit, library, structures, config.seed + i, trusted=trusted)
            schedule.advance((i + 1) / len(names))
    choices = choose(config, teacher, libraries, curves, times)

    layers, found = [], {}
    with schedule.stage("prune"):
        for i, visit in enumerate(walk(pruned, student.sites, batches)):
            name, library = visit.site.name, libraries[visit.site.conv.kernel_size]
            mask, layer = prune_layer(visit, targets.pop(name), library, choices[name], trusted=trusted)
            layers.append(layer)
            if choices[name].structure is not DENSE:
                found[name] = mask
            schedule.advance((i + 1) / len(names))
    masks = Masks(found)

    if config.distill_steps and trusted:
        with schedule.stage("distill"):
            distill(pruned, dense, names, masks, images, config.distill_steps, generator, schedule.advance)
    with schedule.stage("compare"):
        unseen = synthetic.draw(config, fidelity.IMAGES, input_shape, generator).to(device)
        kept = fidelity.measure(dense, pruned, unseen)
    schedule.finish()
    masks.verify(pruned)
    size = sum(p.numel() for p in pruned.parameters())
    report = PruneReport(layers, student.dense, size, gap, kept, seconds=schedule.seconds)
    report.warnings.extend(_warnings(report, config, trusted))
    return PruneResult(pruned, masks, report)


def _check(model: nn.Module, input_shape: tuple[int, ...], config: PruneConfig) -> None:
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f"input_shape is (channels, height, width), not {tuple(input_shape)}")
    if len(config.mean) != input_shape[0]:
        raise ValueError(f"mean and std have {len(config.mean)} channels, the input {input_shape[0]}")
    for name, tensor in model.state_dict(keep_vars=True).items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name} holds NaN or infinity: the model is damaged, or its training diverged")
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and module.weight.dtype != torch.float32:
            raise ValueError(
                f"{name} holds {module.weight.dtype} weights: prune it as float32 (model.float())"
            )


def _traced(model: nn.Module, input_shape: tuple[int, ...], config: PruneConfig) -> Trace:
    found = trace(model, input_shape, config.dense, config.kinds)
    if not found.sites:
        why = ", ".join(f"{name}: {reason}" for name, reason in found.dense.items()) or "it has no Conv2d"
        raise ValueError(
            f"nothing to prune: no convolution of kind {', '.join(config.kinds)} but the first. {why}"
        )
    return found


def _image_count(config: PruneConfig, input_shape: tuple[int, ...]) -> int:
    fitting = _PIXELS // (input_shape[1] * input_shape[2])
    return config.images or min(_MOST_IMAGES, max(_LEAST_IMAGES, fitting))


def _warnings(report: PruneReport, config: PruneConfig, trusted: bool) -> list[str]:
    warnings = []
    gap: Gap | None = report.gap
    if gap is None:
        warnings.append("the model has no BatchNorm statistics: whether the images suit it cannot be checked")
    elif not trusted:
        warnings.append(
            f"the images do not suit the model (BatchNorm gap {gap.mean:.2f} / {gap.deviation:.2f}): weights "
            "were kept as they are under the masks, without ADMM, least squares or distillation. "
            'Check mean and std, or use source="mix" and more refine_steps'
        )
    for asked, got, what in ((config.rate, report.rate, "weights"), (config.macs, report.mac_rate, "MACs")):
        if asked and got < asked * (1 - 1e-6):
            warnings.append(f"{what} shrank {got:.2f}x, not {asked:.2f}x: the layers are too small for more")
    return warnings
