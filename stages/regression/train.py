"""Training of the regression family: the common loop with the loss that fits the task."""

from torch import nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History, Loss, train

LOSSES: dict[str, Loss] = {
    "regression": functional.mse_loss,
    "binary": functional.binary_cross_entropy_with_logits,
    "multiclass": functional.cross_entropy,
}


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; `data` is on the run's device.

    Raises:
        UserError: training diverged.
    """
    model = run.build(data.info).to(run.device)
    loss = LOSSES[data.info["task"]]
    label = f"{run.name} seed {seed}"
    return model, train(model, loss, data.train, run.args, seed=seed, validation=data.validation, label=label)
