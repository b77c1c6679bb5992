"""Every promise has its test and its negative control, and the README's table is what the tests say."""

from collections import defaultdict
from pathlib import Path

from tests.faults import promises


def test_every_promise_is_held_and_broken() -> None:
    assert promises.lacking(promises.marks()) == promises.NOT_YET


def test_no_test_holds_a_promise_that_was_not_made() -> None:
    held = promises.marks()
    assert set(held["promise"]) | set(held["control"]) <= set(promises.PROMISES)


def test_the_readme_says_what_the_tests_hold() -> None:
    _, found, _ = promises.readme()
    assert found == promises.table(promises.marks()), "run: python -m tests.faults.promises"


def test_marks_are_found_where_tests_have_them(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.promise(3)]\n"
        "@pytest.mark.promise(1)\n@pytest.mark.promise(2)\ndef test_a(): ...\n"
        "@pytest.mark.control(2)\nasync def test_b(): ...\n"
    )
    held = promises.marks(tmp_path)
    assert {n for n, files in held["promise"].items() if files} == {1, 2, 3}
    assert {n for n, files in held["control"].items() if files} == {2}
    missing = promises.lacking(held)
    assert 2 not in missing
    assert missing == set(promises.PROMISES) - {2}
    assert "| `a` | `a` |" in promises.table(held)
    assert "| not yet | not yet |" in promises.table({"promise": defaultdict(set), "control": defaultdict(set)})
