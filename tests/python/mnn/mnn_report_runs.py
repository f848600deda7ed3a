"""What stats() tells, or why it refuses, and what is held; called in child processes, as mnn_runs.py is."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from mnn_runs import Module, Rows, Session, plugin

from patternlite.mnn import NotUsedError, SessionStats, stats


def _words(session: Any) -> str:
    try:
        return str(stats(session))
    except NotUsedError as error:
        return str(error)


def before_there_are_layers(path: str, open_path: str, x: np.ndarray) -> dict[str, str]:
    """What the user reads who asks too early, or never gets layers."""
    import MNN.expr as expr
    import MNN.nn as nn

    session = Session(open_path, plugin())
    words = {"open shape": _words(session._session)}
    module = Module(path, plugin())
    words["before forward()"] = _words(module.manager)
    manager = nn.create_runtime_manager(({"backend": plugin(), "numThread": 1},))
    words["nothing loaded"] = _words(manager)
    net = nn.load_module_from_file(path, [], [], runtime_manager=manager, dynamic=True)
    variable = expr.placeholder(list(x.shape), expr.NCHW, expr.float)
    variable.write(x)
    net.forward([variable])[0].read()
    words["dynamic"] = _words(manager)
    module.run(x)
    words["after forward()"] = _words(module.manager)
    return words


def sharing_a_runtime(*paths: str) -> list[Rows | str]:
    """The layers of each, of sessions in one runtime; or what the user reads."""
    import MNN

    config = {"backend": plugin(), "numThread": 1}
    runtime, _ = MNN.Interpreter.createRuntime((config,))
    interpreters = [MNN.Interpreter(path) for path in paths]
    sessions = [interpreter.createSession(config, runtime) for interpreter in interpreters]
    told: list[Rows | str] = []
    for session in sessions:
        try:
            told.append(stats(session).layers)
        except NotUsedError as error:
            told.append(str(error))
    return told


def of_module_and_clones(
    path: str, x: np.ndarray, clones: int, force: bool = True
) -> tuple[SessionStats, SessionStats]:
    """Of a module, and of it with its clones."""
    module = Module(path, plugin(force))
    module.run(x)
    alone = module.stats()
    more = [module.clone() for _ in range(clones)]
    for clone in more:
        clone.run(x)
    return alone, module.stats()


def of_modules(*models: tuple[str, np.ndarray]) -> SessionStats:
    """Of one manager; what does not gain is left to MNN."""
    import MNN.nn as nn

    manager = nn.create_runtime_manager(({"backend": plugin(force=False), "numThread": 1},))
    modules = [Module(path, None, manager=manager) for path, _ in models]
    for module, (_, x) in zip(modules, models, strict=True):
        module.run(x)
    return modules[0].stats()


def conversions_of_clones(path: str, *inputs: np.ndarray) -> list[int]:
    """Of a module, its clone, and that one's clone, each run with all inputs."""
    from patternlite.support.native import load_native

    modules = [Module(path, plugin())]
    for _ in range(2):
        modules[-1].run(inputs[0])
        modules.append(modules[-1].clone())
    for module in modules:
        for x in inputs:
            module.run(x)
    return [part["conversions"] for part in load_native().mnn_manager_report(modules[0].manager)]


def beside_a_stock_session(path: str, stock_path: str) -> list[Rows | str]:
    """The layers of a session of ours, and what the user reads of one of MNN's in the same runtime."""
    import MNN

    configs = [{"backend": backend, "numThread": 1} for backend in (plugin(), "CPU")]
    runtime, _ = MNN.Interpreter.createRuntime(tuple(configs))
    interpreters = [MNN.Interpreter(each) for each in (path, stock_path)]
    sessions = [it.createSession(config, runtime) for it, config in zip(interpreters, configs, strict=True)]
    return [stats(sessions[0]).layers, _words(sessions[1])]


def of_two_managers(path: str, other: str, x: np.ndarray) -> list[list[str]]:
    """The names of the layers that each of two managers tells, of one module each."""
    modules = [Module(each, plugin(), threads) for each, threads in ((path, 2), (other, 1))]
    for module in modules:
        module.run(x)
    return [[layer["name"] for layer in module.stats().layers] for module in modules]


class _Heap(ctypes.Structure):
    """struct mallinfo2 of glibc."""

    _fields_ = [("counts", ctypes.c_size_t * 10)]

    @property
    def in_use(self) -> int:
        return self.counts[7]


def bytes_left_by_a_clone(path: str, x: np.ndarray) -> float:
    """When it is gone; in the mean over many."""
    heap = ctypes.CDLL(None).mallinfo2
    heap.restype = _Heap
    module = Module(path, plugin())
    module.run(x)
    for _ in range(200):
        module.clone()
    before = heap().in_use
    for _ in range(1000):
        module.clone()
    return (heap().in_use - before) / 1000
