"""What lies in iCloud only, and whether it is fetched."""

import pytest

from core.files.dataless import fetch


@pytest.mark.parametrize(("allowed", "policy"), [(True, 2), (False, 1)])
def test_macos_is_told_by_a_policy_of_the_process(allowed: bool, policy: int) -> None:
    told: list[tuple[int, int, int]] = []

    def set_policy(kind: int, scope: int, value: int) -> int:
        told.append((kind, scope, value))
        return 0

    fetch(allowed, "darwin", set_policy)
    assert told == [(3, 0, policy)]


def test_no_other_system_is_told() -> None:
    fetch(True, "linux", lambda *_: pytest.fail("asked"))


def test_a_system_without_the_call_does_without() -> None:
    def missing(kind: int, scope: int, value: int) -> int:
        raise AttributeError

    fetch(True, "darwin", missing)
