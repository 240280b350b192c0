"""Inequalities of claims: what is read, and what cannot be read."""

import pytest

from stages.core.errors import UserError
from stages.results.inequality import Inequality, parse


def test_parts_of_an_inequality():
    assert parse("a_1.x >= b.y - 0.005", "c") == Inequality("a_1", "x", ">=", "b", "y", -0.005)
    assert parse("a.x<b.y+1e-3", "c").margin == 0.001
    assert parse("a.x > b.y", "c").margin == 0.0


@pytest.mark.parametrize(
    "text",
    ["", "a.x", "a.x = b.y", "a.x => b.y", "a > b", "a.x > 1", "a.x > b.y *2", "a.x > b.y - nan", "A.x > b.y; c"],
)
def test_a_malformed_inequality_is_one_clear_line(text):
    with pytest.raises(UserError) as caught:
        parse(text, "params.yaml: claims.mine.inequality")
    assert str(caught.value).startswith("params.yaml: claims.mine.inequality = ")
    assert "run.metric OP run.metric" in str(caught.value)
