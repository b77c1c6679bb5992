"""The ASC MHL manifest of one import (ASC MHL Specification 2.0): original paths, XXH3-128, directory hashes.

The manifest is streamed, so that memory does not grow with the number of files. Files whose names no XML 1.0
document can hold are left out of it, and its comment says how many; the hashes of their folders include them.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import escape

from core import VERSION, host
from core.catalog import checksum_lists
from core.checksums.algorithms import c4
from core.database import Read
from core.errors import UsageError
from core.models import Outcome, State
from core.paths import display
from core.receipts.files import ReceiptRow, pages
from core.receipts.mhl_previous import Previous
from core.receipts.mhl_tree import FolderHashes, HashedFolder, Held, held, nested, walk
from core.receipts.spool import Spool
from core.receipts.summary import ReceiptHead, heading
from core.receipts.timestamps import stamp_ns
from core.words import counted

Out = Callable[[str], None]

PASSED = (Outcome.SKIPPED, Outcome.LITTER)
IGNORED_PATTERNS = (".DS_Store", "ascmhl", "ascmhl/")
"""Patterns that every history ignores (specification, ignore patterns): the reference tool's own."""

FORMATS = {"md5": "md5", "sha1": "sha1", "xxh64": "xxh64", "xxh3": "xxh3", "xxh128": "xxh128", "sha512": "c4"}
"""The elements of an ASC MHL, by algorithm."""

_UNFIT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""All but the characters of XML 1.0 (Char, 2.2)."""
_WILD = re.compile(r"([\\*?\[\]!# ])")


async def write_mhl(read: Read, name: str, out: Out, previous: Previous | None = None) -> tuple[int, int]:
    """Write the manifest of import `name` to `out`, piece by piece. Returns how many files are in it, and how many
    are left out.

    `previous`: the history of the tree beside which the manifest will be. Each checksum that this history has of a
    file is written again, as verified or failed. A folder below that has a history of its own is left to that
    history, which the manifest refers to. Raises UsageError when there is no such import or it has not ended, and
    when the tree is not what was archived.
    """
    found = await ended_import(read, name)
    below = await nested(read, found) if previous else []
    unfit = 0
    async for page in held(read, found):
        unfit += sum(text_of(file.path) is None for file in page)
    with Spool() as body:
        count, root = await _body(read, found, previous, below, body.add)
        out('<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0">\n')
        out("".join(f"  {line}\n" for line in _creator(found, unfit)))
        out("  <processinfo>\n    <process>transfer</process>\n")
        out(_hashes_of(root, "roothash", ""))
        out("    <ignore>\n" + "".join(f"      <pattern>{pattern}</pattern>\n" for pattern in IGNORED_PATTERNS))
        async for passed in pages(read, found.import_id, found.root, found.last, PASSED):
            out("".join(_pattern(row) for row in passed))
        out("    </ignore>\n  </processinfo>\n")
        for text in body.pieces():
            out(text)
    out("</hashlist>\n")
    return count, unfit + found.head.totals.failed.files


async def ended_import(read: Read, name: str) -> ReceiptHead:
    """The head of an import that has ended. Raises UsageError when it has not, or does not exist."""
    found = await heading(read, name)
    if found.head.state not in (State.DONE, State.CANCELLED):
        raise UsageError(f"import {found.head.id} has not ended.", "Resume it, or cancel it, first.")
    return found


async def _body(
    read: Read, found: ReceiptHead, previous: Previous | None, below: list[bytes], out: Out
) -> tuple[int, HashedFolder]:
    """Write the hashes, and references to nested histories. Returns how many files there are, and the root's own
    hashes."""
    folders, count, begun = FolderHashes(), 0, False
    theirs = tuple(folder + b"/" for folder in below)

    def put(text: str) -> None:
        nonlocal begun
        if text and not begun:
            out("  <hashes>\n")
            begun = True
        out(text)

    async for page in walk(read, found):
        files = [one for one in page if isinstance(one, Held) and not one.path.startswith(theirs)]
        known = await previous.known(files) if previous else {}
        others = await _others(read, files, known, previous)
        for one in page:
            put("".join(_folder(folder, theirs) for folder in folders.add(one)))
            if isinstance(one, Held) and not one.path.startswith(theirs):
                text = _hash(one, found, known.get(one.path, {}), others.get(one.path, {}))
                count += bool(text)
                put(text)
    *closed, root = folders.close()
    put("".join(_folder(folder, theirs) for folder in closed))
    out("  </hashes>\n" if begun else "")
    referred = [their for folder in below if previous and (their := await previous.reference(folder))]
    if referred:
        lines = "".join(
            f"    <hashlistreference>\n      <path>{text_of(one.path)}</path>\n      <c4>{one.c4}</c4>\n"
            "    </hashlistreference>\n"
            for one in referred
        )
        out(f"  <references>\n{lines}  </references>\n")
    return count, root


async def _others(
    read: Read, files: list[Held], known: dict[bytes, dict[str, bytes]], previous: Previous | None
) -> dict[bytes, dict[str, bytes]]:
    """The checksums of files by the algorithms of their history: from the import, else by reading the tree.

    Raises UsageError when the tree is not what was archived.
    """
    found: dict[bytes, dict[str, bytes]] = {}
    computed = await checksum_lists.computed(read, [file.id for file in files if file.path in known])
    for file in files:
        wanted = {name for name in known.get(file.path, {}) if name in FORMATS and name != "xxh128"}
        if not wanted or previous is None:
            continue
        mine = found[file.path] = {
            name: digest for name, digest in computed.get(file.id, {}).items() if name in wanted
        }
        if lacking := wanted - set(mine):
            (digest,) = await previous.tree.digests([file.path], tuple(sorted(lacking)))
            if digest.fault is not None or digest.xxh128 != file.xxh128:
                why = str(digest.fault) if digest.fault else "it is not what was archived"
                raise UsageError(f"{display(file.path)}: {why}.", "Restore the tree again.")
            mine |= digest.others
    return found


def _creator(found: ReceiptHead, unfit: int) -> Iterator[str]:
    head = found.head
    yield "<creatorinfo>"
    yield f"  <creationdate>{datetime.now().astimezone().isoformat(timespec='seconds')}</creationdate>"
    yield f"  <hostname>{_safe(host.host())}</hostname>"
    yield f'  <tool version="{escape(VERSION)}">Lading</tool>'
    if head.operator:
        yield f"  <author>{_safe(head.operator)}</author>"
    yield f"  <location>{_safe(head.location_name)}</location>"
    said = [f"Import {head.id}", head.label, head.note]
    if unfit:
        said.append(f"left out, because XML cannot hold their names: {counted(unfit, 'file')}")
    if head.totals.failed.files:
        said.append(f"could not be read: {counted(head.totals.failed.files, 'file')}")
    yield f"  <comment>{_safe('; '.join(filter(None, said)))}</comment>"
    yield "</creatorinfo>"


def _safe(text: str) -> str:
    return escaped(_UNFIT.sub("\ufffd", text))


def escaped(text: str) -> str:
    """Escape text for XML."""
    # A bare CR is read as LF (XML 1.0, 2.11).
    return escape(text, quote=False).replace("\r", "&#13;")


def text_of(path: bytes) -> str | None:
    """The path as escaped text; None if XML cannot hold it."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return None
    return None if _UNFIT.search(text) else escaped(text)


def _pattern(row: ReceiptRow) -> str:
    """The ignore pattern of one file, in the syntax of gitignore. The reference tool compares absolute paths."""
    text = text_of(_WILD.sub(r"\\\1", row.path.decode(errors="replace")).encode())
    return f"      <pattern>**/{text}</pattern>\n" if text else ""


def _hash(file: Held, found: ReceiptHead, known: dict[str, bytes], read: dict[str, bytes]) -> str:
    """The element `hash` of a file; empty if XML cannot hold its path. `known`: the checksums that the history has
    of it; `read`: its present checksums by the same algorithms."""
    if (path := text_of(file.path)) is None:
        return ""
    modified = stamp_ns(file.mtime_ns, found.zone)
    when = f' lastmodificationdate="{escape(modified)}"' if modified else ""
    # A file that was taken from the record was not read, so it has no date.
    date = f' hashdate="{escape(found.head.ended)}"' if file.read and found.head.ended else ""
    digests = {name: digest for name, digest in read.items() if name in FORMATS} | {"xxh128": file.xxh128}
    actions = {name: "verified" if known[name] == digests[name] else "failed" for name in digests if name in known}
    if "xxh128" not in actions and "failed" not in actions.values():
        # If a checksum by another algorithm was verified, the reference tool's generator calls a new one so, too.
        actions["xxh128"] = "verified" if actions else "original"
    lines = "".join(
        f'      <{FORMATS[name]} action="{action}"{date}>'
        f"{c4(digests[name]) if name == 'sha512' else digests[name].hex()}</{FORMATS[name]}>\n"
        for name, action in sorted(actions.items())
    )
    return f'    <hash>\n      <path size="{file.size}"{when}>{path}</path>\n{lines}    </hash>\n'


def _folder(folder: HashedFolder, theirs: tuple[bytes, ...]) -> str:
    """A folder's element; empty if it belongs to a nested history, or XML cannot hold its path."""
    path = text_of(folder.path)
    if path is None or folder.path.startswith(theirs):
        return ""
    return _hashes_of(folder, "directoryhash", f"      <path>{path}</path>\n")


def _hashes_of(folder: HashedFolder, element: str, path: str) -> str:
    parts = (("content", folder.content), ("structure", folder.structure))
    lines = "".join(
        f"      <{part}>\n        <xxh128>{digest.hex()}</xxh128>\n      </{part}>\n" for part, digest in parts
    )
    return f"    <{element}>\n{path}{lines}    </{element}>\n"
