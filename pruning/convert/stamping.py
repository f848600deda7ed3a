"""Writes and reads the stamp of the masks in a file, to carry it from one format to the next."""

from __future__ import annotations

from pathlib import Path

from patternlite.stored.stamp import KEY, Stamp, read_stamp


def put_stamp(stamp: Stamp, path: Path) -> None:
    """Adds the stamp to the metadata of a .onnx file."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {KEY: stamp.to_json()})
    onnx.save(model, path)


def stamp_in(path: Path) -> str:
    """The stamp of a .onnx or .tflite file as text; empty where there is none."""
    if path.suffix != ".onnx":
        stamp = read_stamp(path.read_bytes(), path.suffix)
        return stamp.to_json() if stamp else ""
    import onnx

    return next((entry.value for entry in onnx.load(path).metadata_props if entry.key == KEY), "")
