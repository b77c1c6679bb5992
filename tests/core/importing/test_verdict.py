"""SAFE only when all that lies on the card is in the archive, unchanged; else KEEP, and why."""

import asyncio
import hashlib
import os
from collections.abc import Callable

import msgspec
import pytest

from core.errors import ArchiveError
from core.importing import card_index, keep_reasons, verdict
from core.importing.import_run import Run
from core.models import Outcome, State, Verdict
from core.receipts import parse
from core.volumes.volume import Volume
from core.workers.messages import Source
from core.workers.source_messages import Looked
from tests.core.importing.rig import Rig, random_bytes, write
from tests.core.importing.together import both, ended, second

pytestmark = pytest.mark.process

LARGE = 9 << 20


async def test_a_card_of_which_all_is_archived_is_safe(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "DCIM/b.jpg", b"a")
    write(rig.source / ".DS_Store", b"litter")
    view = await rig.imported()
    assert (view.verdict, view.verdict_reason) == (Verdict.SAFE, "")
    assert (view.skipped.files, view.junk.files) == (0, 1)
    (row,) = await rig.engine.catalog.imports()
    assert (row.verdict, row.state) == ("SAFE", "done")


async def test_damage_that_is_found_while_the_card_is_judged(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit that runs meanwhile records it after the file was judged."""
    write(rig.source / "a.jpg", random_bytes(3000, 1))
    write(rig.source / "b.jpg", random_bytes(3000, 2))
    judge, damaged = verdict.verdict, list[int]()

    async def late(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
        found = await judge(run, whole, root, only)
        if not damaged:
            damaged.extend(await run.catalog.card_items(run.row.id, 0, 1))
            await run.catalog.read_again([(damaged[0], "medium", None, "damaged")])
        return found

    monkeypatch.setattr(verdict, "verdict", late)
    view = await rig.imported()
    assert damaged
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason.startswith("1 is no longer in the archive, or damaged there")


async def test_damage_that_is_found_while_the_receipt_waits(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card is judged already, but another import's receipt is just being written."""
    write(rig.source / "a.jpg", random_bytes(3000, 1))
    compared, damaged = card_index.compared, list[int]()

    async def late(run: Run) -> str:
        if not damaged:
            damaged.extend(await run.catalog.card_items(run.row.id, 0, 1))
            await run.catalog.read_again([(damaged[0], "medium", None, "damaged")])
        return await compared(run)

    monkeypatch.setattr(card_index, "compared", late)
    view = await rig.imported()
    assert damaged
    assert (view.verdict, view.acceptable) == (Verdict.KEEP, False)
    assert view.verdict_reason.startswith("1 is no longer in the archive, or damaged there")
    assert "SAFE" not in rig.receipts()[-1].read_text()


async def test_a_card_that_is_used_during_a_pause_of_its_verdict(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder was listed for the verdict before the pause, in which a file is added there."""
    write(rig.source / "a.jpg", random_bytes(3000, 1))
    compare, reached, go = card_index.compared, asyncio.Event(), asyncio.Event()

    async def late(run: Run) -> str:
        reached.set()
        await go.wait()
        return await compare(run)

    monkeypatch.setattr(card_index, "compared", late)
    name = await rig.begun()
    await reached.wait()
    await rig.engine.imports.pause_import(name)
    write(rig.source / "b.jpg", random_bytes(3000, 2))
    await rig.engine.imports.resume_import(name)
    go.set()
    view = await rig.ended(name)
    assert (view.verdict, view.seen.files) == (Verdict.KEEP, 1)
    assert "b.jpg" in view.verdict_reason


EMPTY = {"nothing": [], "folders": ["DCIM/100"], "litter": [".DS_Store", "DCIM/Thumbs.db"]}


@pytest.mark.parametrize("what", EMPTY)
@pytest.mark.promise(29)
async def test_nothing_is_not_safe(rig: Rig, what: str) -> None:
    for name in EMPTY[what]:
        (write(rig.source / name, b"litter") if what == "litter" else (rig.source / name).mkdir(parents=True))
    view = await rig.imported()
    assert (view.state, view.verdict, view.verdict_reason) == (State.DONE, Verdict.OPEN, keep_reasons.NOTHING)
    (receipt,) = rig.receipts()
    told = receipt.read_text()
    assert f"Verdict     none: {keep_reasons.NOTHING}" in told
    assert "SAFE" not in told
    # A rebuild reads it again.
    data = receipt.with_suffix(".json").read_bytes()
    assert parse.of_json(data, str(rig.archive)).values["verdict"] is Verdict.OPEN
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert survey.warnings == (f"N{keep_reasons.NOTHING[1:]}.",)


@pytest.mark.control(29)
async def test_one_file_is_enough(rig: Rig) -> None:
    write(rig.source / "DCIM/.DS_Store", b"litter")
    write(rig.source / "DCIM/a.jpg", b"a")
    assert (await rig.imported()).verdict is Verdict.SAFE
    assert (await rig.engine.imports.survey([rig.request()]))[0].warnings == ()


@pytest.mark.promise(29)
async def test_nothing_is_left_at_the_end(rig: Rig, at_the_end: Callable[[Callable[[], object]], None]) -> None:
    file = write(rig.source / "a.jpg", b"a")
    at_the_end(file.unlink)
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason == "1 was archived and is gone, or differs by now (such as a.jpg)"


async def test_what_a_pattern_excludes_is_keep_by_choice(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "a.tmp", b"b")
    view = await rig.imported(exclude=("*.tmp",))
    assert view.verdict is Verdict.KEEP
    assert "a.tmp" in view.verdict_reason
    assert view.by_choice


async def test_symbolic_link(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    os.symlink("a.jpg", rig.source / "link.jpg")
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert "link.jpg" in view.verdict_reason


async def test_not_read_back(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported(verify="none")
    assert (view.archived.files, view.verdict) == (1, Verdict.KEEP)
    assert "not read back" in view.verdict_reason
    ((level, read_back),) = await rig.engine.database.read("SELECT level, read_back FROM item")
    assert (level, read_back) == ("", None)


async def test_source_read_twice(rig: Rig) -> None:
    write(rig.source / "a.jpg", random_bytes(100_000, 1))
    write(rig.source / "b.mov", random_bytes(LARGE, 2))
    view = await rig.imported(verify="source")
    assert view.verdict is Verdict.SAFE
    assert view.verified >= 2 * view.seen.bytes


async def test_a_file_that_vanishes_has_failed(rig: Rig) -> None:
    for number in range(20):
        write(rig.source / f"{number:02}.mov", random_bytes(LARGE, number))
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).listed)
    (rig.source / "19.mov").unlink()
    view = await rig.ended(name)
    row = (await rig.rows(name))[b"19.mov"]
    assert (row.outcome, row.reason) == (Outcome.FAILED, "source: No such file or directory")
    assert (view.state, view.failed.files, view.verdict) == (State.DONE, 1, Verdict.KEEP)
    assert view.verdict_reason == "1 could not be archived (such as 19.mov)"
    assert rig.engine.snapshot().errors[0].newest == "19.mov"


@pytest.mark.usefixtures("bound")
async def test_a_folder_and_a_file_that_cannot_be_read(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    deep = write(rig.source / "deep/b.jpg", b"b").parent
    deep.chmod(0)
    file = write(rig.source / "c.jpg", b"c")
    file.chmod(0)
    view = await rig.imported()
    assert (view.state, view.archived.files, view.failed.files) == (State.DONE, 1, 2)
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason == ("1 could not be archived (such as c.jpg); 1 could not be listed (such as deep)")
    rows = await rig.rows(view.id)
    assert rows[b"deep"].reason == "cannot be listed: Permission denied"
    assert rows[b"c.jpg"].reason == "source: Permission denied"
    causes = {group.cause: group.advice for group in rig.engine.snapshot().errors}
    assert "right to read" in causes["source: Permission denied"]
    deep.chmod(0o755)
    file.chmod(0o644)
    assert (await rig.imported()).verdict is Verdict.SAFE


@pytest.fixture
def at_the_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do something when all is archived and the verdict is still to come."""

    def arrange(act: Callable[[], object]) -> None:
        before = verdict.verdict

        async def after(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
            await asyncio.to_thread(act)
            return await before(run, whole, root, only)

        monkeypatch.setattr(verdict, "verdict", after)

    return arrange


async def test_added_after_the_listing(rig: Rig, at_the_end: Callable[[Callable[[], object]], None]) -> None:
    write(rig.source / "a.jpg", b"a")
    at_the_end(lambda: write(rig.source / "late.jpg", b"late"))
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason == "1 is not in the archive (such as late.jpg)"


@pytest.mark.parametrize("size", [1, 2])
async def test_changed_after_archiving(
    rig: Rig, at_the_end: Callable[[Callable[[], object]], None], size: int
) -> None:
    write(rig.source / "a.jpg", b"a")
    at_the_end(lambda: write(rig.source / "a.jpg", b"b" * size))
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason == "1 changed since it was archived (such as a.jpg)"


async def test_payload_deleted_before_the_end(
    rig: Rig, at_the_end: Callable[[Callable[[], object]], None]
) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.jpg", b"b")
    name = hashlib.sha256(b"a").hexdigest()

    def delete() -> None:
        for path, sha in rig.payload().items():
            if sha == name:
                os.unlink(rig.archive / path)

    at_the_end(delete)
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert "a.jpg" in view.verdict_reason


async def test_damage_known_from_an_audit(rig: Rig, at_the_end: Callable[[Callable[[], object]], None]) -> None:
    write(rig.source / "a.jpg", b"a")
    await rig.imported()
    await rig.engine.database.run(("UPDATE item SET damage = 'bad'", [()]))
    view = await rig.imported(known="record")
    assert (view.archived.files, view.verdict) == (1, Verdict.SAFE)


async def test_the_whole_card_counts(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card's folder, or one file of it: the verdict is about the card."""
    _as_card(rig, monkeypatch)
    write(rig.source / "DCIM/a.jpg", b"a")
    write(rig.source / "MISC/b.txt", b"b")
    view = await rig.imported(rig.source / "DCIM")
    assert (view.seen.files, view.verdict) == (1, Verdict.KEEP)
    assert view.verdict_reason == "1 is not in the archive (such as MISC/b.txt)"
    view = await rig.imported(rig.source / "MISC/b.txt")
    assert (view.seen.files, view.archived.files, view.verdict) == (1, 1, Verdict.SAFE)
    # Into another archive nothing of the card is brought yet.
    rig.archive = rig.root / "second"
    view = await rig.imported(rig.source / "DCIM/a.jpg")
    assert view.verdict is Verdict.KEEP


@pytest.mark.promise(34)
@pytest.mark.parametrize("known", ["record", "read"])
async def test_a_folder_of_a_card_that_was_filled_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """What lies outside of the folder is not read; its names, sizes and times are those of before."""
    _as_card(rig, monkeypatch)
    write(rig.source / "DCIM/a.jpg", b"a")
    other = write(rig.source / "PRIVATE/b.mov", b"b")
    await rig.imported()
    facts = other.stat()
    other.write_bytes(b"c")
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    view = await rig.imported(rig.source / "DCIM", known=known)
    assert view.verdict is Verdict.KEEP
    assert "1 has other content than is archived under its name and time" in view.verdict_reason
    view = await rig.imported(rig.source / "PRIVATE", known="record")
    assert view.verdict is Verdict.KEEP


async def test_what_the_second_archive_has_from_elsewhere_is_not_known_by_its_name_there(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two archives get a folder of a card, of which the first one alone has got the rest."""
    _as_card(rig, monkeypatch)
    write(rig.source / "DCIM/a.jpg", random_bytes(3000, 1))
    other = write(rig.source / "PRIVATE/b.jpg", random_bytes(3000, 2))
    await rig.imported(rig.source / "PRIVATE")
    copied = other.rename(rig.source / "copied.jpg")
    await rig.imported(copied, archive=str(second(rig)))
    copied.rename(other)
    names = await both(rig, source=rig.source / "DCIM")
    first, view = [await rig.ended_unchecked(name) for name in names]
    assert (first.verdict, view.verdict) == (Verdict.SAFE, Verdict.KEEP)
    assert view.verdict_reason == (
        "1 is in this archive, but not from this card: import all of it into this archive"
    )
    assert [view.verdict for view in await ended(rig, *await both(rig))] == [Verdict.SAFE, Verdict.SAFE]
    names = await both(rig, source=rig.source / "DCIM")
    assert [view.verdict for view in await ended(rig, *names)] == [Verdict.SAFE, Verdict.SAFE]


@pytest.mark.parametrize("moved", [False, True], ids=["in place", "moved"])
async def test_accepting_looks_for_what_other_imports_brought_of_the_card(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    """The verdict is about the whole card: it is not SAFE once a file that another import brought is gone; nor
    where that import was moved to a location which had the file's content already."""
    _as_card(rig, monkeypatch)
    changed = write(rig.source / "DCIM/a.jpg", random_bytes(3000, 1))
    write(rig.source / "PRIVATE/b.jpg", random_bytes(3000, 2))
    other = (await rig.imported(rig.source / "PRIVATE")).id
    assert (await rig.imported(rig.source / "DCIM")).verdict is Verdict.SAFE
    facts = changed.stat()
    changed.write_bytes(random_bytes(3000, 3))
    os.utime(changed, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    name = (await rig.imported(rig.source / "DCIM")).id
    if moved:
        write(rig.source / "MORE/b.jpg", random_bytes(3000, 2))
        await rig.imported(rig.source / "MORE", location="Bern", duplicates="location")
        await rig.engine.maintenance.move(other, "Bern")
    (row,) = (await rig.rows(other)).values()
    payload, away = rig.archive / row.payload, rig.root / "away"
    payload.rename(away)
    with pytest.raises(ArchiveError, match=r"1 archived file of import .* is damaged or not there any more"):
        await rig.engine.maintenance.accept(name, "Ada")
    away.rename(payload)
    assert await rig.engine.maintenance.accept(name, "Ada") == [name]


def _as_card(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is a volume of its own, and removable."""
    from core.importing import sources
    from core.importing.sources import PickedSources
    from core.volumes.filesystems import StorageKind
    from core.volumes.mounts import Mount

    card = Mount(
        mount=str(rig.source), device="/dev/card1", filesystem="ext4", kind=StorageKind.LOCAL, read_only=False
    )
    volume = Volume(
        mount=card.mount,
        device=card.device,
        filesystem=card.filesystem,
        kind=card.kind,
        read_only=False,
        removable=True,
        name="CARD",
        identity="uuid:card",
    )
    look = PickedSources.look

    async def on_card(self: PickedSources, path: str) -> Looked:
        looked = await look(self, path)
        below = os.path.relpath(looked.source.root, os.fsencode(rig.source))  # noqa: ASYNC240 - touches no disk
        return msgspec.structs.replace(
            looked, mount=os.fsencode(rig.source), below=b"" if below == b"." else below
        )

    monkeypatch.setattr(PickedSources, "look", on_card)
    monkeypatch.setattr(sources, "mounts", lambda: [card])
    monkeypatch.setattr(sources, "describe", lambda _: volume)
