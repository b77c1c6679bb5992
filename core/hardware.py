"""The machine's hardware, and the ceilings for each kind of work that follow from it."""

import platform
from collections.abc import Mapping
from typing import Literal

import msgspec

from core.errors import ConfigError

Tier = Literal["beast", "high", "medium", "low"]

GIB = 1024**3

OVERRIDABLE = (
    "hash",
    "copy",
    "verify",
    "exiftool",
    "ffprobe",
    "thumbnail",
    "video_proxy",
    "live_photo",
    "bagit",
    "location_stats",
    "poll_busy_ms",
    "poll_idle_ms",
)
"""The fields of `Profile` that a person may override."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The machine's hardware, and the ceilings that follow from it.

    `cores` are logical processors, `memory` is in bytes. The poll intervals are in milliseconds, everything else
    is a number of concurrent tasks.
    """

    cores: int
    memory: int
    apple_silicon: bool
    tier: Tier
    hash: int
    copy: int
    verify: int
    exiftool: int
    ffprobe: int
    thumbnail: int
    video_proxy: int
    live_photo: int
    bagit: int
    location_stats: int
    poll_busy_ms: int
    poll_idle_ms: int


def profile_for(cores: int, memory: int, apple_silicon: bool = False) -> Profile:
    """The profile of a machine with `cores` logical processors and `memory` bytes.

    A tier requires both its cores and its memory. Apple Silicon is recorded, but changes no ceiling.
    """
    tier: Tier
    if cores >= 20 and memory >= 48 * GIB:
        tier, numbers = "beast", _beast(cores)
    elif cores >= 10 and memory >= 16 * GIB:
        tier, numbers = "high", _high(cores)
    elif cores >= 4 and memory >= 8 * GIB:
        tier, numbers = "medium", _medium(cores)
    else:
        tier, numbers = "low", _low(cores)
    return Profile(
        cores=cores,
        memory=memory,
        apple_silicon=apple_silicon,
        tier=tier,
        verify=numbers["hash"],
        **numbers,
    )


def detect() -> Profile:
    """The profile of this machine (psutil: logical processors, physical memory)."""
    import psutil  # imported here, because commands that only read the configuration do not need it

    # A Python built for Intel is translated on Apple Silicon and reports x86_64, so it counts as Intel.
    apple_silicon = platform.system() == "Darwin" and platform.machine() == "arm64"
    return profile_for(psutil.cpu_count() or 1, psutil.virtual_memory().total, apple_silicon)


def with_overrides(profile: Profile, numbers: Mapping[str, int]) -> Profile:
    """`profile` with some of its `OVERRIDABLE` replaced; each is independent (`hash` does not change `verify`).

    Raises `ConfigError` for a name that is not in `OVERRIDABLE`, or a number that is not an integer of at least 1.
    """
    for name, number in numbers.items():
        if name not in OVERRIDABLE:
            raise ConfigError(f"{name!r} is not a number of the profile.", f"Known: {', '.join(OVERRIDABLE)}.")
        if type(number) is not int or number < 1:
            raise ConfigError(f"{name} is {number!r}.", "Give an integer of at least 1.")
    return msgspec.structs.replace(profile, **numbers)


# Integer arithmetic, because 0.3 and 0.4 have no exact float, and a ceiling must not depend on rounding.


def _beast(cores: int) -> dict[str, int]:
    return {
        "hash": cores - 2,
        "copy": 24,
        "exiftool": cores // 2,
        "ffprobe": cores // 4,
        "thumbnail": cores // 2,
        "video_proxy": 4,
        "live_photo": 4,
        "bagit": 2,
        "location_stats": 4,
        "poll_busy_ms": 25,
        "poll_idle_ms": 100,
    }


def _high(cores: int) -> dict[str, int]:
    return {
        "hash": cores - 2,
        "copy": 16,
        "exiftool": cores * 2 // 5,
        "ffprobe": cores // 5,
        "thumbnail": cores * 2 // 5,
        "video_proxy": 2,
        "live_photo": 4,
        "bagit": 2,
        "location_stats": 4,
        "poll_busy_ms": 50,
        "poll_idle_ms": 150,
    }


def _medium(cores: int) -> dict[str, int]:
    return {
        "hash": max(2, cores - 2),
        "copy": 8,
        "exiftool": max(2, cores * 3 // 10),
        "ffprobe": 2,
        "thumbnail": max(2, cores * 3 // 10),
        "video_proxy": 1,
        "live_photo": 2,
        "bagit": 1,
        "location_stats": 2,
        "poll_busy_ms": 100,
        "poll_idle_ms": 300,
    }


def _low(cores: int) -> dict[str, int]:
    return {
        "hash": max(1, cores - 1),
        "copy": 4,
        "exiftool": 2,
        "ffprobe": 1,
        "thumbnail": 2,
        "video_proxy": 1,
        "live_photo": 1,
        "bagit": 1,
        "location_stats": 1,
        "poll_busy_ms": 200,
        "poll_idle_ms": 500,
    }
