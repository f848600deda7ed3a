"""What a run refuses; each error names what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from .batch_sizes import MOST_BATCHES
from .config import KIND, PruneConfig, whole_number
from .model.batch_norms import BatchNorm
from .model.graph import Trace, told, trace
from .model.state import device_of, require_float32, tensors_in
from .support.checkpoint import Checkpoint
from .support.distributed import Group


def image_shape(input_shape: Iterable[Any]) -> tuple[int, int, int]:
    """(channels, height, width) as integers, where 32.0 counts as 32; a ValueError for any other shape."""
    shape = tuple(input_shape) if isinstance(input_shape, Iterable) else (input_shape,)
    sizes = tuple(whole_number("input_shape", size) for size in shape)
    if len(sizes) != 3 or min(sizes) < 1:
        raise ValueError(f"input_shape is (channels, height, width), not {shape}")
    return sizes


def check_inputs(model: nn.Module, input_shape: tuple[int, int, int], config: PruneConfig) -> None:
    """Raises ValueError unless the model can be followed, its weights are finite float32 on a known device,
    and the shape fits the config.
    """
    if isinstance(model, torch.jit.ScriptModule) or any(
        hasattr(module, "_orig_mod") for module in model.modules()
    ):
        raise ValueError("the model is compiled, and cannot be followed: give the one that it was made from")
    for name, module in model.named_modules():
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            raise ValueError(
                f"{name or 'the model'} is wrapped in {type(module).__name__}, and cannot be followed: give "
                "wrapper.module in its place"
            )
    if torch.is_inference_mode_enabled():
        raise ValueError("weights cannot be changed within torch.inference_mode(): prune outside of it")
    if len(config.mean) != input_shape[0]:
        raise ValueError(f"mean and std have {len(config.mean)} channels, the input {input_shape[0]}")
    if (device := device_of(model).type) not in ("cpu", "cuda", "meta"):
        raise ValueError(f"the model is on {device}: prune it on the CPU (model.cpu())")
    for name, tensor in _learnt(model).items():
        if isinstance(tensor, (UninitializedParameter, UninitializedBuffer)):
            raise ValueError(f"{name} is not initialised: run the model once")
        if tensor.is_meta:
            raise ValueError(f"{name} is on the meta device, which holds no weights: load them first")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name} holds NaN or infinity: the model is damaged, or its training diverged")
    require_float32(model)


def _learnt(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and the norms' statistics. Other buffers may hold infinity, as attention masks do."""
    norms = tuple(f"{name}." for name, module in model.named_modules() if isinstance(module, BatchNorm))
    parameters = dict(model.named_parameters())
    return {k: v for k, v in tensors_in(model).items() if k in parameters or k.startswith(norms)}


def check_shares(batches: int, images: int, step: int, group: Group) -> None:
    """Raises ValueError if a process would have no images.  step: images in a step of distillation."""
    if batches < group.size:
        more = f", or give images={group.size * step}" if group.size <= MOST_BATCHES else ""
        raise ValueError(
            f"{images} images are {batches} batches, too few for {group.size} processes: "
            f"start at most {batches}{more}"
        )


def require_machine(planned: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raises ValueError if a checkpoint's choices are based on the times of another machine or engine."""
    if planned != here:
        other, own = (f"{m['cpu']} ({m['isa']}, engine {m['engine']})" for m in (planned, here))
        raise ValueError(
            f"the checkpoint's layers were chosen by their times on {other}, and this is {own}: go on there, "
            "or delete the checkpoint to begin anew"
        )


@contextmanager
def blaming(layer: str, store: Checkpoint) -> Iterator[None]:
    """Turns numerical errors in this context into a ValueError that names the layer.

    The store is emptied: the error would recur until other options are given, with which it is of no use.
    """
    try:
        yield
    except (FloatingPointError, torch.linalg.LinAlgError) as error:
        store.discard()
        raise ValueError(
            f"{layer} diverges ({error}): keep it dense (dense=({layer!r},)), ask for a lower rate, "
            "and check that mean and std are those the model was trained with"
        ) from error


def traced(model: nn.Module, input_shape: tuple[int, int, int], config: PruneConfig) -> Trace:
    """The model's convolutions. Raises ValueError, saying why, if none can be pruned."""
    with device_of(model):
        found = trace(model, input_shape, config.dense, config.kinds)
    if not found.dense and not found.sites:
        raise ValueError(
            "nothing to prune: the model has no nn.Conv2d module. One that torch.export made computes "
            "without: give the one that it was made from"
        )
    if not found.sites:
        reasons = dict.fromkeys(found.dense[site.name] for site in found.left[1:])
        others = tuple(reason for reason in reasons if KIND.fullmatch(reason))
        again = any(reason.startswith("used ") for reason in reasons)
        raise ValueError(
            f"nothing to prune: no convolution of kind {', '.join(config.kinds)} but the first"
            f"{f'; give kinds={others}' if others else ''}"
            f"{'; prune a part that is used several times by itself, as a model' * again}: "
            + told(found.dense)
        )
    return found
