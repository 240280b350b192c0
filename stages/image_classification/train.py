"""Training of image classifiers: the common loop with cross-entropy."""

from torch import nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History, train
from stages.image_classification.data import scale_pixels


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; `data` is as prepared, on the run's device.

    Raises:
        UserError: training diverged.
    """
    model = run.build().to(run.device)
    data = scale_pixels(data, run.args)
    label = f"{run.name} seed {seed}"
    loss = functional.cross_entropy
    return model, train(model, loss, data.train, run.args, seed=seed, validation=data.validation, label=label)
