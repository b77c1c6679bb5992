"""The exposure of a picture as text."""

import json

import pytest

from core.media.exposure import exposure


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"ExifIFD:ExposureTime": 0.004, "ExifIFD:FNumber": 2.8, "ExifIFD:ISO": 200}, "1/250 s, f/2.8, ISO 200"),
        ({"ExifIFD:ExposureTime": 0.00012501, "ExifIFD:FNumber": 8}, "1/7999 s, f/8"),
        (
            {"ExifIFD:ExposureTime": 0.5, "ExifIFD:FNumber": 0.95, "ExifIFD:ISO": 3280000},
            "0.5 s, f/0.95, ISO 3280000",
        ),
        ({"ExifIFD:ExposureTime": 30}, "30 s"),
        (
            {"Composite:ShutterSpeed": 0.02, "Composite:Aperture": 5.6568, "IFD0:ISO": 100},
            "1/50 s, f/5.7, ISO 100",
        ),
        ({"ExifIFD:ExposureTime": "undef", "ExifIFD:FNumber": 0, "ExifIFD:ISO": "inf"}, ""),
        ({"IFD1:ExposureTime": 0.004}, ""),
        ({}, ""),
    ],
)
def test_an_exposure_as_text(tags: dict[str, object], told: str) -> None:
    assert exposure(json.dumps(tags)) == told


@pytest.mark.parametrize("text", ["", "not JSON"])
def test_no_answer_has_no_exposure(text: str) -> None:
    assert exposure(text) == ""
