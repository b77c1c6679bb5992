"""Kinds by name and by content."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.file_types import (
    AUDIO,
    DOCUMENTS,
    IMAGES,
    SIDECARS,
    VIDEOS,
    Kind,
    extension,
    kind_of_content,
    kind_of_name,
    kind_of_path,
    split,
)
from tests.rigs.shared import MEDIA


def test_kinds_are_the_folders_of_a_bag() -> None:
    assert [kind.value for kind in Kind] == ["images", "videos", "audio", "documents", "sidecars", "other"]


def test_an_extension_has_one_kind() -> None:
    tables = (IMAGES, VIDEOS, AUDIO, DOCUMENTS, SIDECARS)
    assert sum(map(len, tables)) == len(frozenset[bytes]().union(*tables))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"IMG_1.CR3", Kind.IMAGES),
        (b"a.heic", Kind.IMAGES),
        (b"a.Tiff", Kind.IMAGES),
        (b"GX010001.MP4", Kind.VIDEOS),
        (b"GS010001.360", Kind.VIDEOS),
        (b"A001_C001_0908R4_001.R3D", Kind.VIDEOS),
        (b"00000.MTS", Kind.VIDEOS),
        (b"memo.wav", Kind.AUDIO),
        (b"plan.pdf", Kind.DOCUMENTS),
        (b"notes.docx", Kind.DOCUMENTS),
        (b"IMG_1.CR3.xmp", Kind.SIDECARS),
        (b"GL010001.LRV", Kind.SIDECARS),
        (b"GX010001.THM", Kind.SIDECARS),
        (b"DJI_0001.LRF", Kind.SIDECARS),
        (b"caf\xe9.JPG", Kind.IMAGES),
        (b"a.ts", None),
        (b"a.bin", None),
        (b"jpg", None),
        (b".jpg", None),
        (b"a.jpg~", None),
        (b"", None),
    ],
)
def test_kind_of_name(name: bytes, kind: Kind | None) -> None:
    assert kind_of_name(name) is kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"CONTENTS/AUDIO/0001AB00.MXF", Kind.AUDIO),
        (b"contents/audio/0001ab00.mxf", Kind.AUDIO),
        (b"CONTENTS/VIDEO/0001AB.MXF", Kind.VIDEOS),
        (b"PROAV/CLPR/C0001/C0001A02.MXF", Kind.AUDIO),
        (b"PROAV/CLPR/C0001/C0001V01.MXF", Kind.VIDEOS),
        (b"audio/holiday.mxf", Kind.VIDEOS),
        (b"AUDIO/0001AB00.MXF/IMG_1.CR3", Kind.IMAGES),
        (b"a/.jpg", None),
    ],
)
def test_kind_of_path(path: bytes, kind: Kind | None) -> None:
    assert kind_of_path(path) is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"A.arx", Kind.IMAGES),
        (b"A.lri", Kind.IMAGES),
        (b"A.braw2", Kind.VIDEOS),
        (b"A.OSV", Kind.VIDEOS),
        (b"A.36P", Kind.VIDEOS),
        (b"PXL_1.MP", Kind.VIDEOS),
        (b"A.ZRAW", Kind.VIDEOS),
        (b"A.ale", Kind.SIDECARS),
        (b"A.KLV", Kind.SIDECARS),
        (b"AA0001.XMF", Kind.SIDECARS),
        (b"A.NDF", Kind.SIDECARS),
        (b"A.insp.gyro", Kind.SIDECARS),
        (b"A.mhl", Kind.SIDECARS),
        (b"A.LDR", Kind.SIDECARS),
        (b"A.hprj", Kind.SIDECARS),
    ],
)
def test_kinds_of_makers(name: bytes, kind: Kind) -> None:
    assert kind_of_name(name) is kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"IMG_1.CR3", ".cr3"),
        (b"a.tar.gz", ".gz"),
        (b"GS010001.360", ".360"),
        (b"noextension", ""),
        (b".hidden", ""),
        (b"..jpg", ""),
        (b"ends.", ""),
        (b"a.jp g", ""),
        (b"a.j\xc3\xa9", ""),
        (b"a.b\n", ""),
        (b"a.elevenchars", ""),
        (b"a.tencharact", ".tencharact"),
    ],
)
def test_extension(name: bytes, expected: str) -> None:
    assert extension(name) == expected


@given(st.binary())
def test_an_extension_is_always_portable(name: bytes) -> None:
    assert re.fullmatch(r"(?:\.[a-z0-9]{1,10})?", extension(name))
    stem, found = split(name)
    assert name == stem or name.lower() == stem.lower() + b"." + found


def box(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(12)


def riff(form: bytes, outer: bytes = b"RIFF") -> bytes:
    return outer + b"\x24\0\0\0" + form + bytes(40)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe1\0\x10Exif", Kind.IMAGES),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Kind.IMAGES),
        (b"GIF89a", Kind.IMAGES),
        (b"II*\0\x10\0\0\0CR\x02\0", Kind.IMAGES),
        (b"MM\0*\0\0\0\x08", Kind.IMAGES),
        (b"IIU\0\x18\0\0\0", Kind.IMAGES),
        (b"FUJIFILMCCD-RAW 0201", Kind.IMAGES),
        (box(b"heic"), Kind.IMAGES),
        (box(b"mif1"), Kind.IMAGES),
        (box(b"avif"), Kind.IMAGES),
        (box(b"crx "), Kind.IMAGES),
        (box(b"qt  "), Kind.VIDEOS),
        (box(b"mp42"), Kind.VIDEOS),
        (box(b"XAVC"), Kind.VIDEOS),
        (box(b"M4A "), Kind.AUDIO),
        (b"\0\0\0\x08wide\0\x10\0\0mdat", Kind.VIDEOS),
        (b"\0\0\0\x01mdat\0\0\0\0", Kind.VIDEOS),
        (b"I'm free to go", Kind.OTHER),
        (riff(b"WEBP"), Kind.IMAGES),
        (riff(b"AVI "), Kind.VIDEOS),
        (riff(b"WAVE"), Kind.AUDIO),
        (riff(b"WAVE", b"RF64"), Kind.AUDIO),
        (riff(b"AIFF", b"FORM"), Kind.AUDIO),
        (riff(b"sfbk"), Kind.OTHER),
        (b"\x1aE\xdf\xa3\x9fB\x86", Kind.VIDEOS),
        (b"\x06\x0e+4\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\0", Kind.VIDEOS),
        (b"\0\0\x00\x00RED1", Kind.VIDEOS),
        ((b"\x47" + bytes(187)) * 3, Kind.VIDEOS),
        ((bytes(4) + b"\x47" + bytes(187)) * 2, Kind.VIDEOS),
        (b"\x47" + bytes(300), Kind.OTHER),
        (b"Good morning to all of you", Kind.OTHER),
        (b"ID3\x03\0", Kind.AUDIO),
        (b"ID3 tags are small", Kind.OTHER),
        (b"\xff\xfb\x90\x64", Kind.AUDIO),
        (b"\xff\xf1\x50\x80", Kind.AUDIO),
        (b"\xff\xfeT\0e\0x\0t\0", Kind.OTHER),  # UTF-16 text
        (bytes(64), Kind.OTHER),
        (b"\xff" * 64, Kind.OTHER),
        (b"fLaC\0\0\0\x22", Kind.AUDIO),
        (b"OggS\0\x02" + bytes(22) + b"\x01vorbis", Kind.AUDIO),
        (b"OggS\0\x02" + bytes(22) + b"\x80theora", Kind.VIDEOS),
        (b"%PDF-1.7", Kind.DOCUMENTS),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", Kind.DOCUMENTS),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/epub+zip", Kind.DOCUMENTS),
        (b"PK\x03\x04" + bytes(26) + b"photos/a.jpg", Kind.OTHER),
        (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", Kind.IMAGES),
        (b"BMW dealers in town", Kind.OTHER),
        (b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0", Kind.IMAGES),
        (b'<x:xmpmeta xmlns:x="adobe:ns:meta/">', Kind.SIDECARS),
        (b'\xef\xbb\xbf<?xml version="1.0"?><NonRealTimeMeta>', Kind.SIDECARS),
        (b'<?xml version="1.0"?><svg>', Kind.IMAGES),
        (b"<!DOCTYPE html><html>", Kind.DOCUMENTS),
        ("\ufeff<?xpacket begin".encode("utf-16-le"), Kind.SIDECARS),
        ("\ufeff<?xpacket begin".encode("utf-16-be"), Kind.SIDECARS),
        (b"WEBVTT\n", Kind.SIDECARS),
        (b"1\r\n00:00:00,000 --> 00:00:01,000\r\n", Kind.SIDECARS),
        (b"plain words", Kind.OTHER),
        (b"", Kind.OTHER),
    ],
)
def test_kind_of_content(head: bytes, kind: Kind) -> None:
    assert kind_of_content(head) is kind


@given(st.binary(max_size=600))
def test_any_content_has_a_kind(head: bytes) -> None:
    assert kind_of_content(head) in Kind


@pytest.mark.skipif(not os.path.isdir(MEDIA), reason="the shared media are not here")
def test_content_and_name_agree_on_real_files() -> None:
    seen = 0
    for folder, _, names in os.walk(os.fsencode(MEDIA)):
        for name in names:
            if kind_of_name(name) is None:
                continue
            with open(os.path.join(folder, name), "rb") as file:
                assert kind_of_content(file.read(64)) is kind_of_name(name), name
            seen += 1
    assert seen
