"""What converters run with: the caller's packages, asked for by name before any work."""

from __future__ import annotations

import ast
import contextlib
import sys
from pathlib import Path

import pytest

from patternlite.pruning.convert import PACKAGES, ConversionError, process

WORKERS = Path(process.__file__).parent / "workers"


@pytest.mark.parametrize(
    ("worker", "asked_for"),
    [
        ("onnx_to_tflite", {*PACKAGES[".onnx"], *PACKAGES[".tflite"]}),
        ("to_mnn", {*PACKAGES[".mnn"]}),  # of .tflite files it needs no more
    ],
)
def test_all_that_a_worker_imports_is_asked_for(worker: str, asked_for: set[str]) -> None:
    statements = ast.parse((WORKERS / f"{worker}.py").read_text()).body
    imports = [s for s in statements if isinstance(s, ast.Import | ast.ImportFrom)]
    modules = [s.module or "" if isinstance(s, ast.ImportFrom) else s.names[0].name for s in imports]
    packages = {module.split(".")[0] for module in modules} - sys.stdlib_module_names
    assert packages - {"numpy", "patternlite"} <= asked_for
    assert packages & asked_for


def test_workers_find_the_callers_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("workers", "packages", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "workers" / "asks.py").write_text("import only_the_callers_package\n")
    (tmp_path / "packages" / "only_the_callers_package.py").write_text("")
    monkeypatch.setattr(process, "_WORKERS", tmp_path / "workers")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("packages")
    process.run_worker("asks", folder=tmp_path / "elsewhere")


@pytest.mark.parametrize("named", [False, True])
def test_workers_run_files_of_the_current_folder_only_where_pythonpath_names_it(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("workers", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "workers" / "asks.py").write_text("import beside_the_caller\n")
    (tmp_path / "beside_the_caller.py").write_text("")
    monkeypatch.setattr(process, "_WORKERS", tmp_path / "workers")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as `python -m` does
    monkeypatch.setenv("PYTHONPATH", "." if named else "")
    refused = pytest.raises(ConversionError, match="No module named 'beside_the_caller'")
    with contextlib.nullcontext() if named else refused:
        process.run_worker("asks", folder=tmp_path / "elsewhere")
