"""A file that an import takes from another archive is compared with what was read of the source."""

import os
from pathlib import Path

import pytest
import xxhash

from core.files import xattrs
from core.workers import messages, source_messages
from core.workers.dispatch import Dispatcher as InProcess
from core.workers.read_source import ARENA
from core.workers.shared_memory import Control


@pytest.mark.parametrize("size", [4096, ARENA + 1])
@pytest.mark.parametrize("other", [False, True])
def test_what_is_taken_from_another_archive_is_compared(
    tmp_path: Path, size: int, other: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = list[int]()
    monkeypatch.setattr(xattrs, "of", looked.append)
    data = os.urandom(size)
    (tmp_path / "payload").write_bytes(data[:-1] + bytes([data[-1] ^ other]))
    known = b"the SHA-256 that is known".ljust(32)
    facts = source_messages.SourceMetadata()
    taken = source_messages.Taken(b"payload", 7, xxhash.xxh3_128_digest(data), known, "", facts)
    wanted = source_messages.ToRead(1, b"DCIM/a.jpg", size, "images", (), taken)
    request = source_messages.ReadBatch(messages.Source(os.fsencode(tmp_path)), [wanted], False)
    reply = InProcess(Control.create().slot(0)).answer(request)
    assert isinstance(reply, source_messages.Digests)
    (digest,) = reply.files
    assert looked == [], "its attributes are known, and not asked for"
    if other:
        assert digest.fault is not None
        assert digest.fault.side == "source"
    else:
        assert digest.fault is None
        assert (digest.size, digest.sha256, digest.mtime_ns) == (size, known, 7)
