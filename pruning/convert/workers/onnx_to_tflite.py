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
import onnxoptimizer
import onnxsim
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from patternlite.stored.stamp import KEY

# onnx2tf compares a few activations on sample images. Without this file here it downloads them.
_SAMPLES = "calibration_image_sample_data_20x128x128x3_float32.npy"


def main(source: str, target: str, mode: str, stamp: str) -> None:
    np.save(_SAMPLES, np.random.default_rng(0).random((20, 128, 128, 3), dtype=np.float32))
    model = onnx2tf.convert(
        onnx_graph=with_constant_shapes(onnx.load(source)),
        output_folder_path="onnx2tf",
        disable_strict_mode=mode == "fast",
        disable_model_save=True,
        output_signaturedefs=True,  # makes names valid in a saved model: no leading slash
        not_use_onnxsim=True,  # all of its passes: some change weights
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
    """What the graph computes of shapes, which are known, becomes constants: where a network splits or
    reshuffles channels, as torch exports it, onnx2tf mistakes channels for columns otherwise."""
    wanted = {"eliminate_shape_op", "eliminate_shape_gather", "eliminate_slice_after_shape"}
    others = [name for name in onnxoptimizer.get_available_passes() if name not in wanted]
    simplified, _ = onnxsim.simplify(graph, skipped_optimizers=others)
    return simplified


def with_metadata(content: bytes, name: str, text: str) -> bytes:
    """The model with one more metadata buffer. TensorFlow's converter adds its own in the same way."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


if __name__ == "__main__":
    main(*sys.argv[1:])
