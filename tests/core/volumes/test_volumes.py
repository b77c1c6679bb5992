"""Volumes: what the system says of them, how they are known again, and those that are dead."""

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import subprocesses
from core.errors import VolumeError
from core.files import statfs
from core.volumes import find_volume, probe, volume
from core.volumes.disks import Disk, linux_disk
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import Mount, mounts, volume_of
from core.volumes.space import Space, space
from core.volumes.volume import describe, identity, volumes

pytestmark = pytest.mark.process

TIB = 1024**4

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux")


def a_mount(
    mount: str, device: str = "/dev/sda1", filesystem: str = "ext4", kind: StorageKind = StorageKind.LOCAL
) -> Mount:
    return Mount(mount=mount, device=device, filesystem=filesystem, kind=kind, read_only=False)


# Identity.


def test_a_card_is_known_by_its_uuid_wherever_it_is() -> None:
    below = Disk(uuid="abcd-1234")
    assert identity(a_mount("/a"), below) == identity(a_mount("/b", device="/dev/sdq1"), below) == "uuid:abcd-1234"


@pytest.mark.parametrize(
    ("device", "known"),
    [
        ("//me@NAS._smb._tcp.local/Photos", "net://me@nas._smb._tcp.local/Photos"),
        ("//DOMAIN;me:secret@nas/Photos/", "net://DOMAIN;me@nas/Photos"),
        ("//nas/Photos", "net://nas/Photos"),
        ("https://me:secret@Cloud/dav", "net:https://me@cloud/dav"),
        ("nas:/export/photos", "net:nas:/export/photos"),
        ("gdrive:archive", "net:gdrive:archive"),
    ],
)
def test_a_share_is_known_by_what_is_mounted_without_its_secret(device: str, known: str) -> None:
    assert identity(a_mount("/a", device, "smbfs", StorageKind.NETWORK), Disk(uuid="not asked")) == known


def test_what_has_no_uuid_is_known_by_device_type_and_capacity() -> None:
    assert identity(a_mount("/a"), Disk(capacity=4096)) == "dev:/dev/sda1:ext4:4096"
    assert identity(a_mount("/a", "tmpfs", "tmpfs", StorageKind.MEMORY), Disk()) == "dev:tmpfs:tmpfs:/a"


def a_kernel(monkeypatch: pytest.MonkeyPatch, uuid: str | None) -> None:
    """A macOS that knows this UUID of every volume."""
    monkeypatch.setattr(volume, "volume_uuid", lambda device, mount, timeout=1.0: uuid)


def test_the_uuid_that_the_kernel_knows_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(device: str, timeout: float = 1.0) -> Disk:
        raise VolumeError("diskutil does not answer.")

    card = a_mount("/Volumes/CARD", "/dev/disk4s1", "exfat")
    a_kernel(monkeypatch, "abcd-1234")
    monkeypatch.setattr(volume, "disk", lambda device, timeout=1.0: Disk(uuid="of the partition", removable=True))
    assert volume.identify(card) == describe(card).identity == "uuid:abcd-1234"
    assert describe(card).removable
    # Nothing else is made up while diskutil is late.
    monkeypatch.setattr(volume, "disk", late)
    assert volume.identify(card) == "uuid:abcd-1234"
    with pytest.raises(VolumeError):
        describe(card)
    a_kernel(monkeypatch, None)
    with pytest.raises(VolumeError):
        volume.identify(card)


def test_a_volume_that_nobody_can_tell_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(device: str, timeout: float = 1.0) -> Disk:
        raise VolumeError("the system does not say what /dev/disk4s1 is (diskutil).")

    monkeypatch.setattr(volume, "disk", late)
    (listed,) = volumes(60, [a_mount(str(tmp_path), "/dev/disk4s1", "exfat")])
    assert (listed.answers, listed.error) == (True, "the system does not say what /dev/disk4s1 is (diskutil).")
    assert listed.identity == "", "nothing is made up"


# Known again.


def test_a_volume_that_is_hidden_from_lists_is_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Mount(
        mount="/run/x", device="tmpfs", filesystem="tmpfs", kind=StorageKind.MEMORY, read_only=False, hidden=True
    )
    monkeypatch.setattr(find_volume, "mounts", lambda: [system, a_mount("/mnt")])
    assert find_volume.VolumeFinder().places("dev:tmpfs:tmpfs:/run/x", b"src") == [b"/run/x/src"]


def test_a_volume_that_cannot_be_told_now_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[str] = []

    def told(mount: Mount) -> str:
        if not answers:
            raise VolumeError("diskutil does not answer.")
        return answers[-1]

    monkeypatch.setattr(find_volume, "mounts", lambda: [a_mount("/Volumes/CARD")])
    monkeypatch.setattr(find_volume, "identify", told)
    found = find_volume.VolumeFinder()
    assert found.places("uuid:a", b"DCIM", 60) == []
    answers.append("uuid:a")
    assert found.places("uuid:a", b"DCIM", 60) == [b"/Volumes/CARD/DCIM"]
    # For some time it is not asked again.
    answers.append("uuid:b")
    assert found.places("uuid:a", b"DCIM", 60) == [b"/Volumes/CARD/DCIM"]
    assert found.places("uuid:a", b"DCIM") == []


# Room.


def test_room_is_right_past_four_tib_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = 14 * TIB // 1024
    assert blocks > 2**32
    data = struct.pack("=IiQQQ", 1024, 1048576, blocks, blocks // 2, blocks // 4) + bytes(2136)
    monkeypatch.setattr(statfs, "call", lambda _: data)
    assert space(b"/Volumes/x", "darwin") == Space(14 * TIB, 7 * TIB, 7 * TIB // 2)


def test_room_of_a_folder() -> None:
    found = space(b"/")
    assert found
    assert found.total >= found.free >= found.available > 0
    # df(1) prints 1024-byte blocks; on macOS it asks statfs(2) as well.
    lines = subprocess.run(["df", "-Pk", "/"], check=True, capture_output=True).stdout.splitlines()
    assert found.total // 1024 == int(lines[1].split()[1])


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_room_of_nothing_is_an_error(platform: str) -> None:
    with pytest.raises(FileNotFoundError):
        space(b"/no such folder", platform)


# Looking, for real.


def test_a_look_finds_room_and_camera(tmp_path: Path) -> None:
    # APFS refuses names that are not UTF-8.
    odd = b"\xc3\xa4" if sys.platform == "darwin" else b"\xff"
    card = tmp_path / os.fsdecode(b"card \n$(x)" + odd)
    (card / "DCIM" / "100CANON").mkdir(parents=True)
    found = probe.probe(os.fsencode(card), 60)
    assert (found.answers, found.directory, found.camera, found.error) == (True, True, "Canon", "")
    here = volume_of(os.fsencode(card))
    assert here
    assert found.mount == os.fsencode(here.mount)
    room = space(os.fsencode(card))
    assert found.space
    assert room
    assert found.space.total == room.total


def test_a_look_does_not_follow_links_off_the_card(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "100CANON").mkdir(parents=True)
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "DCIM").symlink_to(tmp_path / "elsewhere")
    assert probe.look(os.fsencode(tmp_path / "card")).camera == "camera"


def test_a_look_at_nothing_says_why(tmp_path: Path) -> None:
    found = probe.probe(os.fsencode(tmp_path / "absent"), 60)
    assert (found.answers, found.directory, found.error) == (True, False, "No such file or directory")


def test_a_look_that_breaks_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_CHILD", "raise SystemExit(9)")
    found = probe.probe(b"/", 60)
    assert (found.answers, found.error) == (False, "the look at it failed (exit status 9)")


def test_a_look_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(probe, "_CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    found = probe.probe(os.fsencode(tmp_path), 1)
    assert (found.answers, found.error) == (False, "does not answer")
    dead = a_mount(str(tmp_path))
    listed = volumes(1, [dead])
    assert [(one.mount, one.answers, one.space) for one in listed] == [(str(tmp_path), False, None)]


def test_the_listing_has_the_disk_this_runs_on() -> None:
    here = volume_of(os.fsencode(sys.prefix))
    assert here is not None
    described = describe(here)
    assert described.identity
    assert described.name
    if not here.hidden:
        (listed,) = volumes(60, [here])
        assert listed.space is not None
        assert (listed.identity, listed.camera) == (described.identity, None)


def test_a_file_mounted_over_a_file_is_no_volume(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").touch()
    assert volumes(60, [a_mount(str(tmp_path / "resolv.conf"))]) == []


def the_mount(place: Path) -> Mount:
    (found,) = [mount for mount in mounts() if mount.mount == str(place)]
    return found


@root
def test_tmpfs_is_memory(tmp_path: Path) -> None:
    place = tmp_path / "a b\\c\n"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(place)], check=True)
    try:
        found = the_mount(place)
        assert (found.kind, found.read_only) == (StorageKind.MEMORY, True)
        assert volume_of(os.fsencode(place)) == found
        (listed,) = volumes(60, [found])
        room = Space(2**20, 2**20, 2**20, os.statvfs(place).f_favail)
        assert (listed.space, listed.name) == (room, place.name)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@root
def test_an_ext4_card_is_known_by_its_uuid(tmp_path: Path) -> None:
    uuid = "0b5e7c1e-30ad-4c1b-9a52-8f6f4d5a2b11"
    image, place = tmp_path / "card.img", tmp_path / "card"
    place.mkdir()
    with image.open("wb") as stream:
        stream.truncate(32 * 2**20)
    mkfs = shutil.which("mkfs.ext4") or "/usr/sbin/mkfs.ext4"
    subprocess.run([mkfs, "-q", "-U", uuid, "-L", "My Card", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        found = the_mount(place)
        assert (found.kind, found.filesystem) == (StorageKind.LOCAL, "ext4")
        # The links that udev would make, where it runs.
        for folder, name in (("by-uuid", uuid), ("by-label", "My\\x20Card")):
            (tmp_path / "dev/disk" / folder).mkdir(parents=True)
            (tmp_path / "dev/disk" / folder / name).symlink_to(found.device)
        below = linux_disk(found.device, dev=str(tmp_path / "dev"))
        assert below == Disk(uuid=uuid, label="My Card", removable=False, capacity=32 * 2**20)
        assert identity(found, below) == f"uuid:{uuid}"
        (place / "DCIM" / "100MSDCF").mkdir(parents=True)
        (listed,) = volumes(60, [found])
        assert (listed.camera, listed.removable, listed.answers) == ("Sony", False, True)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def dead(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A FUSE mount whose daemon never says a word: whoever touches it waits in the kernel."""
    place = tmp_path / "dead"
    place.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    kind = str(request.param).encode()
    try:
        if libc.mount(b"gdrive:archive", os.fsencode(place), kind, 0, options) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        yield place
    finally:
        os.close(device)
        subprocess.run(["umount", "-l", str(place)], check=True)
        for process in subprocesses.left_running:
            process.wait(60)
        subprocesses.left_running.clear()


@root
@pytest.mark.parametrize("dead", ["fuse.rclone", "fuse.smbnetfs", "fuse"], indirect=True)
def test_a_dead_mount_hangs_nothing(dead: Path) -> None:
    found = the_mount(dead)
    assert found.kind is (StorageKind.UNKNOWN if found.filesystem == "fuse" else StorageKind.NETWORK)
    assert describe(found).identity.endswith(
        str(dead) if found.kind is StorageKind.UNKNOWN else "net:gdrive:archive"
    )
    looked = probe.probe(os.fsencode(dead), 1)
    assert (looked.answers, looked.error) == (False, "does not answer")
    alive = [mount for mount in mounts() if mount.mount == "/"]
    for patience in (2, 10, 30):  # a busy machine answers late
        listed = volumes(patience, [found, *alive])
        assert not listed[0].answers
        if all(one.answers for one in listed[1:]):
            break
    assert [one.answers for one in listed] == [False] + [True] * len(alive)
