"""Which physical devices volumes lie on, and how many that are."""

import os
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from core.volumes import devices, disks
from core.volumes.devices import distinct
from core.volumes.filesystems import Level, StorageKind
from core.volumes.mounts import Mount


def mount(point: str, device: str, kind: StorageKind = StorageKind.LOCAL) -> Mount:
    """Something mounted."""
    return Mount(mount=point, device=device, filesystem="ext4", kind=kind, read_only=False)


@pytest.mark.parametrize(
    ("device", "host"),
    [
        ("//me@NAS/Photos", "server nas"),
        ("//nas/Other", "server nas"),
        ("nas.local:/export/photos", "server nas.local"),
        ("me@nas:folder", "server nas"),
        ("https://dav.example.org:8443/x", "server dav.example.org"),
        ("[fe80::1]:/export", "server [fe80::1]"),
        ("//me@NAS._smb._tcp.local/Photos", "server nas.local"),
    ],
)
def test_shares_of_one_server_lie_on_one_device(device: str, host: str) -> None:
    assert devices.devices(mount("/mnt", device, StorageKind.NETWORK), []) == {host}


def test_a_network_mount_that_names_no_server_lies_nobody_knows_where() -> None:
    assert devices.devices(mount("/mnt", "remote", StorageKind.NETWORK), []) == frozenset()


@pytest.mark.parametrize(
    ("name", "device", "later"),
    [
        ("nfs", "localhost:/photos", True),  # as `rclone nfsmount` has it mounted
        ("smbfs", "//me@127.0.0.1:4450/photos", True),
        ("nfs4", "[::1]:/photos", True),
        ("nfs", "nas:/photos", False),
        ("fuse.sshfs", "me@localhost:/photos", False),
        ("fuse.rclone", "nas:photos", True),
    ],
)
def test_a_share_from_a_program_on_this_computer_may_be_sent_later(name: str, device: str, later: bool) -> None:
    share = Mount(mount="/mnt", device=device, filesystem=name, kind=StorageKind.NETWORK, read_only=False)
    found = devices.filesystem_on(share)
    assert (found.sends_later, found.level) == (later, Level.UNPROVEN if later else Level.SERVER)


def test_a_disk_is_what_its_file_system_is() -> None:
    assert devices.filesystem_on(mount("/mnt", "localhost:/dev/sda1")).level is Level.MEDIUM


ADDRESSES = {
    "nas": ["192.0.2.5"],
    "nas.local": ["2001:db8::5", "192.0.2.5"],
    "192.0.2.5": ["192.0.2.5"],
    "box": ["192.0.2.6"],
}
"""What a resolver answers. Of an alias of ssh it knows nothing."""


def share(host: str, told: dict[str, str] | None = None) -> frozenset[str]:
    """The devices of a share of this server."""
    below = devices.devices(mount("/mnt", f"{host}:/x", StorageKind.NETWORK), [])
    return devices.with_addresses(below, told or {}, lambda name: ADDRESSES.get(name, []))


@pytest.mark.promise(48)
def test_one_server_by_several_names_is_one_device() -> None:
    """Finder mounts it by another name than the one that a person types."""
    assert distinct([share("nas"), share("nas.local")]) == 1
    assert distinct([share("nas.local"), share("192.0.2.5"), share("box")]) == 2
    assert distinct([share("alias", {"server alias": "192.0.2.6"}), share("box")]) == 1, (
        "the mount says which it is"
    )
    assert distinct([share("alias", {"server alias": "192.0.2.7"}), share("box")]) == 2


@pytest.mark.promise(48)
def test_a_server_whose_address_nobody_knows_may_be_any_other() -> None:
    disk = frozenset({"sda"})
    assert distinct([share("alias"), share("box")]) == 1
    assert distinct([share("alias"), share("box"), share("nas")]) == 1
    assert distinct([share("alias"), disk]) == 2, "it is none of this machine's disks"
    assert distinct([share("nas"), share("box"), disk]) == 3


@pytest.mark.promise(48)
@pytest.mark.parametrize("own", ["127.0.0.1", "127.0.1.1", "::1"])
def test_a_share_of_this_machine_may_lie_on_any_of_its_disks(own: str) -> None:
    assert share("here", {"server here": own}) == frozenset()


def test_a_link_local_address_is_not_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    own = SimpleNamespace(address="fe80::1%lo0"), SimpleNamespace(address="192.0.2.9")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"lo0": own})
    assert share("router", {"server router": "fe80::1"}) == {"server router", "address fe80::1"}
    assert share("here", {"server here": "192.0.2.9"}) == frozenset()


def test_the_system_is_asked_for_addresses() -> None:
    assert devices.addresses("192.0.2.5") == {"192.0.2.5"}
    assert devices.addresses("[fe80::1]") == {"fe80::1"}
    assert not devices.addresses("no such host.invalid")


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: asked.wait())
    monkeypatch.setattr(devices, "RESOLVE_TIMEOUT", 0.01)
    assert not devices.addresses("nas")
    asked.set()


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two partitions of one disk, another disk, an image on each of them, and one that lies nobody knows where."""
    wholes = {"/dev/sda1": "sda", "/dev/sda2": "sda", "/dev/sdb1": "sdb"}
    images = {"loop0": "/one/image", "loop1": "/two/image", "loop2": "/mem/image"}
    for name, file in images.items():
        folder = tmp_path / "block" / name / "loop"
        folder.mkdir(parents=True)
        (folder / "backing_file").write_text(f"{file}\n")
    known = wholes | {f"/dev/{name}": name for name in images}
    monkeypatch.setattr(disks, "wholes", lambda device: frozenset(filter(None, [known.get(device, "")])))
    return str(tmp_path)


HERE = [
    mount("/", "/dev/sda1"),
    mount("/one", "/dev/sda2"),
    mount("/two", "/dev/sdb1"),
    mount("/mem", "tmpfs"),
    mount("/image", "/dev/loop0"),
    mount("/other image", "/dev/loop1"),
    mount("/lost image", "/dev/loop2"),
]


def test_partitions_and_images_lie_on_their_disk(sysfs: str) -> None:
    found = [devices.devices(one, HERE, sysfs) for one in HERE]
    assert found == [{"sda"}, {"sda"}, {"sdb"}, set(), {"sda"}, {"sdb"}, set()]


def test_an_image_that_lies_in_itself_ends(sysfs: str) -> None:
    here = [mount("/one", "/dev/loop0")]
    assert devices.devices(here[0], here, sysfs) == frozenset()


def test_distinct() -> None:
    sda, sdb, raid, unknown = (frozenset(names) for names in (("sda",), ("sdb",), ("sda", "sdc"), ()))
    assert distinct([]) == 0
    assert distinct([sda, sdb]) == 2
    assert distinct([sda, sda]) == 1
    assert distinct([sda, raid]) == 1
    assert distinct([sda, frozenset({"sdc"}), raid]) == 1
    assert distinct([sda, unknown]) == 1, "it may be the same disk"
    assert distinct([unknown, unknown]) == 1
    assert distinct([unknown, sda, sdb]) == 2


def test_what_is_mounted_here_can_be_asked() -> None:
    assert isinstance(devices.devices_at(b"/"), frozenset)
    assert devices.devices_at(os.fsencode("/no such mount point")) == frozenset()
