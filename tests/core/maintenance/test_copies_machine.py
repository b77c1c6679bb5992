"""Imports, mirrors, damage, healing and pulled disks in any order: no content is lost that was well somewhere, and
no copy is claimed that is not there."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.engine import engine as module
from core.errors import LadingError
from core.models import Count
from core.results import AuditScope
from tests.core.importing.rig import Rig, Still, StillWatch, digest, random_bytes, write

pytestmark = pytest.mark.process

SIZE = 2000


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


class TwoArchives(RuleBasedStateMachine):
    """An archive and a mirror of it, and what each must hold: of each content, where it is well."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="lading-copies-"))
        self.runner = asyncio.Runner()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(module, "JobService", Still)
        self.patch.setattr(module, "EndedImports", StillWatch)
        self.rig = Rig(self.root)
        self.rig.source.mkdir()
        self.backup = self.root / "backup"
        self.number = 0
        self.well: dict[str, dict[Path, str]] = {}
        """By SHA-256, the archives in which a content is well, and its path there."""
        self.paths: dict[str, str] = {}
        """By SHA-256, the path that the archive has for it now: a damaged file keeps its name."""
        self.apart: set[str] = set()
        """Contents that another machine has brought into the mirror, of which this one does not know yet."""
        self.pulled = False
        self.runner.run(self.rig.engine.start())

    def teardown(self) -> None:
        """Nothing is left."""
        self.runner.run(self.rig.engine.stop())
        self.runner.close()
        self.patch.undo()
        shutil.rmtree(self.root)

    @initialize()
    def begin(self) -> None:
        """One file, and its mirror."""
        self.bring_in()
        self.mirror(both=False)

    @rule()
    def bring_in(self) -> None:
        """Another file into the archive; one of which the archive has only a damaged copy comes again."""
        self.number += 1
        path = write(self.rig.source / f"{self.number}.jpg", random_bytes(SIZE, self.number))
        self.well[digest(path)] = {}
        self.runner.run(self.rig.imported())
        rows = self.runner.run(self.rig.engine.database.read("SELECT lower(hex(sha256)), path FROM item"))
        self.paths |= dict(rows)
        for sha in self.well:
            # The card still has all of them, but for those of another card.
            self._look(self.rig.archive, sha)

    @precondition(lambda self: not self.pulled)
    @rule()
    def fill_apart(self) -> None:
        """The mirror's disk is an archive in use elsewhere, and gets a file there."""
        self.number += 1
        card = self.root / f"card {self.number}"
        sha = digest(write(card / f"{self.number}.jpg", random_bytes(SIZE, self.number)))
        self.paths[sha] = self.runner.run(self._filled(card, bytes.fromhex(sha)))
        self.well[sha] = {self.backup: self.paths[sha]}
        self.apart.add(sha)

    async def _filled(self, card: Path, sha256: bytes) -> str:
        other = module.Engine(self.rig.config("other"))
        await other.start()
        try:
            names = await other.imports.start_imports([self.rig.request(card, archive=str(self.backup))])
            await other.imports.wait(names)
            rows = await other.database.read("SELECT path FROM item WHERE sha256 = ?", (sha256,))
        finally:
            await other.stop()
        return str(rows[0][0])

    @precondition(lambda self: not self.pulled)
    @rule(both=st.booleans())
    def mirror(self, both: bool) -> None:
        """Everything that one lacks comes from the other, if that has it well."""
        result = self.runner.run(self._mirrored(both=both))
        for sha, holders in self.well.items():
            gone = {one for one in (self.rig.archive, self.backup) if not (one / self.paths[sha]).exists()}
            able = {one for one, path in holders.items() if path == self.paths[sha]}
            assert not (both and able and gone - able), "what is well in one came to the other"
            self._look(self.rig.archive, sha)
            self._look(self.backup, sha)
        if both:
            self.apart.clear()
        known = self.well.keys() - self.apart
        assert result == sum(self.well[sha].get(self.backup) == self.paths[sha] for sha in known)

    async def _mirrored(self, *, both: bool) -> int:
        name = await self.rig.engine.mirrors.start(str(self.rig.archive), str(self.backup), both=both)
        await self.rig.engine.mirrors.wait(name)
        return (await self.rig.engine.mirrors.results(name))[-1].held.files

    @precondition(lambda self: self.pulled)
    @rule()
    def mirror_to_nothing(self) -> None:
        """Nothing is made where the pulled disk was."""
        with pytest.raises(LadingError):
            self.runner.run(self._mirrored(both=False))
        assert not self.backup.exists()

    @rule(data=st.data(), here=st.booleans(), gone=st.booleans())
    def damage(self, data: st.DataObject, here: bool, gone: bool) -> None:
        """A file is damaged or gone in one archive, which an audit finds out; never the last that is well."""
        archive = self.rig.archive if here or self.pulled else self.backup
        able = sorted(sha for sha, holders in self.well.items() if archive in holders and len(holders) == 2)
        if not able:
            return
        sha = data.draw(st.sampled_from(able))
        path = archive / self.well[sha][archive]
        if gone:
            path.unlink()
        else:
            path.write_bytes(random_bytes(SIZE, 10_000 + self.number))
        del self.well[sha][archive]
        self.runner.run(self.rig.engine.maintenance.audit(str(archive), silent))

    @rule(here=st.booleans())
    def heal(self, here: bool) -> None:
        """What is known to be damaged in one is well there again, if the other has it and is not pulled."""
        here = here or self.pulled
        archive, other = (self.rig.archive, self.backup) if here else (self.backup, self.rig.archive)
        known = {path for path, _ in self._known_damaged(archive)}
        self.runner.run(self.rig.engine.maintenance.audit(str(archive), silent, AuditScope(copies=True)))
        damaged = {path for path, _ in self._known_damaged(archive)}
        for sha, holders in self.well.items():
            self._look(archive, sha)
            has_it = holders.get(other) == self.paths[sha] and not self.pulled
            assert not (self.paths[sha] in known & damaged and has_it), "the other has it"

    @rule()
    def pull(self) -> None:
        """The mirror's disk is pulled, or comes back."""
        away = self.root / "away"
        if self.pulled:
            away.rename(self.backup)
        elif self.backup.exists():
            self.backup.rename(away)
        self.pulled = away.exists()

    def _look(self, archive: Path, sha: str) -> None:
        """A content that is well in an archive, under the name that it has now, counts from now on."""
        path = archive / self.paths[sha]
        if path.exists() and digest(path) == sha:
            self.well[sha][archive] = self.paths[sha]

    def _known_damaged(self, archive: Path) -> list[tuple[str, str]]:
        scope = AuditScope(older_than=1e12)
        return list(self.runner.run(self.rig.engine.maintenance.audit(str(archive), silent, scope)).damaged)

    @invariant()
    def nothing_is_lost_and_nothing_is_made_up(self) -> None:
        """What was well is well, and what the catalog claims of a copy is there."""
        backup = self.root / "away" if self.pulled else self.backup
        for sha, holders in self.well.items():
            assert holders, "a content is lost"
            for archive, path in holders.items():
                real = backup if archive == self.backup else archive
                assert digest(real / path) == sha
        read = self.rig.engine.database.read
        for archive, query in (
            (self.rig.archive, "SELECT path, sha256 FROM item WHERE read_back IS NOT NULL AND damage IS NULL"),
            (
                backup,
                "SELECT i.path, i.sha256 FROM copy_item c JOIN item i ON i.id = c.item_id "
                "WHERE c.read_back IS NOT NULL AND c.damage IS NULL",
            ),
        ):
            for path, sha256 in self.runner.run(read(query)):
                assert digest(archive / path) == sha256.hex(), f"{path} is claimed, and is not there"


TwoArchives.TestCase.settings = settings(
    max_examples=3,
    stateful_step_count=7,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestTwoArchives = TwoArchives.TestCase
