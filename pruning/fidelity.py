"""How closely the pruned model still answers as the dense one, on synthetic images that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .outputs import tensors_of

IMAGES = 128
_BATCH = 64


@dataclass(frozen=True)
class Fidelity:
    """The gap between teacher and student.

    images: how many were asked.  relative_error: mean square of the outputs' difference, over the mean square
    of the dense outputs about their mean image.
    For classifiers, whose outputs are (N, classes) logits; None for others:
    divergence: mean Kullback-Leibler divergence of the dense from the pruned model's answer, in nats.
    agreement: share of the images that both give the same class.
    """

    images: int
    relative_error: float
    divergence: float | None = None
    agreement: float | None = None

    @property
    def gap(self) -> float:
        """What there is to compare two students by: less is closer."""
        return self.relative_error if self.divergence is None else self.divergence

    def __str__(self) -> str:
        parts = [f"relative error {self.relative_error:.3f}"]
        if self.divergence is not None and self.agreement is not None:
            parts += [f"divergence {self.divergence:.3f} nats", f"same class in {self.agreement:.1%}"]
        return f"{', '.join(parts)} of {self.images} images"


@torch.no_grad()
def measure(teacher: nn.Module, student: nn.Module, images: Tensor) -> Fidelity:
    """teacher, student: in eval mode.  images: (N, C, H, W), normalised, not used by any step before."""
    wanted, given = _answers(teacher, images), _answers(student, images)
    flat = [
        torch.cat([tensor.reshape(len(tensor), -1) for tensor in tensors], 1) for tensors in (wanted, given)
    ]
    spread = (flat[0] - flat[0].mean(0)).square().mean().clamp_min(1e-30)
    error = float((flat[1] - flat[0]).square().mean() / spread)
    if len(wanted) != 1 or wanted[0].ndim != 2 or wanted[0].shape[1] < 2:
        return Fidelity(len(images), error)
    teacher_says, student_says = (F.log_softmax(tensors[0], 1) for tensors in (wanted, given))
    divergence = F.kl_div(student_says, teacher_says, reduction="batchmean", log_target=True)
    agreement = (teacher_says.argmax(1) == student_says.argmax(1)).float().mean()
    return Fidelity(len(images), error, max(0.0, float(divergence)), float(agreement))


def _answers(model: nn.Module, images: Tensor) -> list[Tensor]:
    """Each of the model's outputs, over all images."""
    batches = [tensors_of(model(batch)) for batch in images.split(_BATCH)]
    return [torch.cat(parts).float() for parts in zip(*batches, strict=True)]
