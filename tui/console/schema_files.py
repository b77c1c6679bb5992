"""Which types the answers of each command with --json have, and their schemas as files:
`python -m tui.console.schema_files tui/console/json_schemas` writes them.

It imports what every command answers with; a command imports its own types from `tui.console.json_answers`.
"""

import json
import os
import sys
from typing import Any

import msgspec

from core.details import ItemView, LocationView
from core.listings import FileView, ImportRecord
from core.results import (
    Adjusted,
    CardView,
    CheckResult,
    MirrorResult,
    Moved,
    OffsiteAudit,
    OffsiteResult,
    Rebuilt,
    RestoreResult,
    Tidied,
)
from core.snapshot import JobView, QueueView, Snapshot
from tui.console.doctor_checks import Checkup
from tui.console.json_answers import (
    Added,
    Arrived,
    AuditAnswer,
    DamageServed,
    Ejected,
    Ended,
    EngineState,
    Error,
    HashList,
    Ids,
    Lacking,
    MountedVolume,
    Progressed,
    Retried,
    Script,
    ServedAt,
    Setting,
    Started,
    Surveyed,
    Turned,
    Verified,
    Written,
)
from tui.console.json_shape import shape_of

ANSWERS: dict[str, tuple[Any, ...]] = {
    "accept": (tuple[ImportRecord, ...],),
    "adjust": (Adjusted,),
    "audit": (AuditAnswer, OffsiteAudit),
    "cancel": (Ids,),
    "cards": (tuple[CardView, ...],),
    "check": (tuple[CheckResult, ...],),
    "completion": (Script,),
    "config": (
        tuple[Setting, ...],
        Verified,
    ),
    "derive": (Added,),
    "doctor": (Checkup,),
    "eject": (tuple[Ejected, ...],),
    "engine": (EngineState,),
    "find": (tuple[FileView, ...],),
    "import": (
        Started,
        Progressed,
        Ended,
        Surveyed,
    ),
    "imports": (tuple[ImportRecord, ...],),
    "jobs": (tuple[JobView, ...],),
    "location": (
        tuple[LocationView, ...],
        LocationView,
    ),
    "mhl": (HashList,),
    "mirror": (tuple[MirrorResult, ...], OffsiteResult),
    "missing": (Lacking,),
    "move": (Moved,),
    "pause": (Ids,),
    "queues": (tuple[QueueView, ...],),
    "rebuild": (Rebuilt,),
    "restore": (RestoreResult,),
    "resume": (
        Progressed,
        Ended,
    ),
    "retry": (Retried,),
    "serve": (
        ServedAt,
        DamageServed,
    ),
    "sheet": (Written,),
    "show": (tuple[ItemView, ...],),
    "status": (Snapshot,),
    "tidy": (Tidied,),
    "volumes": (tuple[MountedVolume, ...],),
    "watch": (
        Arrived,
        Turned,
    ),
}
"""By command, the types that an answer can be of. `import`, `resume`, `missing`, `serve`, `watch` and
`status --watch` write one a line."""


def schema(command: str) -> dict[str, Any]:
    """The JSON Schema of the answer of `command`: of the whole answer, or of one line."""
    kinds = [shape_of(kind) for kind in (*ANSWERS[command], Error)]
    found, parts = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"lading {command} --json",
        "anyOf": list(found),
        "$defs": parts,
    }


def write(folder: str) -> None:
    """Write the schema of each command to `folder`/COMMAND.json."""
    os.makedirs(folder, exist_ok=True)
    for command in ANSWERS:
        with open(os.path.join(folder, f"{command}.json"), "w", encoding="utf-8") as file:
            file.write(json.dumps(schema(command), indent=1) + "\n")


if __name__ == "__main__":
    write(sys.argv[1])
