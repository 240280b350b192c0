"""Choice by folds: which images are trained on and held out, the estimate by hand, and what is chosen."""

from dataclasses import replace
from statistics import mean, stdev

import pytest
import torch

from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.schema import validate
from stages.core.training import predict
from stages.generalisation import train, tuned_mlp
from stages.generalisation.train import choose_weight_decay, fit
from stages.image_classification import mlp
from stages.image_classification import train as classifiers
from tests.generalisation.small import CHOICE, DATA, SETTINGS, small_run


def as_set(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def plain(run, **changes):
    """Return the run of an MLP with the same training, which chooses nothing."""
    return replace(run, family="image_classification", model="mlp", args=mlp.Args(**(SETTINGS | changes)))


def wrong_share(model, split: Split, run) -> float:
    predicted = predict(model, classifiers.scale_pixels(split, DATA.info, run.args).inputs).argmax(1)
    return (predicted != split.targets).float().mean().item()


@pytest.fixture
def trainings(monkeypatch) -> list[tuple[float, Split, Split]]:
    """Collect the weight decay of each training, and the images it is given to train on and to be tested by."""
    found, real = [], train.fit_watched

    def watched(run, data: Data, *rest):
        found.append((run.args.weight_decay, data.train, data.test))
        return real(run, data, *rest)

    monkeypatch.setattr(train, "fit_watched", watched)
    return found


def test_each_image_is_held_out_once_by_a_network_that_does_not_see_it(trainings):
    run = small_run(num_folds=7)
    choose_weight_decay(run, DATA, 1)
    assert [decay for decay, _, _ in trainings] == ([0.0] * 7 + [5.0] * 7) * 2
    for start in range(0, len(trainings), 7):
        held_out = [as_set(held.inputs) for _, _, held in trainings[start : start + 7]]
        assert sorted(map(len, held_out)) == [8] * 3 + [9] * 4
        assert len(set.union(*held_out)) == 60
        for (_, seen, _), held in zip(trainings[start : start + 7], held_out, strict=True):
            assert as_set(seen.inputs) == set.union(*held_out) - held
    first, other = (as_set(trainings[start][2].inputs) for start in (0, 14))
    assert first != other  # another division of the same images


def test_the_images_divided_are_those_of_the_last_training(trainings, monkeypatch):
    monkeypatch.setattr(train, "watch_errors", lambda validation, model, training: trained.append(training) or dict)
    trained = []
    fit(small_run(), DATA, 4)
    divided = as_set(trainings[0][1].inputs) | as_set(trainings[0][2].inputs)
    pixels = Split(torch.stack([torch.frombuffer(bytearray(image), dtype=torch.uint8) for image in divided]), None)
    scaled = classifiers.scale_pixels(pixels, DATA.info, small_run().args).inputs
    assert len(trained) == 1 and as_set(scaled) == as_set(trained[0].inputs)
    assert len(divided) == 60 and divided < as_set(DATA.train.inputs)


def test_the_estimate_is_the_share_of_wrong_images_by_hand():
    run, seed = small_run(num_folds=3), 2
    order = torch.randperm(200, generator=torch.Generator().manual_seed(seed))[:60]
    images = Split(DATA.train.inputs[order], DATA.train.targets[order])
    folds = torch.randperm(60, generator=torch.Generator().manual_seed(seed)).split(20)
    wrong = []
    for held, others in zip(folds, ([1, 2], [0, 2], [0, 1]), strict=True):
        part = torch.cat([folds[other] for other in others])
        other_run = plain(run, num_train=None)
        torch.manual_seed(seed)
        data = Data(Split(images.inputs[part], images.targets[part]), None, DATA.test, DATA.info)
        model, _ = classifiers.fit(other_run, data, seed)
        wrong.append(wrong_share(model, Split(images.inputs[held], images.targets[held]), other_run))
    all_folds = choose_weight_decay(run, DATA, seed)
    single = choose_weight_decay(small_run(num_folds=3, num_validated=1), DATA, seed)
    assert all_folds["chosen_decay"] == single["chosen_decay"] == 0.0
    assert all_folds["estimated_error"] == pytest.approx(mean(wrong))
    assert single["estimated_error"] == pytest.approx(wrong[0])
    assert (all_folds["num_trainings"], single["num_trainings"]) == (2 * 3 + 1, 2 * 1 + 1)


@pytest.mark.parametrize("decays", [[0.0, 5.0], [5.0, 0.0]])
def test_a_decay_that_learns_nothing_is_not_chosen(decays):
    chosen = choose_weight_decay(small_run(weight_decays=decays), DATA, 1)
    assert chosen["chosen_decay"] == 0.0
    errors = dict(zip(decays, (chosen["estimated_error_1"], chosen["estimated_error_2"]), strict=True))
    assert errors[5.0] > errors[0.0]


def test_the_first_division_decides_and_all_of_them_say_how_it_scatters(monkeypatch):
    errors = iter([0.5, 0.3, 0.3, 0.1, 0.6, 0.4, 0.5, 0.2, 0.7])
    monkeypatch.setattr(train, "estimate_error", lambda *_: next(errors))
    chosen = choose_weight_decay(small_run(weight_decays=[0.0, 0.1, 0.2], num_divisions=3), DATA, 1)
    assert chosen["chosen_decay"] == 0.1  # the first of two equally good ones
    assert chosen["estimated_error"] == 0.3
    assert chosen["estimate_sd"] == pytest.approx(stdev([0.3, 0.1, 0.2]))
    assert chosen["estimated_error_1"] == pytest.approx(mean([0.5, 0.1, 0.5]))
    assert chosen["estimated_error_3"] == pytest.approx(mean([0.3, 0.4, 0.7]))


def test_the_last_network_is_the_plain_one_with_the_chosen_decay():
    run = small_run(weight_decays=[0.3, 5.0])
    model, history = fit(run, DATA, 3)
    torch.manual_seed(3)
    same, _ = classifiers.fit(plain(run, weight_decay=0.3), DATA, 3)
    assert history[-1]["chosen_decay"] == 0.3
    assert all(map(torch.equal, model.state_dict().values(), same.state_dict().values()))


def test_errors_are_those_of_the_last_network():
    run = plain(small_run())
    torch.manual_seed(1)
    model, history = fit(run, DATA, 1)
    drawn = torch.randperm(200, generator=torch.Generator().manual_seed(1))[:60]
    training = Split(DATA.train.inputs[drawn], DATA.train.targets[drawn])
    assert history[-1]["train_error"] == pytest.approx(wrong_share(model, training, run))
    assert history[-1]["validation_error"] == pytest.approx(wrong_share(model, DATA.validation, run))
    torch.manual_seed(1)
    _, expected = classifiers.fit(run, DATA, 1)
    assert history[-1]["validation_loss"] == pytest.approx(expected[-1]["validation_loss"])
    assert history[-1]["train_loss"] == expected[-1]["train_loss"]  # watching changes nothing


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_validated": 4}, "num_validated = 4 must be at most num_folds = 3"),
        ({"weight_decay": 0.1}, "weight_decay = 0.1 must be absent"),
        ({"weight_decays": [0.1]}, "weight_decays"),
        ({"weight_decays": [0.1, 0.1]}, "differ"),
        ({"num_folds": 1}, "num_folds"),
        ({"num_divisions": 1}, "num_divisions"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(changes, message):
    with pytest.raises(UserError, match=message) as error:
        validate(tuned_mlp.Args, SETTINGS | CHOICE | changes, "runs.x.args")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "data", "message"),
    [
        ({"num_train": 201}, DATA, "num_train = 201 must be from num_folds = 3 to the 200 training images"),
        ({"num_train": 5, "num_folds": 6}, DATA, "num_train = 5 must be from num_folds = 6 to the 200"),
        ({}, replace(DATA, validation=None), "data = 'noisy_images' must have a validation split"),
    ],
)
def test_images_that_are_too_few_are_refused(changes, data, message):
    with pytest.raises(UserError, match=f"generalisation/small: {message}"):
        fit(small_run(**changes), data, 1)
