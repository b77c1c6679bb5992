"""The words that an import's options take, for commands, the configuration, presets, requests and receipts."""

from typing import Literal

Verification = Literal["readback", "source", "end", "none"]
"""How copies are verified: each is read back; the source is also read a second time; all copies are read again at
the end; none is read back."""

KnownFiles = Literal["read", "record"]
"""What is done with files that were imported before: they are read and compared, or the record is believed."""

DuplicateScope = Literal["archive", "location"]
"""Where a file has to lie to be a duplicate."""

Acceptable = Literal["links", "special", "excluded", "attributes"]
"""What does not prevent SAFE if a person accepts it, once it is recorded: symbolic links; pipes, sockets and
devices; what the person excluded; files without some of their extended attributes."""
