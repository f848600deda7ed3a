"""The client's road: a pruned model, a folder of images, and the files that come out of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from patternlite import cli
from patternlite.stored.stamp import check_masks

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

NETWORK = """
from torch import nn

def net():
    def block(i, o):
        return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*block(3, 8), *block(8, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
"""
UNIT = ("--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25")


def run(*args: str):
    return CliRunner().invoke(cli.app, list(args))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A network, what `prune` makes of it, and bright and dark images to tell apart."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "client_net_of_test.py").write_text(NETWORK)
    random = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 12)):
        for name, level in (("dark", 60), ("light", 190)):
            (folder / "images" / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(level - 50, level + 50, (12, 12, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "images" / split / name / f"{i}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shape = ("--input-shape", "3,12,12")
        result = run("prune", "client_net_of_test:net", *shape, *UNIT, "--rate", "3", "--output", "out")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(autouse=True)
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the folder, on one thread: the layers are too small to share."""
    monkeypatch.chdir(folder)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def retrain(*args: str, **changed: str):
    options = {"data": "images", "weights": "out/pruned.safetensors", "masks": "out/masks.safetensors"}
    options |= {"output": "new.safetensors"} | changed
    data = options.pop("data")
    named = [part for name, value in options.items() for part in (f"--{name}", value)]
    return run("retrain", "client_net_of_test:net", data, *named, *UNIT, "--batch", "8", *args)


def test_from_pruned_weights_to_files_whose_hash_matches(folder: Path) -> None:
    from patternlite.models import load_model
    from patternlite.pruning import Masks

    result = retrain("--epochs", "6", "--rate", "0.05", "--tflite", "--mnn", output="new/net.safetensors")
    assert result.exit_code == 0, result.output
    assert "of the test images right before, 100.00% after" in result.stdout
    names = [f"net.{suffix}" for suffix in ("mnn", "onnx", "safetensors", "tflite")]
    assert sorted(path.name for path in (folder / "new").iterdir()) == names
    masks = Masks.load("out/masks.safetensors")
    model = load_model("client_net_of_test:net", Path("new/net.safetensors"))
    masks.verify(model)
    before = load_model("client_net_of_test:net", Path("out/pruned.safetensors"))
    assert not torch.equal(model[3].weight, before[3].weight)
    for suffix in ("tflite", "mnn"):
        check = check_masks(Path(f"new/net.{suffix}"))
        assert (check.state, check.digest, check.layers) == ("matches", masks.digest(), len(masks))
        shown = run("inspect", f"new/net.{suffix}")
        assert shown.exit_code == 0, shown.output
        assert f"mask hash matches: {masks.digest()}" in shown.stdout


def test_a_dense_model_teaches(folder: Path) -> None:
    taught = retrain("--epochs", "1", "--dense", "out/pruned.safetensors", output="taught.safetensors")
    assert taught.exit_code == 0, taught.output
    alone = retrain("--epochs", "1", output="alone.safetensors")
    assert alone.exit_code == 0, alone.output
    assert Path("taught.safetensors").read_bytes() != Path("alone.safetensors").read_bytes()


def test_what_cannot_be_retrained_says_so_in_a_line(folder: Path) -> None:
    from patternlite.pruning import Masks

    (folder / "empty" / "train").mkdir(parents=True)
    odd = folder / "odd"
    for split, names in (("train", ("dark", "light")), ("test", ("dark",))):
        for name in names:
            (odd / split / name).mkdir(parents=True)
            source = folder / "images" / split / name / "0.png"
            (odd / split / name / "0.png").write_bytes(source.read_bytes())
    for split in ("train", "test"):
        shutil.copytree(folder / "images" / split / "dark", folder / "one" / split / "dark")
    Masks({"7": torch.ones(16, 8, 3, 3, dtype=torch.bool)}).save(folder / "others.safetensors")
    Masks({"3": torch.zeros(16, 8, 3, 3, dtype=torch.bool)}).save(folder / "more.safetensors")
    for changed, parts in (
        ({"data": "nowhere"}, ("nowhere does not exist", "<split>/<class>/*.jpg")),
        ({"data": "empty"}, ("empty holds no images under train/<class>/*.jpg",)),
        ({"data": "odd"}, ("the class light is in only one of train and test", "put it in both")),
        ({"data": "one"}, ("images are of 1 classes", "(2,)", "a folder for each of its classes")),
        ({"weights": "w.safetensors"}, ("w.safetensors does not exist",)),
        ({"masks": "m.safetensors"}, ("m.safetensors",)),
        ({"masks": "others.safetensors"}, ("the model has no layer '7'", "masks of another model")),
        ({"masks": "more.safetensors"}, ("not zero under the mask: 3", "masks.apply(model)")),
        ({"output": "new.pt"}, ("written to .safetensors, not new.pt",)),
    ):
        result = retrain(**changed)
        assert result.exit_code == 1, (changed, result.output)
        message = result.stderr.strip().splitlines()[-1]
        assert message.startswith("error: ")
        assert all(part in message for part in parts), message
    assert not list(folder.glob("new*.pt"))
    assert retrain("--rate", "0").exit_code == 1
