"""Networks that MNN's interpreter makes another session of than of most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx_network import Network


def integer_input() -> tuple[Network, str]:
    """The first input is not of the plugin's backend: MNN leaves integers to another one of its own."""
    net = Network((1, 16, 8, 8), inputs={"a": TensorProto.INT32, "x": TensorProto.FLOAT})
    a = net.op("Cast", net.op("Add", "a", "a"), to=TensorProto.FLOAT)
    return net, net.op("Add", net.conv("x", 16, 16), a)


def integers_about() -> tuple[Network, str]:
    """And so is the first output: the largest channels' numbers."""
    net, y = integer_input()
    return net, net.op("Cast", net.op("ArgMax", y, axis=1), to=TensorProto.INT32)


def not_cloned() -> tuple[Network, str]:
    """Between layers of ours, one of groups, one that MNN makes anew for a clone: of weights computed."""
    net = Network((1, 16, 12, 12))
    y = net.conv(net.relu(net.conv("x", 16, 48, group=4)), 48, 16)
    net.weights.append(numpy_helper.from_array(np.ones((16, 16, 3, 3), np.float32), "ones"))
    weights = net.op("Mul", "ones", net.op("ReduceMean", y, keepdims=1))
    y = net.op("Conv", y, weights, kernel_shape=[3, 3], pads=[1] * 4)
    return net, net.conv(y, 16, 16)


def control_flow() -> tuple[Network, str]:
    """Adds or subtracts, by the sign of the input's sum."""
    net = Network((1, 16, 8, 8))
    net.weights.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
    y = net.relu(net.conv("x", 16, 16))
    is_more = net.op("Greater", net.op("ReduceSum", "x", keepdims=0), "zero")
    branches = [
        helper.make_graph(
            [helper.make_node(kind, [y, "x"], [kind], name=kind)],
            kind,
            [],
            [helper.make_tensor_value_info(kind, TensorProto.FLOAT, None)],
        )
        for kind in ("Add", "Sub")
    ]
    y = net.op("If", is_more, then_branch=branches[0], else_branch=branches[1])
    return net, net.conv(y, 16, 16)


REPORTED: dict[str, Callable[[], tuple[Network, str]]] = {
    "integer-input": integer_input,
    "integers-about": integers_about,
    "not-cloned": not_cloned,
    "control-flow": control_flow,
}
