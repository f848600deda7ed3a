"""Warnings of a finished run; each names what is wrong and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .config import PruneConfig
from .fidelity import Fidelity
from .model.norm_statistics import Gap
from .report import LayerReport, PruneReport

_USELESS = 10.0  # relative error of the answers; networks that were never trained have 1 to 2
_ALIKE = 1e-3  # spread of the dense model's answers below which they are all the same
_CHECK = "check that mean and std are those the model was trained with"
_CONVERGED = 0.5  # largest primal residual of gradient ADMM, over the weights, that counts as converged


def warnings_for(
    report: PruneReport, config: PruneConfig, trusted: bool, undone: bool, unlearnt: bool = False
) -> list[str]:
    """What the user should know about a finished run.

    trusted: whether the images were fit for least squares.  undone: whether distillation did harm and was
    undone.  unlearnt: whether the model gives no gradients.
    """
    found = []
    if undone:
        found.append(
            "distillation took the answers farther from the dense model's, so its weights were dropped: "
            "set distill_steps=0 to save its time, or ask for a lower rate"
        )
    if unlearnt:
        found.append(
            "the model computes without gradients, so no images were refined and nothing distilled: take "
            "torch.no_grad() and detach() out of its forward, and use them where it is called"
        )
    found += _of_answers(report.fidelity)
    found += _of_images(report.gap, config, trusted)
    for layer in report.layers:
        found += _of_layer(layer, config, trusted)
    for asked, got, what in ((config.rate, report.rate, "weights"), (config.macs, report.mac_rate, "MACs")):
        if asked and got < asked * (1 - 1e-6):
            found.append(f"{what} shrank {got:.2f}x, not {asked:.2f}x: the layers are too small for more")
    return found


def _of_answers(fidelity: Fidelity) -> Iterator[str]:
    if math.isnan(fidelity.spread):
        yield (
            "nothing that the dense model answers to synthetic images is finite, and nothing could be "
            f"compared: {_CHECK}"
        )
    elif not fidelity.relative_error <= _USELESS:
        yield (
            f"the pruned model's answers differ from the dense one's {fidelity.relative_error:.3g} "
            "times as much as those do from image to image: do not use it. Ask for a lower rate, and "
            f"{_CHECK}"
        )
    if fidelity.spread < _ALIKE:
        yield (
            "the dense model gives all but the same answer to all synthetic images: that the pruned one does "
            f"says little; {_CHECK}"
        )


def _of_images(gap: Gap | None, config: PruneConfig, trusted: bool) -> Iterator[str]:
    if gap is None:
        yield (
            "the model has no BatchNorm with statistics that runs once: whether the images suit it cannot be "
            "checked. Where it has FrozenBatchNorm2d, put nn.BatchNorm2d(channels, frozen.eps) in the place "
            "and load_state_dict(frozen.state_dict(), strict=False)"
        )
    elif not trusted:
        kept = "weights were kept as they are under the masks, without ADMM, least squares or distillation"
        done = kept if config.admm == "closed-form" else "what gradient ADMM fitted to them may be worthless"
        other_source = "" if config.source == "mix" else 'source="mix" and '
        yield (
            f"the images do not suit the model (BatchNorm gap {gap.mean:.2f} / {gap.deviation:.2f}; least "
            f"squares needs {Gap.LEAST_SQUARES[0]:.2f} / {Gap.LEAST_SQUARES[1]:.2f}): {done}. "
            f"Check mean and std, or use {other_source}more refine_steps"
        )


def _of_layer(layer: LayerReport, config: PruneConfig, trusted: bool) -> Iterator[str]:
    by_gradient = config.admm == "gradient"
    fitted = trusted or by_gradient  # what was not cannot have diverged
    if layer.relative_error > 1 and fitted:
        yield (
            f"{layer.name} diverged: its error is {layer.relative_error:.2f} of its output, more than "
            f"zeros would make. Keep it dense (dense=({layer.name!r},)) or ask for a lower rate"
        )
    if by_gradient and layer.residuals and layer.residuals[-1][0] > _CONVERGED:
        yield (
            f"{layer.name} did not converge: gradient ADMM ended {layer.residuals[-1][0]:.2f} of the "
            f"weights away from what may stay. Keep it dense (dense=({layer.name!r},)) or ask for "
            "a lower rate"
        )
