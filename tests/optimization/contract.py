"""What the generic tests need of this family: small data, a shortened run, and (elsewhere) what is planted."""

from dataclasses import replace

from stages.core.data import Data
from stages.core.run import Run
from stages.optimization.functions import PROBLEMS
from stages.optimization.prepare import Start
from tests.convex_problem.contract import PLANTED as PLANTED


def small_data(run: Run) -> Data:
    """Return the start of a function near where its gradient is zero."""
    return Start(function=run.data, start=[value + 0.5 for value in PROBLEMS[run.data].stationary]).read()


def shortened(run: Run) -> Run:
    """Return the run with ten steps."""
    return replace(run, args=run.args.model_copy(update={"num_steps": 10}))
