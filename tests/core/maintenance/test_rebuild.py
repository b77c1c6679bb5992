"""The catalog from the archive alone: with its journals, without them, and from payload that nobody recorded."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import Base

from core.bagit.folder import BagFolder
from core.engine import maintenance
from core.errors import ArchiveError, UsageError
from core.maintenance.rebuild_payload import UnrecordedPayload
from core.models import Outcome, Verdict
from core.results import Rebuilt
from core.workers import batch_messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, at_work, digest, random_bytes, write
from tests.core.receipts.test_parse import WRITTEN

pytestmark = pytest.mark.process

HOSTILE = (
    b"DCIM/100/IMG_1.JPG",
    b"DCIM/100/IMG_1.xmp",
    b"new\nline.jpg",
    b"a\ttab \xff\xfe.jpg",
    b"%41 %.mov",
    b"\x1b]0;owned\x07.txt",
    "nfd e\u0301 \u202e.jpg".encode(),
    b".DS_Store",
    b"left out.tmp",
)

TABLES = {
    "import": "SELECT i.name, i.root, i.source, i.single, i.machine, i.version, i.state, i.listed, "
    "CAST(i.started AS INTEGER), CAST(i.ended AS INTEGER), i.zone, i.bytes_read, i.verdict, i.verdict_reason, "
    "i.previous, i.receipt, l.folder, v.identity, v.name, v.filesystem, v.capacity FROM import i "
    "JOIN location l ON l.id = i.location_id JOIN volume v ON v.id = i.volume_id ORDER BY i.name",
    "file": "SELECT i.name, f.path, f.stem, f.size, f.mtime_ns, f.kind, f.outcome, coalesce(f.reason, ''), m.path "
    "FROM file f JOIN import i ON i.id = f.import_id LEFT JOIN item m ON m.id = f.item_id ORDER BY i.name, f.path",
    "item": "SELECT path, xxh128, sha256, size, kind, level, CAST(read_back AS INTEGER), damage, l.folder "
    "FROM item JOIN location l ON l.id = location_id ORDER BY path",
    "location": "SELECT folder, name, description, access_note, external_identifier, latitude, longitude "
    "FROM location ORDER BY folder",
    "folder": "SELECT i.name, f.path, f.mtime_ns FROM folder f JOIN import i ON i.id = f.import_id ORDER BY 1, 2",
}


async def rows(rig: Rig, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    """What the catalog says, but for its own numbers."""
    return {name: await rig.engine.database.read(TABLES[name]) for name in tables or TABLES}


async def rebuilt(rig: Rig, home: str = "fresh home") -> Rebuilt:
    """A catalog on another state folder."""
    await rig.restarted(home)
    return await rig.engine.maintenance.rebuild(str(rig.archive))


async def brought(rig: Rig) -> None:
    """Three locations, an import in each, duplicates between them."""
    for raw in HOSTILE:
        write(rig.source / os.fsdecode(raw), random_bytes(500, len(raw)) + raw)
    os.symlink("nowhere", rig.source / "link")
    await rig.imported(label="A001", operator="Ada", note="a note", exclude=("*.tmp",))
    for number in range(30):
        write(rig.root / f"second/DCIM/{number}.jpg", random_bytes(2000, number))
        write(rig.root / f"third/{number}.jpg", random_bytes(2000, number + 15))
    for name in ("second", "third"):
        await rig.imported(rig.root / name, location=name)


async def test_what_needs_all_metadata_waits_for_it(tmp_path: Path) -> None:
    """The figures of a location have its dates, and pairs are found, also on another computer."""
    figures = "SELECT files, earliest, latest FROM location_stats"
    pairs = "SELECT count(*) FROM job WHERE queue = 'live_photo' AND state = 'done'"
    async with at_work(tmp_path) as rig:
        for number in range(30):
            exif = Image.Exif()
            exif.get_ifd(Base.ExifOffset)[Base.DateTimeOriginal] = f"2024:01:{1 + number:02} 10:00:00"
            write(rig.source / f"{number}.jpg", b"")
            Image.new("RGB", (8, 8), (number, 0, 0)).save(rig.source / f"{number}.jpg", exif=exif)
        await rig.imported()
        await rig.still()
        found = await rig.engine.database.read(figures)
        assert [row[:2] for row in found] == [(30, "2024-01-01T10:00:00")]
        await rebuilt(rig)
        await rig.still()
        assert await rig.engine.database.read(figures) == found
        assert await rig.engine.database.read(pairs) == [(1,)]


async def test_a_rebuilt_catalog_equals_the_lost_one(rig: Rig) -> None:
    await brought(rig)
    before, payload = await rows(rig), rig.payload()
    found = await rebuilt(rig)
    assert await rows(rig) == before
    assert (found.locations, found.imports, found.items) == (3, 3, len(payload))
    assert (found.damaged, found.unrecorded_count, found.problems, found.unfinished) == (0, 0, (), 0)
    # A second one, and one on a catalog that has it all, change nothing.
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert await rows(rig) == before
    await rig.restarted()
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert await rows(rig) == before
    assert rig.payload() == payload


async def test_it_tells_how_far_it_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await brought(rig)
    count = len(rig.payload())
    monkeypatch.setattr(maintenance, "TOLD", 0.001)
    await rig.restarted("fresh home")
    heard: list[int] = []
    await rig.engine.maintenance.rebuild(str(rig.archive), lambda new, total: heard.append(new.files))
    assert heard == sorted(heard)
    assert 0 < heard[-1] <= count


@pytest.mark.parametrize("harm", ["gone", "torn", "holes"])
async def test_without_sound_journals(rig: Rig, harm: str) -> None:
    await brought(rig)
    wanted = ("import", "file", "item", "location")
    before, payload = await rows(rig, *wanted), rig.payload()
    for journal in rig.journals():
        data = journal.read_bytes()
        if harm == "gone":
            journal.unlink()
        elif harm == "holes":
            lines = data.splitlines(keepends=True)
            journal.write_bytes(b"".join(b"x" * len(line) if n % 3 == 1 else line for n, line in enumerate(lines)))
        else:
            journal.write_bytes(data[: len(data) // 2])
    found = await rebuilt(rig)
    assert (found.unrecorded_count, found.damaged, found.problems) == (0, 0, ())
    after = await rows(rig, *wanted)
    assert after["item"] == before["item"]
    assert after["location"] == before["location"]
    assert after["import"] == before["import"]
    assert after["file"] == before["file"]
    view = await rig.imported(exclude=("*.tmp",))
    assert (view.archived.files, view.duplicate.files) == (0, len(HOSTILE) - 2)
    assert rig.payload() == payload


async def test_a_source_that_is_not_the_whole_volume_keeps_its_paths(rig: Rig) -> None:
    write(rig.source / "x.jpg", b"x")
    view = await rig.imported()
    (root,) = ((await rig.engine.catalog.imports())[0].root,)
    # A backup may lack the folder of the journals, too.
    shutil.rmtree(rig.archive / ".lading/imports")
    await rebuilt(rig)
    assert (await rig.engine.catalog.imports())[0].root == root
    again = await rig.imported(known="record")
    assert (again.duplicate.files, again.read) == (1, 0)
    assert (await rig.rows(view.id))[b"x.jpg"].outcome is Outcome.ARCHIVED


async def test_from_manifests_and_payload(rig: Rig) -> None:
    """Neither journals nor receipts: the manifest tells most digests, one file has to be read."""
    await brought(rig)
    before, payload = await rows(rig, "item"), rig.payload()
    for path in [*rig.journals(), *rig.archive.glob("locations/*/lading/*")]:
        path.unlink()
    bag = rig.archive / sorted(payload)[0].rpartition("/data/")[0]
    listed = sorted(path for path in payload if path.startswith(f"locations/{bag.name}/"))[1:]
    write(
        bag / "manifest-sha256.txt",
        "".join(f"{payload[path]}  {path.removeprefix(f'locations/{bag.name}/')}\n" for path in listed).encode(),
    )
    odd = write(bag / "data/images/odd name.jpg", b"put there by hand")
    found = await rebuilt(rig)
    assert found.unrecorded_count == len(payload) + 1
    assert str(odd.relative_to(rig.archive)) in found.unrecorded
    after = await rows(rig, "item")
    bare = [(*row[:5], row[8]) for row in before["item"]]
    assert [(*row[:5], row[8]) for row in after["item"] if row[0] != str(odd.relative_to(rig.archive))] == bare
    assert (await rig.engine.maintenance.rebuild(str(rig.archive))).unrecorded_count == 0
    view = await rig.imported(write(rig.root / "new/again.jpg", b"put there by hand").parent)
    assert (view.archived.files, view.duplicate.files) == (0, 1)


async def test_a_damaged_list_is_not_believed(rig: Rig) -> None:
    write(rig.source / "x.jpg", b"x")
    view = await rig.imported()
    (path,) = rig.payload()
    (journal,) = rig.journals()
    journal.unlink()
    tsv = next(rig.archive.glob("locations/*/lading/*.tsv"))
    tsv.write_bytes(tsv.read_bytes().replace(b"x.jpg", b"y.jpg"))
    write(tsv.with_name("strange.txt"), b"\xff no receipt")
    found = await rebuilt(rig)
    assert {problem.rpartition("/")[2] for problem in found.problems} == {
        f"{view.id}.tsv is gone or damaged",
        "strange.txt is no receipt",
    }
    assert found.unrecorded == (path,)
    assert await rig.rows(view.id) == {}


@pytest.mark.parametrize("journals", [True, False])
async def test_what_a_later_receipt_calls_damaged_is_not_claimed(rig: Rig, *, journals: bool) -> None:
    """The first receipt says that it was read back well."""
    write(rig.source / "x.jpg", random_bytes(1000, 1))
    write(rig.source / "y.jpg", random_bytes(1000, 2))
    first = await rig.imported()
    damaged = rig.archive / (await rig.rows(first.id))[b"x.jpg"].payload
    damaged.write_bytes(random_bytes(1000, 3))
    # Another engine knows what the journal says, and so reads the payload.
    await rig.restarted("another home")
    assert (await rig.imported()).verdict is Verdict.KEEP
    if not journals:
        for journal in rig.journals():
            journal.unlink()
    found = await rebuilt(rig)
    assert found.problems == ()
    well = await rig.engine.database.read("SELECT count(*) FROM item WHERE read_back IS NOT NULL")
    assert well == [(1,)]
    again = await rig.imported()
    assert again.verdict is Verdict.KEEP
    assert "no longer in the archive, or damaged there (such as x.jpg)" in again.verdict_reason
    again = await rig.imported()
    assert (again.verdict, again.archived.files) == (Verdict.SAFE, 1)
    # What was brought anew counts again.
    await rebuilt(rig, "one more home")
    assert (await rig.imported()).verdict is Verdict.SAFE


async def test_payload_that_is_gone_is_not_claimed(rig: Rig) -> None:
    for number in range(3):
        write(rig.source / f"{number}.jpg", random_bytes(1000, number))
    view = await rig.imported()
    gone = (await rig.rows(view.id))[b"1.jpg"].payload
    (journal,) = rig.journals()
    journal.unlink()
    os.unlink(rig.archive / gone)
    found = await rebuilt(rig)
    assert (found.damaged, found.items, found.imports) == (1, 3, 1)
    again = await rig.imported()
    assert (again.archived.files, again.duplicate.files, again.verdict) == (1, 2, Verdict.SAFE)
    assert digest(rig.archive / gone) == digest(rig.source / "1.jpg")


async def test_where_there_is_none(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no archive"):
        await rig.engine.maintenance.rebuild(str(tmp_path / "nowhere"))


async def test_not_while_an_import_runs_into_it(rig: Rig) -> None:
    write(rig.source / "x.jpg", bytes(50 << 20))
    name = await rig.begun()
    await rig.engine.imports.pause_import(name)
    with pytest.raises(UsageError, match="runs into it"):
        await rig.engine.maintenance.rebuild(str(rig.archive))
    await rig.engine.imports.resume_import(name)
    await rig.ended(name)


def _without_journals(rig: Rig) -> None:
    for journal in rig.journals():
        journal.unlink()


async def test_a_receipt_is_read_from_its_data_not_from_its_sentences(rig: Rig) -> None:
    odd = rig.root / os.fsdecode(b"c\xffrd (only x)")
    write(odd / "x.jpg", b"x")
    view = await rig.imported(odd, label="a  label", note="two: (words)")
    before = await rows(rig, "import", "file", "item")
    _without_journals(rig)
    (text,) = rig.receipts()
    words = text.read_text()
    assert "verify readback" in words
    text.write_text(words.replace("verify readback, known read,", "read back; known files read;"))
    found = await rebuilt(rig)
    assert found.problems == ()
    after = await rows(rig, "import", "file", "item")
    (receipt,) = {row[0]: row[15] for row in after["import"]}.values()
    assert receipt == digest(text)
    for one, other in zip(after["import"], before["import"], strict=True):
        assert (*one[:15], *one[16:]) == (*other[:15], *other[16:])
    assert (after["file"], after["item"]) == (before["file"], before["item"])
    row = await rig.engine.catalog.import_named(view.id)
    assert row is not None
    assert (row.request().label, row.request().note) == ("a  label", "two: (words)")


async def test_data_that_is_damaged_is_named_and_not_believed(rig: Rig) -> None:
    write(rig.source / "x.jpg", b"x")
    view = await rig.imported(label="A001")
    before = await rows(rig, "import")
    _without_journals(rig)
    data = next(rig.archive.glob("locations/*/lading/*.json"))
    data.write_bytes(data.read_bytes().replace(b"A001", b"B001"))
    found = await rebuilt(rig)
    assert [problem.rpartition("/")[2] for problem in found.problems] == [f"{view.id}.json is gone or damaged"]
    assert await rows(rig, "import") == before
    row = await rig.engine.catalog.import_named(view.id)
    assert row is not None
    assert row.request().label == "A001"


@pytest.mark.parametrize("release", sorted(path.name for path in WRITTEN.iterdir()))
async def test_receipts_of_old_releases_are_read_as_ever(rig: Rig, release: str) -> None:
    write(rig.source / "x.jpg", b"x")
    await rig.imported()
    for path in (WRITTEN / release).iterdir():
        name = (WRITTEN / release / "receipt.txt").read_text().split("\n", 1)[0].rpartition(" ")[2]
        write(rig.archive / f"locations/basel-4480c0/lading/{name}{path.suffix}", path.read_bytes())
    found = await rebuilt(rig)
    assert (found.imports, found.problems) == (2, ())
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert (row.source, row.verdict, row.request().label) == (b"/srv/lading/card", "KEEP", "A001, day 1")
    # What it archived is no longer there, which is known of each.
    entries = await rig.rows(name)
    assert {row.outcome for row in entries.values()} == {
        *(Outcome.ARCHIVED, Outcome.DUPLICATE, Outcome.SKIPPED, Outcome.LITTER)
    }
    assert b"a\ttab \xff\xfe.jpg" in entries


async def test_an_import_that_begins_during_a_rebuild(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an import has published, and not yet committed, is not taken for payload that nobody recorded."""
    write(rig.source / "a.jpg", random_bytes(500, 1))
    await rig.imported()
    listing, published, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    take, ask = UnrecordedPayload.take, Worker.ask

    async def later(self: UnrecordedPayload, bag: BagFolder, location_id: int) -> None:
        listing.set()
        await published.wait()
        await take(self, bag, location_id)
        done.set()

    async def late(self: Worker, request: object, wanted: type) -> object:
        answer: object = await ask(self, request, wanted)  # type: ignore[arg-type]
        if isinstance(request, batch_messages.Publish):
            published.set()
            await done.wait()
        return answer

    monkeypatch.setattr(UnrecordedPayload, "take", later)
    monkeypatch.setattr(Worker, "ask", late)
    rebuild = asyncio.create_task(rig.engine.maintenance.rebuild(str(rig.archive)))
    await listing.wait()
    write(rig.root / "second/b.jpg", random_bytes(500, 2))
    begun = asyncio.create_task(rig.begun(rig.root / "second"))
    await published.wait()
    found = await rebuild
    await rig.ended(await begun)
    assert (found.unrecorded_count, len(found.problems)) == (0, 1)
    assert await rig.engine.database.read("SELECT count(*) FROM item GROUP BY path") == [(1,), (1,)]
    again = await rig.engine.maintenance.rebuild(str(rig.archive))
    assert (again.items, again.unrecorded_count, again.problems) == (2, 0, ())


async def test_two_rebuilds_at_the_same_moment(rig: Rig) -> None:
    """Payload that nobody recorded is entered once."""
    write(rig.source / "a.jpg", random_bytes(500, 1))
    await rig.imported()
    for name in (".lading/imports", "locations"):
        for path in (rig.archive / name).rglob("*"):
            if path.is_file() and "data" not in path.parts:
                path.unlink()
    await rig.restarted("fresh home")
    await asyncio.gather(*(rig.engine.maintenance.rebuild(str(rig.archive)) for _ in range(2)))
    assert await rig.engine.database.read("SELECT count(*) FROM item GROUP BY path") == [(1,)]
