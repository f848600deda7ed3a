"""Runs .tflite models of pruned CNNs fast on the stock TFLite runtimes.

    from ai_edge_litert.interpreter import Interpreter
    from patternlite.tflite import load_delegate

    interpreter = Interpreter("model.tflite", experimental_delegates=[load_delegate()])

This works with tflite_runtime and tensorflow.lite as well. Layers that the stock runtime is expected to run
faster stay with it, and so does everything that the delegate does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Never, Protocol

from .support.files import require_utf8
from .support.native import load_native


class Delegate(Protocol):
    """What `load_delegate` returns.

    Both properties are for the shapes that the inputs had when the model was loaded; a resize may change them
    without notice.

    layers: one dict per convolution of the model that the delegate was last given to, graph by graph (a model
        with several signatures has several); the keys are those of `Inspection.layers`.
    activation_bytes: the memory of the delegate's activations for that model, without what each thread needs
        while it works on a layer.
    """

    @property
    def layers(self) -> list[dict[str, Any]]: ...

    @property
    def activation_bytes(self) -> int: ...

    def _get_native_delegate_pointer(self) -> int: ...


def load_delegate(
    *,
    num_threads: int | None = None,
    isa: str | None = None,
    max_delegated_partitions: int | None = None,
    min_nodes_per_partition: int | None = None,
    force: bool = False,
    tune_budget_ms: int | None = None,
    delegate_serialize_dir: str | Path | None = None,
    **unknown: Never,
) -> Delegate:
    """A delegate for the `experimental_delegates` of a TFLite interpreter; one delegate may serve several.

    num_threads: by default the interpreter's own `num_threads`, or else 1.
    isa: an instruction set of `available_isas()`; by default what the environment variable PATTERNLITE_ISA
        names, or else the newest of this machine.
    max_delegated_partitions: take at most so many partitions of each graph, those that save most; by default
        there is no limit.
    min_nodes_per_partition: leave partitions with fewer of the file's operators to the runtime; default: 1.
    force: take every layer that the delegate can run, even where the runtime is expected to be faster.
    tune_budget_ms: how long to time kernels where the cost model is not sure, in total for an interpreter,
        however often its inputs are resized; default: 200. What was left untried for want of time is tried by
        an interpreter with a larger budget. With 0 nothing is tried, and results are the same to the last bit
        each time a model is loaded.
    delegate_serialize_dir: an existing directory that keeps which kernels were chosen, so that another
        process need not try any, and gets the same results to the last bit, whatever its budget. Damaged
        files are ignored with a warning. Files made by another version or on another CPU have other names and
        are never read: delete them.

    Raises TypeError, listing the known options, for any other option, ValueError for a value that an option
    or PATTERNLITE_ISA does not take, PatternliteError for a path that is not UTF-8, and ImportError when the
    package's compiled part is missing.
    """
    if delegate_serialize_dir is not None:
        require_utf8(Path(delegate_serialize_dir))
    options: dict[str, object] = {
        "num_threads": num_threads,
        "isa": isa,
        "max_delegated_partitions": max_delegated_partitions,
        "min_nodes_per_partition": min_nodes_per_partition,
        "force": force,
        "tune_budget_ms": tune_budget_ms,
        "delegate_serialize_dir": delegate_serialize_dir,
    }
    if unknown:
        raise TypeError(f"unknown option {', '.join(unknown)}; known: {', '.join(options)}")
    given = {name: str(value) for name, value in options.items() if value is not None}
    delegate: Delegate = load_native().Delegate(given)
    return delegate


def get_library_path() -> str:
    """The path of the external delegate library, for programs that load it themselves.

    For `tflite.load_delegate(get_library_path(), {"num_threads": "2"})` or TFLite's C++ external delegate;
    the options are those of `load_delegate`, as strings.
    """
    native = load_native()
    # It lies beside the module, and not beside this file in an editable install.
    return str(Path(str(native.__file__)).with_name("libpattern_delegate.so"))


def available_isas() -> list[str]:
    """Instruction sets that this machine can run, slowest first."""
    isas: list[str] = load_native().available_isas()
    return isas
