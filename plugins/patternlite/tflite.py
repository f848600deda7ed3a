"""Runs .tflite models of pruned CNNs fast on the stock TFLite runtimes.

    from ai_edge_litert.interpreter import Interpreter
    from patternlite.tflite import load_delegate

    interpreter = Interpreter("model.tflite", experimental_delegates=[load_delegate()])

works alike with tflite_runtime and tensorflow.lite. Layers that the stock runtime is expected to run
faster stay with it, and so does everything the delegate does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Never, Protocol

from .support.files import require_utf8
from .support.native import load_native


class Delegate(Protocol):
    """What `load_delegate` returns.

    Both are at the shapes that inputs had when the model was loaded; a resize may change them without
    notice.

    layers: one dict per convolution of the model it was last given to, graph by graph (of several
        signatures, say): name, kind, filters, channels, height and width (of the output), dense_macs,
        kept_macs, kernels_kept, patterns, reason, kernel ("stock" when left to the runtime), weight_bytes
        (packed; 0 when left to the runtime).
    activation_bytes: what the delegate's activations of that model take, besides what each thread needs
        for a layer at a time.
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
    """A delegate for the `experimental_delegates` of a TFLite interpreter; it may serve several.

    num_threads: default: the interpreter's own `num_threads`, else 1.
    isa: an instruction set of `available_isas()`; default: what the environment variable PATTERNLITE_ISA
        names, else the newest of this machine.
    max_delegated_partitions: take only the partitions that save most, so many of each graph; default: no
        limit.
    min_nodes_per_partition: leave partitions of fewer of the file's operators to the runtime; default: 1.
    force: take every layer that the delegate can run, even where the runtime is expected to be faster.
    tune_budget_ms: how long to try kernels where the cost model is not sure, for an interpreter in all,
        whatever sizes its inputs get; default: 200. What it left untried is tried by an interpreter of a
        larger budget. 0: none is tried, and results are the same to the last bit each time a model is
        loaded.
    delegate_serialize_dir: an existing directory that keeps which kernels were chosen, so that another
        process need not try any, and gets the same results to the last bit, whatever the budgets. Damaged
        files are ignored with a warning. Those made by another version or on another CPU have other names
        and are not looked at: delete them.

    Raises TypeError, with the known ones, for any other option, ValueError for a value that an option or
    PATTERNLITE_ISA does not take, PatternliteError for a path that is not UTF-8, ImportError when the
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
    """The external delegate library, for programs that load it themselves.

    `tflite.load_delegate(get_library_path(), {"num_threads": "2"})`, or TFLite's C++ external delegate;
    options are those of `load_delegate`, as strings.
    """
    native = load_native()
    # Beside the module, not beside this file: an editable install keeps them apart.
    return str(Path(str(native.__file__)).with_name("libpattern_delegate.so"))


def available_isas() -> list[str]:
    """Instruction sets that this machine can run, slowest first."""
    isas: list[str] = load_native().available_isas()
    return isas
