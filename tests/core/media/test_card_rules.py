"""The card rules: who belongs to whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.card_rules import take_key
from core.media.card_structures import belongs_to_card, structure
from core.media.makers.rule import Role
from core.media.stems import stem_key
from tests.rigs.linked import candidates, chosen, links

PATHS = st.binary(max_size=60).map(lambda path: path.replace(b"\0", b""))


def owner(path: bytes, *card: bytes) -> tuple[Role, bytes] | None:
    """Find the owner of a file on a card, as the catalog does it."""
    found = links({path, *card}).get(path)
    return (found[0].role, found[1]) if found else None


def test_one_stem_in_one_folder_is_one_key() -> None:
    names = (b"IMG_1.CR3", b"img_1.JPG", b"IMG_1.xmp", b"IMG_1.CR3.xmp", b"Img_1.jpg.XMP", b"IMG_1")
    assert {stem_key(b"DCIM/100CANON/" + name) for name in names} == {b"DCIM/100CANON/img_1"}
    assert {stem_key(name) for name in names} == {b"img_1"}


def test_other_stems_and_other_folders_are_other_keys() -> None:
    assert stem_key(b"a/IMG_1.JPG") != stem_key(b"b/IMG_1.JPG")
    assert stem_key(b"a/IMG_1.JPG") != stem_key(b"A/IMG_1.JPG")
    assert stem_key(b"2024.01.02.jpg") == b"2024.01.02"
    assert stem_key(b"Dr. No.xmp") == b"dr. no"
    assert stem_key(b"caf\xe9.JPG") == b"caf\xe9"


@pytest.mark.parametrize(
    ("path", "role", "owned_by"),
    [
        # any maker
        (b"D/IMG_1.JPG", Role.RAW_PAIR, b"D/IMG_1.CR3"),
        (b"D/img_1.heif", Role.RAW_PAIR, b"D/IMG_1.CR3"),
        (b"D/IMG_1.xmp", Role.SIDECAR, b"D/IMG_1.CR3"),
        (b"D/IMG_1.CR3.xmp", Role.SIDECAR, b"D/IMG_1.CR3"),
        (b"D/IMG_1.jpg.xmp", Role.SIDECAR, b"D/IMG_1.jpg"),
        (b"D/IMG_1.AAE", Role.SIDECAR, b"D/IMG_1.HEIC"),
        (b"D/IMG_1.WAV", Role.VOICE_MEMO, b"D/IMG_1.CR3"),
        (b"D/MVI_1.THM", Role.THUMBNAIL, b"D/MVI_1.AVI"),
        (b"D/CRW_1.THM", Role.THUMBNAIL, b"D/CRW_1.CRW"),
        # GoPro
        (b"G/GL010012.LRV", Role.PROXY, b"G/GX010012.MP4"),
        (b"G/GL020012.LRV", Role.PROXY, b"G/GX020012.MP4"),
        (b"G/GL010012.LRV", Role.PROXY, b"G/GH010012.MP4"),
        (b"G/GL010012.LRV", Role.PROXY, b"G/GS010012.360"),
        (b"G/GLAA0012.LRV", Role.PROXY, b"G/GHAA0012.MP4"),
        (b"G/GL010012.THM", Role.THUMBNAIL, b"G/GX010012.MP4"),
        (b"G/GX010012.THM", Role.THUMBNAIL, b"G/GX010012.MP4"),
        (b"G/GX020012.MP4", Role.CHAPTER, b"G/GX010012.MP4"),
        (b"G/gh110012.mp4", Role.CHAPTER, b"G/GH010012.MP4"),
        (b"G/GS020012.360", Role.CHAPTER, b"G/GS010012.360"),
        (b"G/GOPR0012.LRV", Role.PROXY, b"G/GOPR0012.MP4"),
        (b"G/GOPR0012.THM", Role.THUMBNAIL, b"G/GOPR0012.MP4"),
        (b"G/GP010012.MP4", Role.CHAPTER, b"G/GOPR0012.MP4"),
        (b"G/GP010012.LRV", Role.PROXY, b"G/GP010012.MP4"),
        (b"G/GOPR0012.JPG", Role.RAW_PAIR, b"G/GOPR0012.GPR"),
        # Sony
        (b"PRIVATE/M4ROOT/CLIP/C0001M01.XML", Role.METADATA, b"PRIVATE/M4ROOT/CLIP/C0001.MP4"),
        (b"PRIVATE/M4ROOT/THMBNL/C0001T01.JPG", Role.THUMBNAIL, b"PRIVATE/M4ROOT/CLIP/C0001.MP4"),
        (b"PRIVATE/M4ROOT/SUB/C0001S03.MP4", Role.PROXY, b"PRIVATE/M4ROOT/CLIP/C0001.MP4"),
        (b"THMBNL/C0001T01.JPG", Role.THUMBNAIL, b"CLIP/C0001.MP4"),
        (b"m4root/sub/c0001s03.mp4", Role.PROXY, b"m4root/clip/c0001.mp4"),
        (b"XDROOT/Sub/C0001S01.MP4", Role.PROXY, b"XDROOT/Clip/C0001.MXF"),
        (b"copied/C0001M01.XML", Role.METADATA, b"copied/C0001.MP4"),
        # DJI
        (b"DJI_0001.SRT", Role.SIDECAR, b"DJI_0001.MP4"),
        (b"DJI_0001.LRF", Role.PROXY, b"DJI_0001.MP4"),
        (b"DJI_0001.JPG", Role.RAW_PAIR, b"DJI_0001.DNG"),
        # Apple
        (b"IMG_E1234.JPG", Role.EDIT, b"IMG_1234.HEIC"),
        (b"IMG_E1234.MOV", Role.EDIT, b"IMG_1234.MOV"),
        (b"IMG_E1234.AAE", Role.EDIT, b"IMG_1234.HEIC"),
        (b"IMG_O1234.AAE", Role.EDIT, b"IMG_1234.HEIC"),
        (b"IMG_E1234.AAE", Role.SIDECAR, b"IMG_E1234.HEIC"),
        (b"IMG_1234.AAE", Role.SIDECAR, b"IMG_1234.HEIC"),
    ],
)
def test_belongs_to(path: bytes, role: Role, owned_by: bytes) -> None:
    assert owner(path, path, owned_by) == (role, owned_by)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        (b"A/SONG.WAV", b"A/SONG_000123.dng"),
        (b"A/X-edite.jpg", b"A/X.jpg"),
        (b"T/" + b"x" * 45 + b"-e.jpg", b"T/" + b"x" * 45 + b".jpg"),
        (b"T/" + b"x" * 42 + b"-edi.jpg", b"T/" + b"x" * 42 + b".jpg"),
        (b"T/" + b"x" * 44 + b"-edi.jpg", b"T/" + b"x" * 44 + b".jpg"),
        (b"T/" + b"x" * 45 + b".json", b"T/" + b"x" * 46 + b".jpg"),
        (b"T/" + b"x" * 46 + b".json", b"T/" + b"x" * 48 + b".jpg"),
        (b"T/" + b"x" * 46 + b".json", b"T/" + b"x" * 47 + b"(1).jpg"),
        (b"T/" + b"x" * 46 + b"(1).json", b"T/" + b"x" * 47 + b"(2).jpg"),
        (b"T/" + b"x" * 46 + b".json", b"U/" + b"x" * 47 + b".jpg"),
        (b"IMG_1.CR3", b"IMG_1.JPG"),
        (b"IMG_1.MOV", b"IMG_1.HEIC"),
        (b"IMG_1.CR3.xmp", b"IMG_1.JPG"),
        (b"a/IMG_1.JPG", b"b/IMG_1.CR3"),
        (b"IMG_1.WAV", b"IMG_1.MP4"),
        (b"IMG_E1234.MOV", b"IMG_1234.HEIC"),
        (b"IMG_EASY.JPG", b"IMG_ASY.JPG"),
        (b"GX010012.MP4", b"GX020012.MP4"),
        (b"GX020012.MP4", b"GX010013.MP4"),
        (b"GX020012.MP4", b"GH010012.MP4"),
        (b"GOPR0012.MP4", b"GP010012.MP4"),
        (b"M4ROOT/MEDIAPRO.XML", b"M4ROOT/MEDIAPRO.MP4"),
        (b"OTHER/C0001T01.JPG", b"CLIP/C0001.MP4"),
        (b"M4ROOT/CLIP/C0001.MP4", b"M4ROOT/CLIP/C0001M01.XML"),
        (b"100NIKON/DSC_0003.RMD", b"100NIKON/DSC_0003.MP4"),
        (b"DCIM/100MEDIA/IMG_0001.MP4", b"DCIM/100MEDIA/IMG_0001.MOV"),
        (b"A/Proxy/x.mp4", b"A/x.mov"),
        (b"A/DSC_0004.R3D", b"A/DSC_0001.R3D"),
        (b"X.heic.supplemental-metadata.json", b"X.jpg"),
        (b"X.jpg.supplemental-metadata(1).json", b"X.jpg"),
        (b"X.jpg(2).json", b"X(1).jpg"),
        (b"X-edited(1).jpg", b"X.jpg"),
        (b"BEAT12_2.WAV", b"BEAT12_1.WAV"),
        (b"PRIVATE/AUDIO/A_0002C001X_CANON.WAV", b"XFVC/REEL_0001/A_0002C001X_CANON.MP4"),
        (b"VID_20250801_123011_10_002.insv", b"VID_20250801_123011_00_001.insv"),
    ],
)
def test_does_not_belong_to(path: bytes, other: bytes) -> None:
    assert owner(path, path, other) is None


@pytest.mark.parametrize("path", [b"IMG_1.CR3", b"a/00001.MTS", b"GOPR0012.GPR", b"x.mp3", b"x.pdf", b"x", b""])
def test_plain_media_stand_alone(path: bytes) -> None:
    assert not candidates(path)


def test_raw_comes_before_jpeg_before_others() -> None:
    (candidate,) = candidates(b"D/X.xmp")
    assert chosen(candidate, [b"D/X.MOV", b"D/X.TIF", b"D/X.JPG", b"D/X.DNG"]) == b"D/X.DNG"
    assert chosen(candidate, [b"D/X.MOV", b"D/X.TIF", b"D/X.JPG"]) == b"D/X.JPG"
    assert chosen(candidate, [b"X.MOV", b"X.TIF"]) == b"X.TIF"
    assert chosen(candidate, [b"D/X.xmp", b"D/X.THM"]) is None
    assert chosen(candidate, []) is None


def test_a_sidecar_keeps_to_the_film_and_not_to_its_proxy() -> None:
    for film in (b"D/X.R3D", b"D/X.NEV", b"D/X.CRM", b"D/X.MOV", b"D/X.MXF"):
        for sidecar in (b"D/X.xmp", b"D/X.THM", b"D/X.SRT"):
            assert owner(sidecar, b"D/X.MP4", film, sidecar)[1] == film  # type: ignore[index]
    assert owner(b"D/X.RMD", b"D/X.MP4", b"D/X.R3D") == (Role.SIDECAR, b"D/X.R3D")


def test_metadata_keeps_to_a_clip_of_its_whole_name() -> None:
    assert owner(b"D/CAM01.xml", b"D/CA.mp4", b"D/CAM01.mp4") == (Role.SIDECAR, b"D/CAM01.mp4")


def test_a_name_that_takeout_cut_has_no_owner_where_two_begin_so() -> None:
    json = b"T/" + b"x" * 46 + b".json"
    one, other = (b"T/" + b"x" * 46 + end for end in (b"P.jpg", b"Q.jpg"))
    assert owner(json, json, one) == (Role.SIDECAR, one)
    assert owner(json, json, one, other) is None
    film = b"T/" + b"x" * 46 + b"P.mp4"
    assert owner(json, json, film, one) == (Role.SIDECAR, one)
    faces = "😀😃😄😁😆😅😂🤣🥲😊😇🙂🙃😉😌😍🥰😘😗😙😚😋😛".encode()
    assert owner(faces + b".json", faces + "🤪.jpg".encode()) == (Role.SIDECAR, faces + "🤪.jpg".encode())


def test_names_that_differ_by_case_keep_to_their_own() -> None:
    card = (b"img_1.cr3", b"IMG_1.CR3", b"Img_1.CR3")
    assert owner(b"IMG_1.JPG", *card) == (Role.RAW_PAIR, b"IMG_1.CR3")
    assert owner(b"img_1.JPG", *card) == (Role.RAW_PAIR, b"img_1.cr3")


def test_chapters_of_one_take_share_a_key() -> None:
    assert take_key(b"D/GX010012.MP4") == take_key(b"D/GX020012.MP4") == take_key(b"D/gx130012.mp4")
    assert take_key(b"D/GOPR0012.MP4") == take_key(b"D/GP010012.MP4") == take_key(b"D/GP020012.MP4")
    assert take_key(b"D/GHAA0001.MP4") == take_key(b"D/GHAA0002.MP4")
    assert take_key(b"D/GS010012.360") == take_key(b"D/GS020012.360")
    keys = {
        take_key(path)
        for path in (
            b"D/GX010012.MP4",
            b"D/GX010013.MP4",
            b"D/GH010012.MP4",
            b"E/GX010012.MP4",
            b"D/GOPR0012.MP4",
            b"D/GHAA0001.MP4",
        )
    }
    assert len(keys) == 6


def test_segments_of_one_take_share_a_key() -> None:
    red, canon = b"R/A002_C001_0908R4_%03d.R3D", b"R/A_0001C001X251201_101010AB_CANON_%03d.CRM"
    for name in (red, canon):
        assert take_key(name % 1) == take_key(name % 2) is not None
    assert take_key(b"A001_C001.braw") == take_key(b"A001_C001.braw2") is not None
    assert take_key(red % 1) != take_key(b"R/A002_C002_0908R4_001.R3D")
    assert take_key(b"DSC_0003.R3D") is None


@pytest.mark.parametrize(
    "path", [b"GOPR0012.JPG", b"GL010012.LRV", b"C0001.MP4", b"GX01001.MP4", b"GX0100123.MP4", b""]
)
def test_what_is_no_take(path: bytes) -> None:
    assert take_key(path) is None


@pytest.mark.parametrize(
    "path",
    [
        b"PRIVATE/M4ROOT/MEDIAPRO.XML",
        b"PRIVATE/M4ROOT/STATUS.BIN",
        b"PRIVATE/AVCHD/BDMV/INDEX.BDM",
        b"PRIVATE/AVCHD/BDMV/MOVIEOBJ.BDM",
        b"CONTENTS/CLIPS001/INDEX.MIF",
        b"LASTCLIP.TXT",
        b"AVF_INFO/AVIN0001.INP",
        b"ALIAS.XML",
        b"SYSPRO.XML",
        b"BPAV/MEDIAPRO.BUP",
        b"BPAV/TAKR/709_0001/709_0001.SMI",
        b"DCIM/EOSMISC/M0100.CTG",
        b"digital_magazine.bin",
        b"A001R1AB/A001R1AB.ale",
        b"DCIM/fileinfo_list.list",
        b"Get_started_with_GoPro.url",
        b"MISC/version.txt",
        b"SOUNDDEV/settings.xml",
        b"ascmhl/0001_A001_2025-08-01.mhl",
        b".BlamOS-Private-Items/x",
    ],
)
def test_index_files_belong_to_the_card(path: bytes) -> None:
    assert belongs_to_card(path)
    assert not candidates(path)


def test_clips_do_not_belong_to_the_card() -> None:
    assert not belongs_to_card(b"PRIVATE/M4ROOT/CLIP/C0001M01.XML")
    assert not belongs_to_card(b"index.html")
    assert not belongs_to_card(b"project/version.txt")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (b"PRIVATE/AVCHD/BDMV/STREAM/00000.MTS", "AVCHD"),
        (b"BDMV/STREAM/00000.MTS", "AVCHD"),
        (b"PRIVATE/M4ROOT/CLIP/C0001.MP4", "XAVC"),
        (b"XDROOT/Clip/C0001.MXF", "XDCAM"),
        (b"BPAV/CLPR/100_0001_01/100_0001_01.MP4", "XDCAM EX"),
        (b"CONTENTS/VIDEO/0001AB.MXF", "P2"),
        (b"LASTCLIP.TXT", "P2"),
        (b"CONTENTS/CLIPS001/AA0001/AA000101.MXF", "XF"),
        (b"A002_0908FT.RDM/A002_C001_0908R4.RDC/A002_C001_0908R4_001.R3D", "R3D"),
        (b"A002_C001_0908R4.RDC/A002_C001_0908R4_001.R3D", "R3D"),
        (b"CLIPS001/A.MXF", "XF"),
        (b"DCIM/CLIPS001/A.MP4", "XF"),
        (b"XF-AVC/CLIPS001/A.MXF", "XF"),
        (b"XFVC/REEL_0001/A_0001C001X251201_101010AB_CANON.CRM", "XF"),
        (b"PRIVATE/XDROOT/Clip/C0001.MXF", "XDCAM"),
        (b"Clip/C0001.MXF", "XDCAM"),
        (b"Edit/E0001E01.SMI", "XDCAM"),
        (b"ALIAS.XML", "XDCAM"),
        (b"PROAV/CLPR/C0001/C0001V01.MXF", "XDCAM"),
        (b"PRIVATE/PANA_GRP/001RAQAM/A.MOV", "PANA_GRP"),
        (b"digital_magazine.bin", "R3D"),
        (b"A001R1AB/A001C001_250801_R1AB/2880x1620/A001C001_250801_R1AB.0086400.ari", "ARRI"),
        (b"A001R1AB/A001C001_250801_R1AB/A001C001_250801_R1AB.0086400.arx", "ARRI"),
        (b"A001R1AB/A001C001_250801_R1AB.mov", "ARRI"),
        (b"A_0003_1AB2/A_0003C001_250801_101010_a1AB2.mxf", "ARRI"),
        (b"A001R1AB/wav/A001C001_250801_R1AB.wav", "ARRI"),
        (b"A001R1AB/xml/A001C001_250801_R1AB.xml", "ARRI"),
        (b"A001R1AB/wav/music.wav", None),
        (b"My disc 1/Clip/C0001.MXF", "XDCAM"),
        (b"My disc 1/Sub/C0001S01.MXF", "XDCAM"),
        (b"My disc 1/clip/c0001m01.xml", "XDCAM"),
        (b"2024/Clip/holiday.mxf", None),
        (b"2024/Clip/C0001.MP4", None),
        (b"A001R1AB/holiday.mov", None),
        (b"clip/holiday.mp4", None),
        (b"2024/Clip/a.mxf", None),
        (b"VIDEO/HVR/00_0001_2007-08-06_165555.M2T", "HDV"),
        (b"DCIM/100CANON/IMG_1.CR3", None),
        (b"App.app/Contents/Resources/a.png", None),
        (b"AVCHD", None),
        (b"m4root.txt", None),
        (b"", None),
    ],
)
def test_structure(path: bytes, name: str | None) -> None:
    assert structure(path) == name


@given(PATHS)
def test_any_path_is_answered(path: bytes) -> None:
    folder, slash, _ = path.rpartition(b"/")
    assert stem_key(path).startswith(folder + slash)
    assert links([path]) == {}
    take_key(path)
    belongs_to_card(path)
    structure(path)


@given(
    st.binary(min_size=1, max_size=20).filter(lambda stem: not {0, 0x2E, 0x2F} & set(stem)),
    st.sampled_from([b"CR3", b"nef", b"ARW", b"dng"]),
    st.sampled_from([b"JPG", b"jpeg", b"HIF", b"xmp", b"AAE", b"wav"]),
)
def test_whatever_the_stem_companions_find_their_raw(stem: bytes, raw: bytes, other: bytes) -> None:
    path, raw_path = b"D/" + stem + b"." + other, b"D/" + stem.lower() + b"." + raw
    assert stem_key(path) == stem_key(raw_path)
    assert any(chosen(candidate, [path, raw_path]) == raw_path for candidate in candidates(path))
