"""Writes the one-convolution models with which `patternlite doctor` probes each runtime.

    python -m benchmarks.making.probe_models plugins/patternlite/assets

A 3x3 convolution, 32 -> 32 channels on 16x16, in the sparsity the plugin is for: four weights per
kernel in one of four arrangements, and one kernel in eight: few enough for the plugin on any CPU.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from torch import nn

from patternlite.pruning.convert import to_mnn, to_onnx, to_tflite

CHANNELS, SIDE = 32, 16
# The 2x2 corners of a 3x3 kernel, as tap indices.
PATTERNS = ((0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5, 7, 8))


def probe_model() -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
    with torch.no_grad():
        kernels = torch.zeros(CHANNELS * CHANNELS, 9)
        kept = torch.randperm(len(kernels), generator=generator)[: len(kernels) // 8]
        for i in kept.tolist():
            taps = PATTERNS[int(torch.randint(len(PATTERNS), (1,), generator=generator))]
            kernels[i, list(taps)] = torch.randn(4, generator=generator) / 16
        conv.weight.copy_(kernels.view(CHANNELS, CHANNELS, 3, 3))
        conv.bias.copy_(torch.randn(CHANNELS, generator=generator) / 16)  # type: ignore[union-attr]
    return conv.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder for probe.tflite and probe.mnn")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        onnx = to_onnx(probe_model(), (1, CHANNELS, SIDE, SIDE), Path(folder, "probe.onnx"))
        print(to_tflite(onnx, args.output / "probe.tflite"))
        print(to_mnn(onnx, args.output / "probe.mnn"))


if __name__ == "__main__":
    main()
