"""What `retrain` refuses, before it trains or writes over anything, and that its advice can be followed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .command_line import assert_one_line, assert_usage, retrain, run

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")


def test_what_cannot_be_retrained_says_so_in_a_line(client: Path) -> None:
    from patternlite.pruning import Masks

    (client / "empty" / "train").mkdir(parents=True)
    (client / "taken.safetensors").mkdir()
    odd = client / "odd"
    for split, names in (("train", ("dark", "light")), ("test", ("dark",))):
        for name in names:
            (odd / split / name).mkdir(parents=True)
            source = client / "images" / split / name / "0.png"
            (odd / split / name / "0.png").write_bytes(source.read_bytes())
    for split in ("train", "test"):
        shutil.copytree(client / "images" / split / "dark", client / "one" / split / "dark")
    Masks({"7": torch.ones(16, 8, 3, 3, dtype=torch.bool)}).save(client / "others.safetensors")
    Masks({"3": torch.zeros(16, 8, 3, 3, dtype=torch.bool)}).save(client / "more.safetensors")
    for changed, parts in (
        ({"data": "nowhere"}, ("nowhere does not exist", "<split>/<class>/*.jpg")),
        ({"data": "empty"}, ("empty holds no images under train/<class>/*.jpg",)),
        ({"data": "odd"}, ("the class light is in only one of train and test", "put it in both")),
        ({"data": "one"}, ("images are of 1 classes", "(2,)", "a folder for each of its classes")),
        ({"weights": "w.safetensors"}, ("w.safetensors does not exist",)),
        ({"masks": "m.safetensors"}, ("m.safetensors",)),
        (
            {"masks": "net/pruned.safetensors"},
            ("net/pruned.safetensors is no mask file", "give masks.safetensors"),
        ),
        ({"masks": "others.safetensors"}, ("the model has no layer '7'", "masks of another model")),
        (
            {"masks": "more.safetensors", "data": "nowhere"},  # told before any image is read
            ("not those of these masks", ": 3 (384 weights)", "give pruned.safetensors as --weights"),
        ),
        (
            {"weights": "net_dense.safetensors", "dense": "net/pruned.safetensors"},
            ("not those of these masks", "give pruned.safetensors as --weights"),
        ),
        ({"output": "new.pt"}, ("written to .safetensors, not new.pt",)),
        ({"output": "taken.safetensors"}, ("taken.safetensors is a folder; give a file to write",)),
    ):
        result = retrain(**changed)
        assert result.exit_code == 1, (changed, result.output)
        message = result.stderr.strip().splitlines()[-1]
        assert message.startswith("error: ")
        assert all(part in message for part in parts), message
    assert not list(client.glob("new*.pt"))
    assert retrain("--learning-rate", "0").exit_code == 1


@pytest.mark.parametrize("option", ["weights", "masks", "dense", "data"])
def test_what_is_read_is_not_written_over(client: Path, option: str) -> None:
    kept = client / "kept" / f"{option}.safetensors"
    kept.parent.mkdir(exist_ok=True)
    source = {"weights": "net/pruned", "masks": "net/masks", "dense": "net_dense", "data": "net/pruned"}
    shutil.copy(client / f"{source[option]}.safetensors", kept)
    before = kept.read_bytes()
    for given in (kept, kept.relative_to(client), kept.parent / ".." / "kept" / kept.name):
        result = retrain("--epochs", "1", output=f"kept/{kept.name}", **{option: str(given)})
        assert_one_line(result, f"kept/{kept.name} would be written over {given}", "give another output")
        assert kept.read_bytes() == before


def test_neither_is_it_by_what_is_written_beside(client: Path) -> None:
    (client / "twice.onnx").symlink_to(client / "net" / "masks.safetensors")
    result = retrain("--tflite", output="twice.safetensors")
    assert_one_line(result, "twice.onnx would be written over net/masks.safetensors")


@pytest.mark.parametrize("suffix", [".onnx", ".tflite", ".mnn"])
def test_a_folder_in_the_place_of_a_file_is_found_before_training(client: Path, suffix: str) -> None:
    (client / "places" / f"net{suffix}").mkdir(parents=True)
    result = retrain("--tflite", "--mnn", output="places/net.safetensors")
    assert_one_line(result, f"net{suffix} is a folder; give a file to write")
    assert "Reading images" not in result.stderr
    shutil.rmtree(client / "places")


def test_a_file_in_the_place_of_the_checkpoint(client: Path) -> None:
    (client / "file.checkpoint").write_text("x")
    assert_one_line(retrain(output="file.safetensors"), "file.checkpoint is a file; give another folder")


def images_of(folder: Path, **sizes: int) -> None:
    for split, size in sizes.items():
        for name in ("dark", "light"):
            (folder / split / name).mkdir(parents=True)
            for i in range(2):
                Image.new("RGB", (size + 2, size)).save(folder / split / name / f"{i}.png")


def test_train_and_test_images_of_two_sizes(client: Path) -> None:
    images_of(client / "sizes", train=12, test=20)
    assert_one_line(retrain(data="sizes"), "12x14 in train and of 20x22 in test: resize them")


def test_images_that_the_model_does_not_run_on(client: Path) -> None:
    images_of(client / "large", train=20, test=20)
    result = retrain("--tflite", model="flat", data="large")
    assert_one_line(
        result, "the model does not run on your images of (3, 20, 22) (mat1 and mat2", "resize them, or give"
    )


def test_a_model_in_half_precision(client: Path) -> None:
    files = {"weights": "net/pruned.safetensors", "masks": "net/masks.safetensors"}
    result = retrain(model="halved", **files)
    assert_one_line(result, "0 holds torch.float16 weights: give the model as float32 (model.float())")


def test_several_processes_are_refused(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert_one_line(retrain(output="several.safetensors"), "one process: run it without torchrun")
    assert not (client / "several.safetensors").exists()


def test_a_lower_rate_can_be_given_where_the_loss_was_not_finite(client: Path) -> None:
    again = {"output": "lower.safetensors"}
    result = retrain("--learning-rate", "1e12", "--epochs", "3", **again)
    assert_one_line(result, "the loss is ", "give a lower --learning-rate")
    assert not (client / "lower.checkpoint").exists()
    result = retrain("--learning-rate", "0.01", "--epochs", "1", **again)
    assert result.exit_code == 0, result.output


def test_other_options_can_be_given_where_nothing_was_finished(client: Path, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("not yet")

    with monkeypatch.context() as patch:
        patch.setattr("patternlite.pruning.retrain._loss", fail)
        assert_one_line(retrain("--epochs", "3", output="later.safetensors"), "not yet")
        patch.setattr("patternlite.pruning.pipeline._Run.make_images", fail)
        prune = ("prune", "client_net_of_test:net", "--input-shape", "3,12,12", "--mean", "0,0,0")
        prune += ("--std", "1,1,1", "--output", "later", "--rate")
        assert_one_line(run(*prune, "4"), "not yet")
    for folder in ("later.checkpoint", "later/pruned.checkpoint"):
        assert not (client / folder).exists()
    for result in (retrain("--epochs", "1", output="later.safetensors"), run(*prune, "3")):
        assert result.exit_code == 0, result.output


def test_what_was_the_rate_is_the_learning_rate(client: Path) -> None:
    assert_usage(retrain("--rate", "0.01"), "give --learning-rate")
    assert "--rate" not in run("retrain", "--help").stdout


def test_a_module_cannot_teach_itself(client: Path) -> None:
    files = {"weights": "net/pruned.safetensors", "masks": "net/masks.safetensors"}
    result = retrain(model="one", dense="net_dense.safetensors", **files)
    assert_one_line(result, "one module again and again", "make a new one")
