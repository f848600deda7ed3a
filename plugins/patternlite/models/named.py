"""The PyTorch model that a command line names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MissingPackageError, PatternliteError, Terminated, one_line, require_packages
from .weights import load_weights

if TYPE_CHECKING:
    from torch import nn


def load_model(spec: str, weights: Path | None = None) -> nn.Module:
    """Makes the model that `spec` names, in eval mode.

    spec: "package.module:callable", called without arguments, or "timm:NAME" or "torchvision:NAME".
    weights: a state_dict as .safetensors or .pt. Without it, a timm or torchvision model has the weights
        that its package publishes, and a callable's model is used as the callable returns it.
    """
    require_packages("convert", "torch")
    source, _, name = spec.partition(":")
    if not source or not name:
        raise PatternliteError(
            f"{spec!r} names no model: give module:callable, timm:NAME or torchvision:NAME"
        )
    if source.endswith(".py") or "/" in source:
        raise PatternliteError(
            f"{spec!r}: give the module, not its file, as in my_models:net, from the folder that it is in"
        )
    try:
        if source == "timm":
            model = _published("timm").create_model(name, pretrained=weights is None)
        elif source == "torchvision":
            models = _published("torchvision.models")
            model = models.get_model(name, weights="DEFAULT" if weights is None else None)
        else:
            model = _call(source, name)
    except (PatternliteError, Terminated):
        raise
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise PatternliteError(f"{spec} cannot be made: {one_line(error)}") from error
    if weights is not None:
        load_weights(model, weights)
    model.eval()
    return model


def _published(module: str) -> Any:
    package = module.split(".")[0]
    if importlib.util.find_spec(package) is None:
        raise MissingPackageError(package, f"pip install {package}")
    return importlib.import_module(module)


def _call(module_name: str, name: str) -> nn.Module:
    from torch import nn

    # As with `python -m`, modules in the current folder are found too.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise PatternliteError(
            f"module {error.name} is not found; run from its folder or install it"
        ) from error
    function = getattr(module, name, None)
    if isinstance(function, nn.Module):
        raise PatternliteError(f"{module_name}:{name} is a model itself: give a function that returns it")
    if not callable(function):
        raise PatternliteError(f"{module_name} has no callable {name}")
    model = function()
    if not isinstance(model, nn.Module):
        raise PatternliteError(
            f"{module_name}:{name}() returned a {type(model).__name__}, not a torch.nn.Module"
        )
    return model
