"""The table of times, and pruning for a speed-up: with times made up, so that results are known."""

from __future__ import annotations

import json
import pwd
from dataclasses import asdict

import forms
import nets
import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning import PruneConfig, certify, latency, prune
from patternlite.pruning.codesign import libraries_of
from patternlite.pruning.latency import LayerTimes, TimeTable
from patternlite.pruning.model.graph import Site, trace
from patternlite.pruning.structures import CODESIGN, STRUCTURES

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
QUICK = {"images": 64, "refine_steps": 4, "distill_steps": 0, **UNIT}


class MadeUp:
    """An engine whose time is the weights it multiplies; filters that share theirs cost half."""

    def __init__(self) -> None:
        self.cpu, self.isa, self.build = "a CPU (7)", "avx512", "1.0 abc"
        self.asked: list[tuple] = []

    def cpu_model(self) -> str:
        return self.cpu

    def current_isa(self) -> str:
        return self.isa

    def engine_build(self) -> str:
        return self.build

    def time_convolution(self, weight, in_size, out_size, *options):
        *how, seconds = options
        assert 0 < seconds < 1
        self.asked.append((weight.shape, in_size, out_size, *how))
        kept = (weight != 0).reshape(len(weight), -1)
        shared = len(weight) % 2 == 0 and all((kept[o] == kept[o + 1]).all() for o in range(0, len(kept), 2))
        dense = kept.all()
        return kept.sum() * out_size[0] * out_size[1] * (0.5 if shared and not dense else 1) * 1e-9, "os-g2"


@pytest.fixture
def engine(monkeypatch, tmp_path) -> MadeUp:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    engine = MadeUp()
    monkeypatch.setattr(latency, "load_native", lambda: engine)
    return engine


def measured(threads: int = 1) -> dict[str, LayerTimes]:
    torch.manual_seed(0)
    found = trace(nets.Tiny(), (3, 16, 16))
    libraries = libraries_of(PruneConfig(latency=2.0, **UNIT), [site.conv.weight for site in found.sites])
    names = {site.name for site in found.sites}
    return TimeTable(threads).measure([*found.sites, *found.left], names, libraries, CODESIGN, lambda _: None)


def test_a_table_has_every_layer_and_structure_and_is_filled_once(engine):
    times = measured()
    assert set(times) == {f"blocks.{b}.{conv}" for b in "01" for conv in ("conv1", "conv2", "shortcut.0")} | {
        "stem"
    }
    assert times["stem"].points == times["blocks.0.shortcut.0"].points == {}
    assert set(times["blocks.0.conv1"].points) == {structure.name for structure in CODESIGN}
    calls = len(engine.asked)
    assert measured() == times
    assert len(engine.asked) == calls
    measured(threads=2)
    assert len(engine.asked) == 2 * calls


def test_a_disturbance_of_one_round_is_no_time(engine, monkeypatch):
    """All rounds together take no longer than they may."""
    times, calls, real, given = measured(), len(engine.asked), engine.time_convolution, []

    def disturbed(*how):
        seconds, kernel = real(*how)
        given.append(how[-1])
        return seconds * (9 if len(given) > calls / 2 else 1), kernel

    monkeypatch.setattr(engine, "time_convolution", disturbed)
    monkeypatch.setattr(latency, "_WHOLE", 0.5)
    TimeTable(1).path.unlink()
    assert measured() == times
    assert sum(given) == pytest.approx(0.5)


def test_layers_of_one_shape_are_timed_once(engine):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), *(nn.Conv2d(8, 8, 3, padding=1) for _ in "ab"))
    found = trace(model, (3, 10, 10))
    libraries = libraries_of(PruneConfig(latency=2.0, **UNIT), [site.conv.weight for site in found.sites])
    TimeTable(1).measure(found.sites, {"1", "2"}, libraries, [STRUCTURES["g2"]], lambda _: None)
    assert len(engine.asked) == latency._ROUNDS * (1 + latency._POINTS)


def test_the_engine_is_asked_for_the_layer_as_it_is(engine):
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=(2, 1), dilation=(1, 2)),
        nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=8),
        nn.Conv2d(8, 16, (5, 3), groups=4),
    )
    sites = trace(model, (3, 20, 30)).left
    times = TimeTable(3).measure(sites, set(), {}, [], lambda _: None)
    assert engine.asked[:3] == [
        ((8, 3, 3, 3), (20, 30), (11, 14), (2, 2), (1, 2), (2, 1), False, 3),
        ((8, 1, 3, 3), (11, 14), (11, 14), (1, 1), (2, 2), (2, 2), True, 3),
        ((4, 2, 5, 3), (11, 14), (7, 12), (1, 1), (1, 1), (0, 0), False, 3),
    ]
    for site in sites:  # all its groups
        assert times[site.name].dense == pytest.approx(1e-9 * site.macs)


def test_each_geometry_has_its_own_time(engine):
    sites = []
    for options in ({}, {"stride": 2}, {"dilation": 2}, {"padding": 1}, {"groups": 2}):
        conv = nn.Conv2d(8 * options.get("groups", 1), 8, 3, **options)
        sites.append(Site(str(options), conv, None, (9, 9), (7, 7), residual=False))
    TimeTable(1).measure(sites, set(), {}, [], lambda _: None)
    assert len(engine.asked) == latency._ROUNDS * len(sites)


def test_times_are_of_the_patterns_themselves(engine):
    """As many others are another library; what has no patterns is timed once."""
    (site,) = trace(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)), (3, 10, 10)).sites
    one = torch.arange(9) < 4
    for library, timed in ((one, 3), (one.flip(0), 2), (one, 0)):
        before = len(engine.asked)
        structures = [STRUCTURES[name] for name in ("free", "varied", "b2")]
        TimeTable(1).measure([site], {site.name}, {(3, 3): library[None]}, structures, lambda _: None)
        points = timed * latency._POINTS + (timed == 3)  # and dense
        assert len(engine.asked) - before == latency._ROUNDS * points


@pytest.mark.parametrize("content", ["", "{", "[]", '{"machine": {}, "seconds": {}}', '{"seconds": 3}'])
def test_files_that_say_nothing_about_this_machine_are_replaced(engine, content):
    times = measured()
    path = TimeTable(1).path
    good = json.loads(path.read_text())
    path.write_text(content)
    with path.open() as reader:
        assert measured() == times
        assert reader.read() == content  # whoever was reading never sees half of a table
    assert json.loads(path.read_text()) == good
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("what", ["cpu", "isa", "build"])
def test_another_instruction_set_cpu_or_engine_has_another_table(engine, what):
    path = TimeTable(1).path
    setattr(engine, what, "another")
    assert TimeTable(1).path != path


def test_a_cache_that_cannot_be_written_is_no_error(engine, tmp_path):
    (tmp_path / "patternlite").write_text("a file where a folder should be")
    assert measured()


def test_without_a_home_folder_nothing_is_kept(engine, trained_model, monkeypatch):
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # the system does not know the user
    assert measured() == measured()
    with pytest.raises(ValueError, match="busy when it was timed, begin again"):
        prune(trained_model, (3, 16, 16), PruneConfig(latency=40.0, **QUICK))


def test_times_between_those_measured_are_linear_and_never_fall_with_more_weights():
    times = LayerTimes(9.0, {"free": [(0.1, 1.0), (0.2, 3.0), (0.4, 2.0)], "g2": [(0.5, 4.0)]})
    shares = torch.tensor([0.05, 0.1, 0.15, 0.2, 0.3, 0.4]).double()
    assert times.at("free", shares).tolist() == pytest.approx([1.0, 1.0, 2.0, 3.0, 3.0, 3.0])
    assert times.at("g2", shares).tolist() == [4.0] * 6


def test_pruning_for_time_keeps_to_it_and_chooses_what_is_fast(engine, trained_model):
    result = prune(trained_model, (3, 16, 16), PruneConfig(latency=3.0, **QUICK))
    layers = result.report.layers
    times = measured()
    rest = sum(times[name].dense for name in result.report.dense)
    dense = sum(time.dense for time in times.values())
    spent = rest + sum(layer.macs * 1e-9 * (0.5 if layer.structure[0] in "gb" else 1) for layer in layers)
    assert dense / spent == pytest.approx(3.0, rel=0.05)
    assert {layer.structure for layer in layers} & {"g2", "g4", "g16", "b2", "b4", "b16"}
    assert all(layer.residuals for layer in layers)
    result.masks.verify(result.model)


def test_a_small_speed_up_leaves_some_layers_dense(engine, trained_model):
    result = prune(trained_model, (3, 16, 16), PruneConfig(latency=1.05, **QUICK))
    dense = [layer for layer in result.report.layers if layer.structure == "dense"]
    assert dense
    assert all(layer.rate == 1 and layer.name not in result.masks for layer in dense)
    assert f"4 layers, {4 - len(dense)} of them pruned: weights" in str(result.report)


def test_a_speed_up_out_of_reach_is_refused_with_what_can_be_had(engine, trained_model, tmp_path):
    with pytest.raises(ValueError, match=r"latency=40 is out of reach: .* 7\.\d\dx is the most"):
        prune(trained_model, (3, 16, 16), PruneConfig(latency=40.0, **QUICK), checkpoint=tmp_path / "c")
    assert not (tmp_path / "c").exists()  # it would be refused to whoever asks for less


def test_a_speed_up_out_of_reach_is_refused_before_the_long_work(engine, trained_model):
    stages, config = set(), PruneConfig(latency=40.0, threads=2, **QUICK)
    with pytest.raises(ValueError, match="Ask for less") as refused:
        prune(trained_model, (3, 16, 16), config, lambda what, _: stages.add(what))
    assert stages == {"time"}
    assert {asked[-1] for asked in engine.asked} == {2}  # threads
    assert str(refused.value).endswith(f"busy when it was timed, delete {TimeTable(2).path}")


def test_an_engine_that_is_missing_is_told_at_once(engine, trained_model, monkeypatch):
    def missing() -> None:
        raise ImportError("no engine")

    stages = set()
    monkeypatch.setattr(latency, "load_native", missing)
    with pytest.raises(ImportError, match="no engine"):
        prune(trained_model, (3, 16, 16), PruneConfig(latency=3.0, **QUICK), lambda what, _: stages.add(what))
    assert not stages


def test_the_report_says_what_was_reached(engine, trained_model):
    config = PruneConfig(latency=3.0, **QUICK)
    result = prune(trained_model, (3, 16, 16), config)
    times = result.report.times
    assert (times.threads, times.dense) == (1, pytest.approx(sum(measured()[k].dense for k in measured())))
    assert 3.0 <= times.dense / times.pruned < 3.3
    assert str(times) in str(result.report)
    assert result.report.to_dict()["times"] == asdict(times)
    assert certify(trained_model, (3, 16, 16), config, result).times == asdict(times)


def test_a_run_goes_on_with_the_times_that_it_began_with(engine, trained_model, tmp_path):
    def stop(what: str, _fraction: float) -> None:
        if what == "draw":
            raise KeyboardInterrupt

    config = PruneConfig(latency=3.0, **QUICK)
    with pytest.raises(KeyboardInterrupt):
        prune(trained_model, (3, 16, 16), config, stop, tmp_path / "c")
    TimeTable(1).path.unlink()
    engine.asked.clear()
    prune(trained_model, (3, 16, 16), config, checkpoint=tmp_path / "c")
    assert not engine.asked


def test_a_plan_for_another_machine_is_not_gone_on_with(engine, trained_model, tmp_path):
    def run(progress=None, **budgets) -> None:
        prune(trained_model, (3, 16, 16), PruneConfig(**budgets, **QUICK), progress, tmp_path / str(budgets))

    def stop(what: str, _fraction: float) -> None:
        if what.startswith("prune"):
            raise KeyboardInterrupt

    for budgets in ({"latency": 3.0}, {"rate": 3.0}):
        with pytest.raises(KeyboardInterrupt):
            run(stop, **budgets)
    engine.isa = "avx2"
    with pytest.raises(
        ValueError, match=r"by their times on .* \(avx512, .*\), and this is .* \(avx2, .*\): go on there"
    ):
        run(latency=3.0)
    run(rate=3.0)  # no time was a budget
    engine.isa, engine.build = "avx512", "1.0 def"
    with pytest.raises(ValueError, match=r"engine 1\.0 abc\), and this is .* engine 1\.0 def\)"):
        run(latency=3.0)
    engine.build = "1.0 abc"
    run(latency=3.0)


class Shared(nn.Module):
    """A head that runs five times."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(forms.unit(3, 16), forms.unit(16, 16))
        self.head = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        for _ in range(5):
            x = torch.relu(self.head(x))
        return x


def test_a_convolution_that_runs_again_takes_its_time_again(engine):
    # 1 part of 16 in the stem, 1 to prune, and 5 that stay: even without it, 7.2 of 6.2 is the most
    model = forms.settled(Shared(), (3, 16, 16))
    with pytest.raises(ValueError, match=r"latency=1\.5 is out of reach: .* 1\.[12]\dx is the most"):
        prune(model, (3, 16, 16), PruneConfig(latency=1.5, **QUICK))
