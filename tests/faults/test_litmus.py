"""litmus, the WebDAV test suite, against `lading serve`.

litmus makes a folder first and ends when it cannot. A proxy between the two says that the folder was made, which
is there already, so that it goes on (-k) and asks a read-only server the rest.
"""

import http.client
import re
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.rigs import machines
from tests.rigs.engines import lading, swept
from tests.tui.test_serving import served

pytestmark = [machines.root, pytest.mark.process]

PASSED = {
    "http": {"init", "begin", "expect100", "finish"},
    # put_no_parent, delete_null and mkcol_no_parent want to see a refusal, of whatever number.
    "basic": {"init", "begin", "options", "put_no_parent", "delete_null", "mkcol_no_parent", "finish"},
    "copymove": {"init", "begin", "copy_cleanup", "move_cleanup", "finish"},
    "props": {
        *("init", "begin", "propfind_invalid", "propfind_invalid2", "propfind_d0", "propextended"),
        *("propwformed", "propcleanup", "finish"),
    },
    "locks": {"init", "begin", "options"},
}
"""What passes, by the part of litmus. What else there is begins with PUT, MKCOL or PROPPATCH, is about what one of
these has made, or about locks, which a server of class 1 does not have."""

REFUSED = {
    "http": set[str](),
    "basic": {"put_get", "put_get_utf8_segment", "delete_fragment", "mkcol", "mkcol_with_body"},
    "copymove": {"copy_init", "copy_coll", "copy_shallow", "move", "move_coll"},
    "props": {"propinit", "propmanyns"},
    "locks": set[str](),
}
"""What fails at a request that would write."""


@contextmanager
def proxy(port: int) -> Iterator[int]:
    """Hands requests on to this port, but for the making of the folder `litmus`. Yields its own port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "MKCOL" and self.path.endswith("/litmus/"):
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            server = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "expect")}
            server.request(self.command, self.path, body, kept)
            said = server.getresponse()
            data = said.read()
            server.close()
            self.send_response(said.status)
            for name, value in said.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in (
        "GET",
        "HEAD",
        "PUT",
        "MKCOL",
        "DELETE",
        "PROPFIND",
        "PROPPATCH",
        "OPTIONS",
        "COPY",
        "MOVE",
        "LOCK",
    ):
        setattr(Handler, f"do_{method}", Handler.answer)
    between = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    between.handle_error = lambda *_: None  # type: ignore[method-assign]
    running = threading.Thread(target=between.serve_forever)
    running.start()
    try:
        yield between.server_port
    finally:
        between.shutdown()
        running.join()
        between.server_close()


def results(address: str, part: str, folder: Path) -> dict[str, str]:
    """What became of each test of a part: pass, FAIL or SKIPPED."""
    found = subprocess.run(
        ["litmus", "-k", address],
        env={"PATH": "/usr/bin:/bin", "TESTS": part},
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    became: dict[str, str] = {}
    name = ""
    for line in re.split(r"[\r\n]", found.stdout.decode(errors="replace")):
        if begun := re.match(r" ?\d+\. (\w+)\.", line):
            name = begun[1]
        # Names come more than once; the first is what counts: `propget` is asked again after each change.
        if (end := re.search(r"\.+ (pass|FAIL|SKIPPED)", line)) and name not in became:
            became[name] = end[1]
    return became


def test_what_reads_passes_and_what_writes_is_refused(tmp_path: Path) -> None:
    card, archive = tmp_path / "card", tmp_path / "archive"
    (card / "litmus").mkdir(parents=True)
    (card / "litmus" / "resource").write_bytes(b"here before")
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(archive), "--location", "Here", "--label", "A"]
        assert lading(home, "import", str(card), *into).returncode == 0
        with served(home, archive) as (address, _):
            at = urllib.parse.urlsplit(address)
            assert at.port is not None
            with proxy(at.port) as port:
                below = f"http://127.0.0.1:{port}{at.path}by%20card/A/"
                became = {part: results(below, part, tmp_path) for part in PASSED}
    for part, found in became.items():
        assert {name for name, end in found.items() if end == "pass"} == PASSED[part]
        assert {name for name, end in found.items() if end == "FAIL"} == REFUSED[part]
