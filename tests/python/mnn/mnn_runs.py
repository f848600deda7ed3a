"""What tests do with MNN (in child processes, where a crash is a failure with words), and how they judge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from mnn_sessions import Module, Session, plugin

from patternlite.mnn import SessionStats, stats

Rows = list[dict[str, Any]]


def error(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference relative to the largest value; NaN anywhere makes it NaN."""
    assert actual.shape == expected.shape
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def stock(path: str, *inputs: np.ndarray) -> list[np.ndarray]:
    session = Session(path, None)
    return [session.run(x) for x in inputs]


def ours(path: str, threads: int, *inputs: np.ndarray, force: bool = True) -> tuple[list[np.ndarray], Rows]:
    session = Session(path, plugin(force), threads)
    return [session.run(x) for x in inputs], session.stats().layers


def our_module(path: str, threads: int, *inputs: np.ndarray) -> tuple[list[np.ndarray], Rows]:
    module = Module(path, plugin(), threads)
    return [module.run(x) for x in inputs], module.stats().layers


def module_of_number(path: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loaded by the number of the backend, with a runtime manager of it, and as MNN's own."""
    import MNN.nn as nn

    module = Module(path, plugin())
    expected = module.run(x)
    module._net = nn.load_module_from_file(path, [], [], backend=plugin())
    return module.run(x), expected, Module(path, None).run(x)


def session_stats(path: str, x: np.ndarray, kind: str = "Session", force: bool = True) -> SessionStats:
    session = {"Session": Session, "Module": Module}[kind](path, plugin(force))
    session.run(x)
    return session.stats()


def planned(
    path: str, threads: int, *inputs: np.ndarray, force: bool = True
) -> tuple[list[dict[str, np.ndarray]], SessionStats]:
    """All outputs for each input in turn."""
    session = Session(path, plugin(force), threads)
    return [session.run_all(x) for x in inputs], session.stats()


def on_each_isa(path: str, x: np.ndarray) -> dict[str, tuple[dict[str, np.ndarray], SessionStats]]:
    from patternlite.support.native import load_native

    native, done = load_native(), {}
    for isa in native.available_isas():
        native.force_isa(isa)
        try:
            (outputs,), session = planned(path, 2, x)
        finally:
            native.force_isa("")
        done[isa] = outputs, session
    return done


def configured(path: str, x: np.ndarray, **config: Any) -> tuple[np.ndarray, SessionStats]:
    """With a configuration of the user's."""
    session = Session(path, config.pop("backend", plugin()), **config)
    return session.run(x), session.stats()


def saved_tensors(
    path: str, x: np.ndarray, names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], SessionStats]:
    session = Session(path, plugin(), saveTensors=names)
    return session.run_all(x), session.stats()


def stock_saved_tensors(path: str, x: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return Session(path, None, saveTensors=names).run_all(x)


def memory_and_stats(path: str, x: np.ndarray) -> tuple[float, SessionStats]:
    session = Session(path, plugin())
    session.run(x)
    return session.memory(), session.stats()


def stock_memory(path: str, x: np.ndarray) -> float:
    session = Session(path, None)
    session.run(x)
    return session.memory()


def watched(path: str, x: np.ndarray) -> tuple[np.ndarray, list[str]]:
    return Session(path, plugin()).run_watched(x)


def fixed_resizes(
    path: str, is_stock: bool, *inputs: np.ndarray
) -> tuple[list[np.ndarray], SessionStats | None]:
    """Resized the way that lets MNN keep what does not change: some operators are not resized again."""
    resize_check, resize_fix = 14, 15
    session = Session(path, None if is_stock else plugin())
    session.set_mode(resize_check)
    outputs = [session.run(x) for x in inputs[:2]]
    session.set_mode(resize_fix)
    outputs += [session.run(x) for x in inputs[2:]]
    return outputs, None if is_stock else session.stats()


def after_a_failed_resize(path: str, x: np.ndarray, *shape: int) -> tuple[bool, np.ndarray, SessionStats]:
    """Whether the session was ready to run at that shape, and what it is at x's then."""
    session = Session(path, plugin())
    ready = session.resize(*shape)
    return ready, session.run(x), session.stats()


def original_and_clone(path: str, *inputs: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], Rows]:
    """Runs a module and its clone in turn, and the clone once more when the module is gone."""
    module = Module(path, plugin())
    originals = [module.run(inputs[0])]
    clone = module.clone()
    clones = [clone.run(inputs[0])]
    originals += [module.run(x) for x in inputs[1:]]
    rows = module.stats().layers
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


def sessions_left(path: str, x: np.ndarray) -> tuple[int, int]:
    """The sessions of three modules of one runtime manager while they live, and when they are gone."""
    import MNN.nn as nn

    from patternlite.support.native import load_native

    report = load_native().mnn_manager_report
    manager = nn.create_runtime_manager(({"backend": plugin(), "numThread": 1},))
    modules = [Module(path, plugin(), manager=manager) for _ in range(3)]
    for module in modules:
        module.run(x)
    living = len(report(manager))
    del module, modules
    return living, len(report(manager))


def stats_refusals(path: str) -> dict[str, str]:
    """What the user reads who asks for the stats of what does not use the plugin."""
    import MNN
    import MNN.nn as nn

    words: dict[str, str] = {}

    def ask(what: str, session: Any) -> None:
        try:
            stats(session)
        except (RuntimeError, TypeError) as error:
            words[what] = f"{type(error).__name__}: {error}"

    early = Session(path, 8)  # MNN says so on stdout, and takes its own
    ask("before register()", early._session)
    plugin()
    other = Session(path, None)
    ask("another backend", other._session)
    ask("never created", MNN.Session())
    ask("a manager of nothing", nn.RuntimeManager())
    module = Module(path, None)
    ask("another backend's module", module.manager)
    ask("a module", nn.load_module_from_file(path, [], [], backend=8))
    return words


def shared_runtime(path: str, other: str) -> tuple[Rows, Rows]:
    """The layers of each of two sessions in one runtime."""
    import MNN

    backend = plugin()
    runtime, _ = MNN.Interpreter.createRuntime(({"backend": backend, "numThread": 1},))
    interpreters = [MNN.Interpreter(each) for each in (path, other)]
    sessions = [it.createSession({"backend": backend, "numThread": 1}, runtime) for it in interpreters]
    first, second = (stats(session).layers for session in sessions)
    return first, second


def inspect(path: str, force: bool = True) -> Rows:
    from patternlite import mnn

    plugin(force)
    return mnn.inspect_file(path).layers
