"""The hardware table, number by number."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import hardware
from core.errors import ConfigError
from core.hardware import GIB, OVERRIDABLE, Profile, profile_for, with_overrides


def numbers(profile: Profile) -> tuple[int, ...]:
    return tuple(getattr(profile, name) for name in OVERRIDABLE)


@pytest.mark.parametrize(
    ("cores", "memory", "tier"),
    [
        (20, 48 * GIB, "beast"),
        (64, 1024 * GIB, "beast"),
        (19, 48 * GIB, "high"),
        (19, 1024 * GIB, "high"),
        (20, 48 * GIB - 1, "high"),
        (10, 16 * GIB, "high"),
        (9, 16 * GIB, "medium"),
        (9, 1024 * GIB, "medium"),
        (10, 16 * GIB - 1, "medium"),
        (64, 16 * GIB - 1, "medium"),
        (4, 8 * GIB, "medium"),
        (3, 8 * GIB, "low"),
        (3, 1024 * GIB, "low"),
        (4, 8 * GIB - 1, "low"),
        (64, 8 * GIB - 1, "low"),
        (1, GIB, "low"),
    ],
)
def test_tier_needs_both_cores_and_memory(cores: int, memory: int, tier: str) -> None:
    assert profile_for(cores, memory).tier == tier


@pytest.mark.parametrize(
    ("cores", "memory", "expected"),
    [
        # hash copy verify exiftool ffprobe thumbnail proxy live bagit stats busy idle
        (20, 48 * GIB, (18, 24, 18, 10, 5, 10, 4, 4, 2, 4, 25, 100)),
        (23, 64 * GIB, (21, 24, 21, 11, 5, 11, 4, 4, 2, 4, 25, 100)),
        (32, 128 * GIB, (30, 24, 30, 16, 8, 16, 4, 4, 2, 4, 25, 100)),
        (19, 64 * GIB, (17, 16, 17, 7, 3, 7, 2, 4, 2, 4, 50, 150)),
        (20, 48 * GIB - 1, (18, 16, 18, 8, 4, 8, 2, 4, 2, 4, 50, 150)),
        (10, 16 * GIB, (8, 16, 8, 4, 2, 4, 2, 4, 2, 4, 50, 150)),
        (12, 32 * GIB, (10, 16, 10, 4, 2, 4, 2, 4, 2, 4, 50, 150)),
        (10, 16 * GIB - 1, (8, 8, 8, 3, 2, 3, 1, 2, 1, 2, 100, 300)),
        (9, 16 * GIB, (7, 8, 7, 2, 2, 2, 1, 2, 1, 2, 100, 300)),
        (4, 8 * GIB, (2, 8, 2, 2, 2, 2, 1, 2, 1, 2, 100, 300)),
        (20, 8 * GIB, (18, 8, 18, 6, 2, 6, 1, 2, 1, 2, 100, 300)),
        (4, 8 * GIB - 1, (3, 4, 3, 2, 1, 2, 1, 1, 1, 1, 200, 500)),
        (3, 8 * GIB, (2, 4, 2, 2, 1, 2, 1, 1, 1, 1, 200, 500)),
        (2, 4 * GIB, (1, 4, 1, 2, 1, 2, 1, 1, 1, 1, 200, 500)),
        (1, GIB, (1, 4, 1, 2, 1, 2, 1, 1, 1, 1, 200, 500)),
    ],
)
def test_each_tier_has_its_numbers(cores: int, memory: int, expected: tuple[int, ...]) -> None:
    assert numbers(profile_for(cores, memory)) == expected


@given(st.integers(1, 1024), st.integers(0, 4096 * GIB))
def test_every_number_is_at_least_one_and_apple_silicon_changes_none(cores: int, memory: int) -> None:
    intel, apple = profile_for(cores, memory), profile_for(cores, memory, apple_silicon=True)
    assert min(numbers(intel)) >= 1
    assert intel.hash == intel.verify
    assert apple.apple_silicon
    assert msgspec.structs.replace(apple, apple_silicon=False) == intel


def test_numbers_names_every_number_of_the_profile() -> None:
    described = {"cores", "memory", "apple_silicon", "tier"}
    assert set(Profile.__struct_fields__) - described == set(OVERRIDABLE)


def test_profile_is_frozen() -> None:
    with pytest.raises(AttributeError):
        profile_for(8, 16 * GIB).copy = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("Darwin", "arm64", True), ("Darwin", "x86_64", False), ("Linux", "arm64", False)],
)
def test_apple_silicon_is_detected(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, expected: bool
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("psutil.cpu_count", lambda: 12)
    found = hardware.detect()
    assert found.apple_silicon is expected
    assert found.cores == 12
    assert found == profile_for(12, found.memory, expected)


def test_detect_when_the_processors_cannot_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.cpu_count", lambda: None)
    assert hardware.detect().cores == 1


@pytest.mark.parametrize("name", OVERRIDABLE)
def test_each_number_can_be_overridden_alone(name: str) -> None:
    before = profile_for(8, 16 * GIB)
    after = with_overrides(before, {name: 77})
    assert after == msgspec.structs.replace(before, **{name: 77})


@pytest.mark.parametrize(
    "wrong", [{"copy": 0}, {"copy": -1}, {"copy": True}, {"copy": 2.0}, {"cores": 4}, {"cpoy": 4}]
)
def test_wrong_overrides_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        with_overrides(profile_for(8, 16 * GIB), wrong)
