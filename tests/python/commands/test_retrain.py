"""The client's road: a pruned model, a folder of images, and the files that come out of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from patternlite.models.named import load_model
from patternlite.stored.stamp import check_masks

from .command_line import retrain, run

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")


def test_from_pruned_weights_to_files_whose_hash_matches(client: Path) -> None:
    from patternlite.pruning import Masks

    result = retrain(
        "--epochs", "6", "--learning-rate", "0.05", "--tflite", "--mnn", output="new/net.safetensors"
    )
    assert result.exit_code == 0, result.output
    assert "of the test images right before, 100.00% after" in result.stdout
    names = [f"net.{suffix}" for suffix in ("mnn", "onnx", "safetensors", "tflite")]
    assert sorted(path.name for path in (client / "new").iterdir()) == names
    masks = Masks.load("net/masks.safetensors")
    model = load_model("client_net_of_test:net", Path("new/net.safetensors"))
    masks.verify(model)
    before = load_model("client_net_of_test:net", Path("net/pruned.safetensors"))
    assert not torch.equal(model[3].weight, before[3].weight)
    for suffix in ("tflite", "mnn"):
        check = check_masks(Path(f"new/net.{suffix}"))
        assert (check.state, check.digest, check.layers) == ("matches", masks.digest(), len(masks))
        shown = run("inspect", f"new/net.{suffix}")
        assert shown.exit_code == 0, shown.output
        assert f"mask hash matches: {masks.digest()}" in shown.stdout
    result = retrain("--epochs", "1", "--mnn", output="new/net.safetensors")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (client / "new").iterdir()) == names[:-1]  # no .tflite of before


def test_a_dense_model_teaches_its_answers(client: Path) -> None:
    from patternlite.images.labelled import read_images
    from patternlite.pruning.imitation import divergence

    for name, more in (("taught", ("--dense", "net_dense.safetensors")), ("alone", ())):
        result = retrain("--epochs", "6", *more, output=f"{name}.safetensors")
        assert result.exit_code == 0, result.output
    x = torch.from_numpy(read_images("images", "test").normalised((0.5,) * 3, (0.25,) * 3))
    with torch.no_grad():
        dense, taught, alone = (
            load_model("client_net_of_test:net", Path(f"{name}.safetensors"))(x)
            for name in ("net_dense", "taught", "alone")
        )
    assert divergence(taught, dense) < 0.5 * divergence(alone, dense)


def test_accuracy_is_of_the_test_images(client: Path) -> None:
    """Each of them is under the other's name here."""
    shutil.copytree("images/train", "swapped/train")
    for name, other in (("dark", "light"), ("light", "dark")):
        shutil.copytree(f"images/test/{name}", f"swapped/test/{other}")
    result = retrain("--epochs", "6", data="swapped", output="swapped.safetensors")
    assert result.exit_code == 0, result.output
    assert "of the test images right before, 0.00% after" in result.stdout


def test_every_option_arrives(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from patternlite.commands.retrain import Retrained

    given, models = {}, {}

    def retrain_to(output, model, masks, data, options, suffixes, _stages, dense, sources):
        given.update(options, output=output, masks=masks, data=data, suffixes=suffixes, sources=sources)
        models.update({"net/pruned.safetensors": model, "net_dense.safetensors": dense})
        return Retrained(0.25, 0.5, [output])

    monkeypatch.setattr("patternlite.commands.retrain.retrain_to", retrain_to)
    result = retrain(
        "--dense", "net_dense.safetensors", "--epochs", "3", "--learning-rate", "0.25", "--seed", "7",
        "--tflite", "--no-flip",
    )  # fmt: skip
    assert given == {
        "output": Path("new.safetensors"), "masks": Path("net/masks.safetensors"), "data": Path("images"),
        "mean": (0.5,) * 3, "std": (0.25,) * 3, "epochs": 3, "learning_rate": 0.25, "batch": 8, "seed": 7,
        "flip": False, "suffixes": [".tflite"],
        "sources": [Path("net/pruned.safetensors"), Path("net_dense.safetensors")],
    }  # fmt: skip
    for path, model in models.items():
        assert torch.equal(model[3].weight, load_model("client_net_of_test:net", Path(path))[3].weight)
    assert result.stdout.splitlines()[-2:] == [
        "25.00% of the test images right before, 50.00% after", "new.safetensors",
    ]  # fmt: skip


def test_classes_that_differ_by_mirroring(client: Path) -> None:
    """A bright bar at the left or at the right, which only a net that does not pool can tell apart."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for name, bright in (("left", slice(0, 4)), ("right", slice(8, 12))):
            (client / "bars" / split / name).mkdir(parents=True)
            for i in range(24):
                pixels = random.integers(40, 90, (12, 12, 3), dtype=np.uint8)
                pixels[:, bright] += 120
                Image.fromarray(pixels).save(client / "bars" / split / name / f"{i}.png")
    shown = {}
    for flip in ("--flip", "--no-flip"):
        result = retrain("--epochs", "6", flip, model="flat", data="bars", output=f"{flip}.safetensors")
        assert result.exit_code == 0, result.output
        shown[flip] = float(result.stdout.split(" before, ")[1].split("%")[0])
    assert shown["--no-flip"] > 90
    assert shown["--flip"] < 75


def test_the_help_tells_what_happens_to_images() -> None:
    text = " ".join(run("retrain", "--help").stdout.replace("│", " ").split())
    for part in (
        "--no-flip",
        "shifted by up to an eighth",
        "mirrored",
        '"10" comes before "2"',
        "Write .onnx",
    ):
        assert part in text


def test_a_loss_of_accuracy_is_warned_of() -> None:
    from patternlite.commands.retrain import Retrained

    assert "warning" not in str(Retrained(0.5, 0.5, []))
    text = str(Retrained(0.9, 0.24, []))
    assert text.splitlines()[0] == "90.00% of the test images right before, 24.00% after"
    assert text.splitlines()[1].startswith(
        "warning: that is worse: give a lower --learning-rate, and --no-flip"
    )
