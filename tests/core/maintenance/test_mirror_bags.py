"""Bags that change in the source while a mirror copies them, and errors with their records."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.errors import ArchiveError
from core.maintenance import mirror_records
from core.models import Side
from core.workers import archive_messages, text_messages
from core.workers.messages import Fault
from core.workers.pool import TaskFailedError, Worker
from tests.core.importing.rig import Rig, at_work, digest, random_bytes, write
from tests.core.maintenance.mirroring import filled, mirrored, tree

pytestmark = pytest.mark.process


def made_anew(bag: Path, number: int) -> None:
    """Another receipt, another report, and the bag's tag files with them, as the engine makes them."""
    write(bag / f"lading/one.added-{number}.txt", b"ADDED")
    write(bag / "lading/one.html", random_bytes(100, number))
    write(bag / "bag-info.txt", f"Note: {number}\n".encode())
    tags = [path for path in bag.rglob("*") if path.is_file() and "data" not in path.parts]
    named = sorted(path for path in tags if not path.name.startswith("tagmanifest-"))
    lines = [f"{digest(path)}  {path.relative_to(bag)}\n" for path in named]
    write(bag / "tagmanifest-sha256.txt", "".join(lines).encode())


@contextmanager
def made_anew_before(name: str, times: int = 1) -> Iterator[None]:
    """So many times, the bag in the source is made anew just before a mirror reads the bag's file `name` there."""
    bring, left = mirror_records.RecordCopier.bring, times

    async def late(
        self: mirror_records.RecordCopier, path: str, sha256: bytes | None = None, *, there: bool = False
    ) -> bool:
        nonlocal left
        if path.endswith(f"/{name}") and left:
            left -= 1
            made_anew(Path(self._run.source.path, path.removesuffix(f"/{name}")), left)
        return await bring(self, path, sha256, there=there)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror_records.RecordCopier, "bring", late)
        yield


@pytest.mark.parametrize("name", ["tagmanifest-sha256.txt", "bag-info.txt", "lading/one.html"])
async def test_a_bag_that_is_made_anew_meanwhile(tmp_path: Path, name: str) -> None:
    """What is brought of it belongs together, and nothing of it is called wrong."""
    async with at_work(tmp_path) as rig:
        write(rig.source / "0.txt", random_bytes(3000, 0))
        await rig.imported()
        await rig.still()
        (bag,) = rig.archive.glob("locations/*")
        made_anew(bag, 10)
        copy = tmp_path / "backup"
        with made_anew_before(name):
            result = await mirrored(rig.engine, rig.archive, copy)
        assert (result.lacking, result.open_bags) == ((), ())
        assert rig.invalid(copy) == []
        assert tree(copy) == tree(rig.archive)
        # A bag that never stands still is named.
        made_anew(bag, 11)
        with made_anew_before("tagmanifest-sha256.txt", 10):
            result = await mirrored(rig.engine, rig.archive, copy)
        assert (result.lacking, len(result.open_bags)) == ((), 1)


async def test_a_bag_that_does_not_name_what_was_brought_yet(rig: Rig) -> None:
    """An import has ended, and the engine has not made its bag yet."""
    await filled(rig)
    for _ in range(2):
        result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
        assert (result.held.files, result.lacking, len(result.open_bags)) == (4, (), 1)
    await rig.engine.database.run(("DELETE FROM job", [()]))
    assert (await mirrored(rig.engine, rig.archive, rig.root / "backup")).open_bags == ()


async def test_a_report_that_its_bag_does_not_name_yet(rig: Rig) -> None:
    """The engine writes a report first, and makes the bag after that. Only where it has not changed anything is a
    report that differs called wrong."""
    await filled(rig)
    (bag,) = rig.archive.glob("locations/*")
    made_anew(bag, 1)
    write(bag / "lading/one.html", b"MORE")
    result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert (result.lacking, len(result.open_bags)) == ((), 1)
    await rig.engine.database.run(("DELETE FROM job", [()]))
    result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert [path.split("/")[-1] for path, _ in result.lacking] == ["one.html"]


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (text_messages.ReadText, "archive/locations/{} cannot be read: Input/output error."),
        (text_messages.Put, "backup/locations/{} cannot be written: Input/output error."),
        (archive_messages.Audit, "backup/locations/{} cannot be read back: Input/output error."),
    ],
)
async def test_an_error_names_the_one_of_the_two_that_had_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, refused: type, message: str
) -> None:
    await filled(rig)
    (receipt,) = rig.archive.glob("locations/*/lading/*.tsv")
    path, ask = str(receipt.relative_to(rig.archive)), Worker.ask
    fault = Fault(Side.ARCHIVE, "Input/output error", errno.EIO)

    async def failing(self: Worker, request: Any, wanted: Any) -> Any:
        if isinstance(request, refused):
            if isinstance(request, archive_messages.Audit) and request.files[0][0] == path:
                return archive_messages.Audited([("", fault)])
            if path in (getattr(request, "path", ""), getattr(request, "target", "")):
                raise TaskFailedError(fault, "OSError")
        return await ask(self, request, wanted)

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "ask", failing)
        expected = re.escape(message.format(path.removeprefix("locations/")))
        with pytest.raises(ArchiveError, match=expected) as caught:
            await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert caught.value.advice == (
        "See to its disk, or its server and the network; the same command goes on where it stopped."
    )
    assert (await mirrored(rig.engine, rig.archive, rig.root / "backup")).held.files == 4


async def test_a_record_that_is_gone_by_then_is_not_brought_empty(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(rig)
    (bag,) = rig.archive.glob("locations/*")
    report, ask = write(bag / "lading/one.html", b"ONE"), Worker.ask

    async def late(self: Worker, request: Any, wanted: Any) -> Any:
        if isinstance(request, text_messages.ReadText) and request.path.endswith(report.name):
            report.unlink(missing_ok=True)
        return await ask(self, request, wanted)

    monkeypatch.setattr(Worker, "ask", late)
    await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert not report.exists()
    assert list((rig.root / "backup").rglob(report.name)) == []
