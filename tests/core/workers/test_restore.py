"""Names of restored files."""

import pytest

from core.workers.restore import other_name


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (b"IMG_1.JPG", b"IMG_1-2.JPG"),
        (b"a" * 251 + b".JPG", b"a" * 249 + b"-2.JPG"),
        # Two and four bytes each: what is cut off is a whole character.
        ("ü".encode() * 125 + b".JPG", "ü".encode() * 124 + b"-2.JPG"),
        (b"a" + "😀".encode() * 62 + b".JPG", b"a" + "😀".encode() * 62 + b"-2.JPG"),
        (b"aaa" + "😀".encode() * 62 + b".JPG", b"aaa" + "😀".encode() * 61 + b"-2.JPG"),
        ("ü".encode() * 127, "ü".encode() * 126 + b"-2"),
        # No characters at all.
        (b"\x80" * 255, b"\x80" * 253 + b"-2"),
    ],
)
def test_another_name_is_as_long_as_a_name_may_be(name: bytes, other: bytes) -> None:
    assert other_name(name, 2) == other
