"""Trainings: what each network sees and with which weights, from which first weights, and what nothing may look at."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.schema import validate
from stages.dataset_shift import concept_shift, covariate_shift, label_shift, networks
from stages.dataset_shift.shifts import draw_by_class, draw_frequencies, halves, swap_names
from stages.dataset_shift.train import fit
from stages.image_classification.train import draw_images, scale_pixels
from tests.dataset_shift.small import DATA, KINDS, SETTINGS, small_run


def same(first, second) -> bool:
    return all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))


@pytest.fixture
def trainings(monkeypatch) -> dict[str, dict]:
    """Collect by network: its first weights, the images and targets it is given, and the arguments."""
    found, real = {}, networks.train

    def train(network, loss, data, args, **options):
        name = options["label"].rpartition(" ")[2]
        found[name] = {"start": [one.clone() for one in network.state_dict().values()], "data": data, "args": args}
        return real(network, loss, data, args, **options)

    monkeypatch.setattr(networks, "train", train)
    return found


def test_an_image_of_weight_3_counts_as_three():
    """One step of SGD on weighted images is the step on repeated ones, at a rate for the other mean."""
    run = small_run(label_shift, optimizer="sgd", num_epochs=1, batch_size=4, learning_rate=0.3)
    images = Split(torch.rand(4, 1, 14, 14), torch.tensor([0, 1, 2, 3]))
    weights = torch.tensor([3.0, 1.0, 0.0, 2.0])
    model = networks.untrained(run, DATA.info, 1)
    networks.fit_weighted(run, model, "weighted", images, 1, lambda _: 0.0, weights=weights)
    repeated = Split(*(part.repeat_interleave(weights.long(), 0) for part in images))
    args = run.args.model_copy(update={"batch_size": 6, "learning_rate": 0.3 * 6 / 4})
    networks.fit_weighted(run, model, "truly_weighted", repeated, 1, lambda _: 0.0, args=args)
    for one, other in zip(*(model.by_name[name].parameters() for name in ("weighted", "truly_weighted")), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_networks_that_are_compared_start_alike(kind, trainings):
    """But for the one that is trained on, which starts where the old one ended."""
    model, _ = fit(small_run(kind), DATA, 2)
    starts = {name: found["start"] for name, found in trainings.items()}
    if kind is concept_shift:
        assert all(map(torch.equal, starts.pop("trained_on"), model.by_name["kept"].state_dict().values()))
    first, *others = starts.values()
    assert len(starts) >= 2 and all(all(map(torch.equal, first, other)) for other in others)


@pytest.mark.parametrize("kind", KINDS)
def test_test_images_are_not_looked_at(kind):
    run, empty = small_run(kind), Split(DATA.test.inputs[:0], DATA.test.targets[:0])
    (model, history), (other, same_history) = (fit(run, data, 1) for data in (DATA, replace(DATA, test=empty)))
    assert same(model, other) and history == same_history


@pytest.mark.parametrize(("kind", "half"), [(covariate_shift, 0), (covariate_shift, 1), (concept_shift, 1)])
def test_labels_of_the_target_are_not_looked_at(kind, half):
    """Wrong labels of the images that estimates, or the accuracies, see change no network."""
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(1)).tensor_split(2)[half]
    targets = DATA.validation.targets.clone()
    targets[order] = (targets[order] + 1) % 10
    wrong = replace(DATA, validation=Split(DATA.validation.inputs, targets))
    (model, history), (other, other_history) = (fit(small_run(kind), data, 1) for data in (DATA, wrong))
    assert same(model, other)
    assert (history == other_history) == (half == 0)


def test_true_weights_are_the_ratios_of_the_shares(trainings):
    fit(small_run(covariate_shift, source_share=0.2, target_share=0.6), DATA, 3)
    weights = trainings["truly_weighted"]["data"].targets.sum(1)
    assert weights.unique().tolist() == pytest.approx([0.4 / 0.8, 0.6 / 0.2])
    moved = (weights > 1).nonzero().squeeze(1)
    inputs = trainings["truly_weighted"]["data"].inputs
    black = inputs.min()
    assert (inputs[moved][:, :, :3] == black).all()  # they, and not others, are moved by three pixels
    assert not (inputs[weights < 1][:, :, :3] == black).flatten(1).all(1).any()
    assert torch.equal(trainings["unweighted"]["data"].targets.sum(1), torch.ones(600))
    assert torch.equal(trainings["unweighted"]["data"].inputs, inputs)


def test_estimated_weights_are_nearer_to_the_true_ones():
    _, history = fit(small_run(covariate_shift), DATA, 1)
    assert history[-1]["weight_error"] < 0.85 * history[-1]["error_without_weights"]


def test_without_moved_images_in_the_source_no_weights_are_true():
    model, history = fit(small_run(covariate_shift, source_share=0.0), DATA, 1)
    assert [*model.by_name] == ["unweighted", "weighted"]
    assert "weight_error" not in history[-1] and "effective_share" in history[-1]


def test_class_weights_are_those_of_the_black_box(trainings):
    """From the first network's predictions, by hand; each training image has that of its class."""
    run, seed = small_run(label_shift), 4
    model, history = fit(run, DATA, seed)
    last, box = history[-1], model.by_name["unweighted"]
    frequencies = torch.tensor([last[f"frequency_{number}"] for number in range(10)], dtype=torch.float64)
    held_out, second = halves(DATA.validation, seed)
    predicted = [box(scale_pixels(half, DATA.info, run.args).inputs).argmax(1) for half in (held_out, second)]
    confusion = torch.zeros(10, 10, dtype=torch.float64)
    for found, actual in zip(predicted[0], held_out.targets, strict=True):
        confusion[found, actual] += 1 / 500
    draws = torch.Generator().manual_seed(seed)
    assert torch.equal(draw_frequencies(0.3, 10, draws), frequencies)
    drawn = predicted[1][draw_by_class(second.targets, frequencies, draws)]
    shares = torch.tensor([(drawn == number).double().mean() for number in range(10)], dtype=torch.float64)
    expected = torch.linalg.solve(confusion, shares).clamp(min=0)

    classes = draw_images(DATA.train, run, seed).targets
    indicators = functional.one_hot(classes, 10).float()
    found = trainings["weighted"]["data"].targets
    weights = torch.stack([found[classes == number].sum(1)[0] for number in range(10)])
    assert torch.allclose(found, indicators * weights[classes][:, None])
    assert torch.allclose(weights.double(), expected, atol=1e-5) and (weights - 1).abs().mean() > 0.5
    true = frequencies / (torch.bincount(classes, minlength=10) / 600)
    order = true.argsort(descending=True)
    for rank, number in enumerate(order.tolist(), 1):
        assert last[f"true_weight_{rank}"] == pytest.approx(true[number].item())
        assert last[f"estimated_weight_{rank}"] == pytest.approx(weights[number].item())
    distance = (weights - true)[classes].square().mean().sqrt().item()
    assert last["weight_error"] == pytest.approx(distance, rel=1e-5)


def test_new_labels_are_few_and_have_the_new_names(trainings):
    run = small_run(concept_shift)
    _, history = fit(run, DATA, 2)
    first, _ = halves(DATA.validation, 2)
    expected = functional.one_hot(swap_names(first.targets[:50], 1), 10).float()
    for name, rate in (("trained_on", 0.003), ("trained_anew", 0.01)):
        args = trainings[name]["args"]
        assert torch.equal(trainings[name]["data"].targets, expected)
        assert (args.learning_rate, args.batch_size, args.num_epochs) == (rate, 10, 4)
    assert len(trainings["kept"]["data"].inputs) == 600 and len(history) == 4


def test_accuracies_in_the_history_are_of_the_target():
    run = small_run(concept_shift, num_swaps=5)
    model, history = fit(run, DATA, 2)
    _, second = halves(DATA.validation, 2)
    inputs = scale_pixels(second, DATA.info, run.args).inputs
    for name, network in model.by_name.items():
        right = (network(inputs).argmax(1) == swap_names(second.targets, 5)).double().mean().item()
        assert history[-1][f"{name}_validation_accuracy"] == pytest.approx(right)
    assert torch.equal(model(inputs), model.by_name["trained_on"](inputs))


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (covariate_shift, {"source_share": 1.0}, "source_share"),
        (covariate_shift, {"target_share": 0.0}, "target_share"),
        (covariate_shift, {"largest_weight": 1.0}, "largest_weight"),
        (label_shift, {"concentration": 0.0}, "concentration"),
        (concept_shift, {"num_swaps": 6}, "num_swaps"),
        (label_shift, {"augmentation": ["flip"]}, "augmentation and label_smoothing must be absent"),
    ],
)
def test_a_shift_that_cannot_be_is_refused(kind, changes, message):
    with pytest.raises(UserError, match=message):
        validate(kind.Args, SETTINGS | KINDS[kind] | changes, "runs.x.args")


def test_data_without_a_validation_split_are_refused():
    data = Data(DATA.train, None, DATA.test, DATA.info)
    with pytest.raises(UserError, match="dataset_shift/small: data = 'noisy_images' must have a validation split"):
        fit(small_run(label_shift), data, 1)
