"""How long the fuzzing goes on: a few seconds in `make test`, more in `make faults` (LADING_FUZZ)."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("LADING_FUZZ", "1"))


def examples(count: int) -> settings:
    """So many examples, times LADING_FUZZ."""
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=count * TIMES, deadline=None, suppress_health_check=checks)
