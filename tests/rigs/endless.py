"""A file system without an end (FUSE, Linux, root): a folder that can be listed forever, files that can be read
forever.

`python -m tests.rigs.endless MOUNT` is its daemon, `mounted` starts and ends it.
"""

import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.rigs import passthrough

FOLDER, STREAMS = "folder", "streams"
"""The folder that always has one more file, and the folder of endless files."""

GROWS = ("grows.mov", "grows.jpg")
"""Files that are larger at each stat(2)."""

RUNS_ON = ("runs on.mov", "runs on.jpg")
"""Files from which more can always be read than their size says."""

SIZES = {".mov": 20 << 20, ".jpg": 1000}
"""Bytes of their first size: too many for a batch of small files, and few."""

STEP = 1 << 20


@contextmanager
def mounted(path: Path) -> Iterator[Path]:
    """Mount it on `path`."""
    path.mkdir(parents=True)
    process = passthrough.serving("tests.rigs.endless", path)
    try:
        yield path
    finally:
        passthrough.ended(process, path)


def daemon(mount: str) -> None:
    """Serve until unmounted."""
    import mfusepy

    class Operations(mfusepy.Operations):  # type: ignore[misc]
        use_ns = True
        looks = 0

        def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
            if path in ("/", f"/{FOLDER}", f"/{STREAMS}"):
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            name = Path(path).name
            size = SIZES[Path(path).suffix] if path.startswith(f"/{STREAMS}") else len(name)
            if name in GROWS:
                self.looks += 1
                size += self.looks * STEP
            return {
                "st_mode": stat.S_IFREG | 0o644,
                "st_nlink": 1,
                "st_size": size,
                "st_mtime": 1_700_000_000 * 10**9,
            }

        def readdir_with_offset(
            self, path: str, offset: int, fh: int
        ) -> Iterator[tuple[str, dict[str, int], int]]:
            mode = {"st_mode": stat.S_IFREG}
            if path == f"/{FOLDER}":
                while True:
                    offset += 1
                    yield f"IMG_{offset:09}.JPG", mode, offset
            names = (FOLDER, STREAMS) if path == "/" else (*GROWS, *RUNS_ON)
            yield from ((name, {}, at) for at, name in enumerate(names, 1) if at > offset)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            if path.startswith(f"/{STREAMS}"):
                return bytes(size)
            return Path(path).name.encode()[offset : offset + size]

    # direct_io: the kernel does not stop reading at the size of the file.
    options: dict[str, Any] = {"fsname": "endless", "subtype": "endless", "direct_io": True, "attr_timeout": 0}
    mfusepy.FUSE(Operations(), mount, foreground=True, ro=True, max_threads=8, max_idle_threads=8, **options)


if __name__ == "__main__":
    daemon(*sys.argv[1:2])
