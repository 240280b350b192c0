"""Training of the line: the common loop with the squared error."""

from torch import nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History, train

LOSS = functional.mse_loss


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; `data` is on the run's device.

    Raises:
        UserError: training diverged.
    """
    model = run.build(data.info).to(run.device)
    return model, train(model, LOSS, data.train, run.args, seed=seed, label=f"{run.name} seed {seed}")
