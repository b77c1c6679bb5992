"""What the engine asks of a worker and what it answers: one reply to every request.

Paths below a source are raw bytes, '/'-separated, relative to its root; paths below an archive are text,
relative to its root. Sizes are bytes, times nanoseconds since 1970 UTC, digests raw bytes.
"""

from core.workers.messages.archive import (
    ArchiveFacts,
    Audit,
    Audited,
    Beat,
    CleanStaging,
    Held,
    Lock,
    OpenArchive,
    Room,
    Space,
    Unlock,
)
from core.workers.messages.batch import (
    Arrived,
    Checked,
    CopyLarge,
    Digest,
    Digests,
    Drop,
    Flush,
    Journal,
    Publish,
    ReadBatch,
    Stage,
    ToRead,
    ToStage,
    Verify,
)
from core.workers.messages.listing import (
    Answers,
    Entry,
    Listed,
    ListMore,
    ListTree,
    Look,
    Looked,
)
from core.workers.messages.message import (
    Done,
    Failed,
    Fault,
    Message,
    Place,
    Source,
    Stopped,
)
from core.workers.messages.shelf import (
    AppendJournal,
    Carried,
    Carry,
    FileSizes,
    FolderListed,
    JoinJournal,
    JournalNames,
    ListFolder,
    MakeFolder,
    MoveText,
    Names,
    Presence,
    Present,
    Put,
    ReadText,
    Sizes,
    SyncFolders,
    Text,
    TryWriting,
)
from core.workers.messages.target import (
    CloseTarget,
    Dressed,
    DressFolders,
    OpenTarget,
    Restore,
    Restored,
    SetAside,
    Target,
    TargetOpened,
    ToRestore,
)

Request = (
    ListTree
    | ListMore
    | ReadBatch
    | CopyLarge
    | Stage
    | Journal
    | Flush
    | Verify
    | Publish
    | Drop
    | OpenArchive
    | Look
    | Answers
    | Lock
    | Beat
    | Unlock
    | JournalNames
    | ReadText
    | AppendJournal
    | JoinJournal
    | MoveText
    | Put
    | TryWriting
    | CleanStaging
    | Presence
    | SyncFolders
    | ListFolder
    | FileSizes
    | MakeFolder
    | Carry
    | Audit
    | OpenTarget
    | Restore
    | DressFolders
    | CloseTarget
    | SetAside
    | Space
)
Reply = (
    Listed
    | Digests
    | Checked
    | Arrived
    | Done
    | ArchiveFacts
    | Looked
    | Held
    | Names
    | Text
    | Present
    | FolderListed
    | Sizes
    | Audited
    | TargetOpened
    | Restored
    | Dressed
    | Carried
    | Room
    | Failed
    | Stopped
)


FRAME = 4
"""Bytes of the big-endian length before every message."""

__all__ = [
    "FRAME",
    "Answers",
    "AppendJournal",
    "ArchiveFacts",
    "Arrived",
    "Audit",
    "Audited",
    "Beat",
    "Carried",
    "Carry",
    "Checked",
    "CleanStaging",
    "CloseTarget",
    "CopyLarge",
    "Digest",
    "Digests",
    "Done",
    "DressFolders",
    "Dressed",
    "Drop",
    "Entry",
    "Failed",
    "Fault",
    "FileSizes",
    "Flush",
    "FolderListed",
    "Held",
    "JoinJournal",
    "Journal",
    "JournalNames",
    "ListFolder",
    "ListMore",
    "ListTree",
    "Listed",
    "Lock",
    "Look",
    "Looked",
    "MakeFolder",
    "Message",
    "MoveText",
    "Names",
    "OpenArchive",
    "OpenTarget",
    "Place",
    "Presence",
    "Present",
    "Publish",
    "Put",
    "ReadBatch",
    "ReadText",
    "Reply",
    "Request",
    "Restore",
    "Restored",
    "Room",
    "SetAside",
    "Sizes",
    "Source",
    "Space",
    "Stage",
    "Stopped",
    "SyncFolders",
    "Target",
    "TargetOpened",
    "Text",
    "ToRead",
    "ToRestore",
    "ToStage",
    "TryWriting",
    "Unlock",
    "Verify",
]
