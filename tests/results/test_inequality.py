"""Inequalities of claims: what is read, and what cannot be read."""

import pytest

from stages.core.errors import UserError
from stages.results.inequality import Inequality, parse


def test_parts_of_an_inequality():
    assert parse("a_1.x >= b.y - 0.005", "c", "line") == Inequality("line/a_1", "x", ">=", "line/b", "y", -0.005)
    assert parse("a.x<b.y+1e-3", "c", "line").margin == 0.001
    assert parse("a.x > b.y", "c", "line").margin == 0.0


def test_a_row_of_another_family_is_named_with_it():
    parsed = parse("plane/a.x > b.y", "c", "line")
    assert (parsed.left, parsed.right) == ("plane/a", "line/b")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.x",
        "a.x = b.y",
        "a.x => b.y",
        "a > b",
        "a.x > 1",
        "a.x > b.y *2",
        "a.x > b.y - nan",
        "A.x > b.y; c",
        "a/b/c.x > b.y",
        "/a.x > b.y",
    ],
)
def test_a_malformed_inequality_is_one_clear_line(text):
    with pytest.raises(UserError) as caught:
        parse(text, "stages/line/tables.yaml: claims.mine.inequality", "line")
    assert str(caught.value).startswith("stages/line/tables.yaml: claims.mine.inequality = ")
    assert "row.metric OP row.metric" in str(caught.value)
