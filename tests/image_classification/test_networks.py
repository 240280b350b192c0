"""The convolutional networks against constructions of their own: torchvision's blocks where there are such."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import densenet as tv_densenet
from torchvision.models import resnet as tv_resnet
from torchvision.models import vgg as tv_vgg
from torchvision.models.googlenet import Inception

from stages.image_classification import alexnet, densenet, googlenet, lenet, nin, resnet, row_lstm, vgg
from stages.image_classification.batch_norm import BatchNorm

TRAINING = {"num_epochs": 1, "batch_size": 64, "learning_rate": 0.01, "precision": "float32"}
CLASSES = {"classes": ["a", "b", "c"]}


def built(module, **args) -> nn.Module:
    return module.build(module.Args(**TRAINING, **args), CLASSES)


def images(count: int = 6) -> Tensor:
    return torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def with_the_same_weights(other: nn.Module, model: nn.Module) -> nn.Module:
    """Give `other` the tensors of `model`, both in the order of their layers."""
    theirs, ours = other.state_dict(), model.state_dict()
    assert [tensor.shape for tensor in theirs.values()] == [tensor.shape for tensor in ours.values()]
    other.load_state_dict(dict(zip(theirs, ours.values(), strict=True)))
    return other


def check_equal(model: nn.Module, other, module: nn.Module | None = None) -> None:
    """Check outputs and the gradient of the inputs, in training, and then the running statistics in evaluation.

    In float64, because rounding decides on which side of its kink a ReLU is.
    """
    x, y = images().double().requires_grad_(), images().double().requires_grad_()
    for network in filter(None, (model, module)):
        network.double().train()
    ours, theirs = model(x), other(y)
    torch.testing.assert_close(ours, theirs.float())
    ours.square().sum().backward()
    theirs.square().sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-4)
    if module is not None:
        model.eval(), module.eval()
        torch.testing.assert_close(model(x), other(y).float())


def test_alexnet():
    model = built(alexnet, channels=[4, 6, 8, 8, 5], num_hiddens=7, dropout=0.0)

    def pool():
        return nn.MaxPool2d(3, 2, padding=1)

    other = nn.Sequential(
        *(nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), pool(), nn.Conv2d(4, 6, 5, padding=2), nn.ReLU(), pool()),
        *(nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 5, 3, padding=1), nn.ReLU(), pool(), nn.Flatten()),
        *(nn.Linear(80, 7), nn.ReLU(), nn.Linear(7, 7), nn.ReLU(), nn.Linear(7, 3)),
    )
    check_equal(model, with_the_same_weights(other, model).double())


def test_vgg_is_torchvisions():
    model = built(vgg, convolutions=[1, 2], channels=[4, 6], num_hiddens=7, dropout=0.0)
    maps = tv_vgg.make_layers([4, "M", 6, 6, "M"])
    maps[0] = nn.Conv2d(1, 4, 3, padding=1)
    head = nn.Sequential(nn.Flatten(), nn.Linear(294, 7), nn.ReLU(), nn.Linear(7, 7), nn.ReLU(), nn.Linear(7, 3))
    check_equal(model, with_the_same_weights(nn.Sequential(maps, head), model).double())


def test_nin():
    """Of its three kinds of layers the small networks are linear maps of the feature maps of a place."""
    model = built(nin, channels=[4, 5, 6], dropout=0.0)
    weights = list(model.parameters())

    def block(values: Tensor, first: int, last: bool = False) -> Tensor:
        kernel = weights[first].shape[-1]
        values = functional.conv2d(values, weights[first], weights[first + 1], padding=kernel // 2).relu()
        for index in (first + 2, first + 4):
            values = torch.einsum("nchw,dc->ndhw", values, weights[index][:, :, 0, 0])
            values = values + weights[index + 1][:, None, None]
            values = values if last and index == first + 4 else values.relu()
        return values

    def other(values: Tensor) -> Tensor:
        for first in (0, 6, 12):
            values = functional.max_pool2d(block(values, first), 3, 2, padding=1)
        return block(values, 18, last=True).mean((2, 3))

    check_equal(model, other)


def test_an_inception_block_is_torchvisions_without_normalisation():
    """Torchvision's has a kernel of 3 by 3 in place of 5 by 5, as it says itself, and normalisation."""
    ours = googlenet.Inception(5, 2)
    theirs = Inception(5, 4, 4, 8, 2, 2, 2, conv_block=_Convolution)
    theirs.branch3[1].conv = nn.Conv2d(2, 2, 5, padding=2)
    with_the_same_weights(theirs, ours)
    x = torch.randn(2, 5, 8, 8)
    torch.testing.assert_close(ours(x), theirs(x))


class _Convolution(nn.Module):
    def __init__(self, num_inputs: int, num_outputs: int, **options) -> None:
        super().__init__()
        self.conv = nn.Conv2d(num_inputs, num_outputs, **options)

    def forward(self, values: Tensor) -> Tensor:
        return self.conv(values).relu()


def test_googlenet_is_stem_blocks_and_means():
    model = built(googlenet, stem=[3, 4], widths=[1, 2, 2, 3])
    first, second = model.maps[0][0], model.maps[2][0]
    a, b, c, d = (layer for layer in model.maps if isinstance(layer, googlenet.Inception))

    def pool(values: Tensor) -> Tensor:
        return functional.max_pool2d(values, 3, 2, padding=1)

    def other(values: Tensor) -> Tensor:
        values = second(pool(first(values).relu())).relu()
        return model.output[2](d(c(pool(b(a(values))))).mean((2, 3)))

    check_equal(model, other)


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_resnet_is_of_torchvisions_blocks(kind):
    model = built(resnet, blocks=[1, 2], num_channels=4, stem_channels=3, stem_pooling=True, block=kind)
    theirs, factor = (tv_resnet.BasicBlock, 1) if kind == "basic" else (tv_resnet.Bottleneck, 4)

    def block(num_inputs: int, planes: int, stride: int) -> nn.Module:
        outputs = planes * factor
        projection = None
        if stride > 1 or num_inputs != outputs:
            projection = nn.Sequential(nn.Conv2d(num_inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        return theirs(num_inputs, planes, stride, projection)

    other = nn.Sequential(
        *(nn.Conv2d(1, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)),
        *(block(3, 4, 1), block(4 * factor, 8, 2), block(8 * factor, 8, 1)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * factor, 3)),
    )
    check_equal(model, with_the_same_weights(other, model), other)


def test_a_plain_network_is_the_residual_one_without_the_shortcuts():
    model = built(resnet, blocks=[1, 2], num_channels=4, shortcuts=False, normalisation="none")
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert len(layers) == 1 + 2 * 3

    def other(values: Tensor) -> Tensor:
        for layer in layers:
            values = layer(values).relu()
        return model.output(values)

    check_equal(model, other)


def test_densenet_is_of_torchvisions_blocks_without_bottlenecks():
    model = built(densenet, layers=[2, 3], num_channels=4, stem_pooling=True, growth_rate=3)

    class Layer(nn.Module):
        def __init__(self, num_inputs: int) -> None:
            super().__init__()
            self.norm, self.conv = nn.BatchNorm2d(num_inputs), nn.Conv2d(num_inputs, 3, 3, padding=1, bias=False)

        def forward(self, inputs: list[Tensor]) -> Tensor:
            return self.conv(self.norm(torch.cat(inputs, 1)).relu())

    def block(count: int, num_inputs: int) -> nn.Module:
        made = tv_densenet._DenseBlock(count, num_inputs, 1, 3, 0.0)
        for index, name in enumerate(list(made)):
            made[name] = Layer(num_inputs + 3 * index)
        return made

    other = nn.Sequential(
        *(
            nn.Conv2d(1, 4, 3, padding=1, bias=False),
            nn.MaxPool2d(2),
            block(2, 4),
            tv_densenet._Transition(10, 5),
            block(3, 5),
        ),
        *(nn.BatchNorm2d(14), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(14, 3)),
    )
    check_equal(model, with_the_same_weights(other, model), other)


def test_a_test_image_and_its_mirror_image_are_classified_alike_where_asked():
    model = built(vgg, convolutions=[1], channels=[4], num_hiddens=7, mirrored_in_test=True)
    once = with_the_same_weights(built(vgg, convolutions=[1], channels=[4], num_hiddens=7), model).eval()
    x = images()
    assert not torch.allclose(model.train()(x), model(x.flip(-1)), rtol=1e-3)
    torch.testing.assert_close(model.eval()(x), (once(x) + once(x.flip(-1))) / 2)


SMALL = {
    alexnet: {"channels": [4, 4, 4, 4, 4], "num_hiddens": 5},
    densenet: {"layers": [1, 1], "num_channels": 4, "growth_rate": 2},
    googlenet: {"stem": [2, 2], "widths": [1, 1, 1, 1]},
    lenet: {"channels": [4, 4, 4], "num_features": 5},
    nin: {"channels": [4, 4, 4]},
    resnet: {"blocks": [1, 1], "num_channels": 4},
    row_lstm: {"num_hiddens": 5},
    vgg: {"convolutions": [1, 1], "channels": [4, 4], "num_hiddens": 5},
}


@pytest.mark.parametrize(("module", "args"), SMALL.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_networks_are_built_for_the_channels_and_the_size_of_the_data(module, args):
    """Every channel counts, in the logits and so in what is learned; without a word, images are grey and of 28."""
    torch.manual_seed(0)
    model = module.build(module.Args(**TRAINING, **args), CLASSES | {"channels": 3, "size": 32}).eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits = model(images)
    assert logits.shape == (2, 3)
    (gradient,) = torch.autograd.grad(logits.sum(), images)
    assert (gradient.abs().sum((0, 2, 3)) > 0).all()
    weights = []
    for info in (CLASSES, CLASSES | {"channels": 1, "size": 28}):
        torch.manual_seed(0)
        weights.append(module.build(module.Args(**TRAINING, **args), info).state_dict())
    assert all(map(torch.equal, weights[0].values(), weights[1].values()))


def test_row_lstm_steps_through_the_rows_and_classifies_by_the_last_output():
    model = built(row_lstm, num_hiddens=5)
    cell = nn.LSTMCell(28, 5)
    cell.load_state_dict({name.removesuffix("_l0"): tensor for name, tensor in model.lstm.state_dict().items()})

    def other(values: Tensor) -> Tensor:
        state = None
        for row in values[:, 0].unbind(1):
            state = cell(row, state)
        return model.output(state[0])

    cell.double()
    check_equal(model, other)


@pytest.mark.parametrize("shape", [(20, 4), (6, 4, 5, 5)])
def test_own_batch_norm_is_torchs(shape):
    """Forward and backward in training, running statistics, and evaluation; of a linear layer and of a convolution."""
    ours = BatchNorm(4)
    theirs = nn.BatchNorm1d(4) if len(shape) == 2 else nn.BatchNorm2d(4)
    for layer in (ours, theirs):
        weight, bias = layer.parameters()
        nn.init.normal_(weight, generator=torch.Generator().manual_seed(1))
        nn.init.normal_(bias, generator=torch.Generator().manual_seed(2))
    draws = torch.Generator().manual_seed(0)
    for _ in range(3):
        x = (3 * torch.randn(shape, generator=draws) + 2).requires_grad_()
        y = x.detach().clone().requires_grad_()
        weights = torch.randn(shape, generator=draws)
        torch.testing.assert_close(ours(x), theirs(y), rtol=1e-5, atol=1e-5)
        (ours(x) * weights).sum().backward()
        (theirs(y) * weights).sum().backward()
        torch.testing.assert_close(x.grad, y.grad, rtol=1e-5, atol=1e-5)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["none", "batch", "own_batch", "layer"])
def test_each_normalisation_trains_in_bfloat16(kind):
    args = resnet.Args(**TRAINING | {"precision": "bfloat16"}, blocks=[1], num_channels=4, normalisation=kind)
    model = resnet.build(args, CLASSES)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    functional.cross_entropy(model(images()), torch.tensor([0, 1, 2, 0, 1, 2])).backward()
    optimizer.step()
    assert all(not torch.equal(tensor, before[name]) for name, tensor in model.named_parameters())
