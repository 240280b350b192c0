"""Mistakes to plant in a run, each honest-looking, that verification must catch; and what every family plants.

A family's own mistakes stand in its contract, `tests/<family>/contract.py`. `python -m tests.planted [FAMILY|RUN…]`
plants them in runs of the real pipeline, at full size, and says by which metrics each is caught against the committed
references, judged as on another machine. Without a name it takes a row of each family: the first one with the
architecture that its contract plants them in.
"""

import importlib
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from stages import evaluate
from stages.core.data import Data, Split, load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.family import code_of, family_module, family_names
from stages.core.metrics import summarise
from stages.core.run import Run, load_family, load_run
from stages.core.training import History
from stages.results.references import Reference, load_references
from stages.results.verification import Finding, load_family_metrics, verify_runs

Planting = tuple[Run, Any, AbstractContextManager]  # run, data, and what is patched in training and scoring
Plant = Callable[[Run, Any], Planting]


@dataclass(frozen=True)
class Planted:
    """What a family plants where: a run that learns small data in a fraction of a second.

    Its metrics are held against the tolerances of `stages/<family>/metrics.yaml`, so that the small data must be such
    that these mean something there.

    Attributes:
        run: on the small data; a name that no row has, or its row's own tolerances count.
        data: what `load` would return.
        plants: the mistakes.
        gains: of a mistake that makes a result better: metrics of which one at least must be reported as better than
            expected.
        shows: metrics of which one at least must be reported for a mistake.
        score: what a further stage makes of `example_scores`, where there is one: called with the model, the honest run
            and its honest data (real or small), and the predictions, it returns more metrics.
    """

    run: Run
    data: Any
    plants: Sequence[Plant]
    gains: Mapping[Plant, Collection[str]] = field(default_factory=dict)
    shows: Mapping[Plant, Collection[str]] = field(default_factory=dict)
    score: Callable[[nn.Module, Run, Any, Mapping[str, Tensor]], dict[str, float]] | None = None


def nothing(run: Run, data: Any) -> Planting:
    """Change nothing: what honest seeds give."""
    return run, data, nullcontext()


def other_first_weights(run: Run, data: Any) -> Planting:
    """Draw the first weights from another seed: an honest change, as great as rounding can make it."""
    seeded = torch.manual_seed
    return run, data, patch.object(torch, "manual_seed", lambda seed: seeded(1000 + seed))


def learning_rate_ten_times_too_high(run: Run, data: Any) -> Planting:
    """Misplace the decimal point."""
    args = run.args.model_copy(update={"learning_rate": 10 * run.args.learning_rate})
    return replace(run, args=args), data, nullcontext()


def dropout_left_on(run: Run, data: Any) -> Planting:
    """Forget `model.eval()`."""
    return run, data, patch.object(nn.Module, "eval", lambda model: model.train())


def shuffled_labels(run: Run, data: Data) -> Planting:
    """Shuffle a tenth of the training labels, and not the inputs with them."""
    draws = torch.Generator().manual_seed(0)
    targets = data.train.targets.clone()
    chosen = torch.randperm(len(targets), generator=draws)[: len(targets) // 10]
    targets[chosen] = targets[chosen[torch.randperm(len(chosen), generator=draws)]]
    return run, replace(data, train=Split(data.train.inputs, targets)), nullcontext()


def test_split_in_training(run: Run, data: Data) -> Planting:
    """Train on every second test example too."""
    both = Split(*(torch.cat([train, test[::2]]) for train, test in zip(data.train, data.test, strict=True)))
    return run, replace(data, train=both), nullcontext()


test_split_in_training.__test__ = False  # for pytest


def fit(run: Run, data: Any, seed: int) -> tuple[nn.Module, History]:
    """Train one model as the stage does."""
    torch.manual_seed(seed)
    return family_module(run.family, "train").fit(run, data, seed)


def measure(
    planted: Planted, seeds: Sequence[int], plant: Plant = nothing, run: Run | None = None, data: Any = None
) -> dict[str, Any]:
    """Train and score a run with a mistake in it; return what its metrics files would hold.

    The run and its data are the planted ones if none are given.
    """
    run, data = (planted.run, planted.data) if run is None else (run, data)
    wrong_run, wrong_data, mistake = plant(run, data)
    scores = {}
    with mistake:
        for seed in seeds:
            model, history = fit(wrong_run, wrong_data, seed)
            scores[seed], predicted = evaluate.measure(wrong_run, model, wrong_data, history)
            if planted.score is not None:
                scores[seed] |= planted.score(model, run, data, predicted.get("predictions", {}))
    return summarise(scores)


def verify(
    planted: Planted, reference: Reference, seeds: Sequence[int], plant: Plant, run: Run | None = None, data: Any = None
) -> list[Finding]:
    """Plant a mistake and verify as on another machine, by the family's own tolerances; return what is found.

    That training diverges is a finding too, because the rebuild itself fails.
    """
    name, family = (planted.run.name, planted.run.family) if run is None else (run.name, run.family)
    try:
        measured = measure(planted, seeds, plant, run, data)
    except UserError as error:
        return [Finding(name, "", "", "", "", str(error))]
    settings = reference.settings | {"fingerprint": {"processor": "another"}}
    metrics = {family: load_family_metrics(family)}
    return verify_runs({name: reference}, {name: measured | {"settings": settings}}, {name: seeds}, metrics).findings


def load_contract(family: str) -> ModuleType:
    """Return what a family, or its code, has for the generic tests: small data, a shortened run, what is planted."""
    return importlib.import_module(f"tests.{code_of(family)}.contract")


def small_evaluation(family: str) -> AbstractContextManager:
    """Return what is patched in tests because scores at full size take too long, if the family says so."""
    return getattr(load_contract(family), "small_evaluation", nullcontext)()


def load_planted(family: str) -> Planted:
    """Return what a family plants."""
    return load_contract(family).PLANTED


def rows_to_plant_in(names: Sequence[str]) -> list[str]:
    """Return the full names of the rows that `names` mean: rows, or families, all if none."""
    rows = []
    for name in names or family_names():
        if "/" in name:
            rows.append(name)
            continue
        planted = load_planted(name).run
        # Mistakes may be planted in the rows of another family that runs this one's code.
        has_it = any(entry.model == planted.model for entry in load_family(name).runs.values())
        family = name if has_it else planted.family
        runs = load_family(family).runs
        rows.append(next(f"{family}/{row}" for row, entry in runs.items() if entry.model == planted.model))
    return rows


def main(names: list[str]) -> None:
    """Plant every mistake in the runs named."""
    missed, references = 0, load_references()
    for name in rows_to_plant_in(names):
        run = load_run(name)
        planted = load_planted(run.family)
        prepare_device(run.device)
        data = load_prepared(run.family, run.data)
        for plant in [nothing, *planted.plants]:
            if plant is dropout_left_on and not getattr(run.args, "dropout", 0):
                continue
            found = verify(planted, references[name], run.seeds, plant, run, data)
            print(f"{name}: {plant.__name__}: {'caught' if found else 'not caught'}")
            for one in found:
                print(f"    {one.metric} {one.reference} -> {one.fresh} ({one.allowed}): {one.why}", flush=True)
            missed += bool(found) == (plant is nothing)
    sys.exit(missed > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
