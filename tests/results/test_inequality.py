"""Inequalities of claims: what is read, and what cannot be read."""

import pytest

from stages.core.errors import UserError
from stages.results.inequality import Inequality, Term, parse


def read(text: str) -> Inequality:
    [inequality] = parse(text, "c", "line")
    return inequality


def test_parts_of_an_inequality():
    factors = {Term("line/a_1", "x"): 1.0, Term("line/b", "y"): -1.0}
    assert read("a_1.x >= b.y - 0.005") == Inequality(factors, ">=", -0.005)
    assert read("a.x<b.y+1e-3").margin == 0.001
    assert read("a.x > b.y").margin == 0.0
    assert read("a.x + 1 > 3").margin == 2.0


def test_factors_and_sums_of_metrics():
    factors = {Term("line/a", "x"): 1.0, Term("line/b", "x"): -3.0, Term("line/c", "x"): 1.0}
    assert read("a.x - b.x > 2 * b.x - c.x") == Inequality(factors, ">", 0.0)
    assert read("-0.5 * a.x < log(b.y)").factors == {Term("line/a", "x"): -0.5, Term("line/b", "y", "log"): -1.0}


def test_a_chain_is_an_inequality_for_each_sign():
    first, second = parse("a.x > b.x >= c.x", "c", "line")
    assert (first.operator, second.operator) == (">", ">=")
    assert second.factors == {Term("line/b", "x"): 1.0, Term("line/c", "x"): -1.0}
    above, below = parse("-0.1 < a.x - b.x < 0.1", "c", "line")
    assert (above.margin, below.margin) == (0.1, 0.1)
    assert above.factors == {term: -factor for term, factor in below.factors.items()}


def test_a_row_of_another_family_is_named_with_it():
    assert {term.run for term in read("plane/a.x > b.y").factors} == {"plane/a", "line/b"}


def test_shares_are_compared_with_a_number_or_a_share():
    assert read("share(a.x) > 0.5").of_shares and read("share(a.x) < share(b.x)").of_shares
    for text in (
        "share(a.x) > share(b.x) + 0.1",
        "share(a.x) > b.x",
        "2 * share(a.x) > 1",
        "share(a.x) - 2 * share(b.x) > 0",
    ):
        with pytest.raises(UserError, match="must be compared with a number or with one share"):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.x",
        "a.x = b.y",
        "a.x == b.y",
        "a.x => b.y",
        "a > b",
        "1 > 0",
        "a.x > b.y * c.z",
        "a.x > b.y - nan",
        "A.x > b.y; c",
        "a/b/c.x > b.y",
        "/a.x > b.y",
        "sin(a.x) > 1",
        "__import__('os').x > 1",
    ],
)
def test_a_malformed_inequality_is_one_clear_line(text):
    with pytest.raises(UserError) as caught:
        parse(text, "stages/line/tables.yaml: claims.mine.inequality", "line")
    assert str(caught.value).startswith("stages/line/tables.yaml: claims.mine.inequality = ")
    assert "sums of `row.metric`" in str(caught.value)
