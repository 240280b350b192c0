"""Accuracies by hand, and the figures of them."""

import pandas as pd
import pytest
import torch
from torch import nn

from stages.core.errors import UserError
from stages.dataset_shift import concept_shift, covariate_shift, label_shift
from stages.dataset_shift.evaluate import outputs, score
from stages.dataset_shift.figures import draw, draw_table, test_examples
from tests.dataset_shift.small import DATA, small_run

test_examples.__test__ = False  # for pytest
IS_3 = (DATA.test.targets == 3).double()


class Says(nn.Module):
    """Says 3 of every image that is not moved, and 4 of the others."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        moved = (images[:, 0, 0] == images[:, 0, 0, :1]).all(1)  # a first row of one value
        return torch.eye(10)[torch.where(moved, 4, 3)]


def networks_that_say(kind, **changes):
    run = small_run(kind, **changes)
    model = kind.build(run.args, DATA.info)
    for name in model.by_name:
        model.by_name[name] = Says()
    return run, model


def test_an_image_counts_as_it_is_and_changed_by_their_shares():
    run, model = networks_that_say(covariate_shift)
    scores = score(model, run, DATA, [{"effective_share": 0.5, "weight_error": 2.0, "error_without_weights": 3.0}])
    as_it_is, changed = IS_3.mean().item(), (DATA.test.targets == 4).double().mean().item()
    source, target = 0.9 * as_it_is + 0.1 * changed, 0.1 * as_it_is + 0.9 * changed
    names = ("unweighted", "weighted", "truly_weighted")
    expected = {f"{name}_accuracy": target for name in names} | {"source_accuracy": source}
    expected |= {"source_accuracy_after": source, "effective_share": 0.5}
    assert scores == pytest.approx(expected | {"weight_error": 2.0, "error_without_weights": 3.0})


def test_a_class_counts_by_its_frequency():
    """All of class 3 are right and no others: the accuracy in the target is that class's frequency there."""
    run, model = networks_that_say(label_shift)
    history = [{f"frequency_{number}": 0.55 if number == 3 else 0.05 for number in range(10)} | {"train_loss": 1.0}]
    scores = score(model, run, DATA, history)
    assert scores["weighted_accuracy"] == pytest.approx(0.55)
    assert scores["source_accuracy"] == pytest.approx(IS_3.mean().item())


def test_new_names_count_in_the_target():
    run, model = networks_that_say(concept_shift, num_swaps=2)
    scores = score(model, run, DATA, [{}])
    assert scores["kept_accuracy"] == pytest.approx((DATA.test.targets == 2).double().mean().item())
    assert scores["source_accuracy"] == pytest.approx(IS_3.mean().item())


def test_the_headline_is_the_accuracy_in_the_target():
    run, model = networks_that_say(covariate_shift)
    found = outputs(model, run, DATA)
    examples = test_examples(run, "weighted_accuracy", found)
    expected = 0.1 * IS_3 + 0.9 * (DATA.test.targets == 4)
    assert examples.sizes == (300,) and examples.statistic(range(50)) == pytest.approx(expected[:50].mean().item())
    with pytest.raises(UserError, match="source_accuracy"):
        test_examples(run, "source_accuracy", found)


def test_images_are_drawn_as_they_are_and_changed():
    """On one scale of greys: darker images look darker."""
    run, model = networks_that_say(covariate_shift)
    drawing = draw("A row", outputs(model, run, DATA), DATA)["images"]
    axes = [one for one in drawing.figure.axes if one.images]
    assert len(axes) == 20
    before, after = (axes[place].images[0].get_array() for place in (0, 10))
    assert (after[3:, 3:] == before[:-3, :-3]).all() and not after[:3].any()
    assert {one.images[0].get_clim() for one in axes} == {(0, 255)}


def lines(drawing) -> dict[str, tuple[list, list]]:
    (axes,) = drawing.figure.axes
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def frame(accuracy: float) -> pd.DataFrame:
    columns = {"unweighted_validation_accuracy": [0.1, accuracy], "weighted_validation_accuracy": [0.1, accuracy + 0.1]}
    return pd.DataFrame({"epoch": [1, 2], "train_loss": [2.0, 1.0]} | columns)


def test_accuracies_are_drawn_by_the_strength_of_the_shift():
    curves = {f"row {share}": frame(share) for share in (0.3, 0.6)}
    found = {label: {"target_share": torch.tensor(float(label[4:]))} for label in curves}
    drawn = draw_table("A table", curves, found, {})
    assert drawn.keys() == {"accuracies"}
    assert lines(drawn["accuracies"])["unweighted"] == ([0.3, 0.6], [0.3, 0.6])
    assert lines(drawn["accuracies"])["weighted"] == ([0.3, 0.6], pytest.approx([0.4, 0.7]))


def test_accuracies_are_drawn_by_row_where_shifts_are_of_other_kinds():
    """A network that a row lacks leaves a gap."""
    curves = {"moved": frame(0.3), "unseen": frame(0.6).drop(columns="weighted_validation_accuracy")}
    found = {label: {"target_share": torch.tensor(0.9)} for label in curves}
    drawing = draw_table("A table", curves, found, {})["accuracies"]
    assert lines(drawing)["unweighted"] == ([0, 1], [0.3, 0.6])
    assert lines(drawing)["weighted"][1] == pytest.approx([0.4, float("nan")], nan_ok=True)
    assert [text.get_text() for text in drawing.figure.axes[0].get_xticklabels()] == ["moved", "unseen"]


def test_estimated_weights_are_drawn_over_true_ones():
    weights = {"true_weight_1": 3.0, "estimated_weight_1": 2.5, "true_weight_2": 0.5, "estimated_weight_2": 0.0}
    curves = {f"row {number}": frame(0.5).assign(**weights) for number in (1, 10)}
    found = {label: {"concentration": torch.tensor(float(label[4:]))} for label in curves}
    drawn = draw_table("A table", curves, found, {})
    assert lines(drawn["weights"])["row 10"] == ([3.0, 0.5], [2.5, 0.0])
    (axes,) = drawn["accuracies"].figure.axes
    assert axes.xaxis_inverted()  # the shift is the stronger the smaller the concentration
