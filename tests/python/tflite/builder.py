"""Writes small .tflite models, one operator after the other, without a converter."""

from __future__ import annotations

from .computing_operators import ComputingOperators
from .model_file import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, TANH, VALID
from .moving_operators import MovingOperators

__all__ = ["NONE", "RELU", "RELU6", "RELU_N1_TO_1", "SAME", "TANH", "VALID", "ModelBuilder"]


class ModelBuilder(ComputingOperators, MovingOperators):
    """Methods add an operator and return the index of its output tensor."""
