"""The ASC MHL export, held against the reference tool."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xxhash

from core.checksums.read import ListReader
from core.errors import ArchiveError, UsageError
from core.models import Verdict
from core.receipts import mhl, mhl_history
from tests.core.importing.rig import Rig, random_bytes, write
from tests.rigs.trees import hostile_tree

pytestmark = pytest.mark.process

SPACE = "{urn:ASC:MHL:v2.0}"


def tool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """The reference tool, `ascmhl` (PyPI)."""
    program = Path(sys.executable).with_name(str(arguments[0]))
    return subprocess.run([program, *arguments[1:]], capture_output=True, text=True, check=False)


async def begun(rig: Rig, name: str, tree: Path) -> tuple[Path, int, int]:
    """A history beside a tree."""
    path, files, left_out = await mhl_history.write(rig.engine.database.read, rig.engine.pool, name, str(tree))
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
    hashed = tool("ascmhl-debug", "verify", "-dh", tree)
    assert hashed.returncode == 0, hashed.stdout + hashed.stderr
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


def plain_card(rig: Rig) -> None:
    """A card without line breaks in names, which the reference tool writes wrongly, and without links."""
    names = ["DCIM/100/IMG_1.JPG", "DCIM/100-2/IMG_1.JPG", "DCIM/100.txt", "a & b/<c>.jpg", "é/ü.jpg"]
    for number, name in enumerate(names):
        write(rig.source / name, random_bytes(1000 + number, number))
    write(rig.source / "again.jpg", random_bytes(1000, 0))
    write(rig.source / "empty.txt", b"")
    write(rig.source / "card.md5", b"# nothing listed")
    (rig.source / "empty folder" / "deep").mkdir(parents=True)


def manifests(tree: Path) -> list[Path]:
    return sorted((tree / "ascmhl").glob("*.mhl"))


def accepted(tree: Path) -> None:
    """The reference tool finds every file and folder as its whole history says."""
    for options in ([], ["-dh"]):
        verified = tool("ascmhl-debug", "verify", *options, tree)
        assert verified.returncode == 0, verified.stdout + verified.stderr
    assert tool("ascmhl", "diff", tree).returncode == 0


@pytest.mark.parametrize("algorithm", ["c4", "xxh64", "xxh128"])
async def test_a_history_is_continued(rig: Rig, tmp_path: Path, algorithm: str) -> None:
    plain_card(rig)
    assert tool("ascmhl", "create", rig.source, "-h", algorithm).returncode == 0
    view = await rig.imported()
    assert view.verdict is Verdict.SAFE
    tree = tmp_path / "A001"
    shutil.copytree(rig.source, tree)
    for number in (2, 3):
        path, _, left_out = await begun(rig, view.id, tree)
        assert (path.name[:5], left_out) == (f"000{number}_", 0)
        assert manifests(tree)[-1] == path
    root = ElementTree.fromstring(manifests(tree)[1].read_text())  # noqa: S314 - our own
    by = {found.tag.removeprefix(SPACE) for hash_ in root.iter(f"{SPACE}hash") for found in hash_[1:]}
    assert by == {algorithm, "xxh128"}
    assert {found.attrib["action"] for hash_ in root.iter(f"{SPACE}hash") for found in hash_[1:]} == {"verified"}
    accepted(tree)


async def test_a_history_that_was_begun_in_the_tree(rig: Rig, tmp_path: Path) -> None:
    """The import knows nothing of its algorithm: the tree is read, and one that has changed is refused."""
    plain_card(rig)
    view = await rig.imported()
    tree = tmp_path / "A001"
    shutil.copytree(rig.source, tree)
    assert tool("ascmhl", "create", tree, "-h", "sha1").returncode == 0
    await begun(rig, view.id, tree)
    before = manifests(tree)
    write(tree / "DCIM/100/IMG_1.JPG", random_bytes(1000, 99))
    with pytest.raises(UsageError, match="not what was archived"):
        await begun(rig, view.id, tree)
    assert manifests(tree) == before


async def test_a_history_below_keeps_what_is_its_own(rig: Rig, tmp_path: Path) -> None:
    plain_card(rig)
    for folder in (rig.source / "DCIM", rig.source):
        assert tool("ascmhl", "create", folder, "-h", "xxh64").returncode == 0
    view = await rig.imported()
    tree = tmp_path / "A001"
    shutil.copytree(rig.source, tree)
    path, files, _ = await begun(rig, view.id, tree)
    assert files == 5
    assert "<hashlistreference>" in path.read_text()
    accepted(tree)


@pytest.mark.parametrize("how", ["manifest", "chain", "gone", "unknown"])
async def test_a_damaged_history_is_not_continued(rig: Rig, tmp_path: Path, how: str) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    tree = tmp_path / "tree"
    tree.mkdir()
    first, _, _ = await begun(rig, view.id, tree)
    chain = first.with_name("ascmhl_chain.xml")
    if how == "manifest":
        first.write_text(first.read_text().replace("xxh128", "md5", 1))
    elif how == "chain":
        chain.write_text("<!DOCTYPE a>" + chain.read_text())
    elif how == "gone":
        chain.unlink()
    else:
        first.with_name("0002_x.mhl").write_bytes(first.read_bytes())
    before = {path.name: path.read_bytes() for path in first.parent.iterdir()}
    with pytest.raises(UsageError, match="cannot be continued"):
        await begun(rig, view.id, tree)
    assert {path.name: path.read_bytes() for path in first.parent.iterdir()} == before


@pytest.mark.parametrize("listed", [False, True])
async def test_mhl_1_1(rig: Rig, tmp_path: Path, *, listed: bool) -> None:
    """What the archive holds is read for it; where a list on the source named XXH64, that is known."""
    card(rig)
    names = sorted(path.relative_to(rig.source).as_posix() for path in rig.source.rglob("*") if path.is_file())
    names = [name for name in names if not name.endswith((".DS_Store", "Thumbs.db"))]
    sums = {name: xxhash.xxh64_hexdigest((rig.source / name).read_bytes()) for name in names}
    if listed:
        lines = [f"{sums[name]}  {name}" for name in names if not set(name) & set("\n\r\\\\")]
        write(rig.source / "card.xxh64", "\n".join(lines).encode())
    view = await rig.imported()
    tree = tmp_path / "tree 1"
    tree.mkdir()
    path, files, left_out = await rig.engine.hash_lists.beside(view.id, str(tree), classic=True)
    assert (files, left_out) == (len(names) + listed, 0)
    reader = ListReader(os.fsencode(os.path.basename(path)))
    read = [one for page in reader.entries([(tree / os.path.basename(path)).read_bytes()]) for one in page]
    found = {one.path.decode(): one.digest.hex() for one in read}
    found.pop("card.xxh64", None)
    assert (found, {one.algorithm for one in read}, reader.not_understood) == (sums, {"xxh64"}, 0)
    (next(rig.archive / path for path in rig.payload())).write_bytes(b"rotten")
    if not listed:
        with pytest.raises(ArchiveError, match="not what was archived"):
            await rig.engine.hash_lists.beside(view.id, str(tree), classic=True)
    assert [name for name in os.listdir(tree) if name.endswith(".mhl")] == [os.path.basename(path)]
