"""One way to run a model in MNN, for its sessions and its modules."""

from __future__ import annotations

from typing import Any

import numpy as np

from patternlite.mnn import SessionStats, stats


def plugin(force: bool = True) -> int:
    """The backend, taking even layers too small to gain: what is tested is that they are right."""
    from patternlite import mnn

    return mnn.register(force=force)


class Session:
    """An interpreter session; backend None is MNN's own CPU."""

    def __init__(self, path: str, backend: int | str | None, threads: int = 1, **config: Any) -> None:
        import MNN

        self._mnn = MNN
        self._interpreter = MNN.Interpreter(path)
        config |= {"backend": "CPU" if backend is None else backend, "numThread": threads}
        self._session = self._interpreter.createSession(config)
        self._input = self._interpreter.getSessionInput(self._session)

    def stats(self) -> SessionStats:
        return stats(self._session)

    def memory(self) -> float:
        """What MNN says that its runtime holds, in MB."""
        return self._interpreter.getSessionInfo(self._session, 0)

    def run(self, x: np.ndarray) -> np.ndarray:
        self.set_input(x)
        self._interpreter.runSession(self._session)
        return self._read(self._interpreter.getSessionOutput(self._session))

    def run_all(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs, by name."""
        self.set_input(x)
        self._interpreter.runSession(self._session)
        tensors = self._interpreter.getSessionOutputAll(self._session)
        return {name: self._read(tensor) for name, tensor in tensors.items()}

    def run_watched(self, x: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """With callbacks around each operator; also returns the operators' names."""
        names: list[str] = []

        def before(tensors: Any, op: Any) -> bool:
            names.append(op.getName())
            return True

        self.set_input(x)
        self._interpreter.runSessionWithCallBackInfo(self._session, before, lambda tensors, op: True)
        return self._read(self._interpreter.getSessionOutput(self._session)), names

    def set_mode(self, mode: int) -> None:
        self._interpreter.setSessionMode(mode)

    def resize(self, *shape: int) -> bool:
        """Whether the session is ready to run."""
        resize_status = 3  # MNN.Interpreter's SessionInfoCode; 0: ready
        self._interpreter.resizeTensor(self._input, shape)
        self._interpreter.resizeSession(self._session)
        return self._interpreter.getSessionInfo(self._session, resize_status) == 0

    def set_input(self, x: np.ndarray) -> None:
        mnn = self._mnn
        if tuple(self._input.getShape()) != x.shape:
            self.resize(*x.shape)
        layout = self._input.getDimensionType()
        self._input.copyFrom(mnn.Tensor(x.shape, mnn.Halide_Type_Float, np.ascontiguousarray(x), layout))

    def _read(self, output: Any) -> np.ndarray:
        mnn, layout, shape = self._mnn, output.getDimensionType(), output.getShape()
        host = mnn.Tensor(shape, mnn.Halide_Type_Float, np.full(shape, np.nan, np.float32), layout)
        output.copyToHostTensor(host)
        return np.array(host.getNumpyData(), np.float32).reshape(shape)


class Module:
    """The same through MNN's Module API. manager: another module's. options: of its loading."""

    def __init__(
        self, path: str, backend: int | None, threads: int = 1, manager: Any = None, **options: Any
    ) -> None:
        import MNN.expr as expr
        import MNN.nn as nn

        self._expr = expr
        config = {"backend": "CPU" if backend is None else backend, "numThread": threads}
        self.manager = manager or nn.create_runtime_manager((config,))
        self._net = nn.load_module_from_file(path, [], [], runtime_manager=self.manager, **options)

    def clone(self) -> Module:
        clone = object.__new__(Module)
        clone._expr, clone.manager, clone._net = self._expr, self.manager, self._net.clone()
        return clone

    def stats(self) -> SessionStats:
        """Of this module and its clones."""
        return stats(self.manager)

    def run(self, x: np.ndarray) -> np.ndarray:
        expr = self._expr
        variable = expr.placeholder(list(x.shape), expr.NCHW, expr.float)
        variable.write(x)
        return np.array(expr.convert(self._net.forward([variable])[0], expr.NCHW).read(), np.float32)
