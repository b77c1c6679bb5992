import msgspec
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from core.files.checksummed_lines import sealed, unsealed
from core.journal import journal_format
from core.paths import decode, encode

VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.lists(st.text())
ROWS = st.dictionaries(st.text(), VALUES, min_size=1)


@given(ROWS)
def test_row_comes_back(row: dict[str, object]) -> None:
    line = sealed(row)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert unsealed(line) == row
    assert journal_format.unsealed(line) == row
    assert msgspec.json.decode(line).keys() == {*row, "check"}


@given(st.binary())
def test_name_comes_back(path: bytes) -> None:
    row = unsealed(sealed({"file": encode(path)}))
    assert row is not None
    assert decode(row["file"]) == path


@given(ROWS, st.data())
def test_damaged_line_is_refused(row: dict[str, object], data: st.DataObject) -> None:
    line = bytearray(sealed(row))
    at = data.draw(st.integers(0, len(line) - 2))
    line[at] ^= data.draw(st.integers(1, 255))
    assert unsealed(bytes(line)) is None


@given(ROWS, st.data())
def test_torn_line_is_refused(row: dict[str, object], data: st.DataObject) -> None:
    line = sealed(row)
    assert unsealed(line[: data.draw(st.integers(0, len(line) - 2))]) is None


def test_line_of_somebody_else_is_refused() -> None:
    assert unsealed(b"") is None
    assert unsealed(b'{"file":"a"}\n') is None
    assert unsealed(b'[1],"check":"x"}') is None


def test_a_line_that_is_sealed_but_no_text_is_damaged() -> None:
    text = b'{"file":"\xcd"'
    line = text + b',"check":"' + xxhash.xxh3_64_hexdigest(text).encode() + b'"}\n'
    assert unsealed(line) is None
