"""What `timm:NAME` and `torchvision:NAME` stand for, by modules in the place of the packages."""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path
from types import ModuleType

import pytest

from patternlite.errors import MissingPackageError, PatternliteError
from patternlite.models.named import load_model

torch = pytest.importorskip("torch")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch):
    """Puts a module in the place of one that publishes models; it tells what it was asked for."""
    asked: list[tuple[str, dict]] = []

    def make(name: str, **options):
        asked.append((name, options))
        if name != "resnet18":
            raise RuntimeError(f"Unknown model ({name})")
        return torch.nn.Conv2d(3, 4, 3)

    def put(module: str, function: str):
        for part in (module.split(".")[0], module):
            fake = ModuleType(part)
            fake.__spec__ = importlib.machinery.ModuleSpec(part, None)
            monkeypatch.setitem(sys.modules, part, fake)
        setattr(sys.modules[module], function, make)
        return asked

    return put


SOURCES = [
    ("timm", "timm", "create_model", {"pretrained": True}, {"pretrained": False}),
    ("torchvision", "torchvision.models", "get_model", {"weights": "DEFAULT"}, {"weights": None}),
]


@pytest.mark.parametrize(("source", "module", "function", "with_weights", "without"), SOURCES)
def test_published_models_come_with_weights_or_take_the_users(
    published, source, module, function, with_weights, without, tmp_path: Path
) -> None:
    asked = published(module, function)
    assert not load_model(f"{source}:resnet18").training
    own = torch.nn.Conv2d(3, 4, 3)
    torch.save(own.state_dict(), tmp_path / "own.pt")
    model = load_model(f"{source}:resnet18", tmp_path / "own.pt")
    assert torch.equal(model.weight, own.weight)
    assert asked == [("resnet18", with_weights), ("resnet18", without)]


@pytest.mark.parametrize(("source", "module", "function", "_with", "_without"), SOURCES)
def test_a_name_that_is_unknown_there(published, source, module, function, _with, _without) -> None:
    published(module, function)
    with pytest.raises(
        PatternliteError, match=rf"^{source}:resnet99 cannot be made: Unknown model \(resnet99\)"
    ):
        load_model(f"{source}:resnet99")


def test_a_model_in_place_of_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made_for_test.py").write_text("from torch import nn\n\nnet = nn.Conv2d(3, 4, 3)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PatternliteError, match=r"^made_for_test:net is a model itself: give a function"):
        load_model("made_for_test:net")


@pytest.mark.parametrize("source", ["timm", "torchvision"])
def test_a_package_that_is_missing(source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, source, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == source else object())
    with pytest.raises(MissingPackageError, match=f"{source} is not installed; run: pip install {source}"):
        load_model(f"{source}:resnet18")


@pytest.mark.parametrize("source", ["timm", "torchvision"])
def test_the_real_package(source, tmp_path: Path) -> None:
    """Only where it is installed, which no extra does; the tests above stand in for it elsewhere."""
    package = pytest.importorskip(source)
    make = package.create_model if source == "timm" else package.models.get_model
    own = make("resnet18")
    torch.save(own.state_dict(), tmp_path / "own.pt")
    model = load_model(f"{source}:resnet18", tmp_path / "own.pt")
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)


@pytest.mark.parametrize("spec", ["my_models.py:net", "./my_models:net", "models/mine:net"])
def test_a_file_in_place_of_its_module(spec: str) -> None:
    with pytest.raises(PatternliteError, match="give the module, not its file, as in my_models:net"):
        load_model(spec)


def test_code_that_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("ends_the_program")
    module.net = lambda: sys.exit(3)
    monkeypatch.setitem(sys.modules, "ends_the_program", module)
    with pytest.raises(PatternliteError, match="ends_the_program:net cannot be made: SystemExit: 3"):
        load_model("ends_the_program:net")
