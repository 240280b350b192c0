"""First stage: nothing is fetched or trained while params.yaml is wrong."""

from pathlib import Path

from stages.core.files import write_text
from stages.results.documents import load_documents
from stages.results.params import load_params


def check(out: Path | None) -> None:
    """Check params.yaml and stages/documents.yaml.

    Write `out`, whose content never changes, so that no later stage is redone because of it.

    Raises:
        UserError: one of them is wrong.
    """
    load_documents(load_params())
    if out is None:
        print("params.yaml is valid")
    else:
        write_text(out, "params.yaml is valid\n")
