"""Commands and engines that see the cards of their own test only: other tests mount theirs at the same time."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.volumes import mounts as module
from core.volumes.mounts import Mount

ROOT = str(Path(__file__).resolve().parents[2])


def seen_below(folder: Path) -> Mapping[str, str]:
    """The environment of a command that sees, as does its engine, nothing that other tests have mounted: no disk
    image, and nothing in the folder of temporary files, that is not below `folder`."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'core.workers.main' not in sys.orig_argv:\n"
        f"    sys.path.insert(0, {ROOT!r})\n"
        "    from tests.rigs import seen_cards\n"
        f"    seen_cards.see_below({str(folder)!r}, {tempfile.gettempdir()!r})\n"
    )
    return {"PYTHONPATH": str(site)}


def see_below(folder: str, shared: str) -> None:
    """From now on this process sees only those of the disk images, and of the mounts in the folder `shared`, that
    are below `folder`. To be called before any other module has taken `mounts`."""
    kept = module.mounts

    def others(one: Mount) -> bool:
        return one.device.startswith("/dev/loop") or one.mount.startswith(f"{shared}/")

    def mounts() -> list[Mount]:
        return [one for one in kept() if not others(one) or one.mount.startswith(f"{folder}/")]

    module.mounts = mounts
