"""Numbers in texts for people."""


def counted(count: int, noun: str, many: str = "") -> str:
    """`1 file`, `1,204 files`; `many` is the plural where it is not made by adding an s."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


VERBS = {"are": "is", "were": "was", "have": "has", "differ": "differs", "stay": "stays", "lie": "lies"}
"""The singular of verbs, by their plural."""


def count_clause(count: int, told: str) -> str:
    """A clause about a number: `1 is gone`, `1,204 are gone`. `told` is the rest of the clause in the plural, and
    begins with its verb: `are gone`."""
    verb, _, rest = told.partition(" ")
    return f"{count:,} {VERBS.get(verb, verb) if count == 1 else verb} {rest}"
