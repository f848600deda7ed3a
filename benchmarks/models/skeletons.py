"""Model files as TensorFlow's converter writes them, with meaningless weights.

Only this module imports TensorFlow, which is large and prints a lot: call it in a child process
(patternlite.support.isolated).
"""

from __future__ import annotations

import os
from pathlib import Path

from . import networks
from .stacks import Stack

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


def convert(what: str | Stack, batch: int, target: str) -> None:
    """Writes a network or a stack as a .tflite file."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    build = what.build if isinstance(what, Stack) else networks.NETWORKS[what]
    model = build(tf.keras.layers)
    shape = (batch, *model.inputs[0].shape[1:])
    function = tf.function(model).get_concrete_function(tf.TensorSpec(shape, tf.float32, "input"))
    # Otherwise the converter may keep variables, which MNN does not know.
    constant = convert_variables_to_constants_v2(function)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([constant])
    Path(target).write_bytes(converter.convert())
