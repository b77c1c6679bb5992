"""Which import a receipt is of, and its times."""

import pytest

from core import receipts
from core.errors import UsageError
from core.receipts import timestamps
from tests.core.receipts.book import FORMS, Book, mixed, parsed


async def test_the_beginning_of_an_id_is_enough(book: Book) -> None:
    await book.add("20251206-aa")
    await book.add("20251206-ab")
    await book.add("20251206-ab-2")
    assert (await receipts.head(book.read, "20251206-aa")).id == "20251206-aa"
    assert (await receipts.head(book.read, "20251206-AA")).id == "20251206-aa"
    assert (await receipts.head(book.read, "20251206-ab")).id == "20251206-ab"
    assert (await receipts.head(book.read, "20251206-ab-")).id == "20251206-ab-2"
    with pytest.raises(UsageError, match="Several imports begin with 2025: 20251206-ab-2, 20251206-ab") as error:
        await receipts.head(book.read, "2025")
    assert error.value.advice == "Give more of the id."


@pytest.mark.parametrize("form", FORMS)
async def test_the_nearest_id_is_advice(book: Book, form: receipts.Form) -> None:
    await book.add("20251206-aa")
    with pytest.raises(UsageError, match="There is no import 20251207-aa") as error:
        await book.text(form, "20251207-aa")
    assert error.value.advice == "Did you mean 20251206-aa?"
    for name in ("", "%", "\x1bzzz", "_"):
        with pytest.raises(UsageError, match="no import") as error:
            await book.all(name)
        assert str(error.value).isprintable()
        assert error.value.advice == "`lading imports` lists them."


async def test_an_import_across_the_change_of_the_clocks(book: Book) -> None:
    spring = 1_774_745_999.9  # 2026-03-29 00:59:59.9 UTC
    await book.add("spring", zone="Europe/Berlin", started=spring, ended=spring + 2)
    await book.add("autumn", zone="Europe/Berlin", started=1_792_889_999, ended=1_792_890_001)
    head = await receipts.head(book.read, "spring")
    assert (head.started, head.ended) == ("2026-03-29T01:59:59+01:00", "2026-03-29T03:00:01+02:00")
    head = await receipts.head(book.read, "autumn")
    assert (head.started, head.ended) == ("2026-10-25T02:59:59+02:00", "2026-10-25T02:00:01+01:00")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("+02:00", "1970-01-01T02:00:00+02:00"),
        ("-0330", "1969-12-31T20:30:00-03:30"),
        ("Asia/Kathmandu", "1970-01-01T05:30:00+05:30"),
        ("UTC", "1970-01-01T00:00:00+00:00"),
        ("No/Where", "1970-01-01T00:00:00+00:00"),
        ("../../etc/passwd", "1970-01-01T00:00:00+00:00"),
        ("Europe", "1970-01-01T00:00:00+00:00"),
        ("+25:00", "1970-01-01T00:00:00+00:00"),
        ("", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_zones(zone: str, shown: str) -> None:
    assert timestamps.stamp(0, timestamps.zone_of(zone)) == shown


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [
        (1_764_979_200_123_456_789, "2025-12-06T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59+00:00"),
        (-(2**63), "1677-09-21T00:12:43+00:00"),
        (2**63 - 1, "2262-04-11T23:47:16+00:00"),
        (10**21, ""),
        (-(10**21), ""),
    ],
)
def test_times_of_files(nanoseconds: int, shown: str) -> None:
    assert timestamps.stamp_ns(nanoseconds) == shown


async def test_machine_forms_give_times_exactly(book: Book) -> None:
    await mixed(book)
    (row, *_), (other, *_) = await parsed(book, "json"), await parsed(book, "tsv")
    assert row["mtime_ns"] == int(other["mtime_ns"]) == 1764979200123456789
    assert row["mtime"] == other["mtime"] == "2025-12-06T00:00:00+00:00"
    assert row["read_back"] == other["read_back"] == "2025-12-06T00:13:20+00:00"
