"""Where a package is missing, whatever needs it names the pip command that brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from patternlite.errors import PatternliteError, require_packages

from .command_line import NETWORK, PRUNE, UNIT

COMMANDS = {
    "prune": (NETWORK, *PRUNE, "--output", "out"),
    "retrain": (
        NETWORK, "images", "--weights", "w.safetensors", "--masks", "m.safetensors", *UNIT,
        "--output", "new.safetensors",
    ),
    "convert": ("a.onnx", "a.mnn"),
    "demo": ("--output", "out"),
}  # fmt: skip


def without(package: str, program: str, folder: Path, *arguments: str) -> str:
    """What a Python in which `package` is missing prints."""
    program = f"import sys\nsys.modules[{package!r}] = None\n{program}"
    command = [sys.executable, "-c", program, *arguments]
    run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.stdout


@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_pruning_names_the_command(package: str, tmp_path: Path) -> None:
    printed = without(
        package,
        "try:\n    import patternlite.pruning\nexcept ImportError as error:\n    print(error)",
        tmp_path,
    )
    assert printed == f"{package} is not installed; run: pip install 'patternlite[convert]'\n"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_commands_name_the_command(command: str, package: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    printed = without(
        package, "from patternlite.commands.cli import main\nmain()", tmp_path, command, *COMMANDS[command]
    )
    assert printed == f"error: {package} is not installed; run: pip install 'patternlite[convert]'\n"
    assert list(tmp_path.iterdir()) == []


def test_the_demo_names_missing_converters_before_it_prunes(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("matplotlib")
    printed = without(
        "onnxsim", "from patternlite.commands.cli import main\nmain()", tmp_path, "demo", "--output", "out"
    )
    assert printed == "error: onnxsim is not installed; run: pip install 'patternlite[convert]'\n"
    assert list(tmp_path.iterdir()) == []


def test_it_is_an_import_error_and_one_of_ours() -> None:
    for kind in (ImportError, PatternliteError):
        with pytest.raises(
            kind, match=r"no_such_a is not installed; run: pip install 'patternlite\[bench\]'"
        ):
            require_packages("bench", "json", "no_such_a")
    with pytest.raises(ImportError, match=r"^no_such_a, no_such_b are not installed; run: pip install"):
        require_packages("bench", "no_such_a", "json", "no_such_b")
