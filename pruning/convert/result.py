"""What a conversion returns, and the one error it raises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class ConversionError(RuntimeError):
    """A model could not be converted, or the converted file does not compute the same function."""


@dataclass(frozen=True)
class Conversion:
    """One written and verified file. May be passed wherever a path is expected.

    Attributes:
        path: the file.
        max_relative_error: largest |output - source output| over the source's output range.
        convs_checked: convolutions with at least 10 % zeros whose zero positions were found intact.
        zeros_checked: the number of those zeros.
        seconds: wall time of conversion and verification.
    """

    path: Path
    max_relative_error: float
    convs_checked: int
    zeros_checked: int
    seconds: float

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return (
            f"{self.path}: error {self.max_relative_error:.1e} of the output range, "
            f"{self.zeros_checked} zeros in {self.convs_checked} convolutions intact, {self.seconds:.1f} s"
        )
