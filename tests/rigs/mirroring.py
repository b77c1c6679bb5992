"""A child process that mirrors, so that it can be killed: `python -m tests.rigs.mirroring HOME FROM TO`."""

import asyncio
import os
import subprocess
import sys

from core.config import Config
from core.engine import engine as module
from tests.core.importing.rig import Still, StillWatch
from tests.rigs.importing import ROOT


async def mirror(home: str, source: str, target: str) -> None:
    """Mirror to the end; jobs left by the import are not run."""
    vars(module)["JobService"] = Still
    vars(module)["EndedImports"] = StillWatch
    engine = module.Engine(Config(home=home))
    await engine.start()
    try:
        name = await engine.mirrors.start(source, target, both=False)
        await engine.mirrors.wait(name)
        (result,) = await engine.mirrors.results(name)
        assert result.lacking_count == 0, result.lacking
    finally:
        await engine.stop()


def child(home: str, source: str, target: str) -> "subprocess.Popen[bytes]":
    """Start the mirroring process, in its own process group."""
    paths = [ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "tests.rigs.mirroring", home, source, target]
    return subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL, process_group=0)


def finish(home: str, source: str, target: str) -> None:
    """Mirror, and wait for the end. Raises CalledProcessError, TimeoutExpired."""
    with child(home, source, target) as process:
        if code := process.wait(120):
            raise subprocess.CalledProcessError(code, process.args)


if __name__ == "__main__":
    asyncio.run(mirror(*sys.argv[1:4]))
