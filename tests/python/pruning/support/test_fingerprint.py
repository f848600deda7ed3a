"""Fingerprints change with every bit of weights, settings and code."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import torch

import patternlite.pruning
from patternlite.pruning.support.fingerprint import code_in, fingerprint


def test_the_fingerprint_knows_every_bit_setting_and_version(monkeypatch):
    state = {"a": torch.zeros(3), "b": torch.ones(2)}
    prints = {
        fingerprint(state, 1),
        fingerprint(state, 2),
        fingerprint({**state, "a": torch.tensor([0.0, -0.0, 0.0])}, 1),
        fingerprint({"a": state["a"], "c": state["b"]}, 1),
        fingerprint({**state, "a": torch.zeros(3, dtype=torch.int32)}, 1),
        fingerprint({**state, "a": torch.zeros(3, 1)}, 1),
    }
    assert len(prints) == 6
    assert fingerprint(dict(reversed(state.items())), 1) == fingerprint(state, 1)
    monkeypatch.setattr("patternlite.pruning.support.fingerprint.__version__", "0.0")
    assert fingerprint(state, 1) not in prints
    monkeypatch.undo()
    monkeypatch.setattr("patternlite.pruning.support.fingerprint.code_in", lambda _folder: "another commit's")
    assert fingerprint(state, 1) not in prints


def test_a_fingerprint_copies_nothing():
    tensors = {"a": torch.zeros(1 << 20), "none": torch.zeros(0, 3), "one": torch.zeros(())}
    tracemalloc.start()
    fingerprint(tensors)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def test_code_is_that_of_all_python_files(tmp_path):
    found = set()
    for number, (name, text) in enumerate([("a.py", "1"), ("a.py", "2"), ("b/c.py", "3"), ("note", "4")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.py").write_text("1")
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        found.add(code_in(folder))
    assert len(found) == 3  # the note is no code


def test_a_fingerprint_is_of_the_code_of_all_pruning(monkeypatch):
    folders = []
    monkeypatch.setattr("patternlite.pruning.support.fingerprint.code_in", folders.append)
    fingerprint({})
    assert folders == [Path(patternlite.pruning.__file__).parent]
