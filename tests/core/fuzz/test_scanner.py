"""Hostile trees: every entry is listed once, nothing leads out, and nothing stops the listing."""

import os
import shutil
import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.workers import messages, source_messages
from core.workers.dispatch import Dispatcher
from core.workers.shared_memory import Control
from tests.core.fuzz.budget import examples

NAMES = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from(
        [b"DCIM", b".DS_Store", b"._a.jpg", b"a.jpg", b"A.JPG", b"\xff\xfe", b"-rf", b"\n", b"x" * 255]
    ),
).filter(lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b".."))
KINDS = st.sampled_from(["file", "folder", "link", "out", "pipe", "socket", "shut"])
TREES = st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=4), KINDS), max_size=8)


def plant(root: bytes, outside: bytes, tree: list[tuple[list[bytes], str]]) -> None:
    """Make what can be made of it."""
    for names, kind in tree:
        path = root
        for name in names[:-1]:
            path = os.path.join(path, name)
            if not os.path.lexists(path):
                os.mkdir(path)
            if os.path.islink(path) or not os.path.isdir(path):
                break
        else:
            path = os.path.join(path, names[-1])
            if not os.path.lexists(path):
                make(path, kind, root, outside)


def make(path: bytes, kind: str, root: bytes, outside: bytes) -> None:
    match kind:
        case "file" | "shut":
            with open(path, "wb") as file:
                file.write(b"x")
            if kind == "shut":
                os.chmod(path, 0)
        case "folder":
            os.mkdir(path)
        case "link" | "out":
            os.symlink(root if kind == "link" else outside, path)
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as one:
                if len(path) < 100:
                    one.bind(path)


def there(root: bytes) -> set[bytes]:
    """All entries below, links not followed."""
    return {
        os.path.relpath(os.path.join(folder, name), root)
        for folder, folders, names in os.walk(root)
        for name in (*folders, *names)
    }


@examples(25)
@given(TREES)
def test_a_tree(tree: list[tuple[list[bytes], str]]) -> None:
    base = os.fsencode(Path("/tmp") / f"lading-fuzz-{os.getpid()}")  # short: sockets have names of 108 bytes
    root, outside = os.path.join(base, b"s"), os.path.join(base, b"o")
    shutil.rmtree(base, ignore_errors=True)
    os.makedirs(root)
    os.makedirs(outside)
    control = Control.create()
    try:
        with open(os.path.join(outside, b"secret.jpg"), "wb") as file:
            file.write(b"secret")
        plant(root, outside, tree)
        worker = Dispatcher(control.slot(0))
        reply = worker.answer(source_messages.ListTree(messages.Source(root)))
        entries: list[source_messages.Entry] = []
        while True:
            assert isinstance(reply, source_messages.Listed), reply
            entries += reply.entries
            if not reply.more:
                break
            reply = worker.answer(source_messages.ListMore())
        paths = [entry.path for entry in entries]
        assert len(paths) == len(set(paths))
        listed = set(paths)
        # Litter is listed as a whole.
        found = there(root)
        assert listed <= found | {b""}
        litter = {entry.path for entry in entries if entry.what == "litter"}
        assert all(path in listed or any(path.startswith(one + b"/") for one in litter) for path in found)
    finally:
        control.close()
        shutil.rmtree(base, ignore_errors=True)
