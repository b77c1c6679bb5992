"""Which files are given to the system's viewer."""

import pytest

from core.media.viewable import viewable


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *((f"DCIM/A.{one}", True) for one in ("JPG", "cr3", "mov", "wav", "heic", "psd")),
        *((f"DCIM/A.{one}", False) for one in ("svg", "SVGZ", "eps", "ai", "command", "desktop", "html", "pdf")),
        ("A", False),
        ("svg", False),
    ],
)
def test_no_program_is_opened(name: str, given: bool) -> None:
    assert viewable(name.encode()) is given
