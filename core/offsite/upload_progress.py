"""What an upload has done so far, and what the remote lacks."""

from core.models import Count
from core.paths import display

NAMED = 1000
"""The most files that a result names."""


class UploadProgress:
    """The progress of one run. `total`: (files, bytes) of all items of the archive, if the caller knows them."""

    def __init__(self, total: Count) -> None:
        self.total = total
        self.held = [0, 0]
        """[items, bytes] known to be intact at the remote."""
        self.brought = [0, 0]
        """[payload files, bytes] that this run has uploaded."""
        self.on_the_way = 0
        """Bytes uploaded, and not compared yet."""
        self.in_flight: dict[object, str] = {}
        """A file that is just being uploaded."""
        self.trouble = ""
        """What rclone says of the upload as long as nothing moves."""
        self.lacking_count = 0
        self.lacking: list[tuple[str, str]] = []
        """(path, why) of the first NAMED files that the remote lacks."""
        self.unsound: list[str] = []
        """Paths of payload here that is not what was archived."""
        self._refused: tuple[int, str] = 0, ""
        """How many files did not arrive, and of one of them why."""

    def bytes_moved(self) -> tuple[int, ...]:
        """Bytes uploaded so far."""
        return (self.brought[1] + self.on_the_way,)

    @property
    def not_arrived(self) -> str:
        """How many files did not arrive, and of one of them why; empty when all did."""
        count, one = self._refused
        return f"{count:,} file{'s' if count > 1 else ''} did not arrive ({one})" if count else ""

    def lack(self, path: str, why: str) -> None:
        """The remote lacks this file."""
        self.lacking_count += 1
        if len(self.lacking) < NAMED:
            self.lacking.append((display(path), why))

    def refuse(self, count: int, path: str, why: str) -> None:
        """So many files did not arrive, such as this one."""
        self._refused = self._refused[0] + count, f"{display(path)}: {why}"

    def mark(self) -> tuple[int, int, tuple[int, str]]:
        """What is lacking so far, for `forget_since`."""
        return self.lacking_count, len(self.lacking), self._refused

    def forget_since(self, mark: tuple[int, int, tuple[int, str]]) -> None:
        """Forget what has been found lacking since the `mark`, because it is looked for once more."""
        self.lacking_count, named, self._refused = mark
        del self.lacking[named:]
