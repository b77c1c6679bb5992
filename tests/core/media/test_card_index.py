"""What a card's own index names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.card_index import IndexedClip, indexed_clips, is_index

MEDIAPRO = b"""<?xml version="1.0" encoding="UTF-8"?>
<MediaProfile xmlns="http://xmlns.sony.net/pro/metadata/mediaprofile" version="2.10"><Contents>
<Material uri="./CLIP/C0001.MP4" type="MP4" dur="210">
<RelevantInfo uri="./CLIP/C0001M01.XML" type="XML"/></Material>
<Material uri="./CLIP/a%20b.MP4"/><Material uri="../../../x.MP4"/><Material/>
</Contents></MediaProfile>"""

P2 = b"""<?xml version="1.0" encoding="UTF-8"?>
<P2Main xmlns="urn:schemas-Professional-Plug-in:P2:ClipMetadata:v3.0"><ClipContent><ClipName>0001AB</ClipName>
<EssenceList><Video><VideoFormat>MXF</VideoFormat><VideoIndex><StartByteOffset>32768</StartByteOffset>
<DataSize>1000</DataSize></VideoIndex></Video>
<Audio><AudioIndex><StartByteOffset>32768</StartByteOffset><DataSize>500</DataSize></AudioIndex></Audio>
<Audio/></EssenceList></ClipContent></P2Main>"""

ALE = (
    b"Heading\r\nFIELD_DELIM\tTABS\r\n\r\nColumn\r\nTracks\tName\tStart\t\r\n\r\n"
    b"Data\r\nV\tA001C001_R1AB\t01:00\r\nV\tB\t\r\n"
)


def test_clips_that_sonys_index_names() -> None:
    assert indexed_clips(b"PRIVATE/M4ROOT/MEDIAPRO.XML", MEDIAPRO) == [
        IndexedClip(b"C0001", (b"PRIVATE/M4ROOT/CLIP/C0001.MP4",)),
        IndexedClip(b"a b", (b"PRIVATE/M4ROOT/CLIP/a b.MP4",)),
    ]
    assert [one.paths for one in indexed_clips(b"MEDIAPRO.XML", MEDIAPRO)] == [
        (b"CLIP/C0001.MP4",),
        (b"CLIP/a b.MP4",),
    ]


def test_files_that_the_clips_of_a_p2_card_name() -> None:
    assert indexed_clips(b"CONTENTS/CLIP/0001AB.XML", P2) == [
        IndexedClip(b"0001AB", (b"CONTENTS/VIDEO/0001AB.MXF", b"CONTENTS/AVCLIP/0001AB.MXF"), 33768),
        IndexedClip(b"0001AB", (b"CONTENTS/AUDIO/0001AB00.MXF", b"CONTENTS/AVCLIP/0001AB.MXF"), 33268),
        IndexedClip(b"0001AB", (b"CONTENTS/AUDIO/0001AB01.MXF", b"CONTENTS/AVCLIP/0001AB.MXF")),
    ]


def test_clips_that_arris_list_names() -> None:
    assert [one.paths for one in indexed_clips(b"A001R1AB/A001R1AB.ale", ALE)] == [
        (b"A001R1AB/A001C001_R1AB",),
        (b"A001R1AB/B",),
    ]


@pytest.mark.parametrize(
    ("path", "index"),
    [
        (b"PRIVATE/M4ROOT/MEDIAPRO.XML", True),
        (b"CONTENTS/CLIP/0001AB.XML", True),
        (b"card/contents/clip/0001ab.xml", True),
        (b"A001R1AB/A001R1AB.ale", True),
        (b"M4ROOT/CLIP/C0001M01.XML", False),
        (b"CONTENTS/CLIP/0001AB.MXF", False),
        (b"a.xml", False),
    ],
)
def test_what_is_an_index(path: bytes, index: bool) -> None:
    assert is_index(path) is index


@given(
    st.sampled_from([b"MEDIAPRO.XML", b"CONTENTS/CLIP/0001AB.XML", b"a.ale"]),
    st.one_of(st.binary(max_size=200), st.integers(0, 400).map(lambda cut: P2[:cut]), st.just(b"Column\nData\n")),
)
def test_what_makes_no_sense_names_nothing(path: bytes, data: bytes) -> None:
    assert indexed_clips(path, data) == []
