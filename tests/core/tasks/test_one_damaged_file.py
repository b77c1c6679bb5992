"""One damaged file among many: counted in processes and tries, because seconds are the machine's."""

import os
from typing import Any

import pytest
from PIL import Image

from core.derivatives import proxy, run_program, thumbnails
from core.derivatives.messages import MakeProxy, MakeThumbnails, OrderRefusedError
from core.derivatives.pool import Maker, Makers
from core.tasks.exiftool import Exiftool
from core.tasks.exiftool_client import Daemon
from core.tasks.thumbnail import Thumbnail
from tests.core.tasks.itemrig import Files
from tests.rigs.making import X264, Archive, corners, film, rows, shown, written

pytestmark = pytest.mark.process

SOUND = 24
"""Sound files beside the damaged one; what it costs does not depend on how many there are."""


def content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def damages(folder: str) -> dict[str, bytes]:
    path = os.path.join(folder, "whole.jpg")
    Image.effect_noise((300, 200), 80).convert("RGB").save(path)
    whole = content(path)
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmp\xcdM:InstanceID="1"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    return {
        "cut off": whole[: len(whole) // 2],
        "only its head": whole[:200],
        "a byte in a name": whole[:2] + b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp + whole[2:],
        "a hole": whole[:3000] + bytes(4096) + whole[7096:],
        "no picture": bytes(range(256)) * 40,
        "all zeros": bytes(5000),
        "empty": b"",
    }


DAMAGES = ("cut off", "only its head", "a byte in a name", "a hole", "no picture", "all zeros", "empty")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the programs that a maker runs."""
    run, seen = run_program.run, list[str]()

    def counted(argv: Any, *arguments: Any, **options: Any) -> run_program.ProgramResult:
        if "-version" not in argv:  # asked once in a process
            seen.append(os.path.basename(argv[0]))
        return run(argv, *arguments, **options)

    monkeypatch.setattr(run_program, "run", counted)
    return seen


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_picture_runs_three_programs_at_most(
    tmp_path: os.PathLike[str], programs: list[str], damage: str
) -> None:
    """One each of ffprobe, ffmpeg and exiftool, and is final; a sound one runs none."""
    folder = str(tmp_path)

    def make(path: str) -> None:
        order = MakeThumbnails(os.fsencode(path), "jpg", False, os.fsencode(folder), "made")
        thumbnails.make(order, lambda _: None)

    sound = os.path.join(folder, "sound.jpg")
    corners(300, 200).save(sound)
    make(sound)
    assert programs == []
    try:
        make(written(os.path.join(folder, "a.jpg"), damages(folder)[damage]))
    except OrderRefusedError as error:
        final = error.final
    else:
        final = True
    assert final
    assert len(programs) == len(set(programs)) <= 3


async def test_no_process_is_started_anew(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds of damage among sound pictures, in one call of each queue: one maker and one exiftool for all."""
    started: list[str] = []
    start_maker, start_daemon = Makers._start, Daemon.start

    async def maker(self: Makers) -> Maker:
        started.append("maker")
        return await start_maker(self)

    async def daemon(executable: str) -> Daemon:
        started.append("exiftool")
        return await start_daemon(executable)

    monkeypatch.setattr(Makers, "_start", maker)
    monkeypatch.setattr(Daemon, "start", daemon)
    folder = str(tmp_path)
    held = Archive(os.path.join(folder, "archive"), os.path.join(folder, "scratch"))
    paths = []
    for number, data in enumerate(damages(folder).values()):
        paths.append(written(os.path.join(folder, f"damaged{number}.jpg"), data))
    for number in range(SOUND):
        corners(60 + number, 40).save(path := os.path.join(folder, f"sound{number}.jpg"))
        paths.insert(number * 2, path)
    jobs = [held.add(path) for path in paths]
    task, reader = Thumbnail(), Exiftool()
    results = await task.run(jobs, held, lambda _, __: None)
    found = await Files(paths).run(reader)
    await task.close()
    await reader.close()
    assert sorted(started) == ["exiftool", "maker"]
    assert not any(result.error for result in found)
    for job, path in zip(jobs, paths, strict=True):
        result = results[job.id]
        assert result.final or not result.error, (path, result.error)  # nothing is tried again
        if "sound" in path:
            assert len(rows(result)) == 3


def test_a_damaged_film_is_encoded_once(tmp_path: os.PathLike[str], programs: list[str]) -> None:
    """Its head is sound, its pictures are not: ffprobe twice, ffmpeg once, and it is final."""
    path = film(tmp_path, "a.mp4", *shown(), *X264)
    data = bytearray(content(path))
    start, index = data.index(b"mdat") + 4, data.index(b"moov") - 4
    end = len(data) if index < start else index
    data[start:end] = b"\xff" * (end - start)
    order = MakeProxy(os.fsencode(written(path, bytes(data))), os.fsencode(tmp_path), "made")
    with pytest.raises(OrderRefusedError) as caught:
        proxy.make(order, lambda _: None)
    assert caught.value.final
    assert programs.count("ffmpeg") == 1
    assert len(programs) <= 3
