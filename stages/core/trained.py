"""Trained models: of a seed for evaluation, or as a user names them on the command line."""

import json
from typing import Any

from torch import nn

from stages.core.data import read_tensors
from stages.core.errors import UserError
from stages.core.family import code_of, family_names
from stages.core.run import MODELS, Run, load_family, load_run, one_of
from stages.core.training import History


def load_model(run: Run, seed: int, info: dict[str, Any]) -> tuple[nn.Module, History]:
    """Return a trained model in evaluation mode, on the run's device, and its history; `info` is the data's.

    Raises:
        UserError: it was not trained, or its file is damaged.
    """
    model = run.build(info)
    path = MODELS / run.name / f"{seed}.safetensors"
    weights = read_tensors(path)
    try:
        model.load_state_dict(weights)
        history = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (RuntimeError, OSError, ValueError) as error:
        message = f"{path} does not fit model '{run.model}' or its history is missing; `dvc repro` makes it again"
        raise UserError(message) from error
    return model.to(run.device).eval(), history


def run_of(family: str, row: str) -> Run:
    """Return the run that a user named with `--run`: a row of a family, or `other/row` of one that runs its code.

    Raises:
        UserError: there is no such row, or the parameters are wrong.
    """
    users = {name: load_family(name) for name in family_names() if code_of(name) == family}
    rows = {f"{user}/{row}": params for user, params in users.items() for row in params.runs}
    names = [name.removeprefix(f"{family}/") for name in rows]  # a row of the family itself needs no family
    name = one_of(row.removeprefix(f"{family}/"), names, "--run")
    name = name if "/" in name else f"{family}/{name}"
    return load_run(name, rows[name])


def seed_of(run: Run, seed: int | None, option: str) -> int:
    """Return the seed that a user named by `option`, or the run's first one.

    Raises:
        UserError: the run has no such seed, or was not trained with it.
    """
    seed = run.seeds[0] if seed is None else seed
    if seed not in run.seeds:
        raise UserError(f"{option} = {seed}: must be one of {', '.join(map(str, run.seeds))}, the seeds of {run.name}")
    path = MODELS / run.name / f"{seed}.safetensors"
    if not path.exists():
        raise UserError(f"--run = '{run.name}': {path} is missing; `python -m stages repro {run.name}` makes it")
    return seed
