"""Child program: to_mnn.py SOURCE.onnx|SOURCE.tflite TARGET.mnn [STAMP]

STAMP is a text that the file carries as its bizCode.

Calls MNN's converter by its C function, because the wheel's `mnnconvert` script would first install a package
and report its use to a server.
"""

from __future__ import annotations

import os
import sys

import _tools

_FORMATS = {".onnx": "ONNX", ".tflite": "TFLITE"}


def main(source: str, target: str, stamp: str = "") -> None:
    kind = _FORMATS[os.path.splitext(source)[1]]
    if kind == "ONNX":
        source = with_slopes_of_channels(source)
    arguments = ["-f", kind, "--modelFile", source, "--MNNModel", target, "--bizCode", stamp or "patternlite"]
    converted = _tools.mnnconvert(["mnnconvert", *arguments])
    # The converter returns True even for a file that is no ONNX model at all.
    if not converted or not os.path.exists(target):
        sys.exit("MNN's converter wrote no file")


def with_slopes_of_channels(source: str) -> str:
    """The file, or a copy here in which the slopes of maps' PReLUs have the shape (1, C, 1, 1).

    torch exports (C, 1, 1), which MNN's converter turns into a comparison, a selection and a product.
    """
    import onnx  # .tflite files need none of it

    if all(node.op_type != "PRelu" for node in onnx.load(source, load_external_data=False).graph.node):
        return source
    model = onnx.shape_inference.infer_shapes(onnx.load(source))
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:  # torch stores equal constants once
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    maps = {it.name for it in graph.value_info if len(it.type.tensor_type.shape.dim) == 4}
    for node in graph.node:
        if node.op_type != "PRelu" or node.input[0] not in maps or node.input[1] not in constants:
            continue
        slopes = constants[node.input[1]]
        if len(slopes.dims) == 3 and list(slopes.dims[1:]) == [1, 1]:
            of_channels = onnx.TensorProto()
            of_channels.CopyFrom(slopes)
            of_channels.name = f"{node.output[0]}/slopes"
            of_channels.dims.insert(0, 1)
            graph.initializer.append(of_channels)
            node.input[1] = of_channels.name
    onnx.save(model, "source.onnx")
    return "source.onnx"


if __name__ == "__main__":
    main(*sys.argv[1:])
