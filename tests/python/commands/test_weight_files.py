"""What `patternlite prune --weights` takes, and how it refuses everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from patternlite.errors import PatternliteError
from patternlite.models.named import load_model
from patternlite.models.weights import load_weights, save_weights

from .command_line import NETWORK, PRUNE, assert_one_line, run

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_corrupt_weights(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no weights")
    result = run("prune", NETWORK, *PRUNE, "--output", tmp_path, "--weights", tmp_path / name)
    assert_one_line(result, name, "save it")


def test_missing_weights(tmp_path: Path) -> None:
    result = run("prune", NETWORK, *PRUNE, "--output", tmp_path, "--weights", tmp_path / "w.pt")
    assert_one_line(result, "w.pt does not exist")


def test_weights_of_another_model(tmp_path: Path) -> None:
    from patternlite.demo.slim_resnet18 import slim_resnet18

    own = slim_resnet18().state_dict()
    for state, message in (
        ({"conv.weight": torch.zeros(1)}, "are missing, the first is"),
        (own | {"head.bias": torch.zeros(1)}, "1 tensors are not in the model, the first is head.bias"),
        (own | {"fc.bias": torch.zeros(3)}, "1 tensors have another shape, the first is fc.bias"),
    ):
        torch.save(state, tmp_path / "w.pt")
        result = run("prune", NETWORK, *PRUNE, "--output", tmp_path, "--weights", tmp_path / "w.pt")
        assert_one_line(result, "does not fit the model", message)


class Held(torch.nn.Module):
    """A model with a part of the name that wrappers use."""

    def __init__(self) -> None:
        super().__init__()
        self.module = torch.nn.Conv2d(3, 4, 3)


@pytest.mark.parametrize("make", [lambda: torch.nn.Conv2d(3, 4, 3), Held])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module."])
def test_weights_saved_from_a_wrapper(make, prefix: str, tmp_path: Path) -> None:
    saved, model = make().state_dict(), make()
    torch.save({prefix + key: tensor for key, tensor in saved.items()}, tmp_path / "w.pt")
    load_weights(model, tmp_path / "w.pt")
    assert all(torch.equal(tensor, saved[key]) for key, tensor in model.state_dict().items())


def test_weights_of_another_model_in_a_wrapper(tmp_path: Path) -> None:
    model = torch.nn.Conv2d(3, 4, 3)
    state = {f"module.{key}": tensor for key, tensor in model.state_dict().items()}
    for changed, message in (
        ({**state, "module.more": torch.zeros(1)}, "1 tensors are not in the model, the first is more;"),
        ({**state, "more": torch.zeros(1)}, "2 tensors are missing, the first is weight;"),
        ({}, "2 tensors are missing, the first is weight;"),
    ):
        torch.save(changed, tmp_path / "w.pt")
        with pytest.raises(PatternliteError, match=message):
            load_weights(model, tmp_path / "w.pt")


class Opens:
    """What a pickle can do to whoever loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_code_in_weights_is_run(tmp_path: Path) -> None:
    torch.save({"conv1.weight": Opens(tmp_path / "opened")}, tmp_path / "w.pt")
    result = run("prune", NETWORK, *PRUNE, "--output", tmp_path, "--weights", tmp_path / "w.pt")
    assert_one_line(result, "w.pt is not a readable state_dict")
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("content", [[1, 2], {"weight": 1}, {0: torch.zeros(1)}])
def test_weights_that_are_no_state_dict(content, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pt")
    result = run("prune", NETWORK, *PRUNE, "--output", tmp_path, "--weights", tmp_path / "w.pt")
    assert_one_line(result, "holds no state_dict")


def test_half_precision_weights_without_counters_load(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from patternlite.demo.slim_resnet18 import slim_resnet18

    model = slim_resnet18()
    half = {k: v.half() for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(half, tmp_path / "w.safetensors")
    loaded = load_model(NETWORK, tmp_path / "w.safetensors")
    assert not loaded.training
    for name, tensor in loaded.state_dict().items():
        if name in half:
            assert tensor.dtype == torch.float32
            assert torch.equal(tensor, half[name].float())


def test_who_reads_weights_never_sees_half_of_new_ones(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.safetensors"
    torch.manual_seed(0)
    save_weights(torch.nn.Linear(99, 9), path)
    content = path.read_bytes()
    with path.open("rb") as before:
        save_weights(torch.nn.Linear(99, 9), path)
        assert before.read() == content != path.read_bytes()
