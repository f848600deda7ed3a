"""Networks whose layers lie in memory that others of them have used: of other sizes, or of more images."""

from __future__ import annotations

from collections.abc import Callable

from onnx_network import Network


def concatenated_pools() -> tuple[Network, str]:
    """The first to write what a convolution reads with zeros around it is a pool, into used memory."""
    net = Network((2, 16, 22, 18))
    a = net.pool(net.conv(net.conv("x", 16, 16), 16, 16))
    b = net.conv(net.op("Concat", a, net.conv(a, 16, 16), axis=1), 32, 16)
    return net, net.conv(b, 16, 8)


def concatenated_with_a_pool() -> tuple[Network, str]:
    """Zeros around both parts are read; the convolution, which is the first to write, writes its own."""
    net = Network((2, 16, 22, 18))
    a = net.pool(net.conv(net.conv("x", 16, 16), 16, 16))
    b = net.op("Concat", net.conv(a, 16, 16, size=1), net.pool(a, size=3, stride=1, pad=1), axis=1)
    return net, net.conv(b, 32, 16)


def batches() -> tuple[Network, ...]:
    """Four images, then one, then four of the one's size, in the same memory."""
    net = Network((4, 16, 24, 20))
    a = net.op("Sin", net.conv(net.conv("x", 16, 16), 16, 16))
    a = net.pool(a)
    b = net.conv(net.slice(a, 0, 1, axis=0), 16, 16)
    c = net.op("Max", net.op("Sin", a), net.op("ReduceMean", b, axes=[2, 3], keepdims=1))
    return net, net.conv(net.conv(c, 16, 16), 16, 8), b  # type: ignore[return-value]


def one_of_a_batch() -> tuple[Network, str]:
    """Layers of four images, then of one of them, in the same memory."""
    net = Network((4, 16, 24, 20))
    y = net.conv(net.conv("x", 16, 16), 16, 16)
    return net, net.conv(net.conv(net.slice(y, 0, 1, axis=0), 16, 16), 16, 16)


def batch_after_one() -> tuple[Network, str]:
    """Layers of one image, then of four, in the same memory."""
    net = Network((4, 16, 24, 20))
    y = net.conv(net.conv(net.slice("x", 0, 1, axis=0), 16, 16), 16, 16)
    z = net.op("Max", "x", net.op("ReduceMean", y, axes=[2, 3], keepdims=1))
    return net, net.conv(net.conv(z, 16, 16), 16, 16)


def batch_after_a_pool() -> tuple[Network, str]:
    """A pool of one image, then layers of four of its size, in memory that larger ones have used."""
    net = Network((4, 16, 24, 20))
    y = net.conv(net.conv("x", 16, 16), 16, 16)
    z = net.conv(net.pool(net.conv(net.slice(y, 0, 1, axis=0), 16, 16)), 16, 16)
    z = net.op("Max", net.pool(net.op("Sin", y)), net.op("ReduceMean", z, axes=[2, 3], keepdims=1))
    return net, net.conv(z, 16, 8)


REUSED: dict[str, Callable[[], tuple[Network, ...]]] = {
    "concatenated-pools": concatenated_pools,
    "concatenated-with-a-pool": concatenated_with_a_pool,
    "batches": batches,
    "one-of-a-batch": one_of_a_batch,
    "batch-after-one": batch_after_one,
    "batch-after-a-pool": batch_after_a_pool,
}
