"""What is archived as it is, but cannot be opened, is told beside SAFE: at once, and as it is found out."""

import os
from pathlib import Path

import pytest
from PIL import Image

from core.catalog import import_list
from core.models import Count, Unopenable, Verdict
from core.snapshot import ImportView
from core.volumes import volume
from tests.core.importing.rig import Rig, at_work, random_bytes, write
from tests.rigs import media

pytestmark = pytest.mark.process

FILM = ("-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1", "-c:v", "libx264")


def picture(path: Path) -> bytes:
    """A true JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise((300, 200), 50).convert("RGB").save(path, "JPEG")
    return path.read_bytes()


async def told(rig: Rig, view: ImportView) -> Unopenable:
    return (await import_list.find(rig.engine.database.read, {}, view.id)).unopenable


@pytest.mark.promise(28)
async def test_empty_photos_and_films_are_named_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "identity", lambda mount, below: "uuid:1234-abcd")
    for name in ("a.txt", "IMG_1.JPG", "DSC_2.NEF", "MVI_3.MP4", "notes.txt"):
        write(rig.source / name, b"")
    write(rig.source / "b.jpg", random_bytes(3000, 1))
    view = await rig.imported()
    broken = Unopenable(files=3, names=("DSC_2.NEF", "IMG_1.JPG", "MVI_3.MP4"), looking=True)
    assert view.verdict is Verdict.SAFE
    assert (view.unopenable.files, sorted(view.unopenable.names)) == (3, list(broken.names))
    assert (await told(rig, view)).files == 3
    (receipt,) = rig.receipts()
    text = receipt.read_text()
    assert "cannot be opened, found so far (3)\n" in text
    assert "  IMG_1.JPG  (it is empty)\n" in text
    for read in (False, True):
        found = await rig.engine.restore_check.check(str(rig.source), str(rig.archive), silent, read=read)
        assert (found.verdict, found.unopenable.files) == (Verdict.SAFE, 3)
        assert sorted(found.unopenable.names) == list(broken.names)


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


@pytest.mark.control(28)
async def test_nothing_is_said_of_others(rig: Rig) -> None:
    write(rig.source / "a.txt", b"")
    write(rig.source / "b.jpg", random_bytes(3000, 1))
    view = await rig.imported()
    assert (view.verdict, view.unopenable.files) == (Verdict.SAFE, 0)
    assert view.unopenable.looking, "b.jpg has not been opened yet"
    assert "cannot be opened" not in rig.receipts()[0].read_text()


@pytest.mark.promise(28)
async def test_what_the_background_finds_is_added(tmp_path: Path) -> None:
    async with at_work(tmp_path) as rig:
        card = rig.source / "DCIM"
        whole = picture(card / "good.jpg")
        write(card / "zeros.jpg", bytes(50_000))
        write(card / "zeros.nef", bytes(60_000))
        write(card / "cut.jpg", whole[: len(whole) // 2])
        write(card / "empty.jpg", b"")
        media.run(media.tool("ffmpeg"), *FILM, str(tmp_path / "film.mp4"))
        film = (tmp_path / "film.mp4").read_bytes()
        assert film.rindex(b"moov") > len(film) // 2
        write(card / "no_index.mp4", film[: film.rindex(b"moov") - 4])
        write(card / "good.mp4", film)
        # No decoder here knows these; they may be in order.
        write(card / "exotic.exr", b"v/1\x01\x02\0\0\0" + random_bytes(3000, 2))
        write(card / "exotic.braw", random_bytes(3000, 3))
        view = await rig.imported()
        receipt = rig.receipts()[0].read_bytes()
        await rig.still()
        while await rig.engine.ended_imports.look():
            pass
        wanted = {"zeros.jpg", "zeros.nef", "cut.jpg", "no_index.mp4", "empty.jpg"}
        found = await told(rig, view)
        assert (found.files, found.looking) == (len(wanted), False)
        assert rig.view(view.id).unopenable == found
        assert rig.view(view.id).verdict is Verdict.SAFE
        (added,) = [path for path in rig.receipts() if ".added-" in path.name]
        text = receipt.decode() + added.read_text()
        assert {
            name for name in os.listdir(card) if f"  DCIM/{name}  (" in text.replace("DCIM/good", "")
        } == wanted
        assert (rig.archive / f"{added.parent}/{view.id}.txt").read_bytes() == receipt, "it is never rewritten"
        await rig.still()
        assert rig.invalid() == []
        # Imported once more, all of it is known at once.
        again = await rig.imported()
        assert again.unopenable.files == len(wanted)
        while await rig.engine.ended_imports.look():
            pass
        assert len([path for path in rig.receipts() if ".added-" in path.name]) == 1
        await rig.still()
