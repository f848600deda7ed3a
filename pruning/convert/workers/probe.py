"""Child program: probe.py MODEL INPUTS.npy|- RESULT.npz

Runs the model in its stock runtime and reads the zeros of its convolution weights. With "-" it draws the
inputs itself. RESULT holds
    inputs   (samples, *input shape)   as fed, in the file's own layout
    outputs  (samples, *output shape)
    zeros_0, zeros_1, ...              one bool array (O, I/groups, H, W) per convolution: weight == 0
A convolution whose weights are not stored as plain or fp16 constants is left out. For a model that cannot be
probed, RESULT holds only the reason, as "refused".
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patternlite.errors import PatternliteError
from patternlite.runtimes.installed import tflite_runtime
from patternlite.runtimes.sessions import mnn_interpreter, mnn_values, tflite_interpreter
from patternlite.stored.weights import conv_weights

Array = NDArray[Any]

SAMPLES = 3
SEED = 0
_WINOGRAD_MEMORY = 3  # MNN::Interpreter::HintMode


def draw(shape: list[Any], float32: bool) -> Array:
    """Standard normal samples for a model input."""
    if len(shape) != 4 or not all(isinstance(n, int) and n > 0 for n in shape) or not float32:
        raise PatternliteError(
            f"the input has shape {shape}{'' if float32 else ' and is not float32'}: export the model with "
            "one float32 image of a fixed 4-D shape as input"
        )
    return np.random.default_rng(SEED).standard_normal((SAMPLES, *shape), dtype=np.float32)


def only(items: list[Any], what: str) -> Any:
    if len(items) != 1:
        raise PatternliteError(f"the model must have one {what}; it has {len(items)}")
    return items[0]


def probe_onnx(path: str, inputs: Array | None) -> dict[str, Any]:
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    model_input = only(session.get_inputs(), "input")
    only(session.get_outputs(), "output")
    if inputs is None:
        inputs = draw(model_input.shape, model_input.type == "tensor(float)")
    outputs = [session.run(None, {model_input.name: x})[0] for x in inputs]

    graph = onnx.load(path).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {
        node.output[0]: attribute.t
        for node in graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }
    for node in graph.node:  # the exporter uses Identity for a tensor that is used twice; nodes are sorted
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    weights = [
        onnx.numpy_helper.to_array(constants[node.input[1]])
        for node in graph.node
        if node.op_type == "Conv" and node.input[1] in constants
    ]
    return result(inputs, outputs, [w for w in weights if w.ndim == 4])


def probe_tflite(path: str, inputs: Array | None) -> dict[str, Any]:
    interpreter = tflite_interpreter(tflite_runtime())(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    model_input = only(interpreter.get_input_details(), "input")
    model_output = only(interpreter.get_output_details(), "output")
    if inputs is None:
        inputs = draw(model_input["shape_signature"].tolist(), model_input["dtype"] == np.float32)
    outputs = []
    for x in inputs:
        interpreter.set_tensor(model_input["index"], x)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(model_output["index"]))
    return result(inputs, outputs, stored(path))


def probe_mnn(path: str, inputs: Array | None) -> dict[str, Any]:
    import MNN

    if inputs is None:
        raise PatternliteError("a .mnn file is only ever a target")
    network = mnn_interpreter(path)
    network.setSessionHint(_WINOGRAD_MEMORY, 0)  # no Winograd, which rounds by up to 1e-3 of the outputs
    session = network.createSession({"backend": "CPU", "precision": "high", "numThread": 1})
    model_input = only(list(network.getSessionInputAll(session).values()), "input")
    model_output = only(list(network.getSessionOutputAll(session).values()), "output")
    if tuple(model_input.getShape()) != inputs.shape[1:]:
        found = model_input.getShape()
        raise PatternliteError(f"the input has shape {found}, expected {inputs.shape[1:]}")
    outputs = []
    for x in inputs:
        host = MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, model_input.getDimensionType())
        model_input.copyFrom(host)
        network.runSession(session)
        outputs.append(mnn_values(model_output))
    return result(inputs, outputs, stored(path))


def stored(path: str) -> list[Array]:
    """The convolution weights of a .tflite or .mnn file."""
    with open(path, "rb") as file:
        return list(conv_weights(file.read(), os.path.splitext(path)[1]))


def result(inputs: Array, outputs: list[Array], weights: list[Array]) -> dict[str, Any]:
    zeros = {f"zeros_{i}": weight == 0 for i, weight in enumerate(weights)}
    return {"inputs": inputs, "outputs": np.stack(outputs), **zeros}


PROBES = {".onnx": probe_onnx, ".tflite": probe_tflite, ".mnn": probe_mnn}


def main(path: str, inputs: str, target: str) -> None:
    probe = PROBES[os.path.splitext(path)[1]]
    arrays: dict[str, Any]
    try:
        arrays = probe(path, None if inputs == "-" else np.load(inputs))
    except PatternliteError as error:
        arrays = {"refused": str(error)}
    np.savez(target, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
