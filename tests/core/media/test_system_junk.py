"""Litter is what the operating system left, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.system_junk import is_appledouble, junk, litter, made_in, maybe_appledouble, within_junk

FILES = [b".DS_Store", b"Thumbs.db", b"desktop.ini"]
FOLDERS = [
    b".Spotlight-V100",
    b".Trashes",
    b".fseventsd",
    b".TemporaryItems",
    b".DocumentRevisions-V100",
    b"__MACOSX",
    b"System Volume Information",
    b"$RECYCLE.BIN",
    b"@eaDir",
]


@pytest.mark.parametrize("name", FILES)
def test_litter_files(name: bytes) -> None:
    assert litter(name, is_folder=False)
    assert litter(name, is_folder=True) is None


@pytest.mark.parametrize("name", FOLDERS)
def test_litter_folders(name: bytes) -> None:
    assert litter(name, is_folder=True)
    assert litter(name, is_folder=False) is None


def test_windows_names_mind_no_case_and_macos_names_do() -> None:
    assert litter(b"THUMBS.DB", is_folder=False)
    assert litter(b"Desktop.ini", is_folder=False)
    assert litter(b"$Recycle.Bin", is_folder=True)
    assert litter(b".ds_store", is_folder=False) is None
    assert litter(b".trashes", is_folder=True) is None


@pytest.mark.parametrize("name", [b"", b"IMG_1.JPG", b".DS_Store ", b"My Thumbs.db", b"._IMG_1.JPG", b".hidden"])
def test_everything_else_is_data(name: bytes) -> None:
    assert litter(name, is_folder=False) is None
    assert litter(name, is_folder=True) is None


def test_appledouble_names() -> None:
    assert maybe_appledouble(b"._IMG_1.JPG")
    assert not maybe_appledouble(b"._")
    assert not maybe_appledouble(b".IMG_1.JPG")
    assert not maybe_appledouble(b"a._b")


def test_appledouble_by_its_header() -> None:
    rest = b"Mac OS X        " + b"\0\x02"
    assert is_appledouble(b"\0\x05\x16\x07\0\x02\0\0" + rest)
    assert is_appledouble(b"\0\x05\x16\x07\0\x01\0\0" + rest + b"more")
    assert not is_appledouble(b"\0\x05\x16\x00\0\x02\0\0" + rest)  # AppleSingle holds the data itself
    assert not is_appledouble(b"\0\x05\x16\x07\0\x03\0\0" + rest)
    assert not is_appledouble(b"\0\x05\x16\x07\0\x02\0\0")
    assert not is_appledouble(b"\xff\xd8\xff\xe0" + bytes(60))


@given(st.binary(), st.booleans())
def test_any_name_has_an_answer(name: bytes, is_folder: bool) -> None:
    reason = litter(name, is_folder)
    assert reason is None or name.lower() in {known.lower() for known in (FOLDERS if is_folder else FILES)}
    is_appledouble(name)


IN_ARCHIVES = [b"#recycle", b"@Recycle", b".@__thumb", b"lost+found", b".Trash-1000"]


@pytest.mark.parametrize("name", IN_ARCHIVES)
def test_what_is_junk_in_an_archive_only_may_be_data_of_a_source(name: bytes) -> None:
    assert junk(name, is_folder=True)
    assert junk(name, is_folder=False) is None
    assert litter(name, is_folder=True) is None
    assert not made_in(name).fullmatch(b"deleted.jpg")


def test_a_file_in_a_junk_folder_is_within_junk() -> None:
    assert within_junk(b"data/#recycle/a/b.jpg")
    assert within_junk(b"data/images/.DS_Store")
    assert not within_junk(b"data/images/#recycle")
    assert not within_junk(b"data/images/._x.jpg"), "its head says that"


def test_only_what_the_system_makes_may_go_with_a_folder() -> None:
    assert made_in(b".fseventsd").fullmatch(b"0000")
    assert made_in(b"SYSTEM VOLUME INFORMATION").fullmatch(b"tracking.log")
    assert made_in(b"@eaDir").fullmatch(b"SYNOPHOTO_THUMB_M.jpg")
    assert made_in(b"@eaDir").fullmatch(b"IMG_1.JPG@SynoEAStream")
    assert not made_in(b"@eaDir").fullmatch(b"IMG_1.JPG")
    assert not made_in(b"$RECYCLE.BIN").fullmatch(b"$RAB12CD.jpg")
