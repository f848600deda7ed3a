"""Every image of a folder, zip or tar is found once, or the error names what keeps it from being found."""

from __future__ import annotations

import io
import os
import signal
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from patternlite.errors import PatternliteError
from patternlite.images.labelled import read_images

NAMES = ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png")


def write(folder: Path, *names: str) -> Path:
    for i, name in enumerate(names or NAMES):
        (folder / "test" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (i, 0, 0)).save(folder / "test" / name)
    return folder


def count(source: Path) -> int:
    return len(read_images(source, "test"))


def packed(tmp_path: Path, mode: str = "w") -> Path:
    path = tmp_path / "images.tar"
    with tarfile.open(path, mode) as archive:
        archive.add(write(tmp_path / "images"), ".")
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_in_a_tar_are_images(tmp_path: Path, mode: str) -> None:
    folder = write(tmp_path / "images")
    os.link(folder / "test/cat/0.png", folder / "test/dog/hard.png")
    (folder / "test/dog/soft.png").symlink_to("../cat/1.png")
    assert count(packed(tmp_path, mode)) == count(folder) == len(NAMES) + 2


def test_links_to_nothing_are_named(tmp_path: Path) -> None:
    (write(tmp_path / "images") / "test/cat/far.png").symlink_to("../far/0.png")
    with pytest.raises(FileNotFoundError, match=r"test/cat/far\.png"):
        count(tmp_path / "images")
    with pytest.raises(ValueError, match=r"test/cat/far\.png is a link to \.\./far/0\.png, .*--dereference"):
        count(packed(tmp_path))


def header_of(path: Path, name: str) -> int:
    with tarfile.open(path) as archive:
        return archive.getmember(name).offset


@pytest.mark.parametrize("kept", [100, 511])
def test_a_tar_cut_within_a_header_is_damaged(tmp_path: Path, kept: int) -> None:
    path = packed(tmp_path)
    path.write_bytes(path.read_bytes()[: header_of(path, "./test/dog/1.png") + kept])
    with pytest.raises(ValueError, match=r"images\.tar is damaged \(no header at byte \d+\): copy it again"):
        count(path)


def test_a_tar_with_a_broken_header_is_damaged(tmp_path: Path) -> None:
    path = packed(tmp_path)
    content = bytearray(path.read_bytes())
    content[header_of(path, "./test/dog/0.png") + 5] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"images\.tar is damaged \(no header at byte \d+\): copy it again"):
        count(path)


def test_a_tar_need_not_end_in_zeros(tmp_path: Path) -> None:
    path = packed(tmp_path)
    path.write_bytes(path.read_bytes().rstrip(b"\0"))
    path.write_bytes(path.read_bytes() + bytes(-path.stat().st_size % 512))
    assert count(path) == len(NAMES)


def forbid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Folders of that name cannot be listed; made up, as the superuser lists all."""
    listed = Path.iterdir

    def iterdir(path: Path):
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, "dog")
    with pytest.raises(PatternliteError, match=r"dog cannot be listed \(Permission denied\): make"):
        count(write(tmp_path))


def test_what_systems_keep_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (write(tmp_path) / ".Trashes").mkdir()
    forbid(monkeypatch, ".Trashes")
    assert count(tmp_path) == len(NAMES)


@pytest.mark.parametrize("links", [("latest",), ("one", "other")])
def test_links_that_lead_back_are_not_followed(tmp_path: Path, links: tuple[str, ...]) -> None:
    for link in links:
        (write(tmp_path) / link).symlink_to(".")
        (tmp_path / "test" / link).symlink_to("..")
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("still walking"))
    signal.alarm(20)
    try:
        assert count(tmp_path) == len(NAMES)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_two_folders_that_link_to_each_other(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (write(tmp_path / "one") / "other").symlink_to("../other")
    (tmp_path / "other" / "one").symlink_to("../one")
    assert count(tmp_path) == 2 * len(NAMES)  # from either side


def test_a_link_to_another_class_is_followed(tmp_path: Path) -> None:
    (write(tmp_path) / "test/tiger").symlink_to("cat")
    assert read_images(tmp_path, "test").classes == ("cat", "dog", "tiger")


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_flipped_byte_near_the_end_of_what_is_compressed(tmp_path: Path, kind: str) -> None:
    path = packed(tmp_path, f"w:{kind}")
    content = bytearray(path.read_bytes())
    content[-6] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"images\.tar is damaged \(.+\): copy it again"):
        count(path)


def zipped(tmp_path: Path, separator: str = "/") -> Path:
    path, folder = tmp_path / "images.zip", write(tmp_path / "images")
    with zipfile.ZipFile(path, "w") as archive:
        for name in NAMES:
            info = zipfile.ZipInfo()
            info.filename = f"test/{name}".replace("/", separator)
            archive.writestr(info, (folder / "test" / name).read_bytes())
    return path


def test_backslashes_in_a_zip(tmp_path: Path) -> None:
    assert count(zipped(tmp_path, "\\")) == len(NAMES)


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [((8, 6), 1, "is encrypted, password required"), ((10, 8), 9, "compression method is not supported")],
)
def test_a_zip_that_python_cannot_undo(tmp_path: Path, at: tuple[int, int], value: int, why: str) -> None:
    """Its flags, or its method (9 is Deflate64), in the directory and before each file."""
    path = zipped(tmp_path)
    content = bytearray(path.read_bytes())
    for mark, offset in zip((b"PK\x01\x02", b"PK\x03\x04"), at, strict=True):
        where = content.find(mark)
        while where >= 0:
            content[where + offset] = value
            where = content.find(mark, where + 4)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"images\.zip cannot be read \(.*{why}.*\): unpack it"):
        count(path)


def test_an_image_of_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(ValueError, match=r"^test/cat/0\.png has more pixels than .* resize it"):
        count(write(tmp_path))


@pytest.mark.parametrize("error", [ValueError, TypeError, OverflowError])
def test_whatever_pillow_raises_names_the_image(tmp_path: Path, monkeypatch, error: type[Exception]) -> None:
    def broken(_file: io.BytesIO) -> None:
        raise error("of a header that was not foreseen")

    monkeypatch.setattr(Image, "open", broken)
    folder = tmp_path
    (folder / "test" / "cat").mkdir(parents=True)
    (folder / "test" / "cat" / "0.tif").write_bytes(b"II*")
    with pytest.raises(ValueError, match=r"^test/cat/0\.tif is not a readable image; replace or remove it"):
        count(folder)
