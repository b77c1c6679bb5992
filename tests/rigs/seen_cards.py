"""Commands and engines that see the cards of their own test only: other tests mount theirs at the same time."""

from collections.abc import Mapping
from pathlib import Path

from core.volumes import mounts as module
from core.volumes.mounts import Mount

ROOT = str(Path(__file__).resolve().parents[2])


def seen_below(folder: Path) -> Mapping[str, str]:
    """The environment of a command that sees, as does its engine, no disk image of another folder."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'core.workers.main' not in sys.orig_argv:\n"
        f"    sys.path.insert(0, {ROOT!r})\n"
        "    from tests.rigs import seen_cards\n"
        f"    seen_cards.see_below({str(folder)!r})\n"
    )
    return {"PYTHONPATH": str(site)}


def see_below(folder: str) -> None:
    """From now on this process does not see disk images that are mounted elsewhere. To be called before any other
    module has taken `mounts`."""
    kept = module.mounts

    def mounts() -> list[Mount]:
        return [
            one for one in kept() if not one.device.startswith("/dev/loop") or one.mount.startswith(f"{folder}/")
        ]

    module.mounts = mounts
