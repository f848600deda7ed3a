"""How closely the pruned model still answers as the dense one, on synthetic images that neither has seen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model.outputs import answers_of, may_be_logits

_STILL = 1e-6  # of an output's mean square: less than this about its mean image may be rounding


@dataclass(frozen=True)
class Distance:
    """By one measure or several. At most another where each of them is; so not where one is NaN."""

    measures: tuple[float, ...]

    def __le__(self, other: Distance) -> bool:
        return all(a <= b for a, b in zip(self.measures, other.measures, strict=True))

    def __rmul__(self, factor: float) -> Distance:
        return Distance(tuple(factor * measure for measure in self.measures))


@dataclass(frozen=True)
class Fidelity:
    """The gap between teacher and student.

    images: how many were asked.  relative_error: mean square of the outputs' difference, over the mean square
    of the dense outputs about their mean image; of several outputs, the mean of theirs.
    For what may be a classifier, whose outputs are (N, classes) logits; None for others:
    divergence: mean Kullback-Leibler divergence of the dense from the pruned model's answer, in nats.
    agreement: share of the images that both give the same class.
    """

    images: int
    relative_error: float
    divergence: float | None = None
    agreement: float | None = None

    @property
    def gap(self) -> Distance:
        """What there is to compare two students by. Divergence alone is blind to what all outputs share."""
        measures = (self.relative_error, self.divergence)
        return Distance(tuple(measure for measure in measures if measure is not None))

    def __str__(self) -> str:
        parts = [f"relative error {self.relative_error:.3f}"]
        if self.divergence is not None and self.agreement is not None:
            parts += [f"divergence {self.divergence:.3f} nats", f"same class in {self.agreement:.1%}"]
        return f"{', '.join(parts)} of {self.images} images"


@torch.no_grad()
def measure(teacher: nn.Module, student: nn.Module, images: Tensor, batch: int) -> Fidelity:
    """teacher, student: in eval mode.  images: (N, C, H, W), normalised, not used by any step before.

    batch: of images at a time; the answers of as many are held.
    """
    totals: dict[int, Tensor] = {}
    squares: defaultdict[int, float] = defaultdict(float)
    missed: defaultdict[int, float] = defaultdict(float)
    classes: list[tuple[Tensor, Tensor]] = []
    for some in images.split(batch):
        wanted, given = (answers_of(model(some)) for model in (teacher, student))
        if may_be_logits(wanted):
            classes.append((F.log_softmax(given[0], 1), F.log_softmax(wanted[0], 1)))
        for i, (before, now) in enumerate(zip(wanted, given, strict=True)):
            totals[i] = totals.get(i, 0) + before.sum(0, dtype=torch.float64)
            squares[i] += float(before.square().sum(dtype=torch.float64))
            missed[i] += float((now - before).square().sum(dtype=torch.float64))
    errors = []
    for i, total in totals.items():
        spread = squares[i] - float(total.square().sum()) / len(images)  # about their mean image
        errors.append(missed[i] / max(spread, _STILL * squares[i], 1e-30))
    error = sum(errors) / len(errors)
    if not classes:
        return Fidelity(len(images), error)
    student_says, teacher_says = (torch.cat(parts) for parts in zip(*classes, strict=True))
    divergence = F.kl_div(student_says, teacher_says, reduction="batchmean", log_target=True)
    agreement = (teacher_says.argmax(1) == student_says.argmax(1)).float().mean()
    nats = float(divergence)  # rounding may take it below 0
    return Fidelity(len(images), error, 0.0 if nats <= 0 else nats, float(agreement))
