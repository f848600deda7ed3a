"""Mask sets: saved and loaded, applied, and enforced while a model trains."""

from __future__ import annotations

import copy

import nets
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from patternlite.pruning import Masks

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4),
    "adam": lambda p: torch.optim.AdamW(p, lr=1e-2),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-2, momentum=0.9),
}


def random_masks(model) -> Masks:
    generator = torch.Generator().manual_seed(3)
    names = ["blocks.0.conv1", "blocks.1.conv2"]
    shapes = {name: model.get_submodule(name).weight.shape for name in names}
    return Masks({name: torch.rand(shape, generator=generator) < 0.4 for name, shape in shapes.items()})


def test_a_saved_set_is_the_same_set(tmp_path):
    masks = random_masks(nets.Tiny())
    masks.save(tmp_path / "m.safetensors")
    again = Masks.load(tmp_path / "m.safetensors")
    assert list(again) == list(masks)
    assert all(torch.equal(again[name], masks[name]) for name in masks)
    assert again.digest() == masks.digest()
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_a_reader_never_sees_half_of_a_set(tmp_path):
    first, second = (Masks({"a": torch.rand(8, 8, 3, 3) < 0.5}) for _ in range(2))
    first.save(tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    with (tmp_path / "m").open("rb", buffering=0) as reader:
        half = reader.read(100)
        second.save(tmp_path / "m")
        assert half + reader.read() == content
    assert Masks.load(tmp_path / "m").digest() == second.digest()


def test_the_digest_knows_every_bit():
    masks = random_masks(nets.Tiny())
    for index in (0, -1):
        other = {name: mask.clone() for name, mask in masks.items()}
        other["blocks.1.conv2"].view(-1)[index] ^= True
        assert Masks(other).digest() != masks.digest()
    # Formats have names and an order of their own.
    renamed = {f"blocks.{9 - i}": mask for i, mask in enumerate(masks.values())}
    assert Masks(renamed).digest() == masks.digest()


def test_files_of_others_are_refused(tmp_path):
    (tmp_path / "text").write_text("masks")
    with pytest.raises(ValueError, match="not a readable safetensors"):
        Masks.load(tmp_path / "text")
    save_file({"a": torch.zeros(2, 2)}, tmp_path / "weights")
    with pytest.raises(ValueError, match="no mask file"):
        Masks.load(tmp_path / "weights")
    metadata = {"format": "patternlite.masks", "version": "1"}
    for codes in (torch.full((2, 2), 512, dtype=torch.int16), torch.zeros(2, 2), torch.zeros(2, 2, 3).byte()):
        save_file({"a": codes}, tmp_path / "codes", metadata=metadata)
        with pytest.raises(ValueError, match="damaged"):
            Masks.load(tmp_path / "codes")
    save_file({"a": torch.zeros(2, 2)}, tmp_path / "new", metadata=metadata | {"version": "3"})
    with pytest.raises(ValueError, match="version 3"):
        Masks.load(tmp_path / "new")


@pytest.mark.parametrize(
    "kernels", ["[]", '{"a": 9}', '{"a": null}', '{"a": ["3", "3"]}', '{"a": [-3, -3]}', '{"a": [3, 3, 1]}']
)
def test_sizes_of_kernels_that_are_none_are_refused(tmp_path, kernels):
    metadata = {"format": "patternlite.masks", "version": "2", "kernels": kernels}
    save_file({"a": torch.ones(2, 2, 2).byte()}, tmp_path / "m", metadata=metadata)
    with pytest.raises(ValueError, match="damaged"):
        Masks.load(tmp_path / "m")


def test_files_of_version_1_are_read(tmp_path):
    """int16 codes of 3x3 kernels."""
    codes = torch.tensor([[0b000011011, 0], [511, 0b100000000]], dtype=torch.int16)
    metadata = {"format": "patternlite.masks", "version": "1"}
    save_file({"a": codes}, tmp_path / "old", metadata=metadata)
    masks = Masks.load(tmp_path / "old")
    assert masks["a"][0, 0].int().tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert masks["a"].sum((2, 3)).tolist() == [[4, 0], [9, 1]]


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (7, 3), (2, 4)])
def test_kernels_of_any_size(tmp_path, size):
    masks = Masks({"a": torch.rand(3, 4, *size) < 0.5})
    masks.save(tmp_path / "m")
    assert torch.equal(Masks.load(tmp_path / "m")["a"], masks["a"])


@pytest.mark.parametrize("mask", [torch.ones(2, 2, 3, 3), torch.ones(2, 2, dtype=torch.bool)])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match=r"the mask of 'a' is .*: masks are bool \(O, I, kh, kw\)"):
        Masks({"a": mask})


def test_verify_names_the_layers_that_apply_then_zeroes():
    model = nets.Tiny()
    masks = random_masks(model)
    with pytest.raises(ValueError, match=r"blocks\.0\.conv1 \(\d+ weights\)"):
        masks.verify(model)
    with torch.no_grad():
        model.blocks[0].conv1.weight.fill_(float("nan"))
        model.blocks[0].conv1.weight[masks["blocks.0.conv1"]] = 1.0
    masks.apply(model)
    masks.verify(model)
    assert torch.equal(model.blocks[0].conv1.weight, masks["blocks.0.conv1"].float())


@pytest.mark.parametrize("value", [-1.0, -1e-30, 1e-30, float("nan")])
def test_verify_finds_a_weight_of_any_value(value):
    model = nets.Tiny()
    masks = random_masks(model)
    masks.apply(model)
    where = (~masks["blocks.1.conv2"]).nonzero()[-1]
    with torch.no_grad():
        model.blocks[1].conv2.weight[tuple(where)] = value
    with pytest.raises(ValueError, match=r"blocks\.1\.conv2 \(1 weights\)"):
        masks.verify(model)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_weights_that_change_their_layout_or_precision_are_kept_zero(dtype):
    model = nets.Tiny().train()
    masks = random_masks(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    train_step(model, optimizer, 0)
    with masks.enforced(model):
        train_step(model, optimizer, 1)
        model.to(memory_format=torch.channels_last)
        train_step(model, optimizer, 2)
        masks.verify(model)
        stays = model.blocks[0].conv1.weight.detach().clone()
        model.to(dtype)
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
            parameter.grad[0] = 1.0
        torch.optim.SGD(model.parameters(), lr=0.1).step()
        masks.verify(model)
        assert torch.equal(model.blocks[0].conv1.weight[1:], stays[1:].to(dtype))
    masks.apply(model)
    masks.verify(model)


def test_another_models_masks_are_refused():
    masks = random_masks(nets.Tiny())
    with pytest.raises(ValueError, match="masks of another model"):
        masks.verify(nets.plain())
    other = nets.Tiny()
    other.blocks[0].conv1 = torch.nn.Conv2d(12, 20, 3)
    with pytest.raises(ValueError, match=r"blocks\.0\.conv1.*\(20, 12, 3, 3\)"):
        masks.apply(other)


def test_a_model_that_is_refused_is_left_as_it_was():
    """The first of its layers fits."""
    model = nets.Tiny()
    masks = random_masks(model)
    model.blocks[1].conv2 = torch.nn.Conv2d(32, 20, 3)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=r"blocks\.1\.conv2.*\(20, 32, 3, 3\)"):
        masks.apply(model)
    with pytest.raises(ValueError, match=r"blocks\.1\.conv2"), masks.enforced(model):
        pass
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_weights_that_are_computed_are_named():
    model = nets.Tiny()
    masks = random_masks(model)
    torch.nn.utils.parametrizations.weight_norm(model.blocks[1].conv2)
    for refused in (masks.apply, masks.broken):
        with pytest.raises(ValueError, match=r"^blocks\.1\.conv2: its weight is computed \(remove_param"):
            refused(model)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_zeros_stay_zero_in_retraining(name):
    torch.manual_seed(0)
    model = nets.Tiny().train()
    masks = random_masks(model)
    keys = list(model.state_dict())
    optimizer = OPTIMIZERS[name](model.parameters())
    for step in range(3):  # momentum from before the masks wants to move the zeros as well
        train_step(model, optimizer, step)
    before = model.blocks[0].conv1.weight.detach().clone()
    with masks.enforced(model):
        masks.verify(model)
        for step in range(4):
            train_step(model, optimizer, step)
            masks.verify(model)
        with torch.no_grad():
            model.blocks[0].conv1.weight.add_(1.0)
    masks.verify(model)
    assert not torch.equal(model.blocks[0].conv1.weight, before * masks["blocks.0.conv1"])
    assert list(model.state_dict()) == keys
    train_step(model, optimizer, 9)
    with pytest.raises(ValueError, match="not zero"):
        masks.verify(model)


def test_enforcement_ends_with_an_exception_and_minds_its_own_model():
    model, other = nets.Tiny(), nets.Tiny()
    masks = random_masks(model)
    untouched = copy.deepcopy(other.state_dict())
    with pytest.raises(RuntimeError, match="stop"), masks.enforced(model):
        raise RuntimeError("stop")
    masks.verify(model)
    assert all(torch.equal(untouched[k], v) for k, v in other.state_dict().items())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    train_step(model, optimizer, 0)
    with pytest.raises(ValueError, match="not zero"):
        masks.verify(model)


def train_step(model, optimizer, seed):
    x, labels = nets.textures(16, seed)
    optimizer.zero_grad()
    F.cross_entropy(model(x), labels).backward()
    optimizer.step()
