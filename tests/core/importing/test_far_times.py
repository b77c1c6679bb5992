"""Files and folders with a time that 64 bits of nanoseconds cannot hold."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import UsageError
from core.files import times
from core.models import Outcome, State, Verdict
from core.workers.messages import Source
from core.workers.pool import Worker
from core.workers.source_messages import Entry, Listed
from tests.core.importing.rig import Rig, photos
from tests.core.importing.together import both, ended, second

pytestmark = pytest.mark.process

SECOND = 10**9
FILETIME_0 = -11_644_473_600 * SECOND
"""1601, what NTFS gives for a time that nobody has set."""

FAR = (FILETIME_0, 10_413_792_000 * SECOND, 2**34 * SECOND)
"""1601, 2300 and 2514."""


def set_time(path: Path, ns: int) -> None:
    """Set it, or skip the test where that cannot be kept."""
    os.utime(path, ns=(ns, ns))
    if path.stat().st_mtime_ns != ns:
        pytest.skip("this file system has no such times")


@pytest.fixture
def card() -> Iterator[Path]:
    """A folder on a file system that keeps times of 64 bits of seconds, if there is one."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    photos(folder / "DCIM", 3)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=FAR)
def far(request: pytest.FixtureRequest, card: Path) -> int:
    """A time that one file and its folder have."""
    set_time(card / "DCIM/0001.jpg", request.param)
    set_time(card / "DCIM", request.param)
    ns: int = request.param
    return ns


def exact(rig: Rig, name: str, archive: Path | None = None) -> dict[str, str]:
    """What the journal of an import says of exact times."""
    journal = (archive or rig.archive) / f".lading/imports/{name}.jsonl"
    rows: list[dict[str, Any]] = [json.loads(line) for line in journal.read_text().splitlines()]
    return {row.get("file", row.get("folder", "")): row["mtime_exact"] for row in rows if "mtime_exact" in row}


@pytest.mark.promise(35)
async def test_they_are_archived_and_known_again(rig: Rig, card: Path, far: int) -> None:
    survey = (await rig.engine.imports.survey([rig.request(card)]))[0]
    assert survey.new.files == 3
    assert any("2 with a time outside the years 1677 to 2262" in warning for warning in survey.warnings)
    first = await rig.imported(card)
    assert (first.state, first.verdict, first.archived.files) == (State.DONE, Verdict.SAFE, 3)
    assert any("2 with a time outside the years 1677 to 2262" in warning for warning in first.warnings)
    assert exact(rig, first.id) == {"DCIM/0001.jpg": str(far), "DCIM": str(far)}
    assert "Times outside the years 1677 to 2262: 2." in rig.receipts()[0].read_text()
    held = await rig.engine.database.read(
        "SELECT mtime_ns FROM file WHERE CAST(path AS TEXT) LIKE '%DCIM/0001.jpg'"
    )
    assert held == [(times.clamped(far),)]
    survey = (await rig.engine.imports.survey([rig.request(card)]))[0]
    assert (survey.new.files, survey.known.files) == (0, 3)
    second = await rig.imported(card)
    assert (second.verdict, second.archived.files, second.duplicate.files) == (Verdict.SAFE, 0, 3)
    outcome = (await rig.rows(second.id))[b"DCIM/0001.jpg"].outcome
    assert outcome is Outcome.DUPLICATE


@pytest.mark.promise(35)
async def test_restored_they_have_the_exact_times_again_also_after_a_rebuild(
    rig: Rig, card: Path, far: int
) -> None:
    name = (await rig.imported(card)).id
    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    target = card / "restored"
    await rig.engine.restore_check.restore(name, str(target), lambda _, __: None)
    for path in (target / "DCIM/0001.jpg", target / "DCIM"):
        assert path.stat().st_mtime_ns == far


@pytest.mark.control(35)
async def test_with_nothing_clamped_the_import_cannot_even_list_it(
    rig: Rig, card: Path, far: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker's reply has it then, which a worker here says in place of its own."""
    before: Callable[..., Any] = Worker.ask

    async def ask(self: Worker, request: object, wanted: type[Any]) -> Any:
        reply = await before(self, request, wanted)
        if isinstance(reply, Listed):
            reply = Listed(Source(b""), [_raw(entry) for entry in reply.entries], reply.more)
        return reply

    def _raw(entry: Entry) -> Entry:
        entry.mtime_ns = int(entry.far or entry.mtime_ns)
        return entry

    monkeypatch.setattr(Worker, "ask", ask)
    name = await rig.begun(card)
    with pytest.raises(OverflowError):
        await rig.engine.imports.wait([name])


@pytest.mark.promise(35)
async def test_each_of_several_archives_says_so_and_keeps_the_exact_time(rig: Rig, card: Path) -> None:
    set_time(card / "DCIM/0001.jpg", FAR[1])
    set_time(card / "DCIM", FAR[1])
    names = await both(rig, source=str(card))
    for view, archive in zip(await ended(rig, *names), (rig.archive, second(rig)), strict=True):
        assert (view.state, view.archived.files) == (State.DONE, 3)
        assert any(warning.startswith("2 with a time outside") for warning in view.warnings)
        assert exact(rig, view.id, archive) == {"DCIM/0001.jpg": str(FAR[1]), "DCIM": str(FAR[1])}
    # The location is in both: the archive that is named says which is meant.
    out = rig.root / "out"
    restore = rig.engine.restore_check.restore
    with pytest.raises(UsageError, match="--archive"):
        await restore("Basel", str(out), lambda done, total: None)
    await restore("Basel", str(out), lambda done, total: None, archive=str(second(rig)))
    assert {path.name for path in out.rglob("*.jpg")} == {"0000.jpg", "0001.jpg", "0002.jpg"}


@pytest.mark.parametrize("ns", [times.LEAST, times.MOST, 0, -1])
def test_what_can_be_held_is_not_far(ns: int) -> None:
    assert (times.clamped(ns), times.far(ns)) == (ns, "")


@pytest.mark.parametrize("ns", [times.LEAST - 1, times.MOST + 1, *FAR])
def test_what_cannot_be_held_is_clamped_and_told(ns: int) -> None:
    assert times.clamped(ns) in (times.LEAST, times.MOST)
    assert times.read_far(times.far(ns)) == str(ns)


@pytest.mark.parametrize("text", ["", "1e400", "9" * 5000, "--1", None, 7, "12"])
def test_from_a_journal_that_somebody_made_up_nothing_is_taken(text: object) -> None:
    assert times.read_far(text) == ""
