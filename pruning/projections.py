"""The exact projection onto pattern- and connectivity-sparse weights."""

from __future__ import annotations

from torch import Tensor, zeros

from .patterns import TAPS


def project(weight: Tensor, library: Tensor, kernels: int) -> Tensor:
    """The support of the nearest weight whose kernels each follow one pattern, `kernels` of them non-zero.

    Nearest in the Frobenius norm: per kernel the pattern that keeps the most energy, then the `kernels`
    kernels that keep the most of all; the kept weights stay as they are, so the mask says it all.

    weight: (O, I * 9).  library: bool (P, 9).  Returns bool (O, I * 9) with 4 * kernels ones.
    """
    filters = weight.shape[0]
    energies = weight.reshape(-1, TAPS).square() @ library.T.to(weight.dtype)  # (O * I, P)
    best, pattern = energies.max(dim=1)
    kept = best.topk(kernels).indices
    mask = zeros(len(best), TAPS, dtype=library.dtype, device=weight.device)
    mask[kept] = library[pattern[kept]]
    return mask.reshape(filters, -1)
