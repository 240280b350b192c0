"""Numbers, arguments and keys as text, the same in tables and figures."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

NOTHING = "–"


def words(name: str) -> str:
    """Return a key as words: `test_accuracy` becomes "test accuracy"."""
    return name.removeprefix("num_").replace("_", " ")


def show_argument(value: Any) -> str:
    """Return a hyperparameter as text: layer sizes as 784-256-10, an absent one as a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "-".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_values(values: Sequence[float], digits: int) -> str:
    """Return `mean ± sd (n)`; of a single value `mean (1)`, and of what no seed changes that alone."""
    centre = show_number(mean(values), digits)
    if len(values) == 1:
        return f"{centre} (1)"
    return centre if len(set(values)) == 1 else f"{centre} ± {show_number(stdev(values), digits)} ({len(values)})"


def show_number(value: float, digits: int, *, signed: bool = False) -> str:
    """Return a number with fixed decimals, in scientific notation where those would show only zeros.

    Thousands have no decimals.
    """
    if abs(value) >= 1000:
        return f"{value:{'+' if signed else ''},.0f}"
    style = f".{digits}f" if value == 0 or abs(value) >= 0.5 * 10.0**-digits else ".0e"
    return f"{value:{'+' if signed else ''}{style}}"
