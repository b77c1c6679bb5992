"""Reads an import back from the text of a receipt, where there is no `ID.json`: old releases did not write one,
and it may be gone or damaged.

The text is written for people. The lines that are parsed here keep the form of the old releases, except that they
wrote "1 bytes" and newer ones write "1 byte".
"""

import re
from datetime import datetime
from typing import Any

from core.models import ImportRequest, State, Verdict
from core.paths import decode
from core.receipts.parse import Recalled

_LABEL = 12
_IDENTITY, _FOLDER = "identity ", "folder "
_VOLUME = re.compile(r"(.*), ([^, ]+)(?:, ([0-9,]+) bytes?)?")
_OPTIONS = re.compile(r"verify (readback|source|none), known (read|record), duplicates (archive|location)")
_ONLY = re.compile(r"(.*) \(only (.*)\)")
_LIST = re.compile(r"\S+\.tsv, SHA-256 ([0-9a-f]{64})")
_PREVIOUS = re.compile(r"receipt, SHA-256 ([0-9a-f]{64})")
_READ = re.compile(r"  The source was read .*\(([0-9,]+) bytes?\)\.")

TOTALS_HEADING = "Totals"


def of_text(text: str, archive: str) -> Recalled:
    """Parse the text. Raises ValueError when it is not the receipt of an import that has ended."""
    facts, rest = _facts(text)
    try:
        volume = _VOLUME.fullmatch(facts["Volume"][0])
        more = facts["Volume"][1:]
        identity = next(line for line in more if line.startswith(_IDENTITY)).removeprefix(_IDENTITY)
        if volume is None:
            raise ValueError("no volume")
        capacity = int(volume[3].replace(",", "")) if volume[3] else None
        root = next((line for line in more if line.startswith(_FOLDER)), _FOLDER)
        return Recalled(
            name=facts["BILL OF LADING"][0],
            location=facts["To"][0].rpartition(", in locations/")[0],
            volume=(identity, volume[1], volume[2], capacity),
            values=_values(facts, rest, decode(root.removeprefix(_FOLDER)), archive),
            tsv_sha256=_match(_LIST, rest, "List"),
        )
    except (KeyError, IndexError, StopIteration) as error:
        raise ValueError(f"not a receipt: {error}") from error


def _facts(text: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """(facts of the head by name, each with its continuation lines; lines after the totals by name)."""
    lines = iter(text.split("\n"))
    facts: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if line.startswith(TOTALS_HEADING):
            break
        if line.startswith("BILL OF LADING  "):
            facts["BILL OF LADING"] = [line.removeprefix("BILL OF LADING  ")]
        elif len(line) > _LABEL:
            name = line[:_LABEL].strip() or name
            facts.setdefault(name, []).append(line[_LABEL:])
    rest: dict[str, str] = {}
    for line in lines:
        if line.startswith("All entries seen"):
            break
        if line.startswith("  The source was read "):
            rest["Read"] = line
        elif line[:1].isupper() and len(line) > _LABEL:
            rest.setdefault(line[:_LABEL].strip(), line[_LABEL:])
    return facts, rest


def _match(pattern: re.Pattern[str], rest: dict[str, str], name: str) -> str:
    found = pattern.fullmatch(rest.get(name, ""))
    return found[1] if found else ""


def _values(facts: dict[str, list[str]], rest: dict[str, str], root: bytes, archive: str) -> dict[str, Any]:
    only = _ONLY.fullmatch(facts["From"][0])
    source, single = (only[1], only[2]) if only else (facts["From"][0], "")
    machine, _, version = facts["Machine"][0].rpartition(", Lading ")
    options = _OPTIONS.fullmatch(facts["Options"][0])
    more = facts["Options"][1:]
    excluded = next((line for line in more if line.startswith("excluding ")), "").removeprefix("excluding ")
    if options is None:
        raise ValueError("no options")
    verdict, _, why = rest["Verdict"].partition(": ")
    read = _match(_READ, rest, "Read")
    started, _, zone = facts["Started"][0].partition(" (")
    request = ImportRequest(
        source=f"{source}/{single}" if single else source,
        archive=archive,
        location=facts["To"][0].rpartition(", in locations/")[0],
        label="".join(facts.get("Label", [])),
        operator="".join(facts.get("Operator", [])),
        note="".join(facts.get("Note", [])),
        verify=options[1],  # type: ignore[arg-type]
        known=options[2],  # type: ignore[arg-type]
        duplicates=options[3],  # type: ignore[arg-type]
        exclude=tuple(excluded.split(", ")) if excluded else (),
        libraries="photo libraries included" in more,
        icloud="iCloud files fetched" in more,
    )
    return {
        "root": root,
        "source": source.encode(),
        "single": single.encode(),
        "request": request,
        "machine": machine,
        "version": version,
        "state": State(facts["State"][0].partition(":")[0].partition(" ")[0]),
        "listed": 1,
        "started": datetime.fromisoformat(started).timestamp(),
        "ended": datetime.fromisoformat(facts["Ended"][0]).timestamp(),
        "zone": zone.removesuffix(")"),
        "verdict": Verdict(verdict),
        "verdict_reason": why,
        "previous": _match(_PREVIOUS, rest, "Previous"),
        "bytes_read": int(read.replace(",", "")) if read else 0,
    }
