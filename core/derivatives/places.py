"""The paths of derivatives in an archive. They follow from the payload's path, before any is made."""

import os

from core import archive_layout

THUMBNAILS, PROXIES = "thumbnails", "proxies"
"""Folders below `.lading`."""


def stem(path: str, xxh128: str) -> str:
    """The beginning of the names of an item's derivatives: its digest, as in the name of its payload `path`.

    Contents that share a digest have different payload names, and so different stems.
    """
    name = os.path.splitext(os.path.basename(path))[0]
    return name if name.startswith(xxh128) else xxh128


def place(folder: str, xxh128: str, name: str) -> str:
    """The path of a derivative below the archive's root; `folder` is one of the folders above."""
    return archive_layout.derivative(folder, xxh128, name)


def thumbnail(path: str, xxh128: str, role: str) -> str:
    """The path below the archive's root of the thumbnail of the item at `path`, once it is made. `role`: 400, 800
    or 1920."""
    return place(THUMBNAILS, xxh128, f"{stem(path, xxh128)}_{role}.jpg")


def proxy(path: str, xxh128: str) -> str:
    """The path below the archive's root of the proxy of the item at `path`, once it is made."""
    return place(PROXIES, xxh128, f"{stem(path, xxh128)}.mp4")
