"""Hostile names in text, on the screen, as folders; and exclusions."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.paths import (
    SLUG_LENGTH,
    PatternSet,
    decode,
    display,
    distinguishing_ends,
    encode,
    portable,
    slug,
    unportable,
)

ANY_TEXT = st.text(st.characters(codec=None)) | st.text(
    st.sampled_from("\x00\x07\x1b\n\r\t\x7f\x85\x9b\u200e\u202e\u2066\u2028\u2029\ud800\udc80\ue000\\[/a]é")
)


def test_encode_keeps_what_reads_well() -> None:
    assert encode(b"DCIM/100 CANON/IMG_1 (2).JPG") == "DCIM/100 CANON/IMG_1 (2).JPG"
    assert encode(b"100%\t\n\r\x00\x1b\x7f\xff\xc3\xa9") == "100%25%09%0A%0D%00%1B%7F%FF%C3%A9"
    assert decode("%c3%A9") == b"\xc3\xa9"


@given(st.binary())
def test_encode_round_trip(path: bytes) -> None:
    text = encode(path)
    assert decode(text) == path
    assert all(" " <= character <= "~" for character in text)


@pytest.mark.parametrize("text", ["%", "100%", "%4", "%zz", "a\tb", "é", "a\n", "\x7f"])
def test_decode_refuses_what_encode_never_writes(text: str) -> None:
    with pytest.raises(ValueError, match="not a percent-encoded path"):
        decode(text)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"IMG_1.JPG", "IMG_1.JPG"),
        ("Zürich 東京 🏔.jpg".encode(), "Zürich 東京 🏔.jpg"),
        (b"\x1b[2J", "\\x1b[2J"),
        (b"a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"),
        (b"\x7f", "\\x7f"),
        (b"caf\xe9", "caf\\xe9"),
        (b"\xc2\x9b31m", "\\u009b31m"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("\u2066\u200f\u2028\u2029", "\\u2066\\u200f\\u2028\\u2029"),
        ("\ud800", "\\ud800"),
        ("\udce9", "\\xe9"),
        ("\U000e0041", "\\U000e0041"),
        ("back\\slash [/red]", "back\\slash [/red]"),
        ("\u00a0", "\u00a0"),
        (b"", ""),
    ],
)
def test_display(path: bytes | str, shown: str) -> None:
    assert display(path) == shown


@given(ANY_TEXT | st.binary())
def test_display_does_nothing_but_be_read(path: bytes | str) -> None:
    shown = display(path)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert all(unicodedata.category(character)[0] != "C" for character in shown)
    assert display(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Berlin", "berlin"),
        ("São Paulo, 2024!", "sao-paulo-2024"),
        ("Tromsø & Æro", "tromso-aero"),
        ("Straße", "strasse"),
        ("  --a__b--  ", "a-b"),
        ("東京", "location"),
        ("../../etc", "etc"),
        ("", "location"),
        ("CON", "con-location"),
        ("nul", "nul-location"),
        ("COM¹", "com1-location"),
        ("console", "console"),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(ANY_TEXT)
def test_a_slug_is_always_portable(name: str) -> None:
    made = slug(name)
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", made)
    assert len(made) <= SLUG_LENGTH
    assert not re.fullmatch(r"con|prn|aux|nul|com\d|lpt\d", made)


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("*.tmp", b"a/b/c.tmp", True),
        ("*.tmp", b"a/b.tmp/c", True),
        ("*.tmp", b"a/b.TMP", False),
        ("cache", b"a/cache/b", True),
        ("cache", b"a/cached/b", False),
        ("cache/", b"a/cache/b", True),
        ("a/*.jpg", b"a/1.jpg", True),
        ("a/*.jpg", b"a/b/1.jpg", True),
        ("a/*.jpg", b"b/a/1.jpg", False),
        ("a/b", b"a/b/c", True),
        ("a/b", b"x/a/b", False),
        ("./a/b", b"a/b", True),
        ("/a", b"a/b", True),
        ("/a", b"b/a", False),
        ("caf?", "café".encode(), True),
        ("caf?", b"caf\xe9", True),
        (b"caf\xe9", b"caf\xe9", True),
        ("[a-c]*", b"b1", True),
        ("[!a-c]*", b"b1", False),
        ("a*", b"a\nb", True),
    ],
)
def test_exclusions(pattern: str | bytes, path: bytes, excluded: bool) -> None:
    assert (PatternSet([pattern]).excluded(path) is not None) is excluded


def test_the_excluding_pattern_is_named() -> None:
    patterns = PatternSet(["*.tmp", "DCIM/1*"])
    assert patterns
    assert patterns.excluded(b"x.tmp") == "*.tmp"
    assert patterns.excluded(b"DCIM/100CANON/IMG_1.JPG") == "DCIM/1*"
    assert patterns.excluded(b"DCIM/200CANON/IMG_1.JPG") is None


def test_no_patterns_exclude_nothing() -> None:
    assert not PatternSet()
    assert PatternSet().excluded(b"a") is None


@pytest.mark.parametrize("pattern", ["", "/", "./"])
def test_a_pattern_must_name_something(pattern: str) -> None:
    with pytest.raises(UsageError):
        PatternSet([pattern])


@given(st.binary(), st.binary())
def test_any_pattern_meets_any_path(pattern: bytes, path: bytes) -> None:
    try:
        PatternSet([pattern]).excluded(path)
    except UsageError:
        assert not pattern.removeprefix(b"./").strip(b"/")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (b"DCIM/100CANON/IMG_1 (2).JPG", b"DCIM/100CANON/IMG_1 (2).JPG"),
        (b"a:b*c?.jpg", b"a%3Ab%2Ac%3F.jpg"),
        (b"end./space /x", b"end%2E/space%20/x"),
        (b"back\\slash\n", b"back%5Cslash%0A"),
        (b"100%.jpg", b"100%.jpg"),
        (b"50%25.jpg", b"50%2525.jpg"),
        (b"con/Nul.txt/console", b"%63on/%4Eul.txt/console"),
        (b"caf\xc3\xa9 \xe9", b"caf\xc3\xa9 %E9"),
    ],
)
def test_portable_names(name: bytes, written: bytes) -> None:
    assert portable(name) == written
    assert unportable(written) == name


@given(st.binary() | st.text("%25aA:. /\\c").map(str.encode))
def test_portable_round_trip(path: bytes) -> None:
    written = portable(path)
    assert unportable(written) == path
    written.decode()
    assert not re.search(rb'[\x00-\x1f"*:<>?\\|]|[. ](?:/|\Z)', written)


def test_paths_told_apart() -> None:
    """By as few names from their ends as it takes; also where one path ends as another one does as a whole."""
    for paths, names in (
        (("/mnt/a", "/mnt/b/"), ("a", "b")),
        (("/Volumes/NAS/archive", "/Volumes/SSD/archive", "/x"), ("NAS/archive", "SSD/archive", "x")),
        (("/archive", "/b/archive"), ("archive", "b/archive")),
        (("/archive", "rclone:s3:bucket/archive"), ("archive", "rclone:s3:bucket/archive")),
        (("/",), ("",)),
    ):
        assert distinguishing_ends(paths) == dict(zip(paths, names, strict=True))
