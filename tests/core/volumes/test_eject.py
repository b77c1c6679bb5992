"""Letting go of cards: which volume it is, what is asked of the system, and when it is not asked."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import EjectError
from core.volumes import eject as ejecting
from core.volumes.disks import Disk
from core.volumes.eject import card_at, commands, eject
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import Mount

pytestmark = pytest.mark.process


def at(mount: str, device: str = "/dev/sdb1") -> Mount:
    return Mount(mount=mount, device=device, filesystem="exfat", kind=StorageKind.LOCAL, read_only=False)


ROOT, CARD, INNER = at("/", "/dev/sda1"), at("/media/A 1"), at("/media/A 1/inner", "/dev/sdc1")
MOUNTED = [ROOT, INNER, CARD]


def removable(device: str) -> Disk:
    return Disk(removable=device != "/dev/sda1")


@pytest.mark.parametrize(
    ("source", "expected"),
    [("/media/A 1", CARD), ("/media/A 1/DCIM/100", CARD), ("/media/A 1/inner/x", INNER)],
)
def test_the_card_that_a_source_lies_on(source: str, expected: Mount) -> None:
    assert card_at(source, MOUNTED, removable) == expected


@pytest.mark.parametrize("source", ["/media/A 10/DCIM", "/home/ada", "/"])
def test_what_is_no_card_is_not_ejected(source: str) -> None:
    with pytest.raises(EjectError, match="no card"):
        card_at(source, MOUNTED, removable)


def test_a_card_that_is_gone() -> None:
    with pytest.raises(EjectError, match="not plugged in"):
        card_at("/media/A 1", [], removable)


def test_a_name_that_is_hostile_is_found_as_it_is_shown() -> None:
    hostile = at("/media/\x1b[2J\udcff")
    assert card_at("/media/\\x1b[2J\\xff/DCIM", [ROOT, hostile], removable) == hostile


def test_macos_takes_the_whole_card_off() -> None:
    assert commands(CARD, "darwin", lambda name: None) == [["/usr/sbin/diskutil", "eject", "/media/A 1"]]


def test_linux_asks_udisks_first_where_it_is() -> None:
    asked = commands(CARD, "linux", lambda name: f"/usr/bin/{name}")
    assert asked[0] == ["udisksctl", "unmount", "--no-user-interaction", "--block-device", "/dev/sdb1"]
    assert asked[1:] == commands(CARD, "linux", lambda name: None) == [["umount", "--", "/media/A 1"]]


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_nothing_is_forced(platform: str) -> None:
    for argv in commands(CARD, platform, lambda name: name):
        assert not {"-f", "--force", "-l", "--lazy", "force"} & set(argv)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A system with one card, whose umount(8) is a script that notes what it is asked."""
    noted = tmp_path / "asked"
    tools = tmp_path / "bin"
    tools.mkdir()
    shell = shutil.which("sh")
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(ejecting, "mounts", lambda: MOUNTED)
    monkeypatch.setattr(ejecting, "disk", removable)
    monkeypatch.setattr(ejecting, "commands", lambda mount: commands(mount, "linux"))

    def set_up(script: str) -> Path:
        for name in ("umount", "diskutil"):
            program = tools / name
            program.write_text(f'#!{shell}\necho "$@" >> {noted}\n{script}\n')
            program.chmod(0o755)
        return noted

    return set_up


def test_a_card_is_let_go(system: Callable[[str], Path]) -> None:
    noted = system("exit 0")
    assert eject("/media/A 1/DCIM", ["/home/ada"]) == "/media/A 1"
    assert noted.read_text() == "-- /media/A 1\n"


def test_a_card_in_use_stays_and_the_system_says_why(system: Callable[[str], Path]) -> None:
    system("echo 'target is busy.' >&2; exit 32")
    with pytest.raises(EjectError, match=r"target is busy\."):
        eject("/media/A 1")


def test_never_while_an_import_reads_it(system: Callable[[str], Path]) -> None:
    noted = system("exit 0")
    with pytest.raises(EjectError, match="still reads /media/A 1/other"):
        eject("/media/A 1/DCIM", ["/media/A 1/other"])
    assert not noted.exists()


@pytest.mark.parametrize(
    ("reading", "archives", "why"),
    [
        (["/media/A 1/inner/x"], [], "still reads /media/A 1/inner/x"),
        ([], ["/media/A 1/inner/archive"], "the archive /media/A 1/inner/archive lies on the same disk"),
        ([], ["/media/A 1/archive"], "the archive /media/A 1/archive lies on the same disk"),
    ],
)
def test_what_lies_on_the_same_disk_is_looked_at_first_and_named(
    system: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    reading: list[str],
    archives: list[str],
    why: str,
) -> None:
    noted = system("exit 0")
    # Two volumes of one external disk.
    disks = {"/dev/sdb1": frozenset({"sdb"}), "/dev/sdc1": frozenset({"sdb"})}
    monkeypatch.setattr(ejecting, "wholes", lambda device: disks.get(device, frozenset({"sda"})))
    with pytest.raises(EjectError, match=why):
        eject("/media/A 1/DCIM", reading, archives)
    assert not noted.exists()
    assert eject("/media/A 1/DCIM", ["/home/ada"], ["/archive"], platform="linux") == "/media/A 1"
    assert noted.read_text() == "-- /media/A 1/inner\n-- /media/A 1\n", "all volumes, the inner one first"


def test_the_disk_that_the_system_runs_from_is_no_card(
    system: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = system("exit 0")
    monkeypatch.setattr(ejecting, "wholes", lambda device: frozenset({"mmcblk0"}))
    with pytest.raises(EjectError, match="this system runs from the disk that /media/A 1/DCIM lies on"):
        eject("/media/A 1/DCIM", platform="linux")
    assert not noted.exists()


@pytest.mark.parametrize(
    ("reading", "archives"), [(["/VOLUMES/a 1/DCIM"], []), ([], ["/home/ada/link to the card"])]
)
def test_the_kernel_says_what_lies_on_the_card(
    system: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, reading: list[str], archives: list[str]
) -> None:
    """However it is spelled: macOS takes any case and Unicode form, and links lead there."""
    noted = system("exit 0")
    monkeypatch.setattr(ejecting, "mount_of", lambda path, timeout: b"/" if path == b"/srv" else b"/media/A 1")
    with pytest.raises(EjectError, match=r"still reads|lies on the same disk"):
        eject("/Media/a 1/DCIM", reading, archives)
    assert not noted.exists()
    assert eject("/Media/a 1/DCIM", ["/srv"]) == "/media/A 1"


@pytest.mark.skipif(os.name != "posix" or not Path("/proc/self/mounts").exists(), reason="what Linux mounts")
def test_a_link_leads_to_the_volume_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    mounted = [at("/"), at("/proc")]
    assert ejecting.mount_shown_at(str(tmp_path / "link"), mounted) == mounted[1]
    # What is gone is told by its path.
    assert ejecting.mount_shown_at("/proc/not there/at all", mounted) == mounted[1]


def test_a_mac_that_does_not_say_what_else_would_go_lets_nothing_go(
    system: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = system("exit 0")
    monkeypatch.setattr(ejecting, "wholes", lambda device: frozenset())
    with pytest.raises(EjectError, match="does not say which disk"):
        eject("/media/A 1", platform="darwin")
    assert not noted.exists()


@pytest.mark.parametrize(
    ("reading", "archives"), [(["/media/A 1/inner/x"], []), ([], ["/media/A 1/inner/archive"])]
)
def test_a_mac_that_does_not_say_where_another_volume_lies_lets_nothing_go(
    system: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, reading: list[str], archives: list[str]
) -> None:
    noted = system("exit 0")
    disks = {"/dev/sdb1": frozenset({"sdb"})}
    monkeypatch.setattr(ejecting, "wholes", lambda device: disks.get(device, frozenset()))
    with pytest.raises(EjectError, match="does not say which disk /media/A 1/inner/"):
        eject("/media/A 1", reading, archives, platform="darwin")
    assert not noted.exists()
    # Linux reads sysfs: there a device without a disk is on none.
    assert eject("/media/A 1", reading, archives, platform="linux") == "/media/A 1"


def test_a_share_is_on_no_disk(system: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    system("exit 0")
    monkeypatch.setattr(ejecting, "mounts", lambda: [*MOUNTED, at("/media/nas", "//ada@nas/photos")])
    disks = {"/dev/sdb1": frozenset({"sdb"})}
    monkeypatch.setattr(ejecting, "wholes", lambda device: disks.get(device, frozenset()))
    assert eject("/media/A 1", [], ["/media/nas/archive"], platform="darwin") == "/media/A 1"


def test_without_the_system_s_program_it_says_so(system: Callable[[str], Path]) -> None:
    with pytest.raises(EjectError, match="umount does not answer"):
        eject("/media/A 1")


@pytest.mark.skipif(os.name != "posix" or not Path("/proc/self/mounts").exists(), reason="what Linux mounts")
def test_the_disk_of_this_machine_is_no_card(tmp_path: Path) -> None:
    with pytest.raises(EjectError, match="no card"):
        eject(str(tmp_path))
