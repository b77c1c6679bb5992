import errno
import os
from pathlib import Path
from typing import Any

import pytest

from core.files import in_use

TRIES = len(in_use.DELAYS) + 1


class Folder:
    """A folder with one file, which the next renames find open."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(in_use, "DELAYS", (0.0,) * len(in_use.DELAYS))
        monkeypatch.setattr(os, "rename", self._rename)
        (path / "a").write_text("one")
        self.path, self.tries = path, 0
        self.refused: list[int] = []

    def _rename(self, source: str, target: str, **folders: Any) -> None:
        self.tries += 1
        if self.refused:
            raise OSError(self.refused.pop(), "refused")
        os.replace(source, target, **folders)

    def rename(self) -> None:
        fd = os.open(self.path, os.O_RDONLY)
        try:
            in_use.rename("a", "b", fd, fd)
        finally:
            os.close(fd)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path, monkeypatch)


@pytest.mark.parametrize("code", [errno.EIO, errno.EBUSY])
@pytest.mark.parametrize("times", [0, 1, TRIES - 1])
def test_a_file_that_is_open_for_a_moment_is_renamed(folder: Folder, code: int, times: int) -> None:
    folder.refused = [code] * times
    folder.rename()
    assert folder.tries == times + 1
    assert [(path.name, path.read_text()) for path in folder.path.iterdir()] == [("b", "one")]


@pytest.mark.parametrize(
    ("code", "tries"), [(errno.EIO, TRIES), (errno.EBUSY, TRIES), (errno.EACCES, 1), (errno.ENOENT, 1)]
)
def test_what_lasts_is_told(folder: Folder, code: int, tries: int) -> None:
    folder.refused = [code] * (TRIES + 1)
    with pytest.raises(OSError, match="refused") as told:
        folder.rename()
    assert (told.value.errno, folder.tries) == (code, tries)
    assert [path.name for path in folder.path.iterdir()] == ["a"]
