"""Cards of all makers, restored by date and under other names: what belongs together stays together."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.media.card_structures import belongs_to_card, structure
from core.models import RestoreOptions
from core.results import RestoreResult
from tests.core.importing.rig import Rig, write
from tests.rigs.cards import differences
from tests.rigs.layouts import LAYOUTS, Line, lines
from tests.rigs.linked import linked
from tests.tui.console.streams import pipe
from tui.console.restored import tell

pytestmark = pytest.mark.process

NOON = 1_700_000_000
DAY = 86_400

TAKEN = {1: "2020-05-06T07:08:09", 2: "2020-05-07T23:59:59"}
"""By take: when it was taken, by the local clock."""


def silent(done: object, total: object) -> None:
    """Nobody looks."""


async def restored(rig: Rig, name: str, target: Path, **options: Any) -> RestoreResult:
    return await rig.engine.restore_check.restore(name, str(target), silent, RestoreOptions(**options))


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def taken(rig: Rig, pattern: str, when: str, camera: str | None = None) -> None:
    """Give the items of these files a capture date, as exiftool would."""
    await rig.engine.database.run(
        (
            "INSERT OR REPLACE INTO metadata (item_id, captured_local, camera, raw) SELECT item_id, ?, ?, x'' "
            "FROM file WHERE CAST(path AS TEXT) GLOB ?",
            [(when, camera, pattern)],
        )
    )


def card(layout: str, take: int) -> set[Line]:
    return set(lines(layout, take))


async def test_every_maker_comes_back_whole_and_by_date(rig: Rig, tmp_path: Path) -> None:
    names = {}
    for layout in LAYOUTS:
        for take in (1, 2):
            for line in card(layout, take):
                write(rig.source / layout / line.path, f"{layout} {line.path}".encode())
        names[layout] = (await rig.imported(rig.source / layout, label=layout)).id
    # Only the archive is left of it.
    await rig.restarted("another home")
    shutil.rmtree(rig.root / "home")
    await rig.engine.maintenance.rebuild(str(rig.archive), silent)
    for layout, name in names.items():
        await _comes_back(rig, layout, name, tmp_path / "out" / layout)


async def _comes_back(rig: Rig, layout: str, name: str, target: Path) -> None:
    assert (await restored(rig, name, target / "tree")).failed_count == 0
    assert differences(str(rig.source / layout), str(target / "tree")) == ""
    both = card(layout, 1) & card(layout, 2)
    for take, when in TAKEN.items():
        # A take's date is known of the files that own the others alone.
        for line in card(layout, take) - both:
            if not line.role:
                await taken(rig, f"*{layout}/{_literal(line.path)}", when)
    found = await restored(rig, name, target / "dates", by_date=True)
    # Two GoPros of one day call their proxies alike: GL010001.LRV of GX010001.MP4, and of GS010001.36P.
    assert (found.failed_count, found.renamed_count) == (0, 2 if layout == "GoPro" else 0)
    placed: dict[bytes, str] = {}
    for path in files_below(target / "dates"):
        placed[(target / "dates" / path).read_bytes()] = path
    for take, when in TAKEN.items():
        for line in card(layout, take) - both:
            where = placed[f"{layout} {line.path}".encode()]
            root = _root(line, card(layout, take))
            if structure(root.encode()) or structure(line.path.encode()) or belongs_to_card(line.path.encode()):
                assert where == line.path
            else:
                assert where.startswith(f"{when[:4]}/{when[:10]}/"), (layout, line.path, where)


def _literal(path: str) -> str:
    return "".join(f"[{one}]" if one in "[]*?" else one for one in path)


def _root(line: Line, files: set[Line]) -> str:
    by_path = {one.path: one for one in files}
    while line.role:
        line = by_path[line.owner]
    return line.path


async def test_numbers_are_of_a_group(rig: Rig, tmp_path: Path) -> None:
    for name in ("100/IMG_1.CR3", "101/IMG_1.CR3", "101/IMG_1.JPG", "101/IMG_1.CR3.xmp", "102/img_1.HEIC"):
        write(rig.source / "DCIM" / name, name.encode())
    write(rig.source / "DCIM/101/CaptureOne/Settings/IMG_1.CR3.cos", b"settings")
    view = await rig.imported()
    await taken(rig, "*/DCIM/*", "2020-05-06T07:08:09", "Canon EOS R5")
    found = await restored(rig, view.id, tmp_path / "dates", by_date=True)
    day = "2020/2020-05-06"
    expected = {
        f"{day}/IMG_1.CR3": b"100/IMG_1.CR3",
        f"{day}/IMG_1-2.CR3": b"101/IMG_1.CR3",
        f"{day}/IMG_1-2.JPG": b"101/IMG_1.JPG",
        f"{day}/IMG_1-2.CR3.xmp": b"101/IMG_1.CR3.xmp",
        f"{day}/CaptureOne/Settings/IMG_1-2.CR3.cos": b"settings",
        f"{day}/img_1-3.HEIC": b"102/img_1.HEIC",
    }
    assert _content(tmp_path / "dates") == expected
    assert (found.failed_count, found.renamed_count) == (0, 0)
    # Again: all of it is there.
    assert (await restored(rig, view.id, tmp_path / "dates", by_date=True)).restored.files == 0
    naming = "{date} {camera}"
    plan = await restored(rig, view.id, tmp_path / "names", naming=naming, by_date=True, dry=True)
    assert not (tmp_path / "names").exists()
    assert (plan.dry, plan.planned_count, plan.restored.files) == (True, 6, 6)
    found = await restored(rig, view.id, tmp_path / "names", naming=naming, by_date=True)
    title = f"{day}/2020-05-06 Canon EOS R5"
    assert files_below(tmp_path / "names") == {where for _, where in plan.planned}
    assert _content(tmp_path / "names") == {
        f"{title}.CR3": b"100/IMG_1.CR3",
        f"{title}-2.CR3": b"101/IMG_1.CR3",
        f"{title}-2.JPG": b"101/IMG_1.JPG",
        f"{title}-2.CR3.xmp": b"101/IMG_1.CR3.xmp",
        f"{day}/CaptureOne/Settings/2020-05-06 Canon EOS R5-2.CR3.cos": b"settings",
        f"{title}-3.HEIC": b"102/img_1.HEIC",
    }
    # Where they lay, under other names; what is there already is kept.
    write(tmp_path / "there/DCIM/100/2020-05-06 IMG_1.CR3", b"mine")
    found = await restored(rig, view.id, tmp_path / "there", naming="{date} {stem}")
    assert (tmp_path / "there/DCIM/100/2020-05-06 IMG_1.CR3").read_bytes() == b"mine"
    assert (tmp_path / "there/DCIM/100/2020-05-06 IMG_1-2.CR3").read_bytes() == b"100/IMG_1.CR3"
    assert (tmp_path / "there/DCIM/101/2020-05-06 IMG_1.CR3.xmp").exists()
    assert found.renamed_count == 1


def _content(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in files_below(folder)}


async def test_numbered_companions_still_belong_to_their_owners(rig: Rig, tmp_path: Path) -> None:
    names = (
        b"C.MP4 CM01.XML V.mp4 V.en.srt X.jpg X.jpg.suppl.json X-edited.jpg Y.NEF Y_01.NEF.xmp Y.nef.xmp".split()
    )
    for folder in ("a", "b"):
        for name in names:
            write(rig.source / folder / os.fsdecode(name), f"{folder} {os.fsdecode(name)}".encode())
    view = await rig.imported()
    await taken(rig, "*", "2020-05-06T07:08:09")
    for naming in (None, "{date}-{stem}", "{date}-{time}"):
        target = tmp_path / f"out {naming}"
        await restored(rig, view.id, target, by_date=True, naming=naming)
        written = {os.fsencode(path): content for path, content in _content(target).items()}
        assert len(written) == 2 * len(names)
        # By their contents, the links of the restored tree are those of each folder.
        found = {written[path]: (role, written[owner]) for path, (role, owner) in linked(written).items()}
        expected = {
            b"%b %b" % (folder, name): (role, b"%b %b" % (folder, owner))
            for folder in (b"a", b"b")
            for name, (role, owner) in linked(names).items()
        }
        assert len(expected) == 12
        assert found == expected


async def test_an_undated_file_lies_beside_its_neighbours(rig: Rig, tmp_path: Path) -> None:
    names = ("a/1.jpg", "a/2.bin", "a/3.jpg", "a/4.bin", "a/0.txt", "b/5.bin", "a/below/6.bin", "MISC/version.txt")
    for name in names:
        path = write(rig.source / name, name.encode())
        os.utime(path, (NOON + DAY, NOON + DAY))
    view = await rig.imported()
    await taken(rig, "*/a/1.jpg", "2020-05-06T07:08:09")
    await taken(rig, "*/a/3.jpg", "2020-05-07T07:08:09")
    await restored(rig, view.id, tmp_path / "out", by_date=True)
    assert files_below(tmp_path / "out") == {
        "2020/2020-05-06/0.txt",
        "2020/2020-05-06/1.jpg",
        "2020/2020-05-06/2.bin",
        "2020/2020-05-07/3.jpg",
        "2020/2020-05-07/4.bin",
        "2023/2023-11-15/5.bin",
        "2023/2023-11-15/6.bin",
        "MISC/version.txt",
    }


async def test_two_cards_with_the_same_names(rig: Rig, tmp_path: Path) -> None:
    for label in ("A001", "B001"):
        source = tmp_path / "cards" / label
        for name in ("IMG_1.CR3", "IMG_1.xmp"):
            write(source / name, f"{label} {name}".encode())
        await rig.imported(source, label=label)
    await taken(rig, "*", "2020-05-06T07:08:09")
    found = await restored(rig, "location:basel", tmp_path / "out", by_date=True)
    assert (found.folders, sorted(os.listdir(tmp_path / "out"))) == ((), ["2020"])
    content = _content(tmp_path / "out/2020/2020-05-06")
    for raw, sidecar in (("IMG_1.CR3", "IMG_1.xmp"), ("IMG_1-2.CR3", "IMG_1-2.xmp")):
        assert content[raw].split()[0] == content[sidecar].split()[0]
    assert len(content) == 4


async def test_only_the_cards_that_keep_their_tree_have_a_folder_by_date(rig: Rig, tmp_path: Path) -> None:
    for label, name in (("A001", "DCIM/100CANON/IMG_1.JPG"), ("B001", "PRIVATE/AVCHD/BDMV/STREAM/00000.MTS")):
        write(tmp_path / "cards" / label / name, label.encode())
        await rig.imported(tmp_path / "cards" / label, label=label)
    await taken(rig, "*", "2020-05-06T07:08:09")
    found = await restored(rig, "location:basel", tmp_path / "out", by_date=True)
    assert sorted(os.listdir(tmp_path / "out")) == ["2020", *found.folders] == ["2020", "B001"]


@pytest.mark.parametrize("dry", [False, True])
async def test_dates_that_are_not_read_yet_are_told(rig: Rig, tmp_path: Path, dry: bool) -> None:
    for name in ("IMG_1.JPG", "IMG_1.xmp", "IMG_2.JPG"):
        write(rig.source / name, name.encode())
    await rig.imported()
    await taken(rig, "*IMG_2.JPG", "2020-05-06T07:08:09")
    found = await restored(rig, "location:basel", tmp_path / "out", by_date=True, dry=dry)
    out, told = pipe()
    tell(found, "out", out)
    assert (found.unread, "  2 without their date of capture, which is not read yet" in told.getvalue()) == (
        2,
        True,
    )
    assert (await restored(rig, "location:basel", tmp_path / "tree", dry=dry)).unread == 0
    await rig.engine.database.run(("UPDATE job SET state = 'done' WHERE queue = 'exiftool'", [()]))
    assert (await restored(rig, "location:basel", tmp_path / "later", by_date=True, dry=dry)).unread == 0
