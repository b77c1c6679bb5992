"""Operations on the archive's lock file; archives/lock.py decides which."""

from core import archive_layout
from core.files import in_use, noreplace
from core.workers import archive_messages, messages
from core.workers.archive_files import as_text, discard, move, opened, read, remove, temporary, write_new
from core.workers.dir_fds import Folders

UNREADABLE = "?"
"""The text of an empty lock file, so that it differs from no lock, and can be replaced."""


def _text(folders: Folders, path: str = archive_layout.LOCK) -> str:
    """The lock's text; "" when there is no lock."""
    try:
        return as_text(read(folders, path)) or UNREADABLE
    except FileNotFoundError:
        return ""


def lock(request: archive_messages.Lock) -> archive_messages.LockText:
    """Write the lock if there is none, or if its text is the stale `replace`. Returns the text that it has now."""
    with opened(request.place) as folders:
        if request.replace and _text(folders) == request.replace:
            _take_away(folders, request)
        write_new(folders, request.place.way, archive_layout.LOCK, request.text.encode())
        return archive_messages.LockText(_text(folders))


def _rename(folders: Folders, path: str, target: str) -> None:
    """Rename a file, and replace what has the name."""
    folder, _, name = path.rpartition("/")
    target_folder, _, target_name = target.rpartition("/")
    in_use.rename(name, target_name, folders.at(folder), folders.at(target_folder))


def _take_away(folders: Folders, request: archive_messages.Lock) -> None:
    """Move the stale lock aside under a name of our own, which only one engine can.

    If a new lock was moved instead, it is put back, unless another one was written meanwhile.
    """
    aside = temporary()
    try:
        _rename(folders, archive_layout.LOCK, aside)
    except FileNotFoundError:
        return
    try:
        if _text(folders, aside) != request.replace:
            move(folders, request.place.way, aside, archive_layout.LOCK)
    except FileExistsError:
        pass
    finally:
        discard(folders, aside)


def beat(request: archive_messages.Beat) -> archive_messages.LockText:
    """Renew the lock, if it still is ours."""
    with opened(request.place) as folders:
        found = _text(folders)
        if found != request.old:
            return archive_messages.LockText(found)
        new = temporary()
        try:
            write_new(folders, noreplace.LOOK, new, request.text.encode())
            _rename(folders, new, archive_layout.LOCK)
        finally:
            remove(folders, new)
        return archive_messages.LockText(request.text)


def unlock(request: archive_messages.Unlock) -> messages.Done:
    """Remove the lock if it is ours."""
    with opened(request.place) as folders:
        if _text(folders) == request.text:
            discard(folders, archive_layout.LOCK)
    return messages.Done()
