"""What holds for all tests."""

import gc
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings

from core import database, process_start, sqlite
from core.derivatives import pool as makers
from core.tasks import child_processes
from core.workers import pool as workers
from tests import query_plans
from tests.rigs import catalogs
from tests.rigs.forked_workers import ForkServers

# A shell starts its jobs in the background with SIGINT ignored, and every process below inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# And nohup(1) has SIGHUP ignored.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# An example that takes longer than others, or one that is long in the making, shows that the machine is busy.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


query_plans.watch()


def pytest_collection_finish() -> None:
    """Garbage collections pass over what is there by now: each would go through all tests for 0.2 s."""
    gc.freeze()


@pytest.fixture(autouse=True)
def indexed() -> Iterator[None]:
    """No statement of the program goes through a table that grows with the archive (tests.query_plans)."""
    yield
    if found := query_plans.found():
        pytest.fail("\n".join(found))


@pytest.fixture(autouse=True)
def unhurried() -> Iterator[None]:
    """Processes that were killed get more time to be gone: a machine that runs tests side by side is busy."""
    # Not the fixture `monkeypatch`: it would outlive what other fixtures have to undo.
    with pytest.MonkeyPatch.context() as patch:
        for module in (makers, child_processes, workers):
            patch.setattr(module, "EXIT_TIMEOUT", 10.0)
        yield


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A catalog of this program's version without a row."""
    return catalogs.empty(str(tmp_path_factory.mktemp("empty")))


@pytest.fixture(autouse=True)
def seeded(empty_catalog: str) -> Iterator[None]:
    """A database that this process makes is a copy of one that was made already: that takes half an engine's
    start. tests/core/test_database.py makes its own."""
    connect = sqlite.connect

    def copied(path: str) -> object:
        if not os.path.exists(path):
            try:
                shutil.copyfile(empty_catalog, path)
            except OSError:
                # A test has seen to it that none can be made.
                with suppress(OSError):
                    os.unlink(path)
        return connect(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "connect", copied)
        yield


@pytest.fixture(scope="session")
def fork_servers() -> Iterator[ForkServers | None]:
    """What forks processes for tests; macOS does not like processes that were forked and not executed."""
    if sys.platform == "darwin":
        yield None
        return
    made = ForkServers()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def forked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Workers and makers are forked, which spares them their imports (tests.rigs.forked_workers). The mark
    `shipped`: they are started as the program does it."""
    if request.node.get_closest_marker("process") is None or request.node.get_closest_marker("shipped"):
        yield
        return
    servers: ForkServers | None = request.getfixturevalue("fork_servers")
    with pytest.MonkeyPatch.context() as patch:
        if servers is not None:
            patch.setattr(process_start, "start", servers.start)
        yield
