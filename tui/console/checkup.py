"""The findings of `lading doctor` as text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.words import counted
from tui.console.output import Output

if TYPE_CHECKING:
    from core.volumes.volume import Volume
    from tui.console.doctor_checks import Checkup, FolderCheck

PUBLISH = {
    "rename": "by a rename that replaces nothing",
    "link": "by link and unlink",
    "look": "by a look, then a rename, under the archive's lock",
    "": "tried when the archive is made",
}
INDENT = 11


def tell(found: "Checkup", out: Output) -> None:
    """Print the findings as text."""
    from tui import format

    machine = found.profile
    chip = ", Apple Silicon" if machine.apple_silicon else ""
    _line(out, "Lading", f"{found.version}, Python {found.python}, {out.text(found.system)}")
    memory = f"{machine.memory / 2**30:.1f} GiB"
    _line(out, "Machine", f"tier {machine.tier}: {counted(machine.cores, 'core')}, {memory}{chip}")
    names = [name for name in machine.__struct_fields__ if name not in _FACTS]
    shown = [f"{name} {getattr(machine, name)}{'*' if name in found.overridden else ''}" for name in names]
    for at in range(0, len(shown), 6):
        _line(out, "", ", ".join(shown[at : at + 6]))
    if found.overridden:
        _line(out, "", "* by your configuration")
    for tool in found.tools:
        told = f"{tool.name} {tool.version or '(version not told)'}, {out.text(tool.path or '')}"
        if tool.path is None:
            told = f"{tool.name} {out.styled('is missing', 'warn')}: {tool.install}"
        elif not tool.new_enough:
            told += f" {out.styled('is too old', 'warn')}, {tool.minimum} is needed: {tool.install}"
        _line(out, "Tools" if tool is found.tools[0] else "", told)
        for fault in tool.faults:
            _line(out, "", f"  {out.styled('Warning', 'warn')}: {fault}")
    _line(out, "SQLite", found.sqlite.version)
    if found.sqlite.warning:
        _line(out, "", f"{out.styled('Warning', 'warn')}: it {found.sqlite.warning}")
    _folder(out, "State", found.state)
    for at, volume in enumerate(found.volumes):
        for number, text in enumerate(_volume(volume, out)):
            _line(out, "Volumes" if at == number == 0 else "", text)
    if found.archive is None:
        _line(out, "Archive", "none configured: give one, or set LADING_ARCHIVE")
    else:
        _folder(out, "Archive", found.archive)
        _line(out, "", f"published {PUBLISH[found.archive.publish]}; flushed by {found.archive.flush}")
        _line(out, "", f"verification level: {found.archive.level}")
        if found.archive.warning:
            _line(out, "", f"{out.styled('Warning', 'warn')}: {found.archive.warning}")
        if found.archive.largest_file:
            _line(out, "", f"no file above {format.size(found.archive.largest_file)}")
    for hint in found.hints:
        _line(out, "Hint", out.styled(hint, "warn"))


_FACTS = ("cores", "memory", "apple_silicon", "tier")


def _line(out: Output, head: str, text: str) -> None:
    out.line(f"{out.styled(head, 'bold') if head else ''}{' ' * (INDENT - len(head))}{text}")


def _folder(out: Output, head: str, folder: "FolderCheck") -> None:
    from tui import format

    free = "" if folder.available is None else f", {format.size(folder.available)} free"
    new = "" if folder.exists else ", not made yet"
    _line(out, head, f"{out.text(folder.path)} ({out.text(folder.filesystem)}, {folder.kind}{free}{new})")
    if folder.problem:
        _line(out, "", f"{out.styled('Not usable', 'bad')}: {out.text(folder.problem)}")


def _volume(volume: "Volume", out: Output) -> Iterator[str]:
    from tui import format

    words = [volume.kind, out.text(volume.filesystem)]
    words += ["removable"] * volume.removable + ["read-only"] * volume.read_only
    if volume.camera:
        words.append(f"{out.text(volume.camera)} card")
    if volume.space:
        words.append(f"{format.size(volume.space.available)} of {format.size(volume.space.total)} free")
    yield f"{out.text(volume.name)}: {', '.join(words)}"
    yield f"  at {out.text(volume.mount)}" + (f", {out.text(volume.identity)}" if volume.identity else "")
    if not volume.answers or volume.error:
        trouble = volume.error if volume.answers else "does not answer"
        yield f"  {out.styled(out.text(trouble or 'does not answer'), 'warn')}"
