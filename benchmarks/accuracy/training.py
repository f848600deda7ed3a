"""Trains a classifier of small images from scratch, reproducibly.

Every epoch draws from its own seed, so a run that was cut short and resumed ends like one that was not.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patternlite.images.labelled import LabelledImages
from patternlite.pruning.model.precision import channels_last, half
from patternlite.pruning.model.state import device_of
from patternlite.pruning.retrain import one_cycle
from patternlite.support.files import write_atomically

BATCH = 128
WEIGHT_DECAY = 5e-4


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One cycle of the learning rate, up to its peak.

    cut: side of the square cut out of each image, in pixels.
    radius: of the ascent of sharpness-aware minimisation (Foret et al., arXiv:2010.01412), in the L2 norm of
    all weights; it finds flatter minima even where it comes late. 0 for plain SGD.
    """

    epochs: int
    peak: float
    cut: int
    radius: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs is {self.epochs}: it must be above 0")


@dataclass(frozen=True)
class Course:
    """A training.  mean, std: of pixels in 0..1."""

    phases: tuple[Phase, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    seed: int = 0

    @property
    def epochs(self) -> int:
        return sum(phase.epochs for phase in self.phases)

    def phase_at(self, epoch: int) -> tuple[Phase, int]:
        """The phase an epoch is in, and its number there."""
        for phase in self.phases:
            if epoch < phase.epochs:
                return phase, epoch
            epoch -= phase.epochs
        raise ValueError(f"there are {self.epochs} epochs")


def train(
    model: nn.Module,
    images: LabelledImages,
    course: Course,
    checkpoint: Path,
    advance: Callable[[str, float], None],
    first: int = 0,
) -> None:
    """Trains the model in place; in eval mode afterwards. Uses a GPU if there is one.

    checkpoint: a file, written after each epoch; an existing one is resumed from, but one of another training
    is an error.  first: the epoch to begin with.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=course.phases[0].peak, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        if state["course"] != asdict(course):
            raise ValueError(f"{checkpoint} is of another training: remove it")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"]
    with channels_last(model):
        for epoch in range(first, course.epochs):
            _train_epoch(model, optimizer, images, course, epoch, advance)
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "epoch": epoch + 1,
                "course": asdict(course),
            }
            content = io.BytesIO()
            torch.save(state, content)
            write_atomically(checkpoint, content.getvalue())
    model.to("cpu").eval()


def _train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: LabelledImages,
    course: Course,
    epoch: int,
    advance: Callable[[str, float], None],
) -> None:
    random = torch.Generator().manual_seed(course.seed * 1000 + epoch)
    batches = torch.randperm(len(images), generator=random).split(BATCH)
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    phase, epoch_in_phase = course.phase_at(epoch)
    device = device_of(model)
    model.train()
    for i, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(phase.peak, (epoch_in_phase + i / len(batches)) / phase.epochs)
        x = augment(pixels[batch], course, phase.cut, random).to(device)
        y = labels[batch].to(device)

        def loss_of(count: int, x: Tensor = x, y: Tensor = y) -> Tensor:
            with half(device):
                answers = model(x[:count])
            return F.cross_entropy(answers.float(), y[:count], label_smoothing=0.1)

        # Half of the batch is enough to find the way up, and its noise helps (m-sharpness, section 4.1).
        some = len(x) // 2
        with uphill(model, partial(loss_of, some), phase.radius) if phase.radius else nullcontext():
            loss = loss_of(len(x))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
        optimizer.step()
        done = (epoch + (i + 1) / len(batches)) / course.epochs
        advance(f"epoch {epoch + 1} of {course.epochs}, loss {float(loss.detach()):.3f}", done)


def augment(pixels: Tensor, course: Course, cut: int, random: torch.Generator) -> Tensor:
    """Random flip, 4-pixel shift, square cut-out. uint8 (B,3,H,W) -> normalised float, channels last."""
    batch, _, height, width = pixels.shape
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (course.mean, course.std))
    x = F.pad((pixels.float() / 255 - mean) / std, (4, 4, 4, 4), mode="reflect")

    def draw(limit: int) -> Tensor:
        return torch.randint(limit, (batch, 1), generator=random)

    rows, cols = draw(9) + torch.arange(height), draw(9) + torch.arange(width)
    cols = torch.where(draw(2).bool(), cols.flip(1), cols)
    x = x[torch.arange(batch)[:, None, None], :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2)
    top, left = draw(height - cut + 1), draw(width - cut + 1)
    row, col = torch.arange(height), torch.arange(width)
    in_rows = (row >= top) & (row < top + cut)
    in_cols = (col >= left) & (col < left + cut)
    x = x.masked_fill((in_rows[:, :, None] & in_cols[:, None, :])[:, None], 0.0)
    return x.contiguous(memory_format=torch.channels_last)


@contextmanager
def uphill(model: nn.Module, loss_of_some: Callable[[], Tensor], radius: float) -> Iterator[None]:
    """Within this context the weights are moved up the gradient by `radius`; statistics are not updated."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    weights = list(model.parameters())
    gradients = torch.autograd.grad(loss_of_some(), weights)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    before = [weight.detach().clone() for weight in weights]
    _change(weights, [g * (radius / length.clamp_min(1e-12)) for g in gradients], Tensor.add_)
    yield
    _change(weights, before, Tensor.copy_)


@torch.no_grad()
def _change(
    weights: Sequence[Tensor], values: Sequence[Tensor], how: Callable[[Tensor, Tensor], Tensor]
) -> None:
    for weight, value in zip(weights, values, strict=True):
        how(weight, value)
