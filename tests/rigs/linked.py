"""Links of a card given as paths, found as the catalog finds them."""

from collections.abc import Iterable

from core.media.card_rules import Candidate, choose, complete, owner_keys
from core.media.makers.rule import Rule
from core.media.stems import name_parts, stem_key


def candidates(path: bytes) -> list[Candidate]:
    """The possible owners of a file."""
    return list(owner_keys(name_parts(path)))


def chosen(candidate: Candidate, paths: Iterable[bytes]) -> bytes | None:
    """Which of some files with the candidate's key is the owner."""
    files = list(paths)
    owner = choose(candidate, [name_parts(path, number) for number, path in enumerate(files)])
    return files[owner.id] if owner else None


def links(card: Iterable[bytes]) -> dict[bytes, tuple[Rule, bytes]]:
    """The rule and the owner of each file of a card that has one."""
    stems: dict[bytes, list[bytes]] = {}
    files = list(card)
    for path in files:
        stems.setdefault(stem_key(path), []).append(path)
    found: dict[bytes, tuple[Rule, bytes]] = {}
    for path in files:
        for candidate in candidates(path):
            whole = candidate if candidate.rest is None else complete(candidate, stems)
            others = [other for other in stems.get(whole.key, ()) if other != path] if whole else []
            if whole and (owner := chosen(whole, others)) is not None:
                found[path] = whole.rule, owner
                break
    return found


def linked(card: Iterable[bytes]) -> dict[bytes, tuple[str, bytes]]:
    """The role and the owner of each file of a card that has one."""
    return {path: (str(rule.role), owner) for path, (rule, owner) in links(card).items()}
