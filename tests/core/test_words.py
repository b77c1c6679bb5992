"""Words agree with their numbers, everywhere."""

import ast
import re
from pathlib import Path

import pytest

import core
import tui
from core.importing import keep_reasons
from core.importing.keep_reasons import ACCEPTED, KEEP_REASONS
from core.words import count_clause, counted

OF_MANY = re.compile(
    r"^ (?:new |archived |junk |other )?(?:files|folders|entries|names|jobs|cards|links|imports|lists|copies|bytes"
    r"|checksums|records|characters|frames|are|were|have|stay|lie|differ)\b"
)
"""What follows a number in a text, and is wrong after 1."""

NEVER_ONE = re.compile(
    r"[A-Z_]+ |counts |len\((text|value|answers|options\.sources)\) |(error\.)?length bytes|tile\.frames |slots "
    r"|(room\.)?available bytes|room |needed |size bytes of |len\(away\) "
)
"""Limits and what is above them, room on a volume, and texts that stand where the number is above 1."""


def after_numbers(source: str) -> list[str]:
    """What the f-strings of a program's text say of many right after a number that they write themselves."""
    return [
        ast.unparse(one.value) + str(told.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.JoinedStr)
        for one, told in zip(node.values, node.values[1:], strict=False)
        if isinstance(one, ast.FormattedValue) and isinstance(told, ast.Constant)
        if (one.format_spec is not None and ast.unparse(one.format_spec) == "f','")
        or ast.unparse(one.value).startswith(("format.number(", "len("))
        if isinstance(told.value, str) and OF_MANY.match(told.value)
        if not NEVER_ONE.match(ast.unparse(one.value) + told.value)
    ]


@pytest.mark.parametrize(
    "text", ['f"{n:,} files"', 'f"{format.number(n)} are gone"', 'f"in all {len(x)} entries"']
)
def test_a_number_before_what_is_said_of_many_is_found(text: str) -> None:
    assert after_numbers(f"a = {text}")


def test_no_text_says_of_one_what_is_said_of_many() -> None:
    found = {
        f"{path.name}: {told}"
        for root in (core, tui)
        for path in Path(root.__path__[0]).rglob("*.py")
        for told in after_numbers(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_number_and_its_noun_and_verb() -> None:
    assert (counted(1, "file"), counted(1204, "file")) == ("1 file", "1,204 files")
    assert (counted(1, "entry", "entries"), counted(0, "entry", "entries")) == ("1 entry", "0 entries")
    assert (count_clause(1, "are gone"), count_clause(2, "are gone"), count_clause(1, "could not be read")) == (
        "1 is gone",
        "2 are gone",
        "1 could not be read",
    )


@pytest.mark.parametrize("reason", [*KEEP_REASONS.values(), *ACCEPTED.values(), "are in 1 of 2 copies"])
def test_every_reason_of_a_verdict_is_said_of_one_and_of_many(reason: str) -> None:
    assert keep_reasons.said(2, reason) == f"2 {reason}"
    one = keep_reasons.said(1, reason)
    assert one.startswith("1 ")
    assert not re.search(
        r"\b(were|have|they|their|symbolic links|pipes|sockets|devices)\b|^1 (are|differ)\b", one
    ), one
