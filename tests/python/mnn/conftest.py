"""Models converted once for all tests of this folder, and processes apart to run them in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this file, here and in children

pytest.importorskip("MNN")

import mnn_edits
import onnx_network
from mnn_choice_networks import CHOICES
from mnn_networks import NETWORKS
from mnn_operator_networks import OPERATORS
from mnn_planned_networks import PLANNED
from mnn_report_networks import REPORTED

from patternlite.support.isolated import Isolated


@dataclass
class Model:
    """A converted network, and an input of its shape."""

    path: str
    onnx_path: str
    x: np.ndarray

    @cached_property
    def all_expected(self) -> dict[str, np.ndarray]:
        """What ONNX's reference computes from x, by output."""
        reference = ReferenceEvaluator(self.onnx_path)
        values = cast(list[np.ndarray], reference.run(None, {"x": self.x}))
        return dict(zip(reference.output_names, values, strict=True))

    @property
    def expected(self) -> np.ndarray:
        """The first of them."""
        return next(iter(self.all_expected.values()))


class Models:
    """Converts networks on demand, each once."""

    def __init__(self, folder: Path, process: Isolated) -> None:
        self._folder, self._process, self._done = folder, process, dict[tuple[str, ...], Model]()

    def __call__(self, name: str, *options: str) -> Model:
        """options: of MNN's converter."""
        key = (name, *options)
        if key not in self._done:
            self._done[key] = self._convert(name, *options)
        return self._done[key]

    def edited(self, name: str, kind: str, becomes: str = "", **options: Any) -> Model:
        """With other options in its first operator of a kind, as in a file that is damaged; or with one of
        another kind in its place."""
        model = self(name)
        path = str(self._folder / "edited.mnn")
        assert self._process.call(mnn_edits.edit, model.path, path, kind, options, becomes)
        return replace(model, path=path)

    def _convert(self, name: str, *options: str) -> Model:
        network, *outputs = {**NETWORKS, **PLANNED, **OPERATORS, **CHOICES, **REPORTED}[name]()
        onnx_path = str(network.save(self._folder / f"{name}.onnx", *outputs))
        path = str(self._folder / f"{name}{len(self._done)}.mnn")
        assert self._process.call(onnx_network.convert, onnx_path, path, *options)
        shape = [n if isinstance(n, int) else 8 for n in network.shape]
        x = np.random.default_rng(0).standard_normal(shape, np.float32)
        return Model(path, onnx_path, x)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    with Isolated() as process:
        yield Models(tmp_path_factory.mktemp("mnn"), process)


@pytest.fixture(scope="session")
def process() -> Iterator[Isolated]:
    """For runs that leave no trace in it."""
    with Isolated() as process:
        yield process


@pytest.fixture
def fresh_process() -> Iterator[Isolated]:
    with Isolated() as process:
        yield process
