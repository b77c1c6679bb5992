"""The log: one line for each event, whatever is in it."""

import json
import logging
import os
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core import log
from tests.tui.console.streams import pipe
from tests.tui.views import HOSTILE
from tui.console.log_lines import shown

NAME = "lading.test"


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Path]:
    handler = log.begin(str(tmp_path), size=4096, kept=2)
    yield tmp_path
    log.end(handler)


def lines(home: Path) -> list[str]:
    return list(log.last(str(home), 1000))


def test_an_event_is_one_line(begun: Path) -> None:
    logging.getLogger(NAME).warning("said %s", HOSTILE, extra={"path": b"a\xff\x7f", "reason": HOSTILE, "n": 7})
    (line,) = lines(begun)
    assert line.isprintable()
    assert line.isascii()
    noted = json.loads(line)
    assert (noted["level"], noted["from"], noted["message"]) == ("warning", NAME, f"said {HOSTILE}")
    assert (noted["reason"], noted["path"], noted["n"]) == (HOSTILE, "a\udcff\x7f", 7)


def test_a_traceback_stays_on_the_line(begun: Path) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger(NAME).exception("it failed")
    (line,) = lines(begun)
    assert line.isprintable()
    assert "in test_a_traceback_stays_on_the_line" in json.loads(line)["traceback"]


@given(some.text(some.characters(min_codepoint=0, max_codepoint=0x2FFF)))
def test_nothing_escapes(text: str) -> None:
    record = logging.makeLogRecord({"msg": "%s", "args": (text,), "name": text, "what": text, text or "x": text})
    line = log.JsonFormatter().format(record)
    assert line.isprintable()
    assert line.isascii()
    assert json.loads(line)["message"] == text


def test_it_is_private(begun: Path) -> None:
    logging.getLogger(NAME).info("x")
    assert (begun / "log").stat().st_mode & 0o077 == 0


def test_it_does_not_grow(begun: Path) -> None:
    for number in range(300):
        logging.getLogger(NAME).info("x" * 50, extra={"number": number})
    files = sorted((begun / "log").iterdir())
    assert [file.name for file in files] == ["engine.log", "engine.log.1", "engine.log.2"]
    assert all(file.stat().st_size <= 4096 for file in files)
    numbers = [json.loads(line)["number"] for line in lines(begun)]
    assert numbers == list(range(numbers[0], 300))
    assert [json.loads(line)["number"] for line in log.last(str(begun), 3)] == [297, 298, 299]


def test_there_need_not_be_one(tmp_path: Path) -> None:
    assert lines(tmp_path) == []


def test_it_can_be_followed_across_rotations(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "POLL_INTERVAL", 0.001)
    logging.getLogger(NAME).info("first", extra={"number": -1})
    follower = log.last(str(begun), 1, follow=True)
    assert json.loads(next(follower))["number"] == -1
    found: list[int] = []
    over = threading.Event()

    def write() -> None:
        for number in range(200):
            logging.getLogger(NAME).info("x" * 50, extra={"number": number})
            over.wait(0.001)
            # A follower finds the file that was moved last, and that of now: no more than one is missed.
            while number > len(found) + 15 and not over.wait(0.001):
                pass

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for line in islice(follower, 200):
            found.append(json.loads(line)["number"])  # noqa: PERF401 - the writer looks at it meanwhile
    finally:
        over.set()
        writing.join()
        follower.close()
    assert found == list(range(200))


def test_standard_streams_have_a_file_of_their_own(tmp_path: Path) -> None:
    for _ in range(2):
        with log.streams(str(tmp_path)) as file:
            file.write(b"x" * log.SIZE)
            file.write(b"y")
    path = tmp_path / "log" / log.STREAMS
    assert path.stat().st_size == log.SIZE + 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert not os.get_inheritable(file.fileno()) if not file.closed else True


def test_a_line_is_shown_to_a_person() -> None:
    out, _ = pipe()
    line = json.dumps(
        {
            "time": "2025-12-06T14:07:00.123+00:00",
            "level": "error",
            "from": "x",
            "message": HOSTILE,
            "path": HOSTILE,
        }
    )
    text = shown(line, out)
    assert text.isprintable()
    assert "error a" in text
    assert "path=a" in text
    for broken in ("", "no json", "[]", "{}", '{"time": 7}', "\x1b[2J"):
        assert shown(broken, out).isprintable()
    *_, last = shown(line[:-1] + ', "traceback": "a\\nb\\u001b"}', out).split("\n")
    assert last == "    b\\x1b"
