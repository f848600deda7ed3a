"""Checkpoints: runs that are stopped resume to the same bits, and foreign folders are refused."""

from __future__ import annotations

import copy
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import forms
import nets
import pytest
import torch
from safetensors.torch import save_file

from patternlite.pruning import Masks, PruneConfig, prune
from patternlite.pruning.config import RetrainConfig
from patternlite.pruning.retrain import retrain
from patternlite.pruning.sources.refinement import refine
from patternlite.pruning.support.checkpoint import Checkpoint, Record, discard
from patternlite.pruning.support.distributed import Group

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
CONFIG = PruneConfig(rate=4.0, images=128, refine_steps=4, distill_steps=3, **UNIT)


def test_a_step_is_made_once(tmp_path):
    made = []

    def make() -> Record:
        made.append(1)
        return Record({"a": torch.arange(3)}, {"b": [1, "x"]})

    store = Checkpoint(tmp_path / "c", "me", Group())
    first, again = store.step("one", make), Checkpoint(tmp_path / "c", "me", Group()).step("one", make)
    assert made == [1]
    assert torch.equal(first.tensors["a"], again.tensors["a"])
    assert again.values == {"b": [1, "x"]}
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["one.safetensors"]
    discard(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_the_other_processes_are_told_what_the_first_one_read(tmp_path, monkeypatch):
    first = Checkpoint(tmp_path, "me", Group())
    first.save("one", Record(values={"b": 1}))
    read = first.load("one")
    monkeypatch.setattr(Group, "from_first", lambda _self, _value: (read, None))
    assert Checkpoint(tmp_path, "me", Group(1, 2)).load("one") is read


def test_a_kill_leaves_the_whole_file_or_none(tmp_path):
    """What is there is never written into."""
    store = Checkpoint(tmp_path, "me", Group())
    store.save("one", Record({"a": torch.zeros(100)}))
    content = (tmp_path / "one.safetensors").read_bytes()
    with (tmp_path / "one.safetensors").open("rb") as before:
        store.save("one", Record({"a": torch.ones(100)}))
        assert before.read() == content
    assert torch.equal(store.load("one").tensors["a"], torch.ones(100))


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Checkpoint(None, "me", Group())
    assert store.step("one", lambda: Record({}, {"b": 1})).values == {"b": 1}
    assert store.load("one") is None
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_named(tmp_path):
    store = Checkpoint(tmp_path, "me", Group())
    store.save("one", Record({"a": torch.zeros(100)}))
    path = tmp_path / "one.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"one\.safetensors is damaged .* begin anew"):
        store.load("one")


@pytest.fixture(scope="module")
def uninterrupted(trained_model):
    return prune(trained_model, (3, 16, 16), CONFIG)


def require_equal(one, two) -> None:
    assert one.masks.digest() == two.masks.digest()
    state = two.model.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in one.model.state_dict().items())
    for a, b in zip(one.report.layers, two.report.layers, strict=True):
        assert (a.name, a.shape, a.relative_error, a.residuals) == (
            b.name, b.shape, b.relative_error, b.residuals,
        )  # fmt: skip


@pytest.mark.parametrize("stage", ["refine", "measure blocks.1", "prune blocks.0.conv2", "distill step 2"])
def test_a_run_that_is_stopped_goes_on_to_the_same_bits(
    stage, tmp_path, trained_model, uninterrupted, monkeypatch
):
    monkeypatch.setattr("patternlite.pruning.distill._SAVE_EVERY", 0.0)

    def stop(what: str, _fraction: float) -> None:
        if what.startswith(stage):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(trained_model, (3, 16, 16), CONFIG, progress=stop, checkpoint=tmp_path)
    seen = []
    result = prune(
        trained_model, (3, 16, 16), CONFIG, progress=lambda what, _: seen.append(what), checkpoint=tmp_path
    )
    require_equal(result, uninterrupted)
    if stage != "refine":
        assert "refine" not in seen
    if stage.startswith("distill"):
        assert "distill step 1 of 3" not in seen
        assert "distill step 3 of 3" in seen


def test_batches_that_were_refined_are_kept(tmp_path, trained_model, monkeypatch):
    config, begun, seeds = replace(CONFIG, images=150, distill_steps=0), [], []  # 128 and 22

    def counted(*given):
        begun.append(len(given[2]))
        seeds.append(given[6].initial_seed())
        if len(begun) == 4:
            raise KeyboardInterrupt
        return refine(*given)

    monkeypatch.setattr("patternlite.pruning.pipeline.refine", counted)
    whole = prune(trained_model, (3, 16, 16), config)
    with pytest.raises(KeyboardInterrupt):
        prune(trained_model, (3, 16, 16), config, checkpoint=tmp_path)
    assert begun == [128, 22] * 2
    told = []
    result = prune(trained_model, (3, 16, 16), config, lambda what, done: told.append((what, done)), tmp_path)
    require_equal(result, whole)
    assert begun == [128, 22, 128, 22, 22]
    assert seeds[0] != seeds[1]
    assert seeds == [*seeds[:2] * 2, seeds[1]]
    fractions = [done for _, done in told]
    assert fractions == sorted(fractions)


def test_a_killed_process_goes_on_to_the_same_masks(tmp_path, trained_model, uninterrupted):
    script = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import nets, torch
torch.set_num_threads(1)
from patternlite.pruning import PruneConfig, prune
config = PruneConfig(rate=4.0, images=128, refine_steps=4, distill_steps=3, mean=(0.5,) * 3, std=(0.25,) * 3)
def progress(what, fraction):
    if what.startswith("prune blocks.1.conv1"):
        os.kill(os.getpid(), signal.SIGKILL)
model = nets.Tiny()
model.load_state_dict(torch.load(sys.argv[2]))
prune(model, (3, 16, 16), config, progress=progress, checkpoint=sys.argv[3])
"""
    helpers = str(Path(__file__).parents[1])
    weights, folder = tmp_path / "model.pt", tmp_path / "checkpoint"
    torch.save(trained_model.state_dict(), weights)
    killed = subprocess.run([sys.executable, "-c", script, helpers, weights, folder], timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert (folder / "layer-blocks.0.conv2.safetensors").is_file()
    assert not (folder / "layer-blocks.1.conv1.safetensors").exists()
    result = prune(trained_model, (3, 16, 16), CONFIG, checkpoint=folder)
    require_equal(result, uninterrupted)


def test_the_checkpoint_of_something_else_is_refused(tmp_path, trained_model):
    config = PruneConfig(rate=4.0, images=64, refine_steps=0, distill_steps=0, **UNIT)
    prune(trained_model, (3, 16, 16), config, checkpoint=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    frozen = copy.deepcopy(trained_model)
    frozen.head.requires_grad_(False)
    for other in (
        (frozen, (3, 16, 16), config),
        (nets.Tiny(), (3, 16, 16), config),
        (trained_model, (3, 20, 20), config),
        (trained_model, (3, 16, 16), replace(config, rate=5.0)),
    ):
        with pytest.raises(
            ValueError, match="another model, of other weights or of other options: delete it"
        ):
            prune(*other, checkpoint=tmp_path)
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


class Acting(torch.nn.Module):
    """Two units, whose state_dict says neither what `act` is nor by what images are multiplied."""

    def __init__(self, act=torch.relu, factor: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.act = torch.nn.Sequential(forms.unit(3, 8), forms.unit(8, 8, act=None)), act
        self.register_buffer("factor", torch.tensor(factor), persistent=False)

    def forward(self, x):
        return self.act(self.body(x * self.factor)).mean((2, 3))


@pytest.mark.parametrize("other", [{"act": torch.tanh}, {"factor": 1.0001}])
@pytest.mark.parametrize("trains", [False, True])
def test_weights_are_not_all_of_a_model(other, trains, tmp_path):
    pixels, labels = torch.full((20, 3, 16, 16), 99, dtype=torch.uint8), torch.arange(20) % 8

    def run(how, of_dense) -> None:
        model = Acting(**how).eval()
        if trains:
            config = RetrainConfig(epochs=1, **UNIT)
            retrain(
                model, Masks({}), pixels, labels, config, lambda *_: None, tmp_path, Acting(**of_dense).eval()
            )
        else:
            config = PruneConfig(rate=2.25, images=32, refine_steps=0, distill_steps=0, **UNIT)
            prune(model, (3, 16, 16), config, checkpoint=tmp_path)

    run({}, {})
    run({}, {})
    for changed in ((other, {}), ({}, other)) if trains else ((other, {}),):
        with pytest.raises(
            ValueError, match="another model, of other weights or of other options: delete it"
        ):
            run(*changed)


def test_answers_that_are_rounded_otherwise_are_the_same(tmp_path):
    answers = [torch.linspace(-1, 9, 20).view(2, 10), torch.tensor([3, 4])]
    Checkpoint(tmp_path, "me", Group()).require_same_answers(answers)
    store = Checkpoint(tmp_path, "me", Group())
    store.require_same_answers([answers[0] * (1 + 1e-5), torch.tensor([3, 5])])
    store.save("one", Record())
    for other in ([answers[0] * 1.01], [answers[0][:, 1:]], [*answers, answers[0]]):
        with pytest.raises(ValueError, match="is the checkpoint of another model"):
            store.require_same_answers(other)


@pytest.mark.parametrize(("identity", "factor"), [("other", 1.0), ("me", 2.0)])
def test_a_run_that_finished_nothing_refuses_no_other(tmp_path, identity, factor):
    answers = torch.linspace(-1, 9, 20)
    Checkpoint(tmp_path, "me", Group()).require_same_answers([answers])
    other = Checkpoint(tmp_path, identity, Group())
    other.require_same_answers([answers * factor])
    other.save("one", Record())
    Checkpoint(tmp_path, identity, Group()).require_same_answers([answers * factor])
    with pytest.raises(ValueError, match="is the checkpoint of another model"):
        Checkpoint(tmp_path, "me", Group()).require_same_answers([answers])


def test_weights_of_that_name_are_no_checkpoint(tmp_path):
    save_file({"weight": torch.ones(2)}, tmp_path / "answers.safetensors")
    with pytest.raises(ValueError, match="give another folder"):
        Checkpoint(tmp_path, "me", Group()).require_same_answers([torch.ones(2)])


def test_only_a_checkpoints_own_files_are_discarded(tmp_path):
    store = Checkpoint(tmp_path / "c", "me", Group())
    store.save("layer a/0", Record({"a": torch.zeros(1)}))
    weights = {"weight": torch.ones(2)}
    save_file(weights, tmp_path / "c" / "best.safetensors")
    (tmp_path / "c" / "last.safetensors").write_bytes(b"no safetensors at all")
    (tmp_path / "c" / "epochs").mkdir()
    assert store.load("layer a/0") is not None
    discard(tmp_path / "c")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "best.safetensors", "epochs", "last.safetensors",
    ]  # fmt: skip
    discard(tmp_path / "none")


def test_what_a_kill_left_half_written_goes_with_its_checkpoint(tmp_path):
    store = Checkpoint(tmp_path / "c", "me", Group())
    store.save("layer a/0", Record({"a": torch.zeros(1)}))
    (tmp_path / "c" / ".layer a%2F1.safetensors.123.part").write_bytes(b"half")
    discard(tmp_path / "c")
    assert not (tmp_path / "c").exists()
