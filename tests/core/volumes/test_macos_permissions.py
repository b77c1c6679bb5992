"""What macOS is said to keep from a program, by the complaints that were heard."""

import errno
from pathlib import Path

import pytest

from core.client.launcher import environment
from core.volumes.macos_permissions import (
    LOCAL,
    REMOTE_LOGIN,
    blocked_lines,
    launchd_advice,
    no_answer_advice,
    permission_advice,
    refusals,
    warning,
)

pytestmark = pytest.mark.process

SSH = {"SSH_CONNECTION": "10.0.0.2 50000 10.0.0.1 22"}
REFUSED, DENIED = "Operation not permitted", "Permission denied"


@pytest.mark.parametrize(
    ("code", "environ", "system", "told"),
    [
        (errno.EPERM, SSH, "darwin", REMOTE_LOGIN),
        (errno.EPERM, {}, "darwin", LOCAL),
        (errno.EACCES, SSH, "darwin", ""),  # plain rights of the file, which no switch gives
        (errno.EPERM, SSH, "linux", ""),
        (0, SSH, "darwin", ""),
    ],
)
def test_what_to_switch_on(code: int, environ: dict[str, str], system: str, told: str) -> None:
    assert permission_advice(code, environ, system) == told


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ("lading.engine", launchd_advice("/usr/local/bin/python3")),
        ("com.ada.backup", launchd_advice("/usr/local/bin/python3")),
        ("application.com.apple.Terminal.1152921500312767488.1152921500312767493", LOCAL),
        ("0", LOCAL),
        ("", LOCAL),
    ],
)
def test_a_job_of_launchd_is_its_own_program(service: str, told: str) -> None:
    assert (
        permission_advice(errno.EPERM, {"XPC_SERVICE_NAME": service}, "darwin", "/usr/local/bin/python3") == told
    )


def test_an_engine_knows_what_has_started_it() -> None:
    given = {"XPC_SERVICE_NAME": "lading.audit", "TERM": "xterm"}
    assert environment(given, "/home") == {"XPC_SERVICE_NAME": "lading.audit", "LADING_HOME": "/home"}


def test_the_program_is_named_and_what_it_leads_to(tmp_path: Path) -> None:
    real, link = tmp_path / "python3.11", tmp_path / "python"
    real.touch()
    link.symlink_to(real)
    assert f"Full Disk Access for the program {link} (which is {real})" in launchd_advice(str(link))
    assert f"for the program {real}, again after each update" in launchd_advice(str(real))


def test_what_does_not_answer_may_wait_for_a_person_at_the_mac() -> None:
    assert (
        no_answer_advice("Mount it again.", "darwin")
        == "Mount it again, or answer the question on this Mac's screen."
    )
    assert no_answer_advice("Mount it again.", "linux") == "Mount it again."
    (line,) = blocked_lines({"/Volumes/EOS": "does not answer"}, {}, "darwin")
    assert line.startswith("/Volumes/EOS does not answer. Plug it in again")
    assert line.endswith("or answer the question on this Mac's screen.")
    assert blocked_lines({"/Volumes/EOS": "does not answer"}, {}, "linux") == []


def test_one_line_for_each_block() -> None:
    errors = {"/Volumes/EOS\x1b": REFUSED, "/Volumes/NAS": "", "/Users/ada/Pictures": REFUSED, "/private": DENIED}
    first, second = blocked_lines(errors, SSH, "darwin")
    assert first == f"macOS keeps /Volumes/EOS\\x1b from this program. {REMOTE_LOGIN}"
    assert "/Users/ada/Pictures" in second
    assert blocked_lines(errors, SSH, "linux") == []
    assert blocked_lines({"/a": ""}, SSH, "darwin") == []


def test_a_warning_under_ssh_on_a_mac_only() -> None:
    assert warning(SSH, "darwin").endswith(REMOTE_LOGIN)
    assert warning({}, "darwin") == warning(SSH, "linux") == ""


def test_paths_are_looked_at(tmp_path: Path) -> None:
    assert refusals([]) == {}
    gone = str(tmp_path / "gone")
    assert refusals([str(tmp_path), gone]) == {str(tmp_path): "", gone: "No such file or directory"}
