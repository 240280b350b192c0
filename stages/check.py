"""First stage: nothing is fetched or trained while params.yaml is wrong."""

from pathlib import Path

from stages.core.files import write_text
from stages.core.params import load_params


def check(out: Path | None) -> None:
    """Check params.yaml. Write `out`, whose content never changes, so that no later stage is redone because of it.

    Raises:
        UserError: params.yaml is wrong.
    """
    load_params()
    if out is None:
        print("params.yaml is valid")
    else:
        write_text(out, "params.yaml is valid\n")
