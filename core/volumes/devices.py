"""Finds the physical devices that a mounted volume lies on. Two partitions of one disk lie on the same device; so
do two shares of one server, also when it is mounted under two names."""

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Collection, Mapping, Sequence

import psutil

from core.threads import within
from core.volumes import disks
from core.volumes.filesystems import FileSystem, StorageKind, filesystem, sending_later
from core.volumes.mounts import Mount, mounted_at, mounts

_HOST = re.compile(
    r"(?:[a-z0-9+.-]+:)?//(?:[^/@]*@)?(\[[^\]]+\]|[^/:]+)"  # //user@nas/share, https://nas:8080/share
    r"|(?:[^/@:]*@)?(\[[^\]]+\]|[^/:@]+):"  # nas:/export, user@nas:folder
)

# A server as Finder names it: by the service that it announces, instead of its host name (RFC 6763).
_ANNOUNCED = re.compile(r"\._[a-z-]+\._tcp\.local$")

SERVER = "server "
"""Prefix of the device of a network mount; its server's name follows."""

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""Names of this computer as a server, as mounts spell them."""

UNKNOWN_SERVER = "address unknown"
"""A device beside that of a server whose address is not known: it may be any other server under another name."""

RESOLVE_TIMEOUT = 8.0
"""Seconds until a server's address counts as not known: a resolver that gets no answer asks again after five."""

NESTED_IMAGES = 4
"""The most disk images nested in one another that are resolved."""


def filesystem_on(mount: Mount) -> FileSystem:
    """What can be expected of the file system of a mount. The server of a share may be a program on this computer,
    such as `rclone nfsmount`, which keeps files in a cache of its own and sends them on later."""
    found = filesystem(mount.filesystem, mount.kind)
    here = _server(mount).removeprefix(SERVER) in _LOOPBACK and not mount.filesystem.startswith("fuse")
    return sending_later(found) if found.kind is StorageKind.NETWORK and here else found


def devices_at(point: bytes) -> frozenset[str]:
    """The devices of the volume with the mount point `point`, by names that are valid while it is mounted; empty
    where they are not known. Touches no file system, but may ask diskutil(8), and for the address of a server.
    Raises OSError."""
    found = mounts()
    mount = mounted_at(point, found)
    if mount is None:
        return frozenset()
    told = {_server(other): other.address for other in found if other.address}
    return with_addresses(devices(mount, found), told, addresses)


def with_addresses(
    found: frozenset[str], told: Mapping[str, str], resolve: Callable[[str], Collection[str]]
) -> frozenset[str]:
    """The devices `found`, and beside each server its addresses, or UNKNOWN_SERVER if it has none that are known.
    Empty where a server is this machine, whose share may lie on any of its disks. `told`: the addresses that the
    mounts themselves name, by server; `resolve` asks for those of any other server."""
    more: set[str] = set()
    for device in found:
        if device.startswith(SERVER):
            names = [told[device]] if device in told else resolve(device.removeprefix(SERVER))
            if any(map(_is_this_machine, names)):
                return frozenset()
            more |= {f"address {name}" for name in names} or {UNKNOWN_SERVER}
    return found | more


def _is_this_machine(address: str) -> bool:
    """Whether an IP address is one of this machine's; False for text that is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A link-local address is unique on its link only (RFC 4291, 2.5.6): fe80::1 is both macOS's own address and
    # that of many routers.
    if parsed.is_loopback or parsed.is_link_local:
        return parsed.is_loopback
    own = (one for found in psutil.net_if_addrs().values() for one in found)
    return any(one.address == address for one in own)


def addresses(host: str) -> Collection[str]:
    """The addresses of a server, by its name; empty where they are not known."""

    def ask() -> Collection[str]:
        return {str(answer[4][0]).partition("%")[0] for answer in socket.getaddrinfo(host.strip("[]"), None)}

    try:
        return within(ask, RESOLVE_TIMEOUT)
    except (OSError, UnicodeError):  # a TimeoutError is an OSError
        return ()


def devices(
    mount: Mount, others: Sequence[Mount], sysfs: str = "/sys", depth: int = NESTED_IMAGES
) -> frozenset[str]:
    """The disks that a mount lies on, or the server that it comes from; empty where they are not known. `others`:
    everything mounted, to find the volume that holds an image's file."""
    if mount.kind is StorageKind.NETWORK:
        return frozenset(filter(None, [_server(mount)]))
    below: set[str] = set()
    for whole in disks.wholes(mount.device):
        file = _image_file(whole, sysfs)
        if not file:
            below.add(whole)
            continue
        holder = _mount_holding(file, others)
        found = devices(holder, others, sysfs, depth - 1) if holder and depth else frozenset[str]()
        if not found:
            return frozenset()  # this part of the volume may lie on any device
        below |= found
    return frozenset(below)


def _server(mount: Mount) -> str:
    """The name of a network mount's server as a device; empty where the mount names no server."""
    host = _HOST.match(mount.device)
    return f"{SERVER}{_ANNOUNCED.sub('.local', (host[1] or host[2]).lower())}" if host else ""


def _image_file(whole: str, sysfs: str) -> str:
    """The file that a loop device shows as a disk (losetup(8)); empty for any other device."""
    try:
        with open(os.path.join(sysfs, "block", whole, "loop/backing_file"), encoding="utf-8") as stream:
            return stream.read().strip()
    except (OSError, ValueError):
        return ""


def _mount_holding(file: str, others: Sequence[Mount]) -> Mount | None:
    """The mount that a path lies on, by comparing names alone."""
    around = [mount for mount in others if os.path.join(file, "").startswith(os.path.join(mount.mount, ""))]
    return max(around, key=lambda mount: len(mount.mount), default=None)


def distinct(volumes: Sequence[frozenset[str]]) -> int:
    """How many separate devices these volumes lie on, at least: volumes that share a device count as one.

    A volume whose devices are not known may share the device of any other, so it counts only if no other volume
    does. A volume on a server whose address is not known may be on the same server as any other.
    """
    if any(UNKNOWN_SERVER in volume for volume in volumes):
        volumes = [volume | {UNKNOWN_SERVER} if on_server(volume) else volume for volume in volumes]
    groups: list[set[str]] = []
    for volume in volumes:
        if volume:
            shared = [group for group in groups if group & volume]
            groups = [group for group in groups if not group & volume]
            groups.append(set(volume).union(*shared))
    return len(groups) or min(1, len(volumes))


def on_server(volume: frozenset[str]) -> bool:
    """Whether a volume lies on a server, wholly or in part."""
    return any(device.startswith(SERVER) for device in volume)
