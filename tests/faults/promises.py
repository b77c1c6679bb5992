"""What Lading promises, one sentence each, and the tests that hold it.

`python -m tests.faults.promises` writes the table in the README.

A test says which promise it holds by `@pytest.mark.promise(N)`, and which one it breaks on purpose, to see the
check fail, by `@pytest.mark.control(N)`.
"""

import ast
import sys
from collections import defaultdict
from pathlib import Path

PROMISES = {
    1: "The source is never written.",
    2: "A name in the archive is absent or complete, whenever Lading is killed.",
    3: "What is called verified survives a power cut.",
    4: "That is tested by a test that fails when nothing is flushed.",
    5: "Nothing is ever overwritten; where a file system cannot promise that against others, the receipt says so.",
    6: "Verification reads the medium where it can, and no receipt claims a level that was not reached.",
    7: "A write that was corrupted or lost is never called archived.",
    8: "A flush that failed means copy again.",
    9: "A close that fails and a file that is short are seen.",
    10: "After the archive was unmounted nothing lands on the disk below.",
    11: "A card that is pulled is one pause of one import, not ten thousand errors.",
    12: "No hanging volume blocks the screen, the commands, Ctrl-C or the engine's stop.",
    13: "When an SMB session drops, the import goes on and trusts nothing that was half written.",
    14: "A full disk or quota pauses with the reason; only Lading's own staging is removed.",
    15: "A file that changes while it is read is read again, once, then reported.",
    16: "A bad sector fails one file, and its offset is told.",
    17: "The database never claims more than the disk holds.",
    18: "The database refuses to live on a network file system.",
    19: "Importing again adds nothing, also after a change of time zone on exFAT.",
    20: "Names that collide by case or Unicode form are all kept.",
    21: "A name cannot execute anything.",
    22: "A name cannot steer a terminal or forge a line of the log.",
    23: "Links, pipes, sockets and devices lead nowhere and block nothing, nor does a folder swapped for a link.",
    24: "Hostile media cannot exhaust memory or disk.",
    25: "Every receipt says what was proven, and that is right on local disks, exFAT and SMB.",
    26: "An import that waited goes on only with what it began with; what it has settled is never overwritten.",
    27: "What is found in one copy of an archive is said of no other; only mirroring and healing write to others.",
    28: "Photos and films that cannot be opened are named beside SAFE, and what is found out later is added.",
    29: "Where nothing was found there is no SAFE.",
    30: "What changed behind an unchanged size and time is kept twice, and KEEP until a person accepts it.",
    31: "Files that a drive destroys after they were read back well are looked for before SAFE is said.",
    32: "A lock that is lost halts the import whatever else fails; an engine without that watch ends.",
    33: "Extended attributes are kept whole, up to 16 MiB a file; a file that lacks one is SAFE only if accepted.",
    34: "A check by the record says SAFE only of a volume that is known again, after a look into some files.",
    35: "A file with any time is archived and known again; one out of range is said, and the exact one kept.",
    36: "One source given by several paths or mount points is imported once; nothing begun is never exit 0.",
    37: "An audit names all damage, and calls what may not be read neither well nor damaged.",
    38: "Junk of Finder, Explorer and servers is never payload, and only what is certainly junk is removed.",
    39: "Another user's state folder, as `sudo` may meet it, is refused before anything in it is touched.",
    40: "An archive that has lost its id gets it back from journals and receipts, and no other one in silence.",
    41: "What may only be read is audited, checked, rebuilt and restored from; a group's archive is for all.",
    42: "A file system's own lost+found is nobody's file, and names no disk can hold come back encoded.",
    43: "Files that fail for one reason are one cause; a receipt is read back as data, without loss.",
    44: "Each thing that goes wrong has its own words, advice and exit code: KEEP is 1, no full disk is a crash.",
    45: "A mirror that was killed, full or unplugged holds whole files only, and the next one finishes it.",
    46: "What is rotten is never mirrored as sound, what is in the way is never replaced, and both are named.",
    47: "From a mirror alone all is rebuilt and restored, and its bags are valid.",
    48: "SAFE takes as many verified copies as are wanted, on devices of their own; one away does not count.",
    49: "Links, pipes, devices and what was excluded are SAFE only if a person accepts them, and as recorded.",
    50: "A file whose file system gives a size that it made up or cut off is named, and not called archived.",
    51: "What a checksum list on the source names is compared in the one reading; what differs is never SAFE.",
    52: "What rclone brings to a store is proven before it goes and compared there; all comes back from it alone.",
    53: "Several archives at once: the source is read once, and what one of them holds wrong reaches no other.",
    54: "An archive that is slow, full or pulled stops no other; all come to one end, after a kill -9, too.",
}

NOT_YET: frozenset[int] = frozenset()
"""Promises that no test holds yet; the README says so."""

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- promises: written by python -m tests.faults.promises -->\n", "<!-- end of promises -->\n"

Held = dict[str, dict[int, set[str]]]
"""By `promise` and `control`: the files with tests of each number, below the project's folder."""


def marks(root: Path = ROOT) -> Held:
    """What the tests themselves say, read from their decorators and `pytestmark`."""
    found: Held = {"promise": defaultdict(set), "control": defaultdict(set)}
    for path in sorted((root / "tests").rglob("test_*.py")):
        text = path.read_text()
        if ".promise(" not in text and ".control(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(ast.Attribute(attr="promise" | "control" as kind), [ast.Constant(int(number))]):
                    found[kind][number].add(str(path.relative_to(root)))
    return found


def lacking(held: Held) -> set[int]:
    """The promises without a test, or without one that breaks them."""
    return {number for number in PROMISES if not (held["promise"][number] and held["control"][number])}


def table(held: Held) -> str:
    """The table in the README."""
    lines = ["| | promise | held by | broken on purpose in |", "|---|---|---|---|"]
    for number, sentence in PROMISES.items():
        cells = [_names(held[kind][number]) for kind in ("promise", "control")]
        lines.append(f"| {number} | {sentence} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def _names(paths: set[str]) -> str:
    stems = sorted(Path(path).stem.removeprefix("test_") for path in paths)
    return ", ".join(f"`{stem}`" for stem in stems) or "not yet"


def readme(root: Path = ROOT) -> tuple[str, str, str]:
    """The README before the table, the table, and what comes after it. Raises ValueError when there is none."""
    text = (root / "README.md").read_text()
    head, begin, rest = text.partition(BEGIN)
    found, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError("the README has no table of promises")
    return head + begin, found, end + tail


def main() -> None:
    """Write the table anew."""
    before, _, after = readme()
    held = marks()
    (ROOT / "README.md").write_text(before + table(held) + after)
    if missing := lacking(held) - NOT_YET:
        sys.exit(f"without a test or its control: {sorted(missing)}")


if __name__ == "__main__":
    main()
