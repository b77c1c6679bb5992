"""Progress in the terminal's own tab or taskbar (OSC 9;4), for terminals that are known to show it."""

from collections.abc import Mapping

from core.models import State
from core.snapshot import Snapshot
from tui.totals import session, share

NO_PROGRESS = "\x1b]9;4;0\x1b\\"
"""The sequence that removes the progress."""

RUNS, FAILED, UNKNOWN, PAUSED = 1, 2, 3, 4
"""The states in ConEmu's sequence: https://conemu.github.io/en/AnsiEscapeCodes.html#ConEmu_specific_OSC."""

PROGRESS_TERMINALS = ("ghostty", "WezTerm")
"""Values of TERM_PROGRAM of terminals that show progress."""


def supported(environ: Mapping[str, str]) -> bool:
    """Whether the terminal shows progress. The sequence must not be sent to others, because they take OSC 9 for a
    notification. tmux and screen, which name themselves in TERM_PROGRAM or TERM, do not get it either."""
    if environ.get("TERM", "").startswith(("tmux", "screen")):
        return False
    # Only newer versions of iTerm2 show it, which have P among their features (iterm2.com/feature-reporting).
    iterm = environ.get("TERM_PROGRAM") == "iTerm.app" and "P" in environ.get("TERM_FEATURES", "")
    windows = bool(environ.get("WT_SESSION")) or environ.get("ConEmuANSI") == "ON"
    return windows or iterm or environ.get("TERM_PROGRAM") in PROGRESS_TERMINALS


def sequence(snapshot: Snapshot) -> str:
    """The sequence for the progress of the imports of this session that have not ended; NO_PROGRESS if there are
    none."""
    found = session(snapshot)
    if not found.active:
        return NO_PROGRESS
    percent = int(share(found.done, found.seen.bytes) * 100)
    state = RUNS if found.listed else UNKNOWN
    if found.failed.files:
        state = FAILED
    elif all(view.state is State.PAUSED for view in found.active):
        state = PAUSED
    return f"\x1b]9;4;{state};{percent}\x1b\\"
