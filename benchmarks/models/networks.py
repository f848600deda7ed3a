"""The networks, as Keras models that return logits; for 224x224 images unless they say otherwise.

Each function takes `tf.keras.layers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def resnet18(keras: Any) -> Any:
    return _resnet(keras, _basic_block, (2, 2, 2, 2))


def resnet50(keras: Any) -> Any:
    return _resnet(keras, _bottleneck, (3, 4, 6, 3))


def vgg16(keras: Any) -> Any:
    return _application("VGG16")


def resnet18_cifar(keras: Any) -> Any:
    """For 32x32 images: a 3x3 stem without stride, and no pool."""
    image = keras.Input((32, 32, 3))
    return _stages(keras, image, _conv(keras, image, 64, 3, relu=True), _basic_block, (2, 2, 2, 2), 10)


def vgg16_cifar(keras: Any) -> Any:
    """For 32x32 images: VGG-16's convolutions, and one fully connected layer."""
    x = image = keras.Input((32, 32, 3))
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            x = _conv(keras, x, width, 3, relu=True)
        x = keras.MaxPooling2D(2, 2)(x)
    return _model(image, keras.Dense(10)(keras.Flatten()(x)))


def mobilenetv2(keras: Any) -> Any:
    return _application("MobileNetV2")


def resnet50v2(keras: Any) -> Any:
    """Its batch norms come before convolutions, and so become separate scales and shifts."""
    return _application("ResNet50V2")


def densenet121(keras: Any) -> Any:
    """As resnet50v2, with each map concatenated to those before it."""
    return _application("DenseNet121")


def nasnetmobile(keras: Any) -> Any:
    """A network of many small layers, pads and pools."""
    return _application("NASNetMobile")


def unet(keras: Any) -> Any:
    """U-Net (Ronneberger et al. 2015) for 320x320 images; it returns a map of two classes."""
    widths = (32, 64, 128, 256)
    x = image = keras.Input((320, 320, 3))
    skipped = []
    for width in widths:
        x = _conv(keras, _conv(keras, x, width, 3, relu=True), width, 3, relu=True)
        skipped.append(x)
        x = keras.MaxPooling2D(2, 2)(x)
    x = _conv(keras, x, widths[-1], 3, relu=True)
    for width in reversed(widths):
        x = keras.Concatenate()([keras.UpSampling2D(2)(x), skipped.pop()])
        x = _conv(keras, _conv(keras, x, width, 3, relu=True), width, 3, relu=True)
    return _model(image, _conv(keras, x, 2, 1))


def detector(keras: Any) -> Any:
    """Like the smaller YOLOs, for 416x416 images: cross-stage blocks with SiLU, and an answer from maps of
    several scales.
    """
    image = keras.Input((416, 416, 3))
    x = _silu(keras, _silu(keras, image, 32, 3, stride=2), 64, 3, stride=2)
    x = _cross_stage(keras, x, 64, 1)
    scales = []
    for width, depth in ((128, 2), (256, 2), (512, 1)):
        x = _cross_stage(keras, _silu(keras, x, width, 3, stride=2), width, depth)
        scales.append(x)
    for width, scale in ((256, scales[1]), (128, scales[0])):
        x = keras.UpSampling2D(2)(_silu(keras, x, width, 1))
        x = _cross_stage(keras, keras.Concatenate()([x, scale]), width, 1)
    return _model(image, _conv(keras, x, 85, 1))


def tiny(keras: Any) -> Any:
    """For the tests: one layer of each kind that is pruned."""
    image = keras.Input((16, 16, 3))
    x = _conv(keras, image, 16, 3, relu=True)
    x = _conv(keras, x, 16, 3, relu=True)
    x = _conv(keras, x, 32, 3, stride=2, relu=True)
    x = keras.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    x = _conv(keras, x, 32, 1, relu=True)
    return _model(image, keras.Dense(10)(keras.GlobalAveragePooling2D()(x)))


NETWORKS: dict[str, Callable[[Any], Any]] = {
    f.__name__: f
    for f in (
        resnet18, resnet50, vgg16, mobilenetv2, resnet50v2, densenet121, nasnetmobile, unet, detector,
        resnet18_cifar, vgg16_cifar, tiny,
    )
}  # fmt: skip


def _application(name: str) -> Any:
    from tensorflow.keras import applications

    return getattr(applications, name)(weights=None, classifier_activation=None)


def _resnet(keras: Any, block: Callable[..., Any], depths: tuple[int, ...]) -> Any:
    """As torchvision's: explicit pads, and the stride in the 3x3 convolution. Batch norms are folded."""
    image = keras.Input((224, 224, 3))
    x = _conv(keras, image, 64, 7, stride=2, relu=True)
    x = keras.MaxPooling2D(3, 2)(keras.ZeroPadding2D(1)(x))
    return _stages(keras, image, x, block, depths, 1000)


def _stages(
    keras: Any, image: Any, x: Any, block: Callable[..., Any], depths: tuple[int, ...], classes: int
) -> Any:
    for stage, depth in enumerate(depths):
        for i in range(depth):
            x = block(keras, x, 64 << stage, 2 if stage and not i else 1)
    return _model(image, keras.Dense(classes)(keras.GlobalAveragePooling2D()(x)))


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


def _cross_stage(keras: Any, x: Any, width: int, depth: int) -> Any:
    """Wang et al. 2020, CSPNet: half of the channels bypass the residual blocks."""
    past = _silu(keras, x, width // 2, 1)
    x = _silu(keras, x, width // 2, 1)
    for _ in range(depth):
        y = _silu(keras, _silu(keras, x, width // 2, 1), width // 2, 3)
        x = keras.Add()([x, y])
    return _silu(keras, keras.Concatenate()([past, x]), width, 1)


def _silu(keras: Any, x: Any, filters: int, size: int, *, stride: int = 1) -> Any:
    return keras.Activation("swish")(_conv(keras, x, filters, size, stride=stride))


def _conv(keras: Any, x: Any, filters: int, size: int, *, stride: int = 1, relu: bool = False) -> Any:
    if stride > 1 and size > 1:
        x = keras.ZeroPadding2D(size // 2)(x)
    padding = "valid" if stride > 1 else "same"
    return keras.Conv2D(filters, size, stride, padding, activation="relu" if relu else None)(x)


def _model(image: Any, output: Any) -> Any:
    from tensorflow import keras

    return keras.Model(image, output)
