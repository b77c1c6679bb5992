"""The engine's process loads no decoders of pictures, because they can crash and take long to load."""

import subprocess
import sys

import pytest

DECODERS = ("PIL", "pillow_heif", "rawpy", "numpy")


def loaded(module: str) -> set[str]:
    """The modules of DECODERS that a process has loaded after importing `module`."""
    code = f"import sys, {module}; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in said.stdout.split()} & set(DECODERS)


@pytest.mark.process
@pytest.mark.parametrize("module", ["core.server.daemonize", "core.server.lifecycle", "core.workers.main"])
def test_no_decoder_is_loaded(module: str) -> None:
    assert not loaded(module)


@pytest.mark.process
def test_it_would_be_seen() -> None:
    assert "PIL" in loaded("core.derivatives.main")
