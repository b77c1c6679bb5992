"""What processes load: no decoders of pictures where they could crash more than one picture, and in those that
start often nothing that only makes their start longer."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

DECODERS = {"PIL", "pillow_heif", "rawpy", "numpy"}
SLOW = {"typing_extensions", "inspect", "traceback", "socket", "xml", "asyncio", "logging"}
"""Modules that a worker does without; together they are a third of its start."""


def loaded(module: str) -> set[str]:
    """The modules and packages that a process has loaded after importing `module`."""
    code = f"import sys, {module}; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in said.stdout.split()}


@pytest.mark.parametrize("module", ["core.server.daemonize", "core.server.lifecycle"])
def test_the_engine_loads_no_decoder(module: str) -> None:
    assert not loaded(module) & DECODERS


def test_a_worker_loads_neither_decoders_nor_what_is_slow() -> None:
    assert not loaded("core.workers.main") & (DECODERS | SLOW)


@pytest.mark.parametrize("module", ["core.derivatives.main", "core.tasks.exiftool_process"])
def test_other_processes_import_msgspec_in_the_cheap_way(module: str) -> None:
    assert "typing_extensions" not in loaded(module)


def test_the_engine_imports_msgspec_and_asyncio_in_the_cheap_way() -> None:
    # Its first argument is no number, which ends it once everything is imported.
    code = """
import os, sys
from core.server import daemonize
os.fork, sys.argv = lambda: 0, ["daemonize", "none"]
try:
    daemonize.main()
except ValueError:
    print(*sys.modules)
"""
    said = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert {"core.server.lifecycle", "asyncio"} <= set(said.stdout.split())
    assert not {"typing_extensions", "ssl"} & set(said.stdout.split())


def test_the_app_starts_in_the_cheap_way() -> None:
    code = """
import gc, sys
from tui import start
from tui.console.output import console
start.show = lambda app, console: print(*sys.modules, "garbage is looked for" if gc.isenabled() else "")
start.run(console())
"""
    said = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert {"tui.app", "asyncio"} <= set(said.stdout.split())
    assert "ssl" not in said.stdout.split()
    assert "garbage is looked for" not in said.stdout


def test_they_would_be_seen() -> None:
    assert {"PIL", "typing_extensions"} <= loaded("core.derivatives.main, typing_extensions")
    assert loaded("core.server.lifecycle, typing_extensions") >= SLOW
    assert "ssl" in loaded("core.server.lifecycle")


def test_msgspec_does_the_same_without_typing_extensions() -> None:
    said = """
import core.light_start
import sys, typing, msgspec
assert "typing_extensions" not in sys.modules
class One(msgspec.Struct):
    many: typing.Annotated[list[int], msgspec.Meta(max_length=2)] = []
class Two(typing.TypedDict):
    wanted: typing.Required[int]
    other: typing.NotRequired[str]
assert msgspec.json.decode(b'{"many": [1]}', type=One).many == [1]
assert msgspec.json.decode(b'{"wanted": 1}', type=Two) == {"wanted": 1}
import typing_extensions
"""
    subprocess.run([sys.executable, "-P", "-c", said], check=True)


def test_asyncio_does_the_same_without_ssl_and_tls_is_there_for_others() -> None:
    said = """
from core import light_start
light_start.import_asyncio()
import asyncio, sys
assert "ssl" not in sys.modules
async def talk():
    async def answer(reader, writer):
        writer.write(await reader.readexactly(2))
        writer.close()
    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"on")
        assert await reader.read() == b"on"
        writer.close()
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec("cat", stdin=pipe, stdout=pipe)
    assert (await child.communicate(b"in"))[0] == b"in"
asyncio.run(talk())
import ssl
assert ssl.create_default_context().check_hostname
"""
    subprocess.run([sys.executable, "-P", "-W", "error", "-c", said], check=True)
