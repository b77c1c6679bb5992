"""Stills and movies of Live Photos find each other, whichever came first, and nothing else does."""

from pathlib import Path
from typing import Any

import pytest

from core.models import Outcome
from core.tasks import live_photo
from core.tasks.live_photo import LONGEST_MOVIE, LivePhoto
from tests.core.bagit.bagrig import Rig, rig

ID = "4F0A6CF1-0000-4000-8000-1F2E3D4C5B6A"


async def pair(here: Rig, import_id: int) -> dict[int, tuple[int, str]]:
    """All pairs after a job on an import: (movie, how) by still."""
    result = await here.run(LivePhoto(), import_id=import_id)
    assert result.error == ""
    rows = await here.database.read("SELECT still_id, movie_id, found FROM live_pair")
    return {still: (movie, how) for still, movie, how in rows}


async def still(here: Rig, import_id: int, path: bytes = b"100APPLE/IMG_1.HEIC", **values: Any) -> int:
    return await here.item(import_id, path, "images", **values)


async def movie(here: Rig, import_id: int, path: bytes = b"100APPLE/IMG_1.MOV", **values: Any) -> int:
    return await here.item(import_id, path, "videos", **values)


@pytest.mark.parametrize("still_first", [True, False])
async def test_two_imports_either_way_round(tmp_path: Path, still_first: bool) -> None:
    async with rig(tmp_path) as here:
        first, second = await here.begin("a"), await here.begin("b", await here.location("alps-1", "Alps"))
        one = await (still if still_first else movie)(here, first, b"x/A", content_identifier=ID)
        assert await pair(here, first) == {}
        two = await (movie if still_first else still)(here, second, b"y/B", content_identifier=ID)
        wanted = {one: (two, "identifier")} if still_first else {two: (one, "identifier")}
        assert await pair(here, second) == wanted
        for number in (first, second):
            result = await here.run(LivePhoto(), import_id=number)
            assert [list(rows) for _, rows in result.statements] == [[], [], []]


async def test_a_duplicate_of_what_was_there_pairs_too(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        first, second = await here.begin("a"), await here.begin("b")
        one, two = await still(here, first, content_identifier=ID), await movie(here, first, content_identifier=ID)
        await here.item(second, b"IMG_1.HEIC", outcome=Outcome.DUPLICATE, item_id=one)
        assert await pair(here, second) == {one: (two, "identifier")}


async def test_other_archives_and_failures_do_not_count(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        await still(here, number, content_identifier=ID)
        elsewhere = await movie(here, number, b"B.MOV", content_identifier=ID)
        other = await here.catalog.archive("other", b"/other")
        await here.database.run(("UPDATE item SET archive_id = ? WHERE id = ?", [(other, elsewhere)]))
        assert await pair(here, number) == {}
        failed = await here.begin("b")
        await movie(here, failed, outcome=Outcome.FAILED, content_identifier=ID)
        assert await pair(here, failed) == {}


async def test_best_of_several(tmp_path: Path) -> None:
    """One folder before one import before the nearest in time."""
    async with rig(tmp_path) as here:
        old, new = await here.begin("a"), await here.begin("b")
        far = await movie(here, old, b"m/A.MOV", content_identifier=ID, captured=990.0)
        one = await still(here, new, b"x/IMG.HEIC", content_identifier=ID, captured=1000.0)
        assert await pair(here, new) == {one: (far, "identifier")}
        near = await movie(here, old, b"m/B.MOV", content_identifier=ID, captured=1001.0)
        await movie(here, old, b"m/C.MOV", content_identifier=ID)
        assert await pair(here, old) == {one: (near, "identifier")}
        same_import = await movie(here, new, b"y/IMG.MOV", content_identifier=ID, captured=5000.0)
        assert await pair(here, new) == {one: (same_import, "identifier")}
        same_folder = await movie(here, new, b"x/other.MOV", content_identifier=ID, captured=9000.0)
        assert await pair(here, old) == {one: (same_folder, "identifier")}
        edit = await still(here, new, b"x/IMG_E.JPG", content_identifier=ID, captured=1000.0)
        both = {one: (same_folder, "identifier"), edit: (same_folder, "identifier")}
        assert await pair(here, new) == both
        assert await pair(here, old) == both


async def test_identifier_that_changes_takes_its_pair_along(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        one, two = (
            await still(here, number, content_identifier=ID),
            await movie(here, number, content_identifier=ID),
        )
        assert await pair(here, number) == {one: (two, "identifier")}
        await here.metadata(two, content_identifier="another")
        assert await pair(here, number) == {}
        await here.metadata(one, content_identifier="another")
        assert await pair(here, number) == {one: (two, "identifier")}
        await here.metadata(one)
        await here.metadata(two)
        assert await pair(here, number) == {}


async def test_identifier_of_too_many_identifies_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        for count in range(live_photo.MOST_SHARED // 2 + 1):
            await still(here, number, b"%d.HEIC" % count, content_identifier=ID)
            await movie(here, number, b"%d.MOV" % count, content_identifier=ID)
        assert await pair(here, number) == {}


@pytest.mark.parametrize("name", [b"IMG_1.HEIC", b"img_1.heif", b"IMG_1.jpg", b"IMG_1.JPEG"])
async def test_by_name(tmp_path: Path, name: bytes) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        one = await still(here, number, b"100\xff/" + name)
        two = await movie(here, number, b"100\xff/IMG_1.MOV", duration=LONGEST_MOVIE)
        assert await pair(here, number) == {one: (two, "name")}
        assert await pair(here, number) == {one: (two, "name")}


@pytest.mark.parametrize(
    ("names", "of_still", "of_movie"),
    [
        ((b"a/IMG_1.HEIC", b"b/IMG_1.MOV"), {}, {"duration": 3.0}),
        ((b"a/IMG_1.HEIC", b"a/IMG_2.MOV"), {}, {"duration": 3.0}),
        ((b"a/IMG_1.HEIC", b"a/IMG_1.MP4"), {}, {"duration": 3.0}),
        ((b"a/IMG_1.CR3", b"a/IMG_1.MOV"), {}, {"duration": 3.0}),
        ((b"a/IMG_1.PNG", b"a/IMG_1.MOV"), {}, {"duration": 3.0}),
        ((b"a/IMG_1.HEIC", b"a/IMG_1.MOV"), {}, {"duration": LONGEST_MOVIE + 0.1}),
        ((b"a/IMG_1.HEIC", b"a/IMG_1.MOV"), {}, {}),
        ((b"a/IMG_1.HEIC", b"a/IMG_1.MOV"), {}, {"duration": 0.0}),
        ((b"a/IMG_1.HEIC", b"a/IMG_1.MOV"), {"content_identifier": ID}, {"duration": 3.0}),
        ((b"a/IMG_1.HEIC", b"a/IMG_1.MOV"), {}, {"duration": 3.0, "content_identifier": ID}),
        ((b"a/IMG_1.JPG", b"a/IMG_1.MOV"), {"make": "Canon"}, {"duration": 3.0}),
        ((b"a/IMG_1.JPG", b"a/IMG_1.MOV"), {}, {"duration": 3.0, "make": "NIKON"}),
    ],
)
async def test_not_by_name(
    tmp_path: Path, names: tuple[bytes, bytes], of_still: dict[str, Any], of_movie: dict[str, Any]
) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        await still(here, number, names[0], **of_still)
        await movie(here, number, names[1], **of_movie)
        assert await pair(here, number) == {}


async def test_names_count_in_one_import_only(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        first, second = await here.begin("a"), await here.begin("b")
        await still(here, first)
        await movie(here, second, duration=3.0)
        assert await pair(here, first) == {}
        assert await pair(here, second) == {}


async def test_length_from_ffprobe_where_there_is_no_exiftool(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        one, two = await still(here, number), await movie(here, number)
        await here.database.run(("INSERT INTO probe (item_id, duration, raw) VALUES (?, 2.5, x'')", [(two,)]))
        assert await pair(here, number) == {one: (two, "name")}


async def test_identifier_comes_before_name(tmp_path: Path) -> None:
    """What was paired by name is not, once an identifier is known."""
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        one, two = await still(here, number), await movie(here, number, duration=3.0)
        assert await pair(here, number) == {one: (two, "name")}
        await here.metadata(two, content_identifier=ID, duration=3.0)
        assert await pair(here, number) == {}
        three = await still(here, number, b"elsewhere/IMG_9.HEIC", content_identifier=ID)
        assert await pair(here, number) == {three: (two, "identifier")}
        await here.metadata(one, content_identifier=ID)
        assert await pair(here, number) == {one: (two, "identifier"), three: (two, "identifier")}


SHOT: dict[str, Any] = {"captured": 1_700_000_000.0, "make": "Apple"}
RECORDED: dict[str, Any] = {"captured": 1_700_000_002.0, "make": "Apple", "duration": 3.0}


@pytest.mark.parametrize("of_still", [True, False])
async def test_by_name_where_one_lost_its_identifier(tmp_path: Path, of_still: bool) -> None:
    """By editors that drop Apple's maker note, by programs that rewrite the movie; until its partner comes."""
    async with rig(tmp_path) as here:
        first, second = await here.begin("a"), await here.begin("b")
        has, lost = {"content_identifier": ID}, dict[str, Any]()
        one = await still(here, first, **SHOT, **(has if of_still else lost))
        two = await movie(here, first, **RECORDED, **(lost if of_still else has))
        assert await pair(here, first) == {one: (two, "name")}
        assert await pair(here, first) == {one: (two, "name")}
        partner = await (movie if of_still else still)(here, second, b"x/OTHER", **SHOT, content_identifier=ID)
        found = (one, partner) if of_still else (partner, two)
        assert await pair(here, second) == {found[0]: (found[1], "identifier")}
        assert await pair(here, first) == {found[0]: (found[1], "identifier")}


async def test_by_name_where_one_has_no_zone(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        one = await still(here, number, captured=SHOT["captured"] + 5.5 * 3600, make="Apple")
        two = await movie(here, number, **RECORDED, content_identifier=ID)
        assert await pair(here, number) == {one: (two, "name")}


@pytest.mark.parametrize(
    ("of_still", "of_movie"),
    [
        ({"captured": None}, {}),
        ({"captured": 1_700_000_120.0}, {}),
        ({"captured": 1_700_600_000.0}, {}),
        ({"make": "Canon"}, {}),
        ({}, {"duration": LONGEST_MOVIE + 1}),
        ({"content_identifier": "another"}, {}),
    ],
)
async def test_not_by_name_where_more_than_the_identifier_differs(
    tmp_path: Path, of_still: dict[str, Any], of_movie: dict[str, Any]
) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        await still(here, number, **{**SHOT, **of_still})
        await movie(here, number, **{**RECORDED, "content_identifier": ID, **of_movie})
        assert await pair(here, number) == {}


async def test_edited_stills_have_the_edited_movie(tmp_path: Path) -> None:
    """All four share one identifier; the movies stand in either order, and one is nearer in time."""
    async with rig(tmp_path) as here:
        for count, movies in enumerate(
            ((b"a/IMG_0004.MOV", b"a/IMG_E0004.MOV"), (b"a/IMG_E0004.MOV", b"a/IMG_0004.MOV"))
        ):
            number = await here.begin(f"{count}")
            own = {"content_identifier": f"{ID}{count}"}
            stills = {
                name: await still(here, number, name, captured=1000.0, **own)
                for name in (b"a/IMG_0004.HEIC", b"a/IMG_E0004.JPG")
            }
            made = {
                name: await movie(here, number, name, captured=1000.0 + at, **own)
                for at, name in enumerate(movies)
            }
            found = await pair(here, number)
            assert found[stills[b"a/IMG_0004.HEIC"]][0] == made[b"a/IMG_0004.MOV"]
            assert found[stills[b"a/IMG_E0004.JPG"]][0] == made[b"a/IMG_E0004.MOV"]


async def test_more_than_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_photo, "_PAGE", live_photo._PAGE.replace(str(live_photo.PAGE), "3"))
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        stills = [await still(here, number, b"%d.HEIC" % n, content_identifier=f"{ID}{n}") for n in range(10)]
        movies = [await movie(here, number, b"%d.MOV" % n, content_identifier=f"{ID}{n}") for n in range(10)]
        by_name = await still(here, number, b"x.HEIC"), await movie(here, number, b"x.MOV", duration=2.0)
        pairs = {one: (two, "identifier") for one, two in zip(stills, movies, strict=True)}
        assert await pair(here, number) == pairs | {by_name[0]: (by_name[1], "name")}


async def test_import_that_is_not_there(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        result = await here.run(LivePhoto(), import_id=99)
        assert result.final
        assert result.error
