"""Everything below a source arrives, byte for byte, and the source stays as it was."""

import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from core.importing.keep_reasons import NOTHING
from core.models import Outcome, State, Verdict
from core.paths import decode
from core.receipts import COLUMNS
from tests.core.importing.rig import Rig, digest, random_bytes, state, write
from tests.rigs.shared import MEDIA
from tests.rigs.trees import contents, hostile_tree, write_random

pytestmark = pytest.mark.process

OUTCOMES = {
    "regular": (Outcome.ARCHIVED, Outcome.DUPLICATE),
    "litter": (Outcome.LITTER,),
    "special": (Outcome.SKIPPED,),
}


async def test_hostile_tree_arrives(rig: Rig) -> None:
    manifest = hostile_tree(os.fsencode(rig.source))
    before = state(rig.source)
    view = await rig.imported()
    assert view.state is State.DONE
    assert rig.contents() == contents(manifest)
    assert state(rig.source) == before
    rows = await rig.rows(view.id)
    assert set(rows) == set(manifest)
    for path, entry in manifest.items():
        assert rows[path].outcome in OUTCOMES[entry.outcome], path
    assert view.seen.files == len(manifest)
    # Links and other special files are left out: not everything is in the archive.
    assert view.verdict is Verdict.KEEP
    assert not view.by_choice, "links and pipes are nobody's choice"

    again = await rig.imported()
    assert again.archived.files == 0
    assert again.duplicate.files == sum(entry.outcome == "regular" for entry in manifest.values())
    assert rig.contents() == contents(manifest)
    assert state(rig.source) == before


async def test_modification_times_are_kept(rig: Rig) -> None:
    times = dict(enumerate((0, 1, 1_700_000_000_123_456_789, 4_000_000_000 * 10**9)))
    for index, when in times.items():
        os.utime(write(rig.source / f"{index}.jpg", b"time %d" % index), ns=(when, when))
    large = rig.source / "large.mov"
    write_random(os.fsencode(large), 9 << 20, 1)
    os.utime(large, ns=(5, 5))
    view = await rig.imported()
    rows = await rig.rows(view.id)
    for path, row in rows.items():
        archived = os.stat(rig.archive / row.payload)
        assert archived.st_mtime_ns == os.stat(rig.source / os.fsdecode(path)).st_mtime_ns
        assert archived.st_nlink == 1
        assert archived.st_mode & 0o111 == 0


async def test_real_media_arrives(rig: Rig) -> None:
    media = MEDIA / "problems"
    if not media.is_dir():
        pytest.skip("there is no shared media here")
    view = await rig.imported(media)
    found = {digest(path) for path in media.rglob("*") if path.is_file() and not path.is_symlink()}
    assert view.failed.files == 0
    assert rig.contents() <= found


async def test_receipts_name_the_one_before(rig: Rig) -> None:
    for number in range(3):
        write(rig.source / f"{number}.jpg", b"%d" % number)
        await rig.imported()
    texts = [path.read_text() for path in rig.receipts()]
    said = [re.search(r"^Previous\s+(.*)$", text, re.MULTILINE) for text in texts]
    digests = [digest(path) for path in rig.receipts()]
    assert [found and found[1] for found in said] == [
        "none",
        f"receipt, SHA-256 {digests[0]}",
        f"receipt, SHA-256 {digests[1]}",
    ]
    rows = await rig.engine.catalog.imports()
    assert [row.receipt for row in rows] == digests
    assert [row.previous for row in rows] == ["", *digests[:2]]


async def test_a_long_receipt_is_whole(rig: Rig) -> None:
    one = write(rig.source / "0" / "first.jpg", b"content")
    for number in range(1, 6000):
        (rig.source / f"{number // 1000}").mkdir(exist_ok=True)
        os.link(one, rig.source / f"{number // 1000}" / ("x" * 150 + f"{number}.jpg"))
    view = await rig.imported()
    path = rig.receipts()[0]
    assert path.stat().st_size > 1 << 20
    assert "\n\n\n" not in path.read_text()
    table = path.with_suffix(".tsv")
    assert table.stat().st_size > 1 << 20
    lines = table.read_text().splitlines()
    assert all(lines)
    outcomes = Counter(line.split("\t")[COLUMNS.index("outcome")] for line in lines[1:])
    assert outcomes == {"archived": 1, "duplicate": 5999}
    assert f"List        {view.id}.tsv, SHA-256 {digest(table)}" in path.read_text()
    assert (await rig.engine.catalog.imports())[0].receipt == digest(path)


async def test_the_archive_knows_names_times_and_digests(rig: Rig) -> None:
    name = b"caf\xe9 \n.jpg"
    write(rig.source / os.fsdecode(name), b"one")
    os.makedirs(rig.source / "empty")
    view = await rig.imported()
    lines = [json.loads(line) for line in rig.journals()[0].read_text().splitlines()]
    assert lines[0]["import"] == view.id
    file_line = next(line for line in lines if "file" in line)
    assert decode(file_line["file"]) == name
    assert file_line["sha256"] == hashlib.sha256(b"one").hexdigest()
    assert (rig.archive / file_line["payload"]).read_bytes() == b"one"
    assert any(line.get("folder") == "empty" for line in lines)
    assert lines[-1]["end"] == "done"
    assert lines[-1]["verdict"] == "SAFE"


@pytest.mark.parametrize("data", [b"", b"x", random_bytes(9 << 20, 3)], ids=["empty", "one byte", "large"])
async def test_a_single_file_as_source(rig: Rig, data: bytes) -> None:
    write(rig.source / "other.jpg", b"not this")
    path = write(rig.source / "one.jpg", data)
    view = await rig.imported(path)
    assert rig.contents() == {hashlib.sha256(data).hexdigest()}
    assert (view.seen.files, view.archived.files) == (1, 1)
    assert view.verdict is Verdict.SAFE


async def test_an_empty_source(rig: Rig) -> None:
    view = await rig.imported()
    assert (view.state, view.verdict, view.seen.files) == (State.DONE, Verdict.OPEN, 0)
    assert view.verdict_reason == NOTHING
    assert len(rig.receipts()) == 1


async def test_kinds_by_content_where_the_name_says_nothing(rig: Rig) -> None:
    files = {
        "photo": b"\xff\xd8\xff\xe0 a picture",
        "unknown.xyz": b"\x89PNG\r\n\x1a\n a picture",
        "strange.qqq": b"nothing in particular",
        "text.jpg": b"this name says it is a picture",
        "empty.unknown": b"",
        "big.unknown": b"\xff\xd8\xff" + random_bytes(9 << 20, 1),
    }
    for name, data in files.items():
        write(rig.source / name, data)
    view = await rig.imported()
    kinds = {os.fsdecode(path): row.kind for path, row in (await rig.rows(view.id)).items()}
    assert kinds == {
        "photo": "images",
        "unknown.xyz": "images",
        "strange.qqq": "other",
        "text.jpg": "images",
        "empty.unknown": "other",
        "big.unknown": "images",
    }
    for path, row in (await rig.rows(view.id)).items():
        assert row.payload.split("/")[3] == kinds[os.fsdecode(path)]


async def test_paths_that_are_not_utf8(rig: Rig, tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"card \xff\xe9")
    archive = tmp_path / os.fsdecode(b"archive \xfe")
    write(source / "a.jpg", b"a")
    request = rig.request(source, archive=str(archive))
    view = await rig.ended((await rig.engine.imports.start_imports([request]))[0])
    assert view.verdict is Verdict.SAFE
    rig.archive = archive
    assert len(rig.contents()) == 1
    await rig.restarted()
    assert (await rig.imported(source, archive=str(archive))).duplicate.files == 1
