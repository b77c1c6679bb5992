"""The processes around exiftool: used again, replaced when they are sick, gone when nobody needs them."""

import asyncio
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psutil
import pytest
from PIL import Image

from core import tools, vital_threads
from core.tasks import exiftool, exiftool_process
from core.tasks.exiftool import FILES_PER_REQUEST, Exiftool
from core.tasks.exiftool_client import Daemon, DaemonLostError
from tests.core.tasks.itemrig import Files, behind, children, rows, runs, wait_until_gone
from tests.rigs.media import make_media
from tests.rigs.stopped import stopped

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return make_media(os.fsencode(tmp_path_factory.mktemp("media")))


@pytest.fixture
async def task() -> AsyncIterator[Exiftool]:
    task = Exiftool()
    yield task
    await task.close()


def fake(folder: Path, script: str) -> str:
    """An exiftool that answers nothing but its version; for `search`."""
    file = folder / "exiftool"
    file.write_text(f'#!/bin/sh\nif [ "$1" = -ver ]; then echo 12.99; exit; fi\n{script}\n')
    file.chmod(0o755)
    return str(folder)


def daemons() -> list[psutil.Process]:
    return children(said="stay_open")


async def until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - other processes set no events
        await asyncio.sleep(0.01)


async def only_daemon() -> psutil.Process:
    await until(daemons)
    return daemons()[0]


async def test_one_daemon_serves_many_calls(task: Exiftool, media: list[bytes]) -> None:
    files = Files(media * 3)
    await files.run(task)
    (first,) = daemons()
    await files.run(task)
    assert daemons() == [first]
    assert {job for job, part in files.beats if part == 1.0} == {job.id for job in files.jobs("")}
    nice = await asyncio.to_thread(first.nice)
    assert nice == behind()
    await task.close()
    assert wait_until_gone([first])


async def test_a_killed_daemon_is_replaced(task: Exiftool, media: list[bytes]) -> None:
    files = Files(media)
    await files.run(task)
    first = await only_daemon()
    first.kill()
    assert wait_until_gone([first])
    assert len(rows("metadata", await files.run(task))) == len(media)


async def test_a_daemon_killed_at_work_is_replaced(task: Exiftool, media: list[bytes]) -> None:
    files = Files(media * 20)
    work = asyncio.create_task(files.run(task))
    await until(lambda: files.beats)
    (await only_daemon()).kill()
    assert len(rows("metadata", (await work)[: len(media)])) == len(media)
    assert not any(result.error for result in await work)


async def test_a_stopped_daemon_is_killed_and_replaced(
    media: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Exiftool()
    start = Daemon.start

    async def patiently(path: str) -> Daemon:
        task.chunk_timeout = exiftool.CHUNK_TIMEOUT
        return await start(path)

    try:
        files = Files(media)
        await files.run(task)
        first = await only_daemon()
        first.suspend()
        before = psutil.Process().cpu_times()
        # Only for the one that is stopped: another one may take its time.
        monkeypatch.setattr(Daemon, "start", patiently)
        task.chunk_timeout = 3.0
        results = await files.run(task)
        after = psutil.Process().cpu_times()
        assert len(rows("metadata", results)) == len(media)
        assert wait_until_gone([first])
        assert after.user - before.user < 0.7
    finally:
        await task.close()
    assert wait_until_gone(children())


async def test_a_daemon_is_not_lost_because_the_machine_slept(
    task: Exiftool, media: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Daemon._answer

    async def slept(self: Daemon, count: int) -> list[exiftool_process.Read]:
        stopped()
        await asyncio.sleep(0)  # what is due by now is done first
        return await answer(self, count)

    files = Files(media)
    await files.run(task)
    before = daemons()
    monkeypatch.setattr(Daemon, "_answer", slept)
    assert len(rows("metadata", await files.run(task))) == len(media)
    assert daemons() == before


async def test_a_poisoned_file_fails_alone(tmp_path: Path, media: list[bytes]) -> None:
    """An exiftool that dies of one name, and would take its whole chunk with it."""
    real = tools.find("exiftool")
    code = f"""
import os, subprocess, sys, threading
child = subprocess.Popen(["{real}", *sys.argv[1:]], stdin=subprocess.PIPE)
for line in sys.stdin.buffer:
    if line.endswith(b"poison.jpg\\n"):
        child.kill()
        os._exit(1)
    child.stdin.write(line)
    child.stdin.flush()
"""
    (tmp_path / "fake.py").write_text(code)
    search = fake(tmp_path, f'exec {sys.executable} {tmp_path}/fake.py "$@"')
    shutil.copyfile(media[0], tmp_path / "poison.jpg")
    task = Exiftool(search=search)
    try:
        results = await Files([media[0], media[1], tmp_path / "poison.jpg", media[2]]).run(task)
    finally:
        await task.close()
    assert [bool(result.error) for result in results] == [False, False, True, False]
    assert "ended" in results[2].error
    assert wait_until_gone(children())


async def test_a_volume_that_hangs_is_given_up(
    tmp_path: Path, media: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    start = Daemon.start

    async def counted(path: str) -> Daemon:
        started.append(path)
        return await start(path)

    monkeypatch.setattr(Daemon, "start", counted)
    task = Exiftool(patience=0.5, search=fake(tmp_path, "exec sleep 1000"))
    try:
        results = await Files([media[0]] * 3 * FILES_PER_REQUEST).run(task)
    finally:
        await task.close()
    assert all("no answer" in result.error and not result.final for result in results)
    assert len(started) == exiftool.LOSSES
    assert wait_until_gone(children())


async def test_an_exiftool_that_dies_at_once(tmp_path: Path, media: list[bytes]) -> None:
    task = Exiftool(search=fake(tmp_path, "exit 1"))
    try:
        (result,) = await Files(media[:1]).run(task)
    finally:
        await task.close()
    assert "ended" in result.error
    assert wait_until_gone(children())


async def test_cancelling_leaves_no_process(task: Exiftool, media: list[bytes]) -> None:
    work = asyncio.create_task(Files(media * 50).run(task))
    await only_daemon()
    before = children()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert wait_until_gone(before)
    assert wait_until_gone(children())


async def test_closing_ends_what_works(media: list[bytes]) -> None:
    task = Exiftool()
    work = asyncio.create_task(Files(media * 50).run(task))
    await only_daemon()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await task.close()
    assert wait_until_gone(children())


async def test_a_daemon_that_nobody_needs_ends(monkeypatch: pytest.MonkeyPatch, media: list[bytes]) -> None:
    monkeypatch.setattr(exiftool, "IDLE_TIMEOUT", 0.2)
    task = Exiftool()
    await Files(media).run(task)
    assert await asyncio.to_thread(wait_until_gone, children())
    assert len(rows("metadata", await Files(media).run(task))) == len(media)
    await task.close()


def test_daemons_die_with_the_engine(tmp_path: Path, media: list[bytes]) -> None:
    code = """
import asyncio, sys
from core.tasks.exiftool import Exiftool
from tests.core.tasks.itemrig import Files
asyncio.run(Files([sys.argv[1]] * 20000).run(Exiftool()))
"""
    engine = subprocess.Popen([sys.executable, "-c", code, media[0]])
    end = time.monotonic() + 60
    while time.monotonic() < end and len(found := psutil.Process(engine.pid).children(recursive=True)) < 2:
        time.sleep(0.05)
    assert len(found) == 2
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    assert wait_until_gone(found)


def _with_damaged_name(file: Path) -> Path:
    """A picture whose XMP has a byte in a name that is not UTF-8; exiftool hands it on as it is."""
    blob = io.BytesIO()
    Image.new("RGB", (8, 8)).save(blob, "JPEG")
    xmp = (
        b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="2024-05-06T07:08:09" xmp\xcdM:Made="1"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    jpeg = blob.getvalue()
    file.write_bytes(jpeg[:2] + b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp + jpeg[2:])
    return file


async def test_a_damaged_name_of_a_tag_costs_nothing(task: Exiftool, media: list[bytes], tmp_path: Path) -> None:
    damaged = _with_damaged_name(tmp_path / "damaged.jpg")
    results = await Files([media[0], damaged, media[1]]).run(task)
    found = rows("metadata", results)
    assert [row["error"] for row in found] == [None, None, None]
    assert found[1]["captured_local"] == "2024-05-06T07:08:09"
    assert len(daemons()) == 1


def values(json: bytes) -> exiftool_process.Values:
    return msgspec.json.decode(json, type=exiftool_process.Values)


def printed_first(json: bytes) -> bytes:
    return msgspec.json.encode(exiftool_process.with_printed(values(json)))


class Told:
    """An exiftool that answers with the given JSON, by the path of a file."""

    last_stderr = b""

    def __init__(self, **answers: bytes) -> None:
        self.answers = answers

    def execute(self, *paths: bytes, raw_bytes: bool) -> bytes:
        assert raw_bytes
        return b"[" + b",".join(self.answers[path.decode()] for path in paths) + b"]"


def test_what_cannot_be_taken_apart_fails_alone() -> None:
    """Lists in lists without an end raise RecursionError, which is no DecodeError."""
    deep = b'{"SourceFile":"b","A:Deep":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    sound, sick = exiftool_process.read(Told(a=b'{"SourceFile":"a","IFD0:Make":"A"}', b=deep), [b"a", b"b"])
    assert isinstance(sound, dict)
    found = exiftool_process.parsed(sound).metadata
    assert found is not None
    assert found.make == "A"
    assert isinstance(sick, exiftool_process.Read)
    assert sick.metadata is not None
    assert sick.metadata.error == "exiftool's answer makes no sense"
    assert exiftool_process.parsed({"A:Deep": msgspec.Raw(b"[" * 50_000 + b"]" * 50_000)}) == sick


def test_printed_values_replace_numbers() -> None:
    printed = b'"Composite:AsPrinted":[["Canon:SerialNumber","0012"],["JSON:TimeZone",[1.50,true]]]'
    json = (
        b'{"SourceFile":"a","IFD0:Make":"A","Canon:SerialNumber":12,"JSON:TimeZone":1,"A:B":1.0,' + printed + b"}"
    )
    assert printed_first(json) == (
        b'{"Canon:SerialNumber":"0012","JSON:TimeZone":[1.50,true],"SourceFile":"a","IFD0:Make":"A","A:B":1.0}'
    )
    assert printed_first(b'{"A:B":1.0,"Composite:AsPrinted":[]}') == b'{"A:B":1.0}'
    assert printed_first(b'{"Error":"Error opening file"}') == b'{"Error":"Error opening file"}'


async def test_a_reader_that_fails_ends_its_process() -> None:
    """A request that is no list of paths kills the listening thread: the loss is seen, not waited for."""
    daemon = await Daemon.start(tools.find("exiftool") or "")
    try:
        assert daemon.child.process.stdin is not None
        daemon.child.process.stdin.write((1).to_bytes(4, "big") + b"\xc1")
        with pytest.raises(DaemonLostError, match=f"status {vital_threads.THREAD_FAILED}"):
            await daemon.answer(1, exiftool.CHUNK_TIMEOUT)
    finally:
        daemon.kill()
        await daemon.child.gone()


async def begun(parent: str, *, watched: bool, lines: int) -> tuple[asyncio.subprocess.Process, int]:
    """A shell, and the id of an exiftool that it has started, with no more input than a request for its version;
    `parent` is told to exiftool as the id of the shell's process. `lines`: how many the two have written then."""
    exported = {exiftool_process.PARENT: parent} | ({exiftool_process.WATCHED: "1"} if watched else {})
    settings = " ".join(f"{name}={value}" for name, value in exported.items())
    tool = f'{settings} exiftool -config "$1" -stay_open True -@ -'
    line = f'printf "%s\\n" -ver -execute | {tool} & echo $!; wait'
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", line, "sh", exiftool_process.CONFIG), stdout=asyncio.subprocess.PIPE
    )
    assert shell.stdout
    said = [(await shell.stdout.readline()).strip() for _ in range(lines)]
    (number,) = (one for one in said if one.isdigit())
    return shell, int(number)


async def test_exiftool_that_was_left_before_it_had_begun_ends() -> None:
    """Linux would tell it of its parent's end, but is asked to only after the start."""
    shell, tool = await begun("999999999", watched=False, lines=1)
    try:
        async with asyncio.timeout(60):
            await shell.communicate()
    except TimeoutError:
        os.kill(tool, signal.SIGKILL)
        raise


async def test_exiftool_ends_with_the_process_around_it() -> None:
    """Other systems than Linux tell it nothing, and it waits for more input for ever."""
    shell, tool = await begun("$$", watched=True, lines=3)
    other, another = await begun("$$", watched=False, lines=3)
    watched, control = psutil.Process(tool), psutil.Process(another)
    try:
        (watcher,) = watched.children()
        shell.kill()
        other.kill()
        assert await asyncio.to_thread(wait_until_gone, [watched, watcher])
        assert runs(control)
    finally:
        control.kill()
        await asyncio.gather(shell.communicate(), other.communicate())
