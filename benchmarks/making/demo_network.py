"""Trains the network that ships with patternlite, reproducibly, on CIFAR-10.

    python -m benchmarks.making.demo_network DATA --output slim_resnet18_cifar10.safetensors

DATA is a folder, zip or tar of train|test/<class>/*.jpg. Two phases, each with one cycle of the learning
rate: SGD, then sharpness-aware SGD. A checkpoint beside the output is written after each epoch, and a second
run goes on from it. --start skips the first phase: it begins with the weights of a file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from rich.console import Console
from safetensors.torch import save

from patternlite.demo.network import MEAN, STD
from patternlite.demo.slim_resnet18 import slim_resnet18
from patternlite.images.labelled import read_images
from patternlite.models.weights import load_weights
from patternlite.pruning.normalisation import Normalisation
from patternlite.pruning.retrain import accuracy
from patternlite.support.files import write_atomically
from patternlite.support.progress import Stages

from ..accuracy.training import Course, Phase, train

PHASES = (Phase(epochs=24, peak=0.2, cut=8), Phase(epochs=16, peak=0.1, cut=12, radius=0.1))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder, zip or tar of train|test/<class>/*.jpg")
    parser.add_argument("--output", type=Path, default=Path("slim_resnet18_cifar10.safetensors"))
    parser.add_argument("--start", type=Path, help="weights that stand in for those after the first phase")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def main() -> None:
    args, console = parse_arguments(), Console()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_images, test_images = read_images(args.data, "train"), read_images(args.data, "test")
    model = slim_resnet18(len(train_images.classes))
    if args.start:
        load_weights(model, args.start)
    course = Course(PHASES, MEAN, STD, args.seed)
    with Stages(console) as stages, stages.stage("Training") as advance:
        train(
            model,
            train_images,
            course,
            args.output.with_suffix(".checkpoint"),
            advance,
            first=PHASES[0].epochs if args.start else 0,
        )
    stored = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    model.load_state_dict(stored)
    pixels, labels = (torch.from_numpy(v) for v in (test_images.pixels, test_images.labels))
    reached = accuracy(model, pixels, labels, Normalisation(MEAN, STD))
    metadata = {"network": "slim_resnet18", "test_accuracy": f"{reached:.4f}", "epochs": str(course.epochs)}
    weights = {k: v.contiguous() for k, v in stored.items() if not k.endswith("num_batches_tracked")}
    write_atomically(args.output, save(weights, metadata))
    console.print(f"{args.output}: {reached:.2%} on the {len(test_images):,} test images, stored in fp16")


if __name__ == "__main__":
    main()
