"""What tests do with MNN; called in child processes, where a crash is a failure with words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

Rows = list[dict[str, Any]]


class Session:
    """An interpreter session; backend None is MNN's own CPU."""

    def __init__(self, path: str, backend: int | None, threads: int = 1) -> None:
        import MNN

        self._mnn = MNN
        self._interpreter = MNN.Interpreter(path)
        config = {"backend": "CPU" if backend is None else backend, "numThread": threads}
        self._session = self._interpreter.createSession(config)
        self._input = self._interpreter.getSessionInput(self._session)

    def run(self, x: np.ndarray) -> np.ndarray:
        mnn = self._mnn
        if tuple(self._input.getShape()) != x.shape:
            self._interpreter.resizeTensor(self._input, x.shape)
            self._interpreter.resizeSession(self._session)
        layout = mnn.Tensor_DimensionType_Caffe
        self._input.copyFrom(mnn.Tensor(x.shape, mnn.Halide_Type_Float, np.ascontiguousarray(x), layout))
        self._interpreter.runSession(self._session)
        output = self._interpreter.getSessionOutput(self._session)
        shape = output.getShape()
        host = mnn.Tensor(shape, mnn.Halide_Type_Float, np.full(shape, np.nan, np.float32), layout)
        output.copyToHostTensor(host)
        return np.array(host.getNumpyData(), np.float32).reshape(shape)


class Module:
    """The same through MNN's Module API."""

    def __init__(self, path: str, backend: int, threads: int = 1) -> None:
        import MNN.expr as expr
        import MNN.nn as nn

        self._expr = expr
        runtime = nn.create_runtime_manager(({"backend": backend, "numThread": threads},))
        self._net = nn.load_module_from_file(path, [], [], runtime_manager=runtime)

    def clone(self) -> Module:
        clone = object.__new__(Module)
        clone._expr, clone._net = self._expr, self._net.clone()
        return clone

    def run(self, x: np.ndarray) -> np.ndarray:
        expr = self._expr
        variable = expr.placeholder(list(x.shape), expr.NCHW, expr.float)
        variable.write(x)
        return np.array(expr.convert(self._net.forward([variable])[0], expr.NCHW).read(), np.float32)


def plugin(force: bool = True) -> int:
    """The backend, taking even layers too small to gain: what is tested is that they are right."""
    from patternlite import mnn

    return mnn.register(force=force)


def stock(path: str, *inputs: np.ndarray) -> list[np.ndarray]:
    session = Session(path, None)
    return [session.run(x) for x in inputs]


def ours(path: str, threads: int, *inputs: np.ndarray, force: bool = True) -> tuple[list[np.ndarray], Rows]:
    from patternlite import mnn

    session = Session(path, plugin(force), threads)
    return [session.run(x) for x in inputs], mnn.layers()


def our_module(path: str, threads: int, *inputs: np.ndarray) -> tuple[list[np.ndarray], Rows]:
    from patternlite import mnn

    module = Module(path, plugin(), threads)
    return [module.run(x) for x in inputs], mnn.layers()


def original_and_clone(path: str, *inputs: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], Rows]:
    """Runs a module and its clone in turn, and the clone once more when the module is gone."""
    from patternlite import mnn

    module = Module(path, plugin())
    originals = [module.run(inputs[0])]
    clone = module.clone()
    clones = [clone.run(inputs[0])]
    originals += [module.run(x) for x in inputs[1:]]
    rows = mnn.layers()
    del module
    return originals, clones + [clone.run(x) for x in inputs[1:]], rows


def several_at_once(path: str, sessions: int, runs: int, x: np.ndarray) -> list[list[np.ndarray]]:
    """Each session in a thread of its own, on two of MNN's threads."""
    backend = plugin()

    def work(_: int) -> list[np.ndarray]:
        session = Session(path, backend, 2)
        return [session.run(x) for _ in range(runs)]

    with ThreadPoolExecutor(sessions) as pool:
        return list(pool.map(work, range(sessions)))


def stock_beside_plugin(path: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stock before the plugin was registered, after, and while one of its sessions lives."""
    before = Session(path, None).run(x)
    backend = plugin()
    after = Session(path, None).run(x)
    session = Session(path, backend)
    session.run(x)
    return before, after, Session(path, None).run(x)


def sessions_left(path: str) -> tuple[int, int]:
    """The plugin's sessions while some live, and when they are gone."""
    from patternlite.native import load_native

    sessions: list[Any] = [Session(path, plugin(), threads) for threads in (1, 2, 1)]
    living = len(load_native().mnn_sessions())
    sessions.clear()
    return living, len(load_native().mnn_sessions())


def inspect(path: str, force: bool = True) -> Rows:
    from patternlite import mnn

    plugin(force)
    return mnn.inspect_layers(path)
