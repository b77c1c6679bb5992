"""Patterns of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.restoring.naming import LONGEST_NAME, Naming


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{date} {camera} {stem}", b"2024-05-06 Canon EOS R5 IMG_1"),
        ("{date}_{time}", b"2024-05-06_07-08-09"),
        ("{stem} (Basel)", b"IMG_1 (Basel)"),
        ("{{{stem}}}", b"{IMG_1}"),
    ],
)
def test_fields_are_filled(pattern: str, name: bytes) -> None:
    assert Naming(pattern).name(b"IMG_1", "2024-05-06T07:08:09.25", "2024-05-06", "Canon EOS R5") == name


def test_what_is_not_known_leaves_no_gap() -> None:
    assert Naming("{date} {camera} {stem}").name(b"a", "", "2024-05-06", "") == b"2024-05-06 a"
    assert Naming("{time}").name(b"a", "2024", "2024-01-01", "") == b"a"
    assert Naming("{camera}").name(b"a", "", "", "A/B\n") == b"A_B_"


def test_a_long_name_is_not_cut_inside_a_character() -> None:
    """APFS refuses half of one."""
    for before in range(4):
        name = Naming("{camera}").name(b"a", "", "", "a" * before + "😀" * 100)
        assert name.decode() == "a" * before + "😀" * ((LONGEST_NAME - before) // 4)


@pytest.mark.parametrize("pattern", ["", "plain", "{size}", "{date", "}", "{}", "{date}/{stem}", "{stem.real}"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(UsageError):
        Naming(pattern)


@given(st.binary(min_size=1, max_size=300).filter(lambda stem: not {0, 0x2F} & set(stem)), st.text(max_size=300))
def test_a_name_is_never_empty_nor_a_path(stem: bytes, camera: str) -> None:
    name = Naming("{camera} {stem}").name(stem, "", "", camera.encode("utf-8", "replace").decode())
    assert name
    assert b"/" not in name
    assert b"\0" not in name
    assert len(name) <= max(LONGEST_NAME, len(stem))
