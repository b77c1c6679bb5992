"""Telling one hook of an import's end, once: by a command, by POST, by a mail, or by the services of Apprise.

Each function returns why that failed; an empty text means that it did not.
"""

import asyncio
import os
import signal
import smtplib
import ssl
import sys
import urllib.request
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from http.client import HTTPException

import msgspec

from core.aio import time_limit
from core.engine.hook_message import Ending
from core.presets import Hook, Mail
from core.threads import aside

ERROR_BYTES = 500
"""The most bytes of a failed command's standard error that are told."""

PRINTED_BYTES = 1 << 16
"""The most bytes of a command's standard output that are read for a password."""


async def deliver(hook: Hook, message: Ending) -> str:
    """Tell `hook`, within its time-out."""
    try:
        if hook.mail is not None:
            return await _mail(hook.mail, message, hook.timeout)
        if hook.apprise:
            return await _apprise(hook, message)
        data = msgspec.json.encode(message)
        return await (_post(hook, data) if hook.url else _run(hook.command, data, hook.timeout))
    except TimeoutError:
        return f"it took longer than {hook.timeout} s"


async def _run(command: tuple[str, ...], data: bytes, seconds: float) -> str:
    """Run a command with `data` on its standard input."""
    why, _ = await _output(command, data, seconds)
    return why


async def _output(
    command: tuple[str, ...], data: bytes, seconds: float, out: int = asyncio.subprocess.DEVNULL
) -> tuple[str, bytes]:
    """Run a command. Returns why it failed, and its standard output where `out` is a pipe."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=asyncio.subprocess.PIPE,
            process_group=0,
        )
    except (OSError, ValueError) as error:
        return f"it cannot be started: {getattr(error, 'strerror', None) or error}", b""
    printed, said = bytearray(), bytearray()
    try:
        async with time_limit(seconds):
            await asyncio.gather(
                _feed(process.stdin, data),
                _keep(process.stdout, printed, PRINTED_BYTES),
                _keep(process.stderr, said, ERROR_BYTES),
            )
            await process.wait()
    except TimeoutError:
        # A process that the command has left running may hold its standard error open; that is not a failure.
        if process.returncode is None:
            return f"it took longer than {seconds:g} s", b""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        return f"status {process.returncode}: {said.decode(errors='replace').strip()}", b""
    return "", bytes(printed)


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    """Write `data` to a command that may not read it."""
    if stream is not None:
        with suppress(BrokenPipeError, ConnectionResetError):
            stream.write(data)
            await stream.drain()
        stream.close()


async def _keep(stream: asyncio.StreamReader | None, kept: bytearray, most: int) -> None:
    """Read all that a command writes, and keep its beginning, because it may write without end."""
    while stream is not None and (data := await stream.read(PRINTED_BYTES)):
        kept += data[: most - len(kept)]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes an error of a redirection: urllib follows one by GET, without what was to be told."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


async def _post(hook: Hook, data: bytes) -> str:
    """Send `data` to the hook's address by POST."""
    headers = {"Content-Type": "application/json", "User-Agent": "lading"}

    def send() -> str:
        try:
            wanted = urllib.request.Request(hook.url or "", data, headers)  # noqa: S310 - checked by presets.tables
            with _OPENER.open(wanted, timeout=hook.timeout):
                return ""
        except (OSError, HTTPException, ValueError) as error:
            return str(error) or type(error).__name__

    return await aside(send, hook.timeout)


async def _mail(mail: Mail, message: Ending, seconds: float) -> str:
    """Send a mail: the facts in words, and as JSON beside them."""
    password = ""
    if mail.password_env is not None:
        password = os.environ.get(mail.password_env, "")
        if not password:
            return f"the engine's environment has no {mail.password_env}"
    elif mail.password_command:
        why, printed = await _output(mail.password_command, b"", seconds, asyncio.subprocess.PIPE)
        password = printed.decode(errors="replace").partition("\n")[0].rstrip("\r")
        if why or not password:
            return f"password_command: {why or 'it prints nothing'}"
    text = letter(mail, message)

    def send() -> str:
        try:
            _send(mail, text, password, seconds)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return _said(error)
        return ""

    return await aside(send, seconds)


def letter(mail: Mail, message: Ending) -> EmailMessage:
    """The mail about an import's end; ID.json is attached."""
    made = EmailMessage(policy=SMTP)
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.to)
    made["Subject"] = " ".join(message.title.split())
    made["Date"] = formatdate(localtime=True)
    made["Message-ID"] = make_msgid(idstring=message.id, domain="lading.invalid")
    # A mailbox that answers by itself is asked not to (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(message.text)
    data = msgspec.json.format(msgspec.json.encode(message), indent=1)
    made.add_attachment(data, maintype="application", subtype="json", filename=f"{message.id}.json")
    return made


def _send(mail: Mail, text: EmailMessage, password: str, seconds: float) -> None:
    """Blocks. Raises OSError, SMTPException, ValueError. The server's certificate is checked."""
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if mail.security == "tls":
        server = smtplib.SMTP_SSL(mail.host, mail.port_used, timeout=seconds, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port_used, timeout=seconds)
    with server:
        if mail.security == "starttls":
            # Raises SMTPNotSupportedError where the server does not offer it: nothing goes in the clear.
            server.starttls(context=context)
        if mail.user is not None:
            server.login(mail.user, password)
        server.send_message(text)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{to}: {code} {_decoded(why)}" for to, (code, why) in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_decoded(error.smtp_error)}"
    return str(error) or type(error).__name__


def _decoded(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


async def _apprise(hook: Hook, message: Ending) -> str:
    """Tell services by Apprise, in a process of its own: it takes a second to import, and it may hang."""
    told = {"urls": hook.apprise, "title": message.title, "body": message.text, "safe": message.verdict == "SAFE"}
    command = (sys.executable, "-m", "core.engine.apprise_process")
    return await _run(command, msgspec.json.encode(told), hook.timeout)
