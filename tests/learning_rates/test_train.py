"""Races and schedules: when a level counts as reached, which rate is chosen, and what a record says."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from stages.core.data import Split
from stages.core.errors import UserError
from stages.core.schema import validate
from stages.image_classification.train import scale_pixels
from stages.learning_rates import raced_mlp, scheduled_mlp
from stages.learning_rates.replicas import Replicas
from stages.learning_rates.train import batches, fit
from tests.learning_rates.small import DATA, RACE, SCHEDULE, raced, scheduled


def fitted(run, seed=1):
    torch.manual_seed(seed)
    return fit(run, DATA, seed)


def watched_loss(model, run) -> float:
    images = scale_pixels(Split(*(tensor[: run.args.num_watched] for tensor in DATA.validation)), DATA.info, run.args)
    with torch.no_grad():
        return functional.cross_entropy(model(images.inputs), images.targets).item()


def test_a_race_ends_at_the_first_check_below_the_last_level(monkeypatch):
    """A later check would say that a batch size needs more than it does."""
    losses = iter([[5.0, 2.2], [5.0, 1.9], [5.0, 1.7], [5.0, 1.4], [5.0, 1.0]])
    monkeypatch.setattr(Replicas, "losses", lambda *_: torch.tensor(next(losses)))
    _, history = fitted(raced())  # 8 steps an epoch, looked at after each second one
    assert [(record["steps"], record["epochs"]) for record in history] == [(4, 0.5), (8, 1.0)]
    assert [record["validation_loss"] for record in history] == pytest.approx([1.9, 1.4])
    assert all(record["reached"] == 1 and record["chosen_rate"] == 0.1 for record in history)
    assert next(losses) == [5.0, 1.0]


def test_levels_are_those_of_the_rate_that_wins(monkeypatch):
    """A rate that is fast at first and slow in the end does not lend its first steps to the winner."""
    losses = iter([[1.9, 2.2], [1.8, 2.1], [1.7, 1.4]])
    monkeypatch.setattr(Replicas, "losses", lambda *_: torch.tensor(next(losses)))
    _, history = fitted(raced())
    assert [record["steps"] for record in history] == [6, 6]


def test_a_level_that_is_not_reached_has_all_epochs():
    run = raced(loss_levels=[2.0, 1e-6])
    model, history = fitted(run)
    assert (history[0]["reached"], history[1]["reached"]) == (1, 0)
    assert (history[1]["epochs"], history[1]["steps"]) == (6, 48)
    assert history[1]["validation_loss"] == pytest.approx(watched_loss(model, run))


def test_all_examples_are_one_step():
    _, history = fitted(raced(batch_size=None, loss_levels=[1e-6], num_epochs=3))
    assert (history[0]["epochs"], history[0]["steps"]) == (3, 3)


@pytest.mark.parametrize("rates", [[0.0001, 0.1], [0.1, 0.0001], [0.1, 1e30]])
@pytest.mark.parametrize("run", [raced, scheduled])
def test_the_rate_that_learns_is_chosen(run, rates):
    """Neither one that hardly moves nor one that diverges, whatever their order."""
    model, history = fitted(run(learning_rates=rates))
    assert history[-1]["chosen_rate"] == 0.1
    assert history[-1]["validation_loss"] == pytest.approx(watched_loss(model, run()), rel=1e-5)


@pytest.mark.parametrize("run", [raced, scheduled])
def test_rates_that_all_diverge_are_refused(run):
    with pytest.raises(UserError, match="no loss is finite; add lower learning_rates"):
        fitted(run(learning_rates=[1e30, 1e35]))


def test_an_epoch_has_every_example_once_in_an_order_of_its_own():
    """As `train` of the core does it, whose order a comparison with other families shares."""
    split = Split(torch.arange(10.0)[:, None], torch.arange(10))
    taken = [targets.tolist() for _, targets in batches(split, 4, 2, seed=3)]
    assert [len(batch) for batch in taken] == [4, 4, 2] * 2
    first, second = ([number for batch in epoch for number in batch] for epoch in (taken[:3], taken[3:]))
    assert sorted(first) == sorted(second) == list(range(10)) and first != second


def test_a_record_of_a_schedule():
    run = scheduled(learning_rates=[0.1, 1e30], warmup_epochs=2)
    model, history = fitted(run)
    rates = [record["learning_rate"] for record in history]
    cosine = [0.05 * (1 + math.cos(math.pi * (8 * epoch - 1) / 32)) for epoch in range(1, 5)]
    assert rates == pytest.approx([0.05, 0.1, *cosine])
    last = history[-1]
    assert last["validation_loss"] == pytest.approx(watched_loss(model, run))
    drawn = torch.randperm(200, generator=torch.Generator().manual_seed(1))[:160]
    training = scale_pixels(Split(DATA.train.inputs[drawn], DATA.train.targets[drawn]), DATA.info, run.args)
    with torch.no_grad():
        logits = model(training.inputs)
        images = scale_pixels(Split(*(tensor[:80] for tensor in DATA.validation)), DATA.info, run.args)
        wrong = (model(images.inputs).argmax(1) != images.targets).double().mean().item()
    assert last["final_train_loss"] == pytest.approx(functional.cross_entropy(logits, training.targets).item())
    assert last["validation_error_1"] == pytest.approx(wrong)
    assert last["validation_error_2"] > 0.5  # of the rate that diverges: finite all the same, as is its rise
    assert last["early_rise_2"] == 6


def test_the_early_rise_is_that_of_the_first_batches_above_an_earlier_one(monkeypatch):
    """Not of epochs, whose mean hides the first steps; a high first loss is none, nor one after `early_epochs`."""
    of_steps = [20.0, 0.5, 0.5, 100.0, 100.5] + [0.25] * 11 + [5000.0] * 32
    flat_ones = [1.0] * 16 + [9.0] * 32
    losses = iter([torch.tensor(pair) for pair in zip(flat_ones, of_steps, strict=True)])
    monkeypatch.setattr(Replicas, "step", lambda *_: next(losses))
    monkeypatch.setattr(Replicas, "losses", lambda *_: torch.tensor([2.0, 1.0]))
    _, history = fitted(scheduled())
    assert history[-1]["early_rise_1"] == pytest.approx(-3)  # none counts as a thousandth
    assert history[-1]["early_rise_2"] == pytest.approx(2)
    assert history[0]["train_loss"] == pytest.approx(sum(of_steps[:8]) / 8)


@pytest.mark.parametrize(
    ("args", "changes", "message"),
    [
        (raced_mlp.Args, RACE | {"loss_levels": [1.0, 1.0]}, "must fall"),
        (raced_mlp.Args, RACE | {"loss_levels": [1.0, 2.0]}, "must fall"),
        (raced_mlp.Args, RACE | {"learning_rates": [0.1, 0.1]}, "differ"),
        (raced_mlp.Args, RACE | {"layer_sizes": [196, 16, 16, 10]}, "layer_sizes"),
        (scheduled_mlp.Args, SCHEDULE | {"warmup_epochs": 6}, "warmup_epochs = 6 must be below num_epochs = 6"),
        (scheduled_mlp.Args, SCHEDULE | {"milestones": [1.0]}, "milestones"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(args, changes, message):
    with pytest.raises(UserError, match=message) as error:
        validate(args, changes, "runs.x.args")
    assert "\n" not in str(error.value)


def test_data_without_validation_images_are_refused():
    with pytest.raises(UserError, match="must have a validation split"):
        fit(raced(), replace(DATA, validation=None), 1)
