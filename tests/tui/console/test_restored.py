"""The result of a restore, as it is told."""

import pytest

from core.models import Count
from core.results import RestoreResult
from tests.tui.console.streams import console
from tui.console import restored


@pytest.mark.parametrize(
    ("count", "folders", "links", "told"),
    [
        (1, 0, 0, "1 file not restored:"),
        (3, 1, 0, "2 files, 1 folder not restored:"),
        (2, 2, 0, "2 folders not restored:"),
        (1203, 1, 2, "1,200 files, 2 symbolic links, 1 folder not restored:"),
    ],
)
def test_folders_are_not_counted_among_files(count: int, folders: int, links: int, told: str) -> None:
    failed = (("DCIM/a:b/", "destination: invalid argument"),)
    found = RestoreResult(
        restored=Count(files=5), failed_count=count, failed=failed, failed_folders=folders, failed_links=links
    )
    to, said, _ = console()
    restored.tell(found, "/there", to.out)
    lines = said.getvalue().splitlines()
    assert lines[0].startswith("FAILED  5 files")
    assert lines[1:3] == [f"  {told}", "    DCIM/a:b/: destination: invalid argument"]
