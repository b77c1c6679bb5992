"""Checksum lists on the source: files are compared with them while they are read; the receipt has the results."""

import hashlib
import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest
import xxhash

from core import receipts
from core.importing import checksum_lists
from core.importing.import_run import Run
from core.models import Outcome, Verdict
from core.reports.links import Relative
from core.reports.page import report
from core.workers.source_messages import Entry
from tests.core.importing.rig import Rig, random_bytes, write

pytestmark = pytest.mark.process

LARGE = (9 << 20) + 7


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def ascmhl(*arguments: str | Path) -> None:
    """Run the reference tool of ASC MHL, which writes a generation."""
    subprocess.run([Path(sys.executable).with_name("ascmhl"), *arguments], check=True, capture_output=True)


def change(path: Path) -> None:
    """Change the last byte of a file, so that earlier lists are wrong."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def card(rig: Rig) -> list[Path]:
    files = [rig.source / "DCIM/100/a.jpg", rig.source / "DCIM/100/b.mov", rig.source / "top.jpg"]
    for seed, (file, size) in enumerate(zip(files, (3000, LARGE, 10), strict=True)):
        write(file, random_bytes(size, seed))
    return files


@pytest.mark.promise(51)
async def test_all_kinds_of_lists_confirm_what_is_there(rig: Rig) -> None:
    a, b, top = card(rig)
    ascmhl("create", rig.source, "-h", "xxh64")
    write(a.parent / "card.md5", f"{md5(a)}  a.jpg\n{md5(b)} *b.mov\n".encode())
    write(rig.source / "SHA256SUMS", f"{hashlib.sha256(top.read_bytes()).hexdigest()}  top.jpg\n".encode())
    write(rig.source / "b.xxh64", f"{xxhash.xxh64_hexdigest(b.read_bytes())}  DCIM/100/b.mov\n".encode())
    view = await rig.imported()
    assert (view.verdict, view.verdict_reason) == (
        Verdict.SAFE,
        "checksum lists on the source confirm 4 files",  # the chain confirms the manifest
    )
    rows = await rig.engine.database.read("SELECT count(*), sum(found = digest), sum(file_id > 0) FROM listed")
    assert rows == [(8, 8, 8)]


@pytest.mark.control(51)
@pytest.mark.parametrize("of", ["ascmhl", "classic", "md5", "sha256", "xxh"])
async def test_what_differs_is_keep(rig: Rig, of: str) -> None:
    b = card(rig)[1]
    data = b.read_bytes()
    if of == "ascmhl":
        ascmhl("create", rig.source, "-h", "md5")
    elif of == "classic":
        entry = f"<hash><file>DCIM/100/b.mov</file><xxhash64be>{xxhash.xxh64_hexdigest(data)}</xxhash64be></hash>"
        write(rig.source / "card.mhl", f'<hashlist version="1.1">{entry}</hashlist>'.encode())
    else:
        text = {"md5": md5(b), "sha256": hashlib.sha256(data).hexdigest(), "xxh": xxhash.xxh3_128_hexdigest(data)}
        write(rig.source / f"card.{of}", f"{text[of]}  DCIM/100/b.mov\n".encode())
    change(b)
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason.startswith("1 differs from a checksum list on the source: DCIM/100/b.mov (")
    # It is archived as it is, because the list may be wrong.
    assert (await rig.rows(view.id))[b"DCIM/100/b.mov"].outcome is Outcome.ARCHIVED
    b.write_bytes(data)
    assert (await rig.imported()).verdict is Verdict.SAFE


async def test_known_files_are_compared_too(rig: Rig) -> None:
    """With known="record", a file is read only if a list has a checksum of it that the record lacks."""
    a, b, top = card(rig)
    await rig.imported()
    sha256 = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (a, top)}
    write(rig.source / "card.sha256", f"{sha256[a]}  DCIM/100/a.jpg\n{sha256[a]}  top.jpg\n".encode())
    write(rig.source / "card.md5", f"{md5(b)}  DCIM/100/b.mov\n".encode())
    view = await rig.imported(known="record")
    assert view.verdict_reason.startswith("1 differs from a checksum list on the source: top.jpg (card.sha256)")
    reasons = {path: row.reason for path, row in (await rig.rows(view.id)).items()}
    assert [bool(reasons[name]) for name in (b"DCIM/100/a.jpg", b"DCIM/100/b.mov", b"top.jpg")] == [
        True,
        False,
        True,
    ]
    assert await rig.engine.database.read("SELECT count(*) FROM listed WHERE found = digest") == [(2,)]


async def test_what_is_not_there_is_named(rig: Rig) -> None:
    a = card(rig)[0]
    lines = [f"{md5(a)}  DCIM/100/a.jpg", f"{md5(a)}  gone.jpg", "rubbish", f"{md5(a)}  /etc/passwd"]
    write(rig.source / "card.md5", "\n".join(lines).encode())
    write(rig.source / "broken.mhl", b"<!DOCTYPE a><hashlist/>")
    view = await rig.imported()
    assert view.verdict is Verdict.SAFE
    for part in (
        "confirm 1 file;",
        "1 file of checksum lists is not on it: gone.jpg",
        "card.md5: 1 entry is not understood; 1 entry names a file",
        "broken.mhl: its XML has a DTD",
    ):
        assert part in view.verdict_reason


async def test_a_list_beside_its_folder(rig: Rig) -> None:
    """For a list that is found after the files that it names, the archive's payload is compared."""
    a = card(rig)[0]
    write(
        rig.source / "Z/sums/card.md5",
        f"{md5(a)}  ../../DCIM/100/a.jpg\n{md5(a)}  ../../DCIM/100/b.mov\n".encode(),
    )
    view = await rig.imported()
    assert "DCIM/100/b.mov (Z/sums/card.md5)" in view.verdict_reason
    assert "confirm 1 file" in view.verdict_reason


@pytest.mark.promise(51)
async def test_payload_that_is_found_damaged_on_the_way_is_keep(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is found when the file that it names is settled, as on a card of more than one page."""
    take_up, judge, late = checksum_lists.take_up, checksum_lists.judge, list[Entry]()

    async def later(run: Run, entries: Iterable[Entry]) -> None:
        late.extend(entries)

    async def judged(run: Run) -> None:
        await take_up(run, late)
        await judge(run)

    a = card(rig)[0]
    first = await rig.imported()
    path = (await rig.rows(first.id))[b"DCIM/100/a.jpg"].payload
    change(rig.archive / path)
    monkeypatch.setattr(checksum_lists, "take_up", later)
    monkeypatch.setattr(checksum_lists, "judge", judged)
    write(rig.source / "Z/sums/card.md5", f"{md5(a)}  ../../DCIM/100/a.jpg\n".encode())
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert "1 is no longer in the archive, or damaged there (such as DCIM/100/a.jpg)" in view.verdict_reason
    assert await rig.engine.database.read("SELECT path FROM item WHERE damage IS NOT NULL") == [(path,)]


async def test_names_in_another_spelling(rig: Rig) -> None:
    file = write(rig.source / unicodedata.normalize("NFD", "é.jpg"), b"composed")
    write(rig.source / "card.md5", f"{md5(file)}  {unicodedata.normalize('NFC', 'é.jpg')}\n".encode())
    assert (await rig.imported()).verdict_reason == "checksum lists on the source confirm 1 file"


async def test_a_file_renamed_in_a_history(rig: Rig) -> None:
    b = card(rig)[1]
    ascmhl("create", rig.source, "-h", "md5")
    b.rename(b.with_name("renamed.mov"))
    ascmhl("create", rig.source, "-h", "md5", "-dr")
    view = await rig.imported()
    assert (view.verdict, "is not on it" in view.verdict_reason) == (Verdict.SAFE, False)


async def test_an_import_that_was_interrupted(rig: Rig) -> None:
    """The source is listed again and so lists are read again; the results of earlier comparisons are kept."""
    a, b, _ = card(rig)
    write(rig.source / "card.md5", f"{md5(a)}  DCIM/100/a.jpg\n{md5(b)}  DCIM/100/b.mov\n".encode())
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    await rig.restarted()
    view = await rig.resumed(name)
    assert view.verdict_reason == "checksum lists on the source confirm 2 files"


async def test_receipts_and_rebuilding(rig: Rig) -> None:
    a, _, top = card(rig)
    lines = [f"{md5(a)}  DCIM/100/a.jpg", f"{md5(a)}  top.jpg", f"{md5(a)}  gone.jpg"]
    write(rig.source / "card.md5", "\n".join(lines).encode())
    name = (await rig.imported()).id
    text = next(path for path in rig.receipts() if path.suffix == ".txt").read_text()
    assert "card.md5: 1 confirmed; 1 DIFFER; 1 of files that are not there" in text
    assert f"top.jpg  (card.md5 says MD5 {md5(a)}, it has {md5(top)})" in text
    assert "gone.jpg  (in card.md5)" in text
    assert "The source was read once, and 1 checksum list once more before (" in text
    assert "[checksum lists: MD5 confirmed]" in text
    data = json.loads((rig.archive / "locations").glob("*/lading/*.json").__next__().read_text())
    assert data["checksum_lists"][0]["confirmed"] == 1
    assert data["not_as_listed"] == [
        {"path": "top.jpg", "list": "card.md5", "algorithm": "md5", "listed": md5(a), "found": md5(top)}
    ]
    assert data["listed_but_missing"] == [{"path": "gone.jpg", "list": "card.md5"}]
    page = "".join([piece async for piece in report(rig.engine.database.read, name, Relative(3))])
    assert "Not as a checksum list says" in page
    assert "[checksum lists: MD5 confirmed]" in page
    kept = "SELECT key, algorithm, digest, l.path, found, exact, f.path FROM listed l "
    kept += "LEFT JOIN file f ON f.id = file_id"
    before = await rig.engine.database.read(f"{kept} ORDER BY key")
    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert await rig.engine.database.read(f"{kept} ORDER BY key") == before
    again: list[str] = []
    await receipts.write(rig.engine.database.read, name, "json", again.append)
    assert json.loads("".join(again))["not_as_listed"] == data["not_as_listed"]
