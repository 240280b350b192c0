"""How long the stages of a run took, as the committed references say: the report itself measures no time."""

from collections.abc import Mapping
from typing import NamedTuple

from stages.results.references import Reference


class Timing(NamedTuple):
    """How long a run took, None if unknown, and on which machine."""

    seconds: float | None
    machine: str


def timing(reference: Reference | None) -> Timing:
    """Return how long training and evaluating a run took when its reference was recorded, all its seeds together."""
    if reference is None:
        return Timing(None, "")
    known = {"train", "evaluate"} <= reference.seconds.keys()
    return Timing(
        sum(reference.seconds.values()) if known else None, show_machine(reference.settings.get("fingerprint", {}))
    )


def show_machine(fingerprint: Mapping[str, str]) -> str:
    """Return a fingerprint in words: "torch 2.3.1, device cpu, …"."""
    return ", ".join(f"{name} {value}" for name, value in fingerprint.items())


def show_seconds(seconds: float | None) -> str:
    """Return a duration in words: 3.4 s, 42 s, 1 min 2 s, 1 h 5 min; a dash if it is None."""
    if seconds is None:
        return "–"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"
