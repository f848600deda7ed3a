"""Copies of .mnn files that no converter would write, as damage leaves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def edit(source: str, edited: str, kind: str, options: dict[str, Any], becomes: str = "") -> bool:
    """Writes a .mnn file anew, with other options in its first operator of a kind: None leaves one out.

    becomes: the kind that the operator is to be of, then with no options but these.
    As onnx_network.convert(), in a process apart.
    """
    import _tools  # type: ignore[import-not-found]

    text = Path(edited).with_suffix(".json")
    dumped = ["mnnconvert", "-f", "MNN", "--modelFile", source, "--JsonFile", str(text)]
    if not _tools.mnnconvert([*dumped, "--bizCode", "patternlite"]):
        return False
    model = json.loads(text.read_text())
    op = next(op for op in model["oplists"] if op["type"] == kind)
    if becomes:
        op |= {"type": becomes, "main_type": becomes, "main": {}}
    fields = op["main"].get("common", op["main"])
    fields |= options
    for name in [name for name, value in options.items() if value is None]:
        del fields[name]
    text.write_text(json.dumps(model))
    built = ["mnnconvert", "-f", "JSON", "--modelFile", str(text), "--MNNModel", edited]
    return _tools.mnnconvert([*built, "--bizCode", "patternlite"])
