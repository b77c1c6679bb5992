"""A receipt adds up, or there is none."""

import json
import tracemalloc
from typing import Any

import pytest

from core import receipts
from core.errors import DatabaseError
from core.models import Outcome, State
from core.receipts import files, summary
from core.receipts.files import PAGE
from tests.core.receipts.book import FORMS, NAME, Book, mixed, parsed


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE file SET outcome = 9 WHERE id = 3",
        "UPDATE file SET item_id = NULL WHERE id = 1",
        "UPDATE import SET verdict = 'SAFE'",
    ],
)
async def test_a_catalog_that_contradicts_itself_gives_no_receipt(
    book: Book, form: receipts.Form, damage: str
) -> None:
    await mixed(book)
    await book.database.run((damage, [()]))
    with pytest.raises(DatabaseError, match="so there is no receipt"):
        await book.text(form)


async def test_rows_alone_must_add_up_too(book: Book) -> None:
    await mixed(book)
    await book.database.run(("UPDATE file SET outcome = 9 WHERE id = 3", [()]))
    with pytest.raises(DatabaseError, match="8 entries were seen, but 7 have an outcome"):
        await book.all()


@pytest.mark.parametrize("form", FORMS)
async def test_a_file_that_changes_on_the_way_is_noticed(book: Book, form: receipts.Form) -> None:
    await mixed(book)

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        found = await book.read(sql, parameters)
        if "GROUP BY" in sql:
            await book.database.run(("UPDATE file SET outcome = 5 WHERE id = 1", [()]))
        return found

    with pytest.raises(DatabaseError, match="were counted as"):
        await receipts.write(read, NAME, form, lambda _: None)


async def test_files_are_counted_in_parts(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    await mixed(book)
    whole = await receipts.head(book.read, NAME)
    assert whole.totals.seen.files > 2
    monkeypatch.setattr(summary, "FILES_GROUPED", 2)
    assert await receipts.head(book.read, NAME) == whole


async def test_a_running_import_is_listed_up_to_where_it_was_counted(book: Book) -> None:
    number = await book.add(state=State.RUNNING, listed=0)
    await book.enter(number, *((b"%d" % n, Outcome.TODO, None, None) for n in range(PAGE + 10)))
    calls = 0

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        nonlocal calls
        calls += 1
        found = await book.read(sql, parameters)
        await book.enter(number, (b"new %d" % calls, Outcome.TODO, None, None))
        await book.database.run(("UPDATE file SET outcome = 5 WHERE id IN (?, ?)", [(calls, 2 * PAGE - calls)]))
        return found

    parts: list[str] = []
    await receipts.write(read, NAME, "json", parts.append)
    found = json.loads("".join(parts))
    assert len(found["files"]) == found["totals"]["seen"]["files"] > PAGE
    assert len({row["path"] for row in found["files"]}) == len(found["files"])


@pytest.mark.parametrize("form", FORMS)
async def test_an_import_that_ends_while_it_is_counted(book: Book, form: receipts.Form) -> None:
    number = await book.add(state=State.RUNNING, ended=None)
    await book.enter(number, *((b"%d" % n, Outcome.TODO, None, None) for n in range(3)))
    queries = 0

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        nonlocal queries
        queries += "GROUP BY" in sql or "verdict" in sql
        if queries == 2:
            await book.database.run(
                ("UPDATE file SET outcome = 2, item_id = ?", [(await book.item(),)]),
                ("UPDATE import SET state = 'done', verdict = 'SAFE'", [()]),
            )
        return await book.read(sql, parameters)

    await receipts.write(read, NAME, form, lambda _: None)


async def test_other_imports_between_do_not_show(book: Book) -> None:
    one, two = await book.add("one"), await book.add("two")
    for n in range(20):
        await book.enter(one if n % 2 else two, (b"%d" % n, n % 3 + 3, None, "why"))
    assert [row.path for row in await book.all("one")] == [b"%d" % n for n in range(1, 20, 2)]
    assert len(await parsed(book, "tsv", "two")) == 10


async def test_pages_meet_without_gap_or_overlap(book: Book) -> None:
    number = await book.add()
    count = 2 * PAGE
    await book.enter(number, *((b"%d" % n, n % 3 + 3, None, None) for n in range(count)))
    sizes = [len(page) async for page in receipts.rows(book.read, NAME)]
    assert sizes == [PAGE, PAGE]
    assert [int(row.path) for row in await book.all()] == list(range(count))


async def test_many_files_stream(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PAGE", 100)
    number = await book.add(verdict="SAFE")
    item = await book.item()
    await book.enter(number, *((b"DCIM/100EOS/IMG_%06d.JPG" % n, 1 + n % 3, item, None) for n in range(6_000)))
    written = 0

    def out(text: str) -> None:
        nonlocal written
        written += len(text)

    forms: tuple[receipts.Form, ...] = ("text", "json")
    for form in forms:
        tracemalloc.start()
        await receipts.write(book.read, NAME, form, out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1e6, form
    assert written > 3.6e6  # what is kept is a small part of it


async def test_no_page_sorts_the_import(book: Book) -> None:
    plans: list[str] = []

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        if "CROSS JOIN" in sql:
            plans.extend(str(row[3]) for row in await book.read(f"EXPLAIN QUERY PLAN {sql}", parameters))
        return await book.read(sql, parameters)

    await mixed(book)
    async for _ in receipts.rows(read, NAME):
        pass
    searches = [plan for plan in plans if plan.startswith("SEARCH file ")]
    assert len(searches) == len(Outcome)
    assert all("rowid>?" in plan and "file_import" in plan for plan in searches)
    assert not [plan for plan in plans if plan.startswith("SCAN") and plan != "SCAN page"]
