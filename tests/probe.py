"""What a refactoring must not change: `python -m tests.probe FAMILY/ROW…` prints it as JSON.

Each row is trained and evaluated on the small data of its family's contract, with all that its parameters switch on, by
the code of the stages `train` and `evaluate`. What reads prepared data is not seen. `make same-numbers` runs this in
two revisions and compares.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from torch import Tensor

from stages.core import trained
from stages.core.device import prepare_device
from stages.core.family import code_of, family_module, family_names
from stages.core.metrics import summarise
from stages.core.run import load_family, load_run
from stages.evaluate import measure, settings
from stages.train import fit_seed


def probe(name: str) -> dict[str, Any]:
    """Return the arguments of a row, and digests of all that its small run gives."""
    run = load_run(name)
    contract = importlib.import_module(f"tests.{code_of(run.family)}.contract")
    prepare_device("cpu")
    with getattr(contract, "small_evaluation", nullcontext)(), TemporaryDirectory() as models:
        data, short = contract.small_data(run), contract.shortened(run)
        weights, history = fit_seed(short, data, 1)
        (Path(models) / name).mkdir(parents=True)
        (Path(models) / name / "1.safetensors").write_bytes(weights)
        (Path(models) / name / "1.json").write_text(json.dumps(history))
        with patch.object(trained, "MODELS", Path(models)):
            model, history = trained.load_model(short, 1, data.info)
        scores, predicted = measure(short, model, data, history)
        described = settings(short, data, model)
        described.pop("fingerprint")
        found = {
            "weights": weights.hex(),
            "history": history,
            **predicted,
            "scores": summarise({1: scores}),
            "outputs": family_module(run.family, "evaluate").outputs(model, short, data, **predicted),
            "settings": described,
        }
        if contract.PLANTED.score is not None and predicted.get("predictions"):
            small = replace(short, name=contract.PLANTED.run.name)  # not a row, which would ask for trained models
            found["further scores"] = contract.PLANTED.score(model, small, data, predicted["predictions"])
    args = run.args.model_dump(mode="json") | {"seeds": run.seeds, "device": run.device, "model": run.model}
    return {"row": name, "args": args, "digests": {part: digest(value) for part, value in found.items()}}


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
