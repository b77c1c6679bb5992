"""The reasons of a verdict in words."""

from core import words
from core.media import left_out

UNKEPT = "unkept"
"""The reason for a file that was archived without some of its extended attributes."""

ALL_EXCLUDED = "all excluded"
"""The reason for what a person excluded and accepted, where nothing else is archived."""

ATTRIBUTES = "attributes"
"""The word by which a person accepts files without some of their extended attributes."""

KEEP_REASONS = {
    "failed": "could not be archived",
    left_out.EXCLUDED: "excluded by your choice (--accept excluded)",
    ALL_EXCLUDED: "excluded by your choice, and nothing is archived",
    left_out.LINKS: "symbolic links: recorded with their targets, but not copied (--accept links)",
    left_out.SPECIAL: "neither file, folder nor link, but pipes, sockets or devices (--accept special)",
    left_out.LEFT_OUT: "left out",
    "new": "are not in the archive",
    "changed": "changed since they were archived",
    "gone": "were archived and are gone, or differ by now",
    "missing": "are no longer in the archive, or damaged there",
    "refused": "may not be read in the archive, so it is not known whether they are whole",
    "unlisted": "could not be listed",
    "unverified": "were never read back from the archive",
    "unread": "could not be read",
    UNKEPT: "have extended attributes that could not be kept (--accept attributes)",
    "unlike": "have other content than is archived under their name and time",
    "unsure": "are known by name, size and time only, and the volume has no serial number to know it by",
    "differs": "differ from what was imported before, although size and time are the same",
}
"""The reasons for KEEP, by their keys, worded for many files."""

ACCEPTED = {
    left_out.LINKS: "symbolic links recorded with their targets, not copied, as you chose",
    left_out.SPECIAL: "pipes, sockets or devices recorded, as you chose",
    left_out.EXCLUDED: "excluded, as you chose",
    ATTRIBUTES: "are whole but for extended attributes that could not be kept, as you chose",
}
"""Notes on what was accepted (`core.import_choices.Acceptable`), for the verdict."""

FOR_ONE = {
    KEEP_REASONS[left_out.LINKS]: "symbolic link: recorded with its target, but not copied (--accept links)",
    KEEP_REASONS[
        left_out.SPECIAL
    ]: "neither file, folder nor link, but a pipe, socket or device (--accept special)",
    KEEP_REASONS["changed"]: "changed since it was archived",
    KEEP_REASONS["gone"]: "was archived and is gone, or differs by now",
    KEEP_REASONS["refused"]: "may not be read in the archive, so it is not known whether it is whole",
    KEEP_REASONS["unlike"]: "has other content than is archived under its name and time",
    ACCEPTED[left_out.LINKS]: "symbolic link recorded with its target, not copied, as you chose",
    ACCEPTED[left_out.SPECIAL]: "pipe, socket or device recorded, as you chose",
}
"""The wording for one file, by that for many, where more than the verb at the beginning differs."""

NOTHING = "nothing was found there: check that it is mounted, and that it is the right folder"
"""The reason for no verdict, where nothing was found, or only junk files."""


def said(count: int, reason: str) -> str:
    """A number of files and the reason, which is worded for many: `1 is not in the archive`."""
    return f"1 {FOR_ONE[reason]}" if count == 1 and reason in FOR_ONE else words.count_clause(count, reason)
