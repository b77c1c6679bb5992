"""The limit on reading: workers have their share of it, and all arrives."""

import msgspec
import pytest

from core.engine.engine import Engine
from core.models import Verdict
from core.workers.shared_memory import PACE
from tests.core.importing.rig import Rig, expected, videos

pytestmark = pytest.mark.process


async def test_workers_share_the_limit(rig: Rig) -> None:
    videos(rig, 2)
    await rig.engine.stop()
    rig.engine = Engine(msgspec.structs.replace(rig.config(), read_limit=400))
    await rig.engine.start()
    name = await rig.begun()
    await rig.until(lambda: any(worker.slot.get(PACE) for worker in rig.engine.pool.busy()))
    paces = [worker.slot.get(PACE) for worker in rig.engine.pool.busy()]
    assert all(0 <= pace <= 400_000_000 for pace in paces)
    view = await rig.ended(name)
    assert view.verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)
