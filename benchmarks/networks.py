"""The networks, as Keras models that return logits. Each function takes `tf.keras.layers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def resnet18(keras: Any) -> Any:
    return _resnet(keras, _basic_block, (2, 2, 2, 2))


def resnet50(keras: Any) -> Any:
    return _resnet(keras, _bottleneck, (3, 4, 6, 3))


def vgg16(keras: Any) -> Any:
    from tensorflow.keras.applications import VGG16

    return VGG16(weights=None, classifier_activation=None)


def mobilenetv2(keras: Any) -> Any:
    from tensorflow.keras.applications import MobileNetV2

    return MobileNetV2(weights=None, classifier_activation=None)


def tiny(keras: Any) -> Any:
    """For the tests: one of each kind of layer that is pruned."""
    image = keras.Input((16, 16, 3))
    x = _conv(keras, image, 16, 3, relu=True)
    x = _conv(keras, x, 16, 3, relu=True)
    x = _conv(keras, x, 32, 3, stride=2, relu=True)
    x = keras.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    x = _conv(keras, x, 32, 1, relu=True)
    return _model(image, keras.Dense(10)(keras.GlobalAveragePooling2D()(x)))


NETWORKS: dict[str, Callable[[Any], Any]] = {
    f.__name__: f for f in (resnet18, resnet50, vgg16, mobilenetv2, tiny)
}


def _resnet(keras: Any, block: Callable[..., Any], depths: tuple[int, ...]) -> Any:
    """As torchvision's: explicit pads, and the stride in the 3x3 convolution. Batch norms are folded."""
    image = keras.Input((224, 224, 3))
    x = _conv(keras, image, 64, 7, stride=2, relu=True)
    x = keras.MaxPooling2D(3, 2)(keras.ZeroPadding2D(1)(x))
    for stage, depth in enumerate(depths):
        for i in range(depth):
            x = block(keras, x, 64 << stage, 2 if stage and not i else 1)
    return _model(image, keras.Dense(1000)(keras.GlobalAveragePooling2D()(x)))


def _basic_block(keras: Any, x: Any, width: int, stride: int) -> Any:
    y = _conv(keras, x, width, 3, stride=stride, relu=True)
    return _residual(keras, x, _conv(keras, y, width, 3), stride)


def _bottleneck(keras: Any, x: Any, width: int, stride: int) -> Any:
    y = _conv(keras, x, width, 1, relu=True)
    y = _conv(keras, y, width, 3, stride=stride, relu=True)
    return _residual(keras, x, _conv(keras, y, 4 * width, 1), stride)


def _residual(keras: Any, x: Any, y: Any, stride: int) -> Any:
    if x.shape != y.shape:
        x = _conv(keras, x, y.shape[-1], 1, stride=stride)
    return keras.ReLU()(keras.Add()([y, x]))


def _conv(keras: Any, x: Any, filters: int, size: int, *, stride: int = 1, relu: bool = False) -> Any:
    if stride > 1 and size > 1:
        x = keras.ZeroPadding2D(size // 2)(x)
    padding = "valid" if stride > 1 else "same"
    return keras.Conv2D(filters, size, stride, padding, activation="relu" if relu else None)(x)


def _model(image: Any, output: Any) -> Any:
    from tensorflow import keras

    return keras.Model(image, output)
