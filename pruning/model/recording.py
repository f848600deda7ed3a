"""One run of a model: what its convolutions and norms read and made, and where their outputs went."""

from __future__ import annotations

import math
from collections import ChainMap, Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .batch_norms import BatchNorm
from .calls import Additions, Arguments, Calls, Maker, Mark, activation_of
from .outputs import tensors_of

_IMAGES = 2  # in the batch that it runs on


class Recording:
    """A run of a model in eval mode on zeros of shape (2, *input_shape). ValueError if it cannot run.

    runs: convolution or norm -> how often it ran, in the order of their first runs.
    uses: module, weight or bias -> how many functions read its output, or it; being an answer counts as one.
    sizes: convolution -> for each run that can be followed, the input's and the output's (height, width) and
        how many such maps there are per image: windows and crops make a larger batch.
    unclear: module -> why it cannot be followed.
    consumer: convolution -> the norm that reads its output.
    activations: module -> the elementwise function that reads its output.
    additions: for each addition, the convolutions and norms that made the two operands, in the order they
        ran; without those whose input has been overwritten since, which cannot be solved at the addition.
    altered: modules whose outputs the user's hooks change, which solving a layer by itself would ignore.
    largest: values in the largest map, per image.
    """

    def __init__(self, model: nn.Module, input_shape: tuple[int, ...]) -> None:
        self.runs: Counter[nn.Module] = Counter()
        self.uses: Counter[Maker] = Counter()
        self.sizes: dict[nn.Conv2d, list[tuple[torch.Size, torch.Size, float]]] = {}
        self.unclear: dict[nn.Module, str] = {}
        self.consumer: dict[nn.Module, BatchNorm] = {}
        self.activations: dict[Maker, Callable[[Tensor], Tensor]] = {}
        self.additions: list[list[Maker]] = []
        self.altered: set[nn.Module] = set()
        self.largest = math.prod(input_shape)
        self._outputs: dict[Maker, Mark] = {}
        self._own: dict[nn.Module, Mark] = {}  # outputs before the user's hooks
        self._read: dict[Maker, Mark] = {}  # a convolution's input; also under the norm that reads its output
        answers = self._run(model, input_shape)
        self.uses.update(
            m for m, mark in self._outputs.items() if any(mark.is_now(answer) for answer in answers)
        )

    def norms(self) -> list[BatchNorm]:
        """The norms with running statistics that ran once and can be followed."""
        once = [m for m in self._outputs if isinstance(m, BatchNorm) and self.runs[m] == 1]
        return [norm for norm in once if norm.running_mean is not None and norm not in self.unclear]

    def _run(self, model: nn.Module, input_shape: tuple[int, ...]) -> list[Tensor]:
        watched = [m for m in model.modules() if isinstance(m, nn.Conv2d | BatchNorm)]
        learnt: dict[Maker, Mark] = {
            parameter: Mark(parameter)
            for module in watched
            if isinstance(module, nn.Conv2d)
            for parameter in module.parameters(recurse=False)
        }
        calls = Calls(ChainMap(self._outputs, learnt), self._on_call)
        handles = [module.register_forward_hook(self._before_hooks, prepend=True) for module in watched]
        handles += [module.register_forward_hook(self._on_output) for module in watched]
        parameter = next(model.parameters(), torch.empty(0))
        x = torch.zeros(_IMAGES, *input_shape, dtype=torch.float32, device=parameter.device)
        given = Mark(x)
        try:
            with torch.no_grad(), Additions(self._on_addition), calls:
                answer = model(x)
        except Exception as error:
            raise ValueError(
                f"the model cannot run on a batch of shape {tuple(x.shape)}: {str(error).rstrip('.')}. "
                f"{_advice(error)}"
            ) from error
        finally:
            for handle in handles:
                handle.remove()
        if not given.is_unchanged():  # pruning gives it the same images again and again
            raise ValueError(
                "the model changes its input in place (x -= mean, x.mul_(2)): let it make a new tensor "
                "(x = x - mean)"
            )
        answers = tensors_of(answer)
        if not answers:
            raise ValueError("the model returns no tensor: there is nothing to compare")
        if odd := [tuple(tensor.shape) for tensor in answers if tensor.shape[:1] != (_IMAGES,)]:
            raise ValueError(
                f"the model returns {odd[0]} for {_IMAGES} images: each tensor must have a row for each image"
            )
        return answers

    def _before_hooks(self, module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(output, Tensor):
            self._own[module] = Mark(output)

    def _on_output(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.runs[module] += 1
        if not isinstance(output, Tensor):
            self.unclear[module] = "does not return a tensor"
            return
        self.largest = max(self.largest, output.numel() // _IMAGES)
        self._outputs[module] = Mark(output)
        if not self._own[module].is_now(output):
            self.altered.add(module)
        if not inputs or output.ndim != 4:
            self.unclear[module] = "called with a named input" if not inputs else "run on one image"
        elif isinstance(module, nn.Conv2d):
            run = inputs[0].shape[2:], output.shape[2:], len(output) / _IMAGES
            self.sizes.setdefault(module, []).append(run)
            self._read[module] = Mark(inputs[0])
        elif isinstance(module, BatchNorm):
            for conv in self.sizes:
                if self._outputs[conv].is_now(inputs[0]):
                    self.consumer[conv], self._read[module] = module, self._read[conv]

    def _on_addition(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        ends = [m for m, mark in self._outputs.items() if mark.is_now(a) or mark.is_now(b)]
        # A module can be solved here only if its input still exists: models may have changed it in place.
        self.additions.append([m for m in ends if m in self._read and self._read[m].is_unchanged()])
        return a, b

    def _on_call(self, function: Callable, arguments: Arguments, taken: list[Maker]) -> None:
        self.uses.update(taken)
        if activation := activation_of(function, arguments):
            self.activations.update(dict.fromkeys(taken, activation))


def _advice(error: Exception) -> str:
    if isinstance(error, TypeError) and "positional argument" in str(error):
        return "Wrap it in a module whose forward takes one tensor"
    if "nference tensor" in str(error):
        return "Its forward uses torch.inference_mode(): use torch.no_grad() there"
    return "input_shape is (channels, height, width), without the batch"
