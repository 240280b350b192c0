"""What a batch size needs until a stated loss, and how good the networks are that schedules of the rate give."""

import torch
from torch import Tensor, nn

from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification import evaluate as classifiers
from stages.learning_rates import raced_mlp

RACE = ("epochs", "steps", "reached", "chosen_rate")
SCHEDULE = ("validation_loss", "chosen_rate")


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one trained model; losses in nats per image.

    Of a race what its last level of loss needed. Of a schedule the losses and the accuracy after the last epoch, and
    with the highest of the rates the `early_rise` of the loss and the validation error, `highest_rate_error`. See
    `train.py`.
    """
    last = history[-1]
    if isinstance(run.args, raced_mlp.Args):
        return {name: last[name] for name in RACE}
    tested = classifiers.score(model, run, data, [{"train_loss": last["final_train_loss"]}])
    rates = run.args.learning_rates
    highest = rates.index(max(rates)) + 1
    return (
        {name: tested[name] for name in ("train_loss", "test_loss", "test_accuracy")}
        | {name: last[name] for name in SCHEDULE}
        | {"early_rise": last[f"early_rise_{highest}"], "highest_rate_error": last[f"validation_error_{highest}"]}
    )


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need.

    Beside `predicted` and `actual` classes, int64 (n,): `batch_size`, with 0 for all images, `num_epochs` (at most) and
    `raced`, 0 or 1, int64 scalars; and the `learning_rates` tried, float64 (rates,).
    """
    counts = {
        "batch_size": run.args.batch_size or 0,
        "num_epochs": run.args.num_epochs,
        "raced": int(isinstance(run.args, raced_mlp.Args)),
    }
    found = classifiers.outputs(model, run, data) | {name: torch.tensor(count) for name, count in counts.items()}
    return found | {"learning_rates": torch.tensor(run.args.learning_rates, dtype=torch.float64)}
