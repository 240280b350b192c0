"""The inequalities that claims are written in: `left.metric OP right.metric`, with a margin if need be.

On the right `+ margin` or `- margin` may follow; OP is >, >=, < or <=.
"""

import re
from dataclasses import dataclass
from typing import Literal

from stages.core.errors import UserError
from stages.core.run import family_file
from stages.results.presentation import Claim, family_of

_SHAPE = re.compile(
    r"\s*(?P<left>([a-z]\w*/)?[a-z]\w*)\.(?P<left_metric>[a-z]\w*)"
    r"\s*(?P<operator>>=|<=|>|<)"
    r"\s*(?P<right>([a-z]\w*/)?[a-z]\w*)\.(?P<right_metric>[a-z]\w*)"
    r"\s*((?P<sign>[+-])\s*(?P<margin>\d+(\.\d+)?(e-?\d+)?))?\s*",
    re.ASCII,
)


@dataclass(frozen=True)
class Inequality:
    """`left.left_metric operator right.right_metric + margin`."""

    left: str
    left_metric: str
    operator: Literal[">", ">=", "<", "<="]
    right: str
    right_metric: str
    margin: float


def parse(text: str, where: str, family: str) -> Inequality:
    """Read an inequality; a row without a family, as in `row.metric`, is one of `family`; `where` begins a message.

    Raises:
        UserError: it is not of the form above.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        allowed = "`row.metric OP row.metric`, optionally followed by `+ number` or `- number`; OP is >, >=, < or <="
        raise UserError(f"{where} = {text!r}: must be {allowed}")
    parts = match.groupdict()
    margin = float(f"{parts.pop('sign') or ''}{parts.pop('margin') or 0}")
    sides = {side: name if "/" in (name := parts.pop(side)) else f"{family}/{name}" for side in ("left", "right")}
    return Inequality(**parts, **sides, margin=margin)


def claim_key(name: str) -> str:
    """Return where the inequality of a claim stands, for messages."""
    family, _, short = name.partition("/")
    return f"{family_file(family, 'tables.yaml')}: claims.{short}.inequality"


def parse_claim(name: str, claim: Claim) -> Inequality:
    """Return the inequality of a claim with full names: a row without a family is of the claim's own.

    Raises:
        UserError: it is malformed.
    """
    return parse(claim.inequality, claim_key(name), family_of(name))
