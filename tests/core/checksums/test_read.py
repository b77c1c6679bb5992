"""Parsing checksum lists of many programs, and malformed ones."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from core.checksums import algorithms, read
from core.checksums.algorithms import c4, digest, of_c4
from core.checksums.names import Checksum, below, is_list
from core.checksums.read import ListError, ListReader
from tests.core.fuzz.budget import examples

DATA = b"take one"
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


def said(path: bytes, text: bytes, size: int = 7) -> tuple[list[Checksum], int, int]:
    """Parse a list in small pieces. Returns (entries, not understood, outside)."""
    reader = ListReader(path)
    blocks = [text[at : at + size] for at in range(0, len(text), size)]
    found = [one for listed in reader.entries(blocks) for one in listed]
    return found, reader.not_understood, reader.outside


def listed(path: bytes, algorithm: str) -> Checksum:
    return Checksum(path, algorithm, digest(algorithm, DATA))


@pytest.mark.parametrize(
    "name", ["card.md5", "MD5SUMS", "A/SHA256SUMS", "x.sha256", "sha1sum.txt", "a.mov.xxh128"]
)
def test_names_of_lists(name: str) -> None:
    assert is_list(name.encode())


@pytest.mark.parametrize(
    "name", ["._card.md5", "amd5", "a.sha256.mov", "xxh", "ascmhl_chain.xml", "mhl", "._a.mhl"]
)
def test_names_of_others(name: str) -> None:
    assert is_list(name.encode()) == (name == "xxh")


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (f"{MD5}  DCIM/a.mov", b"A/DCIM/a.mov"),
        (f"{MD5} *./DCIM//a.mov\r", b"A/DCIM/a.mov"),
        (f"{MD5.upper()}  ../a.mov", b"a.mov"),
        (f"{MD5}\ta b.mov", b"A/a b.mov"),
        (f"{MD5}   leading.mov", b"A/ leading.mov"),
        (f"{MD5}  DCIM\\100\\a.mov", b"A/DCIM/100/a.mov"),
        (f"\\{MD5}  back\\\\slash\\nline.mov", b"A/back\\slash\nline.mov"),
        (f"MD5 (a (1).mov) = {MD5}", b"A/a (1).mov"),
        (f"\ufeff{MD5}  \u00fc.mov", "A/\u00fc.mov".encode()),
    ],
)
def test_lines_of_a_list(line: str, path: bytes) -> None:
    assert said(b"A/card.md5", f"{line}\n# made by hand\n\n".encode()) == ([listed(path, "md5")], 0, 0)


def test_a_digest_alone_is_of_the_file_that_the_list_is_named_after() -> None:
    assert said(b"A/a.mov.md5", MD5.encode()) == ([listed(b"A/a.mov", "md5")], 0, 0)


def test_xxhash_by_length_mark_and_tag() -> None:
    h32, h64 = xxhash.xxh32(DATA), xxhash.xxh64(DATA)
    h3, h128 = xxhash.xxh3_64(DATA), xxhash.xxh3_128(DATA)
    lines = [
        f"{h32.hexdigest()}  a",
        f"{h64.hexdigest()}  b",
        f"XXH3_{h3.hexdigest()}  c",
        f"{h128.hexdigest()}  d",
        f"XXH64_LE (e) = {h64.digest()[::-1].hex()}",
        f"XXH128 (f) = {h128.hexdigest()}",
    ]
    wanted = ["xxh32", "xxh64", "xxh3", "xxh128", "xxh64", "xxh128"]
    found = said(b"all.xxh", "\n".join(lines).encode())
    assert found == ([listed(name.encode(), one) for name, one in zip("abcdef", wanted, strict=True)], 0, 0)


def test_what_a_line_cannot_mean_is_counted() -> None:
    lines = [f"{MD5}  a", f"{MD5}00  b", "no digest", f"{MD5}  /etc/passwd", f"{MD5}  ../../up", f"{MD5}  \0"]
    assert said(b"A/card.md5", "\n".join(lines).encode()) == ([listed(b"A/a", "md5")], 3, 2)


@pytest.mark.parametrize("command", ["md5sum", "sha1sum", "sha256sum", "sha512sum"])
@pytest.mark.parametrize("options", [[], ["--tag"], ["-b"]])
def test_what_coreutils_write(tmp_path: Path, command: str, options: list[str]) -> None:
    names = ["a.mov", "a  b.mov", " c", "*d", "line\nbreak", "back\\slash", "(e) = f", "\u00fc.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(DATA)
    made = subprocess.run([command, *options, *names], cwd=tmp_path, capture_output=True, check=True).stdout
    algorithm = command.removesuffix("sum")
    assert said(f"x.{algorithm}".encode(), made) == ([listed(name.encode(), algorithm) for name in names], 0, 0)


@pytest.mark.process
@pytest.mark.parametrize("algorithm", ["c4", "md5", "sha1", "xxh64", "xxh3", "xxh128"])
def test_what_the_reference_tool_of_asc_mhl_writes(tmp_path: Path, algorithm: str) -> None:
    card = tmp_path / "card"
    (card / "DCIM").mkdir(parents=True)
    (card / "DCIM" / "a & b.mov").write_bytes(DATA)
    (card / "\u00fc.jpg").write_bytes(DATA)
    tool = Path(sys.executable).with_name("ascmhl")
    subprocess.run([tool, "create", card, "-h", algorithm], check=True, capture_output=True)
    ours = {"c4": "sha512"}.get(algorithm, algorithm)
    (manifest,) = (card / "ascmhl").glob("*.mhl")
    found = said(b"ascmhl/" + manifest.name.encode(), manifest.read_bytes(), 1000)
    assert (sorted(found[0]), *found[1:]) == (
        sorted([listed("\u00fc.jpg".encode(), ours), listed(b"DCIM/a & b.mov", ours)]),
        0,
        0,
    )
    chain = said(b"ascmhl/ascmhl_chain.xml", (card / "ascmhl" / "ascmhl_chain.xml").read_bytes())[0]
    sha512 = hashlib.sha512(manifest.read_bytes()).digest()
    assert chain == [Checksum(b"ascmhl/" + manifest.name.encode(), "sha512", sha512)]
    assert of_c4(c4(sha512)) == sha512


CLASSIC = """<?xml version="1.0" encoding="UTF-8"?>
<hashlist version="1.1"><creatorinfo><name>A</name></creatorinfo>
<hash><file>Clips/a.mov</file><size>8</size><{tag}>{value}</{tag}><hashdate>2020-01-01T00:00:00Z</hashdate></hash>
</hashlist>"""


@pytest.mark.parametrize(
    ("tag", "algorithm", "value"),
    [
        ("md5", "md5", MD5.upper()),
        ("xxhash", "xxh32", str(xxhash.xxh32_intdigest(DATA))),
        ("xxhash64", "xxh64", xxhash.xxh64_digest(DATA)[::-1].hex()),
        ("xxhash64be", "xxh64", xxhash.xxh64_hexdigest(DATA)),
    ],
)
def test_mhl_1_1(tag: str, algorithm: str, value: str) -> None:
    text = CLASSIC.format(tag=tag, value=value).encode()
    assert said(b"A/card.mhl", text) == ([listed(b"A/Clips/a.mov", algorithm)], 0, 0)


def test_what_failed_or_was_renamed_in_a_history() -> None:
    entries = (
        f'<hash><path>a</path><md5 action="failed">{MD5}</md5></hash>'
        f'<hash><path>new</path><md5 action="verified">{MD5}</md5><previousPath>old</previousPath></hash>'
    )
    found = said(b"X/ascmhl/0002.mhl", f'<hashlist version="2.0"><hashes>{entries}</hashes></hashlist>'.encode())
    assert found == ([Checksum(b"X/old", "", b""), listed(b"X/new", "md5")], 0, 0)


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE h [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">
<!ENTITY x SYSTEM "file:///etc/passwd">]><hashlist><hash><file>&b;&x;</file></hash></hashlist>"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS, "DTD"),
        (b"<html></html>", "no Media Hash List"),
        (b"<hashlist><hash><file>a</file>", "well-formed"),
        (b"", "well-formed"),
        (b"\0\1\2", "well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><hashlist></hashlist>', "well-formed|encoding"),
        (b"<hashlist></hashlist>", "no checksum"),
        (b"<hashlist>" + b"<a>" * 40, "nested"),
        (b"<hashlist><hash><file>" + b"a" * 70_000, "characters"),
        (b'<hashlist a="' + b"a" * (3 << 20), "tags"),
    ],
)
def test_hostile_media_hash_lists(text: bytes, why: str) -> None:
    with pytest.raises(ListError, match=why):
        said(b"card.mhl", text, 4096)


def test_hostile_lists_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    line = f"{MD5}  {'a/' * 200}b\n".encode()
    assert said(b"a.md5", line + b"x" * 500_000 + b"\n" + line, 4096)[1] == 1
    monkeypatch.setattr(read, "LARGEST_LIST", 1 << 20)
    with pytest.raises(ListError, match="larger than 1 MiB"):
        said(b"a.md5", line + b"\n" * (1 << 20), 4096)
    monkeypatch.setattr(read, "MOST_CHECKSUMS", 100)
    with pytest.raises(ListError, match="more than 100"):
        said(b"a.md5", line * 101, 4096)


PIECES = st.sampled_from(
    [b"<hashlist>", b"<hash>", b"</hash>", b"<path>", b"</path>", b"<md5>", b"</md5>", MD5.encode(), b"  ", b"\n"]
)


@examples(200)
@given(st.sampled_from([b"a.mhl", b"a.md5", b"ascmhl/ascmhl_chain.xml", b"xxh"]), st.lists(PIECES | st.binary()))
def test_any_bytes_are_read_or_refused(path: bytes, pieces: list[bytes]) -> None:
    try:
        found, not_understood, outside = said(path, b"".join(pieces), 16)
    except ListError:
        return
    assert not_understood >= 0
    assert outside >= 0
    for one in found:
        assert one.path
        assert b".." not in one.path.split(b"/")
        assert not one.algorithm or len(one.digest) == algorithms.DIGEST_SIZES[one.algorithm]


@given(st.binary(max_size=12), st.binary(max_size=20))
def test_no_name_leads_out_of_the_source(folder: bytes, name: bytes) -> None:
    found: Any = below(folder.strip(b"/."), name)
    assert found is None or not found.startswith((b"/", b"../"))
