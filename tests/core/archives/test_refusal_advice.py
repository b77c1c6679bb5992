import errno

import pytest

from core.archives import refusal_advice
from core.importing import halt_reasons


@pytest.mark.parametrize(
    "said", [refusal_advice.advice(errno.EIO), halt_reasons.FAILS, halt_reasons.advice("archive", 0)]
)
def test_what_a_disk_says_a_server_may_say_too(said: str) -> None:
    assert "disk" in said
    assert "server" in said


def test_a_file_that_is_open_elsewhere_is_no_lack_of_room() -> None:
    said = refusal_advice.advice(errno.EBUSY)
    assert "open" in said
    assert "room" not in said
