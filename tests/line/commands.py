"""A fitted line at work in the terminal; and the stage that looks at its residuals."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from stages.core.data import load_prepared
from stages.core.device import fingerprint, prepare_device
from stages.core.files import write_json
from stages.core.metrics import summarise
from stages.core.run import METRICS, choose, family_file, load_family, load_run
from stages.core.schema import validate
from stages.core.trained import load_model, run_of, seed_of
from stages.core.training import predict
from stages.line.prepare import Residuals

FAMILY = Path(__file__).parent.name

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command()
def at(
    x: Annotated[float, typer.Argument(help="where")],
    row: Annotated[str, typer.Option("--run", help="a row of this family")] = "fast",
) -> None:
    """Print the y that the trained line of a row has at x."""
    run = run_of(FAMILY, row)
    prepare_device(run.device)
    model, _ = load_model(run, seed_of(run, None, "--model-seed"), {})
    print(f"{predict(model, torch.tensor([[x]])).item():.4f}")


@app.command()
def residuals(row: str) -> None:
    """Write metrics/<family>/residuals/<row>.json: the mean of the largest distances from the line."""
    where = f"{family_file(FAMILY)}: residuals"
    entry = validate(Residuals, choose(load_family(FAMILY).sections["residuals"], row, where), f"{where}.{row}")
    run = load_run(f"{FAMILY}/{row}")
    prepare_device(run.device)
    data = load_prepared(run.family, run.data, run.device)
    scores = {}
    for seed in run.seeds:
        model, _ = load_model(run, seed, data.info)
        distances = (predict(model, data.test.inputs) - data.test.targets).abs().flatten()
        scores[seed] = {"largest_residual": distances.topk(entry.count).values.mean().item()}
    settings = {"fingerprint": fingerprint(run.device)}
    write_json(METRICS / FAMILY / "residuals" / f"{row}.json", summarise(scores) | {"settings": settings})
