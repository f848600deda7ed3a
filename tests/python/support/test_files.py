"""Paths are checked before work, and content appears whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from patternlite.errors import PatternliteError, one_line
from patternlite.support import files
from patternlite.support.files import (
    make_folder,
    require_file,
    require_target,
    require_target_folder,
    require_targets,
    write_atomically,
)


def test_a_file_is_required(tmp_path: Path) -> None:
    (tmp_path / "net.mnn").touch()
    require_file(tmp_path / "net.mnn")
    with pytest.raises(PatternliteError, match="is a folder; give a file"):
        require_file(tmp_path)
    with pytest.raises(PatternliteError, match=r"none\.mnn does not exist"):
        require_file(tmp_path / "none.mnn")


@pytest.mark.parametrize("check", [require_file, require_target, require_target_folder])
def test_a_path_that_runtimes_cannot_be_told(tmp_path: Path, check) -> None:
    path = tmp_path / os.fsdecode(b"n\xff") / "net.mnn"
    with pytest.raises(PatternliteError, match=r"n\\xff/net.mnn is not UTF-8, .* rename it"):
        check(path)


def test_a_target_may_need_folders_but_no_other_file(tmp_path: Path) -> None:
    require_target(tmp_path / "new" / "newer" / "net.safetensors")
    with pytest.raises(PatternliteError, match="is a folder; give a file to write"):
        require_target(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(PatternliteError, match="file is a file; give another folder to write to"):
        require_target(tmp_path / "file" / "net.safetensors")
    for folder in ("file", "file/new/newer"):
        with pytest.raises(PatternliteError, match="/file is a file"):
            require_target_folder(tmp_path / folder)


def test_a_source_is_not_written_over_by_any_of_its_names(tmp_path: Path) -> None:
    source, link = tmp_path / "net.safetensors", tmp_path / "link.safetensors"
    source.touch()
    link.symlink_to(source)
    require_targets([tmp_path / "new.safetensors"], [source])
    for target in (source, link, tmp_path / "new" / ".." / source.name):
        with pytest.raises(PatternliteError, match=r"would be written over .*net\.safetensors: give another"):
            require_targets([target], [source])


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "masks"
    write_atomically(path, "before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match=r"No space left on device: free some space .*masks"):
        write_atomically(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PatternliteError, match=r"written to .*file/net \(Not a directory\): give another"):
        make_folder(tmp_path / "file" / "net")


def test_an_error_of_the_system_is_a_sentence() -> None:
    assert (
        one_line(OSError(errno.EROFS, "Read-only file system", "/a/net.mnn"))
        == "/a/net.mnn: Read-only file system"
    )


def test_the_error_names_the_file_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file/net\.json'$"):
        write_atomically(tmp_path / "file" / "net.json", "text")
