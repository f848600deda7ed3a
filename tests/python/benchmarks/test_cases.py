"""Plans, claims and verdicts, without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.latency.cases import Case, Claim, read_plan
from benchmarks.latency.results import NetReport, Outcome, judge
from benchmarks.models.files import Rates
from benchmarks.timing.protocol import Measured, speed_up
from benchmarks.timing.worker import Preparation
from patternlite.errors import PatternliteError
from patternlite.runtimes.timing import Timing

PLANS = Path(__file__).parents[3] / "benchmarks" / "plans"

NETS = {
    "nets": (
        "resnet18", "resnet50", "vgg16", "mobilenetv2", "unet", "detector", "resnet50v2", "densenet121",
        "nasnetmobile",
    ),
    "published": ("resnet18", "vgg16", "resnet50", "resnet18_cifar", "vgg16_cifar", "mobilenetv2"),
    "quick": ("resnet18_cifar",),
    "mnn": ("resnet18", "vgg16", "resnet18_cifar"),
}  # fmt: skip


def measured(label: str, *rounds: float) -> Measured:
    return Measured(label, Timing.of([ms / 1e3 for ms in rounds]), rounds, 0.0)


def outcome(claim: Claim, threads: int = 1, seconds: float = 0.3, **rounds: tuple[float, ...]) -> Outcome:
    case = Case("tiny", "g2", (claim,))
    entries = {label: measured(label, *times) for label, times in rounds.items()}
    return Outcome(case, threads, entries, {"ours": Preparation(seconds, 1)}, 0.0)


@pytest.mark.parametrize("name", NETS)
def test_the_plans_that_ship(name: str) -> None:
    plan = read_plan(PLANS / f"{name}.toml")
    assert {case.net for case in plan.cases} == set(NETS[name])
    assert any(case.claims for case in plan.cases)
    for case in plan.cases:
        for claim in case.claims:
            less = claim.kind in ("prepare", "memory", "difference")
            better = claim.reach < claim.must if less else claim.reach > claim.must
            assert better, claim


GOOD = """
contenders.ours = { rival = "patternlite in mnn", file = "pruned", prepare = true }
rates.tiny = { conv3x3 = 8.0 }
[[cases]]
net = "tiny"
structure = "g2"
claims = [{ kind = "prepare", of = "ours", must = 1.0, reach = 0.5 }]
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"g2"', '"g3"', "unknown structure 'g3'; known: g1"),
        ('"tiny"', '"huge"', "unknown network 'huge'"),
        ("in mnn", "in mnx", "unknown rival"),
        ('"pruned"', '"thin"', "unknown file 'thin'; known: dense, pruned"),
        ('"prepare"', '"price"', "unknown kind of claim"),
        ('of = "ours"', 'of = "theirs"', "unknown contender of tiny-g2-8x: 'theirs'"),
        ("must", "most", "unknown key 'cases[0].claims[0].most'; known: kind, of, must"),
        ("must = 1.0", "must = '1.0'", "cases[0].claims[0].must must be a number, not '1.0'"),
        ('"pruned"', '"pruned", prepares = 1', "unknown key 'contenders.ours.prepares'; known: rival, file"),
        ("prepare = true", "prepare = 1", "contenders.ours.prepare must be true or false, not 1"),
        (", prepare = true", "", "the loading of 'ours' is not measured"),
        ("patternlite in mnn", "onnxruntime", "the loading of 'ours' cannot be measured: onnxruntime"),
        ('"prepare"', '"speed-up"', "the claim of 'ours', speed-up, lacks over"),
        (
            'structure = "g2"',
            'structure = "g2"\nwithout = ["ours"]',
            "unknown contender of tiny-g2-8x: 'ours'",
        ),
        ("[[cases]]", "[[case]]", "unknown key 'case'; known: contenders, rates, cases, claims"),
        ("must = 1.0, ", "", "cases[0].claims[0].must is missing"),
        (
            "[[cases]]",
            "[[cases]]\nnet = 'tiny'\nstructure = 'g2'\n[[cases]]",
            "case 'tiny-g2-8x' is there 2 times",
        ),
        ('net = "tiny"', 'net "tiny"', "Expected '=' after a key"),
    ],
)
def test_a_plan_that_is_wrong_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(GOOD)
    read_plan(path)
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(PatternliteError) as error:
        read_plan(path)
    assert str(path) in str(error.value) and message in str(error.value)


def test_other_rates_have_other_names() -> None:
    every = [Rates(8.0), Rates(8.0, 4.0), Rates(1.0, 4.0), Rates(8.0, depthwise=True), Rates(8.0, first=True)]
    every += [Rates(8.0, fully_connected=10.0), Rates(8.0, 10.0)]
    assert len({Case("vgg16", "g2", rates=rates).name for rates in every}) == len(every)
    assert Case("vgg16", "g2", rates=every[5]).name == "vgg16-g2-8x-fc10x"


def test_speed_up_is_the_median_of_ratios_within_rounds() -> None:
    """A disturbance that slows a whole round changes nothing."""
    rival, ours = measured("rival", 10, 30, 10, 11), measured("ours", 2, 6, 2, 2)
    assert speed_up(rival, ours) == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("ours", "state"), [((1.0, 1.0), "reached"), ((1.5, 1.5), "met"), ((3.0, 3.0), "missed")]
)
def test_speed_ups_are_judged(ours: tuple[float, ...], state: str) -> None:
    claim = Claim("speed-up", "ours", must=3.0, reach=5.0, over="rival")
    (verdict,) = judge([outcome(claim, rival=(6.0, 6.0), ours=ours)])
    assert (verdict.state, verdict.value) == (state, pytest.approx(6.0 / ours[0]))


@pytest.mark.parametrize(("seconds", "state"), [(0.2, "reached"), (0.4, "met"), (0.6, "missed")])
def test_less_preparation_is_better(seconds: float, state: str) -> None:
    claim = Claim("prepare", "ours", must=0.5, reach=0.2)
    (verdict,) = judge([outcome(claim, seconds=seconds, ours=(1.0,))])
    assert verdict.state == state


def test_scaling_compares_thread_counts_of_one_case() -> None:
    claim = Claim("scaling", "ours", must=1.8, reach=1.95)
    one, two = outcome(claim, 1, ours=(3.9, 4.0)), outcome(claim, 2, ours=(2.1, 2.0))
    (verdict,) = judge([one, two])
    assert (verdict.threads, verdict.value, verdict.state) == (2, pytest.approx(1.95), "reached")
    assert str(verdict.claim) == "ours, scaling by the fastest calls"  # not the median over rounds, as others


def test_nothing_is_claimed_of_what_was_not_measured() -> None:
    assert judge([outcome(Claim("speed-up", "ours", 1, 2, over="absent"), ours=(1.0,))]) == []
    assert judge([outcome(Claim("scaling", "ours", 1, 2), 2, ours=(1.0,))]) == []


def test_a_figure_has_a_panel_per_case_and_thread_count() -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.latency.plots import latency_figure

    claim = Claim("speed-up", "ours", 1, 2, over="rival")
    outcomes = [outcome(claim, n, rival=(6.0,), ours=(2.0,)) for n in (1, 2)]
    panels = latency_figure(NetReport({}, outcomes)).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["tiny-g2, 1 thread", "tiny-g2, 2 threads"]
    for panel in panels:
        assert [bar.get_width() for bar in panel.patches] == [6.0, 2.0]
        assert [text.get_text() for text in panel.texts] == ["6.00 · 3.0x", "2.00"]
