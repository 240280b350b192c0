"""The inequalities that claims are written in: `left.metric OP right.metric`, with a margin if need be.

On the right `+ margin` or `- margin` may follow; OP is >, >=, < or <=.
"""

import re
from dataclasses import dataclass
from typing import Literal

from stages.core.errors import UserError

_SHAPE = re.compile(
    r"\s*(?P<left>[a-z]\w*)\.(?P<left_metric>[a-z]\w*)"
    r"\s*(?P<operator>>=|<=|>|<)"
    r"\s*(?P<right>[a-z]\w*)\.(?P<right_metric>[a-z]\w*)"
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


def parse(text: str, where: str) -> Inequality:
    """Read an inequality; `where` begins the message of an error.

    Raises:
        UserError: it is not of the form above.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        allowed = "`run.metric OP run.metric`, optionally followed by `+ number` or `- number`; OP is >, >=, < or <="
        raise UserError(f"{where} = {text!r}: must be {allowed}")
    parts = match.groupdict()
    margin = float(f"{parts.pop('sign') or ''}{parts.pop('margin') or 0}")
    return Inequality(**parts, margin=margin)
