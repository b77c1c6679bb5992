"""Conditions on files, and which index leads to the fewest of those that fit them all."""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

from collections.abc import Sequence
from typing import Any

import msgspec

from core.receipts.lookup import Read

ENOUGH = 5000
"""Files that an index may lead to and still be called few: they are sorted."""

PATH = "CAST(substr(f.path, length(i.root) + iif(length(i.root), 2, 1)) AS TEXT)"
"""The path below the source's root, of a file `f` of an import `i`."""

TABLES = "file f CROSS JOIN import i ON i.id = f.import_id LEFT JOIN metadata m ON m.item_id = f.item_id"
"""What conditions are on."""

ALSO = "/* also */"
"""Where a query for ids takes more conditions on its `f` and `m`: the rows that an index leads to are told from
each other there, before any other table is looked at."""


class Part(msgspec.Struct, frozen=True):
    """One way in which a file can fit: a condition on TABLES, and a query for the `id`s of all that do, newest
    first, by an index. ids "": no index leads there. exact: it leads to no other files. of_path: the condition
    needs `i`, too."""

    where: str
    values: tuple[Any, ...]
    ids: str = ""
    led: tuple[Any, ...] = ()
    exact: bool = True
    of_path: bool = False


Criterion = Sequence[Part]
"""A file fits if it does in one of these ways."""


class Lead(msgspec.Struct, frozen=True):
    """A query for the `id`s of files among which all are that fit. few: they may be sorted; rest: what has to be
    looked at still."""

    ids: str
    values: Sequence[Any]
    rest: Sequence[Criterion]
    few: bool = False


async def leading(read: Read, wanted: Sequence[Criterion]) -> Lead:
    """The way to the fewest files."""
    best: tuple[int, Criterion] | None = None
    for criterion in wanted:
        if not all(part.ids for part in criterion):
            continue
        sql, values = _united(criterion, [])
        ((count,),) = await read(f"SELECT count(*) FROM (SELECT 1 FROM ({sql}) LIMIT {ENOUGH})", values)
        if best is None or count < best[0]:
            best = count, criterion
    if best is None:
        return Lead("SELECT id FROM file ORDER BY id DESC LIMIT -1", (), wanted)
    count, chosen = best
    others = [criterion for criterion in wanted if criterion is not chosen]
    early: list[Criterion] = []
    if all(ALSO in part.ids for part in chosen):
        early = [criterion for criterion in others if not any(part.of_path for part in criterion)]
        # One that looks at paths, too, can be met by ways of its own.
        early += [one for one in others if one not in early and all(part.ids for part in one)][:1]
    rest = [criterion for criterion in others if criterion not in early]
    if not all(part.exact for part in chosen):
        rest.append(chosen)
    sql, values = _united(chosen, early)
    return Lead(sql, values, rest, count < ENOUGH)


def condition(criterion: Criterion) -> tuple[str, list[Any]]:
    """As a condition on TABLES."""
    values = [value for part in criterion for value in part.values]
    return "(" + " OR ".join(part.where for part in criterion) + ")", values


def conditions(wanted: Sequence[Criterion]) -> tuple[str, list[Any]]:
    """All of them, each behind an AND."""
    sql, values = "", list[Any]()
    for criterion in wanted:
        where, with_it = condition(criterion)
        sql += f" AND {where}"
        values += with_it
    return sql, values


def _united(criterion: Criterion, early: Sequence[Criterion]) -> tuple[str, list[Any]]:
    """The ids of all parts that fit `early`, none twice: what an earlier part has is left out of a later one.

    One of `early` is taken apart: without an OR an index can serve a part of it, such as a date beside a camera.
    Its parts that look at paths lead themselves.
    """
    apart = max(early, key=lambda one: (any(part.of_path for part in one), len(one)), default=())
    others, with_others = conditions([one for one in early if one is not apart])
    ways = sorted(apart, key=lambda part: part.of_path)
    selects, values = list[str](), list[Any]()
    for number, way in enumerate(ways or [None]):
        also, with_also = others, [*with_others]
        if number:
            before, with_them = condition(ways[:number])
            also, with_also = f" AND {before} IS NOT TRUE{also}", [*with_them, *with_also]
        if way is not None:
            also, with_also = f" AND {way.where}{also}", [*way.values, *with_also]
        if way is not None and way.of_path:
            fits, with_fits = condition(criterion)
            selects.append(f"SELECT f.id FROM {led_by(way.ids.replace(ALSO, ''))} AND {fits}{also}")
            values += [*way.led, *with_fits, *with_also]
            continue
        for at, part in enumerate(criterion):
            ids = part.ids.replace(ALSO, also)
            values += [*part.led, *with_also]
            if not at:
                selects.append(f"SELECT id FROM ({ids})")
                continue
            before, with_them = condition(criterion[:at])
            selects.append(f"SELECT f.id FROM {led_by(ids)} AND {before} IS NOT TRUE")
            values += with_them
    return " UNION ALL ".join(selects), values


def led_by(ids: str) -> str:
    """TABLES, in the order of a query for ids; ends in a condition."""
    return f"({ids}) d CROSS JOIN {TABLES} WHERE f.id = d.id"
