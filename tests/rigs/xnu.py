"""The errors of macOS when a volume is gone, or a program has lost the permission for it, in worker processes on
Linux.

The library (xnu.c) is preloaded into the workers that are started inside the block.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")


class Xnu:
    """Sets the errors for a folder from now on."""

    def __init__(self, flag: Path) -> None:
        self._flag = flag

    def dead(self, folder: Path) -> None:
        """Act as if the volume of `folder` was unmounted by force."""
        self._flag.write_text(f"dead {folder}")

    def refused(self, folder: Path) -> None:
        """Refuse to open anything at or below `folder`: EPERM."""
        self._flag.write_text(f"refused {folder}")

    def well(self) -> None:
        """Return no more errors."""
        self._flag.unlink()


@contextmanager
def preloaded(folder: Path) -> Iterator[Xnu]:
    """Preload the library into workers that are started inside the block; `folder` holds the files for that."""
    compiler = shutil.which("cc")
    assert compiler, "a C compiler is missing: .ci/setup test"
    folder.mkdir()
    library, flag = folder / "xnu.so", folder / "flag"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("LADING_XNU", str(flag))
        yield Xnu(flag)
