"""How close the pruned model's answers are to the dense one's, on synthetic images that no step has used."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model.outputs import NO_CLASS, answers_of, comparable, may_be_logits

_STILL = 1e-6  # variance of an output over images, relative to its mean square, that may be rounding alone


@dataclass(frozen=True)
class Distance:
    """A distance by one or more measures: at most another one if each measure is, so never if one is NaN."""

    measures: tuple[float, ...]

    def __le__(self, other: Distance) -> bool:
        return all(a <= b for a, b in zip(self.measures, other.measures, strict=True))

    def __rmul__(self, factor: float) -> Distance:
        return Distance(tuple(factor * measure for measure in self.measures))


@dataclass(frozen=True)
class Fidelity:
    """The gap between teacher and student, measured where the teacher's answers are finite.

    images: how many were used.
    relative_error: mean square of the outputs' difference, over the variance of the dense outputs across
        images; the mean over several outputs.
    divergence: mean Kullback-Leibler divergence between the dense and the pruned model's answers, in nats.
    agreement: share of the images to which both give the same class. These two are None unless the outputs
        may be a classifier's logits, (N, classes).
    spread: variance of the dense outputs across images, relative to their mean square; the largest of several
        outputs. NaN if none of the teacher's answers is finite, so that nothing was compared.
    """

    images: int
    relative_error: float
    divergence: float | None = None
    agreement: float | None = None
    spread: float = 1.0

    @property
    def gap(self) -> Distance:
        """What two students are compared by. Divergence alone ignores a shift common to all logits."""
        if math.isnan(self.spread):
            return Distance(())
        measures = (self.relative_error, self.divergence)
        return Distance(tuple(measure for measure in measures if measure is not None))

    def __str__(self) -> str:
        parts = [f"relative error {self.relative_error:.3g}"]
        if self.divergence is not None and self.agreement is not None:
            parts += [f"divergence {self.divergence:.3g} nats", f"same class in {self.agreement:.1%}"]
        return f"on {self.images} unseen images: {', '.join(parts)}"


class _Sums:
    """Sums over all images for one output, where the wanted one is finite: of its squares and the errors'."""

    def __init__(self) -> None:
        self._total: Tensor | float = 0.0  # of each element of the output
        self._count: Tensor | int = 0
        self._square = self._missed = 0.0

    def add(self, given: Tensor, wanted: Tensor) -> None:
        self._count = self._count + torch.isfinite(wanted).sum(0)
        given, wanted = comparable(given, wanted)
        self._total = self._total + wanted.sum(0, dtype=torch.float64)
        self._square += _square(wanted)
        self._missed += _square(given - wanted)

    @property
    def is_empty(self) -> bool:
        return not bool(torch.as_tensor(self._count).any())

    @property
    def _about_mean(self) -> float:
        """The sum of squared deviations from the mean over images."""
        count = torch.as_tensor(self._count).clamp_min(1)
        return max(self._square - float((torch.as_tensor(self._total).square() / count).sum()), 0.0)

    @property
    def error(self) -> float:
        return self._missed / max(self._about_mean, _STILL * self._square, 1e-30)

    @property
    def spread(self) -> float:
        return self._about_mean / max(self._square, 1e-30)


def _square(values: Tensor) -> float:
    return float(torch.linalg.vector_norm(values, dtype=torch.float64)) ** 2


@torch.no_grad()
def measure(teacher: nn.Module, student: nn.Module, images: Tensor, batch: int) -> Fidelity:
    """teacher, student: in eval mode.  images: (N, C, H, W), normalised, not used by any step before.

    batch: images at a time; the answers to so many are held.
    """
    sums: list[_Sums] = []
    classes: list[tuple[Tensor, Tensor]] = []
    for some in images.split(batch):
        wanted, given = (answers_of(model(some)) for model in (teacher, student))
        if may_be_logits(wanted):
            student_says, teacher_says = comparable(given[0], wanted[0], NO_CLASS)
            classes.append((F.log_softmax(student_says, 1), F.log_softmax(teacher_says, 1)))
        sums = sums or [_Sums() for _ in wanted]
        for of_one, now, before in zip(sums, given, wanted, strict=True):
            of_one.add(now, before)
    finite = [of_one for of_one in sums if not of_one.is_empty]
    error = sum(of_one.error for of_one in finite) / len(finite) if finite else math.nan
    spread = max((of_one.spread for of_one in finite), default=math.nan)
    if not classes:
        return Fidelity(len(images), error, spread=spread)
    student_says, teacher_says = (torch.cat(parts) for parts in zip(*classes, strict=True))
    divergence = F.kl_div(student_says, teacher_says, reduction="batchmean", log_target=True)
    agreement = (teacher_says.argmax(1) == student_says.argmax(1)).float().mean()
    nats = float(divergence)  # rounding may take it below 0
    return Fidelity(len(images), error, 0.0 if nats <= 0 else nats, float(agreement), spread)
