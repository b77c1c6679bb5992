"""Which physical devices volumes lie on, and how many that are."""

import os
from pathlib import Path

import pytest

from core.volumes import devices, disks
from core.volumes.devices import distinct
from core.volumes.filesystems import StorageKind
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
    ],
)
def test_shares_of_one_server_lie_on_one_device(device: str, host: str) -> None:
    assert devices.devices(mount("/mnt", device, StorageKind.NETWORK), []) == {host}


def test_a_network_mount_that_names_no_server_lies_nobody_knows_where() -> None:
    assert devices.devices(mount("/mnt", "remote", StorageKind.NETWORK), []) == frozenset()


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
