"""The client's part: retraining a pruned model on real images with fixed masks, and the final test."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from patternlite.images.labelled import LabelledImages
from patternlite.pruning import Masks
from patternlite.pruning.config import RetrainConfig
from patternlite.pruning.normalisation import Normalisation
from patternlite.pruning.retrain import accuracy as fraction_right
from patternlite.pruning.retrain import retrain as retrain_pruned

from .plan import Network


def retrain(
    model: nn.Module,
    dense: nn.Module,
    masks: Masks,
    images: LabelledImages,
    config: RetrainConfig,
    advance: Callable[[float], None],
) -> None:
    """Retrains in place as `patternlite retrain --dense` does; in eval mode afterwards."""
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    retrain_pruned(model, masks, pixels, labels, config, lambda _stage, done: advance(done), dense=dense)


def some_of(images: LabelledImages, count: int | None, seed: int) -> LabelledImages:
    """About `count` images, equally many of each class, chosen by the seed; None for all."""
    if count is None:
        return images
    order = np.random.default_rng(seed).permutation(len(images))
    each = -(-count // len(images.classes))
    of_class = [order[images.labels[order] == label][:each] for label in range(len(images.classes))]
    chosen = np.sort(np.concatenate(of_class))
    return LabelledImages(images.pixels[chosen], images.labels[chosen], images.classes)


def accuracy(model: nn.Module, images: LabelledImages, network: Network) -> float:
    """Fraction of the images classified right."""
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    return fraction_right(model, pixels, labels, Normalisation(network.mean, network.std))
