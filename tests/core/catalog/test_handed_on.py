"""What an import has handed on to the others of its group is read by a later version, too."""

import msgspec

from core.catalog.groups import Groups, metadata_of
from core.workers.source_messages import SourceMetadata

KNOWN = SourceMetadata(0o640, "-1.5", 12.25, {b"user.label": b"red"})
VALUES = [0o640, "-1.5", 12.25, {b"user.label": b"red"}]


def stored() -> bytes:
    ((_, (row,)),) = Groups.hand_on(Groups.__new__(Groups), 1, [(2, KNOWN)])
    facts = row[2]
    assert isinstance(facts, bytes)
    return facts


def test_it_is_read_as_it_was_stored() -> None:
    assert metadata_of(stored()) == KNOWN


def test_the_form_stays() -> None:
    assert msgspec.msgpack.decode(stored())[1:] == VALUES


def test_rows_of_an_engine_that_had_another_name_for_it_are_read() -> None:
    assert metadata_of(msgspec.msgpack.encode(["FileFacts", *VALUES])) == KNOWN


def test_what_a_later_version_adds_is_passed_over_and_what_is_left_out_is_not_known() -> None:
    assert metadata_of(msgspec.msgpack.encode(["SourceMetadata", *VALUES, "more"])) == KNOWN
    assert metadata_of(msgspec.msgpack.encode(["SourceMetadata", 0o640])) == SourceMetadata(0o640)
