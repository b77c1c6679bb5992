"""What mac.sh asks of Python: `python -m tests.faults.mac COMMAND …` says what it found; 1: not what was wanted.

It runs on any system, so that it is tested where there is no Mac.
"""

import asyncio
import base64
import ctypes
import errno
import fcntl
import getpass
import json
import mmap
import os
import plistlib
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import EjectError

EVENT_TIMEOUT = 30.0
"""Seconds that an event of a mount may take."""

_F_FULLFSYNC = 51
# xnu, bsd/sys/resource.h
_MATERIALIZE, _PROCESS = 3, 0
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_ADDRESS = r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b"
_MACHINE = r"^(Machine\s+)\S+ \([^)]*\)"


def flush(path: str) -> str:
    """How F_FULLFSYNC of a file or folder ends."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(fd, _F_FULLFSYNC)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    finally:
        os.close(fd)
    return "full"


def inodes(path: str) -> str:
    """The numbers that stat(2) gives a file three times, and fstat(2) of one descriptor twice."""
    named = [os.stat(path).st_ino for _ in range(3)]
    with open(path, "rb") as file:
        held = [os.fstat(file.fileno()).st_ino for _ in range(2)]
    told = f"{'same' if len(set(named)) == 1 else 'other'} by name, {'same' if len(set(held)) == 1 else 'other'}"
    return f"{told} by descriptor: {named} {held}"


def policy() -> str:
    """Whether this process may fetch from iCloud (0: the default, 1: no, 2: yes), and what launchd calls it."""
    try:
        number = ctypes.CDLL(None).getiopolicy_np(_MATERIALIZE, _PROCESS)
    except AttributeError:
        number = "none here"
    service = re.sub(r"\d+(\.\d+)+", "N", os.environ.get("XPC_SERVICE_NAME", "none"))
    return f"policy {number}, XPC_SERVICE_NAME {service}"


def limit() -> str:
    """What RLIMIT_AS says to 4 GiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, hard))
    except (OSError, ValueError) as error:
        return f"refused: {error}"
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return "taken"


def resident(path: str) -> str:
    """How much of a file is in memory, by mincore(2)."""
    size = os.path.getsize(path)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE) as view:
        pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        told = (ctypes.c_char * pages)()
        held = (ctypes.c_char * size).from_buffer(view)
        try:
            code = ctypes.CDLL(None, use_errno=True).mincore(held, ctypes.c_size_t(size), told)
        finally:
            del held
    if code:
        return f"mincore: {os.strerror(ctypes.get_errno())}"
    return f"{100 * sum(page[0] & 1 for page in told) // pages} % resident"


def newest(state: str, verdict: str, failed: str, location: str = "") -> str:
    """The newest of `lading imports --json`, which must have this state, verdict, number of failed files and, if
    one is given, location."""
    found = max(json.load(sys.stdin), key=lambda one: str(one["started"]))
    told = f"{found['state']} {found['verdict'] or 'open'}, {found['failed']} failed {found['reason']}".rstrip()
    wanted = (state, verdict, failed, location or found["location"])
    _must((found["state"], found["verdict"], str(found["failed"]), found["location"]) == wanted, told)
    return f"{told}; {found['id']}"


def advice(words: str) -> str:
    """The newest of `lading imports --json` must have an advice with these words."""
    found = max(json.load(sys.stdin), key=lambda one: str(one["started"]))
    _must(words in found["advice"], f"the advice is: {found['advice']}")
    return str(found["advice"])


def attribute(name: str, size: str) -> str:
    """The journals must have a file with an extended attribute of this name, and of so many bytes."""
    kept = re.findall(rf'"{re.escape(name)}":"([^"]*)"', sys.stdin.read())
    sizes = sorted(len(base64.b64decode(value)) for value in kept)
    _must(int(size) in sizes, f"sizes of {name} in the journals: {sizes}")
    return f"{size} bytes"


def announced(*command: str) -> str:
    """The kernel must tell of what `command` mounts."""
    from core.volumes.mount_events import mount_events

    async def hears() -> bool:
        changed = asyncio.Event()
        with mount_events(changed.set) as offered:
            if offered:
                done = await asyncio.to_thread(subprocess.run, command)
                _must(done.returncode == 0, f"{command[0]} ended with {done.returncode}")
                await asyncio.wait_for(changed.wait(), EVENT_TIMEOUT)
            return offered

    try:
        _must(asyncio.run(hears()), "there are no events here")
    except TimeoutError:
        _must(False, f"no event in {EVENT_TIMEOUT:g} s")
    return "told"


def told(label: str, times: str) -> str:
    """`lading watch --json` must have told at least so often of a card with this label that it counted."""
    # The last line may be half written.
    lines = [json.loads(line) for line in sys.stdin if line.endswith("\n")]
    cards = [line for line in lines if line["event"] == "card" and line["label"] == label]
    found = [card for card in cards if card["counted"]]
    _must(len(found) >= int(times), f"{len(found)} times")
    return f"{found[-1]['new']['files']} new, {found[-1]['duplicate']['files']} duplicates"


def archive() -> str:
    """What `lading doctor --json` says of the archive's file system."""
    found = json.load(sys.stdin)["archive"]
    return ", ".join(f"{key} {found[key]}" for key in ("filesystem", "kind", "level", "flush", "publish"))


def volume(mount: str, *keys: str) -> str:
    """Fields of the volume at `mount` in `lading doctor --json`."""
    found = [one for one in json.load(sys.stdin)["volumes"] if one["mount"] == mount]
    _must(len(found) == 1, f"{len(found)} volumes at {mount}")
    return ", ".join(f"{key} {found[0][key]}" for key in keys)


def value(*keys: str) -> str:
    """One value of a JSON object, or of a property list."""
    data = sys.stdin.buffer.read()
    found = json.loads(data) if data.lstrip()[:1] == b"{" else plistlib.loads(data)
    for key in keys:
        found = found[key]
    return str(found)


def job(label: str, out: str, *keys: str) -> str:
    """A job for launchd that asks for `policy`; `keys` are set to true."""
    wanted = {
        "Label": label,
        "ProgramArguments": [sys.executable, "-m", "tests.faults.mac", "policy"],
        "WorkingDirectory": os.getcwd(),
        "RunAtLoad": True,
        "StandardOutPath": out,
        "StandardErrorPath": out,
        **dict.fromkeys(keys, True),
    }
    return plistlib.dumps(wanted).decode()


def eject(source: str, archive: str) -> str:
    """Ejecting `source` must be refused, because `archive` lies on its disk."""
    from core.volumes import eject as ejecting

    try:
        gone = ejecting.eject(source, [], [archive])
    except EjectError as error:
        _must("lies on the same disk" in str(error), str(error))
        return str(error)
    _must(False, f"{gone} was ejected, and the archive with it")
    return ""


def blank(*names: str) -> str:
    """Standard input without the names of persons, machines and volumes, without addresses and serials."""
    text = sys.stdin.read()
    words = {
        os.path.realpath(os.path.expanduser("~")): "HOME",
        os.path.expanduser("~"): "HOME",
        getpass.getuser(): "USER",
        socket.gethostname(): "HOST",
        socket.gethostname().partition(".")[0]: "HOST",
        **dict.fromkeys(names, "NAME"),
    }
    text = re.sub(_MACHINE, r"\1HOST", text, flags=re.MULTILINE)
    for word in sorted((word for word in words if len(word) > 1), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", words[word], text)
    return re.sub(_ADDRESS, "ADDRESS", re.sub(_UUID, "UUID", text)).rstrip("\n")


def _must(holds: bool, told: str) -> None:
    if not holds:
        sys.stdout.write(f"{told}\n")
        sys.exit(1)


COMMANDS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        *(flush, inodes, policy, limit, resident, newest, advice, attribute, announced, told, archive),
        *(volume, value, job, eject, blank),
    )
}


def main(given: Sequence[str]) -> None:
    """Carry out one of COMMANDS."""
    sys.stdout.write(f"{COMMANDS[given[0]](*given[1:])}\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main(sys.argv[1:])
