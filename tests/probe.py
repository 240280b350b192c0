"""What a refactoring must not change: `python -m tests.probe FAMILY/ROW…` prints it as JSON, a line a row.

Each row is trained and evaluated on the small data of its family's contract, with all that its parameters switch on.
`make same-numbers` runs this in two revisions and compares.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from stages.core.device import prepare_device
from stages.core.family import family_module, family_names
from stages.core.run import Run, load_family, load_run


def probe(name: str) -> dict[str, Any]:
    """Return the arguments of a row, and digests of all that its small run gives."""
    run = load_run(name)
    contract = importlib.import_module(f"tests.{run.family}.contract")
    prepare_device("cpu")
    with getattr(contract, "small_evaluation", nullcontext)():
        data, short = contract.small_data(run), contract.shortened(run)
        torch.manual_seed(1)
        model, history = family_module(run.family, "train").fit(short, data, 1)
        found = {"weights": model.state_dict(), "history": history, **_evaluate(short, model, data, history)}
        if contract.PLANTED.score is not None and found["predictions"]:
            small = replace(short, name=contract.PLANTED.run.name)  # not a row, which would ask for trained models
            found["further scores"] = contract.PLANTED.score(model, small, data, found["predictions"])
    args = run.args.model_dump(mode="json")
    return {"row": name, "args": args, "digests": {part: digest(value) for part, value in found.items()}}


def _evaluate(run: Run, model: Any, data: Any, history: Any) -> dict[str, Any]:
    family = family_module(run.family, "evaluate")
    predictions = {} if family.example_scores is None else family.example_scores(model, run, data)
    given = {} if family.example_scores is None else {"predictions": predictions}
    scores = family.score(model, run, data, history, **given)
    return {"predictions": predictions, "scores": scores, "outputs": family.outputs(model, run, data, **given)}


def digest(value: Any) -> str:
    """Return a hash of numbers, texts and tensors: equal for equal bits."""
    if isinstance(value, Tensor):
        content = value.detach().cpu().contiguous()
        return digest([str(content.dtype), list(content.shape), content.numpy().tobytes().hex()])
    if isinstance(value, Mapping):
        return digest([[str(key), digest(item)] for key, item in value.items()])
    if isinstance(value, list | tuple):
        value = [item if isinstance(item, str) else digest(item) for item in value]
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


if __name__ == "__main__":
    rows = {f"{family}/{row}" for family in family_names() for row in load_family(family).runs}
    for name in sys.argv[1:]:
        if name in rows:
            print(json.dumps(probe(name)), flush=True)
