"""The card layouts of makers: one module for each sort of device, with all of its rules and their sources."""

from core.media.makers import action_cameras, broadcast, cinema, editors, phones, photo_cameras, recorders
from core.media.makers.rule import Rule, Take

RULES: tuple[Rule, ...] = (
    *phones.RULES,
    *action_cameras.RULES,
    *photo_cameras.RULES,
    *cinema.RULES,
    *broadcast.RULES,
    *recorders.RULES,
    *editors.RULES,
)
"""The rules beyond "same stem, same folder", in the order in which they are tried."""

SAME_STEM = photo_cameras.SAME_STEM

TAKES: tuple[Take, ...] = (*action_cameras.TAKES, *cinema.TAKES, *broadcast.TAKES, *recorders.TAKES)
