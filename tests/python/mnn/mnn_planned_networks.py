"""Networks whose layers hand tensors to each other in all the ways there are."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
from mnn_memory_networks import REUSED
from onnx_network import Network

Built = tuple[Network, ...]  # and the names of outputs

SEEDS = [seed for seed in range(25) if seed != 21]  # of which MNN's converter dies


def resnet() -> tuple[Network, str]:
    """Two stages; the second adds a 1x1 convolution that comes after the 3x3 one."""
    net = Network((2, 3, 32, 32))
    y = net.relu(net.conv("x", 3, 16, keep=1))
    y = net.pool(y, size=3, stride=2, pad=1)
    z = net.conv(net.relu(net.conv(y, 16, 16)), 16, 16)
    y = net.relu(net.op("Add", z, y))
    z = net.conv(net.relu(net.conv(y, 16, 24, stride=2)), 24, 24)
    y = net.relu(net.op("Add", z, net.conv(y, 16, 24, size=1, stride=2)))
    return net, net.conv(net.op("GlobalAveragePool", y), 24, 10, size=1)


def vgg() -> tuple[Network, str]:
    net = Network((1, 8, 20, 24))
    y = net.relu(net.conv("x", 8, 16))
    y = net.pool(net.relu(net.conv(y, 16, 16)))
    y = net.pool(net.relu(net.conv(y, 16, 20)), "AveragePool")
    return net, net.relu(net.conv(y, 20, 12))


def large_maps() -> tuple[Network, str]:
    """Their pools run in the convolutions before them."""
    net = Network((2, 8, 200, 180))
    y = net.pool(net.relu(net.conv("x", 8, 8)), size=3, stride=2, pad=1)
    y = net.pool(net.relu(net.conv(y, 8, 32)), "AveragePool")
    return net, net.conv(y, 32, 8)


def late_operand() -> tuple[Network, str]:
    """MNN computes one side of the sum, after our side."""
    net = Network((1, 16, 12, 12))
    a = net.conv("x", 16, 16)
    b = net.pool("x", size=3, stride=1, pad=1)
    return net, net.conv(net.op("Add", a, b), 16, 8)


def read_by_both() -> tuple[Network, ...]:
    """Tensors that ours and MNN's operators read, and one that is an output, too."""
    net = Network((1, 16, 10, 14))
    a = net.conv("x", 16, 16)
    b = net.conv(a, 16, 16)
    c = net.op("Sin", a)
    d = net.op("Add", b, a)
    e = net.conv(net.op("Max", c, d), 16, 8)
    return net, e, d  # type: ignore[return-value]


def twice_the_same() -> tuple[Network, str]:
    net = Network((1, 16, 9, 9))
    a = net.conv("x", 16, 16)
    return net, net.conv(net.op("Add", a, a), 16, 16)


def padded() -> tuple[Network, str]:
    """Zeros around the image as operators of their own, as Keras has them: before a strided convolution,
    before pooling, and two that are not just that."""
    net = Network((2, 16, 13, 15))
    y = net.relu(net.conv("x", 16, 16))
    y = net.pool(net.pad(y, (0, 0, 1, 1, 0, 0, 1, 1)), size=3, stride=1)
    y = net.relu(net.conv(net.pad(y, (0, 0, 0, 1, 0, 0, 1, 2)), 16, 24, stride=2, pads=(0, 0, 0, 0)))
    y = net.conv(net.pad(y, (0, 0, 1, 1, 0, 0, 1, 1), "reflect"), 24, 16, pads=(0, 0, 0, 0))
    y = net.conv(net.pad(y, (0, 4, 0, 0, 0, 4, 0, 0)), 24, 8)  # around the channels
    return net, y


def activations_alone() -> tuple[Network, str]:
    net = Network((1, 16, 12, 10))
    a = net.conv("x", 16, 16)
    b = net.op("Add", net.conv(a, 16, 16), a)
    c = net.relu6(b)
    d = net.op("Add", net.relu(net.op("Sin", b)), c)
    return net, net.conv(net.op("Elu", d, alpha=0.1), 16, 8)


def gates() -> tuple[Network, str]:
    """SiLU, a squeeze-and-excite block, products of maps, one of them of a single channel, leaky ReLU and
    hard swish."""
    net = Network((2, 16, 12, 10))
    a = net.conv("x", 16, 20)
    a = net.conv(net.op("Mul", a, net.op("Sigmoid", a)), 20, 20)
    scale = net.relu(net.conv(net.op("GlobalAveragePool", a), 20, 8, size=1, keep=0.9))
    scale = net.op("Sigmoid", net.conv(scale, 8, 20, size=1, keep=0.9))
    b = net.conv(net.op("Mul", a, scale), 20, 20)
    b = net.conv(net.op("LeakyRelu", net.op("Mul", b, a), alpha=0.1), 20, 20)
    b = net.op("HardSwish", b)
    return net, net.conv(net.op("Mul", b, net.conv(b, 20, 1)), 20, 8)


def concatenations() -> tuple[Network, str]:
    """Of channels that fill MNN's blocks and such that do not, one part twice, one that is MNN's."""
    net = Network((2, 16, 11, 9))
    a, b = net.conv("x", 16, 16), net.conv("x", 16, 21)
    c = net.conv(net.op("Concat", a, b, net.pool(a, size=3, stride=1, pad=1), axis=1), 53, 16)
    d = net.conv(net.op("Concat", c, c, axis=1), 32, 16)
    e = net.op("Concat", net.op("Sin", d), d, axis=1)
    return net, net.conv(net.op("Concat", e, e, axis=2), 32, 8)


def read_as_rows(parts: int, images: int, kind: str) -> tuple[Network, str]:
    """A concatenation for a convolution of ours and then, in rows, for a product of matrices, as
    attention has it; parts: one is there twice, or two; kind: of the operator that made them."""
    net = Network((images, 16, 20, 20))
    made = [net.op(kind, net.conv("x", 16, 36, keep=0.1)) for _ in range(parts)]
    y = net.op("Concat", made[0], made[-1], axis=1)
    z = net.conv(y, 72, 64, keep=0.05)
    rows, columns = (
        net.op("Reshape", each, net.constant(np.array((images, channels, 400), np.int64)))
        for each, channels in ((y, 72), (z, 64))
    )
    return net, net.op("MatMul", rows, net.op("Transpose", columns, perm=[0, 2, 1]))


def inverted_residuals() -> tuple[Network, str]:
    """As MobileNetV2 begins: no layer saves as much as it costs to bring its tensors here and back."""
    net = Network((1, 3, 64, 64))
    y = net.relu6(net.conv("x", 3, 16, stride=2, keep=1))
    for filters, stride in ((16, 1), (16, 1), (24, 2), (24, 1)):
        channels = 16 if filters == 16 or stride == 2 else 24
        z = net.relu6(net.conv(y, channels, 6 * channels, size=1, keep=0.25))
        z = net.relu6(net.conv(z, 6 * channels, 6 * channels, stride=stride, keep=1, group=6 * channels))
        z = net.conv(z, 6 * channels, filters, size=1, keep=0.25)
        y = net.op("Add", y, z) if stride == 1 else z
    return net, net.conv(y, 24, 96, keep=0.1)


def no_run() -> tuple[Network, str]:
    """The first layer and the last pay; what is between is MNN's, or too little alone."""
    net = Network((1, 32, 40, 40))
    y = net.op("Sin", net.conv("x", 32, 32, keep=0.05))
    y = net.op("Sin", net.conv(y, 32, 32, size=1, keep=0.5))
    return net, net.conv(y, 32, 32, keep=0.05)


def sum_over_images() -> tuple[Network, str]:
    """A batch and a map of one image: their sum is ours where the batch is of one, too."""
    net = Network((2, 16, 12, 10))
    y = net.conv(net.slice("x", 0, 1, axis=0), 16, 16)
    return net, net.conv(net.relu(net.op("Add", net.conv("x", 16, 16), y)), 16, 8)


def large_batch() -> tuple[Network, ...]:
    """Of what MNN runs, as where attention cuts a map into windows."""
    net = Network((1, 16, 32, 32))
    y = net.conv(net.relu(net.conv("x", 16, 16)), 16, 16)
    windows = net.op("Reshape", "x", net.constant(np.array((64, 16, 4, 4), np.int64)))
    return net, y, net.op("Sigmoid", windows)  # type: ignore[return-value]


def random_network(seed: int) -> Built:
    """Any operators in any order; what nobody reads is an output."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(8, 24, 2)
    net = Network((int(rng.integers(1, 3)), 16, int(height), int(width)), seed)
    tensors = [("x", 16, (height, width))]
    unread: set[str] = set()

    def step() -> tuple[str, int, tuple[int, int]]:
        x, channels, (h, w) = tensors[rng.integers(len(tensors))]
        alike = [t for t in tensors if t[1:] == (channels, (h, w))]
        match rng.integers(15):
            case 0 | 1:
                filters = int(rng.choice([channels, 16, 21]))
                return read(net.conv(x, channels, filters, keep=0.5), x), filters, (h, w)
            case 2:
                filters = int(rng.choice([channels, 24]))
                return read(net.conv(x, channels, filters, size=1, keep=0.3), x), filters, (h, w)
            case 3 if min(h, w) > 4:
                y = net.conv(x, channels, channels, stride=2, keep=0.5)
                return read(y, x), channels, ((h + 1) // 2, (w + 1) // 2)
            case 4 if min(h, w) > 4:
                kind = str(rng.choice(["MaxPool", "AveragePool"]))
                return read(net.pool(x, kind), x), channels, (h // 2, w // 2)
            case 5:
                kind = str(rng.choice(["Sigmoid", "Relu", "Tanh", "Sin", "HardSwish"]))
                return read(net.op(kind, x), x), channels, (h, w)
            case 6 if channels < 64:
                other = alike[rng.integers(len(alike))][0]
                return read(net.op("Concat", x, other, axis=1), x, other), 2 * channels, (h, w)
            case 8:
                stride = int(rng.integers(1, 3)) if min(h, w) > 4 else 1
                y = net.relu6(net.conv(x, channels, channels, stride=stride, keep=1, group=channels))
                return read(y, x), channels, (-(-h // stride), -(-w // stride))
            case 7 if h < 30:
                return read(net.pad(x, (0, 0, 1, 0, 0, 0, 2, 1)), x), channels, (h + 3, w + 1)
            case 9:
                kind = str(rng.choice(["Add", "Sub", "Mul", "Div"]))
                return read(net.op(kind, x, net.by_channel(channels)), x), channels, (h, w)
            case 10 if channels > 8:
                first, last = sorted(int(n) for n in rng.choice(channels + 1, 2, replace=False))
                return read(net.slice(x, first, last), x), last - first, (h, w)
            case 11 if channels % 4 == 0 and max(h, w) < 20:
                return read(net.op("DepthToSpace", x, blocksize=2), x), channels // 4, (2 * h, 2 * w)
            case 12:
                y = net.pool(x, "AveragePool", 3, 1, 1, zeros=bool(rng.integers(2)))
                return read(y, x), channels, (h, w)
            case 13 if min(h, w) > 6:
                return read(net.slice(x, 1, h - 2, axis=2), x), channels, (h - 3, w)
            case _:
                other = alike[rng.integers(len(alike))][0]
                kinds = ["Add", "Mul"] if other == x else ["Add", "Mul", "Sub"]
                y = net.op(str(rng.choice(kinds)), x, other)
                return read(net.relu(y) if rng.random() < 0.5 else y, x, other), channels, (h, w)

    def read(y: str, *inputs: str) -> str:
        unread.difference_update(inputs)
        unread.add(y)
        return y

    for _ in range(14):
        tensors.append(step())
    return net, *sorted(unread)


PLANNED: dict[str, Callable[[], Built]] = {  # type: ignore[type-arg]
    "resnet": resnet,
    "vgg": vgg,
    "large-maps": large_maps,
    "late-operand": late_operand,
    "read-by-both": read_by_both,
    "twice-the-same": twice_the_same,
    "padded": padded,
    "activations-alone": activations_alone,
    "gates": gates,
    "concatenations": concatenations,
    **{
        f"rows-of-{parts}-{images}-{kind}": partial(read_as_rows, parts, images, kind)
        for parts, images, kind in itertools.product((1, 2), (1, 2), ("Relu", "Sin"))
    },
    "inverted-residuals": inverted_residuals,
    "no-run": no_run,
    **REUSED,
    "sum-over-images": sum_over_images,
    "large-batch": large_batch,
    **{f"random-{seed}": partial(random_network, seed) for seed in SEEDS},
}
