"""Picks the real test images that ship with patternlite and stores them as one small zip.

    python -m benchmarks.making.demo_images DATA plugins/patternlite/demo/assets/cifar10_test_1000.zip

DATA is a folder, zip or tar of test/<class>/*.jpg. The original bytes are stored unchanged, and the
choice depends on the file names and the seed alone, so every run writes the same archive.
"""

from __future__ import annotations

import argparse
import io
import random
import zipfile
from collections import defaultdict
from pathlib import Path

from patternlite.images.labelled import read_entries
from patternlite.support.files import write_atomically

# The earliest date a zip can hold: no clock in the archive.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def choose(entries, per_class: int, seed: int) -> list[tuple[str, str, bytes]]:
    """`per_class` of the (class, file name, bytes) entries of each class, in a fixed order."""
    by_class = defaultdict(list)
    for entry in sorted(entries):
        by_class[entry[0]].append(entry)
    generator = random.Random(seed)
    chosen = []
    for name, group in sorted(by_class.items()):
        if len(group) < per_class:
            raise SystemExit(f"class {name} has {len(group)} images, fewer than --per-class {per_class}")
        chosen += sorted(generator.sample(group, per_class))
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder, zip or tar of test/<class>/*.jpg")
    parser.add_argument("output", type=Path, help="the zip to write")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    chosen = choose(read_entries(args.data, "test"), args.per_class, args.seed)
    content = io.BytesIO()
    # JPEG bytes do not shrink: stored, not deflated.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, file_name, data in chosen:
            archive.writestr(zipfile.ZipInfo(f"test/{name}/{file_name}", _ZIP_EPOCH), data)
    write_atomically(args.output, content.getvalue())
    print(f"{args.output}: {len(chosen):,} images, {args.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
