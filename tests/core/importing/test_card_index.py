"""A clip that the card's index names and that is not there, or shorter than it says, is told in the result."""

import pytest

from core.models import Verdict
from tests.core.importing.rig import Rig, write
from tests.core.media.test_card_index import ALE, P2

pytestmark = pytest.mark.process

SONY = b"<MediaProfile><Contents>%b</Contents></MediaProfile>"


async def test_what_the_index_names(rig: Rig) -> None:
    clips = b"".join(b'<Material uri="./CLIP/C%04d.MP4"/>' % number for number in (1, 2, 12))
    write(rig.source / "PRIVATE/M4ROOT/MEDIAPRO.XML", SONY % clips)
    write(rig.source / "PRIVATE/M4ROOT/CLIP/C0001.MP4", b"one")
    write(rig.source / "PRIVATE/M4ROOT/CLIP/C0002.MP4", b"two")
    write(rig.source / "PRIVATE/M4ROOT/CLIP/C0012M01.XML", b"<only/>")
    write(rig.source / "CONTENTS/CLIP/0001AB.XML", P2)
    write(rig.source / "CONTENTS/VIDEO/0001AB.MXF", bytes(33767))
    write(rig.source / "CONTENTS/AUDIO/0001AB00.MXF", bytes(33268))
    write(rig.source / "CONTENTS/AUDIO/0001AB01.MXF", b"sound")
    write(rig.source / "A001R1AB/A001R1AB.ale", ALE)
    write(rig.source / "A001R1AB/A001C001_R1AB.mov", b"film")
    write(rig.source / "A001R1AB/B/1920x1080/B.0000000.ari", b"frame")
    view = await rig.imported()
    assert view.verdict is Verdict.SAFE
    assert view.verdict_reason == (
        "the card's index names C0012, which is not on it; "
        "the card's index names 0001AB, which is shorter than it says"
    )
    # Once all of it is there, nothing is said.
    write(rig.source / "PRIVATE/M4ROOT/CLIP/C0012.MP4", b"twelve")
    write(rig.source / "CONTENTS/VIDEO/0001AB.MXF", bytes(33768))
    view = await rig.imported()
    assert (view.verdict, view.verdict_reason) == (Verdict.SAFE, "")
