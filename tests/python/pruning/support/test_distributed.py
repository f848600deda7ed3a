"""Several processes find what one finds, with sums that do not depend on who has what."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from random import Random
from unittest import mock

import forms
import nets
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patternlite.pruning import Masks, PruneConfig, pipeline, prune
from patternlite.pruning.distill import Distillation, distill
from patternlite.pruning.model import precision
from patternlite.pruning.sources.refinement import refine
from patternlite.pruning.support.checkpoint import Checkpoint, Record
from patternlite.pruning.support.distributed import Group, leave, torchrun

CONFIG = PruneConfig(rate=4.0, images=150, refine_steps=4, distill_steps=4, mean=(0.5,) * 3, std=(0.25,) * 3)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40), st.randoms())
@example([2.0**-130, -(2.0**-126), 2.0**-128], Random(0))  # whose scale is no float32
@settings(max_examples=50, deadline=None)
def test_exact_sums_have_no_order(values, random):
    parts = [torch.tensor([value]) for value in values]
    bound = torch.tensor(sum(abs(value) for value in values))
    total = Group().exact_sum(parts, bound)
    random.shuffle(parts)
    assert torch.equal(Group().exact_sum(parts, bound), total)
    assert float(total) == pytest.approx(sum(values), rel=1e-12, abs=1e-15 * float(bound) + 1e-300)


def test_exact_sums_of_large_parts():
    """Of which more than a cache holds; in any layout."""
    parts = [torch.randn(3, 500, 700, generator=torch.Generator().manual_seed(i)).mT for i in range(2)]
    total = Group().exact_sum(parts, torch.tensor(20.0))
    torch.testing.assert_close(total, parts[0].double() + parts[1].double(), rtol=0, atol=1e-15)


def test_a_sum_of_many_processes_does_not_overflow(monkeypatch):
    def all_reduce(tensor, op=dist.ReduceOp.SUM):
        if op == dist.ReduceOp.SUM:
            tensor.mul_(64)  # all have the same

    monkeypatch.setattr(dist, "all_reduce", all_reduce)
    total = Group(0, 64).exact_sum([torch.tensor([1.0, -0.75])], torch.tensor(1.0))
    assert total.tolist() == [64.0, -48.0]


@pytest.mark.parametrize("bound", ["nan", "inf", "-inf"])
def test_an_infinite_sum_is_refused(bound):
    with pytest.raises(FloatingPointError):
        Group().exact_sum([torch.ones(1)], torch.tensor(float(bound)))


def test_shares_are_everything_in_order():
    for size in (1, 2, 3, 7):
        shares = [Group(rank, size).share(list(range(10))) for rank in range(size)]
        assert [item for _, part in shares for item in part] == list(range(10))
        assert all(part[0] == first for first, part in shares)
        assert max(len(part) for _, part in shares) - min(len(part) for _, part in shares) <= 1


@pytest.mark.parametrize(
    ("local_rank", "fix"),
    [("2", "process 2 of this machine, which shows 2: start at most 2"), (None, "start them with torchrun")],
)
def test_each_process_needs_a_gpu_of_its_own(monkeypatch, local_rank, fix):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local_rank:
        monkeypatch.setenv("LOCAL_RANK", local_rank)
    with pytest.raises(ValueError, match=fix), torchrun():
        pass


def in_processes(task, folder: Path, size: int = 2) -> list:
    """What `task(rank, folder)` returns in each of `size` gloo processes."""
    mp.spawn(_process, (task, size, str(folder)), nprocs=size)
    return [torch.load(folder / f"{rank}.pt") for rank in range(size)]


def _process(rank: int, task, size: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=size)
    torch.save(task(rank, Path(folder)), Path(folder) / f"{rank}.pt")
    leave()


def in_float32() -> AbstractContextManager:
    """Where the CPU is fast in bfloat16, too: rounding would hide what the processes make of a batch."""
    return mock.patch.object(precision, "_capabilities", dict)


@in_float32()
def prunes(rank: int, folder: Path) -> dict:
    calls, refined = [], []

    def counted(*given):
        refined.append(len(given[2]))
        return refine(*given)

    model = nets.Tiny()
    model.load_state_dict(torch.load(folder / "model.pt"))
    with mock.patch.object(pipeline, "refine", counted):
        result = prune(
            model, (3, 16, 16), CONFIG, lambda what, _: calls.append(what), checkpoint=folder / f"c{rank}"
        )
    found = {"masks": dict(result.masks), "state": result.model.state_dict(), "calls": len(calls)}
    found["refined"] = refined
    found["distilled"] = "distill" in result.report.seconds
    found["errors"] = torch.tensor([layer.relative_error for layer in result.report.layers])
    if rank == 1:
        model.head.bias.data += 1
    try:
        prune(model, (3, 16, 16), CONFIG)
    except RuntimeError as error:
        found["refusal"] = str(error)
    return found


@in_float32()
def test_two_processes_find_what_one_finds(tmp_path, trained_model):
    torch.save(trained_model.state_dict(), tmp_path / "model.pt")
    alone = prune(trained_model, (3, 16, 16), CONFIG, checkpoint=tmp_path / "alone")
    (tmp_path / "c0").mkdir()  # where an earlier run got as far as to the last batch
    shutil.copy(tmp_path / "alone" / "refined-1.safetensors", tmp_path / "c0")
    first, second = in_processes(prunes, tmp_path)
    errors = torch.tensor([layer.relative_error for layer in alone.report.layers])
    for found in (first, second):
        assert all(torch.equal(found["masks"][name], mask) for name, mask in alone.masks.items())
        assert found["distilled"]
        assert torch.equal(found["errors"], errors)  # to the bit: every layer saw the same sums
        for key, value in alone.model.state_dict().items():  # distillation adds gradients
            value = value.float()
            assert (found["state"][key] - value).norm() <= 1e-4 * value.norm(), key
        assert "the model or the options differ between process 0 and process 1" in found["refusal"]
    assert all(torch.equal(first["state"][key], value) for key, value in second["state"].items())
    assert first["refined"] + second["refined"] == [128]
    assert first["calls"] > 0
    assert second["calls"] == 0
    assert (tmp_path / "c0" / "images.safetensors").is_file()
    assert not (tmp_path / "c1").exists()


def prunes_by_gradient(_rank: int, _folder: Path) -> tuple[str, dict]:
    torch.manual_seed(0)
    config = replace(CONFIG, images=32, refine_steps=0, distill_steps=0, admm="gradient")
    result = prune(forms.settled(nets.plain(), (3, 12, 12)), (3, 12, 12), config)
    return result.masks.digest(), result.model.state_dict()


def test_gradient_admm_takes_the_same_steps_in_all_processes(tmp_path):
    alone = prunes_by_gradient(0, tmp_path)
    for digest, state in in_processes(prunes_by_gradient, tmp_path):
        assert digest == alone[0]
        assert all(torch.equal(state[key], value) for key, value in alone[1].items())


class Severed(nets.Tiny):
    """Gives no gradients."""

    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


def prunes_without_gradients(_rank: int, _folder: Path) -> list[str]:
    torch.manual_seed(0)
    config = replace(CONFIG, images=64, distill_steps=0)
    return prune(forms.settled(Severed(), (3, 16, 16)), (3, 16, 16), config).report.warnings


def test_images_that_only_one_process_could_refine_are_told_by_all(tmp_path):
    for told in in_processes(prunes_without_gradients, tmp_path):
        assert any("no images were refined" in text for text in told), told


@pytest.mark.parametrize(("size", "fix"), [(10, "start at most 9, or give images=640"), (20, "at most 9$")])
def test_more_processes_than_batches_are_refused(trained_model, monkeypatch, size, fix):
    monkeypatch.setattr(Group, "current", classmethod(lambda cls: cls(0, size)))
    monkeypatch.setattr(Group, "require_same", lambda *_: None)
    monkeypatch.setattr(Group, "from_first", lambda _, value: value)
    few = PruneConfig(rate=4.0, images=100, refine_steps=0, mean=(0.5,) * 3, std=(0.25,) * 3)
    with pytest.raises(ValueError, match=f"100 images are 9 batches, too few for {size} processes: .*{fix}"):
        prune(trained_model, (3, 16, 16), few)


def refused(_rank: int, _folder: Path) -> str:
    model = torch.nn.parallel.DistributedDataParallel(nets.Tiny())
    try:
        prune(model, (3, 16, 16), CONFIG)
    except ValueError as error:
        return str(error)
    return ""


def test_models_wrapped_to_be_trained_are_refused(tmp_path):
    advice = "cannot be followed: give wrapper.module in its place"
    assert in_processes(refused, tmp_path, 1) == [
        f"the model is wrapped in DistributedDataParallel, and {advice}"
    ]
    alone, part = torch.nn.DataParallel(nets.Tiny()), nets.Tiny()
    part.blocks = torch.nn.DataParallel(part.blocks)
    for model, name in ((alone, "the model"), (part, "blocks")):
        with pytest.raises(ValueError, match=f"^{name} is wrapped in DataParallel, and {advice}"):
            prune(model, (3, 16, 16), CONFIG)


def fails(rank: int, _folder: Path) -> str:
    def make() -> None:
        raise ValueError(f"of process {rank}")

    try:
        Group.current().made_by_first(make)
    except ValueError as error:
        return str(error)
    return ""


def test_an_error_of_the_first_process_is_everybodys(tmp_path):
    assert in_processes(fails, tmp_path) == ["of process 0"] * 2


def diverges(rank: int, _folder: Path) -> str:
    """In one process alone."""
    torch.manual_seed(0)
    student, teacher = nets.plain().eval(), nets.plain().eval()
    if rank == 1:
        student[3].weight.data.fill_(float("nan"))
    images, group = torch.randn(8, 3, 12, 12), Group.current()
    run = Distillation(2, 8, 0, group, Checkpoint(None, "me", group), lambda *_: None)
    try:
        distill(student, teacher, ["3"], Masks({}), images, run)
    except ValueError as error:
        return str(error)
    return ""


def test_a_distillation_that_diverges_in_one_process_ends_all(tmp_path):
    assert all("distillation diverges" in told for told in in_processes(diverges, tmp_path))


def cannot_save(_rank: int, folder: Path) -> str:
    try:
        Checkpoint(folder / "meet" / "c", "me", Group.current()).save("one", Record())
    except OSError as error:
        return type(error).__name__
    return ""


def test_a_checkpoint_that_cannot_be_written_ends_all(tmp_path):
    """The processes meet by a file: there is no folder in it."""
    first, second = in_processes(cannot_save, tmp_path)
    assert first == second != ""
