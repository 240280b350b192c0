"""Training on the source, and what mends the shift: each kind of shift has a module of its own.

No label of the target is looked at, but for the few new ones of concept shift, and for the accuracies on validation
images, by which the learning rates of concept shift were chosen.
"""

from stages.core.data import Data
from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.training import History
from stages.dataset_shift.networks import Networks


def fit(run: Run, data: Data, seed: int) -> tuple[Networks, History]:
    """Return the trained networks, and the history of the one in use.

    A record has `<network>_validation_accuracy` of each network too: in the target, on validation images. What else it
    has, the module of the run's shift says.

    Raises:
        UserError: training diverged, there are too few training images, or the data have no validation split.
    """
    if data.validation is None:
        raise UserError(f"{run.name}: data = '{run.data}' must have a validation split")
    return family_module(run.family, run.model).fit(run, data, seed)
