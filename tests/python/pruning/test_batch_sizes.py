"""How many images a run uses, and how many at a time."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import pytest

from patternlite.pruning import PruneConfig, batch_sizes, prune
from patternlite.pruning.batch_sizes import image_count, refine_batch, train_batch, unseen_count, walk_batch
from patternlite.pruning.model.graph import Trace

CONFIG = PruneConfig(rate=4.0, mean=(0.5,) * 3, std=(0.25,) * 3)


def traced(largest: int) -> Trace:
    return Trace([], [], {}, [], 1, largest)


def test_large_maps_get_fewer_images():
    counts = [image_count(CONFIG, traced(2**power)) for power in (14, 20, 21, 22, 23, 24, 26)]
    assert counts == [512, 128, 64, 64, 32, 16, 16]
    assert image_count(replace(CONFIG, images=100), traced(2**26)) == 100


@pytest.mark.parametrize(
    ("size", "largest", "train", "refine"),
    [
        (32, 64 * 32 * 32, 64, 128),  # ResNet-18 on CIFAR-10
        (224, 64 * 112 * 112, 20, 20),  # on ImageNet
        (224, 64 * 224 * 224, 20, 20),  # VGG-16
        (640, 32 * 320 * 320, 2, 8),  # YOLO
        (512, 64 * 512 * 512, 4, 4),  # a U-Net
        (64, 256 * 256 * 256, 4, 4),  # super-resolution, of small images
        (2048, 64 * 2048 * 2048, 1, 2),
    ],
)
def test_batches_are_bounded_by_the_largest_map_and_by_pixels(size, largest, train, refine):
    shape = (3, size, size)
    assert train_batch(shape, traced(largest)) == train
    assert refine_batch(shape, traced(largest)) == refine


@pytest.mark.parametrize(("size", "count"), [(32, 128), (256, 128), (512, 32), (2048, 16)])
def test_large_images_to_compare_on_are_fewer(size, count):
    assert unseen_count((3, size, size)) == count


@pytest.mark.parametrize(
    ("images", "step", "batch"),
    [(512, 64, 64), (167, 20, 20), (64, 2, 4), (130, 1, 9), (16, 4, 2), (5, 4, 1)],
)
def test_walks_have_few_batches(images, step, batch):
    assert walk_batch(images, step) == batch


@pytest.mark.parametrize("step", [1, 2, 4, 20, 64])
def test_walks_have_batches_for_8_processes_but_no_more_than_16(step):
    for images in range(8, 600):
        batches = math.ceil(images / walk_batch(images, step))
        assert 8 <= batches <= 16
        for processes in range(batches + 1, 17):
            more = processes * step  # as check_shares advises
            assert math.ceil(more / walk_batch(more, step)) >= processes


def test_a_run_has_few_threads(trained_model, monkeypatch):
    monkeypatch.setattr(batch_sizes, "_PIXELS", 16 * 16)  # as of large images
    before, seen = threading.active_count(), []
    config = replace(CONFIG, images=64, refine_steps=0, distill_steps=0)
    prune(trained_model, (3, 16, 16), config, lambda *_: seen.append(threading.active_count()))
    assert max(seen) - before == 2 * 16  # of the dense and the pruned model
