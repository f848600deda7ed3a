"""The client's part: retraining a pruned model on real images, the masks fixed; and the test at the end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from patternlite.demo.images import LabelledImages
from patternlite.pruning import Masks

from ..train_cifar10 import augment
from .plan import Client, Network

_WEIGHT_DECAY = 2e-4


def retrain(
    model: nn.Module,
    masks: Masks,
    images: LabelledImages,
    client: Client,
    network: Network,
    seed: int,
    advance: Callable[[float], None],
) -> None:
    """Trains in place by SGD with one cycle of the learning rate; in eval mode afterwards."""
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    generator = torch.Generator().manual_seed(seed)
    steps = client.epochs * -(-len(images) // client.batch)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=client.rate, momentum=0.9, nesterov=True, weight_decay=_WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, client.rate, steps, pct_start=0.2)
    done = 0
    model.train()
    with masks.enforced(model):
        for _ in range(client.epochs):
            for batch in torch.randperm(len(images), generator=generator).split(client.batch):
                x = augment(pixels[batch], 0, generator, network.mean, network.std)
                optimizer.zero_grad()
                F.cross_entropy(model(x), labels[batch]).backward()
                optimizer.step()
                schedule.step()
                done += 1
                advance(done / steps)
    model.eval()


def some_of(images: LabelledImages, count: int | None, seed: int) -> LabelledImages:
    """As many of each class, chosen by the seed; None for all."""
    if count is None:
        return images
    order = np.random.default_rng(seed).permutation(len(images))
    each = -(-count // len(images.classes))
    of_class = [order[images.labels[order] == label][:each] for label in range(len(images.classes))]
    chosen = np.sort(np.concatenate(of_class))
    return LabelledImages(images.pixels[chosen], images.labels[chosen], images.classes)


@torch.inference_mode()
def accuracy(model: nn.Module, images: LabelledImages, network: Network) -> float:
    """Fraction of the images classified right."""
    model.eval()
    right = 0
    for start in range(0, len(images), 500):
        part = LabelledImages(images.pixels[start : start + 500], images.labels, images.classes)
        answers = model(torch.from_numpy(part.normalised(network.mean, network.std))).argmax(1)
        right += int((answers.numpy() == images.labels[start : start + 500]).sum())
    return right / len(images)
