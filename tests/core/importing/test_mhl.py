"""The ASC MHL export, held against the reference tool."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.errors import UsageError
from core.receipts import history, mhl
from tests.core.importing.rig import Rig, random_bytes, write
from tests.rigs.trees import hostile_tree

SPACE = "{urn:ASC:MHL:v2.0}"


def tool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """The reference tool, `ascmhl` (PyPI)."""
    program = Path(sys.executable).with_name(str(arguments[0]))
    return subprocess.run([program, *arguments[1:]], capture_output=True, text=True, check=False)


async def begun(rig: Rig, name: str, tree: Path) -> tuple[Path, int, int]:
    """A history beside a tree."""
    path, files, left_out = await history.begin(rig.engine.database.read, rig.engine.pool, name, str(tree))
    return Path(path), files, left_out


def card(rig: Rig) -> None:
    """A card with names that XML and patterns take for something else, duplicates, litter and links."""
    names = ["DCIM/100/IMG_1.JPG", "a & b/<c>.jpg"]
    names += ['it\'s "so"/x.mov', "tab\there.txt", " leading.jpg", "é/ü.jpg"]
    names += ["line\nbreak.txt", "return\rhere.txt", "%41.txt", "]]>.txt", "![x]#.txt"]
    for number, name in enumerate(names):
        write(rig.source / name, random_bytes(1000 + number, number))
    write(rig.source / "again.jpg", random_bytes(1000, 0))
    write(rig.source / "empty.txt", b"")
    write(rig.source / ".DS_Store", b"litter")
    write(rig.source / "[w]ild/Thumbs.db", b"litter")
    os.symlink("nowhere", rig.source / "link")


async def test_the_reference_tool_accepts_it(rig: Rig, tmp_path: Path) -> None:
    card(rig)
    view = await rig.imported(label="A001", operator="Ada & Co", note="<first>")
    tree = tmp_path / "A001 restored"
    shutil.copytree(rig.source, tree, symlinks=True)
    path, files, left_out = await begun(rig, view.id, tree)
    assert (path.parent.name, files, left_out) == ("ascmhl", 13, 0)
    verified = tool("ascmhl-debug", "verify", tree)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    told = tool("ascmhl", "info", "-v", tree)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Lading" in told.stdout
    assert tool("ascmhl", "diff", tree).returncode == 0
    # The history goes on in other hands.
    made = tool("ascmhl", "create", tree, "-h", "xxh128")
    assert made.returncode == 0, made.stdout + made.stderr
    write(tree / "DCIM/100/IMG_1.JPG", b"another")
    assert tool("ascmhl-debug", "verify", tree).returncode != 0


async def test_what_is_in_it(rig: Rig) -> None:
    card(rig)
    view = await rig.imported(label="A001", operator="Ada & Co")
    text: list[str] = []
    assert await mhl.write_mhl(rig.engine.database.read, view.id, text.append) == (13, 0)
    root = ElementTree.fromstring("".join(text))  # noqa: S314 - our own
    hashes = {found[0].text: found for found in root.iter(f"{SPACE}hash")}
    rows = await rig.rows(view.id)
    assert {name.encode() for name in hashes if name} == {path for path, row in rows.items() if row.payload}
    for name, found in hashes.items():
        assert name
        assert found[0].attrib["size"] == str((rig.source / name).stat().st_size)
        assert rows[name.encode()].payload.rpartition("/")[2].startswith(found[1].text or "-")
    assert [found.text for found in root.iter(f"{SPACE}author")] == ["Ada & Co"]


async def test_names_that_xml_cannot_hold(rig: Rig) -> None:
    hostile_tree(os.fsencode(rig.source))
    view = await rig.imported()
    text: list[str] = []
    files, left_out = await mhl.write_mhl(rig.engine.database.read, view.id, text.append)
    root = ElementTree.fromstring("".join(text))  # noqa: S314 - our own
    assert len(list(root.iter(f"{SPACE}hash"))) == files
    assert left_out > 0
    assert files + left_out == view.archived.files + view.duplicate.files + view.failed.files
    assert f"{left_out - view.failed.files} files" in "".join(root.itertext())


async def test_an_empty_import(rig: Rig, tmp_path: Path) -> None:
    view = await rig.imported()
    tree = tmp_path / "tree"
    tree.mkdir()
    assert (await begun(rig, view.id, tree))[1:] == (0, 0)
    # Its `verify` finds nothing to do in an empty folder and says so by a failure.
    assert tool("ascmhl", "info", tree).returncode == 0


async def test_where_it_may_not_be(rig: Rig, tmp_path: Path) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    tree = tmp_path / "tree"
    tree.mkdir()
    await begun(rig, view.id, tree)
    before = {path.name: path.read_bytes() for path in (tree / "ascmhl").iterdir()}
    for folder, why in (
        (tree, "has an ASC MHL history"),
        (rig.source, "lies in the source"),
        (rig.archive / "locations", "lies in the archive"),
        (tmp_path / "nowhere", "cannot be written"),
        (tree / "ascmhl" / "ascmhl_chain.xml", "is a file"),
    ):
        with pytest.raises(UsageError, match=why):
            await begun(rig, view.id, folder)
    assert {path.name: path.read_bytes() for path in (tree / "ascmhl").iterdir()} == before
    with pytest.raises(UsageError, match="There is no import"):
        await begun(rig, "nothing", tree)
