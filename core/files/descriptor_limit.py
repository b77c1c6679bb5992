"""How many files this process may have open at a time."""

import resource
from contextlib import suppress

WANTED = 4096
"""The limit to ask for; macOS starts with 256."""


def raise_limit() -> None:
    """Raise the limit to WANTED, or as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def share(most: int) -> int:
    """`most`, but at least 1 and no more than a quarter of the limit: what keeps files open leaves room for the
    rest."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if soft == resource.RLIM_INFINITY else max(1, min(most, soft // 4))
