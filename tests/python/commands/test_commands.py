"""The commands on small real inputs."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from patternlite import __version__
from patternlite.inspection import Inspection
from patternlite.layers import Layer
from patternlite.report.tables import layer_table, shortened
from patternlite.runtimes import installed as runtimes
from patternlite.runtimes.check import PROBES
from patternlite.stored.stamp import MaskCheck

from . import command_line


def run(*args: str | Path):
    result = command_line.run(*args)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(autouse=True, scope="module")
def native() -> None:
    pytest.importorskip("patternlite._native")


def require(runtime: runtimes.Runtime) -> None:
    if not runtime.installed:
        pytest.skip(f"{runtime.name} is not installed")


@pytest.mark.parametrize("name", ["tflite-runtime", "mnn"])
def test_bench_times_stock_and_plugin(name: str) -> None:
    runtime = runtimes.runtime_named(name)
    require(runtime)
    probe = PROBES / f"probe{runtime.suffix}"
    result = run(
        "bench", probe, "--dense", probe, "--runtime", name, "--threads", "1", "--seconds", "0.1", "--json"
    )
    rows = json.loads(result.stdout)
    assert [(r["threads"], r["label"]) for r in rows] == [
        (1, label) for label in ("stock, dense model", "stock", "plugin")
    ]
    for row in rows:
        assert row["timing"]["minimum"] > 0
        assert (row["difference"] is not None) == row["plugin"]


NETWORK = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    def block(i, o):
        return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*block(3, 8), *block(8, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4))
"""


@pytest.fixture
def one_torch_thread() -> Iterator[None]:
    """For layers too small to share."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


PRUNE = (
    "prune", "tiny_net_of_test:net", "--input-shape", "3,8,8", "--mean", "0.5,0.5,0.5",
    "--std", "0.25,0.25,0.25", "--rate", "4", "--output", "out",
)  # fmt: skip


@pytest.mark.usefixtures("one_torch_thread")
def test_prune_writes_weights_and_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file

    from patternlite.pruning import Masks

    (tmp_path / "tiny_net_of_test.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    result = run(*PRUNE)
    assert "Pruning, no data: " in result.stderr
    assert result.stdout.split()[0] == "layer"  # results alone
    weights, masks = load_file("out/pruned.safetensors"), Masks.load("out/masks.safetensors")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "certificate.json", "masks.safetensors", "pruned.safetensors", "report.html", "report.json",
    ]  # fmt: skip
    assert list(masks) == ["3"]
    assert ((weights["3.weight"] != 0) <= masks["3"]).all()
    assert masks["3"].float().mean() <= 0.25
    assert json.loads(Path("out/report.json").read_text())["layers"][0]["name"] == "3"
    assert json.loads(Path("out/certificate.json").read_text())["masks"] == masks.digest()
    assert "Pruned without any data" in Path("out/report.html").read_text()


@pytest.mark.usefixtures("one_torch_thread")
def test_what_was_pruned_outlives_a_conversion_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from patternlite.pruning import convert

    def fail(*_: object) -> None:
        raise convert.ConversionError("no room")

    (tmp_path / "tiny_net_of_test.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(convert.CONVERTERS, ".mnn", fail)
    result = command_line.run(*PRUNE, "--mnn")
    assert (result.exit_code, "no room" in result.stderr) == (1, True)
    assert list(Path("out/pruned.checkpoint").glob("layer-*"))
    run(*PRUNE)
    assert not Path("out/pruned.checkpoint").exists()


@pytest.mark.usefixtures("one_torch_thread")
def test_prune_does_not_write_over_the_weights_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny_net_of_test.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    run(*PRUNE)
    before = Path("out/pruned.safetensors").read_bytes()
    result = command_line.run(*PRUNE, "--weights", tmp_path / "out" / "pruned.safetensors")
    command_line.assert_one_line(result, "out/pruned.safetensors would be written over", "another output")
    assert Path("out/pruned.safetensors").read_bytes() == before


@pytest.mark.usefixtures("one_torch_thread")
def test_no_export_of_other_weights_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from patternlite.pruning import pipeline

    (tmp_path / "tiny_net_of_test.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    run(*PRUNE, "--mnn")
    Path("out/pruned.tflite").write_bytes(b"somebody else's")
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert {"pruned.onnx", "pruned.mnn"} <= before.keys()
    with monkeypatch.context() as patch:
        patch.setattr(pipeline._Run, "prune_layers", lambda *_: 1 / 0)
        assert command_line.run(*PRUNE, "--seed", "1").exit_code == 1
    shutil.rmtree("out/pruned.checkpoint")
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    monkeypatch.setattr("patternlite.commands.prune.missing_packages", lambda *_: ["jinja2"])
    run(*PRUNE, "--seed", "1")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "certificate.json", "masks.safetensors", "pruned.safetensors", "pruned.tflite", "report.json",
    ]  # fmt: skip


def test_names_in_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    require(runtimes.runtime_named("mnn"))
    name = "net[/x] [bold].mnn"
    (tmp_path / "[red]").mkdir()
    path = shutil.copy(PROBES / "probe.mnn", tmp_path / "[red]" / "[v2].mnn")
    output = run("inspect", path).stdout
    assert output.lstrip().startswith("[v2].mnn")
    assert "[red]/[v2].mnn run in the plugin" in output
    layer = Layer(name, "conv3x3", 1, 1, 1, 1, 9, 9, 1.0, 1, "dense:too-few-zeros", "stock", 0)
    shown = io.StringIO()
    Console(file=shown, width=200).print(layer_table([layer]))
    assert name in shown.getvalue()


LONG = Layer(
    "model/features/denseblock4/denselayer16/conv2/Conv2D", "depthwise5x5s2", 1024, 1024, 112, 112,
    1.2e9, 3.4e8, 0.251, 123, "declined:non-finite-weights", "stock", 123456,
)  # fmt: skip


@pytest.fixture(params=["xterm", "dumb"])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of dumb ones, rich believes a width only if it is told the height, too."""
    monkeypatch.setenv("TERM", request.param)
    monkeypatch.setenv("FORCE_COLOR", "1")  # into a pipe, too


@pytest.mark.usefixtures("terminal")
def test_nothing_is_cut_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    inspection = Inspection("net.tflite", [asdict(LONG)], 0, MaskCheck("none"))
    monkeypatch.setattr("patternlite.inspection.inspect", lambda _: inspection)
    lines = run("inspect", "net.tflite").stdout.splitlines()
    assert any(line.split() == " ".join(LONG.cells().values()).split() for line in lines)


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_as_much_as_fits() -> None:
    def shown(width: int) -> str:
        out = io.StringIO()
        console = Console(file=out, width=width, height=25, color_system=None)
        console.print(layer_table([LONG], width=width))
        return out.getvalue()

    whole = shown(1000)
    fits = max(map(len, whole.splitlines()))
    names = [LONG.name, shortened(LONG.name), shortened(LONG.name, 14)]
    for width in range(100, fits + 1):
        text = shown(width)
        (name,) = (name for name in names if name in text)
        assert text.replace(name, "").count("…") == 0
        assert ("patterns" in text) == (name != names[2])
    assert shown(fits) == whole
    assert names[1] in shown(fits - 1)


def test_one_version_everywhere() -> None:
    root = Path(__file__).parents[3]
    found = {
        name: re.findall(pattern, (root / name).read_text())
        for name, pattern in {
            "pyproject.toml": r'\nversion = "(.+?)"',
            "CMakeLists.txt": r"project\(patternlite VERSION (\S+)",
            "MODULE.bazel": r'    version = "(.+?)"',
            "delegate_src/engine/BUILD.bazel": r"PATTERNLITE_BUILD=\W+([\d.]+)",
        }.items()
    }
    assert set(map(tuple, found.values())) == {(__version__,)}, found


def test_every_option_of_prune_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from patternlite.pruning import PruneConfig

    given = {}

    def prune_to(output, _network, shape, options, suffixes, _stages, sources):
        given.update(options, output=output, shape=shape, suffixes=suffixes, sources=sources)
        return SimpleNamespace(report="as it says"), [output / "pruned.mnn"]

    monkeypatch.setattr("patternlite.commands.prune.prune_to", prune_to)
    result = run(
        "prune", command_line.NETWORK, "--input-shape", "3,32,24",
        "--mean", "0.1,0.2,0.3", "--std", "1,2,3", "--rate", "2", "--macs", "3", "--latency", "4",
        "--threads", "2", "--structure", "g4", "--kinds", "3x3,1x1", "--seed", "7", "--mnn",
        "--dense", "stem", "--dense", "head", "--images", "99", "--refine-steps", "5", "--distill-steps", "0",
        "--output", tmp_path,
    )  # fmt: skip
    assert given == {
        "output": tmp_path, "shape": (3, 32, 24), "mean": (0.1, 0.2, 0.3), "std": (1, 2, 3), "rate": 2,
        "macs": 3, "latency": 4, "threads": 2, "structure": "g4", "kinds": ("3x3", "1x1"), "seed": 7,
        "suffixes": [".mnn"], "sources": [], "dense": ("stem", "head"), "images": 99, "refine_steps": 5,
        "distill_steps": 0,
    }  # fmt: skip
    assert result.stdout.splitlines()[-2:] == ["as it says", str(tmp_path / "pruned.mnn")]
    given.clear()
    run(
        "prune",
        command_line.NETWORK,
        *command_line.PRUNE,
        "--output",
        tmp_path,
        "--rate",
        "2",
    )
    for key in ("output", "shape", "suffixes", "sources"):
        given.pop(key)
    assert PruneConfig(**given) == PruneConfig(
        rate=2.0, mean=(0,) * 3, std=(1,) * 3
    )  # as without the options
