"""Mails and Apprise's services: what a real server receives, and what is said when it does not."""

import asyncio
import io
import json
import ssl
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from core.engine import apprise_process
from core.engine.hook_delivery import deliver, letter
from core.engine.hook_message import Ending
from core.models import Verdict
from core.presets import Hook, Mail

pytestmark = pytest.mark.process

ENDING = Ending(
    id="20261129-120000-0a1b2c3d",
    label="A001 Zürich",
    source="/Volumes/EOS",
    archive="/Volumes/NAS/archive",
    location="Wedding",
    location_folder="wedding-0a1b2c",
    state="done",
    verdict=Verdict.SAFE,
    reason="",
    seen=12,
    archived=10,
    duplicate=2,
    skipped=0,
    junk=0,
    failed=0,
    levels={"medium": 10},
    copies={"/Volumes/B/archive": 12},
    receipt="locations/wedding-0a1b2c/lading/20261129-120000-0a1b2c3d",
    receipt_sha256="ab" * 32,
    started="2026-11-29T12:00:00+00:00",
    ended="2026-11-29T12:01:00+00:00",
)


class Mailbox:
    """What an SMTP server has received."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.secure: list[bool] = []
        self.users: list[tuple[bytes, bytes]] = []
        self.refuses = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.secure.append(session.ssl is not None)
        return "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, told: LoginPassword) -> AuthResult:
        self.users.append((told.login, told.password))
        return AuthResult(success=told.password == b"secret", handled=False)


PASSWORD = {"user": "ada", "password_env": "MAIL_PASSWORD"}


@asynccontextmanager
async def serving(**how: Any) -> AsyncIterator[Mailbox]:
    """An SMTP server on the loopback."""
    box = Mailbox()
    make = partial(SMTP, box, authenticator=box.login, **how)
    async with await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0) as server:
        box.port = server.sockets[0].getsockname()[1]
        yield box


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    paths = str(folder / "certificate.pem"), str(folder / "key.pem")
    name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name)
    subprocess.run([*made, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def secure(certificate: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def mail(box: Mailbox, **how: Any) -> Hook:
    given = {"security": "none"} | how
    to = ("ada@there", "bo@there")
    return Hook(mail=Mail(host="127.0.0.1", port=box.port, sender="lading@here", to=to, **given))


async def test_a_mail_tells_the_facts_in_words_and_as_json() -> None:
    async with serving() as box:
        assert await deliver(mail(box), ENDING) == ""
    (got,) = box.mails
    assert (got["From"], got["To"], got["Subject"]) == (
        "lading@here",
        "ada@there, bo@there",
        "Lading: SAFE A001 Zürich",
    )
    body, attached = got.get_body(), list(got.iter_attachments())
    assert body is not None
    assert "Verified: 10 read back from the medium" in body.get_content()
    assert "Also in /Volumes/B/archive: 12 verified" in body.get_content()
    assert attached[0].get_filename() == f"{ENDING.id}.json"
    assert msgspec.json.decode(attached[0].get_content(), type=Ending) == ENDING


@pytest.mark.parametrize("way", ["environment", "command"])
async def test_a_password_goes_only_through_starttls(
    way: str, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    printed = (sys.executable, "-c", "print('secret'); print('user: ada')")
    password = {"password_env": "MAIL_PASSWORD"} if way == "environment" else {"password_command": printed}
    async with serving(tls_context=secure(certificate), require_starttls=True) as box:
        assert await deliver(mail(box, security="starttls", user="ada", **password), ENDING) == ""
    assert (box.users, box.secure) == ([(b"ada", b"secret")], [True])


async def test_where_starttls_is_not_offered_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    async with serving(auth_require_tls=False) as box:
        why = await deliver(mail(box, security="starttls", **PASSWORD), ENDING)
    assert "STARTTLS" in why
    assert (box.users, box.mails) == ([], [])


async def test_a_certificate_that_nobody_signed_is_refused(certificate: tuple[str, str]) -> None:
    async with serving(tls_context=secure(certificate)) as box:
        assert "certificate verify failed" in await deliver(mail(box, security="starttls"), ENDING)
    assert box.mails == []


async def test_what_a_server_refuses_is_said(
    certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    monkeypatch.setenv("MAIL_PASSWORD", "wrong")
    async with serving(tls_context=secure(certificate)) as box:
        asked = mail(box, security="starttls", **PASSWORD)
        assert (await deliver(asked, ENDING)).startswith("535 ")
        monkeypatch.delenv("MAIL_PASSWORD")
        assert await deliver(asked, ENDING) == "the engine's environment has no MAIL_PASSWORD"
        box.refuses = True
        assert "ada@there: 550 nobody of that name" in await deliver(mail(box), ENDING)
    asked = mail(box, user="ada", security="starttls", password_command=(sys.executable, "-c", ""))
    assert await deliver(asked, ENDING) == "password_command: it prints nothing"
    assert "refused" in (await deliver(mail(box), ENDING)).lower(), "no server is there any more"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_an_address_that_sends_elsewhere_was_not_told(code: int) -> None:
    asked: list[tuple[str, str]] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.command, self.path))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(code)
            self.send_header("Location", "/there")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            asked.append((self.command, self.path))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with answering(Elsewhere) as port:
        told = await deliver(Hook(url=f"http://127.0.0.1:{port}/here"), ENDING)
    assert told.startswith(f"HTTP Error {code}")
    assert asked == [("POST", "/here")]


async def test_a_command_that_says_without_end_takes_no_memory() -> None:
    said = "echo it is broken >&2; head -c 64000000 /dev/zero >&2; exit 7"
    tracemalloc.start()
    try:
        told = await deliver(Hook(command=("sh", "-c", said)), ENDING)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told.startswith("status 7: it is broken")
    assert peak < 8_000_000


async def test_a_command_that_reads_nothing_was_told() -> None:
    assert await deliver(Hook(command=("true",)), ENDING) == ""


def test_no_name_can_add_a_line_to_a_header() -> None:
    hostile = msgspec.structs.replace(ENDING, label="A\r\nBcc: eve@there\u2028x")
    made = letter(Mail(host="h", sender="a@b", to=("c@d",)), hostile)
    assert made["Subject"] == "Lading: SAFE A Bcc: eve@there x"
    assert made["Bcc"] is None


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """A web server; its port."""
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def posted_to() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A web server: its port, and the JSON that it received."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with answering(Handler) as port:
        yield port, got


async def test_services_are_told_by_apprise() -> None:
    with posted_to() as (port, got):
        hook = Hook(apprise=(f"json://127.0.0.1:{port}/", f"json://127.0.0.1:{port}/two"), timeout=120)
        assert await deliver(hook, ENDING) == ""
        assert [(one["title"], one["type"]) for one in got] == [("Lading: SAFE A001 Zürich", "success")] * 2
        assert "Verified: 10 read back from the medium" in got[0]["message"]
        unknown = Hook(apprise=(f"json://127.0.0.1:{port}/", "nosuch://secret"), timeout=120)
        why = await deliver(unknown, ENDING)
    assert "no service of Apprise: nosuch" in why
    assert "secret" not in why
    gone = await deliver(Hook(apprise=(f"json://127.0.0.1:{port}/",), timeout=120), ENDING)
    assert "a service did not take it" in gone


def test_without_apprise_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setattr("sys.stdin", io.StringIO('{"urls": []}'))
    assert apprise_process.main() == apprise_process.NO_APPRISE
