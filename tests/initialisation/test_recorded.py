"""What the recorded rows must fulfil for their tables to say what they say."""

import json

from stages.core.run import load_family, load_run
from tests.conftest import ROOT


def test_no_network_that_learns_has_a_rate_at_the_end_of_its_grid(monkeypatch):
    monkeypatch.chdir(ROOT)
    learned = 0
    for row in load_family("initialisation").runs:
        args = load_run(f"initialisation/{row}").args
        metrics = json.loads((ROOT / f"metrics/initialisation/{row}.json").read_text(encoding="utf-8"))
        for name in (f"{activation}_{depth}" for activation in args.activations for depth in args.depths):
            rates = metrics[f"chosen_rate_{name}"]["seeds"]
            for seed, learns in metrics[f"learns_{name}"]["seeds"].items():
                assert not learns or min(args.rates) < rates[seed] < max(args.rates), (row, name, seed)
                learned += learns
    assert learned > 100
