"""Decoders of all requests to workers, and of all their replies."""

from typing import TypeVar, Union

import msgspec

from core.workers import archive_messages, batch_messages, restore_messages, source_messages, text_messages
from core.workers.messages import Message

M = TypeVar("M", bound=Message)

MODULES = (archive_messages, batch_messages, restore_messages, source_messages, text_messages)
"""The modules that define requests and replies."""


def decoder_of(base: type[M]) -> "msgspec.msgpack.Decoder[M]":
    """A decoder of all subclasses of `base`: of all requests, or of all replies."""
    return msgspec.msgpack.Decoder(Union[tuple(base.__subclasses__())])  # noqa: UP007
