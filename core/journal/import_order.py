"""The order in which the imports of an archive began, told by what the archive itself holds."""

from collections.abc import Iterable

BegunImport = tuple[str, float, str]
"""An import's key, when it began, and the key of the import before it; empty when there is none."""


def in_order(found: Iterable[BegunImport]) -> list[str]:
    """The keys of imports, oldest first: by the time at which they began, but none before the one that it names.

    Their names do not tell it, because those have local times; nor do the times alone, because a clock may have
    been wrong.
    """
    before = {key: last for key, _, last in sorted(found, key=lambda one: one[1])}
    ordered: list[str] = []
    for key in list(before):
        chain = []
        while key in before:
            chain.append(key)
            key = before.pop(key)
        ordered += reversed(chain)
    return ordered
