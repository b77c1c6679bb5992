"""Plans a search: picks the criterion whose index leads to the fewest files, and applies the others to those."""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

from collections.abc import Sequence
from typing import Any

import msgspec

from core.database import Read

ENOUGH = 5000
"""An index that leads to fewer files than this counts as selective: its files are sorted."""

PATH = "CAST(substr(f.path, length(i.root) + iif(length(i.root), 2, 1)) AS TEXT)"
"""SQL of the path below the source's root, for a file `f` of an import `i`."""

METADATA = "LEFT JOIN metadata m ON m.item_id = f.item_id"
"""SQL that joins the metadata `m` of a file `f`."""

SEARCHED_TABLES = f"file f CROSS JOIN import i ON i.id = f.import_id {METADATA}"
"""The tables that conditions refer to."""

ALSO = "/* also */"
"""Marks where a query for ids takes more conditions on its `f` and `m`, so that the rows which an index leads to
are filtered before any other table is read."""


class CriterionPart(msgspec.Struct, frozen=True):
    """One way in which a file can meet a criterion.

    where, values: a condition on SEARCHED_TABLES. ids, led: a query for the `id`s of all files that meet it,
    newest first, by an index; "": there is no index for it. exact: the query gives no other files. of_path: the
    condition refers to `i`, too."""

    where: str
    values: tuple[Any, ...]
    ids: str = ""
    led: tuple[Any, ...] = ()
    exact: bool = True
    of_path: bool = False


Criterion = Sequence[CriterionPart]
"""A file meets a criterion if it meets any of its parts."""


class Lead(msgspec.Struct, frozen=True):
    """A query for the `id`s of candidate files, among which are all that match. few: they are few enough to sort.
    rest: criteria that are still to be applied to them."""

    ids: str
    values: Sequence[Any]
    rest: Sequence[Criterion]
    few: bool = False


async def find_lead(read: Read, wanted: Sequence[Criterion]) -> Lead:
    """Find the criterion whose index leads to the fewest candidates, by counting up to ENOUGH for each of them."""
    best: tuple[int, Criterion] | None = None
    for criterion in wanted:
        if not all(part.ids for part in criterion):
            continue
        sql, values = _union_of_parts(criterion, [])
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
        # One criterion that looks at paths may be applied early, too, if each of its parts has an index.
        early += [one for one in others if one not in early and all(part.ids for part in one)][:1]
    rest = [criterion for criterion in others if criterion not in early]
    if not all(part.exact for part in chosen):
        rest.append(chosen)
    sql, values = _union_of_parts(chosen, early)
    return Lead(sql, values, rest, count < ENOUGH)


def condition(criterion: Criterion) -> tuple[str, list[Any]]:
    """A criterion as SQL, a condition on SEARCHED_TABLES, and its parameters."""
    values = [value for part in criterion for value in part.values]
    return "(" + " OR ".join(part.where for part in criterion) + ")", values


def conditions(wanted: Sequence[Criterion]) -> tuple[str, list[Any]]:
    """All criteria as SQL, each preceded by AND, and their parameters."""
    sql, values = "", list[Any]()
    for criterion in wanted:
        where, with_it = condition(criterion)
        sql += f" AND {where}"
        values += with_it
    return sql, values


def _union_of_parts(criterion: Criterion, early: Sequence[Criterion]) -> tuple[str, list[Any]]:
    """A query for the ids that meet `criterion` and all of `early`, each once: ids of an earlier part are excluded
    from the later ones.

    One criterion of `early` is split into its parts: without an OR, SQLite can use an index for a part, such as a
    date together with a camera. Parts of it that look at paths lead by their own index.
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
            selects.append(f"SELECT f.id FROM {driven_by(way.ids.replace(ALSO, ''))} AND {fits}{also}")
            values += [*way.led, *with_fits, *with_also]
            continue
        for at, part in enumerate(criterion):
            ids = part.ids.replace(ALSO, also)
            values += [*part.led, *with_also]
            if not at:
                selects.append(f"SELECT id FROM ({ids})")
                continue
            before, with_them = condition(criterion[:at])
            selects.append(f"SELECT f.id FROM {driven_by(ids)} AND {before} IS NOT TRUE")
            values += with_them
    return " UNION ALL ".join(selects), values


def driven_by(ids: str) -> str:
    """A FROM clause in which the query `ids` drives SEARCHED_TABLES. It ends in a condition, to be followed by
    AND."""
    return f"({ids}) d CROSS JOIN {SEARCHED_TABLES} WHERE f.id = d.id"
