"""What an audit has found, for a person."""

import pytest

from core.models import Count
from core.results import AuditResult
from tests.tui.console.streams import pipe
from tui.console import audited

READ = Count(files=3, bytes=3000)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (AuditResult(checked=READ, well=READ), "WELL  3 files"),
        # Nothing was due, or the archive is empty: that says nothing of any file.
        (AuditResult(), "NOTHING READ  0 files"),
        (AuditResult(not_read_count=1, not_read=(("a", "Permission denied"),)), "NOT ALL READ  0 files"),
        (AuditResult(checked=READ, damaged_count=1, damaged=(("a", "why"),)), "DAMAGED  3 files"),
    ],
)
def test_the_first_word_is_the_result(found: AuditResult, word: str) -> None:
    out, told = pipe()
    audited.tell(found, out)
    assert told.getvalue().startswith(word)


def test_junk_is_told_of_as_it_is_of_a_location() -> None:
    out, told = pipe()
    audited.tell(AuditResult(checked=READ, well=READ, junk=2), out)
    assert (
        "2 junk files or folders lie in its bags: `lading tidy` removes what certainly is junk" in told.getvalue()
    )
