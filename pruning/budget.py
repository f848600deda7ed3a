"""What each layer becomes: the choices that change outputs least under the budgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from .latency import LayerTimes
from .model.graph import Site
from .sensitivity import Curve
from .structures import DENSE, STRUCTURES, Structure

_POINTS = 400  # rates on a menu for each structure
_MIXES = 10  # steps from one budget to another when their prices are mixed
_SLACK = 1 + 1e-9
_ROUNDING = 1e-12  # in parts of a limit; smaller improvements may be rounding errors
_NEVER = 1e30  # the cost of a choice that does not exist; with infinity, a price of 0 would make NaN


@dataclass(frozen=True)
class Choice:
    """What a layer becomes: `tiles` of the structure's tiles stay, and so `share` of its weights.

    error: predicted relative error of its output.  seconds: predicted time; None if time is no budget.
    """

    structure: Structure
    tiles: int
    share: float
    error: float
    seconds: float | None


@dataclass(frozen=True)
class Menu:
    """Everything that one layer may become: n choices.

    tiles, shares, errors: (n,).  costs: a budget's name -> (n,), in the unit of its limit.
    """

    structures: list[Structure]
    tiles: Tensor
    shares: Tensor
    errors: Tensor
    costs: dict[str, Tensor]

    @classmethod
    def of(cls, site: Site, library: Tensor, curves: Mapping[str, Curve], times: LayerTimes | None) -> Menu:
        """Every structure that has a curve, at many rates; if time counts, also the layer left dense.

        The costs are "rate", in weights, "macs", per image, and with `times` "latency", in seconds per image.
        """
        shape = site.conv.weight.shape
        structures: list[Structure] = []
        columns = []
        for name, curve in curves.items():
            structure = STRUCTURES[name]
            tiles = structure.counts(shape, library, _POINTS)
            rates = structure.rate(shape, library, tiles)
            seconds = times.at(name, 1 / rates) if times else torch.zeros_like(rates)
            columns.append(torch.stack([tiles.double(), 1 / rates, curve.at(rates), seconds]))
            structures += [structure] * len(tiles)
        if times:
            columns.append(torch.tensor([[1.0], [1.0], [0.0], [times.dense]], dtype=torch.float64))
            structures.append(DENSE)
        tiles, shares, errors, seconds = torch.cat(columns, 1)
        costs = {"rate": shares * shape.numel(), "macs": shares * site.macs}
        if times:
            costs["latency"] = site.runs * seconds
        return cls(structures, tiles.int(), shares, errors, costs)

    def choice(self, i: int) -> Choice:
        seconds = float(self.costs["latency"][i]) if "latency" in self.costs else None
        return Choice(
            self.structures[i], int(self.tiles[i]), float(self.shares[i]), float(self.errors[i]), seconds
        )


def allocate(menus: Sequence[Menu], limits: Mapping[str, float]) -> list[Choice]:
    """One choice from each menu: those with the least sum of errors whose costs keep to every limit.

    With a price on each budget (Lagrange multipliers) every layer chooses for itself; the prices are found by
    bisection along mixtures of the budgets. Prices cannot reach choices off the convex hull, so what they
    leave of the budgets is spent on the best changes of single layers. If no prices keep to all limits,
    changes of single layers are tried for that, too. If nothing fits, the result exceeds the limits least.

    limits: a budget's name -> the largest allowed sum of its costs.
    """
    errors = _padded([menu.errors for menu in menus], math.inf)  # (layers, n)
    costs = torch.stack(
        [_padded([menu.costs[name] / limit for menu in menus], _NEVER) for name, limit in limits.items()]
    )  # (budgets, layers, n), in parts of the limit
    layers = torch.arange(len(menus))

    def priced(mix: Tensor, price: float) -> Tensor:
        return (errors + price * torch.einsum("b,bln->ln", mix, costs)).argmin(1)

    def spent(choice: Tensor) -> Tensor:
        return costs[:, layers, choice].sum(1)

    def over(choice: Tensor) -> float:
        return float((spent(choice) - _SLACK).clamp_min(0).sum())

    tried = []
    for mix in _mixtures(len(limits)):
        low, high = 1e-9, 1e9
        for _ in range(60):
            price = math.sqrt(low * high)
            low, high = (low, price) if over(priced(mix, price)) == 0 else (price, high)
        tried.append(priced(mix, high))
    if all(over(choice) for choice in tried):
        tried = [_nearer(costs, choice) for choice in tried]
    nearest = min(map(over, tried))
    improved = [_improved(errors, costs, choice) for choice in tried if over(choice) == nearest]
    best = min(improved, key=lambda choice: float(errors[layers, choice].sum()))
    return [menu.choice(int(i)) for menu, i in zip(menus, best, strict=True)]


def same_rate(menus: Sequence[Menu], limits: Mapping[str, float]) -> list[Choice]:
    """From each menu the choice that keeps at most a common share of the weights: the largest share with
    which the costs keep to every limit, or the smallest if none does.

    menus: of one structure each.  limits: as for `allocate`.
    """
    choices: list[int] = []
    for share in torch.cat([menu.shares for menu in menus]).unique().flip(0).tolist():
        choices = [_most_within(menu.shares, share) for menu in menus]
        costs = {
            name: sum(float(m.costs[name][i]) for m, i in zip(menus, choices, strict=True)) for name in limits
        }
        if all(costs[name] <= limit * _SLACK for name, limit in limits.items()):
            break
    return [menu.choice(i) for menu, i in zip(menus, choices, strict=True)]


def _most_within(shares: Tensor, limit: float) -> int:
    """The index of the largest share within the limit, or of the smallest if none is; of equals the first."""
    fitting = torch.where((shares <= limit * _SLACK) & (shares < 1), shares, -math.inf)
    return int(fitting.argmax()) if bool((fitting > 0).any()) else int(shares.argmin())


def _nearer(costs: Tensor, choice: Tensor) -> Tensor:
    """Changes one layer at a time, whichever brings costs nearest to the limits, as long as that helps."""
    layers = torch.arange(len(choice))
    choice = choice.clone()
    while True:
        now = costs[:, layers, choice]  # (budgets, layers)
        spent = now.sum(1)
        over = ((spent[:, None] - now)[..., None] + costs - 1).clamp_min(0).sum(0)  # (layers, n)
        if float(over.min()) > float((spent - 1).clamp_min(0).sum()) - _ROUNDING:
            return choice
        layer, i = divmod(int(over.argmin()), over.shape[1])
        choice[layer] = i


def _improved(errors: Tensor, costs: Tensor, choice: Tensor) -> Tensor:
    """Changes one layer at a time, whichever saves most error, as long as the limits allow."""
    layers = torch.arange(len(choice))
    choice = choice.clone()
    while True:
        now = costs[:, layers, choice]  # (budgets, layers)
        left = 1 - now.sum(1)
        fits = (costs - now[..., None] <= left[:, None, None].clamp_min(0)).all(0)
        gain = torch.where(fits, errors[layers, choice][:, None] - errors, -math.inf)
        if float(gain.max()) <= 0:
            return choice
        layer, i = divmod(int(gain.argmax()), gain.shape[1])
        choice[layer] = i


def _mixtures(budgets: int) -> list[Tensor]:
    """All ways to share one price among the budgets, in steps: (budgets,) each, summing to 1."""
    steps = range(_MIXES + 1)
    shares = [s for s in product(steps, repeat=budgets) if sum(s) == _MIXES]
    return [torch.tensor(s, dtype=torch.float64) / _MIXES for s in shares]


def _padded(rows: Sequence[Tensor], filler: float) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=filler)
