"""The inequalities that claims are written in: `2 * row.metric - other_row.metric > row.metric + 0.01`.

Each side is a sum of metrics, with a factor if need be, and numbers. More than two sides make a chain, such as a trend
over several rows, `a.loss > b.loss > c.loss`, or a range, `-0.01 < a.loss - b.loss < 0.01`. `log(row.metric)` is the
natural logarithm, so that a difference of two is a factor. `share(row.metric)` is for metrics that are 0 or 1 for each
seed, such as whether training diverged; it is compared with a number or with another share.
"""

import ast
from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

from stages.core.errors import UserError
from stages.core.run import family_file
from stages.results.presentation import Claim, family_of

Operator = Literal[">", ">=", "<", "<="]
Function = Literal["", "log", "share"]
_OPERATORS: dict[type[ast.cmpop], Operator] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
FORM = (
    "sums of `row.metric`, each with a factor if need be, and numbers, with >, >=, < or <= between them, as in "
    "`a.loss > 2 * b.loss + 0.1` or `a.loss > b.loss > c.loss`; also `log(row.metric)` and `share(row.metric)`"
)


@dataclass(frozen=True)
class Term:
    """A metric of a run, full name, or a function of it."""

    run: str
    metric: str
    function: Function = ""


@dataclass(frozen=True)
class Inequality:
    """`sum of factor * term operator margin`; the terms of its right side have their factors with the other sign."""

    factors: dict[Term, float]
    operator: Operator
    margin: float

    @property
    def of_shares(self) -> bool:
        """Whether its terms are shares."""
        return any(term.function == "share" for term in self.factors)


def parse(text: str, where: str, family: str) -> list[Inequality]:
    """Read a chain of inequalities; a row without a family, as in `row.metric`, is one of `family`.

    `where` begins a message.

    Raises:
        UserError: it is not of the form above.
    """
    try:
        chain = ast.parse(text.strip(), mode="eval").body
        if not isinstance(chain, ast.Compare):
            raise ValueError
        sides = [_Side(family, side) for side in (chain.left, *chain.comparators)]
        operators = [_OPERATORS[type(operator)] for operator in chain.ops]
        pairs = zip(sides, operators, sides[1:], strict=False)
        inequalities = [_inequality(left, operator, right) for left, operator, right in pairs]
    except (SyntaxError, ValueError, KeyError) as error:
        raise UserError(f"{where} = {text!r}: must be {FORM}") from error
    if bad := [inequality for inequality in inequalities if inequality.of_shares and not _compares_shares(inequality)]:
        names = ", ".join(f"{term.run}.{term.metric}" for term in bad[0].factors)
        raise UserError(f"{where} = {text!r}: the share of {names}: must be compared with a number or with one share")
    return inequalities


class _Side:
    """One side of an inequality: the factor of each term, and the sum of its numbers."""

    def __init__(self, family: str, node: ast.expr) -> None:
        self.family, self.factors, self.number = family, Counter[Term](), 0.0
        self.add(node, 1.0)

    def add(self, node: ast.expr, factor: float) -> None:
        """Add an expression times a factor; ValueError if it is none of those allowed."""
        match node:
            case ast.BinOp(left, ast.Add(), right):
                self.add(left, factor)
                self.add(right, factor)
            case ast.BinOp(left, ast.Sub(), right):
                self.add(left, factor)
                self.add(right, -factor)
            case ast.BinOp(number, ast.Mult(), right):
                self.add(right, factor * float(ast.literal_eval(number)))
            case ast.UnaryOp(ast.USub(), inner):
                self.add(inner, -factor)
            case ast.Constant(int() | float() as number):
                self.number += factor * number
            case ast.Call(ast.Name(name), [inner], []) if name in get_args(Function) and name:
                self.factors[self.term(inner, name)] += factor
            case _:
                self.factors[self.term(node, "")] += factor

    def term(self, node: ast.expr, function: Function) -> Term:
        """Return `row.metric` or `family/row.metric`, which Python reads as a division."""
        match node:
            case ast.Attribute(ast.Name(row), metric):
                return Term(f"{self.family}/{row}", metric, function)
            case ast.BinOp(ast.Name(family), ast.Div(), ast.Attribute(ast.Name(row), metric)):
                return Term(f"{family}/{row}", metric, function)
        raise ValueError


def _inequality(left: _Side, operator: Operator, right: _Side) -> Inequality:
    factors = Counter(left.factors)
    factors.subtract(right.factors)
    if not factors:
        raise ValueError
    return Inequality(dict(factors), operator, right.number - left.number)


def _compares_shares(inequality: Inequality) -> bool:
    factors = list(inequality.factors.values())
    if any(term.function != "share" for term in inequality.factors):
        return False
    return factors == [1.0] or (sorted(factors) == [-1.0, 1.0] and inequality.margin == 0)


def claim_key(name: str) -> str:
    """Return where the inequality of a claim stands, for messages."""
    family, _, short = name.partition("/")
    return f"{family_file(family, 'tables.yaml')}: claims.{short}.inequality"


def parse_claim(name: str, claim: Claim) -> list[Inequality]:
    """Return the inequalities of a claim with full names: a row without a family is of the claim's own.

    Raises:
        UserError: it is malformed.
    """
    return parse(claim.inequality, claim_key(name), family_of(name))
