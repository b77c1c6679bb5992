"""Why entries are left out: their sorts, what a verdict makes of them, and what older releases wrote of them."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media import left_out, old_reasons
from core.media.left_out import Sort, Why

TARGETS = st.binary(min_size=1).filter(lambda data: b"\0" not in data)


@given(TARGETS)
def test_any_target_of_a_link_is_kept_as_it_is(target: bytes) -> None:
    why = left_out.linked(os.fsdecode(target))
    assert (why.sort, why.target) == (Sort.LINK, target)
    assert left_out.group(why.sort, why.target) == left_out.LINKS
    why.reason.encode()  # surrogates are escaped: a receipt can hold it


@pytest.mark.parametrize(
    ("why", "group"),
    [
        (left_out.excluded("*.tmp"), left_out.EXCLUDED),
        (left_out.special(stat.S_IFIFO), left_out.SPECIAL),
        (left_out.special(stat.S_IFSOCK), left_out.SPECIAL),
        (left_out.special(stat.S_IFCHR), left_out.SPECIAL),
        (left_out.special(0o160000), left_out.SPECIAL),
        (left_out.linked(""), left_out.LEFT_OUT),
        (left_out.ARCHIVE, left_out.LEFT_OUT),
        (left_out.ICLOUD, left_out.LEFT_OUT),
        (left_out.LIBRARY, left_out.LEFT_OUT),
    ],
)
def test_groups_go_by_the_sort(why: Why, group: str) -> None:
    assert left_out.group(why.sort, why.target or None) == group


def test_a_sort_that_a_newer_release_writes_is_left_out() -> None:
    assert left_out.group("whiteout", None) == left_out.LEFT_OUT
    assert left_out.group("", None) == left_out.LEFT_OUT


# As they were written at 559bbb0, the last release that told sorts by these sentences.
OLD = {
    "symbolic link": (Sort.LINK, None),
    "symbolic link to 'a'": (Sort.LINK, b"a"),
    'symbolic link to "../\\udcff g\'one"': (Sort.LINK, b"../\xff g'one"),
    "symbolic link to '\\n\\x1b[2J\\\\'": (Sort.LINK, b"\n\x1b[2J\\"),
    "named pipe": (Sort.PIPE, None),
    "socket": (Sort.SOCKET, None),
    "device": (Sort.DEVICE, None),
    "neither file nor folder": (Sort.OTHER, None),
    "excluded by 'symbolic link to'": (Sort.EXCLUDED, None),
    "photo library not entered: import it with --libraries": (Sort.LIBRARY, None),
    "in iCloud only, not on this disk: fetch it with --icloud": (Sort.ICLOUD, None),
    "a folder in iCloud only, with all that it holds, not on this disk: fetch it with --icloud": (
        Sort.ICLOUD_FOLDER,
        None,
    ),
    "the archive itself": (Sort.ARCHIVE, None),
    "taken from the record, not read": (Sort.RECORD, None),
    "macOS folder view settings": ("", None),
    "extended attributes not kept: user.a": ("", None),
    "": ("", None),
}


@pytest.mark.parametrize("reason", OLD)
def test_what_older_releases_wrote_is_read_as_ever(reason: str) -> None:
    assert (old_reasons.sort(reason), old_reasons.target(reason)) == OLD[reason]


def test_names_of_attributes_are_read_as_ever() -> None:
    assert old_reasons.unkept("extended attributes not kept: user.a, user.b") == "user.a, user.b"
    assert old_reasons.unkept("symbolic link") == ""


@given(TARGETS)
def test_any_target_that_was_written_is_read_as_ever(target: bytes) -> None:
    assert old_reasons.target(f"symbolic link to {os.fsdecode(target)!r}") == target


@pytest.mark.parametrize("made_up", ["'a", "1", "b'a'", "'a' 'b'(", "(" * 300, "'" + "\\0" + "'", ""])
def test_what_is_no_target_is_none(made_up: str) -> None:
    assert old_reasons.target(f"symbolic link to {made_up}") is None
