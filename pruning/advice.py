"""Warnings of a finished run; each names what is wrong and what to do."""

from __future__ import annotations

import math

from .config import PruneConfig
from .model.norm_statistics import Gap
from .report import PruneReport

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
    if math.isnan(report.fidelity.spread):
        found.append(
            "nothing that the dense model answers to synthetic images is finite, and nothing could be "
            f"compared: {_CHECK}"
        )
    elif not report.fidelity.relative_error <= _USELESS:
        found.append(
            f"the pruned model's answers differ from the dense one's {report.fidelity.relative_error:.3g} "
            "times as much as those do from image to image: do not use it. Ask for a lower rate, and "
            f"{_CHECK}"
        )
    if report.fidelity.spread < _ALIKE:
        found.append(
            "the dense model gives all but the same answer to all synthetic images: that the pruned one does "
            f"says little; {_CHECK}"
        )
    gap: Gap | None = report.gap
    if gap is None:
        found.append(
            "the model has no BatchNorm with statistics that runs once: whether the images suit it cannot be "
            "checked. Where it has FrozenBatchNorm2d, put nn.BatchNorm2d(channels, frozen.eps) in the place "
            "and load_state_dict(frozen.state_dict(), strict=False)"
        )
    elif not trusted:
        kept = "weights were kept as they are under the masks, without ADMM, least squares or distillation"
        done = kept if config.admm == "closed-form" else "what gradient ADMM fitted to them may be worthless"
        other_source = "" if config.source == "mix" else 'source="mix" and '
        found.append(
            f"the images do not suit the model (BatchNorm gap {gap.mean:.2f} / {gap.deviation:.2f}; least "
            f"squares needs {Gap.LEAST_SQUARES[0]:.2f} / {Gap.LEAST_SQUARES[1]:.2f}): {done}. "
            f"Check mean and std, or use {other_source}more refine_steps"
        )
    fitted = trusted or config.admm == "gradient"  # what was not cannot have diverged
    for layer in report.layers:
        if layer.relative_error > 1 and fitted:
            found.append(
                f"{layer.name} diverged: its error is {layer.relative_error:.2f} of its output, more than "
                f"zeros would make. Keep it dense (dense=({layer.name!r},)) or ask for a lower rate"
            )
        if config.admm == "gradient" and layer.residuals and layer.residuals[-1][0] > _CONVERGED:
            found.append(
                f"{layer.name} did not converge: gradient ADMM ended {layer.residuals[-1][0]:.2f} of the "
                f"weights away from what may stay. Keep it dense (dense=({layer.name!r},)) or ask for "
                "a lower rate"
            )
    for asked, got, what in ((config.rate, report.rate, "weights"), (config.macs, report.mac_rate, "MACs")):
        if asked and got < asked * (1 - 1e-6):
            found.append(f"{what} shrank {got:.2f}x, not {asked:.2f}x: the layers are too small for more")
    return found
