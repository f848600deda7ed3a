"""What a run refuses, and what it warns of: each text names the thing and what to do."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from .batch_norms import BatchNorm
from .checkpoint import Checkpoint
from .config import PruneConfig
from .distributed import Group
from .norm_statistics import Gap
from .report import PruneReport
from .state import tensors_in

_USELESS = 10.0  # of a fidelity's relative error; networks that were never trained have 1 to 2
_CONVERGED = 0.5  # the most that gradient ADMM's weights and their projection may differ, of their size


def check_inputs(model: nn.Module, input_shape: tuple[int, ...], config: PruneConfig) -> None:
    """Raises ValueError unless it can be followed, its weights are finite float32 and the shape fits."""
    if isinstance(model, torch.jit.ScriptModule) or any(
        hasattr(module, "_orig_mod") for module in model.modules()
    ):
        raise ValueError("the model is compiled, and cannot be followed: give the one that it was made from")
    if torch.is_inference_mode_enabled():
        raise ValueError("weights cannot be changed within torch.inference_mode(): prune outside of it")
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f"input_shape is (channels, height, width), not {tuple(input_shape)}")
    if len(config.mean) != input_shape[0]:
        raise ValueError(f"mean and std have {len(config.mean)} channels, the input {input_shape[0]}")
    for name, tensor in _learnt(model).items():
        if isinstance(tensor, (UninitializedParameter, UninitializedBuffer)):
            raise ValueError(f"{name} is not initialised: run the model once")
        if tensor.is_meta:
            raise ValueError(f"{name} is on the meta device, which holds no weights: load them first")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name} holds NaN or infinity: the model is damaged, or its training diverged")
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and module.weight.dtype != torch.float32:
            raise ValueError(
                f"{name} holds {module.weight.dtype} weights: prune it as float32 (model.float())"
            )


def copied(model: nn.Module) -> nn.Module:
    """A copy, in eval mode. Raises ValueError where there can be none."""
    try:
        with torch.no_grad():  # TorchScript computes its copies
            own = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"the model cannot be copied ({error}): {_way_to_copy(error)}") from error
    for mine, given in zip(own.parameters(), model.parameters(), strict=True):
        mine.requires_grad_(given.requires_grad)
    own.eval()  # not every model's gives itself back
    return own


def _way_to_copy(error: Exception) -> str:
    if "graph leaves" in str(error):  # it holds what gradients go through
        return (
            "use torch.nn.utils.parametrizations in place of weight_norm and spectral_norm, prune.remove() "
            "where torch.nn.utils.prune made masks, and keep no maps in it"
        )
    return "take out of it what copy.deepcopy cannot copy"


def _learnt(model: nn.Module) -> dict[str, Tensor]:
    """Parameters, and what norms remember; other buffers may hold infinity, as masks of attention do."""
    norms = tuple(f"{name}." for name, module in model.named_modules() if isinstance(module, BatchNorm))
    parameters = dict(model.named_parameters())
    return {k: v for k, v in tensors_in(model).items() if k in parameters or k.startswith(norms)}


def check_shares(batches: int, images: int, group: Group) -> None:
    """Raises ValueError when a process would have no images."""
    if batches < group.size:
        raise ValueError(
            f"{images} images are {batches} batches, too few for {group.size} processes: "
            f"start at most {batches}, or ask for more images"
        )


def require_machine(planned: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raises ValueError where a checkpoint's choices were made by the times of another machine or engine."""
    if planned != here:
        other, own = (f"{m['cpu']} ({m['isa']}, engine {m['engine']})" for m in (planned, here))
        raise ValueError(
            f"the checkpoint's layers were chosen by their times on {other}, and this is {own}: go on there, "
            "or delete the checkpoint to begin anew"
        )


@contextmanager
def blaming(layer: str, store: Checkpoint) -> Iterator[None]:
    """What goes wrong numerically within the context is a ValueError that names the layer.

    It happens again until other options are given, whose run could not go on from the store: it is emptied.
    """
    try:
        yield
    except (FloatingPointError, torch.linalg.LinAlgError) as error:
        store.discard()
        raise ValueError(
            f"{layer} diverges ({error}): keep it dense (dense=({layer!r},)), ask for a lower rate, "
            "and check that mean and std are those the model was trained with"
        ) from error


def warnings(
    report: PruneReport, config: PruneConfig, trusted: bool, undone: bool, unlearnt: bool = False
) -> list[str]:
    """What the user should know of a finished run.

    trusted: the images were fit for least squares.  undone: distillation did harm.
    unlearnt: the model gives no gradients.
    """
    found = []
    if undone:
        found.append(
            "distillation took the answers farther from the dense model's, so its weights were dropped: "
            "set distill_steps=0 to save its time, or ask for a lower rate"
        )
    if unlearnt:
        found.append(
            "images were not refined, and nothing distilled, where the model computes without gradients: "
            "leave torch.no_grad() and detach() out of its forward, as its caller can use them"
        )
    if not report.fidelity.relative_error <= _USELESS:
        found.append(
            f"the pruned model's answers differ from the dense one's {report.fidelity.relative_error:.3g} "
            "times as much as those do from image to image: do not use it. Ask for a lower rate, and check "
            "that mean and std are those the model was trained with"
        )
    gap: Gap | None = report.gap
    if gap is None:
        found.append("the model has no BatchNorm statistics: whether the images suit it cannot be checked")
    elif not trusted:
        kept = "weights were kept as they are under the masks, without ADMM, least squares or distillation"
        done = kept if config.admm == "closed-form" else "what gradient ADMM fitted to them may be worthless"
        other_source = "" if config.source == "mix" else 'source="mix" and '
        found.append(
            f"the images do not suit the model (BatchNorm gap {gap.mean:.2f} / {gap.deviation:.2f}; least "
            f"squares needs {Gap.LEAST_SQUARES[0]:.2f} / {Gap.LEAST_SQUARES[1]:.2f}): {done}. "
            f"Check mean and std, or use {other_source}more refine_steps"
        )
    for layer in report.layers:
        if layer.relative_error > 1:
            found.append(
                f"{layer.name} diverged: its error is {layer.relative_error:.2f} of its output, more than "
                f"zeros would make. Keep it dense (dense=({layer.name!r},)) or ask for a lower rate"
            )
        if config.admm == "gradient" and layer.residuals and layer.residuals[-1][0] > _CONVERGED:
            found.append(
                f"{layer.name} did not converge: gradient ADMM ended {layer.residuals[-1][0]:.2f} of the "
                f"weights away from what may stay. Keep it dense (dense=({layer.name!r},)) or ask for "
                "a lower rate"
            )
    for asked, got, what in ((config.rate, report.rate, "weights"), (config.macs, report.mac_rate, "MACs")):
        if asked and got < asked * (1 - 1e-6):
            found.append(f"{what} shrank {got:.2f}x, not {asked:.2f}x: the layers are too small for more")
    return found
