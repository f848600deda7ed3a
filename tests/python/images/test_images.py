"""Folder, zip and tar hold the same images; broken sources say what is wrong."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from patternlite.demo.network import IMAGES
from patternlite.images.labelled import LabelledImages, read_images


def png(colour: tuple[int, int, int], size: tuple[int, int] = (4, 3)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


FILES = {
    "test/dog/2.PNG": png((9, 8, 7)),
    "test/cat/1.png": png((1, 2, 3)),
    "test/cat/0.png": png((4, 5, 6)),
    "train/cat/0.png": png((0, 0, 0)),
    "test/README.txt": b"not an image",
}


@pytest.fixture(params=["folder", "zip", "tar", "tar.xz", "nested"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    kind = request.param
    path = tmp_path / f"data.{kind}"
    if kind in ("folder", "nested"):
        for name, data in FILES.items():
            file = path / ("cifar" if kind == "nested" else "") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in FILES.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:xz" if kind.endswith("xz") else "w") as archive:
            for name, data in FILES.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def test_any_source_gives_the_same(source: Path) -> None:
    images = read_images(source, "test")
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0, 0, 1]
    assert images.pixels.shape == (3, 3, 3, 4)
    assert images.pixels.dtype == np.uint8
    assert images.pixels[:, :, 0, 0].tolist() == [[4, 5, 6], [1, 2, 3], [9, 8, 7]]


def test_linked_class_folders_are_followed(tmp_path: Path) -> None:
    (tmp_path / "all" / "cat").mkdir(parents=True)
    (tmp_path / "all" / "cat" / "0.png").write_bytes(FILES["test/cat/0.png"])
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "cat").symlink_to(tmp_path / "all" / "cat")
    assert read_images(tmp_path, "test").classes == ("cat",)


def test_grey_images(source: Path) -> None:
    grey = read_images(source, "test", channels=1).pixels
    assert grey.shape == (3, 1, 3, 4)
    assert grey[0, 0, 0, 0] == 5  # of 4, 5, 6
    with pytest.raises(ValueError, match="1 or 3 channels, mean and std have 2"):
        read_images(source, "test", channels=2)


def test_normalised_is_torchvisions() -> None:
    pixels = np.full((1, 2, 1, 1), 51, np.uint8)
    values = LabelledImages(pixels, np.zeros(1, np.int64), ("a",)).normalised((0.1, 0.2), (0.5, 0.25))
    assert values.dtype == np.float32
    assert values.reshape(-1) == pytest.approx([(0.2 - 0.1) / 0.5, 0.0], abs=1e-6)


def test_missing_source(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist: give a folder, zip or tar"):
        read_images(tmp_path / "none", "test")


def test_source_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="neither a folder, a zip nor a tar"):
        read_images(path, "test")


def test_missing_split(source: Path) -> None:
    with pytest.raises(ValueError, match=r"no images under validation/<class>"):
        read_images(source, "validation")


def test_broken_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "test" / "cat").mkdir(parents=True)
    (tmp_path / "test" / "cat" / "0.png").write_bytes(FILES["test/cat/0.png"][:-30])
    with pytest.raises(ValueError, match=r"test/cat/0.png is not a readable image"):
        read_images(tmp_path, "test")


def test_all_broken_images_are_counted(tmp_path: Path) -> None:
    (tmp_path / "test" / "cat").mkdir(parents=True)
    for i in range(13):
        whole = FILES["test/cat/0.png"]
        (tmp_path / "test" / "cat" / f"{i:02}.png").write_bytes(whole if i == 3 else whole[:-30])
    with pytest.raises(
        ValueError, match=r"cat/00.png is not .*; test/cat/10.png is .*; and 2 more of 13$"
    ) as error:
        read_images(tmp_path, "test")
    assert "cat/11.png" not in str(error.value)
    assert "cat/03.png" not in str(error.value)


def test_what_systems_keep_beside_images_is_left(source: Path, tmp_path: Path) -> None:
    expected = read_images(source, "test")
    copy = tmp_path / "of a Mac"
    (shutil.copytree if source.is_dir() else shutil.unpack_archive)(source, copy)
    for path in ("__MACOSX/test/cat/._0.png", "test/cat/._0.png", "test/.Trash/0.png", "test/.DS_Store"):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(b"no image")
    assert np.array_equal(read_images(copy, "test").pixels, expected.pixels)


@pytest.mark.parametrize("suffix", ["zip", "gztar", "xztar"])
def test_a_damaged_archive_is_named(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "images" / "test" / "cat"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(8):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(folder / f"{i}.bmp")
    path = Path(shutil.make_archive(str(tmp_path / "packed"), suffix, tmp_path / "images"))
    content = path.read_bytes()
    if suffix == "zip":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes(64) + content[middle + 64 :])
    else:
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=rf"{path.name} is damaged .*copy it again"):
        read_images(path, "test")


def test_a_class_without_images_is_named(tmp_path: Path) -> None:
    for name, file in (("cat", "0.png"), ("dog", "0.heic")):
        (tmp_path / "test" / name).mkdir(parents=True)
        (tmp_path / "test" / name / file).write_bytes(FILES["test/cat/0.png"])
    with pytest.raises(
        ValueError, match=r"none of the files of test/dog is an image \(\.bmp, .*convert them"
    ):
        read_images(tmp_path, "test")


def test_pixels_of_16_bits_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test" / "cat").mkdir(parents=True)
    Image.fromarray(np.full((3, 4), 30000, np.uint16)).save(tmp_path / "test" / "cat" / "0.png")
    with pytest.raises(ValueError, match=r"test/cat/0.png has more than 8 bits .* save it with 8"):
        read_images(tmp_path, "test")


def test_images_of_several_sizes(tmp_path: Path) -> None:
    (tmp_path / "test" / "cat").mkdir(parents=True)
    for i in (1, 2):
        (tmp_path / "test" / "cat" / f"{i}.png").write_bytes(png((0, 0, 0), (i, i)))
    with pytest.raises(ValueError, match="2 sizes"):
        read_images(tmp_path, "test")


def test_the_shipped_images() -> None:
    images = read_images(IMAGES, "test")
    assert images.pixels.shape == (1000, 3, 32, 32)
    assert images.classes == (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    assert np.bincount(images.labels).tolist() == [100] * 10
    assert len(np.unique(images.pixels.reshape(1000, -1), axis=0)) == 1000
