"""The folders of original names as resources of WsgiDAV (RFC 4918, class 1), read-only."""

import mimetypes
from collections.abc import Callable
from typing import Any

from wsgidav.dav_error import HTTP_NOT_FOUND, HTTP_SERVICE_UNAVAILABLE, DAVError
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider

from core.serving.content import ArchivedStream, ContentDamagedError, Payload, Root
from core.serving.names import ServedFile, ServedFolder, ServedNames

Environ = dict[str, Any]


def content_type(name: str) -> str:
    """The type of a file by its name."""
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


def etag(file: ServedFile) -> str:
    """An ETag made of the content's digest, without quotes."""
    return file.payload.sha256.hex()[:32]


class FolderResource(DAVCollection):  # type: ignore[misc]
    """A folder."""

    def __init__(self, path: str, environ: Environ, folder: ServedFolder) -> None:
        super().__init__(path, environ)
        self._folder = folder

    def get_member_names(self) -> list[str]:
        """The names in the folder, in the order of the card."""
        return list(self._folder.members)

    def get_member(self, name: str) -> "FolderResource | FileResource | None":
        """The resource with this name; None: there is none."""
        found = self._folder.members.get(name)
        return (
            None
            if found is None
            else self.provider.resource(f"{self.path.rstrip('/')}/{name}", self.environ, found)
        )

    def get_last_modified(self) -> float | None:
        """The folder's time on the card."""
        return self._folder.mtime

    def get_etag(self) -> None:
        """None, because a folder has no content."""

    def support_etag(self) -> bool:
        """Always False."""
        return False


class FileResource(DAVNonCollection):  # type: ignore[misc]
    """An archived file. It is opened before anything is sent, so that a file that cannot be read gives an error
    response."""

    def __init__(self, path: str, environ: Environ, file: ServedFile) -> None:
        super().__init__(path, environ)
        self._file = file
        self._content: ArchivedStream | None = None
        self._url = ""

    def get_ref_url(self) -> str:
        """The quoted path. It is kept, because WsgiDAV 4.4 asks for it with each property of each file in a
        listing (`get_property_value`)."""
        self._url = self._url or str(super().get_ref_url())
        return self._url

    def get_content_length(self) -> int:
        """The size in bytes."""
        return self._file.payload.size

    def get_content_type(self) -> str:
        """The type by the file's name."""
        return content_type(self.name)

    def get_last_modified(self) -> float:
        """The file's time on the card."""
        return self._file.mtime

    def get_etag(self) -> str:
        """An ETag made of the content's digest."""
        return etag(self._file)

    def support_etag(self) -> bool:
        """Always True."""
        return True

    def support_ranges(self) -> bool:
        """Always True, because players seek in films."""
        return True

    def finalize_headers(self, environ: Environ, response_headers: list[tuple[str, str]]) -> None:
        """Opens the file; called before anything is sent."""
        response_headers.append(("Content-Disposition", "inline"))
        if environ["REQUEST_METHOD"] == "GET":
            try:
                self._content = self.provider.opened(self._file)
            except (FileNotFoundError, ContentDamagedError) as error:
                raise DAVError(HTTP_NOT_FOUND, f"{error}") from error
            except OSError as error:
                raise DAVError(HTTP_SERVICE_UNAVAILABLE, f"{error}") from error

    def get_content(self) -> ArchivedStream:
        """The file that was opened."""
        assert self._content is not None  # noqa: S101 - finalize_headers comes first
        return self._content


class Provider(DAVProvider):  # type: ignore[misc]
    """Finds resources by their paths. `damaged` is called for files whose content is not what was archived."""

    def __init__(self, names: ServedNames, root: Root, damaged: Callable[[Payload, str], None]) -> None:
        super().__init__()
        self._names = names
        self._root = root
        self._damaged = damaged

    def is_readonly(self) -> bool:
        """Always True."""
        return True

    def get_resource_inst(self, path: str, environ: Environ) -> FolderResource | FileResource | None:
        """The resource at a path; None: there is none."""
        found = self._names.find([part for part in path.split("/") if part])
        return None if found is None else self.resource(path, environ, found)

    def resource(
        self, path: str, environ: Environ, found: ServedFile | ServedFolder
    ) -> FolderResource | FileResource:
        """The resource for a file or folder."""
        if isinstance(found, ServedFolder):
            # Files in a listing are not opened before one is read.
            return FolderResource(path, environ, found)
        return FileResource(path, environ, found)

    def opened(self, file: ServedFile) -> ArchivedStream:
        """Open a file's content. Raises OSError."""
        return ArchivedStream(self._root, file.payload, self._damaged)
