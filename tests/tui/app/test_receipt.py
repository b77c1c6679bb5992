"""Saving a receipt from the app: its forms, where it lies, and that nothing is replaced."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.protocol.import_requests import GetReport
from tests.tui.app.pilot import Running, running
from tests.tui.app.records import RECORDS, engine, opened
from tui.screens import receipt
from tui.screens.prompt import Ask
from tui.screens.task import Task
from tui.widgets.text import Text

pytestmark = pytest.mark.terminal

NAME = RECORDS[0].id


async def asked_where(app: Running) -> None:
    await opened(app, "G", "v")
    await app.until(lambda: "BILL OF LADING" in app.text)
    await app.press("s")
    assert isinstance(app.app.screen, Ask)


@pytest.mark.parametrize("ending", [".txt", ".json", ".csv", ".tsv"])
async def test_it_is_saved_in_the_form_that_its_ending_says(tmp_path: Path, ending: str) -> None:
    fake = engine()
    path = tmp_path / f"receipt{ending}"
    async with running(None, fake=fake, settings=Config(home=str(tmp_path))) as app:
        await asked_where(app)
        await app.type(str(path))
        await app.press("enter")
        await app.until(lambda: "Saved, 64 B:" in app.text)
        assert isinstance(app.app.screen, Task)
        assert app.app.screen.query_one(Text).text[1] == str(path)
        assert path.read_text() == fake.receipts[NAME]
        assert fake.forms[-1] == receipt.FORMS[ending]


async def test_the_forms_are_offered(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=Config(home=str(tmp_path))) as app:
        await asked_where(app)
        await app.until(lambda: f"~/{NAME}.tsv" in app.text)
        assert all(f"~/{NAME}{ending}" in app.text for ending in receipt.FORMS)


async def test_html_is_the_report(tmp_path: Path) -> None:
    fake = engine()
    fake.answers[GetReport] = None
    async with running(None, fake=fake, settings=Config(home=str(tmp_path))) as app:
        await asked_where(app)
        await app.type(str(tmp_path / "a.html"))
        await app.press("enter")
        await app.until(lambda: "Its pictures are those of the archive" in app.text)
        assert ("call", GetReport(name=NAME)) in fake.asked


async def test_what_is_there_is_not_replaced_and_the_text_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("mine")
    async with running(None, fake=engine(), settings=Config(home=str(tmp_path))) as app:
        await asked_where(app)
        await app.type(str(path))
        await app.press("enter")
        await app.until(lambda: "It is there already: another name" in app.text)
        assert path.name in app.text
        await app.press("end", "x", "enter")
        await app.until(lambda: "End it with .pdf, .html" in app.text)
        await app.press("escape")
        assert path.read_text() == "mine"
        assert os.listdir(tmp_path) == ["mine.txt"]


async def test_what_comes_to_be_there_meanwhile_is_not_replaced_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "late.txt"

    async def contents(*_: object) -> bytes:
        path.write_text("of another")
        return b"receipt"

    monkeypatch.setattr(receipt, "contents", contents)
    async with running(None, fake=engine(), settings=Config(home=str(tmp_path))) as app:
        await asked_where(app)
        await app.type(str(path))
        await app.press("enter")
        await app.until(lambda: "save receipt: not done" in app.text)
        told = app.app.screen.query_one(Text).text
        assert "is there already." in " ".join(told)
        assert path.read_text() == "of another"


async def test_a_place_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted_again = threading.Event()
    monkeypatch.setattr(receipt, "WRITE_TIMEOUT", 0.05)
    monkeypatch.setattr(receipt, "_write", lambda path, data: mounted_again.wait())
    try:
        async with running(None, fake=engine(), settings=Config(home=str(tmp_path))) as app:
            await asked_where(app)
            await app.type(str(tmp_path / "one.txt"))
            await app.press("enter")
            await app.until(lambda: "save receipt: not done" in app.text)
            told = " ".join(app.app.screen.query_one(Text).text)
            assert "its volume does not answer" in told
            assert "fault of the program" not in told
    finally:
        mounted_again.set()


async def test_a_pdf_is_made_in_a_thread_with_the_pictures_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    fake = engine()
    fake.pictures = {"ab": b"picture"}

    async def report(read: object, name: str, picture: Any) -> bytes:
        assert asyncio.get_running_loop() is not loop
        return name.encode() + bytes(await picture("ab"))

    class Catalog:
        read = None

        def __init__(self, home: str) -> None:
            assert home == str(tmp_path)

        def close(self) -> None:
            pass

    monkeypatch.setattr("core.reports.pdf.report", report)
    monkeypatch.setattr("core.server.offline.ReadOnlyDatabase", Catalog)
    assert await receipt.contents(fake, str(tmp_path), NAME, "pdf") == NAME.encode() + b"picture"


WRITTEN = Path(__file__).parents[2] / "core/receipts/written/d9fee47/receipt.txt"


@pytest.mark.parametrize(
    ("verdict", "title"),
    [
        ("KEEP: 3 left out (such as left out.tmp)", "RECEIPT, KEEP"),
        ("SAFE", "RECEIPT, SAFE"),
        ("none yet (to do: 4)", "RECEIPT, no verdict"),
    ],
)
async def test_the_title_has_the_verdict_that_stands_further_down(
    tmp_path: Path, verdict: str, title: str
) -> None:
    fake, written = engine(), WRITTEN.read_text()
    (line,) = [line for line in written.splitlines() if line.startswith("Verdict ")]
    fake.receipts[NAME] = written.replace(line, f"Verdict     {verdict}")
    async with running(None, fake=fake, settings=Config(home=str(tmp_path))) as app:
        await opened(app, "G", "v")
        await app.until(lambda: "BILL OF LADING" in app.text)
        assert f"Verdict     {verdict}" not in app.text, "it is on the second page"
        assert title in app.text.splitlines()[0]
