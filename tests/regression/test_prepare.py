"""The drawn data follow their stated rule; a CSV file is split and standardised without looking at the test rows."""

from pathlib import Path

import pytest
import torch

from stages.core.data import RAW, Data, load_data
from stages.core.errors import UserError
from stages.core.run import load_family, load_run
from stages.core.schema import validate
from stages.core.training import predict
from stages.prepare import load_recipes
from stages.regression.prepare import RECIPES, Csv
from stages.regression.train import LOSSES
from tests.conftest import ROOT


def draw(rule: str, **recipe) -> Data:
    return validate(RECIPES["drawn"], {"rule": rule, **recipe}, "recipe").read()


def test_linear_data_follow_the_line():
    """Least squares on the training split recovers the true weights to within five standard errors."""
    data = draw("linear", weights=[2.0, -3.4], bias=4.2, noise=0.01, num_train=1000, num_test=10, seed=0)
    inputs = torch.cat([data.train.inputs, torch.ones(1000, 1)], dim=1)
    solution = torch.linalg.lstsq(inputs, data.train.targets).solution.flatten()
    assert solution.tolist() == pytest.approx([2.0, -3.4, 4.2], abs=5 * 0.01 / 1000**0.5)
    assert data.info["truth"] == {"weight_1": 2.0, "weight_2": -3.4, "bias": 4.2}


def test_the_same_seed_draws_the_same_data_and_another_other():
    recipe = {"rule": "random_pairs", "num_inputs": 3, "num_outputs": 2, "num_train": 4, "num_test": 2}
    one, two, other = (draw(**recipe, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.train.inputs, two.train.inputs)
    assert not torch.equal(one.train.inputs, other.train.inputs)


def test_polynomial_without_noise_is_exact():
    data = draw("polynomial", weights=[0.5, 3.0, 2.4], bias=0.9, noise=0.0, num_train=50, num_test=5, seed=0)
    x = data.test.inputs
    torch.testing.assert_close(data.test.targets, 0.9 + 0.5 * x + 3 * x**2 + 2.4 * x**3)


def test_the_best_possible_accuracy_is_that_of_the_best_classifier():
    """Classifying by the nearer mean comes within sampling error of the stated bound, Phi(1.5) = 0.93319."""
    data = draw("two_clouds", distance=3.0, num_train=1, num_test=100_000, seed=0)
    assert data.info["best_possible_accuracy"] == pytest.approx(0.9331928)
    nearer = (data.test.inputs.sum(1, keepdim=True) > 0).float()
    share = (nearer == data.test.targets).double().mean().item()
    assert share == pytest.approx(0.93319, abs=5 * (0.93319 * 0.06681 / 100_000) ** 0.5)


def test_fizzbuzz_says_the_right_words_and_keeps_the_test_numbers_apart():
    data = draw("fizzbuzz", num_digits=10, first_train=101)
    words = [data.info["classes"][word] for word in data.test.targets[:15]]
    expected = ["fizzbuzz" if n % 15 == 0 else "buzz" if n % 5 == 0 else "fizz" if n % 3 == 0 else "number"
                for n in range(1, 16)]  # fmt: skip
    assert words == expected
    powers = 2 ** torch.arange(10).float()
    assert (data.test.inputs @ powers).tolist() == list(range(1, 101))
    assert (data.train.inputs @ powers).tolist() == list(range(101, 1024))


def test_each_row_fits_the_data_that_it_names(monkeypatch):
    """Models take the inputs of the committed recipes and predict as many values as there are targets."""
    monkeypatch.chdir(ROOT)
    recipes, _ = load_recipes("regression")
    drawn = [name for name, entry in load_family("regression").runs.items() if entry.data != "breast_cancer"]
    for name in drawn:
        run = load_run(f"regression/{name}")
        data = recipes[run.data].read()
        predictions = predict(run.build(data.info), data.test.inputs)
        assert LOSSES[data.info["task"]](predictions, data.test.targets).isfinite(), name


SIZES = {"num_train": 5, "num_validation": 2, "num_test": 3}
CSV = Csv(raw="t", file="t.csv", classes=["no", "yes"], seed=0, **SIZES)


@pytest.fixture
def table(tmp_path, monkeypatch) -> Path:
    """The file of a table, in the current directory."""
    monkeypatch.chdir(tmp_path)
    (RAW / "t").mkdir(parents=True)
    return RAW / "t/t.csv"


def test_csv_is_standardised_by_its_training_rows(table, tmp_path):
    """The first line, which is no row, is skipped, and a huge test value must not move the training rows."""
    rows = [f"{i},{i * i},{i % 2}" for i in range(10)]
    table.write_text("\n".join(["10,2,no,yes", *rows]))
    CSV.make(tmp_path, "")
    data = load_data(tmp_path)
    assert data.train.inputs.shape == (5, 2)
    assert data.train.inputs.mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert data.train.inputs.std(0).tolist() == pytest.approx([1, 1], abs=1e-6)
    assert data.sizes() == SIZES
    assert data.test.inputs.mean(0).abs().max() > 1e-3


@pytest.mark.parametrize("cell", ["", "abc"])
def test_a_cell_that_is_no_number_is_named(cell, table):
    table.write_text("head\n" + "\n".join(f"{i},{cell if i == 3 else i},1" for i in range(10)))
    with pytest.raises(UserError, match=r"t.csv: "):
        CSV.read()


def test_a_missing_csv_and_wrong_sizes_are_named(table):
    with pytest.raises(UserError, match="t.csv: cannot be read"):
        CSV.read()
    table.write_text("head\n1,2,1\n2,3,0\n")
    with pytest.raises(UserError, match="must add up to the 2 examples"):
        CSV.read()
