"""What bagit-python, the Library of Congress's own validator, says of bags."""

import os

import bagit  # type: ignore[import-untyped]


def invalid(*bags: "str | os.PathLike[str]") -> list[str]:
    """What it says against each bag that is not valid."""
    faults = []
    for bag in bags:
        try:
            bagit.Bag(os.fspath(bag)).validate()
        except bagit.BagError as error:
            faults.append(f"{os.fspath(bag)}: {error}")
    return faults
