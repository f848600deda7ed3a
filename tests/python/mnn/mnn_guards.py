"""Ways to register that must fail, each in a process of its own; they return what the user reads."""

from __future__ import annotations

import os
import sys


def _message(kind: type[BaseException]) -> str:
    from patternlite import mnn

    try:
        mnn.register()
    except kind as error:
        return str(error)
    return "registered"


def foreign_version() -> str:
    from patternlite import mnn

    mnn.supported_versions = lambda: ["9.9.9"]
    return _message(mnn.RegistrationError)


def engine_not_loaded() -> str:
    """As if _mnncengine were a file that nobody loaded."""
    import _mnncengine

    from patternlite import mnn

    _mnncengine.__file__ = "/nowhere/_mnncengine.so"
    return _message(mnn.RegistrationError)


def not_an_engine() -> str:
    """A loaded library, but not MNN's."""
    import _mnncengine

    from patternlite import mnn
    from patternlite.support.native import load_native

    _mnncengine.__file__ = load_native().__file__
    return _message(mnn.RegistrationError)


def impostor(library: str, *supported: str) -> str:
    """A loaded library that has MNN's symbols and version; of these versions, if any are named."""
    import ctypes

    import _mnncengine

    from patternlite import mnn

    ctypes.CDLL(library)
    engine, _mnncengine.__file__ = _mnncengine.__file__, library
    allowed = mnn.supported_versions
    if supported:
        mnn.supported_versions = lambda: list(supported)
    try:
        return _message(mnn.RegistrationError)
    finally:
        _mnncengine.__file__ = engine
        mnn.supported_versions = allowed


def creates_runtimes(library: str) -> list[bool]:
    """Whether the plugin makes a runtime of fake_engine.c's; of half floats in the second attempt."""
    import ctypes

    creates = ctypes.CDLL(library).creates_runtime
    creates.restype = ctypes.c_bool
    return [creates(half) for half in (False, True, False)]


def creates_backend(library: str, half: bool) -> bool:
    """Whether the last of these runtimes makes a backend; of half floats by now, or not."""
    import ctypes

    creates = ctypes.CDLL(library).creates_backend
    creates.restype = ctypes.c_bool
    return creates(half)


def mnn_missing() -> str:
    sys.modules["MNN"] = None  # type: ignore[assignment]  # import machinery's own sign for "not there"
    return _message(ImportError)


def force_of_another_type() -> str:
    from patternlite import mnn
    from patternlite.support.native import load_native

    def registered(*_: object) -> int:
        raise AssertionError("registered all the same")

    load_native().mnn_register = registered
    try:
        mnn.register(force="yes")  # type: ignore[arg-type]
    except TypeError as error:
        return str(error)
    return "registered"


def unknown_isa() -> str:
    os.environ["PATTERNLITE_ISA"] = "mmx"
    return _message(ValueError)


def twice() -> list[int]:
    from patternlite import mnn

    return [mnn.register(), mnn.register()]


def after_a_refusal() -> tuple[str, int]:
    """A failed attempt leaves nothing behind that a later one would trip over."""
    from patternlite import mnn

    allowed = mnn.supported_versions
    refusal = foreign_version()
    mnn.supported_versions = allowed
    return refusal, mnn.register()
