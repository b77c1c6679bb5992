"""Browsing what a real import has left in the catalog."""

from pathlib import Path

import pytest

from core.catalog import file_list
from core.config import Config
from core.engine.engine import Engine
from core.errors import UsageError
from core.models import ImportRequest, Outcome

pytestmark = pytest.mark.process


async def test_files_are_filtered_searched_paged_and_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_list, "PAGE", 3)
    card = tmp_path / "card"
    for number in range(7):
        file = card / "DCIM" / f"IMG_{number}%.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%d" % number)
    (card / "twin.bin").write_bytes(b"0")
    (card / "bad\x1b\n.tmp").write_bytes(b"x")
    (card / ".DS_Store").write_bytes(b"x")
    engine = Engine(Config(home=str(tmp_path / "home")))
    await engine.start()
    try:
        request = ImportRequest(
            source=str(card), archive=str(tmp_path / "a"), location="Mill", label="A001", exclude=("*.tmp",)
        )
        (name,) = await engine.imports.start_imports([request])
        await engine.imports.wait([name])
        read = engine.database.read

        total, _, first = await file_list.page(read, name, (), "", 0)
        assert total == 10
        assert len(first) == 3
        paths = {file.path for file in first}
        for offset in (3, 6, 9):
            paths |= {file.path for file in (await file_list.page(read, name, (), "", offset))[2]}
        assert len(paths) == 10
        assert "bad\\x1b\\x0a.tmp" in paths

        for offset in (3, 6, 9):
            for row, one in enumerate((await file_list.page(read, name, (), "", offset))[2], offset):
                assert await file_list.position(read, one.id) == row

        total, _, skipped = await file_list.page(read, name, (Outcome.SKIPPED,), "", 0)
        assert total == 1
        assert skipped[0].reason
        assert skipped[0].payload == ""

        for text, found in (("img_3", 1), ("IMG a001", 7), ("3%", 1), ("%", 7), ("_", 7), ("mill nothing", 0)):
            assert (await file_list.page(read, "", (), text, 0))[0] == found, text
        assert (await file_list.page(read, "", (), "", 0))[0] == 7, "each content that is archived once"
        assert (await file_list.page(read, "", (), "outcome:skipped", 0))[0] == 1
        assert (await file_list.page(read, "", (), "outcome:litter", 0))[0] == 0, "litter is nothing to find"

        (twin,) = (await file_list.page(read, "", (), "twin", 0))[2]
        facts = dict(await file_list.details(read, twin.id))
        assert facts["original"] == "twin.bin"
        assert facts["import"] == f"{name} A001"
        assert (tmp_path / "a" / twin.payload).read_bytes() == b"0"
        assert facts["archive"].endswith(twin.payload)
        assert "IMG_0%.bin" in facts["also"]
        assert len(facts["SHA-256"]) == 64

        with pytest.raises(UsageError):
            await file_list.details(read, 10**9)
        with pytest.raises(UsageError):
            await file_list.position(read, 10**9)
        with pytest.raises(UsageError):
            await file_list.page(read, "nothing", (), "", 0)
    finally:
        await engine.stop()
