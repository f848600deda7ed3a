"""The trained network and the real test images that ship with the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PatternliteError, require_packages
from ..images.labelled import LabelledImages, read_images

if TYPE_CHECKING:
    from torch import nn

# The training set's, for pixels in 0..1; benchmarks/making/demo_network.py trains with these.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
INPUT_SHAPE = (3, 32, 32)

ASSETS = Path(__file__).parent / "assets"
WEIGHTS = ASSETS / "slim_resnet18_cifar10.safetensors"
IMAGES = ASSETS / "cifar10_test_1000.zip"


def load_network() -> nn.Module:
    """The trained network in eval mode, float32."""
    require_packages("convert", "torch", "safetensors")
    from ..models.weights import load_weights
    from .slim_resnet18 import slim_resnet18

    _require(WEIGHTS)
    model = slim_resnet18()
    load_weights(model, WEIGHTS)
    return model.eval()


def load_images() -> LabelledImages:
    """1,000 CIFAR-10 test images, 100 per class."""
    _require(IMAGES)
    return read_images(IMAGES, "test")


def _require(path: Path) -> None:
    if not path.is_file():
        raise PatternliteError(
            f"{path} is missing from this installation; run: pip install --force-reinstall ."
        )
