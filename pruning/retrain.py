"""The client's step: a few epochs on real images, in which pruned weights stay zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import RetrainConfig
from .imitation import divergence, imitate, mean_square
from .masks import Masks
from .model.outputs import tensors_of, trial
from .model.precision import Form, half, laid_out
from .model.state import (
    all_tensors_in,
    device_of,
    frozen_in,
    put_back_on_error,
    require_float32,
    tensors_in,
)
from .normalisation import Normalisation
from .support.checkpoint import Checkpoint, Record
from .support.distributed import Group
from .support.fingerprint import fingerprint
from .support.seeds import generator, seeded

_WARM_UP = 0.2  # fraction of the steps in which the learning rate rises
_MAPS = 1.0  # weight of the feature loss: relative squared errors of what layers read, their mean
_TURNS = 3  # layers take turns: each step looks at every third of them
_SHIFT = 8  # images are shifted by up to 1/8 of their sides
_TEST_BATCH = 250


def retrain(
    model: nn.Module,
    masks: Masks,
    pixels: Tensor,
    labels: Tensor,
    config: RetrainConfig,
    progress: Callable[[str, float], None] | None = None,
    checkpoint: Path | str | None = None,
    dense: nn.Module | None = None,
) -> None:
    """Trains a classifier in place by SGD with one cycle of the learning rate; in eval mode afterwards.

    If an error or a signal stops it, the model is what it was before, except that the masks were applied.

    model: on the device to train on.  masks: those of the model.
    pixels: uint8 (N, C, H, W).  labels: int64 (N,).
    progress: called with a description of the current work and the fraction of the run that is done, 0..1.
    checkpoint: a folder for the state after each epoch; a run that was killed resumes from it, with the same
        result to the bit on the CPU.
    dense: the model before pruning, which is moved to the other's device and put into eval mode. Its answers
        (Hinton et al., arXiv:1503.02531) and what its layers read (Romero et al., arXiv:1412.6550) are learnt
        besides the labels, which gives a better result.
    Raises ValueError when the images or labels have another form, or do not fit the model's classes, when a
    convolution is not float32, when the masks belong to another model, when nothing in the model learns, when
    it returns more than its answers, and when the loss is not finite; that deletes the checkpoint, which no
    other learning rate could resume.
    """
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("all of the model's parameters are frozen: call model.requires_grad_(True) first")
    if dense is model:
        raise ValueError("dense is the model itself, which cannot teach itself: give the one before pruning")
    _check_images(pixels, labels, config)
    models = [each for each in (model, dense) if each is not None]
    for each in models:
        require_float32(each)
    masks.apply(model)
    model.eval()
    device = device_of(model)
    identity = "" if checkpoint is None else _identity(model, masks, pixels, labels, config, dense)
    store = Checkpoint(checkpoint, identity, Group())
    if dense is not None:
        dense = dense.to(device).eval()
    shape = pixels.shape[1:]
    answers = [trial(each, shape) for each in models]
    _check_classes(labels, answers[0])
    store.require_same_answers([answer for own in answers for answer in own])
    optimizer = torch.optim.SGD(
        model.parameters(),
        config.learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=config.weight_decay,
    )
    with (
        put_back_on_error(model),
        laid_out(shape, *models) as form,
        masks.enforced(model),
        _training(model),
        torch.device("cpu"),  # where we draw, whatever torch.set_default_device says
    ):
        run = _Run(model, dense, list(masks), pixels, labels, config, optimizer, form, store, progress)
        for epoch in range(_resumed(store, model, optimizer), config.epochs):
            _train_epoch(run, epoch)
            _save(store, epoch + 1, model, optimizer)
    masks.verify(model)


@dataclass(frozen=True)
class _Run:
    """What all epochs share. layers: names of the pruned ones."""

    model: nn.Module
    dense: nn.Module | None
    layers: list[str]
    pixels: Tensor
    labels: Tensor
    config: RetrainConfig
    optimizer: torch.optim.Optimizer
    form: Form
    store: Checkpoint
    progress: Callable[[str, float], None] | None


def _train_epoch(run: _Run, epoch: int) -> None:
    """Trains on each image once."""
    config, device, form = run.config, device_of(run.model), run.form
    normalise = Normalisation(config.mean, config.std)
    random = generator(config.seed, "retrain", epoch)
    batches = _batches(torch.randperm(len(run.pixels), generator=random), config.batch)
    with seeded(random.initial_seed(), device):  # what dropout draws from
        for step, some in enumerate(batches):
            for group in run.optimizer.param_groups:
                group["lr"] = one_cycle(config.learning_rate, (epoch + step / len(batches)) / config.epochs)
            x = normalise(_augmented(run.pixels[some], config.flip, random).to(device).float() / 255)
            x, y = form.of(x), run.labels[some].to(device)
            with _of_enough_images(len(some)):
                loss = _loss(run.model, run.dense, run.layers[step % _TURNS :: _TURNS], x, y, form.low)
            value = float(loss.detach())
            if not math.isfinite(value):
                run.store.discard()
                raise ValueError(f"the loss is {value} in epoch {epoch + 1}: give a lower learning_rate")
            run.optimizer.zero_grad()
            loss.backward()
            run.optimizer.step()
            done = (epoch + (step + 1) / len(batches)) / config.epochs
            if run.progress:
                run.progress(f"epoch {epoch + 1} of {config.epochs}, loss {value:.3f}", done)


def _identity(
    model: nn.Module,
    masks: Masks,
    pixels: Tensor,
    labels: Tensor,
    config: RetrainConfig,
    dense: nn.Module | None,
) -> str:
    """What identifies a run's checkpoint: a digest of the models, the masks, the data and the options."""
    taught = {} if dense is None else {f"dense {key}": value for key, value in all_tensors_in(dense).items()}
    tensors = {**all_tensors_in(model), **taught, "pixels": pixels, "labels": labels, **masks}
    return fingerprint(tensors, asdict(config), frozen_in(model))


def _check_images(pixels: Tensor, labels: Tensor, config: RetrainConfig) -> None:
    """Raises ValueError unless images and labels are what `retrain` takes."""
    if not isinstance(pixels, Tensor) or not isinstance(labels, Tensor):
        raise ValueError("pixels and labels are tensors: torch.from_numpy makes them of NumPy's arrays")
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or not pixels.numel():
        raise ValueError(
            f"pixels are {pixels.dtype} {tuple(pixels.shape)}: give images as uint8 (N, C, H, W), 0..255"
        )
    if pixels.shape[1] != len(config.mean):
        raise ValueError(f"images have {pixels.shape[1]} channels, mean and std {len(config.mean)}")
    if labels.dtype != torch.int64 or labels.shape != pixels.shape[:1]:
        raise ValueError(
            f"labels are {labels.dtype} {tuple(labels.shape)}: give an int64 for each of {len(pixels)} images"
        )


def _check_classes(labels: Tensor, answers: list[Tensor]) -> None:
    """Raises ValueError where the model has no output for a label."""
    classes = answers[0].shape[1] if answers and answers[0].ndim == 2 else math.inf
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"labels are {low} to {high}, the model answers with {classes} values: number its classes from 0"
        )


@contextmanager
def _training(model: nn.Module) -> Iterator[None]:
    model.train()
    try:
        yield
    finally:
        model.eval()


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """The last batch may be smaller, but not a single image, whose variance in a batch norm may be 0."""
    batches = list(order.split(size))
    if len(batches) > 1 and len(batches[-1]) == 1 < size:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


@contextmanager
def _of_enough_images(count: int) -> Iterator[None]:
    """Adds what to do to torch's error about a batch norm that cannot learn from a single image."""
    try:
        yield
    except ValueError as error:
        if count > 1 or "more than 1 value per channel" not in str(error):
            raise
        raise ValueError(
            f"the model does not learn from a batch of one image ({error}): give a larger batch, or more "
            "images"
        ) from error


@torch.no_grad()  # not inference_mode: tensors that a model keeps from its first call are used in training
def accuracy(model: nn.Module, pixels: Tensor, labels: Tensor, normalise: Normalisation) -> float:
    """Fraction of the images classified right, in eval mode."""
    model.eval()
    device = device_of(model)
    right = 0
    for x, wanted in zip(pixels.split(_TEST_BATCH), labels.split(_TEST_BATCH), strict=True):
        answers = model(normalise(x.to(device).float() / 255)).argmax(1)
        right += int((answers == wanted.to(device)).sum())
    return right / len(labels)


def _loss(
    model: nn.Module, dense: nn.Module | None, layers: list[str], x: Tensor, labels: Tensor, low: bool
) -> Tensor:
    if dense is None:
        with half(x.device, low):
            answers = _alone(tensors_of(model(x))).float()
        return F.cross_entropy(answers, labels)
    with half(x.device, low):
        seen = imitate(model, dense, layers, x)
    answers, wanted = _alone(seen.outputs), seen.answers[0]
    errors = [
        mean_square(value - target) / mean_square(target).clamp_min(1e-12) for value, target in seen.maps
    ]
    loss = (F.cross_entropy(answers, labels) + divergence(answers, wanted)) / 2
    return loss + _MAPS * torch.stack(errors).mean() if errors else loss


def _alone(outputs: list[Tensor]) -> Tensor:
    if len(outputs) != 1:
        raise ValueError(
            f"in training the model returns {len(outputs)} tensors, not its answers alone: wrap it in a "
            "module that does"
        )
    return outputs[0]


def one_cycle(peak: float, progress: float) -> float:
    """The learning rate at `progress`, 0..1: a linear rise to the peak, then a cosine down to zero."""
    if progress < _WARM_UP:
        return peak * progress / _WARM_UP
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def _augmented(pixels: Tensor, flip: bool, random: torch.Generator) -> Tensor:
    """Each image shifted, with its edges mirrored outwards; half of them flipped if `flip`."""
    count, _, height, width = pixels.shape
    reach = height // _SHIFT, width // _SHIFT
    padded = F.pad(pixels.float(), (reach[1], reach[1], reach[0], reach[0]), mode="reflect")
    top, left = (torch.randint(2 * r + 1, (count, 1), generator=random) for r in reach)
    rows, cols = top + torch.arange(height), left + torch.arange(width)
    if flip:
        cols = torch.where(torch.rand(count, 1, generator=random) < 0.5, cols.flip(1), cols)
    moved = padded[torch.arange(count)[:, None, None], :, rows[:, :, None], cols[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def _save(store: Checkpoint, epochs: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    tensors = {f"model {key}": value.clone() for key, value in tensors_in(model).items()}
    for name, parameter in model.named_parameters():
        if (momentum := optimizer.state[parameter].get("momentum_buffer")) is not None:
            tensors[f"momentum {name}"] = momentum
    store.save("epochs", Record(tensors, {"epochs": epochs}))


def _resumed(store: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Puts back what `_save` kept; returns the number of epochs done."""
    record = store.load("epochs")
    if record is None:
        return 0
    parameters, state = dict(model.named_parameters()), {}
    for key, value in record.tensors.items():
        kind, _, name = key.partition(" ")
        if kind == "model":
            state[name] = value
        else:
            optimizer.state[parameters[name]]["momentum_buffer"] = value.to(parameters[name].device)
    model.load_state_dict(state, strict=False)  # it holds the tensors alone
    return record.values["epochs"]
