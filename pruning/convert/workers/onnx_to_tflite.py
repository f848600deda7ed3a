"""Child program: onnx_to_tflite.py SOURCE.onnx TARGET.tflite fast|strict STAMP, with an empty current folder.

onnx2tf rebuilds the graph as a Keras model (NCHW to NHWC) and stops there: left to itself it would trace
every layer on its own and convert a second time, to fp16. One traced function through TensorFlow's converter
gives the same operations in half the time or less.

STAMP, unless empty, is a text that the file carries as metadata.
"""

from __future__ import annotations

import sys

import numpy as np
import onnx
import onnx2tf
import onnx_graphsurgeon as gs
import onnxoptimizer
import onnxsim
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from patternlite.stored.stamp import KEY

# onnx2tf compares a few activations on sample images, which it downloads unless this file is there.
_SAMPLES = "calibration_image_sample_data_20x128x128x3_float32.npy"


def main(source: str, target: str, mode: str, stamp: str) -> None:
    np.save(_SAMPLES, np.random.default_rng(0).random((20, 128, 128, 3), dtype=np.float32))
    model = onnx2tf.convert(
        onnx_graph=with_gelus(with_constant_shapes(onnx.load(source))),
        output_folder_path="onnx2tf",
        disable_strict_mode=mode == "fast",
        disable_model_save=True,
        output_signaturedefs=True,  # makes names valid in a saved model: no leading slash
        not_use_onnxsim=True,  # it would run all passes, and some change weights
        replace_to_pseudo_operators=["erf"],  # TFLite has no erf: build it of operators that it has
        non_verbose=True,
    )
    (model_input,) = model.inputs
    function = tf.function(
        lambda x: {"output": model(x)},
        input_signature=[tf.TensorSpec(model_input.shape, model_input.dtype, "input")],
    )
    module = tf.Module()  # a saved model must own the variables it uses; model.variables lacks some
    module.variables_used = function.get_concrete_function().graph.variables
    tf.saved_model.save(module, "saved_model", signatures={"serving_default": function})
    converter = tf.lite.TFLiteConverter.from_saved_model("saved_model")
    content = converter.convert()
    with open(target, "wb") as file:
        file.write(with_metadata(content, KEY, stamp) if stamp else content)


def with_constant_shapes(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Replaces computations of shapes, which are known, by constants.

    Without this, onnx2tf mistakes channels for columns where a network splits or shuffles channels as torch
    exports it.
    """
    wanted = {"eliminate_shape_op", "eliminate_shape_gather", "eliminate_slice_after_shape"}
    others = [name for name in onnxoptimizer.get_available_passes() if name not in wanted]
    simplified, _ = onnxsim.simplify(graph, skipped_optimizers=others)
    return simplified


def with_gelus(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replaces x * (1 + erf(x / sqrt(2))) / 2, as torch exports a GELU, by one operator, which TFLite has."""
    if all(node.op_type != "Erf" for node in model.graph.node):
        return model
    graph = gs.import_onnx(model)
    gelus = [gelu for node in graph.nodes if node.op == "Erf" and (gelu := _gelu_of(node, graph.outputs))]
    if not gelus:
        return model
    domain = "com.microsoft"  # onnxruntime's own operator: ONNX has one only from opset 20 on
    for x, y in gelus:
        y.inputs.clear()
        graph.nodes.append(gs.Node("Gelu", y.name, inputs=[x], outputs=[y], domain=domain))
    graph.cleanup().toposort()
    graph.import_domains = [*graph.import_domains, onnx.helper.make_opsetid(domain, 1)]
    return gs.export_onnx(graph)


def _gelu_of(erf: gs.Node, kept: list[gs.Tensor]) -> tuple[gs.Tensor, gs.Tensor] | None:
    """Input and output of the GELU around this erf, if there is one.  kept: tensors needed elsewhere."""

    def reader(tensor: gs.Tensor, op: str) -> gs.Node | None:
        alone = len(tensor.outputs) == 1 and not any(tensor is other for other in kept)
        return tensor.outputs[0] if alone and tensor.outputs[0].op == op else None

    def maker(tensor: gs.Tensor, *ops: str) -> gs.Node | None:
        return tensor.inputs[0] if tensor.inputs and tensor.inputs[0].op in ops else None

    def beside(node: gs.Node | None, number: float) -> gs.Tensor | None:
        """The node's other operand, if one is this number."""
        for one, another in (node.inputs, node.inputs[::-1]) if node else ():
            if isinstance(one, gs.Constant) and one.values.size == 1 and np.isclose(one.values, number).all():
                return another
        return None

    scaled = maker(erf.inputs[0], "Div", "Mul")
    one_more = reader(erf.outputs[0], "Add")
    if scaled is None or one_more is None or beside(one_more, 1) is None:
        return None
    x = beside(scaled, np.sqrt(2) if scaled.op == "Div" else np.sqrt(0.5))
    product = reader(one_more.outputs[0], "Mul")
    if x is None or product is None:
        return None
    (factor,) = (operand for operand in product.inputs if operand is not one_more.outputs[0])
    if factor is x:
        half = reader(product.outputs[0], "Mul")
        return (x, half.outputs[0]) if half and beside(half, 0.5) is not None else None
    return (x, product.outputs[0]) if beside(maker(factor, "Mul"), 0.5) is x else None


def with_metadata(content: bytes, name: str, text: str) -> bytes:
    """The model with another metadata buffer, added as TensorFlow's converter adds its own."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


if __name__ == "__main__":
    main(*sys.argv[1:])
