"""Regressions to plant in a run, each an honest-looking mistake that verification must catch.

`python -m tests.planted [RUN…]` plants each in runs of the real pipeline, at full size, and says by which metrics it is
caught against the committed references, judged as on another machine.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from stages.core.data import PREPARED, Data, Split, load_data
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.run import Run, family_module, load_run
from stages.core.schema import read_yaml, validate
from stages.results.metrics import summarise
from stages.results.references import Reference, load_references
from stages.results.verification import Finding, Tolerances, compare_runs
from stages.verify import TOLERANCES

Plant = Callable[[Run, Data], tuple[Run, Data, AbstractContextManager]]


def nothing(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Change nothing: what honest seeds give."""
    return run, data, nullcontext()


def learning_rate_ten_times_too_high(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Misplace the decimal point."""
    args = run.args.model_copy(update={"learning_rate": 10 * run.args.learning_rate})
    return replace(run, args=args), data, nullcontext()


def shuffled_labels(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Shuffle a tenth of the training labels, and not the inputs with them."""
    draws = torch.Generator().manual_seed(0)
    targets = data.train.targets.clone()
    chosen = torch.randperm(len(targets), generator=draws)[: len(targets) // 10]
    targets[chosen] = targets[chosen[torch.randperm(len(chosen), generator=draws)]]
    return run, replace(data, train=Split(data.train.inputs, targets)), nullcontext()


def dropout_left_on(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Forget `model.eval()`."""
    return run, data, patch.object(nn.Module, "eval", lambda model: model.train())


def wrong_normalisation(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Scale the test images otherwise than the training images: to three quarters of the range."""
    darker = (data.test.inputs * 0.75).to(torch.uint8)
    return run, replace(data, test=Split(darker, data.test.targets)), nullcontext()


def test_split_in_training(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Train on the test examples too."""
    both = Split(*(torch.cat(pair) for pair in zip(data.train, data.test, strict=True)))
    return run, replace(data, train=both), nullcontext()


PLANTS: list[Plant] = [
    learning_rate_ten_times_too_high,
    shuffled_labels,
    dropout_left_on,
    wrong_normalisation,
    test_split_in_training,
]


def measure(run: Run, data: Data, seeds: list[int], plant: Plant = nothing) -> dict[str, Any]:
    """Train and score a run with a regression in it; return what its metrics file would hold."""
    run, data, mistake = plant(run, data)
    scores = {}
    with mistake:
        for seed in seeds:
            torch.manual_seed(seed)
            model, history = family_module(run.family, "train").fit(run, data, seed)
            scores[seed] = family_module(run.family, "evaluate").score(model, run, data, history)
    return summarise(scores)


def judge(
    run: str, reference: Reference, metrics: dict[str, Any], seeds: list[int], tolerances: Tolerances
) -> list[Finding]:
    """Compare as on another machine: by bands."""
    settings = reference.settings | {"fingerprint": {"processor": "another"}}
    return compare_runs({run: reference}, {run: metrics | {"settings": settings}}, {run: seeds}, tolerances)


def main(names: list[str]) -> None:
    """Plant every regression in the runs named."""
    missed, tolerances = 0, validate(Tolerances, read_yaml(TOLERANCES), f"{TOLERANCES}:")
    for name in names:
        run, reference = load_run(name), load_references()[name]
        prepare_device(run.device)
        data = load_data(PREPARED / run.data)
        for plant in [nothing, *PLANTS]:
            try:
                findings = judge(name, reference, measure(run, data, run.seeds, plant), run.seeds, tolerances)
            except UserError as error:  # training diverged: the rebuild itself fails
                findings = [Finding(name, "", "", "", "", str(error))]
            print(f"{name}: {plant.__name__}: {'caught' if findings else 'not caught'}")
            for found in findings:
                print(
                    f"    {found.metric} {found.reference} -> {found.fresh} ({found.allowed}): {found.why}", flush=True
                )
            missed += bool(findings) == (plant is nothing)
    sys.exit(missed > 0)


if __name__ == "__main__":
    main(sys.argv[1:] or ["image_classification_mlp_tuned"])
