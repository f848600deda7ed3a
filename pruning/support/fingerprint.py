"""Digests of tensors, settings and this code, which tell runs apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from patternlite import __version__

_PACKAGE = Path(__file__).parents[1]  # patternlite.pruning: each of its files may affect a run's outcome


def digest_of(tensors: Mapping[str, Tensor], begin: bytes = b"") -> str:
    """sha256 of `begin` and the tensors' names, types, shapes and bytes, sorted by name."""
    digest = hashlib.sha256(begin)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def fingerprint(tensors: Mapping[str, Tensor], *settings: object) -> str:
    """sha256 of tensors (names, types, shapes and bits), the repr of `settings`, and this code."""
    return digest_of(tensors, repr((__version__, code_in(_PACKAGE), *settings)).encode())


@cache
def code_in(folder: Path) -> str:
    """sha256 of the folder's Python files, since they may differ at the same version number."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
