"""Runs the command line within the test, and what its errors look like."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from patternlite.commands import cli

NETWORK = "patternlite.demo.slim_resnet18:slim_resnet18"
UNIT = ("--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25")
PRUNE = ("--input-shape", "3,32,32", "--mean", "0,0,0", "--std", "1,1,1")


def run(*args: str | Path):
    return CliRunner().invoke(cli.app, [str(a) for a in args])


def retrain(*args: str, **changed: str):
    """Of the client's files (conftest.py)."""
    model = changed.pop("model", "net")
    options = {"weights": f"{model}/pruned.safetensors", "masks": f"{model}/masks.safetensors"}
    options |= {"data": "images", "output": "new.safetensors"} | changed
    data = options.pop("data")
    named = [part for name, value in options.items() for part in (f"--{name}", value)]
    return run("retrain", f"client_net_of_test:{model}", data, *named, *UNIT, "--batch", "8", *args)


def assert_one_line(result, *parts: str) -> None:
    assert result.exit_code == 1, result.output
    lines = result.stderr.strip().splitlines()
    message = lines[-1]
    assert message.startswith("error: ")
    assert "Traceback" not in result.output
    for part in parts:
        assert part in message


def assert_usage(result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    text = " ".join(result.stderr.replace("│", " ").split())
    for part in parts:
        assert part in text
