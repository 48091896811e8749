# SPDX-License-Identifier: AGPL-3.0-only
"""The public test suite of JSON Schema: nothing invalid is accepted, almost all valid is."""

from __future__ import annotations

import pytest

from grammar import suite
from grammar.suite import Counts


@pytest.fixture(scope="module")
def table() -> dict[str, Counts]:
    return suite.run()


def test_nothing_invalid_is_accepted(table: dict[str, Counts]) -> None:
    wrong = [text for counts in table.values() for text in counts.wrong]
    assert not wrong, "\n".join(wrong)


def test_almost_all_that_is_valid_is_accepted(table: dict[str, Counts]) -> None:
    asked = [counts for keyword, counts in table.items() if keyword not in suite.NOT_ASKED]
    valid = sum(counts.valid for counts in asked)
    assert valid > 1_300
    assert sum(counts.accepted for counts in asked) >= 0.95 * valid


def test_almost_all_schemas_compile(table: dict[str, Counts]) -> None:
    asked = [counts for keyword, counts in table.items() if keyword not in suite.NOT_ASKED]
    groups = sum(counts.groups for counts in asked)
    assert groups > 450
    assert sum(counts.supported for counts in asked) >= 0.9 * groups


def test_the_table_of_the_documentation_is_this_one(table: dict[str, Counts]) -> None:
    assert suite.written() == suite.as_table(table), "PYTHONPATH=tests python -m grammar.suite"
