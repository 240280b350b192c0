"""The training loop against hand arithmetic and PyTorch's own pieces."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional

from stages.core.data import Split
from stages.core.errors import UserError
from stages.core.training import TrainingArgs, learning_rate_factor, mean_loss, predict, train


def arguments(**changes) -> TrainingArgs:
    return TrainingArgs(**{"num_epochs": 1, "batch_size": 4, "learning_rate": 0.1} | changes)


def line(count: int = 4) -> Split:
    inputs = torch.arange(1.0, count + 1)[:, None]
    return Split(inputs, 3 * inputs + 1)


def zero_model() -> nn.Linear:
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


def test_one_step_equals_hand_arithmetic():
    """Full batch, squared error, model at zero: gradients are -2 mean(x y) and -2 mean(y)."""
    model, data = zero_model(), line()
    history = train(model, functional.mse_loss, data, arguments(), seed=0)
    x, y = data
    assert model.weight.item() == pytest.approx(0.1 * 2 * (x * y).mean().item())
    assert model.bias.item() == pytest.approx(0.1 * 2 * y.mean().item())
    assert history[0]["train_loss"] == pytest.approx((y**2).mean().item())


def test_the_penalty_is_the_documents_formula():
    """lambda/(2n) |w|^2 adds lambda/n w to the weight's gradient, nothing to the bias's, and counts in the loss."""
    model, data = zero_model(), line()
    nn.init.constant_(model.weight, 2.0)
    plain = (data.inputs * 2 - data.targets).square().mean()
    gradient = 2 * ((data.inputs * 2 - data.targets) * data.inputs).mean()
    bias_gradient = 2 * (data.inputs * 2 - data.targets).mean()
    history = train(model, functional.mse_loss, data, arguments(l2_penalty=0.8), seed=0)
    assert history[0]["train_loss"] == pytest.approx((plain + 0.8 / (2 * 4) * 4).item())
    assert model.weight.item() == pytest.approx(2.0 - 0.1 * (gradient + 0.8 / 4 * 2.0).item())
    assert model.bias.item() == pytest.approx(-0.1 * bias_gradient.item())


def test_the_training_loss_weighs_a_short_last_batch_by_its_size():
    """Five examples in batches of four, learning rate too small to matter: the mean over five, not of two means."""
    data = line(5)
    history = train(zero_model(), functional.mse_loss, data, arguments(learning_rate=1e-12), seed=0)
    assert history[0]["train_loss"] == pytest.approx((data.targets**2).mean().item(), rel=1e-5)


def test_clipping_bounds_the_step():
    """Plain SGD moves by learning rate times the clipped norm."""
    model = zero_model()
    train(model, functional.mse_loss, line(), arguments(clip_norm=0.5), seed=0)
    moved = math.hypot(model.weight.item(), model.bias.item())
    assert moved == pytest.approx(0.1 * 0.5, rel=1e-4)


def test_schedule_warms_up_and_decays_to_zero():
    factor = learning_rate_factor(arguments(num_epochs=3, warmup_epochs=1, schedule="cosine"), steps_per_epoch=4)
    assert [factor(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert factor(4) == 1.0
    assert factor(8) == pytest.approx(0.5)
    assert factor(12) == pytest.approx(0.0)


def test_the_learning_rate_in_the_history_follows_the_schedule():
    history = train(
        zero_model(),
        functional.mse_loss,
        line(),
        arguments(num_epochs=2, learning_rate=0.01, schedule="cosine"),
        seed=0,
    )
    assert [record["learning_rate"] for record in history] == pytest.approx([0.005, 0.0])


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_equals_a_plain_pytorch_loop(optimizer):
    """Three epochs with shuffling and weight decay, written out with torch.optim."""
    data = Split(torch.randn(10, 3, generator=torch.Generator().manual_seed(0)), torch.arange(10) % 2)
    args = arguments(num_epochs=3, optimizer=optimizer, weight_decay=0.1, learning_rate=0.05)
    torch.manual_seed(1)
    model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
    twin.load_state_dict(model.state_dict())
    train(model, functional.cross_entropy, data, args, seed=7)

    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[optimizer]
    steps = kind(twin.parameters(), lr=0.05, weight_decay=0.1)
    order = torch.Generator().manual_seed(7)
    for _ in range(3):
        for batch in torch.randperm(10, generator=order).split(4):
            steps.zero_grad()
            functional.cross_entropy(twin(data.inputs[batch]), data.targets[batch]).backward()
            steps.step()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_best_state_is_the_one_with_the_lowest_validation_loss():
    """A learning rate that overshoots ever further: the first epoch is the best, and must come back."""
    data = line()
    args = arguments(num_epochs=4, learning_rate=0.2)
    last, best = zero_model(), zero_model()
    history = train(last, functional.mse_loss, data, args, seed=0, validation=data)
    train(best, functional.mse_loss, data, args.model_copy(update={"keep": "best"}), seed=0, validation=data)
    losses = [record["validation_loss"] for record in history]
    assert losses.index(min(losses)) == 0 < losses[-1]
    assert mean_loss(best, functional.mse_loss, data) == pytest.approx(losses[0])
    assert mean_loss(last, functional.mse_loss, data) == pytest.approx(losses[-1])


def test_best_state_needs_validation():
    with pytest.raises(UserError, match="keep = 'best' needs a validation split"):
        train(zero_model(), functional.mse_loss, line(), arguments(keep="best"), seed=0)


def test_divergence_is_named():
    args = arguments(num_epochs=200, learning_rate=100.0)
    with pytest.raises(UserError, match=r"row seed 1: the loss is not finite in epoch \d+; lower learning_rate = 100"):
        train(zero_model(), functional.mse_loss, line(), args, seed=1, label="row seed 1")


def test_dropout_is_on_in_training_and_off_in_evaluation():
    """In training half the units are zero and the rest doubled; in evaluation the input comes through."""
    model, seen = nn.Sequential(nn.Dropout(0.5), nn.Linear(1000, 1)), []
    model[0].register_forward_hook(lambda _module, _inputs, output: seen.append(output.clone()))
    data = Split(torch.ones(8, 1000), torch.zeros(8, 1))
    train(model, functional.mse_loss, data, arguments(batch_size=8), seed=0)
    assert set(seen[0].unique().tolist()) == {0.0, 2.0}
    predict(model, data.inputs)
    assert set(seen[-1].unique().tolist()) == {1.0}


def test_predictions_keep_their_order_across_batches():
    model = nn.Linear(1, 1)
    inputs = torch.randn(7, 1)
    torch.testing.assert_close(predict(model, inputs, batch_size=3), model(inputs).detach())


def test_arguments_refuse_impossible_values():
    for wrong in ({"num_epochs": 0}, {"batch_size": 0}, {"momentum": 1.0}, {"clip_norm": 0.0}, {"weight_decay": -1.0}):
        with pytest.raises(ValidationError):
            arguments(**wrong)


def test_medium_precision_changes_little_and_ends_with_training():
    """Products in bfloat16 move the loss by less than a part in a hundred, and scoring stays in float32."""
    draws = torch.Generator().manual_seed(0)
    data = Split(torch.randn(512, 256, generator=draws), torch.randn(512, 64, generator=draws))
    losses = {}
    for precision in ("highest", "medium"):
        torch.manual_seed(0)
        args = arguments(num_epochs=3, batch_size=64, matmul_precision=precision)
        losses[precision] = train(nn.Linear(256, 64), functional.mse_loss, data, args, seed=0)[-1]["train_loss"]
    assert losses["medium"] == pytest.approx(losses["highest"], rel=1e-2)
    assert torch.get_float32_matmul_precision() == "highest"


def test_batches_are_augmented_before_the_model_sees_them():
    """Doubling inputs and targets of the batches is training on doubled data; validation stays as it is."""
    data = line()
    changed, plain = zero_model(), zero_model()
    doubled = Split(2 * data.inputs, 2 * data.targets)
    augmented = train(
        changed, functional.mse_loss, data, arguments(), seed=0, validation=data, augment=lambda x, y: (2 * x, 2 * y)
    )
    expected = train(plain, functional.mse_loss, doubled, arguments(), seed=0, validation=data)
    assert augmented == expected
    assert torch.equal(changed.weight, plain.weight)


def test_what_is_watched_is_in_the_record_of_each_epoch():
    model = zero_model()
    history = train(
        model,
        functional.mse_loss,
        line(),
        arguments(num_epochs=2),
        seed=0,
        watch=lambda: {"weight": model.weight.item()},
    )
    assert [set(record) for record in history] == [{"epoch", "train_loss", "learning_rate", "weight"}] * 2
    assert history[1]["weight"] == model.weight.item() != history[0]["weight"]
