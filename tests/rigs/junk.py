"""Junk files of macOS, Windows and servers in the folders of an archive."""

import os
from pathlib import Path

APPLEDOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
BIN = b"#recycle"


def strew(top: Path) -> set[str]:
    """Put junk into each folder below `top`, and an AppleDouble file beside each file. Returns their paths below
    `top`.

    These include files in junk folders, and empty junk folders, with a slash at the end.
    """
    folders, files = [top], []
    for above, below, names in os.walk(top):
        folders += [Path(above) / name for name in below]
        files += [Path(above) / name for name in names]
    made: set[Path] = set()
    for file in files:
        made.add(_put(file.with_name(f"._{file.name}"), APPLEDOUBLE))
    for folder in folders:
        made.add(_put(folder / ".DS_Store", b"Bud1"))
        made.add(_put(folder / "Thumbs.db", b"thumbs"))
        made.add(_put(folder / "desktop.ini", b"[.ShellClassInfo]"))
        made.add(_put(folder / "@eaDir/x.jpg/SYNOPHOTO_THUMB_M.jpg", b"\xff\xd8"))
        made.add(_put(folder / "@eaDir/x.jpg@SynoEAStream", APPLEDOUBLE))
    made.add(_put(top / ".fseventsd/fseventsd-uuid", b"uuid"))
    made.add(_put(top / "System Volume Information/IndexerVolumeGuid", b"guid"))
    made.add(_put(top / ".Spotlight-V100/VolumeConfiguration.plist", b"<plist/>"))
    made.add(_put(top / ".metadata_never_index", b""))
    found = {str(path.relative_to(top)) for path in made}
    for name in (os.fsdecode(BIN), ".Trash-1000", ".Trashes", "$RECYCLE.BIN", "lost+found"):
        (top / name).mkdir()
        found.add(f"{name}/")
    return found


def _put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
