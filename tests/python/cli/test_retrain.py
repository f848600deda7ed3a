"""The client's road: a pruned model, a folder of images, and the files that come out of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from patternlite.models import load_model
from patternlite.prune import save_weights
from patternlite.stored.stamp import check_masks

from .command_line import run

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A network's weights, what `prune` makes of them, and bright and dark images to tell apart."""
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
        torch.manual_seed(0)
        save_weights(load_model("client_net_of_test:net"), Path("dense.safetensors"))
        result = run(
            "prune", "client_net_of_test:net", "--input-shape", "3,12,12", *UNIT, "--rate", "3",
            "--weights", "dense.safetensors", "--output", "out",
        )  # fmt: skip
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


def test_a_dense_model_teaches_its_answers(folder: Path) -> None:
    from patternlite.demo.images import read_images
    from patternlite.pruning.imitation import divergence

    for name, more in (("taught", ("--dense", "dense.safetensors")), ("alone", ())):
        result = retrain("--epochs", "6", *more, output=f"{name}.safetensors")
        assert result.exit_code == 0, result.output
    x = torch.from_numpy(read_images("images", "test").normalised((0.5,) * 3, (0.25,) * 3))
    with torch.no_grad():
        dense, taught, alone = (
            load_model("client_net_of_test:net", Path(f"{name}.safetensors"))(x)
            for name in ("dense", "taught", "alone")
        )
    assert divergence(taught, dense) < 0.5 * divergence(alone, dense)


def test_accuracy_is_of_the_test_images(folder: Path) -> None:
    """Each of them is under the other's name here."""
    shutil.copytree("images/train", "swapped/train")
    for name, other in (("dark", "light"), ("light", "dark")):
        shutil.copytree(f"images/test/{name}", f"swapped/test/{other}")
    result = retrain("--epochs", "6", data="swapped", output="swapped.safetensors")
    assert result.exit_code == 0, result.output
    assert "of the test images right before, 0.00% after" in result.stdout


def test_every_option_arrives(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from patternlite.retrain import Retrained

    given, models = {}, {}

    def retrain_to(output, model, masks, data, options, suffixes, _stages, dense):
        given.update(options, output=output, masks=masks, data=data, suffixes=suffixes)
        models.update({"out/pruned.safetensors": model, "dense.safetensors": dense})
        return Retrained(0.25, 0.5, [output])

    monkeypatch.setattr("patternlite.retrain.retrain_to", retrain_to)
    result = retrain(
        "--dense", "dense.safetensors", "--epochs", "3", "--rate", "0.25", "--seed", "7", "--tflite"
    )
    assert given == {
        "output": Path("new.safetensors"), "masks": Path("out/masks.safetensors"), "data": Path("images"),
        "mean": (0.5,) * 3, "std": (0.25,) * 3, "epochs": 3, "rate": 0.25, "batch": 8, "seed": 7,
        "suffixes": [".tflite"],
    }  # fmt: skip
    for path, model in models.items():
        assert torch.equal(model[3].weight, load_model("client_net_of_test:net", Path(path))[3].weight)
    assert result.stdout.splitlines()[-2:] == [
        "25.00% of the test images right before, 50.00% after", "new.safetensors",
    ]  # fmt: skip


def test_what_cannot_be_retrained_says_so_in_a_line(folder: Path) -> None:
    from patternlite.pruning import Masks

    (folder / "empty" / "train").mkdir(parents=True)
    (folder / "taken.safetensors").mkdir()
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
        ({"output": "taken.safetensors"}, ("taken.safetensors is a folder; give a file to write",)),
    ):
        result = retrain(**changed)
        assert result.exit_code == 1, (changed, result.output)
        message = result.stderr.strip().splitlines()[-1]
        assert message.startswith("error: ")
        assert all(part in message for part in parts), message
    assert not list(folder.glob("new*.pt"))
    assert retrain("--rate", "0").exit_code == 1
