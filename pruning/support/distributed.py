"""Several processes on one job: who has which images, and sums that do not depend on who had them.

Start the command under torchrun, or initialise torch.distributed; nothing else changes.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

_CACHED = 1 << 18  # values that are added at once, so that intermediate ones stay in a core's cache
_LET_GO = 0.1  # seconds that gloo's threads get

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Group:
    """The processes that prune one model together.  rank: this one's number.  size: how many there are."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> Group:
        """The default group of torch.distributed, or this process alone."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def first(self) -> bool:
        """Whether this process writes the files and shows the progress."""
        return self.rank == 0

    def share(self, items: list[_Item]) -> tuple[int, list[_Item]]:
        """The number of this process's first item, and its part of the items; parts are in order of rank."""
        begin, end = (len(items) * rank // self.size for rank in (self.rank, self.rank + 1))
        return begin, items[begin:end]

    def joined(self, tensor: Tensor) -> Tensor:
        """All processes' tensors, concatenated along dimension 0 in order of rank."""
        if self.size == 1:
            return tensor
        lengths = [tensor.new_zeros(1, dtype=torch.int64) for _ in range(self.size)]
        dist.all_gather(lengths, lengths[0] + len(tensor))
        longest = max(int(length) for length in lengths)
        padded = tensor.new_zeros(longest, *tensor.shape[1:])
        padded[: len(tensor)] = tensor
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        return torch.cat([part[: int(length)] for part, length in zip(parts, lengths, strict=True)])

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over the processes, in place: the same on all, but rounded in an order that may vary."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def exact_sum(self, parts: Iterable[Tensor], bound: Tensor) -> Tensor:
        """float64 sum of all processes' parts, with the same bits however the parts are distributed.

        It adds in fixed point, which is associative.  parts: at least one, all of one shape.  bound: at least
        the absolute value of any sum of this process's parts. Raises FloatingPointError if it is not finite.
        """
        limit = bound.detach().double().reshape(1).nan_to_num(math.inf, math.inf, math.inf)
        if self.size > 1:
            dist.all_reduce(limit, op=dist.ReduceOp.MAX)
        if not math.isfinite(largest := float(limit)):
            raise FloatingPointError("infinite or undefined values")
        scale = 2.0 ** (61 - math.frexp(largest * self.size)[1])
        # A float32 times a power of two is exact, unless that power exceeds float32.
        wide = scale >= torch.finfo(torch.float32).max
        total = None
        for part in parts:
            total = part.new_zeros(part.shape, dtype=torch.int64) if total is None else total
            pieces = (whole.flatten().split(_CACHED) for whole in (total, part))
            for sums, values in zip(*pieces, strict=True):
                sums += ((values.double() if wide else values) * scale).round_().long()
        assert total is not None
        return self.sum(total).double().div_(scale)

    def from_first(self, value: Any) -> Any:
        """The first process's value, on every process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values)
        return values[0]

    def made_by_first(self, make: Callable[[], _Item]) -> _Item:
        """What `make` returns or raises in the first process, on every process."""
        if self.size == 1:
            return make()
        made, error = None, None
        if self.first:
            try:
                made = make()
            except Exception as raised:  # any error, since the others would wait for ever
                error = raised
        made, error = self.from_first((made, error))
        if error is not None:
            raise error
        return made

    def require_same(self, digest: str, what: str) -> None:
        """Raises RuntimeError on every process unless all have the same digest."""
        if self.size == 1:
            return
        digests: list[str] = [""] * self.size
        dist.all_gather_object(digests, digest)
        if odd := [str(rank) for rank, other in enumerate(digests) if other != digests[0]]:
            raise RuntimeError(
                f"{what} differ between process 0 and process {', '.join(odd)}: all need the same model, "
                "weights and options, and the same kind of machine, torch version and number of threads"
            )


def leave() -> None:
    """Ends torch.distributed's default group.

    gloo's threads hold the last tensors sent, and must enter the interpreter to release them. A thread that
    does so while the interpreter shuts down aborts the process, so they get a moment before that.
    """
    time.sleep(_LET_GO)
    dist.destroy_process_group()


@contextmanager
def torchrun() -> Iterator[torch.device]:
    """Joins the processes that torchrun started, if any, and yields the device to use, a GPU if there is one.

    Raises ValueError if there is not a GPU for each process of this machine, or if they cannot be told apart.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", _own_gpu())
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        leave()


def _own_gpu() -> int:
    """The number of this process's GPU."""
    own, gpus = os.environ.get("LOCAL_RANK"), torch.cuda.device_count()
    if own is None:
        raise ValueError(
            "WORLD_SIZE is set but LOCAL_RANK is not, which tells each process of a machine its GPU: start "
            "them with torchrun, or set it"
        )
    if int(own) >= gpus:
        raise ValueError(
            f"there is no GPU for process {own} of this machine, which shows {gpus}: start at most {gpus} "
            "(torchrun --nproc-per-node), or hide all of them (CUDA_VISIBLE_DEVICES=) to prune on the CPU"
        )
    return int(own)
