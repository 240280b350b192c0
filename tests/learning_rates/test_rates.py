"""The grids of learning rates hold the rate that each row chooses."""

import json

import pytest

from stages.core.run import METRICS, load_family, load_run
from tests.conftest import ROOT

FAMILY = "learning_rates"


@pytest.mark.parametrize("row", load_family(FAMILY).runs)
def test_a_chosen_rate_is_no_end_of_its_grid(row, monkeypatch):
    """Else a lower or higher one might be better, and the row would lose by its grid."""
    monkeypatch.chdir(ROOT)
    rates = load_run(f"{FAMILY}/{row}").args.learning_rates
    chosen = json.loads((METRICS / FAMILY / f"{row}.json").read_text())["chosen_rate"]["seeds"]
    assert all(min(rates) < rate < max(rates) for rate in chosen.values()), chosen


@pytest.mark.parametrize("batch", ["64", "1024", "4096"])
def test_warm_up_is_compared_at_equal_arguments(batch):
    """The early rise is that at the highest rate, in the steps that warm-up takes: of both rows or of none."""
    plain, warm = (load_run(f"{FAMILY}/{kind}_{batch}").args for kind in ("plain", "warm"))
    assert plain.warmup_epochs == 0 and warm == plain.model_copy(update={"warmup_epochs": plain.early_epochs})
