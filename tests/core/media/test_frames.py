"""Which numbered pictures are frames of a film."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.frames import Numbers, frame


@pytest.mark.parametrize(
    ("path", "number"),
    [
        (b"R/A001C001/2880x1620/A001C001.0086400.ari", 86_400),
        (b"R/A001C001/A001C001.0000007.ARX", 7),
        (b"A001_C001/A001_C001_000012.dng", 12),
        (b"a001_c001/A001_C001_000012.DNG", 12),
        (b"shot/beauty.1001.exr", 1001),
        (b"shot/beauty_v02_1001.exr", 1001),
        (b"scan/0001.dpx", 1),
    ],
)
def test_frames(path: bytes, number: int) -> None:
    found = frame(path)
    assert found is not None
    assert found[1] == number


@pytest.mark.parametrize(
    "path",
    [
        b"DCIM/100LEICA/L1000123.DNG",
        b"DCIM/100MEDIA/DJI_0001.DNG",
        b"DCIM/Camera/PXL_20250801_123011123.dng",
        b"other/A001_C001_000012.dng",
        b"shot/still.exr",
        b"timelapse/IMG_0001.JPG",
        b"A001_C001/A001_C001.dng",
        b"",
    ],
)
def test_no_frames(path: bytes) -> None:
    assert frame(path) is None


def test_frames_of_one_film_share_a_key() -> None:
    assert frame(b"s/a.0999.exr")[0] == frame(b"s/A.1000.EXR")[0]  # type: ignore[index]
    keys = {frame(path)[0] for path in (b"s/a.0999.exr", b"s/b.0999.exr", b"t/a.0999.exr", b"s/a.0999.dpx")}  # type: ignore[index]
    assert len(keys) == 4


def test_gaps_are_named() -> None:
    numbers = Numbers(0, 86_399)
    for number in range(86_400):
        if number not in (1204, 1205, 1206, 9000):
            numbers.add(number)
    assert numbers.text() == "frames 0–86,399, 4 missing: 1,204–1,206, 9,000"


def test_many_gaps_are_counted() -> None:
    numbers = Numbers(10, 40)
    for number in range(10, 41, 2):
        numbers.add(number)
    assert numbers.text() == "frames 10–40, 15 missing: 11, 13, 15, 17, 19 and 10 more gaps"


@given(st.sets(st.integers(min_value=0, max_value=300), min_size=1))
def test_numbers_and_gaps_are_the_whole(present: set[int]) -> None:
    numbers = Numbers(min(present), max(present))
    for number in sorted(present, key=lambda one: one % 7):
        numbers.add(number)
        numbers.add(number)
    missing = {number for first, last in numbers.gaps() for number in range(first, last + 1)}
    assert numbers.count == len(present)
    assert missing == set(range(min(present), max(present) + 1)) - present
