"""What lies in iCloud only is fetched when a person says so, and never else."""

import errno
from pathlib import Path

import pytest

from core.importing.halt_reasons import advice
from core.media.left_out import ICLOUD, ICLOUD_FOLDER
from core.models import Count, Verdict
from tests.core.importing.rig import Rig, random_bytes, write
from tests.core.maintenance.test_check import checked
from tests.rigs import sabotage

pytestmark = pytest.mark.process

AWAY, INSIDE, HERE = b"CLOUD.JPG", b"CLOUD FOLDER/a.jpg", b"here.jpg"


async def _filled(rig: Rig) -> None:
    for number, name in enumerate((AWAY, INSIDE, HERE)):
        write(rig.source / name.decode(), random_bytes(10_000, number))


async def test_unasked_files_and_folders_stay_out_by_name(rig: Rig, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "mac", "has an iCloud"):
        await _filled(rig)
        view = await rig.imported()
        rows = await rig.rows(view.id)
    assert (view.verdict, view.archived.files) == (Verdict.KEEP, 1)
    assert (rows[AWAY].reason, rows[b"CLOUD FOLDER"].reason) == (ICLOUD.reason, ICLOUD_FOLDER.reason)
    assert INSIDE not in rows
    assert [one for one in view.warnings if "iCloud" in one] == [
        f"1 {ICLOUD.reason}.",
        f"1 {ICLOUD_FOLDER.reason}.",
    ]


async def test_a_survey_counts_folders_apart(rig: Rig, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "mac", "has an iCloud"):
        await _filled(rig)
        (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.icloud, survey.icloud_folders, survey.new.files) == (1, 1, 1)


async def test_asked_for_they_are_fetched(rig: Rig, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "mac", "has an iCloud"):
        await _filled(rig)
        view = await rig.imported(icloud=True)
    assert (view.verdict, view.archived.files) == (Verdict.SAFE, 3)


async def test_a_check_never_fetches(rig: Rig, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "mac", "has an iCloud"):
        await _filled(rig)
        await rig.imported(icloud=True)
        by_record, by_content = await checked(rig), await checked(rig, read=True)
    assert (by_record.verdict, by_record.safe.files) == (Verdict.KEEP, 2)
    assert [why for _, why in by_record.files] == [
        "cannot be listed: in iCloud only, not on this disk (Resource deadlock avoided)"
    ]
    assert by_content.safe.files == 1
    assert dict(by_content.files) == {
        "CLOUD.JPG": f"left out: {ICLOUD.reason}",
        "CLOUD FOLDER": f"left out: {ICLOUD_FOLDER.reason}",
    }


async def test_healing_never_fetches(rig: Rig, tmp_path: Path) -> None:
    from core.results import AuditScope

    with sabotage.broken(tmp_path / "mac", "has an iCloud"):
        write(rig.source / "CLOUD.JPG", random_bytes(10_000, 1))
        await rig.imported(icloud=True)
        (payload,) = rig.archive.glob("locations/*/data/*/*/*")
        payload.write_bytes(b"damaged")
        await rig.engine.maintenance.audit(str(rig.archive), lambda done, total: None)
        scope = AuditScope(heal=(str(rig.source),))
        found = await rig.engine.maintenance.audit(str(rig.archive), lambda done, total: None, scope)
    assert (found.healed, found.damaged_count) == ((), 1)


async def test_a_file_that_macos_does_not_fetch_fails_in_words(rig: Rig, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "mac", "has an iCloud", "cannot fetch"):
        await _filled(rig)
        view = await rig.imported(icloud=True)
        rows = await rig.rows(view.id)
    assert rows[AWAY].reason == "source: in iCloud only, not on this disk (Resource deadlock avoided)"
    assert "--icloud" in advice("source", errno.EDEADLK)
    assert Count(files=1, bytes=10_000) == view.archived
