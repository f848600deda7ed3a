"""One forward pass over many batches at once, which halts at each site until that has been dealt with.

Every batch runs the model in a thread of its own, one thread at a time. So a model of any structure is run
exactly once, however many layers it has, and each layer's input already reflects changes made before it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..support import memory
from ..support.seeds import seeded
from .calls import Additions, Mark
from .graph import Site

_ROUNDING = 1e-3  # relative difference of maps that may be rounding
_VALUES = 4096  # most values of a map that are compared


@dataclass(frozen=True)
class Visit:
    """All batches have reached this site, which runs when the walk goes on: its weights may be changed now.

    inputs: the convolution's input, for each batch.
    others: at the end of a residual branch, what its output is added to, for each batch.
    """

    site: Site
    inputs: list[Tensor]
    others: list[Tensor] | None


class _Stopped(BaseException):
    """Unwinds a forward pass that is no longer needed."""


class _Pass(threading.Thread):
    """The forward pass of one batch.

    The default device and the GPU's stream are settings of a thread, so each pass sets them again.
    """

    def __init__(self, model: nn.Module, batch: Tensor) -> None:
        super().__init__(daemon=True)
        self._model, self._batch = model, batch
        self._stream = torch.cuda.current_stream(batch.device) if batch.is_cuda else None
        self._go, self._halted = threading.Semaphore(0), threading.Semaphore(0)
        self._stopping = False
        self._open: dict[Site, Tensor] = {}  # the ends of residual branches that have run, with their inputs
        self._ends: dict[Site, Mark] = {}  # and with their outputs
        self.at: tuple[Site, Tensor, Tensor | None] | None = None
        self.error: BaseException | None = None
        self.start()

    def advance(self) -> None:
        """Runs on to the next site, or to the end."""
        self._go.release()
        self._halted.acquire()
        if self.error:
            raise self.error

    def stop(self) -> None:
        self._stopping = True
        self._go.release()
        self.join()

    def run(self) -> None:
        try:
            self._wait()
            stream = torch.cuda.stream(self._stream) if self._stream else nullcontext()
            with torch.no_grad(), self._batch.device, stream, Additions(self._on_addition):
                self._model(self._batch)
        except _Stopped:
            pass
        except BaseException as error:  # raised again in the caller's thread
            self.error = error
        finally:
            self.at = None
            self._halted.release()

    def on_input(self, site: Site, x: Tensor) -> None:
        if site.residual:
            self._open[site] = x
        else:
            self._halt(site, x, None)

    def on_branch_end(self, site: Site, output: Tensor) -> None:
        self._ends[site] = Mark(output)

    def _on_addition(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        for site, end in self._ends.items():
            if (swapped := end.is_now(b)) or end.is_now(a):
                del self._ends[site]
                x = self._open.pop(site)
                self._halt(site, x, a if swapped else b)
                solved = site.apply(x)  # runs again, with its new weights
                return (a, solved) if swapped else (solved, b)
        return a, b

    def _halt(self, site: Site, x: Tensor, other: Tensor | None) -> None:
        self.at = site, x, other
        self._halted.release()
        self._wait()

    def _wait(self) -> None:
        if not self._stopping:  # a model may have caught _Stopped and gone on
            self._go.acquire()
        if self._stopping:
            raise _Stopped


def _current() -> _Pass:
    thread = threading.current_thread()
    assert isinstance(thread, _Pass), "the model is run by somebody else during a walk"
    return thread


def walk(model: nn.Module, sites: list[Site], batches: list[Tensor]) -> Generator[Visit]:
    """Yields a visit of each site in forward order. Close the generator, or exhaust it, to end the passes."""
    with _passes(model, sites, batches) as passes:
        for _ in sites:
            memory.give_back()  # what earlier layers or stages freed
            yield _next(passes)


def require_own_maps(model: nn.Module, sites: list[Site], batches: list[Tensor]) -> None:
    """Raises ValueError if what sites read for one batch depends on other batches that are under way.

    Walks would then prune the model on the maps of other batches. Also raises it if the model does not run on
    a batch.  batches: a few images each, of unequal numbers, since the last one of a walk has fewer.
    """

    def read(*walks: list[Tensor]) -> list[Tensor]:
        """Some values that each site reads for each batch, site by site."""
        visits = [[_some(visit) for visit in walk(model, sites, together)] for together in walks]
        return [some for of_site in zip(*visits, strict=True) for each in of_site for some in each]

    alone = [[batch] for batch in batches]
    with seeded(0, batches[0].device):
        try:
            once = read(*alone)
        except ValueError:  # it takes another path for other images
            raise
        except Exception as error:  # a model may raise anything
            numbers = " and ".join(str(len(batch)) for batch in batches)
            raise ValueError(
                f"the model cannot run on batches of {numbers} images ({error}): it has to take any number"
            ) from error
        try:
            mixed = _differ(once, read(batches))
        except ValueError:
            raise
        except Exception:  # a model may raise anything if it does not find what it kept
            mixed = True
        if mixed and not _differ(once, read(*alone)):  # else its maps are random
            raise ValueError(
                "the model keeps maps between calls (self.x = ..., hooks): pass them on as local variables"
            )


def _some(visit: Visit) -> list[Tensor]:
    """A sample of the values that the site reads, batch by batch, with those that are not finite as 0."""
    maps = [m for pair in zip(visit.inputs, visit.others or visit.inputs, strict=True) for m in pair]
    return [m.flatten()[:: 1 + m.numel() // _VALUES].float().nan_to_num(0.0, 0.0, 0.0) for m in maps]


def _differ(some: list[Tensor], others: list[Tensor]) -> bool:
    pairs = zip(some, others, strict=True)
    return any(float((a - b).norm()) > _ROUNDING * float(a.norm()) for a, b in pairs)


@contextmanager
def _passes(model: nn.Module, sites: list[Site], batches: list[Tensor]) -> Iterator[list[_Pass]]:
    """Yields a pass for each batch, which halt at the sites."""
    handles = []
    for site in sites:

        def on_input(_module, inputs, site=site):
            _current().on_input(site, inputs[0])

        def on_branch_end(_module, _inputs, output, site=site):
            _current().on_branch_end(site, output)

        handles.append(site.conv.register_forward_pre_hook(on_input))
        if site.residual:
            handles.append(site.branch_end.register_forward_hook(on_branch_end))
    passes = [_Pass(model, batch) for batch in batches]
    try:
        yield passes
    finally:
        for each in passes:
            each.stop()
        for handle in handles:
            handle.remove()


def _next(passes: list[_Pass]) -> Visit:
    """Runs them all to the next site."""
    for each in passes:
        each.advance()
    places = [each.at for each in passes if each.at]
    if len(places) < len(passes) or any(place[0] is not places[0][0] for place in places):
        raise ValueError("the model takes another path for other images: its layers have no order")
    others = [place[2] for place in places if place[2] is not None]
    return Visit(places[0][0], [place[1] for place in places], others or None)
