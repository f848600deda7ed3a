"""Batch norms, which hold statistics of a model's feature maps on real images."""

from __future__ import annotations

from torch import Tensor, nn

BatchNorm = nn.BatchNorm2d | nn.SyncBatchNorm


def remembered(norm: BatchNorm) -> tuple[Tensor, Tensor]:
    """The running mean and standard deviation (with its epsilon), (C,) each."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, (norm.running_var + norm.eps).sqrt()


def varies(norm: BatchNorm) -> Tensor:
    """bool (C,): which channels varied in training. The deviation of the others is that of epsilon alone."""
    return remembered(norm)[1].square() >= 2 * norm.eps
