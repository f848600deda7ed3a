"""Parts of models that are not as textbooks have them: pruning runs to its end, or says why not."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import forms
import nets
import pytest
import torch
from forms import Odd
from torch import Tensor, nn
from torch.nn import functional as F

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.model.graph import trace
from patternlite.pruning.model.outputs import trial
from patternlite.pruning.model.precision import channels_last, laid_out

SHAPE = (3, 16, 16)
UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
CONFIG = PruneConfig(rate=2.25, images=64, refine_steps=1, distill_steps=1, **UNIT)


class OneValue(Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).mean((1, 2, 3))


class AndItsClass(Odd):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.body(x).mean((2, 3))
        return y, y.argmax(1)


class Volume(Odd):
    def extra(self) -> None:
        self.table = nn.Parameter(torch.zeros(1, 2, 2, 2, 2))
        self.register_buffer("grid", torch.zeros(1, 2, 2, 2, 2))


class Counts(Odd):
    def extra(self) -> None:
        self.counts = nn.Parameter(torch.arange(3), requires_grad=False)


class Stateful(Odd):
    def get_extra_state(self) -> dict[str, int]:
        return {"version": 3}

    def set_extra_state(self, state: dict[str, int]) -> None:
        assert state == {"version": 3}


class StatefulNorm(nn.BatchNorm2d):
    def get_extra_state(self) -> dict[str, int]:
        return {"version": 3}

    def set_extra_state(self, state: dict[str, int]) -> None:
        assert state == {"version": 3}


class StatefulPart(Odd):
    def extra(self) -> None:
        self.body[1][1] = StatefulNorm(8)


class Silent(Odd):
    def train(self, mode: bool = True) -> None:  # type: ignore[override]
        super().train(mode)


class Slashes(Odd):
    def extra(self) -> None:
        self.body = nn.Sequential(OrderedDict([("a/0", forms.unit(3, 8)), ("a/1", forms.unit(8, 8))]))


class Viewed(Odd):
    """Runs on no images whose channels lie last."""

    def extra(self) -> None:
        self.body = nn.Sequential(forms.unit(3, 8), nn.MaxPool2d(4), forms.unit(8, 8))
        self.head = nn.Linear(8 * 4 * 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return self.head(y.view(y.size(0), -1))


class Halved(Odd):
    """Runs in half precision wherever it is."""

    def extra(self) -> None:
        self.body.append(forms.Sum(forms.unit(8, 8, act=None)))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.body(x).float()


MODELS = [OneValue, AndItsClass, Volume, Counts, Stateful, StatefulPart, Silent, Slashes, Viewed, Halved]


@pytest.mark.parametrize("model", MODELS)
def test_it_is_pruned_and_left_as_it_was(model, tmp_path):
    network = model()
    forms.settled(network.body, SHAPE)
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items() if hasattr(value, "clone")}
    result = prune(network, SHAPE, CONFIG, checkpoint=tmp_path / "checkpoint")
    result.masks.verify(result.model)
    assert result.report.rate >= 2.25
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())


class TiedModule(Odd):
    """The decoder reads the encoder's weights."""

    def extra(self) -> None:
        self.free = forms.unit(8, 8)
        self.decoder = nn.ConvTranspose2d(8, 8, 3, padding=1)
        self.decoder.weight = self.body[1][0].weight

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.free(self.body(x)))


class TiedFunction(TiedModule):
    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(self.free(self.body(x)), self.body[1][0].weight, padding=1)


class Alone(TiedModule):
    """The weight's shape is asked for, which is no use of it."""

    def forward(self, x: Tensor) -> Tensor:
        return self.free(self.body(x)) * self.body[1][0].weight.shape[0]


class TiedBias(Alone):
    def extra(self) -> None:
        super().extra()
        self.decoder = nn.ConvTranspose2d(8, 8, 3, padding=1)
        self.body[1][0].bias = self.decoder.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.free(self.body(x)))


@pytest.mark.parametrize(("model", "sites"), [(TiedModule, 1), (TiedFunction, 1), (TiedBias, 1), (Alone, 2)])
def test_weights_that_another_layer_reads_stay_dense(model, sites):
    found = trace(model().eval(), SHAPE)
    assert len(found.sites) == sites
    assert found.dense.get("body.1.0") == (None if sites == 2 else "used 2 times")


class Named(Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.body[1](self.body[0][0](input=x))


class OneByOne(Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.body[1](torch.stack([self.body[0][0](image) for image in x]))


class Partial(nn.Conv2d):
    def forward(self, x: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return super().forward(x), None


class Parted(Odd):
    def extra(self) -> None:
        self.body[0][0] = Partial(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.body[1](self.body[0][0](x)[0])


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Named, "called with a named input"),
        (OneByOne, "run on one image"),
        (Parted, "does not return a tensor"),
    ],
)
def test_calls_that_cannot_be_followed_leave_a_layer_dense(model, why):
    network = model().eval()
    network.last = forms.unit(8, 8)
    network.body[1].append(network.last)
    found = trace(network.eval(), SHAPE)
    assert found.dense["body.0.0"] == why
    assert [site.name for site in found.sites] == ["body.1.0", "body.1.3.0"]  # neither is the first


def test_layouts_are_put_back():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))
    model[0].to(memory_format=torch.channels_last)
    strides = [value.stride() for value in model.parameters()]
    with pytest.raises(KeyboardInterrupt), channels_last(model):
        assert all(conv.weight.is_contiguous(memory_format=torch.channels_last) for conv in model[:2])
        raise KeyboardInterrupt
    assert [value.stride() for value in model.parameters()] == strides


class Particular(Odd):
    def forward(self, x: Tensor) -> Tensor:
        assert x.is_contiguous()
        return self.body(x)


@pytest.mark.parametrize(("model", "last"), [(Odd, True), (Viewed, False), (Particular, False)])
def test_nothing_is_moved_of_a_model_that_runs_on_plain_images_alone(model, last):
    networks = [model().eval(), Odd().eval()]
    with laid_out(SHAPE, *networks) as form:
        assert form.layout == (torch.channels_last if last else torch.contiguous_format)
        assert all(network.body[0][0].weight.is_contiguous() != last for network in networks)
        networks[0](form.of(torch.zeros(2, *SHAPE)))


class Noisy(Odd):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(self.body(x), 0.5)  # also when it is not trained


def test_trials_are_always_the_same_and_take_no_random_numbers():
    model, state = Noisy().eval(), torch.get_rng_state()
    (first,) = trial(model, SHAPE)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert torch.equal(trial(model, SHAPE)[0], first)


def test_a_run_takes_no_random_numbers_of_its_caller():
    model = forms.settled(Noisy(), SHAPE)
    state, seen = torch.get_rng_state(), []
    for _ in "ab":
        seen.append(prune(model, SHAPE, CONFIG).report.fidelity)
        assert torch.equal(torch.get_rng_state(), state)
    assert seen[0] == seen[1]


class Excited(Odd):
    """Channels weighted by what is in the whole map, as in squeeze and excitation."""

    def extra(self) -> None:
        self.reduce, self.expand = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return y * torch.sigmoid(self.expand(torch.relu(self.reduce(y.mean((2, 3), keepdim=True)))))


def test_maps_of_one_position_are_pruned_where_a_batch_is_one_image(monkeypatch):
    # As of images of 724 pixels and more:
    monkeypatch.setattr("patternlite.pruning.batch_sizes._PIXELS", 16 * 16)
    torch.manual_seed(0)
    network = forms.settled(Excited(), SHAPE)
    config = PruneConfig(rate=2.0, kinds=("3x3", "1x1"), images=16, refine_steps=0, distill_steps=0, **UNIT)
    result = prune(network, SHAPE, config)
    assert {"reduce", "expand"} <= set(result.masks)


def test_depthwise_channels_that_are_never_on_do_not_stop_it():
    torch.manual_seed(0)
    model = nn.Sequential(forms.unit(3, 8), nn.Conv2d(8, 8, 3, padding=1, groups=8), forms.unit(8, 8, 1))
    network = forms.settled(model, SHAPE)
    with torch.no_grad():
        norm = network[0][1]
        norm.weight[2], norm.bias[2] = 1e-3, -1.0
    result = prune(network, SHAPE, PruneConfig(rate=2.25, kinds=("depthwise",), images=64, **UNIT))
    assert result.report.fidelity.relative_error < 0.5


def test_a_scripted_part_is_copied():
    head = torch.jit.script(nn.Linear(4, 4))
    model = nn.Sequential(nets.plain(), head)
    frozen = model[0][0].weight.requires_grad_(False)
    result = prune(model, (3, 8, 8), replace(CONFIG, distill_steps=2))
    result.masks.verify(result.model)
    assert not result.model[0][0].weight.requires_grad
    assert torch.equal(result.model[0][0].weight, frozen)
